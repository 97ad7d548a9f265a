"""The product's template: it stands alone, refuses bad input, and creates what it promises in the right order."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ministack.services.cloudformation import engine

from products.settings import Settings
from tests.actions_secrets import DEPLOY_SECRETS, DEPLOY_VARIABLES, SECRETS, VARIABLES
from tests.synth.conftest import Assembly, publish, refusal, synthesize, with_settings
from tests.synth.policies import Names, trusts

pytestmark = pytest.mark.shares("stacks", seconds=60)

GOOD = {"DomainId": "dzd_4a5b6c", "ProjectId": "abc123def456", "Organization": "example-org"}


def problem(template: dict[str, Any], given: dict[str, str]) -> str:
    """Return what CloudFormation (MiniStack's) says against a launch with these parameters, "" when it takes them."""
    try:
        parameters = engine._resolve_parameters(template, [{"Key": k, "Value": v} for k, v in given.items()])
        conditions = engine._evaluate_conditions(template, parameters)
        engine._evaluate_rules(template, parameters, conditions)
    except ValueError as refused:
        return str(refused)
    return ""


def test_good_parameters_are_taken(assembly: Assembly) -> None:
    assert problem(assembly.product, GOOD) == ""


@pytest.mark.parametrize(
    "bad",
    [
        {"DomainId": "my-domain"},
        {"DomainId": "dzd_" + "x" * 37},
        {"ProjectId": "a/b"},
        {"ProjectId": "x" * 37},
        {"ProjectName": "name; rm -rf /"},
        {"ProjectName": "x" * 65},
        {"ProfileName": "../regression"},
        {"Organization": "acme corp"},
        {"Organization": "-acme"},
        {"Organization": "acme\r\nX-Injected: 1"},
        {"BuildRepositoryName": "acme/repo"},
        {"BuildRepositoryName": ".."},
        {"BuildRepositoryName": "repo.git"},
        {"DeployRepositoryName": "x" * 101},
        {"DeployAccount": "1234"},
        {"GlueDatabase": ""},
        {"GlueTable": "a b"},
        {"UserRoleArn": "datazone_usr_role"},
        {"MlflowTrackingUri": "javascript:alert(1)"},
        {"ScopeName": ""},
        {"RepositoryVisibility": "secret"},
        {"SyncMode": "Force"},
        {"AdoptExisting": "yes"},
        {"RotateSecrets": "True"},
        {"SageMakerProjectName": "has space"},
        {"Organization": None},
        {"DomainId": None},
    ],
    ids=lambda bad: "-".join(f"{key}={value}"[:40] for key, value in bad.items()),
)
def test_bad_parameters_are_refused_before_anything_runs(assembly: Assembly, bad: dict[str, str | None]) -> None:
    given = {key: value for key, value in (GOOD | bad).items() if value is not None}
    assert problem(assembly.product, given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ""),
        ({"ProjectId": "", "SageMakerProjectId": "p-abc123"}, ""),
        ({"ProjectId": ""}, "Enter the ProjectId of the Studio project."),
        ({"BuildRepositoryName": "one", "DeployRepositoryName": "two"}, ""),
        ({"BuildRepositoryName": "one", "DeployRepositoryName": "one"}, "different names"),
    ],
)
def test_rules_refuse_what_a_pattern_cannot_tell(assembly: Assembly, given: dict[str, str], said: str) -> None:
    found = problem(assembly.product, GOOD | given)
    assert said in found
    assert bool(said) == bool(found)


def test_every_parameter_is_described_labelled_and_grouped(assembly: Assembly) -> None:
    template = assembly.product
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template["Parameters"])
    assert set(interface["ParameterLabels"]) == set(template["Parameters"])
    for parameter in template["Parameters"].values():
        assert parameter["Description"]
        assert ("AllowedPattern" in parameter) == ("ConstraintDescription" in parameter)
        assert "AllowedPattern" in parameter or "AllowedValues" in parameter


def test_it_stands_alone(assembly: Assembly) -> None:
    text = json.dumps(assembly.product)
    assert "Fn::ImportValue" not in text
    assert "AWS::SSM" not in text
    assert "cdk-hnb659fds" not in text
    known = {*assembly.product["Resources"], *assembly.product["Parameters"]}
    references = set(re.findall(r'"Ref": "([^":]+)"', text)) | set(re.findall(r'"Fn::GetAtt": \["([^"]+)"', text))
    assert {name for name in references if not name.startswith("AWS::")} <= known
    for name, resource in assembly.product["Resources"].items():
        if resource["Type"].startswith("Custom::"):
            token = Names().resolved(assembly.product, resource["Properties"]["ServiceToken"])
            assert re.fullmatch(r"arn:aws:lambda:us-east-1:123456789012:function:studio-mlops-[a-z-]+-provider", token)
            assert int(resource["Properties"]["ServiceTimeout"]) == 59 * 60, name


def after(template: dict[str, Any], name: str) -> set[str]:
    """Return the resources that CloudFormation creates before `name`, and deletes after it."""
    found: set[str] = set()
    todo = [name]
    while todo:
        resource = template["Resources"][todo.pop()]
        text = json.dumps(resource)
        direct = {*re.findall(r'"Fn::GetAtt": \["([^"]+)"', text), *re.findall(r'"Ref": "([^":]+)"', text)}
        depends = resource.get("DependsOn", [])
        direct |= set([depends] if isinstance(depends, str) else depends)
        new = (direct & set(template["Resources"])) - found
        found |= new
        todo += new
    return found


@pytest.mark.parametrize(("part", "other"), [("Build", "Deploy"), ("Deploy", "Build")])
def test_the_order_of_creation_and_so_the_reverse_of_deletion(assembly: Assembly, part: str, other: str) -> None:
    template = assembly.product
    assert after(template, f"{part}Repository") == {"StudioProject"}
    assert after(template, f"{part}Template") == {"StudioProject", f"{part}Repository"}
    # The configuration goes first on Delete, the repository's archive last.
    assert {f"{part}Template", f"{part}Repository", "WorkflowRole"} <= after(template, f"{part}Configuration")
    # Neither template waits for the other's repository.
    assert f"{other}Repository" not in after(template, f"{part}Template")


@pytest.mark.parametrize(("part", "more"), [("Build", set()), ("Deploy", DEPLOY_SECRETS - SECRETS)])
def test_secrets_and_variables_have_exactly_the_names_that_templates_read(
    assembly: Assembly, part: str, more: set[str]
) -> None:
    properties = assembly.product["Resources"][f"{part}Configuration"]["Properties"]
    assert set(properties["Secrets"]) == SECRETS | more
    assert set(properties["Variables"]) == (DEPLOY_VARIABLES if part == "Deploy" else VARIABLES)
    assert properties["Variables"]["TRIGGER_PIPELINE_EXECUTION"] == {"Ref": "TriggerPipelineExecution"}
    # A plain fact is what the secret of that name holds.
    facts = set(properties["Variables"]) & set(properties["Secrets"])
    assert facts
    assert all(properties["Variables"][name] == properties["Secrets"][name] for name in facts)
    repository = assembly.product["Resources"][f"{part}Repository"]["Properties"]
    assert set(repository["VariableNames"]) == set(properties["Variables"])
    assert assembly.product["Parameters"]["TriggerPipelineExecution"]["Default"] == "false"


def test_outputs_are_those_that_the_other_rooms_read(assembly: Assembly) -> None:
    each = (
        "RepositoryUrl",
        "RepositoryName",
        "RepositoryId",
        "TemplateVersion",
        "Commit",
        "TemplateStatus",
        "PullRequestUrl",
        "Environments",
    )
    expected = {f"{part}{name}" for part in ("Build", "Deploy") for name in each}
    assert set(assembly.product["Outputs"]) == expected | {
        "ProjectName",
        "ProfileName",
        "ModelPackageGroupName",
        "WorkflowRoleArn",
        "ProductionRoleArn",
    }


def test_repositories_are_named_after_the_project_unless_a_launch_chooses(
    assembly: Assembly, administered: Assembly
) -> None:
    resources = assembly.product["Resources"]
    deploy, build = (resources[f"{part}Repository"]["Properties"] for part in ("Deploy", "Build"))
    attribute = {"Fn::GetAtt": ["StudioProject", "DeployRepositoryName"]}
    assert deploy["Name"] == {"Fn::If": ["DeployRepositoryNameGiven", {"Ref": "DeployRepositoryName"}, attribute]}
    other = {"Fn::GetAtt": ["StudioProject", "DeployAlternativeName"]}
    assert deploy["AlternativeName"] == {"Fn::If": ["DeployRepositoryNameGiven", "", other]}
    assert build["AlternativeName"] == {"Fn::GetAtt": ["StudioProject", "BuildAlternativeName"]}
    assert resources["StudioProject"]["Properties"]["RepositoryNames"] == "{project}-{part}"
    # AWS knows the repositories of a GitHub Enterprise Server by name alone: none is used twice.
    there = administered.product["Resources"]["StudioProject"]["Properties"]
    assert there["RepositoryNames"] == "{project}-{part}-{id}"


def test_a_new_version_touches_templates_and_no_repository(assembly: Assembly) -> None:
    """CloudFormation asks a resource when its properties change: an update must not need GitHub for nothing."""
    version = assembly.product["Resources"]["BuildTemplate"]["Properties"]
    pinned = {version["TemplateVersion"], version["TemplateArchive"]}
    touched = {
        name
        for name, resource in assembly.product["Resources"].items()
        if pinned & {value for value in resource.get("Properties", {}).values() if isinstance(value, str)}
    }
    assert touched == {"BuildTemplate", "DeployTemplate", "StudioProject"}


REPOSITORIES = Names(
    values={
        "BuildRepository.FullName": "Acme/build",
        "BuildRepository.RepositoryId": "11",
        "BuildRepository.DefaultBranch": "main",
        "DeployRepository.FullName": "Acme/deploy",
        "DeployRepository.RepositoryId": "22",
        "DeployRepository.DefaultBranch": "trunk",
    }
)


def job(subject: str, repository_id: str) -> dict[str, str]:
    """Return the claims of a job's identity token that STS makes condition keys of."""
    return {"aud": "sts.amazonaws.com", "sub": subject, "repository_id": repository_id}


WORKFLOW_JOBS = (
    job("repo:Acme/build:ref:refs/heads/main", "11"),
    job("repo:Acme/deploy:ref:refs/heads/trunk", "22"),
    job("repo:Acme/deploy:environment:staging", "22"),
    job("repo:Acme@123/build@11:ref:refs/heads/main", "11"),  # GitHub's immutable subjects, since July 2026
    job("repo:Acme@123/deploy@22:environment:staging", "22"),
    job("repo:Acme@123/renamed@11:ref:refs/heads/main", "11"),
)
PRODUCTION_JOBS = (
    job("repo:Acme/deploy:environment:production", "22"),
    job("repo:Acme@123/deploy@22:environment:production", "22"),
)
OTHER_JOBS = (
    job("repo:Acme/other:ref:refs/heads/main", "33"),
    job("repo:Acme/build:ref:refs/heads/feature", "11"),
    job("repo:Acme/build:pull_request", "11"),
    job("repo:Acme/build:environment:production", "11"),  # production is the deploy repository's
    job("repo:Acme/deploy:environment:playground", "22"),
    job("repo:Acme/build:ref:refs/tags/main", "11"),
    job("repo:Acme@123/build@12:ref:refs/heads/main", "12"),  # the name, recycled
    job("repo:Acme/build:ref:refs/heads/main", "12"),
    job("repo:Acme/deploy:environment:production", "23"),
    job("repo:Mallory@9/build@11x:ref:refs/heads/main", "33"),
    job("repo:Mallory/build:ref:refs/heads/main", "33"),
    job("repo:Mallory@9/build@11:ref:refs/heads/main", "33"),
    # An environment or branch of another repository of the organization: GitHub writes its colons as %3A.
    job("repo:Acme@123/other@33:environment:x@11%3Aref%3Arefs/heads/main", "33"),
    job("repo:Acme@123/other@33:ref:refs/heads/x@11", "33"),
)
# Subjects whose claims the repository's administrator chose (include_claim_keys), of a repository that is not ours; the
# last three are what GitHub would have to write for a match without a fourth colon.
CUSTOMIZED = (
    "repo:Acme@123/other@33:workflow:x@11:ref:refs/heads/main",
    "repo:Acme@123/other@33:workflow:x@22:environment:production",
    "repo:Acme@123/other@33:workflow:x@22:environment:staging",
    "repo:Acme@123/other@33:repository_owner:Acme:job_workflow_ref:x@11:ref:refs/heads/main",
    "repo:Acme@123/other@33:x@11:ref:refs/heads/main",
    "repo:Acme/build:workflow:x:ref:refs/heads/main",
    "repo:Acme@123/other@33/x@11:ref:refs/heads/main",
    "repo:Acme@123/x@22:environment:production",
    "repo:Acme@123/x@22:environment:staging",
)


def test_the_roles_trust_only_the_projects_repositories(assembly: Assembly) -> None:
    def trusted(role: str, claims: dict[str, str]) -> bool:
        return trusts(assembly.product, role, claims, REPOSITORIES)

    for claims in WORKFLOW_JOBS:
        assert trusted("WorkflowRole", claims), claims
        assert not trusted("ProductionRole", claims), claims
    for claims in PRODUCTION_JOBS:
        assert trusted("ProductionRole", claims), claims
        assert not trusted("WorkflowRole", claims), claims
    for claims in (*OTHER_JOBS, *(job(subject, "33") for subject in CUSTOMIZED)):
        assert not trusted("WorkflowRole", claims), claims
        assert not trusted("ProductionRole", claims), claims
    for claims in (*WORKFLOW_JOBS, *PRODUCTION_JOBS):
        assert not any(trusted(role, {**claims, "aud": "another"}) for role in ("WorkflowRole", "ProductionRole"))


def test_a_subject_of_more_parts_is_denied_also_where_sts_tells_no_repository(
    assembly: Assembly, administered: Assembly
) -> None:
    """STS knows the claim repository_id of GitHub's own issuer, in commercial regions: not of an Enterprise Server."""
    server = "github.example.com/_services/token"
    for subject in (each for each in CUSTOMIZED if each.count(":") > 3):
        claims = {"aud": "sts.amazonaws.com", "sub": subject}
        assert not any(
            trusts(assembly.product, role, claims, REPOSITORIES) for role in ("WorkflowRole", "ProductionRole")
        )
        assert not any(
            trusts(administered.product, role, claims, REPOSITORIES, server)
            for role in ("WorkflowRole", "ProductionRole")
        )
    told = {"aud": "sts.amazonaws.com", "sub": "repo:Acme/deploy:environment:production"}
    assert trusts(administered.product, "ProductionRole", told, REPOSITORIES, server)
    assert trusts(assembly.product, "ProductionRole", told, REPOSITORIES)


def test_the_trust_policies_fit_iams_limit_with_the_longest_names(assembly: Assembly) -> None:
    """IAM takes 2,048 characters; no emulator counts them."""
    organization, long = "o" * 39, "r" * 100
    longest = {
        f"{part}Repository.{attribute}": value
        for part in ("Build", "Deploy")
        for attribute, value in (
            ("FullName", f"{organization}/{long}"),
            ("RepositoryId", "1234567890"),
            ("DefaultBranch", "main"),
        )
    }
    for role in ("WorkflowRole", "ProductionRole"):
        policy = assembly.product["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]
        text = json.dumps(Names(values=longest).resolved(assembly.product, policy), separators=(",", ":"))
        assert len(text) <= 2048


def test_more_environments_than_iam_takes_are_refused(tmp_path: Path) -> None:
    names = [f"environment-{number}" for number in range(9)]
    settings = with_settings(tmp_path, f"[workflow_role]\nenvironments = {json.dumps(names)}\n")
    publish(tmp_path / "versions", "v1.0.0")
    run = synthesize(tmp_path / "versions", tmp_path / "out", settings=settings)
    assert run.returncode == 1
    assert "List fewer environments" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(("role", "prefix"), [("WorkflowRole", "wf"), ("ProductionRole", "production")])
def test_two_projects_have_two_roles(assembly: Assembly, role: str, prefix: str) -> None:
    name = assembly.product["Resources"][role]["Properties"]["RoleName"]
    names = {Names(values={"ProjectId": project}).resolved(assembly.product, name) for project in ("p1", "p2")}
    assert names == {f"studio-mlops-{prefix}-p1", f"studio-mlops-{prefix}-p2"}
    longest = Settings(prefix="p" * 16)
    assert len(f"{longest.workflow_role_prefix}{'x' * 36}") <= 64
    assert len(f"{longest.production_role_prefix}{'x' * 36}") <= 64


def test_an_enterprise_server_has_another_issuer(administered: Assembly) -> None:
    role = administered.product["Resources"]["WorkflowRole"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    provider = "arn:aws:iam::123456789012:oidc-provider/github.example.com/_services/token"
    assert statement["Principal"]["Federated"] == provider
    assert statement["Condition"]["StringEquals"] == {"github.example.com/_services/token:aud": "sts.amazonaws.com"}
    assert role["PermissionsBoundary"] == "arn:aws:iam::123456789012:policy/Boundary"
    assert administered.product["Parameters"]["Organization"]["Default"] == "example-org"


def test_references_and_retention_are_the_administrators(assembly: Assembly, administered: Assembly) -> None:
    def custom(found: Assembly) -> dict[str, dict[str, Any]]:
        resources = found.product["Resources"].items()
        return {name: each["Properties"] for name, each in resources if each["Type"].startswith("Custom::")}

    assert not any(
        {"SecretReferences", "RetainOnFailure"} & set(properties) for properties in custom(assembly).values()
    )
    chosen = custom(administered)
    assert {properties["RetainOnFailure"] for properties in chosen.values()} == {"true"}
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mlflow-AbCdEf#token"
    for part in ("Build", "Deploy"):
        assert chosen[f"{part}Configuration"]["SecretReferences"] == {"MLFLOW_TOKEN": secret}


def test_variables_and_who_looks_at_pull_requests_are_the_administrators(
    assembly: Assembly, administered: Assembly
) -> None:
    """No parameter adds to them."""
    for found, more in ((assembly, {}), (administered, {"MODEL_REGION": "eu-west-1"})):
        for part in ("Build", "Deploy"):
            resources = found.product["Resources"]
            variables = resources[f"{part}Configuration"]["Properties"]["Variables"]
            facts = DEPLOY_VARIABLES if part == "Deploy" else VARIABLES
            assert {name: value for name, value in variables.items() if name not in facts} == more
            assert resources[f"{part}Repository"]["Properties"]["VariableNames"] == sorted(variables)
    template = administered.product["Resources"]["DeployTemplate"]["Properties"]
    assert template["PullRequestLabels"] == ["template"]
    assert template["PullRequestReviewers"] == ["octocat", "acme/ml-platform"]
    assert "PullRequestAssignees" not in template
    assert not [name for name in assembly.product["Resources"]["DeployTemplate"]["Properties"] if "PullRequest" in name]


def test_a_reference_cannot_take_the_name_of_a_secret_that_the_product_sets(tmp_path: Path) -> None:
    reference = 'REGION = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf"'
    settings = with_settings(tmp_path, f"[secret_references]\n{reference}\n")
    publish(tmp_path / "versions", "v1.0.0")
    said = refusal(tmp_path / "versions", tmp_path / "out", settings)
    assert said.startswith("settings.toml: the product itself sets the secret REGION of secret_references")
