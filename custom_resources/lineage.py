"""The template's lineage in a repository: the record of what was delivered, and the proof of ownership. Pure.

`refs/studio/template` points to the newest template commit that is in the default branch: the base of the next
merge. `refs/studio/proposals/<branch>` points to the template commit that a pull request from that branch
offers (docs/decisions/0002).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TEMPLATE_REF = "refs/studio/template"
PROPOSALS = "refs/studio/proposals/"
BRANCHES = "refs/heads/studio/"
REFSPECS = ("+refs/studio/*:refs/studio/*", "+refs/heads/studio/*:refs/heads/studio/*")

_TRAILERS = {
    "domain": "Studio-Domain",
    "project": "Studio-Project",
    "folder": "Studio-Template",
    "version": "Studio-Version",
    "archive": "Studio-Archive",
    "part": "Studio-Part",
    "stack": "Studio-Stack",
}


@dataclass(frozen=True)
class Delivery:
    """What one template commit delivers, to whom."""

    domain: str
    project: str
    part: str
    folder: str
    version: str
    archive: str
    stack: str = ""

    def belongs_to(self, domain: str, project: str, part: str) -> bool:
        """Tell whether the repository with this delivery is that project's (and that one of its two)."""
        return (self.domain, self.project, self.part) == (domain, project, part)

    def same_content(self, other: Delivery) -> bool:
        """Tell whether both deliver the same version of the same folder."""
        return (self.folder, self.version, self.archive) == (other.folder, other.version, other.archive)

    def trailers(self) -> str:
        """Return the trailers that record the delivery in a commit message."""
        return "\n".join(f"{key}: {getattr(self, name)}" for name, key in _TRAILERS.items() if getattr(self, name))


def message(subject: str, delivery: Delivery, body: str = "") -> str:
    """Return a commit message: subject, body, trailers."""
    return "\n\n".join(part for part in (subject, body.strip(), delivery.trailers()) if part) + "\n"


def delivery_in(message: str) -> Delivery | None:
    """Return the delivery that a commit message records in its last paragraph, or None."""
    last = message.strip().split("\n\n")[-1]
    found: Mapping[str, str] = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in last.splitlines())
    }
    values = {name: found.get(key, "") for name, key in _TRAILERS.items()}
    if not all(values[name] for name in ("domain", "project", "part", "folder", "version")):
        return None
    return Delivery(**values)


def branch_for(version: str) -> str:
    """Return the pull request branch of a version."""
    return f"studio/template-{version}"


def proposal_ref(branch: str) -> str:
    """Return the ref that records which template commit a pull request branch offers."""
    return PROPOSALS + branch.removeprefix("studio/")
