"""What became of the pull requests that were opened for versions, and what is merged where none settles it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from custom_resources.clients.git import ROBOT, Change, Commit, Merge, Refs
from custom_resources.clients.github import PullRequest
from custom_resources.delivery.lineage import TEMPLATE_REF, Delivery, message, proposed
from custom_resources.delivery.observing import observe
from custom_resources.delivery.pull_request_text import MARK
from custom_resources.delivery.state import Base, Empty, Merged, Offered, Same, Waiting
from custom_resources.errors import NotOurRepository, RepositoryUnreachable
from custom_resources.reconciler import Request
from tests.deliveries import PROPERTIES
from tests.seals import SEAL, seals_in_memory

V2 = Delivery("d1", "p1", "model_build", "regression/model_build", "v2", "b" * 64 + ".zip")
V1 = replace(V2, version="v1", archive="a" * 64 + ".zip")
V0 = replace(V2, version="v0", archive="c" * 64 + ".zip")
MAIN = "refs/heads/main"
RECORDED = {MAIN: "tip", TEMPLATE_REF: "base", V1.ref("base", SEAL): "base"}
OFFER = replace(proposed("studio/template-v2", V2, "offered", 7, SEAL), tip="pushed")
OLDER = replace(proposed("studio/template-v0", V0, "older", 5, SEAL), tip="pushed older")
OFFERED = {OFFER.ref: "offered", "refs/heads/studio/template-v2": "pushed"}
ALSO = {OLDER.ref: "older", "refs/heads/studio/template-v0": "pushed older"}
PULL = PullRequest(
    7, "https://github.com/acme/build/pull/7", "open", False, "pushed", "studio/template-v2", base="main"
)
OTHER = replace(PULL, number=5, html_url="https://github.com/acme/build/pull/5", head="pushed older")


def declined(pull: PullRequest) -> PullRequest:
    return replace(pull, state="closed")


def landed(pull: PullRequest, commit: str = "squashed") -> PullRequest:
    return replace(pull, state="closed", merged=True, landed=commit)


@dataclass
class World:
    """Git and GitHub, as far as observing asks them."""

    refs: Mapping[str, str] = field(default_factory=lambda: RECORDED)
    pulls: Mapping[str, PullRequest] = field(default_factory=dict)  # by branch
    contained: Sequence[tuple[str, str]] = (("base", "tip"),)  # commit, tip
    touched: Sequence[str] = ()  # tips that a person committed
    said: Mapping[str, str] = field(default_factory=dict)
    merged: Merge = field(default_factory=lambda: Merge("merged tree"))
    name: str = "acme/build"
    reachable: bool = True
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.git = self.github = self.stacks = self.archives = cast(Any, self)
        self.seals = seals_in_memory()
        delivered = {"base": V1, "offered": V2, "older": V0}
        self.said = {**{sha: message("T", each, SEAL) for sha, each in delivered.items()}, **self.said}

    def of(self, what: str) -> list[tuple[Any, ...]]:
        return [each[1:] for each in self.asked if each[0] == what]

    @contextmanager
    def open(self, *given: Any) -> Iterator[Any]:
        self.asked.append(("open", *given))
        yield self

    def stream(self, folder: str) -> str:
        return folder

    def look(self) -> Refs:
        if not self.reachable:
            raise RepositoryUnreachable(activity="reading the refs")
        return Refs("main", self.refs)

    def move(self, full_name: str) -> None:
        self.asked.append(("move", full_name))
        self.reachable = True

    def fetch(self, *commits: str) -> None:
        self.asked.append(("fetch", *commits))

    def fetch_history(self, sha: str) -> None: ...

    def history(self, sha: str, saying: str) -> list[Commit]:
        return []

    def commit(self, sha: str) -> Commit:
        parents = {"pushed": ("tip", "offered"), "pushed older": ("tip", "older")}.get(sha, ())
        by = "ada@example.com" if sha in self.touched else ROBOT[1]
        return Commit(sha, f"tree of {sha}", parents, self.said.get(sha, ""), by)

    def message(self, sha: str) -> str:
        return self.said.get(sha, "")

    def entries(self, tree: str) -> dict[str, str]:
        return {}

    def empty_tree(self) -> str:
        return "empty tree"

    def import_commit(self, files: Any, said: str, parent: str) -> str:
        self.asked.append(("import", parent))
        return "new"

    def merge(self, *trees: str) -> Merge:
        self.asked.append(("merge", *trees))
        return self.merged

    def changes(self, old: str, new: str) -> list[Change]:
        self.asked.append(("changes", old, new))
        return [Change("M", f"{old} to {new}", "100644", "100644", "a", "b")]

    def exists(self, stack_id: str) -> bool:
        return False

    def repository_by_id(self, repository_id: int, full_name: str) -> Any:
        self.asked.append(("by id", repository_id, full_name))
        return type("Repository", (), {"full_name": self.name}) if self.name else None

    def find_pull_request(self, full_name: str, branch: str, base: str, mark: str) -> PullRequest | None:
        self.asked.append(("find", full_name, branch, base, mark))
        return self.pulls.get(branch)

    def contains(self, full_name: str, sha: str, tip: str) -> bool:
        self.asked.append(("contains", full_name, sha, tip))
        return (sha, tip) in self.contained


def observed(world: World, kind: Any = "Update", **settings: Any) -> Any:
    request = Request(
        kind, PROPERTIES.model_copy(update=settings), None, "repository-template-1", "stack", "", attempt=1
    )
    with observe(request, cast(Any, world)) as state:
        return state


def offer_in(world: World) -> Offered:
    state = observed(world)
    assert isinstance(state, Merged | Same)
    [offer] = state.offered
    return offer


# -- a version that waits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pull", [PULL, declined(PULL)])
def test_a_version_waits_in_its_pull_request(pull: PullRequest) -> None:
    world = World({**RECORDED, **OFFERED}, {"studio/template-v2": pull})
    state = observed(world)
    assert isinstance(state, Waiting)
    assert (state.version, state.url) == ("v1", PULL.html_url)
    assert world.of("find") == [("acme/build", "studio/template-v2", "main", MARK)]
    assert world.of("fetch") == []


def test_a_pull_request_of_another_version_is_none_of_this() -> None:
    world = World({**RECORDED, **ALSO}, {"studio/template-v0": OTHER})
    assert isinstance(observed(world), Merged)


@pytest.mark.parametrize(
    "pull", [replace(PULL, base="former"), landed(PULL)], ids=["into a former branch", "that was merged"]
)
def test_a_pull_request_that_does_not_wait_here_is_looked_into(pull: PullRequest) -> None:
    offer = offer_in(World({**RECORDED, **OFFERED}, {"studio/template-v2": pull}))
    assert (offer.pull_request, offer.version, offer.untouched, offer.delivered) == (pull, "v2", True, False)


def test_one_that_was_declined_before_and_offered_again_has_no_pull_request_yet() -> None:
    former = replace(declined(PULL), head="an older head")
    world = World({**RECORDED, **OFFERED}, {"studio/template-v2": former})
    assert offer_in(world).pull_request is None
    assert world.of("fetch")[0] == ("pushed",)
    worked_on = World({**RECORDED, **OFFERED}, {"studio/template-v2": former}, touched=["pushed"])
    assert isinstance(observed(worked_on), Waiting), "a user pushed to it: its end is what was declined"


@pytest.mark.parametrize(
    ("newest", "other", "unfinished"),
    [
        (PULL, OTHER, True),
        (PULL, declined(OTHER), True),
        (PULL, landed(OTHER), False),
        (PULL, None, False),
        (declined(PULL), OTHER, False),
    ],
)
def test_a_run_that_ended_before_it_closed_the_older_ones_is_finished(
    newest: PullRequest, other: PullRequest | None, unfinished: bool
) -> None:
    pulls = {"studio/template-v2": newest, **({"studio/template-v0": other} if other else {})}
    state = observed(World({**RECORDED, **OFFERED, **ALSO}, pulls))
    assert isinstance(state, Merged if unfinished else Waiting)


# -- what became of an offer -----------------------------------------------------------------------------------------

CLOSED = {"studio/template-v2": replace(PULL, base="former")}


@pytest.mark.parametrize(
    ("contained", "pull", "in_history", "delivered"),
    [
        ([("offered", "tip")], landed(PULL), True, True),
        ([("offered", "pushed"), ("squashed", "tip")], landed(PULL), False, True),
        ([("offered", "pushed")], landed(PULL), False, False),  # forced out of the branch since
        ([("squashed", "tip")], landed(PULL), False, False),  # merged without our commit
        ([("offered", "pushed"), ("squashed", "tip")], replace(landed(PULL), merged=False, base="x"), False, False),
        ([("offered", "pushed"), ("", "tip")], landed(PULL, ""), False, False),
    ],
)
def test_an_offer_is_delivered_where_its_commit_or_its_squash_is_in_the_branch(
    contained: list[tuple[str, str]], pull: PullRequest, in_history: bool, delivered: bool
) -> None:
    world = World({**RECORDED, **OFFERED}, {"studio/template-v2": pull}, [("base", "tip"), *contained])
    state = observed(world)
    assert isinstance(state, Merged | Same)
    [offer] = state.offered
    assert (offer.in_history, offer.delivered) == (in_history, delivered)
    assert isinstance(state, Same) is delivered
    if isinstance(state, Same):
        assert state.commit == "offered"


def test_all_commits_that_matter_come_at_once() -> None:
    world = World({**RECORDED, **OFFERED, **ALSO}, CLOSED)
    observed(world)
    assert ("tip", "base", "older", "pushed older", "offered", "pushed") in world.of("fetch")


def test_what_is_no_commit_is_no_offer() -> None:
    world = World({**RECORDED, **OFFERED}, CLOSED, said={"offered": ""})
    state = observed(world)
    assert isinstance(state, Merged)
    assert state.offered == ()
    assert world.of("by id") == [], "whose name nobody needs"


def test_an_offer_whose_message_records_nothing_has_no_version() -> None:
    assert offer_in(World({**RECORDED, **OFFERED}, CLOSED, said={"offered": "Fix"})).version == ""


def test_a_renamed_repositorys_pull_requests_are_looked_up_under_its_name() -> None:
    world = World({**RECORDED, **OFFERED}, CLOSED, name="acme/renamed")
    state = observed(world)
    assert isinstance(state, Merged)
    assert state.place.full_name == "acme/renamed"
    assert world.of("by id") == [(1, "acme/build")]
    assert world.of("find")[-1] == ("acme/renamed", "studio/template-v2", "main", MARK)
    assert ("acme/renamed", "offered", "tip") in world.of("contains")
    gone = World({**RECORDED, **OFFERED}, CLOSED, name="")
    assert observed(gone).place.full_name == "acme/build"


# -- where it is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reachable", "moves"),
    [
        ("acme/Build", True, []),
        ("acme/renamed", True, [("acme/renamed",)]),
        ("acme/build", False, [("acme/build",)]),
    ],
)
def test_a_repository_that_is_not_proven_under_its_name_is_looked_up(
    name: str, reachable: bool, moves: list[tuple[str]]
) -> None:
    world = World({}, name=name, reachable=reachable)
    state = observed(world)
    assert isinstance(state, Empty)
    assert (state.place.full_name, world.of("move")) == (name, moves)
    assert world.of("open")[0] == ("acme/build", 0.0)


# -- a project that takes no updates ---------------------------------------------------------------------------------


def test_off_knows_what_a_pull_request_delivered() -> None:
    refs = {**RECORDED, **OFFERED}
    there = World(refs, {"studio/template-v2": landed(PULL)}, [("offered", "tip")])
    state = observed(there, sync_mode="Off")
    assert isinstance(state, Same)
    assert state.commit == "offered"
    asked = observed(there, sync_mode="Off", template_version="v3")
    assert isinstance(asked, Waiting)
    assert (asked.version, asked.url) == ("v2", ""), "not the recorded one"
    assert there.of("merge") == []


# -- a merge ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theirs", ["", "theirs without what ours ignores"])
def test_a_version_is_committed_onto_the_lineage_and_merged_into_the_tip(theirs: str) -> None:
    world = World(merged=Merge("merged tree", theirs=theirs))
    state = observed(world)
    assert isinstance(state, Merged)
    assert world.of("import") == [("base",)]
    assert world.of("merge") == [("tree of base", "tree of tip", "tree of new")]
    tree = theirs or "tree of new"
    assert world.of("changes") == [("tree of base", tree)]
    assert (state.tip_tree, state.commit, state.tree, state.merge) == ("tree of tip", "new", tree, world.merged)
    assert state.base == Base("base", "tree of base", V1, True, True)
    assert [change.path for change in state.changes] == [f"tree of base to {tree}"]


def test_a_repository_with_commits_is_adopted_where_the_launch_says_so() -> None:
    with pytest.raises(NotOurRepository):
        observed(World({MAIN: "tip"}), "Create")
    for kind, settings, certain in (("Create", {"adopt_existing": True}, True), ("Update", {}, False)):
        state = observed(World({MAIN: "tip"}), kind, **settings)
        assert isinstance(state, Merged)
        assert state.base == Base("", "empty tree", None, certain=certain)


def test_a_proposal_knows_its_branch_and_its_tip() -> None:
    assert offer_in(World({**RECORDED, **OFFERED}, CLOSED)).proposal == OFFER
