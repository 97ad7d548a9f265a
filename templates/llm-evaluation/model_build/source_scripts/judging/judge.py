"""Step 3: let the judge score each answer by the criteria of its kind, and compare it with the baseline's.

A judge tends to prefer the first answer it reads. So it compares twice, with the answers in both orders; if it changes
its mind with the order, that is a tie. What is not the JSON that was asked for is asked for again, then left unjudged.
Here: `python source_scripts/judging/judge.py --base DIR --recorded data/recorded/answers.jsonl`, without Bedrock.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bedrock"))
import conversation
import prompts
import step

LOWEST, HIGHEST = 1, 5


def objects(text: str) -> list[dict[str, Any]]:
    """Return the JSON objects in a text, whatever is written around them."""
    decoder, found, start = json.JSONDecoder(), [], text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            found.append(value)
        start = text.find("{", end)
    return found


def score(text: str) -> int | None:
    """Return the score of a judgement: that of the last object that has one, None if none has."""
    for found in reversed(objects(text)):
        value = found.get("score")
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return int(value) if value in range(LOWEST, HIGHEST + 1) else None
    return None


def better(text: str) -> str | None:
    """Return "a", "b" or "tie", None if the judgement says none of them."""
    for found in reversed(objects(text)):
        value = str(found.get("better", "")).strip().lower()
        if value in ("a", "b", "tie"):
            return value
    return None


@dataclass
class Judging:
    """The judgement of one answer."""

    model: conversation.Model
    settings: dict[str, Any]
    spent: list[conversation.Answer] = field(default_factory=list)

    def ask(self, system: str, text: str, read: Callable[[str], Any]) -> Any:
        """Ask until the judgement can be read; None if it never can."""
        turns = [text]
        for _ in range(self.settings["attempts"]):
            answer = self.model.ask(system, *turns)
            self.spent.append(answer)
            found = read(answer.text)
            if found is not None:
                return found
            # Without a text (filtered, or the model gave up) there is nothing to answer to.
            turns = [text, answer.text, prompts.AGAIN] if answer.text else [text]
        return None

    def compare(self, item: dict[str, Any], criteria: str, candidate: str, baseline: str) -> list[str | None]:
        """Return what both orders say of the candidate: win, loss, tie or None."""
        first = self.ask(prompts.PAIR, prompts.pair(item, criteria, candidate, baseline), better)
        second = self.ask(prompts.PAIR, prompts.pair(item, criteria, baseline, candidate), better)
        words = {"a": "win", "b": "loss", "tie": "tie", None: None}
        swapped = {"a": "loss", "b": "win", "tie": "tie", None: None}
        return [words[first], swapped[second]]


def outcome(orders: list[str | None]) -> str:
    """Return what two orders come to: "" if one of them was not judged."""
    if None in orders:
        return ""
    return str(orders[0]) if orders[0] == orders[1] else "tie"


def judge(
    model: conversation.Model, configuration: dict[str, Any], item: dict[str, Any], answer: dict[str, Any]
) -> dict[str, Any]:
    """Return the judgement of one answer. An empty one is the worst that there is, and costs nothing."""
    settings, text = configuration["judge"], answer["text"].strip()
    baseline = item["baseline"].strip() or configuration["baseline"]["answer"]
    judging = Judging(model, settings)
    if not text:
        return {
            "id": item["id"],
            "score": LOWEST,
            "passed": False,
            "orders": ["loss"] * 2,
            "outcome": "loss",
            **_spent([]),
        }
    criteria = settings["criteria"][item["kind"]]
    value = judging.ask(prompts.RUBRIC, prompts.rubric(item, criteria, text), score)
    orders = judging.compare(item, criteria, text, baseline)
    passed = None if value is None else value >= settings["pass_score"]
    found = {"id": item["id"], "score": value, "passed": passed, "orders": orders, "outcome": outcome(orders)}
    reasons = [each for answer in judging.spent[:1] for each in objects(answer.text)]
    return {**found, "reason": str(reasons[-1].get("reason", "")) if reasons else "", **_spent(judging.spent)}


def _spent(answers: list[conversation.Answer]) -> dict[str, Any]:
    return {
        "input_tokens": sum(each.input_tokens for each in answers),
        "output_tokens": sum(each.output_tokens for each in answers),
        "stops": sorted({each.stop for each in answers}),
    }


def main() -> None:
    """Judge every answer, write the judgements."""
    run = step.start(__doc__)
    model = run.model("judge")
    answers = {each["id"]: each for each in run.read("answers")}
    found = run.each(lambda item: judge(model, run.configuration, item, answers[item["id"]]), run.read("prompts"))
    run.write("judgements", found)
    unjudged = sum(each["score"] is None or not each["outcome"] for each in found)
    print(f"{len(found)} answers judged by {model.model_id}, {unjudged} of them not to the end.")


if __name__ == "__main__":
    main()
