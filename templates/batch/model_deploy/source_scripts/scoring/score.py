"""Step 1: score rows. Each input file gets a file of the same name with its columns and one more, `score`.

Rows are encoded by the model's baseline.json, which model build wrote. In SageMaker it runs in the model's own image.
Here, it reads DIR/input, DIR/model/model.tar.gz and DIR/baseline/baseline.json:
`python source_scripts/scoring/score.py --base DIR`
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xgboost

CODE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CODE / "baseline"))
import baseline  # noqa: E402

SCORE = "score"


def inputs(folder: Path) -> list[Path]:
    """Return the CSV files (also gzipped) of a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and ".csv" in path.suffixes)
    if not paths:
        raise SystemExit(f"There is no CSV file in {folder}. Rows to score are files named *.csv or *.csv.gz.")
    return paths


def read(path: Path, known: Mapping[str, Any]) -> pd.DataFrame:
    """Read a file as texts. Ends with a sentence if it cannot be scored."""
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    except pd.errors.EmptyDataError:
        raise SystemExit(f"{path.name} is empty. It needs a header line.") from None
    rows.columns = [str(name).strip() for name in rows.columns]
    missing = [name for name in baseline.columns(known) if name not in rows.columns]
    if missing:
        raise SystemExit(
            f"{path.name} has no column {', '.join(missing)}. It has {', '.join(map(str, rows.columns))}. "
            "Correct the data, or deploy a model that was trained on other columns."
        )
    if SCORE in rows.columns:
        raise SystemExit(f"{path.name} has a column {SCORE}, where the model's answers go. Rename it.")
    for name in known["numbers"]:
        if len(rows) and pd.to_numeric(rows[name], errors="coerce").isna().all():
            raise SystemExit(f"{path.name}: the column {name} holds no number.")
    return rows


def load_model(archive: Path) -> xgboost.Booster:
    """Read the model out of model.tar.gz."""
    with tarfile.open(archive) as packed:
        member = packed.extractfile("xgboost-model")
        if member is None:
            raise SystemExit(f"{archive.name} holds no xgboost-model.")
        booster = xgboost.Booster()
        booster.load_model(bytearray(member.read()))
    return booster


def score(rows: pd.DataFrame, known: Mapping[str, Any], model: xgboost.Booster) -> pd.DataFrame:
    """Return the rows with the model's answers."""
    if rows.empty:
        return rows.assign(**{SCORE: []})
    features = baseline.encode(rows, known).to_numpy()
    return rows.assign(**{SCORE: model.predict(xgboost.DMatrix(features))})


def main() -> None:
    """Score every file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=Path("/opt/ml/processing"))
    base = parser.parse_args().base
    known = json.loads((base / "baseline" / "baseline.json").read_text(encoding="utf-8"))
    model = load_model(base / "model" / "model.tar.gz")
    for path in inputs(base / "input"):
        scored = score(read(path, known), known, model)
        target = base / "predictions" / path.relative_to(base / "input")
        target.parent.mkdir(parents=True, exist_ok=True)
        scored.to_csv(target, index=False)
        print(f"{path.name}: {len(scored)} rows")


if __name__ == "__main__":
    main()
