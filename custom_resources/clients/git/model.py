"""What a repository is made of, as far as the custom resources read it; plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

ROBOT = ("Studio project template", "studio-project-template@users.noreply.github.com")
ZERO = "0" * 40
LARGEST_ALLOCATION = 64 * 1024 * 1024  # bytes that git may take at once for a commit or folder


@dataclass(frozen=True)
class Refs:
    """What a repository has: every ref with its object, and where HEAD points ("" when it has no commit)."""

    branch: str = ""
    targets: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, ref: str) -> str:
        """Return what the ref points to, "" if there is none."""
        return self.targets.get(ref, "")

    def below(self, prefix: str) -> dict[str, str]:
        """Return the refs whose names start with the prefix."""
        return {ref: sha for ref, sha in self.targets.items() if ref.startswith(prefix)}

    @property
    def tip(self) -> str:
        """The default branch's commit."""
        return self[f"refs/heads/{self.branch}"] if self.branch else ""


@dataclass(frozen=True)
class Commit:
    """A commit, as far as its object tells."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    committer: str = ""  # the e-mail address


@dataclass(frozen=True)
class Change:
    """One path that differs between two trees; `status` is git's letter (A, M, D, T)."""

    status: str
    path: str
    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str


@dataclass(frozen=True)
class Stage:
    """What one side has of a conflict: 1 is the base's, 2 ours, 3 theirs."""

    number: int
    mode: str
    sha: str
    place: str  # the path in the merged tree
    path: str  # the place without what git appends where a file is in the way of a folder, or of another kind of file


class Lines(NamedTuple):
    """Lines of a file, from 1. Where there are none, `last` is the line before them."""

    first: int
    last: int


@dataclass(frozen=True)
class Merge:
    """A merge's outcome: the tree, whether git asks nothing, what conflicts, and git's messages about it.

    Not every merge that is not clean has a conflicting path: where a folder was split, git cannot tell where a new
    file belongs. What git does not ask about is in `lost`, `alike`, `filtered` and `absent` (consequences).
    """

    tree: str
    clean: bool = True
    stages: tuple[Stage, ...] = ()
    messages: str = ""
    lost: tuple[str, ...] = ()  # paths without a conflict, of files whose users' lines are in none of the tree's
    alike: tuple[tuple[str, str], ...] = ()  # new path, other path: they differ only in case or Unicode form
    filtered: tuple[tuple[str, str], ...] = ()  # path, filter: of contents that have not been through it
    absent: tuple[str, ...] = ()  # paths of theirs that are not in the tree, nor their contents elsewhere
    ignored: tuple[str, ...] = ()  # paths that theirs changed and ours keeps from it (.studio-template-ignore)
    exempt: frozenset[str] = frozenset()  # paths that ours ignores, changed or not
    theirs: str = ""  # their tree without those changes; "" = as it was given
    lines: tuple[tuple[str, tuple[Lines, ...]], ...] = ()  # path, the lines of ours that conflict there, where known

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The conflicting paths."""
        return tuple(dict.fromkeys(stage.path for stage in self.stages))
