"""The verbs over several accounts: one table with account and region; a failure in one stops nothing in another."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import SERVICE_CATALOG, translated
from custom_resources.errors import Problem
from operations.accounts import Site, opened
from operations.deployed import offered_product
from operations.errors import UnknownProject
from operations.rollout import Limits, Outcome, Rollout, plan, target_version

if TYPE_CHECKING:
    from custom_resources.clients.service_catalog import Launch, ServiceCatalog
    from custom_resources.clients.stacks import CloudFormationStacks
    from operations.doctor.check import Check
    from products.settings import Place, Settings


def catalog_of(site: Site) -> tuple[ServiceCatalog, CloudFormationStacks]:
    """Return Service Catalog and CloudFormation of a place."""
    from custom_resources.clients.service_catalog import ServiceCatalog
    from custom_resources.clients.stacks import CloudFormationStacks

    with translated(SERVICE_CATALOG, "opening a session"):
        stacks = CloudFormationStacks(site.session.client("cloudformation"))
        return ServiceCatalog(site.session.client("servicecatalog"), stacks), stacks


def document(place: Place, **more: Any) -> dict[str, Any]:
    """Return what is told of a place as JSON."""
    return {"account": place.name, "accountId": place.account, "region": place.region, **more}


def said(problem: Problem) -> str:
    """Return a problem as one sentence."""
    return str(getattr(problem, "why", "") or problem)


def _launch(launch: Launch) -> dict[str, Any]:
    return {key: getattr(launch, key) for key in ("id", "name", "version", "status", "message", "stack")}


# -- rollout ------------------------------------------------------------------------------------------------------


@dataclass
class _Run:
    """A rollout over places: what is left of the maximum, and the projects that were found."""

    options: argparse.Namespace
    settings: Settings
    begun: int = 0
    found: set[str] = field(default_factory=set)

    def at(self, place: Place, tell: Callable[[Launch, Outcome | None], None]) -> tuple[list[Outcome], int]:
        """Return the outcomes in a place, and how many launches were there already. Raises Problem."""
        catalog, stacks = catalog_of(opened(self.settings, place))
        product_id = offered_product(catalog, stacks, self.settings.product.name)
        live = catalog.versions(product_id)
        version = target_version(live, self.options.version)
        launches = self._selected(catalog.launches(product_id, live))
        maximum = self.options.max
        left_of_it = max(maximum - self.begun, 0) if maximum else 0
        chosen, left = plan(launches, version, left_of_it) if left_of_it or not maximum else ([], [])
        self.begun += len(chosen)
        for outcome in left:
            tell(outcome.launch, outcome)
        if self.options.dry_run:
            done = [Outcome(launch, "planned") for launch in chosen]
            for outcome in done:
                tell(outcome.launch, outcome)
        else:
            limits = Limits(left_of_it, self.options.parallel, self.options.max_failures)
            done = Rollout(catalog, product_id, version, tell).run(chosen, limits)
        outcomes = [*left, *done]
        return outcomes, len(launches) - len(outcomes)

    def _selected(self, launches: Sequence[Launch]) -> list[Launch]:
        projects: list[str] = self.options.project
        self.found |= {each for each in projects if any(launch.belongs_to(each) for launch in launches)}
        return [each for each in launches if not projects or any(each.belongs_to(name) for name in projects)]

    def missing(self) -> str:
        """Return the first project that no place has, "" if all were found."""
        return next((each for each in self.options.project if each not in self.found), "")


def rollout_over(options: argparse.Namespace, settings: Settings, places: Sequence[Place]) -> int:
    """Update the launches of each place; return the exit status. Raises UnknownProject for one that is nowhere."""
    run, rows, code = _Run(options, settings), [], 0
    for place in places:

        def tell(launch: Launch, outcome: Outcome | None, place: Place = place) -> None:
            if not options.json:
                reason = f": {outcome.reason}" if outcome and outcome.reason else ""
                print(f"{place} {launch.name}: {outcome.result if outcome else 'updating'}{reason}", flush=True)

        try:
            outcomes, there = run.at(place, tell)
        except Problem as problem:
            code = 1
            rows.append(document(place, launches=[], counts={}, problem=said(problem)))
            print(f"error: {place}: {said(problem)}", file=sys.stderr)
            continue
        counts = {each.result: sum(other.result == each.result for other in outcomes) for each in outcomes}
        code = code or int(bool(counts.get("failed") or counts.get("begun")))
        launches = [{**_launch(each.launch), "result": each.result, "reason": each.reason} for each in outcomes]
        rows.append(document(place, launches=launches, counts={**counts, "already there": there}, problem=""))
        if not options.json:
            told = ", ".join(f"{count} {result}" for result, count in rows[-1]["counts"].items() if count)
            print(f"{place}: {told or 'nothing was launched yet'}")
    if options.json:
        print(json.dumps({"version": options.version, "places": rows}, indent=2))
    if not code and run.missing():
        raise UnknownProject(project=run.missing())
    return code


# -- doctor -------------------------------------------------------------------------------------------------------


def doctor_over(
    options: argparse.Namespace,
    settings: Settings,
    places: Sequence[Place],
    diagnosed: Callable[[Site], Iterator[Check]],
    marks: dict[str, str],
) -> int:
    """Check each place; return the exit status. A place that cannot be reached is a problem there."""
    from operations.doctor.check import failed, summary

    def at(place: Place) -> Iterator[Check]:
        try:
            yield from diagnosed(opened(settings, place))
        except Problem as problem:
            yield failed("AWS account", "problem", problem)

    rows: list[Any] = []
    every: list[Check] = []
    for place in places:
        found = []
        for check in at(place):
            found.append(check)
            if not options.json:
                print(f"{marks[check.state]} {place.name} {place.region} {check.name}: {check.detail}", flush=True)
                if check.fix:
                    print(f"  fix: {check.fix}")
        rows.append(document(place, checks=[asdict(check) for check in found]))
        every += found
    problems = sum(check.state == "problem" for check in every)
    if options.json:
        print(json.dumps({"ok": not problems, "places": rows}, indent=2))
    else:
        print(summary(every))
    return 1 if problems else 0
