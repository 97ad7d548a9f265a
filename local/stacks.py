"""CloudFormation stacks of the local run: create, update and delete them, with their events shown as they come."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.home import LocalError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, TagTypeDef

_POLL_SECONDS = 0.15
_UNTOUCHED_SECONDS = 30
_CREATED = {"CREATE_COMPLETE", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
_UPDATED = {"UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"}
_DELETED = {"DELETE_COMPLETE", "DELETE_FAILED"}
_DONE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"}
_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")


class StackFailed(LocalError):
    """A stack operation was rolled back or stopped; the sentence is the first resource's reason."""


@dataclass(frozen=True)
class Event:
    """One stack event, as a person reads it. `seconds` since the resource's operation began; 0 at its beginning."""

    resource: str
    type: str
    status: str
    reason: str
    seconds: float


@dataclass(frozen=True)
class Stack:
    """A stack as it is now."""

    name: str
    id: str
    status: str
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime | None = None


Listener = Callable[[Event], None]


class Stacks:
    """Stack operations on one CloudFormation."""

    def __init__(self, client: CloudFormationClient) -> None:
        """Take a boto3 CloudFormation client."""
        self._client = client

    def find(self, name: str) -> Stack | None:
        """Return the stack, or None when there is none or it has been deleted."""
        try:
            found = self._client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        if found["StackStatus"] == "DELETE_COMPLETE":
            return None
        return Stack(
            found["StackName"],
            found["StackId"],
            found["StackStatus"],
            {p["ParameterKey"]: p.get("ParameterValue", "") for p in found.get("Parameters", [])},
            {o["OutputKey"]: o.get("OutputValue", "") for o in found.get("Outputs", [])},
            {t["Key"]: t["Value"] for t in found.get("Tags", [])},
            found.get("CreationTime"),
        )

    def names(self) -> list[str]:
        """Return the names of all stacks that exist, oldest first."""
        pages = self._client.get_paginator("describe_stacks").paginate()
        found = [stack for page in pages for stack in page["Stacks"] if stack["StackStatus"] != "DELETE_COMPLETE"]
        return [stack["StackName"] for stack in sorted(found, key=lambda stack: stack["CreationTime"])]

    def resources(self, name: str) -> dict[str, str]:
        """Return logical id -> physical id."""
        found = self._client.describe_stack_resources(StackName=name)["StackResources"]
        return {resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "") for resource in found}

    def template(self, name: str) -> dict[str, Any]:
        """Return the stack's present template."""
        body = self._client.get_template(StackName=name)["TemplateBody"]
        return json.loads(body) if isinstance(body, str) else dict(body)

    def deploy(
        self,
        name: str,
        template_url: str,
        parameters: Mapping[str, str],
        listener: Listener,
        tags: Mapping[str, str] = MappingProxyType({}),
    ) -> Stack:
        """Create the stack, with tags, or update it, and wait.

        Parameters that are not given keep the value they have, or take their default; tags stay. Raises StackFailed
        with the first failed resource's reason, LocalError for a stack that is changing already and for a request that
        CloudFormation refuses.
        """
        before = self.find(name)
        _refuse_while_changing(before)
        if before and before.status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"):
            self.delete(name, listener)  # what CloudFormation asks for before the name can be used again
            before = None
        summary = self._client.get_template_summary(TemplateURL=template_url)
        known = [parameter["ParameterKey"] for parameter in summary.get("Parameters", [])]
        unknown = sorted(set(parameters) - set(known))
        if unknown:
            raise LocalError(
                f"The stack {name} does not have the parameter {unknown[0]}; it has: {', '.join(sorted(known))}."
            )
        given: list[ParameterTypeDef] = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ]
        token = uuid.uuid4().hex
        arguments: dict[str, Any] = {
            "StackName": name,
            "TemplateURL": template_url,
            "Capabilities": list(_CAPABILITIES),
            "ClientRequestToken": token,
        }
        try:
            if before is None:
                labels: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in tags.items()]
                self._client.create_stack(**arguments, Parameters=given, Tags=labels)
            else:
                given += [
                    {"ParameterKey": key, "UsePreviousValue": True}
                    for key in known
                    if key in before.parameters and key not in parameters
                ]
                self._client.update_stack(**arguments, Parameters=given)
        except ClientError as error:
            said = error.response["Error"]["Message"]
            if "No updates are to be performed" in said and before:
                return before
            raise LocalError(f"CloudFormation refused the stack {name}: {said.rstrip('.')}.") from None
        return self._wait(name, token, listener, _UPDATED if before else _CREATED)

    def delete(self, name: str, listener: Listener) -> Stack:
        """Delete the stack and wait. Raises StackFailed when a resource could not be deleted.

        A stack that is changing is refused. CloudFormation would take one that is being created, and stop that;
        MiniStack goes on with it, and what it made then would be left.
        """
        stack = self.find(name)
        if stack is None:
            raise LocalError(f"There is no stack {name}.")
        _refuse_while_changing(stack)
        token = uuid.uuid4().hex
        self._client.delete_stack(StackName=name, ClientRequestToken=token)
        return self._wait(stack.id, token, listener, _DELETED)

    def _wait(self, name: str, token: str, listener: Listener, ends: Set[str]) -> Stack:
        """Wait for one of the operation's own end states: what it began in, and another's end, look final, too."""
        began_waiting = time.monotonic()
        shown: set[str] = set()
        began: dict[str, datetime] = {}
        reason = ""
        while True:
            stack = self._describe(name)
            for event in self._new_events(name, token, shown):
                resource, status = event["LogicalResourceId"], event["ResourceStatus"]
                since = began.setdefault(resource, event["Timestamp"])
                said = event.get("ResourceStatusReason", "")
                if status.endswith("_FAILED") and not reason:
                    reason = sentence(said)
                if status.endswith("_IN_PROGRESS"):
                    began[resource] = event["Timestamp"]
                seconds = (event["Timestamp"] - since).total_seconds()
                listener(Event(resource, event.get("ResourceType", ""), status, sentence(said), seconds))
            if stack.status in ends or stack.status == "DELETE_COMPLETE":
                break
            if stack.status.endswith("_IN_PROGRESS"):
                began_waiting = time.monotonic()
            elif time.monotonic() > began_waiting + _UNTOUCHED_SECONDS:
                break
            time.sleep(_POLL_SECONDS)
        if stack.status not in ends & _DONE:
            raise StackFailed(reason or f"The stack {stack.name} ended as {stack.status}.")
        return stack

    def _describe(self, name: str) -> Stack:
        try:
            found = self.find(name)
        except BotoCoreError as error:
            raise LocalError("MiniStack stopped answering; see `python -m local logs ministack`.") from error
        return found or Stack(name, name, "DELETE_COMPLETE")

    def _new_events(self, name: str, token: str, shown: set[str]) -> list[dict[str, Any]]:
        new: list[dict[str, Any]] = []
        for page in self._client.get_paginator("describe_stack_events").paginate(StackName=name):
            events: list[dict[str, Any]] = page["StackEvents"]  # type: ignore[assignment]
            fresh = [e for e in events if e.get("ClientRequestToken") == token and e["EventId"] not in shown]
            new += fresh
            if not fresh or any(e["EventId"] in shown for e in events):  # newest come first: the rest is known
                break
        shown.update(event["EventId"] for event in new)
        return new[::-1]


def _refuse_while_changing(stack: Stack | None) -> None:
    """Raise LocalError for a stack with which another operation is not done."""
    if stack and stack.status.endswith("_IN_PROGRESS"):
        raise LocalError(f"The stack {stack.name} is still changing ({stack.status}); retry when the operation ends.")


def sentence(reason: str) -> str:
    """Return the first line of a resource's reason, without what the Provider framework wraps around it."""
    first = reason.strip().splitlines()[0] if reason.strip() else ""
    for wrapping in ("FinalError: ", "Error: "):
        first = first.removeprefix(wrapping)
    return first
