"""Custom::TemplateArchive: a published version's content in the archive bucket, under its content address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from custom_resources.reconciler import CustomResource, Done, Properties, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from custom_resources.clients import Clients


class TemplateArchiveProperties(Properties):
    """Desired state: the archive is in the bucket."""

    archive: str = Field(pattern=r"^[0-9a-f]{64}\.zip\Z")
    source_bucket: str
    source_key: str


@dataclass(frozen=True)
class Plan:
    """Whether to copy."""

    copy: bool


@contextmanager
def observe(request: Request[TemplateArchiveProperties], clients: Clients) -> Iterator[bool]:
    """Look whether the archive is there."""
    yield request.type == "Delete" or clients.archives.has(request.properties.archive)


def plan(request: Request[TemplateArchiveProperties], there: bool) -> Plan:
    """Copy what is missing; an archive is never removed, since projects may still be launched from it."""
    return Plan(copy=not there)


def apply(
    plan: Plan, request: Request[TemplateArchiveProperties], clients: Clients, ensure_current: Callable[[], None]
) -> Done:
    """Copy the asset, checked against its name."""
    properties = request.properties
    if plan.copy:
        clients.archives.copy_in(properties.source_bucket, properties.source_key, properties.archive)
    return Done({"Archive": properties.archive})


RESOURCE: CustomResource[TemplateArchiveProperties, bool, Plan, Clients] = CustomResource(
    "Custom::TemplateArchive",
    TemplateArchiveProperties,
    lambda properties: properties.archive,
    observe,
    plan,
    apply,
)
