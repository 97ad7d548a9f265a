"""A creation acts by a name only where it is proven, or where GitHub has just told it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from custom_resources.actions_configuration import ActionsConfigurationProperties
from custom_resources.clients.github import Repository
from custom_resources.errors import NotOfItsStack, NotSeenYet, RepositoryGone, RepositoryUnseen
from custom_resources.named_repository import name_at_creation, name_proof
from custom_resources.reconciler import Request
from tests.seals import ANOTHER, SEAL

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/mine/1"
RENAMED = Repository(7, "acme/renamed", "https://g/acme/renamed", "", "main", "", False, True, "private")


class GitHub:
    """Knows the repository by its id, or not any more."""

    def __init__(self, found: Repository | None, *, absent: bool = True) -> None:
        self.found, self.absent, self.asked = found, absent, list[tuple[Any, ...]]()

    def repository_by_id(self, identifier: int, full_name: str) -> Repository | None:
        self.asked.append((identifier, full_name))
        return self.found

    def is_absent(self, full_name: str, repository_id: int) -> bool:
        self.asked.append(("absent", full_name, repository_id))
        return self.absent


def name(
    proof: str, github: GitHub, *, operation: str = "CREATE_IN_PROGRESS 1", stack: str = STACK, **more: Any
) -> str:
    properties = ActionsConfigurationProperties(repository_id=7, repository="Acme/Build", name_proof=proof)
    request = Request("Create", properties, None, "", stack, "Actions", operation=operation, **more)
    seals = {7: SEAL}
    clients: Any = SimpleNamespace(github=github, seals=SimpleNamespace(of_repository=seals.__getitem__))
    return name_at_creation(request, clients)


PROOF = name_proof(SEAL, "acme/build", STACK)


def test_a_proven_name_is_asked_of_nobody() -> None:
    github = GitHub(None)
    assert name(PROOF, github) == "Acme/Build"
    assert name_proof(SEAL, "ACME/Build", STACK) == PROOF, "GitHub does not tell case apart"
    assert github.asked == []


@pytest.mark.parametrize(
    "proof",
    [
        name_proof(SEAL, "acme/other", STACK),
        name_proof(SEAL, "acme/build", f"{STACK}2"),
        name_proof(ANOTHER, "acme/build", STACK),
        SEAL.of("another", "acme/build", STACK),
        "made up",
    ],
)
def test_a_name_with_a_wrong_proof_is_refused(proof: str) -> None:
    with pytest.raises(NotOfItsStack) as refused:
        name(proof, GitHub(RENAMED))
    said = "Acme/Build is not the name of the repository with the ID 7"
    assert refused.value.holes == {"stack": "mine", "why": said}


def test_a_refusal_names_the_stack_whatever_its_id_is() -> None:
    with pytest.raises(NotOfItsStack) as refused:
        name("made up", GitHub(RENAMED), stack="text")
    assert refused.value.holes["stack"] == "text"


@pytest.mark.parametrize(("proof", "operation"), [("", "CREATE_IN_PROGRESS 1"), (PROOF, "UPDATE_IN_PROGRESS 1")])
def test_github_tells_the_name_where_it_may_have_another_by_now(proof: str, operation: str) -> None:
    github = GitHub(RENAMED)
    assert name(proof, github, operation=operation) == "acme/renamed"
    assert github.asked == [(7, "Acme/Build")]


def test_a_repository_that_is_gone_or_hidden_is_said() -> None:
    github = GitHub(None)
    with pytest.raises(RepositoryGone, match="Acme/Build"):
        name("", github)
    assert github.asked == [(7, "Acme/Build"), ("absent", "Acme/Build", 7)]
    with pytest.raises(RepositoryUnseen, match="Acme/Build"):
        name("", GitHub(None, absent=False))


def test_one_that_was_made_a_moment_ago_is_waited_for() -> None:
    with pytest.raises(NotSeenYet, match="Acme/Build is not visible") as wait:
        name("", GitHub(None), unsettled=True)
    assert wait.value.seconds == 5
