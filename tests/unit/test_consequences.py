"""What a merge does that git does not ask about, in trees that are in memory: no git runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from custom_resources.clients.git.consequences import folded, with_consequences
from custom_resources.clients.git.model import Merge, Stage
from custom_resources.clients.git.objects import Objects, name_of
from custom_resources.clients.git.processes import Processes
from custom_resources.errors import ObjectTooLarge

Files = Mapping[str, str]
SUBMODULE = "submodule "  # a file whose text begins so is one


class Memory(Objects):
    """Objects in a dict."""

    def __init__(self) -> None:
        super().__init__(cast(Processes, None))
        self.held: dict[str, bytes] = {}
        self.too_large: set[str] = set()

    @contextmanager
    def _limit(self) -> Iterator[None]:
        yield

    def read(self, name: str, kind: str) -> bytes | None:
        if name in self.too_large:
            raise ObjectTooLarge(kind=kind, name=name, size=9, limit=8)
        return self.held[name]

    def put(self, kind: str, content: bytes) -> str:
        name = name_of(kind, content)
        self.held[name] = content
        return name

    def written(self, files: Files) -> str:
        """Write a tree of path -> text."""
        below: dict[str, dict[str, str]] = {}
        entries: list[tuple[str, str, str]] = []
        for path, text in files.items():
            folder, _, rest = path.partition("/")
            if rest:
                below.setdefault(folder, {})[rest] = text
            elif text.startswith(SUBMODULE):
                entries.append(("160000", path, text.removeprefix(SUBMODULE) * 40))
            else:
                entries.append(("100644", path, self.put("blob", text.encode())))
        entries += [("40000", folder, self.written(inner)) for folder, inner in below.items()]
        lines = [f"{mode} {name}\0".encode() + bytes.fromhex(sha) for mode, name, sha in sorted(entries)]
        return self.put("tree", b"".join(lines))


class Attributes:
    """`git check-attr`, which gives each path the filter that a test says, before and after."""

    def __init__(self, home: Path, *answers: Mapping[str, str]) -> None:
        self.home, self.repository = home, home / "repository.git"
        self.answers = list(answers)
        self.asked: list[list[str]] = []

    def run(self, *arguments: str, stdin: bytes, environment: Mapping[str, str], directory: Path) -> tuple[int, bytes]:
        assert arguments == ("check-attr", "--stdin", "-z", "filter")
        assert environment == {"GIT_WORK_TREE": str(directory), "GIT_DIR": str(self.repository)}
        assert directory.is_dir()
        paths = stdin.decode().split("\0")
        assert paths.pop() == ""
        self.asked.append(paths)
        answer = self.answers.pop(0)
        told = "".join(f"{path}\0filter\0{answer.get(path, 'unspecified')}\0" for path in paths)
        return 0, told.encode()


def followed(
    base: Files,
    ours: Files,
    theirs: Files,
    merged: Files,
    *,
    too_large: Sequence[str] = (),
    fetched: list[Collection[str]] | None = None,
    processes: Any = None,
    **more: Any,
) -> Merge:
    objects = Memory()
    trees = objects.written(base), objects.written(ours), objects.written(theirs)
    merge = Merge(objects.written(merged), **more)
    objects.too_large = {name_of("blob", text.encode()) for text in too_large}

    def fetch(contents: Collection[str]) -> None:
        if fetched is not None:
            fetched.append(set(contents))

    return with_consequences(cast(Processes, processes), objects, trees, merge, fetch)


# -- what users wrote ------------------------------------------------------------------------------------------------

LOST: dict[str, tuple[Files, Files, Files, Files, tuple[str, ...]]] = {
    "it is there": ({"a": "1"}, {"a": "1\nmine"}, {"a": "1"}, {"a": "1\nmine"}, ()),
    "it is merged in its place": ({"a": "1"}, {"a": "1\nmine"}, {"a": "0\n1"}, {"a": "0\n1\nmine"}, ()),
    "its line endings differ": ({"a": "1"}, {"a": "1\r\nmine"}, {"a": "0\n1"}, {"a": "0\n1\nmine"}, ()),
    "it is gone": ({"a": "1"}, {"a": "1\nmine"}, {"b": "2"}, {"b": "2"}, ("a",)),
    "a new one is gone": ({}, {"a": "mine"}, {"b": "2"}, {"b": "2"}, ("a",)),
    "it is theirs now": ({"a": "1"}, {"a": "1\nmine"}, {"a": "2"}, {"a": "2"}, ("a",)),
    "it was moved as it is": ({"a": "1"}, {"a": "1\nmine"}, {"b": "1"}, {"b": "1\nmine"}, ()),
    "it was moved and merged": ({"a": "1"}, {"a": "1\nmine"}, {"b": "0\n1"}, {"b": "0\n1\nmine"}, ()),
    "its lines are in two files": (
        {"a": "1"}, {"a": "1\nmine\nalso"}, {"b": "1", "c": "1"}, {"b": "1\nmine", "c": "1\nalso"}, ("a",)
    ),
    "its lines are in a file that users have anyway": (
        {"a": "1", "z": "mine"}, {"a": "1\nmine", "z": "mine"}, {"a": "2", "z": "mine"}, {"a": "2", "z": "mine"}, ("a",)
    ),
    "it only lost lines": ({"a": "1\n2"}, {"a": "1"}, {"a": "1\n2\n3"}, {"a": "3"}, ()),
    "users removed it": ({"a": "1"}, {}, {"a": "1"}, {}, ()),
    "users left it": ({"a": "1"}, {"a": "1"}, {"a": "2"}, {"a": "2"}, ()),
    "users made it of another, which is merged elsewhere": (
        {"old": "1\n2"}, {"new": "1\n2\nmine"}, {"old": "1\n2\n3"}, {"third": "3\nmine"}, ()
    ),
    "users made it of another that the template left": (
        {"old": "1\n2"}, {"new": "1\n2\nmine"}, {"old": "1\n2", "x": "9"}, {"third": "9\nmine"}, ("new",)
    ),
    "a submodule is another's": (
        {"s": "submodule a"}, {"s": "submodule b"}, {"s": "submodule c"}, {"s": "submodule c"}, ("s",)
    ),
    "a submodule stays": ({"s": "submodule a"}, {"s": "submodule b"}, {"s": "submodule c"}, {"s": "submodule b"}, ()),
}  # fmt: skip


@pytest.mark.parametrize("what", LOST)
def test_what_users_wrote_is_lost_where_no_file_has_it(what: str) -> None:
    base, ours, theirs, merged, lost = LOST[what]
    assert followed(base, ours, theirs, merged).lost == lost


def test_only_where_users_made_a_file_of_another_are_contents_fetched() -> None:
    fetched: list[Collection[str]] = []
    base, ours, theirs, merged, _ = LOST["users made it of another, which is merged elsewhere"]
    followed(base, ours, theirs, merged, fetched=fetched)
    assert fetched == [{name_of("blob", b"1\n2")}]
    base, ours, theirs, merged, _ = LOST["it is theirs now"]
    followed(base, ours, theirs, merged, fetched=fetched)
    assert len(fetched) == 1


@pytest.mark.parametrize(
    ("merged", "lost"),
    [({"a": "merged"}, ()), ({"a": "theirs"}, ("a",)), ({"a": "base"}, ("a",)), ({"b": "2"}, ("a",))],
)
def test_of_what_is_too_large_to_be_read_gits_own_merge_is_believed(merged: Files, lost: tuple[str, ...]) -> None:
    found = followed({"a": "base"}, {"a": "mine"}, {"a": "theirs"}, merged, too_large=["mine"])
    assert found.lost == lost


def test_a_file_that_is_too_large_has_no_lines_of_users() -> None:
    found = followed({"a": "1"}, {"a": "1\nmine"}, {"b": "0\n1"}, {"b": "0\n1\nmine"}, too_large=["0\n1\nmine"])
    assert found.lost == ("a",)


def test_what_git_asks_about_or_ours_ignores_is_not_told_again() -> None:
    base, ours, theirs, merged = {"a": "1", "b": "1"}, {"a": "x", "b": "y"}, {"a": "2", "b": "2"}, {"a": "2", "b": "2"}
    assert followed(base, ours, theirs, merged).lost == ("a", "b")
    stages = (Stage(2, "100644", "0" * 40, "a", "a"),)
    assert followed(base, ours, theirs, merged, stages=stages).lost == ("b",)
    assert followed(base, ours, theirs, merged, exempt=frozenset({"b"})).lost == ("a",)


@pytest.mark.parametrize(
    ("merged", "more", "absent"),
    [
        ({}, {}, ("a", "b/c")),
        ({"x": "1"}, {}, ("b/c",)),  # it is there under another name
        ({}, {"exempt": frozenset({"a"})}, ("b/c",)),
        ({"a": "1", "b/c": "2"}, {}, ()),
    ],
)
def test_files_of_theirs_that_are_in_none_are_absent(merged: Files, more: Any, absent: tuple[str, ...]) -> None:
    theirs = {"b/c": "2", "a": "1"}
    assert followed(theirs, {}, theirs, merged, **more).absent == absent


def test_of_a_tree_without_what_ours_ignores_nothing_is_absent() -> None:
    objects = Memory()
    given, without = objects.written({"a": "1", "b": "2"}), objects.written({"b": "2"})
    merge = Merge(objects.written({}), theirs=without)
    empty = objects.written({})
    trees = given, empty, given
    assert with_consequences(cast(Processes, None), objects, trees, merge, lambda _: None).absent == ("b",)


# -- names that some systems take for one ----------------------------------------------------------------------------

ALIKE: dict[str, tuple[Files, Files, list[tuple[str, str]]]] = {
    "a new name beside a users'": (
        {"README.md": "1"}, {"README.md": "1", "readme.md": "2"}, [("readme.md", "README.md")]
    ),
    "both are users'": ({"A": "1", "a": "2"}, {"A": "1", "a": "2", "b": "3"}, []),
    "both are new": ({}, {"A": "1", "a": "2"}, [("A", "a"), ("a", "A")]),
    "a Unicode form": ({"\u00e9": "1"}, {"\u00e9": "1", "e\u0301": "2"}, [("e\u0301", "\u00e9")]),
    "in a folder": ({"d/A": "1"}, {"d/A": "1", "d/a": "2"}, [("d/a", "d/A")]),
    "in a new folder": ({}, {"d/A": "1", "d/a": "2"}, [("d/A", "d/a"), ("d/a", "d/A")]),
    "of folders, with a file alike": (
        {"D/x": "1", "D/Y": "1"}, {"D/x": "1", "D/Y": "1", "d/a": "2", "d/y": "2"}, [("d/y", "D/Y")]
    ),
    "of folders, without": ({"D/x": "1"}, {"D/x": "1", "d/y": "2"}, [("d/y", "D/x")]),
    "of a folder and a file": ({"D": "1"}, {"D": "1", "d/y": "2"}, [("d/y", "D")]),
    "a folder that was a file": ({"f": "1"}, {"f/A": "1", "f/a": "2"}, [("f/A", "f/a"), ("f/a", "f/A")]),
    "different names": ({"a": "1"}, {"a": "1", "b": "2"}, []),
}  # fmt: skip


@pytest.mark.parametrize("what", ALIKE)
def test_names_that_come_together_are_told(what: str) -> None:
    ours, merged, alike = ALIKE[what]
    assert sorted(followed(ours, ours, merged, merged).alike) == alike


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("A", "a", True), ("\u00c9", "e\u0301", True), ("\u00df", "SS", True), ("a", "b", False), ("e", "\u00e9", False)],
)
def test_names_are_folded_as_systems_fold_them(one: str, other: str, same: bool) -> None:
    assert (folded(one) == folded(other)) is same


# -- filters ---------------------------------------------------------------------------------------------------------

LFS = "*.csv filter=lfs\n"


def test_attributes_that_name_no_filter_are_not_asked_about() -> None:
    found = followed({}, {}, {}, {".gitattributes": "* text\n", "a.csv": "1"})
    assert found.filtered == ()
    assert followed({}, {}, {}, {"a.csv": "1"}).filtered == ()


def test_what_a_merge_brings_under_a_filter_is_told(tmp_path: Path) -> None:
    ours = {".gitattributes": LFS, "mine.csv": "1", "a.csv": "1"}
    merged = {**ours, "a.csv": "2", "b.csv": "1", "c.txt": "1", "s": "submodule a"}
    git = Attributes(tmp_path, {"a.csv": "lfs", "b.csv": "lfs", "c.txt": "set"})
    assert followed({}, ours, {}, merged, processes=git).filtered == (("a.csv", "lfs"), ("b.csv", "lfs"))
    assert git.asked == [["a.csv", "b.csv", "c.txt"]]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["unspecified", "unset", "set"])
def test_a_value_that_names_no_filter_is_none(tmp_path: Path, value: str) -> None:
    git = Attributes(tmp_path, {"a.csv": value})
    attributes = {".gitattributes": LFS}
    assert followed({}, attributes, {}, {**attributes, "a.csv": "1"}, processes=git).filtered == ()


def test_new_attributes_put_files_that_were_there_under_a_filter(tmp_path: Path) -> None:
    ours = {".gitattributes": "*.bin filter=lfs\n", "a.csv": "1", "b.bin": "1", "s": "submodule a"}
    merged = {**ours, ".gitattributes": LFS}
    git = Attributes(tmp_path, {"a.csv": "lfs", "b.bin": "lfs"}, {"b.bin": "lfs"})
    assert followed({}, ours, {}, merged, processes=git).filtered == (("a.csv", "lfs"),)
    assert git.asked == [[".gitattributes", "a.csv", "b.bin", "s"], ["a.csv", "b.bin"]]


def test_the_first_attributes_are_asked_about_once(tmp_path: Path) -> None:
    ours = {"a.csv": "1", "../x.csv": "1"}
    git = Attributes(tmp_path, {"a.csv": "lfs"})
    assert followed({}, ours, {}, {**ours, ".gitattributes": LFS}, processes=git).filtered == (("a.csv", "lfs"),)
    assert git.asked == [[".gitattributes", "a.csv"]], "no checkout has the other path"
