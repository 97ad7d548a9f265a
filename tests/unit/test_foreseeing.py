"""What an update would do, as it is answered: its remarks, its texts and their limits. No server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from custom_resources import foreseeing
from custom_resources.clients.git import Refs
from custom_resources.clients.github import Repository
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.clients.service_catalog import LaunchedStack
from custom_resources.clients.stacks import DescribedStack, StackResource
from custom_resources.delivery.plans import Push, ThatCommit
from custom_resources.delivery.state import Place
from custom_resources.errors import (
    FinalError,
    InvalidTemplate,
    LaunchBusy,
    LaunchNotOurs,
    NotARequest,
    NothingForeseen,
    RateLimited,
    RetryLater,
)
from custom_resources.foreseeing import MOST_LISTED, _Look, _named, _shown, _with_folder, foreseen
from custom_resources.rate_budget import Cost
from custom_resources.telemetry import conceal
from custom_resources.version_template import VersionTemplate
from tests.seals import SEAL

NO_RESOURCE: Any = None
ASKED = {"Launch": "pp-1", "Version": "pa-1"}


class Budget:
    """Notes who was told to wait."""

    def __init__(self) -> None:
        self.paused: list[float] = []

    def pause(self, seconds: float, **_: bool) -> None:
        self.paused.append(seconds)


def answered(monkeypatch: pytest.MonkeyPatch, error: Exception, budget: Budget) -> dict[str, Any]:
    """Ask while the look ends with an error."""

    def fails(self: _Look, asked: object) -> Any:
        raise error

    monkeypatch.setattr(_Look, "answer", fails)
    return foreseen(ASKED, NO_RESOURCE, cast("Any", SimpleNamespace(budget=budget)), RequestLimit())


# -- the answer ---------------------------------------------------------------------------------------------------


def test_a_wait_is_told_with_its_reason_and_github_s_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget()
    wait = RateLimited(30, "GitHub\nsays:  no\x1b")
    assert answered(monkeypatch, wait, budget) == {"Wait": 30, "Why": "GitHub says: no?"}
    assert budget.paused == [30]
    assert answered(monkeypatch, RetryLater(5, "AWS is busy."), budget) == {"Wait": 5, "Why": "AWS is busy."}
    assert budget.paused == [30], "of AWS nobody else is told"


def test_a_problem_is_said_in_the_answer_and_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    conceal("canary-of-a-problem")
    problem = FinalError("It holds canary-of-a-problem.")
    assert answered(monkeypatch, problem, Budget()) == {"Problem": "It holds (hidden)."}
    assert "not foreseen" in [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    "question",
    [
        {},
        None,
        "pp-1",
        {"Launch": "pp-1"},
        {"Version": "pa-1"},
        {**ASKED, "Stack": "s"},
        {**ASKED, "Launch": "pp-1\n"},
        {**ASKED, "Launch": "pp-"},
        {**ASKED, "Version": "pa-A"},
        {**ASKED, "Version": f"pa-{'a' * 61}"},
        {**ASKED, "Launch": "xpp-1"},
    ],
)
def test_only_a_launch_and_a_version_are_asked_about(question: Any) -> None:
    with pytest.raises(NotARequest):
        foreseen(question, NO_RESOURCE, cast("Any", None), RequestLimit())


# -- the launch ---------------------------------------------------------------------------------------------------


def launch(monkeypatch: pytest.MonkeyPatch, found: LaunchedStack | None) -> LaunchedStack:
    monkeypatch.setattr(foreseeing, "our_products", lambda clients: ("prod-1",))
    catalog = SimpleNamespace(launched_stack=lambda launch_id: found if launch_id == "pp-1" else None)
    return _Look(NO_RESOURCE, cast("Any", SimpleNamespace(service_catalog=catalog)))._launch("pp-1")


@pytest.mark.parametrize("status", ["AVAILABLE", "TAINTED"])
def test_a_launch_that_can_be_updated(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    found = LaunchedStack("prod-1", "arn:stack", status)
    assert launch(monkeypatch, found) == found


@pytest.mark.parametrize("found", [None, LaunchedStack("prod-2", "arn:stack", "AVAILABLE")])
def test_a_launch_that_is_not_ours_is_named(monkeypatch: pytest.MonkeyPatch, found: LaunchedStack | None) -> None:
    with pytest.raises(LaunchNotOurs) as refused:
        launch(monkeypatch, found)
    assert refused.value.holes == {"launch": "pp-1"}


@pytest.mark.parametrize(
    ("stack", "status"), [("", "AVAILABLE"), ("arn:stack", "ERROR"), ("arn:stack", "UNDER_CHANGE")]
)
def test_a_launch_that_cannot_be_updated_is_named_with_its_status(
    monkeypatch: pytest.MonkeyPatch, stack: str, status: str
) -> None:
    with pytest.raises(LaunchBusy) as refused:
        launch(monkeypatch, LaunchedStack("prod-1", stack, status))
    assert refused.value.holes == {"launch": "pp-1", "status": status}


# -- remarks ------------------------------------------------------------------------------------------------------

PLACE = Place(cast("Any", None), "acme/build", "trunk", Refs("trunk", {}), SEAL, Refs("trunk", {}))


def remarks(action: Any, found: Repository | None, *, protected: bool = True) -> list[str]:
    asked: list[Any] = []

    def is_protected(full_name: str, branch: str) -> bool:
        assert (full_name, branch) == ("acme/build", "trunk")
        return protected

    def by_id(identifier: int, full_name: str) -> Repository | None:
        asked.append((identifier, full_name))
        return found

    github = SimpleNamespace(repository_by_id=by_id, is_protected=is_protected)
    look = _Look(NO_RESOURCE, cast("Any", SimpleNamespace(github=github)))
    plan = Push(action, "merged", PLACE, "v2", ThatCommit("tip"), {})
    request: Any = SimpleNamespace(properties=SimpleNamespace(repository_id=7))
    told = list(look._remarks(plan, request))
    assert asked == ([] if action == "record" else [(7, "acme/build")])
    return told


def repository(*, archived: bool = False) -> Repository:
    return Repository(7, "acme/build", "https://g/acme/build", "", "trunk", "", archived, True, "private")


RULES = "`trunk` is protected. If its rules block the push, the update opens a pull request."
ARCHIVED = "The repository is archived on GitHub."


def test_a_push_may_be_blocked_by_rules_or_by_an_archive() -> None:
    assert remarks("push", repository()) == [RULES]
    assert remarks("push", repository(), protected=False) == []
    assert remarks("push", repository(archived=True)) == [ARCHIVED, RULES]
    assert remarks("seed", repository(archived=True)) == [ARCHIVED], "an empty repository has no rules yet"
    assert remarks("push", None) == []


def test_of_what_pushes_nothing_github_is_not_asked() -> None:
    assert remarks("record", repository(archived=True)) == []


# -- what is known of the stack -----------------------------------------------------------------------------------


def test_repositories_are_known_by_their_id_and_the_address_that_the_stack_puts_out() -> None:
    resources = {
        "Build": StackResource("Custom::GitHubRepository", "7:adopted", "UPDATE_COMPLETE"),
        "Deploy": StackResource("Custom::GitHubRepository", "8", "UPDATE_COMPLETE"),
        "Role": StackResource("AWS::IAM::Role", "role", "UPDATE_COMPLETE"),
    }
    template = {"Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Build", "HtmlUrl"]}}}}
    assert _named(template, {"Url": "https://github.com/acme/build/"}, resources) == {
        ("Build", "RepositoryId"): "7",
        ("Build", "FullName"): "acme/build",
        ("Deploy", "RepositoryId"): "8",
        ("Deploy", "FullName"): "",
    }


@pytest.mark.parametrize(
    ("properties", "known", "folder"),
    [
        ({"ProfileFolder": "given", "ProfileName": "Named"}, "Known", "given"),
        ({"ProfileName": "Named", "ProfileFolders": {"Named": "mapped"}}, "Known", "mapped"),
        ({"ProfileName": "", "ProfileFolders": {"Known": "mapped"}}, "Known", "mapped"),
        ({"ProfileName": "Named"}, "Known", "named"),
        ({}, "Known", "known"),
        ({}, "", ""),
    ],
)
def test_the_folder_is_the_one_that_the_project_would_report(
    properties: dict[str, Any], known: str, folder: str
) -> None:
    document = {"Resources": {"P": {"Type": "Custom::StudioProject", "Properties": properties}}}
    attributes = {("P", "ProfileName"): known, ("Other", "Url"): "u"}
    side = _with_folder(VersionTemplate(document, {"A": "1"}, attributes))
    assert side == VersionTemplate(document, {"A": "1"}, {**attributes, ("P", "ProfileFolder"): folder})


# -- one repository -----------------------------------------------------------------------------------------------

NEW = {"Part": "model_build", "Repository": "acme/build", "TemplateVersion": "v2"}


def one_repository(
    monkeypatch: pytest.MonkeyPatch, old: dict[str, str], new: dict[str, str], physical_id: str | None, outcome: Any
) -> tuple[dict[str, Any], list[Any]]:
    """Return what is answered of the resource T, and the events that were planned."""
    planned: list[Any] = []

    def plan(self: _Look, event: Any) -> Any:
        planned.append(event)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(_Look, "_planned", plan)
    monkeypatch.setattr("custom_resources.foreseeing.time.time", lambda: 1000.0)
    old_side, new_side = (
        VersionTemplate({"Resources": {"T": {"Type": "T", "Properties": each}}}, {}, {}) for each in (old, new)
    )
    sides = foreseeing._Sides(old_side, new_side)
    resources = {} if physical_id is None else {"T": StackResource("T", physical_id, "UPDATE_COMPLETE")}
    stack = DescribedStack("arn:stack", "UPDATE_COMPLETE", "", {}, {})
    return _Look(NO_RESOURCE, cast("Any", None))._repository("T", sides, stack, resources), planned


def test_an_update_is_planned_as_cloudformation_would_send_it(monkeypatch: pytest.MonkeyPatch) -> None:
    old = {**NEW, "TemplateVersion": "v1"}
    answer, (event,) = one_repository(monkeypatch, old, NEW, "7", {"action": "push", "remarks": ["r"]})
    assert answer == {"part": "build", "repository": "acme/build", "action": "push", "remarks": ["r"]}
    assert event == {
        "RequestType": "Update",
        "ResourceProperties": NEW,
        "OldResourceProperties": old,
        "PhysicalResourceId": "7",
        "StackId": "arn:stack",
        "LogicalResourceId": "T",
        "Operation": {"Started": 1000.0},
    }


def test_what_does_not_change_is_not_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, planned = one_repository(monkeypatch, NEW, NEW, "7", {})
    nothing = _shown({"action": "nothing", "status": "unchanged"})
    assert answer == {"part": "build", "repository": "acme/build", **nothing, "remarks": []}
    assert planned == []


@pytest.mark.parametrize("physical_id", [None, ""])
def test_a_repository_that_would_be_created_cannot_be_shown(
    monkeypatch: pytest.MonkeyPatch, physical_id: str | None
) -> None:
    answer, planned = one_repository(monkeypatch, {}, {"TemplateVersion": "v2"}, physical_id, {})
    failed = _shown({"action": "fail", "status": "failed", "reason": str(NothingForeseen())})
    assert answer == {"part": "T", "repository": "", **failed, "remarks": []}
    assert planned == []


def test_what_the_update_would_fail_with_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, _ = one_repository(monkeypatch, {}, NEW, "7", FinalError("It is gone."))
    failed = _shown({"action": "fail", "status": "failed", "reason": "It is gone."})
    assert answer == {"part": "build", "repository": "acme/build", **failed, "remarks": []}


# -- the whole look -----------------------------------------------------------------------------------------------


class Archive:
    """Archives that have one profile, which must be closed again."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.open_ones = 0

    @contextmanager
    def open(self, name: str) -> Iterator[Any]:
        self.open_ones += 1
        try:
            yield SimpleNamespace(require_profile=lambda profile: self._require(name, profile))
        finally:
            self.open_ones -= 1

    def _require(self, name: str, profile: str) -> None:
        self.asked.append((name, profile))
        if profile != "regression":
            raise InvalidTemplate(f"The template has no profile {profile!r}.")


def document_of(version: str, profile: str) -> dict[str, Any]:
    project = {"TemplateArchive": f"{version}.zip", "ProfileName": profile}
    build = {"Part": "model_build", "Repository": "acme/build", "TemplateVersion": version}
    return {
        "Parameters": {"TriggerPipelineExecution": {"Type": "String", "Default": "true"}},
        "Resources": {
            "P": {"Type": "Custom::StudioProject", "Properties": project},
            "T": {"Type": "Custom::RepositoryTemplate", "Properties": build},
            "D": {"Type": "Custom::RepositoryTemplate", "Properties": {"Part": "model_deploy"}},
        },
    }


def look(monkeypatch: pytest.MonkeyPatch, profile: str, trigger: str = "true") -> tuple[dict[str, Any], list[Any]]:
    """Look at the update of launch pp-1 from v1 to pa-1, v2; return the answer and what was asked for, by whom."""
    asked: list[Any] = []
    archives = Archive()

    def answer(of: str, found: Any) -> Any:
        def told(*given: Any) -> Any:
            asked.append((of, *given))
            return found

        return told

    stack = DescribedStack("arn:aws:cloudformation:us-east-1:1:stack/s/1", "UPDATE_COMPLETE", "", {}, {})
    clients = SimpleNamespace(
        service_catalog=SimpleNamespace(
            launched_stack=answer("launch", LaunchedStack("prod-1", "stack-name", "AVAILABLE")),
            version_template=answer("version", ("v2", "https://bucket/v2.json")),
        ),
        version_templates=SimpleNamespace(read=answer("template", document_of("v2", profile))),
        stack_facts=SimpleNamespace(
            described=answer("stack", replace(stack, parameters={"TriggerPipelineExecution": trigger})),
            resources=answer("resources", {"T": StackResource("Custom::RepositoryTemplate", "7", "UPDATE_COMPLETE")}),
            template=answer("current template", document_of("v1", "Regression")),
        ),
        archives=archives,
    )
    monkeypatch.setattr(foreseeing, "our_products", lambda clients: ("prod-1",))
    monkeypatch.setattr(
        _Look, "_planned", lambda self, event: {"action": "push", "version": event["LogicalResourceId"]}
    )
    found = foreseen(ASKED, NO_RESOURCE, cast("Any", clients), RequestLimit())
    assert archives.open_ones == 0
    return found, [*asked, *archives.asked]


@pytest.mark.parametrize("trigger", ["true", "false"])
def test_a_look_names_the_version_and_what_becomes_of_each_repository(
    monkeypatch: pytest.MonkeyPatch, trigger: str
) -> None:
    answer, asked = look(monkeypatch, "Regression", trigger)
    unchanged = {"repository": "", **_shown({"action": "nothing", "status": "unchanged"}), "remarks": []}
    assert answer == {
        "Launch": "pp-1",
        "Version": "v2",
        "RunsPipelines": trigger == "true",
        "Repositories": {
            "build": {"repository": "acme/build", "action": "push", "version": "T"},
            "deploy": unchanged,
        },
    }
    arn = "arn:aws:cloudformation:us-east-1:1:stack/s/1"
    assert asked == [
        ("launch", "pp-1"),
        ("version", "prod-1", "pa-1"),
        ("template", "v2", "https://bucket/v2.json"),
        ("stack", "stack-name"),
        ("resources", arn),
        ("current template", arn),
        ("v2.zip", "regression"),
    ]


def test_a_version_without_the_launchs_profile_is_refused_as_its_update_would_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer, asked = look(monkeypatch, "Churn")
    assert answer == {"Problem": "The template has no profile 'churn'."}
    assert asked[-1] == ("v2.zip", "churn")


# -- what is shown ------------------------------------------------------------------------------------------------


def test_effects_are_cut_and_counted() -> None:
    many = [f"{number}.py" for number in range(MOST_LISTED + 1)]
    shown = _shown({"action": "push", "status": "merged", "added": many, "changed": ["a" * 201, "b\x1b"]})
    assert (shown["action"], shown["status"], shown["reason"]) == ("push", "merged", "")
    assert shown["added"] == many[:50]
    assert shown["changed"] == ["a" * 200, "b?"]
    assert (shown["deleted"], shown["conflicts"], shown["ignored"]) == ([], [], [])
    assert shown["counts"] == {"added": 51, "changed": 2, "deleted": 0, "conflicts": 0, "ignored": 0}


def test_what_has_no_effect_is_shown_with_nothing() -> None:
    shown = _shown({})
    assert (shown["action"], shown["status"], shown["reason"]) == ("", "", "")
    assert set(shown) == {
        "action", "status", "reason", "added", "changed", "deleted", "conflicts", "ignored", "counts"
    }  # fmt: skip
    assert _shown({"reason": "A  pull\nrequest."})["reason"] == "A pull request."


def test_a_look_at_a_repository_pays_for_six_requests_and_creates_nothing() -> None:
    """As many as one may take: tests/integration/test_foreseeing.py counts them."""
    assert Cost(points=6) == foreseeing.READS
