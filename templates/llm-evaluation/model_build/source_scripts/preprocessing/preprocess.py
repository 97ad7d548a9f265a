"""Step 1: read the prompts, check them, and say what their evaluation costs at most.

Nothing is asked of a model here. More tokens than limits.tokens, and the step fails.
In SageMaker it runs in the XGBoost image (Python 3.12). Here, it reads DIR/input/*.csv:
`python source_scripts/preprocessing/preprocess.py --base DIR`
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

CODE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CODE / "bedrock"))
import estimate  # noqa: E402
import step  # noqa: E402

NEEDED = ("id", "kind", "prompt", "expected")
OPTIONAL = ("context", "facts", "baseline")


def columns(data: Mapping[str, Any]) -> list[str]:
    """Return the columns that are read."""
    return [data[name] for name in (*NEEDED, *OPTIONAL) if data[name]]


def read_files(folder: Path, data: Mapping[str, Any]) -> list[dict[str, str]]:
    """Read every CSV file (also gzipped) of a folder. Each needs a header line with the configured columns."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and ".csv" in path.suffixes)
    if not paths:
        raise SystemExit(f"There is no CSV file in {folder}. Prompts are files named *.csv or *.csv.gz.")
    return [row for path in paths for row in _read(path, columns(data))]


def _read(path: Path, wanted: list[str]) -> Iterator[dict[str, str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
            require_columns(list(reader.fieldnames), wanted, path.name)
            yield from ({name: row[name] or "" for name in wanted} for row in reader)
    except (UnicodeDecodeError, csv.Error, gzip.BadGzipFile) as error:
        raise SystemExit(f"{path.name} cannot be read: {error}. It has to be a CSV file in UTF-8.") from error


def require_columns(found: list[str], wanted: list[str], source: str) -> None:
    """End with a sentence that names the columns that are missing."""
    missing = [name for name in wanted if name not in found]
    if missing:
        raise SystemExit(
            f"{source} has no column {', '.join(missing)}. It has {', '.join(found)}. "
            "Correct the data, or the names in config.toml."
        )


def prepare(rows: list[dict[str, str]], configuration: Mapping[str, Any], sample: int) -> list[dict[str, Any]]:
    """Return the items to evaluate. Raises SystemExit for a prompt that cannot be evaluated."""
    data = configuration["data"]
    items = [{name: (row[data[name]] if data[name] else "").strip() for name in (*NEEDED, *OPTIONAL)} for row in rows]
    _require_usable(items, configuration["judge"]["criteria"])
    for item in items:
        item["facts"] = [fact.strip() for fact in item["facts"].split("|") if fact.strip()]
    return spread(items, sample)


def _require_usable(items: list[dict[str, Any]], criteria: Mapping[str, str]) -> None:
    if not items:
        raise SystemExit("There is not one prompt. Add rows to the file or the table.")
    for number, item in enumerate(items, 1):
        empty = [name for name in NEEDED if not item[name]]
        if empty:
            raise SystemExit(f"Row {number} (id {item['id'] or 'missing'}) has no {', '.join(empty)}. Fill it in.")
        if item["kind"] not in criteria:
            raise SystemExit(
                f"The prompt {item['id']} is of the kind {item['kind']}. Add it to judge.criteria in config.toml."
            )
    twice = [name for name, times in Counter(item["id"] for item in items).items() if times > 1]
    if twice:
        raise SystemExit(f"The id {twice[0]} is there more than once. Give each prompt its own.")


def spread(items: list[dict[str, Any]], sample: int) -> list[dict[str, Any]]:
    """Return so many items, over all kinds by turns; all of them for 0."""
    if not 0 < sample < len(items):
        return items
    turn: Counter[str] = Counter()
    ranked = []
    for position, item in enumerate(items):
        ranked.append((turn[item["kind"]], position))
        turn[item["kind"]] += 1
    return [items[position] for _, position in sorted(sorted(ranked)[:sample], key=lambda each: each[1])]


def read(base: Path, data: Mapping[str, Any], environment: Mapping[str, str]) -> list[dict[str, str]]:
    """Read the project's table or files, as data.source says."""
    rows = None if data["source"] == "files" else read_table(base, data, environment)
    if rows is None and data["source"] == "table":
        raise SystemExit("There is no table to read (above). Create it, or set data.source in config.toml to files.")
    if rows is None:
        print("Prompts: files.")
        return read_files(base / "input", data)
    return rows


def read_table(base: Path, data: Mapping[str, Any], environment: Mapping[str, str]) -> list[dict[str, str]] | None:
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
    print(f"Prompts: the table {table.database}.{table.name}, read by Athena.")
    found = athena_table.read(table, columns(data), base / "table").fillna("")
    return [{name: str(value) for name, value in row.items()} for row in found.to_dict("records")]


def main() -> None:
    """Read, check, estimate and write."""
    run = step.start(__doc__)
    sample = run.configuration["data"]["sample"] if run.options.sample is None else run.options.sample
    items = prepare(read(run.base, run.configuration["data"], os.environ), run.configuration, sample)
    found = estimate.of(items, run.configuration)
    print(found.sentence())
    (run.base / "estimate").mkdir(parents=True, exist_ok=True)
    (run.base / "estimate" / "estimate.json").write_text(json.dumps(found.record()), encoding="utf-8")
    found.require_below(run.configuration["limits"]["tokens"])
    run.write("prompts", items)


if __name__ == "__main__":
    main()
