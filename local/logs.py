"""What happened: the processes' logs, and a project's stack events with its functions' log lines."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local import projects, studio
from local.home import LocalError
from local.stacks import sentence
from products.settings import load_settings

if TYPE_CHECKING:
    from local.home import Home
    from local.run import Run

_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


def process_logs(home: Home, names: Sequence[str], lines: int) -> dict[str, Any]:
    """Return the last lines that each process wrote."""
    logs = {}
    for name in names:
        path = home.logs / f"{name}.log"
        logs[name] = path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []
    return {"processes": logs}


def project_logs(run: Run, name: str) -> dict[str, Any]:
    """Return the stack's events and what the custom resources' functions logged for it, oldest first.

    The project is one of `launch`, else one of `studio create-project`. Raises LocalError when there is neither.
    """
    events = _events(run, f"{projects.prefix()}{name}") or _events(run, studio.stack_name(run, name))
    if not events:
        raise LocalError(f"There is no project {name}; there are: {projects.known(run)}.")
    stack_id = events[0]["StackId"]
    return {
        "name": name,
        "events": [
            {
                "time": event["Timestamp"].isoformat(),
                "resource": event["LogicalResourceId"],
                "status": event["ResourceStatus"],
                "reason": event.get("ResourceStatusReason", ""),
            }
            for event in events
        ],
        "functions": _function_lines(run, stack_id),
    }


def _events(run: Run, stack: str) -> list[dict[str, Any]]:
    """Return a stack's events, the oldest first; none when there is no such stack."""
    if not _STACK_NAME.fullmatch(stack):
        return []
    try:
        found = run.cloud.client("cloudformation").describe_stack_events(StackName=stack)
    except ClientError as error:
        if "does not exist" in str(error):
            return []
        raise
    return list(found["StackEvents"][::-1])


def _function_lines(run: Run, stack_id: str) -> list[dict[str, Any]]:
    client = run.cloud.client("logs")
    prefix = f"/aws/lambda/{load_settings().prefix}-"
    lines = []
    for group in client.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]:
        for event in client.filter_log_events(logGroupName=group["logGroupName"])["events"]:
            entry = _structured(event["message"])
            if entry.get("stack") == stack_id:
                function = group["logGroupName"].rpartition("/")[2]
                lines.append({"function": function, **{key: entry[key] for key in entry if key != "stack"}})
    return sorted(lines, key=lambda line: str(line.get("timestamp", "")))


def _structured(message: str) -> dict[str, Any]:
    try:
        entry = json.loads(message)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def text(document: Mapping[str, Any]) -> str:
    """Return either for people."""
    if "processes" in document:
        logs = document["processes"]
        return "\n".join(line for name in logs for line in (f"== {name}", *logs[name]))
    events = [
        f"{event['time'][11:19]}  {event['resource']:<32} {event['status']:<20} {sentence(event['reason'])}".rstrip()
        for event in document["events"]
    ]
    lines = [
        f"{str(line.get('timestamp', ''))[11:19]}  {line['function']}: {line.get('message', '')} "
        f"{line.get('reason') or line.get('why') or line.get('exception') or line.get('plan') or ''}".rstrip()
        for line in document["functions"]
    ]
    return "\n".join(["== stack events", *events, "== functions", *lines])
