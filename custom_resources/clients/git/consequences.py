"""What a merged tree does that git's merge does not ask about (docs/decisions/0076, 0077).

lost      what users wrote that is gone without a conflict: git takes some renames for merged that are not
alike     names that come together in a folder, of which macOS and Windows keep only one
filtered  files that a filter of .gitattributes (LFS) finds changed in every clone
absent    files of theirs that users removed, also by reverting an update: later ones do not bring them back
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from custom_resources.clients.git.merging import attributes_of, checkout, is_in_a_checkout
from custom_resources.clients.git.model import Merge
from custom_resources.clients.git.objects import NONE, SUBMODULE, TREE, Entry, Objects
from custom_resources.clients.git.processes import Processes
from custom_resources.errors import ObjectTooLarge

_NO_FILTER = {"unspecified", "unset", "set"}  # what check-attr says where no filter is named
_FILTER = b"filter"  # no file of attributes names a filter without the word


def with_consequences(
    processes: Processes,
    objects: Objects,
    trees: tuple[str, str, str],
    merge: Merge,
    fetch: Callable[[Collection[str]], None],
) -> Merge:
    """Return a merge of (base, ours, theirs) with what it does that git did not ask about.

    No process, and no request, for most: one or two processes where attributes name a filter, one request more where a
    file that users renamed and changed is compared with the file that they made it from.
    """
    ours = trees[1]
    written = _written(objects, (trees[0], ours, merge.theirs or trees[2], merge.tree))
    known = {*merge.conflicts, *merge.exempt}
    return replace(
        merge,
        lost=tuple(path for path in _lost(objects, written, fetch) if path not in known),
        absent=tuple(sorted(path for path in written.absent() if path not in known)),
        alike=tuple(_alike(objects, ours, merge.tree)),
        filtered=tuple(_filtered(processes, objects, ours, merge.tree)),
    )


# -- what users wrote ------------------------------------------------------------------------------------------------


@dataclass
class _Written:
    """What users changed or added and the merge has otherwise, with where it could have gone and come from."""

    changed: dict[str, tuple[Entry, Entry, Entry, Entry]] = field(default_factory=dict)  # base, ours, theirs, merged
    arrived: set[str] = field(default_factory=set)  # contents that the merge has where users have others, or none
    sources: set[str] = field(default_factory=set)  # contents that users have no more, and the template changed
    missing: dict[str, str] = field(default_factory=dict)  # path -> content that only the template has there
    there: set[str] = field(default_factory=set)  # contents that the merge has

    def absent(self) -> Iterator[str]:
        """Yield the paths that the merge has nothing at, nor their contents elsewhere."""
        return (path for path, content in self.missing.items() if content not in self.there)


def _lost(objects: Objects, written: _Written, fetch: Callable[[Collection[str]], None]) -> Iterator[str]:
    """Yield the paths of files that users wrote lines in that are in none of the files that the merge put in place.

    A file is there, or was moved as it is, or is merged into one file: then that has every line that is not of its
    base. A file that users renamed and changed comes from another path.
    """
    for path, sides in written.changed.items():
        if sides[1].sha in written.arrived:
            continue
        if sides[1].mode == SUBMODULE or not _has_arrived(objects, sides, written, fetch):
            yield path


def _written(objects: Objects, trees: tuple[str, str, str, str]) -> _Written:
    found = _Written()
    for path, (base, ours, theirs, merged) in objects.differing(trees):
        if merged == NONE and theirs != NONE:
            found.missing[path] = theirs.sha
        found.there.add(merged.sha)
        if merged.sha != ours.sha and merged != NONE and merged.mode != SUBMODULE:
            found.arrived.add(merged.sha)
        if ours != NONE and ours.sha not in (base.sha, merged.sha):
            found.changed[path] = base, ours, theirs, merged
        if ours == NONE and base != NONE and base.mode != SUBMODULE and theirs.sha != base.sha:
            found.sources.add(base.sha)
    return found


def _has_arrived(
    objects: Objects,
    sides: tuple[Entry, Entry, Entry, Entry],
    written: _Written,
    fetch: Callable[[Collection[str]], None],
) -> bool:
    base, ours, theirs, merged = sides
    try:
        mine = _lines(objects, ours) - _lines(objects, base)
        if mine <= _lines(objects, merged):
            return True
    except ObjectTooLarge:  # what git itself has put together is believed
        return merged.sha not in (NONE.sha, base.sha, theirs.sha)
    if _is_in_one(objects, mine, written.arrived):
        return True
    if base != NONE:
        return False
    fetch(written.sources)
    for source in written.sources:
        mine -= _lines_or_none(objects, source)
    return _is_in_one(objects, mine, written.arrived)


def _is_in_one(objects: Objects, lines: Collection[bytes], contents: Collection[str]) -> bool:
    wanted = frozenset(lines)
    return not wanted or any(wanted <= _lines_or_none(objects, content) for content in sorted(contents))


def _lines_or_none(objects: Objects, content: str) -> frozenset[bytes]:
    try:
        return _lines(objects, Entry("100644", content))
    except ObjectTooLarge:
        return frozenset()


def _lines(objects: Objects, file: Entry) -> frozenset[bytes]:
    """Return the lines of a file, whatever its line endings; no lines for a path that is not a file."""
    if file == NONE or file.mode == SUBMODULE:
        return frozenset()
    return frozenset(line.rstrip(b"\r") for line in (objects.read(file.sha, "blob") or b"").split(b"\n"))


# -- names that some systems take for one ----------------------------------------------------------------------------


def _alike(objects: Objects, ours_tree: str, merged_tree: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of paths that differ only in case or Unicode form, and were not together before the merge.

    The first is the one that the merge brings. Only folders that it changes are looked into.
    """
    waiting = [("", ours_tree, merged_tree)]
    while waiting:
        prefix, ours, merged = waiting.pop()
        before, after = objects.tree(ours), objects.tree(merged)
        for names in _spelled_alike(after):
            for new in (name for name in names if name not in before):
                old = next((name for name in names if name in before), next(name for name in names if name != new))
                pair = _files_alike(objects, (new, after[new]), (old, after[old]))
                yield f"{prefix}{pair[0]}", f"{prefix}{pair[1]}"
        for name, entry in after.items():
            there = before.get(name, NONE)
            if entry.mode == TREE and entry != there:
                waiting.append((f"{prefix}{name}/", there.sha if there.mode == TREE else "", entry.sha))


def _spelled_alike(names: Collection[str]) -> list[list[str]]:
    """Group names that are one for macOS or Windows (canonical caseless match, Unicode D145)."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(folded(name), []).append(name)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def folded(name: str) -> str:
    """Return what is the same for names that differ only in case or Unicode form."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _files_alike(objects: Objects, new: tuple[str, Entry], old: tuple[str, Entry]) -> tuple[str, str]:
    """Return the path of a file in each of two entries: of two that are alike, if there are such."""
    ones, others = _files(objects, *new), _files(objects, *old)
    alike = {folded(path): path for path in others}
    found = next((path for path in ones if folded(path) in alike), "")
    return (found, alike[folded(found)]) if found else (ones[0], others[0])


def _files(objects: Objects, name: str, entry: Entry) -> list[str]:
    below = [f"{name}/{path}" for path in objects.files(entry.sha)] if entry.mode == TREE else []
    return below or [name]


# -- filters ---------------------------------------------------------------------------------------------------------


def _filtered(processes: Processes, objects: Objects, ours_tree: str, merged_tree: str) -> list[tuple[str, str]]:
    """Return path and filter of what the merge puts under a filter that its content has not been through.

    That is each file that it brings or changes and, where it changes attributes, each that had no filter before.
    """
    attributes = attributes_of(objects, merged_tree)
    if not any(_FILTER in (objects.read(blob, "blob") or b"") for blob in set(attributes.values())):
        return []
    before, files = objects.files(ours_tree), objects.files(merged_tree)
    brought = [
        path for path, file in files.items() if file.mode != SUBMODULE and file.sha != before.get(path, NONE).sha
    ]
    former = attributes_of(objects, ours_tree)
    others = [path for path, file in files.items() if file == before.get(path)] if attributes != former else []
    found = _filters(processes, objects, attributes, [*brought, *others])
    known = found.keys() & set(others)
    filtered_before = _filters(processes, objects, former, sorted(known)) if known else {}
    return sorted((path, name) for path, name in found.items() if path not in filtered_before)


def _filters(
    processes: Processes, objects: Objects, attributes: Mapping[str, str], paths: Collection[str]
) -> dict[str, str]:
    """Return path -> the filter that git's own reading of attributes gives it. One process, none without attributes.

    Git reads them from a checkout: `check-attr --source` came with 2.40.
    """
    asked = [path for path in paths if is_in_a_checkout(path)]
    if not attributes or not asked:
        return {}
    names = "".join(f"{path}\0" for path in asked).encode("utf-8", "surrogateescape")
    with checkout(processes, objects, attributes) as (environment, directory):
        _, out = processes.run(
            "check-attr", "--stdin", "-z", "filter", stdin=names, environment=environment, directory=directory
        )
    fields = out.decode("utf-8", "surrogateescape").split("\0")
    return {path: value for path, value in zip(fields[::3], fields[2::3], strict=False) if value not in _NO_FILTER}
