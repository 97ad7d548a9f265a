"""The report, as Markdown for people and as JSON: what can be sent to the maintainers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from operations.prove.facts import Call, State
from operations.prove.judging import Finding
from operations.prove.verdicts import HOLDS, NOT_SEEN, OTHERWISE

MARKS = {HOLDS: "[ok]", OTHERWISE: "[!!]", NOT_SEEN: "[??]"}
_CALLS = 6  # of each kind that are shown with a finding; the JSON has all


def document(state: State, findings: Sequence[Finding], failure: str) -> dict[str, Any]:
    """Return the report as JSON has it. `failure`: why the proof could not be made, "" where it could."""
    return {
        "run": state.run,
        "account": state.facts.account,
        "region": state.facts.region,
        "domain": state.domain,
        "single_sign_on": state.facts.kind,
        "profile": state.profile,
        "project": state.project,
        "local": state.local,
        "failure": failure,
        "left": state.left,
        "steps": {"done": state.done, "problems": state.problems},
        "counts": {verdict: sum(each.verdict == verdict for each in findings) for verdict in MARKS},
        "otherwise": [each.assumption.id for each in findings if each.verdict == OTHERWISE],
        "assumptions": [_finding(each) for each in findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    assumption = finding.assumption
    return {
        "id": assumption.id,
        "assumption": assumption.sentence,
        "certainty": assumption.certainty,
        "verdict": finding.verdict,
        "judged_by": assumption.judged,
        "seen": finding.seen,
        "if_otherwise": assumption.otherwise,
        "code": list(assumption.places),
        "evidence": [call.model_dump(exclude={"about"}) for call in finding.calls],
    }


def markdown(state: State, findings: Sequence[Finding], failure: str) -> str:
    """Return the report for people."""
    counts = ", ".join(f"{sum(each.verdict == verdict for each in findings)} {verdict}" for verdict in MARKS)
    where = "the local run" if state.local else f"account {state.facts.account}, {state.facts.region}"
    lines = [
        "# Proof of the assumptions",
        "",
        f"Run {state.run} on {where}: domain {state.domain} (single sign-on: {state.facts.kind or 'unknown'}), "
        f"profile {state.profile}, project {state.project or 'none'}.",
        "",
        f"{counts}.",
    ]
    if failure:
        lines += ["", f"**The proof could not be made to its end:** {failure}"]
    if state.left:
        lines += ["", f"**The project {state.left} could not be deleted.** Delete it in Studio."]
    lines += [f"- {step}: {problem}" for step, problem in state.problems.items()]
    lines += ["", "| id | verdict | assumption | seen |", "|---|---|---|---|"]
    lines += [
        f"| {each.assumption.id} | {each.verdict} | {_cell(each.assumption.sentence)} | {_cell(each.seen)} |"
        for each in findings
    ]
    for each in findings:
        if each.verdict == OTHERWISE:
            lines += ["", f"## {each.assumption.id} is otherwise", "", _cell(each.seen), ""]
            lines += [f"What to do: {each.assumption.otherwise}.", "", f"Code: {', '.join(each.assumption.places)}"]
    lines += ["", "## Evidence", ""]
    lines += [
        f"- {each.assumption.id}: {'; '.join(map(_call, each.calls[:_CALLS]))}" for each in findings if each.calls
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _call(call: Call) -> str:
    return f"{call.service} {call.operation} {call.status} {call.code} `{call.request_id}`".replace("  ", " ")
