"""What a merge commit says to people, above the trailers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from custom_resources.delivery.release_notes import cleaned, inert
from custom_resources.markdown import printable
from custom_resources.template_content import IGNORE_FILE

if TYPE_CHECKING:
    from custom_resources.clients.git import Change, Merge

_LISTED = 10  # paths; the commit itself has the others
_VERBS = {"A": "adds", "M": "changes", "D": "removes"}


def body(notes: str, changes: Sequence[Change], merge: Merge) -> str:
    """Return the release notes, what the template changes, and what of it is not in the commit."""
    return "\n\n".join(filter(None, (cleaned(notes), _counted(changes), *_left_out(merge))))


def _counted(changes: Sequence[Change]) -> str:
    found = Counter("M" if change.status == "T" else change.status for change in changes)
    parts = [f"{verb} {files(found[status])}" for status, verb in _VERBS.items() if found[status]]
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
    return f"The template {listed}." if listed else ""


def files(count: int) -> str:
    """Return how many files."""
    return "1 file" if count == 1 else f"{count:,} files"


def _left_out(merge: Merge) -> Iterator[str]:
    if merge.ignored:
        yield f"{IGNORE_FILE} excludes these files, so they are unchanged:\n{_list(merge.ignored)}"
    if merge.absent:
        yield f"These template files were removed or renamed here, and stay so:\n{_list(merge.absent)}"


def _list(paths: Sequence[str]) -> str:
    shown = [printable(path) for path in paths[:_LISTED]]
    more = [f"... and {len(paths) - _LISTED} more"] if len(paths) > _LISTED else []
    return "\n".join(f"- {inert(each)}" for each in (*shown, *more))
