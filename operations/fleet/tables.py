"""The fleet as text of 80 columns, as CSV and as JSON. Pure."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from operations.fleet.facts import STATES, Fleet, Project, PullRequestStatus, RepositoryStatus
from operations.terminal import indented, table

WIDTH = 80
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
CSV_COLUMNS = (
    *("project", "launch", "studio_project", "profile", "owner", "account", "region", "state", "reason", "wanted"),
    *("build_repository", "build_version", "build_pull_request", "build_pull_request_state", "build_since"),
    *("deploy_repository", "deploy_version", "deploy_pull_request", "deploy_pull_request_state", "deploy_since"),
    *("missing_secrets", "missing_workflows", "launch_status", "stack_status", "last_update"),
    *("last_rollout", "last_rollout_result", "last_rollout_reason", "last_rollout_at"),
)


# -- text ----------------------------------------------------------------------------------------------------------


def lines(fleet: Fleet) -> Iterator[str]:
    """Yield the table: a line for each project, and below it what there is to say; nothing of what was not read."""
    if fleet.problem and not fleet.projects:
        return
    rows = [_row(project) for project in fleet.projects]
    head, *shown = table(("PROJECT", "BUILD", "DEPLOY", "STATE"), rows, WIDTH)
    yield head
    for line, project in zip(shown, fleet.projects, strict=True):
        yield line
        for text in _details(project):
            yield from indented(text, WIDTH)
    yield ""
    yield summary(fleet)


def summary(fleet: Fleet) -> str:
    """Return one line: how many projects are in which state."""
    counts = Counter(project.state for project in fleet.projects)
    told = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state]) or "no project"
    return f"{told}; wanted: {fleet.wanted or 'no live version'}; as of {fleet.time}"


def _row(project: Project) -> tuple[str, ...]:
    versions = (project.version(part) or "?" for part in ("build", "deploy"))
    return (project.name, *versions, project.state)


def _details(project: Project) -> Iterator[str]:
    place = f"{project.account} {project.region}".strip()
    if project.reason or place:
        yield ": ".join(filter(None, (place, project.reason)))
    last = project.last_rollout
    if last and last.result in ("failed", "skipped"):
        yield f"the rollout of {last.version or last.rollout} {last.result}: {last.reason or 'no reason given'}"
    for repository in project.repositories:
        told = [*_about(repository)]
        if told:
            yield f"{repository.part}: {'; '.join(told)}"
        pull = repository.pull_request
        if pull and pull.url and (pull.state == "open" or repository.version != project.wanted):
            yield pull.url


def _about(repository: RepositoryStatus) -> Iterator[str]:
    if repository.place == "renamed":
        yield f"renamed to {repository.full_name}"
    if repository.pull_request and repository.pull_request.state != "merged":
        yield _pull(repository.pull_request)
    if repository.missing_secrets:
        yield f"secrets missing: {', '.join(repository.missing_secrets)}"
    if repository.missing_workflows:
        yield f"workflows missing: {', '.join(repository.missing_workflows)}"
    if repository.problem and repository.place == "there":
        yield repository.problem


def _pull(pull: PullRequestStatus) -> str:
    if pull.state == "unknown":
        return pull.problem
    words = [f"pull request #{pull.number}", f"for {pull.version}" if pull.version else "", pull.state]
    if pull.state == "open":
        words += [f"since {pull.since[:10]},", pull.mergeable, "(draft)" if pull.draft else ""]
    return " ".join(filter(None, words))


# -- CSV and JSON ----------------------------------------------------------------------------------------------------


def as_csv(fleet: Fleet) -> str:
    """Return CSV with a header. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for project in fleet.projects:
        writer.writerow([_cell(each) for each in _values(project)])
    return written.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _values(project: Project) -> Iterator[str]:
    yield from (project.name, project.launch, project.project, project.profile, project.owner, project.account)
    yield from (project.region, project.state, project.reason, project.wanted)
    for part in ("build", "deploy"):
        found = next((each for each in project.repositories if each.part == part), None)
        pull = found.pull_request if found else None
        yield from (found.full_name, found.version) if found else ("", "")
        yield from (pull.url, pull.state, pull.since) if pull else ("", "", "")
    for each in ("missing_secrets", "missing_workflows"):
        yield " ".join(f"{it.part}:{name}" for it in project.repositories for name in getattr(it, each))
    yield from (project.launch_status, project.stack_status, project.last_update)
    last = project.last_rollout
    yield from (last.rollout, last.result, last.reason, last.at) if last else ("", "", "", "")


def as_document(fleet: Fleet) -> dict[str, Any]:
    """Return what --json prints, and fleet.json holds."""
    return {
        "time": fleet.time,
        "wanted": fleet.wanted,
        "allCurrent": fleet.all_current,
        "states": dict(Counter(each.state for each in fleet.projects)),
        "projects": [asdict(each) for each in fleet.projects],
        "problem": fleet.problem,
    }


FILTERS: dict[str, Callable[[Project], bool]] = {
    "outdated": lambda project: any(each.version != project.wanted for each in project.repositories),
    "open_prs": lambda project: bool(project.opens),
    "failed": lambda project: project.state == "failed" or project.rollout_failed,
    "drift": lambda project: project.drifts,
}


def chosen(projects: Sequence[Project], filters: Collection[str]) -> list[Project]:
    """Return the projects that any of the filters is about; all without one."""
    return [each for each in projects if not filters or any(FILTERS[name](each) for name in filters)]
