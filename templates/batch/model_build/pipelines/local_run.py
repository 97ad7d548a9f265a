"""The steps on this machine, one after the other, on the data in data/: no AWS account, no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.configuration import Configuration

REMOTE = ("AMAZON_DATAZONE_PROJECT", "ATHENA_WORKGROUP", "MLFLOW_TRACKING_URI")  # what would take a step to AWS


class StepFailed(Exception):
    """A step ended with an error, which it has printed."""


def run(root: Path, base: Path, configuration: Configuration) -> Mapping[str, Any]:
    """Run every step below `base`; return the report. Raises StepFailed."""
    if not any((root / "data").rglob("*.csv*")):
        raise StepFailed("There is no CSV file in data/ of this repository. Put a few rows there to run the steps on.")
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(root / "data", base / "input")
    options = [text for name, value in configuration.training.items() for text in (f"--{name}", str(value))]
    _step(root, "preprocessing/preprocess.py", base)
    _step(root, "training/train.py", base, options)
    _step(root, "evaluation/evaluate.py", base)
    return dict(json.loads((base / "evaluation" / "evaluation.json").read_text(encoding="utf-8")))


def verdict(report: Mapping[str, Any], limits: Mapping[str, float]) -> tuple[bool, str]:
    """Say whether the pipeline would register this model, by the conditions of definition.py."""
    metrics = report["binary_classification_metrics"]
    found = {name: each["value"] for name, each in metrics.items()}
    good = found["auc"] >= limits["auc"] and found["log_loss"] < found["baseline_log_loss"]
    words = "would register" if good else "would not register"
    return good, (
        f"AUC {found['auc']:.3f} ± {metrics['auc']['standard_deviation']:.3f} (limit {limits['auc']}), "
        f"log loss {found['log_loss']:.3f} (always predicting the share {found['baseline_log_loss']:.3f}): "
        f"the pipeline {words} this model."
    )


def _step(root: Path, script: str, base: Path, options: list[str] | None = None) -> None:
    print(f"== {script}", flush=True)
    command = [sys.executable, str(root / "source_scripts" / script), "--base", str(base), *(options or [])]
    here = {name: value for name, value in os.environ.items() if name not in REMOTE}
    done = subprocess.run(command, check=False, env={**here, "PYTHONDONTWRITEBYTECODE": "1"})
    if done.returncode:
        raise StepFailed(f"{script} failed; its message is above.")
