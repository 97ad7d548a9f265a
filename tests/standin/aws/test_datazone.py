"""DataZone by its own protocol: domains, blueprints, grants, profiles, and projects that deploy their environments."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from custom_resources.clients.studio import Studio

from .conftest import ACCOUNT, REGION, World, eventually


def fresh(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def refused(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


BLUEPRINT = {
    "Parameters": {
        "datazoneEnvironmentEnvironmentId": {"Type": "String"},
        "datazoneEnvironmentProjectId": {"Type": "String"},
        "datazoneEnvironmentDomainId": {"Type": "String"},
        "userRoleArn": {"Type": "String"},
        "datazoneScopeName": {"Type": "String", "Default": ""},
        "Version": {"Type": "String", "Default": "none"},
    },
    "Resources": {
        "Entry": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Version"}}},
    },
    "Outputs": {
        "Project": {"Value": {"Ref": "datazoneEnvironmentProjectId"}},
        "Role": {"Value": {"Ref": "userRoleArn"}},
        "Scope": {"Value": {"Ref": "datazoneScopeName"}},
        "Version": {"Value": {"Ref": "Version"}},
    },
}


@dataclass
class Campus:
    """A domain with a custom blueprint and a profile: Tooling first, the blueprint after it."""

    world: World
    datazone: Any
    domain: str
    unit: str
    tooling: str
    blueprint: str
    role: str
    profile: str = ""
    portfolio: str = ""
    projects: list[str] = field(default_factory=list)

    def project(self, name: str, **more: Any) -> str:
        created = self.datazone.create_project(
            domainIdentifier=self.domain, name=name, projectProfileId=self.profile, **more
        )
        self.projects.append(created["id"])
        return str(created["id"])

    def state(self, project: str) -> dict[str, Any]:
        found = self.datazone.get_project(domainIdentifier=self.domain, identifier=project)
        return dict(found["environmentDeploymentDetails"])

    def deployed(self, project: str) -> dict[str, Any]:
        def ended() -> Any:
            state = self.state(project)
            return state if state["overallDeploymentStatus"] not in ("PENDING_DEPLOYMENT", "IN_PROGRESS") else None

        return dict(eventually(ended))

    def environments(self, project: str) -> dict[str, dict[str, Any]]:
        listed = self.datazone.list_environments(domainIdentifier=self.domain, projectIdentifier=project)["items"]
        return {
            item["name"]: self.datazone.get_environment(domainIdentifier=self.domain, identifier=item["id"])
            for item in listed
        }

    def grant_profile(self, profile: str) -> None:
        self.datazone.add_policy_grant(
            domainIdentifier=self.domain,
            entityType="DOMAIN_UNIT",
            entityIdentifier=self.unit,
            policyType="CREATE_PROJECT_FROM_PROJECT_PROFILE",
            principal={"user": {"allUsersGrantFilter": {}}},
            detail={"createProjectFromProjectProfile": {"projectProfiles": [profile], "includeChildDomainUnits": True}},
        )

    def grant_blueprint(self) -> dict[str, Any]:
        grant = {
            "domainIdentifier": self.domain,
            "entityType": "ENVIRONMENT_BLUEPRINT_CONFIGURATION",
            "entityIdentifier": f"{ACCOUNT}:{self.blueprint}",
            "policyType": "CREATE_ENVIRONMENT_FROM_BLUEPRINT",
            "principal": {
                "project": {
                    "projectDesignation": "CONTRIBUTOR",
                    "projectGrantFilter": {
                        "domainUnitFilter": {"domainUnit": self.unit, "includeChildDomainUnits": True}
                    },
                }
            },
        }
        self.datazone.add_policy_grant(**grant, detail={"createEnvironmentFromBlueprint": {}})
        return grant


@pytest.fixture
def campus(world: World) -> Iterator[Campus]:
    datazone = world.client("datazone")
    made = world.control("domains", {"domainName": fresh("campus")})
    role = world.role(fresh("provisioning"), "datazone.amazonaws.com")
    blueprint = datazone.create_environment_blueprint(
        domainIdentifier=made["domainId"],
        name=fresh("mlops"),
        provisioningProperties={
            "cloudFormation": {"templateUrl": world.upload(f"{fresh('blueprint')}.json", BLUEPRINT)}
        },
        userParameters=[
            {"keyName": "Version", "fieldType": "String", "defaultValue": "v1", "isUpdateSupported": True},
            {"keyName": "Other", "fieldType": "String", "defaultValue": "x"},
        ],
    )["id"]
    campus = Campus(
        world, datazone, made["domainId"], made["rootDomainUnitId"], made["toolingBlueprintId"], blueprint, role
    )
    datazone.put_environment_blueprint_configuration(
        domainIdentifier=campus.domain,
        environmentBlueprintIdentifier=blueprint,
        enabledRegions=[REGION],
        provisioningRoleArn=role,
    )
    place = {
        "awsAccount": {"awsAccountId": ACCOUNT},
        "awsRegion": {"regionName": REGION},
        "deploymentMode": "ON_CREATE",
    }
    campus.profile = datazone.create_project_profile(
        domainIdentifier=campus.domain,
        name=fresh("regression"),
        status="ENABLED",
        environmentConfigurations=[
            {
                "name": "MLOps",
                "environmentBlueprintId": blueprint,
                "deploymentOrder": 1,
                "configurationParameters": {
                    "parameterOverrides": [{"name": "Fixed", "value": "yes", "isEditable": False}]
                },
                **place,
            },
            {"name": "Tooling", "environmentBlueprintId": made["toolingBlueprintId"], "deploymentOrder": 0, **place},
        ],
    )["id"]
    yield campus
    for project in campus.projects:
        try:
            datazone.delete_project(domainIdentifier=campus.domain, identifier=project)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.fixture
def ready(campus: Campus) -> Campus:
    campus.grant_profile(campus.profile)
    campus.grant_blueprint()
    return campus


def test_a_project_runs_its_profile_in_order(ready: Campus) -> None:
    project = ready.project("churn")
    assert ready.state(project)["overallDeploymentStatus"] in ("PENDING_DEPLOYMENT", "IN_PROGRESS")
    assert ready.deployed(project)["overallDeploymentStatus"] == "SUCCESSFUL", ready.environments(project)
    environments = ready.environments(project)
    assert list(environments) == ["Tooling", "MLOps"]
    tooling = {item["name"]: item["value"] for item in environments["Tooling"]["provisionedResources"]}
    ours = {item["name"]: item["value"] for item in environments["MLOps"]["provisionedResources"]}
    assert ours == {"Project": project, "Role": tooling["userRoleArn"], "Scope": "dev", "Version": "v1"}
    stack = f"DataZone-Env-{environments['MLOps']['id']}"
    cloudformation = ready.world.client("cloudformation")
    assert cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    assert ready.world.client("iam").get_role(RoleName=tooling["userRoleArn"].split("/")[-1])["Role"]["Arn"]


def test_the_product_reads_the_project(ready: Campus) -> None:
    ready.world.control(
        "tooling", {"project": "readable", "gitFullRepositoryId": "octo/build", "gitBranchName": "trunk"}
    )
    project = ready.project("readable")
    ready.deployed(project)
    studio = Studio(ready.datazone, ready.world.client("sagemaker"))
    found = studio.project(ready.domain, project, f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/x/y")
    assert (found.name, found.tooling.ready) == ("readable", True)
    assert (found.git_repository, found.git_branch) == ("octo/build", "trunk")
    assert found.roles[0].startswith(f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_{project}_")
    assert found.artifact_location.endswith(f"/{ready.domain}/{project}/dev")
    assert found.sagemaker_domain_arn.split("/")[-1] == found.space_arn.split("/")[1]
    assert found.mlflow_tracking_uri.startswith("arn:aws:sagemaker:")


def test_tooling_takes_its_time(ready: Campus) -> None:
    ready.world.control("tooling", {"project": "slow", "seconds": 1.5})
    project = ready.project("slow")
    tooling = eventually(lambda: ready.environments(project).get("Tooling"))
    assert tooling["status"] == "CREATING"
    assert "MLOps" not in ready.environments(project)
    assert ready.deployed(project)["overallDeploymentStatus"] == "SUCCESSFUL"


def test_failed_tooling_says_why_and_stops_the_project(ready: Campus) -> None:
    ready.world.control("tooling", {"project": "doomed", "failure": "The VPC has no subnets"})
    project = ready.project("doomed")
    state = ready.deployed(project)
    tooling = ready.environments(project)["Tooling"]
    assert state["overallDeploymentStatus"] == "FAILED_DEPLOYMENT"
    assert state["environmentFailureReasons"][tooling["id"]][0]["message"] == "The VPC has no subnets"
    assert tooling["status"] == "CREATE_FAILED"
    assert tooling["lastDeployment"]["failureReason"]["message"] == "The VPC has no subnets"
    assert "MLOps" not in ready.environments(project)


def test_without_grants_nothing_is_made(campus: Campus) -> None:
    with pytest.raises(ClientError) as error:
        campus.project("early")
    assert refused(error) == "AccessDeniedException"
    campus.grant_profile(campus.profile)
    project = campus.project("ungranted")
    state = campus.deployed(project)
    assert state["overallDeploymentStatus"] == "FAILED_VALIDATION"
    assert "CREATE_ENVIRONMENT_FROM_BLUEPRINT" in json.dumps(state["environmentFailureReasons"])


def test_update_takes_the_blueprints_newest_template(ready: Campus) -> None:
    project = ready.project("moving")
    ready.deployed(project)
    second = json.loads(json.dumps(BLUEPRINT))
    second["Outputs"]["Extra"] = {"Value": "new"}
    ready.datazone.update_environment_blueprint(
        domainIdentifier=ready.domain,
        identifier=ready.blueprint,
        provisioningProperties={
            "cloudFormation": {"templateUrl": ready.world.upload(f"{fresh('second')}.json", second)}
        },
    )
    ready.datazone.update_project(
        domainIdentifier=ready.domain,
        identifier=project,
        projectProfileVersion="latest",
        userParameters=[
            {
                "environmentConfigurationName": "MLOps",
                "environmentParameters": [{"name": "Version", "value": "v2"}],
            }
        ],
    )

    def outputs() -> dict[str, str]:
        found = ready.environments(project)["MLOps"]["provisionedResources"]
        return {item["name"]: item["value"] for item in found}

    eventually(lambda: outputs().get("Extra") == "new")
    assert outputs()["Version"] == "v2"
    eventually(
        lambda: (
            ready.datazone.get_project(domainIdentifier=ready.domain, identifier=project)["projectStatus"] == "ACTIVE"
        )
    )


def test_what_the_profile_fixes_cannot_be_overridden(ready: Campus) -> None:
    with pytest.raises(ClientError, match="not editable") as error:
        ready.project(
            "stubborn",
            userParameters=[
                {"environmentConfigurationName": "MLOps", "environmentParameters": [{"name": "Fixed", "value": "no"}]}
            ],
        )
    assert refused(error) == "ValidationException"


def test_deleting_a_project_deletes_its_environments_last_first(ready: Campus) -> None:
    project = ready.project("ending")
    ready.deployed(project)
    environments = ready.environments(project)
    ready.datazone.delete_project(domainIdentifier=ready.domain, identifier=project)

    def gone() -> bool:
        try:
            ready.datazone.get_project(domainIdentifier=ready.domain, identifier=project)
        except ClientError as error:
            return bool(error.response["Error"]["Code"] == "ResourceNotFoundException")
        return False

    eventually(gone)
    with pytest.raises(ClientError, match="does not exist"):
        ready.world.client("cloudformation").describe_stacks(StackName=f"DataZone-Env-{environments['MLOps']['id']}")
    role = {item["name"]: item["value"] for item in environments["Tooling"]["provisionedResources"]}["userRoleArn"]
    with pytest.raises(ClientError) as error:
        ready.world.client("iam").get_role(RoleName=role.split("/")[-1])
    assert refused(error) == "NoSuchEntity"


@pytest.mark.parametrize("last", [True, False])
def test_tooling_goes_last_or_first(ready: Campus, last: bool) -> None:
    """Seen by what is left where the role of Tooling cannot be deleted: a policy of others is on it."""
    project = ready.project(f"ending {last}")
    ready.deployed(project)
    told = ready.environments(project)["Tooling"]["provisionedResources"]
    arn = next(item["value"] for item in told if item["name"] == "userRoleArn")
    policy = {"RoleName": arn.rpartition("/")[2], "PolicyName": "ours"}
    iam, where = ready.world.client("iam"), {"domainIdentifier": ready.domain, "identifier": project}
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
    iam.put_role_policy(**policy, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    rules = {"domainId": ready.domain, "toolingGoesLast": last, "strict": True}
    before = ready.world.control("rules", {"domainId": ready.domain})
    try:
        assert ready.world.control("rules", rules)["toolingGoesLast"] is last
        ready.datazone.delete_project(**where)
        eventually(lambda: ready.datazone.get_project(**where)["projectStatus"] == "DELETE_FAILED")
        assert set(ready.environments(project)) == ({"Tooling"} if last else {"Tooling", "MLOps"})
    finally:
        iam.delete_role_policy(**policy)
        ready.world.control("rules", before | {"domainId": ready.domain})
    ready.datazone.delete_project(**where)


def test_a_blueprint_configuration_needs_a_region_and_a_role_that_has_arrived(campus: Campus) -> None:
    def put(**changes: Any) -> Any:
        request = {"enabledRegions": [REGION], "provisioningRoleArn": campus.role} | changes
        return campus.datazone.put_environment_blueprint_configuration(
            domainIdentifier=campus.domain, environmentBlueprintIdentifier=campus.blueprint, **request
        )

    refusable: tuple[dict[str, Any], ...] = (
        {"enabledRegions": []},
        {"provisioningRoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"},
        {"provisioningRoleArn": campus.world.role(fresh("untrusting"), "lambda.amazonaws.com")},
    )
    for wrong in refusable:
        with pytest.raises(ClientError) as error:
            put(**wrong)
        assert refused(error) == "ValidationException"
    campus.world.control("iam-propagation", {"refusals": 2})
    for _ in range(2):
        with pytest.raises(ClientError, match="cannot be assumed"):
            put()
    assert put()["enabledRegions"] == [REGION]
    found = campus.datazone.get_environment_blueprint_configuration(
        domainIdentifier=campus.domain, environmentBlueprintIdentifier=campus.blueprint
    )
    assert found["provisioningRoleArn"] == campus.role
    campus.datazone.delete_environment_blueprint_configuration(
        domainIdentifier=campus.domain, environmentBlueprintIdentifier=campus.blueprint
    )
    with pytest.raises(ClientError) as error:
        campus.datazone.get_environment_blueprint_configuration(
            domainIdentifier=campus.domain, environmentBlueprintIdentifier=campus.blueprint
        )
    assert refused(error) == "ResourceNotFoundException"


def test_blueprints(campus: Campus) -> None:
    described = campus.datazone.get_environment_blueprint(domainIdentifier=campus.domain, identifier=campus.blueprint)
    assert [item["keyName"] for item in described["userParameters"]] == ["Version", "Other"]
    listed = campus.datazone.list_environment_blueprints(domainIdentifier=campus.domain, managed=False)["items"]
    assert [item["id"] for item in listed] == [campus.blueprint]
    managed = campus.datazone.list_environment_blueprints(domainIdentifier=campus.domain, managed=True, name="Tooling")[
        "items"
    ]
    assert [item["id"] for item in managed] == [campus.tooling]
    with pytest.raises(ClientError) as error:
        campus.datazone.create_environment_blueprint(
            domainIdentifier=campus.domain,
            name=listed[0]["name"],
            provisioningProperties={"cloudFormation": {"templateUrl": "https://x.s3.amazonaws.com/y"}},
        )
    assert refused(error) == "ConflictException"
    campus.datazone.delete_environment_blueprint(domainIdentifier=campus.domain, identifier=campus.blueprint)
    with pytest.raises(ClientError) as error:
        campus.datazone.get_environment_blueprint_configuration(
            domainIdentifier=campus.domain, environmentBlueprintIdentifier=campus.blueprint
        )
    assert refused(error) == "ResourceNotFoundException"


def test_policy_grants_are_listed_and_removed(campus: Campus) -> None:
    grant = campus.grant_blueprint()
    with pytest.raises(ClientError) as error:
        campus.grant_blueprint()
    assert refused(error) == "ConflictException"
    entity = {key: grant[key] for key in ("domainIdentifier", "entityType", "entityIdentifier", "policyType")}
    listed = campus.datazone.list_policy_grants(**entity)["grantList"]
    assert [item["principal"] for item in listed] == [grant["principal"]]
    campus.datazone.remove_policy_grant(**grant, grantIdentifier=listed[0]["grantId"])
    assert campus.datazone.list_policy_grants(**entity)["grantList"] == []
    with pytest.raises(ClientError, match="must be createEnvironmentFromBlueprint") as error:
        campus.datazone.add_policy_grant(**grant, detail={"createProject": {}})
    assert refused(error) == "ValidationException"


def test_a_second_grant_is_added_refused_or_replaces_the_first(campus: Campus) -> None:
    first, second = (campus.datazone.create_project_profile(domainIdentifier=campus.domain, name=name)["id"]
                     for name in ("first", "second"))  # fmt: skip

    def granted() -> list[list[str]]:
        entity = {"domainIdentifier": campus.domain, "entityType": "DOMAIN_UNIT", "entityIdentifier": campus.unit}
        found = campus.datazone.list_policy_grants(**entity, policyType="CREATE_PROJECT_FROM_PROJECT_PROFILE")
        return [item["detail"]["createProjectFromProjectProfile"]["projectProfiles"] for item in found["grantList"]]

    before = granted()
    campus.grant_profile(first)
    campus.world.control("rules", {"domainId": campus.domain, "secondGrants": "conflict"})
    with pytest.raises(ClientError) as error:
        campus.grant_profile(second)
    assert refused(error) == "ConflictException"
    campus.world.control("rules", {"domainId": campus.domain, "secondGrants": "added"})
    campus.grant_profile(second)
    assert granted() == [*before, [first], [second]]
    campus.world.control("rules", {"domainId": campus.domain, "secondGrants": "replaces"})
    third = campus.datazone.create_project_profile(domainIdentifier=campus.domain, name="third")["id"]
    campus.grant_profile(third)
    assert granted() == [[third]]


def test_profiles(campus: Campus) -> None:
    with pytest.raises(ClientError, match="not enabled") as error:
        off = campus.datazone.create_project_profile(domainIdentifier=campus.domain, name="off")["id"]
        campus.grant_profile(off)
        campus.datazone.create_project(domainIdentifier=campus.domain, name="x", projectProfileId=off)
    assert refused(error) == "ValidationException"
    campus.datazone.update_project_profile(domainIdentifier=campus.domain, identifier=off, status="ENABLED")
    found = campus.datazone.get_project_profile(domainIdentifier=campus.domain, identifier=off)
    assert found["status"] == "ENABLED"
    names = campus.datazone.list_project_profiles(domainIdentifier=campus.domain, name="off")["items"]
    assert [item["id"] for item in names] == [off]
    project = campus.datazone.create_project(domainIdentifier=campus.domain, name="user", projectProfileId=off)["id"]
    with pytest.raises(ClientError) as error:
        campus.datazone.delete_project_profile(domainIdentifier=campus.domain, identifier=off)
    assert refused(error) == "ConflictException"
    campus.datazone.delete_project(domainIdentifier=campus.domain, identifier=project)
    eventually(lambda: not campus.datazone.list_projects(domainIdentifier=campus.domain, name="user")["items"])
    campus.datazone.delete_project_profile(domainIdentifier=campus.domain, identifier=off)


def test_domains_and_units(world: World) -> None:
    datazone = world.client("datazone")
    role = f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonSageMakerDomainExecution"
    created = datazone.create_domain(name=fresh("domain"), domainExecutionRole=role, domainVersion="V2")
    domain, root = created["id"], created["rootDomainUnitId"]
    assert datazone.get_domain(identifier=domain)["status"] == "AVAILABLE"
    assert domain in {
        item["id"] for page in datazone.get_paginator("list_domains").paginate() for item in page["items"]
    }
    unit = datazone.create_domain_unit(domainIdentifier=domain, name="team", parentDomainUnitIdentifier=root)
    assert unit["ancestorDomainUnitIds"] == [root]
    with pytest.raises(ClientError) as error:
        datazone.create_domain_unit(domainIdentifier=domain, name="team", parentDomainUnitIdentifier=root)
    assert refused(error) == "ConflictException"
    under = {"domainIdentifier": domain, "parentDomainUnitIdentifier": root}
    assert [item["name"] for item in datazone.list_domain_units_for_parent(**under)["items"]] == ["team"]
    with pytest.raises(ClientError) as error:
        datazone.delete_domain_unit(domainIdentifier=domain, identifier=root)
    assert refused(error) == "ConflictException"
    datazone.delete_domain_unit(domainIdentifier=domain, identifier=unit["id"])
    assert datazone.list_domain_units_for_parent(**under)["items"] == []
    with pytest.raises(ClientError) as error:
        datazone.get_domain(identifier="dzd-nowhere")
    assert refused(error) == "AccessDeniedException"


def test_events_reach_the_bus_when_they_are_enabled(ready: Campus) -> None:
    queue = ready.world.client("sqs").create_queue(QueueName=fresh("events"))["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.split('/')[-1]}"
    events, rule = ready.world.client("events"), fresh("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.datazone"]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    ready.world.control("events", {"enabled": True})
    try:
        project = ready.project("festival")
        ready.deployed(project)
    finally:
        ready.world.control("events", {"enabled": False})
    received: list[dict[str, Any]] = []

    def enough() -> bool:
        messages = ready.world.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        received.extend(json.loads(item["Body"]) for item in messages.get("Messages", []))
        return len([item for item in received if item["detail-type"] == "Environment Deployment Completed"]) == 2

    eventually(enough)
    created = next(item for item in received if item["detail-type"] == "AWS API Call via CloudTrail")
    assert created["detail"]["eventName"] == "CreateProject"
    assert created["detail"]["responseElements"]["id"] == project
    assert created["detail"]["requestParameters"]["domainIdentifier"] == ready.domain
    assert "festival" not in json.dumps(created)
    events.remove_targets(Rule=rule, Ids=["queue"])
    events.delete_rule(Name=rule)
