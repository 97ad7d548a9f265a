"""Checks who can launch for which project, and that a project is launched once (docs/decisions/0069).

The decision is made when Custom::StudioProject is created, before any other resource of the launch, and is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from custom_resources.caller import Launcher, caller, is_another_projects
from custom_resources.errors import (
    AccountNotListed,
    ClassicOff,
    ClassicProjectRefused,
    DatabaseNotListed,
    LaunchByNobody,
    LaunchNotAdministrators,
    LaunchNotByProjectRole,
    LaunchNotByServiceCatalog,
    LaunchRefused,
    ProjectFixed,
    ProjectHeld,
    ProjectNotFound,
)
from custom_resources.own_stack import launch_of
from custom_resources.telemetry import logger

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Clients
    from custom_resources.reconciler import Request

_TRIES = 3  # of a request that Service Catalog throttles


def launcher(request: Request[Any], clients: Clients) -> Launcher:
    """Return the launcher, and refuse one without permission; an update checks nobody, and keeps its project.

    Raises LaunchRefused, ProjectFixed, DatabaseNotListed, AccountNotListed.
    """
    properties, installation = request.properties, clients.installation
    if request.type != "Create":
        _require_same_project(request)
        if request.type == "Update" and not request.goes_back:
            _require_listed(request, clients)
        return Launcher("not asked")
    launch = launch_of(request.stack_id, clients)
    found = caller(launch.principal, request.stack_id, installation) if launch.product else Launcher("direct")
    logger.info("launched by", caller=found.kind, principal=found.arn)
    if found.kind == "direct" and not installation.direct_launches:
        raise LaunchNotByServiceCatalog(stack=f"{request.stack_id}//".split("/")[1])
    if found.kind == "somebody else" or (found.kind == "project role" and not installation.project_roles_may_launch):
        raise LaunchRefused(caller=found.arn, project=properties.project_id)
    if found.kind == "unknown" and properties.adopt_existing:
        raise LaunchByNobody
    _require_listed(request, clients)
    return found


def _require_same_project(request: Request[Any]) -> None:
    """Refuse an update to another project; the physical id holds the one that was accepted."""
    accepted = request.physical_id.split(":")[0]
    if "/" in accepted and accepted != project_of(request):
        raise ProjectFixed(project=accepted.partition("/")[2])


def _require_listed(request: Request[Any], clients: Clients) -> None:
    """Refuse a database and an account that the settings do not list; what a stack has had so far it keeps."""
    properties, installation, old = request.properties, clients.installation, request.old
    databases, accounts = installation.glue_databases, installation.deploy_accounts
    if databases and properties.glue_database not in (old.glue_database if old else None, *databases):
        raise DatabaseNotListed(database=properties.glue_database)
    own = f"{request.stack_id}:::::".split(":")[4]
    if accounts and properties.deploy_account not in (old.deploy_account if old else None, "", own, *accounts):
        raise AccountNotListed(account=properties.deploy_account)


def require_classic(request: Request[Any], found: Launcher, clients: Clients) -> None:
    """Refuse classic where it is off, to callers other than administrators, and for a project that is not the launch's.

    SageMaker makes a classic project by launching the product: it knows the project's id, and by which launch.
    Raises ClassicOff, LaunchRefused, ClassicProjectRefused.
    """
    properties = request.properties
    if not clients.installation.classic:
        raise ClassicOff
    if found.kind == "unknown":
        raise LaunchByNobody
    if found.kind not in ("administrator", "direct"):
        raise LaunchNotAdministrators
    name, launch = properties.project_name, launch_of(request.stack_id, clients)
    refused = ClassicProjectRefused(name=name, project=properties.project_id)
    if not name:
        raise refused
    try:
        project = clients.studio.classic_project(name)
    except ProjectNotFound:
        raise refused from None
    if project.id != properties.project_id or (project.launch and launch.launch and project.launch != launch.launch):
        raise refused


def require_own_role(project_id: str, found: Launcher, roles: tuple[str, ...]) -> None:
    """Refuse a project's role that launches for a project whose role it is not. Raises LaunchNotByProjectRole.

    `roles`: what Studio and SageMaker tell of the project. An assumed role's ARN has no path, so names are compared.
    """
    if found.kind != "project role":
        return
    if found.role not in {role.rpartition("/")[2] for role in roles} or is_another_projects(found.role, project_id):
        raise LaunchNotByProjectRole(caller=found.role, project=project_id)


def project_of(request: Request[Any]) -> str:
    """Return `<domain>/<project>`."""
    return f"{request.properties.domain_id}/{request.properties.project_id}"


def hold(request: Request[Any], clients: Clients) -> None:
    """Hold the project for the stack; an update does it where nobody holds it. Raises ProjectHeld, RetryLater.

    A stack that has no resources any more holds nothing.
    """
    held, project = clients.held_projects, project_of(request)
    if held is None:
        return
    holder = held.hold(project, request.stack_id)
    if request.type != "Create":
        return
    for _ in range(_TRIES):
        if holder == request.stack_id:
            return
        if holder and clients.stacks.exists(holder):
            break
        holder = held.hold(project, request.stack_id, instead_of=holder)
    raise ProjectHeld(project=request.properties.project_id, stack=f"{holder}//".split("/")[1] or holder)


def release(request: Request[Any], clients: Clients) -> None:
    """Let go of the project, if the stack holds it."""
    if clients.held_projects is not None:
        clients.held_projects.release(project_of(request), request.stack_id)
