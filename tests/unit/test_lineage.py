"""The lineage's records: what commits and refs say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from custom_resources.clients.git import ROBOT
from custom_resources.delivery.lineage import (
    BRANCHES,
    DELIVERED,
    PROPOSALS,
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
from custom_resources.delivery.lineage import STACK_REF

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


# -- the format --------------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "golden" / "lineage.txt"


def the_format() -> str:
    """Return every kind of record that a repository keeps of one delivery."""
    delivery = replace(V1, version="v1.2.0", archive=f"{'0' * 64}.zip", stack="arn:aws:cloudformation:eu:1:stack/s/1")
    proposal = Proposal(branch_for(delivery.version), delivery.key, "COMMIT")
    refs = [TEMPLATE_REF, STACK_REF, DELIVERED, PROPOSALS, BRANCHES, delivery.ref, proposal.ref, proposal.branch]
    messages = [
        message("Template regression/model_build v1.2.0", delivery, "Source: https://example.com"),
        message("Update the template to v1.2.0", replace(delivery, stack="")),
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
    trailers = text[text.index("Studio-Domain") :].partition("\n\n")[0]
    delivery = delivery_in(f"Subject\n\n{trailers}")
    assert delivery is not None
    assert (delivery.key, delivery.stack) == (proposal.key, "arn:aws:cloudformation:eu:1:stack/s/1")
    assert delivery.belongs_to("d1", "p1", "model_build")
