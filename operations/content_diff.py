"""What differs between two versions of a template, as a patch for people."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from custom_resources.template_content import TemplateFile

_LARGEST = 512 * 1024  # bytes of a file that is compared line by line
_MOST_LINES = 5000


def patch(old: Sequence[TemplateFile], new: Sequence[TemplateFile]) -> str:
    """Return the differences of all files, cut where they are too many to be read."""
    lines = list(_lines(old, new))
    more = len(lines) - _MOST_LINES
    return "\n".join([*lines[:_MOST_LINES], *([f"... and {more} lines more"] if more > 0 else [])])


def _lines(old: Sequence[TemplateFile], new: Sequence[TemplateFile]) -> Iterator[str]:
    before, after = ({file.path: file for file in files} for files in (old, new))
    for path in sorted({*before, *after}):
        was, now = before.get(path), after.get(path)
        if was and now and was.executable != now.executable:
            yield f"{path}: {'executable' if now.executable else 'no longer executable'}"
        if was is None or now is None or was.content != now.content:
            yield from _of_one(path, was, now)


def _of_one(path: str, was: TemplateFile | None, now: TemplateFile | None) -> Iterator[str]:
    texts = [_text(file) for file in (was, now)]
    old, new = f"a/{path}" if was else "/dev/null", f"b/{path}" if now else "/dev/null"
    if None in texts:
        yield f"{old} and {new} differ; they are no text, or too large to be shown"
        return
    one, other = ((text or "").splitlines() for text in texts)
    yield from difflib.unified_diff(one, other, old, new, lineterm="")


def _text(file: TemplateFile | None) -> str | None:
    """Return a file's text, "" where there is no file; None for a binary or a large one."""
    if file is None:
        return ""
    if len(file.content) > _LARGEST or b"\0" in file.content:
        return None
    try:
        return file.content.decode()
    except UnicodeDecodeError:
        return None
