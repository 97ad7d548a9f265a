"""Tags that a product's or a portfolio's launches may carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id
from standins.aws.protocol import ServiceError
from standins.aws.service_catalog.answers import missing
from standins.aws.service_catalog.model import Catalog

if TYPE_CHECKING:
    from standins.aws.calls import Call


class TagOptionOperations:
    """The operations, each named as the model names it."""

    def __init__(self, catalog: Catalog) -> None:
        """Take what there is."""
        self._catalog = catalog

    def create_tag_option(self, call: Call, request: Record) -> Record:
        """CreateTagOption."""
        wanted = (call.account, request["Key"], request["Value"])
        if any((item["Owner"], item["Key"], item["Value"]) == wanted for item in self._catalog.tag_options.values()):
            raise ServiceError(
                "DuplicateResourceException", f"TagOption {request['Key']}={request['Value']} exists already."
            )
        option = {**request, "Active": True, "Id": new_id(13, "tag-"), "Owner": call.account}
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
        if option is None or option["Owner"] != call.account:
            raise missing("TagOption", identifier)
        return option

    def _taggable(self, call: Call, identifier: str) -> str:
        if identifier.startswith("port-"):
            self._catalog.own_portfolio(call, identifier)
        else:
            self._catalog.own_product(call, identifier)
        return identifier
