"""Whoever invokes the function can ask what an update would do by two ids, and by nothing that they make up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from custom_resources.errors import FinalError, LaunchNotOurs, NotARequest
from tests.security.aws_world import PRODUCT, World, request, stack_id, world
from tests.security.test_launches import CONFIGURATION


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch) as found:
        yield found


def provisioned(account: World, name: str, product: str = PRODUCT) -> str:
    """Have a launch at rest; return its id."""
    domain, project = account.project(name)
    stack = account.launched(name, domain, project, 7, "UPDATE_COMPLETE")
    launch = f"pp-{name}"
    account.provisioned.append({"Id": launch, "ProductId": product, "PhysicalId": stack, "Status": "AVAILABLE"})
    account.requests.clear()
    return launch


def asked(launch: str, version: str = "pa-2", **more: Any) -> dict[str, Any]:
    return {"Foresee": {"Launch": launch, "Version": version, **more}}


@pytest.mark.parametrize("product", ["prod-payroll", ""])
def test_another_products_launch_is_refused_before_its_stack_is_read(account: World, product: str) -> None:
    launch = provisioned(account, "payroll", product)
    answer = account.invoke("repository_template", asked(launch))
    assert answer == {"Problem": str(LaunchNotOurs(launch=launch))}
    assert account.requests == {"search_provisioned_products": 1, "describe_stacks": 1}  # the portfolio's


def test_a_stack_that_only_has_the_name_of_a_launch_is_none(account: World) -> None:
    """Anybody can name a stack SC-<account>-<launch>: Service Catalog has to know it."""
    domain, project = account.project("mine")
    account.launched("SC-123456789012-pp-forged", domain, project, 7, "UPDATE_COMPLETE")
    account.requests.clear()
    answer = account.invoke("repository_template", asked("pp-forged"))
    assert answer == {"Problem": str(LaunchNotOurs(launch="pp-forged"))}
    assert account.requests == {"search_provisioned_products": 1}


@pytest.mark.parametrize(
    "more",
    [
        {"StackId": stack_id("b")},
        {"Stack": stack_id("b")},
        {"Parameters": {"Organization": "mine"}},
        {"ResourceProperties": CONFIGURATION},
        {"Template": {"Resources": {}}},
        {"TemplateUrl": "https://mine.s3.amazonaws.com/x.json"},
        {"Repository": "acme/b"},
    ],
)
def test_the_question_holds_nothing_but_two_ids(account: World, more: dict[str, Any]) -> None:
    launch = provisioned(account, "mine")
    with pytest.raises(FinalError, match=NotARequest.happened):
        account.invoke("repository_template", asked(launch, **more))
    assert account.requests == {}


@pytest.mark.parametrize(
    "question",
    [None, "pp-mine", [], {}, {"Launch": "pp-mine"}, {"Launch": ["pp-mine"], "Version": "pa-2"}, {"Launch": "../x"}],
)
def test_what_is_no_question_is_refused(account: World, question: Any) -> None:
    provisioned(account, "mine")
    with pytest.raises(FinalError, match=NotARequest.happened):
        account.invoke("repository_template", {"Foresee": question})
    assert account.requests == {}


def test_a_question_beside_a_request_is_not_answered(account: World) -> None:
    """The provider framework hands on whatever an event holds: an event of CloudFormation's is judged as such."""
    launch = provisioned(account, "mine")
    event = request("Update", stack_id("mine"), "BuildTemplate", {"RepositoryId": "7"}, "template/7")
    with pytest.raises(FinalError, match=r"properties of .* are not valid"):
        account.invoke("repository_template", {**event, **asked(launch)})
    with pytest.raises(FinalError, match=r"properties of .* are not valid"):
        account.invoke("repository_template", {**asked(launch), "RequestType": "Update"})
    assert account.requests == {}


@pytest.mark.parametrize("function", ["github_repository", "actions_configuration", "studio_project"])
def test_no_other_function_answers_it(account: World, function: str) -> None:
    launch = provisioned(account, "mine")
    with pytest.raises(FinalError):
        account.invoke(function, asked(launch))
    assert account.requests == {}


def test_a_version_of_another_product_is_none_of_the_launchs(account: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Service Catalog is asked for the version of the launch's own product: another product's is not found there."""
    from botocore.exceptions import ClientError

    launch, told = provisioned(account, "mine"), list[tuple[str, str]]()

    def describe(self: World, ProductId: str, ProvisioningArtifactId: str) -> Any:  # noqa: N803
        told.append((ProductId, ProvisioningArtifactId))
        raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "No"}}, "Describe")

    monkeypatch.setattr(World, "describe_provisioning_artifact", describe, raising=False)
    answer = account.invoke("repository_template", asked(launch, "pa-payroll"))
    assert answer["Problem"].startswith(f"The product {PRODUCT} does not have the version pa-payroll.")
    assert told == [(PRODUCT, "pa-payroll")]
