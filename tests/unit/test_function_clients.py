"""A function's clients by its environment: what each variable is for, and what there is without it."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from custom_resources.clients import FunctionClients, domain_access
from custom_resources.clients.aws import _CONFLICT, _DENIED, _NOT_FOUND, _PASSING, S3, translated
from custom_resources.clients.blueprints import Blueprints
from custom_resources.errors import AwsConflict, AwsDenied, AwsNotFound, AwsThrottled

# Client: the variable that it needs, and where the client keeps it.
KEPT = {
    "update_records": ("BUDGET_TABLE", "_table"),
    "budget": ("BUDGET_TABLE", "_table"),
    "held_projects": ("PROJECTS_TABLE", "_table"),
    "seals": ("SEAL_KEY", "_key"),
    "archives": ("TEMPLATE_BUCKET", "_bucket"),
    "version_templates": ("VERSIONS_BUCKET", "_bucket"),
    "blueprint_templates": ("BLUEPRINT_BUCKET", "_bucket"),
    "regional_launches": ("PRODUCT_PARAMETER", "_parameter"),
}
NONE_WITHOUT = {"update_records", "budget", "held_projects"}
GIVEN = ("stacks", "budget", "secrets", "seals", "archives", "update_records")
SERVICES = {
    "stacks": ["cloudformation"],
    "stack_facts": ["cloudformation"],
    "budget": ["dynamodb"],
    "update_records": ["dynamodb"],
    "held_projects": ["dynamodb"],
    "queues": ["sqs"],
    "secrets": ["secretsmanager"],
    "seals": ["kms"],
    "archives": ["s3"],
    "version_templates": ["s3"],
    "studio": ["datazone", "sagemaker"],
    "model_packages": ["sagemaker"],
    "project_files": ["s3"],
    "blueprints": ["datazone"],
    "blueprint_templates": ["s3"],
    "service_catalog": ["servicecatalog", "cloudformation"],
    "regional_launches": [],
}


@pytest.mark.parametrize("name", KEPT)
def test_a_client_keeps_what_its_variable_says(name: str) -> None:
    variable, where = KEPT[name]
    assert vars(getattr(FunctionClients({variable: "ours"}, Mock()), name))[where] == "ours"
    without = getattr(FunctionClients({}, Mock()), name)
    if name in NONE_WITHOUT:
        assert without is None
    else:
        assert vars(without)[where] == ""


@pytest.mark.parametrize("name", GIVEN)
def test_a_client_that_is_given_takes_the_place_of_that_for_aws(name: str) -> None:
    given: Any = Mock()
    make = Mock()
    assert getattr(FunctionClients({}, make, **{name: given}), name) is given
    make.assert_not_called()


@pytest.mark.parametrize("name", SERVICES)
def test_a_client_is_of_its_services(name: str) -> None:
    services: list[str] = []

    def client(service: str) -> Mock:
        services.append(service)
        return Mock(service=service)

    found = getattr(FunctionClients({"BUDGET_TABLE": "table", "PROJECTS_TABLE": "table"}, client), name)
    assert services == SERVICES[name]
    held = [each.service for each in vars(found).values() if isinstance(each, Mock)]
    assert held == services[: len(held)]
    assert bool(held) is bool(services)


@pytest.mark.parametrize(("environment", "share"), [({}, 1.0), ({"BUDGET_SHARE": "0.25"}, 0.25)])
def test_a_functions_share_of_githubs_limits_is_all_unless_told(environment: dict[str, str], share: float) -> None:
    assert vars(FunctionClients({"BUDGET_TABLE": "table", **environment}, Mock()).budget)["_share"] == share


def test_datazone_is_called_where_the_domain_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    elsewhere, make = Mock(), Mock()

    def datazone_client(region: str, role_arn: str, own_client: Any) -> Mock:
        assert own_client is make
        asked.append((region, role_arn))
        return elsewhere

    monkeypatch.setattr(domain_access, "datazone_client", datazone_client)
    role = "arn:aws:iam::111122223333:role/readers"
    for environment, expected in (
        ({"DATAZONE_REGION": "us-east-1", "DATAZONE_ROLE_ARN": role}, ("us-east-1", role)),
        ({"DATAZONE_REGION": "us-east-1"}, ("us-east-1", "")),
    ):
        clients = FunctionClients(environment, make)
        assert vars(clients.studio)["_datazone"] is elsewhere
        assert vars(clients.blueprints)["_datazone"] is elsewhere
        assert clients.blueprints._writing is Blueprints(elsewhere, elsewhere=True)._writing
        assert asked == [expected, expected]
        asked.clear()
    here = FunctionClients({}, make)
    assert vars(here.blueprints)["_datazone"] is make.return_value
    assert here.blueprints._writing is Blueprints(elsewhere)._writing
    assert not asked


def test_what_a_function_reads_of_githubs_variables() -> None:
    secrets = Mock()
    variables = {"GITHUB_TOKEN_SECRET": "github", "GITHUB_PERMISSIONS": "administration=write contents=read"}
    clients = FunctionClients(variables, Mock(), secrets=secrets)
    connection = vars(clients.github)["_connection"]
    assert vars(connection)["_permissions"] == (("administration", "write"), ("contents", "read"))
    assert vars(connection)["_limit"] is clients.requests
    assert vars(connection)["replicas"] is clients.replicas
    vars(connection)["_credentials"]()
    secrets.github_credentials.assert_called_once_with("github")
    bare = FunctionClients({}, Mock(), secrets=secrets).github
    assert vars(vars(bare)["_connection"])["_permissions"] is None
    vars(vars(bare)["_connection"])["_credentials"]()
    secrets.github_credentials.assert_called_with("")


# -- the codes of AWS's services: as the services spell them ---------------------------------------------------------

PASSING = """InternalError InternalFailure InternalServerError InternalServerException InternalServiceError
    InternalServiceException PriorRequestNotComplete ProvisionedThroughputExceededException RequestLimitExceeded
    RequestThrottled RequestThrottledException ServiceUnavailable ServiceUnavailableException SlowDown Throttling
    ThrottlingException TooManyRequestsException TransactionInProgressException"""
DENIED = "403 AccessDenied AccessDeniedException Forbidden UnauthorizedException UnauthorizedOperation"
NOT_FOUND = """404 NoSuchBucket NoSuchEntity NoSuchKey NotFound ResourceNotFound ParameterNotFound
    ResourceNotFoundException"""
CONFLICT = "ConflictException ResourceConflictException ResourceInUseException"


@pytest.mark.parametrize(
    ("codes", "known", "kind"),
    [
        (PASSING, _PASSING, AwsThrottled),
        (DENIED, _DENIED, AwsDenied),
        (NOT_FOUND, _NOT_FOUND, AwsNotFound),
        (CONFLICT, _CONFLICT, AwsConflict),
    ],
)
def test_each_code_means_what_the_services_mean_by_it(codes: str, known: set[str], kind: type[Exception]) -> None:
    assert set(codes.split()) == known
    for code in codes.split():
        with pytest.raises(kind) as refused, translated(S3, "reading it"):
            raise ClientError({"Error": {"Code": code, "Message": "No."}}, "GetThing")
        assert type(refused.value) is kind
