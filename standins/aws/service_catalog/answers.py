"""How Service Catalog answers: pages of a list, and its two most common errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from standins.aws.calls import Record, page
from standins.aws.protocol import ServiceError


def paged(member: str, items: Iterable[Any], request: Record) -> Record:
    """Return the page of the items that the request asks for (PageSize, PageToken), below `member`."""
    found, token = page(items, request.get("PageSize"), request.get("PageToken"), 20)
    return {member: found, "NextPageToken": token}


def invalid(message: str) -> ServiceError:
    """Return InvalidParametersException."""
    return ServiceError("InvalidParametersException", message)


def missing(what: str, identifier: str) -> ServiceError:
    """Return ResourceNotFoundException."""
    return ServiceError("ResourceNotFoundException", f"{what} {identifier} not found.")


def tag_map(tags: Iterable[Record]) -> dict[str, str]:
    """Return the tags that somebody gives by their key. Raises ServiceError for one whose key is AWS's."""
    given = {tag["Key"]: tag["Value"] for tag in tags}
    for key in given:
        if key.lower().startswith("aws:"):
            raise invalid(f"Tag key {key}: aws: prefixed tag key names are not allowed for external use.")
    return given


def tag_list(tags: dict[str, str]) -> list[Record]:
    """Return tags as the service lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def retag(tags: dict[str, str], request: Record) -> None:
    """Change tags by the request's RemoveTags and AddTags."""
    for key in request.get("RemoveTags", []):
        tags.pop(key, None)
    tags.update(tag_map(request.get("AddTags", [])))
