"""What an evaluation costs at most, before a model is asked: calls, tokens and, with config.toml's prices, dollars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import prompts

CHARACTERS = 3  # for a token: few, so that the estimate is high (English has about four)


@dataclass(frozen=True)
class Estimate:
    """Calls and tokens of the candidate and the judge, if every answer is as long as it may be."""

    prompts: int
    candidate_calls: int
    candidate_input: int
    candidate_output: int
    judge_calls: int
    judge_input: int
    judge_output: int
    dollars: float

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.candidate_input + self.candidate_output + self.judge_input + self.judge_output

    def sentence(self) -> str:
        """Return it for people."""
        cost = f", {self.dollars:.2f} US dollars" if self.dollars else " (set prices in config.toml to see dollars)"
        return (
            f"Cost: {self.prompts} prompts, {self.candidate_calls} calls of the candidate and {self.judge_calls} of "
            f"the judge, at most about {self.tokens:,} tokens{cost}, if no judgement has to be asked for again."
        )

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**asdict(self), "tokens": self.tokens}

    def require_below(self, limit: int) -> None:
        """Raise SystemExit if it is over the limit."""
        if self.tokens > limit:
            raise SystemExit(
                f"The evaluation may take {self.tokens:,} tokens, and limits.tokens is {limit:,}: nothing was asked. "
                "Set data.sample, lower max_tokens, or raise the limit."
            )


def of(items: Sequence[Mapping[str, Any]], configuration: Mapping[str, Any]) -> Estimate:
    """Return what the items cost at most: one answer each, one score, two comparisons."""
    candidate, judge = configuration["candidate"], configuration["judge"]
    longest = "x" * (candidate["inference"]["max_tokens"] * CHARACTERS)
    other = configuration["baseline"]["answer"]
    asked = sum(_tokens(candidate["system"], prompts.question(candidate, item)) for item in items)
    judged = 0
    for item in items:
        criteria = judge["criteria"][item["kind"]]
        judged += _tokens(prompts.RUBRIC, prompts.rubric(item, criteria, longest))
        judged += 2 * _tokens(prompts.PAIR, prompts.pair(item, criteria, longest, item["baseline"] or other))
    answered = len(items) * candidate["inference"]["max_tokens"]
    said = 3 * len(items) * judge["inference"]["max_tokens"]
    prices = configuration["prices"]
    dollars = sum(
        tokens * prices[name] / 1_000_000
        for name, tokens in (
            ("candidate_input", asked),
            ("candidate_output", answered),
            ("judge_input", judged),
            ("judge_output", said),
        )
    )
    return Estimate(len(items), len(items), asked, answered, 3 * len(items), judged, said, dollars)


def _tokens(*texts: str) -> int:
    return sum(len(text) for text in texts) // CHARACTERS + 10
