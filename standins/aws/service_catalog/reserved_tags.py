"""The tags that Service Catalog itself puts on a launch: aws:servicecatalog:..., which nobody else may set.

Names and values as in AWS's example of SearchProvisionedProducts, the principal of a role with its session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from standins.aws.calls import Record

if TYPE_CHECKING:
    from standins.aws.calls import Call
    from standins.aws.service_catalog.paths import Target

_OURS = "aws:servicecatalog:"
_PRINCIPAL = f"{_OURS}provisioningPrincipalArn"


@dataclass
class ReservedTags:
    """Whether launches get them, and whether an update names the one who updates (no source says)."""

    enabled: bool = True
    updates_name_the_updater: bool = False
    tells_users: bool = True

    def of_launch(self, call: Call, detail: Record, target: Target) -> dict[str, str]:
        """Return the tags of a new launch."""
        if not self.enabled:
            return {}
        product = f"arn:aws:catalog:{call.region}:{target.product.account}:product/{target.product.id}"
        return {
            f"{_OURS}productArn": product,
            _PRINCIPAL: call.session or call.caller,
            f"{_OURS}provisioningArtifactIdentifier": target.artifact["Id"],
            f"{_OURS}portfolioArn": target.portfolio.detail["ARN"],
            f"{_OURS}provisionedProductArn": detail["Arn"],
        }

    def of_update(self, call: Call, detail: Record, target: Target, earlier: dict[str, str]) -> dict[str, str]:
        """Return the tags after an update: the launch's principal stays, unless it is to be the updater."""
        tags = self.of_launch(call, detail, target)
        if _PRINCIPAL in tags and _PRINCIPAL in earlier and not self.updates_name_the_updater:
            tags[_PRINCIPAL] = earlier[_PRINCIPAL]
        return tags
