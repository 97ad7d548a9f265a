"""Who holds a repository, by the records in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from custom_resources.clients.git import BareRepository, Refs
from custom_resources.delivery.lineage import STACK_REF, TEMPLATE_REF, Delivery, message, proposed
from custom_resources.delivery.ownership import held_delivery, require_no_rival
from custom_resources.errors import HeldByAnotherStack, RepositoryTooLarge
from tests.seals import SEAL


class TooLarge:
    """A repository whose records are more than a function's disk holds: anybody may have pushed them."""

    def fetch(self, *commits: str) -> None:
        raise RepositoryTooLarge


def test_records_that_cannot_be_read_stop_a_deletion_only_if_they_are_proven() -> None:
    git: Any = TooLarge()
    refs = Refs("main", {TEMPLATE_REF: "a" * 40, STACK_REF: "b" * 40})
    assert held_delivery(cast("BareRepository", git), refs, sealed=False) is None
    with pytest.raises(RepositoryTooLarge):
        held_delivery(cast("BareRepository", git), refs)


class Recorded:
    """A copy of a repository that holds what was fetched, as BareRepository does; counts its requests."""

    def __init__(self, messages: Mapping[str, str]) -> None:
        self.requests = 0
        self._messages = messages
        self._here = {""}

    def fetch(self, *commits: str) -> None:
        missing = set(commits) - self._here
        self.requests += bool(missing)
        self._here |= missing

    def message(self, sha: str) -> str:
        assert sha in self._here, "a commit is read that was not fetched"
        return self._messages[sha]


class Stacks:
    """CloudFormation, with the stacks that exist."""

    def __init__(self, *ids: str) -> None:
        self._ids = ids

    def exists(self, stack_id: str) -> bool:
        return stack_id in self._ids


OURS = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a" * 64 + ".zip", stack="ours")
RIVAL = "arn:aws:cloudformation:eu-west-1:123456789012:stack/rival/1"
THEIRS = replace(OURS, stack=RIVAL)
FIRST, SECOND = (proposed(f"studio/template-v{number}", OURS, f"offer{number}", number, SEAL) for number in (1, 2))
OFFERED = {FIRST.ref: FIRST.commit, SECOND.ref: SECOND.commit}


def required(targets: Mapping[str, str], said: Mapping[str, Delivery], *stacks: str) -> Recorded:
    git = Recorded({commit: message("Template", delivery, SEAL) for commit, delivery in said.items()})
    copy: Any = git
    cloud: Any = Stacks(*stacks)
    require_no_rival(copy, Refs("main", targets), "acme/build", OURS, cloud)
    return git


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ({TEMPLATE_REF: "base"}, {"base": THEIRS}),
        ({TEMPLATE_REF: "base", STACK_REF: "claim"}, {"base": OURS, "claim": THEIRS}),
        (OFFERED, {"offer1": THEIRS, "offer2": OURS}),  # of one that delivered nothing yet: any offer tells
        (OFFERED, {"offer1": OURS, "offer2": THEIRS}),
    ],
    ids=["delivered", "claimed", "first offer", "second offer"],
)
def test_a_stack_that_delivered_claimed_or_offered_is_a_rival_as_long_as_it_exists(
    targets: Mapping[str, str], said: Mapping[str, Delivery]
) -> None:
    with pytest.raises(HeldByAnotherStack) as told:
        required(targets, said, RIVAL)
    assert "acme/build" in str(told.value)
    assert " rival" in str(told.value)
    assert required(targets, said).requests == 1, "all commits come at once"


@pytest.mark.parametrize("other", [{"domain": "d2"}, {"project": "p2"}, {"part": "model_deploy"}])
def test_what_was_delivered_for_another_project_is_no_rival_here(other: dict[str, str]) -> None:
    required({TEMPLATE_REF: "base"}, {"base": replace(THEIRS, **other)}, RIVAL)


def test_an_offer_is_no_rival_where_ours_was_delivered() -> None:
    git = required({TEMPLATE_REF: "base", **OFFERED}, {"base": OURS, "offer1": THEIRS, "offer2": THEIRS}, RIVAL)
    assert git.requests == 1
