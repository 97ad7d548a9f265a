"""The IAM half of the product: the role of a project's workflows, and the project role's access to its files."""

from __future__ import annotations

from typing import Any

from aws_cdk import ArnFormat, Aws, CustomResource, Fn, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from products.errors import TrustPolicyTooLong
from products.functions import statement
from products.settings import Settings

PROJECT_TAG = "AmazonDataZoneProject"
_TRUST_LENGTH = 2048  # IAM's quota for a role's trust policy, without white space
_TRUST_REST = 400  # of it: all but the subjects
_OBJECTS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]


class Repository:
    """A project's repository while the template is built."""

    def __init__(self, part: str, resource: CustomResource, adopt: str) -> None:
        """`part` is Build or Deploy, `resource` its Custom::GitHubRepository, `adopt` whether it may exist already."""
        self.part = part
        self.adopt = adopt
        self.id = resource.get_att_string("RepositoryId")
        self.full_name = resource.get_att_string("FullName")
        self.default_branch = resource.get_att_string("DefaultBranch")
        self.status = resource.get_att_string("Status")
        self.template: CustomResource = resource  # replaced by its Custom::RepositoryTemplate


def subjects(repository: Repository, environments: tuple[str, ...]) -> list[str]:
    """Return the subjects (`sub`) of the identity tokens that a repository's jobs have.

    Repositories made or renamed since July 2026 have GitHub's immutable form, `repo:OWNER@ID/NAME@ID:...`; older
    ones, and those on GitHub Enterprise Server, have `repo:OWNER/NAME:...`. Names cannot hold an `@`, and GitHub writes
    a `:` in a branch or environment as `%3A`, so that owner and repository id say it all: the rest, which a rename may
    change, is left open, and the policy stays below IAM's limit.
    """
    owner = Fn.select(0, Fn.split("/", repository.full_name))
    forms = [
        ["repo:", repository.full_name],
        ["repo:", owner, "@*@", repository.id],
    ]
    contexts = [
        [":ref:refs/heads/", repository.default_branch],
        *[[f":environment:{environment}"] for environment in environments],
    ]
    return [Fn.join("", [*form, *context]) for form in forms for context in contexts]


def _require_short_trust(settings: Settings) -> None:
    """Refuse more environments than a trust policy has room for, with repositories named as a launch names them."""
    organization = len(settings.git_config.private_github_organization) or 20
    name, repository_id = len("1a2b3c4d5e6f7g-dzd_1a2b3c4d5e6f7g-deploy-repo"), 10
    contexts = [
        len(":ref:refs/heads/main"),
        *(len(f":environment:{each}") for each in settings.workflow_role.environments),
    ]
    classic, immutable = len("repo:/") + organization + name, len("repo:@*@") + organization + repository_id
    length = _TRUST_REST + 2 * sum(classic + immutable + 2 * (context + len('"",')) for context in contexts)
    if length > _TRUST_LENGTH:
        raise TrustPolicyTooLong(count=len(contexts) - 1, length=length, limit=_TRUST_LENGTH)


def provider_arn(settings: Settings) -> str:
    """Return the ARN of the account's identity provider for GitHub Actions."""
    return settings.github.oidc_provider_arn or (
        f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:oidc-provider/{settings.github.oidc_issuer}"
    )


def workflow_role(
    scope: Construct,
    settings: Settings,
    project: CustomResource,
    project_id: str,
    *,
    domain_id: str,
    repositories: list[Repository],
) -> iam.Role:
    """Return the role that only the project's two repositories can assume, for only the project's things."""
    prefixes = artifact_prefixes(project, project_id, domain_id)
    role = iam.Role(
        scope,
        "WorkflowRole",
        # IAM's names are the account's: the project's id keeps them apart.
        role_name=Fn.join("", [settings.workflow_role_prefix, project_id]),
        description="GitHub workflows of a SageMaker Unified Studio project",
        assumed_by=_trust(settings, repositories),
        permissions_boundary=iam.ManagedPolicy.from_managed_policy_arn(scope, "WorkflowRoleBoundary", settings.boundary)
        if settings.boundary
        else None,
        inline_policies={
            "project": iam.PolicyDocument(
                statements=[
                    *artifact_statements(settings, project, prefixes),
                    _encryption_statement(scope, settings, project, prefixes),
                    *_sagemaker_statements(scope, project, project_id),
                    *_template_statements(scope, settings, project, project_id),
                    statement(
                        ["iam:PassRole"],
                        [project.get_att_string("ExecutionRoleArn")],
                        StringEquals={"iam:PassedToService": "sagemaker.amazonaws.com"},
                    ),
                ]
            )
        },
    )
    role.node.default_child.override_logical_id("WorkflowRole")  # type: ignore[union-attr]
    return role


def _trust(settings: Settings, repositories: list[Repository]) -> iam.WebIdentityPrincipal:
    """Return the jobs of the repositories' default branches and environments. Raises SettingsError for too many."""
    _require_short_trust(settings)
    issuer, environments = settings.github.oidc_issuer, settings.workflow_role.environments
    trusted = [subject for repository in repositories for subject in subjects(repository, environments)]
    return iam.WebIdentityPrincipal(
        provider_arn(settings),
        {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"}, "StringLike": {f"{issuer}:sub": trusted}},
    )


def artifact_prefixes(project: CustomResource, project_id: str, domain_id: str) -> list[str]:
    """Return where the project's files are: at Studio's prefix, and where templates look.

    Templates have the bucket as a secret, and no prefix: they make it of the domain's and the project's id and the
    scope. That is Studio's own for its scope, and another below the project's when a launch names a scope.
    """
    expected = Fn.join("/", [domain_id, project_id, project.get_att_string("ScopeName")])
    return [project.get_att_string("ArtifactPrefix"), expected]


def artifact_statements(settings: Settings, project: CustomResource, prefixes: list[str]) -> list[iam.PolicyStatement]:
    """Return access to the project's files in Studio's bucket, which many projects share."""
    bucket = f"arn:{Aws.PARTITION}:s3:::{project.get_att_string('ArtifactBucket')}"
    if settings.workflow_role.artifact_access == "bucket":
        return [
            statement(_OBJECTS, [f"{bucket}/*"]),
            statement(["s3:ListBucket", "s3:GetBucketLocation"], [bucket]),
        ]
    return [
        statement(_OBJECTS, [f"{bucket}/{prefix}/*" for prefix in prefixes]),
        statement(
            ["s3:ListBucket"],
            [bucket],
            StringLike={"s3:prefix": [form for prefix in prefixes for form in (prefix, f"{prefix}/*")]},
        ),
        statement(["s3:GetBucketLocation"], [bucket]),
    ]


def _encryption_statement(
    scope: Construct, settings: Settings, project: CustomResource, prefixes: list[str]
) -> iam.PolicyStatement:
    """Return the use of a key of the domain's own, if it has one, through S3 and for the project's files only.

    The key is not known here. What S3 tells KMS is: the object, or for a bucket that saves such calls (S3 Bucket Keys)
    the bucket.
    """
    stack = Stack.of(scope)
    bucket = f"arn:{Aws.PARTITION}:s3:::{project.get_att_string('ArtifactBucket')}"
    whole = settings.workflow_role.artifact_access == "bucket"
    files = [f"{bucket}/*"] if whole else [f"{bucket}/{prefix}/*" for prefix in prefixes]
    return statement(
        ["kms:Decrypt", "kms:GenerateDataKey"],
        [stack.format_arn(service="kms", resource="key", resource_name="*")],
        StringEquals={"kms:ViaService": f"s3.{Aws.REGION}.amazonaws.com"},
        StringLike={"kms:EncryptionContext:aws:s3:arn": [bucket, *files]},
    )


def _sagemaker_statements(scope: Construct, project: CustomResource, project_id: str) -> list[iam.PolicyStatement]:
    """What is made must carry the project's tag; what is used must carry it already."""

    def arn(resource: str, name: str = "*") -> str:
        return Stack.of(scope).format_arn(
            service="sagemaker", resource=resource, resource_name=name, arn_format=ArnFormat.SLASH_RESOURCE_NAME
        )

    group = project.get_att_string("ModelPackageGroupName")
    made = [arn(kind) for kind in ("pipeline", "model", "endpoint-config", "endpoint")]
    requested: dict[str, Any] = {"StringEquals": {f"aws:RequestTag/{PROJECT_TAG}": project_id}}
    tagged: dict[str, Any] = {"StringEquals": {f"aws:ResourceTag/{PROJECT_TAG}": project_id}}
    return [
        statement(
            [
                "sagemaker:CreatePipeline",
                "sagemaker:CreateModel",
                "sagemaker:CreateEndpointConfig",
                "sagemaker:CreateEndpoint",
                "sagemaker:AddTags",
            ],
            made,
            **requested,
        ),
        statement(
            [
                "sagemaker:UpdatePipeline",
                "sagemaker:DescribePipeline",
                "sagemaker:StartPipelineExecution",
                "sagemaker:ListPipelineExecutions",
                "sagemaker:DescribePipelineExecution",
                "sagemaker:ListPipelineExecutionSteps",
                "sagemaker:DescribeModel",
                "sagemaker:DeleteModel",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:DeleteEndpointConfig",
                "sagemaker:DescribeEndpoint",
                "sagemaker:UpdateEndpoint",
                "sagemaker:DeleteEndpoint",
                "sagemaker:InvokeEndpoint",
                "sagemaker:ListTags",
            ],
            made,
            **tagged,
        ),
        # CloudFormation takes off a tag that a template no longer sets; the project's tags stay on.
        statement(
            ["sagemaker:DeleteTags"],
            made,
            **tagged,
            **{"ForAllValues:StringNotLike": {"aws:TagKeys": ["AmazonDataZone*"]}},
        ),
        statement(
            [
                "sagemaker:CreateModelPackageGroup",
                "sagemaker:DescribeModelPackageGroup",
                "sagemaker:CreateModelPackage",
                "sagemaker:DescribeModelPackage",
                "sagemaker:UpdateModelPackage",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ],
            [arn("model-package-group", group), arn("model-package", f"{group}/*")],
        ),
        # SageMaker has no resource for listing.
        statement(["sagemaker:ListModelPackages"], ["*"]),
    ]


def _template_statements(
    scope: Construct, settings: Settings, project: CustomResource, project_id: str
) -> list[iam.PolicyStatement]:
    """What the templates' workflows do besides: find the Glue table, keep the endpoint's stack, change the account."""
    stack = Stack.of(scope)
    database = project.get_att_string("GlueDatabase")
    deploy_role = f"{project.get_att_string('DeployAccount')}:role/{settings.workflow_role.deploy_role}"
    return [
        statement(
            ["glue:GetTable"],
            [
                stack.format_arn(service="glue", resource=kind)
                for kind in ("catalog", f"database/{database}", f"table/{database}/*")
            ],
        ),
        statement(
            [
                "cloudformation:CreateStack",
                "cloudformation:UpdateStack",
                "cloudformation:DeleteStack",
                "cloudformation:DescribeStacks",
                "cloudformation:DescribeStackEvents",
            ],
            [stack.format_arn(service="cloudformation", resource="stack", resource_name=f"studio-{project_id}-*/*")],
        ),
        statement(["sts:AssumeRole"], [f"arn:{Aws.PARTITION}:iam::{deploy_role}"]),
    ]


def execution_role_policy(
    scope: Construct, settings: Settings, project: CustomResource, project_id: str, domain_id: str
) -> iam.CfnPolicy:
    """Give the project's role its files; the policy goes with the stack."""
    return iam.CfnPolicy(
        scope,
        "ExecutionRolePolicy",
        policy_name=Fn.join("-", [settings.prefix, project_id, "artifacts"]),
        roles=[project.get_att_string("ExecutionRoleName")],
        policy_document=iam.PolicyDocument(
            statements=artifact_statements(settings, project, artifact_prefixes(project, project_id, domain_id))
        ),
    )
