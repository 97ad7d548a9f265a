"""What an administrator's resources of a Studio domain share: the domain may be gone before them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from custom_resources.errors import AwsNotFound, DataZoneDenied
from custom_resources.telemetry import logger

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Blueprints
    from custom_resources.reconciler import Request

T = TypeVar("T")


def unless_gone(request: Request[Any], blueprints: Blueprints, read: Callable[[], T], nothing: T) -> T:
    """Return what is read of the domain; `nothing` where a deletion finds it gone. Raises what `read` raises."""
    try:
        return read()
    except (AwsNotFound, DataZoneDenied):
        domain_id = request.properties.domain_id
        if request.type != "Delete" or not blueprints.domain_is_gone(domain_id):
            raise
        logger.warning("the domain is gone, and nothing is deleted in it", domain=domain_id, left=request.physical_id)
        return nothing
