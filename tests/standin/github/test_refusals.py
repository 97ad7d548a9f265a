"""GitHub's refusals as the stand-in gives them, met by git itself and by the custom resources' clients."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from custom_resources.clients import github as host
from custom_resources.clients import request_limit, timely
from custom_resources.clients.git import Git, conversation, processes
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import FinalError, GitHubUnreachable, NotPermitted, OutOfTime, RetryLater
from custom_resources.template_content import TemplateFile
from standins.github.faults import FAULTS, STATUSES, Fault
from standins.github.refusals import COLLISIONS, DENIALS, LATER, LIMITS, PUSHES
from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client, Cloning

TIP = "refs/heads/main"


@pytest.fixture
def hub(github: GitHubStandIn, client: Client) -> host.GitHub:
    client.repository("work")
    return host.GitHub(github.api_url, lambda: GitHubCredentials(token=github.token))


@pytest.fixture
def push(github: GitHubStandIn, hub: host.GitHub) -> Callable[[], None]:
    """Push a first commit."""

    def act() -> None:
        with Git(github.server_url, hub.token_for, hub.renew).open("acme/work", 1_700_000_000) as repository:
            commit = repository.import_commit([TemplateFile("a", b"a\n")], "first")
            repository.push(repository.look(), {TIP: commit})

    return act


def refs(client: Client) -> dict[str, str]:
    return dict(client.control("GET", "/repositories/acme/work")["refs"])


@pytest.mark.parametrize("name", [*LIMITS, *DENIALS, "later", "later-422"])
def test_a_refusal_is_met_on_rest_and_on_git(
    github: GitHubStandIn, client: Client, hub: host.GitHub, push: Callable[[], None], name: str
) -> None:
    expected = NotPermitted if name in DENIALS else RetryLater
    github.faults.add(Fault.parse({"fault": name, "match": {"path": "/topics"}}))
    with pytest.raises(expected):
        hub.replace_topics("acme/work", ["a"])
    for method, path in (("GET", "info/refs"), ("POST", "git-receive-pack$")):
        github.faults.add(Fault.parse({"fault": name, "match": {"method": method, "path": path}}))
        with pytest.raises(expected):
            push()
    assert refs(client) == {}
    push()
    assert list(refs(client)) == [TIP]


@pytest.mark.parametrize("name", PUSHES)
def test_a_push_is_refused_for_good(
    github: GitHubStandIn, client: Client, push: Callable[[], None], cloning: Cloning, name: str
) -> None:
    github.faults.add(Fault.parse({"fault": name, "times": 2}))
    with pytest.raises(FinalError):
        push()
    clone = cloning("acme/work")
    clone.commit({"b.txt": "b\n"})
    done = clone.push("main", check=False)
    assert done.returncode != 0
    assert PUSHES[name].reason in done.stdout, "git reads the report, too"
    assert refs(client) == {}
    clone.push("main")


def test_an_answer_without_an_end_is_given_up_and_the_push_is_found_there(
    github: GitHubStandIn, client: Client, push: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "SILENCE_SECONDS", 1)
    match = {"method": "POST", "path": "git-receive-pack$"}
    github.faults.add(Fault.parse({"fault": "endless", "match": match, "seconds": 9}))
    push()  # gives the answer up after its silence, looks, and finds it there
    assert list(refs(client)) == [TIP]
    assert github.faults.planned[0].hits == 1


@pytest.mark.parametrize("name", ["drip", "endless", "no-flush"])
def test_an_answer_of_rest_without_an_end_is_a_wait(
    github: GitHubStandIn, hub: host.GitHub, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """One that is never silent, too: the time of a whole answer is limited."""
    monkeypatch.setattr(timely, "ANSWER_SECONDS", 1)
    github.faults.add(Fault.parse({"fault": name, "match": {"path": "/acme/work$"}, "seconds": 0.1, "times": None}))
    began = time.monotonic()
    with pytest.raises(GitHubUnreachable):
        hub.find_repository("acme/work")
    assert time.monotonic() - began < 60  # without a limit it never ends
    github.faults.clear()
    assert hub.find_repository("acme/work")


@pytest.mark.parametrize("name", ["drip", "no-flush"])
def test_a_push_whose_report_is_whole_is_done_though_its_answer_does_not_end(
    github: GitHubStandIn, client: Client, push: Callable[[], None], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(conversation, "TRANSFER_SECONDS", 2)
    match = {"method": "POST", "path": "git-receive-pack$"}
    github.faults.add(Fault.parse({"fault": name, "match": match, "seconds": 0.1}))
    push()
    assert list(refs(client)) == [TIP]


@pytest.fixture
def impatient(push: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Push, and wait for nothing that long afterwards."""
    push()
    monkeypatch.setattr(conversation, "TRANSFER_SECONDS", 1)
    monkeypatch.setattr(conversation, "SILENCE_SECONDS", 1)
    monkeypatch.setattr(processes, "TIME_LIMIT_SECONDS", 3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", ["drip", "endless", "no-flush"])
@pytest.mark.parametrize("path", ["info/refs", "git-upload-pack$"])
def test_what_is_read_without_an_end_is_a_wait(github: GitHubStandIn, hub: host.GitHub, name: str, path: str) -> None:
    fault = {"fault": name, "match": {"kind": "git", "path": path}, "seconds": 0.1 if name == "drip" else 2}
    github.faults.add(Fault.parse({**fault, "times": None}))
    with (
        Git(github.server_url, hub.token_for, hub.renew).open("acme/work", 1_700_000_000) as repository,
        pytest.raises(RetryLater),
    ):
        repository.fetch(repository.look().tip)


def test_a_call_ends_with_its_time_whatever_is_still_to_do(
    github: GitHubStandIn, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer comes in time, but all of them do not: the call ends in a wait, before the function's end."""
    monkeypatch.setattr(request_limit, "TO_ANSWER_SECONDS", 0)
    client.repository("work")
    limit = RequestLimit()
    hub = host.GitHub(github.api_url, lambda: GitHubCredentials(token=github.token), limit=limit)
    client.control("PUT", "/latency", {"milliseconds": 400})
    limit.begin(1.5)
    began = time.monotonic()
    with pytest.raises((OutOfTime, GitHubUnreachable)):  # between two requests, or in one
        for _ in range(20):
            hub.find_repository("acme/work")
    with (
        pytest.raises(OutOfTime),
        Git(github.server_url, hub.token_for, hub.renew, limit).open("acme/work", 1_700_000_000) as repository,
    ):
        repository.import_commit([TemplateFile("a", b"a\n")], "first")
    assert time.monotonic() - began < 8, "what the twenty look-ups alone would take"


def test_the_fault_names_are_distinct() -> None:
    assert len(FAULTS) == len(set(FAULTS))
    assert {*LIMITS, *DENIALS, *LATER, *COLLISIONS, *PUSHES} <= STATUSES
