"""Which template version is really in the default branch: the base of the merge.

Nothing is taken for granted: a forced push may have taken out what was delivered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from custom_resources.clients.git import ROBOT, ZERO
from custom_resources.delivery.lineage import TEMPLATE_REF, TRACE, delivery_in, is_proven, trace_in
from custom_resources.delivery.state import Base, Place, is_ours
from custom_resources.delivery.template_commit import commit_of
from custom_resources.errors import FinalError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custom_resources.clients.git import Commit
    from custom_resources.clients.protocols import Clients
    from custom_resources.delivery.lineage import Delivery
    from custom_resources.delivery.state import Offered, RepositoryTemplateProperties
    from custom_resources.reconciler import Request


@dataclass(frozen=True)
class Traces:
    """What a repository tells of deliveries: the branch's tip, what TEMPLATE_REF's commit delivers, the proposals."""

    tip: Commit
    recorded: Delivery | None
    offered: tuple[Offered, ...]


def find(place: Place, traces: Traces, request: Request[RepositoryTemplateProperties], clients: Clients) -> Base | None:
    """Return the base, or None where nothing was delivered.

    One request tells whether the recorded commit is in the branch; if it is not, the whole history is read.
    """
    there = place.refs[TEMPLATE_REF]
    newest = newest_delivered(traces)
    if newest:
        return _base(place.git.commit(newest.proposal.commit), in_history=newest.in_history)
    if traces.recorded and _is_in_history(place, traces.tip, clients):
        return _base(place.git.commit(there), in_history=True)
    return _recovered(place, traces, request, clients)


def newest_delivered(traces: Traces) -> Offered | None:
    """Return the newest of the proposals that are in the branch."""
    delivered = (offer for offer in traces.offered if offer.delivered)
    return max(delivered, key=lambda offer: offer.pull_request.number if offer.pull_request else 0, default=None)


def nothing_delivered(
    place: Place, tip: Commit, request: Request[RepositoryTemplateProperties], clients: Clients
) -> Base:
    """Return the base of a repository without any trace of the template: certain where it is being adopted."""
    tree = tip.tree if _is_auto_init(place, tip, clients) else place.git.empty_tree()
    return Base("", tree, certain=request.type == "Create")


def _is_in_history(place: Place, tip: Commit, clients: Clients) -> bool:
    """Tell whether the recorded commit is in the branch. Raises what the request for it raised, now or before."""
    if place.in_history:
        return place.in_history()
    return clients.github.contains(place.full_name, place.refs[TEMPLATE_REF], tip.sha)


def _base(commit: Commit, *, certain: bool = True, in_history: bool) -> Base:
    return Base(commit.sha, commit.tree, delivery_in(commit.message), certain, in_history)


def _recovered(
    place: Place, traces: Traces, request: Request[RepositoryTemplateProperties], clients: Clients
) -> Base | None:
    """Find the base in the default branch's whole history: its ref was deleted, or the history rewritten.

    Commits there that prove to be ours are certain where their content is what they say. Trailers in a commit that is
    not ours (squashed, rebased, rewritten) say that more was delivered than these show: then the base is not certain.
    Nor is it where another version was delivered last, by what is recorded here or, if nothing is, by what the stack
    had, and may be in the branch without its commit.
    """
    git, tip, recorded = place.git, traces.tip, traces.recorded
    git.fetch_history(tip.sha)
    ours = [commit for commit in git.history(tip.sha, TRACE) if is_ours(trace_in(commit.message), request.properties)]
    newest = _heads_of_lineage(ours, place)
    delivery = delivery_in(newest[0].message) if newest else None
    if delivery is None:
        return _base(git.commit(place.refs[TEMPLATE_REF]), certain=False, in_history=False) if recorded else None
    alone = len(newest) == 1 and all(commit.committer == ROBOT[1] for commit in ours)
    if recorded:
        last = _is_out(place, tip, newest[0])
    else:
        last = request.old is not None and request.old.template_archive == delivery.archive
    published = _published(place, delivery, clients)
    if published and published.tree != newest[0].tree:
        return _base(published, certain=False, in_history=False)
    return _base(newest[0], certain=published is not None and alone and last, in_history=True)


def _heads_of_lineage(ours: Sequence[Commit], place: Place) -> list[Commit]:
    """Return the template commits with their proof that no other one follows, newest first."""
    template = [
        commit
        for commit in ours
        if commit.committer == ROBOT[1]
        and len(commit.parents) < 2
        and is_proven(commit.message, place.seal, unsealed=not place.sealed)
    ]
    parents = {parent for commit in template for parent in commit.parents}
    return [commit for commit in template if commit.sha not in parents]


def _is_out(place: Place, tip: Commit, older: Commit) -> bool:
    """Tell whether nothing of the recorded delivery, whose commit is not in the branch, is in its files.

    That is so after a forced push to a commit before it; after a squash of the whole history its files are still there.
    """
    git = place.git
    there, files = git.commit(place.refs[TEMPLATE_REF]), git.entries(tip.tree)
    return all(files.get(change.path, ZERO) != change.new_blob for change in git.changes(older.tree, there.tree))


def _published(place: Place, delivery: Delivery, clients: Clients) -> Commit | None:
    """Return a commit of what was published for a delivery: who rewrites a history may keep all but the content."""
    try:
        return place.git.commit(commit_of(place.git, delivery, clients, place.seal))
    except FinalError:  # no such archive, or nothing in it for this folder
        return None


def _is_auto_init(place: Place, tip: Commit, clients: Clients) -> bool:
    """Tell whether the repository holds only the README that GitHub wrote when creating it: name and description."""
    entries = place.git.entries(tip.tree)
    if tip.parents or set(entries) != {"README.md"}:
        return False
    text = place.git.blob(entries["README.md"]).decode("utf-8", "replace")
    title, *more = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    if title != f"# {place.full_name.partition('/')[2]}":
        return False
    if not more:
        return True
    found = clients.github.find_repository(place.full_name)
    return found is not None and more == [found.description.strip()]
