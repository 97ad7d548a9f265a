"""CloudFormation, as far as a request must know its own stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from custom_resources.errors import FinalError, RetryLater

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

_PASSING = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable", "InternalFailure"}
EMPTY = {"DELETE_COMPLETE", "ROLLBACK_COMPLETE"}  # nothing is left but the name; no other status ever follows


class CloudFormationStacks:
    """Tells which operation a stack is in, and whether it is there."""

    def __init__(self, client: CloudFormationClient) -> None:
        """Take a boto3 CloudFormation client."""
        self._client = client

    def operation(self, stack_id: str) -> str:
        """Name the stack's operation, e.g. `UPDATE_IN_PROGRESS 2026-11-01T10:00:00+00:00`.

        An update and its rollback differ in the status, two updates in the time (DescribeStacks). Raises
        RetryLater when CloudFormation does not answer, FinalError when it refuses.
        """
        try:
            stack = self._described(stack_id)
        except ClientError as error:
            raise FinalError(
                f"The stack {stack_id} cannot be described ({error.response['Error']['Code']}); "
                "allow the function's role cloudformation:DescribeStacks on it."
            ) from error
        since = stack.get("LastUpdatedTime") or stack.get("CreationTime")
        return f"{stack['StackStatus']} {since.isoformat() if since else ''}"

    def exists(self, stack_id: str) -> bool:
        """Tell whether a stack has resources still (DescribeStacks by its id).

        One that may not be described is said to exist: nobody knows better. Raises RetryLater when CloudFormation does
        not answer.
        """
        try:
            return self._described(stack_id)["StackStatus"] not in EMPTY
        except ClientError as error:
            return "does not exist" not in error.response["Error"].get("Message", "")

    def _described(self, stack_id: str) -> StackTypeDef:
        """Describe a stack. Raises RetryLater for what passes, ClientError for a refusal."""
        try:
            return self._client.describe_stacks(StackName=stack_id)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] in _PASSING:
                raise RetryLater(5, "CloudFormation asks to be called later.") from error
            raise
        except BotoCoreError as error:
            raise RetryLater(5, "CloudFormation could not be reached.") from error
