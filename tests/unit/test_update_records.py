"""What an update wrote, as it is remembered: what a rollback may do without GitHub, and what stops a late write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from custom_resources.clients.update_records import UpdateRecords
from custom_resources.clients.writes import Writes
from custom_resources.errors import AwsThrottled, BudgetContended, BudgetMissing, FinalError, NotOfItsStack, Stale
from custom_resources.properties import Properties
from custom_resources.reconciler import CustomResource, Done, Foreseen, Request, is_complete, on_event
from custom_resources.update_record import UpdateRecord, begun, digest, reported, undone, unwritten, writing

STACK = "arn:aws:cloudformation:eu-west-1:1:stack/s/1"
UPDATE, ROLLBACK = "UPDATE_IN_PROGRESS 1", "UPDATE_ROLLBACK_IN_PROGRESS 1"
Changing = Callable[[UpdateRecord | None], UpdateRecord | None]


class Memory:
    """The table, in memory; `silent` does not answer."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], UpdateRecord] = {}
        self.silent = False

    def change(self, stack_id: str, logical_id: str, change: Changing) -> UpdateRecord | None:
        if self.silent:
            raise AwsThrottled(5, service="DynamoDB", activity="reading", code="ThrottlingException")
        made = change(self.kept.get((stack_id, logical_id)))
        if made:
            self.kept[stack_id, logical_id] = made
        return made

    def forget(self, stack_id: str, logical_id: str) -> None:
        self.kept.pop((stack_id, logical_id), None)


# -- the record, as it changes ---------------------------------------------------------------------------------------

CREATED = reported(None, "CREATE_IN_PROGRESS 0", "A", {"Name": "a"}, rollback=False)


def test_an_update_that_wrote_nothing_is_undone_by_what_was_reported() -> None:
    found = undone(begun(CREATED, UPDATE, "A", "B"), "A", "B")
    assert found
    assert (found.written, found.attributes) == ("undone", {"Name": "a"})
    assert undone(found, "A", "B") == found, "the rollback is continued"


def test_an_update_that_wrote_is_undone_with_github() -> None:
    assert undone(writing(begun(CREATED, UPDATE, "A", "B"), UPDATE, "A", "B"), "A", "B") is None


def test_an_update_that_never_began_wrote_nothing() -> None:
    assert undone(CREATED, "A", "B")
    assert undone(None, "A", "B") is None
    again = undone(begun(CREATED, UPDATE, "A", "B"), "A", "B")
    assert undone(again, "A", "C"), "one that failed came before"


def test_a_late_write_is_stopped_by_its_rollback_and_by_nothing_else() -> None:
    late = undone(begun(CREATED, UPDATE, "A", "B"), "A", "B")
    assert writing(late, UPDATE, "A", "B") is None
    next_one = "UPDATE_IN_PROGRESS 2"
    assert writing(begun(late, next_one, "A", "B"), next_one, "A", "B")
    assert writing(None, UPDATE, "A", "B") == UpdateRecord(UPDATE, "A", "B", "written")


def test_an_event_that_is_delivered_twice_does_not_forget_what_was_written() -> None:
    written = writing(begun(CREATED, UPDATE, "A", "B"), UPDATE, "A", "B")
    assert begun(written, UPDATE, "A", "B") == written


def test_what_was_written_and_never_undone_stays_written() -> None:
    """An update that stopped half way without a rollback, or whose rollback was skipped, and then another."""
    half = writing(begun(CREATED, UPDATE, "A", "B"), UPDATE, "A", "B")
    second = begun(half, "UPDATE_IN_PROGRESS 2", "A", "C")
    assert second.written == "written"
    assert undone(second, "A", "C") is None
    assert unwritten(second, UPDATE) is None
    ended = reported(half, UPDATE, "B", {"Name": "b"}, rollback=False)
    after = begun(ended, "UPDATE_IN_PROGRESS 2", "B", "C")
    assert undone(after, "B", "C"), "it begins where the first ended"
    assert undone(after, "A", "B") is None, "a rollback that goes back further"


Step = st.tuples(st.sampled_from(["write", "skip", "refused", "fail", "end", "lose"]), st.sampled_from("ABC"))


@given(st.lists(Step, max_size=12))
def test_no_update_that_changed_anything_is_taken_for_one_that_did_not(steps: list[tuple[str, str]]) -> None:
    """The resource is what it was last written as; a rollback that does without GitHub must find it as it goes to."""
    found: UpdateRecord | None = reported(None, "CREATE_IN_PROGRESS 0", "A", {"Name": "A"}, rollback=False)
    known, there = "A", "A"  # to CloudFormation, and on GitHub
    for number, (kind, wanted) in enumerate(steps):
        operation = f"UPDATE_IN_PROGRESS {number}"
        if kind == "lose":
            found = None
            continue
        if wanted == known:
            continue
        found = begun(found, operation, known, wanted)
        first = found.written == "unwritten"
        if kind in ("write", "skip", "end"):
            found = writing(found, operation, known, wanted)
            there = wanted
        if kind == "refused":
            found = writing(found, operation, known, wanted)
            found = (unwritten(found, operation) if first else None) or found
        if kind == "end":
            found, known = reported(found, operation, wanted, {"Name": wanted}, rollback=False), wanted
            continue
        if kind == "skip":  # its rollback fails, and the administrator skips it
            continue
        short = undone(found, known, wanted)
        if short:
            assert there == known
            assert short.attributes == {"Name": known}
            found = short
        else:  # GitHub is asked, and has it as it was
            there = known
            found = reported(found, "UPDATE_ROLLBACK_IN_PROGRESS", known, {"Name": known}, rollback=True)


def test_secrets_are_not_in_the_record() -> None:
    assert "hush" not in digest({"Secrets": {"A": "hush"}, "ServiceToken": "x"})
    assert digest({"A": "1", "ServiceToken": "x"}) == digest({"ServiceToken": "y", "A": "1"})
    assert digest({"A": "1"}) != digest({"A": "2"})


# -- the reconciler --------------------------------------------------------------------------------------------------


class DoorProperties(Properties):
    """A door."""

    colour: str


@dataclass
class Door(CustomResource[DoorProperties, str, str]):
    """Custom::Door: each look and each stroke can be made to fail, and something can happen before a stroke."""

    writes: Writes
    colour: str = "red"
    looks: int = 0
    fails: Exception | None = None
    meanwhile: Callable[[], object] | None = None

    properties = DoorProperties

    def provisional_id(self, properties: DoorProperties) -> str:
        return "door"

    @contextmanager
    def observe(self, request: Request[DoorProperties]) -> Iterator[str]:
        self.looks += 1
        if self.fails:
            raise self.fails
        yield self.colour

    def plan(self, request: Request[DoorProperties], observed: str) -> str:
        return request.properties.colour

    def apply(self, plan: str, request: Request[DoorProperties], ensure_current: Callable[[], None]) -> Done:
        if self.meanwhile:
            self.meanwhile()
        if plan != self.colour:
            with self.writes.sending():
                self.colour = plan
        return Done({"Colour": plan})

    def foresee(self, request: Request[DoorProperties], observed: str, plan: str) -> Foreseen:
        return Foreseen()


class Stacks:
    """The stack's operation."""

    def __init__(self) -> None:
        self.current = UPDATE

    def operation(self, stack_id: str) -> str:
        return self.current

    def exists(self, stack_id: str) -> bool:
        return True

    def tags(self, stack_id: str) -> Mapping[str, str]:
        return {}


@dataclass
class House:
    """A door that stands, with its stack and the table."""

    stacks: Stacks
    memory: Memory
    door: Door
    writes: Writes

    def accepted(self, kind: str, colour: str, old: str = "", **more: Any) -> dict[str, Any]:
        event = {
            "RequestType": kind,
            "StackId": STACK,
            "LogicalResourceId": "Door",
            "PhysicalResourceId": "door",
            "ResourceProperties": {"Colour": colour},
            **({"OldResourceProperties": {"Colour": old}} if old else {}),
            **more,
        }
        return event | on_event(self.door, event, self.stacks, records=self.memory)

    def ended(self, event: dict[str, Any]) -> dict[str, Any]:
        return is_complete(self.door, event, self.stacks, 60, records=self.memory, writes=self.writes)


@pytest.fixture
def house() -> House:
    writes = Writes()
    made = House(Stacks(), Memory(), Door(writes), writes)
    made.stacks.current = "CREATE_IN_PROGRESS 0"
    made.ended(made.accepted("Create", "red"))
    made.stacks.current = UPDATE
    return made


def test_a_rollback_looks_at_nothing_where_nothing_was_written(house: House) -> None:
    house.door.fails = FinalError("GitHub rejected the token.")
    with pytest.raises(FinalError):
        house.ended(house.accepted("Update", "blue", "red"))
    looks, house.stacks.current = house.door.looks, ROLLBACK
    answer = house.ended(house.accepted("Update", "red", "blue"))
    assert answer == {"IsComplete": True, "Data": {"Colour": "red"}}
    assert house.door.looks == looks


def test_a_cancelled_updates_write_does_not_come_after_its_rollback(house: House) -> None:
    """Its waiter has seen that it is current, and is about to write: CloudFormation cancels it at that moment."""
    update = house.accepted("Update", "blue", "red")

    def cancelled() -> None:
        house.stacks.current, house.door.meanwhile = ROLLBACK, None
        rollback = house.accepted("Update", "red", "blue")  # another function's process, with writes of its own
        answer = is_complete(house.door, rollback, house.stacks, 60, records=house.memory, writes=Writes())
        assert answer["Data"] == {"Colour": "red"}

    house.door.meanwhile = cancelled
    assert house.ended(update) == {"IsComplete": True}
    assert house.door.colour == "red"


def test_an_update_that_wrote_first_is_rolled_back_by_its_rollback(house: House) -> None:
    house.ended(house.accepted("Update", "blue", "red"))
    house.stacks.current = ROLLBACK
    house.ended(house.accepted("Update", "red", "blue"))
    assert (house.door.colour, house.memory.kept[STACK, "Door"].written) == ("red", "undone")


def test_a_table_that_does_not_answer_stops_a_write_and_no_acceptance(house: House) -> None:
    house.memory.silent = True
    update = house.accepted("Update", "blue", "red")
    assert house.ended(update) == {"IsComplete": False}
    assert house.door.colour == "red"
    house.memory.silent = False
    assert house.ended(update)["IsComplete"]
    assert house.door.colour == "blue"


def test_a_client_that_tells_no_writes_counts_as_writing(house: House) -> None:
    house.door.fails = FinalError("GitHub rejected the token.")
    update = house.accepted("Update", "blue", "red")
    with pytest.raises(FinalError):
        is_complete(house.door, update, house.stacks, 60, records=house.memory)
    assert house.memory.kept[STACK, "Door"].written == "written"


def test_the_end_of_a_stack_forgets_and_that_of_a_replaced_resource_does_not(house: House) -> None:
    for operation, kept in (("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS 1", 1), ("DELETE_IN_PROGRESS 1", 0)):
        house.stacks.current = operation
        house.ended(house.accepted("Delete", "red"))
        assert len(house.memory.kept) == kept


def test_nobody_elses_stack_is_answered_for(house: House) -> None:
    """Who may invoke the function chooses the event: another project's stack is refused before its record is read."""
    house.stacks.current = ROLLBACK
    other = STACK.replace("stack/s/", "stack/other/")
    made_up = {**house.accepted("Update", "red", "blue"), "StackId": other}
    before = dict(house.memory.kept)
    answer = house.ended(made_up)
    assert answer["Data"] == {"Colour": "red"}
    assert house.door.looks == 2, "what is remembered of one stack is no answer for another"
    assert house.memory.kept[STACK, "Door"] == before[STACK, "Door"]

    def refuse(*given: object) -> str:
        raise NotOfItsStack(stack="s", why="the stack belongs to another project than p2")

    before = dict(house.memory.kept)
    event = house.accepted("Update", "red", "blue")
    with pytest.raises(NotOfItsStack):
        is_complete(house.door, event, house.stacks, 60, records=house.memory, require_own=refuse)
    house.stacks.current = UPDATE
    with pytest.raises(NotOfItsStack):
        on_event(house.door, event, house.stacks, records=house.memory, require_own=refuse)
    assert house.memory.kept == before


# -- the table -------------------------------------------------------------------------------------------------------


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        client.create_table(
            TableName="budget",
            KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


def test_of_two_that_change_a_record_the_second_looks_again(table: Any) -> None:
    records = UpdateRecords(table, "budget", lambda: 1000.0)
    records.change(STACK, "Door", lambda found: begun(CREATED, UPDATE, "A", "B"))
    others: list[Changing] = [partial(undone, before="A", wanted="B")]

    def late(found: UpdateRecord | None) -> UpdateRecord | None:
        if others:
            assert records.change(STACK, "Door", others.pop())
        return writing(found, UPDATE, "A", "B")

    assert records.change(STACK, "Door", late) is None, "the rollback was first"
    assert records.change(STACK, "Window", partial(undone, before="A", wanted="B")) is None


def test_a_record_expires_after_its_stack(table: Any) -> None:
    records = UpdateRecords(table, "budget", lambda: 1000.0)
    records.forget(STACK, "Door")
    records.change(STACK, "Door", lambda found: CREATED)
    records.forget(STACK, "Door")
    (item,) = table.scan(TableName="budget")["Items"]
    assert item["ExpiresAt"]["N"] == str(1000 + 24 * 3600)
    assert records.change(STACK, "Door", lambda found: found) == CREATED


def test_the_tables_errors_are_sentences(table: Any) -> None:
    with pytest.raises(BudgetMissing):
        UpdateRecords(table, "elsewhere").change(STACK, "Door", lambda found: CREATED)
    records = UpdateRecords(table, "budget")
    numbers = iter(range(100))

    def another(found: UpdateRecord | None) -> UpdateRecord:
        table.put_item(TableName="budget", Item={"Id": {"S": f"update {STACK} Door"}, "State": {"S": _state(numbers)}})
        return CREATED

    with pytest.raises(BudgetContended):
        records.change(STACK, "Door", another)


def _state(numbers: Iterator[int]) -> str:
    return json.dumps(asdict(UpdateRecord(str(next(numbers)), "A", "B", "written")))


def test_a_write_is_announced_once_and_counts_unless_it_was_refused() -> None:
    writes, told = Writes(), list[int]()
    writes.begin(lambda: told.append(1))
    with writes.sending() as sent:
        sent.refuse()
    assert (told, writes.landed) == ([1], False)
    with pytest.raises(KeyError), writes.sending():
        raise KeyError
    assert (told, writes.landed) == ([1], True)

    def stale() -> None:
        raise Stale

    writes.begin(stale)
    for _ in range(2):
        with pytest.raises(Stale), writes.sending():
            raise AssertionError("it was sent")
    assert not writes.landed
