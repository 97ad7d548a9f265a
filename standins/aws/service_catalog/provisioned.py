"""What was launched: provisioned products, the records of what was done to them, and how they are looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING

from standins.aws.calls import Record, Table
from standins.aws.service_catalog.answers import invalid, missing, paged, tag_list
from standins.aws.service_catalog.behaviour import Behaviour
from standins.aws.service_catalog.model import Catalog
from standins.aws.service_catalog.reserved_tags import ReservedTags

if TYPE_CHECKING:
    from standins.aws.calls import Call


@dataclass
class ProvisionedProduct:
    """A launched product: its answer to DescribeProvisionedProduct and what runs it."""

    detail: Record
    account: str
    region: str
    path_id: str
    user: str
    session: str
    tags: dict[str, str]
    reserved: dict[str, str]
    parameters: dict[str, str]
    stack: str
    outputs: dict[str, str] = field(default_factory=dict)


class Provisioned:
    """All provisioned products and records. Whoever changes one holds the lock."""

    def __init__(self) -> None:
        """Start empty."""
        self.products: Table[ProvisionedProduct] = Table()
        self.records: Table[Record] = Table()
        self.lock = RLock()
        self._tokens: dict[tuple[str, str, str, str], str] = {}

    def earlier(self, call: Call, token: str) -> Record | None:
        """Return the record of the request that had the token before, if there was one."""
        identifier = self._tokens.get((call.account, call.region, call.operation, token))
        return dict(self.records[identifier]) if identifier else None

    def remember(self, call: Call, token: str, record: Record) -> None:
        """Keep a record, and that it answers the request that had the token."""
        self.records[record["RecordId"]] = record
        self._tokens[call.account, call.region, call.operation, token] = record["RecordId"]

    def of(self, call: Call, level: Record | None = None) -> list[ProvisionedProduct]:
        """Return the account's provisioned products; as a search's filter wants, only the caller's."""
        everything = [
            item for item in self.products.values() if (item.account, item.region) == (call.account, call.region)
        ]
        whole_account = level is None and not call.operation.startswith("Search")
        if whole_account or (level or {}).get("Key") == "Account":
            return everything
        wanted = (level or {}).get("Value", "self")
        return [item for item in everything if item.user == (call.caller if wanted == "self" else wanted)]

    def named(self, call: Call, identifier: str | None, name: str | None) -> ProvisionedProduct:
        """Return the provisioned product of that id or name. Raises ServiceError."""
        if (identifier is None) == (name is None):
            raise invalid("Exactly one of id and name of the provisioned product must be given.")
        for item in self.of(call):
            if identifier == item.detail["Id"] or (
                name is not None and name in (item.detail["Name"], item.detail["Arn"])
            ):
                return item
        raise missing("Provisioned product", str(identifier or name))


class ProvisionedOperations:
    """The operations, each named as the model names it."""

    def __init__(
        self, provisioned: Provisioned, catalog: Catalog, reserved: ReservedTags, behaviour: Behaviour
    ) -> None:
        """Take what was launched, what it was launched from, whether the launching user is told, and what is open."""
        self._provisioned = provisioned
        self._catalog = catalog
        self._reserved = reserved
        self._behaviour = behaviour

    def describe_provisioned_product(self, call: Call, request: Record) -> Record:
        """DescribeProvisionedProduct."""
        provisioned = self._provisioned.named(call, request.get("Id"), request.get("Name"))
        return {"ProvisionedProductDetail": provisioned.detail, "CloudWatchDashboards": []}

    def get_provisioned_product_outputs(self, call: Call, request: Record) -> Record:
        """GetProvisionedProductOutputs."""
        provisioned = self._provisioned.named(
            call, request.get("ProvisionedProductId"), request.get("ProvisionedProductName")
        )
        outputs = self._behaviour.told_outputs(provisioned.outputs)
        wanted = request.get("OutputKeys", list(outputs))
        if missing := [key for key in wanted if key not in outputs]:
            raise invalid(f"There is no output {', '.join(missing)}.")
        found = [{"OutputKey": key, "OutputValue": outputs[key]} for key in wanted]
        return paged("Outputs", found, request)

    def describe_record(self, call: Call, request: Record) -> Record:
        """DescribeRecord."""
        record = self._provisioned.records.get(request["Id"])
        if record is None or (record["_account"], record["_region"]) != (call.account, call.region):
            raise missing("Record", request["Id"])
        told = self._behaviour.told_outputs(record["_outputs"])
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in told.items()]
        return {"RecordDetail": record, **paged("RecordOutputs", outputs, request)}

    def list_record_history(self, call: Call, request: Record) -> Record:
        """ListRecordHistory: newest first."""
        search = request.get("SearchFilter", {})
        member = {"product": "ProductId", "provisionedproduct": "ProvisionedProductId"}.get(search.get("Key", ""))
        found = [
            record
            for record in reversed(self._provisioned.records.values())
            if (record["_account"], record["_region"]) == (call.account, call.region)
            and (member is None or record[member] == search["Value"])
        ]
        return paged("RecordDetails", found, request)

    def search_provisioned_products(self, call: Call, request: Record) -> Record:
        """SearchProvisionedProducts: SearchQuery terms `field:value` (all must hold) or a part of the name."""
        found = [self._attribute(item) for item in self._provisioned.of(call, request.get("AccessLevelFilter"))]
        for terms in request.get("Filters", {}).get("SearchQuery", []):
            for term in terms.split(" "):
                if term.startswith("id:") and not self._behaviour.searches_ids:
                    return {**paged("ProvisionedProducts", [], request), "TotalResultsCount": 0}
                found = [item for item in found if _satisfies(item, term)]
        listed = paged("ProvisionedProducts", found, request)
        return {**listed, "TotalResultsCount": len(found)}

    def _attribute(self, provisioned: ProvisionedProduct) -> Record:
        product = self._catalog.products.get(provisioned.detail["ProductId"])
        artifacts, told = product.artifacts if product else {}, self._reserved.tells_users
        return provisioned.detail | {
            "Tags": tag_list(provisioned.tags | provisioned.reserved),
            "PhysicalId": provisioned.stack,
            "ProductName": product.attributes["Name"] if product else None,
            "ProvisioningArtifactName": artifacts.get(provisioned.detail["ProvisioningArtifactId"], {}).get("Name"),
            "UserArn": provisioned.user if told else None,
            "UserArnSession": provisioned.session if told else None,
        }


_FIELDS = {
    "arn": "Arn",
    "createdtime": "CreatedTime",
    "id": "Id",
    "lastrecordid": "LastRecordId",
    "idempotencytoken": "IdempotencyToken",
    "name": "Name",
    "physicalid": "PhysicalId",
    "productid": "ProductId",
    "provisioningartifactid": "ProvisioningArtifactId",
    "type": "Type",
    "status": "Status",
    "userarn": "UserArn",
    "userarnsession": "UserArnSession",
}


def _satisfies(item: Record, term: str) -> bool:
    name, colon, value = term.partition(":")
    member = _FIELDS.get(name.lower())
    if colon and member:
        return str(item[member]).lower() == value.strip('"').lower()
    if colon and name.lower().startswith("tags."):
        return any(tag["Key"] == name[5:] and tag["Value"] == value for tag in item["Tags"])
    return term.lower() in item["Name"].lower()
