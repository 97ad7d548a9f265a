"""What an administrator's resource offers is this installation's: each refusal, with what it names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from custom_resources.caller import Installation
from custom_resources.clients.stacks import StackResource
from custom_resources.errors import AwsDenied, AwsNotFound, NotOfItsStack
from custom_resources.offered_product import require_offered
from custom_resources.reconciler import Request

ACCOUNT, REGION = "123456789012", "us-east-1"
PRODUCT = "AWS::ServiceCatalog::CloudFormationProduct"
TEMPLATE = f"https://s3.{REGION}.amazonaws.com/blueprints/{'0a' * 32}.json"


def checked(
    kind: str = "Create",
    stack: str = "StudioStack",
    *,
    outputs: dict[str, str] | Exception | None = None,
    made: dict[str, StackResource] | None = None,
    **properties: Any,
) -> None:
    """Check an event's properties; the portfolio's stack puts out prod-1 unless it is said otherwise."""

    def told(name: str) -> dict[str, str]:
        assert name == "PortfolioStack"
        if isinstance(outputs, Exception):
            raise outputs
        return {"ProductId": "prod-1"} if outputs is None else outputs

    def resources(stack_id: str) -> dict[str, StackResource]:
        assert "/PortfolioStack/" in stack_id
        return made or {}

    stack_id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack}/1"
    given: Any = SimpleNamespace(**properties)
    request = Request(kind, given, None, "", stack_id, "R")  # type: ignore[arg-type]
    facts = SimpleNamespace(outputs=told, resources=resources)
    clients: Any = SimpleNamespace(stack_facts=facts, installation=Installation(blueprint_bucket="blueprints"))
    require_offered(request, clients)


def why(**given: Any) -> str:
    with pytest.raises(NotOfItsStack) as refused:
        checked(**given)
    assert refused.value.holes["stack"] == given.get("stack", "StudioStack")
    return str(refused.value.holes["why"])


def user(name: str, value: str) -> Any:
    return SimpleNamespace(key_name=name, default_value=value)


def parameter(name: str, value: str) -> Any:
    return SimpleNamespace(name=name, value=value)


def test_what_names_nothing_is_accepted() -> None:
    checked()


@pytest.mark.parametrize(
    "naming",
    [
        lambda product: {"product_id": product},
        lambda product: {"user_parameters": [user("Scope", "x"), user("ProductId", product)]},
        lambda product: {"parameters": [parameter("Scope", "x"), parameter("ProductId", product)]},
    ],
)
def test_a_product_is_the_portfolios_wherever_an_event_names_it(naming: Any) -> None:
    checked(**naming("prod-1"))
    for product in ("prod-2", ""):
        assert why(**naming(product)) == f"the portfolio does not contain the product {product}"
    checked(kind="Delete", **naming("prod-2"))


def test_each_product_that_an_event_names_is_looked_at() -> None:
    both = {"product_id": "prod-1", "parameters": [parameter("ProductId", "prod-2")]}
    assert why(**both) == "the portfolio does not contain the product prod-2"


@pytest.mark.parametrize("outputs", [{}, AwsNotFound("No stack."), AwsDenied("No access.")])
def test_without_a_portfolio_no_product_is_ours(outputs: Any) -> None:
    for product in ("prod-1", ""):
        assert why(product_id=product, outputs=outputs) == f"the portfolio does not contain the product {product}"


def test_while_the_portfolio_is_created_its_own_product_is_known() -> None:
    made = {"Product": StackResource(PRODUCT, "prod-new", "CREATE_COMPLETE")}
    checked(stack="PortfolioStack", outputs={}, made=made, product_id="prod-new")
    checked(stack="PortfolioStack", made=made, product_id="prod-1")
    role = {"Product": StackResource("AWS::IAM::Role", "prod-new", "CREATE_COMPLETE")}
    refused = why(stack="PortfolioStack", outputs={}, made=role, product_id="prod-new")
    assert refused == "the portfolio does not contain the product prod-new"


def test_a_profile_of_another_account_is_of_the_domains_stack_alone() -> None:
    checked(aws_account=ACCOUNT)
    checked(aws_account="")
    checked(stack="StudioProfilesStack", aws_account="210987654321")
    assert why(aws_account="210987654321") == "the account 210987654321 is not this account"


@pytest.mark.parametrize(
    "template",
    [
        TEMPLATE.replace("blueprints", "others"),
        TEMPLATE.replace(REGION, "eu-west-1"),
        TEMPLATE.replace("https", "http"),
        TEMPLATE.replace("s3.us", "s3xus"),
        TEMPLATE.replace("amazonaws.com", "evil.com"),
        TEMPLATE.replace("0a0a", "0A0a"),
        TEMPLATE.replace(".json", ".json?x"),
        TEMPLATE.replace("0a.json", ".json"),
    ],
)
def test_a_template_is_an_asset_of_the_shared_bucket(template: str) -> None:
    checked(template_url=TEMPLATE)
    checked(template_url="")
    assert why(template_url=template) == f"the template {template} is not in the bucket blueprints"
