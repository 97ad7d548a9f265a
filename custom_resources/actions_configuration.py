"""Custom::ActionsConfiguration: the Actions secrets, variables and environments of a repository."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from custom_resources.named_repository import name_at_creation
from custom_resources.properties import BranchName, FullName, LineOrNothing, Properties
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import CustomResource, Done, Foreseen, Request
from custom_resources.repository_environments import Missing, create, missing
from custom_resources.sight import require_missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.protocols import Clients

# GitHub: letters, digits and underscores, not starting with a digit or GITHUB_; compared without case.
Name = Annotated[
    str, StringConstraints(pattern=r"^(?![Gg][Ii][Tt][Hh][Uu][Bb]_)[A-Za-z_][A-Za-z0-9_]*\Z", max_length=255)
]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,255}\Z")]
Reviewer = Annotated[str, StringConstraints(pattern=r"^(team|user):[1-9][0-9]{0,18}\Z")]
MAX_VALUE_BYTES = 48 * 1024  # of a secret or variable: what GitHub takes (48 KB)
_SECRET, _VARIABLE, _NO_SECRET, _NO_VARIABLE = "secret", "variable", "no secret", "no variable"  # steps
_UNCHANGED = "as they were: this operation has changed none"
_ARCHIVED = "The repository is archived: nothing was changed. Unarchive it, then update with RotateSecrets=true."


class ActionsConfigurationProperties(Properties):
    """Desired state: these secrets, variables and environments. A secret with an empty value is not set."""

    repository_id: int
    repository: FullName
    name_proof: LineOrNothing = ""  # that it is the name of the repository with that id, by Custom::GitHubRepository
    secrets: dict[Name, str] = Field(default_factory=dict)
    secret_references: dict[Name, str] = Field(default_factory=dict)
    variables: dict[Name, str] = Field(default_factory=dict)
    rotate_secrets: bool = False
    environments: list[EnvironmentName] = Field(default_factory=list)
    reviewers: dict[EnvironmentName, list[Reviewer]] = Field(default_factory=dict)
    default_branch: BranchName = "main"  # the only one whose jobs can use the environments
    repository_status: LineOrNothing = ""  # "created": it can have no environments that somebody has set up

    @field_validator("secrets", "variables")
    @classmethod
    def _values_fit(cls, values: dict[str, str]) -> dict[str, str]:
        for name, value in values.items():
            if len(value.encode()) > MAX_VALUE_BYTES:
                raise ValueError(f"the value of {name} is over 48 KB, GitHub's limit")
        return values

    @field_validator("secrets", "secret_references", "variables")
    @classmethod
    def _as_github_names_them(cls, values: dict[str, str]) -> dict[str, str]:
        named = {name.upper(): value for name, value in values.items()}
        if len(named) < len(values):
            raise ValueError("names differ only in case, which GitHub does not tell apart")
        return {name: value for name, value in named.items() if value}

    @model_validator(mode="after")
    def _said_once(self) -> ActionsConfigurationProperties:
        if both := sorted(self.secrets.keys() & self.secret_references.keys()):
            raise ValueError(f"{both[0]} has a value and a reference; give one of them")
        return self


@dataclass(frozen=True)
class Observed:
    """The repository's present name; "" when it is gone or archived."""

    full_name: str
    archived: bool = False
    environments: Mapping[str, bool] = field(default_factory=dict)  # in lower case -> protected


@dataclass(frozen=True)
class Plan:
    """What to write. Values stay out of the repr, which is logged."""

    full_name: str
    archived: bool = False  # so that what would be written is not
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    references: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets_removed: tuple[str, ...] = ()
    variables_removed: tuple[str, ...] = ()
    environments: Missing = field(default_factory=Missing)

    @property
    def writes(self) -> bool:
        """Tell whether anything is to be done."""
        removed = self.secrets_removed or self.variables_removed
        return bool(self.secrets or self.references or self.variables or removed or self.environments.names)

    @property
    def secret_names(self) -> list[str]:
        """Names of the secrets that would be set, for a dry run."""
        return sorted({*self.secrets, *self.references})


def _wanted_environments(request: Request[ActionsConfigurationProperties]) -> list[str]:
    """Return the environments that were not wanted before: one that the stack has made is its users' from then on."""
    if request.type == "Delete":
        return []
    before = set(request.old.environments) if request.old and request.type == "Update" else set()
    return [name for name in request.properties.environments if name not in before]


def _left(request: Request[ActionsConfigurationProperties], full_name: str) -> Plan:
    """Return what is to be written, without what earlier calls of the request have written."""
    wanted, progress = _difference(request, full_name), request.progress

    def left(kind: str, values: Mapping[str, str]) -> dict[str, str]:
        return {name: values[name] for name in progress.left(kind, values)}

    return replace(
        wanted,
        secrets=left(_SECRET, wanted.secrets),
        references=left(_SECRET, wanted.references),
        variables=left(_VARIABLE, wanted.variables),
        secrets_removed=progress.left(_NO_SECRET, wanted.secrets_removed),
        variables_removed=progress.left(_NO_VARIABLE, wanted.variables_removed),
    )


def _difference(request: Request[ActionsConfigurationProperties], full_name: str) -> Plan:
    """Compare with what we set before: a value changed by hand stays unless ours has changed."""
    new, old = request.properties, request.old
    if request.type == "Delete":
        return _removed(new, full_name, stack_ends=request.stack_ends)
    if old is None or request.type == "Create":
        return Plan(full_name, False, new.secrets, new.secret_references, new.variables)
    all_secrets = new.rotate_secrets

    def changed(now: Mapping[str, str], before: Mapping[str, str], everything: bool = False) -> dict[str, str]:
        return {name: value for name, value in now.items() if everything or before.get(name) != value}

    kept = {*new.secrets, *new.secret_references}
    return Plan(
        full_name,
        False,
        changed(new.secrets, old.secrets, all_secrets),
        changed(new.secret_references, old.secret_references, all_secrets),
        changed(new.variables, old.variables),
        tuple(sorted({*old.secrets, *old.secret_references} - kept)),
        tuple(sorted(old.variables.keys() - new.variables.keys())),
    )


def _removed(properties: ActionsConfigurationProperties, full_name: str, *, stack_ends: bool) -> Plan:
    """Return what is taken out of a repository.

    Nothing where the stack ends: Custom::GitHubRepository looks its repository up right after, and removes there what
    could be misused before it archives it, or all where it does not.
    """
    if stack_ends:
        return Plan(full_name)
    secrets = tuple(sorted({*properties.secrets, *properties.secret_references}))
    return Plan(full_name, secrets_removed=secrets, variables_removed=tuple(sorted(properties.variables)))


class ActionsConfiguration(CustomResource[ActionsConfigurationProperties, Observed, Plan]):
    """Custom::ActionsConfiguration: writes what differs from what the stack set before."""

    properties = ActionsConfigurationProperties
    for_people = ("SecretNames", "VariableNames", "Environments")

    def __init__(self, clients: Clients) -> None:
        """Take the clients."""
        self._clients = clients

    def provisional_id(self, properties: ActionsConfigurationProperties) -> str:
        """Name it before it exists."""
        return f"actions-configuration-{properties.repository_id}"

    @contextmanager
    def observe(self, request: Request[ActionsConfigurationProperties]) -> Iterator[Observed]:
        """Find the repository by id. A new one is where it was just made, and an unchanged one is not asked about."""
        properties, github = request.properties, self._clients.github
        wanted = _wanted_environments(request)
        look = wanted and not (request.type == "Create" and properties.repository_status == "created")
        if request.type == "Create":
            full_name = name_at_creation(request, self._clients)
            yield Observed(full_name, environments=github.environments(full_name) if look else {})
            return
        if not (wanted or _left(request, properties.repository).writes):
            yield Observed(properties.repository)
            return
        found = github.repository_by_id(properties.repository_id, properties.repository)
        if found is None:
            require_missing(request, properties.repository, properties.repository_id, github)
            yield Observed("")
            return
        yield Observed(found.full_name, found.archived, github.environments(found.full_name) if look else {})

    def plan(self, request: Request[ActionsConfigurationProperties], observed: Observed) -> Plan:
        """Decide what to write; a repository that is gone or archived needs nothing removed."""
        wanted = _left(request, observed.full_name)
        if request.type == "Delete":
            return Plan("") if observed.archived or not observed.full_name else wanted
        wanted = replace(wanted, references=self._permitted(wanted.references, goes_back=request.goes_back))
        new = request.properties
        names, there = _wanted_environments(request), observed.environments
        environments = missing(names, there, new.default_branch, new.reviewers, request.progress)
        wanted = replace(wanted, environments=environments)
        # By its owners: an update does not undo that. Secrets that it leaves out come with RotateSecrets.
        return Plan(observed.full_name, archived=wanted.writes) if observed.archived else wanted

    def _permitted(self, references: Mapping[str, str], *, goes_back: bool) -> dict[str, str]:
        """Refuse what the settings do not list. A rollback must not fail: it leaves such a secret as it is.

        Nothing but the rollback's event says that the stack had it. Raises SecretNotListed.
        """
        allowances = self._clients.allowances
        if goes_back:
            return {name: each for name, each in references.items() if allowances.lists_secret(name, each)}
        for name, reference in references.items():
            allowances.require_secret(name, reference)
        return dict(references)

    def cost(self, plan: Plan) -> Cost:
        """Return what GitHub counts: a write is 5 points, the public key 1."""
        secrets = len(plan.secret_names)
        removed = len(plan.secrets_removed) + len(plan.variables_removed)
        environments = 2 * len(plan.environments.names)
        return Cost(points=5 * (environments + secrets + len(plan.variables) + removed) + bool(secrets))

    def apply(
        self, plan: Plan, request: Request[ActionsConfigurationProperties], ensure_current: Callable[[], None]
    ) -> Done:
        """Write the difference. Referenced values are read now and go to GitHub only."""
        properties = request.properties
        values = {
            **plan.secrets,
            **{name: self._clients.secrets.value(where) for name, where in plan.references.items()},
        }
        github, noting = self._clients.github, request.progress.noting
        github.put_secrets(plan.full_name, values, noting(_SECRET))
        github.put_variables(plan.full_name, plan.variables, noting(_VARIABLE))
        github.delete_secrets(plan.full_name, plan.secrets_removed, noting(_NO_SECRET))
        github.delete_variables(plan.full_name, plan.variables_removed, noting(_NO_VARIABLE))
        environments = create(plan.environments, plan.full_name, github, request.progress)
        names = sorted({*properties.secrets, *properties.secret_references})
        said = _UNCHANGED if properties.environments else ""
        wanted = [properties.secrets, properties.secret_references, properties.variables]
        return Done(
            {
                "SecretNames": ",".join(names),
                "VariableNames": ",".join(sorted(properties.variables)),
                "Digest": hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest(),
                "Environments": _ARCHIVED if plan.archived else environments or said,
            }
        )

    def foresee(self, request: Request[ActionsConfigurationProperties], observed: Observed, plan: Plan) -> Foreseen:
        """Name what would be written."""
        return Foreseen(
            {"SecretNames": "", "VariableNames": "", "Digest": "", "Environments": ""},
            {
                "secrets": plan.secret_names,
                "secrets_removed": list(plan.secrets_removed),
                "variables": sorted(plan.variables),
                "variables_removed": list(plan.variables_removed),
                "environments": list(plan.environments.names),
            },
            repository=request.properties.repository,
        )
