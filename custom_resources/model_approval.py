"""An approved model package starts the deploy workflow of its project's repository, once.

SageMaker's events come through a FIFO queue. All arrive in one message group, which is only for sorting: an approval
goes back into the queue, into the group of its model package group, so that a project waits for nobody else's. What can
never work goes to the dead-letter queue at once; what may pass comes back. What was started is remembered in the
repository, in an Actions variable (docs/decisions/0043, 0071).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from custom_resources.errors import (
    AnswerIncomplete,
    DeploymentUncertain,
    FinalError,
    GitHubUnavailable,
    GitHubUnreachable,
    ModelElsewhere,
    NoDeployRepository,
    NotAnApproval,
    Problem,
)
from custom_resources.telemetry import count, logger, redacted

if TYPE_CHECKING:
    from custom_resources.clients.github import Repository
    from custom_resources.clients.protocols import Clients, GitHub

REMEMBERED = "STUDIO_MODEL_EVENTS"
ARRIVALS = "arrivals"  # the message group that EventBridge puts events into
_BEGUN = "?"  # before an event in the variable: GitHub was asked, and no answer was remembered
_UNANSWERED = (GitHubUnreachable, GitHubUnavailable, AnswerIncomplete)
_KEEP = 20  # events that the variable remembers
_PACKAGE = re.compile(r"arn:[a-z-]+:sagemaker:[a-z0-9-]+:\d{12}:model-package/(?P<group>[^:]+)/\d+")
_GROUP = re.compile(r"aiops-([A-Za-z0-9-]{1,50})-models")


@dataclass(frozen=True)
class Setup:
    """What the function is made for; it has it from its environment."""

    product_id: str
    workflow: str
    place: str  # the function's own region and account, REGION:ACCOUNT
    queue: str = ""  # addresses
    dead_letters: str = ""

    @staticmethod
    def of_function(function_arn: str, environment: Mapping[str, str]) -> Setup:
        """Return what products/studio/approvals.py wrote into the function's variables, and where the function is."""
        return Setup(
            environment["PRODUCT_ID"],
            environment["DEPLOY_WORKFLOW"],
            ":".join(function_arn.split(":")[3:5]),
            environment["APPROVALS_QUEUE"],
            environment["APPROVALS_DEAD_LETTERS"],
        )


class Approval(BaseModel):
    """What SageMaker's event tells (SageMaker Model Package State Change)."""

    model_config = ConfigDict(frozen=True, extra="ignore", regex_engine="python-re")

    event: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}\Z")
    model_package: str = Field(alias="ModelPackageArn")
    group: str = Field(alias="ModelPackageGroupName")
    status: str = Field(alias="ModelApprovalStatus")
    changed: tuple[str, ...] | None = Field(default=None, alias="UpdatedModelPackageFields")

    @property
    def project(self) -> str:
        """The id of the project whose models the group holds, "" for another group."""
        found = _GROUP.fullmatch(self.group)
        return found[1] if found else ""

    @property
    def place(self) -> str:
        """Where the model package is, REGION:ACCOUNT."""
        return ":".join(self.model_package.split(":")[3:5])

    @model_validator(mode="after")
    def _is_the_groups(self) -> Approval:
        found = _PACKAGE.fullmatch(self.model_package)
        if found is None or found["group"] != self.group:
            raise ValueError("the model package is not of the group")
        return self

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

    Raises FinalError or RetryLater where nothing was started. DeploymentUncertain: an earlier call may have started it.
    """
    if not approved.approves or not approved.project:
        return "not-ours"
    outputs = clients.service_catalog.outputs_with(
        product_id, "ModelPackageGroupName", approved.group, likely_name=f"studio-{approved.project}"
    )
    if outputs is None:
        return "not-ours"
    repository_id, name = outputs.get("DeployRepositoryId", ""), _full_name(outputs)
    github = clients.github
    found = github.repository_by_id(int(repository_id), name) if repository_id.isdigit() else None
    if found is None:
        raise NoDeployRepository(repository=name or repository_id, group=approved.group)
    done = [each for each in (github.variable(found.full_name, REMEMBERED) or "").split(",") if each]
    if approved.event in done:
        return "again"
    if f"{_BEGUN}{approved.event}" in done:
        raise DeploymentUncertain(model_package=approved.model_package, repository=found.full_name, variable=REMEMBERED)
    _start_once(approved, github, found, workflow, done)
    return "started"


def _start_once(approved: Approval, github: GitHub, found: Repository, workflow: str, done: list[str]) -> None:
    """Remember the event, start the workflow, and remember that it was started.

    An event is never tried again while it is remembered. A refusal has it forgotten. Where no answer came, or the
    function ends in between, GitHub may have started it: the next call says so. A start that cannot be noted stays one.
    """
    kept = done[-(_KEEP - 1) :]

    def remember(*events: str) -> None:
        github.put_variables(found.full_name, {REMEMBERED: ",".join([*kept, *events])})

    remember(f"{_BEGUN}{approved.event}")
    try:
        inputs = {"model_package_arn": approved.model_package}
        github.dispatch_workflow(found.full_name, workflow, found.default_branch, inputs)
    except _UNANSWERED:
        raise
    except Problem:
        with suppress(Problem):
            remember()
        raise
    try:
        remember(approved.event)
    except Problem as error:
        logger.warning("the start is noted as begun", reason=error.why)


def _full_name(outputs: Mapping[str, str]) -> str:
    """Return `organization/name` from the repository's address."""
    return "/".join(outputs.get("DeployRepositoryUrl", "").rstrip("/").split("/")[-2:])


def handle(event: Mapping[str, Any], clients: Clients, setup: Setup) -> None:
    """Handle the messages of a queue. Raises RetryLater for the first that has to wait: it comes back."""
    for record in event["Records"]:
        try:
            outcome = _handled(record, clients, setup)
        except FinalError as error:
            _bury(record, error, clients, setup)
            continue
        logger.info("model package event", queued=record.get("messageId", ""), outcome=outcome)


def _handled(record: Mapping[str, Any], clients: Clients, setup: Setup) -> str:
    """Sort an approval, or start its deployment. Another account's or region's model is none of the projects here."""
    approved = approval(record["body"])
    logger.append_keys(group=approved.group, model_package=approved.model_package)
    if approved.place != setup.place:
        raise ModelElsewhere(model_package=approved.model_package, place=setup.place)
    if record.get("attributes", {}).get("MessageGroupId") != ARRIVALS:
        return start_deployment(approved, clients, setup.product_id, setup.workflow)
    if not approved.approves or not approved.project:
        return "not-ours"
    clients.queues.send(setup.queue, record["body"], approved.group, approved.event)
    return "sorted"


def _bury(record: Mapping[str, Any], error: FinalError, clients: Clients, setup: Setup) -> None:
    """Put a message that can never work into the dead-letter queue: another try would only hold up its group."""
    logger.error("the approval cannot work", reason=redacted(str(error)))
    count("Failures")
    attributes = record.get("attributes", {})
    group = attributes.get("MessageGroupId") or ARRIVALS
    clients.queues.send(setup.dead_letters, record["body"], group, record.get("messageId") or group)
