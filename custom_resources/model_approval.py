"""An approved model package starts the deploy workflow of its project's repository, once.

SageMaker's event comes through a FIFO queue, one at a time; a failure comes back, and ends in the dead-letter queue.
What was started is remembered in the repository, in an Actions variable (docs/decisions/0043).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from custom_resources.errors import NoDeployRepository, NotAnApproval
from custom_resources.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custom_resources.clients.protocols import Clients

REMEMBERED = "STUDIO_MODEL_EVENTS"
_KEEP = 20
_GROUP = re.compile(r"^aiops-(.+)-models$")


class Approval(BaseModel):
    """What SageMaker's event tells (SageMaker Model Package State Change)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event: str
    model_package: str = Field(alias="ModelPackageArn")
    group: str = Field(alias="ModelPackageGroupName")
    status: str = Field(alias="ModelApprovalStatus")
    changed: tuple[str, ...] | None = Field(default=None, alias="UpdatedModelPackageFields")

    @property
    def approves(self) -> bool:
        """The event is the approval itself, not another change (of metadata, of the stage) of an approved package."""
        return self.status == "Approved" and (not self.changed or "ModelApprovalStatus" in self.changed)


def approval(body: str) -> Approval:
    """Return the approval in a queue message. Raises NotAnApproval."""
    try:
        event = json.loads(body)
        return Approval.model_validate({**event["detail"], "event": event["id"]})
    except (ValueError, KeyError, TypeError, ValidationError):
        raise NotAnApproval from None


def start_deployment(approved: Approval, clients: Clients, product_id: str, workflow: str) -> str:
    """Start the workflow unless this event has; return what was done: started, again, or not-ours.

    Raises FinalError or RetryLater: the message then comes back.
    """
    group = _GROUP.match(approved.group)
    if not approved.approves or not group:
        return "not-ours"
    outputs = clients.service_catalog.outputs_with(
        product_id, "ModelPackageGroupName", approved.group, likely_name=f"studio-{group[1]}"
    )
    if outputs is None:
        return "not-ours"
    repository_id, name = outputs.get("DeployRepositoryId", ""), _full_name(outputs)
    found = clients.github.repository_by_id(int(repository_id), name) if repository_id.isdigit() else None
    if found is None:
        raise NoDeployRepository(repository=name or repository_id, group=approved.group)
    done = (clients.github.variable(found.full_name, REMEMBERED) or "").split(",")
    if approved.event in done:
        return "again"
    inputs = {"model_package_arn": approved.model_package}
    clients.github.dispatch_workflow(found.full_name, workflow, found.default_branch, inputs)
    kept = [event for event in done if event][-(_KEEP - 1) :]
    clients.github.put_variables(found.full_name, {REMEMBERED: ",".join([*kept, approved.event])})
    return "started"


def _full_name(outputs: Mapping[str, str]) -> str:
    """Return `organization/name` from the repository's address."""
    return "/".join(outputs.get("DeployRepositoryUrl", "").rstrip("/").split("/")[-2:])


def handle(event: Mapping[str, Any], clients: Clients, product_id: str, workflow: str) -> None:
    """Handle the messages of a queue; the first that fails comes back with those after it."""
    for record in event["Records"]:
        approved = approval(record["body"])
        outcome = start_deployment(approved, clients, product_id, workflow)
        logger.info("model package event", group=approved.group, model_package=approved.model_package, outcome=outcome)
