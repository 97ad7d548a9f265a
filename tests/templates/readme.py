"""What a template's README tells people to do, in its own words: workflows to run, and lines to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

_THING = re.compile(r"(?m)^\d\. (.+(?:\n   .+)*)")
_STEP = re.compile(
    r"\*Actions\* > \*(?P<workflow>[^*]+)\* > \*Run workflow\*"
    r"|\*Run workflow\* again with `(?P<input>\w+)` = `(?P<value>\w+)`"
    r"|`(?P<line>(?:make|bin/|python )[^`]+)`"
)


@dataclass(frozen=True)
class Step:
    """A workflow's file with its inputs, or a line to type."""

    workflow: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    line: str = ""


def section(checkout: Path, title: str) -> str:
    """Return what is below a title."""
    text = (checkout / "README.md").read_text(encoding="utf-8")
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def first_things(checkout: Path) -> list[tuple[str, list[Step]]]:
    """Return the first things to do: each text, and its steps. Raises KeyError for a workflow that is not there."""
    files = {yaml.safe_load(each.read_text())["name"]: each.name for each in checkout.glob(".github/workflows/*.yml")}
    texts = [" ".join(each.split()) for each in _THING.findall(section(checkout, "The first three things to do"))]
    found: list[tuple[str, list[Step]]] = []
    last = ""
    for text in texts:
        steps = []
        for each in _STEP.finditer(text):
            if each["workflow"]:
                last = files[each["workflow"]]
            inputs = ((each["input"], each["value"]),) if each["input"] else ()
            steps.append(Step(line=each["line"]) if each["line"] else Step(last, inputs))
        found.append((text, steps))
    return found


def work(checkout: Path) -> Iterator[str]:
    """Yield the lines to type of "Work on it", without what they say beside them."""
    for line in section(checkout, "Work on it").partition("```sh\n")[2].partition("\n```")[0].splitlines():
        yield line.partition("#")[0].strip()
