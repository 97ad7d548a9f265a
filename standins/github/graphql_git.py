"""Git objects as GraphQL shows them: what a revision names, as `git rev-parse` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standins.github.bare import Bare, Entry
from standins.github.messages import Json

_LARGEST_TEXT = 512 * 1024  # of a larger blob `text` is null, and `isTruncated` true


def named(bare: Bare, arguments: Mapping[str, Any]) -> Json | None:
    """Return the object of `expression` or `oid`; null for none, which is no error on GitHub either."""
    wanted = arguments.get("oid") or arguments.get("expression")
    name = bare.resolve(str(wanted)) if wanted else ""
    return shown(bare, name) if name else None


def shown(bare: Bare, name: str) -> Json | None:
    """Return an object by its name; null for a tag, which nothing asks for here."""
    kind = bare.text("cat-file", "-t", name)
    if kind == "commit":
        return commit(bare, name)
    if kind == "tree":
        entries = [_entry(bare, each) for each in bare.entries(name)]
        return {"__typename": "Tree", "oid": name, "abbreviatedOid": name[:7], "entries": entries}
    return _blob(bare, name) if kind == "blob" else None


def commit(bare: Bare, name: str) -> Json | None:
    """Return a commit by its name."""
    found = bare.commit(name)
    if found is None:
        return None
    headline, _, body = found.message.partition("\n")
    return {
        "__typename": "Commit",
        "oid": found.sha,
        "abbreviatedOid": found.sha[:7],
        "message": found.message,
        "messageHeadline": headline,
        "messageBody": body.strip(),
        "committedDate": found.committer.date,
        "authoredDate": found.author.date,
        "tree": lambda _: shown(bare, found.tree),
    }


def _entry(bare: Bare, entry: Entry) -> Json:
    return {
        "__typename": "TreeEntry",
        "name": entry.path.rpartition("/")[2],
        "path": entry.path,
        "type": entry.type,
        "mode": int(entry.mode, 8),
        "oid": entry.sha,
        "object": lambda _: shown(bare, entry.sha) if entry.type != "commit" else None,
    }


def _blob(bare: Bare, name: str) -> Json:
    content = bare.blob(name)
    binary = b"\0" in content[:8000]
    large = len(content) > _LARGEST_TEXT
    return {
        "__typename": "Blob",
        "oid": name,
        "abbreviatedOid": name[:7],
        "byteSize": len(content),
        "isBinary": binary,
        "isTruncated": large,
        "text": None if binary or large else content.decode("utf-8", "replace"),
    }
