"""The plan of a rollout: the function is asked about a few launches at once, waits are honoured, all is told."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from custom_resources.clients.service_catalog import Launch, ProductVersion
from custom_resources.errors import AwsDenied, AwsThrottled
from operations.errors import FoundationMissing, NotForeseen
from operations.foresee import AT_ONCE, PATIENCE_SECONDS, Foreseen, asking, foresee
from operations.plan_command import Planned, as_document, counts, lines
from operations.rollout.planning import Skipped
from products.settings import Settings

V2 = ProductVersion("pa-2", "v2.0.0")
Answers = Callable[[str], Mapping[str, Any]]


def launch(name: str) -> Launch:
    return Launch(f"pp-{name}", name, "pa-1", "v1.0.0", "AVAILABLE")


def repository(action: str, status: str = "", reason: str = "", **more: Any) -> dict[str, Any]:
    none: Sequence[str] = ()
    found = {"action": action, "status": status, "reason": reason, "repository": "acme/one", "remarks": []}
    kinds = ("added", "changed", "deleted", "conflicts", "ignored")
    paths = {kind: list(more.pop(kind, none)) for kind in kinds}
    return {**found, **paths, "counts": {kind: len(each) for kind, each in paths.items()}, **more}


MERGE = repository("push", "merged", added=["new.py"], changed=["a.py", "b.py"], ignored=["mine.py"])
SAME = repository("nothing", "unchanged")
CONFLICT = repository("propose", "pull-request", "both changed the same places", conflicts=["train.py", "run.sh"])


def answer(build: dict[str, Any], deploy: dict[str, Any] = SAME, *, pipelines: bool = False) -> dict[str, Any]:
    return {"Repositories": {"build": build, "deploy": deploy}, "RunsPipelines": pipelines, "Version": "v2.0.0"}


class Stop(threading.Event):
    """Notes the waits, and waits for none."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0)
        return self.is_set()


def asked(names: Sequence[str], answers: Answers, **options: Any) -> list[Foreseen]:
    def ask(launch_id: str, version_id: str) -> Mapping[str, Any]:
        assert version_id == V2.id
        return answers(launch_id.removeprefix("pp-"))

    return foresee([launch(name) for name in names], V2, ask, **options)


# -- what is asked -----------------------------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_launches_and_a_few_are_asked_about_at_once() -> None:
    lock, running, most = threading.Lock(), set[str](), [0]

    def slow(name: str) -> Mapping[str, Any]:
        with lock:
            running.add(name)
            most[0] = max(most[0], len(running))
        time.sleep(0.02)
        with lock:
            running.discard(name)
        return answer(MERGE)

    names = [f"p{n}" for n in range(20)]
    told: list[str] = []
    found = asked(names, slow, tell=lambda each: told.append(each.launch.name))
    assert [each.launch.name for each in found] == names
    assert sorted(told) == sorted(names)
    assert most == [AT_ONCE]


def test_a_wait_is_as_long_as_the_function_says_and_then_it_is_asked_again() -> None:
    answers = iter([{"Wait": 40.0, "Why": "GitHub's limit."}, {"Wait": 0.2, "Why": "again"}, answer(SAME)])
    stop, said = Stop(), list[tuple[float, str]]()
    [found] = asked(
        ["one"], lambda _: next(answers), stop=stop, waiting=lambda _, seconds, why: said.append((seconds, why))
    )
    assert found.result == "unchanged"
    assert stop.waited == [40.0, 1.0]
    assert said == [(40.0, "GitHub's limit."), (1.0, "again")]


def test_aws_limits_are_waited_for_as_well() -> None:
    answers = iter([AwsThrottled(9, service="Lambda", activity="asking", code="TooManyRequestsException")])

    def ask(_: str) -> Mapping[str, Any]:
        for throttled in answers:
            raise throttled
        return answer(SAME)

    stop = Stop()
    [found] = asked(["one"], ask, stop=stop)
    assert (found.result, stop.waited) == ("unchanged", [9])


def test_patience_ends() -> None:
    stop = Stop()
    [found] = asked(["one"], lambda _: {"Wait": 3000.0, "Why": "GitHub's hourly limit."}, stop=stop)
    assert found.result == "unknown"
    assert "stopped waiting after 120 minutes: GitHub's hourly limit." in found.problem
    assert sum(stop.waited) <= PATIENCE_SECONDS


def test_a_launch_whose_looks_take_long_is_given_up_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project can make git slow in its repository: each look takes the function's whole time, then asks for more."""
    clock, looks = [0.0], [0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def slow(_: str) -> Mapping[str, Any]:
        clock[0], looks[0] = clock[0] + 585, looks[0] + 1
        return {"Wait": 5.0, "Why": "git check-ignore took longer than 240 seconds."}

    class Passing(Stop):
        def wait(self, timeout: float | None = None) -> bool:
            clock[0] += timeout or 0
            return super().wait(timeout)

    [found] = asked(["a"], slow, stop=Passing())
    assert found.result == "unknown"
    assert clock[0] <= PATIENCE_SECONDS + 600
    assert looks[0] == 13


def test_what_one_launch_is_refused_for_stops_no_other() -> None:
    def ask(name: str) -> Mapping[str, Any]:
        if name == "broken":
            raise NotForeseen(launch=name, message="Task timed out")
        return {"Problem": "It has the status ERROR."} if name == "busy" else answer(MERGE)

    found = asked(["broken", "busy", "well"], ask)
    assert [each.result for each in found] == ["unknown", "unknown", "merge"]
    assert "Task timed out" in found[0].problem
    assert found[1].problem == "It has the status ERROR."


def test_a_right_that_is_missing_is_said_once_and_nobody_goes_on_waiting() -> None:
    def ask(name: str) -> Mapping[str, Any]:
        if name == "p0":
            time.sleep(0.05)
            raise AwsDenied(service="Lambda", activity="asking", message="no", permission="lambda:InvokeFunction")
        return {"Wait": 600.0, "Why": "limit"}

    started = time.monotonic()
    with pytest.raises(AwsDenied, match="lambda:InvokeFunction"):
        asked([f"p{n}" for n in range(10)], ask)
    assert time.monotonic() - started < 10


# -- the function's answer ---------------------------------------------------------------------------------------------


class Lambda:
    def __init__(self, payload: bytes, error: str = "") -> None:
        self.payload, self.error, self.invoked = payload, error, list[tuple[str, Any]]()

    def client(self, service: str, **_: Any) -> Any:
        assert service == "lambda"
        return self

    def invoke(self, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803
        self.invoked.append((FunctionName, json.loads(Payload)))
        return {"Payload": io.BytesIO(self.payload), **({"FunctionError": self.error} if self.error else {})}


def test_the_function_is_told_two_ids_and_nothing_else() -> None:
    function = Lambda(json.dumps(answer(MERGE)).encode())
    ask = asking(function, Settings(prefix="ours"))  # type: ignore[arg-type]
    assert ask("pp-1", "pa-2")["RunsPipelines"] is False
    assert function.invoked == [("ours-repository-template", {"Foresee": {"Launch": "pp-1", "Version": "pa-2"}})]


def test_a_function_of_an_older_release_is_named_as_the_cause() -> None:
    function = Lambda(b'{"errorMessage": "The event is not a request. Invoke it.", "errorType": "X"}', "Unhandled")
    with pytest.raises(NotForeseen, match=r"The event is not a request.*Deploy FoundationStack"):
        asking(function, Settings())("pp-1", "pa-2")  # type: ignore[arg-type]


# -- what is told ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "deploy", "result"),
    [
        (MERGE, SAME, "merge"),
        (repository("seed", "seeded"), SAME, "merge"),
        (MERGE, CONFLICT, "pull-request"),
        (repository("nothing", "pull-request"), MERGE, "pull-request"),
        (repository("record", "merged"), SAME, "unchanged"),
        (repository("nothing", "off"), repository("nothing", "off"), "off"),
        (MERGE, repository("fail", "failed", "gone"), "failed"),
        (repository("surprise", "new"), SAME, "unknown"),
    ],
)
def test_the_word_for_a_project(build: dict[str, Any], deploy: dict[str, Any], result: str) -> None:
    [found] = asked(["one"], lambda _: answer(build, deploy))
    assert found.result == result


@pytest.mark.parametrize(
    ("build", "pipelines", "starts"),
    [(MERGE, True, True), (MERGE, False, False), (SAME, True, False), (CONFLICT, True, False)],
)
def test_a_pipeline_starts_where_a_branch_is_merged_and_the_project_wants_it(
    build: dict[str, Any], pipelines: bool, starts: bool
) -> None:
    [found] = asked(["one"], lambda _: answer(build, pipelines=pipelines))
    assert found.starts_pipelines is starts


def several() -> Planned:
    told = {
        "merges": answer(MERGE, pipelines=True),
        "conflicts": answer(CONFLICT, repository("push", "merged", remarks=["`main` is protected."])),
        "same": answer(SAME),
        "off": answer(repository("nothing", "off"), repository("nothing", "off")),
        "gone": {"Problem": "The provisioned product pp-gone has the status ERROR."},
    }
    left = (Skipped(launch("tainted"), "it is in error (no reason given); repair it"),)
    return Planned("v2.0.0", tuple(asked(list(told), told.__getitem__)), left, 2)


def test_everything_is_counted() -> None:
    assert counts(several()) == {
        "failed": 0,
        "unknown": 1,
        "pull-request": 1,
        "merge": 1,
        "off": 1,
        "unchanged": 1,
        "conflicts": 1,
        "pipelines": 1,
        "skipped": 1,
        "already there": 2,
    }


def test_the_plan_as_text_fits_80_columns() -> None:
    text = lines(several(), 80)
    assert max(map(len, text)) <= 80
    whole = " ".join(" ".join(text).split())
    for said in (
        "merges v1.0.0 merge unchanged build: files: 1 added, 2 changed",
        "conflicts v1.0.0 pull-request merge build: conflict in train.py, run.sh build: because both changed the same",
        "deploy: `main` is protected.",
        "build: kept from the template by .studio-template-ignore: mine.py",
        "gone v1.0.0 unknown unknown The provisioned product pp-gone has the status ERROR.",
        "tainted is skipped: it is in error",
        "1 projects would start their pipelines.",
    ):
        assert said in whole


def test_the_plan_as_a_document() -> None:
    document = json.loads(json.dumps(as_document(several())))
    assert [each["result"] for each in document["projects"]] == ["merge", "pull-request", "unchanged", "off", "unknown"]
    build = document["projects"][1]["repositories"][0]
    assert (build["part"], build["conflicts"]) == ("build", ["train.py", "run.sh"])
    assert document["skipped"][0]["name"] == "tainted"


def test_no_projects_names_rewrite_the_plan_of_another() -> None:
    """A's file names and what was answered about A stay text in A's lines, whatever the function lets through."""
    name = "a\x1b[2J\x1b]0;x\x07\udcff\u202e\nb  v1.0.0  merge.py"
    hostile = repository("propose", "pull-request", f"of {name}", conflicts=[name], ignored=[name])
    found = asked(["a", "b"], lambda each: answer(hostile if each == "a" else MERGE))
    for columns in (0, 80):
        text = lines(Planned("v2.0.0", tuple(found), (), 0), columns)
        assert all(line.isprintable() for line in text)
        "\n".join(text).encode()
        assert [line.split()[:1] for line in text if line[:1].strip()][:3] == [["PROJECT"], ["a"], ["b"]]


def test_no_launch_is_said_so() -> None:
    assert lines(Planned("v2.0.0", (), (), 0), 80) == ["No project is launched yet."]


def test_a_foundation_that_was_destroyed_is_said_once() -> None:
    from botocore.exceptions import ClientError

    class Gone(Lambda):
        def invoke(self, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803
            raise ClientError(
                {"Error": {"Code": "ResourceNotFoundException", "Message": "Function not found"}}, "Invoke"
            )

    ask = asking(Gone(b""), Settings(prefix="ours"))  # type: ignore[arg-type]
    with pytest.raises(
        FoundationMissing, match=r"The function ours-repository-template does not exist.*deploy FoundationStack"
    ):
        foresee([launch("one"), launch("two")], V2, ask)
