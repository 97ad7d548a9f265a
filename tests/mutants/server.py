"""Runs tests in forks of a process that has imported what is not ours: a mutant costs its tests, not their imports.

Each line of standard input is {"tests": [...], "timeout": seconds}, each of standard output {"code": ...}: pytest's, or
null where the tests were ended after their time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import boto3
import botocore.session
import coverage
import git
import github
import hypothesis
import moto
import nacl.public
import pydantic
import pytest
import werkzeug
import xdist
from aws_lambda_powertools import Logger, Metrics

PRELOADED = (boto3, botocore, coverage, git, github, hypothesis, moto, nacl, pydantic, werkzeug, xdist, Logger, Metrics)
OPTIONS = [
    "-x",
    "-p",
    "tests.mutants.noticing",
    "-p",
    "no:cacheprovider",
    "--no-header",
    "--tb=no",
    "--timeout=180",
]  # a mutant that never ends


def run(tests: list[str], timeout: float) -> int | None:
    """Return pytest's exit code; None when the time was over, which ends everything that the tests have started."""
    child = os.fork()
    if not child:
        os.setsid()
        with Path("mutant.log").open("w", encoding="utf-8") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            code = 3
            try:
                code = int(pytest.main([*OPTIONS, *tests]))
            finally:
                sys.stdout.flush()
                os._exit(code)
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _end_group(child)
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    _end_group(child)
    os.waitpid(child, 0)
    return None


def _end_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def main() -> None:
    """Answer until standard input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(json.dumps({"code": run(asked["tests"], asked["timeout"])}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
