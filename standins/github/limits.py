"""GitHub's rate limits. Off unless a control switches them on: then they are counted and enforced."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel

from standins.github.faults import ABOUT_SECONDARY, SECONDARY
from standins.github.messages import ApiError

WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})


class Limits(BaseModel):
    """The limits, with GitHub's published numbers. `minute` and `hour` are in seconds, shorter in tests."""

    enabled: bool = False
    primary: int = 5000
    points: int = 900
    content: int = 80
    content_hour: int = 500
    concurrent: int = 100
    graphql: int = 5000  # points an hour, apart from `primary`
    graphql_heaviest: int = 0  # nodes and root fields above which a query is answered 502, always (0 = never)
    graphql_type: Literal["RATE_LIMITED", "RATE_LIMIT"] = "RATE_LIMITED"  # both are seen
    minute: float = 60.0
    hour: float = 3600.0


@dataclass
class _Usage:
    """What one user has spent."""

    hour_began: float = 0.0
    used: int = 0
    graphql: int = 0
    points: deque[tuple[float, int]] | None = None
    content: deque[float] | None = None


class Accounting:
    """Counts by user, and refuses what is over a limit."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Start with GitHub's limits, switched off. A test may set the clock, to pass an hour in a second."""
        self.clock = clock
        self.limits = Limits()
        self._usage: defaultdict[int, _Usage] = defaultdict(_Usage)
        self._lock = threading.Lock()
        self.refusals = 0
        self._under_way = 0

    def configure(self, limits: Limits) -> None:
        """Set the limits and forget what was spent."""
        with self._lock:
            self.limits = limits
            self._usage.clear()
            self.refusals = 0

    def enter(self, user: int, method: str, *, creates: bool, free: bool) -> dict[str, str]:
        """Count a request that begins; return the x-ratelimit headers. Raises ApiError 403 over a limit."""
        with self._lock:
            self._under_way += 1
            usage, limits, moment = self._usage[user], self.limits, self.clock()
            self._begin_hour(usage, moment)
            if not limits.enabled:
                return self._headers(0, moment + limits.hour)
            reset = usage.hour_began + limits.hour
            if free:
                return self._headers(usage.used, reset)
            if usage.used >= limits.primary:
                self.refusals += 1
                raise ApiError(
                    403,
                    f"API rate limit exceeded for user ID {user}. If you reach out to GitHub Support for help, please "
                    "include the request ID and timestamp.",
                    documentation="overview/rate-limits-for-the-rest-api",
                    headers=self._headers(usage.used, reset),
                )
            usage.used += 1
            headers = self._headers(usage.used, reset)
            self._secondary(usage, method, creates, moment, headers)
            return headers

    def _begin_hour(self, usage: _Usage, moment: float) -> None:
        if moment - usage.hour_began >= self.limits.hour:
            usage.hour_began, usage.used, usage.graphql = moment, 0, 0

    def query(self, user: int, points: int) -> tuple[dict[str, Any], bool]:
        """Count a GraphQL query; return its `rateLimit`, and whether it is refused. Raises ApiError 403 (secondary)."""
        with self._lock:
            self._under_way += 1
            usage, limits, moment = self._usage[user], self.limits, self.clock()
            self._begin_hour(usage, moment)
            refused = limits.enabled and usage.graphql + points > limits.graphql
            if refused:
                self.refusals += 1
            elif limits.enabled:
                usage.graphql += points
            reset = usage.hour_began + limits.hour
            told = {
                "cost": points,
                "limit": limits.graphql,
                "used": usage.graphql,
                "remaining": 0 if refused else max(0, limits.graphql - usage.graphql),
                "resetAt": datetime.fromtimestamp(int(reset + 0.999), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "reset": str(int(reset + 0.999)),
            }
            if limits.enabled and not refused:
                self._secondary(usage, "GET", False, moment, {})
            return told, refused

    def graphql(self, user: int) -> dict[str, int]:
        """Return what is left of GraphQL's limit, as GET /rate_limit has it; asking costs nothing."""
        with self._lock:
            usage, moment = self._usage[user], self.clock()
            self._begin_hour(usage, moment)
            most = self.limits.graphql
            reset = int((usage.hour_began if self.limits.enabled else moment) + self.limits.hour + 0.999)
            return {"limit": most, "remaining": max(0, most - usage.graphql), "used": usage.graphql, "reset": reset}

    def anonymous(self) -> dict[str, str]:
        """Return the x-ratelimit headers of a request whose sender is not known; it costs nothing here."""
        with self._lock:
            return self._headers(0, self.clock() + self.limits.hour)

    def leave(self) -> None:
        """Count a request that ended."""
        with self._lock:
            self._under_way -= 1

    def _secondary(self, usage: _Usage, method: str, creates: bool, moment: float, headers: dict[str, str]) -> None:
        limits = self.limits
        usage.points = deque(it for it in usage.points or () if moment - it[0] < limits.minute)
        usage.content = deque(it for it in usage.content or () if moment - it < limits.hour)
        minute = [it for it in usage.content if moment - it < limits.minute]
        spent = sum(points for _, points in usage.points)
        cost = 5 if method in WRITES else 1
        waits = []
        if spent + cost > limits.points:
            waits.append(usage.points[0][0] + limits.minute - moment)
        if creates and len(minute) >= limits.content:
            waits.append(minute[0] + limits.minute - moment)
        if creates and len(usage.content) >= limits.content_hour:
            waits.append(usage.content[0] + limits.hour - moment)
        if self._under_way > limits.concurrent:
            waits.append(1.0)
        if waits:
            self.refusals += 1
            headers = {**headers, "retry-after": str(max(1, round(max(waits) + 0.5)))}
            raise ApiError(403, SECONDARY, documentation=ABOUT_SECONDARY, headers=headers)
        usage.points.append((moment, cost))
        if creates:
            usage.content.append(moment)

    def _headers(self, used: int, reset: float) -> dict[str, str]:
        return {
            "x-ratelimit-limit": str(self.limits.primary),
            "x-ratelimit-remaining": str(max(0, self.limits.primary - used)),
            "x-ratelimit-used": str(used),
            "x-ratelimit-reset": str(int(reset + 0.999)),
            "x-ratelimit-resource": "core",
        }
