"""What is counted of a project's life: the numbers that the dashboard and the alarms show (docs/operations.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from custom_resources import telemetry
from standins.github.faults import Fault
from tests.integration.world import Project, World

pytestmark = pytest.mark.handlers_only(reason="reads what this process counts")
FIVE = "one\ntwo\nthree\nfour\nfive\n"


@pytest.fixture
def project(world: World) -> Project:
    return Project(world, world.publish("v1", {"a": FIVE})).launch()


@contextmanager
def counted(capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, int]]:
    """Yield a dict that has, after the block, each metric's number as CloudWatch would read it from the log."""
    telemetry.flush()
    capsys.readouterr()
    numbers: dict[str, int] = {}
    yield numbers
    telemetry.flush()
    for line in capsys.readouterr().out.splitlines():
        document = json.loads(line) if "_aws" in line else {}
        for each in document.get("_aws", {}).get("CloudWatchMetrics", ()):
            for metric in each["Metrics"]:
                assert metric["Unit"] == "Count"
                numbers[metric["Name"]] = int(sum(document[metric["Name"]]))


def test_each_delivery_of_a_version_is_a_resync(
    world: World, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with counted(capsys) as numbers:
        project.update(world.publish("v2", {"a": FIVE, "b": "b\n"}))
    assert numbers == {"Resyncs": 1}
    with counted(capsys) as numbers:
        project.update()
    assert numbers == {}, "nothing was delivered"


def test_a_conflict_is_counted_with_its_resync(
    world: World, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.commit({"a": FIVE.replace("two", "mine")})
    with counted(capsys) as numbers:
        assert project.update(world.publish("v2", {"a": FIVE.replace("two", "2")}))["Status"] == "pull-request"
    assert numbers == {"Resyncs": 1, "Conflicts": 1}


def test_a_repository_that_is_archived_is_counted(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    with counted(capsys) as numbers:
        project.delete()
    assert numbers == {"Archived": 1}


def test_what_a_delete_leaves_is_counted(world: World, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.settings = {"RetainOnFailure": "true"}
    project.update_repository(RetainOnFailure="true")
    world.cloud.use_token(world.github.make_token(["repo", "workflow"], login="reader", role="read"))
    with counted(capsys) as numbers:
        project.delete()
    assert numbers == {"Retained": 1}


def test_each_wait_for_githubs_limit_is_counted(
    world: World, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    world.github.faults.add(Fault.parse({"fault": "429", "times": 2, "match": {"method": "GET"}}))
    with counted(capsys) as numbers:
        project.configure({"NAME": "value"}, {})
    assert numbers == {"RateLimitWaits": 2}
