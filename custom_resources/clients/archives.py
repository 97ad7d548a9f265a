"""The template archives in S3, addressed by content."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from custom_resources.clients.aws import S3, translated
from custom_resources.errors import ArchiveMissing, AssetMissing, AwsDenied, AwsNotFound
from custom_resources.template_content import Archive

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Archives:
    """Reads archives, and copies new ones in. Every method raises AwsThrottled, AwsUnreachable, AwsDenied."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        """Take a boto3 S3 client and the archive bucket's name."""
        self._client = client
        self._bucket = bucket

    @contextmanager
    def open(self, name: str) -> Iterator[Archive]:
        """Yield the archive `<sha256>.zip`, checked against its name; its copy on disk goes with the block.

        Raises ArchiveMissing, InvalidTemplate.
        """
        with tempfile.TemporaryDirectory(prefix="template-") as directory:
            path = Path(directory) / "archive.zip"
            try:
                self._download(self._bucket, name, path)
            except (AwsDenied, AwsNotFound):  # without s3:ListBucket S3 denies access to what is not there
                raise ArchiveMissing(archive=name, bucket=self._bucket) from None
            yield Archive.open(path, name)

    def has(self, name: str) -> bool:
        """Tell whether the bucket holds the archive."""
        try:
            with translated(S3, f"looking up the template archive {name}"):
                self._client.head_object(Bucket=self._bucket, Key=name)
        except AwsNotFound:
            return False
        return True

    def copy_in(self, source_bucket: str, source_key: str, name: str) -> None:
        """Copy a published asset under its content address, after checking that it is what the name says.

        Raises AssetMissing, InvalidTemplate.
        """
        with tempfile.TemporaryDirectory(prefix="template-") as directory:
            path = Path(directory) / "archive.zip"
            try:
                self._download(source_bucket, source_key, path)
            except (AwsDenied, AwsNotFound):
                raise AssetMissing(asset=source_key, bucket=source_bucket) from None
            Archive.open(path, name)
            with translated(S3, f"writing the template archive {name}"):
                self._client.upload_file(str(path), self._bucket, name)

    def _download(self, bucket: str, key: str, path: Path) -> None:
        with translated(S3, f"reading {key} from the bucket {bucket}"):
            self._client.download_file(bucket, key, str(path))
