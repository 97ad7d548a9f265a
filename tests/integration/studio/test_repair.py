"""`operations repair` on the local run: launches that GitHub stopped half way come back, or are ended."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from local import ministack
from local import run as runs
from operations.command_line import main
from tests.integration.studio.conftest import Installation, eventually
from tests.sharing import forget_spent_budget

# Whole projects on MiniStack; tests/integration/studio/test_first_door.py has one in make test.
pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.shares("projects", seconds=60)]

Report = dict[str, Any]


@dataclass
class Repairs:
    """An administrator at the command line, and GitHub's credentials in the installation's secret."""

    installation: Installation
    capsys: pytest.CaptureFixture[str]

    def repair(self, project: str, *more: str) -> tuple[int, Report]:
        """Run the command for a project; return the exit status and the one launch's line, {} if none has stopped."""
        forget_spent_budget(self.installation.run.home)
        self.capsys.readouterr()
        code = main(["repair", "--json", "--project", project, *more])
        document = json.loads(self.capsys.readouterr().out)
        assert "error" not in document, document
        return code, next(iter(document["launches"]), {})

    def use(self, secret: str) -> None:
        """Put other credentials into the secret, and have the functions begin without the former ones."""
        run = self.installation.run
        run.cloud.secrets.put_secret_value(SecretId=runs.token_secret(run.cloud), SecretString=secret)
        runs.forget_token(run)

    def changed(self, project: str, **parameters: str) -> dict[str, Any]:
        """Update a launch's parameters; return the record when it has ended."""
        forget_spent_budget(self.installation.run.home)
        catalog = self.installation.client_as(self.installation.portfolio_principal(), "servicecatalog")
        launch = self.installation.launch(project)
        assert launch
        stack = self.installation.run.cloud.stacks.find(self.stack(project))
        assert stack
        kept = [{"Key": key, "UsePreviousValue": True} for key in stack.parameters if key not in parameters]
        given = [{"Key": key, "Value": value} for key, value in parameters.items()]
        record = catalog.update_provisioned_product(
            ProvisionedProductId=launch["Id"],
            ProductId=launch["ProductId"],
            ProvisioningArtifactId=launch["ProvisioningArtifactId"],
            ProvisioningParameters=[*kept, *given],
            UpdateToken=str(uuid.uuid4()),
        )["RecordDetail"]["RecordId"]
        return self._ended(record)

    def terminated(self, project: str) -> dict[str, Any]:
        """Terminate a launch; return the record when it has ended."""
        catalog = self.installation.client_as(self.installation.portfolio_principal(), "servicecatalog")
        record = catalog.terminate_provisioned_product(
            ProvisionedProductName=f"studio-{project}", TerminateToken=str(uuid.uuid4())
        )["RecordDetail"]["RecordId"]
        return self._ended(record)

    def _ended(self, record: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            found = dict(self.installation.catalog.describe_record(Id=record)["RecordDetail"])
            return found if found["Status"] in ("SUCCEEDED", "FAILED") else None

        return eventually(ended)

    def stack(self, project: str) -> str:
        launch = self.installation.launch(project)
        assert launch
        return f"SC-{ministack.ACCOUNT}-{launch['Id']}"

    def status(self, project: str) -> tuple[str, str]:
        """Return Service Catalog's status and the stack's, "" for what is gone."""
        launch = self.installation.launch(project)
        if launch is None:
            return "", ""
        found = self.installation.run.cloud.stacks.find(self.stack(project))
        return launch["Status"], found.status if found else ""

    def lose_records(self) -> None:
        """Lose what the table remembers of updates, as it may be."""
        client = self.installation.client("dynamodb")
        (table,) = [name for name in client.list_tables()["TableNames"] if "RateBudget" in name]
        for item in client.scan(TableName=table)["Items"]:
            if item["Id"]["S"].startswith("update "):
                client.delete_item(TableName=table, Key={"Id": item["Id"]})


@pytest.fixture
def repairs(installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    arn = f"arn:aws:iam::{ministack.ACCOUNT}:role/{installation.portfolio_principal()}"
    keys = installation.client("sts").assume_role(RoleArn=arn, RoleSessionName="administrator")["Credentials"]
    cloud = installation.run.cloud
    for name, value in {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
        "AWS_DEFAULT_REGION": ministack.REGION,
        "AWS_ENDPOINT_URL": cloud.ministack_url,
        "AWS_ENDPOINT_URL_SERVICE_CATALOG": cloud.stand_in_url,
        "SETTINGS_FILE": str(installation.run.home.settings),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("operations.repair.POLL_SECONDS", 0.2)
    made = Repairs(installation, capsys)
    good = cloud.secrets.get_secret_value(SecretId=runs.token_secret(cloud))["SecretString"]
    try:
        yield made
    finally:
        made.use(good)


@pytest.fixture
def good(repairs: Repairs) -> str:
    """The secret as it was."""
    cloud = repairs.installation.run.cloud
    return str(cloud.secrets.get_secret_value(SecretId=runs.token_secret(cloud))["SecretString"])


def uninstalled(installation: Installation) -> str:
    """Return the credentials of a GitHub App that is installed nowhere: GitHub answers 404 to its token request."""
    made = installation.run.standin_github.call("POST", "apps", {"slug": f"app-{uuid.uuid4().hex[:6]}"})
    return json.dumps({"app_id": str(made["id"]), "installation_id": "999999", "private_key": made["private_key"]})


@pytest.mark.parametrize("cause", ["token", "app"])
def test_an_update_and_a_deletion_that_github_refused(
    installation: Installation, repairs: Repairs, good: str, cause: str
) -> None:
    project = installation.create(f"refused-{cause}", "Tabular by event")
    installation.available(project)
    assert repairs.repair(project) == (0, {})
    build = installation.outputs(project)["BuildRepositoryName"]
    bad = "ghp_rejected" if cause == "token" else uninstalled(installation)
    said = "rejected the token" if cause == "token" else "does not have an installation"

    repairs.use(bad)
    assert repairs.changed(project, GlueTable="penguins")["Status"] == "FAILED"
    assert repairs.status(project) == ("TAINTED", "UPDATE_ROLLBACK_COMPLETE"), "no hand was needed"
    code, found = repairs.repair(project)
    assert (code, found["result"], found["actions"]) == (3, "planned", ["update to its own version"])
    assert any(said in reason for reason in found["why"]), found["why"]
    code, found = repairs.repair(project, "--yes")
    assert (code, found["result"], found["reason"]) == (0, "repaired", found["reason"])
    assert repairs.status(project)[0] == "AVAILABLE"
    repairs.use(good)
    assert repairs.changed(project, GlueTable="penguins")["Status"] == "SUCCEEDED"
    assert installation.repository(build)["secrets"]["GLUE_TABLE"] == "penguins"

    # What is remembered was lost: the rollback had to ask GitHub, too.
    repairs.lose_records()
    repairs.use(bad)
    assert repairs.changed(project, GlueTable="abalone")["Status"] == "FAILED"
    assert repairs.status(project) == ("TAINTED", "UPDATE_ROLLBACK_FAILED")
    code, found = repairs.repair(project, "--yes")
    assert (code, found["result"]) == (3, "left")
    assert said in found["reason"]
    assert found["next"].startswith("python -m operations repair --project pp-")
    repairs.use(good)
    code, found = repairs.repair(project, "--yes")
    assert (code, found["result"], found["reason"]) == (0, "repaired", found["reason"])
    assert repairs.status(project)[0] == "AVAILABLE"

    repairs.use(bad)
    assert repairs.terminated(project)["Status"] == "FAILED"
    assert repairs.status(project)[1] == "DELETE_FAILED"
    code, found = repairs.repair(project, "--yes")
    assert (code, found["result"]) == (3, "left")
    assert said in found["reason"]
    assert not installation.repository(build)["archived"]
    repairs.use(good)
    code, found = repairs.repair(project, "--yes")
    assert (code, found["result"], found["reason"]) == (0, "repaired", found["reason"])
    assert repairs.status(project) == ("", "")
    assert installation.repository(build)["archived"]


def test_a_repository_that_was_deleted_on_github(installation: Installation, repairs: Repairs, good: str) -> None:
    project = installation.create("deleted", "Tabular by event")
    installation.available(project)
    outputs = installation.outputs(project)
    names = [f"{runs.ORGANIZATION}/{outputs[f'{part}RepositoryName']}" for part in ("Build", "Deploy")]
    owner = installation.run.standin_github.call("POST", "tokens", {"scopes": ["repo", "delete_repo", "admin:org"]})
    for name in names:
        address = f"{installation.run.github.api_url}/repos/{name}"
        requests.delete(address, headers={"Authorization": f"token {owner['token']}"}, timeout=30).raise_for_status()

    assert repairs.changed(project, GlueTable="penguins")["Status"] == "FAILED"
    code, found = repairs.repair(project, "--yes")
    assert (code, found["result"]) == (0, "repaired"), "the stack is as it was, and can be deleted"
    assert repairs.status(project)[0] == "AVAILABLE"

    repairs.use("ghp_rejected")  # so that nobody can look if they are gone
    repairs.terminated(project)
    code, found = repairs.repair(project, "--yes")
    assert (code, found["result"]) == (3, "left")
    assert "--gone" in found["next"]
    assert all(name in found["next"] for name in names)
    code, found = repairs.repair(project, "--gone", names[0])
    assert (code, found["retained"]) == (3, ["BuildRepository"])
    code, found = repairs.repair(project, "--yes", "--gone", names[0])
    assert (code, found["result"]) == (3, "left"), "nobody confirmed the other one"
    assert main(["repair", "--project", project, "--gone", "somebody/else", "--json"]) == 1
    arguments = [part for name in names for part in ("--gone", name)]
    code, found = repairs.repair(project, "--yes", *arguments)
    assert (code, found["result"], found["reason"]) == (0, "repaired", found["reason"])
    assert repairs.status(project) == ("", "")


def test_only_what_stopped_is_touched(installation: Installation, repairs: Repairs) -> None:
    """Another project's launch stays as it is, whatever its repositories are called on the command line."""
    project = installation.create("bystander-of-repairs", "Tabular by event")
    installation.available(project)
    name = f"{runs.ORGANIZATION}/{installation.outputs(project)['BuildRepositoryName']}"
    assert main(["repair", "--yes", "--gone", name, "--json"]) == 1
    assert repairs.status(project) == ("AVAILABLE", "CREATE_COMPLETE")
    assert not installation.repository(name.rpartition("/")[2])["archived"]
    with pytest.raises(ClientError):
        installation.client("cloudformation").continue_update_rollback(StackName=repairs.stack(project))
