"""The edges of a merge: files that no checkout here could have, a disk that is full, and how git is asked to match."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from custom_resources.clients.git.ignoring import Ignored, ignore_file
from custom_resources.clients.git.merging import (
    Index,
    _Message,
    _messages,
    _renames,
    _unless_unusable,
    _Worktree,
    attributes_of,
    checkout,
    is_in_a_checkout,
)
from custom_resources.clients.git.model import ZERO
from custom_resources.clients.git.objects import LINK, NONE, SUBMODULE, TREE, Entry
from custom_resources.clients.git.processes import NOTHING
from custom_resources.errors import (
    GitTooSlow,
    IgnoreFileTooSlow,
    ObjectTooLarge,
    RepositoryTooLarge,
    RepositoryTooManyNames,
)
from custom_resources.template_content import IGNORE_FILE


class Processes:
    """Git that is asked and answers in turn; an exception is raised."""

    def __init__(self, home: Path, *answers: tuple[int, bytes] | Exception, seconds: float = 100.0) -> None:
        self.home, self.repository, self.seconds = home, home / "repository", seconds
        self.repository.mkdir()
        self.asked: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        self._answers = list(answers)

    def run(self, *command: str, **options: Any) -> tuple[int, bytes]:
        self.asked.append((command, options))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Objects:
    """Blobs and trees in memory."""

    def __init__(self, blobs: dict[str, bytes] | None = None, trees: dict[str, dict[str, Entry]] | None = None) -> None:
        self.blobs, self.trees = blobs or {}, trees or {}
        self.asked: list[tuple[str, str]] = []

    def read(self, sha: str, kind: str) -> bytes | None:
        self.asked.append((sha, kind))
        return self.blobs.get(sha)

    def tree(self, sha: str) -> dict[str, Entry]:
        return self.trees[sha]

    def files(self, sha: str) -> dict[str, Entry]:
        return self.trees[sha]


# -- files in a checkout ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", [errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.EILSEQ]
)
def test_a_file_that_no_checkout_here_could_have_is_left_out(number: int) -> None:
    with _unless_unusable():
        raise OSError(number, "It cannot be written")


def test_a_full_disk_is_a_repository_that_is_too_large_and_another_error_stays() -> None:
    with pytest.raises(RepositoryTooLarge) as large, _unless_unusable():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert large.value.__suppress_context__
    for number in (errno.EACCES, errno.EIO, None):
        failed = OSError(number, "It failed")
        with pytest.raises(OSError, match="It failed") as error, _unless_unusable():
            raise failed
        assert error.value is failed
    with _unless_unusable():
        pass


def test_a_worktree_has_what_was_written_and_leaves_nothing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    worktree = _Worktree(root)
    worktree.write("a/b/c", b"1")
    worktree.write("a/b/d", b"2")
    worktree.write("a/b/c", b"3")
    worktree.write(f"a/{'n' * 300}/x", b"4")
    worktree.write("a/b/c/below a file", b"5")
    found = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert found == {"a/b/c": b"3", "a/b/d": b"2"}
    worktree.remove()
    assert not root.exists()


@pytest.mark.parametrize(
    ("path", "is_in"),
    [
        ("a/b", True),
        ("a/..b", True),
        ("..", False),
        ("a/./b", False),
        ("a/.git/b", False),
        ("a//b", False),
        ("", False),
    ],
)
def test_a_path_is_in_a_checkout_unless_git_would_not_check_it_out(path: str, is_in: bool) -> None:
    assert is_in_a_checkout(path) is is_in


def test_attributes_are_files_of_that_name_and_no_links() -> None:
    mode = "100644"
    files = {
        ".gitattributes": Entry(mode, "1"),
        "a/.gitattributes": Entry("100755", "2"),
        "b/.gitattributes": Entry(LINK, "3"),
        "c/.gitattributes": Entry(SUBMODULE, "4"),
        "d/x.gitattributes": Entry(mode, "5"),
    }
    objects: Any = Objects(trees={"t": files})
    assert attributes_of(objects, "t") == {".gitattributes": "1", "a/.gitattributes": "2"}


def test_git_finds_attributes_where_a_checkout_has_them(tmp_path: Path) -> None:
    objects: Any = Objects({"1": b"* text", "2": b"x binary"})
    processes: Any = Processes(tmp_path)
    attributes = {
        ".gitattributes": "1",
        "a/.gitattributes": "2",
        ".git/.gitattributes": "1",
        "b/.gitattributes": "gone",
    }
    with checkout(processes, objects, attributes) as (environment, directory):
        assert directory is not None
        assert environment == {"GIT_WORK_TREE": str(directory), "GIT_DIR": str(processes.repository)}
        assert (directory.parent, directory.name[:11]) == (tmp_path, "attributes-")
        found = {
            each.relative_to(directory).as_posix(): each.read_bytes() for each in directory.rglob("*") if each.is_file()
        }
        assert found == {".gitattributes": b"* text", "a/.gitattributes": b"x binary", "b/.gitattributes": b""}
    assert objects.asked == [("1", "blob"), ("2", "blob"), ("gone", "blob")]
    assert not directory.exists()
    with pytest.raises(KeyError), checkout(processes, objects, {".gitattributes": "1"}) as (_, directory):
        raise KeyError
    assert directory is not None
    assert not directory.exists()


def test_without_attributes_there_is_no_checkout_and_too_many_are_refused(tmp_path: Path) -> None:
    processes: Any = Processes(tmp_path)
    objects: Any = Objects()
    with checkout(processes, objects, {}) as surroundings:
        assert surroundings == (NOTHING, None)
    with (
        pytest.raises(RepositoryTooManyNames) as many,
        checkout(processes, objects, {str(n): "1" for n in range(10_001)}),
    ):
        pass
    assert many.value.holes == {"limit": 10_000, "kind": ".gitattributes files"}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["repository"]


# -- what git answers ------------------------------------------------------------------------------------------------


def test_git_says_which_paths_a_message_is_about() -> None:
    rest = "1\0a\0Auto-merging\0Auto-merging a\n\0002\0a\0b\0CONFLICT (rename)\0 Both\n\0\0after"
    assert list(_messages(rest)) == [
        _Message(["a"], "Auto-merging", "Auto-merging a"),
        _Message(["a", "b"], "CONFLICT (rename)", "Both"),
    ]
    assert list(_messages("")) == []


def test_what_was_renamed_is_asked_of_git(tmp_path: Path) -> None:
    processes: Any = Processes(tmp_path, (0, b"R100\0old\0new\0R090\0a\xff\0b\0"), (0, b""))
    assert _renames(processes, "t1", "t2") == {"old": "new", "a\udcff": "b"}
    assert _renames(processes, "t1", "t2") == {}
    command = ("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", "t1", "t2")
    assert processes.asked == [(command, {})] * 2


def test_an_index_takes_out_before_it_puts_in(tmp_path: Path) -> None:
    processes: Any = Processes(tmp_path, (0, b""), (0, b""), (0, b" tree\n"))
    index = Index(processes)
    index.load("t1")
    assert index.update({"a": Entry("100755", "1"), "b": None, "c\udcff": Entry("100644", "2")}) == "tree"
    environment = {"GIT_INDEX_FILE": str(tmp_path / "index")}
    lines = f"0 {ZERO}\tb\0".encode() + b"100755 1\ta\x00100644 2\tc\xff\x00"
    assert processes.asked == [
        (("read-tree", "t1"), {"environment": environment}),
        (("update-index", "-z", "--index-info"), {"stdin": lines, "environment": environment}),
        (("write-tree", "--missing-ok"), {"environment": environment}),
    ]


# -- what ours ignores -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        (Entry("100644", "1"), "1"),
        (Entry("100755", "1"), "1"),
        (Entry(LINK, "1"), ""),
        (Entry(SUBMODULE, "1"), ""),
        (Entry(TREE, "1"), ""),
        (NONE, ""),
        (None, ""),
    ],
)
def test_the_ignore_file_is_a_file(entry: Entry | None, found: str) -> None:
    objects: Any = Objects(trees={"t": {IGNORE_FILE: entry} if entry else {}})
    assert ignore_file(objects, "t") == found


def ignored(processes: Any) -> Ignored:
    objects: Any = Objects({"1": b"a\n"})
    return Ignored(processes, objects, "1")


def test_git_matches_the_paths_below_a_folder_that_is_empty(tmp_path: Path) -> None:
    processes: Any = Processes(tmp_path, (0, b"./a\0./\xff\0"), (1, b""))
    ours = ignored(processes)
    assert ours.of(["a", "b", "\udcff"]) == {"a", "\udcff"}
    assert ours.of(["b", "a", "c"]) == {"a"}
    (command, options), (_, later) = processes.asked
    assert command == ("check-ignore", "--no-index", "--stdin", "-z")
    worktree = options.pop("directory")
    assert options == {
        "status": (0, 1),
        "stdin": b"./a\0./b\0./\xff\0",
        "environment": {"GIT_WORK_TREE": str(worktree), "GIT_DIR": str(processes.repository)},
        "offline": True,
        "most": 20.0,
    }
    assert (worktree.parent, worktree.name[:8]) == (tmp_path, "ignored-")
    assert not worktree.exists()
    assert later["stdin"] == b"./c\0", "what was asked before is known"
    assert (processes.repository / "info" / "exclude").read_bytes() == b"a\n"


def test_without_an_ignore_file_git_is_not_asked(tmp_path: Path) -> None:
    processes: Any = Processes(tmp_path)
    objects: Any = Objects()
    assert Ignored(processes, objects, "").of(["a"]) == set()
    assert Ignored(processes, objects, "gone").of(["a"]) == set(), "an empty file names nothing"
    assert processes.asked == []
    assert objects.asked == [("gone", "blob")]


@pytest.mark.parametrize(("size", "taken"), [(64 * 1024, True), (64 * 1024 + 1, False)])
def test_an_ignore_file_has_a_size(tmp_path: Path, size: int, taken: bool) -> None:
    objects: Any = Objects({"1": b"a" * size})
    processes: Any = Processes(tmp_path)
    if taken:
        Ignored(processes, objects, "1")
        return
    with pytest.raises(ObjectTooLarge) as large:
        Ignored(processes, objects, "1")
    assert large.value.holes == {"kind": "file", "name": IGNORE_FILE, "size": size, "limit": 64 * 1024}


@pytest.mark.parametrize(("seconds", "kind"), [(20.0, GitTooSlow), (20.5, IgnoreFileTooSlow)])
def test_patterns_that_take_too_long_are_said_unless_the_functions_time_was_over(
    tmp_path: Path, seconds: float, kind: type[Exception]
) -> None:
    processes: Any = Processes(tmp_path, GitTooSlow(5, command="check-ignore", limit=20), seconds=seconds)
    with pytest.raises(kind) as late:
        ignored(processes).of(["a"])
    assert type(late.value) is kind
    if isinstance(late.value, IgnoreFileTooSlow):
        assert late.value.holes == {"name": IGNORE_FILE, "limit": "20"}
        assert late.value.__suppress_context__
