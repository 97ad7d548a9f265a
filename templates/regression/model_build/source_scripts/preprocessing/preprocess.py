"""Split abalone data into train, validation and test sets (label first, no header: what SageMaker's XGBoost takes).

Runs in SageMaker's scikit-learn image (Python 3.8); needs pandas.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

FEATURES = ["sex", "length", "diameter", "height", "whole_weight", "shucked_weight", "viscera_weight", "shell_weight"]
LABEL = "rings"
SEXES = ["F", "I", "M"]
SEED = 7


def read(folder: Path) -> pd.DataFrame:
    """Read every CSV file (also gzipped) of a folder, with or without a header line."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and ".csv" in path.suffixes)
    if not paths:
        raise SystemExit(f"No CSV file in {folder}: the training data must be files named *.csv or *.csv.gz.")
    frames = []
    for path in paths:
        first = pd.read_csv(path, header=None, nrows=1, dtype=str)
        if first.shape[1] != len(FEATURES) + 1:
            raise SystemExit(f"{path.name} has {first.shape[1]} columns; expected {', '.join([*FEATURES, LABEL])}.")
        has_header = str(first.iloc[0, 0]).strip().lower() == FEATURES[0]
        frames.append(pd.read_csv(path, header=0 if has_header else None, names=[*FEATURES, LABEL]))
    return pd.concat(frames, ignore_index=True)


def prepare(data: pd.DataFrame) -> pd.DataFrame:
    """Return the label and the numeric features: sex one-hot, missing numbers replaced by the median."""
    data = data.dropna(subset=[LABEL])
    numbers = data[FEATURES[1:]].apply(pd.to_numeric, errors="coerce")
    sexes = pd.DataFrame({f"sex_{sex}": (data["sex"] == sex).astype(int) for sex in SEXES})
    return pd.concat([data[[LABEL]], numbers.fillna(numbers.median()), sexes], axis=1)


def split(data: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Shuffle and split: 70 % train, 15 % validation, 15 % test."""
    shuffled = data.sample(frac=1, random_state=SEED)
    first, second = int(0.7 * len(data)), int(0.85 * len(data))
    return {
        "train": shuffled.iloc[:first],
        "validation": shuffled.iloc[first:second],
        "test": shuffled.iloc[second:],
    }


def main() -> None:
    """Read the input folder, write one folder for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=Path("/opt/ml/processing"))
    base = parser.parse_args().base
    for name, part in split(prepare(read(base / "input"))).items():
        folder = base / name
        folder.mkdir(parents=True, exist_ok=True)
        part.to_csv(folder / f"{name}.csv", header=False, index=False)
        print(f"{name}: {len(part)} rows")


if __name__ == "__main__":
    main()
