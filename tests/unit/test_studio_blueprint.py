"""Custom::StudioBlueprint and Custom::StudioProjectProfile against the stand-in, which botocore's model guards."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from custom_resources import blueprint_enabling
from custom_resources.clients.blueprints import Blueprint, Blueprints, Grant, Profile
from custom_resources.errors import AwsDenied, BlueprintInUse, DataZoneDenied, FinalError, InUse
from custom_resources.profile_environments import with_ours, without_ours
from custom_resources.reconciler import CustomResource, is_complete, on_event
from custom_resources.studio_blueprint import StudioBlueprint
from custom_resources.studio_project_profile import StudioProjectProfile, granted
from standins.aws.datazone.model import configuration_id
from standins.aws.server import AwsStandIn
from tests import sleeping
from tests.aws_session import session

pytestmark = pytest.mark.served

ACCOUNT, REGION = "111122223333", "us-east-1"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/StudioStack/1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/studio-mlops-provisioning"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "datazone.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
    ],
}
_numbers = itertools.count()


@dataclass
class Stacks:
    """A stack whose operation a test can change."""

    name: str = "CREATE_IN_PROGRESS 1"

    def operation(self, stack_id: str) -> str:
        return self.name

    def exists(self, stack_id: str) -> bool:
        return True

    def tags(self, stack_id: str) -> dict[str, str]:
        return {}


@dataclass
class Launches:
    """What Service Catalog knows of launches."""

    names: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def launched_by(self, product_id: str, door: str) -> list[str]:
        self.asked.append((product_id, door))
        if not self.names:
            raise AwsDenied(service="Service Catalog", activity="a", message="no", permission="p")
        return self.names


@dataclass
class RegionalLaunches:
    """What Service Catalog knows of launches by region; one that is not in it has no product."""

    names: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    denied: bool = False

    def launched_by(self, region: str, door: str) -> list[str]:
        self.asked.append((region, door))
        if self.denied:
            raise AwsDenied(service="Service Catalog", activity="a", message="no", permission="p")
        return self.names.get(region, [])


class Denying:
    """A client that DataZone refuses operations; all but ListDomains where none is named."""

    def __init__(self, client: Any, denied: tuple[str, ...]) -> None:
        self._client = client
        self._denied = denied

    def _refuses(self, operation: str) -> bool:
        return operation in self._denied if self._denied else operation != "list_domains"

    @staticmethod
    def _refuse(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not permitted"}}, "ListX")

    def get_paginator(self, operation: str) -> Any:
        if self._refuses(operation):
            return SimpleNamespace(paginate=self._refuse)
        return self._client.get_paginator(operation)

    def __getattr__(self, operation: str) -> Any:
        return self._refuse if self._refuses(operation) else getattr(self._client, operation)


@dataclass
class Studio:
    """A domain in the stand-in, and the custom resources' way to it."""

    stand_in: AwsStandIn
    client: Any
    domain: str = ""
    root: str = ""
    stacks: Stacks = field(default_factory=Stacks)
    launches: Launches = field(default_factory=Launches)
    regional_launches: RegionalLaunches = field(default_factory=RegionalLaunches)

    def deny(self, *operations: str) -> None:
        """Have DataZone refuse operations, or every one."""
        self.client = Denying(self.client, operations)

    @property
    def blueprints(self) -> Blueprints:
        return Blueprints(self.client)

    @property
    def service_catalog(self) -> Launches:
        return self.launches

    def run(
        self,
        kind_of: Callable[[Any], CustomResource[Any, Any, Any]],
        kind: str,
        properties: dict[str, Any],
        old: dict[str, Any] | None = None,
        physical_id: str = "",
    ) -> dict[str, Any]:
        """Send a request through the framework's two phases; waiting costs no time here."""
        event: dict[str, Any] = {"RequestType": kind, "StackId": STACK, "ResourceProperties": properties}
        event |= {"PhysicalResourceId": physical_id} if physical_id else {}
        event |= {"OldResourceProperties": old} if old else {}
        resource = kind_of(self)
        event |= on_event(resource, event, self.stacks)
        for _ in range(20):
            answer = is_complete(resource, event, self.stacks, 3000)
            if answer["IsComplete"]:
                return {"PhysicalResourceId": event["PhysicalResourceId"], **answer}
        raise AssertionError("never complete")

    def writes(self) -> list[str]:
        return [call["operation"] for call in self.stand_in.calls if not call["operation"].startswith(("Get", "List"))]


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A domain of its own; the stand-in asks moto for roles instead of MiniStack."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(), AwsStandIn.running("http://127.0.0.1:9") as stand_in:
        monkeypatch.setattr(
            stand_in.emulator,
            "client",
            lambda service, region, credentials: session(region).client(service),
        )
        iam = session(REGION).client("iam")
        iam.create_role(RoleName=ROLE.rpartition("/")[2], AssumeRolePolicyDocument=json.dumps(TRUST))
        for key in ("testing", "FOOBARKEY"):  # moto puts keys of its own into the environment
            stand_in.emulator.name_caller(key, f"arn:aws:iam::{ACCOUNT}:root")
        client = session(REGION).client("datazone", endpoint_url=stand_in.base_url)
        domain = client.create_domain(
            name=f"studio{next(_numbers)}", domainExecutionRole=f"arn:aws:iam::{ACCOUNT}:role/domain"
        )
        root = client.get_domain(identifier=domain["id"])["rootDomainUnitId"]
        stand_in.calls.clear()
        yield Studio(stand_in, client, domain["id"], root)


def blueprint_properties(studio: Studio, **changes: Any) -> dict[str, Any]:
    return {
        "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:p",
        "DomainId": studio.domain,
        "Name": "MLOps repositories",
        "Description": "Repositories",
        "TemplateUrl": "https://s3.us-east-1.amazonaws.com/assets/1.json",
        "UserParameters": [
            {"KeyName": "ProductVersion", "DefaultValue": "v1.0.0", "IsEditable": "true", "IsUpdateSupported": "true"}
        ],
        "ProvisioningRoleArn": ROLE,
        "EnabledRegions": [REGION],
        **changes,
    }


def registered(studio: Studio, **changes: Any) -> str:
    answer = studio.run(StudioBlueprint, "Create", blueprint_properties(studio, **changes))
    return str(answer["Data"]["EnvironmentBlueprintId"])


def profile_properties(studio: Studio, blueprint: str, **changes: Any) -> dict[str, Any]:
    return {
        "DomainId": studio.domain,
        "ProfileName": "Regression",
        "EnvironmentBlueprintId": blueprint,
        "EnvironmentName": "MLOps repositories",
        "DeploymentOrder": "1",
        "AwsAccount": ACCOUNT,
        "AwsRegion": REGION,
        "Parameters": [{"Name": "ProductVersion", "Value": "v1.0.0", "IsEditable": "true"}],
        **changes,
    }


def somebodys_profile(studio: Studio, name: str = "Regression", order: int = 0) -> str:
    tooling = studio.client.list_environment_blueprints(domainIdentifier=studio.domain, managed=True)["items"][0]
    place = {"awsAccount": {"awsAccountId": ACCOUNT}, "awsRegion": {"regionName": REGION}}
    environments = [
        {"name": "Tooling", "environmentBlueprintId": tooling["id"], "deploymentOrder": order, **place},
        {"name": "Lake", "environmentBlueprintId": tooling["id"], "deploymentMode": "ON_DEMAND", **place},
    ]
    environments[0]["deploymentMode"] = "ON_CREATE"
    created = studio.client.create_project_profile(
        domainIdentifier=studio.domain,
        name=name,
        status="ENABLED",
        description="Somebody's",
        environmentConfigurations=environments,
    )
    return str(created["id"])


def environments_of(studio: Studio, profile: str) -> list[dict[str, Any]]:
    found = studio.client.get_project_profile(domainIdentifier=studio.domain, identifier=profile)
    return list(found["environmentConfigurations"])


# -- the blueprint ------------------------------------------------------------------------------------------------


def test_a_blueprint_is_registered_enabled_and_granted(studio: Studio) -> None:
    answer = studio.run(StudioBlueprint, "Create", blueprint_properties(studio))
    blueprint = answer["Data"]["EnvironmentBlueprintId"]
    assert answer["PhysicalResourceId"] == blueprint
    found = studio.client.get_environment_blueprint(domainIdentifier=studio.domain, identifier=blueprint)
    assert found["provisioningProperties"]["cloudFormation"]["templateUrl"].endswith("/1.json")
    assert found["userParameters"][0]["isUpdateSupported"] is True
    configuration = studio.client.get_environment_blueprint_configuration(
        domainIdentifier=studio.domain, environmentBlueprintIdentifier=blueprint
    )
    assert (configuration["provisioningRoleArn"], configuration["enabledRegions"]) == (ROLE, [REGION])
    grants = blueprint_grants(studio, blueprint)
    assert {grant["principal"]["project"]["projectDesignation"] for grant in grants} == {"OWNER", "CONTRIBUTOR"}
    unit = grants[0]["principal"]["project"]["projectGrantFilter"]["domainUnitFilter"]
    assert unit == {"domainUnit": studio.root, "includeChildDomainUnits": True}


def test_what_is_as_desired_is_not_written_again(studio: Studio) -> None:
    blueprint = registered(studio)
    studio.stand_in.calls.clear()
    properties = blueprint_properties(studio)
    studio.run(StudioBlueprint, "Update", properties, properties, blueprint)
    assert studio.writes() == []


def test_a_create_that_was_cut_short_is_taken_up_by_name(studio: Studio) -> None:
    left = studio.client.create_environment_blueprint(
        domainIdentifier=studio.domain,
        name="MLOps repositories",
        provisioningProperties={"cloudFormation": {"templateUrl": "https://s3.us-east-1.amazonaws.com/assets/0.json"}},
    )["id"]
    assert registered(studio) == left
    assert studio.writes()[-4:] == [
        "UpdateEnvironmentBlueprint",
        "PutEnvironmentBlueprintConfiguration",
        "AddPolicyGrant",
        "AddPolicyGrant",
    ]


def test_a_new_template_updates_the_blueprint_in_place(studio: Studio) -> None:
    blueprint = registered(studio)
    new = blueprint_properties(studio, TemplateUrl="https://s3.us-east-1.amazonaws.com/assets/2.json")
    answer = studio.run(StudioBlueprint, "Update", new, blueprint_properties(studio), blueprint)
    assert answer["PhysicalResourceId"] == blueprint
    found = studio.client.get_environment_blueprint(domainIdentifier=studio.domain, identifier=blueprint)
    assert found["provisioningProperties"]["cloudFormation"]["templateUrl"].endswith("/2.json")


def blueprint_grants(studio: Studio, blueprint: str) -> Any:
    """The grants by which projects may use the blueprint."""
    return studio.client.list_policy_grants(
        domainIdentifier=studio.domain,
        entityType="ENVIRONMENT_BLUEPRINT_CONFIGURATION",
        entityIdentifier=f"{ACCOUNT}:{blueprint}",
        policyType="CREATE_ENVIRONMENT_FROM_BLUEPRINT",
    )["grantList"]


def blueprint_units(studio: Studio, blueprint: str) -> list[str]:
    """The domain units whose projects may use the blueprint, once for each grant."""
    return sorted(
        grant["principal"]["project"]["projectGrantFilter"]["domainUnitFilter"]["domainUnit"]
        for grant in blueprint_grants(studio, blueprint)
    )


def unit_named(studio: Studio, name: str) -> str:
    made = studio.client.create_domain_unit(
        domainIdentifier=studio.domain, name=name, parentDomainUnitIdentifier=studio.root
    )
    return str(made["id"])


def test_a_grant_that_is_wanted_has_no_identifier_yet() -> None:
    """DataZone gives it one; a grant is removed by its identifier where it has one, and by its principal otherwise."""
    assert [grant.id for grant in blueprint_enabling.wanted_grants("unit")] == ["", ""]


def test_another_domain_unit_takes_the_grants_along_and_leaves_those_of_others(studio: Studio) -> None:
    blueprint, unit, theirs = registered(studio), unit_named(studio, "ml"), unit_named(studio, "theirs")
    studio.client.add_policy_grant(
        domainIdentifier=studio.domain,
        entityType="ENVIRONMENT_BLUEPRINT_CONFIGURATION",
        entityIdentifier=f"{ACCOUNT}:{blueprint}",
        policyType="CREATE_ENVIRONMENT_FROM_BLUEPRINT",
        principal=dict(blueprint_enabling.wanted_grants(theirs)[0].principal),
        detail={"createEnvironmentFromBlueprint": {}},
    )
    everywhere, below = blueprint_properties(studio), blueprint_properties(studio, DomainUnitId=unit)
    studio.run(StudioBlueprint, "Update", below, everywhere, blueprint)
    assert blueprint_units(studio, blueprint) == sorted([theirs, unit, unit])
    studio.run(StudioBlueprint, "Update", everywhere, below, blueprint)  # a rollback
    assert blueprint_units(studio, blueprint) == sorted([theirs, studio.root, studio.root])
    named = blueprint_properties(studio, DomainUnitId=studio.root)
    studio.stand_in.calls.clear()
    studio.run(StudioBlueprint, "Update", named, everywhere, blueprint)
    assert studio.writes() == []


def test_a_new_name_is_another_blueprint(studio: Studio) -> None:
    blueprint = registered(studio)
    old, new = blueprint_properties(studio), blueprint_properties(studio, Name="Repositories")
    answer = studio.run(StudioBlueprint, "Update", new, old, blueprint)
    assert answer["PhysicalResourceId"] != blueprint
    studio.run(StudioBlueprint, "Delete", old, physical_id=blueprint)
    names = [
        item["name"]
        for item in studio.client.list_environment_blueprints(domainIdentifier=studio.domain, managed=False)["items"]
    ]
    assert names == ["Repositories"]


def test_while_iam_spreads_the_role_it_waits(studio: Studio) -> None:
    studio.stand_in.datazone.roles.refusals = 3
    registered(studio)
    refused = [call for call in studio.stand_in.calls if call["outcome"] == "ValidationException"]
    assert len(refused) == 3
    assert studio.writes().count("CreateEnvironmentBlueprint") == 1


def test_a_role_that_never_works_is_said_after_a_while(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blueprint_enabling, "ROLE_PATIENCE_SECONDS", -1)
    properties = blueprint_properties(studio, ProvisioningRoleArn=f"arn:aws:iam::{ACCOUNT}:role/none")
    with pytest.raises(FinalError, match=r"cannot use the provisioning role .*role/none.* trusts datazone"):
        studio.run(StudioBlueprint, "Create", properties)


def test_delete_takes_configuration_and_grants_along_and_may_run_twice(studio: Studio) -> None:
    blueprint = registered(studio)
    for _ in range(2):
        studio.run(StudioBlueprint, "Delete", blueprint_properties(studio), physical_id=blueprint)
    domain = studio.stand_in.datazone.domains[studio.domain]
    assert blueprint not in domain.blueprints
    assert configuration_id(ACCOUNT, blueprint) not in domain.configurations
    assert domain.grants == []


def with_environment(studio: Studio, blueprint: str) -> Any:
    """Have the project churn have an environment of the blueprint; return the domain."""
    domain = studio.stand_in.datazone.domains[studio.domain]
    studio.client.create_project(domainIdentifier=studio.domain, name="churn")
    project = next(iter(domain.projects))
    domain.environments["env1"] = {
        "id": "env1",
        "projectId": project,
        "domainId": studio.domain,
        "createdBy": "me",
        "name": "MLOps repositories",
        "provider": "CUSTOM",
        "status": "ACTIVE",
        "awsAccountId": ACCOUNT,
        "awsAccountRegion": REGION,
        "environmentBlueprintId": blueprint,
    }
    return domain


def test_delete_names_the_projects_that_still_use_it(studio: Studio) -> None:
    blueprint = registered(studio)
    domain = with_environment(studio, blueprint)
    with pytest.raises(
        FinalError, match=r"still has environments in the projects churn\. Delete the environments in Studio"
    ):
        studio.run(StudioBlueprint, "Delete", blueprint_properties(studio), physical_id=blueprint)
    assert (
        configuration_id(ACCOUNT, blueprint) in domain.configurations
    )  # without it the environment could not be deleted
    # The door opens again: CloudFormation has forgotten the blueprint, and DataZone has it.
    studio.stand_in.calls.clear()
    assert registered(studio) == blueprint
    assert studio.writes() == []


@pytest.mark.parametrize(
    ("names", "shown"), [("", ""), ("a", "a"), ("abcde", "a, b, c, d, e"), ("abcdef", "a, b, c, d, e, ...")]
)
def test_a_sentence_names_five_projects_and_says_that_there_are_more(names: str, shown: str) -> None:
    assert blueprint_enabling.some_of(tuple(names)) == shown


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        (
            "create_environment_blueprint",
            lambda host: host.create_blueprint("dzd_1", Blueprint("", "b", "", "https://x")),
        ),
        ("create_project_profile", lambda host: host.create_profile("dzd_1", Profile("", "p", ()), "unit")),
        (
            "add_policy_grant",
            lambda host: host.add_grant(
                "dzd_1",
                "DOMAIN_UNIT",
                "unit",
                "CREATE_ENVIRONMENT_FROM_BLUEPRINT",
                Grant("", {"user": {"allUsersGrantFilter": {}}}, {"createEnvironmentFromBlueprint": {}}),
            ),
        ),
    ],
)
def test_a_role_that_owns_no_domain_unit_is_told_the_command(operation: str, call: Callable[[Any], object]) -> None:
    client = boto3.client("datazone", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub, pytest.raises(FinalError) as denied:
        stub.add_client_error(operation, "AccessDeniedException", "User is not permitted to perform operation: X")
        call(Blueprints(client))
    assert "aws datazone add-entity-owner --domain-identifier" in str(denied.value)
    assert "--owner 'user={userIdentifier=ROLE_ARN}'" in str(denied.value)
    assert "datazone:" in str(denied.value)


PRODUCT = [{"KeyName": "ProductId", "DefaultValue": "prod-1"}]


@pytest.mark.parametrize("denied", ["list_environments", "list_projects"])
def test_delete_needs_no_membership_to_name_them(studio: Studio, denied: str) -> None:
    """DataZone shows environments to members only; Service Catalog knows what the blueprint launched."""
    properties = blueprint_properties(studio, UserParameters=PRODUCT)
    blueprint = registered(studio, UserParameters=PRODUCT)
    domain = with_environment(studio, blueprint)
    studio.deny(denied)
    studio.launches.names = ["studio-p1", "studio-p2"]
    with pytest.raises(BlueprintInUse, match=r"in the projects p1, p2\."):
        studio.run(StudioBlueprint, "Delete", properties, physical_id=blueprint)
    assert studio.launches.asked == [("prod-1", "blueprint")]
    assert configuration_id(ACCOUNT, blueprint) in domain.configurations


def test_where_nobody_names_them_datazones_refusal_stands_and_nothing_is_taken_away(studio: Studio) -> None:
    properties = blueprint_properties(studio, UserParameters=PRODUCT)
    blueprint = registered(studio, UserParameters=PRODUCT)
    domain = with_environment(studio, blueprint)
    granted_before = blueprint_units(studio, blueprint)
    studio.deny("list_environments")
    with pytest.raises(InUse, match="is still in use"):
        studio.run(StudioBlueprint, "Delete", properties, physical_id=blueprint)
    assert domain.configurations[configuration_id(ACCOUNT, blueprint)]["provisioningRoleArn"] == ROLE
    assert blueprint_units(studio, blueprint) == granted_before
    domain.environments.clear()
    studio.run(StudioBlueprint, "Delete", properties, physical_id=blueprint)
    assert blueprint not in domain.blueprints


@pytest.mark.parametrize("known", [True, False])
def test_a_domain_that_is_gone_stops_no_deletion(studio: Studio, known: bool) -> None:
    """DataZone answers 403 for a domain that does not exist; its list of domains tells the two apart."""
    blueprint = registered(studio)
    profile = studio.run(StudioProjectProfile, "Create", own(studio, blueprint))["PhysicalResourceId"]
    studio.deny()
    first, second = (blueprint, profile) if known else (f"{studio.domain}/MLOps repositories", f"{studio.domain}/R")
    for kind_of, properties, id_ in (
        (StudioProjectProfile, own(studio, blueprint), second),
        (StudioBlueprint, blueprint_properties(studio), first),
    ):
        with pytest.raises(DataZoneDenied):  # it is there: permissions are missing
            studio.run(kind_of, "Delete", properties, physical_id=id_)
    studio.stand_in.datazone.domains.pop(studio.domain)
    for kind_of, properties, id_ in (
        (StudioProjectProfile, own(studio, blueprint), second),
        (StudioBlueprint, blueprint_properties(studio), first),
    ):
        studio.run(kind_of, "Delete", properties, physical_id=id_)
        with pytest.raises(
            DataZoneDenied, match=r"or the domain or project does not exist .* Check the domain and project IDs\."
        ):
            studio.run(kind_of, "Create", properties)


def test_a_stale_request_writes_nothing(studio: Studio) -> None:
    resource, properties = StudioBlueprint(studio), blueprint_properties(studio)  # type: ignore[arg-type]
    event: dict[str, Any] = {"RequestType": "Create", "StackId": STACK, "ResourceProperties": properties}
    event |= on_event(resource, event, studio.stacks)
    studio.stacks.name = "ROLLBACK_IN_PROGRESS 1"
    assert is_complete(resource, event, studio.stacks, 3000) == {"IsComplete": True}
    assert studio.writes() == []


def test_wrong_properties_are_refused_before_anything_is_asked(studio: Studio) -> None:
    with pytest.raises(FinalError, match="EnabledRegions"):
        studio.run(StudioBlueprint, "Create", blueprint_properties(studio, EnabledRegions=[]))
    with pytest.raises(FinalError, match="DomainId"):
        studio.run(StudioBlueprint, "Create", blueprint_properties(studio, DomainId="d-1"))
    assert not studio.stand_in.calls


# -- somebody's profile -------------------------------------------------------------------------------------------


def test_our_environment_joins_a_profile_and_leaves_it(studio: Studio) -> None:
    blueprint, profile = registered(studio), somebodys_profile(studio)
    before = environments_of(studio, profile)
    properties = profile_properties(studio, blueprint)
    answer = studio.run(StudioProjectProfile, "Create", properties)
    assert answer["PhysicalResourceId"] == profile
    after = environments_of(studio, profile)
    assert after[:2] == before
    assert after[2]["environmentBlueprintId"] == blueprint
    assert after[2]["deploymentOrder"] == 1
    studio.run(StudioProjectProfile, "Delete", properties, physical_id=profile)
    assert environments_of(studio, profile) == before
    found = studio.client.get_project_profile(domainIdentifier=studio.domain, identifier=profile)
    assert (found["description"], found["status"]) == ("Somebody's", "ENABLED")


def test_a_new_version_changes_our_environment_only(studio: Studio) -> None:
    blueprint, profile = registered(studio), somebodys_profile(studio)
    old = profile_properties(studio, blueprint)
    studio.run(StudioProjectProfile, "Create", old)
    before = environments_of(studio, profile)
    new = profile_properties(studio, blueprint, Parameters=[{"Name": "ProductVersion", "Value": "v1.1.0"}])
    studio.run(StudioProjectProfile, "Update", new, old, profile)
    after = environments_of(studio, profile)
    assert after[:2] == before[:2]
    assert after[2]["id"] == before[2]["id"]
    assert after[2]["configurationParameters"]["parameterOverrides"][0]["value"] == "v1.1.0"
    studio.stand_in.calls.clear()
    studio.run(StudioProjectProfile, "Update", new, new, profile)
    assert studio.writes() == []


def test_another_blueprint_takes_the_place_of_the_old_one(studio: Studio) -> None:
    first, profile = registered(studio), somebodys_profile(studio)
    old = profile_properties(studio, first)
    studio.run(StudioProjectProfile, "Create", old)
    second = registered(studio, Name="Repositories")
    studio.run(StudioProjectProfile, "Update", profile_properties(studio, second), old, profile)
    assert [item["environmentBlueprintId"] for item in environments_of(studio, profile)][2:] == [second]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ProfileName": "Nobody"}, "does not have a project profile named 'Nobody'"),
        ({"EnvironmentName": "Lake"}, "another environment named 'Lake'"),
    ],
)
def test_a_profile_that_does_not_fit_is_left_alone(studio: Studio, changes: dict[str, str], sentence: str) -> None:
    blueprint, profile = registered(studio), somebodys_profile(studio)
    before = environments_of(studio, profile)
    with pytest.raises(FinalError, match=sentence):
        studio.run(StudioProjectProfile, "Create", profile_properties(studio, blueprint, **changes))
    assert environments_of(studio, profile) == before


def test_ours_never_comes_before_the_tooling(studio: Studio) -> None:
    blueprint = registered(studio)
    somebodys_profile(studio, order=3)
    with pytest.raises(FinalError, match="does not create a tooling environment before deployment order 1"):
        studio.run(StudioProjectProfile, "Create", profile_properties(studio, blueprint))
    with pytest.raises(FinalError, match="DeploymentOrder"):
        studio.run(
            StudioProjectProfile,
            "Create",
            profile_properties(studio, blueprint, DeploymentOrder="0"),
        )


def told_by(studio: Studio, profile: str) -> dict[str, str]:
    """What the profile tells launches through our environment."""
    overrides = environments_of(studio, profile)[-1]["configurationParameters"]["parameterOverrides"]
    return {item["name"]: item["value"] for item in overrides}


def rename(studio: Studio, profile: str, name: str) -> None:
    """Rename a profile as an administrator does in Studio."""
    studio.client.update_project_profile(domainIdentifier=studio.domain, identifier=profile, name=name)


@pytest.mark.parametrize("ours", [True, False])
def test_a_profile_tells_launches_its_name_also_when_it_is_renamed(studio: Studio, ours: bool) -> None:
    blueprint = registered(studio)
    if not ours:
        somebodys_profile(studio)
    folder = [{"Name": "TemplateFolder", "Value": "regression"}]
    make = own if ours else profile_properties
    properties = make(studio, blueprint) | {"Parameters": folder}
    profile = studio.run(StudioProjectProfile, "Create", properties)["PhysicalResourceId"]
    assert told_by(studio, profile) == {"TemplateFolder": "regression", "ProfileName": "Regression"}
    rename(studio, profile, "Tabular")
    studio.run(StudioProjectProfile, "Update", properties, properties, profile)
    assert told_by(studio, profile) == {"TemplateFolder": "regression", "ProfileName": "Tabular"}
    overrides = environments_of(studio, profile)[-1]["configurationParameters"]["parameterOverrides"]
    assert not any(item.get("isEditable") for item in overrides)


def test_settings_that_follow_a_new_name_keep_the_environment(studio: Studio) -> None:
    """Each name has a resource of its own: the old one's deletion comes after the new one's creation."""
    blueprint, profile = registered(studio), somebodys_profile(studio)
    before = profile_properties(studio, blueprint)
    studio.run(StudioProjectProfile, "Create", before)
    rename(studio, profile, "Tabular")
    after = profile_properties(studio, blueprint, ProfileName="Tabular")
    assert studio.run(StudioProjectProfile, "Create", after)["PhysicalResourceId"] == profile
    studio.stacks.name = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS 2"
    studio.run(StudioProjectProfile, "Delete", before, physical_id=profile)
    assert environments_of(studio, profile)[-1]["environmentBlueprintId"] == blueprint
    studio.stacks.name = "DELETE_IN_PROGRESS 3"  # the whole stack goes
    studio.run(StudioProjectProfile, "Delete", before, physical_id=profile)
    assert [item["name"] for item in environments_of(studio, profile)] == ["Tooling", "Lake"]


def test_deleting_from_a_profile_that_is_gone_is_fine(studio: Studio) -> None:
    properties = profile_properties(studio, registered(studio))
    studio.run(StudioProjectProfile, "Delete", properties, physical_id="abcdefgh1234")
    studio.run(StudioProjectProfile, "Delete", properties, physical_id=f"{studio.domain}/Regression")


# -- a profile of our own -----------------------------------------------------------------------------------------


def own(studio: Studio, blueprint: str, **changes: Any) -> dict[str, Any]:
    return profile_properties(
        studio,
        blueprint,
        Own="true",
        Description="Tabular regression",
        ToolingParameters=[{"Name": "gitConnectionArn", "Value": "arn:aws:codeconnections:us-east-1:1:connection/c"}],
        **changes,
    )


def profile_grants(studio: Studio, unit: str = "") -> list[dict[str, Any]]:
    return list(
        studio.client.list_policy_grants(
            domainIdentifier=studio.domain,
            entityType="DOMAIN_UNIT",
            entityIdentifier=unit or studio.root,
            policyType="CREATE_PROJECT_FROM_PROJECT_PROFILE",
        )["grantList"]
    )


def test_an_own_profile_has_tooling_first_and_everybody_may_use_it(studio: Studio) -> None:
    blueprint = registered(studio)
    profile = studio.run(StudioProjectProfile, "Create", own(studio, blueprint))["PhysicalResourceId"]
    tooling, ours = environments_of(studio, profile)
    assert (tooling["name"], tooling["deploymentOrder"], tooling["deploymentMode"]) == ("Tooling", 0, "ON_CREATE")
    assert tooling["configurationParameters"]["parameterOverrides"][0]["name"] == "gitConnectionArn"
    assert (ours["environmentBlueprintId"], ours["deploymentOrder"]) == (blueprint, 1)
    found = studio.client.get_project_profile(domainIdentifier=studio.domain, identifier=profile)
    assert found["status"] == "ENABLED"
    (grant,) = profile_grants(studio)
    assert grant["principal"] == {"user": {"allUsersGrantFilter": {}}}
    assert grant["detail"]["createProjectFromProjectProfile"]["projectProfiles"] == [profile]
    studio.stand_in.calls.clear()
    again = studio.run(StudioProjectProfile, "Update", own(studio, blueprint), own(studio, blueprint), profile)
    assert again["PhysicalResourceId"] == profile
    assert studio.writes() == []


def test_a_grant_that_lists_other_profiles_keeps_them(studio: Studio) -> None:
    blueprint, other = registered(studio), somebodys_profile(studio, "Other")
    everybody: Any = {"user": {"allUsersGrantFilter": {}}}
    studio.client.add_policy_grant(
        domainIdentifier=studio.domain,
        entityType="DOMAIN_UNIT",
        entityIdentifier=studio.root,
        policyType="CREATE_PROJECT_FROM_PROJECT_PROFILE",
        principal=everybody,
        detail={"createProjectFromProjectProfile": {"includeChildDomainUnits": True, "projectProfiles": [other]}},
    )
    profile = studio.run(StudioProjectProfile, "Create", own(studio, blueprint))["PhysicalResourceId"]
    (grant,) = profile_grants(studio)
    assert sorted(grant["detail"]["createProjectFromProjectProfile"]["projectProfiles"]) == sorted([other, profile])
    studio.run(StudioProjectProfile, "Delete", own(studio, blueprint), physical_id=profile)
    (grant,) = profile_grants(studio)
    assert grant["detail"]["createProjectFromProjectProfile"]["projectProfiles"] == [other]
    assert studio.client.get_project_profile(domainIdentifier=studio.domain, identifier=other)["name"] == "Other"


EVERYBODY: dict[str, Any] = {"user": {"allUsersGrantFilter": {}}}


def granted_to(studio: Studio, unit: str = "") -> dict[str, list[str]]:
    """Profiles by principal: a group, or everybody."""
    return {
        grant["principal"].get("group", {}).get("groupIdentifier", "everybody"): sorted(
            grant["detail"]["createProjectFromProjectProfile"].get("projectProfiles", [])
        )
        for grant in profile_grants(studio, unit)
    }


def grant_profiles(studio: Studio, principal: Any, profiles: list[str]) -> None:
    """Grant as an administrator does; no profiles: all of them."""
    listed = {"projectProfiles": profiles} if profiles else {}
    studio.client.add_policy_grant(
        domainIdentifier=studio.domain,
        entityType="DOMAIN_UNIT",
        entityIdentifier=studio.root,
        policyType="CREATE_PROJECT_FROM_PROJECT_PROFILE",
        principal=principal,
        detail={"createProjectFromProjectProfile": {"includeChildDomainUnits": True, **listed}},
    )


def test_narrowing_who_may_use_a_profile_takes_effect(studio: Studio) -> None:
    blueprint = registered(studio)
    everybody, few = own(studio, blueprint), own(studio, blueprint, Groups=["admins", "ml"])
    profile = studio.run(StudioProjectProfile, "Create", everybody)["PhysicalResourceId"]
    assert granted_to(studio) == {"everybody": [profile]}
    studio.run(StudioProjectProfile, "Update", few, everybody, profile)
    assert granted_to(studio) == {"admins": [profile], "ml": [profile]}
    fewer = own(studio, blueprint, Groups=["admins"])
    studio.run(StudioProjectProfile, "Update", fewer, few, profile)
    assert granted_to(studio) == {"admins": [profile]}
    studio.stand_in.calls.clear()
    studio.run(StudioProjectProfile, "Update", fewer, few, profile)
    assert studio.writes() == []


def test_narrowing_leaves_what_was_not_granted_here(studio: Studio) -> None:
    blueprint, other = registered(studio), somebodys_profile(studio, "Other")
    grant_profiles(studio, EVERYBODY, [other])
    everybody, few = own(studio, blueprint), own(studio, blueprint, Groups=["admins"])
    profile = studio.run(StudioProjectProfile, "Create", everybody)["PhysicalResourceId"]
    grant_profiles(studio, {"group": {"groupIdentifier": "theirs"}}, [profile])
    studio.run(StudioProjectProfile, "Update", few, everybody, profile)
    assert granted_to(studio) == {"everybody": [other], "admins": [profile], "theirs": [profile]}


def test_a_grant_for_all_profiles_is_not_ours_to_take(studio: Studio) -> None:
    grant_profiles(studio, EVERYBODY, [])
    blueprint = registered(studio)
    everybody, few = own(studio, blueprint), own(studio, blueprint, Groups=["admins"])
    profile = studio.run(StudioProjectProfile, "Create", everybody)["PhysicalResourceId"]
    studio.run(StudioProjectProfile, "Update", few, everybody, profile)
    assert granted_to(studio) == {"everybody": [], "admins": [profile]}


def test_a_profile_of_another_domain_unit_is_granted_there_only(studio: Studio) -> None:
    blueprint, unit = registered(studio), unit_named(studio, "ml")
    everywhere, below = own(studio, blueprint), own(studio, blueprint, DomainUnitId=unit)
    profile = studio.run(StudioProjectProfile, "Create", everywhere)["PhysicalResourceId"]
    studio.run(StudioProjectProfile, "Update", below, everywhere, profile)
    assert (granted_to(studio), granted_to(studio, unit)) == ({}, {"everybody": [profile]})
    studio.run(StudioProjectProfile, "Update", everywhere, below, profile)
    assert (granted_to(studio), granted_to(studio, unit)) == ({"everybody": [profile]}, {})
    named = own(studio, blueprint, DomainUnitId=studio.root)
    studio.stand_in.calls.clear()
    studio.run(StudioProjectProfile, "Update", named, everywhere, profile)
    assert studio.writes() == []


def test_an_own_profile_does_not_take_over_somebodys(studio: Studio) -> None:
    blueprint, profile = registered(studio), somebodys_profile(studio)
    before = environments_of(studio, profile)
    with pytest.raises(FinalError, match="already has a project profile named 'Regression'"):
        studio.run(StudioProjectProfile, "Create", own(studio, blueprint))
    studio.run(
        StudioProjectProfile,
        "Delete",
        own(studio, blueprint),
        physical_id=f"{studio.domain}/Regression",
    )
    assert environments_of(studio, profile) == before


def test_a_profile_that_projects_use_is_not_deleted(studio: Studio) -> None:
    blueprint = registered(studio)
    profile = studio.run(StudioProjectProfile, "Create", own(studio, blueprint))["PhysicalResourceId"]
    studio.client.create_project(domainIdentifier=studio.domain, name="churn", projectProfileId=profile)
    with pytest.raises(FinalError, match=r"still in use\. Delete the projects that use it, then delete the"):
        studio.run(StudioProjectProfile, "Delete", own(studio, blueprint), physical_id=profile)


# -- the pure parts -----------------------------------------------------------------------------------------------


def test_what_datazone_resolves_is_not_sent_back() -> None:
    theirs = {
        "name": "Tooling",
        "id": "t",
        "environmentBlueprintId": "b0",
        "configurationParameters": {
            "parameterOverrides": [{"name": "a", "value": "1"}],
            "resolvedParameters": [{"name": "a", "value": "1"}],
        },
    }
    ours = {"name": "Ours", "environmentBlueprintId": "b1"}
    merged = with_ours((theirs,), ours)
    assert merged[0]["configurationParameters"] == {"parameterOverrides": [{"name": "a", "value": "1"}]}
    assert without_ours(merged, "b1") == (merged[0],)
    assert "resolvedParameters" in theirs["configurationParameters"]  # the given is not changed


def test_a_grant_without_a_list_is_for_all_profiles() -> None:
    everybody: dict[str, Any] = {"user": {"allUsersGrantFilter": {}}}
    assert granted((Grant("1", everybody, {"createProjectFromProjectProfile": {}}),), everybody, "p")
    listing = Grant("1", everybody, {"createProjectFromProjectProfile": {"projectProfiles": ["q"]}})
    assert not granted((listing,), everybody, "p")


def test_a_pending_answer_is_quick(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait is the state machine's: the function itself never sleeps."""
    studio.stand_in.datazone.roles.refusals = 1
    resource, properties = StudioBlueprint(studio), blueprint_properties(studio)  # type: ignore[arg-type]
    event: dict[str, Any] = {"RequestType": "Create", "StackId": STACK, "ResourceProperties": properties}
    event |= on_event(resource, event, studio.stacks)
    slept = sleeping.noted(monkeypatch)
    assert is_complete(resource, event, studio.stacks, 3000) == {"IsComplete": False}
    assert slept == []
