"""The profile llm-evaluation: its parts speak of one configuration, and its calls are those of the project's roles."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from products.settings import PROJECT_ROOT
from tests.synth.conftest import Assembly, publish, shared, synthesized, with_settings
from tests.synth.policies import allows
from tests.templates.bedrock import module
from tests.templates.environments import copied
from tests.templates.recorded import FIRST_RUN, NOTED, OWN_TAG, REGION, asked, calls, project
from tests.templates.test_recorded import PIPELINE

pytestmark = pytest.mark.shares("stacks", seconds=20)

TEMPLATE = PROJECT_ROOT / "templates" / "llm-evaluation"
BUILD, DEPLOY = TEMPLATE / "model_build", TEMPLATE / "model_deploy"


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
# A deployment with its tests' own session.
DEPLOYMENT = f"""
{NOTED}
from test_deployment import PACKAGES, RIGHT, Cloud, creates, stack, stage
cloud, name = Cloud(), sys.argv[1]
for service, client in cloud.clients.items():
    noting(service, client)
if name == "production":
    cloud.will("cloudformation", "describe_stacks", stack(ModelPackageArn=f"{{PACKAGES}}/3"))
cloud.has_package(3)
cloud.answers(*RIGHT)
creates(cloud, 3)
stage(cloud, name).release("" if name == "production" else f"{{PACKAGES}}/3")
cloud.all_used()
print(json.dumps(calls))
"""
# A first run of the pipeline, with the model ids of a data scientist's config.toml. It says first what it costs.
FIRST = (
    FIRST_RUN.replace(
        "import run_pipeline\n",
        """import run_pipeline
config = Path("config.toml")
config.write_text(config.read_text().replace('model_id = ""', 'model_id = "profile"'))
configuration = run_pipeline.load(config)
""",
    )
    .replace("collect(project, Path.cwd())", "collect(project, Path.cwd(), configuration)")
    .replace(
        "arn = f",
        """key = f"{project.prefix}/data/prompts.csv"
s3.add_response("list_objects_v2", {"Contents": [{"Key": key}]})
s3.add_response("get_object", {"Body": io.BytesIO(Path("data/prompts.csv").read_bytes())})
arn = f""",
        1,
    )
)


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The product of an installation that lists the model."""

    def make(folder: Path) -> None:
        publish(folder / "versions", "v1.0.0")
        synthesized(folder / "versions", folder / "cdk.out", with_settings(folder, SETTINGS))

    return shared(tmp_path_factory, "llm-evaluation", make)


def asked_of_all(service: str, operation: str, given: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield what a call asks IAM for: action, ARN and condition keys."""
    if service != "bedrock-runtime":
        yield from asked(service, operation, given)
        return
    assert operation == "Converse"
    yield "bedrock:InvokeModel", given["modelId"], OWN_TAG
    model = f"arn:aws:bedrock:{REGION}::foundation-model/{MODEL}"
    yield "bedrock:InvokeModel", model, {"bedrock:inferenceprofilearn": given["modelId"]}


@pytest.mark.parametrize(("stage", "role"), [("staging", "WorkflowRole"), ("production", "ProductionRole")])
def test_a_deployments_calls_are_the_projects_roles_and_no_other_projects(
    listed: Assembly, stage: str, role: str
) -> None:
    found = {
        (action, arn, tuple(context.items()))
        for service, operation, given in calls(DEPLOY, DEPLOYMENT, stage)
        for action, arn, context in asked_of_all(service, operation, given)
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
    folder = copied(BUILD, tmp_path / "build")
    found = {
        (action, arn, tuple(context.items()))
        for service, operation, given in calls(folder, FIRST)
        for action, arn, context in asked_of_all(service, operation, given)
    }
    assert {action for action, _, _ in found} == PIPELINE
    for action, arn, context in found:
        assert allows(listed.product, "WorkflowRole", action, arn, context=dict(context), names=project("p1")), action
        assert not allows(listed.product, "WorkflowRole", action, arn, context=dict(context), names=project("p2")), (
            action
        )


def test_staging_does_not_touch_productions_stack(listed: Assembly) -> None:
    for service, operation, given in calls(DEPLOY, DEPLOYMENT, "production"):
        for action, arn, context in asked_of_all(service, operation, given):
            if action == "cloudformation:CreateStack":
                assert not allows(listed.product, "WorkflowRole", action, arn, context=context, names=project("p1"))
