"""`python -m local env`: an administrator's commands work on the local run, as a role that the portfolio lists."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import CommandLine, Observer
from tests.e2e.forks import SOURCE

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.shares("the command line", seconds=75)]


def shell(cli: CommandLine, command: str) -> subprocess.CompletedProcess[str]:
    """Run a line as an administrator types it, with credentials of an account of AWS in the shell."""
    real = {"AWS_PROFILE": "production", "AWS_REGION": "eu-west-1", "AWS_SESSION_TOKEN": "of production"}
    line = f"eval \"$('{sys.executable}' -m local env)\" && {command.replace('python', sys.executable)}"
    environment = {**cli.environment(real), "PATH": os.environ["PATH"]}
    return subprocess.run(
        ["/bin/sh", "-c", line], cwd=SOURCE, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def told(cli: CommandLine, verb: str) -> tuple[int, dict[str, Any]]:
    done = shell(cli, f"python -m operations {verb} --json")
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_an_administrator_rehearses_with_one_line(cli: CommandLine, seen: Observer, tmp_path: Path) -> None:
    code, status = told(cli, f"status --keep '{tmp_path / 'fleet.json'}'")
    assert (code, status["problem"]) == (0, "")
    assert {each["live"] for each in status["versions"]} >= {"DEFAULT"}
    _, doctor = told(cli, "doctor")
    checks = {each["name"]: each for each in doctor["checks"]}
    assert [checks[name]["state"] for name in ("AWS account", "Deployment", "Launch path")] == ["ok"] * 3
    assert all(each["fix"].startswith(("npx ", "aws ", "python ", "git ")) for each in checks.values() if each["fix"])
    plan = told(cli, f"plan --version {status['versions'][-1]['version']}")
    assert plan[0] == 0, plan
    who = json.loads(cli.run("env").document["environment"] and shell(cli, f"python -c '{_IDENTITY}'").stdout)
    assert ":assumed-role/local-administrator/" in who
    assert seen.organization


_IDENTITY = 'import boto3, json; print(json.dumps(boto3.client("sts").get_caller_identity()["Arn"]))'


def test_a_second_look_makes_nothing_twice(cli: CommandLine) -> None:
    first, second = (cli.done("env")["environment"] for _ in range(2))
    assert first.keys() == second.keys()
    assert first["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert first["AWS_CONFIG_FILE"] == os.devnull
