"""Calls that both machines make: the item in the table, S3, notifications. Every state says that it is JSONata's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from products.project_setup.states_language import State, expression
from products.rollout.names import FOLDER, ITEM, Places

# By the service as the resource names it: how its errors are called.
_ERRORS = {
    # The older integrations' errors are the first Java SDK's: what its model does not name is called after the service.
    "dynamodb": (
        "DynamoDB",
        (
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "ThrottlingException",
            "InternalServerErrorException",
            "InternalServerError",
            "AmazonDynamoDBException",
            "SdkClientException",
        ),
    ),
    "aws-sdk:s3": ("S3", ("S3Exception", "SdkClientException")),
    "aws-sdk:cloudformation": ("CloudFormation", ("CloudFormationException", "SdkClientException")),
    "aws-sdk:servicecatalog": ("ServiceCatalog", ("ServiceCatalogException", "SdkClientException")),
    "aws-sdk:cloudwatch": ("CloudWatch", ("CloudWatchException", "SdkClientException")),
    "sns": ("SNS", ("AmazonSNSException", "SdkClientException")),
    "events": ("EventBridge", ("InternalException", "ThrottlingException", "SdkClientException")),
}
REASON = expression("$states.errorOutput.Error & ': ' & $states.errorOutput.Cause")


def task(
    service: str,
    action: str,
    arguments: Mapping[str, Any] | str,
    then: str,
    *,
    assign: Mapping[str, str] | None = None,
    catch: Mapping[str, str] | None = None,
    otherwise: str = "",
    attempts: int = 8,
) -> State:
    """Return the state of a call; what passes by itself is tried again with growing, jittered waits.

    `catch` maps errors of the service to states, `otherwise` is where every other one leads, with it as the reason
    ("": it ends the execution).
    """
    prefix, passing = _ERRORS[service]
    catchers: list[dict[str, Any]] = [
        {"ErrorEquals": [f"{prefix}.{error}"], "Assign": {"reason": REASON}, "Next": state}
        for error, state in (catch or {}).items()
    ]
    if otherwise:
        catchers.append({"ErrorEquals": ["States.ALL"], "Assign": {"reason": REASON}, "Next": otherwise})
    return {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": f"arn:aws:states:::{service}:{action}",
        "Arguments": arguments if isinstance(arguments, str) else dict(arguments),
        **({"Assign": {name: expression(text) for name, text in assign.items()}} if assign else {}),
        "Retry": [
            {
                "ErrorEquals": [*(f"{prefix}.{error}" for error in passing), "States.Timeout"],
                "IntervalSeconds": 2,
                "BackoffRate": 2,
                "MaxAttempts": attempts,
                "MaxDelaySeconds": 120,
                "JitterStrategy": "FULL",
            }
        ],
        **({"Catch": catchers} if catchers else {}),
        "Next": then,
    }


def read_item(table: str, identifier: str, then: str, *, assign: Mapping[str, str], otherwise: str = "") -> State:
    """Return the state that reads an item of the table as it is now."""
    arguments = {"TableName": table, "Key": {"Id": {"S": identifier}}, "ConsistentRead": True}
    return task("dynamodb", "getItem", arguments, then, assign=assign, otherwise=otherwise)


def change_item(
    table: str,
    then: str,
    *,
    where: Mapping[str, Any],
    among: Mapping[str, Sequence[Any]] | None = None,
    values: Mapping[str, Any] | None = None,
    add: Mapping[str, Any] | None = None,
    remove: tuple[str, ...] = (),
    having: tuple[str, ...] = (),
    **more: Any,
) -> State:
    """Return the state that changes the rollout's item where attributes have these values, or one of those `among`.

    `values` are set, the numbers of `add` added, `remove` taken away; `having` have to be there. A value is DynamoDB's,
    such as {"S": "x"}. All names are given apart, so that it does not matter which words are reserved.
    """
    names: dict[str, str] = {}
    given: dict[str, Any] = {}

    def name(attribute: str) -> str:
        return next((key for key, known in names.items() if known == attribute), "") or _add(names, "#a", attribute)

    def value(content: Any) -> str:
        return _add(given, ":v", content)

    conditions = [f"{name(attribute)} = {value(content)}" for attribute, content in where.items()]
    conditions += [f"{name(key)} IN ({', '.join(map(value, items))})" for key, items in (among or {}).items()]
    conditions += [f"attribute_exists({name(attribute)})" for attribute in having]
    parts = []
    if values:
        parts.append("SET " + ", ".join(f"{name(key)} = {value(item)}" for key, item in values.items()))
    if add:
        parts.append("ADD " + ", ".join(f"{name(key)} {value(item)}" for key, item in add.items()))
    if remove:
        parts.append("REMOVE " + ", ".join(map(name, remove)))
    arguments = {
        "TableName": table,
        "Key": {"Id": {"S": ITEM}},
        "UpdateExpression": " ".join(parts),
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": given,
        "ReturnValues": "ALL_NEW",
    }
    return task("dynamodb", "updateItem", arguments, then, **more)


def _add(kept: dict[str, Any], prefix: str, content: Any) -> str:
    key = f"{prefix}{len(kept)}"
    kept[key] = content
    return key


def text(value: str) -> dict[str, str]:
    """Return DynamoDB's string of an expression."""
    return {"S": expression(value)}


def number(value: str) -> dict[str, str]:
    """Return DynamoDB's number of an expression, which travels as a string."""
    return {"N": expression(f"$string({value})")}


def chosen(*choices: tuple[str, str], default: str) -> State:
    """Return a choice among conditions, each with the state that it leads to."""
    return {
        "Type": "Choice",
        "QueryLanguage": "JSONata",
        "Choices": [{"Condition": expression(condition), "Next": state} for condition, state in choices],
        "Default": default,
    }


def wait(seconds: str, then: str, **assign: str) -> State:
    """Return a wait of as many whole seconds as an expression says."""
    assigned = {"Assign": {name: expression(value) for name, value in assign.items()}} if assign else {}
    return {"Type": "Wait", "QueryLanguage": "JSONata", "Seconds": expression(seconds), **assigned, "Next": then}


def assigned(then: str, **values: str) -> State:
    """Return a state that only sets variables."""
    return {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Assign": {name: expression(value) for name, value in values.items()},
        "Next": then,
    }


def done() -> State:
    """Return an end; its output, which nobody reads, is its input's."""
    return {"Type": "Succeed"}


def text_of(item: str, name: str) -> str:
    """Return an expression for a string of an item that was read, '' where it is missing."""
    return f"($exists({item}.{name}.S) ? {item}.{name}.S : '')"


def number_of(item: str, name: str) -> str:
    """Return an expression for a number of an item that was read, 0 where it is missing."""
    return f"($exists({item}.{name}.N) ? $number({item}.{name}.N) : 0)"


def list_of(item: str, name: str) -> str:
    """Return an expression for a list that an item has as JSON, empty where it is missing."""
    return f"$parse($exists({item}.{name}.S) ? {item}.{name}.S : '[]')"


def is_set(item: str, name: str) -> str:
    """Return an expression that tells whether a string of an item has any content."""
    return f"{text_of(item, name)} != ''"


NOW = "$floor($millis() / 1000)"  # Unix time


def any_of(values: Iterable[str]) -> str:
    """Return an expression for a list of texts."""
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


def result_key() -> str:
    """Return an expression for the key of the project's result (names.results_prefix)."""
    return f"'{FOLDER}/' & $rollout & '/results/' & $launch & '.json'"


def stuck(places: Places, then: str) -> State:
    """Return the state that says, once, that a project does not move."""
    data = measured(places, "'RolloutStuck'")
    return task("aws-sdk:cloudwatch", "putMetricData", data, then, assign={"told": "true"}, otherwise=then, attempts=2)


def measured(places: Places, name: str) -> dict[str, object]:
    """Return the arguments that add 1 to a metric, whose name is an expression."""
    dimension = {"Name": "service", "Value": "rollout"}
    data = {"MetricName": expression(name), "Value": 1, "Unit": "Count", "Dimensions": [dimension]}
    return {"Namespace": places.metrics_namespace, "MetricData": [data]}
