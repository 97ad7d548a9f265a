"""Studio projects of the local run: what a launch is given, and the whole way from a project profile."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.ministack import ACCOUNT, REGION

if TYPE_CHECKING:
    from local.run import Run

DOMAIN_ID = "dzd-local0studio00"


@dataclass(frozen=True)
class Project:
    """A Studio project."""

    id: str
    domain_id: str
    name: str
    profile: str


def project_id(name: str) -> str:
    """Return the id of a project's name: always the same, so that a project launched again finds its repositories."""
    digits = "abcdefghijklmnopqrstuvwxyz0123456789"
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:12], "big")
    return "".join(digits[number // 36**place % 36] for place in range(13)) + "p"


def ensure_project(run: Run, name: str, profile: str) -> Project:
    """Return the Studio project of that name, made with the profile if it is not there, its tooling ready."""
    made = run.standin_aws.call(
        "POST",
        "projects",
        {
            "name": name,
            "projectId": project_id(name),
            "profile": profile,
            "domainId": DOMAIN_ID,
            "account": ACCOUNT,
            "region": REGION,
            "wait": True,
        },
    )
    return Project(made["projectId"], made["domainId"], made["projectName"], made["profileName"])
