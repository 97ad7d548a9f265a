"""What an administrator's resource offers is this installation's: its product, its template (docs/decisions/0093).

Whoever may invoke a function while an administrator deploys chooses the event's properties. What Studio would launch
for everybody, and whose versions are changed, is compared with what the account has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from custom_resources.errors import AwsNotFound, NotOfItsStack

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Clients
    from custom_resources.reconciler import Request

PORTFOLIO_STACK = "PortfolioStack"  # which makes the product, and puts its id out
_PRODUCT = "AWS::ServiceCatalog::CloudFormationProduct"
_OUTPUT = "ProductId"  # and the parameter of Studio's environments
# Where the CDK puts an account's templates: the bucket of its bootstrap, by the path of S3's regional address.
_SUFFIX = r"(amazonaws\.(com|com\.cn|eu)|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
_TEMPLATE = "https://s3\\.{region}\\.{suffix}/cdk-[a-z0-9]{{1,20}}-assets-{account}-{region}/[0-9a-f]{{64}}\\.json"


def require_offered(request: Request[Any], clients: Clients) -> None:
    """Refuse an event that names another product, account or template. A deletion names nothing that would be used.

    Raises NotOfItsStack, RetryLater.
    """
    told = request.properties
    if request.type == "Delete":
        return

    def refused(why: str) -> NotOfItsStack:
        return NotOfItsStack(stack=f"{request.stack_id}//".split("/")[1] or request.stack_id, why=why)

    for product in sorted(set(_products(told))):
        if not _is_ours(product, request.stack_id, clients):
            raise refused(f"the product {product} is not the portfolio's")
    account = f"{request.stack_id}:::::".split(":")[4]
    named = getattr(told, "aws_account", account)
    if named != account:
        raise refused(f"{named} is another account")
    template = getattr(told, "template_url", "")
    if template and not _is_an_asset(template, request.stack_id):
        raise refused(f"the template {template} is not one of its account's deployments")


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
    except AwsNotFound:
        return False


def _is_an_asset(template: str, stack_id: str) -> bool:
    _, _, _, region, account = f"{stack_id}:::::".split(":")[:5]
    pattern = _TEMPLATE.format(region=re.escape(region), account=re.escape(account), suffix=_SUFFIX)
    return bool(re.fullmatch(pattern, template))
