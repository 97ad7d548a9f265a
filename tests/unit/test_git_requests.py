"""Requests to a Git server as they are sent, and what each answer to one means; nothing is contacted."""

from __future__ import annotations

import base64
import gzip
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from custom_resources.clients import request_limit
from custom_resources.clients.git import upload_pack
from custom_resources.clients.git.conversation import Conversation, Service
from custom_resources.clients.git.failures import PushRejected, RequestFailed, ServerRefused
from custom_resources.clients.git.model import ZERO, Refs
from custom_resources.clients.git.packets import Mark, lines, packet
from custom_resources.clients.git.receive_pack import Move, push
from custom_resources.clients.git.upload_pack import Advertisement, at_once, by_name, look
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.errors import GitNamesUnknown, GitServerLacks, OutOfTime, RepositoryTooManyNames, TooManyRequests

URL = "https://github.example/acme/r.git"
READ: Service = "git-upload-pack"
GIT = {"Content-Type": "application/x-git-upload-pack-result"}
A, B, C = "a" * 40, "b" * 40, "c" * 40


@dataclass
class Answer:
    """An answer of a Git server."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: GIT)
    file: io.BytesIO | None = None


@dataclass
class Sent:
    """A request as it leaves the machine."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    options: Mapping[str, Any]


@dataclass
class Server:
    """Answers in turn what a test wants, in place of a network."""

    answers: list[Answer | Exception]
    sent: list[Sent] = field(default_factory=list)

    def send(self, adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        body: Any = request.body
        data: bytes = body if isinstance(body, bytes) else body.read() if body else b""
        headers = {str(name): str(value) for name, value in request.headers.items()}
        self.sent.append(Sent(str(request.method), str(request.url), headers, data, options))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        raw = urllib3.HTTPResponse(
            answer.file or io.BytesIO(answer.body),
            status=answer.status,
            headers=dict(answer.headers),
            preload_content=False,
            decode_content=False,  # as the adapter has it
        )
        return adapter.build_response(request, raw)


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Server]:
    def served(*answers: Answer | Exception) -> Server:
        server = Server(list(answers))

        def answered(adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            return server.send(adapter, request, **options)

        monkeypatch.setattr(HTTPAdapter, "send", answered)
        return server

    for name in ("GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return served


class Left(RequestLimit):
    """A limit of a call that has so many seconds left."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def left(self, most: float) -> float:
        return min(most, self.seconds)


def talk(limit: RequestLimit | None = None) -> Conversation:
    return Conversation(URL, lambda: "ghs_canary", limit)


def asked(conversation: Conversation, body: bytes = b"0000", version: int = 0) -> bytes | Mark:
    with conversation.request(READ, body, version) as packets:
        return packets.read()


def listed(conversation: Conversation) -> bytes | Mark:
    with conversation.advertisement(READ) as packets:
        return packets.read()


# -- what is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "protocol"), [(0, None), (2, "version=2")])
def test_a_service_is_asked_in_gits_own_words(
    serving: Callable[..., Server], version: int, protocol: str | None
) -> None:
    server = serving(Answer(packet("yes")))
    assert asked(talk(), b"0009want\n", version) == b"yes"
    [sent] = server.sent
    assert (sent.method, sent.url, sent.body) == ("POST", f"{URL}/git-upload-pack", b"0009want\n")
    assert sent.headers["Content-Type"] == "application/x-git-upload-pack-request"
    assert sent.headers["Accept"] == "application/x-git-upload-pack-result"
    assert sent.headers["User-Agent"].startswith("git/"), "GitHub serves Git to no other agent"
    assert sent.headers.get("Git-Protocol") == protocol
    assert sent.headers["Authorization"] == "Basic " + base64.b64encode(b"x-access-token:ghs_canary").decode()


@pytest.mark.parametrize(("version", "protocol"), [(0, None), (2, "version=2")])
def test_the_list_of_refs_is_asked_for_in_gits_own_words(
    serving: Callable[..., Server], version: int, protocol: str | None
) -> None:
    server = serving(Answer(packet("yes")))
    with talk().advertisement(READ, version) as packets:
        assert packets.read() == b"yes"
    [sent] = server.sent
    assert (sent.method, sent.url, sent.body) == ("GET", f"{URL}/info/refs?service=git-upload-pack", b"")
    assert sent.headers.get("Git-Protocol") == protocol
    assert not {"Content-Type"} & set(sent.headers)


def test_a_netrc_of_the_machine_is_not_used(
    serving: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine github.example login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    conversation, server = talk(), serving(Answer(packet("yes")))
    asked(conversation)
    assert server.sent[0].headers["Authorization"] == conversation.authorization


@pytest.mark.parametrize(
    ("limit", "timeout"),
    [(None, (20, 60)), (Left(30), (20, 30)), (Left(7), (7, 7))],
)
def test_a_silent_server_is_given_up_while_the_function_can_still_answer(
    serving: Callable[..., Server], limit: RequestLimit | None, timeout: tuple[float, float]
) -> None:
    server = serving(Answer(packet("yes")))
    asked(talk(limit))
    options = server.sent[0].options
    assert (options["timeout"], options["stream"]) == (timeout, True)


@pytest.mark.parametrize(("limit", "seconds"), [(None, 240), (Left(9), 9)])
def test_an_answer_has_so_many_seconds_to_be_complete(
    serving: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, limit: RequestLimit | None, seconds: float
) -> None:
    serving(Answer(packet("yes")))
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with talk(limit).request(READ, b"0000") as packets, pytest.raises(RequestFailed) as failed:
        now = 1000.5 + seconds
        packets.read()
    assert str(failed.value) == f"the transfer took longer than {seconds} seconds"


def test_certificates_are_trusted_as_git_trusts_them(
    serving: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = serving(Answer(packet("yes")), Answer(packet("yes")))
    asked(talk())
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "trusted.pem"))
    asked(talk())
    assert [sent.options["verify"] for sent in server.sent] == [True, str(tmp_path / "trusted.pem")]


def test_each_request_counts(serving: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limit, "MOST", 2)
    limit, server = RequestLimit(), serving(*[Answer(packet("yes"))] * 3)
    limit.begin()
    conversation = talk(limit)
    listed(conversation)
    asked(conversation)
    with pytest.raises(TooManyRequests):
        asked(conversation)
    assert len(server.sent) == 2


def test_nothing_is_sent_when_the_time_is_over(serving: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    limit, server, now = RequestLimit(), serving(), 50.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    limit.begin(100)
    now = 140.0
    with pytest.raises(OutOfTime):
        asked(talk(limit))
    assert server.sent == []


def test_one_token_and_one_connection_serve_all_requests(
    serving: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[requests.Session] = []

    def noted(session: requests.Session) -> None:
        closed.append(session)

    tokens = iter(["first", "second"])
    monkeypatch.setattr(requests.Session, "close", noted)
    serving(*[Answer(packet("yes"))] * 3)
    conversation = Conversation(URL, lambda: next(tokens))
    conversation.close()
    assert closed == [], "none was open"
    asked(conversation)
    session = conversation._open()
    asked(conversation)
    assert conversation._open() is session
    assert conversation.token == "first"
    conversation.close()
    assert closed == [session]
    conversation.close()
    assert closed == [session], "it is closed once"
    asked(conversation)
    assert conversation._open() is not session


# -- where an answer leads -------------------------------------------------------------------------------------------

NEW = "https://github.example/acme/new.git"
REFS = "/info/refs?service=git-upload-pack"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("location", [f"{NEW}{REFS}", f"/acme/new.git{REFS}"])
def test_a_renamed_repository_is_where_the_list_of_refs_leads(
    serving: Callable[..., Server], status: int, location: str
) -> None:
    server = serving(Answer(status=status, headers={"Location": location}), *[Answer(packet("yes"))] * 2)
    conversation = talk()
    assert listed(conversation) == b"yes"
    assert conversation.url == NEW
    asked(conversation)
    assert [sent.url for sent in server.sent] == [f"{URL}{REFS}", f"{NEW}{REFS}", f"{NEW}/git-upload-pack"]


@pytest.mark.parametrize(
    "location",
    [
        f"https://elsewhere.example/acme/r.git{REFS}",
        f"http://github.example/acme/r.git{REFS}",
        f"https://github.example:444/acme/r.git{REFS}",
        "https://github.example/login",
        f"{NEW}/info/refs?service=git-receive-pack",
    ],
)
def test_an_address_that_leads_elsewhere_is_not_followed(serving: Callable[..., Server], location: str) -> None:
    server = serving(Answer(status=301, headers={"Location": location}))
    conversation = talk()
    with pytest.raises(RequestFailed) as failed:
        listed(conversation)
    assert str(failed.value) == "The repository's address leads elsewhere: repository not found"
    assert (len(server.sent), conversation.url) == (1, URL)


def leading(number: int) -> Answer:
    return Answer(status=301, headers={"Location": f"/acme/{number}.git{REFS}"})


def test_three_renames_are_followed_and_no_fourth(serving: Callable[..., Server]) -> None:
    server = serving(*map(leading, range(3)), Answer(packet("yes")))
    assert listed(talk()) == b"yes"
    assert len(server.sent) == 4
    server = serving(*map(leading, range(4)), Answer(packet("yes")))
    with pytest.raises(RequestFailed) as failed:
        listed(talk())
    assert str(failed.value) == "The repository's address leads in circles: repository not found"
    assert len(server.sent) == 4


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_request_with_a_body_is_not_sent_again_to_where_it_leads(serving: Callable[..., Server], status: int) -> None:
    server = serving(Answer(packet("yes"), status, {**GIT, "Location": f"{NEW}/git-upload-pack"}))
    with pytest.raises(RequestFailed) as failed:
        asked(talk())
    assert str(failed.value) == "the repository was renamed meanwhile"
    assert len(server.sent) == 1


@pytest.mark.parametrize(("status", "headers"), [(301, {}), (303, {"Location": NEW}), (304, {"Location": NEW})])
def test_a_status_that_leads_nowhere_is_an_error(
    serving: Callable[..., Server], status: int, headers: dict[str, str]
) -> None:
    serving(Answer(status=status, headers=headers))
    with pytest.raises(RequestFailed) as failed:
        listed(talk())
    assert failed.value.status == status


def test_a_location_beside_a_good_answer_leads_nowhere(serving: Callable[..., Server]) -> None:
    serving(Answer(packet("yes"), 200, {**GIT, "Location": NEW}))
    assert asked(talk()) == b"yes"


# -- answers that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text/html", "application/json", "", "text/plain; of=application/x-git-upload-pack"])
def test_a_page_is_no_answer_of_a_git_server(serving: Callable[..., Server], kind: str) -> None:
    serving(Answer(packet("yes"), 200, {"Content-Type": kind} if kind else {}))
    with pytest.raises(RequestFailed) as failed:
        asked(talk())
    assert (str(failed.value), failed.value.status) == ("the answer is not a Git server's", 0)


TEXT, PAGE = {"Content-Type": "text/plain; charset=utf-8"}, {"Content-Type": "text/html"}
ERRORS: dict[str, tuple[Answer, str, int, float]] = {
    "its text is repeated": (Answer(b"busy", 503, TEXT), "busy (503)", 503, 0),
    "a text without markup is left as it is": (Answer(b"a < b > c", 500, TEXT), "a < b > c (500)", 500, 0),
    "a page's text, without its markup": (Answer(b"<html><b>Sign</b> in</html>", 401, PAGE), "Sign in (401)", 401, 0),
    "other content is not repeated": (Answer(b"\0\1", 500, {"Content-Type": "image/png"}), " (500)", 500, 0),
    "content without a type is not repeated": (Answer(b"busy", 500, {}), " (500)", 500, 0),
    "what is no text is made readable": (Answer(b"a\xffb", 500, TEXT), "a\ufffdb (500)", 500, 0),
    "packed text is unpacked": (
        Answer(gzip.compress(b"busy"), 503, {**TEXT, "Content-Encoding": "gzip"}), "busy (503)", 503, 0
    ),
    "another success is none": (Answer(b"", 204, GIT), " (204)", 204, 0),
    "a wait that the server asks for": (Answer(b"busy", 503, {**TEXT, "Retry-After": "7"}), "busy (503)", 503, 7),
    "a limit": (Answer(b"", 429, {"X-RateLimit-Reset": "1030"}), " (429)", 429, 30),
    "a limit in words": (
        Answer(b"rate limit", 403, {**TEXT, "X-RateLimit-Reset": "1030"}), "rate limit (403)", 403, 30
    ),
    "a denial": (Answer(b"write access", 403, {**TEXT, "X-RateLimit-Reset": "1030"}), "write access (403)", 403, 0),
    "an error that quotes a limit": (
        Answer(b"rate limit", 500, {**TEXT, "X-RateLimit-Reset": "1030"}), "rate limit (500)", 500, 0
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ERRORS)
def test_an_error_says_what_the_server_said_and_how_long_to_wait(
    serving: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    answer, said, status, seconds = ERRORS[what]
    serving(answer)
    monkeypatch.setattr("time.time", lambda: 1000.0)
    with pytest.raises(RequestFailed) as failed:
        asked(talk())
    assert (str(failed.value), failed.value.status, failed.value.seconds) == (said, status, seconds)


def test_the_first_four_kilobytes_of_an_error_are_read(serving: Callable[..., Server]) -> None:
    serving(Answer(b"x" * 5000, 500, TEXT))
    with pytest.raises(RequestFailed) as failed:
        asked(talk())
    assert failed.value.said == "x" * 4096 + "\nThe requested URL returned error: 500"


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (requests.exceptions.SSLError("self signed"), "certificate verification failed: self signed"),
        (requests.exceptions.ConnectTimeout("x"), "the connection failed (ConnectTimeout)"),
        (requests.exceptions.ConnectionError("ghs_canary"), "the connection failed (ConnectionError)"),
        (urllib3.exceptions.ProtocolError("ghs_canary"), "the connection failed (ProtocolError)"),
    ],
)
def test_a_connection_that_fails_is_told_by_its_kind(
    serving: Callable[..., Server], failure: Exception, said: str
) -> None:
    serving(failure)
    with pytest.raises(RequestFailed) as failed:
        asked(talk())
    assert (str(failed.value), failed.value.status, failed.value.seconds) == (said, 0, 0)


def test_an_answer_that_comes_packed_is_unpacked(serving: Callable[..., Server]) -> None:
    serving(Answer(gzip.compress(packet("yes")), 200, {**GIT, "Content-Encoding": "gzip"}))
    assert asked(talk()) == b"yes"


class Trickle(io.BytesIO):
    """A body that comes in small pieces and breaks where it is told to."""

    def __init__(self, data: bytes, breaks_at: float = float("inf")) -> None:
        super().__init__(data)
        self.breaks_at = breaks_at
        self.sizes: list[int] = []
        self.given = 0

    def read1(self, size: int | None = -1, /) -> bytes:
        self.sizes.append(-1 if size is None else size)
        if self.given >= self.breaks_at:
            raise urllib3.exceptions.ProtocolError("broken")
        found = super().read1(min(self.sizes[-1], 4))
        self.given += len(found)
        return found


def test_a_connection_that_breaks_within_an_answer_is_told(serving: Callable[..., Server]) -> None:
    serving(Answer(file=Trickle(packet("yes") * 9, breaks_at=8)))
    with pytest.raises(RequestFailed) as failed, talk().request(READ, b"0000") as packets:
        assert packets.read() == b"yes"
        packets.read()
    assert str(failed.value) == "the connection failed (ProtocolError)"


def test_what_comes_after_the_answer_is_read_so_that_the_connection_can_be_kept(
    serving: Callable[..., Server],
) -> None:
    rest, endless = Trickle(packet("x") + b"12345678"), Trickle(packet("x") + b"0000" * 50_000)
    serving(Answer(file=rest), Answer(file=endless), Answer(file=Trickle(packet("x") * 9, breaks_at=8)))
    assert [asked(talk()) for _ in range(3)] == [b"x"] * 3, "nobody asks whether the rest is whole"
    assert rest.given == 5 + 8
    assert 60_000 < endless.given <= 8 + (1 << 16), "and no more than 64 KiB of it"
    assert max(endless.sizes) == 1 << 16, "a pack comes in large pieces"


# -- wishes for objects ----------------------------------------------------------------------------------------------

ALL = frozenset({"no-done", "multi_ack_detailed", "side-band-64k", "ofs-delta", "no-progress", "filter", "shallow"})
ANY = "allow-reachable-sha1-in-want"


@pytest.mark.parametrize(
    ("depth", "can", "sent"),
    [
        (
            True,
            ALL | {"agent=git/2"},
            [
                f"want {A} filter multi_ack_detailed no-done no-progress ofs-delta side-band-64k",
                f"want {B}",
                f"shallow {C}",
                "deepen 1",
                "filter blob:none",
            ],
        ),
        (
            False,
            ALL - {"no-progress"},
            [f"want {A} multi_ack_detailed no-done ofs-delta side-band-64k", f"want {B}"],
        ),
    ],
)
def test_objects_are_wished_for_at_once(
    serving: Callable[..., Server], depth: bool, can: frozenset[str], sent: list[str]
) -> None:
    listed = lines([f"shallow {A}", f"unshallow {C}", f"shallow {B}"]) if depth else b""
    server = serving(Answer(listed + packet("NAK\n") + packet(b"\1PACK") + b"0000"))
    with at_once(talk(), Advertisement({}, can), [A, B], depth=depth, shallow=[C]) as pack:
        assert pack.shallow == ((A, B) if depth else ())
        assert list(pack.data) == [b"PACK"]
    assert server.sent[0].body == lines(sent) + packet("done\n")
    assert "Git-Protocol" not in server.sent[0].headers


@pytest.mark.parametrize("answer", [packet(f"ACK {A}\n"), packet("NAK\n")])
def test_a_pack_comes_after_either_word(serving: Callable[..., Server], answer: bytes) -> None:
    serving(Answer(answer + packet(b"\1PACK") + b"0000"))
    with at_once(talk(), Advertisement({}, ALL), [A], depth=False) as pack:
        assert (pack.shallow, list(pack.data)) == ((), [b"PACK"])


@pytest.mark.parametrize("answer", [packet("ready\n"), b"0000"])
def test_another_word_than_gits_is_no_pack(serving: Callable[..., Server], answer: bytes) -> None:
    serving(Answer(answer + packet(b"\1PACK") + b"0000"))
    with (
        pytest.raises(RequestFailed) as failed,
        at_once(talk(), Advertisement({}, ALL), [A], depth=False) as pack,
    ):
        list(pack.data)
    assert str(failed.value) == "the server's answer is not of Git's protocol"


def test_a_wish_that_is_refused_is_told_so(serving: Callable[..., Server]) -> None:
    serving(Answer(packet("ERR upload-pack: not our ref")))
    with (
        pytest.raises(ServerRefused, match="not our ref"),
        at_once(talk(), Advertisement({}, ALL), [A], depth=False),
    ):
        pass


CAN = ["version 2", "ls-refs", "fetch=shallow filter wait-for-done"]
PACK = lines(["packfile"])[:-4] + packet(b"\1PACK") + b"0000"


@pytest.mark.parametrize(
    ("can", "depth", "sent"),
    [
        (
            [*CAN, "object-format=sha1"],
            True,
            lines(["command=fetch", "object-format=sha1"], Mark.DELIMITER)
            + lines([f"shallow {C}", "deepen 1", "filter blob:none", f"want {A}", f"want {B}"])[:-4]
            + lines(["no-progress", "ofs-delta", "done"]),
        ),
        (
            ["version 2", "fetch"],
            False,
            lines(["command=fetch"], Mark.DELIMITER)
            + lines([f"want {A}", f"want {B}", "no-progress", "ofs-delta", "done"]),
        ),
    ],
)
def test_objects_are_wished_for_by_name(
    serving: Callable[..., Server], can: list[str], depth: bool, sent: bytes
) -> None:
    answer = lines(["shallow-info", f"shallow {A}"], Mark.DELIMITER)
    answer = lines(["shallow-info"])[:-4] + lines([f"shallow {A}"], Mark.DELIMITER) + PACK if depth else PACK
    server = serving(Answer(lines(["# service=git-upload-pack"]) + lines(can)), Answer(answer))
    with by_name(talk(), [A, B], depth=depth, shallow=[C]) as pack:
        assert pack is not None
        assert pack.shallow == ((A,) if depth else ())
        assert list(pack.data) == [b"PACK"]
    assert [each.headers["Git-Protocol"] for each in server.sent] == ["version=2"] * 2
    assert server.sent[1].body == sent


@pytest.mark.parametrize(
    ("can", "depth"),
    [
        (["version 1", "fetch=shallow filter"], True),
        (["version 1", "fetch=shallow filter"], False),
        (["version 2", "fetch=shallow"], True),
        (["version 2", "fetch=filter"], True),
        (["version 2", "fetch"], True),
        (["version 2", "ls-refs=unborn"], False),
    ],
)
def test_a_server_that_cannot_give_objects_by_name_is_not_asked(
    serving: Callable[..., Server], can: list[str], depth: bool
) -> None:
    server = serving(Answer(lines(can)))
    with by_name(talk(), [A], depth=depth) as pack:
        assert pack is None
    assert len(server.sent) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"0000", "the server sent no objects"),
        (lines(["acknowledgments"]), "the server's answer is not of Git's protocol"),
    ],
)
def test_an_answer_without_objects_says_so(serving: Callable[..., Server], answer: bytes, said: str) -> None:
    serving(Answer(lines(CAN)), Answer(answer))
    with pytest.raises(RequestFailed) as failed, by_name(talk(), [A], depth=True):
        pass
    assert str(failed.value) == said


@pytest.mark.parametrize(
    ("lacking", "named", "wanted", "whole", "alone"),
    [
        ("", False, [A], True, True),
        ("", False, [A, B], False, False),
        ("", True, [A, B], True, True),
        ("filter", True, [A], False, True),
        ("shallow", True, [A], False, True),
        ("no-done", True, [A], False, False),
        ("multi_ack_detailed", True, [A], False, False),
        ("side-band-64k", True, [A], False, False),
        ("ofs-delta", True, [A], False, False),
        ("no-progress", True, [A], True, True),
    ],
)
def test_what_a_server_gives_in_one_request_is_told_by_its_capabilities(
    lacking: str, named: bool, wanted: list[str], whole: bool, alone: bool
) -> None:
    advertisement = Advertisement({"refs/heads/main": A}, (ALL - {lacking}) | ({ANY} if named else set()))
    assert advertisement.gives_at_once(wanted, depth=True) is whole
    assert advertisement.gives_at_once(wanted, depth=False) is alone


# -- lists of refs ---------------------------------------------------------------------------------------------------

TITLE = lines(["# service=git-upload-pack"])


@pytest.mark.parametrize(
    ("told", "refs"),
    [
        (
            [
                f"{A} HEAD\0shallow symref=HEAD:refs/heads/main agent=git/2",
                f"{A} refs/heads/main",
                f"{B} refs/tags/v1",
                f"{C} refs/tags/v1^{{}}",
                f"shallow {C}",
            ],
            Refs("main", {"refs/heads/main": A, "refs/tags/v1": B}),
        ),
        ([f"{A} refs/heads/a\0symref=HEAD:refs/heads/main"], Refs("", {"refs/heads/a": A})),
        ([f"{A} refs/heads/a\0shallow"], Refs("", {"refs/heads/a": A})),
        ([f"{ZERO} capabilities^{{}}\0shallow symref=HEAD:refs/heads/main"], Refs()),
        ([f"{A} refs/heads/a\0", f"{B} refs/heads/b c"], Refs("", {"refs/heads/a": A, "refs/heads/b c": B})),
    ],
)
def test_the_refs_of_a_repository_are_those_that_it_lists(
    serving: Callable[..., Server], told: list[str], refs: Refs
) -> None:
    serving(Answer(TITLE + lines(told)))
    assert look(talk()).refs == refs


BAD = "the server's list of refs is not of Git's protocol"
LISTS: dict[str, tuple[bytes, type[Exception], str]] = {
    "no title": (lines([f"{A} refs/heads/a\0shallow"]), RequestFailed, BAD),
    "a mark in place of the title": (b"0000", RequestFailed, BAD),
    "no mark after the title": (TITLE[:-4] + lines([f"{A} refs/heads/a"]), RequestFailed, BAD),
    "another mark after the title": (
        lines(["# service=git-upload-pack"], Mark.DELIMITER) + lines([f"{A} refs/heads/a"]), RequestFailed, BAD
    ),
    "a short name": (TITLE + lines([f"{A[1:]} refs/heads/a\0"]), RequestFailed, BAD),
    "a long name": (TITLE + lines([f"{A}a refs/heads/a\0"]), RequestFailed, BAD),
    "no ref": (TITLE + lines([f"{A}\0shallow"]), RequestFailed, BAD),
    "longer names": (TITLE + lines([f"{A}{A} refs/heads/a\0object-format=sha256"]), GitNamesUnknown, ""),
    "an empty one with longer names": (
        TITLE + lines([f"{ZERO} capabilities^{{}}\0object-format=sha256"]), GitNamesUnknown, ""
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", LISTS)
def test_a_list_of_refs_that_cannot_be_read_is_refused(serving: Callable[..., Server], what: str) -> None:
    told, kind, said = LISTS[what]
    serving(Answer(told))
    with pytest.raises(kind) as failed:
        look(talk())
    assert said in str(failed.value)


@pytest.mark.parametrize(("refs", "taken"), [(3, True), (4, False)])
def test_a_repository_may_have_so_many_refs(
    serving: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, refs: int, taken: bool
) -> None:
    monkeypatch.setattr(upload_pack, "_MOST_REFS", 3)
    serving(Answer(TITLE + lines([f"{A} refs/heads/{number}" for number in range(refs)])))
    if taken:
        assert len(look(talk()).targets) == 3
    else:
        with pytest.raises(RepositoryTooManyNames) as failed:
            look(talk())
        assert failed.value.holes == {"limit": 3, "kind": "refs"}


# -- pushes ----------------------------------------------------------------------------------------------------------

PUSHING = lines(["# service=git-receive-pack"])
MAIN, MORE = "refs/heads/main", "refs/studio/more"
SAFE = "report-status side-band-64k atomic delete-refs ofs-delta quiet object-format=sha1 agent=git/2"
OK = packet(b"\1" + lines(["unpack ok", f"ok {MAIN}", f"ok {MORE}"])) + b"0000"


@pytest.mark.parametrize(
    ("can", "moves", "sent", "new"),
    [
        (
            SAFE,
            [Move(MAIN, A, B), Move(MORE, "", C)],
            [
                f"{A} {B} {MAIN}\0 report-status side-band-64k atomic ofs-delta quiet object-format=sha1",
                f"{ZERO} {C} {MORE}",
            ],
            {B, C},
        ),
        (SAFE, [Move(MAIN, A, "")], [f"{A} {ZERO} {MAIN}\0 report-status side-band-64k ofs-delta quiet "
                                     "object-format=sha1"], set()),
        ("report-status side-band-64k", [Move(MAIN, A, B)], [f"{A} {B} {MAIN}\0 report-status side-band-64k"], {B}),
        (SAFE, [Move(MAIN, "", A), Move(MORE, "", B)], [f"{ZERO} {B} {MORE}\0 report-status side-band-64k ofs-delta "
                                                        "quiet object-format=sha1"], {B}),
    ],
)  # fmt: skip
def test_refs_are_moved_by_one_request_with_one_pack(
    serving: Callable[..., Server], can: str, moves: list[Move], sent: list[str], new: set[str]
) -> None:
    server = serving(Answer(PUSHING + lines([f"{A} {MAIN}\0{can}", f"{C} refs/heads/x"])), Answer(OK))
    written: list[tuple[set[str], set[str]]] = []

    def write_pack(file: Any, new: Any, there: Any) -> None:
        written.append((set(new), set(there)))
        file.write(b"PACK")

    push(talk(), moves, write_pack)
    assert [each.url for each in server.sent] == [
        f"{URL}/info/refs?service=git-receive-pack",
        f"{URL}/git-receive-pack",
    ]
    assert server.sent[1].body == lines(sent) + (b"PACK" if new else b"")
    assert written == ([(new, {A, C})] if new else [])


def reported(*results: str, said: str = "", after: bytes = b"0000") -> bytes:
    inner = lines(results)
    return (packet(b"\2" + said.encode()) if said else b"") + packet(b"\1" + inner) + after


MOVED = reported("unpack ok", f"ok {MAIN}")
IN_PIECES = b"".join(packet(b"\1" + bytes([byte])) for byte in lines(["unpack ok", f"ok {MAIN}"])) + b"0000"
REPORTS: dict[str, tuple[bytes, str | None]] = {
    "all moved": (MOVED, None),
    "in pieces": (IN_PIECES, None),
    "the end is missing": (MOVED[:-4], None),
    "words after it": (reported("unpack ok", f"ok {MAIN}", after=packet(b"\2thanks\n") + b"0000"), None),
    "a failure after it": (reported("unpack ok", f"ok {MAIN}", after=packet(b"\3gone")), None),
    "the report is cut": (MOVED[:-20], "\nthe server's answer was cut off"),
    "no report": (b"0000", "\nthe server's answer was cut off"),
    "words and no report": (packet(b"\2why not\n") + b"0000", "why not\n\nthe server's answer was cut off"),
    "died": (packet(b"\2too large\n") + packet(b"\3fatal: gone\n"), "too large\n\nremote error: fatal: gone"),
    "another ref": (reported("unpack ok", f"ok {MORE}"), ""),
    "an empty report": (reported(), ""),
    "a ref that moved without a pack": (reported(f"ok {MAIN}"), ""),
    "refused": (reported("unpack ok", f"ng {MAIN} hook declined"), f"\n! [remote rejected] {MAIN} (hook declined)"),
    "refused in words": (
        reported("unpack ok", f"ng {MAIN} no", said="error: GH006\n"),
        f"error: GH006\n\n! [remote rejected] {MAIN} (no)",
    ),
    "not unpacked": (
        reported("unpack index-pack abnormal exit", f"ng {MAIN} unpacker error"),
        f"\nremote unpack failed: index-pack abnormal exit\n! [remote rejected] {MAIN} (unpacker error)",
    ),
    "words after a refusal": (
        reported("unpack ok", f"ng {MAIN} no", after=packet(b"\2because\n") + b"0000"),
        f"because\n\n! [remote rejected] {MAIN} (no)",
    ),
}


@pytest.mark.parametrize("what", REPORTS)
def test_a_push_has_succeeded_where_its_report_says_so_of_every_ref(serving: Callable[..., Server], what: str) -> None:
    answer, said = REPORTS[what]
    serving(Answer(PUSHING + lines([f"{A} {MAIN}\0{SAFE}"])), Answer(answer))
    moves = [Move(MAIN, A, B)]
    if said is None:
        push(talk(), moves, lambda *_: None)
        return
    with pytest.raises(RequestFailed) as failed:
        push(talk(), moves, lambda *_: None)
    assert failed.value.said == said


@pytest.mark.parametrize(
    ("moves", "there", "said"),
    [
        ([Move(MAIN, A, B), Move(MORE, "", C)], [f"{A} {MAIN}", f"{A} {MORE}"], MORE),
        ([Move(MAIN, B, C)], [f"{A} {MAIN}"], MAIN),
        ([Move(MAIN, B, C)], [f"{A} refs/heads/x"], MAIN),
        ([Move(MAIN, "", C)], [f"{A} {MAIN}"], MAIN),
    ],
)
def test_a_ref_that_is_elsewhere_stops_a_push_before_it_is_sent(
    serving: Callable[..., Server], moves: list[Move], there: list[str], said: str
) -> None:
    first, *others = there
    server = serving(Answer(PUSHING + lines([f"{first}\0{SAFE}", *others])))
    with pytest.raises(PushRejected) as rejected:
        push(talk(), moves, lambda *_: None)
    assert (str(rejected.value), rejected.value.stale) == (f"{said} has moved meanwhile (stale info)", True)
    assert len(server.sent) == 1


@pytest.mark.parametrize(
    ("lacking", "moves"),
    [
        ("report-status", [Move(MAIN, A, B)]),
        ("side-band-64k", [Move(MAIN, A, B)]),
        ("atomic", [Move(MAIN, A, B), Move(MORE, "", C)]),
        ("delete-refs", [Move(MAIN, A, "")]),
    ],
)
def test_a_server_that_cannot_do_what_a_push_needs_is_not_pushed_to(
    serving: Callable[..., Server], lacking: str, moves: list[Move]
) -> None:
    offered = " ".join(each for each in SAFE.split() if each != lacking)
    server = serving(Answer(PUSHING + lines([f"{A} {MAIN}\0{offered}"])))
    with pytest.raises(GitServerLacks) as told:
        push(talk(), moves, lambda *_: None)
    assert told.value.holes == {"capabilities": lacking}
    assert len(server.sent) == 1


def test_all_that_a_server_lacks_is_told_at_once(serving: Callable[..., Server]) -> None:
    serving(Answer(PUSHING + lines([f"{A} {MAIN}\0quiet"])))
    with pytest.raises(GitServerLacks) as told:
        push(talk(), [Move(MAIN, A, B)], lambda *_: None)
    assert told.value.holes == {"capabilities": "report-status, side-band-64k"}


def test_what_is_there_already_is_not_pushed(serving: Callable[..., Server]) -> None:
    server = serving(Answer(PUSHING + lines([f"{B} {MAIN}\0quiet"])))
    push(talk(), [Move(MAIN, A, B), Move(MORE, A, "")], lambda *_: None)
    assert len(server.sent) == 1, "not even what it can matters"
