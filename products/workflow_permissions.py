"""What the roles of a project's workflows may do, statement by statement. Roles and trust are in workflow_role.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import ArnFormat, Aws, CustomResource, Fn, Stack
from aws_cdk import aws_iam as iam

from products.functions import statement
from products.settings import PRODUCTION, Settings
from products.workflow_models import bounded_models, model_statements
from products.workflow_scaling import (
    ALARMS,
    PROJECT_TAG,
    STAGE_TAG,
    bounded_scaling,
    scaling_statements,
    tags,
    tracking_alarms,
)

_OBJECTS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
_OF_THIS_ACCOUNT = {"StringEquals": {"s3:ResourceAccount": Aws.ACCOUNT_ID}}
_PIPELINES = (
    "sagemaker:UpdatePipeline",
    "sagemaker:DescribePipeline",
    "sagemaker:StartPipelineExecution",
    "sagemaker:ListPipelineExecutions",
    "sagemaker:DescribePipelineExecution",  # by its pipeline's tags (docs/studio.md, A14)
    "sagemaker:ListPipelineExecutionSteps",
)
_SERVING = (
    "sagemaker:DescribeModel",
    "sagemaker:DeleteModel",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:DeleteEndpointConfig",
    "sagemaker:DescribeEndpoint",
    "sagemaker:UpdateEndpoint",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
    "sagemaker:DeleteEndpoint",
    "sagemaker:InvokeEndpoint",
    "sagemaker:ListTags",
)
_ENDPOINT = "sagemaker:CreateEndpoint"
_SERVING_CREATED = ("sagemaker:CreateModel", "sagemaker:CreateEndpointConfig", _ENDPOINT)
_CREATED = ("sagemaker:CreatePipeline", *_SERVING_CREATED)
_SERVING_KINDS = ("model", "endpoint-config", "endpoint")
_STACK = (
    "cloudformation:CreateStack",
    "cloudformation:UpdateStack",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeStacks",
    "cloudformation:DescribeStackEvents",
)


@dataclass(frozen=True)
class Scene:
    """What a project's statements are made of."""

    stack: Stack
    settings: Settings
    project: CustomResource
    project_id: str
    domain_id: str

    def arn(self, service: str, resource: str, name: str = "*") -> str:
        """Return the ARN of a resource of this account and region."""
        return self.stack.format_arn(
            service=service, resource=resource, resource_name=name, arn_format=ArnFormat.SLASH_RESOURCE_NAME
        )

    def alarms(self, name: str) -> str:
        """Return the ARN of alarms of this account and region."""
        return self.stack.format_arn(
            service="cloudwatch", resource="alarm", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    def scaling(self, endpoint: str) -> list[iam.PolicyStatement]:
        """Return the autoscaling of the project's endpoints named so: AWS makes the names of what is scaled."""
        targets = self.arn("application-autoscaling", "scalable-target")
        return scaling_statements(targets, self.alarms(tracking_alarms(endpoint)), self.project_id)

    def models(self) -> list[iam.PolicyStatement]:
        """Return the use of the project's inference profiles, if settings.toml lists models."""
        profiles = self.arn("bedrock", "application-inference-profile")
        return model_statements(profiles, self.settings.workflow_role.bedrock_models, self.project_id)

    def prefixes(self) -> list[str]:
        """Return where the project's files are: at Studio's prefix, and where templates look.

        Templates have the bucket as a secret, and no prefix: they make it of the domain's and the project's id and the
        scope. That is Studio's own for its scope, and another below the project's when a launch names a scope.
        """
        expected = Fn.join("/", [self.domain_id, self.project_id, self.project.get_att_string("ScopeName")])
        return [self.project.get_att_string("ArtifactPrefix"), expected]


def workflow_statements(scene: Scene) -> list[iam.PolicyStatement]:
    """Return what jobs on the default branch and in all environments but production may do."""
    return [
        *artifact_statements(scene),
        _encryption_statement(scene),
        *_sagemaker_statements(scene, production=False),
        *_model_package_statements(scene),
        *_data_statements(scene),
        statement(_STACK, [scene.arn("cloudformation", "stack", f"studio-{scene.project_id}-*/*")]),
        statement(ALARMS, [scene.alarms(f"studio-{scene.project_id}-*")]),
        *(() if scene.settings.workflow_role.has_production else scene.scaling(f"studio-{scene.project_id}-")),
        *scene.models(),
        _deploy_statement(scene, _stages(scene.settings)),
        _passed_role(scene),
        *_kept_from_production(scene),
    ]


def production_statements(scene: Scene) -> list[iam.PolicyStatement]:
    """Return what the deploy repository's jobs in the environment `production` may do: serve a model, no more.

    The stack of staging is read for the model package that it serves.
    """
    stack = f"studio-{scene.project_id}"
    return [
        *artifact_statements(scene),
        _encryption_statement(scene),
        *_sagemaker_statements(scene, production=True),
        statement(
            ["sagemaker:DescribeModelPackage"],
            [scene.arn("sagemaker", "model-package", f"{_group(scene)}/*")],
        ),
        # SageMaker has no resource for listing.
        statement(["sagemaker:ListModelPackages"], ["*"]),
        statement(_STACK, [scene.arn("cloudformation", "stack", f"{stack}-{PRODUCTION}/*")]),
        statement(["cloudformation:DescribeStacks"], [scene.arn("cloudformation", "stack", f"{stack}-*/*")]),
        statement(ALARMS, [scene.alarms(f"{stack}-{PRODUCTION}-*")]),
        *scene.scaling(f"{stack}-{PRODUCTION}/"),
        *scene.models(),
        _deploy_statement(scene, (PRODUCTION,)),
        _passed_role(scene),
    ]


def artifact_statements(scene: Scene) -> list[iam.PolicyStatement]:
    """Return access to the project's files in Studio's bucket, which many projects share.

    The bucket may be told by a SageMaker domain's tags: one of another account gets no files.
    """
    bucket = _bucket(scene)
    if scene.settings.workflow_role.artifact_access == "bucket":
        return [
            statement(_OBJECTS, [f"{bucket}/*"], **_OF_THIS_ACCOUNT),
            statement(["s3:ListBucket", "s3:GetBucketLocation"], [bucket], **_OF_THIS_ACCOUNT),
        ]
    prefixes = scene.prefixes()
    return [
        statement(_OBJECTS, [f"{bucket}/{prefix}/*" for prefix in prefixes], **_OF_THIS_ACCOUNT),
        statement(
            ["s3:ListBucket"],
            [bucket],
            StringLike={"s3:prefix": [form for prefix in prefixes for form in (prefix, f"{prefix}/*")]},
            **_OF_THIS_ACCOUNT,
        ),
        statement(["s3:GetBucketLocation"], [bucket], **_OF_THIS_ACCOUNT),
    ]


def _bucket(scene: Scene) -> str:
    return f"arn:{Aws.PARTITION}:s3:::{scene.project.get_att_string('ArtifactBucket')}"


def _encryption_statement(scene: Scene) -> iam.PolicyStatement:
    """Return the use of a key of the domain's own, if it has one, through S3 and for the project's files only.

    The key is not known here. What S3 tells KMS is: the object, or for a bucket that saves such calls (S3 Bucket Keys)
    the bucket (docs/studio.md, A16).
    """
    bucket = _bucket(scene)
    whole = scene.settings.workflow_role.artifact_access == "bucket"
    files = [f"{bucket}/*"] if whole else [f"{bucket}/{prefix}/*" for prefix in scene.prefixes()]
    return statement(
        ["kms:Decrypt", "kms:GenerateDataKey"],
        [scene.arn("kms", "key")],
        StringEquals={"kms:ViaService": f"s3.{Aws.REGION}.amazonaws.com"},
        StringLike={"kms:EncryptionContext:aws:s3:arn": [bucket, *files]},
    )


def _sagemaker_statements(scene: Scene, *, production: bool) -> list[iam.PolicyStatement]:
    """What is made must carry the project's tag; what is used must carry it already, and keeps it.

    Production makes only what carries its stage, and the others neither make nor touch that. A tag is set by a
    creation (SageMaker tells IAM which one: sagemaker:TaggingAction; docs/studio.md, A32), or on what is the project's
    already.
    """
    created = _SERVING_CREATED if production else _CREATED
    made = [scene.arn("sagemaker", kind) for kind in (*_SERVING_KINDS, *(() if production else ("pipeline",)))]
    project, stage = {PROJECT_TAG: scene.project_id}, {STAGE_TAG: PRODUCTION}
    requested: dict[str, Any] = (
        {"StringEquals": tags("Request", project | stage)}
        if production
        else {"StringEquals": tags("Request", project), "StringNotEquals": tags("Request", stage)}
    )
    tagged: dict[str, Any] = {"StringEquals": tags("Resource", project)}
    if not production:
        tagged["StringNotEquals"] = tags("Resource", stage)
    creations = {"sagemaker:TaggingAction": [each.partition(":")[2] for each in created]}
    created_with_tags = {**requested, "StringEquals": requested["StringEquals"] | creations}
    not_production = {} if production else tags("Request", stage)
    return [
        statement([each for each in created if each != _ENDPOINT], made, **requested),
        # IAM asks for the endpoint and for its configuration: the one is new, the other has to be the project's.
        statement([_ENDPOINT], [scene.arn("sagemaker", "endpoint")], **requested),
        statement([_ENDPOINT], [scene.arn("sagemaker", "endpoint-config")], **tagged),
        statement(["sagemaker:AddTags"], made, **created_with_tags),
        statement(
            ["sagemaker:AddTags"],
            made,
            StringEquals=tagged["StringEquals"],
            StringEqualsIfExists=tags("Request", project),
            **({} if production else {"StringNotEquals": {**tagged["StringNotEquals"], **not_production}}),
        ),
        statement([*(() if production else _PIPELINES), *_SERVING], made, **tagged),
        # CloudFormation takes off a tag that a template no longer sets; those that say whose it is stay on.
        statement(
            ["sagemaker:DeleteTags"],
            made,
            **tagged,
            **{"ForAllValues:StringNotLike": {"aws:TagKeys": ["AmazonDataZone*", STAGE_TAG]}},
        ),
    ]


def _model_package_statements(scene: Scene) -> list[iam.PolicyStatement]:
    """Return the use of the project's model package group, which a launch creates."""
    group = _group(scene)
    places = [
        scene.arn("sagemaker", "model-package-group", group),
        scene.arn("sagemaker", "model-package", f"{group}/*"),
    ]
    return [
        statement(
            [
                "sagemaker:DescribeModelPackageGroup",
                "sagemaker:CreateModelPackage",
                "sagemaker:DescribeModelPackage",
                "sagemaker:UpdateModelPackage",
                "sagemaker:ListTags",
            ],
            places,
        ),
        statement(
            ["sagemaker:AddTags"],
            places,
            StringEqualsIfExists=tags("Request", {PROJECT_TAG: scene.project_id}),
        ),
        # SageMaker has no resource for listing.
        statement(["sagemaker:ListModelPackages"], ["*"]),
    ]


def _group(scene: Scene) -> str:
    return scene.project.get_att_string("ModelPackageGroupName")


def _data_statements(scene: Scene) -> list[iam.PolicyStatement]:
    database = scene.project.get_att_string("GlueDatabase")
    places = [
        scene.stack.format_arn(service="glue", resource=kind)
        for kind in ("catalog", f"database/{database}", f"table/{database}/*")
    ]
    return [statement(["glue:GetTable"], places)]


def _passed_role(scene: Scene) -> iam.PolicyStatement:
    return statement(
        ["iam:PassRole"],
        [scene.project.get_att_string("ExecutionRoleArn")],
        StringEquals={"iam:PassedToService": "sagemaker.amazonaws.com"},
    )


def _stages(settings: Settings) -> tuple[str, ...]:
    """Return the stages that the workflow role deploys: all but production, which has a role of its own."""
    if settings.workflow_role.has_production:
        return tuple(each for each in settings.workflow_role.environments if each != PRODUCTION) or ("staging",)
    return ("staging", PRODUCTION)


def _deploy_statement(scene: Scene, stages: tuple[str, ...]) -> iam.PolicyStatement:
    """Return the use of the project's roles in the account that serves its models."""
    account, name = scene.project.get_att_string("DeployAccount"), scene.settings.workflow_role.deploy_role
    names = [name.replace("{project}", scene.project_id).replace("{stage}", stage) for stage in stages]
    roles = [f"arn:{Aws.PARTITION}:iam::{account}:role/{each}" for each in names]
    return statement(["sts:AssumeRole"], list(dict.fromkeys(roles)))


def _kept_from_production(scene: Scene) -> list[iam.PolicyStatement]:
    """Deny production's stack and endpoint by their names, also before they exist."""
    if not scene.settings.workflow_role.has_production:
        return []
    name = f"studio-{scene.project_id}-{PRODUCTION}"
    endpoint = scene.arn("sagemaker", "endpoint", name)
    denied = [
        (_STACK, scene.arn("cloudformation", "stack", f"{name}/*")),
        (ALARMS, scene.alarms(f"{name}-*")),
        (
            (
                "sagemaker:AddTags",
                "sagemaker:CreateEndpoint",
                "sagemaker:DeleteEndpoint",
                "sagemaker:DeleteTags",
                "sagemaker:InvokeEndpoint",
                "sagemaker:UpdateEndpoint",
                "sagemaker:UpdateEndpointWeightsAndCapacities",
            ),
            endpoint,
        ),
    ]
    return [
        iam.PolicyStatement(effect=iam.Effect.DENY, actions=list(actions), resources=[place])
        for actions, place in denied
    ]


def boundary_statements(stack: Stack, settings: Settings, execution_roles: list[str]) -> list[iam.PolicyStatement]:
    """Return all that a project's workflow role can ever need: the boundary that such roles get.

    What is a project's own is known at its launch only, and its role's policy says it; here stand the services. An
    account has one boundary for all its regions.
    """
    several = settings.place is not None and len(settings.place.regions) > 1
    region = "*" if several else stack.region

    def arn(service: str, resource: str, name: str = "*", form: ArnFormat = ArnFormat.SLASH_RESOURCE_NAME) -> str:
        return stack.format_arn(service=service, region=region, resource=resource, resource_name=name, arn_format=form)

    def alarms(name: str) -> str:
        return arn("cloudwatch", "alarm", name, ArnFormat.COLON_RESOURCE_NAME)

    deploy_role = settings.workflow_role.deploy_role.replace("{project}", "*").replace("{stage}", "*")
    packages = [arn("sagemaker", kind, "aiops-*") for kind in ("model-package-group", "model-package")]
    return [
        statement([*_OBJECTS, "s3:ListBucket", "s3:GetBucketLocation"], ["*"], **_OF_THIS_ACCOUNT),
        statement(
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [arn("kms", "key")],
            **{"StringLike" if several else "StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
        ),
        statement(
            [*_CREATED, *_PIPELINES, *_SERVING, "sagemaker:AddTags", "sagemaker:DeleteTags"],
            [arn("sagemaker", kind) for kind in ("pipeline", *_SERVING_KINDS)],
        ),
        statement(
            [
                "sagemaker:AddTags",
                "sagemaker:CreateModelPackage",
                "sagemaker:DescribeModelPackage",
                "sagemaker:DescribeModelPackageGroup",
                "sagemaker:ListTags",
                "sagemaker:UpdateModelPackage",
            ],
            packages,
        ),
        statement(["sagemaker:ListModelPackages"], ["*"]),
        statement(
            ["glue:GetTable"],
            [
                stack.format_arn(service="glue", region=region, resource=kind)
                for kind in ("catalog", "database/*", "table/*")
            ],
        ),
        statement(_STACK, [arn("cloudformation", "stack", "studio-*/*")]),
        statement(ALARMS, [alarms("studio-*")]),
        *bounded_scaling(arn("application-autoscaling", "scalable-target"), alarms(tracking_alarms("studio-"))),
        *bounded_models(arn("bedrock", "application-inference-profile"), settings.workflow_role.bedrock_models),
        statement(["sts:AssumeRole"], [f"arn:{stack.partition}:iam::*:role/{deploy_role}"]),
        statement(
            ["iam:PassRole"],
            execution_roles,
            StringEquals={"iam:PassedToService": "sagemaker.amazonaws.com"},
        ),
    ]
