"""What the repository is, for the version that is wanted: reads only. Commits that it makes are on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from custom_resources.clients.git import ROBOT, Refs
from custom_resources.delivery import base, pull_request_text
from custom_resources.delivery.base import Traces
from custom_resources.delivery.lineage import (
    TEMPLATE_REF,
    believed,
    delivered_version,
    delivery_in,
    is_delivered,
    proposals_in,
)
from custom_resources.delivery.ownership import require_no_rival
from custom_resources.delivery.state import Empty, Merged, Offered, Place, Same, Waiting, is_ours, physical_id, wanted
from custom_resources.delivery.template_commit import wanted_commit
from custom_resources.errors import NotOurRepository, OtherProjectsRepository, RepositoryGone, RepositoryUnreachable
from custom_resources.named_repository import name_at_creation
from custom_resources.sight import require_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from custom_resources.clients.git import BareRepository
    from custom_resources.clients.github import PullRequest
    from custom_resources.clients.protocols import Clients
    from custom_resources.delivery.lineage import Delivery, Proposal
    from custom_resources.delivery.state import Base, RepositoryTemplateProperties, State
    from custom_resources.reconciler import Request


@contextmanager
def observe(request: Request[RepositoryTemplateProperties], clients: Clients) -> Iterator[State | None]:
    """Yield what the repository is, with its copy on this machine until the block ends; None where nobody need look.

    For another version, that copy gets the default branch's tip and merges it. Raises RepositoryGone,
    RepositoryUnseen, HeldByAnotherStack, NotOurRepository, NotOfItsStack, InvalidTemplate, and what the clients raise.
    """
    properties = request.properties
    if request.type == "Delete":
        yield None  # the archive keeps everything
        return
    name = name_at_creation(request, clients) if request.type == "Create" else properties.repository
    with clients.git.open(name, request.started) as git, ThreadPoolExecutor(1) as aside:
        if request.type == "Create" and request.attempt == 0:
            # A new repository is empty: the seed's push finds out, and saves the look before it.
            seal, nothing = clients.seals.of_repository(properties.repository_id), Refs()
            place = Place(git, name, properties.default_branch, nothing, seal, nothing)
            yield Empty(place, wanted_commit(git, request, clients))
            return
        place = _find(git, name, request, clients)
        if request.type == "Create":
            require_no_rival(git, place.refs, place.full_name, wanted(request), clients.stacks)
        yield _state(place, request, clients, aside)


def _find(git: BareRepository, name: str, request: Request[RepositoryTemplateProperties], clients: Clients) -> Place:
    """Look where the repository was, and, unless its lineage is proven there, ask by its id where it is.

    A proof holds for one id: another repository that stands under the name now has none, unless it is a whole copy.
    """
    properties, refs = request.properties, None
    seal = clients.seals.of_repository(properties.repository_id)

    def place(full_name: str, there: Refs) -> Place:
        found = believed(there.targets, seal, unsealed=_is_known(request))
        refs = Refs(there.branch, found.targets)
        return Place(git, full_name, there.branch or properties.default_branch, refs, seal, there, found.sealed)

    try:
        refs = git.look()
        here = place(name, refs)
        if here.sealed:
            return here
    except RepositoryUnreachable:
        pass
    found = clients.github.repository_by_id(properties.repository_id, name)
    if found is None:
        require_missing(request, name, properties.repository_id, clients.github)
        raise RepositoryGone(repository=name)
    if refs is None or found.full_name.casefold() != name.casefold():
        git.move(found.full_name)
        refs = git.look()
    return place(found.full_name, refs)


def _asked_meanwhile(
    place: Place, request: Request[RepositoryTemplateProperties], clients: Clients, aside: Executor
) -> Callable[[], bool] | None:
    """Ask GitHub whether the recorded commit is in the branch, in a thread, while git fetches the commits.

    A failure comes out where the answer is used: the fetch's own, and what the commits show, come before it
    (docs/decisions/0053).
    """
    there = place.refs[TEMPLATE_REF]
    if not there or request.properties.sync_mode == "Off" or proposals_in(place.refs.targets):
        return None
    contains = partial(clients.github.contains, place.full_name, there, place.refs.tip)
    return aside.submit(copy_context().run, contains).result


def _is_known(request: Request[RepositoryTemplateProperties]) -> bool:
    """Tell whether CloudFormation knows the repository by its id: it was created before, and is updated."""
    return request.type == "Update" and request.physical_id == physical_id(request.properties)


def _fetch(git: BareRepository, refs: Refs) -> None:
    """Fetch all commits that can matter, at once."""
    proposals = proposals_in(refs.targets)
    git.fetch(refs.tip, refs[TEMPLATE_REF], *(sha for proposal in proposals for sha in (proposal.commit, proposal.tip)))


def _state(place: Place, request: Request[RepositoryTemplateProperties], clients: Clients, aside: Executor) -> State:
    """Tell from the refs alone whether there is anything to do; look into the commits only if there is."""
    refs, asked = place.refs, wanted(request)
    if not refs.tip:
        return Empty(place, wanted_commit(place.git, request, clients))
    there, proposals = refs[TEMPLATE_REF], proposals_in(refs.targets)
    waiting = [proposal for proposal in proposals if proposal.commit != there]
    if there and is_delivered(refs.targets, asked) and not waiting:
        return Same(place, there)
    same = next((proposal for proposal in waiting if proposal.key == asked.key), None)
    found = _pull_request(place, same, clients) if same else None
    waits = found and not found.merged and found.base == place.branch
    if found and waits and not _is_unfinished(place, found, [each for each in waiting if each is not same], clients):
        return Waiting(place, delivered_version(refs.targets), found.html_url)
    return _in_commits(place, proposals, request, clients, aside)


def _is_unfinished(place: Place, newest: PullRequest, others: Sequence[Proposal], clients: Clients) -> bool:
    """Tell whether a run ended between opening a pull request and removing those before it. Else there are no others.

    But for the record of a merged one, where that is all that tells of the base.
    """
    older = (_pull_request(place, other, clients) for other in others if newest.state == "open")
    return any(found is not None and not found.merged for found in older)


def _in_commits(
    place: Place,
    proposals: Sequence[Proposal],
    request: Request[RepositoryTemplateProperties],
    clients: Clients,
    aside: Executor,
) -> State:
    git, there, asked = place.git, place.refs[TEMPLATE_REF], wanted(request)
    place = replace(place, in_history=_asked_meanwhile(place, request, clients, aside))
    _fetch(git, place.refs)
    recorded = delivery_in(git.message(there)) if there else None  # what is no commit is no record
    if recorded and not is_ours(recorded, request.properties):
        project = f"{recorded.domain}/{recorded.project} {recorded.part}"
        raise OtherProjectsRepository(repository=place.full_name, project=project)
    tip = git.commit(place.refs.tip)
    readable = [proposal for proposal in proposals if git.message(proposal.commit)]
    if readable:
        repository = clients.github.repository_by_id(request.properties.repository_id, place.full_name)
        place = replace(place, full_name=repository.full_name) if repository else place
    traces = Traces(tip, recorded, tuple(_offered(place, proposal, clients) for proposal in readable))
    if request.properties.sync_mode == "Off":
        return _left_alone(place, traces, asked)
    found = base.find(place, traces, request, clients)
    if found is None:
        if request.type == "Create" and not request.properties.adopt_existing:
            raise NotOurRepository(repository=place.full_name)
        found = base.nothing_delivered(place, tip, request, clients)
    if found.certain and found.delivery and found.delivery.same_content(asked):
        return Same(place, found.commit, traces.offered)
    return _merged(place, traces, found, request, clients)


def _left_alone(place: Place, traces: Traces, asked: Delivery) -> Same | Waiting:
    """Return what the records and merged pull requests say, for a project that takes no updates."""
    newest = base.newest_delivered(traces)
    commit = newest.proposal.commit if newest else place.refs[TEMPLATE_REF]
    there = delivery_in(place.git.message(commit)) if newest else traces.recorded
    if there and there.same_content(asked):
        return Same(place, commit)
    recorded = "" if newest else delivered_version(place.refs.targets)
    return Waiting(place, recorded or (there.version if there else ""))


def _merged(
    place: Place,
    traces: Traces,
    found: Base,
    request: Request[RepositoryTemplateProperties],
    clients: Clients,
) -> Merged:
    """Commit the new version onto the lineage and merge it into the tip, here."""
    git, tip = place.git, traces.tip
    commit = wanted_commit(git, request, clients, found.commit)
    tree = git.commit(commit).tree
    merge = git.merge(found.tree, tip.tree, tree)
    tree = merge.theirs or tree
    changes = tuple(git.changes(found.tree, tree))
    return Merged(place, tip.tree, found, commit, tree, merge, changes, traces.offered)


def _pull_request(place: Place, proposal: Proposal, clients: Clients) -> PullRequest | None:
    """Look up a proposal's pull request, None if it has none.

    The version may have been offered before, from a branch of that name: that one was closed where it ended.
    """
    find = clients.github.find_pull_request
    found = find(place.full_name, proposal.branch, place.branch, pull_request_text.MARK)
    if found is None or found.state == "open" or found.merged or found.head == proposal.tip:
        return found
    place.git.fetch(proposal.tip)
    return None if _is_untouched(place, proposal) else found


def _is_untouched(place: Place, proposal: Proposal) -> bool:
    """Tell whether a proposal's branch is there as we pushed it."""
    if not proposal.tip:
        return False
    tip = place.git.commit(proposal.tip)
    return tip.committer == ROBOT[1] and proposal.commit in (tip.sha, *tip.parents)


def _offered(place: Place, proposal: Proposal, clients: Clients) -> Offered:
    """Look up what became of a proposal's pull request, and whether its branch is still as we pushed it."""
    found, recorded = _pull_request(place, proposal, clients), delivery_in(place.git.message(proposal.commit))
    in_history = clients.github.contains(place.full_name, proposal.commit, place.refs.tip)
    delivered = in_history or _has_landed(place, proposal, found, clients)
    version = recorded.version if recorded else ""
    return Offered(proposal, found, _is_untouched(place, proposal), in_history, delivered, version)


def _has_landed(place: Place, proposal: Proposal, found: PullRequest | None, clients: Clients) -> bool:
    """Tell whether a proposal is in the default branch in the shape that squashing or rebasing gave it."""
    if found is None or not found.merged or not found.landed:
        return False

    def contains(commit: str, tip: str) -> bool:
        return clients.github.contains(place.full_name, commit, tip)

    # Users may add commits before they merge; what they merge without our commit has not delivered it.
    return contains(proposal.commit, found.head) and contains(found.landed, place.refs.tip)
