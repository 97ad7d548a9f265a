"""Step Functions' integrations that MiniStack lacks, or makes with no role: here each is called as the machine's role.

`register()` is called once in MiniStack's own process. DataZone and Service Catalog are the stand-in's; CloudFormation
and CloudWatch are MiniStack's, whose Step Functions knows no such calls. S3, DynamoDB, SNS and EventBridge it calls
itself, past IAM; so these are called here, too. What a service shows depends on who asks; parameters are held to
botocore's models; names of members are Step Functions' (PascalCase) on both ways. So are those of errors: one that the
service's model does not name is called after the service (Ec2.Ec2Exception is the well known one).
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.model import ServiceModel

from standins.aws.service_requests import SERVICE_HEADER


@dataclass(frozen=True)
class Integration:
    """A service as a state's resource names it: what its errors are called after, its client, whose server it is.

    An optimized one takes the API's own names; its errors have the API's code as it is.
    """

    prefix: str
    client: str
    variable: str = ""  # of the address where the stand-in answers; "": MiniStack's
    optimized: bool = False
    judged_here: bool = False  # by a condition key that MiniStack does not know


# By the part of the resource's ARN before the action.
INTEGRATIONS = {
    "aws-sdk:datazone": Integration("DataZone", "datazone", "AWS_ENDPOINT_URL_DATAZONE"),
    "aws-sdk:servicecatalog": Integration("ServiceCatalog", "servicecatalog", "AWS_ENDPOINT_URL_SERVICE_CATALOG"),
    "aws-sdk:cloudformation": Integration("CloudFormation", "cloudformation"),
    "aws-sdk:cloudwatch": Integration("CloudWatch", "cloudwatch", judged_here=True),
    "aws-sdk:s3": Integration("S3", "s3"),
    "dynamodb": Integration("DynamoDB", "dynamodb", optimized=True),
    "sns": Integration("SNS", "sns", optimized=True),
    "events": Integration("EventBridge", "events", optimized=True, judged_here=True),
}
# Optimized integrations have these actions, and no others (Step Functions developer guide).
OPTIMIZED = {
    "dynamodb": {"getItem", "putItem", "deleteItem", "updateItem"},
    "sns": {"publish"},
    "events": {"putEvents"},
}
_ROLE: ContextVar[str] = ContextVar("state_machine_role", default="")
_KEPT_SECONDS = 30.0
_clients: dict[tuple[str, str, str], tuple[float, Any]] = {}
_making = threading.Lock()


def register() -> None:
    """Add the integrations to MiniStack's Step Functions."""
    from ministack.services import stepfunctions

    execute, invoke = stepfunctions._execute_task, stepfunctions._invoke_resource

    def execute_with_role(state: Any, given: Any, execution: Any, context: Any) -> Any:
        token = _ROLE.set(role_of(execution))
        try:
            return execute(state, given, execution, context)
        finally:
            _ROLE.reset(token)

    def invoke_ours(resource: str, parameters: Any) -> Any:
        service, _, action = resource.partition(":states:::")[2].rpartition(":")
        found = INTEGRATIONS.get(service)
        if found is None or (found.optimized and action not in OPTIMIZED[service]):
            return invoke(resource, parameters)
        return _call(found, action, parameters or {}, stepfunctions._ExecutionError)

    stepfunctions._execute_task = execute_with_role
    stepfunctions._invoke_resource = invoke_ours


def _call(
    integration: Integration, action: str, parameters: dict[str, Any], failed: Callable[[str, str], Exception]
) -> Any:
    if integration.judged_here:
        _judge(integration.client, parameters)
    client = _client(integration)
    operation = client.meta.service_model.operation_model(action[0].upper() + action[1:])
    try:
        arguments = _named(_bodies_as_text(parameters), operation.input_shape, to_wire=True)
        answer = getattr(client, xform_name(operation.name))(**arguments)
    except ParamValidationError as error:
        raise failed("States.Runtime", str(error)) from error
    except ClientError as error:
        told = error.response["Error"]
        name = error_name(integration, told["Code"], client.meta.service_model)
        raise failed(name, told.get("Message", "")) from error
    except BotoCoreError as error:
        raise failed(f"{integration.prefix}.SdkClientException", str(error)) from error
    answer.pop("ResponseMetadata", None)
    if hasattr(answer.get("Body"), "read"):
        answer["Body"] = answer["Body"].read().decode("utf-8", errors="replace")
    return _named(answer, operation.output_shape, to_wire=False)


def _judge(service: str, parameters: dict[str, Any]) -> None:
    """Hold a call to the role's rights by the key that tells whose metrics or events these are."""
    from ministack.core.responses import get_account_id, get_region

    if service == "cloudwatch":
        context = {"cloudwatch:namespace": parameters.get("Namespace", "")}
        require_right("cloudwatch:PutMetricData", "*", context=context)
        return
    for entry in parameters.get("Entries", []):
        bus = f"arn:aws:events:{get_region()}:{get_account_id()}:event-bus/{entry.get('EventBusName', 'default')}"
        require_right("events:PutEvents", bus, context={"events:source": entry.get("Source", "")})


def _bodies_as_text(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as they are sent: a Body, or an event's Detail, that is an object becomes its JSON."""
    sent = dict(parameters)
    if "Body" in sent:
        sent["Body"] = json.dumps(sent["Body"]).encode()
    if isinstance(sent.get("Entries"), list):
        sent["Entries"] = [
            {
                key: json.dumps(item) if key == "Detail" and isinstance(item, dict) else item
                for key, item in each.items()
            }
            for each in sent["Entries"]
        ]
    return sent


def error_name(integration: Integration, code: str, model: ServiceModel) -> str:
    """Return Step Functions' name of an error that the service answered."""
    prefix, modelled = integration.prefix, {shape.name for shape in model.error_shapes}
    if integration.optimized:
        return f"{prefix}.{code}"
    name = code if code.endswith("Exception") else f"{code}Exception"  # the class of the SDK for Java
    return f"{prefix}.{name if code in modelled else f'{prefix}Exception'}"


def _client(integration: Integration) -> Any:
    """Return a client that signs with the state machine's role, in the state machine's region.

    Making one is slow: each is kept for half a minute, in which a role that is gone would still be taken.
    """
    from ministack.core.responses import get_region

    key = (integration.client, _ROLE.get(), get_region())
    with _making:
        made, client = _clients.get(key, (0.0, None))
        if client is None or time.monotonic() - made > _KEPT_SECONDS:
            client = _new_client(integration, _ROLE.get(), get_region())
            _clients[key] = (time.monotonic(), client)
        return client


def _new_client(integration: Integration, role: str, region: str) -> Any:
    root = {"AccessKeyId": role.split(":")[4], "SecretAccessKey": "not-verified", "SessionToken": None}
    keys = root if integration.judged_here else _session(role, region)
    return boto3.client(
        integration.client,  # type: ignore[call-overload]
        endpoint_url=os.environ[integration.variable] if integration.variable else _ministack(),
        region_name=region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(s3={"addressing_style": "path"}),
    )


def _ministack() -> str:
    return os.environ.get("AWS_ENDPOINT_URL") or f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '4566')}"


def _session(role: str, region: str) -> Any:
    """Return the keys of a session of the role, as Step Functions gets them."""
    sts = boto3.client(
        "sts",
        endpoint_url=_ministack(),
        region_name=region,
        aws_access_key_id=role.split(":")[4],
        aws_secret_access_key="not-verified",  # noqa: S106 -- MiniStack takes any
    )
    sts.meta.events.register_first("before-sign.sts.AssumeRole", _as_states)
    return sts.assume_role(RoleArn=role, RoleSessionName="states")["Credentials"]


def role_of(execution: Any) -> str:
    """Return the role of an execution's machine. A Map Run's child is one of MACHINE/LABEL, by the machine's role."""
    from ministack.services import stepfunctions

    named = str((execution or {}).get("stateMachineArn", "")).partition("/")[0]
    return str((stepfunctions._state_machines.get(named) or {}).get("roleArn", ""))


def require_right(action: str, resource: str, role: str = "", context: dict[str, str] | None = None) -> None:
    """Raise Step Functions' error unless a role may do it, that of the task's machine unless another is given.

    As all rights, this holds where MiniStack enforces IAM. `context` has condition keys of the service's.
    """
    from ministack import app
    from ministack.core.iam_evaluator import enforce
    from ministack.core.responses import get_region
    from ministack.services.stepfunctions import _ExecutionError

    if not app.AUTH:
        return
    role, region = role or _ROLE.get(), get_region()
    key = _session(role, region)["AccessKeyId"]
    if enforce(key, action, action.partition(":")[0], region, resource, context) is not None:
        said = f"The role {role} is not authorized to perform: {action} on resource: {resource}"
        raise _ExecutionError("StepFunctions.AWSStepFunctionsException", said)


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
