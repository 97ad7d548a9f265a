"""What is known of a stack's launch: what its tags tell, and what they do not is asked of Service Catalog."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from custom_resources.caller import LAUNCH_TAG, PRINCIPAL_TAG, PRODUCT_TAG
from custom_resources.clients.protocols import Clients
from custom_resources.clients.service_catalog import LaunchOfStack
from custom_resources.own_stack import launch_of

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/s/1"
TAGS = {
    PRODUCT_TAG: "arn:aws:catalog:us-east-1:123456789012:product/prod-tagged",
    LAUNCH_TAG: "arn:aws:servicecatalog:us-east-1:123456789012:stack/p/pp-tagged",
    PRINCIPAL_TAG: "arn:aws:iam::123456789012:role/Tagged",
}
TAGGED = LaunchOfStack("prod-tagged", "pp-tagged", TAGS[PRINCIPAL_TAG])
ASKED = LaunchOfStack("prod-asked", "pp-asked", "arn:aws:iam::123456789012:role/Asked")


def the_launch(*tags: str) -> tuple[LaunchOfStack, list[str]]:
    """Return what is found of a stack that has these tags, and of which stacks Service Catalog was asked."""
    asked: list[str] = []

    def answer(stack_id: str) -> LaunchOfStack:
        asked.append(stack_id)
        return ASKED

    told = {name: TAGS[name] for name in tags}
    clients: Any = SimpleNamespace(
        stacks=SimpleNamespace(tags=lambda stack_id: told), service_catalog=SimpleNamespace(launch_of=answer)
    )
    return launch_of(STACK, cast("Clients", clients)), asked


def test_what_the_tags_tell_is_not_asked() -> None:
    assert the_launch(*TAGS) == (TAGGED, [])


@pytest.mark.parametrize("missing", [PRODUCT_TAG, PRINCIPAL_TAG])
def test_what_one_tag_does_not_tell_is_asked_and_the_others_hold(missing: str) -> None:
    found, asked = the_launch(*(name for name in TAGS if name != missing))
    assert asked == [STACK]
    assert found.product == (ASKED if missing == PRODUCT_TAG else TAGGED).product
    assert found.principal == (ASKED if missing == PRINCIPAL_TAG else TAGGED).principal
    assert found.launch == TAGGED.launch


def test_without_tags_all_is_asked() -> None:
    assert the_launch() == (ASKED, [STACK])
