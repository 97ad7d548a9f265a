"""The lineage's records: what commits and refs say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from custom_resources.lineage import (
    TEMPLATE_REF,
    Delivery,
    Proposal,
    branch_for,
    delivered_version,
    delivery_in,
    message,
    proposals_in,
    recorded,
    trace_in,
)

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
DELIVERIES = st.builds(Delivery, WORDS, WORDS, WORDS, WORDS, WORDS, WORDS, st.just("") | WORDS)
V1 = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a.zip", "stack")


@given(WORDS, DELIVERIES, st.text(max_size=50))
def test_a_message_tells_its_delivery(subject: str, delivery: Delivery, body: str) -> None:
    assert delivery_in(message(subject, delivery, body)) == delivery


def test_a_message_of_users_tells_nothing() -> None:
    assert delivery_in("Fix the thing") is None
    assert delivery_in("") is None
    assert delivery_in("Quote\n\nStudio-Domain: d1\n\nand go on") is None
    assert delivery_in("Half\n\nStudio-Domain: d1\nStudio-Project: p1") is None


def test_github_adds_to_a_squashed_message() -> None:
    squashed = message("Update the template (#1)", V1) + "Co-authored-by: Ada <ada@example.com>\n"
    assert delivery_in(squashed) == V1


def test_a_trace_is_found_in_any_paragraph() -> None:
    squashed = "Update (#1)\n\n* " + message("Update", V1) + "\n---------\n\nCo-authored-by: Ada <ada@example.com>\n"
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


def test_a_record_takes_the_place_of_the_last() -> None:
    refs = {"refs/heads/main": "tip", TEMPLATE_REF: "old", "refs/studio/delivered/v0/x": "old"}
    assert recorded(refs, "new", V1) == {"refs/studio/delivered/v0/x": "", TEMPLATE_REF: "new", V1.ref: "new"}
    assert recorded({V1.ref: "old"}, "new", V1)[V1.ref] == "new"


def test_the_delivered_version_is_that_of_the_lineages_tip() -> None:
    assert delivered_version({TEMPLATE_REF: "c", V1.ref: "c"}) == "v1"
    assert delivered_version({TEMPLATE_REF: "other", V1.ref: "c"}) == ""
    assert delivered_version({}) == ""


def test_proposals_are_read_with_their_branches() -> None:
    branch = branch_for("v1")
    proposal = Proposal(branch, V1.key, "commit", "tip")
    assert proposals_in({proposal.ref: "commit", f"refs/heads/{branch}": "tip"}) == [proposal]
    assert proposals_in({proposal.ref: "commit"}) == [Proposal(branch, V1.key, "commit", "")]
    assert proposals_in({f"refs/heads/{branch}": "tip", "refs/studio/proposals/odd": "x"}) == []
