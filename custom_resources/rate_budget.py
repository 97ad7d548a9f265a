"""How much of GitHub's rate limits is left for all launches together. Pure (docs/decisions/0004).

Each limit is a leaky bucket in its virtual-scheduling form (GCRA, ITU-T I.371): one number, the time at which the
bucket will be empty again. A request fits when that time, moved on by its cost, is not too far ahead; one that does
not fit can book a slot: it is charged now, and goes when its time has come.

These times are read on clocks of the budget's own (docs/decisions/0105). They show Unix time until GitHub refuses. They
stand still while everyone waits, and the clock of created content runs slower after a refusal of content: so what was
booked moves with the pause and with the rate, and nobody loses a place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal


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


Clock = Literal["requests", "content"]
_CLOCKS: tuple[Clock, ...] = ("requests", "content")


@dataclass(frozen=True)
class Limit:
    """`amount` in `seconds`, of which `burst` may come at once."""

    name: str
    amount: float
    seconds: float
    burst: float
    clock: Clock = "requests"

    def delay(self, cost: float) -> float:
        """Return how many seconds a cost fills."""
        return cost * self.seconds / self.amount


# GitHub's secondary limits (docs.github.com, "Rate limits for the REST API") are 900 points and 80 creations a minute,
# 500 creations an hour. Rate and burst together never exceed them, nor the 20 creations a minute that users measured.
POINTS = Limit("points", 720, 60, 180)
CREATIONS = Limit("creations_hourly", 480, 3600, 10, "content")
# Users measured 120 to 150 creations an hour, too. Who goes on until GitHub refuses waits until the first of them are
# an hour old, longer than an update can. So a spell of creations begins slowly: 118 in its first 44 minutes.
BEGINNING = Limit("beginning", 120, 3600, 30, "content")
BEGINNING_SECONDS = 2640.0  # of a spell of creations
AGAIN = "again"  # the bucket of what was refused, which has no burst
WINDOW_SECONDS = 3600.0  # the longest of GitHub's; a spell is over when nothing was created for so long
LONGEST_SECONDS = 3600.0  # of a pause for which GitHub did not say how long
LONGEST_OF_CONTENT = 300.0  # the same, where it refused to create content
RECOVERY = 0.05 / 3600  # of the full rate of content, a second
SLOWEST = 1 / 32  # of the full rate of content: fifteen pieces an hour
FARTHEST_SECONDS = 120  # until the next slot of content: a rollout starts no update while it is farther
_ROUNDING = 1e-6  # seconds


@dataclass(frozen=True)
class Slot:
    """When a request may go that was booked, by the budget's clocks; 0 where it takes nothing of them."""

    requests: float = 0.0
    content: float = 0.0


@dataclass(frozen=True)
class Budget:
    """What all functions share: when each bucket is empty by its clock, until when GitHub asked to wait (Unix time).

    `untold` is the length of the last pause for which GitHub did not say how long. `rate` is what was left of the rate
    of content at the end of the last pause, `behind` how many seconds each clock was behind Unix time then. `began` is
    when, by the clock of content, a spell of creations began (0: never), `slowed_at` when the rate fell (Unix time).
    """

    empty_at: Mapping[str, float] = field(default_factory=dict)
    paused_until: float = 0.0
    untold: float = 0.0
    rate: float = 1.0
    behind: Mapping[str, float] = field(default_factory=dict)
    began: float = 0.0
    slowed_at: float = 0.0


def wait(budget: Budget, now: float) -> float:
    """Return the seconds until any request may be made at all: 0 unless GitHub asked to wait."""
    return max(0.0, budget.paused_until - now)


def rate(budget: Budget, now: float) -> float:
    """Return the share of the full rate at which content is created: it recovers after the pause, by the hour."""
    return min(1.0, budget.rate + RECOVERY * max(0.0, now - budget.paused_until))


def shown(budget: Budget, clock: Clock, now: float) -> float:
    """Return what a clock shows; during a pause, what it shows when that ends."""
    now = max(now, budget.paused_until)
    behind = budget.behind.get(clock, 0.0)
    if clock == "content" and budget.rate < 1:
        slow = min(now - budget.paused_until, (1 - budget.rate) / RECOVERY)
        behind += (1 - budget.rate) * slow - RECOVERY * slow**2 / 2
    return now - behind


def opens_in(budget: Budget, slot: Slot, now: float) -> float:
    """Return the seconds until a slot opens, 0 or less once it has; more when GitHub refuses something meanwhile."""
    of_requests = slot.requests - shown(budget, "requests", now) if slot.requests else 0.0
    of_content = slot.content - shown(budget, "content", now) if slot.content else 0.0
    if of_content > 0:
        of_content = _slowed(of_content, rate(budget, max(now, budget.paused_until)))
    return wait(budget, now) + max(of_requests, of_content, 0.0)


def _slowed(seconds: float, rate: float) -> float:
    """Return how long a clock takes for these seconds that runs at this rate and recovers."""
    until_full = (1 - rate) / RECOVERY
    gained = until_full * (1 + rate) / 2
    if seconds >= gained:
        return until_full + seconds - gained
    return (math.sqrt(rate**2 + 2 * RECOVERY * seconds) - rate) / RECOVERY


def book(budget: Budget, cost: Cost, now: float, share: float = 1.0) -> tuple[Budget, Slot]:
    """Take the cost out of the budget in any case; return when it may be spent: the first to book goes first.

    A cost above a burst is let through by an empty bucket: it must be possible at some time. `share` is the part of
    GitHub's limits that is ours, where other installations use the same token.
    """
    slot = Slot()
    if cost.points:
        fills, burst = POINTS.delay(cost.points) / share, POINTS.delay(POINTS.burst)
        at = shown(budget, "requests", now)
        empty, requests = _filled(budget.empty_at.get(POINTS.name, 0.0), fills, burst, at)
        budget, slot = replace(budget, empty_at={**budget.empty_at, POINTS.name: empty}), Slot(requests)
    if cost.creations:
        budget, content = _created(budget, cost.creations, now, share)
        slot = replace(slot, content=content)
    return budget, slot


def book_again(budget: Budget, cost: Cost, now: float, share: float = 1.0) -> tuple[Budget, Slot]:
    """Book for what GitHub refused to create although it was its turn: it goes ahead of all that wait for theirs.

    Several go one after another, so that not all that were refused come together after the pause.
    """
    budget, _ = book(budget, cost, now, share)
    fills, at = CREATIONS.delay(cost.creations) / share, shown(budget, "content", now)
    empty, content = _filled(budget.empty_at.get(AGAIN, 0.0), fills, 0.0, at)
    return replace(budget, empty_at={**budget.empty_at, AGAIN: empty}), Slot(content=content)


def _filled(empty_at: float, fills: float, burst: float, at: float) -> tuple[float, float]:
    """Return when a bucket is empty again that something fills for so long, and when that may go, if it comes then."""
    empty = max(at, empty_at) + fills
    return empty, empty - max(burst, fills)


def _created(budget: Budget, creations: int, now: float, share: float) -> tuple[Budget, float]:
    """Charge pieces of content; return when they may be created, by the clock of content.

    The beginning of a spell keeps its pace in Unix time, however slow the clock is.
    """
    at, tempo, opens = shown(budget, "content", now), rate(budget, now), 0.0
    empty_at = dict(budget.empty_at)
    if not budget.began or at - empty_at.get(CREATIONS.name, 0.0) >= WINDOW_SECONDS * tempo:
        budget = replace(budget, began=at)
        empty_at[BEGINNING.name] = at
    ends = budget.began + BEGINNING_SECONDS * tempo
    if at < ends:
        fills = BEGINNING.delay(creations) * tempo / share
        burst = BEGINNING.delay(BEGINNING.burst) * tempo
        empty_at[BEGINNING.name], opens = _filled(empty_at.get(BEGINNING.name, 0.0), fills, burst, at)
        opens = min(opens, ends)
    fills, burst = CREATIONS.delay(creations) / share, CREATIONS.delay(CREATIONS.burst)
    empty_at[CREATIONS.name], next_ = _filled(empty_at.get(CREATIONS.name, 0.0), fills, burst, max(at, opens))
    return replace(budget, empty_at=empty_at), max(opens, next_)


def reserve(budget: Budget, cost: Cost, now: float, share: float = 1.0) -> tuple[Budget, float]:
    """Take the cost out of the budget, or return it unchanged with the seconds to wait."""
    booked, slot = book(budget, cost, now, share)
    seconds = opens_in(budget, slot, now)
    return (budget, seconds) if seconds > _ROUNDING else (booked, 0.0)


def opens_at(budget: Budget, now: float, share: float = 1.0) -> int:
    """Return the Unix time from which one more piece of content may be created; 0 when it may now."""
    booked, slot = book(budget, Cost(creations=1), now, share)
    seconds = opens_in(booked, slot, now)
    return math.ceil(now + seconds) if seconds > _ROUNDING else 0


def may_start(opens_at: float, now: float) -> bool:
    """Tell whether an update may start that may have to create content: its slot is near enough to be waited for."""
    return opens_at - now <= FARTHEST_SECONDS


def pause(budget: Budget, seconds: float, now: float, *, untold: bool = False, content: bool = False) -> Budget:
    """Note that GitHub asked everyone to wait; a shorter wish does not end a longer one.

    Somebody else uses the limits too, then: afterwards the buckets are full, so requests come one by one. `untold`:
    GitHub did not say how long. When it limits again soon after such a pause, the next is twice as long, up to an hour
    (docs/decisions/0072). `content`: it refused to create content, so its bucket is full, too, and its rate is halved;
    once in an hour, since until then GitHub counts what was created before. A caller that meets a limit during the wait
    for it doubles nothing.
    """
    last, slower, slowed_at = budget.untold, rate(budget, now), budget.slowed_at
    if content and not (slowed_at and now - slowed_at < WINDOW_SECONDS):
        slower, slowed_at = _slower(budget, now), now
    if untold:
        seconds, last = _longer(budget, seconds, now, LONGEST_OF_CONTENT if content else LONGEST_SECONDS)
    until = max(budget.paused_until, now + seconds)
    shows: dict[str, float] = {clock: shown(budget, clock, now) for clock in _CLOCKS}
    filled = (POINTS, CREATIONS) if content else (POINTS,)
    full = {limit.name: shows[limit.clock] + limit.delay(limit.burst) for limit in filled}
    kept = {name: max(when, full.get(name, when)) for name, when in budget.empty_at.items()}
    kept |= {BEGINNING.name: 0.0} if slower < rate(budget, now) else {}  # which was of the rate before
    behind = {clock: until - time for clock, time in shows.items()}
    return Budget({**full, **kept}, until, last, slower, behind, budget.began, slowed_at)


def _slower(budget: Budget, now: float) -> float:
    """Return half the rate; in a spell's first hour, in which it was not kept up, no more than the beginning's."""
    last = rate(budget, now)
    begins = not budget.began or shown(budget, "content", now) - budget.began < WINDOW_SECONDS * last
    return max(SLOWEST, min(last / 2, BEGINNING.amount / CREATIONS.amount) if begins else last / 2)


def _longer(budget: Budget, seconds: float, now: float, longest: float) -> tuple[float, float]:
    """Return how long a pause of unknown length is, and what is remembered of it."""
    if now < budget.paused_until:
        return seconds, max(seconds, budget.untold)
    if budget.untold and now - budget.paused_until < 2 * budget.untold:
        seconds = max(seconds, min(2 * budget.untold, longest))
    return seconds, seconds
