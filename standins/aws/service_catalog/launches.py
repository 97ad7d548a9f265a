"""Launch, update, terminate: answered at once with a record; the stack runs on MiniStack behind it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from standins.aws.calls import Record, new_id, now
from standins.aws.emulator import Credentials, Emulator, RoleUnusable, StackFailed, StackResult
from standins.aws.service_catalog.answers import invalid, tag_list, tag_map
from standins.aws.service_catalog.behaviour import Behaviour
from standins.aws.service_catalog.model import Catalog
from standins.aws.service_catalog.paths import PathOperations, Target
from standins.aws.service_catalog.provisioned import Provisioned, ProvisionedProduct
from standins.aws.service_catalog.reserved_tags import ReservedTags
from standins.aws.service_catalog.tag_options import launch_tags

if TYPE_CHECKING:
    from standins.aws.calls import Call

SERVICE_PRINCIPAL = "servicecatalog.amazonaws.com"
_STACK_OUTPUT = "CloudformationStackARN"


class LaunchOperations:
    """The operations, each named as the model names it."""

    def __init__(
        self,
        emulator: Emulator,
        catalog: Catalog,
        paths: PathOperations,
        provisioned: Provisioned,
        reserved: ReservedTags,
        *,
        behaviour: Behaviour,
    ) -> None:
        """Take MiniStack, where the stacks run, what to launch and by which paths, what was launched, AWS's tags.

        `behaviour` is what no source settles.
        """
        self._emulator = emulator
        self._catalog = catalog
        self._paths = paths
        self._provisioned = provisioned
        self._reserved = reserved
        self._behaviour = behaviour

    def provision_product(self, call: Call, request: Record) -> Record:
        """ProvisionProduct: a token gives the same record, whatever became of it."""
        with self._provisioned.lock:
            if earlier := self._provisioned.earlier(call, request["ProvisionToken"]):
                return {"RecordDetail": earlier}
            target, name = self._paths.target(call, request), request["ProvisionedProductName"]
            if not target.artifact["Active"] or target.artifact["Guidance"] == "DEPRECATED":
                raise invalid(f"Version {target.artifact['Name']} cannot be launched any more.")
            if any(item.detail["Name"] == name for item in self._provisioned.of(call)):
                raise invalid(f"A stack named {name} already exists.")
            tags = launch_tags(self._catalog, call, target.portfolio, target.product, request.get("Tags", []))
            provisioned = _new_product(call, request, target, tags)
            provisioned.reserved = self._reserved.of_launch(call, provisioned.detail, target)
            self._provisioned.products[provisioned.detail["Id"]] = provisioned
            record = self._record(call, provisioned, "PROVISION_PRODUCT", request["ProvisionToken"], target)

        def work() -> StackResult:
            return self._emulator.create_stack(
                provisioned.stack,
                self._paths.template(call, target),
                provisioned.parameters,
                region=call.region,
                credentials=self._credentials(call, target.role),
                tags=provisioned.tags | provisioned.reserved,
                started=lambda stack: setattr(provisioned, "stack", stack),
            )

        return self._begin(provisioned, record, work)

    def update_provisioned_product(self, call: Call, request: Record) -> Record:
        """UpdateProvisionedProduct: to another version, or with other parameters or tags."""
        with self._provisioned.lock:
            if earlier := self._provisioned.earlier(call, request["UpdateToken"]):
                return {"RecordDetail": earlier}
            provisioned = self._ready(call, request)
            if provisioned.detail["Status"] == "TAINTED" and not self._behaviour.updates_tainted:
                raise invalid(f"Provisioned product {provisioned.detail['Name']} is tainted.")
            target = self._paths.target(call, _with_what_it_has(request, provisioned))
            if not target.artifact["Active"]:
                raise invalid(f"Version {target.artifact['Name']} is not active.")
            if "Tags" in request:
                self._retag(call, provisioned, target, request["Tags"])
            provisioned.detail["Status"] = "UNDER_CHANGE"
            record = self._record(call, provisioned, "UPDATE_PROVISIONED_PRODUCT", request["UpdateToken"], target)

        def work() -> StackResult:
            held = self._emulator.stack_parameters(provisioned.stack, call.region, Credentials(call.account))
            parameters = _parameters(request, held | provisioned.parameters)
            if self._behaviour.keeps_parameters:
                parameters = provisioned.parameters | parameters
            reserved = self._reserved.of_update(call, provisioned.detail, target, provisioned.reserved)
            result = self._emulator.update_stack(
                provisioned.stack,
                self._paths.template(call, target),
                parameters,
                region=call.region,
                credentials=self._credentials(call, target.role),
                tags=provisioned.tags | reserved,
                unchanged_fails=self._behaviour.unchanged_fails,
            )
            provisioned.reserved = reserved
            provisioned.parameters, provisioned.path_id = parameters, target.portfolio.path["Id"]
            provisioned.detail.update(ProductId=target.product.id, ProvisioningArtifactId=target.artifact["Id"])
            return result

        return self._begin(provisioned, record, work)

    def terminate_provisioned_product(self, call: Call, request: Record) -> Record:
        """TerminateProvisionedProduct: deletes the stack, unless its resources are to be retained."""
        with self._provisioned.lock:
            if earlier := self._provisioned.earlier(call, request["TerminateToken"]):
                return {"RecordDetail": earlier}
            provisioned = self._ready(call, request)
            provisioned.detail["Status"] = "UNDER_CHANGE"
            record = self._record(call, provisioned, "TERMINATE_PROVISIONED_PRODUCT", request["TerminateToken"])

        def work() -> None:
            if request.get("RetainPhysicalResources"):
                return
            try:
                credentials = self._credentials(call, provisioned.detail["LaunchRoleArn"])
                self._emulator.delete_stack(provisioned.stack, call.region, credentials)
            except (StackFailed, RoleUnusable):
                if not request.get("IgnoreErrors"):
                    raise

        return self._begin(provisioned, record, work)

    def _begin(self, provisioned: ProvisionedProduct, record: Record, work: Callable[[], StackResult | None]) -> Record:
        """Do the work in a thread; return the answer that goes before it."""
        Thread(target=self._run, args=(provisioned, record, work), daemon=True, name=record["RecordId"]).start()
        return {"RecordDetail": dict(record)}

    def _run(self, provisioned: ProvisionedProduct, record: Record, work: Callable[[], StackResult | None]) -> None:
        """Do the work, and record how it went."""
        record["Status"] = "IN_PROGRESS"
        try:
            result = work()
        except (StackFailed, RoleUnusable, ClientError, BotoCoreError) as error:
            with self._provisioned.lock:
                _record_failure(provisioned, record, str(error))
            return
        with self._provisioned.lock:
            if result is None:
                self._provisioned.products.pop(provisioned.detail["Id"], None)
            else:
                _record_success(provisioned, record, result)
            record.update(Status="SUCCEEDED", UpdatedTime=now())

    def _record(
        self, call: Call, provisioned: ProvisionedProduct, kind: str, token: str, target: Target | None = None
    ) -> Record:
        """Make the record of what is begun, and remember it by its token."""
        detail = provisioned.detail
        record = {
            "RecordId": new_id(13, "rec-"),
            "ProvisionedProductName": detail["Name"],
            "Status": "CREATED",
            "CreatedTime": now(),
            "UpdatedTime": now(),
            "ProvisionedProductType": "CFN_STACK",
            "RecordType": kind,
            "ProvisionedProductId": detail["Id"],
            "ProductId": target.product.id if target else detail["ProductId"],
            "ProvisioningArtifactId": target.artifact["Id"] if target else detail["ProvisioningArtifactId"],
            "PathId": target.portfolio.path["Id"] if target else provisioned.path_id,
            "RecordErrors": [],
            "RecordTags": tag_list(provisioned.tags) if target else [],
            "LaunchRoleArn": target.role or None if target else detail["LaunchRoleArn"],
            "_account": call.account,
            "_region": call.region,
            "_outputs": {},
        }
        self._provisioned.remember(call, token, record)
        detail["LastRecordId"] = detail["LastProvisioningRecordId"] = record["RecordId"]
        return record

    def _ready(self, call: Call, request: Record) -> ProvisionedProduct:
        identifier, name = request.get("ProvisionedProductId"), request.get("ProvisionedProductName")
        provisioned = self._provisioned.named(call, identifier, name)
        if provisioned.detail["Status"] == "UNDER_CHANGE":
            raise invalid(f"Provisioned product {provisioned.detail['Name']} is under change.")
        return provisioned

    def _retag(self, call: Call, provisioned: ProvisionedProduct, target: Target, tags: list[Record]) -> None:
        given = tag_list(provisioned.tags | tag_map(tags))
        wanted = launch_tags(self._catalog, call, target.portfolio, target.product, given)
        allowed = any(
            item["Type"] == "RESOURCE_UPDATE" and '"ALLOWED"' in item["_parameters"]
            for item in self._catalog.constraints_on(target.portfolio.detail["Id"], target.product.id)
        )
        if wanted != provisioned.tags and not allowed:
            raise invalid("Tags can change only with a RESOURCE_UPDATE constraint that allows it.")
        provisioned.tags = wanted

    def _credentials(self, call: Call, role: str | None) -> Credentials:
        """Return the launch role's credentials, without one the caller's. Raises RoleUnusable."""
        if not role:
            return Credentials(call.access_key)
        source = self._behaviour.told_account(call.account)
        try:
            return self._emulator.assume(role, SERVICE_PRINCIPAL, call.region, "SCAssumedRole", source_account=source)
        except RoleUnusable as error:
            # AWS's words (aws-samples/sagemaker-custom-project-templates, issue 40).
            raise RoleUnusable(f"Access denied while assuming the role {role}.") from error


def _new_product(call: Call, request: Record, target: Target, tags: dict[str, str]) -> ProvisionedProduct:
    identifier, name = new_id(13, "pp-"), request["ProvisionedProductName"]
    detail = {
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
    }
    return ProvisionedProduct(
        detail,
        call.account,
        call.region,
        path_id=target.portfolio.path["Id"],
        user=call.caller,
        session=call.session or call.caller,
        tags=tags,
        reserved={},
        parameters=_parameters(request, {}),
        stack=f"SC-{call.account}-{identifier}",
    )


def _parameters(request: Record, earlier: dict[str, str]) -> dict[str, str]:
    """Return the request's parameters, those with UsePreviousValue as the stack has them: a default of its launch, too.

    Raises StackFailed as CloudFormation refuses it for a parameter that the stack's template does not have.
    """
    found: dict[str, str] = {}
    for item in request.get("ProvisioningParameters", []):
        name, previous = item["Key"], item.get("UsePreviousValue")
        if previous and name not in earlier:
            raise StackFailed(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter key "
                "not in the previous template"
            )
        found[name] = earlier[name] if previous else item["Value"]
    return found


def _with_what_it_has(request: Record, provisioned: ProvisionedProduct) -> Record:
    """Return an update's request with product, version and path as they are, where it names no other."""
    wanted, detail = dict(request), provisioned.detail
    if not {"ProductId", "ProductName"} & set(request):
        wanted["ProductId"] = detail["ProductId"]
    if not {"ProvisioningArtifactId", "ProvisioningArtifactName"} & set(request):
        wanted["ProvisioningArtifactId"] = detail["ProvisioningArtifactId"]
    if not {"PathId", "PathName"} & set(request):
        wanted["PathId"] = provisioned.path_id
    return wanted


def _record_failure(provisioned: ProvisionedProduct, record: Record, why: str) -> None:
    record.update(Status="FAILED", UpdatedTime=now())
    record["RecordErrors"] = [{"Code": "CloudFormation", "Description": why}]
    status = "TAINTED" if record["RecordType"] == "UPDATE_PROVISIONED_PRODUCT" else "ERROR"
    provisioned.detail.update(Status=status, StatusMessage=why)


def _record_success(provisioned: ProvisionedProduct, record: Record, result: StackResult) -> None:
    provisioned.stack = result.stack_id
    provisioned.outputs = {_STACK_OUTPUT: result.stack_id, **result.outputs}
    provisioned.detail.update(Status="AVAILABLE", StatusMessage=None)
    provisioned.detail["LastSuccessfulProvisioningRecordId"] = record["RecordId"]
    record["_outputs"] = dict(provisioned.outputs)
