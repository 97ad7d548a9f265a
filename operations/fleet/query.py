"""The GraphQL query about a hundred repositories, and what is read from its answer. Pure.

One connection for each repository: a point of GitHub's hourly limit for all hundred.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from operations.fleet.facts import Place, PullRequestStatus

MOST = 100  # repositories in one query
_BRANCH = re.compile(r"studio/template-(?P<version>v[0-9][0-9A-Za-z.-]{0,40})", re.ASCII)
_RECORD = re.compile(r"^Studio-Version: (?P<version>\S{1,40})$", re.MULTILINE)
_PLACE = re.compile(
    r"https?://[^/\s]+/(?P<owner>[^/\s]+)/(?P<name>[^/\s]+?)(?:/pull/(?P<number>[0-9]{1,9}))?", re.ASCII
)

_PULL = """fragment pull on PullRequest {
  number url state createdAt mergeable isDraft isCrossRepository baseRefName headRefName headRefOid headRef { name }
%s}
"""
_REVIEWS = """  reviewDecision latestOpinionatedReviews(first: 20, writersOnly: true) { nodes { state commit { oid } } }
"""
_FACTS = """fragment facts on Repository {
  databaseId nameWithOwner url isArchived defaultBranchRef { name }
  record: object(expression: "refs/studio/template") { __typename ... on Commit { message } }
  delivered: object(expression: "refs/studio/template:.github/workflows") { ...files }
  workflows: object(expression: "HEAD:.github/workflows") { ...files }
  pullRequests(first: 20, states: [OPEN], orderBy: {field: CREATED_AT, direction: DESC}) { nodes { ...pull } }
}
fragment files on GitObject { __typename ... on Tree { entries { name type } } }
"""


@dataclass(frozen=True)
class Asked:
    """A repository as the stack names it; `number` is the pull request that the stack reports (0 = none)."""

    id: int
    owner: str
    name: str
    number: int = 0

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True)
class Found:
    """A repository as GitHub has it. `record` is the version of its own record of deliveries, "" without one."""

    place: Place
    full_name: str = ""
    url: str = ""
    record: str = ""
    missing_workflows: tuple[str, ...] = ()
    pulls: tuple[PullRequestStatus, ...] = ()
    problem: str = ""


def place_of(url: str) -> tuple[str, str, int]:
    """Return owner, name and number of a repository's or a pull request's address; empty for another text."""
    found = _PLACE.fullmatch(url)
    return (found["owner"], found["name"], int(found["number"] or 0)) if found else ("", "", 0)


def query_of(asked: Sequence[Asked], *, reviews: bool = False) -> tuple[str, dict[str, Any]]:
    """Return the query about some repositories, 100 at most, and its variables. `reviews` costs more points."""
    variables: dict[str, Any] = {}
    declared, fields = [], []
    for index, each in enumerate(asked):
        variables |= {f"o{index}": each.owner, f"n{index}": each.name}
        declared.append(f"$o{index}: String!, $n{index}: String!")
        reported = ""
        if each.number:
            variables[f"p{index}"] = each.number
            declared.append(f"$p{index}: Int!")
            reported = f" reported: pullRequest(number: $p{index}) {{ ...pull }}"
        fields.append(f"  r{index}: repository(owner: $o{index}, name: $n{index}) {{ ...facts{reported} }}")
    pull = _PULL % (_REVIEWS if reviews else "")
    return "query(" + ", ".join(declared) + ") {\n" + "\n".join(fields) + "\n}\n" + _FACTS + pull, variables


def found_in(asked: Asked, data: Any, error: tuple[str, str] | None) -> Found:
    """Read GitHub's answer about one repository.

    Another repository that has since got the name has another id, and is not taken for it.
    """
    if not isinstance(data, dict):
        kind, message = error or ("NOT_FOUND", f"The token cannot access {asked.full_name}.")
        return Found("unseen" if kind == "NOT_FOUND" else "unknown", asked.full_name, problem=message)
    if error:  # some of it may not be read: nobody knows what that is
        return Found("unknown", asked.full_name, problem=error[1])
    if data.get("databaseId") not in (None, asked.id):
        return Found("unseen", asked.full_name, problem=f"{asked.full_name} is now another repository.")
    name = str(data.get("nameWithOwner") or asked.full_name)
    renamed = name.casefold() != asked.full_name.casefold()
    delivered, there = _files(data.get("delivered")), _files(data.get("workflows"))
    return Found(
        "archived" if data.get("isArchived") else "renamed" if renamed else "there",
        full_name=name,
        url=str(data.get("url") or ""),
        record=_recorded(data.get("record")),
        missing_workflows=tuple(sorted(delivered - there)),
        pulls=tuple(_pulls(data, str((data.get("defaultBranchRef") or {}).get("name") or ""))),
    )


def _pulls(data: Mapping[str, Any], default_branch: str) -> list[PullRequestStatus]:
    """Return the reported pull request first, then other open ones from branches of template versions."""
    reported = data.get("reported")
    found = [_pull(reported, default_branch, reported=True)] if isinstance(reported, dict) else []
    for each in (data.get("pullRequests") or {}).get("nodes") or ():
        if not each:
            continue
        ours = _BRANCH.fullmatch(str(each["headRefName"])) and not each["isCrossRepository"]
        if ours and each["baseRefName"] == default_branch and all(each["number"] != other.number for other in found):
            found.append(_pull(each, default_branch))
    return found


def _pull(data: Mapping[str, Any], default_branch: str, *, reported: bool = False) -> PullRequestStatus:
    branch = _BRANCH.fullmatch(str(data["headRefName"]))
    return PullRequestStatus(
        url=str(data["url"]),
        number=int(data["number"]),
        state=str(data["state"]).lower(),  # type: ignore[arg-type]  # OPEN, MERGED, CLOSED
        version=branch["version"] if branch else "",
        since=str(data["createdAt"]),
        mergeable=str(data["mergeable"]).lower(),
        branch=str(data["headRefName"]),
        branch_deleted=data.get("headRef") is None,
        draft=bool(data["isDraft"]),
        head=str(data["headRefOid"]),
        approved=_approved(data),
        into_default=data["baseRefName"] == default_branch,
        reported=reported,
    )


def _approved(data: Mapping[str, Any]) -> bool:
    """Tell whether somebody who may write approved the last commit, nobody is against it, and no rule asks for more."""
    reviews = [each for each in (data.get("latestOpinionatedReviews") or {}).get("nodes") or () if each]
    against = any(each["state"] == "CHANGES_REQUESTED" for each in reviews)
    commits = [(each.get("commit") or {}).get("oid") for each in reviews if each["state"] == "APPROVED"]
    return data.get("reviewDecision") in (None, "APPROVED") and not against and data["headRefOid"] in commits


def _files(tree: Any) -> frozenset[str]:
    entries = (tree or {}).get("entries") or ()
    return frozenset(str(each["name"]) for each in entries if each["type"] == "blob")


def _recorded(commit: Any) -> str:
    """Return the version that the last paragraph of a template commit's message records."""
    paragraphs = str((commit or {}).get("message") or "").strip().split("\n\n")
    found = _RECORD.search(paragraphs[-1])
    return found["version"] if found else ""
