"""How a rollout stands: its item in the budget table, and what became of its projects. Plain data, and its spelling."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from products.rollout.names import COUNTERS, ITEM, NOBODY, Outcome, Phase

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from custom_resources.clients.service_catalog import Launch


@dataclass(frozen=True)
class Wish:
    """What was asked for: how many failures, soaking seconds, a look of a person, projects an hour (0: no limit)."""

    failures: int = 0
    soak: int = 0
    approve: bool = False
    rate: int = 0
    window: str = ""


@dataclass(frozen=True)
class Target:
    """What is rolled out: ids of Service Catalog, the version's parameters, whether the product has several paths."""

    product: str
    version: str
    version_id: str
    parameters: tuple[str, ...] = ()
    several_paths: bool = False


@dataclass(frozen=True)
class Rollout:
    """The one rollout of an account and region. Times are Unix time.

    `runs` counts the executions that were planned, `run_by` is the ARN of the one that took it (NOBODY: none has).
    `waves` names the lists in S3 that the last of them was planned with, in order.
    """

    id: str
    phase: Phase
    target: Target
    wish: Wish = field(default_factory=Wish)
    planned: int = 0
    started: float = 0.0
    ended: float = 0.0
    runs: int = 0
    wave: str = ""
    canary: str = ""
    paused: str = ""
    aborted: bool = False
    run_by: str = NOBODY
    waves: tuple[str, ...] = ()
    counts: Mapping[Outcome, int] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def under_way(self) -> bool:
        """Tell whether no other may be started."""
        return self.phase in ("running", "paused")

    @property
    def counted(self) -> int:
        """Return how many projects have an outcome, as far as the machine counted."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Part:
    """A repository's side of a result: its status, the version in it, the pull request that waits."""

    status: str = ""
    version: str = ""
    pull_request: str = ""


@dataclass(frozen=True)
class Result:
    """What became of a project, as the machine wrote it."""

    launch: str
    name: str
    result: Outcome
    reason: str = ""
    build: Part = field(default_factory=Part)
    deploy: Part = field(default_factory=Part)
    at: str = ""

    @property
    def pull_requests(self) -> list[str]:
        """Return the addresses of the pull requests that wait."""
        parts = (self.build, self.deploy)
        return [part.pull_request for part in parts if part.status == "pull-request" and part.pull_request]


def wave_item(launch: Launch) -> dict[str, str]:
    """Return a project in a wave's list. The record is part of the token that makes two requests one update."""
    return {
        "launch": launch.id,
        "name": launch.name,
        "stack": launch.stack,
        "record": launch.last_record or launch.id,
    }


def new_item(rollout: Rollout, open_times: Sequence[tuple[int, int]]) -> dict[str, AttributeValueTypeDef]:
    """Return the item of a rollout that begins."""
    target, wish = rollout.target, rollout.wish
    texts = {
        "Id": ITEM,
        "Rollout": rollout.id,
        "Phase": rollout.phase,
        "ProductId": target.product,
        "Version": target.version,
        "VersionId": target.version_id,
        "ParameterNames": json.dumps(target.parameters),
        "SeveralPaths": "yes" if target.several_paths else "",
        "NeedsApproval": "yes" if wish.approve else "",
        "CanaryWave": rollout.canary,
        "Waves": json.dumps(rollout.waves),
        "RunBy": rollout.run_by,
        "OpenTimes": json.dumps(open_times),
        "Window": wish.window,
    }
    numbers = {
        "Planned": rollout.planned,
        "StartedAt": int(rollout.started),
        "Runs": rollout.runs,
        "MostFailures": wish.failures,
        "SoakSeconds": wish.soak,
        "HourlyRate": wish.rate,
        "NextStart": 0,
    }
    return {
        **{name: {"S": text} for name, text in texts.items()},
        **{name: {"N": str(number)} for name, number in numbers.items()},
        "FailedOnes": {"M": {}},
    }


def rollout_of(item: Mapping[str, Any]) -> Rollout:
    """Return what an item says."""

    def text(name: str) -> str:
        return str(item.get(name, {}).get("S", ""))

    def number(name: str) -> int:
        return int(float(item.get(name, {}).get("N", "0")))

    phase: Any = text("Phase")
    return Rollout(
        id=text("Rollout"),
        phase=phase,
        target=Target(
            text("ProductId"),
            text("Version"),
            text("VersionId"),
            tuple(json.loads(text("ParameterNames") or "[]")),
            bool(text("SeveralPaths")),
        ),
        wish=Wish(
            number("MostFailures"),
            number("SoakSeconds"),
            bool(text("NeedsApproval")),
            number("HourlyRate"),
            text("Window"),
        ),
        planned=number("Planned"),
        started=number("StartedAt"),
        ended=number("EndedAt"),
        runs=number("Runs"),
        wave=text("Wave"),
        canary=text("CanaryWave"),
        paused=text("Paused"),
        aborted=bool(text("Aborted")),
        run_by=text("RunBy"),
        waves=tuple(json.loads(text("Waves") or "[]")),
        counts={outcome: number(name) for outcome, name in COUNTERS.items()},
        failures={name: value.get("S", "") for name, value in item.get("FailedOnes", {}).get("M", {}).items()},
    )


def result_of(text: str) -> Result:
    """Return a result as the machine wrote it. Raises ValueError, KeyError for what it did not write."""
    said = json.loads(text)

    def part(name: str) -> Part:
        found = said.get(name, {})
        return Part(found.get("status", ""), found.get("version", ""), found.get("pullRequest", ""))

    return Result(
        said["launch"],
        said["name"],
        said["result"],
        said.get("reason", ""),
        part("build"),
        part("deploy"),
        said.get("at", ""),
    )


def result_text(result: Result) -> str:
    """Return a result as the machine writes it."""

    def part(found: Part) -> dict[str, str]:
        return {"status": found.status, "version": found.version, "pullRequest": found.pull_request}

    said = {name: getattr(result, name) for name in ("launch", "name", "result", "reason", "at")}
    return json.dumps({**said, "build": part(result.build), "deploy": part(result.deploy)})


def plan_document(rollout: Rollout) -> str:
    """Return the plan's file: what was asked for, and the names of the waves' lists in order."""
    asked = {"target": asdict(rollout.target), "wish": asdict(rollout.wish)}
    said = {"rollout": rollout.id, **asked, "waves": list(rollout.waves)}
    return json.dumps(said, indent=1)
