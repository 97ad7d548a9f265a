"""What the shipped template writes and its workflow role allows, both from what a launch says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from custom_resources.clients import FunctionClients
from custom_resources.clients.studio import Project, Tooling
from custom_resources.reconciler import Request
from custom_resources.studio_project import Observed, StudioProject, StudioProjectProperties, _classic_project
from products.errors import TrustPolicyTooLong
from products.settings import PROJECT_ROOT, Settings
from products.workflow_role import _require_short_trust
from tests.synth.conftest import Assembly, of_type, publish, synthesized, with_settings
from tests.synth.policies import ACCOUNT, REGION, Names, allows
from tests.template_code import template_code

STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/SC-{ACCOUNT}-pp-1/1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_p1_e1"
STUDIOS_BUCKET = f"amazon-sagemaker-{ACCOUNT}-{REGION}-dzd-1"


@dataclass(frozen=True)
class Launch:
    """A launch's parameters, and Studio's location of the project ("" in classic, which has none to tell)."""

    domain: str
    project: str
    scope: str
    location: str = ""

    def names(self) -> Names:
        """Return what the product's references stand for, with what Custom::StudioProject really tells."""
        properties = StudioProjectProperties(
            domain_id=self.domain, project_id=self.project, profile_name="regression", scope_name=self.scope
        )
        found = (
            Project("churn", Tooling(ready=True), roles=(ROLE,), artifact_location=self.location)
            if self.location
            else _classic_project(properties, STACK)
        )
        request = Request("Create", properties, None, "", STACK, "StudioProject")
        told = StudioProject(FunctionClients({})).plan(request, Observed(found)).attributes
        values = {f"StudioProject.{name}": value for name, value in told.items()}
        return Names(values={**values, "DomainId": self.domain, "ProjectId": self.project, "ScopeName": self.scope})


LAUNCHES = {
    "studio": Launch("dzd-1", "p1", "dev", f"s3://{STUDIOS_BUCKET}/dzd-1/p1/dev"),
    "studio, another scope": Launch("dzd-1", "p1", "prod", f"s3://{STUDIOS_BUCKET}/dzd-1/p1/dev"),
    "studio, a place of its own": Launch("dzd-1", "p1", "dev", f"s3://{STUDIOS_BUCKET}/teams/dzd-1/p1/dev"),
    "classic": Launch("classic", "p-abc123", "dev"),
    "classic, another scope": Launch("classic", "p-abc123", "prod"),
}


def written(template: dict[str, Any], names: Names) -> str:
    """Return the S3 URI of a file that the template's code uploads, with the secrets that the product sets."""
    secrets = names.resolved(template, template["Resources"]["BuildConfiguration"]["Properties"]["Secrets"])
    return str(template_code().from_environment(secrets).uri("code", "abalone", "preprocess.py"))


@pytest.mark.parametrize("launch", LAUNCHES.values(), ids=LAUNCHES)
def test_the_template_writes_where_its_role_may(assembly: Assembly, launch: Launch) -> None:
    template, names = assembly.product, launch.names()
    place = written(template, names).replace("s3://", "arn:aws:s3:::")

    def may(action: str, resource: str, **context: str) -> bool:
        keys = {key.replace("_", ":"): value for key, value in context.items()}
        return allows(template, "WorkflowRole", action, resource, context=keys, names=names)

    assert may("s3:PutObject", place)
    bucket, _, key = place.removeprefix("arn:aws:s3:::").partition("/")
    assert may("s3:ListBucket", f"arn:aws:s3:::{bucket}", s3_prefix=key)
    using = {"kms:viaservice": f"s3.{REGION}.amazonaws.com", "kms:encryptioncontext:aws:s3:arn": place}
    anyones = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
    assert allows(template, "WorkflowRole", "kms:GenerateDataKey", anyones, context=using, names=names)
    assert not may("s3:PutObject", place.replace(launch.project, "p2"))
    assert not may("s3:PutObject", f"arn:aws:s3:::{bucket}/{launch.domain}/{launch.project}/other/file")


@pytest.mark.parametrize("launch", LAUNCHES.values(), ids=LAUNCHES)
def test_a_policy_for_the_pipelines_role_is_for_the_same_place(granted: Assembly, launch: Launch) -> None:
    template, names = granted.product, launch.names()
    statements = names.resolved(template, template["Resources"]["ExecutionRolePolicy"]["Properties"]["PolicyDocument"])
    resources = [resource for each in statements["Statement"] for resource in each["Resource"]]
    place = written(template, names).replace("s3://", "arn:aws:s3:::")
    assert f"{place.removesuffix('/code/abalone/preprocess.py')}/*" in resources


@pytest.fixture(scope="module")
def granted(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The shipped settings, but that pipelines' roles get a policy for their files."""
    folder = tmp_path_factory.mktemp("granted")
    settings = with_settings(folder, "[workflow_role]\ngrant_execution_role_files = true")
    publish(folder / "versions", "v1.0.0")
    return synthesized(folder / "versions", folder / "out", settings)


def test_the_role_is_passed_with_its_path_and_named_without(assembly: Assembly) -> None:
    """Roles of IAM-based domains have one: ExecutionRoleName is what IAM calls RoleName."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonSageMakerUserIAMExecutionRole_1"
    properties = StudioProjectProperties(domain_id="dzd-1", project_id="p1", profile_name="regression")
    found = Project("churn", Tooling(ready=True), roles=(arn,), artifact_location=f"s3://{STUDIOS_BUCKET}/dzd-1/p1/dev")
    request = Request("Create", properties, None, "", STACK, "StudioProject")
    told = StudioProject(FunctionClients({})).plan(request, Observed(found)).attributes
    assert told["ExecutionRoleName"] == "AmazonSageMakerUserIAMExecutionRole_1"
    names = Names(values={f"StudioProject.{name}": value for name, value in told.items()})
    context = {"iam:passedtoservice": "sagemaker.amazonaws.com"}
    assert allows(assembly.product, "WorkflowRole", "iam:PassRole", arn, context=context, names=names)


def test_studios_own_place_stays_open_to_another_scope(assembly: Assembly) -> None:
    names = LAUNCHES["studio, another scope"].names()
    studios = f"arn:aws:s3:::{STUDIOS_BUCKET}/dzd-1/p1/dev/data.csv"
    assert allows(assembly.product, "WorkflowRole", "s3:GetObject", studios, names=names)


def test_productions_role_names_no_pipeline(assembly: Assembly) -> None:
    """Its jobs serve what was built: no statement of it speaks of making pipelines."""
    roles = of_type(assembly.product, "AWS::IAM::Role")
    said = {name: json.dumps(role) for name, role in roles.items()}
    assert "CreatePipeline" in said["WorkflowRole"]
    assert "CreatePipeline" not in said["ProductionRole"]
    assert "CreateEndpointConfig" in said["ProductionRole"]


def test_only_the_settings_deploy_roles_are_assumed(assembly: Assembly, administered: Assembly) -> None:
    values = {"StudioProject.DeployAccount": "210987654321", "ProjectId": "p1"}

    def may(template: dict[str, Any], role: str, by: str = "WorkflowRole") -> bool:
        arn = f"arn:aws:iam::210987654321:role/{role}"
        return allows(template, by, "sts:AssumeRole", arn, names=Names(values=values))

    assert may(assembly.product, "studio-deploy-p1-staging")
    assert may(assembly.product, "studio-deploy-p1-production", "ProductionRole")
    assert not may(assembly.product, "studio-deploy-p1-production")
    for role in ("studio-deploy-p2-staging", "studio-deploy-p1", "studio-deploy-p1-", "MlDeployer"):
        assert not may(assembly.product, role)
        assert not may(assembly.product, role, "ProductionRole")
    assert may(administered.product, "MlDeployer")
    assert not may(administered.product, "studio-deploy-p1-staging")
    # What the template's workflow assumes by itself; IAM takes names of 64 characters.
    default = Settings().workflow_role.deploy_role
    assert f'DEPLOY_ROLE = "{default}"' in (
        PROJECT_ROOT / "templates/regression/model_deploy/deployment/settings.py"
    ).read_text(encoding="utf-8")
    assert len(default.replace("{project}", "x" * 36).replace("{stage}", "production")) <= 64


def test_a_launch_cannot_add_to_classics_roles(assembly: Assembly, administered: Assembly) -> None:
    roles = [f"arn:aws:iam::{ACCOUNT}:role/Pipelines"]
    assert administered.product["Resources"]["StudioProject"]["Properties"]["ClassicExecutionRoles"] == roles
    # The role is in no parameter: all but the organization that launches default to is as it is without roles.
    organization = {"Organization": assembly.product["Parameters"]["Organization"]}
    assert administered.product["Parameters"] | organization == assembly.product["Parameters"]
    shipped = assembly.product["Resources"]["StudioProject"]["Properties"]
    assert shipped.get("ClassicExecutionRoles", []) == []


@pytest.mark.parametrize("organization", ["", "o" * 20])  # without one, a name of 20 letters is reckoned with
@pytest.mark.parametrize(("issuer", "environment", "length"), [("/a", 157, 2048), ("/aa", 156, 2049)])
def test_a_trust_policy_is_taken_to_the_last_character(
    organization: str, issuer: str, environment: int, length: int
) -> None:
    document = {
        "workflow_role": {"environments": ["e" * environment, "e2"]},
        "git_config": {"private_github_organization": organization},
        "github": {"oidc_issuer": f"token.actions.githubusercontent.com{issuer}"},
    }
    settings = Settings.model_validate_json(json.dumps(document))
    if length <= 2048:
        _require_short_trust(settings)
        return
    with pytest.raises(TrustPolicyTooLong) as told:
        _require_short_trust(settings)
    assert str(told.value) == (
        "settings.toml: workflow_role.environments: 2 environments need a trust policy of about 2049 characters, and "
        "IAM allows 2048. List fewer environments."
    )
