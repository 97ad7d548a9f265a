"""Why an environment has no reviewers, as its owner reads it."""

from __future__ import annotations

from typing import cast

import pytest

from custom_resources.clients.protocols import GitHub
from custom_resources.errors import EnvironmentRulesRefused
from custom_resources.progress import Progress
from custom_resources.repository_environments import Missing, _why, create, missing


class Hub:
    """Knows a repository, and notes that it was asked."""

    asked = 0

    def find_repository(self, full_name: str) -> object:
        self.asked += 1
        return type("Found", (), {"owner": full_name.partition("/")[0], "in_user_account": full_name[:3] == "ada"})()


@pytest.mark.parametrize(
    ("message", "kind", "said", "asked"),
    [
        ("Upgrade your Plan", "Team", "Upgrade your Plan", 0),
        ("No such reviewer", "User", "No such reviewer", 0),
        ("No such reviewer", "Team", "ada is a user account, which has no teams", 1),
    ],
)
def test_a_user_account_has_no_teams_unless_github_speaks_of_its_plan(
    message: str, kind: str, said: str, asked: int
) -> None:
    hub = Hub()
    refused = EnvironmentRulesRefused(environment="production", repository="ada/x", activity="a", message=message)
    assert _why(refused, [(kind, 7)], "ada/x", cast("GitHub", hub)) == said
    assert hub.asked == asked


def test_in_an_organization_githubs_words_stay() -> None:
    refused = EnvironmentRulesRefused(environment="production", repository="acme/x", activity="a", message="No")
    assert _why(refused, [("Team", 7)], "acme/x", cast("GitHub", Hub())) == "No"


class Environments:
    """Creates environments, until one is refused."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.made: list[tuple[str, str, tuple[tuple[str, int], ...]]] = []

    def create_environment(
        self, full_name: str, name: str, branch: str, reviewers: tuple[tuple[str, int], ...]
    ) -> None:
        assert full_name == "acme/x"
        if name == self.refused:
            raise EnvironmentRulesRefused(environment=name, repository=full_name, activity="a", message="No rules")
        self.made.append((name, branch, tuple(reviewers)))


class Noting(Progress):
    """Notes in which order steps were noted."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[tuple[str, str, str]] = []

    def note(self, kind: str, name: str, told: str = "") -> None:
        self.noted.append((kind, name, told))
        super().note(kind, name, told)


def created(hub: Environments) -> tuple[str, list[tuple[str, str, str]]]:
    """Create `test` and `production`, beside ones that are there; return what is told and what is noted."""
    missing = Missing(
        ("test", "production"), {"dev": False, "qa": True}, "trunk", {"production": (("Team", 7),)}, {"early": "made"}
    )
    progress = Noting()
    return create(missing, "acme/x", cast("GitHub", hub), progress), progress.noted


KEPT = "dev: was there, and is kept as it is (jobs on any branch can use it); qa: was there, and is kept as it is"


def test_each_environment_is_noted_before_and_after_and_told() -> None:
    hub = Environments()
    told, noted = created(hub)
    assert told == f"{KEPT}; early: made; test: for trunk only; production: for trunk only, after a review"
    assert hub.made == [("test", "trunk", ()), ("production", "trunk", (("Team", 7),))]
    assert noted == [
        ("environment begun", "test", ""),
        ("environment", "test", "for trunk only"),
        ("environment begun", "production", ""),
        ("environment", "production", "for trunk only, after a review"),
    ]


def test_a_plan_without_rules_is_told_of_all_that_are_left() -> None:
    hub = Environments(refused="test")
    told, noted = created(hub)
    left = "test, production: not protected, jobs on any branch can use them (No rules)"
    assert told == f"{KEPT}; early: made; {left}"
    assert (hub.made, noted) == ([], [("environment begun", "test", "")])


# -- which are missing -------------------------------------------------------------------------------------------------

REVIEWERS = {"production": ["team:7", "user:8"], "test": []}
REVIEWED = {"production": (("Team", 7), ("User", 8)), "test": ()}


def test_nothing_is_missing_where_nothing_is_wanted() -> None:
    progress = Progress({"environment test": "made"})
    assert missing([], {"test": True}, "trunk", REVIEWERS, progress) == Missing()


def test_what_is_there_is_kept_in_its_own_spelling_and_the_rest_is_missing() -> None:
    there = {"test": True, "qa": False, "others": True}
    found = missing(["Test", "production", "QA", "dev"], there, "trunk", REVIEWERS, Progress())
    assert found == Missing(("production", "dev"), {"Test": True, "QA": False}, "trunk", REVIEWED)


def test_an_earlier_calls_environment_is_gone_on_with_where_it_was_begun_and_told_where_it_was_made() -> None:
    begun = {f"environment begun {name}": "" for name in ("test", "production", "former")}
    progress = Progress({**begun, "environment test": "for trunk only", "environment former": "made"})
    there = {"test": True, "production": False, "dev": True}
    found = missing(["test", "production", "dev"], there, "trunk", {}, progress)
    assert found == Missing(("production",), {"dev": True}, "trunk", {}, {"test": "for trunk only"})
