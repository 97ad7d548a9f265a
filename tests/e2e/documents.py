"""The command lines of the documentation: what stands in its blocks of shell, as a reader copies them.

A block is fenced (```sh) or indented. Of an indented block, which may as well be a drawing or Python, a line is a
command if it begins with a program that the documents use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
# Pages of other kinds: decisions are of their day, the reference is generated.
_LEFT_OUT = {"decisions", "reference", "node_modules"}
_SHELL = {"sh", "bash", "shell", "console"}
_PROGRAMS = (
    "python",
    ".venv/bin/",
    "make",
    "git",
    "gh",
    "aws",
    "npx",
    "eval",
    "jq",
    "uv",
    "uvx",
    "pip",
    ".",
    "export",
    "echo",
)
_ASSIGNED = re.compile(r"^(?:[A-Z_]+=\S+\s+)+")
_COMMENT = re.compile(r"\s+#\s.*$")
_OPENING = re.compile(r"\b(?:do|then)$|[{]$")
_CLOSING = re.compile(r"\b(?:done|fi)$|^[}]$")


@dataclass(frozen=True)
class Command:
    """A command of a page: all its lines as they stand there, comments too."""

    page: str
    line: int
    text: str
    section: str  # the heading above it

    @property
    def plain(self) -> str:
        """The command without comments, spaces joined: by this the tour's table names it."""
        lines = [_COMMENT.sub("", line).removesuffix("\\") for line in self.text.splitlines()]
        return " ".join(" ".join(lines).split())

    def __str__(self) -> str:
        """Name it for a person who has to find it."""
        return f"{self.page}:{self.line}: {self.plain}"


def pages() -> list[Path]:
    """Return the documents: README, CONTRIBUTING, SECURITY and docs/."""
    below = [page for page in sorted((ROOT / "docs").rglob("*.md")) if not _LEFT_OUT & set(page.parts)]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *below]


def commands(page: Path) -> list[Command]:
    """Return a page's commands in the order in which they stand there."""
    name = page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name
    return [Command(name, *each) for each in _found(page.read_text(encoding="utf-8"))]


def _found(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield each command's line, its text and the heading that it stands below."""
    tokens = MarkdownIt("commonmark").parse(text)
    section = ""
    for number, token in enumerate(tokens):
        first = (token.map or [0])[0] + 1
        if token.type == "heading_open":
            section = tokens[number + 1].content
        elif token.type == "fence" and token.info.strip() in _SHELL:
            yield from ((*each, section) for each in _joined(token.content, first + 1, shell=True))
        elif token.type == "code_block" or (token.type == "fence" and not token.info.strip()):
            offset = int(token.type == "fence")
            yield from ((*each, section) for each in _joined(token.content, first + offset, shell=False))


def _joined(block: str, first: int, *, shell: bool) -> Iterator[tuple[int, str]]:
    """Yield a block's commands with their line in the page: continued lines, pipes and loops are one.

    Unless all of the block is `shell`, what does not begin with a program is left out.
    """
    held: list[str] = []
    for number, line in enumerate(block.splitlines(), first):
        code = _COMMENT.sub("", line).strip()
        if not code or code.startswith("#") or not (held or shell or _is_command(code)):
            continue
        held.append(line)
        if not _is_open([_COMMENT.sub("", each).strip() for each in held]):
            yield number - len(held) + 1, "\n".join(held)
            held = []
    assert not held, f"A command does not end: {held}"


def _is_command(code: str) -> bool:
    word = _ASSIGNED.sub("", code).split(maxsplit=1)[0]
    return word in _PROGRAMS or word.startswith(".venv/bin/")


def _is_open(lines: Sequence[str]) -> bool:
    loops = sum(bool(_OPENING.search(each)) - bool(_CLOSING.search(each)) for each in lines)
    quoted = any(" ".join(lines).count(mark) % 2 for mark in "'\"")
    return bool(loops) or quoted or lines[-1].endswith(("\\", "|", "&&"))
