"""Portfolios that another account or an organization's node shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id
from standins.aws.service_catalog.answers import invalid, missing, paged
from standins.aws.service_catalog.model import Catalog

if TYPE_CHECKING:
    from standins.aws.calls import Call


class ShareOperations:
    """The operations, each named as the model names it."""

    def __init__(self, catalog: Catalog) -> None:
        """Take what there is."""
        self._catalog = catalog

    def create_portfolio_share(self, call: Call, request: Record) -> Record:
        """CreatePortfolioShare: with an account (which accepts it) or an organization's node."""
        portfolio, (kind, principal) = self._catalog.own_portfolio(call, request["PortfolioId"]), _shared_with(request)
        if principal == call.account:
            raise invalid("A portfolio cannot be shared with its own account.")
        token = f"share-{new_id(13)}"
        portfolio.shares[principal] = {
            "PrincipalId": principal,
            "Type": kind,
            "Accepted": False,
            "ShareTagOptions": request.get("ShareTagOptions", False),
            "SharePrincipals": request.get("SharePrincipals", False),
            "_token": token,
        }
        return {"PortfolioShareToken": token if kind != "ACCOUNT" or "OrganizationNode" in request else None}

    def update_portfolio_share(self, call: Call, request: Record) -> Record:
        """UpdatePortfolioShare."""
        share = self._share(call, request)
        for member in ("ShareTagOptions", "SharePrincipals"):
            share[member] = request.get(member, share[member])
        return {"PortfolioShareToken": share["_token"], "Status": "COMPLETED"}

    def delete_portfolio_share(self, call: Call, request: Record) -> Record:
        """DeletePortfolioShare."""
        share = self._share(call, request)
        del self._catalog.portfolios[request["PortfolioId"]].shares[share["PrincipalId"]]
        return {"PortfolioShareToken": share["_token"] if "OrganizationNode" in request else None}

    def list_portfolio_access(self, call: Call, request: Record) -> Record:
        """ListPortfolioAccess."""
        shares = self._catalog.own_portfolio(call, request["PortfolioId"]).shares.values()
        return paged("AccountIds", [item["PrincipalId"] for item in shares if item["Type"] == "ACCOUNT"], request)

    def accept_portfolio_share(self, call: Call, request: Record) -> Record:
        """AcceptPortfolioShare."""
        self._offered(call, request["PortfolioId"])["Accepted"] = True
        return {}

    def _share(self, call: Call, request: Record) -> Record:
        _, principal = _shared_with(request)
        share = self._catalog.own_portfolio(call, request["PortfolioId"]).shares.get(principal)
        if share is None:
            raise missing("Share with", principal)
        return share

    def _offered(self, call: Call, portfolio_id: str) -> Record:
        portfolio = self._catalog.portfolios.get(portfolio_id)
        if portfolio is None or call.account not in portfolio.shares:
            raise missing("Portfolio", portfolio_id)
        return portfolio.shares[call.account]


def _shared_with(request: Record) -> tuple[str, str]:
    node = request.get("OrganizationNode")
    if ("AccountId" in request) == (node is not None):
        raise invalid("Exactly one of AccountId and OrganizationNode must be given.")
    return ("ACCOUNT", request["AccountId"]) if node is None else (node["Type"], node["Value"])
