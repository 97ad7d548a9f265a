"""Tests that share something run in one process, those that take longest first, and the time of each is told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = """
import os, pathlib, pytest
from tests.durations import Durations
from tests.groups import Groups

def pytest_configure(config):
    groups = Groups(config)
    config.pluginmanager.register(groups, "groups")
    config.pluginmanager.register(Durations(groups.name), "durations")

@pytest.fixture(autouse=True)
def noted(request):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with (pathlib.Path(__file__).parent / "ran").open("a") as file:
        print(worker, request.node.nodeid, file=file)
"""
SHARES = "pytestmark = [pytest.mark.shares({name!r}, seconds={seconds})]\n"
TESTS = "import pytest\n{marks}@pytest.mark.parametrize('n', range(3))\ndef test_it(n): pass\n"
MODULES = {
    "test_a.py": "",
    "test_b.py": SHARES.format(name="short", seconds=2),
    "test_c.py": SHARES.format(name="long", seconds=9) + "pytestmark.append(pytest.mark.last)\n",
    "test_d.py": SHARES.format(name="long", seconds=9),
    "test_e.py": SHARES.format(name="short", seconds=2),
    "test_f.py": SHARES.format(name="long", seconds=9),
}


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for name, marks in MODULES.items():
        (tmp_path / name).write_text(TESTS.format(marks=marks))
    return tmp_path


def ran(suite: Path, *arguments: str) -> tuple[list[tuple[str, str]], str]:
    """Run the suite; return the process and the file of each test in its order, and the output."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, str(suite)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=suite, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in (suite / "ran").read_text().splitlines()]
    return [(worker, node.partition("::")[0]) for worker, node in lines], done.stdout


def told(output: str) -> dict[str, int]:
    """Return the number of tests by group, as the summary at the end has it."""
    rows = re.findall(r"^ +[\d.]+ +[\d.]+ +(\d+)  (.+)$", output, re.MULTILINE)
    return {group: int(number) for number, group in rows}


def test_alone_the_longest_group_is_first_and_the_last_is_last(suite: Path) -> None:
    order, output = ran(suite)
    files = list(dict.fromkeys(file for _, file in order))
    assert files == ["test_d.py", "test_f.py", "test_b.py", "test_e.py", "test_a.py", "test_c.py"]
    assert len(order) == 18
    assert told(output) == {"long": 9, "short": 6, "test_a.py": 3}


def test_with_xdist_a_group_runs_in_one_process(suite: Path) -> None:
    order, output = ran(suite, "-n", "3", "--dist", "loadscope", "--no-loadscope-reorder")
    for group in ({"test_b.py", "test_e.py"}, {"test_c.py", "test_d.py", "test_f.py"}):
        assert len({worker for worker, file in order if file in group}) == 1, group
    assert [file for _, file in order if file in ("test_c.py", "test_d.py", "test_f.py")][-3:] == ["test_c.py"] * 3
    assert len({worker for worker, _ in order}) > 1
    assert told(output) == {"long": 9, "short": 6, "test_a.py": 3}
