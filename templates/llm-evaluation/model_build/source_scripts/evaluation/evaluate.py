"""Step 4: what the judgements come to, with 95 % intervals, and log the run to MLflow.

Writes evaluation.json (the metrics), items.csv (every answer with its judgement), configuration.json (what would be
deployed) and smoke.json: prompts whose answers had every fact. The deploy repository asks them again. Here:
`python source_scripts/evaluation/evaluate.py --base DIR`
"""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CODE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CODE / "bedrock"), str(CODE / "tracking")]
import conversation  # noqa: E402
import prompts  # noqa: E402
import step  # noqa: E402
import tracking  # noqa: E402

Z = 1.959964  # of a two-sided 95 % interval
WORTH = {"win": 1.0, "tie": 0.5, "loss": 0.0}
SMOKE_PROMPTS = 5
SHOWN = ("id", "kind", "score", "passed", "outcome", "orders", "facts_found", "stop", "prompt", "context", "expected")


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean and 95 % interval of values from 0 to 1 (Wilson 1927). Without values it is anything: 0, 0, 1.

    For values between 0 and 1, such as ties, it is wider than it has to be.
    """
    n = len(values)
    if not n:
        return 0.0, 0.0, 1.0
    mean = sum(values) / n
    middle = (mean + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(mean * (1 - mean) / n + Z**2 / (4 * n**2))
    return mean, max(0.0, middle - half), min(1.0, middle + half)


def rate(values: Sequence[float]) -> dict[str, float]:
    """Return a metric with its interval."""
    value, low, high = interval(values)
    return {"value": value, "low": low, "high": high, "items": len(values)}


def joined(
    items: list[dict[str, Any]], answers: list[dict[str, Any]], judged: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return one record for each prompt. Raises SystemExit if a step left one out."""
    answered, known = {each["id"]: each for each in answers}, {each["id"]: each for each in judged}
    missing = [item["id"] for item in items if item["id"] not in answered or item["id"] not in known]
    if missing or not items:
        raise SystemExit(
            f"There is no answer or judgement for {', '.join(missing[:5]) or 'any prompt'}. Run all steps again."
        )
    return [
        {
            **item,
            **{f"answer_{key}": value for key, value in answered[item["id"]].items() if key != "id"},
            **known[item["id"]],
            "facts_found": all(fact.lower() in answered[item["id"]]["text"].lower() for fact in item["facts"]),
        }
        for item in items
    ]


def metrics(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the report: the metrics of all prompts, and the share that passes of each kind."""
    n = len(records)
    passed = [float(each["passed"]) for each in records if each["passed"] is not None]
    outcomes = [WORTH[each["outcome"]] for each in records if each["outcome"]]
    scores = [each["score"] for each in records if each["score"] is not None]
    pairs = [each["orders"] for each in records if None not in each["orders"]]
    facts = [float(each["facts_found"]) for each in records if each["facts"]]
    latencies = sorted(each["answer_latency_ms"] for each in records)
    kinds = sorted({each["kind"] for each in records})
    return {
        "llm_metrics": {
            "pass_rate": rate(passed),
            "win_rate": rate(outcomes),
            "mean_score": {"value": sum(scores) / max(1, len(scores))},
            "tie_share": {"value": _share(outcomes.count(0.5), len(outcomes))},
            "order_dependent_share": {"value": _share(sum(one != two for one, two in pairs), len(pairs))},
            "facts_rate": rate(facts),
            "unfinished_share": {"value": _share(sum(each["answer_unfinished"] for each in records), n)},
            "filtered_share": {
                "value": _share(sum(each["answer_stop"] in conversation.FILTERED for each in records), n)
            },
            "unjudged_share": {
                "value": _share(sum(each["score"] is None or not each["outcome"] for each in records), n)
            },
            "latency_ms_p90": {"value": float(latencies[math.ceil(0.9 * n) - 1])},
        },
        "pass_rate_by_kind": {
            kind: rate(
                [float(each["passed"]) for each in records if each["kind"] == kind and each["passed"] is not None]
            )
            for kind in kinds
        },
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def tokens(records: list[dict[str, Any]], prices: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return what was used, and what it cost by config.toml's prices."""
    used = {
        "candidate_input": sum(each["answer_input_tokens"] for each in records),
        "candidate_output": sum(each["answer_output_tokens"] for each in records),
        "judge_input": sum(each["input_tokens"] for each in records),
        "judge_output": sum(each["output_tokens"] for each in records),
    }
    dollars = sum(count * prices[name] / 1_000_000 for name, count in used.items())
    return {
        **{f"{name}_tokens": {"value": float(count)} for name, count in used.items()},
        "dollars": {"value": dollars},
    }


def smoke(records: list[dict[str, Any]], candidate: Mapping[str, Any]) -> dict[str, Any]:
    """Return prompts that a deployment asks again: of different kinds, passed, with every fact in the answer."""
    usable = [each for each in records if each["facts"] and each["facts_found"] and each["passed"]]
    first = {each["kind"]: each for each in reversed(usable)}
    chosen = sorted(first.values(), key=lambda each: each["id"])[:SMOKE_PROMPTS]
    return {
        "prompts": [
            {"id": each["id"], "text": prompts.question(candidate, each), "facts": each["facts"]} for each in chosen
        ]
    }


def write(folder: Path, documents: Mapping[str, bytes], records: list[dict[str, Any]]) -> None:
    """Write the documents, and the table of all answers."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in documents.items():
        (folder / name).write_bytes(content)
    with (folder / "items.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([*SHOWN, "answer", "reason"])
        for each in records:
            shown = {**each, "stop": each["answer_stop"]}
            table.writerow([*(shown[name] for name in SHOWN), each["answer_text"], each.get("reason", "")])


def parameters(configuration: Mapping[str, Any], digest: str, count: int) -> dict[str, Any]:
    """Return what MLflow shows beside the metrics."""
    return {
        "configuration": digest,
        "prompts": count,
        **{
            f"{role}.{name}": value
            for role in ("candidate", "judge")
            for name, value in (
                ("model_id", configuration[role]["model_id"]),
                *configuration[role]["inference"].items(),
            )
        },
    }


def main() -> None:
    """Join, measure, write, log."""
    run = step.start(__doc__)
    records = joined(run.read("prompts"), run.read("answers"), run.read("judgements"))
    candidate = run.configuration["candidate"]
    report = {**metrics(records), "usage": tokens(records, run.configuration["prices"])}
    released, folder = prompts.released(candidate), run.base / "evaluation"
    documents = {
        "evaluation.json": json.dumps(report).encode(),
        "smoke.json": json.dumps(smoke(records, candidate), ensure_ascii=False).encode(),
        "configuration.json": released,
    }
    write(folder, documents, records)
    print(json.dumps(report))
    if candidate["model_id"] == run.configuration["judge"]["model_id"] != "":
        print("The judge is the candidate itself: it prefers its own answers. Choose another judge.")
    values = {name: each["value"] for group in ("llm_metrics", "usage") for name, each in report[group].items()}
    given = parameters(run.configuration, prompts.digest(released), len(records))
    tracking.log(os.environ, given, values, folder / "configuration.json")


if __name__ == "__main__":
    main()
