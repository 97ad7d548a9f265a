"""The roles of a rollout's machines: each right on what is the rollout's, and on nothing else of the account."""

from __future__ import annotations

from typing import Any

import pytest

from tests.synth.conftest import Assembly, of_type
from tests.synth.policies import ACCOUNT, REGION, Names, allows

pytestmark = pytest.mark.shares("stacks", seconds=60)

HERE = f"{REGION}:{ACCOUNT}"
UPDATE, WAVES = "UpdateProjectRole", "RolloutRole"


def role(template: dict[str, Any], name: str) -> str:
    (found,) = (each for each in of_type(template, "AWS::IAM::Role") if each.startswith(name))
    return found


def resource(template: dict[str, Any], kind: str, start: str) -> str:
    """Return the logical id of the resource of a type whose id begins so."""
    (found,) = (each for each in of_type(template, kind) if each.startswith(start))
    return found


def arns(template: dict[str, Any]) -> dict[str, str]:
    table = resource(template, "AWS::DynamoDB::Table", "RateBudget")
    bucket = resource(template, "AWS::S3::Bucket", "Archives")
    names = Names()
    return {
        "table": names.resolved(template, {"Fn::GetAtt": [table, "Arn"]}),
        "bucket": names.resolved(template, {"Fn::GetAtt": [bucket, "Arn"]}),
        "topic": names.resolved(template, {"Ref": resource(template, "AWS::SNS::Topic", "Notifications")}),
    }


def may(template: dict[str, Any], name: str, action: str, arn: str, **context: str) -> bool:
    """Tell whether a role may; a condition key is given with _ for what is no letter: `s3__prefix`."""
    keys = {key.replace("__", ":"): value for key, value in context.items()}
    return allows(template, role(template, name), action, arn, context=keys)


@pytest.mark.parametrize(
    ("name", "action", "items"),
    [
        (UPDATE, "dynamodb:GetItem", {"rollout", "github"}),
        (UPDATE, "dynamodb:UpdateItem", {"rollout"}),
        (WAVES, "dynamodb:GetItem", {"rollout"}),
        (WAVES, "dynamodb:UpdateItem", {"rollout"}),
    ],
)
def test_of_the_budget_table_only_the_rollouts_items(
    assembly: Assembly, name: str, action: str, items: set[str]
) -> None:
    """The table also remembers which project is whose, and the functions' waits."""
    template = assembly.foundation
    table = arns(template)["table"]
    every = {"rollout", "github", "project p1", "request r1"}
    assert {each for each in every if may(template, name, action, table, dynamodb__leadingkeys=each)} == items
    for other in ("DeleteItem", "PutItem", "Scan", "Query", "BatchGetItem"):
        assert not may(template, name, f"dynamodb:{other}", table, dynamodb__leadingkeys="rollout")


def test_of_the_bucket_only_results_are_written_and_lists_read(assembly: Assembly) -> None:
    template = assembly.foundation
    bucket = arns(template)["bucket"]
    result, wave, archive = (
        f"{bucket}/{key}" for key in ("rollouts/r1/results/pp-1.json", "rollouts/r1/wave-1.json", "0a1b.zip")
    )
    for name, action, allowed in (
        (UPDATE, "s3:PutObject", {result}),
        (UPDATE, "s3:GetObject", set[str]()),
        (WAVES, "s3:GetObject", {wave}),
        (WAVES, "s3:PutObject", set[str]()),
    ):
        assert {each for each in (result, wave, archive) if may(template, name, action, each)} == allowed, name
    for prefix, listed in (("rollouts/r1/results/pp-1.json", True), ("", False), ("0a1b.zip", False)):
        assert may(template, UPDATE, "s3:ListBucket", bucket, s3__prefix=prefix) is listed
    for name in (UPDATE, WAVES):
        assert not may(template, name, "s3:DeleteObject", result)


def test_only_this_accounts_launches_are_updated_and_none_is_ended(assembly: Assembly) -> None:
    template = assembly.foundation
    for action in ("servicecatalog:UpdateProvisionedProduct", "servicecatalog:DescribeRecord"):
        assert may(template, UPDATE, action, "*", servicecatalog__accountlevel="self")
        assert not may(template, UPDATE, action, "*")
        assert not may(template, WAVES, action, "*", servicecatalog__accountlevel="self")
    for action in ("TerminateProvisionedProduct", "ProvisionProduct", "UpdateProvisioningArtifact"):
        assert not may(template, UPDATE, f"servicecatalog:{action}", "*", servicecatalog__accountlevel="self")
    stack = f"arn:aws:cloudformation:{HERE}:stack/"
    assert may(template, UPDATE, "cloudformation:DescribeStacks", f"{stack}SC-{ACCOUNT}-pp-1/u")
    assert not may(template, UPDATE, "cloudformation:DescribeStacks", f"{stack}Payroll/u")
    assert not may(template, UPDATE, "cloudformation:UpdateStack", f"{stack}SC-{ACCOUNT}-pp-1/u")


def test_only_its_own_machines_are_started_and_stopped(assembly: Assembly) -> None:
    template = assembly.foundation
    machine, execution = f"arn:aws:states:{HERE}:stateMachine:", f"arn:aws:states:{HERE}:execution:"
    for each in ("studio-mlops-update-project", "studio-mlops-rollout"):
        assert may(template, WAVES, "states:StartExecution", f"{machine}{each}")
        assert may(template, WAVES, "states:StopExecution", f"{execution}{each}:1")
        assert not may(template, UPDATE, "states:StartExecution", f"{machine}{each}")
    assert may(template, WAVES, "states:DescribeExecution", f"{execution}studio-mlops-rollout/projects:1")
    for each in ("payroll", "studio-mlops-project-setup", "studio-mlops-rollout-of-others"):
        assert not may(template, WAVES, "states:StartExecution", f"{machine}{each}")
        assert not may(template, WAVES, "states:StopExecution", f"{execution}{each}:1")


def test_people_are_told_in_the_rollouts_name_only(assembly: Assembly) -> None:
    template = assembly.foundation
    bus, topic = f"arn:aws:events:{HERE}:event-bus/default", arns(template)["topic"]
    assert may(template, WAVES, "events:PutEvents", bus, events__source="studio-mlops.rollout")
    assert not may(template, WAVES, "events:PutEvents", bus, events__source="aws.sagemaker")
    assert not may(template, WAVES, "events:PutEvents", f"{bus}-of-others", events__source="studio-mlops.rollout")
    assert may(template, WAVES, "sns:Publish", topic)
    assert not may(template, UPDATE, "sns:Publish", topic)
    rule = f"arn:aws:events:{HERE}:rule/"
    assert may(template, WAVES, "events:PutRule", f"{rule}StepFunctionsGetEventsForStepFunctionsExecutionRule")
    assert not may(template, WAVES, "events:PutRule", f"{rule}ApprovalRule")
    assert may(template, UPDATE, "cloudwatch:PutMetricData", "*", cloudwatch__namespace="StudioProjectTemplate")
    assert not may(template, UPDATE, "cloudwatch:PutMetricData", "*", cloudwatch__namespace="AWS/Lambda")


def test_only_step_functions_of_this_account_uses_the_roles(assembly: Assembly) -> None:
    template = assembly.foundation
    for name in (UPDATE, WAVES):
        (statement,) = template["Resources"][role(template, name)]["Properties"]["AssumeRolePolicyDocument"][
            "Statement"
        ]
        assert statement["Principal"] == {"Service": "states.amazonaws.com"}
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_what_is_kept_of_rollouts_expires_and_archives_do_not(assembly: Assembly) -> None:
    (bucket,) = of_type(assembly.foundation, "AWS::S3::Bucket").values()
    (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert (rule["Prefix"], rule["ExpirationInDays"], rule["Status"]) == ("rollouts/", 365, "Enabled")
