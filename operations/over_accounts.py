"""The verbs over several accounts: one table with account and region; a failure in one stops nothing in another."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import SERVICE_CATALOG, translated
from custom_resources.errors import Problem
from operations.accounts import Site, opened

if TYPE_CHECKING:
    import boto3

    from custom_resources.clients.service_catalog import ServiceCatalog
    from custom_resources.clients.stacks import CloudFormationStacks
    from operations.doctor.check import Check
    from products.settings import Place, Settings


def catalog_of(site: Site) -> tuple[ServiceCatalog, CloudFormationStacks]:
    """Return Service Catalog and CloudFormation of a place."""
    return catalog_in(site.session)


def catalog_in(session: boto3.Session) -> tuple[ServiceCatalog, CloudFormationStacks]:
    """Return Service Catalog and CloudFormation of a session's account and region."""
    from custom_resources.clients.service_catalog import ServiceCatalog
    from custom_resources.clients.stacks import CloudFormationStacks

    with translated(SERVICE_CATALOG, "opening a session"):
        stacks = CloudFormationStacks(session.client("cloudformation"))
        return ServiceCatalog(session.client("servicecatalog"), stacks), stacks


def document(place: Place, **more: Any) -> dict[str, Any]:
    """Return a place, and what is known of it, as JSON."""
    return {"account": place.name, "accountId": place.account, "region": place.region, **more}


def said(problem: Problem) -> str:
    """Return a problem as one sentence."""
    return str(getattr(problem, "why", "") or problem)


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
