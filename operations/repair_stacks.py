"""CloudFormation, as far as an administrator brings a stack back that has stopped half way."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from custom_resources.clients.aws import CLOUDFORMATION, translated
from custom_resources.errors import AwsNotFound

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import StackStatusType

# Where a stack has stopped half way, or never came up.
BROKEN: tuple[StackStatusType, ...] = (
    "CREATE_FAILED",
    "ROLLBACK_FAILED",
    "ROLLBACK_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_FAILED",
    "DELETE_FAILED",
)
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
_ECHOES = ("cancelled", "canceled")  # of another resource's failure
# What CloudFormation and the Provider framework put around a function's sentences.
_AROUND = re.compile(
    r"^(?:Received response status \[FAILED\] from custom resource\. Message returned: |(?:Final)?Error: )+"
)
_REQUEST = re.compile(r"\s*\(RequestId: [^)]*\)\s*\Z")


@dataclass(frozen=True)
class FailedResource:
    """A resource that the stack's last operation could not bring where it should be; `status` is its present one."""

    logical_id: str
    type: str
    physical_id: str
    status: str
    reason: str

    @property
    def repository_id(self) -> str:
        """The id of the GitHub repository that the resource is or belongs to, "" if there is none."""
        if not self.type.startswith("Custom::"):
            return ""
        found = re.search(r"(?:\A|-)(\d+)(?::adopted)?\Z", self.physical_id, re.ASCII)
        return found[1] if found else ""


@dataclass(frozen=True)
class StackState:
    """A stack, stable or changing; `status` is "" for one that is gone. `repositories`: full names by GitHub's ids."""

    status: str
    failed: tuple[FailedResource, ...] = ()
    repositories: Mapping[str, str] = field(default_factory=dict)


class BrokenStacks:
    """Every method raises AwsThrottled and AwsUnreachable, which pass, AwsDenied, AwsRefused."""

    def __init__(self, client: CloudFormationClient) -> None:
        """Take a boto3 CloudFormation client."""
        self._client = client

    def broken(self) -> frozenset[str]:
        """Return the ids of all stacks of the account that have stopped half way (ListStacks)."""
        with translated(CLOUDFORMATION, "listing the stacks"):
            pages = self._client.get_paginator("list_stacks").paginate(StackStatusFilter=list(BROKEN))
            return frozenset(stack["StackId"] for page in pages for stack in page["StackSummaries"])

    def state(self, stack_id: str) -> StackState:
        """Return a stack's status, with what failed and why, each in its own words."""
        try:
            with translated(CLOUDFORMATION, f"reading the stack {stack_id}"):
                stack = self._client.describe_stacks(StackName=stack_id)["Stacks"][0]
        except AwsNotFound:
            return StackState("")
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return StackState("")
        outputs = {item["OutputKey"]: item.get("OutputValue", "") for item in stack.get("Outputs", [])}
        return StackState(stack["StackStatus"], self._failed(stack["StackId"]), _repositories(outputs))

    def status(self, stack_id: str) -> str:
        """Return a stack's status, "" when it is gone."""
        return self.state(stack_id).status

    def continue_rollback(self, stack_id: str, skipped: Sequence[str]) -> None:
        """Have the rollback of an update go on, without the resources to skip (ContinueUpdateRollback)."""
        more: dict[str, Any] = {"ResourcesToSkip": list(skipped)} if skipped else {}
        with translated(CLOUDFORMATION, f"continuing the rollback of {stack_id}"):
            self._client.continue_update_rollback(StackName=stack_id, **more)

    def delete(self, stack_id: str, retained: Sequence[str]) -> None:
        """Delete a stack whose deletion has failed, and leave resources as they are (DeleteStack)."""
        with translated(CLOUDFORMATION, f"deleting the stack {stack_id}"):
            self._client.delete_stack(StackName=stack_id, RetainResources=list(retained))

    def _failed(self, stack_id: str) -> tuple[FailedResource, ...]:
        with translated(CLOUDFORMATION, f"reading the resources of the stack {stack_id}"):
            found = self._client.describe_stack_resources(StackName=stack_id)["StackResources"]
        with translated(CLOUDFORMATION, f"reading the events of the stack {stack_id}"):
            pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
            told = failures(event for page in pages for event in page["StackEvents"])
        present: dict[str, Any] = {item["LogicalResourceId"]: item for item in found}
        return tuple(
            FailedResource(
                name,
                event["ResourceType"],
                present.get(name, {}).get("PhysicalResourceId", "") or event.get("PhysicalResourceId", ""),
                present.get(name, {}).get("ResourceStatus", ""),
                sentence(event.get("ResourceStatusReason", "")),
            )
            for name, event in told.items()
        )


def failures(events: Iterator[Any] | Collection[Any]) -> dict[str, Any]:
    """Return the newest failure of each resource in a stack's last operation, by logical id. Pure.

    Events come newest first. An update and its rollback are one operation.
    """
    found: dict[str, Any] = {}
    for event in events:
        status = event.get("ResourceStatus", "")
        if event.get("PhysicalResourceId") == event["StackId"]:  # the stack's own
            if status in _BEGINNINGS:
                break
            continue
        reason = event.get("ResourceStatusReason", "")
        if status.endswith("_FAILED") and not any(word in reason for word in _ECHOES):
            found.setdefault(event["LogicalResourceId"], event)
    return found


def sentence(reason: str) -> str:
    """Return what a function said, without what was put around it, in one line. Pure."""
    first = reason.strip().splitlines()[0] if reason.strip() else ""
    return _REQUEST.sub("", _AROUND.sub("", first)).strip() or "CloudFormation gave no reason."


def _repositories(outputs: Mapping[str, str]) -> dict[str, str]:
    return {
        outputs[f"{part}RepositoryId"]: urlsplit(outputs.get(f"{part}RepositoryUrl", "")).path.strip("/")
        for part in ("Build", "Deploy")
        if f"{part}RepositoryId" in outputs
    }
