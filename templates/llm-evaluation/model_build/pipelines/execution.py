"""The pipeline in SageMaker: create or update it, start it, wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

POLL_SECONDS = 30
ENDED = ("Succeeded", "Failed", "Stopped")


class PipelineFailed(Exception):
    """An execution did not succeed; the message names the step and SageMaker's reason."""


@dataclass(frozen=True)
class Pipelines:
    """The calls that this repository makes to SageMaker Pipelines."""

    sagemaker: Any
    sleep: Callable[[float], None] = time.sleep

    def upsert(self, name: str, definition: str, role_arn: str, tags: tuple[tuple[str, str], ...]) -> str:
        """Create the pipeline, or update it if it exists; return its ARN.

        In a Studio space the project's role cannot set the tags that the workflow's role needs: it only updates.
        Raises PipelineFailed if it can do neither.
        """
        try:
            created = self.sagemaker.create_pipeline(
                PipelineName=name,
                PipelineDefinition=definition,
                RoleArn=role_arn,
                ClientRequestToken=f"{name}-create-pipeline-request-token"[:128].ljust(32, "0"),
                Tags=[{"Key": key, "Value": value} for key, value in tags],
            )
            return str(created["PipelineArn"])
        except ClientError as error:
            if not (_exists(error) or _denied(error)):
                raise
            refusal = error
        try:
            updated = self.sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=role_arn)
        except ClientError:
            if not _denied(refusal):
                raise
            raise PipelineFailed(f"{refusal} Run the workflow on GitHub once: it creates the pipeline.") from None
        return str(updated["PipelineArn"])

    def start(self, name: str, parameters: Mapping[str, str], token: str) -> str:
        """Start an execution; return its ARN. The same token does not start a second one."""
        started = self.sagemaker.start_pipeline_execution(
            PipelineName=name,
            PipelineParameters=[{"Name": key, "Value": value} for key, value in parameters.items()],
            ClientRequestToken=token,
        )
        return str(started["PipelineExecutionArn"])

    def wait(self, execution: str) -> list[dict[str, Any]]:
        """Wait for the execution; return its steps. Raises PipelineFailed unless it succeeds."""
        while True:
            found = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
            if found["PipelineExecutionStatus"] in ENDED:
                break
            self.sleep(POLL_SECONDS)
        steps = self._steps(execution)
        if found["PipelineExecutionStatus"] != "Succeeded":
            status = found["PipelineExecutionStatus"]
            reasons = [f"{each['StepName']}: {each['FailureReason']}" for each in steps if each.get("FailureReason")]
            raise PipelineFailed(" ".join(reasons) or found.get("FailureReason") or f"The execution is {status}.")
        return steps

    def _steps(self, execution: str) -> list[dict[str, Any]]:
        pages = self.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=execution)
        return [step for page in pages for step in page["PipelineExecutionSteps"]]


def _exists(error: ClientError) -> bool:
    found = error.response["Error"]
    return found["Code"] in ("ValidationException", "ConflictException") and "already exist" in found["Message"]


def _denied(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in ("AccessDeniedException", "AccessDenied")


def ran_in(step: str, steps: list[dict[str, Any]], execution: str) -> str:
    """Return the id of the execution that ran the step: an earlier one if the step's result was cached."""
    of_step = (each.get("CacheHitResult", {}) for each in steps if each["StepName"] == step)
    hits = (each.get("SourcePipelineExecutionArn") for each in of_step)
    return (next(filter(None, hits), None) or execution).rsplit("/", 1)[-1]


def registered_model(steps: list[dict[str, Any]]) -> str:
    """Return the ARN of the model package that the execution registered, "" if none."""
    packages = (step.get("Metadata", {}).get("RegisterModel", {}).get("Arn", "") for step in steps)
    return next(filter(None, packages), "")
