"""A bare repository on disk: git's own commands, one process each."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ZERO = "0" * 40
NOTHING: Mapping[str, str] = MappingProxyType({})
HOOKS = Path(__file__).parent / "hooks"
# Names that are paths below the repository and nothing else; of others git decides what they mean.
_PLAIN_REF = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_+-]*(?:[./][A-Za-z0-9_+-]+)*")

# What GitHub's Git servers allow, and our own hooks. Given to every process, so that no repository keeps a copy.
_SETTINGS = {
    "safe.directory": "*",
    "http.receivepack": "true",
    "http.uploadpack": "true",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "receive.hideRefs": "refs/pull",
    "receive.advertisePushOptions": "true",
    "receive.fsckObjects": "true",
    "receive.autogc": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.fsync": "none",
    "core.quotePath": "false",
    "core.logAllRefUpdates": "false",
    "core.hooksPath": str(HOOKS),
}


def environment(extra: Mapping[str, str] = NOTHING, configuration: Mapping[str, str] = NOTHING) -> dict[str, str]:
    """Return the environment of a git process: nothing of the user's own, `extra` variables, more configuration."""
    settings = {**_SETTINGS, **configuration}
    variables = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {**variables, **extra}


class GitFailed(Exception):
    """A git process ended with an unexpected status."""


@dataclass(frozen=True)
class Person:
    """An author or committer; `date` is ISO 8601."""

    name: str
    email: str
    date: str = ""


@dataclass(frozen=True)
class CommitInfo:
    """A commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True)
class Entry:
    """An entry of a tree. `size` is None for a folder."""

    mode: str
    type: str
    sha: str
    size: int | None
    path: str


@dataclass(frozen=True)
class FileChange:
    """A changed file of a difference; -1 lines for a binary file."""

    path: str
    added: int
    deleted: int


class Bare:
    """One bare repository."""

    def __init__(self, path: Path) -> None:
        """`path` is the repository's folder."""
        self.path = path

    @staticmethod
    def init(path: Path, default_branch: str) -> Bare:
        """Make an empty repository."""
        command = ["git", "init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}", str(path)]
        subprocess.run(command, env=environment(), check=True, capture_output=True)
        path.chmod(0o700)
        return Bare(path)

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        status: Sequence[int] = (0,),
        variables: Mapping[str, str] = NOTHING,
    ) -> tuple[int, bytes]:
        """Run git in the repository; raise GitFailed for another exit status."""
        command = ["git", "--git-dir", str(self.path), *arguments]
        done = subprocess.run(command, input=stdin, env=environment(variables), capture_output=True, check=False)
        if done.returncode not in status:
            raise GitFailed(f"git {arguments[0]}: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.returncode, done.stdout

    def text(self, *arguments: str) -> str:
        """Run git and return its output."""
        return self.run(*arguments)[1].decode("utf-8", "surrogateescape").strip()

    # -- reading ------------------------------------------------------------------------------------------------

    def refs(self, prefix: str = "refs") -> dict[str, str]:
        """Return ref -> object, in the order of their names."""
        loose: dict[str, str] = {}  # before the packed ones: git packs a ref before it removes its file
        for folder, _, files in os.walk(self.path / "refs"):
            for name in files:
                ref = str(Path(folder, name).relative_to(self.path))
                if not ref.endswith(".lock") and (sha := self._loose(ref)):
                    loose[ref] = sha
        found = self._packed() | loose
        return {ref: found[ref] for ref in sorted(found) if ref == prefix or ref.startswith(f"{prefix}/")}

    def _packed(self) -> dict[str, str]:
        """Return the refs of packed-refs (gitrepository-layout); loose ones come before them."""
        try:
            text = (self.path / "packed-refs").read_text(encoding="utf-8", errors="surrogateescape")
        except FileNotFoundError:
            return {}
        lines = (line.partition(" ") for line in text.split("\n") if line and line[0] not in "#^")
        return {ref: sha for sha, _, ref in lines}

    def _loose(self, ref: str) -> str:
        """Return what a ref's own file names, "" if there is none: it may be packed, or gone a moment ago."""
        try:
            return (self.path / ref).read_text(encoding="utf-8").strip()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return ""

    def resolve(self, revision: str) -> str:
        """Return the object's name, "" if there is none."""
        code, out = self.run("rev-parse", "--quiet", "--verify", "--end-of-options", revision, status=(0, 1, 128))
        return out.decode().strip() if code == 0 else ""

    def branch(self, name: str) -> str:
        """Return the commit of a branch, "" if there is none: read as git reads it, since each answer asks for it."""
        ref = f"refs/heads/{name}"
        if not _PLAIN_REF.fullmatch(ref) or ref.endswith(".lock"):
            return self.resolve(f"{ref}^{{commit}}")
        return self._loose(ref) or self._packed().get(ref, "")

    def is_branch_name(self, name: str) -> bool:
        """Tell whether git takes this as a branch's name."""
        return bool(name) and not self.run("check-ref-format", f"refs/heads/{name}", status=(0, 1, 129))[0]

    def is_ancestor(self, old: str, new: str) -> bool:
        """Tell whether `old` is in the history of `new`."""
        return self.run("merge-base", "--is-ancestor", old, new, status=(0, 1, 128))[0] == 0

    def merge_base(self, one: str, other: str) -> str:
        """Return the best common ancestor, "" if there is none."""
        code, out = self.run("merge-base", one, other, status=(0, 1, 128))
        return out.decode().split("\n")[0] if code == 0 else ""

    def log(self, *revisions: str, limit: int = 0, options: Sequence[str] = ()) -> list[CommitInfo]:
        """Return commits, newest first; 0 = no limit."""
        arguments = ["-z", *options, "--format=%H%x01%T%x01%P%x01%an%x01%ae%x01%aI%x01%cn%x01%ce%x01%cI%x01%B"]
        if limit:
            arguments.append(f"--max-count={limit}")
        _, out = self.run("log", *arguments, "--end-of-options", *revisions, "--")
        found = []
        for record in filter(None, out.decode("utf-8", "replace").split("\0")):
            fields = record.split("\x01", 9)
            author, committer = Person(*fields[3:6]), Person(*fields[6:9])
            message = fields[9].removesuffix("\n")
            found.append(CommitInfo(fields[0].strip(), fields[1], tuple(fields[2].split()), author, committer, message))
        return found

    def commit(self, revision: str) -> CommitInfo | None:
        """Return one commit."""
        sha = self.resolve(f"{revision}^{{commit}}")
        return self.log(sha, limit=1)[0] if sha else None

    def count(self, revisions: str) -> int:
        """Return how many commits a range holds."""
        return int(self.text("rev-list", "--count", revisions, "--"))

    def apart(self, one: str, other: str) -> tuple[int, int]:
        """Return how many commits only the one holds, and how many only the other."""
        left, right = self.text("rev-list", "--count", "--left-right", f"{one}...{other}", "--").split()
        return int(left), int(right)

    def entries(self, tree: str, path: str = "", *, recursive: bool = False) -> list[Entry]:
        """Return the entries of a tree below `path` (a folder with its slash, or one entry)."""
        flags = ["-r", "-t"] if recursive else []
        code, out = self.run("ls-tree", "-z", "--long", *flags, "--", tree, *([path] if path else []), status=(0, 128))
        found = []
        for line in filter(None, out.decode("utf-8", "surrogateescape").split("\0") if code == 0 else []):
            meta, _, name = line.partition("\t")
            mode, kind, sha, size = meta.split()
            found.append(Entry(mode, kind, sha, None if size == "-" else int(size), name))
        return found

    def blob(self, sha: str) -> bytes:
        """Return a content."""
        return self.run("cat-file", "blob", sha)[1]

    def changes(self, old: str, new: str) -> list[FileChange]:
        """Return what differs, by file."""
        _, out = self.run("diff", "--numstat", "-z", "--no-renames", old, new)
        found = []
        for line in filter(None, out.decode("utf-8", "surrogateescape").split("\0")):
            added, deleted, path = line.split("\t", 2)
            found.append(FileChange(path, -1 if added == "-" else int(added), -1 if deleted == "-" else int(deleted)))
        return found

    def patch(self, old: str, new: str) -> bytes:
        """Return the difference as a patch."""
        return self.run("diff", old, new)[1]

    def hunks(self, old: str, new: str, path: str) -> str:
        """Return what differs in one file from its first `@@` on; "" for a binary or an empty one."""
        _, out = self.run("diff", "--no-renames", "--no-color", old, new, "--", path)
        _, marker, rest = out.decode("utf-8", "replace").partition("\n@@ ")
        return f"@@ {rest}".rstrip("\n") if marker else ""

    # -- writing ------------------------------------------------------------------------------------------------

    def set_head(self, branch: str) -> None:
        """Make HEAD name a branch."""
        self.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def update_ref(self, ref: str, new: str, old: str | None = None) -> None:
        """Move, make or (new = "") delete a ref, if it is still `old` ("" = absent). Raises GitFailed."""
        expected = [] if old is None else [old or ZERO]
        if new:
            self.run("update-ref", ref, new, *expected)
        else:
            self.run("update-ref", "-d", ref, *expected)

    def write_blob(self, content: bytes) -> str:
        """Store a content and return its name."""
        return self.run("hash-object", "-w", "--stdin", stdin=content)[1].decode().strip()

    def write_tree(self, base_tree: str, changes: Mapping[str, tuple[str, str] | None]) -> str:
        """Return `base_tree` ("" = nothing) with paths set to (mode, blob), or removed."""
        with tempfile.TemporaryDirectory() as directory:
            index = {"GIT_INDEX_FILE": str(Path(directory, "index"))}
            self.run("read-tree", *([base_tree] if base_tree else ["--empty"]), variables=index)
            lines = [
                f"{change[0]} {change[1]}\t{path}" if change else f"0 {ZERO}\t{path}"
                for path, change in changes.items()
            ]
            stdin = "\0".join([*lines, ""]).encode("utf-8", "surrogateescape")
            self.run("update-index", "--add", "--remove", "-z", "--index-info", stdin=stdin, variables=index)
            return self.run("write-tree", variables=index)[1].decode().strip()

    def commit_tree(
        self, tree: str, parents: Sequence[str], message: str, author: Person, committer: Person | None = None
    ) -> str:
        """Write a commit."""
        variables: dict[str, str] = {}
        for role, person in (("AUTHOR", author), ("COMMITTER", committer or author)):
            variables |= {f"GIT_{role}_NAME": person.name, f"GIT_{role}_EMAIL": person.email}
            if person.date:
                variables[f"GIT_{role}_DATE"] = person.date
        flags = [flag for parent in parents for flag in ("-p", parent)]
        _, out = self.run("commit-tree", tree, *flags, "-F", "-", stdin=message.encode(), variables=variables)
        return out.decode().strip()

    def merge(self, ours: str, theirs: str) -> str:
        """Return the tree of the merge of two commits, "" when it conflicts."""
        code, out = self.run("merge-tree", "--write-tree", "--name-only", ours, theirs, status=(0, 1))
        return out.decode().split("\n")[0] if code == 0 else ""

    def pick(self, commit: CommitInfo, onto: str, committer: Person) -> str:
        """Replay a commit; return the new one, "" when it conflicts (made-up ancestors give git the base)."""
        base = self.commit_tree(f"{commit.parents[0]}^{{tree}}", (), "base", committer)
        ours = self.commit_tree(f"{onto}^{{tree}}", (base,), "ours", committer)
        theirs = self.commit_tree(commit.tree, (base,), "theirs", committer)
        tree = self.merge(ours, theirs)
        return self.commit_tree(tree, (onto,), commit.message, commit.author, committer) if tree else ""
