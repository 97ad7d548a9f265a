"""The outside world, one module each. Made once per Lambda environment, and only what a function uses."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custom_resources.clients.archives import Archives
    from custom_resources.clients.blueprints import Blueprints
    from custom_resources.clients.budget import SharedBudget
    from custom_resources.clients.catalog import Catalog
    from custom_resources.clients.git import Git
    from custom_resources.clients.github import GitHub
    from custom_resources.clients.product_versions import ProductVersions
    from custom_resources.clients.secrets import Secrets
    from custom_resources.clients.stacks import CloudFormationStacks
    from custom_resources.clients.studio import Studio


class Clients:
    """The clients a custom resource may reach, from the function's environment (docs/interfaces.md)."""

    def __init__(self, environment: dict[str, str]) -> None:
        """Take the environment variables; nothing is contacted or imported yet."""
        self._environment = environment
        self.patience = float(environment.get("PATIENCE_SECONDS", "3000"))

    @staticmethod
    def from_environment() -> Clients:
        """Return the clients of this Lambda function."""
        return Clients(dict(os.environ))

    def _client(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(service, config=Config(retries={"mode": "standard", "total_max_attempts": 5}))  # type: ignore[call-overload]

    @cached_property
    def stacks(self) -> CloudFormationStacks:
        """CloudFormation, for the fence."""
        from custom_resources.clients.stacks import CloudFormationStacks

        return CloudFormationStacks(self._client("cloudformation"))

    @cached_property
    def budget(self) -> SharedBudget | None:
        """The shared rate budget in DynamoDB; None for a function that does not call GitHub."""
        from custom_resources.clients.budget import SharedBudget

        table = self._environment.get("BUDGET_TABLE", "")
        return SharedBudget(self._client("dynamodb"), table) if table else None

    @cached_property
    def secrets(self) -> Secrets:
        """Secrets Manager."""
        from custom_resources.clients.secrets import Secrets

        return Secrets(self._client("secretsmanager"))

    @cached_property
    def archives(self) -> Archives:
        """The template archives in S3."""
        from custom_resources.clients.archives import Archives

        return Archives(self._client("s3"), self._environment.get("TEMPLATE_BUCKET", ""))

    @cached_property
    def studio(self) -> Studio:
        """DataZone and SageMaker."""
        from custom_resources.clients.studio import Studio

        return Studio(self._client("datazone"), self._client("sagemaker"))

    @cached_property
    def blueprints(self) -> Blueprints:
        """DataZone's blueprints, project profiles and grants."""
        from custom_resources.clients.blueprints import Blueprints

        return Blueprints(self._client("datazone"))

    @cached_property
    def catalog(self) -> Catalog:
        """Service Catalog."""
        from custom_resources.clients.catalog import Catalog

        return Catalog(self._client("servicecatalog"))

    @cached_property
    def product_versions(self) -> ProductVersions:
        """Service Catalog's versions of the product."""
        from custom_resources.clients.product_versions import ProductVersions

        return ProductVersions(self._client("servicecatalog"))

    @cached_property
    def github(self) -> GitHub:
        """GitHub's API."""
        from custom_resources.clients.github import GitHub

        return GitHub(
            self._environment.get("GITHUB_API_URL", "https://api.github.com"),
            lambda: self.secrets.github_credentials(self._environment.get("GITHUB_TOKEN_SECRET", "")),
        )

    @cached_property
    def git(self) -> Git:
        """GitHub's Git service."""
        from custom_resources.clients.git import Git

        server = self._environment.get("GITHUB_SERVER_URL", "https://github.com")
        return Git(server, lambda: self.github.token, self.github.renew)
