"""Step 2: let the candidate answer every prompt.

Here: `python source_scripts/generation/generate.py --base DIR --recorded data/recorded/answers.jsonl`, without Bedrock.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bedrock"))
import conversation
import prompts
import step


def generate(model: conversation.Model, candidate: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """Return the candidate's answer to one prompt."""
    answer = model.ask(candidate["system"], prompts.question(candidate, item))
    return {"id": item["id"], **answer.record(), "unfinished": answer.unfinished}


def main() -> None:
    """Ask, write the answers, say how they ended."""
    run = step.start(__doc__)
    model, candidate = run.model("candidate"), run.configuration["candidate"]
    run.model("judge").ask("", "Say OK.")  # a judge that may not be used is found out before anything is spent
    answers = run.each(lambda item: generate(model, candidate, item), run.read("prompts"))
    run.write("answers", answers)
    stops = Counter(each["stop"] for each in answers)
    print(f"{len(answers)} answers of {model.model_id}: " + ", ".join(f"{n} {stop}" for stop, n in stops.items()))


if __name__ == "__main__":
    main()
