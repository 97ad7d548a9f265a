"""A process that has imported the command line, and runs each command in a fork of itself.

A command has its own environment, output and exit code, as a process that a user starts; what it does not do is import
the same half a second's worth again. The first of each verb is started as users do (command_line.py).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

SOURCE = Path(__file__).resolve().parents[2]
SECONDS = 280
_USED = ("cloudformation", "secretsmanager", "s3", "ssm", "lambda", "logs", "datazone", "servicecatalog")


class Forks:
    """The process, from outside: one command at a time."""

    def __init__(self) -> None:
        """Start it. It ends when its input does: with this process, whatever happens."""
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.forks"],
            cwd=SOURCE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run `python -m local` with these arguments."""
        with tempfile.TemporaryDirectory(prefix="command-") as folder:
            files = [Path(folder) / name for name in ("output", "errors")]
            for file in files:
                file.touch()
            asked = {"arguments": list(arguments), "environment": dict(environment), "files": list(map(str, files))}
            code = json.loads(self._ask(json.dumps(asked)))
            return subprocess.CompletedProcess(arguments, code, *(file.read_text(encoding="utf-8") for file in files))

    def _ask(self, line: str) -> str:
        server = self._server
        assert server.stdin and server.stdout
        print(line, file=server.stdin, flush=True)
        return server.stdout.readline()


def _prepare() -> None:
    """Import what verbs import, and let botocore read the models of the services that they use."""
    from functools import cache

    import botocore.session

    from local import demo, dry_run, logs, projects, reports, run, studio, verbs, versions
    from local.cloud import Cloud

    assert all((demo, dry_run, logs, projects, reports, run, studio, verbs, versions))
    botocore.session.create_loader = cache(botocore.session.create_loader)
    for service in _USED:
        Cloud("http://127.0.0.1:9", "http://127.0.0.1:9").client(service)


def _command(arguments: Sequence[str], environment: Mapping[str, str], files: Sequence[str]) -> NoReturn:
    """Be `python -m local` from here on."""
    import runpy

    signal.alarm(SECONDS)  # which ends it
    for number, file in enumerate((os.devnull, *files)):
        os.dup2(os.open(file, os.O_RDWR), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["local", *arguments]
    code = 1
    try:
        runpy.run_module("local", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _serve(asked: IO[str], answers: IO[str]) -> None:
    for line in asked:
        command = json.loads(line)
        child = os.fork()
        if not child:
            _command(**command)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


if __name__ == "__main__":
    _prepare()
    _serve(sys.stdin, sys.stdout)
