"""The items of the rate budget's table: what is written of a budget, a wait and an update, and when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import copy
from dataclasses import asdict
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.validate import ParamValidator

from custom_resources.clients.budget import Change, SharedBudget, Wait
from custom_resources.clients.update_records import UpdateRecords
from custom_resources.errors import (
    AwsDenied,
    AwsRefused,
    AwsThrottled,
    BudgetContended,
    BudgetMissing,
    BudgetSpent,
    LaunchesPaused,
    RateLimited,
    RetryLater,
    StillWaiting,
)
from custom_resources.progress import Progress
from custom_resources.rate_budget import Budget, Cost, Slot
from custom_resources.update_record import UpdateRecord
from tests.unit.test_aws_requests import Account

STACK = "arn:aws:cloudformation:eu-west-1:1:stack/s/1"
NAME = {"Id": {"S": f"update {STACK} Door"}}
RECORD = UpdateRecord("UPDATE_IN_PROGRESS 1", "A", "B", "written", {"Name": "a"}, "A")
OTHER = UpdateRecord("UPDATE_IN_PROGRESS 2", "B", "C", "unwritten")
READ_RECORD = ("GetItem", {"TableName": "table", "Key": NAME, "ConsistentRead": True})
READ_BUDGET = ("GetItem", {"TableName": "table", "Key": {"Id": {"S": "github"}}, "ConsistentRead": True})
READ_REQUEST = ("GetItem", {"TableName": "table", "Key": {"Id": {"S": "request r1"}}, "ConsistentRead": True})
DAY = 24 * 3600
OVERTAKEN: tuple[int, dict[str, Any]] = (
    400,
    {"Error": {"Code": "ConditionalCheckFailedException", "Message": "The conditional request failed"}},
)


@cache
def made_once(service: str, region_name: str) -> Any:
    """Return a client with no handlers of a test's: making one takes longer than a test."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, region_name=region_name, config=Config(retries={"total_max_attempts": 1}), **keys)  # type: ignore[call-overload]


class Turns(Account):
    """Real boto3 clients, which check their parameters, and what each operation is answered in turn; {} at the end."""

    def __init__(self, **answers: Sequence[dict[str, Any] | tuple[int, dict[str, Any]]]) -> None:
        super().__init__()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer = self._next
        self._answers = {operation: list(turns) for operation, turns in answers.items()}

    def client(self, service: str, region_name: str = "eu-west-1") -> Any:
        made = made_once(service, region_name)
        client = object.__new__(type(made))  # a client cannot be copied by copy()
        vars(client).update(vars(made))
        client.meta = copy(client.meta)
        client.meta.events = copy(client.meta.events)
        client.meta.events.register_first("provide-client-params.*.*", self._note)
        client.meta.events.register_first("before-call.*.*", self._answered)
        return client

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.asked.append((model.name, json.loads(json.dumps(params, default=str))))

    def _next(self, model: Any, _: Any) -> tuple[int, dict[str, Any]]:
        left = self._answers.get(model.name, [])
        found = left.pop(0) if left else {}
        if isinstance(found, tuple):
            return found
        told = ParamValidator().validate(found, model.output_shape)._errors if model.output_shape else []
        assert [each for each in told if each[0] in ("unknown field", "invalid type")] == [], "AWS has no such answer"
        return 200, found


@pytest.fixture(autouse=True, scope="module")
def _made() -> None:
    made_once("dynamodb", "eu-west-1")


def refused(code: str, message: str = "No.", status: int = 400, **more: Any) -> tuple[int, dict[str, Any]]:
    return status, {"Error": {"Code": code, "Message": message}, **more}


def records(account: Turns) -> UpdateRecords:
    return UpdateRecords(account.client("dynamodb"), "table", lambda: 1000.9)


def item(record: UpdateRecord) -> dict[str, Any]:
    return {"Item": {**NAME, "State": {"S": json.dumps(asdict(record))}}}


def put(state: str, former: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return (
        "PutItem",
        {
            "TableName": "table",
            "Item": {**NAME, "State": {"S": state}, **more},
            "ConditionExpression": "attribute_not_exists(Id) OR #state = :former",
            "ExpressionAttributeNames": {"#state": "State"},
            "ExpressionAttributeValues": {":former": {"S": former}},
        },
    )


# -- what the last update wrote --------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, RECORD])
def test_a_record_is_written_only_as_it_was_read(before: UpdateRecord | None) -> None:
    account, found = Turns(GetItem=[item(before)] if before else []), list[UpdateRecord | None]()

    def change(record: UpdateRecord | None) -> UpdateRecord:
        found.append(record)
        return OTHER

    assert records(account).change(STACK, "Door", change) == OTHER
    assert found == [before]
    former = json.dumps(asdict(before)) if before else ""
    assert account.asked == [READ_RECORD, put(json.dumps(asdict(OTHER)), former)]


@pytest.mark.parametrize(("before", "wanted"), [(None, None), (RECORD, None), (RECORD, RECORD)])
def test_a_record_that_does_not_change_is_not_written(before: UpdateRecord | None, wanted: UpdateRecord | None) -> None:
    account = Turns(GetItem=[item(before)] if before else [])
    assert records(account).change(STACK, "Door", lambda _: wanted) == wanted
    assert account.asked == [READ_RECORD]


def test_who_was_overtaken_reads_again() -> None:
    account = Turns(GetItem=[item(RECORD), item(OTHER)], PutItem=[OVERTAKEN])
    made = {RECORD.operation: OTHER, OTHER.operation: RECORD}
    assert records(account).change(STACK, "Door", lambda found: found and made[found.operation]) == RECORD
    first, second = json.dumps(asdict(RECORD)), json.dumps(asdict(OTHER))
    assert account.asked == [READ_RECORD, put(second, first), READ_RECORD, put(first, second)]


def test_who_is_always_overtaken_comes_again_after_eight_tries() -> None:
    account = Turns(PutItem=[OVERTAKEN] * 9)
    with pytest.raises(BudgetContended) as contended:
        records(account).change(STACK, "Door", lambda _: RECORD)
    assert contended.value.seconds == 2
    assert account.asked == [READ_RECORD, put(json.dumps(asdict(RECORD)), "")] * 8


def test_a_forgotten_record_keeps_its_state_for_a_day() -> None:
    account = Turns(GetItem=[item(RECORD)])
    records(account).forget(STACK, "Door")
    state = json.dumps(asdict(RECORD))
    assert account.asked == [READ_RECORD, put(state, state, ExpiresAt={"N": str(1000 + DAY)})]


def test_of_no_record_nothing_is_forgotten_and_one_that_is_changed_meanwhile_stays() -> None:
    account = Turns()
    records(account).forget(STACK, "Door")
    assert account.asked == [READ_RECORD]
    records(Turns(GetItem=[item(RECORD)], PutItem=[OVERTAKEN])).forget(STACK, "Door")


@pytest.mark.parametrize(
    ("operation", "activity", "permission"),
    [
        ("GetItem", "reading what the last update wrote", "dynamodb:GetItem"),
        ("PutItem", "writing what an update writes", "dynamodb:PutItem"),
    ],
)
def test_a_table_that_refuses_an_updates_record_says_what_was_being_done(
    operation: str, activity: str, permission: str
) -> None:
    def fails(code: str) -> UpdateRecords:
        return records(Turns(**{operation: [refused(code)]}))

    with pytest.raises(AwsDenied) as denied:
        fails("AccessDeniedException").change(STACK, "Door", lambda _: RECORD)
    holes = {"service": "DynamoDB", "activity": activity, "message": "No", "permission": permission}
    assert denied.value.holes == holes
    with pytest.raises(BudgetMissing) as missing:
        fails("ResourceNotFoundException").change(STACK, "Door", lambda _: RECORD)
    assert missing.value.holes == {"table": "table"}


# -- the rate budget -------------------------------------------------------------------------------------------------

BUDGET = Budget({"points": 1010.0}, 900.0, 60.0, 0.5, {"requests": 1.0}, 5.0, 7.0)


def budget(account: Turns, now: float = 1000.9, share: float = 1.0) -> SharedBudget:
    return SharedBudget(account.client("dynamodb"), "table", lambda: now, share)


def told(progress: Progress) -> tuple[object, ...]:
    return dict(progress.steps), progress.paid, progress.waits, progress.waited


def kept(found: Budget, revision: int = 4) -> dict[str, Any]:
    return {
        "Item": {"Id": {"S": "github"}, "Revision": {"N": str(revision)}, "State": {"S": json.dumps(asdict(found))}}
    }


def request(**state: Any) -> dict[str, Any]:
    """Return the item of the request r1 as it is kept, so far as it is told."""
    least = {"until": 0.0, "due": [0, 0], "paid": [0, 0], "steps": {}, "waits": 0}
    least |= {"slot": [0.0, 0.0], "since": 0.0, "waited": 0.0}
    return {"Id": {"S": "request r1"}, "State": {"S": json.dumps({**least, **state})}}


def transaction(found: Budget, revision: int, opens_at: int, *notes: dict[str, Any]) -> dict[str, Any]:
    item = {"Id": {"S": "github"}, "Revision": {"N": str(revision + 1)}, "State": {"S": json.dumps(asdict(found))}}
    first = {
        "TableName": "table",
        "Item": {**item, "OpensAt": {"N": str(opens_at)}},
        "ConditionExpression": "attribute_not_exists(Revision) OR Revision = :revision",
        "ExpressionAttributeValues": {":revision": {"N": str(revision)}},
    }
    return {"TransactItems": [{"Put": each} for each in (first, *({"TableName": "table", "Item": n} for n in notes))]}


def written(account: Turns) -> list[tuple[str, dict[str, Any]]]:
    """Return what was asked, without the token that boto3 makes for each transaction."""
    return [(name, {k: v for k, v in given.items() if k != "ClientRequestToken"}) for name, given in account.asked]


def test_a_budget_is_written_as_it_was_read_with_what_its_request_has_paid() -> None:
    account = Turns(GetItem=[kept(Budget())])
    progress = Progress({"secret A": ""}, Cost(1), 2, 3.0)
    budget(account).reserve(Cost(12), "r1", progress)
    charged = Budget({"points": 1001.9})
    note = request(paid=[13, 0], steps={"secret A": ""}, waits=2, waited=3.0)
    note["ExpiresAt"] = {"N": str(1000 + DAY)}
    assert written(account) == [READ_BUDGET, ("TransactWriteItems", transaction(charged, 4, 0, note))]
    assert not progress.in_doubt


def test_what_costs_nothing_asks_for_nothing_and_a_request_without_a_name_is_not_noted() -> None:
    account = Turns()
    budget(account).reserve(Cost(), "r1", Progress())
    assert account.asked == []
    budget(account).reserve(Cost(12), "", Progress())
    assert written(account) == [READ_BUDGET, ("TransactWriteItems", transaction(Budget({"points": 1001.9}), 0, 0))]


def test_what_there_is_no_room_for_is_not_written() -> None:
    account = Turns(GetItem=[kept(Budget({"points": 1015.9}))])
    with pytest.raises(BudgetSpent) as spent:
        budget(account).reserve(Cost(12), "r1", Progress())
    assert spent.value.seconds == pytest.approx(1.0)
    assert spent.value.cost == Cost(12)
    assert account.asked == [READ_BUDGET]


def test_a_function_that_was_overtaken_charges_what_is_there_by_then() -> None:
    cancelled = refused("TransactionCanceledException", CancellationReasons=[{"Code": "ConditionalCheckFailed"}])
    account = Turns(GetItem=[kept(Budget()), kept(Budget({"points": 1001.9}), 5)], TransactWriteItems=[cancelled])
    budget(account).reserve(Cost(12), "", Progress())
    first = ("TransactWriteItems", transaction(Budget({"points": 1001.9}), 4, 0))
    second = ("TransactWriteItems", transaction(Budget({"points": 1002.9}), 5, 0))
    assert written(account) == [READ_BUDGET, first, READ_BUDGET, second]


def test_a_functions_share_is_in_what_it_charges_and_in_when_the_next_may_start() -> None:
    account = Turns(GetItem=[kept(Budget())])
    budget(account, 1000.0, share=0.5).reserve(Cost(creations=5), "", Progress())
    found = json.loads(written(account)[1][1]["TransactItems"][0]["Put"]["Item"]["State"]["S"])
    assert found["empty_at"]["creations_hourly"] == 1000 + 5 * 7.5 * 2
    opens = written(account)[1][1]["TransactItems"][0]["Put"]["Item"]["OpensAt"]
    assert opens == {"N": "1015"}, "one more is above the burst"


@pytest.mark.parametrize(
    ("reasons", "kind", "code"),
    [
        (["ThrottlingError", "None"], AwsThrottled, "ThrottlingError"),
        (
            ["ThrottlingError", "ProvisionedThroughputExceeded"],
            AwsThrottled,
            "ProvisionedThroughputExceeded, ThrottlingError",
        ),
        (["None", "ValidationError"], AwsRefused, "TransactionCanceledException"),
        (["ThrottlingError", "ItemCollectionSizeLimitExceeded"], AwsRefused, "TransactionCanceledException"),
    ],
)
def test_a_cancelled_transaction_is_a_wait_or_a_refusal(reasons: list[str], kind: type[Exception], code: str) -> None:
    cancelled = refused("TransactionCanceledException", CancellationReasons=[{"Code": each} for each in reasons])
    progress = Progress()
    with pytest.raises(kind) as failed:
        budget(Turns(TransactWriteItems=[cancelled])).reserve(Cost(5), "r1", progress)
    holes = {"service": "DynamoDB", "activity": "writing the rate budget", "code": code}
    holes |= {"message": "No"} if kind is AwsRefused else {}
    assert failed.value.holes == holes  # type: ignore[attr-defined]
    assert getattr(failed.value, "seconds", 2) == 2
    assert progress.in_doubt is (kind is AwsThrottled)


@pytest.mark.parametrize(
    ("wait", "progress", "state", "expires"),
    [
        (RetryLater(5, "502"), Progress(), {"waits": 1}, 1000),
        (RetryLater(6, "502"), Progress(waits=2), {"until": 1024.9, "waits": 3}, 1024),
        (RetryLater(6, "502"), Progress(waits=9), {"until": 1060.9, "waits": 10}, 1060),
        (RetryLater(90, "502"), Progress(), {"until": 1090.9, "waits": 1}, 1090),
        (RetryLater(0, "502"), Progress(waits=2), {"waits": 2}, 1000),
        (RateLimited(60, message="limit"), Progress({"a": "b"}, Cost(7, 1), 3, 4.0), {
            "paid": [7, 1], "steps": {"a": "b"}, "waits": 3, "waited": 4.0}, 1000),
    ],
)  # fmt: skip
def test_a_wait_is_kept_with_what_was_done_and_paid(
    wait: RetryLater, progress: Progress, state: dict[str, Any], expires: int
) -> None:
    account = Turns()
    budget(account).remember("r1", wait, progress)
    item = {**request(**state), "ExpiresAt": {"N": str(expires + DAY)}}
    assert account.asked == [("PutItem", {"TableName": "table", "Item": item})]


@pytest.mark.parametrize(
    ("name", "wait"), [("r1", RateLimited(60, message="limit")), ("", RetryLater(60, "502")), ("r1", RetryLater(0, ""))]
)
def test_nothing_is_kept_of_a_request_that_has_done_nothing_or_has_no_name(name: str, wait: RetryLater) -> None:
    account = Turns()
    budget(account).remember(name, wait, Progress())
    assert account.asked == []


def test_a_call_that_could_not_hear_what_it_has_paid_looks() -> None:
    for found, paid in ((request(paid=[5, 1]), [5, 1]), (None, [2, 0])):
        account = Turns(GetItem=[{"Item": found}] if found else [])
        progress = Progress(paid=Cost(2))
        progress.in_doubt = True
        budget(account).remember("r1", RetryLater(5, "lost"), progress)
        item = {**request(paid=paid, waits=1), "ExpiresAt": {"N": str(1000 + DAY)}}
        assert account.asked == [READ_REQUEST, ("PutItem", {"TableName": "table", "Item": item})]
        assert (progress.paid, progress.in_doubt) == (Cost(*paid), False)


def test_what_there_was_no_room_for_books_a_slot() -> None:
    account = Turns(GetItem=[kept(Budget({"points": 1020.0}))])
    budget(account, 1000.0).remember("r1", BudgetSpent(17, Cost(12)), Progress({"a": ""}, Cost(3), 1, 2.0))
    state = {"due": [12, 0], "paid": [3, 0], "steps": {"a": ""}, "waits": 1, "slot": [1006.0, 0.0], "since": 1000.0}
    item = {**request(**state, waited=2.0), "ExpiresAt": {"N": str(1006 + DAY)}}
    assert written(account) == [
        READ_BUDGET,
        ("TransactWriteItems", transaction(Budget({"points": 1021.0}), 4, 0, item)),
    ]


def test_refused_content_books_its_piece_again() -> None:
    limited = RateLimited(60, message="limit")
    limited.of_content = True
    account = Turns(GetItem=[kept(Budget(began=1.0))])
    budget(account, 10_000.0).remember("r1", limited, Progress(paid=Cost(9, 2)))
    note = written(account)[1][1]["TransactItems"][1]["Put"]["Item"]
    assert json.loads(note["State"]["S"]) == {
        "until": 0.0, "due": [0, 1], "paid": [9, 1], "steps": {}, "waits": 0, "slot": [0.0, 10_000.0],
        "since": 10_000.0, "waited": 0.0,
    }  # fmt: skip


def test_a_request_may_ask_for_nothing_until_its_wait_and_its_slot_are_over() -> None:
    paused = Turns(GetItem=[kept(Budget(paused_until=1030.9))])
    with pytest.raises(LaunchesPaused) as everyone:
        budget(paused).require_room("r1")
    assert everyone.value.seconds == pytest.approx(30)
    assert paused.asked == [READ_BUDGET]
    for seconds in (0.5, 5):
        with pytest.raises(StillWaiting) as waiting:
            budget(Turns(GetItem=[{}, {"Item": request(until=1000.9 + seconds)}])).require_room("r1")
        assert waiting.value.seconds == pytest.approx(seconds)
        with pytest.raises(BudgetSpent) as spent:
            found = request(due=[5, 1], slot=[1000.9 + seconds, 0])
            budget(Turns(GetItem=[{}, {"Item": found}])).require_room("r1")
        assert spent.value.seconds == pytest.approx(seconds)
        assert spent.value.cost == Cost(5, 1)


def test_a_slot_that_has_come_is_paid_with_what_was_paid_before() -> None:
    found = request(
        until=1000.9, due=[5, 1], paid=[2, 3], steps={"a": "b"}, waits=4, slot=[1000.9, 990.0], since=980.9, waited=7.0
    )
    account = Turns(GetItem=[{}, {"Item": found}])
    assert told(budget(account).require_room("r1")) == ({"a": "b"}, Cost(7, 4), 4, 27.0)
    state = request(until=1000.9, paid=[7, 4], steps={"a": "b"}, waits=4, since=980.9, waited=27.0)
    item = {**state, "ExpiresAt": {"N": str(1000 + DAY)}}
    assert account.asked == [READ_BUDGET, READ_REQUEST, ("PutItem", {"TableName": "table", "Item": item})]


def test_what_is_remembered_of_a_request_without_a_slot_is_read_and_left() -> None:
    account = Turns(GetItem=[{}, {"Item": request(paid=[2, 3], steps={"a": "b"}, waits=4, waited=7.0)}])
    assert told(budget(account).require_room("r1")) == ({"a": "b"}, Cost(2, 3), 4, 7.0)
    assert account.asked == [READ_BUDGET, READ_REQUEST]
    nameless = Turns(GetItem=[kept(BUDGET)])
    assert told(budget(nameless).require_room("")) == told(Progress())
    assert nameless.asked == [READ_BUDGET]


def test_what_an_older_version_kept_counts_as_begun_now() -> None:
    old = {"Id": {"S": "request r1"}}
    state = '{"until": 9, "due": [5, 1], "paid": [1, 0], "steps": {}, "waits": 2}'
    account = Turns(GetItem=[{"Item": {**old, "State": {"S": state}}}])
    assert budget(account)._remembered("r1") == Wait(9, Cost(5, 1), Cost(1), {}, 2, Slot(), 1000.9, 0.0)


def test_every_field_of_a_budget_is_kept() -> None:
    account = Turns(GetItem=[kept(BUDGET, 9)])
    assert budget(account)._read() == (BUDGET, 9)
    assert budget(Turns())._read() == (Budget(), 0)


def test_a_change_of_nothing_is_not_written_and_tells_its_seconds() -> None:
    account = Turns(GetItem=[kept(BUDGET)])
    assert budget(account)._change(lambda found, now: Change(found, Wait(0.0), now), "r1") == 1000.9
    assert account.asked == [READ_BUDGET]


@pytest.mark.parametrize(
    ("asked", "rate", "untold"),
    [
        ({}, 1.0, 0.0),
        ({"untold": True}, 1.0, 60.0),
        ({"content": True}, 0.25, 0.0),
        ({"content": True, "untold": True}, 0.25, 60.0),
    ],
)
def test_a_pause_is_written_as_github_asked_for_it(asked: dict[str, bool], rate: float, untold: float) -> None:
    account = Turns()
    budget(account, 1000.0).pause(60, **asked)
    found = json.loads(written(account)[1][1]["TransactItems"][0]["Put"]["Item"]["State"]["S"])
    assert (found["paused_until"], found["rate"], found["untold"]) == (1060.0, rate, untold)
    assert found["slowed_at"] == (1000.0 if "content" in asked else 0.0)
    assert len(written(account)[1][1]["TransactItems"]) == 1


def test_a_budget_that_nobody_made_says_where_it_should_be() -> None:
    with pytest.raises(BudgetMissing) as missing:
        budget(Turns(GetItem=[refused("ResourceNotFoundException")])).require_room("r1")
    assert missing.value.holes == {"table": "table"}
    for operation, activity in (("GetItem", "reading the rate budget"), ("PutItem", "remembering a wait")):
        with pytest.raises(AwsDenied) as denied:
            shared = budget(Turns(**{operation: [refused("AccessDeniedException")]}))
            if operation == "GetItem":
                shared.require_room("r1")
            shared.remember("r1", RetryLater(60, "502"), Progress())
        assert denied.value.holes["activity"] == activity
