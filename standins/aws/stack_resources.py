"""What CloudFormation tells of a stack's resources and MiniStack does not, and what it refuses to skip.

MiniStack lists a resource once it is there, with the status of the operation that it came with. On AWS a resource is
listed from the moment on at which its creation begins, and its status is that of its newest event; what an update adds
is created. Without a logical id the first 100 are listed, as AWS documents. For a logical id that the stack does not
have, AWS documents nothing: MiniStack answers with a ValidationError.

How soon a resource is listed no source says. From the stand-in alone MiniStack takes how late it tells (LATE_HEADER):
what happened within these seconds is then not told yet.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from standins.aws.service_requests import SERVICE_HEADER

LATE_HEADER = "x-standin-late"
_MOST = 100
_GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")


def register() -> None:
    """Have this process's MiniStack answer so."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation import handlers

    cloudformation.handle_request = _taking_lateness(cloudformation.handle_request)
    handlers._ACTION_HANDLERS["DescribeStackResources"] = _described(handlers._describe_stack_resources)
    handlers._ACTION_HANDLERS["ContinueUpdateRollback"] = _continued(handlers._continue_update_rollback)


class _Lateness:
    """By how many seconds this process tells late."""

    seconds = 0.0


def _taking_lateness(answer: Any) -> Any:
    """Return CloudFormation's answering function that takes from the stand-in how late it tells."""

    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any) -> Any:
        if SERVICE_HEADER in headers and LATE_HEADER in headers:
            _Lateness.seconds = float(headers[LATE_HEADER])
        return await answer(method, path, headers, *rest)

    return handle_request


def _described(answer: Any) -> Any:
    """Return MiniStack's answering function, but for what it does not know of a stack's resources yet."""
    from ministack.services.cloudformation import _stack_events, handlers

    def describe(params: dict[str, Any]) -> Any:
        stack = handlers._resolve_stack(handlers._p(params, "StackName"))
        if not stack:
            return answer(params)
        name = handlers._p(params, "LogicalResourceId")
        events = _stack_events.get(stack["StackId"], [])
        found = listed(told(stack.get("_resources", {}), events, _Lateness.seconds, datetime.now(UTC)), name)
        if name and not found:
            message = f"Resource [{name}] does not exist in stack [{stack['StackName']}]"
            return handlers._error("ValidationError", message)
        shared = {"StackName": stack["StackName"], "StackId": stack["StackId"]}
        members = "".join(f"<member>{_elements({**item, **shared})}</member>" for item in found.values())
        whole = (
            f"<DescribeStackResourcesResult><StackResources>{members}</StackResources></DescribeStackResourcesResult>"
        )
        return handlers._xml(200, "DescribeStackResourcesResponse", whole)

    return describe


def _continued(answer: Any) -> Any:
    """Return MiniStack's answering function, which skips what a rollback could not delete as well: AWS does not."""
    from ministack.services.cloudformation import handlers

    def continue_rollback(params: dict[str, Any]) -> Any:
        stack = handlers._resolve_stack(handlers._p(params, "StackName")) or {}
        given = [value for key, value in params.items() if key.startswith("ResourcesToSkip.member.")]
        named = [value[0] if isinstance(value, list) else value for value in given]
        if refused := not_skippable(stack.get("_rollback_failed", {}), named):
            said = f"Only resources in UPDATE_FAILED can be skipped, and not [{', '.join(refused)}]"
            return handlers._error("ValidationError", said)
        return answer(params)

    return continue_rollback


def not_skippable(failed: dict[str, Any], named: list[str]) -> list[str]:
    """Return which resources a rollback cannot skip: of those that failed, those that it was deleting. Pure."""
    return sorted(name for name in named if name in failed and "RevertTo" not in failed[name])


def _elements(values: dict[str, str]) -> str:
    from ministack.services.cloudformation import handlers

    return "".join(f"<{key}>{handlers._esc(value)}</{key}>" for key, value in values.items())


def listed(found: dict[str, dict[str, str]], name: str) -> dict[str, dict[str, str]]:
    """Return what one answer lists: the resource of that logical id, or the first hundred. Pure."""
    if name:
        return {name: found[name]} if name in found else {}
    return dict(list(found.items())[:_MOST])


def current(known: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Return a stack's resources: those that are there, as their newest events tell of them. Pure."""
    found = {name: _shown(name, resource) for name, resource in known.items()}
    for event in events:
        name = event["LogicalResourceId"]
        if name == event["StackName"]:
            continue
        former = found.get(name, {}).get("PhysicalResourceId", "")
        if _of_another(event, known.get(name, {})):
            if former == event["PhysicalResourceId"]:  # a rollback deletes what has replaced it: it is back
                found[name] = _shown(name, known[name])
            continue
        if event["ResourceStatus"] in _GONE:
            found.pop(name, None)
            continue
        shown = {**event, "PhysicalResourceId": event.get("PhysicalResourceId") or former}
        # Not `found`: a creation that failed has left its events, and the next one is a creation again.
        if event["ResourceStatus"] == "UPDATE_IN_PROGRESS" and name not in known:
            shown["ResourceStatus"] = "CREATE_IN_PROGRESS"  # an update creates it, which MiniStack calls an update
        found[name] = _shown(name, shown)
    return found


def _of_another(event: dict[str, Any], resource: dict[str, Any]) -> bool:
    """Tell whether an event is of the deletion of a predecessor or successor that had the same logical id."""
    deleted, own = event.get("PhysicalResourceId", ""), resource.get("PhysicalResourceId", "")
    return bool(event["ResourceStatus"].startswith("DELETE_") and deleted and own and deleted != own)


def told(known: dict[str, Any], events: list[dict[str, Any]], late: float, now: datetime) -> dict[str, dict[str, str]]:
    """Return what is told of a stack's resources, `late` seconds after it happened. Pure."""
    if not late:
        return current(known, events)
    earlier = [event for event in events if _time_of(event) <= now - timedelta(seconds=late)]
    begun = {event["LogicalResourceId"] for event in earlier}
    return current({name: resource for name, resource in known.items() if name in begun}, earlier)


def _time_of(event: dict[str, Any]) -> datetime:
    found = datetime.fromisoformat(str(event["Timestamp"]).replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _shown(name: str, resource: dict[str, Any]) -> dict[str, str]:
    keys = ("PhysicalResourceId", "ResourceType", "ResourceStatus", "Timestamp")
    return {"LogicalResourceId": name, **{key: str(resource.get(key, "")) for key in keys}}
