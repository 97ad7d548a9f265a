"""Step 1: read the training data, encode it, split it.

Writes train, validation and test sets: the label first, no header, which is what SageMaker's XGBoost image reads.
For the deploy repository: baseline.json (how rows are encoded, and what they were like) and a few test rows.
In SageMaker it runs in the XGBoost image (Python 3.12). Here, it reads DIR/input/*.csv:
`python source_scripts/preprocessing/preprocess.py --base DIR`
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

CODE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CODE / "baseline"))
import baseline  # noqa: E402

KNOWN_ROWS = 20  # whose answers evaluation writes down
PARTS = ("train", "validation", "test")


def columns(data: Mapping[str, Any]) -> list[str]:
    """Return the columns that are read: features, then the label."""
    return [*data["numbers"], *data["categories"], data["label"]]


def read_files(folder: Path, data: Mapping[str, Any]) -> pd.DataFrame:
    """Read every CSV file (also gzipped) of a folder. Each needs a header line with the configured columns."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and ".csv" in path.suffixes)
    if not paths:
        raise SystemExit(f"There is no CSV file in {folder}. Training data are files named *.csv or *.csv.gz.")
    return pd.concat([_read(path, columns(data)) for path in paths], ignore_index=True)


def _read(path: Path, wanted: list[str]) -> pd.DataFrame:
    try:
        found = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])  # "NA" and "None" may be categories
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError, EOFError) as error:
        raise SystemExit(
            f"{path.name} cannot be read: {str(error).strip()}. It has to be a CSV file in UTF-8."
        ) from error
    found.columns = [str(name).strip() for name in found.columns]
    require_columns(found, wanted, path.name)
    return found[wanted]


def require_columns(found: pd.DataFrame, wanted: list[str], source: str) -> None:
    """End with a sentence that names the columns that are missing."""
    missing = [name for name in wanted if name not in found.columns]
    if missing:
        raise SystemExit(
            f"{source} has no column {', '.join(missing)}. It has {', '.join(map(str, found.columns))}. "
            "Correct the data, or the names in config.toml."
        )


def classes(rows: pd.DataFrame, data: Mapping[str, Any]) -> pd.Series:
    """Return 1 for rows of the positive class, 0 for the other. Rows without a label are left out."""
    label = rows[data["label"]].str.strip()
    label = label[label.notna() & (label != "")]
    found = sorted(label.unique())
    if len(found) != 2 or data["positive"] not in found:
        raise SystemExit(
            f"The column {data['label']} has to hold two classes, one of them {data['positive']} (data.positive). "
            f"It holds {len(found)}: {', '.join(found[:5]) or 'none'}."
        )
    return (label == data["positive"]).astype(int)


def split(rows: pd.DataFrame, label: pd.Series, data: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Shuffle the rows and split each class by the configured shares."""
    shuffled = rows.sample(frac=1, random_state=data["seed"])
    label = label.loc[shuffled.index]
    place = (label.groupby(label).cumcount() + 0.5) / label.groupby(label).transform("size")
    second = data["train_share"] + data["validation_share"]
    parts = {
        "train": shuffled[place < data["train_share"]],
        "validation": shuffled[(place >= data["train_share"]) & (place < second)],
        "test": shuffled[place >= second],
    }
    without = [name for name, part in parts.items() if label.loc[part.index].nunique() < 2]
    if without:
        raise SystemExit(f"There are only {len(rows)} rows with a label; {', '.join(without)} would lack a class.")
    return parts


def prepare(
    rows: pd.DataFrame, data: Mapping[str, Any]
) -> tuple[dict[str, pd.DataFrame], dict[str, Any], pd.DataFrame]:
    """Return the encoded sets, the baseline of the training rows, and test rows as they were read.

    Only training rows decide the medians: the test set stays unseen.
    """
    label = classes(rows, data)
    parts = split(rows.loc[label.index], label, data)
    known = baseline.describe(parts["train"], data)
    encoded = {name: baseline.encode(part, known) for name, part in parts.items()}
    for part in encoded.values():
        part.insert(0, data["label"], label.loc[part.index])
    return encoded, known, parts["test"][baseline.columns(known)].head(KNOWN_ROWS)


def require_categories(rows: pd.DataFrame, data: Mapping[str, Any]) -> None:
    """Say which categories config.toml does not list: the model takes them for none of those. End if it lists none."""
    for name, values in data["categories"].items():
        others = rows[name][rows[name].notna() & ~rows[name].isin(values)]
        if others.empty:
            continue
        some = ", ".join(map(str, others.value_counts().index[:5]))
        if not rows[name].isin(values).any():
            raise SystemExit(f"The column {name} holds none of data.categories.{name} in config.toml. It holds {some}.")
        print(f"{len(others)} of {len(rows)} rows have in {name} what config.toml does not list: {some}.")


def read(base: Path, data: Mapping[str, Any], environment: Mapping[str, str]) -> pd.DataFrame:
    """Read the project's table or files, as data.source says."""
    rows = None if data["source"] == "files" else read_table(base, data, environment)
    if rows is None and data["source"] == "table":
        raise SystemExit("There is no table to read (above). Create it, or set data.source in config.toml to files.")
    if rows is None:
        print("Training data: files.")
        return read_files(base / "input", data)
    return rows


def read_table(base: Path, data: Mapping[str, Any], environment: Mapping[str, str]) -> pd.DataFrame | None:
    """Read the project's table, None if there is none."""
    project = environment.get("AMAZON_DATAZONE_PROJECT", "")
    workgroup = environment.get("ATHENA_WORKGROUP", "")
    if not (workgroup or project):
        print("This step runs without a project: there is no table.")
        return None
    import athena_table

    if not workgroup:
        workgroup = athena_table.workgroup(environment["REGION"], environment["AMAZON_DATAZONE_DOMAIN"], project)
    if not workgroup:
        print("The project has no Athena workgroup. Set the repository's variable ATHENA_WORKGROUP to read its table.")
        return None
    names = (environment["GLUE_DATABASE"], environment["GLUE_TABLE"])
    table = athena_table.Table(environment["REGION"], workgroup, *names)
    if not athena_table.exists(table):
        print(f"The table {table.database}.{table.name} does not exist.")
        return None
    print(f"Training data: the table {table.database}.{table.name}, read by Athena.")
    return athena_table.read(table, columns(data), base / "table")


def main() -> None:
    """Read, split, encode and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=Path("/opt/ml/processing"))
    base = parser.parse_args().base
    config = next(path for path in (CODE / "config.toml", CODE.parent / "config.toml") if path.exists())
    data = tomllib.loads(config.read_text(encoding="utf-8"))["data"]
    read_rows = read(base, data, os.environ)
    require_categories(read_rows, data)
    parts, known, rows = prepare(read_rows, data)
    for name in PARTS:
        folder = base / name
        folder.mkdir(parents=True, exist_ok=True)
        parts[name].to_csv(folder / f"{name}.csv", header=False, index=False)
        print(f"{name}: {len(parts[name])} rows")
    features = base / "features"
    features.mkdir(parents=True, exist_ok=True)
    (features / "features.json").write_text(json.dumps(list(parts["train"].columns[1:])), encoding="utf-8")
    (features / "baseline.json").write_text(json.dumps(known), encoding="utf-8")
    rows.to_csv(features / "known.csv", index=False)


if __name__ == "__main__":
    main()
