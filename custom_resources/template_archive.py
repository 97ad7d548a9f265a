"""Custom::TemplateArchive: a published version's content in the archive bucket, under its content address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from custom_resources.properties import Properties
from custom_resources.reconciler import CustomResource, Done, Foreseen, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients.protocols import Clients


class TemplateArchiveProperties(Properties):
    """Desired state: the archive is in the bucket."""

    archive: str = Field(pattern=r"^[0-9a-f]{64}\.zip\Z")
    source_bucket: str
    source_key: str


@dataclass(frozen=True)
class Plan:
    """Whether to copy."""

    copy: bool


class TemplateArchive(CustomResource[TemplateArchiveProperties, bool, Plan]):
    """Custom::TemplateArchive: copies a version's content in, and never removes it."""

    properties = TemplateArchiveProperties

    def __init__(self, clients: Clients) -> None:
        """Take the clients."""
        self._clients = clients

    def provisional_id(self, properties: TemplateArchiveProperties) -> str:
        """Name it before it exists."""
        return properties.archive

    @contextmanager
    def observe(self, request: Request[TemplateArchiveProperties]) -> Iterator[bool]:
        """Look whether the archive is there."""
        yield request.type == "Delete" or self._clients.archives.has(request.properties.archive)

    def plan(self, request: Request[TemplateArchiveProperties], there: bool) -> Plan:
        """Copy what is missing; an archive is never removed, since projects may still be launched from it."""
        return Plan(copy=not there)

    def apply(
        self, plan: Plan, request: Request[TemplateArchiveProperties], ensure_current: Callable[[], None]
    ) -> Done:
        """Copy the asset, checked against its name."""
        properties = request.properties
        if plan.copy:
            self._clients.archives.copy_in(properties.source_bucket, properties.source_key, properties.archive)
        return Done({"Archive": properties.archive})

    def foresee(self, request: Request[TemplateArchiveProperties], observed: bool, plan: Plan) -> Foreseen:
        """Report the archive: an administrator's stack, so no repository is touched."""
        return Foreseen({"Archive": request.properties.archive})
