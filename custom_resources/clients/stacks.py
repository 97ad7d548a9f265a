"""CloudFormation, as far as a request must know its own stack."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import CLOUDFORMATION, translated
from custom_resources.errors import AwsNotFound, FinalError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackResourceTypeDef, StackTypeDef

MOST_LISTED = 100  # resources that DescribeStackResources lists
EMPTY = {"DELETE_COMPLETE", "ROLLBACK_COMPLETE"}  # nothing is left but the name; no other status ever follows


@dataclass(frozen=True)
class StackResource:
    """A resource as its stack has it; `physical_id` is "" until CloudFormation knows one."""

    type: str
    physical_id: str
    status: str


@dataclass(frozen=True)
class DescribedStack:
    """A stack as DescribeStacks has it: an id (an ARN), a status with its reason, values by name."""

    id: str
    status: str
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)


class CloudFormationStacks:
    """Tells which operation a stack is in, and whether it is there."""

    def __init__(self, client: CloudFormationClient) -> None:
        """Take a boto3 CloudFormation client."""
        self._client = client
        self._seen: tuple[str, Mapping[str, str], Mapping[str, str]] = ("", {}, {})

    def operation(self, stack_id: str) -> str:
        """Name the stack's operation, e.g. `UPDATE_IN_PROGRESS 2026-11-01T10:00:00+00:00`.

        An update and its rollback differ in the status, two updates in the time (DescribeStacks). Raises
        AwsThrottled and AwsUnreachable, which pass, AwsDenied, AwsNotFound.
        """
        stack = self._noticed(stack_id)
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
            self._noticed(stack_id)
        return self._seen[1]

    def parameters(self, stack_id: str) -> Mapping[str, str]:
        """Return the values of a stack's parameters, as `operation` last saw them. Raises what `operation` raises."""
        if self._seen[0] != stack_id:
            self._noticed(stack_id)
        return self._seen[2]

    def resources(self, stack_id: str, names: Iterable[str] = ()) -> Mapping[str, StackResource]:
        """Return a stack's first 100 resources by their logical ids (DescribeStackResources).

        With `names`, return those of these logical ids that there are, however many the stack has: one request each.
        Raises what `operation` raises.
        """
        asked: list[dict[str, str]] = [{"LogicalResourceId": name} for name in names] or [{}]
        found = [item for each in asked for item in self._listed(stack_id, each)]
        return {
            item["LogicalResourceId"]: StackResource(
                item["ResourceType"], item.get("PhysicalResourceId", ""), item["ResourceStatus"]
            )
            for item in found
        }

    def _listed(self, stack_id: str, which: Mapping[str, str]) -> Sequence[StackResourceTypeDef]:
        """Return what is listed; nothing for a logical id that the stack does not have."""
        try:
            with translated(CLOUDFORMATION, f"reading the resources of the stack {stack_id}"):
                return self._client.describe_stack_resources(StackName=stack_id, **which)["StackResources"]
        except AwsNotFound:
            if which:  # an empty list or an error: AWS documents neither, and the stack itself was just described
                return ()
            raise

    def outputs(self, stack_id: str) -> dict[str, str]:
        """Return the values of a stack's outputs by their keys. Raises what `operation` raises."""
        outputs = self._described(stack_id).get("Outputs", [])
        return {item["OutputKey"]: item["OutputValue"] for item in outputs}

    def every(self) -> Iterator[DescribedStack]:
        """Yield all stacks of the account in this region (DescribeStacks: one request for each page).

        Deleted ones are not listed. Raises AwsThrottled and AwsUnreachable, which pass, AwsDenied.
        """
        with translated(CLOUDFORMATION, "listing the stacks"):
            for page in self._client.get_paginator("describe_stacks").paginate():
                yield from map(_of, page["Stacks"])

    def described(self, stack_id: str) -> DescribedStack:
        """Return one stack (DescribeStacks). Raises what `operation` raises."""
        return _of(self._described(stack_id))

    def template(self, stack_id: str) -> Mapping[str, Any]:
        """Return a stack's template as it was given, from JSON (GetTemplate). Raises what `operation` raises."""
        with translated(CLOUDFORMATION, f"reading the template of the stack {stack_id}"):
            body: Any = self._client.get_template(StackName=stack_id, TemplateStage="Original")["TemplateBody"]
        return dict(json.loads(body) if isinstance(body, str) else body)

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
            return self._client.describe_stacks(StackName=stack_id)["Stacks"][0]

    def _noticed(self, stack_id: str) -> StackTypeDef:
        stack = self._described(stack_id)
        tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
        parameters = {item["ParameterKey"]: item.get("ParameterValue", "") for item in stack.get("Parameters", [])}
        self._seen = stack_id, tags, parameters
        return stack


def _of(item: StackTypeDef) -> DescribedStack:
    return DescribedStack(
        id=item.get("StackId", ""),
        status=item["StackStatus"],
        reason=item.get("StackStatusReason", ""),
        outputs={each["OutputKey"]: each["OutputValue"] for each in item.get("Outputs", [])},
        parameters={each["ParameterKey"]: each.get("ParameterValue", "") for each in item.get("Parameters", [])},
    )
