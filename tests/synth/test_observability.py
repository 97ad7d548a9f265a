"""Alarms and the dashboard: each goes off where its sentence says, and shows what the functions really count."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest

from custom_resources.catalogue import CATALOGUE
from products.rollout import project_definition
from products.rollout.names import METRICS, Places
from products.settings import PROJECT_ROOT
from tests.synth.conftest import Assembly, of_type

FUNCTIONS = [entry for entry in CATALOGUE if entry.class_name and "one account" in entry.layouts]
ERRORS = "The {} function failed 3 times in 15 minutes. See the function's log."
THROTTLES = (
    "Lambda throttled the {} function 10 times in 15 minutes. "
    "Request a higher quota for the account's Lambda concurrency."
)
RATE_LIMIT = (
    "The {} function waited for GitHub's rate limit 50 times in 15 minutes. "
    "Roll out to fewer projects at once, or use a GitHub App."
)
ROLLOUT = {
    "A rollout could not update a project. Run `python -m operations rollout status`.": "RolloutFailed",
    "A project of a rollout has been updating, or waiting for GitHub, for an hour. "
    "Run `python -m operations rollout status`.": "RolloutStuck",
}
BROKEN = (
    "The state machine of a rollout failed. "
    "Run `python -m operations rollout resume` to resume the rollout where it stopped."
)
QUEUE = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", 5)


def alarms(template: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Return each alarm's sentence -> namespace, metric, statistic, minutes, threshold, whose metric it is."""
    found = {}
    for resource in of_type(template, "AWS::CloudWatch::Alarm").values():
        alarm = resource["Properties"]
        # All go off at the threshold, in one period, and not for want of data.
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert (alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (1, "notBreaching")
        assert alarm.get("DatapointsToAlarm", 1) == 1
        (dimension,) = alarm["Dimensions"]
        found[alarm["AlarmDescription"]] = (
            alarm["Namespace"],
            alarm["MetricName"],
            alarm["Statistic"],
            alarm["Period"] // 60,
            alarm["Threshold"],
            owner(template, dimension["Value"]),
        )
    assert len(found) == len(of_type(template, "AWS::CloudWatch::Alarm"))
    return found


def owner(template: dict[str, Any], value: Any) -> str:
    """Return whose a metric is: a function's name, or a queue's logical id without its hash."""
    if isinstance(value, str):
        return value
    name = value.get("Ref") or value["Fn::GetAtt"][0]
    properties = template["Resources"][name]["Properties"]
    return str(properties.get("FunctionName", re.sub(r"[0-9A-F]{8}$", "", name)))


def test_every_alarm_of_the_foundation_goes_off_where_its_sentence_says(assembly: Assembly) -> None:
    expected: dict[str, tuple[Any, ...]] = {
        "The provider framework could not handle a CloudFormation event. The stack waits until the resource times "
        "out. See the dead-letter queue and the provider's log.": (*QUEUE, 1, "DeadLetters"),
    }
    for entry in FUNCTIONS:
        words, function = entry.name.replace("_", " "), entry.function_name("studio-mlops")
        expected[ERRORS.format(words)] = ("AWS/Lambda", "Errors", "Sum", 15, 3, function)
        expected[THROTTLES.format(words)] = ("AWS/Lambda", "Throttles", "Sum", 15, 10, function)
        if "github" in entry.needs:
            expected[RATE_LIMIT.format(words)] = ("StudioProjectTemplate", "RateLimitWaits", "Sum", 15, 50, entry.name)
    for sentence, name in ROLLOUT.items():
        expected[sentence] = ("StudioProjectTemplate", name, "Sum", 15, 1, "rollout")
    expected[BROKEN] = ("AWS/States", "ExecutionsFailed", "Sum", 15, 1, "Rollout")
    found = alarms(assembly.foundation)
    assert {sentence.lower(): alarm for sentence, alarm in found.items()} == {
        sentence.lower(): alarm for sentence, alarm in expected.items()
    }
    for words in ("GitHub repository", "Studio project profile", "Actions configuration", "template archive"):
        assert ERRORS.format(words) in found


def test_every_alarm_of_studios_stack_goes_off_at_the_first_message(open_doors: Assembly) -> None:
    assert alarms(open_doors.template("StudioStack.template.json")) == {
        "EventBridge could not start the project-setup state machine for a Studio event. "
        "See the event in the dead-letter queue.": (*QUEUE, 1, "DeadLetters"),
        "The model approval function could not start the deploy workflow of an approved model. "
        "See the function's log, then redrive the dead-letter queue.": (*QUEUE, 1, "ApprovalDeadLetters"),
        "EventBridge could not send the event of an approved model to the approvals queue. "
        "See the event in the dead-letter queue.": (*QUEUE, 1, "ApprovalRuleDeadLetters"),
    }


def placed(template: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the dashboard's widgets as CloudWatch gets them, with references dropped."""
    (dashboard,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    parts = dashboard["Properties"]["DashboardBody"]["Fn::Join"][1]
    body = json.loads("".join(part if isinstance(part, str) else "reference" for part in parts))
    return list(body["widgets"])


def widgets(template: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the dashboard's graphs: title -> metrics."""
    return {each["properties"]["title"]: each["properties"]["metrics"] for each in placed(template)}


def shown(template: dict[str, Any]) -> set[str]:
    """Return the names of our own metrics that the dashboard or an alarm shows."""
    on_dashboard = {
        metric[1]
        for metrics in widgets(template).values()
        for metric in metrics
        if metric[0] == "StudioProjectTemplate"
    }
    alarmed = {
        alarm["Properties"]["MetricName"]
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if alarm["Properties"].get("Namespace") == "StudioProjectTemplate"
    }
    return on_dashboard | alarmed


def counted() -> set[str]:
    """Return the names of the metrics that the custom resources count.

    They are the texts in calls of `count`, in `metrics=...`, and in functions that return metrics (`_metrics`).
    """
    places: list[ast.AST] = []
    for file in (PROJECT_ROOT / "custom_resources").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                places += node.args if name == "count" else []
                places += [keyword.value for keyword in node.keywords if keyword.arg == "metrics"]
            elif isinstance(node, ast.FunctionDef) and node.name.strip("_") == "metrics":
                places += [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value]
                places += [each.value for each in ast.walk(node) if isinstance(each, ast.Assign)]
    # What a conditional expression asks is no metric; what it chooses from is.
    asked = {
        id(each)
        for place in places
        for node in ast.walk(place)
        if isinstance(node, ast.IfExp)
        for each in ast.walk(node.test)
    }
    texts = {
        each.value
        for place in places
        for each in ast.walk(place)
        if isinstance(each, ast.Constant) and id(each) not in asked
    }
    return {text for text in texts if isinstance(text, str) and re.fullmatch(r"[A-Z][A-Za-z]+", text)}


def test_what_is_shown_is_counted_and_what_is_counted_is_shown(assembly: Assembly) -> None:
    of_rollouts = set(re.findall(r"'(Rollout[A-Z]\w+)'", json.dumps(project_definition(Places(*"tbase")))))
    assert of_rollouts == set(METRICS)
    assert shown(assembly.foundation) == counted() | of_rollouts
    assert counted() == {"Launches", "Resyncs", "Archived", "Conflicts", "RateLimitWaits", "Failures", "Retained"}


def test_the_documented_metrics_are_the_counted_ones() -> None:
    text = (PROJECT_ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    section = text.partition("## Metrics")[2].partition("## Alarms")[0]
    listed = re.findall(r"(?m)^\| `(\w+)` \|", section)
    assert sorted(listed) == sorted(counted() | set(METRICS)), "each once"


@pytest.mark.parametrize("title", ["Launches, re-syncs and deletions", "Attention"])
def test_a_counter_is_summed_over_the_functions_of_a_launch(assembly: Assembly, title: str) -> None:
    metrics = widgets(assembly.foundation)[title]
    services = [entry.name for entry in FUNCTIONS if entry.in_product]
    assert len(services) >= 4
    for total in (metric[0] for metric in metrics if isinstance(metric[0], dict)):
        label = total["label"]
        summed = [metric for metric in metrics if metric[1:2] == [label]]
        assert [metric[3] for metric in summed] == services
        assert {metric[4]["stat"] for metric in summed} == {"Sum"}
        assert total["expression"] == "+".join(f"FILL({metric[4]['id']},0)" for metric in summed)


def test_the_dashboards_rows_are_full_and_even(assembly: Assembly) -> None:
    """A row of CloudWatch has 24 columns."""
    rows: dict[int, list[dict[str, Any]]] = {}
    for each in placed(assembly.foundation):
        rows.setdefault(each["y"], []).append(each)
    assert {sum(each["width"] for each in row) for row in rows.values()} <= {12, 24}
    assert {each["height"] for row in rows.values() for each in row} == {6}
    assert sorted(rows) == [6 * number for number in range(len(rows))]


def test_the_dashboard_watches_every_function_and_the_dead_letters(assembly: Assembly) -> None:
    graphs = widgets(assembly.foundation)
    for title, name, options in (
        ("Errors", "Errors", "Sum"),
        ("Invocations", "Invocations", "Sum"),
        ("Duration (95%)", "Duration", "p95"),
    ):
        assert [metric[:2] for metric in graphs[title]] == [["AWS/Lambda", name]] * len(FUNCTIONS)
        assert {metric[4]["stat"] for metric in graphs[title]} == {options}
    ((namespace, name, *_),) = graphs["Dead letters"]
    assert (namespace, name) == QUEUE[:2]
