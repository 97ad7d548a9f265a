"""What CloudFormation tells of a stack beside the operation that a request belongs to: after it, or from before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_resources.errors import StackBehind, Stale
from custom_resources.stack_operation import has_ended, require_current

BEFORE, NOW, LATER = "2026-11-27T10:00:00+00:00", "2026-11-27T10:00:00.500000+00:00", "2026-11-27T10:00:01+00:00"
# Each way that a stack can go, status by status, with the times at which an operation of its own begins.
WAYS = [
    [("REVIEW_IN_PROGRESS", 0), ("CREATE_IN_PROGRESS", 0), ("ROLLBACK_IN_PROGRESS", 0), ("ROLLBACK_COMPLETE", 0)],
    [("CREATE_IN_PROGRESS", 0), ("CREATE_FAILED", 0), ("ROLLBACK_IN_PROGRESS", 0), ("ROLLBACK_FAILED", 0)],
    [("CREATE_IN_PROGRESS", 0), ("CREATE_COMPLETE", 0), ("DELETE_IN_PROGRESS", 0), ("DELETE_COMPLETE", 0)],
    [
        ("CREATE_COMPLETE", 0),
        ("UPDATE_IN_PROGRESS", 1),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", 1),
        ("UPDATE_COMPLETE", 1),
    ],
    [("UPDATE_COMPLETE", 0), ("UPDATE_IN_PROGRESS", 1), ("UPDATE_ROLLBACK_IN_PROGRESS", 1)],
    [
        ("UPDATE_IN_PROGRESS", 0),
        ("UPDATE_FAILED", 0),
        ("UPDATE_ROLLBACK_IN_PROGRESS", 0),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", 0),
        ("UPDATE_ROLLBACK_COMPLETE", 0),
        ("UPDATE_IN_PROGRESS", 1),
    ],
    [("UPDATE_ROLLBACK_FAILED", 0), ("UPDATE_ROLLBACK_IN_PROGRESS", 0), ("UPDATE_ROLLBACK_COMPLETE", 0)],
    [("DELETE_FAILED", 0), ("DELETE_IN_PROGRESS", 0), ("DELETE_COMPLETE", 0)],
]


def at(step: tuple[str, int]) -> str:
    return f"{step[0]} {(NOW, LATER)[step[1]]}"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: " ".join(status for status, _ in way))
def test_what_comes_before_ends_no_request(way: list[tuple[str, int]]) -> None:
    for number, noted in enumerate(way):
        if noted[0].endswith("_IN_PROGRESS"):
            assert not any(has_ended(at(noted), at(seen)) for seen in way[: number + 1])


@pytest.mark.parametrize("way", WAYS, ids=lambda way: " ".join(status for status, _ in way))
def test_what_follows_ends_it(way: list[tuple[str, int]]) -> None:
    for number, noted in enumerate(way):
        if noted[0].endswith("_IN_PROGRESS"):
            assert all(has_ended(at(noted), at(seen)) for seen in way[number + 1 :])


@pytest.mark.parametrize(
    ("noted", "seen"),
    [("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"), ("DELETE_IN_PROGRESS", "DELETE_FAILED")],
)
def test_what_is_on_either_side_ends_nothing(noted: str, seen: str) -> None:
    """A continued rollback, a repeated deletion: what failed before, or has now."""
    with pytest.raises(StackBehind, match=seen) as behind:
        require_current(f"{noted} {NOW}", f"{seen} {NOW}")
    assert behind.value.seconds == 5
    with pytest.raises(Stale):
        require_current(f"{noted} {NOW}", f"{seen} {LATER}")


STATUSES = st.sampled_from(sorted({status for way in WAYS for status, _ in way}))


@given(STATUSES, STATUSES)
def test_an_older_answer_never_ends_a_request(noted: str, seen: str) -> None:
    assert not has_ended(f"{noted} {NOW}", f"{seen} {BEFORE}")
    assert has_ended(f"{noted} {BEFORE}", f"{seen} {NOW}")
    require_current(f"{noted} {NOW}", f"{noted} {NOW}")
