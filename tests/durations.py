"""Where the time of a run goes: seconds by group of tests, elapsed and of the processor, printed at its end."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Generator
from dataclasses import dataclass

import pytest

_CPU = "processor seconds"
_SHOWN = 20


def _processor() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@dataclass
class _Spent:
    tests: int = 0
    seconds: float = 0.0
    processor: float = 0.0


class Durations:
    """A plugin: the processes that run tests measure, the one that the user started adds up and prints."""

    def __init__(self, group: Callable[[str], str]) -> None:
        """`group` returns the group of a node id."""
        self._group = group
        self._spent: defaultdict[str, _Spent] = defaultdict(_Spent)
        self._before = _processor()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add to a phase's report what it took of the processor; elapsed seconds are in it."""
        report = yield
        now = _processor()
        # User properties pass from phase to phase of a test; a phase's own value is the last.
        report.user_properties = [*report.user_properties, (_CPU, now - self._before)]
        self._before = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a phase to its test's group."""
        spent = self._spent[self._group(report.nodeid)]
        spent.tests += report.when == "call"
        spent.seconds += report.duration
        spent.processor += next((float(str(value)) for name, value in report.user_properties if name == _CPU), 0.0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the groups that took longest."""
        slowest = sorted(self._spent.items(), key=lambda item: -item[1].seconds)
        if not slowest:
            return
        terminalreporter.section("slowest groups of tests")
        terminalreporter.line(f"{'seconds':>8} {'processor':>10} {'tests':>6}  group")
        for name, spent in slowest[:_SHOWN]:
            terminalreporter.line(f"{spent.seconds:8.1f} {spent.processor:10.1f} {spent.tests:6}  {name}")
        rest = [spent for _, spent in slowest[_SHOWN:]]
        if rest:
            seconds, processor = sum(each.seconds for each in rest), sum(each.processor for each in rest)
            terminalreporter.line(
                f"{seconds:8.1f} {processor:10.1f} {sum(each.tests for each in rest):6}  {len(rest)} others"
            )
