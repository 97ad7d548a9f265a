"""DataZone in another account or region: which credentials a client has, and what is asked of STS for them."""

from __future__ import annotations

import datetime
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from custom_resources.clients.domain_access import _resolver, datazone_client
from custom_resources.errors import AwsThrottled, ReaderRoleRefused

ROLE = "arn:aws:iam::111122223333:role/readers"
ENDS = datetime.datetime(2099, 1, 1, tzinfo=datetime.UTC)
SESSION = {"AccessKeyId": "ASIA1", "SecretAccessKey": "hush", "SessionToken": "token", "Expiration": ENDS}


class Sts:
    """Security Token Service, which assumes one role, or refuses with a code; and what makes its client."""

    def __init__(self, code: str = "") -> None:
        self.code = code
        self.asked: list[str | dict[str, Any]] = []

    def client(self, service: str) -> Sts:
        self.asked.append(service)
        return self

    def assume_role(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(arguments)
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": "Not you."}}, "AssumeRole")
        return {"Credentials": SESSION}


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own secret")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_PROFILE", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def test_the_domain_accounts_role_is_assumed_with_the_first_call_and_once() -> None:
    sts = Sts()
    found = _resolver(ROLE, sts.client).load_credentials()
    assert found.method == "reader-role"
    assert sts.asked == [], "nothing is asked before a call needs it"
    for _ in range(2):
        frozen = found.get_frozen_credentials()
        assert (frozen.access_key, frozen.secret_key, frozen.token) == ("ASIA1", "hush", "token")
    given = {"RoleArn": ROLE, "RoleSessionName": "studio-project-template", "DurationSeconds": 3600}
    assert sts.asked == ["sts", given]
    assert found._expiry_time == ENDS


def test_a_session_that_has_almost_ended_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    sts = Sts()
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)
    monkeypatch.setitem(SESSION, "Expiration", soon)
    found = _resolver(ROLE, sts.client).load_credentials()
    found.get_frozen_credentials()
    monkeypatch.setitem(SESSION, "Expiration", ENDS)
    found.get_frozen_credentials()
    assert sts.asked.count("sts") == 2
    assert found._expiry_time == ENDS


def test_a_role_whose_trust_does_not_permit_it_is_said_to_refuse() -> None:
    found = _resolver(ROLE, Sts("AccessDenied").client).load_credentials()
    with pytest.raises(ReaderRoleRefused) as refused:
        found.get_frozen_credentials()
    assert refused.value.holes == {
        "service": "STS",
        "activity": f"assuming the role {ROLE}",
        "message": "Not you",
        "permission": "sts:AssumeRole",
    }
    slow = _resolver(ROLE, Sts("Throttling").client).load_credentials()
    with pytest.raises(AwsThrottled) as waiting:
        slow.get_frozen_credentials()
    assert waiting.value.holes == {"service": "STS", "activity": f"assuming the role {ROLE}", "code": "Throttling"}


@pytest.mark.parametrize(("role_arn", "key", "asked"), [(ROLE, "ASIA1", ["sts", ROLE]), ("", "own", [])])
def test_calls_go_to_the_domains_region_by_that_role_or_by_the_functions_own(
    role_arn: str, key: str, asked: list[str]
) -> None:
    sts, keys = Sts(), list[str]()
    client = datazone_client("us-east-1", role_arn, sts.client)
    assert client.meta.service_model.service_name == "datazone"
    assert client.meta.region_name == "us-east-1"
    assert (client.meta.config.retries["mode"], client.meta.config.retries["total_max_attempts"]) == ("standard", 5)

    def signed(request_signer: Any, **_: Any) -> None:
        keys.append(request_signer._credentials.get_frozen_credentials().access_key)

    client.meta.events.register("before-sign.datazone", signed)
    client.meta.events.register("before-send.datazone", _answered)
    assert client.list_domains()["items"] == []
    assert keys == [key]
    assert [each if isinstance(each, str) else each["RoleArn"] for each in sts.asked] == asked


def _answered(**_: Any) -> Any:
    class Raw:
        """The body of an answer."""

        def stream(self, *_: Any, **__: Any) -> Any:
            yield b'{"items": []}'

    return AWSResponse("https://datazone", 200, HTTPHeaders(), Raw())
