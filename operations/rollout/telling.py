"""What is said of a rollout: as lines for people, as JSON for scripts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from operations.rollout.planning import Plan, seconds_needed, spoken
from operations.rollout.state import Result, Rollout, Wish
from operations.terminal import indented
from products.rollout.names import (
    DONE,
    OUTCOMES,
    PAUSED_BY_CANARY,
    PAUSED_BY_FAILURES,
    PAUSED_BY_PERSON,
    PAUSED_BY_WINDOW,
    PAUSED_FOR_APPROVAL,
)

COMMAND = "python -m operations rollout"
_SHOWN = 20  # failures that are listed for people; --json has all
_WHY = {
    PAUSED_BY_FAILURES: "too many updates failed",
    PAUSED_BY_CANARY: "the canary was not updated; retry it, or resume without it",
    PAUSED_FOR_APPROVAL: "check the canary's repositories and workflow runs, then resume",
    PAUSED_BY_PERSON: "a person paused it",
    PAUSED_BY_WINDOW: "no time of its window is left; resume continues with the next 60 days",
}


def planned(plan: Plan, wish: Wish) -> dict[str, Any]:
    """Return a plan as JSON."""
    return {
        "version": plan.version.name,
        "waves": [[each.name for each in wave] for wave in plan.waves],
        "skipped": [{"id": each.launch.id, "name": each.launch.name, "reason": each.reason} for each in plan.skipped],
        "counts": {"planned": len(plan.launches), "skipped": len(plan.skipped), "already there": len(plan.there)},
        "seconds": round(seconds_needed([len(wave) for wave in plan.waves], wish.rate)),
    }


def plan_lines(plan: Plan, wish: Wish, *, foreseen: bool = False) -> Iterator[str]:
    """Yield a plan's lines. `foreseen`: what each update would do is shown after them."""
    counts = [f"{len(plan.launches)} to update", f"{len(plan.there)} already there", f"{len(plan.skipped)} skipped"]
    yield f"Roll out {plan.version.name}: {', '.join(counts)}"
    singular = {"canaries": "canary", "projects": "project"}
    for number, wave in enumerate(plan.waves, 1):
        kind = "canaries" if number == 1 and len(plan.waves) > 1 else "projects"
        names = ", ".join(each.name for each in wave[:3]) + (", ..." if len(wave) > 3 else "")
        yield f"  wave {number}: {len(wave)} {kind if len(wave) > 1 else singular[kind]} ({names})"
    for each in plan.skipped:
        yield from indented(f"skipped: {each.launch.name}: {each.reason}")
    if plan.launches:
        seconds = seconds_needed([len(wave) for wave in plan.waves], wish.rate)
        yield f"  takes about {spoken(seconds)} at GitHub's published limits"
        yield "  an update that merges starts each repository's workflows, as every push does"
        if not foreseen:
            yield f"  to see what each update would do: python -m operations plan --version {plan.version.name}"


def rolling(rollout: Rollout, results: Sequence[Result], *, runs: bool, now: float) -> dict[str, Any]:
    """Return how a rollout stands as JSON."""
    counts: Counter[str] = Counter(each.result for each in results)
    return {
        "rollout": rollout.id,
        "version": rollout.target.version,
        "phase": rollout.phase,
        "paused": rollout.paused,
        "runs": runs,
        "wave": rollout.wave,
        "planned": rollout.planned,
        "counts": {**{name: counts[name] for name in OUTCOMES}, "left": max(0, rollout.planned - len(results))},
        "seconds_left": time_left(rollout, len(results), now),
        "projects": [{**asdict(each), "pull_requests": each.pull_requests} for each in results],
        "next": following(rollout, counts, runs=runs),
    }


def time_left(rollout: Rollout, finished: int, now: float) -> int | None:
    """Return about how many seconds are left, by the pace so far; None where nobody knows."""
    left, passed = rollout.planned - finished, now - rollout.started
    if rollout.phase != "running" or rollout.paused or finished < 1 or left < 1 or passed <= 0:
        return None
    return round(passed / finished * left)


def following(rollout: Rollout, counts: Counter[str], *, runs: bool) -> list[str]:
    """Return the commands that come next."""
    if rollout.phase == "paused" or (rollout.phase == "running" and not runs):
        again = [f"{COMMAND} retry"] if counts["failed"] else []
        return [*again, f"{COMMAND} resume", f"{COMMAND} abort"]
    if rollout.phase == "running":
        return [f"{COMMAND} status --wait"]
    unreached = rollout.phase == "ended" and sum(counts.values()) < rollout.planned
    return [f"{COMMAND} retry"] if counts["failed"] or counts["skipped"] or unreached else []


def falls_short(said: dict[str, Any]) -> bool:
    """Tell whether a rollout ended, and projects of its plan have no result all the same."""
    return said.get("phase") == "ended" and said["counts"]["left"] > 0


def tried_again(number: int, rollout: Rollout) -> str:
    """Return the sentence that `retry` begins with."""
    if number:
        return f"Updating {number} {'project' if number == 1 else 'projects'} again."
    return "No project failed or was skipped." if rollout.phase != "running" else "Updating the projects that are left."


def lines(said: dict[str, Any], *, now: float) -> Iterator[str]:
    """Yield the lines that tell how a rollout stands, from its JSON."""
    yield f"Rollout of {said['version']} ({said['rollout']}): {_phase(said)}"
    yield f"  {progress(said, now)}"
    failed = [each for each in said["projects"] if each["result"] not in DONE]
    for each in failed[:_SHOWN]:
        yield from indented(f"{each['result']}: {each['name']}: {each['reason']}")
    if len(failed) > _SHOWN:
        yield f"  and {len(failed) - _SHOWN} more (--json lists all)"
    for command in said["next"]:
        yield f"next: {command}"


def _phase(said: dict[str, Any]) -> str:
    phase, paused = str(said["phase"]), _WHY.get(said["paused"], said["paused"])
    if phase == "running" and not said["runs"]:
        return "interrupted: its state machine stopped, or was not started"
    if phase == "running" and paused:
        return f"pausing ({paused}); updates under way finish first"
    if falls_short(said):
        return f"ended, but {said['counts']['left']} of its projects have no result"
    return f"paused: {paused}" if phase == "paused" else phase


def progress(said: dict[str, Any], now: float) -> str:
    """Return one line of counts, and when it will be done."""
    counts = said["counts"]
    shown = ", ".join(f"{count} {name}" for name, count in counts.items() if count and name != "left")
    done = said["planned"] - counts["left"]
    text = f"{done} of {said['planned']} projects: {shown or 'none yet'}"
    if said["seconds_left"] is None:
        return text
    end = datetime.fromtimestamp(now + said["seconds_left"], UTC)
    return f"{text}; about {spoken(said['seconds_left'])} left (until {end:%d %b %H:%M} UTC)"
