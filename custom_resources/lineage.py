"""The template's lineage in a repository: the record of what was delivered, and the proof of ownership. Pure.

`refs/studio/template` points to the newest template commit that is in the default branch: the base of the next
merge. `refs/studio/proposals/<branch>/commit` and `/head` record what a pull request from the branch
`studio/<branch>` offers, and the branch as it was pushed (docs/decisions/0002).
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


Updates = dict[str, tuple[str, str]]  # ref -> (expected commit, new commit); "" is absence


@dataclass(frozen=True)
class Proposal:
    """What a pull request branch offers: the template commit, and the branch as it was pushed and is now."""

    branch: str
    commit: str = ""
    head: str = ""
    tip: str = ""

    def _refs(self) -> dict[str, str]:
        name = PROPOSALS + self.branch.removeprefix("studio/")
        return {f"{name}/commit": self.commit, f"{name}/head": self.head}

    def removal(self, keep_branch: bool) -> Updates:
        """Return the ref updates that forget the proposal; a branch that users work on is kept."""
        updates = {ref: (sha, "") for ref, sha in self._refs().items() if sha}
        if self.tip and not keep_branch:
            updates[f"refs/heads/{self.branch}"] = (self.tip, "")
        return updates

    def replacing(self, old: Proposal) -> Updates:
        """Return the ref updates that put this proposal in the place of `old` on the same branch."""
        before = old._refs() | {f"refs/heads/{self.branch}": old.tip}
        after = self._refs() | {f"refs/heads/{self.branch}": self.head}
        return {ref: (before[ref], sha) for ref, sha in after.items() if before[ref] != sha}


def proposals_in(records: Mapping[str, str], branches: Mapping[str, str]) -> list[Proposal]:
    """Return the proposals that the refs below PROPOSALS record, with their branches' present tips."""
    names = sorted({ref.removeprefix(PROPOSALS).rpartition("/")[0] for ref in records})
    return [
        Proposal(
            branch=f"studio/{name}",
            commit=records[f"{PROPOSALS}{name}/commit"],
            head=records[f"{PROPOSALS}{name}/head"],
            tip=branches.get(f"{BRANCHES}{name}", ""),
        )
        for name in names
        if f"{PROPOSALS}{name}/commit" in records and f"{PROPOSALS}{name}/head" in records
    ]
