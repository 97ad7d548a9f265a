"""The role that Studio deploys the blueprint's environments with, and launches the product."""

from __future__ import annotations

from aws_cdk import DefaultStackSynthesizer, Stack
from aws_cdk import aws_iam as iam

from products.foundation.roles import product_parameter_arn
from products.functions import statement
from products.settings import Settings
from products.studio.launching import OfferedProduct, allow_launches, launch_statements, stack_arn


class ProvisioningRole:
    """The role, what it may do, and its place among the portfolio's principals.

    All three stay as long as a domain is set, whether the blueprint is offered or not: Studio deletes an environment
    with the role that deployed it (docs/decisions/0058).
    """

    def __init__(self, stack: Stack, settings: Settings, product: OfferedProduct) -> None:
        """Create them in `stack`."""
        self._stack = stack
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
            description="The role with which Studio launches the project template",
        )
        assert role.assume_role_policy
        role.assume_role_policy.add_statements(
            iam.PolicyStatement(
                principals=[datazone],
                actions=["sts:TagSession"],
                conditions={"StringEquals": account, "ForAllValues:StringLike": {"aws:TagKeys": ["datazone*"]}},
            )
        )
        for each in provisioning_statements(self._stack, settings, product):
            role.add_to_policy(each)
        return role


class FurtherRegion:
    """What the role of the account's home region may do in a further one, and its place among the principals there.

    An account has one configuration of the blueprint, and so one role, but a product in each region.
    """

    def __init__(self, stack: Stack, settings: Settings, product: OfferedProduct) -> None:
        """Create them in `stack`."""
        role = settings.provisioning_role_name
        self.policy = iam.CfnPolicy(
            stack,
            "ProvisioningRolePolicy",
            policy_name=f"{role}-{stack.region}",
            policy_document=iam.PolicyDocument(statements=provisioning_statements(stack, settings, product)),
            roles=[role],
        )
        arn = stack.format_arn(service="iam", region="", resource="role", resource_name=role)
        self.role_arn = arn
        self.access = allow_launches(stack, "ProvisioningRoleAccess", arn, product)


def provisioning_statements(stack: Stack, settings: Settings, product: OfferedProduct) -> list[iam.PolicyStatement]:
    """Return what the role may do in the stack's region: launch the product, and deploy environments that do."""
    return [
        *launch_statements(stack, product),
        *_environment_statements(stack, settings),
    ]


def _environment_statements(stack: Stack, settings: Settings) -> list[iam.PolicyStatement]:
    """Return what deploying an environment needs: its own stack, and the outputs of the launch in it."""
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
            [stack_arn(stack, "DataZone*")],
        ),
        # The launch role makes the product's stack; the caller only reads its outputs.
        statement(["cloudformation:DescribeStacks"], [stack_arn(stack, "SC-*")]),
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
        statement(["s3:GetObject"], [_templates(stack, settings)]),
        *_product_statements(stack, settings),
    ]


def _templates(stack: Stack, settings: Settings) -> str:
    """Return the ARN of the blueprint's templates: the CDK's assets, or what the domain's account shares."""
    if settings.has_accounts:
        return f"arn:{stack.partition}:s3:::{settings.blueprint_bucket_name}/*.json"
    qualifier = stack.synthesizer.bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER
    return f"arn:{stack.partition}:s3:::cdk-{qualifier}-assets-{stack.account}-{stack.region}/*.json"


def _product_statements(stack: Stack, settings: Settings) -> list[iam.PolicyStatement]:
    """Return what the blueprint's template finds the account's product by, where there are several accounts."""
    if not settings.has_accounts:
        return []
    return [statement(["ssm:GetParameter", "ssm:GetParameters"], [product_parameter_arn(stack, settings)])]
