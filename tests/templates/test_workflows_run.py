"""The regression template's workflows, step by step as a runner does: first run, approval, deployment, rollback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.actions_secrets import DEPLOY_SECRETS, DEPLOY_VARIABLES, SECRETS, VARIABLES
from tests.synth.conftest import publish, synthesized
from tests.synth.policies import Names, allows
from tests.templates.aws_services import ACCOUNT, REGION, Call, Services, serve
from tests.templates.environments import NO_PYTHON, TEMPLATES, copied, environment, python
from tests.templates.runner import Run, Runner

# Long: it uses the environments of the templates' locks (make tools).
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.shares("templates", seconds=90),
    pytest.mark.skipif(not python(), reason=NO_PYTHON),
]
BUCKET = f"amazon-sagemaker-{ACCOUNT}-{REGION}-1"
PREFIX = "dzd-1/p1/dev"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
FACTS = {
    "REGION": REGION,
    "SAGEMAKER_PIPELINE_ROLE_ARN": f"{ROLE}/datazone_usr_role_p1_e1",
    "SAGEMAKER_PROJECT_NAME": "rings",
    "SAGEMAKER_PROJECT_ID": "p1",
    "AMAZON_DATAZONE_DOMAIN": "dzd-1",
    "AMAZON_DATAZONE_PROJECT": "p1",
    "AMAZON_DATAZONE_SCOPENAME": "dev",
    "ARTIFACT_BUCKET": BUCKET,
    "MODEL_PACKAGE_GROUP_NAME": "aiops-p1-models",
    "GLUE_DATABASE": "glue_db",
    "GLUE_TABLE": "abalone",
    "OIDC_ROLE_GITHUB_WORKFLOW": f"{ROLE}/WORKFLOW",
    "OIDC_ROLE_GITHUB_PRODUCTION": f"{ROLE}/PRODUCTION",
    "DEPLOY_ACCOUNT": ACCOUNT,
}
STAGING, PRODUCTION = "studio-p1-staging", "studio-p1-production"


@dataclass
class Repositories:
    """A project's two repositories as GitHub runs them, and the account that they use."""

    services: Services
    build: Runner
    deploy: Runner

    def serves(self, stack: str) -> str:
        """Return the number of the model that a stage serves, "" if there is none."""
        return self.services.stacks.get(stack, {}).get("ModelPackageArn", "").rpartition("/")[2]

    def approve(self) -> None:
        """Approve the newest model, as people do in Studio."""
        self.services.packages[-1]["ModelApprovalStatus"] = "Approved"

    def built(self) -> Run:
        """Run the build workflow by hand."""
        return self.build.run("build_sm_pipeline.yml")


def runner(part: str, folder: Path, address: str) -> Runner:
    source = TEMPLATES / "regression" / part
    deploys = part == "model_deploy"
    secrets = {name: FACTS[name] for name in (DEPLOY_SECRETS if deploys else SECRETS) if name in FACTS}
    variables = {name: FACTS[name] for name in (DEPLOY_VARIABLES if deploys else VARIABLES) if name in FACTS}
    aws = {"AWS_ENDPOINT_URL": address, "AWS_EC2_METADATA_DISABLED": "true", "PYTHONDONTWRITEBYTECODE": "1"}
    checkout = copied(source, folder / part / "checkout")
    return Runner(
        checkout, environment(source) / "bin", secrets, {**variables, "TRIGGER_PIPELINE_EXECUTION": "false"}, aws
    )


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Repositories]:
    services = Services(f"{BUCKET}/{PREFIX}/pipeline/regression/EXECUTION/evaluation")
    address, server = serve(services)
    yield Repositories(services, *(runner(part, tmp_path, address) for part in ("model_build", "model_deploy")))
    server.shutdown()
    server.server_close()


NAMES = Names(
    values={
        "DomainId": "dzd-1",
        "ProjectId": "p1",
        "StudioProject.ScopeName": "dev",
        "StudioProject.ArtifactBucket": BUCKET,
        "StudioProject.ArtifactPrefix": PREFIX,
        "StudioProject.ModelPackageGroupName": "aiops-p1-models",
    },
    account=ACCOUNT,
    region=REGION,
)
# What carries the project's tag, by the operation: what it is on.
TAGGED = {
    "CreatePipeline": "pipeline",
    "UpdatePipeline": "pipeline",
    "StartPipelineExecution": "pipeline",
    "InvokeEndpoint": "endpoint",
}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The product's template, with a role of production's own."""
    folder = tmp_path_factory.mktemp("product")
    publish(folder / "versions", "v1.0.0")
    return synthesized(folder / "versions", folder / "cdk.out").product


def asked(call: Call, project: str) -> tuple[str, dict[str, str]]:
    """Return the ARN and the condition keys of a call, on another project's where `project` is not p1."""
    service, _, operation = call.operation.partition(":")
    on, tag = call.on.replace("p1", project), {}
    if operation in TAGGED or "arn" not in on:
        kind = "request" if operation.startswith("Create") else "resource"
        tag = {f"aws:{kind}tag/amazondatazoneproject": project}
        if on.endswith("production"):
            tag |= {f"aws:{kind}tag/studio:stage": "production"}
    if service == "s3":
        bucket, _, prefix = on.partition("/")
        place = bucket if operation == "ListBucket" else on
        return f"arn:aws:s3:::{place}", {"s3:resourceaccount": ACCOUNT, "s3:prefix": prefix}
    if service == "cloudformation":
        return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{on}/1", {}
    if operation in TAGGED:
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{TAGGED[operation]}/{on}", tag
    return on, {"aws:resourcetag/amazondatazoneproject": project}


def require_of_the_projects_roles_only(product: dict[str, Any], calls: set[Call]) -> None:
    """Each call is one that its role may make, and may not make on another project's."""
    judged = 0
    for call in sorted(calls, key=str):
        if call.operation in ("sts:GetCallerIdentity", "sagemaker:ListModelPackages"):  # IAM has no resource for them
            continue
        role = {"WORKFLOW": "WorkflowRole", "PRODUCTION": "ProductionRole"}[call.caller]
        for project, expected in (("p1", True), ("p2", False)):
            arn, context = asked(call, project)
            assert allows(product, role, call.operation, arn, context=context, names=NAMES) == expected, (call, arn)
        judged += 1
    assert judged > 15


def test_from_the_first_run_to_production_and_back(project: Repositories, product: dict[str, Any]) -> None:
    services = project.services
    assert project.build.run("build_sm_pipeline.yml", "push").jobs == {"pipeline": "skipped"}
    assert not services.calls

    first = project.built()
    assert first.jobs == {"pipeline": "success"}, first.log
    assert "The sample data of this repository (abalone.csv.gz) is there now." in first.log
    assert "| rmse | 2.2 |" in first.summary
    assert f"{BUCKET}/{PREFIX}/data/abalone.csv.gz" in services.objects
    assert [key for key in services.objects if not key.startswith(f"{BUCKET}/{PREFIX}/")] == []
    assert {call.caller for call in services.calls} == {"WORKFLOW"}

    services.calls.clear()
    second = project.built()
    assert second.jobs == {"pipeline": "success"}, second.log
    assert "Code: 0 files uploaded" in second.log
    assert [call for call in services.calls if call.operation == "s3:PutObject"] == []

    refused = project.deploy.run("deploy_model.yml", stage="production")
    assert refused.jobs == {"staging": "failure", "production": "skipped"}
    assert "has no approved model" in refused.log

    project.approve()
    services.calls.clear()
    deployed = project.deploy.run("deploy_model.yml", stage="production")
    assert deployed.jobs == {"staging": "success", "production": "success"}, deployed.log
    assert (project.serves(STAGING), project.serves(PRODUCTION)) == ("2", "2")
    assert {call.caller for call in services.calls if call.on == PRODUCTION} == {"PRODUCTION"}
    assert {
        call.caller
        for call in services.calls
        if call.on == STAGING and call.operation != "cloudformation:DescribeStacks"
    } == {"WORKFLOW"}

    project.built()
    project.approve()
    assert project.deploy.run("deploy_model.yml").jobs == {"staging": "success", "production": "skipped"}
    assert (project.serves(STAGING), project.serves(PRODUCTION)) == ("3", "2")
    assert project.deploy.run("deploy_model.yml", stage="production").jobs["production"] == "success"
    assert project.serves(PRODUCTION) == "3"

    back = project.deploy.run("rollback.yml", stage="production")
    assert back.jobs == {"staging": "skipped", "production": "success"}, back.log
    assert back.roles == {"production": FACTS["OIDC_ROLE_GITHUB_PRODUCTION"]}
    assert (project.serves(STAGING), project.serves(PRODUCTION)) == ("3", "2")
    require_of_the_projects_roles_only(product, services.all_calls)


def test_a_failed_smoke_test_stops_before_production(project: Repositories) -> None:
    project.built()
    project.approve()
    assert project.deploy.run("deploy_model.yml", stage="production").jobs["production"] == "success"
    project.built()
    project.approve()
    project.services.wrong.add(project.services.packages[-1]["ModelPackageArn"])
    project.services.calls.clear()
    done = project.deploy.run("deploy_model.yml", stage="production")
    assert done.jobs == {"staging": "failure", "production": "skipped"}
    assert "the evaluated model answered 9.5" in done.log
    assert "Not deployed to staging" in done.summary
    assert project.serves(PRODUCTION) == "1"
    assert [call for call in project.services.calls if call.on == PRODUCTION] == []
