"""What the refs and messages of a repository make of it, and who may have it: doubles that answer from a dict."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from custom_resources.clients.git import ROBOT, Commit, PushRejected, Refs, RepositoryArchived
from custom_resources.clients.github import PullRequest
from custom_resources.delivery.lineage import (
    STACK_REF,
    TEMPLATE_REF,
    Delivery,
    message,
    proposed,
    stack_ref,
)
from custom_resources.delivery.observing import observe
from custom_resources.delivery.ownership import Claim, take
from custom_resources.delivery.state import Empty, Same, State, Waiting
from custom_resources.errors import (
    GitFailing,
    GitHubUnavailable,
    NotOfItsStack,
    NotOurRepository,
    OtherProjectsRepository,
    RepositoryGone,
    RepositoryUnreachable,
    RepositoryUnseen,
    RulesRefuse,
)
from custom_resources.named_repository import name_proof
from custom_resources.reconciler import Replan, Request
from custom_resources.telemetry import follow, logger
from tests import deliveries
from tests.seals import SEAL, seals_in_memory

PROPERTIES = deliveries.PROPERTIES.model_copy(update={"name_proof": name_proof(SEAL, "acme/build", "stack")})
V2 = Delivery("d1", "p1", "model_build", "regression/model_build", "v2", "b" * 64 + ".zip")
V1 = replace(V2, version="v1", archive="a" * 64 + ".zip")
MAIN = "refs/heads/main"
PULL = PullRequest(7, "https://github.com/acme/build/pull/7", "open", False, "head", "studio/template-v2", base="main")


@dataclass
class World:
    """Git, GitHub, CloudFormation and the archives in one, as far as observing asks them."""

    refs: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    commits: Mapping[str, Commit] = field(default_factory=dict)  # those of which more than the message is read
    found: Any = None  # the repository, by its id
    pull: PullRequest | None = None
    reachable: bool = True
    seen_all: bool = True  # the token sees all repositories that there are
    refuses: Exception | None = None
    pushed: dict[str, str] = field(default_factory=dict)
    fetching: Callable[[], object] = lambda: None
    fetched: bool = False
    comparing: Callable[[], bool] = lambda: True
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # comparisons

    def __post_init__(self) -> None:
        self.git = self.github = self.stacks = self.archives = cast(Any, self)
        self.seals = seals_in_memory()

    @contextmanager
    def open(self, *_: Any) -> Iterator[Any]:
        yield self

    def stream(self, folder: str) -> list[Any]:
        return []

    def look(self) -> Refs:
        if not self.reachable:
            raise RepositoryUnreachable(activity="reading the refs")
        return Refs("main" if MAIN in self.refs else "", self.refs)

    def is_absent(self, full_name: str, repository_id: int = 0) -> bool:
        assert (full_name, repository_id) == ("acme/build", 1)
        return self.seen_all

    def move(self, full_name: str) -> None:
        self.reachable = True

    def fetch(self, *commits: str) -> None:
        if not self.fetched:
            self.fetching()
            self.fetched = True

    def contains(self, full_name: str, commit: str, tip: str) -> bool:
        self.asked.append((full_name, commit, tip))
        return self.comparing()

    def fetch_history(self, tip: str) -> None: ...

    def history(self, *_: str) -> list[Any]:
        return []

    def start(self) -> None: ...

    def empty_tree(self) -> str:
        return "empty"

    def commit_tree(self, *_: Any) -> str:
        return "claimed"

    def push(self, seen: Refs, targets: Mapping[str, str]) -> None:
        if self.refuses:
            raise self.refuses
        self.pushed = dict(targets)

    def import_commit(self, *_: Any) -> str:
        return "new"

    def commit(self, sha: str) -> Any:
        if sha in self.commits:
            return self.commits[sha]
        said = self.messages.get(sha, "")
        return cast(Any, type("Commit", (), {"sha": sha, "tree": f"tree of {sha}", "message": said}))

    def message(self, sha: str) -> str:
        return self.messages.get(sha, "")

    def repository_by_id(self, *_: Any) -> Any:
        return self.found

    def find_pull_request(self, *_: Any) -> PullRequest | None:
        return self.pull


HERE = cast(Any, type("Repository", (), {"full_name": "acme/build"}))


def observed(
    world: World, kind: Any = "Update", *, attempt: int = 1, known_by: str = "repository-template-1", **settings: Any
) -> State | None:
    request = Request(kind, PROPERTIES.model_copy(update=settings), None, known_by, "stack", "", attempt=attempt)
    with observe(request, cast(Any, world)) as state:
        return state


def test_nobody_looks_before_a_delete() -> None:
    assert observed(World(reachable=False), "Delete") is None


def test_a_new_repository_is_taken_for_empty_once() -> None:
    state = observed(World(reachable=False), "Create", attempt=0)
    assert isinstance(state, Empty)
    assert (state.commit, state.place.branch, state.place.full_name) == ("new", "main", "acme/build")


@pytest.mark.parametrize("attempt", [0, 1])
def test_a_name_that_nobody_proves_is_looked_up(attempt: int) -> None:
    """Of a template from before there were proofs: whatever has the name now, the id is what the stack made."""
    another = cast(Any, type("Repository", (), {"full_name": "acme/ours"}))
    state = observed(World({}, found=another, reachable=True), "Create", attempt=attempt, name_proof="")
    assert isinstance(state, Empty)
    assert state.place.full_name == "acme/ours"
    with pytest.raises(RepositoryGone):
        observed(World(), "Create", attempt=attempt, name_proof="")


@pytest.mark.parametrize("attempt", [0, 1])
def test_a_name_that_is_proven_wrongly_is_refused(attempt: int) -> None:
    with pytest.raises(NotOfItsStack, match="acme/others is not the name of the repository with the ID 1"):
        observed(World(found=HERE), "Create", attempt=attempt, repository="acme/others")


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_repository_without_a_commit_is_empty(kind: str) -> None:
    state = observed(World(found=HERE), kind, default_branch="trunk")
    assert isinstance(state, Empty)
    assert (state.commit, state.place.branch, state.place.full_name) == ("new", "trunk", "acme/build")


def test_a_deleted_repository_is_named() -> None:
    with pytest.raises(RepositoryGone, match="The repository acme/build was deleted on GitHub"):
        observed(World(reachable=False))
    with pytest.raises(RepositoryUnseen, match=r"The token cannot access the repository acme/build \(ID 1\)"):
        observed(World(reachable=False, seen_all=False))


def test_a_repository_is_followed_by_its_id() -> None:
    moved = cast(Any, type("Repository", (), {"full_name": "acme/renamed"}))
    state = observed(World({}, found=moved, reachable=False))
    assert isinstance(state, Empty)
    assert state.place.full_name == "acme/renamed"


def test_the_refs_alone_tell_that_nothing_is_to_be_done() -> None:
    state = observed(World({MAIN: "tip", TEMPLATE_REF: "base", V2.ref("base", SEAL): "base"}))
    assert isinstance(state, Same)
    assert (state.commit, state.offered) == ("base", ())


OFFERED = proposed("studio/template-v2", V2, "offered", 0, SEAL)
WAITS = {MAIN: "tip", TEMPLATE_REF: "base", V1.ref("base", SEAL): "base", OFFERED.ref: "offered"}


@pytest.mark.parametrize("state", ["open", "closed"])
def test_an_offered_version_waits(state: str) -> None:
    waiting = observed(World(WAITS, pull=replace(PULL, state=state)))
    assert isinstance(waiting, Waiting)
    assert (waiting.version, waiting.url) == ("v1", PULL.html_url)


BRANCH = "refs/heads/studio/template-v2"
STRANGER = "somebody@example.com"


@pytest.mark.parametrize(
    ("tip", "committer", "parents", "untouched"),
    [
        ("offered", ROBOT[1], ("base",), True),  # the proposal itself
        ("merge", ROBOT[1], ("tip", "offered"), True),  # our merge of it
        ("offered", STRANGER, ("base",), False),
        ("merge", STRANGER, ("tip", "offered"), False),  # a user has merged or added to it
        ("another", ROBOT[1], ("tip", "base"), False),  # ours, but of another offer
        ("", ROBOT[1], (), False),  # the branch is gone
    ],
)
def test_a_branch_is_untouched_where_its_tip_is_the_commit_that_we_pushed(
    tip: str, committer: str, parents: tuple[str, ...], untouched: bool
) -> None:
    world = World(
        {**RECORDED, OFFERED.ref: "offered", **({BRANCH: tip} if tip else {})},
        {**HOLDS_V2, "offered": message("Template", V2, SEAL)},
        {tip: Commit(tip, f"tree of {tip}", parents, "", committer)},
        pull=replace(PULL, base="former"),
        comparing=lambda: world.asked[-1][1] == "base",
    )
    state = observed(world)
    assert state is not None
    assert not isinstance(state, Empty | Waiting)
    [offer] = state.offered
    assert (offer.proposal.tip, offer.untouched) == (tip, untouched)


def test_off_reads_the_record_only() -> None:
    world = World(WAITS, {"base": message("Template", V1, SEAL)}, pull=replace(PULL, base="former"))
    state = observed(world, sync_mode="Off")
    assert isinstance(state, Waiting)
    assert (state.version, state.url) == ("v1", "")
    unrecorded = observed(
        World({MAIN: "tip", TEMPLATE_REF: "base"}, {"base": message("Template", V1, SEAL)}, found=HERE),
        sync_mode="Off",
    )
    assert isinstance(unrecorded, Waiting)
    assert unrecorded.version == "v1"
    never = observed(World({MAIN: "tip"}, found=HERE), sync_mode="Off")
    assert isinstance(never, Waiting)
    assert never.version == ""


# As repositories have it from before there were proofs.
BEFORE = {MAIN: "tip", TEMPLATE_REF: "base", f"refs/studio/delivered/v2/{V2.key}": "base"}


def test_what_is_not_proven_is_believed_where_the_id_is_known() -> None:
    state = observed(World(BEFORE, found=HERE))
    assert isinstance(state, Same)
    assert (state.commit, state.place.sealed) == ("base", False)
    assert state.place.there.targets == BEFORE


@pytest.mark.parametrize(("kind", "known_by"), [("Create", ""), ("Update", "repository-template-2"), ("Update", "")])
def test_what_is_not_proven_is_believed_nowhere_else(kind: str, known_by: str) -> None:
    state = observed(World(BEFORE, found=HERE), kind, known_by=known_by, sync_mode="Off")
    assert isinstance(state, Waiting)
    assert (state.version, state.place.refs.targets, state.place.there.targets) == ("", {MAIN: "tip"}, BEFORE)


def test_a_name_is_enough_where_the_lineage_is_proven() -> None:
    with pytest.raises(RepositoryGone):  # asked by its id, it is gone
        observed(World(BEFORE))
    assert observed(World({**BEFORE, V2.ref("base", SEAL): "base"})) is not None


def test_off_knows_the_version_that_is_there() -> None:
    state = observed(World(BEFORE, {"base": message("Template", V2, SEAL)}, found=HERE), sync_mode="Off")
    assert isinstance(state, Same)
    assert state.commit == "base"


@pytest.mark.parametrize("sealed", [True, False])
def test_another_projects_template_is_refused(sealed: bool) -> None:
    theirs = replace(V1, project="p2", part="model_deploy")
    refs = {MAIN: "tip", TEMPLATE_REF: "base", **({theirs.ref("base", SEAL): "base"} if sealed else {})}
    with pytest.raises(OtherProjectsRepository) as told:
        observed(World(refs, {"base": message("Template", theirs, SEAL)}, found=HERE))
    assert str(told.value) == (
        "The repository acme/build carries the template of another project (d1/p2 model_deploy). "
        "Choose another repository name."
    )


def test_commits_without_a_lineage_are_not_ours_unless_they_are_adopted() -> None:
    with pytest.raises(NotOurRepository, match="has commits but no template lineage of this project"):
        observed(World({MAIN: "tip"}, found=HERE), "Create")


# -- the comparison that is asked for meanwhile ------------------------------------------------------------------------

RECORDED = {MAIN: "tip", TEMPLATE_REF: "base", V1.ref("base", SEAL): "base"}
HOLDS_V2 = {"base": message("Template", V2, SEAL)}
FETCH = GitFailing(5, activity="reading the repository", message="502")
COMPARISON = GitHubUnavailable(5, status=502, activity="comparing commits")


def raising(error: Exception, *after: threading.Event, then: threading.Event | None = None) -> Callable[[], Any]:
    """Return a call that fails, after the events; `then` is set first."""

    def call() -> Any:
        assert all(event.wait(10) for event in after)
        if then:
            then.set()
        raise error

    return call


def test_github_compares_while_git_fetches() -> None:
    both = threading.Barrier(2, timeout=10)
    world = World(RECORDED, HOLDS_V2, fetching=both.wait, comparing=lambda: both.wait() >= 0)
    assert isinstance(observed(world), Same)
    assert world.asked == [("acme/build", "base", "tip")]


@pytest.mark.parametrize("first", ["fetch", "comparison"])
def test_of_two_failures_the_fetchs_comes_out(first: str) -> None:
    done = threading.Event()
    if first == "fetch":
        fetching, comparing = raising(FETCH, then=done), raising(COMPARISON, done)
    else:
        fetching, comparing = raising(FETCH, done), raising(COMPARISON, then=done)
    with pytest.raises(GitFailing) as told:
        observed(World(RECORDED, HOLDS_V2, fetching=fetching, comparing=comparing))
    assert told.value is FETCH


def test_the_comparisons_failure_comes_out() -> None:
    with pytest.raises(GitHubUnavailable) as told:
        observed(World(RECORDED, HOLDS_V2, comparing=raising(COMPARISON)))
    assert told.value is COMPARISON


def test_what_the_commits_show_comes_before_the_comparisons_failure() -> None:
    other = {"base": message("Template", replace(V1, project="p2"), SEAL)}
    with pytest.raises(OtherProjectsRepository):
        observed(World(RECORDED, other, found=HERE, comparing=raising(COMPARISON)))


def test_the_comparisons_failure_does_not_hide_that_the_repository_is_out_of_reach() -> None:
    gone = raising(RepositoryUnreachable(activity="fetching"))
    with pytest.raises(RepositoryUnreachable):
        observed(World(RECORDED, HOLDS_V2, fetching=gone, comparing=raising(COMPARISON)))


def test_nothing_is_compared_where_the_answer_is_not_needed() -> None:
    same, waits = World({**RECORDED, V2.ref("base", SEAL): "base"}), World(WAITS, pull=PULL)
    off, empty = World(RECORDED, HOLDS_V2), World({TEMPLATE_REF: "base", V1.ref("base", SEAL): "base"}, HOLDS_V2)
    for world, mode in ((same, "Merge"), (waits, "Merge"), (off, "Off"), (empty, "Merge")):
        observed(world, sync_mode=mode)
        assert world.asked == []


def test_what_the_thread_logs_belongs_to_the_request() -> None:
    def compared() -> bool:
        logger.info("compared")
        return True

    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logger.registered_formatter)
    logging.getLogger(logger.name).addHandler(handler)
    follow({"StackId": "stack", "RequestId": "r1"}, "f1")
    logger.thread_safe_append_keys(attempt=3)
    try:
        observed(World(RECORDED, HOLDS_V2, comparing=compared))
    finally:
        logger.thread_safe_clear_keys()
        logging.getLogger(logger.name).removeHandler(handler)
    [line] = [json.loads(text) for text in stream.getvalue().splitlines() if "compared" in text]
    assert (line["stack"], line["request"], line["function_request_id"], line["attempt"]) == ("stack", "r1", "f1", 3)


# -- the stack that holds it -------------------------------------------------------------------------------------------

CLAIM = Claim(V1, {STACK_REF: "seen"})


def taken(refuses: Exception | None) -> tuple[Replan | None, World]:
    world = World(refuses=refuses)
    return take(CLAIM, "acme/build", cast(Any, world), SEAL, 0), world


def test_a_claim_is_pushed() -> None:
    answer, world = taken(None)
    assert answer is None
    assert world.pushed == {STACK_REF: "claimed", stack_ref("claimed", SEAL): "claimed"}


@pytest.mark.parametrize(
    ("refuses", "why"),
    [
        (RepositoryArchived("archived"), "acme/build was archived meanwhile"),
        (PushRejected(stale=True, message="stale info"), "another stack took acme/build"),
    ],
)
def test_a_claim_that_comes_too_late_is_planned_again(refuses: Exception, why: str) -> None:
    assert taken(refuses)[0] == Replan(why)


def test_rules_that_refuse_the_claim_are_named() -> None:
    with pytest.raises(RulesRefuse) as told:
        taken(PushRejected(stale=False, message="GH013"))
    assert str(told.value) == (
        "The branch protection or rulesets of acme/build block the template update (refs/studio/stack: GH013). "
        "Add the token's owner to the bypass list of the rules."
    )
