"""Models of Amazon Bedrock: project A's roles ask those of settings.toml, by A's own inference profiles only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.security.somebody_elses import HERE
from tests.security.test_tenants import A, B, names, resource_tags
from tests.synth.conftest import Assembly, assembly, of_type, publish, shared, synthesized, with_settings
from tests.synth.policies import allows, bounds, permit

__all__ = ["assembly"]  # a fixture

pytestmark = pytest.mark.shares("stacks", seconds=20)

ACTION = "bedrock:InvokeModel"
ROLES = ("WorkflowRole", "ProductionRole")
PROFILE = f"arn:aws:bedrock:{HERE}:application-inference-profile/abc123"
NOVA, CLAUDE = "amazon.nova-lite-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"
BY_PROFILE = {"bedrock:inferenceprofilearn": PROFILE}
SETTINGS = f"""
[workflow_role]
environments = ["staging", "production"]
grant_execution_role_files = true
bedrock_models = ["{NOVA}", "anthropic.claude-*"]
"""


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The product of an installation that lists models."""

    def make(folder: Path) -> None:
        publish(folder / "versions", "v1.0.0")
        synthesized(folder / "versions", folder / "cdk.out", with_settings(folder, SETTINGS))

    return shared(tmp_path_factory, "models", make)


def model(name: str, region: str = "eu-west-1") -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{name}"


@pytest.mark.parametrize("role", ROLES)
def test_a_project_uses_its_own_profiles_and_no_other(listed: Assembly, role: str) -> None:
    def may(resource: str, context: dict[str, str]) -> bool:
        return allows(listed.product, role, ACTION, resource, context=context, names=names(A))

    assert may(PROFILE, resource_tags(A))
    assert bounds(listed.portfolio, ACTION, PROFILE, context=resource_tags(A))
    assert not may(PROFILE, resource_tags(B))
    assert not may(PROFILE, {})  # nobody's
    # A profile over several regions that AWS made is everybody's: its cost would be nobody's.
    assert not may(f"arn:aws:bedrock:{HERE}:inference-profile/eu.{NOVA}", resource_tags(A))


@pytest.mark.parametrize("role", ROLES)
def test_the_models_are_those_that_are_listed_and_asked_by_a_profile(listed: Assembly, role: str) -> None:
    def may(resource: str, context: dict[str, str]) -> bool:
        found = allows(listed.product, role, ACTION, resource, context=context, names=names(A))
        assert not found or bounds(listed.portfolio, ACTION, resource, context=context)
        return found

    for region in ("us-east-1", "eu-west-1", ""):  # wherever the profile leads to; "" = over the whole world
        assert may(model(NOVA, region), BY_PROFILE)
        assert may(model(CLAUDE, region), BY_PROFILE)
    assert not may(model(NOVA), {})  # without a profile
    for other in (
        "amazon.nova-lite-v1:01",
        "amazon.nova-pro-v1:0",
        "meta.llama3-3-70b-instruct-v1:0",
        "anthropic.other",
    ):
        assert not may(model(other), BY_PROFILE)
    system = f"arn:aws:bedrock:{HERE}:inference-profile/eu.{NOVA}"
    elsewhere = "arn:aws:bedrock:us-east-1:210987654321:application-inference-profile/abc123"
    for profile in (system, elsewhere):
        assert not may(model(NOVA), {"bedrock:inferenceprofilearn": profile})


@pytest.mark.parametrize("role", ROLES)
def test_nothing_else_of_bedrock_is_theirs(listed: Assembly, role: str) -> None:
    """A role that tags profiles could make another project's its own."""
    for action in ("TagResource", "UntagResource", "CreateInferenceProfile", "DeleteInferenceProfile", "InvokeAgent"):
        for context in (resource_tags(A), resource_tags(B)):
            assert not allows(listed.product, role, f"bedrock:{action}", PROFILE, context=context, names=names(A))


def test_a_project_role_that_gets_its_files_from_us_gets_its_profiles_too(listed: Assembly) -> None:
    document = listed.product["Resources"]["ExecutionRolePolicy"]["Properties"]["PolicyDocument"]

    def may(resource: str, context: dict[str, str]) -> bool:
        found = names(A).resolved(listed.product, document)
        return permit([found], ACTION, resource, context=context, names=names(A))

    assert may(PROFILE, resource_tags(A))
    assert not may(PROFILE, resource_tags(B))
    assert may(model(NOVA), BY_PROFILE)
    assert not may(model(NOVA), {})


def test_without_a_list_no_role_may_ask_a_model(assembly: Assembly) -> None:
    for role in of_type(assembly.product, "AWS::IAM::Role"):
        for resource, context in ((PROFILE, resource_tags(A)), (model(NOVA), BY_PROFILE)):
            assert not allows(assembly.product, role, ACTION, resource, context=context, names=names(A))
    assert not bounds(assembly.portfolio, ACTION, PROFILE, context=resource_tags(A))
