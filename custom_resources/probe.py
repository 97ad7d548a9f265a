"""What DataZone permits the function studio-project to do, for an administrator (`operations prove`; A19, A20).

The request is not from CloudFormation, and so belongs to no stack. The answer shows whether operations are permitted,
not what they return. It writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from custom_resources.errors import NotARequest
from custom_resources.properties import Properties

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Clients

PROBE = "Probe"  # the key of such an event


class Probe(Properties):
    """The project that is asked about."""

    domain_id: str = Field(pattern=r"^dzd[-_][a-zA-Z0-9_-]{1,36}\Z")
    project_id: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,36}\Z")


def permitted(event: Mapping[str, Any], clients: Clients) -> dict[str, bool]:
    """Return the operations, each with whether it is permitted. Raises NotARequest, ProjectNotFound."""
    try:
        asked = Probe.model_validate(event[PROBE])
    except ValidationError:
        raise NotARequest from None
    return clients.studio.answered(asked.domain_id, asked.project_id)
