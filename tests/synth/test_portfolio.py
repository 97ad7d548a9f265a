"""PortfolioStack: every version offered, who may launch, and the role that launches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from products.versions import read_versions
from tests.synth.conftest import ADMIN_SETTINGS, Assembly, copied, of_type, synthesized, with_settings
from tests.synth.policies import Names, allows

pytestmark = pytest.mark.shares("stacks", seconds=60)

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/SC-123456789012-pp-abc/1"
WORKFLOW_ROLE = "arn:aws:iam::123456789012:role/studio-mlops-wf-p1"
PRODUCTION_ROLE = "arn:aws:iam::123456789012:role/studio-mlops-production-p1"
SHIPPED = "arn:aws:iam::123456789012:policy/studio-mlops-workflow-boundary"
PROJECT_ROLE = "arn:aws:iam::123456789012:role/datazone_usr_role_p1_e1"
IAM_BASED_ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMakerUserIAMExecutionRole_20260301"


def only(template: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the properties of the one resource of a type."""
    (resource,) = of_type(template, kind).values()
    return dict(resource["Properties"])


def test_every_published_version_is_offered_in_order(administered: Assembly) -> None:
    product = only(administered.portfolio, "AWS::ServiceCatalog::CloudFormationProduct")
    offered = [(version["Name"], version["Description"]) for version in product["ProvisioningArtifactParameters"]]
    assert offered == [("v1.0.0", "Notes of v1.0.0"), ("v1.1.0", "Notes of v1.1.0")]
    assert product["ReplaceProvisioningArtifacts"] is False
    assert {"Key": "sagemaker:studio-visibility", "Value": "true"} in product["Tags"]
    (resource,) = of_type(administered.portfolio, "AWS::ServiceCatalog::CloudFormationProduct").values()
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_each_versions_content_is_stored_before_it_is_offered(administered: Assembly) -> None:
    archives = of_type(administered.portfolio, "Custom::TemplateArchive")
    stored = {resource["Properties"]["Archive"] for resource in archives.values()}
    assert stored == {version.archive for version in read_versions(administered.store)}
    (product,) = of_type(administered.portfolio, "AWS::ServiceCatalog::CloudFormationProduct").values()
    assert set(archives) <= set(product["DependsOn"])
    manifest = json.loads((administered.path / "PortfolioStack.assets.json").read_text(encoding="utf-8"))
    for resource in archives.values():
        asset = resource["Properties"]["SourceKey"].removesuffix(".zip")
        file = administered.path / manifest["files"][asset]["source"]["path"]
        (version,) = (v for v in read_versions(administered.store) if v.archive == resource["Properties"]["Archive"])
        assert file.read_bytes() == (administered.store / version.version / "archive.zip").read_bytes()


def test_guidance_comes_from_the_records(administered: Assembly) -> None:
    guidance = only(administered.portfolio, "Custom::VersionGuidance")["Guidance"]
    assert guidance == {"v1.0.0": "DEPRECATED", "v1.1.0": "DEFAULT"}


def test_one_account_launches_by_the_roles_arn_and_shares_by_its_name(
    assembly: Assembly, administered: Assembly
) -> None:
    own = only(assembly.portfolio, "AWS::ServiceCatalog::LaunchRoleConstraint")
    assert own["RoleArn"]["Fn::GetAtt"][0] in of_type(assembly.portfolio, "AWS::IAM::Role")
    assert "LocalRoleName" not in own
    shared = only(administered.portfolio, "AWS::ServiceCatalog::LaunchRoleConstraint")
    assert shared["LocalRoleName"] == {"Ref": launch_role(administered.portfolio)}
    roles = of_type(administered.portfolio, "AWS::IAM::Role").values()
    assert "studio-mlops-launch" in {role["Properties"].get("RoleName") for role in roles}
    assert all("Path" not in role["Properties"] for role in roles)


@pytest.mark.parametrize("which", ["assembly", "administered"])
def test_constraints_wait_for_the_association(request: pytest.FixtureRequest, which: str) -> None:
    template = request.getfixturevalue(which).portfolio
    (association,) = of_type(template, "AWS::ServiceCatalog::PortfolioProductAssociation")
    for kind in ("LaunchRoleConstraint", "ResourceUpdateConstraint"):
        (constraint,) = of_type(template, f"AWS::ServiceCatalog::{kind}").values()
        assert association in constraint["DependsOn"]
    assert only(template, "AWS::ServiceCatalog::ResourceUpdateConstraint")["TagUpdateOnProvisionedProduct"] == "ALLOWED"


def test_access_and_shares(administered: Assembly) -> None:
    template = administered.portfolio
    principals = {
        (Names().resolved(template, each["Properties"]["PrincipalARN"]), each["Properties"]["PrincipalType"])
        for each in of_type(template, "AWS::ServiceCatalog::PortfolioPrincipalAssociation").values()
    }
    assert principals == {
        ("arn:aws:iam::123456789012:role/studio-mlops-update-project", "IAM"),  # of a rollout
        ("arn:aws:iam::123456789012:role/DataScientist", "IAM"),
        ("arn:aws:iam:::role/MlTeam*", "IAM_PATTERN"),
    }
    assert only(template, "AWS::ServiceCatalog::PortfolioShare")["AccountId"] == "210987654321"
    options = of_type(template, "AWS::ServiceCatalog::TagOption").values()
    assert {(o["Properties"]["Key"], o["Properties"]["Value"]) for o in options} == {
        ("cost_center", "1234"),
        ("cost_center", "5678"),
    }
    nodes = [
        (json.dumps(share["Properties"]["Update"]), json.dumps(share["Properties"]["Delete"]))
        for share in of_type(template, "Custom::PortfolioShare").values()
    ]
    assert len(nodes) == 2
    assert any("o-abcdefghij" in update and "o-abcdefghij" in delete for update, delete in nodes)
    assert any("ORGANIZATIONAL_UNIT" in update and "ou-abcd-12345678" in update for update, _ in nodes)


@pytest.mark.parametrize(
    ("node", "kind"), [("o-abcdefghij", "ORGANIZATION"), ("ou-abcd-12345678", "ORGANIZATIONAL_UNIT")]
)
def test_an_organization_is_shared_with_by_exactly_these_calls(administered: Assembly, node: str, kind: str) -> None:
    """With the principals and the tag options, else nobody there may launch; the portfolio's share is the node's."""
    names = Names(physical={"Portfolio856A4190": "port-1"})
    (share,) = (
        names.resolved(administered.portfolio, resource["Properties"])
        for resource in of_type(administered.portfolio, "Custom::PortfolioShare").values()
        if f'"{node}\\"' in json.dumps(resource["Properties"]["Update"])
    )
    shared = {"PortfolioId": "port-1", "OrganizationNode": {"Type": kind, "Value": node}}
    assert json.loads(share["Create"]) == json.loads(share["Update"])
    assert json.loads(share["Update"]) == {
        "service": "service-catalog",
        "action": "CreatePortfolioShare",
        "parameters": {**shared, "ShareTagOptions": True, "SharePrincipals": True},
        "physicalResourceId": {"id": node},
    }
    assert json.loads(share["Delete"]) == {
        "service": "service-catalog",
        "action": "DeletePortfolioShare",
        "parameters": shared,
    }
    assert only(administered.portfolio, "AWS::ServiceCatalog::PortfolioShare")["ShareTagOptions"] is True


def principals(assembly: Assembly) -> dict[str, str]:
    """Return the logical ids of the portfolio's principals, by their ARNs."""
    found = of_type(assembly.portfolio, "AWS::ServiceCatalog::PortfolioPrincipalAssociation")
    names = Names()
    return {
        names.resolved(assembly.portfolio, item["Properties"]["PrincipalARN"]): logical
        for logical, item in found.items()
    }


def test_a_principal_keeps_its_logical_id_when_others_come_and_go(administered: Assembly, tmp_path: Path) -> None:
    more = with_settings(
        tmp_path,
        ADMIN_SETTINGS.replace("principals = [", 'principals = ["arn:aws:iam::123456789012:role/Admin", ').replace(
            "principal_patterns = [", 'principal_patterns = ["arn:aws:iam:::role/Analyst*", '
        ),
    )
    store = copied(administered.store, tmp_path)
    before, after = principals(administered), principals(synthesized(store, tmp_path / "out", more))
    assert len(after) == len(set(after.values())) == len(before) + 2
    assert before.items() <= after.items()


def test_the_identity_provider_is_made_once_or_reused(assembly: Assembly, administered: Assembly) -> None:
    (resource,) = of_type(assembly.portfolio, "AWS::IAM::OIDCProvider").values()
    # Launched projects go on needing it.
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"
    provider = only(assembly.portfolio, "AWS::IAM::OIDCProvider")
    assert provider["Url"] == "https://token.actions.githubusercontent.com"
    assert provider["ClientIdList"] == ["sts.amazonaws.com"]
    assert of_type(administered.portfolio, "AWS::IAM::OIDCProvider") == {}


def launch_role(template: dict[str, Any]) -> str:
    """Return the launch role's logical id."""
    (name,) = (
        name
        for name, role in of_type(template, "AWS::IAM::Role").items()
        if role["Properties"].get("RoleName") == "studio-mlops-launch"
    )
    return name


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cloudformation:CreateStack", STACK),
        ("cloudformation:ExecuteChangeSet", STACK),
        ("cloudformation:ValidateTemplate", "*"),
        (
            "lambda:InvokeFunction",
            "arn:aws:lambda:us-east-1:123456789012:function:studio-mlops-github-repository-provider",
        ),
        ("iam:CreateRole", WORKFLOW_ROLE),
        ("iam:DeleteRole", WORKFLOW_ROLE),
        ("iam:PutRolePolicy", WORKFLOW_ROLE),
        ("iam:CreateRole", PRODUCTION_ROLE),
        ("iam:PutRolePolicy", PRODUCTION_ROLE),
        ("iam:DeleteRolePolicy", PROJECT_ROLE),  # of launches from before the setting was switched off
        ("iam:DeleteRolePolicy", IAM_BASED_ROLE),
    ],
)
def test_the_launch_role_can_launch(assembly: Assembly, action: str, resource: str) -> None:
    context = {"iam:permissionsboundary": SHIPPED}
    assert allows(assembly.portfolio, launch_role(assembly.portfolio), action, resource, context=context)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cloudformation:DeleteStack", "arn:aws:cloudformation:us-east-1:123456789012:stack/Payroll/1"),
        ("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:payroll"),
        (
            "lambda:InvokeFunction",
            "arn:aws:lambda:us-east-1:123456789012:function:studio-mlops-template-archive-provider",
        ),
        ("iam:CreateRole", "arn:aws:iam::123456789012:role/Admin"),
        ("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/Admin"),
        ("iam:AttachRolePolicy", WORKFLOW_ROLE),
        ("iam:PassRole", WORKFLOW_ROLE),
        ("iam:DeleteRole", PROJECT_ROLE),
        ("iam:PutRolePolicy", PROJECT_ROLE),
        ("iam:PutRolePolicy", IAM_BASED_ROLE),
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:studio-mlops/x"),
        ("s3:GetObject", "arn:aws:s3:::payroll/file"),
    ],
)
def test_the_launch_role_can_do_nothing_else(assembly: Assembly, action: str, resource: str) -> None:
    assert not allows(assembly.portfolio, launch_role(assembly.portfolio), action, resource)


def test_project_roles_get_a_policy_only_where_the_settings_ask_for_it(
    assembly: Assembly, administered: Assembly
) -> None:
    """Studio's roles have their files already, and a policy that is not Studio's own keeps it from deleting them."""
    assert "ExecutionRolePolicy" not in assembly.product["Resources"]
    role = administered.product["Resources"]["ExecutionRolePolicy"]["Properties"]["Roles"]
    assert role == [{"Fn::GetAtt": ["StudioProject", "ExecutionRoleName"]}]
    template, launches = administered.portfolio, launch_role(administered.portfolio)
    for arn in (PROJECT_ROLE, IAM_BASED_ROLE):
        assert allows(template, launches, "iam:PutRolePolicy", arn)
    assert not allows(template, launches, "iam:PutRolePolicy", "arn:aws:iam::123456789012:role/Admin")


def test_the_launch_role_reads_service_catalogs_templates_only(assembly: Assembly) -> None:
    role, template = launch_role(assembly.portfolio), "arn:aws:s3:::sc-templates/product.json"
    tag = "s3:existingobjecttag/servicecatalog:provisioning"
    assert allows(assembly.portfolio, role, "s3:GetObject", template, context={tag: "true"})
    assert not allows(assembly.portfolio, role, "s3:GetObject", template, context={tag: "false"})


def test_with_a_boundary_only_bounded_roles_can_be_made(administered: Assembly) -> None:
    template, role = administered.portfolio, launch_role(administered.portfolio)
    boundary = {"iam:permissionsboundary": "arn:aws:iam::123456789012:policy/Boundary"}
    assert allows(template, role, "iam:CreateRole", WORKFLOW_ROLE, context=boundary)
    assert not allows(template, role, "iam:CreateRole", WORKFLOW_ROLE)
    assert not allows(template, role, "iam:DeleteRolePermissionsBoundary", WORKFLOW_ROLE, context=boundary)


def test_an_account_that_is_shared_with_gets_what_launches_need(
    assembly: Assembly, administered: Assembly, tmp_path: Path
) -> None:
    settings = with_settings(tmp_path, "[portfolio]\nlaunches_only = true\nproducts = ['prod-shared']")
    found = synthesized(copied(assembly.store, tmp_path), tmp_path / "out", settings)
    kinds = {resource["Type"] for resource in found.portfolio["Resources"].values()}
    assert kinds == {
        "Custom::TemplateArchive",
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::OIDCProvider",
    }
    # The constraint of the account that shares names the role that is made here.
    constraint = only(administered.portfolio, "AWS::ServiceCatalog::LaunchRoleConstraint")
    role = found.portfolio["Resources"][launch_role(found.portfolio)]["Properties"]["RoleName"]
    assert Names().resolved(administered.portfolio, constraint["LocalRoleName"]) == role == "studio-mlops-launch"
    assert found.foundation["Resources"]
