"""What all tests share: hypothesis without wall-clock checks (a busy machine is no failure), groups, durations."""

from __future__ import annotations

import gc
import os
from functools import cache
from typing import Any

import botocore.session
import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

from custom_resources.clients import repeating
from tests import parts
from tests.durations import Durations
from tests.groups import Groups
from tests.scratch import Scratch

_CALM: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("default", max_examples=60, **_CALM)
settings.register_profile("thorough", max_examples=2000, **_CALM)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# Sessions share what botocore reads of AWS's models: moto makes a new session for every test.
botocore.session.create_loader = cache(botocore.session.create_loader)


repeating.FIRST_SECONDS = 0.0  # what is repeated is counted, not waited for


def pytest_addoption(parser: pytest.Parser) -> None:
    """Choose the cloud of the stories in tests/integration, and a part of the tests."""
    parser.addoption("--on", choices=("handlers", "ministack"), help="the cloud that tests/integration runs in")
    parser.addoption("--part", choices=("measured", "rest"), help="what make coverage measures, or every other test")


@pytest.hookimpl(tryfirst=True)  # before pytest decides on its temporary folder
def pytest_configure(config: pytest.Config) -> None:
    """Say where tests write, group them, and measure where the time goes."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):  # xdist's own collects nothing
        gc.disable()  # until all tests are collected: a tenth of that time
    config.pluginmanager.register(Scratch(config), "scratch")
    groups = Groups(config)
    config.pluginmanager.register(groups, "groups")
    config.pluginmanager.register(Durations(groups.name), "durations")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the other part out, if one is chosen."""
    if part := config.getoption("--part"):
        parts.choose(config, items, part)


def pytest_collection_finish() -> None:
    """Let Python's search for garbage leave out what the collected tests are: a fifth of a quick test's time."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    """Write what `make coverage` measured here: xdist does not wait until one of its processes has ended."""
    if measuring := Coverage.current():
        measuring.save()
