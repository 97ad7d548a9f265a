"""A rollout in simulated time (simpy): the machine's places, updates, and the functions' real waits and payments.

Of the product run for real: the budget with its table (custom_resources/clients/budget.py), what a call pays and how it
waits (custom_resources/call.py), and the rule by which the machine starts an update (rate_budget.may_start).
"""

from __future__ import annotations

import math
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, cast

import simpy
from simpy.resources.resource import Request

from custom_resources.call import LONGEST, Call, pending
from custom_resources.clients.budget import SharedBudget
from custom_resources.errors import GaveUp, RetryLater
from custom_resources.rate_budget import FARTHEST_SECONDS, Cost, may_start
from tests.request_counts import UPDATES, Took
from tests.scale.github import PUBLISHED, GitHub, Limits, Telling
from tests.scale.table import Table

Process = Generator[simpy.Event, Any, None]

BEGAN = 1_800_000_000.0  # Unix time at which a simulation begins
POLL_SECONDS = 5.0  # the provider framework's query interval
LOOK_SECONDS = 900  # at most, between two looks of the machine at OpensAt
PATIENCE_SECONDS = 2400.0
UPDATE_SECONDS = (60.0, 120.0)
REPOSITORIES = 2
AT_ONCE = 24  # updates that the machine has under way: at 90 seconds each, 20 are 800 an hour at the very most
DONE, GAVE_UP = 0.0, -1.0


CREATIONS_A_PROJECT = 0.6  # of the mix, in both repositories
MIX = {"merge": 0.7, "pull request": 0.2, "conflict": 0.1}  # what updates come to, of all (tests/request_counts.py)


@dataclass(frozen=True)
class Scenario:
    """What is simulated."""

    projects: int
    at_once: int = AT_ONCE
    limits: Limits = PUBLISHED
    telling: Telling = "nothing"
    seed: int = 1
    merges_first: bool = False  # else in no order


@dataclass
class Outcome:
    """What came of it: times in seconds since the beginning."""

    ended: list[float] = field(default_factory=list)
    requests: int = 0
    failures: int = 0
    refusals: int = 0
    created: list[float] = field(default_factory=list)

    @property
    def hours(self) -> float:
        """How long it took."""
        return max(self.ended) / 3600

    def share(self, scenario: Scenario) -> float:
        """Return the part of what GitHub's limit of an hour permits of the mix."""
        return len(self.ended) / self.hours / (scenario.limits.hour / CREATIONS_A_PROJECT)


class Rollout:
    """One simulation."""

    def __init__(self, scenario: Scenario) -> None:
        """Set it up; `run` runs it."""
        self._scenario = scenario
        self._environment = simpy.Environment(BEGAN)
        self._places = simpy.Resource(self._environment, scenario.at_once)
        self._table = Table()
        self._budget = SharedBudget(cast(Any, self._table), "budget", self._clock)
        self._github = GitHub(scenario.limits, scenario.telling)
        self._random = random.Random(scenario.seed)
        self._outcome = Outcome()

    def run(self) -> Outcome:
        """Simulate until every update has ended."""
        kinds = [UPDATES[kind] for kind, share in MIX.items() for _ in range(round(share * self._scenario.projects))]
        if not self._scenario.merges_first:
            self._random.shuffle(kinds)
        self._environment.process(self._machine(kinds))
        self._environment.run()
        self._outcome.refusals, self._outcome.requests = self._github.refusals, self._github.asked
        self._outcome.created = [when - BEGAN for when in self._github.created]
        return self._outcome

    def _clock(self) -> float:
        return float(self._environment.now)

    def _machine(self, kinds: list[Took]) -> Process:
        for number, kind in enumerate(kinds):
            place = self._places.request()
            yield place
            self._environment.process(self._child(number, kind, place))

    def _child(self, number: int, kind: Took, place: Request) -> Process:
        while not may_start(opens_at := self._table.opens_at(), self._clock()):
            ahead = math.ceil(opens_at - self._clock() - FARTHEST_SECONDS)
            yield self._environment.timeout(max(1, min(ahead, LOOK_SECONDS)))
        seconds = self._random.uniform(*UPDATE_SECONDS)
        done = list[bool]()
        repositories = [self._repository(f"{number} {which}", kind, seconds, done) for which in range(REPOSITORIES)]
        yield self._environment.all_of([self._environment.process(each) for each in repositories])
        self._outcome.failures += not all(done)
        self._outcome.ended.append(self._clock() - BEGAN)
        self._places.release(place)

    def _repository(self, name: str, kind: Took, seconds: float, done: list[bool]) -> Process:
        before = self._random.uniform(0.2, 0.8) * seconds
        yield self._environment.timeout(before)
        started = self._clock()
        while (wait := self._called(name, kind, started)) > 0:
            yield self._environment.timeout(wait)
        done.append(wait == DONE)
        yield self._environment.timeout(seconds - before)

    def _called(self, name: str, kind: Took, started: float) -> float:
        """Call `is_complete` once; return DONE, GAVE_UP, or the seconds until the next call that can change something.

        Calls before a slot opens only read: a refusal meanwhile moves it, and nothing makes it earlier.
        """
        call, now = Call(name, self._budget, lambda: None, self._clock), self._clock()
        seconds = 0.0
        try:
            try:
                progress = call.room()
            except RetryLater as wait:
                seconds = min(wait.seconds, started + LONGEST * PATIENCE_SECONDS - now)
                raise
            self._github.ask(kind.rest - kind.creations, now)
            call.pay(Cost(5 * kind.creations, kind.creations), progress)
            for _ in range(kind.creations):
                self._github.create(now)
        except RetryLater as wait:
            try:
                pending(wait, started, PATIENCE_SECONDS, call)
            except GaveUp:
                return GAVE_UP
            return POLL_SECONDS * max(1, math.ceil(seconds / POLL_SECONDS))
        return DONE
