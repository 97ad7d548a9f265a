"""The files of a template in a Git working tree, as Git sees them: what it tracks, and which files are executable."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from custom_resources.errors import FileTooLarge, SymbolicLink
from custom_resources.template_content import MAX_FILE_BYTES, TemplateFile
from operations.errors import LfsFiltered, SparseCheckout, Submodule
from operations.git_runs import ask_git, run_git

_EXECUTABLE, _LINK, _SUBMODULE = "100755", "120000", "160000"


@dataclass(frozen=True)
class WorkingTree:
    """A folder in a working tree. `modes`: what the index has; "" for a file that is not in it yet."""

    folder: Path
    modes: Mapping[str, str]
    skipped: frozenset[str]
    trusts_modes: bool  # core.fileMode: whether the disk can hold which files are executable

    @property
    def paths(self) -> list[str]:
        """The files that Git does not ignore, and those that a sparse checkout left out."""
        return sorted(path for path in self.modes if path in self.skipped or os.path.lexists(self.folder / path))

    def read(self, paths: Sequence[str]) -> list[TemplateFile]:
        """Return the files. Raises SparseCheckout, LfsFiltered, SymbolicLink, Submodule, FileTooLarge."""
        if left_out := [path for path in paths if path in self.skipped]:
            raise SparseCheckout(path=left_out[0])
        if filtered := _by_lfs(self.folder, paths):
            raise LfsFiltered(path=filtered[0])
        return [self._file(path) for path in paths]

    def _file(self, path: str) -> TemplateFile:
        place, mode = self.folder / path, self.modes[path]
        status = place.lstat()
        # Where the disk has no links, git writes one as a plain file.
        if stat.S_ISLNK(status.st_mode) or mode == _LINK:
            raise SymbolicLink(path=path)
        if not stat.S_ISREG(status.st_mode) or mode == _SUBMODULE:
            raise Submodule(path=path)
        if status.st_size > MAX_FILE_BYTES:
            raise FileTooLarge(path=path, size=status.st_size)
        executable = bool(status.st_mode & 0o100) if self.trusts_modes else mode == _EXECUTABLE
        return TemplateFile(path, place.read_bytes(), executable)


def working_tree(folder: Path) -> WorkingTree | None:
    """Return what Git has of a folder, None where there is no working tree, or all of it is ignored."""
    tracked = ask_git(folder, "ls-files", "-z", "-t", "--stage")
    others = ask_git(folder, "ls-files", "-z", "--others", "--exclude-standard")
    if tracked is None or others is None:
        return None
    modes = dict.fromkeys(filter(None, others.split("\0")), "")
    skipped = set()
    for line in filter(None, tracked.split("\0")):
        entry, _, path = line.partition("\t")
        tag, mode, *_ = entry.split(" ")
        modes[path] = mode
        if tag == "S":  # skip-worktree
            skipped.add(path)
    trusts = (ask_git(folder, "config", "--type=bool", "core.fileMode") or "").strip() != "false"
    tree = WorkingTree(folder, modes, frozenset(skipped), trusts)
    return tree if tree.paths else None


def _by_lfs(folder: Path, paths: Sequence[str]) -> list[str]:
    """Return the files that Git LFS has a part in: what is on disk is not what a commit holds. No filter is run."""
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    done = run_git(folder, "check-attr", "-z", "--stdin", "filter", stdin=asked)
    told = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return [path for path, value in zip(told[::3], told[2::3], strict=False) if value == "lfs"]
