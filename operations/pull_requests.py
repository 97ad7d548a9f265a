"""Template pull requests over the fleet: which may be merged, closed or brought to mind, and doing it.

Only what a stack reports is touched: the product's function opened it. Anybody who may push can open another from a
branch of such a name, and the administrator's token may pass rules that stop its author.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import quote, urlencode

from custom_resources.clients.github_answers import whole
from custom_resources.clients.github_connection import Connection
from custom_resources.errors import FinalError, Problem, RetryLater
from operations.fleet.facts import Fleet, Project, PullRequestStatus, RepositoryStatus
from operations.fleet.gathering import Repositories, said

if TYPE_CHECKING:
    from custom_resources.clients.secrets import GitHubCredentials

Verb = Literal["merge", "close", "nudge"]
Result = Literal["merged", "closed", "nudged", "would be merged", "would be closed", "would be nudged"]
Left = Literal["skipped", "failed", "not started"]
DONE: Mapping[Verb, Result] = {"merge": "merged", "close": "closed", "nudge": "nudged"}
WOULD: Mapping[Verb, Result] = {"merge": "would be merged", "close": "would be closed", "nudge": "would be nudged"}
NUDGED = "<!-- studio-project-template nudge -->"


@dataclass(frozen=True)
class Wish:
    """What is to be done.

    `older` is the least age, `version` the one offered ("" = any), `again` the least time between two reminders.
    """

    verb: Verb
    approved: bool = False
    method: str = "merge"
    older: timedelta = timedelta()
    version: str = ""
    again: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class Outcome:
    """What became of a pull request."""

    project: Project
    repository: RepositoryStatus
    pull: PullRequestStatus
    result: Result | Left
    reason: str = ""


class GitHubWrites(Protocol):
    """What changes pull requests."""

    def merge(self, full_name: str, number: int, head: str, method: str) -> None:
        """Merge it, if its branch is still at `head`. Raises Problem."""

    def close(self, full_name: str, number: int) -> None:
        """Close it. Raises Problem."""

    def comment(self, full_name: str, number: int, text: str) -> None:
        """Comment on it. Raises Problem."""

    def comments(self, full_name: str, number: int, since: datetime) -> list[str]:
        """Return the comments since a time. Raises Problem."""


def listed(
    fleet: Fleet, older: timedelta = timedelta(), version: str = ""
) -> Iterator[tuple[Project, RepositoryStatus, PullRequestStatus]]:
    """Yield the open template pull requests of at least that age, for that version ("" = any), the oldest first."""
    until = datetime.fromisoformat(fleet.time) - older
    found = [
        (project, repository, pull)
        for project in fleet.projects
        for repository, pull in project.opens
        if version in ("", pull.version) and datetime.fromisoformat(pull.since) <= until
    ]
    yield from sorted(found, key=lambda each: each[2].since)


def obstacle(wish: Wish, pull: PullRequestStatus) -> str:
    """Return why something is not done to a pull request, "" when it may be. Pure."""
    if not pull.reported:
        return "No stack reports it, so the product may not have opened it."
    return _against_merging(wish, pull) if wish.verb == "merge" else ""


def _against_merging(wish: Wish, pull: PullRequestStatus) -> str:
    reasons = {
        "It is a draft.": pull.draft,
        "The pull request targets another branch than the default branch.": not pull.into_default,
        "The pull request has merge conflicts, which somebody who knows the project must resolve.": pull.mergeable
        == "conflicting",
        "GitHub is still checking whether the pull request can be merged. Run the command again.": pull.mergeable
        != "mergeable",
        "Nobody with write access has approved the last commit.": wish.approved and not pull.approved,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def done(wish: Wish, fleet: Fleet, github: GitHubWrites | None, now: datetime) -> Iterator[Outcome]:
    """Do it to one after another, the oldest first; without `github`, say what would be done.

    A failure stops no other. Where GitHub asks to wait, the rest is left: the next run goes on there.
    """
    waits = ""
    for project, repository, pull in listed(fleet, wish.older, wish.version):
        reason = obstacle(wish, pull)
        if reason or waits:
            yield Outcome(project, repository, pull, "skipped" if reason else "not started", reason or waits)
            continue
        if github is None:
            yield Outcome(project, repository, pull, WOULD[wish.verb])
            continue
        try:
            reason = _acted(wish, github, repository.full_name, pull, now)
        except RetryLater as wait:
            waits = f"{said(wait)} Run the command again in {wait.seconds:.0f} s."
            yield Outcome(project, repository, pull, "not started", waits)
        except FinalError as problem:
            yield Outcome(project, repository, pull, "failed", said(problem))
        else:
            yield Outcome(project, repository, pull, "skipped" if reason else DONE[wish.verb], reason)


def _acted(wish: Wish, github: GitHubWrites, full_name: str, pull: PullRequestStatus, now: datetime) -> str:
    """Do it; return why nothing was to be done, or "". Raises Problem."""
    if wish.verb == "merge":
        github.merge(full_name, pull.number, pull.head, wish.method)
    elif wish.verb == "close":
        github.close(full_name, pull.number)
    else:
        if any(NUDGED in text for text in github.comments(full_name, pull.number, now - wish.again)):
            return f"The last reminder is less than {wish.again.days} days old."
        github.comment(full_name, pull.number, nudge(pull, now))
    return ""


def nudge(pull: PullRequestStatus, now: datetime) -> str:
    """Return the reminder's text."""
    days = (now - datetime.fromisoformat(pull.since)).days
    waits = f"This template update ({pull.version or 'see above'}) has been open for {days} days."
    how = "Resolve its conflicts and merge it" if pull.mergeable == "conflicting" else "Merge it"
    return f"{waits} {how}, or close it to skip this version.\n\n{NUDGED}"


class PullRequests:
    """Changes pull requests by REST. Every method raises what a request to GitHub raises (github_errors.py)."""

    def __init__(self, api_url: str, credentials: Callable[[], GitHubCredentials], github: Repositories) -> None:
        """`github` reads, comments and closes; `credentials` is called before the first merge."""
        self._connection = Connection(api_url, credentials)
        self._github = github

    def merge(self, full_name: str, number: int, head: str, method: str) -> None:
        """Merge it, if its branch is still at `head` (PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge).

        A refusal of what an earlier request, whose answer was lost, has merged is none.
        """
        activity = f"merging pull request {number} of {full_name}"
        try:
            self._connection.call(activity, "PUT", f"{_path(full_name, number)}/merge", _merging(head, method))
        except Problem:
            if not self._github.pull_request(full_name, number).merged:
                raise

    def close(self, full_name: str, number: int) -> None:
        """Close it."""
        self._github.update_pull_request(full_name, number, state="closed")

    def comment(self, full_name: str, number: int, text: str) -> None:
        """Comment on it, once."""
        self._github.comment(full_name, number, text)

    def comments(self, full_name: str, number: int, since: datetime) -> list[str]:
        """Return the first hundred comments since a time."""
        asked = urlencode({"since": since.strftime("%Y-%m-%dT%H:%M:%SZ"), "per_page": "100"})
        path = _path(full_name, number).replace("/pulls/", "/issues/")
        activity = f"reading comments on pull request {number} of {full_name}"
        _, found = self._github.look_up(activity, f"{path}/comments?{asked}")
        with whole(activity):
            return [str(each["body"] or "") for each in found or ()]


def _path(full_name: str, number: int) -> str:
    owner, _, name = full_name.partition("/")
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}/pulls/{number}"


def _merging(head: str, method: str) -> Mapping[str, str]:
    return {"sha": head, "merge_method": method}


def counted(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Count outcomes by their results, in the order in which they came."""
    return {each.result: sum(other.result == each.result for other in outcomes) for each in outcomes}
