"""One proof from beginning to end: the steps in their order, remembered after each, and cleaned up after."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from custom_resources.errors import Problem
from operations.errors import ProveDeploymentFailed, ProveProjectLeft
from operations.prove import changes, connected, looking, recorded, remains, report, scratch
from operations.prove.facts import Facts, State
from operations.prove.judging import DELETION_RESTS_ON, LAUNCH_RESTS_ON, Finding, judge
from operations.prove.looking import Proof
from operations.prove.verdicts import OTHERWISE

REPORT = "report"
Step = Callable[[Proof], None]

# Without these there is nothing to look at; what another step cannot do is told, and the proof goes on.
_NEEDED: tuple[Step, ...] = (
    looking.account,
    looking.domain,
    looking.installation,
    changes.create,
    changes.deployment,
)
_STEPS: tuple[Step, ...] = (
    looking.account,
    looking.domain,
    looking.installation,
    looking.configuration,
    looking.owners,
    looking.studio_stack,
    remains.foundation,
    looking.versions,
    scratch.scratch,
    changes.create,
    changes.deployment,
    looking.environment,
    remains.environment_stacks,
    looking.launch,
    looking.workspace,
    looking.told,
    looking.native_event,
    remains.workflows,
    recorded.recorded,
    connected.connected,
    changes.by_hand,
    changes.update,
    changes.tainted,
)


@dataclass(frozen=True)
class Outcome:
    """What a proof ended with: 0 all that was seen holds, 3 some is otherwise, 1 it could not be made."""

    code: int
    findings: list[Finding]
    failure: str


def run(proof: Proof, folder: Path) -> Outcome:
    """Take the steps that were not taken yet, delete the project, and write the report."""
    failure = ""
    try:
        with _terminable():
            _take_steps(proof, folder)
    except Problem as problem:
        failure = str(problem)
    except KeyboardInterrupt:
        failure = "It was interrupted."
    if not proof.state.keep:
        try:
            changes.delete(proof)
        except Problem as problem:
            proof.state.left = proof.state.project
            proof.state.problems["delete"] = str(problem)
    proof.state.ended = not failure
    proof.state.save(folder)
    return _told(proof, folder, failure)


@contextmanager
def _terminable() -> Iterator[None]:
    """Have a SIGTERM interrupt as Ctrl-C does."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _take_steps(proof: Proof, folder: Path) -> None:
    state = proof.state
    for step in _STEPS:
        name = step.__name__
        if name in state.done:
            continue
        try:
            step(proof)
        except Problem as problem:
            if step in _NEEDED:
                raise
            state.problems[name] = str(problem)
            proof.say(f"{name}: {problem}")
        state.done.append(name)
        state.save(folder)


def begin_again(proof: Proof) -> None:
    """Prepare a proof to go on. Its project may be gone, deleted when it was interrupted: then it gets another."""
    state = proof.state
    if state.facts.deletion == "gone":
        of_account = [step.__name__ for step in _STEPS[: _STEPS.index(changes.create)]]
        state.done = [name for name in state.done if name in of_account]
        kept = Facts.model_fields.keys() & {"account", "region", "kind", "absent_domain", "listed", "grants_files"}
        kept |= {"installed", "versions", "scratch", "domain_key", "waiters", "answers"}
        state.facts = Facts.model_validate(state.facts.model_dump(include=kept))
        state.project = ""
    state.problems = {}


def _why_not_launched(state: State) -> str:
    """Return why Studio could not deploy the project, or the project setup could not launch; "" if it could."""
    facts = state.facts
    if facts.deployment != "SUCCESSFUL":
        return "; ".join(filter(None, facts.reasons)) or facts.deployment
    if facts.launch and facts.launch.status in ("ERROR", "TAINTED") and not state.given:
        return facts.launch.message or facts.launch.status
    return ""


def _told(proof: Proof, folder: Path, failure: str) -> Outcome:
    """Write the report; return the outcome."""
    state = proof.state
    findings = judge(state.facts, state.calls)
    otherwise = {finding.assumption.id for finding in findings if finding.verdict == OTHERWISE}
    reason = _why_not_launched(state)
    if not failure and reason and not otherwise & LAUNCH_RESTS_ON:
        failure = str(ProveDeploymentFailed(project=state.project, reason=reason.rstrip(".")))
    if not failure and state.left and not otherwise & (LAUNCH_RESTS_ON | DELETION_RESTS_ON):
        reason = state.problems.get("delete") or state.facts.deletion
        failure = str(ProveProjectLeft(project=state.left, reason=reason.rstrip(".")))
    told = report.document(state, findings, failure)
    (folder / f"{REPORT}.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    (folder / f"{REPORT}.md").write_text(report.markdown(state, findings, failure), encoding="utf-8")
    return Outcome(1 if failure else 3 if otherwise else 0, findings, failure)
