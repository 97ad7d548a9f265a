"""Whatever templates and users do, a re-sync is what `git merge` in a full clone makes of it, and loses nothing.

HYPOTHESIS_PROFILE=thorough runs it for long.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from custom_resources.clients.git import BareRepository, Merge
from standins.github.server import GitHubStandIn
from tests.integration.world import Content, Executable, Project, Version, World

PATHS = ("a.txt", "b.txt", "src/a.py", "src/b.py", "src/deep/c.py", "lib/a.py", "run.sh", "data.bin")
LINES = 8
EXAMPLES = max(8, settings().max_examples // 6)


@dataclass(frozen=True)
class File:
    """A file's content as a test thinks of it; `family` makes files unlike, so that renames are found."""

    family: str
    variants: tuple[int, ...] = (0,) * LINES
    own: tuple[str, ...] = ()  # lines that only the user writes
    executable: bool = False
    crlf: bool = False
    binary: bool = False

    def content(self) -> Content:
        lines = [f"{self.family} {number} v{variant}" for number, variant in enumerate(self.variants)]
        for number, line in enumerate(self.own):
            lines.insert((hash_of(line) + number) % (len(lines) + 1), line)
        text = "".join(f"{line}\n" for line in lines)
        text = text.replace("\n", "\r\n") if self.crlf else text
        if self.binary:
            return b"\x00\xff" + text.encode()
        return Executable(text) if self.executable else text


def hash_of(text: str) -> int:
    return sum(text.encode())


Files = dict[str, File]
_repositories = itertools.count(1)


class Numbers:
    """Counts, so that every line and every family of files is another."""

    def restart(self) -> None:
        self._last = 0

    def __next__(self) -> int:
        self._last += 1
        return self._last


_numbers = Numbers()


def contents(files: Files, attributes: str = "") -> dict[str, Content]:
    made = {path: file.content() for path, file in files.items()}
    return {**made, **({".gitattributes": attributes} if attributes else {})}


# -- what templates and users do ------------------------------------------------------------------------------------


def fits(files: Files, path: str) -> bool:
    """Tell whether a checkout can have the path beside the others."""
    return path not in files and not any(p.startswith(f"{path}/") or path.startswith(f"{p}/") for p in files)


def edited(draw: Any, files: Files, mine: bool) -> Files:
    """Make one edit, as the template (mine=False) or as the user."""
    files = dict(files)
    kinds = ["change", "change", "change", "add", "delete", "rename", "mode", "folder"] + (["own"] * 3 if mine else [])
    kind = draw(st.sampled_from(kinds))
    free = [path for path in (*PATHS, "moved/x.py", "moved/y.py") if fits(files, path)]
    if not files or (kind == "add" and free):
        family = f"{'user' if mine else 'template'}-{next(_numbers)}" if draw(st.booleans()) else "shared"
        binary, crlf = draw(st.sampled_from([(False, False), (False, False), (True, False), (False, True)]))
        return {**files, draw(st.sampled_from(free)): File(family, binary=binary, crlf=crlf)}
    path = draw(st.sampled_from(sorted(files)))
    file = files[path]
    if kind == "change":
        line, variant = draw(st.integers(0, LINES - 1)), draw(st.integers(0, 2))
        files[path] = replace(file, variants=(*file.variants[:line], variant, *file.variants[line + 1 :]))
    elif kind == "own":
        files[path] = replace(file, own=(*file.own, f"mine {next(_numbers)}"))
    elif kind == "mode" and not file.binary:
        files[path] = replace(file, executable=not file.executable)
    elif kind == "delete" and len(files) > 1:
        del files[path]
    elif kind == "rename" and free:
        files[draw(st.sampled_from(free))] = files.pop(path)
    elif kind == "folder":
        folder = path.rpartition("/")[0]
        target = draw(st.sampled_from(["pkg", "core"]))
        for old in [old for old in files if folder and old.startswith(f"{folder}/")]:
            new = target + old.removeprefix(folder)
            if fits(files, new):
                files[new] = files.pop(old)
    return files


def several(draw: Any, files: Files, mine: bool) -> Files:
    for _ in range(draw(st.integers(1, 4))):
        files = edited(draw, files, mine)
    return files


# -- the user's side, on the stand-in's disk (fast) -------------------------------------------------------------------


def user_files(project: Project) -> dict[str, tuple[str, str]]:
    entries = project.bare.entries("HEAD^{tree}", recursive=True)
    return {entry.path: (entry.mode, entry.sha) for entry in entries if entry.type == "blob"}


class UserCommit:
    """A commit in the making, as fast-import reads it: edits of the files there, whatever is in them after a merge."""

    def __init__(self, draw: Any, project: Project) -> None:
        self._draw, self._bare = draw, project.bare
        self._found = user_files(project)  # mode and object; no object for what this commit has changed
        self._script = [b"commit refs/heads/main\ncommitter Ada <ada@example.com> 1700000000 +0000\ndata 4\nwork\n"]
        self._script.append(b"from refs/heads/main^0\n")

    def write(self) -> None:
        self._bare.run("fast-import", "--quiet", "--force", stdin=b"".join(self._script))

    def edit(self) -> None:
        """Do one thing to one file, if there is one to do it to."""
        draw, found = self._draw, self._found
        kind = draw(st.sampled_from(["own", "own", "change", "new", "delete", "rename", "folder", "mode", "union"]))
        paths = sorted(path for path in found if path != ".gitattributes")
        free = [p for p in (*PATHS, "own/x.py", "own/y.py") if fits(dict.fromkeys(found, File("")), p)]
        if kind == "union" and ".gitattributes" not in found:
            self._put(".gitattributes", "100644", b"*.txt merge=union\n")
        elif kind == "new" and free:
            path = draw(st.sampled_from(free))
            raw = File(draw(st.sampled_from(["shared", f"user-{next(_numbers)}"])), own=(f"mine {next(_numbers)}",))
            self._put(path, "100644", str(raw.content()).encode())
        elif paths:
            path = draw(st.sampled_from(paths))
            if found[path][1]:
                self._edit_file(kind, path, free, alone=len(paths) == 1)

    def _edit_file(self, kind: str, path: str, free: list[str], *, alone: bool) -> None:
        draw, found = self._draw, self._found
        if kind == "delete" and not alone:
            self._script.append(f"D {path}\n".encode())
            del found[path]
        elif kind == "rename" and free:
            target = draw(st.sampled_from(free))
            self._script.append(f"R {path} {target}\n".encode())
            found[target] = found.pop(path)
        elif kind == "folder" and "/" in path:
            folder, target = path.rpartition("/")[0], f"user{next(_numbers)}"
            self._script.append(f"R {folder} {target}\n".encode())
            for old in [old for old in found if old.startswith(f"{folder}/")]:
                found[target + old.removeprefix(folder)] = found.pop(old)
        elif kind in ("mode", "own", "change"):
            self._edit_content(kind, path)

    def _edit_content(self, kind: str, path: str) -> None:
        mode, sha = self._found[path]
        raw = self._bare.blob(sha)
        if kind == "mode":
            self._put(path, "100755" if mode == "100644" else "100644", raw)
            return
        lines = raw.splitlines(keepends=True) or [b"\n"]
        at = self._draw(st.integers(0, len(lines) - 1))
        lines[at : at + (kind == "change")] = [f"mine {next(_numbers)}\n".encode()]
        self._put(path, mode, b"".join(lines))

    def _put(self, path: str, mode: str, raw: bytes) -> None:
        self._script.append(f"M {mode} inline {path}\ndata {len(raw)}\n".encode() + raw + b"\n")
        self._found[path] = (mode, "")


def user_commit(draw: Any, project: Project) -> None:
    commit = UserCommit(draw, project)
    for _ in range(draw(st.integers(1, 3))):
        commit.edit()
    commit.write()


def own_lines(project: Project, revision: str) -> list[bytes]:
    """Return the lines that only users write, from all files."""
    found = []
    for entry in project.bare.entries(f"{revision}^{{tree}}", recursive=True):
        if entry.type == "blob":
            found += re.findall(rb"mine \d+", project.bare.blob(entry.sha))
    return sorted(found)


# -- the oracle -------------------------------------------------------------------------------------------------------


@dataclass
class FullClone:
    """A full clone with a working tree, in which git itself merges."""

    home: Path
    bare: Path
    folder: Path = field(init=False)

    def __enter__(self) -> FullClone:
        self.folder = self.home / "oracle"
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run(["git", "clone", "-q", "--shared", self.bare, self.folder], check=True, capture_output=True)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def git(self, *arguments: str, status: tuple[int, ...] = (0,)) -> str:
        configured = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "core.autocrlf=false"]
        done = subprocess.run(
            ["git", *configured, *arguments], cwd=self.folder, capture_output=True, check=False, timeout=60
        )
        assert done.returncode in status, (arguments, done.stderr.decode(), done.stdout.decode())
        return done.stdout.decode("utf-8", "surrogateescape").strip("\n")

    def merge(self, ours: str, theirs: str) -> tuple[str, set[str]]:
        """Return the merged tree ("" for a conflict) and the paths in conflict.

        The base is the template commit before `theirs`; a squashed one is no ancestor of `ours`, so it is made one.
        """
        before = self.git("rev-parse", f"{theirs}^")
        if self.git("merge-base", ours, theirs) != before:
            base = self.git("commit-tree", f"{before}^{{tree}}", "-m", "base")
            ours, theirs = (
                self.git("commit-tree", f"{side}^{{tree}}", "-p", base, "-m", "side") for side in (ours, theirs)
            )
        self.git("checkout", "--quiet", "--force", "--detach", ours)
        self.git("merge", "--quiet", "--no-ff", "--no-edit", theirs, status=(0, 1))
        unmerged = self.git("diff", "--name-only", "-z", "--diff-filter=U")
        if unmerged:
            return "", {path for path in unmerged.split("\0") if path}
        return self.git("rev-parse", "HEAD^{tree}"), set()

    def own_lines(self, tree: str) -> list[bytes]:
        """Return the lines that only users write, from all files of a tree of this clone's."""
        found = self.git("grep", "-a", "-h", "-o", "-E", "mine [0-9]+", tree, status=(0, 1))
        return sorted(found.encode().splitlines())


# -- the property -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("world")
    with GitHubStandIn.running(home / "github") as github:
        yield World(github, home)


@pytest.fixture(scope="module")
def merges() -> Iterator[list[Merge]]:
    """Note what our merges said."""
    seen: list[Merge] = []
    original = BareRepository.merge

    def noted(git: BareRepository, *trees: str) -> Merge:
        seen.append(original(git, *trees))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BareRepository, "merge", noted)
        yield seen


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes; add it to hunt a failure
)
@given(st.data())
def test_a_resync_is_a_git_merge(world: World, merges: list[Merge], data: st.DataObject) -> None:
    _numbers.restart()  # so that an example can be repeated
    draw, number = data.draw, next(_repositories)
    templates = [{"a.txt": File("a"), "src/a.py": File("src-a"), "src/b.py": File("src-b"), "run.sh": File("run")}]
    versions = [world.publish("v0", contents(templates[0]))]
    project = Project(world, versions[0], name=f"r{number}", project=f"p{number}").launch()
    assert project.files() == contents(templates[0])
    delivered = ["v0"]
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 4)):
            user_commit(draw, project)
        if len(versions) > 1 and not draw(st.integers(0, 2)):
            index = draw(st.integers(0, len(versions) - 2))
            version, template = versions[index], templates[index]
        else:
            template = several(draw, templates[-1], mine=False)
            version = world.publish(f"v{len(versions)}", contents(template))
            versions.append(version)
            templates.append(template)
        if version.name != delivered[-1] and not draw(st.integers(0, 3)):
            by_pull_request(project, version, delivered, draw(st.sampled_from(["merge", "squash", "rebase"])))
        resync(world, project, merges, version, delivered)
        templates.append(template)
        versions.append(version)
        if project.status["Status"] == "pull-request" and draw(st.booleans()):
            take_ours(project)
            delivered.append(version.name)
            project.update()
            assert project.status["Status"] == "merged"


def resync(world: World, project: Project, merges: list[Merge], version: Version, delivered: list[str]) -> None:
    """Update, and hold the outcome against git's own merge."""
    before, mine = project.tip(), own_lines(project, "HEAD")
    merges.clear()
    status = project.update(version)["Status"]
    event(status)
    bare = project.bare
    after = project.tip()
    if status == "unchanged":
        assert after == before
    elif status == "merged" and after == before:
        assert delivered[-1] == version.name  # by its pull request
    elif status == "merged":
        lineage = project.refs()["refs/studio/template"]
        assert project.parents(after) == [before, lineage]
        with FullClone(world.home, bare.path) as clone:
            expected, conflicts = clone.merge(before, lineage)
        assert not conflicts
        assert bare.resolve(f"{after}^{{tree}}") == expected
        delivered.append(version.name)
    else:
        assert status == "pull-request"
        assert after == before
        [pull] = project.pulls()
        record = f"refs/studio/proposals/{pull['head']['ref'].removeprefix('studio/')}/"
        [template] = [sha for ref, sha in project.refs().items() if ref.startswith(record)]
        with FullClone(world.home, bare.path) as clone:
            merged, conflicts = clone.merge(before, template)
            gits = clone.own_lines(merged) if merged else mine
        if merges:
            merge = merges[-1]
            if merge.clean:  # git asks nothing, and loses what the user wrote
                event("pull request instead of a clean merge that loses something")
                assert merge.lost
                assert gits != mine
            assert set(merge.conflicts) == conflicts
        else:  # asked for again while it waits, whatever users have changed since
            assert f"Studio-Version: {version.name}\n" in bare.text("log", "-1", "--format=%B", template) + "\n"
        if pull["head"]["sha"] != template:  # after a squash: what can be merged as it is loses nothing
            event("pull request that keeps the user's side")
            assert set(own_lines(project, pull["head"]["sha"])) >= set(mine)
    assert own_lines(project, "HEAD") == mine
    assert [subject.split()[-1] for subject in reversed(project.lineage())] == delivered
    assert not bare.text("rev-list", "--min-parents=2", "refs/studio/template")
    refs = project.refs()
    world.requests()
    project.update()
    asked = world.requests()
    assert len(asked) <= 2
    assert all(entry.method == "GET" for entry in asked)
    assert project.refs() == refs


def by_pull_request(project: Project, version: Version, delivered: list[str], method: str) -> None:
    """Have the version offered, and merge what can be merged in one of GitHub's ways."""
    before, mine = project.tip(), own_lines(project, "HEAD")
    status = project.update(version, SyncMode="PullRequest")["Status"]
    assert project.tip() == before
    if status != "pull-request":
        return
    [pull] = project.pulls()
    if project.bare.merge(before, pull["head"]["sha"]):
        event(f"pull request, {method}")
        merge_as_a_user(project, pull["number"], method)
        assert project.bare.resolve("HEAD^{tree}") == project.bare.resolve(f"{pull['head']['sha']}^{{tree}}")
        delivered.append(version.name)
    assert own_lines(project, "HEAD") == mine


def merge_as_a_user(project: Project, number: int, method: str) -> None:
    """Merge; where GitHub cannot rebase, since a commit conflicts though all of them together do not, without that."""
    try:
        project.merge_pull(number, method)
    except AssertionError as refused:
        if method != "rebase" or "can't be rebased" not in str(refused):
            raise
        event("pull request that cannot be rebased")
        project.merge_pull(number)


def take_ours(project: Project) -> None:
    """Resolve the pull request's conflicts in favour of the user's side and merge it by pushing."""
    [pull] = project.pulls()
    project.pull()
    project.git("merge", "--quiet", "--no-edit", "--strategy=ours", f"origin/{pull['head']['ref']}")
    project.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
