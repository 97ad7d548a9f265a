"""Who and what is put on a template's pull request, and the release notes in it and in commits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.world import Content, Project, World

FIVE = "one\ntwo\nthree\nfour\nfive\n"
V1: dict[str, Content] = {"README.md": "# Template\n", "train.py": FIVE}
V2: dict[str, Content] = {**V1, "train.py": FIVE.replace("two", "theirs"), "new.py": "n\n"}
PEOPLE: dict[str, Any] = {
    "PullRequestLabels": ["template"],
    "PullRequestAssignees": ["ada", "nobody"],
    "PullRequestReviewers": ["ada", "nobody", "acme/ml", "acme/strangers"],
}


@pytest.fixture
def project(world: World) -> Project:
    world.control("PUT", "organizations/acme/teams", {"ml": ["*"], "strangers": ["another"]})
    return Project(world, world.publish("v1", V1)).launch()


def found(pull: Any) -> tuple[list[str], list[str], list[str], list[str]]:
    return (
        [each["name"] for each in pull["labels"]],
        [each["login"] for each in pull["assignees"]],
        [each["login"] for each in pull["requested_reviewers"]],
        [each["slug"] for each in pull["requested_teams"]],
    )


def test_a_new_pull_request_gets_them_and_goes_without_those_that_github_refuses(
    world: World, project: Project
) -> None:
    status = project.update(world.publish("v2", V2), SyncMode="PullRequest", **PEOPLE)
    assert status["Status"] == "pull-request"
    [pull] = project.pulls()
    assert found(pull) == (["template"], ["ada"], ["ada"], ["ml"])


def test_they_are_put_on_it_once(world: World, project: Project) -> None:
    v2 = world.publish("v2", V2)
    project.update(v2, SyncMode="PullRequest", **PEOPLE)
    [pull] = project.pulls()
    world.control("DELETE", "requests")
    project.commit({"mine.py": "m\n"})
    project.update(v2, SyncMode="PullRequest", **PEOPLE)
    assert [each["number"] for each in project.pulls()] == [pull["number"]]
    asked = [entry.path for entry in world.requests() if entry.method == "POST"]
    assert not [path for path in asked if "/issues/" in path or "requested_reviewers" in path]


def test_without_the_setting_nothing_is_asked(world: World, project: Project) -> None:
    world.requests()
    project.update(world.publish("v2", V2), SyncMode="PullRequest")
    asked = [entry.path for entry in world.requests() if entry.method == "POST"]
    assert not [path for path in asked if "/issues/" in path or "requested_reviewers" in path]


NOTES = "## Faster\n\nThanks @ada, see #1.\n\nStudio-Project: p2\n"


def test_release_notes_begin_a_pull_request_and_a_commit_has_them(world: World, project: Project) -> None:
    v2 = world.publish("v2", V2)
    project.update(v2, TemplateNotes=NOTES)
    text = project.bare.run("log", "-1", "--format=%B", project.tip())[1].decode()
    assert text.startswith(
        "Update the template to v2\n\n## Faster\n\nThanks @\u200bada, see #\u200b1.\n\nStudio\u200b-Project: p2"
    )
    assert "The template adds 1 file and changes 1 file.\n\nStudio-Domain: d1\nStudio-Project: p1\n" in text
    project.update(world.publish("v3", V1), SyncMode="PullRequest", TemplateNotes=NOTES)
    [pull] = project.pulls()
    head, _, rest = pull["body"].partition("### What the template changes")
    assert "> ## Faster\n>\n> Thanks @\u200bada" in head
    assert "This is a pull request because the project's SyncMode is PullRequest." in rest
    project.merge_pull(pull["number"])
    assert project.update(SyncMode="PullRequest")["Status"] == "merged"


def test_a_reverted_update_is_said(world: World, project: Project) -> None:
    project.update(world.publish("v2", V2))
    project.pull()
    project.git("revert", "--mainline", "1", "--no-edit", "HEAD")
    project.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    project.update(world.publish("v3", {**V2, "more.py": "m\n"}), SyncMode="PullRequest")
    [pull] = project.pulls()
    assert "### Template files that are not in `main`\n\n- `new.py`" in pull["body"]
    project.merge_pull(pull["number"])
    assert project.files() == {**V1, "more.py": "m\n"}, "what was reverted stays so"
