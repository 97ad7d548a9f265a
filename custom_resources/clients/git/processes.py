"""Running git through GitPython: with settings of our own only, and with a time limit.

The token is in the environment (GIT_CONFIG_*) of those processes that may fetch by themselves; it is in no argument,
configuration file or log.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, cast

from custom_resources.clients.git.failures import GitFailed
from custom_resources.clients.git.model import LARGEST_ALLOCATION
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.errors import GitMissing, GitTooSlow

TIME_LIMIT_SECONDS = 240  # less than any function has: it must still answer; less yet, where the call began before
_BLOCK = 1 << 16  # bytes that are given to a process at once
NOTHING: Mapping[str, str] = MappingProxyType({})
# Git ends rather than take more memory at once (GIT_ALLOC_LIMIT in wrapper.c of its source): for processes that read
# commits and folders that users made, and for those that read contents, of which GitHub takes 100 MB.
MODEST: Mapping[str, str] = MappingProxyType({"GIT_ALLOC_LIMIT": str(LARGEST_ALLOCATION)})
GENEROUS: Mapping[str, str] = MappingProxyType({"GIT_ALLOC_LIMIT": str(2 * LARGEST_ALLOCATION)})
_SETTINGS = {
    "credential.helper": "",
    "pack.useSparse": "false",  # a moved file is not sent again, nor fetched to be sent,
    "pack.window": "0",  # nor is an old content, to make a delta of it
    "core.quotePath": "false",
    "core.hooksPath": "/dev/null",
    "core.fsync": "none",  # the repository lives for one call
    "gc.auto": "0",
    "maintenance.auto": "false",
    "init.defaultBranch": "main",
    "fastimport.unpackLimit": "0",  # one process, not two
}
_VARIABLES = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ATTR_NOSYSTEM": "1",
    "GCM_INTERACTIVE": "never",
    "LC_ALL": "C",
}


class Processes:
    """Git's processes in one bare repository. Raises GitFailed for a bad end, RetryLater for one that takes too long.

    `remote` returns the settings with which git reaches the remote; a process gets them that may have to fetch.
    """

    def __init__(
        self,
        home: Path,
        repository: Path,
        remote: Callable[[], Mapping[str, str]],
        limit: RequestLimit | None = None,
    ) -> None:
        """`home` is a folder for git's own use; nothing is run yet."""
        self._limit = limit or RequestLimit()
        self.home = home
        self.repository = repository
        self._remote = remote

    @property
    def seconds(self) -> float:
        """How long a process may take that starts now. Raises OutOfTime."""
        return self._limit.left(TIME_LIMIT_SECONDS)

    def environment(self, offline: bool = False, settings: Mapping[str, str] = NOTHING) -> dict[str, str]:
        """Return the variables of a process, with more settings."""
        settings = {**_SETTINGS, **({} if offline else self._remote()), **settings}
        found = {**_VARIABLES, "HOME": str(self.home), "GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings.items()):
            found[f"GIT_CONFIG_KEY_{number}"] = key
            found[f"GIT_CONFIG_VALUE_{number}"] = value
        return found

    def start(
        self,
        arguments: Sequence[str],
        stdin: BinaryIO | int | None,
        *,
        variables: Mapping[str, str] = NOTHING,
        directory: Path | None = None,
        offline: bool = False,
        settings: Mapping[str, str] = NOTHING,
    ) -> subprocess.Popen[bytes]:
        """Start a process, for one that is talked to; who starts it ends it."""
        from git import Git as GitCommand
        from git.exc import GitCommandNotFound

        try:
            started = GitCommand(str(directory or self.home)).execute(
                ["git", "--git-dir", str(self.repository), *arguments],
                as_process=True,
                istream=stdin,
                env={**self.environment(offline, settings), **variables},
                start_new_session=True,  # so that its children end with it
            )
        except GitCommandNotFound as error:
            raise GitMissing from error
        process, started.proc = started.proc, None  # GitPython would end it by its own rules
        return cast("subprocess.Popen[bytes]", process)

    @contextmanager
    def _running(
        self, arguments: Sequence[str], stdin: BinaryIO | int, **options: Any
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Yield a process; it is killed when the block fails."""
        with self.start(arguments, stdin, **options) as process:
            try:
                yield process
            except BaseException:
                kill(process)
                if process.stdin:
                    with suppress(OSError):
                        process.stdin.close()
                raise

    def run(
        self,
        *arguments: str,
        status: Sequence[int] = (0,),
        stdin: bytes | BinaryIO = b"",
        environment: Mapping[str, str] = NOTHING,
        directory: Path | None = None,
        offline: bool = False,
        most: float = 0,
    ) -> tuple[int, bytes]:
        """Run git to its end; return its status, which is one of `status`, and its output.

        It may take `most` seconds (0 = TIME_LIMIT_SECONDS).
        """
        options = {"variables": environment, "directory": directory, "offline": offline}
        with _file(stdin) as given, self._running(arguments, given, **options) as process:
            out, error = finish(process, arguments[0], self._limit.left(most or TIME_LIMIT_SECONDS))
        if process.returncode not in status:
            raise GitFailed(arguments[0], process.returncode, f"{_text(error)}\n{_text(out)}")
        return process.returncode, out

    def feed(
        self, *arguments: str, blocks: Iterable[bytes], settings: Mapping[str, str], environment: Mapping[str, str]
    ) -> None:
        """Run git without the remote, give it data as they come, and wait for its end."""
        with self._running(
            arguments, subprocess.PIPE, offline=True, settings=settings, variables=environment
        ) as process:
            stdin = cast("BinaryIO", process.stdin)
            with (
                suppress(BrokenPipeError),
                limited(process, arguments[0], self.seconds),
            ):  # its status and its words say why
                for block in blocks:
                    stdin.write(block)
            _, error = finish(process, arguments[0], self.seconds)
        if process.returncode:
            raise GitFailed(arguments[0], process.returncode, _text(error))

    def pour(self, *arguments: str, stdin: bytes, into: BinaryIO, most: int = 0) -> None:
        """Run git and append its output to a file; where it has more than `most` bytes, only the beginning."""
        with _file(stdin) as given, self._running(arguments, given) as process:
            out = cast("BinaryIO", process.stdout)
            try:
                with limited(process, arguments[0], self.seconds):
                    while block := out.read(_BLOCK):
                        into.write(block)
                        if most and into.tell() > most:
                            kill(process)
                            return
            except OSError as error:
                raise GitFailed(arguments[0], 1, str(error)) from None
            _, said = finish(process, arguments[0], self.seconds)
        if process.returncode:
            raise GitFailed(arguments[0], process.returncode, _text(said))


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace")


def finish(process: subprocess.Popen[bytes], command: str, seconds: float) -> tuple[bytes, bytes]:
    """Wait for the end of a process; return what it wrote. Raises GitTooSlow when it takes longer than `seconds`."""
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill(process)
        raise _too_long(command, seconds) from None


@contextmanager
def limited(process: subprocess.Popen[bytes], command: str, seconds: float) -> Iterator[None]:
    """Kill the process when the block takes longer than `seconds`, which ends its streams. Raises GitTooSlow then."""
    killed = threading.Event()

    def end() -> None:
        killed.set()
        kill(process)

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if killed.is_set():
            raise _too_long(command, seconds)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children at once."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _too_long(command: str, seconds: float) -> GitTooSlow:
    return GitTooSlow(5, command=command, limit=f"{seconds:.0f}")


@contextmanager
def _file(content: bytes | BinaryIO) -> Iterator[BinaryIO]:
    if not isinstance(content, bytes):
        yield content
        return
    with cast("BinaryIO", tempfile.TemporaryFile()) as given:
        given.write(content)
        given.seek(0)
        yield given
