"""What a template pull request says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, TypeVar

from custom_resources.delivery import release_notes
from custom_resources.markdown import code
from custom_resources.markdown import plain as _plain
from custom_resources.markdown import short as _short
from custom_resources.template_content import IGNORE_FILE

if TYPE_CHECKING:
    from custom_resources.clients.git import Change, Lines, Merge

MARK = "<!-- studio-project-template -->"  # not shown; tells our pull requests from those of users
# GitHub takes 65,536 characters; to be sure, they are counted as UTF-16 has them.
_MOST = 65_536
_LISTED = (100, 20, 5, 0)  # entries of a list; fewer where the text would be too long
_NAMED = 3  # files in a sentence
_PLACES = 10  # of a file that conflict
_MOST_OF_SOURCE = 1000  # characters of a source's address that are shown
_MOST_OF_EXPLANATION = 8000  # characters of git's own words, and of GitHub's
T = TypeVar("T")
_VERBS = {"A": "adds", "D": "removes", "M": "changes", "T": "changes the kind of"}
_PROTECTED = ("protected branch", "rule violations", "gh006", "gh013")  # GitHub's words for its branches' rules


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
    notes: str = ""  # the version's release notes, in Markdown
    answer: str = ""  # why the server refused the push, in its own words
    clean: bool = True  # git merged it without a question
    kept: bool = False  # the branch keeps the repository's side of what conflicts, or what git would have lost
    lines: Sequence[tuple[str, Sequence[Lines]]] = ()  # path, which lines conflict there, where that is known
    ignored: Sequence[str] = ()  # paths that the template changed and the repository keeps from it
    absent: Sequence[str] = ()  # paths of the template that the repository has no more
    alike: Sequence[tuple[str, str]] = ()  # the template's path, the other that differs only in case or Unicode form
    filtered: Sequence[tuple[str, str]] = ()  # path, filter: of what comes without having been through it


def body(update: Update) -> str:
    """Return the description: what is new, why it is a pull request, how to resolve it.

    GitHub takes it whatever is in it.
    """
    texts = (_body(update, listed) for listed in _LISTED)
    return next(text for text in texts if len(text.encode("utf-16-le")) // 2 <= _MOST)


def _body(update: Update, listed: int) -> str:
    source = f" ({_short(update.source, _MOST_OF_SOURCE)})" if update.source else ""
    notes = release_notes.quoted(update.notes)
    parts = [
        f"The project template has a new version, **{update.version}**{source}.",
        *([f"### Release notes\n\n{notes}"] if notes else []),
        "### What the template changes\n\n" + (_list(update.changes, _change, listed) or "Nothing."),
        *_untouched(update, listed),
        "### Why this is a pull request\n\n" + f"This is a pull request because {update.reason}.",
        *_folded("GitHub's response to the push", update.answer),
        *([] if update.clean else _conflicts(update, listed)),
        *_warnings(update, listed),
        "You can merge this pull request with a merge commit, a squash or a rebase. To skip this version, close the "
        "pull request: the next version opens a new one. Your own changes are kept in every case.",
    ]
    return "\n\n".join([*parts, MARK])


def _untouched(update: Update, listed: int) -> list[str]:
    """Return what of the template does not come with the update, and why."""
    parts = []
    if update.ignored:
        parts.append(
            f"### Files that `{IGNORE_FILE}` excludes\n\n{_list(update.ignored, code, listed)}\n\n"
            "The template changes these files. This repository keeps its own version of them."
        )
    if update.absent:
        parts.append(
            f"### Template files that are not in {code(update.default_branch)}\n\n"
            f"{_list(update.absent, code, listed)}\n\n"
            "These files were removed or renamed in this repository, for example because an update was reverted. "
            "This pull request does not restore them. To restore a file, copy it from the template, or revert the "
            "commit that removed it."
        )
    return parts


def _conflicts(update: Update, listed: int) -> list[str]:
    known = dict(update.lines)

    def line(path: str) -> str:
        return f"{code(path)}{_places(known.get(path, ()))}"

    conflicts = _list(update.conflicts, line, listed)
    return [
        f"### Merge conflicts\n\n{conflicts or 'No files conflict, but git could not decide where some files belong.'}",
        f"### How to resolve the conflicts\n\n{_resolution(update)}",
        *_folded("Git's messages", update.explanation),
    ]


def _places(lines: Sequence[Lines]) -> str:
    """Return where in a file it conflicts, for the end of a line; "" where that is not known."""
    if not lines:
        return ""
    named = [_place(each) for each in lines[:_PLACES]]
    more = len(lines) - _PLACES
    listed = (
        f"{', '.join(named)} and {more} more"
        if more > 0
        else " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    )
    return f": {listed}"


def _place(lines: Lines) -> str:
    if lines.last < lines.first:
        return f"after line {lines.last}" if lines.last else "before the first line"
    return f"line {lines.first}" if lines.first == lines.last else f"lines {lines.first}-{lines.last}"


def _folded(title: str, said: str) -> list[str]:
    """Return somebody's own words, folded away."""
    text = _plain(said.strip()[:_MOST_OF_EXPLANATION])
    return [f"<details>\n<summary>{title}</summary>\n\n```\n{text}\n```\n\n</details>"] if text else []


def refused(branch: str, answer: str) -> str:
    """Return why the default branch took no push, from what the server answered."""
    if any(word in answer.lower() for word in _PROTECTED):
        return f"{code(branch)} is protected"
    return f"{code(branch)} does not accept pushes"


def unasked(merge: Merge, *, named: bool = True) -> list[str]:
    """Return why a merge that git does not ask about is not pushed; without `named`, without names of users' files."""

    def files(items: Sequence[str]) -> str:
        more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
        return ", ".join(items[:_NAMED]) + more if named else str(len(items))

    reasons = []
    if merge.lost:
        lost = files([code(path) for path in merge.lost])
        reasons.append(
            f"git would merge without a conflict, but drop changes that were made in this repository ({lost})"
        )
    if merge.alike:
        pairs = files([f"{code(new)} and {code(old)}" for new, old in merge.alike])
        reasons.append(f"names differ only in case or Unicode form, and macOS and Windows keep only one ({pairs})")
    if merge.filtered:
        paths = files([_filtered(file) for file in merge.filtered])
        reasons.append(
            f"files match a Git filter that was not applied, so every clone would show them as changed ({paths})"
        )
    return reasons


def _filtered(file: tuple[str, str]) -> str:
    return f"{code(file[0])} under {code(f'filter={file[1]}')}"


def _warnings(update: Update, listed: int) -> list[str]:
    """Return what to do, before merging, about what git does not ask."""
    parts = []
    if update.alike:
        pairs = _list(update.alike, lambda pair: f"{code(pair[0])} and {code(pair[1])}", listed)
        parts.append(
            f"### Names that differ only in case or Unicode form\n\n{pairs}\n\n"
            "Rename or remove one name of each pair (`git mv`), on this branch or on the default branch. "
            "A clone on macOS or Windows keeps only one of them."
        )
    if update.filtered:
        files = _list(update.filtered, _filtered, listed)
        parts.append(
            f"### Files that a Git filter would change\n\n{files}\n\n"
            "Either exclude the files in `.gitattributes` (`PATH !filter !diff !merge text`), "
            f"or apply the filter on this branch:\n\n```sh\ngit fetch origin\n"
            f"git switch {quote(update.branch)}\ngit add --renormalize .\n"
            "git commit -m 'Apply the filter' && git push\n```"
        )
    return parts


def _resolution(update: Update) -> str:
    """Return the steps: they change this pull request's branch alone, which needs no right to push to another."""
    branch, default = quote(update.branch), quote(update.default_branch)
    if not update.conflicts:
        return "Read git's messages below. You can merge this as it is, or first commit changes to this branch."
    if update.kept:
        return (
            "Merging keeps your version of the files above. Compare each with the template's, "
            "and commit what you want from it to this branch:\n\n```sh\n"
            f"git fetch origin\ngit switch {branch}\ngit diff origin/{default} origin/{branch}^2 -- FILE\n"
            f"git commit FILE && git push origin {branch}\n```"
        )
    return (
        f"Select *Resolve conflicts* below, or merge {code(update.default_branch)} into this branch on your machine:"
        f"\n\n```sh\ngit fetch origin\ngit switch {branch}\n"
        f"git merge origin/{default}   # edit the files above, then: git add FILE && git commit\n"
        f"git push origin {branch}\n```\n\nThen merge this pull request."
    )


def superseded(version: str, successor: int = 0) -> str:
    """Return the comment on a pull request that a newer version makes needless; `successor` offers that one (0 = none).

    Without a successor the version is in the default branch.
    """
    why = f"#{successor} offers" if successor else "the default branch has"
    return f"This pull request is closed, because {why} the template version {version}. Commits on its branch are kept."


def _change(change: Change) -> str:
    return f"{_VERBS[change.status]} {code(change.path)}"


def _list(items: Sequence[T], line: Callable[[T], str], most: int) -> str:
    more = [f"- … and {len(items) - most} more"] if len(items) > most else []
    return "\n".join([*(f"- {line(item)}" for item in items[:most]), *more])
