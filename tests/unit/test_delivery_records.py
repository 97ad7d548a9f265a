"""What is written and removed of our records: template commits, claims, marks, and what goes with a project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from custom_resources.clients.git import ROBOT, Change, Commit, Merge, PushRejected, Refs, RepositoryArchived
from custom_resources.delivery import commit_text
from custom_resources.delivery.leaving import offered, refs_left, remove_refs
from custom_resources.delivery.lineage import (
    MOST_PROPOSALS,
    STACK_REF,
    TEMPLATE_REF,
    Delivery,
    message,
    proposed,
    stack_ref,
)
from custom_resources.delivery.marks import Owner
from custom_resources.delivery.ownership import Claim, claims, held_delivery, refusal, rival, take
from custom_resources.delivery.state import wanted
from custom_resources.delivery.template_commit import wanted_commit
from custom_resources.errors import RulesRefuse
from custom_resources.reconciler import Request
from tests.deliveries import PROPERTIES
from tests.seals import ANOTHER, SEAL, seals_in_memory

V1 = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a" * 64 + ".zip", stack="stack")
MAIN = "refs/heads/main"


@dataclass
class World:
    """Git and the archives, which note what they are asked to do."""

    messages: Mapping[str, str] = field(default_factory=dict)
    persons: tuple[str, ...] = ()  # commits that are not the robot's
    refuses: Exception | None = None
    stacks: tuple[str, ...] = ()
    done: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.archives = self
        self.seals = seals_in_memory()

    @contextmanager
    def open(self, *given: Any) -> Iterator[World]:
        self.done.append(("open", *given))
        yield self

    def start(self) -> None:
        self.done.append(("start",))

    def fetch(self, *commits: str) -> None:
        self.done.append(("fetch", *commits))

    def message(self, sha: str) -> str:
        return self.messages.get(sha, "")

    def commit(self, sha: str) -> Commit:
        return Commit(sha, "tree", (), "", "ada@example.com" if sha in self.persons else ROBOT[1])

    def empty_tree(self) -> str:
        return "empty tree"

    def commit_tree(self, tree: str, parents: tuple[str, ...], said: str) -> str:
        self.done.append(("commit", tree, parents, said))
        return "claim"

    def push(self, seen: Refs, targets: Mapping[str, str]) -> None:
        self.done.append(("push", dict(seen.targets), dict(targets)))
        if self.refuses:
            raise self.refuses

    def stream(self, folder: str) -> str:
        return f"files in {folder}"

    def import_commit(self, files: Any, said: str, parent: str) -> str:
        self.done.append(("import", files, said, parent))
        return "new"

    def exists(self, stack_id: str) -> bool:
        self.done.append(("exists", stack_id))
        return stack_id in self.stacks


def offers(count: int) -> list[Any]:
    return [proposed(f"studio/template-v{n:02}", V1, f"offer{n:02}", n, SEAL) for n in range(count)]


# -- what goes with a project ----------------------------------------------------------------------------------------


def test_what_waits_and_what_is_recorded_would_be_delivered() -> None:
    world = World({"offer00": message("T", V1, SEAL), "offer01": "Fix", "base": message("T", V1, SEAL)})
    refs = Refs("main", {each.ref: each.commit for each in offers(2)})
    assert offered(cast(Any, world), refs, "base", "") == [V1, V1]
    assert world.done == [("fetch", "offer00", "offer01", "base")]


def test_of_too_many_pull_requests_some_are_read() -> None:
    world = World({f"offer{n:02}": message("T", V1, SEAL) for n in range(20)})
    refs = Refs("main", {each.ref: each.commit for each in offers(20)})
    assert len(offered(cast(Any, world), refs)) == MOST_PROPOSALS == 10


def test_our_refs_go_and_branches_that_nobody_worked_on() -> None:
    first, second, third = offers(3)
    there = Refs("main", {MAIN: "tip", "refs/studio/forged": "x", first.ref: "offer00"})
    proven = Refs(
        "main",
        {
            **{each.ref: each.commit for each in (first, second, third)},
            "refs/heads/studio/template-v00": "tip0",
            "refs/heads/studio/template-v01": "tip1",
        },
    )
    world = World(persons=("tip1",))
    assert refs_left(cast(Any, world), proven, there) == {
        "refs/studio/forged": "x",
        first.ref: "offer00",
        "refs/heads/studio/template-v00": "tip0",
    }
    assert world.done == [("fetch", "tip0", "tip1")]


def test_the_tips_of_ten_branches_are_read() -> None:
    made = offers(12)
    branches = {f"refs/heads/{each.branch}": f"tip of {each.branch}" for each in made}
    world = World()
    left = refs_left(cast(Any, world), Refs("main", {each.ref: each.commit for each in made} | branches), Refs())
    assert left == dict(sorted(branches.items())[2:])


SEEN = {"refs/studio/template": "a", "refs/heads/studio/template-v1": "b"}


def test_refs_are_removed_where_they_are_as_they_were_seen() -> None:
    world = World()
    remove_refs(SEEN, "acme/build", cast(Any, world))
    assert world.done == [("open", "acme/build"), ("start",), ("push", SEEN, dict.fromkeys(SEEN, ""))]


def test_an_archived_repository_keeps_its_refs_and_a_rule_is_named() -> None:
    remove_refs(SEEN, "acme/build", cast(Any, World(refuses=RepositoryArchived("archived"))))
    with pytest.raises(RulesRefuse) as told:
        remove_refs(SEEN, "acme/build", cast(Any, World(refuses=PushRejected(stale=False, message="GH013"))))
    assert "rulesets of acme/build block the template update (refs/studio/: GH013)" in str(told.value)


# -- template commits ------------------------------------------------------------------------------------------------

SUBJECT, FILES = "Template regression/model_build v2", "files in regression/model_build"


@pytest.mark.parametrize(
    ("notes", "source", "body"),
    [
        ("", "", ""),
        ("Faster. @ada\r\n", "", "Faster. @\u200bada"),
        ("", "https://example.com/t", "Source: https://example.com/t"),
        ("Faster.", "https://example.com/t", "Faster.\n\nSource: https://example.com/t"),
    ],
)
def test_a_template_commit_says_what_it_delivers(notes: str, source: str, body: str) -> None:
    world = World()
    properties = PROPERTIES.model_copy(update={"template_notes": notes, "template_source": source})
    request = Request("Update", properties, None, "", "stack", "")
    assert wanted_commit(cast(Any, world), request, cast(Any, world), "parent") == "new"
    seal = world.seals.of_repository(1)
    said = message(SUBJECT, wanted(request), seal, body)
    assert said.startswith(f"{SUBJECT}\n\n{body}" if body else f"{SUBJECT}\n\nStudio-Domain: d1")
    assert world.done == [("open", PROPERTIES.template_archive), ("import", FILES, said, "parent")]
    wanted_commit(cast(Any, world), request, cast(Any, world))
    assert world.done[-1] == ("import", FILES, said, "")


def test_a_request_asks_for_a_delivery_for_its_stack() -> None:
    request = Request("Update", PROPERTIES, None, "", "the stack", "")
    assert wanted(request) == Delivery(
        "d1", "p1", "model_build", "regression/model_build", "v2", "b" * 64 + ".zip", "the stack"
    )


@pytest.mark.parametrize(
    ("labels", "assignees", "reviewers", "requests"),
    [
        ((), (), (), 0),
        (("a", "b"), (), (), 1),
        ((), ("c", "d"), (), 1),
        ((), (), ("e", "f"), 2),
        (("a",), ("c",), ("e",), 3),
    ],
)
def test_people_take_a_request_for_each_kind_and_each_reviewer(
    labels: tuple[str, ...], assignees: tuple[str, ...], reviewers: tuple[str, ...], requests: int
) -> None:
    people = {"pull_request_labels": labels, "pull_request_assignees": assignees, "pull_request_reviewers": reviewers}
    assert PROPERTIES.model_copy(update=people).addressing == requests


# -- the text of a merge commit --------------------------------------------------------------------------------------


def changed(letters: str) -> list[Change]:
    return [Change(letter, f"f{at}", "100644", "100644", "a", "b") for at, letter in enumerate(letters)]


@pytest.mark.parametrize(
    ("letters", "said"),
    [
        ("", ""),
        ("A", "The template adds 1 file."),
        ("MT", "The template changes 2 files."),
        ("DA", "The template adds 1 file and removes 1 file."),
        ("DAMAA", "The template adds 3 files, changes 1 file and removes 1 file."),
        ("A" * 1234, "The template adds 1,234 files."),
    ],
)
def test_a_merge_commit_counts_what_the_template_changes(letters: str, said: str) -> None:
    assert commit_text.body("", changed(letters), Merge("tree")) == said


def test_a_merge_commit_lists_what_is_left_out_of_it() -> None:
    paths = tuple(f"f{number:02}" for number in range(11))
    text = commit_text.body("Notes.", changed("A"), Merge("tree", ignored=paths[:10], absent=("@ada\n", *paths[1:])))
    listed = "\n".join(f"- {path}" for path in paths[:10])
    others = "\n".join(f"- {path}" for path in paths[1:10])
    assert text == (
        "Notes.\n\nThe template adds 1 file.\n\n"
        f".studio-template-ignore excludes these files, so they are unchanged:\n{listed}\n\n"
        f"These template files were removed or renamed here, and stay so:\n- @\u200bada?\n{others}\n- ... and 1 more"
    )


# -- who holds it ----------------------------------------------------------------------------------------------------


def test_a_claim_names_its_stack_and_takes_the_place_of_those_before_it() -> None:
    world, seen = World(), {STACK_REF: "seen", "refs/studio/stacks/former": "seen"}
    assert take(Claim(V1, seen), "acme/build", cast(Any, world), SEAL, 17.0) is None
    assert world.done == [
        ("open", "acme/build", 17.0),
        ("start",),
        ("commit", "empty tree", (), message("The project's stack", V1, SEAL)),
        (
            "push",
            seen,
            {"refs/studio/stacks/former": "", STACK_REF: "claim", stack_ref("claim", SEAL): "claim"},
        ),
    ]


def test_a_claim_takes_over_from_whatever_is_there() -> None:
    believed = {"refs/studio/stacks/one": "a", "refs/studio/delivered/v1/x": "b", TEMPLATE_REF: "b"}
    assert claims(believed, Refs("main", {STACK_REF: "forged"})) == {
        "refs/studio/stacks/one": "a",
        STACK_REF: "forged",
    }
    assert claims({}, Refs()) == {}


def test_a_stack_holds_what_it_delivered_until_another_claims_it() -> None:
    world = World({"base": message("T", V1, SEAL), "claim": message("T", replace(V1, stack="other"), SEAL)})
    git = cast(Any, world)
    assert held_delivery(git, Refs("main", {TEMPLATE_REF: "base"})) == V1
    assert held_delivery(git, Refs("main", {TEMPLATE_REF: "base", STACK_REF: "nothing"})) == V1
    both = held_delivery(git, Refs("main", {TEMPLATE_REF: "base", STACK_REF: "claim"}))
    assert both == replace(V1, stack="other")
    assert held_delivery(git, Refs("main", {STACK_REF: "claim"})) is None, "nothing was delivered"
    assert world.done[-1] == ("fetch", "", "claim")


@pytest.mark.parametrize(
    ("holder", "mine", "exists", "other", "asks"),
    [
        ("theirs", "mine", True, "theirs", True),
        ("theirs", "mine", False, "", True),
        ("mine", "mine", True, "", False),
        ("", "mine", True, "", False),
    ],
)
def test_a_rival_is_another_stack_that_exists(holder: str, mine: str, exists: bool, other: str, asks: bool) -> None:
    world = World(stacks=(holder,) if exists else ())
    assert rival(replace(V1, stack=holder), mine, cast(Any, world)) == other
    assert world.done == ([("exists", holder)] if asks else [])
    assert rival(None, mine, cast(Any, world)) == ""


@pytest.mark.parametrize(
    ("holder", "name"),
    [("arn:aws:cloudformation:eu-west-1:123456789012:stack/SC-123/4f2a", "SC-123"), ("somebody", "somebody")],
)
def test_a_rival_is_named_by_its_stacks_name(holder: str, name: str) -> None:
    said = refusal("acme/build", holder)
    assert (said.holes["repository"], said.holes["stack"]) == ("acme/build", name)


# -- marks -----------------------------------------------------------------------------------------------------------

OWNER = Owner("d1", "p1", "model_build")


def test_a_description_proves_its_owner_to_whom_the_proof_was_made_for() -> None:
    named = "(d1/p1 model_build "
    asked: list[str] = []

    def stack() -> Any:
        asked.append("stack")
        return ANOTHER

    assert OWNER.mark(SEAL) == f"{named}{SEAL.of('mark', 'd1', 'p1', 'model_build')})"
    assert OWNER.proven_by(f"Build {OWNER.mark(SEAL)}", SEAL, stack) == "repository"
    assert OWNER.proven_by("Build", SEAL, stack) == ""
    assert asked == [], "the stack's seal is not made where nothing needs it"
    assert OWNER.proven_by(f"Build {OWNER.mark(ANOTHER)}", SEAL, stack) == "stack"
    assert OWNER.proven_by(f"Build {named}forged)", SEAL, stack) == "nobody"
    assert replace(OWNER, part="model_deploy").proven_by(OWNER.mark(SEAL), SEAL, stack) == ""


@pytest.mark.parametrize(
    ("description", "others"),
    [
        ("", False),
        ("About (this/that model_other x)", False),
        ("(d1/p1 model_build x)", False),
        ("(d1/p1 model_deploy x)", False),
        ("(d1/p2 model_build x)", True),
        ("(d2/p1 model_deploy)", True),
        ("(d1/p1 model_build x) (d1/p2 model_build x)", True),
    ],
)
def test_a_description_may_name_another_project(description: str, others: bool) -> None:
    assert OWNER.is_others(description) is others
