"""Step 2: compare the scored rows, and their scores, with what the model was trained on.

Writes drift.json: each column's population stability index, PSI = sum over bins of (now - before) * ln(now / before).
Below 0.1 is usually read as stable, above 0.2 as changed. Few rows give a high index by chance alone, so a column
drifts only if its index is also over the 99th percentile of what equal distributions give: the index over (1/n + 1/m)
follows a chi-square distribution with one degree of freedom less than bins (Yurdakul, 2018). Here:
`python source_scripts/drift/drift.py --base DIR`
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

CODE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CODE / "baseline"))
import baseline  # noqa: E402

SCORE = "score"
CERTAINTY = 0.99


def shares(counts: Sequence[int]) -> np.ndarray:
    """Return each bin's share. Half a row more in each bin keeps the logarithm finite where there is none."""
    smoothed = np.asarray(counts, dtype=float) + 0.5
    return smoothed / smoothed.sum()


def stability(before: Sequence[int], now: Sequence[int]) -> float:
    """Return the population stability index of two counts in the same bins. Bins that both leave empty say nothing."""
    used = [place for place, pair in enumerate(zip(before, now, strict=True)) if any(pair)]
    earlier, later = shares([before[place] for place in used]), shares([now[place] for place in used])
    return float(((later - earlier) * np.log(later / earlier)).sum())


def by_chance(before: Sequence[int], now: Sequence[int]) -> float:
    """Return the index that equal distributions stay below in 99 of 100 cases."""
    used = sum(1 for pair in zip(before, now, strict=True) if any(pair))
    if used < 2:
        return 0.0
    return float(chi2.ppf(CERTAINTY, used - 1) * (1 / sum(before) + 1 / sum(now)))


def compare(column: pd.Series, known: Mapping[str, Any], limit: float) -> dict[str, Any]:
    """Return what a report says about a column."""
    before, now = known["counts"], baseline.counts(column, known)
    psi, chance = stability(before, now), by_chance(before, now)
    moved = np.asarray(now) / sum(now) - np.asarray(before) / sum(before)
    most = int(np.abs(moved).argmax())
    return {
        "psi": psi,
        "chance": chance,
        "drifted": psi > limit and psi > chance,
        "changed_most": {
            "bin": baseline.bins(known)[most],
            "before": before[most] / sum(before),
            "now": now[most] / sum(now),
        },
    }


def report(rows: pd.DataFrame, known: Mapping[str, Any], limit: float) -> dict[str, Any]:
    """Return the report on scored rows. Ends with a sentence if there are none."""
    if rows.empty:
        raise SystemExit("No rows were scored, so that there is nothing to compare.")
    columns = {**known["numbers"], **known["categories"], SCORE: known["score"]}
    compared = {name: compare(rows[name], each, limit) for name, each in columns.items()}
    drifted = [name for name, each in compared.items() if each["drifted"]]
    return {"rows": len(rows), "limit": limit, "drifted": drifted, "columns": compared}


def main() -> None:
    """Read what was scored, write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=Path("/opt/ml/processing"))
    base = parser.parse_args().base
    config = next(path for path in (CODE / "config.toml", CODE.parent / "config.toml") if path.exists())
    limit = float(tomllib.loads(config.read_text(encoding="utf-8"))["drift"]["limit"])
    known = json.loads((base / "baseline" / "baseline.json").read_text(encoding="utf-8"))
    paths = sorted(path for path in (base / "predictions").rglob("*") if path.is_file() and ".csv" in path.suffixes)
    rows = [pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""]) for path in paths]
    found = report(pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(), known, limit)
    (base / "drift").mkdir(parents=True, exist_ok=True)
    (base / "drift" / "drift.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(json.dumps({name: round(each["psi"], 4) for name, each in found["columns"].items()}))


if __name__ == "__main__":
    main()
