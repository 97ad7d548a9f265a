"""A SageMaker pipeline's execution, run here: each step's own script, its files from S3 and to S3, as its jobs do.

The image is the environment of the template's lock, and /opt/ml/processing is a folder (`--base`). What the steps ask
for is held to botocore's shapes. Left out: caching, retries, instances.
"""

from __future__ import annotations

import io
import json
import operator
import os
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator

PROCESSING = "/opt/ml/processing/"
_SAGEMAKER = get_session().get_service_model("sagemaker")
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
}


class StepFailed(Exception):
    """A step's FailureReason."""


def require_valid(operation: str, request: Mapping[str, Any]) -> None:
    """Fail unless a request has the shape of a SageMaker operation."""
    shape = _SAGEMAKER.operation_model(operation).input_shape
    assert shape is not None, operation
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), f"{operation}: {report.generate_report()}"
    assert set(request) <= set(shape.members), operation


@dataclass
class Execution:
    """One execution. `register`: makes a model package of a request, and returns its ARN."""

    arn: str
    definition: Mapping[str, Any]
    given: Mapping[str, str]
    s3: Any
    python: Path
    environment: Mapping[str, str]
    folder: Path
    register: Callable[[dict[str, Any]], str]
    steps: list[dict[str, Any]] = field(default_factory=list)
    status: str = "Executing"
    reason: str = ""
    log: str = ""
    _places: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]

    def run(self) -> None:
        """Run every step; the first that fails ends it."""
        known = {each["Name"]: each.get("DefaultValue") for each in self.definition["Parameters"]}
        assert set(self.given) <= set(known), self.given
        self._parameters = {**known, **self.given}
        try:
            for step in self.definition["Steps"]:
                self._run(step)
            self.status = "Succeeded"
        except StepFailed as error:
            self.status = "Failed"
            self.steps[-1]["FailureReason"] = str(error)
        except Exception as error:  # a test sees it as the execution's reason
            self.status, self.reason = "Failed", repr(error)

    def _run(self, step: Mapping[str, Any]) -> None:
        record = {"StepName": step["Name"]}
        self.steps.append(record)
        if step["Type"] == "Condition":
            holds = all(self._holds(each) for each in step["Arguments"]["Conditions"])
            for each in step["Arguments"]["IfSteps" if holds else "ElseSteps"]:
                self._run(each)
            return
        arguments = self.value(step["Arguments"])
        if step["Type"] == "Fail":
            raise StepFailed(arguments["ErrorMessage"])
        if step["Type"] == "RegisterModel":
            # What the SDK leaves in a definition for SageMaker's own use is no request's.
            request = {name: value for name, value in arguments.items() if name != "SkipModelValidation"}
            record["Metadata"] = {"RegisterModel": {"Arn": self.register(request)}}
            return
        job = {"Processing": self._process, "Training": self._train}[step["Type"]]
        job(step["Name"], arguments)
        for each in step.get("PropertyFiles", []):
            output = self._places[_output(step["Name"], each["OutputName"])]
            self._places[f"Steps.{step['Name']}.PropertyFiles.{each['PropertyFileName']}"] = (
                f"{output}/{each['FilePath']}"
            )

    def value(self, given: Any) -> Any:
        """Return what stands for a part of the definition."""
        if isinstance(given, list):
            return [self.value(each) for each in given]
        if not isinstance(given, dict):
            return given
        if set(given) == {"Get"}:
            return self._got(given["Get"])
        if set(given) == {"Std:Join"}:
            return given["Std:Join"]["On"].join(str(self.value(each)) for each in given["Std:Join"]["Values"])
        if set(given) == {"Std:JsonGet"}:
            found: Any = json.loads(self._read(self.value(given["Std:JsonGet"]["PropertyFile"])))
            for part in given["Std:JsonGet"]["Path"].split("."):
                found = found[part]
            return found
        return {name: self.value(each) for name, each in given.items()}

    def _got(self, path: str) -> Any:
        if path.startswith("Parameters."):
            return self._parameters[path.removeprefix("Parameters.")]
        return {"Execution.PipelineExecutionId": self.id, **self._places}[path]

    def _holds(self, condition: Mapping[str, Any]) -> bool:
        left, right = (float(self.value(condition[side])) for side in ("LeftValue", "RightValue"))
        return _COMPARED[condition["Type"]](left, right)

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def _process(self, step: str, arguments: dict[str, Any]) -> None:
        require_valid("CreateProcessingJob", {"ProcessingJobName": "job", **arguments})
        base = self.folder / step
        for each in arguments["ProcessingInputs"]:
            self._download(each["S3Input"]["S3Uri"], _local(base, each["S3Input"]["LocalPath"]))
        _, script = arguments["AppSpecification"]["ContainerEntrypoint"]
        self._script([str(_local(base, script)), "--base", str(base)], arguments.get("Environment", {}))
        for each in arguments["ProcessingOutputConfig"]["Outputs"]:
            place = each["S3Output"]
            self._upload(_local(base, place["LocalPath"]), place["S3Uri"])
            self._places[_output(step, each["OutputName"])] = place["S3Uri"]

    def _train(self, step: str, arguments: dict[str, Any]) -> None:
        """Train in script mode, without `--base`: the variables of SageMaker's training toolkit say where files are."""
        require_valid("CreateTrainingJob", {"TrainingJobName": "job", **arguments})
        base, options = self.folder / step, dict(arguments["HyperParameters"])
        for each in arguments["InputDataConfig"]:
            self._download(each["DataSource"]["S3DataSource"]["S3Uri"], base / "input/data" / each["ChannelName"])
        archive = self._read(options.pop("sagemaker_submit_directory"))
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(base / "code", filter="data")
        script = str(base / "code" / options.pop("sagemaker_program"))
        told = {"SM_INPUT_DIR": str(base / "input"), "SM_MODEL_DIR": str(base / "model")}
        self._script([script, *(text for pair in options.items() for text in (f"--{pair[0]}", pair[1]))], told)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
            for path in sorted((base / "model").iterdir()):
                packed.add(path, path.name)
        place = f"{arguments['OutputDataConfig']['S3OutputPath']}/pipelines-{self.id}-{step}/output/model.tar.gz"
        self._write(place, buffer.getvalue())
        self._places[f"Steps.{step}.ModelArtifacts.S3ModelArtifacts"] = place

    def _script(self, command: list[str], environment: Mapping[str, str]) -> None:
        ran = subprocess.run(
            [str(self.python), "-B", *command],
            env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", **self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        self.log += ran.stdout + ran.stderr
        if ran.returncode:
            raise StepFailed(f"AlgorithmError: , exit code: {ran.returncode}")

    # -- files ---------------------------------------------------------------------------------------------------------

    def _download(self, uri: str, folder: Path) -> None:
        """Copy an object, or all below a prefix."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        if not keys:
            raise StepFailed(f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source.')
        for key in keys:
            target = folder / (key.removeprefix(prefix).lstrip("/") or key.rpartition("/")[2])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._read(f"s3://{bucket}/{key}"))

    def _upload(self, folder: Path, uri: str) -> None:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self._write(f"{uri}/{path.relative_to(folder)}", path.read_bytes())

    def _read(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def _write(self, uri: str, content: bytes) -> None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.s3.put_object(Bucket=bucket, Key=key, Body=content)


def _local(base: Path, place: str) -> Path:
    assert place.startswith(PROCESSING), place
    return base / place.removeprefix(PROCESSING)


def _output(step: str, name: str) -> str:
    """Return how a definition names where a step's output is."""
    return f"Steps.{step}.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri"
