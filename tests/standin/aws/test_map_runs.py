"""Map Runs, nested executions, Step Functions' own calls on MiniStack: what is stopped stops, what lacks is refused."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.standin.aws.conftest import ACCOUNT, REGION, World, eventually

MACHINES = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:"


def machine(world: World, definition: Mapping[str, Any]) -> str:
    """Make a state machine; return its name."""
    name = f"m{uuid.uuid4().hex[:10]}"
    role = world.role(f"{name}-role", "states.amazonaws.com")
    world.client("stepfunctions").create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    return name


def started(world: World, name: str, given: object) -> str:
    execution = world.client("stepfunctions").start_execution(
        stateMachineArn=f"{MACHINES}{name}", input=json.dumps(given)
    )
    return str(execution["executionArn"])


def ended(world: World, execution: str) -> dict[str, Any]:
    def there() -> dict[str, Any] | None:
        found = dict(world.client("stepfunctions").describe_execution(executionArn=execution))
        return found if found["status"] != "RUNNING" else None

    return dict(eventually(there, 60))


def one(state: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a machine of one state."""
    return {"StartAt": "One", "States": {"One": {**state, "End": True}}, **more}


def mapped(child: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a machine with a Distributed Map over its input."""
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **one(child)}
    return one({"Type": "Map", "Label": "each", "ItemProcessor": processor, **more})


def writing(bucket: str, seconds: int = 0) -> dict[str, Any]:
    """Return a machine that waits and writes a file; its input is the key."""
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "Wait",
        "States": {
            "Wait": {"Type": "Wait", "Seconds": seconds, "Next": "Write"},
            "Write": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
                "Arguments": {
                    "Bucket": bucket,
                    "Key": "{% $states.input.key %}",
                    "Body": {"of": "{% $states.input %}"},
                },
                "End": True,
            },
        },
    }


def nested(name: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": f"{MACHINES}{name}", "Input.$": "$"},
    }


@pytest.fixture
def bucket(world: World) -> str:
    name = f"b{uuid.uuid4().hex[:10]}"
    world.client("s3").create_bucket(Bucket=name)
    return name


def keys(world: World, bucket: str) -> set[str]:
    return {item["Key"] for item in world.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])}


def test_a_map_runs_children_start_another_machine_which_calls_as_its_own_role(world: World, bucket: str) -> None:
    inner = machine(world, writing(bucket))
    outer = machine(world, mapped(nested(inner), MaxConcurrency=2))
    found = ended(world, started(world, outer, [{"key": "a"}, {"key": "b"}, {"key": "c"}]))
    assert found["status"] == "SUCCEEDED", found
    assert keys(world, bucket) == {"a", "b", "c"}
    body = world.client("s3").get_object(Bucket=bucket, Key="a")["Body"].read()
    assert json.loads(body) == {"of": {"key": "a"}}


def test_a_call_in_a_map_runs_child_is_made_as_the_machines_role(world: World) -> None:
    child = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:servicecatalog:searchProvisionedProducts",
        "Parameters": {"AccessLevelFilter": {"Key": "Account", "Value": "self"}},
    }
    outer = machine(world, mapped(child))
    found = ended(world, started(world, outer, [1]))
    assert found["status"] == "SUCCEEDED", found
    made = world.control("calls?service=servicecatalog", method="GET")
    assert f"arn:aws:iam::{ACCOUNT}:role/{outer}-role" in {call["caller"] for call in made}


def test_stopping_an_execution_stops_its_children_and_theirs(world: World, bucket: str) -> None:
    inner = machine(world, writing(bucket, seconds=60))  # waits a second here
    outer = machine(world, mapped(nested(inner), MaxConcurrency=1))
    states = world.client("stepfunctions")
    execution = started(world, outer, [{"key": "a"}, {"key": "b"}])

    def running() -> list[Any]:
        return list(states.list_executions(stateMachineArn=f"{MACHINES}{inner}", statusFilter="RUNNING")["executions"])

    eventually(running)
    states.stop_execution(executionArn=execution)
    assert ended(world, execution)["status"] == "ABORTED"
    (run,) = states.list_map_runs(executionArn=execution)["mapRuns"]
    eventually(lambda: states.describe_map_run(mapRunArn=run["mapRunArn"])["status"] == "ABORTED")
    statuses = {each["status"] for each in states.list_executions(stateMachineArn=f"{MACHINES}{inner}")["executions"]}
    assert statuses == {"ABORTED"}
    time.sleep(1.5)
    assert keys(world, bucket) == set(), "neither went on"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"ItemBatcher": {"MaxItemsPerBatch": 2}}, "ItemBatcher"),
        ({"ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {}}}, "ResultWriter"),
        ({"QueryLanguage": "JSONata"}, "JSONata"),
    ],
)
def test_what_a_distributed_map_lacks_here_is_refused(world: World, more: dict[str, Any], word: str) -> None:
    found = ended(world, started(world, machine(world, mapped({"Type": "Pass"}, **more)), [1]))
    assert found["status"] == "FAILED"
    assert word in found["cause"]


def test_a_map_run_that_cannot_be_changed_says_so(world: World) -> None:
    states = world.client("stepfunctions")
    execution = started(world, machine(world, mapped({"Type": "Pass"})), [1])
    ended(world, execution)
    (run,) = states.list_map_runs(executionArn=execution)["mapRuns"]
    with pytest.raises(ClientError, match="cannot be changed"):
        states.update_map_run(mapRunArn=run["mapRunArn"], maxConcurrency=3)


@pytest.mark.parametrize(
    ("resource", "arguments", "error"),
    [
        ("aws-sdk:cloudformation:describeStacks", {"StackName": "nobody"}, "CloudFormation.CloudFormationException"),
        ("aws-sdk:s3:getObject", {"Bucket": "nobody-s-bucket", "Key": "x"}, "S3.NoSuchBucketException"),
        ("dynamodb:getItem", {"TableName": "nobody", "Key": {"Id": {"S": "x"}}}, "DynamoDB.ResourceNotFoundException"),
    ],
)
def test_an_error_has_step_functions_name(world: World, resource: str, arguments: dict[str, Any], error: str) -> None:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": arguments}
    found = ended(world, started(world, machine(world, one(state)), {}))
    assert (found["status"], found["error"]) == ("FAILED", error)


def test_items_metrics_and_events_are_taken_in_the_forms_that_are_documented(world: World) -> None:
    table = f"t{uuid.uuid4().hex[:8]}"
    world.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    topic = world.client("sns").create_topic(Name=table)["TopicArn"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("dynamodb:putItem", {"TableName": table, "Item": {"Id": {"S": "x"}, "Number": {"N": "1"}}}),
        ("aws-sdk:cloudwatch:putMetricData", {"Namespace": table, "MetricData": [{"MetricName": "Done", "Value": 1}]}),
        ("sns:publish", {"TopicArn": topic, "Message": "Done."}),
        ("events:putEvents", {"Entries": [{"Source": "x.y", "DetailType": "z", "Detail": {"a": 1}}]}),
    ]
    for resource, arguments in calls:
        state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": arguments}
        found = ended(world, started(world, machine(world, one(state)), {}))
        assert found["status"] == "SUCCEEDED", (resource, found)
    assert world.client("dynamodb").get_item(TableName=table, Key={"Id": {"S": "x"}})["Item"]["Number"] == {"N": "1"}
    assert world.client("cloudwatch").list_metrics(Namespace=table)["Metrics"][0]["MetricName"] == "Done"
