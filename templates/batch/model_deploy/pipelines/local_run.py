"""The steps on this machine, one after the other, with the sample model on data/: no AWS account, no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deployment import smoke_test
from pipelines.configuration import Configuration

MODEL = "sample_model"  # what model build's `make local` writes


class StepFailed(Exception):
    """A step ended with an error, which it has printed."""


def run(root: Path, base: Path, configuration: Configuration) -> tuple[int, Mapping[str, Any]]:
    """Score the known rows, then data/; return how many known rows answered, and the drift report.

    Raises StepFailed, and DeploymentError if a known row is answered otherwise than it was.
    """
    if not any((root / "data").rglob("*.csv*")):
        raise StepFailed("There is no CSV file in data/ of this repository. Put a few rows there to score.")
    shutil.rmtree(base, ignore_errors=True)
    known = smoke_test.KnownRows.of((root / MODEL / smoke_test.FILE).read_text(encoding="utf-8"))
    trial = _base(root, base / "known")
    (trial / "input" / "known.csv").write_text(known.body, encoding="utf-8")
    _step(root, "scoring/score.py", trial)
    scored = (trial / "predictions" / "known.csv").read_text(encoding="utf-8")
    asked = smoke_test.compare(known, scored, configuration.smoke_test.tolerance)
    shutil.copytree(root / "data", _base(root, base) / "input", dirs_exist_ok=True)
    for script in ("scoring/score.py", "drift/drift.py"):
        _step(root, script, base)
    return asked, dict(json.loads((base / "drift" / "drift.json").read_text(encoding="utf-8")))


def _base(root: Path, base: Path) -> Path:
    """Lay out what a step gets in SageMaker, but for its rows."""
    for folder in ("input", "model", "baseline"):
        (base / folder).mkdir(parents=True)
    shutil.copy(root / MODEL / "model.tar.gz", base / "model")
    shutil.copy(root / MODEL / "baseline.json", base / "baseline")
    return base


def _step(root: Path, script: str, base: Path) -> None:
    print(f"== {script}", flush=True)
    command = [sys.executable, str(root / "source_scripts" / script), "--base", str(base)]
    here = {name: value for name, value in os.environ.items() if name != "SCORING_TABLE"}
    done = subprocess.run(command, check=False, env={**here, "PYTHONDONTWRITEBYTECODE": "1"})
    if done.returncode:
        raise StepFailed(f"{script} failed; its message is above.")
