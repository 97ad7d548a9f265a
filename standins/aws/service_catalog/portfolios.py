"""Service Catalog's portfolios, and which products and principals are in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id, now
from standins.aws.protocol import ServiceError
from standins.aws.service_catalog.answers import invalid, missing, paged, retag, tag_list, tag_map
from standins.aws.service_catalog.model import Catalog, Portfolio, owns

if TYPE_CHECKING:
    from standins.aws.calls import Call


class PortfolioOperations:
    """The operations, each named as the model names it."""

    def __init__(self, catalog: Catalog) -> None:
        """Take what there is."""
        self._catalog = catalog

    def create_portfolio(self, call: Call, request: Record) -> Record:
        """CreatePortfolio."""
        return self._catalog.once(call, request["IdempotencyToken"], lambda: self._new_portfolio(call, request))

    def _new_portfolio(self, call: Call, request: Record) -> Record:
        identifier = new_id(13, "port-")
        detail = {
            "Id": identifier,
            "ARN": f"arn:aws:catalog:{call.region}:{call.account}:portfolio/{identifier}",
            "DisplayName": request["DisplayName"],
            "Description": request.get("Description"),
            "ProviderName": request["ProviderName"],
            "CreatedTime": now(),
        }
        self._catalog.portfolios[identifier] = Portfolio(
            detail, call.account, call.region, tag_map(request.get("Tags", []))
        )
        return {"PortfolioDetail": detail, "Tags": request.get("Tags", [])}

    def describe_portfolio(self, call: Call, request: Record) -> Record:
        """DescribePortfolio."""
        portfolio = self._catalog.portfolio(call, request["Id"])
        options = self._catalog.options_of(request["Id"])
        return {"PortfolioDetail": portfolio.detail, "Tags": tag_list(portfolio.tags), "TagOptions": options}

    def list_portfolios(self, call: Call, request: Record) -> Record:
        """ListPortfolios: the account's own."""
        mine = [item.detail for item in self._catalog.portfolios.values() if owns(item, call)]
        return paged("PortfolioDetails", mine, request)

    def update_portfolio(self, call: Call, request: Record) -> Record:
        """UpdatePortfolio."""
        portfolio = self._catalog.own_portfolio(call, request["Id"])
        for member in ("DisplayName", "Description", "ProviderName"):
            if member in request:
                portfolio.detail[member] = request[member]
        retag(portfolio.tags, request)
        return {"PortfolioDetail": portfolio.detail, "Tags": tag_list(portfolio.tags)}

    def delete_portfolio(self, call: Call, request: Record) -> Record:
        """DeletePortfolio: refused while anything is associated with it."""
        portfolio = self._catalog.own_portfolio(call, request["Id"])
        constrained = any(item["PortfolioId"] == request["Id"] for item in self._catalog.constraints.values())
        if (
            portfolio.products
            or portfolio.principals
            or portfolio.shares
            or constrained
            or self._catalog.options_of(request["Id"])
        ):
            raise ServiceError(
                "ResourceInUseException", "The portfolio has products, principals, constraints, shares or tag options."
            )
        del self._catalog.portfolios[request["Id"]]
        return {}

    def associate_product_with_portfolio(self, call: Call, request: Record) -> Record:
        """AssociateProductWithPortfolio: an account may put a product shared with it into a portfolio of its own."""
        portfolio = self._catalog.own_portfolio(call, request["PortfolioId"])
        product = self._catalog.product(call, request["ProductId"])
        if product.id not in portfolio.products:
            portfolio.products.append(product.id)
        return {}

    def disassociate_product_from_portfolio(self, call: Call, request: Record) -> Record:
        """DisassociateProductFromPortfolio: refused while a constraint holds them together."""
        portfolio = self._catalog.own_portfolio(call, request["PortfolioId"])
        if request["ProductId"] not in portfolio.products:
            raise missing("Product", request["ProductId"])
        if self._catalog.constraints_on(request["PortfolioId"], request["ProductId"]):
            raise ServiceError("ResourceInUseException", "Constraints hold the product in the portfolio.")
        portfolio.products.remove(request["ProductId"])
        return {}

    def associate_principal_with_portfolio(self, call: Call, request: Record) -> Record:
        """AssociatePrincipalWithPortfolio: an ARN, or with IAM_PATTERN one without account and with wildcards."""
        portfolio, arn = self._catalog.portfolio(call, request["PortfolioId"]), request["PrincipalARN"]
        shape = r"arn:aws:iam::(\d{12})?:(role|user|group)/.+"
        if request["PrincipalType"] == "IAM":
            shape = r"arn:aws:iam::\d{12}:(role|user|group)/[^*?]+"
        if not re.fullmatch(shape, arn):
            raise invalid(f"{arn} is not an ARN of type {request['PrincipalType']}.")
        principal = (call.account, arn, request["PrincipalType"])
        if principal not in portfolio.principals:
            portfolio.principals.append(principal)
        return {}

    def disassociate_principal_from_portfolio(self, call: Call, request: Record) -> Record:
        """DisassociatePrincipalFromPortfolio."""
        portfolio = self._catalog.portfolio(call, request["PortfolioId"])
        gone = (call.account, request["PrincipalARN"], request.get("PrincipalType", "IAM"))
        if gone not in portfolio.principals:
            raise missing("Principal", request["PrincipalARN"])
        portfolio.principals.remove(gone)
        return {}

    def list_principals_for_portfolio(self, call: Call, request: Record) -> Record:
        """ListPrincipalsForPortfolio."""
        portfolio = self._catalog.portfolio(call, request["PortfolioId"])
        found = [
            {"PrincipalARN": arn, "PrincipalType": kind}
            for account, arn, kind in portfolio.principals
            if account == call.account
        ]
        return paged("Principals", found, request)
