"""Custom::StudioBlueprint: each call that writes, in its order, to a DataZone in memory that can refuse one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from custom_resources.blueprint_enabling import wanted_grants
from custom_resources.clients.blueprints import Grant
from custom_resources.clients.protocols import Clients
from custom_resources.errors import BlueprintInUse, FinalError, InUse, NameTaken, RoleNotReady, Stale
from custom_resources.reconciler import Done, Replan, Request
from custom_resources.studio_blueprint import Plan, StudioBlueprint, StudioBlueprintProperties

STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/StudioStack/1"
ENTITY, POLICY = "ENVIRONMENT_BLUEPRINT_CONFIGURATION", "CREATE_ENVIRONMENT_FROM_BLUEPRINT"
OURS = "111122223333:b1"
PROPERTIES = StudioBlueprintProperties.model_validate(
    {
        "DomainId": "dzd_1",
        "Name": "MLOps repositories",
        "Description": "Repositories",
        "TemplateUrl": "https://s3/1.json",
        "UserParameters": [
            {"KeyName": "Other", "DefaultValue": "x"},
            {"KeyName": "ProductId", "DefaultValue": "prod-1"},
        ],
        "ProvisioningRoleArn": "arn:aws:iam::111122223333:role/r",
        "EnabledRegions": ["us-east-1"],
    }
)
WANTED = replace(PROPERTIES.blueprint, id="b1")
FIRST, SECOND = wanted_grants("root")
THERE = Grant("g1", FIRST.principal, FIRST.detail)


@dataclass
class DataZone:
    """DataZone, which notes each call; what a call raises, the one after the other."""

    raises: dict[str, list[Exception]] = field(default_factory=dict)
    projects: list[str] = field(default_factory=list)
    done: list[tuple[Any, ...]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any) -> Any:
            self.done.append((name, *given))
            if self.raises.get(name):
                raise self.raises[name].pop(0)
            return {"create_blueprint": "b9", "projects_with": self.projects}.get(name)

        return call


@dataclass
class Launches:
    """Service Catalog's launches."""

    names: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def launched_by(self, product: str, door: str) -> list[str]:
        self.asked.append((product, door))
        return self.names


def applied(
    host: DataZone,
    plan: Plan,
    properties: StudioBlueprintProperties = PROPERTIES,
    launches: Launches | None = None,
    ensure_current: Any = None,
) -> Done | Replan:
    clients = SimpleNamespace(blueprints=host, service_catalog=launches or Launches())
    request = Request("Update", properties, None, "b1", STACK, "Blueprint")
    current = ensure_current or (lambda: host.done.append(("current",)))
    return StudioBlueprint(cast("Clients", clients)).apply(plan, request, current)


def reported(id_: str) -> Done:
    attributes = {"EnvironmentBlueprintId": id_, "Name": "MLOps repositories", "TemplateUrl": "https://s3/1.json"}
    return Done(attributes, physical_id=id_)


def granting(name: str, grant: Grant, entity: str = OURS) -> tuple[Any, ...]:
    return (name, "dzd_1", ENTITY, entity, POLICY, grant)


# -- what is wanted ----------------------------------------------------------------------------------------------------


def test_a_new_blueprint_is_registered_enabled_and_granted_by_its_new_id() -> None:
    host = DataZone()
    plan = Plan("create", PROPERTIES.blueprint, configure=True, add=(FIRST, SECOND))
    assert applied(host, plan) == reported("b9")
    assert host.done == [
        ("create_blueprint", "dzd_1", PROPERTIES.blueprint),
        ("current",),
        ("configure", "dzd_1", "b9", PROPERTIES.configuration),
        ("current",),
        granting("add_grant", FIRST, "111122223333:b9"),
        ("current",),
        granting("add_grant", SECOND, "111122223333:b9"),
    ]


def test_a_name_that_is_taken_meanwhile_is_looked_at_again() -> None:
    taken = NameTaken("The name is taken.")
    host = DataZone({"create_blueprint": [taken]})
    assert applied(host, Plan("create", PROPERTIES.blueprint, configure=True)) == Replan(str(taken))
    assert len(host.done) == 1
    host = DataZone({"add_grant": [taken]})
    assert applied(host, Plan("keep", WANTED, add=(FIRST, SECOND))) == Replan(str(taken))
    assert host.done == [("current",), granting("add_grant", FIRST)]


def test_an_update_writes_what_differs_and_takes_outdated_grants_away_last() -> None:
    host = DataZone()
    assert applied(host, Plan("update", WANTED, add=(SECOND,), remove=(THERE,))) == reported("b1")
    assert host.done == [
        ("update_blueprint", "dzd_1", WANTED),
        ("current",),
        granting("add_grant", SECOND),
        ("current",),
        granting("remove_grant", THERE),
    ]


def test_what_is_kept_or_not_there_is_not_written() -> None:
    host = DataZone()
    assert applied(host, Plan("keep", WANTED)) == reported("b1")
    assert applied(host, Plan("nothing")) == Done()
    assert host.done == []


@pytest.mark.parametrize("plan", [{"configure": True}, {"add": (FIRST,)}, {"remove": (THERE,)}])
def test_a_stack_that_moved_on_changes_no_right(plan: dict[str, Any]) -> None:
    def moved_on() -> None:
        raise Stale

    host = DataZone()
    with pytest.raises(Stale):
        applied(host, Plan("keep", WANTED, **plan), ensure_current=moved_on)
    assert host.done == []


# -- its end -----------------------------------------------------------------------------------------------------------

DELETED = ("delete_blueprint", "dzd_1", "b1")
LOOKED = ("projects_with", "dzd_1", "b1")


def used() -> InUse:
    return InUse("The blueprint is in use.")


def test_a_blueprint_that_nobody_uses_goes_with_one_call() -> None:
    host = DataZone()
    assert applied(host, Plan("delete", WANTED, remove=(THERE,))) == Done()
    assert host.done == [DELETED]


def test_a_blueprint_whose_own_rights_hold_it_goes_after_them() -> None:
    host, launches = DataZone({"delete_blueprint": [used()]}), Launches()
    assert applied(host, Plan("delete", WANTED, remove=(THERE, SECOND)), launches=launches) == Done()
    assert host.done == [
        DELETED,
        LOOKED,
        granting("remove_grant", THERE),
        granting("remove_grant", SECOND),
        ("delete_configuration", "dzd_1", "b1"),
        DELETED,
    ]
    assert launches.asked == [("prod-1", "blueprint")]


@pytest.mark.parametrize("call", ["delete_configuration", "delete_blueprint"])
def test_where_it_is_in_use_all_the_same_its_rights_come_back(call: str) -> None:
    refusal = used()
    host = DataZone({"delete_blueprint": [used()]})
    host.raises[call] = [*host.raises.get(call, []), refusal]
    with pytest.raises(InUse) as raised:
        applied(host, Plan("delete", WANTED, remove=(THERE, SECOND)))
    assert raised.value is refusal
    assert host.done[-3:] == [
        ("configure", "dzd_1", "b1", PROPERTIES.configuration),
        granting("add_grant", THERE),
        granting("add_grant", SECOND),
    ]


@pytest.mark.parametrize(
    ("seen", "launched", "named", "asked"),
    [
        (["churn", "fraud"], ["studio-p1"], "churn, fraud", 0),
        ([], ["studio-p1", "mine"], "p1, mine", 1),
        ([f"p{number}" for number in range(6)], [], "p0, p1, p2, p3, p4, ...", 0),
    ],
)
def test_projects_that_use_it_are_named_and_nothing_is_taken_from_them(
    seen: list[str], launched: list[str], named: str, asked: int
) -> None:
    host, launches = DataZone({"delete_blueprint": [used()]}, seen), Launches(launched)
    with pytest.raises(BlueprintInUse) as refused:
        applied(host, Plan("delete", WANTED, remove=(THERE,)), launches=launches)
    assert refused.value.holes == {"blueprint": "MLOps repositories", "projects": named}
    assert host.done == [DELETED, LOOKED]
    assert len(launches.asked) == asked


def test_without_a_product_of_its_own_no_launch_is_looked_for() -> None:
    host, launches = DataZone({"delete_blueprint": [used()]}), Launches(["studio-p1"])
    bare = PROPERTIES.model_copy(update={"user_parameters": []})
    assert applied(host, Plan("delete", WANTED), bare, launches) == Done()
    assert launches.asked == []


def test_where_accounts_enable_it_themselves_their_rights_are_left_alone() -> None:
    refusal = used()
    host = DataZone({"delete_blueprint": [refusal]}, ["churn"])
    with pytest.raises(InUse) as raised:
        applied(host, Plan("delete", WANTED, remove=(THERE,)), PROPERTIES.model_copy(update={"configured": False}))
    assert raised.value is refusal
    assert host.done == [DELETED]


def test_another_refusal_of_its_end_is_said_as_it_is() -> None:
    refusal = FinalError("DataZone denied access.")
    host = DataZone({"delete_blueprint": [refusal]})
    with pytest.raises(FinalError) as raised:
        applied(host, Plan("delete", WANTED, remove=(THERE,)))
    assert raised.value is refusal
    assert host.done == [DELETED]


def test_a_role_that_does_not_work_any_more_when_rights_come_back_is_said() -> None:
    not_ready = RoleNotReady("DataZone cannot use the role.")
    host = DataZone({"delete_blueprint": [used(), used()], "configure": [not_ready]})
    with pytest.raises(RoleNotReady) as raised:
        applied(host, Plan("delete", WANTED, remove=(THERE,)))
    assert raised.value is not_ready
