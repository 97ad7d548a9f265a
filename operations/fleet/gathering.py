"""Reads the whole fleet: Service Catalog's list, CloudFormation's list, and a GraphQL query per 100 repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from custom_resources.clients.github_answers import whole
from custom_resources.errors import AwsDenied, AwsNotFound, FinalError, Problem, RetryLater
from operations.errors import QueryTookTooLong
from operations.fleet.facts import Fleet
from operations.fleet.graphql import Answer
from operations.fleet.judging import asked_of, judged
from operations.fleet.query import MOST, Asked, Found, found_in, query_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from custom_resources.clients.github_answers import PullRequest, Repository
    from custom_resources.clients.secrets import GitHubCredentials
    from custom_resources.clients.service_catalog import Launch
    from custom_resources.clients.stacks import DescribedStack


class Queries(Protocol):
    """What asks GitHub by GraphQL."""

    def ask(self, activity: str, query: str, variables: Mapping[str, Any]) -> Answer:
        """Send one query. Raises QueryTookTooLong, Problem."""


class Stacks(Protocol):
    """What lists the account's stacks, or reads one."""

    def every(self) -> Iterator[DescribedStack]:
        """Yield all of them. Raises AwsDenied where only some may be read."""

    def described(self, stack_id: str) -> DescribedStack:
        """Return one. Raises AwsNotFound."""


class Repositories(Protocol):
    """What is asked by REST: a repository that is not shown under its name, lists, changes of pull requests."""

    def repository_by_id(self, repository_id: int, full_name: str) -> Repository | None:
        """Return the repository, whatever its name is now."""

    def look_up(self, activity: str, path: str) -> tuple[Mapping[str, Any], Any]:
        """GET any path: the headers and the document, None for a 404."""

    def pull_request(self, full_name: str, number: int) -> PullRequest:
        """Return a pull request."""

    def update_pull_request(self, full_name: str, number: int, **changes: str) -> PullRequest:
        """Change one."""

    def comment(self, full_name: str, number: int, text: str) -> None:
        """Comment on one."""

    def is_absent(self, full_name: str, repository_id: int = 0) -> bool:
        """Tell whether it is proven that it is gone."""


@dataclass(frozen=True)
class GitHubSide:
    """How GitHub is asked; all is made when it is used."""

    queries: Callable[[], Queries]
    repositories: Callable[[], Repositories]
    api_url: str = ""
    credentials: Callable[[], GitHubCredentials] | None = None


def fleet_of(
    launches: Sequence[Launch],
    stacks: Stacks,
    github: GitHubSide,
    wanted: str,
    *,
    reviews: bool = False,
) -> Fleet:
    """Return what every launch has now. What GitHub does not tell is unknown, and said so. Raises Problem (AWS)."""
    described = {stack.id: stack for stack in stacks_of(launches, stacks)}
    asked = {launch.id: asked_of(described.get(launch.stack)) for launch in launches}
    every = [each for parts in asked.values() for each in parts.values()]
    found = dict(zip(every, _looked_up(every, github, reviews), strict=True))
    projects = [
        judged(
            launch,
            described.get(launch.stack),
            {part: (each, found[each]) for part, each in asked[launch.id].items()},
            wanted,
        )
        for launch in launches
    ]
    return Fleet(datetime.now(UTC).isoformat(timespec="seconds"), wanted, tuple(projects))


def stacks_of(launches: Sequence[Launch], stacks: Stacks) -> Iterator[DescribedStack]:
    """Yield the stacks of launches: from the list of all, or one by one where the list may not be read.

    With the list, stacks of others too. Raises Problem.
    """
    if not launches:
        return
    try:
        yield from stacks.every()
    except AwsDenied:
        for launch in launches:
            if launch.stack:
                with suppress(AwsNotFound):
                    yield stacks.described(launch.stack)


def _looked_up(asked: Sequence[Asked], github: GitHubSide, reviews: bool) -> list[Found]:
    batches = [asked[start : start + MOST] for start in range(0, len(asked), MOST)]
    found = [each for batch in batches for each in _answered(batch, github, reviews)]
    return [
        _searched(each, one, github, reviews) if one.place == "unseen" else one
        for each, one in zip(asked, found, strict=True)
    ]


def _answered(batch: Sequence[Asked], github: GitHubSide, reviews: bool) -> list[Found]:
    """Ask about some repositories; in halves where GitHub gives the query up."""
    query, variables = query_of(batch, reviews=reviews)
    activity = f"reading {len(batch)} repositories"
    try:
        answer = github.queries().ask(activity, query, variables)
        with whole(activity):
            return [_of(answer, index, each) for index, each in enumerate(batch)]
    except QueryTookTooLong as late:
        if len(batch) == 1:
            return [Found("unknown", batch[0].full_name, problem=said(late))]
        half = len(batch) // 2
        return [*_answered(batch[:half], github, reviews), *_answered(batch[half:], github, reviews)]
    except Problem as problem:
        return [Found("unknown", each.full_name, problem=said(problem)) for each in batch]


def _of(answer: Answer, index: int, asked: Asked) -> Found:
    return found_in(asked, answer.data.get(f"r{index}"), answer.errors.get(f"r{index}"))


def _searched(asked: Asked, found: Found, github: GitHubSide, reviews: bool) -> Found:
    """Look by its id for a repository that is not shown under its name; only for these, by REST."""
    try:
        there = github.repositories().repository_by_id(asked.id, asked.full_name)
        if there:
            owner, _, name = there.full_name.partition("/")
            [again] = _answered([replace(asked, owner=owner, name=name)], github, reviews)
            if again.place == "unseen":  # REST shows it, GraphQL does not
                return replace(again, place="unknown")
            return replace(again, place="renamed") if again.place == "there" else again
        gone = github.repositories().is_absent(asked.full_name, asked.id)
    except (FinalError, RetryLater) as problem:
        return replace(found, place="unknown", problem=said(problem))
    return Found("deleted", asked.full_name) if gone else found


def said(problem: Problem) -> str:
    """Return a problem as one sentence."""
    return str(getattr(problem, "why", "") or problem)
