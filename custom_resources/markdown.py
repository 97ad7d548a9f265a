"""Names of other people's in Markdown: nothing in them is markup, however they are written. Pure."""

from __future__ import annotations

MOST_OF_PATH = 200  # characters of a path that are shown


def code(path: str) -> str:
    """Return a path as Markdown code that no name can break out of."""
    shown = short(plain(path), MOST_OF_PATH)
    return f"`{printable(shown)}`"


def printable(text: str) -> str:
    """Return a text as one line that any terminal and encoding can show: ? replaces each unprintable character."""
    return "".join(c if c.isprintable() else "?" for c in text)


def short(text: str, most: int) -> str:
    """Return a text without its middle where it is longer."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"


def plain(text: str) -> str:
    """Return text without what ends Markdown code, or is not Unicode."""
    return text.replace("`", "'").encode("utf-8", "replace").decode()
