"""What git and its servers say when they fail: what it means, how long to wait, and what is repeated of it."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import urllib3

from custom_resources.clients.git import (
    BareRepository,
    Git,
    PushRejected,
    RepositoryArchived,
    conversation,
    merging,
    processes,
)
from custom_resources.clients.git.conversation import Conversation
from custom_resources.clients.git.failures import GitFailed, RequestFailed, Translator, clean
from custom_resources.errors import (
    ContentRefused,
    CredentialsRejected,
    GitDenied,
    GitFailing,
    GitLimited,
    GitMissing,
    ImportFailed,
    RepositoryTooLarge,
    RepositoryUnreachable,
    TokenRotated,
)
from custom_resources.template_content import TemplateFile

URL = "https://github.com/acme/rate-limit-not-found.git"


def understood(said: str, *, pushing: bool = False, rotated: bool = False, **more: Any) -> Exception:
    failed = RequestFailed(said, **more) if more else GitFailed("fetch", 128, said)
    translator = Translator(URL, lambda: rotated)
    return translator.of_pushing(failed) if pushing else translator.of_reading(failed)


READING: dict[str, type[Exception]] = {
    "remote: Repository not found.": RepositoryUnreachable,
    f"fatal: repository '{URL}' not found": RepositoryUnreachable,
    "The requested URL returned error: 404": RepositoryUnreachable,
    "fatal: '/x' does not exist": RepositoryUnreachable,
    "fatal: Authentication failed for 'x'": CredentialsRejected,
    "The requested URL returned error: 401": CredentialsRejected,
    "fatal: could not read Username for 'x'": CredentialsRejected,
    "You have exceeded a secondary rate limit": GitLimited,
    "Too Many Requests": GitLimited,
    "The requested URL returned error: 429": GitLimited,
    "The requested URL returned error: 403": GitDenied,
    "The requested URL returned error: 500": GitFailing,
    "error: No space left on device": RepositoryTooLarge,
    "": GitFailing,
    f"unable to access '{URL}'": GitFailing,  # the repository's own name is no word of the server
}


@pytest.mark.parametrize("said", READING)
@pytest.mark.parametrize("pushing", [False, True])
def test_a_servers_word_has_one_meaning(said: str, pushing: bool) -> None:
    failure = understood(said, pushing=pushing)
    assert type(failure) is READING[said]
    if isinstance(failure, (GitDenied, GitFailing, GitLimited, RepositoryUnreachable)):
        assert ("pushing to the repository" if pushing else "reading the repository") in str(failure)


REFUSED = ("protected branch hook declined", "GH006: x", "GH013: x", "Repository rule violations found",
           "pre-receive hook declined", "'refs/heads/a' exists; cannot create 'refs/heads/a/b'",
           "directory file conflict")  # fmt: skip
STALE = ("stale info", "fetch first", "non-fast-forward", "cannot lock ref 'x'", "failed to update ref",
         "reference already exists", "incorrect old value provided")  # fmt: skip
FOR_GOOD = ("to update workflow `x` without `workflow` scope", "refusing to allow an OAuth App without `workflow",
            "refusing to allow an integration to create it", "it came without `workflow rights",
            "GH001: Large files detected", "exceeds GitHub's file size limit", "GH007: private email")  # fmt: skip


@pytest.mark.parametrize("said", [*REFUSED, *STALE])
def test_a_refused_push_is_a_rule_or_a_ref_that_has_moved(said: str) -> None:
    failure = understood(f"! [remote rejected] main ({said})", pushing=True)
    assert isinstance(failure, PushRejected)
    assert failure.stale is (said in STALE)
    assert str(failure) == f"[remote rejected] main ({said})"


@pytest.mark.parametrize("said", FOR_GOOD)
def test_content_that_is_refused_is_refused_for_good(said: str) -> None:
    failure = understood(f"remote: {said}.", pushing=True)
    assert isinstance(failure, ContentRefused)
    assert said in str(failure)
    assert ".." not in str(failure)


def test_an_archived_repository_is_known_by_its_word() -> None:
    failure = understood("remote: This repository was archived so it is read-only.", pushing=True)
    assert isinstance(failure, RepositoryArchived)
    assert str(failure) == "This repository was archived so it is read-only."


@pytest.mark.parametrize(("asked", "seconds"), [(0, 60), (7, 7)])
def test_a_limit_is_waited_for_as_long_as_the_server_asks(asked: float, seconds: float) -> None:
    failure = understood("slow down", status=429, seconds=asked)
    assert isinstance(failure, GitLimited)
    assert failure.seconds == seconds


@pytest.mark.parametrize("seconds", [1, 9])
def test_a_server_that_asks_for_a_wait_limits_whatever_its_status(seconds: float) -> None:
    failure = understood("busy", status=503, seconds=seconds)
    assert isinstance(failure, GitLimited)
    assert failure.seconds == seconds


def test_a_failure_that_passes_is_tried_again_soon() -> None:
    failing, rotated = understood("gone"), understood("returned error: 401", rotated=True)
    assert isinstance(failing, GitFailing)
    assert isinstance(rotated, TokenRotated)
    assert (failing.seconds, rotated.seconds) == (5, 0)


@pytest.mark.parametrize(
    ("said", "repeated"),
    [
        ("remote: no\n\n  remote: way \n", "no way"),
        ("To https://x:ghs_canary@github.com/a/b\n! [rejected] *", "[rejected]"),
        ("Cloning into x\nDone\nbad https://x:ghs_canary@github.com/a", "bad https://github.com/a"),
        ("x" * 700, "x" * 600),
        ("", ""),
    ],
)
def test_a_servers_word_is_one_line_without_credentials(said: str, repeated: str) -> None:
    assert clean(said) == repeated


def test_a_failure_names_what_failed() -> None:
    assert str(GitFailed("fetch", 128, "fatal: x")) == "git fetch ended with 128: fatal: x"
    assert str(RequestFailed("gone")) == "gone"
    assert str(RequestFailed("busy", 503, 7)) == "busy (503)"
    assert (RequestFailed("gone").seconds, RequestFailed("busy", 503, 7).seconds) == (0, 7)


# -- git's own processes ---------------------------------------------------------------------------------------------


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[BareRepository]:
    git = Git("https://127.0.0.1:9", lambda _: "ghs_canary", lambda rejected: False)  # nobody answers there
    repository = BareRepository(git, "acme/r", tmp_path, 1_700_000_000)
    repository.start()
    yield repository
    repository.close()


def in_place_of_git(monkeypatch: pytest.MonkeyPatch, bare: BareRepository, script: str) -> None:
    """Let a shell script be what is started."""

    def start(arguments: Sequence[str], stdin: Any, **_: Any) -> subprocess.Popen[bytes]:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
        return subprocess.Popen(["sh", "-c", script], stdin=stdin, **pipes)

    monkeypatch.setattr(bare._processes, "start", start)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("fatal: unable to access: The requested URL returned error: 429", GitLimited),
        ("fatal: Authentication failed", CredentialsRejected),
        ("remote: Repository not found", RepositoryUnreachable),
        ("fatal: write error: No space left on device", RepositoryTooLarge),
    ],
)
@pytest.mark.parametrize("read", ["blob", "commit", "message", "entries"])
def test_a_fetch_on_demand_that_fails_is_told_by_gits_own_word(
    monkeypatch: pytest.MonkeyPatch, bare: BareRepository, said: str, kind: type[Exception], read: str
) -> None:
    """`cat-file` fetches what is not here, and tells why it could not on standard error alone."""
    in_place_of_git(monkeypatch, bare, f'echo "{said}" >&2; read name; echo "$name missing"')
    if (read, kind) == ("message", RepositoryTooLarge):
        assert bare.message("9" * 40) == ""
        return
    with pytest.raises(kind):
        getattr(bare, read)("9" * 40)


def test_a_fetch_on_demand_that_dies_is_told_too(monkeypatch: pytest.MonkeyPatch, bare: BareRepository) -> None:
    in_place_of_git(monkeypatch, bare, 'read name; echo "$name blob 9"; echo "returned error: 429" >&2')
    with pytest.raises(GitLimited):
        bare.blob("9" * 40)


def test_an_object_of_another_kind_is_not_what_was_asked_for(bare: BareRepository) -> None:
    tree = bare.empty_tree()
    commit = bare.commit_tree(tree, (), "m")
    for read, name, what in (
        (bare.blob, tree, "no content"),
        (bare.commit, tree, "no commit"),
        (bare.entries, commit, "no tree"),
    ):
        with pytest.raises(GitFailing, match=f"the object {name} is {what}"):
            read(name)
    assert bare.message(tree) == ""
    assert bare.message(commit) == "m", "the next object is read as if nothing had been"


def test_a_process_that_fails_says_so_with_both_its_streams(bare: BareRepository) -> None:
    with pytest.raises(GitFailed, match="git rev-parse ended with 128: fatal: Needed a single revision"):
        bare._processes.run("rev-parse", "--verify", "unknown", offline=True)
    with pytest.raises(GitFailed, match="git index-pack ended with 128"):
        bare._processes.feed("index-pack", "--stdin", blocks=[b"no pack"], settings={}, environment={})
    with (bare.path / "out").open("wb") as out, pytest.raises(GitFailed, match="git cat-file ended with 128"):
        bare._processes.pour("cat-file", "-p", "unknown", stdin=b"", into=out)
    assert bare._processes.run("rev-parse", "--verify", "unknown", status=(128,), offline=True)[0] == 128


def test_what_failed_is_told_by_both_of_its_streams(monkeypatch: pytest.MonkeyPatch, bare: BareRepository) -> None:
    in_place_of_git(monkeypatch, bare, "echo one >&2; echo two; exit 1")
    with pytest.raises(GitFailed) as failed:
        bare._processes.run("fetch")
    assert str(failed.value) == "git fetch ended with 1: one two"


def test_a_disk_that_takes_no_more_is_told_of_what_is_poured(bare: BareRepository) -> None:
    class Full:
        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

    bare._objects.store("blob", b"x")
    with pytest.raises(GitFailed, match="No space left on device"):
        bare._processes.pour("version", stdin=b"", into=Full())  # type: ignore[arg-type]


def test_git_that_is_not_there_is_said(bare: BareRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(processes._VARIABLES, "PATH", str(bare.path))
    with pytest.raises(GitMissing):
        bare._processes.run("version")


def test_files_that_cannot_be_imported_are_said(bare: BareRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    in_place_of_git(monkeypatch, bare, 'echo "fatal: invalid path." >&2; exit 1')
    with pytest.raises(ImportFailed) as failed:
        bare.import_commit([TemplateFile("a", b"a")], "m")
    assert "fatal: invalid path" in str(failed.value)
    assert "path.." not in str(failed.value)


def test_a_difference_is_shown_as_a_patch(bare: BareRepository) -> None:
    old = bare.commit(bare.import_commit([TemplateFile("a", b"one\n")], "m")).tree
    new = bare.commit(bare.import_commit([TemplateFile("a", b"two\n")], "m")).tree
    patch = bare.patch(old, new)
    assert "-one\n+two\n" in patch
    assert patch.startswith("diff --git a/a b/a")
    assert bare.patch(old, old) == ""


@pytest.mark.parametrize(("number", "kind"), [(28, RepositoryTooLarge), (5, OSError)])
def test_attributes_that_cannot_be_written_are_told(
    bare: BareRepository, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    def fails(place: Path, content: bytes) -> int:
        raise OSError(number, os.strerror(number))

    blob = bare._objects.store("blob", b"* merge=union\n")
    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(kind), merging.checkout(bare._processes, bare._objects, {".gitattributes": blob}):
        pass


# -- requests --------------------------------------------------------------------------------------------------------


def test_a_token_is_a_header_and_git_gets_it_as_a_setting() -> None:
    conversation = Conversation("https://github.com/acme/r.git", lambda: "ghs_x")
    header = "Basic eC1hY2Nlc3MtdG9rZW46Z2hzX3g="
    assert conversation.authorization == header
    assert conversation.settings() == {
        "http.https://github.com/acme/r.git.extraHeader": f"Authorization: {header}",
        "remote.origin.url": "https://github.com/acme/r.git",
        "remote.origin.promisor": "true",
        "remote.origin.partialCloneFilter": "blob:none",
        "http.lowSpeedLimit": "1000",
        "http.lowSpeedTime": "60",
    }


def test_a_process_gets_our_settings_only(bare: BareRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/somebody's")
    offline, online = bare._processes.environment(offline=True), bare._processes.environment(settings={"a.b": "c"})
    settings = settings_of(online)
    assert settings_of(offline) == processes._SETTINGS
    assert settings == {**processes._SETTINGS, **bare._remote_settings(), "a.b": "c"}
    assert (online["GIT_CONFIG_GLOBAL"], online["GIT_CONFIG_NOSYSTEM"]) == (os.devnull, "1")
    assert (online["GIT_TERMINAL_PROMPT"], online["LC_ALL"], online["HOME"]) == ("0", "C", str(bare._processes.home))
    assert "Authorization" not in str(offline)


def settings_of(environment: dict[str, str]) -> dict[str, str]:
    numbers = range(int(environment["GIT_CONFIG_COUNT"]))
    return {environment[f"GIT_CONFIG_KEY_{n}"]: environment[f"GIT_CONFIG_VALUE_{n}"] for n in numbers}


def test_a_repository_is_gone_after_its_block() -> None:
    git = Git("https://127.0.0.1:9", lambda _: "ghs_canary", lambda rejected: False)
    with git.open("acme/r", 1_700_000_000.9) as repository:
        home, made = repository.path.parent, repository.commit_tree(repository.empty_tree(), (), "m")
        assert repository._when == "1700000000 +0000"
    with git.open("acme/r", 1_700_000_000) as repository:
        assert repository.commit_tree(repository.empty_tree(), (), "m") == made, "a retry makes the same commits"
    assert not home.exists()


def test_what_is_open_is_closed_when_the_block_ends_also_by_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    monkeypatch.setattr(BareRepository, "close", lambda bare: closed.append(str(bare.path)))
    git = Git("https://github.com", lambda _: "x", lambda _: False)
    with git.open("acme/r") as repository:
        assert closed == []
    with pytest.raises(ZeroDivisionError), git.open("acme/r") as other:
        raise ZeroDivisionError
    assert closed == [str(repository.path), str(other.path)]
    assert not repository.path.parent.exists()


def test_moving_to_another_remote_forgets_what_was_fetched(bare: BareRepository) -> None:
    made = bare.commit_tree(bare.empty_tree(), (), "m")
    assert bare.message(made) == "m"
    reading = bare._objects._process
    bare.move("acme/moved")
    assert reading is not None
    assert reading.poll() is not None, "the process that read the former repository's objects has ended"
    assert not bare.path.exists()
    assert bare._conversation.url == "https://127.0.0.1:9/acme/moved.git"
    bare.start()
    with pytest.raises(GitFailing):
        bare.message(made)


def test_a_body_that_comes_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    raw = urllib3.HTTPResponse(io.BytesIO(b"pack" * 5), preload_content=False)
    body = conversation._Body(raw, 30)
    content = bytearray(4)
    now = 130.0
    assert body.readinto(content) == 4 and content == b"pack"
    now = 130.5
    with pytest.raises(RequestFailed, match="the transfer took longer than 30 seconds"):
        body.readinto(content)
