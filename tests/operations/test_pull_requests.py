"""`pull-requests` over the fleet, on the GitHub stand-in: merged is what a stack reports and what can be merged."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from custom_resources.clients.github import GitHub
from custom_resources.clients.secrets import GitHubCredentials
from operations import status_command
from operations.command_line import main
from operations.fleet.gathering import GitHubSide
from operations.fleet.graphql import GraphQL
from operations.pull_requests import NUDGED, Outcome, PullRequests, Wish, done, listed
from tests.operations.test_fleet import V2, Projects, github, projects
from tests.operations.test_status import Catalog

__all__ = ["github", "projects"]
NOW = datetime.now(UTC)


def writes(projects: Projects) -> PullRequests:
    def credentials() -> GitHubCredentials:
        return GitHubCredentials(token=projects.github.token)

    url = projects.github.api_url
    return PullRequests(url, credentials, GitHub(url, credentials))


def act(projects: Projects, verb: Any, *, yes: bool = True, now: datetime = NOW, **wish: Any) -> list[Outcome]:
    fleet = projects.look(reviews=bool(wish.get("approved")))
    return list(done(Wish(verb, **wish), fleet, writes(projects) if yes else None, now))


def told(outcomes: list[Outcome]) -> dict[str, tuple[str, str]]:
    return {each.project.name.removeprefix("studio-"): (each.result, each.reason) for each in outcomes}


def state(projects: Projects, name: str, number: int) -> tuple[str, bool]:
    found = projects.client.get(f"/repos/acme/{name}-build/pulls/{number}")
    return found["state"], found["merged"]


@pytest.fixture
def offered(projects: Projects) -> dict[str, int]:
    """Four projects with an open pull request: good, a draft's worth of conflict, one of a stranger, a good one."""
    numbers = {}
    for name in ("p1", "p2", "p3", "p4"):
        projects.add(name)
        numbers[name] = projects.offer(name, reported=name != "p3")
    projects.client.write("acme/p2-build", "README.md", "something else")
    return numbers


def test_merge_takes_only_what_can_be_merged_and_a_stack_reports(projects: Projects, offered: dict[str, int]) -> None:
    found = told(act(projects, "merge"))
    assert found == {
        "p1": ("merged", ""),
        "p2": ("skipped", "The pull request has merge conflicts, which somebody who knows the project must resolve."),
        "p3": ("skipped", "No stack reports it, so the product may not have opened it."),
        "p4": ("merged", ""),
    }
    assert [state(projects, name, number) for name, number in offered.items()] == [
        ("closed", True),
        ("open", False),
        ("open", False),
        ("closed", True),
    ]
    assert {each.name: each.state for each in projects.look().projects}["studio-p1"] == "current"
    assert told(act(projects, "merge")).keys() == {"p2", "p3"}


def test_without_yes_nothing_is_written(projects: Projects, offered: dict[str, int]) -> None:
    found = told(act(projects, "merge", yes=False))
    assert (found["p1"], found["p2"][0]) == (("would be merged", ""), "skipped")
    assert projects.requests() == ["POST /api/graphql"]


def test_approved_means_the_last_commit_by_who_may_write(projects: Projects) -> None:
    for name in ("p1", "p2", "p3", "p4"):
        projects.add(name)
        projects.offer(name)

    def review(name: str, **more: Any) -> None:
        body = {"reviews": [{"login": "dana", "state": "APPROVED", **more}]}
        projects.client.control("PUT", f"/repositories/acme/{name}-build/pulls/1", body)

    for name in ("p1", "p2"):
        review(name)
    projects.client.write("acme/p2-build", "late.txt", "x", branch=f"studio/template-{V2}")
    review("p3", writer=False)
    found = told(act(projects, "merge", approved=True))
    assert found.pop("p1") == ("merged", "")
    assert set(found.values()) == {("skipped", "Nobody with write access has approved the last commit.")}
    review("p4")
    review("p4", login="eli", state="CHANGES_REQUESTED")
    assert told(act(projects, "merge", approved=True))["p4"][0] == "skipped"


def test_what_was_pushed_after_the_look_is_not_merged(projects: Projects, offered: dict[str, int]) -> None:
    fleet = projects.look()
    projects.client.write("acme/p1-build", "late.txt", "x", branch=f"studio/template-{V2}")
    found = told(list(done(Wish("merge"), fleet, writes(projects), NOW)))
    assert found["p1"][0] == "failed"
    assert "Head branch was modified" in found["p1"][1]
    assert (state(projects, "p1", offered["p1"]), found["p4"][0]) == (("open", False), "merged")


def test_what_github_has_not_looked_at_is_left_for_the_next_run(projects: Projects, offered: dict[str, int]) -> None:
    projects.client.control("PUT", "/repositories/acme/p1-build/pulls/1", {"unjudged": 2})
    assert told(act(projects, "merge"))["p1"] == (
        "skipped",
        "GitHub is still checking whether the pull request can be merged. Run the command again.",
    )


def test_a_merge_whose_answer_was_lost_is_done(projects: Projects, offered: dict[str, int]) -> None:
    fault = {"match": {"method": "PUT", "path": "/merge"}, "fault": "reset-after"}
    projects.client.control("POST", "/faults", fault)
    assert told(act(projects, "merge"))["p1"] == ("merged", "")
    assert state(projects, "p1", offered["p1"]) == ("closed", True)


def test_where_github_asks_to_wait_the_rest_is_left(projects: Projects, offered: dict[str, int]) -> None:
    fault = {"match": {"method": "PUT", "path": "/merge"}, "fault": "secondary-limit", "seconds": 30}
    projects.client.control("POST", "/faults", fault)
    found = told(act(projects, "merge"))
    assert [found[name][0] for name in ("p1", "p2", "p3", "p4")] == ["not started", "skipped", "skipped", "not started"]
    assert "Run the command again in 30 s." in found["p4"][1]


def test_close_skips_the_version(projects: Projects, offered: dict[str, int]) -> None:
    assert told(act(projects, "close", version="v9.9.9")) == {}
    found = told(act(projects, "close", version=V2))
    assert [each[0] for each in found.values()] == ["closed", "closed", "skipped", "closed"]
    assert {each.name: each.state for each in projects.look().projects}["studio-p2"] == "declined"


def test_a_reminder_is_written_once_in_a_while(projects: Projects, offered: dict[str, int]) -> None:
    later = NOW + timedelta(days=3, hours=1)
    assert told(act(projects, "nudge", now=later))["p2"] == ("nudged", "")
    [comment] = projects.client.get(f"/repos/acme/p2-build/issues/{offered['p2']}/comments")
    assert comment["body"].startswith(f"This template update ({V2}) has been open for 3 days. Resolve its conflicts")
    assert NUDGED in comment["body"]
    assert told(act(projects, "nudge", now=later))["p2"][0] == "skipped"
    assert told(act(projects, "nudge", now=NOW + timedelta(days=8)))["p2"] == ("nudged", "")


def test_the_oldest_come_first_and_young_ones_may_be_left_out(projects: Projects, offered: dict[str, int]) -> None:
    fleet = projects.look()
    assert [pull.since for _, _, pull in listed(fleet)] == sorted(pull.since for _, _, pull in listed(fleet))
    assert len(list(listed(fleet))) == 4
    assert list(listed(fleet, timedelta(days=1))) == []


@pytest.fixture
def verb(
    projects: Projects, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, Any]]:
    """Run the verb and read its JSON."""
    catalog = Catalog(projects)

    def credentials() -> GitHubCredentials:
        return GitHubCredentials(token=projects.github.token)

    url = projects.github.api_url
    side = GitHubSide(lambda: GraphQL(url, credentials), lambda: GitHub(url, credentials), url, credentials)
    monkeypatch.setattr(status_command, "connected", lambda: (catalog, catalog))
    monkeypatch.setattr(status_command, "github_side", lambda client, settings: side)
    monkeypatch.setenv("MLOPS_VERSIONS_DIR", str(tmp_path / "versions"))
    monkeypatch.setenv("SETTINGS_FILE", str(tmp_path / "settings.toml"))
    (tmp_path / "settings.toml").write_text('[git_config]\nprivate_github_organization = "acme"\n')

    def run(*arguments: str) -> tuple[int, Any]:
        code = main(["pull-requests", *arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_the_verb_lists_and_merges(
    verb: Callable[..., tuple[int, Any]], projects: Projects, offered: dict[str, int]
) -> None:
    code, found = verb("list")
    assert (code, found["counts"]) == (0, {"open": 4})
    assert {each["project"] for each in found["pullRequests"]} == {f"studio-{name}" for name in offered}
    code, found = verb("merge", "--project", "p1")
    assert (code, found["counts"]) == (0, {"would be merged": 1})
    assert state(projects, "p1", offered["p1"]) == ("open", False)
    code, found = verb("merge", "--yes")
    assert (code, found["counts"]) == (3, {"merged": 2, "skipped": 2})
    code, found = verb("list", "--project", "studio-p2")
    assert [each["mergeable"] for each in found["pullRequests"]] == ["conflicting"]
    assert projects.github.token not in json.dumps(found)


def test_one_projects_name_does_nothing_to_anothers(
    verb: Callable[..., tuple[int, Any]], projects: Projects, offered: dict[str, int]
) -> None:
    code, _ = verb("merge", "--yes", "--project", "id-p1")
    assert code == 0
    assert [state(projects, name, offered[name]) for name in ("p1", "p4")] == [("closed", True), ("open", False)]
