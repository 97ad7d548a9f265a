"""Who reads executions of a machine that has a key, by what MiniStack says of the caller's kms:Decrypt."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ministack import app
from ministack.core import iam_evaluator
from ministack.services import kms, stepfunctions

from standins.aws.encrypted_executions import _deciding

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:waiter"
PLAIN = f"{MACHINE}-without-a-key"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
SECRET = "https://cloudformation-custom-resource-response.example/presigned"
EXECUTIONS = {f"{machine}:e": {"stateMachineArn": machine, "input": SECRET} for machine in (MACHINE, PLAIN)}


@pytest.fixture(params=["allowed", "refused", "not enforced"])
def rights(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What MiniStack says of kms:Decrypt with that key."""

    def enforce(caller: str, action: str, service: str, region: str, **about: Any) -> Any:
        asked = (caller, action, service, about["resource_arn"], about["service_context"])
        assert asked == ("AKIDREADER", "kms:Decrypt", "kms", KEY, {"kms:ViaService": "states.us-east-1.amazonaws.com"})
        return None if request.param == "allowed" else "denied"

    configured = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "1"}
    machines = {MACHINE: {"encryptionConfiguration": configured}, PLAIN: {"encryptionConfiguration": {}}}
    monkeypatch.setattr(app, "AUTH", request.param != "not enforced")
    monkeypatch.setattr(iam_evaluator, "enforce", enforce)
    monkeypatch.setattr(stepfunctions, "_state_machines", machines)
    monkeypatch.setattr(stepfunctions, "_executions", EXECUTIONS)
    monkeypatch.setattr(kms, "_resolve_key", lambda identifier: {"Arn": KEY})
    return str(request.param)


def asked(action: str, **parameters: str) -> tuple[int, dict[str, Any]]:
    """Ask as the reader; return status and document of the answer, which has all data if nothing is refused."""

    async def answer(*_: Any) -> tuple[int, dict[str, str], bytes]:
        whole = {"status": "RUNNING", "input": SECRET, "inputDetails": {"included": True}, "definition": "{}"}
        return 200, {}, json.dumps(whole).encode()

    signed = "AWS4-HMAC-SHA256 Credential=AKIDREADER/20261128/us-east-1/states/aws4_request, Signature=y"
    headers = {"x-amz-target": f"AWSStepFunctions.{action}", "authorization": signed}
    body = json.dumps(parameters).encode()
    status, _, document = asyncio.run(_as_coroutine(_deciding(answer)("POST", "/", headers, body, {})))
    return status, json.loads(document)


async def _as_coroutine(awaitable: Any) -> Any:
    return await awaitable


@pytest.mark.parametrize(
    ("action", "about"),
    [
        ("DescribeExecution", {"executionArn": f"{MACHINE}:e"}),
        ("GetExecutionHistory", {"executionArn": f"{MACHINE}:e"}),
        ("DescribeStateMachineForExecution", {"executionArn": f"{MACHINE}:e"}),
        ("DescribeStateMachine", {"stateMachineArn": MACHINE}),
        ("DescribeStateMachine", {"stateMachineArn": f"{MACHINE}:3"}),
    ],
)
def test_what_is_encrypted_is_for_who_may_decrypt(rights: str, action: str, about: dict[str, str]) -> None:
    status, document = asked(action, **about)
    if rights == "refused":
        assert (status, document["__type"]) == (400, "KmsAccessDeniedException")
        assert SECRET not in str(document)
    else:
        assert (status, document["input"]) == (200, SECRET)


def test_metadata_needs_no_key(rights: str) -> None:
    status, document = asked("DescribeExecution", executionArn=f"{MACHINE}:e", includedData="METADATA_ONLY")
    assert (status, document) == (200, {"status": "RUNNING", "inputDetails": {"included": False}})
    status, document = asked("GetExecutionHistory", executionArn=f"{MACHINE}:e", includedData="METADATA_ONLY")
    assert status == (400 if rights == "refused" else 200), "which takes no such parameter"


def test_what_has_no_key_is_for_everybody_whom_iam_lets(rights: str) -> None:
    assert asked("DescribeExecution", executionArn=f"{PLAIN}:e")[1]["input"] == SECRET
    assert asked("DescribeExecution", executionArn="nowhere")[0] == 200, "the service says so itself"
    assert asked("StartExecution", stateMachineArn=MACHINE)[0] == 200
