"""Service Catalog's products and their versions (provisioning artifacts)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id, now
from standins.aws.emulator import Credentials, Emulator, StackFailed
from standins.aws.protocol import ServiceError
from standins.aws.service_catalog.answers import invalid, paged, retag, tag_list, tag_map
from standins.aws.service_catalog.model import Catalog, Product, owns

if TYPE_CHECKING:
    from standins.aws.calls import Call

TEMPLATE = "LoadTemplateFromURL"
_DESCRIBED = ("Name", "Owner", "Description", "Distributor", "SupportDescription", "SupportEmail", "SupportUrl")


class ProductOperations:
    """The operations, each named as the model names it."""

    def __init__(self, catalog: Catalog, emulator: Emulator) -> None:
        """Take what there is, and MiniStack, which holds the templates."""
        self._catalog = catalog
        self._emulator = emulator

    def create_product(self, call: Call, request: Record) -> Record:
        """CreateProduct: with its first version."""
        return self._catalog.once(call, request["IdempotencyToken"], lambda: self._new_product(call, request))

    def _new_product(self, call: Call, request: Record) -> Record:
        if request["ProductType"] != "CLOUD_FORMATION_TEMPLATE" or "ProvisioningArtifactParameters" not in request:
            raise invalid("The stand-in has products of type CLOUD_FORMATION_TEMPLATE with a first version.")
        attributes = {member: request[member] for member in _DESCRIBED if member in request}
        attributes["Type"] = request["ProductType"]
        tags = tag_map(request.get("Tags", []))
        product = Product(new_id(13, "prod-"), call.account, call.region, attributes, tags, now())
        artifact = _new_artifact(self._emulator, call, product, request["ProvisioningArtifactParameters"])
        self._catalog.products[product.id] = product
        return {
            "ProductViewDetail": product.view,
            "ProvisioningArtifactDetail": artifact,
            "Tags": tag_list(product.tags),
        }

    def describe_product_as_admin(self, call: Call, request: Record) -> Record:
        """DescribeProductAsAdmin."""
        product = self._catalog.named_product(call, request)
        return {
            "ProductViewDetail": product.view,
            "ProvisioningArtifactSummaries": list(product.artifacts.values()),
            "Tags": tag_list(product.tags),
            "TagOptions": self._catalog.options_of(product.id),
        }

    def search_products_as_admin(self, call: Call, request: Record) -> Record:
        """SearchProductsAsAdmin: all of the account's, or a portfolio's; FullTextSearch looks at the name."""
        if "PortfolioId" in request:
            found = [
                self._catalog.products[item] for item in self._catalog.portfolio(call, request["PortfolioId"]).products
            ]
        else:
            found = [item for item in self._catalog.products.values() if owns(item, call)]
        words = [word.lower() for word in request.get("Filters", {}).get("FullTextSearch", [])]
        views = [item.view for item in found if all(word in item.attributes["Name"].lower() for word in words)]
        return paged("ProductViewDetails", views, request)

    def update_product(self, call: Call, request: Record) -> Record:
        """UpdateProduct."""
        product = self._catalog.own_product(call, request["Id"])
        for member in _DESCRIBED:
            if member in request:
                product.attributes[member] = request[member]
        retag(product.tags, request)
        return {"ProductViewDetail": product.view, "Tags": tag_list(product.tags)}

    def delete_product(self, call: Call, request: Record) -> Record:
        """DeleteProduct: refused while it is in a portfolio."""
        product = self._catalog.own_product(call, request["Id"])
        held = any(product.id in item.products for item in self._catalog.portfolios.values())
        if held or self._catalog.options_of(product.id):
            raise ServiceError("ResourceInUseException", f"Product {product.id} is in a portfolio or has tag options.")
        del self._catalog.products[product.id]
        return {}


class VersionOperations:
    """The operations, each named as the model names it."""

    def __init__(self, catalog: Catalog, emulator: Emulator) -> None:
        """Take what there is, and MiniStack, which holds the templates."""
        self._catalog = catalog
        self._emulator = emulator

    def create_provisioning_artifact(self, call: Call, request: Record) -> Record:
        """CreateProvisioningArtifact: a new version."""
        product = self._catalog.own_product(call, request["ProductId"])
        return self._catalog.once(
            call,
            request["IdempotencyToken"],
            lambda: _artifact_answer(_new_artifact(self._emulator, call, product, request["Parameters"])),
        )

    def describe_provisioning_artifact(self, call: Call, request: Record) -> Record:
        """DescribeProvisioningArtifact."""
        product, artifact = self._catalog.artifact(call, request)
        parameters = None
        if request.get("IncludeProvisioningArtifactParameters"):
            parameters = artifact_parameters(self._emulator, product, artifact)
        return _artifact_answer(artifact) | {"ProvisioningArtifactParameters": parameters}

    def list_provisioning_artifacts(self, call: Call, request: Record) -> Record:
        """ListProvisioningArtifacts."""
        return {
            "ProvisioningArtifactDetails": list(self._catalog.product(call, request["ProductId"]).artifacts.values())
        }

    def update_provisioning_artifact(self, call: Call, request: Record) -> Record:
        """UpdateProvisioningArtifact: name, description, guidance, active."""
        self._catalog.own_product(call, request["ProductId"])
        _, artifact = self._catalog.artifact(call, request)
        for member in ("Name", "Description", "Active", "Guidance"):
            if member in request:
                artifact[member] = request[member]
        return _artifact_answer(artifact)

    def delete_provisioning_artifact(self, call: Call, request: Record) -> Record:
        """DeleteProvisioningArtifact: the last one stays."""
        product, artifact = (
            self._catalog.own_product(call, request["ProductId"]),
            self._catalog.artifact(call, request)[1],
        )
        if len(product.artifacts) == 1:
            raise ServiceError("ResourceInUseException", "The last version of a product cannot be deleted.")
        del product.artifacts[artifact["Id"]]
        return {}


def _new_artifact(emulator: Emulator, call: Call, product: Product, parameters: Record) -> Record:
    """Copy the template, as Service Catalog does: what happens to its source later does not matter."""
    source = parameters.get("Info", {}).get(TEMPLATE)
    if not source:
        raise invalid(f"Info must have {TEMPLATE}.")
    identifier = new_id(13, "pa-")
    try:
        url = emulator.copy_template(
            source, identifier, region=call.region, reader=Credentials(call.access_key), account=call.account
        )
        if not parameters.get("DisableTemplateValidation"):
            emulator.template(url, call.region, Credentials(call.account))
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


def artifact_parameters(emulator: Emulator, product: Product, artifact: Record) -> list[Record]:
    """Return the parameters of a version's template, as Service Catalog describes them."""
    _, declared = emulator.template(artifact["_template"], product.region, Credentials(product.account))
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


def _artifact_answer(artifact: Record) -> Record:
    return {
        "ProvisioningArtifactDetail": artifact,
        "Info": {"TemplateUrl": artifact["_source"]},  # as public code reads it, whatever the request called it
        "Status": "AVAILABLE",
    }
