"""Which launch a stack is of: Service Catalog's own tags say it, else Service Catalog is asked."""

from __future__ import annotations

from typing import Any, cast

import pytest

from custom_resources.caller import LAUNCH_TAG, PRINCIPAL_TAG, PRODUCT_TAG
from custom_resources.clients.protocols import Clients
from custom_resources.clients.service_catalog import LaunchOfStack
from custom_resources.own_stack import launch_of

TAGS = {PRODUCT_TAG: "arn:x:product/prod-1", LAUNCH_TAG: "arn:x:stack/pp-1", PRINCIPAL_TAG: "arn:who"}
ASKED = LaunchOfStack("prod-asked", "pp-asked", "arn:asked")


class Account:
    """Both of its services; it counts what Service Catalog is asked."""

    def __init__(self, tags: dict[str, str]) -> None:
        self._tags, self.asked = tags, 0
        self.stacks = self.service_catalog = self

    def tags(self, stack_id: str) -> dict[str, str]:
        return self._tags

    def launch_of(self, stack_id: str) -> LaunchOfStack:
        self.asked += 1
        return ASKED


@pytest.mark.parametrize(
    ("missing", "told", "asked"),
    [
        ((), ("prod-1", "pp-1", "arn:who"), 0),
        ((LAUNCH_TAG,), ("prod-1", "", "arn:who"), 0),
        ((PRODUCT_TAG,), ("prod-asked", "pp-1", "arn:who"), 1),
        ((PRINCIPAL_TAG,), ("prod-1", "pp-1", "arn:asked"), 1),
        ((LAUNCH_TAG, PRINCIPAL_TAG), ("prod-1", "pp-asked", "arn:asked"), 1),
        (tuple(TAGS), ("prod-asked", "pp-asked", "arn:asked"), 1),
    ],
)
def test_a_tag_that_is_there_is_believed_and_what_is_missing_is_asked_for(
    missing: tuple[str, ...], told: tuple[str, str, str], asked: int
) -> None:
    account: Any = Account({key: value for key, value in TAGS.items() if key not in missing})
    assert launch_of("arn:stack", cast("Clients", account)) == LaunchOfStack(*told)
    assert account.asked == asked
