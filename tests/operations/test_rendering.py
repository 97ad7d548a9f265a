"""Publishing one version after another: the one before is rendered first, and stays as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from operations.errors import NotRendered
from operations.publish import publish
from operations.rendering import render_newest
from products.settings import PROJECT_ROOT
from tests.operations.test_publish import NOW, content


def test_two_versions_are_published_and_synthesized_without_a_step_between(tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    publish(content(), directory=versions, now=NOW)
    assert render_newest(versions) == "v1.0.0"
    [rendered] = versions.glob("*.v1.0.0.product.template.json")
    before = rendered.read_bytes()
    assert "v1.0.0" in json.loads(before)["Description"]
    publish(content(**{"NEW.md": "new\n"}), directory=versions, now=NOW)
    environment = {
        **os.environ,
        "MLOPS_VERSIONS_DIR": str(versions),
        "CDK_OUTDIR": str(tmp_path / "out"),
        "CDK_CONTEXT_JSON": '{"aws:cdk:bundling-stacks": []}',
        "CDK_VALIDATION": "false",
    }
    command = [sys.executable, "portfolio_app.py"]
    done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert rendered.read_bytes() == before
    assert render_newest(versions) == "", "both are rendered"


def test_what_cannot_be_rendered_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(content(), directory=tmp_path, now=NOW)
    settings = tmp_path / "settings.toml"
    settings.write_text('prefix = "NOT A PREFIX"\n', encoding="utf-8")
    monkeypatch.setenv("SETTINGS_FILE", str(settings))
    with pytest.raises(NotRendered, match=r"^v1\.0\.0 must be rendered before .* prefix"):
        render_newest(tmp_path)
