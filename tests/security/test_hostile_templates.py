"""Hostile templates and inputs: refused with a sentence that names the reason, and nothing is written.

Beside this: names and single archives in tests/unit/test_template_content.py, sources in tests/operations/
test_template_source.py, tokens that may not write workflow files in tests/integration/test_bad_input.py.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from custom_resources.catalogue import CATALOGUE
from custom_resources.clients import FunctionClients
from custom_resources.errors import FinalError, InvalidTemplate
from custom_resources.reconciler import parsed
from custom_resources.template_content import Archive, archive_name
from operations.errors import SourceUnreadable
from operations.git_runs import run_git
from operations.publish import publish
from operations.template_source import resolve
from products.settings import Settings
from tests.faults.matrix import ORGANIZATION, Laboratory
from tests.faults.stack import Archives, launch_template

FILE, PROGRAM, LINK, MODULE, FOLDER = "100644", "100755", "120000", "160000", "40000"
Entry = tuple[str, bytes, str]  # mode, name, object


# -- published from Git: trees that git itself would not write --------------------------------------------------------


class Source:
    """A bare repository whose objects are written by hand."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._git("init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(place), here=False)
        self.text = self.blob(b"text\n")

    def _git(self, *arguments: str, stdin: bytes = b"", here: bool = True) -> str:
        where = ["--git-dir", str(self.place)] if here else []
        done = subprocess.run(["git", *where, *arguments], input=stdin, capture_output=True, check=True, timeout=60)
        return done.stdout.decode().strip()

    def blob(self, content: bytes) -> str:
        return self._git("hash-object", "-w", "--stdin", stdin=content)

    def large(self, size: int) -> str:
        with (self.place / "large").open("wb") as file:
            file.truncate(size)
        return self._git("-c", "core.bigFileThreshold=1m", "hash-object", "-w", str(self.place / "large"))

    def tree(self, entries: Sequence[Entry]) -> str:
        """Write a tree, byte for byte: git's own commands would refuse these."""
        raw = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(sha) for mode, name, sha in entries)
        return self._git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=raw)

    def publish_into(self, store: Path, hostile: Sequence[Entry]) -> None:
        """Commit a profile whose model_build holds the entries, and publish it. Raises what publishing raises."""
        good = self.tree([(FILE, b"deploy.py", self.text)])
        build = self.tree(hostile)
        profile = self.tree([(FOLDER, b"model_build", build), (FOLDER, b"model_deploy", good)])
        root = self.tree([(FOLDER, b"regression", profile)])
        who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        commit = self._git(*who, "commit-tree", root, "-m", "Content")
        self._git("update-ref", "refs/heads/main", commit)
        publish(resolve(str(self.place), "main"), "v1.0.0", directory=store)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path / "source.git")


def below(name: bytes) -> Callable[[Source], list[Entry]]:
    """A folder of that name with a file in it."""
    return lambda source: [(FOLDER, name, source.tree([(FILE, b"config", source.text)]))]


def entry(mode: str, name: bytes) -> Callable[[Source], list[Entry]]:
    """One entry beside an ordinary file."""
    return lambda source: [(FILE, b"a.py", source.text), (mode, name, source.text)]


TREES: dict[str, tuple[Callable[[Source], list[Entry]], str]] = {
    "traversal": (below(b".."), "leads out of the template"),
    "traversal in one name": (entry(FILE, b"a/../../../x"), "leads out of the template"),
    "absolute": (entry(FILE, b"/etc/passwd"), "leads out of the template"),
    "current folder": (below(b"."), "leads out of the template"),
    "hooks": (
        lambda s: [
            (FOLDER, b".git", s.tree([(FOLDER, b"hooks", s.tree([(PROGRAM, b"post-checkout", s.text)]))])),
        ],
        "Git directory",
    ),
    ".git in capitals": (below(b".GIT"), "Git directory"),
    ".git in Windows' short form": (below(b"git~1"), "Git directory"),
    ".git with a dot": (below(b".git."), "Git directory"),
    ".git with what macOS ignores": (below(".g\u200cit".encode()), "Git directory"),
    "link": (entry(LINK, b"link"), "symbolic link"),
    "submodule": (entry(MODULE, b"module"), "Git submodule"),
    "name that is not UTF-8": (entry(FILE, b"caf\xe9"), "not UTF-8"),
    "line break in a name": (entry(FILE, b"a\nb"), "control character"),
    "backslash in a name": (entry(FILE, b"..\\..\\x"), "backslash"),
    "terminal escape in a name": (entry(FILE, b"\x1b[2Jx"), "control character"),
    "colliding files": (lambda s: [(FILE, b"README", s.text), (FILE, b"readme", s.text)], "differ only in case"),
    "colliding folders": (
        lambda s: [
            (FOLDER, b"A", s.tree([(FILE, b"x", s.text)])),
            (FOLDER, b"a", s.tree([(FILE, b"y", s.text)])),
        ],
        "differ only in case",
    ),
    "50,000 files": (
        lambda s: [(FILE, b"%05d" % number, s.text) for number in range(50_000)],
        "50,001 files, and the maximum is 20,000",
    ),
    "file over GitHub's limit": (lambda s: [(FILE, b"model.bin", s.large(100 * 2**20 + 1))], "100 MB per file"),
    "long name": (entry(FILE, b"x" * 256), "longer than 255 bytes"),
}


@pytest.mark.parametrize("case", TREES)
def test_a_hostile_commit_is_not_published(source: Source, tmp_path: Path, case: str) -> None:
    make, said = TREES[case]
    store = tmp_path / "versions"
    store.mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises((InvalidTemplate, SourceUnreadable)) as told:
        source.publish_into(store, make(source))
    message = str(told.value)
    assert re.search(said, message), message
    assert "\n" not in message
    assert message.isprintable()
    assert list(store.iterdir()) == []
    assert sorted(tmp_path.iterdir()) == before


def test_an_entry_that_is_there_twice_is_told_or_delivered_once(source: Source, tmp_path: Path) -> None:
    """Git itself reads such a tree; whatever is published has each name once."""
    twice = [(FILE, b"a.py", source.text), (FILE, b"a.py", source.blob(b"other\n"))]
    try:
        source.publish_into(tmp_path / "versions", twice)
    except (InvalidTemplate, SourceUnreadable) as told:
        assert "a.py" in str(told)
    else:
        archive = Archive.open((tmp_path / "versions" / "v1.0.0" / "archive.zip").read_bytes())
        assert [file.path for file in archive.folder("regression/model_build")] == ["a.py"]


def test_a_good_commit_is_published(source: Source, tmp_path: Path) -> None:
    """The counterpart: what is refused above is refused for what is wrong with it."""
    source.publish_into(tmp_path / "versions", [(FILE, b"a.py", source.text), (PROGRAM, b"run.sh", source.text)])
    assert (tmp_path / "versions" / "v1.0.0" / "archive.zip").is_file()


# -- published from disk ----------------------------------------------------------------------------------------------


def working_tree(place: Path) -> Path:
    """Make a template folder that is a Git working tree."""
    for part in ("model_build", "model_deploy"):
        (place / "regression" / part).mkdir(parents=True)
        (place / "regression" / part / "a.py").write_text("a\n")
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "-m", "Content"],
    ):
        subprocess.run(["git", *command], cwd=place, check=True, capture_output=True)
    return place


@pytest.mark.parametrize("ref", ["", "main"])
def test_hooks_and_settings_of_a_source_do_not_run(tmp_path: Path, ref: str) -> None:
    place, ran = working_tree(tmp_path / "source"), tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $0 >> {ran}\ncat\n")
    program.chmod(0o755)
    hooks = place / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "pre-auto-gc", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (hooks / hook).write_bytes(program.read_bytes())
        (hooks / hook).chmod(0o755)
    for key in (
        "core.fsmonitor",
        "filter.x.clean",
        "filter.x.smudge",
        "filter.x.process",
        "uploadpack.packObjectsHook",
    ):
        subprocess.run(["git", "config", key, str(program)], cwd=place, check=True)
    (place / "regression" / "model_build" / ".gitattributes").write_text("* filter=x\n")
    (place / "regression" / "model_build" / "a.py").write_text("b\n")

    resolve(str(place), ref)
    assert not ran.exists(), ran.read_text()

    # None of publishing's commands would run a hook today; these would, were hooks not off for whatever it runs.
    for command in (["update-ref", "refs/heads/other", "HEAD"], ["read-tree", "HEAD"]):
        assert run_git(place, *command).returncode == 0
    assert not ran.exists(), ran.read_text()


def fifo(place: Path) -> None:
    os.mkfifo(place)


def huge(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(100 * 2**20 + 1)


def nested(place: Path) -> None:
    (place / ".git").mkdir(parents=True)
    (place / ".git" / "config").write_text("[core]\n")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (fifo, "not a plain file"),
        (huge, "100 MB per file"),
        (nested, "Git directory"),
        (lambda place: place.symlink_to("/etc"), "symbolic link"),
        (lambda place: place.symlink_to("nowhere"), "symbolic link"),
    ],
)
def test_a_hostile_folder_is_not_published(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    for part in ("model_build", "model_deploy"):
        (tmp_path / "source" / "regression" / part).mkdir(parents=True)
        (tmp_path / "source" / "regression" / part / "a.py").write_text("a\n")
    make(tmp_path / "source" / "regression" / "model_build" / "x")
    with pytest.raises(InvalidTemplate, match=said):
        publish(resolve(str(tmp_path / "source")), "v1.0.0", directory=tmp_path / "versions")
    assert not (tmp_path / "versions").exists()


# -- delivered from an archive that publishing would not write --------------------------------------------------------


def zipped(entries: Sequence[tuple[str, int]], content: bytes = b"x", method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, mode in [("regression/model_build/good", stat.S_IFREG | 0o644), *entries]:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = method
            archive.writestr(info, content)
    return buffer.getvalue()


def one(name: str, mode: int = stat.S_IFREG | 0o644) -> bytes:
    return zipped([(f"regression/model_build/{name}", mode)])


def renamed(old: bytes, new: bytes) -> bytes:
    """Change a name's bytes in place, where zipfile would not write it."""
    assert len(old) == len(new)
    return one(old.decode()).replace(old, new)


def overlapping() -> bytes:
    """A bomb without compression: many entries that are all the same megabytes of the file."""
    size, count = 2**20, 1000
    data = bytearray(zipped([("regression/model_build/0000", stat.S_IFREG | 0o644)], b"\0" * size))
    end = data.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<L", data, end + 16)[0]
    last = data.rindex(b"PK\x01\x02")
    directory = bytes(data[start:last]) + b"".join(
        bytes(data[last:end]).replace(b"/0000", b"/%04d" % number) for number in range(count)
    )
    tail = bytearray(data[end:])
    struct.pack_into("<HHL", tail, 8, count + 1, count + 1, len(directory))
    return bytes(data[:start]) + directory + bytes(tail)


def claiming(size: int) -> bytes:
    """An archive whose directory says that an entry is that large."""
    data = bytearray(one("claim"))
    last = data.rindex(b"PK\x01\x02")
    struct.pack_into("<LL", data, last + 20, size, size)
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(one("locked"))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rindex(mark) + offset] |= 1
    return bytes(data)


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "traversal": (lambda: one("../../../x"), "leads out of the template"),
    "absolute": (lambda: zipped([("/etc/cron.d/x", stat.S_IFREG | 0o644)]), "leads out of the template"),
    "drive": (lambda: one("C:\\x"), "backslash"),
    "hook": (lambda: one(".git/hooks/post-checkout", stat.S_IFREG | 0o755), "Git directory"),
    "look-alike of .git": (lambda: one("GIT~1/config"), "Git directory"),
    "link": (lambda: one("link", stat.S_IFLNK | 0o777), "not a plain file"),
    "device": (lambda: one("null", stat.S_IFCHR | 0o666), "not a plain file"),
    "pipe": (lambda: one("pipe", stat.S_IFIFO | 0o644), "not a plain file"),
    "socket": (lambda: one("socket", stat.S_IFSOCK | 0o644), "not a plain file"),
    "folder": (lambda: one("folder/", stat.S_IFDIR | 0o755), "leads out of the template|not a plain file"),
    "duplicate": (lambda: one("good"), "twice"),
    "colliding": (lambda: one("GOOD"), "differ only in case"),
    "file as a folder": (lambda: one("good/x"), "as a file and as a folder"),
    "bad UTF-8": (lambda: renamed("é".encode(), b"\xc3\x28"), "not a readable zip"),
    "line break": (lambda: renamed(b"a-b", b"a\nb"), "control character"),
    "bomb": (lambda: zipped([("a/b", stat.S_IFREG)], b"0" * 10**7, zipfile.ZIP_DEFLATED), "compressed"),
    "bomb without compression": (overlapping, "the maximum is 209,715,200"),
    "larger than a file may be": (lambda: claiming(2**31), "100 MB per file"),
    "larger than it is": (lambda: claiming(10**6), "damaged"),
    "encrypted": (encrypted, "not a plain file"),
    "50,000 entries": (
        lambda: zipped([(f"a/{number}", stat.S_IFREG) for number in range(50_000)], b""),
        "50,001 files, and the maximum is 20,000",
    ),
}


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with Laboratory.running() as running:
        yield running


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", ARCHIVES)
def test_a_hostile_archive_is_not_delivered(laboratory: Laboratory, case: str) -> None:
    make, said = ARCHIVES[case]
    data, project = make(), laboratory.project()
    name = archive_name(data)  # its address is right: whoever writes to the bucket can do that
    stack = laboratory.stack(project)
    vars(stack.world).update(archives=Archives({name: data}))
    stack.template = launch_template(ORGANIZATION, project, name, "v1.0.0")

    assert stack.create() == "ROLLBACK_COMPLETE"

    assert re.search(said, stack.reason), stack.reason
    assert stack.reason.isprintable()
    repository = laboratory.standin.control("GET", f"/repositories/{ORGANIZATION}/{project}-build")
    assert repository["refs"] == {}
    assert repository["archived"]


# -- what a launch is given -------------------------------------------------------------------------------------------

INJECTIONS = (
    "\r\nX-Injected: 1",
    "\n",
    "\0",
    "\x1b[2J",
    " --upload-pack=touch",
    "/../../x",
    "$(touch x)",
    "`id`",
    ";id",
)


@pytest.fixture(scope="module")
def patterns() -> dict[str, str]:
    """The AllowedPattern of every parameter of the product that has one."""
    from products.parameters import launch_parameters

    groups = launch_parameters(Settings()).values()
    return {parameter.name: parameter.pattern for group in groups for parameter in group if parameter.pattern}


GOOD_PARAMETERS = {
    "DomainId": "dzd_4a5b6c",
    "ProjectId": "abc123",
    "ProjectName": "Demo",
    "ProfileName": "regression",
    "TemplateFolder": "regression",
    "UserRoleArn": "arn:aws:iam::123456789012:role/a",
    "ProjectBucket": "arn:aws:s3:::amazon-sagemaker-1",
    "ConnectedRepository": "acme/churn",
    "ScopeName": "dev",
    "SageMakerProjectName": "demo",
    "SageMakerProjectId": "p-1",
    "Organization": "acme",
    "BuildRepositoryName": "demo-build",
    "DeployRepositoryName": "demo-deploy",
    "GlueDatabase": "glue_db",
    "GlueTable": "abalone",
    "DeployAccount": "123456789012",
    "MlflowTrackingUri": "https://mlflow.example.com",
}
ADDRESSES = {"MlflowTrackingUri"}  # takes what an address may hold; it is the value of a secret and nothing else
BUCKET = "ProjectBucket"  # looked at before it becomes anything: what Studio fills in must not fail the launch here
PATHS = {"UserRoleArn", "ConnectedRepository"}  # a role's path; groups of other hosts, which are nobody's in ours


def may_hold(name: str, injected: str) -> bool:
    """Tell whether a parameter may hold it: a path is a part of a role's name, and an address has no white space."""
    if name in PATHS:
        return injected == "/../../x"
    if name == BUCKET:
        return injected.isprintable() and " " not in injected
    return name in ADDRESSES and not re.search(r"\s", injected)


@pytest.mark.parametrize("injected", INJECTIONS, ids=repr)
@pytest.mark.parametrize("name", GOOD_PARAMETERS)
def test_cloudformation_refuses_an_injection(patterns: dict[str, str], name: str, injected: str) -> None:
    """CloudFormation matches the whole value (AllowedPattern is anchored at both ends)."""
    good = GOOD_PARAMETERS[name]
    assert re.fullmatch(patterns[name], good)
    assert bool(re.fullmatch(patterns[name], good + injected)) == may_hold(name, injected)


def test_every_free_text_has_a_pattern(patterns: dict[str, str]) -> None:
    assert set(patterns) == set(GOOD_PARAMETERS)


REPOSITORY = {"Organization": "acme", "Name": "n", "Part": "model_build", "DomainId": "d", "ProjectId": "p"}
PLACE = {"RepositoryId": "1", "Repository": "acme/n"}
TEMPLATE = {
    **PLACE,
    "DomainId": "d",
    "ProjectId": "p",
    "Part": "model_build",
    "TemplateArchive": "0" * 64 + ".zip",
    "TemplateVersion": "v1",
    "TemplateFolder": "a/b",
}
RESOURCES = {entry.name: entry.resource(FunctionClients({})) for entry in CATALOGUE if entry.class_name}
HANDLERS: list[tuple[Any, dict[str, Any], Sequence[str]]] = [
    (
        RESOURCES["github_repository"],
        {**REPOSITORY, "DefaultBranch": "main", "ProjectName": "Demo"},
        ("Organization", "Name", "DomainId", "ProjectId", "DefaultBranch", "ProjectName"),
    ),
    (
        RESOURCES["repository_template"],
        {**TEMPLATE, "DefaultBranch": "main", "TemplateSource": "templates"},
        sorted({*TEMPLATE, "DefaultBranch", "TemplateSource"} - {"RepositoryId", "Part"}),
    ),
    (RESOURCES["actions_configuration"], {**PLACE, "Secrets": {}}, ("Repository",)),
    (
        RESOURCES["studio_project"],
        {"DomainId": "dzd_1", "ProjectId": "p", "ProjectName": "Demo", "Organization": "acme", "ScopeName": "dev"},
        ("DomainId", "ProjectId", "ProjectName", "Organization", "ScopeName"),
    ),
]
IDS = {"DomainId", "ProjectId"}  # parts of the resource's own name, which remembers what was accepted
NAMES = {"Organization", "Name", "Repository", "TemplateVersion", "TemplateArchive"}  # no shell character either


def is_kept(resource: Any, name: str, injected: str) -> bool:
    """Tell whether a property may hold it: a text of people, which is neither a name on GitHub nor an argument, may."""
    refused = IDS if resource is RESOURCES["studio_project"] else NAMES
    if not injected.isprintable() or name in refused:
        return False
    return name != "DefaultBranch" or injected in ("`id`", ";id")  # git takes those in a name; no shell reads it


def cases(*, kept: bool) -> list[Any]:
    """Return every property with every injection that it refuses, or with those that it may hold."""
    return [
        pytest.param(resource, good, name, injected, id=f"{type(resource).__name__}-{name}-{injected!r}")
        for resource, good, names in HANDLERS
        for name in names
        for injected in INJECTIONS
        if kept == is_kept(resource, name, injected)
    ]


def given(resource: Any, good: dict[str, Any], **other: str) -> Any:
    event = {"RequestType": "Create", "StackId": "s", "ResourceProperties": {**good, **other}}
    return parsed(resource, event).properties


@pytest.mark.parametrize(("resource", "good", "name", "injected"), cases(kept=False))
def test_a_handler_refuses_it_again(resource: Any, good: dict[str, Any], name: str, injected: str) -> None:
    given(resource, good)
    with pytest.raises(FinalError) as told:
        given(resource, good, **{name: good[name] + injected})
    message = str(told.value)
    assert name in message or name.lower() in message.lower().replace("_", "")
    assert message.isprintable()


@pytest.mark.parametrize(("resource", "good", "name", "injected"), cases(kept=True))
def test_a_text_of_people_is_kept_as_it_is(resource: Any, good: dict[str, Any], name: str, injected: str) -> None:
    properties = given(resource, good, **{name: good[name] + injected})
    assert properties.model_dump(by_alias=True)[name] == good[name] + injected
