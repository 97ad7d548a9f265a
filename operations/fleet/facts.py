"""What is known of the fleet: projects, their repositories, their template pull requests. Plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

Part = Literal["build", "deploy"]
Place = Literal["there", "renamed", "archived", "deleted", "unseen", "unknown"]
PullState = Literal["open", "merged", "closed", "unknown"]
State = Literal[
    "current", "waiting", "declined", "outdated", "off", "changing", "failed", "gone", "archived", "unknown"
]
STATES: dict[State, str] = {
    "current": "both repositories have the wanted version",
    "waiting": "a template pull request is open",
    "declined": "the template pull request was closed",
    "outdated": "a repository has another version",
    "off": "template updates are turned off, on another version",
    "changing": "the launch is being changed",
    "failed": "the launch or its stack failed",
    "gone": "a repository was deleted, or the token cannot access it",
    "archived": "a repository is archived",
    "unknown": "not everything could be read",
}


@dataclass(frozen=True)
class PullRequestStatus:
    """A template pull request. `since` is ISO 8601, `mergeable` GitHub's word in lower case, `version` what it offers.

    `reported`: the stack names it, which only the product's function writes. `approved`: people who may write approved
    its last commit. `into_default`: its base is the default branch.
    """

    url: str
    number: int
    state: PullState
    version: str = ""
    since: str = ""
    mergeable: str = ""
    branch: str = ""
    branch_deleted: bool = False
    draft: bool = False
    head: str = ""
    approved: bool = False
    reported: bool = False
    into_default: bool = True
    problem: str = ""


@dataclass(frozen=True)
class RepositoryStatus:
    """One of a project's two repositories. `version` is the one in its default branch, "" where nobody knows.

    `version_by` is who says so: the pull request that was merged, the repository's own record, or the stack.
    """

    part: Part
    id: int
    full_name: str
    url: str = ""
    place: Place = "unknown"
    version: str = ""
    version_by: Literal["", "pull-request", "repository", "stack"] = ""
    updates_off: bool = False
    pull_request: PullRequestStatus | None = None
    missing_workflows: tuple[str, ...] = ()
    missing_secrets: tuple[str, ...] = ()
    problem: str = ""

    @property
    def drifts(self) -> bool:
        """Tell whether something that the product put there is missing."""
        return bool(self.missing_workflows or self.missing_secrets)


@dataclass(frozen=True)
class LastRollout:
    """What the last rollout that reached a project did: its id, the result and why, the version, when (ISO 8601)."""

    rollout: str
    result: str
    version: str = ""
    reason: str = ""
    at: str = ""


@dataclass(frozen=True)
class Project:
    """One launch with everything that is known of it. `project` is Studio's id, `name` the project's name there.

    `owner` is who created the project in Studio, as far as DataZone shows it, else who launched the product.

    `last_update` is how the last launch or update ended, by a rollout or by hand ("" while it is in progress)."""

    launch: str
    name: str
    project: str = ""
    profile: str = ""
    owner: str = ""
    account: str = ""
    region: str = ""
    wanted: str = ""
    state: State = "unknown"
    reason: str = ""
    launch_status: str = ""
    stack: str = ""
    stack_status: str = ""
    repositories: tuple[RepositoryStatus, ...] = ()
    last_update: str = ""
    last_rollout: LastRollout | None = None
    launch_name: str = ""

    @property
    def pull_requests(self) -> list[tuple[RepositoryStatus, PullRequestStatus]]:
        """Return what is waited for, with the repository that it is in."""
        return [(each, each.pull_request) for each in self.repositories if each.pull_request]

    @property
    def rollout_failed(self) -> bool:
        """Tell whether the last rollout that reached it failed, and nobody has brought it to the version since."""
        return bool(self.last_rollout and self.last_rollout.result == "failed") and self.state != "current"

    @property
    def opens(self) -> list[tuple[RepositoryStatus, PullRequestStatus]]:
        """Return the open template pull requests."""
        return [(repository, pull) for repository, pull in self.pull_requests if pull.state == "open"]

    def version(self, part: Part) -> str:
        """Return the version in the default branch of one of its repositories, "" where nobody knows."""
        return next((each.version for each in self.repositories if each.part == part), "")

    @property
    def drifts(self) -> bool:
        """Tell whether something that the product put into a repository is missing."""
        return any(each.drifts for each in self.repositories)

    def has_id(self, named: str) -> bool:
        """Tell whether this is an id or a name of its launch, or Studio's id: users choose none of these."""
        launch_name = self.launch_name or self.name
        return named in (self.launch, self.project, launch_name) or launch_name.endswith(f"-{named}")

    def belongs_to(self, named: str) -> bool:
        """Tell whether this is the project's name in Studio, or an id (see `has_id`)."""
        return named == self.name or self.has_id(named)


@dataclass(frozen=True)
class Fleet:
    """All projects, and when they were looked at (ISO 8601). `problem` says why nothing could be read."""

    time: str
    wanted: str
    projects: tuple[Project, ...] = ()
    problem: str = ""
    versions: tuple[str, ...] = field(default=())  # the product's, oldest first

    @property
    def all_current(self) -> bool:
        """Tell whether every project is on the wanted version."""
        return all(each.state == "current" for each in self.projects)

    def only(self, projects: Sequence[Project]) -> Fleet:
        """Return the same with these projects."""
        return replace(self, projects=tuple(projects))
