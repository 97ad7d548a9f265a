"""What is remembered of an update, state by state, and what a rollback makes of it: whole records, each call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from custom_resources import rollback
from custom_resources.clients.writes import Writes
from custom_resources.errors import FinalError, RetryLater, Stale
from custom_resources.rollback import Change
from custom_resources.update_record import UpdateRecord, Written, begun, digest, reported, undone, unwritten, writing

UPDATE, ROLLBACK = "UPDATE_IN_PROGRESS 1", "UPDATE_ROLLBACK_IN_PROGRESS 1"
STATES: tuple[Written, ...] = ("unwritten", "written", "undone")
TOLD = {"Name": "a"}


def record(written: Written, operation: str = UPDATE, before: str = "A", wanted: str = "B") -> UpdateRecord:
    return UpdateRecord(operation, before, wanted, written, TOLD, "A")


# -- the states ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "stands"), [("unwritten", "A"), ("written", "B"), ("undone", "A")])
def test_a_resource_stands_where_its_last_update_that_wrote_has_led(state: Written, stands: str) -> None:
    assert record(state).stands_at == stands


@pytest.mark.parametrize(
    ("found", "made"),
    [
        (None, UpdateRecord("next", "B", "C", "unwritten")),
        *((record(state, "next"), record(state, "next")) for state in STATES),
        (record("unwritten"), record("unwritten", "next", "B", "C")),
        (record("undone"), record("unwritten", "next", "B", "C")),
        (record("written"), record("unwritten", "next", "B", "C")),
        (record("written", wanted="X"), record("written", "next", "B", "C")),
    ],
)
def test_an_update_begins_and_what_was_left_written_stays_so(found: UpdateRecord | None, made: UpdateRecord) -> None:
    assert begun(found, "next", "B", "C") == made


@pytest.mark.parametrize(
    ("found", "made"),
    [
        (None, UpdateRecord(UPDATE, "B", "C", "written")),
        (record("unwritten"), record("written", UPDATE, "B", "C")),
        (record("written"), record("written", UPDATE, "B", "C")),
        (record("undone"), None),
        (record("undone", "another"), record("written", UPDATE, "B", "C")),
    ],
)
def test_an_update_writes_unless_its_own_rollback_came_first(
    found: UpdateRecord | None, made: UpdateRecord | None
) -> None:
    assert writing(found, UPDATE, "B", "C") == made


@pytest.mark.parametrize(
    ("found", "made"),
    [
        (None, None),
        (record("written"), record("unwritten")),
        (record("written", "another"), None),
        (record("unwritten"), None),
        (record("undone"), None),
    ],
)
def test_what_was_refused_is_unwritten_again(found: UpdateRecord | None, made: UpdateRecord | None) -> None:
    assert unwritten(found, UPDATE) == made


@pytest.mark.parametrize(
    ("found", "made"),
    [
        (None, None),
        (record("unwritten"), record("undone")),
        (record("undone"), record("undone")),
        (record("written"), None),
        (record("unwritten", before="X"), None),
        (replace(record("unwritten"), reported_for="X"), None),
        (record("written", before="X", wanted="A"), record("undone", "")),
        (record("unwritten", wanted="X"), record("undone", "")),
    ],
)
def test_a_rollback_undoes_what_wrote_nothing(found: UpdateRecord | None, made: UpdateRecord | None) -> None:
    assert undone(found, "A", "B") == made


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("is_rollback", [True, False])
def test_what_is_reported_is_kept_for_its_properties(state: Written, is_rollback: bool) -> None:
    found = reported(record(state), "next", "P", {"Name": "b"}, rollback=is_rollback)
    assert found == UpdateRecord(UPDATE, "A", "B", "undone" if is_rollback else state, {"Name": "b"}, "P")
    first = reported(None, "next", "P", {"Name": "b"}, rollback=is_rollback)
    assert first == UpdateRecord("next", "", "P", "undone" if is_rollback else "written", {"Name": "b"}, "P")


def test_properties_have_one_name_whatever_their_order_and_token() -> None:
    assert digest({"B": [1, {"c": None}], "A": "x", "ServiceToken": "t"}) == digest({"A": "x", "B": [1, {"c": None}]})
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "SHA-256 of {}"
    assert digest({"Servicetoken": "t"}) != digest({})


# -- one request -----------------------------------------------------------------------------------------------------

OLD, NEW = {"Colour": "red"}, {"Colour": "blue"}
A, B = digest(OLD), digest(NEW)


class Records:
    """The table: one record, every change of it, and what it fails with."""

    def __init__(self, found: UpdateRecord | None = None, fails: Exception | None = None) -> None:
        self.found, self.fails = found, fails
        self.asked: list[tuple[str, ...]] = []

    def change(
        self, stack_id: str, logical_id: str, change: Callable[[UpdateRecord | None], UpdateRecord | None]
    ) -> UpdateRecord | None:
        self.asked.append(("change", stack_id, logical_id))
        if self.fails:
            raise self.fails
        made = change(self.found)
        self.found = made or self.found
        return made

    def forget(self, stack_id: str, logical_id: str) -> None:
        self.asked.append(("forget", stack_id, logical_id))
        if self.fails:
            raise self.fails


def change(records: Records | None, kind: str = "Update", operation: str = UPDATE, *, creates: bool = False) -> Change:
    event = {"RequestType": kind, "StackId": "s", "LogicalResourceId": "Door", "ResourceProperties": NEW}
    old = {"OldResourceProperties": OLD} if kind == "Update" else {}
    return Change.of({**event, **old}, operation, records, creates=creates)


def test_a_change_is_what_its_event_says() -> None:
    records = Records()
    assert change(records) == Change(records, "Update", UPDATE, "s", "Door", NEW, OLD, creates=False)
    assert change(None, "Create", creates=True) == Change(None, "Create", UPDATE, "s", "Door", NEW, {}, creates=True)
    bare = Change.of({"RequestType": "Delete"}, "DELETE_IN_PROGRESS 1", None)
    assert bare == Change(None, "Delete", "DELETE_IN_PROGRESS 1", "", "", {}, {})


CREATE = "CREATE_IN_PROGRESS 0"


@pytest.mark.parametrize(
    ("kind", "operation", "creates", "made"),
    [
        ("Update", UPDATE, False, UpdateRecord(UPDATE, A, B, "unwritten")),
        ("Create", CREATE, True, UpdateRecord(CREATE, "", B, "unwritten")),
        ("Create", CREATE, False, None),
        ("Create", UPDATE, False, None),
        ("Update", ROLLBACK, False, None),
        ("Update", ROLLBACK, True, None),
        ("Delete", UPDATE, True, None),
    ],
)
def test_what_may_be_rolled_back_begins_with_a_record(
    kind: str, operation: str, creates: bool, made: UpdateRecord | None
) -> None:
    records = Records()
    change(records, kind, operation, creates=creates).begin()
    assert records.found == made
    assert records.asked == ([("change", "s", "Door")] if made else [])
    change(None, kind, operation, creates=creates).begin()


def test_a_table_that_does_not_answer_stops_no_beginning_and_one_that_refuses_does() -> None:
    change(Records(fails=RetryLater(5, "slow"))).begin()
    with pytest.raises(FinalError):
        change(Records(fails=FinalError("denied"))).begin()


def test_an_update_is_noted_before_its_first_write_and_once() -> None:
    records, writes = Records(UpdateRecord(UPDATE, A, B, "unwritten")), Writes()
    with change(records).watched(writes):
        assert records.asked == []
        for _ in range(2):
            with writes.sending():
                assert records.found == UpdateRecord(UPDATE, A, B, "written")
    assert records.asked == [("change", "s", "Door")]


def test_a_write_after_the_rollback_is_stale() -> None:
    records, writes, sent = Records(UpdateRecord(UPDATE, A, B, "undone")), Writes(), list[int]()
    with pytest.raises(Stale), change(records).watched(writes), writes.sending():
        sent.append(1)
    assert sent == []
    with pytest.raises(Stale), change(records).watched(None):
        sent.append(1)
    assert sent == []
    assert records.found == UpdateRecord(UPDATE, A, B, "undone")


@pytest.mark.parametrize("failure", [FinalError("refused"), RetryLater(5, "later")])
@pytest.mark.parametrize(
    ("before", "refused", "after"),
    [
        ("unwritten", True, "unwritten"),
        ("unwritten", False, "written"),
        ("written", True, "written"),
    ],
)
def test_what_github_refused_counts_as_unwritten_where_it_was(
    failure: Exception, before: Written, refused: bool, after: Written
) -> None:
    records, writes = Records(UpdateRecord(UPDATE, A, B, before)), Writes()
    with pytest.raises(type(failure)) as out, change(records).watched(writes), writes.sending() as sent:
        if refused:
            sent.refuse()
        raise failure
    assert out.value is failure
    assert records.found == UpdateRecord(UPDATE, A, B, after)


def test_another_error_or_no_write_or_no_record_changes_nothing() -> None:
    for found, error in ((UpdateRecord(UPDATE, A, B, "unwritten"), KeyError()), (None, FinalError("refused"))):
        records, writes = Records(found), Writes()
        with pytest.raises(type(error)), change(records).watched(writes), writes.sending() as sent:
            sent.refuse()
            raise error
        assert records.found == UpdateRecord(UPDATE, A, B, "written")
    records, writes = Records(), Writes()
    with pytest.raises(FinalError), change(records).watched(writes):
        raise FinalError("before any write")
    assert records.asked == []
    with change(records, operation=ROLLBACK).watched(writes), writes.sending():
        pass
    with change(records, operation=ROLLBACK).watched(None):
        pass
    assert records.asked == [], "what is no way forward needs no note"


def test_who_cannot_tell_its_writes_counts_as_writing() -> None:
    records = Records()
    with change(records).watched(None):
        assert records.found == UpdateRecord(UPDATE, A, B, "written")


def test_a_table_that_is_lost_after_a_refusal_hides_no_failure() -> None:
    records, writes = Records(UpdateRecord(UPDATE, A, B, "unwritten")), Writes()
    with pytest.raises(FinalError, match="refused"), change(records).watched(writes), writes.sending() as sent:
        sent.refuse()
        records.fails = RetryLater(5, "slow")
        raise FinalError("refused")


@pytest.mark.parametrize(
    ("kind", "operation", "creates", "found", "told"),
    [
        ("Update", ROLLBACK, False, UpdateRecord(UPDATE, B, A, "unwritten", TOLD, B), TOLD),
        ("Update", ROLLBACK, False, UpdateRecord(UPDATE, B, A, "written", TOLD, B), None),
        ("Update", ROLLBACK, False, None, None),
        ("Update", UPDATE, False, UpdateRecord(UPDATE, B, A, "unwritten", TOLD, B), None),
        ("Delete", "ROLLBACK_IN_PROGRESS 0", True, UpdateRecord(CREATE, "", B, "unwritten"), {}),
        ("Delete", "ROLLBACK_IN_PROGRESS 0", True, UpdateRecord(CREATE, "", B, "written"), None),
        ("Delete", "ROLLBACK_IN_PROGRESS 0", False, UpdateRecord(CREATE, "", B, "unwritten"), None),
        ("Create", CREATE, True, UpdateRecord(CREATE, "", B, "unwritten"), None),
    ],
)
def test_a_rollback_needs_no_github_where_nothing_was_written(
    kind: str, operation: str, creates: bool, found: UpdateRecord | None, told: dict[str, str] | None
) -> None:
    records = Records(found)
    assert change(records, kind, operation, creates=creates).undone() == told
    if told is not None and found:
        assert records.found == replace(found, written="undone")
    assert change(None, kind, operation, creates=creates).undone() is None


@pytest.mark.parametrize(
    ("kind", "operation", "asked"),
    [
        ("Update", UPDATE, "change"),
        ("Update", ROLLBACK, "change"),
        ("Create", CREATE, "change"),
        ("Delete", "DELETE_IN_PROGRESS 1", "forget"),
        ("Delete", "ROLLBACK_IN_PROGRESS 1", "forget"),
        ("Delete", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS 1", ""),
    ],
)
def test_what_has_ended_is_kept_or_forgotten(
    monkeypatch: pytest.MonkeyPatch, kind: str, operation: str, asked: str
) -> None:
    warned: list[tuple[str, dict[str, Any]]] = []

    class Logger:
        """Notes warnings."""

        def warning(self, said: str, **fields: Any) -> None:
            warned.append((said, fields))

    monkeypatch.setattr(rollback, "logger", Logger())
    records = Records(UpdateRecord(UPDATE, A, B, "written"))
    change(records, kind, operation).ended(TOLD)
    assert records.asked == ([(asked, "s", "Door")] if asked else [])
    state: Written = "undone" if operation == ROLLBACK else "written"
    kept = UpdateRecord(UPDATE, A, B, state, TOLD, B) if asked == "change" else UpdateRecord(UPDATE, A, B, "written")
    assert records.found == kept
    assert warned == []
    change(Records(fails=RetryLater(5, "slow")), kind, operation).ended(TOLD)
    assert warned == ([("not remembered", {"logical_id": "Door"})] if asked else [])
    change(None, kind, operation).ended(TOLD)


@pytest.mark.parametrize(("kind", "operation"), [("Update", ""), ("Create", UPDATE), ("Delete", ROLLBACK)])
def test_of_an_operation_that_nobody_told_or_that_is_no_update_nothing_is_undone(kind: Any, operation: str) -> None:
    records = Records(UpdateRecord(UPDATE, B, A, "unwritten", TOLD, B))
    told = change(records, kind, operation)
    assert told._status == ""
    assert told.undone() is None
    told.begin()
    assert records.asked == []
