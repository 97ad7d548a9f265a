"""What was launched in the regions of an account, each of which has a product of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import SSM, translated
from custom_resources.clients.service_catalog import ServiceCatalog
from custom_resources.clients.stacks import CloudFormationStacks
from custom_resources.errors import AwsNotFound

if TYPE_CHECKING:
    from collections.abc import Callable


class RegionalLaunches:
    """The launches of an account, by region.

    Every method raises AwsThrottled and AwsUnreachable, which pass, AwsDenied, AwsRefused.
    """

    def __init__(self, client: Callable[..., Any], parameter: str) -> None:
        """Take what makes a boto3 client of a service, with `region_name` for one of another region.

        `parameter` is that of Systems Manager which names a region's product.
        """
        self._client = client
        self._parameter = parameter

    def launched_by(self, region: str, door: str) -> list[str]:
        """Return the names, sorted, of what the blueprint or the project setup launched from a region's product.

        None where there is no parameter: the region has no product.
        """
        try:
            with translated(SSM, f"reading the parameter {self._parameter} in {region}"):
                told = self._client("ssm", region_name=region).get_parameter(Name=self._parameter)
        except AwsNotFound:
            return []
        catalog, stacks = (self._client(each, region_name=region) for each in ("servicecatalog", "cloudformation"))
        return ServiceCatalog(catalog, CloudFormationStacks(stacks)).launched_by(told["Parameter"]["Value"], door)
