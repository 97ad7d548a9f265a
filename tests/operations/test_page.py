"""The page of `status --html` in a browser: axe-core finds nothing against it, and it loads nothing."""

from __future__ import annotations

from pathlib import Path

from operations.fleet.page import page
from tests.operations.test_status import FLEET
from tests.standin.axe import violations


def test_axe_finds_nothing_against_the_page(tmp_path: Path) -> None:
    assert violations(page(FLEET), tmp_path) == []


def test_axe_finds_nothing_against_an_empty_page(tmp_path: Path) -> None:
    assert violations(page(FLEET.only([])), tmp_path) == []


def test_axe_would_find_something(tmp_path: Path) -> None:
    broken = page(FLEET).replace('role="img" aria-label=', 'role="img" data-label=')
    assert "role-img-alt" in {each["id"] for each in violations(broken, tmp_path)}
