"""CloudFormation, as far as a request must know its own stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from custom_resources.clients.aws import CLOUDFORMATION, translated
from custom_resources.errors import AwsNotFound, FinalError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

EMPTY = {"DELETE_COMPLETE", "ROLLBACK_COMPLETE"}  # nothing is left but the name; no other status ever follows


class CloudFormationStacks:
    """Tells which operation a stack is in, and whether it is there."""

    def __init__(self, client: CloudFormationClient) -> None:
        """Take a boto3 CloudFormation client."""
        self._client = client
        self._seen: tuple[str, Mapping[str, str]] = ("", {})

    def operation(self, stack_id: str) -> str:
        """Name the stack's operation, e.g. `UPDATE_IN_PROGRESS 2026-11-01T10:00:00+00:00`.

        An update and its rollback differ in the status, two updates in the time (DescribeStacks). Raises
        AwsThrottled and AwsUnreachable, which pass, AwsDenied, AwsNotFound.
        """
        stack = self._described(stack_id)
        since = stack.get("LastUpdatedTime") or stack.get("CreationTime")
        return f"{stack['StackStatus']} {since.isoformat() if since else ''}"

    def exists(self, stack_id: str) -> bool:
        """Tell whether a stack has resources still (DescribeStacks by its id).

        One that may not be described is said to exist: nobody knows better. Raises AwsThrottled, AwsUnreachable.
        """
        try:
            return self._described(stack_id)["StackStatus"] not in EMPTY
        except AwsNotFound:
            return False
        except FinalError:
            return True

    def tags(self, stack_id: str) -> Mapping[str, str]:
        """Return a stack's tags, reserved ones too, as `operation` last saw them: no operation changes them on its way.

        Raises what `operation` raises.
        """
        if self._seen[0] != stack_id:
            self._described(stack_id)
        return self._seen[1]

    def parameters(self, stack_id: str) -> set[str]:
        """Return the names of the parameters that a stack has. Raises what `operation` raises."""
        return {item["ParameterKey"] for item in self._described(stack_id).get("Parameters", [])}

    def outputs(self, stack_id: str) -> dict[str, str]:
        """Return the values of a stack's outputs by their keys. Raises what `operation` raises."""
        outputs = self._described(stack_id).get("Outputs", [])
        return {item["OutputKey"]: item["OutputValue"] for item in outputs}

    def has_resource(self, stack_id: str, logical_id: str) -> bool:
        """Tell whether a resource is a stack's (DescribeStackResource). Raises what `operation` raises."""
        try:
            with translated(CLOUDFORMATION, f"reading the resource {logical_id} of the stack {stack_id}"):
                found = self._client.describe_stack_resource(StackName=stack_id, LogicalResourceId=logical_id)
        except AwsNotFound:
            return False
        return not found["StackResourceDetail"]["ResourceStatus"].startswith("DELETE_")

    def _described(self, stack_id: str) -> StackTypeDef:
        with translated(CLOUDFORMATION, f"reading the stack {stack_id}"):
            stack = self._client.describe_stacks(StackName=stack_id)["Stacks"][0]
        self._seen = stack_id, {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
        return stack
