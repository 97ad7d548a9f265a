"""How far a token of a GitHub App reaches for each request, and how long replicas may not show what was written."""

from __future__ import annotations

import pytest

from custom_resources.clients.github_tokens import CREATE, LOOK_UP, READ, Reach, permissions_in, reach_of
from custom_resources.clients.replicas import LAG_SECONDS, Replicas

OURS = (("contents", "write"),)
X = "acme/x"


@pytest.mark.parametrize(
    ("verb", "path", "reach"),
    [
        ("POST", "/graphql", READ),
        ("POST", "/orgs/acme/repos", CREATE),
        ("GET", "/orgs/acme/repos", LOOK_UP),
        ("POST", "/orgs/acme/teams", LOOK_UP),
        ("POST", "/orgs/acme/repos/more", LOOK_UP),
        ("POST", "/user/repos", LOOK_UP),
        ("GET", "/user", LOOK_UP),
        ("GET", "/repositories/8", LOOK_UP),
        ("GET", "/repos/acme/x", LOOK_UP),
        ("GET", "/repos/acme/x?page=2", LOOK_UP),
        ("PATCH", "/repos/acme/x", Reach(X, OURS)),
        ("DELETE", "/repos/acme/x?page=2", Reach(X, OURS)),
        ("GET", "/repos/acme/x/pulls", Reach(X, OURS)),
        ("GET", "/repos/acme/x/pulls?head=acme%3Ab", Reach(X, OURS)),
        ("PUT", "/repos/acme/x/actions/secrets/A", Reach(X, OURS)),
        ("GET", "/repos/acme/x/actions/variables/A", Reach(X)),
        ("POST", "/repos/acme/x/actions/variables", Reach(X)),
    ],
)
def test_a_token_reaches_no_further_than_its_request_needs(verb: str, path: str, reach: Reach) -> None:
    assert reach_of(verb, path, OURS) == reach


@pytest.mark.parametrize(
    ("reach", "body"),
    [
        (Reach(), {}),
        (Reach(X), {"repositories": ["x"]}),
        (Reach(X, OURS), {"repositories": ["x"], "permissions": {"contents": "write"}}),
        (Reach(permissions=()), {"permissions": {}}),
        (LOOK_UP, {"permissions": {"metadata": "read"}}),
        (READ, {"permissions": {"contents": "read", "metadata": "read", "pull_requests": "read"}}),
        (CREATE, {"permissions": {"administration": "write"}}),
    ],
)
def test_what_a_token_is_asked_for_with(reach: Reach, body: dict[str, object]) -> None:
    assert reach.body() == body


@pytest.mark.parametrize(
    ("text", "permissions"),
    [
        ("", None),
        (" ", None),
        ("contents=write", (("contents", "write"),)),
        (" administration=write  contents=read ", (("administration", "write"), ("contents", "read"))),
    ],
)
def test_a_functions_permissions_are_read_from_its_environment(
    text: str, permissions: tuple[tuple[str, str], ...] | None
) -> None:
    assert permissions_in(text) == permissions


# -- replicas ---------------------------------------------------------------------------------------------------------


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_was_written_may_not_be_seen_for_a_minute() -> None:
    assert LAG_SECONDS == 60
    clock = Clock()
    replicas = Replicas(clock)
    assert (replicas.recent, replicas.has_written) == (False, False)
    replicas.wrote("/repos/Acme/X/pulls?state=all")
    clock.now += LAG_SECONDS - 1
    assert (replicas.recent, replicas.has_written) == (True, True)
    clock.now += 1
    assert (replicas.recent, replicas.has_written) == (False, False)
    assert replicas.has_written_to("acme/x")
    assert not replicas.has_written_to("acme/y")
    replicas.begin("another", clock.now)
    assert (replicas.recent, replicas.has_written) == (True, False), "another function may have written just before"
    assert not replicas.has_written_to("acme/x"), "of this call"


def test_a_request_goes_on_where_its_last_call_ended() -> None:
    clock = Clock()
    replicas = Replicas(clock)
    replicas.begin("first", 0.0)
    replicas.wrote()
    replicas.begin("second", 0.0)
    assert (replicas.recent, replicas.has_written) == (False, False)
    replicas.begin("first", 0.0)
    assert (replicas.recent, replicas.has_written) == (True, True)
    assert not replicas.has_written_to("")


@pytest.mark.parametrize(
    ("created", "recent"),
    [("", False), ("1970-01-01T00:16:39Z", True), ("1970-01-01T00:16:40Z", True), ("1970-01-01T00:15:00Z", False)],
)
def test_a_repository_that_was_created_just_now_may_not_be_seen(created: str, recent: bool) -> None:
    replicas = Replicas(Clock())
    replicas.created(created)
    assert replicas.recent is recent


def test_an_older_write_hides_no_newer_one() -> None:
    replicas = Replicas(Clock())
    replicas.wrote()
    replicas.created("1970-01-01T00:00:01Z")
    assert replicas.recent


def test_the_writes_of_the_last_64_requests_are_remembered() -> None:
    replicas = Replicas(Clock())
    for number in range(65):
        replicas.begin(f"request {number}", 0.0)
        replicas.wrote()
    for number, known in ((0, False), (1, True), (64, True)):
        replicas.begin(f"request {number}", 0.0)
        assert replicas.has_written is known


def test_a_request_that_writes_again_is_not_forgotten_first() -> None:
    replicas = Replicas(Clock())
    for number in (*range(64), 0, 64):
        replicas.begin(f"request {number}", 0.0)
        replicas.wrote()
    for number, known in ((0, True), (1, False)):
        replicas.begin(f"request {number}", 0.0)
        assert replicas.has_written is known
