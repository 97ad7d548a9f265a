"""Where template content comes from: a folder on disk, or one commit of a Git repository.

From Git the commit's own tree says what there is and which files are executable; nothing is checked out. The token
travels in the environment of the git process, never in a URL, an argument or a configuration file.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple

from git import Repo
from pydantic import ConfigDict, TypeAdapter, ValidationError

from custom_resources.addresses import shows_a_secret, without_user
from custom_resources.errors import SymbolicLink, TooManyFiles
from custom_resources.properties import BranchName
from custom_resources.template_content import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_TOTAL_BYTES,
    PARTS,
    TemplateFile,
    checked,
    read_folder,
)
from operations.errors import (
    CommitAbbreviated,
    CommitFolderMissing,
    CommitHoldsBadPath,
    CommitMismatch,
    GitNotInstalled,
    LfsPointer,
    NoProfile,
    ProfileFolderMissing,
    ProfilePartMissing,
    RefMalformed,
    RefMissing,
    SchemeUnknown,
    SourceDenied,
    SourceFolderIsFile,
    SourceFolderLinked,
    SourceFolderMissing,
    SourceFolderOutside,
    SourceTimedOut,
    SourceUnknown,
    SourceUnreadable,
    Submodule,
    TooLargeAt,
    UrlHoldsPassword,
)
from operations.git_runs import SECONDS, ask_git, run_git
from operations.hidden_files import hidden_files
from operations.working_tree import working_tree

# A branch's rule, which tags and commits keep too: nothing that git takes for an option, a range or a refspec's end.
_REF = TypeAdapter[str](BranchName, config=ConfigDict(regex_engine="python-re"))
_COMMIT = re.compile(r"^([0-9a-f]{40}|[0-9a-f]{64})$")
_SSH = re.compile(r"^[\w.-]+@[\w.-]+:")
_SYMLINK, _SUBMODULE = 0o120000, 0o160000
_TELLING = re.compile(r"(ssh|fatal|error|remote|ERROR): ?\S")
_TELLS_NOTHING = "fatal: Could not read from remote repository"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


OWN_NAMES: Mapping[str, str] = MappingProxyType({part: part for part in PARTS})


@dataclass(frozen=True)
class TemplateContent:
    """The files of a template, their paths `<profile folder>/<part>/<path>`, and where they come from.

    `commit` is "" for content that no commit holds as it is. `ignored` names what lies in the folder and is not a
    profile, `hidden` what a .gitignore of the template's parts keeps out.
    """

    files: tuple[TemplateFile, ...]
    source: str
    ref: str = ""
    commit: str = ""
    ignored: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profile folders, sorted."""
        return tuple(sorted({file.path.split("/", 1)[0] for file in self.files}))


class _Wanted(NamedTuple):
    """Which profile folders (none = all), and how the folders of the parts are called there: name -> part."""

    profiles: Sequence[str]
    parts: Mapping[str, str]


def resolve(
    source: str | Path,
    ref: str = "",
    folder: str = "",
    token: str = "",
    profiles: Sequence[str] = (),
    *,
    parts: Mapping[str, str] = OWN_NAMES,
) -> TemplateContent:
    """Read the template in `folder` of `source`.

    `source` is a Git URL, or a path: with `ref` the path of a Git repository, without one a folder whose files are
    taken as they are on disk (in a working tree those that Git does not ignore). A Git URL without `ref` gives its
    default branch. `profiles` limits the profile folders; none means all. `parts` says which of their folders is which
    part. Raises SourceUnreadable, InvalidTemplate.
    """
    content = _resolved(source, ref, folder, token, _Wanted(profiles, parts))
    return replace(content, files=tuple(checked(_renamed(file, parts) for file in content.files)))


def _renamed(file: TemplateFile, parts: Mapping[str, str]) -> TemplateFile:
    profile, folder, path = file.path.split("/", 2)
    return replace(file, path=f"{profile}/{parts[folder]}/{path}")


def _resolved(source: str | Path, ref: str, folder: str, token: str, wanted: _Wanted) -> TemplateContent:
    place = PurePosixPath(folder.strip("/"))
    if ".." in place.parts:
        raise SourceFolderOutside(folder=folder)
    where = str(place) if place.parts else ""
    text = str(source)
    if _is_url(text):
        refuse_credentials(text)
    elif not Path(text).is_dir():
        raise SourceUnknown(source=without_user(text))
    elif not ref and not _is_bare(Path(text)):
        return _from_disk(Path(text), where, wanted)
    else:
        text = str(Path(text).resolve())
    return _from_git(text, ref, where, token, wanted)


def _is_url(source: str) -> bool:
    return "://" in source or bool(_SSH.match(source))


def _is_bare(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir()


def refuse_credentials(url: str) -> None:
    """Refuse a password, and in http(s) any user: a token is written there. ssh's user names nobody's secret."""
    scheme, separator, _ = url.partition("://")
    if separator and scheme.lower() not in ("https", "http", "ssh", "file", "git"):
        raise SchemeUnknown
    if shows_a_secret(url):
        raise UrlHoldsPassword


# -- what belongs to the template ---------------------------------------------------------------------------------


def _select(paths: Sequence[str], where: str, wanted: _Wanted) -> tuple[list[str], tuple[str, ...]]:
    """Return the paths (relative to `where`) that belong to a profile's parts, and what is left out.

    Raises InvalidTemplate when a profile misses a part, or there is none.
    """
    parts_of: dict[str, set[str]] = {}
    kept, ignored = [], set()
    for path in paths:
        pieces = path.split("/")
        if _belongs(pieces, wanted):
            parts_of.setdefault(pieces[0], set()).add(pieces[1])
            kept.append(path)
        else:
            ignored.add("/".join(pieces[:2]))
    missing = sorted(set(wanted.profiles) - set(parts_of))
    shown = where or "the source's root"
    if missing:
        found = sorted({path.split("/")[0] for path in paths if "/" in path})
        raise ProfileFolderMissing(profile=missing[0], folder=shown, found=", ".join(found) or "nothing")
    for profile, parts in sorted(parts_of.items()):
        for part in wanted.parts:
            if part not in parts:
                raise ProfilePartMissing(profile=profile, part=part)
    if not kept:
        raise NoProfile(folder=shown)
    return kept, tuple(sorted(ignored))


def _belongs(pieces: Sequence[str], wanted: _Wanted) -> bool:
    return len(pieces) > 2 and pieces[1] in wanted.parts and (not wanted.profiles or pieces[0] in wanted.profiles)


def _content(
    files: Sequence[TemplateFile], source: str, ref: str, commit: str, ignored: tuple[str, ...]
) -> TemplateContent:
    for file in files:
        if file.content.startswith(_LFS_POINTER):
            raise LfsPointer(path=file.path)
    return TemplateContent(tuple(checked(files)), source, ref, commit, ignored)


# -- from disk -------------------------------------------------------------------------------------------------------


def _from_disk(root: Path, where: str, wanted: _Wanted) -> TemplateContent:
    folder = root / where
    if not folder.is_dir():
        raise SourceFolderMissing(folder=where)
    if not folder.resolve().is_relative_to(root.resolve()):
        raise SourceFolderLinked(folder=where)
    tree = working_tree(folder)
    if tree is None:
        files = {file.path: file for file in read_folder(folder)}
        kept, ignored = _select(sorted(files), where, wanted)
        return _content([files[path] for path in kept], where or root.name, "", "", ignored)
    kept, ignored = _select(tree.paths, where, wanted)
    content = _content(tree.read(kept), where or root.name, "", "", ignored)
    return replace(
        content, commit=_commit_with(folder, content.files, wanted), hidden=hidden_files(folder, wanted.parts)
    )


def _commit_with(folder: Path, files: Sequence[TemplateFile], wanted: _Wanted) -> str:
    """Return HEAD if exactly these files are committed there, else "". No filter of the repository is run."""
    commit = (ask_git(folder, "rev-parse", "HEAD") or "").strip()
    digest = hashlib.sha256 if len(commit) == 64 else hashlib.sha1  # git's name of an object
    committed = {}
    for line in filter(None, (ask_git(folder, "ls-tree", "-r", "-z", "HEAD") or "").split("\0")):
        kind, _, path = line.partition("\t")
        if _belongs(path.split("/"), wanted):
            committed[path] = kind.split(" ")
    there = {
        file.path: [
            "100755" if file.executable else "100644",
            "blob",
            digest(b"blob %d\0" % len(file.content) + file.content).hexdigest(),
        ]
        for file in files
    }
    return commit if there == committed else ""


# -- from Git --------------------------------------------------------------------------------------------------------


def _from_git(source: str, ref: str, where: str, token: str, wanted: _Wanted) -> TemplateContent:
    if ref:
        _require_ref(ref)
    with tempfile.TemporaryDirectory(prefix="template-source-", ignore_cleanup_errors=True) as directory:
        path = Path(directory)
        commit = _fetch(path, source, ref, token)
        with _opened(path) as repository:
            files, ignored = _read_tree(repository, commit, where, wanted)
            return _content(files, source if _is_url(source) else Path(source).name, ref or "HEAD", commit, ignored)


def _require_ref(ref: str) -> None:
    try:
        _REF.validate_python(ref)
    except ValidationError:
        raise RefMalformed(ref=ref) from None


@contextmanager
def _opened(path: Path) -> Iterator[Repo]:
    repository = Repo(path)
    try:
        yield repository
    finally:
        repository.close()


def _fetch(path: Path, source: str, ref: str, token: str) -> str:
    """Fetch one commit, and nothing of its history, into a new bare repository; return its name."""
    wanted = ref or "HEAD"
    if not _is_url(source) and ref:  # a path: an abbreviated commit can be looked up there
        wanted = (ask_git(Path(source), "rev-parse", "--quiet", "--verify", f"{ref}^{{commit}}") or ref).strip()
    commit = ""
    # The refspec's own + in front: one that begins the ref, or a ref named "tag", would be read as git's syntax.
    for arguments in (
        ("init", "--quiet", "--bare", "--template=", "."),
        ("fetch", "--quiet", "--depth=1", "--no-tags", "--", source, f"+{wanted}"),
        ("rev-parse", "--verify", "FETCH_HEAD^{commit}"),
    ):
        try:
            done = run_git(path, *arguments, url=source, token=token)
        except FileNotFoundError:
            raise GitNotInstalled from None
        except subprocess.TimeoutExpired:
            raise SourceTimedOut(source=source, seconds=SECONDS) from None
        if done.returncode:
            raise _unreadable(source, wanted, done.stderr.decode("utf-8", "replace"))
        commit = done.stdout.decode().strip()
    if _COMMIT.match(ref) and commit != ref:
        raise CommitMismatch(ref=ref[:12])
    return commit


def _unreadable(source: str, ref: str, said: str) -> SourceUnreadable:
    said, text = without_user(said), said.lower()  # git repeats the address to which its settings may lead
    if "find remote ref" in text or "not our ref" in text or "invalid refspec" in text:
        missing = CommitAbbreviated if re.fullmatch(r"[0-9a-f]{4,39}", ref) else RefMissing
        return missing(source=source, ref=ref)
    if any(word in text for word in ("authentication", "could not read username", "403", "401", "permission denied")):
        return SourceDenied(source=source)
    return SourceUnreadable(source=source, reason=_why(said))


def _why(said: str) -> str:
    """Return the line of git's answer that tells why, and not the advice after it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.match(line) and not line.startswith(_TELLS_NOTHING)]
    return next(iter(telling or lines[-1:]), "git gave no reason").rstrip(".")


def _folder(repository: Repo, commit: str, where: str) -> Any:
    """Return the tree of the folder. Raises CommitFolderMissing, SourceFolderIsFile."""
    tree = repository.commit(commit).tree
    if not where:
        return tree
    try:
        tree = tree.join(where)
    except KeyError:
        raise CommitFolderMissing(commit=commit[:12], folder=where) from None
    if tree.type != "tree":
        raise SourceFolderIsFile(folder=where)
    return tree


def _read_tree(
    repository: Repo, commit: str, where: str, wanted: _Wanted
) -> tuple[list[TemplateFile], tuple[str, ...]]:
    entries: dict[str, Any] = {}
    item: Any  # GitPython's annotation of traverse() has cases that it never yields
    try:
        for item in _folder(repository, commit, where).traverse():
            path = os.fsdecode(item.path).removeprefix(f"{where}/" if where else "")
            if item.type != "tree":
                entries[path] = item
    except ValueError as error:  # GitPython's own check of what is in a tree
        raise CommitHoldsBadPath(message=error) from None
    kept, ignored = _select(sorted(entries), where, wanted)
    if len(kept) > MAX_FILES:
        raise TooManyFiles(count=len(kept), limit=MAX_FILES)
    files, total = [], 0
    for path in kept:
        item = entries[path]
        if item.mode == _SUBMODULE or item.type == "submodule":
            raise Submodule(path=path)
        if item.mode == _SYMLINK:
            raise SymbolicLink(path=path)
        total += item.size
        if item.size > MAX_FILE_BYTES or total > MAX_TOTAL_BYTES:
            raise TooLargeAt(path=path, limit=MAX_TOTAL_BYTES // 1024**2)
        files.append(TemplateFile(path, item.data_stream.read(), bool(item.mode & 0o100)))
    return files, ignored
