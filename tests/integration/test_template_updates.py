"""How a new template version gets into a repository beside the user's work: merges that are pushed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from standins.github.messages import Request, Response
from tests.integration.world import Content, Edit, Project, Tree, World, executable, link

FIVE = "one\ntwo\nthree\nfour\nfive\n"
V1: dict[str, Content] = {
    "README.md": "# Template\n",
    "train.py": FIVE,
    "run.sh": executable("#!/bin/sh\necho run\n"),
    ".github/workflows/build.yml": "on: push\n",
}


@pytest.fixture
def project(world: World) -> Project:
    return Project(world, world.publish("v1.0.0", V1)).launch()


@pytest.mark.ministack(always=True)
def test_a_launch_delivers_the_template_byte_for_byte(project: Project) -> None:
    assert project.files() == V1
    assert project.status["Status"] == "seeded"
    assert project.status["CommitSha"] == project.tip() == project.refs()["refs/studio/template"]
    assert project.state.default_branch == "main"


def test_commits_are_by_the_robot_that_later_versions_know_them_by(world: World, project: Project) -> None:
    """Repositories hold it for good: another name, and what was delivered before is not known for ours."""
    project.commit({"mine.py": "mine\n"})
    project.update(world.publish("v1.1.0", {**V1, "new.py": "n\n"}))
    robot = "Studio project template <studio-project-template@users.noreply.github.com>"
    for revision in ("main", "refs/studio/template"):
        assert project.bare.text("show", "--no-patch", "--format=%cn <%ce>", revision).strip() == robot


@pytest.mark.ministack(always=True)
def test_a_clean_merge_is_pushed_with_the_users_tip_and_the_lineage_as_parents(world: World, project: Project) -> None:
    tip = project.commit({"train.py": FIVE.replace("two", "TWO"), "mine.py": "mine\n"})
    status = project.update(world.publish("v1.1.0", {**V1, "train.py": FIVE.replace("five", "FIVE")}))
    assert status["Status"] == "merged"
    assert status["TemplateVersion"] == "v1.1.0"
    assert project.files() == {**V1, "train.py": "one\nTWO\nthree\nfour\nFIVE\n", "mine.py": "mine\n"}
    assert project.parents() == [tip, project.refs()["refs/studio/template"]]
    assert status["CommitSha"] == project.tip()
    assert project.lineage() == [f"Template regression/model_build {v}" for v in ("v1.1.0", "v1.0.0")]
    assert not project.pulls("all")


# What a merge makes of both sides: name -> (old template, new template, the user's edit, what must come out of it)
MERGES: dict[str, tuple[Tree, Tree, Edit, Mapping[str, Content]]] = {
    "a file that the template drops goes where the user has not changed it": (
        {"a": "a\n", "b": "b\n"}, {"b": "b\n"}, {"mine": "m\n"}, {"b": "b\n", "mine": "m\n"},
    ),
    "a file that the user deleted stays deleted": (
        {"a": "a\n", "b": "b\n"}, {"a": "a\n", "b": "B\n"}, {"a": None}, {"b": "B\n"},
    ),
    "a file that the template renames takes the user's edit along": (
        {"old.py": FIVE}, {"src/new.py": FIVE}, {"old.py": FIVE.replace("two", "TWO")},
        {"src/new.py": FIVE.replace("two", "TWO")},
    ),
    "a file that the user renamed takes the template's change": (
        {"old.py": FIVE}, {"old.py": FIVE.replace("two", "TWO")}, {"old.py": None, "mine.py": FIVE},
        {"mine.py": FIVE.replace("two", "TWO")},
    ),
    "a file that the user renamed and edited takes the template's change": (
        {"old.py": FIVE * 3}, {"old.py": FIVE * 3 + "six\n"}, {"old.py": None, "lib/mine.py": "zero\n" + FIVE * 3},
        {"lib/mine.py": "zero\n" + FIVE * 3 + "six\n"},
    ),
    "a file becomes executable": (
        {"run": "x\n" * 5}, {"run": executable("x\n" * 5)}, {"run": "x\n" * 5 + "mine\n"},
        {"run": executable("x\n" * 5 + "mine\n")},
    ),
    "the user's executable bit stays": (
        {"run": "x\n" * 5}, {"run": "x\n" * 5 + "new\n"}, {"run": executable("x\n" * 5)},
        {"run": executable("x\n" * 5 + "new\n")},
    ),
    "a binary file of the template changes": (
        {"m.bin": b"\x00\xff1"}, {"m.bin": b"\x00\xff2"}, {"mine.bin": b"\x00\xfe"},
        {"m.bin": b"\x00\xff2", "mine.bin": b"\x00\xfe"},
    ),
    "line ends stay as they are": (
        {"w.txt": FIVE.replace("\n", "\r\n")}, {"w.txt": FIVE.replace("five", "FIVE").replace("\n", "\r\n")},
        {"w.txt": FIVE.replace("one", "ONE").replace("\n", "\r\n")},
        {"w.txt": FIVE.replace("one", "ONE").replace("five", "FIVE").replace("\n", "\r\n")},
    ),
    "the user's .gitattributes decide how files merge": (
        {"log.txt": "a\n"}, {"log.txt": "a\ntemplate\n"},
        {"log.txt": "a\nuser\n", ".gitattributes": "*.txt merge=union\n"},
        {"log.txt": "a\nuser\ntemplate\n", ".gitattributes": "*.txt merge=union\n"},
    ),
    "a folder's own .gitattributes count": (
        {"d/log.txt": "a\n"}, {"d/log.txt": "a\ntemplate\n"},
        {"d/log.txt": "a\nuser\n", "d/.gitattributes": "log.txt merge=union\n"},
        {"d/log.txt": "a\nuser\ntemplate\n", "d/.gitattributes": "log.txt merge=union\n"},
    ),
    "the same file added by both": (
        {"a": "a\n"}, {"a": "a\n", "b": "same\n"}, {"b": "same\n"}, {"a": "a\n", "b": "same\n"},
    ),
    "the user's links and folders stay": (
        {"a": "a\n"}, {"a": "b\n"}, {"to": link("a"), "deep/er/x": "x\n"},
        {"a": "b\n", "to": link("a"), "deep/er/x": "x\n"},
    ),
    "names that need quoting": (
        {'q"uote é\t.txt'.replace("\t", " "): "a\n"}, {'q"uote é .txt': "b\n", "日本.txt": "x\n"}, {"tab\there": "t\n"},
        {'q"uote é .txt': "b\n", "日本.txt": "x\n", "tab\there": "t\n"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", MERGES)
def test_git_decides_what_a_merge_makes(world: World, story: str) -> None:
    before, after, edit, expected = MERGES[story]
    project = Project(world, world.publish("v1", before)).launch()
    project.commit(edit)
    assert project.update(world.publish("v2", after))["Status"] == "merged"
    assert project.files() == expected


def test_the_same_version_again_writes_nothing_and_asks_at_most_twice(world: World, project: Project) -> None:
    project.update(world.publish("v2", {**V1, "new": "n\n"}))
    project.commit({"mine": "m\n"})
    refs = project.refs()
    world.requests()
    status = project.update()
    asked = world.requests()
    assert len(asked) <= 2
    assert all(entry.method == "GET" for entry in asked)
    assert (status["Status"], status["CommitSha"]) == ("unchanged", project.tip())
    assert project.refs() == refs


def test_a_version_with_the_same_files_moves_the_record_only(world: World, project: Project) -> None:
    tip = project.commit({"mine": "m\n"})
    status = project.update(world.publish("v2", V1))
    assert (status["Status"], status["TemplateVersion"], project.tip()) == ("unchanged", "v2", tip)
    [record] = [ref for ref in project.refs() if ref.startswith("refs/studio/delivered/")]
    assert record.startswith("refs/studio/delivered/v2/")
    world.requests()
    project.update()
    assert len(world.requests()) <= 2
    assert project.update(world.publish("v3", {**V1, "new": "n\n"}))["Status"] == "merged"
    assert [s.split()[-1] for s in project.lineage()] == ["v3", "v1.0.0"]


@pytest.mark.ministack
def test_a_rollback_merges_the_older_tree_forward(world: World, project: Project) -> None:
    first = project.version
    project.commit({"mine": "m\n"})
    project.update(world.publish("v2", {**V1, "train.py": FIVE.replace("two", "TWO"), "new": "n\n"}))
    project.commit({"train.py": FIVE.replace("two", "TWO").replace("five", "my five")})
    before = project.tip()
    assert project.update(first)["Status"] == "merged"
    assert project.files() == {**V1, "mine": "m\n", "train.py": FIVE.replace("five", "my five")}
    assert project.parents()[0] == before  # forward, no forced push
    assert [subject.split()[-1] for subject in project.lineage()] == ["v1.0.0", "v2", "v1.0.0"]
    assert project.update(world.publish("v3", {**V1, "train.py": FIVE.replace("one", "ONE")}))["Status"] == "merged"
    assert project.files()["train.py"] == FIVE.replace("five", "my five").replace("one", "ONE")


def test_the_default_branch_may_have_another_name(world: World) -> None:
    world.rest("POST", "/orgs/acme/repos", name="p1-build", private=True)
    project = Project(world, world.publish("v1", V1), settings={"AdoptExisting": "true"})
    world.rest("PATCH", "/repos/acme/p1-build", default_branch="trunk")
    project.deliver()
    assert project.files(project.state.default_branch) == V1


def test_a_renamed_default_branch_is_followed(world: World, project: Project) -> None:
    project.commit({"mine": "m\n"})
    world.rest("POST", "/repos/acme/p1-build/branches/main/rename", new_name="trunk")
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "merged"
    assert project.files("refs/heads/trunk") == {**V1, "mine": "m\n", "new": "n\n"}
    assert "refs/heads/main" not in project.refs()


@pytest.mark.ministack
def test_a_renamed_repository_is_followed(world: World, project: Project) -> None:
    world.rest("PATCH", "/repos/acme/p1-build", name="renamed")
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "merged"
    assert project.files()["new"] == "n\n"


def test_a_transferred_repository_is_followed(world: World, project: Project) -> None:
    world.github.store.add_account("other", "Organization")
    world.rest("POST", "/repos/acme/p1-build/transfer", new_owner="other")
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "merged"
    assert project.state.full_name == "other/p1-build"
    assert project.files()["new"] == "n\n"


def test_a_repository_that_took_the_former_name_is_left_alone(world: World, project: Project) -> None:
    world.rest("PATCH", "/repos/acme/p1-build", name="renamed")
    world.rest("POST", "/orgs/acme/repos", name="p1-build", auto_init=True)
    main = "/repos/acme/p1-build/git/ref/heads/main"
    before = world.rest("GET", main)
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "merged"
    assert project.files()["new"] == "n\n"
    assert world.rest("GET", main) == before
    stranger = world.github.store.by_name("acme", "p1-build")
    assert stranger is not None
    assert not stranger.secrets


@pytest.mark.ministack
@pytest.mark.parametrize("moment", [("GET", "/info/refs"), ("POST", "/git-receive-pack")], ids=["before", "within"])
def test_who_pushes_while_we_merge_comes_first(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch, moment: tuple[str, str]
) -> None:
    """A user is faster than our push: before it reads the refs, and between that and its end."""
    respond = world.github.respond
    pushes: list[str] = []

    def interrupted(request: Request) -> tuple[Response, str]:
        ours = (request.method, request.path.partition(".git")[2]) == moment and "receive-pack" in request.target
        if ours and not busy and len(pushes) < 2:
            busy.append(True)
            pushes.append(project.commit({f"late-{len(pushes)}": "late\n"}))
            busy.clear()
        return respond(request)

    busy: list[bool] = []
    monkeypatch.setattr(world.github, "respond", interrupted)
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "merged"
    assert len(pushes) == 2
    assert project.files() == {**V1, "new": "n\n", "late-0": "late\n", "late-1": "late\n"}
    assert project.parents() == [pushes[-1], project.refs()["refs/studio/template"]]
    assert [s.split()[-1] for s in project.lineage()] == ["v2", "v1.0.0"]


@pytest.mark.ministack
def test_an_update_leaves_what_its_owners_archived_and_says_so(world: World, project: Project) -> None:
    world.rest("PATCH", "/repos/acme/p1-build", archived=True)
    before = project.refs()
    v2 = world.publish("v2", {**V1, "new": "n\n"})
    status = project.update(v2)
    assert (status["Status"], status["TemplateVersion"]) == ("archived", "v1.0.0")
    assert (project.state.archived, project.refs()) == (True, before)
    world.rest("PATCH", "/repos/acme/p1-build", archived=False)
    assert project.update(v2)["Status"] == "merged"
    assert project.files()["new"] == "n\n"


def test_off_leaves_the_repository_alone(world: World, project: Project) -> None:
    refs = project.refs()
    status = project.update(world.publish("v2", {**V1, "new": "n\n"}), SyncMode="Off")
    assert (status["Status"], status["TemplateVersion"]) == ("off", "v1.0.0")
    assert project.refs() == refs
    assert project.update(SyncMode="Merge")["Status"] == "merged"


# -- the base is what is really in the default branch ---------------------------------------------------------------


def test_what_a_forced_push_took_out_comes_again(world: World, project: Project) -> None:
    before = project.commit({"mine": "m\n"})
    project.update(world.publish("v2", {**V1, "new": "n\n"}))
    project.pull()
    project.git("push", "--quiet", "--force", "origin", f"{before}:refs/heads/main")
    assert project.update(world.publish("v3", {**V1, "new": "n\n", "newer": "n\n"}))["Status"] == "merged"
    assert project.files() == {**V1, "mine": "m\n", "new": "n\n", "newer": "n\n"}
    assert [s.split()[-1] for s in project.lineage()] == ["v3", "v1.0.0"]


def test_what_is_in_the_branch_without_its_commit_is_not_delivered_again(world: World, project: Project) -> None:
    seed = project.tip()
    project.update(world.publish("v2", {**V1, "new": "n\n", "other": "o\n"}))
    project.commit({"new": None})
    project.git("reset", "--quiet", "--soft", seed)
    project.git("commit", "--quiet", "--message", "All since the start in one")
    project.git("push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")
    tip = project.tip()
    v3 = world.publish("v3", {**V1, "new": "n\n", "other": "o\n", "newer": "n\n"})
    assert project.update(v3)["Status"] == "pull-request"
    assert project.tip() == tip


def test_a_rewritten_history_gets_a_pull_request(world: World, project: Project) -> None:
    project.commit({"mine": "m\n"})
    project.git("checkout", "--quiet", "--orphan", "clean")
    project.git("commit", "--quiet", "--message", "All in one")
    project.git("push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")
    tip = project.tip()
    status = project.update(world.publish("v2", {**V1, "new": "n\n"}))
    assert (status["Status"], project.tip()) == ("pull-request", tip)
    [pull] = project.pulls()
    assert project.files(pull["head"]["sha"]) == {**V1, "mine": "m\n", "new": "n\n"}
    project.merge_pull(pull["number"])
    assert project.update(world.publish("v3", {**V1, "newer": "n\n"}))["Status"] == "merged"
    assert project.files() == {**V1, "mine": "m\n", "newer": "n\n"}


def delete_records(project: Project) -> None:
    """Do what a user does who mirrors a repository or cleans its refs up."""
    for ref in project.refs():
        if ref.startswith("refs/studio/"):
            project.git("push", "--quiet", "origin", f":{ref}")


def push_twice(world: World, project: Project) -> None:
    project.update(world.publish("v2", {**V1, "new": "n\n"}))


def by_pull_request(method: str) -> Callable[[World, Project], None]:
    def deliver(world: World, project: Project) -> None:
        project.update(world.publish("v2", {**V1, "new": "n\n"}), SyncMode="PullRequest")
        project.commit({"between": "b\n"})
        project.merge_pull(project.pulls()[0]["number"], method)

    return deliver


@pytest.mark.ministack
@pytest.mark.parametrize("deliver", [push_twice, by_pull_request("merge")], ids=["push", "pull request"])
def test_a_deleted_record_is_recovered_from_the_history(
    world: World, project: Project, deliver: Callable[[World, Project], None]
) -> None:
    project.commit({"mine": "m\n"})
    deliver(world, project)
    project.commit({"new": None, "later": "l\n"})
    delete_records(project)
    assert project.update(world.publish("v3", {**V1, "new": "n\n", "newer": "n\n"}))["Status"] == "merged"
    files = project.files()
    assert "new" not in files  # the user's deletion of v2's file is known as one: the base is v2
    assert {"mine", "later", "newer"} <= files.keys()
    assert project.refs()["refs/studio/template"] in project.parents()


@pytest.mark.parametrize("method", ["squash", "rebase"])
def test_a_deleted_record_is_never_guessed(world: World, project: Project, method: str) -> None:
    by_pull_request(method)(world, project)
    delete_records(project)
    tip = project.tip()
    assert project.update(world.publish("v3", {**V1, "new": "n\n", "newer": "n\n"}))["Status"] == "pull-request"
    assert project.tip() == tip
    [pull] = project.pulls()
    assert "does not show which template version it contains" in pull["body"]
    assert project.files(pull["head"]["sha"])["newer"] == "n\n"


def assert_what_was_removed_is_not_pushed_again(world: World, project: Project) -> None:
    project.commit({"new": None})
    delete_records(project)
    tip = project.tip()
    v3 = world.publish("v3", {**V1, "new": "n\n", "newer": "n\n"})
    assert project.update(v3, SyncMode="Merge")["Status"] == "pull-request"
    assert project.tip() == tip


def test_a_deleted_record_is_not_guessed_from_what_github_made_of_several_commits(
    world: World, project: Project
) -> None:
    project.update(world.publish("v2", {**V1, "new": "n\n"}), SyncMode="PullRequest")
    [pull] = project.pulls()
    project.commit({"note": "n\n"}, branch=pull["head"]["ref"])
    project.merge_pull(pull["number"], "squash")
    assert "---------\n\nCo-authored-by: Studio project template" in project.bare.text("log", "-1", "--format=%B")
    assert_what_was_removed_is_not_pushed_again(world, project)


def test_a_deleted_record_is_not_guessed_where_the_last_delivery_left_no_trace(world: World, project: Project) -> None:
    project.update(world.publish("v2", {**V1, "new": "n\n"}), SyncMode="PullRequest")
    number = project.pulls()[0]["number"]
    merged = {"merge_method": "squash", "commit_title": "Update", "commit_message": "By hand"}
    world.rest("PUT", f"{project.path}/pulls/{number}/merge", **merged)
    assert_what_was_removed_is_not_pushed_again(world, project)


@pytest.mark.parametrize("records", ["kept", "deleted"])
def test_a_rewritten_file_of_the_template_is_not_written_back(world: World, project: Project, records: str) -> None:
    project.commit({"mine": "m\n"})
    project.git("filter-branch", "-f", "--tree-filter", "sed -i s/three/REDACTED/ train.py", "HEAD")
    project.git("push", "--quiet", "--force", "origin", "HEAD:main")
    if records == "deleted":
        delete_records(project)
    tip = project.tip()
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "pull-request"
    assert project.tip() == tip
    [pull] = project.pulls()
    assert "REDACTED" in str(project.files(pull["head"]["sha"])["train.py"])


def test_a_rewritten_history_whose_templates_are_as_published_is_certain(world: World, project: Project) -> None:
    project.commit({"mine": "m\n"})
    project.git("filter-branch", "-f", "--env-filter", "export GIT_AUTHOR_NAME=Nobody", "HEAD")
    project.git("push", "--quiet", "--force", "origin", "HEAD:main")
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "merged"
    assert project.files() == {**V1, "mine": "m\n", "new": "n\n"}


@pytest.mark.handlers_only(reason="takes an archive out of the bucket")
def test_without_the_archive_a_rewritten_history_is_not_certain(world: World, project: Project) -> None:
    project.commit({"mine": "m\n"})
    delete_records(project)
    del world.handlers.archives.objects[project.version.archive]
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "pull-request"


@pytest.mark.parametrize("kind", ["blob", "tree", "tag"])
def test_a_record_that_is_no_commit_is_none(world: World, project: Project, kind: str) -> None:
    project.commit({"mine": "m\n"})
    project.git("tag", "--annotate", "--message=t", "a-tag")
    name = {"blob": "HEAD:mine", "tree": "HEAD^{tree}", "tag": "refs/tags/a-tag"}[kind]
    sha = project.git("rev-parse", name)
    proposal = "refs/studio/proposals/template-v0/key"
    project.git("push", "--quiet", "--force", "origin", f"{sha}:refs/studio/template", f"{sha}:{proposal}")
    project.update_repository(Topics=["other"])
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "merged"
    assert project.files() == {**V1, "mine": "m\n", "new": "n\n"}
    assert project.refs()["refs/studio/template"] in project.parents()


@pytest.mark.ministack
def test_without_any_trace_there_is_a_pull_request(world: World, project: Project) -> None:
    project.commit({"train.py": "mine alone\n"})
    project.git("checkout", "--quiet", "--orphan", "clean")
    project.git("commit", "--quiet", "--message", "All in one")
    project.git("push", "--quiet", "--force", "origin", "HEAD:refs/heads/main")
    delete_records(project)
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "pull-request"
    [pull] = project.pulls()
    assert project.files()["train.py"] == "mine alone\n"
    proposed = project.files(pull["head"]["sha"])
    assert (proposed["train.py"], proposed["new"]) == ("mine alone\n", "n\n")  # ours where both differ
    assert "`train.py`" in pull["body"]


def test_a_shallow_push_of_the_user_is_fine(world: World, project: Project) -> None:
    project.commit({"mine": "m\n"})
    shallow = world.home / "shallow"
    project.git("clone", "--quiet", "--depth=1", project.remote, str(shallow))
    (shallow / "more").write_text("more\n")
    project.git("-C", str(shallow), "add", ".")
    project.git("-C", str(shallow), "commit", "--quiet", "--message", "From a shallow clone")
    project.git("-C", str(shallow), "push", "--quiet", "origin", "HEAD:main")
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "merged"
    assert project.files() == {**V1, "mine": "m\n", "more": "more\n", "new": "n\n"}


def test_the_physical_id_stays(world: World, project: Project) -> None:
    before = world.cloud.physical_ids(project.stack)
    project.update(world.publish("v2", {**V1, "new": "n\n"}))
    project.configure({"NAME": "value"}, {})
    project.update_repository(Topics=["other"])
    assert world.cloud.physical_ids(project.stack) == before
