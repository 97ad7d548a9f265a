"""What a function asks CloudFormation before it believes an event: answers of a moment ago, rollbacks, large stacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from custom_resources.clients import FunctionClients
from custom_resources.clients.github import Repository
from custom_resources.errors import FinalError, NotOfItsStack
from custom_resources.named_repository import name_at_creation, name_proof
from custom_resources.own_stack import READ_AGAIN
from custom_resources.reconciler import Request
from custom_resources.seal import Seal
from tests import sleeping
from tests.seals import seals_in_memory
from tests.security.aws_world import BLUEPRINT, Held, Stack, World, request, stack_id, world
from tests.security.test_launches import CONFIGURATION


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch) as found:
        yield found


@pytest.fixture
def slept(account: World, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return sleeping.noted(monkeypatch)


def updated(account: World) -> tuple[str, dict[str, Any]]:
    """Return a stack in an update, and CloudFormation's event for its configuration."""
    domain, mine = account.project("mine")
    stack = account.launched("m", domain, mine, 7)
    event = request("Update", stack, "BuildConfiguration", CONFIGURATION, "configuration/7")
    return stack, {**event, "OldResourceProperties": event["ResourceProperties"]}  # nothing is to be written


def before(stack: Stack, **held: str) -> Stack:
    """Return what CloudFormation told of a stack a moment ago."""
    former = replace(stack.resources["BuildConfiguration"], **held)
    return replace(stack, resources={**stack.resources, "BuildConfiguration": former})


# -- CloudFormation tells of a moment ago ---------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["on_event", "is_complete"])
@pytest.mark.parametrize("answers", range(1, len(READ_AGAIN) + 1))
@pytest.mark.parametrize("what", ["status", "resource", "id", "stack", "repository"])
def test_an_old_answer_ends_no_operation(
    account: World, slept: list[float], what: str, answers: int, phase: str
) -> None:
    stack, event = updated(account)
    now = account.stacks[stack]
    if phase == "is_complete":
        event |= account.invoke("actions_configuration", event)
        handlers_forget()
    old = {
        "status": before(now, status="UPDATE_COMPLETE"),
        "resource": replace(now, resources={}),
        "id": before(now, physical_id="another"),
        "stack": replace(now, status="UPDATE_COMPLETE", since=now.since - timedelta(days=1)),
        "repository": replace(
            now, resources={**now.resources, "BuildRepository": Held("Custom::GitHubRepository", "", "acme/build")}
        ),
    }[what]
    account.old = {("DescribeStacks" if what == "stack" else "DescribeStackResources"): [old] * answers}
    answer = account.invoke("actions_configuration", event)
    if phase == "on_event":
        assert answer["Operation"]["Stack"].startswith("UPDATE_IN_PROGRESS")
    else:
        assert answer["Data"]["VariableNames"] == ""
    assert slept == list(READ_AGAIN[:answers])


def handlers_forget() -> None:
    """Have the next call be another process of the function."""
    from custom_resources import handlers

    handlers._own_stack.cache_clear()


def test_what_nobody_confirms_is_refused_after_five_looks(account: World, slept: list[float]) -> None:
    stack, event = updated(account)
    account.requests.clear()
    with pytest.raises(FinalError) as error:
        account.invoke("actions_configuration", {**event, "LogicalResourceId": "MadeUp"})
    assert "the stack does not have a resource MadeUp of the type Custom::ActionsConfiguration" in str(error.value)
    assert NotOfItsStack.remedy in str(error.value)
    assert slept == list(READ_AGAIN)
    assert account.requests == {"describe_stacks": 5, "describe_stack_resources": 5}
    assert account.stacks[stack].status == "UPDATE_IN_PROGRESS"


def test_a_waiter_that_only_old_answers_come_to_is_called_again(account: World, slept: list[float]) -> None:
    """It has written nothing, so it does not say that it is done."""
    stack, event = updated(account)
    event |= account.invoke("actions_configuration", event)
    handlers_forget()
    now = account.stacks[stack]
    account.old = {"DescribeStacks": [replace(now, status="UPDATE_COMPLETE", since=now.since - timedelta(days=1))] * 5}
    assert account.invoke("actions_configuration", event) == {"IsComplete": False}
    assert slept == list(READ_AGAIN)
    assert account.invoke("actions_configuration", event)["Data"]["VariableNames"] == ""


def test_a_waiter_ends_when_it_was_told_twice_that_its_operation_has_ended(account: World, slept: list[float]) -> None:
    stack, event = updated(account)
    event |= account.invoke("actions_configuration", event)
    handlers_forget()
    account.stacks[stack].status = "UPDATE_ROLLBACK_IN_PROGRESS"
    account.requests.clear()
    assert account.invoke("actions_configuration", event) == {"IsComplete": True}
    assert (slept, account.requests) == ([READ_AGAIN[0]], {"describe_stacks": 2})


# -- stacks with more resources than one answer lists ---------------------------------------------------------------


@pytest.mark.parametrize("answer", ["an error", "an empty list"])
def test_a_portfolio_of_more_versions_than_one_answer_lists(account: World, answer: Any) -> None:
    account.no_such_resource = answer
    versions = {f"Version{number}": Held("AWS::CDK::Metadata", "CREATE_COMPLETE", "x") for number in range(120)}
    guidance = {"Guidance": Held("Custom::VersionGuidance", "UPDATE_IN_PROGRESS", "guidance-prod-ours")}
    account.stacks[stack_id("PortfolioStack")] = Stack("UPDATE_IN_PROGRESS", resources={**versions, **guidance})
    own = request("Update", stack_id("PortfolioStack"), "Guidance", {"ProductId": "prod-ours"}, "guidance-prod-ours")
    assert account.invoke("version_guidance", own)["PhysicalResourceId"] == "guidance-prod-ours"
    with pytest.raises(FinalError, match="the stack does not have a resource MadeUp"):
        account.invoke("version_guidance", {**own, "LogicalResourceId": "MadeUp"})


@pytest.mark.parametrize("answer", ["an error", "an empty list"])
def test_a_launch_with_more_resources_than_one_answer_lists(account: World, answer: Any) -> None:
    account.no_such_resource = answer
    stack, event = updated(account)
    held = account.stacks[stack]
    others = {f"Other{number}": Held("AWS::IAM::Role", "CREATE_COMPLETE", "x") for number in range(100)}
    held.resources = {**others, **held.resources}
    del held.resources["DeployRepository"]
    account.requests.clear()
    assert account.invoke("actions_configuration", event)["Operation"]
    assert account.requests["describe_stack_resources"] == 5, "the list, and what is compared and not in it"
    forged = {**event, "ResourceProperties": {**CONFIGURATION, "RepositoryId": "70"}}
    with pytest.raises(FinalError, match="the repository 70 does not belong to the stack"):
        account.invoke("actions_configuration", forged)


# -- a rollback of the project ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("listed", "sent"), [("", "::before"), ("::abc", ""), (":taken:abc", ":taken:before")])
def test_a_rollback_knows_the_project_by_what_its_id_begins_with(account: World, listed: str, sent: str) -> None:
    """The failed update may have given it another id, and CloudFormation may tell of either.

    What it has taken over is the same in all: an event that names another repository gets nothing of it.
    """
    domain, mine = account.project("mine")
    stack = account.launched("m", domain, mine, 7)
    told = {"DomainId": domain, "ProjectId": mine}
    account.stacks[stack].resources["StudioProject"] = Held(
        "Custom::StudioProject", "UPDATE_IN_PROGRESS", f"{domain}/{mine}{listed}"
    )
    event = request("Update", stack, "StudioProject", told, f"{domain}/{mine}{sent}")
    with pytest.raises(FinalError, match="StudioProject has another physical ID"):
        account.invoke("studio_project", event)
    account.stacks[stack].status = "UPDATE_ROLLBACK_IN_PROGRESS"
    assert account.complete("studio_project", event)["IsComplete"]
    for other in (f"{domain}/victim{sent}", f"{domain}/{mine}:victims:before"):
        with pytest.raises(FinalError, match="StudioProject has another physical ID"):
            account.invoke("studio_project", {**event, "PhysicalResourceId": other})


# -- what a launch tells of its project ------------------------------------------------------------------------------

TOLD = {
    "ConnectedRepository": "acme/victims",
    "UserRoleArn": "arn:aws:iam::123456789012:role/datazone_usr_role_victim_1",
    "ProjectBucket": "victims-bucket",
}


@pytest.mark.parametrize("name", list(TOLD))
def test_what_studio_is_said_to_have_told_is_the_stacks_parameter(account: World, name: str) -> None:
    """Studio's door is believed, and what it has told gets a proof: a made-up event must not get one."""
    domain, mine = account.project("mine")
    stack = account.launch("m", BLUEPRINT, domain, mine)
    account.stacks[stack].parameters |= dict.fromkeys(TOLD, "") | {"ConnectedRepository": "acme/mine"}
    with pytest.raises(FinalError, match=f"the stack's parameter {name} has another value"):
        account.create_project(stack, domain, mine, **{"ConnectedRepository": "acme/mine", name: TOLD[name]})
    assert account.holder(f"{domain}/{mine}") == ""
    told = account.create_project(stack, domain, mine, ConnectedRepository="acme/mine", Organization="acme")["Data"]
    assert told["ConnectionProof"]


def test_pythons_names_of_properties_are_none(account: World) -> None:
    """Else an event could say one thing to who compares it, and another to who uses it."""
    domain, mine = account.project("mine")
    stack = account.launch("m", BLUEPRINT, domain, mine)
    account.stacks[stack].parameters |= dict.fromkeys(TOLD, "")
    spelt = {"connected_repository": TOLD["ConnectedRepository"], "user_role_arn": TOLD["UserRoleArn"]}
    told = account.create_project(stack, domain, mine, Organization="acme", **spelt)["Data"]
    assert (told.get("ConnectionProof", ""), told["BuildAdoptExisting"]) == ("", "false")
    assert told["ExecutionRoleName"] == account.role_of(mine)


# -- the stack, and what it deletes ----------------------------------------------------------------------------------


def test_a_stack_is_named_by_its_arn(account: World) -> None:
    """A name is the next stack's, too: what a function remembers under it would be somebody else's."""
    stack, event = updated(account)
    account.stacks["m"] = account.stacks[stack]
    account.requests.clear()
    with pytest.raises(FinalError, match="does not belong to the stack m: the stack ID is not an ARN"):
        account.invoke("actions_configuration", {**event, "StackId": "m"})
    assert account.requests == {}


@pytest.mark.parametrize("operation", [{}, {"Stack": ""}, {"Stack": None}, {"Started": "1"}])
def test_a_waiter_that_names_no_operation_ends_quietly(account: World, operation: dict[str, Any]) -> None:
    """It would be in none: neither a rollback's nor a deletion's bounds would hold for it."""
    stack, event = updated(account)
    account.stacks[stack].status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    event |= {"RequestType": "Delete", "Operation": operation}
    assert account.invoke("actions_configuration", event) == {"IsComplete": True}
    assert set(account.requests) <= {"describe_stacks", "describe_stack_resources", "GetProject", "ListDomains"}


@pytest.mark.parametrize("logical", ["BuildRepository", "Removed"])
def test_an_updates_end_deletes_nothing_that_the_stack_still_has(account: World, logical: str) -> None:
    domain, mine = account.project("mine")
    stack = account.launched("m", domain, mine, 7, "UPDATE_COMPLETE")
    account.stacks[stack].status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    told = {"Organization": "acme", "Name": "build", "Part": "model_build", "DomainId": domain, "ProjectId": mine}
    with pytest.raises(FinalError, match="does not belong to the stack m: the stack still has 7"):
        account.invoke("github_repository", request("Delete", stack, logical, told, "7"))
    assert account.invoke("github_repository", request("Delete", stack, logical, told, "70"))["Operation"]
    # What the update has removed may be listed until it is gone.
    account.stacks[stack].resources["BuildRepository"] = Held("Custom::GitHubRepository", "DELETE_IN_PROGRESS", "7")
    assert account.invoke("github_repository", request("Delete", stack, "BuildRepository", told, "7"))["Operation"]


# -- what an administrator's stacks offer ----------------------------------------------------------------------------

ASSET = f"https://s3.us-east-1.amazonaws.com/cdk-hnb659fds-assets-123456789012-us-east-1/{'a' * 64}.json"
DOMAIN = "dzd_1a2b3c"
REGISTRATION = {
    "DomainId": DOMAIN,
    "Name": "Repositories",
    "TemplateUrl": ASSET,
    "UserParameters": [{"KeyName": "ProductId", "DefaultValue": "prod-ours"}, {"KeyName": "ProductVersion"}],
    "ProvisioningRoleArn": "arn:aws:iam::123456789012:role/studio-mlops-provisioning",
    "EnabledRegions": ["us-east-1"],
}
PROFILE = {
    "DomainId": DOMAIN,
    "ProfileName": "Regression",
    "EnvironmentBlueprintId": "b1",
    "EnvironmentName": "Repositories",
    "AwsAccount": "123456789012",
    "AwsRegion": "us-east-1",
    "Parameters": [{"Name": "ProductId", "Value": "prod-ours"}],
}
OFFERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "version_guidance": ("PortfolioStack", "Custom::VersionGuidance", {"ProductId": "prod-ours"}),
    "studio_blueprint": ("StudioStack", "Custom::StudioBlueprint", REGISTRATION),
    "studio_project_profile": ("StudioStack", "Custom::StudioProjectProfile", PROFILE),
}
MADE_UP: list[tuple[str, dict[str, Any], str]] = [
    ("version_guidance", {"ProductId": "prod-victims"}, "the portfolio does not contain the product prod-victims"),
    (
        "studio_blueprint",
        {"UserParameters": [{"KeyName": "ProductId", "DefaultValue": "prod-mallorys"}]},
        "the portfolio does not contain the product prod-mallorys",
    ),
    (
        "studio_project_profile",
        {"Parameters": [{"Name": "ProductId", "Value": "prod-mallorys"}]},
        "the portfolio does not contain the product prod-mallorys",
    ),
    ("studio_project_profile", {"AwsAccount": "999999999999"}, "the account 999999999999 is not this account"),
    *(
        (
            "studio_blueprint",
            {"TemplateUrl": url},
            f"the template {url} is not in the bucket cdk-hnb659fds-assets-123456789012-us-east-1",
        )
        for url in (
            f"https://s3.us-east-1.amazonaws.com/mallorys/{'a' * 64}.json",
            ASSET.replace("123456789012", "999999999999"),
            ASSET.replace("hnb659fds", "mallory"),
            ASSET.replace("amazonaws.com", "mallory.example"),
            ASSET.replace("https://s3", "https://mallory.example/s3"),
            ASSET.replace("https://", "http://"),
            f"{ASSET}?versionId=1",
            ASSET.replace("s3.us-east-1.amazonaws.com/", "s3.us-east-1.amazonaws.com/x/../"),
        )
    ),
]


def offering(account: World, function: str, **changed: Any) -> dict[str, Any]:
    """Return CloudFormation's event for an administrator's resource that is being changed."""
    stack, kind, properties = OFFERS[function]
    account.stacks[stack_id(stack)] = Stack(
        "UPDATE_IN_PROGRESS", resources={"Offer": Held(kind, "UPDATE_IN_PROGRESS", "offer")}
    )
    account.stacks["PortfolioStack"].outputs = {"ProductId": "prod-ours"}
    return request("Update", stack_id(stack), "Offer", {**properties, **changed}, "offer")


@pytest.mark.parametrize("function", list(OFFERS))
def test_an_administrators_resource_is_changed(account: World, function: str) -> None:
    assert account.invoke(function, offering(account, function))["PhysicalResourceId"] == "offer"


@pytest.mark.parametrize(("function", "changed", "sentence"), MADE_UP)
def test_nobody_else_offers_another_product_or_template(
    account: World, function: str, changed: dict[str, Any], sentence: str
) -> None:
    event = offering(account, function, **changed)
    account.requests.clear()
    with pytest.raises(FinalError) as error:
        account.invoke(function, event)
    assert sentence in str(error.value)
    assert set(account.requests) == {"describe_stacks", "describe_stack_resources"}, "Studio is asked nothing"
    assert sum(account.requests.values()) <= 20


def test_the_domains_account_names_no_product_and_offers_places(account: World) -> None:
    """Its profiles are for the accounts of projects, whose own product the template finds (docs/decisions/0087)."""
    _, kind, properties = OFFERS["studio_project_profile"]
    stack = stack_id("StudioProfilesStack")
    account.stacks[stack] = Stack("UPDATE_IN_PROGRESS", resources={"Offer": Held(kind, "UPDATE_IN_PROGRESS", "offer")})
    told = {**properties, "AwsAccount": "210987654321", "Parameters": []}
    assert account.invoke("studio_project_profile", request("Update", stack, "Offer", told, "offer"))["Operation"]
    del account.stacks["PortfolioStack"]
    with pytest.raises(FinalError, match="the portfolio does not contain the product prod-ours"):
        account.invoke("studio_project_profile", request("Update", stack, "Offer", properties, "offer"))


def test_the_first_portfolio_puts_nothing_out_yet(account: World) -> None:
    """While it is created, the product is known by the stack's list."""
    event = offering(account, "version_guidance")
    account.stacks["PortfolioStack"].outputs = {}
    portfolio = account.stacks[stack_id("PortfolioStack")]
    portfolio.resources["Product"] = Held("AWS::ServiceCatalog::CloudFormationProduct", "CREATE_COMPLETE", "prod-ours")
    assert account.invoke("version_guidance", event)["PhysicalResourceId"] == "offer"
    portfolio.resources["Product"] = Held("AWS::ServiceCatalog::Portfolio", "CREATE_COMPLETE", "prod-ours")
    with pytest.raises(FinalError, match="the portfolio does not contain the product prod-ours"):
        account.invoke("version_guidance", event)


def test_an_updates_end_deletes_no_blueprint_that_is_registered(account: World) -> None:
    event = offering(account, "studio_blueprint")
    account.stacks[stack_id("StudioStack")].status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    with pytest.raises(FinalError, match="the stack still has offer"):
        account.invoke("studio_blueprint", {**event, "RequestType": "Delete", "LogicalResourceId": "Former"})


# -- a repository's name ---------------------------------------------------------------------------------------------

TEMPLATE = {
    "RepositoryId": "7",
    "Part": "model_build",
    "TemplateArchive": "a" * 64 + ".zip",
    "TemplateVersion": "v1",
    "TemplateFolder": "regression/model_build",
}


def proof_of(stack: str, repository: int, name: str, seal: Seal | None = None) -> str:
    return name_proof(seal or seals_in_memory().of_repository(repository), name, stack)


@pytest.mark.parametrize("function", ["actions_configuration", "repository_template"])
@pytest.mark.parametrize("forged", ["another name", "another repository's", "another stack's", "another key's", "text"])
def test_a_creation_reaches_no_repository_but_the_stacks_own(account: World, forged: str, function: str) -> None:
    """World.client fails the test if a function reads the token: nothing of the victim is read, or written."""
    domain, mine = account.project("mine")
    stack = account.launched("m", domain, mine, 7, "CREATE_IN_PROGRESS")
    logical = "BuildTemplate" if function == "repository_template" else "BuildConfiguration"
    account.stacks[stack].resources[logical] = replace(account.stacks[stack].resources[logical], physical_id="")
    proof = {
        "another name": proof_of(stack, 7, "acme/mine"),
        "another repository's": proof_of(stack, 70, "acme/victims"),
        "another stack's": proof_of(stack_id("v"), 7, "acme/victims"),
        "another key's": proof_of(stack, 7, "acme/victims", Seal(b"mallory's")),
        "text": "acme/victims",
    }[forged]
    own = {"DomainId": domain, "ProjectId": mine} if function == "repository_template" else {}
    properties = {**(TEMPLATE if own else CONFIGURATION), **own, "Repository": "acme/victims", "NameProof": proof}
    account.requests.clear()
    with pytest.raises(FinalError) as error:
        account.complete(function, request("Create", stack, logical, properties))
    assert "acme/victims is not the name of the repository with the ID 7" in str(error.value)
    assert NotOfItsStack.remedy in str(error.value)
    assert sum(account.requests.values()) <= 6
    assert set(account.requests) == {"describe_stacks", "describe_stack_resources"}
    assert account.kms.asked == ["studio project template / repository 7"]


@pytest.mark.parametrize(("operation", "asked"), [("CREATE_IN_PROGRESS 1", 0), ("UPDATE_IN_PROGRESS 1", 1)])
def test_a_creation_by_an_update_believes_no_name_of_the_launch(operation: str, asked: int) -> None:
    """The proof is of what GitHub told once: the repository was renamed since, and a victim has its former name."""
    looked: list[int] = []

    class GitHub:
        def repository_by_id(self, repository: int, name: str) -> Repository:
            looked.append(repository)
            return Repository(repository, "acme/renamed", "", "", "main", "", False, True, "private")

    class Named(NamedTuple):
        repository_id: int
        repository: str
        name_proof: str

    stack = stack_id("m")
    clients = FunctionClients({}, seals=seals_in_memory())
    clients.__dict__["github"] = GitHub()
    properties = Named(7, "acme/former", proof_of(stack, 7, "acme/former"))
    event: Request[Any] = Request("Create", properties, None, "", stack, "BuildConfiguration", operation=operation)
    name = name_at_creation(event, clients)
    assert (name, looked) == (("acme/former", []) if not asked else ("acme/renamed", [7]))
