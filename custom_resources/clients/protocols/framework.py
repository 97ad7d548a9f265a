"""What every request of a custom resource needs: its stack, GitHub's budget, what its last update wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from custom_resources.errors import RetryLater
    from custom_resources.progress import Progress
    from custom_resources.rate_budget import Cost
    from custom_resources.update_record import UpdateRecord


class Stacks(Protocol):
    """CloudFormation, as far as a request must know its own stack. Raises RetryLater, FinalError."""

    def operation(self, stack_id: str) -> str:
        """Name the operation the stack is in: another update, or its rollback, has another name."""
        ...

    def exists(self, stack_id: str) -> bool:
        """Tell whether the stack has resources still."""
        ...

    def tags(self, stack_id: str) -> Mapping[str, str]:
        """Return the stack's tags, with those that AWS reserves."""
        ...


class Budget(Protocol):
    """The share of GitHub's rate limits that all functions use together; each call may raise RetryLater."""

    def require_room(self, request: str) -> Progress:
        """Return what a request has done and paid for already, unless it may ask GitHub for nothing now."""
        ...

    def reserve(self, cost: Cost, request: str, progress: Progress) -> None:
        """Take the cost out of the budget, and note that the request, which has got so far, has paid it."""
        ...

    def remember(self, request: str, wait: RetryLater, progress: Progress) -> None:
        """Keep a request's wait, and what it has done and paid for, for its next call; book the slot it waits for."""
        ...

    def pause(self, seconds: float, *, untold: bool = False, content: bool = False) -> None:
        """Make everyone wait; `untold`: GitHub did not say how long; `content`: it refused to create some."""
        ...


class UpdateRecords(Protocol):
    """What the last update of a resource wrote; each call may raise RetryLater."""

    def change(
        self, stack_id: str, logical_id: str, change: Callable[[UpdateRecord | None], UpdateRecord | None]
    ) -> UpdateRecord | None:
        """Change a resource's record as it is at that moment; return what `change` made of it, None = left alone."""
        ...

    def forget(self, stack_id: str, logical_id: str) -> None:
        """Make the record expire, if one exists."""
        ...
