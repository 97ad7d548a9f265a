"""Which of two answers about a stack's operation is the later one. Pure.

An operation is a stack's status and since when: `UPDATE_IN_PROGRESS 2026-11-01T10:00:00+00:00` (clients/stacks.py).
CloudFormation may tell of a moment ago (docs/studio.md, A37): what differs from the operation that a request was
accepted in has come after it, or was before it. Only the first ends the request (docs/decisions/0086).
"""

from __future__ import annotations

from custom_resources.errors import StackBehind, Stale

_DELETE, _FORWARD, _BACK = "DELETE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"
_CREATED = {"REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_FAILED"}
_UPDATED = {_FORWARD, "UPDATE_FAILED"}
# What comes before a status at the same time, or may. A deletion begins after whatever there was, and is the last: all
# but its end may be from before it.
_MAY_BE_BEFORE = {
    "CREATE_IN_PROGRESS": {"REVIEW_IN_PROGRESS"},
    "ROLLBACK_IN_PROGRESS": _CREATED,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": _UPDATED,
    _BACK: {*_UPDATED, "UPDATE_ROLLBACK_FAILED"},  # which a continued rollback comes from
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": {*_UPDATED, _BACK, "UPDATE_ROLLBACK_FAILED"},
}


def has_ended(noted: str, seen: str) -> bool:
    """Tell whether a stack that is `seen` in an operation has certainly left the one that was `noted`.

    False where it is still the same, and where the answer may be from before: that is asked again.
    """
    (status, since), (now, later) = _parts(noted), _parts(seen)
    if status == now or later != since:
        return later > since
    if status == _DELETE:
        return now == "DELETE_COMPLETE"
    return now not in _MAY_BE_BEFORE.get(status, set())


def require_current(noted: str, seen: str) -> None:
    """Raise Stale where the stack has left the operation, StackBehind (asked again) where nobody can know."""
    if seen == noted:
        return
    if has_ended(noted, seen):
        raise Stale
    raise StackBehind(5, status=_parts(seen)[0])


def _parts(operation: str) -> tuple[str, str]:
    """Return the status, and the time: ISO 8601 in UTC, which is in order as text."""
    status, _, since = operation.partition(" ")
    return status, since
