"""Custom::StudioProject: what it is told it does not ask, and what it asks a non-member of the project may read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from custom_resources import studio_project
from custom_resources.caller import LAUNCH_TAG, PRINCIPAL_TAG, PRODUCT_TAG, Installation
from custom_resources.clients import FunctionClients
from custom_resources.clients.model_packages import ModelPackageGroups
from custom_resources.clients.seals import Seals
from custom_resources.clients.service_catalog import LaunchOfStack
from custom_resources.clients.studio import Project, Tooling
from custom_resources.clients.studio import Studio as StudioClient
from custom_resources.consent import connection_proof
from custom_resources.errors import (
    DataZoneDenied,
    FinalError,
    InvalidTemplate,
    LaunchRefused,
    LocationRefused,
    LocationUnknown,
    ModelPackageGroupTaken,
    ProfileNotTold,
    RetryLater,
    RoleElsewhere,
    RoleRefused,
    RoleUnknown,
)
from custom_resources.reconciler import Done, Request
from custom_resources.repository_names import short_id
from standins.aws.datazone import tooling
from standins.aws.server import AwsStandIn
from tests.aws_session import session
from tests.seals import KmsInMemory, seals_in_memory

pytestmark = pytest.mark.served

ACCOUNT, REGION = "123456789012", "us-east-1"  # the account is moto's
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/SC-{ACCOUNT}-pp-1/1"


@dataclass
class Archives:
    """An archive with one profile."""

    asked: list[str] = field(default_factory=list)

    @contextmanager
    def open(self, name: str) -> Iterator[Archives]:
        yield self

    def require_profile(self, profile: str) -> None:
        self.asked.append(profile)
        if profile != "regression":
            raise InvalidTemplate(f"The template has no profile {profile!r}.")


BLUEPRINT, SETUP = "studio-mlops-provisioning", "studio-mlops-project-setup"
PRINCIPAL = f"arn:aws:sts::{ACCOUNT}:assumed-role/DataScientist/someone"
CONNECTED = {"MlflowTrackingUri", "AthenaWorkgroup"}  # what connections alone tell
MEMBERS_ONLY = ("list_environments", "get_environment", "list_connections", "get_connection")
ALL = (*MEMBERS_ONLY, "get_project", "get_project_profile")


class Denying:
    """A DataZone client whose caller DataZone refuses some operations: a non-member of the project, say."""

    def __init__(self, client: Any, denied: tuple[str, ...]) -> None:
        self._client = client
        self._denied = denied

    def _refuse(self, operation: str) -> Any:
        name = "".join(word.capitalize() for word in operation.split("_"))
        message = f"User is not permitted to perform operation: {name}"
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, name)

    def get_paginator(self, operation: str) -> Any:
        if operation not in self._denied:
            return self._client.get_paginator(operation)
        return SimpleNamespace(paginate=lambda **_: self._refuse(operation))

    def __getattr__(self, operation: str) -> Any:
        if operation in self._denied:
            return lambda **_: self._refuse(operation)
        return getattr(self._client, operation)


@dataclass
class Stacks:
    """The stack of the launch, with the tags that Service Catalog put on it."""

    principal: str = ""
    live: set[str] = field(default_factory=set)

    def tags(self, stack_id: str) -> dict[str, str]:
        product = {PRODUCT_TAG: f"arn:aws:catalog:{REGION}:{ACCOUNT}:product/prod-1", LAUNCH_TAG: "a/pp-1"}
        return {PRINCIPAL_TAG: self.principal, **product} if self.principal else {}

    def exists(self, stack_id: str) -> bool:
        return stack_id in self.live


class NoCatalog:
    """A Service Catalog that has launched nothing."""

    def launch_of(self, stack_id: str) -> LaunchOfStack:
        return LaunchOfStack()


@dataclass
class Files:
    """What launches have written into projects' files: by bucket and key, the content and the bucket's account."""

    written: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    def write(self, bucket: str, key: str, content: bytes, account: str) -> str:
        self.written[f"{bucket}/{key}"] = content, account
        return "written"


@dataclass
class Launched:
    """What the resource may reach."""

    studio: StudioClient
    stand_in: AwsStandIn
    model_packages: ModelPackageGroups
    archives: Archives = field(default_factory=Archives)
    stacks: Stacks = field(default_factory=Stacks)
    installation: Installation = field(
        default_factory=lambda: Installation(
            BLUEPRINT,
            SETUP,
            ("datazone_usr_role_*", "service-role/AmazonSageMakerUserIAMExecutionRole_*"),
            administrators=(f"arn:aws:iam::{ACCOUNT}:role/DataScientist",),
            direct_launches=True,
            classic=True,
        )
    )
    service_catalog: NoCatalog = field(default_factory=NoCatalog)
    held_projects: None = None
    project_files: Files = field(default_factory=Files)
    seals: Seals = field(default_factory=seals_in_memory)
    project: str = ""
    domain: str = ""

    def launched(
        self,
        kind: str = "Create",
        physical_id: str = "",
        operation: str = "",
        **properties: str | dict[str, str] | list[str],
    ) -> Done:
        """Reconcile once. Raises what the resource raises."""
        values = {"DomainId": self.domain, "ProjectId": self.project, **properties}
        typed = studio_project.StudioProjectProperties.model_validate(values)
        request = Request(kind, typed, None, physical_id, STACK, "StudioProject", operation=operation)  # type: ignore[arg-type]
        resource = studio_project.StudioProject(self)  # type: ignore[arg-type]
        with resource.observe(request) as observed:
            return resource.apply(resource.plan(request, observed), request, lambda: None)

    def control(self, path: str, **body: Any) -> Any:
        status, answer = self.stand_in._controls.handle("POST", f"/_standin/{path}", json.dumps(body).encode(), {})
        assert status == 200, answer
        return answer

    @property
    def tooling(self) -> dict[str, Any]:
        """The tooling environment's record."""
        (found,) = self.stand_in.datazone.domains[self.domain].environments.values()
        return found

    def resources(self, **values: str) -> None:
        """Say what the tooling environment provisioned."""
        self.tooling["provisionedResources"] = [
            {"name": name, "value": value, "type": "String"} for name, value in values.items()
        ]

    def no_connections(self) -> None:
        self.stand_in.datazone.domains[self.domain].connections.clear()

    def deny(self, *operations: str) -> None:
        """Have DataZone refuse operations to the function."""
        self.studio._datazone = Denying(self.studio._datazone, operations)  # type: ignore[assignment]

    def come_through(self, role: str) -> None:
        """Have a role launch the product."""
        self.stacks.principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session"

    @property
    def sagemaker_domain(self) -> dict[str, Any]:
        """The project's SageMaker domain's record."""
        (found,) = self.stand_in.sagemaker._domains.values()
        return found

    @property
    def details(self) -> dict[str, Any]:
        """How the project's deployment stands."""
        project = self.stand_in.datazone.domains[self.domain].projects[self.project]
        return cast("dict[str, Any]", project["environmentDeploymentDetails"])

    def asked(self, service: str = "datazone") -> set[str]:
        """The operations of a service that were called since the calls were forgotten."""
        return {call["operation"] for call in self.stand_in.calls if call["service"] == service}


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> Iterator[Launched]:
    """The project `churn` of the profile Regression, its tooling ready; moto instead of MiniStack."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(), AwsStandIn.running("http://127.0.0.1:9") as stand_in:
        monkeypatch.setattr(
            stand_in.emulator,
            "client",
            lambda service, region, credentials: session(region).client(service),
        )
        monkeypatch.setattr(tooling, "open_stack", lambda *_: None)  # moto is here without CloudFormation
        for key in ("testing", "FOOBARKEY"):  # moto puts keys of its own into the environment
            stand_in.emulator.name_caller(key, f"arn:aws:iam::{ACCOUNT}:root")
        studio = StudioClient(
            session(REGION).client("datazone", endpoint_url=stand_in.base_url),
            session(REGION).client("sagemaker", endpoint_url=stand_in.base_url),
        )
        groups = ModelPackageGroups(session(REGION).client("sagemaker", endpoint_url=stand_in.base_url))
        found = Launched(studio, stand_in, groups)
        made = found.control("projects", name="churn", profile="Regression", account=ACCOUNT, region=REGION, wait=True)
        found.project, found.domain = made["projectId"], made["domainId"]
        yield found


def test_a_ready_project_tells_everything(studio: Launched) -> None:
    told = studio.launched().attributes
    assert told["ProjectName"] == "churn"
    assert (told["ProfileName"], told["ProfileFolder"]) == ("Regression", "regression")
    assert told["ExecutionRoleArn"].startswith(f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_{studio.project}")
    assert told["DomainArn"].startswith(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:domain/")
    assert told["SpaceArn"].startswith(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:space/")
    assert told["ArtifactLocation"] == f"s3://{told['ArtifactBucket']}/{told['ArtifactPrefix']}"
    assert told["ModelPackageGroupName"] == f"aiops-{studio.project}-models"
    assert told["ScopeName"] == "dev"
    assert told["DeployAccount"] == ACCOUNT


# -- the model package group --------------------------------------------------------------------------------------


def group_of(studio: Launched) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/aiops-{studio.project}-models"


def test_a_launch_creates_the_projects_model_package_group_before_anybody_else_does(studio: Launched) -> None:
    studio.launched()
    ours = {"AmazonDataZoneDomain": studio.domain, "AmazonDataZoneProject": studio.project}
    assert studio.stand_in.sagemaker._tags[group_of(studio)] == ours
    # It is never deleted: an update and a launch after the project's end find it, and take it.
    studio.launched("Delete", physical_id=f"{studio.domain}/{studio.project}")
    assert studio.stand_in.sagemaker._tags[group_of(studio)] == ours
    studio.launched()
    studio.launched("Update", physical_id=f"{studio.domain}/{studio.project}")


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"AmazonDataZoneDomain": "this", "AmazonDataZoneProject": "another"},
        {"AmazonDataZoneDomain": "this"},
        {"AmazonDataZoneDomain": "another", "AmazonDataZoneProject": "ours"},
        {"AmazonDataZoneProject": "ours"},
    ],
)
def test_a_group_that_is_not_the_projects_is_refused(studio: Launched, tags: dict[str, str]) -> None:
    """Of another project, of nobody, or of the same project id in another domain."""
    ours = {"ours": studio.project, "this": studio.domain}
    taken = {key: ours.get(value, value) for key, value in tags.items()}
    studio.stand_in.sagemaker._tags[group_of(studio)] = dict(taken)
    with pytest.raises(ModelPackageGroupTaken, match=r"already exists and does not have the tags of the project"):
        studio.launched()
    assert studio.stand_in.sagemaker._tags[group_of(studio)] == taken


# -- readiness ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["InService", "Updating"])
def test_a_sagemaker_domain_in_service_is_ready_whatever_the_project_is(studio: Launched, status: str) -> None:
    """The trap: our own environment is part of the project's deployment, so that is in progress while we wait."""
    studio.details["overallDeploymentStatus"] = "IN_PROGRESS"
    studio.sagemaker_domain["Status"] = status
    assert studio.launched().attributes["ProjectName"] == "churn"


@pytest.mark.parametrize("status", ["Pending", "Failed"])
def test_a_sagemaker_domain_that_comes_up_is_waited_for(studio: Launched, status: str) -> None:
    studio.details["overallDeploymentStatus"] = "IN_PROGRESS"
    studio.sagemaker_domain["Status"] = status
    with pytest.raises(RetryLater, match="does not have a SageMaker domain with the status InService yet"):
        studio.launched()


def test_a_project_that_is_deployed_needs_no_sagemaker_domain(studio: Launched) -> None:
    """Its tooling may be somebody's own. What such a domain would tell is missing, unless the launch tells it."""
    studio.stand_in.sagemaker._domains.clear()
    studio.deny(*MEMBERS_ONLY)
    with pytest.raises(RoleUnknown, match="Neither Studio nor the SageMaker domain names a role"):
        studio.launched()


@pytest.mark.parametrize("status", ["FAILED_VALIDATION", "FAILED_DEPLOYMENT"])
def test_a_project_that_failed_ends_with_studios_reason(studio: Launched, status: str) -> None:
    studio.stand_in.sagemaker._domains.clear()
    studio.details["overallDeploymentStatus"] = "IN_PROGRESS"
    with pytest.raises(RetryLater):
        studio.launched()
    studio.details["overallDeploymentStatus"] = status
    studio.details["environmentFailureReasons"] = {"Tooling": [{"code": "1", "message": "The VPC is missing."}]}
    with pytest.raises(FinalError, match=r"could not deploy the project .*: The VPC is missing\. Repair or delete"):
        studio.launched()
    del studio.details["environmentFailureReasons"]
    with pytest.raises(FinalError, match=f"could not deploy the project .*: {status}"):
        studio.launched()


def test_the_failure_of_another_environment_stops_no_launch(studio: Launched) -> None:
    """Ours may be the one that failed: whoever repairs it launches again."""
    studio.details["overallDeploymentStatus"] = "FAILED_DEPLOYMENT"
    assert studio.launched().attributes["ProjectName"] == "churn"


def test_while_it_waits_it_reads_no_other_projects_domain(studio: Launched) -> None:
    """An account has one SageMaker domain a project: each poll would read them all."""
    record = studio.sagemaker_domain
    record["DomainSettings"]["UnifiedStudioSettings"]["ProjectId"] = "earlier"
    record["CreationTime"] -= timedelta(hours=1)
    studio.details["overallDeploymentStatus"] = "IN_PROGRESS"
    studio.stand_in.calls.clear()
    with pytest.raises(RetryLater):
        studio.launched()
    assert "ListDomains" in studio.asked("sagemaker")
    assert "DescribeDomain" not in studio.asked("sagemaker")


def test_an_unknown_project_is_said(studio: Launched) -> None:
    studio.project = "nosuchproject1"
    with pytest.raises(FinalError, match=r"did not find the domain or project \(reading the project nosuchproject1\)"):
        studio.launched()


@pytest.mark.slow
def test_a_slow_tooling_environment_really_takes_its_time(studio: Launched) -> None:
    slow = studio.control(
        "projects", name="slow", profile="Regression", account=ACCOUNT, region=REGION, tooling={"seconds": 2}
    )
    studio.project, waits = slow["projectId"], 0
    while True:
        try:
            told = studio.launched().attributes
            break
        except RetryLater:
            waits += 1
            time.sleep(0.05)
    assert waits
    assert told["ProjectName"] == "slow"


# -- what a non-member may read -----------------------------------------------------------------------------------


def test_a_function_that_is_no_member_learns_everything_it_needs(studio: Launched) -> None:
    member = studio.launched().attributes
    studio.deny(*MEMBERS_ONLY)
    told = studio.launched().attributes
    assert {name for name in told if told[name] != member[name]} == CONNECTED
    assert {told[name] for name in CONNECTED} == {""}


@pytest.mark.parametrize(
    ("denied", "missing"),
    [
        ("list_environments", set()),
        ("get_environment", set()),
        ("list_connections", CONNECTED),
        ("get_connection", set()),
    ],
)
def test_each_call_for_members_is_denied_for_itself(studio: Launched, denied: str, missing: set[str]) -> None:
    member = studio.launched().attributes
    studio.deny(denied)
    told = studio.launched().attributes
    assert all(member[name] for name in CONNECTED)
    assert {name for name in told if told[name] != member[name]} == missing


def test_what_is_not_told_is_logged_in_one_line(studio: Launched, caplog: pytest.LogCaptureFixture) -> None:
    studio.deny(*MEMBERS_ONLY)
    studio.launched()
    (line,) = [record for record in caplog.records if "only members" in record.getMessage()]
    assert line.levelname == "INFO"


def test_a_wrong_domain_says_both_causes(studio: Launched) -> None:
    """DataZone answers 403 for a domain that does not exist, too."""
    studio.deny(*ALL)
    with pytest.raises(
        DataZoneDenied,
        match=r"denied access, or the domain or project does not exist .* Check the domain and project IDs\.",
    ):
        studio.launched()
    with pytest.raises(DataZoneDenied):  # the profile is missing
        studio.launched(ProjectName="churn", UserRoleArn=f"arn:aws:iam::{ACCOUNT}:role/x")
    told = studio.launched(ProjectName="churn", ProfileName="Regression").attributes
    assert told["ExecutionRoleName"].startswith("datazone_usr_role_")
    assert told["SpaceArn"].startswith(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:space/")
    studio.domain = "dzd_mistyped"
    with pytest.raises(DataZoneDenied):
        studio.launched(ProjectName="churn", ProfileName="Regression")


def test_the_role_comes_from_the_connection_then_the_environment_then_the_domain(studio: Launched) -> None:
    connections = studio.stand_in.datazone.domains[studio.domain].connections
    (iam,) = [item for item in connections.values() if item["type"] == "IAM"]
    project = {**iam, "connectionId": "second00000000", "name": "project.iam"}
    project["environmentUserRole"] = f"arn:aws:iam::{ACCOUNT}:role/second"
    connections[project["connectionId"]] = project
    iam["environmentUserRole"] = f"arn:aws:iam::{ACCOUNT}:role/first"
    studio.resources(userRoleArn=f"arn:aws:iam::{ACCOUNT}:role/third")
    studio.sagemaker_domain["DefaultSpaceSettings"] = {"ExecutionRole": f"arn:aws:iam::{ACCOUNT}:role/path/fourth"}

    def role() -> str:
        return str(studio.launched().attributes["ExecutionRoleName"])

    assert role() == "first"
    del connections[iam["connectionId"]]
    assert role() == "second"
    studio.no_connections()
    assert role() == "third"
    studio.resources()
    assert role() == "fourth"
    del studio.sagemaker_domain["DefaultSpaceSettings"]
    assert role().startswith("datazone_usr_role_")  # the SageMaker domain's users run as it


def test_the_location_comes_from_the_domain_then_the_environment_and_is_never_made_up(studio: Launched) -> None:
    settings = studio.sagemaker_domain["DomainSettings"]["UnifiedStudioSettings"]
    settings["ProjectS3Path"] = f"s3://first/{studio.domain}/{studio.project}"
    studio.resources(s3BucketPath=f"s3://second/x/{studio.domain}/{studio.project}/")

    def location() -> str:
        return str(studio.launched().attributes["ArtifactLocation"])

    assert location() == f"s3://first/{studio.domain}/{studio.project}"
    settings["ProjectS3Path"] = ""
    assert location() == f"s3://second/x/{studio.domain}/{studio.project}"
    studio.resources()
    with pytest.raises(LocationUnknown, match=f"names the S3 location of the project {studio.project}"):
        location()


def test_tags_name_the_domain_where_it_has_no_settings(studio: Launched) -> None:
    record = studio.sagemaker_domain
    record["DomainSettings"], tags = {}, studio.stand_in.sagemaker._tags[record["DomainArn"]]
    assert studio.launched().attributes["DomainArn"] == record["DomainArn"]
    studio.details["overallDeploymentStatus"] = "IN_PROGRESS"
    for name, other in (("AmazonDataZoneDomain", "dzd_other"), ("AmazonDataZoneProject", "other")):
        kept, tags[name] = tags[name], other
        with pytest.raises(RetryLater):
            studio.launched()
        tags[name] = kept


@pytest.mark.parametrize("name", ["DomainId", "ProjectId"])
def test_a_sagemaker_domain_of_another_project_is_nothing(studio: Launched, name: str) -> None:
    studio.details["overallDeploymentStatus"] = "IN_PROGRESS"
    studio.sagemaker_domain["DomainSettings"]["UnifiedStudioSettings"][name] = "other"
    with pytest.raises(RetryLater):
        studio.launched()


def test_a_domain_that_goes_meanwhile_is_passed_over(studio: Launched, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = {"Error": {"Code": "ResourceNotFound", "Message": "Domain [d-1] does not exist."}}

    def describe_domain(**_: Any) -> Any:
        raise ClientError(gone, "DescribeDomain")  # type: ignore[arg-type]

    monkeypatch.setattr(studio.studio._sagemaker, "describe_domain", describe_domain)
    assert studio.launched().attributes["DomainArn"] == ""  # the role is the member's extra


# -- what Studio tells --------------------------------------------------------------------------------------------

STUDIOS_ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonSageMakerUserIAMExecutionRole_20260301"
TOLD = {
    "ProjectName": "churn",
    "ProfileName": "Renamed in Studio",
    "ProfileFolder": "regression",
    "UserRoleArn": STUDIOS_ROLE,
    "ProjectBucket": "arn:aws:s3:::amazon-sagemaker-0a1b2c3d4e5f",
    "ConnectedRepository": "acme-ml/churn",
    "Organization": "acme-ml",
}


def test_through_the_blueprint_studio_is_not_asked(studio: Launched) -> None:
    studio.come_through(BLUEPRINT)
    studio.stand_in.calls.clear()
    done = studio.launched(TemplateArchive="a.zip", **TOLD)
    assert studio.asked() == set()
    told = done.attributes
    assert (told["ProjectName"], told["ProfileFolder"]) == ("churn", "regression")
    assert told["ExecutionRoleArn"] == STUDIOS_ROLE
    assert told["ExecutionRoleName"] == "AmazonSageMakerUserIAMExecutionRole_20260301"
    assert told["ArtifactLocation"] == f"s3://amazon-sagemaker-0a1b2c3d4e5f/{studio.domain}/{studio.project}/dev"
    assert told["DomainArn"].startswith("arn:aws:sagemaker:")
    assert told["SpaceArn"].startswith(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:space/")
    assert build(done) == ("churn", "true")


def test_through_the_blueprint_nothing_is_waited_for(studio: Launched) -> None:
    """Studio deploys the tooling before our environment."""
    studio.come_through(BLUEPRINT)
    studio.deny(*ALL)
    studio.stand_in.sagemaker._domains.clear()
    told = studio.launched(**TOLD).attributes
    assert (told["DomainArn"], told["SpaceArn"]) == ("", "")


def test_what_studio_leaves_out_is_looked_up(studio: Launched) -> None:
    studio.come_through(BLUEPRINT)
    studio.deny(*MEMBERS_ONLY)
    told = studio.launched(ProjectBucket="arn:aws:s3:::").attributes
    assert (told["ProjectName"], told["ProfileName"]) == ("churn", "Regression")
    assert told["ExecutionRoleName"].startswith("datazone_usr_role_")
    studio.stand_in.sagemaker._domains.clear()
    studio.details["overallDeploymentStatus"] = "IN_PROGRESS"
    with pytest.raises(RoleUnknown):
        studio.launched()


def test_without_a_profile_it_says_who_names_it(studio: Launched) -> None:
    studio.come_through(BLUEPRINT)
    del studio.stand_in.datazone.domains[studio.domain].projects[studio.project]["projectProfileId"]
    with pytest.raises(ProfileNotTold, match="Launch with a ProfileName"):
        studio.launched(TemplateArchive="a.zip")


# -- who is believed ----------------------------------------------------------------------------------------------


def another_project(studio: Launched) -> str:
    """Return the role of another project."""
    mine = studio.project, studio.domain
    made = studio.control("projects", name="other", profile="Regression", account=ACCOUNT, region=REGION, wait=True)
    studio.project, studio.domain = made["projectId"], made["domainId"]
    role = str(studio.launched().attributes["ExecutionRoleArn"])
    studio.project, studio.domain = mine
    return role


@pytest.mark.parametrize("principal", [PRINCIPAL, "", f"arn:aws:sts::{ACCOUNT}:assumed-role/{SETUP}/execution"])
@pytest.mark.parametrize("members", [True, False])
def test_nobody_but_studio_names_another_projects_role(studio: Launched, principal: str, members: bool) -> None:
    """The workflows may pass it to SageMaker: who launches must not choose an administrator's."""
    others = another_project(studio)
    if not members:
        studio.deny(*MEMBERS_ONLY)
    studio.stacks.principal = principal
    own = studio.launched().attributes["ExecutionRoleArn"]
    assert studio.launched(UserRoleArn=own).attributes["ExecutionRoleArn"] == own
    for refused in (others, f"arn:aws:iam::{ACCOUNT}:role/Admin"):
        with pytest.raises(RoleRefused, match=f"{refused} is not the role of the project {studio.project}"):
            studio.launched(UserRoleArn=refused)
        with pytest.raises(RoleRefused):
            studio.launched("Update", f"{studio.domain}/{studio.project}", UserRoleArn=refused)
    with pytest.raises(LocationRefused):
        studio.launched(ProjectBucket="arn:aws:s3:::another-bucket")


@pytest.mark.parametrize("role", [BLUEPRINT, SETUP, "DataScientist"])
def test_a_role_of_another_account_is_refused(studio: Launched, role: str) -> None:
    studio.come_through(role)
    with pytest.raises(RoleElsewhere):
        studio.launched(**{**TOLD, "UserRoleArn": "arn:aws:iam::210987654321:role/datazone_usr_role_p1_e1"})


def test_a_door_of_another_account_is_no_door(studio: Launched) -> None:
    studio.stacks.principal = f"arn:aws:sts::210987654321:assumed-role/{BLUEPRINT}/x"
    with pytest.raises(LaunchRefused, match="may not launch the product for the project"):
        studio.launched(**TOLD)


def test_studio_may_fill_in_the_tooling_environments_role(studio: Launched) -> None:
    tooling = f"arn:aws:iam::{ACCOUNT}:role/tooling"
    studio.resources(userRoleArn=tooling)
    assert studio.launched().attributes["ExecutionRoleArn"] != tooling
    assert studio.launched(UserRoleArn=tooling).attributes["ExecutionRoleArn"] == tooling


def test_where_nobody_tells_a_role_an_administrator_names_one_of_the_settings(studio: Launched) -> None:
    studio.deny(*MEMBERS_ONLY)
    for settings in ("DefaultUserSettings", "DefaultSpaceSettings"):
        del studio.sagemaker_domain[settings]
    with pytest.raises(RoleUnknown):  # no caller is known
        studio.launched(UserRoleArn=STUDIOS_ROLE)
    studio.stacks.principal = PRINCIPAL
    assert studio.launched(UserRoleArn=STUDIOS_ROLE).attributes["ExecutionRoleArn"] == STUDIOS_ROLE
    with pytest.raises(RoleRefused, match=r"\[workflow_role\] execution_roles"):
        studio.launched(UserRoleArn=f"arn:aws:iam::{ACCOUNT}:role/Admin")


def test_an_update_keeps_what_studio_told_and_nothing_else(studio: Launched) -> None:
    """Whether an update changes the principal's tag is not known, so an updater is believed as little as a stranger."""
    studio.come_through(BLUEPRINT)
    launch = studio.launched(**TOLD)
    studio.stand_in.calls.clear()
    for principal in (studio.stacks.principal, PRINCIPAL, ""):
        studio.stacks.principal = principal
        again = studio.launched("Update", launch.physical_id, **TOLD)
        assert again.attributes == launch.attributes
        assert again.physical_id == launch.physical_id
    assert studio.asked() == set()
    others = {**TOLD, "UserRoleArn": f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_p2_e2"}
    studio.come_through(BLUEPRINT)
    with pytest.raises(RoleRefused):
        studio.launched("Update", launch.physical_id, **others)
    with pytest.raises(RoleRefused):  # nor for another project with what was told of this one
        studio.launched("Update", launch.physical_id, **{**TOLD, "ProjectBucket": ""})
    # What is sent back after that was accepted before, whoever updates.
    back = studio.launched("Update", launch.physical_id, "UPDATE_ROLLBACK_IN_PROGRESS 2", **TOLD)
    assert back.attributes == launch.attributes


def test_an_update_may_tell_what_sagemaker_tells(studio: Launched) -> None:
    first = studio.launched()
    own = str(first.attributes["ExecutionRoleArn"])
    again = studio.launched("Update", first.physical_id, UserRoleArn=own)
    assert again.attributes["ExecutionRoleArn"] == own
    assert again.physical_id.startswith(f"{first.physical_id}::")
    studio.deny(*ALL)
    studio.stand_in.sagemaker._domains.clear()
    with pytest.raises(DataZoneDenied):  # the name is missing, and DataZone shows it no more
        studio.launched("Update", again.physical_id, UserRoleArn=own)


# -- profiles -------------------------------------------------------------------------------------------------------


def test_a_profile_without_a_folder_is_refused_before_anything_is_made(studio: Launched) -> None:
    with pytest.raises(InvalidTemplate, match="no profile 'vision'"):
        studio.launched(TemplateArchive="a.zip", ProfileName="Vision")


def test_the_folder_is_the_name_in_lower_case_unless_the_map_says_otherwise(studio: Launched) -> None:
    assert studio.launched(TemplateArchive="a.zip").attributes["ProfileFolder"] == "regression"
    told = studio.launched(
        TemplateArchive="a.zip", ProfileName="Tabular models", ProfileFolders={"Tabular models": "regression"}
    )
    assert told.attributes["ProfileFolder"] == "regression"
    assert studio.archives.asked == ["regression", "regression"]


# -- the repository that Studio's Git connection made -----------------------------------------------------------------


def build(done: Done) -> tuple[str, str]:
    return str(done.attributes["BuildRepositoryName"]), str(done.attributes["BuildAdoptExisting"])


def test_a_connected_repository_of_our_organization_is_adopted(studio: Launched) -> None:
    studio.resources(gitFullRepositoryId="Acme-ML/churn", gitBranchName="trunk")
    done = studio.launched(Organization="acme-ml")
    assert build(done) == ("churn", "true")
    assert done.physical_id == f"{studio.domain}/{studio.project}:churn"
    owner, seal = (studio.domain, studio.project), studio.seals.of_launch(STACK)
    facts = done.attributes["GitFullRepositoryId"], done.attributes["ConnectedSince"]
    assert facts[1], "Studio itself says so"
    assert done.attributes["ConnectionProof"] == connection_proof(seal, *owner, *facts)


def test_without_a_connection_there_is_nothing_to_prove(studio: Launched) -> None:
    kms = KmsInMemory()
    studio.seals = seals_in_memory(kms)
    assert studio.launched(Organization="acme-ml").attributes["ConnectionProof"] == ""
    assert kms.asked == []


def test_a_repository_that_the_launch_names_needs_no_look_up(studio: Launched) -> None:
    studio.deny(*MEMBERS_ONLY)
    assert build(studio.launched(Organization="acme-ml"))[1] == "false"
    named = studio.launched(Organization="acme-ml", ConnectedRepository="acme-ml/churn")
    assert build(named) == ("churn", "true")


@pytest.mark.parametrize(
    "connected", ["", "elsewhere/churn", "acme-ml/group/churn", "churn", "acme-ml/..", "acme-ml/a:b"]
)
def test_any_other_connection_leaves_us_our_own_repository(studio: Launched, connected: str) -> None:
    studio.resources(gitFullRepositoryId=connected)
    done = studio.launched(Organization="acme-ml")
    assert build(done) == (f"{studio.project}-{studio.domain}-build-repo", "false")
    assert done.physical_id == f"{studio.domain}/{studio.project}"


def test_a_chosen_name_comes_first(studio: Launched) -> None:
    studio.resources(gitFullRepositoryId="acme-ml/churn")
    assert build(studio.launched(Organization="acme-ml", BuildRepositoryName="mine")) == ("mine", "false")
    assert build(studio.launched(BuildRepositoryName="mine", AdoptExisting="true")) == ("mine", "true")


def test_who_connects_another_repository_later_renames_nothing(studio: Launched) -> None:
    studio.resources(gitFullRepositoryId="acme-ml/first")
    first = studio.launched(Organization="acme-ml")
    studio.resources(gitFullRepositoryId="acme-ml/second")
    again = studio.launched("Update", first.physical_id, Organization="acme-ml")
    assert build(again) == ("first", "true")
    assert again.physical_id == first.physical_id
    own = studio.launched("Update", f"{studio.domain}/{studio.project}", Organization="acme-ml")
    assert build(own) == (f"{studio.project}-{studio.domain}-build-repo", "false")


PATTERN = {"RepositoryNames": "{project}-{part}"}
BOTH = ("BuildRepositoryName", "DeployRepositoryName")


def called(done: Done) -> tuple[str, ...]:
    return tuple(done.attributes[name] for name in BOTH)


def test_repositories_are_named_after_the_project(studio: Launched) -> None:
    done = studio.launched(ProjectName="Customer churn", **PATTERN)
    assert called(done) == ("customer-churn-build", "customer-churn-deploy")
    short = short_id(studio.domain, studio.project)
    assert done.attributes["BuildAlternativeName"] == f"customer-churn-build-{short}"
    assert done.attributes["DeployAlternativeName"] == f"customer-churn-deploy-{short}"
    assert done.physical_id == f"{studio.domain}/{studio.project}:::customer-churn-@"
    chosen = studio.launched(ProjectName="Customer churn", BuildRepositoryName="mine", **PATTERN)
    assert called(chosen) == ("mine", "customer-churn-deploy")
    assert chosen.attributes["BuildAlternativeName"] == "", "who chooses a name gets it, or a refusal"


def test_names_stay_when_the_project_or_the_pattern_gets_another(studio: Launched) -> None:
    first = studio.launched(ProjectName="churn", **PATTERN)
    for more in ({"ProjectName": "retention"}, {"RepositoryNames": "ml-{project}-{part}"}, {"RepositoryNames": ""}):
        again = studio.launched("Update", first.physical_id, **{"ProjectName": "churn", **PATTERN, **more})
        assert called(again) == ("churn-build", "churn-deploy")
        assert again.physical_id == first.physical_id
    relaunched = studio.launched(ProjectName="retention", **PATTERN)
    assert called(relaunched) == ("churn-build", "churn-deploy"), "its archived repositories are restored"
    assert relaunched.physical_id == first.physical_id


def test_a_project_from_before_there_were_patterns_keeps_its_names(studio: Launched) -> None:
    before = studio.launched(ProjectName="churn")
    by_ids = tuple(f"{studio.project}-{studio.domain}-{part}-repo" for part in ("build", "deploy"))
    assert called(before) == by_ids
    updated = studio.launched("Update", before.physical_id, ProjectName="churn", **PATTERN)
    assert (called(updated), updated.physical_id) == (by_ids, before.physical_id)
    assert updated.attributes["DeployAlternativeName"] == ""
    assert called(studio.launched(ProjectName="churn", **PATTERN)) == by_ids, "launched again"


def test_a_forged_tag_names_nothing(studio: Launched) -> None:
    """Whoever may tag the project's group writes what he likes there."""
    first = studio.launched(ProjectName="churn", **PATTERN)
    group = first.attributes["ModelPackageGroupName"]
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{group}"
    tags = studio.stand_in.sagemaker._tags
    assert tags[arn]["studio-mlops:repositories"] == "churn-@"
    tags[arn]["studio-mlops:repositories"] = "../@"
    again = studio.launched(ProjectName="churn", **PATTERN)
    assert called(again) == tuple(f"{studio.project}-{studio.domain}-{part}-repo" for part in ("build", "deploy"))


def test_deleting_asks_nothing(studio: Launched) -> None:
    studio.stand_in.calls.clear()
    assert studio.launched("Delete").attributes == {}
    assert not studio.stand_in.calls


# -- SageMaker Studio classic -----------------------------------------------------------------------------------------


def classic(studio: Launched) -> None:
    """Have the launch be of the classic project `churn`."""
    studio.domain, studio.project = "classic", "p-abc123def456"
    studio.control("classic-projects", name="churn", projectId=studio.project, account=ACCOUNT, region=REGION)


def test_of_a_classic_project_its_id_is_read_and_nothing_else(studio: Launched) -> None:
    classic(studio)
    studio.stand_in.calls.clear()
    told = studio.launched(ProjectName="churn", ProfileName="Regression", TemplateArchive="a.zip").attributes
    assert [call["operation"] for call in studio.stand_in.calls] == ["DescribeProject", "CreateModelPackageGroup"]
    assert (told["ProjectName"], told["ProfileFolder"]) == ("churn", "regression")
    assert told["ExecutionRoleName"] == "AmazonSageMakerServiceCatalogProductsUseRole"
    assert told["ArtifactLocation"] == f"s3://sagemaker-{REGION}-{ACCOUNT}/classic/p-abc123def456/dev"
    assert told["BuildRepositoryName"] == "p-abc123def456-classic-build-repo"
    assert (told["DomainArn"], told["SpaceArn"]) == ("", "")


def test_a_classic_project_takes_the_roles_of_the_settings_and_no_other(studio: Launched) -> None:
    classic(studio)
    ours, admin = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("Pipelines", "Admin"))
    default = f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonSageMakerServiceCatalogProductsUseRole"
    elsewhere = default.replace(ACCOUNT, "210987654321")

    def role(given: str, *allowed: str) -> str:
        named = {"ProjectName": "churn", "ProfileName": "Regression"}
        done = studio.launched(**named, UserRoleArn=given, ClassicExecutionRoles=list(allowed))
        return str(done.attributes["ExecutionRoleArn"])

    assert role("", ours) == default
    assert role(default) == default
    assert role(ours, ours) == ours
    for given, allowed in ((admin, [ours]), (ours, []), (elsewhere, [])):
        with pytest.raises(RoleRefused, match=r"add the role to \[product\] classic_execution_roles"):
            role(given, *allowed)


def test_a_classic_project_must_name_its_profile(studio: Launched) -> None:
    classic(studio)
    with pytest.raises(
        FinalError, match=r"does not have project profiles, and the launch names none\. Launch with a ProfileName"
    ):
        studio.launched(ProjectName="churn")


def test_a_project_without_a_role_is_one_sentence() -> None:
    """An empty role would be a policy that IAM cannot read."""
    properties = studio_project.StudioProjectProperties(domain_id="dzd_1", project_id="p1")
    request = Request("Create", properties, None, "", STACK, "StudioProject")
    without = Project("churn", Tooling(ready=True), profile_name="regression")
    with pytest.raises(RoleUnknown, match=r"Neither Studio nor the SageMaker domain names a role of the project p1"):
        studio_project.StudioProject(FunctionClients({})).plan(request, studio_project.Observed(without))


# -- project.json ---------------------------------------------------------------------------------------------------


def test_a_launch_writes_project_json_at_the_projects_prefix(studio: Launched) -> None:
    told = studio.launched(GlueTable="abalone").attributes
    place = f"{told['ArtifactBucket']}/{told['ArtifactPrefix']}/project.json"
    assert list(studio.project_files.written) == [place]
    assert f"/{studio.domain}/{studio.project}/" in place
    held, account = studio.project_files.written[place]
    assert account == ACCOUNT
    facts = json.loads(held)
    assert facts["AMAZON_DATAZONE_PROJECT"] == studio.project
    assert (facts["REGION"], facts["GLUE_TABLE"]) == (REGION, "abalone")
    assert facts["ATHENA_WORKGROUP"] == told["AthenaWorkgroup"]


def test_no_launch_writes_into_another_projects_prefix(studio: Launched) -> None:
    """Studio itself may tell another place, which the roles then get: project.json is for the project's own only."""
    other = f"s3://amazon-sagemaker-somewhere/{studio.domain}/anotherproject/dev"
    studio.come_through(BLUEPRINT)
    told = studio.launched(
        ProjectName="churn",
        ProfileName="Regression",
        UserRoleArn=f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_{studio.project}_e1",
        ProjectBucket=other,
    ).attributes
    assert told["ArtifactLocation"] == other
    assert studio.project_files.written == {}
    studio.come_through("DataScientist")
    with pytest.raises(LocationRefused):
        studio.launched(ProjectBucket=other)
    assert studio.project_files.written == {}


def test_the_end_of_a_project_writes_nothing_and_leaves_the_file(studio: Launched) -> None:
    studio.launched("Delete", f"{studio.domain}/{studio.project}")
    assert studio.project_files.written == {}
