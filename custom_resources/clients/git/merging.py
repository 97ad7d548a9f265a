"""Git's own merge of three trees, and what is kept of ours where it asks."""

from __future__ import annotations

import errno
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from custom_resources.clients.git.conflict_lines import conflict_lines
from custom_resources.clients.git.ignoring import Ignored, ignore_file
from custom_resources.clients.git.model import ZERO, Lines, Merge, Stage
from custom_resources.clients.git.objects import LINK, NONE, SUBMODULE, Entry, Objects
from custom_resources.clients.git.processes import NOTHING, Processes
from custom_resources.errors import ObjectTooLarge, RepositoryTooLarge, RepositoryTooManyNames

Fetch = Callable[[Collection[str]], None]  # gets contents that are not here
_ATTRIBUTES = ".gitattributes"
_PLAIN = ("100644", "100755")
_MOST_WITH_LINES = 20  # files of which it is said which lines conflict
_MOST_ATTRIBUTES = 10_000  # files: each is written for git's merge to find it
_NOT_IN_A_CHECKOUT = {"..", ".", ".git", ""}
_UNUSABLE = (errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.EILSEQ)


def merge_trees(processes: Processes, objects: Objects, trees: tuple[str, str, str], when: str, fetch: Fetch) -> Merge:
    """Merge (base, ours, theirs) with git's own merge (ort), as `git merge` in a full clone of `ours` would.

    What it will read is fetched at once: the files that both changed, .gitattributes and .studio-template-ignore.
    Contents that it compares to find renames it fetches by itself, in at most three batches. What ours ignores stays
    as it is there: three processes more where theirs changes such a file, and as many where a rename brings it there.
    """
    base_tree, ours_tree, theirs_tree = trees
    attributes, ignore = attributes_of(objects, ours_tree), ignore_file(objects, ours_tree)
    fetch({*attributes.values(), *_changed_by_both(objects, trees), *filter(None, [ignore])})
    ignored = Ignored(processes, objects, ignore)
    differing = dict(objects.differing(trees)) if ignore else {}
    exempt = ignored.of(path for path in differing if is_in_a_checkout(path))
    changed = {path: differing[path][0] for path in sorted(exempt) if differing[path][0] != differing[path][2]}
    if changed:
        theirs_tree = replaced(processes, theirs_tree, changed)
    with checkout(processes, objects, attributes) as surroundings:
        answer = _merged(processes, objects, (base_tree, ours_tree, theirs_tree), when, surroundings)
    merge, dropped = _understood(answer, ignored)
    brought = ignored.of(change.path for change in objects.changes(ours_tree, merge.tree)) if ignore else set[str]()
    if stay := {*dropped, *brought}:
        there = objects.files(ours_tree)
        kept = {**dict.fromkeys(dropped.values()), **{path: there.get(path) for path in sorted(stay)}}
        merge = replace(merge, tree=replaced(processes, merge.tree, kept))
    return replace(
        merge,
        lines=tuple(_lines(objects, merge, answer.labels)),
        ignored=tuple(dict.fromkeys((*changed, *sorted(stay)))),
        exempt=frozenset({*exempt, *stay}),
        theirs=theirs_tree if changed else "",
    )


class _Answer(NamedTuple):
    """What `git merge-tree` answered; `labels` are the commits that it merged, as its markers name them."""

    code: int
    out: str
    labels: tuple[str, str]


def _merged(
    processes: Processes,
    objects: Objects,
    trees: tuple[str, str, str],
    when: str,
    surroundings: tuple[Mapping[str, str], Path | None],
) -> _Answer:
    """Let git merge.

    The base is given by two made-up commits that share a made-up parent: git before 2.40 takes no `--merge-base`, and
    the real history need not be here.
    """
    base = objects.store_commit(trees[0], (), "base", when)
    ours = objects.store_commit(trees[1], (base,), "ours", when)
    theirs = objects.store_commit(trees[2], (base,), "theirs", when)
    options = ("--write-tree", "-z", "--messages")
    environment, directory = surroundings
    code, out = processes.run(
        "merge-tree", *options, ours, theirs, status=(0, 1), environment=environment, directory=directory
    )
    return _Answer(code, out.decode("utf-8", "surrogateescape"), (ours, theirs))


def _lines(objects: Objects, merge: Merge, labels: tuple[str, str]) -> Iterator[tuple[str, tuple[Lines, ...]]]:
    """Yield the conflicting files with the lines of ours that conflict. What git has merged is here already."""
    ours = {stage.place: stage for stage in merge.stages if stage.number == 2 and stage.mode in _PLAIN}
    both = {stage.place for stage in merge.stages if stage.number == 3 and stage.mode in _PLAIN} & ours.keys()
    if not both:
        return
    merged = objects.at(merge.tree, both)
    for place in sorted(both)[:_MOST_WITH_LINES]:
        with suppress(ObjectTooLarge):
            marked = objects.read(merged[place].sha, "blob") if place in merged else None
            mine = objects.read(ours[place].sha, "blob")
            if lines := conflict_lines(marked or b"", mine or b"", labels):
                yield ours[place].path, lines


def attributes_of(objects: Objects, tree: str) -> dict[str, str]:
    """Return path -> content of a tree's .gitattributes; git does not follow links to them."""
    return {
        path: entry.sha
        for path, entry in objects.files(tree).items()
        if PurePosixPath(path).name == _ATTRIBUTES and entry.mode not in (LINK, SUBMODULE)
    }


def _changed_by_both(objects: Objects, trees: tuple[str, str, str]) -> set[str]:
    """Return the contents that a merge reads: of files that ours and theirs changed, each in another way."""
    found: set[str] = set()
    for _, sides in objects.differing(trees):
        base, ours, theirs = sides
        if ours.sha != theirs.sha and base.sha not in (ours.sha, theirs.sha) and NONE not in (ours, theirs):
            found |= {side.sha for side in sides if side.mode != SUBMODULE} - {ZERO}
    return found


@contextmanager
def checkout(
    processes: Processes, objects: Objects, attributes: Mapping[str, str]
) -> Iterator[tuple[Mapping[str, str], Path | None]]:
    """Yield the environment and directory in which git finds .gitattributes, as it would in a checkout."""
    if not attributes:
        yield NOTHING, None
        return
    if len(attributes) > _MOST_ATTRIBUTES:
        raise RepositoryTooManyNames(limit=_MOST_ATTRIBUTES, kind=f"{_ATTRIBUTES} files")
    worktree = _Worktree(Path(tempfile.mkdtemp(prefix="attributes-", dir=processes.home)))
    try:
        for path, blob in attributes.items():
            if is_in_a_checkout(path):
                worktree.write(path, objects.read(blob, "blob") or b"")
        yield {"GIT_WORK_TREE": str(worktree.root), "GIT_DIR": str(processes.repository)}, worktree.root
    finally:
        worktree.remove()


def is_in_a_checkout(path: str) -> bool:
    """Tell whether git would check a path out: a folder can hold names that lead elsewhere."""
    return not _NOT_IN_A_CHECKOUT & set(path.split("/"))


class _Worktree:
    """A folder with a few files, as deep as a path can be: nothing goes down by recursion, as pathlib and shutil do."""

    def __init__(self, root: Path) -> None:
        """It is there, and empty."""
        self.root = root
        self._folders, self._files = {root: None}, dict[Path, None]()  # in the order in which they were made

    def write(self, path: str, content: bytes) -> None:
        """Write a file, unless no checkout on this system could have it."""
        *folders, name = path.split("/")
        with _unless_unusable():
            place = str(self.root)
            for folder in folders:
                place = f"{place}/{folder}"
                if Path(place) not in self._folders:
                    Path(place).mkdir()
                    self._folders[Path(place)] = None
            file = Path(f"{place}/{name}")
            file.write_bytes(content)
            self._files[file] = None

    def remove(self) -> None:
        """Remove it with all that was written."""
        for file in self._files:
            file.unlink()
        for folder in reversed(self._folders):
            folder.rmdir()


@contextmanager
def _unless_unusable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise RepositoryTooLarge from None
        if error.errno not in _UNUSABLE:
            raise


class _Message(NamedTuple):
    """What git says of some paths; of what kind it is, does not change between versions of git."""

    paths: list[str]
    kind: str
    text: str


def _understood(answer: _Answer, ignored: Ignored) -> tuple[Merge, dict[str, str]]:
    """Understand git merge-tree's answer: the tree, the stages, then its messages (git-merge-tree, "OUTPUT").

    Return it without what it asks about files that ours ignores, and those: path -> place in the merged tree.
    """
    if answer.code == 0:
        return Merge(answer.out.partition("\0")[0].strip()), {}
    ours, theirs = answer.labels
    head, _, rest = answer.out.partition("\0\0")
    tree, *records = head.split("\0")
    appended = re.compile(f"~(?:{ours}|{theirs})(?:_[0-9]+)?(?=/|\\Z)")
    stages = []
    for record in filter(None, records):
        meta, place = record.split("\t", 1)
        mode, sha, number = meta.split(" ")
        stages.append(Stage(int(number), mode, sha, place, appended.sub("", place)))
    named = ignored.of(stage.path for stage in stages if is_in_a_checkout(stage.path))
    dropped = {stage.path: stage.place for stage in stages if stage.path in named}
    left = tuple(stage for stage in stages if stage.path not in named)
    said = [message for message in _messages(rest) if not named & set(message.paths)]
    clean = bool(dropped) and not left and not any(message.kind.startswith("CONFLICT") for message in said)
    text = "\n".join(message.text for message in said).replace(ours, "yours").replace(theirs, "template")
    return Merge(tree.strip(), clean, left, text), dropped


def _messages(rest: str) -> Iterator[_Message]:
    """Yield messages: each is the number of paths, the paths, a short type, the text."""
    fields, position = rest.split("\0"), 0
    while position < len(fields) and fields[position].strip().isdigit():
        count = int(fields[position])
        kind, text = fields[position + count + 1 : position + count + 3]
        yield _Message(fields[position + 1 : position + count + 1], kind, text.strip())
        position += count + 3


def keep_ours(
    processes: Processes, objects: Objects, merge: Merge, trees: tuple[str, str, str]
) -> tuple[str, tuple[str, ...]]:
    """Return the merged tree with our side, whole, wherever there was a conflict, and the paths where it was kept.

    A file that we changed stays at its path as well where the merge gave that up and brought the content nowhere
    else: nothing of ours is lost, whatever the conflict's shape. Several processes.
    """
    base, ours, theirs = (objects.files(tree) for tree in trees)
    moved = {stage.path: Entry(stage.mode, stage.sha) for stage in merge.stages if stage.number == 2}
    asked = (*merge.conflicts, *merge.lost)
    kept = {path: file for path in asked if (file := ours.get(path) or moved.get(path))}
    mine = {path: file for path, file in ours.items() if base.get(path, NONE).sha != file.sha}
    renames = _renames(processes, trees[0], trees[2])
    index = Index(processes)
    index.load(merge.tree)
    tree = index.update({**{stage.place: None for stage in merge.stages}, **kept})
    also: dict[str, Entry] = {}
    while True:
        files = objects.files(tree)
        elsewhere = {file.sha for path, file in files.items() if ours.get(path) != file}
        merged = {old for old, new in renames.items() if new in files and files[new] != theirs[new]}
        lost = {
            path: file
            for path, file in mine.items()
            if path not in files and file.sha not in elsewhere and (path not in merged or renames[path] in kept)
        }
        if not lost:
            return tree, tuple(dict.fromkeys((*asked, *also)))
        tree, also = index.update(lost), also | lost  # what is in its way goes


def _renames(processes: Processes, old_tree: str, new_tree: str) -> dict[str, str]:
    """Return the old path -> the new one of what was renamed, as a merge finds it."""
    _, out = processes.run("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", old_tree, new_tree)
    _, old, new = (out.decode("utf-8", "surrogateescape").split("\0")[start::3] for start in range(3))
    return dict(zip(old, new, strict=False))


def replaced(processes: Processes, tree: str, files: Mapping[str, Entry | None]) -> str:
    """Return a tree with other files in it, or without some (None). Three processes."""
    index = Index(processes)
    index.load(tree)
    return index.update(files)


class Index:
    """A tree in the making, in git's index. Every method is one process or two."""

    def __init__(self, processes: Processes) -> None:
        """It is empty."""
        self._processes = processes
        self._variables = {"GIT_INDEX_FILE": str(processes.home / "index")}

    def load(self, tree: str) -> None:
        """Start from a tree."""
        self._processes.run("read-tree", tree, environment=self._variables)

    def update(self, files: Mapping[str, Entry | None]) -> str:
        """Put files in, or take them out (None); return the tree.

        A file takes the place of a folder, and the other way round.
        """
        gone = [f"0 {ZERO}\t{path}" for path, file in files.items() if file is None]
        there = [f"{file.mode} {file.sha}\t{path}" for path, file in files.items() if file]
        lines = "".join(f"{line}\0" for line in (*gone, *there)).encode("utf-8", "surrogateescape")
        self._processes.run("update-index", "-z", "--index-info", stdin=lines, environment=self._variables)
        return self._processes.run("write-tree", "--missing-ok", environment=self._variables)[1].decode().strip()
