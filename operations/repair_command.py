"""The verb `repair`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from custom_resources.errors import Problem
from operations.accounts import chosen, opened
from operations.deployed import offered_product
from operations.errors import UnknownProject
from operations.over_accounts import document, said
from operations.project_names import with_names
from operations.repair import Outcome, Product, Repair, require_known
from operations.rollout.planning import selected
from products.settings import load_settings

if TYPE_CHECKING:
    import boto3

    from custom_resources.clients.service_catalog import Launch, ServiceCatalog
    from custom_resources.clients.stacks import CloudFormationStacks
    from operations.repair import Finding
    from operations.repair_stacks import BrokenStacks
    from products.settings import Place, Settings

LEFT = 3  # the exit status where something is not in order


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add what `repair` takes."""
    verb.description = (
        "Find failed launches (a stack in UPDATE_ROLLBACK_FAILED, ROLLBACK_FAILED, DELETE_FAILED "
        "or CREATE_FAILED, a provisioned product that is TAINTED or in ERROR), show the reasons, and with --yes make "
        "the safe repairs. Exit status 0: no launch needs repair; 3: some do; 1: the command failed."
    )
    verb.add_argument(
        "--project", action="append", default=[], help="name or ID of a project (can be repeated; default: all)"
    )
    verb.add_argument(
        "--gone",
        action="append",
        default=[],
        metavar="REPOSITORY",
        help="OWNER/NAME or ID of a repository that you confirm to be deleted on GitHub: a rollback skips its "
        "resources, and a deletion retains them (can be repeated)",
    )
    verb.add_argument("--yes", action="store_true", help="make the changes; without it, the command only shows them")


def repair(options: argparse.Namespace) -> int:
    """Run the verb, in the one account or in those that are chosen; return the exit status.

    Raises NoAccounts, AccountNotChosen, AccountUnknown, UnknownProject, and what AWS's errors become.
    """
    settings = load_settings()
    if places := chosen(settings, options.account):
        return _repair_over(options, settings, places)
    catalog, known, stacks = _connected(None)
    product_id = offered_product(catalog, known, settings.product.name)
    versions = catalog.versions(product_id)
    launches = selected(with_names(catalog.launches(product_id, versions), options.project, known), options.project)
    outcomes = _repaired(options, launches, Repair(catalog, stacks, Product(product_id, versions), options.gone))
    if options.json:
        print(json.dumps({"launches": [_document(outcome) for outcome in outcomes]}, indent=2))
    _tell(options, _summary(outcomes))
    return _status(outcomes)


@dataclass(frozen=True)
class _There:
    """A place that answers: the launches that are asked for, and what repairs them, given what is gone there."""

    launches: Sequence[Launch]
    repair: Callable[[Sequence[str]], Repair]
    projects: frozenset[str]  # of those that are asked for, the ones that have a launch here


def _repair_over(options: argparse.Namespace, settings: Settings, places: Sequence[Place]) -> int:
    """Repair the launches of each place; what fails in one stops nothing in another.

    Raises UnknownProject, and RepositoryNotOfALaunch before anything is changed.
    """
    work = _Over(options, settings)
    gone = work.gone_in(places) if options.gone else {}
    for place in places:
        work.repair(place, gone.get(place, []))
    if options.json:
        print(json.dumps({"places": work.rows}, indent=2))
    missing = next((each for each in options.project if each not in work.found), "")
    if missing and not work.failed:
        raise UnknownProject(project=missing)
    return 1 if work.failed else _status(work.outcomes)


class _Over:
    """A repair in one place after another."""

    def __init__(self, options: argparse.Namespace, settings: Settings) -> None:
        self._options, self._settings = options, settings
        self.rows: list[dict[str, Any]] = []
        self.outcomes: list[Outcome] = []
        self.found: set[str] = set()
        self.failed = False

    def gone_in(self, places: Sequence[Place]) -> dict[Place, list[str]]:
        """Return which of the repositories that are gone are whose. Raises RepositoryNotOfALaunch for nobody's.

        Where a place does not answer, it may be that one's; its own turn says why it does not.
        """
        wanted, everywhere, answered = self._options.gone, set[str](), True
        of: dict[Place, list[str]] = {}
        for place in places:
            try:
                there = self._there(place)
                known = there.repair([]).repositories(there.launches)
            except Problem:
                answered = False
                continue
            of[place] = [name for name in wanted if name.casefold() in known]
            everywhere |= known
        if answered:
            require_known(wanted, everywhere)
        return of

    def repair(self, place: Place, gone: Sequence[str]) -> None:
        """Repair what has stopped in a place, or note why that could not be."""
        try:
            there = self._there(place)
            self.found |= there.projects
            _tell(self._options, [f"{place}:"])
            outcomes = _repaired(self._options, there.launches, there.repair(gone))
        except Problem as problem:
            self.failed = True
            self.rows.append(document(place, launches=[], problem=said(problem)))
            print(f"error: {place}: {said(problem)}", file=sys.stderr)
            return
        self.outcomes += outcomes
        self.rows.append(document(place, launches=[_document(outcome) for outcome in outcomes], problem=""))
        _tell(self._options, _summary(outcomes))

    def _there(self, place: Place) -> _There:
        catalog, known, stacks = _connected(opened(self._settings, place).session)
        product_id = offered_product(catalog, known, self._settings.product.name)
        versions = catalog.versions(product_id)
        asked = self._options.project
        launches = with_names(catalog.launches(product_id, versions), asked, known)
        return _There(
            [each for each in launches if not asked or any(map(each.belongs_to, asked))],
            lambda gone: Repair(catalog, stacks, Product(product_id, versions), gone),
            frozenset(each for each in asked if any(launch.belongs_to(each) for launch in launches)),
        )


def _repaired(options: argparse.Namespace, launches: Sequence[Launch], work: Repair) -> list[Outcome]:
    """Tell of each broken launch, and repair it where --yes is given."""
    outcomes: list[Outcome] = []
    for finding in work.findings(launches):
        _tell(options, _described(finding))
        outcome = work.run(finding) if options.yes else _planned(finding, work)
        outcomes.append(outcome)
        _tell(options, _result(outcome))
    return outcomes


def _summary(outcomes: Sequence[Outcome]) -> list[str]:
    if not outcomes:
        return ["No launch needs repair."]
    planned = any(outcome.result == "planned" for outcome in outcomes)
    return ["Nothing was changed. Run the same command with --yes to make the repairs."] if planned else []


def _status(outcomes: Sequence[Outcome]) -> int:
    return LEFT if any(outcome.result != "repaired" for outcome in outcomes) else 0


def _planned(finding: Finding, work: Repair) -> Outcome:
    return work.left(finding, finding.left) if finding.left else Outcome(finding, "planned")


def _connected(session: boto3.Session | None) -> tuple[ServiceCatalog, CloudFormationStacks, BrokenStacks]:
    """Return what is asked in a session's account; None = the caller's."""
    import boto3

    from custom_resources.clients.aws import SERVICE_CATALOG, translated
    from custom_resources.clients.service_catalog import ServiceCatalog
    from custom_resources.clients.stacks import CloudFormationStacks
    from operations.repair_stacks import BrokenStacks

    with translated(SERVICE_CATALOG, "opening a session"):
        session = session or boto3.Session()
        client = session.client("cloudformation")
        known = CloudFormationStacks(client)
        return ServiceCatalog(session.client("servicecatalog"), known), known, BrokenStacks(client)


def _tell(options: argparse.Namespace, lines: list[str]) -> None:
    if not options.json:
        for line in lines:
            print(line, flush=True)


def _described(finding: Finding) -> list[str]:
    launch = finding.launch
    lines = [f"{launch.name} ({launch.version or '?'}): {launch.status}, stack {finding.stack.status or 'gone'}"]
    lines += [f"  why: {reason}" for reason in finding.why]
    lines += [f"  to do: {action}" for action in finding.actions]
    return lines + [f"  without: {name}" for name in finding.retained]


def _result(outcome: Outcome) -> list[str]:
    if outcome.result == "planned":
        return []
    lines = [f"  {outcome.result}{': ' + outcome.reason if outcome.reason else ''}"]
    return lines + ([f"  next: {outcome.next}"] if outcome.next else [])


def _document(outcome: Outcome) -> dict[str, Any]:
    finding, launch = outcome.finding, outcome.finding.launch
    return {
        "id": launch.id,
        "name": launch.name,
        "version": launch.version,
        "status": launch.status,
        "stack": launch.stack,
        "stack_status": finding.stack.status,
        "why": list(finding.why),
        "actions": list(finding.actions),
        "retained": list(finding.retained),
        "result": outcome.result,
        "reason": outcome.reason,
        "next": outcome.next,
    }
