"""Executions of a state machine that has a KMS key of its own are read by those who may decrypt with it.

MiniStack keeps a machine's encryption configuration and encrypts nothing. Step Functions decrypts for the caller: IAM
and the key's policy decide, else it answers KmsAccessDeniedException. Where the caller asks for METADATA_ONLY, nothing
is decrypted, and neither input, output nor definition is in the answer (API reference, DescribeExecution).
`register()` is called once in MiniStack's own process; like all rights, this holds where MiniStack enforces IAM.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Answer]]
_OF_EXECUTIONS = ("DescribeExecution", "GetExecutionHistory", "DescribeStateMachineForExecution")
_METADATA = ("DescribeExecution", "DescribeStateMachine", "DescribeStateMachineForExecution")  # take includedData
_DATA = ("input", "output", "definition", "error", "cause")
_REFUSAL = "Either your KMS key policy or API caller does not have the required permissions"


def register() -> None:
    """Have this process's Step Functions ask KMS for the caller."""
    from ministack.services import stepfunctions

    stepfunctions.handle_request = _deciding(stepfunctions.handle_request)


def key_of(action: str, request: dict[str, Any]) -> str:
    """Return the ARN of the key that an answer is encrypted with, "" for none."""
    from ministack.services import kms, stepfunctions

    machine = request.get("stateMachineArn", "") if action == "DescribeStateMachine" else ""
    if action in _OF_EXECUTIONS:
        found = stepfunctions._executions.get(request.get("executionArn")) or {}
        machine = found.get("stateMachineArn", "")
    machine = ":".join(machine.split(":")[:7])  # without a version or an alias
    configured = (stepfunctions._state_machines.get(machine) or {}).get("encryptionConfiguration") or {}
    if configured.get("type") != "CUSTOMER_MANAGED_KMS_KEY":
        return ""
    key = kms._resolve_key(configured["kmsKeyId"])
    return str(key["Arn"]) if key else str(configured["kmsKeyId"])


def without_data(answer: Answer) -> Answer:
    """Return an answer without what would have to be decrypted."""
    status, headers, body = answer
    if status != 200:
        return answer
    told = {name: value for name, value in json.loads(body).items() if name not in _DATA}
    return status, headers, json.dumps(told | {n: {"included": False} for n in told if n.endswith("Details")}).encode()


def _deciding(answer: Handler) -> Handler:
    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Answer:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        key = key_of(action, json.loads(body or b"{}")) if action in (*_OF_EXECUTIONS, *_METADATA) else ""
        if not key:
            return await answer(method, path, headers, body, query_params)
        if action in _METADATA and json.loads(body).get("includedData") == "METADATA_ONLY":
            return without_data(await answer(method, path, headers, body, query_params))
        if not _may_decrypt(key, headers, query_params):
            from ministack.core.responses import error_response_json

            refusal: Answer = error_response_json("KmsAccessDeniedException", _REFUSAL, 400)
            return refusal
        return await answer(method, path, headers, body, query_params)

    return handle_request


def _may_decrypt(key: str, headers: dict[str, str], query_params: dict[str, Any]) -> bool:
    """Tell whether IAM and the key's policy let the caller decrypt, as MiniStack's own KMS would decide."""
    from ministack import app
    from ministack.core.iam_evaluator import enforce
    from ministack.core.router import extract_access_key_id, extract_region

    if not app.AUTH:
        return True
    region = extract_region(headers, query_params)
    context = {"kms:ViaService": f"states.{region}.amazonaws.com"}
    caller = extract_access_key_id(headers, query_params)
    return enforce(caller, "kms:Decrypt", "kms", region, resource_arn=key, service_context=context) is None
