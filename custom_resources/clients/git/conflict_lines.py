"""Which lines of the users' file a conflict is about, read from the markers that git's merge wrote. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from custom_resources.clients.git.model import Lines

_MOST_COMPARED = 1_000_000  # lines of one text times lines of the other


def conflict_lines(marked: bytes, ours: bytes, labels: tuple[str, str]) -> tuple[Lines, ...]:
    """Return the lines of `ours` that conflict, in order; () where that cannot be told.

    `marked` is what the merge made of it; `labels` are the names of ours and theirs in its markers.
    """
    resolved, places = _as_ours(marked.split(b"\n"), labels)
    mine = ours.split(b"\n")
    if not places or (found := _counterparts(resolved, mine)) is None:
        return ()
    return tuple(lines for place in places if (lines := _translated(place, found)))


def _as_ours(marked: Sequence[bytes], labels: tuple[str, str]) -> tuple[list[bytes], list[tuple[int, int]]]:
    """Return the text with our side of each conflict, and where those are in it: first line, line behind (from 0)."""
    begin, end = (
        re.compile(rb"%s{7,} %s\b" % (sign, label.encode())) for sign, label in zip((b"<", b">"), labels, strict=True)
    )
    resolved: list[bytes] = []
    places: list[tuple[int, int]] = []
    start, between = -1, b""
    theirs = False
    for line in marked:
        if start < 0 and (marker := begin.match(line)):
            start, theirs = len(resolved), False
            between = b"=" * marker.group().index(b" ")
        elif start >= 0 and end.match(line):
            places.append((start, len(resolved)))
            start, theirs = -1, False
        elif start >= 0 and line.rstrip(b"\r") == between:
            theirs = True
        elif not theirs:
            resolved.append(line)
    return resolved, places


def _counterparts(lines: Sequence[bytes], others: Sequence[bytes]) -> Mapping[int, int] | None:
    """Return which line of the one text is which of the other; None where they are too long to be compared."""
    head = next(
        (at for at, (one, other) in enumerate(zip(lines, others, strict=False)) if one != other),
        min(len(lines), len(others)),
    )
    most = min(len(lines), len(others)) - head
    backwards = zip(reversed(lines[len(lines) - most :]), reversed(others[len(others) - most :]), strict=True)
    tail = next((at for at, (one, other) in enumerate(backwards) if one != other), most)
    middle, middle_of_others = lines[head : len(lines) - tail], others[head : len(others) - tail]
    if len(middle) * len(middle_of_others) > _MOST_COMPARED:
        return None
    return dict(_pairs(head, tail, middle, middle_of_others, (len(lines), len(others))))


def _pairs(
    head: int, tail: int, middle: Sequence[bytes], others: Sequence[bytes], lengths: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    yield from ((at, at) for at in range(head))
    for block in SequenceMatcher(None, middle, others).get_matching_blocks():
        yield from ((head + block.a + at, head + block.b + at) for at in range(block.size))
    yield from ((lengths[0] - tail + at, lengths[1] - tail + at) for at in range(tail))


def _translated(place: tuple[int, int], found: Mapping[int, int]) -> Lines | None:
    """Return the first and the last line, counted from 1. Where we have none, the last is the one before them."""
    first, behind = place
    if first == behind:
        before = max((found[at] for at in found if at < first), default=-1)
        return Lines(before + 2, before + 1)
    if first not in found or behind - 1 not in found:
        return None
    return Lines(found[first] + 1, found[behind - 1] + 1)
