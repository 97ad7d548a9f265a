"""The template archives in S3, addressed by content."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from custom_resources.errors import FinalError, RetryLater
from custom_resources.template_content import Archive

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ArchiveMissing(FinalError):
    """A published version's content is not in the archive bucket."""


class Archives:
    """Reads archives, and copies new ones in."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        """Take a boto3 S3 client and the archive bucket's name."""
        self._client = client
        self._bucket = bucket

    @contextmanager
    def open(self, name: str) -> Iterator[Archive]:
        """Yield the archive `<sha256>.zip`, checked against its name; its copy on disk goes with the block.

        Raises ArchiveMissing, InvalidTemplate, or RetryLater when S3 does not answer.
        """
        with tempfile.TemporaryDirectory(prefix="template-") as directory:
            path = Path(directory) / "archive.zip"
            try:
                self._client.download_file(self._bucket, name, str(path))
            except (ClientError, BotoCoreError) as error:
                raise _failure(error, f"The template archive {name} is not in the bucket {self._bucket}") from error
            yield Archive.open(path, name)

    def has(self, name: str) -> bool:
        """Tell whether the bucket holds the archive. Raises RetryLater, or FinalError when access is refused."""
        try:
            self._client.head_object(Bucket=self._bucket, Key=name)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                return False
            raise _failure(error, f"The template archive {name} cannot be looked up") from error
        except BotoCoreError as error:
            raise _failure(error, "") from error
        return True

    def copy_in(self, source_bucket: str, source_key: str, name: str) -> None:
        """Copy a published asset under its content address, after checking that it is what the name says."""
        with tempfile.TemporaryDirectory(prefix="template-") as directory:
            path = Path(directory) / "archive.zip"
            try:
                self._client.download_file(source_bucket, source_key, str(path))
                Archive.open(path, name)
                self._client.upload_file(str(path), self._bucket, name)
            except (ClientError, BotoCoreError) as error:
                raise _failure(error, f"The template asset {source_key} cannot be copied to {self._bucket}") from error


def _failure(error: Exception, sentence: str) -> Exception:
    """Translate: S3 refused (final) or did not answer (later)."""
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        if code not in ("SlowDown", "InternalError", "ServiceUnavailable", "500", "503"):
            return ArchiveMissing(f"{sentence} ({code}); deploy the foundation stack again.")
    return RetryLater(5, "S3 could not be reached.")
