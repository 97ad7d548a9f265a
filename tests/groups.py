"""Which tests run in one process, and in which order: by marks, told to xdist, which knows only the tests' names."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

_FILE = "file of the tests' groups"


def _shared(item: pytest.Item) -> tuple[str, float]:
    """Return the name of what a test shares and about how many seconds its tests take; ("", 0) if it shares nothing."""
    mark = item.get_closest_marker("shares")
    return (str(mark.args[0]), float(mark.kwargs["seconds"])) if mark else ("", 0.0)


class Groups:
    """A plugin: tests that are marked with the same `shares` are a group, all others are grouped by file."""

    def __init__(self, config: pytest.Config) -> None:
        """Without xdist there is one process, and with it a folder in which its processes tell what they collected."""
        self._names: dict[str, str] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        worker: dict[str, Any] = getattr(config, "workerinput", {})
        self._file = Path(worker[_FILE]) if worker else None

    def name(self, node_id: str) -> str:
        """Return the name of a test's group."""
        if not self._names and self._folder:
            for file in Path(self._folder.name).iterdir():
                self._names.update(json.loads(file.read_text(encoding="utf-8")))
        return self._names.get(node_id) or node_id.partition("::")[0]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put groups together, those that take longest first, and at the end what is marked to be the last."""

        def place(item: pytest.Item) -> tuple[bool, float, str]:
            name, seconds = _shared(item)
            return item.get_closest_marker("last") is not None, -seconds, name

        items.sort(key=place)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the groups, for xdist's process, too."""
        self._names = {item.nodeid: name for item in session.items if (name := _shared(item)[0])}
        if self._file:
            self._file.write_text(json.dumps(self._names), encoding="utf-8")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        """Tell one of xdist's processes where to note its groups."""
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="groups-of-tests-")
        node.workerinput[_FILE] = str(Path(self._folder.name) / node.gateway.id)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> LoadScopeScheduling:
        """Schedule by group. (xdist's own `loadgroup` changes node ids, which pytest 9 does not let it do.)"""
        scheduling = LoadScopeScheduling(config, log)
        scheduling._split_scope = self.name
        return scheduling

    def pytest_unconfigure(self) -> None:
        """Remove the folder."""
        if self._folder:
            self._folder.cleanup()
