"""Custom::GitHubRepository: a project's repository exists, is the project's, and is not archived."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from custom_resources import consent as consents
from custom_resources.clients.git import Refs
from custom_resources.consent import Known, Reading
from custom_resources.delivery.leaving import offered, refs_left, remove_refs
from custom_resources.delivery.lineage import Delivery, believed
from custom_resources.delivery.ownership import claims, held_delivery, rival, take
from custom_resources.errors import (
    NothingForeseen,
    RepositoryHidden,
    RepositoryInvisible,
    RepositoryUnreachable,
)
from custom_resources.named_repository import name_proof
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import CustomResource, Done, Effects, Foreseen, Replan, Request
from custom_resources.repository_plan import (
    NO_SECRET,
    NO_VARIABLE,
    GitHubRepositoryProperties,
    Observed,
    Plan,
    adoptable,
    belongs,
    decided,
    is_anothers,
    under,
    wants_another_name,
)
from custom_resources.sight import left, require_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from custom_resources.clients.github import Repository
    from custom_resources.clients.protocols import Clients
    from custom_resources.errors import FinalError

_CREATED = "created"  # a step
_FIRST_CALL = 5  # seconds: what the preflight saw is true no longer
_STATUS = {"create": "created", "adopt": "adopted", "restore": "restored", "keep": "kept", "leave": "archived"}


def _with_lineage(found: Repository, request: Request[GitHubRepositoryProperties], clients: Clients) -> Observed:
    """Read what is proven, and ask CloudFormation for the stack that holds the repository if it is another.

    Where somebody else's repository is to be adopted, read its consent as well, and where an adopted one ends.
    """
    properties = request.properties
    known = Known.of(request.physical_id) if request.attested else Known()
    seal = clients.seals.of_repository(found.id)
    consent, left = Reading(), dict[str, str]()
    offers: list[Delivery] = []
    try:
        with clients.git.open(found.full_name) as git:
            there = git.look()
            proven = believed(there.targets, seal, unsealed=known.id == found.id)
            refs = Refs(targets=proven.targets)
            delivery = held_delivery(git, refs, sealed=proven.sealed)
            if request.type == "Delete" and known.existed:
                left, offers = refs_left(git, refs, there), [] if delivery else offered(git, refs)
            elif request.type == "Create" and delivery is None and adoptable(properties, found):
                consent = consents.read(found, git, there, request, clients)
    except RepositoryUnreachable:
        if request.type == "Delete":
            raise RepositoryHidden(repository=found.full_name) from None
        raise
    ours = [each for each in (delivery, *offers) if each and belongs(each, properties)]
    holders = (rival(each, request.stack_id, clients.stacks) for each in ours if proven.sealed)
    other = next(filter(None, holders), "")
    if known.adopted and not other:
        consent = consents.stated(found.full_name, properties, clients)
    stack = partial(clients.seals.of_stack, request.stack_id, properties.full_name)
    mark = properties.owner.proven_by(found.description, seal, stack)
    return Observed(found, delivery, not there.branch, claims(refs.targets, there), other, consent, left, mark)


class GitHubRepository(CustomResource[GitHubRepositoryProperties, Observed, Plan]):
    """Custom::GitHubRepository: creates, adopts, restores and archives a repository."""

    properties = GitHubRepositoryProperties
    writes_github_alone = True

    def __init__(self, clients: Clients) -> None:
        """Take the clients."""
        self._clients = clients

    def provisional_id(self, properties: GitHubRepositoryProperties) -> str:
        """Name it before it exists."""
        return properties.full_name

    def preflight(self, request: Request[GitHubRepositoryProperties]) -> Mapping[str, str]:
        """Find out about a token that GitHub rejects, or that lacks a scope, while nothing has been accepted yet."""
        if request.type != "Create":
            return {}
        self._clients.allowances.require(request.properties, None)
        return {"Absent": "" if self._clients.github.find_repository(request.properties.full_name) else "true"}

    @contextmanager
    def observe(self, request: Request[GitHubRepositoryProperties]) -> Iterator[Observed]:
        """Find the repository by its id where we know it, else by name; read whose it is when that is in doubt."""
        properties, known = request.properties, Known.of(request.physical_id)
        if known.id:
            found = self._clients.github.repository_by_id(known.id, properties.full_name)
            if found is None:
                require_missing(request, properties.full_name, known.id, self._clients.github)
            to_archive = request.type == "Delete" and found is not None and not found.archived
            if found and to_archive:
                yield _with_lineage(found, request, self._clients)
                return
            renamed = request.type == "Update" and found and wants_another_name(request, found)
            named = self._clients.github.find_repository(properties.full_name) if renamed else None
            yield Observed(found, named=named)
            return
        absent = request.noted.get("Absent") and request.attempt == 0 and request.age < _FIRST_CALL
        if absent and not request.progress.done(_CREATED):
            yield Observed(None)  # creating it finds out whether that is still so
            return
        yield self._by_name(request)

    def _by_name(self, request: Request[GitHubRepositoryProperties]) -> Observed:
        """Look for the repository under its name; where that leads to somebody else's, under the alternative."""
        properties, github = request.properties, self._clients.github
        found = github.find_repository(properties.full_name)
        observed = _with_lineage(found, request, self._clients) if found else Observed(None)
        made = found is None and bool(properties.alternative_name) and bool(request.progress.done(_CREATED))
        if made or is_anothers(properties, observed):  # made under it by an earlier call of this request
            other = under(properties.alternative_name, request)
            found = github.find_repository(other.properties.full_name)
            observed = _with_lineage(found, other, self._clients) if found else Observed(None)
            observed = replace(observed, name=properties.alternative_name)
        if observed.repository is None and request.type == "Delete":  # its Create may have ended after it was made
            require_missing(request, under(observed.name, request).properties.full_name, 0, github)
        return observed

    def left(self, request: Request[GitHubRepositoryProperties], failed: FinalError) -> FinalError:
        """Name the repository that a Delete could not archive for want of a right or of a token."""
        return left(request.properties.full_name, Known.of(request.physical_id).id, failed)

    def plan(self, request: Request[GitHubRepositoryProperties], observed: Observed) -> Plan:
        """Decide; refuse a repository that is not this project's before anything is touched (repository_plan.py)."""
        return replace(decided(request, observed, self._clients.allowances), name=observed.name)

    def cost(self, plan: Plan) -> Cost:
        """Return what GitHub counts: a write is 5 points, a new repository also a piece of content."""
        writes = (plan.action in ("create", "archive", "restore")) + bool(plan.changes) + (plan.topics is not None)
        writes += plan.marked
        removed = len(plan.secrets_removed) + len(plan.variables_removed)
        return Cost(points=5 * (writes + removed + bool(plan.refs_removed)), creations=int(plan.action == "create"))

    def apply(
        self, plan: Plan, request: Request[GitHubRepositoryProperties], ensure_current: Callable[[], None]
    ) -> Done | Replan:
        """Do it. The id becomes the physical id; until then it is the name (see interfaces.md)."""
        request = under(plan.name, request)
        properties = request.properties
        repository = self._written(plan, request)
        if isinstance(repository, Replan):
            return repository
        if repository is None or plan.action in ("archive", "release"):
            return Done(metrics=("Archived",) if plan.action == "archive" else ())
        if plan.claim:
            seal = self._clients.seals.of_repository(repository.id)
            faster = take(plan.claim, repository.full_name, self._clients.git, seal, request.started)
            if faster:
                return faster
        if plan.topics is not None:
            self._clients.github.replace_topics(repository.full_name, plan.topics)
        branch = properties.default_branch if plan.empty else repository.default_branch
        created = request.progress.told(_CREATED, str(repository.id)) is not None  # also by an earlier call
        attributes = self._attributes(
            repository, branch, _STATUS["create" if created else plan.action], request.stack_id
        )
        known = Known.of(request.physical_id).id
        id_ = request.physical_id if known else consents.physical_id(repository, plan.consent)
        return Done(attributes, physical_id=id_)

    def _written(self, plan: Plan, request: Request[GitHubRepositoryProperties]) -> Repository | Replan | None:
        """Create, archive, restore or change the repository; return it as it is then."""
        github, repository = self._clients.github, plan.repository
        if plan.action == "create":
            return self._created(request)
        if repository is None or plan.action in ("nothing", "adopt", "leave"):
            return repository
        if plan.action in ("archive", "release"):
            noting = request.progress.noting
            github.delete_secrets(repository.full_name, plan.secrets_removed, noting(NO_SECRET))
            github.delete_variables(repository.full_name, plan.variables_removed, noting(NO_VARIABLE))
            if plan.refs_removed:
                remove_refs(plan.refs_removed, repository.full_name, self._clients.git)
        if plan.action == "archive":
            if plan.marked:  # before the archive, which takes no other change
                seal = self._clients.seals.of_repository(repository.id)
                github.update_repository(repository.full_name, description=request.properties.description(seal))
            return github.update_repository(repository.full_name, archived=True)
        if plan.action == "release":
            return repository
        if plan.action == "restore":  # an archived repository takes no other change
            repository = github.update_repository(repository.full_name, archived=False)
        if plan.changes:
            return github.update_repository(repository.full_name, **plan.changes)
        return repository

    def _created(self, request: Request[GitHubRepositoryProperties]) -> Repository | Replan:
        properties = request.properties
        seal = self._clients.seals.of_stack(request.stack_id, properties.full_name)
        created = self._clients.github.create_repository(
            properties.organization, properties.name, properties.description(seal), properties.visibility
        )
        if created is None and request.attempt:  # looked up since it was found to be taken, and not seen
            invisible = RepositoryInvisible(repository=properties.full_name)
            # An earlier call may have created it.
            invisible.may_be_lag = request.age >= _FIRST_CALL or bool(request.progress.done(_CREATED))
            raise invisible
        if created is None:
            return Replan(f"{properties.full_name} appeared meanwhile")
        request.progress.note(_CREATED, str(created.id))
        return created

    def foresee(self, request: Request[GitHubRepositoryProperties], observed: Observed, plan: Plan) -> Foreseen:
        """Tell which settings would change. Raises NothingForeseen where the repository would be created."""
        found, part = observed.repository, request.properties.part.removeprefix("model_")
        if found is None:
            raise NothingForeseen
        effects: Effects = {
            "repository": found.full_name,
            "settings": [f"{key} = {value}" for key, value in plan.changes.items()],
        }
        attributes = self._attributes(found, found.default_branch, "kept", request.stack_id)
        return Foreseen(attributes, effects, part=part)

    def _attributes(self, found: Repository, default_branch: str, status: str, stack_id: str) -> dict[str, str]:
        seal = self._clients.seals.of_repository(found.id)
        return {
            "RepositoryId": str(found.id),
            "FullName": found.full_name,
            "Name": found.name,
            "HtmlUrl": found.html_url,
            "CloneUrl": found.clone_url,
            "DefaultBranch": default_branch,
            "Status": status,
            "NameProof": name_proof(seal, found.full_name, stack_id),
        }
