"""Service Catalog's constraints: with which role a product is launched, what may change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id
from standins.aws.protocol import ServiceError
from standins.aws.service_catalog.answers import invalid, missing, paged
from standins.aws.service_catalog.model import Catalog

if TYPE_CHECKING:
    from standins.aws.calls import Call

_CONSTRAINTS = ("LAUNCH", "RESOURCE_UPDATE")


class ConstraintOperations:
    """The operations, each named as the model names it."""

    def __init__(self, catalog: Catalog) -> None:
        """Take what there is."""
        self._catalog = catalog

    def create_constraint(self, call: Call, request: Record) -> Record:
        """CreateConstraint: the product must be in the portfolio; one LAUNCH constraint for the two."""
        return self._catalog.once(call, request["IdempotencyToken"], lambda: self._new_constraint(call, request))

    def _new_constraint(self, call: Call, request: Record) -> Record:
        portfolio = self._catalog.portfolio(call, request["PortfolioId"])
        if request["ProductId"] not in portfolio.products:
            raise missing("Product in the portfolio", request["ProductId"])
        _check_constraint(request["Type"], request["Parameters"])
        same = [
            item
            for item in self._catalog.constraints_on(request["PortfolioId"], request["ProductId"])
            if item["Type"] == request["Type"]
        ]
        if same:
            raise ServiceError("DuplicateResourceException", f"There is a {request['Type']} constraint already.")
        identifier = new_id(13, "cons-")
        constraint = {
            "ConstraintId": identifier,
            "Type": request["Type"],
            "Description": request.get("Description"),
            "Owner": call.account,
            "ProductId": request["ProductId"],
            "PortfolioId": request["PortfolioId"],
            "_parameters": request["Parameters"],
        }
        self._catalog.constraints[identifier] = constraint
        return _constraint_answer(constraint)

    def update_constraint(self, call: Call, request: Record) -> Record:
        """UpdateConstraint."""
        constraint = self._constraint(call, request["Id"])
        if "Parameters" in request:
            _check_constraint(constraint["Type"], request["Parameters"])
            constraint["_parameters"] = request["Parameters"]
        constraint["Description"] = request.get("Description", constraint["Description"])
        return _constraint_answer(constraint)

    def delete_constraint(self, call: Call, request: Record) -> Record:
        """DeleteConstraint."""
        del self._catalog.constraints[self._constraint(call, request["Id"])["ConstraintId"]]
        return {}

    def list_constraints_for_portfolio(self, call: Call, request: Record) -> Record:
        """ListConstraintsForPortfolio."""
        self._catalog.portfolio(call, request["PortfolioId"])
        found = [
            item
            for item in self._catalog.constraints.values()
            if item["PortfolioId"] == request["PortfolioId"]
            and request.get("ProductId", item["ProductId"]) == item["ProductId"]
        ]
        return paged("ConstraintDetails", found, request)

    def _constraint(self, call: Call, identifier: str) -> Record:
        constraint = self._catalog.constraints.get(identifier)
        if constraint is None or constraint["Owner"] != call.account:
            raise missing("Constraint", identifier)
        return constraint


def _check_constraint(kind: str, parameters: str) -> None:
    if kind not in _CONSTRAINTS:
        raise invalid(f"The stand-in has constraints of type {' and '.join(_CONSTRAINTS)}.")
    try:
        content = json.loads(parameters)
    except ValueError as error:
        raise invalid("The constraint's parameters are not JSON.") from error
    if kind == "LAUNCH" and list(content) not in (["RoleArn"], ["LocalRoleName"]):
        raise invalid("A LAUNCH constraint has RoleArn or LocalRoleName.")
    if kind == "RESOURCE_UPDATE" and content.get("Properties", {}).get("TagUpdateOnProvisionedProduct") not in (
        "ALLOWED",
        "NOT_ALLOWED",
    ):
        raise invalid("A RESOURCE_UPDATE constraint says whether TagUpdateOnProvisionedProduct is ALLOWED.")


def _constraint_answer(constraint: Record) -> Record:
    return {"ConstraintDetail": constraint, "ConstraintParameters": constraint["_parameters"], "Status": "AVAILABLE"}
