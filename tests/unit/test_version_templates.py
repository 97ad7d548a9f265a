"""A version's template is read from one bucket, by the address that Service Catalog tells."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from custom_resources.clients.version_templates import MAX_BYTES, VersionTemplates
from custom_resources.errors import AwsThrottled, VersionTemplateUnread

BUCKET, KEY = "cdk-hnb659fds-assets-111122223333-eu-west-1", f"{'a' * 64}.json"
URL = f"https://s3.eu-west-1.amazonaws.com/{BUCKET}/{KEY}"


@pytest.fixture
def templates() -> Iterator[tuple[VersionTemplates, Stubber]]:
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub:
        yield VersionTemplates(client, BUCKET), stub


def answers(stub: Stubber, body: bytes) -> None:
    stream = StreamingBody(io.BytesIO(body), len(body))
    stub.add_response("get_object", {"Body": stream}, {"Bucket": BUCKET, "Key": KEY})


@pytest.mark.parametrize("url", [URL, f"https://{BUCKET}.s3.eu-west-1.amazonaws.com/{KEY}"])
def test_both_forms_of_an_address_are_read(templates: tuple[VersionTemplates, Stubber], url: str) -> None:
    client, stub = templates
    answers(stub, json.dumps({"Resources": {}}).encode())
    assert client.read("v1.0.0", url) == {"Resources": {}}


def test_a_template_is_read_to_the_last_byte_that_cloudformation_takes(
    templates: tuple[VersionTemplates, Stubber],
) -> None:
    client, stub = templates
    answers(stub, b"{}".rjust(MAX_BYTES))
    assert client.read("v1.0.0", URL) == {}


@pytest.mark.parametrize("body", [b"", b"Resources:\n", b"[]", b"{", b"{}".rjust(MAX_BYTES + 1)])
def test_what_is_no_template_is_said(templates: tuple[VersionTemplates, Stubber], body: bytes) -> None:
    client, stub = templates
    answers(stub, body)
    with pytest.raises(VersionTemplateUnread, match=r"is not a JSON template of at most 1 MB"):
        client.read("v1.0.0", URL)


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("NoSuchKey", 404)])
def test_a_template_that_s3_does_not_give_is_said(
    templates: tuple[VersionTemplates, Stubber], code: str, status: int
) -> None:
    client, stub = templates
    stub.add_client_error("get_object", code, http_status_code=status)
    with pytest.raises(VersionTemplateUnread, match=r"The template of the version v1\.0\.0 cannot be read"):
        client.read("v1.0.0", URL)


def test_a_busy_s3_is_a_wait(templates: tuple[VersionTemplates, Stubber]) -> None:
    client, stub = templates
    stub.add_client_error("get_object", "SlowDown", http_status_code=503)
    with pytest.raises(AwsThrottled):
        client.read("v1.0.0", URL)


def test_a_function_without_a_bucket_reads_nothing() -> None:
    with pytest.raises(VersionTemplateUnread):
        VersionTemplates(None, "").read("v1.0.0", f"https://s3.eu-west-1.amazonaws.com//{KEY}")  # type: ignore[arg-type]
