"""Custom::StudioBlueprintConfiguration: an account of projects enables the blueprint of another account's domain.

DataZone keeps one configuration for an account and blueprint. A principal of that account can write it, in the
domain's region (docs/studio.md, A39). This resource writes and removes only its own account's. DataZone's reference
has no error for a configuration that environments need: this resource checks whether projects are left.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from custom_resources.blueprint_enabling import (
    ENTITY,
    POLICY,
    configure,
    entity,
    outdated_grants,
    projects_in_regions,
    some_of,
    wanted_grants,
)
from custom_resources.clients.blueprints import Configuration, Grant
from custom_resources.errors import BlueprintMissing, ConfigurationInUse, FinalError, NameTaken, RegionNotEnabled
from custom_resources.properties import Properties
from custom_resources.reconciler import CustomResource, Done, Foreseen, Replan, Request
from custom_resources.studio_domain import unless_gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.protocols import Clients


class StudioBlueprintConfigurationProperties(Properties):
    """Desired state. `home`: the account's configuration is this resource's; else it only guards a further region."""

    domain_id: str = Field(pattern=r"^dzd[-_][a-zA-Z0-9_-]{1,36}\Z")
    blueprint_name: str = Field(pattern=r"^[\w -]{1,64}\Z")
    provisioning_role_arn: str = Field(min_length=1)
    manage_access_role_arn: str = ""
    enabled_regions: list[str] = Field(min_length=1)
    domain_unit_id: str = ""
    home: bool = True

    @property
    def configuration(self) -> Configuration:
        """The configuration as it should be."""
        regions = tuple(sorted(self.enabled_regions))
        return Configuration(self.provisioning_role_arn, regions, self.manage_access_role_arn, {})


@dataclass(frozen=True)
class Observed:
    """What the domain has of it. `former_unit`: the domain unit that an Update moves its grants from."""

    blueprint_id: str
    domain_unit: str = ""
    former_unit: str = ""
    configuration: Configuration | None = None
    grants: tuple[Grant, ...] = ()
    projects: tuple[str, ...] = ()  # that would be left without what their environments need


@dataclass(frozen=True)
class Plan:
    """What to write. `delete`: this account's configuration and grants go, the blueprint stays."""

    blueprint_id: str = ""
    configure: bool = False
    delete: bool = False
    add: tuple[Grant, ...] = ()
    remove: tuple[Grant, ...] = ()


def _replaced(request: Request[StudioBlueprintConfigurationProperties]) -> bool:
    """Tell whether the update is for another blueprint: CloudFormation disables the old one afterwards."""
    new, old = request.properties, request.old
    return old is not None and (old.blueprint_name, old.domain_id) != (new.blueprint_name, new.domain_id)


def _leaving(request: Request[StudioBlueprintConfigurationProperties], there: Configuration | None) -> tuple[str, ...]:
    """Return the regions whose environments would lose what they need: the role, or its place in their region."""
    properties, enabled = request.properties, there.regions if there else ()
    if not properties.home:
        return tuple(properties.enabled_regions) if request.type == "Delete" else ()
    kept = () if request.type == "Delete" else properties.enabled_regions
    return tuple(region for region in enabled if region not in kept)


def _require_enabled(properties: StudioBlueprintConfigurationProperties, there: Configuration | None) -> None:
    """Refuse a further region that the account's home has not enabled. Raises RegionNotEnabled."""
    missing = [region for region in properties.enabled_regions if there is None or region not in there.regions]
    if missing:
        raise RegionNotEnabled(blueprint=properties.blueprint_name, region=missing[0])


class StudioBlueprintConfiguration(CustomResource[StudioBlueprintConfigurationProperties, Observed, Plan]):
    """Custom::StudioBlueprintConfiguration: enables and grants the blueprint in this account."""

    properties = StudioBlueprintConfigurationProperties

    def __init__(self, clients: Clients) -> None:
        """Take the clients."""
        self._clients = clients

    def provisional_id(self, properties: StudioBlueprintConfigurationProperties) -> str:
        """Name it before it exists."""
        return f"{properties.domain_id}/{properties.blueprint_name}"

    @contextmanager
    def observe(self, request: Request[StudioBlueprintConfigurationProperties]) -> Iterator[Observed]:
        """Look what the domain has of it. A domain that is gone has nothing, and a Delete nothing to do."""
        yield unless_gone(request, self._clients.blueprints, lambda: self._observed(request), Observed(""))

    def _observed(self, request: Request[StudioBlueprintConfigurationProperties]) -> Observed:
        """Find the blueprint by its id where we know it, else by its name."""
        properties, host = request.properties, self._clients.blueprints
        known = request.physical_id if "/" not in request.physical_id and not _replaced(request) else ""
        blueprint_id = known or host.blueprint_id(properties.domain_id, properties.blueprint_name)
        if not blueprint_id:
            return Observed("")
        configuration = host.configuration(properties.domain_id, blueprint_id)
        projects = projects_in_regions(self._clients, _leaving(request, configuration))
        if not properties.home:
            return Observed(blueprint_id, configuration=configuration, projects=projects)
        unit, former = self._units(request)
        grants: tuple[Grant, ...] = ()
        if configuration:
            grants = tuple(host.grants(properties.domain_id, ENTITY, entity(request, blueprint_id), POLICY))
        return Observed(blueprint_id, unit, former, configuration, grants, projects)

    def _units(self, request: Request[StudioBlueprintConfigurationProperties]) -> tuple[str, str]:
        """Return the domain units that projects are granted the blueprint below: now, and before an update."""
        properties = request.properties
        old = request.old if request.type == "Update" and not _replaced(request) else None
        unit, former = properties.domain_unit_id, old.domain_unit_id if old else properties.domain_unit_id
        if request.type == "Delete" or (unit and former):
            return unit, former
        root = self._clients.blueprints.root_domain_unit(properties.domain_id)
        return unit or root, former or root

    def plan(self, request: Request[StudioBlueprintConfigurationProperties], observed: Observed) -> Plan:
        """Decide what to write; nothing where everything is as desired.

        Raises BlueprintMissing, ConfigurationInUse, RegionNotEnabled.
        """
        properties, there = request.properties, observed.configuration
        if observed.projects:
            raise ConfigurationInUse(blueprint=properties.blueprint_name, projects=some_of(observed.projects))
        if request.type == "Delete":
            return Plan(observed.blueprint_id, delete=properties.home and there is not None, remove=observed.grants)
        if not observed.blueprint_id:
            raise BlueprintMissing(domain=properties.domain_id, blueprint=properties.blueprint_name)
        if not properties.home:
            _require_enabled(properties, there)
            return Plan(observed.blueprint_id)
        wanted = wanted_grants(observed.domain_unit)
        granted = [grant.principal for grant in observed.grants]
        return Plan(
            observed.blueprint_id,
            configure=there != properties.configuration,
            add=tuple(grant for grant in wanted if grant.principal not in granted),
            remove=outdated_grants(observed.grants, wanted, observed.former_unit),
        )

    def apply(
        self, plan: Plan, request: Request[StudioBlueprintConfigurationProperties], ensure_current: Callable[[], None]
    ) -> Done | Replan:
        """Write: the configuration, the grants."""
        properties, host = request.properties, self._clients.blueprints
        domain_id, named = properties.domain_id, entity(request, plan.blueprint_id)
        if plan.configure:
            ensure_current()
            configure(host, request, domain_id, plan.blueprint_id, properties.configuration)
        for grant in plan.add:
            ensure_current()
            try:
                host.add_grant(domain_id, ENTITY, named, POLICY, grant)
            except NameTaken as there:
                return Replan(str(there))
        if plan.delete:
            self._disable(request, plan)
            return Done()
        for grant in plan.remove:
            ensure_current()
            host.remove_grant(domain_id, ENTITY, named, POLICY, grant)
        if not plan.blueprint_id:
            return Done()
        return Done({"EnvironmentBlueprintId": plan.blueprint_id}, physical_id=plan.blueprint_id)

    def _disable(self, request: Request[StudioBlueprintConfigurationProperties], plan: Plan) -> None:
        """Remove the grants, then the configuration; in use after all, the grants come back."""
        host, domain_id, named = (
            self._clients.blueprints,
            request.properties.domain_id,
            entity(request, plan.blueprint_id),
        )
        for grant in plan.remove:
            host.remove_grant(domain_id, ENTITY, named, POLICY, grant)
        try:
            host.delete_configuration(domain_id, plan.blueprint_id)
        except FinalError:  # in use by environments that nobody shows us: the API has no error of its own for that
            for grant in plan.remove:
                host.add_grant(domain_id, ENTITY, named, POLICY, grant)
            raise

    def foresee(
        self, request: Request[StudioBlueprintConfigurationProperties], observed: Observed, plan: Plan
    ) -> Foreseen:
        """Report nothing: an administrator's stack, so no repository is touched."""
        return Foreseen()
