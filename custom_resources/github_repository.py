"""Custom::GitHubRepository: a project's repository exists, is the project's, and is not archived."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from custom_resources import consent as consents
from custom_resources.clients.git import Refs
from custom_resources.consent import Consent, Known, Reading
from custom_resources.delivery.leaving import offered, refs_left, remove_refs
from custom_resources.delivery.lineage import Delivery, believed
from custom_resources.delivery.marks import Owner, Proven
from custom_resources.delivery.ownership import Claim, claims, held_delivery, refusal, rival, take
from custom_resources.errors import (
    InternalInUserAccount,
    NothingForeseen,
    OrganizationChanged,
    RepositoryAdoptable,
    RepositoryHidden,
    RepositoryInvisible,
    RepositoryNameTaken,
    RepositoryNotActive,
    RepositoryOfALaunch,
    RepositoryUnreachable,
)
from custom_resources.named_repository import name_proof
from custom_resources.properties import BranchName, Line, LineOrNothing, Properties
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import CustomResource, Done, Effects, Foreseen, Replan, Request
from custom_resources.repository_topics import merged_topics
from custom_resources.sight import left, require_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from custom_resources.clients.github import Repository
    from custom_resources.clients.protocols import Clients
    from custom_resources.errors import FinalError
    from custom_resources.seal import Seal

_DESCRIPTION = 350  # characters that GitHub takes
_CREATED, _NO_SECRET, _NO_VARIABLE = "created", "no secret", "no variable"  # steps
_FIRST_CALL = 5  # seconds: what the preflight saw is true no longer
_PARTS = {"model_build": "Model build", "model_deploy": "Model deployment"}


class GitHubRepositoryProperties(Properties):
    """Desired state."""

    organization: str = Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\Z")
    name: str = Field(pattern=r"^(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}\Z")
    part: Literal["model_build", "model_deploy"]
    domain_id: Line
    project_id: Line
    project_name: LineOrNothing = ""
    visibility: Literal["private", "internal", "public"] = "private"
    topics: list[str] = Field(default_factory=list)
    adopt_existing: bool = False
    connected_repository: LineOrNothing = ""  # which Studio's Git connection names, with its organization
    connected_since: LineOrNothing = ""  # when Studio began to set the project's tooling up (ISO 8601)
    connection_proof: LineOrNothing = ""  # that Custom::StudioProject of this stack has put both out
    default_branch: BranchName = "main"
    # What the stack sets in it. At the stack's end, secrets with values of references are removed in any case, the
    # others and the variables where the repository is not archived.
    secret_reference_names: list[str] = Field(default_factory=list)
    secret_names: list[str] = Field(default_factory=list)
    variable_names: list[str] = Field(default_factory=list)

    @property
    def full_name(self) -> str:
        """The repository's name with its organization."""
        return f"{self.organization}/{self.name}"

    @property
    def owner(self) -> Owner:
        """Whose the repository is."""
        return Owner(self.domain_id, self.project_id, self.part)

    def description(self, seal: Seal) -> str:
        """What GitHub shows below the name."""
        name, mark = self.project_name or self.project_id, self.owner.mark(seal)
        text = f"{_PARTS[self.part]} repository of the SageMaker Unified Studio project {name}"
        return f"{text[: max(0, _DESCRIPTION - 1 - len(mark))]} {mark}".strip()


@dataclass(frozen=True)
class Observed:
    """The repository found, and the delivery that its lineage proves, with the stack that holds the repository."""

    repository: Repository | None
    delivery: Delivery | None = None
    empty: bool = False
    claim: Mapping[str, str] = field(default_factory=dict)  # the refs that say which stack took it over
    rival: str = ""  # another stack that holds the repository and still exists
    consent: Reading = field(default_factory=Reading)  # where a repository is to be adopted, or an adopted one ends
    left: Mapping[str, str] = field(default_factory=dict)  # refs of ours in an adopted repository that ends
    mark: Proven = ""


Action = Literal["create", "adopt", "restore", "keep", "archive", "release", "nothing"]
_STATUS = {"create": "created", "adopt": "adopted", "restore": "restored", "keep": "kept"}


@dataclass(frozen=True)
class Plan:
    """What to do with which repository; `changes` are settings to patch."""

    action: Action
    repository: Repository | None = None
    changes: Mapping[str, str | bool] = field(default_factory=dict)
    topics: tuple[str, ...] | None = None  # all that it shall have; None leaves them
    empty: bool = False
    claim: Claim | None = None
    secrets_removed: tuple[str, ...] = ()
    variables_removed: tuple[str, ...] = ()
    refs_removed: Mapping[str, str] = field(default_factory=dict)  # with where they point to
    consent: Consent | None = None
    marked: bool = False  # its description shall prove to the next launch whose it is


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
            refs = Refs(there.branch, proven.targets)
            delivery = held_delivery(git, refs, sealed=proven.sealed)
            if request.type == "Delete" and known.existed:
                left, offers = refs_left(git, refs, there), [] if delivery else offered(git, refs)
            elif request.type == "Create" and delivery is None and _adoptable(properties, found):
                consent = consents.read(found, git, there, request, clients)
    except RepositoryUnreachable:
        if request.type == "Delete":
            raise RepositoryHidden(repository=found.full_name) from None
        raise
    ours = [each for each in (delivery, *offers) if each and _belongs(each, properties)]
    holders = (rival(each, request.stack_id, clients.stacks) for each in ours if proven.sealed)
    other = next(filter(None, holders), "")
    if known.adopted and not other:
        consent = consents.stated(found.full_name, properties, clients)
    stack = partial(clients.seals.of_stack, request.stack_id, properties.full_name)
    mark = properties.owner.proven_by(found.description, seal, stack)
    return Observed(found, delivery, not there.branch, claims(refs.targets, there), other, consent, left, mark)


def _is_ours(properties: GitHubRepositoryProperties, observed: Observed) -> bool:
    """The lineage proves it; for a repository that never got one, the mark in its description."""
    if observed.delivery is not None:
        return _belongs(observed.delivery, properties)
    return observed.repository is not None and observed.empty and observed.mark in ("stack", "repository")


def _belongs(delivery: Delivery, properties: GitHubRepositoryProperties) -> bool:
    return delivery.belongs_to(properties.domain_id, properties.project_id, properties.part)


def _claim(request: Request[GitHubRepositoryProperties], observed: Observed) -> Claim | None:
    """Say who holds it from now on, where the lineage names a stack that is gone and may not be written anew."""
    delivery = observed.delivery
    if delivery is None or delivery.stack == request.stack_id:
        return None
    return Claim(replace(delivery, stack=request.stack_id), observed.claim)


def _only_adopted(request: Request[GitHubRepositoryProperties], observed: Observed) -> bool:
    """Tell whether the repository stays its owners': adopted by their consent, or taken over and never delivered to.

    The physical id tells what was there before, and nobody who may write to the repository can change that.
    """
    known = Known.of(request.physical_id)
    if known.adopted:
        return observed.consent.consent is None or not observed.consent.consent.archive
    return known.connected and observed.delivery is None


def _update(request: Request[GitHubRepositoryProperties], found: Repository, permitted: tuple[str, ...]) -> Plan:
    """Change only what changed in the template: a setting that a user changed on GitHub stays.

    A repository that was adopted by consent keeps its name and its visibility. A rollback brings no visibility back
    that is not `permitted` any more: nothing but its event says that the repository had it.
    """
    new, old = request.properties, request.old
    changes: dict[str, str | bool] = {"archived": False} if found.archived else {}
    topics = merged_topics(new.topics, found.topics, old.topics) if old and new.topics != old.topics else None
    if Known.of(request.physical_id).adopted:
        return Plan("keep", found, changes, topics)
    if old and new.name.casefold() != old.name.casefold() and found.name.casefold() != new.name.casefold():
        changes["name"] = new.name
    may_be = new.visibility in permitted or not request.goes_back
    if old and may_be and new.visibility not in (old.visibility, found.visibility):
        if found.in_user_account and new.visibility == "internal":
            raise InternalInUserAccount(owner=found.owner)
        changes["visibility"] = new.visibility
    return Plan("keep", found, changes, topics)


def _refuse_another_organization(request: Request[GitHubRepositoryProperties], found: Repository) -> None:
    new, old = request.properties.organization, request.old.organization if request.old else ""
    if old and old.casefold() != new.casefold() and found.owner.casefold() != new.casefold():  # else: it is there
        raise OrganizationChanged(former=found.owner, organization=new)


def _refuse_another_launch(properties: GitHubRepositoryProperties, observed: Observed, found: Repository) -> None:
    """Refuse an empty repository that another launch of the project may have just created."""
    same = found.full_name.casefold() == properties.full_name.casefold()
    if same and observed.empty and observed.mark and not properties.adopt_existing:
        raise RepositoryOfALaunch(repository=found.full_name)


def _ended(request: Request[GitHubRepositoryProperties], observed: Observed) -> Plan:
    """Archive what is ours. Take what we have added out of what was only adopted; the rest stays as it is.

    A refused second stack's rollback leaves the first one's work alone. What an update has removed is archived only
    where the lineage proves it: nothing but the event tells its id.
    """
    properties, found = request.properties, observed.repository
    known = Known.of(request.physical_id).id if request.attested else 0
    if found is None or found.archived or observed.rival:
        return Plan("nothing")
    left = request.progress.left
    references = left(_NO_SECRET, sorted(properties.secret_reference_names))
    if known and _only_adopted(request, observed):
        secrets = left(_NO_SECRET, sorted({*properties.secret_names, *properties.secret_reference_names}))
        variables = left(_NO_VARIABLE, sorted(properties.variable_names))
        if secrets or variables or observed.left:
            return Plan(
                "release", found, secrets_removed=secrets, variables_removed=variables, refs_removed=observed.left
            )
        return Plan("nothing")
    if known or _is_ours(properties, observed):
        marked = observed.empty and observed.mark == "stack" and observed.delivery is None
        return Plan("archive", found, secrets_removed=references, marked=marked)
    return Plan("nothing")


def _taken_up(request: Request[GitHubRepositoryProperties], observed: Observed, found: Repository) -> Plan:
    """Plan for a repository that is this project's from an earlier launch."""
    if observed.rival:
        raise refusal(found.full_name, observed.rival)
    action: Action = "restore" if found.archived else "keep"
    topics = merged_topics(request.properties.topics, found.topics)
    return Plan(action, found, topics=topics, empty=observed.empty, claim=_claim(request, observed))


def _adoptable(properties: GitHubRepositoryProperties, found: Repository) -> bool:
    return properties.adopt_existing and found.owner.casefold() == properties.organization.casefold()


def _adopted(properties: GitHubRepositoryProperties, observed: Observed, found: Repository) -> Plan:
    """Plan for a repository that is not this project's: take it over where its owners consent, else refuse it."""
    adoptable = _adoptable(properties, found)
    if found.full_name.casefold() != properties.full_name.casefold() and not adoptable:
        # GitHub led us here from a former name, which is free.
        return Plan("create", topics=merged_topics(properties.topics), empty=True)
    if observed.delivery is not None:
        raise RepositoryNameTaken(repository=found.full_name)
    if not adoptable:
        raise RepositoryAdoptable(repository=found.full_name)
    if found.archived:
        raise RepositoryNotActive(repository=found.full_name)
    consent = consents.required(observed.consent, found.full_name, properties)
    topics = merged_topics(properties.topics, found.topics)
    return Plan("adopt", found, topics=topics, empty=observed.empty, consent=consent)


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
            yield _with_lineage(found, request, self._clients) if found and to_archive else Observed(found)
            return
        absent = request.noted.get("Absent") and request.attempt == 0 and request.age < _FIRST_CALL
        if absent and not request.progress.done(_CREATED):
            yield Observed(None)  # creating it finds out whether that is still so
            return
        found = self._clients.github.find_repository(properties.full_name)
        if found is None and request.type == "Delete":  # its Create may have ended after it was made
            require_missing(request, properties.full_name, 0, self._clients.github)
        yield _with_lineage(found, request, self._clients) if found else Observed(None)

    def left(self, request: Request[GitHubRepositoryProperties], failed: FinalError) -> FinalError:
        """Name the repository that a Delete could not archive for want of a right or of a token."""
        return left(request.properties.full_name, Known.of(request.physical_id).id, failed)

    def plan(self, request: Request[GitHubRepositoryProperties], observed: Observed) -> Plan:
        """Decide; refuse a repository that is not this project's before anything is touched."""
        found, known = observed.repository, Known.of(request.physical_id).id
        if found:
            _refuse_another_organization(request, found)
        if request.type == "Delete":
            return _ended(request, observed)
        allowances = self._clients.allowances
        if not (known and request.goes_back):
            allowances.require(request.properties, request.old)
        if found is None:
            return Plan("create", topics=merged_topics(request.properties.topics), empty=True)
        if known:
            return _update(request, found, allowances.visibilities)
        if _is_ours(request.properties, observed):
            return _taken_up(request, observed, found)
        _refuse_another_launch(request.properties, observed, found)
        return _adopted(request.properties, observed, found)

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
        if repository is None or plan.action in ("nothing", "adopt"):
            return repository
        if plan.action in ("archive", "release"):
            noting = request.progress.noting
            github.delete_secrets(repository.full_name, plan.secrets_removed, noting(_NO_SECRET))
            github.delete_variables(repository.full_name, plan.variables_removed, noting(_NO_VARIABLE))
            if plan.refs_removed:
                remove_refs(plan.refs_removed, repository.full_name, self._clients.git)
        if plan.action == "archive":
            if plan.marked:  # before the archive, which takes no other change
                seal = self._clients.seals.of_repository(repository.id)
                github.update_repository(repository.full_name, description=request.properties.description(seal))
            return github.update_repository(repository.full_name, archived=True)
        if plan.action == "release":
            return repository
        if plan.action == "restore" or plan.changes.get("archived") is False:
            # An archived repository takes no other change.
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
