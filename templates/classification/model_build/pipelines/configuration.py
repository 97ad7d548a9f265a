"""config.toml, checked: what a data scientist changes."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

SOURCES = ("auto", "table", "files")
LIMITS = {"auc"}


class ConfigurationError(Exception):
    """config.toml cannot be used; the message names the key and what it must be."""


@dataclass(frozen=True)
class Data:
    """The columns and how rows are split."""

    source: str
    label: str
    positive: str
    numbers: list[str]
    train_share: float
    validation_share: float
    seed: int
    categories: dict[str, list[str]]


@dataclass(frozen=True)
class Compute:
    """What the steps run on."""

    processing_instance: str
    training_instance: str
    max_runtime_minutes: int
    xgboost_image: str


@dataclass(frozen=True)
class Configuration:
    """The whole file."""

    data: Data
    training: dict[str, Any]
    limits: dict[str, float]
    compute: Compute


def load(path: Path) -> Configuration:
    """Read the file. Raises ConfigurationError with a sentence that names the key."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name} is not TOML: {error}.") from None
    tables = {"data", "training", "limits", "compute"}
    _same_keys("", found, tables)
    for name in sorted(tables):
        if not isinstance(found[name], dict):
            raise ConfigurationError(f"config.toml: {name} must be a table.")
    data: Data = _table(Data, "data", found["data"])
    _check_data(data)
    limits = found["limits"]
    _same_keys("limits", limits, LIMITS)
    for name, value in limits.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ConfigurationError(f"limits.{name} must be a number.")
    if type(found["training"].get("num_round")) is not int or found["training"]["num_round"] < 1:
        raise ConfigurationError("training.num_round must be a whole number, at least 1.")
    compute: Compute = _table(Compute, "compute", found["compute"])
    if not 1 <= compute.max_runtime_minutes <= 1440:
        raise ConfigurationError("compute.max_runtime_minutes must be from 1 to 1440.")
    return Configuration(
        data=data,
        training=found["training"],
        limits={name: float(value) for name, value in limits.items()},
        compute=compute,
    )


def _check_data(data: Data) -> None:
    if data.source not in SOURCES:
        raise ConfigurationError(f"data.source must be one of {', '.join(SOURCES)}.")
    if not data.numbers and not data.categories:
        raise ConfigurationError("data.numbers and data.categories are both empty; name at least one feature.")
    columns = [*data.numbers, *data.categories]
    if data.label in columns or len(set(columns)) < len(columns):
        raise ConfigurationError("data.label, data.numbers and data.categories name a column twice.")
    empty = [name for name, values in data.categories.items() if not values]
    if empty:
        raise ConfigurationError(f"data.categories.{empty[0]} lists no category.")
    if not 0 <= data.seed < 2**32:
        raise ConfigurationError("data.seed must be from 0 to 4294967295.")
    if not 0 < data.train_share < 1 or not 0 < data.validation_share < 1 - data.train_share:
        raise ConfigurationError("data.train_share and data.validation_share must leave rows for the test set.")


def _same_keys(table: str, found: dict[str, Any], expected: set[str]) -> None:
    place = f"{table}." if table else ""
    for name in sorted(expected - set(found)):
        raise ConfigurationError(f"config.toml has no {place}{name}.")
    for name in sorted(set(found) - expected):
        raise ConfigurationError(f"config.toml has an unknown key, {place}{name}.")


_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "a text in quotes"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "list[str]": (list, "a list of texts"),
    "dict[str, list[str]]": (dict, "a table of lists"),
}


def _table(kind: type, table: str, found: dict[str, Any]) -> Any:
    _same_keys(table, found, {field.name for field in fields(kind)})
    for field in fields(kind):
        expected, words = _KINDS[str(field.type)]
        value = found[field.name]
        if isinstance(value, bool) or not isinstance(value, expected) or not _texts(value):
            raise ConfigurationError(f"{table}.{field.name} must be {words}.")
    return kind(**found)


def _texts(value: Any) -> bool:
    """Tell whether every element of a list, or of a table's lists, is a text."""
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    if isinstance(value, dict):
        return all(isinstance(each, list) and _texts(each) for each in value.values())
    return True
