"""Custom::StudioProject: it waits for tooling and nothing else, and looks everything up in a fixed order."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws

from custom_resources import studio_project
from custom_resources.clients import FunctionClients
from custom_resources.clients.studio import Project, Tooling
from custom_resources.clients.studio import Studio as StudioClient
from custom_resources.errors import FinalError, InvalidTemplate, RetryLater, RoleRefused, RoleUnknown
from custom_resources.reconciler import Done, Request
from standins.aws.server import AwsStandIn

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


@dataclass
class Launched:
    """What the resource may reach."""

    studio: StudioClient
    stand_in: AwsStandIn
    archives: Archives = field(default_factory=Archives)
    project: str = ""
    domain: str = ""

    def launched(
        self, kind: str = "Create", physical_id: str = "", **properties: str | dict[str, str] | list[str]
    ) -> Done:
        """Reconcile once. Raises what the resource raises."""
        values = {"DomainId": self.domain, "ProjectId": self.project, **properties}
        typed = studio_project.StudioProjectProperties.model_validate(values)
        request = Request(kind, typed, None, physical_id, STACK, "StudioProject")  # type: ignore[arg-type]
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


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> Iterator[Launched]:
    """The project `churn` of the profile Regression, its tooling ready; moto instead of MiniStack."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(), AwsStandIn.running("http://127.0.0.1:9") as stand_in:
        monkeypatch.setattr(
            stand_in.emulator, "client", lambda service, region, credentials: boto3.client(service, region_name=region)
        )
        stand_in.emulator.name_caller("testing", f"arn:aws:iam::{ACCOUNT}:root")
        studio = StudioClient(
            boto3.client("datazone", endpoint_url=stand_in.base_url, region_name=REGION),
            boto3.client("sagemaker", endpoint_url=stand_in.base_url, region_name=REGION),
        )
        found = Launched(studio, stand_in)
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


# -- tooling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["ACTIVE", "UPDATING"])
def test_tooling_that_runs_is_ready_whatever_the_project_is(studio: Launched, status: str) -> None:
    """The trap: our own environment is part of the project's deployment, so that is in progress while we wait."""
    details = studio.stand_in.datazone.domains[studio.domain].projects[studio.project]["environmentDeploymentDetails"]
    details["overallDeploymentStatus"] = "IN_PROGRESS"
    studio.tooling["status"] = status
    assert studio.launched().attributes["ProjectName"] == "churn"


def test_tooling_that_comes_up_is_waited_for(studio: Launched) -> None:
    studio.tooling["status"] = "CREATING"
    with pytest.raises(RetryLater, match="is not ready yet"):
        studio.launched()


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED", "VALIDATION_FAILED", "DELETED"])
def test_tooling_that_failed_is_final_with_its_reason(studio: Launched, status: str) -> None:
    studio.tooling["status"] = status
    studio.tooling["lastDeployment"] = {
        "deploymentStatus": "FAILED",
        "failureReason": {"code": "x", "message": "No subnet has free addresses."},
    }
    with pytest.raises(FinalError, match=r"failed in Studio: No subnet has free addresses\. Repair or delete"):
        studio.launched()


@pytest.mark.parametrize("status", ["SUSPENDED", "DISABLED", "EXPIRED"])
def test_tooling_that_is_switched_off_is_not_waited_for(studio: Launched, status: str) -> None:
    studio.tooling["status"] = status
    with pytest.raises(FinalError, match=f"it is {status.lower()}"):
        studio.launched()


@pytest.mark.parametrize("status", ["FAILED_VALIDATION", "FAILED_DEPLOYMENT"])
def test_tooling_that_never_came_because_the_project_failed(studio: Launched, status: str) -> None:
    domain = studio.stand_in.datazone.domains[studio.domain]
    domain.environments.clear()
    with pytest.raises(RetryLater):
        studio.launched()
    domain.projects[studio.project]["environmentDeploymentDetails"] = {
        "overallDeploymentStatus": status,
        "environmentFailureReasons": {"Tooling": [{"code": "1", "message": "The VPC is missing."}]},
    }
    with pytest.raises(FinalError, match="failed in Studio: The VPC is missing"):
        studio.launched()


def test_an_unknown_project_is_said(studio: Launched) -> None:
    studio.project = "nosuchproject1"
    with pytest.raises(FinalError, match=r"has not found .* \(reading the project nosuchproject1\)"):
        studio.launched()


def test_a_slow_tooling_environment_really_takes_its_time(studio: Launched) -> None:
    slow = studio.control(
        "projects", name="slow", profile="Regression", account=ACCOUNT, region=REGION, tooling={"seconds": 0.5}
    )
    studio.project, waits = slow["projectId"], 0
    while True:
        try:
            told = studio.launched().attributes
            break
        except RetryLater:
            waits += 1
            time.sleep(0.05)
    assert waits >= 2
    assert told["ProjectName"] == "slow"


# -- the order of look-ups ------------------------------------------------------------------------------------------


def test_a_given_role_is_held_to_what_studio_says(studio: Launched) -> None:
    """The workflows may pass it to SageMaker: who launches must not choose an administrator's."""
    own = studio.launched().attributes["ExecutionRoleArn"]
    assert studio.launched(UserRoleArn=own).attributes["ExecutionRoleArn"] == own
    with pytest.raises(RoleRefused, match=f"role/Admin is not the role of the project {studio.project}"):
        studio.launched(UserRoleArn=f"arn:aws:iam::{ACCOUNT}:role/Admin")
    with pytest.raises(RoleRefused):
        studio.launched("Update", f"{studio.domain}/{studio.project}", UserRoleArn=f"arn:aws:iam::{ACCOUNT}:role/Admin")


def test_studio_may_fill_in_the_tooling_environments_role(studio: Launched) -> None:
    tooling = f"arn:aws:iam::{ACCOUNT}:role/tooling"
    studio.resources(userRoleArn=tooling)
    assert studio.launched().attributes["ExecutionRoleArn"] != tooling
    assert studio.launched(UserRoleArn=tooling).attributes["ExecutionRoleArn"] == tooling


def test_a_given_role_is_no_answer_where_studio_has_none(studio: Launched) -> None:
    studio.no_connections()
    studio.resources()
    for domain in studio.stand_in.sagemaker._domains.values():
        domain["DefaultUserSettings"].pop("ExecutionRole", None)
    with pytest.raises(RoleUnknown, match="does not tell the role"):
        studio.launched(UserRoleArn=f"arn:aws:iam::{ACCOUNT}:role/Admin")


def test_the_role_comes_from_the_connection_then_the_environment_then_the_domain(studio: Launched) -> None:
    connections = studio.stand_in.datazone.domains[studio.domain].connections
    (iam,) = [item for item in connections.values() if item["type"] == "IAM"]
    project = {**iam, "connectionId": "second00000000", "name": "project.iam"}
    project["environmentUserRole"] = f"arn:aws:iam::{ACCOUNT}:role/second"
    connections[project["connectionId"]] = project
    iam["environmentUserRole"] = f"arn:aws:iam::{ACCOUNT}:role/first"
    studio.resources(userRoleArn=f"arn:aws:iam::{ACCOUNT}:role/third")

    def role() -> str:
        return str(studio.launched().attributes["ExecutionRoleName"])

    assert role() == "first"
    del connections[iam["connectionId"]]
    assert role() == "second"
    studio.no_connections()
    assert role() == "third"
    studio.resources()
    assert role().startswith("datazone_usr_role_")  # the SageMaker domain's users run as it


def test_the_location_comes_from_the_domain_then_the_environment_then_the_default(studio: Launched) -> None:
    (domain,) = studio.stand_in.sagemaker._domains.values()
    settings = domain["DomainSettings"]["UnifiedStudioSettings"]
    settings["ProjectS3Path"] = "s3://first/a/b"
    studio.resources(s3BucketPath="s3://second/c/")

    def location() -> str:
        return str(studio.launched().attributes["ArtifactLocation"])

    assert location() == "s3://first/a/b"
    settings["ProjectS3Path"] = ""
    assert location() == "s3://second/c"
    studio.resources()
    where = f"{studio.domain}/{studio.project}/dev"
    assert location() == f"s3://amazon-sagemaker-{ACCOUNT}-{REGION}-{studio.domain}/{where}"


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


@pytest.mark.parametrize("connected", ["", "elsewhere/churn", "acme-ml/group/churn", "churn"])
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
    assert again.physical_id == ""
    own = studio.launched("Update", f"{studio.domain}/{studio.project}", Organization="acme-ml")
    assert build(own) == (f"{studio.project}-{studio.domain}-build-repo", "false")


def test_deleting_asks_nothing(studio: Launched) -> None:
    studio.stand_in.calls.clear()
    assert studio.launched("Delete").attributes == {}
    assert not studio.stand_in.calls


# -- SageMaker Studio classic -----------------------------------------------------------------------------------------


def test_a_classic_project_has_nobody_to_ask(studio: Launched) -> None:
    studio.domain, studio.project = "classic", "p-abc123def456"
    studio.stand_in.calls.clear()
    told = studio.launched(ProjectName="churn", ProfileName="Regression", TemplateArchive="a.zip").attributes
    assert not studio.stand_in.calls
    assert (told["ProjectName"], told["ProfileFolder"]) == ("churn", "regression")
    assert told["ExecutionRoleName"] == "AmazonSageMakerServiceCatalogProductsUseRole"
    assert told["ArtifactLocation"] == f"s3://sagemaker-{REGION}-{ACCOUNT}/classic/p-abc123def456/dev"
    assert told["BuildRepositoryName"] == "p-abc123def456-classic-build-repo"
    assert (told["DomainArn"], told["SpaceArn"]) == ("", "")


def test_a_classic_project_takes_the_roles_of_the_settings_and_no_other(studio: Launched) -> None:
    studio.domain, studio.project = "classic", "p-abc123def456"
    ours, admin = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("Pipelines", "Admin"))
    default = f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonSageMakerServiceCatalogProductsUseRole"
    elsewhere = default.replace(ACCOUNT, "210987654321")

    def role(given: str, *allowed: str) -> str:
        done = studio.launched(ProfileName="Regression", UserRoleArn=given, ClassicExecutionRoles=list(allowed))
        return str(done.attributes["ExecutionRoleArn"])

    assert role("", ours) == default
    assert role(default) == default
    assert role(ours, ours) == ours
    for given, allowed in ((admin, [ours]), (ours, []), (elsewhere, [])):
        with pytest.raises(RoleRefused, match=r"add it to \[product\] classic_execution_roles"):
            role(given, *allowed)


def test_a_classic_project_must_name_its_profile(studio: Launched) -> None:
    studio.domain, studio.project = "classic", "p-abc123def456"
    with pytest.raises(FinalError, match=r"has no project profiles\. Launch with ProfileName"):
        studio.launched()


def test_a_project_without_a_role_is_one_sentence() -> None:
    """An empty role would be a policy that IAM cannot read."""
    properties = studio_project.StudioProjectProperties(domain_id="dzd_1", project_id="p1")
    request = Request("Create", properties, None, "", STACK, "StudioProject")
    without = Project("churn", Tooling(ready=True), profile_name="regression")
    with pytest.raises(RoleUnknown, match=r"does not tell the role of the project p1\."):
        studio_project.StudioProject(FunctionClients({})).plan(request, studio_project.Observed(without))
