"""When updates may start: "Mon-Fri 08-17", in a time zone, as spans of Unix time. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from operations.errors import WindowMalformed

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
AHEAD_DAYS = 60  # that are written down; `resume` writes the next
_FORM = re.compile(
    r"(?:(?P<days>[A-Za-z]{3}(?:[-,][A-Za-z]{3})*) )?"
    r"(?P<from>\d{1,2}(?::\d{2})?)-(?P<to>\d{1,2}(?::\d{2})?)(?: (?P<zone>[A-Za-z0-9_+/-]+))?"
)


@dataclass(frozen=True)
class Window:
    """Days of the week (0 is Monday), minutes of the day from and to, a time zone."""

    days: frozenset[int]
    begin: int
    end: int
    zone: ZoneInfo


def window(text: str) -> Window:
    """Return what `DAYS FROM-TO ZONE` means; without days every day, without a zone UTC. Raises WindowMalformed."""
    found = _FORM.fullmatch(" ".join(text.split()))
    if not found:
        raise WindowMalformed(window=text)
    try:
        days = _days(found["days"]) if found["days"] else frozenset(range(7))
        zone = ZoneInfo(found["zone"] or "UTC")
    except (ValueError, ZoneInfoNotFoundError):
        raise WindowMalformed(window=text) from None
    begin, end = _minutes(found["from"]), _minutes(found["to"])
    if not 0 <= begin < end <= 24 * 60:
        raise WindowMalformed(window=text)
    return Window(days, begin, end, zone)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes or 0)


def _days(text: str) -> frozenset[int]:
    """Return the days of `Mon-Wed,Fri`. Raises ValueError."""
    found: set[int] = set()
    for part in text.split(","):
        first, *rest = [DAYS.index(name.capitalize()) for name in part.split("-")]
        last = rest[-1] if rest else first
        found |= {day % 7 for day in range(first, last + 1 if last >= first else last + 8)}
    return frozenset(found)


def spans(open_at: Window, now: float) -> list[tuple[int, int]]:
    """Return the spans of Unix time of the next 60 days in which it is open, those that are over left out."""
    today = datetime.fromtimestamp(now, UTC).astimezone(open_at.zone).date()
    days = (today + timedelta(days=number) for number in range(-1, AHEAD_DAYS))
    found = [_span(open_at, day) for day in days if day.weekday() in open_at.days]
    return [span for span in found if span[1] > now]


def _span(open_at: Window, day: date) -> tuple[int, int]:
    def at(minutes: int) -> int:
        # By the wall clock: a day on which the clocks change is an hour longer or shorter.
        naive = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes)
        return int(naive.replace(tzinfo=open_at.zone).timestamp())

    return at(open_at.begin), at(open_at.end)


def opens(found: Sequence[tuple[int, int]], now: float) -> float:
    """Return when it is open next (Unix time), `now` if it is."""
    return max(now, found[0][0]) if found else now
