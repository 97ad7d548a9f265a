"""Small things that GitHub tells: a branch's protection, a repository's key, how long to wait; and git's import."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from nacl.public import PrivateKey, SealedBox

import custom_resources.clients as clients_module
from custom_resources.clients import FunctionClients, denials
from custom_resources.clients.git.failures import GitFailed
from custom_resources.clients.git.importing import import_files
from custom_resources.clients.git.model import Merge, Refs, Stage
from custom_resources.clients.github import GitHub
from custom_resources.clients.github_secrets import PublicKey, put_secrets
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import AnswerIncomplete, ImportFailed, RequestRefused
from custom_resources.template_content import TemplateFile

X = "/repos/acme/x"


class Connection:
    """Answers each request in turn, or raises, and notes it."""

    def __init__(self, *answers: Any) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._answers = list(answers)

    def _next(self, *asked: Any) -> Any:
        self.asked.append(asked)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def find(self, activity: str, path: str) -> Any:
        return {}, self._next(activity, path)

    def call(self, activity: str, verb: str, path: str, body: Any = None) -> Any:
        return self._next(activity, verb, path, body)


def github(connection: Connection) -> GitHub:
    hub = GitHub("https://api.github.com", lambda: GitHubCredentials(token="t"))
    vars(hub)["_connection"] = connection
    return hub


@pytest.mark.parametrize(
    ("data", "protected"),
    [({"protected": True}, True), ({"protected": False}, False), (None, False), ({"protected": None}, False)],
)
def test_a_branch_is_protected_where_github_says_so(data: Any, protected: bool) -> None:
    connection = Connection(data)
    assert github(connection).is_protected("acme/x", "a/b c") is protected
    assert connection.asked == [("reading the branch a/b c of acme/x", f"{X}/branches/a%2Fb%20c")]


def test_an_answer_that_does_not_say_it_is_incomplete() -> None:
    with pytest.raises(AnswerIncomplete) as cut:
        github(Connection({})).is_protected("acme/x", "main")
    assert cut.value.seconds == 5
    assert cut.value.holes == {"activity": "reading the branch main of acme/x"}


# -- a repository's key ----------------------------------------------------------------------------------------------

KEYS = [PrivateKey.generate() for _ in range(2)]


def key(number: int) -> dict[str, str]:
    return {"key": base64.b64encode(bytes(KEYS[number].public_key)).decode(), "key_id": f"k{number}"}


READ = ("reading the public key of acme/x", "GET", f"{X}/actions/secrets/public-key", None)


def opened(number: int, body: dict[str, str]) -> bytes:
    return bytes(SealedBox(KEYS[number]).decrypt(base64.b64decode(body["encrypted_value"])))


def test_a_key_is_read_again_once_for_all_who_were_refused_with_it() -> None:
    connection: Any = Connection(key(0), key(1), key(1))
    found = PublicKey(connection, "acme/x", f"{X}/actions/secrets")
    sealed = found.sealed("one")
    assert (sealed["key_id"], opened(0, sealed)) == ("k0", b"one")
    assert found.replaced("k0") is True
    assert found.replaced("k0") is True
    assert connection.asked == [READ, READ], "the second knows it already"
    sealed = found.sealed("two")
    assert (sealed["key_id"], opened(1, sealed)) == ("k1", b"two")
    assert found.replaced("k1") is False
    assert connection.asked == [READ] * 3


def test_a_secret_is_sealed_again_for_another_key_only() -> None:
    refused = RequestRefused(activity="setting", message="No", status=422)
    connection: Any = Connection(key(0), refused, key(1), None)
    done: list[str] = []
    put_secrets(connection, "acme/x", f"{X}/actions/secrets", {"A b": "one"}, done.append)
    setting = ("setting the secret A b of acme/x", "PUT", f"{X}/actions/secrets/A%20b")
    assert [each[:3] for each in connection.asked] == [READ[:3], setting, READ[:3], setting]
    bodies = [each[3] for each in connection.asked if each[1] == "PUT"]
    assert [body["key_id"] for body in bodies] == ["k0", "k1"]
    assert [opened(number, body) for number, body in enumerate(bodies)] == [b"one", b"one"]
    assert done == ["A b"]
    same: Any = Connection(key(0), refused, key(0))
    with pytest.raises(RequestRefused) as again:
        put_secrets(same, "acme/x", f"{X}/actions/secrets", {"A": "one"})
    assert again.value is refused
    nothing: Any = Connection()
    put_secrets(nothing, "acme/x", X, {})
    assert nothing.asked == []


@pytest.mark.parametrize("spoilt", [{}, {**key(0), "key": "no base64!"}, {**key(0), "key_id": None}, None])
def test_a_key_that_cannot_be_read_is_an_incomplete_answer(spoilt: Any) -> None:
    connection: Any = Connection(spoilt)
    with pytest.raises(AnswerIncomplete) as cut:
        PublicKey(connection, "acme/x", f"{X}/actions/secrets")
    assert cut.value.holes == {"activity": READ[0]}


# -- how long to wait ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Thu, 01 Jan 2026 00:00:10 GMT", 10.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("soon", 60.0),
        ("", 60.0),
        ("Thu, 99 Jan 2026 00:00:10 GMT", 60.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(monkeypatch: pytest.MonkeyPatch, after: str, seconds: float) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_767_225_600.0)  # 2026-01-01
    assert denials._seconds(after) == seconds


@pytest.mark.parametrize(
    ("headers", "limited", "seconds"),
    [
        ({}, True, None),
        ({"x-ratelimit-remaining": "0"}, True, 60.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1030"}, False, 30.0),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "1030"}, True, None),
        ({"x-ratelimit-reset": "1030"}, True, 30.0),
        ({"x-ratelimit-reset": "1030"}, False, None),
        ({"retry-after": "9", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1030"}, False, 9.0),
        ({"x-ratelimit-remaining": 0, "x-ratelimit-reset": 9999}, False, 3600.0),
        ({"x-ratelimit-remaining": 0, "x-ratelimit-reset": 900}, False, 1.0),
    ],
)
def test_a_wait_is_what_the_headers_ask_for(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, Any], limited: bool, seconds: float | None
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    assert denials.seconds_asked(headers, limited=limited) == seconds


# -- the clients of a function ---------------------------------------------------------------------------------------


def test_aws_is_called_up_to_five_times_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def client(service: str, **given: Any) -> str:
        asked.append((service, given.pop("config").retries, given))
        return "made"

    monkeypatch.setattr("boto3.client", client)
    assert clients_module._boto3_client("s3") == "made"
    assert FunctionClients({})._client("ssm", region_name="us-east-1") == "made"
    retries = {"mode": "standard", "total_max_attempts": 5}
    assert asked == [("s3", retries, {}), ("ssm", retries, {"region_name": "us-east-1"})]


# -- git, without git ------------------------------------------------------------------------------------------------


class Importing:
    """git fast-import, which answers so; what it reads is kept."""

    def __init__(self, answer: bytes | GitFailed) -> None:
        self.answer = answer
        self.asked: list[tuple[tuple[str, ...], bytes, bool]] = []

    def run(self, *command: str, stdin: Any, offline: bool) -> tuple[int, bytes]:
        self.asked.append((command, stdin.read(), offline))
        if isinstance(self.answer, GitFailed):
            raise self.answer
        return 0, self.answer


@pytest.mark.parametrize(
    ("parent", "line", "offline"), [("", b"", True), ("p" * 40, b"merge " + b"p" * 40 + b"\n", False)]
)
def test_files_are_imported_in_one_stream(parent: str, line: bytes, offline: bool) -> None:
    processes: Any = Importing(b" sha\n")
    noted: list[str] = []
    files = [TemplateFile('a "b"\\\n\udcff', b"x\n", True), TemplateFile("c", b"", False)]
    made = import_files(processes, files, noted.append, message="Ä", parent=parent, when="1000 +0000")
    assert made == "sha"
    stream = (
        b"commit refs/import/commit\nmark :1\n"
        b"committer Studio project template <studio-project-template@users.noreply.github.com> 1000 +0000\n"
        b"data 2\n\xc3\x84\n" + line + b'M 100755 inline "a \\"b\\"\\\\\\n\xff"\ndata 2\nx\n\n'
        b'M 100644 inline "c"\ndata 0\n\nget-mark :1\n'
    )
    assert processes.asked == [(("fast-import", "--quiet", "--force"), stream, offline)]
    assert noted == ["587be6b4c3f93f93c489c0111bba5596147a26cb", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"]


def test_an_import_that_fails_is_told() -> None:
    processes: Any = Importing(GitFailed("fast-import", 128, "fatal: no such path.\n"))
    with pytest.raises(ImportFailed) as failed:
        import_files(processes, [], str, message="m", parent="", when="0 +0000")
    assert failed.value.__suppress_context__
    assert failed.value.holes == {"message": "fatal: no such path"}


def test_refs_and_conflicts_are_told_by_name() -> None:
    refs = Refs("main", {"refs/heads/main": "1", "refs/heads/b": "2", "refs/tags/b": "3"})
    assert (refs.tip, refs["refs/heads/b"], refs["refs/heads/c"]) == ("1", "2", "")
    assert refs.below("refs/heads/") == {"refs/heads/main": "1", "refs/heads/b": "2"}
    assert (Refs().tip, Refs("", {"refs/heads/": "1"}).tip, Refs("gone", {}).tip) == ("", "", "")
    stages = tuple(Stage(number, "100644", "1", f"{path}~x", path) for number, path in ((2, "b"), (3, "b"), (2, "a")))
    assert Merge("t", False, stages).conflicts == ("b", "a")
