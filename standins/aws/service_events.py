"""Events that come from a service itself: MiniStack's PutEvents refuses sources named aws.*, as EventBridge does.

`register()`, called once in MiniStack's own process, lets those pass that the AWS stand-in sends: its requests carry
SERVICE_HEADER. Everybody else is refused as before.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

SERVICE_HEADER = "x-standin-service"
_FROM_SERVICE: ContextVar[bool] = ContextVar("from_service", default=False)


def register() -> None:
    """Let MiniStack's event bus take the stand-in's events."""
    from ministack.services import eventbridge

    answer, put = eventbridge.handle_request, eventbridge._put_events

    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any) -> Any:
        _FROM_SERVICE.set(SERVICE_HEADER in headers)
        return await answer(method, path, headers, *rest)

    def put_events(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        return put(data, allow_aws_source=allow_aws_source or _FROM_SERVICE.get())

    eventbridge.handle_request, eventbridge._put_events = handle_request, put_events
