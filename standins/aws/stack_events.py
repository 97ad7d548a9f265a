"""CloudFormation's events on EventBridge: `CloudFormation Stack Status Change`, in the stack's account and region.

MiniStack sends none. `register()` is called once in MiniStack's own process.
"""

from __future__ import annotations

import json
from typing import Any

DETAIL_TYPE = "CloudFormation Stack Status Change"


def register() -> None:
    """Have this process's MiniStack send them."""
    from ministack.services.cloudformation import changesets, handlers, stacks

    for module in (stacks, handlers, changesets):
        module._add_event = _announced(module._add_event)


def _announced(record: Any) -> Any:
    """Return MiniStack's recorder of stack events, which announces those of the stack itself."""

    def add_event(stack_id: str, stack_name: str, logical_id: str, *rest: Any, **more: Any) -> Any:
        recorded = record(stack_id, stack_name, logical_id, *rest, **more)
        if logical_id == stack_name:
            _announce(stack_id, *_status_and_reason(*rest, **more))
        return recorded

    return add_event


def _status_and_reason(_: str, status: str, reason: str = "", *__: Any, **___: Any) -> tuple[str, str]:
    return status, reason


def _announce(stack_id: str, status: str, reason: str) -> None:
    from ministack.services import eventbridge
    from ministack.services.cloudformation.stacks import CLIENT_REQUEST_TOKEN

    detail = {
        "stack-id": stack_id,
        "status-details": {"status": status, "status-reason": reason},
        "client-request-token": CLIENT_REQUEST_TOKEN.get() or "",
    }
    entry = {
        "Source": "aws.cloudformation",
        "DetailType": DETAIL_TYPE,
        "Detail": json.dumps(detail),
        "Resources": [stack_id],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
