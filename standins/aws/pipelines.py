"""SageMaker's pipelines, as a project's workflows leave them: they are put here by a control, and looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id, now, page
from standins.aws.protocol import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from standins.aws.calls import Call

PROJECT_TAG = "AmazonDataZoneProject"
_REFUSED = (
    "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: User: {role} is not authorized to "
    "perform: sagemaker:AddTags on resource: {job}"
)


@dataclass
class _Pipeline:
    """A pipeline and what its last execution did."""

    record: Record
    steps: list[Record]
    execution: Record = field(default_factory=dict)


class Pipelines:
    """The operations, each named as the model names it."""

    def __init__(self, tag: Callable[[str, dict[str, str]], None]) -> None:
        """Take what remembers the tags of an ARN."""
        self._tag = tag
        self._pipelines: dict[tuple[str, str, str], _Pipeline] = {}

    def put(self, account: str, region: str, request: Record) -> Record:
        """Put a pipeline with one execution, as the control says it; one of that name is replaced.

        `projectId` and `createdBy` (an ARN) are needed; `executionsTagged`: executions carry their pipeline's tags;
        `jobsTagged`: the project's role may start jobs with the tags that they inherit.
        """
        name = request.get("name", f"studio-{request['projectId']}-abalone")
        arn = f"arn:aws:sagemaker:{region}:{account}:pipeline/{name}"
        execution, tags = f"{arn}/execution/{new_id(12)}", {PROJECT_TAG: request["projectId"]}
        job = f"arn:aws:sagemaker:{region}:{account}:processing-job/pipelines-{new_id(12)}-Preprocess"
        started = bool(request.get("jobsTagged", True))
        refused = {"FailureReason": _REFUSED.format(role=request.get("role", "the project's role"), job=job)}
        step = {
            "StepName": "Preprocess",
            "StepStatus": "Succeeded" if started else "Failed",
            "StartTime": now(),
            **({"Metadata": {"ProcessingJob": {"Arn": job}}} if started else refused),
        }
        record = {
            "PipelineArn": arn,
            "PipelineName": name,
            "PipelineStatus": "Active",
            "CreationTime": now(),
            "CreatedBy": {"IamIdentity": {"Arn": request["createdBy"], "PrincipalId": new_id(21)}},
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
        ran = {"PipelineExecutionArn": execution, "StartTime": now(), "PipelineExecutionStatus": step["StepStatus"]}
        self._pipelines[account, region, name] = _Pipeline(record, [step], ran)
        self._tag(arn, tags)
        self._tag(execution, tags if request.get("executionsTagged", True) else {})
        return {"pipelineArn": arn, "executionArn": execution}

    def search(self, call: Call, request: Record) -> Record:
        """Search: pipelines by their tags, each filter with Equals."""
        if request["Resource"] != "Pipeline":
            raise ServiceError("ValidationException", f"The stand-in does not search for {request['Resource']}.")
        filters = request.get("SearchExpression", {}).get("Filters", [])
        if any(not each["Name"].startswith("Tags.") or each.get("Operator", "Equals") != "Equals" for each in filters):
            raise ServiceError("ValidationException", "The stand-in searches by tags that equal a value.")
        wanted = [{"Key": each["Name"].removeprefix("Tags."), "Value": each.get("Value", "")} for each in filters]
        found = [
            {"Pipeline": each.record}
            for (account, region, _), each in self._pipelines.items()
            if (account, region) == (call.account, call.region) and all(tag in each.record["Tags"] for tag in wanted)
        ]
        items, token = page(found, request.get("MaxResults"), request.get("NextToken"), 10)
        return {"Results": items, "NextToken": token}

    def list_pipeline_executions(self, call: Call, request: Record) -> Record:
        """ListPipelineExecutions."""
        found = self._pipelines.get((call.account, call.region, request["PipelineName"]))
        if found is None:
            raise ServiceError("ResourceNotFound", f"Pipeline {request['PipelineName']} does not exist.")
        return {"PipelineExecutionSummaries": [found.execution]}

    def list_pipeline_execution_steps(self, call: Call, request: Record) -> Record:
        """ListPipelineExecutionSteps."""
        wanted = request.get("PipelineExecutionArn")
        for (account, region, _), each in self._pipelines.items():
            if (account, region) == (call.account, call.region) and each.execution["PipelineExecutionArn"] == wanted:
                return {"PipelineExecutionSteps": each.steps}
        raise ServiceError("ResourceNotFound", f"Pipeline execution {wanted} does not exist.")
