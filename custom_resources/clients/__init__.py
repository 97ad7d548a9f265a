"""The outside world, one module each, behind the Protocols of protocols/. Only what a function uses is made."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from custom_resources.clients.replicas import Replicas
from custom_resources.clients.request_limit import RequestLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from custom_resources.allowances import Allowances
    from custom_resources.caller import Installation
    from custom_resources.clients import protocols
    from custom_resources.clients.blueprints import Blueprints
    from custom_resources.clients.git import Git
    from custom_resources.clients.github import GitHub
    from custom_resources.clients.stacks import CloudFormationStacks
    from custom_resources.clients.studio import Studio


def _boto3_client(service: str, **where: str) -> Any:
    import boto3
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 5}
    return boto3.client(service, config=Config(retries=retries), **where)  # type: ignore[call-overload]


class FunctionClients:
    """The clients of a Lambda function, from its environment (docs/interfaces.md). Nothing is contacted when made."""

    def __init__(
        self,
        environment: Mapping[str, str],
        boto3_client: Callable[..., Any] = _boto3_client,
        *,
        stacks: protocols.Stacks | None = None,
        budget: protocols.Budget | None = None,
        secrets: protocols.Secrets | None = None,
        seals: protocols.Seals | None = None,
        archives: protocols.Archives | None = None,
        update_records: protocols.UpdateRecords | None = None,
    ) -> None:
        """Take the environment variables; clients that are given take the place of those for AWS."""
        self._environment = dict(environment)
        self._client = boto3_client
        self._stacks, self._budget, self._secrets, self._archives = stacks, budget, secrets, archives
        self._seals, self._update_records = seals, update_records
        self.requests = RequestLimit()  # to GitHub, of one reconcile
        self.replicas = Replicas()  # of GitHub, as far as they may lag behind
        self.patience = float(environment.get("PATIENCE_SECONDS", "3000"))

    @staticmethod
    def from_environment() -> FunctionClients:
        """Return the clients of this Lambda function."""
        return FunctionClients(os.environ)

    def warm(self, names: Iterable[str]) -> None:
        """Make clients before they are used: in Lambda's INIT phase, which has a whole processor."""
        for name in names:
            getattr(self, name)

    @cached_property
    def allowances(self) -> Allowances:
        """What the administrator permits launches."""
        from custom_resources.allowances import Allowances

        return Allowances.from_environment(self._environment)

    @cached_property
    def installation(self) -> Installation:
        """What the installation's settings say of launches."""
        from custom_resources.caller import Installation

        return Installation.from_environment(self._environment)

    @cached_property
    def stacks(self) -> protocols.Stacks:
        """CloudFormation, for the fence."""
        return self._stacks or self._cloudformation

    @property
    def stack_facts(self) -> protocols.StackFacts:
        """CloudFormation, for what an event is compared with."""
        return self._cloudformation

    @cached_property
    def _cloudformation(self) -> CloudFormationStacks:
        from custom_resources.clients.stacks import CloudFormationStacks

        return CloudFormationStacks(self._client("cloudformation"))

    @cached_property
    def budget(self) -> protocols.Budget | None:
        """The shared rate budget in DynamoDB; None for a function that does not call GitHub."""
        from custom_resources.clients.budget import SharedBudget

        table = self._environment.get("BUDGET_TABLE", "")
        share = float(self._environment.get("BUDGET_SHARE", "1"))
        return self._budget or (SharedBudget(self._client("dynamodb"), table, share=share) if table else None)

    @cached_property
    def update_records(self) -> protocols.UpdateRecords | None:
        """What the last updates wrote, in DynamoDB; None for a function that does not call GitHub."""
        from custom_resources.clients.update_records import UpdateRecords

        table = self._environment.get("BUDGET_TABLE", "")
        return self._update_records or (UpdateRecords(self._client("dynamodb"), table) if table else None)

    @cached_property
    def held_projects(self) -> protocols.HeldProjects | None:
        """Which stack holds a project, in DynamoDB; None for a function that does not look."""
        from custom_resources.clients.held_projects import HeldProjects

        table = self._environment.get("PROJECTS_TABLE", "")
        return HeldProjects(self._client("dynamodb"), table) if table else None

    @cached_property
    def queues(self) -> protocols.Queues:
        """The approvals' queues in SQS."""
        from custom_resources.clients.queues import Queues

        return Queues(self._client("sqs"))

    @cached_property
    def secrets(self) -> protocols.Secrets:
        """Secrets Manager."""
        from custom_resources.clients.secrets import Secrets

        return self._secrets or Secrets(self._client("secretsmanager"))

    @cached_property
    def seals(self) -> protocols.Seals:
        """KMS, which makes the secrets of proofs."""
        from custom_resources.clients.seals import Seals

        return self._seals or Seals(self._client("kms"), self._environment.get("SEAL_KEY", ""))

    @cached_property
    def archives(self) -> protocols.Archives:
        """The template archives in S3."""
        from custom_resources.clients.archives import Archives

        return self._archives or Archives(self._client("s3"), self._environment.get("TEMPLATE_BUCKET", ""))

    @cached_property
    def version_templates(self) -> protocols.VersionTemplates:
        """The templates of the product's versions in S3."""
        from custom_resources.clients.version_templates import VersionTemplates

        return VersionTemplates(self._client("s3"), self._environment.get("VERSIONS_BUCKET", ""))

    @cached_property
    def studio(self) -> Studio:
        """DataZone and SageMaker."""
        from custom_resources.clients.studio import Studio

        return Studio(self._datazone(), self._client("sagemaker"))

    @cached_property
    def model_packages(self) -> protocols.ModelPackageGroups:
        """SageMaker's model package groups."""
        from custom_resources.clients.model_packages import ModelPackageGroups

        return ModelPackageGroups(self._client("sagemaker"))

    @cached_property
    def project_files(self) -> protocols.ProjectFiles:
        """Projects' files in Studio's buckets."""
        from custom_resources.clients.project_files import ProjectFiles

        return ProjectFiles(self._client("s3"))

    @cached_property
    def blueprints(self) -> Blueprints:
        """DataZone's blueprints, project profiles and grants."""
        from custom_resources.clients.blueprints import Blueprints

        return Blueprints(self._datazone(), elsewhere=bool(self._environment.get("DATAZONE_REGION", "")))

    def _datazone(self) -> Any:
        """Return DataZone's client: in the domain's region, by the domain account's role, where there are others."""
        from custom_resources.clients.domain_access import datazone_client

        region, role_arn = (self._environment.get(f"DATAZONE_{key}", "") for key in ("REGION", "ROLE_ARN"))
        return datazone_client(region, role_arn, self._client) if region else self._client("datazone")

    @cached_property
    def blueprint_templates(self) -> protocols.BlueprintTemplates:
        """The blueprint's templates in S3."""
        from custom_resources.clients.blueprint_templates import BlueprintTemplates

        return BlueprintTemplates(self._client("s3"), self._environment.get("BLUEPRINT_BUCKET", ""))

    @cached_property
    def service_catalog(self) -> protocols.ServiceCatalog:
        """Service Catalog."""
        from custom_resources.clients.service_catalog import ServiceCatalog
        from custom_resources.clients.stacks import CloudFormationStacks

        return ServiceCatalog(self._client("servicecatalog"), CloudFormationStacks(self._client("cloudformation")))

    @cached_property
    def regional_launches(self) -> protocols.RegionalLaunches:
        """Service Catalog in the regions of the function's account."""
        from custom_resources.clients.regional_launches import RegionalLaunches

        return RegionalLaunches(self._client, self._environment.get("PRODUCT_PARAMETER", ""))

    @cached_property
    def github(self) -> GitHub:
        """GitHub's API."""
        from custom_resources.clients.github import GitHub
        from custom_resources.clients.github_tokens import permissions_in

        return GitHub(
            self._environment.get("GITHUB_API_URL", "https://api.github.com"),
            lambda: self.secrets.github_credentials(self._environment.get("GITHUB_TOKEN_SECRET", "")),
            permissions_in(self._environment.get("GITHUB_PERMISSIONS", "")),
            self.requests,
            self.replicas,
        )

    @cached_property
    def git(self) -> Git:
        """GitHub's Git service."""
        from custom_resources.clients.git import Git

        server = self._environment.get("GITHUB_SERVER_URL", "https://github.com")
        return Git(server, self.github.token_for, self.github.renew, self.requests, self.replicas)
