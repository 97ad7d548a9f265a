"""Step 1: score rows. Each input file gets a file of the same name with its columns and one more, `score`.

With SCORING_TABLE the rows are those of a table, read by Athena as the project's role. Rows are encoded by the model's
baseline.json, which model build wrote. In SageMaker it runs in the model's own image.
Here, it reads DIR/input, DIR/model/model.tar.gz and DIR/baseline/baseline.json:
`python source_scripts/scoring/score.py --base DIR`
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tarfile
from collections.abc import Iterator, Mapping
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
    except (pd.errors.ParserError, UnicodeDecodeError, OSError, EOFError) as error:
        raise SystemExit(
            f"{path.name} cannot be read: {str(error).strip()}. It has to be a CSV file in UTF-8."
        ) from error
    return usable(rows, path.name, known)


def usable(rows: pd.DataFrame, source: str, known: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of a file or a table. Ends with a sentence if they cannot be scored."""
    rows.columns = [str(name).strip() for name in rows.columns]
    missing = [name for name in baseline.columns(known) if name not in rows.columns]
    if missing:
        raise SystemExit(
            f"{source} has no column {', '.join(missing)}. It has {', '.join(map(str, rows.columns))}. "
            "Correct the data, or deploy a model that was trained on other columns."
        )
    if SCORE in rows.columns:
        raise SystemExit(f"{source} has a column {SCORE}, where the model's answers go. Rename it.")
    for name in known["numbers"]:
        if len(rows) and pd.to_numeric(rows[name], errors="coerce").isna().all():
            raise SystemExit(f"{source}: the column {name} holds no number.")
    return rows


def read_table(name: str, folder: Path, known: Mapping[str, Any], environment: Mapping[str, str]) -> pd.DataFrame:
    """Read a table, `database.table`, with all its columns. Ends with a sentence if it cannot be scored."""
    import athena_table

    region, project = environment["REGION"], environment["AMAZON_DATAZONE_PROJECT"]
    workgroup = environment.get("ATHENA_WORKGROUP") or athena_table.workgroup(
        region, environment["AMAZON_DATAZONE_DOMAIN"], project
    )
    if not workgroup:
        raise SystemExit("The project has no Athena workgroup. Set scoring.workgroup in config.toml, and deploy.")
    table = athena_table.Table(region, workgroup, *name.split("."))
    if not athena_table.exists(table):
        raise SystemExit(f"There is no table {name}. Create it, or correct scoring.table in config.toml, and deploy.")
    return usable(athena_table.read(table, [], folder), name, known)


def rows_of(
    base: Path, known: Mapping[str, Any], environment: Mapping[str, str]
) -> Iterator[tuple[Path, pd.DataFrame]]:
    """Yield what is scored: each file of the folder, or the table; with the file's path for its scores."""
    if table := environment.get("SCORING_TABLE", ""):
        yield Path(f"{table}.csv"), read_table(table, base / "table", known, environment)
        return
    for path in inputs(base / "input"):
        yield path.relative_to(base / "input"), read(path, known)


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
    """Score every file, or the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=Path("/opt/ml/processing"))
    base = parser.parse_args().base
    known = json.loads((base / "baseline" / "baseline.json").read_text(encoding="utf-8"))
    model = load_model(base / "model" / "model.tar.gz")
    for path, rows in rows_of(base, known, os.environ):
        scored = score(rows, known, model)
        target = base / "predictions" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        scored.to_csv(target, index=False)
        print(f"{path.name}: {len(scored)} rows")


if __name__ == "__main__":
    main()
