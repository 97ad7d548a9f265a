"""Git's own merge of three trees, and what is kept of ours where it asks."""

from __future__ import annotations

import errno
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from custom_resources.clients.git.model import ZERO, Merge, Stage
from custom_resources.clients.git.objects import LINK, NONE, SUBMODULE, Entry, Objects
from custom_resources.clients.git.processes import NOTHING, Processes
from custom_resources.errors import RepositoryTooLarge, RepositoryTooManyNames

Fetch = Callable[[Collection[str]], None]  # gets contents that are not here
_ATTRIBUTES = ".gitattributes"
_MOST_ATTRIBUTES = 10_000  # files: each is written for git's merge to find it
_NOT_IN_A_CHECKOUT = {"..", ".", ".git", ""}
_UNUSABLE = (errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.EILSEQ)


def merge_trees(processes: Processes, objects: Objects, trees: tuple[str, str, str], when: str, fetch: Fetch) -> Merge:
    """Merge (base, ours, theirs) with git's own merge (ort), as `git merge` in a full clone of `ours` would.

    The base is given by two made-up commits that share a made-up parent: git before 2.40 takes no `--merge-base`, and
    the real history need not be here. What it will read is fetched at once: the files that both changed, and
    .gitattributes. Contents that it compares to find renames it fetches by itself, in at most three batches.
    """
    base_tree, ours_tree, theirs_tree = trees
    attributes = attributes_of(objects, ours_tree)
    fetch({*attributes.values(), *_changed_by_both(objects, trees)})
    base = objects.store_commit(base_tree, (), "base", when)
    ours = objects.store_commit(ours_tree, (base,), "ours", when)
    theirs = objects.store_commit(theirs_tree, (base,), "theirs", when)
    options = ("--write-tree", "-z", "--messages")
    with checkout(processes, objects, attributes) as (environment, directory):
        code, out = processes.run(
            "merge-tree", *options, ours, theirs, status=(0, 1), environment=environment, directory=directory
        )
    return _understood(code, out.decode("utf-8", "surrogateescape"), ours, theirs)


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


def _understood(code: int, out: str, ours: str, theirs: str) -> Merge:
    """Understand git merge-tree's answer: the tree, the stages, then its messages, each as
    the number of paths, the paths, a short type, the text (git-merge-tree, "OUTPUT")."""
    if code == 0:
        return Merge(out.partition("\0")[0].strip())
    head, _, rest = out.partition("\0\0")
    tree, *records = head.split("\0")
    fields, texts, position = rest.split("\0"), [], 0
    while position < len(fields) and fields[position].strip().isdigit():
        count = int(fields[position])
        texts.append(fields[position + count + 2].strip())
        position += count + 3
    appended = re.compile(f"~(?:{ours}|{theirs})(?:_[0-9]+)?(?=/|\\Z)")
    stages = []
    for record in filter(None, records):
        meta, place = record.split("\t", 1)
        mode, sha, number = meta.split(" ")
        stages.append(Stage(int(number), mode, sha, place, appended.sub("", place)))
    messages = "\n".join(texts).replace(ours, "yours").replace(theirs, "template")
    return Merge(tree.strip(), False, tuple(stages), messages)


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
