"""The bucket from which the accounts of projects read the blueprint's template, addressed by content."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from custom_resources.clients.aws import S3, translated
from custom_resources.errors import AwsDenied, AwsNotFound, TemplateAltered, TemplateAssetMissing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class BlueprintTemplates:
    """Copies templates in. Every method raises AwsThrottled, AwsUnreachable, AwsDenied."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        """Take a boto3 S3 client and the bucket's name."""
        self._client = client
        self._bucket = bucket

    def has(self, key: str) -> bool:
        """Tell whether the bucket holds the template."""
        try:
            with translated(S3, f"looking up the blueprint's template {key}"):
                self._client.head_object(Bucket=self._bucket, Key=key)
        except AwsNotFound:
            return False
        return True

    def copy_in(self, source_bucket: str, key: str) -> None:
        """Copy an asset `<sha256>.json` in, after checking that it is what its name says.

        Raises TemplateAssetMissing, TemplateAltered.
        """
        try:
            with translated(S3, f"reading {key} from the bucket {source_bucket}"):
                content = self._client.get_object(Bucket=source_bucket, Key=key)["Body"].read()
        except (AwsDenied, AwsNotFound):
            raise TemplateAssetMissing(asset=key, bucket=source_bucket) from None
        if hashlib.sha256(content).hexdigest() != key.partition(".")[0]:
            raise TemplateAltered(asset=key, bucket=source_bucket)
        with translated(S3, f"writing the blueprint's template {key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType="application/json")
