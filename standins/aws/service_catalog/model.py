"""What Service Catalog remembers, and how its operations look things up: who owns, sees and may launch what."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

from standins.aws.calls import Record, Table
from standins.aws.service_catalog.answers import invalid, missing

if TYPE_CHECKING:
    from standins.aws.calls import Call


@dataclass
class Portfolio:
    """A portfolio with what is associated with it."""

    detail: Record
    account: str
    region: str
    tags: dict[str, str]
    products: list[str] = field(default_factory=list)
    principals: list[tuple[str, str, str]] = field(default_factory=list)  # account, ARN or pattern, type
    shares: Table[Record] = field(default_factory=Table)

    @property
    def path(self) -> Record:
        """The launch path that leads through this portfolio."""
        return {"Id": f"lpv3-{self.detail['Id'].removeprefix('port-')}", "Name": self.detail["DisplayName"]}


@dataclass
class Product:
    """A product and its versions (provisioning artifacts), oldest first."""

    id: str
    account: str
    region: str
    attributes: Record
    tags: dict[str, str]
    created: Any
    artifacts: Table[Record] = field(default_factory=Table)

    @property
    def summary(self) -> Record:
        """ProductViewSummary."""
        known = {key: value for key, value in self.attributes.items() if key != "Description"}
        return known | {
            "Id": f"prodview-{self.id.removeprefix('prod-')}",
            "ProductId": self.id,
            "ShortDescription": self.attributes.get("Description", ""),
            "HasDefaultPath": False,
        }

    @property
    def view(self) -> Record:
        """ProductViewDetail."""
        arn = f"arn:aws:catalog:{self.region}:{self.account}:product/{self.id}"
        return {
            "ProductViewSummary": self.summary,
            "Status": "AVAILABLE",
            "ProductARN": arn,
            "CreatedTime": self.created,
        }


class Catalog:
    """All portfolios, products, constraints and tag options."""

    def __init__(self) -> None:
        """Start empty."""
        self.portfolios: Table[Portfolio] = Table()
        self.products: Table[Product] = Table()
        self.constraints: Table[Record] = Table()
        self.tag_options: Table[Record] = Table()
        self.tagged: Table[list[str]] = Table()
        self._answered: dict[tuple[str, str, str], Record] = {}
        self._lock = RLock()

    def portfolio(self, call: Call, identifier: str) -> Portfolio:
        """Return a portfolio of the caller's account or shared with it. Raises ServiceError."""
        portfolio = self.portfolios.get(identifier)
        if portfolio is None or portfolio not in self.visible(call):
            raise missing("Portfolio", identifier)
        return portfolio

    def product(self, call: Call, identifier: str) -> Product:
        """Return a product of the caller's account or of a portfolio shared with it. Raises ServiceError."""
        product = self.products.get(identifier)
        shared = {item for portfolio in self.visible(call) for item in portfolio.products}
        if product is None or not (owns(product, call) or identifier in shared):
            raise missing("Product", identifier)
        return product

    def artifact(self, call: Call, request: Record) -> tuple[Product, Record]:
        """Return product and version that the request names, by id or by name. Raises ServiceError."""
        product = self.named_product(call, {"Id": request.get("ProductId"), "Name": request.get("ProductName")})
        identifier, name = request.get("ProvisioningArtifactId"), request.get("ProvisioningArtifactName")
        if (identifier is None) == (name is None):
            raise invalid("Exactly one of ProvisioningArtifactId and ProvisioningArtifactName must be given.")
        for artifact in product.artifacts.values():
            if identifier == artifact["Id"] or (name is not None and name == artifact["Name"]):
                return product, artifact
        raise missing("ProvisioningArtifact", str(identifier or name))

    def named_product(self, call: Call, request: Record) -> Product:
        """Return the product that the request names, by id or by name. Raises ServiceError."""
        identifier, name = request.get("Id"), request.get("Name")
        if (identifier is None) == (name is None):
            raise invalid("Exactly one of product id and product name must be given.")
        if identifier is not None:
            return self.product(call, identifier)
        shared = {item for portfolio in self.visible(call) for item in portfolio.products}
        found = [
            item
            for item in self.products.values()
            if item.attributes["Name"] == name and (owns(item, call) or item.id in shared)
        ]
        if len(found) > 1:
            raise invalid(f"Several products are named {name}; give the id.")
        if not found:
            raise missing("Product", str(name))
        return found[0]

    def accessible(self, call: Call, product_id: str) -> list[Portfolio]:
        """Return the portfolios through which the caller may launch the product."""
        return [
            portfolio
            for portfolio in self.visible(call)
            if product_id in portfolio.products
            and any(
                _matches(call, arn, kind)
                for account, arn, kind in portfolio.principals
                if account == call.account or (kind == "IAM_PATTERN" and _shares_principals(portfolio, call))
            )
        ]

    def visible(self, call: Call) -> list[Portfolio]:
        """Return the portfolios of the caller's account and those that it accepted, in the region."""
        return [
            item
            for item in self.portfolios.values()
            if item.region == call.region
            and (item.account == call.account or item.shares.get(call.account, {}).get("Accepted"))
        ]

    def own_portfolio(self, call: Call, identifier: str) -> Portfolio:
        """Return a portfolio of the caller's own account. Raises ServiceError."""
        portfolio = self.portfolio(call, identifier)
        if not owns(portfolio, call):
            raise missing("Portfolio", identifier)
        return portfolio

    def own_product(self, call: Call, identifier: str) -> Product:
        """Return a product of the caller's own account. Raises ServiceError."""
        product = self.product(call, identifier)
        if not owns(product, call):
            raise invalid(f"Product {identifier} belongs to account {product.account}; only that one can change it.")
        return product

    def constraints_on(self, portfolio_id: str, product_id: str) -> list[Record]:
        """Return the constraints of a product in a portfolio."""
        wanted = (portfolio_id, product_id)
        return [item for item in self.constraints.values() if (item["PortfolioId"], item["ProductId"]) == wanted]

    def options_of(self, resource: str) -> list[Record]:
        """Return the tag options of a portfolio or product."""
        return [self.tag_options[item] for item in self.tagged.get(resource, [])]

    def once(self, call: Call, token: str, create: Callable[[], Record]) -> Record:
        """Answer the same request as the first time: that is what its idempotency token is for."""
        with self._lock:
            key = (call.account, call.region, f"{call.operation}/{token}")
            if key not in self._answered:
                self._answered[key] = create()
            return self._answered[key]


def owns(item: Portfolio | Product, call: Call) -> bool:
    """Tell whether it is of the caller's account and region."""
    return (item.account, item.region) == (call.account, call.region)


def _matches(call: Call, arn: str, kind: str) -> bool:
    if kind == "IAM":
        return arn == call.caller
    without_account = re.sub(r"(arn:aws:iam::)\d{12}", r"\1", call.caller)
    return fnmatch.fnmatchcase(without_account, re.sub(r"(arn:aws:iam::)\d{12}", r"\1", arn))


def _shares_principals(portfolio: Portfolio, call: Call) -> bool:
    return bool(portfolio.shares.get(call.account, {}).get("SharePrincipals"))
