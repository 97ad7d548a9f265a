"""config.toml, checked: what a data scientist changes."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

SOURCES = ("auto", "table", "files")
INFERENCE = {"max_tokens", "temperature", "top_p"}


class ConfigurationError(Exception):
    """config.toml cannot be used; the message names the key and what it must be."""


@dataclass(frozen=True)
class Data:
    """Where the prompts come from, and their columns."""

    source: str
    id: str
    kind: str
    prompt: str
    expected: str
    context: str
    facts: str
    baseline: str
    sample: int


@dataclass(frozen=True)
class Candidate:
    """The model and the prompt that are evaluated."""

    model_id: str
    system: str
    template: str
    inference: dict[str, Any]


@dataclass(frozen=True)
class Judge:
    """The model that judges, and by what."""

    model_id: str
    pass_score: int
    attempts: int
    inference: dict[str, Any]
    criteria: dict[str, Any]


@dataclass(frozen=True)
class Baseline:
    """What the candidate has to beat."""

    answer: str


@dataclass(frozen=True)
class Calls:
    """How the models are called."""

    concurrency: int
    attempts: int
    timeout_seconds: int


@dataclass(frozen=True)
class Prices:
    """US dollars for a million tokens."""

    candidate_input: float
    candidate_output: float
    judge_input: float
    judge_output: float


@dataclass(frozen=True)
class Limits:
    """When a configuration is registered, and when nothing is asked at all."""

    pass_rate: float
    win_rate: float
    unfinished_share: float
    unjudged_share: float
    tokens: int


@dataclass(frozen=True)
class Compute:
    """What the steps run on."""

    processing_instance: str
    max_runtime_minutes: int
    xgboost_image: str


@dataclass(frozen=True)
class Configuration:
    """The whole file. `raw` is what the steps read."""

    data: Data
    candidate: Candidate
    judge: Judge
    baseline: Baseline
    calls: Calls
    prices: Prices
    limits: Limits
    compute: Compute
    raw: dict[str, Any]

    @property
    def gate(self) -> dict[str, float]:
        """The limits of the gate."""
        limits = self.limits
        return {
            "pass_rate": float(limits.pass_rate),
            "win_rate": float(limits.win_rate),
            "unfinished_share": float(limits.unfinished_share),
            "unjudged_share": float(limits.unjudged_share),
        }

    def require_models(self) -> None:
        """Raise ConfigurationError if a model is not named: then nothing can be asked."""
        for role, each in (("candidate", self.candidate), ("judge", self.judge)):
            if not each.model_id:
                raise ConfigurationError(
                    f"{role}.model_id in config.toml is empty. Put the ARN of one of the project's inference profiles "
                    "there (README, The first three things to do)."
                )


_TABLES: dict[str, type] = {
    "data": Data,
    "candidate": Candidate,
    "judge": Judge,
    "baseline": Baseline,
    "calls": Calls,
    "prices": Prices,
    "limits": Limits,
    "compute": Compute,
}


def load(path: Path) -> Configuration:
    """Read the file. Raises ConfigurationError with a sentence that names the key."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name} is not TOML: {error}.") from None
    _same_keys("", found, set(_TABLES))
    tables: dict[str, Any] = {name: _table(kind, name, found[name]) for name, kind in _TABLES.items()}
    configuration = Configuration(**tables, raw=found)
    for holds, sentence in _rules(configuration):
        if not holds:
            raise ConfigurationError(f"{sentence}.")
    return configuration


def _rules(found: Configuration) -> list[tuple[bool, str]]:
    data, judge, calls, limits = found.data, found.judge, found.calls, found.limits
    columns = [data.id, data.kind, data.prompt, data.expected, *filter(None, (data.context, data.facts, data.baseline))]
    shares = {**found.gate}
    return [
        (data.source in SOURCES, f"data.source must be one of {', '.join(SOURCES)}"),
        (all(columns), "data.id, data.kind, data.prompt and data.expected must name columns"),
        (len(set(columns)) == len(columns), "data names a column twice"),
        (data.sample >= 0, "data.sample must be 0 or more"),
        ("{prompt}" in found.candidate.template, "candidate.template must hold {prompt}"),
        (1 <= judge.pass_score <= 5, "judge.pass_score must be from 1 to 5"),
        (1 <= judge.attempts <= 5, "judge.attempts must be from 1 to 5"),
        (bool(judge.criteria), "judge.criteria must have an entry for each kind of prompt"),
        (all(isinstance(each, str) and each for each in judge.criteria.values()), "judge.criteria must be texts"),
        (bool(found.baseline.answer.strip()), "baseline.answer must be a text"),
        *_inference("candidate", found.candidate.inference),
        *_inference("judge", judge.inference),
        (1 <= calls.concurrency <= 50, "calls.concurrency must be from 1 to 50"),
        (1 <= calls.attempts <= 20, "calls.attempts must be from 1 to 20"),
        (1 <= calls.timeout_seconds <= 3600, "calls.timeout_seconds must be from 1 to 3600"),
        (all(value >= 0 for value in vars(found.prices).values()), "prices must be 0 or more"),
        *((0 <= value <= 1, f"limits.{name} must be from 0 to 1") for name, value in shares.items()),
        (limits.tokens >= 1, "limits.tokens must be at least 1"),
        (1 <= found.compute.max_runtime_minutes <= 1440, "compute.max_runtime_minutes must be from 1 to 1440"),
    ]


def _inference(role: str, found: dict[str, Any]) -> list[tuple[bool, str]]:
    """Return the rules of Converse's inferenceConfig."""
    unknown = sorted(set(found) - INFERENCE)
    numbers = [value for name, value in found.items() if name != "max_tokens"]
    most = found.get("max_tokens")
    return [
        (not unknown, f"{role}.inference has an unknown key, {', '.join(unknown)}"),
        (type(most) is int and most >= 1, f"{role}.inference.max_tokens must be a whole number, at least 1"),
        (
            all(type(value) in (int, float) and 0 <= value <= 1 for value in numbers),
            f"{role}.inference.temperature and top_p must be numbers from 0 to 1",
        ),
    ]


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
    "dict[str, Any]": (dict, "a table"),
}


def _table(kind: type, table: str, found: Any) -> Any:
    if not isinstance(found, dict):
        raise ConfigurationError(f"{table} must be a table.")
    _same_keys(table, found, {field.name for field in fields(kind)})
    for field in fields(kind):
        expected, words = _KINDS[str(field.type)]
        value = found[field.name]
        if isinstance(value, bool) or not isinstance(value, expected):
            raise ConfigurationError(f"{table}.{field.name} must be {words}.")
    return kind(**found)
