"""Custom::VersionGuidance: which versions of the product may be launched, and which only updated to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from custom_resources.clients.service_catalog import ProductVersion
from custom_resources.errors import VersionMissing
from custom_resources.properties import Properties
from custom_resources.reconciler import CustomResource, Done, Foreseen, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.protocols import Clients

Guidance = Literal["DEFAULT", "DEPRECATED", "INACTIVE"]


class VersionGuidanceProperties(Properties):
    """Desired state: version name -> guidance. Versions that are not named are left as they are."""

    product_id: str = Field(min_length=1)
    guidance: dict[str, Guidance] = Field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The versions to write, as they are to be."""

    changes: tuple[ProductVersion, ...] = ()


def _as_is_to_be(version: ProductVersion, guidance: Guidance) -> ProductVersion:
    """Return the version with its guidance; an inactive one is deprecated too."""
    return replace(version, advice="DEFAULT" if guidance == "DEFAULT" else "DEPRECATED", active=guidance != "INACTIVE")


class VersionGuidance(CustomResource[VersionGuidanceProperties, list[ProductVersion], Plan]):
    """Custom::VersionGuidance: writes the guidance of the versions that it names."""

    properties = VersionGuidanceProperties

    def __init__(self, clients: Clients) -> None:
        """Take the clients."""
        self._clients = clients

    def provisional_id(self, properties: VersionGuidanceProperties) -> str:
        """Name it before it exists."""
        return f"version-guidance-{properties.product_id}"

    @contextmanager
    def observe(self, request: Request[VersionGuidanceProperties]) -> Iterator[list[ProductVersion]]:
        """List the product's versions."""
        yield [] if request.type == "Delete" else self._clients.service_catalog.versions(request.properties.product_id)

    def plan(self, request: Request[VersionGuidanceProperties], observed: list[ProductVersion]) -> Plan:
        """Compare. Deleting changes nothing: the product goes, or stays with the guidance it has."""
        if request.type == "Delete":
            return Plan()
        known = {version.name: version for version in observed}
        changes = []
        for name, guidance in sorted(request.properties.guidance.items()):
            if name not in known:
                raise VersionMissing(product=request.properties.product_id, version=name)
            wanted = _as_is_to_be(known[name], guidance)
            if wanted != known[name]:
                changes.append(wanted)
        return Plan(tuple(changes))

    def apply(
        self, plan: Plan, request: Request[VersionGuidanceProperties], ensure_current: Callable[[], None]
    ) -> Done:
        """Write the differences."""
        for version in plan.changes:
            self._clients.service_catalog.set_guidance(request.properties.product_id, version)
        return Done()

    def foresee(
        self, request: Request[VersionGuidanceProperties], observed: list[ProductVersion], plan: Plan
    ) -> Foreseen:
        """Report nothing: an administrator's stack, so no repository is touched."""
        return Foreseen()
