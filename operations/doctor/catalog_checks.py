"""Service Catalog's side: the portfolio, who may launch from it and how, and the product's versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import CLOUDFORMATION, IAM, SERVICE_CATALOG, translated
from custom_resources.clients.service_catalog import ServiceCatalog
from custom_resources.clients.stacks import CloudFormationStacks
from custom_resources.errors import AwsNotFound, ProductNotFound
from operations.deployed import PORTFOLIO_STACK, offered_product
from operations.doctor.access import Access
from operations.doctor.check import Check, NamedCheck, deploy

if TYPE_CHECKING:
    from products.settings import Settings
    from products.versions import Version

LAUNCHING = "servicecatalog.amazonaws.com"


class CatalogChecks:
    """The portfolio, or what a shared one needs here, and the product's versions."""

    def __init__(self, aws: Access, settings: Settings, published: list[Version]) -> None:
        """Nothing is asked yet."""
        self._aws, self._settings, self._published = aws, settings, published

    def all(self) -> list[NamedCheck]:
        """Return the checks, in the order in which they make sense."""
        shared = self._settings.portfolio.launches_only
        return [
            ("Launch role", self.launch_role) if shared else ("Portfolio", self.portfolio),
            ("Versions", self.versions),
        ]

    def launch_role(self) -> Iterator[Check]:
        """A shared portfolio, which is another account's, launches with this account's role of the agreed name."""
        name, role = "Launch role", self._settings.launch_role_name
        client = self._aws.client(IAM)
        try:
            with translated(IAM, f"reading the role {role}"):
                found = client.get_role(RoleName=role)["Role"]
        except AwsNotFound:
            yield Check(name, "problem", f"there is no role {role}", deploy(PORTFOLIO_STACK))
            return
        if LAUNCHING not in str(found.get("AssumeRolePolicyDocument", {})):
            yield Check(
                name,
                "problem",
                f"{role} does not trust {LAUNCHING}",
                deploy(PORTFOLIO_STACK),
            )
            return
        yield Check(name, "ok", f"{role}: launches from the shared portfolio use it")

    def portfolio(self) -> Iterator[Check]:
        """The portfolio is there, and those who launch may."""
        name, wanted = "Portfolio", self._settings.portfolio.name
        found = [item for item in self._list("list_portfolios", "PortfolioDetails") if item["DisplayName"] == wanted]
        if not found:
            yield Check(name, "problem", f"there is no portfolio {wanted!r}", deploy(PORTFOLIO_STACK))
            return
        principals = {
            item["PrincipalARN"]
            for item in self._list("list_principals_for_portfolio", "Principals", PortfolioId=found[0]["Id"])
        }
        if not principals:
            yield Check(
                name,
                "problem",
                "the portfolio has no principals",
                f"{deploy(PORTFOLIO_STACK)}  # first: list principals in [portfolio] of settings.toml",
            )
            return
        role = self._settings.provisioning_role_name
        if self._settings.studio.registers_blueprint and not any(arn.endswith(f"/{role}") for arn in principals):
            yield Check(
                name,
                "problem",
                f"the blueprint's role {role} is not a principal of the portfolio ('No launch paths found' in Studio)",
                deploy("StudioStack"),
            )
            return
        yield Check(name, "ok", f"{wanted}: {len(principals)} principals may launch")

    def versions(self) -> Iterator[Check]:
        """What is published here is live, with the guidance that it should have."""
        name = "Versions"
        stacks = CloudFormationStacks(self._aws.client(CLOUDFORMATION))
        catalog = ServiceCatalog(self._aws.client(SERVICE_CATALOG), stacks)
        try:
            product = offered_product(catalog, stacks, self._settings.product.name)
            live = {version.name: version for version in catalog.versions(product)}
        except ProductNotFound as error:
            yield Check(name, "problem", str(error), self._deploy_versions)
            return
        problems = [
            f"{version.version} is not live"
            if version.version not in live
            else f"{version.version} is {live[version.version].guidance}, not {version.guidance}"
            for version in self._published
            if version.version not in live or live[version.version].guidance != version.guidance
        ]
        if problems:
            yield Check(name, "problem", "; ".join(problems), self._deploy_versions)
        elif not any(version.guidance == "DEFAULT" for version in live.values()):
            yield Check(name, "problem", "no version can be launched", "python -m operations publish")
        else:
            yield Check(name, "ok", ", ".join(live))

    @property
    def _deploy_versions(self) -> str:
        if self._settings.portfolio.launches_only:
            there = "# first: import the shared portfolio here, and deploy it in the account that shares it"
            return f"{deploy(PORTFOLIO_STACK)}  {there}"
        return deploy(PORTFOLIO_STACK)

    def _list(self, operation: str, key: str, **arguments: str) -> list[dict[str, Any]]:
        with translated(SERVICE_CATALOG, operation.replace("list_", "listing ").replace("_", " ")):
            pages = self._aws.client(SERVICE_CATALOG).get_paginator(operation).paginate(**arguments)
            return [item for page in pages for item in page[key]]
