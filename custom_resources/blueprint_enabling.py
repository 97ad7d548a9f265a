"""How a blueprint is enabled in an account: its configuration, its grants, and the projects that have it by now."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from custom_resources.clients.blueprints import Configuration, Grant
from custom_resources.errors import FinalError, RoleNotReady, RoleNotSpread
from custom_resources.telemetry import logger

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Blueprints, Clients
    from custom_resources.reconciler import Request

ROLE_PATIENCE_SECONDS = 120  # IAM spreads a new role within seconds; after that the role is wrong
_DOOR = "blueprint"  # as launches through it are tagged
_SHOWN = 5  # projects, in a sentence
_LAUNCH_NAME_PREFIX = "studio-"
_DESIGNATIONS = ("OWNER", "CONTRIBUTOR")
ENTITY: Literal["ENVIRONMENT_BLUEPRINT_CONFIGURATION"] = "ENVIRONMENT_BLUEPRINT_CONFIGURATION"
POLICY: Literal["CREATE_ENVIRONMENT_FROM_BLUEPRINT"] = "CREATE_ENVIRONMENT_FROM_BLUEPRINT"


def entity(request: Request[Any], blueprint_id: str) -> str:
    """Return how grants name a blueprint: with the account that it is configured in."""
    return f"{f'{request.stack_id}:::::'.split(':')[4]}:{blueprint_id}"


def wanted_grants(domain_unit: str) -> list[Grant]:
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


def outdated_grants(there: Iterable[Grant], wanted: Iterable[Grant], former_unit: str) -> tuple[Grant, ...]:
    """Return those of our grants that were for the domain unit before an update, and are not wanted any more."""
    kept = [grant.principal for grant in wanted]
    former = [grant.principal for grant in wanted_grants(former_unit) if grant.principal not in kept]
    return tuple(grant for grant in there if grant.principal in former)


def configure(
    host: Blueprints, request: Request[Any], domain_id: str, blueprint_id: str, wanted: Configuration
) -> None:
    """Enable a blueprint in this account. Raises RoleNotSpread while IAM may still be spreading a new role."""
    try:
        host.configure(domain_id, blueprint_id, wanted)
    except RoleNotReady as error:
        if time.time() - request.started < ROLE_PATIENCE_SECONDS:
            raise RoleNotSpread(10, role=wanted.provisioning_role, message=error.holes["message"]) from error
        raise


def some_of(projects: Sequence[str]) -> str:
    """Return the names that a sentence has room for."""
    return ", ".join([*projects[:_SHOWN], *(["..."] if len(projects) > _SHOWN else [])])


def projects_in_regions(clients: Clients, regions: Iterable[str]) -> tuple[str, ...]:
    """Return the projects of the blueprint's launches in regions of this account, each with its region.

    What cannot be known is raised: DataZone may take a configuration away while environments need it.
    """
    return tuple(
        f"{name.removeprefix(_LAUNCH_NAME_PREFIX)} ({region})"
        for region in sorted(set(regions))
        for name in clients.regional_launches.launched_by(region, _DOOR)
    )


def launched_projects(clients: Clients, product: str) -> list[str]:
    """Return the projects of the blueprint's launches from a product, of which "" has none."""
    if not product:
        return []
    try:
        launched = clients.service_catalog.launched_by(product, _DOOR)
    except FinalError as unknown:  # DataZone's own refusal then says that it is in use
        logger.warning("launches are not known", why=unknown.why)
        return []
    return [name.removeprefix(_LAUNCH_NAME_PREFIX) for name in launched]
