"""The pipeline: score the rows, then compare them with what the model was trained on.

The definition is SageMaker's own JSON: two processing jobs are not worth the 757 MB of the SDK in each scheduled run.
Each step's arguments are a request of CreateProcessingJob, to which the tests hold them. The deployed model is in the
parameters' defaults, with the one before it: a rollback needs no other history.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines import NAME
from pipelines.configuration import Configuration
from pipelines.project import Project
from pipelines.source_code import SourceCode

LOCAL = "/opt/ml/processing"
NONE = "none"  # a parameter cannot be empty


@dataclass(frozen=True)
class Deployed:
    """A model package, what it is made of, and the package that scored before it ("" if none)."""

    package: str
    previous: str
    image: str
    model_data: str
    baseline: str

    def parameters(self) -> dict[str, str]:
        """Return the pipeline's parameters that hold it."""
        return {
            "ModelPackageArn": self.package,
            "PreviousModelPackageArn": self.previous or NONE,
            "ImageUri": self.image,
            "ModelDataUrl": self.model_data,
            "BaselineUrl": self.baseline,
        }


EXAMPLE = Deployed(
    package="arn:aws:sagemaker:eu-west-1:111122223333:model-package/example-models/1",
    previous="",
    image="141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0",
    model_data="s3://example-bucket/dzd_example/example/dev/models/batch/1/output/model.tar.gz",
    baseline="s3://example-bucket/dzd_example/example/dev/pipeline/batch/1/evaluation/",
)


def packages_of(definition: str) -> tuple[str, str]:
    """Return the model package of a definition, and the one before it, "" for none."""
    defaults = {each["Name"]: each.get("DefaultValue", "") for each in json.loads(definition).get("Parameters", [])}
    found = (str(defaults.get(name, "")) for name in ("ModelPackageArn", "PreviousModelPackageArn"))
    package, previous = ("" if value == NONE else value for value in found)
    return package, previous


def table_of(definition: str) -> str:
    """Return the table that a definition scores, "" for files."""
    steps = {each["Name"]: each["Arguments"] for each in json.loads(definition).get("Steps", [])}
    return str(steps.get("Score", {}).get("Environment", {}).get("SCORING_TABLE", ""))


def build(
    project: Project, configuration: Configuration, code: SourceCode, deployed: Deployed, name: str = NAME
) -> str:
    """Return the definition of the pipeline, or of its trial, which scores files."""
    table = configuration.scoring.table if name == NAME else ""
    given = {
        "ProcessingInstanceType": configuration.scoring.instance_type,
        **({} if table else {"InputDataUrl": project.uri(configuration.scoring.input, "")}),
        **deployed.parameters(),
    }
    scored = {"Get": "Steps.Score.ProcessingOutputConfig.Outputs['predictions'].S3Output.S3Uri"}
    step = _Steps(project, configuration, code, name)
    rows = {} if table else {"input": _get("InputDataUrl")}
    return json.dumps(
        {
            "Version": "2020-12-01",
            "Metadata": {},
            "Parameters": [{"Name": key, "Type": "String", "DefaultValue": value} for key, value in given.items()],
            "PipelineExperimentConfig": {
                "ExperimentName": {"Get": "Execution.PipelineName"},
                "TrialName": {"Get": "Execution.PipelineExecutionId"},
            },
            "Steps": [
                step.processing(
                    "Score",
                    "scoring/score.py",
                    {**rows, "model": _get("ModelDataUrl"), "baseline": _get("BaselineUrl")},
                    "predictions",
                    _of_table(project, table, configuration.scoring.workgroup) if table else {},
                ),
                step.processing(
                    "DriftReport",
                    "drift/drift.py",
                    {"predictions": scored, "baseline": _get("BaselineUrl")},
                    "drift",
                ),
            ],
        },
        indent=1,
    )


def _of_table(project: Project, table: str, workgroup: str) -> dict[str, str]:
    """Return what the step needs to read a table, as environment variables."""
    return {
        "SCORING_TABLE": table,
        "REGION": project.region,
        "AMAZON_DATAZONE_DOMAIN": project.domain,
        "AMAZON_DATAZONE_PROJECT": project.id,
        **({"ATHENA_WORKGROUP": workgroup} if workgroup else {}),
    }


def _get(parameter: str) -> dict[str, str]:
    return {"Get": f"Parameters.{parameter}"}


@dataclass(frozen=True)
class _Steps:
    """What the steps of one definition share."""

    project: Project
    configuration: Configuration
    code: SourceCode
    name: str

    def processing(
        self, step: str, script: str, inputs: Mapping[str, Any], output: str, more: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return a step that runs a script as the project's role, with the packages, and `more`, in its environment."""
        resources = {"InstanceType": _get("ProcessingInstanceType"), "InstanceCount": 1, "VolumeSizeInGB": 30}
        environment = {key: _get(key) for key in ("ModelPackageArn", "PreviousModelPackageArn")} | dict(more or {})
        arguments = {
            "ProcessingResources": {"ClusterConfig": resources},
            "AppSpecification": {
                "ImageUri": _get("ImageUri"),
                "ContainerEntrypoint": ["python3", f"{LOCAL}/code/{script}"],
            },
            "RoleArn": self.project.role_arn,
            "ProcessingInputs": [_input("code", f"{self.code.uri}/"), *(_input(*each) for each in inputs.items())],
            "ProcessingOutputConfig": {"Outputs": [self._output(output)]},
            "StoppingCondition": {"MaxRuntimeInSeconds": self.configuration.scoring.max_runtime_minutes * 60},
            "Environment": environment,
            "Tags": [{"Key": key, "Value": value} for key, value in self.project.job_tags],
        }
        return {"Name": step, "Type": "Processing", "Arguments": arguments}

    def _output(self, name: str) -> dict[str, Any]:
        """An output below the project's own prefix, by execution."""
        place = [self.project.uri("pipeline", self.name), {"Get": "Execution.PipelineExecutionId"}, name]
        output = {"S3Uri": {"Std:Join": {"On": "/", "Values": place}}, "LocalPath": f"{LOCAL}/{name}"}
        return {"OutputName": name, "S3Output": {**output, "S3UploadMode": "EndOfJob"}}


def _input(name: str, uri: Any) -> dict[str, Any]:
    place = {"S3Uri": uri, "LocalPath": f"{LOCAL}/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": place}
