"""What to do with a project's repository: decided from what was read of it. Pure.

not there: create        ours, by its lineage or its mark: keep, restore       somebody else's: adopt, or refuse
the stack or the resource ends: archive what is ours, take our own out of what was adopted, leave the rest
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from custom_resources import consent as consents
from custom_resources.consent import Consent, Known, Reading
from custom_resources.delivery.lineage import Delivery
from custom_resources.delivery.marks import Owner, Proven
from custom_resources.delivery.ownership import Claim, refusal
from custom_resources.errors import (
    FormerNameOfAnother,
    InternalInUserAccount,
    OrganizationChanged,
    RepositoryAdoptable,
    RepositoryNameTaken,
    RepositoryNotActive,
    RepositoryOfALaunch,
)
from custom_resources.properties import BranchName, Line, LineOrNothing, Properties
from custom_resources.reconciler import Request
from custom_resources.repository_names import by_ids
from custom_resources.repository_topics import merged_topics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custom_resources.allowances import Allowances
    from custom_resources.clients.github import Repository
    from custom_resources.seal import Seal

_DESCRIPTION = 350  # characters that GitHub takes
NO_SECRET, NO_VARIABLE = "no secret", "no variable"  # steps
_PARTS = {"model_build": "Model build", "model_deploy": "Model deployment"}


class GitHubRepositoryProperties(Properties):
    """Desired state."""

    organization: str = Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\Z")
    name: str = Field(pattern=r"^(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}\Z")
    # Where somebody else has that name; "" = none. Only for a name that nobody chose.
    alternative_name: str = Field(default="", pattern=r"^(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{0,100}\Z")
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
    named: Repository | None = None  # what has the name that a repository is to be given, by a redirect perhaps
    name: str = ""  # under which it was looked for, where that is the alternative


Action = Literal["create", "adopt", "restore", "keep", "leave", "archive", "release", "nothing"]


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
    name: str = ""  # the alternative, where it is called so


def _is_ours(properties: GitHubRepositoryProperties, observed: Observed) -> bool:
    """The lineage proves it; for a repository that never got one, the mark in its description."""
    if observed.delivery is not None:
        return belongs(observed.delivery, properties)
    return observed.repository is not None and observed.empty and observed.mark in ("stack", "repository")


def belongs(delivery: Delivery, properties: GitHubRepositoryProperties) -> bool:
    """Tell whether what was delivered is this project's, of the same part."""
    return delivery.belongs_to(properties.domain_id, properties.project_id, properties.part)


def _claim(request: Request[GitHubRepositoryProperties], observed: Observed) -> Claim | None:
    """Return the new stack's claim, where the lineage names a stack that is gone and may not be written again."""
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
    if found.archived:  # by its owners, who may un-archive it; an archived repository takes no change
        return Plan("leave", found)
    changes: dict[str, str | bool] = {}
    topics = merged_topics(new.topics, found.topics, old.topics) if old and new.topics != old.topics else None
    if Known.of(request.physical_id).adopted:
        return Plan("keep", found, changes, topics)
    if wants_another_name(request, found):
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


def _refuse_a_former_name(properties: GitHubRepositoryProperties, found: Repository) -> None:
    """Refuse a name by which GitHub still finds another project's repository.

    Where AWS knows repositories by name alone, that project's role trusts the repository that has the name (0100).
    """
    if properties.owner.is_others(found.description):
        raise FormerNameOfAnother(name=properties.full_name, repository=found.full_name)


def wants_another_name(request: Request[GitHubRepositoryProperties], found: Repository) -> bool:
    """Tell whether an update renames the repository: one that was adopted by consent keeps its name.

    So does each where the name is the one of before there were patterns: a version from then knows no other.
    """
    new, old = request.properties, request.old
    if old is None or Known.of(request.physical_id).adopted:
        return False
    part = new.part.removeprefix("model_")
    kept = (old.name, found.name, by_ids(part, new.domain_id, new.project_id))
    alternative = bool(new.alternative_name) and new.alternative_name.casefold() == found.name.casefold()
    return not alternative and new.name.casefold() not in {name.casefold() for name in kept}


def under(name: str, request: Request[GitHubRepositoryProperties]) -> Request[GitHubRepositoryProperties]:
    """Return the request with another name of the repository, "" = its own."""
    if not name:
        return request
    return replace(request, properties=request.properties.model_copy(update={"name": name}))


def is_anothers(properties: GitHubRepositoryProperties, observed: Observed) -> bool:
    """Tell whether the name leads to somebody else's repository, so that ours is called by the alternative.

    Not where the launch asks to adopt it, or where another launch of the project may have made it. A former name of
    nobody's is free.
    """
    found = observed.repository
    if found is None or not properties.alternative_name or properties.adopt_existing:
        return False
    if observed.mark or (observed.delivery is not None and belongs(observed.delivery, properties)):
        return False
    if found.full_name.casefold() != properties.full_name.casefold():
        return properties.owner.is_others(found.description)
    return True


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
    references = left(NO_SECRET, sorted(properties.secret_reference_names))
    if known and _only_adopted(request, observed):
        secrets = left(NO_SECRET, sorted({*properties.secret_names, *properties.secret_reference_names}))
        variables = left(NO_VARIABLE, sorted(properties.variable_names))
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


def adoptable(properties: GitHubRepositoryProperties, found: Repository) -> bool:
    """Tell whether the settings permit taking over a repository, where its owners consent."""
    return properties.adopt_existing and found.owner.casefold() == properties.organization.casefold()


def _adopted(properties: GitHubRepositoryProperties, observed: Observed, found: Repository) -> Plan:
    """Plan for a repository that is not this project's: take it over where its owners consent, else refuse it."""
    may_adopt = adoptable(properties, found)
    if found.full_name.casefold() != properties.full_name.casefold() and not may_adopt:
        # GitHub led us here from a former name, which is free.
        _refuse_a_former_name(properties, found)
        return Plan("create", topics=merged_topics(properties.topics), empty=True)
    if observed.delivery is not None:
        raise RepositoryNameTaken(repository=found.full_name)
    if not may_adopt:
        raise RepositoryAdoptable(repository=found.full_name)
    if found.archived:
        raise RepositoryNotActive(repository=found.full_name)
    consent = consents.required(observed.consent, found.full_name, properties)
    topics = merged_topics(properties.topics, found.topics)
    return Plan("adopt", found, topics=topics, empty=observed.empty, consent=consent)


def decided(request: Request[GitHubRepositoryProperties], observed: Observed, allowances: Allowances) -> Plan:
    """Return what to do, or refuse a repository that is not this project's."""
    request = under(observed.name, request)
    found, known = observed.repository, Known.of(request.physical_id).id
    if found:
        _refuse_another_organization(request, found)
    if request.type == "Delete":
        return _ended(request, observed)
    if not (known and request.goes_back):
        allowances.require(request.properties, request.old)
    if found is None:
        return Plan("create", topics=merged_topics(request.properties.topics), empty=True)
    if known:
        if observed.named and observed.named.id != found.id and not request.goes_back:
            _refuse_a_former_name(request.properties, observed.named)
        return _update(request, found, allowances.visibilities)
    if _is_ours(request.properties, observed):
        return _taken_up(request, observed, found)
    _refuse_another_launch(request.properties, observed, found)
    return _adopted(request.properties, observed, found)
