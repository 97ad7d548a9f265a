"""Where in settings.toml each setting is, and the comment above it: refusals and the schema are made of it."""

from __future__ import annotations

import tomllib

import pytest

from products.settings.lines import Statement, line_of, statements

FILE = """\
# What all names begin with.
#   In two lines.
prefix = "ours"  # beside it
xray = true
# Of nothing: a line without text ends it.

log_level = "INFO"
github.api_url = "https://git.example.com"
## Of a list.
topics = [
  # of its first line
  "one",

  "two",
]
text = '''
# no comment
key = "no setting"
'''
inline = { first = { second = 1 }, third = 2 }
single = { first = 1 }

# Of a table.
[portfolio]
name = "x"
tag_options.cost_center = ["1"]
[studio.own_profiles."Tabular models"]
groups = [
]
[[places]]
name = "a"

[[places]]
# At the end.
name = "b"
"""
TABLE = ("studio", "own_profiles", "Tabular models")


def test_each_statement_has_its_path_its_first_line_and_its_comment() -> None:
    assert list(statements(FILE)) == [
        Statement(("prefix",), 3, "What all names begin with. In two lines."),
        Statement(("xray",), 4, ""),
        Statement(("log_level",), 7, ""),
        Statement(("github", "api_url"), 8, ""),
        Statement(("topics",), 10, "Of a list."),
        Statement(("text",), 16, ""),
        Statement(("inline",), 20, ""),
        Statement(("single",), 21, ""),
        Statement(("portfolio",), 24, "Of a table."),
        Statement(("portfolio", "name"), 25, ""),
        Statement(("portfolio", "tag_options", "cost_center"), 26, ""),
        Statement(TABLE, 27, ""),
        Statement((*TABLE, "groups"), 28, ""),
        Statement(("places",), 30, ""),
        Statement(("places", "name"), 31, ""),
        Statement(("places",), 33, ""),
        Statement(("places", "name"), 35, "At the end."),
    ]


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (("prefix",), 3),
        (("topics", "1"), 10),  # of what a statement's value holds: the statement
        (("inline", "first", "second"), 20),
        (("portfolio",), 24),
        (("portfolio", "nmae"), 24),  # of what is missing: the table
        (("portfolio", "name"), 25),
        ((*TABLE, "groups", "0"), 28),
        (("studio", "profiles"), 0),
        (("places", "name"), 31),  # the first of several
        (("nothing",), 0),
        ((), 0),
    ],
)
def test_a_setting_is_in_the_line_of_its_statement_else_of_its_table(where: tuple[str, ...], line: int) -> None:
    assert line_of(FILE, where) == line


@pytest.mark.parametrize("inside", ["\u2028", "\u0085", "\t#", "= [", "\\u000b"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_stands_in_a_text_ends_no_line(inside: str, end: str) -> None:
    key = f'"a{inside}b"'
    text = end.join([f"[{key}]", f'{key} = "c{inside}"', f"more = [  # {inside}", f"'{inside}'", "]", "last = 1", ""])
    parsed = tomllib.loads(key + " = 1").popitem()[0]
    assert [(each.path, each.line) for each in statements(text)] == [
        ((parsed,), 1),
        ((parsed, parsed), 2),
        ((parsed, "more"), 3),
        ((parsed, "last"), 6),
    ]


def test_nothing_has_no_statement() -> None:
    assert list(statements("")) == []
    assert list(statements("# only a comment\n\n")) == []
