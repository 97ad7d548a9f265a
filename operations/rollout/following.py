"""`--wait`: look at a rollout until it ends or comes to a stand, and show how far it is."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from custom_resources.errors import RetryLater
from operations.errors import NoRollout
from operations.rollout import telling
from operations.terminal import width

if TYPE_CHECKING:
    from operations.rollout.sites import RolloutSite
    from operations.rollout.state import Rollout

POLL_SECONDS = 5.0
_GRACE_SECONDS = 60.0  # in which a machine that was just started may not be seen yet


def followed(site: RolloutSite, rollout: Rollout, *, as_json: bool) -> Rollout:
    """Return the rollout when nothing of it runs any more. A look that AWS does not answer is tried again."""
    since, shown = time.monotonic(), ""
    while True:
        try:
            found = site.store.read()
            if found is None:
                raise NoRollout
            ended = found.phase != "running" or _broke_off(site, found, since)
        except RetryLater as later:
            time.sleep(later.seconds)
            continue
        shown = _show(f"{site.name}{_line(found)}", shown, as_json=as_json)
        if ended or found.id != rollout.id:
            _end_line()
            return found
        time.sleep(POLL_SECONDS)


def _broke_off(site: RolloutSite, found: Rollout, since: float) -> bool:
    """Tell whether its machine has stopped without a word."""
    return not site.store.runs(found) and time.monotonic() - since > _GRACE_SECONDS


def _line(found: Rollout) -> str:
    """Return the line of progress, by what the machine counted: no file is read for it."""
    now = time.time()
    said: dict[str, Any] = {
        "planned": found.planned,
        "counts": {**found.counts, "left": max(0, found.planned - found.counted)},
        "seconds_left": telling.time_left(found, found.counted, now),
    }
    return f"{found.phase}{f', {found.wave}' if found.wave else ''}: {telling.progress(said, now)}"


def _show(line: str, before: str, *, as_json: bool) -> str:
    """Show a line of progress: in place on a terminal, else each that is new; never on the standard output."""
    if sys.stderr.isatty() and not as_json:
        columns = width(sys.stderr)
        print(f"\r{line[: columns - 1]:<{columns - 1}}", end="", file=sys.stderr, flush=True)
    elif line.partition(";")[0] != before.partition(";")[0]:
        print(line, file=sys.stderr, flush=True)
    return line


def _end_line() -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr, flush=True)
