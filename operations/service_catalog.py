"""Service Catalog as an administrator sees it: the product's versions, and what was launched from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from custom_resources.errors import FinalError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_servicecatalog import ServiceCatalogClient

PROJECT_TAG = "AmazonDataZoneProject"
State = Literal["running", "succeeded", "failed"]


class CatalogUnreadable(FinalError):
    """AWS refuses a request, or cannot be reached."""


class ProductNotFound(FinalError):
    """The portfolio's product is not deployed in this account and region."""


@dataclass(frozen=True)
class LiveVersion:
    """A version of the product in Service Catalog; guidance is DEFAULT, DEPRECATED or INACTIVE."""

    id: str
    name: str
    guidance: str


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

    def belongs_to(self, project: str) -> bool:
        """Tell whether `project` names this launch: its name or id, or the Studio project's id in tag or name."""
        return project in (self.id, self.name, self.tags.get(PROJECT_TAG)) or self.name.endswith(f"-{project}")


@dataclass(frozen=True)
class Record:
    """What became of a request."""

    state: State
    version_id: str = ""
    path_id: str = ""
    errors: tuple[str, ...] = ()


@contextmanager
def refused_as(action: str) -> Iterator[None]:
    """Turn boto3's errors into CatalogUnreadable, which says what was tried and why it failed."""
    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        raise CatalogUnreadable(
            f"AWS refused to {action}: {told.get('Message') or told.get('Code')} ({told.get('Code')})."
        ) from None
    except BotoCoreError as error:
        raise CatalogUnreadable(
            f"AWS could not be asked to {action} ({str(error).rstrip('.')}); check the credentials and the region."
        ) from None


class ServiceCatalog:
    """The requests that status and rollout make."""

    def __init__(self, client: ServiceCatalogClient, cloudformation: CloudFormationClient) -> None:
        """Take the boto3 clients."""
        self._client = client
        self._cloudformation = cloudformation

    def product(self, name: str) -> str:
        """Return the product's id. Raises ProductNotFound when there is none, or are several, of that name."""
        found = [
            detail["ProductViewSummary"]["ProductId"]
            for detail in self._pages("search_products_as_admin", "ProductViewDetails", "list products")
            if detail.get("ProductViewSummary", {}).get("Name") == name
        ]
        if len(found) != 1:
            problem = f"has {len(found)} products" if found else "has no product"
            raise ProductNotFound(
                f"Service Catalog {problem} named {name!r} in this account and region; "
                "run cdk deploy, or correct product.name in settings.toml."
            )
        return str(found[0])

    def versions(self, product_id: str) -> list[LiveVersion]:
        """Return the product's versions."""
        with refused_as("list the product's versions"):
            found = self._client.list_provisioning_artifacts(ProductId=product_id)["ProvisioningArtifactDetails"]
        return [
            LiveVersion(
                id=item["Id"],
                name=item.get("Name", ""),
                guidance=item.get("Guidance", "DEFAULT") if item.get("Active", True) else "INACTIVE",
            )
            for item in found
        ]

    def launches(self, product_id: str, versions: Sequence[LiveVersion]) -> list[Launch]:
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
            )
            for item in self._pages(
                "search_provisioned_products",
                "ProvisionedProducts",
                "list the provisioned products",
                AccessLevelFilter={"Key": "Account", "Value": "self"},
                Filters={"SearchQuery": [f"productId:{product_id}"]},
                PageSize=100,
            )
            if item.get("ProductId") == product_id
        ]
        return sorted(found, key=lambda launch: launch.name)

    def record(self, record_id: str) -> Record:
        """Return what became of a request."""
        with refused_as(f"read the record {record_id}"):
            detail = self._client.describe_record(Id=record_id)["RecordDetail"]
        states: dict[str, State] = {"SUCCEEDED": "succeeded", "FAILED": "failed", "IN_PROGRESS_IN_ERROR": "running"}
        return Record(
            state=states.get(detail.get("Status", ""), "running"),
            version_id=detail.get("ProvisioningArtifactId", ""),
            path_id=detail.get("PathId", ""),
            errors=tuple(error.get("Description", "") for error in detail.get("RecordErrors", [])),
        )

    def update(self, launch: Launch, product_id: str, version: LiveVersion, path_id: str) -> str:
        """Start the update of a launch to a version, its parameters kept; return the record's id.

        Asked twice it starts one update: the token is made of the launch's last record and the version.
        """
        path: dict[str, Any] = {"PathId": path_id} if path_id else {}
        with refused_as(f"read the parameters of {version.name}"):
            wanted: Sequence[Any] = self._client.describe_provisioning_parameters(
                ProductId=product_id, ProvisioningArtifactId=version.id, **path
            ).get("ProvisioningArtifactParameters", [])
        kept = self._parameters(launch)
        with refused_as(f"update {launch.name}"):
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

    def _parameters(self, launch: Launch) -> set[str]:
        """Return the names of the parameters that the launch's stack has now."""
        with refused_as(f"read the stack of {launch.name}"):
            stacks = self._cloudformation.describe_stacks(StackName=launch.stack)["Stacks"]
        return {item["ParameterKey"] for stack in stacks for item in stack.get("Parameters", [])}

    def _pages(self, operation: str, key: str, action: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            with refused_as(action):
                page = getattr(self._client, operation)(**arguments, **({"PageToken": token} if token else {}))
            yield from page[key]
            token = page.get("NextPageToken", "")
            if not token:
                return
