"""The stand-in's answers beside those that GitHub gave: recorded exchanges that others published, kept as facts."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from custom_resources.clients import github as host
from custom_resources.clients.secrets import GitHubCredentials
from standins.github.messages import Request, Response
from standins.github.server import GitHubStandIn
from tests.standin.github import test_clients, test_narrow_tokens
from tests.standin.github.conftest import Client
from tests.standin.github.situations import SITUATIONS
from tests.standin.recordings.extract import FACTS, types

# Requests of ours that nobody has published an answer to, as far as we looked, and why.
UNRECORDED = {
    "POST /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies": (
        "none of the three libraries has a method for branch policies; held to the OpenAPI description alone"
    ),
    "POST /repos/{owner}/{repo}/issues/{issue_number}/labels": (
        "no exchange of the libraries' recordings was taken over; held to the OpenAPI description alone"
    ),
    "GET /repos/{owner}/{repo}/branches/{branch}": (
        "no exchange of the libraries' recordings was taken over; held to the OpenAPI description alone"
    ),
}


@dataclass(frozen=True)
class Recording:
    """One exchange with GitHub: what is a fact of it."""

    situation: str
    route: str
    year: int
    status: int
    headers: frozenset[str]
    answer: dict[str, frozenset[str]] | None  # path in the document -> JSON types

    @staticmethod
    def of(data: dict[str, Any]) -> Recording:
        """Read an entry of exchanges.json."""
        paths: defaultdict[str, set[str]] = defaultdict(set)
        for kinds, names in (data["answer"] or {}).items():
            for path in names.split():
                paths[path] |= set(kinds.split())
        answer = None if data["answer"] is None else {path: frozenset(kinds) for path, kinds in paths.items()}
        headers = frozenset(data["headers"].split())
        return Recording(data["situation"], data["route"], data["year"], data["status"], headers, answer)


def _recordings() -> dict[str, list[Recording]]:
    """Return the exchanges by situation, the newest first."""
    found: defaultdict[str, list[Recording]] = defaultdict(list)
    for one in map(Recording.of, json.loads(FACTS.read_bytes())):
        found[one.situation].append(one)
    return {name: sorted(ones, key=lambda one: -one.year) for name, ones in found.items()}


RECORDINGS = _recordings()
# Headers that some recordings have by accident: errors are not cached, and libraries sent some by other circumstances.
_NOT_OF_ERRORS = frozenset({"etag", "cache-control"})
_OF_OTHER_TOKENS = frozenset({"x-oauth-scopes", "x-accepted-oauth-scopes", "github-authentication-token-expiration"})
_OLDEST_HEADERS = 2019  # before, GitHub answered without most of them


def missing_headers(answer: Any, recordings: list[Recording]) -> set[str]:
    """Return the headers that every newer recording of a situation has, and the answer has not."""
    newer = [one.headers for one in recordings if one.year >= _OLDEST_HEADERS] or [recordings[0].headers]
    wanted = frozenset.intersection(*newer)
    if answer.status_code >= 300:
        wanted -= _NOT_OF_ERRORS
    if "x-oauth-scopes" not in answer.headers:  # the answer to an App, or to nobody
        wanted -= _OF_OTHER_TOKENS
    return {name for name in wanted if name not in answer.headers}


def _parent(path: str) -> str:
    above = path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]
    return above or "(root)"


def _holds(kinds: frozenset[str] | set[str] | None, path: str) -> bool:
    """Tell whether something of these types can hold what the path names."""
    return ("array" if path.endswith("[]") else "object") in (kinds or ())


def missing_keys(document: Any, recordings: list[Recording]) -> set[str]:
    """Return the paths that a situation's recordings have and the document has not.

    What the newest one lacks beside its siblings, GitHub has since given up. Where the document has null or an empty
    array there is nothing to compare.
    """
    ours, newest = types(document), recordings[0].answer or {}
    wanted = {path for one in recordings for path in one.answer or {}}
    given_up = {path for path in wanted - newest.keys() if _holds(newest.get(_parent(path)), path)}
    granted = "/app/installations" in recordings[0].route  # whose permissions are those of one installation
    given_up |= {path for path in wanted if granted and path.startswith("permissions.")}
    held = {path for path in wanted - given_up if path == "(root)" or _holds(ours.get(_parent(path)), path)}
    return {path for path in held - ours.keys() if not path.endswith("[]")}


def other_types(document: Any, recordings: list[Recording]) -> set[str]:
    """Return the paths whose type in the document no recording has; null is left to the OpenAPI description."""
    found = set()
    for path, kinds in types(document).items():
        known = {kind for one in recordings for kind in (one.answer or {}).get(path, ())} - {"null"}
        if known and not kinds - {"null"} <= known:
            found.add(f"{path}: {' '.join(sorted(kinds))}, not {' '.join(sorted(known))}")
    return found


@pytest.fixture
def recorded_client(client: Client) -> Client:
    """A client with a token as those recorded: classic, and it expires."""
    body = {"scopes": ["repo", "workflow", "delete_repo"], "expires_at": "2100-01-01T00:00:00Z"}
    client.token = client.control("POST", "/tokens", body)["token"]
    return client


@pytest.mark.parametrize("situation", RECORDINGS)
def test_the_stand_in_answers_as_github_did(situation: str, recorded_client: Client) -> None:
    recordings = RECORDINGS[situation]
    answer = SITUATIONS[situation](recorded_client)
    assert {one.status for one in recordings} == {answer.status_code}, answer.text[:500]
    assert missing_headers(answer, recordings) == set()
    if recordings[0].answer is None:
        assert answer.content == b""
        return
    document = answer.json()
    if isinstance(document, list):
        assert document, "a list of nothing shows nothing"
    assert missing_keys(document, recordings) == set()
    assert other_types(document, recordings) == set()


def test_the_comparison_sees_what_differs() -> None:
    known = {"(root)": frozenset({"object"}), "id": frozenset({"integer"}), "owner": frozenset({"object"})}
    newest = Recording("x", "GET /x", 2024, 200, frozenset({"etag"}), known | {"owner.login": frozenset({"string"})})
    older = Recording("x", "GET /x", 2012, 200, frozenset(), known | {"master_branch": frozenset({"string"})})
    both = [newest, older]
    assert missing_keys({"id": 1, "owner": {"login": "a"}}, both) == set()
    assert missing_keys({"id": 1, "owner": {}}, both) == {"owner.login"}
    assert missing_keys({"id": 1, "owner": None}, both) == set()
    assert missing_keys({"owner": None}, both) == {"id"}
    assert missing_keys({"master_branch": "x", "id": 1}, both) == {"owner"}
    assert missing_keys([], both) == set()
    assert other_types([], both) == {"(root): array, not object"}
    assert other_types({"id": "1", "owner": None, "new": 1}, both) == {"id: string, not integer"}
    assert types([{"a": 1}, {"a": None}]) == {"(root)": {"array"}, "[]": {"object"}, "[].a": {"integer", "null"}}


def test_each_recording_is_replayed_and_has_its_source() -> None:
    assert RECORDINGS.keys() == SITUATIONS.keys()
    entries = json.loads(FACTS.read_bytes())
    assert len(entries) >= 40
    for one in entries:
        source = one["source"]
        assert source["repository"] in {"PyGithub/PyGithub", "octokit/fixtures", "hub4j/github-api"}
        assert re.fullmatch(r"[\w./-]+\.(txt|json)", source["file"])
        assert source["number"] >= 1
    sources = [tuple(one["source"].values()) for one in entries]
    assert len(set(sources)) == len(sources)


def test_recordings_keep_no_values() -> None:
    """A path is made of names that GitHub's documents have; an answer has none of its values in it."""
    for one in (one for ones in RECORDINGS.values() for one in ones):
        for path in one.answer or {}:
            assert path == "(root)" or re.fullmatch(r"[a-z0-9_+-]+(\[\])?(\.?[a-z0-9_+-]+(\[\])?)*|\[\].*", path), path


@pytest.fixture
def asked(github: GitHubStandIn) -> Iterator[set[str]]:
    """The routes that our own client asked for, by its name in the request."""
    routes: set[str] = set()

    def note(method: str, template: str, request: Request, _: Response) -> None:
        if "python-requests" in request.headers.get("user-agent", ""):  # the test's own
            return
        by_number = method == "GET" and request.path.startswith("/api/v3/repositories/")
        routes.add(f"{method} {'/repositories/{repository_id}' if by_number else template}")

    github.observers.append(note)
    yield routes
    github.observers.remove(note)


def test_every_request_of_ours_was_recorded_or_says_why_not(
    github: GitHubStandIn, client: Client, asked: set[str]
) -> None:
    hub = host.GitHub(github.api_url, lambda: GitHubCredentials(token=github.token))
    test_clients.test_every_method_of_the_host(github, client, hub)
    client.expect(204, "DELETE", "/repos/acme/renamed")
    test_clients.test_files_environments_and_whom_a_pull_request_asks(github, client, hub)
    app = test_narrow_tokens.App(github, client)
    app.hub().installation()
    assert host.GitHub(github.api_url, lambda: app.credentials).create_repository("acme", "x", "", "private")
    assert hub.create_repository("studio-admin", "own", "", "private")
    for path in ("/user", "/orgs/acme", "/user/memberships/orgs/acme", "/users/acme"):  # operations doctor
        assert hub.look_up("looking", path)[1]
    recorded = {one.route for ones in RECORDINGS.values() for one in ones}
    assert asked - recorded == UNRECORDED.keys()
    assert all(len(reason) > 20 for reason in UNRECORDED.values())
