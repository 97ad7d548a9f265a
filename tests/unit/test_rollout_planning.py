"""What a rollout updates, in which waves, when, and what is said of it."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from custom_resources.clients.service_catalog import Launch, ProductVersion
from operations.errors import NotDeployed, UnknownProject, WindowMalformed
from operations.rollout import command, telling
from operations.rollout.command import _failures, _rate, _seconds
from operations.rollout.planning import plan, seconds_needed, selected, spoken, target_version, waves
from operations.rollout.state import (
    Part,
    Result,
    Rollout,
    Target,
    Wish,
    new_item,
    result_of,
    result_text,
    rollout_of,
    wave_item,
)
from operations.rollout.windows import opens, spans, window
from products.rollout.names import COUNTERS, OUTCOMES, wave_key

V1, V2 = ProductVersion("pa-1", "v1.0.0"), ProductVersion("pa-2", "v2.0.0")


def launch(name: str, version: ProductVersion = V1, status: str = "AVAILABLE") -> Launch:
    return Launch(
        f"pp-{name}", name, version.id, version.name, status, last_record=f"rec-{name}", stack=f"stack/{name}"
    )


# -- planning ----------------------------------------------------------------------------------------------------


def test_a_plan_leaves_alone_what_is_there_or_broken() -> None:
    made = plan(
        [
            launch("a"),
            launch("b", V2),
            launch("c", status="ERROR"),
            launch("d", V2, "TAINTED"),
            launch("e", status="PLAN_IN_PROGRESS"),
            launch("f", status="UNDER_CHANGE"),
            replace(launch("g", status="UNDER_CHANGE"), stack=""),
        ],
        V2,
    )
    assert [each.name for each in made.launches] == ["a", "d", "f"]
    assert [each.name for each in made.there] == ["b"]
    assert [(each.launch.name, each.reason) for each in made.skipped] == [
        ("c", "it is in error (no reason given); repair it"),
        ("e", "its status is PLAN_IN_PROGRESS"),
        ("g", "it is being launched, and has no stack yet"),
    ]


@pytest.mark.parametrize(
    ("number", "sizes"), [(0, []), (1, [1]), (2, [1, 1]), (3, [1, 1, 1]), (30, [1, 3, 26]), (1001, [1, 100, 900])]
)
def test_waves_are_a_canary_a_tenth_and_the_rest(number: int, sizes: list[int]) -> None:
    launches = [launch(str(each)) for each in range(number)]
    made = plan(launches, V2).waves
    assert [len(wave) for wave in made] == sizes
    assert [each for wave in made for each in wave] == launches


def test_canaries_are_chosen_by_name_or_id() -> None:
    launches = [launch(name) for name in ("a", "b", "smus-p9")]
    made = plan(launches, V2, ["pp-b", "p9"]).waves
    assert [[each.name for each in wave] for wave in made] == [["b", "smus-p9"], ["a"]]
    with pytest.raises(UnknownProject, match="'nobody'"):
        plan(launches, V2, ["nobody"])
    assert waves([], []) == ()


def test_projects_are_found_by_id_name_and_tag() -> None:
    tagged = replace(launch("x"), tags={"AmazonDataZoneProject": "p9"})
    launches = [launch("smus-p1"), launch("smus-p11"), tagged]
    assert [each.name for each in selected(launches, ["p1", "p9"])] == ["smus-p1", "x"]
    assert selected(launches, []) == launches
    with pytest.raises(UnknownProject, match="'p2'"):
        selected(launches, ["p2"])


def test_a_version_must_be_live() -> None:
    assert target_version([V1, V2], "v2.0.0") == V2
    with pytest.raises(NotDeployed, match="Run cdk deploy first"):
        target_version([V1], "v2.0.0")
    with pytest.raises(NotDeployed, match="inactive"):
        target_version([replace(V2, active=False)], "v2.0.0")


def test_a_plans_time_is_that_of_its_slowest_limit() -> None:
    assert seconds_needed([1, 1]) == 180, "an update each"
    assert round(seconds_needed([1000])) == 4592, "as fast as GitHub takes it: 784 an hour"
    assert seconds_needed([100], hourly=100) == 3600
    assert [spoken(each) for each in (1, 180, 4592, 36000)] == ["1 min", "3 min", "77 min", "10.0 h"]


# -- windows -----------------------------------------------------------------------------------------------------


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


FRIDAY = at("2026-11-27T15:00")


def shown(text: str, now: float = FRIDAY) -> list[tuple[str, str]]:
    """Return the first spans of a window in UTC."""
    found = spans(window(text), now)
    assert len(found) >= 8
    return [
        tuple(f"{datetime.fromtimestamp(each, UTC):%a %H:%M}" for each in span)  # type: ignore[misc]  # two of two
        for span in found[:2]
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Mon-Fri 08-17", [("Fri 08:00", "Fri 17:00"), ("Mon 08:00", "Mon 17:00")]),
        ("Mon-Fri 08-14", [("Mon 08:00", "Mon 14:00"), ("Tue 08:00", "Tue 14:00")]),
        ("sat,sun 0-24", [("Sat 00:00", "Sun 00:00"), ("Sun 00:00", "Mon 00:00")]),
        ("Sat-Mon 22:30-23", [("Sat 22:30", "Sat 23:00"), ("Sun 22:30", "Sun 23:00")]),
        ("08-17 Europe/Berlin", [("Fri 07:00", "Fri 16:00"), ("Sat 07:00", "Sat 16:00")]),
        ("Mon 20-24 America/New_York", [("Tue 01:00", "Tue 05:00"), ("Tue 01:00", "Tue 05:00")]),
    ],
)
def test_a_window_is_spans_of_time(text: str, first: list[tuple[str, str]]) -> None:
    assert shown(text) == first


def test_a_windows_hours_are_those_of_the_clock_on_the_wall() -> None:
    before, after = (spans(window("Sat-Sun 08-09 Europe/Berlin"), at("2026-10-24T00:00"))[number] for number in (0, 1))
    assert [datetime.fromtimestamp(each[0], UTC).hour for each in (before, after)] == [6, 7], "the clocks change"


@pytest.mark.parametrize(
    "text", ["", "whenever", "Mon-Fri", "17-08", "08-08", "Mon-Foo 08-17", "08-25", "08-17 Mars/Base", "Mon--Fri 8-9"]
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(WindowMalformed):
        window(text)


def test_the_next_opening_is_now_or_the_first_span() -> None:
    assert opens([(10, 20)], 15) == 15
    assert opens([(10, 20)], 5) == 10
    assert opens([], 5) == 5


# -- the item and the results ------------------------------------------------------------------------------------


def rollout(**more: Any) -> Rollout:
    target = Target("prod-1", "v2.0.0", "pa-2", ("ProjectId",), several_paths=True)
    wish = Wish(3, 60, approve=True, rate=200, window="08-17")
    first = Rollout("r1", "running", target, wish, planned=10, started=1000.0, runs=1, canary="wave-1")
    return replace(first, **more)


def test_an_item_says_what_a_rollout_is() -> None:
    nothing = dict.fromkeys(OUTCOMES, 0)
    assert rollout_of(new_item(rollout(), [])) == rollout(counts=nothing)
    waves = ("wave-1", "wave-2")
    assert rollout_of(new_item(rollout(waves=waves), [])) == rollout(counts=nothing, waves=waves)
    item = {**new_item(rollout(), [(1, 2)]), "Paused": {"S": "person"}, "Aborted": {"S": "yes"}, "RunBy": {"S": "arn"}}
    item |= {"FailedOnes": {"M": {"studio-p1": {"S": "It broke."}}}, COUNTERS["failed"]: {"N": "1"}}
    found = rollout_of(item)
    assert (found.paused, found.aborted, found.run_by) == ("person", True, "arn")
    assert (found.failures, found.counts["failed"], found.counted) == ({"studio-p1": "It broke."}, 1, 1)
    assert item["OpenTimes"] == {"S": "[[1, 2]]"}


def test_a_waves_item_has_what_makes_two_requests_one_update() -> None:
    assert wave_item(launch("a")) == {"launch": "pp-a", "name": "a", "stack": "stack/a", "record": "rec-a"}
    assert wave_item(replace(launch("a"), last_record=""))["record"] == "pp-a"
    assert wave_key("r1", "wave-2") == "rollouts/r1/wave-2.json"


def test_a_result_is_read_as_the_machine_wrote_it() -> None:
    text = (
        '{"launch": "pp-1", "name": "studio-p1", "result": "pull-request", "reason": "", "at": "now",'
        ' "build": {"status": "pull-request", "version": "v1", "pullRequest": "https://x/1"},'
        ' "deploy": {"status": "merged", "version": "v2", "pullRequest": "https://x/old"}}'
    )
    found = result_of(text)
    assert result_of(result_text(found)) == found
    assert (found.result, found.build.version, found.deploy.status) == ("pull-request", "v1", "merged")
    assert found.pull_requests == ["https://x/1"]


# -- what is said ------------------------------------------------------------------------------------------------


def results(**numbers: int) -> list[Result]:
    kinds = [kind.replace("_", "-") for kind, number in numbers.items() for _ in range(number)]
    return [
        Result(f"pp-{index}", f"studio-p{index}", kind, "It broke." if kind == "failed" else "", Part())  # type: ignore[arg-type]  # a kind
        for index, kind in enumerate(kinds)
    ]


def told(state: Rollout, found: list[Result], *, runs: bool = True) -> list[str]:
    return list(telling.lines(telling.rolling(state, found, runs=runs, now=1300.0), now=1300.0))


def test_a_running_rollout_is_told_with_counts_and_the_time_that_is_left() -> None:
    assert told(rollout(), results(merged=2, pull_request=1)) == [
        "Rollout of v2.0.0 (r1): running",
        "  3 of 10 projects: 2 merged, 1 pull-request; about 12 min left (until 01 Jan 00:33 UTC)",
        "next: python -m operations rollout status --wait",
    ]


def test_a_paused_rollout_is_told_with_why_and_what_to_do() -> None:
    said = told(rollout(phase="paused", paused="failures"), results(merged=1, failed=1), runs=False)
    assert said[0] == "Rollout of v2.0.0 (r1): paused: too many updates failed"
    assert "  failed: studio-p1: It broke." in said
    assert said[-3:] == [
        f"next: python -m operations rollout {verb}" for verb in ("retry", "resume", "abort")
    ]  # fmt: skip
    assert "pausing (a person paused it)" in told(rollout(paused="person"), [])[0]


def test_a_machine_that_broke_off_is_told() -> None:
    said = told(rollout(), results(merged=1), runs=False)
    assert said[0].endswith(": interrupted: its state machine stopped, or was not started")
    assert "next: python -m operations rollout resume" in said


def test_an_ended_rollout_has_nothing_left_to_do_but_the_failed() -> None:
    assert told(rollout(phase="ended"), results(merged=10))[-1] == "  10 of 10 projects: 10 merged"
    assert told(rollout(phase="ended"), results(skipped=1))[-1] == "next: python -m operations rollout retry"
    many = told(rollout(phase="ended", planned=30), results(failed=30))
    assert "  and 10 more (--json lists all)" in many


def test_an_ended_rollout_that_reached_not_everybody_is_no_success() -> None:
    """Children that could not even be started leave no result, and no failure."""
    said = told(rollout(phase="ended"), results(merged=9))
    assert said[0] == "Rollout of v2.0.0 (r1): ended, but 1 of its projects have no result"
    assert said[-1] == "next: python -m operations rollout retry"
    short = telling.rolling(rollout(phase="ended"), results(merged=9), runs=False, now=1300.0)
    assert telling.falls_short(short)
    assert not telling.falls_short({**short, "phase": "running"})
    assert not telling.falls_short(telling.rolling(rollout(phase="ended"), results(gone=10), runs=False, now=1300.0))
    options = Namespace(json=False)
    assert (
        command._ended(options, [short], False),
        command._ended(options, [{**short, "phase": "aborted"}], False),
    ) == (1, 0)


def test_what_is_tried_again_is_told() -> None:
    assert telling.tried_again(1, rollout()) == "Updating 1 project again."
    assert telling.tried_again(2, rollout()) == "Updating 2 projects again."
    assert telling.tried_again(0, rollout()) == "Updating the projects that are left."
    assert telling.tried_again(0, rollout(phase="ended")) == "No project failed or was skipped."


def test_the_time_left_is_told_only_where_it_is_known() -> None:
    assert telling.time_left(rollout(), 0, 2000.0) is None
    assert telling.time_left(rollout(), 10, 2000.0) is None
    assert telling.time_left(rollout(paused="person"), 5, 2000.0) is None
    assert telling.time_left(rollout(), 5, 2000.0) == 1000
    everything: Counter[str] = Counter(merged=10)
    assert telling.following(rollout(phase="ended"), everything, runs=False) == []


def test_a_plan_is_told_with_its_waves() -> None:
    made = plan([launch("a"), launch("b"), launch("c"), launch("d", status="ERROR")], V2)
    assert list(telling.plan_lines(made, Wish())) == [
        "Roll out v2.0.0: 3 to update, 0 already there, 1 skipped",
        "  wave 1: 1 canary (a)",
        "  wave 2: 1 project (b)",
        "  wave 3: 1 project (c)",
        "  skipped: d: it is in error (no reason given); repair it",
        "  takes about 4 min at GitHub's published limits",
        "  an update that merges starts each repository's workflows, as every push does",
        "  to see what each update would do: python -m operations plan --version v2.0.0",
    ]
    assert not any("operations plan" in line for line in telling.plan_lines(made, Wish(), foreseen=True))
    assert telling.planned(made, Wish())["counts"] == {"planned": 3, "skipped": 1, "already there": 0}
    assert list(telling.plan_lines(plan([], V2), Wish())) == [
        "Roll out v2.0.0: 0 to update, 0 already there, 0 skipped"
    ]


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), ("5s", 5)])
def test_a_soak_is_a_time(text: str, seconds: int) -> None:
    assert _seconds(text) == seconds


@pytest.mark.parametrize(
    ("read", "text"),
    [(_seconds, "soon"), (_seconds, "h"), (_seconds, "15d"), (_seconds, "1209601"),
     (_rate, "0/h"), (_rate, "10/d"), (_rate, "fast"), (_rate, "3601/h"),
     (_failures, "-1"), (_failures, "201")],
)  # fmt: skip
def test_numbers_that_mean_nothing_are_refused(read: Any, text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        read(text)


def test_a_rate_is_one_an_hour_to_one_a_second() -> None:
    assert [_rate(text) for text in ("1/h", "200/h", "3600")] == [1, 200, 3600]
    assert [_failures(text) for text in ("0", "200")] == [0, 200]


def test_what_one_project_failed_with_stays_in_its_own_line() -> None:
    """A reason names files and branches of the project's: whoever names them could write the lines of others."""
    said = {
        "version": "v2.0.0",
        "rollout": "r",
        "phase": "ended",
        "paused": "",
        "runs": False,
        "planned": 1,
        "counts": {"left": 0, "failed": 1},
        "seconds_left": None,
        "projects": [{"result": "failed", "name": "a", "reason": "No.\n  merged: b: \x1b[2K\u202e\udcff"}],
        "next": [],
    }
    found = list(telling.lines(said, now=0))
    assert found[2:] == ["  failed: a: No. merged: b: ?[2K??"]
    assert all(line.isprintable() for line in found)
