"""What an administrator's Studio resources look at, decide and write, call by call. A domain in memory, no request."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from custom_resources.blueprint_enabling import wanted_grants
from custom_resources.clients.blueprints import Blueprint, Configuration, Grant, Profile
from custom_resources.errors import (
    BlueprintInUse,
    BlueprintMissing,
    ConfigurationInUse,
    FinalError,
    InUse,
    NameTaken,
    ProfileElsewhere,
    ProfileMissing,
    ProfileNameTaken,
    ProfileWithoutTooling,
    RegionNotEnabled,
    RoleNotReady,
    RoleNotSpread,
    ToolingBlueprintMissing,
)
from custom_resources.reconciler import Done, Foreseen, Replan, Request
from custom_resources.studio_blueprint import StudioBlueprint
from custom_resources.studio_blueprint_configuration import StudioBlueprintConfiguration
from custom_resources.studio_project_profile import StudioProjectProfile, granted

DOMAIN, ACCOUNT, REGION = "dzd_1", "123456789012", "us-east-1"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/s/1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/provisioning"
URL = "https://s3.us-east-1.amazonaws.com/b/1.json"


@dataclass
class Domain:
    """A domain that answers by its own id only, and notes each write."""

    blueprints_by_id: dict[str, Blueprint] = field(default_factory=dict)
    managed: dict[str, str] = field(default_factory=lambda: {"Tooling": "tooling"})
    configurations: dict[str, Configuration] = field(default_factory=dict)
    granted: dict[str, list[Grant]] = field(default_factory=dict)  # by entity
    profiles: dict[str, Profile] = field(default_factory=dict)
    pools: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    projects: list[str] = field(default_factory=list)
    launched: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # by region or product, and door
    refusals: dict[str, list[Exception | None]] = field(default_factory=dict)  # of a write, one call after the other
    writes: list[tuple[Any, ...]] = field(default_factory=list)
    roots: int = 0

    @property
    def clients(self) -> Any:
        """All clients."""
        launches = SimpleNamespace(launched_by=lambda place, door: self.launched.get((place, door), []))
        return SimpleNamespace(blueprints=self, service_catalog=launches, regional_launches=launches)

    def wrote(self, what: str, domain_id: str, *more: Any) -> None:
        assert domain_id == DOMAIN
        self.writes.append((what, *more))
        refusals = self.refusals.get(what, [])
        if refusals and (refusal := refusals.pop(0)):
            raise refusal

    # -- reads

    def blueprint_id(self, domain_id: str, name: str, managed: bool = False) -> str:
        assert domain_id == DOMAIN
        if managed:
            return self.managed.get(name, "")
        return next((id_ for id_, each in self.blueprints_by_id.items() if each.name == name), "")

    def blueprint(self, domain_id: str, blueprint_id: str) -> Blueprint | None:
        assert domain_id == DOMAIN
        assert blueprint_id, "DataZone refuses an empty identifier"
        return self.blueprints_by_id.get(blueprint_id)

    def configuration(self, domain_id: str, blueprint_id: str) -> Configuration | None:
        assert domain_id == DOMAIN
        return self.configurations.get(blueprint_id)

    def root_domain_unit(self, domain_id: str) -> str:
        assert domain_id == DOMAIN
        self.roots += 1
        return "root"

    def grants(self, domain_id: str, entity: str, identifier: str, policy: str) -> list[Grant]:
        assert domain_id == DOMAIN
        kinds = {
            "DOMAIN_UNIT": "CREATE_PROJECT_FROM_PROJECT_PROFILE",
            "ENVIRONMENT_BLUEPRINT_CONFIGURATION": "CREATE_ENVIRONMENT_FROM_BLUEPRINT",
        }
        assert kinds[entity] == policy
        return self.granted.get(identifier, [])

    def profile_id(self, domain_id: str, name: str) -> str:
        assert domain_id == DOMAIN
        return next((id_ for id_, each in self.profiles.items() if each.name == name), "")

    def profile(self, domain_id: str, profile_id: str) -> Profile | None:
        assert domain_id == DOMAIN
        assert profile_id, "DataZone refuses an empty identifier"
        return self.profiles.get(profile_id)

    def accounts_of_pool(self, domain_id: str, pool: str) -> list[tuple[str, str]]:
        assert domain_id == DOMAIN
        return self.pools[pool]

    def projects_with(self, domain_id: str, blueprint_id: str) -> list[str]:
        assert (domain_id, blueprint_id) == (DOMAIN, "bp")
        return self.projects

    # -- writes

    def create_blueprint(self, domain_id: str, wanted: Blueprint) -> str:
        self.wrote("create blueprint", domain_id, wanted)
        return "bp"

    def update_blueprint(self, domain_id: str, wanted: Blueprint) -> None:
        self.wrote("update blueprint", domain_id, wanted)

    def delete_blueprint(self, domain_id: str, blueprint_id: str) -> None:
        self.wrote("delete blueprint", domain_id, blueprint_id)

    def configure(self, domain_id: str, blueprint_id: str, wanted: Configuration) -> None:
        self.wrote("configure", domain_id, blueprint_id, wanted)

    def delete_configuration(self, domain_id: str, blueprint_id: str) -> None:
        self.wrote("delete configuration", domain_id, blueprint_id)

    def add_grant(self, domain_id: str, entity: str, identifier: str, policy: str, grant: Grant) -> str:
        self.wrote("add", domain_id, entity, identifier, policy, grant)
        return "new"

    def remove_grant(self, domain_id: str, entity: str, identifier: str, policy: str, grant: Grant) -> None:
        self.wrote("remove", domain_id, entity, identifier, policy, grant)

    def create_profile(self, domain_id: str, wanted: Profile, domain_unit: str) -> str:
        self.wrote("create profile", domain_id, wanted, domain_unit)
        return "pr"

    def update_profile(self, domain_id: str, wanted: Profile) -> None:
        self.wrote("update profile", domain_id, wanted)

    def delete_profile(self, domain_id: str, profile_id: str) -> None:
        self.wrote("delete profile", domain_id, profile_id)


def reconciled(
    domain: Domain,
    kind_of: Any,
    properties: dict[str, Any],
    kind: str = "Create",
    *,
    old: dict[str, Any] | None = None,
    physical_id: str = "",
    operation: str = "",
    started: float = 0,
) -> tuple[Done | Replan, int]:
    """Reconcile once; return the outcome, and how often it was asked whether the request is still current."""
    resource = kind_of(domain.clients)
    new, before = (resource.properties.model_validate(each) if each is not None else None for each in (properties, old))
    id_ = physical_id or resource.provisional_id(new)
    request = Request(kind, new, before, id_, STACK, "R", operation=operation, started=started)  # type: ignore[arg-type]
    asked: list[None] = []
    with resource.observe(request) as observed:
        plan = resource.plan(request, observed)
        assert resource.foresee(request, observed, plan) == Foreseen()
        return resource.apply(plan, request, lambda: asked.append(None)), len(asked)


# -- the blueprint ------------------------------------------------------------------------------------------------

PARAMETERS = [
    {"KeyName": "ProductId", "DefaultValue": "prod-1", "IsEditable": "false"},
    {"KeyName": "Scope", "FieldType": "number", "Description": "d", "IsEditable": "true", "IsOptional": "false",
     "IsUpdateSupported": "true"},
]  # fmt: skip
SPELT = (
    {"keyName": "ProductId", "fieldType": "string", "defaultValue": "prod-1", "description": "", "isEditable": False,
     "isOptional": True, "isUpdateSupported": False},
    {"keyName": "Scope", "fieldType": "number", "defaultValue": "", "description": "d", "isEditable": True,
     "isOptional": False, "isUpdateSupported": True},
)  # fmt: skip
BLUEPRINT = {
    "DomainId": DOMAIN,
    "Name": "Ours",
    "Description": "d",
    "TemplateUrl": URL,
    "UserParameters": PARAMETERS,
    "ProvisioningRoleArn": ROLE,
    "ManageAccessRoleArn": "manage",
    "EnabledRegions": ["us-west-2", REGION],
    "RegionalParameters": {REGION: {"a": "b"}},
}
AS_WANTED = Blueprint("bp", "Ours", "d", URL, SPELT)
CONFIGURED = Configuration(ROLE, (REGION, "us-west-2"), "manage", {REGION: {"a": "b"}})
ENTITY = ("ENVIRONMENT_BLUEPRINT_CONFIGURATION", f"{ACCOUNT}:bp", "CREATE_ENVIRONMENT_FROM_BLUEPRINT")
ROOT = wanted_grants("root")
ATTRIBUTES = {"EnvironmentBlueprintId": "bp", "Name": "Ours", "TemplateUrl": URL}


def registered(**more: Any) -> Domain:
    """Return a domain in which all is as desired."""
    there: dict[str, Any] = {
        "blueprints_by_id": {"bp": AS_WANTED},
        "configurations": {"bp": CONFIGURED},
        "granted": {f"{ACCOUNT}:bp": ROOT},
    }
    return Domain(**{**there, **more})


def test_a_blueprint_is_created_configured_and_granted() -> None:
    domain = Domain()
    assert reconciled(domain, StudioBlueprint, BLUEPRINT) == (Done(ATTRIBUTES, physical_id="bp"), 3)
    assert domain.writes == [
        ("create blueprint", replace(AS_WANTED, id="")),
        ("configure", "bp", CONFIGURED),
        *(("add", *ENTITY, grant) for grant in ROOT),
    ]


@pytest.mark.parametrize(("kind", "physical_id"), [("Create", ""), ("Update", "bp"), ("Update", "dzd_1/Ours")])
def test_a_blueprint_as_desired_is_left_as_it_is(kind: str, physical_id: str) -> None:
    domain = registered()
    done = reconciled(domain, StudioBlueprint, BLUEPRINT, kind, old=BLUEPRINT, physical_id=physical_id)
    assert (done, domain.writes) == ((Done(ATTRIBUTES, physical_id="bp"), 0), [])


def test_what_datazone_leaves_out_since_it_is_empty_is_no_difference() -> None:
    told = tuple({key: value for key, value in each.items() if value} for each in SPELT)
    domain = registered(blueprints_by_id={"bp": replace(AS_WANTED, parameters=told)})
    reconciled(domain, StudioBlueprint, BLUEPRINT, "Update", old=BLUEPRINT, physical_id="bp")
    assert domain.writes == []


@pytest.mark.parametrize("change", [{"description": "x"}, {"template_url": "x"}, {"parameters": SPELT[:1]}])
def test_a_difference_is_written_under_the_name_in_studio(change: dict[str, Any]) -> None:
    domain = registered(blueprints_by_id={"bp": replace(AS_WANTED, name="Renamed", **change)})
    done, _ = reconciled(domain, StudioBlueprint, BLUEPRINT, "Update", old=BLUEPRINT, physical_id="bp")
    assert domain.writes == [("update blueprint", replace(AS_WANTED, name="Renamed"))]
    assert isinstance(done, Done)
    assert done.attributes["Name"] == "Renamed"


@pytest.mark.parametrize("what", ["create blueprint", "add"])
def test_what_appears_meanwhile_is_looked_at_again(what: str) -> None:
    domain = Domain(refusals={what: [NameTaken("It is there.")]})
    assert reconciled(domain, StudioBlueprint, BLUEPRINT)[0] == Replan("It is there.")


@pytest.mark.parametrize(
    ("units", "roots", "added", "removed"),
    [
        (("u2", "u1"), 0, "u2", "u1"),
        (("u2", ""), 1, "u2", "root"),
        (("", "u1"), 1, "root", "u1"),
        (("u1", "u1"), 0, "", ""),
    ],
)
@pytest.mark.parametrize("kind_of", [StudioBlueprint, StudioBlueprintConfiguration])
def test_another_domain_unit_takes_the_grants_along(
    kind_of: Any, units: tuple[str, str], roots: int, added: str, removed: str
) -> None:
    properties, configured = (BLUEPRINT, CONFIGURED) if kind_of is StudioBlueprint else (CONFIGURATION, PLAIN)
    domain = registered(granted={f"{ACCOUNT}:bp": wanted_grants(units[1] or "root")}, configurations={"bp": configured})
    new, old = ({**properties, "DomainUnitId": each} for each in units)
    _, asked = reconciled(domain, kind_of, new, "Update", old=old, physical_id="bp")
    changed = [("add", grant) for grant in wanted_grants(added)] if added else []
    changed += [("remove", grant) for grant in wanted_grants(removed)] if removed else []
    assert [(each[0], each[-1]) for each in domain.writes] == changed
    assert {each[1:4] for each in domain.writes} <= {ENTITY}
    assert (domain.roots, asked) == (roots, len(changed))


@pytest.mark.parametrize("changed", [{"Name": "Former"}, {"DomainId": "dzd_2"}])
def test_another_name_or_domain_is_another_blueprint(changed: dict[str, str]) -> None:
    domain = registered(blueprints_by_id={})
    old = {**BLUEPRINT, **changed, "DomainUnitId": "u1"}
    done, _ = reconciled(domain, StudioBlueprint, BLUEPRINT, "Update", old=old, physical_id="former-id")
    assert domain.writes[0] == ("create blueprint", replace(AS_WANTED, id=""))
    assert not any(each[0] == "remove" for each in domain.writes), "the former one's grants go with it"
    assert isinstance(done, Done)
    assert done.physical_id == "bp"


def test_a_blueprint_that_is_registered_only_is_not_enabled() -> None:
    only = {**BLUEPRINT, "Configured": "false"}
    domain = Domain()
    assert reconciled(domain, StudioBlueprint, only) == (Done(ATTRIBUTES, physical_id="bp"), 0)
    assert [each[0] for each in domain.writes] == ["create blueprint"]
    assert domain.roots == 0
    there = registered(granted={f"{ACCOUNT}:bp": wanted_grants("u1")}, configurations={})
    reconciled(there, StudioBlueprint, only, "Update", old=only, physical_id="bp")
    assert there.writes == []


@pytest.mark.parametrize("kind_of", [StudioBlueprint, StudioBlueprintConfiguration])
def test_a_new_role_is_waited_for(kind_of: Any) -> None:
    refusal = RoleNotReady(role=ROLE, message="cannot be assumed")
    properties = BLUEPRINT if kind_of is StudioBlueprint else CONFIGURATION
    for started, error in ((time.time(), RoleNotSpread), (0.0, RoleNotReady)):
        domain = registered(configurations={}, refusals={"configure": [refusal]})
        with pytest.raises(error, match="cannot be assumed"):
            reconciled(domain, kind_of, properties, started=started)


# -- its end

IN_USE = InUse("Environments need it.")


def ended(domain: Domain, **changes: Any) -> None:
    done = reconciled(domain, StudioBlueprint, {**BLUEPRINT, **changes}, "Delete", physical_id="bp")
    assert done == (Done(), 0)


def test_a_blueprint_goes_with_its_configuration() -> None:
    domain = registered()
    ended(domain)
    assert domain.writes == [("delete blueprint", "bp")]
    gone = Domain()
    ended(gone)
    assert (gone.writes, domain.roots) == ([], 0)


def test_where_nobody_needs_it_what_hinders_is_taken_away_first() -> None:
    domain = registered(refusals={"delete blueprint": [IN_USE]})
    ended(domain)
    assert domain.writes == [
        ("delete blueprint", "bp"),
        *(("remove", *ENTITY, grant) for grant in ROOT),
        ("delete configuration", "bp"),
        ("delete blueprint", "bp"),
    ]


@pytest.mark.parametrize("last", ["delete blueprint", "delete configuration"])
def test_what_environments_need_after_all_comes_back(last: str) -> None:
    stays = FinalError("No.")
    refusals = {"delete blueprint": [IN_USE, stays]} if last == "delete blueprint" else {
        "delete blueprint": [IN_USE], last: [stays]}  # fmt: skip
    domain = registered(refusals=refusals)
    with pytest.raises(FinalError) as refused:
        ended(domain)
    assert refused.value is stays
    assert domain.writes[-3:] == [("configure", "bp", CONFIGURED), *(("add", *ENTITY, grant) for grant in ROOT)]


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ({"projects": ["p1", "p2"], "launched": {("prod-1", "blueprint"): ["studio-p3"]}}, "p1, p2"),
        ({"launched": {("prod-1", "blueprint"): ["studio-p3"]}}, "p3"),
    ],
)
def test_the_projects_that_need_it_are_named(found: dict[str, Any], named: str) -> None:
    domain = registered(refusals={"delete blueprint": [IN_USE]}, **found)
    with pytest.raises(BlueprintInUse) as refused:
        ended(domain)
    assert refused.value.holes == {"blueprint": "Ours", "projects": named}
    assert domain.writes == [("delete blueprint", "bp")]


def test_without_a_product_nobody_has_launched_it() -> None:
    domain = registered(refusals={"delete blueprint": [IN_USE]}, launched={("", "blueprint"): ["studio-p3"]})
    ended(domain, UserParameters=PARAMETERS[1:])


def test_the_accounts_configurations_are_left_to_them() -> None:
    domain = registered(refusals={"delete blueprint": [IN_USE]})
    with pytest.raises(InUse) as refused:
        ended(domain, Configured="false")
    assert refused.value is IN_USE
    assert domain.writes == [("delete blueprint", "bp")]


# -- an account's configuration -----------------------------------------------------------------------------------

CONFIGURATION = {
    "DomainId": DOMAIN,
    "BlueprintName": "Ours",
    "ProvisioningRoleArn": ROLE,
    "ManageAccessRoleArn": "manage",
    "EnabledRegions": ["us-west-2", REGION],
}
PLAIN = Configuration(ROLE, (REGION, "us-west-2"), "manage", {})
ENABLED = (Done({"EnvironmentBlueprintId": "bp"}, physical_id="bp"), 3)


def test_an_account_configures_and_grants_the_blueprint() -> None:
    domain = registered(configurations={}, granted={})
    assert reconciled(domain, StudioBlueprintConfiguration, CONFIGURATION) == ENABLED
    assert domain.writes == [("configure", "bp", PLAIN), *(("add", *ENTITY, grant) for grant in ROOT)]


def test_a_configuration_as_desired_is_left_as_it_is() -> None:
    for kind, physical_id in (("Create", ""), ("Update", "bp"), ("Update", "dzd_1/Ours")):
        domain = registered(configurations={"bp": PLAIN})
        done = reconciled(
            domain, StudioBlueprintConfiguration, CONFIGURATION, kind, old=CONFIGURATION, physical_id=physical_id
        )
        assert (done, domain.writes) == ((ENABLED[0], 0), [])


@pytest.mark.parametrize("changed", [{"BlueprintName": "Former"}, {"DomainId": "dzd_2"}])
def test_a_configuration_of_another_blueprint_is_looked_up_by_its_name(changed: dict[str, str]) -> None:
    domain = registered(configurations={"bp": PLAIN}, granted={f"{ACCOUNT}:bp": [*ROOT, *wanted_grants("u1")]})
    old = {**CONFIGURATION, **changed, "DomainUnitId": "u1"}
    done = reconciled(domain, StudioBlueprintConfiguration, CONFIGURATION, "Update", old=old, physical_id="former-id")
    assert (done, domain.writes) == ((ENABLED[0], 0), []), "the former one's grants are its own deletion's"


def test_a_grant_that_appears_meanwhile_is_looked_at_again() -> None:
    domain = registered(granted={}, refusals={"add": [NameTaken("It is there.")]})
    assert reconciled(domain, StudioBlueprintConfiguration, CONFIGURATION)[0] == Replan("It is there.")


def test_an_account_waits_for_the_domains_blueprint() -> None:
    with pytest.raises(BlueprintMissing) as refused:
        reconciled(Domain(), StudioBlueprintConfiguration, CONFIGURATION)
    assert refused.value.holes == {"domain": DOMAIN, "blueprint": "Ours"}
    assert reconciled(Domain(), StudioBlueprintConfiguration, CONFIGURATION, "Delete") == (Done(), 0)


def test_a_deletion_takes_the_grants_and_then_the_configuration() -> None:
    domain = registered(configurations={"bp": PLAIN})
    done = reconciled(domain, StudioBlueprintConfiguration, CONFIGURATION, "Delete", physical_id="bp")
    assert done == (Done(), 0)
    assert domain.writes == [*(("remove", *ENTITY, grant) for grant in ROOT), ("delete configuration", "bp")]
    assert domain.roots == 0
    gone = registered(configurations={})
    assert reconciled(gone, StudioBlueprintConfiguration, CONFIGURATION, "Delete", physical_id="bp")[0] == ENABLED[0]
    assert gone.writes == []


def test_a_configuration_in_use_after_all_gets_its_grants_back() -> None:
    stays = FinalError("No.")
    domain = registered(configurations={"bp": PLAIN}, refusals={"delete configuration": [stays]})
    with pytest.raises(FinalError) as refused:
        reconciled(domain, StudioBlueprintConfiguration, CONFIGURATION, "Delete", physical_id="bp")
    assert refused.value is stays
    assert domain.writes[-2:] == [("add", *ENTITY, grant) for grant in ROOT]


@pytest.mark.parametrize(
    ("kind", "changes", "blocked"),
    [
        ("Delete", {}, [REGION, "us-west-2"]),
        ("Delete", {"EnabledRegions": [REGION]}, [REGION, "us-west-2"]),  # what is enabled counts
        ("Update", {"EnabledRegions": [REGION]}, ["us-west-2"]),
        ("Update", {}, []),
        ("Delete", {"Home": "false", "EnabledRegions": ["us-west-2"]}, ["us-west-2"]),
        ("Update", {"Home": "false", "EnabledRegions": ["us-west-2"]}, []),
    ],
)
def test_projects_keep_what_their_environments_need(kind: str, changes: dict[str, Any], blocked: list[str]) -> None:
    for region in (REGION, "us-west-2", "eu-west-1"):
        domain = registered(configurations={"bp": PLAIN}, launched={(region, "blueprint"): ["studio-p1"]})
        properties = {**CONFIGURATION, **changes}
        if region not in blocked:
            reconciled(domain, StudioBlueprintConfiguration, properties, kind, old=CONFIGURATION, physical_id="bp")
            continue
        with pytest.raises(ConfigurationInUse) as refused:
            reconciled(domain, StudioBlueprintConfiguration, properties, kind, old=CONFIGURATION, physical_id="bp")
        assert refused.value.holes == {"blueprint": "Ours", "projects": f"p1 ({region})"}
        assert domain.writes == []


def test_a_further_region_needs_its_home() -> None:
    further = {**CONFIGURATION, "Home": "false", "EnabledRegions": ["us-west-2", "eu-west-1"]}
    for configurations, region in (({}, "us-west-2"), ({"bp": PLAIN}, "eu-west-1")):
        with pytest.raises(RegionNotEnabled) as refused:
            reconciled(registered(configurations=configurations), StudioBlueprintConfiguration, further)
        assert refused.value.holes == {"blueprint": "Ours", "region": region}
    domain = registered(configurations={"bp": PLAIN})
    there = {**further, "EnabledRegions": ["us-west-2"]}
    assert reconciled(domain, StudioBlueprintConfiguration, there) == (ENABLED[0], 0)
    assert reconciled(domain, StudioBlueprintConfiguration, there, "Delete", physical_id="bp")[0] == ENABLED[0]
    assert (domain.writes, domain.roots) == ([], 0)


# -- a project profile --------------------------------------------------------------------------------------------

HERE = {"awsAccount": {"awsAccountId": ACCOUNT}, "awsRegion": {"regionName": REGION}}
PROFILE: dict[str, Any] = {
    "DomainId": DOMAIN,
    "ProfileName": "Regression",
    "EnvironmentBlueprintId": "bp",
    "EnvironmentName": "Ours",
    "AwsAccount": ACCOUNT,
    "AwsRegion": REGION,
    "Parameters": [{"Name": "Scope", "Value": "dev", "IsEditable": "true"}],
}
OWN: dict[str, Any] = {
    **PROFILE,
    "Own": "true",
    "Description": "d",
    "ToolingParameters": [{"Name": "Vpc", "Value": "v"}],
    "Groups": ["g1", "g2"],
}


def environment(name: str, blueprint: str, order: int, overrides: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "environmentBlueprintId": blueprint,
        "deploymentMode": "ON_CREATE",
        "deploymentOrder": order,
        **HERE,
        "configurationParameters": {"parameterOverrides": overrides},
        **more,
    }


def ours(profile: str = "Regression", blueprint: str = "bp", **more: Any) -> dict[str, Any]:
    told = [
        {"name": "Scope", "value": "dev", "isEditable": True},
        {"name": "ProfileName", "value": profile, "isEditable": False},
    ]
    return environment("Ours", blueprint, 1, told, **more)


TOOLING = environment("Tooling", "tooling", 0, [{"name": "Vpc", "value": "v", "isEditable": False}])
LAKE = environment("Lake", "lake", 2, [])
UNIT = ("DOMAIN_UNIT", "root", "CREATE_PROJECT_FROM_PROJECT_PROFILE")


def group(name: str) -> dict[str, Any]:
    return {"group": {"groupIdentifier": name}}


def grant_for(name: str, *profiles: str, id_: str = "old", children: bool = True) -> Grant:
    detail = {"includeChildDomainUnits": children, "projectProfiles": list(profiles)}
    return Grant(id_, group(name), {"createProjectFromProjectProfile": detail})


def with_profile(*environments: dict[str, Any], name: str = "Regression", **more: Any) -> Domain:
    given = {key: more.pop(key) for key in ("description", "enabled") if key in more}
    return Domain(profiles={"pr": Profile("pr", name, environments, **given)}, **more)


def made(name: str = "Regression") -> Done:
    return Done({"ProjectProfileId": "pr", "ProfileName": name}, physical_id="pr")


def update(*environments: dict[str, Any], name: str = "Regression") -> tuple[Any, ...]:
    return "update profile", Profile("pr", name, environments, enabled=False)


def test_our_environment_joins_somebodys_profile() -> None:
    domain = with_profile(TOOLING, LAKE, name="Regression")
    assert reconciled(domain, StudioProjectProfile, PROFILE) == (made(), 0)
    assert domain.writes == [update(TOOLING, LAKE, ours())]
    assert domain.roots == 0


@pytest.mark.parametrize("physical_id", ["pr", "dzd_1/Regression"])
def test_a_profile_as_desired_is_left_as_it_is(physical_id: str) -> None:
    domain = with_profile(TOOLING, ours(id="e1"))
    done = reconciled(domain, StudioProjectProfile, PROFILE, "Update", old=PROFILE, physical_id=physical_id)
    assert (done, domain.writes) == ((made(), 0), [])


def test_a_profile_that_was_renamed_in_studio_is_known_by_its_id() -> None:
    domain = with_profile(TOOLING, ours(), name="Renamed")
    done, _ = reconciled(domain, StudioProjectProfile, PROFILE, "Update", old=PROFILE, physical_id="pr")
    assert (done, domain.writes) == (made("Renamed"), [update(TOOLING, ours("Renamed"), name="Renamed")])


@pytest.mark.parametrize("changed", [{"ProfileName": "Former"}, {"DomainId": "dzd_2"}])
def test_another_profile_is_looked_up_by_its_name(changed: dict[str, str]) -> None:
    domain = with_profile(TOOLING)
    done, _ = reconciled(
        domain, StudioProjectProfile, PROFILE, "Update", old={**PROFILE, **changed}, physical_id="former-id"
    )
    assert (done, domain.writes) == (made(), [update(TOOLING, ours())])


@pytest.mark.parametrize("own", [False, True])
def test_another_blueprint_takes_the_place_of_the_old_one(own: bool) -> None:
    properties = OWN if own else PROFILE
    domain = with_profile(TOOLING, ours(blueprint="former", id="e1"), LAKE, description="d")
    old = {**properties, "EnvironmentBlueprintId": "former"}
    reconciled(domain, StudioProjectProfile, properties, "Update", old=old, physical_id="pr")
    wanted = Profile("pr", "Regression", (TOOLING, ours(id="e1"), LAKE), "d" if own else "", enabled=own)
    assert domain.writes[0] == ("update profile", wanted)


def test_the_former_blueprints_environment_is_not_the_tooling() -> None:
    former = environment("Ours", "former", 0, [])
    old = {**PROFILE, "EnvironmentBlueprintId": "former"}
    with pytest.raises(ProfileWithoutTooling) as refused:
        reconciled(with_profile(former), StudioProjectProfile, PROFILE, "Update", old=old, physical_id="pr")
    assert refused.value.holes == {"profile": "Regression", "order": 1}


def test_a_profile_that_is_not_there_or_has_no_tooling_is_refused() -> None:
    with pytest.raises(ProfileMissing) as refused:
        reconciled(Domain(), StudioProjectProfile, PROFILE)
    assert refused.value.holes == {"domain": DOMAIN, "profile": "Regression"}
    with pytest.raises(ProfileWithoutTooling):
        reconciled(with_profile(LAKE), StudioProjectProfile, PROFILE)


def test_a_profile_whose_projects_get_the_product_by_event_has_no_environment_of_ours() -> None:
    domain = with_profile(TOOLING, ours(), LAKE)
    reconciled(domain, StudioProjectProfile, {**PROFILE, "Joined": "false"}, "Update", old=PROFILE, physical_id="pr")
    assert domain.writes == [update(TOOLING, LAKE)]


@pytest.mark.parametrize(
    ("place", "pools", "elsewhere"),
    [
        ({"awsAccount": {"awsAccountId": "222222222222"}}, {}, ""),
        ({"awsAccount": {"awsAccountId": "333333333333"}}, {}, f"333333333333/{REGION}"),
        ({}, {}, ""),  # where the stack is
        ({"accountPools": ["p"]}, {"p": [("222222222222", REGION)]}, ""),
        ({"accountPools": ["p"]}, {"p": [("333333333333", REGION)]}, f"333333333333/{REGION}"),
    ],
)
def test_in_several_accounts_our_environment_is_where_the_tooling_is(
    place: dict[str, Any], pools: dict[str, Any], elsewhere: str
) -> None:
    tooling = {key: value for key, value in TOOLING.items() if key not in HERE} | place
    places = {**PROFILE, "Places": [f"{ACCOUNT}/{REGION}", f"222222222222/{REGION}"], "AwsAccount": "", "AwsRegion": ""}
    domain = with_profile(tooling, pools=pools)
    if elsewhere:
        with pytest.raises(ProfileElsewhere) as refused:
            reconciled(domain, StudioProjectProfile, places)
        assert refused.value.holes["elsewhere"] == elsewhere
        return
    reconciled(domain, StudioProjectProfile, places)
    mine = {key: value for key, value in ours().items() if key not in HERE} | place
    assert domain.writes == [update(tooling, mine)]


@pytest.mark.parametrize("left_out", [("AwsAccount",), ("AwsRegion",), ("AwsAccount", "AwsRegion")])
@pytest.mark.parametrize("changes", [{"Own": "true", "Places": [f"{ACCOUNT}/{REGION}"]}, {}])
def test_what_follows_no_other_environment_needs_an_account_and_a_region(
    left_out: tuple[str, ...], changes: dict[str, Any]
) -> None:
    given = {key: value for key, value in {**PROFILE, **changes}.items() if key not in left_out}
    with pytest.raises(ValidationError, match="needs the account and region"):
        StudioProjectProfile.properties.model_validate(given)


@pytest.mark.parametrize("left_out", ["ProvisioningRoleArn", "EnabledRegions"])
def test_an_enabled_blueprint_needs_a_role_and_regions(left_out: str) -> None:
    given = {key: value for key, value in BLUEPRINT.items() if key != left_out}
    with pytest.raises(ValidationError, match="ProvisioningRoleArn and EnabledRegions are needed"):
        StudioBlueprint.properties.model_validate(given)
    StudioBlueprint.properties.model_validate({**given, "Configured": "false"})


# -- a profile of our own


def test_an_own_profile_is_created_and_granted_to_its_groups() -> None:
    domain = Domain()
    assert reconciled(domain, StudioProjectProfile, OWN) == (made(), 2)
    wanted = Profile("", "Regression", (TOOLING, ours()), "d")
    grants = [("add", *UNIT, grant_for(name, "pr", id_="")) for name in ("g1", "g2")]
    assert domain.writes == [("create profile", wanted, "root"), *grants]


def test_without_groups_everybody_may_use_it_in_the_named_domain_unit() -> None:
    domain = Domain()
    reconciled(domain, StudioProjectProfile, {**OWN, "Groups": [], "DomainUnitId": "u1", "ToolingBlueprintId": "own"})
    created, (_, *entity, grant) = domain.writes
    assert created[2] == "u1"
    assert created[1].environments[0]["environmentBlueprintId"] == "own"
    assert (entity, grant.principal) == ([UNIT[0], "u1", UNIT[2]], {"user": {"allUsersGrantFilter": {}}})


def test_a_domain_without_the_tooling_blueprint_is_said() -> None:
    with pytest.raises(ToolingBlueprintMissing) as refused:
        reconciled(Domain(managed={}), StudioProjectProfile, OWN)
    assert refused.value.holes == {"domain": DOMAIN, "blueprint": "Tooling"}


def test_a_profile_that_appears_meanwhile_is_looked_at_again() -> None:
    domain = Domain(refusals={"create profile": [NameTaken("It is there.")]})
    assert reconciled(domain, StudioProjectProfile, OWN) == (Replan("It is there."), 0)


def test_an_own_profile_takes_over_nobody_elses() -> None:
    with pytest.raises(ProfileNameTaken) as refused:
        reconciled(with_profile(TOOLING), StudioProjectProfile, OWN)
    assert refused.value.holes == {"profile": "Regression"}
    reconciled(with_profile(TOOLING, ours()), StudioProjectProfile, OWN)  # of a creation that was cut short
    reconciled(with_profile(TOOLING), StudioProjectProfile, OWN, "Update", old=OWN, physical_id="pr")


@pytest.mark.parametrize(
    ("there", "written"),
    [
        ({"description": "d"}, False),
        ({"description": "other"}, True),
        ({"description": "d", "enabled": False}, True),
    ],
)
def test_an_own_profile_is_written_where_it_differs(there: dict[str, Any], written: bool) -> None:
    domain = with_profile(TOOLING, ours(), granted={"root": [grant_for("g1", "pr"), grant_for("g2", "pr")]}, **there)
    done = reconciled(domain, StudioProjectProfile, OWN, "Update", old=OWN, physical_id="pr")
    wanted = Profile("pr", "Regression", (TOOLING, ours()), "d")
    assert (done, domain.writes) == ((made(), 0), [("update profile", wanted)] if written else [])


def test_a_pool_that_somebody_gave_the_tooling_stays() -> None:
    pooled = {key: value for key, value in TOOLING.items() if key not in HERE} | {"accountPools": ["p"]}
    mine = {key: value for key, value in ours().items() if key not in HERE} | {"accountPools": ["p"]}
    domain = with_profile(pooled, mine, description="d")
    reconciled(domain, StudioProjectProfile, {**OWN, "Groups": []}, "Update", old=OWN, physical_id="pr")
    assert not [each for each in domain.writes if each[0] == "update profile"]
    other = with_profile({**pooled, "environmentBlueprintId": "other", "name": "Other"}, description="d")
    reconciled(other, StudioProjectProfile, OWN, "Update", old=OWN, physical_id="pr")
    assert other.writes[0][1].environments[1:] == (TOOLING, ours())


@pytest.mark.parametrize("unit", ["", "u1"])
def test_a_pool_of_an_own_profile_has_listed_accounts_only(unit: str) -> None:
    pooled = {key: value for key, value in TOOLING.items() if key not in HERE} | {"accountPools": ["p"]}
    properties = {**OWN, "Places": [f"{ACCOUNT}/{REGION}"], "DomainUnitId": unit}
    for account, accepted in ((ACCOUNT, True), ("333333333333", False)):
        domain = with_profile(pooled, ours(), pools={"p": [(account, REGION)]})
        if accepted:
            reconciled(domain, StudioProjectProfile, properties, "Update", old=OWN, physical_id="pr")
            continue
        with pytest.raises(ProfileElsewhere) as refused:
            reconciled(domain, StudioProjectProfile, properties, "Update", old=OWN, physical_id="pr")
        assert refused.value.holes["elsewhere"] == f"333333333333/{REGION}"


# -- who may use it


def regranted(
    there: list[Grant], new: dict[str, Any], old: dict[str, Any], *, grants: int = 1, **more: Any
) -> list[tuple[Any, ...]]:
    """Return what is written of so many grants, before each of which it is asked whether that is still wanted."""
    domain = with_profile(TOOLING, ours(), description="d", granted={"root": there, **more.pop("granted", {})}, **more)
    _, asked = reconciled(domain, StudioProjectProfile, new, "Update", old=old, physical_id="pr")
    assert asked == grants
    return domain.writes


ONE: dict[str, Any] = {**OWN, "Groups": ["g1"]}


def test_a_grant_for_other_profiles_gets_ours_too_the_new_one_first() -> None:
    before = grant_for("g1", "other", children=False)
    after = grant_for("g1", "other", "pr", id_="", children=False)
    assert regranted([before], ONE, ONE) == [("add", *UNIT, after), ("remove", *UNIT, before)]


def test_where_the_new_grant_cannot_stand_beside_the_old_one_that_goes_first() -> None:
    before = grant_for("g1", "z", "other")
    after = grant_for("g1", "other", "pr", "z", id_="")
    taken = {"add": [NameTaken("It is there.")]}
    assert regranted([before], ONE, ONE, refusals=taken) == [
        ("add", *UNIT, after),
        ("remove", *UNIT, before),
        ("add", *UNIT, after),
    ]


def test_a_grant_that_the_new_one_has_replaced_is_not_removed() -> None:
    assert [each[0] for each in regranted([grant_for("g1", "other", id_="new")], ONE, ONE)] == ["add"]


def test_who_is_not_named_any_more_loses_the_profile_and_keeps_others() -> None:
    mine, both, third = grant_for("g1", "pr"), grant_for("g2", "pr", "other"), grant_for("g3", "pr")
    assert regranted([mine, both, third], ONE, OWN) == [
        ("add", *UNIT, grant_for("g2", "other", id_="")),
        ("remove", *UNIT, both),
    ]
    alone = grant_for("g2", "pr")
    assert regranted([mine, alone, third], ONE, OWN) == [("remove", *UNIT, alone)]
    for_all = grant_for("g2")
    assert regranted([mine, for_all], ONE, OWN, grants=0) == [], "it was not made here"
    somebodys: dict[str, Any] = {**OWN, "Own": "false"}
    assert regranted([mine, alone], ONE, somebodys, grants=0) == [], "nor was that, while the profile was not ours"


def test_another_domain_unit_takes_the_grants_along_for_profiles() -> None:
    mine, former = grant_for("g1", "pr"), [grant_for("g1", "pr"), grant_for("g3", "pr")]
    moved = {**ONE, "DomainUnitId": "u1"}
    writes = regranted([], moved, ONE, granted={"root": former, "u1": [mine]})
    assert writes == [("remove", *UNIT, former[0])]
    back = regranted([mine], ONE, moved, granted={"u1": former})
    assert back == [("remove", UNIT[0], "u1", UNIT[2], former[0])]


@pytest.mark.parametrize(
    ("grants", "may"),
    [
        ((), False),
        ((grant_for("g1", "pr"),), True),
        ((grant_for("g1"),), True),
        ((grant_for("g1", "other"),), False),
        ((grant_for("g1", "other"), grant_for("g1", "pr")), True),
        ((grant_for("g2", "pr"),), False),
        ((Grant("x", group("g1"), {}),), True),
    ],
)
def test_a_grant_without_a_list_means_all_profiles(grants: tuple[Grant, ...], may: bool) -> None:
    assert granted(grants, group("g1"), "pr") is may


# -- its end


@pytest.mark.parametrize("operation", ["", "DELETE_IN_PROGRESS 1"])
def test_somebodys_profile_loses_our_environment(operation: str) -> None:
    domain = with_profile(TOOLING, ours(), LAKE)
    done = reconciled(domain, StudioProjectProfile, PROFILE, "Delete", physical_id="pr", operation=operation)
    assert domain.writes == [update(TOOLING, LAKE)]
    assert isinstance(done[0], Done)


@pytest.mark.parametrize(
    "domain", [Domain(), with_profile(TOOLING, LAKE), with_profile(TOOLING, ours(), name="Renamed")]
)
def test_what_is_gone_or_another_resources_by_now_is_left(domain: Domain) -> None:
    assert reconciled(domain, StudioProjectProfile, PROFILE, "Delete", physical_id="pr") == (Done(), 0)
    assert domain.writes == []


def test_at_its_stacks_end_a_renamed_profile_loses_our_environment() -> None:
    domain = with_profile(TOOLING, ours(), name="Renamed")
    reconciled(domain, StudioProjectProfile, PROFILE, "Delete", physical_id="pr", operation="DELETE_IN_PROGRESS 1")
    assert domain.writes == [update(TOOLING, name="Renamed")]


def test_an_own_profile_goes_with_its_grants() -> None:
    mine, others = grant_for("g1", "pr", "other"), grant_for("g2", "other")
    domain = with_profile(TOOLING, ours(), granted={"root": [mine, others, grant_for("g3")]})
    assert reconciled(domain, StudioProjectProfile, OWN, "Delete", physical_id="pr") == (Done(), 0)
    assert domain.writes == [
        ("delete profile", "pr"),
        ("add", *UNIT, grant_for("g1", "other", id_="")),
        ("remove", *UNIT, mine),
    ]


def planned(domain: Domain, kind_of: Any, properties: dict[str, Any], kind: Any, id_: str, **more: Any) -> Any:
    """Return a plan, which is logged, by its action."""
    resource = kind_of(domain.clients)
    new = resource.properties.model_validate(properties)
    request = Request(kind, new, more.pop("old", None) and new, id_, STACK, "R", **more)
    with resource.observe(request) as observed:
        return resource.plan(request, observed).action


def test_a_plan_is_logged_by_what_it_does() -> None:
    kinds: list[tuple[Any, dict[str, Any], Domain]] = [
        (StudioBlueprint, BLUEPRINT, registered()),
        (StudioProjectProfile, OWN, with_profile(TOOLING, ours(), description="d")),
    ]
    for kind_of, properties, there in kinds:
        assert planned(Domain(), kind_of, properties, "Create", "dzd_1/x") == "create"
        assert planned(there, kind_of, properties, "Update", "dzd_1/x", old=True) == "keep"
        assert planned(there, kind_of, {**properties, "Description": "new"}, "Update", "dzd_1/x") == "update"
        assert planned(there, kind_of, properties, "Delete", "dzd_1/x") == "delete"
        assert planned(Domain(), kind_of, properties, "Delete", "dzd_1/x") == "nothing"
    assert planned(with_profile(TOOLING), StudioProjectProfile, PROFILE, "Delete", "pr") == "nothing"
    renamed = with_profile(TOOLING, ours(), name="Renamed")
    assert planned(renamed, StudioProjectProfile, PROFILE, "Delete", "pr") == "nothing"
    assert planned(with_profile(TOOLING, ours()), StudioProjectProfile, PROFILE, "Delete", "pr") == "update"
    assert planned(with_profile(TOOLING, ours()), StudioProjectProfile, PROFILE, "Create", "pr") == "keep"
