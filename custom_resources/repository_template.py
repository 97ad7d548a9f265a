"""Custom::RepositoryTemplate: the template's version is in the repository, beside the user's work.

A re-sync is git's own merge of the template's lineage into the default branch (docs/decisions/0002). What cannot
be pushed becomes one pull request. User files and user edits are never overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from custom_resources import pull_request_text
from custom_resources.clients.git import (
    ROBOT,
    ZERO,
    Commit,
    PushRejected,
    Refs,
    RepositoryArchived,
)
from custom_resources.errors import (
    BranchInTheWay,
    FinalError,
    NotOurRepository,
    OtherProjectsRepository,
    RepositoryGone,
    RepositoryUnreachable,
    RulesRefuse,
)
from custom_resources.lineage import (
    BRANCHES,
    TEMPLATE_REF,
    Delivery,
    Proposal,
    Targets,
    branch_for,
    delivered_version,
    delivery_in,
    message,
    proposals_in,
    recorded,
    trace_in,
)
from custom_resources.live_stack import require_no_rival
from custom_resources.properties import BranchName, FullName, Line, LineOrNothing, Properties
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import CustomResource, Done, Effects, Foreseen, Replan, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.git import BareRepository, Change, Merge
    from custom_resources.clients.github import PullRequest
    from custom_resources.clients.protocols import Clients


class RepositoryTemplateProperties(Properties):
    """Desired state."""

    repository_id: int
    repository: FullName
    default_branch: BranchName = "main"
    domain_id: Line
    project_id: Line
    part: Literal["model_build", "model_deploy"]
    template_archive: str = Field(pattern=r"^[0-9a-f]{64}\.zip\Z")
    # A part of branch names (git-check-ref-format).
    template_version: str = Field(pattern=r"^(?!.*\.\.)(?!.*\.lock$)(?!.*\.$)[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z")
    template_folder: Line
    template_source: LineOrNothing = ""
    sync_mode: Literal["Merge", "PullRequest", "Off"] = "Merge"
    adopt_existing: bool = False


@dataclass(frozen=True)
class Offered:
    """A pull request that was opened for a version, with what became of it."""

    proposal: Proposal
    pull_request: PullRequest | None
    untouched: bool  # its branch is there as we pushed it
    delivered: bool = False  # what it offers is in the default branch

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
    refs: Refs = field(default_factory=Refs)
    tip: Commit | None = None  # the default branch's commit; no more than its name where that is enough
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
    renewed: Offered | None = None  # the one that is updated in place
    pull_request_url: str = ""


def _wanted(request: Request[RepositoryTemplateProperties]) -> Delivery:
    p = request.properties
    return Delivery(
        p.domain_id, p.project_id, p.part, p.template_folder, p.template_version, p.template_archive, request.stack_id
    )


def _is_ours(delivery: Delivery | None, properties: RepositoryTemplateProperties) -> bool:
    return delivery is not None and delivery.belongs_to(properties.domain_id, properties.project_id, properties.part)


# -- observe ----------------------------------------------------------------------------------------------------


def _find(git: BareRepository, request: Request[RepositoryTemplateProperties], clients: Clients) -> tuple[str, Refs]:
    """Look where the repository was, and, unless its lineage is found there, ask by its id where it is."""
    properties, refs = request.properties, None
    try:
        refs = git.look()
        if _carries_our_lineage(git, refs, request):
            return properties.repository, refs
    except RepositoryUnreachable:
        pass
    found = clients.github.repository_by_id(properties.repository_id, properties.repository)
    if found is None:
        raise RepositoryGone(repository=properties.repository)
    if refs is None or found.full_name.casefold() != properties.repository.casefold():
        git.move(found.full_name)
        refs = git.look()
    return found.full_name, refs


def _carries_our_lineage(git: BareRepository, refs: Refs, request: Request[RepositoryTemplateProperties]) -> bool:
    there, wanted = refs[TEMPLATE_REF], _wanted(request)
    if not there:
        return False
    if refs[wanted.ref] == there or any(proposal.key == wanted.key for proposal in proposals_in(refs.targets)):
        return True  # a key names the project, too
    _fetch(git, refs)
    return _is_ours(delivery_in(git.message(there)), request.properties)


def _fetch(git: BareRepository, refs: Refs) -> None:
    """Fetch all commits that can matter, at once."""
    proposals = proposals_in(refs.targets)
    git.fetch(refs.tip, refs[TEMPLATE_REF], *(sha for proposal in proposals for sha in (proposal.commit, proposal.tip)))


def _observed(
    seen: Observed, git: BareRepository, request: Request[RepositoryTemplateProperties], clients: Clients
) -> Observed:
    properties, wanted, refs = request.properties, _wanted(request), seen.refs
    if not refs.tip:
        return replace(seen, commit=_import_wanted(git, request, clients))
    there, proposals = refs[TEMPLATE_REF], proposals_in(refs.targets)
    waiting = [proposal for proposal in proposals if proposal.commit != there]
    seen = replace(seen, tip=Commit(refs.tip, "", (), ""))
    if there and refs[wanted.ref] == there and not waiting:
        return replace(seen, delivered=wanted)
    same = next((proposal for proposal in waiting if proposal.key == wanted.key), None)
    found = _pull_request(seen, same, clients) if same else None
    if same and found and not found.merged and found.base == seen.branch:
        return replace(seen, offered=(Offered(same, found, untouched=False),))
    _fetch(git, refs)
    delivery = delivery_in(git.message(there)) if there else None  # what is no commit is no record
    if delivery and not _is_ours(delivery, properties):
        raise OtherProjectsRepository(
            repository=seen.full_name, project=f"{delivery.domain}/{delivery.project} {delivery.part}"
        )
    seen = replace(seen, tip=git.commit(refs.tip), delivered=delivery)
    if properties.sync_mode == "Off":
        return seen
    proposals = [proposal for proposal in proposals if git.message(proposal.commit)]
    if proposals:
        repository = clients.github.repository_by_id(properties.repository_id, seen.full_name)
        seen = replace(seen, full_name=repository.full_name if repository else seen.full_name)
    seen = replace(seen, offered=tuple(_offered(git, seen, proposal, clients) for proposal in proposals))
    base, certain = _base(git, seen, request, clients)
    if base is None and request.type == "Create" and not properties.adopt_existing:
        raise NotOurRepository(repository=seen.full_name)
    seen = replace(seen, base=base, certain=certain, delivered=delivery_in(base.message) if base else None)
    if certain and seen.delivered and seen.delivered.same_content(wanted):
        return seen
    return _merged(git, seen, request, clients)


def _pull_request(seen: Observed, proposal: Proposal, clients: Clients) -> PullRequest | None:
    return clients.github.find_pull_request(seen.full_name, proposal.branch, seen.branch, pull_request_text.MARK)


def _offered(git: BareRepository, seen: Observed, proposal: Proposal, clients: Clients) -> Offered:
    """Look up what became of a proposal's pull request, and whether its branch is still as we pushed it."""
    found = _pull_request(seen, proposal, clients)
    untouched = False
    if proposal.tip:
        tip = git.commit(proposal.tip)
        untouched = tip.committer == ROBOT[1] and proposal.commit in (tip.sha, *tip.parents)
    return Offered(proposal, found, untouched, _is_delivered(seen, proposal, found, clients))


def _is_delivered(seen: Observed, proposal: Proposal, found: PullRequest | None, clients: Clients) -> bool:
    """Tell whether a proposal is in the default branch: itself, or in the shape that squashing or rebasing gave it."""

    def contains(commit: str, tip: str) -> bool:
        return clients.github.contains(seen.full_name, commit, tip)

    if contains(proposal.commit, seen.refs.tip):
        return True
    if found is None or not found.merged or not found.landed:
        return False
    # Users may add commits before they merge; what they merge without our commit has not delivered it.
    return contains(proposal.commit, found.head) and contains(found.landed, seen.refs.tip)


def _base(
    git: BareRepository, seen: Observed, request: Request[RepositoryTemplateProperties], clients: Clients
) -> tuple[Commit | None, bool]:
    """Return the newest template commit that is really in the default branch, and whether that is certain.

    Nothing is taken for granted: a forced push may have taken out what was delivered.
    """
    delivered = [offer for offer in seen.offered if offer.delivered]
    if delivered:
        newest = max(delivered, key=lambda offer: offer.pull_request.number if offer.pull_request else 0)
        return git.commit(newest.proposal.commit), True
    there = seen.refs[TEMPLATE_REF]
    if there and seen.delivered and clients.github.contains(seen.full_name, there, seen.refs.tip):
        return git.commit(there), True
    return _recovered(git, seen, request, clients)


def _recovered(
    git: BareRepository, seen: Observed, request: Request[RepositoryTemplateProperties], clients: Clients
) -> tuple[Commit | None, bool]:
    """Find the base in the default branch's whole history: its ref was deleted, or the history rewritten.

    Our own commits there are certain where their content is what they say. Trailers in a commit that is not ours
    (squashed, rebased, rewritten) say that more was delivered than these show: then the base is not certain. Nor is
    it where another version was delivered last, by what is recorded here or, if nothing is, by what the stack had, and
    may be in the branch without its commit.
    """
    git.fetch_history(seen.refs.tip)
    ours = [commit for commit in git.history(seen.refs.tip) if _is_ours(trace_in(commit.message), request.properties)]
    template = [
        commit
        for commit in ours
        if commit.committer == ROBOT[1] and len(commit.parents) < 2 and delivery_in(commit.message)
    ]
    parents = {parent for commit in template for parent in commit.parents}
    newest = [commit for commit in template if commit.sha not in parents]
    delivery = delivery_in(newest[0].message) if newest else None
    if delivery:
        alone = len(newest) == 1 and all(commit.committer == ROBOT[1] for commit in ours)
        if seen.delivered:
            last = _is_out(git, seen, newest[0])
        else:
            last = request.old is not None and request.old.template_archive == delivery.archive
        published = _published(git, delivery, clients)
        if published and published.tree == newest[0].tree:
            return newest[0], alone and last
        return published or newest[0], False
    if seen.delivered:
        return git.commit(seen.refs[TEMPLATE_REF]), False
    return None, request.type == "Create"  # adopted: certainly nothing was delivered before


def _is_out(git: BareRepository, seen: Observed, older: Commit) -> bool:
    """Tell whether nothing of the recorded delivery, whose commit is not in the branch, is in its files.

    That is so after a forced push to a commit before it; after a squash of the whole history its files are still there.
    """
    assert seen.tip is not None  # the caller has seen a commit
    there, files = git.commit(seen.refs[TEMPLATE_REF]), git.entries(seen.tip.tree)
    return all(files.get(change.path, ZERO) != change.new_blob for change in git.changes(older.tree, there.tree))


def _published(git: BareRepository, delivery: Delivery, clients: Clients) -> Commit | None:
    """Return a commit of what was published for a delivery: who rewrites a history may keep all but the content."""
    try:
        return git.commit(_import(git, delivery, clients))
    except FinalError:  # no such archive, or nothing in it for this folder
        return None


def _merged(
    git: BareRepository, seen: Observed, request: Request[RepositoryTemplateProperties], clients: Clients
) -> Observed:
    """Commit the new version onto the lineage and merge it into the tip, here."""
    base, tip = seen.base, seen.tip
    assert tip is not None  # the caller has seen a commit
    commit = _import_wanted(git, request, clients, base.sha if base else "")
    tree = git.commit(commit).tree
    base_tree = (
        base.tree if base else (tip.tree if _is_auto_init(git, tip, seen.full_name, clients) else git.empty_tree())
    )
    merge = git.merge(base_tree, tip.tree, tree)
    return replace(seen, commit=commit, tree=tree, merge=merge, changes=tuple(git.changes(base_tree, tree)))


def _import_wanted(
    git: BareRepository, request: Request[RepositoryTemplateProperties], clients: Clients, parent: str = ""
) -> str:
    source = request.properties.template_source
    return _import(git, _wanted(request), clients, f"Source: {source}" if source else "", parent)


def _import(git: BareRepository, delivery: Delivery, clients: Clients, body: str = "", parent: str = "") -> str:
    subject = f"Template {delivery.folder} {delivery.version}"
    with clients.archives.open(delivery.archive) as archive:
        return git.import_commit(archive.stream(delivery.folder), message(subject, delivery, body), parent)


def _is_auto_init(git: BareRepository, tip: Commit, full_name: str, clients: Clients) -> bool:
    """Tell whether the repository holds only the README that GitHub wrote when creating it: name and description."""
    entries = git.entries(tip.tree)
    if tip.parents or set(entries) != {"README.md"}:
        return False
    text = git.blob(entries["README.md"]).decode("utf-8", "replace")
    title, *more = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    if title != f"# {full_name.partition('/')[2]}":
        return False
    if not more:
        return True
    found = clients.github.find_repository(full_name)
    return found is not None and more == [found.description.strip()]


# -- plan -------------------------------------------------------------------------------------------------------


def _without_merge(
    request: Request[RepositoryTemplateProperties], observed: Observed, stale: tuple[Offered, ...]
) -> Plan:
    """Decide where no merge was needed: the version is there, waits in a pull request, or is not wanted."""
    if observed.delivered and observed.delivered.same_content(_wanted(request)):
        there = observed.refs[TEMPLATE_REF]
        moved = observed.base is not None and observed.base.sha != there
        status: Literal["merged", "unchanged"] = "merged" if moved else "unchanged"
        unsettled = any(offer.proposal.commit != there for offer in observed.offered)
        action: Action = "record" if moved or unsettled or observed.base is not None else "nothing"
        return Plan(action, status, observed=observed, withdrawn=stale)
    if request.properties.sync_mode == "Off":
        return Plan("nothing", "off", observed=observed)
    url = next((offer.pull_request.html_url for offer in observed.offered if offer.pull_request), "")
    return Plan("nothing", "pull-request", observed=observed, pull_request_url=url)


def _reason_for_pull_request(properties: RepositoryTemplateProperties, observed: Observed) -> str:
    assert observed.merge is not None  # plan asks only about a merge
    if not observed.merge.clean and not observed.merge.conflicts:
        return "git cannot tell where the template's files belong in this repository's folders"
    if not observed.merge.clean:
        return "the template and this repository changed the same places"
    if properties.sync_mode == "PullRequest":
        return "this project takes template updates by pull request"
    if not observed.certain:
        return f"the history of `{observed.branch}` does not show for certain which version it has"
    return ""


def propose(observed: Observed, reason: str) -> Plan:
    """Return the plan of a pull request: one that nobody has worked on is updated in place."""
    waiting = [offer for offer in observed.offered if offer.open]
    # One without a pull request was pushed by a run that got no further; one into a former default branch is closed.
    usable = [
        offer
        for offer in observed.offered
        if offer.untouched and (not offer.pull_request or (offer.open and offer.pull_request.base == observed.branch))
    ]
    renewed = next(iter(usable), None)
    withdrawn = tuple(offer for offer in waiting if offer is not renewed)
    return Plan("propose", "pull-request", reason, observed, withdrawn, renewed)


# -- apply ------------------------------------------------------------------------------------------------------


def _metrics(plan: Plan) -> tuple[str, ...]:
    conflicts = ("Conflicts",) if plan.observed.merge and not plan.observed.merge.clean else ()
    return ("Resyncs", *conflicts) if plan.action in ("push", "propose") else ()


def _push(
    plan: Plan,
    request: Request[RepositoryTemplateProperties],
    clients: Clients,
    ensure_current: Callable[[], None],
) -> str:
    """Move the default branch and the lineage together, and drop the records of settled pull requests."""
    observed, git = plan.observed, plan.observed.git
    assert git is not None
    wanted, tip = _wanted(request), observed.refs.tip
    # A version with the same files is recorded with the commit that is there: the lineage's tip is in the branch.
    template = observed.base.sha if plan.action == "record" and observed.base else observed.commit
    targets = _settled(observed, keep_base=plan.action == "record")
    if plan.action == "seed":
        tip = observed.commit
    elif plan.action == "push" and observed.merge:
        text = message(f"Update the template to {wanted.version}", wanted)
        tip = git.commit_tree(observed.merge.tree, (tip, template), text)
    targets |= {f"refs/heads/{observed.branch}": tip, **recorded(observed.refs.targets, template, wanted)}
    ensure_current()
    _withdraw([offer for offer in plan.withdrawn if not offer.untouched], observed.full_name, wanted.version, clients)
    git.push(observed.refs, targets)  # GitHub closes the others, whose branches go with it
    _withdraw([offer for offer in plan.withdrawn if offer.untouched], observed.full_name, wanted.version, clients)
    return tip


def _settled(observed: Observed, keep_base: bool) -> Targets:
    """Return the refs without what pull requests needed; branches that users have worked on are kept.

    `keep_base` keeps the record of the one that delivered the base: squashed or rebased, only its pull request tells.
    """
    targets: Targets = {}
    for offer in observed.offered:
        if not (keep_base and observed.base and offer.proposal.commit == observed.base.sha):
            targets[offer.proposal.ref] = ""
        if offer.untouched:
            targets[f"refs/heads/{offer.proposal.branch}"] = ""
    return targets


def _propose(
    plan: Plan,
    request: Request[RepositoryTemplateProperties],
    clients: Clients,
    ensure_current: Callable[[], None],
) -> str:
    """Push the branch with the record of what it offers, then open or change the pull request; return its URL."""
    observed, git, wanted = plan.observed, plan.observed.git, _wanted(request)
    assert git is not None
    assert observed.merge is not None
    assert observed.tip is not None
    merge, tip, pull = observed.merge, observed.tip, plan.renewed.pull_request if plan.renewed else None
    repository = clients.github.repository_by_id(request.properties.repository_id, observed.full_name)
    full_name = repository.full_name if repository else observed.full_name
    settled = _settled(observed, keep_base=True)
    branch = plan.renewed.proposal.branch if plan.renewed else _free_branch(observed, settled, wanted.version)
    if observed.base and observed.delivered and observed.certain:
        settled |= recorded(observed.refs.targets, observed.base.sha, observed.delivered)
    title = f"Update the template to {wanted.version}"
    update = pull_request_text.Update(
        version=wanted.version,
        source=request.properties.template_source,
        branch=branch,
        default_branch=observed.branch,
        reason=plan.reason,
        changes=observed.changes,
        conflicts=merge.conflicts,
        explanation=merge.messages,
        clean=merge.clean,
    )

    proposal = Proposal(branch, wanted.key, observed.commit)

    def merged(tree: str) -> str:
        return git.commit_tree(tree, (tip.sha, observed.commit), message(title, wanted))

    if not merge.conflicts:  # also where git is not sure: there is nothing in the files to resolve
        head = merged(merge.tree)
    elif observed.base and clients.github.contains(full_name, observed.base.sha, tip.sha):
        # The conflict is left to be seen as one: the branch is the template's own commit, GitHub asks to resolve it.
        head = observed.commit
    else:
        # Without the base in the history, git would merge from an older one, and bring back what users have removed
        # since: offer what merges, with the user's side of the rest.
        base_tree = observed.base.tree if observed.base else git.empty_tree()
        tree, conflicts = git.keep_ours(merge, base_tree, tip.tree, observed.tree)
        head, update = merged(tree), replace(update, conflicts=conflicts, kept=True)
    body = pull_request_text.body(update)
    ensure_current()
    _withdraw(plan.withdrawn, full_name, wanted.version, clients)
    if pull:  # its text first: the push is what says that all is done
        clients.github.update_pull_request(full_name, pull.number, title=title, body=body)
    git.push(observed.refs, {**settled, f"refs/heads/{branch}": head, proposal.ref: observed.commit})
    pull = pull or clients.github.create_pull_request(full_name, branch, observed.branch, title, body)
    return pull.html_url


def _free_branch(observed: Observed, settled: Targets, version: str) -> str:
    """Return the version's branch name, numbered when users have a branch of that name, or below it."""
    if observed.refs[BRANCHES.rstrip("/")]:
        raise BranchInTheWay(repository=observed.full_name, branch=branch_for(version))
    taken = {ref for ref in observed.refs.below(BRANCHES) if ref not in settled}
    name, number = branch_for(version), 1
    while any(ref == f"refs/heads/{name}" or ref.startswith(f"refs/heads/{name}/") for ref in taken):
        number += 1
        name = f"{branch_for(version)}-{number}"
    return name


def _withdraw(offers: Iterable[Offered], full_name: str, version: str, clients: Clients) -> None:
    for offer in offers:
        if offer.pull_request:
            clients.github.comment(full_name, offer.pull_request.number, pull_request_text.superseded(version))
            clients.github.update_pull_request(full_name, offer.pull_request.number, state="closed")


class RepositoryTemplate(CustomResource[RepositoryTemplateProperties, Observed, Plan]):
    """Custom::RepositoryTemplate: brings a version of the template into a repository."""

    properties = RepositoryTemplateProperties

    def __init__(self, clients: Clients) -> None:
        """Take the clients."""
        self._clients = clients

    def provisional_id(self, properties: RepositoryTemplateProperties) -> str:
        """Name it before it exists."""
        return f"repository-template-{properties.repository_id}"

    @contextmanager
    def observe(self, request: Request[RepositoryTemplateProperties]) -> Iterator[Observed]:
        """Read the lineage; for another version, fetch the default branch's tip and merge it on this machine."""
        properties = request.properties
        if request.type == "Delete":
            yield Observed()
            return
        with self._clients.git.open(properties.repository, request.started) as git:
            if request.type == "Create" and request.attempt == 0:
                # A new repository is empty: the seed's push finds out, and saves the look before it.
                commit = _import_wanted(git, request, self._clients)
                yield Observed(git, properties.repository, properties.default_branch, commit=commit)
                return
            full_name, refs = _find(git, request, self._clients)
            if request.type == "Create":
                require_no_rival(git, refs, full_name, _wanted(request), self._clients.stacks)
            branch = refs.branch or properties.default_branch
            yield _observed(Observed(git, full_name, branch, refs), git, request, self._clients)

    def plan(self, request: Request[RepositoryTemplateProperties], observed: Observed) -> Plan:  # noqa: PLR0911
        """Decide how the version gets into the repository."""
        if request.type == "Delete":
            return Plan("nothing", "")  # the archive keeps everything
        if request.refusal:
            instead = propose(observed, f"the branch takes no push ({request.refusal})")
            remaining = tuple(offer for offer in instead.withdrawn if offer.untouched)  # the others are closed
            return replace(instead, withdrawn=remaining)
        if observed.tip is None:
            return Plan("seed", "seeded", observed=observed)
        stale = tuple(offer for offer in observed.offered if offer.open)
        if observed.merge is None:
            return _without_merge(request, observed, stale)
        if observed.certain and observed.base is not None and observed.base.tree == observed.tree:
            return Plan("record", "unchanged", observed=observed, withdrawn=stale)
        reason = _reason_for_pull_request(request.properties, observed)
        if not reason:
            return Plan("push", "merged", observed=observed, withdrawn=stale)
        return propose(observed, reason)

    def cost(self, plan: Plan) -> Cost:
        """Return what GitHub counts: a pull request or a comment is a write of 5 points and a piece of content."""
        pull_requests, comments = int(plan.action == "propose"), len(plan.withdrawn)
        return Cost(points=5 * (pull_requests + 2 * comments), creations=pull_requests + comments)

    def apply(
        self, plan: Plan, request: Request[RepositoryTemplateProperties], ensure_current: Callable[[], None]
    ) -> Done | Replan:
        """Push, or push a branch and open a pull request; all refs of a step move together or not at all."""
        if request.type == "Delete":
            return Done()
        observed = plan.observed
        commit, url = observed.refs.tip, plan.pull_request_url
        version = delivered_version(observed.refs.targets) or (observed.delivered.version if observed.delivered else "")
        try:
            if plan.action == "propose":
                url = _propose(plan, request, self._clients, ensure_current)
            elif plan.action != "nothing":
                commit = _push(plan, request, self._clients, ensure_current)
                version = request.properties.template_version
        except RepositoryArchived:
            self._clients.github.update_repository(observed.full_name, archived=False)  # ours: its lineage was read
            return Replan("the repository was archived and is restored")
        except PushRejected as rejected:
            if rejected.stale:
                return Replan(str(rejected))
            if plan.action != "push":
                raise RulesRefuse(repository=observed.full_name, message=rejected) from None
            return Replan(f"the branch takes no push ({rejected})", refusal=str(rejected))
        attributes = {"CommitSha": commit, "TemplateVersion": version, "Status": plan.status, "PullRequestUrl": url}
        return Done(attributes, metrics=_metrics(plan))

    def foresee(self, request: Request[RepositoryTemplateProperties], observed: Observed, plan: Plan) -> Foreseen:
        """Tell how the version would get into the repository, and which files that changes."""
        git, tip, merge = observed.git, observed.tip, observed.merge
        attributes = {
            "CommitSha": tip.sha if tip else "",
            "TemplateVersion": request.properties.template_version,
            "Status": plan.status,
            "PullRequestUrl": plan.pull_request_url,
        }
        effects: Effects = {"action": plan.action, "status": plan.status, "reason": plan.reason}
        part = request.properties.part.removeprefix("model_")
        if not (git and tip and merge and plan.action in ("push", "propose")):
            return Foreseen(attributes, effects, part=part)
        effects["added"], effects["changed"], effects["deleted"] = [], [], []
        effects["conflicts"] = list(merge.conflicts)
        for change in git.changes(tip.tree, merge.tree):
            if change.status == "A":
                effects["added"].append(change.path)
            elif change.status == "D":
                effects["deleted"].append(change.path)
            elif change.path not in merge.conflicts:
                effects["changed"].append(change.path)
        return Foreseen(attributes, effects, part=part, patch=lambda: git.patch(tip.tree, merge.tree))
