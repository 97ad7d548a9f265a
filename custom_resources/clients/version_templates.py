"""The templates of the product's versions, where the deployment has put them for Service Catalog."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from custom_resources.clients.aws import S3, translated
from custom_resources.errors import AwsDenied, AwsNotFound, VersionTemplateUnread

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_KEY = re.compile(r"[0-9a-f]{64}\.json")  # the CDK names assets by their content
MAX_BYTES = 1024 * 1024  # of a template: what CloudFormation takes from S3 (1 MB)


class VersionTemplates:
    """Reads templates of one bucket. Raises AwsThrottled, AwsUnreachable."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        """Take a boto3 S3 client and the name of the bucket of the CDK's assets."""
        self._client = client
        self._bucket = bucket

    def read(self, version: str, url: str) -> Mapping[str, Any]:
        """Return the template at an address. Raises VersionTemplateUnread for one that is elsewhere or no template."""

        def unread(why: str) -> VersionTemplateUnread:
            return VersionTemplateUnread(version=version, why=why)

        key = self._key(url)
        if not key:
            raise unread(f"the template is not in the bucket {self._bucket}")
        try:
            with translated(S3, f"reading the template of {version}"):
                found = self._client.get_object(Bucket=self._bucket, Key=key)
                body = found["Body"].read(MAX_BYTES + 1)
        except (AwsDenied, AwsNotFound) as refused:
            raise unread(refused.why.rstrip(".")) from None
        try:
            document = json.loads(body) if len(body) <= MAX_BYTES else None
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise unread(f"{key} is not a JSON template of at most 1 MB")
        return document

    def _key(self, url: str) -> str:
        """Return the key of an address of the bucket, in both forms that S3 has, else ""."""
        parts = urlsplit(url)
        path = parts.path.lstrip("/")
        if (parts.hostname or "").startswith(f"{self._bucket}."):
            path = f"{self._bucket}/{path}"
        bucket, _, key = path.partition("/")
        return key if self._bucket and bucket == self._bucket and _KEY.fullmatch(key) else ""
