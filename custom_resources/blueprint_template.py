"""Custom::BlueprintTemplate: the blueprint's template where the accounts of projects read it."""

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


class BlueprintTemplateProperties(Properties):
    """Desired state: the CDK's asset, by its content's hash, is below the address of the shared bucket."""

    source_bucket: str = Field(min_length=3)
    source_key: str = Field(pattern=r"^[0-9a-f]{64}\.json\Z")
    address: str = Field(pattern=r"^https?://[^/]+/[a-z0-9.-]+\Z")


@dataclass(frozen=True)
class Plan:
    """Whether to copy."""

    copy: bool


class BlueprintTemplate(CustomResource[BlueprintTemplateProperties, bool, Plan]):
    """Custom::BlueprintTemplate: copies the template in, and never changes or removes one."""

    properties = BlueprintTemplateProperties

    def __init__(self, clients: Clients) -> None:
        """Take the clients."""
        self._clients = clients

    def provisional_id(self, properties: BlueprintTemplateProperties) -> str:
        """Name it before it exists."""
        return properties.source_key

    @contextmanager
    def observe(self, request: Request[BlueprintTemplateProperties]) -> Iterator[bool]:
        """Look whether the template is there."""
        yield request.type == "Delete" or self._clients.blueprint_templates.has(request.properties.source_key)

    def plan(self, request: Request[BlueprintTemplateProperties], there: bool) -> Plan:
        """Copy what is missing; environments of older versions go on reading theirs."""
        return Plan(copy=not there)

    def apply(
        self, plan: Plan, request: Request[BlueprintTemplateProperties], ensure_current: Callable[[], None]
    ) -> Done:
        """Copy the asset, checked against its name."""
        properties = request.properties
        if plan.copy:
            self._clients.blueprint_templates.copy_in(properties.source_bucket, properties.source_key)
        return Done({"TemplateUrl": f"{properties.address}/{properties.source_key}"}, physical_id=properties.source_key)

    def foresee(self, request: Request[BlueprintTemplateProperties], observed: bool, plan: Plan) -> Foreseen:
        """Report nothing: an administrator's stack, so no repository is touched."""
        return Foreseen()
