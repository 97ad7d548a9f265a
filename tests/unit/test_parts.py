"""The two parts of a run hold every test once, and the measured one what ran measured before."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests import parts


@pytest.mark.parametrize(
    ("file", "cloud", "measured"),
    [
        ("tests/unit/test_limits.py", "", True),
        ("tests/synth/test_product.py", "", True),
        ("tests/integration/test_ownership.py", "handlers", True),
        ("tests/integration/test_ownership.py", "ministack", False),
        ("tests/integration/studio/test_prove.py", "", False),
        ("tests/security/test_launches.py", "", True),
        ("tests/security/test_bounds.py", "", False),
        ("tests/standin/github/test_git.py", "", False),
        ("tests/e2e/test_launch.py", "", False),
    ],
)
def test_a_test_is_measured_by_its_file_and_its_cloud(file: str, cloud: str, measured: bool) -> None:
    assert parts.measured(Path(file), cloud) is measured


def test_each_part_leaves_out_the_other_and_says_so() -> None:
    told: list[Any] = []
    hook = SimpleNamespace(pytest_deselected=told.extend)
    config = cast("pytest.Config", SimpleNamespace(hook=hook))

    def item(file: str, cloud: str = "") -> pytest.Item:
        called = {"callspec": SimpleNamespace(params={"cloud_name": cloud})} if cloud else {}
        return cast("pytest.Item", SimpleNamespace(path=parts.ROOT / file, **called))

    every = [
        item("tests/unit/test_limits.py"),
        item("tests/integration/test_app.py", "ministack"),
        item("tests/integration/test_app.py", "handlers"),
        item("tests/e2e/test_launch.py"),
    ]
    chosen, rest = list(every), list(every)
    parts.choose(config, chosen, "measured")
    parts.choose(config, rest, "rest")
    assert chosen == [every[0], every[2]]
    assert rest == [every[1], every[3]]
    assert told == [*rest, *chosen]


def test_each_pattern_finds_tests() -> None:
    for pattern in parts.MEASURED:
        assert list(parts.ROOT.glob(pattern)), pattern
