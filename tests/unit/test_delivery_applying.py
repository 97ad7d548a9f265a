"""What is done for a plan, in which order, and what goes back when the server does not take it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from custom_resources.clients.git import BareRepository, Merge, PushRejected, Refs, RepositoryArchived, Stage
from custom_resources.clients.github import PullRequest
from custom_resources.clients.protocols import Clients
from custom_resources.delivery import pull_request_text
from custom_resources.delivery.applying import apply
from custom_resources.delivery.lineage import TEMPLATE_REF, Delivery, Proposal
from custom_resources.delivery.plans import KeepOurs, Leave, MergeCommit, Plan, Propose, Push, ThatCommit
from custom_resources.delivery.pull_request_text import Update
from custom_resources.delivery.state import Offered, Place
from custom_resources.errors import PullRequestsOff, RetryLater, RulesRefuse, Stale
from custom_resources.progress import Progress
from custom_resources.reconciler import Done, Replan, Request
from tests.deliveries import PROPERTIES
from tests.seals import SEAL

REQUEST = Request(
    "Update",
    PROPERTIES,
    None,
    "",
    "",
    "",
)
PULL = PullRequest(7, "https://github.com/acme/build/pull/7", "open", False, "head", "studio/template-v1", base="main")
MINE = Offered(Proposal("studio/template-v1", "key", "offered", "head"), PULL, untouched=True)
WORKED = Offered(Proposal("studio/template-v0", "key", "older", "head"), replace(PULL, number=6), untouched=False)


class World:
    """Git and GitHub, which note what they are asked to do."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.done: list[str] = []
        self.pushed: dict[str, str] = {}
        self.removed: list[str] = []
        self.keeps: Exception | None = None  # what it says to the removal of a branch
        self.bodies: list[str] = []
        self.comments: list[str] = []
        self.renamed_to, self.pull_requests_off = "", False
        self.progress, self.state = Progress(), "open"
        self.kept_of: tuple[Any, ...] = ()
        self.refuses_people: Exception | None = None
        self.request = REQUEST
        self._refuses = refuses
        self.github = self

    # -- git -----------------------------------------------------------------------------------------------

    def commit_tree(self, tree: str, parents: Sequence[str], message: str) -> str:
        self.done.append("commit")
        return f"commit of {tree} on {'+'.join(parents)}"

    def keep_ours(self, *given: Any) -> tuple[str, tuple[str, ...]]:
        self.kept_of = given
        return "kept tree", ("train.py", "lost.py")

    def push(self, seen: Refs, targets: Mapping[str, str]) -> None:
        self.done.append("push")
        if self._refuses:
            raise self._refuses
        if self.keeps and any(ref.startswith("refs/heads/") and not commit for ref, commit in targets.items()):
            raise self.keeps
        self.pushed = dict(targets)
        self.removed += [ref for ref, commit in targets.items() if not commit]

    # -- GitHub --------------------------------------------------------------------------------------------

    def repository_by_id(self, repository_id: int, full_name: str) -> Any:
        found = {"full_name": self.renamed_to or full_name, "pull_requests_off": self.pull_requests_off}
        return cast(Any, type("Found", (), found)) if self.renamed_to or self.pull_requests_off else None

    def comment(self, full_name: str, number: int, text: str) -> None:
        self.done.append(f"comment {number}")
        self.comments.append(text)

    def update_pull_request(self, full_name: str, number: int, **changes: str) -> PullRequest:
        self.done.append(f"{changes.get('state', 'update')} {number} in {full_name}")
        self.bodies += [changes["body"]] if "body" in changes else []
        return replace(PULL, number=number, state=self.state)

    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> PullRequest:
        self.done.append(f"open {branch} into {base}: {title}")
        self.bodies.append(body)
        return replace(PULL, number=8, html_url="https://github.com/acme/build/pull/8")

    def address_pull_request(self, full_name: str, number: int, whom: tuple[Sequence[str], ...]) -> list[str]:
        self.done.append(f"address {number} in {full_name}: {whom}")
        if self.refuses_people:
            raise self.refuses_people
        return ["bob may not review"]

    def update_repository(self, full_name: str, **changes: Any) -> None:
        self.done.append(f"{full_name} {changes}")

    # -- the reconciler ------------------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        refs = Refs("main", {"refs/heads/main": "tip"})
        return Place(cast(BareRepository, self), "acme/build", "main", refs, SEAL, refs)

    def applied(self, plan: Plan, ensure_current: Callable[[], None] | None = None) -> Done | Replan:
        def current() -> None:
            self.done.append("still current")

        return apply(
            plan, replace(self.request, progress=self.progress), cast(Clients, self), ensure_current or current
        )


def push(world: World, **more: Any) -> Push:
    head = MergeCommit("treeM", ("tip", "new"), "Update")
    return replace(Push("push", "merged", world.place, "v2", head, {"refs/studio/template": "new"}), **more)


def proposal(world: World, **more: Any) -> Propose:
    text = Update("v2", "", "studio/template-v2", "main", "why", (), ("train.py",), "CONFLICT", clean=False)
    reported = {"CommitSha": "tip", "TemplateVersion": "v1", "Status": "pull-request", "PullRequestUrl": ""}
    records = {"refs/studio/proposals/template-v2/key": "new"}
    plan = Propose(world.place, "why", "studio/template-v2", ThatCommit("new"), records, "Update", text, reported)
    return replace(plan, **more)


def test_where_pull_requests_are_switched_off_nothing_is_pushed_for_one() -> None:
    world = World()
    world.pull_requests_off = True
    with pytest.raises(PullRequestsOff, match="Pull requests are turned off in acme/build"):
        world.applied(proposal(world))
    assert world.done == []


def test_leaving_alone_asks_nobody() -> None:
    world = World()
    assert world.applied(Leave("unchanged", {"CommitSha": "tip"})) == Done({"CommitSha": "tip"})
    assert world.done == []


def test_a_push_moves_everything_at_once() -> None:
    world = World()
    done = world.applied(push(world, withdrawn=(MINE, WORKED)))
    made = "commit of treeM on tip+new"
    assert world.pushed == {"refs/heads/main": made, "refs/studio/template": "new"}
    said = {"CommitSha": made, "TemplateVersion": "v2", "Status": "merged", "PullRequestUrl": ""}
    assert done == Done(said, metrics=("Resyncs",))
    assert world.done == [
        "commit",
        "still current",
        "comment 6",
        "closed 6 in acme/build",
        "push",
        "comment 7",
        "closed 7 in acme/build",
    ]


def test_a_seed_pushes_the_commit_that_is_there() -> None:
    world = World()
    done = world.applied(push(world, action="seed", status="seeded", head=ThatCommit("new")))
    assert world.pushed["refs/heads/main"] == "new"
    assert isinstance(done, Done)
    assert (done.attributes["Status"], done.metrics) == ("seeded", ())


def test_a_new_pull_request_is_opened_after_its_branch() -> None:
    world = World()
    done = world.applied(proposal(world))
    assert world.pushed == {"refs/heads/studio/template-v2": "new", "refs/studio/proposals/template-v2/key": "new"}
    assert world.done == ["still current", "push", "open studio/template-v2 into main: Update"]
    assert isinstance(done, Done)
    assert (done.attributes["PullRequestUrl"], done.attributes["TemplateVersion"]) == (
        "https://github.com/acme/build/pull/8",
        "v1",
    )
    assert done.metrics == ("Resyncs", "Conflicts")


LEFT_OVER = {"refs/studio/proposals/template-v1/key": "", "refs/heads/studio/template-v1": ""}
SUPERSEDING = [
    "still current",
    "push",
    "open studio/template-v2 into main: Update",
    "comment 7",
    "closed 7 in acme/build",
    "comment 6",
    "closed 6 in acme/build",
    "push",
]


def test_those_before_it_are_closed_when_their_successor_has_a_number() -> None:
    world = World()
    world.applied(proposal(world, withdrawn=(MINE, WORKED), left_over=LEFT_OVER))
    assert world.done == SUPERSEDING
    assert all("because #8 offers the template version" in said for said in world.comments)
    assert world.removed == list(LEFT_OVER)


def test_a_rule_that_keeps_a_branch_keeps_nothing_else() -> None:
    world = World()
    world.keeps = PushRejected(stale=False, message="GH013: Cannot delete this branch")
    done = world.applied(proposal(world, withdrawn=(MINE, WORKED), left_over=LEFT_OVER))
    assert isinstance(done, Done)
    assert world.done == [*SUPERSEDING, "push"]
    assert world.removed == ["refs/studio/proposals/template-v1/key"]


def test_a_branch_that_moves_on_before_it_is_removed_is_looked_at_again() -> None:
    world = World()
    world.keeps = PushRejected(stale=True, message="stale info")
    assert isinstance(world.applied(proposal(world, withdrawn=(MINE,), left_over=LEFT_OVER)), Replan)
    assert not world.removed


def test_each_pull_request_is_told_and_closed_once_in_a_request() -> None:
    world = World()
    world.applied(proposal(world, withdrawn=(MINE, WORKED), left_over=LEFT_OVER))
    world.applied(proposal(world, withdrawn=(MINE, WORKED), left_over=LEFT_OVER))  # the call that comes after
    assert sorted(step for step in world.done if step.startswith(("comment", "closed"))) == [
        "closed 6 in acme/build",
        "closed 7 in acme/build",
        "comment 6",
        "comment 7",
    ]
    assert world.progress.steps == dict.fromkeys(("commented 7", "closed 7", "commented 6", "closed 6"), "")


def test_whom_a_push_left_behind_is_told_by_the_next_call_where_this_one_ended() -> None:
    world = World()
    world.applied(push(world, withdrawn=(MINE, WORKED)))
    steps = ("left behind 7", "commented 7", "closed 7", "commented 6", "closed 6")
    assert world.progress.steps == {**dict.fromkeys(steps, ""), "left behind 7": "acme/build"}
    ended = World()
    ended.progress = Progress({"left behind 7": "acme/former", "commented 6": "", "closed 6": ""})
    ended.applied(Leave("unchanged", {"CommitSha": "tip"}))
    assert ended.done == ["comment 7", "closed 7 in acme/former"]


def test_a_renewed_pull_request_gets_its_text_before_its_branch() -> None:
    world = World()
    world.renamed_to = "acme/renamed"
    done = world.applied(proposal(world, renewed=MINE))
    assert world.done == ["still current", "update 7 in acme/renamed", "push"]
    assert isinstance(done, Done)
    assert done.attributes["PullRequestUrl"] == PULL.html_url


def test_a_renewed_pull_request_that_turns_out_to_be_closed_is_planned_anew() -> None:
    world = World()
    world.state = "closed"
    done = world.applied(proposal(world, renewed=MINE))
    assert isinstance(done, Replan)
    assert done.why == "pull request 7 was closed meanwhile"
    assert "push" not in world.done


def test_a_branch_without_a_pull_request_gets_one() -> None:
    world = World()
    world.applied(
        proposal(world, renewed=replace(MINE, pull_request=None), withdrawn=(replace(MINE, pull_request=None),))
    )
    assert world.done == ["still current", "push", "open studio/template-v2 into main: Update"]


WHOM = "address 8 in acme/build: (('template',), ('ada',), ('bob',))"


def addressing(world: World) -> Propose:
    people = {"labels": ("template",), "assignees": ("ada",), "reviewers": ("bob",)}
    update = {f"pull_request_{name}": values for name, values in people.items()}
    world.request = replace(REQUEST, properties=REQUEST.properties.model_copy(update=update))
    return proposal(world, addressed=3)


def test_a_new_pull_request_is_addressed_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    plan = addressing(world)
    world.applied(plan)
    assert world.done[-1] == WHOM
    world.applied(Leave())
    assert world.done.count(WHOM) == 1


def test_who_is_put_on_a_pull_request_is_repeated_by_the_next_call() -> None:
    world = World()
    world.refuses_people = RetryLater(5, why="throttled")
    with pytest.raises(RetryLater):
        world.applied(addressing(world))
    world.refuses_people = None
    world.applied(Leave())
    world.applied(Leave())
    assert world.done.count(WHOM) == 2


def test_a_renewed_pull_request_keeps_who_is_on_it() -> None:
    world = World()
    world.applied(replace(addressing(world), renewed=MINE, addressed=0))
    world.applied(proposal(World()))
    assert not [each for each in world.done if each.startswith("address")]


def test_a_clean_proposal_counts_no_conflict() -> None:
    world = World()
    clean = proposal(world)
    done = world.applied(replace(clean, text=replace(clean.text, clean=True, conflicts=())))
    assert isinstance(done, Done)
    assert done.metrics == ("Resyncs",)


def test_where_ours_is_kept_the_text_lists_what_was() -> None:
    world = World()
    merge = Merge("treeM", False, (Stage(2, "100644", "b", "train.py", "train.py"),))
    head = KeepOurs(merge, "base tree", "ours", "theirs", ("tip", "new"), "Update")
    plan = proposal(world, head=head)
    world.applied(replace(plan, text=replace(plan.text, kept=True)))
    assert world.pushed["refs/heads/studio/template-v2"] == "commit of kept tree on tip+new"
    assert world.kept_of == (merge, "base tree", "ours", "theirs")
    [body] = world.bodies
    assert "- `train.py`\n- `lost.py`" in body
    assert "Merging keeps your version of the files above." in body


@pytest.mark.parametrize("make", [push, proposal])
def test_a_stack_that_moved_on_writes_nothing(make: Callable[[World], Plan]) -> None:
    def moved_on() -> None:
        raise Stale

    world = World()
    with pytest.raises(Stale):
        world.applied(make(world), moved_on)
    assert [step for step in world.done if step != "commit"] == []


# -- what the server does not take -------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [push, proposal])
def test_a_ref_that_moved_on_is_looked_at_again(make: Callable[[World], Plan]) -> None:
    world = World(PushRejected(stale=True, message="stale info"))
    assert world.applied(make(world)) == Replan("stale info")


@pytest.mark.parametrize("make", [push, proposal])
def test_an_archived_repository_is_restored_and_looked_at_again(make: Callable[[World], Plan]) -> None:
    world = World(RepositoryArchived("This repository was archived so it is read-only."))
    world.request = replace(REQUEST, type="Create")
    answer = world.applied(make(world))
    assert isinstance(answer, Replan)
    assert (answer.refusal, world.done[-1]) == ("", "acme/build {'archived': False}")


@pytest.mark.parametrize("make", [push, proposal])
def test_an_update_leaves_what_its_owners_archived(make: Callable[[World], Plan]) -> None:
    world = World(RepositoryArchived("This repository was archived so it is read-only."))
    answer = world.applied(make(world))
    assert isinstance(answer, Done)
    said = {"CommitSha": "tip", "TemplateVersion": "", "Status": "archived", "PullRequestUrl": ""}
    assert (answer.attributes, world.done[-1]) == (said, "push")


def test_a_push_that_a_rule_refuses_is_planned_again_with_the_servers_word() -> None:
    world = World(PushRejected(stale=False, message="GH006: Protected branch"))
    answer = world.applied(push(world))
    assert isinstance(answer, Replan)
    assert answer.refusal == "GH006: Protected branch"


@pytest.mark.parametrize(
    "make",
    [
        proposal,
        lambda world: push(world, action="seed", status="seeded"),
        lambda world: push(world, action="record", status="unchanged"),
    ],
    ids=["pull request", "seed", "record"],
)
def test_rules_that_leave_no_other_way_are_named(make: Callable[[World], Plan]) -> None:
    world = World(PushRejected(stale=False, message="GH013: Repository rule violations"))
    with pytest.raises(RulesRefuse) as told:
        world.applied(make(world))
    assert str(told.value) == (
        "The branch protection or rulesets of acme/build block the template update (GH013: Repository rule "
        "violations). Add the token's owner to the bypass list of the rules."
    )


# -- with what each is asked -------------------------------------------------------------------------------------------


class Noting(World):
    """Git and GitHub, which note every argument of what writes."""

    def __init__(self, refuses: Exception | None = None) -> None:
        super().__init__(refuses)
        self.calls: list[tuple[Any, ...]] = []

    @property
    def place(self) -> Place:
        return replace(super().place, refs=KNOWN, there=THERE)

    def push(self, seen: Refs, targets: Mapping[str, str]) -> None:
        self.calls.append(("push", seen, dict(targets)))
        super().push(seen, targets)

    def repository_by_id(self, repository_id: int, full_name: str) -> Any:
        self.calls.append(("by id", repository_id, full_name))
        return super().repository_by_id(repository_id, full_name)

    def comment(self, full_name: str, number: int, text: str) -> None:
        self.calls.append(("comment", full_name, number, text))

    def update_pull_request(self, full_name: str, number: int, **changes: str) -> PullRequest:
        self.calls.append(("update", full_name, number, changes))
        return super().update_pull_request(full_name, number, **changes)

    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> PullRequest:
        self.calls.append(("create", full_name, branch, base, title, body))
        return super().create_pull_request(full_name, branch, base, title, body)


DELIVERED = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a" * 64 + ".zip")
KNOWN = Refs("main", {"refs/heads/main": "tip", TEMPLATE_REF: "base", DELIVERED.ref("base", SEAL): "base"})
THERE = Refs("main", {**KNOWN.targets, "refs/studio/unproven": "x"})
RECORDED = {"refs/studio/proposals/template-v2/key": "new", "refs/heads/studio/template-v2": "new"}
CLOSED = {"state": "closed"}


def test_a_new_pull_request_is_asked_for_in_the_repository_that_has_the_id() -> None:
    world = Noting()
    world.renamed_to = "acme/renamed"
    plan = proposal(world, withdrawn=(WORKED,), left_over=LEFT_OVER)
    done = world.applied(plan)
    said = pull_request_text.superseded("v2", 8)
    assert world.calls == [
        ("by id", 1, "acme/build"),
        ("push", THERE, RECORDED),
        ("create", "acme/renamed", "studio/template-v2", "main", "Update", pull_request_text.body(plan.text)),
        ("comment", "acme/renamed", 6, said),
        ("update", "acme/renamed", 6, CLOSED),
        ("push", THERE, LEFT_OVER),
    ]
    url = "https://github.com/acme/build/pull/8"
    assert done == Done({**plan.attributes, "PullRequestUrl": url}, metrics=("Resyncs", "Conflicts"))


def test_a_renewed_pull_request_is_given_title_and_text() -> None:
    world = Noting()
    plan = proposal(world, renewed=MINE, withdrawn=(WORKED,))
    done = world.applied(plan)
    text = {"title": "Update", "body": pull_request_text.body(plan.text)}
    assert world.calls == [
        ("by id", 1, "acme/build"),
        ("update", "acme/build", 7, text),
        ("push", THERE, RECORDED),
        ("comment", "acme/build", 6, pull_request_text.superseded("v2", 7)),
        ("update", "acme/build", 6, CLOSED),
    ]
    assert done == Done({**plan.attributes, "PullRequestUrl": PULL.html_url}, metrics=("Resyncs", "Conflicts"))


def test_a_push_expects_what_is_there_and_says_which_version_takes_the_place() -> None:
    world = Noting()
    world.applied(push(world, withdrawn=(MINE,)))
    assert world.calls == [
        ("push", THERE, {"refs/studio/template": "new", "refs/heads/main": "commit of treeM on tip+new"}),
        ("comment", "acme/build", 7, pull_request_text.superseded("v2")),
        ("update", "acme/build", 7, CLOSED),
    ]


def test_a_rule_that_keeps_a_branch_has_its_records_removed_where_they_are_as_seen() -> None:
    world = Noting()
    world.keeps = PushRejected(stale=False, message="GH013: Cannot delete this branch")
    world.applied(proposal(world, left_over=LEFT_OVER))
    records = {"refs/studio/proposals/template-v1/key": ""}
    assert world.calls[-2:] == [("push", THERE, LEFT_OVER), ("push", THERE, records)]


@pytest.mark.parametrize("make", [push, proposal])
def test_what_its_owners_archived_reports_the_version_that_it_has(
    make: Callable[[World], Plan], caplog: pytest.LogCaptureFixture
) -> None:
    world = Noting(RepositoryArchived("This repository was archived so it is read-only."))
    said = {"CommitSha": "tip", "TemplateVersion": "v1", "Status": "archived", "PullRequestUrl": ""}
    assert world.applied(make(world)) == Done(said)
    told = [(vars(each)["message"], vars(each)["repository"]) for each in caplog.records]
    assert told == [("the repository is archived: nothing was changed", "acme/build")]
    world.request = replace(REQUEST, type="Create")
    assert world.applied(make(world)) == Replan("the repository was archived and is restored")


def test_who_cannot_be_put_on_a_pull_request_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.applied(addressing(world))
    told = [(vars(each)["message"], vars(each)["refused"]) for each in caplog.records]
    assert told == [("not all of the pull request's labels, assignees and reviewers", ["bob may not review"])]
    assert world.progress.steps == {"opened 8": "acme/build", "addressed 8": ""}


def test_each_pull_request_of_earlier_calls_is_addressed_where_it_was_opened() -> None:
    world = World()
    addressing(world)
    world.progress = Progress({"opened 5": "acme/former", "opened 6": "acme/build", "addressed 6": ""})
    world.applied(Leave())
    assert world.done == ["address 5 in acme/former: (('template',), ('ada',), ('bob',))"]


def test_a_plan_without_people_notes_no_pull_request() -> None:
    world = World()
    world.applied(proposal(world))
    assert world.progress.steps == {}


def test_a_push_that_is_refused_tells_why_it_is_planned_again() -> None:
    world = World(PushRejected(stale=False, message="GH006: Protected branch"))
    assert world.applied(push(world)) == Replan("the branch takes no push", refusal="GH006: Protected branch")
