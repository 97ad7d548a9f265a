"""What was measured, as data."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

OPERATIONS = ("launch", "unchanged update", "clean merge", "conflict", "delete")
WITHOUT_SECRETS, WITH_SECRETS = "naive update without its secrets", "naive update with its secrets"
BASELINES = (WITHOUT_SECRETS, WITH_SECRETS)


@dataclass(frozen=True)
class Cost:
    """What an operation took. Bytes are those of bodies, as GitHub sees them: up = sent to it."""

    rest: int
    git: int
    processes: int
    up: int
    down: int
    seconds: float


@dataclass(frozen=True)
class Pair:
    """An operation of ours and a naive update, measured one right after the other."""

    operation: str
    baseline: str
    commits: int  # of users, on each repository's branch
    latency: int  # milliseconds
    ours: Cost
    naive: Cost

    @property
    def ratio(self) -> float:
        """Our time, as a part of the naive update's."""
        return self.ours.seconds / self.naive.seconds


@dataclass(frozen=True)
class ColdStart:
    """One function, from nothing: processor seconds and the peak of its memory."""

    function: str
    init_seconds: float  # imports and clients: Lambda's INIT phase
    call_seconds: float  # the first call
    peak_mib: float


@dataclass(frozen=True)
class Measurement:
    """All that one run of the bench measured."""

    cores: int
    rounds: int
    pairs: tuple[Pair, ...]
    cold_starts: tuple[ColdStart, ...]

    @property
    def histories(self) -> list[int]:
        """The lengths of history that were measured, in commits."""
        return sorted({pair.commits for pair in self.pairs})

    @property
    def latencies(self) -> list[int]:
        """The latencies that were measured, in milliseconds."""
        return sorted({pair.latency for pair in self.pairs})

    def ratios(self, operation: str, baseline: str, commits: int, latency: int) -> list[float]:
        """Return one ratio of each round; none for what was not measured."""
        asked = (operation, baseline, commits, latency)
        return [
            pair.ratio for pair in self.pairs if (pair.operation, pair.baseline, pair.commits, pair.latency) == asked
        ]

    def ratio(self, operation: str, baseline: str, commits: int, latency: int) -> float | None:
        """Return the median of the ratios; None for what was not measured."""
        found = self.ratios(operation, baseline, commits, latency)
        return statistics.median(found) if found else None

    def cost(self, name: str, commits: int) -> Cost | None:
        """Return what an operation, or a naive update, took; None for what was not measured. Counts do not vary."""
        found = [pair for pair in self.pairs if pair.commits == commits]
        ours = [pair.ours for pair in found if pair.operation == name]
        naive = [pair.naive for pair in found if pair.baseline == name]
        return next(iter([*ours, *naive]), None)
