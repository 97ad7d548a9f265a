"""GitHub's Git service through GitPython: bare repositories in /tmp, shallow and without contents.

The token travels in the environment of the git process (GIT_CONFIG_*), sent with the first request: it is in no
URL, argument, configuration file or log, and saves the round trip of a 401.

Reading takes one request for the list of refs (protocol version 0 sends it with the first answer), then two for any
set of commits by name (version 2 takes names that no ref points to). Contents that a merge reads come by git's own
fetch on demand, in batches of two requests.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import BinaryIO, cast

from custom_resources.errors import (
    ContentRefused,
    CredentialsRejected,
    GitDenied,
    GitFailing,
    GitMissing,
    ImportFailed,
    RepositoryTooLarge,
    RepositoryUnreachable,
    TokenRotated,
)
from custom_resources.template_content import TemplateFile

ROBOT = ("Studio project template", "studio-project-template@users.noreply.github.com")
ZERO = "0" * 40
_File = tuple[str, str]  # mode and object of an entry of a tree
_LOW_SPEED_SECONDS = 60  # a transfer under 1 kB/s for that long is given up
_MISSING = ("repository not found", "not found", "returned error: 404", "does not exist")
_REFUSED = (
    "protected branch",
    "gh006",
    "gh013",
    "repository rule violations",
    "pre-receive hook declined",
    "exists; cannot create",  # a ref is where the name needs a folder, or the other way round
    "directory file conflict",
)
_REFUSED_FOR_GOOD = ("workflow` scope", "without `workflow", "gh001", "exceeds github's file size limit", "gh007")
_ARCHIVED = ("was archived so",)
_UNAUTHORIZED = ("authentication failed", "returned error: 401", "could not read username")
_STALE = (
    "stale info",
    "fetch first",
    "non-fast-forward",
    "cannot lock ref",
    "failed to update ref",
    "reference already exists",
    "incorrect old",
)


class PushRejected(Exception):
    """The push was not taken: `stale` = a ref has moved on, else a rule of the branch refuses it."""

    def __init__(self, stale: bool, message: str) -> None:
        """`message` is what the server said."""
        super().__init__(message)
        self.stale = stale


class RepositoryArchived(Exception):
    """The repository takes no push while it is archived."""


class _GitFailed(Exception):
    """A git process ended with an unexpected status."""

    def __init__(self, command: str, code: int, said: str) -> None:
        super().__init__(f"git {command} ended with {code}: {_clean(said)}")
        self.said = said


@dataclass(frozen=True)
class Refs:
    """What a repository has: every ref with its object, and where HEAD points ("" when it has no commit)."""

    branch: str = ""
    targets: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, ref: str) -> str:
        """Return what the ref points to, "" if there is none."""
        return self.targets.get(ref, "")

    def below(self, prefix: str) -> dict[str, str]:
        """Return the refs whose names start with the prefix."""
        return {ref: sha for ref, sha in self.targets.items() if ref.startswith(prefix)}

    @property
    def tip(self) -> str:
        """The default branch's commit."""
        return self[f"refs/heads/{self.branch}"] if self.branch else ""


@dataclass(frozen=True)
class Commit:
    """A commit, as far as its object tells."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    committer: str = ""  # the e-mail address


@dataclass(frozen=True)
class Change:
    """One path that differs between two trees; `status` is git's letter (A, M, D, T)."""

    status: str
    path: str
    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str


@dataclass(frozen=True)
class Stage:
    """What one side has of a conflict: 1 is the base's, 2 ours, 3 theirs."""

    number: int
    mode: str
    sha: str
    place: str  # the path in the merged tree
    path: str  # the place without what git appends where a file is in the way of a folder, or of another kind of file


@dataclass(frozen=True)
class Merge:
    """A merge's outcome: the tree, whether git asks nothing, what conflicts, and git's messages about it.

    Not every merge that is not clean has a conflicting path: where a folder was split, git cannot tell where a new
    file belongs.
    """

    tree: str
    clean: bool = True
    stages: tuple[Stage, ...] = ()
    messages: str = ""

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The conflicting paths."""
        return tuple(dict.fromkeys(stage.path for stage in self.stages))


class Git:
    """Opens repositories of one Git server."""

    def __init__(self, server_url: str, token: Callable[[], str], renew: Callable[[str], bool]) -> None:
        """`token` is called when a repository is opened; `renew` gets a rejected one and tells if there is another."""
        self.url = server_url.rstrip("/")
        self.token = token
        self.renew = renew

    @contextmanager
    def open(self, full_name: str, when: float = 0) -> Iterator[BareRepository]:
        """Yield an empty bare repository whose remote is `full_name`; it is gone after the block.

        Commits made in it carry the time `when` (Unix seconds; 0 = now), so that a retry makes the same commits.
        """
        with tempfile.TemporaryDirectory(prefix="repository-", ignore_cleanup_errors=True) as directory:
            yield BareRepository(self, full_name, Path(directory), int(when or time.time()))


class BareRepository:
    """A bare repository on disk with one remote. Every method is one git process unless it says otherwise."""

    def __init__(self, server: Git, full_name: str, directory: Path, when: int) -> None:
        """Nothing is created or contacted yet."""
        self._home = directory
        self.path = directory / "repository.git"
        self._server = server
        self._url = f"{server.url}/{full_name}.git"
        self._token = server.token()
        self._when = f"{when} +0000"
        self._here: set[str] = set()

    # -- processes ----------------------------------------------------------------------------------------

    def _environment(self) -> dict[str, str]:
        basic = base64.b64encode(f"x-access-token:{self._token}".encode()).decode()
        settings = {
            f"http.{self._url}.extraHeader": f"Authorization: Basic {basic}",
            "credential.helper": "",
            "remote.origin.url": self._url,
            "remote.origin.promisor": "true",  # what is not here is fetched when it is read
            "remote.origin.partialCloneFilter": "blob:none",
            "http.lowSpeedLimit": "1000",
            "http.lowSpeedTime": str(_LOW_SPEED_SECONDS),
            "http.postBuffer": str(32 * 1024 * 1024),  # a push in one request, without a probe before it
            "pack.useSparse": "false",  # a moved file is not sent again, nor fetched to be sent,
            "pack.window": "0",  # nor is an old content, to make a delta of it
            "core.quotePath": "false",
            "core.hooksPath": "/dev/null",
            "core.fsync": "none",  # the repository lives for one call
            "gc.auto": "0",
            "maintenance.auto": "false",
            "init.defaultBranch": "main",
        }
        environment = {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_ATTR_NOSYSTEM": "1",
            "GCM_INTERACTIVE": "never",
            "LC_ALL": "C",
            "HOME": str(self._home),
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            environment[f"GIT_CONFIG_KEY_{number}"] = key
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        return environment

    def _execute(
        self, arguments: Sequence[str], stdin: BinaryIO | None, environment: Mapping[str, str], directory: Path
    ) -> tuple[int, bytes, str]:
        from git import Git as GitCommand
        from git.exc import GitCommandNotFound

        try:
            return GitCommand(str(directory)).execute(
                ["git", *arguments],
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                istream=stdin,
                env={**self._environment(), **environment},
            )
        except GitCommandNotFound as error:
            raise GitMissing from error

    def _run(
        self,
        *arguments: str,
        status: Sequence[int] = (0,),
        stdin: bytes = b"",
        environment: Mapping[str, str] = MappingProxyType({}),
        directory: Path | None = None,
    ) -> tuple[int, bytes]:
        """Run git in the repository; raise _GitFailed for another exit status. The token is never an argument."""
        where = ["--git-dir", str(self.path)] if self.path.exists() else []
        with cast("BinaryIO", tempfile.TemporaryFile()) as given:
            given.write(stdin)
            given.seek(0)
            code, out, error = self._execute([*where, *arguments], given, environment, directory or self._home)
        if code not in status:
            raise _GitFailed(arguments[0], code, f"{error}\n{out.decode('utf-8', 'replace')}")
        return code, out

    def _text(self, *arguments: str) -> str:
        return self._run(*arguments)[1].decode("utf-8", "surrogateescape").strip()

    @contextmanager
    def _remote(self, activity: str) -> Iterator[None]:
        try:
            yield
        except _GitFailed as error:
            raise self._failure(error.said, activity) from None

    def _failure(self, text: str, activity: str) -> Exception:
        said = text.replace(self._url, "").lower()
        if "no space left on device" in said:
            return RepositoryTooLarge()
        if any(sign in said for sign in _UNAUTHORIZED):
            if self._server.renew(self._token):
                return TokenRotated(0)
            return CredentialsRejected()
        if any(sign in said for sign in _MISSING):
            return RepositoryUnreachable(activity=activity)
        if "returned error: 403" in said:
            return GitDenied(activity=activity, message=_clean(text).rstrip("."))
        return GitFailing(5, activity=activity, message=_clean(text).rstrip("."))

    # -- reading from the remote ----------------------------------------------------------------------------

    def look(self) -> Refs:
        """List the remote's refs. One request; the repository on disk need not exist."""
        with self._remote("reading the repository"):
            listing = self._text("-c", "protocol.version=0", "ls-remote", "--symref", self._url)
        branch, targets = "", {}
        for line in listing.splitlines():
            target, _, ref = line.partition("\t")
            if ref == "HEAD" and target.startswith("ref: "):
                branch = target.removeprefix("ref: refs/heads/")
            elif ref.startswith("refs/") and not ref.endswith("^{}"):
                targets[ref] = target
        return Refs(branch if f"refs/heads/{branch}" in targets else "", targets)

    def move(self, full_name: str) -> None:
        """Forget what was fetched and take another remote (no process)."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._here.clear()
        self._url = f"{self._server.url}/{full_name}.git"

    def start(self) -> None:
        """Make the repository, if it is not there, without asking the remote anything."""
        if not self.path.exists():
            self._run("init", "--quiet", "--bare", "--template=", str(self.path))

    def fetch(self, *commits: str) -> None:
        """Fetch commits by name with their trees, without parents or contents. Two requests; none if all are here."""
        wanted = set(commits) - self._here - {""}
        if wanted:
            self._fetch(["--depth=1", "--filter=blob:none"], sorted(wanted))
            self._here |= wanted

    def fetch_history(self, commit: str) -> None:
        """Fetch all commits that lead to one, without their trees. Two requests, as large as the history."""
        deeper = ["--unshallow"] if (self.path / "shallow").exists() else []
        self._fetch(["--filter=tree:0", *deeper], [commit])

    def _fetch(self, options: Sequence[str], names: Sequence[str]) -> None:
        self.start()
        with self._remote("reading the repository"):
            self._run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *options, "origin", *names)

    def _fetch_contents(self, blobs: Iterable[str]) -> None:
        """Fetch file contents in two requests, as git's own fetch on demand does (promisor-remote.c)."""
        with self._remote("reading the repository"):
            self._run(
                "-c",
                "fetch.negotiationAlgorithm=noop",
                "fetch",
                "origin",
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                "--recurse-submodules=no",
                "--filter=blob:none",
                "--stdin",
                stdin="".join(f"{blob}\n" for blob in sorted(set(blobs))).encode(),
            )

    # -- reading what is here ---------------------------------------------------------------------------------

    def resolve(self, revision: str) -> str:
        """Return the object's name, or "" if there is none."""
        code, out = self._run("rev-parse", "--quiet", "--verify", revision, status=(0, 1, 128))
        return out.decode().strip() if code == 0 else ""

    def commit(self, sha: str) -> Commit:
        """Read one commit by its name. The parents are those written in it, fetched or not."""
        raw = self._text("cat-file", "commit", sha)
        head, _, message = raw.partition("\n\n")
        fields = [line.split(" ", 1) for line in head.splitlines() if not line.startswith(" ")]
        committer = next((value for key, value in fields if key == "committer"), "")
        return Commit(
            sha=sha,
            tree=next(value for key, value in fields if key == "tree"),
            parents=tuple(value for key, value in fields if key == "parent"),
            message=message,
            committer=committer.partition("<")[2].partition(">")[0],
        )

    def message(self, sha: str) -> str:
        """Return a commit's message, "" for what is no commit (a ref may point to anything)."""
        with self._remote("reading the repository"):
            _, out = self._run("cat-file", "--batch", stdin=f"{sha}\n".encode())
        head, _, content = out.decode("utf-8", "surrogateescape").partition("\n")
        return content.partition("\n\n")[2].strip() if head.split(" ")[1:2] == ["commit"] else ""

    def changes(self, old_tree: str, new_tree: str) -> list[Change]:
        """Return what differs between two trees, by name; contents are not needed."""
        with self._remote("reading the repository"):  # trees of an older commit may still have to be fetched
            _, out = self._run("diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev", old_tree, new_tree)
        fields = out.decode("utf-8", "surrogateescape").split("\0")
        changes = []
        for meta, path in zip(fields[::2], fields[1::2], strict=False):
            old_mode, new_mode, old_blob, new_blob, status = meta.lstrip(":").split(" ")
            changes.append(Change(status, path, old_mode, new_mode, old_blob, new_blob))
        return changes

    def entries(self, tree: str) -> dict[str, str]:
        """Return path -> blob of a tree."""
        return {path: sha for path, (_, sha) in self._files(tree).items()}

    def _files(self, tree: str) -> dict[str, _File]:
        with self._remote("reading the repository"):  # trees of an older commit may still have to be fetched
            _, out = self._run("ls-tree", "-r", "-z", "--full-tree", tree)
        lines = filter(None, out.decode("utf-8", "surrogateescape").split("\0"))
        fields = ((meta.split(" "), path) for meta, path in (line.split("\t", 1) for line in lines))
        return {path: (mode, sha) for (mode, _, sha), path in fields}

    def _renames(self, old_tree: str, new_tree: str) -> dict[str, str]:
        """Return the old path -> the new one of what was renamed, as a merge finds it."""
        with self._remote("reading the repository"):
            _, out = self._run("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", old_tree, new_tree)
        _, old, new = (out.decode("utf-8", "surrogateescape").split("\0")[start::3] for start in range(3))
        return dict(zip(old, new, strict=False))

    def blob(self, sha: str) -> bytes:
        """Return a content, fetching it if it is not here."""
        with self._remote("reading the repository"):
            return self._run("cat-file", "blob", sha)[1]

    def patch(self, old_tree: str, new_tree: str) -> str:
        """Return the difference of two trees as a patch; contents that are not here are fetched."""
        with self._remote("reading the repository"):
            _, out = self._run("diff", "--no-ext-diff", "--no-color", "--no-textconv", old_tree, new_tree)
        return out.decode("utf-8", "replace")

    def history(self, revision: str) -> list[Commit]:
        """Return the commits that are here and lead to one, children before parents."""
        _, out = self._run("log", "-z", "--topo-order", "--format=%H%x01%T%x01%P%x01%ce%x01%B", revision)
        commits = []
        for record in filter(None, out.decode("utf-8", "replace").split("\0")):
            sha, tree, parents, committer, message = record.split("\x01", 4)
            commits.append(Commit(sha.strip(), tree, tuple(parents.split()), message, committer))
        return commits

    # -- writing here -----------------------------------------------------------------------------------------

    def import_commit(self, files: Iterable[TemplateFile], message: str, parent: str = "") -> str:
        """Write a commit that holds exactly these files; return its name (git fast-import)."""
        ref = "refs/import/commit"
        self.start()
        with cast("BinaryIO", tempfile.TemporaryFile()) as stream:

            def data(content: bytes) -> None:
                stream.write(b"data %d\n" % len(content) + content + b"\n")

            stream.write(f"commit {ref}\ncommitter {ROBOT[0]} <{ROBOT[1]}> {self._when}\n".encode())
            data(message.encode())
            if parent:
                stream.write(f"from {parent}\n".encode())
            stream.write(b"deleteall\n")
            for file in files:
                mode = b"100755" if file.executable else b"100644"
                stream.write(b"M %s inline %s\n" % (mode, _quoted(file.path)))
                data(file.content)
            stream.seek(0)
            self._import(stream)
        return self.resolve(ref)

    def _import(self, stream: BinaryIO) -> None:
        arguments = ["--git-dir", str(self.path), "fast-import", "--quiet", "--force"]
        code, _, error = self._execute(arguments, stream, {}, self._home)
        if code:
            raise ImportFailed(message=_clean(error).rstrip("."))

    def commit_tree(self, tree: str, parents: Sequence[str], message: str) -> str:
        """Write a commit of a tree; the parents need not be complete here."""
        name, email = ROBOT
        who = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", name), ("EMAIL", email), ("DATE", f"@{self._when}"))
        }
        arguments = [argument for parent in parents for argument in ("-p", parent)]
        with self._remote("reading the repository"):  # git looks at the tree
            _, out = self._run("commit-tree", tree, *arguments, "-F", "-", stdin=message.encode(), environment=who)
        return out.decode().strip()

    def empty_tree(self) -> str:
        """Return the tree that holds nothing."""
        return self._run("mktree", stdin=b"")[1].decode().strip()

    def merge(self, base_tree: str, ours_tree: str, theirs_tree: str) -> Merge:
        """Merge two trees with git's own merge (ort), as `git merge` in a full clone of `ours` would.

        The base is given by two made-up commits that share a made-up parent: git before 2.40 takes no
        `--merge-base`, and the real history need not be here. Several processes. Git fetches the contents that it
        compares or merges: none when no file was changed on both sides, else in at most four batches of two requests
        (renames by name and by likeness on either side, then the files that both changed).
        """
        base = self.commit_tree(base_tree, (), "base")
        ours = self.commit_tree(ours_tree, (base,), "ours")
        theirs = self.commit_tree(theirs_tree, (base,), "theirs")
        options = ("--write-tree", "-z", "--messages")
        with self._checkout_attributes(ours_tree) as (environment, directory), self._remote("reading the repository"):
            code, out = self._run(
                "merge-tree", *options, ours, theirs, status=(0, 1), environment=environment, directory=directory
            )
        return _merge(code, out.decode("utf-8", "surrogateescape"), ours, theirs)

    def keep_ours(self, merge: Merge, base_tree: str, ours_tree: str, theirs_tree: str) -> tuple[str, tuple[str, ...]]:
        """Return the merged tree with our side, whole, wherever there was a conflict, and the paths where it was kept.

        A file that we changed stays at its path as well where the merge gave that up and brought the content nowhere
        else: nothing of ours is lost, whatever the conflict's shape. Several processes.
        """
        index = {"GIT_INDEX_FILE": str(self._home / "index")}
        base, ours, theirs = (self._files(tree) for tree in (base_tree, ours_tree, theirs_tree))
        moved = {stage.path: (stage.mode, stage.sha) for stage in merge.stages if stage.number == 2}
        kept = {path: file for path in merge.conflicts if (file := ours.get(path) or moved.get(path))}
        mine = {path: file for path, file in ours.items() if base.get(path, ("", ""))[1] != file[1]}
        renames = self._renames(base_tree, theirs_tree)
        self._run("read-tree", merge.tree, environment=index)
        tree = self._updated(index, {**{stage.place: None for stage in merge.stages}, **kept})
        also: dict[str, _File] = {}
        while True:
            files = self._files(tree)
            elsewhere = {file[1] for path, file in files.items() if ours.get(path) != file}
            merged = {old for old, new in renames.items() if new in files and files[new] != theirs[new]}
            lost = {
                path: file
                for path, file in mine.items()
                if path not in files and file[1] not in elsewhere and (path not in merged or renames[path] in kept)
            }
            if not lost:
                return tree, tuple(dict.fromkeys((*merge.conflicts, *also)))
            tree, also = self._updated(index, lost), also | lost  # what is in its way goes

    def _updated(self, index: Mapping[str, str], files: Mapping[str, _File | None]) -> str:
        """Put files into the index, or take them out (None), and return its tree.

        A file takes the place of a folder, and the other way round.
        """
        gone = [f"0 {ZERO}\t{path}" for path, file in files.items() if file is None]
        there = [f"{file[0]} {file[1]}\t{path}" for path, file in files.items() if file]
        lines = "".join(f"{line}\0" for line in (*gone, *there)).encode("utf-8", "surrogateescape")
        self._run("update-index", "-z", "--index-info", stdin=lines, environment=index)
        return self._run("write-tree", "--missing-ok", environment=index)[1].decode().strip()

    @contextmanager
    def _checkout_attributes(self, tree: str) -> Iterator[tuple[dict[str, str], Path | None]]:
        """Yield the environment and directory in which git finds a tree's .gitattributes, as it would in a checkout."""
        attributes = {
            path: blob for path, blob in self.entries(tree).items() if PurePosixPath(path).name == ".gitattributes"
        }
        if not attributes:
            yield {}, None
            return
        self._fetch_contents(attributes.values())
        with tempfile.TemporaryDirectory(prefix="attributes-", dir=self._home) as directory:
            for path, blob in attributes.items():
                if not {"..", ".", ".git", ""} & set(path.split("/")):
                    place = Path(directory, path)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(self.blob(blob))
            yield {"GIT_WORK_TREE": directory, "GIT_DIR": str(self.path)}, Path(directory)

    # -- writing to the remote --------------------------------------------------------------------------------

    def push(self, seen: Refs, targets: Mapping[str, str]) -> None:
        """Make refs on the remote point where they shall ("" = nowhere), all or none, if they still are as `seen`.

        Two requests, or none when nothing is to be moved. Raises PushRejected when a ref has moved on or a rule
        refuses it, RepositoryArchived, ContentRefused, RepositoryUnreachable, CredentialsRejected, or RetryLater when
        the server did not answer well.
        """
        moves = {ref: target for ref, target in targets.items() if seen[ref] != target}
        if not moves:
            return
        leases = [f"--force-with-lease={ref}:{seen[ref]}" for ref in moves]
        refspecs = [f"{target}:{ref}" for ref, target in moves.items()]
        try:
            self._run("push", "--atomic", "--porcelain", "--no-verify", *leases, "origin", *refspecs)
        except _GitFailed as error:
            raise self._push_failure(error.said) from None

    def _push_failure(self, text: str) -> Exception:
        said = text.replace(self._url, "").lower()
        if any(sign in said for sign in _ARCHIVED):
            return RepositoryArchived(_clean(text))
        if any(sign in said for sign in _REFUSED_FOR_GOOD):
            return ContentRefused(message=_clean(text).rstrip("."))
        if any(sign in said for sign in _REFUSED):
            return PushRejected(stale=False, message=_clean(text))
        if any(sign in said for sign in _STALE):
            return PushRejected(stale=True, message=_clean(text))
        return self._failure(text, "pushing to the repository")


def _quoted(path: str) -> bytes:
    """C-style quoting of fast-import."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return b'"' + escaped.encode("utf-8", "surrogateescape") + b'"'


def _merge(code: int, out: str, ours: str, theirs: str) -> Merge:
    """Understand git merge-tree's answer: the tree, the stages, then its messages, each as
    the number of paths, the paths, a short type, the text (git-merge-tree, "OUTPUT")."""
    if code == 0:
        return Merge(out.partition("\0")[0].strip())
    head, _, rest = out.partition("\0\0")
    tree, *records = head.split("\0")
    fields, texts, position = rest.split("\0"), [], 0
    while position < len(fields) and fields[position].strip().isdigit():
        count = int(fields[position])
        texts.append(fields[position + count + 2].strip())
        position += count + 3
    appended = re.compile(f"~(?:{ours}|{theirs})(?:_[0-9]+)?(?=/|\\Z)")
    stages = []
    for record in filter(None, records):
        meta, place = record.split("\t", 1)
        mode, sha, number = meta.split(" ")
        stages.append(Stage(int(number), mode, sha, place, appended.sub("", place)))
    messages = "\n".join(texts).replace(ours, "yours").replace(theirs, "template")
    return Merge(tree.strip(), False, tuple(stages), messages)


def _clean(text: str) -> str:
    """Return what the server said, on one line, without credentials of a URL."""
    lines = [re.sub(r"//[^/@\s]+@", "//", line).replace("remote:", "").strip(" \t*!") for line in text.splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(("Cloning", "To ", "Done")))[:600]
