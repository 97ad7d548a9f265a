"""What is published, what is live, and what every project has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from custom_resources.errors import Problem
from operations.deployed import offered_product
from operations.fleet.facts import Fleet
from operations.fleet.gathering import GitHubSide, fleet_of
from products.errors import VersionMalformed
from products.versions import version_order

if TYPE_CHECKING:
    from custom_resources.clients.service_catalog import Launch, ProductVersion, ServiceCatalog
    from custom_resources.clients.stacks import CloudFormationStacks
    from products.versions import Version


@dataclass(frozen=True)
class VersionStatus:
    """A version here (`published`, with the guidance its record wishes) and in Service Catalog (`live`, "" = not)."""

    version: str
    published: str
    live: str
    launches: int
    notes: str = ""


def _nothing() -> Fleet:
    return Fleet(datetime.now(UTC).isoformat(timespec="seconds"), "")


@dataclass(frozen=True)
class Status:
    """Everything `operations status` tells. `problem` says why nothing live could be read."""

    versions: tuple[VersionStatus, ...]
    launches: tuple[Launch, ...] = ()
    problem: str = ""
    fleet: Fleet = field(default_factory=_nothing)


def status(
    published: Sequence[Version],
    connect: Callable[[], tuple[ServiceCatalog, CloudFormationStacks]],
    product_name: str,
    github: GitHubSide,
    *,
    version: str = "",
    reviews: bool = False,
) -> Status:
    """Compare what is published here with what is live; a Service Catalog that cannot be read is a problem told.

    `version` is the one that is wanted ("" = the newest live one). `reviews`: read those of pull requests, too.
    """
    try:
        catalog, stacks = connect()
        product_id = offered_product(catalog, stacks, product_name)
        live = catalog.versions(product_id)
        launches = catalog.launches(product_id, live)
        fleet = fleet_of(launches, stacks, github, version or newest(live), reviews=reviews)
    except Problem as error:
        return Status(compared(published, [], []), problem=str(error))
    return Status(compared(published, live, launches), tuple(launches), fleet=fleet)


def newest(live: Sequence[ProductVersion]) -> str:
    """Return the newest live version that may be launched, "" without one."""
    offered = [each.name for each in live if each.guidance == "DEFAULT"]
    return max(offered, key=_order, default="")


def _order(version: str) -> tuple[int, ...]:
    try:
        return version_order(version)
    except VersionMalformed:
        return ()


def compared(
    published: Sequence[Version], live: Sequence[ProductVersion], launches: Sequence[Launch]
) -> tuple[VersionStatus, ...]:
    """Return one line per version: the published ones in order, then those that only Service Catalog has."""
    here = {version.version: version for version in published}
    there = {version.name: version for version in live}
    names = [*here, *sorted(set(there) - set(here))]
    return tuple(
        VersionStatus(
            version=name,
            published=here[name].guidance if name in here else "",
            live=there[name].guidance if name in there else "",
            launches=sum(launch.version == name for launch in launches),
            notes=here[name].notes if name in here else "",
        )
        for name in names
    )
