"""Does what a plan says, and nothing else: all refs of a step move together or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from custom_resources.clients.git import PushRejected, RepositoryArchived
from custom_resources.delivery import pull_request_text
from custom_resources.delivery.lineage import delivered_version
from custom_resources.delivery.plans import KeepOurs, Leave, MergeCommit, Propose, Push, attributes
from custom_resources.errors import PullRequestsOff, RulesRefuse
from custom_resources.reconciler import Done, Replan
from custom_resources.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.git import BareRepository
    from custom_resources.clients.protocols import Clients
    from custom_resources.delivery.lineage import Targets
    from custom_resources.delivery.plans import Head, Plan
    from custom_resources.delivery.state import Offered, Place, RepositoryTemplateProperties
    from custom_resources.reconciler import Request


_LEFT_BEHIND, _COMMENTED, _CLOSED = "left behind", "commented", "closed"  # steps
_OPENED, _ADDRESSED = "opened", "addressed"


def apply(
    plan: Plan, request: Request[RepositoryTemplateProperties], clients: Clients, ensure_current: Callable[[], None]
) -> Done | Replan:
    """Push, or push a branch and open a pull request.

    Returns Replan when a ref has moved on, a launch finds the repository archived (it is restored: its lineage was
    read, so it is ours), or a rule refuses a push that can be replaced. Raises RulesRefuse when no other way is left,
    and PullRequestsOff.
    """
    _tell_left_behind(request, clients)
    _address_opened(request, clients)
    if isinstance(plan, Leave):
        return Done(plan.attributes)
    try:
        if isinstance(plan, Push):
            return _push(plan, request, clients, ensure_current)
        return _propose(plan, request, clients, ensure_current)
    except RepositoryArchived:
        return _archived(plan.place, request, clients)
    except PushRejected as rejected:
        if rejected.stale:
            return Replan(str(rejected))
        if plan.replaceable:
            return Replan("the branch takes no push", refusal=str(rejected))
        raise RulesRefuse(repository=plan.place.full_name, message=rejected) from None


def _archived(place: Place, request: Request[RepositoryTemplateProperties], clients: Clients) -> Done | Replan:
    """Restore what a launch finds archived. An update leaves it: its owners archived it (docs/decisions/0126)."""
    if request.type == "Create":
        clients.github.update_repository(place.full_name, archived=False)
        return Replan("the repository was archived and is restored")
    logger.warning("the repository is archived: nothing was changed", repository=place.full_name)
    return Done(attributes(place.refs.tip, delivered_version(place.refs.targets), "archived"))


def _push(
    plan: Push, request: Request[RepositoryTemplateProperties], clients: Clients, ensure_current: Callable[[], None]
) -> Done:
    place = plan.place
    tip, _ = _made(place.git, plan.head, ())
    ensure_current()
    said = pull_request_text.superseded(plan.version)
    _withdraw(plan.worked_on, place.full_name, said, request, clients)
    place.git.push(place.there, {**plan.records, f"refs/heads/{place.branch}": tip})
    for offer in plan.left_behind:  # with the branches, the records of them went: a later call knows them by this
        if offer.pull_request:
            request.progress.note(_LEFT_BEHIND, str(offer.pull_request.number), place.full_name)
    _tell_left_behind(request, clients)
    return Done(attributes(tip, plan.version, plan.status), metrics=plan.metrics)


def _propose(
    plan: Propose,
    request: Request[RepositoryTemplateProperties],
    clients: Clients,
    ensure_current: Callable[[], None],
) -> Done | Replan:
    place = plan.place
    repository = clients.github.repository_by_id(request.properties.repository_id, place.full_name)
    full_name = repository.full_name if repository else place.full_name
    if repository and repository.pull_requests_off:  # before anything is pushed
        raise PullRequestsOff(repository=full_name)
    head, conflicts = _made(place.git, plan.head, plan.text.conflicts)
    body = pull_request_text.body(replace(plan.text, conflicts=conflicts))
    ensure_current()
    pull = plan.renewed.pull_request if plan.renewed else None
    if pull:  # its text first: the push is what says that all is done
        now = clients.github.update_pull_request(full_name, pull.number, title=plan.title, body=body)
        if now.state != "open":  # closed since it was listed, or a replica still listed it as open
            return Replan(f"pull request {pull.number} was closed meanwhile")
    place.git.push(place.there, {**plan.records, f"refs/heads/{plan.branch}": head})
    if not pull:
        pull = clients.github.create_pull_request(full_name, plan.branch, place.branch, plan.title, body)
        if plan.addressed:
            request.progress.note(_OPENED, str(pull.number), full_name)
            _address_opened(request, clients)
    # Those before it go last: a run that ends in between leaves them recorded, and the next one closes them.
    said = pull_request_text.superseded(request.properties.template_version, pull.number)
    _withdraw(plan.withdrawn, full_name, said, request, clients)
    if plan.left_over:
        _remove(place, plan.left_over)
    return Done({**plan.attributes, "PullRequestUrl": pull.html_url}, metrics=plan.metrics)


def _made(git: BareRepository, head: Head, conflicts: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """Make the commit that a head describes; return its name and the paths that conflict, where that shows only now."""
    if isinstance(head, MergeCommit):
        return git.commit_tree(head.tree, head.parents, head.message), tuple(conflicts)
    if isinstance(head, KeepOurs):
        tree, kept = git.keep_ours(head.merge, head.base_tree, head.ours_tree, head.theirs_tree)
        return git.commit_tree(tree, head.parents, head.message), kept
    return head.sha, tuple(conflicts)


def _remove(place: Place, left_over: Targets) -> None:
    """Remove refs; only their records, which no rule of a branch is about, where one keeps the branches."""
    try:
        place.git.push(place.there, left_over)
    except PushRejected as rejected:
        if rejected.stale:
            raise
        place.git.push(place.there, {ref: "" for ref in left_over if not ref.startswith("refs/heads/")})


def _withdraw(
    offers: Iterable[Offered],
    full_name: str,
    said: str,
    request: Request[RepositoryTemplateProperties],
    clients: Clients,
) -> None:
    for offer in offers:
        if offer.pull_request:
            _supersede(offer.pull_request.number, full_name, said, request, clients)


def _tell_left_behind(request: Request[RepositoryTemplateProperties], clients: Clients) -> None:
    """Say of the pull requests whose branches a push has taken away, perhaps an earlier call's, why they are closed."""
    said = pull_request_text.superseded(request.properties.template_version)
    for number, full_name in request.progress.done(_LEFT_BEHIND).items():
        _supersede(int(number), full_name, said, request, clients)


def _address_opened(request: Request[RepositoryTemplateProperties], clients: Clients) -> None:
    """Put labels, assignees and reviewers on the pull requests that this request opened, perhaps in an earlier call."""
    for number, full_name in request.progress.done(_OPENED).items():
        if request.progress.told(_ADDRESSED, number) is None:
            p = request.properties
            whom = (p.pull_request_labels, p.pull_request_assignees, p.pull_request_reviewers)
            refused = clients.github.address_pull_request(full_name, int(number), whom)
            request.progress.note(_ADDRESSED, number)
            if refused:
                logger.warning("not all of the pull request's labels, assignees and reviewers", refused=refused)


def _supersede(
    number: int, full_name: str, said: str, request: Request[RepositoryTemplateProperties], clients: Clients
) -> None:
    """Comment on a pull request and close it, each once in a request."""
    progress = request.progress
    if progress.told(_COMMENTED, str(number)) is None:
        clients.github.comment(full_name, number, said)
        progress.note(_COMMENTED, str(number))
    if progress.told(_CLOSED, str(number)) is None:
        clients.github.update_pull_request(full_name, number, state="closed")
        progress.note(_CLOSED, str(number))
