"""The shape that all custom resources share: validation, waiting, starting over, the fence, the budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_resources import telemetry
from custom_resources.call import Call, pending
from custom_resources.errors import (
    BranchUnseen,
    BudgetSpent,
    FinalError,
    GaveUp,
    LaunchesPaused,
    LimitUntold,
    NotPermitted,
    RateLimited,
    RetryLater,
    StillWaiting,
)
from custom_resources.progress import Progress
from custom_resources.properties import Properties
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import (
    ATTEMPTS,
    CustomResource,
    Done,
    Foreseen,
    Replan,
    Request,
    is_complete,
    on_event,
    parsed,
)


class LampProperties(Properties):
    """A lamp in a room."""

    room_name: str
    lit: bool = False


@dataclass
class House:
    """The outside world: lamps, and what happens while somebody looks."""

    lamps: dict[str, bool] = field(default_factory=dict)
    writes: int = 0
    open_rooms: int = 0
    looks: int = 0
    seen: list[bool | None] = field(default_factory=list)  # what plans were made from
    refusals: list[str] = field(default_factory=list)
    meanwhile: list[Callable[[], Replan | None]] = field(default_factory=list)


class Lamp(CustomResource[LampProperties, bool | None, bool | None]):
    """Custom::Lamp."""

    properties = LampProperties

    def __init__(self, house: House) -> None:
        self._house = house

    def provisional_id(self, properties: LampProperties) -> str:
        return f"room/{properties.room_name}"

    @contextmanager
    def observe(self, request: Request[LampProperties]) -> Iterator[bool | None]:
        self._house.open_rooms += 1
        self._house.looks += 1
        try:
            yield self._house.lamps.get(request.properties.room_name)
        finally:
            self._house.open_rooms -= 1

    def plan(self, request: Request[LampProperties], observed: bool | None) -> bool | None:
        self._house.refusals.append(request.refusal)
        self._house.seen.append(observed)
        return None if request.type == "Delete" else request.properties.lit

    def cost(self, plan: bool | None) -> Cost:
        return Cost(points=5)

    def apply(
        self, plan: bool | None, request: Request[LampProperties], ensure_current: Callable[[], None]
    ) -> Done | Replan:
        if self._house.meanwhile:
            learned = self._house.meanwhile.pop(0)()
            if learned:
                return learned
        ensure_current()
        self._house.writes += 1
        if plan is None:
            self._house.lamps.pop(request.properties.room_name, None)
            return Done()
        self._house.lamps[request.properties.room_name] = plan
        return Done({"Lit": str(plan)}, physical_id="lamp-1")

    def foresee(self, request: Request[LampProperties], observed: bool | None, plan: bool | None) -> Foreseen:
        return Foreseen({"Lit": str(plan)})


class Stacks:
    """A stack whose operation the test moves on."""

    def __init__(self) -> None:
        self.current = "CREATE_IN_PROGRESS 1"

    def operation(self, stack_id: str) -> str:
        return self.current

    def exists(self, stack_id: str) -> bool:
        return True

    def tags(self, stack_id: str) -> dict[str, str]:
        return {}


class Budget:
    """Records what is asked of the shared budget."""

    def __init__(self, answer: Exception | None = None) -> None:
        self.reserved: list[Cost] = []
        self.paused: list[float] = []
        self.untold: list[bool] = []
        self.of_content: list[bool] = []
        self.remembered: list[tuple[str, float]] = []
        self.progress = Progress()
        self.answer = answer

    def require_room(self, request: str) -> Progress:
        if self.answer:
            raise self.answer
        return self.progress

    def reserve(self, cost: Cost, request: str, progress: Progress) -> None:
        self.reserved.append(cost)

    def remember(self, request: str, wait: RetryLater, progress: Progress) -> None:
        self.remembered.append((request, wait.seconds))

    def pause(self, seconds: float, *, untold: bool = False, content: bool = False) -> None:
        self.paused.append(seconds)
        self.of_content.append(content)
        self.untold.append(untold)


def event(kind: str = "Create", **more: Any) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "StackId": "arn:aws:cloudformation:eu-west-1:1:stack/s/1",
        "LogicalResourceId": "Lamp",
        "ResourceProperties": {"ServiceToken": "arn", "RoomName": "kitchen", "Lit": "true"},
        **more,
    }


def accepted(stacks: Stacks, given: dict[str, Any]) -> dict[str, Any]:
    """Return the event as the framework passes it on to is_complete."""
    return {**given, **on_event(Lamp(House()), given, stacks)}


def test_a_request_is_accepted_without_a_write_and_then_reconciled() -> None:
    house, stacks = House(), Stacks()
    given = accepted(stacks, event())
    assert given["PhysicalResourceId"] == "room/kitchen"
    assert house.writes == 0
    answer = is_complete(Lamp(house), given, stacks, 60)
    assert answer == {"IsComplete": True, "Data": {"Lit": "True"}, "PhysicalResourceId": "lamp-1"}
    assert house.lamps == {"kitchen": True}
    assert house.open_rooms == 0


def test_the_same_request_twice_ends_in_the_same_state() -> None:
    house, stacks = House(), Stacks()
    given = accepted(stacks, event())
    assert is_complete(Lamp(house), given, stacks, 60) == is_complete(Lamp(house), given, stacks, 60)
    assert house.lamps == {"kitchen": True}


def test_an_update_keeps_its_physical_id() -> None:
    stacks = Stacks()
    given = accepted(
        stacks, event("Update", PhysicalResourceId="lamp-1", OldResourceProperties={"RoomName": "kitchen"})
    )
    assert given["PhysicalResourceId"] == "lamp-1"


def test_a_creation_has_neither_an_id_nor_a_past_of_its_own() -> None:
    """Who makes an event up would take what exists for what he creates."""
    forged = event("Create", PhysicalResourceId="7", OldResourceProperties={"RoomName": "cellar"}, Operation={})
    request = parsed(Lamp(House()), forged)
    assert (request.physical_id, request.old) == (Lamp(House()).provisional_id(request.properties), None)


def test_what_an_update_removes_is_attested_by_its_event_alone() -> None:
    for status, attested in (
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS 1", False),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS 1", False),
        ("DELETE_IN_PROGRESS 1", True),
        ("", True),
    ):
        given = event("Delete", PhysicalResourceId="lamp-1", Operation={"Stack": status})
        assert parsed(Lamp(House()), given).attested is attested


def test_an_updates_former_properties_are_read_too() -> None:
    before = {"RoomName": "cellar", "Lit": "true"}
    request = parsed(Lamp(House()), event("Update", OldResourceProperties=before))
    assert request.old == LampProperties(room_name="cellar", lit=True)
    refused = parsed(Lamp(House()), event("Update", OldResourceProperties={"Lit": "maybe"}))
    assert refused.old == refused.properties, "what was refused has changed nothing"
    assert parsed(Lamp(House()), event()).old is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ResourceProperties": {"Lit": "true"}}, "RoomName: Field required"),
        ({"ResourceProperties": {"RoomName": "kitchen", "Lit": "maybe"}}, "Lit: Input should be a valid boolean"),
        ({"RequestType": "Destroy"}, "not a CloudFormation custom resource request"),
        ({"ResourceProperties": None}, "RoomName: Field required"),
        ({"ResourceProperties": "text"}, r"\(properties: Input should be a valid dictionary"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_happens(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FinalError, match=sentence):
        on_event(Lamp(House()), {**event(), **change}, Stacks())


def test_each_wrong_property_is_named_once_by_its_path() -> None:
    with pytest.raises(FinalError) as refused:
        parsed(Lamp(House()), event(ResourceProperties={"RoomName": None, "Lit": "maybe"}))
    said = str(refused.value)
    assert "RoomName: Input should be a valid string; Lit: Input should be a valid boolean" in said
    assert "Custom::Lamp" in said


def test_a_request_is_of_no_operation_and_knows_nothing_before_it_is_accepted() -> None:
    request = Request("Create", LampProperties(room_name="kitchen"), None, "", "stack", "Lamp")
    assert (request.started, request.attempt, request.noted, request.refusal, request.operation) == (0, 0, {}, "", "")
    assert not request.stack_ends


@pytest.mark.parametrize(
    ("operation", "ends"),
    [
        ("DELETE_IN_PROGRESS 1", True),
        ("ROLLBACK_IN_PROGRESS 1", True),
        ("CREATE_IN_PROGRESS 1", False),
        ("UPDATE_ROLLBACK_IN_PROGRESS 1", False),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS 1", False),
    ],
)
def test_a_stack_ends_by_its_deletion_or_the_rollback_of_its_creation(operation: str, ends: bool) -> None:
    given = event(Operation={"Stack": operation, "Started": "7.5", "Noted": None})
    request = parsed(Lamp(House()), given)
    assert (request.stack_ends, request.operation, request.started, request.noted) == (ends, operation, 7.5, {})


def test_a_request_is_read_from_cloudformations_event() -> None:
    request = parsed(Lamp(House()), event("Update", PhysicalResourceId="lamp-1"))
    assert (request.type, request.physical_id, request.logical_id) == ("Update", "lamp-1", "Lamp")
    assert request.stack_id == "arn:aws:cloudformation:eu-west-1:1:stack/s/1"
    bare = {"RequestType": "Create", "ResourceProperties": {"RoomName": "kitchen"}, "PhysicalResourceId": None}
    request = parsed(Lamp(House()), bare)
    assert (request.physical_id, request.stack_id, request.logical_id, request.operation) == ("", "", "", "")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


events = st.fixed_dictionaries(
    {
        "RequestType": st.sampled_from(["Create", "Update", "Delete"]) | json_values,
        "ResourceProperties": st.fixed_dictionaries({"RoomName": st.text() | json_values, "Lit": json_values})
        | json_values,
    },
    optional=dict.fromkeys(("StackId", "LogicalResourceId", "PhysicalResourceId", "x"), json_values)
    | {"OldResourceProperties": st.fixed_dictionaries({"RoomName": st.text()}) | json_values},
)


@given(events)
def test_the_event_parser_refuses_or_understands_anything(given_event: dict[str, Any]) -> None:
    try:
        request = parsed(Lamp(House()), given_event)
    except FinalError as refused:
        assert "Traceback" not in str(refused)
        assert str(refused).endswith((".", ";"))
    else:
        assert request.type in ("Create", "Update", "Delete")
        assert isinstance(request.properties.lit, bool)
        assert isinstance(request.properties.room_name, str)


def test_a_stale_request_never_writes() -> None:
    house, stacks = House(), Stacks()
    given = accepted(stacks, event())
    stacks.current = "ROLLBACK_IN_PROGRESS 1"
    assert is_complete(Lamp(house), given, stacks, 60) == {"IsComplete": True}
    assert house.writes == 0


def test_a_request_that_becomes_stale_while_it_works_does_not_write_late() -> None:
    house, stacks = House(), Stacks()
    given = accepted(stacks, event())
    house.meanwhile.append(lambda: setattr(stacks, "current", "UPDATE_ROLLBACK_IN_PROGRESS 1"))
    assert is_complete(Lamp(house), given, stacks, 60) == {"IsComplete": True}
    assert house.writes == 0


@pytest.mark.parametrize("late", [False, True])
def test_an_older_answer_neither_ends_a_request_nor_lets_it_write(late: bool) -> None:
    """CloudFormation may tell of a moment ago: an answer `done` without a write would be a launch without its work."""
    house, stacks = House(), Stacks()
    stacks.current = "UPDATE_IN_PROGRESS 2"
    given = accepted(stacks, event("Update", PhysicalResourceId="lamp-1"))
    if late:
        house.meanwhile.append(lambda: setattr(stacks, "current", "CREATE_COMPLETE 1"))
    else:
        stacks.current = "CREATE_COMPLETE 1"
    assert is_complete(Lamp(house), given, stacks, 60) == {"IsComplete": False}
    assert house.writes == 0
    with pytest.raises(GaveUp, match="CloudFormation still shows the stack in the status CREATE_COMPLETE"):
        is_complete(Lamp(house), given, stacks, -1)
    stacks.current = "UPDATE_IN_PROGRESS 2"
    assert is_complete(Lamp(house), given, stacks, 60)["IsComplete"]
    assert house.writes == 1


def test_what_changed_meanwhile_is_observed_again() -> None:
    house, stacks = House(), Stacks()

    def somebody_was_faster() -> Replan:
        return Replan("the lamp")

    house.meanwhile += [somebody_was_faster, somebody_was_faster]
    assert is_complete(Lamp(house), accepted(stacks, event()), stacks, 60)["IsComplete"]
    assert house.writes == 1
    house.meanwhile += [somebody_was_faster] * 10
    assert is_complete(Lamp(house), accepted(stacks, event()), stacks, 60) == {"IsComplete": False}
    assert house.open_rooms == 0


def waits(wait: Exception) -> Callable[..., Any]:
    def raising(*given: object, **named: object) -> Any:
        raise wait

    return raising


def test_a_wait_is_pending_until_patience_ends() -> None:
    house, stacks = House(), Stacks()
    given = accepted(stacks, event())
    house.meanwhile += [waits(RetryLater(5, "GitHub answered 502."))] * 2
    assert is_complete(Lamp(house), given, stacks, 60) == {"IsComplete": False}
    given["Operation"] = {**given["Operation"], "Started": "1000.0"}
    with pytest.raises(FinalError, match=r"^The function stopped waiting after 1 minutes: GitHub answered 502\. [A-Z]"):
        is_complete(Lamp(house), given, stacks, 60)


def test_what_a_replica_may_not_show_yet_is_awaited_for_a_minute_after_the_requests_start() -> None:
    """The reason is told in a sentence of its own, with one full stop."""
    house, stacks = House(), Stacks()
    given = accepted(stacks, event())
    unseen = BranchUnseen(branch="b", repository="acme/x", message="no commits")
    house.meanwhile += [waits(unseen)] * 3
    assert is_complete(Lamp(house), given, stacks, 600) == {"IsComplete": False}
    given["Operation"] = {**given["Operation"], "Started": str(time.time() - 30)}
    why = "GitHub refused a pull request from the branch b of acme/x: no commits"
    with pytest.raises(FinalError, match=rf"GitHub does not show a recent change yet \({why}\)\. [A-Z]"):
        is_complete(Lamp(house), given, stacks, 10)
    given["Operation"] = {**given["Operation"], "Started": str(time.time() - 61)}
    with pytest.raises(BranchUnseen):
        is_complete(Lamp(house), given, stacks, 600)


@pytest.mark.parametrize(
    ("wait", "age", "waited", "gives_up"),
    [
        (RetryLater(5, "GitHub answered 502."), 2401, 0, True),
        (RetryLater(5, "GitHub answered 502."), 2699, 300, False),  # of which it has waited for a slot
        (RetryLater(5, "GitHub answered 502."), 2701, 300, True),
        (RetryLater(5, "GitHub answered 502."), 3001, 2000, True),  # CloudFormation's hour ends all the same
        (BudgetSpent(5, Cost(5)), 2999, 0, False),
        (BudgetSpent(5, Cost(5)), 3001, 0, True),
        (LaunchesPaused(5), 2999, 0, False),  # for a limit of GitHub, too
        (LaunchesPaused(5), 3001, 0, True),
        (RateLimited(5, message="secondary rate limit"), 2999, 0, False),
        (RateLimited(5, message="secondary rate limit"), 3001, 0, True),
        (StillWaiting(5), 2401, 0, True),
    ],
)
def test_patience_counts_from_the_slot(wait: RetryLater, age: float, waited: float, gives_up: bool) -> None:
    budget = Budget()
    call = Call("r1", budget, lambda: None, lambda: 10_000.0 + age)
    budget.progress = Progress(waited=waited)
    call.room()
    if gives_up:
        with pytest.raises(FinalError, match="stopped waiting after"):
            pending(wait, 10_000.0, 2400, call)
    else:
        assert pending(wait, 10_000.0, 2400, call) == {"IsComplete": False}
        assert budget.remembered == [("r1", 5)]


@pytest.mark.parametrize(("age", "gives_up"), [(2399.5, False), (2400.5, True)])
def test_a_request_that_has_waited_for_no_slot_has_its_patience_and_no_more(age: float, gives_up: bool) -> None:
    call = Call("r1", Budget(), lambda: None, lambda: 10_000.0 + age)
    wait = RetryLater(5, "GitHub answered 502.")
    if gives_up:
        with pytest.raises(FinalError, match="stopped waiting after"):
            pending(wait, 10_000.0, 2400, call)
    else:
        assert pending(wait, 10_000.0, 2400, call) == {"IsComplete": False}


def test_a_limit_is_of_requests_unless_somebody_says_otherwise() -> None:
    budget = Budget()
    pending(RateLimited(42, "GitHub's rate limit."), 0, 60, Call("r1", budget, lambda: None, lambda: 1.0, Progress()))
    assert budget.of_content == [False]


@pytest.mark.parametrize("of_content", [True, False])
def test_the_budget_is_told_what_was_refused(of_content: bool) -> None:
    limited, budget = RateLimited(42, "GitHub's rate limit."), Budget()
    limited.of_content = of_content
    pending(limited, 0, 60, Call("r1", budget, lambda: None, lambda: 1.0, Progress()))
    assert budget.of_content == [of_content]


@pytest.mark.parametrize(("later", "ends"), [(59.0, False), (2400.0, False), (2400.5, True), (36000.0, True)])
def test_patience_is_counted_from_the_first_call(monkeypatch: pytest.MonkeyPatch, later: float, ends: bool) -> None:
    house, stacks, now = House(), Stacks(), 1_764_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    given = accepted(stacks, event())
    house.meanwhile.append(waits(RetryLater(5, "GitHub answered 502.")))
    now += later
    if ends:
        with pytest.raises(FinalError, match="stopped waiting after 40 minutes"):
            is_complete(Lamp(house), given, stacks, 2400)
    else:
        assert is_complete(Lamp(house), given, stacks, 2400) == {"IsComplete": False}


def looking_ahead(preflight: Callable[..., Any]) -> Lamp:
    """Return a resource that looks ahead so."""
    lamp = Lamp(House())
    vars(lamp)["preflight"] = preflight
    return lamp


def test_a_refused_plan_is_planned_again_from_the_same_observation_and_charged() -> None:
    house, stacks, budget = House(), Stacks(), Budget()
    house.lamps["kitchen"] = False
    house.meanwhile.append(lambda: Replan("the switch is locked", refusal="locked by a rule"))
    answer = is_complete(Lamp(house), accepted(stacks, event()), stacks, 60, budget)
    assert answer["IsComplete"]
    assert (house.looks, house.refusals, house.writes) == (1, ["", "locked by a rule"], 1)
    assert house.seen == [False, False]
    assert budget.reserved == [Cost(points=5), Cost()], "the second plan pays what the first has not"


def test_nothing_is_read_while_there_is_no_room() -> None:
    house, stacks = House(), Stacks()
    given = {**accepted(stacks, event()), "RequestId": "r1"}
    for wait in (BudgetSpent(90, Cost(5)), StillWaiting(80, "not yet.")):
        closed = Budget(wait)
        assert is_complete(Lamp(house), given, stacks, 60, closed) == {"IsComplete": False}
        assert (house.looks, closed.remembered) == (0, []), "what is remembered already stays as it is"


def test_a_wait_is_remembered_under_the_request_of_its_stack_and_resource() -> None:
    """Somebody else's event with the same id knows nothing of it."""
    house, stacks, budget = House(), Stacks(), Budget()
    given = {**accepted(stacks, event()), "RequestId": "r1"}
    for wait in (RetryLater(5, "GitHub answered 502."), RateLimited(42, "GitHub's rate limit.")):
        house.meanwhile.append(waits(wait))
        assert is_complete(Lamp(house), given, stacks, 60, budget) == {"IsComplete": False}
    name = "r1 Lamp arn:aws:cloudformation:eu-west-1:1:stack/s/1"
    assert budget.remembered == [(name, 5), (name, 42)]
    house.meanwhile.append(waits(RetryLater(5, "GitHub answered 502.")))
    assert is_complete(Lamp(house), accepted(stacks, event()), stacks, 60, budget) == {"IsComplete": False}
    assert budget.remembered[2:] == [("", 5)]


def test_what_was_paid_before_is_not_charged_again() -> None:
    house, stacks, budget = House(), Stacks(), Budget()
    budget.progress.paid = Cost(points=4)
    assert is_complete(Lamp(house), accepted(stacks, event()), stacks, 60, budget)["IsComplete"]
    assert budget.reserved == [Cost(points=1)]
    assert budget.progress.paid == Cost(points=5)
    house.meanwhile.append(waits(RetryLater(5, "GitHub answered 502.")))
    for _ in range(2):
        is_complete(Lamp(house), accepted(stacks, event()), stacks, 60, budget)
    assert budget.reserved[1:] == [Cost(), Cost()], "a call that failed has paid for the next"


def test_the_budget_is_asked_before_the_plan_is_applied() -> None:
    house, stacks, budget = House(), Stacks(), Budget()
    is_complete(Lamp(house), accepted(stacks, event()), stacks, 60, budget=budget)
    assert budget.reserved == [Cost(points=5)]
    closed = Budget(RetryLater(30, "GitHub's rate limit has paused all launches."))
    before = house.writes
    assert is_complete(Lamp(house), accepted(stacks, event()), stacks, 60, budget=closed) == {"IsComplete": False}
    assert (house.writes, closed.reserved) == (before, [])


def test_a_rate_limit_pauses_everyone() -> None:
    house, stacks, budget = House(), Stacks(), Budget()
    house.meanwhile.append(waits(RateLimited(42, "GitHub's rate limit.")))
    assert is_complete(Lamp(house), accepted(stacks, event()), stacks, 60, budget=budget) == {"IsComplete": False}
    assert budget.paused == [42]


@pytest.mark.parametrize(("kind", "untold"), [(RateLimited, False), (LimitUntold, True)])
def test_the_budget_is_told_whether_github_said_how_long(kind: type[RateLimited], untold: bool) -> None:
    house, stacks, budget = House(), Stacks(), Budget()
    house.meanwhile.append(waits(kind(60, "GitHub's rate limit.")))
    assert is_complete(Lamp(house), accepted(stacks, event()), stacks, 60, budget=budget) == {"IsComplete": False}
    assert budget.untold == [untold]


def test_a_limit_is_a_wait_even_when_it_cannot_be_told_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    house, stacks, budget = House(), Stacks(), Budget()
    monkeypatch.setattr(budget, "pause", waits(RetryLater(5, "DynamoDB could not be reached.")))
    house.meanwhile.append(waits(RateLimited(42, "GitHub's rate limit.")))
    assert is_complete(Lamp(house), accepted(stacks, event()), stacks, 60, budget=budget) == {"IsComplete": False}


def test_a_preflight_that_meets_the_limit_pauses_everyone_and_is_left_out() -> None:
    budget = Budget()
    resource = looking_ahead(waits(RateLimited(42, "GitHub's rate limit.")))
    answer = on_event(resource, event(), Stacks(), budget=budget)
    assert answer["Operation"]["Noted"] == {}
    assert budget.paused == [42]


def test_a_preflight_looks_ahead_for_its_request_and_is_noted() -> None:
    looked: list[Request[LampProperties]] = []

    def preflight(request: Request[LampProperties]) -> dict[str, str]:
        looked.append(request)
        return {"Dark": "true"}

    answer = on_event(looking_ahead(preflight), event(), Stacks())
    assert answer["Operation"]["Noted"] == {"Dark": "true"}
    assert [(request.properties.room_name, request.type, request.started) for request in looked] == [
        ("kitchen", "Create", 0.0)
    ]
    assert parsed(Lamp(House()), event(Operation=answer["Operation"])).noted == {"Dark": "true"}


@pytest.mark.parametrize(
    ("kind", "retain", "ends"),
    [("Delete", "true", True), ("Delete", "false", False), ("Update", "true", False), ("Create", "true", False)],
)
def test_only_a_delete_is_let_go_where_that_is_wanted(
    kind: str, retain: str, ends: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    house, stacks = House(), Stacks()
    house.meanwhile.append(waits(NotPermitted("The token may not do it.")))
    given = event(kind, PhysicalResourceId="lamp-1")
    given["ResourceProperties"]["RetainOnFailure"] = retain
    telemetry.flush()
    if ends:
        assert is_complete(Lamp(house), accepted(stacks, given), stacks, 60) == {"IsComplete": True}
    else:
        with pytest.raises(NotPermitted):
            is_complete(Lamp(house), accepted(stacks, given), stacks, 60)
    capsys.readouterr()
    telemetry.flush()
    assert ('"Retained":[1.0]' in capsys.readouterr().out.replace(" ", "")) is ends


def test_what_keeps_changing_is_left_alone_for_five_seconds() -> None:
    house, stacks, budget = House(), Stacks(), Budget()
    house.meanwhile += [lambda: Replan("the lamp")] * ATTEMPTS
    given = {**accepted(stacks, event()), "RequestId": "r1"}
    assert is_complete(Lamp(house), given, stacks, 60, budget) == {"IsComplete": False}
    assert (budget.remembered, house.looks) == ([(f"r1 Lamp {given['StackId']}", 5)], 4)


def test_no_preflight_while_github_wants_no_request() -> None:
    resource = looking_ahead(waits(AssertionError("asked")))
    closed = Budget(RetryLater(30, "GitHub's rate limit has paused all launches."))
    assert on_event(resource, event(), Stacks(), budget=closed)["Operation"]["Noted"] == {}


def test_the_stack_is_looked_up_before_github_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-up is what is repeated: GitHub would be asked as often."""
    stacks, resource = Stacks(), looking_ahead(waits(AssertionError("asked")))
    monkeypatch.setattr(stacks, "operation", waits(RetryLater(5, "CloudFormation asks to be called later.")))
    with pytest.raises(RetryLater, match="CloudFormation"):
        on_event(resource, event(), stacks)
