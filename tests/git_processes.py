"""Counts git's processes with their children: every one of them writes its start into a file (GIT_TRACE2_EVENT)."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "GIT_TRACE2_EVENT"


class Started:
    """The processes that were started in a block."""

    def __init__(self) -> None:
        """None yet."""
        self.commands: list[str] = []

    def __len__(self) -> int:
        """Return their number."""
        return len(self.commands)


@contextmanager
def counted() -> Iterator[Started]:
    """Count every git process that inherits this process's environment, and their children, whoever starts them."""
    import git  # noqa: F401  (GitPython asks for git's version when it is imported: once in a function's life)

    started, before = Started(), os.environ.get(VARIABLE)
    with tempfile.TemporaryDirectory() as directory:
        trace = Path(directory, "trace")
        os.environ[VARIABLE] = str(trace)
        try:
            yield started
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before
            lines = trace.read_text(encoding="utf-8", errors="replace").splitlines() if trace.exists() else []
            events = [json.loads(line) for line in lines]
            started.commands += [" ".join(event["argv"]) for event in events if event["event"] == "start"]
