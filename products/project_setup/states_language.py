"""Amazon States Language in pieces: the states that the machine is made of. Expressions are JSONata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PREFIXES = {"datazone": "DataZone", "servicecatalog": "ServiceCatalog"}  # of Step Functions' error names
# What may pass by itself. An error that the service's model does not name, as Service Catalog's throttling, is called
# after the service: ServiceCatalog.ServiceCatalogException.
_PASSING = ("ThrottlingException", "InternalServerException", "SdkClientException", "InternalFailureException")

State = dict[str, Any]


def expression(text: str) -> str:
    """Return a JSONata expression as the states hold it."""
    return f"{{% {text} %}}"


def call(
    service: str,
    action: str,
    arguments: Mapping[str, Any],
    *,
    assign: Mapping[str, str],
    then: str,
    catch: Mapping[str, str] | None = None,
    explained: Mapping[str, str] | None = None,
) -> State:
    """Return the state of a call of an AWS API: throttling is retried with backoff and jitter.

    `catch` maps expected errors to states, and `explained` those that may have to be told: they become the reason.
    """
    prefix = _PREFIXES[service]
    reason = {"reason": expression("$states.errorOutput.Error & ': ' & $states.errorOutput.Cause")}
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::aws-sdk:{service}:{action}",
        "Arguments": dict(arguments),
        "Assign": {name: expression(text) for name, text in assign.items()},
        "Retry": [
            {
                "ErrorEquals": [f"{prefix}.{error}" for error in (*_PASSING, f"{prefix}Exception")],
                "IntervalSeconds": 2,
                "BackoffRate": 2,
                "MaxAttempts": 8,
                "MaxDelaySeconds": 120,
                "JitterStrategy": "FULL",
            }
        ],
        "Catch": [
            *({"ErrorEquals": [f"{prefix}.{error}"], "Next": state} for error, state in (catch or {}).items()),
            *(
                {"ErrorEquals": [f"{prefix}.{error}"], "Assign": reason, "Next": state}
                for error, state in (explained or {}).items()
            ),
            {"ErrorEquals": ["States.ALL"], "Assign": reason, "Next": "Notify"},
        ],
        "Next": then,
    }


def invoke(
    function: str,
    payload: Mapping[str, str],
    *,
    assign: Mapping[str, str],
    then: str,
    catch: Mapping[str, str] | None = None,
) -> State:
    """Return the state of a call of a Lambda function with expressions; what passes is retried as `call` does.

    `catch` maps the names of the function's errors to states.
    """
    passing = ["AwsThrottled", "AwsUnreachable", "Lambda.TooManyRequestsException", "Lambda.ServiceException"]
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {
            "FunctionName": function,
            "Payload": {name: expression(text) for name, text in payload.items()},
        },
        "Assign": {name: expression(text) for name, text in assign.items()},
        "Retry": [
            {
                "ErrorEquals": [*passing, "Lambda.SdkClientException", "Lambda.AWSLambdaException"],
                "IntervalSeconds": 2,
                "BackoffRate": 2,
                "MaxAttempts": 8,
                "MaxDelaySeconds": 120,
                "JitterStrategy": "FULL",
            }
        ],
        "Catch": [
            *({"ErrorEquals": [error], "Next": state} for error, state in (catch or {}).items()),
            {
                "ErrorEquals": ["States.ALL"],
                "Assign": {"reason": expression("$states.errorOutput.Error & ': ' & $states.errorOutput.Cause")},
                "Next": "Notify",
            },
        ],
        "Next": then,
    }


def choice(*choices: tuple[str, str], default: str) -> State:
    """Return a choice among conditions, each with the state that it leads to."""
    return {
        "Type": "Choice",
        "Choices": [{"Condition": expression(condition), "Next": state} for condition, state in choices],
        "Default": default,
    }


def fails(condition: str, reason: str) -> State:
    """Return a branch of a choice that ends in a notification."""
    return {"Condition": expression(condition), "Assign": {"reason": expression(reason)}, "Next": "Notify"}


def first_of(*paths: str) -> str:
    """Return an expression for the first of the event's fields that is there; "" when none is."""
    text = "''"
    for path in reversed(paths):
        text = f"$exists($states.input.detail.{path}) ? $states.input.detail.{path} : ({text})"
    return text
