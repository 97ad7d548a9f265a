"""What a merge starts from, by what a repository tells of deliveries: doubles that answer from a dict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from custom_resources.clients.git import ROBOT, BareRepository, Change, Commit, Refs
from custom_resources.clients.github import PullRequest
from custom_resources.clients.protocols import Clients
from custom_resources.delivery.base import Traces, find, newest_delivered, nothing_delivered
from custom_resources.delivery.lineage import TEMPLATE_REF, TRACE, Delivery, message, proposed
from custom_resources.delivery.state import Base, Offered, Place
from custom_resources.errors import ArchiveMissing
from custom_resources.reconciler import Request
from tests.deliveries import PROPERTIES
from tests.seals import SEAL, seals_in_memory

V1 = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a" * 64 + ".zip", stack="stack")
BEFORE = PROPERTIES.model_copy(update={"template_archive": V1.archive, "template_version": "v1"})
SAID = message("Template", V1, SEAL)
UNPROVEN = SAID[: SAID.index("Studio-Mac")]
PERSON = "ada@example.com"


def commit(sha: str, said: str = "", *parents: str, by: str = ROBOT[1], tree: str = "") -> Commit:
    return Commit(sha, tree or f"tree of {sha}", parents, said, by)


TIP = commit("tip", "Work", "base", by=PERSON)


@dataclass
class World:
    """Git, GitHub and the archives, as far as the base is looked for in them."""

    commits: Sequence[Commit] = ()
    listed: Sequence[Commit] = ()  # the branch's history, children before parents
    entries_of: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    changed: Sequence[Change] = ()
    contains_it: bool = False
    description: str | None = None  # None: there is no such repository
    published: str = "tree of base"  # "" = the archive is gone
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.github = self.archives = cast(Any, self)
        self.seals = seals_in_memory()

    # -- git -----------------------------------------------------------------------------------------------

    def commit(self, sha: str) -> Commit:
        if sha == "published":
            return commit(sha, SAID, tree=self.published)
        return next(each for each in (*self.commits, *self.listed, TIP) if each.sha == sha)

    def fetch_history(self, sha: str) -> None:
        self.asked.append(("fetch history", sha))

    def history(self, sha: str, saying: str) -> list[Commit]:
        self.asked.append(("history", sha, saying))
        return list(self.listed)

    def entries(self, tree: str) -> Mapping[str, str]:
        return self.entries_of[tree]

    def blob(self, sha: str) -> bytes:
        return self.blobs[sha]

    def changes(self, old: str, new: str) -> Sequence[Change]:
        self.asked.append(("changes", old, new))
        return self.changed

    def empty_tree(self) -> str:
        return "empty tree"

    def import_commit(self, files: Any, said: str, parent: str) -> str:
        self.asked.append(("import", files, said, parent))
        return "published"

    # -- the archives and GitHub ---------------------------------------------------------------------------

    @contextmanager
    def open(self, archive: str) -> Iterator[Any]:
        if not self.published:
            raise ArchiveMissing(archive=archive, bucket="archives")
        self.asked.append(("open", archive))
        yield self

    def stream(self, folder: str) -> str:
        return f"files in {folder}"

    def contains(self, full_name: str, sha: str, tip: str) -> bool:
        self.asked.append(("contains", full_name, sha, tip))
        return self.contains_it

    def find_repository(self, full_name: str) -> Any:
        self.asked.append(("find", full_name))
        return None if self.description is None else type("Repository", (), {"description": self.description})

    def place(self, **more: Any) -> Place:
        refs = Refs("main", {"refs/heads/main": "tip", TEMPLATE_REF: "recorded"})
        return replace(Place(cast(BareRepository, self), "acme/build", "main", refs, SEAL, refs), **more)


def found(
    world: World, *, recorded: bool = False, offered: Sequence[Offered] = (), place: Place | None = None, **more: Any
) -> Base | None:
    request = replace(Request("Update", PROPERTIES, BEFORE, "", "", ""), **more)
    traces = Traces(TIP, V1 if recorded else None, tuple(offered))
    return find(place or world.place(), traces, request, cast(Clients, world))


def offer(number: int, *, delivered: bool = True, in_history: bool = False, pull: bool = True) -> Offered:
    opened = PullRequest(number, f"https://x/pull/{number}", "closed", True, "head", "studio/template-v1", base="main")
    proposal = proposed("studio/template-v1", V1, f"offered {number}", number, SEAL)
    return Offered(proposal, opened if pull else None, True, in_history, delivered)


# -- what is in the branch for certain -------------------------------------------------------------------------------


def test_the_newest_pull_request_that_landed_is_the_base_whatever_is_recorded() -> None:
    offers = [offer(9, in_history=True), offer(3), offer(12, delivered=False), offer(50, pull=False)]
    assert newest_delivered(Traces(TIP, None, tuple(offers))) == offers[0]
    world = World([commit("offered 9", SAID)])
    assert found(world, recorded=True, offered=offers) == Base("offered 9", "tree of offered 9", V1, True, True)
    squashed = [replace(offers[0], in_history=False)]
    assert found(world, offered=squashed) == Base("offered 9", "tree of offered 9", V1, True, False)
    assert world.asked == [], "no further request"
    assert newest_delivered(Traces(TIP, V1, (offers[2],))) is None


def test_a_recorded_commit_that_leads_to_the_tip_is_the_base() -> None:
    world = World([commit("recorded", SAID)], contains_it=True)
    base = Base("recorded", "tree of recorded", V1, True, True)
    assert found(world, recorded=True) == base
    assert world.asked == [("contains", "acme/build", "recorded", "tip")]
    asked_before = World([commit("recorded", SAID)])
    assert found(asked_before, recorded=True, place=asked_before.place(in_history=lambda: True)) == base
    assert asked_before.asked == []


def test_a_ref_that_records_no_delivery_is_not_looked_for_in_the_branch() -> None:
    world = World(contains_it=True)
    assert found(world) is None
    assert world.asked == [("fetch history", "tip"), ("history", "tip", TRACE)]


# -- what the history tells ------------------------------------------------------------------------------------------

OLDER, BASE = commit("older", SAID), commit("base", SAID, "older")
HERE = ("tree of base", V1)


def test_ours_in_the_history_is_certain_where_its_content_was_published_and_the_stack_had_it() -> None:
    world = World(listed=[BASE, OLDER])
    assert found(world) == Base("base", *HERE, certain=True, in_history=True)
    subject = message("Template regression/model_build v1", V1, SEAL)
    assert world.asked == [
        ("fetch history", "tip"),
        ("history", "tip", TRACE),
        ("open", V1.archive),
        ("import", "files in regression/model_build", subject, ""),
    ]


UNCERTAIN: dict[str, tuple[World, dict[str, Any]]] = {
    "the stack had another version": (World(listed=[BASE, OLDER]), {"old": PROPERTIES}),
    "the stack had none": (World(listed=[BASE, OLDER]), {"old": None}),
    "a person's commit quotes a delivery": (World(listed=[commit("squash", SAID, by=PERSON), BASE, OLDER]), {}),
    "two lineages": (World(listed=[BASE, OLDER, commit("other", SAID)]), {}),
    "what was published is gone": (World(listed=[BASE, OLDER], published=""), {}),
}


@pytest.mark.parametrize("why", UNCERTAIN)
def test_what_the_history_shows_is_not_certain_where_more_may_have_been_delivered(why: str) -> None:
    world, request = UNCERTAIN[why]
    assert found(world, **request) == Base("base", *HERE, certain=False, in_history=True)


def test_content_that_was_never_published_is_not_started_from() -> None:
    world = World(listed=[BASE, OLDER], published="another tree")
    assert found(world) == Base("published", "another tree", V1, certain=False, in_history=False)


NOT_OURS: dict[str, Commit] = {
    "a person's": commit("base", SAID, by=PERSON),
    "a merge": commit("base", SAID, "one", "two"),
    "without a proof": commit("base", UNPROVEN),
    "with another's proof": commit("base", message("Template", replace(V1, version="v9"), SEAL).replace("v9", "v1")),
    "another project's": commit("base", message("Template", replace(V1, project="p2"), SEAL)),
    "another part's": commit("base", message("Template", replace(V1, part="model_deploy"), SEAL)),
}


@pytest.mark.parametrize("what", NOT_OURS)
def test_what_is_not_proven_to_be_ours_is_no_base(what: str) -> None:
    assert found(World(listed=[NOT_OURS[what]])) is None
    world = World([commit("recorded", SAID)], [NOT_OURS[what]])
    assert found(world, recorded=True) == Base("recorded", "tree of recorded", V1, certain=False, in_history=False)


def test_a_delivery_from_before_there_were_proofs_is_believed_where_the_repository_has_none() -> None:
    world = World(listed=[commit("base", UNPROVEN)])
    assert found(world, place=world.place(sealed=False)) == Base("base", *HERE, certain=True, in_history=True)


def change(path: str, blob: str) -> Change:
    return Change("M", path, "100644", "100644", "old", blob)


@pytest.mark.parametrize(
    ("files", "out"),
    [
        ({"a": "mine", "b": "mine"}, True),
        ({}, True),
        ({"a": "mine", "b": "new b"}, False),
        ({"a": "new a", "b": "mine"}, False),
    ],
)
def test_a_recorded_delivery_that_is_out_of_the_branch_leaves_what_was_before_it_certain(
    files: dict[str, str], out: bool
) -> None:
    changed = [change("a", "new a"), change("b", "new b")]
    world = World([commit("recorded", SAID)], [BASE, OLDER], {TIP.tree: files}, changed=changed)
    assert found(world, recorded=True, old=None) == Base("base", *HERE, certain=out, in_history=True)
    assert ("changes", "tree of base", "tree of recorded") in world.asked


def test_a_file_that_the_recorded_delivery_removed_and_that_is_not_there_is_in_the_branch() -> None:
    gone = Change("D", "a", "100644", "000000", "old", "0" * 40)
    world = World([commit("recorded", SAID)], [BASE, OLDER], {TIP.tree: {}}, changed=[gone])
    base = found(world, recorded=True)
    assert base is not None
    assert not base.certain


# -- a repository without any trace of the template ------------------------------------------------------------------

README = {"README.md": "readme"}
FIRST = commit("first", "Initial commit", by=PERSON)
STARTS: dict[str, tuple[World, Commit, str]] = {
    "GitHub's own first commit": (World(blobs={"readme": b"# build"}), FIRST, FIRST.tree),
    "with blank lines": (World(blobs={"readme": b"\n# build  \n\n"}), FIRST, FIRST.tree),
    "with the description": (
        World(blobs={"readme": b"# build\nWhat it is\n"}, description=" What it is "), FIRST, FIRST.tree
    ),
    "with another description": (
        World(blobs={"readme": b"# build\nWhat it was\n"}, description="What it is"), FIRST, "empty tree"
    ),
    "with more than the description": (
        World(blobs={"readme": b"# build\nWhat it is\nMore\n"}, description="What it is"), FIRST, "empty tree"
    ),
    "of a repository that is gone": (World(blobs={"readme": b"# build\nWhat it is\n"}), FIRST, "empty tree"),
    "of another name": (World(blobs={"readme": b"# acme/build"}), FIRST, "empty tree"),
    "that is empty": (World(blobs={"readme": b""}), FIRST, "empty tree"),
    "that is no text": (World(blobs={"readme": b"\xff\xfe"}), FIRST, "empty tree"),
    "with a commit before": (World(blobs={"readme": b"# build"}), replace(FIRST, parents=("older",)), "empty tree"),
    "with another file": (
        World(entries_of={FIRST.tree: {**README, "a.py": "a"}}, blobs={"readme": b"# build"}), FIRST, "empty tree"
    ),
    "without a file": (World(entries_of={FIRST.tree: {}}), FIRST, "empty tree"),
}  # fmt: skip


@pytest.mark.parametrize("what", STARTS)
@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_readme_that_github_wrote_is_no_users_file(what: str, kind: Any) -> None:
    world, tip, tree = STARTS[what]
    world = replace(world, entries_of=world.entries_of or {FIRST.tree: README}, asked=[])
    request = Request(kind, PROPERTIES, None, "", "", "")
    base = nothing_delivered(world.place(), tip, request, cast(Clients, world))
    assert base == Base("", tree, None, certain=kind == "Create", in_history=False)
    assert world.asked in ([], [("find", "acme/build")])
