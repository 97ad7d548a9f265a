"""Names of a template's files that a clone on macOS or Windows cannot hold, or does not tell apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from operations.errors import NamesAlike

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|\Z)", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')
_SHOWN = 10


def refuse_alike(paths: Iterable[str]) -> None:
    """Refuse names that differ only in case or Unicode form, which macOS takes for one. Raises NamesAlike."""
    spelled: dict[str, str] = {}
    for path in sorted(paths):
        for place in _with_folders(path):
            if spelled.setdefault(_folded(place), place) != place:
                raise NamesAlike(path=spelled[_folded(place)], other=place)


def _folded(path: str) -> str:
    """Return what is the same for names that macOS takes for one (canonical caseless match, Unicode D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def _with_folders(path: str) -> Iterator[str]:
    pieces = path.split("/")
    return ("/".join(pieces[:count]) for count in range(1, len(pieces) + 1))


def remark(paths: Iterable[str]) -> str:
    """Return a sentence about the names that Windows cannot hold, "" if there is none."""
    found = sorted(path for path in paths if any(map(_is_impossible, path.split("/"))))
    if not found:
        return ""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"Windows does not allow these names, so a clone fails there: {', '.join(found[:_SHOWN])}{more}."


def _is_impossible(name: str) -> bool:
    return bool(_RESERVED.match(name) or _FORBIDDEN.search(name)) or name.endswith((".", " "))
