"""What a check says, and the order in which checks are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from custom_resources.errors import FinalError, RetryLater

State = Literal["ok", "problem", "risk", "unknown"]
NamedCheck = tuple[str, Callable[[], Iterator["Check"]]]


@dataclass(frozen=True)
class Check:
    """A check's outcome.

    "risk" works, and gives more away than it has to; "unknown" is what nobody can read from outside. Neither is a
    problem by itself.
    """

    name: str
    state: State
    detail: str
    fix: str = ""


def diagnose(github: Sequence[NamedCheck], aws: Sequence[NamedCheck], token_given: bool) -> Iterator[Check]:
    """Run the checks one by one; one that cannot be made is a problem with the reason.

    The first of `aws` finds out whether AWS can be asked at all; if not, only `github` is left, and that only with
    a token that AWS need not give.
    """
    first = list(_made(*aws[0]))
    yield from first
    reachable = all(check.state != "problem" for check in first)
    for name, run in [*(github if reachable or token_given else []), *(aws[1:] if reachable else [])]:
        yield from _made(name, run)


def _made(name: str, run: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from run()
    except FinalError as error:
        yield Check(name, "problem", str(error), "Put that right, then run doctor again.")
    except RetryLater as error:
        yield Check(name, "problem", error.why, f"Run doctor again in {error.seconds:.0f} s.")
