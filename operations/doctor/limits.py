"""How near the account and the token are to limits that stop launches, publishing or rollouts.

What cannot be counted is unknown, not a problem: nothing is wrong with the installation for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import CLOUDFORMATION, IAM, LAMBDA, SERVICE_CATALOG, translated
from custom_resources.clients.service_catalog import ServiceCatalog
from custom_resources.clients.stacks import CloudFormationStacks
from custom_resources.errors import Problem
from operations.deployed import offered_product
from operations.doctor.check import Check, NamedCheck, failed
from operations.version_limit import MOST as MOST_VERSIONS

if TYPE_CHECKING:
    import boto3

    from custom_resources.clients.github import GitHub
    from custom_resources.clients.secrets import GitHubCredentials
    from products.settings import Settings

NEAR = 0.8  # of a limit
LEAST_CONCURRENCY = 50  # a rollout of 24 projects at once has two functions each, and others run beside them
_QUOTA = "Request an increase in Service Quotas"
_KINDS = {
    "ghp_": "a personal access token (classic)",
    "github_pat_": "a fine-grained personal access token",
    "gho_": "an OAuth token",
    "ghs_": "a GitHub App's token",
}


class LimitChecks:
    """Roles, stacks, versions and concurrency of the account; the token's kind and hourly limits."""

    def __init__(
        self,
        session: boto3.Session,
        settings: Settings,
        github: GitHub,
        credentials: Callable[[], GitHubCredentials],
    ) -> None:
        """Nothing is asked yet."""
        self._session, self._settings = session, settings
        self._github, self._credentials = github, credentials

    def all(self) -> list[NamedCheck]:
        """Return the checks."""
        made = {
            "IAM roles": self.roles,
            "CloudFormation stacks": self.stacks,
            "Product versions": self.versions,
            "Lambda concurrency": self.concurrency,
            "GitHub limits": self.github,
        }
        if self._settings.portfolio.launches_only:
            del made["Product versions"]
        return [(name, _counted(name, count)) for name, count in made.items()]

    def roles(self) -> Check:
        """One role for each project, two with a production role (GetAccountSummary)."""
        client = self._session.client("iam")
        with translated(IAM, "reading the account's summary"):
            found: Mapping[str, int] = client.get_account_summary()["SummaryMap"]
        return used("IAM roles", found["Roles"], found["RolesQuota"], f"{_QUOTA} (IAM, at most 5,000 roles).")

    def stacks(self) -> Check:
        """One stack for each project (ListStacks, DescribeAccountLimits)."""
        client = self._session.client("cloudformation")
        with translated(CLOUDFORMATION, "reading the account's limits"):
            limits = client.describe_account_limits()["AccountLimits"]
        most = next((each["Value"] for each in limits if each.get("Name") == "StackLimit"), 2000)
        count = 0
        with translated(CLOUDFORMATION, "listing the stacks"):
            for page in client.get_paginator("list_stacks").paginate():
                count += sum(each["StackStatus"] != "DELETE_COMPLETE" for each in page["StackSummaries"])
        return used("CloudFormation stacks", count, most, f"{_QUOTA} (CloudFormation, stack count).")

    def versions(self) -> Check:
        """A product has 100 versions at most (ListProvisioningArtifacts)."""
        with translated(SERVICE_CATALOG, "opening a session"):
            stacks = CloudFormationStacks(self._session.client("cloudformation"))
            catalog = ServiceCatalog(self._session.client("servicecatalog"), stacks)
        live = catalog.versions(offered_product(catalog, stacks, self._settings.product.name))
        fix = "Remove versions that no project uses from products/versions (docs/admin.md), and deploy PortfolioStack."
        return used("Product versions", len(live), MOST_VERSIONS, fix)

    def concurrency(self) -> Check:
        """New accounts have 10 (GetAccountSettings)."""
        name = "Lambda concurrency"
        with translated(LAMBDA, "reading the account's settings"):
            limit = self._session.client("lambda").get_account_settings()["AccountLimit"]
        free, total = limit["UnreservedConcurrentExecutions"], limit["ConcurrentExecutions"]
        detail = f"{free} of {total} concurrent executions are not reserved"
        if free < LEAST_CONCURRENCY:
            return Check(
                name, "risk", f"{detail}: Lambda will throttle a rollout", f"{_QUOTA} (Lambda, concurrent executions)."
            )
        return Check(name, "ok", detail)

    def github(self) -> Check:
        """The token's kind, and its limits of this hour (GET /rate_limit, which costs nothing)."""
        name = "GitHub limits"
        _, found = self._github.look_up("reading the limits", "/rate_limit")
        limits = (found or {}).get("resources")
        kind = kind_of(self._credentials())
        if not limits:
            return Check(name, "ok", f"{kind}; this GitHub has no limits")
        told = [f"{title}: {_left(limits[key])}" for title, key in _LIMITS if key in limits]
        detail = f"{kind}; {'; '.join(told)}"
        spent = [title for title, key in _LIMITS if key in limits and _spent(limits[key])]
        if spent:
            return Check(name, "risk", detail, "Wait for the next hour, or use a separate token for the product.")
        return Check(name, "ok", detail)


_LIMITS = (("REST", "core"), ("GraphQL", "graphql"))


def _left(limit: Mapping[str, Any]) -> str:
    return f"{limit['remaining']:,} of {limit['limit']:,} left this hour"


def _spent(limit: Mapping[str, Any]) -> bool:
    return bool(limit["limit"]) and limit["remaining"] < limit["limit"] * (1 - NEAR)


def kind_of(credentials: GitHubCredentials) -> str:
    """Name the kind of credentials by the form of the token, of which nothing is shown. Pure."""
    if not credentials.token:
        return "a GitHub App"
    return next((kind for start, kind in _KINDS.items() if credentials.token.startswith(start)), "a token")


def used(name: str, count: int, most: int, fix: str) -> Check:
    """Judge how much of a limit is used. Pure."""
    detail = f"{count:,} of {most:,}"
    if count >= most:
        return Check(name, "problem", f"{detail}: nothing more can be created", fix)
    return Check(name, "risk", detail, fix) if count >= most * NEAR else Check(name, "ok", detail)


def _counted(name: str, count: Callable[[], Check]) -> Callable[[], Iterator[Check]]:
    """Return a check that is unknown where it cannot be made."""

    def run() -> Iterator[Check]:
        try:
            yield count()
        except Problem as problem:
            yield replace(failed(name, "unknown", problem), detail=f"cannot be read: {problem.why}")

    return run
