"""The verb `pull-requests`: list, merge, close, nudge."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from operations.fleet.facts import Fleet, Project, PullRequestStatus, RepositoryStatus
from operations.pull_requests import Outcome, PullRequests, Wish, counted, done, listed
from operations.status_command import Looked, joined, look, selected

if TYPE_CHECKING:
    from operations.pull_requests import GitHubWrites

_FAILED = ("failed", "not started")


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add what `pull-requests` takes."""
    verb.description = (
        "List, merge, close or nudge the open template pull requests of all projects. Closing one skips its version; "
        "nudging writes a reminder. The command changes only pull requests that a project's stack reports. "
        "Exit status 0: done; 3: some were skipped; 1: some failed."
    )
    verb.add_argument("what", choices=("list", "merge", "close", "nudge"))
    verb.add_argument("--project", action="append", default=[], help="name or ID of a project (can be repeated)")
    verb.add_argument("--profile", default="", help="only projects of this project profile")
    verb.add_argument("--for-version", default="", metavar="VERSION", help="only pull requests for this version")
    verb.add_argument(
        "--approved", action="store_true", help="merge only with the approval of a person with write access"
    )
    verb.add_argument("--method", choices=("merge", "squash", "rebase"), default="merge", help="default: merge")
    verb.add_argument(
        "--older-than",
        type=_days,
        default=timedelta(),
        metavar="DAYS",
        help="only pull requests that have been open for so many days",
    )
    verb.add_argument("--yes", action="store_true", help="make the changes; without it, the command only shows them")


def _days(text: str) -> timedelta:
    return timedelta(days=float(text))


def run(options: argparse.Namespace) -> int:
    """Run the verb; return the exit status. Raises UnknownProject, and Problem where nothing can be read."""
    found = look(options, reviews=options.approved)
    problems = [each.status.problem for each in found if each.status.problem]
    fleet = selected(joined(found), options.project, options.profile)
    if options.what == "list":
        pulls = list(listed(fleet, options.older_than, options.for_version))
        _tell(options, [_row(*each) for each in pulls], {"open": len(pulls)}, problems)
        return 1 if problems else 0
    outcomes = [outcome for place in found for outcome in _done(options, place, fleet)]
    rows = [_row(each.project, each.repository, each.pull, each) for each in outcomes]
    _tell(options, rows, counted(outcomes), problems)
    if problems or any(each.result in _FAILED for each in outcomes):
        return 1
    return 3 if any(each.result == "skipped" for each in outcomes) else 0


def _done(options: argparse.Namespace, looked: Looked, fleet: Fleet) -> list[Outcome]:
    """Do it to the pull requests of one place, by that place's token."""
    here = {(each.launch, each.region, each.account) for each in looked.status.fleet.projects}
    mine = fleet.only([each for each in fleet.projects if (each.launch, each.region, each.account) in here])
    wish = Wish(options.what, options.approved, options.method, options.older_than, options.for_version)
    return list(done(wish, mine, _writes(looked) if options.yes else None, datetime.now(UTC)))


def _writes(looked: Looked) -> GitHubWrites:
    side = looked.github
    assert side.credentials  # of github_access
    return PullRequests(side.api_url, side.credentials, side.repositories())


def _row(
    project: Project, repository: RepositoryStatus, pull: PullRequestStatus, outcome: Outcome | None = None
) -> dict[str, Any]:
    found = {"project": project.name, "account": project.account, "region": project.region}
    found |= {"repository": repository.full_name, "part": repository.part, **asdict(pull)}
    return {**found, "result": outcome.result, "reason": outcome.reason} if outcome else found


def _tell(
    options: argparse.Namespace, rows: Sequence[dict[str, Any]], counts: dict[str, int], problems: list[str]
) -> None:
    if options.json:
        print(json.dumps({"pullRequests": rows, "counts": counts, "problems": problems}, indent=2))
        return
    for row in rows:
        told = f"{row['result']}{': ' + row['reason'] if row['reason'] else ''}" if "result" in row else ""
        state = told or f"{row['version']} since {row['since'][:10]}, {row['mergeable']}"
        print(f"{row['project']} {row['part']}: {state}")
        print(f"  {row['url']}")
    print(", ".join(f"{count} {result}" for result, count in counts.items()) or "No pull request is open.")
    for problem in problems:
        print(f"error: {problem}")
    if rows and options.what != "list" and not options.yes:
        print("Nothing was changed. Run the same command with --yes to make the changes.")
