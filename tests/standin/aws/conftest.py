"""MiniStack with our resource types and the AWS stand-in beside it, once for all tests of this folder."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from standins.aws.protocol import SERVICES
from standins.aws.server import AwsStandIn

REGION = "us-east-1"
SESSION = boto3.session.Session()
_UNMODELLED = {"ValidationException", "UnknownOperationException"}  # every AWS service may answer these
ACCOUNT = "000000000000"
_MINISTACK = """
from standins.aws import between_accounts, expressions, map_runs, resource_types, sdk_integrations, service_requests
from standins.aws import stack_cleanup, stack_events, stack_history, stack_resources
from ministack.app import main
resource_types.register()
service_requests.register()
between_accounts.register()
sdk_integrations.register()
map_runs.register()
expressions.register()
stack_events.register()
stack_history.register()
stack_resources.register()
stack_cleanup.register()
main()
"""


def _hold_to_the_model(http_response: Any, parsed: dict[str, Any], model: Any, **_: object) -> None:
    """Every answer of the stand-in in every test: all required members, right types, modelled errors and status."""
    if model.service_model.service_name not in SERVICES:
        return
    if http_response.status_code < 300:
        assert http_response.status_code == model.http.get("responseCode", 200), model.name
        if model.output_shape:
            content = {key: value for key, value in parsed.items() if key != "ResponseMetadata"}
            report = ParamValidator().validate(content, model.output_shape)
            assert not report.has_errors(), f"{model.name}: {report.generate_report()}"
        return
    code = parsed["Error"]["Code"]
    modelled = {shape.name: shape.metadata.get("error", {}) for shape in model.service_model.error_shapes}
    assert code in modelled or code in _UNMODELLED, f"{model.name}: {code}"
    assert http_response.status_code == modelled.get(code, {}).get("httpStatusCode", 400), f"{model.name}: {code}"


SESSION.events.register("after-call", _hold_to_the_model)


@dataclass(frozen=True)
class World:
    """The two servers, and clients of both."""

    stand_in: AwsStandIn
    endpoint: str

    def client(self, service: str, keys: dict[str, str] | None = None, region: str = REGION) -> Any:
        ours = service in SERVICES
        keys = keys or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        address = self.stand_in.base_url if ours else self.endpoint
        made: Any = SESSION.client(service, region_name=region, endpoint_url=address, **keys)  # type: ignore[call-overload]  # not a literal
        return made

    def control(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.stand_in.base_url}/_standin/{path}", data, method=method)
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def role(self, name: str, *services: str) -> str:
        """Make a role that the services may assume (and tag the session of)."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": list(services)},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return str(self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])

    def keys_of(self, role_arn: str) -> dict[str, str]:
        """Return the keys of a session of the role."""
        keys = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
        return {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }

    def upload(self, key: str, template: dict[str, Any]) -> str:
        """Put a template into a bucket and return its URL."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket="templates")
        s3.put_object(Bucket="templates", Key=key, Body=json.dumps(template).encode())
        return f"https://templates.s3.{REGION}.amazonaws.com/{key}"


def eventually(check: Callable[[], Any], seconds: float = 30) -> Any:
    """Return the first true value of the check."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := check():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {check()!r}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def share_one(items: list[pytest.Item], folder: Path, name: str, seconds: float) -> None:
    """Let the tests of a folder that use a MiniStack share one, in one process: a start takes two of the processor."""
    for item in items:
        if "world" in getattr(item, "fixturenames", ()) and item.path.is_relative_to(folder):
            item.add_marker(pytest.mark.shares(name, seconds=seconds))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One MiniStack for this folder."""
    share_one(items, Path(__file__).parent, "stand-in of AWS", 40)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with AwsStandIn.running(endpoint) as stand_in:
        environment = {
            **os.environ,
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "SFN_WAIT_SCALE": "0.02",  # what waits a minute on AWS waits a second here
            "AWS_ENDPOINT_URL_DATAZONE": stand_in.base_url,
            "AWS_ENDPOINT_URL_SERVICE_CATALOG": stand_in.base_url,
        }
        with (tmp_path_factory.mktemp("ministack") / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _MINISTACK], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                eventually(lambda: _answers(f"{endpoint}/_ministack/health") or process.poll() is not None, 120)
                assert process.poll() is None, Path(log.name).read_text()
                yield World(stand_in, endpoint)
            finally:
                process.terminate()
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:  # a state machine's wait is waited for
                    process.kill()
                    process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False
