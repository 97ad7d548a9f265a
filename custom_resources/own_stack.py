"""A request is its stack's own: what an event says is compared with what CloudFormation knows (docs/decisions/0070).

What CloudFormation does not keep has a proof of its own (docs/decisions/0085: named_repository.py, consent.py).

A principal that can invoke a function chooses all of its event. So before anything is read of GitHub, the stack has to
be one that our product or an administrator made, be in an operation, and have that resource in that operation; the
project is the one that the stack's Custom::StudioProject was accepted for, and the repository one of the stack's own.

CloudFormation may tell of a moment ago (docs/studio.md, A37): what it does not confirm is asked again before it is
refused (docs/decisions/0086).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from custom_resources.caller import LAUNCH_TAG, PRINCIPAL_TAG, PRODUCT_TAG
from custom_resources.clients.service_catalog import LaunchOfStack
from custom_resources.clients.stacks import MOST_LISTED
from custom_resources.errors import AwsNotFound, LaunchNotByServiceCatalog, NotOfItsStack, StackBehind, Stale
from custom_resources.offered_product import require_offered
from custom_resources.stack_operation import require_current
from custom_resources.telemetry import logger

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Clients
    from custom_resources.clients.stacks import StackResource
    from custom_resources.reconciler import Request

_DURING = {"Create": "CREATE_IN_PROGRESS", "Update": "UPDATE_IN_PROGRESS", "Delete": "DELETE_IN_PROGRESS"}
_CLEANUP = "CLEANUP_IN_PROGRESS"  # what an update has replaced or removed is deleted: the stack has forgotten it
_PROJECT, _REPOSITORY = "Custom::StudioProject", "Custom::GitHubRepository"
# The product's logical ids of both types: what is asked for where a stack has more resources than one list shows.
_OF_THE_PRODUCT = ("StudioProject", "BuildRepository", "DeployRepository")
# What Custom::StudioProject believes of a launch by Studio's door, and proves to the stack's other resources. A made-up
# event can have other values; the stack's parameters cannot be made up.
_TOLD = {
    "connected_repository": "ConnectedRepository",
    "user_role_arn": "UserRoleArn",
    "project_bucket": "ProjectBucket",
}
READ_AGAIN = (1, 2, 3, 4)  # seconds before each further look at a stack that does not confirm an event


def launch_of(stack_id: str, clients: Clients) -> LaunchOfStack:
    """Return what Service Catalog tells of a stack's launch: by its reserved tags, else where it is asked."""
    tags = clients.stacks.tags(stack_id)
    told = LaunchOfStack(
        tags.get(PRODUCT_TAG, "").rpartition("/")[2],
        tags.get(LAUNCH_TAG, "").rpartition("/")[2],
        tags.get(PRINCIPAL_TAG, ""),
    )
    if told.product and told.principal:
        return told
    asked = clients.service_catalog.launch_of(stack_id)
    return LaunchOfStack(told.product or asked.product, told.launch or asked.launch, told.principal or asked.principal)


def our_products(clients: Clients) -> tuple[str, ...]:
    """Return the ids of our products: the settings', and the one that the portfolio's stack puts out."""
    installation, own = clients.installation, ""
    if installation.portfolio_stack:
        try:
            own = clients.stack_facts.outputs(installation.portfolio_stack).get("ProductId", "")
        except AwsNotFound:  # it is not deployed here
            own = ""
    return tuple(filter(None, (own, *installation.products)))


class OwnStack:
    """The tie between one function's events and their stacks; the last event that was looked at is remembered."""

    def __init__(self, resource_type: str, clients: Clients, *, in_product: bool) -> None:
        """`in_product`: a launch's resource. Others are of the administrator's stacks, by the names in IAM's policy."""
        self._type = resource_type
        self._clients = clients
        self._in_product = in_product
        self._products: tuple[str, ...] = ()
        self._seen = ""

    def require(self, event: Mapping[str, Any], request: Request[Any]) -> str:
        """Refuse an event that is not its stack's; return the stack's operation. It looks five times at most.

        Raises NotOfItsStack, LaunchNotByServiceCatalog; Stale for a waiter whose operation has ended; RetryLater.
        """
        if _key(event) == self._seen:
            return request.operation
        told_twice = False
        for seconds in READ_AGAIN:
            try:
                return self._required(event, request)
            except Stale:
                if told_twice:
                    raise
                told_twice = True
            except (NotOfItsStack, StackBehind) as unconfirmed:
                logger.warning("asked again", why=str(unconfirmed), seconds=seconds)
            time.sleep(seconds)
        return self._required(event, request)

    def _required(self, event: Mapping[str, Any], request: Request[Any]) -> str:
        """Check the stack once. Raises as `require` does."""
        stack_id = request.stack_id
        if not stack_id.startswith("arn:"):  # AWS takes a name as well, which another stack may have tomorrow
            raise NotOfItsStack(stack=stack_id, why="the stack ID is not an ARN")
        operation = self._clients.stacks.operation(stack_id)
        if "Operation" in event:  # an empty one is none that the stack could be in
            require_current(request.operation, operation)
        status = operation.split(" ")[0]
        if not status.endswith("_IN_PROGRESS"):
            raise NotOfItsStack(stack=_name(stack_id), why=f"the stack has the status {status}")
        resources = self._resources(request, status)
        _require_resource(self._type, request, status, resources)
        if self._in_product:
            self._require_launch(stack_id)
            self._require_project(request, resources)
            self._require_told(request)
            _require_repository(request, resources)
        else:
            require_offered(request, self._clients)
        self._seen = _key({**event, "Operation": {"Stack": operation}})
        return operation

    def _resources(self, request: Request[Any], status: str) -> Mapping[str, StackResource]:
        """Return what is compared of the stack's resources, however many it has: a portfolio has many versions."""
        facts, stack_id = self._clients.stack_facts, request.stack_id
        if not self._in_product and not _cleans_up(request, status):
            return facts.resources(stack_id, (request.logical_id,))
        found = facts.resources(stack_id)
        hidden = [name for name in {request.logical_id, *_OF_THE_PRODUCT} if name and name not in found]
        if len(found) < MOST_LISTED or not hidden:
            return found
        return {**found, **facts.resources(stack_id, hidden)}

    def _require_told(self, request: Request[Any]) -> None:
        """Compare what a launch says of its project with the stack's parameters, when it is created."""
        if self._type != _PROJECT or request.type != "Create":
            return
        given = self._clients.stack_facts.parameters(request.stack_id)
        for field, name in _TOLD.items():
            told = getattr(request.properties, field)
            if told and told != given.get(name, told):
                raise NotOfItsStack(
                    stack=_name(request.stack_id), why=f"the stack's parameter {name} has another value"
                )

    def _require_launch(self, stack_id: str) -> None:
        launch = launch_of(stack_id, self._clients)
        if not launch.product and self._clients.installation.direct_launches:
            return
        if not launch.product or launch.product not in self._our_products():
            raise LaunchNotByServiceCatalog(stack=_name(stack_id))

    def _our_products(self) -> tuple[str, ...]:
        if not self._products:
            self._products = our_products(self._clients)
        return self._products

    def _require_project(self, request: Request[Any], resources: Mapping[str, StackResource]) -> None:
        """Compare the event's project with the one that was accepted; at its Create, with the stack's parameters."""
        project = _project(request.properties)
        if not project or (self._type == _PROJECT and request.type != "Create"):
            return  # its own physical id was compared already
        if self._type == _PROJECT:
            given = self._clients.stack_facts.parameters(request.stack_id)
            wanted = given.get("DomainId", ""), given.get("ProjectId", "") or given.get("SageMakerProjectId", "")
            accepted = ["/".join(wanted)] if any(wanted) else []
        else:
            known = [item.physical_id for item in resources.values() if item.type == _PROJECT]
            accepted = [each.split(":")[0] for each in known if each]
        if project not in accepted and (accepted or not self._clients.installation.direct_launches):
            raise NotOfItsStack(
                stack=_name(request.stack_id), why=f"the stack belongs to another project than {project}"
            )


def _require_resource(
    resource_type: str, request: Request[Any], status: str, resources: Mapping[str, StackResource]
) -> None:
    """Refuse a request for what the stack does not have, or is not changing in this way."""

    def refused(why: str) -> NotOfItsStack:
        return NotOfItsStack(stack=_name(request.stack_id), why=why)

    found = resources.get(request.logical_id)
    if _cleans_up(request, status):
        if found and found.type != resource_type:
            raise refused(f"{request.logical_id} is a {found.type}")
        lives = [each for each in resources.values() if not each.status.startswith("DELETE_")]
        if (resource_type, request.physical_id) in {(each.type, each.physical_id) for each in lives}:
            raise refused(f"the stack still has {request.physical_id}")
        return
    if found is None or found.type != resource_type:
        raise refused(f"the stack does not have a resource {request.logical_id} of the type {resource_type}")
    if found.status != _DURING[request.type]:
        raise refused(f"{request.logical_id} has the status {found.status}")
    # CloudFormation may not know one: a creation that it cut off is deleted under a name that it made up.
    if request.type != "Create" and not found.physical_id and request.physical_id.split(":")[0].isdecimal():
        raise refused(f"{request.logical_id} does not have a physical ID yet")
    if request.type != "Create" and found.physical_id and not _same_id(resource_type, status, found, request):
        raise refused(f"{request.logical_id} has another physical ID")


def _cleans_up(request: Request[Any], status: str) -> bool:
    """Tell whether an update's end deletes what the update has replaced or removed."""
    return request.type == "Delete" and status.endswith(_CLEANUP)


def _same_id(resource_type: str, status: str, found: StackResource, request: Request[Any]) -> bool:
    """Tell whether a physical id is the stack's.

    A project's id also holds a digest of the launch's values, and an update changes that: its rollback may be for the
    id before or after. The project, and the repository that it has taken over, stay.
    """
    if resource_type == _PROJECT and "ROLLBACK_" in status:
        return _lasting(found.physical_id) == _lasting(request.physical_id)
    return found.physical_id == request.physical_id


def _lasting(physical_id: str) -> tuple[str, str]:
    project, _, more = physical_id.partition(":")
    return project, more.partition(":")[0]


def _require_repository(request: Request[Any], resources: Mapping[str, StackResource]) -> None:
    """Refuse a repository that is not one of the stack's own, for the resources that are given one."""
    repository = getattr(request.properties, "repository_id", None)
    if repository is None:
        return
    own = {item.physical_id.split(":")[0] for item in resources.values() if item.type == _REPOSITORY}
    if str(repository) not in own:
        raise NotOfItsStack(
            stack=_name(request.stack_id), why=f"the repository {repository} does not belong to the stack"
        )


def _project(properties: Any) -> str:
    domain, project = getattr(properties, "domain_id", ""), getattr(properties, "project_id", "")
    return f"{domain}/{project}" if domain or project else ""


def _key(event: Mapping[str, Any]) -> str:
    """Return a name for all that is compared: the same event in the same operation is the same answer."""
    compared: dict[str, Any] = {
        name: event.get(name)
        for name in ("RequestType", "StackId", "LogicalResourceId", "ResourceProperties", "OldResourceProperties")
    }
    if event.get("RequestType") != "Create":  # which has a name of ours only once it was accepted
        compared["PhysicalResourceId"] = event.get("PhysicalResourceId")
    compared["Operation"] = (event.get("Operation") or {}).get("Stack")
    return hashlib.sha256(json.dumps(compared, sort_keys=True, default=str).encode()).hexdigest()


def _name(stack_id: str) -> str:
    return f"{stack_id}//".split("/")[1] or stack_id
