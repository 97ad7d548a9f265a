"""Custom::RepositoryTemplate: the template's version is in the repository, beside the user's work.

A re-sync is git's own merge of the template's lineage into the default branch (docs/decisions/0002). What cannot
be pushed becomes one pull request. User files and user edits are never overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from custom_resources import pull_request_text
from custom_resources.errors import FinalError
from custom_resources.lineage import (
    REFSPECS,
    TEMPLATE_REF,
    Delivery,
    Proposal,
    branch_for,
    delivery_in,
    message,
    proposals_in,
)
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import Changed, CustomResource, Done, Properties, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.hosts import Hosts
    from custom_resources.hosts.git import BareRepository, Change, Commit, Merge
    from custom_resources.hosts.github import PullRequest


class RepositoryTemplateProperties(Properties):
    """Desired state."""

    repository_id: int
    repository: str = Field(min_length=3)
    default_branch: str = "main"
    domain_id: str = Field(min_length=1)
    project_id: str = Field(min_length=1)
    part: Literal["model_build", "model_deploy"]
    template_archive: str = Field(pattern=r"^[0-9a-f]{64}\.zip\Z")
    template_version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z")
    template_folder: str = Field(min_length=1)
    template_source: str = ""
    sync_mode: Literal["Merge", "PullRequest", "Off"] = "Merge"
    adopt_existing: bool = False


class NotOurRepository(FinalError):
    """The repository has content, and no lineage of this project."""


class RulesRefuse(FinalError):
    """The repository's rules leave no way to deliver the template."""


class RepositoryGone(FinalError):
    """The repository was deleted on GitHub."""


@dataclass(frozen=True)
class Offered:
    """A pull request that was opened for a version, with what became of it."""

    proposal: Proposal
    pull_request: PullRequest | None
    untouched: bool  # nobody has committed to its branch since we pushed it

    @property
    def open(self) -> bool:
        """Tell whether it waits to be merged."""
        return self.pull_request is not None and self.pull_request.state == "open"


@dataclass(frozen=True)
class Observed:
    """What is in the repository, and what the new version would make of it."""

    git: BareRepository | None = None
    full_name: str = ""
    branch: str = ""  # the default branch's name
    tip: Commit | None = None
    lineage: str = ""  # what refs/studio/template points to
    base: Commit | None = None  # the newest template commit that is in the default branch
    delivered: Delivery | None = None  # what the base delivers
    certain: bool = True  # the base is known, not guessed
    offered: tuple[Offered, ...] = ()
    commit: str = ""  # the new template commit
    tree: str = ""
    merge: Merge | None = None
    changes: tuple[Change, ...] = ()  # what the template changed since the base


Action = Literal["nothing", "seed", "record", "push", "propose"]


@dataclass(frozen=True)
class Plan:
    """What to do; the commits named in it exist only on this machine until it is applied."""

    action: Action
    status: Literal["seeded", "unchanged", "merged", "pull-request", "off", ""]
    reason: str = ""  # why a pull request, for people
    observed: Observed = field(default_factory=Observed, repr=False)
    withdrawn: tuple[Offered, ...] = ()  # open pull requests that this version supersedes
    renewed: Offered | None = None  # the open pull request that is updated in place
    pull_request_url: str = ""


def _wanted(request: Request[RepositoryTemplateProperties]) -> Delivery:
    p = request.properties
    return Delivery(
        p.domain_id, p.project_id, p.part, p.template_folder, p.template_version, p.template_archive, request.stack_id
    )


# -- observe ----------------------------------------------------------------------------------------------------


@contextmanager
def observe(request: Request[RepositoryTemplateProperties], hosts: Hosts) -> Iterator[Observed]:
    """Fetch the lineage and the default branch's tip; for another version, merge it on this machine."""
    properties = request.properties
    if request.type == "Delete":
        yield Observed()
        return
    with hosts.git.open(properties.repository) as git:
        if request.type == "Create" and request.attempt == 0:
            # A new repository is empty: the seed's push finds out, and saves the look before it.
            git.start()
            commit = _import(git, request, hosts, "")
            yield Observed(git, properties.repository, properties.default_branch, commit=commit)
            return
        full_name, branch = _fetch(git, request, hosts)
        yield _observed(git, full_name, branch, request, hosts)


def _fetch(git: BareRepository, request: Request[RepositoryTemplateProperties], hosts: Hosts) -> tuple[str, str]:
    """Clone from where the repository is now; return its name there and its default branch ("" = no commit)."""
    from custom_resources.hosts.git import RepositoryUnreachable

    properties = request.properties
    try:
        branch = git.clone(REFSPECS)
        there = git.resolve(TEMPLATE_REF)
        delivery = delivery_in(git.commit(there).message) if there else None
        if delivery and delivery.belongs_to(properties.domain_id, properties.project_id, properties.part):
            return properties.repository, branch
    except RepositoryUnreachable:
        branch = ""
    # Renamed, transferred, or its lineage is missing: the id tells.
    found = hosts.github.repository_by_id(properties.repository_id, properties.repository)
    if found is None:
        raise RepositoryGone(
            f"The repository {properties.repository} was deleted on GitHub; restore it there, "
            "or delete this project and create it again."
        )
    if found.full_name.casefold() != properties.repository.casefold() or not git.path.exists():
        git.move(found.full_name)
        branch = git.clone(REFSPECS)
    return found.full_name, branch


def _observed(
    git: BareRepository, full_name: str, branch: str, request: Request[RepositoryTemplateProperties], hosts: Hosts
) -> Observed:
    properties, wanted = request.properties, _wanted(request)
    lineage = git.resolve(TEMPLATE_REF)
    tip = git.commit(f"refs/heads/{branch}") if branch else None
    seen = Observed(git, full_name, branch or properties.default_branch, tip, lineage)
    if tip is None:
        return _with(seen, commit=_import(git, request, hosts, ""))
    base, certain = (git.commit(lineage), True) if lineage else _recovered(git, tip, request)
    delivered = delivery_in(base.message) if base else None
    if delivered and not delivered.belongs_to(properties.domain_id, properties.project_id, properties.part):
        raise NotOurRepository(
            f"The repository {full_name} carries the template of another project "
            f"({delivered.domain}/{delivered.project} {delivered.part}); choose another repository name."
        )
    if base is None and request.type == "Create" and not properties.adopt_existing:
        raise NotOurRepository(
            f"The repository {full_name} has commits but no template lineage of this project; "
            "launch with AdoptExisting=true to take it over, or choose another name."
        )
    proposals = proposals_in(git.refs("refs/studio/proposals/"), git.refs("refs/heads/studio/"))
    seen = _with(seen, base=base, delivered=delivered, certain=certain)
    if delivered and delivered.same_content(wanted) and lineage and not proposals:
        return seen
    offered = tuple(_offered(git, full_name, proposal, hosts) for proposal in proposals)
    merged = [o for o in offered if o.pull_request and o.pull_request.merged and o.untouched]
    if merged:
        newest = max(merged, key=lambda offer: offer.pull_request.number if offer.pull_request else 0)
        base = git.commit(newest.proposal.commit)
        delivered = delivery_in(base.message)
    seen = _with(seen, base=base, delivered=delivered, offered=offered)
    if (delivered and delivered.same_content(wanted)) or properties.sync_mode == "Off":
        return seen
    if any(_offers(git, o, wanted) for o in offered):
        return seen
    return _merged(git, seen, request, hosts)


def _merged(
    git: BareRepository, seen: Observed, request: Request[RepositoryTemplateProperties], hosts: Hosts
) -> Observed:
    """Commit the new version onto the lineage and merge it into the tip, here."""
    base, tip = seen.base, seen.tip
    assert tip is not None  # the caller has seen a commit
    commit = _import(git, request, hosts, base.sha if base else "")
    tree = git.commit(commit).tree
    base_tree = base.tree if base else (tip.tree if _is_auto_init(git, tip, seen.full_name) else git.empty_tree())
    merge = git.merge(base_tree, tip.tree, tree)
    return _with(seen, commit=commit, tree=tree, merge=merge, changes=tuple(git.changes(base_tree, tree)))


def _with(observed: Observed, **changes: object) -> Observed:
    return Observed(**{**vars(observed), **changes})  # type: ignore[arg-type]


def _import(git: BareRepository, request: Request[RepositoryTemplateProperties], hosts: Hosts, parent: str) -> str:
    properties = request.properties
    subject = f"Template {properties.template_folder} {properties.template_version}"
    source = f"Source: {properties.template_source}" if properties.template_source else ""
    with hosts.archives.open(properties.template_archive) as archive:
        files = archive.stream(properties.template_folder)
        return git.import_commit(files, message(subject, _wanted(request), source), parent)


def _offered(git: BareRepository, full_name: str, proposal: Proposal, hosts: Hosts) -> Offered:
    """Look up what became of a proposal's pull request, and whether its branch is still as we pushed it."""
    found = hosts.github.find_pull_request(full_name, proposal.branch)
    head = found.head if found and (found.merged or not proposal.tip) else proposal.tip
    untouched = head == proposal.head
    if found and found.merged and not untouched:
        # Users may commit to the branch before they merge it: then our commit is in its history.
        git.fetch(f"+{found.head}:refs/import/merged", depth=None)
        untouched = proposal.head in {commit.sha for commit in git.history("refs/import/merged")}
    return Offered(proposal, found, untouched)


def _offers(git: BareRepository, offered: Offered, wanted: Delivery) -> bool:
    """Tell whether that pull request, open or declined, already offers the wanted version."""
    offer = delivery_in(git.commit(offered.proposal.commit).message)
    return offered.pull_request is not None and offer is not None and offer.same_content(wanted)


def _recovered(
    git: BareRepository, tip: Commit, request: Request[RepositoryTemplateProperties]
) -> tuple[Commit | None, bool]:
    """Find the base in the history's trailers after its ref was deleted; say whether that is certain.

    A squashed or rebased delivery leaves its trailers but not its commit: then the base is not certain.
    """
    from custom_resources.hosts.git import ROBOT

    if not tip.parents and delivery_in(tip.message) is None:
        return None, False
    git.fetch(tip.sha, depth=None)
    properties = request.properties
    for commit in git.history(tip.sha):
        delivery = delivery_in(commit.message)
        if delivery is None or not delivery.belongs_to(properties.domain_id, properties.project_id, properties.part):
            continue
        if len(commit.parents) == 2 and commit.committer == ROBOT[1]:
            return git.commit(commit.parents[1]), True
        if commit.committer == ROBOT[1]:
            return commit, True
        return None, False
    return None, False


def _is_auto_init(git: BareRepository, tip: Commit, full_name: str) -> bool:
    """Tell whether the repository holds only the README that GitHub or Studio wrote when creating it."""
    entries = git.entries(tip.tree)
    if tip.parents or set(entries) != {"README.md"}:
        return False
    lines = git.blob(entries["README.md"]).decode("utf-8", "replace").strip().splitlines()
    return bool(lines) and lines[0] == f"# {full_name.partition('/')[2]}" and len(lines) <= 3


# -- plan -------------------------------------------------------------------------------------------------------


def plan(request: Request[RepositoryTemplateProperties], observed: Observed) -> Plan:
    """Decide how the version gets into the repository."""
    properties, wanted = request.properties, _wanted(request)
    if request.type == "Delete":
        return Plan("nothing", "")  # the archive keeps everything
    if observed.tip is None:
        return Plan("seed", "seeded", observed=observed)
    stale = tuple(offer for offer in observed.offered if offer.open)
    if observed.delivered and observed.delivered.same_content(wanted):
        moved = observed.base is not None and observed.base.sha != observed.lineage
        if not moved and not observed.offered:
            return Plan("nothing", "unchanged", observed=observed)
        return Plan("record", "merged" if moved else "unchanged", observed=observed, withdrawn=stale)
    if properties.sync_mode == "Off":
        return Plan("nothing", "off", observed=observed)
    if observed.merge is None:
        url = next((offer.pull_request.html_url for offer in observed.offered if offer.pull_request), "")
        return Plan("nothing", "pull-request", observed=observed, pull_request_url=url)
    if observed.base is not None and observed.base.tree == observed.tree:
        return Plan("record", "unchanged", observed=observed, withdrawn=stale)
    reason = _reason_for_pull_request(properties, observed)
    if not reason:
        return Plan("push", "merged", observed=observed, withdrawn=stale)
    return propose(observed, reason)


def _reason_for_pull_request(properties: RepositoryTemplateProperties, observed: Observed) -> str:
    assert observed.merge is not None  # plan asks only about a merge
    if observed.merge.conflicts:
        return "the template and this repository changed the same places"
    if properties.sync_mode == "PullRequest":
        return "this project takes template updates by pull request"
    if not observed.certain:
        return "the record of the delivered version is missing here"
    return ""


def propose(observed: Observed, reason: str) -> Plan:
    """Return the plan of a pull request: an open one that nobody has worked on is updated in place."""
    waiting = [offer for offer in observed.offered if offer.open]
    renewed = next((offer for offer in waiting if offer.untouched), None)
    withdrawn = tuple(offer for offer in waiting if offer is not renewed)
    return Plan("propose", "pull-request", reason, observed, withdrawn, renewed)


# -- apply ------------------------------------------------------------------------------------------------------


def apply(
    plan: Plan, request: Request[RepositoryTemplateProperties], hosts: Hosts, ensure_current: Callable[[], None]
) -> Done:
    """Push, or push a branch and open a pull request; all refs of a step move together or not at all."""
    from custom_resources.hosts.git import PushRejected, RepositoryArchived

    observed, url = plan.observed, plan.pull_request_url
    version = request.properties.template_version
    try:
        if plan.action in ("seed", "record", "push"):
            commit = _push(plan, request, ensure_current)
        elif plan.action == "propose":
            commit, url = _propose(plan, request, hosts, ensure_current)
        else:
            commit = observed.tip.sha if observed.tip else ""
            if plan.status == "off" and observed.delivered:
                version = observed.delivered.version
    except RepositoryArchived:
        hosts.github.update_repository(observed.full_name, archived=False)  # ours: its lineage was read
        raise Changed("the repository was archived and is restored") from None
    except PushRejected as rejected:
        if rejected.stale:
            raise Changed(str(rejected)) from None
        if plan.action != "push":
            raise RulesRefuse(
                f"The rules of {observed.full_name} refuse what the template needs ({rejected}); "
                "let the token's owner bypass them."
            ) from None
        return apply(propose(observed, f"the branch takes no push ({rejected})"), request, hosts, ensure_current)
    for offer in plan.withdrawn:
        _withdraw(offer, observed.full_name, request.properties, hosts)
    if request.type == "Delete":
        return Done()
    attributes = {"CommitSha": commit, "TemplateVersion": version, "Status": plan.status, "PullRequestUrl": url}
    return Done(attributes, metrics=_metrics(plan))


def _metrics(plan: Plan) -> tuple[str, ...]:
    conflicts = ("Conflicts",) if plan.observed.merge and plan.observed.merge.conflicts else ()
    return ("Resyncs", *conflicts) if plan.status in ("merged", "pull-request") else ()


def _push(plan: Plan, request: Request[RepositoryTemplateProperties], ensure_current: Callable[[], None]) -> str:
    """Move the default branch and the lineage together, and drop the records of settled pull requests."""
    observed = plan.observed
    assert observed.git is not None
    branch = f"refs/heads/{observed.branch}"
    updates: dict[str, tuple[str, str]] = {}
    commit = observed.tip.sha if observed.tip else observed.commit
    if plan.action == "seed":
        updates[branch] = ("", observed.commit)
    elif plan.action == "push" and observed.tip and observed.merge:
        subject = f"Update the template to {request.properties.template_version}"
        text = message(subject, _wanted(request))
        commit = observed.git.commit_tree(observed.merge.tree, (observed.tip.sha, observed.commit), text)
        updates[branch] = (observed.tip.sha, commit)
    base = observed.base.sha if observed.base else ""
    updates[TEMPLATE_REF] = (observed.lineage, observed.commit or base)
    for offer in observed.offered:
        updates |= offer.proposal.removal(keep_branch=not offer.untouched)
    ensure_current()
    observed.git.push({ref: move for ref, move in updates.items() if move[0] != move[1]})
    return commit


def _propose(
    plan: Plan,
    request: Request[RepositoryTemplateProperties],
    hosts: Hosts,
    ensure_current: Callable[[], None],
) -> tuple[str, str]:
    """Push the branch with the record of what it offers, then open or change the pull request."""
    from custom_resources.hosts.github import NothingInCommon

    observed, version = plan.observed, request.properties.template_version
    assert observed.git is not None
    assert observed.merge is not None
    assert observed.tip is not None
    text = message(f"Update the template to {version}", _wanted(request))
    parents = (observed.tip.sha, observed.commit)
    branch = plan.renewed.proposal.branch if plan.renewed else _free_branch(observed, version)
    found = hosts.github.repository_by_id(request.properties.repository_id, observed.full_name)
    full_name = found.full_name if found else observed.full_name
    title = f"Update the template to {version}"
    body = pull_request_text.body(
        pull_request_text.Update(
            version=version,
            source=request.properties.template_source,
            branch=branch,
            default_branch=observed.branch,
            reason=plan.reason,
            changes=observed.changes,
            conflicts=observed.merge.conflicts,
            explanation=observed.merge.messages,
        )
    )

    def publish(head: str) -> str:
        old = plan.renewed.proposal if plan.renewed else Proposal(branch)
        updates = Proposal(branch, observed.commit, head, head).replacing(old)
        for offer in observed.offered:
            if offer is not plan.renewed:
                updates |= offer.proposal.removal(keep_branch=not offer.untouched)
        ensure_current()
        assert observed.git is not None
        observed.git.push(updates)
        if plan.renewed and plan.renewed.pull_request:
            number = plan.renewed.pull_request.number
            return hosts.github.update_pull_request(full_name, number, title=title, body=body).html_url
        return hosts.github.create_pull_request(full_name, branch, observed.branch, title, body).html_url

    if not observed.merge.conflicts:
        head = observed.git.commit_tree(observed.merge.tree, parents, text)
        return head, publish(head)
    try:
        # The conflict is left to be seen as one: the branch is the template's own commit, GitHub asks to resolve it.
        return observed.commit, publish(observed.commit)
    except NothingInCommon:
        # GitHub finds no common history to merge from: offer what merges, with the user's side of the rest.
        pushed = Proposal(branch, observed.commit, observed.commit, observed.commit)
        ours = observed.git.keep_ours(observed.merge, observed.tip.tree)
        head = observed.git.commit_tree(ours, parents, text)
        observed.git.push(Proposal(branch, observed.commit, head).replacing(pushed))
        return head, hosts.github.create_pull_request(full_name, branch, observed.branch, title, body).html_url


def _free_branch(observed: Observed, version: str) -> str:
    """Return the version's branch name, numbered when users have a branch of that name."""
    assert observed.git is not None
    taken = observed.git.refs("refs/heads/studio/")
    removed = {offer.proposal.branch for offer in observed.offered if not offer.open and offer.untouched}
    name, number = branch_for(version), 1
    while f"refs/heads/{name}" in taken and name not in removed:
        number += 1
        name = f"{branch_for(version)}-{number}"
    return name


def _withdraw(offer: Offered, full_name: str, properties: RepositoryTemplateProperties, hosts: Hosts) -> None:
    assert offer.pull_request is not None
    hosts.github.comment(
        full_name, offer.pull_request.number, pull_request_text.superseded(properties.template_version)
    )
    hosts.github.update_pull_request(full_name, offer.pull_request.number, state="closed")


def cost(plan: Plan) -> Cost:
    """Return what GitHub counts: a pull request or a comment is a write of 5 points and a piece of content."""
    pull_requests, comments = int(plan.action == "propose"), len(plan.withdrawn)
    return Cost(points=5 * (pull_requests + 2 * comments), creations=pull_requests + comments)


RESOURCE: CustomResource[RepositoryTemplateProperties, Observed, Plan, Hosts] = CustomResource(
    "Custom::RepositoryTemplate",
    RepositoryTemplateProperties,
    lambda properties: f"repository-template-{properties.repository_id}",
    observe,
    plan,
    apply,
    cost,
)
