"""The profile llm-evaluation: its parts speak of one configuration, and its calls are those of the project's roles."""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from products.settings import PROJECT_ROOT
from tests.synth.conftest import Assembly, publish, shared, synthesized, with_settings
from tests.synth.policies import Names, allows

pytestmark = pytest.mark.shares("stacks", seconds=20)

TEMPLATE = PROJECT_ROOT / "templates" / "llm-evaluation"
BUILD, DEPLOY = TEMPLATE / "model_build", TEMPLATE / "model_deploy"


def module(path: Path) -> ModuleType:
    """Load a file of a template under a name of its own."""
    specification = importlib.util.spec_from_file_location(f"llm_evaluation_{path.stem}", path)
    assert specification
    assert specification.loader
    loaded = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = loaded
    specification.loader.exec_module(loaded)
    return loaded


class Bucket:
    """An S3 with one file."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def get_object(self, **_: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.content)}


CANDIDATE = {
    "model_id": "arn:aws:bedrock:eu-west-1:111122223333:application-inference-profile/abc123",
    "system": "\nBe brief. Grüße.\n",
    "template": "\n{prompt}\n\n{context}\n",
    "inference": {"max_tokens": 50, "temperature": 0.0, "top_p": 0.9},
}


@pytest.mark.parametrize("system", [CANDIDATE["system"], ""])
@pytest.mark.parametrize("context", ["60 days", ""])
def test_an_application_asks_what_was_evaluated(system: str, context: str) -> None:
    """The request that model build evaluates and the one that model deploy's configuration makes are the same."""
    prompts, conversation = (
        module(BUILD / f"source_scripts/bedrock/{name}.py") for name in ("prompts", "conversation")
    )
    evaluated = module(DEPLOY / "deployment/evaluated.py")
    candidate = {**CANDIDATE, "system": system}
    content = prompts.released(candidate)
    found = evaluated.read("s3://artifacts/c.json", prompts.digest(content), Bucket(content))
    text = prompts.question(candidate, {"prompt": "Say {context}", "context": context})
    assert found.question("Say {context}", context) == text
    asked = conversation.request(candidate["model_id"], candidate["inference"], candidate["system"], text)
    assert found.request(text) == asked


def test_both_read_answers_alike() -> None:
    conversation, evaluated = (
        module(BUILD / "source_scripts/bedrock/conversation.py"),
        module(DEPLOY / "deployment/evaluated.py"),
    )
    blocks = [{"reasoningContent": {}}, {"text": "It is "}, {"text": "60 days.\n"}]
    response = {
        "output": {"message": {"content": blocks}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1},
        "metrics": {"latencyMs": 1},
    }
    assert evaluated.text(response) == conversation.answer(response).text == "It is 60 days."


# -- its calls, and the roles that make them ------------------------------------------------------------------------

MODEL = "amazon.nova-lite-v1:0"
SETTINGS = f"""
[workflow_role]
environments = ["staging", "production"]
bedrock_models = ["{MODEL}"]
"""
# A deployment with its tests' own session, whose clients say what they are asked.
RECORDED = """
import json, sys
from test_deployment import PACKAGES, RIGHT, Cloud, creates, stack, stage, updates
cloud, name, calls = Cloud(), sys.argv[1], []
for service, client in cloud.clients.items():
    def note(params, model, service=service, **_):
        calls.append([service, model.name, params])
    client.meta.events.register(f"provide-client-params.{client.meta.service_model.service_id.hyphenize()}.*", note)
if name == "production":
    cloud.will("cloudformation", "describe_stacks", stack(ModelPackageArn=f"{PACKAGES}/3"))
cloud.has_package(3)
cloud.answers(*RIGHT)
creates(cloud, 3)
stage(cloud, name).release("" if name == "production" else f"{PACKAGES}/3")
cloud.all_used()
print(json.dumps(calls))
"""


# A first run of the pipeline, with a session whose clients say what they are asked. The SDK, which renders, is left
# out. The model ids are those of a data scientist's config.toml.
RUN = """
import io, json, os, sys
from pathlib import Path
import boto3
from botocore.stub import Stubber
import run_pipeline
ROOT = Path.cwd()
(ROOT / "config.toml").write_text((ROOT / "config.toml").read_text().replace('model_id = ""', 'model_id = "profile"'))
calls, keys = [], {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
clients = {name: boto3.client(name, region_name="eu-west-1", **keys) for name in ("s3", "sagemaker")}
for service, client in clients.items():
    def note(params, model, service=service, **_):
        calls.append([service, model.name, {k: v for k, v in params.items() if not isinstance(v, bytes)}])
    client.meta.events.register(f"provide-client-params.{service}.*", note)
class Session:
    def __init__(self, **_): pass
    def client(self, name): return clients[name]
boto3.Session, run_pipeline._definition = Session, lambda *_: "{}"
s3, sagemaker = (Stubber(clients[name]) for name in ("s3", "sagemaker"))
configuration = run_pipeline.load(ROOT / "config.toml")
project = run_pipeline.from_environment(json.loads(sys.argv[1]))
code = run_pipeline.source_code.collect(project, ROOT, configuration)
key = f"{project.prefix}/data/prompts.csv"
found = {"Contents": [{"Key": key}]}
s3.add_response("list_objects_v2", {})
for _ in code.files:
    s3.add_response("put_object", {})
s3.add_response("list_objects_v2", {"KeyCount": 0})
s3.add_response("put_object", {})
s3.add_response("list_objects_v2", found)
s3.add_response("get_object", {"Body": io.BytesIO((ROOT / "data/prompts.csv").read_bytes())})
arn = f"arn:aws:sagemaker:eu-west-1:111122223333:pipeline/{run_pipeline.pipeline_name(project.id)}"
exists = "Pipeline names must be unique within an AWS account and region. It already exists."
sagemaker.add_client_error("create_pipeline", "ValidationException", exists)
sagemaker.add_response("update_pipeline", {"PipelineArn": arn})
sagemaker.add_response("start_pipeline_execution", {"PipelineExecutionArn": f"{arn}/execution/e1"})
sagemaker.add_response("describe_pipeline_execution", {"PipelineExecutionStatus": "Succeeded"})
sagemaker.add_response("list_pipeline_execution_steps", {"PipelineExecutionSteps": [{"StepName": "Evaluate"}]})
report = {"llm_metrics": {"pass_rate": {"value": 0.9}}}
s3.add_response("get_object", {"Body": io.BytesIO(json.dumps(report).encode())})
s3.activate(), sagemaker.activate()
os.environ.update(json.loads(sys.argv[1]))
assert run_pipeline.main(["--start", "--wait", "--commit", "abc"]) == 0
s3.assert_no_pending_responses(), sagemaker.assert_no_pending_responses()
print(json.dumps(calls))
"""


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The product of an installation that lists the model."""

    def make(folder: Path) -> None:
        publish(folder / "versions", "v1.0.0")
        synthesized(folder / "versions", folder / "cdk.out", with_settings(folder, SETTINGS))

    return shared(tmp_path_factory, "llm-evaluation", make)


def recorded(stage: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what a deployment to a stage calls: service, operation and parameters."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", RECORDED, stage],
        cwd=DEPLOY,
        env={"PYTHONPATH": f"{DEPLOY}:{DEPLOY / 'tests'}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [(service, operation, given) for service, operation, given in json.loads(done.stdout)]


ACCOUNT, REGION = "111122223333", "eu-west-1"
OWN_TAG = {"aws:resourcetag/amazondatazoneproject": "p1"}


def asked(service: str, operation: str, given: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield what a call asks IAM for: action, ARN and condition keys."""
    if operation == "ListObjectsV2":
        context = {"s3:prefix": given["Prefix"], "s3:resourceaccount": ACCOUNT}
        yield "s3:ListBucket", f"arn:aws:s3:::{given['Bucket']}", context
    elif service == "s3":
        yield f"s3:{operation}", f"arn:aws:s3:::{given['Bucket']}/{given['Key']}", {"s3:resourceaccount": ACCOUNT}
    elif service == "sagemaker" and "Pipeline" in operation:
        yield from asked_of_pipelines(operation, given)
    elif service == "sagemaker":
        yield f"sagemaker:{operation}", given["ModelPackageName"], {}
    elif service == "cloudformation":
        name = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{given['StackName']}/1"
        yield f"cloudformation:{operation}", name, {}
    elif service == "bedrock-runtime":
        assert operation == "Converse"
        yield "bedrock:InvokeModel", given["modelId"], OWN_TAG
        model = f"arn:aws:bedrock:{REGION}::foundation-model/{MODEL}"
        yield "bedrock:InvokeModel", model, {"bedrock:inferenceprofilearn": given["modelId"]}
    else:
        assert (service, operation) == ("sts", "GetCallerIdentity")  # IAM asks for no permission


def asked_of_pipelines(operation: str, given: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield what a call about a pipeline asks IAM for: a creation also for its tags and its role."""
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/{given.get('PipelineName', 'one')}"
    if operation == "CreatePipeline":
        tags = {f"aws:requesttag/{each['Key'].lower()}": each["Value"] for each in given["Tags"]}
        yield "sagemaker:CreatePipeline", arn, tags
        yield "sagemaker:AddTags", arn, {**tags, "sagemaker:taggingaction": "CreatePipeline"}
    else:
        yield f"sagemaker:{operation}", arn, OWN_TAG
    if "RoleArn" in given:
        yield "iam:PassRole", given["RoleArn"], {"iam:passedtoservice": "sagemaker.amazonaws.com"}


def project(name: str) -> Names:
    """Return a project of the account in which the template's tests deploy."""
    told = {
        "ArtifactBucket": "artifacts",
        "ArtifactPrefix": f"dzd_1/{name}/dev",
        "ScopeName": "dev",
        "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_{name}_e1",
        "ModelPackageGroupName": f"aiops-{name}-models",
        "GlueDatabase": f"glue_{name}",
        "DeployAccount": ACCOUNT,
    }
    values = {f"StudioProject.{key}": value for key, value in told.items()}
    return Names(values=values | {"DomainId": "dzd_1", "ProjectId": name}, account=ACCOUNT, region=REGION)


@pytest.mark.parametrize(("stage", "role"), [("staging", "WorkflowRole"), ("production", "ProductionRole")])
def test_a_deployments_calls_are_the_projects_roles_and_no_other_projects(
    listed: Assembly, stage: str, role: str
) -> None:
    found = {
        (action, arn, tuple(context.items()))
        for service, operation, given in recorded(stage)
        for action, arn, context in asked(service, operation, given)
    }
    assert {action for action, _, _ in found} == {
        "bedrock:InvokeModel",
        "cloudformation:CreateStack",
        "cloudformation:DescribeStacks",
        "s3:GetObject",
        "sagemaker:DescribeModelPackage",
    }
    for action, arn, context in found:
        here = {"context": dict(context)}
        assert allows(listed.product, role, action, arn, names=project("p1"), **here), (action, arn)
        shared_by_all = "foundation-model" in arn  # what a profile leads to: its own statement is the profile's
        if not shared_by_all:
            assert not allows(listed.product, role, action, arn, names=project("p2"), **here), (action, arn)


def test_a_runs_calls_are_the_workflow_roles_and_no_other_projects(listed: Assembly, tmp_path: Path) -> None:
    shutil.copytree(BUILD, tmp_path / "build", ignore=shutil.ignore_patterns(".venv", "build", "__pycache__"))
    facts = {
        "REGION": REGION,
        "SAGEMAKER_PIPELINE_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_p1_e1",
        "ARTIFACT_BUCKET": "artifacts",
        "MODEL_PACKAGE_GROUP_NAME": "aiops-p1-models",
        "AMAZON_DATAZONE_DOMAIN": "dzd_1",
        "AMAZON_DATAZONE_PROJECT": "p1",
    }
    done = subprocess.run(
        [sys.executable, "-B", "-c", RUN, json.dumps(facts)],
        cwd=tmp_path / "build",
        env={"PYTHONPATH": ".", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *said, last = done.stdout.splitlines()
    assert any("was empty. The sample prompts of this repository (prompts.csv) are there now." in line for line in said)
    cost = next(number for number, line in enumerate(said) if line.startswith("Cost: 48 prompts"))
    assert cost < next(number for number, line in enumerate(said) if line.startswith("Execution: "))
    found = {
        (action, arn, tuple(context.items()))
        for service, operation, given in json.loads(last)
        for action, arn, context in asked(service, operation, given)
    }
    pipelines = "AddTags CreatePipeline UpdatePipeline StartPipelineExecution DescribePipelineExecution"
    assert {action for action, _, _ in found} == {
        "iam:PassRole",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sagemaker:ListPipelineExecutionSteps",
        *(f"sagemaker:{name}" for name in pipelines.split()),
    }
    for action, arn, context in found:
        assert allows(listed.product, "WorkflowRole", action, arn, context=dict(context), names=project("p1")), action
        assert not allows(listed.product, "WorkflowRole", action, arn, context=dict(context), names=project("p2")), (
            action
        )


def test_staging_does_not_touch_productions_stack(listed: Assembly) -> None:
    for service, operation, given in recorded("production"):
        for action, arn, context in asked(service, operation, given):
            if action == "cloudformation:CreateStack":
                assert not allows(listed.product, "WorkflowRole", action, arn, context=context, names=project("p1"))
