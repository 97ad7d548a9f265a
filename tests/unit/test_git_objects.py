"""Objects as we read and write them, held against git's own commands; nothing is contacted."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_resources.clients.git import ROBOT, ZERO, BareRepository, Commit, Git, merging, objects
from custom_resources.clients.git.failures import RequestFailed, ServerRefused
from custom_resources.clients.git.objects import NONE, Entry
from custom_resources.clients.git.packets import Mark, Packets, lines, packet
from custom_resources.clients.git.receive_pack import Move, _read_report
from custom_resources.clients.git.upload_pack import _capabilities, _sections, read_advertisement
from custom_resources.errors import RepositoryTooLarge, RetryLater
from custom_resources.template_content import TemplateFile
from tests.git_processes import counted

SERVER = Git("https://127.0.0.1:9", lambda _: "ghs_canary", lambda rejected: False)  # nobody answers there


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareRepository]:
    repository = BareRepository(SERVER, "acme/r", tmp_path_factory.mktemp("home"), 1_700_000_000)
    repository.start()
    yield repository
    repository.close()


def run(bare: BareRepository, *arguments: str, stdin: bytes = b"") -> str:
    return bare._processes.run(*arguments, stdin=stdin, offline=True)[1].decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("told", ["a <x>y> <z> 1 +0000", "a <x> 1 +0000", "a <x<z>> 1 +0000", "a x 1 +0000"])
def test_whose_a_commit_is_is_read_as_git_reads_it(bare: BareRepository, told: str) -> None:
    content = f"tree {ZERO}\ncommitter {told}\n\nSubject\n\nText\n \n".encode()
    sha = run(bare, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=content).strip()
    committer = {"a <x>y> <z> 1 +0000": "x", "a <x> 1 +0000": "x", "a <x<z>> 1 +0000": "x<z", "a x 1 +0000": ""}[told]
    commit = Commit(sha, ZERO, (), "Subject\n\nText", committer)
    assert bare._objects.commit(sha) == commit


def test_a_name_is_no_matter_of_security(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where OpenSSL forbids SHA-1 (FIPS), Python gives it for names alone."""
    asked: list[dict[str, bool]] = []
    really = hashlib.sha1

    def sha1(content: bytes, **how: bool) -> Any:
        asked.append(how)
        return really(content, **how)

    monkeypatch.setattr(hashlib, "sha1", sha1)
    assert objects.name_of("blob", b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert asked == [{"usedforsecurity": False}]


# -- against git's own commands --------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "a.txt", "a-b", "b", "ä", "z\n", "c"])
MODES = st.sampled_from(["100644", "100755", "120000", "160000"])
FILES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.tuples(MODES, st.integers(1, 4)), max_size=8
)


def written(bare: BareRepository, files: dict[str, tuple[str, int]]) -> str:
    index = merging.Index(bare._processes)
    index.load(bare.empty_tree())
    return index.update({path: Entry(mode, f"{number}" * 40) for path, (mode, number) in files.items()})


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(FILES, FILES)
def test_trees_and_their_differences_are_gits(
    bare: BareRepository, old: dict[str, tuple[str, int]], new: dict[str, tuple[str, int]]
) -> None:
    before, after = written(bare, old), written(bare, new)
    listed = run(bare, "ls-tree", "-r", "-z", "--full-tree", after).split("\0")[:-1]
    ours = [f"{entry.mode} {kind(entry)} {entry.sha}\t{path}" for path, entry in bare._objects.files(after).items()]
    assert ours == listed
    raw = run(bare, "diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev", before, after).split("\0")[:-1]
    changes = [
        (f":{c.old_mode} {c.new_mode} {c.old_blob} {c.new_blob} {c.status}", c.path)
        for c in bare.changes(before, after)
    ]
    assert changes == list(zip(raw[::2], raw[1::2], strict=True))


def test_modes_are_read_as_git_reads_them(bare: BareRepository) -> None:
    """Those that other and old programs wrote too: a group that may write, no right at all, a leading zero."""
    modes = [
        "40000",
        "040000",
        "100644",
        "100664",
        "100600",
        "100000",
        "100755",
        "100775",
        "120000",
        "120777",
        "160000",
    ]
    tree = b"".join(f"{mode} {place:02}".encode() + b"\0" + b"\1" * 20 for place, mode in enumerate(modes))
    name = run(bare, "hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=tree).strip()
    listed = [line.split()[0] for line in run(bare, "ls-tree", name).splitlines()]
    assert [entry.mode for entry in bare._objects.tree(name).values()] == listed


def kind(entry: Entry) -> str:
    return "commit" if entry.mode == "160000" else "blob"


@pytest.mark.parametrize("message", ["base", "Subject\n\nBody: ä\n", ""])
def test_commits_have_the_names_that_git_gives_them(bare: BareRepository, message: str) -> None:
    tree = bare.empty_tree()
    parents = [bare.commit_tree(tree, (), "parent"), "1" * 40]
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in zip(("NAME", "EMAIL", "DATE"), (*ROBOT, "@1700000000 +0000"), strict=True)
    }
    own = bare.commit_tree(tree, parents[:1], message)
    arguments = ("commit-tree", tree, "-p", parents[0], "-F", "-")
    _, out = bare._processes.run(*arguments, stdin=message.encode(), environment=who, offline=True)
    assert own == out.decode().strip()
    missing = bare.commit_tree(tree, parents, "m")
    found = bare.commit(missing)
    assert (found.parents, found.committer, found.message) == (tuple(parents), ROBOT[1], "m")
    assert bare.history(own)[0].sha == own


def test_what_two_trees_have_alike_is_not_told(bare: BareRepository) -> None:
    one, other = (bare._objects.store("blob", text) for text in (b"one\n", b"other\n"))

    def tree(changed: str) -> str:
        """A tree with a file and a folder as in every other, and a file that is changed."""
        folder = bare._objects.store("tree", b"100644 inner\0" + bytes.fromhex(one))
        entries = b"100644 a\0" + bytes.fromhex(one) + b"100644 b\0" + bytes.fromhex(changed)
        return bare._objects.store("tree", entries + b"40000 folder\0" + bytes.fromhex(folder))

    found = dict(bare._objects.differing([tree(one), tree(other)]))
    assert {path: [side.sha for side in sides] for path, sides in found.items()} == {"b": [one, other]}
    assert sorted(dict(bare._objects.differing([tree(one)]))) == ["a", "b", "folder/inner"]


def test_a_history_is_read_whatever_its_messages_hold(bare: BareRepository) -> None:
    """A user's message may hold the character that stands between fields, and several paragraphs."""
    tree = bare.empty_tree()
    first = bare.commit_tree(tree, (), "one\x01two\x01three\n\nStudio-Domain: d")
    second = bare.commit_tree(tree, (first,), "two: <a> b")
    newest, oldest = bare.history(second)
    assert (newest.sha, newest.tree, newest.parents, newest.committer) == (second, tree, (first,), ROBOT[1])
    assert (oldest.sha, oldest.parents, oldest.message) == (first, (), "one\x01two\x01three\n\nStudio-Domain: d")
    assert bare.commit(first).message == "one\x01two\x01three\n\nStudio-Domain: d"
    assert bare.message(first) == "one\x01two\x01three\n\nStudio-Domain: d"


def test_a_commit_is_read_by_its_own_lines_not_by_those_of_a_signature(bare: BareRepository) -> None:
    tree = bare.empty_tree()
    text = f"tree {tree}\nauthor A B <a@b> 1 +0000\ncommitter C D <c@d> 2 +0000\ngpgsig -----BEGIN-----\n"
    text += " tree of it\n parent 1\n committer E <e@f> 3 +0000\n\nSubject\n\ntree: x\n"
    found = bare.commit(bare._objects.store("commit", text.encode()))
    assert (found.tree, found.parents, found.committer, found.message) == (tree, (), "c@d", "Subject\n\ntree: x")


def test_many_attributes_cost_one_process_and_a_name_that_no_disk_takes_is_left_out(bare: BareRepository) -> None:
    blob = bare._objects.store("blob", b"* merge=union\n")
    inner = bare._objects.store("tree", b"100644 .gitattributes\0" + bytes.fromhex(blob))
    names = [f"d{number:04}" for number in range(1000)] + ["n" * 300]
    tree = bare._objects.store("tree", b"".join(f"40000 {n}\0".encode() + bytes.fromhex(inner) for n in names))
    bare._objects.close()
    with counted() as started:
        attributes = merging.attributes_of(bare._objects, tree)
        with merging.checkout(bare._processes, bare._objects, attributes) as (_, directory):
            assert directory is not None
            assert len(list(directory.rglob(".gitattributes"))) == 1000
    assert len(attributes) == 1001
    assert len(started) == 1


def test_no_hook_runs_in_a_repository_of_ours(tmp_path: Path) -> None:
    """Nothing puts one there today; whatever does tomorrow is not run."""
    bare = BareRepository(SERVER, "acme/r", tmp_path, 1_700_000_000)
    bare.start()
    ran, hooks = tmp_path / "ran", bare.path / "hooks"
    hooks.mkdir()
    for name in ("reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {ran}\n")
        (hooks / name).chmod(0o755)
    assert bare.import_commit([TemplateFile("a", b"a")], "m")
    written(bare, {"a": ("100644", 1)})
    assert not ran.exists(), ran.read_text()
    bare.close()
    # They would: a repository that has no such settings runs both.
    who = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    for command in (["update-ref", "refs/heads/x", "refs/import/commit"], ["read-tree", "refs/import/commit"]):
        subprocess.run(["git", "--git-dir", str(bare.path), *command], check=True, env=who)
    assert set(ran.read_text().split()) == {"reference-transaction", "post-index-change"}


# -- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["blob", "tree", "commit"])
def test_an_object_that_is_too_large_is_refused_by_its_size(
    bare: BareRepository, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    tree = bare.empty_tree()
    content = {
        "blob": b"x" * 1001,
        "tree": b"".join(b"100644 %04d\0" % n + bytes(20) for n in range(100)),
        "commit": f"tree {tree}\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\n{'x' * 1001}".encode(),
    }[kind]
    name = bare._objects.store(kind, content)
    small = bare.commit_tree(tree, (), "small")
    monkeypatch.setitem(objects.LARGEST, kind, 1000)
    read = {"blob": bare.blob, "tree": bare.entries, "commit": bare.commit}[kind]
    with pytest.raises(RepositoryTooLarge, match=f"The {kind} {name} in the repository has"):
        read(name)
    assert bare.message(name) == "", "what is too large is no record of ours"
    assert bare.message(small) == "small", "and the next is read as if nothing had been"


def test_a_tree_with_too_many_files_is_refused(bare: BareRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten folders that are one and the same, ten levels deep, are ten thousand million files."""
    tree = bare._objects.store("tree", b"100644 f\0" + bytes(20))
    for _ in range(10):
        tree = bare._objects.store("tree", b"".join(b"40000 %d\0" % n + bytes.fromhex(tree) for n in range(10)))
    monkeypatch.setattr(objects, "_MOST_FILES", 5000)
    with pytest.raises(RepositoryTooLarge, match="more than 5,000 files"):
        bare.entries(tree)


def test_what_is_nowhere_is_a_wait(bare: BareRepository) -> None:
    for read in (bare.commit, bare.blob, bare.entries, bare.message):
        with pytest.raises(RetryLater):
            read("9" * 40)


def test_a_tree_that_cannot_be_read_is_no_crash(bare: BareRepository) -> None:
    name = bare._objects.store("tree", b"100644 f\0" + bytes(19))
    with pytest.raises(RetryLater, match="cannot be read"):
        bare.entries(name)
    assert NONE.mode == "000000"


# -- packets --------------------------------------------------------------------------------------------------------


class Given:
    """Bytes as an answer."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def read(self, size: int) -> bytes:
        found, self.rest = self.rest[:size], self.rest[size:]
        return found


@given(st.lists(st.binary(min_size=1, max_size=100).filter(lambda data: not data.startswith(b"ERR "))))
def test_packets_are_read_as_they_are_written(contents: list[bytes]) -> None:
    packets = Packets(Given(b"".join(map(packet, contents)) + b"0000"))
    assert [packets.read() for _ in contents] == contents
    assert packets.read() is Mark.FLUSH


def side_band(*pieces: bytes) -> Packets:
    return Packets(Given(b"".join(map(packet, pieces)) + b"0000"))


def test_a_side_band_holds_data_words_and_failures() -> None:
    said: list[str] = []
    assert list(side_band(b"\1one", b"\2counting\n", b"\1", b"\1two").data(said.append)) == [b"one", b"", b"two"]
    assert said == ["counting\n"]
    assert list(side_band(b"\2nobody listens").data()) == []
    with pytest.raises(RequestFailed, match=r"^remote error: gone for good$"):
        list(side_band(b"\1one", b"\3 gone for good\n").data())
    with pytest.raises(RequestFailed, match="is not of Git's protocol"):
        list(side_band(b"\4one").data())


def test_a_character_that_two_packets_share_is_read_whole() -> None:
    said: list[str] = []
    words = "\u2014\u2014 Amazon AWS Access Key ID \u2014\u2014\n".encode()
    assert list(side_band(*(b"\2" + words[at : at + 1] for at in range(len(words)))).data(said.append)) == []
    assert "".join(said) == words.decode()


def test_a_line_ends_where_its_packet_does() -> None:
    packets = Packets(Given(lines(["one", " two "], Mark.DELIMITER) + packet("no end") + b"0002"))
    assert list(packets.section()) == ["one", " two "]
    assert [packets.line(), packets.line()] == ["no end", Mark.END]
    assert Packets(Given(packet("\n\none\n"))).line() == "\n\none"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"00", "was cut off"),
        (b"0009one", "was cut off"),
        (b"zzzz", "is not of Git's protocol"),
        (b"0003", "is not of Git's protocol"),
        (b"fff1" + b"x" * 65517, "is not of Git's protocol"),
    ],
)
def test_an_answer_that_is_no_packet_says_why(data: bytes, said: str) -> None:
    with pytest.raises(RequestFailed, match=said):
        Packets(Given(data)).read()


def test_a_refusal_in_the_protocols_words_is_known() -> None:
    with pytest.raises(ServerRefused, match=r"^remote error: access denied$"):
        Packets(Given(packet(b"ERR access denied\n"))).read()
    assert Packets(Given(b"0004")).read() == b""


def test_a_packet_has_a_limit() -> None:
    assert packet(b"x" * 65516).startswith(b"fff0")
    with pytest.raises(ValueError, match="65,516"):
        packet(b"x" * 65517)


GOOD = (
    lines(["# service=git-upload-pack"]) + lines([f"{'a' * 40} HEAD\0shallow filter", f"{'a' * 40} refs/heads/main"]),
    lines(["version 2", "fetch=shallow filter", "object-format=sha1"]),
    lines(["shallow-info", f"shallow {'a' * 40}"], Mark.DELIMITER) + lines(["packfile"], Mark.FLUSH)[:-4] + b"0000",
    packet(b"\1" + lines(["unpack ok", "ok refs/heads/main"])) + b"0000",
)


@pytest.mark.parametrize(
    ("said", "can"),
    [
        (["version 2", "fetch=shallow", "object-format=sha1"], {"fetch": "shallow", "object-format": "sha1"}),
        (["version 2", "fetch=shallow"], {"fetch": "shallow"}),
        (["version 2", "fetch=shallow", "object-format=sha256"], {}),  # its names are longer than ours
        (["version 2", "ls-refs"], {}),
        (["version 1", "fetch=shallow"], {}),
    ],
)
def test_a_server_that_cannot_be_read_has_no_capabilities(said: list[str], can: dict[str, str]) -> None:
    assert _capabilities(Packets(Given(lines(said)))) == can


@settings(max_examples=300)
@given(st.sampled_from(GOOD), st.integers(0, 200), st.binary(max_size=6), st.integers(0, 6))
def test_a_spoilt_answer_ends_in_one_kind_of_failure(good: bytes, place: int, junk: bytes, lost: int) -> None:
    spoilt = good[:place] + junk + good[place + lost :]
    for read in (
        read_advertisement,
        _capabilities,
        lambda packets: list(_sections(packets).data),
        lambda packets: _read_report(packets, [Move("refs/heads/main", "", "a" * 40)]),
    ):
        with suppress(RequestFailed):
            read(Packets(Given(spoilt)))


def test_the_processes_are_counted_with_their_children(tmp_path: Path) -> None:
    """The count that request tests assert on sees what git starts by itself."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    with counted() as started:
        subprocess.run(["git", "-c", "alias.x=!git version", "x"], cwd=tmp_path, check=True, capture_output=True)
    assert len(started) == 2, json.dumps(started.commands)
