"""Every AWS call that a template's run and deployment make is allowed to the project's roles, and to no other's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.synth.conftest import Assembly, publish, shared, synthesized
from tests.synth.policies import allows
from tests.templates.one_tree import TEMPLATES
from tests.templates.recorded import ENDPOINT, FIRST_RUN, SCORING, asked, calls, project

pytestmark = pytest.mark.shares("stacks", seconds=20)

PIPELINE = {
    "iam:PassRole",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "sagemaker:AddTags",
    "sagemaker:CreatePipeline",
    "sagemaker:DescribePipelineExecution",
    "sagemaker:ListPipelineExecutionSteps",
    "sagemaker:StartPipelineExecution",
    "sagemaker:UpdatePipeline",
}
DEPLOYMENT = {
    "cloudformation:CreateStack",
    "cloudformation:DescribeStacks",
    "s3:GetObject",
    "sagemaker:DescribeModelPackage",
    "sagemaker:InvokeEndpoint",
}
SCORES = {"sagemaker:DescribeModelPackage", "sagemaker:DescribePipeline"}


@dataclass(frozen=True)
class Run:
    """A part of a template, what of it runs, as which role, and the actions that this comes to."""

    part: str
    code: str
    argument: str
    role: str
    actions: frozenset[str]

    def __str__(self) -> str:
        return f"{self.part} {self.argument}".strip()


RUNS = [
    *(
        Run(f"{profile}/model_build", FIRST_RUN, "", "WorkflowRole", frozenset(PIPELINE))
        for profile in ("batch", "classification", "regression")
    ),
    *(
        Run(f"{profile}/model_deploy", ENDPOINT, stage, role, frozenset(DEPLOYMENT))
        for profile in ("classification", "regression")
        for stage, role in (("staging", "WorkflowRole"), ("production", "ProductionRole"))
    ),
    Run("batch/model_deploy", SCORING, "", "WorkflowRole", frozenset(PIPELINE | SCORES)),
]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The product with the settings that we ship."""

    def make(folder: Any) -> None:
        publish(folder / "versions", "v1.0.0")
        synthesized(folder / "versions", folder / "cdk.out")

    assembly: Assembly = shared(tmp_path_factory, "shipped", make)
    return assembly.product


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_recorded_calls_are_the_projects_own(shipped: dict[str, Any], run: Run) -> None:
    found = {
        (action, arn, tuple(context.items()))
        for service, operation, given in calls(TEMPLATES / run.part, run.code, run.argument)
        for action, arn, context in asked(service, operation, given)
    }
    assert {action for action, _, _ in found} == run.actions
    for action, arn, context in found:
        here = {"context": dict(context)}
        assert allows(shipped, run.role, action, arn, names=project("p1"), **here), (action, arn)
        assert not allows(shipped, run.role, action, arn, names=project("p2"), **here), (action, arn)


def test_every_profile_is_recorded() -> None:
    """llm-evaluation has a test of its own: it asks models, too."""
    parts = {f"{each.parent.name}/{each.name}" for each in TEMPLATES.glob("*/model_*")}
    assert {part for part in parts if not part.startswith("llm-evaluation")} == {run.part for run in RUNS}
