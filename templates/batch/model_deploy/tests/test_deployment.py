"""From a model package to the pipeline that scores with it, and back again."""

import json

import boto3
import pytest
from botocore.stub import ANY
from example import ROOT
from project_facts import ENVIRONMENT, GROUP, IMAGE, PACKAGES, PIPELINES, PREFIX, SMOKE, Cloud, body, package

import deploy_model
from deployment import model_package, release
from deployment.release import Deployment
from deployment.settings import DeploymentError
from pipelines import source_code
from pipelines.configuration import load
from pipelines.definition import packages_of
from pipelines.execution import Pipelines
from pipelines.project import from_environment

PROJECT = from_environment(ENVIRONMENT)
CODE = source_code.collect(PROJECT, ROOT)
TRIAL_RUN = f"{PIPELINES}/studio-p1-scoring-trial/execution/t1"
EXISTS = "Pipeline names must be unique within an AWS account and region. Pipeline with name x already exists"


@pytest.fixture
def cloud():
    made = Cloud()
    yield made
    made.all_used()


def deployment(cloud):
    sagemaker, s3 = cloud.client("sagemaker"), cloud.client("s3")
    pipelines = Pipelines(sagemaker, lambda _: None)
    return Deployment(PROJECT, load(ROOT / "config.toml"), ROOT, sagemaker, s3, pipelines)


def scores_with(cloud, current="", previous=""):
    """What the scoring pipeline holds."""
    if not current:
        cloud.refuses("describe_pipeline", "ResourceNotFound", "Pipeline does not exist.")
        return
    values = {"ModelPackageArn": current, "PreviousModelPackageArn": previous or "none"}
    parameters = [{"Name": key, "Type": "String", "DefaultValue": value} for key, value in values.items()]
    found = {"PipelineDefinition": json.dumps({"Parameters": parameters})}
    cloud.will("sagemaker", "describe_pipeline", found, {"PipelineName": "studio-p1-scoring"})


class Definition:
    """A definition that deploys a package after another."""

    def __init__(self, package, previous):
        self.packages = (package, previous)

    def __eq__(self, other):
        return packages_of(other) == self.packages

    __hash__ = None


def upserts(cloud, name, package, previous, *, new):
    definition = Definition(package, previous)
    made = {"PipelineArn": f"{PIPELINES}/{name}"}
    request = {"PipelineName": name, "PipelineDefinition": definition, "RoleArn": PROJECT.role_arn}
    if new:
        tags = [{"Key": key, "Value": value} for key, value in PROJECT.tags]
        cloud.will("sagemaker", "create_pipeline", made, request | {"Tags": tags, "ClientRequestToken": ANY})
        return
    cloud.refuses("create_pipeline", "ValidationException", EXISTS)
    cloud.will("sagemaker", "update_pipeline", made, request)


def uploads_code(cloud):
    folder = CODE.uri.removeprefix("s3://artifacts/")
    there = [{"Key": f"{folder}/{name}"} for name in CODE.files]
    cloud.will("s3", "list_objects_v2", {"KeyCount": len(there), "Contents": there}, None)


def tries(cloud, package, previous, scores, *, new=False, status="Succeeded", reason=""):
    """The trial scores the known rows."""
    upserts(cloud, "studio-p1-scoring-trial", package, previous, new=new)
    number = package.rsplit("/", 1)[-1]
    place = f"{PREFIX}/scoring/known/{number}/"
    cloud.will(
        "s3",
        "put_object",
        {},
        {"Bucket": "artifacts", "Key": f"{place}known.csv", "Body": SMOKE["body"].encode()},
    )
    started = {
        "PipelineName": "studio-p1-scoring-trial",
        "PipelineParameters": [{"Name": "InputDataUrl", "Value": f"s3://artifacts/{place}"}],
        "ClientRequestToken": ANY,
    }
    cloud.will("sagemaker", "start_pipeline_execution", {"PipelineExecutionArn": TRIAL_RUN}, started)
    for each in ("Executing", status):
        cloud.will("sagemaker", "describe_pipeline_execution", {"PipelineExecutionStatus": each})
    steps = [{"StepName": "Score", **({"FailureReason": reason} if reason else {})}]
    cloud.will("sagemaker", "list_pipeline_execution_steps", {"PipelineExecutionSteps": steps})
    if status == "Succeeded":
        rows = "".join(f"{row},{score}\n" for row, score in zip(("1,x", "2,z"), scores, strict=False))
        key = f"{PREFIX}/pipeline/scoring-trial/t1/predictions/known.csv"
        cloud.will("s3", "get_object", {"Body": body(f"a,c,score\n{rows}")}, {"Bucket": "artifacts", "Key": key})


def test_the_latest_approved_model_is_tried_and_then_scores(cloud):
    cloud.will(
        "sagemaker",
        "list_model_packages",
        {
            "ModelPackageSummaryList": [
                {"ModelPackageArn": f"{PACKAGES}/3", "CreationTime": 0, "ModelPackageStatus": "Completed"}
            ]
        },
        {
            "ModelPackageGroupName": GROUP,
            "ModelApprovalStatus": "Approved",
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
            "MaxResults": 1,
        },
    )
    cloud.has_package(3)
    scores_with(cloud)
    uploads_code(cloud)
    tries(cloud, f"{PACKAGES}/3", "", [0.25, 0.7500001], new=True)
    upserts(cloud, "studio-p1-scoring", f"{PACKAGES}/3", "", new=True)
    released = deployment(cloud).release("")
    assert (released.package, released.previous, released.asked) == (f"{PACKAGES}/3", "", 2)
    assert "2 known rows got the scores" in released.summary()


def test_what_scored_before_is_remembered(cloud):
    cloud.has_package(4)
    scores_with(cloud, f"{PACKAGES}/3", f"{PACKAGES}/2")
    uploads_code(cloud)
    tries(cloud, f"{PACKAGES}/4", f"{PACKAGES}/3", [0.25, 0.75])
    upserts(cloud, "studio-p1-scoring", f"{PACKAGES}/4", f"{PACKAGES}/3", new=False)
    assert deployment(cloud).release(f"{PACKAGES}/4").previous == f"{PACKAGES}/3"


def test_the_same_model_again_keeps_what_was_before_it(cloud):
    cloud.has_package(4)
    scores_with(cloud, f"{PACKAGES}/4", f"{PACKAGES}/3")
    uploads_code(cloud)
    tries(cloud, f"{PACKAGES}/4", f"{PACKAGES}/3", [0.25, 0.75])
    upserts(cloud, "studio-p1-scoring", f"{PACKAGES}/4", f"{PACKAGES}/3", new=False)
    assert deployment(cloud).release(f"{PACKAGES}/4").previous == f"{PACKAGES}/3"


def test_a_rollback_tries_the_model_before_and_lets_it_score(cloud):
    scores_with(cloud, f"{PACKAGES}/4", f"{PACKAGES}/3")
    cloud.has_package(3)
    scores_with(cloud, f"{PACKAGES}/4", f"{PACKAGES}/3")
    uploads_code(cloud)
    tries(cloud, f"{PACKAGES}/3", f"{PACKAGES}/4", [0.25, 0.75])
    upserts(cloud, "studio-p1-scoring", f"{PACKAGES}/3", f"{PACKAGES}/4", new=False)
    assert deployment(cloud).roll_back().package == f"{PACKAGES}/3"


def test_without_a_model_before_there_is_no_rollback(cloud):
    scores_with(cloud, f"{PACKAGES}/4")
    with pytest.raises(DeploymentError, match="No other model has scored before"):
        deployment(cloud).roll_back()


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ([0.25, 0.8], r"Known row 2 got the score '0\.8'; the evaluated model answered 0\.75"),
        (["", 0.75], "Known row 1 got the score ''"),
        (["nan", 0.75], "Known row 1 got the score 'nan'"),
        ([0.25], "2 known rows were given, 1 were scored"),
    ],
)
def test_a_wrong_score_stops_before_the_model_scores_others(cloud, scores, sentence):
    cloud.has_package(4)
    scores_with(cloud, f"{PACKAGES}/3")
    uploads_code(cloud)
    tries(cloud, f"{PACKAGES}/4", f"{PACKAGES}/3", scores)
    with pytest.raises(DeploymentError, match=sentence):
        deployment(cloud).release(f"{PACKAGES}/4")


def test_a_trial_that_fails_says_why_and_changes_nothing(cloud):
    cloud.has_package(4)
    scores_with(cloud, f"{PACKAGES}/3")
    uploads_code(cloud)
    tries(cloud, f"{PACKAGES}/4", f"{PACKAGES}/3", [], status="Failed", reason="known.csv has no column housing.")
    with pytest.raises(DeploymentError, match=r"could not be scored\. Score: known\.csv has no column housing"):
        deployment(cloud).release(f"{PACKAGES}/4")


@pytest.mark.parametrize("code", ["ResourceNotFound", "AccessDeniedException"])
def test_a_pipeline_that_does_not_exist_has_no_model(cloud, code):
    """It carries no tags, so to a role that may use what has the project's tag it is denied."""
    cloud.refuses("describe_pipeline", code)
    assert release.deployed("p1", cloud.client("sagemaker")) == ("", "")


def test_another_error_is_not_taken_for_no_pipeline(cloud):
    cloud.refuses("describe_pipeline", "ThrottlingException", "Rate exceeded")
    with pytest.raises(Exception, match="Rate exceeded"):
        release.deployed("p1", cloud.client("sagemaker"))


@pytest.mark.parametrize("rows", [SMOKE | {"predictions": []}, SMOKE | {"body": ""}, {"rows": ["1,2"]}])
def test_a_model_without_known_rows_is_not_deployed(cloud, rows):
    cloud.has_package(3, rows=rows)
    with pytest.raises(DeploymentError, match="known rows are empty"):
        deployment(cloud).release(f"{PACKAGES}/3")


def test_known_rows_that_are_gone_are_named(cloud):
    cloud.will("sagemaker", "describe_model_package", package())
    cloud.stubs["s3"].add_client_error("get_object", "NoSuchKey")
    with pytest.raises(DeploymentError, match=r"cannot be read \(NoSuchKey\): s3://artifacts/.*/smoke\.json"):
        deployment(cloud).release(f"{PACKAGES}/3")


@pytest.mark.parametrize("metrics", [{}, {"ModelQuality": {"Statistics": {"ContentType": "x", "S3Uri": "elsewhere"}}}])
def test_a_model_that_was_registered_by_hand_has_no_known_rows(cloud, metrics):
    cloud.will("sagemaker", "describe_model_package", {**package(), "ModelMetrics": metrics})
    with pytest.raises(DeploymentError, match="has no metrics"):
        deployment(cloud).release(f"{PACKAGES}/3")


@pytest.mark.parametrize("containers", [[{"Image": IMAGE}], [{"Image": IMAGE, "ModelDataUrl": "s3://a/b"}] * 2])
def test_a_model_of_another_kind_is_not_deployed(cloud, containers):
    described = package() | {"InferenceSpecification": {"Containers": containers}}
    cloud.will("sagemaker", "describe_model_package", described)
    cloud.will("s3", "get_object", {"Body": body(json.dumps(SMOKE))})
    scores_with(cloud)
    with pytest.raises(DeploymentError, match="is not one container with an image and a model"):
        deployment(cloud).release(f"{PACKAGES}/3")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [({"status": "PendingManualApproval"}, "is not approved"), ({"group": "others"}, "is not in this project's")],
)
def test_unfit_model_packages_are_refused(facts, sentence):
    cloud = Cloud()
    cloud.has_package(3, **facts)
    with pytest.raises(DeploymentError, match=sentence):
        model_package.choose(f"{PACKAGES}/3", GROUP, cloud.client("sagemaker"))


def test_missing_settings_end_in_a_sentence(monkeypatch, capsys, tmp_path):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert deploy_model.main([]) == 1
    assert "::error::These variables are not set: REGION" in capsys.readouterr().err
    assert "## Not deployed" in (tmp_path / "summary.md").read_text()


def test_a_pipeline_that_may_not_be_made_ends_in_a_sentence(cloud, monkeypatch, capsys):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MODEL_PACKAGE_ARN", f"{PACKAGES}/3")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setattr(boto3, "Session", lambda **_: cloud)
    monkeypatch.setattr(deploy_model, "ROOT", ROOT)
    cloud.has_package(3)
    scores_with(cloud)
    uploads_code(cloud)
    for operation in ("create_pipeline", "update_pipeline"):
        cloud.refuses(operation, "AccessDeniedException", "not authorized")
    assert deploy_model.main([]) == 1
    assert "not authorized Run the workflow on GitHub once" in capsys.readouterr().err
