"""Which service a trust policy lets in, by what the service tells of its source account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from standins.aws.trust import trusted_actions

SERVICE, OURS = "servicecatalog.amazonaws.com", "111122223333"


def trust(operator: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
    condition = {operator: {"aws:SourceAccount": OURS}} if operator else {}
    return {"Statement": [{**statement, "Condition": condition}]}


@pytest.mark.parametrize(
    ("operator", "told", "lets_in"),
    [
        ("", None, True),
        ("StringEqualsIfExists", None, True),
        ("StringEqualsIfExists", OURS, True),
        ("StringEqualsIfExists", "999999999999", False),
        ("StringEquals", OURS, True),
        ("StringEquals", None, False),
        ("StringEquals", "999999999999", False),
    ],
)
def test_the_source_account_decides_where_it_is_told(operator: str, told: str | None, lets_in: bool) -> None:
    policy = trust(operator)
    wanted = {"sts:AssumeRole"} if lets_in else set()
    assert trusted_actions(policy, SERVICE, told) == wanted
    assert trusted_actions(json.dumps(policy), SERVICE, told) == wanted
    assert trusted_actions(policy, "datazone.amazonaws.com", told) == set()
