"""What GitHub's REST API answers, read into types of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from custom_resources.errors import AnswerIncomplete


@dataclass(frozen=True)
class Repository:
    """A repository as GitHub describes it."""

    id: int
    full_name: str
    html_url: str
    clone_url: str
    default_branch: str
    description: str
    archived: bool
    private: bool
    visibility: str
    topics: tuple[str, ...] = ()
    created_at: str = ""  # ISO 8601
    in_user_account: bool = False
    pull_requests_off: bool = False

    @property
    def owner(self) -> str:
        """The organization or user."""
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        """The name without the owner."""
        return self.full_name.partition("/")[2]


@dataclass(frozen=True)
class PullRequest:
    """A pull request, as far as template delivery needs it."""

    number: int
    html_url: str
    state: str  # open | closed
    merged: bool
    head: str  # the head branch's commit
    branch: str
    landed: str = ""  # what merging it made of it in its base branch: a merge, squashed or rebased commit
    base: str = ""  # the branch that it goes into
    text: str = field(default="", repr=False)  # its description
    shares_branch: bool = False  # with another open one, as far as a search has looked


@contextmanager
def whole(activity: str) -> Iterator[None]:
    """Turn the reading of an answer that lacks what GitHub promises into a wait: it was cut, or not GitHub's."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise AnswerIncomplete(5, activity=activity) from None


def promised(data: Any, name: str) -> str:
    """Read a text that GitHub never leaves out. Raises KeyError, TypeError: `whole` says what they mean."""
    value = data[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def repository(data: Any) -> Repository:
    """Read a repository; description, visibility and topics may be null or absent."""
    with whole("reading a repository"):
        return Repository(
            id=int(data["id"]),
            full_name=promised(data, "full_name"),
            html_url=promised(data, "html_url"),
            clone_url=data.get("clone_url") or f"{data['html_url']}.git",
            default_branch=data.get("default_branch") or "main",
            description=data.get("description") or "",
            archived=bool(data.get("archived")),
            private=bool(data.get("private")),
            visibility=data.get("visibility") or ("private" if data.get("private") else "public"),
            topics=tuple(data.get("topics") or ()),
            created_at=data.get("created_at") or "",
            pull_requests_off=data.get("has_pull_requests") is False,  # older servers do not tell
            in_user_account=(data.get("owner") or {}).get("type") == "User",
        )


def pull_request(data: Any) -> PullRequest:
    """Read a pull request; merged_at and merge_commit_sha may be null."""
    with whole("reading a pull request"):
        merged = bool(data.get("merged_at"))
        return PullRequest(
            number=int(data["number"]),
            html_url=promised(data, "html_url"),
            state=promised(data, "state"),
            merged=merged,
            head=promised(data["head"], "sha"),
            branch=promised(data["head"], "ref"),
            landed=(data.get("merge_commit_sha") or "") if merged else "",
            base=promised(data["base"], "ref"),
            text=data.get("body") or "",
        )
