"""Which service a trust policy lets in, by what the service tells of its source account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from standins.aws.trust import trusts

SERVICE, OURS = "servicecatalog.amazonaws.com", "111122223333"


def trust(operator: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
    condition = {operator: {"aws:SourceAccount": OURS}} if operator else {}
    return {"Statement": [{**statement, "Condition": condition}]}


@pytest.mark.parametrize(
    ("operator", "told", "lets_in"),
    [
        ("", "", True),
        ("StringEqualsIfExists", "", True),
        ("StringEqualsIfExists", OURS, True),
        ("StringEqualsIfExists", "999999999999", False),
        ("StringEquals", OURS, True),
        ("StringEquals", "", False),
        ("StringEquals", "999999999999", False),
    ],
)
def test_the_source_account_decides_where_it_is_told(operator: str, told: str, lets_in: bool) -> None:
    policy, role = trust(operator), f"arn:aws:iam::{OURS}:role/launch"
    assert trusts(policy, SERVICE, "sts:AssumeRole", role, told) is lets_in
    assert trusts(json.dumps(policy), SERVICE, "sts:AssumeRole", role, told) is lets_in
    assert not trusts(policy, SERVICE, "sts:TagSession", role, told)
    assert not trusts(policy, "datazone.amazonaws.com", "sts:AssumeRole", role, told)
