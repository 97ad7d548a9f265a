"""Bring a version to the projects that run: update their provisioned products, a few at a time.

What was done is in Service Catalog itself, so that a rollout that was stopped goes on where it was: launches on the
version are left alone, an update to it that still runs is followed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from custom_resources.clients.service_catalog import Launch, ProductVersion, ServiceCatalog
from custom_resources.errors import Problem
from operations.errors import NotDeployed, UnknownProject, VersionInactive

POLL_SECONDS = 5.0
POLLS_UNANSWERED = 12  # in a row, about a minute: then AWS is not asked any more
# Tainted: the last update failed, the stack is as it was before, and can be updated again (docs/studio.md, A28).
_UPDATABLE = ("AVAILABLE", "TAINTED")

# begun: the update was started, and what became of it could not be read.
Result = Literal["planned", "updated", "failed", "begun", "skipped", "not started"]


@dataclass(frozen=True)
class Outcome:
    """What became of one launch."""

    launch: Launch
    result: Result
    reason: str = ""


@dataclass(frozen=True)
class Limits:
    """How far and how fast: at most `maximum` launches (0 = all), `parallel` at once, stop after `failures`."""

    maximum: int = 0
    parallel: int = 1
    failures: int = 1


@dataclass(frozen=True)
class Clock:
    """Time, so that tests need not wait."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def target_version(versions: Sequence[ProductVersion], name: str) -> ProductVersion:
    """Return the version to roll out. Raises NotDeployed."""
    for version in versions:
        if version.name == name:
            if version.guidance == "INACTIVE":
                raise VersionInactive(version=name)
            return version
    known = ", ".join(version.name for version in versions) or "none"
    raise NotDeployed(version=name, known=known)


def selected(launches: Sequence[Launch], projects: Sequence[str]) -> list[Launch]:
    """Return the launches of the projects, all without a project. Raises UnknownProject."""
    for project in projects:
        if not any(launch.belongs_to(project) for launch in launches):
            raise UnknownProject(project=project)
    return [launch for launch in launches if not projects or any(launch.belongs_to(project) for project in projects)]


def plan(launches: Sequence[Launch], version: ProductVersion, maximum: int = 0) -> tuple[list[Launch], list[Outcome]]:
    """Return the launches to update, at most `maximum`, and those to leave with the reason; those on it are neither."""
    chosen, left = [], []
    for launch in launches:
        if launch.status == "AVAILABLE" and launch.version_id == version.id:
            continue
        if launch.status in (*_UPDATABLE, "UNDER_CHANGE"):
            chosen.append(launch)
        elif launch.status == "ERROR":
            left.append(
                Outcome(launch, "skipped", f"it is in error ({launch.message or 'no reason given'}); repair it")
            )
        else:
            left.append(Outcome(launch, "skipped", f"its status is {launch.status}"))
    limit = maximum or len(chosen)
    left += [Outcome(launch, "not started", "over the maximum of this run") for launch in chosen[limit:]]
    return chosen[:limit], left


class Rollout:
    """One run. `tell` is called with every outcome as it comes, and with (launch, None) when an update starts."""

    def __init__(
        self,
        catalog: ServiceCatalog,
        product_id: str,
        version: ProductVersion,
        tell: Callable[[Launch, Outcome | None], None],
        clock: Clock | None = None,
    ) -> None:
        """Nothing is asked yet. It reserves nothing of GitHub's limits: the functions book what they need."""
        self._catalog = catalog
        self._product_id = product_id
        self._version = version
        self._tell = tell
        self._clock = clock or Clock()
        self._outcomes: list[Outcome] = []
        self._running: dict[str, Launch] = {}
        self._unanswered = 0  # polls in a row

    def run(self, launches: Sequence[Launch], limits: Limits) -> list[Outcome]:
        """Update the launches one after another, or `parallel` at once; return every outcome."""
        waiting = list(launches)
        while waiting or self._running:
            stopped = self._stopped(limits)
            if stopped and not self._running:
                break
            while waiting and not stopped and len(self._running) < limits.parallel:
                self._start(waiting.pop(0))
                stopped = self._stopped(limits)
            self._follow()
            if self._running or (waiting and not stopped):
                self._clock.sleep(POLL_SECONDS)
        for launch in waiting:
            self._settle(Outcome(launch, "not started", "stopped after a failure"))
        return self._outcomes

    def _stopped(self, limits: Limits) -> bool:
        """Tell whether no further update may begin: after too many failures, or when AWS cannot be asked."""
        results = [outcome.result for outcome in self._outcomes]
        return results.count("failed") >= limits.failures or "begun" in results

    def _settle(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._tell(outcome.launch, outcome)

    def _start(self, launch: Launch) -> None:
        try:
            last = self._catalog.record(launch.last_record) if launch.last_record else None
            if launch.status == "UNDER_CHANGE":
                if last is None or last.version_id != self._version.id:
                    self._settle(Outcome(launch, "skipped", "it is being changed just now; run again later"))
                    return
                record = launch.last_record  # an earlier run started it
            else:
                record = self._catalog.update(launch, self._product_id, self._version, last.path_id if last else "")
        except Problem as error:
            self._settle(Outcome(launch, "failed", str(error)))
            return
        self._running[record] = launch
        self._tell(launch, None)

    def _follow(self) -> None:
        """Settle the updates that have ended. A poll without an answer is tried again, then all are left as begun."""
        unread: Problem | None = None
        answered = False
        for record_id, launch in list(self._running.items()):
            try:
                record = self._catalog.record(record_id)
            except Problem as error:
                unread = error
                continue
            answered = True
            if record.state == "running":
                continue
            del self._running[record_id]
            if record.state == "succeeded":
                self._settle(Outcome(launch, "updated"))
            else:
                self._settle(Outcome(launch, "failed", "; ".join(record.errors) or "Service Catalog gives no reason"))
        self._unanswered = self._unanswered + 1 if unread and not answered else 0
        if self._unanswered >= POLLS_UNANSWERED:
            for launch in self._running.values():
                self._settle(Outcome(launch, "begun", f"{unread} The update goes on; run again to follow it."))
            self._running.clear()
