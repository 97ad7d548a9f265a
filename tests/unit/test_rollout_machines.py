"""The machine that updates one project, state by state in a real engine of the States Language: what it asks, waits for
and writes. Its calls are answered here, its waits are noted and not waited for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonata
import pytest
from ministack.services import stepfunctions

from custom_resources import rate_budget
from operations.rollout.windows import AHEAD_DAYS
from products.rollout import project_definition, waves_definition
from products.rollout.names import AHEAD_SECONDS, MAX_CONCURRENCY, MOST_FAILURES, REASON_LENGTH, Places
from products.rollout.pace import LONGEST_WAIT
from tests import sleeping
from tests.scale.rollout import AT_ONCE

PLACES = Places("budget", "archives", "arn:aws:sns:us-east-1:123456789012:told", "x.rollout", "Tests")
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:update-project"
RUN = "arn:aws:states:us-east-1:123456789012:execution:rollout:one"
DEFINITIONS = {"project": project_definition(PLACES), "waves": waves_definition(PLACES, MACHINE)}
Answer = Any
NOW = 1_800_000_000


def states_of(definition: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return a machine's states, and those of its Map Run's children."""
    found = list(definition["States"].items())
    inner = [states_of(state["ItemProcessor"]) for _, state in found if "ItemProcessor" in state]
    return [*found, *(each for some in inner for each in some)]


# -- the language ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_is_of_the_states_languages_schema(name: str) -> None:
    lint = find_spec("cfnlint")
    assert lint and lint.origin
    schema = Path(lint.origin).parent / "data" / "schemas" / "other" / "step_functions" / "statemachine.json"
    import jsonschema  # takes more than a second: only where it is used

    validator = jsonschema.Draft7Validator(json.loads(schema.read_text(encoding="utf-8")))
    assert [error.message for error in validator.iter_errors(DEFINITIONS[name])] == []


def targets(node: Any) -> set[str]:
    if isinstance(node, list):
        return {each for item in node for each in targets(item)}
    if not isinstance(node, dict):
        return set()
    own = {node[key] for key in ("Next", "Default") if key in node}
    return own | {each for key, item in node.items() if key != "ItemProcessor" for each in targets(item)}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_state_is_reached_and_leads_somewhere(name: str) -> None:
    def check(machine: Mapping[str, Any]) -> None:
        states = machine["States"]
        assert targets(states) | {machine["StartAt"]} == set(states)
        for state in states.values():
            ends = state["Type"] in {"Succeed", "Fail"} or state.get("End")
            assert bool(ends) != ("Next" in state or state["Type"] == "Choice")
            if "ItemProcessor" in state:
                check(state["ItemProcessor"])

    check(DEFINITIONS[name])


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_expression_is_jsonata_in_a_state_that_says_so(name: str) -> None:
    def expressions(node: Any) -> list[str]:
        if isinstance(node, str):
            return [node] if node.startswith("{%") else []
        items = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
        return [each for item in items for each in expressions(item)]

    whole = DEFINITIONS[name].get("QueryLanguage")
    for state_name, state in states_of(DEFINITIONS[name]):
        own = {key: value for key, value in state.items() if key != "ItemProcessor"}
        for each in expressions(own):
            assert "JSONata" in {whole, state.get("QueryLanguage")}, state_name
            jsonata.Jsonata.jsonata(each[2:-2])  # raises for what cannot be parsed


def test_the_machine_of_a_project_ends_well_whatever_a_call_answers() -> None:
    """Only where even its result cannot be written it breaks off, which the waves' machine notes."""
    for name, state in DEFINITIONS["project"]["States"].items():
        if state["Type"] == "Task" and name != "WriteResult":
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_no_failed_project_ends_a_map_run() -> None:
    (map_run,) = (state for _, state in states_of(DEFINITIONS["waves"]) if state["Type"] == "Map")
    assert (map_run["MaxConcurrency"], map_run["ToleratedFailurePercentage"]) == (MAX_CONCURRENCY, 100)
    assert map_run["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    child = map_run["ItemProcessor"]["States"]["UpdateProject"]
    assert child["Resource"] == "arn:aws:states:::states:startExecution.sync:2"
    assert child["Catch"][0]["ErrorEquals"] == ["States.ALL"]


# -- one project -------------------------------------------------------------------------------------------------


def stack(status: str, version: str = "v1", said: str = "merged", updated: str = "2026-11-28T08:00:00Z") -> Answer:
    outputs = {"TemplateStatus": said, "TemplateVersion": version, "PullRequestUrl": "https://x/pull/1"}
    return {
        "Stacks": [
            {
                "StackStatus": status,
                "LastUpdatedTime": updated,
                "Outputs": [
                    {"OutputKey": f"{part}{name}", "OutputValue": value}
                    for part in ("Build", "Deploy")
                    for name, value in outputs.items()
                ],
                "Parameters": [{"ParameterKey": "ProjectId", "ParameterValue": "p1"}],
            }
        ]
    }


BEFORE = stack("UPDATE_COMPLETE", updated="2026-11-01T08:00:00Z")
AFTER = stack("UPDATE_COMPLETE", "v2")
SUCCEEDED = {"RecordDetail": {"Status": "SUCCEEDED", "ProvisioningArtifactId": "pa-2"}}


def item(**more: Any) -> Answer:
    texts = {
        "Rollout": "r1", "RunBy": RUN, "ProductId": "prod-1", "Version": "v2", "VersionId": "pa-2",
        "ParameterNames": '["ProjectId", "SyncMode"]', "OpenTimes": "[]",
    }  # fmt: skip
    numbers = {"MostFailures": 0, "NextStart": 0}
    found: dict[str, Any] = {name: {"S": text} for name, text in texts.items()}
    found |= {name: {"N": str(number)} for name, number in numbers.items()} | {"FailedOnes": {"M": {}}}
    for name, value in more.items():
        found[name] = (
            {"N": str(value)} if isinstance(value, int) else value if isinstance(value, dict) else {"S": value}
        )
    return {"Item": found}


class Refusal(Exception):
    """An error that a call answers."""

    def __init__(self, name: str, cause: str = "No.") -> None:
        super().__init__(name, cause)


@dataclass
class Engine:
    """A run of the machine with prepared answers: by call, one after another, the last one again and again."""

    answers: dict[str, list[Answer]]
    asked: list[tuple[str, Any]] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    clock: float = NOW  # Unix time, which only waits move

    def wait(self, seconds: float) -> None:
        assert len(self.waited) < 1000
        self.waited.append(seconds)
        self.clock += seconds

    def answer(self, resource: str, parameters: Any) -> Any:
        call = resource.rpartition(":")[2]
        if call == "getItem" and parameters["Key"]["Id"]["S"] == "github":
            call = "github"
        self.asked.append((call, parameters))
        prepared = self.answers[call]
        found = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        found = found() if callable(found) else found
        if isinstance(found, Refusal):
            raise stepfunctions._ExecutionError(*found.args)
        return found

    def of(self, call: str) -> list[Any]:
        return [parameters for name, parameters in self.asked if name == call]

    @property
    def result(self) -> dict[str, Any]:
        """What was written of the project."""
        (written,) = self.of("putObject")
        return dict(written["Body"])

    @property
    def service_catalog(self) -> list[str]:
        return [name for name, _ in self.asked if name in {"updateProvisionedProduct", "describeRecord"}]


ADDED = stepfunctions._register_sfn_jsonata_functions


def with_clock(engine: Engine) -> Callable[[Any], None]:
    """Return what adds Step Functions' functions to JSONata, with the engine's clock."""

    def add(expression: Any) -> None:
        ADDED(expression)
        expression.register_lambda("millis", lambda: round(engine.clock * 1000))

    return add


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Engine]:
    def started(given: Mapping[str, Any] | None = None, **answers: list[Answer]) -> Engine:
        engine = Engine(
            {
                "listObjectsV2": [{"KeyCount": 0}],
                "getItem": [item()],
                "github": [{}],
                "describeStacks": [BEFORE, AFTER],
                "updateProvisionedProduct": [{"RecordDetail": {"RecordId": "rec-2"}}],
                "describeRecord": [SUCCEEDED],
                "putObject": [{}],
                "updateItem": [{"Attributes": {}}],
                "putMetricData": [{}],
                **answers,
            }
        )
        monkeypatch.setattr(stepfunctions, "_invoke_resource", engine.answer)
        monkeypatch.setattr(stepfunctions, "_scaled_sleep", engine.wait)
        sleeping.noted(monkeypatch)  # MiniStack waits a moment before each execution
        monkeypatch.setattr(stepfunctions, "_register_sfn_jsonata_functions", with_clock(engine))
        monkeypatch.setattr(stepfunctions, "_emit_execution_status_event", lambda _: None)
        machine = f"{MACHINE}-{uuid.uuid4().hex}"
        stepfunctions._state_machines[machine] = {
            "name": "update-project",
            "definition": json.dumps(DEFINITIONS["project"]),
            "roleArn": "",
        }
        project = {"launch": "pp-1", "name": "studio-p1", "stack": "arn:stack", "record": "rec-1"}
        everything = {"rollout": "r1", "run": RUN, "project": project, **(given or {})}
        answer = stepfunctions._start_sync_execution({"stateMachineArn": machine, "input": json.dumps(everything)})
        ended = json.loads(answer[2])
        assert ended["status"] == "SUCCEEDED", ended.get("cause")
        return engine

    return started


Run = Callable[..., Engine]


def test_an_update_keeps_the_parameters_and_asks_service_catalog_twice(run: Run) -> None:
    engine = run()
    assert engine.service_catalog == ["updateProvisionedProduct", "describeRecord"]
    assert engine.of("updateProvisionedProduct") == [
        {
            "ProvisionedProductId": "pp-1",
            "ProductId": "prod-1",
            "ProvisioningArtifactId": "pa-2",
            "ProvisioningParameters": [{"Key": "ProjectId", "UsePreviousValue": True}],
            "UpdateToken": "rollout-pa-2-rec-1",
        }
    ]
    part = {"status": "merged", "version": "v2", "pullRequest": "https://x/pull/1"}
    written = engine.result
    assert written.pop("at")
    assert written == {
        "launch": "pp-1", "name": "studio-p1", "result": "merged", "reason": "", "build": part, "deploy": part,
    }  # fmt: skip
    (counted,) = engine.of("updateItem")
    assert counted["UpdateExpression"].startswith("ADD ")
    assert "CountMerged" in counted["ExpressionAttributeNames"].values()
    (measured,) = engine.of("putMetricData")
    assert measured["MetricData"][0]["MetricName"] == "RolloutUpdated"


@pytest.mark.parametrize("said", ["merged", "pull-request", "unchanged", "off"])
def test_what_became_of_a_project_is_what_its_repositories_say(run: Run, said: str) -> None:
    assert run(describeStacks=[BEFORE, stack("UPDATE_COMPLETE", "v2", said)]).result["result"] == said


def test_a_project_with_a_result_is_left_alone(run: Run) -> None:
    engine = run(listObjectsV2=[{"KeyCount": 1}])
    assert [name for name, _ in engine.asked] == ["listObjectsV2"]
    assert engine.of("listObjectsV2")[0]["Prefix"] == "rollouts/r1/results/pp-1.json"


def test_one_that_is_there_already_is_not_updated(run: Run) -> None:
    engine = run(describeStacks=[AFTER])
    assert (engine.service_catalog, engine.result["result"]) == ([], "merged")


@pytest.mark.parametrize(
    "said",
    [
        item(Paused="person"),
        item(Aborted="yes"),
        item(FailedOnes={"M": {"studio-p9": {"S": "It broke."}}}),
        item(OpenTimes="[[1, 2]]"),
    ],
    ids=["paused", "aborted", "too many failures", "no opening time left"],
)
def test_nobody_begins_in_a_rollout_that_stands(run: Run, said: Answer) -> None:
    engine = run(getItem=[said])
    assert engine.service_catalog == []
    assert engine.of("putObject") == []
    assert {"S": "yes"} in engine.of("updateItem")[-1]["ExpressionAttributeValues"].values()
    assert "NotStarted" in engine.of("updateItem")[-1]["ExpressionAttributeNames"].values()


@pytest.mark.parametrize("said", [item(Rollout="r2"), item(RunBy="nobody"), {}])
def test_nobody_begins_for_an_execution_that_another_took_over(run: Run, said: Answer) -> None:
    assert [name for name, _ in run(getItem=[said]).asked] == ["listObjectsV2", "getItem"]


def test_failures_up_to_the_limit_stop_nobody(run: Run) -> None:
    said = item(FailedOnes={"M": {"studio-p9": {"S": "It broke."}}}, MostFailures=1)
    assert run(getItem=[said]).result["result"] == "merged"


# -- pace --------------------------------------------------------------------------------------------------------


def opens(seconds: float) -> Answer:
    return {"Item": {"Id": {"S": "github"}, "OpensAt": {"N": str(NOW + seconds)}}}


def test_an_update_waits_until_github_lets_content_be_created_soon(run: Run) -> None:
    engine = run(github=[opens(AHEAD_SECONDS + 2000)])
    assert engine.waited[:3] == [LONGEST_WAIT, LONGEST_WAIT, 200]
    assert len(engine.of("github")) == len(engine.of("getItem")) == 4, "the rollout is looked at after each wait, too"
    assert len(engine.of("updateProvisionedProduct")) == 1


@pytest.mark.parametrize("seconds", [-10, 0, 1, AHEAD_SECONDS - 1, AHEAD_SECONDS, AHEAD_SECONDS + 1, 5000])
def test_an_update_starts_where_the_functions_budget_says_so(run: Run, seconds: int) -> None:
    assert AHEAD_SECONDS == rate_budget.FARTHEST_SECONDS
    assert MAX_CONCURRENCY == AT_ONCE, "what docs/scale.md promises is simulated with it"
    starts = run(github=[opens(seconds)]).waited[0] == 15  # the first wait is for the stack
    assert starts is rate_budget.may_start(NOW + seconds, NOW)


def test_a_rollout_is_paused_while_a_project_waits_for_github(run: Run) -> None:
    engine = run(github=[opens(AHEAD_SECONDS + 5000)], getItem=[item(), item(Paused="person")])
    assert (engine.service_catalog, engine.waited) == ([], [LONGEST_WAIT])


def test_who_waits_for_github_for_an_hour_says_so_once(run: Run) -> None:
    engine = run(github=[opens(AHEAD_SECONDS + 9000)])
    names = [each["MetricData"][0]["MetricName"] for each in engine.of("putMetricData")]
    assert names == ["RolloutStuck", "RolloutUpdated"]


@pytest.mark.parametrize("github", [{}, {"Item": {"Id": {"S": "github"}}}])
def test_a_budget_that_nobody_has_used_lets_everybody_go(run: Run, github: Answer) -> None:
    assert run(github=[github]).waited[0] == 15, "the first wait is for the stack"


def test_updates_take_turns_at_a_pace(run: Run) -> None:
    turn = NOW + 1000
    engine = run(getItem=[item(HourlyRate=60, NextStart=turn), item(HourlyRate=60, NextStart=turn + 60)])
    (taken, *_) = engine.of("updateItem")
    assert {"N": str(turn)} in taken["ExpressionAttributeValues"].values()
    assert {"N": str(turn + 60)} in taken["ExpressionAttributeValues"].values()
    assert engine.waited[:2] == [LONGEST_WAIT, 100]
    assert len([each for each in engine.of("updateItem") if "SET" in each["UpdateExpression"]]) == 1, "one turn"
    assert engine.result["result"] == "merged"


def test_a_turn_of_the_past_is_one_of_now(run: Run) -> None:
    engine = run(getItem=[item(HourlyRate=3600, NextStart=5)])
    assert {"N": str(NOW + 1)} in engine.of("updateItem")[0]["ExpressionAttributeValues"].values()
    assert engine.waited[0] == 15


def test_a_turn_that_another_took_is_taken_anew(run: Run) -> None:
    engine = run(
        getItem=[item(HourlyRate=3600, NextStart=5)],
        updateItem=[Refusal("DynamoDB.ConditionalCheckFailedException"), {}],
    )
    assert 1 <= engine.waited[0] <= 6
    assert engine.result["result"] == "merged"


def test_a_turn_that_passed_while_github_refused_is_taken_anew(run: Run) -> None:
    """Else all that wait would start together when GitHub is free again, whatever the pace."""
    late = item(HourlyRate=60, NextStart=NOW)
    engine = run(getItem=[late], github=[{}, opens(AHEAD_SECONDS + 2000), {}])
    turns = [each for each in engine.of("updateItem") if "SET" in each["UpdateExpression"]]
    assert len(turns) == 2
    assert {"N": str(NOW + LONGEST_WAIT + 60)} in turns[1]["ExpressionAttributeValues"].values()
    assert engine.result["result"] == "merged"


def test_updates_start_in_the_window(run: Run) -> None:
    engine = run(getItem=[item(OpenTimes=json.dumps([[NOW - 100, NOW - 50], [NOW + 1000, NOW + 1500]]))])
    assert engine.waited[:3] == [LONGEST_WAIT, 100, 15]
    assert engine.result["result"] == "merged"


def test_a_window_that_is_open_is_not_waited_for(run: Run) -> None:
    assert run(getItem=[item(OpenTimes=json.dumps([[NOW - 100, NOW + 50]]))]).waited[0] == 15


# -- failures ----------------------------------------------------------------------------------------------------


def failed(reason: str) -> Answer:
    return {"RecordDetail": {"Status": "FAILED", "RecordErrors": [{"Description": reason}]}}


def test_a_failed_update_is_told_with_its_reason(run: Run) -> None:
    rolled_back = stack("UPDATE_ROLLBACK_COMPLETE", updated="2026-11-28T09:00:00Z")
    engine = run(describeStacks=[BEFORE, rolled_back], describeRecord=[failed("GitHub refused the token.")])
    assert (engine.result["result"], engine.result["reason"]) == ("failed", "GitHub refused the token.")
    noted = engine.of("updateItem")[-1]
    assert noted["ExpressionAttributeNames"] == {"#failed": "FailedOnes", "#rollout": "Rollout", "#name": "studio-p1"}
    assert noted["ExpressionAttributeValues"][":reason"] == {"S": "GitHub refused the token."}
    assert engine.of("putMetricData")[0]["MetricData"][0]["MetricName"] == "RolloutFailed"


def test_a_reason_is_one_line_where_people_are_told(run: Run) -> None:
    """It names files and branches of a project's; the machine of the waves mails it."""
    said = "No.\n  studio-p2: \tall is well"
    rolled_back = stack("UPDATE_ROLLBACK_COMPLETE", updated="later")
    engine = run(describeStacks=[BEFORE, rolled_back], describeRecord=[failed(said)])
    assert engine.result["reason"] == said
    assert engine.of("updateItem")[-1]["ExpressionAttributeValues"][":reason"] == {"S": "No. studio-p2: all is well"}


def test_the_item_fits_into_a_state_with_all_failures_that_may_be() -> None:
    """What a state gets is at most 256 KiB, and the whole item is read: DynamoDB's spelling, in UTF-8."""
    most = MOST_FAILURES + MAX_CONCURRENCY
    ones = {"x" * 124 + f"{number:04}": {"S": "\U0001f600" * REASON_LENGTH} for number in range(most)}
    whole = item(FailedOnes={"M": ones}, OpenTimes=json.dumps([[NOW, NOW]] * AHEAD_DAYS), ParameterNames="x" * 4000)
    assert len(json.dumps({**whole, "SdkHttpMetadata": "x" * 4000}, ensure_ascii=False).encode()) < 256 * 1024


def test_a_record_that_succeeded_over_a_stack_that_did_not_is_a_failure(run: Run) -> None:
    engine = run(describeStacks=[BEFORE, stack("UPDATE_ROLLBACK_COMPLETE", updated="later")])
    assert engine.result["result"] == "failed"
    assert "UPDATE_ROLLBACK_COMPLETE" in engine.result["reason"]
    without = stack("UPDATE_COMPLETE")
    del without["Stacks"][0]["Outputs"]
    assert "without the outputs" in run(describeStacks=[BEFORE, without]).result["reason"]


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "DELETE_FAILED"])
def test_a_stack_that_needs_a_person_is_skipped(run: Run, status: str) -> None:
    engine = run(describeStacks=[stack(status)])
    assert (engine.result["result"], engine.service_catalog) == ("skipped", [])
    assert status in engine.result["reason"]


REFUSED = Refusal("ServiceCatalog.InvalidParametersException", "Give a path.")


def test_the_launchs_own_path_is_given_where_the_product_has_several(run: Run) -> None:
    """Who has two portfolios with the product launches by one of them: without the path, the update is refused."""
    known = {"RecordDetail": {"Status": "SUCCEEDED", "ProvisioningArtifactId": "pa-1", "PathId": "lpv3-1"}}
    engine = run(getItem=[item(SeveralPaths="yes")], describeRecord=[known, SUCCEEDED])
    assert engine.service_catalog == ["describeRecord", "updateProvisionedProduct", "describeRecord"]
    assert engine.of("updateProvisionedProduct")[0]["PathId"] == "lpv3-1"
    unforeseen = run(
        updateProvisionedProduct=[REFUSED, {"RecordDetail": {"RecordId": "rec-2"}}], describeRecord=[known, SUCCEEDED]
    )
    assert unforeseen.of("updateProvisionedProduct")[1]["PathId"] == "lpv3-1"
    assert unforeseen.result["result"] == "merged"


def running(version: str) -> Answer:
    return {"RecordDetail": {"Status": "IN_PROGRESS", "ProvisioningArtifactId": version, "PathId": "lpv3-1"}}


def test_an_update_to_the_version_that_runs_is_followed(run: Run) -> None:
    engine = run(
        updateProvisionedProduct=[REFUSED],
        describeStacks=[stack("UPDATE_IN_PROGRESS"), AFTER],
        describeRecord=[running("pa-2"), SUCCEEDED],
    )
    assert engine.of("describeRecord") == [{"Id": "rec-1"}, {"Id": "rec-1"}]
    assert engine.result["result"] == "merged"


def test_an_update_to_another_version_that_runs_is_left_alone(run: Run) -> None:
    engine = run(
        updateProvisionedProduct=[REFUSED],
        describeStacks=[stack("UPDATE_IN_PROGRESS")],
        describeRecord=[running("pa-9")],
    )
    assert (engine.result["result"], engine.result["reason"]) == ("skipped", "Another change of it was under way")


@pytest.mark.parametrize("refused", [REFUSED, Refusal("ServiceCatalog.ResourceNotFoundException", "No such token.")])
def test_an_update_of_ours_that_service_catalog_does_not_know_by_its_token_is_waited_for(
    run: Run, refused: Refusal
) -> None:
    """A machine was killed in an update, and the next one comes. Which AWS looks at first is not documented."""
    engine = run(
        updateProvisionedProduct=[refused],
        describeStacks=[*[stack("UPDATE_IN_PROGRESS")] * 3, AFTER],
        describeRecord=[
            {"RecordDetail": {"Status": "SUCCEEDED", "ProvisioningArtifactId": "pa-1", "PathId": "lpv3-1"}}
        ],
    )
    assert engine.result["result"] == "merged"
    assert engine.waited == [60, 60]
    assert len(engine.service_catalog) == 3


def test_what_another_change_leaves_behind_is_skipped(run: Run) -> None:
    record = {"RecordDetail": {"Status": "SUCCEEDED", "ProvisioningArtifactId": "pa-1", "PathId": "lpv3-1"}}
    busy = stack("UPDATE_IN_PROGRESS")
    engine = run(updateProvisionedProduct=[REFUSED], describeStacks=[BEFORE, busy, BEFORE], describeRecord=[record])
    assert (engine.result["result"], engine.result["reason"]) == ("skipped", "Another change of it was under way")
    endless = run(updateProvisionedProduct=[REFUSED], describeStacks=[busy], describeRecord=[record])
    assert endless.result["result"] == "skipped"
    assert sum(endless.waited) <= 3 * 3600 + 120


@pytest.mark.parametrize("status", ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"])
def test_a_project_that_was_terminated_is_gone_and_nobodys_failure(run: Run, status: str) -> None:
    engine = run(describeStacks=[stack(status)])
    assert (engine.result["result"], engine.result["reason"]) == ("gone", "The project was terminated")
    assert engine.service_catalog == []
    assert "CountGone" in engine.of("updateItem")[0]["ExpressionAttributeNames"].values()
    assert (len(engine.of("updateItem")), engine.of("putMetricData")) == (1, [])
    missing = Refusal("ServiceCatalog.ResourceNotFoundException")
    meanwhile = run(updateProvisionedProduct=[missing], describeStacks=[BEFORE, stack(status)])
    assert (meanwhile.result["result"], len(meanwhile.service_catalog)) == ("gone", 2)


def test_what_service_catalog_refuses_for_good_is_the_reason(run: Run) -> None:
    engine = run(
        describeStacks=[BEFORE],
        updateProvisionedProduct=[Refusal("ServiceCatalog.InvalidParametersException", "It is tainted.")],
        describeRecord=[{"RecordDetail": {"Status": "FAILED", "PathId": "lpv3-1"}}],
    )
    assert engine.result["reason"] == "ServiceCatalog.InvalidParametersException: It is tainted."
    assert engine.service_catalog == ["updateProvisionedProduct", "describeRecord", "updateProvisionedProduct"]


def test_throttling_is_no_failure(run: Run) -> None:
    throttled = Refusal("ServiceCatalog.ServiceCatalogException", "Rate exceeded")
    engine = run(updateProvisionedProduct=[*[throttled] * 8, {"RecordDetail": {"RecordId": "rec-2"}}])
    assert engine.result["result"] == "merged"


def test_service_catalog_is_asked_when_the_stack_is_at_rest(run: Run) -> None:
    busy = stack("UPDATE_IN_PROGRESS")
    engine = run(describeStacks=[BEFORE, BEFORE, *[busy] * 30, AFTER])
    assert engine.service_catalog == ["updateProvisionedProduct", "describeRecord"]
    assert engine.waited[:4] == [15, 30, 60, 60]


def test_an_update_of_an_hour_says_so_and_one_of_three_is_given_up(run: Run) -> None:
    engine = run(describeStacks=[BEFORE, stack("UPDATE_IN_PROGRESS")])
    names = [each["MetricData"][0]["MetricName"] for each in engine.of("putMetricData")]
    assert names == ["RolloutStuck", "RolloutFailed"]
    assert engine.result["reason"] == "Its update has not ended within 3 hours; its stack is UPDATE_IN_PROGRESS"
    assert engine.service_catalog == ["updateProvisionedProduct"]


def test_an_update_that_changes_no_resource_ends_too(run: Run) -> None:
    """CloudFormation has nothing to do then: the stack stays as it is, and only the record knows."""
    engine = run(describeStacks=[BEFORE])
    assert engine.result["result"] == "merged"
    assert engine.service_catalog == ["updateProvisionedProduct", "describeRecord"]


def test_a_record_that_lags_is_asked_for_again(run: Run) -> None:
    engine = run(describeRecord=[{"RecordDetail": {"Status": "IN_PROGRESS"}}, SUCCEEDED])
    assert len(engine.service_catalog) == 3
    assert engine.result["result"] == "merged"


@pytest.mark.parametrize("said", [item(Rollout="r2"), item(RunBy="nobody"), {}])
def test_nobody_notes_a_failure_in_a_rollout_that_is_not_the_one(run: Run, said: Answer) -> None:
    """Who may start the machine could else write results of any rollout."""
    engine = run({"failed": "It was stopped."}, getItem=[said])
    assert [name for name, _ in engine.asked] == ["listObjectsV2", "getItem"]


def test_an_execution_that_broke_off_is_noted_as_a_failure(run: Run) -> None:
    engine = run({"failed": "It was stopped."})
    assert engine.service_catalog == []
    assert engine.result["reason"] == "Its execution broke off: It was stopped."


@pytest.mark.parametrize("call", ["getItem", "github", "describeStacks", "updateProvisionedProduct", "describeRecord"])
def test_what_nobody_foresaw_is_a_failure_with_its_reason(run: Run, call: str) -> None:
    engine = run(**{call: [Refusal("Any.AccessDeniedException", "Not you.")]})
    assert (engine.result["result"], engine.result["reason"]) == ("failed", "Any.AccessDeniedException: Not you.")


def test_what_cannot_be_counted_or_measured_hinders_nobody(run: Run) -> None:
    refused = [Refusal("Any.AccessDeniedException")]
    assert run(updateItem=refused, putMetricData=refused).result["result"] == "merged"
