"""Which of the product's Actions secrets a repository lacks: by REST, a request for each repository, only when asked.

GraphQL does not know secrets. Their names are read, and never a value, which nobody can read from GitHub.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from custom_resources.clients.github_answers import whole
from custom_resources.errors import Problem, RepositoryNotFound
from operations.fleet.facts import Fleet, Part, Project, RepositoryStatus
from operations.fleet.gathering import said

if TYPE_CHECKING:
    from operations.fleet.gathering import GitHubSide

_MOST = 100  # that a repository can have: one page
_READABLE = ("there", "renamed")


def with_secrets(fleet: Fleet, wanted: Mapping[Part, Collection[str]], names: Callable[[str], set[str]]) -> Fleet:
    """Return the fleet with the secrets that each repository lacks. `names` lists those of a repository.

    What cannot be listed is a problem of that repository. One whose launch failed or is in progress is left alone.
    """

    def looked_at(repository: RepositoryStatus) -> RepositoryStatus:
        if repository.place not in _READABLE:
            return repository
        try:
            there = names(repository.full_name)
        except Problem as problem:
            return replace(repository, problem=said(problem))
        missing = sorted(name for name in wanted[repository.part] if name not in there)
        return replace(repository, missing_secrets=tuple(missing))

    def of(project: Project) -> Project:
        if project.state in ("failed", "changing"):
            return project
        return replace(project, repositories=tuple(looked_at(each) for each in project.repositories))

    return fleet.only([of(project) for project in fleet.projects])


def secret_names(github: GitHubSide, full_name: str) -> set[str]:
    """Return the names of a repository's Actions secrets (GET /repos/{owner}/{repo}/actions/secrets)."""
    owner, _, name = full_name.partition("/")
    path, activity = f"/repos/{quote(owner)}/{quote(name)}/actions/secrets", f"listing the secrets of {full_name}"
    _, listed = github.repositories().look_up(activity, f"{path}?per_page={_MOST}")
    if listed is None:
        raise RepositoryNotFound(activity=activity)
    with whole(activity):
        return {str(each["name"]) for each in listed["secrets"]}
