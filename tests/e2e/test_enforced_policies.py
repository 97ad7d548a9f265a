"""The whole run with IAM enforced: every call of every function is held to its role's policies, as on AWS.

MiniStack evaluates the policies of the calls it gets; the calls to the AWS stand-in are recorded, and judged afterwards
by the same evaluator with the synthesized template.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from local.home import Home
from tests.e2e.command_line import CommandLine, Observer
from tests.sharing import synthesized_before
from tests.synth.policies import Call, refused

pytestmark = pytest.mark.slow
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
