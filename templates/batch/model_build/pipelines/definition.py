"""The pipeline: preprocess, train, evaluate, and register the model if it is good enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sagemaker.core import image_uris
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import (
    OutputDataConfig,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    StoppingCondition,
)
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo, ConditionLessThan
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData

from pipelines import NAME, pipeline_name
from pipelines.configuration import Configuration
from pipelines.project import Project
from pipelines.source_code import SourceCode

LOCAL = "/opt/ml/processing"
CACHE = CacheConfig(enable_caching=True, expire_after="P30D")


@dataclass(frozen=True)
class Parameters:
    """What an execution may set."""

    processing_instance: ParameterString
    training_instance: ParameterString
    input_data: ParameterString
    approval_status: ParameterString
    auc_limit: ParameterFloat
    commit: ParameterString

    @classmethod
    def of(cls, project: Project, configuration: Configuration) -> Parameters:
        """Return the parameters with the defaults of config.toml."""
        compute = configuration.compute
        return cls(
            ParameterString(name="ProcessingInstanceType", default_value=compute.processing_instance),
            ParameterString(name="TrainingInstanceType", default_value=compute.training_instance),
            ParameterString(name="InputDataUrl", default_value=project.uri("data", "")),
            ParameterString(
                name="ModelApprovalStatus",
                default_value="PendingManualApproval",
                enum_values=["PendingManualApproval", "Approved", "Rejected"],
            ),
            ParameterFloat(name="AucLimit", default_value=configuration.limits["auc"]),
            ParameterString(name="Commit", default_value="unknown"),
        )

    def all(self) -> list[Any]:
        """Return them in the order of the definition."""
        return list(vars(self).values())


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
        """Read the data and split it. It is not cached: the cache would not notice new rows or files."""
        project = self.project
        table = project.names_table and self.configuration.data.source != "files"
        environment = {
            "REGION": project.region,
            "AMAZON_DATAZONE_DOMAIN": project.domain,
            "AMAZON_DATAZONE_PROJECT": project.id,
            **({"ATHENA_WORKGROUP": project.athena_workgroup} if project.athena_workgroup else {}),
            "GLUE_DATABASE": project.glue_database,
            "GLUE_TABLE": project.glue_table,
        }
        return ProcessingStep(
            name="Preprocess",
            step_args=self._processor("preprocess", environment if table else {}).run(
                inputs=[self._code(), _input("input", self.parameters.input_data)],
                outputs=[self._output(name) for name in ("train", "validation", "test", "features")],
            ),
        )

    def train(self, preprocess: ProcessingStep) -> TrainingStep:
        """Train in the image's script mode: it unpacks the archive and runs train.py with the hyperparameters."""
        outputs = preprocess.properties.ProcessingOutputConfig.Outputs
        trainer = ModelTrainer(
            training_image=self.image,
            role=self.project.role_arn,
            sagemaker_session=self.session,
            base_job_name=f"{NAME}-train",
            compute=Compute(instance_type=self.parameters.training_instance, instance_count=1),
            output_data_config=OutputDataConfig(s3_output_path=self.project.uri("models", NAME)),
            stopping_condition=StoppingCondition(max_runtime_in_seconds=self.seconds),
            hyperparameters={
                **self.configuration.training,
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": self.code.archive_uri,
            },
            tags=[{"key": tag["Key"], "value": tag["Value"]} for tag in self.tags],
            input_data_config=[
                InputData(channel_name=part, data_source=outputs[part].S3Output.S3Uri, content_type="text/csv")
                for part in ("train", "validation")
            ],
        )
        return TrainingStep(name="Train", step_args=trainer.train(), cache_config=CACHE)

    def evaluate(self, preprocess: ProcessingStep, model: Any, report: PropertyFile) -> ProcessingStep:
        """Measure the model on the test set; log the run to MLflow."""
        outputs = preprocess.properties.ProcessingOutputConfig.Outputs
        environment = {"COMMIT": self.parameters.commit, "REGION": self.project.region}
        if self.project.mlflow_tracking_uri:
            environment["MLFLOW_TRACKING_URI"] = self.project.mlflow_tracking_uri
            environment["MLFLOW_EXPERIMENT_NAME"] = pipeline_name(self.project.id)
        return ProcessingStep(
            name="Evaluate",
            step_args=self._processor("evaluate", environment).run(
                inputs=[
                    self._code(),
                    _input("model", model),
                    *(_input(name, outputs[name].S3Output.S3Uri) for name in ("test", "features")),
                ],
                outputs=[self._output("evaluation")],
            ),
            property_files=[report],
            cache_config=CACHE,
        )

    def register(self, evaluate: ProcessingStep, model: Any) -> ModelStep:
        """Add the model to the project's group, with its metrics and its commit."""
        place = evaluate.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri
        source = MetricsSource(s3_uri=Join(on="/", values=[place, "evaluation.json"]), content_type="application/json")
        # With dependencies={} the SDK does not ask S3 for a default bucket, and does not register an empty
        # SAGEMAKER_PROGRAM, with which the image would look for a module of ours instead of serving the model.
        builder = ModelBuilder(
            s3_model_data_url=model,
            image_uri=self.image,
            role_arn=self.project.role_arn,
            sagemaker_session=self.session,
            dependencies={},
        )
        return ModelStep(
            name="Register",
            step_args=builder.register(
                content_types=["text/csv"],
                response_types=["text/csv"],
                inference_instances=["ml.m5.large", "ml.m5.xlarge"],
                transform_instances=["ml.m5.large"],
                model_package_group_name=self.project.model_package_group,
                approval_status=self.parameters.approval_status,
                model_metrics=ModelMetrics(model_statistics=source),
                customer_metadata_properties={"commit": self.parameters.commit},
            ),
        )

    def decide(self, evaluate: ProcessingStep, report: PropertyFile, register: ModelStep) -> ConditionStep:
        """Register the model if it ranks well enough, and knows more than the share of the positive class."""

        def value(name: str) -> JsonGet:
            path = f"binary_classification_metrics.{name}.value"
            return JsonGet(step_name=evaluate.name, property_file=report, json_path=path)

        limit = self.parameters.auc_limit
        message = Join(
            on=" ", values=["The AUC is below the limit", limit, "or the log loss no better than predicting the share."]
        )
        return ConditionStep(
            name="IsAccurateEnough",
            conditions=[
                ConditionGreaterThanOrEqualTo(left=value("auc"), right=limit),
                ConditionLessThan(left=value("log_loss"), right=value("baseline_log_loss")),
            ],
            if_steps=[register],
            else_steps=[FailStep(name="TooInaccurate", error_message=message)],
        )

    def _processor(self, name: str, environment: dict[str, Any]) -> Processor:
        folder = {"preprocess": "preprocessing", "evaluate": "evaluation"}[name]
        return Processor(
            image_uri=self.image,
            entrypoint=["python3", f"{LOCAL}/code/{folder}/{name}.py"],
            instance_type=self.parameters.processing_instance,
            instance_count=1,
            base_job_name=f"{NAME}-{name}",
            max_runtime_in_seconds=self.seconds,
            role=self.project.role_arn,
            sagemaker_session=self.session,
            env=environment or None,
            tags=self.tags,
        )

    def _code(self) -> ProcessingInput:
        return _input("code", f"{self.code.uri}/")

    def _output(self, name: str) -> ProcessingOutput:
        """An output below the project's own prefix, by execution."""
        place = Join(
            on="/", values=[self.project.uri("pipeline", NAME), ExecutionVariables.PIPELINE_EXECUTION_ID, name]
        )
        return ProcessingOutput(
            output_name=name,
            s3_output=ProcessingS3Output(s3_uri=place, local_path=f"{LOCAL}/{name}", s3_upload_mode="EndOfJob"),
        )


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
    train = steps.train(preprocess)
    model = train.properties.ModelArtifacts.S3ModelArtifacts
    evaluate = steps.evaluate(preprocess, model, report)
    decide = steps.decide(evaluate, report, steps.register(evaluate, model))
    return Pipeline(
        name=pipeline_name(project.id),
        parameters=steps.parameters.all(),
        steps=[preprocess, train, evaluate, decide],
        sagemaker_session=session,
    )
