"""Labels, assignees and reviewers of a pull request: what GitHub refuses of them stops nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from custom_resources.clients.github_connection import Connection
from custom_resources.errors import FinalError

Whom = tuple[Sequence[str], Sequence[str], Sequence[str]]  # labels, assignees, reviewers


def address(connection: Connection, full_name: str, number: int, whom: Whom) -> list[str]:
    """Label a pull request, assign it, and ask for its reviews. Return what GitHub refused, a sentence each.

    A reviewer is a user's login, or a team as ORGANIZATION/SLUG, and is asked by a request of his own: one who is
    refused stops no other. GitHub creates labels that the repository lacks, and leaves out assignees without access.
    """
    refused = []
    for activity, path, body in _requests(full_name, number, whom):
        try:
            connection.call(f"{activity} pull request {number} of {full_name}", "POST", path, body)
        except FinalError as error:
            refused.append(str(error))
    return refused


def _requests(full_name: str, number: int, whom: Whom) -> Iterator[tuple[str, str, dict[str, list[str]]]]:
    """Yield what is done, the path and the body: docs.github.com, "Labels", "Assignees", "Review requests"."""
    labels, assignees, reviewers = whom
    owner, _, name = full_name.partition("/")
    path = f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
    if labels:
        yield "labelling", f"{path}/issues/{number}/labels", {"labels": list(labels)}
    if assignees:
        yield "assigning", f"{path}/issues/{number}/assignees", {"assignees": list(assignees)}
    for reviewer in reviewers:
        organization, _, who = reviewer.rpartition("/")
        if organization.casefold() in ("", owner.casefold()):  # another organization's team sees nothing here
            kind = "team_reviewers" if organization else "reviewers"
            yield f"asking {reviewer} to review", f"{path}/pulls/{number}/requested_reviewers", {kind: [who]}
