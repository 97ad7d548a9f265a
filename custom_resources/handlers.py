"""The Lambda entry points: CloudFormation event in, result out. One function serves both phases of the framework.

There is one for each entry of the catalogue, under its name. In Lambda its imports and clients are made while this
module is imported: in the INIT phase, which has a whole processor and is not charged to the first request's time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from custom_resources.answer_limit import reason
from custom_resources.catalogue import CATALOGUE, Entry
from custom_resources.clients import FunctionClients
from custom_resources.errors import FinalError, NotAccepted, RetryLater, Unexpected
from custom_resources.own_stack import OwnStack
from custom_resources.probe import PROBE, permitted
from custom_resources.reconciler import CustomResource, is_complete, on_event
from custom_resources.telemetry import count, flush, follow, logger, redacted

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ACCEPT_ATTEMPTS = 5  # of a look-up that AWS throttles, before a request is accepted
FORESEE = "Foresee"  # the only key of an event that asks what an update would do
_ENTRIES = {entry.name: entry for entry in CATALOGUE}
Event = dict[str, Any]


@cache
def _clients() -> FunctionClients:
    return FunctionClients.from_environment()


@cache
def _resource(name: str) -> CustomResource[Any, Any, Any]:
    return _ENTRIES[name].resource(_clients())


@cache
def _own_stack(name: str) -> OwnStack:
    entry = _ENTRIES[name]
    return OwnStack(entry.resource_type, _clients(), in_product=entry.in_product)


def _handler(entry: Entry) -> Callable[[Event, LambdaContext], Event]:
    """Return the entry point of a custom resource."""

    def handle(event: Event, context: LambdaContext) -> Event:
        request_id = getattr(context, "aws_request_id", "")
        return _handle(entry, lambda: _resource(entry.name), event, request_id)

    handle.__name__ = handle.__qualname__ = entry.name
    handle.__doc__ = f"{entry.resource_type}."
    return handle


def _handle(
    entry: Entry, resource: Callable[[], CustomResource[Any, Any, Any]], event: Event, function_request_id: str
) -> Event:
    follow(event, function_request_id)
    try:
        if PROBE in event and "studio" in entry.needs:
            return permitted(event, _clients())
        _clients().requests.begin(entry.timeout)
        if entry.name == "repository_template" and event.keys() == {FORESEE}:
            return _foreseen(resource(), event)
        return _answered(resource(), event, _clients(), _own_stack(entry.name))
    except FinalError as error:
        logger.error("failed", reason=str(error))
        count("Failures")
        raise FinalError(reason(event, redacted(str(error)))) from None
    except Exception as error:
        logger.exception("unexpected error")
        count("Failures")
        raise Unexpected(resource_type=entry.resource_type, kind=type(error).__name__) from None
    finally:
        flush()


def _foreseen(resource: CustomResource[Any, Any, Any], event: Event) -> Event:
    from custom_resources.foreseeing import foreseen

    clients = _clients()
    return foreseen(event[FORESEE], resource, clients, clients.requests)


def _answered(
    resource: CustomResource[Any, Any, Any], event: Event, clients: FunctionClients, own_stack: OwnStack
) -> Event:
    if "Operation" not in event:
        return _accepted(resource, event, clients, own_stack)
    return is_complete(
        resource,
        event,
        clients.stacks,
        clients.patience,
        clients.budget,
        require_own=own_stack.require,
        records=clients.update_records,
        writes=clients.requests.writes,
        replicas=clients.replicas,
    )


def _accepted(
    resource: CustomResource[Any, Any, Any], event: Event, clients: FunctionClients, own_stack: OwnStack
) -> Event:
    """Accept a request. The framework cannot be asked to call again here, so a throttled look-up is repeated."""
    own, records = own_stack.require, clients.update_records
    for _ in range(ACCEPT_ATTEMPTS):
        try:
            return on_event(resource, event, clients.stacks, clients.budget, require_own=own, records=records)
        except RetryLater as wait:
            why = wait.why
            time.sleep(min(wait.seconds, 5))
    raise NotAccepted(why=why.rstrip("."))


def model_approval(event: Event, context: LambdaContext) -> None:
    """Start deployments of approved models: messages of the approvals queue, back to it when they have to wait."""
    from custom_resources.model_approval import Setup, handle

    follow(event, getattr(context, "aws_request_id", ""))
    try:
        _clients().requests.begin(_ENTRIES["model_approval"].timeout)
        here = getattr(context, "invoked_function_arn", "")
        handle(event, _clients(), Setup.of_function(here, os.environ))
    except (FinalError, RetryLater) as error:
        logger.error("the approval comes back", reason=str(error))
        count("Failures")
        raise FinalError(redacted(str(error))) from None
    finally:
        flush()


def project_reader(event: Event, context: LambdaContext) -> Event:
    """Answer the project setup in an account of projects; an error keeps its class, which Step Functions catches."""
    from custom_resources.project_reader import read

    follow({}, getattr(context, "aws_request_id", ""))
    try:
        return read(event, _clients(), getattr(context, "invoked_function_arn", ""))
    except (FinalError, RetryLater) as error:
        logger.error("not read", reason=str(error))
        raise
    finally:
        flush()


for _entry in CATALOGUE:
    if _entry.class_name:
        globals()[_entry.name] = _handler(_entry)


def _warm(handler: str) -> None:
    """Make what a function uses before its first event. What cannot be made is said when that comes."""
    entry = _ENTRIES.get(handler.removeprefix(f"{__name__}."))
    if entry is None:
        return
    try:
        if entry.class_name:
            _resource(entry.name)
        _clients().warm(("stacks", *entry.clients))
        for module in entry.imports:
            import_module(module)
    except Exception as error:
        logger.warning("not ready before the first event", error=type(error).__name__)


_warm(os.environ.get("_HANDLER", ""))
