"""What blueprint and project setup need to launch the product: permissions of Service Catalog, and to be principals."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_servicecatalog as servicecatalog
from constructs import Construct

from products.functions import statement

# What a launch asks Service Catalog for, by the resource types of the service authorization reference.
_OF_THE_PRODUCT = (
    "servicecatalog:ProvisionProduct",
    "servicecatalog:DescribeProduct",
    "servicecatalog:DescribeProvisioningArtifact",
    "servicecatalog:ListProvisioningArtifacts",
    "servicecatalog:DescribeProvisioningParameters",
    "servicecatalog:ListLaunchPaths",
)
_OF_LAUNCHES = (
    "servicecatalog:UpdateProvisionedProduct",
    "servicecatalog:TerminateProvisionedProduct",
    "servicecatalog:DescribeProvisionedProduct",
    "servicecatalog:DescribeRecord",
    "servicecatalog:GetProvisionedProductOutputs",
    "servicecatalog:SearchProvisionedProducts",
)


@dataclass(frozen=True)
class OfferedProduct:
    """The product as the portfolio offers it: ids, which may be CDK tokens, and the name of its current version."""

    portfolio_id: str
    product_id: str
    version: str


def launch_statements(stack: Stack, product: OfferedProduct) -> list[iam.PolicyStatement]:
    """Return what a role may do that launches the product, and follows and ends its launches."""
    arn = stack.format_arn(service="catalog", resource="product", resource_name=product.product_id)
    return [
        statement(_OF_THE_PRODUCT, [arn]),
        # Launches have no resource in IAM; Service Catalog narrows to what the caller launched.
        statement(_OF_LAUNCHES, ["*"]),
    ]


def allow_launches(
    scope: Construct, construct_id: str, role_arn: str, product: OfferedProduct
) -> servicecatalog.CfnPortfolioPrincipalAssociation:
    """Make a role a principal of the portfolio; without that, its launches end in "No launch paths found"."""
    return servicecatalog.CfnPortfolioPrincipalAssociation(
        scope,
        construct_id,
        portfolio_id=product.portfolio_id,
        principal_arn=role_arn,
        principal_type="IAM",
    )


def stack_arn(stack: Stack, name: str) -> str:
    """Return the ARN of stacks by the pattern of their names, in this account and region."""
    return stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{name}/*")
