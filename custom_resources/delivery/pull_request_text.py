"""What a template pull request says. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from custom_resources.clients.git import Change

MARK = "<!-- studio-project-template -->"  # not shown; tells our pull requests from those of users
_LISTED = 100
_VERBS = {"A": "adds", "D": "removes", "M": "changes", "T": "changes the kind of"}


@dataclass(frozen=True)
class Update:
    """A template update that goes by pull request."""

    version: str
    source: str
    branch: str
    default_branch: str
    reason: str
    changes: Sequence[Change]
    conflicts: Sequence[str]
    explanation: str
    clean: bool = True  # git merged it without a question
    kept: bool = False  # without common history: the branch keeps the repository's side of what conflicts


def body(update: Update) -> str:
    """Return the description: what changed, what conflicts, how to resolve it."""
    source = f" ({update.source})" if update.source else ""
    parts = [
        f"The project template has a new version, **{update.version}**{source}. "
        f"It comes as a pull request because {update.reason}.",
        "### What the template changes\n\n" + (_listed(list(map(_change, update.changes))) or "Nothing."),
    ]
    if not update.clean:
        listed = _listed(list(map(_code, update.conflicts))) or "No file; but git cannot tell how all fits together."
        parts.append(f"### What conflicts\n\n{listed}")
        if update.explanation.strip():
            parts.append(f"```\n{_plain(update.explanation.strip()[:8000])}\n```")
        parts.append(f"### How to resolve it\n\n{_resolution(update)}")
    parts.append(
        "Merge it when it suits you; merge, squash and rebase are all understood. Close it to skip this version: "
        "the next one is offered again. Your own changes are kept in every case."
    )
    return "\n\n".join([*parts, MARK])


def _resolution(update: Update) -> str:
    if not update.conflicts:
        return (
            "Look at what git says, and commit to the branch what you want otherwise. It can be merged as it is, too."
        )
    if update.kept:
        return (
            "The files above stay as they are here when you merge. Compare each with the template's, "
            "and commit to the branch what you want of it:\n\n```sh\n"
            f"git fetch origin\ngit diff origin/{update.default_branch} origin/{update.branch}^2 -- FILE\n```"
        )
    return (
        "Use *Resolve conflicts* below, or on your machine:\n\n```sh\n"
        f"git fetch origin\ngit switch {update.default_branch} && git pull\n"
        f"git merge origin/{update.branch}   # edit the files above, then: git add ... && git commit\n"
        f"git push origin {update.default_branch}\n```"
    )


def superseded(version: str) -> str:
    """Return the comment on a pull request that a newer version makes needless."""
    return f"The template is at {version} now, so this pull request is closed. Commits on its branch are kept."


def _change(change: Change) -> str:
    return f"{_VERBS[change.status]} {_code(change.path)}"


def _code(path: str) -> str:
    """Return a path as Markdown code that no name can break out of."""
    return "`" + "".join(c if c.isprintable() else "?" for c in _plain(path)) + "`"


def _plain(text: str) -> str:
    """Return text without what ends Markdown code, or is not Unicode."""
    return text.replace("`", "'").encode("utf-8", "replace").decode()


def _listed(lines: Sequence[str]) -> str:
    more = [f"- … and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return "\n".join([*(f"- {line}" for line in lines[:_LISTED]), *more])
