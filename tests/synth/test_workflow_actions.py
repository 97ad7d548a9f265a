"""The workflow role holds what the shipped templates call and what docs/templates.md promises, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session

from products.settings import PROJECT_ROOT
from tests.synth.conftest import Assembly
from tests.synth.policies import Names, allows, documents

TEMPLATES = PROJECT_ROOT / "templates"
PROFILES = sorted(each.name for each in TEMPLATES.iterdir() if each.is_dir())
SERVICES = ("cloudformation", "glue", "s3", "sagemaker", "sts")  # also the names of variables that hold a client
# IAM's names, where they are not the operation's. "" = IAM asks for no permission.
IAM_NAMES = {"s3:ListObjectsV2": "s3:ListBucket", "sts:GetCallerIdentity": ""}

# Calls that a template leaves to CloudFormation, or makes on clients of another name: the text that leads to them, in
# which file of the first profile (tests/templates/one_tree.py holds the others to its files). CloudFormation's are read
# from the handlers' permissions of its schemas.
LED_TO = {
    ("model_build/pipelines/execution.py", "RoleArn=role_arn"): "iam:PassRole",
    ("model_build/pipelines/execution.py", "Tags=["): "sagemaker:AddTags",
    ("model_deploy/infrastructure/endpoint.yaml", "Type: AWS::SageMaker::Model\n"): (
        "sagemaker:CreateModel DescribeModel DeleteModel DeleteTags ListTags"
    ),
    ("model_deploy/infrastructure/endpoint.yaml", "Type: AWS::SageMaker::EndpointConfig\n"): (
        "sagemaker:CreateEndpointConfig DescribeEndpointConfig DeleteEndpointConfig"
    ),
    ("model_deploy/infrastructure/endpoint.yaml", "Type: AWS::SageMaker::Endpoint\n"): (
        "sagemaker:CreateEndpoint DescribeEndpoint UpdateEndpoint DeleteEndpoint"
    ),
    ("model_deploy/infrastructure/endpoint.yaml", "Type: AWS::CloudWatch::Alarm\n"): (
        "cloudwatch:PutMetricAlarm DeleteAlarms DescribeAlarms ListTagsForResource TagResource UntagResource"
    ),
    ("model_deploy/deployment/smoke_test.py", "runtime.invoke_endpoint("): "sagemaker:InvokeEndpoint",
}
# The same, of what production alone has.
LED_TO_IN_PRODUCTION = {
    ("model_deploy/infrastructure/endpoint.yaml", "Type: AWS::ApplicationAutoScaling::ScalableTarget\n"): (
        "application-autoscaling:RegisterScalableTarget DeregisterScalableTarget DescribeScalableTargets "
        "DescribeScheduledActions TagResource ListTagsForResource",
        "iam:CreateServiceLinkedRole",
    ),
    ("model_deploy/infrastructure/endpoint.yaml", "Type: AWS::ApplicationAutoScaling::ScalingPolicy\n"): (
        "application-autoscaling:PutScalingPolicy DeleteScalingPolicy DescribeScalingPolicies",
    ),
}
# What docs/templates.md promises to templates of one's own, beyond what ours calls: its words, and the actions.
PROMISED = {
    "read and write the project's prefix of the artifact bucket": (
        "s3:DeleteObject AbortMultipartUpload GetBucketLocation",
        "kms:Decrypt GenerateDataKey",  # the domain's key, if it has one
    ),
    "create SageMaker pipelines, models, endpoint configurations and endpoints": (
        "sagemaker:ListPipelineExecutions UpdateEndpointWeightsAndCapacities",
    ),
    "use the project's model package group": (
        "sagemaker:DescribeModelPackageGroup CreateModelPackage UpdateModelPackage",
    ),
    "look up tables of the project's Glue database": ("glue:GetTable",),
}


def actions(text: str) -> set[str]:
    """Return the actions of a text such as `s3:GetObject PutObject`."""
    service, _, names = text.partition(":")
    return {f"{service}:{name}" for name in names.split()}


@cache
def operations(service: str) -> dict[str, str]:
    """Return the IAM action of each method of a boto3 client."""
    named = {xform_name(name): f"{service}:{name}" for name in get_session().get_service_model(service).operation_names}
    return {method: IAM_NAMES.get(action, action) for method, action in named.items()}


def called(source: str) -> Iterator[str]:
    """Yield the actions that a source file calls on clients by itself. Raises KeyError for a method boto3 has not."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        service, method = client_of(node.func.value), node.func.attr
        if service not in SERVICES:
            continue
        if method == "get_waiter":
            waiters = get_session().get_waiter_model(service)
            named = {xform_name(name): waiters.get_waiter(name).operation for name in waiters.waiter_names}
            yield from (f"{service}:{named[name]}" for name in names_in(node.args[0], source))
        elif method == "get_paginator":
            yield from (operations(service)[name] for name in names_in(node.args[0], source))
        else:
            yield operations(service)[method]


def client_of(value: ast.expr) -> str:
    """Return the last name of what a method is called on: of `s3`, and of `self.s3`."""
    return value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""


def names_in(argument: ast.expr, source: str) -> list[str]:
    """Return the texts that an argument may be: itself, or what its variable is assigned."""
    if isinstance(argument, ast.Name):
        values = [
            node.value
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == argument.id
        ]
    else:
        values = [argument]
    found = [each.value for value in values for each in ast.walk(value) if isinstance(each, ast.Constant)]
    return [text for text in found if isinstance(text, str) and text]


def direct(profile: str) -> set[str]:
    """Return the actions that a profile's workflows call by their own code."""
    template = TEMPLATES / profile
    files = [
        path
        for path in template.rglob("*.py")
        if not {"tests", "source_scripts"} & set(path.relative_to(template).parts)
    ]
    assert len(files) > 5
    return {action for file in files for action in called(file.read_text(encoding="utf-8")) if action}


def of_the_role(product: dict[str, Any], role: str = "WorkflowRole") -> set[str]:
    """Return all actions that the workflow role, or production's, allows."""
    return {
        action
        for document in documents(product, role, Names())
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def test_each_action_of_the_role_is_called_or_promised_and_each_call_allowed(assembly: Assembly) -> None:
    led_to = {action for text in LED_TO.values() for action in actions(text)}
    promised = {action for texts in PROMISED.values() for text in texts for action in actions(text)}
    called = {action for profile in PROFILES for action in direct(profile)}
    assert {"s3:PutObject", "cloudformation:DescribeStackEvents", "sts:AssumeRole"} <= called
    assert of_the_role(assembly.product) == called | led_to | promised
    # Neither list repeats what the code shows by itself.
    assert (called & promised, led_to & promised) == (set(), set())


@pytest.mark.parametrize("profile", PROFILES)
def test_each_call_of_a_profile_is_allowed(assembly: Assembly, profile: str) -> None:
    assert direct(profile) <= of_the_role(assembly.product)


def test_production_alone_scales(assembly: Assembly) -> None:
    scaling = {action for texts in LED_TO_IN_PRODUCTION.values() for text in texts for action in actions(text)}
    assert of_the_role(assembly.product, "ProductionRole") - of_the_role(assembly.product) == scaling


@pytest.mark.parametrize(("file", "text"), [*LED_TO, *LED_TO_IN_PRODUCTION], ids=lambda value: str(value).strip())
def test_what_leads_to_a_call_is_in_the_template(file: str, text: str) -> None:
    assert text in (TEMPLATES / "regression" / file).read_text(encoding="utf-8") + "\n"


@pytest.mark.parametrize("words", PROMISED)
def test_what_is_promised_is_documented(words: str) -> None:
    documented = (PROJECT_ROOT / "docs" / "templates.md").read_text(encoding="utf-8")
    assert words in " ".join(documented.split())


HERE = "arn:aws:sagemaker:us-east-1:123456789012"
OURS = {"aws:requesttag/amazondatazoneproject": "p1", "aws:resourcetag/amazondatazoneproject": "p1"}
NAMES = Names(values={"StudioProject.ModelPackageGroupName": "aiops-p1-models", "ProjectId": "p1"})


@pytest.mark.parametrize("kind", ["pipeline", "model", "endpoint-config", "endpoint"])
@pytest.mark.parametrize("action", ["AddTags", "ListTags"])
def test_what_carries_the_projects_tag_can_be_tagged_and_asked_for_tags(
    assembly: Assembly, action: str, kind: str
) -> None:
    arn = f"{HERE}:{kind}/one"
    assert allows(assembly.product, "WorkflowRole", f"sagemaker:{action}", arn, context=OURS, names=NAMES)
    assert not allows(assembly.product, "WorkflowRole", f"sagemaker:{action}", arn, names=NAMES)


@pytest.mark.parametrize("place", ["model-package-group/aiops-p1-models", "model-package/aiops-p1-models/1"])
@pytest.mark.parametrize("action", ["AddTags", "ListTags", "DescribeModelPackage", "CreateModelPackage"])
def test_the_projects_models_need_no_tag(assembly: Assembly, action: str, place: str) -> None:
    assert allows(assembly.product, "WorkflowRole", f"sagemaker:{action}", f"{HERE}:{place}", names=NAMES)
    other = f"{HERE}:{place.replace('p1', 'p2')}"
    assert not allows(assembly.product, "WorkflowRole", f"sagemaker:{action}", other, names=NAMES)
