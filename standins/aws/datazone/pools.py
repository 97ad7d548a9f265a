"""DataZone's account pools: which accounts and regions the creator of a project may choose for its environments.

A profile's environment configuration names pools instead of an account. Nothing chooses by itself (the only strategy is
MANUAL): each environment needs `environmentResolvedAccount` among the project's user parameters; without one DataZone
answers `FAILED_VALIDATION: EnvironmentConfigurations require a resolved account on input` (public account pool samples
for Unified Studio).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.aws.calls import Record, new_id, now
from standins.aws.datazone.environment_values import DeploymentFailed
from standins.aws.datazone.model import Domain, Domains, found, listed
from standins.aws.protocol import ServiceError, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from standins.aws.calls import Call

UNRESOLVED = "EnvironmentConfigurations require a resolved account on input"


class PoolOperations:
    """The operations, each named as the model names it."""

    def __init__(self, domains: Domains) -> None:
        """Take the domains."""
        self._domains = domains

    def create_account_pool(self, call: Call, request: Record) -> Record:
        """CreateAccountPool: of listed accounts; functions that answer for accounts do not exist here."""
        domain = self._domains.named(request["domainIdentifier"])
        if "accounts" not in request["accountSource"]:
            raise invalid("The stand-in has pools of listed accounts only: give accountSource.accounts.")
        if any(pool["name"] == request["name"] for pool in domain.pools.values()):
            raise ServiceError("ConflictException", f"An account pool named {request['name']} already exists.")
        kept = {key: value for key, value in request.items() if not key.endswith("Identifier")}
        pool = kept | {
            "id": new_id(),
            "domainId": domain.id,
            "domainUnitId": domain.root_unit,
            "createdBy": call.caller,
            "createdAt": now(),
            "lastUpdatedAt": now(),
        }
        domain.pools[pool["id"]] = pool
        return pool

    def get_account_pool(self, call: Call, request: Record) -> Record:
        """GetAccountPool."""
        return found(self._domains.named(request["domainIdentifier"]).pools, request["identifier"], "Account pool")

    def list_account_pools(self, call: Call, request: Record) -> Record:
        """ListAccountPools."""
        pools = self._domains.named(request["domainIdentifier"]).pools.values()
        return listed([item for item in pools if request.get("name", item["name"]) == item["name"]], request)

    def delete_account_pool(self, call: Call, request: Record) -> Record:
        """DeleteAccountPool: refused while a profile names it."""
        domain, pool = self._domains.named(request["domainIdentifier"]), self.get_account_pool(call, request)
        used = [profile for profile in domain.profiles.values() if pool["id"] in _named_by(profile)]
        if used:
            raise ServiceError("ConflictException", f"Account pool {pool['name']} is used by project profiles.")
        del domain.pools[pool["id"]]
        return {}


def _named_by(profile: Record) -> set[str]:
    return {pool for item in profile["environmentConfigurations"] for pool in item.get("accountPools", [])}


def require_pools(domain: Domain, configurations: Iterable[Record]) -> None:
    """Raise ServiceError for a configuration whose pools do not exist, or that names an account as well."""
    for item in configurations:
        for pool in item.get("accountPools", []):
            found(domain.pools, pool, "Account pool")
        if item.get("accountPools") and item.get("awsAccount"):
            raise invalid(f"Environment configuration {item['name']} has both an account and account pools.")


def place_of(domain: Domain, project: Record, configuration: Record) -> tuple[str, str]:
    """Return account and region of a configuration's environment in a project.

    Raises DeploymentFailed for one with pools that the project's user parameters do not resolve to one of them.
    """
    pools = configuration.get("accountPools", [])
    if not pools:
        account = configuration.get("awsAccount", {}).get("awsAccountId", domain.account)
        return account, configuration.get("awsRegion", {}).get("regionName", domain.region)
    for group in project["userParameters"]:
        resolved = group.get("environmentResolvedAccount")
        if resolved and group.get("environmentConfigurationName") == configuration["name"]:
            return _resolved(domain, pools, resolved)
    raise DeploymentFailed(UNRESOLVED, validation=True)


def _resolved(domain: Domain, pools: list[str], wanted: Record) -> tuple[str, str]:
    account, region = wanted["awsAccountId"], wanted["regionName"]
    for pool in pools:
        offered = domain.pools[pool]["accountSource"]["accounts"] if pool in domain.pools else []
        if wanted.get("sourceAccountPoolId", pool) == pool and any(
            item["awsAccountId"] == account and region in item["supportedRegions"] for item in offered
        ):
            return account, region
    raise DeploymentFailed(f"Account {account} in region {region} is in none of the account pools.", validation=True)
