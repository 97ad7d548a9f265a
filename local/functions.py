"""Function processes that are forked from one which has imported what functions import, instead of begun from nothing.

MiniStack begins a process for a function's first event, after every change of its configuration, and after every event
that failed; four fifths of such a start are imports. The function's own code is imported in the fork, from its archive.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_SCRIPT = "_worker.py"  # MiniStack's, which speaks with it through the standard streams


def register() -> None:
    """Let MiniStack fork its Python functions.

    It does not where forks of a threaded process are not safe (macOS), and where the run's folder is too deep for the
    address of a socket (unix(7): 108 bytes).
    """
    from ministack.core import lambda_runtime

    if sys.platform != "linux":
        return
    multiprocessing.set_forkserver_preload(["local.function_imports"])
    try:
        forkserver.ensure_running()
    except OSError:
        return
    lambda_runtime.subprocess = _Subprocess


class _Subprocess:
    """What MiniStack uses of the module `subprocess`."""

    PIPE, STDOUT, DEVNULL = subprocess.PIPE, subprocess.STDOUT, subprocess.DEVNULL

    @staticmethod
    def Popen(command: list[str], **options: Any) -> Any:  # noqa: N802
        """Begin a process: a fork where it is a Python function's."""
        if command[0] == sys.executable and Path(command[-1]).name == _SCRIPT:
            return _Forked(command[-1], options["cwd"], options["env"])
        return subprocess.Popen(command, **options)


class _Forked:
    """A function's process, as `subprocess.Popen` would show it."""

    def __init__(self, script: str, folder: str, environment: Mapping[str, str]) -> None:
        pipes = [multiprocessing.Pipe(duplex=False) for _ in range(3)]
        (input_, to_input), (from_output, output), (from_errors, errors) = pipes
        theirs = (input_, output, errors)
        begun = (script, folder, dict(environment), theirs)
        self._process = multiprocessing.get_context("forkserver").Process(target=_function, args=begun, daemon=True)
        self._process.start()
        for end in theirs:
            end.close()
        self.stdin = os.fdopen(os.dup(to_input.fileno()), "w", buffering=1, encoding="utf-8")
        self.stdout, self.stderr = (
            os.fdopen(os.dup(end.fileno()), encoding="utf-8") for end in (from_output, from_errors)
        )
        for ours in (to_input, from_output, from_errors):
            ours.close()
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return how it ended, or None."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises TimeoutExpired."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(_SCRIPT, timeout or 0)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()


def _function(script: str, folder: str, environment: Mapping[str, str], streams: tuple[Connection, ...]) -> None:
    """Be that function from here on."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, buffering=1, encoding="utf-8", closefd=False)
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [script]
    with suppress(BrokenPipeError):
        runpy.run_path(script, run_name="__main__")
