"""What the training data were like: how a row is encoded, and how often each value was seen.

The same file is in both repositories: model build writes a baseline down, model deploy encodes the rows that it scores
with it, and compares them. A column's counts are those of its bins, in the order of `bins`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

BINS = 10  # of a number: tenths of the training rows, fewer where values repeat


def describe(rows: pd.DataFrame, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the baseline of training rows (texts, as read). Ends with a sentence if a number column holds none."""
    numbers = {name: _number(rows[name]) for name in data["numbers"]}
    categories = {name: {"values": list(values)} for name, values in data["categories"].items()}
    columns: dict[str, dict[str, Any]] = {**numbers, **categories}
    for name, known in columns.items():
        known["counts"] = counts(rows[name], known)
    return {"numbers": numbers, "categories": categories}


def _number(column: pd.Series) -> dict[str, Any]:
    values = pd.to_numeric(column, errors="coerce").dropna()
    if values.empty:
        raise SystemExit(f"The column {column.name} holds no number. Move it to data.categories, or leave it out.")
    return {"median": float(values.median()), "edges": edges(values)}


def edges(values: pd.Series) -> list[float]:
    """Return the upper edges of all bins but the last, which is open."""
    cuts = np.unique(np.quantile(values, np.arange(1, BINS) / BINS))
    return [float(cut) for cut in cuts if cut < values.max()]


def bins(known: Mapping[str, Any]) -> list[str]:
    """Return the names of a column's bins."""
    if "values" in known:
        return [*known["values"], "(unknown)", "(missing)"]
    upper = [f"{edge:g}" for edge in known["edges"]]
    return [*(f"<= {each}" for each in upper), f"> {upper[-1]}" if upper else "(any)", "(missing)"]


def counts(column: pd.Series, known: Mapping[str, Any]) -> list[int]:
    """Count a column's values in the bins of the baseline. What is no number counts as missing in a number column."""
    if "values" in known:
        found = [int((column == value).sum()) for value in known["values"]]
        missing = int(column.isna().sum())
        return [*found, len(column) - sum(found) - missing, missing]
    values = pd.to_numeric(column, errors="coerce")
    places = np.searchsorted(known["edges"], values.dropna().to_numpy(), side="left")
    found = np.bincount(places, minlength=len(known["edges"]) + 1)
    return [*map(int, found), int(values.isna().sum())]


def columns(baseline: Mapping[str, Any]) -> list[str]:
    """Return the columns that a row has to have."""
    return [*baseline["numbers"], *baseline["categories"]]


def encode(rows: pd.DataFrame, baseline: Mapping[str, Any]) -> pd.DataFrame:
    """Return the features: numbers with gaps filled by the training rows' median, and 0 or 1 for each category."""
    encoded = {
        name: pd.to_numeric(rows[name], errors="coerce").fillna(known["median"])
        for name, known in baseline["numbers"].items()
    }
    for name, known in baseline["categories"].items():
        for value in known["values"]:
            encoded[f"{name}_{value}"] = (rows[name] == value).astype(int)
    return pd.DataFrame(encoded)
