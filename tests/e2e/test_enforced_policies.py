"""The whole run with IAM enforced: every call of every function is held to its role's policies, as on AWS.

MiniStack evaluates the policies of the calls it gets; the calls to the AWS stand-in are recorded, and judged afterwards
by the same evaluator with the synthesized template.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from local.home import Home
from tests.e2e.command_line import CommandLine, Observer
from tests.sharing import synthesized_before
from tests.synth.policies import Call, refused

pytestmark = [pytest.mark.slow, pytest.mark.long]
ACCOUNT = "123456789012"
ENFORCED = {"LOCAL_ENFORCE_IAM": "1"}
# Who of the functions makes which calls to the stand-in.
GROUP = "arn:aws:sagemaker:us-east-1:123456789012:model-package-group/aiops-any-models"
CALLERS = {"datazone": "studio-mlops-studio-project", "sagemaker": "studio-mlops-studio-project"}
RESOURCES = {
    "sagemaker:CreateModelPackageGroup": GROUP,
    "sagemaker:DescribeDomain": "arn:aws:sagemaker:us-east-1:123456789012:domain/d-any",
    "sagemaker:ListTags": "arn:aws:sagemaker:us-east-1:123456789012:domain/d-any",
}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A local cloud of its own that enforces IAM."""
    line = CommandLine(tmp_path_factory.mktemp("strict"))
    synthesized_before(Home(line.home), tmp_path_factory)
    line.done("up", environment=ENFORCED)
    try:
        yield line
    finally:
        line.run("down", "--wipe")


def test_a_launch_and_its_end_need_no_more_than_the_roles_allow(strict: CommandLine) -> None:
    seen = Observer(strict)
    requests.delete(f"{seen.aws_url}/_standin/calls", timeout=60).raise_for_status()
    launched = strict.done("launch", "strict", "--profile", "regression", environment=ENFORCED)
    assert launched["status"] == "CREATE_COMPLETE"
    recorded = requests.get(f"{seen.aws_url}/_standin/calls", timeout=60).json()
    calls = {
        Call(CALLERS[entry["service"]], action, RESOURCES.get(action, "*"))
        for entry in recorded
        if entry["service"] in CALLERS
        for action in [f"{entry['service']}:{entry['operation']}"]
    }
    created = "sagemaker:CreateModelPackageGroup"
    assert {call.action for call in calls} >= {"datazone:GetProject", "sagemaker:DescribeDomain", created}
    # A creation with tags is a permission to tag, too.
    tagging = {"sagemaker:taggingaction": "CreateModelPackageGroup"}
    calls.add(Call(CALLERS["sagemaker"], "sagemaker:AddTags", GROUP, tagging))
    assemblies = (strict.home / "assemblies").glob("*/FoundationStack.template.json")
    template = max(assemblies, key=lambda path: path.stat().st_mtime)
    assert refused(json.loads(template.read_text(encoding="utf-8")), calls) == []
    strict.done("terminate", "strict", environment=ENFORCED)
    assert seen.repositories(archived=False).isdisjoint({each["name"] for each in launched["repositories"].values()})


def role_client(seen: Observer, role: str, service: str) -> Any:
    """Return a client that signs as a role. What is tested is what its policies allow, so its trust is widened."""
    iam = seen.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    keys = seen.client("sts").assume_role(RoleArn=arn, RoleSessionName="mallory")["Credentials"]
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=seen.ministack_url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def code_of(call: Callable[[], object]) -> str:
    """Return the code with which a call is refused, "" where it is answered."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def reader(seen: Observer) -> str:
    """Make a role as read-only administrators have it: all executions, and every key that leaves it to IAM."""
    statement = {"Effect": "Allow", "Action": ["states:*", "kms:Decrypt"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam, trust = seen.client("iam"), json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="reader", PolicyName="reads", PolicyDocument=document)
    return "reader"


def test_who_reads_executions_does_not_read_requests(strict: CommandLine) -> None:
    """The waiters' input has the address at which CloudFormation waits for the function's answer."""
    seen = Observer(strict)
    theirs, states = role_client(seen, reader(seen), "stepfunctions"), seen.client("stepfunctions")
    machines = states.list_state_machines()["stateMachines"]
    listed = (states.list_executions(stateMachineArn=each["stateMachineArn"])["executions"] for each in machines)
    waited = [each["executionArn"] for executions in listed for each in executions]
    held = [each for each in waited if "ResponseURL" in states.describe_execution(executionArn=each).get("input", "")]
    assert held, "a launch waits for its repositories"
    for execution in held:
        for call in (theirs.describe_execution, theirs.get_execution_history):
            assert code_of(partial(call, executionArn=execution)) == "KmsAccessDeniedException"
        shown = theirs.describe_execution(executionArn=execution, includedData="METADATA_ONLY")
        assert shown["status"] and "input" not in shown and "output" not in shown


def test_a_projects_role_reads_and_changes_nothing_of_anothers(strict: CommandLine) -> None:
    """The workflow role as the launch has made it, with its boundary, on what another project has in the account."""
    seen, projects = Observer(strict), {}
    for name in ("mine", "theirs"):
        launched = strict.done("launch", name, "--profile", "regression", environment=ENFORCED)
        projects[name] = str(launched["project_id"]), str(launched["domain_id"])
    (mine, domain), (victim, _) = projects["mine"], projects["theirs"]
    iam, own = seen.client("iam"), f"studio-mlops-wf-{mine}"
    (policy,) = iam.list_role_policies(RoleName=own)["PolicyNames"]
    text = json.dumps(iam.get_role_policy(RoleName=own, PolicyName=policy)["PolicyDocument"])
    assert mine in text and victim not in text
    (bucket,) = set(re.findall(r"arn:aws:s3:::([a-z0-9.-]+)/", text))
    with contextlib.suppress(ClientError):
        seen.client("s3").create_bucket(Bucket=bucket)
    files = {name: f"{domain}/{project[0]}/dev/data.csv" for name, project in projects.items()}
    for file in files.values():
        seen.client("s3").put_object(Bucket=bucket, Key=file, Body=b"secret")
    s3, stacks, states = (role_client(seen, own, service) for service in ("s3", "cloudformation", "stepfunctions"))
    assert s3.get_object(Bucket=bucket, Key=files["mine"])["Body"].read() == b"secret"
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    denied = {
        "get": partial(s3.get_object, Bucket=bucket, Key=files["theirs"]),
        "put": partial(s3.put_object, Bucket=bucket, Key=files["theirs"], Body=b"evil"),
        "delete": partial(s3.delete_object, Bucket=bucket, Key=files["theirs"]),
        "list": partial(s3.list_objects_v2, Bucket=bucket, Prefix=f"{domain}/{victim}/dev"),
        "list all": partial(s3.list_objects_v2, Bucket=bucket),
        "stack": partial(stacks.create_stack, StackName=f"studio-{victim}-staging", TemplateBody=template),
        "production": partial(stacks.create_stack, StackName=f"studio-{mine}-production", TemplateBody=template),
        "machines": states.list_state_machines,
    }
    assert {what: code_of(call) for what, call in denied.items() if "Denied" not in code_of(call)} == {}
    assert seen.client("s3").get_object(Bucket=bucket, Key=files["theirs"])["Body"].read() == b"secret"


def test_without_a_permission_the_launch_fails_and_says_which(strict: CommandLine) -> None:
    """The enforcement is real: take one permission away."""
    seen = Observer(strict)
    iam = seen.client("iam")
    role = seen.client("lambda").get_function_configuration(FunctionName="studio-mlops-github-repository")["Role"]
    name = role.rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    less = [each for each in document["Statement"] if "dynamodb:GetItem" not in each["Action"]]
    assert len(less) == len(document["Statement"]) - 1
    iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps({**document, "Statement": less}))
    error = strict.refused("launch", "denied", "--profile", "regression", environment=ENFORCED)
    assert "DynamoDB denied access (reading what the last update wrote)" in error
    assert "Grant the caller dynamodb:GetItem." in error
