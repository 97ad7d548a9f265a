"""The pipeline's definition, built without an AWS account."""

import json
from pathlib import Path
from unittest.mock import Mock

import pytest

from pipelines import data_location, source_code
from pipelines.project import MissingSetting, from_environment

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {
    "REGION": "eu-west-1",
    "SAGEMAKER_PIPELINE_ROLE_ARN": "arn:aws:iam::111122223333:role/pipeline",
    "ARTIFACT_BUCKET": "artifacts",
    "MODEL_PACKAGE_GROUP_NAME": "aiops-p1-models",
    "AMAZON_DATAZONE_DOMAIN": "dzd_1",
    "AMAZON_DATAZONE_PROJECT": "p1",
}


def test_missing_settings_are_named():
    with pytest.raises(MissingSetting, match="ARTIFACT_BUCKET"):
        from_environment({**ENVIRONMENT, "ARTIFACT_BUCKET": ""})


def test_artifact_location():
    assert from_environment(ENVIRONMENT).uri("data") == "s3://artifacts/dzd_1/p1/dev/data"
    given = from_environment({**ENVIRONMENT, "ARTIFACT_BUCKET": "s3://artifacts/own/place"})
    assert given.uri("data") == "s3://artifacts/own/place/data"


def test_jobs_carry_none_of_studios_own_tags():
    """The project's role creates them, and may not set tags that begin so; the pipeline's are the workflow's."""
    project = from_environment({**ENVIRONMENT, "SAGEMAKER_PROJECT_NAME": "churn"})
    assert dict(project.job_tags) == {"sagemaker:project-name": "churn"}
    assert dict(project.tags)["AmazonDataZoneProject"] == "p1"


TABLE = {"Table": {"StorageDescriptor": {"Location": "s3://lake/abalone"}}}


def test_data_comes_from_the_glue_table_if_it_holds_some():
    project = from_environment({**ENVIRONMENT, "GLUE_DATABASE": "glue_db", "GLUE_TABLE": "abalone"})
    glue = Mock(**{"get_table.return_value": TABLE})
    s3 = Mock(**{"list_objects_v2.side_effect": lambda Bucket, **_: {"KeyCount": int(Bucket == "lake")}})
    assert data_location.training_data(project, glue, s3) == "s3://lake/abalone/"
    s3 = Mock(**{"list_objects_v2.side_effect": lambda Bucket, **_: {"KeyCount": int(Bucket == "artifacts")}})
    assert data_location.training_data(project, glue, s3) == "s3://artifacts/dzd_1/p1/dev/data/abalone/"
    with pytest.raises(data_location.DataNotFound, match="put CSV files there"):
        data_location.training_data(project, glue, Mock(**{"list_objects_v2.return_value": {"KeyCount": 0}}))


def test_definition_trains_evaluates_and_registers_conditionally():
    boto3 = pytest.importorskip("boto3")
    context = pytest.importorskip("sagemaker.workflow.pipeline_context")
    from pipelines.abalone.pipeline import build_pipeline

    project = from_environment(ENVIRONMENT)
    boto_session = boto3.Session("key", "secret", region_name=project.region)
    session = context.PipelineSession(
        boto_session=boto_session, sagemaker_client=Mock(), default_bucket="artifacts", default_bucket_prefix="x"
    )
    pipeline = build_pipeline(project, source_code.script_uris(project, ROOT), session)
    steps = {step["Name"]: step for step in json.loads(pipeline.definition())["Steps"]}
    assert set(steps) == {"PreprocessAbalone", "TrainAbalone", "EvaluateAbalone", "IsAccurateEnough"}
    assert "AmazonDataZone" not in json.dumps([step["Arguments"].get("Tags") for step in steps.values()])
    decision = steps["IsAccurateEnough"]["Arguments"]
    assert decision["IfSteps"][0]["Arguments"]["ModelPackageGroupName"] == "aiops-p1-models"
    assert [step["Type"] for step in decision["ElseSteps"]] == ["Fail"]
