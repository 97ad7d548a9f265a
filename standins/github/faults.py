"""The fault injector: what goes wrong, with which request, how often."""

from __future__ import annotations

import random
import re
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Literal, get_args

from standins.github import refusals
from standins.github.messages import ApiError, Json, Request, Response
from standins.github.smart_http import unauthorized

SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to "
    "GitHub Support for help, please include the request ID and timestamp."
)
PRIMARY = (
    "API rate limit exceeded for user ID 7. If you reach out to GitHub Support for help, please include the request ID "
    "and timestamp."
)
ABOUT_SECONDARY = "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
Kind = Literal["rest", "git"]
FaultName = Literal[
    "reset-before",
    "reset-after",
    "500",
    "502",
    "503",
    "timeout",
    "slow",
    "truncated",
    "secondary-limit",
    "429",
    "401",
    "endless",
    "drip",
    "no-flush",
    "limit-reset",
    "limit-reset-429",
    "limit-date",
]
FAULTS: tuple[str, ...] = (*get_args(FaultName), *refusals.ANSWERS, *refusals.PUSHES)
# Limits that say how long they last, in a header: their status and words.
_TIMED = {
    "secondary-limit": (403, SECONDARY),
    "429": (429, "Too many requests"),
    "limit-reset": (403, PRIMARY),
    "limit-reset-429": (429, PRIMARY),
    "limit-date": (429, SECONDARY),
}
STATUSES = frozenset({"500", "502", "503", "401", *_TIMED, *refusals.ANSWERS, *refusals.PUSHES})
_SECONDS = {"timeout": 30.0, "slow": 3.0, "endless": 30.0, "drip": 0.5, **dict.fromkeys(_TIMED, 60.0)}
_DONE_ALL_THE_SAME = frozenset({"reset-after", "slow", "truncated", "endless", "drip", "no-flush"})
_MATCHED = frozenset({"method", "path", "kind", "nth", "every", "share", "seed"})


@dataclass
class Fault:
    """One planned fault. The `nth` matching request, and those after it until `times` are hit; None = all.

    Of these, each `every`th, and by chance a `share` (0 to 1), which is the same for the same `seed`.

    `acts`: whether the server does the work before a status fault or a timeout (a reset says it by its name).
    """

    name: str
    method: str = ""
    path: str = ""
    kind: str = ""
    nth: int = 1
    times: int | None = 1
    seconds: float = 0.0
    acts: bool = False
    every: int = 1
    share: float = 1.0
    seed: int = 0
    seen: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        """Begin the row of chances."""
        self._chance = random.Random(self.seed)  # noqa: S311 -- not for a secret

    @staticmethod
    def parse(data: Json) -> Fault:
        """Read {match: {method?, path?, kind?, nth?, every?, share?, seed?}, fault, seconds?, times?, acts?}.

        Raises ApiError 422.
        """
        name, match = str(data.get("fault", "")), data.get("match") or {}
        if name not in FAULTS or not isinstance(match, dict) or match.keys() - _MATCHED:
            raise ApiError(422, f"A fault is one of {', '.join(FAULTS)}; match has {', '.join(sorted(_MATCHED))}.")
        try:
            re.compile(str(match.get("path", "")))
            times = data.get("times", 1)
            if name in refusals.PUSHES:
                match = {"method": "POST", "kind": "git", "path": "git-receive-pack$", **match}
            return Fault(
                name=name,
                method=str(match.get("method", "")).upper(),
                path=str(match.get("path", "")),
                kind=str(match.get("kind", "")),
                nth=int(match.get("nth", 1)),
                times=None if times is None else int(times),
                seconds=float(data.get("seconds") or _SECONDS.get(name, 0.0)),
                acts=bool(data.get("acts", name in _DONE_ALL_THE_SAME)),
                every=max(1, int(match.get("every", 1))),
                share=float(match.get("share", 1.0)),
                seed=int(match.get("seed", 0)),
            )
        except (re.error, ValueError, TypeError) as error:
            raise ApiError(422, f"This fault cannot be read: {error}.") from None

    def strikes(self, kind: Kind, method: str, target: str) -> bool:
        """Count the request, and tell whether it is hit."""
        if (self.method and self.method != method) or (self.kind and self.kind != kind):
            return False
        if not re.search(self.path, target):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.hits >= self.times):
            return False
        if (self.seen - self.nth) % self.every or self._chance.random() >= self.share:
            return False
        self.hits += 1
        return True

    def describe(self) -> Json:
        """Return the fault with its counts."""
        match = {"method": self.method, "path": self.path, "kind": self.kind, "nth": self.nth}
        match |= {"every": self.every, "share": self.share, "seed": self.seed}
        counts = {"times": self.times, "seconds": self.seconds, "acts": self.acts, "seen": self.seen, "hits": self.hits}
        return {"fault": self.name, "match": match, **counts}


@dataclass
class Faults:
    """All planned faults. The first that strikes is the one; the others count the request all the same."""

    planned: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Plan a fault."""
        with self._lock:
            self.planned.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self.planned.clear()

    def next(self, kind: Kind, method: str, target: str) -> Fault | None:
        """Return the fault that hits this request."""
        with self._lock:
            struck = [fault for fault in self.planned if fault.strikes(kind, method, target)]
        return struck[0] if struck else None

    def describe(self) -> list[Json]:
        """Return all faults with their counts."""
        with self._lock:
            return [fault.describe() for fault in self.planned]


def _asked(fault: Fault) -> dict[str, str]:
    """Return the headers that tell how long a limit lasts: seconds, a date (RFC 9110), or the primary limit's reset."""
    seconds = max(1, round(fault.seconds))
    if fault.name == "limit-date":
        return {"retry-after": formatdate(time.time() + seconds, usegmt=True)}
    if fault.name.startswith("limit-reset"):
        return {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-used": "5000",
            "x-ratelimit-reset": str(int(time.time() + seconds + 0.999)),
            "x-ratelimit-resource": "core",
        }
    return {"retry-after": str(seconds)}


def answer(fault: Fault, kind: Kind, request: Request) -> Response:
    """Return the answer of a status fault, as GitHub gives it on REST or to a Git client."""
    if fault.name in refusals.PUSHES:
        return refusals.push(fault.name, request)
    if fault.name in refusals.ANSWERS:
        return refusals.ANSWERS[fault.name].response(kind)
    if fault.name == "401":
        return unauthorized() if kind == "git" else ApiError(401, "Bad credentials").response()
    if fault.name in _TIMED:
        (status, message), wait = _TIMED[fault.name], _asked(fault)
        if kind == "git":
            return Response.text(status, message, wait)
        return ApiError(status, message, documentation=ABOUT_SECONDARY, headers=wait).response()
    status = int(fault.name)
    page = f"<html><head><title>{status}</title></head><body><h1>We couldn't respond in time</h1></body></html>"
    return Response(status, page.encode(), {"content-type": "text/html; charset=utf-8"})
