"""Step Functions' AWS SDK integrations that MiniStack lacks: DataZone and Service Catalog, answered by the stand-in.

`register()` is called once in MiniStack's own process. A call is made with the state machine's role, since what
Service Catalog shows depends on who asks; parameters are held to botocore's models; names of members are Step
Functions' (PascalCase) on both ways. So are those of errors: one that the service's model does not name is called
after the service (Ec2.Ec2Exception is the well known one).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.model import ServiceModel

from standins.aws.service_requests import SERVICE_HEADER

_PREFIXES = {"datazone": "DataZone", "servicecatalog": "ServiceCatalog"}
_ROLE: ContextVar[str] = ContextVar("state_machine_role", default="")


def register() -> None:
    """Add the integrations to MiniStack's Step Functions."""
    from ministack.services import stepfunctions

    execute, invoke = stepfunctions._execute_task, stepfunctions._invoke_aws_sdk_integration

    def execute_with_role(state: Any, given: Any, execution: Any, context: Any) -> Any:
        machine = stepfunctions._state_machines.get((execution or {}).get("stateMachineArn")) or {}
        token = _ROLE.set(machine.get("roleArn", ""))
        try:
            return execute(state, given, execution, context)
        finally:
            _ROLE.reset(token)

    def invoke_ours(resource: str, parameters: Any) -> Any:
        service, _, action = resource.partition("aws-sdk:")[2].partition(":")
        if service not in _PREFIXES:
            return invoke(resource, parameters)
        return _call(service, action, parameters or {}, stepfunctions._ExecutionError)

    stepfunctions._execute_task = execute_with_role
    stepfunctions._invoke_aws_sdk_integration = invoke_ours


def _call(service: str, action: str, parameters: dict[str, Any], failed: Callable[[str, str], Exception]) -> Any:
    client = _client(service)
    operation = client.meta.service_model.operation_model(action[0].upper() + action[1:])
    try:
        arguments = _named(parameters, operation.input_shape, to_wire=True)
        answer = getattr(client, xform_name(operation.name))(**arguments)
    except ParamValidationError as error:
        raise failed("States.Runtime", str(error)) from error
    except ClientError as error:
        told = error.response["Error"]
        name = error_name(service, told["Code"], client.meta.service_model)
        raise failed(name, told.get("Message", "")) from error
    except BotoCoreError as error:
        raise failed(f"{_PREFIXES[service]}.SdkClientException", str(error)) from error
    answer.pop("ResponseMetadata", None)
    return _named(answer, operation.output_shape, to_wire=False)


def error_name(service: str, code: str, model: ServiceModel) -> str:
    """Return Step Functions' name of an error that the service answered."""
    prefix, modelled = _PREFIXES[service], {shape.name for shape in model.error_shapes}
    return f"{prefix}.{code if code in modelled else f'{prefix}Exception'}"


def _client(service: str) -> Any:
    """Return a client of the stand-in that signs with the state machine's role, in the state machine's region."""
    from ministack.core.responses import get_region

    endpoint = os.environ.get("AWS_ENDPOINT_URL") or f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '4566')}"
    region, role = get_region(), _ROLE.get()
    sts = boto3.client(
        "sts",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=role.split(":")[4],
        aws_secret_access_key="not-verified",  # noqa: S106 -- MiniStack takes any
    )
    sts.meta.events.register_first("before-sign.sts.AssumeRole", _as_states)
    assumed = sts.assume_role(RoleArn=role, RoleSessionName="states")["Credentials"]
    variable = {"datazone": "AWS_ENDPOINT_URL_DATAZONE", "servicecatalog": "AWS_ENDPOINT_URL_SERVICE_CATALOG"}[service]
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=os.environ[variable],
        region_name=region,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )


def _as_states(request: Any, **_: object) -> None:
    request.headers[SERVICE_HEADER] = "states.amazonaws.com"


def _named(value: Any, shape: Any, *, to_wire: bool) -> Any:
    """Return the value with its members named as the other side names them; what is unknown stays, to be refused."""
    kind = getattr(shape, "type_name", "")
    if kind == "structure" and isinstance(value, dict):
        names = {(_pascal(name) if to_wire else name): (name if to_wire else _pascal(name)) for name in shape.members}
        by_key = {(_pascal(name) if to_wire else name): member for name, member in shape.members.items()}
        return {
            names.get(key, key): _named(item, by_key.get(key), to_wire=to_wire)
            for key, item in value.items()
            if item is not None
        }
    if kind == "list" and isinstance(value, list):
        return [_named(item, shape.member, to_wire=to_wire) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: _named(item, shape.value, to_wire=to_wire) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return value


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]
