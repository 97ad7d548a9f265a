"""One running local cloud for all tests; each has projects of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.home import Home
from tests.e2e.command_line import CommandLine, Observer
from tests.sharing import synthesized_before


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path_factory.mktemp("local"))
    synthesized_before(Home(line.home), tmp_path_factory)
    line.done("up")
    try:
        yield line
    finally:
        line.run("down", "--wipe")


@pytest.fixture(scope="session")
def seen(cli: CommandLine) -> Observer:
    return Observer(cli)
