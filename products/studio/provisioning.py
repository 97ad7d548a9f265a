"""The role that Studio deploys the blueprint's environments with, and launches the product."""

from __future__ import annotations

from aws_cdk import DefaultStackSynthesizer, Stack
from aws_cdk import aws_iam as iam

from products.functions import statement
from products.settings import Settings
from products.studio.launching import OfferedProduct, allow_launches, launch_statements, stack_arns


class ProvisioningRole:
    """The role, what it may do, and its place among the portfolio's principals.

    All three stay as long as a domain is set, whether the blueprint is offered or not: Studio deletes an environment
    with the role that deployed it (docs/decisions/0058).
    """

    def __init__(self, stack: Stack, settings: Settings, product: OfferedProduct) -> None:
        """Create them in `stack`."""
        self._stack = stack
        self._settings = settings
        # The account's regions, where its one configuration of the blueprint serves several.
        self._regions = settings.place.regions if settings.place and len(settings.place.regions) > 1 else ()
        self.role = self._role(settings, product)
        # Service Catalog's caller is this role (docs/studio.md, A01).
        self.access = allow_launches(stack, "ProvisioningRoleAccess", self.role.role_arn, product)

    def _role(self, settings: Settings, product: OfferedProduct) -> iam.Role:
        # DataZone acts for the domain's account.
        account = {"aws:SourceAccount": settings.studio.domain_account or self._stack.account}
        datazone = iam.ServicePrincipal("datazone.amazonaws.com")
        role = iam.Role(
            self._stack,
            "ProvisioningRole",
            # Without a path: a portfolio's association with a role that has one cannot be deleted.
            role_name=settings.provisioning_role_name,
            assumed_by=datazone.with_conditions({"StringEquals": account}),
            description="Studio launches the project template with it",
        )
        assert role.assume_role_policy
        role.assume_role_policy.add_statements(
            iam.PolicyStatement(
                principals=[datazone],
                actions=["sts:TagSession"],
                conditions={"StringEquals": account, "ForAllValues:StringLike": {"aws:TagKeys": ["datazone*"]}},
            )
        )
        for each in (*launch_statements(self._stack, product, self._regions), *self._environment_statements()):
            role.add_to_policy(each)
        return role

    def _environment_statements(self) -> list[iam.PolicyStatement]:
        """Return what deploying an environment needs: its own stack, and the outputs of the launch in it."""
        stack, regions = self._stack, self._regions
        return [
            statement(
                [
                    "cloudformation:CreateStack",
                    "cloudformation:UpdateStack",
                    "cloudformation:DeleteStack",
                    "cloudformation:DescribeStacks",
                    "cloudformation:DescribeStackEvents",
                    "cloudformation:DescribeStackResources",
                    "cloudformation:GetTemplate",
                    "cloudformation:CreateChangeSet",
                    "cloudformation:DescribeChangeSet",
                    "cloudformation:ExecuteChangeSet",
                    "cloudformation:DeleteChangeSet",
                    "cloudformation:TagResource",
                    "cloudformation:UntagResource",
                ],
                stack_arns(stack, "DataZone*", regions),
            ),
            # The launch role makes the product's stack; the caller only reads its outputs.
            statement(["cloudformation:DescribeStacks"], stack_arns(stack, "SC-*", regions)),
            # No resources: templates are validated before there is a stack, and stacks are listed.
            statement(
                ["cloudformation:ValidateTemplate", "cloudformation:GetTemplateSummary", "cloudformation:ListStacks"],
                ["*"],
            ),
            # CloudFormation's handler of the provisioned product tags it and reads its tags (handlers in the schema of
            # AWS::ServiceCatalog::CloudFormationProvisionedProduct). Which ARN it names is not documented.
            statement(
                ["servicecatalog:TagResource", "servicecatalog:UntagResource", "servicecatalog:ListTagsForResource"],
                ["*"],
            ),
            # Every version's template: an environment may still be at an older one (docs/studio.md, A17).
            statement(["s3:GetObject"], [self._templates()]),
            *self._product_statements(),
        ]

    def _templates(self) -> str:
        """Return the ARN of the blueprint's templates: the CDK's assets, or what the domain's account shares."""
        stack, settings = self._stack, self._settings
        if settings.has_accounts:
            return f"arn:{stack.partition}:s3:::{settings.blueprint_bucket_name}/*.json"
        qualifier = stack.synthesizer.bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER
        return f"arn:{stack.partition}:s3:::cdk-{qualifier}-assets-{stack.account}-{stack.region}/*.json"

    def _product_statements(self) -> list[iam.PolicyStatement]:
        """Return what the blueprint's template finds the account's product by, where there are several accounts."""
        stack, settings = self._stack, self._settings
        if not settings.has_accounts:
            return []
        parameters = [
            stack.format_arn(
                service="ssm",
                region=region,
                resource="parameter",
                resource_name=settings.product_parameter.removeprefix("/"),
            )
            for region in self._regions or [stack.region]
        ]
        return [statement(["ssm:GetParameter", "ssm:GetParameters"], parameters)]
