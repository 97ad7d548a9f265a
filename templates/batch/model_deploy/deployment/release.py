"""One deployment: a model package scores the rows whose answers are known; then it is the one that scores."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from deployment import model_package, smoke_test
from deployment.settings import DeploymentError
from pipelines import NAME, TRIAL, pipeline_name, source_code
from pipelines.configuration import Configuration
from pipelines.definition import Deployed, build, packages_of
from pipelines.execution import PipelineFailed, Pipelines
from pipelines.project import Project

ROWS = "known.csv"


@dataclass(frozen=True)
class Release:
    """What was deployed."""

    pipeline: str
    package: str
    previous: str
    asked: int

    def summary(self) -> str:
        """Return the job's summary in Markdown."""
        lines = [
            "## Deployed",
            "",
            f"- Pipeline: `{self.pipeline}`",
            f"- Model package: `{self.package}`",
            f"- Before: `{self.previous}`" if self.previous else "- Before: none",
            f"- Smoke test: {self.asked} known rows got the scores that the evaluated model gave",
            "- Next: *Actions* > *Score* > *Run workflow*",
        ]
        return "\n".join(lines) + "\n"


def definition_of(project_id: str, sagemaker: Any) -> str:
    """Return the definition of the pipeline that scores, "" if there is none.

    A pipeline that does not exist carries no tag, so to a role that may use the project's pipelines it looks denied.
    """
    try:
        found = sagemaker.describe_pipeline(PipelineName=pipeline_name(project_id))
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ResourceNotFound", "AccessDeniedException"):
            return ""
        raise
    return str(found["PipelineDefinition"])


def deployed(project_id: str, sagemaker: Any) -> tuple[str, str]:
    """Return the model package that scores, and the one before it; "" for none."""
    return packages_of(definition_of(project_id, sagemaker) or "{}")


@dataclass(frozen=True)
class Deployment:
    """The deployments of one project: its facts, and clients of its account."""

    project: Project
    configuration: Configuration
    root: Path
    sagemaker: Any
    s3: Any
    pipelines: Pipelines

    def release(self, asked_for: str) -> Release:
        """Deploy the package that was asked for, else the latest approved one. Raises DeploymentError."""
        package = model_package.choose(asked_for, self.project.model_package_group, self.sagemaker)
        folder = smoke_test.folder_of(package)
        known = smoke_test.known_rows(folder, self.s3)
        arn = str(package["ModelPackageArn"])
        current, before = deployed(self.project.id, self.sagemaker)
        candidate = _deployed(package, before if current == arn else current, folder)
        code = source_code.collect(self.project, self.root)
        source_code.upload(self.project, code, self.s3)
        asked = self._try(candidate, code, known)
        name = self._upsert(NAME, candidate, code)
        return Release(name, arn, candidate.previous, asked)

    def roll_back(self) -> Release:
        """Deploy the package that scored before. Raises DeploymentError."""
        before = deployed(self.project.id, self.sagemaker)[1]
        if not before:
            raise DeploymentError("No other model has scored before. There is nothing to go back to.")
        return self.release(before)

    def _try(self, candidate: Deployed, code: source_code.SourceCode, known: smoke_test.KnownRows) -> int:
        """Score the known rows, all in SageMaker as later; return how many got the scores that are known."""
        name = self._upsert(TRIAL, candidate, code)
        place = self.project.uri("scoring", "known", candidate.package.rsplit("/", 1)[-1], "")
        self._put(f"{place}{ROWS}", known.body)
        execution = self.pipelines.start(name, {"InputDataUrl": place}, os.urandom(16).hex())
        try:
            self.pipelines.wait(execution)
        except PipelineFailed as error:
            raise DeploymentError(f"The known rows could not be scored. {error}") from error
        scored = self.project.uri("pipeline", TRIAL, execution.rsplit("/", 1)[-1], "predictions", ROWS)
        return smoke_test.compare(known, self._get(scored), self.configuration.smoke_test.tolerance)

    def _upsert(self, name: str, candidate: Deployed, code: source_code.SourceCode) -> str:
        definition = build(self.project, self.configuration, code, candidate, name)
        full = pipeline_name(self.project.id, name)
        self.pipelines.upsert(full, definition, self.project.role_arn, self.project.tags)
        return full

    def _put(self, uri: str, text: str) -> None:
        key = uri.removeprefix(f"s3://{self.project.bucket}/")
        self.s3.put_object(Bucket=self.project.bucket, Key=key, Body=text.encode())

    def _get(self, uri: str) -> str:
        key = uri.removeprefix(f"s3://{self.project.bucket}/")
        return str(self.s3.get_object(Bucket=self.project.bucket, Key=key)["Body"].read().decode())


def _deployed(package: Mapping[str, Any], previous: str, folder: str) -> Deployed:
    """Return what the pipeline needs of a model package. Raises DeploymentError if it lacks its model or image."""
    arn = str(package["ModelPackageArn"])
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    image, model = (containers[0].get(key, "") if containers else "" for key in ("Image", "ModelDataUrl"))
    if len(containers) != 1 or not image or not model:
        raise DeploymentError(f"{arn} is not one container with an image and a model. Register it by model build.")
    return Deployed(arn, previous, str(image), str(model), folder)
