"""config.toml, checked: what each stage runs on."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from deployment.settings import DeploymentError

MEMORY = (1024, 2048, 3072, 4096, 5120, 6144)


@dataclass(frozen=True)
class Staging:
    """A serverless endpoint."""

    serverless_memory: int

    def parameters(self) -> dict[str, str]:
        """Return the parameters of endpoint.yaml."""
        return {"ServerlessMemory": str(self.serverless_memory)}


@dataclass(frozen=True)
class Production:
    """Instances, with a canary, alarms, autoscaling and data capture."""

    instance_type: str
    instance_count: int
    max_instance_count: int
    invocations_per_instance: int
    canary_percentage: int
    bake_seconds: int
    latency_limit: int
    capture_percentage: int

    def parameters(self) -> dict[str, str]:
        """Return the parameters of endpoint.yaml. CloudWatch measures a model's latency in microseconds."""
        return {
            "InstanceType": self.instance_type,
            "InstanceCount": str(self.instance_count),
            "MaxInstanceCount": str(self.max_instance_count),
            "InvocationsPerInstance": str(self.invocations_per_instance),
            "CanaryPercentage": str(self.canary_percentage),
            "BakeSeconds": str(self.bake_seconds),
            "LatencyLimit": str(self.latency_limit * 1000),
            "CapturePercentage": str(self.capture_percentage),
        }


@dataclass(frozen=True)
class SmokeTest:
    """How exact an endpoint's answers have to be."""

    tolerance: float


@dataclass(frozen=True)
class Configuration:
    """The whole file."""

    staging: Staging
    production: Production
    smoke_test: SmokeTest

    def parameters(self, stage: str) -> dict[str, str]:
        """Return the parameters of a stage's stack."""
        return self.production.parameters() if stage == "production" else self.staging.parameters()


def load(path: Path) -> Configuration:
    """Read the file. Raises DeploymentError with a sentence that names the key."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeploymentError(f"{path.name} is not TOML: {error}.") from None
    tables = {"staging": Staging, "production": Production, "smoke_test": SmokeTest}
    _same_keys("", found, set(tables))
    configuration = Configuration(**{name: _table(kind, name, found[name]) for name, kind in tables.items()})
    _check(configuration)
    return configuration


def _check(configuration: Configuration) -> None:
    production = configuration.production
    rules = [
        (
            configuration.staging.serverless_memory in MEMORY,
            f"staging.serverless_memory must be one of {', '.join(map(str, MEMORY))}",
        ),
        (production.instance_count >= 1, "production.instance_count must be at least 1"),
        (
            production.max_instance_count >= production.instance_count,
            "production.max_instance_count must be at least production.instance_count",
        ),
        (production.invocations_per_instance >= 1, "production.invocations_per_instance must be at least 1"),
        (1 <= production.canary_percentage <= 50, "production.canary_percentage must be from 1 to 50"),
        (0 <= production.bake_seconds <= 3600, "production.bake_seconds must be from 0 to 3600"),
        (production.latency_limit >= 1, "production.latency_limit must be at least 1"),
        (0 <= production.capture_percentage <= 100, "production.capture_percentage must be from 0 to 100"),
        (0 <= configuration.smoke_test.tolerance < 1, "smoke_test.tolerance must be from 0 to below 1"),
    ]
    for holds, sentence in rules:
        if not holds:
            raise DeploymentError(f"config.toml: {sentence}.")


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
