"""A version's release notes, as any project's repository can hold them. Pure.

They are one text for all projects. What GitHub would act on in a repository has no effect there: nobody is mentioned,
no issue is referred to or closed, no workflow is skipped, and no line is taken for a trailer of ours.
"""

from __future__ import annotations

import re

_MOST = 8000  # characters; GitHub takes 65,536 for a pull request's description
_NOTHING = "\u200b"  # a space without width
_ACTED_ON = re.compile(
    r"@(?=[A-Za-z0-9])"  # a mention
    r"|#(?=[0-9])|\bGH-(?=[0-9])"  # an issue of this repository, or of the one that is named before it
    r"|\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?=:?\s+<?https?://)"  # closes an issue that its address names
    r"|\[(?=(?:skip ci|ci skip|no ci|skip actions|actions skip)\])"
    r"|^\s*(?:studio|skip)(?=-)",  # a trailer
    re.IGNORECASE | re.MULTILINE,
)
# What would be one of these, or the quotation's end, once Markdown is HTML: GitHub looks for mentions in that.
_REFERENCE = re.compile(r"&(?=#|(?:colon|commat|lbrack|lsqb|newline|num|sol|tab);)", re.IGNORECASE)
_ENDS_QUOTATION = re.compile(r"<(?=!--|/\s*blockquote)", re.IGNORECASE)


def inert(text: str) -> str:
    """Return a text in which GitHub and we find nothing to act on; it looks the same."""
    return _ACTED_ON.sub(lambda found: found.group() + _NOTHING, text)


def cleaned(notes: str) -> str:
    """Return release notes as plain text: inert, without control characters, cut where they are too long."""
    text = notes.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c for c in text if c in "\n\t" or c.isprintable() or c == _NOTHING)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return inert(f"{text[:_MOST]}…" if len(text) > _MOST else text)


def quoted(notes: str) -> str:
    """Return release notes as a quotation in Markdown: nothing in it that is left open reaches what follows."""
    text = _ENDS_QUOTATION.sub("&lt;", cleaned(_REFERENCE.sub("&amp;", notes)))
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n")) if text else ""
