"""project.json in Studio's bucket. A launch does without it: what S3 refuses is logged, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from custom_resources.clients.aws import S3, translated
from custom_resources.errors import AwsConflict, AwsDenied, AwsNotFound, AwsRefused
from custom_resources.project_file import is_ours
from custom_resources.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Outcome = Literal["written", "unchanged", "somebody else's", "refused"]
_MOST_BYTES = 64 * 1024  # many times what a launch writes
_EXISTS = "PreconditionFailed"  # S3's code where If-None-Match or If-Match does not hold


class ProjectFiles:
    """Writes the file of a launch. Raises AwsThrottled, AwsUnreachable, AwsNotConfigured."""

    def __init__(self, client: S3Client) -> None:
        """Take a boto3 S3 client."""
        self._client = client

    def write(self, bucket: str, key: str, content: bytes, account: str) -> Outcome:
        """Write the file into a bucket of that account, and over an earlier launch's only.

        S3 decides which: nothing is written over a file that came meanwhile.
        """
        try:
            if self._put(bucket, key, content, account, IfNoneMatch="*"):
                return "written"
            found, tag = self._get(bucket, key, account)
            if found == content:
                return "unchanged"
            if not is_ours(found):
                logger.info("project.json is somebody else's; it stays as it is", bucket=bucket, key=key)
                return "somebody else's"
            return "written" if self._put(bucket, key, content, account, IfMatch=tag) else "somebody else's"
        except (AwsDenied, AwsNotFound, AwsConflict, AwsRefused) as refusal:
            logger.warning("project.json is not written; the launch goes on without it", why=refusal.why)
            return "refused"

    def _put(self, bucket: str, key: str, content: bytes, account: str, **condition: Any) -> bool:
        """Put the file where the condition holds; tell whether it did."""
        try:
            with translated(S3, f"writing {key} to the bucket {bucket}"):
                self._client.put_object(
                    Bucket=bucket,
                    Key=key,
                    Body=content,
                    ContentType="application/json",
                    ExpectedBucketOwner=account,
                    **condition,
                )
        except AwsRefused as refusal:
            if refusal.holes.get("code") != _EXISTS:
                raise
            return False
        return True

    def _get(self, bucket: str, key: str, account: str) -> tuple[bytes, str]:
        """Return the file and its entity tag; a file that is longer than ours can be counts as another."""
        with translated(S3, f"reading {key} from the bucket {bucket}"):
            found = self._client.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account)
            return found["Body"].read(_MOST_BYTES), found["ETag"]
