"""SQS: the queues of approved models."""

from __future__ import annotations

from typing import Any

from custom_resources.clients.aws import SQS, translated


class Queues:
    """FIFO queues by their addresses."""

    def __init__(self, client: Any) -> None:
        """Take a boto3 SQS client."""
        self._client = client

    def send(self, queue: str, body: str, group: str, deduplication: str) -> None:
        """Put a message into a group of a queue; the same `deduplication` within five minutes puts it there once.

        Raises AwsThrottled and AwsUnreachable, which pass, AwsDenied, AwsRefused.
        """
        with translated(SQS, "sending an approval"):
            self._client.send_message(
                QueueUrl=queue, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=deduplication
            )
