"""What each method of the GitHub client sends and makes of each answer: a golden file.

The answer is that of test_github_requests.py, whole, without each of its fields, with null in each; and each way to
refuse, of all requests, of reads and of all others. What the sentences of refusals are is in test_github_errors.py.
`GOLDEN=write` writes the file; its difference is read like code.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest
from github.Requester import Requester
from nacl.public import PrivateKey

from custom_resources.clients.github import GitHub
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import Problem
from tests import sleeping
from tests.unit.test_github_requests import ANSWER, CALLS, Server

GOLDEN = Path(__file__).parent / "golden" / "github_meanings.txt"
ALL = ANSWER | {
    "key": base64.b64encode(bytes(PrivateKey(b"k" * 32).public_key)).decode(),
    "clone_url": "https://git.example.com/x.git",
    "default_branch": "trunk",
    "description": "Mine",
    "archived": True,
    "private": True,
    "visibility": "internal",
    "topics": ["a"],
    "created_at": "2020-11-01T12:00:00Z",
    "has_pull_requests": False,
    "owner": {"type": "User"},
    "merged_at": "2026-11-01T12:00:00Z",
    "merge_commit_sha": "d" * 40,
    "body": "text",
    "protected": True,
    "login": "acme",
    "secrets": [{"name": "A"}],
    "variables": [{"name": "B"}],
}
MORE: dict[str, Callable[[GitHub], Any]] = {
    "find a pull request": lambda hub: hub.find_pull_request("acme/x", "b", "main", "text"),
    "set secrets": lambda hub: hub.put_secrets("acme/x", {"A": "1"}),
    "is protected": lambda hub: hub.is_protected("acme/x", "a b"),
    "address": lambda hub: hub.address_pull_request("acme/x", 3, (["l"], ["ada"], ["bob", "acme/ml", "other/ml"])),
    "find another by id": lambda hub: hub.repository_by_id(8, "acme/x"),
    "archive": lambda hub: hub.update_repository("acme/x", archived=True),
    "describe": lambda hub: hub.update_repository("acme/x", description="d"),
    "create an internal one": lambda hub: hub.create_repository("acme", "x", "d", "internal"),
    "create elsewhere": lambda hub: hub.create_repository("bob", "x", "d", "private"),
    "look up by name": lambda hub: hub.look_up("looking", "/meta"),
}
METHODS = {name: call for name, (call, _, _) in CALLS.items()} | MORE
REFUSALS: dict[str, tuple[int, Any]] = {
    "303": (303, {"message": "See other"}),
    "403": (403, {"message": "No."}),
    "403, upgrade": (403, {"message": "Upgrade to GitHub Pro."}),
    "403, archived": (403, {"message": "Repository was archived so is read-only."}),
    "404": (404, {"message": "Not Found"}),
    "404, no common ancestor": (404, {"message": "No common ancestor between a and b."}),
    "405": (405, {"message": "No."}),
    "409": (409, {"message": "Conflict"}),
    "409, already": (409, {"message": "It already exists"}),
    "410": (410, {"message": "Gone"}),
    "422": (422, {"message": "Validation Failed"}),
    "422, already": (422, {"message": "It already exists"}),
    "422, abuse": (422, {"message": "was submitted too quickly"}),
    "422, base": (422, {"message": "Validation Failed", "errors": [{"field": "base", "code": "invalid"}]}),
    "429": (429, {"message": "Too many"}),
    "500": (500, {}),
}
Answer = Callable[[str, str, Any], tuple[int, Any]]


def answering(data: Any) -> Answer:
    """Answer so; a list with it, where GitHub lists."""
    listing = re.compile(r".*/(?:pulls|comments)\?.*")
    return lambda verb, path, _: (200, [data] if listing.fullmatch(path) else data)


def refusing(refusal: tuple[int, Any], *verbs: str) -> Answer:
    full = answering(ALL)
    return lambda verb, path, body: refusal if verb in verbs else full(verb, path, body)


def answers() -> Iterator[tuple[str, Answer]]:
    """Yield each answer with its name."""
    for field in ALL:
        yield f"without {field}", answering({key: value for key, value in ALL.items() if key != field})
        yield f"{field}: null", answering({**ALL, field: None})
    yield "pull requests are on", answering({**ALL, "has_pull_requests": True})
    yield "an open one, of an organization", answering({**ALL, "merged_at": None, "owner": {"type": "Organization"}})
    for name, refusal in REFUSALS.items():
        yield f"{name} to all", refusing(refusal, "GET", "POST", "PUT", "PATCH", "DELETE")
        yield f"{name} to all but GET", refusing(refusal, "POST", "PUT", "PATCH", "DELETE")
        yield f"{name} to GET", refusing(refusal, "GET")


def tried(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[GitHub], Any], answer: Answer
) -> tuple[tuple[str, ...], Any]:
    """Return what a method sends, and what it returns, or a sentence about what it raises."""
    server = Server(answer)
    monkeypatch.setattr(Requester, "requestJson", server)
    try:
        told = call(GitHub("https://api.github.com", lambda: GitHubCredentials(token="ghp_x")))
    except Problem as problem:
        seconds = f", {vars(problem)['seconds']:g} s" if "seconds" in vars(problem) else ""
        told = f"{type(problem).__name__}{seconds}: {problem.holes.get('activity', problem)}"
    sent = [f"{verb} {path} {json.dumps(body)}" for verb, path, body in server.sent]
    masked = Counter(re.sub(r'("encrypted_value": )"[^"]*"|(since=)[^&]*', r"\1\2...", line) for line in sent)
    return tuple(f"{line}, {times} times" if times > 1 else line for line, times in masked.items()), told


def shown(told: Any, whole: Any) -> str:
    """Return what a method returned; of an answer like the whole one, what differs from that."""
    if told is whole or type(told) is not type(whole) or not is_dataclass(told):
        return str(told) if isinstance(told, str) else repr(told)
    others = {key: value for key, value in vars(told).items() if value != vars(whole)[key]}
    return ", ".join(f"{key}={value!r}" for key, value in others.items())


def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, call in METHODS.items():
        found: dict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
        sent, whole = tried(monkeypatch, call, answering(ALL))
        found[sent, shown(whole, whole)] = ["all others"]
        for kind, answer in answers():
            sent, told = tried(monkeypatch, call, answer)
            found[sent, shown(whole if told == whole else told, whole)].append(kind)
        yield f"== {name}"
        before: tuple[str, ...] = ()
        for (sent, told), kinds in found.items():
            if sent != before:
                yield from (f"  sends {line}" for line in sent)
            before = sent
            yield f"  {kinds[0] if kinds[0] == 'all others' else '; '.join(kinds)}"
            yield f"    -> {told}"
        yield ""


def test_what_is_made_of_each_answer_is_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    sleeping.noted(monkeypatch)
    found = "\n".join(written(monkeypatch))
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")
