"""Which launch a stack is of, by its tags or Service Catalog's answer; each refusal of what is not a stack's own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from custom_resources import own_stack
from custom_resources.actions_configuration import ActionsConfigurationProperties
from custom_resources.caller import LAUNCH_TAG, PRINCIPAL_TAG, PRODUCT_TAG, Installation
from custom_resources.clients.protocols import Clients
from custom_resources.clients.service_catalog import LaunchOfStack
from custom_resources.clients.stacks import MOST_LISTED, StackResource
from custom_resources.errors import (
    AwsNotFound,
    LaunchNotByServiceCatalog,
    NotOfItsStack,
    RetryLater,
    StackBehind,
    Stale,
)
from custom_resources.own_stack import OwnStack, launch_of, our_products
from custom_resources.properties import Properties
from custom_resources.reconciler import Request
from custom_resources.studio_project import StudioProjectProperties
from tests import sleeping

TAGS = {PRODUCT_TAG: "arn:x:product/prod-1", LAUNCH_TAG: "arn:x:stack/pp-1", PRINCIPAL_TAG: "arn:who"}
ASKED = LaunchOfStack("prod-asked", "pp-asked", "arn:asked")


class Account:
    """Both of its services; it counts what Service Catalog is asked."""

    def __init__(self, tags: dict[str, str]) -> None:
        self._tags, self.asked = tags, 0
        self.stacks = self.service_catalog = self

    def tags(self, stack_id: str) -> dict[str, str]:
        return self._tags

    def launch_of(self, stack_id: str) -> LaunchOfStack:
        self.asked += 1
        return ASKED


@pytest.mark.parametrize(
    ("missing", "told", "asked"),
    [
        ((), ("prod-1", "pp-1", "arn:who"), 0),
        ((LAUNCH_TAG,), ("prod-1", "", "arn:who"), 0),
        ((PRODUCT_TAG,), ("prod-asked", "pp-1", "arn:who"), 1),
        ((PRINCIPAL_TAG,), ("prod-1", "pp-1", "arn:asked"), 1),
        ((LAUNCH_TAG, PRINCIPAL_TAG), ("prod-1", "pp-asked", "arn:asked"), 1),
        (tuple(TAGS), ("prod-asked", "pp-asked", "arn:asked"), 1),
    ],
)
def test_a_tag_that_is_there_is_believed_and_what_is_missing_is_asked_for(
    missing: tuple[str, ...], told: tuple[str, str, str], asked: int
) -> None:
    account: Any = Account({key: value for key, value in TAGS.items() if key not in missing})
    assert launch_of("arn:stack", cast("Clients", account)) == LaunchOfStack(*told)
    assert account.asked == asked


# -- our products -------------------------------------------------------------------------------------------------


def told_by(outputs: dict[str, str] | None, **settings: Any) -> Any:
    """Return clients of an installation whose portfolio's stack puts this out, or is not there."""

    def read(stack: str) -> dict[str, str]:
        assert stack == "PortfolioStack"
        if outputs is None:
            raise AwsNotFound("There is no such stack.")
        return outputs

    return SimpleNamespace(installation=Installation(**settings), stack_facts=SimpleNamespace(outputs=read))


@pytest.mark.parametrize(
    ("outputs", "settings", "products"),
    [
        (
            {"ProductId": "prod-own"},
            {"portfolio_stack": "PortfolioStack", "products": ("p1", "p2")},
            ("prod-own", "p1", "p2"),
        ),
        ({}, {"portfolio_stack": "PortfolioStack", "products": ("p1",)}, ("p1",)),
        (None, {"portfolio_stack": "PortfolioStack", "products": ("p1",)}, ("p1",)),
        ({"ProductId": "prod-own"}, {"products": ("p1",)}, ("p1",)),
        ({}, {}, ()),
    ],
)
def test_our_products_are_the_portfolio_stacks_and_the_settings(
    outputs: dict[str, str] | None, settings: dict[str, Any], products: tuple[str, ...]
) -> None:
    assert our_products(told_by(outputs, **settings)) == products


# -- what is not a stack's own ------------------------------------------------------------------------------------

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/mine/1"
SINCE = "2026-11-28T10:00:00+00:00"
PROJECT, REPOSITORY, ACTIONS = "Custom::StudioProject", "Custom::GitHubRepository", "Custom::ActionsConfiguration"


def resource(type_: str, status: str = "CREATE_COMPLETE", physical_id: str = "") -> StackResource:
    return StackResource(type_, physical_id, status)


@dataclass
class World:
    """CloudFormation as it knows one stack of a launch, and Service Catalog."""

    status: str = "UPDATE_IN_PROGRESS"
    product: str = "prod-1"
    listed: dict[str, StackResource] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)  # the stack's parameters
    installation: Installation = field(default_factory=lambda: Installation(products=("prod-1",)))
    looked: list[tuple[str, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stacks = self.stack_facts = self.service_catalog = self
        self.listed = {
            "StudioProject": resource(PROJECT, physical_id="dzd_1/p1:churn"),
            "BuildRepository": resource(REPOSITORY, physical_id="7:adopted"),
            "BuildActions": resource(ACTIONS, "UPDATE_IN_PROGRESS", "actions-7"),
            **self.listed,
        }

    def operation(self, stack_id: str) -> str:
        assert stack_id == STACK
        return f"{self.status} {SINCE}"

    def tags(self, stack_id: str) -> dict[str, str]:
        assert stack_id == STACK
        return {}

    def launch_of(self, stack_id: str) -> LaunchOfStack:
        assert stack_id == STACK
        return LaunchOfStack(self.product, "pp-1", "arn:who")

    def resources(self, stack_id: str, names: tuple[str, ...] = ()) -> dict[str, StackResource]:
        assert stack_id == STACK
        self.looked.append(tuple(sorted(names)))
        return {name: each for name, each in self.listed.items() if not names or name in names}

    def parameters(self, stack_id: str) -> dict[str, str]:
        assert stack_id == STACK
        return self.given


def request_of(
    properties: Properties, kind: str = "Update", logical_id: str = "BuildActions", physical_id: str = "actions-7"
) -> Request[Any]:
    return Request(kind, properties, None, physical_id, STACK, logical_id)  # type: ignore[arg-type]


def required(world: World, type_: str, request: Request[Any], **more: Any) -> str:
    event = {"RequestType": request.type, "StackId": request.stack_id, "LogicalResourceId": request.logical_id, **more}
    clients: Any = world
    return OwnStack(type_, clients, in_product=True)._required(event, request)


def why(world: World, type_: str, request: Request[Any]) -> str:
    """Return what a refusal says; it names the stack."""
    with pytest.raises(NotOfItsStack) as refused:
        required(world, type_, request)
    assert refused.value.holes["stack"] == "mine"
    return str(refused.value.holes["why"])


CONFIGURATION = ActionsConfigurationProperties(repository_id=7, repository="acme/build")


class OfAProject(Properties):
    """Properties that name a project."""

    domain_id: str = "dzd_1"
    project_id: str = "p1"


def test_an_event_of_its_stack_is_accepted_with_the_stacks_operation() -> None:
    assert required(World(), ACTIONS, request_of(CONFIGURATION)) == f"UPDATE_IN_PROGRESS {SINCE}"
    assert required(World(), ACTIONS, request_of(OfAProject())) == f"UPDATE_IN_PROGRESS {SINCE}"


@pytest.mark.parametrize(
    ("world", "request_", "said"),
    [
        (World(status="UPDATE_COMPLETE"), request_of(CONFIGURATION), "the stack has the status UPDATE_COMPLETE"),
        (
            World(),
            request_of(CONFIGURATION, logical_id="MadeUp"),
            f"the stack does not have a resource MadeUp of the type {ACTIONS}",
        ),
        (
            World(),
            request_of(CONFIGURATION, logical_id="BuildRepository"),
            f"the stack does not have a resource BuildRepository of the type {ACTIONS}",
        ),
        (World(), request_of(CONFIGURATION, "Delete"), "BuildActions has the status UPDATE_IN_PROGRESS"),
        (World(), request_of(CONFIGURATION, physical_id="actions-8"), "BuildActions has another physical ID"),
        (
            World(listed={"BuildActions": resource(ACTIONS, "UPDATE_IN_PROGRESS")}),
            request_of(CONFIGURATION, physical_id="8:adopted"),
            "BuildActions does not have a physical ID yet",
        ),
        (
            World(),
            request_of(CONFIGURATION.model_copy(update={"repository_id": 8})),
            "the repository 8 does not belong to the stack",
        ),
        (
            World(),
            request_of(OfAProject(project_id="p2")),
            "the stack belongs to another project than dzd_1/p2",
        ),
        (
            World(),
            request_of(OfAProject(domain_id="", project_id="p1")),
            "the stack belongs to another project than /p1",
        ),
    ],
)  # fmt: skip
def test_what_cloudformation_does_not_know_is_refused(world: World, request_: Request[Any], said: str) -> None:
    assert why(world, ACTIONS, request_) == said


def test_a_creation_that_was_cut_off_is_deleted_under_the_name_that_cloudformation_made_up() -> None:
    cut_off = World(status="DELETE_IN_PROGRESS", listed={"BuildActions": resource(ACTIONS, "DELETE_IN_PROGRESS")})
    assert required(cut_off, ACTIONS, request_of(CONFIGURATION, "Delete", physical_id="mine-BuildActions-1A2B"))


CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ({"BuildActions": resource(ACTIONS, "UPDATE_COMPLETE", "actions-8")}, ""),
        ({"BuildActions": resource(ACTIONS, "DELETE_IN_PROGRESS", "actions-7")}, ""),
        ({"BuildActions": resource("AWS::IAM::Role", physical_id="r")}, "BuildActions is a AWS::IAM::Role"),
        ({}, "the stack still has actions-7"),
        ({"BuildActions": resource(ACTIONS, physical_id="x"), "Moved": resource(ACTIONS, physical_id="actions-7")},
         "the stack still has actions-7"),
        ({"BuildActions": resource(ACTIONS, physical_id="x"), "Other": resource(REPOSITORY, physical_id="actions-7")},
         ""),
    ],
)  # fmt: skip
def test_an_updates_end_deletes_what_the_stack_has_no_more(listed: dict[str, StackResource], said: str) -> None:
    world, request_ = World(status=CLEANUP, listed=listed), request_of(CONFIGURATION, "Delete")
    if said:
        assert why(world, ACTIONS, request_) == said
    else:
        assert required(world, ACTIONS, request_) == f"{CLEANUP} {SINCE}"


def test_only_a_deletion_cleans_up() -> None:
    assert why(World(status=CLEANUP), ACTIONS, request_of(CONFIGURATION, physical_id="x")) == (
        "BuildActions has another physical ID"
    )


# -- the project --------------------------------------------------------------------------------------------------

TOLD = StudioProjectProperties(
    domain_id="dzd_1",
    project_id="p1",
    connected_repository="acme/churn",
    user_role_arn="arn:aws:iam::123456789012:role/r",
    project_bucket="bucket",
)
GIVEN = {
    "DomainId": "dzd_1",
    "ProjectId": "p1",
    "ConnectedRepository": TOLD.connected_repository,
    "UserRoleArn": TOLD.user_role_arn,
    "ProjectBucket": TOLD.project_bucket,
}


def created(**given: str) -> tuple[World, Request[Any]]:
    """Return the stack of a launch that is being created, and its project's request."""
    listed = {"StudioProject": resource(PROJECT, "CREATE_IN_PROGRESS")}
    request_ = request_of(TOLD, "Create", "StudioProject", "")
    return World(status="CREATE_IN_PROGRESS", listed=listed, given={**GIVEN, **given}), request_


def test_a_launch_tells_what_its_stacks_parameters_say() -> None:
    world, request_ = created()
    assert required(world, PROJECT, request_)
    world.given = {"DomainId": "dzd_1", "ProjectId": "p1"}  # a template that has no such parameter
    assert required(world, PROJECT, request_)
    classic, request_ = created(ProjectId="", SageMakerProjectId="p1")
    assert required(classic, PROJECT, request_)


@pytest.mark.parametrize("name", ["ConnectedRepository", "UserRoleArn", "ProjectBucket"])
def test_a_made_up_value_of_a_launch_is_refused(name: str) -> None:
    for value in ("another", ""):
        assert why(*created_with(name, value)) == f"the stack's parameter {name} has another value"


def created_with(name: str, value: str) -> tuple[World, str, Request[Any]]:
    world, request_ = created(**{name: value})
    return world, PROJECT, request_


@pytest.mark.parametrize("given", [{"ProjectId": "p2"}, {"DomainId": "dzd_2"}, {"ProjectId": ""}])
def test_a_launch_is_for_the_project_of_its_parameters(given: dict[str, str]) -> None:
    world, request_ = created(**given)
    assert why(world, PROJECT, request_) == "the stack belongs to another project than dzd_1/p1"


def test_without_such_parameters_only_a_direct_launch_is_accepted() -> None:
    world, request_ = created(DomainId="", ProjectId="")
    assert why(world, PROJECT, request_) == "the stack belongs to another project than dzd_1/p1"
    world.installation = Installation(products=("prod-1",), direct_launches=True)
    assert required(world, PROJECT, request_)
    world.given["ProjectId"] = "p2"
    assert why(world, PROJECT, request_) == "the stack belongs to another project than dzd_1/p1"


@pytest.mark.parametrize(
    ("status", "physical_id", "accepted"),
    [
        ("UPDATE_IN_PROGRESS", "dzd_1/p1:churn", True),
        ("UPDATE_IN_PROGRESS", "dzd_1/p1:churn:seal", False),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "dzd_1/p1:churn:seal", True),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "dzd_1/p1:other:seal", False),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "dzd_1/p2:churn:seal", False),
    ],
)
def test_a_rollback_may_know_a_project_by_the_launchs_former_values(
    status: str, physical_id: str, accepted: bool
) -> None:
    world = World(status=status, listed={"StudioProject": resource(PROJECT, "UPDATE_IN_PROGRESS", "dzd_1/p1:churn")})
    request_ = request_of(TOLD, "Update", "StudioProject", physical_id)
    if accepted:
        assert required(world, PROJECT, request_)
    else:
        assert why(world, PROJECT, request_) == "StudioProject has another physical ID"


def test_only_a_projects_id_has_values_that_change() -> None:
    actions = World(status="UPDATE_ROLLBACK_IN_PROGRESS")
    assert why(actions, ACTIONS, request_of(CONFIGURATION, physical_id="actions-7::x")) == (
        "BuildActions has another physical ID"
    )


# -- the launch ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "settings", "accepted"),
    [
        ("prod-1", {"products": ("prod-1",)}, True),
        ("prod-2", {"products": ("prod-1",)}, False),
        ("", {"products": ("prod-1",)}, False),
        ("", {"products": ("prod-1",), "direct_launches": True}, True),
        ("prod-2", {"products": ("prod-1",), "direct_launches": True}, False),
    ],
)
def test_a_stack_is_a_launch_of_our_product(product: str, settings: dict[str, Any], accepted: bool) -> None:
    world = World(product=product, installation=Installation(**settings))
    if accepted:
        assert required(world, ACTIONS, request_of(CONFIGURATION))
        return
    with pytest.raises(LaunchNotByServiceCatalog) as refused:
        required(world, ACTIONS, request_of(CONFIGURATION))
    assert refused.value.holes == {"stack": "mine"}


def test_a_name_is_no_stacks_id() -> None:
    with pytest.raises(NotOfItsStack) as refused:
        required(World(), ACTIONS, Request("Update", CONFIGURATION, None, "actions-7", "mine", "BuildActions"))
    assert refused.value.holes == {"stack": "mine", "why": "the stack ID is not an ARN"}


# -- how often it looks -------------------------------------------------------------------------------------------


def test_an_event_that_was_accepted_is_looked_at_once() -> None:
    world, request_ = World(), request_of(CONFIGURATION)
    clients: Any = world
    own = OwnStack(ACTIONS, clients, in_product=True)
    event = {"RequestType": "Update", "StackId": STACK, "LogicalResourceId": "BuildActions", "PhysicalResourceId": "x"}
    operation = own.require(event, request_)
    own.require({**event, "Operation": {"Stack": operation}}, request_)
    assert len(world.looked) == 1
    accepted = replace(request_, operation=operation)
    for other in ({"PhysicalResourceId": "y"}, {"ResourceProperties": {"A": 1}}, {"OldResourceProperties": {"A": 1}}):
        own.require({**event, "Operation": {"Stack": operation}, **other}, accepted)
    assert len(world.looked) == 4
    own.require({**event, "Operation": {"Stack": operation}}, accepted)
    assert len(world.looked) == 5, "the last one only is remembered"
    world.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    back = f"UPDATE_ROLLBACK_IN_PROGRESS {SINCE}"
    assert own.require({**event, "Operation": {"Stack": back}}, replace(request_, operation=back)) == back
    assert len(world.looked) == 6


def test_a_creations_name_is_nothing_that_is_compared() -> None:
    world = World(status="CREATE_IN_PROGRESS", listed={"BuildActions": resource(ACTIONS, "CREATE_IN_PROGRESS")})
    request_, clients = request_of(CONFIGURATION, "Create", physical_id=""), cast("Clients", world)
    own = OwnStack(ACTIONS, clients, in_product=True)
    event = {"RequestType": "Create", "StackId": STACK, "LogicalResourceId": "BuildActions"}
    operation = own.require(event, request_)
    own.require({**event, "Operation": {"Stack": operation}, "PhysicalResourceId": "ours"}, request_)
    assert len(world.looked) == 1


@dataclass
class Answers:
    """What one look at the stack raises after the other; then it is accepted. It notes with what it was called."""

    raises: list[Exception]
    asked: list[tuple[Any, Any]] = field(default_factory=list)

    def required(self, event: Any, request: Any) -> str:
        self.asked.append((event, request))
        if self.raises:
            raise self.raises.pop(0)
        return "UPDATE_IN_PROGRESS 1"


def foreign(number: int = 0) -> NotOfItsStack:
    return NotOfItsStack(stack="mine", why=f"look {number}")


def behind() -> StackBehind:
    return StackBehind(5, status="UPDATE_COMPLETE")


@pytest.mark.parametrize(
    ("raises", "slept"),
    [
        ([], []),
        ([foreign()], [1]),
        ([behind(), foreign()], [1, 2]),
        ([Stale()], [1]),
        ([foreign(), Stale(), behind()], [1, 2, 3]),
        ([foreign(), foreign(), foreign(), Stale()], [1, 2, 3, 4]),
    ],
)
def test_what_cloudformation_does_not_confirm_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, raises: list[Exception], slept: list[int]
) -> None:
    seconds, answers = sleeping.noted(monkeypatch), Answers([*raises])
    own = OwnStack(ACTIONS, cast("Clients", None), in_product=True)
    monkeypatch.setattr(own, "_required", answers.required)
    event, request_ = {"RequestType": "Update"}, request_of(CONFIGURATION)
    assert own.require(event, request_) == "UPDATE_IN_PROGRESS 1"
    assert seconds == slept
    assert answers.asked == [(event, request_)] * (len(slept) + 1)
    told = [(vars(each)["message"], vars(each)["why"], vars(each)["seconds"]) for each in caplog.records]
    unconfirmed = [(each, second) for each, second in zip(raises, slept, strict=True) if not isinstance(each, Stale)]
    assert told == [("asked again", str(each), second) for each, second in unconfirmed]


def test_after_the_fifth_look_the_refusal_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, answers = sleeping.noted(monkeypatch), Answers([foreign(number) for number in range(6)])
    own = OwnStack(ACTIONS, cast("Clients", None), in_product=True)
    monkeypatch.setattr(own, "_required", answers.required)
    with pytest.raises(NotOfItsStack, match="look 4"):
        own.require({}, request_of(CONFIGURATION))
    assert (seconds, len(answers.asked)) == ([1, 2, 3, 4], 5)


@pytest.mark.parametrize("between", [[], [foreign()], [behind(), behind()]])
def test_an_operation_that_is_told_twice_to_have_ended_has_ended(
    monkeypatch: pytest.MonkeyPatch, between: list[Exception]
) -> None:
    seconds, answers = sleeping.noted(monkeypatch), Answers([Stale(), *between, Stale()])
    own = OwnStack(ACTIONS, cast("Clients", None), in_product=True)
    monkeypatch.setattr(own, "_required", answers.required)
    with pytest.raises(Stale):
        own.require({}, request_of(CONFIGURATION))
    assert len(seconds) == 1 + len(between)


@pytest.mark.parametrize("refused", [LaunchNotByServiceCatalog(stack="mine"), RetryLater(5, "throttled")])
def test_another_refusal_is_said_at_once(monkeypatch: pytest.MonkeyPatch, refused: Exception) -> None:
    seconds, answers = sleeping.noted(monkeypatch), Answers([refused])
    own = OwnStack(ACTIONS, cast("Clients", None), in_product=True)
    monkeypatch.setattr(own, "_required", answers.required)
    with pytest.raises(type(refused)):
        own.require({}, request_of(CONFIGURATION))
    assert seconds == []


def test_an_event_of_another_operation_is_refused() -> None:
    world, request_ = World(), request_of(CONFIGURATION)
    later = replace(request_, operation="UPDATE_IN_PROGRESS 1999-01-01T00:00:00+00:00")
    with pytest.raises(Stale):
        required(world, ACTIONS, later, Operation={"Stack": later.operation})
    with pytest.raises(Stale):
        required(world, ACTIONS, request_, Operation={})
    assert world.looked == []


def test_a_list_that_is_full_may_hide_what_is_compared() -> None:
    many = {f"Role{number}": resource("AWS::IAM::Role") for number in range(MOST_LISTED - 3)}
    world = World(listed=many)
    assert required(world, ACTIONS, request_of(CONFIGURATION))
    assert world.looked == [(), ("DeployRepository",)]
    few = World(listed=dict(list(many.items())[1:]))
    assert required(few, ACTIONS, request_of(CONFIGURATION))
    assert few.looked == [()]


def test_an_administrators_resource_is_asked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: list[tuple[Any, ...]] = []
    monkeypatch.setattr(own_stack, "require_offered", lambda *given: offered.append(given))
    world, request_ = World(), request_of(Properties())
    clients: Any = world
    assert OwnStack(ACTIONS, clients, in_product=False)._required({}, request_)
    assert world.looked == [("BuildActions",)]
    assert offered == [(request_, world)]
