"""What an administrator's resource offers is this installation's: its product, its template (docs/decisions/0093).

A principal that can invoke a function while an administrator deploys can choose the event's properties. So the product
and the template that an event names are compared with those of the account.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from custom_resources.errors import AwsDenied, AwsNotFound, NotOfItsStack

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Clients
    from custom_resources.reconciler import Request

PORTFOLIO_STACK = "PortfolioStack"  # which makes the product, and puts its id out
_PRODUCT = "AWS::ServiceCatalog::CloudFormationProduct"
_OUTPUT = "ProductId"  # and the parameter of Studio's environments
_PROFILES = "StudioProfilesStack"  # of the domain's account: its profiles are for other accounts
_SUFFIX = r"(amazonaws\.(com|com\.cn|eu)|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"


def require_offered(request: Request[Any], clients: Clients) -> None:
    """Refuse an event that names another product, account or template. A deletion names nothing that would be used.

    Raises NotOfItsStack, RetryLater.
    """
    told = request.properties
    if request.type == "Delete":
        return

    name = f"{request.stack_id}//".split("/")[1]
    for product in sorted(set(_products(told))):
        if not _is_ours(product, request.stack_id, clients):
            raise NotOfItsStack(stack=name, why=f"the portfolio does not contain the product {product}")
    account = getattr(told, "aws_account", "")
    if account and account != request.stack_id.split(":")[4] and name != _PROFILES:
        raise NotOfItsStack(stack=name, why=f"the account {account} is not this account")
    template, bucket = getattr(told, "template_url", ""), clients.installation.blueprint_bucket
    if template and not _is_of(template, bucket, request.stack_id):
        raise NotOfItsStack(stack=name, why=f"the template {template} is not in the bucket {bucket}")


def _products(told: Any) -> Iterator[str]:
    """Yield the products that an event names: by its own property, and as parameters of Studio's environments."""
    if hasattr(told, "product_id"):
        yield told.product_id
    yield from (each.default_value for each in getattr(told, "user_parameters", ()) if each.key_name == _OUTPUT)
    yield from (each.value for each in getattr(told, "parameters", ()) if each.name == _OUTPUT)


def _is_ours(product: str, stack_id: str, clients: Clients) -> bool:
    """Tell whether the portfolio's stack has made the product. While that is created, it puts nothing out yet."""
    facts, name = clients.stack_facts, f"{stack_id}//".split("/")[1]
    if name == PORTFOLIO_STACK:
        made = facts.resources(stack_id).values()
        if (_PRODUCT, product) in {(each.type, each.physical_id) for each in made}:
            return True
    try:
        return bool(product) and facts.outputs(PORTFOLIO_STACK).get(_OUTPUT) == product
    except (AwsNotFound, AwsDenied):  # the domain's account has no product, and its functions read of none
        return False


def _is_of(template: str, bucket: str, stack_id: str) -> bool:
    """Tell whether a template is in a bucket, by its name of content and the address that the CDK gives it."""
    region = re.escape(stack_id.split(":")[3])
    return bool(
        bucket and re.fullmatch(rf"https://s3\.{region}\.{_SUFFIX}/{re.escape(bucket)}/[0-9a-f]{{64}}\.json", template)
    )
