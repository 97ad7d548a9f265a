"""What can be done to a repository: Leave, Push or Propose. Data, which is logged, charged for and shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from custom_resources.rate_budget import Cost

if TYPE_CHECKING:
    from custom_resources.clients.git import Merge
    from custom_resources.delivery.lineage import Targets
    from custom_resources.delivery.pull_request_text import Update
    from custom_resources.delivery.state import Offered, Place

Status = Literal["seeded", "unchanged", "merged", "pull-request", "off", "archived"]

# -- what a branch shall point to ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ThatCommit:
    """A commit that already exists in the repository or on this machine."""

    sha: str


@dataclass(frozen=True)
class MergeCommit:
    """A new commit of the merged tree."""

    tree: str
    parents: tuple[str, ...]
    message: str = field(repr=False)


@dataclass(frozen=True)
class KeepOurs:
    """A new commit of what merges, with the users' side of every file that does not."""

    merge: Merge = field(repr=False)
    base_tree: str
    ours_tree: str
    theirs_tree: str
    parents: tuple[str, ...]
    message: str = field(repr=False)


Head = ThatCommit | MergeCommit | KeepOurs

# -- plans -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leave:
    """Write nothing. `attributes` are what the resource reports."""

    status: Status | Literal[""] = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    action: ClassVar[Literal["nothing"]] = "nothing"
    reason: ClassVar[str] = ""
    cost: ClassVar[Cost] = Cost()


@dataclass(frozen=True)
class Push:
    """Move the default branch and the record of what is in it together."""

    action: Literal["seed", "record", "push"]
    status: Status
    place: Place = field(repr=False)
    version: str
    head: Head  # of the default branch
    records: Targets  # all other refs
    withdrawn: tuple[Offered, ...] = ()  # open pull requests that this version supersedes

    reason: ClassVar[str] = ""

    @property
    def worked_on(self) -> tuple[Offered, ...]:
        """The withdrawn ones whose branches stay: closed before the push."""
        return tuple(offer for offer in self.withdrawn if not offer.branch_goes)

    @property
    def left_behind(self) -> tuple[Offered, ...]:
        """The withdrawn ones whose branches go with the push, at which GitHub closes them: told why after it."""
        return tuple(offer for offer in self.withdrawn if offer.branch_goes)

    @property
    def replaceable(self) -> bool:
        """Whether a pull request can deliver it where the rules refuse the push."""
        return self.action == "push"

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is counted when it is done."""
        return ("Resyncs",) if self.action == "push" else ()

    @property
    def cost(self) -> Cost:
        """What GitHub counts, see `_cost`."""
        return _cost(self.withdrawn)


@dataclass(frozen=True)
class Propose:
    """Push a branch with the record of what it offers, then open the pull request, or update the one in its place.

    Others are closed after that, with a word of which takes their place, and then their refs go.
    """

    place: Place = field(repr=False)
    reason: str  # for people; the pull request's has names of files
    branch: str
    head: Head  # of that branch
    records: Targets  # all other refs
    title: str
    text: Update = field(repr=False)
    attributes: Mapping[str, str] = field(repr=False)  # without the pull request's address
    renewed: Offered | None = None  # the one that is updated in place
    withdrawn: tuple[Offered, ...] = ()  # open pull requests that this version supersedes
    left_over: Targets = field(default_factory=dict)  # their refs that go
    addressed: int = 0  # requests that put labels, assignees and reviewers on a new one

    action: ClassVar[Literal["propose"]] = "propose"
    status: ClassVar[Status] = "pull-request"
    replaceable: ClassVar[bool] = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is counted when it is done."""
        return ("Resyncs",) if self.text.clean else ("Resyncs", "Conflicts")

    @property
    def cost(self) -> Cost:
        """What GitHub counts, see `_cost`."""
        changed = self.renewed is not None and self.renewed.pull_request is not None
        addressed = 0 if changed else self.addressed  # people are told of a new one only
        told = Cost(points=5 * addressed, creations=addressed)
        return _cost(self.withdrawn, opened=not changed, changed=changed).plus(told)


Plan = Leave | Push | Propose


def _cost(withdrawn: tuple[Offered, ...], *, opened: bool = False, changed: bool = False) -> Cost:
    """Return what GitHub counts: a new pull request or comment is a write of 5 points and a piece of content.

    A pull request that is changed or closed in its place is a write, and creates nothing.
    """
    comments = len(withdrawn)
    return Cost(points=5 * (opened + changed + 2 * comments), creations=opened + comments)


def attributes(commit: str, version: str, status: Status, url: str = "") -> dict[str, str]:
    """Return what the resource reports: the default branch's commit, the version in it, and how it got there."""
    return {"CommitSha": commit, "TemplateVersion": version, "Status": status, "PullRequestUrl": url}
