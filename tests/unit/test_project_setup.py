"""The second door's state machine, whole: golden files that are read like code (`GOLDEN=write` writes them)."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from products.project_setup import Setup, definition

GOLDEN = Path(__file__).parent / "golden"
ONE_ACCOUNT = Setup("dzd-1", ("One", "Another one"), "prod-1", "v1.0.0", "acme", "arn:topic")
MACHINES = {"one account": ONE_ACCOUNT, "project account": replace(ONE_ACCOUNT, reader="arn:reader")}


def lines(state: Any, path: str = "") -> list[str]:
    """Return a line for every value of a state."""
    if isinstance(state, dict) and state:
        return [line for key, value in state.items() for line in lines(value, f"{path}.{key}" if path else key)]
    if isinstance(state, list) and any(isinstance(each, dict) for each in state):
        return [line for number, each in enumerate(state) for line in lines(each, f"{path}[{number}]")]
    return [f"  {path} = {json.dumps(state, ensure_ascii=False)}"]


def written(machine: dict[str, Any]) -> str:
    """Return a machine as a person reads it: what it is, then state by state."""
    head = [line.strip() for key, value in machine.items() if key != "States" for line in lines(value, key)]
    states = [line for name, state in machine["States"].items() for line in ("", name, *lines(state))]
    return "\n".join([*head, *states, ""])


@pytest.mark.parametrize("where", MACHINES)
def test_the_machine_is_as_somebody_reviewed_it(where: str) -> None:
    file, found = GOLDEN / f"project_setup_{where.replace(' ', '_')}.txt", written(definition(MACHINES[where]))
    if os.environ.get("GOLDEN") == "write":
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("where", MACHINES)
def test_each_state_is_reached_and_leads_somewhere(where: str) -> None:
    machine = definition(MACHINES[where])
    states, waiting = machine["States"], [machine["StartAt"]]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += followers(states[name])
    assert reached == set(states)
    assert {name for name in states if not followers(states[name])} == {
        name for name, state in states.items() if state["Type"] in ("Succeed", "Fail")
    }


def followers(state: dict[str, Any]) -> list[str]:
    """Return where a state may lead."""
    branches = [state, *state.get("Choices", ()), *state.get("Catch", ())]
    return [branch[key] for branch in branches for key in ("Next", "Default") if key in branch]
