"""config.toml, checked: which model each stage asks."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from deployment.settings import DeploymentError


@dataclass(frozen=True)
class StageModel:
    """The model of a stage, "" for the one that was evaluated."""

    model_id: str


@dataclass(frozen=True)
class SmokeTest:
    """How many of the known prompts have to be answered with every fact."""

    share: float
    attempts: int


@dataclass(frozen=True)
class Configuration:
    """The whole file."""

    staging: StageModel
    production: StageModel
    smoke_test: SmokeTest

    def model_id(self, stage: str, evaluated: str) -> str:
        """Return the model that a stage asks."""
        return (self.production if stage == "production" else self.staging).model_id or evaluated


def load(path: Path) -> Configuration:
    """Read the file. Raises DeploymentError with a sentence that names the key."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeploymentError(f"{path.name} is not TOML: {error}.") from None
    tables = {"staging": StageModel, "production": StageModel, "smoke_test": SmokeTest}
    _same_keys("", found, set(tables))
    configuration = Configuration(**{name: _table(kind, name, found[name]) for name, kind in tables.items()})
    smoke_test = configuration.smoke_test
    if not 0 < smoke_test.share <= 1:
        raise DeploymentError("config.toml: smoke_test.share must be above 0, and at most 1.")
    if not 1 <= smoke_test.attempts <= 20:
        raise DeploymentError("config.toml: smoke_test.attempts must be from 1 to 20.")
    return configuration


def _same_keys(table: str, found: dict[str, Any], expected: set[str]) -> None:
    place = f"{table}." if table else ""
    for name in sorted(expected - set(found)):
        raise DeploymentError(f"config.toml has no {place}{name}.")
    for name in sorted(set(found) - expected):
        raise DeploymentError(f"config.toml has an unknown key, {place}{name}.")


_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "a text in quotes"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
}


def _table(kind: type, table: str, found: Any) -> Any:
    if not isinstance(found, dict):
        raise DeploymentError(f"config.toml: {table} must be a table.")
    _same_keys(table, found, {field.name for field in fields(kind)})
    for field in fields(kind):
        expected, words = _KINDS[str(field.type)]
        value = found[field.name]
        if isinstance(value, bool) or not isinstance(value, expected):
            raise DeploymentError(f"config.toml: {table}.{field.name} must be {words}.")
    return kind(**found)
