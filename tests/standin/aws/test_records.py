"""What was once recorded, by CloudTrail and by CloudFormation, is told as a control says it."""

from __future__ import annotations

import json

import pytest

from tests.standin.aws.conftest import ACCOUNT, REGION, World

WHERE = {"account": ACCOUNT, "region": REGION}


def test_cloudtrail_tells_the_newest_events_first_by_one_attribute(world: World) -> None:
    trail = world.client("cloudtrail")
    denied = {"errorCode": "AccessDenied", "errorMessage": "no", "requestParameters": None}
    events = [{"eventName": "CreateModel", "number": number} for number in range(60)]
    world.control("trail", {**WHERE, "events": [*events, {"eventName": "AssumeRole", **denied}]})
    by_name = [{"AttributeKey": "EventName", "AttributeValue": "CreateModel"}]
    first = trail.lookup_events(LookupAttributes=by_name)
    rest = trail.lookup_events(LookupAttributes=by_name, NextToken=first["NextToken"])
    told = [json.loads(event["CloudTrailEvent"])["number"] for event in [*first["Events"], *rest["Events"]]]
    assert (len(first["Events"]), told) == (50, [*range(59, -1, -1)])
    assert "NextToken" not in rest
    (found,) = trail.lookup_events(LookupAttributes=[{**by_name[0], "AttributeValue": "AssumeRole"}])["Events"]
    assert json.loads(found["CloudTrailEvent"]).items() >= denied.items()
    with pytest.raises(trail.exceptions.InvalidLookupAttributesException):
        trail.lookup_events(LookupAttributes=by_name * 2)
    assert world.client("cloudtrail", region="eu-west-1").lookup_events()["Events"] == []
    world.control("trail", {**WHERE, "events": []})
    assert trail.lookup_events()["Events"] == []


def test_a_stack_tells_what_once_happened_to_it_until_something_else_is_said(world: World) -> None:
    cloudformation = world.client("cloudformation")
    template = {"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
    cloudformation.create_stack(StackName="remembered", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="remembered", WaiterConfig={"Delay": 1})

    def reasons() -> list[str]:
        told = cloudformation.describe_stack_events(StackName="remembered")["StackEvents"]
        return [event["ResourceStatusReason"] for event in told if event.get("LogicalResourceId") == "Former"]

    event = {"logicalId": "Former", "type": "Custom::Lamp", "status": "CREATE_FAILED", "reason": "Größe | 1"}
    for events in ([event], [{**event, "reason": "older"}, {**event, "reason": "newer"}], []):
        world.control("stack-history", {**WHERE, "stack": "remembered", "events": events})
        assert reasons() == [each["reason"] for each in reversed(events)]
    (described,) = cloudformation.describe_stacks(StackName="remembered")["Stacks"]
    assert described["StackStatus"] == "CREATE_COMPLETE", "the stack itself is as it was"
    cloudformation.delete_stack(StackName="remembered")
