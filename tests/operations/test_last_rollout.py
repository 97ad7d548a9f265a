"""What the last rollout did to each project, read from what its machine wrote; nothing where there was none."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from custom_resources.errors import AwsDenied, AwsNotFound
from operations.fleet.facts import Fleet, LastRollout, Project
from operations.fleet.results import MOST_ROLLOUTS, Results, results_of, with_results
from operations.fleet.tables import as_csv, chosen, lines

BUCKET = "archives"
FIRST, SECOND, THIRD = (f"2026112{day}-080000-v1.{day}.0-3f{day}a" for day in (1, 2, 3))


class Bucket:
    """The archive bucket on moto, and the requests that are made to it."""

    def __init__(self) -> None:
        self.client = boto3.client("s3", region_name="us-east-1")
        self.client.create_bucket(Bucket=BUCKET)
        self.asked: Counter[str] = Counter()
        self.client.meta.events.register("before-call", lambda model, **_: self.asked.update([model.name]))

    def put(self, rollout: str, launch: str, **told: Any) -> None:
        self.write(f"rollouts/{rollout}/results/{launch}.json", json.dumps({"launch": launch, **told}))

    def write(self, key: str, text: str) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=text.encode())

    def newest(self, *launches: str) -> dict[str, LastRollout]:
        self.asked.clear()
        return Results(self.client, BUCKET).newest(launches)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Bucket()


def test_the_newest_result_of_each_project_counts(bucket: Bucket) -> None:
    for launch in ("pp-1", "pp-2", "pp-3"):
        bucket.put(FIRST, launch, result="merged", at="2026-11-21T08:01:00Z")
    bucket.put(SECOND, "pp-1", result="failed", reason="The repository is gone.", version="v1.2.0")
    bucket.put(THIRD, "pp-2", result="pull-request")
    bucket.write(f"rollouts/{THIRD}/plan.json", "{}")
    bucket.write(f"rollouts/{THIRD}/wave-1.json", "[]")
    assert bucket.newest("pp-1", "pp-2", "pp-3", "pp-4") == {
        "pp-1": LastRollout(SECOND, "failed", "v1.2.0", "The repository is gone."),
        "pp-2": LastRollout(THIRD, "pull-request", "v1.3.0"),
        "pp-3": LastRollout(FIRST, "merged", "v1.1.0", at="2026-11-21T08:01:00Z"),
    }
    assert bucket.asked == {"ListObjectsV2": 4, "GetObject": 3}


def test_what_the_newest_rollout_has_needs_no_other(bucket: Bucket) -> None:
    for rollout in (FIRST, SECOND):
        bucket.put(rollout, "pp-1", result="unchanged")
    assert bucket.newest("pp-1")["pp-1"].rollout == SECOND
    assert bucket.asked == {"ListObjectsV2": 2, "GetObject": 1}


def test_only_some_rollouts_are_looked_at(bucket: Bucket) -> None:
    for number in range(MOST_ROLLOUTS + 5):
        bucket.put(f"202611{number:02}-080000-v1.0.0", "pp-1" if number else "pp-old", result="merged")
    assert bucket.newest("pp-old", "pp-1").keys() == {"pp-1"}
    assert bucket.asked["ListObjectsV2"] == MOST_ROLLOUTS + 1


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "null", "{", '"x"'])
def test_what_no_machine_wrote_is_no_result(bucket: Bucket, text: str) -> None:
    bucket.write(f"rollouts/{FIRST}/results/pp-1.json", text)
    assert bucket.newest("pp-1") == {}


def test_anything_may_be_missing(bucket: Bucket) -> None:
    bucket.put("by-hand", "pp-1")
    assert bucket.newest("pp-1") == {"pp-1": LastRollout("by-hand", "unknown")}


def test_no_rollout_yet_is_one_list(bucket: Bucket) -> None:
    assert bucket.newest("pp-1") == {}
    assert bucket.asked == {"ListObjectsV2": 1}
    assert with_results(Fleet("now", "v1"), Results(bucket.client, BUCKET)).projects == ()


class Outputs:
    def __init__(self, outputs: dict[str, str] | Exception) -> None:
        self._outputs = outputs

    def outputs(self, stack: str) -> dict[str, str]:
        if isinstance(self._outputs, Exception):
            raise self._outputs
        return self._outputs


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"ArchiveBucket": ""},
        AwsNotFound(service="CloudFormation", activity="reading", message="no"),
        AwsDenied(service="CloudFormation", activity="reading", message="no", permission="x"),
    ],
)
def test_without_a_foundation_there_is_nothing_to_read(outputs: Any) -> None:
    def client() -> Any:
        raise AssertionError("nothing is asked")

    assert results_of(client, Outputs(outputs)) is None  # type: ignore[arg-type]


# -- what is told ------------------------------------------------------------------------------------------------------

FAILED = LastRollout(SECOND, "failed", "v1.2.0", "It was rolled back.", "2026-11-22T08:00:00Z")


def project(state: Any, last: LastRollout | None) -> Project:
    return Project("pp-1", "studio-1", state=state, last_rollout=last)


def test_a_rollout_that_failed_is_told_with_its_reason() -> None:
    fleet = Fleet("now", "v1.2.0", (project("outdated", FAILED),))
    assert "  the rollout of v1.2.0 failed: It was rolled back." in list(lines(fleet))
    row = as_csv(fleet).splitlines()[1]
    assert row.endswith(f"{SECOND},failed,It was rolled back.,2026-11-22T08:00:00Z")


def test_a_rollout_that_went_well_is_told_to_programs_only() -> None:
    fleet = Fleet("now", "v1.2.0", (project("current", LastRollout(SECOND, "merged", "v1.2.0")),))
    assert "rollout" not in " ".join(lines(fleet))
    assert f"{SECOND},merged" in as_csv(fleet)


@pytest.mark.parametrize(
    ("state", "last", "shown"),
    [
        ("outdated", FAILED, True),
        ("failed", None, True),
        ("current", FAILED, False),  # somebody has brought it there since
        ("outdated", LastRollout(SECOND, "merged"), False),
        ("outdated", None, False),
    ],
)
def test_the_filter_for_failures(state: Any, last: LastRollout | None, shown: bool) -> None:
    assert bool(chosen([project(state, last)], ["failed"])) is shown
