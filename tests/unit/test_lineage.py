"""The lineage's records: what commits and refs say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_resources.clients.git import ROBOT
from custom_resources.delivery.lineage import (
    BRANCHES,
    DELIVERED,
    MOST_PROPOSALS,
    PROPOSALS,
    STACK_REF,
    STACKS,
    TEMPLATE_REF,
    Delivery,
    believed,
    branch_for,
    delivered_version,
    delivery_in,
    is_delivered,
    is_proven,
    message,
    proposals_in,
    proposed,
    recorded,
    stack_ref,
    trace_in,
)
from tests.seals import ANOTHER, SEAL

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
DELIVERIES = st.builds(Delivery, WORDS, WORDS, WORDS, WORDS, WORDS, WORDS, st.just("") | WORDS)
V1 = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a.zip", "stack")


@given(WORDS, DELIVERIES, st.text(max_size=50))
def test_a_message_tells_its_delivery(subject: str, delivery: Delivery, body: str) -> None:
    assert delivery_in(message(subject, delivery, SEAL, body)) == delivery


def test_a_message_of_users_tells_nothing() -> None:
    assert delivery_in("Fix the thing") is None
    assert delivery_in("") is None
    assert delivery_in("Quote\n\nStudio-Domain: d1\n\nand go on") is None
    assert delivery_in("Half\n\nStudio-Domain: d1\nStudio-Project: p1") is None


def test_github_adds_to_a_squashed_message() -> None:
    squashed = message("Update the template (#1)", V1, SEAL) + "Co-authored-by: Ada <ada@example.com>\n"
    assert delivery_in(squashed) == V1


def test_a_trace_is_found_in_any_paragraph() -> None:
    squashed = (
        "Update (#1)\n\n* " + message("Update", V1, SEAL) + "\n---------\n\nCo-authored-by: Ada <ada@example.com>\n"
    )
    assert delivery_in(squashed) is None
    assert trace_in(squashed) == V1
    assert trace_in(squashed.replace("\n", "\r\n")) == V1
    assert trace_in("Half\n\nStudio-Domain: d1\nStudio-Project: p1\n\nand more") is None


def test_the_key_names_content_and_owner_but_not_the_stack() -> None:
    same = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a.zip", "another stack")
    assert V1.key == same.key
    others = [
        Delivery("d2", "p1", "model_build", "regression/model_build", "v1", "a.zip"),
        Delivery("d1", "p2", "model_build", "regression/model_build", "v1", "a.zip"),
        Delivery("d1", "p1", "model_deploy", "regression/model_build", "v1", "a.zip"),
        Delivery("d1", "p1", "model_build", "regression/other", "v1", "a.zip"),
        Delivery("d1", "p1", "model_build", "regression/model_build", "v2", "a.zip"),
        Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "b.zip"),
    ]
    assert len({V1.key, *(other.key for other in others)}) == 7


def test_a_delivery_belongs_to_one_part_of_one_project() -> None:
    assert V1.belongs_to("d1", "p1", "model_build")
    assert not V1.belongs_to("d1", "p1", "model_deploy")
    assert not V1.belongs_to("d1", "p2", "model_build")


REF = V1.ref("c", SEAL)


def test_a_record_takes_the_place_of_the_last() -> None:
    refs = {"refs/heads/main": "tip", TEMPLATE_REF: "old", "refs/studio/delivered/v0/x": "old"}
    new = V1.ref("new", SEAL)
    assert recorded(refs, "new", V1, SEAL) == {"refs/studio/delivered/v0/x": "", TEMPLATE_REF: "new", new: "new"}
    assert recorded({new: "old"}, "new", V1, SEAL)[new] == "new"


def test_the_delivered_version_is_that_of_the_lineages_tip() -> None:
    assert delivered_version({TEMPLATE_REF: "c", REF: "c"}) == "v1"
    assert delivered_version({TEMPLATE_REF: "other", REF: "c"}) == ""
    assert delivered_version({}) == ""
    deeper = REF.replace("/v1/", "/v1/v2/")
    assert deeper != REF
    assert delivered_version({TEMPLATE_REF: "c", deeper: "c"}) == "", "no version has a slash"
    assert is_delivered({TEMPLATE_REF: "c", REF: "c"}, V1)
    assert not is_delivered({TEMPLATE_REF: "c", REF: "c"}, replace(V1, archive="b.zip"))
    assert not is_delivered({TEMPLATE_REF: "other", REF: "c"}, V1)


def test_proposals_are_read_with_their_branches() -> None:
    branch = branch_for("v1")
    proposal = proposed(branch, V1, "commit", 1700000000.5, SEAL)
    assert (proposal.branch, proposal.key, proposal.commit, proposal.when) == (branch, V1.key, "commit", 1700000000)
    there = {proposal.ref: "commit", f"refs/heads/{branch}": "tip"}
    assert proposals_in(there) == [replace(proposal, tip="tip")]
    assert proposals_in({proposal.ref: "commit"}) == [proposal]
    assert proposals_in({f"refs/heads/{branch}": "tip", "refs/studio/proposals/odd": "x"}) == []
    assert proposals_in({f"{PROPOSALS}template-v1/odd": "x", f"{PROPOSALS}{V1.key}": "x"}) == []


# -- what is proven ----------------------------------------------------------------------------------------------------

PROPOSAL = proposed("studio/template-v1", V1, "p", 7, SEAL).ref
HEADS = {"refs/heads/main": "tip", "refs/heads/studio/template-v1": "p", "refs/tags/v1": "t"}
OURS = {TEMPLATE_REF: "c", REF: "c", PROPOSAL: "p", STACK_REF: "s", stack_ref("s", SEAL): "s"}


def test_what_is_proven_is_believed() -> None:
    found = believed({**HEADS, **OURS}, SEAL)
    assert (found.targets, found.sealed) == ({**HEADS, **OURS}, True)


def test_of_another_repositorys_refs_nothing_is_believed() -> None:
    found = believed({**HEADS, **OURS}, ANOTHER)
    assert (found.targets, found.sealed) == (HEADS, False)


@pytest.mark.parametrize("ref", sorted(OURS))
def test_a_ref_that_points_elsewhere_is_not_believed(ref: str) -> None:
    assert ref not in believed({**HEADS, **OURS, ref: "forged"}, SEAL).targets


@pytest.mark.parametrize(("head", "proof"), [(TEMPLATE_REF, REF), (STACK_REF, stack_ref("s", SEAL))])
def test_a_ref_with_a_fixed_name_needs_a_proof_beside_it(head: str, proof: str) -> None:
    without = {ref: commit for ref, commit in OURS.items() if ref != proof}
    assert head not in believed(without, SEAL).targets
    # A proof of another kind is none for it.
    assert head not in believed({**without, head: "p"}, SEAL).targets


@pytest.mark.parametrize(
    "ref",
    [
        REF.replace("/v1/", "/v2/"),  # another version
        REF.replace(V1.key, replace(V1, project="p2").key),  # another delivery
        f"{PROPOSALS}template-v1/{REF.rpartition('/')[2]}",  # another kind
        f"{PROPOSALS}template-v1/7-{REF.rpartition('/')[2]}",
        f"{DELIVERED}v1/{V1.key}",
        f"{DELIVERED}v1/{V1.key}-{'0' * 40}",
        f"{STACKS}{REF[-40:]}",
        f"{STACKS}x",
        f"{STACKS}ä",
        "refs/studio/anything",
    ],
)
def test_a_proof_holds_for_one_meaning(ref: str) -> None:
    assert ref not in believed({**OURS, ref: "c"}, SEAL, unsealed=True).targets


@pytest.mark.parametrize("changed", ["refs/studio/proposals/template-v2/", "8-"])
def test_a_proposal_is_proven_with_its_branch_and_time(changed: str) -> None:
    moved = PROPOSAL.replace("refs/studio/proposals/template-v1/", changed) if "/" in changed else PROPOSAL
    later = moved if "/" in changed else PROPOSAL.replace("/7-", f"/{changed}")
    assert later != PROPOSAL
    assert later not in believed({**OURS, later: "p"}, SEAL).targets


def test_of_proposals_the_newest_are_looked_at() -> None:
    offers = [proposed(f"studio/template-v{n}", V1, f"c{n}", n, SEAL) for n in range(100)]
    forged = {f"{PROPOSALS}template-v1/{9999999999 + n}-{V1.key}-{'0' * 40}": "x" for n in range(2600)}
    found = believed({**{offer.ref: offer.commit for offer in offers}, **forged}, SEAL).targets
    assert set(found) == {offer.ref for offer in offers[-MOST_PROPOSALS:]}


OLD = {TEMPLATE_REF: "c", f"{DELIVERED}v1/{V1.key}": "c", f"{PROPOSALS}template-v2/{V1.key}": "p", STACK_REF: "s"}


def test_refs_from_before_there_were_proofs_are_believed_where_the_id_is_known() -> None:
    assert believed({**HEADS, **OLD}, SEAL).targets == HEADS
    found = believed({**HEADS, **OLD}, SEAL, unsealed=True)
    assert (found.targets, found.sealed) == ({**HEADS, **OLD}, False)
    assert (delivered_version(found.targets), is_delivered(found.targets, V1)) == ("v1", True)
    assert [offer.key for offer in proposals_in(found.targets)] == [V1.key]


def test_once_there_is_a_proof_nothing_without_one_is_believed() -> None:
    found = believed({**OLD, PROPOSAL: "p"}, SEAL, unsealed=True)
    assert (found.targets, found.sealed) == ({PROPOSAL: "p"}, True)


def test_of_proposals_from_before_there_were_proofs_no_more_are_looked_at() -> None:
    many = {f"{PROPOSALS}template-v{n}/{V1.key}": "p" for n in range(2600)}
    assert len(believed(many, SEAL, unsealed=True).targets) == MOST_PROPOSALS


@given(WORDS, DELIVERIES, st.text(max_size=50))
def test_a_message_proves_its_delivery(subject: str, delivery: Delivery, body: str) -> None:
    text = message(subject, delivery, SEAL, body)
    assert is_proven(text, SEAL)
    assert not is_proven(text, ANOTHER)
    assert not is_proven(text, ANOTHER, unsealed=True), "a wrong proof is worse than none"


@pytest.mark.parametrize("name", ["domain", "project", "part", "folder", "version", "archive", "stack"])
def test_a_message_that_was_changed_proves_nothing(name: str) -> None:
    text = message("Update", replace(V1, **{name: "changed"}), SEAL)
    assert not is_proven(text.replace("changed", "forged"), SEAL)


def test_a_message_without_a_proof_counts_where_that_is_said() -> None:
    text = f"Update\n\n{V1.trailers()}\n"
    assert not is_proven(text, SEAL)
    assert is_proven(text, SEAL, unsealed=True)
    assert not is_proven("Fix the thing", SEAL, unsealed=True)


# -- the format --------------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "golden" / "lineage.txt"


def the_format() -> str:
    """Return every kind of record that a repository keeps of one delivery."""
    delivery = replace(V1, version="v1.2.0", archive=f"{'0' * 64}.zip", stack="arn:aws:cloudformation:eu:1:stack/s/1")
    proposal = proposed(branch_for(delivery.version), delivery, "COMMIT", 1700000000, SEAL)
    refs = [TEMPLATE_REF, STACK_REF, DELIVERED, PROPOSALS, STACKS, BRANCHES]
    refs += [delivery.ref("COMMIT", SEAL), proposal.ref, stack_ref("COMMIT", SEAL), proposal.branch]
    messages = [
        message("Template regression/model_build v1.2.0", delivery, SEAL, "Source: https://example.com"),
        message("Update the template to v1.2.0", replace(delivery, stack=""), SEAL),
    ]
    return "\n".join([*refs, "", *messages, *ROBOT, ""])


def test_refs_and_trailers_are_as_repositories_have_them() -> None:
    """Repositories out there are read by this format for as long as they live: changing the file is a decision."""
    assert the_format() == GOLDEN.read_text(encoding="utf-8")


def test_what_the_golden_file_records_is_read() -> None:
    text = GOLDEN.read_text(encoding="utf-8")
    ref = next(line for line in text.splitlines() if line.startswith("refs/studio/proposals/template-"))
    [proposal] = proposals_in({ref: "COMMIT"})
    assert proposal.branch == "studio/template-v1.2.0"
    recorded_ref = next(line for line in text.splitlines() if line.startswith("refs/studio/delivered/v"))
    assert delivered_version({TEMPLATE_REF: "COMMIT", recorded_ref: "COMMIT"}) == "v1.2.0"
    stack = next(line for line in text.splitlines() if line.startswith(STACKS) and line != STACKS)
    refs = dict.fromkeys((ref, recorded_ref, stack, TEMPLATE_REF, STACK_REF), "COMMIT")
    assert believed(refs, SEAL).targets == refs
    trailers = text[text.index("Studio-Domain") :].partition("\n\n")[0]
    delivery = delivery_in(f"Subject\n\n{trailers}")
    assert delivery is not None
    assert is_proven(f"Subject\n\n{trailers}", SEAL)
    assert (delivery.key, delivery.stack) == (proposal.key, "arn:aws:cloudformation:eu:1:stack/s/1")
    assert delivery.belongs_to("d1", "p1", "model_build")


def test_a_proposal_of_a_nested_branch_without_a_time_was_made_before_all_others() -> None:
    [proposal] = proposals_in({f"{PROPOSALS}team/template-v1/{V1.key}": "COMMIT"})
    assert (proposal.branch, proposal.when) == ("studio/team/template-v1", 0)
