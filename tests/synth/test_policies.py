"""The roles allow the calls of docs/reference/permissions.md, and no others. `refused` also judges recorded calls."""

from __future__ import annotations

from typing import Any

import pytest

from tests.synth.conftest import Assembly
from tests.synth.policies import Call, Names, allows, refused, role_of

pytestmark = pytest.mark.shares("stacks", seconds=60)

PREFIX = "studio-mlops"
HERE = "us-east-1:123456789012"
LAUNCH = f"arn:aws:cloudformation:{HERE}:stack/SC-123456789012-pp-x/uuid"
PORTFOLIO = f"arn:aws:cloudformation:{HERE}:stack/PortfolioStack/uuid"
TOKEN = f"arn:aws:secretsmanager:{HERE}:secret:studio-mlops/github-token-AbCdEf"
OTHER_SECRET = f"arn:aws:secretsmanager:{HERE}:secret:payroll-AbCdEf"
ARCHIVE = f"arn:aws:s3:::archives/{'0' * 64}.zip"
BUDGET = f"arn:aws:dynamodb:{HERE}:table/budget"
VIA_SECRETS = {"kms:viaservice": "secretsmanager.us-east-1.amazonaws.com"}
KEY = f"arn:aws:kms:{HERE}:key/1234"
OTHER_KEY = f"arn:aws:kms:{HERE}:key/5678"
READABLE = {"aws:resourcetag/studio-mlops:readable": "true"}
STUDIOS = "arn:aws:s3:::amazon-sagemaker-123456789012-us-east-1-0123456789ab"
PROJECT_FILE = f"{STUDIOS}/dzd-1/p1/dev/project.json"
OWN_BUCKET = {"s3:resourceaccount": "123456789012"}
GITHUB = ("github-repository", "repository-template", "actions-configuration")
PRODUCT = ("studio-project", *GITHUB)


def names(template: dict[str, Any]) -> Names:
    """Give the foundation's resources the physical ids used here."""
    ids = {"AWS::S3::Bucket": "archives", "AWS::DynamoDB::Table": "budget", "AWS::KMS::Key": "1234"}
    return Names(
        physical={
            name: ids[resource["Type"]] for name, resource in template["Resources"].items() if resource["Type"] in ids
        }
    )


def calls(function: str, actions: str, resource: str, context: dict[str, str] | None = None) -> list[Call]:
    """Return a call for each of the actions, which share their service."""
    service, _, rest = actions.partition(":")
    return [Call(f"{PREFIX}-{function}", f"{service}:{each}", resource, context or {}) for each in rest.split()]


def through_s3(arn: str) -> dict[str, str]:
    """Return what KMS is told of a key that S3 uses for an object."""
    return {"kms:viaservice": "s3.us-east-1.amazonaws.com", "kms:encryptioncontext:aws:s3:arn": arn}


PROMISED = [
    *[call for name in PRODUCT for call in calls(name, "cloudformation:DescribeStacks", LAUNCH)],
    *calls("studio-project", "cloudformation:DescribeStacks", f"arn:aws:cloudformation:{HERE}:stack/studio-mlops-a/u"),
    *calls(
        "studio-project",
        "datazone:GetProject GetProjectProfile ListEnvironments GetEnvironment ListConnections GetConnection",
        "*",
    ),
    *calls("studio-project", "sagemaker:ListDomains ListSpaces", "*"),
    *calls("studio-project", "sagemaker:DescribeDomain ListTags", f"arn:aws:sagemaker:{HERE}:domain/d-abc"),
    *calls("studio-project", "s3:GetObject", ARCHIVE),
    *calls("studio-project", "s3:GetObject PutObject", PROJECT_FILE, OWN_BUCKET),
    *calls("studio-project", "kms:Decrypt GenerateDataKey", OTHER_KEY, through_s3(PROJECT_FILE)),
    *[call for name in GITHUB for call in calls(name, "secretsmanager:GetSecretValue", TOKEN)],
    *[call for name in GITHUB for call in calls(name, "kms:Decrypt", KEY, VIA_SECRETS)],
    *[call for name in GITHUB for call in calls(name, "dynamodb:GetItem PutItem", BUDGET)],
    *calls("repository-template", "s3:GetObject", ARCHIVE),
    *calls("repository-template", "cloudformation:GetTemplate", LAUNCH),
    *calls(
        "repository-template", "servicecatalog:DescribeProvisioningArtifact", f"arn:aws:catalog:{HERE}:product/prod-abc"
    ),
    *calls("repository-template", "s3:GetObject", "arn:aws:s3:::cdk-hnb659fds-assets-123456789012-us-east-1/abc.json"),
    *calls("actions-configuration", "secretsmanager:GetSecretValue", OTHER_SECRET, READABLE),
    *calls("actions-configuration", "kms:Decrypt", OTHER_KEY, READABLE | VIA_SECRETS),
    *calls("template-archive", "cloudformation:DescribeStacks", PORTFOLIO),
    *calls("template-archive", "s3:GetObject", "arn:aws:s3:::cdk-hnb659fds-assets-123456789012-us-east-1/abc.zip"),
    *calls("template-archive", "s3:GetObject PutObject", ARCHIVE),
    *calls("template-archive", "s3:ListBucket", "arn:aws:s3:::archives"),
    *calls(
        "version-guidance",
        "servicecatalog:ListProvisioningArtifacts UpdateProvisioningArtifact",
        f"arn:aws:catalog:{HERE}:product/prod-abc",
    ),
    *calls("studio-blueprint", "datazone:CreateEnvironmentBlueprint PutEnvironmentBlueprintConfiguration", "*"),
    *calls("studio-project-profile", "datazone:CreateProjectProfile UpdateProjectProfile", "*"),
]

NOT_PROMISED = [
    # Projects' files: project.json alone, in Studio's buckets of this account, below domain, project and scope.
    *calls("studio-project", "s3:GetObject PutObject", f"{STUDIOS}/dzd-1/p1/dev/data/train.csv", OWN_BUCKET),
    *calls("studio-project", "s3:GetObject PutObject", f"{STUDIOS}/project.json", OWN_BUCKET),
    *calls("studio-project", "s3:GetObject PutObject", f"{STUDIOS}/dzd-1/p1/project.json", OWN_BUCKET),
    *calls("studio-project", "s3:GetObject PutObject", "arn:aws:s3:::payroll/a/b/c/project.json", OWN_BUCKET),
    *calls("studio-project", "s3:GetObject PutObject", PROJECT_FILE, {"s3:resourceaccount": "999999999999"}),
    *calls("studio-project", "s3:DeleteObject", PROJECT_FILE, OWN_BUCKET),
    *calls("studio-project", "kms:Decrypt GenerateDataKey", OTHER_KEY),
    *calls("studio-project", "kms:Decrypt GenerateDataKey", OTHER_KEY, through_s3("arn:aws:s3:::payroll/a")),
    *calls("studio-project", "datazone:DeleteProject CreateProject", "*"),
    *calls("studio-project", "secretsmanager:GetSecretValue", TOKEN),
    *calls("studio-project", "s3:PutObject DeleteObject", ARCHIVE),
    *calls("github-repository", "s3:GetObject", ARCHIVE),
    *calls("github-repository", "secretsmanager:GetSecretValue", OTHER_SECRET, READABLE),
    *calls("github-repository", "kms:Decrypt", KEY),
    *calls("github-repository", "dynamodb:DeleteItem Scan", BUDGET),
    *calls("github-repository", "cloudformation:DescribeStacks", f"arn:aws:cloudformation:{HERE}:stack/Payroll/u"),
    *calls("github-repository", "cloudformation:DeleteStack", LAUNCH),
    *calls("actions-configuration", "secretsmanager:GetSecretValue", OTHER_SECRET),
    *calls("actions-configuration", "kms:Decrypt", OTHER_KEY, READABLE),
    *calls("actions-configuration", "kms:Decrypt", OTHER_KEY, VIA_SECRETS),
    *calls("repository-template", "kms:Decrypt", OTHER_KEY, READABLE | VIA_SECRETS),
    *calls("repository-template", "cloudformation:GetTemplate", f"arn:aws:cloudformation:{HERE}:stack/Payroll/u"),
    *calls("repository-template", "s3:GetObject", "arn:aws:s3:::cdk-hnb659fds-assets-123456789012-us-east-1/abc.zip"),
    *calls("repository-template", "s3:PutObject", "arn:aws:s3:::cdk-hnb659fds-assets-123456789012-us-east-1/abc.json"),
    *calls("actions-configuration", "secretsmanager:PutSecretValue", TOKEN),
    *calls("template-archive", "s3:DeleteObject", ARCHIVE),
    *calls("template-archive", "s3:GetObject", "arn:aws:s3:::payroll/file.zip"),
    *calls("template-archive", "cloudformation:DescribeStacks", LAUNCH),
    *calls("version-guidance", "servicecatalog:DeleteProduct", f"arn:aws:catalog:{HERE}:product/prod-abc"),
    *calls("studio-project-profile", "datazone:DeleteDomain", "*"),
]


DOMAIN_KEY = f"arn:aws:kms:{HERE}:key/domain"
IN_THE_DOMAIN = {"kms:encryptioncontext:aws:datazone:domainid": "dzd_1a2b3c"}
IN_ANOTHER = {"kms:encryptioncontext:aws:datazone:domainid": "dzd_other"}
CALL_DATAZONE = ("studio-project", "studio-blueprint", "studio-project-profile")


def test_who_calls_datazone_uses_the_domains_own_key_for_that_domain_only(open_doors: Assembly) -> None:
    template, studio = open_doors.foundation, open_doors.template("StudioStack.template.json")
    (machine,) = (
        name
        for name, resource in studio["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
        and resource["Properties"].get("RoleName") == "studio-mlops-project-setup"
    )
    for action in ("Decrypt", "GenerateDataKey"):
        found = [call for name in CALL_DATAZONE for call in calls(name, f"kms:{action}", DOMAIN_KEY, IN_THE_DOMAIN)]
        assert refused(template, found, names(template)) == []
        for context in (IN_ANOTHER, {}, VIA_SECRETS):
            found = [call for name in CALL_DATAZONE for call in calls(name, f"kms:{action}", DOMAIN_KEY, context)]
            assert refused(template, found, names(template)) == found
            assert not allows(studio, machine, f"kms:{action}", DOMAIN_KEY, context=context)
        assert allows(studio, machine, f"kms:{action}", DOMAIN_KEY, context=IN_THE_DOMAIN)
        others = [call for name in GITHUB for call in calls(name, f"kms:{action}", DOMAIN_KEY, IN_THE_DOMAIN)]
        assert refused(template, others, names(template)) == others
    # DescribeKey has no encryption context.
    described = [call for name in CALL_DATAZONE for call in calls(name, "kms:DescribeKey", DOMAIN_KEY)]
    assert refused(template, described, names(template)) == []
    assert allows(studio, machine, "kms:DescribeKey", DOMAIN_KEY)
    assert not allows(studio, machine, "kms:DescribeKey", OTHER_KEY)


def test_roles_are_read_where_datazone_is_asked_about_them(assembly: Assembly) -> None:
    template = assembly.foundation
    role = "arn:aws:iam::123456789012:role/"
    read = [
        *calls("studio-project", "iam:GetRole", f"{role}datazone_usr_role_p1_e1"),
        *calls("studio-blueprint", "iam:GetRole", f"{role}studio-mlops-provisioning"),
    ]
    assert refused(template, read, names(template)) == []
    not_read = [
        *calls("studio-project", "iam:GetRole", f"{role}Admin"),
        *calls("studio-blueprint", "iam:GetRole", f"{role}Admin"),
        *calls("studio-blueprint", "iam:PassRole", f"{role}studio-mlops-provisioning"),  # to DataZone only
    ]
    assert refused(template, not_read, names(template)) == not_read


def test_the_roles_that_must_own_the_domain_unit_are_outputs(assembly: Assembly) -> None:
    template = assembly.foundation
    for output, function in (
        ("StudioBlueprintRoleArn", "studio-blueprint"),
        ("StudioProjectProfileRoleArn", "studio-project-profile"),
    ):
        logical = role_of(template, f"{PREFIX}-{function}", names(template))
        assert template["Outputs"][output]["Value"] == {"Fn::GetAtt": [logical, "Arn"]}
        assert "docs/studio.md" in template["Outputs"][output]["Description"]


def test_every_promised_call_is_allowed(assembly: Assembly) -> None:
    template = assembly.foundation
    assert refused(template, PROMISED, names(template)) == []


def test_no_other_call_is(assembly: Assembly) -> None:
    template = assembly.foundation
    assert refused(template, NOT_PROMISED, names(template)) == NOT_PROMISED


def test_each_function_writes_only_its_own_log(assembly: Assembly) -> None:
    template = assembly.foundation

    def logs(function: str, log: str) -> list[Call]:
        stream = f"arn:aws:logs:{HERE}:log-group:/aws/lambda/{PREFIX}-{log}:log-stream:x"
        return calls(function, "logs:CreateLogStream PutLogEvents", stream)

    for name in PRODUCT:
        assert refused(template, logs(name, name), names(template)) == []
        other = logs(name, "template-archive")
        assert refused(template, other, names(template)) == other


PROJECT = {
    "StudioProject.ArtifactBucket": "bucket",
    "StudioProject.ArtifactPrefix": "dzd_1/p1/dev",
    "StudioProject.ExecutionRoleArn": "arn:aws:iam::123456789012:role/datazone_usr_role_p1_e1",
    "StudioProject.ModelPackageGroupName": "aiops-p1-models",
    "ProjectId": "p1",
}
PIPELINE = f"arn:aws:sagemaker:{HERE}:pipeline/abalone"
KEY = f"arn:aws:kms:{HERE}:key/1"


def through(service: str, file: str) -> dict[str, str]:
    """Return what KMS is told when a service uses a key for a file."""
    return {
        "kms:viaservice": f"{service}.us-east-1.amazonaws.com",
        "kms:encryptioncontext:aws:s3:arn": f"arn:aws:s3:::{file}",
    }


@pytest.mark.parametrize(
    ("action", "resource", "context", "expected"),
    [
        ("s3:GetObject", "arn:aws:s3:::bucket/dzd_1/p1/dev/data.csv", {}, True),
        ("s3:GetObject", "arn:aws:s3:::bucket/dzd_1/p2/dev/data.csv", {}, False),
        ("s3:ListBucket", "arn:aws:s3:::bucket", {"s3:prefix": "dzd_1/p1/dev/x"}, True),
        ("s3:ListBucket", "arn:aws:s3:::bucket", {"s3:prefix": "dzd_1/p2"}, False),
        ("s3:ListBucket", "arn:aws:s3:::bucket", {}, False),
        ("sagemaker:CreatePipeline", PIPELINE, {"aws:requesttag/AmazonDataZoneProject".lower(): "p1"}, True),
        ("sagemaker:CreatePipeline", PIPELINE, {"aws:requesttag/AmazonDataZoneProject".lower(): "p2"}, False),
        ("sagemaker:CreatePipeline", PIPELINE, {}, False),
        ("sagemaker:UpdatePipeline", PIPELINE, {"aws:resourcetag/AmazonDataZoneProject".lower(): "p1"}, True),
        ("sagemaker:UpdatePipeline", PIPELINE, {"aws:resourcetag/AmazonDataZoneProject".lower(): "p2"}, False),
        ("sagemaker:DeletePipeline", PIPELINE, {"aws:resourcetag/AmazonDataZoneProject".lower(): "p1"}, False),
        ("sagemaker:UpdateModelPackage", f"arn:aws:sagemaker:{HERE}:model-package/aiops-p1-models/1", {}, True),
        ("sagemaker:UpdateModelPackage", f"arn:aws:sagemaker:{HERE}:model-package/aiops-p2-models/1", {}, False),
        (
            "iam:PassRole",
            "arn:aws:iam::123456789012:role/datazone_usr_role_p1_e1",
            {"iam:passedtoservice": "sagemaker.amazonaws.com"},
            True,
        ),
        (
            "iam:PassRole",
            "arn:aws:iam::123456789012:role/datazone_usr_role_p1_e1",
            {"iam:passedtoservice": "ec2.amazonaws.com"},
            False,
        ),
        (
            "iam:PassRole",
            "arn:aws:iam::123456789012:role/Admin",
            {"iam:passedtoservice": "sagemaker.amazonaws.com"},
            False,
        ),
        ("iam:CreateRole", "arn:aws:iam::123456789012:role/any", {}, False),
        ("secretsmanager:GetSecretValue", TOKEN, {}, False),
        ("kms:GenerateDataKey", KEY, through("s3", "bucket/dzd_1/p1/dev/data.csv"), True),
        ("kms:Decrypt", KEY, through("s3", "bucket"), True),  # a bucket with S3 Bucket Keys
        ("kms:Decrypt", KEY, through("s3", "bucket/dzd_1/p2/dev/data.csv"), False),
        ("kms:Decrypt", KEY, through("secretsmanager", "bucket"), False),
        ("kms:Decrypt", KEY, {}, False),
    ],
)
def test_a_workflow_reaches_only_its_own_project(
    assembly: Assembly, action: str, resource: str, context: dict[str, str], expected: bool
) -> None:
    found = allows(assembly.product, "WorkflowRole", action, resource, context=context, names=Names(values=PROJECT))
    assert found is expected


def test_templates_that_write_beside_the_project_can_be_given_the_bucket(administered: Assembly) -> None:
    where = "arn:aws:s3:::bucket/elsewhere/data.csv"
    known = Names(values=PROJECT)
    assert allows(administered.product, "WorkflowRole", "s3:PutObject", where, names=known)
