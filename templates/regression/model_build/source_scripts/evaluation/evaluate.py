"""Step 3: measure the model on the test set, beside always predicting the mean, and log the run to MLflow.

Writes evaluation.json (SageMaker's model quality format) and smoke.json: a few test rows with the model's answers. The
deploy repository compares an endpoint's answers with them. Here:
`python source_scripts/evaluation/evaluate.py --base DIR`
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tarfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import xgboost

CODE = Path(__file__).resolve().parent.parent
SMOKE_ROWS = 5


def metrics(truth: Sequence[float], predicted: Sequence[float]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the report. `baseline_rmse` is the error of always predicting the mean."""
    errors = [a - b for a, b in zip(truth, predicted, strict=True)]
    mean = sum(errors) / len(errors)
    mse = sum(error**2 for error in errors) / len(errors)
    deviation = math.sqrt(sum((error - mean) ** 2 for error in errors) / len(errors))
    middle = sum(truth) / len(truth)
    baseline = math.sqrt(sum((value - middle) ** 2 for value in truth) / len(truth))
    return {
        "regression_metrics": {
            "mse": {"value": mse, "standard_deviation": deviation},
            "rmse": {"value": math.sqrt(mse), "standard_deviation": deviation},
            "mae": {"value": sum(map(abs, errors)) / len(errors), "standard_deviation": deviation},
            "baseline_rmse": {"value": baseline, "standard_deviation": 0.0},
        }
    }


def load_model(archive: Path) -> xgboost.Booster:
    """Read the model out of model.tar.gz."""
    with tarfile.open(archive) as packed:
        member = packed.extractfile("xgboost-model")
        if member is None:
            raise SystemExit(f"{archive.name} holds no xgboost-model.")
        booster = xgboost.Booster()
        booster.load_model(bytearray(member.read()))
    return booster


def smoke(features: pd.DataFrame, predicted: Sequence[float]) -> dict[str, object]:
    """Return the rows that the deployed model must answer as this one does."""
    rows = [",".join(str(value) for value in row) for row in features.head(SMOKE_ROWS).to_numpy().tolist()]
    return {"content_type": "text/csv", "rows": rows, "predictions": [float(value) for value in predicted[:SMOKE_ROWS]]}


def write(folder: Path, documents: dict[str, object]) -> None:
    """Write each document as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=1), encoding="utf-8")


def configuration() -> dict[str, dict[str, object]]:
    """Read config.toml, which lies beside the scripts in SageMaker, and above them in the repository."""
    path = next(path for path in (CODE / "config.toml", CODE.parent / "config.toml") if path.exists())
    return tomllib.loads(path.read_text(encoding="utf-8"))


def main() -> None:
    """Read model and test set, write the reports, log them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=Path("/opt/ml/processing"))
    base = parser.parse_args().base
    test = pd.read_csv(base / "test" / "test.csv", header=None)
    features = test.iloc[:, 1:]
    predicted = load_model(base / "model" / "model.tar.gz").predict(xgboost.DMatrix(features.to_numpy())).tolist()
    report = metrics(test.iloc[:, 0].tolist(), predicted)
    write(base / "evaluation", {"evaluation.json": report, "smoke.json": smoke(features, predicted)})
    print(json.dumps(report))
    sys.path.insert(0, str(CODE / "tracking"))
    import tracking

    values = {name: each["value"] for name, each in report["regression_metrics"].items()}
    tracking.log(os.environ, configuration()["training"], values, base / "model" / "model.tar.gz")


if __name__ == "__main__":
    main()
