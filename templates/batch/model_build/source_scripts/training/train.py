"""Step 2: train XGBoost on the train set, stop early on the validation set, keep the best round.

In SageMaker the XGBoost image runs it in script mode. Here, `python source_scripts/training/train.py --base DIR` reads
DIR/train and DIR/validation and writes DIR/model/model.tar.gz, as SageMaker does. Hyperparameters are options.
"""

from __future__ import annotations

import argparse
import os
import tarfile
from pathlib import Path
from typing import Any

import pandas as pd
import xgboost

MODEL = "xgboost-model"  # the one file that the image's own server looks for


def matrix(folder: Path) -> xgboost.DMatrix:
    """Read a set: the label first, no header."""
    rows = pd.concat([pd.read_csv(path, header=None) for path in sorted(folder.glob("*.csv"))])
    return xgboost.DMatrix(rows.iloc[:, 1:].to_numpy(), label=rows.iloc[:, 0].to_numpy())


def train(parameters: dict[str, Any], train_set: xgboost.DMatrix, validation_set: xgboost.DMatrix) -> xgboost.Booster:
    """Return the model up to its best round."""
    parameters = dict(parameters)
    rounds = int(parameters.pop("num_round"))
    patience = int(parameters.pop("early_stopping_rounds", 0)) or None
    booster = xgboost.train(
        parameters,
        train_set,
        num_boost_round=rounds,
        evals=[(train_set, "train"), (validation_set, "validation")],
        early_stopping_rounds=patience,
        verbose_eval=25,
    )
    return booster[: booster.best_iteration + 1] if patience else booster


def options(arguments: list[str]) -> dict[str, str]:
    """Return `--name value` pairs. What SageMaker adds for itself is left out."""
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    found = {name.removeprefix("--"): value for name, value in pairs}
    return {name: value for name, value in found.items() if not name.startswith(("sagemaker", "sm_"))}


def main() -> None:
    """Train and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, help="read and write here, not where SageMaker's image does")
    known, others = parser.parse_known_args()
    inputs = known.base or Path(os.environ.get("SM_INPUT_DIR", "/opt/ml/input")) / "data"
    booster = train(options(others), matrix(inputs / "train"), matrix(inputs / "validation"))
    target = known.base / "model" if known.base else Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
    target.mkdir(parents=True, exist_ok=True)
    (target / MODEL).write_bytes(bytes(booster.save_raw("ubj")))
    if known.base:  # SageMaker packs the folder itself
        with tarfile.open(target / "model.tar.gz", "w:gz") as archive:
            archive.add(target / MODEL, MODEL)


if __name__ == "__main__":
    main()
