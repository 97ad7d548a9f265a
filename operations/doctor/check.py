"""What a check says, and the order in which checks are made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from custom_resources.errors import FinalError, Problem, RetryLater

State = Literal["ok", "problem", "risk", "unknown"]
NamedCheck = tuple[str, Callable[[], Iterator["Check"]]]
AGAIN = "python -m operations doctor"
_COMMAND = re.compile(r"(?:npx|aws|python|git|gh) \S.*")


@dataclass(frozen=True)
class Check:
    """A check's outcome.

    "risk" works, and gives more away than it has to; "unknown" is what nobody can read from outside. Neither is a
    problem by itself. `fix` is a command: a sentence becomes the comment of the one that comes after it. `cause` is the
    same for checks that fail for one reason.
    """

    name: str
    state: State
    detail: str
    fix: str = ""
    cause: str = ""

    def __post_init__(self) -> None:
        """Make a command of a sentence; what is wrong has a fix."""
        object.__setattr__(self, "fix", _command(self.fix, needed=self.state == "problem"))


def deploy(*stacks: str) -> str:
    """Return the command that deploys stacks."""
    return f"npx aws-cdk@2 deploy {' '.join(stacks)}"


def _command(fix: str, *, needed: bool) -> str:
    if not fix:
        return AGAIN if needed else ""
    return fix if _COMMAND.fullmatch(fix) else f"{AGAIN}  # first: {fix.rstrip('.')}"


def failed(name: str, state: State, error: Problem) -> Check:
    """Return the check that an error has ended, with the error's own remedy."""
    if isinstance(error, RetryLater):
        return Check(name, state, error.why, f"{AGAIN}  # in {error.seconds:.0f} s", type(error).__name__)
    fix = f"{AGAIN}  # first: {error.advice.rstrip('.')}" if error.advice else AGAIN
    return Check(name, state, error.why, fix, f"{type(error).__name__}: {error.advice}")


def diagnose(
    github: Sequence[NamedCheck], aws: Sequence[NamedCheck], token_given: bool, after_first: Sequence[NamedCheck] = ()
) -> Iterator[Check]:
    """Run the checks one by one; one that cannot run is a problem with the reason.

    The first of `aws` finds out whether AWS can be reached at all; if not, only `github` is left, and that only with
    a token that AWS need not give. `after_first` come next. A cause is reported once.
    """
    first = list(_made(*aws[0]))
    yield from first
    reachable = all(check.state != "problem" for check in first)
    left = [*(github if reachable or token_given else []), *(aws[1:] if reachable else [])]
    told = {check.cause for check in first if check.cause}
    for name, run in [*(after_first if reachable else []), *left]:
        for check in _made(name, run):
            if check.cause not in told:
                yield check
            told |= {check.cause} - {""}


def _made(name: str, run: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from run()
    except (FinalError, RetryLater) as error:
        yield failed(name, "problem", error)


def summary(found: Sequence[Check]) -> str:
    """Return the last line: what is not known is never said to be in order."""
    number = {state: sum(check.state == state for check in found) for state in ("problem", "risk", "unknown")}
    if number["problem"]:
        return f"{number['problem']} of {len(found)} checks found a problem."
    more = [f"{number['risk']} found a risk [! ]"] if number["risk"] else []
    more += [f"{number['unknown']} could not be completed [??]"] if number["unknown"] else []
    return f"No check of {len(found)} found a problem; {', '.join(more)}." if more else "Everything is in order."
