"""The steps on this machine, one after the other, on the prompts in data/.

Without AWS and network they get recorded answers; with `bedrock`, the models of config.toml answer as you.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines import gate

REMOTE = ("AMAZON_DATAZONE_PROJECT", "ATHENA_WORKGROUP", "MLFLOW_TRACKING_URI")  # what would take a step to AWS
STEPS = ("preprocessing/preprocess.py", "generation/generate.py", "judging/judge.py", "evaluation/evaluate.py")
verdict = gate.verdict


class StepFailed(Exception):
    """A step ended with an error, which it has printed."""


def run(root: Path, base: Path, answers: str = "good", *, bedrock: bool = False, sample: int = 0) -> Mapping[str, Any]:
    """Run every step below `base`; return the report. `answers`: good or bad ones. Raises StepFailed."""
    if not any((root / "data").rglob("*.csv*")):
        raise StepFailed("There is no CSV file in data/ of this repository. Put a few rows there to run the steps on.")
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(root / "data", base / "input")
    options = [] if bedrock else ["--recorded", str(root / "data" / "recorded" / "answers.jsonl"), "--answers", answers]
    for script in STEPS:
        _step(root, script, base, [*options, *(["--sample", str(sample)] if sample else [])])
    return dict(json.loads((base / "evaluation" / "evaluation.json").read_text(encoding="utf-8")))


def _step(root: Path, script: str, base: Path, options: list[str]) -> None:
    print(f"== {script}", flush=True)
    command = [sys.executable, str(root / "source_scripts" / script), "--base", str(base), *options]
    here = {name: value for name, value in os.environ.items() if name not in REMOTE}
    done = subprocess.run(command, check=False, env={**here, "PYTHONDONTWRITEBYTECODE": "1"})
    if done.returncode:
        raise StepFailed(f"{script} failed; its message is above.")
