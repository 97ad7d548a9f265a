"""What an update would do, asked of the function: the same as the update then does, without a write, within limits."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from custom_resources.catalogue import CATALOGUE
from custom_resources.clients import FunctionClients
from custom_resources.errors import BudgetSpent, LaunchesPaused, NotARequest, RetryLater
from custom_resources.foreseeing import MOST_LISTED, READS, foreseen
from custom_resources.progress import Progress
from custom_resources.rate_budget import Cost
from standins.github.faults import Fault
from tests.integration.handlers import stack_id
from tests.integration.world import Project, Tree, Version, World, refused
from tests.seals import seals_in_memory

pytestmark = pytest.mark.handlers_only(reason="the function is asked directly")
PRODUCT, BUCKET = "prod-ours", "cdk-hnb659fds-assets-123456789012-us-east-1"
LAUNCH, VERSION = "pp-mine", "pa-two"
ENTRY = next(entry for entry in CATALOGUE if entry.name == "repository_template")
V1: Tree = {"README.md": "# Template\n", "train.py": "".join(f"line {n}\n" for n in range(60))}
V2: Tree = {**V1, "train.py": str(V1["train.py"]).replace("line 3\n", "line three\n"), "new.py": "new\n"}


PARAMETERS = {"SyncMode": "Merge", "TriggerPipelineExecution": "true"}
FOLDER = {"Fn::Join": ["/", [{"Fn::GetAtt": ["StudioProject", "ProfileFolder"]}, "model_build"]]}


class Budget:
    """A shared budget of which everything is noted."""

    def __init__(self) -> None:
        self.taken: list[Cost] = []
        self.paused: list[float] = []
        self.wait: RetryLater | None = None

    def require_room(self, request: str) -> Progress:
        if isinstance(self.wait, LaunchesPaused):
            raise self.wait
        return Progress()

    def reserve(self, cost: Cost, request: str, progress: Progress) -> None:
        assert request == "", "a question has nothing to remember"
        if self.wait:
            raise self.wait
        self.taken.append(cost)

    def remember(self, request: str, wait: RetryLater, progress: Progress) -> None:
        raise AssertionError("a look is nothing to remember")

    def pause(self, seconds: float, *, untold: bool = False, **_: bool) -> None:
        self.paused.append(seconds)


@dataclass
class Account:
    """AWS, as it knows one launch of a project's stack and the product's versions."""

    project: Project
    product: str = PRODUCT
    status: str = "AVAILABLE"
    parameters: dict[str, str] = field(
        default_factory=lambda: {"SyncMode": "Merge", "TriggerPipelineExecution": "true"}
    )
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)  # by version id
    asked: list[str] = field(default_factory=list)
    url: str = ""  # of the repository, where the stand-in does not know it any more
    budget: Budget = field(default_factory=Budget)

    @property
    def stack(self) -> str:
        return stack_id(self.project.stack)

    def template(self, version: Version | None = None) -> dict[str, Any]:
        """Return the stack's template, or what a version makes of it, as the product's are written."""
        resources = {
            name: {"Type": each.type, "Properties": dict(each.properties)}
            for name, each in self.project._template.items()
        }
        delivery = resources["Template"]["Properties"]
        assert isinstance(delivery, dict)
        delivery["SyncMode"] = {"Ref": "SyncMode"}
        delivery["TemplateFolder"] = {
            "Fn::Join": ["/", [{"Fn::GetAtt": ["StudioProject", "ProfileFolder"]}, "model_build"]]
        }
        if version:
            delivery |= {"TemplateArchive": version.archive, "TemplateVersion": version.name}
        resources["StudioProject"] = {
            "Type": "Custom::StudioProject",
            "Properties": {
                "ProfileName": "",
                "ProfileFolders": {"Predict": "regression"},
                "ProjectId": "p1",
                "TemplateArchive": delivery["TemplateArchive"],
            },
        }
        outputs = {
            "Url": {"Value": {"Fn::GetAtt": ["Repository", "HtmlUrl"]}},
            "ProfileName": {"Value": {"Fn::GetAtt": ["StudioProject", "ProfileName"]}},
        }
        parameters = {name: {"Type": "String", "Default": "Merge"} for name in self.parameters}
        return {"Parameters": parameters, "Resources": resources, "Outputs": outputs}

    # -- AWS's answers

    def client(self, service: str) -> Any:
        assert service in ("cloudformation", "servicecatalog", "s3")
        return self

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803
        self.asked.append("DescribeStacks")
        if StackName == "PortfolioStack":
            return {"Stacks": [_stack("PortfolioStack", {"ProductId": PRODUCT}, {})]}
        assert StackName == self.stack
        url = self.url or f"{self.project.world.github.server_url}/{self.project.state.full_name}"
        return {"Stacks": [_stack(self.stack, {"Url": url, "ProfileName": "Predict"}, self.parameters)]}

    def describe_stack_resources(self, StackName: str) -> Any:  # noqa: N803
        self.asked.append("DescribeStackResources")
        ids = self.project.world.handlers.physical_ids(self.project.stack)
        return {
            "StackResources": [
                {
                    "LogicalResourceId": name,
                    "PhysicalResourceId": ids[name],
                    "ResourceType": each.type,
                    "ResourceStatus": "UPDATE_COMPLETE",
                }
                for name, each in self.project._template.items()
            ]
        }

    def get_template(self, StackName: str, TemplateStage: str) -> Any:  # noqa: N803
        self.asked.append("GetTemplate")
        return {"TemplateBody": self.template()}

    def search_provisioned_products(self, Filters: Any, **_: Any) -> Any:  # noqa: N803
        self.asked.append("SearchProvisionedProducts")
        item = {"Id": LAUNCH, "ProductId": self.product, "PhysicalId": self.stack, "Status": self.status}
        return {"ProvisionedProducts": [item] if Filters["SearchQuery"] == [f"id:{LAUNCH}"] else []}

    def describe_provisioning_artifact(self, ProductId: str, ProvisioningArtifactId: str) -> Any:  # noqa: N803
        self.asked.append("DescribeProvisioningArtifact")
        if ProductId != self.product or ProvisioningArtifactId not in self.templates:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "No"}}, "Describe")
        url = f"https://s3.us-east-1.amazonaws.com/{BUCKET}/{_key(ProvisioningArtifactId)}"
        return {"ProvisioningArtifactDetail": {"Name": ProvisioningArtifactId}, "Info": {"TemplateUrl": url}}

    def get_object(self, Bucket: str, Key: str) -> Any:  # noqa: N803
        self.asked.append("GetObject")
        assert Bucket == BUCKET
        (found,) = (each for version, each in self.templates.items() if _key(version) == Key)
        return {"Body": io.BytesIO(json.dumps(found).encode())}

    # -- the question

    def offers(self, version: Version) -> Version:
        self.templates[VERSION] = self.template(version)
        return version

    def ask(self, launch: str = LAUNCH, version: str = VERSION, **more: str) -> dict[str, Any]:
        cloud = self.project.world.handlers
        environment = {
            **cloud.environment,
            "GITHUB_API_URL": self.project.world.github.api_url,
            "GITHUB_SERVER_URL": self.project.world.github.server_url,
            "PORTFOLIO_STACK": "PortfolioStack",
            "VERSIONS_BUCKET": BUCKET,
        }
        clients = FunctionClients(
            environment,
            self.client,
            stacks=cloud.stacks,
            secrets=cloud.secrets,
            seals=seals_in_memory(cloud.kms),
            archives=cloud.archives,
            budget=self.budget,
        )
        clients.requests.begin()
        question = {"Launch": launch, "Version": version, **more}
        return foreseen(question, ENTRY.resource(clients), clients, clients.requests)

    def build(self) -> dict[str, Any]:
        """Ask, and return the answer about the one repository."""
        answer = self.ask()
        (part,) = answer["Repositories"].values()
        return dict(part)


def _key(version: str) -> str:
    return f"{version.encode().hex():0>64}.json"


def _stack(name: str, outputs: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, Any]:
    return {
        "StackId": name,
        "StackStatus": "UPDATE_COMPLETE",
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }


def published(world: World, name: str, build: Tree, profile: str = "regression") -> Version:
    files: Tree = {f"model_build/{path}": each for path, each in build.items()}
    return world.publish(name, {**files, "model_deploy/deploy.py": "deploy\n"}, folder=profile)


def launched(world: World, **settings: Any) -> Account:
    project = Project(world, published(world, "v1", V1), settings=settings).launch()
    account = Account(project)
    if "SyncMode" in settings:
        account.parameters["SyncMode"] = settings["SyncMode"]
    return account


def edited(project: Project, old: str, new: str) -> None:
    project.commit({"train.py": str(project.files()["train.py"]).replace(f"{old}\n", f"{new}\n")})


def wrote(world: World) -> list[str]:
    """Return what the requests since the last look wrote."""
    return [
        f"{entry.method} {entry.path}"
        for entry in world.requests()
        if entry.method != "GET" and not entry.path.endswith("/git-upload-pack")
    ]


def test_a_merge_is_foreseen_and_then_done(world: World) -> None:
    account = launched(world)
    edited(account.project, "line 50", "mine")
    v2, refs = account.offers(published(world, "v2", V2)), account.project.refs()
    world.requests()
    answer = account.ask()
    assert wrote(world) == []
    assert account.project.refs() == refs
    assert (answer["Version"], answer["RunsPipelines"]) == (VERSION, True)
    build = answer["Repositories"]["build"]
    assert (build["action"], build["status"], build["reason"], build["remarks"]) == ("push", "merged", "", [])
    assert (build["added"], build["changed"], build["conflicts"]) == (["new.py"], ["train.py"], [])
    assert account.budget.taken == [READS]
    assert account.project.update(v2)["Status"] == build["status"]


def test_what_it_reads_is_within_what_it_pays(world: World) -> None:
    account = launched(world)
    edited(account.project, "line 3", "mine")
    account.project.update(published(world, "v1.1", {**V1, "train.py": "all new\n"}))  # its pull request stays open
    account.offers(published(world, "v2", V2))
    world.requests()
    assert account.build()["status"] == "pull-request"
    asked = [entry for entry in world.requests() if entry.kind == "rest"]
    assert 0 < len(asked) <= READS.points


@pytest.mark.parametrize("mode", ["Merge", "PullRequest"])
def test_a_pull_request_is_foreseen_with_its_reason(world: World, mode: str) -> None:
    account = launched(world, SyncMode=mode)
    if mode == "Merge":
        edited(account.project, "line 3", "mine")
    v2 = account.offers(published(world, "v2", V2))
    world.requests()
    build = account.build()
    assert wrote(world) == []
    assert (build["action"], build["status"]) == ("propose", "pull-request")
    assert build["conflicts"] == (["train.py"] if mode == "Merge" else [])
    assert account.project.update(v2)["Status"] == "pull-request"
    (pull,) = account.project.pulls()
    assert build["reason"] in pull["body"]


@pytest.mark.parametrize("mode", ["Merge", "Off"])
def test_what_nothing_would_happen_to(world: World, mode: str) -> None:
    account = launched(world, SyncMode=mode)
    v2 = account.offers(published(world, "v2", V1 if mode == "Merge" else V2))
    world.requests()
    build = account.build()
    assert wrote(world) == []
    assert build["status"] == ("off" if mode == "Off" else "unchanged")
    assert account.project.update(v2)["Status"] == build["status"]


def test_the_same_properties_ask_github_for_nothing(world: World) -> None:
    account = launched(world)
    account.offers(account.project.version)
    world.requests()
    assert account.build()["status"] == "unchanged"
    assert world.requests() == []
    assert account.budget.taken == []


def test_a_version_with_a_new_profile_folder_is_refused_as_the_update_would_be(world: World) -> None:
    account = launched(world)
    account.offers(published(world, "v2", V2, "other"))
    world.requests()
    assert "regression/model_build" in account.ask()["Problem"]
    assert world.requests() == []


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"AllowedValues": ["Off"]}, "SyncMode"),
        ({"AllowedPattern": "^[a-z]+$"}, "SyncMode"),
    ],
)
def test_a_parameter_that_the_version_refuses(world: World, declared: dict[str, Any], said: str) -> None:
    account = launched(world)
    account.offers(published(world, "v2", V2))
    account.templates[VERSION]["Parameters"]["SyncMode"] |= declared
    assert said in account.ask()["Problem"]


def test_a_new_parameter_takes_its_default(world: World) -> None:
    account = launched(world)
    account.offers(published(world, "v2", V2))
    version = account.templates[VERSION]
    version["Parameters"]["Mode"] = {"Type": "String", "Default": "PullRequest"}
    version["Resources"]["Template"]["Properties"]["SyncMode"] = {"Ref": "Mode"}
    assert account.build()["status"] == "pull-request"


@pytest.mark.parametrize("kind", ["protection", "ruleset"])
def test_a_protected_branch_is_said(world: World, kind: str) -> None:
    account = launched(world)
    v2 = account.offers(published(world, "v2", V2))
    world.control("POST", "repositories/acme/p1-build/rules", {"branch": "main", "refuse_push": True, "kind": kind})
    build = account.build()
    assert build["status"] == "merged"
    assert build["remarks"] == ["`main` is protected. If its rules block the push, the update opens a pull request."]
    assert account.project.update(v2)["Status"] == "pull-request"


def test_an_archived_repository_is_said(world: World) -> None:
    account = launched(world)
    account.offers(published(world, "v2", V2))
    world.rest("PATCH", account.project.path, archived=True)
    assert account.build()["remarks"] == ["The repository is archived on GitHub."]


def test_a_repository_without_pull_requests_fails_as_the_update_would(world: World) -> None:
    account = launched(world, SyncMode="PullRequest")
    account.offers(published(world, "v2", V2))
    account.project.state.has_pull_requests = False
    build = account.build()
    assert (build["action"], build["status"]) == ("fail", "failed")
    assert "Pull requests" in build["reason"]


def test_a_repository_that_is_gone_fails_as_the_update_would(world: World) -> None:
    account = launched(world)
    v2 = account.offers(published(world, "v2", V2))
    admin = world.github.make_token(["repo", "delete_repo"])
    world.api.headers["Authorization"] = f"token {admin}"
    account.url = f"{world.github.server_url}/{account.project.state.full_name}"
    world.rest("DELETE", account.project.path)
    build = account.build()
    assert build["status"] == "failed"
    assert build["reason"] == refused(lambda: account.project.update(v2))


# -- limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wait", [LaunchesPaused(90), BudgetSpent(7, READS)])
def test_a_wait_is_told_before_github_is_asked(world: World, wait: RetryLater) -> None:
    account = launched(world)
    account.offers(published(world, "v2", V2))
    account.budget.wait = wait
    world.requests()
    assert account.ask() == {"Wait": wait.seconds, "Why": wait.why}
    assert world.requests() == []


def test_a_limit_of_githubs_makes_everyone_wait(world: World) -> None:
    account = launched(world)
    account.offers(published(world, "v2", V2))
    body = {"match": {"path": "/compare/"}, "fault": "secondary-limit", "seconds": 33, "times": None}
    world.github.faults.add(Fault.parse(body))
    answer = account.ask()
    assert answer["Wait"] == pytest.approx(33, abs=1)
    assert account.budget.paused == [pytest.approx(33, abs=1)]


def test_an_answer_stays_small(world: World) -> None:
    account = launched(world)
    many = {f"{n:03}-{'x' * 230}.py": "new\n" for n in range(MOST_LISTED + 10)}
    account.offers(published(world, "v2", {**V1, **many}))
    build = account.build()
    assert build["counts"]["added"] == MOST_LISTED + 10
    assert len(build["added"]) == MOST_LISTED
    assert {len(each) for each in build["added"]} == {200}


def test_a_users_file_name_reaches_an_administrator_as_one_line_of_text(world: World) -> None:
    """Lambda answers in UTF-8, and the plan is printed to a terminal: a name may hold bytes of neither."""
    account = launched(world)
    content = str(account.project.files()["train.py"]).replace("line 3\n", "mine\n")
    account.project.commit({"train.py": None, "\udcff\x1b[2J\u202e\nb: merge.py": content})
    account.offers(published(world, "v2", V2))
    answer = account.ask()
    json.dumps(answer, ensure_ascii=False).encode()
    assert answer["Repositories"]["build"]["conflicts"] == ["??[2J??b: merge.py"]


# -- who asks about what -----------------------------------------------------------------------------------------------


def test_a_launch_of_another_product_is_refused_before_its_stack_is_read(world: World) -> None:
    account = launched(world)
    account.offers(published(world, "v2", V2))
    account.product = "prod-payroll"
    world.requests()
    assert "pp-mine is not a provisioned product of this installation's product" in account.ask()["Problem"]
    assert world.requests() == []
    assert set(account.asked) == {"SearchProvisionedProducts", "DescribeStacks"}
    assert account.asked.count("DescribeStacks") == 1, "the portfolio's"


@pytest.mark.parametrize("launch", ["pp-another", "pp-"])
def test_a_launch_that_is_not_there(world: World, launch: str) -> None:
    account = launched(world)
    if launch == "pp-":
        with pytest.raises(NotARequest):
            account.ask(launch)
    else:
        assert "pp-another is not a provisioned product" in account.ask(launch)["Problem"]


def test_a_version_that_the_product_does_not_have(world: World) -> None:
    account = launched(world)
    assert "does not have the version pa-others" in account.ask(version="pa-others")["Problem"]


@pytest.mark.parametrize("status", ["UNDER_CHANGE", "PLAN_IN_PROGRESS", "ERROR"])
def test_a_launch_that_cannot_be_updated_now(world: World, status: str) -> None:
    account = launched(world)
    account.offers(published(world, "v2", V2))
    account.status = status
    assert status in account.ask()["Problem"]


@pytest.mark.parametrize("more", [{"StackId": "arn:x"}, {"Parameters": "{}"}, {"TemplateUrl": "https://evil"}])
def test_the_caller_names_nothing_else(world: World, more: dict[str, str]) -> None:
    account = launched(world)
    account.offers(published(world, "v2", V2))
    with pytest.raises(NotARequest):
        account.ask(**more)
    assert account.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.us-east-1.amazonaws.com/payroll/{key}",
        "https://payroll.s3.us-east-1.amazonaws.com/{key}",
        "https://s3.us-east-1.amazonaws.com/{bucket}/secrets.json",
        "https://s3.us-east-1.amazonaws.com/{bucket}/../payroll/{key}",
        "",
    ],
)
def test_a_template_elsewhere_is_not_read(world: World, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    account = launched(world)
    account.offers(published(world, "v2", V2))
    address = url.format(bucket=BUCKET, key=_key(VERSION))
    told = {"ProvisioningArtifactDetail": {"Name": "v2"}, "Info": {"TemplateUrl": address}}
    monkeypatch.setattr(account, "describe_provisioning_artifact", lambda **_: told, raising=False)
    assert f"the template is not in the bucket {BUCKET}" in account.ask()["Problem"]
    assert "GetObject" not in account.asked


def test_a_write_is_stopped_before_it_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the code that looks ever write, nothing is sent."""
    account = launched(world)
    account.offers(published(world, "v2", V2))
    from custom_resources.clients.github import GitHub

    original = GitHub.is_protected

    def writes(self: GitHub, full_name: str, branch: str) -> bool:
        self.update_repository(full_name, has_wiki=False)
        return original(self, full_name, branch)

    monkeypatch.setattr(GitHub, "is_protected", writes)
    world.requests()
    build = account.build()
    assert build["status"] == "failed"
    assert "stopped a read-only request that was about to write to GitHub" in build["reason"]
    assert wrote(world) == []


def test_what_the_repository_ignores_is_said(world: World) -> None:
    account = launched(world)
    account.project.commit({".studio-template-ignore": "train.py\n"})
    account.offers(published(world, "v2", V2))
    build = account.build()
    assert build["ignored"] == ["train.py"]
    assert (build["added"], build["changed"]) == (["new.py"], [])
