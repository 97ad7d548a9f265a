"""Where a rollout is kept and started: the item in DynamoDB, lists and results in S3, executions in Step Functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import DYNAMODB, S3, STEP_FUNCTIONS, translated
from custom_resources.errors import AwsNotFound, AwsRefused
from operations.deployed import FOUNDATION_STACK
from operations.errors import MachinesMissing
from operations.rollout.state import Result, Rollout, new_item, plan_document, result_of, result_text, rollout_of
from products.rollout.names import ITEM, plan_key, results_prefix, wave_key

if TYPE_CHECKING:
    import boto3

    from custom_resources.clients.stacks import CloudFormationStacks

_AT_ONCE = 16  # results that are read
_OUTPUTS = ("RolloutStateMachine", "RateBudgetTable", "ArchiveBucket")


class RolloutStore:
    """The rollout of one account and region.

    Every method raises AwsThrottled and AwsUnreachable, which pass, AwsDenied, AwsNotFound, AwsRefused.
    """

    def __init__(self, session: boto3.Session, stacks: CloudFormationStacks) -> None:
        """Find the machine, the table and the bucket by the foundation's outputs. Raises MachinesMissing."""
        try:
            outputs = stacks.outputs(FOUNDATION_STACK)
            self._machine, self._table, self._bucket = (outputs[name] for name in _OUTPUTS)
        except (AwsNotFound, KeyError):
            raise MachinesMissing from None
        with translated(STEP_FUNCTIONS, "opening a session"):
            self._dynamodb = session.client("dynamodb")
            self._s3 = session.client("s3")
            self._states = session.client("stepfunctions")

    # -- the item --------------------------------------------------------------------------------------------

    def read(self) -> Rollout | None:
        """Return the rollout that there is, or was last; None before the first."""
        with translated(DYNAMODB, "reading the rollout"):
            found = self._dynamodb.get_item(TableName=self._table, Key={"Id": {"S": ITEM}}, ConsistentRead=True)
        return rollout_of(found["Item"]) if "Item" in found else None

    def create(self, rollout: Rollout, open_times: Sequence[tuple[int, int]]) -> bool:
        """Make it the one rollout; return False where another is in progress."""
        return self._conditionally(
            "put_item",
            "starting the rollout",
            Item=new_item(rollout, open_times),
            ConditionExpression="attribute_not_exists(#id) OR #phase IN (:ended, :aborted)",
            ExpressionAttributeNames={"#id": "Id", "#phase": "Phase"},
            ExpressionAttributeValues={":ended": {"S": "ended"}, ":aborted": {"S": "aborted"}},
        )

    def change(
        self,
        rollout: Rollout,
        phases: Sequence[str],
        *,
        values: Mapping[str, Any] | None = None,
        remove: Iterable[str] = (),
        as_run: bool = False,
    ) -> bool:
        """Change attributes of this rollout while it is in one of these phases; tell whether it was.

        `as_run`: and as long as nobody has planned or begun another execution since it was read. Values are DynamoDB's.
        """
        values, removed = values or {}, list(remove)
        names = {f"#{name}": name for name in (*values, *removed, "Rollout", "Phase")}
        given = {f":{name}": value for name, value in values.items()}
        given |= {f":in{number}": {"S": phase} for number, phase in enumerate(phases)} | {":is": {"S": rollout.id}}
        conditions = ["#Rollout = :is", f"#Phase IN ({', '.join(f':in{number}' for number in range(len(phases)))})"]
        if as_run:
            names |= {"#RunBy": "RunBy", "#Runs": "Runs"}
            conditions += ["#RunBy = :by", "#Runs = :number"]
            given |= {":by": {"S": rollout.run_by}, ":number": {"N": str(rollout.runs)}}
        parts = ["SET " + ", ".join(f"#{name} = :{name}" for name in values)] if values else []
        parts += ["REMOVE " + ", ".join(f"#{name}" for name in removed)] if removed else []
        return self._conditionally(
            "update_item",
            "changing the rollout",
            Key={"Id": {"S": ITEM}},
            UpdateExpression=" ".join(parts),
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=given,
        )

    def _conditionally(self, operation: str, activity: str, **arguments: Any) -> bool:
        with translated(DYNAMODB, activity):
            try:
                getattr(self._dynamodb, operation)(TableName=self._table, **arguments)
            except self._dynamodb.exceptions.ConditionalCheckFailedException:
                return False
        return True

    # -- lists and results -----------------------------------------------------------------------------------

    def write_wave(self, rollout: str, wave: str, projects: Sequence[Mapping[str, str]]) -> None:
        """Write a wave's list."""
        self._put(wave_key(rollout, wave), json.dumps(projects))

    def write_plan(self, rollout: Rollout) -> None:
        """Write down what was asked for, and the waves that it has now. Nothing reads it but people."""
        self._put(plan_key(rollout.id), plan_document(rollout))

    def write_result(self, rollout: str, result: Result) -> None:
        """Write what became of a project."""
        self._put(f"{results_prefix(rollout)}{result.launch}.json", result_text(result))

    def waves(self, rollout: Rollout) -> dict[str, list[dict[str, str]]]:
        """Return the lists of its waves, in order."""
        return {name: json.loads(self._get(wave_key(rollout.id, name))) for name in rollout.waves}

    def finished(self, rollout: str) -> set[str]:
        """Return the ids of the launches that have a result."""
        return {key.rpartition("/")[2].removesuffix(".json") for key in self._result_keys(rollout)}

    def results(self, rollout: str) -> list[Result]:
        """Return the results, by name."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = [result_of(text) for text in pool.map(self._get, self._result_keys(rollout))]
        return sorted(found, key=lambda result: result.name)

    def forget(self, rollout: str, launches: Iterable[str]) -> None:
        """Delete results, so that their projects are updated again; the bucket keeps their former versions."""
        for launch in launches:
            with translated(S3, f"deleting the result of {launch}"):
                self._s3.delete_object(Bucket=self._bucket, Key=f"{results_prefix(rollout)}{launch}.json")

    def _result_keys(self, rollout: str) -> list[str]:
        with translated(S3, "listing the rollout's results"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=results_prefix(rollout)
            )
            return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def _put(self, key: str, text: str) -> None:
        with translated(S3, f"writing {key}"):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=text.encode(), ContentType="application/json")

    def _get(self, key: str) -> str:
        with translated(S3, f"reading {key}"):
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode()

    # -- executions ------------------------------------------------------------------------------------------

    def run(self, rollout: str, number: int) -> str:
        """Start the machine for its waves; return the execution's ARN. Asked twice with a number it runs once."""
        with translated(STEP_FUNCTIONS, "starting the rollout's state machine"):
            return self._states.start_execution(
                stateMachineArn=self._machine,
                name=f"{rollout}-{number}",
                input=json.dumps({"rollout": rollout, "run": number}),
            )["executionArn"]

    def runs(self, rollout: Rollout) -> bool:
        """Tell whether the execution that took the rollout, or the one that is to take it, is in progress."""
        planned = f"{self._machine.replace(':stateMachine:', ':execution:')}:{rollout.id}-{rollout.runs}"
        arn = rollout.run_by if rollout.run_by.startswith("arn:") else planned
        try:
            with translated(STEP_FUNCTIONS, "reading the rollout's execution"):
                found = self._states.describe_execution(executionArn=arn)
        except (AwsNotFound, AwsRefused):  # Step Functions forgets executions after 90 days
            return False
        return found["status"] == "RUNNING"
