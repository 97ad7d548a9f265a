"""What is published, what is live, and which projects run which version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from custom_resources.errors import Problem
from operations.deployed import offered_product
from operations.waiting import Waiting, waiting

if TYPE_CHECKING:
    from custom_resources.clients.github_answers import PullRequest
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


@dataclass(frozen=True)
class Status:
    """Everything `operations status` tells. `problem` says why nothing live could be read."""

    versions: tuple[VersionStatus, ...]
    launches: tuple[Launch, ...] = ()
    problem: str = ""
    waiting: tuple[Waiting, ...] = ()


def status(
    published: Sequence[Version],
    connect: Callable[[], tuple[ServiceCatalog, CloudFormationStacks]],
    product_name: str,
    look: Callable[[str, int], PullRequest],
) -> Status:
    """Compare what is published here with what is live; a Service Catalog that cannot be read is a problem told.

    `look` returns a repository's pull request by its number, as GitHub has it.
    """
    try:
        catalog, stacks = connect()
        product_id = offered_product(catalog, stacks, product_name)
        live = catalog.versions(product_id)
        launches = catalog.launches(product_id, live)
    except Problem as error:
        return Status(compared(published, [], []), problem=str(error))
    found = tuple(waiting(launches, stacks.outputs, look))
    return Status(compared(published, live, launches), tuple(launches), waiting=found)


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
