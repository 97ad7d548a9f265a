"""Tests of the stand-ins change as seldom as those do: they are not in `make test` (docs/decisions/0103)."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder."""
    here = Path(__file__).parent.parts
    for item in items:
        if item.path.parts[: len(here)] == here:
            item.add_marker(pytest.mark.standins)
