"""What goes to S3: the code by its content, once; the sample data where there is none. Held to botocore's shapes."""

import io
import shutil
import tarfile

import pytest
from botocore.stub import ANY, Stubber
from example import ROOT, needs_samples
from project_facts import ENVIRONMENT

from pipelines import source_code, training_data
from pipelines.project import from_environment

boto3 = pytest.importorskip("boto3")
PROJECT = from_environment(ENVIRONMENT)
PREFIX = "dzd_1/p1/dev"


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
    code = source_code.collect(PROJECT, ROOT)
    folder = code.uri.removeprefix("s3://artifacts/")
    assert folder.startswith(f"{PREFIX}/code/")
    stub.add_response("list_objects_v2", listing(), {"Bucket": "artifacts", "Prefix": f"{folder}/"})
    for name in code.files:
        stub.add_response("put_object", {}, {"Bucket": "artifacts", "Key": f"{folder}/{name}", "Body": ANY})
    assert source_code.upload(PROJECT, code, client) == len(code.files)
    stub.add_response("list_objects_v2", listing(*(f"{folder}/{name}" for name in code.files)))
    assert source_code.upload(PROJECT, code, client) == 0


def test_other_code_is_another_place(tmp_path):
    before = source_code.collect(PROJECT, ROOT)
    assert source_code.collect(PROJECT, ROOT) == before
    shutil.copytree(ROOT / "source_scripts", tmp_path / "source_scripts")
    (tmp_path / "config.toml").write_text((ROOT / "config.toml").read_text() + "\n")
    assert source_code.collect(PROJECT, tmp_path).uri != before.uri


def test_the_training_archive_is_flat():
    """SageMaker's framework images run a module of this name at the archive's root."""
    content = source_code.collect(PROJECT, ROOT).files[source_code.ARCHIVE]
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == ["train.py"]


@needs_samples
def test_the_first_run_gets_the_sample_data(s3):
    client, stub = s3
    place = {"Bucket": "artifacts", "Prefix": f"{PREFIX}/data/", "MaxKeys": 1}
    stub.add_response("list_objects_v2", listing(), place)
    [sample] = (path.name for path in (ROOT / "data").glob("*.csv.gz"))
    stub.add_response("put_object", {}, {"Bucket": "artifacts", "Key": f"{PREFIX}/data/{sample}", "Body": ANY})
    uri, sentence = training_data.prepare(PROJECT, ROOT, client)
    assert uri == f"s3://artifacts/{PREFIX}/data/"
    assert f"was empty. The sample data of this repository ({sample}) is there now." in sentence
    stub.add_response("list_objects_v2", listing(f"{PREFIX}/data/mine.csv"), place)
    assert training_data.prepare(PROJECT, ROOT, client) == (uri, f"Training data: the files in {uri}.")


def test_without_files_and_sample_data_it_says_what_to_do(s3, tmp_path):
    client, stub = s3
    stub.add_response("list_objects_v2", listing())
    with pytest.raises(FileNotFoundError, match="Upload CSV files to s3://artifacts/"):
        training_data.prepare(PROJECT, tmp_path, client)
