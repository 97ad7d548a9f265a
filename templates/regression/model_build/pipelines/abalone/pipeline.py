"""The pipeline: preprocess, train, evaluate, and register the model if it is good enough."""

from __future__ import annotations

from collections.abc import Mapping

from sagemaker import image_uris
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep

from pipelines.project import Project

XGBOOST_VERSION = "1.7-1"
SKLEARN_VERSION = "1.2-1"
HYPERPARAMETERS = {
    "objective": "reg:squarederror",
    "num_round": 100,
    "max_depth": 5,
    "eta": 0.2,
    "gamma": 4,
    "min_child_weight": 6,
    "subsample": 0.7,
}


def _output(project: Project, name: str) -> ProcessingOutput:
    """An output below the project's own prefix, by execution: the workflow's role may use no other place."""
    place = project.uri("pipeline", "abalone")
    return ProcessingOutput(
        output_name=name,
        source=f"/opt/ml/processing/{name}",
        destination=Join(on="/", values=[place, ExecutionVariables.PIPELINE_EXECUTION_ID, name]),
    )


def build_pipeline(project: Project, scripts: Mapping[str, str], session: PipelineSession) -> Pipeline:
    """Return the pipeline. `scripts` holds the S3 URIs of the step scripts; nothing is uploaded or created here."""
    processing_instance = ParameterString(name="ProcessingInstanceType", default_value="ml.m5.large")
    training_instance = ParameterString(name="TrainingInstanceType", default_value="ml.m5.large")
    instance_count = ParameterInteger(name="ProcessingInstanceCount", default_value=1)
    input_data = ParameterString(name="InputDataUrl", default_value=project.uri("data", "abalone", ""))
    approval_status = ParameterString(
        name="ModelApprovalStatus",
        default_value="PendingManualApproval",
        enum_values=["PendingManualApproval", "Approved", "Rejected"],
    )
    rmse_limit = ParameterFloat(name="RmseLimit", default_value=2.5)
    commit = ParameterString(name="Commit", default_value="unknown")
    tags = [{"Key": key, "Value": value} for key, value in project.job_tags]
    cache = CacheConfig(enable_caching=True, expire_after="P30D")
    xgboost_image = image_uris.retrieve("xgboost", project.region, version=XGBOOST_VERSION, image_scope="training")

    preprocessor = ScriptProcessor(
        image_uri=image_uris.retrieve("sklearn", project.region, version=SKLEARN_VERSION, image_scope="training"),
        command=["python3"],
        instance_type=processing_instance,
        instance_count=instance_count,
        base_job_name="abalone-preprocess",
        role=project.role_arn,
        sagemaker_session=session,
        tags=tags,
    )
    preprocess = ProcessingStep(
        name="PreprocessAbalone",
        step_args=preprocessor.run(
            code=scripts["preprocess"],
            inputs=[ProcessingInput(source=input_data, destination="/opt/ml/processing/input")],
            outputs=[_output(project, part) for part in ("train", "validation", "test")],
        ),
        cache_config=cache,
    )
    prepared = preprocess.properties.ProcessingOutputConfig.Outputs

    estimator = Estimator(
        image_uri=xgboost_image,
        instance_type=training_instance,
        instance_count=1,
        output_path=project.uri("models", "abalone"),
        base_job_name="abalone-train",
        role=project.role_arn,
        sagemaker_session=session,
        hyperparameters=HYPERPARAMETERS,
        environment={"MLFLOW_TRACKING_URI": project.mlflow_tracking_uri} if project.mlflow_tracking_uri else None,
        tags=tags,
    )
    train = TrainingStep(
        name="TrainAbalone",
        step_args=estimator.fit(
            inputs={
                part: TrainingInput(s3_data=prepared[part].S3Output.S3Uri, content_type="text/csv")
                for part in ("train", "validation")
            }
        ),
        cache_config=cache,
    )

    evaluator = ScriptProcessor(
        image_uri=xgboost_image,
        command=["python3"],
        instance_type=processing_instance,
        instance_count=1,
        base_job_name="abalone-evaluate",
        role=project.role_arn,
        sagemaker_session=session,
        tags=tags,
    )
    report = PropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json")
    evaluate = ProcessingStep(
        name="EvaluateAbalone",
        step_args=evaluator.run(
            code=scripts["evaluate"],
            inputs=[
                ProcessingInput(
                    source=train.properties.ModelArtifacts.S3ModelArtifacts, destination="/opt/ml/processing/model"
                ),
                ProcessingInput(source=prepared["test"].S3Output.S3Uri, destination="/opt/ml/processing/test"),
            ],
            outputs=[_output(project, "evaluation")],
        ),
        property_files=[report],
        cache_config=cache,
    )

    evaluation_uri = Join(
        on="/",
        values=[evaluate.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri, "evaluation.json"],
    )
    model = Model(
        image_uri=xgboost_image,
        model_data=train.properties.ModelArtifacts.S3ModelArtifacts,
        role=project.role_arn,
        sagemaker_session=session,
    )
    register = ModelStep(
        name="RegisterAbalone",
        step_args=model.register(
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.t2.medium", "ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_package_group_name=project.model_package_group,
            approval_status=approval_status,
            model_metrics=ModelMetrics(
                model_statistics=MetricsSource(s3_uri=evaluation_uri, content_type="application/json")
            ),
            customer_metadata_properties={"commit": commit},
        ),
    )
    too_inaccurate = FailStep(
        name="TooInaccurate",
        error_message=Join(on=" ", values=["The model's RMSE is over the limit of", rmse_limit]),
    )
    decide = ConditionStep(
        name="IsAccurateEnough",
        conditions=[
            ConditionLessThanOrEqualTo(
                left=JsonGet(step_name=evaluate.name, property_file=report, json_path="regression_metrics.rmse.value"),
                right=rmse_limit,
            )
        ],
        if_steps=[register],
        else_steps=[too_inaccurate],
    )
    return Pipeline(
        name=project.pipeline_name,
        parameters=[
            processing_instance,
            training_instance,
            instance_count,
            input_data,
            approval_status,
            rmse_limit,
            commit,
        ],
        steps=[preprocess, train, evaluate, decide],
        sagemaker_session=session,
    )
