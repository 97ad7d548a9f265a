"""What all tests share: hypothesis without wall-clock checks (a busy machine is no failure), and where stories run."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.sharing import Sharing, group, order

_CALM = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("default", max_examples=60, **_CALM)
settings.register_profile("thorough", max_examples=2000, **_CALM)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Choose the cloud of the stories in tests/integration."""
    parser.addoption("--on", choices=("handlers", "ministack"), help="the cloud that tests/integration runs in")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that take longest begin first."""
    items.sort(key=lambda item: order(group(item.nodeid)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """Let tests that share something expensive run in one process."""
    return Sharing(config, log)
