"""Which launches a rollout updates, in which waves, and which it leaves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from custom_resources.clients.service_catalog import Launch, ProductVersion
from operations.errors import NotDeployed, UnknownProject, VersionInactive
from products.rollout.names import MAX_CONCURRENCY

# Tainted: the last update failed, the stack is as it was before, and can be updated again (docs/studio.md, A28).
_UPDATABLE = ("AVAILABLE", "TAINTED", "UNDER_CHANGE")
SECOND_WAVE = 0.1  # of the projects that are left after the canary
UPDATE_SECONDS = 90  # of an update, as measured; with GitHub's published limits no more than ALL_OUT an hour
ALL_OUT = 784  # projects an hour: the simulated mix of merges and pull requests


@dataclass(frozen=True)
class Skipped:
    """A launch that is left as it is, and why."""

    launch: Launch
    reason: str


@dataclass(frozen=True)
class Plan:
    """What a rollout would do: launches to update by their waves, those left with the reason, those already there."""

    version: ProductVersion
    waves: tuple[tuple[Launch, ...], ...]
    skipped: tuple[Skipped, ...]
    there: tuple[Launch, ...]

    @property
    def launches(self) -> list[Launch]:
        """Return all that are to be updated, in order."""
        return [launch for wave in self.waves for launch in wave]


def target_version(versions: Sequence[ProductVersion], name: str) -> ProductVersion:
    """Return the version to roll out. Raises NotDeployed."""
    for version in versions:
        if version.name == name:
            if version.guidance == "INACTIVE":
                raise VersionInactive(version=name)
            return version
    known = ", ".join(version.name for version in versions) or "none"
    raise NotDeployed(version=name, known=known)


def selected(launches: Sequence[Launch], projects: Sequence[str]) -> list[Launch]:
    """Return the launches of the projects, all without a project. Raises UnknownProject."""
    for project in projects:
        if not any(launch.belongs_to(project) for launch in launches):
            raise UnknownProject(project=project)
    return [launch for launch in launches if not projects or any(launch.belongs_to(project) for project in projects)]


def plan(launches: Sequence[Launch], version: ProductVersion, canaries: Sequence[str] = ()) -> Plan:
    """Sort the launches, and put those to update into waves: canary, a tenth, the rest. Raises UnknownProject."""
    there, chosen, skipped = list[Launch](), list[Launch](), list[Skipped]()
    for each in launches:
        if each.status == "AVAILABLE" and each.version_id == version.id:
            there.append(each)
        elif each.status in _UPDATABLE and each.stack:
            chosen.append(each)
        else:
            skipped.append(Skipped(each, why_left(each)))
    first = selected(chosen, canaries) if canaries else chosen[:1]
    return Plan(version, waves(chosen, first), tuple(skipped), tuple(there))


def why_left(launch: Launch) -> str:
    """Return why a launch is not updated, as a sentence's end."""
    if launch.status == "ERROR":
        return f"it is in error ({launch.message or 'no reason given'}); repair it"
    if launch.status in _UPDATABLE:
        return "it is being launched, and has no stack yet"
    return f"its status is {launch.status}"


def waves(launches: Sequence[Launch], canaries: Sequence[Launch]) -> tuple[tuple[Launch, ...], ...]:
    """Return the launches in waves: the canaries, a tenth of the others, the rest; none is empty."""
    first = {each.id for each in canaries}
    others = [each for each in launches if each.id not in first]
    tenth = ceil(len(others) * SECOND_WAVE)
    return tuple(tuple(wave) for wave in (canaries, others[:tenth], others[tenth:]) if wave)


def seconds_needed(sizes: Sequence[int], hourly: float = 0) -> float:
    """Return about how long waves of these sizes take: as many at once as may, at GitHub's pace or `hourly`."""
    pace = min(ALL_OUT, hourly) if hourly else ALL_OUT
    return sum(max(UPDATE_SECONDS * ceil(size / MAX_CONCURRENCY), size * 3600 / pace) for size in sizes)


def spoken(seconds: float) -> str:
    """Return a length of time as people say it."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
