"""Custom::StudioBlueprint: the blueprint is registered in the Studio domain, enabled, and may be used by projects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from custom_resources.blueprint_enabling import (
    ENTITY,
    POLICY,
    configure,
    entity,
    launched_projects,
    outdated_grants,
    some_of,
    wanted_grants,
)
from custom_resources.clients.blueprints import Blueprint, Configuration, Grant
from custom_resources.errors import (
    BlueprintInUse,
    FinalError,
    InUse,
    NameTaken,
)
from custom_resources.properties import Properties
from custom_resources.reconciler import CustomResource, Done, Foreseen, Replan, Request
from custom_resources.studio_domain import unless_gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.protocols import Clients


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
    """Desired state. `configured`: enabled in this account, too; else each account of projects does that for itself."""

    domain_id: str = Field(pattern=r"^dzd[-_][a-zA-Z0-9_-]{1,36}\Z")
    name: str = Field(pattern=r"^[\w -]{1,64}\Z")
    description: str = ""
    template_url: str = Field(pattern=r"^https?://")
    user_parameters: list[UserParameter] = Field(default_factory=list)
    configured: bool = True
    provisioning_role_arn: str = ""
    manage_access_role_arn: str = ""
    enabled_regions: list[str] = Field(default_factory=list)
    regional_parameters: dict[str, dict[str, str]] = Field(default_factory=dict)
    domain_unit_id: str = ""

    @model_validator(mode="after")
    def _enabled_with_a_role(self) -> StudioBlueprintProperties:
        if self.configured and not (self.provisioning_role_arn and self.enabled_regions):
            raise ValueError("ProvisioningRoleArn and EnabledRegions are needed to enable a blueprint")
        return self

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


def _provisional(properties: StudioBlueprintProperties) -> str:
    return f"{properties.domain_id}/{properties.name}"


def _replaced(request: Request[StudioBlueprintProperties]) -> bool:
    """Tell whether the update is for another blueprint: CloudFormation deletes the old one afterwards."""
    new, old = request.properties, request.old
    return old is not None and (old.name, old.domain_id) != (new.name, new.domain_id)


def _same(found: Blueprint, wanted: Blueprint) -> bool:
    """Compare what DataZone returns, which leaves empty fields out, with what we would send."""

    def plain(blueprint: Blueprint) -> tuple[Any, ...]:
        parameters = [{key: value for key, value in item.items() if value} for item in blueprint.parameters]
        return blueprint.description, blueprint.template_url, parameters

    return plain(found) == plain(wanted)


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
        if not request.properties.configured:  # the accounts' configurations are theirs
            raise
        projects = _projects_with(clients, request.properties, blueprint)
        if projects:
            raise BlueprintInUse(blueprint=blueprint.name, projects=some_of(projects)) from None
    for grant in grants:
        host.remove_grant(domain_id, ENTITY, entity(request, blueprint.id), POLICY, grant)
    try:
        host.delete_configuration(domain_id, blueprint.id)
        host.delete_blueprint(domain_id, blueprint.id)
    except FinalError:  # in use by environments that nobody shows us: they need what was taken away
        configure(host, request, domain_id, blueprint.id, request.properties.configuration)
        for grant in grants:
            host.add_grant(domain_id, ENTITY, entity(request, blueprint.id), POLICY, grant)
        raise


def _projects_with(clients: Clients, properties: StudioBlueprintProperties, blueprint: Blueprint) -> list[str]:
    """Return the projects that have the environment: as DataZone shows them, else as Service Catalog knows launches.

    DataZone shows environments to members of their project only (docs/studio.md, A20).
    """
    seen = clients.blueprints.projects_with(properties.domain_id, blueprint.id)
    product = next((each.default_value for each in properties.user_parameters if each.key_name == "ProductId"), "")
    return seen or launched_projects(clients, product)


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
        if request.type != "Delete" and properties.configured and not (unit and former):
            root = host.root_domain_unit(properties.domain_id)
            unit, former = unit or root, former or root
        if found is None or not properties.configured:
            return Observed(found, unit, former)
        configuration = host.configuration(properties.domain_id, found.id)
        grants: tuple[Grant, ...] = ()
        if configuration:
            grants = tuple(host.grants(properties.domain_id, ENTITY, entity(request, found.id), POLICY))
        return Observed(found, unit, former, configuration, grants)

    def plan(self, request: Request[StudioBlueprintProperties], observed: Observed) -> Plan:
        """Decide what to write; nothing where everything is as desired."""
        properties, found = request.properties, observed.blueprint
        if request.type == "Delete":
            return Plan("delete", found, remove=observed.grants) if found else Plan("nothing")
        wanted = wanted_grants(observed.domain_unit) if properties.configured else []
        if found is None:
            return Plan("create", properties.blueprint, configure=properties.configured, add=tuple(wanted))
        granted = [grant.principal for grant in observed.grants]
        return Plan(
            "keep" if _same(found, properties.blueprint) else "update",
            replace(properties.blueprint, id=found.id, name=found.name),
            configure=properties.configured and observed.configuration != properties.configuration,
            add=tuple(grant for grant in wanted if grant.principal not in granted),
            remove=outdated_grants(observed.grants, wanted, observed.former_unit),
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
            configure(host, request, properties.domain_id, blueprint.id, properties.configuration)
        for grant in plan.add:
            ensure_current()
            try:
                host.add_grant(properties.domain_id, ENTITY, entity(request, blueprint.id), POLICY, grant)
            except NameTaken as there:
                return Replan(str(there))
        for grant in plan.remove:
            ensure_current()
            host.remove_grant(properties.domain_id, ENTITY, entity(request, blueprint.id), POLICY, grant)
        return Done(
            {"EnvironmentBlueprintId": blueprint.id, "Name": blueprint.name, "TemplateUrl": properties.template_url},
            physical_id=blueprint.id,
        )

    def foresee(self, request: Request[StudioBlueprintProperties], observed: Observed, plan: Plan) -> Foreseen:
        """Report nothing: an administrator's stack, so no repository is touched."""
        return Foreseen()
