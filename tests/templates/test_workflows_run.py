"""The templates' workflows, step by step as a runner does: first and second run, approval, deployment, rollback.

Files are in MiniStack's S3. The pipelines' definitions run with their own scripts, endpoints answer with the models.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.actions_secrets import DEPLOY_SECRETS, DEPLOY_VARIABLES, SECRETS, VARIABLES
from tests.synth.conftest import publish, synthesized, with_settings
from tests.synth.policies import allows
from tests.templates import aws_server, recorded
from tests.templates.aws_services import Services
from tests.templates.bedrock import CANDIDATE, Bedrock, name_models
from tests.templates.environments import NO_PYTHON, TEMPLATES, copied, environment, python
from tests.templates.runner import Run, Runner
from tests.templates.test_llm_evaluation import SETTINGS, asked_of_all

# Long: it uses the environments of the templates' locks (make tools), and trains.
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(2400),
    pytest.mark.shares("templates", seconds=90),
    pytest.mark.skipif(not python(), reason=NO_PYTHON),
]
ROLE = f"arn:aws:iam::{recorded.ACCOUNT}:role"
FACTS = {
    **recorded.FACTS,
    "SAGEMAKER_PROJECT_NAME": "ours",
    "SAGEMAKER_PROJECT_ID": "p1",
    "GLUE_DATABASE": "glue_p1",
    "GLUE_TABLE": "rows",
    "OIDC_ROLE_GITHUB_WORKFLOW": f"{ROLE}/WORKFLOW",
    "OIDC_ROLE_GITHUB_PRODUCTION": f"{ROLE}/PRODUCTION",
    "DEPLOY_ACCOUNT": recorded.ACCOUNT,
}
PREFIX = "dzd_1/p1/dev"
STAGING, PRODUCTION, SCORING = "studio-p1-staging", "studio-p1-production", "studio-p1-scoring"
PUT = "s3:PutObject"
TABLE = "glue_p1.rows"


@dataclass
class Project:
    """A project's two repositories as GitHub runs them, and the account that they use."""

    account: aws_server.Account
    build: Runner
    deploy: Runner

    def serves(self, stack: str) -> str:
        """Return the number of the model that a stage serves, "" if there is none."""
        return self.account.services.stacks.get(stack, {}).get("ModelPackageArn", "").rpartition("/")[2]

    def scores(self) -> str:
        """Return the number of the model that scores on the schedule, "" if there is none."""
        found = self.account.services.pipelines.get(SCORING)
        if not found:
            return ""
        defaults = {
            each["Name"]: each["DefaultValue"] for each in json.loads(found["PipelineDefinition"])["Parameters"]
        }
        return str(defaults["ModelPackageArn"].rpartition("/")[2])

    def approve(self, number: int) -> str:
        """Approve a model, as people do in Studio; return its ARN."""
        package = self.account.services.packages[number - 1]
        package["ModelApprovalStatus"] = "Approved"
        return str(package["ModelPackageArn"])

    def built(self) -> Run:
        """Run the build workflow by hand."""
        done = self.build.run("build_sm_pipeline.yml")
        assert done.jobs == {"pipeline": "success"}, done.log + self.logs()
        return done

    def logs(self) -> str:
        """Return what the executions' steps wrote."""
        return "\n".join(execution.log for execution, _ in self.account.services.executions.values())

    def wrote(self) -> list[str]:
        """Return what was put into S3 by the workflows since the calls were forgotten."""
        return [call.on for call in self.account.calls if call.action == PUT and call.caller != "PROJECT"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MiniStack for all tests here."""
    with aws_server.ministack_alone(tmp_path_factory.mktemp("ministack")) as address:
        yield address


@pytest.fixture
def project(request: pytest.FixtureRequest, address: str, tmp_path: Path) -> Iterator[Project]:
    """A project of a profile, in an account of its own."""
    build, deploy = (TEMPLATES / request.param / part for part in ("model_build", "model_deploy"))
    bucket = FACTS["ARTIFACT_BUCKET"]
    with (
        aws_server.emptied(address, bucket) as s3,
        aws_server.served(Services(s3, environment(build) / "bin/python", tmp_path / "aws"), bucket) as account,
    ):
        place = account.services.address
        yield Project(account, runner(build, tmp_path, place), runner(deploy, tmp_path, place))


def runner(part: Path, folder: Path, address: str) -> Runner:
    deploys = part.name == "model_deploy"
    secrets = {name: FACTS[name] for name in (DEPLOY_SECRETS if deploys else SECRETS) if name in FACTS}
    variables = {name: FACTS[name] for name in (DEPLOY_VARIABLES if deploys else VARIABLES) if name in FACTS}
    aws = {"AWS_ENDPOINT_URL": address, "AWS_EC2_METADATA_DISABLED": "true", "PYTHONDONTWRITEBYTECODE": "1"}
    checkout = copied(part, folder / part.name / "checkout")
    return Runner(
        checkout, environment(part) / "bin", secrets, {**variables, "TRIGGER_PIPELINE_EXECUTION": "false"}, aws
    )


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The product's template: with a role of production's own, and a model that projects may ask."""
    folder = tmp_path_factory.mktemp("product")
    publish(folder / "versions", "v1.0.0")
    return synthesized(folder / "versions", folder / "cdk.out", with_settings(folder, SETTINGS)).product


# What every project's role may look at: a list that IAM has no resource for, and what a profile of a model leads to.
OF_ALL = "foundation-model"
ROLES = {"WORKFLOW": "WorkflowRole", "PRODUCTION": "ProductionRole"}


def require_of_the_projects_roles_only(product: dict[str, Any], project: Project) -> set[str]:
    """Each call is one that its role may make, and another project's may not; return what IAM was asked for."""
    judged: set[str] = set()
    ours, others = recorded.project("p1"), recorded.project("p2")
    for call in dict.fromkeys(project.account.all_calls):
        if call.caller == "PROJECT":  # Studio's own role, which its pipelines' jobs have
            continue
        role = ROLES[call.caller]
        if call.operation == "ListModelPackages":
            assert allows(product, role, call.action, "*", names=ours)
            continue
        for action, arn, context in asked_of_all(call.service, call.operation, dict(call.given)):
            assert allows(product, role, action, arn, context=context, names=ours), (call, action, arn)
            if OF_ALL not in arn:
                assert not allows(product, role, action, arn, context=context, names=others), (call, action, arn)
            judged.add(action)
    return judged


def sample_of(runner: Runner, name: str) -> str:
    """Return the text of a file in data/."""
    content = (runner.checkout / "data" / name).read_bytes()
    return (gzip.decompress(content) if name.endswith(".gz") else content).decode()


def require_a_first_and_a_second_run(project: Project, sample: str) -> Run:
    """A push runs nothing; the first run, which is returned, brings the sample data; the second uploads nothing.

    Between them, the project gets its table, which the second one reads.
    """
    account = project.account
    assert project.build.run("build_sm_pipeline.yml", "push").jobs == {"pipeline": "skipped"}
    assert not account.calls
    first = project.built()
    assert "was empty. The sample" in first.log
    assert f"of this repository ({sample})" in first.log
    assert f"{PREFIX}/data/{sample}" in account.files()
    assert [key for key in account.files() if not key.startswith(f"{PREFIX}/")] == []
    assert {call.caller for call in account.calls} == {"WORKFLOW", "PROJECT"}
    account.calls.clear()
    account.services.workgroup, account.services.tables = "ours", {TABLE: sample_of(project.build, sample)}
    assert f"the table {TABLE}, read by Athena" not in project.logs()
    second = project.built()
    assert "Code: 0 files uploaded" in second.log
    assert project.wrote() == []
    assert f"the table {TABLE}, read by Athena" in project.logs()
    return first


METRICS = {"regression": ("rmse", "abalone.csv.gz"), "classification": ("auc", "credit.csv.gz")}


@pytest.mark.parametrize("project", METRICS, indirect=True)
def test_an_endpoint_from_the_first_run_to_production_and_back(
    project: Project, product: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    metric, sample = METRICS[request.node.callspec.params["project"]]
    first = require_a_first_and_a_second_run(project, sample)
    assert f"| {metric} | " in first.summary

    refused = project.deploy.run("deploy_model.yml", stage="production")
    assert refused.jobs == {"staging": "failure", "production": "skipped"}
    assert "has no approved model" in refused.log

    project.approve(1)
    project.account.calls.clear()
    deployed = project.deploy.run("deploy_model.yml", stage="production")
    assert deployed.jobs == {"staging": "success", "production": "success"}, deployed.log
    assert (project.serves(STAGING), project.serves(PRODUCTION)) == ("1", "1")
    changes = [call for call in project.account.calls if call.operation in ("CreateStack", "InvokeEndpoint")]
    assert {call.caller for call in changes if call.on == PRODUCTION} == {"PRODUCTION"}
    assert {call.caller for call in changes if call.on == STAGING} == {"WORKFLOW"}

    # An approval that starts the deployment ends at staging.
    approved = project.deploy.run("deploy_model.yml", "repository_dispatch", {"model_package_arn": project.approve(2)})
    assert approved.jobs == {"staging": "success", "production": "skipped"}, approved.log
    assert (project.serves(STAGING), project.serves(PRODUCTION)) == ("2", "1")
    assert project.deploy.run("deploy_model.yml", stage="production").jobs["production"] == "success"
    assert project.serves(PRODUCTION) == "2"

    back = project.deploy.run("rollback.yml", stage="production")
    assert back.jobs == {"staging": "skipped", "production": "success"}, back.log
    assert back.roles == {"production": FACTS["OIDC_ROLE_GITHUB_PRODUCTION"]}
    assert (project.serves(STAGING), project.serves(PRODUCTION)) == ("2", "1")

    project.account.services.wrong.add(project.approve(2))
    project.account.calls.clear()
    stopped = project.deploy.run("deploy_model.yml", stage="production")
    assert stopped.jobs == {"staging": "failure", "production": "skipped"}
    assert "; the evaluated model answered " in stopped.log
    assert "Not deployed to staging" in stopped.summary
    assert project.serves(PRODUCTION) == "1"
    assert [call for call in project.account.calls if call.on == PRODUCTION] == []
    judged = require_of_the_projects_roles_only(product, project)
    assert judged >= {"sagemaker:InvokeEndpoint", "cloudformation:UpdateStack", "iam:PassRole", PUT}


def put_rows_of_another_kind(project: Project) -> None:
    """Replace the rows to score by some whose duration_months are all alike."""
    rows = sample_of(project.deploy, "credits.csv.gz").splitlines()
    place = rows[0].split(",").index("duration_months")
    later = [rows[0], *(",".join([*row.split(",")[:place], "99", *row.split(",")[place + 1 :]]) for row in rows[1:])]
    project.account.services.s3.put_object(
        Bucket=project.account.bucket,
        Key=f"{PREFIX}/scoring/input/credits.csv.gz",
        Body=gzip.compress("\n".join(later).encode()),
    )


@pytest.mark.parametrize("project", ["batch"], indirect=True)
def test_rows_are_scored_on_a_schedule_after_a_trial(project: Project, product: dict[str, Any]) -> None:
    require_a_first_and_a_second_run(project, "credit.csv.gz")
    variables = dict(project.deploy.variables)
    unscored = project.deploy.run("score.yml")
    assert unscored.jobs == {"score": "failure"}
    assert "No model is deployed yet." in unscored.log

    project.approve(1)
    deployed = project.deploy.run("deploy_model.yml")
    assert deployed.jobs == {"deploy": "success"}, deployed.log + project.logs()
    assert "Smoke test: 20 known rows got the scores" in deployed.summary
    assert project.scores() == "1"

    first = project.deploy.run("score.yml")
    assert first.jobs == {"score": "success"}, first.log + project.logs()
    assert "The sample rows of this repository (credits.csv.gz) are there now." in first.log
    assert "No drift" in first.summary
    assert [
        key
        for key in project.account.files(f"{PREFIX}/pipeline/scoring/")
        if key.endswith("predictions/credits.csv.gz")
    ]

    # The schedule works once it is switched on. Rows of another kind: scored, and the run fails so that GitHub tells.
    assert project.deploy.run("score.yml", "schedule").jobs == {"score": "skipped"}
    project.deploy.variables = {**variables, "TRIGGER_PIPELINE_EXECUTION": "true"}
    put_rows_of_another_kind(project)
    project.account.calls.clear()
    drifted = project.deploy.run("score.yml", "schedule")
    assert drifted.jobs == {"score": "failure"}
    assert "These columns drifted: duration_months" in drifted.log
    assert "| duration_months | " in drifted.summary
    assert project.wrote() == []

    # The next deployment lets a table be scored. Until then its name in config.toml stops a run.
    config = project.deploy.checkout / "config.toml"
    config.write_text(config.read_text().replace('table = ""', f'table = "{TABLE}"'))
    early = project.deploy.run("score.yml")
    assert early.jobs == {"score": "failure"}
    assert "Run the workflow Deploy the model: a change takes effect then." in early.log
    second = project.approve(2)
    approved = project.deploy.run("deploy_model.yml", "repository_dispatch", {"model_package_arn": second})
    assert approved.jobs == {"deploy": "success"}, approved.log
    assert project.scores() == "2"
    of_table = project.deploy.run("score.yml")
    assert of_table.jobs == {"score": "success"}, of_table.log + project.logs()
    assert f"Rows: the table {TABLE}, read by Athena." in of_table.summary
    assert [key for key in project.account.files(f"{PREFIX}/pipeline/scoring/") if key.endswith(f"{TABLE}.csv")]
    back = project.deploy.run("rollback.yml")
    assert back.jobs == {"deploy": "success"}, back.log
    assert project.scores() == "1"

    _forge_known_rows(project, 2)
    stopped = project.deploy.run("deploy_model.yml", model_package_arn=second)
    assert stopped.jobs == {"deploy": "failure"}
    assert "Known row 1 got the score" in stopped.log
    assert "Not deployed" in stopped.summary
    assert project.scores() == "1"
    judged = require_of_the_projects_roles_only(product, project)
    assert judged >= {"sagemaker:DescribePipeline", "sagemaker:UpdatePipeline", "iam:PassRole", PUT}


def _forge_known_rows(project: Project, number: int) -> None:
    """Let a model's known rows have other answers than it gives."""
    package = project.account.services.packages[number - 1]
    metrics = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    key = metrics.removeprefix(f"s3://{project.account.bucket}/").replace("evaluation.json", "smoke.json")
    s3 = project.account.services.s3
    known = json.loads(s3.get_object(Bucket=project.account.bucket, Key=key)["Body"].read())
    known["predictions"][0] += 0.5
    s3.put_object(Bucket=project.account.bucket, Key=key, Body=json.dumps(known).encode())


@pytest.mark.parametrize("project", ["llm-evaluation"], indirect=True)
def test_a_configuration_is_evaluated_and_used(project: Project, product: dict[str, Any]) -> None:
    unnamed = project.build.run("build_sm_pipeline.yml")
    assert unnamed.jobs == {"pipeline": "failure"}
    assert "model_id" in unnamed.log
    bedrock = Bedrock(project.build.checkout)
    project.account.services.converse = bedrock.converse
    name_models(project.build.checkout)
    project.account.calls.clear()
    require_a_first_and_a_second_run(project, "prompts.csv")

    project.approve(1)
    deployed = project.deploy.run("deploy_model.yml", stage="production")
    assert deployed.jobs == {"staging": "success", "production": "success"}, deployed.log
    assert (project.serves(STAGING), project.serves(PRODUCTION)) == ("1", "1")
    asked = [call for call in project.account.calls if call.operation == "Converse" and call.caller != "PROJECT"]
    assert {(call.caller, call.on) for call in asked} == {("WORKFLOW", CANDIDATE), ("PRODUCTION", CANDIDATE)}
    approved = project.deploy.run("deploy_model.yml", "repository_dispatch", {"model_package_arn": project.approve(2)})
    assert approved.jobs == {"staging": "success", "production": "skipped"}, approved.log
    assert project.deploy.run("deploy_model.yml", stage="production").jobs["production"] == "success"
    assert (project.serves(STAGING), project.serves(PRODUCTION)) == ("2", "2")
    back = project.deploy.run("rollback.yml", stage="production")
    assert back.jobs == {"staging": "skipped", "production": "success"}, back.log
    assert (project.serves(STAGING), project.serves(PRODUCTION)) == ("2", "1")

    bedrock.kind = "bad"
    project.account.calls.clear()
    stopped = project.deploy.run("deploy_model.yml", stage="production")
    assert stopped.jobs == {"staging": "failure", "production": "skipped"}
    assert "known prompts as the evaluated one did" in stopped.log
    assert [call for call in project.account.calls if call.operation in ("CreateStack", "UpdateStack")] == []
    judged = require_of_the_projects_roles_only(product, project)
    assert judged >= {"bedrock:InvokeModel", "cloudformation:UpdateStack", "iam:PassRole", PUT}
