"""Service Catalog: which provisioned product is a project's, and what its stack put out. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from custom_resources.errors import FinalError, RetryLater

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_servicecatalog import ServiceCatalogClient

_PASSING = {"ThrottlingException", "InternalFailure", "InternalServiceException", "ServiceUnavailable"}


class Catalog:
    """Reads provisioned products."""

    def __init__(self, client: ServiceCatalogClient) -> None:
        """Take a boto3 Service Catalog client."""
        self._client = client

    def outputs_with(self, product_id: str, key: str, value: str, likely_name: str) -> dict[str, str] | None:
        """Return the outputs of the product's launch that put out `key` = `value`, or None.

        The provisioned product of the likely name is looked at first; a launch by hand may have any name, so then
        all are. Raises RetryLater, or FinalError when access is refused.
        """
        try:
            likely = self._named(likely_name)
            if likely:
                outputs = self._outputs(likely)
                if outputs.get(key) == value:
                    return outputs
            for identifier in self._launches(product_id):
                outputs = self._outputs(identifier) if identifier != likely else {}
                if outputs.get(key) == value:
                    return outputs
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _PASSING:
                raise RetryLater(5, "Service Catalog asks to be called later.") from error
            raise FinalError(
                f"Service Catalog does not let the function read launches ({code}); allow its role the call."
            ) from error
        except BotoCoreError as error:
            raise RetryLater(5, "Service Catalog could not be reached.") from error
        return None

    def _named(self, name: str) -> str:
        try:
            found = self._client.describe_provisioned_product(Name=name)["ProvisionedProductDetail"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return ""
            raise
        return found["Id"]

    def _launches(self, product_id: str) -> Iterator[str]:
        token = ""
        while True:
            more: dict[str, Any] = {"PageToken": token} if token else {}
            page = self._client.search_provisioned_products(
                AccessLevelFilter={"Key": "Account", "Value": "self"},
                Filters={"SearchQuery": [f"productId:{product_id}"]},
                PageSize=100,
                **more,
            )
            for found in page["ProvisionedProducts"]:
                if found.get("ProductId") == product_id:
                    yield found["Id"]
            token = page.get("NextPageToken", "")
            if not token:
                return

    def _outputs(self, identifier: str) -> dict[str, str]:
        outputs: dict[str, str] = {}
        token = ""
        while True:
            more: dict[str, Any] = {"PageToken": token} if token else {}
            try:
                page = self._client.get_provisioned_product_outputs(
                    ProvisionedProductId=identifier, PageSize=20, **more
                )
            except ClientError as error:  # a launch that never came up has none
                if error.response["Error"]["Code"] in ("ResourceNotFoundException", "InvalidParametersException"):
                    return outputs
                raise
            outputs |= {item["OutputKey"]: item["OutputValue"] for item in page.get("Outputs", [])}
            token = page.get("NextPageToken", "")
            if not token:
                return outputs
