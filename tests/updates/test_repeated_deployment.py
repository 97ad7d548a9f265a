"""A first deployment that fails is repeated; a stack that goes keeps what launched projects need. On MiniStack."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.standin.aws.conftest import World, world
from tests.standin.aws.test_resource_types import Stack
from tests.standin.aws.test_service_catalog import template
from tests.synth.conftest import of_type, publish, synthesized

__all__ = ["world"]
pytestmark = pytest.mark.shares("repeated deployment", seconds=20)
PROVIDER = "GitHubOidcProvider"


@pytest.fixture(scope="module")
def retained(tmp_path_factory: pytest.TempPathFactory, world: World) -> dict[str, Any]:
    """The three resources that outlive their stacks, as they are deployed; the product's version is a small one."""
    folder = tmp_path_factory.mktemp("synthesized")
    publish(folder / "versions", "v1.0.0")
    found = synthesized(folder / "versions", Path(folder, "cdk.out"))
    made: dict[str, Any] = {PROVIDER: found.portfolio["Resources"][PROVIDER]}
    for name, stack, kind in (
        ("Bucket", found.foundation, "AWS::S3::Bucket"),
        ("Product", found.portfolio, "AWS::ServiceCatalog::CloudFormationProduct"),
    ):
        (made[name],) = of_type(stack, kind).values()
    # Names of this test's own; nothing else of the stacks is needed.
    product = made["Product"]["Properties"]
    product["Name"] = f"mlops-{uuid.uuid4().hex[:8]}"
    url = world.upload(f"{uuid.uuid4().hex}.json", template("v1"))
    product["ProvisioningArtifactParameters"] = [{"Name": "v1.0.0", "Info": {"LoadTemplateFromURL": url}}]
    made[PROVIDER]["Properties"]["Url"] = f"https://{uuid.uuid4().hex[:8]}.example.com"
    for resource in made.values():
        resource.pop("DependsOn", None)
    return made


class Account:
    """What the account has of the three."""

    def __init__(self, world: World, retained: dict[str, Any]) -> None:
        self._world = world
        self._host = retained[PROVIDER]["Properties"]["Url"].removeprefix("https://")
        self._product = retained["Product"]["Properties"]["Name"]
        self._buckets_before = self._buckets()

    def _buckets(self) -> set[str]:
        """Return those of stacks: Service Catalog's stand-in keeps its templates in one of its own."""
        names = [bucket["Name"] for bucket in self._world.client("s3").list_buckets()["Buckets"]]
        return {name for name in names if name.startswith("stack-")}

    def has(self) -> tuple[int, int, int]:
        """Return how many providers, buckets and products there are."""
        providers = self._world.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
        products = self._world.client("servicecatalog").search_products_as_admin()["ProductViewDetails"]
        return (
            len([each for each in providers if each["Arn"].endswith(self._host)]),
            len(self._buckets() - self._buckets_before),
            len([each for each in products if each["ProductViewSummary"]["Name"] == self._product]),
        )


def test_a_failed_first_deployment_is_repeated_and_a_deleted_one_keeps_all_three(
    world: World, retained: dict[str, Any]
) -> None:
    account = Account(world, retained)
    # A second provider of the same issuer cannot be created, once the first three are there.
    fails = {"Type": "AWS::IAM::OIDCProvider", "DependsOn": [*retained]}
    fails["Properties"] = retained[PROVIDER]["Properties"]
    first = Stack(world)
    assert first.create({"Resources": {**retained, "Fails": fails}}) == "ROLLBACK_COMPLETE"
    assert "EntityAlreadyExists" in first.reasons
    assert account.has() == (0, 0, 0)
    first.delete()

    second = Stack(world)
    assert second.create({"Resources": retained}) == "CREATE_COMPLETE"
    assert account.has() == (1, 1, 1)
    assert second.delete() == "DELETE_COMPLETE"
    assert account.has() == (1, 1, 1)

    # The one that was kept is in the way, as docs/admin.md says; the settings name it, and the deployment succeeds.
    third = Stack(world)
    assert third.create({"Resources": retained}) == "ROLLBACK_COMPLETE"
    assert "EntityAlreadyExists" in third.reasons
    assert account.has()[0] == 1
    third.delete()
    named = Stack(world)
    without = {name: resource for name, resource in retained.items() if name != PROVIDER}
    assert named.create({"Resources": without}) == "CREATE_COMPLETE"
