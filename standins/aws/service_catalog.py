"""Service Catalog, the administrator's half: portfolios, products, versions, constraints, access, shares, tags.

What a launch does is in launches.py.
"""

from __future__ import annotations

import fnmatch
import json
import re
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

from standins.aws.calls import Record, Table, new_id, now, page
from standins.aws.catalog_answers import invalid, missing, paged
from standins.aws.emulator import Credentials, StackFailed
from standins.aws.protocol import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from standins.aws.calls import Call
    from standins.aws.emulator import Emulator

_TEMPLATE = "LoadTemplateFromURL"
_CONSTRAINTS = ("LAUNCH", "NOTIFICATION", "RESOURCE_UPDATE", "STACKSET", "TEMPLATE")


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


class ServiceCatalog:
    """The administrator's operations, each named as the model names it."""

    def __init__(self, emulator: Emulator) -> None:
        """Take MiniStack, which holds the templates."""
        self.portfolios: Table[Portfolio] = Table()
        self.products: Table[Product] = Table()
        self.constraints: Table[Record] = Table()
        self._tag_options: Table[Record] = Table()
        self._tagged: Table[list[str]] = Table()
        self._answered: dict[tuple[str, str], Record] = {}
        self._emulator = emulator
        self.lock = RLock()

    # Portfolios

    def create_portfolio(self, call: Call, request: Record) -> Record:
        """CreatePortfolio."""
        return self._once(call, request["IdempotencyToken"], lambda: self._new_portfolio(call, request))

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
        self.portfolios[identifier] = Portfolio(detail, call.account, call.region, _tag_map(request.get("Tags", [])))
        return {"PortfolioDetail": detail, "Tags": request.get("Tags", [])}

    def describe_portfolio(self, call: Call, request: Record) -> Record:
        """DescribePortfolio."""
        portfolio = self.portfolio(call, request["Id"])
        options = self._options_of(request["Id"])
        return {"PortfolioDetail": portfolio.detail, "Tags": _tag_list(portfolio.tags), "TagOptions": options}

    def list_portfolios(self, call: Call, request: Record) -> Record:
        """ListPortfolios: the account's own."""
        mine = [item.detail for item in self.portfolios.values() if _owns(item, call)]
        return paged("PortfolioDetails", mine, request)

    def update_portfolio(self, call: Call, request: Record) -> Record:
        """UpdatePortfolio."""
        portfolio = self._own_portfolio(call, request["Id"])
        for member in ("DisplayName", "Description", "ProviderName"):
            if member in request:
                portfolio.detail[member] = request[member]
        _retag(portfolio.tags, request)
        return {"PortfolioDetail": portfolio.detail, "Tags": _tag_list(portfolio.tags)}

    def delete_portfolio(self, call: Call, request: Record) -> Record:
        """DeletePortfolio: refused while anything is associated with it."""
        portfolio = self._own_portfolio(call, request["Id"])
        constrained = any(item["PortfolioId"] == request["Id"] for item in self.constraints.values())
        if (
            portfolio.products
            or portfolio.principals
            or portfolio.shares
            or constrained
            or self._options_of(request["Id"])
        ):
            raise ServiceError(
                "ResourceInUseException", "The portfolio has products, principals, constraints, shares or tag options."
            )
        del self.portfolios[request["Id"]]
        return {}

    # Products and their versions

    def create_product(self, call: Call, request: Record) -> Record:
        """CreateProduct: with its first version."""
        return self._once(call, request["IdempotencyToken"], lambda: self._new_product(call, request))

    def _new_product(self, call: Call, request: Record) -> Record:
        if request["ProductType"] != "CLOUD_FORMATION_TEMPLATE" or "ProvisioningArtifactParameters" not in request:
            raise invalid("The stand-in has products of type CLOUD_FORMATION_TEMPLATE with a first version.")
        members = ("Name", "Owner", "Description", "Distributor", "SupportDescription", "SupportEmail", "SupportUrl")
        attributes = {member: request[member] for member in members if member in request}
        attributes["Type"] = request["ProductType"]
        tags = _tag_map(request.get("Tags", []))
        product = Product(new_id(13, "prod-"), call.account, call.region, attributes, tags, now())
        artifact = self._new_artifact(call, product, request["ProvisioningArtifactParameters"])
        self.products[product.id] = product
        return {
            "ProductViewDetail": product.view,
            "ProvisioningArtifactDetail": artifact,
            "Tags": _tag_list(product.tags),
        }

    def _new_artifact(self, call: Call, product: Product, parameters: Record) -> Record:
        """Copy the template, as Service Catalog does: what happens to its source later does not matter."""
        source = parameters.get("Info", {}).get(_TEMPLATE)
        if not source:
            raise invalid(f"Info must have {_TEMPLATE}.")
        identifier = new_id(13, "pa-")
        try:
            url = self._emulator.copy_template(
                source, identifier, region=call.region, reader=Credentials(call.access_key), account=call.account
            )
            if not parameters.get("DisableTemplateValidation"):
                self._emulator.template(url, call.region, Credentials(call.account))
        except StackFailed as error:
            raise invalid(f"Invalid templateBody: {error}") from error
        artifact = {
            "Id": identifier,
            "Name": parameters.get("Name", identifier),
            "Description": parameters.get("Description"),
            "Type": parameters.get("Type", "CLOUD_FORMATION_TEMPLATE"),
            "CreatedTime": now(),
            "Active": True,
            "Guidance": "DEFAULT",
            "_template": url,
            "_source": source,
        }
        product.artifacts[identifier] = artifact
        return artifact

    def describe_product_as_admin(self, call: Call, request: Record) -> Record:
        """DescribeProductAsAdmin."""
        product = self._named_product(call, request)
        return {
            "ProductViewDetail": product.view,
            "ProvisioningArtifactSummaries": list(product.artifacts.values()),
            "Tags": _tag_list(product.tags),
            "TagOptions": self._options_of(product.id),
        }

    def search_products_as_admin(self, call: Call, request: Record) -> Record:
        """SearchProductsAsAdmin: all of the account's, or a portfolio's; FullTextSearch looks at the name."""
        if "PortfolioId" in request:
            found = [self.products[item] for item in self.portfolio(call, request["PortfolioId"]).products]
        else:
            found = [item for item in self.products.values() if _owns(item, call)]
        words = [word.lower() for word in request.get("Filters", {}).get("FullTextSearch", [])]
        views = [item.view for item in found if all(word in item.attributes["Name"].lower() for word in words)]
        return paged("ProductViewDetails", views, request)

    def update_product(self, call: Call, request: Record) -> Record:
        """UpdateProduct."""
        product = self._own_product(call, request["Id"])
        for member in (
            "Name",
            "Owner",
            "Description",
            "Distributor",
            "SupportDescription",
            "SupportEmail",
            "SupportUrl",
        ):
            if member in request:
                product.attributes[member] = request[member]
        _retag(product.tags, request)
        return {"ProductViewDetail": product.view, "Tags": _tag_list(product.tags)}

    def delete_product(self, call: Call, request: Record) -> Record:
        """DeleteProduct: refused while it is in a portfolio."""
        product = self._own_product(call, request["Id"])
        if any(product.id in item.products for item in self.portfolios.values()) or self._options_of(product.id):
            raise ServiceError("ResourceInUseException", f"Product {product.id} is in a portfolio or has tag options.")
        del self.products[product.id]
        return {}

    def create_provisioning_artifact(self, call: Call, request: Record) -> Record:
        """CreateProvisioningArtifact: a new version."""
        product = self._own_product(call, request["ProductId"])
        return self._once(
            call,
            request["IdempotencyToken"],
            lambda: _artifact_answer(self._new_artifact(call, product, request["Parameters"])),
        )

    def describe_provisioning_artifact(self, call: Call, request: Record) -> Record:
        """DescribeProvisioningArtifact."""
        product, artifact = self.artifact(call, request)
        parameters = None
        if request.get("IncludeProvisioningArtifactParameters"):
            parameters = self.artifact_parameters(product, artifact)
        return _artifact_answer(artifact) | {"ProvisioningArtifactParameters": parameters}

    def list_provisioning_artifacts(self, call: Call, request: Record) -> Record:
        """ListProvisioningArtifacts."""
        return {"ProvisioningArtifactDetails": list(self.product(call, request["ProductId"]).artifacts.values())}

    def update_provisioning_artifact(self, call: Call, request: Record) -> Record:
        """UpdateProvisioningArtifact: name, description, guidance, active."""
        self._own_product(call, request["ProductId"])
        _, artifact = self.artifact(call, request)
        for member in ("Name", "Description", "Active", "Guidance"):
            if member in request:
                artifact[member] = request[member]
        return _artifact_answer(artifact)

    def delete_provisioning_artifact(self, call: Call, request: Record) -> Record:
        """DeleteProvisioningArtifact: the last one stays."""
        product, artifact = self._own_product(call, request["ProductId"]), self.artifact(call, request)[1]
        if len(product.artifacts) == 1:
            raise ServiceError("ResourceInUseException", "The last version of a product cannot be deleted.")
        del product.artifacts[artifact["Id"]]
        return {}

    def artifact_parameters(self, product: Product, artifact: Record) -> list[Record]:
        """Return the parameters of a version's template, as Service Catalog describes them."""
        _, declared = self._emulator.template(artifact["_template"], product.region, Credentials(product.account))
        return [
            {
                "ParameterKey": item.name,
                "DefaultValue": item.default,
                "ParameterType": item.type,
                "IsNoEcho": item.no_echo,
                "Description": item.description,
            }
            for item in declared
        ]

    # Associations

    def associate_product_with_portfolio(self, call: Call, request: Record) -> Record:
        """AssociateProductWithPortfolio: an account may put a product shared with it into a portfolio of its own."""
        portfolio = self._own_portfolio(call, request["PortfolioId"])
        product = self.product(call, request["ProductId"])
        if product.id not in portfolio.products:
            portfolio.products.append(product.id)
        return {}

    def disassociate_product_from_portfolio(self, call: Call, request: Record) -> Record:
        """DisassociateProductFromPortfolio: refused while a constraint holds them together."""
        portfolio = self._own_portfolio(call, request["PortfolioId"])
        if request["ProductId"] not in portfolio.products:
            raise missing("Product", request["ProductId"])
        if self.constraints_on(request["PortfolioId"], request["ProductId"]):
            raise ServiceError("ResourceInUseException", "Constraints hold the product in the portfolio.")
        portfolio.products.remove(request["ProductId"])
        return {}

    def list_portfolios_for_product(self, call: Call, request: Record) -> Record:
        """ListPortfoliosForProduct."""
        product = self.product(call, request["ProductId"])
        found = [item.detail for item in self._visible(call) if product.id in item.products]
        return paged("PortfolioDetails", found, request)

    def associate_principal_with_portfolio(self, call: Call, request: Record) -> Record:
        """AssociatePrincipalWithPortfolio: an ARN, or with IAM_PATTERN one without account and with wildcards."""
        portfolio, arn = self.portfolio(call, request["PortfolioId"]), request["PrincipalARN"]
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
        portfolio = self.portfolio(call, request["PortfolioId"])
        gone = (call.account, request["PrincipalARN"], request.get("PrincipalType", "IAM"))
        if gone not in portfolio.principals:
            raise missing("Principal", request["PrincipalARN"])
        portfolio.principals.remove(gone)
        return {}

    def list_principals_for_portfolio(self, call: Call, request: Record) -> Record:
        """ListPrincipalsForPortfolio."""
        portfolio = self.portfolio(call, request["PortfolioId"])
        found = [
            {"PrincipalARN": arn, "PrincipalType": kind}
            for account, arn, kind in portfolio.principals
            if account == call.account
        ]
        return paged("Principals", found, request)

    # Constraints

    def create_constraint(self, call: Call, request: Record) -> Record:
        """CreateConstraint: the product must be in the portfolio; one LAUNCH constraint for the two."""
        return self._once(call, request["IdempotencyToken"], lambda: self._new_constraint(call, request))

    def _new_constraint(self, call: Call, request: Record) -> Record:
        portfolio = self.portfolio(call, request["PortfolioId"])
        if request["ProductId"] not in portfolio.products:
            raise missing("Product in the portfolio", request["ProductId"])
        _check_constraint(request["Type"], request["Parameters"])
        same = [
            item
            for item in self.constraints_on(request["PortfolioId"], request["ProductId"])
            if item["Type"] == request["Type"]
        ]
        if same and request["Type"] != "TEMPLATE":
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
        self.constraints[identifier] = constraint
        return _constraint_answer(constraint)

    def describe_constraint(self, call: Call, request: Record) -> Record:
        """DescribeConstraint."""
        return _constraint_answer(self._constraint(call, request["Id"]))

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
        del self.constraints[self._constraint(call, request["Id"])["ConstraintId"]]
        return {}

    def list_constraints_for_portfolio(self, call: Call, request: Record) -> Record:
        """ListConstraintsForPortfolio."""
        self.portfolio(call, request["PortfolioId"])
        found = [
            item
            for item in self.constraints.values()
            if item["PortfolioId"] == request["PortfolioId"]
            and request.get("ProductId", item["ProductId"]) == item["ProductId"]
        ]
        return paged("ConstraintDetails", found, request)

    def constraints_on(self, portfolio_id: str, product_id: str) -> list[Record]:
        """Return the constraints of a product in a portfolio."""
        wanted = (portfolio_id, product_id)
        return [item for item in self.constraints.values() if (item["PortfolioId"], item["ProductId"]) == wanted]

    # Shares

    def create_portfolio_share(self, call: Call, request: Record) -> Record:
        """CreatePortfolioShare: with an account (which accepts it) or an organization's node."""
        portfolio, (kind, principal) = self._own_portfolio(call, request["PortfolioId"]), _shared_with(request)
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
        del self.portfolios[request["PortfolioId"]].shares[share["PrincipalId"]]
        return {"PortfolioShareToken": share["_token"] if "OrganizationNode" in request else None}

    def describe_portfolio_share_status(self, call: Call, request: Record) -> Record:
        """DescribePortfolioShareStatus: sharing is done at once."""
        for portfolio in self.portfolios.values():
            for share in portfolio.shares.values():
                if share["_token"] == request["PortfolioShareToken"]:
                    return {
                        "PortfolioShareToken": share["_token"],
                        "PortfolioId": portfolio.detail["Id"],
                        "OrganizationNodeValue": share["PrincipalId"],
                        "Status": "COMPLETED",
                        "ShareDetails": {"SuccessfulShares": [share["PrincipalId"]], "ShareErrors": []},
                    }
        raise missing("Share", request["PortfolioShareToken"])

    def describe_portfolio_shares(self, call: Call, request: Record) -> Record:
        """DescribePortfolioShares."""
        shares = self._own_portfolio(call, request["PortfolioId"]).shares.values()
        return paged("PortfolioShareDetails", [item for item in shares if item["Type"] == request["Type"]], request)

    def list_portfolio_access(self, call: Call, request: Record) -> Record:
        """ListPortfolioAccess."""
        shares = self._own_portfolio(call, request["PortfolioId"]).shares.values()
        return paged("AccountIds", [item["PrincipalId"] for item in shares if item["Type"] == "ACCOUNT"], request)

    def accept_portfolio_share(self, call: Call, request: Record) -> Record:
        """AcceptPortfolioShare."""
        self._offered(call, request["PortfolioId"])["Accepted"] = True
        return {}

    def reject_portfolio_share(self, call: Call, request: Record) -> Record:
        """RejectPortfolioShare."""
        self._offered(call, request["PortfolioId"])["Accepted"] = False
        return {}

    def list_accepted_portfolio_shares(self, call: Call, request: Record) -> Record:
        """ListAcceptedPortfolioShares."""
        found = [item.detail for item in self._visible(call) if not _owns(item, call)]
        return paged("PortfolioDetails", found, request)

    # Tag options

    def create_tag_option(self, call: Call, request: Record) -> Record:
        """CreateTagOption."""
        wanted = (call.account, request["Key"], request["Value"])
        if any((item["Owner"], item["Key"], item["Value"]) == wanted for item in self._tag_options.values()):
            raise ServiceError(
                "DuplicateResourceException", f"TagOption {request['Key']}={request['Value']} exists already."
            )
        option = {**request, "Active": True, "Id": new_id(13, "tag-"), "Owner": call.account}
        self._tag_options[option["Id"]] = option
        return {"TagOptionDetail": option}

    def describe_tag_option(self, call: Call, request: Record) -> Record:
        """DescribeTagOption."""
        return {"TagOptionDetail": self._tag_option(call, request["Id"])}

    def update_tag_option(self, call: Call, request: Record) -> Record:
        """UpdateTagOption."""
        option = self._tag_option(call, request["Id"])
        option.update({member: request[member] for member in ("Value", "Active") if member in request})
        return {"TagOptionDetail": option}

    def delete_tag_option(self, call: Call, request: Record) -> Record:
        """DeleteTagOption: refused while it is associated."""
        option = self._tag_option(call, request["Id"])
        if any(option["Id"] in options for options in self._tagged.values()):
            raise ServiceError("ResourceInUseException", f"TagOption {option['Id']} is associated with resources.")
        del self._tag_options[option["Id"]]
        return {}

    def list_tag_options(self, call: Call, request: Record) -> Record:
        """ListTagOptions."""
        filters = request.get("Filters", {})
        found = [
            item
            for item in self._tag_options.values()
            if item["Owner"] == call.account and all(item[key] == value for key, value in filters.items())
        ]
        items, token = page(found, request.get("PageSize"), request.get("PageToken"), 20)
        return {"TagOptionDetails": items, "PageToken": token}

    def associate_tag_option_with_resource(self, call: Call, request: Record) -> Record:
        """AssociateTagOptionWithResource."""
        option, resource = self._tag_option(call, request["TagOptionId"]), self._taggable(call, request["ResourceId"])
        if option["Id"] in self._tagged.get(resource, []):
            raise ServiceError("DuplicateResourceException", "The TagOption is associated already.")
        self._tagged.setdefault(resource, []).append(option["Id"])
        return {}

    def disassociate_tag_option_from_resource(self, call: Call, request: Record) -> Record:
        """DisassociateTagOptionFromResource."""
        resource = self._taggable(call, request["ResourceId"])
        if request["TagOptionId"] not in self._tagged.get(resource, []):
            raise missing("TagOption", request["TagOptionId"])
        self._tagged[resource].remove(request["TagOptionId"])
        return {}

    def list_resources_for_tag_option(self, call: Call, request: Record) -> Record:
        """ListResourcesForTagOption."""
        option = self._tag_option(call, request["TagOptionId"])
        found = []
        for resource, options in self._tagged.items():
            if option["Id"] not in options:
                continue
            if resource in self.products:
                product = self.products[resource]
                named = {"Name": product.attributes["Name"], "ARN": product.view["ProductARN"]}
                found.append({"Id": resource, "CreatedTime": product.created, **named})
            else:
                detail = self.portfolios[resource].detail
                found.append({**detail, "Name": detail["DisplayName"]})
        items, token = page(found, request.get("PageSize"), request.get("PageToken"), 20)
        return {"ResourceDetails": items, "PageToken": token}

    def _options_of(self, resource: str) -> list[Record]:
        return [self._tag_options[item] for item in self._tagged.get(resource, [])]

    # What the operations look up

    def portfolio(self, call: Call, identifier: str) -> Portfolio:
        """Return a portfolio of the caller's account or shared with it. Raises ServiceError."""
        portfolio = self.portfolios.get(identifier)
        if portfolio is None or portfolio not in self._visible(call):
            raise missing("Portfolio", identifier)
        return portfolio

    def product(self, call: Call, identifier: str) -> Product:
        """Return a product of the caller's account or of a portfolio shared with it. Raises ServiceError."""
        product = self.products.get(identifier)
        shared = {item for portfolio in self._visible(call) for item in portfolio.products}
        if product is None or not (_owns(product, call) or identifier in shared):
            raise missing("Product", identifier)
        return product

    def artifact(self, call: Call, request: Record) -> tuple[Product, Record]:
        """Return product and version that the request names, by id or by name. Raises ServiceError."""
        product = self._named_product(call, {"Id": request.get("ProductId"), "Name": request.get("ProductName")})
        identifier, name = request.get("ProvisioningArtifactId"), request.get("ProvisioningArtifactName")
        if (identifier is None) == (name is None):
            raise invalid("Exactly one of ProvisioningArtifactId and ProvisioningArtifactName must be given.")
        for artifact in product.artifacts.values():
            if identifier == artifact["Id"] or (name is not None and name == artifact["Name"]):
                return product, artifact
        raise missing("ProvisioningArtifact", str(identifier or name))

    def _named_product(self, call: Call, request: Record) -> Product:
        identifier, name = request.get("Id"), request.get("Name")
        if (identifier is None) == (name is None):
            raise invalid("Exactly one of product id and product name must be given.")
        if identifier is not None:
            return self.product(call, identifier)
        shared = {item for portfolio in self._visible(call) for item in portfolio.products}
        found = [
            item
            for item in self.products.values()
            if item.attributes["Name"] == name and (_owns(item, call) or item.id in shared)
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
            for portfolio in self._visible(call)
            if product_id in portfolio.products
            and any(
                _matches(call, arn, kind)
                for account, arn, kind in portfolio.principals
                if account == call.account or (kind == "IAM_PATTERN" and _shares_principals(portfolio, call))
            )
        ]

    def _visible(self, call: Call) -> list[Portfolio]:
        return [
            item
            for item in self.portfolios.values()
            if item.region == call.region
            and (item.account == call.account or item.shares.get(call.account, {}).get("Accepted"))
        ]

    def _own_portfolio(self, call: Call, identifier: str) -> Portfolio:
        portfolio = self.portfolio(call, identifier)
        if not _owns(portfolio, call):
            raise missing("Portfolio", identifier)
        return portfolio

    def _own_product(self, call: Call, identifier: str) -> Product:
        product = self.product(call, identifier)
        if not _owns(product, call):
            raise invalid(f"Product {identifier} belongs to account {product.account}; only that one can change it.")
        return product

    def _constraint(self, call: Call, identifier: str) -> Record:
        constraint = self.constraints.get(identifier)
        if constraint is None or constraint["Owner"] != call.account:
            raise missing("Constraint", identifier)
        return constraint

    def _share(self, call: Call, request: Record) -> Record:
        _, principal = _shared_with(request)
        share = self._own_portfolio(call, request["PortfolioId"]).shares.get(principal)
        if share is None:
            raise missing("Share with", principal)
        return share

    def _offered(self, call: Call, portfolio_id: str) -> Record:
        portfolio = self.portfolios.get(portfolio_id)
        if portfolio is None or call.account not in portfolio.shares:
            raise missing("Portfolio", portfolio_id)
        return portfolio.shares[call.account]

    def _tag_option(self, call: Call, identifier: str) -> Record:
        option = self._tag_options.get(identifier)
        if option is None or option["Owner"] != call.account:
            raise missing("TagOption", identifier)
        return option

    def _taggable(self, call: Call, identifier: str) -> str:
        if identifier.startswith("port-"):
            self._own_portfolio(call, identifier)
        else:
            self._own_product(call, identifier)
        return identifier

    def _once(self, call: Call, token: str, create: Callable[[], Record]) -> Record:
        """Answer the same request as the first time: that is what its idempotency token is for."""
        with self.lock:
            key = (call.account, f"{call.operation}/{token}")
            if key not in self._answered:
                self._answered[key] = create()
            return self._answered[key]


def _owns(item: Portfolio | Product, call: Call) -> bool:
    return (item.account, item.region) == (call.account, call.region)


def _matches(call: Call, arn: str, kind: str) -> bool:
    if kind == "IAM":
        return arn == call.caller
    without_account = re.sub(r"(arn:aws:iam::)\d{12}", r"\1", call.caller)
    return fnmatch.fnmatchcase(without_account, re.sub(r"(arn:aws:iam::)\d{12}", r"\1", arn))


def _shares_principals(portfolio: Portfolio, call: Call) -> bool:
    return bool(portfolio.shares.get(call.account, {}).get("SharePrincipals"))


def _shared_with(request: Record) -> tuple[str, str]:
    node = request.get("OrganizationNode")
    if ("AccountId" in request) == (node is not None):
        raise invalid("Exactly one of AccountId and OrganizationNode must be given.")
    return ("ACCOUNT", request["AccountId"]) if node is None else (node["Type"], node["Value"])


def _check_constraint(kind: str, parameters: str) -> None:
    if kind not in _CONSTRAINTS:
        raise invalid(f"{kind} is not a constraint type.")
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
    if kind == "TEMPLATE" and "Rules" not in content:
        raise invalid("A TEMPLATE constraint has Rules.")


def _constraint_answer(constraint: Record) -> Record:
    return {"ConstraintDetail": constraint, "ConstraintParameters": constraint["_parameters"], "Status": "AVAILABLE"}


def _artifact_answer(artifact: Record) -> Record:
    return {
        "ProvisioningArtifactDetail": artifact,
        "Info": {_TEMPLATE: artifact["_source"]},
        "Status": "AVAILABLE",
    }


def _tag_map(tags: Iterable[Record]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _tag_list(tags: dict[str, str]) -> list[Record]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _retag(tags: dict[str, str], request: Record) -> None:
    for key in request.get("RemoveTags", []):
        tags.pop(key, None)
    tags.update(_tag_map(request.get("AddTags", [])))
