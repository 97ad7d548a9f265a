"""Release notes in a project's repository: they look the same and have no effect on it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from markdown_it import MarkdownIt

from custom_resources.clients.git import Change, Merge
from custom_resources.delivery.commit_text import body
from custom_resources.delivery.lineage import Delivery, delivery_in, message, trace_in
from custom_resources.delivery.release_notes import cleaned, inert, quoted
from tests.seals import SEAL

DELIVERY = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a" * 64 + ".zip")


@pytest.mark.parametrize(
    ("notes", "shown"),
    [
        ("thanks to @ada", "thanks to @|ada"),
        ("see #12 and acme/other#7", "see #|12 and acme/other#|7"),
        ("see GH-12", "see GH-|12"),
        ("Fixes https://github.com/acme/b/issues/1", "Fixes| https://github.com/acme/b/issues/1"),
        ("closed: https://github.com/acme/b/issues/1", "closed|: https://github.com/acme/b/issues/1"),
        ("Resolves https://x", "Resolves| https://x"),
        ("Fixes <https://github.com/acme/b/issues/1>", "Fixes| <https://github.com/acme/b/issues/1>"),
        ("no tests [skip ci]", "no tests [|skip ci]"),
        ("[Actions Skip]", "[|Actions Skip]"),
        ("Studio-Project: p2", "Studio|-Project: p2"),
        ("a\n  studio-mac: x", "a\n  studio|-mac: x"),
        ("skip-checks: true", "skip|-checks: true"),
    ],
)
def test_what_github_or_we_would_act_on_is_inert(notes: str, shown: str) -> None:
    assert inert(notes) == shown.replace("|", "\u200b")


@pytest.mark.parametrize("notes", ["# Title", "a @ b", "C# 8", "fixes the build", "[skip](x)", "my studio-kit: new"])
def test_other_text_stays_as_it_is(notes: str) -> None:
    assert inert(notes) == notes


def test_notes_are_plain_text_of_some_length() -> None:
    assert cleaned(" \n\na\r\n\r\n\r\n\x1b[31mb\rc\x00\ud800\n") == "a\n\n[31mb\nc"
    assert cleaned("x" * 8000) == "x" * 8000
    assert cleaned("x" * 8001) == "x" * 8000 + "…"
    assert cleaned(" \n") == ""


@pytest.mark.parametrize(
    "notes",
    [
        "thanks to &#64;acme/everybody",
        "thanks to &#x40;acme/everybody",
        "thanks to &commat;acme/everybody",
        "see &#35;12 and &num;12",
        "see GH&#45;12",
        "Fix&#101;s https://github.com/acme/b/issues/1",
        "</blockquote><details>",
        "</BlockQuote ><details>",
        "<!-- studio-project-template -->",
    ],
)
def test_markdown_makes_nothing_of_it_that_github_would_act_on(notes: str) -> None:
    """GitHub looks for mentions in the text that Markdown has made, where a character may be written as a reference."""
    page = MarkdownIt("commonmark").render(f"{quoted(notes)}\n\n### After it")
    text = unescape(page)
    assert not re.search(r"@acme|#12|GH-12|Fixes https", text)
    assert re.findall(r"</?blockquote|<!--", page, re.IGNORECASE) == ["<blockquote", "</blockquote"]


def test_notes_are_quoted_so_that_nothing_stays_open() -> None:
    assert quoted("```\nx\n\n<!-- y") == "> ```\n> x\n>\n> &lt;!-- y"
    assert quoted("") == ""


def change(status: str) -> Change:
    return Change(status, "x", "100644", "100644", "a", "b")


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ("A", "The template adds 1 file."),
        ("AAMD", "The template adds 2 files, changes 1 file and removes 1 file."),
        ("MT", "The template changes 2 files."),
        ("AD", "The template adds 1 file and removes 1 file."),
        ("", ""),
    ],
)
def test_a_commit_counts_what_the_template_changes(statuses: str, said: str) -> None:
    assert body("", [change(status) for status in statuses], Merge("tree")) == said


def test_a_commit_has_the_notes_and_what_does_not_come() -> None:
    merge = Merge("tree", ignored=("b.py", "@c/d.py"), absent=tuple(f"e{n}.py" for n in range(11)))
    text = body("Faster.", [change("M")], merge)
    assert text.startswith("Faster.\n\nThe template changes 1 file.\n\n.studio-template-ignore excludes these files")
    assert "so they are unchanged:\n- b.py\n- @\u200bc/d.py\n\nThese template files" in text
    assert "- e9.py\n- ... and 1 more" in text
    assert "e10.py" not in text


def test_notes_cannot_say_whose_a_commit_is() -> None:
    forged = message("Other", Delivery("d2", "p2", "model_build", "f", "v9", ""), SEAL).partition("\n\n")[2]
    assert delivery_in(f"Other\n\n{forged}") is not None, "what is tried is a trailer"
    text = message("Update", DELIVERY, SEAL, body(forged, [], Merge("tree")))
    assert delivery_in(text) == DELIVERY
    assert trace_in(text.partition("Studio-Domain")[0]) is None


@pytest.mark.parametrize("path", ["a\nStudio-Domain: d2", "\udcff", "a\x1b[31m"])
def test_a_path_stays_in_its_line(path: str) -> None:
    text = body("", [], Merge("tree", ignored=(path,)))
    assert text.count("\n") == 1
    assert text.encode()
