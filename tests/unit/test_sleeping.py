"""A sleep that takes no time is the test's own: threads that libraries keep go on waiting."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest

from tests import sleeping

TESTS = Path(__file__).parents[1]


def test_only_the_tests_own_thread_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    real: list[float] = []
    monkeypatch.setattr(time, "sleep", real.append)
    seconds = sleeping.noted(monkeypatch)
    time.sleep(7)
    thread = threading.Thread(target=lambda: time.sleep(60))
    thread.start()
    thread.join()
    assert (seconds, real) == ([7], [60])


def test_no_other_test_takes_the_sleep_of_every_thread() -> None:
    patched = re.compile(r'setattr\(\s*(\w+\.)*time, "sleep"|"time\.sleep"')
    mine = {Path(__file__), TESTS / "sleeping.py"}
    found = {file for file in TESTS.rglob("*.py") if "node_modules" not in file.parts and file not in mine}
    assert [str(file) for file in found if patched.search(file.read_text(encoding="utf-8"))] == []
