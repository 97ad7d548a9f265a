"""The profile batch: what its build repository makes is what its deploy repository scores with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.templates.environments import NO_PYTHON, TEMPLATES, copied, environment, made, python

# Long: hundreds of megabytes are installed first, where test_notebooks.py has not done so.
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.shares("templates", seconds=20),
    pytest.mark.skipif(not python(), reason=NO_PYTHON),
]

FILES = {"model/model.tar.gz": "model.tar.gz"} | {
    f"evaluation/{each}.json": f"{each}.json" for each in ("baseline", "smoke")
}


def checkout(part: str, folder: Path) -> Path:
    """Return a copy of a part of the profile, as a clone would be, where `make setup` has been run."""
    installed = environment(TEMPLATES / "batch" / part)
    found = copied(TEMPLATES / "batch" / part, folder / part)
    (found / ".venv").symlink_to(installed)
    (installed / ".installed").touch()  # newer than the copy's lock
    return found


def test_a_model_of_other_columns_scores_without_a_change_of_the_deploy_repository(tmp_path: Path) -> None:
    """A data scientist leaves a column out, trains, and gives the model to the deploy repository."""
    build, deploy = checkout("model_build", tmp_path), checkout("model_deploy", tmp_path)
    config = (build / "config.toml").read_text(encoding="utf-8")
    without = config.replace('telephone = ["none", "yes"]\n', "")
    assert without != config
    (build / "config.toml").write_text(without, encoding="utf-8")
    done = made(build, "local")
    assert done.returncode == 0, done.stdout + done.stderr
    for made_there, name in FILES.items():
        shutil.copy(build / "build" / "local" / made_there, deploy / "sample_model" / name)
    done = made(deploy, "local")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 known rows got the scores that the evaluated model gave." in done.stdout
    report = json.loads((deploy / "build" / "local" / "drift" / "drift.json").read_text(encoding="utf-8"))
    assert "telephone" not in report["columns"]
    assert len(report["columns"]) == 17
    # Known rows of a model that are not its own: the trial notices.
    shutil.copy(TEMPLATES / "batch/model_deploy/sample_model/smoke.json", deploy / "sample_model")
    done = made(deploy, "local")
    assert done.returncode != 0
    assert "Known row" in done.stderr
