"""Custom::GitHubRepository: a project's repository exists, is the project's, and is not archived."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from custom_resources.clients.git import Refs
from custom_resources.delivery.lineage import Delivery, believed
from custom_resources.delivery.marks import Owner, Proven
from custom_resources.delivery.ownership import Claim, claims, held_delivery, proposed_delivery, refusal, rival, take
from custom_resources.errors import (
    NothingForeseen,
    OrganizationChanged,
    RepositoryAdoptable,
    RepositoryGone,
    RepositoryHidden,
    RepositoryInvisible,
    RepositoryNameTaken,
    RepositoryNotActive,
    RepositoryOfALaunch,
    RepositoryUnreachable,
)
from custom_resources.properties import BranchName, Line, LineOrNothing, Properties
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import CustomResource, Done, Effects, Foreseen, Replan, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from custom_resources.clients.github import Repository
    from custom_resources.clients.protocols import Clients
    from custom_resources.seal import Seal

TOPICS = 20  # as many as a repository can have
_DESCRIPTION = 350  # characters that GitHub takes
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
    mark: Proven = ""
    proposed: Delivery | None = None  # what the newest proven proposal offers, where nothing is delivered


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
    marked: bool = False  # its description shall prove to the next launch whose it is


def _with_lineage(found: Repository, request: Request[GitHubRepositoryProperties], clients: Clients) -> Observed:
    """Read what is proven, and ask CloudFormation for the stack that holds the repository if it is another."""
    seal, known = clients.seals.of_repository(found.id), request.physical_id == str(found.id)
    try:
        with clients.git.open(found.full_name) as git:
            there = git.look()
            refs = believed(there.targets, seal, unsealed=known)
            delivery = held_delivery(git, Refs(targets=refs.targets), sealed=refs.sealed)
            asked = request.type == "Create" and delivery is None
            proposed = proposed_delivery(git, Refs(targets=refs.targets)) if asked else None
    except RepositoryUnreachable:
        if request.type == "Delete":
            raise RepositoryHidden(repository=found.full_name) from None
        raise
    ours = delivery is not None and _belongs(delivery, request.properties)
    other = rival(delivery, request.stack_id, clients.stacks) if ours and refs.sealed else ""
    properties = request.properties
    stack = partial(clients.seals.of_stack, request.stack_id, properties.full_name)
    mark = properties.owner.proven_by(found.description, seal, stack)
    return Observed(found, delivery, not there.branch, claims(refs.targets, there), other, mark, proposed)


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


def _topics(wanted: Iterable[str], there: Iterable[str] = (), dropped: Iterable[str] = ()) -> tuple[str, ...] | None:
    """Return the users' topics with the template's, at most 20 (GitHub's limit, theirs first); None = as they are."""
    mine = [topic.lower() for topic in wanted]  # as GitHub keeps them
    gone = {topic.lower() for topic in dropped} - set(mine)
    kept = [topic for topic in there if topic not in gone]
    topics = tuple(dict.fromkeys([*kept, *mine]))[:TOPICS]
    return None if set(topics) == set(there) else topics


def _only_adopted(observed: Observed) -> bool:
    """Tell whether the repository is somebody else's that we took over but never delivered to: it stays as it was."""
    proven = observed.mark in ("stack", "repository") or observed.delivery is not None
    return observed.repository is not None and not proven


def _update(request: Request[GitHubRepositoryProperties], found: Repository) -> Plan:
    """Change only what changed in the template: a setting that a user changed on GitHub stays."""
    new, old = request.properties, request.old
    changes: dict[str, str | bool] = {"archived": False} if found.archived else {}
    if old and new.name.casefold() != old.name.casefold() and found.name.casefold() != new.name.casefold():
        changes["name"] = new.name
    if old and new.visibility not in (old.visibility, found.visibility):
        changes["visibility"] = new.visibility
    topics = _topics(new.topics, found.topics, old.topics) if old and new.topics != old.topics else None
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
    """Archive what is ours, and leave what was only adopted as it was.

    A refused second stack's rollback leaves the first one's work alone.
    """
    properties, found, known = request.properties, observed.repository, request.physical_id.isdigit()
    if found is None or found.archived or observed.rival:
        return Plan("nothing")
    references = tuple(sorted(properties.secret_reference_names))
    if known and _only_adopted(observed):
        secrets = tuple(sorted({*properties.secret_names, *references}))
        variables = tuple(sorted(properties.variable_names))
        if secrets or variables:
            return Plan("release", found, secrets_removed=secrets, variables_removed=variables)
        return Plan("nothing")
    if known or _is_ours(properties, observed):
        marked = observed.empty and observed.mark == "stack" and observed.delivery is None
        return Plan("archive", found, secrets_removed=references, marked=marked)
    return Plan("nothing")


def _made(request: Request[GitHubRepositoryProperties], known: bool) -> Plan:
    properties = request.properties
    if known:
        raise RepositoryGone(repository=properties.full_name)
    return Plan("create", topics=_topics(properties.topics), empty=True)


def _taken_up(request: Request[GitHubRepositoryProperties], observed: Observed, found: Repository) -> Plan:
    """Plan for a repository that is this project's from an earlier launch."""
    if observed.rival:
        raise refusal(found.full_name, observed.rival)
    action: Action = "restore" if found.archived else "keep"
    topics = _topics(request.properties.topics, found.topics)
    return Plan(action, found, topics=topics, empty=observed.empty, claim=_claim(request, observed))


def _adopted(properties: GitHubRepositoryProperties, observed: Observed, found: Repository) -> Plan:
    """Plan for a repository that is not this project's: take it over where that is wanted, else refuse it."""
    adoptable = properties.adopt_existing and found.owner.casefold() == properties.organization.casefold()
    if found.full_name.casefold() != properties.full_name.casefold() and not adoptable:
        # GitHub led us here from a former name, which is free.
        return Plan("create", topics=_topics(properties.topics), empty=True)
    if adoptable and observed.delivery is None:
        if found.archived:
            raise RepositoryNotActive(repository=found.full_name)
        return Plan("adopt", found, topics=_topics(properties.topics, found.topics), empty=observed.empty)
    raise (RepositoryNameTaken if observed.delivery else RepositoryAdoptable)(repository=found.full_name)


class GitHubRepository(CustomResource[GitHubRepositoryProperties, Observed, Plan]):
    """Custom::GitHubRepository: creates, adopts, restores and archives a repository."""

    properties = GitHubRepositoryProperties

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
        return {"Absent": "" if self._clients.github.find_repository(request.properties.full_name) else "true"}

    @contextmanager
    def observe(self, request: Request[GitHubRepositoryProperties]) -> Iterator[Observed]:
        """Find the repository by its id where we know it, else by name; read whose it is when that is in doubt."""
        properties = request.properties
        if request.physical_id.isdigit():
            found = self._clients.github.repository_by_id(int(request.physical_id), properties.full_name)
            to_archive = request.type == "Delete" and found is not None and not found.archived
            yield _with_lineage(found, request, self._clients) if found and to_archive else Observed(found)
            return
        if request.noted.get("Absent") and request.attempt == 0:
            yield Observed(None)  # creating it finds out whether that is still so
            return
        found = self._clients.github.find_repository(properties.full_name)
        yield _with_lineage(found, request, self._clients) if found else Observed(None)

    def plan(self, request: Request[GitHubRepositoryProperties], observed: Observed) -> Plan:
        """Decide; refuse a repository that is not this project's before anything is touched."""
        found, known = observed.repository, request.physical_id.isdigit()
        if found:
            _refuse_another_organization(request, found)
        if request.type == "Delete":
            return _ended(request, observed)
        if found is None:
            return _made(request, known)
        if known:
            return _update(request, found)
        if _is_ours(request.properties, observed):
            return _taken_up(request, observed, found)
        _refuse_another_launch(request.properties, observed, found)
        return _adopted(request.properties, observed, found)

    def cost(self, plan: Plan) -> Cost:
        """Return what GitHub counts: a write is 5 points, a new repository also a piece of content."""
        writes = (plan.action in ("create", "archive", "restore")) + bool(plan.changes) + (plan.topics is not None)
        writes += plan.marked
        removed = len(plan.secrets_removed) + len(plan.variables_removed)
        return Cost(points=5 * (writes + removed), creations=int(plan.action == "create"))

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
        return Done(self._attributes(repository, branch, _STATUS[plan.action]), physical_id=str(repository.id))

    def _written(self, plan: Plan, request: Request[GitHubRepositoryProperties]) -> Repository | Replan | None:
        """Create, archive, restore or change the repository; return it as it is then."""
        github, repository = self._clients.github, plan.repository
        if plan.action == "create":
            return self._created(request)
        if repository is None or plan.action in ("nothing", "adopt"):
            return repository
        if plan.action in ("archive", "release"):
            github.delete_secrets(repository.full_name, plan.secrets_removed)
            github.delete_variables(repository.full_name, plan.variables_removed)
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
            raise RepositoryInvisible(repository=properties.full_name)
        return created or Replan(f"{properties.full_name} appeared meanwhile")

    def foresee(self, request: Request[GitHubRepositoryProperties], observed: Observed, plan: Plan) -> Foreseen:
        """Tell which settings would change. Raises NothingForeseen where the repository would be created."""
        found, part = observed.repository, request.properties.part.removeprefix("model_")
        if found is None:
            raise NothingForeseen
        effects: Effects = {
            "repository": found.full_name,
            "settings": [f"{key} = {value}" for key, value in plan.changes.items()],
        }
        return Foreseen(self._attributes(found, found.default_branch, "kept"), effects, part=part)

    @staticmethod
    def _attributes(found: Repository, default_branch: str, status: str) -> dict[str, str]:
        return {
            "RepositoryId": str(found.id),
            "FullName": found.full_name,
            "Name": found.name,
            "HtmlUrl": found.html_url,
            "CloneUrl": found.clone_url,
            "DefaultBranch": default_branch,
            "Status": status,
        }
