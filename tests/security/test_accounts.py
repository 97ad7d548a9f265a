"""Account against account: what a role, a trust and a bucket's policy give one account of projects of another's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from products.settings import PROJECT_ROOT
from tests.security.somebody_elses import SOMEBODY_ELSES
from tests.security.test_tenants import actions, why_not_bound
from tests.synth.conftest import PLACES, Assembly, of_type, places
from tests.synth.policies import ACCOUNT, REGION, Names, allows, statements

__all__ = ["places"]  # a fixture
pytestmark = pytest.mark.shares("stacks", seconds=60)

DOMAIN, B, C, C_FURTHER = PLACES
ACCOUNTS = {DOMAIN: "111111111111", B: "222222222222", C: "333333333333", C_FURTHER: "333333333333"}
UNLISTED = "444444444444"
STACKS = ("FoundationStack", "PortfolioStack", "StudioAccountStack")


def names_at(place: str) -> Names:
    region = "eu-central-1" if place == DOMAIN else place.partition("/")[2]
    return Names(account=ACCOUNTS[place], region=region)


def roles(places: dict[str, Assembly]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield every role of every stack: its place, template and logical id."""
    for place, assembly in places.items():
        for path in sorted(assembly.path.glob("*Stack.template.json")):
            template = json.loads(path.read_text(encoding="utf-8"))
            for role in of_type(template, "AWS::IAM::Role"):
                yield place, template, role


def admits(document: dict[str, Any], caller: str, action: str, resource: str = "*", **context: str) -> bool:
    """Tell whether a policy of a resource lets a principal in: by its account's root and the statement's conditions."""
    account = caller.split(":")[4]
    root = f"arn:aws:iam::{account}:root"
    matching = [
        {**{key: value for key, value in each.items() if key != "Principal"}, "Resource": each.get("Resource", "*")}
        for each in document["Statement"]
        if root in _listed(each["Principal"].get("AWS", []))
    ]
    request = EvalContext(
        principal_arn=caller,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region="eu-central-1",
        service_context={"aws:principalarn": caller, **context},
    )
    parsed = parse_policy_document({"Version": "2012-10-17", "Statement": matching})
    return bool(matching) and bool(evaluate(request, [parsed]).decision == "Allow")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def role(account: str, name: str) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


@pytest.fixture(scope="module")
def foundation(places: dict[str, Assembly]) -> dict[str, Any]:
    return places[DOMAIN].template("DomainFoundationStack.template.json")


# -- the reader role ----------------------------------------------------------------------------------------------


READERS = ("studio-mlops-studio-project", "studio-mlops-project-reader")


def trusted(foundation: dict[str, Any], caller: str) -> bool:
    (reader,) = [
        found["Properties"]
        for found in of_type(foundation, "AWS::IAM::Role").values()
        if found["Properties"].get("RoleName") == "studio-mlops-studio-reader"
    ]
    document = names_at(DOMAIN).resolved(foundation, reader["AssumeRolePolicyDocument"])
    return admits(document, caller, "sts:AssumeRole")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("place", [B, C, C_FURTHER])
def test_the_reader_is_assumed_by_the_functions_of_listed_accounts(
    foundation: dict[str, Any], places: dict[str, Assembly], place: str, name: str
) -> None:
    region = place.partition("/")[2]
    templates = [places[place].template(f"{stack}.template.json") for stack in STACKS]
    made = [each["Properties"] for template in templates for each in of_type(template, "AWS::IAM::Role").values()]
    assert f"{name}-{region}" in {each.get("RoleName") for each in made}, "the function's role has that name"
    assert trusted(foundation, role(ACCOUNTS[place], f"{name}-{region}"))


@pytest.mark.parametrize(
    "caller",
    [
        role(UNLISTED, f"{READERS[0]}-eu-west-1"),
        role(UNLISTED, f"{READERS[1]}-us-east-1"),
        role(ACCOUNTS[DOMAIN], f"{READERS[0]}-eu-west-1"),
        role(ACCOUNTS[B], "Admin"),
        role(ACCOUNTS[B], "studio-mlops-provisioning"),
        role(ACCOUNTS[B], "studio-mlops-launch"),
        role(ACCOUNTS[B], f"{READERS[0]}"),
        role(ACCOUNTS[B], f"{READERS[0]}-eu-west-1-x"),
        role(ACCOUNTS[B], f"x-{READERS[0]}-eu-west-1"),
        role(ACCOUNTS[B], f"team/{READERS[0]}-eu-west-1"),
        role(ACCOUNTS[B], f"{READERS[0]}-ap-south-1"),
        role(ACCOUNTS[B], "studio-mlops-wf-p1"),
        role(ACCOUNTS[C], "datazone_usr_role_p1_e1"),
        f"arn:aws:iam::{ACCOUNTS[B]}:user/{READERS[0]}-eu-west-1",
    ],
)
def test_the_reader_is_assumed_by_nobody_else(foundation: dict[str, Any], caller: str) -> None:
    assert not trusted(foundation, caller)


def test_the_reader_reads_projects_and_nothing_else(foundation: dict[str, Any]) -> None:
    (reader,) = [
        key
        for key, found in of_type(foundation, "AWS::IAM::Role").items()
        if found["Properties"].get("RoleName") == "studio-mlops-studio-reader"
    ]
    assert actions(foundation, reader) == {
        "datazone:GetConnection",
        "datazone:GetEnvironment",
        "datazone:GetProject",
        "datazone:GetProjectProfile",
        "datazone:ListConnections",
        "datazone:ListEnvironments",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKey",
    }
    names = names_at(DOMAIN)
    key, other = ("arn:aws:kms:eu-central-1:111111111111:key/" + name for name in ("domain", "payroll"))
    ours = {"kms:encryptioncontext:aws:datazone:domainid": "dzd_1a2b3c"}
    theirs = {"kms:encryptioncontext:aws:datazone:domainid": "dzd_other"}
    assert allows(foundation, reader, "kms:Decrypt", key, context=ours, names=names)
    assert not allows(foundation, reader, "kms:Decrypt", key, context=theirs, names=names)
    assert not allows(foundation, reader, "kms:Decrypt", other, context=ours, names=names)


def test_who_reads_assumes_the_reader_and_no_other_role(places: dict[str, Assembly]) -> None:
    may = set()
    for place, template, key in roles(places):
        if "sts:AssumeRole" not in actions(template, key):
            continue
        may.add((place, of_type(template, "AWS::IAM::Role")[key]["Properties"]["RoleName"]))
        names = names_at(place)
        reader = role(ACCOUNTS[DOMAIN], "studio-mlops-studio-reader")
        assert allows(template, key, "sts:AssumeRole", reader, names=names)
        for account in (*ACCOUNTS.values(), UNLISTED):
            for name in ("Admin", "studio-mlops-provisioning", "studio-mlops-studio-reader-2"):
                assert not allows(template, key, "sts:AssumeRole", role(account, name), names=names)
        assert not allows(template, key, "sts:AssumeRole", role(UNLISTED, "studio-mlops-studio-reader"), names=names)
    assert may == {(place, f"{name}-{place.partition('/')[2]}") for place in (B, C, C_FURTHER) for name in READERS}


# -- the blueprint's template -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caller", "action", "allowed"),
    [
        (role(ACCOUNTS[B], "studio-mlops-provisioning"), "s3:GetObject", True),
        (role(ACCOUNTS[C], "studio-mlops-provisioning"), "s3:GetObject", True),
        (role(ACCOUNTS[B], "studio-mlops-provisioning"), "s3:PutObject", False),
        (role(ACCOUNTS[B], "studio-mlops-provisioning"), "s3:ListBucket", False),
        (role(ACCOUNTS[B], "Admin"), "s3:GetObject", False),
        (role(ACCOUNTS[B], "studio-mlops-provisioning-2"), "s3:GetObject", False),
        (role(UNLISTED, "studio-mlops-provisioning"), "s3:GetObject", False),
    ],
)
def test_the_template_is_read_by_the_provisioning_roles(
    foundation: dict[str, Any], caller: str, action: str, allowed: bool
) -> None:
    policies = [
        names_at(DOMAIN).resolved(foundation, found["Properties"])
        for found in of_type(foundation, "AWS::S3::BucketPolicy").values()
    ]
    (document,) = (each["PolicyDocument"] for each in policies)
    template = "arn:aws:s3:::studio-mlops-blueprints-111111111111-eu-central-1/1.json"
    assert admits(document, caller, action, template) == allowed


# -- the provisioning roles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [B, C])
def test_studio_assumes_the_provisioning_role_for_the_domains_account_only(
    places: dict[str, Assembly], place: str
) -> None:
    template = places[place].template("StudioAccountStack.template.json")
    (found,) = [
        each["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for each in of_type(template, "AWS::IAM::Role").values()
        if each["Properties"].get("RoleName") == "studio-mlops-provisioning"
    ]
    assert {each["Principal"]["Service"] for each in found} == {"datazone.amazonaws.com"}
    assert [each["Condition"]["StringEquals"] for each in found] == [{"aws:SourceAccount": ACCOUNTS[DOMAIN]}] * 2


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cloudformation:DeleteStack", "arn:aws:cloudformation:eu-west-1:{}:stack/DataZone-Env-1/x"),
        ("servicecatalog:ProvisionProduct", "arn:aws:catalog:eu-west-1:{}:product/prod-1"),
        ("ssm:GetParameter", "arn:aws:ssm:eu-west-1:{}:parameter/studio-mlops/product-id"),
        ("ssm:GetParameters", "arn:aws:ssm:eu-west-1:{}:parameter/studio-mlops/product-id"),
    ],
)
def test_a_provisioning_role_works_in_its_own_account(places: dict[str, Assembly], action: str, resource: str) -> None:
    template = places[B].template("StudioAccountStack.template.json")
    (key,) = [
        key
        for key, each in of_type(template, "AWS::IAM::Role").items()
        if each["Properties"].get("RoleName") == "studio-mlops-provisioning"
    ]
    values = {"PortfolioStack:ExportsOutputRefProduct896941B4B1084CC2": "prod-1"}
    names = Names(account=ACCOUNTS[B], region="eu-west-1", values=values)
    assert allows(template, key, action, resource.format(ACCOUNTS[B]), names=names)
    assert not allows(template, key, action, resource.format(ACCOUNTS[C]), names=names)
    assert not allows(template, key, action, resource.format(ACCOUNTS[DOMAIN]), names=names)
    assert not allows(
        template, key, "ssm:GetParameter", f"arn:aws:ssm:eu-west-1:{ACCOUNTS[B]}:parameter/payroll", names=names
    )


# -- every role ---------------------------------------------------------------------------------------------------

MORE = {  # what only installations of several accounts do
    "ssm:GetParameter": "arn:aws:ssm:{region}:{account}:parameter/payroll",
    "ssm:GetParameters": "arn:aws:ssm:{region}:{account}:parameter/payroll",
    "sts:AssumeRole": "arn:aws:iam::{account}:role/Admin",
}


def test_no_role_reaches_what_is_somebody_elses_here_or_in_another_account(places: dict[str, Assembly]) -> None:
    looked_at = 0
    for place, template, key in roles(places):
        names = names_at(place)
        for action in sorted(actions(template, key)):
            if why_not_bound(key, action):
                continue
            pattern = MORE.get(action) or SOMEBODY_ELSES[action].replace(ACCOUNT, "{account}").replace(
                REGION, "{region}"
            )
            for account in {*ACCOUNTS.values(), UNLISTED}:
                resource = pattern.format(account=account, region=names.region)
                assert not allows(template, key, action, resource, names=names), (place, key, action, resource)
                looked_at += 1
    assert looked_at > 1000


def test_no_account_names_another_but_the_domains(places: dict[str, Assembly]) -> None:
    for place in PLACES[1:]:
        others = {ACCOUNTS[each] for each in PLACES[1:]} - {ACCOUNTS[place]}
        for path in places[place].path.glob("*.template.json"):
            text = path.read_text(encoding="utf-8")
            assert not any(other in text for other in others), path.name


# -- the review list ----------------------------------------------------------------------------------------------

READABLE = {
    "111111111111": "DOMAIN_ACCOUNT",
    "222222222222": "ACCOUNT",
    "333333333333": "OTHER_ACCOUNT",
    "eu-west-1": "REGION",
    "eu-central-1": "DOMAIN_REGION",
}


def review_list(places: dict[str, Assembly]) -> str:
    """Return docs/iam-accounts.md: each statement of the roles that only installations of several accounts have."""
    lines = [
        "# What each role may do, with several accounts",
        "",
        "As [iam.md](iam.md), for the stacks of the domain's account and of an account of projects, where they are not",
        "as in an installation of one account. `GOLDEN=write pytest tests/security/test_accounts.py` writes it.",
    ]
    for place, stacks in ((DOMAIN, ("DomainFoundationStack",)), (B, ("FoundationStack", "StudioAccountStack"))):
        for stack in stacks:
            lines += ["", f"## {stack}"]
            template = places[place].template(f"{stack}.template.json")
            for name, statement in statements(template):
                if stack == "FoundationStack" and not name.startswith(("StudioProjectRole", "StudioBlueprintConf")):
                    continue
                actions_ = ", ".join(f"`{each}`" for each in _listed(statement["Action"]))
                resources = "; ".join(f"`{each}`" for each in _listed(statement["Resource"]))
                condition = statement.get("Condition")
                when = f" when `{json.dumps(condition, sort_keys=True)}`" if condition else ""
                lines.append(f"- {name}: {actions_} on {resources}{when}")
    text = "\n".join(lines) + "\n"
    for value, readable in READABLE.items():
        text = text.replace(value, readable)
    return text


def test_the_review_list_of_several_accounts_is_what_the_templates_allow(places: dict[str, Assembly]) -> None:
    page = PROJECT_ROOT / "docs" / "iam-accounts.md"
    if os.environ.get("GOLDEN") == "write":
        page.write_text(review_list(places), encoding="utf-8")
    assert review_list(places) == page.read_text(encoding="utf-8"), "write it anew, and review it"
