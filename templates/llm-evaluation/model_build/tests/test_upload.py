"""What goes to S3: the code by its content, once; the sample data where there is none. Held to botocore's shapes."""

import io
import json
import shutil
from dataclasses import replace

import pytest
from botocore.stub import ANY, Stubber
from example import ROOT, needs_samples
from project_facts import ENVIRONMENT

from pipelines import cost, evaluation_data, source_code
from pipelines.configuration import load
from pipelines.project import from_environment

boto3 = pytest.importorskip("boto3")
PROJECT = from_environment(ENVIRONMENT)
PREFIX = "dzd_1/p1/dev"
CONFIGURATION = load(ROOT / "config.toml")


@pytest.fixture
def s3():
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="key", aws_secret_access_key="secret")
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def listing(*keys):
    return {"KeyCount": len(keys), "Contents": [{"Key": key} for key in keys]}


def test_code_is_uploaded_once(s3):
    client, stub = s3
    code = source_code.collect(PROJECT, ROOT, CONFIGURATION)
    folder = code.uri.removeprefix("s3://artifacts/")
    assert folder.startswith(f"{PREFIX}/code/")
    stub.add_response("list_objects_v2", listing(), {"Bucket": "artifacts", "Prefix": f"{folder}/"})
    for name in code.files:
        stub.add_response("put_object", {}, {"Bucket": "artifacts", "Key": f"{folder}/{name}", "Body": ANY})
    assert source_code.upload(PROJECT, code, client) == len(code.files)
    stub.add_response("list_objects_v2", listing(*(f"{folder}/{name}" for name in code.files)))
    assert source_code.upload(PROJECT, code, client) == 0


def test_other_code_is_another_place(tmp_path):
    before = source_code.collect(PROJECT, ROOT, CONFIGURATION)
    assert source_code.collect(PROJECT, ROOT, CONFIGURATION) == before
    shutil.copytree(ROOT / "source_scripts", tmp_path / "source_scripts")
    (tmp_path / "config.toml").write_text((ROOT / "config.toml").read_text() + "\n")
    assert source_code.collect(PROJECT, tmp_path, CONFIGURATION).uri != before.uri


def test_what_is_deployed_lies_beside_the_code_and_is_known_by_its_hash():
    code = source_code.collect(PROJECT, ROOT, CONFIGURATION)
    released = json.loads(code.files["configuration.json"])
    assert set(released) == {"format", "inference", "model_id", "system", "template"}
    assert code.released_uri == f"{code.uri}/configuration.json"
    raw = {**CONFIGURATION.raw, "candidate": {**CONFIGURATION.raw["candidate"], "model_id": "other"}}
    other = source_code.collect(PROJECT, ROOT, replace(CONFIGURATION, raw=raw))
    assert other.released_digest != code.released_digest
    assert other.uri != code.uri


@needs_samples
def test_the_first_run_gets_the_sample_data(s3):
    client, stub = s3
    place = {"Bucket": "artifacts", "Prefix": f"{PREFIX}/data/", "MaxKeys": 1}
    stub.add_response("list_objects_v2", listing(), place)
    stub.add_response("put_object", {}, {"Bucket": "artifacts", "Key": f"{PREFIX}/data/prompts.csv", "Body": ANY})
    uri, sentence = evaluation_data.prepare(PROJECT, ROOT, client)
    assert uri == f"s3://artifacts/{PREFIX}/data/"
    assert "was empty. The sample prompts of this repository (prompts.csv) are there now." in sentence
    stub.add_response("list_objects_v2", listing(f"{PREFIX}/data/mine.csv"), place)
    assert evaluation_data.prepare(PROJECT, ROOT, client) == (uri, f"Prompts: the files in {uri}.")


def served(stub, content):
    """The folder holds one file."""
    keys = {"Contents": [{"Key": f"{PREFIX}/data/mine.csv"}, {"Key": f"{PREFIX}/data/notes.txt"}]}
    stub.add_response("list_objects_v2", keys, {"Bucket": "artifacts", "Prefix": f"{PREFIX}/data/"})
    stub.add_response(
        "get_object", {"Body": io.BytesIO(content)}, {"Bucket": "artifacts", "Key": f"{PREFIX}/data/mine.csv"}
    )


@needs_samples
def test_the_cost_of_files_is_said_before_the_start(s3):
    client, stub = s3
    served(stub, (ROOT / "data" / "prompts.csv").read_bytes())
    sentence = cost.before_start(PROJECT, CONFIGURATION, f"s3://artifacts/{PREFIX}/data/", client)
    assert sentence.startswith("Cost: 48 prompts, 48 calls of the candidate and 144 of the judge, at most about ")


@needs_samples
def test_files_that_cost_too_much_or_have_no_prompts_start_nothing(s3):
    client, stub = s3
    served(stub, (ROOT / "data" / "prompts.csv").read_bytes())
    poor = replace(CONFIGURATION, limits=replace(CONFIGURATION.limits, tokens=1000))
    with pytest.raises(cost.TooExpensive, match=r"limits\.tokens is 1,000: nothing was asked"):
        cost.before_start(PROJECT, poor, f"s3://artifacts/{PREFIX}/data/", client)
    served(stub, b"id,question\n1,Why?\n")
    with pytest.raises(cost.TooExpensive, match="has no column kind, prompt, expected, context, facts"):
        cost.before_start(PROJECT, CONFIGURATION, f"s3://artifacts/{PREFIX}/data/", client)


LATER = "The preprocess step estimates the cost, and stops above limits.tokens before a model is asked."
TABLE = from_environment({**ENVIRONMENT, "GLUE_DATABASE": "d", "GLUE_TABLE": "t"})


def test_what_only_the_project_may_read_is_estimated_by_the_step(s3):
    only = replace(CONFIGURATION, data=replace(CONFIGURATION.data, source="table"))
    assert cost.before_start(TABLE, only, f"s3://artifacts/{PREFIX}/data/", s3[0]) == LATER
    assert cost.before_start(PROJECT, CONFIGURATION, "s3://elsewhere/data/", s3[0]) == LATER


@needs_samples
def test_files_are_estimated_though_there_may_be_a_table(s3):
    """Launches name a table in any case. Whether there is one, the step finds out."""
    client, stub = s3
    served(stub, (ROOT / "data" / "prompts.csv").read_bytes())
    sentence = cost.before_start(TABLE, CONFIGURATION, f"s3://artifacts/{PREFIX}/data/", client)
    assert sentence.startswith("Cost: 48 prompts")
    assert sentence.endswith(f"For the project's table, if it exists: {LATER}")
    served(stub, b"id,question\n1,Why?\n")
    assert cost.before_start(TABLE, CONFIGURATION, f"s3://artifacts/{PREFIX}/data/", client) == LATER


def test_without_files_and_sample_data_it_says_what_to_do(s3, tmp_path):
    client, stub = s3
    stub.add_response("list_objects_v2", listing())
    with pytest.raises(FileNotFoundError, match="Upload CSV files to s3://artifacts/"):
        evaluation_data.prepare(PROJECT, tmp_path, client)
