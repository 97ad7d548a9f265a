"""The environments of a repository that its project's role trusts: only jobs on the default branch can use them.

An existing environment is left as it is, no matter who created it (docs/decisions/0063).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from custom_resources.errors import EnvironmentRulesRefused
from custom_resources.telemetry import logger

if TYPE_CHECKING:
    from custom_resources.clients.protocols import GitHub
    from custom_resources.progress import Progress

_OPEN = " (jobs on any branch can use it)"
_BEGUN, _MADE = "environment begun", "environment"  # steps
_KINDS = {"user": "User", "team": "Team"}


@dataclass(frozen=True)
class Missing:
    """The environments to create, with their branch and reviewers, and those that are kept, or were made before."""

    names: tuple[str, ...] = ()
    kept: Mapping[str, bool] = field(default_factory=dict)  # name -> for some branches only
    branch: str = ""
    reviewers: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)  # by an earlier call of the request: what it told


def missing(
    wanted: Sequence[str],
    there: Mapping[str, bool],
    branch: str,
    reviewers: Mapping[str, Sequence[str]],
    progress: Progress,
) -> Missing:
    """Compare. `reviewers` are written `team:ID` and `user:ID`. Pure.

    One that an earlier call of the request has begun is not somebody else's: it may lack its branch.
    """
    if not wanted:
        return Missing()
    made, begun = progress.done(_MADE), progress.done(_BEGUN)
    others = [name for name in wanted if name not in made]
    return Missing(
        tuple(name for name in others if name in begun or name.lower() not in there),
        {name: there[name.lower()] for name in others if name not in begun and name.lower() in there},
        branch,
        {name: tuple(_reviewer(each) for each in listed) for name, listed in reviewers.items()},
        {name: told for name, told in made.items() if name in wanted},
    )


def _reviewer(text: str) -> tuple[str, int]:
    kind, _, number = text.partition(":")
    return _KINDS[kind], int(number)


def create(missing: Missing, full_name: str, github: GitHub, progress: Progress) -> str:
    """Create them; return what became of each, for people. A plan that lacks their rules ends nothing.

    Two requests an environment, one more where reviewers are refused; one altogether where GitHub takes no rules.
    """
    told = [f"{name}: was there, and is kept as it is{_OPEN * (not safe)}" for name, safe in missing.kept.items()]
    told += [f"{name}: {made}" for name, made in missing.made.items()]
    for number, name in enumerate(missing.names):
        progress.note(_BEGUN, name)
        try:
            made = _created(name, missing, full_name, github)
            progress.note(_MADE, name, made)
            told.append(f"{name}: {made}")
        except EnvironmentRulesRefused as refused:
            logger.warning("environments without protection", reason=str(refused))
            names = ", ".join(missing.names[number:])
            told.append(f"{names}: not protected, jobs on any branch can use them ({refused.holes['message']})")
            break
    return "; ".join(told)


def _created(name: str, missing: Missing, full_name: str, github: GitHub) -> str:
    reviewers = missing.reviewers.get(name, ())
    only = f"for {missing.branch} only"
    if reviewers:
        try:
            github.create_environment(full_name, name, missing.branch, reviewers)
        except EnvironmentRulesRefused as refused:
            github.create_environment(full_name, name, missing.branch, ())
            logger.warning("an environment without reviewers", reason=str(refused))
            return f"{only}, without required reviewers ({_why(refused, reviewers, full_name, github)})"
        return f"{only}, after a review"
    github.create_environment(full_name, name, missing.branch, ())
    return only


def _why(refused: EnvironmentRulesRefused, reviewers: Sequence[tuple[str, int]], full_name: str, github: GitHub) -> str:
    """Return GitHub's words; and where they do not speak of the plan, whether the repository can have teams at all."""
    said = str(refused.holes["message"])
    if "plan" in said.lower() or all(kind != "Team" for kind, _ in reviewers):
        return said
    found = github.find_repository(full_name)
    return f"{found.owner} is a user account, which has no teams" if found and found.in_user_account else said
