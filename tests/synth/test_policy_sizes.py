"""IAM's limits of a policy's length, with the longest ids of projects: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.synth.conftest import Assembly, of_type, publish, shared, synthesized, with_settings
from tests.synth.policies import ACCOUNT, Names, documents

pytestmark = pytest.mark.shares("stacks", seconds=10)

# Characters without white space: all inline policies of a role together, and a managed policy.
INLINE, MANAGED = 10_240, 6_144
REGION = "ap-southeast-2"  # of commercial regions the longest name
DOMAIN, PROJECT = "d" * 36, "p" * 36  # DataZone's longest id
VALUES = {
    "DomainId": DOMAIN,
    "ProjectId": PROJECT,
    "SageMakerProjectId": PROJECT,
    "StudioProject.ScopeName": "s" * 16,
    "StudioProject.ArtifactBucket": f"amazon-sagemaker-{ACCOUNT}-{REGION}-0123456789ab",
    "StudioProject.ArtifactPrefix": f"{DOMAIN}/{PROJECT}/dev",
    "StudioProject.ModelPackageGroupName": f"aiops-{PROJECT}-models",
    "StudioProject.GlueDatabase": "glue_db_" + "e" * 36,
    "StudioProject.DeployAccount": ACCOUNT,
    "StudioProject.ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/" + "r" * 64,  # IAM's longest name
}
NAMES = Names(values=VALUES, region=REGION)


def length(found: Iterable[Any]) -> int:
    """Return the characters that IAM counts."""
    return sum(len(re.sub(r"\s", "", json.dumps(document))) for document in found)


@pytest.fixture(scope="module", params=["staging and production", "staging only"])
def launched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The product with a role of production's own, and with one role for all."""
    stages = str(request.param).removesuffix(" only").split(" and ")

    def make(folder: Path) -> None:
        publish(folder / "versions", "v1.0.0")
        # As many and as long as settings.toml takes.
        models = [f"maker{number}.".ljust(63, "m") + "*" for number in range(6)] if "production" in stages else []
        lists = f"environments = {json.dumps(stages)}\nbedrock_models = {json.dumps(models)}\n"
        settings = with_settings(folder, f"[workflow_role]\n{lists}")
        synthesized(folder / "versions", folder / "cdk.out", settings)

    return shared(tmp_path_factory, f"sizes-{len(stages)}", make)


def test_a_projects_roles_fit(launched: Assembly) -> None:
    roles = of_type(launched.product, "AWS::IAM::Role")
    assert "WorkflowRole" in roles
    for role in roles:
        found = length(documents(launched.product, role, NAMES))
        assert 2_000 < found <= INLINE, role


def test_the_boundary_fits(launched: Assembly) -> None:
    [boundary] = of_type(launched.portfolio, "AWS::IAM::ManagedPolicy").values()
    found = length([NAMES.resolved(launched.portfolio, boundary["Properties"]["PolicyDocument"])])
    assert 2_000 < found <= MANAGED
