"""Custom::StudioBlueprint: the blueprint is registered in the Studio domain, enabled, and may be used by projects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from custom_resources.clients.blueprints import Blueprint, Configuration, Grant
from custom_resources.errors import (
    BlueprintInUse,
    FinalError,
    InUse,
    NameTaken,
    RoleNotReady,
    RoleNotSpread,
)
from custom_resources.properties import Properties
from custom_resources.reconciler import CustomResource, Done, Foreseen, Replan, Request
from custom_resources.studio_domain import unless_gone
from custom_resources.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.protocols import Blueprints, Clients

ROLE_PATIENCE_SECONDS = 120  # IAM spreads a new role within seconds; after that the role is wrong
_DOOR = "blueprint"  # as launches through it are tagged
_LAUNCH_NAME_PREFIX = "studio-"
_DESIGNATIONS = ("OWNER", "CONTRIBUTOR")
_ENTITY: Literal["ENVIRONMENT_BLUEPRINT_CONFIGURATION"] = "ENVIRONMENT_BLUEPRINT_CONFIGURATION"
_POLICY: Literal["CREATE_ENVIRONMENT_FROM_BLUEPRINT"] = "CREATE_ENVIRONMENT_FROM_BLUEPRINT"


class UserParameter(Properties):
    """A parameter of the blueprint's template that a profile or a user may set."""

    key_name: str = Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*\Z")
    field_type: str = "string"
    default_value: str = ""
    description: str = ""
    is_editable: bool = False
    is_optional: bool = True
    is_update_supported: bool = False

    def for_datazone(self) -> dict[str, Any]:
        """Return DataZone's spelling of it."""
        return {
            "keyName": self.key_name,
            "fieldType": self.field_type,
            "defaultValue": self.default_value,
            "description": self.description,
            "isEditable": self.is_editable,
            "isOptional": self.is_optional,
            "isUpdateSupported": self.is_update_supported,
        }


class StudioBlueprintProperties(Properties):
    """Desired state."""

    domain_id: str = Field(pattern=r"^dzd[-_][a-zA-Z0-9_-]{1,36}\Z")
    name: str = Field(pattern=r"^[\w -]{1,64}\Z")
    description: str = ""
    template_url: str = Field(pattern=r"^https?://")
    user_parameters: list[UserParameter] = Field(default_factory=list)
    provisioning_role_arn: str = Field(min_length=1)
    manage_access_role_arn: str = ""
    enabled_regions: list[str] = Field(min_length=1)
    regional_parameters: dict[str, dict[str, str]] = Field(default_factory=dict)
    domain_unit_id: str = ""

    @property
    def blueprint(self) -> Blueprint:
        """The blueprint as it should be; its id is not known here."""
        parameters = tuple(parameter.for_datazone() for parameter in self.user_parameters)
        return Blueprint("", self.name, self.description, self.template_url, parameters)

    @property
    def configuration(self) -> Configuration:
        """The configuration as it should be."""
        return Configuration(
            self.provisioning_role_arn,
            tuple(sorted(self.enabled_regions)),
            self.manage_access_role_arn,
            self.regional_parameters,
        )


@dataclass(frozen=True)
class Observed:
    """What the domain has of it. `former_unit`: the domain unit that an Update moves its grants from."""

    blueprint: Blueprint | None
    domain_unit: str = ""
    former_unit: str = ""
    configuration: Configuration | None = None
    grants: tuple[Grant, ...] = ()


Action = Literal["create", "update", "keep", "delete", "nothing"]


@dataclass(frozen=True)
class Plan:
    """What to write."""

    action: Action
    blueprint: Blueprint | None = None
    configure: bool = False
    add: tuple[Grant, ...] = ()
    remove: tuple[Grant, ...] = ()


def _entity(request: Request[Any], blueprint_id: str) -> str:
    """Return how grants name a blueprint: with the account that it is configured in."""
    return f"{f'{request.stack_id}:::::'.split(':')[4]}:{blueprint_id}"


def _provisional(properties: StudioBlueprintProperties) -> str:
    return f"{properties.domain_id}/{properties.name}"


def _replaced(request: Request[StudioBlueprintProperties]) -> bool:
    """Tell whether the update is for another blueprint: CloudFormation deletes the old one afterwards."""
    new, old = request.properties, request.old
    return bool(old) and old is not None and (old.name, old.domain_id) != (new.name, new.domain_id)


def _wanted_grants(domain_unit: str) -> list[Grant]:
    """Return the grants that let projects below the domain unit use the blueprint."""
    unit = {"domainUnit": domain_unit, "includeChildDomainUnits": True}
    return [
        Grant(
            "",
            {"project": {"projectDesignation": who, "projectGrantFilter": {"domainUnitFilter": unit}}},
            {"createEnvironmentFromBlueprint": {}},
        )
        for who in _DESIGNATIONS
    ]


def _same(found: Blueprint, wanted: Blueprint) -> bool:
    """Compare what DataZone returns, which leaves empty fields out, with what we would send."""

    def plain(blueprint: Blueprint) -> tuple[Any, ...]:
        parameters = [{key: value for key, value in item.items() if value} for item in blueprint.parameters]
        return blueprint.description, blueprint.template_url, parameters

    return plain(found) == plain(wanted)


def _configure(host: Blueprints, request: Request[StudioBlueprintProperties], blueprint_id: str) -> None:
    try:
        host.configure(request.properties.domain_id, blueprint_id, request.properties.configuration)
    except RoleNotReady as error:
        if time.time() - request.started < ROLE_PATIENCE_SECONDS:
            role = request.properties.provisioning_role_arn
            raise RoleNotSpread(10, role=role, message=error.holes["message"]) from error
        raise


def _delete(
    clients: Clients, request: Request[StudioBlueprintProperties], blueprint: Blueprint, grants: tuple[Grant, ...]
) -> None:
    """Delete the blueprint before its configuration: without that, environments still there could not be deleted.

    The configuration goes with the blueprint (docs/studio.md, A05).
    """
    domain_id, host = request.properties.domain_id, clients.blueprints
    try:
        host.delete_blueprint(domain_id, blueprint.id)
        return
    except InUse:
        projects = _projects_with(clients, request.properties, blueprint)
        if projects:
            names = ", ".join(projects[:5]) + (", ..." if len(projects) > 5 else "")
            raise BlueprintInUse(blueprint=blueprint.name, projects=names) from None
    for grant in grants:
        host.remove_grant(domain_id, _ENTITY, _entity(request, blueprint.id), _POLICY, grant)
    host.delete_configuration(domain_id, blueprint.id)
    try:
        host.delete_blueprint(domain_id, blueprint.id)
    except InUse:  # by environments that nobody shows us: they need what was taken away
        _configure(host, request, blueprint.id)
        for grant in grants:
            host.add_grant(domain_id, _ENTITY, _entity(request, blueprint.id), _POLICY, grant)
        raise


def _projects_with(clients: Clients, properties: StudioBlueprintProperties, blueprint: Blueprint) -> list[str]:
    """Return the projects that have the environment: as DataZone shows them, else as Service Catalog knows launches.

    DataZone shows environments to members of their project only (docs/studio.md, A20).
    """
    seen = clients.blueprints.projects_with(properties.domain_id, blueprint.id)
    product = next((each.default_value for each in properties.user_parameters if each.key_name == "ProductId"), "")
    if seen or not product:
        return seen
    try:
        launched = clients.service_catalog.launched_by(product, _DOOR)
    except FinalError as unknown:  # DataZone's own refusal then says that it is in use
        logger.warning("launches are not known", why=unknown.why)
        return []
    return [name.removeprefix(_LAUNCH_NAME_PREFIX) for name in launched]


class StudioBlueprint(CustomResource[StudioBlueprintProperties, Observed, Plan]):
    """Custom::StudioBlueprint: registers, enables and grants the blueprint."""

    properties = StudioBlueprintProperties

    def __init__(self, clients: Clients) -> None:
        """Take the clients."""
        self._clients = clients

    def provisional_id(self, properties: StudioBlueprintProperties) -> str:
        """Name it before it exists."""
        return _provisional(properties)

    @contextmanager
    def observe(self, request: Request[StudioBlueprintProperties]) -> Iterator[Observed]:
        """Look what the domain has of it. A domain that is gone has nothing, and a Delete nothing to do."""
        yield unless_gone(request, self._clients.blueprints, lambda: self._observed(request), Observed(None))

    def _observed(self, request: Request[StudioBlueprintProperties]) -> Observed:
        """Find the blueprint by its id where we know it, else by its name: a Create that was cut short.

        If CloudFormation cut it off, the id is one of its own, and nothing is found (docs/studio.md, A18).
        """
        properties, host = request.properties, self._clients.blueprints
        known = request.physical_id if "/" not in request.physical_id and not _replaced(request) else ""
        blueprint_id = known or host.blueprint_id(properties.domain_id, properties.name)
        found = host.blueprint(properties.domain_id, blueprint_id) if blueprint_id else None
        old = request.old if request.type == "Update" and not _replaced(request) else None
        unit, former = properties.domain_unit_id, old.domain_unit_id if old else properties.domain_unit_id
        if request.type != "Delete" and not (unit and former):
            root = host.root_domain_unit(properties.domain_id)
            unit, former = unit or root, former or root
        if found is None:
            return Observed(None, unit, former)
        configuration = host.configuration(properties.domain_id, found.id)
        grants: tuple[Grant, ...] = ()
        if configuration:
            grants = tuple(host.grants(properties.domain_id, _ENTITY, _entity(request, found.id), _POLICY))
        return Observed(found, unit, former, configuration, grants)

    def plan(self, request: Request[StudioBlueprintProperties], observed: Observed) -> Plan:
        """Decide what to write; nothing where everything is as desired."""
        properties, found = request.properties, observed.blueprint
        if request.type == "Delete":
            return Plan("delete", found, remove=observed.grants) if found else Plan("nothing")
        wanted = _wanted_grants(observed.domain_unit)
        if found is None:
            return Plan("create", properties.blueprint, configure=True, add=tuple(wanted))
        granted = [grant.principal for grant in observed.grants]
        kept = [grant.principal for grant in wanted]
        former = [grant.principal for grant in _wanted_grants(observed.former_unit) if grant.principal not in kept]
        return Plan(
            "keep" if _same(found, properties.blueprint) else "update",
            replace(properties.blueprint, id=found.id, name=found.name),
            configure=observed.configuration != properties.configuration,
            add=tuple(grant for grant in wanted if grant.principal not in granted),
            remove=tuple(grant for grant in observed.grants if grant.principal in former),
        )

    def apply(
        self, plan: Plan, request: Request[StudioBlueprintProperties], ensure_current: Callable[[], None]
    ) -> Done | Replan:
        """Write: the blueprint, its configuration, the grants."""
        properties, host, blueprint = request.properties, self._clients.blueprints, plan.blueprint
        if blueprint is None:
            return Done()
        if plan.action == "delete":
            _delete(self._clients, request, blueprint, plan.remove)
            return Done()
        if plan.action == "create":
            try:
                blueprint = replace(blueprint, id=host.create_blueprint(properties.domain_id, blueprint))
            except NameTaken as taken:
                return Replan(str(taken))
        elif plan.action == "update":
            host.update_blueprint(properties.domain_id, blueprint)
        if plan.configure:
            ensure_current()
            _configure(host, request, blueprint.id)
        for grant in plan.add:
            ensure_current()
            try:
                host.add_grant(properties.domain_id, _ENTITY, _entity(request, blueprint.id), _POLICY, grant)
            except NameTaken as there:
                return Replan(str(there))
        for grant in plan.remove:
            ensure_current()
            host.remove_grant(properties.domain_id, _ENTITY, _entity(request, blueprint.id), _POLICY, grant)
        return Done(
            {"EnvironmentBlueprintId": blueprint.id, "Name": blueprint.name, "TemplateUrl": properties.template_url},
            physical_id=blueprint.id,
        )

    def foresee(self, request: Request[StudioBlueprintProperties], observed: Observed, plan: Plan) -> Foreseen:
        """Report nothing: an administrator's stack, so no repository is touched."""
        return Foreseen()
