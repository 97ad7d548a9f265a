"""What DataZone permits to the function studio-project, asked by an administrator (`operations prove`; A19, A20).

It is no request of CloudFormation's, and so is tied to no stack: it tells whether operations are permitted, nothing of
what they answer, and writes nothing.
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
