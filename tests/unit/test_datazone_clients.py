"""What DataZone and SageMaker are asked of projects, blueprints and profiles, and what is made of each answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from custom_resources.clients.blueprints import Blueprint, Blueprints, Configuration, Grant, Profile
from custom_resources.clients.studio import ClassicProject, Deployment, Project, Studio, Tooling
from custom_resources.errors import (
    AwsConflict,
    AwsDenied,
    AwsNotFound,
    AwsRefused,
    AwsThrottled,
    DataZoneDenied,
    DomainNotShared,
    DomainUnitNotOwned,
    InUse,
    NameTaken,
    ProjectNotFound,
    RoleNotReady,
)
from tests.unit.test_aws_requests import WHEN
from tests.unit.test_dynamodb_clients import Turns, made_once, refused

GONE = refused("ResourceNotFoundException", "There is none", 404)
DENIED = refused("AccessDeniedException", "Not you", 403)
CONFLICT = refused("ConflictException", "In use", 409)
STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1"
GET_PROJECT = ("GetProject", {"domainIdentifier": "d", "identifier": "p"})
ABOUT = {"domainIdentifier": "d", "projectIdentifier": "p"}


@pytest.fixture(autouse=True, scope="module")
def _made() -> None:
    for service in ("datazone", "sagemaker"):
        made_once(service, "eu-west-1")


def studio(account: Turns) -> Studio:
    return Studio(account.client("datazone"), account.client("sagemaker"))


def blueprints(account: Turns, *, elsewhere: bool = False) -> Blueprints:
    return Blueprints(account.client("datazone"), elsewhere=elsewhere)


def denied(activity: str, action: str, service: str = "DataZone") -> dict[str, str]:
    return {"service": service, "activity": activity, "message": "Not you", "permission": action}


# -- how far Studio is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"name": "Churn"}, Deployment("Churn", "", "", "", leaving=False)),
        (
            {
                "name": "Churn",
                "projectProfileId": "prof",
                "projectStatus": "ACTIVE",
                "environmentDeploymentDetails": {"overallDeploymentStatus": "IN_PROGRESS"},
            },
            Deployment("Churn", "prof", "IN_PROGRESS", "", leaving=False),
        ),
        (
            {
                "name": "Churn",
                "projectStatus": "DELETING",
                "environmentDeploymentDetails": {
                    "overallDeploymentStatus": "FAILED_DEPLOYMENT",
                    "environmentFailureReasons": {
                        "a": [{"message": "One."}, {"message": "Two"}],
                        "b": [{"message": "Three.."}],
                    },
                },
            },
            Deployment("Churn", "", "FAILED_DEPLOYMENT", "One; Two; Three", leaving=True),
        ),
        (
            {
                "name": "Churn",
                "projectStatus": "DELETE_FAILED",
                "environmentDeploymentDetails": {"overallDeploymentStatus": "FAILED_VALIDATION"},
            },
            Deployment("Churn", "", "FAILED_VALIDATION", "FAILED_VALIDATION", leaving=True),
        ),
    ],
)
def test_a_projects_deployment_is_told_in_studios_words(answer: dict[str, Any], found: Deployment) -> None:
    account = Turns(GetProject=[answer, GONE, DENIED])
    ours = studio(account)
    assert ours.deployment("d", "p") == found
    assert account.asked == [GET_PROJECT]
    with pytest.raises(ProjectNotFound) as gone:
        ours.deployment("d", "p")
    assert gone.value.holes == {"activity": "reading the project p"}
    with pytest.raises(DataZoneDenied) as not_you:
        ours.deployment("d", "p")
    assert not_you.value.holes == denied("reading the project p", "datazone:GetProject")


def environment(name: str, order: int | None, account: str = "", region: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"name": name} if order is None else {"name": name, "deploymentOrder": order}
    found |= {"awsAccount": {"awsAccountId": account}} if account else {}
    return found | ({"awsRegion": {"regionName": region}} if region else {})


@pytest.mark.parametrize(
    ("environments", "place"),
    [
        ([environment("b", 1, "2", "r2"), environment("a", 0, "1", "r1")], "1/r1"),
        ([environment("b", 1, "2", "r2"), environment("a", None, "1", "r1")], "1/r1"),
        ([environment("a", None, "1", "r1"), environment("b", -1, "2", "r2")], "2/r2"),
        ([environment("a", 0, "", "r1")], ""),
        ([environment("a", 0, "1", "")], ""),
        ([environment("a", 0)], ""),
        ([], ""),
        (None, ""),
    ],
)
def test_a_profiles_place_is_that_of_its_first_environment(
    environments: list[dict[str, Any]] | None, place: str
) -> None:
    answer = {"name": "Ours"} | ({} if environments is None else {"environmentConfigurations": environments})
    account = Turns(GetProjectProfile=[answer, GONE, DENIED])
    ours = studio(account)
    assert ours.profile_and_place("d", "prof") == ("Ours", place)
    assert account.asked == [("GetProjectProfile", {"domainIdentifier": "d", "identifier": "prof"})]
    with pytest.raises(ProjectNotFound) as gone:
        ours.profile_and_place("d", "prof")
    assert gone.value.holes == {"activity": "reading the project profile prof"}
    with pytest.raises(DataZoneDenied) as not_you:
        ours.profile_and_place("d", "prof")
    assert not_you.value.holes == denied("reading the project profile prof", "datazone:GetProjectProfile")


OPERATIONS = ("GetProject", "ListEnvironments", "ListConnections")


@pytest.mark.parametrize("refusing", [(), *((operation,) for operation in OPERATIONS), OPERATIONS])
def test_each_operation_about_a_project_is_tried(refusing: tuple[str, ...]) -> None:
    account = Turns(**{operation: [DENIED] for operation in refusing})
    assert studio(account).answered("d", "p") == {operation: operation not in refusing for operation in OPERATIONS}
    assert account.asked == [GET_PROJECT, ("ListEnvironments", ABOUT), ("ListConnections", ABOUT)]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_not_a_denial_is_told(operation: str) -> None:
    with pytest.raises(ProjectNotFound) as gone:
        studio(Turns(**{operation: [GONE]})).answered("d", "p")
    assert gone.value.holes == {"activity": f"asking for {operation}"}
    with pytest.raises(AwsThrottled) as slow:
        studio(Turns(**{operation: [refused("ThrottlingException")]})).answered("d", "p")
    assert slow.value.holes["activity"] == f"asking for {operation}"


# -- a project -------------------------------------------------------------------------------------------------------

DOMAIN_ARN = "arn:aws:sagemaker:eu-west-1:1:domain/d-1"
SETTINGS = {"ProjectId": "p", "DomainId": "d", "ProjectS3Path": "s3://bucket/d/p/dev"}


def sagemaker(**more: Any) -> dict[str, Any]:
    found = {
        "DomainArn": DOMAIN_ARN,
        "Status": "InService",
        "CreationTime": WHEN,
        "DomainSettings": {"UnifiedStudioSettings": SETTINGS},
        "DefaultSpaceSettings": {"ExecutionRole": "arn:space"},
        "DefaultUserSettings": {"ExecutionRole": "arn:users"},
    }
    return {**found, **more}


LISTED = {"Domains": [{"DomainId": "d-1", "DomainName": "p-domain", "CreationTime": WHEN}]}
SPACES = {"Spaces": [{"SpaceName": "z", "Status": "InService"}, {"SpaceName": "b", "Status": "InService"}, {
    "SpaceName": "a", "Status": "Pending"}]}  # fmt: skip
WORKSPACE = Project(
    "",
    Tooling(ready=True),
    sagemaker_domain_arn=DOMAIN_ARN,
    space_arn="arn:aws:sagemaker:eu-west-1:111122223333:space/d-1/b",
    roles=("arn:space", "arn:users"),
    artifact_location="s3://bucket/d/p/dev",
    tooling_since=(WHEN - timedelta(minutes=15)).isoformat(),
)


def test_what_sagemaker_alone_tells_of_a_project() -> None:
    account = Turns(ListDomains=[LISTED], DescribeDomain=[sagemaker()], ListSpaces=[SPACES])
    assert studio(account).workspace("d", "p", STACK) == WORKSPACE
    assert account.asked == [
        ("ListDomains", {}),
        ("DescribeDomain", {"DomainId": "d-1"}),
        ("ListSpaces", {"DomainIdEquals": "d-1"}),
    ]


@pytest.mark.parametrize(("status", "ready"), [("InService", True), ("Updating", True), ("Pending", False)])
def test_a_workspace_is_ready_while_its_domain_is_in_service(status: str, ready: bool) -> None:
    account = Turns(ListDomains=[LISTED], DescribeDomain=[sagemaker(Status=status)], ListSpaces=[{"Spaces": []}])
    found = studio(account).workspace("d", "p", STACK)
    assert (found.tooling, found.space_arn) == (Tooling(ready), "")


def test_a_project_without_a_domain_has_no_workspace() -> None:
    for described in (GONE, sagemaker(DomainSettings={"UnifiedStudioSettings": {**SETTINGS, "ProjectId": "other"}})):
        account = Turns(ListDomains=[LISTED], DescribeDomain=[described])
        assert studio(account).workspace("d", "p", STACK) == Project("", Tooling(ready=False))
        assert [name for name, _ in account.asked] == ["ListDomains", "DescribeDomain"]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (
            {"AmazonDataZoneDomain": "d", "AmazonDataZoneProject": "p", "ProjectS3Path": "s3://x"},
            (DOMAIN_ARN, "s3://x"),
        ),
        ({"AmazonDataZoneDomain": "d", "AmazonDataZoneProject": "p"}, (DOMAIN_ARN, "")),
        ({"AmazonDataZoneDomain": "d", "AmazonDataZoneProject": "other"}, ("", "")),
        ({"AmazonDataZoneDomain": "other", "AmazonDataZoneProject": "p"}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_a_domain_without_settings_is_known_by_both_its_tags(tags: dict[str, str], found: tuple[str, str]) -> None:
    told = [{"Key": key, "Value": value} for key, value in tags.items()]
    account = Turns(
        ListDomains=[LISTED],
        DescribeDomain=[sagemaker(DomainSettings={})],
        ListTags=[{"Tags": told}],
        ListSpaces=[{"Spaces": []}],
    )
    ours = studio(account).workspace("d", "p", STACK)
    assert (ours.sagemaker_domain_arn, ours.artifact_location) == found
    assert ("ListTags", {"ResourceArn": DOMAIN_ARN}) in account.asked


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (
            {"ProjectId": "p-1", "ServiceCatalogProvisionedProductDetails": {"ProvisionedProductId": "pp-1"}},
            ClassicProject("p-1", "pp-1"),
        ),
        ({"ProjectId": "p-1", "ServiceCatalogProvisionedProductDetails": {}}, ClassicProject("p-1", "")),
        ({"ProjectId": "p-1"}, ClassicProject("p-1", "")),
    ],
)
def test_a_classic_project_may_have_been_launched(answer: dict[str, Any], found: ClassicProject) -> None:
    account = Turns(DescribeProject=[answer, GONE, refused("ValidationException"), DENIED])
    ours = studio(account)
    assert ours.classic_project("churn") == found
    assert account.asked == [("DescribeProject", {"ProjectName": "churn"})]
    for _ in range(2):
        with pytest.raises(ProjectNotFound) as gone:
            ours.classic_project("churn")
        assert gone.value.holes == {"activity": "reading the classic project churn"}
    with pytest.raises(AwsDenied, match="Not you") as not_you:
        ours.classic_project("churn")
    told = denied("reading the classic project churn", "sagemaker:DescribeProject", "SageMaker")
    assert not_you.value.holes == told


# -- blueprints ------------------------------------------------------------------------------------------------------

CONFIGURE = "PutEnvironmentBlueprintConfiguration"
OF = {"domainIdentifier": "d", "environmentBlueprintIdentifier": "bp"}
ROLE = "arn:aws:iam::1:role/p"


@pytest.mark.parametrize(
    ("wanted", "more"),
    [
        (Configuration(ROLE, ("eu-west-1", "us-east-1")), {}),
        (Configuration(ROLE, ("eu-west-1", "us-east-1"), "arn:manage"), {"manageAccessRoleArn": "arn:manage"}),
        (
            Configuration(ROLE, ("eu-west-1", "us-east-1"), "", {"eu-west-1": {"k": "v"}}),
            {"regionalParameters": {"eu-west-1": {"k": "v"}}},
        ),
    ],
)
def test_a_blueprint_is_configured_with_what_is_wanted_and_no_more(wanted: Configuration, more: dict[str, Any]) -> None:
    account = Turns()
    blueprints(account).configure("d", "bp", wanted)
    given = {**OF, "provisioningRoleArn": ROLE, "enabledRegions": ["eu-west-1", "us-east-1"], **more}
    assert account.asked == [(CONFIGURE, given)]


@pytest.mark.parametrize("message", ["The Role is not there", "Cannot ASSUME it"])
@pytest.mark.parametrize(
    "code", ["ConflictException", "ResourceNotFoundException", "ValidationException", "AccessDeniedException"]
)
def test_a_role_that_datazone_cannot_use_is_not_ready(code: str, message: str) -> None:
    with pytest.raises(RoleNotReady) as waiting:
        blueprints(Turns(**{CONFIGURE: [refused(code, message)]})).configure("d", "bp", Configuration(ROLE, ()))
    assert waiting.value.holes == {"role": ROLE, "message": message}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ConflictException", AwsConflict),
        ("ResourceNotFoundException", AwsNotFound),
        ("ValidationException", AwsRefused),
        ("AccessDeniedException", DomainUnitNotOwned),
        ("ThrottlingException", AwsThrottled),
    ],
)
def test_another_refusal_of_a_configuration_stays_what_it_is(code: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as said:
        blueprints(Turns(**{CONFIGURE: [refused(code, "Something else")]})).configure(
            "d", "bp", Configuration(ROLE, ())
        )
    assert type(said.value) is kind
    holes = said.value.holes  # type: ignore[attr-defined]
    assert (holes["service"], holes["activity"]) == ("DataZone", "configuring the blueprint bp")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({}, []),
        ({"accountSource": {}}, []),
        ({"accountSource": {"customAccountPoolHandler": {"lambdaFunctionArn": "arn"}}}, []),
        (
            {
                "accountSource": {
                    "accounts": [
                        {"awsAccountId": "1", "supportedRegions": ["eu-west-1", "us-east-1"]},
                        {"awsAccountId": "2", "supportedRegions": ["r1"]},
                    ]
                }
            },
            [("1", "eu-west-1"), ("1", "us-east-1"), ("2", "r1")],
        ),
    ],
)
def test_a_pools_accounts_are_listed_with_each_region(answer: dict[str, Any], found: list[tuple[str, str]]) -> None:
    account = Turns(GetAccountPool=[answer, GONE, DENIED])
    ours = blueprints(account)
    assert ours.accounts_of_pool("d", "pool") == found
    assert account.asked == [("GetAccountPool", {"domainIdentifier": "d", "identifier": "pool"})]
    with pytest.raises(AwsNotFound) as gone:
        ours.accounts_of_pool("d", "pool")
    assert gone.value.holes["activity"] == "reading the account pool pool"
    with pytest.raises(DataZoneDenied) as not_you:
        ours.accounts_of_pool("d", "pool")
    assert not_you.value.holes == denied("reading the account pool pool", "datazone:GetAccountPool")


UNIT = {"domainUnit": {"domainUnitDesignation": "OWNER", "domainUnitIdentifier": "unit"}}
GRANT = Grant("grant-1", UNIT, {"createEnvironmentFromBlueprint": {}})
ON_UNIT: tuple[Any, str, Any] = ("DOMAIN_UNIT", "unit", "CREATE_PROJECT_FROM_PROJECT_PROFILE")
POLICY: Any = ("d", *ON_UNIT)
POLICY_GIVEN = {
    "domainIdentifier": "d",
    "entityType": "DOMAIN_UNIT",
    "entityIdentifier": "unit",
    "policyType": "CREATE_PROJECT_FROM_PROJECT_PROFILE",
}
ENVIRONMENTS = ({"name": "e", "environmentBlueprintId": "bp", "awsRegion": {"regionName": "eu-west-1"}},)
WANTED = Blueprint("bp", "Ours", "What it is", "https://t", ({"keyName": "k", "fieldType": "STRING"},))
OWN = Profile("prof", "Own", ENVIRONMENTS, "Said")


@dataclass(frozen=True)
class Case:
    """A method with what it is given: the operation that it calls with what, and in which words a refusal is told."""

    method: str
    given: tuple[Any, ...]
    operation: str
    sent: dict[str, Any]
    activity: str


DELETIONS: list[tuple[Case, dict[str, str] | None]] = [
    (
        Case(
            "delete_profile",
            ("d", "prof"),
            "DeleteProjectProfile",
            {"domainIdentifier": "d", "identifier": "prof"},
            "deleting the project profile prof",
        ),
        {"kind": "project profile", "name": "prof"},
    ),
    (
        Case(
            "delete_blueprint",
            ("d", "bp"),
            "DeleteEnvironmentBlueprint",
            {"domainIdentifier": "d", "identifier": "bp"},
            "deleting the blueprint bp",
        ),
        {"kind": "blueprint", "name": "bp"},
    ),
    (
        Case(
            "delete_configuration",
            ("d", "bp"),
            "DeleteEnvironmentBlueprintConfiguration",
            OF,
            "deleting the configuration of the blueprint bp",
        ),
        {"kind": "configuration of the blueprint", "name": "bp"},
    ),
    (
        Case(
            "remove_grant",
            (*POLICY, GRANT),
            "RemovePolicyGrant",
            {**POLICY_GIVEN, "principal": GRANT.principal, "grantIdentifier": "grant-1"},
            "removing the grant CREATE_PROJECT_FROM_PROJECT_PROFILE on unit",
        ),
        None,
    ),
]


@pytest.mark.parametrize(("case", "used"), DELETIONS)
def test_what_is_deleted_may_be_gone_and_may_be_in_use(case: Case, used: dict[str, str] | None) -> None:
    turns: list[Any] = [{}, GONE, CONFLICT, DENIED, refused("ValidationException", "Bad")]
    account = Turns(**{case.operation: turns})
    act = getattr(blueprints(account), case.method)
    act(*case.given)
    act(*case.given)
    assert [(name, {k: v for k, v in asked.items() if k != "clientToken"}) for name, asked in account.asked] == [
        (case.operation, case.sent)
    ] * 2
    if used is None:
        with pytest.raises(AwsConflict) as conflict:
            act(*case.given)
        assert conflict.value.holes["activity"] == case.activity
    else:
        with pytest.raises(InUse) as in_use:
            act(*case.given)
        assert in_use.value.holes == used
    with pytest.raises(DomainUnitNotOwned) as not_you:
        act(*case.given)
    assert not_you.value.holes == denied(case.activity, f"datazone:{case.operation}")
    with pytest.raises(AwsRefused) as bad:
        act(*case.given)
    assert bad.value.holes["activity"] == case.activity


def test_a_grant_without_an_id_is_removed_by_its_principal() -> None:
    account = Turns()
    nameless = Grant("", GRANT.principal, GRANT.detail)
    blueprints(account).remove_grant("d", *ON_UNIT, nameless)
    ((_, sent),) = account.asked
    assert {k: v for k, v in sent.items() if k != "clientToken"} == {**POLICY_GIVEN, "principal": GRANT.principal}


CREATIONS: list[tuple[Case, dict[str, Any], str]] = [
    (
        Case(
            "create_profile",
            ("d", OWN, "unit"),
            "CreateProjectProfile",
            {
                "domainIdentifier": "d",
                "name": "Own",
                "description": "Said",
                "status": "ENABLED",
                "environmentConfigurations": list(ENVIRONMENTS),
                "domainUnitIdentifier": "unit",
            },
            "creating the project profile 'Own'",
        ),
        {"id": "new"},
        "new",
    ),
    (
        Case(
            "create_blueprint",
            ("d", WANTED),
            "CreateEnvironmentBlueprint",
            {
                "domainIdentifier": "d",
                "name": "Ours",
                "description": "What it is",
                "provisioningProperties": {"cloudFormation": {"templateUrl": "https://t"}},
                "userParameters": list(WANTED.parameters),
            },
            "creating the blueprint 'Ours'",
        ),
        {"id": "new"},
        "new",
    ),
    (
        Case(
            "add_grant",
            (*POLICY, GRANT),
            "AddPolicyGrant",
            {**POLICY_GIVEN, "principal": GRANT.principal, "detail": GRANT.detail},
            "granting CREATE_PROJECT_FROM_PROJECT_PROFILE on unit",
        ),
        {"grantId": "new"},
        "new",
    ),
    (
        Case(
            "add_grant",
            (*POLICY, GRANT),
            "AddPolicyGrant",
            {**POLICY_GIVEN, "principal": GRANT.principal, "detail": GRANT.detail},
            "granting CREATE_PROJECT_FROM_PROJECT_PROFILE on unit",
        ),
        {},
        "",
    ),
]


@pytest.mark.parametrize(("case", "answer", "made"), CREATIONS)
def test_what_is_created_has_an_id_unless_its_name_is_taken(case: Case, answer: dict[str, Any], made: str) -> None:
    turns: list[Any] = [answer, CONFLICT, DENIED]
    account = Turns(**{case.operation: turns})
    act = getattr(blueprints(account), case.method)
    assert act(*case.given) == made
    ((name, asked),) = account.asked
    assert (name, {k: v for k, v in asked.items() if k != "clientToken"}) == (case.operation, case.sent)
    with pytest.raises(NameTaken) as taken:
        act(*case.given)
    assert taken.value.holes == {"activity": case.activity}
    with pytest.raises(DomainUnitNotOwned) as not_you:
        act(*case.given)
    assert not_you.value.holes == denied(case.activity, f"datazone:{case.operation}")


@pytest.mark.parametrize(("enabled", "more"), [(True, {"description": "Said", "status": "ENABLED"}), (False, {})])
def test_a_profile_of_somebody_elses_keeps_its_description_and_status(enabled: bool, more: dict[str, str]) -> None:
    account = Turns(UpdateProjectProfile=[{}, CONFLICT])
    ours, wanted = blueprints(account), Profile("prof", "Own", ENVIRONMENTS, "Said", enabled)
    ours.update_profile("d", wanted)
    sent = {"domainIdentifier": "d", "identifier": "prof", "environmentConfigurations": list(ENVIRONMENTS), **more}
    assert account.asked == [("UpdateProjectProfile", sent)]
    with pytest.raises(AwsConflict) as conflict:
        ours.update_profile("d", wanted)
    assert conflict.value.holes["activity"] == "changing the project profile 'Own'"


def test_a_blueprint_keeps_its_name() -> None:
    account = Turns(UpdateEnvironmentBlueprint=[{}, CONFLICT])
    ours = blueprints(account)
    ours.update_blueprint("d", WANTED)
    sent = {
        "domainIdentifier": "d",
        "identifier": "bp",
        "description": "What it is",
        "provisioningProperties": {"cloudFormation": {"templateUrl": "https://t"}},
        "userParameters": list(WANTED.parameters),
    }
    assert account.asked == [("UpdateEnvironmentBlueprint", sent)]
    with pytest.raises(AwsConflict) as conflict:
        ours.update_blueprint("d", WANTED)
    assert conflict.value.holes["activity"] == "changing the blueprint 'Ours'"


READINGS: list[tuple[Case, list[tuple[dict[str, Any], Any]]]] = [
    (
        Case(
            "blueprint",
            ("d", "bp"),
            "GetEnvironmentBlueprint",
            {"domainIdentifier": "d", "identifier": "bp"},
            "reading the blueprint bp",
        ),
        [
            ({"id": "bp", "name": "Ours"}, Blueprint("bp", "Ours", "", "", ())),
            (
                {
                    "id": "bp",
                    "name": "Ours",
                    "description": "What it is",
                    "provisioningProperties": {"cloudFormation": {"templateUrl": "https://t"}},
                    "userParameters": list(WANTED.parameters),
                },
                WANTED,
            ),
        ],
    ),
    (
        Case(
            "configuration",
            ("d", "bp"),
            "GetEnvironmentBlueprintConfiguration",
            OF,
            "reading the configuration of the blueprint bp",
        ),
        [
            ({"domainId": "d"}, Configuration("", (), "", {})),
            (
                {
                    "provisioningRoleArn": ROLE,
                    "enabledRegions": ["us-east-1", "eu-west-1"],
                    "manageAccessRoleArn": "arn:manage",
                    "regionalParameters": {"eu-west-1": {"k": "v"}},
                },
                Configuration(ROLE, ("eu-west-1", "us-east-1"), "arn:manage", {"eu-west-1": {"k": "v"}}),
            ),
        ],
    ),
    (
        Case(
            "profile",
            ("d", "prof"),
            "GetProjectProfile",
            {"domainIdentifier": "d", "identifier": "prof"},
            "reading the project profile prof",
        ),
        [
            ({"id": "prof", "name": "Own"}, Profile("prof", "Own", (), "", enabled=False)),
            (
                {
                    "id": "prof",
                    "name": "Own",
                    "description": "Said",
                    "status": "ENABLED",
                    "environmentConfigurations": list(ENVIRONMENTS),
                },
                OWN,
            ),
        ],
    ),
]


@pytest.mark.parametrize(("case", "answers"), READINGS)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_is_read_of_a_domain_is_none_when_it_is_gone(
    case: Case, answers: list[tuple[dict[str, Any], Any]], elsewhere: bool
) -> None:
    turns: list[Any] = [*(answer for answer, _ in answers), GONE, DENIED]
    account = Turns(**{case.operation: turns})
    act = getattr(blueprints(account, elsewhere=elsewhere), case.method)
    assert [act(*case.given) for _ in answers] == [found for _, found in answers]
    assert act(*case.given) is None
    assert account.asked == [(case.operation, case.sent)] * 3
    with pytest.raises(DataZoneDenied) as not_you:
        act(*case.given)
    assert type(not_you.value) is (DomainNotShared if elsewhere else DataZoneDenied)
    assert not_you.value.holes == denied(case.activity, f"datazone:{case.operation}")


@pytest.mark.parametrize(
    ("method", "given", "operation", "sent"),
    [
        ("blueprint_id", ("d", "Ours"), "ListEnvironmentBlueprints", {"name": "Ours", "managed": False}),
        ("blueprint_id", ("d", "Ours", True), "ListEnvironmentBlueprints", {"name": "Ours", "managed": True}),
        ("profile_id", ("d", "Ours"), "ListProjectProfiles", {"name": "Ours"}),
    ],
)
def test_an_id_is_that_of_the_very_name_on_any_page(
    method: str, given: tuple[Any, ...], operation: str, sent: dict[str, Any]
) -> None:
    pages: list[dict[str, Any]] = [
        {"items": [{"id": "1", "name": "Ours too"}], "nextToken": "more"},
        {"items": [{"id": "2", "name": "Ours"}, {"id": "3", "name": "Ours"}]},
    ]
    account = Turns(**{operation: [*pages, {}]})
    act = getattr(blueprints(account), method)
    assert act(*given) == "2"
    asked = {"domainIdentifier": "d", **sent}
    assert account.asked == [(operation, asked), (operation, {**asked, "nextToken": "more"})]
    assert act(*given) == ""


def test_a_policys_grants_are_those_of_all_pages() -> None:
    second = {"principal": GRANT.principal, "detail": GRANT.detail}
    first = {"grantId": "grant-1", **second}
    account = Turns(
        ListPolicyGrants=[{"grantList": [first], "nextToken": "more"}, {"grantList": [second]}, GONE, DENIED]
    )
    ours = blueprints(account)
    assert ours.grants(*POLICY) == [GRANT, Grant("", GRANT.principal, GRANT.detail)]
    assert account.asked == [
        ("ListPolicyGrants", POLICY_GIVEN),
        ("ListPolicyGrants", {**POLICY_GIVEN, "nextToken": "more"}),
    ]
    assert ours.grants(*POLICY) == []
    with pytest.raises(DataZoneDenied) as not_you:
        ours.grants(*POLICY)
    activity = "reading the grants CREATE_PROJECT_FROM_PROJECT_PROFILE on unit"
    assert not_you.value.holes == denied(activity, "datazone:ListPolicyGrants")


def test_the_projects_with_a_blueprint_are_those_that_show_an_environment_of_it() -> None:
    projects = [{"id": identifier, "name": f"Project {identifier}"} for identifier in "abcde"]
    environments: list[Any] = [
        {"items": [{"status": "ACTIVE"}]},
        {"items": [{"status": "DELETED"}]},
        GONE,
        DENIED,
        {"items": [{"status": "DELETED"}, {}]},
    ]
    account = Turns(ListProjects=[{"items": projects}, DENIED], ListEnvironments=environments)
    ours = blueprints(account)
    assert ours.projects_with("d", "bp") == ["Project a", "Project e"]
    about = {"domainIdentifier": "d", "environmentBlueprintIdentifier": "bp"}
    assert account.asked == [
        ("ListProjects", {"domainIdentifier": "d"}),
        *(("ListEnvironments", {**about, "projectIdentifier": identifier}) for identifier in "abcde"),
    ]
    assert ours.projects_with("d", "bp") == []
    with pytest.raises(AwsThrottled) as slow:
        blueprints(Turns(ListProjects=[refused("ThrottlingException")])).projects_with("d", "bp")
    assert slow.value.holes["activity"] == "listing projects"


@pytest.mark.parametrize(
    ("items", "gone"),
    [
        ([{"id": "d", "status": "AVAILABLE"}], False),
        ([{"id": "d"}], False),
        ([{"id": "d", "status": "DELETING"}], True),
        ([{"id": "d", "status": "DELETED"}], True),
        ([{"id": "other", "status": "AVAILABLE"}], True),
        ([], True),
    ],
)
def test_a_domain_is_gone_when_no_list_has_it(items: list[dict[str, str]], gone: bool) -> None:
    account = Turns(ListDomains=[{"items": items}], GetDomain=[{"rootDomainUnitId": "unit"}, {}, DENIED])
    ours = blueprints(account)
    assert ours.domain_is_gone("d") is gone
    assert [ours.root_domain_unit("d") for _ in range(2)] == ["unit", ""]
    assert account.asked == [("ListDomains", {}), *[("GetDomain", {"identifier": "d"})] * 2]
    with pytest.raises(DataZoneDenied) as not_you:
        ours.root_domain_unit("d")
    assert not_you.value.holes == denied("reading the domain d", "datazone:GetDomain")


def test_a_domain_of_another_account_says_that_it_is_not_shared() -> None:
    account = Turns(**{CONFIGURE: [DENIED]}, GetProjectProfile=[DENIED])
    ours = blueprints(account, elsewhere=True)
    with pytest.raises(DomainNotShared):
        ours.configure("d", "bp", Configuration(ROLE, ()))
    with pytest.raises(DomainNotShared):
        ours.profile("d", "prof")
