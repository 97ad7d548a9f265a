"""Tags that a product's or a portfolio's launches may carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id
from standins.aws.protocol import ServiceError
from standins.aws.service_catalog.answers import invalid, missing, tag_map
from standins.aws.service_catalog.model import Catalog

if TYPE_CHECKING:
    from standins.aws.calls import Call
    from standins.aws.service_catalog.model import Portfolio, Product


class TagOptionOperations:
    """The operations, each named as the model names it."""

    def __init__(self, catalog: Catalog) -> None:
        """Take what there is."""
        self._catalog = catalog

    def create_tag_option(self, call: Call, request: Record) -> Record:
        """CreateTagOption."""
        wanted = (call.account, call.region, request["Key"], request["Value"])
        present = self._catalog.tag_options.values()
        if any((item["Owner"], item["_region"], item["Key"], item["Value"]) == wanted for item in present):
            raise ServiceError(
                "DuplicateResourceException", f"TagOption {request['Key']}={request['Value']} exists already."
            )
        option = {**request, "Active": True, "Id": new_id(13, "tag-"), "Owner": call.account, "_region": call.region}
        self._catalog.tag_options[option["Id"]] = option
        return {"TagOptionDetail": option}

    def update_tag_option(self, call: Call, request: Record) -> Record:
        """UpdateTagOption."""
        option = self._tag_option(call, request["Id"])
        option.update({member: request[member] for member in ("Value", "Active") if member in request})
        return {"TagOptionDetail": option}

    def delete_tag_option(self, call: Call, request: Record) -> Record:
        """DeleteTagOption: refused while it is associated."""
        option = self._tag_option(call, request["Id"])
        if any(option["Id"] in options for options in self._catalog.tagged.values()):
            raise ServiceError("ResourceInUseException", f"TagOption {option['Id']} is associated with resources.")
        del self._catalog.tag_options[option["Id"]]
        return {}

    def associate_tag_option_with_resource(self, call: Call, request: Record) -> Record:
        """AssociateTagOptionWithResource."""
        option, resource = self._tag_option(call, request["TagOptionId"]), self._taggable(call, request["ResourceId"])
        if option["Id"] in self._catalog.tagged.get(resource, []):
            raise ServiceError("DuplicateResourceException", "The TagOption is associated already.")
        self._catalog.tagged.setdefault(resource, []).append(option["Id"])
        return {}

    def disassociate_tag_option_from_resource(self, call: Call, request: Record) -> Record:
        """DisassociateTagOptionFromResource."""
        resource = self._taggable(call, request["ResourceId"])
        if request["TagOptionId"] not in self._catalog.tagged.get(resource, []):
            raise missing("TagOption", request["TagOptionId"])
        self._catalog.tagged[resource].remove(request["TagOptionId"])
        return {}

    def _tag_option(self, call: Call, identifier: str) -> Record:
        option = self._catalog.tag_options.get(identifier)
        if option is None or (option["Owner"], option["_region"]) != (call.account, call.region):
            raise missing("TagOption", identifier)
        return option

    def _taggable(self, call: Call, identifier: str) -> str:
        if identifier.startswith("port-"):
            self._catalog.own_portfolio(call, identifier)
        else:
            self._catalog.own_product(call, identifier)
        return identifier


def offered(catalog: Catalog, call: Call, portfolio: Portfolio, product: Product) -> dict[str, list[str]]:
    """Return a launch's TagOptions: by key the values of portfolio and product, where both have some those of both.

    A key without a common value gets AWS's tag for a conflict (Administrator Guide, "Launching a Product with
    TagOptions"). A shared portfolio's count where the share has them.
    """
    shared = portfolio.account == call.account or portfolio.shares.get(call.account, {}).get("ShareTagOptions")
    of_portfolio = _values(catalog, portfolio.detail["Id"]) if shared else {}
    of_product = _values(catalog, product.id)
    found: dict[str, list[str]] = {}
    for key in {**of_portfolio, **of_product}:
        first, second = of_portfolio.get(key), of_product.get(key)
        common = [value for value in first if value in second] if first and second else first or second or []
        found[key] = common or [f"sc-tagconflict-{portfolio.detail['Id']}-{product.id}"]
    return found


def _values(catalog: Catalog, resource: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for option in catalog.options_of(resource):
        if option["Active"]:
            values.setdefault(option["Key"], []).append(option["Value"])
    return values


def launch_tags(
    catalog: Catalog, call: Call, portfolio: Portfolio, product: Product, given: list[Record]
) -> dict[str, str]:
    """Return the tags of a launch: the product's, the portfolio's, those given and those of its TagOptions.

    Raises ServiceError for a reserved tag, and where a tag has none of its TagOptions' values.
    """
    tags = product.tags | portfolio.tags | tag_map(given)
    for key, values in offered(catalog, call, portfolio, product).items():
        chosen = tags.setdefault(key, values[0]) if len(values) == 1 else tags.get(key, "")
        if chosen not in values:
            raise invalid(f"Tag {key} must have a value of its TagOptions: {', '.join(values)}.")
    return tags
