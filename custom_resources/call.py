"""One call of `is_complete`: what it may use, what it spends, and how it requests the next call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from custom_resources.errors import BudgetSpent, GaveUp, LaunchesPaused, LimitUntold, RateLimited, RetryLater
from custom_resources.progress import Progress
from custom_resources.rate_budget import Cost
from custom_resources.telemetry import count, logger

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Budget

LONGEST = 1.25  # of the patience, with the time that is waited for slots: 50 minutes of 40; the waiter ends after 55


@dataclass
class Call:
    """One call of `is_complete`: who asks, and what it may use."""

    name: str  # the request's, under which its progress is remembered
    budget: Budget | None
    ensure_current: Callable[[], None]
    clock: Callable[[], float]
    progress: Progress | None = None  # None before it is known

    def room(self) -> Progress:
        """Return what earlier calls have done. Raises RetryLater before anything is read of GitHub."""
        self.progress = self.budget.require_room(self.name) if self.budget else Progress()
        return self.progress

    def pay(self, cost: Cost, progress: Progress) -> None:
        """Take what is not paid yet: each step of a request is paid for once, however often it is tried."""
        due = cost.beyond(progress.paid)
        if self.budget:
            self.budget.reserve(due, self.name, progress)
        progress.paid = progress.paid.plus(due)


def progress_name(event: Mapping[str, Any]) -> str:
    """Return what a request's progress is remembered under: of its own stack and resource, whatever its event says."""
    id_ = str(event.get("RequestId", ""))
    return f"{id_} {event.get('LogicalResourceId', '')} {event.get('StackId', '')}" if id_ else ""


def tell_everyone(wait: RetryLater, budget: Budget | None) -> None:
    """Let all functions wait when it is GitHub that asked for it."""
    if not isinstance(wait, RateLimited):
        return
    count("RateLimitWaits")
    if budget:
        with suppress(RetryLater):  # DynamoDB does not answer: the others will hear it from GitHub
            budget.pause(wait.seconds, untold=isinstance(wait, LimitUntold), content=wait.of_content)


def _patience(wait: RetryLater, patience: float, call: Call) -> float:
    """Return how many seconds after its first call a request gives up: a limit that it waits for takes none of them.

    CloudFormation's hour ends all the same.
    """
    most = LONGEST * patience
    if isinstance(wait, BudgetSpent | LaunchesPaused | RateLimited):
        return most
    return min(most, patience + (0.0 if call.progress is None else call.progress.waited))


def pending(wait: RetryLater, started: float, patience: float, call: Call) -> dict[str, Any]:
    """Request another call; remember for it what was done, and how long not to call GitHub."""
    tell_everyone(wait, call.budget)
    longest = _patience(wait, patience, call)
    if call.clock() - started > longest:
        raise GaveUp(minutes=f"{longest / 60:.0f}", why=wait.why.rstrip(".")) from wait
    if call.budget and call.progress is not None:
        with suppress(RetryLater):  # not remembered: the next call asks GitHub
            call.budget.remember(call.name, wait, call.progress)
    logger.warning("pending", why=wait.why, seconds=wait.seconds)
    return {"IsComplete": False}
