"""What AWS tells of a launch while it goes on, and of a project that was deleted."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from custom_resources.clients.aws import CLOUDFORMATION, LAMBDA, SERVICE_CATALOG
from custom_resources.errors import Problem, ProjectNotFound
from operations.prove.facts import Ending
from operations.prove.looking import LAUNCH_NAME_PREFIX, Proof

_NOT_FOUND = ProjectNotFound.happened.partition(" (")[0]
_BEGUN = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
_MOST_LISTED = 100  # what DescribeStackResources lists of a stack


def launch_under_way(proof: Proof) -> None:
    """See what AWS returns about the launch if it is being changed now. Raises nothing: what is denied is not seen."""
    with proof.aws.about("A35", "A37"), suppress(Problem):
        found = proof.aws.ask(
            SERVICE_CATALOG,
            "search_provisioned_products",
            AccessLevelFilter={"Key": "Account", "Value": "self"},
            Filters={"SearchQuery": [f"name:{LAUNCH_NAME_PREFIX}{proof.state.project}"]},
        )["ProvisionedProducts"]
        if found and found[0]["Status"] == "UNDER_CHANGE":
            _told_of_launch(proof, found[0])


def _told_of_launch(proof: Proof, launch: dict[str, Any]) -> None:
    going, stack = proof.facts.going, str(launch.get("PhysicalId", ""))
    going.looks += 1
    going.unnamed += not (launch.get("UserArn") or launch.get("UserArnSession"))
    if stack and launch["Id"] not in stack and stack not in going.strangers:
        going.strangers.append(stack)
    if not stack or stack in going.strangers:
        return
    # The events first: what they tell must be in the list that is read after them.
    events = proof.aws.ask(CLOUDFORMATION, "describe_stack_events", StackName=stack)["StackEvents"]
    listed = proof.aws.ask(CLOUDFORMATION, "describe_stack_resources", StackName=stack)["StackResources"]
    seen, late = compared(events, listed)
    if late:  # what was deleted meanwhile, by a rollback, is rightly not in the list
        events = proof.aws.ask(CLOUDFORMATION, "describe_stack_events", StackName=stack)["StackEvents"]
        deleted = {name for name, event in _newest(events).items() if event["ResourceStatus"].startswith("DELETE_")}
        late = [name for name in late if name not in deleted]
    going.listed += seen
    going.late += [name for name in late if name not in going.late]


def compared(events: list[dict[str, Any]], listed: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """Return how many resources in an operation are listed as in it, and the names of the others. Pure.

    `events` are the newest first. What is being deleted may be gone from the list.
    """
    newest = _newest(events)
    shown = {item["LogicalResourceId"]: item for item in listed}
    begun = [name for name, event in newest.items() if event["ResourceStatus"] in _BEGUN]
    if len(listed) >= _MOST_LISTED:
        begun = [name for name in begun if name in shown]
    late = [name for name in begun if name not in shown or _former(newest[name], shown[name])]
    return len(begun) - len(late), late


def _newest(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the newest event of each resource."""
    newest: dict[str, dict[str, Any]] = {}
    for event in events:
        if event["ResourceType"] != "AWS::CloudFormation::Stack":
            newest.setdefault(event["LogicalResourceId"], event)
    return newest


def _former(event: dict[str, Any], listed: dict[str, Any]) -> bool:
    """Tell whether a listed resource is as it was before the event."""
    return bool(listed["ResourceStatus"] != event["ResourceStatus"] and listed["Timestamp"] < event["Timestamp"])


def after_deletion(proof: Proof) -> None:
    """Ask the function studio-project, which is not a member, for the project that is gone. Raises nothing."""
    ending = proof.facts.ending = proof.facts.ending or Ending()
    event = {"Probe": {"DomainId": proof.state.domain, "ProjectId": proof.state.project}}
    with proof.aws.about("A36"), suppress(Problem):
        name = f"{proof.settings.prefix}-studio-project"
        answer = proof.aws.ask(LAMBDA, "invoke", FunctionName=name, Payload=json.dumps(event).encode())
        said = json.loads(answer["Payload"].read()) or {}
        ending.after = _told_after(said)


def _told_after(said: dict[str, Any]) -> str:
    failure = str(said.get("errorMessage", ""))
    if failure:
        return "not found" if failure.startswith(_NOT_FOUND) else failure
    return "answered" if said.get("GetProject") else "denied"
