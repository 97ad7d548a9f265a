"""Where a rollout is looked at: the caller's account, or the places of an installation over several, one by one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from custom_resources.errors import Problem
from operations.accounts import chosen, opened
from operations.deployed import offered_product
from operations.over_accounts import catalog_in, document, said
from operations.rollout.store import RolloutStore
from products.settings import load_settings

if TYPE_CHECKING:
    import boto3

    from custom_resources.clients.service_catalog import ServiceCatalog
    from custom_resources.clients.stacks import CloudFormationStacks
    from products.settings import Place, Settings


@dataclass(frozen=True)
class RolloutSite:
    """A place (None: the caller's account) with its clients, and the product that is offered there."""

    place: Place | None
    settings: Settings
    catalog: ServiceCatalog
    store: RolloutStore
    product: str
    stacks: CloudFormationStacks
    session: boto3.Session

    @property
    def name(self) -> str:
        """Return what the place is called before a line of output: "" in an installation of one account."""
        return f"{self.place}: " if self.place else ""


def site_of(place: Place | None, settings: Settings, session: boto3.Session) -> RolloutSite:
    catalog, stacks = catalog_in(session)
    product = offered_product(catalog, stacks, settings.product.name)
    return RolloutSite(place, settings, catalog, RolloutStore(session, stacks), product, stacks, session)


def at_each(account: str, act: Callable[[RolloutSite], dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """Do something in each place that `--account` names; return what each returned, and whether one failed.

    In an installation of one account a problem is raised; over several it is reported, and the others follow.
    """
    import boto3

    from custom_resources.clients.aws import STS, translated

    settings = load_settings()
    places: Sequence[Place] = chosen(settings, account)
    if not places:
        with translated(STS, "opening a session"):
            session = boto3.Session()
        return [act(site_of(None, settings, session))], False
    told, broken = [], False
    for place in places:
        try:
            there = opened(settings, place)
            told.append(document(place, **act(site_of(place, there.settings, there.session)), problem=""))
        except Problem as problem:
            broken = True
            told.append(document(place, problem=said(problem)))
            print(f"error: {place}: {said(problem)}", file=sys.stderr)
    return told, broken
