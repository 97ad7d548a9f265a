"""Template updates that cannot be pushed: one pull request, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from custom_resources.clients.git import BareRepository, Refs
from custom_resources.clients.github import GitHub, PullRequest
from custom_resources.errors import RulesRefuse
from standins.github.requests_log import Entry
from tests.integration.world import Content, Edit, Project, Tree, Version, World, link, refused

FIVE = "one\ntwo\nthree\nfour\nfive\n"
V1: dict[str, Content] = {"README.md": "# Template\n", "train.py": FIVE}
MINE = FIVE.replace("two", "mine")
THEIRS = FIVE.replace("two", "theirs")


@pytest.fixture
def project(world: World) -> Project:
    return Project(world, world.publish("v1", V1)).launch()


killing = pytest.mark.handlers_only(reason="kills the function between two of its calls; make faults does, too")


def killed(*arguments: Any, **named: Any) -> Any:
    """End a run at once, as a timeout of the function does."""
    raise KeyboardInterrupt


def cut_off(monkeypatch: pytest.MonkeyPatch, method: str) -> Callable[[], None]:
    """Let a GitHub call fail as when the function is killed before it; return how to mend it."""
    monkeypatch.setattr(GitHub, method, killed)
    return monkeypatch.undo


def conflict(world: World, project: Project) -> Any:
    """Let the user and v2 change the same line; return the pull request."""
    project.commit({"train.py": MINE})
    assert project.update(world.publish("v2", {**V1, "train.py": THEIRS}))["Status"] == "pull-request"
    [pull] = project.pulls()
    return pull


def resolve(project: Project, pull: Any, edit: Edit) -> None:
    """Do what GitHub's "Resolve conflicts" does: merge the default branch into the pull request's."""
    project.pull(pull["head"]["ref"])
    project.git("merge", "--quiet", "--no-edit", "origin/main", status=(0, 1))
    project.write(edit)
    project.git("add", "--all")
    project.git("commit", "--quiet", "--no-edit")
    project.git("push", "--quiet", "origin", f"HEAD:refs/heads/{pull['head']['ref']}")


@pytest.mark.ministack(always=True)
def test_a_conflict_becomes_a_pull_request_that_says_what_to_do(world: World, project: Project) -> None:
    tip = project.commit({"train.py": MINE})
    status = project.update(world.publish("v2", {**V1, "train.py": THEIRS, "new.py": "n\n"}))
    [pull] = project.pulls()
    assert project.tip() == tip
    assert status["PullRequestUrl"] == pull["html_url"]
    assert (status["TemplateVersion"], status["CommitSha"]) == ("v1", tip)
    assert (pull["head"]["ref"], pull["base"]["ref"]) == ("studio/template-v2", "main")
    for said in (
        "**v2**",
        "adds `new.py`",
        "changes `train.py`",
        "Merge conflicts",
        "git merge origin/main",
    ):
        assert said in pull["body"]
    assert project.bare.merge(project.tip(), pull["head"]["sha"]) == ""  # GitHub shows the conflict


def asked_of_github(entries: list[Entry]) -> list[str]:
    """Name the REST requests by what they are about."""
    rest = [entry.path.partition("?")[0] for entry in entries if entry.kind == "rest"]
    return [next((word for word in ("compare", "pulls") if f"/{word}" in path), "repository") for path in rest]


@pytest.mark.parametrize("history", ["kept", "squashed"])
def test_whether_the_base_is_in_the_branch_is_asked_once(world: World, project: Project, history: str) -> None:
    project.commit({"train.py": MINE})
    if history == "squashed":
        squashed_history(project)
    v2 = world.publish("v2", {**V1, "train.py": THEIRS})
    world.requests()
    assert project.update(v2)["Status"] == "pull-request"
    assert asked_of_github(world.requests()) == ["compare", "repository", "pulls"]


CONFLICTS: dict[str, tuple[Tree, Tree, Edit]] = {
    "both changed the same line": ({"a": FIVE}, {"a": THEIRS}, {"a": MINE}),
    "both added a file": ({"x": "x\n"}, {"x": "x\n", "a": THEIRS}, {"a": MINE}),
    "the template dropped what the user changed": ({"x": "x\n", "a": FIVE}, {"x": "x\n"}, {"a": MINE}),
    "the user dropped what the template changed": ({"x": "x\n", "a": FIVE}, {"x": "x\n", "a": THEIRS}, {"a": None}),
    "both changed a binary file": ({"a": b"\0\xff1"}, {"a": b"\0\xff2"}, {"a": b"\0\xff3"}),
    "both renamed a file": ({"a": FIVE}, {"b": FIVE}, {"a": None, "c": FIVE}),
    "a file is where the user has a folder": ({"x": "x\n"}, {"x": "x\n", "d": "file\n"}, {"d/f": "mine\n"}),
    "the user renamed a folder that gets a new file": (
        {"lib/a": "a\n" * 9, "lib/b": "b\n" * 9},
        {"lib/a": "a\n" * 9, "lib/b": "b\n" * 9, "lib/c": "c\n"},
        {"lib/a": None, "lib/b": None, "core/a": "a\n" * 9, "core/b": "b\n" * 9},
    ),
    "the user's .gitattributes forbid to merge": (
        {"a": FIVE},
        {"a": FIVE.replace("five", "FIVE")},
        {"a": MINE, ".gitattributes": "a -merge\n"},
    ),
    "the user's .gitattributes two folders deep forbid to merge": (
        {"src/model/a": FIVE},
        {"src/model/a": FIVE.replace("five", "FIVE")},
        {"src/model/a": MINE, "src/model/.gitattributes": "a -merge\n"},
    ),
}


@pytest.mark.parametrize("story", CONFLICTS)
def test_the_users_side_stays_where_both_differ(world: World, story: str) -> None:
    before, after, edit = CONFLICTS[story]
    project = Project(world, world.publish("v1", before)).launch()
    project.commit(edit)
    files, tip = project.files(), project.tip()
    assert project.update(world.publish("v2", after))["Status"] == "pull-request"
    assert (project.files(), project.tip()) == (files, tip)
    assert len(project.pulls()) == 1


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
@pytest.mark.parametrize("moved_on", [False, True], ids=["at once", "after more work"])
def test_a_merged_pull_request_moves_the_base(world: World, project: Project, method: str, moved_on: bool) -> None:
    project.commit({"mine.py": "m\n"})
    project.update(world.publish("v2", {**V1, "new.py": "n\n"}), SyncMode="PullRequest")
    [pull] = project.pulls()
    if moved_on:
        project.commit({"more.py": "m\n"})
    project.merge_pull(pull["number"], method)
    project.commit({"new.py": None})  # taken out again: with the right base, that is the user's change
    assert project.update(world.publish("v3", {**V1, "new.py": "n\n", "newer.py": "n\n"}))["Status"] == "merged"
    files = project.files()
    assert "new.py" not in files
    assert {"mine.py", "newer.py"} <= files.keys()
    assert [s.split()[-1] for s in project.lineage()] == ["v3", "v2", "v1"]


@pytest.mark.ministack
@pytest.mark.parametrize("method", ["merge", "squash"])
def test_a_resolved_conflict_moves_the_base(world: World, project: Project, method: str) -> None:
    pull = conflict(world, project)
    resolve(project, pull, {"train.py": FIVE.replace("two", "both")})
    project.merge_pull(pull["number"], method)
    status = project.update(world.publish("v3", {**V1, "train.py": THEIRS.replace("five", "FIVE")}))
    assert status["Status"] == "merged"
    assert project.files()["train.py"] == FIVE.replace("two", "both").replace("five", "FIVE")


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merged_pull_request_is_recorded_and_then_there_is_nothing_to_do(
    world: World, project: Project, method: str
) -> None:
    project.update(world.publish("v2", {**V1, "new.py": "n\n"}), SyncMode="PullRequest")
    project.merge_pull(project.pulls()[0]["number"], method)
    tip = project.tip()
    status = project.update(SyncMode="Merge")
    assert (status["Status"], status["TemplateVersion"], project.tip()) == ("merged", "v2", tip)
    refs = project.refs()
    world.requests()
    assert project.update()["Status"] == "unchanged"
    asked = world.requests()
    assert len(asked) <= 2
    assert project.refs() == refs
    project.commit({"new.py": None})
    assert project.update(world.publish("v3", {**V1, "new.py": "n\n", "newer.py": "n\n"}))["Status"] == "merged"
    assert "new.py" not in project.files()
    assert not project.pulls()


def test_an_open_pull_request_does_not_move_the_base(world: World, project: Project) -> None:
    project.update(world.publish("v2", {**V1, "new.py": "n\n"}), SyncMode="PullRequest")
    assert project.update(world.publish("v3", {**V1, "new.py": "n\n", "newer.py": "n\n"}))["Status"] == "merged"
    assert project.files() == {**V1, "new.py": "n\n", "newer.py": "n\n"}
    assert [s.split()[-1] for s in project.lineage()] == ["v3", "v1"]
    assert not project.pulls()
    [old] = project.pulls("closed")
    assert old["merged_at"] is None
    assert not [ref for ref in project.refs() if "template-v2" in ref or "proposals" in ref]


def test_a_declined_pull_request_does_not_move_the_base(world: World, project: Project) -> None:
    v2 = world.publish("v2", {**V1, "new.py": "n\n"})
    project.update(v2, SyncMode="PullRequest")
    [pull] = project.pulls()
    world.rest("PATCH", f"{project.path}/pulls/{pull['number']}", state="closed")
    assert project.update(v2)["Status"] == "pull-request"  # not asked again for the version that was declined
    assert not project.pulls()
    assert project.update(world.publish("v3", {**V1, "new.py": "n\n", "newer.py": "n\n"}))["Status"] == "merged"
    assert project.files() == {**V1, "new.py": "n\n", "newer.py": "n\n"}


@pytest.mark.handlers_only(reason="the user is faster than one request")
def test_a_pull_request_that_is_closed_while_it_is_renewed_is_replaced(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica may list it as open for seconds, too; the answer to a change of it tells."""
    old = conflict(world, project)
    update = GitHub.update_pull_request

    def closed_before(self: GitHub, full_name: str, number: int, **changes: str) -> PullRequest:
        monkeypatch.undo()
        world.rest("PATCH", f"{project.path}/pulls/{number}", state="closed")
        return update(self, full_name, number, **changes)

    monkeypatch.setattr(GitHub, "update_pull_request", closed_before)
    found = project.update(world.publish("v3", {**V1, "train.py": FIVE.replace("two", "newer")}))
    [pull] = project.pulls()
    assert pull["number"] != old["number"]
    assert found["PullRequestUrl"] == pull["html_url"]
    assert pull["head"]["ref"] in {name.removeprefix("refs/heads/") for name in project.refs()}


def test_a_declined_branch_that_is_merged_by_hand_moves_the_base(world: World, project: Project) -> None:
    project.update(world.publish("v2", {**V1, "new.py": "n\n"}), SyncMode="PullRequest")
    [pull] = project.pulls()
    world.rest("PATCH", f"{project.path}/pulls/{pull['number']}", state="closed")
    project.pull()
    project.git("merge", "--quiet", "--no-edit", f"origin/{pull['head']['ref']}")
    project.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    project.commit({"new.py": None})
    assert project.update(world.publish("v3", {**V1, "new.py": "n\n", "newer.py": "n\n"}))["Status"] == "merged"
    assert project.files() == {**V1, "newer.py": "n\n"}


def test_a_merged_pull_request_that_a_forced_push_took_out_comes_again(world: World, project: Project) -> None:
    before = project.commit({"mine.py": "m\n"})
    project.update(world.publish("v2", {**V1, "new.py": "n\n"}), SyncMode="PullRequest")
    project.merge_pull(project.pulls()[0]["number"], "squash")
    project.pull()
    project.git("push", "--quiet", "--force", "origin", f"{before}:refs/heads/main")
    assert project.update(world.publish("v3", {**V1, "new.py": "n\n", "newer.py": "n\n"}))["Status"] == "merged"
    assert project.files() == {**V1, "mine.py": "m\n", "new.py": "n\n", "newer.py": "n\n"}


def test_a_pull_request_merged_into_another_branch_does_not_move_the_base(world: World, project: Project) -> None:
    project.commit({"mine.py": "m\n"})
    project.pull()
    project.git("push", "--quiet", "origin", "HEAD:refs/heads/dev")
    project.update(world.publish("v2", {**V1, "new.py": "n\n"}), SyncMode="PullRequest")
    [pull] = project.pulls()
    world.rest("PATCH", f"{project.path}/pulls/{pull['number']}", base="dev")
    project.merge_pull(pull["number"], "squash")
    assert project.update(world.publish("v3", {**V1, "new.py": "n\n", "newer.py": "n\n"}))["Status"] == "merged"
    assert project.files() == {**V1, "mine.py": "m\n", "new.py": "n\n", "newer.py": "n\n"}


def comments(world: World, project: Project, number: int) -> list[str]:
    return [said["body"] for said in world.rest("GET", f"{project.path}/issues/{number}/comments")]


@pytest.mark.ministack
def test_a_newer_version_takes_the_place_of_the_open_pull_request(world: World, project: Project) -> None:
    old = conflict(world, project)
    status = project.update(world.publish("v3", {**V1, "train.py": FIVE.replace("two", "newer")}))
    [pull] = project.pulls()
    assert pull["number"] != old["number"]
    assert (pull["title"], pull["head"]["ref"]) == ("Update the template to v3", "studio/template-v3")
    assert "**v3**" in pull["body"]
    assert status["PullRequestUrl"] == pull["html_url"]
    assert project.files(pull["head"]["sha"])["train.py"] == FIVE.replace("two", "newer")
    [closed] = project.pulls("closed")
    assert (closed["number"], closed["merged_at"]) == (old["number"], None)
    [said] = comments(world, project, old["number"])
    assert "v3" in said
    assert f"#{pull['number']}" in said
    assert [ref for ref in project.refs() if "template-v2" in ref] == []


def test_a_version_that_merges_says_on_the_pull_request_that_it_closes_which_it_is(
    world: World, project: Project
) -> None:
    old = conflict(world, project)
    project.pull()
    project.commit({"train.py": FIVE})
    assert project.update(world.publish("v3", {**V1, "new.py": "n\n"}))["Status"] == "merged"
    assert [each["number"] for each in project.pulls("closed")] == [old["number"]]
    assert comments(world, project, old["number"]) == [
        "This pull request is closed, because the default branch has the template version v3. "
        "Commits on its branch are kept."
    ]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
@pytest.mark.parametrize("mode", ["PullRequest", "Off"])
def test_the_version_that_a_merged_pull_request_brought_is_reported(
    world: World, project: Project, method: str, mode: str
) -> None:
    project.update(world.publish("v2", {**V1, "new.py": "n\n"}), SyncMode="PullRequest")
    project.merge_pull(project.pulls()[0]["number"], method)
    status = project.update(world.publish("v3", {**V1, "new.py": "newer\n"}), SyncMode=mode)
    assert status["TemplateVersion"] == "v2"
    assert project.update(SyncMode=mode)["TemplateVersion"] == "v2"


@killing
def test_a_version_that_is_offered_again_is_not_taken_for_declined(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    v2, v3 = (world.publish(name, {**V1, "new.py": f"{name}\n"}) for name in ("v2", "v3"))
    project.update(v2, SyncMode="PullRequest")
    project.update(v3, SyncMode="PullRequest")
    mend = cut_off(monkeypatch, "create_pull_request")
    with pytest.raises(KeyboardInterrupt):
        project.update(v2, SyncMode="PullRequest")
    mend()
    project.update(v2, SyncMode="PullRequest")
    [pull] = project.pulls()
    assert (pull["title"], pull["head"]["ref"]) == ("Update the template to v2", "studio/template-v2")
    world.rest("PATCH", f"{project.path}/pulls/{pull['number']}", state="closed")
    assert project.update(v2, SyncMode="PullRequest")["PullRequestUrl"] == pull["html_url"]
    assert not project.pulls()


def test_a_pull_request_that_users_worked_on_is_closed_and_its_branch_kept(world: World, project: Project) -> None:
    pull = conflict(world, project)
    project.commit({"note": "mine\n"}, branch=pull["head"]["ref"])
    worked = project.tip(pull["head"]["ref"])
    project.update(world.publish("v3", {**V1, "train.py": FIVE.replace("two", "newer")}))
    [renewed] = project.pulls()
    assert renewed["number"] != pull["number"]
    assert project.tip(pull["head"]["ref"]) == worked
    old = world.rest("GET", f"{project.path}/pulls/{pull['number']}")
    assert (old["state"], old["merged"]) == ("closed", False)
    [said] = world.rest("GET", f"{project.path}/issues/{pull['number']}/comments")
    assert "v3" in said["body"]


@pytest.mark.ministack
def test_a_rollback_withdraws_the_pull_request(world: World, project: Project) -> None:
    first = project.version
    conflict(world, project)
    tip = project.tip()
    assert project.update(first)["Status"] == "unchanged"
    assert not project.pulls()
    assert project.tip() == tip
    world.requests()
    project.update()
    assert len(world.requests()) <= 2


def test_the_same_version_again_leaves_the_pull_request_alone(world: World, project: Project) -> None:
    pull = conflict(world, project)
    refs = project.refs()
    world.requests()
    status = project.update()
    assert (status["PullRequestUrl"], status["TemplateVersion"]) == (pull["html_url"], "v1")
    asked = world.requests()
    assert len(asked) <= 2
    assert all(entry.method == "GET" for entry in asked)
    assert project.refs() == refs


def test_a_conflict_after_a_squash_keeps_the_base(world: World, project: Project) -> None:
    project.update(world.publish("v2", {**V1, "new.py": FIVE}), SyncMode="PullRequest")
    project.merge_pull(project.pulls()[0]["number"], "squash")
    project.commit({"train.py": MINE, "new.py": FIVE.replace("five", "mine")})
    project.update(world.publish("v3", {**V1, "new.py": FIVE, "train.py": THEIRS}), SyncMode="Merge")
    world.rest("PATCH", f"{project.path}/pulls/{project.pulls()[0]['number']}", state="closed")
    status = project.update(world.publish("v4", {**V1, "new.py": FIVE.replace("one", "ONE")}))
    assert status["Status"] == "merged"
    assert project.files()["new.py"] == FIVE.replace("five", "mine").replace("one", "ONE")
    assert project.files()["train.py"] == MINE


def squashed_history(project: Project) -> None:
    """Replace the default branch by one commit of the same files."""
    project.git("checkout", "--quiet", "--orphan", "clean")
    project.git("commit", "--quiet", "--message", "All in one")
    project.git("push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")


LONG = "".join(f"line {number}\n" for number in range(30))
LONG_MINE, LONG_THEIRS = LONG.replace("line 3\n", "mine\n"), LONG.replace("line 3\n", "theirs\n")

# What merging the pull request leaves of what both have: v1, the user's edit, v2, the result.
KEPT: dict[str, tuple[Tree, Edit, Tree, Tree]] = {
    "the template renames a file that both changed": (
        {"old.py": LONG},
        {"old.py": LONG_MINE},
        {"new.py": LONG_THEIRS},
        {"new.py": LONG_MINE},
    ),
    "the template renames a file to one that the user has added": (
        {"old.py": LONG, "x": "x\n"},
        {"old.py": LONG_MINE, "new.py": "mine\n"},
        {"new.py": LONG, "x": "x\n"},
        {"old.py": LONG_MINE, "new.py": "mine\n", "x": "x\n"},
    ),
    "the template makes a folder where the user has a file": (
        {"x": "x\n"},
        {"docs": "mine\n"},
        {"x": "x\n", "docs/index.md": "theirs\n"},
        {"x": "x\n", "docs": "mine\n"},
    ),
    "the template removes what the user changed": ({"a": LONG, "x": "x\n"}, {"a": LONG_MINE}, {"x": "x\n"}, {}),
    "a link of the user and a file of the template": ({"x": "x\n"}, {"a": link("x")}, {"x": "x\n", "a": LONG}, {}),
}


@pytest.mark.parametrize("story", KEPT)
def test_nothing_is_lost_by_merging_what_git_could_not_merge(world: World, story: str) -> None:
    before, edit, after, expected = KEPT[story]
    project = Project(world, world.publish("v1", before)).launch()
    project.commit(edit)
    files = project.files()
    squashed_history(project)
    project.update(world.publish("v2", after))
    [pull] = project.pulls()
    assert "Merging keeps your version" in pull["body"]
    project.merge_pull(pull["number"])
    assert project.files() == (expected or files)


def test_a_conflict_after_a_squash_brings_nothing_back(world: World, project: Project) -> None:
    v2 = {**V1, "extra.py": "e\n"}
    project.update(world.publish("v2", v2), SyncMode="PullRequest")
    project.merge_pull(project.pulls()[0]["number"], "squash")
    project.commit({"extra.py": None, "train.py": MINE})
    project.update(world.publish("v3", {**v2, "train.py": THEIRS, "new.py": "n\n"}), SyncMode="Merge")
    [pull] = project.pulls()
    assert "`train.py`" in pull["body"]
    project.merge_pull(pull["number"])
    assert project.files() == {"README.md": V1["README.md"], "train.py": MINE, "new.py": "n\n"}
    v4 = {**v2, "train.py": THEIRS.replace("five", "FIVE"), "new.py": "n\n"}
    assert project.update(world.publish("v4", v4))["Status"] == "merged"  # v3 has been taken
    assert project.files()["train.py"] == MINE.replace("five", "FIVE")


def test_what_git_asks_without_a_conflicting_file_is_asked(world: World) -> None:
    before: dict[str, Content] = {"src/a.py": LONG, "src/b.py": LONG.replace("line", "row")}
    project = Project(world, world.publish("v1", before)).launch()
    split = {"one/a.py": LONG, "two/b.py": LONG.replace("line", "row")}
    project.commit({"src/a.py": None, "src/b.py": None, **split})
    assert project.update(world.publish("v2", {**before, "src/c.py": "c\n"}))["Status"] == "pull-request"
    assert project.files() == split
    [pull] = project.pulls()
    assert "directory rename split" in pull["body"]
    project.merge_pull(pull["number"])
    assert project.files() == {**split, "src/c.py": "c\n"}


@pytest.mark.ministack
@pytest.mark.parametrize("kind", ["protection", "ruleset"])
def test_a_branch_that_takes_no_push_gets_a_pull_request(world: World, project: Project, kind: str) -> None:
    world.control("POST", "repositories/acme/p1-build/rules", {"branch": "main", "refuse_push": True, "kind": kind})
    tip = project.tip()
    status = project.update(world.publish("v2", {**V1, "new.py": "n\n"}))
    assert status["Status"] == "pull-request"
    [pull] = project.pulls()
    assert "`main` is protected" in pull["body"]
    assert project.tip() == tip
    project.merge_pull(pull["number"])
    assert project.files() == {**V1, "new.py": "n\n"}
    assert project.update()["Status"] == "merged"


def test_rules_that_leave_no_way_are_named(world: World, project: Project) -> None:
    for branch in ("main", "studio/template-v2"):
        world.control("POST", "repositories/acme/p1-build/rules", {"branch": branch})
    refs = project.refs()
    said = refused(lambda: project.update(world.publish("v2", {**V1, "new.py": "n\n"})))
    assert "Add the token's owner to the bypass list" in said
    assert RulesRefuse.__doc__
    assert project.refs() == refs


def test_a_users_branch_of_that_name_is_left_alone(world: World, project: Project) -> None:
    project.pull()
    project.git("push", "--quiet", "origin", "HEAD:refs/heads/studio/template-v2")
    theirs = project.tip("studio/template-v2")
    project.update(world.publish("v2", {**V1, "new.py": "n\n"}), SyncMode="PullRequest")
    assert project.tip("studio/template-v2") == theirs
    assert project.pulls()[0]["head"]["ref"] == "studio/template-v2-2"


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_a_version_whose_pull_request_was_replaced_can_still_arrive(
    world: World, project: Project, method: str
) -> None:
    v2, v3 = (world.publish(name, {**V1, "new.py": f"{name}\n"}) for name in ("v2", "v3"))
    for number, version in enumerate((v2, v3, v2)):
        project.update(version, SyncMode="PullRequest")
        [pull] = project.pulls()
        assert pull["head"]["ref"] == f"studio/template-{version.name}"
        if number:
            project.merge_pull(pull["number"], method)
            project.update(version, SyncMode="PullRequest")
            assert project.status["Status"] == "merged"
            assert project.files()["new.py"] == f"{version.name}\n"


def test_a_branch_below_that_name_is_left_alone(world: World, project: Project) -> None:
    project.pull()
    project.git("push", "--quiet", "origin", "HEAD:refs/heads/studio/template-v2/mine")
    project.update(world.publish("v2", {**V1, "new.py": "n\n"}), SyncMode="PullRequest")
    assert project.tip("studio/template-v2/mine") == project.tip()
    assert project.pulls()[0]["head"]["ref"] == "studio/template-v2-2"


def test_a_branch_that_leaves_no_room_is_named(world: World, project: Project) -> None:
    project.pull()
    project.git("push", "--quiet", "origin", "HEAD:refs/heads/studio")
    refs = project.refs()
    v2 = world.publish("v2", {**V1, "new.py": "n\n"})
    said = refused(lambda: project.update(v2, SyncMode="PullRequest"))
    assert "The branch studio in acme/p1-build conflicts with the name" in said
    assert project.refs() == refs
    world.rest("POST", f"{project.path}/branches/studio/rename", new_name="mine")
    assert project.update(v2, SyncMode="PullRequest")["Status"] == "pull-request"


def test_a_users_pull_request_from_our_branch_is_left_alone(world: World, project: Project) -> None:
    project.pull()
    project.git("push", "--quiet", "origin", f"{project.commit({'x': 'x'})}:refs/heads/develop")
    project.update(world.publish("v2", {**V1, "new.py": "n\n"}), SyncMode="PullRequest")
    [ours] = project.pulls()
    mine = {"title": "My test", "body": "My notes", "head": ours["head"]["ref"], "base": "develop"}
    theirs = world.rest("POST", f"{project.path}/pulls", **mine)
    project.update(world.publish("v3", {**V1, "new.py": "newer\n"}), SyncMode="PullRequest")
    found = {pull["number"]: pull for pull in project.pulls()}
    assert ours["number"] not in found
    assert sorted(pull["title"] for pull in found.values()) == ["My test", "Update the template to v3"]
    seen = found[theirs["number"]]
    assert (seen["title"], seen["body"], seen["base"]["ref"]) == ("My test", "My notes", "develop")


@pytest.mark.parametrize("version", ["the same version", "a newer version"])
def test_after_a_switch_of_the_default_branch_one_is_open(world: World, project: Project, version: str) -> None:
    pull = conflict(world, project)
    project.pull()
    project.git("push", "--quiet", "origin", "HEAD:refs/heads/trunk")
    world.rest("PATCH", project.path, default_branch="trunk")
    newer = world.publish("v3", {**V1, "train.py": FIVE.replace("two", "newer")})
    status = project.update(newer if version == "a newer version" else None)
    [renewed] = project.pulls()
    assert (renewed["base"]["ref"], renewed["html_url"]) == ("trunk", status["PullRequestUrl"])
    assert renewed["number"] != pull["number"]
    assert [old["number"] for old in project.pulls("closed")] == [pull["number"]]


def test_after_a_transfer_the_pull_request_is_still_found(world: World, project: Project) -> None:
    pull = conflict(world, project)
    world.github.store.add_account("other", "Organization")
    world.rest("POST", "/repos/acme/p1-build/transfer", new_owner="other")
    project.update(world.publish("v3", {**V1, "train.py": FIVE.replace("two", "newer")}))
    [newer] = project.pulls()
    assert newer["head"]["ref"] == "studio/template-v3"
    assert [old["number"] for old in project.pulls("closed")] == [pull["number"]]


@killing
def test_a_run_cut_off_before_the_pull_request_is_finished_by_the_next(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.commit({"train.py": MINE})
    v2 = world.publish("v2", {**V1, "train.py": THEIRS})
    mend = cut_off(monkeypatch, "create_pull_request")
    with pytest.raises(KeyboardInterrupt):
        project.update(v2)
    mend()
    assert project.update(v2)["Status"] == "pull-request"
    [pull] = project.pulls("all")
    assert pull["head"]["ref"] == "studio/template-v2"


@killing
@pytest.mark.parametrize("method", ["create_pull_request", "comment", "update_pull_request"])
def test_a_run_cut_off_while_it_takes_anothers_place_is_finished_by_the_next(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    old = conflict(world, project)
    v3 = world.publish("v3", {**V1, "train.py": FIVE.replace("two", "newer")})
    mend = cut_off(monkeypatch, method)
    with pytest.raises(KeyboardInterrupt):
        project.update(v3)
    mend()
    project.update(v3)
    require_superseded(world, project, old)


@killing
def test_a_run_cut_off_before_it_removes_the_older_branch_is_finished_by_the_next(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = conflict(world, project)
    v3 = world.publish("v3", {**V1, "train.py": FIVE.replace("two", "newer")})
    pushes, push = [0], BareRepository.push

    def second(git: BareRepository, seen: Refs, targets: Mapping[str, str]) -> None:
        pushes[0] += 1
        push(git, seen, targets) if pushes[0] == 1 else killed()

    monkeypatch.setattr(BareRepository, "push", second)
    with pytest.raises(KeyboardInterrupt):
        project.update(v3)
    monkeypatch.undo()
    project.update(v3)
    require_superseded(world, project, old)


def require_superseded(world: World, project: Project, old: Any) -> None:
    [pull] = project.pulls()
    assert (pull["title"], pull["head"]["ref"]) == ("Update the template to v3", "studio/template-v3")
    assert [each["number"] for each in project.pulls("closed")] == [old["number"]]
    assert f"#{pull['number']}" in comments(world, project, old["number"])[-1]
    assert [ref for ref in project.refs() if "template-v2" in ref] == []
    world.requests()
    project.update()
    assert [entry.method for entry in world.requests()] == ["GET", "GET"]


def test_a_version_name_with_every_allowed_character(world: World, project: Project) -> None:
    version = Version("v2.0.0-rc.1+build_5", world.publish("x", {**V1, "new.py": "n\n"}).archive)
    project.update(version, SyncMode="PullRequest")
    assert project.pulls()[0]["head"]["ref"] == "studio/template-v2.0.0-rc.1+build_5"
