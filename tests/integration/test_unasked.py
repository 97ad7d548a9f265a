"""What git's merge does without asking: files that users lose, names that some systems take for one, filters."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.git_processes import counted
from tests.integration.world import Content, Edit, Project, Tree, World, executable, link

LONG = "".join(f"line {number}\n" for number in range(30))
OTHER = "".join(f"other {number}\n" for number in range(30))
MINE, OTHER_MINE = LONG.replace("line 3\n", "mine 3\n"), OTHER.replace("other 3\n", "mine too\n")
THEIRS = LONG.replace("line 20\n", "theirs\n")
UNION = "*.txt merge=union\n"
counts_processes = pytest.mark.handlers_only(reason="git reports the processes of this process, not of a function's")

# v1, the user's edit, v2. lib/a.py is what the user wrote: what was written must be in the pull request's branch.
# The template moves it to where the user has put the same file, too: git takes that for the merge of both.
LOST: dict[str, tuple[Tree, Edit, Tree]] = {
    "the user's copy is the template's": (
        {"lib/a.py": LONG, "x": "x\n"},
        {"lib/a.py": MINE, "a.txt": LONG},
        {"a.txt": LONG, "x": "x\n"},
    ),
    "the user wrote another file in its place": (
        {"lib/a.py": LONG, "x": "x\n"},
        {"lib/a.py": OTHER_MINE, "a.txt": LONG, ".gitattributes": UNION},
        {"a.txt": LONG, "x": "x\n"},
    ),
    "the template changes it, and the user's copy is the same": (
        {"lib/a.py": LONG, "x": "x\n"},
        {"lib/a.py": OTHER_MINE, "a.txt": THEIRS},
        {"a.txt": THEIRS, "x": "x\n"},
    ),
    "with attributes that put both sides together": (
        {"lib/a.py": LONG, "x": "x\n"},
        {"lib/a.py": OTHER_MINE, "a.txt": THEIRS, ".gitattributes": UNION},
        {"a.txt": THEIRS, "x": "x\n"},
    ),
}
# What is merged and pushed all the same.
KEPT: dict[str, tuple[Tree, Edit, Tree]] = {
    "both changed a file": ({"a": LONG}, {"a": MINE}, {"a": THEIRS}),
    "the template renames what the user changed": ({"a": LONG}, {"a": MINE}, {"b": LONG}),
    "the template renames and changes what the user changed": (
        {"a": LONG},
        {"a": MINE},
        {"b": THEIRS},
    ),
    "the template makes the user's change and renames the file": ({"a": LONG}, {"a": MINE}, {"b": MINE}),
    "the user renames and changes what the template changes": (
        {"a": LONG, "x": "x\n"},
        {"a": None, "b": MINE},
        {"a": THEIRS, "x": "x\n"},
    ),
    "both rename a file alike and change it": (
        {"a": LONG, "x": "x\n"},
        {"a": None, "b": MINE},
        {"b": THEIRS, "x": "x\n"},
    ),
    "union takes the lines of both": (
        {"log.txt": "a\n"},
        {"log.txt": "a\nuser\n", ".gitattributes": UNION},
        {"log.txt": "a\ntemplate\n"},
    ),
    "both add a file that union puts together": (
        {"x": "x\n"},
        {"log.txt": "user\n", ".gitattributes": UNION},
        {"x": "x\n", "log.txt": "template\n"},
    ),
    "union puts a file that the template renames and one that the user added together": (
        {"lib/a.py": LONG, "x": "x\n"},
        {"lib/a.py": MINE, "a.txt": OTHER_MINE, ".gitattributes": UNION},
        {"a.txt": LONG, "x": "x\n"},
    ),
    "union puts a file that the user renames and one that the template adds together": (
        {"lib/a.py": LONG, "x": "x\n"},
        {"lib/a.py": None, "a.txt": MINE, ".gitattributes": UNION},
        {"lib/a.py": THEIRS, "a.txt": OTHER, "x": "x\n"},
    ),
    "union puts two files together that both rename to one place": (
        {"lib/a.py": LONG, "lib/b.py": OTHER, "x": "x\n"},
        {"lib/a.py": None, "a.txt": MINE, "lib/b.py": OTHER_MINE, ".gitattributes": UNION},
        {"lib/a.py": LONG, "a.txt": OTHER, "x": "x\n"},
    ),
    "the user changes only the ends of lines": (
        {"a": LONG, "b": "b\n"},
        {"a": LONG.replace("\n", "\r\n")},
        {"a": LONG, "b": "theirs\n"},
    ),
    "a link, a mode, an empty file and a submodule's folder": (
        {"a": "a\n", "run": "r\n"},
        {"l": link("a"), "run": executable("r\n"), "empty": ""},
        {"a": "theirs\n", "run": "r\n"},
    ),
}


def lines(project: Project, revision: str = "HEAD") -> set[str]:
    files = project.files(revision).values()
    return {line for content in files if isinstance(content, str) for line in content.splitlines() if "mine" in line}


@pytest.mark.parametrize("story", LOST)
def test_what_a_clean_merge_would_lose_is_asked(world: World, story: str) -> None:
    v1, edit, v2 = LOST[story]
    project = Project(world, world.publish("v1", v1)).launch()
    tip = project.commit(edit)
    assert project.update(world.publish("v2", v2))["Status"] == "pull-request"
    assert project.tip() == tip
    [pull] = project.pulls()
    assert "drop changes that were made in this repository (`lib/a.py`)" in pull["body"]
    assert "Merging keeps your version of the files above" in pull["body"]
    wrote = lines(project)
    assert lines(project, pull["head"]["sha"]) >= wrote
    project.merge_pull(pull["number"])
    assert lines(project) >= wrote
    assert project.files()["lib/a.py"] == edit["lib/a.py"]
    assert project.update()["Status"] == "merged"


@pytest.mark.parametrize("story", KEPT)
def test_what_a_clean_merge_keeps_is_pushed(world: World, story: str) -> None:
    v1, edit, v2 = KEPT[story]
    project = Project(world, world.publish("v1", v1)).launch()
    project.commit(edit)
    wrote = lines(project)
    assert project.update(world.publish("v2", v2))["Status"] == "merged"
    assert lines(project) >= wrote


# -- names ------------------------------------------------------------------------------------------------------------

COMPOSED, DECOMPOSED = "caf\u00e9.py", "cafe\u0301.py"
# What the user has, what the template brings, the two that are named.
ALIKE: dict[str, tuple[str, str]] = {
    "case": ("readme.md", "README.md"),
    "Unicode form": (DECOMPOSED, COMPOSED),
    "both": ("CAFE\u0301.py", COMPOSED),
    "a folder's name": ("Src/train.py", "src/train.py"),
    "a folder's name, with another file in it": ("Src/mine.py", "src/train.py"),
    "a folder and a file": ("data", "Data/x"),
    "a file and a folder, deep down": ("a/b/Data/x", "a/b/data"),
}
V1: dict[str, Content] = {"x.py": "x\n"}


@pytest.mark.parametrize("story", ALIKE)
@pytest.mark.parametrize("adopted", [False, True], ids=["update", "adoption"])
def test_names_that_some_systems_take_for_one_are_asked_about(world: World, story: str, adopted: bool) -> None:
    mine, theirs = ALIKE[story]
    if adopted:
        project = adopting(world, {mine: "mine\n"}, {**V1, theirs: "theirs\n"})
    else:
        project = Project(world, world.publish("v1", V1)).launch()
        project.commit({mine: "mine\n"})
        project.update(world.publish("v2", {**V1, theirs: "theirs\n"}))
    assert project.status["Status"] == "pull-request"
    [pull] = project.pulls()
    assert "differ only in case or Unicode form" in pull["body"]
    assert f"(`{theirs}` and `{mine}`)" in pull["body"]
    # Who takes it as it is has both, and is not asked again.
    project.merge_pull(pull["number"])
    assert project.files()[mine] == "mine\n"
    newer = {**V1, theirs: "theirs\n", "new.py": "n\n"}
    assert project.update(world.publish("v9", newer))["Status"] == "merged"


def adopting(world: World, mine: Edit, template: Tree) -> Project:
    """Launch beside a repository that a user made."""
    made = world.rest("POST", "/orgs/acme/repos", name="p1-build", private=True, auto_init=True)
    user = Project(world, world.publish("v0", V1))
    user.attributes = {"RepositoryId": str(made["id"])}
    user.commit({"README.md": None, **mine})
    return Project(world, world.publish("v1", template), settings={"AdoptExisting": "true"}).deliver()


def test_the_users_own_names_are_theirs(world: World) -> None:
    project = Project(world, world.publish("v1", V1)).launch()
    project.commit({"Notes.md": "a\n", "notes.md": "b\n", "x.py": None, "X.py": "x\n"})
    assert project.update(world.publish("v2", {**V1, "new.py": "n\n"}))["Status"] == "merged"


# -- filters ----------------------------------------------------------------------------------------------------------

LFS = "*.csv filter=lfs diff=lfs merge=lfs -text\n"
# The user's attributes, what the template brings; whether that falls under a filter.
FILTERS: dict[str, tuple[Edit, str, bool]] = {
    "by name": ({".gitattributes": LFS}, "data/x.csv", True),
    "another name": ({".gitattributes": LFS}, "data/x.py", False),
    "any filter": ({".gitattributes": "data/** filter=crypt\n"}, "data/x.py", True),
    "of a folder": ({"data/.gitattributes": "* filter=lfs\n"}, "data/deep/x.csv", True),
    "of another folder": ({"other/.gitattributes": "* filter=lfs\n"}, "data/x.csv", False),
    "a macro": ({".gitattributes": "[attr]large filter=lfs -text\n*.csv large\n"}, "x.csv", True),
    "excepted": ({".gitattributes": f"{LFS}small.csv !filter\n"}, "small.csv", False),
    "switched off below": ({".gitattributes": LFS, "data/.gitattributes": "*.csv -filter\n"}, "data/x.csv", False),
    "of no name": ({".gitattributes": "*.csv filter\n"}, "x.csv", False),
    "another attribute": ({".gitattributes": "*.csv -text\n"}, "x.csv", False),
    "a quoted name": ({".gitattributes": '"caf\\303\\251 x.csv" filter=lfs\n'}, "caf\u00e9 x.csv", True),
}


@pytest.mark.parametrize("story", FILTERS)
@pytest.mark.parametrize("adopted", [False, True], ids=["update", "adoption"])
def test_a_file_that_falls_under_a_filter_is_asked_about(world: World, story: str, adopted: bool) -> None:
    attributes, path, falls = FILTERS[story]
    if adopted:
        project = adopting(world, attributes, {**V1, path: "theirs\n"})
    else:
        project = Project(world, world.publish("v1", V1)).launch()
        project.commit(attributes)
        project.update(world.publish("v2", {**V1, path: "theirs\n"}))
    assert project.status["Status"] == ("pull-request" if falls else "merged")
    if falls:
        [pull] = project.pulls()
        name = "crypt" if "crypt" in str(attributes) else "lfs"
        assert f"(`{path}` under `filter={name}`)" in pull["body"]
        assert "git add --renormalize" in pull["body"]
        clone = clone_with_filter(world, project, pull["head"]["ref"], name)
        assert path in git(clone, "-c", "core.quotePath=false", "status", "--porcelain")
        project.merge_pull(pull["number"])
        newer = {**V1, path: "theirs\n", "new.py": "n\n"}
        assert project.update(world.publish("v9", newer))["Status"] == "merged", "asked once"


def clone_with_filter(world: World, project: Project, branch: str, name: str) -> Path:
    """Clone as somebody who has the filter; one that changes every content."""
    folder = world.home / "filtered"
    configured = ["-c", f"filter.{name}.clean=tr a-z A-Z", "-c", f"filter.{name}.smudge=cat"]
    git(world.home, "clone", "--quiet", *configured, "--branch", branch, str(project.bare.path), str(folder))
    for file in (file for file in folder.rglob("*") if ".git" not in file.parts):
        file.touch()
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_attributes_of_the_template_that_reach_the_users_files_are_asked_about(world: World) -> None:
    project = Project(world, world.publish("v1", V1)).launch()
    project.commit({"data/mine.csv": "mine\n", "other.py": "o\n"})
    assert project.update(world.publish("v2", {**V1, ".gitattributes": LFS}))["Status"] == "pull-request"
    [pull] = project.pulls()
    assert "(`data/mine.csv` under `filter=lfs`)" in pull["body"]
    assert "other.py" not in pull["body"]


def test_attributes_that_change_nothing_for_the_users_files_are_not_asked_about(world: World) -> None:
    project = Project(world, world.publish("v1", {**V1, ".gitattributes": LFS})).launch()
    project.commit({"data/mine.csv": "mine\n"})
    v2 = {**V1, ".gitattributes": f"{LFS}*.sh text\n"}
    assert project.update(world.publish("v2", v2))["Status"] == "merged"


@counts_processes
def test_filters_take_one_process_however_many_attributes(world: World) -> None:
    project = Project(world, world.publish("v1", V1)).launch()
    many: Edit = {f"d{number}/.gitattributes": "*.csv filter=lfs\n" for number in range(300)}
    project.commit(many)
    world.requests()
    with counted() as started:
        project.update(world.publish("v2", {**V1, "y.csv": "y\n"}))
    assert project.status["Status"] == "merged"
    asked = [entry for entry in world.requests() if entry.kind == "git"]
    assert (len(asked), len(started)) == (5, 7)
