"""A pytest plugin: which test runs which line, and how long it takes; tests that a mutant is run against are calm."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import coverage
import pytest
from hypothesis import HealthCheck, Phase, settings

# The same examples each time, and none is made smaller: that a test fails is all that is asked.
settings.register_profile(
    "mutants",
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
SEEN = os.environ.get("MUTANTS_SEEN", "")  # a folder; empty: nothing is recorded
ROOMS = ("custom_resources", "products")


def _worked() -> float:
    """Return how many seconds a processor has worked for this process, whatever else the machine does meanwhile."""
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


class Seen:
    """Records lines by test, and how long each works."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._coverage = coverage.Coverage(
            data_file=None, config_file=False, source=[str(root / each) for each in ROOMS]
        )
        self._coverage.start()
        self._seconds: dict[str, float] = defaultdict(float)  # of a processor
        self._took: dict[str, float] = defaultdict(float)
        self._failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        begun = _worked()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] += _worked() - begun

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._took[report.nodeid] += report.duration
        if report.failed:
            self._failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        lines = {
            str(Path(file).relative_to(self._root)): {
                line: [test for test in tests if test] for line, tests in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        seen = {"lines": lines, "seconds": self._seconds, "took": self._took, "failed": self._failed}
        (Path(SEEN) / f"{uuid4()}.json").write_text(json.dumps(seen), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Record in the processes that run tests."""
    distributing = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if SEEN and not distributing:
        config.pluginmanager.register(Seen(config.rootpath))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out stories that need a cloud of their own: they take minutes."""
    kept = [item for item in items if "ministack" not in _parameters(item).values()]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _parameters(item: pytest.Item) -> dict[str, Any]:
    return dict(item.callspec.params) if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
