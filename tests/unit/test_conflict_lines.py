"""Which lines of the users' file a conflict is about, compared with the markers of git's own merges."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_resources.clients.git import BareRepository, Git, Lines, Merge
from custom_resources.clients.git.conflict_lines import conflict_lines

LABELS = ("1" * 40, "2" * 40)


def marked(*parts: str | tuple[str, str]) -> bytes:
    """Return what git writes: texts, and conflicts as (ours, theirs)."""
    texts = (
        part if isinstance(part, str) else f"<<<<<<< {LABELS[0]}\n{part[0]}=======\n{part[1]}>>>>>>> {LABELS[1]}\n"
        for part in parts
    )
    return "".join(texts).encode()


@pytest.mark.parametrize(
    ("text", "ours", "expected"),
    [
        (marked("a\n", ("b\n", "B\n"), "c\n"), "a\nb\nc\n", [(2, 2)]),
        (marked(("a\nb\n", "A\n"), "c\n"), "a\nb\nc\n", [(1, 2)]),
        (marked("a\n", ("", "B\n"), "c\n"), "a\nc\n", [(2, 1)]),
        (marked(("", "A\n"), "c\n"), "c\n", [(1, 0)]),
        (marked("a\n", ("b\n", "B\n"), "c\n", ("d\n", "D\n")), "a\nb\nc\nd\n", [(2, 2), (4, 4)]),
        (marked("new\na\n", ("b\n", "B\n"), "c\n"), "a\nb\nc\n", [(2, 2)]),
        (marked("a\nc\n", ("b\n", "B\n")), "a\nx\nc\nb\n", [(4, 4)]),
        (marked("new\n", ("b\nc\nd\n", "B\n"), "e\n"), "x\nX\nb\nc\nd\ny\n", [(3, 5)]),  # with others around them
        (b"a\nb\n", "a\nb\n", []),
        (b"<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n", "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n", []),
        (marked("a\r\n", ("b\r\n", "B\r\n")).replace(b"=======\n", b"=======\r\n"), "a\r\nb\r\n", [(2, 2)]),
        (b"", "a\n", []),
    ],
)
def test_the_lines_of_each_conflict(text: bytes, ours: str, expected: list[tuple[int, int]]) -> None:
    assert list(conflict_lines(text, ours.encode(), LABELS)) == [Lines(*each) for each in expected]


def test_texts_too_long_to_be_compared_are_left_out() -> None:
    short, long = ("".join(f"{n} {side}\n" for n in range(lines)) for side, lines in (("x", 900), ("y", 2000)))
    conflict = ("b\n", "B\n")
    assert conflict_lines(marked(short, conflict, short), f"{short[5:]}b\n{short[5:]}".encode(), LABELS)
    assert conflict_lines(marked(long, conflict, short), f"{short}b\nz\n".encode(), LABELS) == ()


def test_the_longest_texts_that_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lines times three: what both begin and end with is not counted."""
    text, ours = marked("a\nx\n", ("b\n", "B\n"), "y\nc\n"), b"a\nX\nb\nY\nc\n"
    monkeypatch.setattr("custom_resources.clients.git.conflict_lines._MOST_COMPARED", 9)
    assert list(conflict_lines(text, ours, LABELS)) == [Lines(3, 3)]
    monkeypatch.setattr("custom_resources.clients.git.conflict_lines._MOST_COMPARED", 8)
    assert conflict_lines(text, ours, LABELS) == ()


LINES = st.lists(st.sampled_from(["a", "b", "c", "{", "}", ""]), max_size=14)


def merged(base: list[str], ours: list[str], theirs: list[str]) -> tuple[Merge, str]:
    """Return git's merge of three versions of a file, and the file in it."""
    with TemporaryDirectory() as place:
        bare = BareRepository(Git("https://github.com", lambda _: "x", lambda _: False), "acme/x", Path(place), 1)
        bare.start()

        def tree(lines: list[str]) -> str:
            text = "".join(f"{line}\n" for line in lines)
            blob = bare._processes.run("hash-object", "-w", "--stdin", stdin=text.encode())[1].decode().strip()
            return bare._processes.run("mktree", stdin=f"100644 blob {blob}\tf\n".encode())[1].decode().strip()

        merge = bare.merge(tree(base), tree(ours), tree(theirs))
        text = bare.blob(bare.entries(merge.tree)["f"]).decode()
        bare.close()
        return merge, text


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=12)
@given(LINES, LINES, LINES)
def test_they_are_where_gits_markers_are(base: list[str], ours: list[str], theirs: list[str]) -> None:
    merge, text = merged(base, ours, theirs)
    sides: list[str] = re.findall(r"<{7} [0-9a-f]{40}\n(.*?)={7}\n.*?>{7} [0-9a-f]{40}\n", text, re.DOTALL)
    found = dict(merge.lines).get("f", ())
    assert bool(sides) is not merge.clean
    if len(found) == len(sides):  # else one could not be told
        assert ["".join(f"{line}\n" for line in ours[at.first - 1 : at.last]) for at in found] == sides
    assert list(found) == sorted(found)
    assert all(1 <= at.first <= at.last + 1 <= len(ours) + 1 for at in found)
