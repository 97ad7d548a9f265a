"""What the project setup asks where the domain is another account's: whose stack an event is of, and Studio's answer.

Step Functions calls DataZone in its own account and region only, so that a function reads projects for it, by the
domain account's role. An event and a stack's tags only point to a project: that its profile is one of the settings',
and that its projects are in this account and region, DataZone and SageMaker tell (docs/decisions/0088).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from custom_resources.errors import AwsNotFound, NotARequest
from custom_resources.properties import Properties

if TYPE_CHECKING:
    from custom_resources.clients.protocols import Clients

# What DataZone tags the stacks of environments with; else the parameters that it fills in (docs/studio.md, A38).
_DOMAIN = ("AmazonDataZoneDomain", "datazoneEnvironmentDomainId")
_PROJECT = ("AmazonDataZoneProject", "datazoneEnvironmentProjectId")


class Asked(Properties):
    """One question: of a stack, of a project, or of its profile."""

    stack: str = Field(default="", pattern=r"^(arn:aws[a-z-]*:cloudformation:[a-z0-9-]+:\d{12}:stack/DataZone[^ ]*)?\Z")
    domain_id: str = Field(default="", pattern=r"^(dzd[-_][a-zA-Z0-9_-]{1,36})?\Z")
    project_id: str = Field(default="", pattern=r"^[a-zA-Z0-9_-]{0,36}\Z")
    profile_id: str = Field(default="", pattern=r"^[a-zA-Z0-9_-]{0,36}\Z")


def read(event: Mapping[str, Any], clients: Clients, here: str) -> dict[str, Any]:
    """Return the answer; `here` is any ARN of this account and region. Raises NotARequest, ProjectNotFound."""
    try:
        asked = Asked.model_validate(dict(event))
    except ValidationError:
        raise NotARequest from None
    if asked.stack:
        return _whose(asked.stack, clients)
    if not (asked.domain_id and asked.project_id):
        raise NotARequest
    if asked.profile_id:
        return _profile(asked, clients, here)
    found = clients.studio.deployment(asked.domain_id, asked.project_id)
    return {
        "Name": found.name,
        "ProfileId": found.profile_id,
        "Leaving": found.leaving,
        "Deployment": found.status,
        "Reason": found.failure,
    }


def _whose(stack_id: str, clients: Clients) -> dict[str, Any]:
    """Return the project that a stack says it is of; "" where it says nothing, or is forgotten."""
    try:
        tags, parameters = clients.stacks.tags(stack_id), clients.stack_facts.parameters(stack_id)
    except AwsNotFound:
        tags, parameters = {}, {}

    def told(names: tuple[str, str]) -> str:
        return tags.get(names[0], "") or parameters.get(names[1], "")

    return {"DomainId": told(_DOMAIN), "ProjectId": told(_PROJECT)}


def _profile(asked: Asked, clients: Clients, here: str) -> dict[str, Any]:
    """Return the profile's name, and whether the project is in this account and region.

    Where the profile does not say where its projects are, as with account pools, the project's SageMaker domain does:
    its tooling made it in the account and region of the project.
    """
    name, place = clients.studio.profile_and_place(asked.domain_id, asked.profile_id)
    _, _, region, account = f"{here}:::::".split(":")[1:5]
    if place:
        return {"Name": name, "Here": place == f"{account}/{region}"}
    found = clients.studio.workspace(asked.domain_id, asked.project_id, here)
    return {"Name": name, "Here": bool(found.sagemaker_domain_arn)}
