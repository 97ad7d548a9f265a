"""The machine that goes through a rollout's waves, in a real engine of the States Language: gates, and what is said.

Its item is kept here by DynamoDB's rules as far as they matter; a Map Run is a function of the test.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ministack.services import stepfunctions

from products.rollout import waves_definition
from products.rollout.names import Places
from tests import sleeping

TOPIC = "arn:aws:sns:us-east-1:123456789012:told"
DEFINITION = waves_definition(
    Places("budget", "archives", TOPIC, "x.rollout", "Tests"), "arn:aws:states:us-east-1:123456789012:stateMachine:one"
)
RUNS = "arn:aws:states:us-east-1:123456789012:execution:rollout:another"
Item = dict[str, Any]
NOW = 1_800_000_000
ADDED = stepfunctions._register_sfn_jsonata_functions


def item(**more: Any) -> Item:
    """Return a rollout's item; texts, numbers and reasons of failures by name."""
    texts = {"Rollout": "r1", "Phase": "running", "Version": "v2", "CanaryWave": "wave-1"}
    found: Item = {name: {"S": text} for name, text in texts.items()}
    texts_of_now = {"RunBy": "nobody", "Waves": "[]"}
    found |= {name: {"S": text} for name, text in texts_of_now.items()}
    numbers = {"Planned": 30, "MostFailures": 0, "Runs": 1, "CountMerged": 1}
    found |= {name: {"N": str(number)} for name, number in numbers.items()} | {"FailedOnes": {"M": {}}}
    for name, value in more.items():
        found[name] = {"N": str(value)} if isinstance(value, int) else {"S": value} if isinstance(value, str) else value
    return found


def failed(*names: str) -> Item:
    return {"M": {name: {"S": f"{name} broke."} for name in names}}


@dataclass
class Run:
    """An execution: its item, what each wave does to it, and what was told."""

    item: Item
    waves: Callable[[str, Item], None]
    lost: int = 0  # answers of updates, after they were done
    status: str = ""
    error: str = ""
    went: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    clock: float = NOW  # Unix time, which only waits move
    messages: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, resource: str, parameters: Any) -> Any:
        call = resource.rpartition(":")[2]
        if call == "getItem":
            return {"Item": json.loads(json.dumps(self.item))}
        if call == "updateItem":
            return self._update(parameters)
        if call == "publish":
            assert parameters["TopicArn"] == TOPIC
            assert len(parameters["Subject"]) <= 100
            self.messages.append(parameters["Message"])
        else:
            (entry,) = parameters["Entries"]
            assert (call, entry["Source"]) == ("putEvents", "x.rollout")
            self.events.append(entry["Detail"])
        return {}

    def _update(self, parameters: Any) -> Any:
        """Change the item as the expression says, where its conditions hold."""
        names, values = parameters["ExpressionAttributeNames"], parameters["ExpressionAttributeValues"]
        for condition in parameters["ConditionExpression"].split(" AND "):
            if there := re.fullmatch(r"attribute_exists\((#\w+)\)", condition):
                holds = names[there[1]] in self.item
            elif among := re.fullmatch(r"(#\w+) IN \((.*)\)", condition):
                holds = self.item.get(names[among[1]]) in [values[each] for each in among[2].split(", ")]
            else:
                name, value = condition.split(" = ")
                holds = self.item.get(names[name]) == values[value]
            if not holds:
                raise stepfunctions._ExecutionError("DynamoDB.ConditionalCheckFailedException", condition)
        parts = re.split(r"\b(SET|REMOVE) ", parameters["UpdateExpression"])
        for kind, text in zip(parts[1::2], parts[2::2], strict=True):
            for each in text.strip().split(", "):
                name, _, value = each.partition(" = ")
                if kind == "SET":
                    self.item[names[name]] = values[value]
                else:
                    self.item.pop(names[name], None)
        if self.lost:
            self.lost -= 1
            raise stepfunctions._ExecutionError("DynamoDB.SdkClientException", "The answer was lost.")
        return {"Attributes": json.loads(json.dumps(self.item))}

    @property
    def phase(self) -> str:
        return str(self.item["Phase"]["S"])

    @property
    def said(self) -> list[str]:
        """Return the kinds of what was announced."""
        return [each["event"] for each in self.events]


Start = Callable[..., Run]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Start:
    def started(
        names: Sequence[str] = ("wave-1", "wave-2", "wave-3"),
        waves: Callable[[str, Item], None] = lambda name, state: None,
        soaking: Callable[[Run], None] = lambda found: None,
        given: Item | None = None,
        lost: int = 0,
        **more: Any,
    ) -> Run:
        found = Run(lost=lost, item=item(**{"Waves": json.dumps(list(names)), **more}), waves=waves)

        def distributed(state: Any, raw: Any, effective: Any, *rest: Any) -> Any:
            name = raw["key"].removeprefix("rollouts/r1/").removesuffix(".json")
            found.went.append(name)
            waves(name, found.item)
            return raw, state["Next"]

        def waited(seconds: float) -> None:
            found.waited.append(seconds)
            found.clock += seconds
            assert len(found.waited) < 100
            soaking(found)

        def with_clock(expression: Any) -> None:
            ADDED(expression)
            expression.register_lambda("millis", lambda: round(found.clock * 1000))

        monkeypatch.setattr(stepfunctions, "_register_sfn_jsonata_functions", with_clock)
        monkeypatch.setattr(stepfunctions, "_run_distributed_map", distributed)
        monkeypatch.setattr(stepfunctions, "_invoke_resource", found.answer)
        monkeypatch.setattr(stepfunctions, "_scaled_sleep", waited)
        sleeping.noted(monkeypatch)  # MiniStack waits a moment before each execution
        monkeypatch.setattr(stepfunctions, "_emit_execution_status_event", lambda _: None)
        machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:waves-{uuid.uuid4().hex}"
        stepfunctions._state_machines[machine] = {
            "name": "waves",
            "definition": json.dumps(DEFINITION),
            "roleArn": "",
        }
        asked = {"stateMachineArn": machine, "input": json.dumps(given or {"rollout": "r1", "run": 1})}
        answer = json.loads(stepfunctions._start_sync_execution(asked)[2])
        found.status, found.error = answer["status"], answer.get("error", "")
        return found

    return started


def test_waves_come_one_after_another_with_a_gate_between(run: Start) -> None:
    found = run()
    assert (found.status, found.phase) == ("SUCCEEDED", "ended")
    assert found.went == ["wave-1", "wave-2", "wave-3"]
    assert found.said == ["started", "gate", "gate", "ended"]
    assert found.item["EndedAt"]["N"].isdecimal()


@pytest.mark.parametrize("names", [(), ("wave-1",)])
def test_few_waves_are_an_end_without_a_gate(run: Start, names: tuple[str, ...]) -> None:
    found = run(names)
    assert (found.went, found.phase, found.said) == (list(names), "ended", ["started", "ended"])


@pytest.mark.parametrize(
    "more",
    [{"Rollout": "r2"}, {"Phase": "ended"}, {"Phase": "aborted"}, {"Phase": "paused"}, {"RunBy": RUNS}, {"Runs": 2}],
)
def test_what_nobody_planned_does_not_run(run: Start, more: dict[str, Any]) -> None:
    """Nor what another execution has taken, nor what was planned before the last `resume`."""
    found = run(**more)
    assert (found.status, found.error, found.went) == ("FAILED", "RolloutNotPlanned", [])
    assert found.item["RunBy"] == item(**more)["RunBy"], "nothing is taken from the one that runs"


def test_an_answer_that_was_lost_takes_the_rollout_once(run: Start) -> None:
    """DynamoDB has done it, and Step Functions asks again: the machine is its own by now."""
    found = run(lost=1)
    assert (found.status, found.phase) == ("SUCCEEDED", "ended")


def test_who_starts_the_machine_does_not_choose_the_waves(run: Start) -> None:
    found = run(given={"rollout": "r1", "run": 1, "waves": ["wave-3"]})
    assert found.went == ["wave-1", "wave-2", "wave-3"]


def test_too_many_failures_pause_before_the_next_wave(run: Start) -> None:
    def fails(name: str, state: Item) -> None:
        state["FailedOnes"] = failed("studio-p1", "studio-p2")
        state["CountFailed"], state["CountMerged"] = {"N": "2"}, {"N": "1"}

    found = run(waves=fails, MostFailures=1, CanaryWave="")
    assert (found.went, found.phase, found.item["Paused"]["S"]) == (["wave-1"], "paused", "failures")
    message = found.messages[-1]
    assert "Rollout of v2 (r1): paused, wave-1 (failures)" in message
    assert "3 of 30 projects\n  merged: 1\n" in message
    assert "The first failures:\n  studio-p1: studio-p1 broke.\n  studio-p2: studio-p2 broke." in message
    assert message.endswith("Next: python -m operations rollout resume")
    told = found.events[-1]
    assert (told["event"], told["counts"]["failed"], told["planned"], told["paused"]) == ("paused", 2, 30, "failures")
    assert told["next"] == "python -m operations rollout resume"


def test_failures_up_to_the_limit_are_gone_on_with_and_named_at_the_end(run: Start) -> None:
    many = [f"studio-p{number}" for number in range(7)]
    found = run(
        waves=lambda name, state: state.update(FailedOnes=failed(*many), CountFailed={"N": "7"}),
        MostFailures=7,
        CanaryWave="",
    )
    assert (found.went, found.phase) == (["wave-1", "wave-2", "wave-3"], "ended")
    assert found.messages[-1].count(" broke.") == 5, "the first are named"
    assert found.messages[-1].endswith("Next: python -m operations rollout retry")


def test_failures_in_the_last_wave_pause_only_where_something_is_left(run: Start) -> None:
    assert run(["wave-1"], lambda name, state: state.update(FailedOnes=failed("studio-p1"))).phase == "ended"
    stopped = run(["wave-1"], lambda name, state: state.update(FailedOnes=failed("studio-p1"), NotStarted={"S": "yes"}))
    assert (stopped.phase, stopped.item["Paused"]["S"]) == ("paused", "failures")


def test_a_persons_pause_ends_the_machine(run: Start) -> None:
    found = run(waves=lambda name, state: state.update(Paused={"S": "person"}, NotStarted={"S": "yes"}))
    assert (found.status, found.went, found.phase, found.said) == (
        "SUCCEEDED", ["wave-1"], "paused", ["started", "paused"],
    )  # fmt: skip


def test_a_wave_that_was_left_is_gone_through_again(run: Start) -> None:
    """Somebody paused, and let it go on before the gate was reached."""
    left = iter([True, False, False])
    found = run(
        ["wave-1", "wave-2"], lambda name, state: state.update({"NotStarted": {"S": "yes"}} if next(left) else {})
    )
    assert found.went == ["wave-1", "wave-1", "wave-2"]
    assert found.waited == [60]


def test_an_aborted_rollout_ends(run: Start) -> None:
    found = run(waves=lambda name, state: state.update(Aborted={"S": "yes"}))
    assert (found.went, found.phase, found.said) == (["wave-1"], "aborted", ["started", "aborted"])


def test_an_execution_that_another_took_over_decides_nothing(run: Start) -> None:
    found = run(waves=lambda name, state: state.update(RunBy={"S": "another"}))
    assert (found.status, found.went, found.phase, found.said) == ("SUCCEEDED", ["wave-1"], "running", ["started"])


def test_a_canary_is_approved_by_a_person(run: Start) -> None:
    found = run(NeedsApproval="yes")
    assert (found.went, found.phase, found.item["Paused"]["S"]) == (["wave-1"], "paused", "approval")
    assert run(["wave-2", "wave-3"], NeedsApproval="yes").phase == "ended", "only the canary waits"


def test_a_canary_soaks(run: Start) -> None:
    found = run(SoakSeconds=2000)
    assert (found.waited, found.phase) == ([900, 900, 200], "ended")
    assert found.said == ["started", "soaking", "gate", "gate", "ended"]
    assert found.item["SoakUntil"] == {"N": str(NOW + 2000)}


def test_a_soak_that_was_paused_goes_on_until_its_end(run: Start) -> None:
    """Its clock does not stand still: what is left of it is waited for, and not a second time."""
    resumed = run(["wave-2-1", "wave-2-2"], SoakUntil=NOW + 1000, SoakSeconds=2000, CanaryWave="")
    assert (resumed.waited, resumed.went, resumed.phase) == ([900, 100], ["wave-2-1", "wave-2-2"], "ended")
    late = run(["wave-2-1", "wave-2-2"], SoakUntil=NOW - 1, SoakSeconds=2000, CanaryWave="")
    assert (late.waited, late.phase) == ([], "ended")
    again = run(["wave-2-1"], soaking=lambda soaked: soaked.item.update(Paused={"S": "person"}), SoakUntil=NOW + 10**6)
    assert (again.went, again.phase, len(again.waited)) == ([], "paused", 1)


@pytest.mark.parametrize(
    "became",
    [
        {"FailedOnes": failed("studio-p1")},
        {"CountSkipped": {"N": "1"}},
        {"CountMerged": {"N": "0"}},
        {"CountMerged": {"N": "0"}, "CountGone": {"N": "1"}},
    ],
    ids=["failed", "skipped", "no outcome", "terminated"],
)
def test_a_canary_that_was_not_updated_lets_nobody_by(run: Start, became: Item) -> None:
    """However many failures are tolerated: it says nothing of the version."""
    found = run(waves=lambda name, state: state.update(became), MostFailures=5)
    assert (found.went, found.phase, found.item["Paused"]["S"]) == (["wave-1"], "paused", "canary")
    alone = run(["wave-1"], lambda name, state: state.update(became), MostFailures=5)
    assert (alone.phase, alone.messages[-1].rpartition(" ")[2]) == ("ended", "retry"), "there is nobody else"


@pytest.mark.parametrize(("counts", "then"), [({"CountMerged": 30}, "status"), ({"CountMerged": 29}, "retry"),
                                              ({"CountMerged": 28, "CountGone": 2}, "status")])  # fmt: skip
def test_the_end_tells_of_projects_without_a_result(run: Start, counts: dict[str, int], then: str) -> None:
    """A Map Run whose children could not be started at all has no failure to count."""
    found = run(["wave-1"], **counts)
    assert found.messages[-1].endswith(f"Next: python -m operations rollout {then}")


def test_a_soaking_rollout_can_be_stopped(run: Start) -> None:
    found = run(soaking=lambda soaked: soaked.item.update(Paused={"S": "person"}), SoakSeconds=10**6)
    assert (found.went, found.phase, len(found.waited)) == (["wave-1"], "paused", 1)


def test_nobody_who_cannot_be_told_stops_it(run: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Run.answer

    def unheard(self: Run, resource: str, parameters: Any) -> Any:
        if resource.endswith(("publish", "putEvents")):
            raise stepfunctions._ExecutionError("SNS.AuthorizationErrorException", "Not you.")
        return answer(self, resource, parameters)

    monkeypatch.setattr(Run, "answer", unheard)
    assert run().phase == "ended"
