"""The two ways in which a request can stop short: for good, or until later."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from custom_resources.rate_budget import Cost


class FinalError(Exception):
    """The request cannot succeed as it is: CloudFormation is told FAILED with this sentence at once."""


class NotPermitted(FinalError):
    """The token may not do it, and trying again changes nothing."""


class RetryLater(Exception):
    """Nothing is wrong with the request, but it has to wait: the waiter calls again (Pending)."""

    def __init__(self, seconds: float, why: str) -> None:
        """`seconds` is the least time to wait before the next try; `why` is one sentence for the log."""
        super().__init__(why)
        self.seconds = seconds
        self.why = why


class RateLimited(RetryLater):
    """GitHub's rate limit is used up: everyone who uses this token has to wait."""


class BudgetSpent(RetryLater):
    """The shared budget has no room for a plan now."""

    def __init__(self, seconds: float, why: str, cost: Cost) -> None:
        """`cost` is what there was no room for: the next call takes it before it reads anything."""
        super().__init__(seconds, why)
        self.cost = cost


class StillWaiting(RetryLater):
    """The time that an earlier call was told to wait is not over: nothing was asked."""
