"""What CloudFormation once recorded of a stack: a control of the stand-in says it, DescribeStackEvents tells it.

Some failures happen in other accounts only, or take an hour. `register()` is called once in MiniStack's own process; it
takes the events from the stand-in alone (HISTORY_HEADER), and forgets them when the stand-in says others.
"""

from __future__ import annotations

import json
from typing import Any

from standins.aws.service_requests import SERVICE_HEADER

HISTORY_HEADER = "x-standin-history"
_put: dict[str, set[str]] = {}  # by stack: the ids of the events that were put there


def register() -> None:
    """Have this process's MiniStack take a history."""
    from ministack.services import cloudformation

    cloudformation.handle_request = _taking_history(cloudformation.handle_request)


def _taking_history(answer: Any) -> Any:
    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any) -> Any:
        if SERVICE_HEADER in headers and HISTORY_HEADER in headers:
            wanted = json.loads(headers[HISTORY_HEADER])
            _replace(wanted["stack"], wanted["events"])
        return await answer(method, path, headers, *rest)

    return handle_request


def _replace(name: str, events: list[dict[str, str]]) -> None:
    """Put the events at the end of the stack's, which are the newest; those of an earlier call go."""
    from ministack.services.cloudformation import _stack_events, handlers, stacks

    stack = handlers._resolve_stack(name)
    if not stack:
        return
    recorded = _stack_events.get(stack["StackId"], [])
    recorded[:] = [event for event in recorded if event["EventId"] not in _put.get(stack["StackId"], set())]
    before = len(recorded)
    for event in events:
        stacks._add_event(
            stack["StackId"],
            stack["StackName"],
            event["logicalId"],
            event["type"],
            event["status"],
            event.get("reason", ""),
            event.get("physicalId", ""),
        )
    _put[stack["StackId"]] = {event["EventId"] for event in recorded[before:]}
