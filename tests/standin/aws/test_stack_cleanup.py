"""What an update removed or replaced is deleted at its end, and CloudFormation tells of it as AWS does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from standins.aws.stack_cleanup import CLEANUP
from tests.standin.aws.conftest import eventually

if TYPE_CHECKING:
    from tests.standin.aws.conftest import World


def template(**names: str) -> str:
    resources = {
        logical_id: {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Name": name, "Value": "x"}}
        for logical_id, name in names.items()
    }
    return json.dumps({"Resources": resources})


def test_an_update_deletes_at_its_end_in_a_status_of_its_own(world: World) -> None:
    cloudformation = world.client("cloudformation")

    def ended() -> bool:
        status: str = cloudformation.describe_stacks(StackName="cleaned")["Stacks"][0]["StackStatus"]
        return not status.endswith("IN_PROGRESS")

    def events() -> list[dict[str, Any]]:
        newest_first: list[dict[str, Any]] = cloudformation.describe_stack_events(StackName="cleaned")["StackEvents"]
        return newest_first[::-1]

    cloudformation.create_stack(
        StackName="cleaned", TemplateBody=template(Kept="/kept", Moved="/before", Removed="/removed")
    )
    eventually(ended)
    before = len(events())
    cloudformation.update_stack(StackName="cleaned", TemplateBody=template(Kept="/kept", Moved="/after"))
    eventually(ended)

    update = [(each["LogicalResourceId"], each["ResourceStatus"], each.get("PhysicalResourceId", ""))
              for each in events()[before:]]  # fmt: skip
    cleanup = update[[status for _, status, _ in update].index(CLEANUP) + 1 :]
    assert {each for each in cleanup if each[0] != "cleaned"} == {
        (name, f"DELETE_{status}", physical_id)
        for name, physical_id in (("Moved", "/before"), ("Removed", "/removed"))
        for status in ("IN_PROGRESS", "COMPLETE")
    }
    assert cleanup[-1][:2] == ("cleaned", "UPDATE_COMPLETE")
    left = cloudformation.describe_stack_resources(StackName="cleaned")["StackResources"]
    assert {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in left} == {
        "Kept": "/kept",
        "Moved": "/after",
    }
