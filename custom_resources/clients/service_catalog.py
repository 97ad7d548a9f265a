"""Service Catalog: the product, its versions with their guidance, and what was launched from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from custom_resources.clients.aws import SERVICE_CATALOG, translated
from custom_resources.errors import (
    AwsNotFound,
    AwsRefused,
    LaunchPathGone,
    ProductNotFound,
    ProductsAlike,
    VersionMissing,
)

if TYPE_CHECKING:
    from mypy_boto3_servicecatalog import ServiceCatalogClient
    from mypy_boto3_servicecatalog.type_defs import ProvisionedProductAttributeTypeDef

    from custom_resources.clients.stacks import CloudFormationStacks

PROJECT_TAG = "AmazonDataZoneProject"
_STACK = re.compile(r"arn:[a-z0-9:-]+:stack/SC-\d{12}-(?P<launch>pp-[a-z0-9]+)/.+", re.ASCII)
LAUNCHED_BY = "studio-mlops:launched-by"  # the door of a launch, as products/studio tags it
Advice = Literal["DEFAULT", "DEPRECATED"]
Guidance = Literal["DEFAULT", "DEPRECATED", "INACTIVE"]
State = Literal["running", "succeeded", "failed"]


@dataclass(frozen=True)
class ProductVersion:
    """A version of the product as Service Catalog has it (a provisioning artifact)."""

    id: str
    name: str
    advice: Advice = "DEFAULT"
    active: bool = True

    @property
    def guidance(self) -> Guidance:
        """What a version's record calls guidance: the advice, or INACTIVE."""
        return self.advice if self.active else "INACTIVE"


@dataclass(frozen=True)
class Launch:
    """One provisioned product. `version` is "" when its version is not listed any more."""

    id: str
    name: str
    version_id: str
    version: str
    status: str
    message: str = ""
    last_record: str = ""
    stack: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    launched_by: str = ""  # the caller's ARN
    last_update: str = ""  # succeeded or failed: its last launch or update, "" while that is under way
    project_name: str = ""  # in Studio, where somebody asked for the project by it: Service Catalog does not know it

    def belongs_to(self, project: str) -> bool:
        """Tell whether `project` names this launch: its name or id, or the Studio project's id or name."""
        names = (self.id, self.name, self.tags.get(PROJECT_TAG), self.project_name)
        return bool(project) and (project in names or self.name.endswith(f"-{project}"))


@dataclass(frozen=True)
class Record:
    """What became of a request."""

    state: State
    version_id: str = ""
    path_id: str = ""
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class LaunchOfStack:
    """What Service Catalog tells of a stack's launch: ids of product and provisioned product, and the caller's ARN."""

    product: str = ""
    launch: str = ""
    principal: str = ""


@dataclass(frozen=True)
class LaunchedStack:
    """A provisioned product: its product's id, the stack that it made ("" before there is one), and its status."""

    product: str
    stack: str
    status: str


class ServiceCatalog:
    """The requests that functions and the administrator make.

    Every method raises AwsThrottled and AwsUnreachable, which pass, AwsDenied, AwsNotFound, AwsRefused.
    """

    def __init__(self, client: ServiceCatalogClient, stacks: CloudFormationStacks) -> None:
        """Take a boto3 Service Catalog client, and CloudFormation for the parameters of what was launched."""
        self._client = client
        self._stacks = stacks

    # -- the product --------------------------------------------------------------------------------------

    def product(self, name: str) -> str:
        """Return the id of the one product of that name. Raises ProductNotFound, ProductsAlike."""
        found = self.products(name)
        if len(found) > 1:
            raise ProductsAlike(product=name, ids=", ".join(found))
        if not found:
            raise ProductNotFound(count="no", product=name)
        return found[0]

    def products(self, name: str) -> list[str]:
        """Return the ids of the products of a name: one that a former stack has left keeps its own."""
        return [
            str(detail["ProductViewSummary"]["ProductId"])
            for detail in self._pages("search_products_as_admin", "ProductViewDetails", "listing the products")
            if detail.get("ProductViewSummary", {}).get("Name") == name
        ]

    def versions(self, product_id: str) -> list[ProductVersion]:
        """Return the product's versions."""
        with translated(SERVICE_CATALOG, f"listing the versions of {product_id}"):
            found = self._client.list_provisioning_artifacts(ProductId=product_id)["ProvisioningArtifactDetails"]
        return [
            ProductVersion(item["Id"], item.get("Name", ""), item.get("Guidance", "DEFAULT"), item.get("Active", True))
            for item in found
        ]

    def parameter_names(self, product_id: str, version: ProductVersion) -> list[str]:
        """Return the names of a version's parameters. Administrators can read them, too.

        https://docs.aws.amazon.com/servicecatalog/latest/dg/API_DescribeProvisioningArtifact.html
        """
        with translated(SERVICE_CATALOG, f"reading the parameters of {version.name}"):
            found = self._client.describe_provisioning_artifact(
                ProductId=product_id, ProvisioningArtifactId=version.id, IncludeProvisioningArtifactParameters=True
            )
        return [item["ParameterKey"] for item in found.get("ProvisioningArtifactParameters", [])]

    def has_several_paths(self, product_id: str) -> bool:
        """Tell whether the caller has more than one way to the product; False for one who has none."""
        try:
            with translated(SERVICE_CATALOG, f"listing the launch paths of {product_id}"):
                found = self._client.list_launch_paths(ProductId=product_id, PageSize=2)
        except AwsNotFound:
            return False
        return len(found.get("LaunchPathSummaries", [])) > 1

    def version_template(self, product_id: str, version_id: str) -> tuple[str, str]:
        """Return a version's name and the address of its template (DescribeProvisioningArtifact).

        Raises VersionMissing for a version that the product does not have.
        """
        try:
            with translated(SERVICE_CATALOG, f"reading the version {version_id} of {product_id}"):
                found = self._client.describe_provisioning_artifact(
                    ProductId=product_id, ProvisioningArtifactId=version_id
                )
        except AwsNotFound:
            raise VersionMissing(product=product_id, version=version_id) from None
        told: Mapping[str, str] = found.get("Info", {})
        url = told.get("TemplateUrl") or told.get("LoadTemplateFromURL", "")
        return str(found["ProvisioningArtifactDetail"].get("Name", version_id)), url

    def set_guidance(self, product_id: str, version: ProductVersion) -> None:
        """Write a version's advice and activity."""
        with translated(SERVICE_CATALOG, f"changing the version {version.name}"):
            self._client.update_provisioning_artifact(
                ProductId=product_id, ProvisioningArtifactId=version.id, Guidance=version.advice, Active=version.active
            )

    # -- what was launched --------------------------------------------------------------------------------

    def launches(self, product_id: str, versions: Sequence[ProductVersion]) -> list[Launch]:
        """Return everything that was launched from the product in this account, by name."""
        names = {version.id: version.name for version in versions}
        found = [
            Launch(
                id=item["Id"],
                name=item["Name"],
                version_id=item.get("ProvisioningArtifactId", ""),
                version=names.get(item.get("ProvisioningArtifactId", ""), ""),
                status=item["Status"],
                message=item.get("StatusMessage", ""),
                last_record=item.get("LastRecordId", ""),
                stack=item.get("PhysicalId", ""),
                tags={tag["Key"]: tag["Value"] for tag in item.get("Tags", [])},
                launched_by=item.get("UserArnSession") or item.get("UserArn", ""),
                last_update=_last_update(item),
            )
            for item in self._launched(product_id)
        ]
        return sorted(found, key=lambda launch: launch.name)

    def outputs_with(self, product_id: str, key: str, value: str, likely_name: str) -> dict[str, str] | None:
        """Return the outputs of the product's launch that put out `key` = `value`, or None.

        The provisioned product of the likely name is looked at first; a launch by hand may have any name, so then
        all are.
        """
        likely = self._named(likely_name, product_id)
        if likely:
            outputs = self._outputs(likely)
            if outputs.get(key) == value:
                return outputs
        for launched in self._launched(product_id):
            outputs = self._outputs(launched["Id"]) if launched["Id"] != likely else {}
            if outputs.get(key) == value:
                return outputs
        return None

    def launched_by(self, product_id: str, door: str) -> list[str]:
        """Return the names, sorted, of what the blueprint or the project setup launched from this account's product."""
        tag = {"Key": LAUNCHED_BY, "Value": door}
        return sorted(item["Name"] for item in self._launched(product_id) if tag in item.get("Tags", []))

    def record(self, record_id: str) -> Record:
        """Return what became of a request."""
        with translated(SERVICE_CATALOG, f"reading the record {record_id}"):
            detail = self._client.describe_record(Id=record_id)["RecordDetail"]
        states: dict[str, State] = {"SUCCEEDED": "succeeded", "FAILED": "failed", "IN_PROGRESS_IN_ERROR": "running"}
        return Record(
            state=states.get(detail.get("Status", ""), "running"),
            version_id=detail.get("ProvisioningArtifactId", ""),
            path_id=detail.get("PathId", ""),
            errors=tuple(error.get("Description", "") for error in detail.get("RecordErrors", [])),
        )

    def update(self, launch: Launch, product_id: str, version: ProductVersion, path_id: str) -> str:
        """Start the update of a launch to a version, its parameters kept; return the record's id.

        Asked twice it starts one update: the token is made of the launch's last record and the version. Raises
        LaunchPathGone.
        """
        try:
            return self._updated(launch, product_id, version, path_id)
        except (AwsNotFound, AwsRefused) as refused:
            if "path" in str(refused.holes["message"]).lower():
                raise LaunchPathGone(launch=launch.name, message=refused.holes["message"]) from None
            raise

    def _updated(self, launch: Launch, product_id: str, version: ProductVersion, path_id: str) -> str:
        path: dict[str, Any] = {"PathId": path_id} if path_id else {}
        with translated(SERVICE_CATALOG, f"reading the parameters of {version.name}"):
            wanted: Sequence[Any] = self._client.describe_provisioning_parameters(
                ProductId=product_id, ProvisioningArtifactId=version.id, **path
            ).get("ProvisioningArtifactParameters", [])
        kept = self._stacks.parameters(launch.stack)
        with translated(SERVICE_CATALOG, f"updating {launch.name}"):
            detail = self._client.update_provisioned_product(
                ProvisionedProductId=launch.id,
                ProductId=product_id,
                ProvisioningArtifactId=version.id,
                ProvisioningParameters=[
                    {"Key": item["ParameterKey"], "UsePreviousValue": True}
                    for item in wanted
                    if item["ParameterKey"] in kept  # a new parameter takes its default
                ],
                UpdateToken=f"rollout-{version.id}-{launch.last_record or launch.id}"[:128],
                **path,
            )["RecordDetail"]
        return str(detail["RecordId"])

    def terminate(self, launch: Launch) -> str:
        """Start the end of a launch, whose stack is deleted; return the record's id. Asked twice it starts once."""
        token = f"repair-{launch.last_record or launch.id}"[:100]
        with translated(SERVICE_CATALOG, f"terminating {launch.name}"):
            detail = self._client.terminate_provisioned_product(ProvisionedProductId=launch.id, TerminateToken=token)
        return str(detail["RecordDetail"]["RecordId"])

    def _launched(self, product_id: str) -> Iterator[dict[str, Any]]:
        pages = self._pages(
            "search_provisioned_products",
            "ProvisionedProducts",
            f"listing what was launched from {product_id}",
            AccessLevelFilter={"Key": "Account", "Value": "self"},
            Filters={"SearchQuery": [f"productId:{product_id}"]},
            PageSize=100,
        )
        return (item for item in pages if item.get("ProductId") == product_id)

    def launch_of(self, stack_id: str) -> LaunchOfStack:
        """Return the launch that made a stack; nothing of a stack that no launch made.

        The stack's name holds the launch's id, and anybody can name a stack: Service Catalog has to know the launch by
        this very stack, or be at making it. UserArn may be missing (docs/studio.md, A35).
        """
        named = _STACK.fullmatch(stack_id)
        if not named:
            return LaunchOfStack()
        for item in self._with_id(named["launch"], f"reading the launch of the stack {stack_id}"):
            begun = item.get("Status") == "UNDER_CHANGE" and not item.get("PhysicalId")
            if begun or item.get("PhysicalId") == stack_id:
                principal = item.get("UserArnSession") or item.get("UserArn", "")
                return LaunchOfStack(item.get("ProductId", ""), named["launch"], principal)
        return LaunchOfStack()

    def launched_stack(self, launch_id: str) -> LaunchedStack | None:
        """Return what a provisioned product of this account is, by its id; None where there is none."""
        for item in self._with_id(launch_id, f"reading the provisioned product {launch_id}"):
            return LaunchedStack(item.get("ProductId", ""), item.get("PhysicalId", ""), item.get("Status", ""))
        return None

    def _with_id(self, launch_id: str, activity: str) -> list[ProvisionedProductAttributeTypeDef]:
        with translated(SERVICE_CATALOG, activity):
            found = self._client.search_provisioned_products(
                AccessLevelFilter={"Key": "Account", "Value": "self"}, Filters={"SearchQuery": [f"id:{launch_id}"]}
            ).get("ProvisionedProducts", [])
        return [item for item in found if item.get("Id") == launch_id]

    def _named(self, name: str, product_id: str) -> str:
        """Return the id of the product's launch of that name, "" when there is none: names are anybody's choice."""
        try:
            with translated(SERVICE_CATALOG, f"reading the provisioned product {name}"):
                found = self._client.describe_provisioned_product(Name=name)["ProvisionedProductDetail"]
        except AwsNotFound:
            return ""
        return found["Id"] if found.get("ProductId") == product_id else ""

    def _outputs(self, identifier: str) -> dict[str, str]:
        """Return a provisioned product's outputs, none for a launch that never came up."""
        try:
            pages = self._pages(
                "get_provisioned_product_outputs",
                "Outputs",
                f"reading the outputs of {identifier}",
                ProvisionedProductId=identifier,
                PageSize=20,
            )
            return {item["OutputKey"]: item["OutputValue"] for item in pages}
        except AwsNotFound:
            return {}
        except AwsRefused as refused:
            if refused.holes["code"] == "InvalidParametersException":
                return {}
            raise

    def _pages(self, operation: str, key: str, activity: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            with translated(SERVICE_CATALOG, activity):
                page = getattr(self._client, operation)(**arguments, **({"PageToken": token} if token else {}))
            yield from page.get(key, [])
            token = page.get("NextPageToken", "")
            if not token:
                return


def _last_update(item: Mapping[str, Any]) -> str:
    """Return how a provisioned product's last launch or update ended: its record is the last successful one, or not."""
    last = item.get("LastProvisioningRecordId")
    if not last or item["Status"] in ("UNDER_CHANGE", "PLAN_IN_PROGRESS"):
        return ""
    return "succeeded" if last == item.get("LastSuccessfulProvisioningRecordId") else "failed"
