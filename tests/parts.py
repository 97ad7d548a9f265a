"""The two parts of a whole run: `measured` is what `make coverage` measures, `rest` is every other test.

So that a clean checkout runs no test twice (.ci/run). What is measured runs our code in the test's own process or in
one that it starts itself; what MiniStack runs cannot be measured, and what takes the command line is mostly waiting.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MEASURED = (
    "tests/unit/*",
    "tests/synth/*",
    "tests/integration/test_*.py",
    "tests/operations/*",
    "tests/security/test_launches.py",
    "tests/security/test_approvals.py",
    "tests/security/test_adoption.py",
)


def measured(file: Path, cloud: str) -> bool:
    """Tell whether a test is of the measured part: by its file below the project's root, and its story's cloud."""
    return cloud != "ministack" and any(
        file.match(pattern) and len(file.parts) == len(Path(pattern).parts) for pattern in MEASURED
    )


def choose(config: pytest.Config, items: list[pytest.Item], part: str) -> None:
    """Deselect the tests of the other part."""

    def belongs(item: pytest.Item) -> bool:
        called = getattr(item, "callspec", None)
        cloud = called.params.get("cloud_name", "") if called else ""
        return measured(item.path.relative_to(ROOT), cloud) == (part == "measured")

    config.hook.pytest_deselected(items=[item for item in items if not belongs(item)])
    items[:] = [item for item in items if belongs(item)]
