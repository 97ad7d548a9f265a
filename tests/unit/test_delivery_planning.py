"""What is planned for a repository, from what was observed: no clients, no Git."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from custom_resources.clients.git import BareRepository, Change, Merge, Refs, Stage
from custom_resources.clients.github import PullRequest
from custom_resources.delivery.lineage import TEMPLATE_REF, Delivery
from custom_resources.delivery.lineage import proposed as offering
from custom_resources.delivery.planning import plan
from custom_resources.delivery.plans import KeepOurs, Leave, MergeCommit, Propose, Push, ThatCommit
from custom_resources.delivery.state import (
    Base,
    Empty,
    Merged,
    Offered,
    Place,
    RepositoryTemplateProperties,
    Same,
    State,
    Waiting,
)
from custom_resources.errors import BranchInTheWay
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import Request
from tests.deliveries import PROPERTIES
from tests.seals import SEAL

V1 = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a" * 64 + ".zip")
V2 = replace(V1, version="v2", archive="b" * 64 + ".zip")
MAIN = "refs/heads/main"
V1_REF = V1.ref("base", SEAL)
REFS = {MAIN: "tip", TEMPLATE_REF: "base", V1_REF: "base"}


def place(refs: Mapping[str, str] = REFS, taken: Iterable[str] = ()) -> Place:
    nowhere = cast(BareRepository, object())  # a planner that reached for Git would fail
    found = Refs("main", {**refs, **dict.fromkeys(taken, "theirs")})
    return Place(nowhere, "acme/build", "main", found, SEAL, found)


BASE = Base("base", "tree1", V1, in_history=True)
SEEN = Merged(place(), "treeU", BASE, "new", "tree2", Merge("treeM"))
CONFLICT = replace(SEEN, merge=Merge("treeM", False, (Stage(2, "100644", "b", "train.py", "train.py"),), "CONFLICT"))
UNSURE = replace(SEEN, merge=Merge("treeM", clean=False, messages="CONFLICT (directory rename split)"))


def decided(seen: State | None, *, refusal: str = "", **settings: Any) -> Any:
    properties = PROPERTIES.model_copy(update=settings)
    return plan(Request("Update", properties, None, "", "", "", refusal=refusal), seen)


def proposed(seen: Merged, **more: Any) -> Propose:
    decision = decided(seen, **more)
    assert isinstance(decision, Propose)
    return decision


def pushed(seen: State, **more: Any) -> Push:
    decision = decided(seen, **more)
    assert isinstance(decision, Push)
    return decision


def offer(
    state: str = "open",
    *,
    untouched: bool = True,
    delivered: bool = False,
    number: int = 7,
    base: str = "main",
    version: str = "v2",
) -> Offered:
    url = f"https://github.com/acme/build/pull/{number}"
    pull = PullRequest(number, url, state, delivered, "head", "studio/template-v1", base=base)
    branch = f"studio/template-{number}"
    proposal = replace(offering(branch, V1, "offered", number, SEAL), tip="head")
    return Offered(proposal, pull, untouched, delivered=delivered, version=version)


# -- without a merge ---------------------------------------------------------------------------------------------------


def test_an_empty_repository_is_seeded() -> None:
    decision = pushed(Empty(place({}), "new"))
    assert (decision.action, decision.status, decision.version) == ("seed", "seeded", "v2")
    assert (decision.head, decision.records) == (ThatCommit("new"), {TEMPLATE_REF: "new", V2.ref("new", SEAL): "new"})
    assert not decision.replaceable


def test_a_delete_does_nothing() -> None:
    decision = decided(None)
    assert decision.action == "nothing"
    assert (decision.status, decision.attributes, decision.cost) == ("", {}, Cost())


RECORDED = {MAIN: "tip", TEMPLATE_REF: "base", V2.ref("base", SEAL): "base"}


def test_what_is_recorded_is_not_written_again() -> None:
    seen = Same(place(RECORDED), "base")
    decision = decided(seen)
    assert (decision.action, decision.status) == ("nothing", "unchanged")
    said = {"CommitSha": "tip", "TemplateVersion": "v2", "Status": "unchanged", "PullRequestUrl": ""}
    assert decision.attributes == said


@pytest.mark.parametrize("refs", [{**RECORDED, TEMPLATE_REF: "other"}, {MAIN: "tip", TEMPLATE_REF: "base"}])
def test_what_is_in_the_branch_but_not_recorded_is_recorded(refs: dict[str, str]) -> None:
    decision = pushed(Same(place(refs), "base"))
    assert (decision.action, decision.head) == ("record", ThatCommit("tip"))
    assert decision.records == {TEMPLATE_REF: "base", V2.ref("base", SEAL): "base"}


def test_a_merged_pull_request_is_recorded() -> None:
    merged = offer("closed", delivered=True)
    decision = pushed(Same(place(), "offered", (merged,)))
    assert (decision.action, decision.status) == ("record", "merged")
    assert decision.records == {
        "refs/heads/studio/template-7": "",
        V1_REF: "",
        TEMPLATE_REF: "offered",
        V2.ref("offered", SEAL): "offered",
    }, "its proposal's record stays: squashed, only the pull request tells"


def test_a_rollback_to_what_is_delivered_withdraws_the_open_pull_request() -> None:
    waiting = offer()
    decision = pushed(Same(place(RECORDED), "base", (waiting,)))
    assert (decision.action, decision.status, decision.withdrawn) == ("record", "unchanged", (waiting,))
    assert decision.records[waiting.proposal.ref] == ""


def test_off_does_nothing() -> None:
    decision = decided(Waiting(place(), "v1"), sync_mode="Off")
    assert (decision.action, decision.status) == ("nothing", "off")
    said = {"CommitSha": "tip", "TemplateVersion": "v1", "Status": "off", "PullRequestUrl": ""}
    assert decision.attributes == said


def test_off_records_nothing_either() -> None:
    decision = decided(Same(place({MAIN: "tip", TEMPLATE_REF: "base"}), "base"), sync_mode="Off")
    assert (decision.action, decision.status, decision.attributes["TemplateVersion"]) == ("nothing", "unchanged", "v2")


def test_off_speaks_of_no_pull_request() -> None:
    decision = decided(Waiting(place(), "v1", "https://github.com/acme/build/pull/7"), sync_mode="Off")
    assert (decision.status, decision.attributes["PullRequestUrl"]) == ("off", "")


def test_a_declined_version_is_not_asked_again() -> None:
    decision = decided(Waiting(place(), "v1", "https://github.com/acme/build/pull/7"))
    assert (decision.action, decision.status) == ("nothing", "pull-request")
    assert decision.attributes["PullRequestUrl"].endswith("/7")
    assert decision.attributes["TemplateVersion"] == "v1"


# -- a merge that is pushed --------------------------------------------------------------------------------------------


def test_a_clean_merge_is_pushed_and_supersedes_open_pull_requests() -> None:
    open_, declined = offer(), offer("closed")
    decision = pushed(replace(SEEN, offered=(open_, declined)))
    assert (decision.action, decision.status, decision.withdrawn) == ("push", "merged", (open_,))
    assert decision.replaceable


def test_a_pushed_merge_moves_the_records_along() -> None:
    decision = pushed(SEEN)
    assert isinstance(decision.head, MergeCommit)
    assert (decision.head.tree, decision.head.parents) == ("treeM", ("tip", "new"))
    assert decision.head.message.startswith("Update the template to v2\n\nStudio-Domain: d1\n")
    assert decision.records == {V1_REF: "", TEMPLATE_REF: "new", V2.ref("new", SEAL): "new"}


def test_branches_that_users_have_worked_on_are_kept() -> None:
    mine, worked = offer(number=1), offer(number=2, untouched=False)
    decision = pushed(replace(SEEN, offered=(mine, worked)))
    assert (decision.worked_on, decision.left_behind) == ((worked,), (mine,))
    gone = {ref for ref, target in decision.records.items() if not target}
    assert gone == {V1_REF, mine.proposal.ref, worked.proposal.ref, "refs/heads/studio/template-1"}


def test_the_same_files_move_the_record_only() -> None:
    decision = pushed(replace(SEEN, tree="tree1"))
    assert (decision.action, decision.status, decision.head) == ("record", "unchanged", ThatCommit("tip"))
    assert decision.records == {V1_REF: "", TEMPLATE_REF: "base", V2.ref("base", SEAL): "base"}
    assert decided(replace(SEEN, tree="tree1", base=replace(BASE, certain=False))).action == "propose"


def test_the_same_files_without_a_base_are_delivered() -> None:
    adopted = Base("", "tree2")
    assert decided(replace(SEEN, base=adopted)).action == "push"


# -- a pull request ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "settings", "reason"),
    [
        (CONFLICT, {}, "changed the same places"),
        (CONFLICT, {"sync_mode": "PullRequest"}, "changed the same places"),
        (UNSURE, {}, "could not decide where"),
        (SEEN, {"sync_mode": "PullRequest"}, "SyncMode is PullRequest"),
        (replace(SEEN, base=replace(BASE, certain=False)), {}, "of `main` does not show which"),
    ],
)
def test_what_cannot_or_must_not_be_pushed_is_proposed(seen: Merged, settings: dict[str, str], reason: str) -> None:
    decision = proposed(seen, **settings)
    assert (decision.action, decision.status) == ("propose", "pull-request")
    assert reason in decision.reason
    assert decision.text.reason == decision.reason
    assert not decision.replaceable


def test_an_open_pull_request_is_renewed_and_the_others_withdrawn() -> None:
    mine, touched = offer(number=1), offer(number=2, untouched=False)
    decision = proposed(replace(CONFLICT, offered=(touched, mine)))
    assert (decision.renewed, decision.withdrawn) == (mine, (touched,))
    assert decision.branch == mine.proposal.branch


def test_one_of_another_version_is_withdrawn_and_its_refs_go_last() -> None:
    older, worked, shared = (offer(number=number, version="v1", untouched=number != 2) for number in (1, 2, 3))
    assert shared.pull_request
    shared = replace(shared, pull_request=replace(shared.pull_request, shares_branch=True))
    seen = replace(
        CONFLICT, offered=(older, worked, shared), place=place(taken=[f"refs/heads/{worked.proposal.branch}"])
    )
    decision = proposed(seen)
    assert (decision.renewed, decision.withdrawn) == (None, (older, worked, shared))
    assert decision.branch == "studio/template-v2"
    gone = [older.proposal.ref, f"refs/heads/{older.proposal.branch}", worked.proposal.ref, shared.proposal.ref]
    assert decision.left_over == dict.fromkeys(gone, "")
    assert not set(gone) & set(decision.records)


def test_the_name_of_a_branch_that_goes_last_is_not_used_before() -> None:
    older = offer(version="v1")
    older = replace(older, proposal=offering("studio/template-v2", V1, "offered", 7, SEAL))
    refs = {**REFS, older.proposal.ref: "offered", OURS: "offered"}
    assert proposed(replace(CONFLICT, place=place(refs), offered=(older,))).branch == "studio/template-v2-2"


LOST = Merge("treeM", lost=("mine.txt",))
ALIKE = Merge("treeM", alike=(("Readme.md", "README.md"),))
FILTERED = Merge("treeM", filtered=(("data.csv", "lfs"),))


@pytest.mark.parametrize(
    ("merge", "said", "named"),
    [
        (LOST, "drop changes that were made in this repository (1)", "(`mine.txt`)"),
        (ALIKE, "differ only in case or Unicode form", "(`Readme.md` and `README.md`)"),
        (FILTERED, "match a Git filter that was not applied", "(`data.csv` under `filter=lfs`)"),
    ],
)
@pytest.mark.parametrize("mode", ["Merge", "PullRequest"])
def test_what_git_does_not_ask_is_asked(merge: Merge, said: str, named: str, mode: str) -> None:
    decision = proposed(replace(SEEN, merge=merge), sync_mode=mode)
    assert said in decision.reason
    assert named in decision.text.reason
    assert named not in repr(decision)
    assert isinstance(decision.head, KeepOurs if merge is LOST else MergeCommit)
    assert decision.text.clean is (merge is not LOST)
    assert decision.text.conflicts == merge.lost


def test_all_reasons_are_told() -> None:
    decision = proposed(replace(SEEN, merge=replace(LOST, alike=ALIKE.alike, filtered=FILTERED.filtered)))
    assert decision.text.reason.count(", and because ") == 2
    conflict = proposed(replace(CONFLICT, merge=replace(CONFLICT.merge, alike=ALIKE.alike)))
    assert conflict.reason.startswith("the template and this repository changed the same places, and because names")


def test_one_into_a_former_default_branch_is_withdrawn() -> None:
    former = offer(base="master")
    decision = proposed(replace(CONFLICT, offered=(former,)))
    assert (decision.renewed, decision.withdrawn) == (None, (former,))


def test_a_declined_or_touched_one_is_not_renewed() -> None:
    assert proposed(replace(CONFLICT, offered=(offer("closed"), offer(untouched=False)))).renewed is None


def test_a_branch_whose_pull_request_was_never_opened_is_taken_up() -> None:
    left = replace(offer(), pull_request=None)
    assert proposed(replace(CONFLICT, offered=(left,))).renewed == left


def test_a_conflict_is_left_to_be_seen_as_one() -> None:
    decision = proposed(CONFLICT)
    assert decision.head == ThatCommit("new")
    assert (decision.text.conflicts, decision.text.kept, decision.text.clean) == (("train.py",), False, False)


def test_without_the_base_in_the_history_the_users_side_is_kept() -> None:
    decision = proposed(replace(CONFLICT, base=replace(BASE, in_history=False)))
    assert isinstance(decision.head, KeepOurs)
    assert decision.head.merge == CONFLICT.merge
    assert (decision.head.base_tree, decision.head.ours_tree, decision.head.theirs_tree) == ("tree1", "treeU", "tree2")
    assert decision.head.parents == ("tip", "new")
    assert decision.text.kept


@pytest.mark.parametrize("seen", [UNSURE, replace(UNSURE, base=replace(BASE, in_history=False))])
def test_where_no_file_conflicts_the_merge_is_offered_as_git_made_it(seen: Merged) -> None:
    decision = proposed(seen)
    assert isinstance(decision.head, MergeCommit)
    assert (decision.head.tree, decision.head.parents) == ("treeM", ("tip", "new"))
    assert not decision.text.kept


def test_a_proposal_is_recorded_beside_what_is_delivered() -> None:
    old = offer("closed", untouched=False)
    decision = proposed(replace(CONFLICT, offered=(old,)))
    offered = offering("studio/template-v2", V2, "new", 0, SEAL)
    assert decision.records == {
        old.proposal.ref: "",
        V1_REF: "base",
        TEMPLATE_REF: "base",
        offered.ref: "new",
    }


def test_a_guessed_base_is_not_recorded() -> None:
    decision = proposed(replace(CONFLICT, base=replace(BASE, certain=False)))
    assert decision.records == {offering("studio/template-v2", V2, "new", 0, SEAL).ref: "new"}


def test_a_base_that_records_nothing_is_not_recorded() -> None:
    decision = proposed(replace(CONFLICT, base=Base("other", "tree1")))
    assert decision.records == {offering("studio/template-v2", V2, "new", 0, SEAL).ref: "new"}


def test_the_record_that_a_squashed_base_needs_is_kept() -> None:
    delivering = offer("closed", delivered=True)
    decision = proposed(replace(CONFLICT, offered=(delivering,), base=replace(BASE, commit="offered")))
    assert delivering.proposal.ref not in decision.records
    assert decision.records["refs/heads/studio/template-7"] == ""


@pytest.mark.parametrize(
    ("refs", "base", "version"),
    [
        ({**REFS, V1_REF: "base"}, Base("merged", "tree1", V2), "v2"),
        ({**REFS, V1_REF: "base"}, Base("base", "tree1", V2, certain=False), "v1"),
        ({MAIN: "tip"}, Base("base", "tree1", V1, certain=False), "v1"),
        ({MAIN: "tip"}, Base("base", "tree1", V1), "v1"),
        ({MAIN: "tip"}, Base("", "tree1"), ""),
    ],
)
def test_while_it_waits_the_version_in_the_branch_is_reported(refs: dict[str, str], base: Base, version: str) -> None:
    decision = proposed(replace(CONFLICT, place=place(refs), base=base))
    said = {"CommitSha": "tip", "TemplateVersion": version, "Status": "pull-request", "PullRequestUrl": ""}
    assert decision.attributes == said


def test_the_text_has_what_the_planner_saw() -> None:
    change = Change("M", "train.py", "100644", "100644", "a", "b")
    decision = proposed(replace(CONFLICT, changes=(change,)), template_source="https://example.com")
    text = decision.text
    assert (text.version, text.source, text.branch) == ("v2", "https://example.com", "studio/template-v2")
    assert (text.default_branch, text.changes, text.explanation) == ("main", (change,), "CONFLICT")
    assert decision.title == "Update the template to v2"


def test_no_text_repeats_a_token_that_an_old_version_has_in_its_source() -> None:
    given = {**PROPERTIES.model_dump(by_alias=True), "TemplateSource": "https://x:hunter2@example.com/x.git@0123abcd"}
    read = RepositoryTemplateProperties.model_validate(given)
    assert read.template_source == "https://***@example.com/x.git@0123abcd"


# -- the branch's name -------------------------------------------------------------------------------------------------

OURS = "refs/heads/studio/template-v2"


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ([], "studio/template-v2"),
        ([OURS], "studio/template-v2-2"),
        ([f"{OURS}/mine"], "studio/template-v2-2"),
        ([OURS, f"{OURS}-2"], "studio/template-v2-3"),
        ([f"{OURS}.1", "refs/heads/studio/other"], "studio/template-v2"),
    ],
)
def test_a_branch_of_users_is_left_alone(taken: list[str], name: str) -> None:
    decision = proposed(replace(CONFLICT, place=place(taken=taken)))
    assert decision.branch == name
    assert offering(name, V2, "new", 0, SEAL).ref in decision.records


def test_a_branch_of_ours_that_goes_is_no_obstacle() -> None:
    left = Offered(replace(offer().proposal, branch="studio/template-v2"), offer("closed").pull_request, untouched=True)
    decision = proposed(replace(CONFLICT, place=place(taken=[OURS]), offered=(left,)))
    assert (decision.branch, decision.renewed) == ("studio/template-v2", None)


def test_the_branch_of_a_proposal_whose_record_stays_is_not_used_again() -> None:
    arrived = offer("closed", delivered=True)
    arrived = replace(arrived, proposal=offering("studio/template-v2", V1, "offered", 7, SEAL))
    refs = {**REFS, arrived.proposal.ref: "offered"}
    seen = replace(CONFLICT, place=place(refs), offered=(arrived,), base=replace(BASE, commit="offered"))
    assert proposed(seen).branch == "studio/template-v2-2"
    assert proposed(replace(seen, base=BASE)).branch == "studio/template-v2"


def test_a_branch_where_the_folder_must_be_is_named() -> None:
    with pytest.raises(BranchInTheWay, match="The branch studio in acme/build conflicts with the name"):
        decided(replace(CONFLICT, place=place(taken=["refs/heads/studio"])))


# -- a refused push ----------------------------------------------------------------------------------------------------


def test_a_refused_push_is_proposed_instead() -> None:
    decision = proposed(SEEN, refusal="GH006: Protected branch")
    assert decision.reason == "`main` is protected"
    assert isinstance(decision.head, MergeCommit)
    assert decision.metrics == ("Resyncs",)


PEOPLE = {"pull_request_labels": ("a", "b"), "pull_request_assignees": ("c",), "pull_request_reviewers": ("d", "e")}


def test_who_is_put_on_a_new_pull_request_is_paid_for() -> None:
    new, before = proposed(CONFLICT, **PEOPLE), proposed(CONFLICT)
    assert (new.addressed, before.addressed) == (4, 0)
    assert new.cost == before.cost.plus(Cost(points=20, creations=4))
    renewed = proposed(replace(CONFLICT, offered=(offer(),)), **PEOPLE)
    assert renewed.renewed
    assert renewed.addressed == 0
    assert replace(new, renewed=renewed.renewed).cost == renewed.cost, "who is on it stays on it"
    unopened = replace(offer(), pull_request=None)
    assert proposed(replace(CONFLICT, offered=(unopened,)), **PEOPLE).addressed == 4


def test_what_the_refused_push_has_closed_already_is_not_closed_again() -> None:
    renewed, left, worked = offer(number=1), offer(number=2), offer(number=3, untouched=False)
    seen = replace(SEEN, offered=(renewed, left, worked))
    assert proposed(seen, sync_mode="PullRequest").withdrawn == (left, worked)
    decision = proposed(seen, refusal="GH006")
    assert (decision.renewed, decision.withdrawn) == (renewed, (left,))
    assert decision.cost == Cost(points=15, creations=1), "the renewed one is changed, not created"


# -- what it costs, what is logged -------------------------------------------------------------------------------------


def test_a_plan_tells_no_more_than_it_must() -> None:
    assert "observed" not in repr(decided(SEEN))
    assert decided(SEEN).cost.points == 0
    assert decided(CONFLICT).cost.creations == 1


@pytest.mark.parametrize("seen", [SEEN, CONFLICT, replace(CONFLICT, base=replace(BASE, in_history=False))])
def test_a_logged_plan_has_no_text_of_users_and_no_repository(seen: Merged) -> None:
    change = Change("M", "secret-name.py", "100644", "100644", "a", "b")
    said = repr(decided(replace(seen, changes=(change,), offered=(offer(),))))
    assert "secret-name.py" not in said
    assert "train.py" not in said
    assert "Place(" not in said
    assert "object at" not in said


@pytest.mark.parametrize(
    ("seen", "cost", "metrics"),
    [
        (SEEN, Cost(), ("Resyncs",)),
        (replace(SEEN, offered=(offer(),)), Cost(points=10, creations=1), ("Resyncs",)),
        (replace(SEEN, tree="tree1"), Cost(), ()),
        (Empty(place({}), "new"), Cost(), ()),
        (CONFLICT, Cost(points=5, creations=1), ("Resyncs", "Conflicts")),
        (replace(CONFLICT, offered=(offer(),)), Cost(points=5), ("Resyncs", "Conflicts")),  # renewed by a PATCH
        # Pushed by a run that got no further: it has to be opened.
        (
            replace(CONFLICT, offered=(replace(offer(), pull_request=None),)),
            Cost(points=5, creations=1),
            ("Resyncs", "Conflicts"),
        ),
        (UNSURE, Cost(points=5, creations=1), ("Resyncs", "Conflicts")),
        (replace(CONFLICT, offered=(offer(), offer(number=8))), Cost(points=15, creations=1), ("Resyncs", "Conflicts")),
    ],
)
def test_what_a_plan_takes_and_counts(seen: State, cost: Cost, metrics: tuple[str, ...]) -> None:
    decision = decided(seen)
    assert (decision.cost, decision.metrics) == (cost, metrics)


def test_leaving_alone_costs_nothing() -> None:
    assert isinstance(decided(Waiting(place(), "v1")), Leave)
    assert decided(Waiting(place(), "v1")).cost == Cost()


def test_what_a_plan_is_called_and_costs_is_known_without_planning() -> None:
    """A dry run shows action, status and reason; the budget is charged with the cost."""
    leave, merge = Leave(), decided(SEEN)
    assert (leave.action, leave.status, leave.reason, leave.attributes, leave.cost) == ("nothing", "", "", {}, Cost())
    assert (merge.action, merge.status, merge.reason, merge.cost) == ("push", "merged", "", Cost())
    offered = decided(CONFLICT)
    assert (offered.action, offered.status, offered.replaceable) == ("propose", "pull-request", False)
    assert offered.cost == Cost(points=5, creations=1)


@pytest.mark.parametrize(("action", "replaceable"), [("seed", False), ("record", False), ("push", True)])
def test_only_a_merge_can_come_by_pull_request_instead(action: Any, replaceable: bool) -> None:
    assert Push(action, "merged", place(), "v2", ThatCommit("tip"), {}).replaceable is replaceable
