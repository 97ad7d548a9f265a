"""Paths that the template never changes in the users' repository: those that .studio-template-ignore names.

It is written as .gitignore is, and git itself matches it: git-check-ignore, with the file as the repository's
`info/exclude`. Only the file at the top of the users' branch counts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from custom_resources.clients.git.objects import LINK, NONE, SUBMODULE, TREE, Objects
from custom_resources.clients.git.processes import Processes
from custom_resources.errors import GitTooSlow, IgnoreFileTooSlow, ObjectTooLarge
from custom_resources.template_content import IGNORE_FILE

LARGEST = 64 * 1024  # bytes of the file
MOST_SECONDS = 20.0  # for all paths; a fraction of a second is usual
_NOT_A_FILE = {LINK, SUBMODULE, TREE}  # git follows no link to a .gitignore either


def ignore_file(objects: Objects, tree: str) -> str:
    """Return the content of a tree's .studio-template-ignore, "" where it has none."""
    entry = objects.tree(tree).get(IGNORE_FILE, NONE)
    return "" if entry == NONE or entry.mode in _NOT_A_FILE else entry.sha


class Ignored:
    """Which paths a .studio-template-ignore names."""

    def __init__(self, processes: Processes, objects: Objects, content: str) -> None:
        """`content` is the file's, which is here; "" = there is no such file. Raises ObjectTooLarge."""
        self._processes = processes
        self._patterns = (objects.read(content, "blob") or b"") if content else b""
        self._known: dict[str, bool] = {}
        if len(self._patterns) > LARGEST:
            raise ObjectTooLarge(kind="file", name=IGNORE_FILE, size=len(self._patterns), limit=LARGEST)

    def of(self, paths: Iterable[str]) -> set[str]:
        """Return those paths of files that it names. One process; none for what it was asked before.

        Raises IgnoreFileTooSlow, since it would take as long when it is asked again.
        """
        asked = list(paths)
        unknown = [path for path in asked if path not in self._known] if self._patterns else []
        if unknown:
            named = self._matched(unknown)
            self._known.update((path, path in named) for path in unknown)
        return {path for path in asked if self._known.get(path)}

    def _matched(self, paths: list[str]) -> set[str]:
        """Ask git. A path begins with ./, or one that begins with a colon would be a pattern to it."""
        exclude = Path(self._processes.repository, "info", "exclude")
        exclude.parent.mkdir(exist_ok=True)
        exclude.write_bytes(self._patterns)
        names = "".join(f"./{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        with tempfile.TemporaryDirectory(prefix="ignored-", dir=self._processes.home) as empty:
            out = self._asked(names, empty)
        return {name.removeprefix("./") for name in out.decode("utf-8", "surrogateescape").split("\0") if name}

    def _asked(self, names: bytes, worktree: str) -> bytes:
        room = self._processes.seconds
        try:
            _, out = self._processes.run(
                *("check-ignore", "--no-index", "--stdin", "-z"),
                status=(0, 1),  # 1 = none of them
                stdin=names,
                environment={"GIT_WORK_TREE": worktree, "GIT_DIR": str(self._processes.repository)},
                directory=Path(worktree),
                offline=True,
                most=MOST_SECONDS,
            )
        except GitTooSlow:
            if room <= MOST_SECONDS:  # the function's time was at its end
                raise
            raise IgnoreFileTooSlow(name=IGNORE_FILE, limit=f"{MOST_SECONDS:.0f}") from None
        return out
