"""What a repository can be, seen from one template version: Empty, Same, Waiting or Merged. Pure.

Each state has what planning needs in that case, and nothing that may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from custom_resources.addresses import shown
from custom_resources.delivery.lineage import Delivery
from custom_resources.properties import BranchName, FullName, Line, LineOrNothing, Properties

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.git import BareRepository, Change, Merge, Refs
    from custom_resources.clients.github import PullRequest
    from custom_resources.delivery.lineage import Proposal
    from custom_resources.reconciler import Request
    from custom_resources.seal import Seal


class RepositoryTemplateProperties(Properties):
    """Desired state."""

    repository_id: int
    repository: FullName
    name_proof: LineOrNothing = ""  # that it is the name of the repository with that id, by Custom::GitHubRepository
    default_branch: BranchName = "main"
    domain_id: Line
    project_id: Line
    part: Literal["model_build", "model_deploy"]
    template_archive: str = Field(pattern=r"^[0-9a-f]{64}\.zip\Z")
    # A part of branch names (git-check-ref-format).
    template_version: str = Field(pattern=r"^(?!.*\.\.)(?!.*\.lock$)(?!.*\.$)[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z")
    template_folder: Line
    # Versions that were published long ago may name a token there: commits and pull requests do not repeat it.
    template_notes: Annotated[str, StringConstraints(max_length=8191)] = ""  # Markdown
    template_source: Annotated[LineOrNothing, AfterValidator(shown)] = ""
    # For new pull requests: the administrator's, no launch's.
    pull_request_labels: tuple[Line, ...] = ()
    pull_request_assignees: tuple[Line, ...] = ()
    pull_request_reviewers: tuple[Line, ...] = ()  # users, or teams as ORGANIZATION/SLUG
    sync_mode: Literal["Merge", "PullRequest", "Off"] = "Merge"
    adopt_existing: bool = False

    @property
    def addressing(self) -> int:
        """How many requests it takes to put labels, assignees and reviewers on a pull request."""
        return bool(self.pull_request_labels) + bool(self.pull_request_assignees) + len(self.pull_request_reviewers)


def physical_id(properties: RepositoryTemplateProperties) -> str:
    """Return what CloudFormation knows the resource by: its repository's id is in it."""
    return f"repository-template-{properties.repository_id}"


def wanted(request: Request[RepositoryTemplateProperties]) -> Delivery:
    """Return the delivery that a request asks for."""
    p = request.properties
    return Delivery(
        p.domain_id, p.project_id, p.part, p.template_folder, p.template_version, p.template_archive, request.stack_id
    )


def is_ours(delivery: Delivery | None, properties: RepositoryTemplateProperties) -> bool:
    """Tell whether a delivery was made for the project (and the part of it) that the properties name."""
    return delivery is not None and delivery.belongs_to(properties.domain_id, properties.project_id, properties.part)


@dataclass(frozen=True)
class Place:
    """The repository as it was found: where it is, what it has, and the copy of it on this machine."""

    git: BareRepository = field(repr=False, compare=False)
    full_name: str
    branch: str  # the default branch's name
    refs: Refs = field(repr=False)  # without those of the lineage that nobody proves
    seal: Seal = field(repr=False, compare=False)  # the repository's
    there: Refs = field(repr=False)  # all that there are: what a push expects
    sealed: bool = True  # else it is from before there were proofs: what its commits say of the project is believed
    # Whether TEMPLATE_REF's commit is in the branch's history, where GitHub was asked while the commits were fetched.
    in_history: Callable[[], bool] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Offered:
    """A pull request that was opened for a version, with what became of it."""

    proposal: Proposal
    pull_request: PullRequest | None
    untouched: bool  # its branch is there as we pushed it
    in_history: bool = False  # its template commit leads to the default branch
    delivered: bool = False  # what it offers is in the default branch, in whatever shape
    version: str = ""  # that it offers, as its commit says

    @property
    def open(self) -> bool:
        """Tell whether it waits to be merged."""
        return self.pull_request is not None and self.pull_request.state == "open"

    @property
    def branch_goes(self) -> bool:
        """Tell whether nobody needs its branch: no user has worked on it, or opened a pull request from it."""
        return self.untouched and not (self.pull_request and self.pull_request.shares_branch)


@dataclass(frozen=True)
class Base:
    """The newest template commit that is really in the default branch: what a merge starts from."""

    commit: str  # "" = nothing was delivered before
    tree: str
    delivery: Delivery | None = None  # what the commit's message records
    certain: bool = True  # known, not guessed
    in_history: bool = False  # the commit itself leads to the default branch, where squashing leaves only its files


@dataclass(frozen=True)
class Empty:
    """The repository has no commit. `commit` is the template's first one, on this machine."""

    place: Place
    commit: str


@dataclass(frozen=True)
class Same:
    """The version is in the default branch. `commit` is the template commit that delivers it."""

    place: Place
    commit: str
    offered: tuple[Offered, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """The version is not in the default branch, and nothing was merged: it waits to be wanted.

    It waits in a pull request at `url`, open or declined, or ("") until the project takes updates again.
    """

    place: Place
    version: str  # the one that is delivered, "" = none
    url: str = ""


@dataclass(frozen=True)
class Merged:
    """The version was committed onto the lineage and merged into the default branch's tip, on this machine."""

    place: Place
    tip_tree: str
    base: Base
    commit: str  # the new template commit
    tree: str  # its files, but for what the repository keeps from the template (.studio-template-ignore)
    merge: Merge
    changes: tuple[Change, ...] = ()  # what the template changed since the base
    offered: tuple[Offered, ...] = ()


State = Empty | Same | Waiting | Merged
