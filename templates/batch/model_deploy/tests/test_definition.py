"""The pipeline's definition: valid for the service, and within the project's own."""

import json
import re
from dataclasses import replace

import botocore.session
import pytest
from botocore.validate import ParamValidator
from example import ROOT
from project_facts import ENVIRONMENT, FOLDER, IMAGE, PACKAGES

from pipelines import TRIAL, pipeline_name, source_code
from pipelines.configuration import load
from pipelines.definition import Deployed, build, packages_of, table_of
from pipelines.project import from_environment

MODEL = Deployed(f"{PACKAGES}/3", "", IMAGE, "s3://artifacts/dzd_1/p1/dev/models/3/model.tar.gz", FOLDER)
PROJECT = from_environment({**ENVIRONMENT, "SAGEMAKER_PROJECT_NAME": "churn"})
CODE = source_code.collect(PROJECT, ROOT)


@pytest.fixture(scope="module")
def text():
    return build(PROJECT, load(ROOT / "config.toml"), CODE, MODEL)


def defaults(text):
    return {each["Name"]: each["DefaultValue"] for each in json.loads(text)["Parameters"]}


def filled(value, given):
    """Put the parameters' values, and a place where an execution has one."""
    if isinstance(value, dict) and "Get" in value:
        name = value["Get"].removeprefix("Parameters.")
        return given.get(name, "s3://bucket/key")
    if isinstance(value, dict) and "Std:Join" in value:
        return value["Std:Join"]["On"].join(filled(value["Std:Join"]["Values"], given))
    if isinstance(value, dict):
        return {key: filled(each, given) for key, each in value.items()}
    return [filled(each, given) for each in value] if isinstance(value, list) else value


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


def test_each_step_is_a_valid_request(text):
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateProcessingJob").input_shape
    steps = json.loads(text)["Steps"]
    assert [(step["Name"], step["Type"]) for step in steps] == [("Score", "Processing"), ("DriftReport", "Processing")]
    for step in steps:
        request = {"ProcessingJobName": "x"} | filled(step["Arguments"], defaults(text))
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), f"{step['Name']}: {report.generate_report()}"
        assert list(unknown_members(request, shape)) == []


def test_what_a_step_gets_is_a_parameter_or_made_before(text):
    outputs = set()
    for step in json.loads(text)["Steps"]:
        for name in re.findall(r'"Get": "([^"]+)"', json.dumps(step)):
            kind, _, rest = name.partition(".")
            assert kind in ("Parameters", "Execution", "Steps")
            assert kind != "Parameters" or rest in defaults(text)
            assert kind != "Steps" or rest in outputs
        outputs |= {
            f"{step['Name']}.ProcessingOutputConfig.Outputs['{each['OutputName']}'].S3Output.S3Uri"
            for each in step["Arguments"]["ProcessingOutputConfig"]["Outputs"]
        }


def test_every_s3_uri_is_below_the_projects_prefix(text):
    uris = re.findall(r's3://[^"]+', text)
    assert len(uris) > 5
    assert [uri for uri in uris if not uri.startswith("s3://artifacts/dzd_1/p1/dev/")] == []


def test_jobs_run_as_the_project_without_studios_tags(text):
    for step in json.loads(text)["Steps"]:
        assert [tag["Key"] for tag in step["Arguments"]["Tags"]] == ["sagemaker:project-name"]
        assert step["Arguments"]["RoleArn"] == ENVIRONMENT["SAGEMAKER_PIPELINE_ROLE_ARN"]
        assert step["Arguments"]["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}


def test_the_steps_run_scripts_that_are_uploaded(text):
    for step in json.loads(text)["Steps"]:
        script = step["Arguments"]["AppSpecification"]["ContainerEntrypoint"][1]
        assert script.removeprefix("/opt/ml/processing/code/") in CODE.files


def test_no_parameter_is_empty_and_the_packages_can_be_read_back(text):
    assert all(defaults(text).values())
    assert packages_of(text) == (f"{PACKAGES}/3", "")
    later = Deployed(f"{PACKAGES}/4", f"{PACKAGES}/3", IMAGE, MODEL.model_data, FOLDER)
    found = build(PROJECT, load(ROOT / "config.toml"), CODE, later)
    assert packages_of(found) == (f"{PACKAGES}/4", f"{PACKAGES}/3")
    assert packages_of('{"Version": "2020-12-01"}') == ("", "")


def test_the_trial_has_a_pipeline_and_a_place_of_its_own(text):
    trial = build(PROJECT, load(ROOT / "config.toml"), CODE, MODEL, TRIAL)
    assert "dev/pipeline/scoring-trial" in trial
    assert '"s3://artifacts/dzd_1/p1/dev/pipeline/scoring"' in text
    assert (pipeline_name("p1"), pipeline_name("p1", TRIAL)) == ("studio-p1-scoring", "studio-p1-scoring-trial")


@pytest.mark.parametrize(("workgroup", "told"), [("", {}), ("ours", {"ATHENA_WORKGROUP": "ours"})])
def test_a_table_takes_the_place_of_files(workgroup, told):
    configuration = load(ROOT / "config.toml")
    scoring = replace(configuration.scoring, table="glue_p1.rows", workgroup=workgroup)
    found = build(PROJECT, replace(configuration, scoring=scoring), CODE, MODEL)
    arguments = json.loads(found)["Steps"][0]["Arguments"]
    assert [each["InputName"] for each in arguments["ProcessingInputs"]] == ["code", "model", "baseline"]
    assert "InputDataUrl" not in defaults(found)
    facts = {key: value for key, value in arguments["Environment"].items() if isinstance(value, str)}
    assert facts == {
        "SCORING_TABLE": "glue_p1.rows",
        "REGION": "eu-west-1",
        "AMAZON_DATAZONE_DOMAIN": "dzd_1",
        "AMAZON_DATAZONE_PROJECT": "p1",
        **told,
    }
    assert table_of(found) == "glue_p1.rows"
    assert packages_of(found) == (f"{PACKAGES}/3", "")
    test_each_step_is_a_valid_request(found)
    test_what_a_step_gets_is_a_parameter_or_made_before(found)
    trial = build(PROJECT, replace(configuration, scoring=scoring), CODE, MODEL, TRIAL)
    assert table_of(trial) == ""
    assert "InputDataUrl" in defaults(trial)


def test_files_need_no_table(text):
    assert table_of(text) == ""
    assert "SCORING_TABLE" not in text
