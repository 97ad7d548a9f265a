"""The AWS clients: what they answer, and which failures are final, which a wait. Calls are validated by botocore."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from custom_resources.caller import PRINCIPAL_TAG
from custom_resources.clients import FunctionClients, _boto3_client
from custom_resources.clients.archives import Archives
from custom_resources.clients.aws import DYNAMODB, S3, translated
from custom_resources.clients.secrets import GitHubCredentials, Secrets
from custom_resources.clients.service_catalog import LAUNCHED_BY, ServiceCatalog
from custom_resources.clients.stacks import CloudFormationStacks
from custom_resources.clients.studio import Studio
from custom_resources.errors import (
    ArchiveMissing,
    AssetMissing,
    AwsConflict,
    AwsDenied,
    AwsNotConfigured,
    AwsNotFound,
    AwsRefused,
    AwsThrottled,
    AwsUnreachable,
    FinalError,
    InvalidTemplate,
    RetryLater,
    SecretUnreadable,
)
from custom_resources.template_content import TemplateFile, archive_name, build_archive

REGION = "eu-west-1"
STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


# -- stacks -------------------------------------------------------------------------------------------------------


def stack(status: str, updated: int | None = None) -> dict[str, Any]:
    day = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
    found = {"StackName": "s", "StackStatus": status, "CreationTime": day}
    return {"Stacks": [found | ({"LastUpdatedTime": day.replace(hour=updated)} if updated else {})]}


def operations(*answers: dict[str, Any]) -> list[str]:
    client = boto3.client("cloudformation", region_name=REGION)
    with Stubber(client) as stub:
        for answer in answers:
            stub.add_response("describe_stacks", answer, {"StackName": STACK})
        return [CloudFormationStacks(client).operation(STACK) for _ in answers]


def test_every_operation_of_a_stack_has_a_name_of_its_own() -> None:
    names = operations(
        stack("CREATE_IN_PROGRESS"),
        stack("ROLLBACK_IN_PROGRESS"),
        stack("UPDATE_IN_PROGRESS", 1),
        stack("UPDATE_ROLLBACK_IN_PROGRESS", 1),
        stack("UPDATE_IN_PROGRESS", 2),
    )
    assert len(set(names)) == 5
    assert operations(stack("UPDATE_IN_PROGRESS", 1)) == operations(stack("UPDATE_IN_PROGRESS", 1))


@pytest.mark.parametrize(
    ("code", "expected", "sentence"),
    [
        ("Throttling", RetryLater, "CloudFormation is throttling requests"),
        ("AccessDenied", FinalError, "Grant the caller cloudformation:DescribeStacks"),
    ],
)
def test_a_stack_that_cannot_be_described(code: str, expected: type[Exception], sentence: str) -> None:
    client = boto3.client("cloudformation", region_name=REGION)
    with Stubber(client) as stub:
        stub.add_client_error("describe_stacks", code)
        with pytest.raises(expected, match=sentence):
            CloudFormationStacks(client).operation(STACK)


@pytest.mark.parametrize(
    ("status", "there"),
    [
        ("CREATE_COMPLETE", True),
        ("UPDATE_ROLLBACK_FAILED", True),
        ("DELETE_IN_PROGRESS", True),
        ("DELETE_FAILED", True),
        ("ROLLBACK_FAILED", True),
        ("ROLLBACK_COMPLETE", False),
        ("DELETE_COMPLETE", False),
    ],
)
def test_a_stack_exists_while_it_has_resources(status: str, there: bool) -> None:
    client = boto3.client("cloudformation", region_name=REGION)
    with Stubber(client) as stub:
        stub.add_response("describe_stacks", stack(status), {"StackName": STACK})
        assert CloudFormationStacks(client).exists(STACK) is there


def test_a_stack_that_nobody_knows_does_not_exist_and_one_that_may_not_be_seen_does() -> None:
    client = boto3.client("cloudformation", region_name=REGION)
    stacks = CloudFormationStacks(client)
    with Stubber(client) as stub:
        stub.add_client_error("describe_stacks", "ValidationError", f"Stack with id {STACK} does not exist")
        assert stacks.exists(STACK) is False
        stub.add_client_error("describe_stacks", "AccessDenied", "not authorized")
        assert stacks.exists(STACK) is True
        stub.add_client_error("describe_stacks", "Throttling", "Rate exceeded")
        with pytest.raises(RetryLater):
            stacks.exists(STACK)


def test_a_stacks_tags_take_no_request_of_their_own() -> None:
    """The fence has described the stack already; only another stack is described for its tags."""
    client, other = boto3.client("cloudformation", region_name=REGION), STACK.replace("/s/", "/t/")
    stacks = CloudFormationStacks(client)

    def tagged(principal: str) -> dict[str, Any]:
        (described,) = stack("CREATE_IN_PROGRESS")["Stacks"]
        return {"Stacks": [{**described, "Tags": [{"Key": PRINCIPAL_TAG, "Value": principal}]}]}

    with Stubber(client) as stub:
        stub.add_response("describe_stacks", tagged("first"), {"StackName": STACK})
        stacks.operation(STACK)
        assert stacks.tags(STACK) == {PRINCIPAL_TAG: "first"}
        stub.add_response("describe_stacks", tagged("second"), {"StackName": other})
        assert stacks.tags(other) == {PRINCIPAL_TAG: "second"}
        stub.add_response("describe_stacks", stack("UPDATE_IN_PROGRESS"), {"StackName": other})
        stacks.operation(other)
        assert stacks.tags(other) == {}
        stub.assert_no_pending_responses()


def test_what_a_door_launched_is_found_by_its_tag() -> None:
    def launched(name: str, product: str, door: str) -> dict[str, Any]:
        return {"Name": name, "Id": name, "ProductId": product, "Tags": [{"Key": LAUNCHED_BY, "Value": door}]}

    client = boto3.client("servicecatalog", region_name=REGION)
    found = [
        launched("studio-p2", "prod-1", "blueprint"),
        launched("studio-p1", "prod-1", "blueprint"),
        launched("studio-p3", "prod-1", "project-setup"),
        launched("studio-p4", "prod-2", "blueprint"),
        {"Name": "by-hand", "Id": "by-hand", "ProductId": "prod-1"},
    ]
    catalog = ServiceCatalog(client, CloudFormationStacks(boto3.client("cloudformation", region_name=REGION)))
    with Stubber(client) as stub:
        stub.add_response("search_provisioned_products", {"ProvisionedProducts": found})
        assert catalog.launched_by("prod-1", "blueprint") == ["studio-p1", "studio-p2"]


# -- secrets ------------------------------------------------------------------------------------------------------


def secret(value: str) -> Secrets:
    client = boto3.client("secretsmanager", region_name=REGION)
    client.create_secret(Name="github", SecretString=value)
    return Secrets(client)


def test_a_token_may_stand_alone_or_in_json() -> None:
    assert secret("ghp_abc\n").github_credentials("github").token == "ghp_abc"
    boto3.client("secretsmanager").put_secret_value(SecretId="github", SecretString='{"token": "ghp_def"}')
    assert Secrets(boto3.client("secretsmanager")).github_credentials("github").token == "ghp_def"


def test_an_app_has_three_fields_and_shows_none() -> None:
    fields = {"app_id": 12, "installation_id": "34", "private_key": "-----BEGIN CANARY-----"}
    found = secret(json.dumps(fields)).github_credentials("github")
    assert (found.app_id, found.installation_id, found.private_key) == ("12", 34, "-----BEGIN CANARY-----")
    assert "CANARY" not in repr(found)


@given(st.text(max_size=60))
def test_whatever_the_secret_holds_no_error_shows_it(text: str) -> None:
    client = boto3.client("secretsmanager", region_name=REGION)
    with Stubber(client) as stub:
        stub.add_response("get_secret_value", {"SecretString": "CANARY" + text}, {"SecretId": "github"})
        try:
            found = Secrets(client).github_credentials("github")
        except FinalError as error:
            assert "CANARY" not in f"{error!r} {error} {error.__cause__!r}"
        else:
            assert found.token == ("CANARY" + text).strip()
            assert "CANARY" not in repr(found)


@pytest.mark.parametrize("value", [" ", "two words", "{", "{}", '{"app_id": 1}', "[]", '{"token": ""}'])
def test_a_secret_without_credentials_is_said_in_one_sentence(value: str) -> None:
    client = boto3.client("secretsmanager", region_name=REGION)
    with Stubber(client) as stub:
        stub.add_response("get_secret_value", {"SecretString": value}, {"SecretId": "github"})
        if value == "[]":  # GitHub will refuse it; it looks like a token
            assert Secrets(client).github_credentials("github").token == value
            return
        with pytest.raises(SecretUnreadable, match=r"github (contains|does not contain)"):
            Secrets(client).github_credentials("github")


def test_one_key_of_a_json_secret() -> None:
    secrets = secret('{"password": "hunter2", "port": 5}')
    assert secrets.value("github#password") == "hunter2"
    assert secrets.value("github#port") == "5"
    with pytest.raises(SecretUnreadable, match="not a JSON object with the key 'user'"):
        secrets.value("github#user")
    with pytest.raises(SecretUnreadable, match="elsewhere does not exist or has no value"):
        secrets.value("elsewhere")


# -- archives -----------------------------------------------------------------------------------------------------


@pytest.fixture
def archives() -> Archives:
    client = boto3.client("s3", region_name=REGION)
    for bucket in ("archives", "assets"):
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return Archives(client, "archives")


CONTENT = build_archive([TemplateFile("regression/model_build/run.py", b"print()\n", True)])


def test_an_asset_is_copied_in_under_its_content_address(archives: Archives) -> None:
    name = archive_name(CONTENT)
    boto3.client("s3").put_object(Bucket="assets", Key="asset.zip", Body=CONTENT)
    assert not archives.has(name)
    archives.copy_in("assets", "asset.zip", name)
    assert archives.has(name)
    with archives.open(name) as archive:
        assert archive.folder("regression/model_build") == [TemplateFile("run.py", b"print()\n", True)]


def test_an_asset_that_is_not_what_its_name_says_is_not_copied(archives: Archives) -> None:
    boto3.client("s3").put_object(Bucket="assets", Key="asset.zip", Body=CONTENT + b"x")
    with pytest.raises(InvalidTemplate, match="does not match its name"):
        archives.copy_in("assets", "asset.zip", archive_name(CONTENT))
    assert not archives.has(archive_name(CONTENT))


@pytest.mark.parametrize(("bucket", "key"), [("assets", "gone.zip"), ("nowhere", "asset.zip")])
def test_a_missing_asset_is_said_in_one_sentence(archives: Archives, bucket: str, key: str) -> None:
    with pytest.raises(AssetMissing, match=f"asset {key} is not in the bucket {bucket}"):
        archives.copy_in(bucket, key, archive_name(CONTENT))


def test_the_buckets_refusals_say_what_was_being_done() -> None:
    client = boto3.client("s3", region_name=REGION)
    with Stubber(client) as stub:
        stub.add_client_error("head_object", "403", http_status_code=403)
        with pytest.raises(AwsDenied, match=r"looking up the template archive x\.zip.*Grant the caller s3:GetObject"):
            Archives(client, "archives").has("x.zip")
    once = Config(retries={"total_max_attempts": 1})
    nobody = boto3.client("s3", region_name=REGION, endpoint_url="http://127.0.0.1:9", config=once)
    said = r"S3 did not respond \(reading x\.zip from the bucket archives; Endpoint"
    with pytest.raises(RetryLater, match=said), Archives(nobody, "archives").open("x.zip"):
        pass


# -- the translator -----------------------------------------------------------------------------------------------


REFUSALS: list[tuple[str, int, str, type[Exception], str]] = [
    (
        "ThrottlingException",
        400,
        "Rate exceeded",
        AwsThrottled,
        "S3 is throttling requests or failing (reading it; Throttl",
    ),
    ("Strange", 500, "Broken", AwsThrottled, "(reading it; Strange)"),
    ("Strange", 503, "Broken", AwsThrottled, "(reading it; Strange)"),
    ("AccessDenied", 403, "Not yours.", AwsDenied, "Not yours. Grant the caller s3:GetThing"),
    ("NoSuchKey", 404, "Gone.", AwsNotFound, "Gone"),
    ("ValidationError", 400, "Stack x does not exist", AwsNotFound, "does not exist"),
    ("ValidationError", 400, "Bad", AwsRefused, "Bad"),
    ("ConflictException", 409, "Twice.", AwsConflict, "Twice"),
    ("Strange", 499, "", AwsRefused, "Strange"),
]


@pytest.mark.parametrize(("code", "status", "message", "kind", "said"), REFUSALS)
def test_a_refusal_is_one_class_a_kind(code: str, status: int, message: str, kind: type[Exception], said: str) -> None:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = ClientError(answer, "GetThing")
    with pytest.raises(kind) as refused, translated(S3, "reading it"):
        raise error
    assert type(refused.value) is kind
    assert said in str(refused.value)
    assert "reading it" in str(refused.value)
    assert ".." not in str(refused.value)
    if isinstance(refused.value, RetryLater):
        assert refused.value.seconds == 5


def test_a_refusal_may_say_nothing() -> None:
    with pytest.raises(AwsRefused, match="no code"), translated(S3, "reading it"):
        raise ClientError({}, "GetThing")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            NoCredentialsError(),
            AwsNotConfigured,
            r"request to S3 could not be sent \(reading it\): Unable to locate credentials\. Check",
        ),
        (NoRegionError(), AwsNotConfigured, r"You must specify a region\. Check"),
        (EndpointConnectionError(endpoint_url="x"), AwsUnreachable, r"\(reading it; EndpointConnectionError\)"),
    ],
)
def test_what_comes_before_an_answer_is_a_wait_or_a_matter_of_setup(
    error: Exception, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said) as refused, translated(S3, "reading it"):
        raise error
    assert getattr(refused.value, "seconds", 5) == 5


@pytest.mark.parametrize(
    ("operation", "action"),
    [("HeadObject", "s3:GetObject"), ("ListObjectsV2", "s3:ListBucket"), ("PutObject", "s3:PutObject")],
)
def test_a_permission_has_iams_name(operation: str, action: str) -> None:
    assert S3.permission(operation) == action


def test_a_transaction_has_no_action_of_its_own() -> None:
    """IAM asks for that of each of its writes (docs.aws.amazon.com, "Using IAM with DynamoDB transactions")."""
    assert DYNAMODB.permission("TransactWriteItems") == "dynamodb:PutItem"
    assert DYNAMODB.permission("GetItem") == "dynamodb:GetItem"


def test_a_missing_archive_is_said_in_one_sentence(archives: Archives) -> None:
    with pytest.raises(ArchiveMissing, match="is not in the bucket archives"), archives.open("0" * 64 + ".zip"):
        pass


# -- one environment ----------------------------------------------------------------------------------------------


def test_clients_come_from_the_environment_and_only_when_asked_for() -> None:
    clients = FunctionClients({"GITHUB_API_URL": "https://ghe.example/api/v3", "PATIENCE_SECONDS": "12"})
    assert clients.patience == 12
    assert clients.budget is None
    made = {"stacks", "secrets", "archives", "studio", "blueprints", "service_catalog", "github", "git"}
    assert not made & set(vars(clients)), "nothing was made that was not asked for"
    assert FunctionClients({**os.environ, "BUDGET_TABLE": "budget"}).budget is not None


def test_a_function_calls_aws_again_before_it_gives_up() -> None:
    """Attempts of the SDK's: a throttled call in the middle of a write is not a new call of the function."""
    retries = _boto3_client("s3").meta.config.retries
    assert (retries["mode"], retries["total_max_attempts"]) == ("standard", 5)


def test_every_client_is_made_once_for_its_service() -> None:
    made: list[str] = []

    def client(service: str) -> Mock:
        made.append(service)
        return Mock()

    environment = {"BUDGET_TABLE": "budget", "TEMPLATE_BUCKET": "archives", "GITHUB_SERVER_URL": "https://ghe.example"}
    clients = FunctionClients(environment, client)
    clients.warm(("stacks", "budget", "secrets", "archives", "studio", "blueprints", "service_catalog"))
    assert made == [
        "cloudformation", "dynamodb", "secretsmanager", "s3", "datazone", "sagemaker", "datazone", "servicecatalog",
        "cloudformation",
    ]  # fmt: skip
    clients.warm(("stacks", "archives"))
    assert len(made) == 9
    assert vars(clients.archives)["_bucket"] == "archives"
    assert vars(clients.budget)["_table"] == "budget"
    assert clients.git.url == "https://ghe.example"
    assert FunctionClients({}).git.url == "https://github.com"
    assert FunctionClients({}).patience == 3000


def test_githubs_credentials_come_from_the_functions_secret() -> None:
    secrets = Mock()
    secrets.github_credentials.side_effect = lambda name: GitHubCredentials(token=f"token of {name}")
    clients = FunctionClients({"GITHUB_TOKEN_SECRET": "github"}, secrets=secrets)
    assert clients.github.token_for("acme/x") == "token of github"
    assert clients.git.token("acme/x") == "token of github"
    assert clients.git.renew("token of github") is False
    assert vars(clients.github)["_connection"]._api_url == "https://api.github.com"
    elsewhere = FunctionClients({"GITHUB_API_URL": "https://ghe.example/api/v3"}, secrets=secrets).github
    assert vars(elsewhere)["_connection"]._api_url == "https://ghe.example/api/v3"


def test_a_functions_clients_are_those_of_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATIENCE_SECONDS", "77")
    assert FunctionClients.from_environment().patience == 77


@pytest.mark.parametrize(
    ("servers", "found"), [([], ""), (["", "arn:two"], "arn:two"), (["arn:one", "arn:two"], "arn:one"), ([None], "")]
)
def test_a_projects_tracking_server_is_that_of_its_first_connection_to_one(
    monkeypatch: pytest.MonkeyPatch, servers: list[str | None], found: str
) -> None:
    asked: list[tuple[str, ...]] = []

    def connections(self: Studio, *where: str) -> list[dict[str, Any]]:
        asked.append(where)
        return [
            {"props": {"mlflowProperties": {"trackingServerArn": arn}} if arn is not None else {}} for arn in servers
        ]

    monkeypatch.setattr(Studio, "_connections", connections)
    assert Studio(Mock(), Mock())._property("d1", "p1", "MLFLOW", "mlflowProperties", "trackingServerArn") == found
    assert asked == [("d1", "p1", "MLFLOW")]


@pytest.mark.parametrize("names", [["of a user", "project.athena"], ["project.athena", "of a user"]])
def test_a_projects_workgroup_is_that_of_studios_own_connection(
    monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    found = [{"name": name, "props": {"athenaProperties": {"workgroupName": f"of {name}"}}} for name in names]
    monkeypatch.setattr(Studio, "_connections", lambda *where: found)
    told = Studio(Mock(), Mock())._property("d1", "p1", "ATHENA", "athenaProperties", "workgroupName")
    assert told == "of project.athena"
