"""How a blueprint is enabled: its grants, the wait for a new role, and the projects that have it. No domain."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from custom_resources.blueprint_enabling import (
    ROLE_PATIENCE_SECONDS,
    configure,
    entity,
    launched_projects,
    outdated_grants,
    projects_in_regions,
    some_of,
    wanted_grants,
)
from custom_resources.clients.blueprints import Configuration, Grant
from custom_resources.clients.protocols import Blueprints
from custom_resources.errors import AwsDenied, RoleNotReady, RoleNotSpread
from custom_resources.properties import Properties
from custom_resources.reconciler import Request

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/s/1"
WANTED = Configuration("arn:aws:iam::123456789012:role/provisioning", ("us-east-1",), "", {})


def request(seconds_ago: float = 0, stack_id: str = STACK) -> Request[Properties]:
    return Request("Create", Properties(), None, "", stack_id, "Blueprint", started=time.time() - seconds_ago)


# -- grants -------------------------------------------------------------------------------------------------------


def granted(unit: str, who: str) -> Grant:
    below = {"domainUnit": unit, "includeChildDomainUnits": True}
    principal = {"project": {"projectDesignation": who, "projectGrantFilter": {"domainUnitFilter": below}}}
    return Grant("", principal, {"createEnvironmentFromBlueprint": {}})


def test_owners_and_contributors_of_projects_below_the_unit_may_use_it() -> None:
    assert wanted_grants("u1") == [granted("u1", "OWNER"), granted("u1", "CONTRIBUTOR")]


def test_of_the_former_units_grants_ours_go_and_no_others() -> None:
    former, others = [granted("u0", "OWNER"), granted("u0", "CONTRIBUTOR")], [granted("u9", "OWNER")]
    there = [*wanted_grants("u1"), *former, *others]
    assert outdated_grants(there, wanted_grants("u1"), "u0") == tuple(former)
    assert outdated_grants(there, wanted_grants("u1"), "u1") == ()


def test_a_blueprint_is_named_with_the_account_that_it_is_configured_in() -> None:
    assert entity(request(), "bp") == "123456789012:bp"
    assert entity(request(stack_id="stack"), "bp") == ":bp"


# -- a new role ---------------------------------------------------------------------------------------------------


class Host:
    """DataZone, which may refuse a role."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.refusal, self.configured = refusal, list[tuple[Any, ...]]()

    def configure(self, *given: Any) -> None:
        if self.refusal:
            raise self.refusal
        self.configured.append(given)


REFUSAL = RoleNotReady(role=WANTED.provisioning_role, message="cannot be assumed")


def test_a_blueprint_is_configured_as_it_should_be() -> None:
    host = Host()
    configure(cast("Blueprints", host), request(), "dzd_1", "bp", WANTED)
    assert host.configured == [("dzd_1", "bp", WANTED)]


@pytest.mark.parametrize("ago", [0, ROLE_PATIENCE_SECONDS - 20])
def test_a_new_role_is_waited_for(ago: float) -> None:
    with pytest.raises(RoleNotSpread) as wait:
        configure(cast("Blueprints", Host(REFUSAL)), request(ago), "dzd_1", "bp", WANTED)
    assert wait.value.seconds == 10
    assert wait.value.holes == {"role": WANTED.provisioning_role, "message": "cannot be assumed"}


def test_a_role_that_does_not_work_in_two_minutes_is_wrong() -> None:
    with pytest.raises(RoleNotReady) as refused:
        configure(cast("Blueprints", Host(REFUSAL)), request(ROLE_PATIENCE_SECONDS + 1), "dzd_1", "bp", WANTED)
    assert refused.value is REFUSAL


# -- the projects that have it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("projects", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c", "d", "e"], "a, b, c, d, e"),
        (["a", "b", "c", "d", "e", "f"], "a, b, c, d, e, ..."),
    ],
)
def test_a_sentence_has_room_for_five(projects: list[str], said: str) -> None:
    assert some_of(projects) == said


def test_projects_of_some_regions_are_told_with_their_region_each_region_asked_once() -> None:
    launches, asked = {"eu-west-1": ["studio-b", "a"], "us-east-1": ["studio-studio-c"]}, list[tuple[str, str]]()

    def launched_by(region: str, door: str) -> list[str]:
        asked.append((region, door))
        return launches[region]

    clients: Any = SimpleNamespace(regional_launches=SimpleNamespace(launched_by=launched_by))
    found = projects_in_regions(clients, ["us-east-1", "eu-west-1", "us-east-1"])
    assert found == ("b (eu-west-1)", "a (eu-west-1)", "studio-c (us-east-1)")
    assert asked == [("eu-west-1", "blueprint"), ("us-east-1", "blueprint")]


def test_projects_of_a_product_are_told_by_their_launches() -> None:
    asked: list[tuple[str, str]] = []

    def launched_by(product: str, door: str) -> list[str]:
        asked.append((product, door))
        return ["studio-p1", "p2"]

    clients: Any = SimpleNamespace(service_catalog=SimpleNamespace(launched_by=launched_by))
    assert launched_projects(clients, "prod-1") == ["p1", "p2"]
    assert launched_projects(clients, "") == []
    assert asked == [("prod-1", "blueprint")]


def test_where_service_catalog_does_not_tell_datazones_own_refusal_has_to_do(caplog: pytest.LogCaptureFixture) -> None:
    unknown = AwsDenied("Service Catalog denies access.")

    def denied(product: str, door: str) -> list[str]:
        raise unknown

    clients: Any = SimpleNamespace(service_catalog=SimpleNamespace(launched_by=denied))
    assert launched_projects(clients, "prod-1") == []
    assert [record.getMessage() for record in caplog.records] == ["launches are not known"]
