"""A profile's environments: which is the tooling, where they are, and ours among the others. No domain, no request."""

from __future__ import annotations

import re
from typing import Any

import pytest

from custom_resources.errors import EnvironmentNameTaken, ProfileElsewhere
from custom_resources.profile_environments import (
    comparable,
    location_of,
    of_one_account,
    pools_of,
    require_listed,
    tooling_of,
    with_ours,
    without_ours,
)

HERE, THERE = "111122223333/eu-central-1", "444455556666/eu-west-1"
OURS: dict[str, Any] = {"name": "Ours", "environmentBlueprintId": "bp", "deploymentOrder": 1}


def at(account: str = "", region: str = "", pools: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return where an environment is, as DataZone spells it; what is not named is left out."""
    found: dict[str, Any] = {}
    if account:
        found["awsAccount"] = {"awsAccountId": account}
    if region:
        found["awsRegion"] = {"regionName": region}
    if pools:
        found["accountPools"] = list(pools)
    return found


# -- which is the tooling -----------------------------------------------------------------------------------------


def environment(name: str, blueprint: str = "other", **more: Any) -> dict[str, Any]:
    return {"name": name, "environmentBlueprintId": blueprint, **more}


@pytest.mark.parametrize(
    ("environments", "found"),
    [
        ([], None),
        ([environment("Tooling", deploymentMode="ON_CREATE", deploymentOrder=0)], "Tooling"),
        ([environment("Tooling")], "Tooling"),  # a project has it at its creation, and first, where nothing is said
        ([environment("Late", deploymentOrder=1)], "Late"),
        ([environment("TooLate", deploymentOrder=2)], None),
        ([environment("OnDemand", deploymentMode="ON_DEMAND")], None),
        ([environment("Ours", "bp")], None),
        ([environment("Second", deploymentOrder=1), environment("First", deploymentOrder=0)], "First"),
        ([environment("Second", deploymentOrder=1), environment("First")], "First"),
        ([environment("First"), environment("AlsoFirst", deploymentOrder=0)], "First"),
    ],
)
def test_the_tooling_is_the_first_that_a_project_has_before_ours(environments: list[Any], found: str | None) -> None:
    tooling = tooling_of(environments, "bp", 2)
    assert (tooling["name"] if tooling else None) == found


def test_the_first_that_says_nothing_of_its_order_is_before_the_second() -> None:
    assert tooling_of([environment("Tooling")], "bp", 1)
    assert tooling_of([environment("Tooling")], "bp", 0) is None


# -- where they are -----------------------------------------------------------------------------------------------


def test_a_location_is_what_datazone_says_of_it_and_nothing_else() -> None:
    there = at("111122223333", "eu-central-1", ("p1",))
    assert location_of({**there, "name": "Tooling", "deploymentOrder": 0}) == there
    assert location_of({"name": "Tooling", "awsAccount": {}, "accountPools": [], "awsRegion": None}) == {}


def test_each_pool_is_asked_once() -> None:
    some = [at(pools=("p2", "p1")), at("111122223333"), {"accountPools": None}, at(pools=("p1", "p3"))]
    assert pools_of(some) == ["p2", "p1", "p3"]


@pytest.mark.parametrize(
    ("tooling", "where"),
    [
        (at("111122223333", "eu-west-1"), at("111122223333", "eu-central-1")),
        (at(region="eu-west-1"), at("111122223333", "eu-central-1")),
        ({}, at("111122223333", "eu-central-1")),
        ({"awsAccount": {"awsAccountIdPath": "/path"}}, at("111122223333", "eu-central-1")),
        ({**at(region="eu-west-1", pools=("p1",)), "name": "Tooling"}, at(region="eu-west-1", pools=("p1",))),
    ],
)
def test_in_one_account_ours_is_there_unless_a_pool_resolves_the_account(tooling: Any, where: Any) -> None:
    assert of_one_account("Regression", tooling, at("111122223333", "eu-central-1")) == where


@pytest.mark.parametrize(
    ("tooling", "place"),
    [
        (at("444455556666", "eu-west-1"), THERE),
        (at("444455556666"), "444455556666/eu-central-1"),
        ({**at("444455556666"), "awsRegion": {"regionNamePath": "/path"}}, "444455556666/"),
    ],
)
def test_in_one_account_a_profile_of_another_is_refused_by_its_place(tooling: Any, place: str) -> None:
    with pytest.raises(ProfileElsewhere) as refused:
        of_one_account("Regression", tooling, at("111122223333", "eu-central-1"))
    assert refused.value.holes == {"profile": "Regression", "elsewhere": place, "listed": "only 111122223333"}


POOLS = {"p1": [("111122223333", "eu-central-1"), ("444455556666", "eu-west-1")], "p2": [("777788889999", "eu-west-1")]}


@pytest.mark.parametrize(
    ("tooling", "refused"),
    [
        (at("111122223333", "eu-central-1"), ""),
        (at("111122223333"), ""),  # in the domain's own region
        (at(region="eu-central-1"), ""),  # in the domain's own account
        ({}, ""),
        (at("444455556666"), "444455556666/eu-central-1"),
        (at(region="eu-west-1"), "111122223333/eu-west-1"),
        (at(pools=("p1",)), ""),
        (at(pools=("p1", "p2")), "777788889999/eu-west-1"),
        (at(region="eu-central-1", pools=("p1", "p2")), ""),  # p2 has no account in the profile's region
        (at(region="eu-west-1", pools=("p2",)), "777788889999/eu-west-1"),
        (at(pools=("unknown",)), ""),  # what a function of its owner decides is not known now
        ({**at(region="nowhere"), "awsAccount": {"awsAccountIdPath": "/path"}}, ""),
        ({**at("777788889999"), "awsRegion": {"regionNamePath": "/path"}}, ""),
        # A path counts in its own place only.
        ({"awsAccount": {"awsAccountId": "777788889999", "regionNamePath": "/x"}}, "777788889999/eu-central-1"),
    ],
)
def test_a_profile_is_refused_by_each_place_that_the_settings_do_not_list(tooling: Any, refused: str) -> None:
    listed = [HERE, THERE]
    if not refused:
        require_listed("Regression", tooling, POOLS, listed, HERE)
        return
    with pytest.raises(ProfileElsewhere, match=re.escape(f"projects in {refused}, where")) as error:
        require_listed("Regression", tooling, POOLS, listed, HERE)
    assert error.value.holes == {"profile": "Regression", "elsewhere": refused, "listed": f"{HERE}, {THERE}"}


# -- ours among the others ----------------------------------------------------------------------------------------

SET = {"parameterOverrides": [{"name": "a"}]}
RESOLVED = {**SET, "resolvedParameters": [{"name": "a", "value": "1"}]}


def test_ours_joins_the_others_which_stay_as_they_are() -> None:
    others = (environment("Tooling", configurationParameters=RESOLVED, id="e1"), environment("Lake"))
    sent = (environment("Tooling", configurationParameters=SET, id="e1"), environment("Lake"))
    assert with_ours(others, OURS) == (*sent, OURS)
    assert without_ours((*others, OURS), "bp") == sent


@pytest.mark.parametrize("blueprint", ["bp", "old"])
def test_ours_is_renewed_in_its_place_and_keeps_its_id(blueprint: str) -> None:
    before, after = environment("Tooling"), environment("Lake")
    mine = environment("Former name", blueprint, id="e2", deploymentOrder=9)
    assert with_ours((before, mine, after), OURS, "old") == (before, {**OURS, "id": "e2"}, after)
    del mine["id"]
    assert with_ours((before, mine, after), OURS, "old") == (before, OURS, after)


def test_another_blueprints_environment_keeps_its_name() -> None:
    with pytest.raises(EnvironmentNameTaken, match="'Ours'"):
        with_ours((environment("Ours"),), OURS, "old")
    assert with_ours((environment("Ours", ""),), {**OURS, "name": "Mine"}), "no blueprint before is none of theirs"
    nobodys = environment("Tooling", "")
    assert with_ours((nobodys,), OURS) == (nobodys, OURS)


def test_what_datazone_resolves_is_no_difference() -> None:
    resolved = environment("Tooling", configurationParameters=RESOLVED)
    same = environment("Tooling", configurationParameters=SET)
    assert comparable([resolved]) == comparable([same]) == [same]
    assert comparable([environment("Tooling")]) == [environment("Tooling", configurationParameters={})]
    assert comparable([same]) != comparable([environment("Tooling", configurationParameters={})])
