"""A whole installation on this machine, with both doors open: three processes, the real stacks and functions.

Projects of the profile `regression` come through the blueprint, those of `Tabular by event` through the event rule.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.exceptions import ClientError

from local import assembly, domain, ministack, projects, studio, versions
from local import run as runs
from local.home import Home
from local.terminal import Terminal
from standins.aws.emulator import Emulator
from tests.sharing import begin_with_first, forget_spent_budget, synthesized_before

FIRST_DOOR, SECOND_DOOR, OWN = "regression", "Tabular by event", "Tabular of our own"
PRINCIPAL = "portfolio-principal"
DOMAIN = domain.KINDS["identity-center"]
SECONDS = 240  # five installations at once on two slow cores
AnswerT = TypeVar("AnswerT")


def eventually(look: Callable[[], AnswerT | None], seconds: float = SECONDS) -> AnswerT:
    """Return the first true answer. Fails after the seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = look()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds:.0f} s")


@dataclass
class Installation:
    """The run, and what a test asks of it."""

    run: runs.Run
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.run.cloud.client(service)
        return self._clients[service]

    def client_as(self, role: str, service: str) -> Any:
        """Return a client that signs as a role of the account."""
        arn = f"arn:aws:iam::{ministack.ACCOUNT}:role/{role}"
        keys = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.run.cloud.stand_in_url,
            region_name=ministack.REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def portfolio_principal(self) -> str:
        """Return the name of a role that may launch from the portfolio, and is none of Studio's doors."""
        name, iam = PRINCIPAL, self.client("iam")
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
            arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
            product = self.stack_outputs("PortfolioStack")["ProductId"]
            for portfolio in self.catalog.list_portfolios()["PortfolioDetails"]:
                found = self.catalog.search_products_as_admin(PortfolioId=portfolio["Id"])["ProductViewDetails"]
                if product in {item["ProductViewSummary"]["ProductId"] for item in found}:
                    self.catalog.associate_principal_with_portfolio(
                        PortfolioId=portfolio["Id"], PrincipalARN=arn, PrincipalType="IAM"
                    )
        return name

    @property
    def domain(self) -> str:
        return domain.identifier(self.run.home)

    @property
    def datazone(self) -> Any:
        return self.client("datazone")

    @property
    def catalog(self) -> Any:
        return self.client("servicecatalog")

    # -- Studio

    def create(self, name: str, profile: str = FIRST_DOOR, **more: Any) -> str:
        """Create a project as a user does; return its id at once."""
        forget_spent_budget(self.run.home)
        (found,) = self.datazone.list_project_profiles(domainIdentifier=self.domain, name=profile)["items"]
        made = self.datazone.create_project(
            domainIdentifier=self.domain, name=name, projectProfileId=found["id"], **more
        )
        return str(made["id"])

    def tooling(self, project: str, **behaviour: Any) -> None:
        """Say how a project's tooling environment will behave."""
        self.run.standin_aws.call("POST", "tooling", {"project": project, **behaviour})

    def project(self, project: str) -> dict[str, Any]:
        return dict(self.datazone.get_project(domainIdentifier=self.domain, identifier=project))

    def deployed(self, project: str, status: str = "SUCCESSFUL") -> dict[str, Any]:
        """Wait until Studio has deployed the project, and that it ended so."""

        def ended() -> dict[str, Any] | None:
            details = self.project(project)["environmentDeploymentDetails"]
            return details if details["overallDeploymentStatus"] in studio._ENDS else None

        details = eventually(ended)
        assert details["overallDeploymentStatus"] == status, details
        return details

    def delete(self, project: str) -> None:
        """Delete a project and wait until it is gone."""
        self.datazone.delete_project(domainIdentifier=self.domain, identifier=project)

        def gone() -> bool:
            try:
                found = self.project(project)
            except ClientError as error:
                return error.response["Error"]["Code"] == "ResourceNotFoundException"
            assert found["projectStatus"] == "DELETING", found
            return False

        eventually(gone)

    # -- Service Catalog

    def launch(self, project: str) -> dict[str, Any] | None:
        """Return the project's provisioned product, or None."""
        try:
            return dict(self.catalog.describe_provisioned_product(Name=f"studio-{project}")["ProvisionedProductDetail"])
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceNotFoundException"
            return None

    def available(self, project: str) -> dict[str, Any]:
        """Wait until the project's product is launched."""

        def ready() -> dict[str, Any] | None:
            found = self.launch(project)
            assert not found or found["Status"] != "ERROR", found
            return found if found and found["Status"] == "AVAILABLE" else None

        return eventually(ready)

    def outputs(self, project: str) -> dict[str, str]:
        found: dict[str, str] = {}
        page: Mapping[str, Any] = {"NextPageToken": ""}
        while "NextPageToken" in page:
            more = {"PageToken": page["NextPageToken"]} if page["NextPageToken"] else {}
            page = self.catalog.get_provisioned_product_outputs(ProvisionedProductName=f"studio-{project}", **more)
            found |= {item["OutputKey"]: item["OutputValue"] for item in page["Outputs"]}
        return found

    def calls(self, operation: str, caller: str = "") -> list[dict[str, Any]]:
        """Return the calls of an operation that the AWS stand-in answered, by a role of this name."""
        answer = self.run.standin_aws.call("GET", f"calls?operation={operation}")
        return [call for call in answer if call["caller"].endswith(caller)]

    @property
    def version(self) -> str:
        """The product's current version."""
        return list(self.run.assembly.product_templates())[-1]

    def blueprint(self) -> dict[str, Any]:
        found = self.datazone.list_environment_blueprints(domainIdentifier=self.domain, managed=False)["items"]
        (ours,) = [item for item in found if item["name"] == "MLOps repositories"]
        return dict(self.datazone.get_environment_blueprint(domainIdentifier=self.domain, identifier=ours["id"]))

    # -- GitHub

    def tree(self, name: str) -> dict[str, bytes]:
        """Return the files at the default branch's tip."""
        bare = ["git", "-C", self.repository(name)["git_directory"]]
        listed = subprocess.run([*bare, "ls-tree", "-r", "--name-only", "main"], capture_output=True, check=True).stdout
        return {
            path: subprocess.run([*bare, "show", f"main:{path}"], capture_output=True, check=True).stdout
            for path in listed.decode().splitlines()
        }

    def repository(self, name: str) -> dict[str, Any]:
        return self.run.standin_github.repository(f"{runs.ORGANIZATION}/{name}")

    def github(self, verb: str, path: str, body: Any = None) -> Any:
        """Use GitHub as a person does."""
        import requests

        answer = requests.request(
            verb,
            f"{self.run.github.api_url}{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.run.token()}"},
            timeout=30,
        )
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    # -- events

    def put_event(self, source: str, kind: str, detail: Mapping[str, Any]) -> None:
        """Send what an AWS service would."""
        entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail)}
        assert Emulator(self.run.cloud.ministack_url).put_event(ministack.ACCOUNT, ministack.REGION, entry) == ""

    def executions(self) -> dict[str, dict[str, Any]]:
        """Return the second door's executions: what came in, and how each stands."""
        machine = self.stack_outputs(assembly.STUDIO)["ProjectSetupStateMachine"]
        listed = self.client("stepfunctions").list_executions(stateMachineArn=machine, maxResults=1000)["executions"]
        described = [
            self.client("stepfunctions").describe_execution(executionArn=item["executionArn"]) for item in listed
        ]
        return {
            item["executionArn"]: {**item, "input": json.loads(item["input"]), "status": item["status"]}
            for item in described
        }

    def settled(self, project: str) -> list[dict[str, Any]]:
        """Wait until no execution that is about the project runs; return them."""

        def ended() -> list[dict[str, Any]]:
            mine = [item for item in self.executions().values() if project in json.dumps(item["input"])]
            return mine if mine and all(item["status"] != "RUNNING" for item in mine) else []

        return eventually(ended)

    def final_state(self, execution: dict[str, Any]) -> str:
        """Return the state that an execution ended in."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        events = [
            event
            for page in pages.paginate(executionArn=execution["executionArn"])
            for event in page["events"]
            if "stateEnteredEventDetails" in event
        ]
        return str(events[-1]["stateEnteredEventDetails"]["name"])

    def stack_outputs(self, stack: str) -> dict[str, str]:
        found = self.run.cloud.stacks.find(stack)
        assert found
        return dict(found.outputs)

    def stack_reasons(self, stack: str) -> list[str]:
        """Return the reasons in a stack's failed events, the newest first."""
        events = self.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        return [
            event.get("ResourceStatusReason", "") for event in events if event["ResourceStatus"].endswith("_FAILED")
        ]


def quiet() -> Terminal:
    return Terminal(as_json=True, stream=io.StringIO())


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = Home(tmp_path_factory.mktemp("studio-home"))
    patch = pytest.MonkeyPatch()
    settings = ministack.settings
    # Step Functions' clock runs twenty times as fast: what waits minutes on AWS waits seconds here.
    patch.setattr(ministack, "settings", lambda *given: {**settings(*given), "SFN_WAIT_SCALE": "0.05"})
    try:
        for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        open_both_doors(home)
        begin_with_first(home)
        first = versions.ensure_first
        patch.setattr(versions, "ensure_first", lambda given: first(given) if given != home else None)
        synthesized_before(home, tmp_path_factory)
        run = runs.up(home, quiet())
        run.standin_aws.call("POST", "events", {"enabled": True})
        yield Installation(run)
    finally:
        runs.down(home, wipe=True)
        patch.undo()


def open_both_doors(home: Home, kind: str = "", **studio_settings: str) -> None:
    """Write the settings of an installation with everything switched on."""
    domain.use_profile(home, FIRST_DOOR, runs.ORGANIZATION, kind)
    folders = f'[profile_folders]\n"{SECOND_DOOR}" = "regression"\n"{OWN}" = "regression"\n'
    text = home.settings.read_text(encoding="utf-8").replace("[profile_folders]\n", folders)
    # portfolio_principal() is an administrator of the settings.
    for off, on in (("principal_patterns = []", f'principal_patterns = ["arn:aws:iam:::role/{PRINCIPAL}"]'),
                    ("classic = false", "classic = true")):  # fmt: skip
        assert f"\n{off}\n" in text
        text = text.replace(f"\n{off}\n", f"\n{on}\n")
    text += "".join(f'{name} = "{value}"\n' for name, value in studio_settings.items())  # at the end of [studio]
    home.settings.write_text(
        f'{text}\n[studio.own_profiles."{OWN}"]\ndescription = "Made here"\n'
        f'[studio.project_setup]\nprofiles = ["{SECOND_DOOR}"]\n'
        "[studio.model_approval]\nenabled = true\n",
        encoding="utf-8",
    )


def newest_content(installation: Installation, content: Path) -> Path:
    """Write what the newest version of the run has into a folder, as a source of the next one; return its README."""
    newest = projects.archive_of(installation.run, installation.version)
    for profile in newest.profiles():
        for file in newest.stream(profile):
            target = content / profile / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.content)
            target.chmod(0o755 if file.executable else 0o644)
    return content / "regression" / "model_build" / "README.md"
