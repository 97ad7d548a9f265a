"""Service Catalog: the versions of a product and their guidance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError

from custom_resources.errors import FinalError, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from mypy_boto3_servicecatalog import ServiceCatalogClient

    AnswerT = TypeVar("AnswerT")

_PASSING = {"ThrottlingException", "InternalFailure", "InternalServiceException", "ServiceUnavailable"}
Advice = Literal["DEFAULT", "DEPRECATED"]


@dataclass(frozen=True)
class ProductVersion:
    """A version as Service Catalog has it (a provisioning artifact)."""

    id: str
    name: str
    advice: Advice
    active: bool


class ProductVersions:
    """Reads and writes guidance."""

    def __init__(self, client: ServiceCatalogClient) -> None:
        """Take a boto3 Service Catalog client."""
        self._client = client

    def list(self, product_id: str) -> list[ProductVersion]:
        """Return all versions of a product. Raises RetryLater or FinalError."""
        found = self._call(
            f"list the versions of {product_id}",
            lambda: self._client.list_provisioning_artifacts(ProductId=product_id)["ProvisioningArtifactDetails"],
        )
        return [ProductVersion(item["Id"], item["Name"], item["Guidance"], item["Active"]) for item in found]

    def set(self, product_id: str, version: ProductVersion) -> None:
        """Write a version's advice and activity. Raises RetryLater or FinalError."""
        self._call(
            f"change the version {version.name}",
            lambda: self._client.update_provisioning_artifact(
                ProductId=product_id, ProvisioningArtifactId=version.id, Guidance=version.advice, Active=version.active
            ),
        )

    @staticmethod
    def _call(what: str, call: Callable[[], AnswerT]) -> AnswerT:
        try:
            return call()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _PASSING:
                raise RetryLater(5, "Service Catalog asks to be called later.") from error
            if code == "ResourceNotFoundException":
                raise FinalError(
                    f"Service Catalog cannot {what}: it is not there; deploy the portfolio again."
                ) from error
            raise FinalError(
                f"Service Catalog does not let the function {what} ({code}); allow it to its role."
            ) from error
        except BotoCoreError as error:
            raise RetryLater(5, "Service Catalog could not be reached.") from error
