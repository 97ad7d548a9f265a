"""A scheduled run: which model, which rows, what it says, and how it ends. Held to botocore's shapes."""

import json

import boto3
import pytest
from botocore.stub import ANY
from example import ROOT, needs_samples
from project_facts import ENVIRONMENT, PACKAGES, PIPELINES, PREFIX, Cloud, body

import run_pipeline
from pipelines import drift_report, execution

RUN = f"{PIPELINES}/studio-p1-scoring/execution/e7"
COLUMN = {
    "psi": 0.5,
    "chance": 0.1,
    "drifted": True,
    "changed_most": {"bin": "a|b", "before": 0.1, "now": 0.6},
}
STEADY = COLUMN | {"psi": 0.01, "drifted": False}
DRIFTED = {"rows": 90, "limit": 0.2, "drifted": ["housing"], "columns": {"job": STEADY, "housing": COLUMN}}
SAME = {"rows": 90, "limit": 0.2, "drifted": [], "columns": {"job": STEADY}}


@pytest.fixture
def cloud(monkeypatch, tmp_path):
    made = Cloud()
    monkeypatch.setattr(boto3, "Session", lambda **_: made)
    monkeypatch.setattr(run_pipeline, "ROOT", ROOT)
    monkeypatch.setattr(execution.time, "sleep", lambda _: None)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_RUN_ID", "77")
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "1")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    yield made
    made.all_used()


def deployed(cloud, table=""):
    parameters = [{"Name": "ModelPackageArn", "Type": "String", "DefaultValue": f"{PACKAGES}/3"}]
    steps = [{"Name": "Score", "Arguments": {"Environment": {"SCORING_TABLE": table} if table else {}}}]
    found = {"PipelineDefinition": json.dumps({"Parameters": parameters, "Steps": steps})}
    cloud.will("sagemaker", "describe_pipeline", found, {"PipelineName": "studio-p1-scoring"})


def starts(cloud, rows):
    request = {
        "PipelineName": "studio-p1-scoring",
        "PipelineParameters": [{"Name": "InputDataUrl", "Value": rows}] if rows else [],
        "ClientRequestToken": "score-77-1".ljust(32, "0"),
    }
    cloud.will("sagemaker", "start_pipeline_execution", {"PipelineExecutionArn": RUN}, request)


def ends(cloud, report=None, reason=""):
    status = "Failed" if reason else "Succeeded"
    cloud.will("sagemaker", "describe_pipeline_execution", {"PipelineExecutionStatus": status})
    steps = [{"StepName": "Score", **({"FailureReason": reason} if reason else {})}]
    cloud.will("sagemaker", "list_pipeline_execution_steps", {"PipelineExecutionSteps": steps})
    if report:
        key = f"{PREFIX}/pipeline/scoring/e7/drift/drift.json"
        cloud.will("s3", "get_object", {"Body": body(json.dumps(report))}, {"Bucket": "artifacts", "Key": key})


@needs_samples
def test_the_first_run_scores_the_sample_rows_and_says_so(cloud, tmp_path):
    deployed(cloud)
    place = f"{PREFIX}/scoring/input/"
    cloud.will("s3", "list_objects_v2", {"KeyCount": 0}, {"Bucket": "artifacts", "Prefix": place, "MaxKeys": 1})
    cloud.will("s3", "put_object", {}, {"Bucket": "artifacts", "Key": f"{place}credits.csv.gz", "Body": ANY})
    starts(cloud, f"s3://artifacts/{place}")
    ends(cloud, SAME)
    assert run_pipeline.main(["--start", "--wait"]) == 0
    summary = (tmp_path / "summary.md").read_text()
    assert "was empty. The sample rows of this repository (credits.csv.gz) are there now." in summary
    assert f"- Model: {PACKAGES}/3" in summary
    assert f"- Scores: s3://artifacts/{PREFIX}/pipeline/scoring/e7/predictions/" in summary
    assert "| job | 0.010 | 0.2 | 0.100 | no |" in summary


def test_later_runs_score_the_projects_files_and_upload_nothing(cloud):
    deployed(cloud)
    cloud.will("s3", "list_objects_v2", {"KeyCount": 1})
    starts(cloud, f"s3://artifacts/{PREFIX}/scoring/input/")
    assert run_pipeline.main(["--start"]) == 0


@pytest.fixture
def of_table(cloud, monkeypatch, tmp_path):
    """A config.toml that names a table. After `cloud`, which sets another."""
    text = (ROOT / "config.toml").read_text().replace('table = ""', 'table = "glue_p1.rows"')
    (tmp_path / "config.toml").write_text(text)
    monkeypatch.setattr(run_pipeline, "ROOT", tmp_path)


@pytest.mark.usefixtures("of_table")
def test_a_table_is_scored_and_no_file_is_looked_for(cloud, tmp_path):
    deployed(cloud, "glue_p1.rows")
    starts(cloud, "")
    ends(cloud, SAME)
    assert run_pipeline.main(["--start", "--wait", "--input", ""]) == 0
    assert "- Rows: Rows: the table glue_p1.rows, read by Athena." in (tmp_path / "summary.md").read_text()


@pytest.mark.usefixtures("of_table")
def test_a_folder_is_not_scored_where_a_table_is(cloud, capsys):
    deployed(cloud, "glue_p1.rows")
    assert run_pipeline.main(["--start", "--input", "s3://artifacts/x/"]) == 1
    assert "scores the table glue_p1.rows, not a folder. Leave the input empty" in capsys.readouterr().err


@pytest.mark.usefixtures("of_table")
def test_another_table_takes_effect_with_the_next_deployment(cloud, capsys):
    deployed(cloud)
    assert run_pipeline.main(["--start"]) == 1
    said = capsys.readouterr().err
    assert 'scores files, but scoring.table in config.toml is "glue_p1.rows". Run the workflow Deploy the model' in said


def test_drift_fails_the_run_and_names_the_columns(cloud, tmp_path, capsys):
    deployed(cloud)
    starts(cloud, "s3://artifacts/dzd_1/p1/dev/today/")
    ends(cloud, DRIFTED)
    assert run_pipeline.main(["--start", "--wait", "--input", "s3://artifacts/dzd_1/p1/dev/today/"]) == 1
    assert "These columns drifted: housing. The rows were scored." in capsys.readouterr().err
    summary = (tmp_path / "summary.md").read_text()
    assert summary.index("| housing | 0.500 |") < summary.index("| job |")
    assert "| **yes** | a\\|b: 10% to 60% |" in summary


def test_drift_can_be_reported_only(monkeypatch, tmp_path):
    text = (ROOT / "config.toml").read_text().replace("fail = true", "fail = false")
    (tmp_path / "config.toml").write_text(text)
    configuration = run_pipeline.load(tmp_path / "config.toml")
    assert run_pipeline._drifted(DRIFTED, configuration) == 0
    assert drift_report.verdict(SAME) == "No drift: none of 1 columns is over its limit."


def test_a_run_that_fails_says_why(cloud, tmp_path, capsys):
    deployed(cloud)
    starts(cloud, "s3://artifacts/x/")
    ends(cloud, reason="a.csv has no column housing.")
    assert run_pipeline.main(["--start", "--wait", "--input", "s3://artifacts/x/"]) == 1
    assert "Error: Score: a.csv has no column housing." in capsys.readouterr().err
    assert "- Reason: Score: a.csv has no column housing." in (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize("code", ["ResourceNotFound", "AccessDeniedException"])
def test_without_a_model_it_says_what_to_do(cloud, capsys, code):
    cloud.refuses("describe_pipeline", code)
    assert run_pipeline.main(["--start", "--wait"]) == 1
    assert "No model is deployed yet. Approve one in Studio, then run" in capsys.readouterr().err


def test_without_start_it_says_which_model_is_deployed(cloud, capsys):
    deployed(cloud)
    assert run_pipeline.main([]) == 0
    assert capsys.readouterr().out == f"Model package: {PACKAGES}/3\n"


def test_without_files_and_sample_rows_it_says_what_to_do(cloud, tmp_path):
    from pipelines import scoring_data
    from pipelines.project import from_environment

    cloud.will("s3", "list_objects_v2", {"KeyCount": 0})
    with pytest.raises(FileNotFoundError, match=r"Upload CSV files to s3://artifacts/.*/scoring/input/"):
        scoring_data.prepare(from_environment(ENVIRONMENT), "scoring/input", tmp_path, cloud.client("s3"))


def test_the_definition_needs_no_aws(monkeypatch, capsys):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    assert run_pipeline.main(["--print-definition"]) == 0
    assert json.loads(capsys.readouterr().out)["Version"] == "2020-12-01"
