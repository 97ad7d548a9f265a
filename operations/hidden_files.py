"""What a template's own .gitignore hides from its publication: Git does not track it, so no version has it."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from operations.git_runs import ask_git, run_git

# What tools leave behind, which nobody means to publish.
_LEFT_BEHIND = {
    "__pycache__",
    ".DS_Store",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "node_modules",
}


def hidden_files(folder: Path, parts: Collection[str]) -> tuple[str, ...]:
    """Return the files and folders that a .gitignore in a profile's part hides, by their paths from `folder`."""
    told = ask_git(folder, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    prefix = (ask_git(folder, "rev-parse", "--show-prefix") or "").strip()
    paths = [path for path in filter(None, (told or "").split("\0")) if not _LEFT_BEHIND & set(path.split("/"))]
    if not paths:
        return ()
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    done = run_git(folder, "check-ignore", "-v", "-z", "--stdin", stdin=asked)
    fields = os.fsdecode(done.stdout).split("\0")
    found = zip(fields[::4], fields[3::4], strict=False)  # where the pattern is, the path
    return tuple(sorted(path for place, path in found if _is_of_a_part(place, prefix, parts)))


def _is_of_a_part(place: str, prefix: str, parts: Collection[str]) -> bool:
    pieces = place.removeprefix(prefix).split("/")
    return place.startswith(prefix) and len(pieces) > 2 and pieces[1] in parts
