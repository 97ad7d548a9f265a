"""How much of GitHub's rate limits is left for all launches together. Pure (docs/decisions/0004).

Each limit is a leaky bucket in its virtual-scheduling form (GCRA, ITU-T I.371): one number, the time at which the
bucket will be empty again. A request fits when that time, moved on by its cost, is not too far ahead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Cost:
    """What a plan takes: GitHub's points (a read is 1, a write 5), and the pieces of content it creates."""

    points: int = 0
    creations: int = 0

    def __bool__(self) -> bool:
        """Tell whether it is anything at all."""
        return self != Cost()

    def beyond(self, paid: Cost) -> Cost:
        """Return what is left to pay when `paid` has been taken already."""
        return Cost(max(0, self.points - paid.points), max(0, self.creations - paid.creations))

    def plus(self, more: Cost) -> Cost:
        """Return both together."""
        return Cost(self.points + more.points, self.creations + more.creations)


@dataclass(frozen=True)
class Limit:
    """`amount` in `seconds`, of which `burst` may come at once."""

    name: str
    amount: float
    seconds: float
    burst: float

    def delay(self, cost: float) -> float:
        """Return how many seconds a cost fills."""
        return cost * self.seconds / self.amount


# GitHub's secondary limits (docs.github.com, "Rate limits for the REST API") are 900 points and 80 creations a minute,
# 500 creations an hour. Rate and burst together never exceed them; in the long run a fifth is left for people.
POINTS = Limit("points", 720, 60, 180)
CREATIONS = Limit("creations", 64, 60, 16)
CREATIONS_HOURLY = Limit("creations_hourly", 400, 3600, 100)
LONGEST_SECONDS = 3600.0  # of a pause for which GitHub did not say how long
_ROUNDING = 1e-6  # seconds


@dataclass(frozen=True)
class Budget:
    """What all functions share: when each bucket is empty, until when GitHub asked to wait (Unix time).

    `untold` is the length of the last pause for which GitHub did not say how long.
    """

    empty_at: Mapping[str, float] = field(default_factory=dict)
    paused_until: float = 0.0
    untold: float = 0.0


def wait(budget: Budget, now: float) -> float:
    """Return the seconds until any request may be made at all: 0 unless GitHub asked to wait."""
    return max(0.0, budget.paused_until - now)


def reserve(budget: Budget, cost: Cost, now: float) -> tuple[Budget, float]:
    """Take the cost out of the budget, or return it unchanged with the seconds to wait.

    A cost above a burst is let through by an empty bucket: it must be possible at some time.
    """
    waits = [wait(budget, now)]
    empty_at = dict(budget.empty_at)
    for limit, amount in ((POINTS, cost.points), (CREATIONS, cost.creations), (CREATIONS_HOURLY, cost.creations)):
        if not amount:
            continue
        start = max(now, empty_at.get(limit.name, now))
        ahead = start - now + limit.delay(amount)
        waits.append(ahead - limit.delay(max(limit.burst, amount)))
        empty_at[limit.name] = start + limit.delay(amount)
    if max(waits) > _ROUNDING:
        return budget, max(waits)
    return replace(budget, empty_at=empty_at), 0.0


def pause(budget: Budget, seconds: float, now: float, *, untold: bool = False) -> Budget:
    """Note that GitHub asked everyone to wait; a shorter wish does not end a longer one.

    Somebody else uses the limits too, then: afterwards the buckets are full, so requests come one by one. `untold`:
    GitHub did not say how long. When it limits again soon after such a pause, the next is twice as long, up to an hour
    (docs/decisions/0072); those who hear of the same limit while it is waited for do not double it.
    """
    last = budget.untold
    if untold:
        seconds, last = _longer(budget, seconds, now)
    until = max(budget.paused_until, now + seconds)
    full = {limit.name: until + limit.delay(limit.burst) for limit in (POINTS, CREATIONS)}
    kept = {name: max(when, full.get(name, when)) for name, when in budget.empty_at.items()}
    return Budget({**full, **kept}, until, last)


def _longer(budget: Budget, seconds: float, now: float) -> tuple[float, float]:
    """Return how long a pause of unknown length is, and what is remembered of it."""
    if now < budget.paused_until:
        return seconds, max(seconds, budget.untold)
    if budget.untold and now - budget.paused_until < 2 * budget.untold:
        seconds = max(seconds, min(2 * budget.untold, LONGEST_SECONDS))
    return seconds, seconds
