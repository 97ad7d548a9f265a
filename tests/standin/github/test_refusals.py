"""GitHub's refusals as the stand-in gives them, met by git itself and by the custom resources' clients."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from custom_resources.clients import github as host
from custom_resources.clients.git import Git, conversation
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import FinalError, NotPermitted, RetryLater
from custom_resources.template_content import TemplateFile
from standins.github.faults import FAULTS, STATUSES, Fault
from standins.github.refusals import DENIALS, LIMITS, PUSHES
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


@pytest.mark.parametrize("name", [*LIMITS, *DENIALS])
def test_a_refusal_is_met_on_rest_and_on_git(
    github: GitHubStandIn, client: Client, hub: host.GitHub, push: Callable[[], None], name: str
) -> None:
    expected = RetryLater if name in LIMITS else NotPermitted
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


def test_an_answer_without_an_end_is_a_wait_and_the_push_is_there(
    github: GitHubStandIn, client: Client, push: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "SILENCE_SECONDS", 3)
    github.faults.add(
        Fault.parse({"fault": "endless", "match": {"method": "POST", "path": "git-receive-pack$"}, "seconds": 9})
    )
    with pytest.raises(RetryLater):
        push()
    assert list(refs(client)) == [TIP]
    push()  # finds it there


def test_the_fault_names_are_distinct() -> None:
    assert len(FAULTS) == len(set(FAULTS))
    assert {*LIMITS, *DENIALS, *PUSHES} <= STATUSES
