"""What state a project is in, by what AWS and GitHub tell of it. Pure.

GitHub's word about a pull request beats the stack's outputs: a stack does not hear of a merge. The repository's own
record of deliveries, which everybody who may push can write, is believed only where the stack cannot know better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from custom_resources.clients.service_catalog import PROJECT_TAG
from operations.fleet.facts import Part, Project, PullRequestStatus, RepositoryStatus, State
from operations.fleet.query import Asked, Found, place_of

if TYPE_CHECKING:
    from custom_resources.clients.service_catalog import Launch
    from custom_resources.clients.stacks import DescribedStack

PARTS: dict[Part, str] = {"build": "Build", "deploy": "Deploy"}
_CHANGING = {"UNDER_CHANGE", "PLAN_IN_PROGRESS"}
_HEALTHY = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def asked_of(stack: DescribedStack | None) -> dict[Part, Asked]:
    """Return the repositories that a stack's outputs name; one that was never created is missing."""
    outputs = stack.outputs if stack else {}
    found: dict[Part, Asked] = {}
    for part, prefix in PARTS.items():
        owner, name, _ = place_of(outputs.get(f"{prefix}RepositoryUrl", ""))
        number = outputs.get(f"{prefix}RepositoryId", "")
        if owner and number.isdecimal():
            waits = outputs.get(f"{prefix}TemplateStatus") == "pull-request"
            reported = place_of(outputs.get(f"{prefix}PullRequestUrl", ""))[2] if waits else 0
            found[part] = Asked(int(number), owner, name, reported)
    return found


def judged(
    launch: Launch, stack: DescribedStack | None, found: dict[Part, tuple[Asked, Found]], wanted: str
) -> Project:
    """Put together what is known of a launch."""
    outputs, parameters = (stack.outputs, stack.parameters) if stack else ({}, {})
    healthy = bool(stack and stack.status in _HEALTHY and launch.status == "AVAILABLE")
    repositories = tuple(_repository(part, *pair, outputs, healthy) for part, pair in found.items())
    state, reason = _state(launch, stack, repositories, wanted)
    return Project(
        launch=launch.id,
        name=outputs.get("ProjectName") or launch.name,
        launch_name=launch.name,
        project=launch.tags.get(PROJECT_TAG, "") or parameters.get("ProjectId", ""),
        profile=outputs.get("ProfileName", ""),
        owner=launch.launched_by.rpartition("/")[2],
        wanted=wanted,
        state=state,
        reason=reason,
        launch_status=launch.status,
        stack=launch.stack,
        stack_status=stack.status if stack else "",
        repositories=repositories,
        last_update=launch.last_update,
    )


def _repository(part: Part, asked: Asked, found: Found, outputs: Mapping[str, str], healthy: bool) -> RepositoryStatus:
    prefix = PARTS[part]
    status, by_stack = outputs.get(f"{prefix}TemplateStatus", ""), outputs.get(f"{prefix}TemplateVersion", "")
    pull = _shown(asked, found, status)
    version, version_by = by_stack, "stack" if by_stack else ""
    if pull and pull.reported and pull.state == "merged" and pull.into_default and pull.version:
        version, version_by = pull.version, "pull-request"
    elif found.record and not healthy:
        version, version_by = found.record, "repository"
    return RepositoryStatus(
        part=part,
        id=asked.id,
        full_name=found.full_name or asked.full_name,
        url=found.url,
        place=found.place,
        version=version,
        version_by=version_by,  # type: ignore[arg-type]
        updates_off=status == "off",
        pull_request=pull,
        # A version that was merged by hand is not recorded yet: its workflows are not known.
        missing_workflows=found.missing_workflows if found.record == version else (),
        problem=found.problem,
    )


def _shown(asked: Asked, found: Found, status: str) -> PullRequestStatus | None:
    """Return the pull request that is waited for: an open one first, else the one that the stack reports."""
    by_need = sorted(found.pulls, key=lambda pull: (pull.state != "open", not pull.reported))
    if by_need:
        return by_need[0]
    if status != "pull-request":
        return None
    problem = "The token cannot access the pull request." if asked.number else "The stack does not name a pull request."
    return PullRequestStatus("", asked.number, "unknown", reported=True, problem=found.problem or problem)


def _state(
    launch: Launch, stack: DescribedStack | None, repositories: Sequence[RepositoryStatus], wanted: str
) -> tuple[State, str]:
    by_launch = _state_of_launch(launch, stack)
    if by_launch:
        return by_launch
    if len(repositories) < len(PARTS):
        return "unknown", "The stack's outputs do not name both repositories."
    for place, state in _BY_PLACE:
        for each in repositories:
            if each.place == place:
                return state, each.problem or f"{each.full_name} is {_WORDS.get(place, place)}."
    behind = [each for each in repositories if each.version != wanted]
    return _state_of_versions(behind, wanted) if behind else ("current", "")


_BY_PLACE: tuple[tuple[str, State], ...] = (
    ("deleted", "gone"),
    ("unseen", "gone"),
    ("unknown", "unknown"),
    ("archived", "archived"),
)
_WORDS = {"unseen": "not visible to the token", "unknown": "not readable"}


def _state_of_launch(launch: Launch, stack: DescribedStack | None) -> tuple[State, str] | None:
    status = stack.status if stack else ""
    if launch.status in _CHANGING or status.endswith("_IN_PROGRESS"):
        return "changing", f"{launch.status}, {status}" if status else launch.status
    if stack is None:
        return "failed", launch.message or ("The stack is gone." if launch.stack else "The launch has no stack.")
    if status not in _HEALTHY or launch.status != "AVAILABLE":
        said = next(filter(None, (launch.message, stack.reason)), "")
        return "failed", f"{launch.status}, {status}{f': {said}' if said else ''}"
    return None


def _state_of_versions(behind: Sequence[RepositoryStatus], wanted: str) -> tuple[State, str]:
    """Return the state of a project of which at least one repository has another version."""
    pulls = [each.pull_request for each in behind if each.pull_request]
    if any(pull.state == "open" for pull in pulls):
        return "waiting", ""
    if any(pull.state == "closed" and pull.version == wanted for pull in pulls):
        gone = any(pull.state == "closed" and pull.branch_deleted for pull in pulls)
        return (
            "declined",
            "The pull request's branch was deleted." if gone else "The pull request was closed without a merge.",
        )
    if any(pull.state == "unknown" for pull in pulls):
        return "unknown", next(pull.problem for pull in pulls if pull.state == "unknown")
    if all(each.updates_off for each in behind):
        return "off", ""
    versions = ", ".join(f"{each.part}: {each.version or 'no version'}" for each in behind)
    return "outdated", versions
