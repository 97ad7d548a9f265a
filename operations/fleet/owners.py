"""The owner of a project: who created it in Studio, as DataZone shows; else who launched the product for it.

DataZone lists a project's members to its members only (docs/studio.md, A20). It shows the creator to everyone with
the IAM permission: in a list to owners of the domain unit, one by one to others (A19).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from custom_resources.clients.aws import DATAZONE, translated
from custom_resources.errors import Problem
from operations.fleet.facts import Fleet

if TYPE_CHECKING:
    from mypy_boto3_datazone import DataZoneClient

MOST_ASKED = 500  # projects that are asked about one by one
_AT_ONCE = 8


def creators(client: DataZoneClient, domain_id: str, projects: Collection[str]) -> dict[str, str]:
    """Return who created each project, by its id, as people know them. What DataZone does not tell is left out."""
    try:
        listed = {each["id"]: str(each["createdBy"]) for each in _listed(client, domain_id) if each["id"] in projects}
    except Problem:  # one by one, then: the list may be another right
        listed = {}
    others = sorted(set(projects) - listed.keys())[:MOST_ASKED]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = dict(zip(others, pool.map(lambda each: _creator(client, domain_id, each), others), strict=True))
        found = listed | {project: who for project, who in asked.items() if who}
        people = sorted(set(found.values()))
        names = dict(zip(people, pool.map(lambda each: _name(client, domain_id, each), people), strict=True))
    return {project: names[who] for project, who in found.items()}


def _listed(client: DataZoneClient, domain_id: str) -> Iterator[Mapping[str, Any]]:
    with translated(DATAZONE, "listing the projects"):
        for page in client.get_paginator("list_projects").paginate(domainIdentifier=domain_id):
            yield from page["items"]


def _creator(client: DataZoneClient, domain_id: str, project_id: str) -> str:
    try:
        with translated(DATAZONE, f"reading the project {project_id}"):
            return str(client.get_project(domainIdentifier=domain_id, identifier=project_id)["createdBy"])
    except Problem:
        return ""


def _name(client: DataZoneClient, domain_id: str, who: str) -> str:
    """Return a user's name in Identity Center, or the last part of an identity's ARN; else what DataZone calls it."""
    if who.startswith("arn:"):
        return who.rpartition("/")[2]
    try:
        with translated(DATAZONE, f"reading the user profile {who}"):
            details: Any = client.get_user_profile(domainIdentifier=domain_id, userIdentifier=who).get("details", {})
    except Problem:
        return who
    arn = str(details.get("iam", {}).get("arn", ""))
    return str(details.get("sso", {}).get("username", "")) or arn.rpartition("/")[2] or who


def with_owners(fleet: Fleet, client: DataZoneClient, domain_id: str) -> Fleet:
    """Return the fleet with the creators of its projects as their owners; who launched, where nobody tells."""
    known = {each.project for each in fleet.projects if each.project}
    found = creators(client, domain_id, known) if known else {}
    return fleet.only([replace(each, owner=found.get(each.project) or each.owner) for each in fleet.projects])
