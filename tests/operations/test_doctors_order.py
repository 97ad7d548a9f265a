"""Doctor's order and words: one cause is one line, a fix is a command, what is not known is not in order."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custom_resources.errors import AwsThrottled, BudgetMissing, Problem, SecretUnreadable
from custom_resources.template_content import TemplateFile, build_archive
from operations.doctor.check import AGAIN, Check, State, diagnose, summary
from operations.doctor.deployment import Deployment
from operations.doctor.launching import LaunchingChecks
from products.settings import Settings, load_settings
from products.versions import Version
from tests.operations.test_doctor import NOW, Session

CALLER = "arn:aws:sts::111122223333:assumed-role/Platform/ada"


def told(run: Any) -> list[Check]:
    ready = ("AWS account", lambda: iter([Check("AWS account", "ok", "")]))
    return list(diagnose([], [ready, ("x", run)], False))[1:]


# -- the words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "given", "fix"),
    [
        ("problem", "npx aws-cdk@2 deploy FoundationStack", "npx aws-cdk@2 deploy FoundationStack"),
        ("problem", "aws iam list-roles  # as an owner", "aws iam list-roles  # as an owner"),
        ("risk", 'Set [product] visibility = "private".', f'{AGAIN}  # first: Set [product] visibility = "private"'),
        ("problem", "", AGAIN),
        ("ok", "", ""),
        ("unknown", "", ""),
    ],
)
def test_a_fix_is_a_command(state: State, given: str, fix: str) -> None:
    found = Check("x", state, "y", given).fix
    assert found == fix
    shlex.split(found, comments=True)


@pytest.mark.parametrize(
    "error",
    [
        SecretUnreadable(secret="token", why="it does not exist"),
        AwsThrottled(9, service="IAM", activity="reading", code="Throttling"),
    ],
)
def test_an_error_brings_its_own_remedy(error: Problem) -> None:
    def run() -> Iterator[Check]:
        yield from ()
        raise error

    [check] = told(run)
    assert (check.state, check.detail) == ("problem", error.why)
    assert check.fix.startswith(AGAIN)
    assert "put that right" not in check.fix.lower()
    assert (error.advice.rstrip(".") if isinstance(error, SecretUnreadable) else "in 9 s") in check.fix


@pytest.mark.parametrize(
    ("states", "line"),
    [
        (["ok", "ok"], "Everything is in order."),
        (["ok", "problem", "unknown"], "1 of 3 checks found a problem."),
        (["ok", "unknown"], "No check of 2 found a problem; 1 could not be completed [??]."),
        (["risk", "unknown"], "No check of 2 found a problem; 1 found a risk [! ], 1 could not be completed [??]."),
    ],
)
def test_the_last_line(states: list[State], line: str) -> None:
    assert summary([Check("x", state, "") for state in states]) == line


# -- one cause ---------------------------------------------------------------------------------------------------------


def test_a_cause_is_told_once() -> None:
    def run() -> Iterator[Check]:
        yield from ()
        raise BudgetMissing(table="t")

    ready = ("AWS account", lambda: iter([Check("AWS account", "ok", "")]))
    other = ("z", lambda: iter([Check("z", "problem", "of its own")]))
    found = list(diagnose([("a", run)], [ready, ("b", run), other], False))
    assert [check.name for check in found] == ["AWS account", "a", "z"]


def stacks(session: Session, **statuses: str) -> None:
    """Answer about stacks, in the order in which they are asked about: "" there is none."""
    for name, status in statuses.items():
        if status == "denied":
            session.refuses("cloudformation", "describe_stacks", "AccessDenied")
        elif status:
            found = {"StackName": name, "CreationTime": NOW, "StackStatus": status}
            session.answers("cloudformation", "describe_stacks", {"Stacks": [found]}, StackName=name)
        else:
            session.refuses("cloudformation", "describe_stacks", "ValidationError", f"{name} does not exist")


def deployment(studio: bool = False, **statuses: str) -> Deployment:
    session = Session()
    stacks(session, **statuses)
    settings = load_settings()
    if studio:
        settings = settings.model_copy(update={"studio": settings.studio.model_copy(update={"domain_id": "dzd_1"})})
    return Deployment(session, settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("foundation", "portfolio", "said", "fix"),
    [
        ("", "", "nothing is deployed here yet", "FoundationStack PortfolioStack"),
        ("ROLLBACK_COMPLETE", "", "nothing is deployed here yet", "FoundationStack PortfolioStack"),
        ("CREATE_COMPLETE", "", "PortfolioStack is not deployed yet", "PortfolioStack"),
        ("", "UPDATE_COMPLETE", "FoundationStack is missing, and PortfolioStack exists: launches, updates and deletion",
         "FoundationStack"),
        ("UPDATE_COMPLETE", "UPDATE_ROLLBACK_FAILED", "PortfolioStack has the status UPDATE_ROLLBACK_FAILED",
         "PortfolioStack"),
    ],
)  # fmt: skip
def test_what_is_not_deployed(foundation: str, portfolio: str, said: str, fix: str) -> None:
    [check] = deployment(FoundationStack=foundation, PortfolioStack=portfolio).check()
    assert check.state == "problem"
    assert said in check.detail
    assert check.fix == f"npx aws-cdk@2 deploy {fix}"


def test_what_is_deployed() -> None:
    complete = dict.fromkeys(("FoundationStack", "PortfolioStack", "StudioStack"), "UPDATE_COMPLETE")
    [check] = deployment(studio=True, **complete).check()
    assert (check.state, check.detail) == ("ok", "FoundationStack, PortfolioStack, StudioStack")


def test_checks_of_a_stack_that_is_not_deployed_are_left_out() -> None:
    def run() -> Iterator[Check]:
        yield Check("x", "problem", "of that stack")

    found = deployment(FoundationStack="", PortfolioStack="CREATE_COMPLETE")
    checks = found.where_deployed([("Functions", run), ("Versions", run), ("Connection", run)])
    assert [(name, len(list(look()))) for name, look in checks] == [
        ("Functions", 0),
        ("Versions", 1),
        ("Connection", 1),
    ]


def test_a_stack_that_may_not_be_read_is_taken_to_be_there() -> None:
    found = deployment(FoundationStack="denied", PortfolioStack="denied")
    assert [check.state for check in found.check()] == ["ok"]


# -- the caller, and the profiles --------------------------------------------------------------------------------------


def launching(session: Session, settings: Settings, place: Path, *published: str) -> dict[str, Any]:
    versions = [
        Version(version=name, archive=f"{'0' * 64}.zip", source="s", created="2026-11-24T00:00:00Z")
        for name in published
    ]
    return dict(LaunchingChecks(session, settings, versions, place).all())  # type: ignore[arg-type]


def launches(session: Session, settings: Settings, paths: bool, *others: str) -> None:
    stack = {"StackName": "PortfolioStack", "CreationTime": NOW, "StackStatus": "CREATE_COMPLETE"}
    described = {"Stacks": [{**stack, "Outputs": [{"OutputKey": "ProductId", "OutputValue": "prod-2"}]}]}
    session.answers("cloudformation", "describe_stacks", described)
    session.answers("sts", "get_caller_identity", {"Arn": CALLER})
    if paths:
        found = {"LaunchPathSummaries": [{"Id": "lpv2-1", "Name": "portfolio"}]}
        session.answers("servicecatalog", "list_launch_paths", found, ProductId="prod-2")
    else:
        message = "No launch paths found for resource: prod-2"
        session.refuses("servicecatalog", "list_launch_paths", "ResourceNotFoundException", message)
    views = [{"ProductViewSummary": {"ProductId": id_, "Name": settings.product.name}} for id_ in ("prod-2", *others)]
    session.answers("servicecatalog", "search_products_as_admin", {"ProductViewDetails": views})


@pytest.mark.parametrize("paths", [True, False])
def test_whether_the_caller_may_roll_out(paths: bool, tmp_path: Path) -> None:
    session, settings = Session(), load_settings()
    launches(session, settings, paths)
    [check] = told(launching(session, settings, tmp_path)["Launch path"])
    assert check.state == ("ok" if paths else "risk")
    assert CALLER in check.detail
    if not paths:
        assert "[portfolio] principals" in check.detail
        assert check.fix == "npx aws-cdk@2 deploy PortfolioStack"


def test_another_product_of_the_same_name_is_a_risk_with_its_id(tmp_path: Path) -> None:
    session, settings = Session(), load_settings()
    launches(session, settings, True, "prod-1")
    first, second = told(launching(session, settings, tmp_path)["Launch path"])
    assert (first.state, second.state) == ("ok", "risk")
    assert "prod-1 has the same name as prod-2" in second.detail
    assert "SearchQuery=productId:prod-1" in second.fix


def published(place: Path, *profiles: str) -> Path:
    parts = [(profile, part) for profile in profiles for part in ("model_build", "model_deploy")]
    data = build_archive(TemplateFile(f"{profile}/{part}/README.md", b"x") for profile, part in parts)
    (place / "v1.1.0").mkdir()
    (place / "v1.1.0" / "archive.zip").write_bytes(data)
    return place


@pytest.mark.parametrize(
    ("folders", "state", "said"),
    [
        ({"Forecasts": "regression"}, "ok", "regression"),
        (
            {"Forecasts": "forecasting"},
            "problem",
            "v1.1.0 does not have the folder 'forecasting' (of the profile 'Forecasts')",
        ),
    ],
)
def test_the_folders_of_profiles_are_published(tmp_path: Path, folders: dict[str, str], state: str, said: str) -> None:
    settings = load_settings().model_copy(update={"profile_folders": folders})
    checks = launching(Session(), settings, published(tmp_path, "regression"), "v1.0.0", "v1.1.0")
    [check] = told(checks["Profile folders"])
    assert check.state == state
    assert said in check.detail
    assert (check.fix == "") is (state == "ok")


def test_a_version_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    settings = load_settings().model_copy(update={"profile_folders": {"A": "a"}})
    [check] = told(launching(Session(), settings, tmp_path, "v1.1.0")["Profile folders"])
    assert (check.state, check.fix) == ("problem", "git checkout -- products/versions")


def test_without_profile_folders_there_is_nothing_to_compare(tmp_path: Path) -> None:
    settings = load_settings().model_copy(update={"profile_folders": {}})
    assert told(launching(Session(), settings, tmp_path, "v1.1.0")["Profile folders"]) == []
