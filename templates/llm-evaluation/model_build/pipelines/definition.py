"""The pipeline: preprocess, generate, judge, evaluate, and register the configuration if it is good enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sagemaker.core import image_uris
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.conditions import (
    ConditionGreaterThan,
    ConditionGreaterThanOrEqualTo,
    ConditionLessThanOrEqualTo,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import Properties, PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, Step, StepTypeEnum

from pipelines import NAME, pipeline_name
from pipelines.configuration import Configuration
from pipelines.gate import GATE
from pipelines.project import Project
from pipelines.source_code import SourceCode

LOCAL = "/opt/ml/processing"
CACHE = CacheConfig(enable_caching=True, expire_after="P30D")
SCRIPTS = {
    "preprocess": "preprocessing/preprocess.py",
    "generate": "generation/generate.py",
    "judge": "judging/judge.py",
    "evaluate": "evaluation/evaluate.py",
}
COMPARISONS = {
    "at least": ConditionGreaterThanOrEqualTo,
    "above": ConditionGreaterThan,
    "at most": ConditionLessThanOrEqualTo,
}


class RegisterConfiguration(Step):
    """Adds a model package without a container: its metadata name the configuration's file and hash.

    The SDK's own step needs a container and model data, which a prompt and the id of a model do not have.
    """

    def __init__(self, name: str, arguments: dict[str, Any]) -> None:
        """`arguments` are CreateModelPackage's."""
        super().__init__(name=name, step_type=StepTypeEnum.REGISTER_MODEL)
        self._arguments = arguments
        self._properties = Properties(step_name=name, step=self, shape_name="DescribeModelPackageOutput")

    @property
    def arguments(self) -> dict[str, Any]:
        """The service's request."""
        return self._arguments

    @property
    def properties(self) -> Properties:
        """What later steps may refer to."""
        return self._properties


@dataclass(frozen=True)
class Parameters:
    """What an execution may set."""

    processing_instance: ParameterString
    input_data: ParameterString
    approval_status: ParameterString
    commit: ParameterString
    limits: dict[str, ParameterFloat]

    @classmethod
    def of(cls, project: Project, configuration: Configuration) -> Parameters:
        """Return the parameters with the defaults of config.toml."""
        return cls(
            ParameterString(name="ProcessingInstanceType", default_value=configuration.compute.processing_instance),
            ParameterString(name="InputDataUrl", default_value=project.uri("data", "")),
            ParameterString(
                name="ModelApprovalStatus",
                default_value="PendingManualApproval",
                enum_values=["PendingManualApproval", "Approved", "Rejected"],
            ),
            ParameterString(name="Commit", default_value="unknown"),
            {
                each.limit: ParameterFloat(name=each.parameter, default_value=configuration.gate[each.limit])
                for each in GATE
            },
        )

    def all(self) -> list[Any]:
        """Return them in the order of the definition."""
        return [self.processing_instance, self.input_data, self.approval_status, self.commit, *self.limits.values()]


class Steps:
    """The steps of one definition. Nothing is uploaded or created here."""

    def __init__(
        self, project: Project, configuration: Configuration, code: SourceCode, session: PipelineSession
    ) -> None:
        """Keep what all steps share."""
        self.project, self.configuration, self.code, self.session = project, configuration, code, session
        self.parameters = Parameters.of(project, configuration)
        version = configuration.compute.xgboost_image
        self.image = image_uris.retrieve("xgboost", project.region, version=version, image_scope="training")
        self.tags = [{"Key": key, "Value": value} for key, value in project.job_tags]
        self.seconds = configuration.compute.max_runtime_minutes * 60

    def preprocess(self) -> ProcessingStep:
        """Read and check the prompts. It is not cached: the cache would not notice new rows or files."""
        project = self.project
        table = project.names_table and self.configuration.data.source != "files"
        environment = {
            "AMAZON_DATAZONE_DOMAIN": project.domain,
            "AMAZON_DATAZONE_PROJECT": project.id,
            **({"ATHENA_WORKGROUP": project.athena_workgroup} if project.athena_workgroup else {}),
            "GLUE_DATABASE": project.glue_database,
            "GLUE_TABLE": project.glue_table,
        }
        inputs = [_input("input", self.parameters.input_data)]
        outputs = ["prompts", "estimate"]
        return self._step("Preprocess", inputs, outputs, environment if table else {}, cached=False)

    def generate(self, preprocess: ProcessingStep) -> ProcessingStep:
        """Let the candidate answer."""
        return self._step("Generate", [_output_of(preprocess, "prompts")], ["answers"])

    def judge(self, preprocess: ProcessingStep, generate: ProcessingStep) -> ProcessingStep:
        """Let the judge judge."""
        inputs = [_output_of(preprocess, "prompts"), _output_of(generate, "answers")]
        return self._step("Judge", inputs, ["judgements"])

    def evaluate(
        self, preprocess: ProcessingStep, generate: ProcessingStep, judge: ProcessingStep, report: PropertyFile
    ) -> ProcessingStep:
        """Measure; log the run to MLflow."""
        inputs = [
            _output_of(preprocess, "prompts"),
            _output_of(generate, "answers"),
            _output_of(judge, "judgements"),
        ]
        environment = {"COMMIT": self.parameters.commit}
        if self.project.mlflow_tracking_uri:
            environment["MLFLOW_TRACKING_URI"] = self.project.mlflow_tracking_uri
            environment["MLFLOW_EXPERIMENT_NAME"] = pipeline_name(self.project.id)
        return self._step("Evaluate", inputs, ["evaluation"], environment, files=[report])

    def register(self, evaluate: ProcessingStep) -> RegisterConfiguration:
        """Add the configuration to the project's model package group, with its metrics, its hash and its commit."""
        place = evaluate.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri
        source = {"ContentType": "application/json", "S3Uri": Join(on="/", values=[place, "evaluation.json"])}
        return RegisterConfiguration(
            "Register",
            {
                "ModelPackageGroupName": self.project.model_package_group,
                "ModelPackageDescription": "A prompt and the settings of a model in Amazon Bedrock",
                "ModelApprovalStatus": self.parameters.approval_status,
                "ModelMetrics": {"ModelQuality": {"Statistics": source}},
                "CustomerMetadataProperties": {
                    "commit": self.parameters.commit,
                    "configuration": self.code.released_uri,
                    "configuration_sha256": self.code.released_digest,
                },
            },
        )

    def decide(self, evaluate: ProcessingStep, report: PropertyFile, register: RegisterConfiguration) -> ConditionStep:
        """Register the configuration if it meets every condition of the gate."""
        limits = self.parameters.limits
        conditions = [
            COMPARISONS[each.kind](
                left=JsonGet(step_name=evaluate.name, property_file=report, json_path=each.path),
                right=limits[each.limit],
            )
            for each in GATE
        ]
        values: list[Any] = ["The configuration misses a limit (metrics: evaluation.json of this execution)."]
        for each in GATE:
            low = " (lower end of its interval)" if each.part == "low" else ""
            values += [f"{each.metric}{low} has to be {each.kind}", limits[each.limit]]
        return ConditionStep(
            name="IsGoodEnough",
            conditions=conditions,
            if_steps=[register],
            else_steps=[FailStep(name="NotGoodEnough", error_message=Join(on=" ", values=values))],
        )

    def _step(
        self,
        name: str,
        inputs: list[ProcessingInput],
        outputs: list[str],
        environment: dict[str, Any] | None = None,
        *,
        cached: bool = True,
        files: list[PropertyFile] | None = None,
    ) -> ProcessingStep:
        script = name.lower()
        processor = Processor(
            image_uri=self.image,
            entrypoint=["python3", f"{LOCAL}/code/{SCRIPTS[script]}"],
            instance_type=self.parameters.processing_instance,
            instance_count=1,
            base_job_name=f"{NAME}-{script}",
            max_runtime_in_seconds=self.seconds,
            role=self.project.role_arn,
            sagemaker_session=self.session,
            env={"REGION": self.project.region, **(environment or {})},
            tags=self.tags,
        )
        code = _input("code", f"{self.code.uri}/")
        return ProcessingStep(
            name=name,
            step_args=processor.run(inputs=[code, *inputs], outputs=[self._output(each) for each in outputs]),
            property_files=files,
            cache_config=CACHE if cached else None,
        )

    def _output(self, name: str) -> ProcessingOutput:
        """An output below the project's own prefix, by execution."""
        place = Join(
            on="/", values=[self.project.uri("pipeline", NAME), ExecutionVariables.PIPELINE_EXECUTION_ID, name]
        )
        return ProcessingOutput(
            output_name=name,
            s3_output=ProcessingS3Output(s3_uri=place, local_path=f"{LOCAL}/{name}", s3_upload_mode="EndOfJob"),
        )


def _output_of(step: ProcessingStep, name: str) -> ProcessingInput:
    return _input(name, step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri)


def _input(name: str, uri: Any) -> ProcessingInput:
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri, local_path=f"{LOCAL}/{name}", s3_data_type="S3Prefix", s3_input_mode="File"
        ),
    )


def build(project: Project, configuration: Configuration, code: SourceCode, session: PipelineSession) -> Pipeline:
    """Return the pipeline."""
    steps = Steps(project, configuration, code, session)
    report = PropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json")
    preprocess = steps.preprocess()
    generate = steps.generate(preprocess)
    judge = steps.judge(preprocess, generate)
    evaluate = steps.evaluate(preprocess, generate, judge, report)
    decide = steps.decide(evaluate, report, steps.register(evaluate))
    return Pipeline(
        name=pipeline_name(project.id),
        parameters=steps.parameters.all(),
        steps=[preprocess, generate, judge, evaluate, decide],
        sagemaker_session=session,
    )
