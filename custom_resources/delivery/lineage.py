"""The template's lineage in a repository: the record of what was delivered, and the proof of ownership. Pure.

| ref | points to |
|---|---|
| `refs/studio/template` | the newest template commit that is in the default branch: the base of the next merge |
| `refs/studio/delivered/<version>/<key>` | the same commit; says what it delivers to whom without fetching it |
| `refs/studio/proposals/<branch>/<key>` | the template commit that a pull request from `studio/<branch>` offers |

docs/decisions/0002 says why.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

TEMPLATE_REF = "refs/studio/template"
DELIVERED = "refs/studio/delivered/"
PROPOSALS = "refs/studio/proposals/"
BRANCHES = "refs/heads/studio/"

_TRAILERS = {
    "domain": "Studio-Domain",
    "project": "Studio-Project",
    "folder": "Studio-Template",
    "version": "Studio-Version",
    "archive": "Studio-Archive",
    "part": "Studio-Part",
    "stack": "Studio-Stack",
}

Targets = dict[str, str]  # ref -> the commit it shall point to; "" = it shall not be there


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

    @property
    def key(self) -> str:
        """Name the delivery in a ref: the same content for the same repository has the same key."""
        return hashlib.sha256(replace(self, stack="").trailers().encode()).hexdigest()[:40]

    @property
    def ref(self) -> str:
        """The ref that records it once it is in the default branch."""
        return f"{DELIVERED}{self.version}/{self.key}"

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
    return _delivery(message.strip().split("\n\n")[-1])


def trace_in(message: str) -> Delivery | None:
    """Return the last delivery that a message names in any paragraph: one that GitHub made of several, or was edited.

    It tells that something was delivered, and proves nothing.
    """
    paragraphs = re.split(r"\n\s*\n", message.strip())
    return next((found for paragraph in reversed(paragraphs) if (found := _delivery(paragraph))), None)


def _delivery(paragraph: str) -> Delivery | None:
    found: Mapping[str, str] = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in paragraph.splitlines())
    }
    values = {name: found.get(key, "") for name, key in _TRAILERS.items()}
    if not all(values[name] for name in ("domain", "project", "part", "folder", "version")):
        return None
    return Delivery(**values)


def recorded(refs: Mapping[str, str], commit: str, delivery: Delivery) -> Targets:
    """Return what the refs shall be once a template commit is in the default branch."""
    old = {ref: "" for ref in refs if ref.startswith(DELIVERED)}
    return {**old, TEMPLATE_REF: commit, delivery.ref: commit}


def delivered_version(refs: Mapping[str, str]) -> str:
    """Return the version that the refs record as delivered, "" if they record none."""
    found = (ref for ref, commit in refs.items() if ref.startswith(DELIVERED) and commit == refs.get(TEMPLATE_REF))
    return next((ref.removeprefix(DELIVERED).partition("/")[0] for ref in found), "")


def branch_for(version: str) -> str:
    """Return the pull request branch of a version."""
    return f"studio/template-{version}"


@dataclass(frozen=True)
class Proposal:
    """What a pull request branch offers: a delivery's key, its template commit, and where the branch is now."""

    branch: str
    key: str
    commit: str
    tip: str = ""

    @property
    def ref(self) -> str:
        """The ref that records it."""
        return f"{PROPOSALS}{self.branch.removeprefix('studio/')}/{self.key}"


def proposals_in(refs: Mapping[str, str]) -> list[Proposal]:
    """Return the proposals that a repository's refs record, with their branches' present tips."""
    found = []
    for ref, commit in sorted(refs.items()):
        name, _, key = ref.removeprefix(PROPOSALS).rpartition("/")
        if ref.startswith(PROPOSALS) and name:
            found.append(Proposal(f"studio/{name}", key, commit, refs.get(f"{BRANCHES}{name}", "")))
    return found
