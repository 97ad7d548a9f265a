"""The domain in one account, projects in others: what is deployed where (docs/accounts.md)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonata
import pytest

from custom_resources.catalogue import CATALOGUE
from products.errors import PlaceNotChosen, SettingsError, TooManyAccounts
from products.project_setup import Setup, definition
from products.settings import PROJECT_ROOT, Place, load_settings
from tests.synth.conftest import (
    ACCOUNTS_SETTINGS,
    NOTHING_BUNDLED,
    PLACES,
    Assembly,
    copied,
    of_type,
    publish,
    synthesized,
    with_settings,
)
from tests.synth.policies import Names, allows, permit
from tests.synth.test_foundation import functions

pytestmark = pytest.mark.shares("stacks", seconds=60)

DOMAIN, RESEARCH, HOME, FURTHER = PLACES
ACCOUNTS = {DOMAIN: "111111111111", RESEARCH: "222222222222", HOME: "333333333333", FURTHER: "333333333333"}
STACKS = ("FoundationStack", "PortfolioStack", "StudioAccountStack")


def stack(places: dict[str, Assembly], place: str, name: str) -> dict[str, Any]:
    return places[place].template(f"{name}.template.json")


def the(template: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = of_type(template, kind).values()
    return dict(found["Properties"])


def role_by_name(template: dict[str, Any], name: str) -> str:
    (found,) = [
        key for key, role in of_type(template, "AWS::IAM::Role").items() if role["Properties"].get("RoleName") == name
    ]
    return found


def names_of(template: dict[str, Any], kind: str, key: str) -> set[str]:
    return {item["Properties"].get(key) for item in of_type(template, kind).values()}


# -- what is where ------------------------------------------------------------------------------------------------


def test_each_place_has_its_stacks(places: dict[str, Assembly]) -> None:
    for place, assembly in places.items():
        found = {path.name.removesuffix(".template.json") for path in assembly.path.glob("*Stack.template.json")}
        expected = ("DomainFoundationStack", "StudioDomainStack", "StudioProfilesStack") if place == DOMAIN else STACKS
        assert found == set(expected), place


def test_every_stack_is_of_its_account_and_region(places: dict[str, Assembly]) -> None:
    """Deployed with another account's credentials, it is refused by the CDK; it names no place but its own."""
    for place, assembly in places.items():
        manifest = json.loads((assembly.path / "manifest.json").read_text(encoding="utf-8"))
        found = {
            item["environment"] for item in manifest["artifacts"].values() if item["type"] == "aws:cloudformation:stack"
        }
        region = "eu-central-1" if place == DOMAIN else place.partition("/")[2]
        assert found == {f"aws://{ACCOUNTS[place]}/{region}"}


def test_the_product_is_one_text_for_all_accounts(places: dict[str, Assembly]) -> None:
    texts = {
        place: next(assembly.path.glob("*MlopsProject*.product.template.json")).read_text(encoding="utf-8")
        for place, assembly in places.items()
        if place != DOMAIN
    }
    (text,) = set(texts.values())
    assert not re.search("1{12}|2{12}|3{12}|eu-west-1|us-west-2", text), "it names no account and no region"
    boundary = json.loads(text)["Resources"]["WorkflowRole"]["Properties"]["PermissionsBoundary"]
    assert boundary == {"Fn::Join": ["", ["arn:aws:iam::", {"Ref": "AWS::AccountId"}, ":policy/Boundary"]]}
    (snapshot,) = places[HOME].store.glob("*/product.template.json")
    assert json.loads(snapshot.read_text(encoding="utf-8")) == json.loads(text)


def test_a_secret_is_read_by_its_name_in_each_place(places: dict[str, Assembly]) -> None:
    for place in PLACES[1:]:
        (path,) = places[place].path.glob("*MlopsProject*.product.template.json")
        configured = of_type(json.loads(path.read_text(encoding="utf-8")), "Custom::ActionsConfiguration").values()
        told = [each["Properties"]["SecretReferences"] for each in configured]
        assert told == [{"MLFLOW_TOKEN": "mlops/mlflow#token"}] * 2
        variables = functions(stack(places, place, STACKS[0]))["actions_configuration"]["Environment"]["Variables"]
        assert variables["SECRET_REFERENCES"] == "MLFLOW_TOKEN=mlops/mlflow#token", "and no other is"


def test_the_blueprints_template_finds_the_product_of_its_account(places: dict[str, Assembly]) -> None:
    template = places[DOMAIN].template("*LaunchBlueprint*.product.template.json")
    launch = the(template, "AWS::ServiceCatalog::CloudFormationProvisionedProduct")
    assert launch["ProductId"] == "{{resolve:ssm:/studio-mlops/product-id}}"
    assert "ProductId" not in template["Parameters"]
    for place in PLACES[1:]:
        account = stack(places, place, "StudioAccountStack")
        parameter = the(account, "AWS::SSM::Parameter")
        assert parameter["Name"] == "/studio-mlops/product-id"
        assert parameter["Value"] == {"Fn::ImportValue": "PortfolioStack:ExportsOutputRefProduct896941B4B1084CC2"}


def test_the_assets_name_is_its_content(places: dict[str, Assembly]) -> None:
    """What Custom::BlueprintTemplate checks before it shares the template."""
    copied_in = the(stack(places, DOMAIN, "StudioDomainStack"), "Custom::BlueprintTemplate")
    names = Names(account=ACCOUNTS[DOMAIN], region="eu-central-1", values={"AWS::URLSuffix": "amazonaws.com"})
    resolved = names.resolved(stack(places, DOMAIN, "StudioDomainStack"), copied_in)
    content = next(places[DOMAIN].path.glob("*LaunchBlueprint*.product.template.json")).read_bytes()
    assert resolved["SourceKey"] == f"{hashlib.sha256(content).hexdigest()}.json"
    assert resolved["SourceBucket"] == "cdk-hnb659fds-assets-111111111111-eu-central-1"
    assert (
        resolved["Address"] == "https://s3.eu-central-1.amazonaws.com/studio-mlops-blueprints-111111111111-eu-central-1"
    )


def test_the_blueprint_is_registered_once_and_enabled_by_each_account(places: dict[str, Assembly]) -> None:
    blueprint = the(stack(places, DOMAIN, "StudioDomainStack"), "Custom::StudioBlueprint")
    assert blueprint["Configured"] == "false"
    assert {"ProvisioningRoleArn", "EnabledRegions"}.isdisjoint(blueprint)
    enabled = {
        place: of_type(stack(places, place, "StudioAccountStack"), "Custom::StudioBlueprintConfiguration")
        for place in PLACES[1:]
    }
    assert {place: len(found) for place, found in enabled.items()} == {RESEARCH: 1, HOME: 1, FURTHER: 1}
    (home,), (further,) = enabled[HOME].values(), enabled[FURTHER].values()
    assert "Home" not in home["Properties"]
    assert (further["Properties"]["Home"], further["Properties"]["EnabledRegions"]) == ("false", ["us-west-2"])
    # What its environments need goes after it: a deletion that it refuses leaves all of that.
    kinds = {stack(places, FURTHER, "StudioAccountStack")["Resources"][each]["Type"] for each in further["DependsOn"]}
    assert kinds == {"AWS::IAM::Policy", "AWS::SSM::Parameter", "AWS::ServiceCatalog::PortfolioPrincipalAssociation"}
    assert home["Properties"]["EnabledRegions"] == ["us-east-1", "us-west-2"]
    assert any("ProvisioningRoleAccess" in each for each in home["DependsOn"])


def test_profiles_have_the_place_of_their_settings_and_the_list(places: dict[str, Assembly]) -> None:
    template = stack(places, DOMAIN, "StudioProfilesStack")
    found = {
        item["Properties"]["ProfileName"]: item["Properties"]
        for item in of_type(template, "Custom::StudioProjectProfile").values()
    }
    listed = ["222222222222/eu-west-1", "333333333333/us-east-1", "333333333333/us-west-2"]
    assert all(each["Places"] == listed for each in found.values())
    where = {name: (each.get("AwsAccount"), each.get("AwsRegion")) for name, each in found.items()}
    assert where == {
        "Regression": (None, None),  # its tooling's
        "Tabular models": ("333333333333", "us-west-2"),
        "Research": ("222222222222", "eu-west-1"),
        "By event": (None, None),
    }
    told = {name: {each["Name"] for each in item.get("Parameters", [])} for name, item in found.items()}
    assert told.pop("By event") == set(), "it is only looked at"
    assert all(names == {"ProductVersion", "TemplateFolder"} for names in told.values())
    assert {name for name, item in found.items() if item.get("Joined") == "false"} == {"By event"}


# -- names that an account has once -------------------------------------------------------------------------------


def test_what_iam_has_once_an_account_is_made_in_its_home(places: dict[str, Assembly]) -> None:
    home = [stack(places, HOME, name) for name in STACKS]
    further = [stack(places, FURTHER, name) for name in STACKS]

    def named(templates: list[dict[str, Any]]) -> set[str]:
        kinds = {
            "AWS::IAM::Role": "RoleName",
            "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
            "AWS::CloudWatch::Dashboard": "DashboardName",
        }
        found = [names_of(template, kind, key) for template in templates for kind, key in kinds.items()]
        return set().union(*found) - {None}

    assert not named(home) & named(further)
    assert named(further) == {
        "studio-mlops-us-west-2",
        "studio-mlops-launch-us-west-2",
        "studio-mlops-project-setup-us-west-2",
        "studio-mlops-studio-project-us-west-2",
        "studio-mlops-project-reader-us-west-2",
        "studio-mlops-update-project-us-west-2",
    }
    assert all(len(name) <= 64 for name in named(home) | named(further))
    assert not any(of_type(template, "AWS::IAM::OIDCProvider") for template in (*home, *further)), "it exists there"
    research = stack(places, RESEARCH, "PortfolioStack")
    assert len(of_type(research, "AWS::IAM::OIDCProvider")) == 1


def test_a_further_region_lets_the_accounts_role_launch(places: dict[str, Assembly]) -> None:
    found = of_type(stack(places, FURTHER, "StudioAccountStack"), "AWS::ServiceCatalog::PortfolioPrincipalAssociation")
    principals = [json.dumps(item["Properties"]["PrincipalARN"]) for item in found.values()]
    assert any(":iam::333333333333:role/studio-mlops-provisioning" in each for each in principals)


def test_each_region_gives_the_accounts_one_role_what_it_does_there(places: dict[str, Assembly]) -> None:
    values = {"PortfolioStack:ExportsOutputRefProduct896941B4B1084CC2": "prod-1"}
    home, further = (stack(places, place, "StudioAccountStack") for place in (HOME, FURTHER))
    names = Names(account=ACCOUNTS[HOME], region="us-west-2", values=values)
    policy = the({"Resources": {"P": further["Resources"]["ProvisioningRolePolicy"]}}, "AWS::IAM::Policy")
    assert (policy["PolicyName"], policy["Roles"]) == (
        "studio-mlops-provisioning-us-west-2",
        ["studio-mlops-provisioning"],
    )
    given = names.resolved(further, policy["PolicyDocument"])
    role = role_by_name(home, "studio-mlops-provisioning")
    at_home = replace(names, region="us-east-1")
    for action, resource in (
        ("cloudformation:CreateStack", "arn:aws:cloudformation:{}:333333333333:stack/DataZone-Env-1/x"),
        ("servicecatalog:ProvisionProduct", "arn:aws:catalog:{}:333333333333:product/prod-1"),
        ("ssm:GetParameters", "arn:aws:ssm:{}:333333333333:parameter/studio-mlops/product-id"),
    ):
        assert allows(home, role, action, resource.format("us-east-1"), names=at_home)
        assert not allows(home, role, action, resource.format("us-west-2"), names=at_home)
        assert permit([given], action, resource.format("us-west-2"), names=names)
        assert not permit([given], action, resource.format("us-east-1"), names=names)


def test_the_accounts_one_boundary_serves_all_its_regions(places: dict[str, Assembly]) -> None:
    (policy,) = of_type(stack(places, HOME, "PortfolioStack"), "AWS::IAM::ManagedPolicy").values()
    assert "us-east-1" not in json.dumps(policy), "the boundary is all regions'"
    (policy,) = of_type(stack(places, RESEARCH, "PortfolioStack"), "AWS::IAM::ManagedPolicy").values()
    assert "eu-west-1" in json.dumps(policy)


def test_principals_are_those_of_the_account(places: dict[str, Assembly]) -> None:
    for place in PLACES[1:]:
        portfolio = stack(places, place, "PortfolioStack")
        associated = of_type(portfolio, "AWS::ServiceCatalog::PortfolioPrincipalAssociation").values()
        found = {Names().resolved(portfolio, each["Properties"]["PrincipalARN"]) for each in associated}
        role = f"arn:aws:iam::{ACCOUNTS[place]}:role"
        further = "-us-west-2" if place == FURTHER else ""
        assert found == {f"{role}/Platform", f"{role}/studio-mlops-update-project{further}"}
        told = functions(stack(places, place, "FoundationStack"))["studio_project"]["Environment"]["Variables"]
        assert told["ADMINISTRATORS"] == f"arn:aws:iam::{ACCOUNTS[place]}:role/Platform"


# -- functions ----------------------------------------------------------------------------------------------------


def test_functions_are_where_the_catalogue_says(places: dict[str, Assembly]) -> None:
    domain = functions(stack(places, DOMAIN, "DomainFoundationStack"))
    assert set(domain) == {each.name for each in CATALOGUE if "domain account" in each.layouts}
    for place in PLACES[1:]:
        found = {**functions(stack(places, place, STACKS[0])), **functions(stack(places, place, STACKS[2]))}
        assert set(found) == {each.name for each in CATALOGUE if "project account" in each.layouts}


def test_the_domain_is_called_in_its_region_and_read_by_its_accounts_role(places: dict[str, Assembly]) -> None:
    for place in PLACES[1:]:
        names = Names(account=ACCOUNTS[place], region=place.partition("/")[2])
        for template in (stack(places, place, STACKS[0]), stack(places, place, STACKS[2])):
            for name, properties in functions(template).items():
                variables = names.resolved(template, properties["Environment"]["Variables"])
                told = {key: value for key, value in variables.items() if key.startswith("DATAZONE_")}
                role = "arn:aws:iam::111111111111:role/studio-mlops-studio-reader"
                expected = {
                    "studio_project": {"DATAZONE_REGION": "eu-central-1", "DATAZONE_ROLE_ARN": role},
                    "project_reader": {"DATAZONE_REGION": "eu-central-1", "DATAZONE_ROLE_ARN": role},
                    "studio_blueprint_configuration": {"DATAZONE_REGION": "eu-central-1"},
                }
                assert told == expected.get(name, {}), name


def test_principals_of_datazone_are_few(places: dict[str, Assembly]) -> None:
    """In an account of projects only the function that enables the blueprint calls DataZone as itself."""
    for place in PLACES[1:]:
        names = Names(account=ACCOUNTS[place], region=place.partition("/")[2])
        for template in (stack(places, place, each) for each in STACKS):
            for role in of_type(template, "AWS::IAM::Role"):
                read = allows(template, role, "datazone:GetProject", "*", names=names)
                write = allows(template, role, "datazone:PutEnvironmentBlueprintConfiguration", "*", names=names)
                assert not read, role
                assert write == role.startswith("StudioBlueprintConfigurationRole"), role


# -- the second door ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machine() -> dict[str, Any]:
    setup = Setup("dzd_1", ["By event"], "prod-1", "v1.0.0", "acme-ml", "arn:aws:sns:us-east-1:1:t", "reader")
    return definition(setup)


def evaluated(text: str, **variables: Any) -> Any:
    expression = jsonata.Jsonata(text.removeprefix("{% ").removesuffix(" %}"))
    for name, value in variables.items():
        expression.assign(name, value)
    return expression.evaluate({})


def test_events_of_the_accounts_own_stacks_start_it(places: dict[str, Assembly]) -> None:
    for place in PLACES[1:]:
        template, account = stack(places, place, "StudioAccountStack"), ACCOUNTS[place]
        (rule,) = [
            rule["Properties"]["EventPattern"]
            for rule in of_type(template, "AWS::Events::Rule").values()
            if rule["Properties"]["EventPattern"]["source"] == ["aws.cloudformation"]
        ]
        assert rule["account"] == [account]
        (prefix,) = Names().resolved(template, rule["detail"]["stack-id"])
        assert prefix["prefix"] == f"arn:aws:cloudformation:{place.partition('/')[2]}:{account}:stack/DataZone-"
        assert "aws.datazone" not in json.dumps(template), "nothing is forwarded from the domain's account"


def test_the_event_only_points_to_a_project(machine: dict[str, Any]) -> None:
    states = machine["States"]
    told = {}
    for status in ("CREATE_COMPLETE", "DELETE_COMPLETE", "UPDATE_COMPLETE"):
        event = {"detail": {"stack-id": "arn:stack", "status-details": {"status": status}}}
        told[status] = evaluated(states["ReadEvent"]["Assign"]["event"], states={"input": event})
        assert evaluated(states["ReadEvent"]["Assign"]["stack"], states={"input": event}) == "arn:stack"
    assert told == {"CREATE_COMPLETE": "CreateProject", "DELETE_COMPLETE": "DeleteProject", "UPDATE_COMPLETE": ""}
    whose = states["WhoseStack"]
    assert whose["Arguments"] == {"FunctionName": "reader", "Payload": {"Stack": "{% $stack %}"}}
    answer = {"result": {"Payload": {"DomainId": "dzd_1", "ProjectId": "p1"}}}
    assigned = {name: evaluated(text, states=answer) for name, text in whose["Assign"].items()}
    assert assigned == {
        "domain": "dzd_1",
        "project": "p1",
        "launchName": "studio-p1",
        "token": "p1",
        "projectName": "p1",
    }


def test_a_project_of_another_account_is_none_of_its(machine: dict[str, Any]) -> None:
    ours = machine["States"]["IsItOurs"]

    def leads(**variables: Any) -> str:
        (choice,) = ours["Choices"]
        return str(choice["Next"] if evaluated(choice["Condition"], **variables) else ours["Default"])

    assert leads(here=True, profile="By event") == "Deployed"
    assert leads(here=False, profile="By event") == "NotOurs"
    assert leads(here=True, profile="Other") == "NotOurs"


def test_a_project_that_is_gone_is_told_by_the_functions_error(machine: dict[str, Any]) -> None:
    states = machine["States"]
    reading = {name: state for name, state in states.items() if "lambda" in state.get("Resource", "")}
    ways = {name: {each["ErrorEquals"][0]: each["Next"] for each in state["Catch"]} for name, state in reading.items()}
    assert ways == {
        "WhoseStack": {"States.ALL": "Notify"},
        "IsItDeleted": {"ProjectNotFound": "FindLaunchToEnd", "States.ALL": "Notify"},
        "GetProject": {"ProjectNotFound": "ProjectGone", "States.ALL": "Notify"},
        "GetProfile": {"States.ALL": "Notify"},
    }
    told = {"Name": "P", "ProfileId": "x", "Leaving": False, "Deployment": "SUCCESSFUL", "Reason": ""}
    answer = {"result": {"Payload": told}}
    found = {name: evaluated(text, states=answer) for name, text in states["GetProject"]["Assign"].items()}
    assert found == {"projectName": "P", "profileId": "x", "leaving": False, "deployment": "SUCCESSFUL", "reason": ""}
    assert evaluated(states["IsItDeleted"]["Assign"]["waits"], waits=1, states=answer) == 2


def test_every_state_is_reached_and_every_expression_is_jsonata(machine: dict[str, Any]) -> None:
    states, seen, todo = machine["States"], set(), [machine["StartAt"]]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        state = states[name]
        todo += [state[key] for key in ("Next", "Default") if key in state]
        todo += [each["Next"] for each in [*state.get("Choices", []), *state.get("Catch", [])]]
    assert seen == set(states)
    assert "aws-sdk:datazone" not in json.dumps(machine), "DataZone may be in another region"
    for expression in re.findall(r"\{% (.*?) %\}", json.dumps(machine)):
        jsonata.Jsonata(json.loads(f'"{expression}"'))


# -- settings and places ------------------------------------------------------------------------------------------


def test_places_have_names_and_the_domain_comes_first(tmp_path: Path) -> None:
    settings = load_settings(with_settings(tmp_path, ACCOUNTS_SETTINGS))
    assert tuple(map(str, settings.places)) == PLACES
    assert settings.places[3] == Place("forecasts", "333333333333", "us-west-2", ("us-east-1", "us-west-2"))
    assert settings.place is None
    assert settings.at(settings.places[3]).launch_role_name == "studio-mlops-launch-us-west-2"
    assert settings.at(settings.places[2]).launch_role_name == "studio-mlops-launch"
    assert load_settings().places == ()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('domain_account = "111111111111"', "", "[accounts] needs the domain's account. Set studio.domain_account"),
        ('domain_account = "111111111111"', 'domain_account = "1"', "studio.domain_account cannot be"),
        ('domain_region = "eu-central-1"', "", "studio.domain_account needs the domain and its Region"),
        ('"222222222222"\n', '"333333333333"\n', "has the account 333333333333 under two names"),
        ('["eu-west-1"]', "[]", "accounts.research.regions cannot be"),
        (
            '["eu-west-1"]',
            '["eu-west-1", "eu-west-1"]',
            "the Region eu-west-1 is listed twice",
        ),
        ("::222222222222:role/Admin", "::333333333333:role/Admin", "accounts.research.admin_role belongs to another"),
        ("[accounts.research]", "[accounts.domain]", "accounts.domain"),
        (
            'account = "forecasts"\nregion',
            'account = "sales"\nregion',
            "names the unlisted account 'sales'. Write one of forecasts",
        ),
        ('region = "us-west-2"', 'region = "eu-west-1"', "Region eu-west-1, which its account does not list"),
        ('account = "forecasts"\nregion = "us-west-2"', "", "the profile 'Tabular models' needs an account"),
        (
            "[portfolio]",
            '[portfolio]\nshare_accounts = ["222222222222"]',
            "portfolio.share_accounts belongs to one account",
        ),
        ("[studio]\n", '[studio]\nregions = ["eu-west-1"]\n', "studio.regions belongs to one account"),
        (
            "secretsmanager:*:*:secret:mlops/mlflow",
            "secretsmanager:eu-west-1:222222222222:secret:mlops/mlflow-AbCdEf",
            "secret_references by account and region belongs to one account, and [accounts] deploys to several. "
            "Write arn:aws:secretsmanager:*:*:secret:NAME",
        ),
        ("secretsmanager:*:*:", "secretsmanager:eu-west-1:*:", "secret_references.MLFLOW_TOKEN cannot be this value"),
        (
            "secretsmanager:*:*:",
            "secretsmanager:*:222222222222:",
            "secret_references.MLFLOW_TOKEN cannot be this value",
        ),
        ('"arn:aws:iam::222222222222:role/Platform", ', '"arn:aws:iam::444444444444:role/P", ', "444444444444:role/P"),
        ("oidc_provider_exists", "oidc_provider", "oidc_provider is not a setting"),
    ],
)
def test_accounts_that_cannot_be_right_are_refused_by_name(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in ACCOUNTS_SETTINGS
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        load_settings(with_settings(tmp_path, ACCOUNTS_SETTINGS.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('domain_region = "eu-west-1"', "studio.domain_region needs the domain's account"),
        ('own_profiles = { "A" = { account = "x" } }', "the profile 'A' has an account or Region"),
        (
            'domain_account = "111111111111"\ndomain_region = "eu-west-1"',
            "studio.domain_account needs accounts for projects",
        ),
    ],
)
def test_parts_of_several_accounts_are_refused_in_one(tmp_path: Path, text: str, sentence: str) -> None:
    start = '[git_config]\nprivate_github_organization = "acme"\n[studio]\ndomain_id = "dzd_1"\n'
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        load_settings(with_settings(tmp_path, start + text))


def test_an_app_is_of_one_place(tmp_path: Path, places: dict[str, Assembly]) -> None:
    with pytest.raises(PlaceNotChosen, match="research/eu-west-1"):
        synthesized(copied(places[HOME].store, tmp_path), tmp_path / "out", with_settings(tmp_path, ACCOUNTS_SETTINGS))


@pytest.mark.parametrize(("prefix", "accounts", "length"), [("ppp", 51, 2049), ("p" * 11, 50, 2048)])
def test_as_many_accounts_are_taken_as_a_trust_policy_names(
    tmp_path: Path, prefix: str, accounts: int, length: int
) -> None:
    from products.assembly import build_app
    from products.versions import read_versions
    from tests.synth.conftest import context

    publish(tmp_path / "versions", "v1.0.0")
    names = ['"eu-west-1", "ap-southeast-1"', *['"eu-west-1"'] * (accounts - 1)]
    listed = "".join(f'[accounts.n{n}]\naccount = "4{n:011}"\nregions = [{each}]\n' for n, each in enumerate(names))
    start = '[git_config]\nprivate_github_organization = "acme"\n[studio]\ndomain_id = "dzd_1"\n'
    domain = 'domain_account = "111111111111"\ndomain_region = "eu-west-1"\n'
    settings = load_settings(with_settings(tmp_path, f'prefix = "{prefix}"\n{start}{domain}{listed}'))

    def build() -> None:
        build_app(
            settings.at(settings.places[0]),
            read_versions(tmp_path / "versions"),
            tmp_path / "versions",
            str(tmp_path / "out"),
            context(),
        )

    if length <= 2048:
        build()
        return
    with pytest.raises(TooManyAccounts) as told:
        build()
    assert str(told.value) == (
        "settings.toml: accounts: 51 accounts need a trust policy of 2049 characters for the reader role, and IAM "
        "allows 2048. List fewer accounts, or deploy the product a second time, with another prefix, for the other "
        "accounts."
    )


def ran(folder: Path, place: str = "", outdir: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run portfolio_app.py in a folder, as `make synth` does without `outdir`, and as the CDK does with it."""
    context = {**json.loads(NOTHING_BUNDLED), **({"studio-mlops:place": place} if place else {})}
    environment = {
        **{key: value for key, value in os.environ.items() if key != "CDK_OUTDIR"},
        "MLOPS_VERSIONS_DIR": str(folder / "versions"),
        "SETTINGS_FILE": str(folder / "settings.toml"),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_VALIDATION": "false",
        "PYTHONPATH": str(PROJECT_ROOT),
        **({"CDK_OUTDIR": str(outdir)} if outdir else {}),
    }
    return subprocess.run(
        [sys.executable, str(PROJECT_ROOT / "portfolio_app.py")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.long  # several syntheses, each in a process of its own
def test_the_command_line_chooses_the_place_and_make_synth_writes_all(tmp_path: Path) -> None:
    with_settings(tmp_path, ACCOUNTS_SETTINGS)
    publish(tmp_path / "versions", "v1.0.0")
    refused = ran(tmp_path, outdir=tmp_path / "out")
    assert refused.returncode == 1
    assert "Choose a place with `-c studio-mlops:place=PLACE`: domain, research/eu-west-1," in refused.stderr
    assert "settings.toml does not list the place sales." in ran(tmp_path, "sales", tmp_path / "out").stderr
    assert ran(tmp_path, DOMAIN, tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / "StudioDomainStack.template.json").exists()
    done = ran(tmp_path)
    assert done.returncode == 0, done.stderr
    assert all((tmp_path / "cdk.out" / place / "manifest.json").exists() for place in PLACES)
