"""`operations prove` on the local run: everything holds, and each assumption that is turned around is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations import command_line
from tests.integration.studio.conftest import FIRST_DOOR, Installation

pytestmark = pytest.mark.shares("projects", seconds=60)


def prove(installation: Installation, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    arguments = ["prove", "--on-local", "--domain", installation.domain, "--profile", FIRST_DOOR]
    code = command_line.main([*arguments, "--output", str(folder), *more])
    return code, json.loads((folder / "report.json").read_text(encoding="utf-8"))


def test_it(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_HOME", str(installation.run.home.path))
    code, report = prove(installation, tmp_path)
    print(json.dumps(report, indent=1)[:200000])
    assert code == 0
