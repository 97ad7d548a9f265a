"""What custom resources need of the outside world. The clients implement it, as do tests' doubles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from custom_resources.clients.protocols.framework import Budget, Stacks, UpdateRecords
from custom_resources.clients.protocols.launches import (
    HeldProjects,
    RegionalLaunches,
    ServiceCatalog,
    StackFacts,
    VersionTemplates,
)
from custom_resources.clients.protocols.repositories import Archives, Git, GitHub, Seals, Secrets
from custom_resources.clients.protocols.studio import (
    Blueprints,
    BlueprintTemplates,
    ModelPackageGroups,
    ProjectFiles,
    Queues,
    Studio,
)

if TYPE_CHECKING:
    from custom_resources.allowances import Allowances
    from custom_resources.caller import Installation

__all__ = [
    "Archives",
    "BlueprintTemplates",
    "Blueprints",
    "Budget",
    "Clients",
    "Git",
    "GitHub",
    "HeldProjects",
    "ModelPackageGroups",
    "ProjectFiles",
    "Queues",
    "RegionalLaunches",
    "Seals",
    "Secrets",
    "ServiceCatalog",
    "StackFacts",
    "Stacks",
    "Studio",
    "UpdateRecords",
    "VersionTemplates",
]


class Clients(Protocol):
    """All that a custom resource may reach; each is made when it is first used."""

    @property
    def allowances(self) -> Allowances: ...
    @property
    def installation(self) -> Installation: ...
    @property
    def stacks(self) -> Stacks: ...
    @property
    def stack_facts(self) -> StackFacts: ...
    @property
    def held_projects(self) -> HeldProjects | None: ...
    @property
    def queues(self) -> Queues: ...
    @property
    def budget(self) -> Budget | None: ...
    @property
    def update_records(self) -> UpdateRecords | None: ...
    @property
    def secrets(self) -> Secrets: ...
    @property
    def seals(self) -> Seals: ...
    @property
    def archives(self) -> Archives: ...
    @property
    def version_templates(self) -> VersionTemplates: ...
    @property
    def studio(self) -> Studio: ...
    @property
    def model_packages(self) -> ModelPackageGroups: ...
    @property
    def project_files(self) -> ProjectFiles: ...
    @property
    def blueprints(self) -> Blueprints: ...
    @property
    def blueprint_templates(self) -> BlueprintTemplates: ...
    @property
    def service_catalog(self) -> ServiceCatalog: ...
    @property
    def regional_launches(self) -> RegionalLaunches: ...
    @property
    def github(self) -> GitHub: ...
    @property
    def git(self) -> Git: ...
