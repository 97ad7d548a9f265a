"""Repositories: GitHub and its Git service, and the templates, secrets and seals that they get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from custom_resources.clients.git import BareRepository
    from custom_resources.clients.github import PullRequest, Repository
    from custom_resources.clients.github_removal import Note
    from custom_resources.clients.secrets import GitHubCredentials
    from custom_resources.seal import Seal
    from custom_resources.template_content import Archive


class GitHub(Protocol):
    """GitHub's REST API. Raises the errors of errors.py, or RetryLater."""

    def find_repository(self, full_name: str) -> Repository | None:
        """Return the repository of that name (a renamed one is followed), or None."""
        ...

    def repository_by_id(self, repository_id: int, full_name: str) -> Repository | None:
        """Return the repository with that id, wherever it was renamed or transferred to, or None."""
        ...

    def is_absent(self, full_name: str, repository_id: int = 0) -> bool:
        """Tell whether it is proven that there is no such repository (id 0: of that name), after it was not found."""
        ...

    def create_repository(self, organization: str, name: str, description: str, visibility: str) -> Repository | None:
        """Create an empty repository; None when the name is taken."""
        ...

    def update_repository(self, full_name: str, **changes: Any) -> Repository:
        """Change a repository's settings."""
        ...

    def replace_topics(self, full_name: str, topics: Iterable[str]) -> None:
        """Set the topics."""
        ...

    def small_file(self, full_name: str, path: str, limit: int) -> bytes | None:
        """Return a file of the default branch, None where there is none. Raises ObjectTooLarge."""
        ...

    def is_protected(self, full_name: str, branch: str) -> bool:
        """Tell whether rules protect a branch."""
        ...

    def contains(self, full_name: str, commit: str, tip: str) -> bool:
        """Tell whether a commit is in a branch's history."""
        ...

    def put_secrets(self, full_name: str, secrets: Mapping[str, str], done: Note | None = None) -> None:
        """Seal and set Actions secrets; `done` gets the name of each as it is set."""
        ...

    def delete_secrets(self, full_name: str, names: Iterable[str], done: Note | None = None) -> None:
        """Remove secrets; one that is gone already is fine."""
        ...

    def put_variables(self, full_name: str, variables: Mapping[str, str], done: Note | None = None) -> None:
        """Create the variables, or change those that exist."""
        ...

    def variable(self, full_name: str, name: str) -> str | None:
        """Return a variable's value, or None."""
        ...

    def delete_variables(self, full_name: str, names: Iterable[str], done: Note | None = None) -> None:
        """Remove variables; one that is gone already is fine."""
        ...

    def environments(self, full_name: str) -> dict[str, bool]:
        """Return the environments' names, in lower case, with whether each is for some branches only."""
        ...

    def create_environment(self, full_name: str, name: str, branch: str, reviewers: Sequence[tuple[str, int]]) -> None:
        """Create an environment for one branch, with reviewers if there are any. Raises EnvironmentRulesRefused."""
        ...

    def find_pull_request(self, full_name: str, branch: str, base: str, mark: str = "") -> PullRequest | None:
        """Return the newest pull request from a branch into `base`, else the newest open one that has the mark."""
        ...

    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open a pull request; the open one, if there is one already."""
        ...

    def update_pull_request(self, full_name: str, number: int, **changes: str) -> PullRequest:
        """Change a pull request's title, body, base or state."""
        ...

    def address_pull_request(
        self, full_name: str, number: int, whom: tuple[Sequence[str], Sequence[str], Sequence[str]]
    ) -> list[str]:
        """Put labels, assignees and reviewers on it; return what GitHub refused of that."""
        ...

    def comment(self, full_name: str, number: int, text: str) -> None:
        """Comment on a pull request."""
        ...

    def dispatch_workflow(self, full_name: str, workflow: str, ref: str, inputs: Mapping[str, str]) -> None:
        """Start a workflow that has a workflow_dispatch trigger."""
        ...


class Git(Protocol):
    """GitHub's Git service."""

    def open(self, full_name: str, when: float = 0) -> AbstractContextManager[BareRepository]:
        """Yield an empty bare repository whose remote is `full_name`; it is gone after the block."""
        ...


class Archives(Protocol):
    """The template archives, addressed by content. Raises ArchiveMissing, InvalidTemplate, RetryLater."""

    def open(self, name: str) -> AbstractContextManager[Archive]:
        """Yield the archive `<sha256>.zip`, checked against its name."""
        ...

    def has(self, name: str) -> bool:
        """Tell whether the bucket holds the archive."""
        ...

    def copy_in(self, source_bucket: str, source_key: str, name: str) -> None:
        """Copy a published asset under its content address."""
        ...


class Secrets(Protocol):
    """Secrets Manager. Raises SecretUnreadable, RetryLater."""

    def value(self, reference: str) -> str:
        """Return the value of `name-or-ARN`, or of one key of a JSON secret, `name-or-ARN#key`."""
        ...

    def github_credentials(self, reference: str) -> GitHubCredentials:
        """Return GitHub's credentials."""
        ...


class Seals(Protocol):
    """The secrets under which proofs are made, one request each, remembered. Raises FinalError, RetryLater."""

    def of_repository(self, repository_id: int) -> Seal:
        """Return the seal of the repository with that id of GitHub's."""
        ...

    def of_stack(self, stack_id: str, full_name: str) -> Seal:
        """Return the seal of a repository that a stack creates: its id is not known before."""
        ...

    def of_launch(self, stack_id: str) -> Seal:
        """Return the seal of what one resource of a stack tells another one."""
        ...
