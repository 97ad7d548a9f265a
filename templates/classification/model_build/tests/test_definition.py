"""The pipeline's definition: rendered without the network, valid for the services, and within the project's own."""

import importlib.util
import json
import re
import socket

import pytest
from example import ROOT
from project_facts import ENVIRONMENT

if importlib.util.find_spec("sagemaker") is None:
    pytest.skip("The SageMaker SDK is not installed.", allow_module_level=True)

from pipelines import session, source_code
from pipelines.configuration import load
from pipelines.project import from_environment

OPERATIONS = {
    "Processing": "CreateProcessingJob",
    "Training": "CreateTrainingJob",
    "RegisterModel": "CreateModelPackage",
}
FACTS = {
    **ENVIRONMENT,
    "SAGEMAKER_PROJECT_NAME": "churn",
    "GLUE_DATABASE": "glue_db",
    "GLUE_TABLE": "rows",
    "ATHENA_WORKGROUP": "workgroup",
    "MLFLOW_TRACKING_URI": "arn:aws:sagemaker:eu-west-1:111122223333:mlflow-app/a1",
}


def refuse(*_):
    raise AssertionError("Rendering a definition must not open a connection.")


def render(facts):
    project = from_environment(facts)
    with pytest.MonkeyPatch.context() as patch, session.quiet():
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        offline = session.offline_session(project.region, project.bucket, project.prefix)
        from pipelines.definition import build

        code = source_code.collect(project, ROOT)
        definition = build(project, load(ROOT / "config.toml"), code, offline).definition()
    return json.loads(definition)


@pytest.fixture(scope="module")
def definition():
    return render(FACTS)


@pytest.fixture(scope="module")
def without_table():
    return render(ENVIRONMENT)


def steps(found):
    for step in found:
        yield step
        arguments = step["Arguments"]
        yield from steps([*arguments.get("IfSteps", []), *arguments.get("ElseSteps", [])])


def named(definition):
    return {step["Name"]: step for step in steps(definition["Steps"])}


def test_its_steps(definition):
    expected = {"Preprocess", "Train", "Evaluate", "IsAccurateEnough", "TooInaccurate"}
    [register] = set(named(definition)) - expected
    assert register.startswith("Register")
    defaults = {each["Name"]: each.get("DefaultValue") for each in definition["Parameters"]}
    assert defaults["InputDataUrl"] == "s3://artifacts/dzd_1/p1/dev/data/"
    assert defaults["ModelApprovalStatus"] == "PendingManualApproval"
    for name, limit in load(ROOT / "config.toml").limits.items():
        assert defaults[f"{name.capitalize()}Limit"] == limit


def filled(value, shape):
    """Put a value of the right kind where the pipeline puts one when it runs."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("Get", "Std:Join", "Std:JsonGet"):
        kind = shape.type_name if shape is not None else "string"
        choices = getattr(shape, "enum", None)
        return {"integer": 1, "long": 1, "boolean": True}.get(kind, choices[0] if choices else "s3://bucket/key")
    if isinstance(value, dict):
        members = getattr(shape, "members", {})
        rest = getattr(shape, "value", None)
        return {key: filled(each, members.get(key, rest)) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, getattr(shape, "member", None)) for each in value]
    return value


def unknown_members(value, shape, place=""):
    """Yield members that the service does not know: botocore's validator lets them pass."""
    if isinstance(value, dict) and shape.type_name == "structure":
        for key, each in value.items():
            if key not in shape.members:
                yield f"{place}.{key}"
            else:
                yield from unknown_members(each, shape.members[key], f"{place}.{key}")
    elif isinstance(value, list) and shape.type_name == "list":
        for each in value:
            yield from unknown_members(each, shape.member, place)


def test_each_step_is_a_valid_request(definition):
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("sagemaker")
    checked = 0
    for step in named(definition).values():
        operation = OPERATIONS.get(step["Type"])
        if operation is None:
            assert step["Type"] in ("Condition", "Fail")
            continue
        shape = model.operation_model(operation).input_shape
        names = {member: "x" for member in shape.required_members if member.endswith("JobName")}
        request = names | filled(step["Arguments"], shape)
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), f"{step['Name']}: {report.generate_report()}"
        assert list(unknown_members(request, shape)) == []
        checked += 1
    assert checked == 4


def test_every_s3_uri_is_below_the_projects_prefix(definition):
    uris = re.findall(r's3://[^"]+', json.dumps(definition))
    assert len(uris) > 5
    assert [uri for uri in uris if not uri.startswith("s3://artifacts/dzd_1/p1/dev/")] == []


def test_every_input_has_a_place(definition):
    for step in named(definition).values():
        for each in step["Arguments"].get("ProcessingInputs", []):
            assert each["S3Input"]["S3Uri"], each


def test_jobs_run_as_the_project_without_studios_tags(definition):
    for step in named(definition).values():
        tags = [tag["Key"] for tag in step["Arguments"].get("Tags", [])]
        assert not [key for key in tags if key.startswith("AmazonDataZone")]
        if step["Type"] in ("Processing", "Training"):
            assert step["Arguments"]["RoleArn"] == ENVIRONMENT["SAGEMAKER_PIPELINE_ROLE_ARN"]
            assert step["Arguments"]["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}


def test_the_model_is_served_by_the_image_itself(definition):
    """With an environment variable SAGEMAKER_PROGRAM the image would look for a module instead."""
    [register] = [step for step in named(definition).values() if step["Type"] == "RegisterModel"]
    [container] = register["Arguments"]["InferenceSpecification"]["Containers"]
    assert "SAGEMAKER_PROGRAM" not in container.get("Environment", {})
    assert container["Image"].endswith("sagemaker-xgboost:3.2-0")
    assert register["Arguments"]["ModelPackageGroupName"] == "aiops-p1-models"


def test_a_table_is_read_by_the_step(definition, without_table):
    environment = named(definition)["Preprocess"]["Arguments"]["Environment"]
    assert environment["ATHENA_WORKGROUP"] == "workgroup"
    assert environment["AMAZON_DATAZONE_PROJECT"] == "p1"
    assert "Environment" not in named(without_table)["Preprocess"]["Arguments"]


def test_new_rows_and_new_files_are_noticed(definition, without_table):
    for found in (definition, without_table):
        assert "CacheConfig" not in named(found)["Preprocess"]
        assert named(found)["Train"]["CacheConfig"]["Enabled"]


def test_mlflow_is_told_where_it_is(definition, without_table):
    environment = named(definition)["Evaluate"]["Arguments"]["Environment"]
    assert environment["MLFLOW_TRACKING_URI"] == FACTS["MLFLOW_TRACKING_URI"]
    assert "MLFLOW_TRACKING_URI" not in named(without_table)["Evaluate"]["Arguments"]["Environment"]
