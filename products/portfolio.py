"""PortfolioStack: the Service Catalog portfolio, the product with all its versions, and who may launch it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import (
    Annotations,
    CfnOutput,
    CustomResource,
    FileAssetPackaging,
    RemovalPolicy,
    Stack,
    Stage,
    Tags,
    custom_resources,
)
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_servicecatalog as servicecatalog
from constructs import Construct

from products.errors import SnapshotMissing
from products.functions import custom_resource, execution_role_arns, named_id, statement
from products.launch_role import launch_role_statements
from products.mlops_project import MlopsProject
from products.settings import Settings
from products.versions import ARCHIVE_FILE, Version, check_boundary, check_prefix, comes_unrendered, rendered
from products.workflow_permissions import boundary_statements

# As which pipelines of SageMaker Studio classic run, unless the settings name others (studio_project.py).
CLASSIC_ROLE = "service-role/AmazonSageMakerServiceCatalogProductsUseRole"


class LaunchingStack(Stack):
    """What an account needs in which the product is launched: its versions' content, the launch role, the identity
    provider of GitHub's workflows. All there is in an account that the portfolio is only shared with.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        versions: Sequence[Version],
        versions_directory: Path,
        **kwargs: Any,
    ) -> None:
        """Build everything; `versions` are sorted, oldest first, at least one. Raises VersionError."""
        super().__init__(scope, construct_id, **kwargs)
        self.settings = settings
        self.versions = versions
        self._directory = versions_directory
        self._check_boundaries()
        self._archives = [self._archive(version) for version in versions]
        self.launch_role = self._launch_role()
        self._workflow_boundary()
        self._oidc_provider()
        CfnOutput(self, "LaunchRoleArn", value=self.launch_role.role_arn)
        CfnOutput(self, "Versions", value=",".join(version.version for version in versions))
        if settings.portfolio.launches_only:
            # The commands of `operations` find the product by it: it is another account's, and no search here shows it.
            CfnOutput(self, "ProductId", value=settings.portfolio.products[0])

    def _check_boundaries(self) -> None:
        """Refuse boundaries that the launch role could not launch an older version with. Raises VersionError."""
        for version in self.versions[:-1]:
            if template := rendered(self._directory, version.version):
                check_boundary(self.settings.permissions_boundary, version, template)

    def _archive(self, version: Version) -> CustomResource:
        """Copy a version's content to the archive bucket, under its content address."""
        name = f"Archive{version.version.replace('.', 'o')}"
        asset = s3_assets.Asset(self, f"{name}Asset", path=str(self._directory / version.version / ARCHIVE_FILE))
        return custom_resource(
            self,
            name,
            self.settings,
            "template_archive",
            {
                "Archive": version.archive,
                "SourceBucket": asset.s3_bucket_name,
                "SourceKey": asset.s3_object_key,
            },
        )

    def _launch_role(self) -> iam.Role:
        """What Service Catalog launches with: the product's resources, and nothing that it could make besides."""
        role = iam.Role(
            self,
            "LaunchRole",
            # Without a path: an association of a role with a path cannot be deleted.
            role_name=self.settings.launch_role_name,
            # Whether Service Catalog tells the account is not documented (docs/studio.md, A34).
            assumed_by=iam.ServicePrincipal(
                "servicecatalog.amazonaws.com", conditions={"StringEqualsIfExists": {"aws:SourceAccount": self.account}}
            ),
            description="Launch role of the SageMaker Unified Studio project template",
        )
        for each in launch_role_statements(self, self.settings):
            role.add_to_policy(each)
        return role

    @property
    def _is_home(self) -> bool:
        """Whether what IAM has once an account is made by this stack, and not by that of the account's home region."""
        return self.settings.place is None or self.settings.place.is_home

    def _workflow_boundary(self) -> None:
        """Create the boundary of the workflows' roles, also while the settings name another: a setting may go again.

        Roles that have it live as long as their projects, so that it outlives this stack.
        """
        if not self._is_home:
            return
        policy = iam.ManagedPolicy(
            self,
            "WorkflowBoundary",
            managed_policy_name=self.settings.workflow_boundary_name,
            description="Limits the permissions of the workflows of SageMaker Unified Studio projects",
            statements=boundary_statements(self, self.settings, self._pipeline_roles()),
        )
        policy.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)

    def _pipeline_roles(self) -> list[str]:
        """Return the roles that projects' pipelines may run as: the settings', and classic's."""
        classic = self.format_arn(service="iam", region="", resource="role", resource_name=CLASSIC_ROLE)
        roles = (*execution_role_arns(self, self.settings), classic, *self.settings.product.classic_execution_roles)
        return list(dict.fromkeys(roles))

    def _oidc_provider(self) -> None:
        """Create the account's identity provider for GitHub Actions, unless there is one or no project needs it."""
        settings = self.settings
        if settings.provider_exists or settings.git_config.oidc_role_github_workflow or not self._is_home:
            return
        provider = iam.CfnOIDCProvider(
            self,
            "GitHubOidcProvider",
            url=f"https://{settings.github.oidc_issuer}",
            client_id_list=["sts.amazonaws.com"],
        )
        # Projects' workflows go on needing it when the settings name it by its ARN, or this stack is gone.
        provider.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)


class PortfolioStack(LaunchingStack):
    """Portfolio, product, versions, constraints, access, shares."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        versions: Sequence[Version],
        versions_directory: Path,
        **kwargs: Any,
    ) -> None:
        """Build everything; `versions` are sorted, oldest first, at least one. Raises VersionError."""
        super().__init__(
            scope,
            construct_id,
            settings=settings,
            versions=versions,
            versions_directory=versions_directory,
            **kwargs,
        )
        self.portfolio = servicecatalog.Portfolio(
            self,
            "Portfolio",
            display_name=settings.portfolio.name,
            provider_name=settings.portfolio.provider,
            description=settings.portfolio.description or None,
        )
        self.product = self._product()
        # A version can be launched once its content is there.
        self.product.node.add_dependency(*self._archives)
        self._guidance()
        self.portfolio.add_product(self.product)
        self._constraints()
        self._access()
        self._shares()
        # Also without StudioStack: an export that it imports could not be taken away (FoundationStack._exports).
        for value in (self.portfolio.portfolio_id, self.product.product_id):
            self.export_value(value)
        CfnOutput(self, "PortfolioId", value=self.portfolio.portfolio_id)
        CfnOutput(self, "ProductId", value=self.product.product_id)

    def _product(self) -> servicecatalog.CloudFormationProduct:
        """Return the product: the newest version rendered, the older ones as they were."""
        settings, newest = self.settings, self.versions[-1]
        self.product_stack = MlopsProject(self, "MlopsProject", settings=settings, version=newest)
        current = servicecatalog.CloudFormationProductVersion(
            cloud_formation_template=servicecatalog.CloudFormationTemplate.from_product_stack(self.product_stack),
            product_version_name=newest.version,
            description=newest.notes or None,
        )
        older = list(self.versions[:-1])
        if not rendered(self._directory, newest.version):
            # What comes with this repository has no template yet. One that is gone from a published store is an error.
            older = [each for each in older if not comes_unrendered(self._directory, each.version)]
            # The CDK's command line deploys no stack with an error; looking at it stays possible.
            Annotations.of(self).add_error(
                f"{newest.version} is not published with your settings yet. Run `python -m operations publish`."
            )
        product = servicecatalog.CloudFormationProduct(
            self,
            "Product",
            product_name=settings.product.name,
            owner=settings.product.owner,
            description=settings.product.description or None,
            support_email=settings.product.support_email or None,
            product_versions=[*map(self._older, older), current],
            # A version keeps its id when others are published.
            replace_product_version_ids=False,
        )
        # Recreated under the same name, its consumers could not update any more. A first deployment that fails deletes
        # it, so that the next one makes no second product (docs/decisions/0058).
        product.node.default_child.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)  # type: ignore[union-attr]
        # SageMaker Studio classic shows products with this tag (docs/studio.md, A29).
        Tags.of(product).add("sagemaker:studio-visibility", "true")
        return product

    def _older(self, version: Version) -> servicecatalog.CloudFormationProductVersion:
        found = rendered(self._directory, version.version)
        if found is None:
            raise SnapshotMissing(
                version=version.version, directory=self._directory, folder=self._directory / version.version
            )
        check_prefix(self.settings.prefix, version.version, found)
        return servicecatalog.CloudFormationProductVersion(
            cloud_formation_template=servicecatalog.CloudFormationTemplate.from_url(self._url(version, found)),
            product_version_name=version.version,
            description=version.notes or None,
        )

    def _url(self, version: Version, snapshot: Path) -> str:
        """Return the address that the version had when it was the newest: the hash of its template.

        Service Catalog tells versions apart by name and address. `CloudFormationTemplate.from_asset` would give the
        same template another address, and so each project's version another id (docs/decisions/0011).
        """
        content = snapshot.read_bytes()
        stage = Stage.of(self)
        assert stage
        staged = Path(stage.outdir, f"{version.version}.snapshot.template.json")
        staged.write_bytes(content)
        location = self.synthesizer.add_file_asset(
            file_name=staged.name,
            packaging=FileAssetPackaging.FILE,
            source_hash=hashlib.sha256(content).hexdigest(),
        )
        return location.http_url

    def _guidance(self) -> None:
        """Set each version's guidance and activity, for which CloudFormation has nothing."""
        custom_resource(
            self,
            "Guidance",
            self.settings,
            "version_guidance",
            {
                "ProductId": self.product.product_id,
                "Guidance": {version.version: version.guidance for version in self.versions},
            },
        )

    def _constraints(self) -> None:
        if self.settings.portfolio.share_accounts or self.settings.portfolio.share_organizations:
            # By name: each account launches with its own role of this name.
            self.portfolio.set_local_launch_role(self.product, self.launch_role)
        else:
            self.portfolio.set_launch_role(self.product, self.launch_role)
        # Else a provisioned product's tags would be what they were at its launch.
        self.portfolio.constrain_tag_updates(self.product, allow=True)

    # -- access -----------------------------------------------------------------------------------------------

    def _access(self) -> None:
        access = self.settings.portfolio
        for arn in access.principals:
            self._principal("Principal", arn, "IAM")
        for pattern in (*access.principal_patterns, *self.settings.launching_project_roles):
            self._principal("PrincipalPattern", pattern, "IAM_PATTERN")
        self._rollouts_principal()
        if access.tag_options:
            options = servicecatalog.TagOptions(
                self, "TagOptions", allowed_values_for_tags={k: list(v) for k, v in access.tag_options.items()}
            )
            self.portfolio.associate_tag_options(options)

    def _rollouts_principal(self) -> None:
        """Make the machine that updates projects a principal: without a path to the product it can update none."""
        name = self.settings.update_role_name
        role = self.format_arn(service="iam", region="", resource="role", resource_name=name)
        servicecatalog.CfnPortfolioPrincipalAssociation(
            self,
            "RolloutAccess",
            portfolio_id=self.portfolio.portfolio_id,
            principal_arn=role,
            principal_type="IAM",
        )

    def _principal(self, kind: str, arn: str, principal_type: str) -> None:
        servicecatalog.CfnPortfolioPrincipalAssociation(
            self,
            named_id(kind, arn),
            portfolio_id=self.portfolio.portfolio_id,
            principal_arn=arn,
            principal_type=principal_type,
        )

    def _shares(self) -> None:
        for account in self.settings.portfolio.share_accounts:
            self.portfolio.share_with_account(account, share_tag_options=True)
        nodes = self.settings.portfolio.share_organizations
        if not nodes:
            return
        portfolio_arn = self.format_arn(
            service="catalog", resource="portfolio", resource_name=self.portfolio.portfolio_id
        )
        for node in nodes:
            self._share_with_organization(node, portfolio_arn)

    def _share_with_organization(self, node: str, portfolio_arn: str) -> None:
        """Share by API: CloudFormation's PortfolioShare takes an account only."""
        parameters = {
            "PortfolioId": self.portfolio.portfolio_id,
            "OrganizationNode": {
                "Type": "ORGANIZATION" if node.startswith("o-") else "ORGANIZATIONAL_UNIT",
                "Value": node,
            },
        }
        custom_resources.AwsCustomResource(
            self,
            f"ShareWith{node.replace('-', '')}",
            resource_type="Custom::PortfolioShare",
            install_latest_aws_sdk=False,
            on_update=custom_resources.AwsSdkCall(
                service="service-catalog",
                action="CreatePortfolioShare",
                parameters={**parameters, "ShareTagOptions": True, "SharePrincipals": True},
                physical_resource_id=custom_resources.PhysicalResourceId.of(node),
            ),
            on_delete=custom_resources.AwsSdkCall(
                service="service-catalog", action="DeletePortfolioShare", parameters=parameters
            ),
            policy=custom_resources.AwsCustomResourcePolicy.from_statements(
                [
                    statement(
                        ["servicecatalog:CreatePortfolioShare", "servicecatalog:DeletePortfolioShare"],
                        [portfolio_arn],
                    )
                ]
            ),
        )
