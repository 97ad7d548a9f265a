"""What a template pull request says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from custom_resources.markdown import code
from custom_resources.markdown import plain as _plain
from custom_resources.markdown import short as _short

if TYPE_CHECKING:
    from custom_resources.clients.git import Change, Merge

MARK = "<!-- studio-project-template -->"  # not shown; tells our pull requests from those of users
# GitHub takes 65,536 characters; to be sure, they are counted as UTF-16 has them.
_MOST = 65_536
_LISTED = (100, 20)  # entries of a list; fewer where the text would be too long
_NAMED = 3  # files in a sentence
_MOST_OF_SOURCE = 1000  # characters of a source's address that are shown
_MOST_OF_EXPLANATION = 8000  # characters of git's own words
T = TypeVar("T")
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
    kept: bool = False  # the branch keeps the repository's side of what conflicts, or what git would have lost
    alike: Sequence[tuple[str, str]] = ()  # the template's path, the other that differs only in case or Unicode form
    filtered: Sequence[tuple[str, str]] = ()  # path, filter: of what comes without having been through it


def body(update: Update) -> str:
    """Return the description: what changed, what conflicts, how to resolve it. GitHub takes it whatever is in it."""
    texts = (_body(update, listed) for listed in _LISTED)
    return next(text for text in texts if len(text.encode("utf-16-le")) // 2 <= _MOST)


def _body(update: Update, listed: int) -> str:
    source = f" ({_short(update.source, _MOST_OF_SOURCE)})" if update.source else ""
    parts = [
        f"The project template has a new version, **{update.version}**{source}. "
        f"It comes as a pull request because {update.reason}.",
        "### What the template changes\n\n" + (_list(update.changes, _change, listed) or "Nothing."),
    ]
    if not update.clean:
        conflicts = _list(update.conflicts, code, listed) or "No file; but git cannot tell how all fits together."
        parts.append(f"### What conflicts\n\n{conflicts}")
        if update.explanation.strip():
            parts.append(f"```\n{_plain(update.explanation.strip()[:_MOST_OF_EXPLANATION])}\n```")
        parts.append(f"### How to resolve it\n\n{_resolution(update)}")
    parts += _warnings(update, listed)
    parts.append(
        "Merge it when it suits you; merge, squash and rebase are all understood. Close it to skip this version: "
        "the next one is offered again. Your own changes are kept in every case."
    )
    return "\n\n".join([*parts, MARK])


def unasked(merge: Merge, *, named: bool = True) -> list[str]:
    """Return why a merge that git does not ask about is not pushed; without `named`, without names of users' files."""

    def files(items: Sequence[str]) -> str:
        more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
        return ", ".join(items[:_NAMED]) + more if named else str(len(items))

    reasons = []
    if merge.lost:
        lost = files([code(path) for path in merge.lost])
        reasons.append(f"git would merge it without asking and drop what was written here ({lost})")
    if merge.alike:
        pairs = files([f"{code(new)} and {code(old)}" for new, old in merge.alike])
        reasons.append(f"names differ only in case or Unicode form, and macOS and Windows keep only one ({pairs})")
    if merge.filtered:
        paths = files([_filtered(file) for file in merge.filtered])
        reasons.append(f"files fall under a filter that they have not been through, as each clone would show ({paths})")
    return reasons


def _filtered(file: tuple[str, str]) -> str:
    return f"{code(file[0])} under {code(f'filter={file[1]}')}"


def _warnings(update: Update, listed: int) -> list[str]:
    """Return what to do, before merging, about what git does not ask."""
    parts = []
    if update.alike:
        pairs = _list(update.alike, lambda pair: f"{code(pair[0])} and {code(pair[1])}", listed)
        parts.append(
            f"### What differs only in case or Unicode form\n\n{pairs}\n\n"
            "Rename or remove one of each (`git mv`), on the branch or on yours: "
            "a clone on macOS or Windows has only one."
        )
    if update.filtered:
        files = _list(update.filtered, _filtered, listed)
        parts.append(
            f"### What a filter would change\n\n{files}\n\n"
            "Either except the files in `.gitattributes` (`PATH !filter !diff !merge text`), "
            f"or put them through the filter on the branch:\n\n```sh\ngit fetch origin\ngit switch {update.branch}\n"
            "git add --renormalize .\ngit commit -m 'Apply the filter' && git push\n```"
        )
    return parts


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


def superseded(version: str, successor: int = 0) -> str:
    """Return the comment on a pull request that a newer version makes needless; `successor` offers that one (0 = none).

    Without a successor the version is in the default branch.
    """
    takes_over = (
        f": #{successor} offers it instead of this pull request, which" if successor else ", so this pull request"
    )
    return f"The template is at {version} now{takes_over} is closed. Commits on its branch are kept."


def _change(change: Change) -> str:
    return f"{_VERBS[change.status]} {code(change.path)}"


def _list(items: Sequence[T], line: Callable[[T], str], most: int) -> str:
    more = [f"- … and {len(items) - most} more"] if len(items) > most else []
    return "\n".join([*(f"- {line(item)}" for item in items[:most]), *more])
