"""Where tests write: into memory, where there is room for it.

They make and remove some hundred thousand small files, most of them git's. On a disk a good part of the kernel's work
for them is the search for inodes that were not deleted just now (ext4), and every process waits in the disk's queue.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psutil
import pytest

IN_MEMORY = Path("/dev/shm")
ROOM = 3 << 30  # bytes; a whole run takes a tenth, as what a passing test wrote is removed when it ends
SPARE = 8 << 30  # bytes of memory; the processes of a whole run take half
_PREFIX = "tests-"  # and the number of the process: short, as addresses of sockets are (unix(7): 108 bytes)


def roomy(folder: Path, memory: int) -> bool:
    """Tell whether a folder in memory takes what a run writes: writable, with room, and programs may run in it.

    `memory`: bytes that processes may still take.
    """
    if memory < SPARE or not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC


def remove_left(folder: Path) -> None:
    """Remove what runs of this user left that have ended: a failed one keeps its files until the next."""
    for left in folder.glob(f"{_PREFIX}*"):
        number = left.name.removeprefix(_PREFIX)
        if number.isdecimal() and left.stat().st_uid == os.getuid() and not psutil.pid_exists(int(number)):
            shutil.rmtree(left, ignore_errors=True)


class Scratch:
    """A plugin: the process that the user started chooses the folder, those of xdist inherit it."""

    def __init__(self, config: pytest.Config) -> None:
        """Choose a folder in memory, unless the user has chosen another (TMPDIR, --basetemp)."""
        self._made: Path | None = None
        self._passed = False
        chosen = hasattr(config, "workerinput") or "TMPDIR" in os.environ or config.option.basetemp
        if not chosen and roomy(IN_MEMORY, psutil.virtual_memory().available):
            remove_left(IN_MEMORY)
            self._made = IN_MEMORY / f"{_PREFIX}{os.getpid()}"
            self._made.mkdir(mode=0o700)
            os.environ["TMPDIR"] = tempfile.tempdir = str(self._made)
            config.option.basetemp = str(self._made / "b")

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Note whether anything failed."""
        self._passed = exitstatus == pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the files of failed tests are."""
        if self._made and not self._passed:
            terminalreporter.line(f"What failed tests wrote is in {self._made} until the next run.")

    def pytest_unconfigure(self) -> None:
        """Remove the folder after a run in which nothing failed."""
        if self._made and self._passed:
            shutil.rmtree(self._made, ignore_errors=True)
