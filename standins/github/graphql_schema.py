"""The part of GitHub's GraphQL schema that the stand-in knows: types, their fields, and the arguments of those."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """A field: the type of what it holds ("" = a value without fields) and the arguments that it takes."""

    type: str = ""
    arguments: frozenset[str] = frozenset()


def _of(values: str, **others: str) -> dict[str, Known]:
    """Return fields: plain values by name, and others as `type argument argument ...`."""
    fields = {name: Known() for name in ("__typename", *values.split())}
    for name, text in others.items():
        kind, *arguments = text.split()
        fields[name] = Known(kind, frozenset(arguments))
    return fields


_OBJECT = "oid abbreviatedOid"
_ACTOR = "login url avatarUrl resourcePath"
_LISTED = "first last after before"
_PULLS = f"PullRequestConnection {_LISTED} states baseRefName headRefName orderBy labels"

TYPES: dict[str, dict[str, Known]] = {
    "Query": _of(
        "",
        repository="Repository owner name followRenames",
        viewer="User",
        organization="Organization login",
        rateLimit="RateLimit dryRun",
    ),
    "RateLimit": _of("cost limit nodeCount remaining resetAt used"),
    "Mutation": _of(""),
    "User": _of(f"id databaseId name email createdAt {_ACTOR}"),
    "Organization": _of(f"id databaseId name description createdAt {_ACTOR}"),
    "Actor": _of(_ACTOR),
    "RepositoryOwner": _of(f"id {_ACTOR}"),
    "Repository": _of(
        "id databaseId name nameWithOwner description url homepageUrl sshUrl visibility isPrivate isArchived isFork "
        "isTemplate isInOrganization isEmpty isDisabled createdAt updatedAt pushedAt viewerPermission "
        "viewerCanAdminister hasIssuesEnabled hasProjectsEnabled hasWikiEnabled mergeCommitAllowed "
        "squashMergeAllowed rebaseMergeAllowed autoMergeAllowed deleteBranchOnMerge",
        owner="RepositoryOwner",
        parent="Repository",
        defaultBranchRef="Ref",
        pullRequest="PullRequest number",
        pullRequests=_PULLS,
        object="GitObject expression oid",
        ref="Ref qualifiedName",
    ),
    "Ref": _of("name prefix", target="GitObject"),
    "GitObject": _of(_OBJECT),
    "Commit": _of(f"{_OBJECT} message messageHeadline messageBody committedDate authoredDate", tree="Tree"),
    "Tree": _of(_OBJECT, entries="TreeEntry"),
    "TreeEntry": _of("name path type mode oid", object="GitObject"),
    "Blob": _of(f"{_OBJECT} byteSize isBinary isTruncated text"),
    "PullRequest": _of(
        "id databaseId number title body state url isDraft isCrossRepository merged mergeable maintainerCanModify "
        "headRefName headRefOid baseRefName baseRefOid additions deletions changedFiles createdAt updatedAt closedAt "
        "mergedAt authorAssociation locked mergeStateStatus reviewDecision",
        author="Actor",
        headRef="Ref",
        latestOpinionatedReviews=f"PullRequestReviewConnection {_LISTED} writersOnly",
        mergedBy="Actor",
        headRepository="Repository",
        headRepositoryOwner="RepositoryOwner",
        baseRepository="Repository",
        commits=f"PullRequestCommitConnection {_LISTED}",
        comments=f"IssueCommentConnection {_LISTED} orderBy",
    ),
    "PullRequestConnection": _of("totalCount", nodes="PullRequest", pageInfo="PageInfo"),
    "PullRequestCommitConnection": _of("totalCount"),
    "PullRequestReviewConnection": _of("totalCount", nodes="PullRequestReview", pageInfo="PageInfo"),
    "PullRequestReview": _of("id databaseId state body submittedAt", author="Actor", commit="Commit"),
    "IssueCommentConnection": _of("totalCount", nodes="IssueComment", pageInfo="PageInfo"),
    "IssueComment": _of("id databaseId body url createdAt updatedAt authorAssociation", author="Actor"),
    "PageInfo": _of("hasNextPage hasPreviousPage startCursor endCursor"),
}
ABSTRACT = {
    "Actor": {"User", "Organization"},
    "RepositoryOwner": {"User", "Organization"},
    "GitObject": {"Commit", "Tree", "Blob"},
}


def fits(condition: str, kind: str) -> bool:
    """Tell whether a fragment `on condition` is for an object of that type."""
    return condition in ("", kind) or kind in ABSTRACT.get(condition, ())
