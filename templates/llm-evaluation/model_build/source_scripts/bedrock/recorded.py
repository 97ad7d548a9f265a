"""Bedrock's Converse API without Bedrock: recorded answers, and a judge that compares words. For `make local`.

It shows that the steps and the gate work, not how good a model is. Requests and responses are held to the service's own
description (botocore), as the real client's are.
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

CANDIDATE, JUDGE = "recorded-candidate", "recorded-judge"
NOBODY_KNOWS = "I do not know."


class Recorded:
    """A client with one method. `kind` is which of the recorded answers the candidate gives: good or bad."""

    def __init__(self, file: Path, kind: str, questions: dict[str, str]) -> None:
        """`questions`: the text that each prompt's id is asked with."""
        lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        known = {each["id"]: each[kind] for each in lines}
        self.answers = {text: known.get(name, NOBODY_KNOWS) for name, text in questions.items()}
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def converse(self, **request: Any) -> dict[str, Any]:
        """Answer as Converse does. Raises ValueError for a request that the service would refuse."""
        require_valid(request, "input_shape")
        with self._lock:
            self.calls[request["modelId"]] += 1
        text = request["messages"][-1]["content"][0]["text"]
        said = judgement(text) if request["modelId"] == JUDGE else self.answers.get(text, NOBODY_KNOWS)
        response = {
            "output": {"message": {"role": "assistant", "content": [{"text": said}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": len(text) // 4, "outputTokens": len(said) // 4, "totalTokens": 0},
            "metrics": {"latencyMs": 1},
        }
        response["usage"]["totalTokens"] = response["usage"]["inputTokens"] + response["usage"]["outputTokens"]
        require_valid(response, "output_shape")
        return response


@cache
def _operation() -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model("bedrock-runtime").operation_model("Converse")


def require_valid(document: dict[str, Any], shape: str) -> None:
    """Raise ValueError if a document is not Converse's input_shape or output_shape."""
    from botocore.validate import ParamValidator

    report = ParamValidator().validate(document, getattr(_operation(), shape))
    if report.has_errors():
        raise ValueError(report.generate_report())


def judgement(text: str) -> str:
    """Judge by the words that an answer shares with the expected one."""
    expected = _part("expected", text)
    if "<answer_a>" in text:
        a, b = (_alike(_part(f"answer_{name}", text), expected) for name in "ab")
        better = "tie" if abs(a - b) < 0.05 else "A" if a > b else "B"
        return json.dumps({"better": better, "reason": f"{a:.2f} and {b:.2f} of the words"})
    share = _alike(_part("answer", text), expected)
    return json.dumps({"score": 1 + round(4 * min(1.0, share * 1.4)), "reason": f"{share:.2f} of the words"})


def _part(name: str, text: str) -> str:
    found = re.search(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
    return html.unescape(found[1]) if found else ""


def _alike(one: str, other: str) -> float:
    """Return how many words two texts share, from 0 to 1 (F1)."""
    first, second = (Counter(re.findall(r"\w+", each.lower())) for each in (one, other))
    shared = (first & second).total()
    return 2 * shared / max(1, first.total() + second.total())
