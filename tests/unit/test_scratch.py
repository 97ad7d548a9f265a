"""Tests write into memory where there is room, and leave nothing there but what a failed run wrote."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from tests import scratch
from tests.scratch import ROOM, SPARE, Scratch, remove_left, roomy


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that passes for the memory's, with much room."""
    monkeypatch.setattr(scratch, "IN_MEMORY", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=SPARE))
    monkeypatch.setattr(os, "statvfs", lambda folder: SimpleNamespace(f_bavail=ROOM, f_frsize=1, f_flag=0))
    monkeypatch.setenv("TMPDIR", "before")  # restored at the end, whatever happens
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)
    return tmp_path


def a_config(**more: Any) -> pytest.Config:
    return cast("pytest.Config", SimpleNamespace(option=SimpleNamespace(basetemp=None), **more))


@pytest.mark.parametrize(
    ("room", "flag", "taken"), [(ROOM, 0, True), (ROOM - 1, 0, False), (ROOM, os.ST_NOEXEC, False)]
)
def test_memory_is_taken_where_there_is_room_and_programs_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, flag: int, taken: bool
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda folder: SimpleNamespace(f_bavail=room, f_frsize=1, f_flag=flag))
    assert roomy(tmp_path, SPARE) is taken
    assert not roomy(tmp_path, SPARE - 1)
    assert not roomy(tmp_path / "absent", SPARE)


@pytest.mark.parametrize(("status", "left"), [(pytest.ExitCode.OK, False), (pytest.ExitCode.TESTS_FAILED, True)])
def test_what_a_run_wrote_goes_unless_it_failed(memory: Path, status: pytest.ExitCode, left: bool) -> None:
    config = a_config()
    plugin = Scratch(config)
    (own,) = memory.iterdir()
    assert os.environ["TMPDIR"] == tempfile.gettempdir() == str(own)
    assert Path(config.option.basetemp).parent == own
    assert own.stat().st_mode & 0o777 == 0o700
    plugin.pytest_sessionfinish(status)
    plugin.pytest_unconfigure()
    assert own.exists() is left


def test_a_process_of_xdist_and_a_user_with_a_choice_keep_their_folder(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Scratch(a_config(workerinput={}))
    chosen = a_config()
    chosen.option.basetemp = "mine"
    Scratch(chosen)
    assert chosen.option.basetemp == "mine"
    monkeypatch.setenv("TMPDIR", "mine")
    Scratch(a_config())
    assert list(memory.iterdir()) == []


def test_only_what_ended_runs_left_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f"tests-{ended.pid}", f"tests-{os.getpid()}", "tests-of-somebody", "other"):
        (tmp_path / name).mkdir()
    remove_left(tmp_path)
    assert {folder.name for folder in tmp_path.iterdir()} == {f"tests-{os.getpid()}", "tests-of-somebody", "other"}
