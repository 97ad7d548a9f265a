"""Each role that deploys resources holds what CloudFormation's handlers of their types call, in the caller's name.

What a handler calls is in the schemas that cfn-lint ships (`handlers`, AWS's resource provider schemas). A permission
that a role lacks fails, unless it is listed here with the reason why a deployment never needs it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from products.settings import PROJECT_ROOT
from tests.synth.conftest import (
    STUDIO_SETTINGS,
    Assembly,
    handlers,
    of_type,
    publish,
    shared,
    synthesized,
    with_settings,
)
from tests.synth.policies import ACCOUNT, REGION, Names, allows

pytestmark = pytest.mark.shares("stacks", seconds=60)

CLOUDFORMATION = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack"
SAGEMAKER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
ALARM = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm"
SCALING_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
PROJECT_TAG = "amazondatazoneproject"
PRODUCTION = {"aws:requesttag/studio:stage": "production", "aws:resourcetag/studio:stage": "production"}


@dataclass(frozen=True)
class Deployed:
    """A resource that a role deploys. `arns`: what its handlers' calls are on, by the action's pattern, first match."""

    role: str
    kind: str
    arns: Mapping[str, str]
    context: Mapping[str, str]


DEPLOYED = (
    Deployed(
        "provisioning",
        "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
        {
            "servicecatalog:(ProvisionProduct|DescribeProduct)": f"arn:aws:catalog:{REGION}:{ACCOUNT}:product/prod-1",
            "servicecatalog:.*": "*",
            "cloudformation:ListStacks": "*",
            "cloudformation:.*": f"{CLOUDFORMATION}/SC-{ACCOUNT}-pp-1/1",
        },
        {},
    ),
    Deployed(
        "launch",
        "AWS::IAM::Role",
        {"iam:.*": f"arn:aws:iam::{ACCOUNT}:role/studio-mlops-wf-p1"},
        {"iam:permissionsboundary": f"arn:aws:iam::{ACCOUNT}:policy/studio-mlops-workflow-boundary"},
    ),
    Deployed("launch", "AWS::IAM::Policy", {"iam:.*": f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_p1_e1"}, {}),
    *(
        Deployed(
            role,
            f"AWS::SageMaker::{kind}",
            {"iam:PassRole": f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_p1_e1", ".*": f"{SAGEMAKER}:{place}/one"},
            {
                f"aws:requesttag/{PROJECT_TAG}": "p1",
                f"aws:resourcetag/{PROJECT_TAG}": "p1",
                "aws:tagkeys": "team",
                "iam:passedtoservice": "sagemaker.amazonaws.com",
                **stage,
            },
        )
        for role, stage in (("workflow", {}), ("production", PRODUCTION))
        for kind, place in (("Model", "model"), ("EndpointConfig", "endpoint-config"), ("Endpoint", "endpoint"))
    ),
    *(
        Deployed(role, "AWS::CloudWatch::Alarm", {".*": f"{ALARM}:studio-p1-{stage}-errors"}, {})
        for role, stage in (("workflow", "staging"), ("production", "production"))
    ),
    *(
        Deployed(
            "production",
            f"AWS::ApplicationAutoScaling::{kind}",
            {
                "application-autoscaling:Describe.*": "*",
                "application-autoscaling:.*": f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/1",
                "cloudwatch:.*": f"{ALARM}:TargetTracking-endpoint/studio-p1-production/variant/AllTraffic-AlarmLow-1",
                "iam:CreateServiceLinkedRole": SCALING_ROLE,
            },
            {
                f"aws:requesttag/{PROJECT_TAG}": "p1",
                f"aws:resourcetag/{PROJECT_TAG}": "p1",
                "application-autoscaling:service-namespace": "sagemaker",
                "iam:awsservicename": "sagemaker.application-autoscaling.amazonaws.com",
            },
        )
        for kind in ("ScalableTarget", "ScalingPolicy")
    ),
)
# Only production's endpoints run on instances whose number changes.
PRODUCTION_ONLY = {"AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"}
_LISTS = "Only resource scans and imports list resources; a deployment reads the one that it made."
_OTHER_PRINCIPALS = "The product's policy names roles only, no users and no groups."
_NO_MANAGED_POLICIES = "The workflow role has inline policies only, no managed ones."
_LAUNCH_ROLE_DOES = (
    "Service Catalog makes the launch's stack with the launch role, which has it (LaunchRoleConstraint)."
)
# (role, type, permission) -> why it is not needed. Each must be a gap.
NOT_NEEDED = {
    ("provisioning", "CloudFormationProvisionedProduct", "servicecatalog:ScanProvisionedProducts"): _LISTS,
    ("provisioning", "CloudFormationProvisionedProduct", "cloudformation:CreateStack"): _LAUNCH_ROLE_DOES,
    ("provisioning", "CloudFormationProvisionedProduct", "cloudformation:UpdateStack"): _LAUNCH_ROLE_DOES,
    ("provisioning", "CloudFormationProvisionedProduct", "cloudformation:DeleteStack"): _LAUNCH_ROLE_DOES,
    ("launch", "Role", "iam:ListRoles"): _LISTS,
    ("launch", "Role", "iam:DeleteRolePermissionsBoundary"): "Every version's roles have a boundary.",
    ("launch", "Role", "iam:AttachRolePolicy"): _NO_MANAGED_POLICIES,
    ("launch", "Role", "iam:DetachRolePolicy"): _NO_MANAGED_POLICIES,
    **{
        ("launch", "Policy", f"iam:{action}{kind}Policy"): _OTHER_PRINCIPALS
        for action in ("Get", "Put", "Delete")
        for kind in ("User", "Group")
    },
    **{
        (role, kind, f"sagemaker:List{kind}s"): _LISTS
        for role in ("workflow", "production")
        for kind in ("Model", "EndpointConfig", "Endpoint")
    },
    **{
        (role, "EndpointConfig", "kms:DescribeKey"): "The template's endpoint configuration names no key."
        for role in ("workflow", "production")
    },
    **{
        ("production", "ScalableTarget", f"application-autoscaling:{action}"): "The template schedules nothing."
        for action in ("PutScheduledAction", "DeleteScheduledAction")
    },
    **{
        ("production", "ScalableTarget", f"lambda:{action}ProvisionedConcurrencyConfig"): "Only for Lambda's functions."
        for action in ("Get", "Put", "Delete")
    },
    ("production", "ScalableTarget", "iam:PassRole"): "The service's own role scales: the template names none.",
    ("production", "ScalableTarget", "application-autoscaling:UntagResource"): "The stack's tags never change.",
    ("production", "ScalingPolicy", "cloudwatch:GetMetricData"): "For predictive scaling only; ours tracks a target.",
}
VALUES = {"StudioProject.ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_p1_e1", "ProjectId": "p1"}
NAMES = Names(values=VALUES)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Everything of Studio, and the policy on projects' own roles."""

    def make(folder: Path) -> None:
        publish(folder / "versions", "v1.0.0")
        text = f"{STUDIO_SETTINGS}\n[workflow_role]\ngrant_execution_role_files = true\n"
        text += 'environments = ["staging", "production"]\n'
        synthesized(folder / "versions", folder / "cdk.out", with_settings(folder, text))

    return shared(tmp_path_factory, "handlers", make)


def template_of(role: str, assembly: Assembly) -> tuple[dict[str, Any], str]:
    """Return the template that has a role, and the role's logical id."""
    if role in ("workflow", "production"):
        return assembly.product, f"{role.capitalize()}Role"
    template = assembly.template("StudioStack.template.json") if role == "provisioning" else assembly.portfolio
    (logical,) = (
        name
        for name, resource in of_type(template, "AWS::IAM::Role").items()
        if resource["Properties"].get("RoleName") == f"studio-mlops-{role}"
    )
    return template, logical


def known(template: dict[str, Any]) -> Names:
    """Return what references stand for, with the product's id where PortfolioStack's export of it is imported."""
    exported = re.findall(r"PortfolioStack:ExportsOutputRefProduct\w+", json.dumps(template))
    return Names(values={**VALUES, **dict.fromkeys(exported, "prod-1")})


def gaps(deployed: Deployed, assembly: Assembly) -> set[tuple[str, str, str]]:
    """Return the permissions of the type's handlers that the role has not."""
    template, logical = template_of(deployed.role, assembly)
    missing = set()
    for permission in handlers(deployed.kind):
        # Some schemas write servicecatalog:provisionProduct; IAM compares actions without regard to case.
        service, _, name = permission.partition(":")
        action = f"{service}:{name[:1].upper()}{name[1:]}"
        arn = next((arn for pattern, arn in deployed.arns.items() if re.fullmatch(pattern, action)), "*")
        if not allows(template, logical, action, arn, context=deployed.context, names=known(template)):
            missing.add((deployed.role, deployed.kind.rpartition(":")[2], action))
    return missing


HANDLE = "AWS::CloudFormation::WaitConditionHandle"


@pytest.mark.parametrize("deployed", DEPLOYED, ids=lambda each: f"{each.role}: {each.kind}")
def test_a_role_holds_what_the_handlers_of_its_resources_call(deployed: Deployed, everything: Assembly) -> None:
    excused = {key for key in NOT_NEEDED if key[:2] == (deployed.role, deployed.kind.rpartition(":")[2])}
    assert gaps(deployed, everything) == excused


def test_every_type_that_a_role_deploys_is_compared(everything: Assembly) -> None:
    blueprint = everything.template("*LaunchBlueprint*.product.template.json")
    infrastructure = "\n".join(
        path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "templates").glob("*/*/infrastructure/*.yaml")
    )
    serving = re.findall(r"^    Type: (AWS::\S+)", infrastructure, re.MULTILINE)
    types = {
        "provisioning": {resource["Type"] for resource in blueprint["Resources"].values()},
        "launch": {resource["Type"] for resource in everything.product["Resources"].values()},
        "workflow": set(serving) - PRODUCTION_ONLY,
        "production": set(serving),
    }
    for role, found in types.items():
        compared = {deployed.kind for deployed in DEPLOYED if deployed.role == role}
        # Custom resources have no handlers: CloudFormation invokes their functions. It makes a handle without a call.
        called = {kind for kind in found if not kind.startswith("Custom::")} - {HANDLE}
        assert compared == called, role


def test_a_schema_that_asks_for_more_is_noticed(everything: Assembly) -> None:
    """The comparison itself: without a statement its permissions are gaps."""
    deployed = DEPLOYED[0]
    template, logical = template_of("provisioning", everything)
    for resource in of_type(template, "AWS::IAM::Policy").values():
        if {"Ref": logical} in resource["Properties"]["Roles"]:
            statements = resource["Properties"]["PolicyDocument"]["Statement"]
            resource["Properties"]["PolicyDocument"]["Statement"] = [
                each for each in statements if "servicecatalog:TagResource" not in each["Action"]
            ]
    tags = {"servicecatalog:TagResource", "servicecatalog:UntagResource", "servicecatalog:ListTagsForResource"}
    for action in tags:
        assert not allows(template, logical, action, "*", names=NAMES)
    assert tags <= set(handlers(deployed.kind))


def test_traced_waiters_may_ask_what_to_sample(administered: Assembly) -> None:
    roles = [name for name in of_type(administered.foundation, "AWS::IAM::Role") if "waiterstatemachine" in name]
    assert roles
    for role in roles:
        for action in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets"):
            assert allows(administered.foundation, role, f"xray:{action}", "*"), (role, action)


def test_a_workflow_never_takes_the_projects_tag_off(everything: Assembly) -> None:
    model, tagged = f"{SAGEMAKER}:model/one", {f"aws:resourcetag/{PROJECT_TAG}": "p1"}

    def may(key: str, **context: str) -> bool:
        keys = {**context, "aws:tagkeys": key}
        return allows(everything.product, "WorkflowRole", "sagemaker:DeleteTags", model, context=keys, names=NAMES)

    assert may("team", **tagged)
    assert not may("AmazonDataZoneProject", **tagged)
    assert not may("team", **{f"aws:resourcetag/{PROJECT_TAG}": "p2"})
    assert not may("team")
