"""The project's facts."""

import json

import pytest
from project_facts import ENVIRONMENT

from pipelines.project import MissingSetting, facts_of, file_of_space, from_environment


def test_missing_settings_are_named():
    with pytest.raises(MissingSetting, match="ARTIFACT_BUCKET"):
        from_environment({**ENVIRONMENT, "ARTIFACT_BUCKET": ""})


def test_files_are_below_the_projects_own_prefix():
    assert from_environment(ENVIRONMENT).uri("data") == "s3://artifacts/dzd_1/p1/dev/data"
    given = from_environment({**ENVIRONMENT, "ARTIFACT_BUCKET": "s3://artifacts/own/place"})
    assert given.uri("data") == "s3://artifacts/own/place/data"


def test_jobs_carry_none_of_studios_own_tags():
    """The project's role creates them, and cannot set tags that begin so. The pipeline's tags are the workflow's."""
    project = from_environment({**ENVIRONMENT, "SAGEMAKER_PROJECT_NAME": "churn"})
    assert dict(project.job_tags) == {"sagemaker:project-name": "churn"}
    assert dict(project.tags)["AmazonDataZoneProject"] == "p1"


def test_a_table_has_a_database_and_a_name():
    assert not from_environment({**ENVIRONMENT, "GLUE_DATABASE": "db"}).names_table
    assert from_environment({**ENVIRONMENT, "GLUE_DATABASE": "db", "GLUE_TABLE": "abalone"}).names_table


def test_a_space_knows_where_its_project_json_is(tmp_path):
    metadata = tmp_path / "resource-metadata.json"
    assert file_of_space(metadata) == ""
    metadata.write_text(json.dumps({"AppType": "JupyterLab"}))
    assert file_of_space(metadata) == ""
    told = {"AdditionalMetadata": {"DataZoneProjectId": "p1", "ProjectS3Path": "s3://artifacts/dzd_1/p1/dev/"}}
    metadata.write_text(json.dumps(told))
    assert file_of_space(metadata) == "s3://artifacts/dzd_1/p1/dev/project.json"


def test_project_json_has_the_same_names():
    assert from_environment(facts_of(json.dumps(ENVIRONMENT))) == from_environment(ENVIRONMENT)
    for text in ("no", "[]", '{"REGION": 1}'):
        with pytest.raises(MissingSetting, match="project file"):
            facts_of(text)
