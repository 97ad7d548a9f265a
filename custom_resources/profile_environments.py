"""The environments of a project profile: ours among the others, and the account and region that they are in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from custom_resources.errors import EnvironmentNameTaken, ProfileElsewhere

Environment = Mapping[str, Any]
Pools = Mapping[str, Sequence[tuple[str, str]]]  # account pool -> its accounts and regions, as far as it tells them
_LOCATION = ("awsAccount", "accountPools", "awsRegion")


def location_of(environment: Environment) -> dict[str, Any]:
    """Return where an environment is deployed, as DataZone spells it; a pool resolves the account of each project."""
    return {key: environment[key] for key in _LOCATION if environment.get(key)}


def pools_of(environments: Sequence[Environment]) -> list[str]:
    """Return the account pools of some environments, each once."""
    return list(dict.fromkeys(pool for each in environments for pool in each.get("accountPools") or ()))


def tooling_of(environments: Sequence[Environment], blueprint: str, order: int) -> Environment | None:
    """Return the first environment that a project has before one of `blueprint` at `order`, None if there is none."""
    earlier = [
        item
        for item in environments
        if item["environmentBlueprintId"] != blueprint
        and item.get("deploymentMode", "ON_CREATE") == "ON_CREATE"
        and int(item.get("deploymentOrder", 0)) < order
    ]
    return min(earlier, key=lambda item: int(item.get("deploymentOrder", 0)), default=None)


def of_one_account(profile: str, tooling: Environment, own: Environment) -> Environment:
    """Return where our environment is in an installation of one account. Raises ProfileElsewhere for another one's."""
    found = location_of(tooling)
    if "accountPools" in found:
        return found
    account = own["awsAccount"]["awsAccountId"]
    there = found.get("awsAccount", {}).get("awsAccountId", account)
    if there != account:
        region = (found.get("awsRegion") or own["awsRegion"]).get("regionName", "")
        raise ProfileElsewhere(profile=profile, elsewhere=f"{there}/{region}", listed=f"only {account}")
    return own


def require_listed(profile: str, tooling: Environment, pools: Pools, listed: Sequence[str], own: str) -> None:
    """Refuse a profile whose projects the product cannot serve. Raises ProfileElsewhere.

    `listed` are accounts and regions, ACCOUNT/REGION, where the product is; `own` is where DataZone puts what names no
    place. What a path of Systems Manager or a function of the pool's owner decides is known at a project's creation
    only: in another account DataZone then refuses the environment, whose blueprint is not enabled there.
    """
    for place in _places(location_of(tooling), pools, own):
        if place not in listed:
            raise ProfileElsewhere(profile=profile, elsewhere=place, listed=", ".join(listed))


def _places(location: Environment, pools: Pools, own: str) -> Iterator[str]:
    own_account, _, own_region = own.partition("/")
    region = location.get("awsRegion", {}).get("regionName", "")
    if any(path in location.get(key, {}) for key, path in _PATHS.items()):
        return
    if location.get("accountPools"):
        found = [each for pool in location["accountPools"] for each in pools.get(pool, ())]
        yield from (f"{account}/{each}" for account, each in found if region in ("", each))
        return
    account = location.get("awsAccount", {}).get("awsAccountId", own_account)
    yield f"{account}/{region or own_region}"


_PATHS = {"awsAccount": "awsAccountIdPath", "awsRegion": "regionNamePath"}


def with_ours(
    environments: Sequence[Environment], ours: Environment, old_blueprint: str = ""
) -> tuple[Environment, ...]:
    """Return the profile's environments with ours added or renewed in its place; all others as they are.

    What DataZone resolves itself is left out, since it is not for a caller to set; ids are sent back (docs/studio.md,
    A06). Raises EnvironmentNameTaken when another blueprint's environment has our name.
    """
    mine = {ours["environmentBlueprintId"], old_blueprint} - {""}
    kept = [
        {**item, "configurationParameters": _settable(item)} if "configurationParameters" in item else item
        for item in environments
    ]
    for index, item in enumerate(kept):
        if item["environmentBlueprintId"] in mine:
            kept[index] = {**ours, **({"id": item["id"]} if "id" in item else {})}
            return tuple(kept)
    if any(item["name"] == ours["name"] for item in kept):
        raise EnvironmentNameTaken(environment=ours["name"])
    return (*kept, ours)


def without_ours(environments: Sequence[Environment], blueprint: str) -> tuple[Environment, ...]:
    """Return the profile's environments without ours."""
    return tuple(
        {**item, "configurationParameters": _settable(item)} if "configurationParameters" in item else item
        for item in environments
        if item["environmentBlueprintId"] != blueprint
    )


def _settable(environment: Environment) -> dict[str, Any]:
    return {key: value for key, value in environment["configurationParameters"].items() if key != "resolvedParameters"}


def comparable(environments: Sequence[Environment]) -> list[Any]:
    """Return environments without what DataZone resolves itself."""
    return [
        {**item, "configurationParameters": _settable(item) if "configurationParameters" in item else {}}
        for item in environments
    ]
