"""Step 3: measure the model on the test set, beside always predicting the same, and log the run to MLflow.

Writes evaluation.json (SageMaker's model quality format), smoke.json (a few test rows, as they were read, with the
model's answers) and baseline.json. The deploy repository scores those rows before a model scores others, and compares
what it scores with the baseline. Here:
`python source_scripts/evaluation/evaluate.py --base DIR`
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tarfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_score, recall_score, roc_auc_score

CODE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CODE / "baseline"))
import baseline  # noqa: E402

THRESHOLD = 0.5  # of the probability, from which a row counts as positive
REPEATS = 200  # resamples of the test set, from which the standard deviations come


def metrics(truth: Sequence[float], predicted: Sequence[float]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the report. The baselines are those of always predicting the positive class's share, or the larger class.

    The standard deviations are those over resamples of the test set: how much a result owes to its few rows.
    """
    actual, probability = np.asarray(truth, dtype=int), np.asarray(predicted, dtype=float)
    rows = np.random.default_rng(0)
    samples = [rows.integers(len(actual), size=len(actual)) for _ in range(REPEATS)]
    resampled = [_values(actual[each], probability[each]) for each in samples if 0 < actual[each].sum() < len(actual)]
    report = {
        name: {"value": value, "standard_deviation": float(np.std([each[name] for each in resampled] or [0.0]))}
        for name, value in _values(actual, probability).items()
    }
    return {"binary_classification_metrics": report}


def _values(actual: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    decided, share = probability >= THRESHOLD, actual.mean()
    found = {
        "auc": roc_auc_score(actual, probability),
        "log_loss": log_loss(actual, probability),
        "baseline_log_loss": log_loss(actual, np.full(len(actual), share)),
        "accuracy": accuracy_score(actual, decided),
        "baseline_accuracy": max(share, 1 - share),
        "precision": precision_score(actual, decided, zero_division=0),
        "recall": recall_score(actual, decided, zero_division=0),
        "f1": f1_score(actual, decided, zero_division=0),
    }
    return {name: float(value) for name, value in found.items()}


def load_model(archive: Path) -> xgboost.Booster:
    """Read the model out of model.tar.gz."""
    with tarfile.open(archive) as packed:
        member = packed.extractfile("xgboost-model")
        if member is None:
            raise SystemExit(f"{archive.name} holds no xgboost-model.")
        booster = xgboost.Booster()
        booster.load_model(bytearray(member.read()))
    return booster


def smoke(known: Path, predicted: Sequence[float]) -> dict[str, object]:
    """Return the rows, a CSV file with a header line, that the deployed model must answer as this one does."""
    answers = [float(value) for value in predicted[: len(pd.read_csv(known))]]
    return {"content_type": "text/csv", "body": known.read_text(encoding="utf-8"), "predictions": answers}


def with_score(features: Path, predicted: Sequence[float]) -> dict[str, object]:
    """Return the baseline with the distribution of the scores, which are those of the test set: it is unseen."""
    scores = pd.Series(predicted, name="score")
    score: dict[str, object] = {"edges": baseline.edges(scores)}
    score["counts"] = baseline.counts(scores, score)
    return {**json.loads((features / "baseline.json").read_text(encoding="utf-8")), "score": score}


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
    features_folder = base / "features"
    documents = {
        "evaluation.json": report,
        "smoke.json": smoke(features_folder / "known.csv", predicted),
        "baseline.json": with_score(features_folder, predicted),
    }
    write(base / "evaluation", documents)
    print(json.dumps(report))
    sys.path.insert(0, str(CODE / "tracking"))
    import tracking

    values = {name: each["value"] for name, each in report["binary_classification_metrics"].items()}
    tracking.log(os.environ, configuration()["training"], values, base / "model" / "model.tar.gz")


if __name__ == "__main__":
    main()
