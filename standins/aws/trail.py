"""CloudTrail's event history: a control says what was recorded of an account's workflows, LookupEvents tells it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id, page
from standins.aws.protocol import ServiceError

if TYPE_CHECKING:
    from standins.aws.calls import Call

_MOST = 50  # events in an answer, as the model has it


class Trail:
    """The operation, named as the model names it."""

    def __init__(self) -> None:
        """Start with nothing recorded."""
        self._events: dict[tuple[str, str], list[Record]] = {}

    def put(self, account: str, region: str, request: Record) -> Record:
        """Have these `events` recorded, the oldest first, in place of those that a control put there before.

        Each has an `eventName`, and what the record has besides: eventSource, errorCode, errorMessage,
        requestParameters, userIdentity, resources.
        """
        recorded = []
        for each in request["events"]:
            when, identifier = datetime.now(UTC), new_id(36)
            told = {"eventVersion": "1.11", "eventID": identifier, "awsRegion": region, **each}
            event = {
                "EventId": identifier,
                "EventName": each["eventName"],
                "EventTime": when,
                "EventSource": each.get("eventSource", ""),
                "CloudTrailEvent": json.dumps({**told, "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ")}),
            }
            recorded.append(event)
        self._events[account, region] = recorded
        return {"events": len(recorded)}

    def lookup_events(self, call: Call, request: Record) -> Record:
        """LookupEvents: by one attribute, as AWS has it; here only by the event's name. The newest come first."""
        attributes = request.get("LookupAttributes", [])
        if len(attributes) > 1:
            raise ServiceError("InvalidLookupAttributesException", "You can specify only one lookup attribute.")
        if any(each["AttributeKey"] != "EventName" for each in attributes):
            raise ServiceError("InvalidLookupAttributesException", "The stand-in looks up by EventName.")
        wanted = {each["AttributeValue"] for each in attributes}
        events = reversed(self._events.get((call.account, call.region), []))
        found = [event for event in events if not wanted or event["EventName"] in wanted]
        items, token = page(found, request.get("MaxResults"), request.get("NextToken"), _MOST)
        return {"Events": items, "NextToken": token}
