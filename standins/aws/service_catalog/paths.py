"""Launch paths: through which portfolio, and in whose name, a caller may launch a product."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from standins.aws.calls import Record
from standins.aws.emulator import Credentials, Emulator
from standins.aws.protocol import ServiceError
from standins.aws.service_catalog.answers import invalid, missing, paged
from standins.aws.service_catalog.model import Catalog, Portfolio, Product
from standins.aws.service_catalog.products import artifact_parameters
from standins.aws.service_catalog.tag_options import offered

if TYPE_CHECKING:
    from standins.aws.calls import Call


@dataclass(frozen=True)
class Target:
    """What is launched or updated, through which portfolio, with which launch role ("" = in the caller's name)."""

    product: Product
    artifact: Record
    portfolio: Portfolio
    role: str


class PathOperations:
    """The operations, each named as the model names it."""

    def __init__(self, catalog: Catalog, emulator: Emulator) -> None:
        """Take what there is, and MiniStack, which holds the templates."""
        self._catalog = catalog
        self._emulator = emulator

    def list_launch_paths(self, call: Call, request: Record) -> Record:
        """ListLaunchPaths: those that the caller has."""
        paths = []
        for portfolio in self._paths(call, request["ProductId"]):
            constraints = self._catalog.constraints_on(portfolio.detail["Id"], request["ProductId"])
            tags = [{"Key": key, "Value": value} for key, value in portfolio.tags.items()]
            paths.append({**portfolio.path, "ConstraintSummaries": constraints, "Tags": tags})
        return paged("LaunchPathSummaries", paths, request)

    def describe_provisioning_parameters(self, call: Call, request: Record) -> Record:
        """DescribeProvisioningParameters."""
        target = self.target(call, request)
        constraints = self._catalog.constraints_on(target.portfolio.detail["Id"], target.product.id)
        options = offered(self._catalog, call, target.portfolio, target.product)
        return {
            "ProvisioningArtifactParameters": artifact_parameters(self._emulator, target.product, target.artifact),
            "ConstraintSummaries": constraints,
            "UsageInstructions": [],
            "TagOptions": [{"Key": key, "Values": values} for key, values in options.items()],
        }

    def target(self, call: Call, request: Record) -> Target:
        """Return what the request wants to launch. Raises ServiceError, also for a caller without a launch path."""
        product, artifact = self._catalog.artifact(call, request)
        portfolios = self._paths(call, product.id)
        for member in ("Id", "Name"):
            wanted = request.get(f"Path{member}")
            if wanted is not None:
                portfolios = [item for item in portfolios if item.path[member] == wanted]
        if not portfolios:
            raise missing("Launch path", str(request.get("PathId") or request.get("PathName")))
        if len(portfolios) > 1:
            raise invalid("There are several launch paths; give PathId or PathName.")
        return Target(product, artifact, portfolios[0], self._launch_role(call, portfolios[0], product))

    def template(self, call: Call, target: Target) -> str:
        """Return the URL of the version's template; of a shared product, of a copy that the account can read."""
        product, artifact = target.product, target.artifact
        if product.account == call.account:
            return str(artifact["_template"])
        owner = Credentials(product.account)
        return self._emulator.copy_template(
            artifact["_template"], artifact["Id"], region=call.region, reader=owner, account=call.account
        )

    def _paths(self, call: Call, product_id: str) -> list[Portfolio]:
        portfolios = self._catalog.accessible(call, product_id)
        if not portfolios:
            raise ServiceError("ResourceNotFoundException", f"No launch paths found for resource: {product_id}")
        return portfolios

    def _launch_role(self, call: Call, portfolio: Portfolio, product: Product) -> str:
        for constraint in self._catalog.constraints_on(portfolio.detail["Id"], product.id):
            if constraint["Type"] == "LAUNCH":
                content = json.loads(constraint["_parameters"])
                return content.get("RoleArn") or f"arn:aws:iam::{call.account}:role/{content['LocalRoleName']}"
        return ""
