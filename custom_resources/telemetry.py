"""Logs and metrics of all functions; the second line of defence against a secret in either (docs/decisions/0005)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import Metrics, MetricUnit

# What is counted, and of what one is: the dashboard, the alarms and the reference are held to it.
METRICS = {
    "Launches": "a project's repositories that were set up",
    "Resyncs": "a repository that took another version of the template",
    "Archived": "a repository that was archived at the end of its project",
    "Conflicts": "a version that a person has to merge: it conflicts with the project's own work",
    "RateLimitWaits": "a call that waited for GitHub's rate limit",
    "Failures": "a custom resource that failed",
    "Retained": "a resource that was left as it is at its stack's end, since it could not be removed",
}
HIDDEN = "(hidden)"
_SHORTEST = 6  # hiding shorter values would hide ordinary words
_concealed: set[str] = set()


def conceal(*values: str) -> None:
    """Remember values that must never be shown. The first line of defence is not to log them."""
    for value in values:
        spellings = (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
        _concealed.update(text for text in spellings if len(text) >= _SHORTEST)


def redacted(text: str) -> str:
    """Return the text without any concealed value."""
    for value in sorted(_concealed, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text


class RedactingFormatter(LambdaPowertoolsFormatter):
    """Powertools' JSON lines, without concealed values."""

    def serialize(self, log: Any) -> str:
        """Return one log record as JSON."""
        return redacted(super().serialize(log))


logger = Logger(logger_formatter=RedactingFormatter())
_metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "StudioProjectTemplate"))


def follow(event: Mapping[str, Any], function_request_id: str) -> None:
    """Put what a line belongs to into every line from now on: a launch can be followed through all functions.

    `operation` is the stack's, `request` CloudFormation's RequestId, `function_request_id` the invocation's.
    """
    properties = event.get("ResourceProperties") or {}
    logger.append_keys(
        stack=event.get("StackId"),
        operation=(event.get("Operation") or {}).get("Stack"),
        request=event.get("RequestId"),
        resource=event.get("LogicalResourceId"),
        request_type=event.get("RequestType"),
        domain=properties.get("DomainId"),
        project=properties.get("ProjectId"),
        function_request_id=function_request_id,
    )


def count(*names: str) -> None:
    """Add one to each metric (CloudWatch's embedded format: a log line, no request)."""
    for name in names:
        _metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)


def flush() -> None:
    """Write the metrics counted since the last flush."""
    if _metrics.metric_set:
        _metrics.flush_metrics()
