"""Refs are read from a repository's files: as git reads them, whatever their names are and wherever they are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from standins.github.bare import Bare, Person

SOMEBODY = Person("Somebody", "somebody@example.com")
NAMES = ("main", "a/b/c", "v1.0", "a.b", "é", "x+y", "-dash", "1", "main.x/lock", "per%cent", "a{b")


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    made = Bare.init(tmp_path / "x.git", "main")
    for number, name in enumerate(NAMES):
        made.update_ref(f"refs/heads/{name}", commit(made, str(number)))
    return made


def commit(bare: Bare, message: str) -> str:
    return bare.commit_tree(bare.write_tree("", {}), (), message, SOMEBODY)


def told(bare: Bare, prefix: str) -> dict[str, str]:
    lines = bare.text("for-each-ref", "--format=%(objectname) %(refname)", prefix).splitlines()
    return {name: sha for sha, name in (line.split(" ", 1) for line in lines)}


def test_refs_are_those_that_git_lists(bare: Bare) -> None:
    """Loose, packed, changed since they were packed, and gone since."""
    for change in (
        lambda: None,
        lambda: bare.run("pack-refs", "--all"),
        lambda: bare.update_ref("refs/heads/main", commit(bare, "newer")),
        lambda: bare.update_ref("refs/heads/a/b/c", ""),
        lambda: bare.update_ref("refs/studio/template", commit(bare, "other")),
    ):
        change()
        for prefix in ("refs", "refs/heads", "refs/heads/a", "refs/heads/main", "refs/studio", "refs/he", "refs/none"):
            assert list(bare.refs(prefix).items()) == list(told(bare, prefix).items()), prefix
        for name in NAMES:
            assert bare.branch(name) == bare.resolve(f"refs/heads/{name}^{{commit}}"), name
    assert bare.branch("a/b/c") == ""


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a" * 200 + "~",
        "../../HEAD",
        "main/",
        "/main",
        "main/x",
        "a",
        "main~0",
        "main@{0}",
        "ma*",
        "main.lock",
    ],
)
def test_what_is_no_branch_or_more_than_one_is_what_git_says(bare: Bare, name: str) -> None:
    bare.path.joinpath("refs/heads/main.lock").write_text("0" * 40)
    assert bare.branch(name) == bare.resolve(f"refs/heads/{name}^{{commit}}")


def test_a_branch_and_the_list_of_refs_take_no_process(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*given: object, **named: object) -> None:
        raise AssertionError(given)

    monkeypatch.setattr(subprocess, "run", started)
    assert bare.branch("main") == bare.refs()["refs/heads/main"] != ""
    with pytest.raises(AssertionError):
        bare.resolve("main")


def test_a_repository_without_a_commit_has_no_branch(tmp_path: Path) -> None:
    empty = Bare.init(tmp_path / "y.git", "main")
    assert (empty.branch("main"), empty.refs()) == ("", {})
