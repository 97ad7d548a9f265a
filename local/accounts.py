"""An installation over several accounts on this machine: those of the settings ([accounts]), all in one MiniStack.

The domain's account first, then the accounts of projects, each with a copy of the product, the project profiles last;
between them what an administrator does by hand: the domain, its shares, who may write in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any

from local import assembly, domain
from local.home import LocalError

if TYPE_CHECKING:
    from local.assembly import Assembly
    from local.cloud import Cloud
    from local.stacks import Event, Listener
    from local.standins import StandIn
    from local.terminal import Terminal
    from products.settings import Place, Settings

DOMAIN_FOUNDATION, DOMAIN, PROFILES = "DomainFoundationStack", "StudioDomainStack", "StudioProfilesStack"
ACCOUNT = "StudioAccountStack"
_OF_A_PLACE = (assembly.FOUNDATION, assembly.PORTFOLIO, ACCOUNT)
_OWNERS = ("StudioBlueprintRoleArn", "StudioProjectProfileRoleArn")


def of_projects(settings: Settings) -> tuple[Place, ...]:
    """Return the places of projects, an account's home before its further regions."""
    return tuple(place for place in settings.places if not place.is_domain)


class Deployment:
    """Deploys what the settings ask for."""

    def __init__(
        self, settings: Settings, wanted: Assembly, cloud: Cloud, stand_in: StandIn, parameters: Mapping[str, str]
    ) -> None:
        """Take the settings and their assembly, the clients, the stand-in's controls, and GitHub's addresses."""
        self._settings = settings
        self._wanted = wanted
        self._cloud = cloud
        self._stand_in = stand_in
        self._parameters = parameters

    def run(self, terminal: Terminal) -> None:
        """Deploy everything in its order. Raises LocalError with the first failed resource's reason."""
        (home,) = [place for place in self._settings.places if place.is_domain]
        studio = self._settings.studio
        made = open_domain(self._settings, self._stand_in)
        terminal.step(f"Deploying to the domain's account {home.account} in {home.region}")
        self._deploy(home, DOMAIN_FOUNDATION, terminal)
        admit(self._at(home), studio.domain_id, studio.domain_unit_id or made["rootDomainUnitId"])
        self._deploy(home, DOMAIN, terminal)
        self._deploy_accounts(terminal)
        ensure_profiles(self._settings, self._at(home), made)
        terminal.step("Deploying the project profiles")
        self._deploy(home, PROFILES, terminal)

    def _deploy_accounts(self, terminal: Terminal) -> None:
        """Deploy to all accounts at once, in each to its home before its further regions."""
        accounts = [list(places) for _, places in groupby(of_projects(self._settings), lambda place: place.account)]
        with ThreadPoolExecutor(max_workers=len(accounts)) as pool:
            for done in [pool.submit(self._deploy_account, places, terminal) for places in accounts]:
                done.result()

    def _deploy_account(self, places: Iterable[Place], terminal: Terminal) -> None:
        for place in places:
            terminal.step(f"Deploying to the account {place.account} in {place.region} ({place})")
            for stack in _OF_A_PLACE:
                self._deploy(place, stack, terminal)

    def _deploy(self, place: Place, stack: str, terminal: Terminal) -> None:
        cloud, wanted = self._at(place), self._wanted.of(str(place))
        declared = wanted.template(stack).get("Parameters", {})
        given = {name: value for name, value in self._parameters.items() if name in declared}
        assembly.bootstrap(cloud)
        assembly.deploy(wanted, stack, given, cloud, _failures(place, terminal))

    def _at(self, place: Place) -> Cloud:
        return self._cloud.at(place.account, place.region)


def _failures(place: Place, terminal: Terminal) -> Listener:
    def listener(event: Event) -> None:
        if event.status.endswith("_FAILED"):
            terminal.say(f"  {place}: {event.resource}: {event.reason}", "red")

    return listener


# -- what an administrator of Studio does ----------------------------------------------------------------------------


def open_domain(settings: Settings, stand_in: StandIn) -> dict[str, Any]:
    """Make the domain, or find it; associate the accounts of projects, with Tooling enabled in their regions."""
    studio = settings.studio
    made: dict[str, Any] = stand_in.call(
        "POST",
        "domains",
        {
            "domainId": studio.domain_id,
            "kmsKey": studio.domain_key_arn,
            "account": studio.domain_account,
            "region": studio.domain_region,
        },
    )
    for each in settings.accounts.values():
        wanted = {"domainId": studio.domain_id, "account": each.account, "regions": list(each.regions)}
        stand_in.call("POST", "associations", wanted)
    return made


def admit(cloud: Cloud, domain_id: str, unit: str) -> None:
    """Give the reading role a profile, and make the functions that write in the domain owners of its unit."""
    deployed = cloud.stacks.find(DOMAIN_FOUNDATION)
    if deployed is None:
        raise LocalError(f"{DOMAIN_FOUNDATION} is not deployed; run `python -m local up`.")
    datazone = cloud.client("datazone")
    reader = {"userIdentifier": deployed.outputs["StudioReaderRoleArn"], "userType": "IAM_ROLE"}
    with suppress(datazone.exceptions.ConflictException):
        datazone.create_user_profile(domainIdentifier=domain_id, **reader)
    entity = {"domainIdentifier": domain_id, "entityType": "DOMAIN_UNIT", "entityIdentifier": unit}
    for output in _OWNERS:
        with suppress(datazone.exceptions.ConflictException):
            datazone.add_entity_owner(**entity, owner={"user": {"userIdentifier": deployed.outputs[output]}})


def ensure_profiles(settings: Settings, cloud: Cloud, made_domain: Mapping[str, Any]) -> None:
    """Make those of the settings' profiles that are to exist already, with Tooling in the first account."""
    domain_id = settings.studio.domain_id
    there = cloud.client("datazone").list_project_profiles(domainIdentifier=domain_id)["items"]
    names = {*settings.studio.profiles, *settings.studio.project_setup.profiles} - {each["name"] for each in there}
    first = of_projects(settings)[0]
    for name in sorted(names):
        domain.make_profile(cloud, made_domain, name, domain.place(first.account, first.region))
