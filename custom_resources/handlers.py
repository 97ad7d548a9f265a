"""The Lambda entry points: CloudFormation event in, result out. One function serves both phases of the framework."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from custom_resources.clients import Clients
from custom_resources.errors import FinalError, RetryLater
from custom_resources.reconciler import CustomResource, is_complete, on_event
from custom_resources.telemetry import count, flush, logger, redacted

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ACCEPT_ATTEMPTS = 5
_REASON_BYTES = 2000  # CloudFormation takes an answer of 4096 bytes, of which the framework fills some with its trace


@cache
def _clients() -> Clients:
    return Clients.from_environment()


def _handle(resource: CustomResource[Any, Any, Any, Clients], event: dict[str, Any]) -> dict[str, Any]:
    properties = event.get("ResourceProperties") or {}
    logger.append_keys(
        stack=event.get("StackId"),
        resource=event.get("LogicalResourceId"),
        domain=properties.get("DomainId"),
        project=properties.get("ProjectId"),
    )
    try:
        clients = _clients()
        if "Operation" not in event:
            return _accepted(resource, event, clients)
        return is_complete(resource, event, clients, clients.stacks, clients.patience, budget=clients.budget)
    except FinalError as error:
        logger.error("failed", reason=str(error))
        count("Failures")
        raise FinalError(_reason(error)) from None
    except Exception as error:
        logger.exception("unexpected error")
        count("Failures")
        raise FinalError(
            f"{resource.resource_type} failed unexpectedly ({type(error).__name__}); see the function's log."
        ) from None
    finally:
        flush()


def _reason(error: Exception) -> str:
    """Return what CloudFormation is told; too long an answer would be refused, and its sentence lost."""
    text = redacted(str(error))
    kept = text.encode()[:_REASON_BYTES].decode(errors="ignore")
    return text if kept == text else f"{kept}..."


def _accepted(
    resource: CustomResource[Any, Any, Any, Clients], event: dict[str, Any], clients: Clients
) -> dict[str, Any]:
    """Accept a request. The framework cannot be asked to call again here, so a throttled look-up is repeated."""
    for _ in range(ACCEPT_ATTEMPTS):
        try:
            return on_event(resource, event, clients.stacks, clients, budget=clients.budget)
        except RetryLater as wait:
            why = wait.why
            time.sleep(min(wait.seconds, 5))
    raise FinalError(f"The request could not be accepted: {why} Start the stack operation again.")


def studio_project(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Custom::StudioProject."""
    from custom_resources.studio_project import RESOURCE

    return _handle(RESOURCE, event)


def github_repository(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Custom::GitHubRepository."""
    from custom_resources.github_repository import RESOURCE

    return _handle(RESOURCE, event)


def repository_template(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Custom::RepositoryTemplate."""
    from custom_resources.repository_template import RESOURCE

    return _handle(RESOURCE, event)


def actions_configuration(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Custom::ActionsConfiguration."""
    from custom_resources.actions_configuration import RESOURCE

    return _handle(RESOURCE, event)


def template_archive(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Custom::TemplateArchive."""
    from custom_resources.template_archive import RESOURCE

    return _handle(RESOURCE, event)


def version_guidance(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Custom::VersionGuidance."""
    from custom_resources.version_guidance import RESOURCE

    return _handle(RESOURCE, event)


def studio_blueprint(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Custom::StudioBlueprint."""
    from custom_resources.studio_blueprint import RESOURCE

    return _handle(RESOURCE, event)


def studio_project_profile(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Custom::StudioProjectProfile."""
    from custom_resources.studio_project_profile import RESOURCE

    return _handle(RESOURCE, event)


def model_approval(event: dict[str, Any], context: LambdaContext) -> None:
    """Start deployments of approved models: messages of the approvals queue, back to it when that fails."""
    from custom_resources.model_approval import handle

    try:
        handle(event, _clients(), os.environ["PRODUCT_ID"], os.environ["DEPLOY_WORKFLOW"])
    except (FinalError, RetryLater) as error:
        logger.error("the approval comes back", reason=str(error))
        count("Failures")
        raise FinalError(redacted(str(error))) from None
    finally:
        flush()
