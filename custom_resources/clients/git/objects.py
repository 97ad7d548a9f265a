"""Git's objects: read through one `git cat-file --batch-command`, written as loose files without a process."""

from __future__ import annotations

import hashlib
import subprocess
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from custom_resources.clients.git.failures import GitFailed
from custom_resources.clients.git.model import ROBOT, ZERO, Change, Commit
from custom_resources.clients.git.processes import MODEST, TIME_LIMIT_SECONDS, Processes, finish, limited
from custom_resources.errors import ObjectTooLarge, RepositoryTooManyNames

LARGEST = {"commit": 1 << 20, "tree": 8 << 20, "blob": 8 << 20}  # bytes of an object that is read into memory
_MOST_FILES = 1_000_000  # of a tree
_MOST_FOLDERS = 1_000_000  # that are looked into
_REMEMBERED = 200_000  # entries of trees
TREE, LINK, SUBMODULE = "040000", "120000", "160000"
NO_MODE = "000000"


class Entry(NamedTuple):
    """What a tree has under a name."""

    mode: str
    sha: str


Tree = dict[str, Entry]
NONE = Entry(NO_MODE, ZERO)


class Objects:
    """The objects of one repository on disk. What is not here is fetched by git when it is read.

    Raises GitFailed for what is nowhere, RepositoryTooLarge for what would not fit into memory.
    """

    def __init__(self, processes: Processes) -> None:
        """Nothing is run yet."""
        self._processes = processes
        self._process: subprocess.Popen[bytes] | None = None
        self._limited = False
        self._trees: dict[str, Tree] = {}
        self._room = _REMEMBERED

    def close(self) -> str:
        """End the process; return what it wrote to standard error."""
        process, self._process = self._process, None
        if process is None:
            return ""
        return finish(process, "cat-file", TIME_LIMIT_SECONDS)[1].decode("utf-8", "replace")

    # -- reading --------------------------------------------------------------------------------------------------

    def read(self, name: str, kind: str) -> bytes | None:
        """Return an object's content, None if it is of another kind."""
        with self._limit():
            return self._read(name, kind)

    @contextmanager
    def _limit(self) -> Iterator[None]:
        """Limit the time of all that is read in the block."""
        if self._limited:
            yield
            return
        process = self._open()
        self._limited = True
        try:
            with limited(process, "cat-file", self._processes.seconds):
                yield
        finally:
            self._limited = False

    def _open(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = self._processes.start(("cat-file", "--batch-command"), subprocess.PIPE, variables=MODEST)
        return self._process

    def _read(self, name: str, kind: str) -> bytes | None:
        """Ask for the size first: git takes the whole of an object into memory before it gives any of it."""
        found, size = self._asked("info", name)
        if found != kind:
            return None
        if size > LARGEST[kind]:
            raise ObjectTooLarge(kind=kind, name=name, size=size, limit=LARGEST[kind])
        self._asked("contents", name)
        answered = cast("BinaryIO", self._open().stdout)
        content = answered.read(size)
        if len(content) < size:
            raise GitFailed("cat-file", 128, self.close())
        answered.read(1)
        return content

    def _asked(self, command: str, name: str) -> tuple[str, int]:
        """Give the process a command; return the kind and size of the object, as it answers."""
        process = self._open()
        given, answered = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
        with suppress(BrokenPipeError):
            given.write(f"{command} {name}\n".encode("utf-8", "surrogateescape"))
            given.flush()
        _, *found = answered.readline().decode("utf-8", "replace").rsplit(" ", 2)
        if len(found) != 2 or not found[1].strip().isdecimal():
            raise GitFailed("cat-file", 128, f"{self.close()}\nthe object {name} is missing")
        return found[0], int(found[1])

    def commit(self, sha: str) -> Commit | None:
        """Read a commit, None if the object is none. The parents are those written in it, fetched or not."""
        content = self.read(sha, "commit")
        if content is None:
            return None
        head, _, message = content.decode("utf-8", "surrogateescape").partition("\n\n")
        fields = [line.split(" ", 1) for line in head.splitlines() if " " in line and not line.startswith(" ")]
        committer = next((value for key, value in fields if key == "committer"), "")
        return Commit(
            sha=sha,
            tree=next((value for key, value in fields if key == "tree"), ""),
            parents=tuple(value for key, value in fields if key == "parent"),
            message=message.rstrip(),
            committer=committer.partition("<")[2].partition(">")[0],
        )

    def tree(self, sha: str) -> Tree:
        """Return what is directly in a tree."""
        if sha in ("", ZERO):
            return {}
        if sha in self._trees:
            return self._trees[sha]
        content = self.read(sha, "tree")
        if content is None:
            raise GitFailed("cat-file", 128, f"the object {sha} is no tree")
        entries = dict(_entries(content))
        if len(entries) <= self._room:
            self._room -= len(entries)
            self._trees[sha] = entries
        return entries

    def files(self, tree: str) -> dict[str, Entry]:
        """Return path -> entry of all that is in a tree and in the trees in it, submodules included."""
        found: dict[str, Entry] = {}
        for path, entries in self.differing([tree]):
            found[path] = entries[0]
            if len(found) > _MOST_FILES:
                raise RepositoryTooManyNames(limit=_MOST_FILES, kind="files")
        return dict(sorted(found.items(), key=lambda item: item[0].encode("utf-8", "surrogateescape")))

    def at(self, tree: str, paths: Iterable[str]) -> dict[str, Entry]:
        """Return what a tree has at these paths, where it has anything."""
        found: dict[str, Entry] = {}
        for path in paths:
            *folders, name = path.split("/")
            below = tree
            for folder in folders:
                entry = self.tree(below).get(folder, NONE)
                below = entry.sha if entry.mode == TREE else ""
            if name in (entries := self.tree(below)):
                found[path] = entries[name]
        return found

    def differing(self, trees: Sequence[str]) -> Iterator[tuple[str, list[Entry]]]:
        """Yield the paths of files that differ between trees, with what each tree has there (NONE = nothing).

        Of one tree, all. A folder that all have alike is not looked into.
        """
        waiting = [("", list(trees))]
        with self._limit():
            looked = 0
            while waiting:
                prefix, folders = waiting.pop()
                looked += 1
                if looked > _MOST_FOLDERS:
                    raise RepositoryTooManyNames(limit=_MOST_FOLDERS, kind="folders")
                sides = [self.tree(folder) for folder in folders]
                for name in dict.fromkeys(name for side in sides for name in side):
                    entries = [side.get(name, NONE) for side in sides]
                    if len(entries) > 1 and all(entry == entries[0] for entry in entries):
                        continue
                    below = [entry.sha if entry.mode == TREE else "" for entry in entries]
                    if any(below):
                        waiting.append((f"{prefix}{name}/", below))
                    here = [NONE if entry.mode == TREE else entry for entry in entries]
                    if any(entry != NONE for entry in here):
                        yield f"{prefix}{name}", here

    def changes(self, old_tree: str, new_tree: str) -> list[Change]:
        """Return what differs between two trees, in git's order."""
        changes = []
        for path, (old, new) in self.differing([old_tree, new_tree]):
            if old != new:
                changes.append(Change(_status(old, new), path, old.mode, new.mode, old.sha, new.sha))
        return sorted(changes, key=lambda change: change.path.encode("utf-8", "surrogateescape"))

    # -- writing --------------------------------------------------------------------------------------------------

    def _file(self, name: str) -> Path:
        return Path(self._processes.repository, "objects", name[:2], name[2:])

    def has_file(self, name: str) -> bool:
        """Tell whether an object was written here as a file of its own."""
        return self._file(name).exists()

    def store(self, kind: str, content: bytes) -> str:
        """Write an object; return its name."""
        name = name_of(kind, content)
        if not self.has_file(name):
            place = self._file(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(zlib.compress(_with_header(kind, content), 1))
        return name

    def store_commit(self, tree: str, parents: Iterable[str], message: str, when: str) -> str:
        """Write a commit of the robot's; neither its tree nor its parents need be here."""
        person = f"{ROBOT[0]} <{ROBOT[1]}> {when}"
        head = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {person}", f"committer {person}"]
        return self.store("commit", "\n".join([*head, "", message]).encode("utf-8", "surrogateescape"))


def _with_header(kind: str, content: bytes) -> bytes:
    return b"%s %d\0" % (kind.encode(), len(content)) + content


def name_of(kind: str, content: bytes) -> str:
    """Return an object's name: the SHA-1 of its kind, size and content."""
    return hashlib.sha1(_with_header(kind, content), usedforsecurity=False).hexdigest()


def _entries(content: bytes) -> Iterator[tuple[str, Entry]]:
    """Read a tree: mode, space, name, NUL, 20 bytes of an object's name; again and again."""
    position = 0
    while position < len(content):
        end = content.find(b"\0", position)
        mode, _, name = content[position:end].partition(b" ")
        sha = content[end + 1 : end + 21]
        if end < 0 or len(sha) != 20 or not name:
            raise GitFailed("cat-file", 128, "a tree in the repository cannot be read")
        yield name.decode("utf-8", "surrogateescape"), Entry(_mode(mode), sha.hex())
        position = end + 21


def _mode(written: bytes) -> str:
    """Return the mode as git takes it, whatever an old or other program wrote (canon_mode in git's cache.h)."""
    try:
        mode = int(written, 8)
    except ValueError:
        mode = 0
    kind = {0o040000: TREE, 0o120000: LINK, 0o100000: "100755" if mode & 0o100 else "100644"}
    return kind.get(mode & 0o170000, SUBMODULE)


def _status(old: Entry, new: Entry) -> str:
    """Return git's letter for a difference: another type of file is T."""
    if old == NONE:
        return "A"
    if new == NONE:
        return "D"
    return "M" if old.mode[:3] == new.mode[:3] else "T"
