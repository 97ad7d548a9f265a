"""A project's SageMaker domain, as SageMaker describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True)
class SageMakerDomain:
    """A project's SageMaker domain; "" where there is none."""

    arn: str = ""
    status: str = ""
    location: str = ""
    created: datetime | None = None
    roles: tuple[str, ...] = ()


def looked_at(item: Mapping[str, Any], project_id: str) -> tuple[bool, float]:
    """Return a key that sorts a listed SageMaker domain: those named after the project first, the oldest first."""
    created = item.get("CreationTime")
    return project_id not in item["DomainName"], created.timestamp() if created else 0.0


def sagemaker_domain(described: dict[str, Any], location: str) -> SageMakerDomain:
    """Return a project's SageMaker domain; the role of shared spaces first, then its users'."""
    roles = (described.get(key, {}).get("ExecutionRole", "") for key in ("DefaultSpaceSettings", "DefaultUserSettings"))
    created = described.get("CreationTime")
    known = tuple(dict.fromkeys(filter(None, roles)))
    return SageMakerDomain(described["DomainArn"], described.get("Status", ""), location, created, known)
