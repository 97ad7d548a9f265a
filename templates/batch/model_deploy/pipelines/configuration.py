"""config.toml, checked: what a data scientist changes."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

TABLE = re.compile(r'[^".\s]+\.[^".\s]+')


class ConfigurationError(Exception):
    """config.toml cannot be used; the message names the key and what it must be."""


@dataclass(frozen=True)
class Scoring:
    """What is scored, and on what."""

    input: str
    table: str
    workgroup: str
    instance_type: str
    max_runtime_minutes: int


@dataclass(frozen=True)
class Drift:
    """From when on rows count as other than those that the model was trained on, and what follows."""

    limit: float
    fail: bool


@dataclass(frozen=True)
class SmokeTest:
    """How exact the answers to known rows have to be."""

    tolerance: float


@dataclass(frozen=True)
class Configuration:
    """The whole file."""

    scoring: Scoring
    drift: Drift
    smoke_test: SmokeTest


def load(path: Path) -> Configuration:
    """Read the file. Raises ConfigurationError with a sentence that names the key."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name} is not TOML: {error}.") from None
    tables = {"scoring": Scoring, "drift": Drift, "smoke_test": SmokeTest}
    _same_keys("", found, set(tables))
    configuration = Configuration(**{name: _table(kind, name, found[name]) for name, kind in tables.items()})
    _check(configuration)
    return configuration


def _check(configuration: Configuration) -> None:
    scoring, parts = configuration.scoring, configuration.scoring.input.split("/")
    rules = [
        (
            all(parts) and not {".", ".."} & set(parts) and ":" not in scoring.input,
            "scoring.input must be a folder of the project's S3 location, such as scoring/input",
        ),
        (
            not scoring.table or bool(TABLE.fullmatch(scoring.table)),
            'scoring.table must be "database.table", or "" to score files',
        ),
        (scoring.max_runtime_minutes >= 1, "scoring.max_runtime_minutes must be at least 1"),
        (configuration.drift.limit > 0, "drift.limit must be above 0"),
        (0 <= configuration.smoke_test.tolerance < 1, "smoke_test.tolerance must be from 0 to below 1"),
    ]
    for holds, sentence in rules:
        if not holds:
            raise ConfigurationError(f"config.toml: {sentence}.")


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
    "bool": (bool, "true or false"),
}


def _table(kind: type, table: str, found: Any) -> Any:
    if not isinstance(found, dict):
        raise ConfigurationError(f"config.toml: {table} must be a table.")
    _same_keys(table, found, {field.name for field in fields(kind)})
    for field in fields(kind):
        expected, words = _KINDS[str(field.type)]
        value = found[field.name]
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            raise ConfigurationError(f"config.toml: {table}.{field.name} must be {words}.")
    return kind(**found)
