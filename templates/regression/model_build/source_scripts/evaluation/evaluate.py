"""Measure the model on the test set and write evaluation.json. Runs in SageMaker's XGBoost image (Python 3.8)."""

from __future__ import annotations

import argparse
import json
import math
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path


def metrics(truth: Sequence[float], predicted: Sequence[float]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the report in SageMaker's model quality format."""
    errors = [a - b for a, b in zip(truth, predicted)]  # noqa: B905 -- the image's Python has no `strict`
    mean = sum(errors) / len(errors)
    mse = sum(error**2 for error in errors) / len(errors)
    deviation = math.sqrt(sum((error - mean) ** 2 for error in errors) / len(errors))
    return {
        "regression_metrics": {
            "mse": {"value": mse, "standard_deviation": deviation},
            "rmse": {"value": math.sqrt(mse), "standard_deviation": deviation},
            "mae": {"value": sum(map(abs, errors)) / len(errors), "standard_deviation": deviation},
        }
    }


def main() -> None:
    """Read model and test set, write the report."""
    import pandas as pd
    import xgboost

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=Path("/opt/ml/processing"))
    base = parser.parse_args().base
    booster = xgboost.Booster()
    with tempfile.TemporaryDirectory() as folder, tarfile.open(base / "model" / "model.tar.gz") as archive:
        archive.extract("xgboost-model", folder)
        booster.load_model(str(Path(folder) / "xgboost-model"))
    data = pd.read_csv(base / "test" / "test.csv", header=None)
    predicted = booster.predict(xgboost.DMatrix(data.iloc[:, 1:].to_numpy()))
    report = metrics(data.iloc[:, 0].tolist(), predicted.tolist())
    target = base / "evaluation" / "evaluation.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
