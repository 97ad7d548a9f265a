"""What .studio-template-ignore names stays as its users have it, in merges and in pull requests."""

from __future__ import annotations

import re

import pytest

from custom_resources.errors import FinalError
from tests.integration.world import Content, Edit, Project, Tree, World, link

IGNORE = ".studio-template-ignore"
FIVE = "one\ntwo\nthree\nfour\nfive\n"
THEIRS = FIVE.replace("three", "THREE")
MINE = FIVE.replace("three", "mine")
LONG = "".join(f"line {number}\n" for number in range(40))


@pytest.fixture
def project(world: World) -> Project:
    return Project(world, world.publish("v1", {"train.py": FIVE, "config/a.yml": "a\n", "README.md": "r\n"})).launch()


# template before, template after, the user's edit, what the repository has then beside the ignore file
STORIES: dict[str, tuple[Tree, Tree, Edit, Tree]] = {
    "a file that both changed": (
        {"a.py": FIVE, "b.py": "b\n"},
        {"a.py": THEIRS, "b.py": "b2\n"},
        {"a.py": MINE, IGNORE: "a.py\n"},
        {"a.py": MINE, "b.py": "b2\n"},
    ),
    "a file that only the template changed": (
        {"a.py": FIVE, "b.py": "b\n"},
        {"a.py": THEIRS, "b.py": "b2\n"},
        {IGNORE: "/a.py\n"},
        {"a.py": FIVE, "b.py": "b2\n"},
    ),
    "a file that the template adds": (
        {"b.py": "b\n"},
        {"b.py": "b2\n", "docs/a.md": "a\n"},
        {IGNORE: "docs/\n"},
        {"b.py": "b2\n"},
    ),
    "a file that the template removes": (
        {"a.py": FIVE, "b.py": "b\n"},
        {"b.py": "b2\n"},
        {IGNORE: "a.*\n"},
        {"a.py": FIVE, "b.py": "b2\n"},
    ),
    "a file that the user removed and the template changed": (
        {"a.py": FIVE, "b.py": "b\n"},
        {"a.py": THEIRS, "b.py": "b2\n"},
        {"a.py": None, IGNORE: "a.py\n"},
        {"b.py": "b2\n"},
    ),
    "an exception from a pattern": (
        {"c/a.yml": "a\n", "c/b.yml": "b\n"},
        {"c/a.yml": "a2\n", "c/b.yml": "b2\n"},
        {IGNORE: "# ours\nc/*\n!c/b.yml\n"},
        {"c/a.yml": "a\n", "c/b.yml": "b2\n"},
    ),
    "a name that begins with a colon": (
        {":(top)a": "a\n", "b.py": "b\n"},
        {":(top)a": "a2\n", "b.py": "b2\n"},
        {IGNORE: ":*\n"},
        {":(top)a": "a\n", "b.py": "b2\n"},
    ),
    "a file that the user moved to a name of his own": (
        {"a.py": LONG, "b.py": "b\n"},
        {"a.py": LONG.replace("line 7\n", "seven\n"), "b.py": "b2\n"},
        {"a.py": None, "mine/a.py": LONG, IGNORE: "mine/\n"},
        {"mine/a.py": LONG, "b.py": "b2\n"},
    ),
    "a file that the user moved and changed": (
        {"a.py": LONG, "b.py": "b\n"},
        {"a.py": LONG.replace("line 7\n", "seven\n"), "b.py": "b2\n"},
        {"a.py": None, "mine/a.py": LONG.replace("line 7\n", "my seven\n"), IGNORE: "mine/\n"},
        {"mine/a.py": LONG.replace("line 7\n", "my seven\n"), "b.py": "b2\n"},
    ),
    "a new file in a folder that the user renamed": (
        {"lib/a.py": LONG, "lib/b.py": LONG.replace("line", "row"), "b.py": "b\n"},
        {"lib/a.py": LONG, "lib/b.py": LONG.replace("line", "row"), "lib/c.py": "c\n", "b.py": "b2\n"},
        {
            "lib/a.py": None,
            "lib/b.py": None,
            "own/a.py": LONG,
            "own/b.py": LONG.replace("line", "row"),
            IGNORE: "own/\n",
        },
        {"own/a.py": LONG, "own/b.py": LONG.replace("line", "row"), "b.py": "b2\n"},
    ),
    "a link in place of the file names nothing": (
        {"a.py": FIVE, "b.py": "b\n"},
        {"a.py": THEIRS, "b.py": "b2\n"},
        {IGNORE: link("names"), "names": "a.py\n"},
        {"a.py": THEIRS, "b.py": "b2\n", "names": "a.py\n"},
    ),
    "a file in a folder names nothing": (
        {"c/a.py": FIVE, "b.py": "b\n"},
        {"c/a.py": THEIRS, "b.py": "b2\n"},
        {f"c/{IGNORE}": "a.py\n"},
        {"c/a.py": THEIRS, "b.py": "b2\n", f"c/{IGNORE}": "a.py\n"},
    ),
}


@pytest.mark.parametrize("sync", ["Merge", "PullRequest"])
@pytest.mark.parametrize("story", STORIES)
def test_what_is_named_stays_as_it_is(world: World, story: str, sync: str) -> None:
    before, after, edit, expected = STORIES[story]
    project = Project(world, world.publish("v1", before)).launch()
    project.commit(edit)
    status = project.update(world.publish("v2", after), SyncMode=sync)
    if sync == "PullRequest":
        [pull] = project.pulls()
        assert status["Status"] == "pull-request"
        project.merge_pull(pull["number"])
        assert project.update(SyncMode=sync)["Status"] == "merged"
    else:
        assert (status["Status"], project.pulls()) == ("merged", [])
    names = edit.get(IGNORE)
    own: dict[str, Content] = {IGNORE: names} if names else {}
    assert project.files() == {**expected, **own}


def test_a_file_that_the_user_alone_changed_is_not_told_as_kept_from_the_template(
    world: World, project: Project
) -> None:
    project.commit({IGNORE: "config/\n", "config/a.yml": "mine\n"})
    project.update(world.publish("v2", {"train.py": THEIRS, "config/a.yml": "a\n", "README.md": "r\n"}))
    text = project.bare.run("log", "-1", "--format=%B", project.tip())[1].decode()
    assert "v2" in text
    assert "excludes these files" not in text
    assert project.files()["config/a.yml"] == "mine\n"


def test_a_merge_and_a_pull_request_say_what_stays(world: World, project: Project) -> None:
    project.commit({IGNORE: "config/\n", "README.md": None})
    project.update(world.publish("v2", {"train.py": FIVE, "config/a.yml": "a2\n", "README.md": "r\n", "b": "b\n"}))
    text = project.bare.run("log", "-1", "--format=%B", project.tip())[1].decode()
    assert ".studio-template-ignore excludes these files, so they are unchanged:\n- config/a.yml" in text
    assert "These template files were removed or renamed here, and stay so:\n- README.md" in text
    assert "The template adds 1 file." in text
    project.update(
        world.publish("v3", {"train.py": THEIRS, "config/a.yml": "a3\n", "README.md": "r\n"}), SyncMode="PullRequest"
    )
    [pull] = project.pulls()
    assert "### Files that `.studio-template-ignore` excludes\n\n- `config/a.yml`" in pull["body"]
    assert "### Template files that are not in `main`\n\n- `README.md`" in pull["body"]
    assert "changes `config/a.yml`" not in pull["body"]


def test_where_something_else_conflicts_the_pull_request_keeps_it_too(world: World, project: Project) -> None:
    """GitHub would merge the template's own commit, with all that it changes."""
    project.commit({"train.py": MINE, "config/a.yml": "mine\n", IGNORE: "config/\n"})
    after: Tree = {"train.py": THEIRS, "config/a.yml": "a2\n", "README.md": "r2\n"}
    assert project.update(world.publish("v2", after))["Status"] == "pull-request"
    [pull] = project.pulls()
    assert "- `train.py`: line 3\n" in pull["body"]
    assert "Merging keeps your version of the files above." in pull["body"]
    project.merge_pull(pull["number"])
    assert project.files() == {"train.py": MINE, "config/a.yml": "mine\n", "README.md": "r2\n", IGNORE: "config/\n"}
    assert project.update()["Status"] == "merged"


def test_a_version_that_changes_only_such_files_makes_no_commit(world: World, project: Project) -> None:
    tip = project.commit({IGNORE: "*.yml\n"})
    v2 = world.publish("v2", {"train.py": FIVE, "config/a.yml": "a2\n", "README.md": "r\n"})
    status = project.update(v2)
    assert (status["Status"], status["TemplateVersion"], project.tip()) == ("unchanged", "v2", tip)
    assert project.update()["Status"] == "unchanged"


def test_what_is_no_longer_named_gets_the_next_change(world: World, project: Project) -> None:
    project.commit({IGNORE: "config/\ntrain.py\n"})
    v2: Tree = {"train.py": THEIRS, "config/a.yml": "a2\n", "README.md": "r2\n"}
    project.update(world.publish("v2", v2))
    project.commit({IGNORE: "config/\n"})
    project.update(world.publish("v3", {**v2, "train.py": THEIRS.replace("five", "FIVE")}))
    found = project.files()
    assert (found["train.py"], found["config/a.yml"]) == (FIVE.replace("five", "FIVE"), "a\n")


def test_an_adopted_repository_keeps_what_it_names_from_the_first_version(world: World) -> None:
    made = world.rest("POST", "/orgs/acme/repos", name="p1-build", private=True, auto_init=True)
    v1 = world.publish("v1", {"train.py": FIVE, "docs/a.md": "a\n"})
    project = Project(world, v1, settings={"AdoptExisting": "true"})
    project.attributes = {"RepositoryId": str(made["id"])}
    project.commit({IGNORE: "docs/\n", ".github/studio-project.yml": "domain: d1\nproject: p1\n"})
    project.launch()
    found = project.files()
    assert found["train.py"] == FIVE
    assert "docs/a.md" not in found


def test_a_file_of_patterns_that_is_too_large_is_refused(world: World, project: Project) -> None:
    project.commit({IGNORE: "x\n" * 40_000})
    tip = project.tip()
    with pytest.raises(FinalError, match=r"The file \.studio-template-ignore in the repository has 80,000 bytes"):
        project.update(world.publish("v2", {"train.py": THEIRS}))
    assert project.tip() == tip


def test_looking_for_what_is_named_takes_no_request_more(world: World, project: Project) -> None:
    """The file comes with what the merge reads anyway."""

    def asked() -> list[str]:
        """Return them in the alphabet's order: GitHub is asked while git fetches, and either may come first."""
        found = [f"{each.method} {each.path}" for each in world.requests()]
        return sorted(re.sub(r"[0-9a-f]{40}|p[12]-build", "_", each) for each in found)

    other = Project(world, project.version, name="p2-build", project="p2").launch()
    for each, edit in ((project, {}), (other, {IGNORE: "config/\n"})):
        each.commit({"train.py": FIVE.replace("one", "ONE"), **edit})
    v2 = world.publish("v2", {"train.py": THEIRS, "config/a.yml": "a2\n", "README.md": "r\n"})
    asked()
    project.update(v2)
    without = asked()
    other.update(v2)
    assert asked() == without
