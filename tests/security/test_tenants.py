"""Project A's roles on project B's resources, for every action of every role, as an IAM evaluator decides.

A project's own roles: each action is allowed on what is A's, and denied on what is B's. The roles that serve all
projects (functions, launches, the doors of Studio): each action is denied on what is somebody else's in the account, or
says why IAM cannot bind it. An action that is added to a role without its case here fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from custom_resources.belief import Belief, artifact_location, execution_role
from custom_resources.caller import Installation
from custom_resources.errors import (
    LocationRefused,
    LocationUnknown,
    RoleElsewhere,
    RoleNotListed,
    RoleRefused,
    RoleUnknown,
)
from tests.security.somebody_elses import HERE, NOT_BOUND_FOR_ALL, SOMEBODY_ELSES
from tests.synth.conftest import Assembly, administered, assembly, of_type, open_doors
from tests.synth.policies import ACCOUNT, REGION, Names, allows, bounds, documents

__all__ = ["administered", "assembly", "open_doors"]  # fixtures

pytestmark = pytest.mark.shares("stacks", seconds=60)

A, B = "4mplx1v9a2b3c4", "9zqwe8r7t6y5u4"
DOMAIN, SERVING = "dzd_1a2b3c", "210987654321"
Context = Mapping[str, str]


def role_of(project: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_{project}_e1"


def names(project: str) -> Names:
    """Return what a project's template stands for: both projects are of one domain, and share its bucket."""
    told = {
        "ArtifactBucket": "shared",
        "ArtifactPrefix": f"{DOMAIN}/{project}/dev",
        "ScopeName": "dev",
        "ExecutionRoleArn": role_of(project),
        "ModelPackageGroupName": f"aiops-{project}-models",
        "GlueDatabase": f"glue_{project}",
        "DeployAccount": SERVING,
    }
    values = {f"StudioProject.{name}": value for name, value in told.items()}
    return Names(values=values | {"DomainId": DOMAIN, "ProjectId": project})


def request_tags(project: str, stage: str = "", creation: str = "") -> dict[str, str]:
    found = {"aws:requesttag/amazondatazoneproject": project}
    return (
        found
        | ({"aws:requesttag/studio:stage": stage} if stage else {})
        | ({"sagemaker:taggingaction": creation} if creation else {})
    )


def resource_tags(project: str, stage: str = "") -> dict[str, str]:
    found = {"aws:resourcetag/amazondatazoneproject": project}
    return found | ({"aws:resourcetag/studio:stage": stage} if stage else {})


@dataclass(frozen=True)
class Case:
    """An action on a resource of a project, as the project's id makes it, under the keys that the service tells IAM."""

    action: str
    resource: str
    context: Context = field(default_factory=dict, hash=False)

    def of(self, project: str) -> tuple[str, str, dict[str, str]]:
        """Return the action, the ARN and the context for a project's resource."""
        context = {key: value.replace("PROJECT", project) for key, value in self.context.items()}
        return self.action, self.resource.replace("PROJECT", project), context


def sagemaker(kind: str, name: str = "one") -> str:
    return f"arn:aws:sagemaker:{HERE}:{kind}/{name}"


def each(actions: str, *resources: str, context: Context | None = None) -> Iterator[Case]:
    service, _, rest = actions.partition(":")
    for name in rest.split():
        yield from (Case(f"{service}:{name}", resource, context or {}) for resource in resources)


FILE = f"arn:aws:s3:::shared/{DOMAIN}/PROJECT/dev/data.csv"
PREFIX = f"{DOMAIN}/PROJECT/dev"
THROUGH_S3 = {"kms:viaservice": f"s3.{REGION}.amazonaws.com", "kms:encryptioncontext:aws:s3:arn": FILE}
GROUP = (sagemaker("model-package-group", "aiops-PROJECT-models"), sagemaker("model-package", "aiops-PROJECT-models/1"))
SERVED = tuple(sagemaker(kind) for kind in ("model", "endpoint-config", "endpoint"))
SERVING_ACTIONS = (
    "sagemaker:DescribeModel DeleteModel DescribeEndpointConfig DeleteEndpointConfig DescribeEndpoint UpdateEndpoint "
    "UpdateEndpointWeightsAndCapacities DeleteEndpoint InvokeEndpoint ListTags"
)
ALARM_ACTIONS = "cloudwatch:PutMetricAlarm DeleteAlarms DescribeAlarms ListTagsForResource TagResource UntagResource"
SCALING_ACTIONS = (
    "application-autoscaling:RegisterScalableTarget DeregisterScalableTarget PutScalingPolicy DeleteScalingPolicy "
    "ListTagsForResource TagResource"
)
SCALABLE = f"arn:aws:application-autoscaling:{HERE}:scalable-target/0123"
TRACKING_ALARM = (
    f"arn:aws:cloudwatch:{HERE}:alarm:TargetTracking-endpoint/studio-PROJECT-production/variant/AllTraffic-AlarmHigh-1"
)
OF_SAGEMAKER = {"application-autoscaling:service-namespace": "sagemaker"}
STACK_ACTIONS = "cloudformation:CreateStack UpdateStack DeleteStack DescribeStacks DescribeStackEvents"


def stack(stage: str) -> str:
    return f"arn:aws:cloudformation:{HERE}:stack/studio-PROJECT-{stage}/1"


def alarm(stage: str) -> str:
    return f"arn:aws:cloudwatch:{HERE}:alarm:studio-PROJECT-{stage}-errors"


def scaled() -> Iterator[Case]:
    """Yield what the role that deploys production does with autoscaling."""
    yield from each(SCALING_ACTIONS, SCALABLE, context=resource_tags("PROJECT") | OF_SAGEMAKER)
    yield from each("cloudwatch:PutMetricAlarm DeleteAlarms DescribeAlarms", TRACKING_ALARM)
    yield from each(
        "application-autoscaling:RegisterScalableTarget TagResource",
        SCALABLE,
        context=request_tags("PROJECT") | OF_SAGEMAKER,
    )


def deploy_role(stage: str) -> str:
    return f"arn:aws:iam::{SERVING}:role/studio-deploy-PROJECT-{stage}"


def of_both(stage: str, request: str) -> Iterator[Case]:
    """Yield what both roles of a project do: `stage` is what they deploy, `request` the stage that they tag with."""
    yield from each("s3:GetObject PutObject DeleteObject AbortMultipartUpload", FILE)
    yield from each("s3:ListBucket", "arn:aws:s3:::shared", context={"s3:prefix": PREFIX})
    yield from each("kms:Decrypt GenerateDataKey", f"arn:aws:kms:{HERE}:key/1", context=THROUGH_S3)
    for kind, create in (
        ("model", "CreateModel"),
        ("endpoint-config", "CreateEndpointConfig"),
        ("endpoint", "CreateEndpoint"),
    ):
        yield from each(f"sagemaker:{create}", sagemaker(kind), context=request_tags("PROJECT", request))
        yield from each("sagemaker:AddTags", sagemaker(kind), context=request_tags("PROJECT", request, create))
    both = request_tags("PROJECT", request) | resource_tags("PROJECT", request)
    yield from each("sagemaker:CreateEndpoint", sagemaker("endpoint-config"), context=both)
    yield from each(SERVING_ACTIONS, *SERVED, context=resource_tags("PROJECT", request))
    yield from each("sagemaker:AddTags", *SERVED, context=resource_tags("PROJECT", request) | request_tags("PROJECT"))
    yield from each("sagemaker:AddTags", *SERVED, context=resource_tags("PROJECT", request))
    yield from each(
        "sagemaker:DeleteTags", *SERVED, context=resource_tags("PROJECT", request) | {"aws:tagkeys": "mine"}
    )
    yield from each("sagemaker:DescribeModelPackage", GROUP[1])
    yield from each(STACK_ACTIONS, stack(stage))
    yield from each(ALARM_ACTIONS, alarm(stage))
    yield from each("iam:PassRole", role_of("PROJECT"), context={"iam:passedtoservice": "sagemaker.amazonaws.com"})
    yield from each("sts:AssumeRole", deploy_role(stage))


OWN = {
    "WorkflowRole": (
        *of_both("staging", ""),
        *each("sagemaker:CreatePipeline", sagemaker("pipeline"), context=request_tags("PROJECT")),
        *each("sagemaker:AddTags", sagemaker("pipeline"), context=request_tags("PROJECT", creation="CreatePipeline")),
        *each("sagemaker:AddTags ListTags", sagemaker("pipeline"), context=resource_tags("PROJECT")),
        *each(
            "sagemaker:UpdatePipeline DescribePipeline StartPipelineExecution ListPipelineExecutions "
            "DescribePipelineExecution ListPipelineExecutionSteps",
            sagemaker("pipeline"),
            context=resource_tags("PROJECT"),
        ),
        *each(
            "sagemaker:DescribeModelPackageGroup CreateModelPackage UpdateModelPackage DescribeModelPackage ListTags "
            "AddTags",
            *GROUP,
        ),
        *each("sagemaker:AddTags", *GROUP, context=request_tags("PROJECT")),
        *each("glue:GetTable", f"arn:aws:glue:{HERE}:table/glue_PROJECT/abalone"),
    ),
    "ProductionRole": (
        *of_both("production", "production"),
        *each("cloudformation:DescribeStacks", stack("staging")),
        *scaled(),
    ),
}
# What IAM cannot bind to a project, by action.
NOT_BOUND = {
    "sagemaker:ListModelPackages": "SageMaker has no resource for listing: a project sees that another's models exist.",
    "s3:GetBucketLocation": "The region of the domain's bucket, which all its projects share.",
}
# The same, of production's role only.
NOT_BOUND_IN_PRODUCTION = {
    **dict.fromkeys(
        (
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:DescribeScalingPolicies",
            "application-autoscaling:DescribeScheduledActions",
        ),
        "Application Auto Scaling has no resources for describing: a project sees how another's endpoints scale.",
    ),
    "iam:CreateServiceLinkedRole": "The account's one role for scaling endpoints, which IAM makes as AWS defines it.",
}


def actions(template: Mapping[str, Any], role: str) -> set[str]:
    """Return all actions that a role's statements allow."""
    return {
        action
        for document in documents(template, role, Names())
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def test_the_projects_roles_are_those_of_this_table(assembly: Assembly) -> None:
    assert set(of_type(assembly.product, "AWS::IAM::Role")) == set(OWN)


@pytest.mark.parametrize("role", OWN)
def test_every_action_of_a_projects_role_has_a_case(assembly: Assembly, role: str) -> None:
    others = set(NOT_BOUND_IN_PRODUCTION) if role == "ProductionRole" else set()
    assert actions(assembly.product, role) == {case.action for case in OWN[role]} | set(NOT_BOUND) | others


@pytest.mark.parametrize("role", OWN)
def test_a_project_reaches_its_own_and_nothing_of_anothers(assembly: Assembly, role: str) -> None:
    template, ours = assembly.product, names(A)
    for case in OWN[role]:
        action, resource, context = case.of(A)
        assert allows(template, role, action, resource, context=context, names=ours), case
        assert bounds(assembly.portfolio, action, resource, context=context), ("the boundary", case)
        action, resource, context = case.of(B)
        assert not allows(template, role, action, resource, context=context, names=ours), case


@pytest.mark.parametrize("role", OWN)
@pytest.mark.parametrize("kind", ["pipeline", "model", "endpoint-config", "endpoint"])
def test_no_tag_moves_a_resource_from_project_to_project(assembly: Assembly, role: str, kind: str) -> None:
    def may(action: str, context: Context) -> bool:
        return allows(assembly.product, role, action, sagemaker(kind), context=context, names=names(A))

    stages = ("", "staging", "production")
    # B's becomes A's: by a tag, whatever else is in the request. SageMaker tells a TaggingAction in creations only.
    for stage in stages:
        assert not may("sagemaker:AddTags", request_tags(A, stage))
        assert not may("sagemaker:AddTags", request_tags(A, stage) | resource_tags(B))
        assert not may("sagemaker:AddTags", request_tags(A, stage, "UpdateEndpoint") | resource_tags(B))
        assert not may("sagemaker:AddTags", {"aws:tagkeys": "mine"} | resource_tags(B, stage))
    # A's becomes B's, or nobody's.
    for stage in stages:
        assert not may("sagemaker:AddTags", request_tags(B) | resource_tags(A, stage))
        for key in ("AmazonDataZoneProject", "AmazonDataZoneDomain", "studio:stage"):
            assert not may("sagemaker:DeleteTags", {"aws:tagkeys": key} | resource_tags(A, stage))
    # What nobody's tag is on stays nobody's.
    assert not may("sagemaker:AddTags", request_tags(A))
    for creation in ("CreatePipeline", "CreateModel", "CreateEndpointConfig", "CreateEndpoint"):
        assert not may(f"sagemaker:{creation}", {})
        for stage in stages:
            assert not may("sagemaker:AddTags", request_tags(B, stage, creation))


@pytest.mark.parametrize("role", OWN)
def test_no_endpoint_is_made_of_another_projects_configuration(assembly: Assembly, role: str) -> None:
    """IAM asks for both, the endpoint and its configuration (service authorization reference)."""
    configuration = sagemaker("endpoint-config").replace("PROJECT", A)
    for stage in ("", "staging", "production"):
        context = request_tags(A, stage) | resource_tags(B, stage)
        assert not allows(
            assembly.product, role, "sagemaker:CreateEndpoint", configuration, context=context, names=names(A)
        )


def test_autoscaling_is_of_endpoints_and_of_targets_that_are_no_other_projects(assembly: Assembly) -> None:
    def may(action: str, context: Context) -> bool:
        name = f"application-autoscaling:{action}"
        return allows(assembly.product, "ProductionRole", name, SCALABLE, context=context, names=names(A))

    for action in ("RegisterScalableTarget", "TagResource"):
        # B's target, with A's tag in the request; A's, with B's.
        assert not may(action, request_tags(A) | resource_tags(B) | OF_SAGEMAKER)
        assert not may(action, request_tags(B) | resource_tags(A) | OF_SAGEMAKER)
        assert not may(action, OF_SAGEMAKER)  # nobody's tag
    other = {"application-autoscaling:service-namespace": "dynamodb"}
    assert not may("RegisterScalableTarget", request_tags(A) | other)
    assert not may("PutScalingPolicy", resource_tags(A) | other)
    roles = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role"
    role = "sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    for arn, service, allowed in (
        (f"{roles}/{role}", "sagemaker.application-autoscaling.amazonaws.com", True),
        (f"{roles}/{role}", "ec2.amazonaws.com", False),
        (f"{roles}/autoscaling.amazonaws.com/x", "sagemaker.application-autoscaling.amazonaws.com", False),
    ):
        context = {"iam:awsservicename": service}
        found = allows(
            assembly.product, "ProductionRole", "iam:CreateServiceLinkedRole", arn, context=context, names=names(A)
        )
        assert found == allowed


@pytest.mark.parametrize("role", OWN)
def test_no_model_of_another_project_is_found_or_touched(assembly: Assembly, role: str) -> None:
    """An endpoint configuration may name any model (docs/decisions/0099): so nobody learns another's, or changes it."""
    own = actions(assembly.product, role)
    assert {action for action in own if action.endswith("Model")} == {
        f"sagemaker:{verb}Model" for verb in ("Create", "Delete", "Describe")
    }
    assert not own & {f"sagemaker:{name}" for name in ("ListModels", "ListEndpointConfigs", "ListEndpoints", "Search")}
    for stage in ("", "staging", "production"):
        for action in ("DescribeModel", "DeleteModel", "AddTags", "DeleteTags", "ListTags"):
            context = resource_tags(B, stage) | {"aws:tagkeys": "mine"}
            model = sagemaker("model")
            assert not allows(assembly.product, role, f"sagemaker:{action}", model, context=context, names=names(A))


@pytest.mark.parametrize("place", GROUP)
def test_a_models_tags_stay_the_projects(assembly: Assembly, place: str) -> None:
    arn = place.replace("PROJECT", A)
    context = request_tags(B)
    assert not allows(assembly.product, "WorkflowRole", "sagemaker:AddTags", arn, context=context, names=names(A))
    assert "sagemaker:CreateModelPackageGroup" not in actions(assembly.product, "WorkflowRole")


@pytest.mark.parametrize("role", OWN)
def test_keys_and_roles_are_used_through_the_service_that_they_are_for(assembly: Assembly, role: str) -> None:
    key, file = f"arn:aws:kms:{HERE}:key/1", {name: value.replace("PROJECT", A) for name, value in THROUGH_S3.items()}
    for other in ("secretsmanager", "dynamodb"):
        context = file | {"kms:viaservice": f"{other}.{REGION}.amazonaws.com"}
        assert not allows(assembly.product, role, "kms:Decrypt", key, context=context, names=names(A))
    for service in ("ec2", "lambda", "cloudformation"):
        context = {"iam:passedtoservice": f"{service}.amazonaws.com"}
        assert not allows(assembly.product, role, "iam:PassRole", role_of(A), context=context, names=names(A))


# -- what becomes a policy -----------------------------------------------------------------------------------------

BELIEFS: tuple[Belief, ...] = ("studio", "kept", "administrator", "nothing")
OURS = f"s3://shared/{DOMAIN}/{A}/dev"
FOREIGN_PLACES = (
    f"s3://shared/{DOMAIN}/{B}/dev",  # of a SageMaker domain that carries A's tags, and B's location
    f"s3://shared/other-domain/{A}/dev",
    "s3://shared",
    f"s3://shared/{DOMAIN}/{A}-2/dev",
    f"s3://shared/{DOMAIN}/{A}/../{B}/dev",
    f"s3://*/{DOMAIN}/{A}/dev",
    f"s3://shared-?/{DOMAIN}/{A}/dev",
    f"s3://shared/*/{DOMAIN}/{A}/dev",
    f"s3://shared/{DOMAIN}/{A}/*",
    f"s3://shared/{DOMAIN}/{A}/${{aws:PrincipalTag/x}}",
)


@pytest.mark.parametrize("place", FOREIGN_PLACES)
@pytest.mark.parametrize("belief", BELIEFS)
def test_a_location_that_a_domain_tells_is_the_projects_or_none(place: str, belief: Belief) -> None:
    """Anybody who may create SageMaker domains writes their tags."""
    with pytest.raises((LocationUnknown, LocationRefused)):
        artifact_location("", place, belief, domain_id=DOMAIN, project_id=A, scope="dev")


@pytest.mark.parametrize("place", FOREIGN_PLACES)
def test_a_location_that_a_launch_is_told_is_the_projects_or_none(place: str) -> None:
    for known in ("", OURS):
        for belief in ("administrator", "nothing"):
            try:
                found = artifact_location(place, known, belief, domain_id=DOMAIN, project_id=A, scope="dev")
            except (LocationUnknown, LocationRefused):
                continue
            assert found.startswith(OURS)


@pytest.mark.parametrize("role", OWN)
def test_a_bucket_of_another_account_gets_none_of_the_projects_files(assembly: Assembly, role: str) -> None:
    """Also where its location has the project's form: it is told by whoever made a SageMaker domain with its tags."""
    elsewhere = {"s3:resourceaccount": SERVING}
    for case in OWN[role]:
        action, resource, context = case.of(A)
        if action.startswith("s3:"):
            found = allows(assembly.product, role, action, resource, context=context | elsewhere, names=names(A))
            assert not found, case
            assert not bounds(assembly.portfolio, action, resource, context=context | elsewhere), case


@pytest.mark.parametrize("belief", BELIEFS)
@pytest.mark.parametrize("name", ["datazone_usr_role_*", "datazone_usr_role_?", "*", "role/${aws:username}", "a b"])
def test_no_wildcard_in_a_roles_name_becomes_a_policy(belief: Belief, name: str) -> None:
    stack_id, arn = f"arn:aws:cloudformation:{HERE}:stack/SC-1/1", f"arn:aws:iam::{ACCOUNT}:role/{name}"
    installation = Installation("p", "s", ("*",))
    for given, known in ((arn, ()), (arn, (arn,)), ("", (arn,))):
        with pytest.raises((RoleElsewhere, RoleRefused, RoleUnknown, RoleNotListed)):
            execution_role(given, known, belief, project_id=A, stack_id=stack_id, installation=installation)


# -- production ----------------------------------------------------------------------------------------------------


def test_staging_and_the_default_branch_touch_nothing_of_production(assembly: Assembly) -> None:
    def may(role: str, action: str, resource: str, context: Context | None = None) -> bool:
        return allows(assembly.product, role, action, resource, context=context, names=names(A))

    endpoint = sagemaker("endpoint", f"studio-{A}-production")
    own_stack, own_role = stack("production").replace("PROJECT", A), deploy_role("production").replace("PROJECT", A)
    for case in each(SERVING_ACTIONS, *SERVED, endpoint, context=resource_tags(A, "production")):
        assert not may("WorkflowRole", case.action, case.resource, case.context), case
        assert may("ProductionRole", case.action, case.resource, case.context), case
    for case in each(STACK_ACTIONS, own_stack):
        assert not may("WorkflowRole", case.action, case.resource), case
        assert may("ProductionRole", case.action, case.resource), case
    for case in each(ALARM_ACTIONS, alarm("production").replace("PROJECT", A)):
        assert not may("WorkflowRole", case.action, case.resource), case
        assert may("ProductionRole", case.action, case.resource), case
    assert not may("WorkflowRole", "sts:AssumeRole", own_role)
    # Neither by the tag, nor by the name of what does not exist yet or has no stage (from before there were any).
    for kind, create in (
        ("model", "CreateModel"),
        ("endpoint-config", "CreateEndpointConfig"),
        ("endpoint", "CreateEndpoint"),
    ):
        production = request_tags(A, "production")
        assert not may("WorkflowRole", f"sagemaker:{create}", sagemaker(kind), production)
        assert not may("WorkflowRole", "sagemaker:AddTags", sagemaker(kind), request_tags(A, "production", create))
        assert not may("WorkflowRole", "sagemaker:AddTags", sagemaker(kind), production | resource_tags(A))
        # Production makes nothing that the others could touch.
        assert not may("ProductionRole", f"sagemaker:{create}", sagemaker(kind), request_tags(A))
        assert not may("ProductionRole", f"sagemaker:{create}", sagemaker(kind), request_tags(A, "staging"))
        assert not may("ProductionRole", "sagemaker:AddTags", sagemaker(kind), request_tags(A, creation=create))
        production = resource_tags(A, "production")
        assert not may("WorkflowRole", "sagemaker:AddTags", sagemaker(kind), production)
        assert not may("WorkflowRole", "sagemaker:DeleteTags", sagemaker(kind), production | {"aws:tagkeys": "mine"})
    assert not may("WorkflowRole", "sagemaker:CreateEndpoint", endpoint, request_tags(A))
    assert not may("WorkflowRole", "sagemaker:UpdateEndpoint", endpoint, resource_tags(A))
    assert not may("WorkflowRole", "sagemaker:AddTags", endpoint, resource_tags(A))


# -- the boundary ----------------------------------------------------------------------------------------------------


def test_the_boundary_makes_no_administrator(assembly: Assembly) -> None:
    """Whatever policy the launch role writes: a role under the boundary does what workflows do, and nothing besides."""
    (policy,) = of_type(assembly.portfolio, "AWS::IAM::ManagedPolicy").values()
    bounded = {
        action
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert bounded == actions(assembly.product, "WorkflowRole") | actions(assembly.product, "ProductionRole")
    admin = f"arn:aws:iam::{ACCOUNT}:role/Admin"
    for action in ("iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:CreateUser", "sts:AssumeRole"):
        assert not bounds(assembly.portfolio, action, admin)
    to_sagemaker = {"iam:passedtoservice": "sagemaker.amazonaws.com"}
    assert not bounds(assembly.portfolio, "iam:PassRole", admin, context=to_sagemaker)
    assert not bounds(
        assembly.portfolio, "iam:PassRole", role_of(A), context={"iam:passedtoservice": "ec2.amazonaws.com"}
    )
    assert not bounds(assembly.portfolio, "secretsmanager:GetSecretValue", "*")


def test_the_boundary_passes_every_role_that_pipelines_run_as(assembly: Assembly, administered: Assembly) -> None:
    to_sagemaker = {"iam:passedtoservice": "sagemaker.amazonaws.com"}
    classic = f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonSageMakerServiceCatalogProductsUseRole"
    own = f"arn:aws:iam::{ACCOUNT}:role/Pipelines"  # [product] classic_execution_roles
    for role in (role_of(A), classic):
        assert bounds(assembly.portfolio, "iam:PassRole", role, context=to_sagemaker)
    assert bounds(administered.portfolio, "iam:PassRole", own, context=to_sagemaker)
    assert not bounds(assembly.portfolio, "iam:PassRole", own, context=to_sagemaker)


# -- roles that serve all projects -----------------------------------------------------------------------------------


def shared_roles(found: Assembly) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each role of the stacks, with its template."""
    for template in (found.foundation, found.portfolio, found.template("StudioStack.template.json")):
        yield from ((template, role) for role in of_type(template, "AWS::IAM::Role"))


def why_not_bound(role: str, action: str) -> str:
    """Return the key of the reason for which a role's action is not bound to what is ours, "" without one."""
    service = action.partition(":")[0]
    keys = [service, action, *(key for key in NOT_BOUND_FOR_ALL if " " in key and key.split()[1] == action)]
    found = (key for key in keys if key in NOT_BOUND_FOR_ALL and key.split()[0] in (role, service, action, _kind(role)))
    return next(found, "")


def _kind(role: str) -> str:
    """Return a role's name without the CDK's hash; waiters' share one."""
    name = role[:-8] if role[-8:].isalnum() and role[-8:].upper() == role[-8:] else role
    return "waiterstatemachineRole" if name.endswith("waiterstatemachineRole") else name


def test_no_role_of_the_stacks_reaches_what_is_somebody_elses(open_doors: Assembly) -> None:
    used: set[str] = set()
    for template, role in shared_roles(open_doors):
        for action in sorted(actions(template, role)):
            if why := why_not_bound(role, action):
                used.add(why)
                continue
            assert action in SOMEBODY_ELSES, f"{role} may {action}: add its case to this table"
            assert not allows(template, role, action, SOMEBODY_ELSES[action]), (role, action)
    assert used == set(NOT_BOUND_FOR_ALL)


def test_no_role_but_the_frameworks_asks_what_an_update_would_do(assembly: Assembly, open_doors: Assembly) -> None:
    """The answer names files of any project: whoever asks is an administrator (docs/decisions/0117)."""
    function = f"arn:aws:lambda:{HERE}:function:studio-mlops-repository-template"
    for role in of_type(assembly.product, "AWS::IAM::Role"):
        for arn in (function, f"{function}:1"):
            assert not allows(assembly.product, role, "lambda:InvokeFunction", arn, names=names(A)), role
    assert not bounds(assembly.portfolio, "lambda:InvokeFunction", function)
    may = {
        _kind(role)
        for template, role in shared_roles(open_doors)
        if allows(template, role, "lambda:InvokeFunction", function)
    }
    assert may == {"RepositoryTemplateOnEventRole", "RepositoryTemplateIsCompleteRole"}
    opened = of_type(open_doors.foundation, "AWS::Lambda::Permission").values()
    assert not [each for each in opened if "RepositoryTemplate" in str(each["Properties"]["FunctionName"])]


def test_no_project_has_a_hand_in_a_rollout(assembly: Assembly, open_doors: Assembly) -> None:
    """It updates every project: project A can start, steer or end none, nor write what became of B."""
    budget = next(iter(of_type(assembly.foundation, "AWS::DynamoDB::Table")))
    archives = next(iter(of_type(assembly.foundation, "AWS::S3::Bucket")))
    resolved = Names().resolved
    table = str(resolved(assembly.foundation, {"Fn::GetAtt": [budget, "Arn"]}))
    results = f"{resolved(assembly.foundation, {'Fn::GetAtt': [archives, 'Arn']})}/rollouts/r1/results/pp-b.json"
    machines = [f"arn:aws:states:{HERE}:stateMachine:studio-mlops-{name}" for name in ("rollout", "update-project")]
    attempts = [
        *(("states:StartExecution", machine) for machine in machines),
        *(("states:StopExecution", f"{each.replace('stateMachine', 'execution')}:r1-1") for each in machines),
        *((f"dynamodb:{verb}", table) for verb in ("GetItem", "PutItem", "UpdateItem", "DeleteItem")),
        *((f"s3:{verb}", results) for verb in ("GetObject", "PutObject", "DeleteObject")),
        ("servicecatalog:UpdateProvisionedProduct", "*"),
    ]
    context = {"dynamodb:leadingkeys": "rollout", "servicecatalog:accountlevel": "self"}
    for action, arn in attempts:
        for role in of_type(assembly.product, "AWS::IAM::Role"):
            assert not allows(assembly.product, role, action, arn, context=context, names=names(A)), (role, action)
        # Below, the boundary is a limit of files and no grant.
        assert action.startswith("s3:") or not bounds(assembly.portfolio, action, arn), action
    for machine in machines:
        starts = {
            _kind(role)
            for found, role in shared_roles(open_doors)
            if allows(found, role, "states:StartExecution", machine)
        }
        assert starts == {"RolloutRole"}


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"])
@pytest.mark.parametrize("prefix", ["wf", "production"])
def test_the_launch_role_makes_no_role_without_a_boundary(assembly: Assembly, action: str, prefix: str) -> None:
    (launch,) = (
        name
        for name, role in of_type(assembly.portfolio, "AWS::IAM::Role").items()
        if role["Properties"].get("RoleName") == "studio-mlops-launch"
    )
    role = f"arn:aws:iam::{ACCOUNT}:role/studio-mlops-{prefix}-{A}"
    shipped = f"arn:aws:iam::{ACCOUNT}:policy/studio-mlops-workflow-boundary"
    for boundary in ("", "arn:aws:iam::aws:policy/AdministratorAccess", f"{shipped}-2", f"{shipped[:-1]}"):
        context = {"iam:permissionsboundary": boundary} if boundary else {}
        assert not allows(assembly.portfolio, launch, action, role, context=context)
    assert allows(assembly.portfolio, launch, action, role, context={"iam:permissionsboundary": shipped})
    assert not {each for each in actions(assembly.portfolio, launch) if each.startswith(("iam:Attach", "iam:Pass"))}
    trust = assembly.portfolio["Resources"][launch]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert [statement["Condition"] for statement in trust] == [
        {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    ]


@pytest.mark.parametrize("name", ["studio-mlops-wf-x", "studio-mlops-production-x"])
def test_no_role_takes_the_boundary_off(open_doors: Assembly, name: str) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    for template, role in shared_roles(open_doors):
        for action in ("iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"):
            assert not allows(template, role, action, arn)
