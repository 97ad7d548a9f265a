"""Git's protocol as we speak it, with the stand-in's real git on the other side, and with servers that misbehave."""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from custom_resources.clients import repeating
from custom_resources.clients.git import (
    BareRepository,
    Git,
    PushRejected,
    Refs,
    RepositoryArchived,
    conversation,
    processes,
    upload_pack,
)
from custom_resources.clients.git.failures import ServerRefused
from custom_resources.clients.git.packets import lines, packet
from custom_resources.clients.repeating import TRIES
from custom_resources.errors import (
    CredentialsRejected,
    GitNamesUnknown,
    GitServerLacks,
    ObjectsRefused,
    RepositoryUnreachable,
    RetryLater,
)
from custom_resources.template_content import TemplateFile
from standins.github import bare as standin_bare
from standins.github.bare import Bare
from standins.github.server import GitHubStandIn

_numbers = itertools.count(1)
TIP, LINEAGE = "refs/heads/main", "refs/studio/template"


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHubStandIn]:
    with GitHubStandIn.running(tmp_path_factory.mktemp("github")) as running:
        yield running


@dataclass
class Remote:
    """A repository on the stand-in."""

    github: GitHubStandIn
    name: str = field(default_factory=lambda: f"r{next(_numbers)}")

    def __post_init__(self) -> None:
        self.git = Git(self.github.server_url, lambda _: self.github.token, lambda rejected: False)
        self.id = int(self.rest("POST", "/orgs/acme/repos", name=self.name, private=True)["id"])

    def rest(self, method: str, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"token {self.github.token}"}
        answer = requests.request(method, f"{self.github.api_url}{path}", json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    @property
    def full_name(self) -> str:
        return f"acme/{self.name}"

    @property
    def bare(self) -> Bare:
        found = self.github.store.by_id(self.id)
        assert found is not None
        return self.github.store.bare(found)

    def seeded(self, **more: bytes) -> str:
        """Push one commit to the default branch and the lineage; return its name."""
        with self.git.open(self.full_name, 1) as repository:
            commit = repository.import_commit(template(a=b"a\n", **more), "first")
            repository.push(Refs(), {TIP: commit, LINEAGE: commit})
        self.github.log.clear()
        return commit

    def asked(self) -> list[str]:
        """Return the requests since the last call."""
        found = [f"{entry.method} {entry.path.rpartition('/')[2].split('-')[-2]}" for entry in self.github.log.entries]
        self.github.log.clear()
        return found


GET_READ, GET_PUSH = "GET upload", "GET receive"
READ, PUSH = "POST git-upload", "POST git-receive"


def template(**contents: bytes) -> list[TemplateFile]:
    return [TemplateFile(f"{name}.txt", content, executable=False) for name, content in contents.items()]


@pytest.fixture
def remote(github: GitHubStandIn) -> Remote:
    return Remote(github)


# -- reading ------------------------------------------------------------------------------------------------------


def test_refs_and_trees_come_in_two_requests(remote: Remote) -> None:
    first = remote.seeded()
    with remote.git.open(remote.full_name) as repository:
        refs = repository.look()
        assert refs == Refs("main", {TIP: first, LINEAGE: first})
        repository.fetch(refs.tip)
        repository.fetch(refs.tip, refs[LINEAGE])
        assert len(remote.asked()) == 2
        tree = repository.commit(first).tree
        assert set(repository.entries(tree)) == {"a.txt"}
        assert remote.asked() == []
        assert repository.blob(repository.entries(tree)["a.txt"]) == b"a\n"
        assert len(remote.asked()) == 2, "git fetches what is read and not here"


def test_only_what_was_asked_for_comes(remote: Remote) -> None:
    first = remote.seeded()
    with remote.git.open(remote.full_name) as repository:
        refs = repository.look()
        repository.fetch(refs.tip)
        second = repository.import_commit(template(a=b"b\n"), "second", first)
        repository.push(refs, {TIP: second})
    with remote.git.open(remote.full_name) as repository:
        repository.look()
        repository.fetch(second)
        assert repository._processes.run("cat-file", "-e", first, status=(0, 1, 128), offline=True)[0], "its parent"
        assert repository.commit(second).parents == (first,)
        assert (repository.path / "shallow").read_text() == f"{second}\n"
        [pack] = (repository.path / "objects/pack").glob("*.pack")
        assert pack.with_suffix(".promisor").exists()
        repository.fetch_history(second)
        assert [commit.sha for commit in repository.history(second)] == [second, first]


def test_a_commit_that_no_ref_points_to_is_fetched_by_its_name(remote: Remote) -> None:
    first = remote.seeded()
    with remote.git.open(remote.full_name) as repository:
        refs = repository.look()
        repository.fetch(refs.tip)
        second = repository.import_commit(template(a=b"b\n"), "second", first)
        repository.push(refs, {TIP: second, LINEAGE: second})
    remote.asked()
    for looked in (True, False):
        with remote.git.open(remote.full_name) as repository:
            if looked:
                repository.look()
            repository.fetch(first)
            assert repository.commit(first).message == "first"
            repository.fetch(second)
            assert repository.commit(second).message == "second"


@pytest.mark.parametrize("claims", [False, True])
def test_contents_that_a_server_does_not_give_at_once_come_in_version_2(
    remote: Remote, monkeypatch: pytest.MonkeyPatch, claims: bool
) -> None:
    first = remote.seeded()
    if claims:

        def refused(*_: object, **__: object) -> Any:
            raise ServerRefused("remote error: upload-pack: not our ref")

        original = upload_pack.at_once
        monkeypatch.setattr(
            "custom_resources.clients.git.repository.at_once",
            lambda *a, depth, **o: original(*a, depth=depth, **o) if depth else refused(),
        )
    else:
        monkeypatch.setitem(standin_bare._SETTINGS, "uploadpack.allowAnySHA1InWant", "false")
    with remote.git.open(remote.full_name) as repository:
        repository.fetch(repository.look().tip)
        contents = repository.entries(repository.commit(first).tree)
        remote.asked()
        repository._fetch_contents(contents.values())
        assert len(remote.asked()) == 2
        assert repository.blob(contents["a.txt"]) == b"a\n"
        assert remote.asked() == []


@pytest.mark.parametrize("missing", ["uploadpack.allowFilter", "both"])
def test_a_server_that_offers_less_is_read_by_gits_own_fetch(
    remote: Remote, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    first = remote.seeded()
    monkeypatch.setitem(standin_bare._SETTINGS, "uploadpack.allowFilter", "false")
    if missing == "both":  # nor version 2
        monkeypatch.setattr(conversation.Conversation, "advertisement", _only_version_0(conversation.Conversation))
    with remote.git.open(remote.full_name) as repository:
        refs = repository.look()
        repository.fetch(refs.tip)
        assert repository.commit(first).message == "first"
        assert set(repository.entries(repository.commit(first).tree)) == {"a.txt"}


def _only_version_0(original: type[conversation.Conversation]) -> Any:
    advertisement = original.advertisement

    def asked(self: conversation.Conversation, service: conversation.Service, version: int = 0) -> Any:
        return advertisement(self, service)

    return asked


@pytest.mark.parametrize("kind", ["blob", "tree", "tag"])
def test_a_ref_may_point_to_anything(remote: Remote, kind: str) -> None:
    first, bare = remote.seeded(big=b"x" * 100_000), remote.bare
    person = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    bare.run(*person, "tag", "--annotate", "--message=t", "note", first)
    target = {"blob": f"{first}:big.txt", "tree": f"{first}^{{tree}}", "tag": "refs/tags/note"}[kind]
    bare.update_ref("refs/studio/stack", bare.resolve(target))
    with remote.git.open(remote.full_name) as repository:
        refs = repository.look()
        assert not [ref for ref in refs.targets if ref.endswith("^{}")]
        repository.fetch(refs.tip, refs["refs/studio/stack"])
        assert repository.message(refs["refs/studio/stack"]) == ""
        assert repository.message(refs.tip) == "first"


def test_an_empty_repository_has_no_refs(remote: Remote) -> None:
    with remote.git.open(remote.full_name) as repository:
        assert repository.look() == Refs()


def test_a_renamed_repository_is_followed_and_pushed_to_where_it_is(remote: Remote) -> None:
    first, old = remote.seeded(), remote.full_name
    remote.name += "-renamed"
    remote.rest("PATCH", f"/repos/{old}", name=remote.name)
    with remote.git.open(old) as repository:
        refs = repository.look()
        repository.fetch(refs.tip)
        second = repository.import_commit(template(a=b"b\n"), "second", first)
        repository.push(refs, {TIP: second})
        assert repository.blob(repository.entries(repository.commit(first).tree)["a.txt"]) == b"a\n"
    with remote.git.open(old) as repository:  # a push that looked at nothing before
        repository.push(Refs(), {"refs/heads/more": second})
    assert remote.bare.refs() == {TIP: second, LINEAGE: first, "refs/heads/more": second}


# -- pushing ------------------------------------------------------------------------------------------------------


def test_a_push_of_what_is_there_sends_nothing(remote: Remote) -> None:
    first = remote.seeded()
    with remote.git.open(remote.full_name) as repository:
        repository.push(Refs(), {TIP: first, LINEAGE: first, "refs/heads/gone": ""})
        assert len(remote.asked()) == 1, "an answer was lost: all is done, which the list of refs shows"
        repository.push(Refs("main", {TIP: first}), {TIP: first})
        assert remote.asked() == []


def test_refs_are_created_moved_and_removed_together(remote: Remote) -> None:
    first = remote.seeded()
    with remote.git.open(remote.full_name) as repository:
        refs = repository.look()
        repository.fetch(refs.tip)
        second = repository.import_commit(template(a=b"a\n", b=b"b\n"), "second", first)
        repository.push(refs, {TIP: second, LINEAGE: "", "refs/studio/new": first})
        refs = repository.look()
        assert refs == Refs("main", {TIP: second, "refs/studio/new": first})
        repository.push(refs, {"refs/studio/new": ""})  # no pack goes with it
        assert repository.look().targets == {TIP: second}
    assert remote.bare.text("fsck", "--strict", "--connectivity-only") == ""


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_ref_that_has_moved_moves_nothing(remote: Remote, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    first, bare = remote.seeded(), remote.bare
    other = bare.text(
        *("-c", "user.name=A", "-c", "user.email=a@b", "commit-tree", "-m", "other", "-p", first, f"{first}^{{tree}}")
    )
    write = BareRepository._write_pack

    def slowly(self: BareRepository, *arguments: Any) -> None:
        write(self, *arguments)
        bare.update_ref(LINEAGE, other)

    with remote.git.open(remote.full_name) as repository:
        refs = repository.look()
        repository.fetch(refs.tip)
        second = repository.import_commit(template(a=b"b\n"), "second", first)
        if when == "before":
            bare.update_ref(LINEAGE, other)
        else:
            monkeypatch.setattr(BareRepository, "_write_pack", slowly)
        remote.asked()
        with pytest.raises(PushRejected) as rejected:
            repository.push(refs, {TIP: second, LINEAGE: second})
        assert rejected.value.stale
        assert len(remote.asked()) == (1 if when == "before" else 2)
    assert bare.refs() == {TIP: first, LINEAGE: other}


def test_a_rule_and_an_archive_are_told_apart(remote: Remote) -> None:
    first = remote.seeded()
    place = f"{remote.github.base_url}/_standin/repositories/{remote.full_name}/rules"
    requests.post(place, json={"branch": "main", "refuse_push": True, "kind": "ruleset"}, timeout=30).raise_for_status()
    with remote.git.open(remote.full_name) as repository:
        refs = repository.look()
        repository.fetch(refs.tip)
        second = repository.import_commit(template(a=b"b\n"), "second", first)
        with pytest.raises(PushRejected, match="GH013") as rejected:
            repository.push(refs, {TIP: second, LINEAGE: second})
        assert not rejected.value.stale
        assert repository.look() == refs
        remote.rest("PATCH", f"/repos/{remote.full_name}", archived=True)
        with pytest.raises(RepositoryArchived):
            repository.push(refs, {LINEAGE: second})


def test_big_contents_pass_through_without_being_held(remote: Remote) -> None:
    big = random.Random(1).randbytes(48 * 1024 * 1024)
    with remote.git.open(remote.full_name) as repository:
        commit = repository.import_commit(template(big=big), "big")
        del big
        assert peak(lambda: repository.push(Refs(), {TIP: commit})) < 16 * 1024 * 1024
    with remote.git.open(remote.full_name) as repository:
        repository.fetch(repository.look().tip)
        [blob] = repository.entries(repository.commit(commit).tree).values()
        assert peak(lambda: repository._fetch_contents([blob])) < 16 * 1024 * 1024
        with pytest.raises(Exception, match="50,331,648 bytes"):
            repository.blob(blob)


def peak(act: Any) -> int:
    """Return the most bytes that Python held at a time, the stand-in's buffers included."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# -- what goes wrong ----------------------------------------------------------------------------------------------


FAULTS = [("truncated", 0), ("reset-before", 0), ("reset-after", 0), ("502", 0), ("429", 0), ("401", 0)]


@pytest.mark.parametrize("times", [1, TRIES], ids=["once", "as often as it is repeated"])
@pytest.mark.parametrize(("fault", "version"), [*FAULTS, ("truncated", 2), ("502", 2)])
def test_every_request_may_fail(
    remote: Remote, monkeypatch: pytest.MonkeyPatch, fault: str, version: int, times: int
) -> None:
    """What passes is repeated, and asked of the state machine when it does not pass; limits and a 401 never are."""
    first = remote.seeded(b=b"b\n")
    monkeypatch.setattr(repeating, "FIRST_SECONDS", 0.0)
    if version == 2:
        monkeypatch.setitem(standin_bare._SETTINGS, "uploadpack.allowAnySHA1InWant", "false")

    def update() -> None:
        with remote.git.open(remote.full_name, 1) as repository:
            refs = repository.look()
            repository.fetch(refs.tip)
            contents = repository.entries(repository.commit(first).tree).values()
            with repository._reading():
                repository._fetch_contents(contents)
            second = repository.import_commit(template(a=b"b\n"), "second", first)
            repository.push(refs, {TIP: second})

    requests_made = 6 if version == 2 else 5
    place = f"{remote.github.base_url}/_standin/faults"
    for number in range(1, requests_made + 1):
        remote.bare.update_ref(TIP, first)
        match = {"nth": number, "path": remote.name, "kind": "git"}
        plan: Any = {"fault": fault, "seconds": 7, "match": match, "times": times}
        requests.post(place, json=plan, timeout=30).raise_for_status()
        try:
            if times == 1 and fault not in ("429", "401"):
                update()
            else:
                with pytest.raises(CredentialsRejected if fault == "401" else RetryLater) as failed:
                    update()
                assert fault != "429" or (isinstance(failed.value, RetryLater) and failed.value.seconds == 7)
            [struck] = requests.get(place, timeout=30).json()["faults"]
            assert struck["hits"] == (1 if fault in ("429", "401") else times)
        finally:
            requests.delete(place, timeout=30).raise_for_status()
        if times == 1 and fault not in ("429", "401"):
            assert remote.bare.refs()[TIP] != first
            remote.bare.update_ref(TIP, first)
        update()
        assert remote.bare.refs()[TIP] != first


@dataclass
class Script:
    """A server that answers GET and POST with what a test wants, and notes what it was sent."""

    answers: Mapping[str, bytes] = field(default_factory=dict)  # by service; with {version} for version 2
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    hang: bool = False
    received: list[str] = field(default_factory=list)
    url: str = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: what comes is noted."""

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                script.received.append(f"{self.command} {self.path} {self.headers.get('Authorization', '')}")
                body = next((body for key, body in script.answers.items() if key in f"{self.command} {self.path}"), b"")
                self.send_response(script.status)
                service = "git-receive-pack" if "receive" in self.path else "git-upload-pack"
                kind = "advertisement" if self.command == "GET" else "result"
                headers = {"Content-Type": f"application/x-{service}-{kind}", **script.headers}
                headers["Content-Length"] = str(len(body) + script.hang)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                if script.hang:
                    time.sleep(3)

            do_GET = do_POST = answer  # noqa: N815  (http.server calls them so)

        return Handler


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), script.handler())
    thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()


def opened(script: Script, tmp_path: Path) -> BareRepository:
    git = Git(script.url, lambda _: "ghs_canary", lambda rejected: False)
    return BareRepository(git, "acme/r", tmp_path, 1)


def advertised(service: str, *refs: str, can: str) -> bytes:
    first, *others = refs or (f"{'0' * 40} capabilities^{{}}",)
    return lines([f"# service=git-{service}-pack"]) + lines([f"{first}\0{can}", *others])


A, B = "a" * 40, "b" * 40


def test_the_token_goes_to_no_other_host(tmp_path: Path) -> None:
    with serving(Script()) as stranger, serving(Script(status=301)) as script:
        script.headers["Location"] = f"{stranger.url}/acme/r.git/info/refs?service=git-upload-pack"
        with pytest.raises(RepositoryUnreachable):
            opened(script, tmp_path).look()
        assert len(script.received) == 1
        assert stranger.received == []


def test_an_address_that_leads_in_circles_is_given_up(tmp_path: Path) -> None:
    with serving(Script(status=302)) as script:
        script.headers["Location"] = "/acme/r.git/info/refs?service=git-upload-pack"
        with pytest.raises(RepositoryUnreachable):
            opened(script, tmp_path).look()
        assert len(script.received) < 10


NOT_GIT = {
    "a page": (b"<html>Sign in</html>", {"Content-Type": "text/html"}),
    "a page that claims to be git": (b"<html>Sign in</html>", {}),
    "nothing": (b"", {}),
    "no refs and no capabilities": (b"0000", {}),
    "no title": (lines([f"{A} refs/heads/main\0shallow"]), {}),
    "a list without an end": (advertised("upload", f"{A} refs/heads/main", can="shallow")[:-4], {}),
    "half a packet": (advertised("upload", f"{A} refs/heads/main", can="shallow")[:-9], {}),
    "an object without a name": (advertised("upload", "xyz refs/heads/main", can="shallow"), {}),
    "an error": (packet("ERR access is limited for now"), {}),
}


@pytest.mark.parametrize("what", NOT_GIT)
def test_what_is_not_gits_protocol_is_a_wait(tmp_path: Path, what: str) -> None:
    body, headers = NOT_GIT[what]
    with serving(Script({"": body}, headers)) as script, pytest.raises(RetryLater):
        opened(script, tmp_path).look()


def test_names_of_another_kind_are_refused(tmp_path: Path) -> None:
    body = advertised("upload", f"{A}{'a' * 24} HEAD", can="object-format=sha256 shallow")
    with serving(Script({"": body})) as script, pytest.raises(GitNamesUnknown):
        opened(script, tmp_path).look()


def test_a_server_that_falls_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "SILENCE_SECONDS", 0.5)
    body = lines(["# service=git-upload-pack"])
    with serving(Script({"": body}, hang=True)) as script, pytest.raises(RetryLater, match="connection failed"):
        opened(script, tmp_path).look()


@pytest.mark.parametrize("lacking", ["atomic", "report-status", "side-band-64k", "delete-refs"])
def test_a_push_that_would_not_be_safe_is_not_made(tmp_path: Path, lacking: str) -> None:
    offered = {"atomic", "report-status", "side-band-64k", "delete-refs"} - {lacking}
    body = advertised("receive", f"{A} {TIP}", f"{A} {LINEAGE}", can=" ".join(sorted(offered)))
    with serving(Script({"GET": body})) as script, pytest.raises(GitServerLacks, match=lacking):
        opened(script, tmp_path).push(Refs(targets={TIP: A, LINEAGE: A}), {TIP: "", LINEAGE: ""})
    assert [each.split()[0] for each in script.received] == ["GET"]


def report(*results: str, said: str = "") -> bytes:
    inner = lines(results)
    return (packet(b"\2" + said.encode()) if said else b"") + packet(b"\1" + inner) + b"0000"


REPORTS: dict[str, tuple[bytes, type[Exception] | None]] = {
    "all moved": (report("unpack ok", f"ok {TIP}"), None),
    "in pieces": (
        b"".join(packet(b"\1" + bytes([byte])) for byte in lines(["unpack ok", f"ok {TIP}"])) + b"0000",
        None,
    ),
    "the end is missing": (report("unpack ok", f"ok {TIP}")[:-4], None),
    "the report is cut": (report("unpack ok", f"ok {TIP}")[:-20], RetryLater),
    "no report": (b"0000", RetryLater),
    "another ref": (report("unpack ok", "ok refs/heads/other"), RetryLater),
    "not unpacked": (report("unpack index-pack abnormal exit", f"ng {TIP} unpacker error"), ObjectsRefused),
    "not received": (
        report("unpack index-pack abnormal exit", f"ng {TIP} unpacker error", said="fatal: early EOF"),
        RetryLater,
    ),
    "a rule": (report("unpack ok", f"ng {TIP} push declined due to repository rule violations"), PushRejected),
    "a rule, in words": (report("unpack ok", f"ng {TIP} no", said="error: GH006: Protected branch"), PushRejected),
    "archived": (report("unpack ok", f"ng {TIP} no", said="This was archived so it is read-only"), RepositoryArchived),
    "died": (packet(b"\2remote: pack too large\n") + packet(b"\3fatal: gone"), RetryLater),
}


@pytest.mark.parametrize("what", REPORTS)
def test_a_report_is_read_to_its_end(tmp_path: Path, what: str) -> None:
    answer, expected = REPORTS[what]
    can = "report-status side-band-64k delete-refs"
    with serving(Script({"GET": advertised("receive", f"{A} {TIP}", f"{B} {LINEAGE}", can=can), "POST": answer})) as it:
        repository = opened(it, tmp_path)
        if expected is None:
            repository.push(Refs(targets={TIP: A}), {TIP: B})
            return
        with pytest.raises(expected):
            repository.push(Refs(targets={TIP: A}), {TIP: B})


# -- git's processes ----------------------------------------------------------------------------------------------


def test_a_process_has_a_time_limit_and_takes_its_children_along(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.seeded()
    programs, children = tmp_path / "programs", tmp_path / "children"
    programs.mkdir()
    (programs / "git").write_text(f"#!/bin/sh\nsleep 250 &\necho $! >> {children}\nwait\n")
    (programs / "git").chmod(0o755)
    with remote.git.open(remote.full_name) as repository:
        refs = repository.look()
        monkeypatch.setattr(processes, "TIME_LIMIT_SECONDS", 0.3)
        monkeypatch.setitem(processes._VARIABLES, "PATH", f"{programs}:{os.environ['PATH']}")  # not for the stand-in
        for act in (
            lambda: repository.import_commit(template(a=b"a\n"), "m"),
            lambda: repository.fetch(refs.tip),
            lambda: repository.message(refs.tip),
            lambda: repository.push(Refs(), {"refs/heads/x": A}),
        ):
            with pytest.raises(RetryLater, match="took longer than"):
                act()
        monkeypatch.undo()
    started = [int(number) for number in children.read_text().split()]
    assert len(started) >= 4
    alive = [psutil.Process(number) for number in started if psutil.pid_exists(number)]
    assert psutil.wait_procs(alive, timeout=60)[1] == []


def test_the_token_is_in_no_argument_and_in_no_file(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, trace = remote.seeded(), tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))
    with remote.git.open(remote.full_name) as repository:
        repository.fetch(repository.look().tip)
        repository.blob(repository.entries(repository.commit(first).tree)["a.txt"])
        written = [path.read_bytes() for path in repository.path.rglob("*") if path.is_file()]
        secret = repository._conversation.authorization.partition(" ")[2]
    started = [json.loads(line) for line in trace.read_text().splitlines()]
    arguments = json.dumps([event["argv"] for event in started if event["event"] in ("start", "child_start")])
    assert "remote-http" in arguments, "git has fetched by itself, too"
    for word in (secret, remote.github.token):
        assert word not in arguments
        assert not [content for content in written if word.encode() in content]
