"""How the version gets into the repository: the only place of decision. Pure.

The same observation is planned again when the server's rules refuse the push: `request.refusal` has its word then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from custom_resources.delivery import commit_text, pull_request_text
from custom_resources.delivery.lineage import (
    BRANCHES,
    TEMPLATE_REF,
    Targets,
    branch_for,
    delivered_version,
    message,
    proposals_in,
    proposed,
    recorded,
)
from custom_resources.delivery.plans import KeepOurs, Leave, MergeCommit, Propose, Push, ThatCommit, attributes
from custom_resources.delivery.pull_request_text import Update
from custom_resources.delivery.state import Empty, Merged, Same, Waiting, wanted
from custom_resources.errors import BranchInTheWay

if TYPE_CHECKING:
    from custom_resources.delivery.plans import Head, Plan, Status
    from custom_resources.delivery.state import Offered, Place, RepositoryTemplateProperties, State
    from custom_resources.reconciler import Request


def plan(request: Request[RepositoryTemplateProperties], state: State | None) -> Plan:
    """Decide how the version gets into the repository. Raises BranchInTheWay."""
    match state:
        case None:
            return Leave()
        case Empty():
            records = recorded(state.place.refs.targets, state.commit, wanted(request), state.place.seal)
            version = request.properties.template_version
            return Push("seed", "seeded", state.place, version, ThatCommit(state.commit), records)
        case Same():
            return _same(request, state)
        case Waiting():
            return _waiting(request, state)
        case Merged():
            return _merged(request, state)


def _same(request: Request[RepositoryTemplateProperties], state: Same) -> Plan:
    """Record that the version is in the branch, unless that is recorded already, or the project takes no updates."""
    refs, asked = state.place.refs, wanted(request)
    record = asked.ref(state.commit, state.place.seal)
    known = refs[TEMPLATE_REF] == state.commit and refs[record] == state.commit and not state.offered
    if known or request.properties.sync_mode == "Off":
        return Leave("unchanged", attributes(refs.tip, asked.version, "unchanged"))
    status: Status = "unchanged" if refs[TEMPLATE_REF] == state.commit else "merged"
    return _record(request, state, state.commit, status)


def _waiting(request: Request[RepositoryTemplateProperties], state: Waiting) -> Plan:
    off = request.properties.sync_mode == "Off"
    status: Status = "off" if off else "pull-request"
    return Leave(status, attributes(state.place.refs.tip, state.version, status, "" if off else state.url))


def _merged(request: Request[RepositoryTemplateProperties], state: Merged) -> Plan:
    base = state.base
    if base.commit and base.certain and base.tree == state.tree:
        # A version with the same files is recorded with the commit that is there: an empty merge would start workflows.
        return _record(request, state, base.commit, "unchanged")
    reason = _reason_for_pull_request(request, state)
    return _proposed(request, state, reason) if reason else _pushed(request, state)


def _record(request: Request[RepositoryTemplateProperties], state: Same | Merged, commit: str, status: Status) -> Push:
    """Move the records only. That of the pull request which delivered the commit stays: squashed or rebased, only
    the pull request tells."""
    place, asked = state.place, wanted(request)
    records = _settled(state.offered, kept=commit) | recorded(place.refs.targets, commit, asked, place.seal)
    tip = ThatCommit(place.refs.tip)
    return Push("record", status, place, asked.version, tip, records, _open(state.offered))


def _pushed(request: Request[RepositoryTemplateProperties], state: Merged) -> Push:
    place, asked = state.place, wanted(request)
    records = _settled(state.offered) | recorded(place.refs.targets, state.commit, asked, place.seal)
    head = _merge_commit(request, state)
    return Push("push", "merged", place, asked.version, head, records, _open(state.offered))


def _reason_for_pull_request(
    request: Request[RepositoryTemplateProperties], state: Merged, *, named: bool = False
) -> str:
    """Return why the merge must not be pushed, for people; "" if it may. `named`: with the names of files."""
    reasons = [_first_reason(request, state), *pull_request_text.unasked(state.merge, named=named)]
    return ", and because ".join(filter(None, reasons))


def _first_reason(request: Request[RepositoryTemplateProperties], state: Merged) -> str:
    if not state.merge.clean and not state.merge.conflicts:
        return "git could not decide where some of the template's files belong in this repository"
    if not state.merge.clean:
        return "the template and this repository changed the same places"
    if request.properties.sync_mode == "PullRequest":
        return "the project's SyncMode is PullRequest"
    if not state.base.certain:
        return f"the history of `{state.place.branch}` does not show which template version it contains"
    if request.refusal:
        return pull_request_text.refused(state.place.branch, request.refusal)
    return ""


def _proposed(request: Request[RepositoryTemplateProperties], state: Merged, reason: str) -> Propose:
    """Return the plan of a pull request: one of the same version that nobody has worked on is updated in place."""
    place, base, asked = state.place, state.base, wanted(request)
    renewed = _renewable(request, state)
    superseded = tuple(offer for offer in _open(state.offered) if offer is not renewed)
    # After a refused push those that users worked on are closed already.
    withdrawn = tuple(offer for offer in superseded if offer.branch_goes or not request.refusal)
    records = _settled((offer for offer in state.offered if offer not in superseded), kept=base.commit)
    branch = renewed.proposal.branch if renewed else _free_branch(place, records, asked.version)
    if base.delivery and base.certain:
        records |= recorded(place.refs.targets, base.commit, base.delivery, place.seal)
    records[proposed(branch, asked, state.commit, request.started, place.seal).ref] = state.commit
    head = _proposed_head(request, state)
    return Propose(
        place,
        reason,
        branch,
        head,
        records,
        _title(asked.version),
        _text(request, state, branch, kept=isinstance(head, KeepOurs)),
        attributes(place.refs.tip, _version_there(state), "pull-request"),
        renewed,
        withdrawn,
        _settled(superseded, kept=base.commit),
        0 if renewed and renewed.pull_request else request.properties.addressing,
    )


def _version_there(state: Merged) -> str:
    """Return the version that is in the branch: a merged pull request's is recorded only now."""
    base, there = state.base, delivered_version(state.place.refs.targets)
    return base.delivery.version if base.delivery and (base.certain or not there) else there


def _renewable(request: Request[RepositoryTemplateProperties], state: Merged) -> Offered | None:
    """Return the proposal to update in place: one of the same version that nobody has worked on.

    One without a pull request was pushed by a run that got no further; one into a former default branch is closed.
    """

    def is_usable(offer: Offered) -> bool:
        pull, version = offer.pull_request, request.properties.template_version
        here = pull is None or (offer.open and pull.base == state.place.branch)
        return offer.untouched and offer.version == version and here

    return next(filter(is_usable, state.offered), None)


def _proposed_head(request: Request[RepositoryTemplateProperties], state: Merged) -> Head:
    """Decide how the pull request's branch is made."""
    merge, base = state.merge, state.base
    if not merge.conflicts and not merge.lost:  # also where git is not sure: there is nothing in the files to resolve
        return _merge_commit(request, state)
    if base.in_history and not merge.lost and not merge.ignored:
        # The conflict is left to be seen as one: the branch is the template's own commit, GitHub asks to resolve it.
        return ThatCommit(state.commit)
    # Without the base in the history, git would merge from an older one, and bring back what users have removed
    # since: offer what merges, with the user's side of the rest. So where git's own merge would lose what users wrote,
    # or bring what they keep from the template.
    parents, text = (state.place.refs.tip, state.commit), _merge_message(request, state)
    return KeepOurs(merge, base.tree, state.tip_tree, state.tree, parents, text)


def _merge_commit(request: Request[RepositoryTemplateProperties], state: Merged) -> MergeCommit:
    return MergeCommit(state.merge.tree, (state.place.refs.tip, state.commit), _merge_message(request, state))


def _merge_message(request: Request[RepositoryTemplateProperties], state: Merged) -> str:
    text = commit_text.body(request.properties.template_notes, state.changes, state.merge)
    return message(_title(request.properties.template_version), wanted(request), state.place.seal, text)


def _title(version: str) -> str:
    return f"Update the template to {version}"


def _text(request: Request[RepositoryTemplateProperties], state: Merged, branch: str, kept: bool) -> Update:
    return Update(
        version=request.properties.template_version,
        source=request.properties.template_source,
        branch=branch,
        default_branch=state.place.branch,
        reason=_reason_for_pull_request(request, state, named=True),
        changes=state.changes,
        conflicts=(*state.merge.conflicts, *state.merge.lost),
        explanation=state.merge.messages,
        notes=request.properties.template_notes,
        answer=request.refusal,
        clean=state.merge.clean and not state.merge.lost,
        kept=kept,
        lines=state.merge.lines,
        ignored=state.merge.ignored,
        absent=state.merge.absent,
        alike=state.merge.alike,
        filtered=state.merge.filtered,
    )


def _open(offered: Iterable[Offered]) -> tuple[Offered, ...]:
    return tuple(offer for offer in offered if offer.open)


def _settled(offered: Iterable[Offered], kept: str = "") -> Targets:
    """Return the refs without what pull requests needed; branches that users have worked on are kept.

    `kept` is the template commit whose record stays, "" = none.
    """
    targets: Targets = {}
    for offer in offered:
        if not kept or offer.proposal.commit != kept:
            targets[offer.proposal.ref] = ""
        if offer.branch_goes:
            targets[f"refs/heads/{offer.proposal.branch}"] = ""
    return targets


def _free_branch(place: Place, settled: Targets, version: str) -> str:
    """Return the version's branch name, numbered when users have a branch of that name, or below it.

    A proposal whose record stays keeps its name, too: by the branch's name its pull request is found.
    """
    if place.refs[BRANCHES.rstrip("/")]:
        raise BranchInTheWay(repository=place.full_name, branch=branch_for(version))
    kept = (proposal for proposal in proposals_in(place.refs.targets) if proposal.ref not in settled)
    there = {ref for ref in place.refs.below(BRANCHES) if ref not in settled}
    there |= {f"refs/heads/{proposal.branch}" for proposal in kept}
    taken = {branch for ref in there for branch in _with_folders(ref.removeprefix("refs/heads/"))}
    name, number = branch_for(version), 1
    while name in taken:
        number += 1
        name = f"{branch_for(version)}-{number}"
    return name


def _with_folders(branch: str) -> Iterator[str]:
    """Yield a branch's name and those of the folders that it is in, which no branch can have."""
    parts = branch.split("/")
    return ("/".join(parts[:count]) for count in range(2, len(parts) + 1))
