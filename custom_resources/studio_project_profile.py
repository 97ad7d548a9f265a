"""Custom::StudioProjectProfile: a project profile runs our blueprint, after its tooling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from custom_resources.clients.blueprints import Grant, Profile
from custom_resources.errors import (
    NameTaken,
    ProfileMissing,
    ProfileNameTaken,
    ProfileWithoutTooling,
    ToolingBlueprintMissing,
)
from custom_resources.profile_environments import (
    Environment,
    Pools,
    comparable,
    location_of,
    of_one_account,
    pools_of,
    require_listed,
    tooling_of,
    with_ours,
    without_ours,
)
from custom_resources.properties import Properties
from custom_resources.reconciler import CustomResource, Done, Foreseen, Replan, Request
from custom_resources.studio_domain import unless_gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.protocols import Clients

TOOLING = "Tooling"
PROFILE_PARAMETER = "ProfileName"  # of the blueprint: it tells a launch its project's profile
_ENTITY: Literal["DOMAIN_UNIT"] = "DOMAIN_UNIT"
_POLICY: Literal["CREATE_PROJECT_FROM_PROJECT_PROFILE"] = "CREATE_PROJECT_FROM_PROJECT_PROFILE"


class ParameterOverride(Properties):
    """A parameter of an environment, fixed or proposed by the profile."""

    name: str = Field(min_length=1)
    value: str = ""
    is_editable: bool = False

    def for_datazone(self) -> dict[str, Any]:
        """Return DataZone's spelling of it."""
        return {"name": self.name, "value": self.value, "isEditable": self.is_editable}


class StudioProjectProfileProperties(Properties):
    """Desired state. `own`: the profile is this resource's; otherwise it exists and only gets our environment.

    `joined`: off, it does not get that: its projects get the product by event, and it only has to be where that is.
    `places`: the accounts and regions (ACCOUNT/REGION) that have the product; none: `aws_account` alone. A profile that
    exists is where its tooling is, so that it needs no account here where there are several.
    """

    domain_id: str = Field(pattern=r"^dzd[-_][a-zA-Z0-9_-]{1,36}\Z")
    profile_name: str = Field(pattern=r"^[\w -]{1,64}\Z")
    description: str = ""
    own: bool = False
    joined: bool = True
    environment_blueprint_id: str = Field(min_length=1)
    environment_name: str = Field(pattern=r"^[\w -]{1,64}\Z")
    deployment_order: int = Field(default=1, ge=1, le=16)
    aws_account: str = Field(default="", pattern=r"^(\d{12})?\Z")
    aws_region: str = ""
    places: list[Annotated[str, Field(pattern=r"^\d{12}/[a-z0-9-]+\Z")]] = Field(default_factory=list)
    parameters: list[ParameterOverride] = Field(default_factory=list)
    domain_unit_id: str = ""
    tooling_blueprint_id: str = ""
    tooling_parameters: list[ParameterOverride] = Field(default_factory=list)
    groups: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _somewhere(self) -> StudioProjectProfileProperties:
        if (self.own or not self.places) and not (self.aws_account and self.aws_region):
            raise ValueError("a profile of ours, or of an installation in one account, needs the account and region")
        return self

    @property
    def location(self) -> Environment:
        """Where an environment is that follows no other, as DataZone spells it."""
        return {"awsAccount": {"awsAccountId": self.aws_account}, "awsRegion": {"regionName": self.aws_region}}

    def environment(
        self, name: str, blueprint: str, order: int, parameters: list[ParameterOverride], where: Environment
    ) -> Environment:
        """Return one environment configuration as DataZone spells it."""
        return {
            "name": name,
            "environmentBlueprintId": blueprint,
            "deploymentMode": "ON_CREATE",
            "deploymentOrder": order,
            **where,
            "configurationParameters": {"parameterOverrides": [item.for_datazone() for item in parameters]},
        }

    def ours(self, profile_name: str, where: Environment) -> Environment:
        """Return the environment that this resource adds to a profile, which tells its launches the profile's name.

        That is the name in Studio, where somebody may have renamed the profile.
        """
        told = ParameterOverride(name=PROFILE_PARAMETER, value=profile_name)
        parameters = [*self.parameters, told]
        return self.environment(
            self.environment_name, self.environment_blueprint_id, self.deployment_order, parameters, where
        )


@dataclass(frozen=True)
class Observed:
    """What the domain has of it. `tooling`: the managed blueprint; `former_unit`: the one an Update moves from."""

    profile: Profile | None
    domain_unit: str = ""
    tooling: str = ""
    grants: tuple[Grant, ...] = ()
    former_unit: str = ""
    former_grants: tuple[Grant, ...] = ()
    pools: Pools = field(default_factory=dict)


Action = Literal["create", "update", "keep", "delete", "nothing"]


@dataclass(frozen=True)
class Plan:
    """What to write. To change a grant's profile list, a new grant is added and the old one is removed.

    `outdated`: grants to remove the profile from, and their domain units.
    """

    action: Action
    profile: Profile | None = None
    domain_unit: str = ""
    principals: tuple[Mapping[str, Any], ...] = ()
    grants: tuple[Grant, ...] = ()
    outdated: tuple[tuple[str, Grant], ...] = ()


def _provisional(properties: StudioProjectProfileProperties) -> str:
    return f"{properties.domain_id}/{properties.profile_name}"


def _replaced(request: Request[StudioProjectProfileProperties]) -> bool:
    new, old = request.properties, request.old
    if old is None:
        return False
    return (old.profile_name, old.domain_id) != (new.profile_name, new.domain_id)


def _granted_before(request: Request[StudioProjectProfileProperties]) -> StudioProjectProfileProperties | None:
    """Return the properties before an update by which the same profile was granted, if it was."""
    old = request.old
    return old if request.type == "Update" and old and old.own and not _replaced(request) else None


def _principals(properties: StudioProjectProfileProperties) -> tuple[Mapping[str, Any], ...]:
    """Return who may create projects from our own profile: the named groups, else everybody in the domain."""
    if properties.groups:
        return tuple({"group": {"groupIdentifier": group}} for group in properties.groups)
    return ({"user": {"allUsersGrantFilter": {}}},)


def granted(grants: tuple[Grant, ...], principal: Mapping[str, Any], profile_id: str) -> bool:
    """Tell whether a principal may use the profile: it is listed, or the grant lists none, so means all.

    A principal may have several grants (docs/studio.md, A07).
    """
    return any(
        grant.principal == principal and (not (listed := _listed(grant)) or profile_id in listed) for grant in grants
    )


def _listed(grant: Grant) -> list[str]:
    return list(grant.detail.get("createProjectFromProjectProfile", {}).get("projectProfiles") or [])


def _outdated(
    request: Request[StudioProjectProfileProperties], observed: Observed, profile_id: str
) -> tuple[tuple[str, Grant], ...]:
    """Return the grants, each with its domain unit, by which whom the old properties name may still use the profile.

    A grant to others, or one that lists no profiles and so means all, was not made here.
    """
    old = _granted_before(request)
    if old is None:
        return ()
    before, now = _principals(old), _principals(request.properties)
    candidates = [
        *((observed.former_unit, grant) for grant in observed.former_grants),
        *((observed.domain_unit, grant) for grant in observed.grants if grant.principal not in now),
    ]
    return tuple(
        (unit, grant) for unit, grant in candidates if grant.principal in before and profile_id in _listed(grant)
    )


def _where(
    request: Request[StudioProjectProfileProperties], tooling: Environment, pools: Pools, name: str
) -> Environment:
    """Return where our environment is: where the tooling is. Raises ProfileElsewhere.

    In an installation of one account it is that account's, in its region, unless a pool resolves the account.
    """
    properties = request.properties
    if not properties.places:
        return of_one_account(name, tooling, properties.location)
    parts = f"{request.stack_id}:::::".split(":")
    require_listed(name, tooling, pools, properties.places, own=f"{parts[4]}/{parts[3]}")
    return location_of(tooling)


def _own_where(request: Request[StudioProjectProfileProperties], observed: Observed) -> Environment:
    """Return where a profile of ours is: where the settings say, unless somebody gave its tooling account pools."""
    properties, found = request.properties, observed.profile
    there = [each for each in found.environments if each["environmentBlueprintId"] == observed.tooling] if found else []
    if found and there and "accountPools" in location_of(there[0]):
        return _where(request, there[0], observed.pools, found.name)
    return properties.location


def _joined(
    request: Request[StudioProjectProfileProperties], found: Profile | None, pools: Pools
) -> tuple[Action, Profile]:
    """Decide for a profile of somebody else: our environment joins the others, or stays away."""
    properties = request.properties
    if found is None:
        raise ProfileMissing(domain=properties.domain_id, profile=properties.profile_name)
    old = request.old.environment_blueprint_id if request.old else ""
    blueprint, order = properties.environment_blueprint_id, properties.deployment_order
    tooling = tooling_of([each for each in found.environments if not _is_ours(each, old)], blueprint, order)
    if tooling is None:
        raise ProfileWithoutTooling(profile=found.name, order=order)
    ours = properties.ours(found.name, _where(request, tooling, pools, found.name))
    there = found.environments
    environments = with_ours(there, ours, old) if properties.joined else without_ours(there, blueprint)
    same = comparable(environments) == comparable(there)
    return "keep" if same else "update", Profile(found.id, found.name, environments, enabled=False)


def _is_ours(environment: Environment, blueprint: str) -> bool:
    return bool(blueprint) and environment["environmentBlueprintId"] == blueprint


def _leaving(request: Request[StudioProjectProfileProperties], observed: Observed) -> Plan:
    """Decide for a Delete: a profile of our own goes, somebody else's loses our environment."""
    properties, found, blueprint = request.properties, observed.profile, request.properties.environment_blueprint_id
    if found is None or not any(item["environmentBlueprintId"] == blueprint for item in found.environments):
        return Plan("nothing")
    if found.name != properties.profile_name and not request.stack_ends:
        return Plan("nothing")  # renamed in Studio and in the settings: another resource has it by its new name
    if properties.own:
        return Plan("delete", found, observed.domain_unit, grants=observed.grants)
    return Plan("update", Profile(found.id, found.name, without_ours(found.environments, blueprint), enabled=False))


def _regrant(clients: Clients, domain_id: str, domain_unit: str, there: Grant, profiles: set[str]) -> None:
    """Replace a principal's grant with one for exactly these profiles, new one first: a grant cannot be changed."""
    host = clients.blueprints
    detail = {"createProjectFromProjectProfile": {"includeChildDomainUnits": True, "projectProfiles": sorted(profiles)}}
    detail["createProjectFromProjectProfile"] |= {
        key: value
        for key, value in there.detail.get("createProjectFromProjectProfile", {}).items()
        if key == "includeChildDomainUnits"
    }
    new = Grant("", there.principal, detail)
    added = ""
    if profiles:
        try:
            added = host.add_grant(domain_id, _ENTITY, domain_unit, _POLICY, new)
        except NameTaken:
            host.remove_grant(domain_id, _ENTITY, domain_unit, _POLICY, there)
            host.add_grant(domain_id, _ENTITY, domain_unit, _POLICY, new)
            return
    if there.id and there.id != added:
        host.remove_grant(domain_id, _ENTITY, domain_unit, _POLICY, there)


class StudioProjectProfile(CustomResource[StudioProjectProfileProperties, Observed, Plan]):
    """Custom::StudioProjectProfile: puts our environment into a project profile."""

    properties = StudioProjectProfileProperties

    def __init__(self, clients: Clients) -> None:
        """Take the clients."""
        self._clients = clients

    def provisional_id(self, properties: StudioProjectProfileProperties) -> str:
        """Name it before it exists."""
        return _provisional(properties)

    @contextmanager
    def observe(self, request: Request[StudioProjectProfileProperties]) -> Iterator[Observed]:
        """Look what the domain has of it. A domain that is gone has nothing, and a Delete nothing to do."""
        yield unless_gone(request, self._clients.blueprints, lambda: self._observed(request), Observed(None))

    def _observed(self, request: Request[StudioProjectProfileProperties]) -> Observed:
        """Find the profile by its id where we know it, else by its name."""
        properties, host = request.properties, self._clients.blueprints
        known = request.physical_id if "/" not in request.physical_id and not _replaced(request) else ""
        profile_id = known or host.profile_id(properties.domain_id, properties.profile_name)
        found = host.profile(properties.domain_id, profile_id) if profile_id else None
        pools = self._pools(properties, found)
        if not properties.own:
            return Observed(found, pools=pools)
        root = host.root_domain_unit(properties.domain_id)
        unit = properties.domain_unit_id or root
        tooling = properties.tooling_blueprint_id or host.blueprint_id(properties.domain_id, TOOLING, managed=True)
        grants = tuple(host.grants(properties.domain_id, _ENTITY, unit, _POLICY))
        granted_before = _granted_before(request)
        former = (granted_before.domain_unit_id or root) if granted_before else unit
        if former == unit:
            return Observed(found, unit, tooling, grants, pools=pools)
        left = tuple(host.grants(properties.domain_id, _ENTITY, former, _POLICY))
        return Observed(found, unit, tooling, grants, former, left, pools)

    def _pools(self, properties: StudioProjectProfileProperties, found: Profile | None) -> Pools:
        """Return the accounts of the profile's account pools, where they are compared with the settings."""
        if found is None or not properties.places:
            return {}
        host, domain_id = self._clients.blueprints, properties.domain_id
        return {pool: host.accounts_of_pool(domain_id, pool) for pool in pools_of(found.environments)}

    def plan(self, request: Request[StudioProjectProfileProperties], observed: Observed) -> Plan:
        """Decide. A profile that we did not make is never created, deleted or stripped of what others put there."""
        properties, found = request.properties, observed.profile
        blueprint = properties.environment_blueprint_id
        if request.type == "Delete":
            return _leaving(request, observed)
        if not properties.own:
            return Plan(*_joined(request, found, observed.pools))
        if not observed.tooling:
            raise ToolingBlueprintMissing(domain=properties.domain_id, blueprint=TOOLING)
        where = _own_where(request, observed)
        tooling = properties.environment(TOOLING, observed.tooling, 0, properties.tooling_parameters, where)
        rest = {"domain_unit": observed.domain_unit, "principals": _principals(properties), "grants": observed.grants}
        if found is None:
            name = properties.profile_name
            wanted = Profile("", name, (tooling, properties.ours(name, where)), properties.description)
            return Plan("create", wanted, **rest)  # type: ignore[arg-type]
        old = request.old.environment_blueprint_id if request.old else ""
        if request.type == "Create" and not any(
            item["environmentBlueprintId"] == blueprint for item in found.environments
        ):
            raise ProfileNameTaken(profile=found.name)
        environments = with_ours(with_ours(found.environments, tooling), properties.ours(found.name, where), old)
        wanted = Profile(found.id, found.name, environments, properties.description)
        same = comparable(environments) == comparable(found.environments) and found.enabled
        action: Action = "keep" if same and found.description == properties.description else "update"
        return Plan(action, wanted, **rest, outdated=_outdated(request, observed, found.id))  # type: ignore[arg-type]

    def apply(
        self, plan: Plan, request: Request[StudioProjectProfileProperties], ensure_current: Callable[[], None]
    ) -> Done | Replan:
        """Write the profile, then the grants on it."""
        domain_id, host, profile = request.properties.domain_id, self._clients.blueprints, plan.profile
        if profile is None:
            return Done()
        profile_id = profile.id
        if plan.action == "delete":
            self._delete(domain_id, plan, profile_id)
            return Done()
        if plan.action == "create":
            try:
                profile_id = host.create_profile(domain_id, profile, plan.domain_unit)
            except NameTaken as taken:
                return Replan(str(taken))
        elif plan.action == "update":
            host.update_profile(domain_id, profile)
        for principal in plan.principals:
            if granted(plan.grants, principal, profile_id):
                continue
            ensure_current()
            there = next((grant for grant in plan.grants if grant.principal == principal), Grant("", principal, {}))
            _regrant(self._clients, domain_id, plan.domain_unit, there, {*_listed(there), profile_id})
        for unit, grant in plan.outdated:
            ensure_current()
            _regrant(self._clients, domain_id, unit, grant, set(_listed(grant)) - {profile_id})
        return Done({"ProjectProfileId": profile_id, "ProfileName": profile.name}, physical_id=profile_id)

    def _delete(self, domain_id: str, plan: Plan, profile_id: str) -> None:
        self._clients.blueprints.delete_profile(domain_id, profile_id)
        for grant in plan.grants:
            if profile_id in _listed(grant):
                _regrant(self._clients, domain_id, plan.domain_unit, grant, set(_listed(grant)) - {profile_id})

    def foresee(self, request: Request[StudioProjectProfileProperties], observed: Observed, plan: Plan) -> Foreseen:
        """Report nothing: an administrator's stack, so no repository is touched."""
        return Foreseen()
