"""The pipeline in SageMaker, held to botocore's shapes: created, updated, started, waited for."""

from datetime import UTC, datetime

import pytest
from botocore.stub import ANY, Stubber

from pipelines import summary
from pipelines.execution import PipelineFailed, Pipelines, ran_in, registered_model

boto3 = pytest.importorskip("boto3")
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/studio-p1-models"
RUN = f"{ARN}/execution/abc123"
PACKAGE = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/aiops-p1-models/3"
ROLE = "arn:aws:iam::111122223333:role/pipeline"


@pytest.fixture
def calls():
    client = boto3.client("sagemaker", region_name="eu-west-1", aws_access_key_id="key", aws_secret_access_key="secret")
    waited = []
    with Stubber(client) as stub:
        yield Pipelines(client, waited.append), stub
        stub.assert_no_pending_responses()


def test_the_first_run_creates_the_pipeline_with_the_projects_tags(calls):
    pipelines, stub = calls
    expected = {
        "PipelineName": "studio-p1-models",
        "PipelineDefinition": "{}",
        "RoleArn": ROLE,
        "ClientRequestToken": ANY,
        "Tags": [{"Key": "AmazonDataZoneProject", "Value": "p1"}],
    }
    stub.add_response("create_pipeline", {"PipelineArn": ARN}, expected)
    assert pipelines.upsert("studio-p1-models", "{}", ROLE, (("AmazonDataZoneProject", "p1"),)) == ARN


def test_later_runs_update_it(calls):
    pipelines, stub = calls
    message = "Pipeline names must be unique within an AWS account and region. A pipeline with name x already exists."
    stub.add_client_error("create_pipeline", "ValidationException", message)
    stub.add_response("update_pipeline", {"PipelineArn": ARN})
    assert pipelines.upsert("studio-p1-models", "{}", ROLE, ()) == ARN


def test_another_refusal_is_not_taken_for_an_existing_pipeline(calls):
    pipelines, stub = calls
    stub.add_client_error("create_pipeline", "ValidationException", "The definition is invalid.")
    with pytest.raises(Exception, match="definition is invalid"):
        pipelines.upsert("studio-p1-models", "{}", ROLE, ())


def test_in_a_space_the_project_updates_what_the_workflow_created(calls):
    """The project's role cannot set Studio's own tags, which the workflow's role asks for."""
    pipelines, stub = calls
    stub.add_client_error("create_pipeline", "AccessDeniedException", "not authorized to perform: sagemaker:AddTags")
    stub.add_response("update_pipeline", {"PipelineArn": ARN})
    assert pipelines.upsert("studio-p1-regression", "{}", ROLE, ()) == ARN
    stub.add_client_error("create_pipeline", "AccessDeniedException", "not authorized to perform: sagemaker:AddTags")
    stub.add_client_error("update_pipeline", "ResourceNotFound", "does not exist")
    with pytest.raises(PipelineFailed, match=r"AddTags Run the workflow on GitHub once: it creates the pipeline"):
        pipelines.upsert("studio-p1-regression", "{}", ROLE, ())


def test_a_start_has_its_parameters(calls):
    pipelines, stub = calls
    expected = {
        "PipelineName": "n",
        "PipelineParameters": [{"Name": "Commit", "Value": "abc"}],
        "ClientRequestToken": "t" * 32,
    }
    stub.add_response("start_pipeline_execution", {"PipelineExecutionArn": RUN}, expected)
    assert pipelines.start("n", {"Commit": "abc"}, "t" * 32) == RUN


def ends(stub, status, steps):
    for each in ("Executing", status):
        stub.add_response("describe_pipeline_execution", {"PipelineExecutionStatus": each})
    stub.add_response("list_pipeline_execution_steps", {"PipelineExecutionSteps": steps})


def test_waiting_ends_with_the_model(calls):
    pipelines, stub = calls
    steps = [
        {"StepName": "Evaluate", "StartTime": datetime.now(UTC)},
        {"StepName": "Register", "Metadata": {"RegisterModel": {"Arn": PACKAGE}}},
    ]
    ends(stub, "Succeeded", steps)
    found = pipelines.wait(RUN)
    assert registered_model(found) == PACKAGE
    assert ran_in("Evaluate", found, RUN) == "abc123"


def test_a_cached_evaluation_is_where_it_ran():
    earlier = {"StepName": "Evaluate", "CacheHitResult": {"SourcePipelineExecutionArn": f"{ARN}/execution/old"}}
    assert ran_in("Evaluate", [earlier], RUN) == "old"


def test_a_failure_names_step_and_reason(calls):
    pipelines, stub = calls
    ends(stub, "Failed", [{"StepName": "TooInaccurate", "FailureReason": "The error is over the limit 2.5"}])
    with pytest.raises(PipelineFailed, match=r"TooInaccurate: The error is over the limit 2\.5"):
        pipelines.wait(RUN)


def test_the_summary_shows_link_and_metrics(tmp_path):
    link = summary.console_link("eu-west-1", "studio-p1-models", RUN)
    assert link.startswith("https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/pipelines/")
    report = {"metrics": {"error": {"value": 2.138}}}
    content = summary.text("It ran", {"Execution": link}, report, {"error": 2.5})
    assert "| error | 2.138 | 2.5 |" in content
    summary.write(content, {"GITHUB_STEP_SUMMARY": str(tmp_path / "s.md")})
    summary.write(content, {})
    assert (tmp_path / "s.md").read_text() == content
