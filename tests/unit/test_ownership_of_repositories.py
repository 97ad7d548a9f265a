"""Who holds a repository, by the records in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from custom_resources.clients.git import BareRepository, PushRejected, Refs, RepositoryArchived
from custom_resources.clients.protocols import Git
from custom_resources.delivery.leaving import remove_refs
from custom_resources.delivery.lineage import STACK_REF, TEMPLATE_REF, Delivery, message, proposed, stack_ref
from custom_resources.delivery.ownership import Claim, held_delivery, require_no_rival, take
from custom_resources.errors import HeldByAnotherStack, RepositoryTooLarge, RulesRefuse
from custom_resources.reconciler import Replan
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


# -- what is written of it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refs", "said", "held"),
    [
        ({}, {}, None),
        ({TEMPLATE_REF: "base"}, {"base": OURS}, OURS),
        ({STACK_REF: "claim"}, {"claim": THEIRS}, None),
        ({TEMPLATE_REF: "base", STACK_REF: "claim"}, {"base": OURS, "claim": THEIRS}, replace(OURS, stack=RIVAL)),
    ],
)
def test_a_claim_changes_whose_stack_it_is_and_nothing_of_what_was_delivered(
    refs: Mapping[str, str], said: Mapping[str, Delivery], held: Delivery | None
) -> None:
    git: Any = Recorded({commit: message("Template", delivery, SEAL) for commit, delivery in said.items()})
    for sealed in (True, False):
        assert held_delivery(git, Refs("main", refs), sealed=sealed) == held


def test_a_claim_that_says_nothing_leaves_the_delivery_as_it_is() -> None:
    git: Any = Recorded({"base": message("Template", OURS, SEAL), "claim": "no record"})
    assert held_delivery(git, Refs("main", {TEMPLATE_REF: "base", STACK_REF: "claim"})) == OURS
    git = Recorded({"base": "no record", "claim": message("Template", OURS, SEAL)})
    assert held_delivery(git, Refs("main", {TEMPLATE_REF: "base", STACK_REF: "claim"})) is None


class Writable:
    """A Git service with one repository, which notes each step; a push may be refused."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.done: list[tuple[Any, ...]] = []
        self._refusal = refusal

    @contextmanager
    def open(self, full_name: str, when: float = 0) -> Iterator[Any]:
        self.done.append(("open", full_name, when))
        yield self

    def start(self) -> None:
        self.done.append(("start",))

    def empty_tree(self) -> str:
        return "empty tree"

    def commit_tree(self, tree: str, parents: tuple[str, ...], text: str) -> str:
        self.done.append(("commit", tree, parents, text))
        return "claim"

    def push(self, seen: Refs, targets: Mapping[str, str]) -> None:
        self.done.append(("push", seen, targets))
        if self._refusal:
            raise self._refusal


FORMER = {STACK_REF: "former", "refs/studio/stacks/proof": "former"}


def taken(git: Writable) -> Replan | None:
    return take(Claim(OURS, FORMER), "acme/build", cast("Git", git), SEAL, 1000.0)


def test_a_claim_is_one_commit_that_takes_the_former_ones_place() -> None:
    git = Writable()
    assert taken(git) is None
    assert git.done == [
        ("open", "acme/build", 1000.0),
        ("start",),
        ("commit", "empty tree", (), message("The project's stack", OURS, SEAL)),
        (
            "push",
            Refs(targets=FORMER),
            {STACK_REF: "claim", stack_ref("claim", SEAL): "claim", "refs/studio/stacks/proof": ""},
        ),
    ]


def test_who_was_faster_is_looked_at_again_and_what_rules_refuse_is_said() -> None:
    archived = RepositoryArchived("This repository was archived so it is read-only.")
    assert taken(Writable(archived)) == Replan("acme/build was archived meanwhile")
    assert taken(Writable(PushRejected(stale=True, message="stale"))) == Replan("another stack took acme/build")
    with pytest.raises(RulesRefuse) as refused:
        taken(Writable(PushRejected(stale=False, message="GH013: no")))
    assert refused.value.holes == {"repository": "acme/build", "message": "refs/studio/stack: GH013: no"}


def test_refs_that_were_left_go_all_at_once_where_they_still_are_as_seen() -> None:
    git = Writable()
    remove_refs(FORMER, "acme/build", cast("Git", git))
    assert git.done == [
        ("open", "acme/build", 0),
        ("start",),
        ("push", Refs(targets=FORMER), {STACK_REF: "", "refs/studio/stacks/proof": ""}),
    ]


def test_an_archive_keeps_its_refs_and_what_keeps_refs_otherwise_is_said() -> None:
    archived = Writable(RepositoryArchived("This repository was archived so it is read-only."))
    remove_refs(FORMER, "acme/build", cast("Git", archived))
    assert len(archived.done) == 3
    for stale in (True, False):
        with pytest.raises(RulesRefuse) as refused:
            remove_refs(FORMER, "acme/build", cast("Git", Writable(PushRejected(stale=stale, message="GH013: no"))))
        assert refused.value.holes == {"repository": "acme/build", "message": "refs/studio/: GH013: no"}
