"""project.json: what it holds, where it is written, and whose files stay as they are."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber
from moto import mock_aws

from custom_resources import project_file
from custom_resources.clients.project_files import ProjectFiles
from custom_resources.errors import AwsThrottled
from tests.template_code import template_code

ACCOUNT, BUCKET, KEY = "123456789012", "amazon-sagemaker-123456789012-eu-west-1-1", "dzd-1/p1/dev/project.json"
ATTRIBUTES = {
    "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_p1_e1",
    "ArtifactBucket": BUCKET,
    "ScopeName": "dev",
    "ModelPackageGroupName": "aiops-p1-models",
    "GlueDatabase": "glue_db",
    "AthenaWorkgroup": "workgroup-p1",
    "MlflowTrackingUri": "",
    "ProjectName": "churn",
}


def content(**changes: str) -> bytes:
    attributes = {**ATTRIBUTES, **changes}
    return project_file.content(
        attributes, domain_id="dzd-1", project_id="p1", region="eu-west-1", glue_table="abalone"
    )


def test_the_template_reads_it_as_it_reads_the_workflows_environment() -> None:
    code = template_code()
    project = code.from_environment(code.facts_of(content().decode()))
    assert (project.region, project.role_arn, project.name) == ("eu-west-1", ATTRIBUTES["ExecutionRoleArn"], "churn")
    assert project.uri("data") == f"s3://{BUCKET}/dzd-1/p1/dev/data"
    assert (project.athena_workgroup, project.glue_database, project.glue_table) == (
        "workgroup-p1",
        "glue_db",
        "abalone",
    )


def test_what_is_not_known_is_left_out_and_the_order_is_fixed() -> None:
    found = json.loads(content())
    assert "MLFLOW_TRACKING_URI" not in found
    assert list(found) == ["NOTE", *sorted(set(found) - {"NOTE"})]
    assert content(MlflowTrackingUri="arn:m") != content()


@pytest.mark.parametrize(
    "prefix", ["dzd-1/p2/dev", "dzd-2/p1/dev", "p1/dev", "dzd-1/p10/dev", "xdzd-1/p1/dev", "", "dzd-1", "sub/p1"]
)
def test_the_place_of_another_project_gets_nothing(prefix: str) -> None:
    assert project_file.key(prefix, domain_id="dzd-1", project_id="p1") == ""


@pytest.mark.parametrize("prefix", ["dzd-1/p1/dev", "dzd-1/p1", "studio/dzd-1/p1/dev"])
def test_the_projects_own_place_gets_it(prefix: str) -> None:
    assert project_file.key(prefix, domain_id="dzd-1", project_id="p1") == f"{prefix}/project.json"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"NOTE": "mine"}', "not JSON", '{"NOTE": 1}', "\udcff"])
def test_other_files_are_not_ours(text: str) -> None:
    assert not project_file.is_ours(text.encode("utf-8", "surrogateescape"))
    assert project_file.is_ours(content())


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-1")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def versions(s3: Any) -> list[bytes]:
    """Return what has been written, the newest first."""
    listed = s3.list_object_versions(Bucket=BUCKET).get("Versions", [])
    return [s3.get_object(Bucket=BUCKET, Key=KEY, VersionId=each["VersionId"])["Body"].read() for each in listed]


def test_a_launch_writes_it_once_and_an_update_only_what_differs(s3: Any) -> None:
    files = ProjectFiles(s3)
    assert files.write(BUCKET, KEY, content(), ACCOUNT) == "written"
    assert files.write(BUCKET, KEY, content(), ACCOUNT) == "unchanged"
    assert files.write(BUCKET, KEY, content(GlueDatabase="other"), ACCOUNT) == "written"
    assert versions(s3) == [content(GlueDatabase="other"), content()]


@pytest.mark.parametrize("theirs", [b"{}", b"a file of somebody", b"x" * 100_000])
def test_a_file_of_somebody_else_stays(s3: Any, theirs: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=theirs)
    assert ProjectFiles(s3).write(BUCKET, KEY, content(), ACCOUNT) == "somebody else's"
    assert versions(s3) == [theirs]


def test_a_bucket_that_is_not_there_stops_no_launch(s3: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert ProjectFiles(s3).write("amazon-sagemaker-gone", KEY, content(), ACCOUNT) == "refused"
    assert "the launch goes on without it" in caplog.text


@pytest.fixture
def stubbed() -> Iterator[tuple[ProjectFiles, Stubber]]:
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="key", aws_secret_access_key="secret")
    with Stubber(client) as stub:
        yield ProjectFiles(client), stub
        stub.assert_no_pending_responses()


def test_the_bucket_has_to_be_the_accounts_own(stubbed: tuple[ProjectFiles, Stubber]) -> None:
    files, stub = stubbed
    asked = {"Bucket": BUCKET, "Key": KEY, "Body": content(), "ContentType": "application/json"}
    stub.add_client_error(
        "put_object",
        "AccessDenied",
        http_status_code=403,
        expected_params={**asked, "ExpectedBucketOwner": ACCOUNT, "IfNoneMatch": "*"},
    )
    assert files.write(BUCKET, KEY, content(), ACCOUNT) == "refused"


def test_a_file_that_comes_meanwhile_is_not_overwritten(stubbed: tuple[ProjectFiles, Stubber]) -> None:
    files, stub = stubbed
    stub.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    held = StreamingBody(io.BytesIO(content()), len(content()))
    stub.add_response("get_object", {"Body": held, "ETag": '"one"'})
    asked = {"Bucket": BUCKET, "Key": KEY, "Body": ANY, "ContentType": ANY, "ExpectedBucketOwner": ACCOUNT}
    stub.add_client_error(
        "put_object", "PreconditionFailed", http_status_code=412, expected_params={**asked, "IfMatch": '"one"'}
    )
    assert files.write(BUCKET, KEY, content(ProjectName="new"), ACCOUNT) == "somebody else's"


def test_throttling_is_a_wait(stubbed: tuple[ProjectFiles, Stubber]) -> None:
    files, stub = stubbed
    stub.add_client_error("put_object", "SlowDown", http_status_code=503)
    with pytest.raises(AwsThrottled):
        files.write(BUCKET, KEY, content(), ACCOUNT)
