"""A launch, through the command line: what is in the repositories afterwards, and what it took."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.actions_secrets import DEPLOY_SECRETS, DEPLOY_VARIABLES, SECRETS, VARIABLES
from tests.e2e.command_line import CommandLine, Observer, Tree, tree
from tests.e2e.forks import SOURCE

pytestmark = [pytest.mark.slow, pytest.mark.shares("the command line", seconds=75)]
PARTS = ("build", "deploy")
# Studio tells the tracking server to members of the project only, which the functions are not.
TOLD = SECRETS - {"MLFLOW_TRACKING_URI"}
TRACKING_SERVER = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/ours"


def published(version: str, part: str) -> Tree:
    """Read a published version's archive, independently of the product's own reader."""
    prefix = f"regression/model_{part}/"
    with zipfile.ZipFile(SOURCE / "products" / "versions" / version / "archive.zip") as archive:
        return {
            entry.filename.removeprefix(prefix): (f"{entry.external_attr >> 16:o}", archive.read(entry))
            for entry in archive.infolist()
            if entry.filename.startswith(prefix)
        }


@pytest.fixture(scope="module")
def launched(cli: CommandLine) -> dict[str, Any]:
    return cli.done("launch", "first", "--profile", "regression", "--version", "v1.0.0")


def test_a_launch_reports_what_scripts_need(launched: dict[str, Any], seen: Observer) -> None:
    assert launched["status"] == "CREATE_COMPLETE"
    assert launched["profile"] == "regression"
    assert launched["version"] == "v1.0.0"
    assert launched["seconds"] > 0
    for part in PARTS:
        repository = launched["repositories"][part]
        name = f"first-{part}"
        assert repository["name"] == name
        assert repository["url"] == f"{seen.github_url}/{seen.organization}/{name}"
        assert repository["template_version"] == "v1.0.0"
        assert repository["status"] == "seeded"
        assert launched["outputs"][f"{part.title()}RepositoryUrl"] == repository["url"]
        assert seen.repository(name)["id"] == int(repository["id"])


@pytest.mark.parametrize("part", PARTS)
def test_a_repository_holds_the_template_byte_for_byte(
    launched: dict[str, Any], seen: Observer, tmp_path: Path, part: str
) -> None:
    repository = launched["repositories"][part]
    mirror = seen.mirror(repository["name"], tmp_path / "mirror")

    main = seen.git(mirror, "rev-parse", "refs/heads/main").strip()
    lineage = seen.git(mirror, "rev-parse", "refs/studio/template").strip()
    content = tree(mirror, main)

    assert main == repository["commit"]
    assert content == published("v1.0.0", part)
    assert "100755" in {mode for mode, _ in content.values()}
    assert tree(mirror, lineage) == content
    message = seen.git(mirror, "log", "-1", "--format=%B", lineage)
    for trailer in (
        f"Studio-Project: {launched['project_id']}",
        f"Studio-Domain: {launched['domain_id']}",
        "Studio-Version: v1.0.0",
    ):
        assert trailer in message


def test_project_json_is_at_the_projects_prefix(launched: dict[str, Any], seen: Observer) -> None:
    bucket, _, prefix = _tooling(seen, launched)["s3BucketPath"].removeprefix("s3://").partition("/")
    found = seen.client("s3").get_object(Bucket=bucket, Key=f"{prefix}/project.json")["Body"].read()
    secrets = seen.repository(launched["repositories"]["build"]["name"])["secrets"]
    facts = json.loads(found)
    assert {name: facts.get(name) for name in TOLD - {"OIDC_ROLE_GITHUB_WORKFLOW"}} == {
        name: secrets[name] for name in TOLD - {"OIDC_ROLE_GITHUB_WORKFLOW"}
    }


@pytest.mark.parametrize("part", PARTS)
def test_its_secrets_and_variables_are_the_projects(launched: dict[str, Any], seen: Observer, part: str) -> None:
    there = seen.repository(launched["repositories"][part]["name"])
    secrets, project = there["secrets"], launched["project_id"]
    names = TOLD | (DEPLOY_SECRETS - SECRETS if part == "deploy" else set())
    tooling = _tooling(seen, launched)

    assert set(secrets) == names
    # Only members of the project are told the workgroup.
    facts = {"TRIGGER_PIPELINE_EXECUTION": "false", **secrets}
    plain = (DEPLOY_VARIABLES if part == "deploy" else VARIABLES) - {"ATHENA_WORKGROUP"}
    assert there["variables"] == {name: facts[name] for name in plain}
    assert secrets["SAGEMAKER_PIPELINE_ROLE_ARN"] == tooling["userRoleArn"]
    assert secrets["ARTIFACT_BUCKET"] == tooling["s3BucketPath"].removeprefix("s3://").split("/")[0]
    sagemaker = seen.client("sagemaker", at_stand_in=True)
    domains = {domain["DomainId"]: domain["DomainArn"] for domain in sagemaker.list_domains()["Domains"]}
    assert secrets["SAGEMAKER_DOMAIN_ARN"] == domains[tooling["sageMakerDomainId"]]
    assert secrets["SAGEMAKER_SPACE_ARN"].startswith(
        secrets["SAGEMAKER_DOMAIN_ARN"].replace(":domain/", ":space/") + "/"
    )
    assert secrets["OIDC_ROLE_GITHUB_WORKFLOW"] == launched["outputs"]["WorkflowRoleArn"]
    if part == "deploy":
        assert secrets["OIDC_ROLE_GITHUB_PRODUCTION"] == launched["outputs"]["ProductionRoleArn"]
    assert secrets["SAGEMAKER_PROJECT_NAME"] == "first"
    assert secrets["SAGEMAKER_PROJECT_ID"] == secrets["AMAZON_DATAZONE_PROJECT"] == project
    assert secrets["AMAZON_DATAZONE_DOMAIN"] == launched["domain_id"]
    assert secrets["AMAZON_DATAZONE_SCOPENAME"] == "dev"
    assert secrets["REGION"] == "us-east-1"
    assert secrets["MODEL_PACKAGE_GROUP_NAME"] == f"aiops-{project}-models"
    assert secrets["GLUE_DATABASE"] == "glue_db"
    assert secrets["GLUE_TABLE"] == "abalone"
    assert secrets.get("DEPLOY_ACCOUNT", "123456789012") == "123456789012"


def _tooling(seen: Observer, launched: dict[str, Any]) -> dict[str, str]:
    datazone = seen.client("datazone", at_stand_in=True)
    where = {"domainIdentifier": launched["domain_id"]}
    environments = datazone.list_environments(**where, projectIdentifier=launched["project_id"])["items"]
    tooling = next(environment for environment in environments if environment["name"] == "Tooling")
    resources = datazone.get_environment(**where, identifier=tooling["id"])["provisionedResources"]
    return {resource["name"]: resource["value"] for resource in resources}


def test_it_takes_at_most_61_requests_and_3_git_requests_a_repository(launched: dict[str, Any]) -> None:
    requests = launched["requests"]
    assert requests["total"] <= 45 + 8 + 8, "of these, eight for the environments and eight for plain facts"
    assert requests["total"] == requests["rest"] + sum(requests["git"].values())
    assert len(requests["git"]) == 2
    assert all(count <= 3 for count in requests["git"].values())


def test_its_functions_stay_below_256_mb(launched: dict[str, Any], cli: CommandLine) -> None:
    peaks = cli.done("status")["peak_memory_mb"]
    assert {"studio-mlops-repository-template", "studio-mlops-actions-configuration"} <= set(peaks)
    assert max(peaks.values()) < 256, peaks


def test_a_name_in_use_is_refused(launched: dict[str, Any], cli: CommandLine) -> None:
    assert "already launched" in cli.refused("launch", "first")
    assert cli.done("status", "first")["status"] == "CREATE_COMPLETE"


def test_terminate_archives_and_a_new_launch_restores(cli: CommandLine, seen: Observer, tmp_path: Path) -> None:
    launched = cli.done("launch", "again", "--profile", "regression", "--version", "v1.0.0")
    names = {part: launched["repositories"][part]["name"] for part in PARTS}
    clone = seen.clone(names["build"], tmp_path / "clone")
    (clone / "mine.txt").write_text("a user's file\n")
    seen.git(clone, "add", "--all")
    seen.git(clone, "commit", "--quiet", "-m", "Mine")
    seen.git(clone, "push", "--quiet")

    terminated = cli.done("terminate", "again")

    assert terminated["status"] == "DELETE_COMPLETE"
    assert len(terminated["repositories"]) == 2
    assert all(state["archived"] for state in terminated["repositories"].values())
    assert all(seen.repository(name)["archived"] for name in names.values())
    assert "no project again" in cli.refused("terminate", "again")

    restored = cli.done("launch", "again", "--profile", "regression", "--version", "v1.0.0")

    for part, name in names.items():
        assert restored["repositories"][part]["id"] == launched["repositories"][part]["id"]
        assert restored["repositories"][part]["status"] == "unchanged"
        there = seen.repository(name)
        assert not there["archived"]
        assert set(there["secrets"]) >= TOLD
    mirror = seen.mirror(names["build"], tmp_path / "mirror")
    content = tree(mirror, "refs/heads/main")
    assert content.pop("mine.txt") == ("100644", b"a user's file\n")
    assert content == published("v1.0.0", "build")


def test_organization_names_and_parameters_can_be_chosen(cli: CommandLine, seen: Observer) -> None:
    seen.control("POST", "organizations", {"login": "elsewhere"})
    launched = cli.done(
        "launch",
        "chosen",
        "--version",
        "v1.0.0",
        "--organization",
        "elsewhere",
        "--build-repository",
        "our-build",
        "--deploy-repository",
        "our-deploy",
        "--parameter",
        "GlueTable=penguins",
        "--parameter",
        f"MlflowTrackingUri={TRACKING_SERVER}",
        "--parameter",
        "TriggerPipelineExecution=true",
    )
    assert launched["repositories"]["build"]["name"] == "our-build"
    assert launched["repositories"]["deploy"]["name"] == "our-deploy"
    there = seen.control("GET", "repositories/elsewhere/our-build")
    assert there["secrets"]["GLUE_TABLE"] == "penguins"
    assert there["secrets"]["MLFLOW_TRACKING_URI"] == TRACKING_SERVER
    assert there["variables"]["TRIGGER_PIPELINE_EXECUTION"] == "true"
    assert there["variables"]["GLUE_TABLE"] == "penguins"
    assert seen.api("GET", "repos/elsewhere/our-build").json()["private"] is True

    archived = {"elsewhere/our-build": {"archived": True}, "elsewhere/our-deploy": {"archived": True}}
    assert cli.done("terminate", "chosen")["repositories"] == archived
