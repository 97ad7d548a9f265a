"""Service Catalog, the user's half: launch paths, provisioned products as stacks on MiniStack, records, outputs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from threading import RLock, Thread
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from standins.aws.calls import Record, Table, new_id, now
from standins.aws.catalog_answers import invalid, missing, paged
from standins.aws.emulator import Credentials, RoleUnusable, StackFailed
from standins.aws.protocol import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from standins.aws.calls import Call
    from standins.aws.emulator import Emulator, StackResult
    from standins.aws.service_catalog import Portfolio, Product, ServiceCatalog

SERVICE_PRINCIPAL = "servicecatalog.amazonaws.com"
_STACK_OUTPUT = "CloudformationStackARN"


@dataclass
class ProvisionedProduct:
    """A launched product: its answer to DescribeProvisionedProduct and what runs it."""

    detail: Record
    account: str
    region: str
    path_id: str
    user: str
    tags: dict[str, str]
    parameters: dict[str, str]
    stack: str
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Target:
    """What is launched or updated, through which portfolio, in whose name."""

    product: Product
    artifact: Record
    portfolio: Portfolio
    role: str
    credentials: Credentials


class Launches:
    """The user's operations, each named as the model names it."""

    def __init__(self, emulator: Emulator, catalog: ServiceCatalog) -> None:
        """Take MiniStack, where the stacks run, and what there is to launch."""
        self.provisioned: Table[ProvisionedProduct] = Table()
        self._records: Table[Record] = Table()
        self._tokens: dict[tuple[str, str, str, str], str] = {}
        self._emulator = emulator
        self._catalog = catalog
        self._lock = RLock()

    # What can be launched

    def list_launch_paths(self, call: Call, request: Record) -> Record:
        """ListLaunchPaths: those that the caller has."""
        paths = []
        for portfolio in self._paths(call, request["ProductId"]):
            constraints = self._catalog.constraints_on(portfolio.detail["Id"], request["ProductId"])
            tags = [{"Key": key, "Value": value} for key, value in portfolio.tags.items()]
            paths.append({**portfolio.path, "ConstraintSummaries": constraints, "Tags": tags})
        return paged("LaunchPathSummaries", paths, request)

    def describe_product(self, call: Call, request: Record) -> Record:
        """DescribeProduct: with the active versions, for those who can launch it."""
        for product in self._catalog.products.values():
            if (
                request.get("Id", product.id) == product.id
                and request.get("Name", product.attributes["Name"]) == (product.attributes["Name"])
            ):
                portfolios = self._catalog.accessible(call, product.id)
                if portfolios:
                    return {
                        "ProductViewSummary": product.summary,
                        "ProvisioningArtifacts": [item for item in product.artifacts.values() if item["Active"]],
                        "Budgets": [],
                        "LaunchPaths": [portfolio.path for portfolio in portfolios],
                    }
        raise missing("Product", str(request.get("Id") or request.get("Name")))

    def search_products(self, call: Call, request: Record) -> Record:
        """SearchProducts: those that the caller can launch; FullTextSearch looks at the name."""
        words = [word.lower() for word in request.get("Filters", {}).get("FullTextSearch", [])]
        found = [
            product.summary
            for product in self._catalog.products.values()
            if self._catalog.accessible(call, product.id)
            and all(word in product.attributes["Name"].lower() for word in words)
        ]
        return paged("ProductViewSummaries", found, request)

    def describe_provisioning_parameters(self, call: Call, request: Record) -> Record:
        """DescribeProvisioningParameters."""
        target = self._target(call, request)
        constraints = self._catalog.constraints_on(target.portfolio.detail["Id"], target.product.id)
        return {
            "ProvisioningArtifactParameters": self._catalog.artifact_parameters(target.product, target.artifact),
            "ConstraintSummaries": constraints,
            "UsageInstructions": [],
            "TagOptions": [],
        }

    # Launch, update, terminate

    def provision_product(self, call: Call, request: Record) -> Record:
        """ProvisionProduct: answers at once with a record; a token gives the same record, whatever became of it."""
        with self._lock:
            if earlier := self._earlier(call, request["ProvisionToken"]):
                return {"RecordDetail": earlier}
            target, name = self._target(call, request), request["ProvisionedProductName"]
            if not target.artifact["Active"] or target.artifact["Guidance"] == "DEPRECATED":
                raise invalid(f"Version {target.artifact['Name']} cannot be launched any more.")
            if any(item.detail["Name"] == name for item in self._mine(call)):
                raise invalid(f"A stack named {name} already exists.")
            identifier = new_id(13, "pp-")
            parameters = {item["Key"]: item["Value"] for item in request.get("ProvisioningParameters", [])}
            tags = target.product.tags | target.portfolio.tags
            provisioned = ProvisionedProduct(
                {
                    "Name": name,
                    "Arn": f"arn:aws:servicecatalog:{call.region}:{call.account}:stack/{name}/{identifier}",
                    "Type": "CFN_STACK",
                    "Id": identifier,
                    "Status": "UNDER_CHANGE",
                    "CreatedTime": now(),
                    "IdempotencyToken": request["ProvisionToken"],
                    "ProductId": target.product.id,
                    "ProvisioningArtifactId": target.artifact["Id"],
                    "LaunchRoleArn": target.role or None,
                },
                call.account,
                call.region,
                target.portfolio.path["Id"],
                call.caller,
                tags | {item["Key"]: item["Value"] for item in request.get("Tags", [])},
                parameters,
                f"SC-{call.account}-{identifier}",
            )
            self.provisioned[identifier] = provisioned
            record = self._record(call, provisioned, "PROVISION_PRODUCT", request["ProvisionToken"], target)

        def work() -> StackResult:
            return self._emulator.create_stack(
                provisioned.stack,
                self._template(call, target),
                parameters,
                region=call.region,
                credentials=self._launcher(call, target),
                tags=provisioned.tags,
                started=lambda stack: setattr(provisioned, "stack", stack),
            )

        self._start(provisioned, record, work)
        return {"RecordDetail": dict(record)}

    def update_provisioned_product(self, call: Call, request: Record) -> Record:
        """UpdateProvisionedProduct: to another version, or with other parameters or tags."""
        with self._lock:
            if earlier := self._earlier(call, request["UpdateToken"]):
                return {"RecordDetail": earlier}
            provisioned = self._ready(call, request)
            wanted = dict(request)
            if not {"ProductId", "ProductName"} & set(request):
                wanted["ProductId"] = provisioned.detail["ProductId"]
            if not {"ProvisioningArtifactId", "ProvisioningArtifactName"} & set(request):
                wanted["ProvisioningArtifactId"] = provisioned.detail["ProvisioningArtifactId"]
            if not {"PathId", "PathName"} & set(request):
                wanted["PathId"] = provisioned.path_id
            target = self._target(call, wanted)
            if not target.artifact["Active"]:
                raise invalid(f"Version {target.artifact['Name']} is not active.")
            if "Tags" in request:
                self._retag(provisioned, target, request["Tags"])
            parameters = {}
            for item in request.get("ProvisioningParameters", []):
                kept = provisioned.parameters.get(item["Key"], "") if item.get("UsePreviousValue") else item["Value"]
                parameters[item["Key"]] = kept
            provisioned.detail["Status"] = "UNDER_CHANGE"
            record = self._record(call, provisioned, "UPDATE_PROVISIONED_PRODUCT", request["UpdateToken"], target)

        def work() -> StackResult:
            result = self._emulator.update_stack(
                provisioned.stack,
                self._template(call, target),
                parameters,
                region=call.region,
                credentials=self._launcher(call, target),
            )
            provisioned.parameters, provisioned.path_id = parameters, target.portfolio.path["Id"]
            provisioned.detail.update(ProductId=target.product.id, ProvisioningArtifactId=target.artifact["Id"])
            return result

        self._start(provisioned, record, work)
        return {"RecordDetail": dict(record)}

    def terminate_provisioned_product(self, call: Call, request: Record) -> Record:
        """TerminateProvisionedProduct: deletes the stack, unless its resources are to be retained."""
        with self._lock:
            if earlier := self._earlier(call, request["TerminateToken"]):
                return {"RecordDetail": earlier}
            provisioned = self._ready(call, request)
            provisioned.detail["Status"] = "UNDER_CHANGE"
            record = self._record(call, provisioned, "TERMINATE_PROVISIONED_PRODUCT", request["TerminateToken"])

        def work() -> None:
            if request.get("RetainPhysicalResources"):
                return
            role = provisioned.detail["LaunchRoleArn"]
            try:
                credentials = self._role_credentials(role, call) if role else Credentials(call.access_key)
                self._emulator.delete_stack(provisioned.stack, call.region, credentials)
            except (StackFailed, RoleUnusable):
                if not request.get("IgnoreErrors"):
                    raise

        self._start(provisioned, record, work)
        return {"RecordDetail": dict(record)}

    def _start(self, provisioned: ProvisionedProduct, record: Record, work: Callable[[], StackResult | None]) -> None:
        Thread(target=self._run, args=(provisioned, record, work), daemon=True, name=record["RecordId"]).start()

    def _run(self, provisioned: ProvisionedProduct, record: Record, work: Callable[[], StackResult | None]) -> None:
        """Do the work, and record how it went."""
        kind = record["RecordType"]
        record["Status"] = "IN_PROGRESS"
        try:
            result = work()
        except (StackFailed, RoleUnusable, ClientError, BotoCoreError) as error:
            with self._lock:
                record.update(Status="FAILED", UpdatedTime=now())
                record["RecordErrors"] = [{"Code": "CloudFormation", "Description": str(error)}]
                status = "TAINTED" if kind == "UPDATE_PROVISIONED_PRODUCT" else "ERROR"
                provisioned.detail.update(Status=status, StatusMessage=str(error))
            return
        with self._lock:
            if result is None:
                self.provisioned.pop(provisioned.detail["Id"], None)
            else:
                provisioned.stack = result.stack_id
                provisioned.outputs = {_STACK_OUTPUT: result.stack_id, **result.outputs}
                provisioned.detail.update(Status="AVAILABLE", StatusMessage=None)
                for member in ("LastProvisioningRecordId", "LastSuccessfulProvisioningRecordId"):
                    provisioned.detail[member] = record["RecordId"]
                record["_outputs"] = dict(provisioned.outputs)
            record.update(Status="SUCCEEDED", UpdatedTime=now())

    def _record(
        self, call: Call, provisioned: ProvisionedProduct, kind: str, token: str, target: _Target | None = None
    ) -> Record:
        identifier = new_id(13, "rec-")
        record = {
            "RecordId": identifier,
            "ProvisionedProductName": provisioned.detail["Name"],
            "Status": "CREATED",
            "CreatedTime": now(),
            "UpdatedTime": now(),
            "ProvisionedProductType": "CFN_STACK",
            "RecordType": kind,
            "ProvisionedProductId": provisioned.detail["Id"],
            "ProductId": target.product.id if target else provisioned.detail["ProductId"],
            "ProvisioningArtifactId": target.artifact["Id"] if target else provisioned.detail["ProvisioningArtifactId"],
            "PathId": target.portfolio.path["Id"] if target else provisioned.path_id,
            "RecordErrors": [],
            "RecordTags": [],
            "LaunchRoleArn": target.role or None if target else provisioned.detail["LaunchRoleArn"],
            "_account": call.account,
            "_region": call.region,
            "_outputs": {},
        }
        self._records[identifier] = record
        self._tokens[call.account, call.region, call.operation, token] = identifier
        provisioned.detail["LastRecordId"] = identifier
        return record

    def _earlier(self, call: Call, token: str) -> Record | None:
        identifier = self._tokens.get((call.account, call.region, call.operation, token))
        return dict(self._records[identifier]) if identifier else None

    def _ready(self, call: Call, request: Record) -> ProvisionedProduct:
        provisioned = self._provisioned(
            call, request.get("ProvisionedProductId"), request.get("ProvisionedProductName")
        )
        if provisioned.detail["Status"] == "UNDER_CHANGE":
            raise invalid(f"Provisioned product {provisioned.detail['Name']} is under change.")
        return provisioned

    def _retag(self, provisioned: ProvisionedProduct, target: _Target, tags: list[Record]) -> None:
        wanted = provisioned.tags | {item["Key"]: item["Value"] for item in tags}
        allowed = any(
            item["Type"] == "RESOURCE_UPDATE" and '"ALLOWED"' in item["_parameters"]
            for item in self._catalog.constraints_on(target.portfolio.detail["Id"], target.product.id)
        )
        if wanted != provisioned.tags and not allowed:
            raise invalid("Tags can change only with a RESOURCE_UPDATE constraint that allows it.")
        provisioned.tags = wanted

    def _paths(self, call: Call, product_id: str) -> list[Portfolio]:
        portfolios = self._catalog.accessible(call, product_id)
        if not portfolios:
            raise ServiceError("ResourceNotFoundException", f"No launch paths found for resource: {product_id}")
        return portfolios

    def _target(self, call: Call, request: Record) -> _Target:
        """Return what the request wants to launch. Raises ServiceError, also for a caller without a launch path."""
        product, artifact = self._catalog.artifact(call, request)
        portfolios = self._paths(call, product.id)
        for member in ("Id", "Name"):
            wanted = request.get(f"Path{member}")
            if wanted is not None:
                portfolios = [item for item in portfolios if item.path[member] == wanted]
        if not portfolios:
            raise missing("Launch path", str(request.get("PathId") or request.get("PathName")))
        if len(portfolios) > 1:
            raise invalid("There are several launch paths; give PathId or PathName.")
        role = ""
        for constraint in self._catalog.constraints_on(portfolios[0].detail["Id"], product.id):
            if constraint["Type"] == "LAUNCH":
                content = json.loads(constraint["_parameters"])
                role = content.get("RoleArn") or f"arn:aws:iam::{call.account}:role/{content['LocalRoleName']}"
        return _Target(product, artifact, portfolios[0], role, Credentials(call.access_key))

    def _template(self, call: Call, target: _Target) -> str:
        """Return the URL of the version's template; of a shared product, of a copy that the account can read."""
        product, artifact = target.product, target.artifact
        if product.account == call.account:
            return str(artifact["_template"])
        owner = Credentials(product.account)
        return self._emulator.copy_template(
            artifact["_template"], artifact["Id"], region=call.region, reader=owner, account=call.account
        )

    def _launcher(self, call: Call, target: _Target) -> Credentials:
        return self._role_credentials(target.role, call) if target.role else target.credentials

    def _role_credentials(self, role: str, call: Call) -> Credentials:
        return self._emulator.assume(role, SERVICE_PRINCIPAL, call.region, "SCAssumedRole")

    # What was launched

    def describe_provisioned_product(self, call: Call, request: Record) -> Record:
        """DescribeProvisionedProduct."""
        provisioned = self._provisioned(call, request.get("Id"), request.get("Name"))
        return {"ProvisionedProductDetail": provisioned.detail, "CloudWatchDashboards": []}

    def get_provisioned_product_outputs(self, call: Call, request: Record) -> Record:
        """GetProvisionedProductOutputs."""
        provisioned = self._provisioned(
            call, request.get("ProvisionedProductId"), request.get("ProvisionedProductName")
        )
        wanted = request.get("OutputKeys", list(provisioned.outputs))
        if missing := [key for key in wanted if key not in provisioned.outputs]:
            raise invalid(f"There is no output {', '.join(missing)}.")
        found = [{"OutputKey": key, "OutputValue": provisioned.outputs[key]} for key in wanted]
        return paged("Outputs", found, request)

    def describe_record(self, call: Call, request: Record) -> Record:
        """DescribeRecord."""
        record = self._records.get(request["Id"])
        if record is None or record["_account"] != call.account:
            raise missing("Record", request["Id"])
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in record["_outputs"].items()]
        return {"RecordDetail": record, **paged("RecordOutputs", outputs, request)}

    def list_record_history(self, call: Call, request: Record) -> Record:
        """ListRecordHistory: newest first."""
        search = request.get("SearchFilter", {})
        member = {"product": "ProductId", "provisionedproduct": "ProvisionedProductId"}.get(search.get("Key", ""))
        found = [
            record
            for record in reversed(self._records.values())
            if (record["_account"], record["_region"]) == (call.account, call.region)
            and (member is None or record[member] == search["Value"])
        ]
        return paged("RecordDetails", found, request)

    def search_provisioned_products(self, call: Call, request: Record) -> Record:
        """SearchProvisionedProducts: SearchQuery terms `field:value` (all must hold) or a part of the name."""
        found = [self._attribute(item) for item in self._mine(call, request.get("AccessLevelFilter"))]
        for terms in request.get("Filters", {}).get("SearchQuery", []):
            for term in terms.split(" "):
                found = [item for item in found if _satisfies(item, term)]
        listed = paged("ProvisionedProducts", found, request)
        return {**listed, "TotalResultsCount": len(found)}

    def scan_provisioned_products(self, call: Call, request: Record) -> Record:
        """ScanProvisionedProducts."""
        found = [item.detail for item in self._mine(call, request.get("AccessLevelFilter"))]
        return paged("ProvisionedProducts", found, request)

    def _attribute(self, provisioned: ProvisionedProduct) -> Record:
        product = self._catalog.products.get(provisioned.detail["ProductId"])
        artifacts = product.artifacts if product else {}
        return provisioned.detail | {
            "Tags": [{"Key": key, "Value": value} for key, value in provisioned.tags.items()],
            "PhysicalId": provisioned.stack,
            "ProductName": product.attributes["Name"] if product else None,
            "ProvisioningArtifactName": artifacts.get(provisioned.detail["ProvisioningArtifactId"], {}).get("Name"),
            "UserArn": provisioned.user,
            "UserArnSession": provisioned.user,
        }

    def _mine(self, call: Call, level: Record | None = None) -> list[ProvisionedProduct]:
        """Return the account's provisioned products; as a search's filter wants, only the caller's."""
        everything = [
            item for item in self.provisioned.values() if (item.account, item.region) == (call.account, call.region)
        ]
        whole_account = level is None and not call.operation.startswith(("Search", "Scan"))
        if whole_account or (level or {}).get("Key") == "Account":
            return everything
        wanted = (level or {}).get("Value", "self")
        return [item for item in everything if item.user == (call.caller if wanted == "self" else wanted)]

    def _provisioned(self, call: Call, identifier: str | None, name: str | None) -> ProvisionedProduct:
        if (identifier is None) == (name is None):
            raise invalid("Exactly one of id and name of the provisioned product must be given.")
        for item in self._mine(call):
            if identifier == item.detail["Id"] or (
                name is not None and name in (item.detail["Name"], item.detail["Arn"])
            ):
                return item
        raise missing("Provisioned product", str(identifier or name))


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
