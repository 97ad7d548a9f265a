"""The world that handler-level tests live in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.github import GitHubStandIn
from tests.integration.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with GitHubStandIn.running(tmp_path / "github") as github:
        yield World(github, tmp_path / "home")
