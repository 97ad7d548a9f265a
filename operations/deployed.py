"""What is deployed, as the deployed stacks name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from custom_resources.errors import AwsNotFound

if TYPE_CHECKING:
    from custom_resources.clients.service_catalog import ServiceCatalog
    from custom_resources.clients.stacks import CloudFormationStacks

FOUNDATION_STACK, PORTFOLIO_STACK = "FoundationStack", "PortfolioStack"
PROVIDER = "GitHubOidcProvider"  # PortfolioStack's logical id of the identity provider


def offered_product(catalog: ServiceCatalog, stacks: CloudFormationStacks, name: str) -> str:
    """Return the id of the product that PortfolioStack offers.

    A product stays when its stack goes, so that there may be another one of the same name. Only where no stack names
    the product (an account that the portfolio is shared with) it is looked for by its name. Raises ProductNotFound.
    """
    try:
        named = stacks.outputs(PORTFOLIO_STACK).get("ProductId", "")
    except AwsNotFound:
        named = ""
    return named or catalog.product(name)
