"""Counts and times operations: each beside the naive update, in pairs whose order alternates from round to round."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

from tests.bench.measurement import BASELINES, WITH_SECRETS, WITHOUT_SECRETS, Cost, Pair
from tests.bench.naive import NaiveUpdate
from tests.bench.projects import Projects, first_version, second_version
from tests.git_processes import counted

_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")


@dataclass(frozen=True)
class Round:
    """One round over all operations, at one latency, with one length of history."""

    projects: Projects
    commits: int
    latency: int  # milliseconds that each answer of GitHub takes longer
    naive_first: bool
    naive_project: str

    def pairs(self) -> Iterator[Pair]:
        """Measure every operation. A launch has no history: it is measured without one only."""
        if self.commits:
            project, stack = self.projects.launched(self.commits)
        else:
            project, stack = self.projects.stack()
            yield from self._beside("launch", stack.create)
        told_anew = first_version(project, "told anew")
        yield from self._beside("unchanged update", lambda: stack.update(told_anew))
        self.projects.edit(project, conflicting=False)
        yield from self._beside("clean merge", lambda: stack.update(second_version(project)), *BASELINES)
        yield from self._beside("delete", stack.delete)
        other, conflicting = self.projects.launched(self.commits)
        self.projects.edit(other, conflicting=True)
        yield from self._beside("conflict", lambda: conflicting.update(second_version(other)))

    def _beside(self, operation: str, act: Callable[[], str], *baselines: str) -> Iterator[Pair]:
        """Measure an operation beside a naive update; without its secrets, if nothing else is said."""
        first, *others = baselines or (WITHOUT_SECRETS,)
        naive = {first: self._naive(first)} if self.naive_first else {}
        ours = self._measure(lambda: _complete(act()))
        for baseline in (first, *others):
            beside = naive.get(baseline) or self._naive(baseline)
            yield Pair(operation, baseline, self.commits, self.latency, ours, beside)

    def _naive(self, baseline: str) -> Cost:
        heads = self.projects.head(self.naive_project)
        update = NaiveUpdate(self.projects.standin, baseline == WITH_SECRETS)
        cost = self._measure(lambda: update(self.naive_project))
        self.projects.reset(heads)
        return cost

    def _measure(self, act: Callable[[], None]) -> Cost:
        standin = self.projects.standin
        standin.control("DELETE", "/requests")
        with self.projects.at_latency(self.latency), counted() as started:
            began = time.perf_counter()
            act()
            seconds = time.perf_counter() - began
        log = standin.control("GET", "/requests")["requests"]
        return Cost(
            rest=sum(entry["kind"] == "rest" for entry in log),
            git=sum(entry["kind"] == "git" for entry in log),
            processes=len(started),
            up=sum(entry["bytes_in"] for entry in log),
            down=sum(entry["bytes_out"] for entry in log),
            seconds=seconds,
        )


def _complete(status: str) -> None:
    assert status in _DONE, status


def measured(
    projects: Projects, rounds: int, histories: tuple[int, ...], latencies: tuple[int, ...]
) -> Iterator[list[Pair]]:
    """Yield the pairs of each round. Latencies and orders alternate, so that a busy minute strikes none alone."""
    naive = {commits: projects.launched(commits)[0] for commits in histories}
    for number in range(rounds):
        pairs: list[Pair] = []
        for commits, latency in product(histories, latencies):
            sys.stderr.write(f"round {number + 1} of {rounds}: {commits:,} commits, {latency} ms\n")
            pairs += Round(projects, commits, latency, bool(number % 2), naive[commits]).pairs()
        yield pairs
