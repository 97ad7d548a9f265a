"""When a configuration is registered: the one list that the pipeline's condition and the local run both follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Condition:
    """A metric's value (or the lower end of its interval), compared with a limit of config.toml."""

    metric: str
    part: str
    kind: str  # "at least", "above" or "at most"
    limit: str

    @property
    def path(self) -> str:
        """Where it is in evaluation.json."""
        return f"llm_metrics.{self.metric}.{self.part}"

    @property
    def parameter(self) -> str:
        """The pipeline's parameter with the limit."""
        return "".join(word.capitalize() for word in self.limit.split("_")) + "Limit"

    def holds(self, report: Mapping[str, Any], limits: Mapping[str, float]) -> bool:
        """Tell whether a report meets it."""
        found, limit = report["llm_metrics"][self.metric][self.part], limits[self.limit]
        return bool({"at least": found >= limit, "above": found > limit, "at most": found <= limit}[self.kind])

    def sentence(self, report: Mapping[str, Any], limits: Mapping[str, float]) -> str:
        """Say what was found and what is asked for."""
        low = " (lower end of its 95 % interval)" if self.part == "low" else ""
        found = report["llm_metrics"][self.metric][self.part]
        return f"{self.metric}{low} is {found:.3f} and has to be {self.kind} {limits[self.limit]:g}"


GATE = (
    Condition("pass_rate", "value", "at least", "pass_rate"),
    Condition("win_rate", "low", "above", "win_rate"),
    Condition("unfinished_share", "value", "at most", "unfinished_share"),
    Condition("unjudged_share", "value", "at most", "unjudged_share"),
)


def verdict(report: Mapping[str, Any], limits: Mapping[str, float]) -> tuple[bool, str]:
    """Say whether the pipeline would register this configuration, and if not, why."""
    missed = [each.sentence(report, limits) for each in GATE if not each.holds(report, limits)]
    found = report["llm_metrics"]
    if missed:
        return False, f"{'; '.join(missed)}: the pipeline would not register this configuration."
    return True, (
        f"Pass rate {found['pass_rate']['value']:.3f} (limit {limits['pass_rate']:g}), win rate against the baseline "
        f"{found['win_rate']['value']:.3f} (at least {found['win_rate']['low']:.3f}): the pipeline would register this "
        "model configuration."
    )
