"""StudioStack: off by default; the blueprint's template, roles, rules and state machine as docs/studio.md says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonata
import pytest

from custom_resources import model_approval
from products.errors import SettingsError
from products.project_setup import DEPLOYMENT_WAITS, Setup, definition
from products.project_setup.definition import DELETION_WAITS
from products.settings import load_settings
from tests.synth.conftest import STUDIO_SETTINGS, Assembly, copied, of_type, synthesized, with_settings
from tests.synth.policies import allows

pytestmark = pytest.mark.shares("stacks", seconds=60)

HERE = "us-east-1:123456789012"


@pytest.fixture(scope="module")
def stack(open_doors: Assembly) -> dict[str, Any]:
    return open_doors.template("StudioStack.template.json")


@pytest.fixture(scope="module")
def blueprint(open_doors: Assembly) -> dict[str, Any]:
    return open_doors.template("*LaunchBlueprint*.product.template.json")


def the(template: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = of_type(template, kind).values()
    return dict(found["Properties"])


def test_it_is_off_unless_the_settings_ask_for_it(assembly: Assembly) -> None:
    assert not (assembly.path / "StudioStack.template.json").exists()


# -- the blueprint's template -------------------------------------------------------------------------------------


def test_the_blueprint_holds_one_launch_and_nothing_else(blueprint: dict[str, Any]) -> None:
    assert [item["Type"] for item in blueprint["Resources"].values()] == [
        "AWS::ServiceCatalog::CloudFormationProvisionedProduct"
    ]
    assert {"Transform", "Mappings", "Rules", "Conditions"}.isdisjoint(blueprint)
    launch = the(blueprint, "AWS::ServiceCatalog::CloudFormationProvisionedProduct")
    assert launch["ProductId"] == {"Ref": "ProductId"}
    assert launch["ProvisioningArtifactName"] == {"Ref": "ProductVersion"}
    assert launch["ProvisionedProductName"] == {"Fn::Join": ["", ["studio-", {"Ref": "datazoneEnvironmentProjectId"}]]}
    assert {item["Key"]: item["Value"] for item in launch["ProvisioningParameters"]} == {
        "DomainId": {"Ref": "datazoneEnvironmentDomainId"},
        "ProjectId": {"Ref": "datazoneEnvironmentProjectId"},
        "ProjectName": {"Ref": "datazoneEnvironmentProjectName"},
        "UserRoleArn": {"Ref": "userRoleArn"},
        "ProjectBucket": {"Ref": "s3BucketArn"},
        "ScopeName": {"Ref": "datazoneScopeName"},
        "ProfileName": {"Ref": "ProfileName"},
        "TemplateFolder": {"Ref": "TemplateFolder"},
        "ConnectedRepository": {"Ref": "gitFullRepositoryId"},
        "Organization": "acme-ml",
    }


def test_what_studio_does_not_fill_in_has_a_default(blueprint: dict[str, Any]) -> None:
    parameters = blueprint["Parameters"]
    # ProductId is the blueprint's own, with the profile's value.
    assert {name for name, parameter in parameters.items() if "Default" not in parameter} == {"ProductId"}
    assert parameters["datazoneScopeName"]["Default"] == "dev"
    assert parameters["ProductVersion"]["Default"] == "v1.1.0"


def test_what_the_blueprint_passes_the_product_asks_for(open_doors: Assembly, blueprint: dict[str, Any]) -> None:
    launch = the(blueprint, "AWS::ServiceCatalog::CloudFormationProvisionedProduct")
    given = {item["Key"] for item in launch["ProvisioningParameters"]}
    asked = open_doors.product["Parameters"]
    assert given <= asked.keys()
    needed = {name for name, parameter in asked.items() if "Default" not in parameter}
    assert needed <= given
    outputs = {value["Value"]["Fn::GetAtt"][1].removeprefix("Outputs.") for value in blueprint["Outputs"].values()}
    assert outputs <= open_doors.product["Outputs"].keys()
    assert "ModelPackageGroupName" in open_doors.product["Outputs"]  # by which approvals find the repository


def test_every_version_has_a_template_key_of_its_own(open_doors: Assembly) -> None:
    first = open_doors.path.parent / "first" / "StudioStack.template.json"

    def key(template: dict[str, Any]) -> str:
        (found,) = re.findall(r"[0-9a-f]{64}\.json", json.dumps(the(template, "Custom::StudioBlueprint")))
        return str(found)

    before = key(json.loads(first.read_text(encoding="utf-8")))
    assert key(open_doors.template("StudioStack.template.json")) != before


def test_the_registration_pins_the_version_and_lets_it_be_updated(stack: dict[str, Any]) -> None:
    properties = the(stack, "Custom::StudioBlueprint")
    parameters = {item["KeyName"]: item for item in properties["UserParameters"]}
    assert parameters["ProductVersion"]["DefaultValue"] == "v1.1.0"
    assert parameters["ProductVersion"]["IsUpdateSupported"] == "true"
    assert {name for name, item in parameters.items() if item["IsEditable"] == "true"} == {
        "ProductVersion",
        "gitFullRepositoryId",
    }
    # A profile overrides what the blueprint asks for.
    overridden = {
        each["Name"]
        for item in of_type(stack, "Custom::StudioProjectProfile").values()
        for each in item["Properties"]["Parameters"]
    }
    assert {*overridden, "ProfileName", "gitFullRepositoryId"} == parameters.keys()
    (resource,) = of_type(stack, "Custom::StudioBlueprint").values()
    assert "ProvisioningRoleAccess" in resource["DependsOn"]


def test_profiles_get_the_environment_after_the_tooling(stack: dict[str, Any]) -> None:
    profiles = {
        item["Properties"]["ProfileName"]: item["Properties"]
        for item in of_type(stack, "Custom::StudioProjectProfile").values()
    }
    assert {name: item["Own"] for name, item in profiles.items()} == {"Regression": "false", "Tabular models": "true"}
    assert all(item["DeploymentOrder"] == "1" for item in profiles.values())
    assert profiles["Tabular models"]["Groups"] == ["ml-team"]
    folders = {
        name: next(each["Value"] for each in item["Parameters"] if each["Name"] == "TemplateFolder")
        for name, item in profiles.items()
    }
    assert folders == {"Regression": "regression", "Tabular models": "tabular models"}
    assert profiles["Tabular models"]["ToolingParameters"][0]["Name"] == "gitConnectionArn"


def test_a_profile_keeps_its_logical_id_when_others_come_and_go(
    stack: dict[str, Any], open_doors: Assembly, tmp_path: Path
) -> None:
    def ids(template: dict[str, Any]) -> dict[str, str]:
        found = of_type(template, "Custom::StudioProjectProfile")
        return {item["Properties"]["ProfileName"]: logical for logical, item in found.items()}

    text = STUDIO_SETTINGS.replace('profiles = ["Regression"]', 'profiles = ["Clustering", "Regression"]')
    more = with_settings(tmp_path, f'{text}\n[studio.own_profiles."Alpha"]\n')
    store = copied(open_doors.store, tmp_path)
    before, after = ids(stack), ids(synthesized(store, tmp_path / "more", more).template("StudioStack.template.json"))
    assert after.keys() == {*before, "Clustering", "Alpha"}
    assert len(set(after.values())) == 4
    assert before.items() <= after.items()
    # A profile that is made here from now on is updated: its other kind's deletion would take the environment out.
    more.write_text(
        STUDIO_SETTINGS.replace("Tabular models", "Regression").replace('["Regression"]', '["Tabular models"]', 1)
    )
    assert before == ids(
        synthesized(open_doors.store, tmp_path / "swapped", more).template("StudioStack.template.json")
    )


# -- exports ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["FoundationStack", "PortfolioStack"])
def test_a_feature_that_is_switched_off_takes_no_export_away(
    assembly: Assembly, open_doors: Assembly, name: str
) -> None:
    off, on = (exports(each.template(f"{name}.template.json")) for each in (assembly, open_doors))
    assert on.keys() == off.keys() != set()
    # An export that is imported cannot be changed: a setting is none.
    assert "://" not in json.dumps(on)
    assert "GitHub" not in json.dumps(on)


def test_what_the_stack_imports_is_exported(stack: dict[str, Any], open_doors: Assembly) -> None:
    imported = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(stack)))
    exported = exports(open_doors.foundation) | exports(open_doors.portfolio)
    assert imported == exported.keys()
    variables = the(stack, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["GITHUB_API_URL"] == {
        "Fn::If": ["GitHubApiUrlIsSet", {"Ref": "GitHubApiUrl"}, "https://api.github.com"]
    }
    assert stack["Parameters"]["GitHubServerUrl"]["Default"] == ""


def exports(template: dict[str, Any]) -> dict[str, Any]:
    """Return a template's exported values by export name."""
    outputs = template["Outputs"].values()
    return {output["Export"]["Name"]: output["Value"] for output in outputs if "Export" in output}


def test_the_second_door_alone_puts_nothing_into_the_domain(open_doors: Assembly, tmp_path: Path) -> None:
    settings = with_settings(
        tmp_path,
        '[git_config]\nprivate_github_organization = "acme-ml"\n'
        '[studio]\ndomain_id = "dzd_1a2b3c"\n[studio.project_setup]\nprofiles = ["By event"]\n',
    )
    made = synthesized(copied(open_doors.store, tmp_path), tmp_path / "cdk.out", settings)
    template = made.template("StudioStack.template.json")
    kinds = {item["Type"] for item in template["Resources"].values()}
    assert "AWS::StepFunctions::StateMachine" in kinds
    assert [kind for kind in kinds if kind.startswith("Custom::Studio")] == []
    assert not list(made.path.glob("*LaunchBlueprint*"))


FIRST_CLOSED = STUDIO_SETTINGS.replace('profiles = ["Regression"]\n', "").replace(
    STUDIO_SETTINGS[STUDIO_SETTINGS.index("[studio.own") : STUDIO_SETTINGS.index("[studio.project_setup]")], ""
)
SECOND_CLOSED = STUDIO_SETTINGS.replace('[studio.project_setup]\nprofiles = ["By event"]\n', "")
APPROVALS_CLOSED = STUDIO_SETTINGS.replace("enabled = true", "enabled = false")
# What projects that came through a door need until they are gone: Studio deletes an environment with the role that
# deployed it, and Service Catalog lets only a principal terminate a launch.
KEPT = ("ProvisioningRole", "ProvisioningRoleDefaultPolicy", "ProvisioningRoleAccess")


@pytest.mark.parametrize(
    ("closed", "gone"),
    [
        (FIRST_CLOSED, {"Custom::StudioBlueprint", "Custom::StudioProjectProfile"}),
        (SECOND_CLOSED, {"AWS::StepFunctions::StateMachine"}),
        (APPROVALS_CLOSED, {"AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"}),
    ],
    ids=["first", "second", "approvals"],
)
def test_a_door_is_closed_and_opened_again(
    open_doors: Assembly, stack: dict[str, Any], tmp_path: Path, closed: str, gone: set[str]
) -> None:
    store, path = copied(open_doors.store, tmp_path), with_settings(tmp_path, closed)
    shut = synthesized(store, tmp_path / "closed", path).template("StudioStack.template.json")
    kinds = {item["Type"] for item in shut["Resources"].values()}
    assert kinds & gone == set()
    # The other doors stay as they are, to the letter; and so does what launched projects need of this one.
    assert {name: item for name, item in stack["Resources"].items() if name in shut["Resources"]} == shut["Resources"]
    for name in KEPT:
        assert [logical for logical in shut["Resources"] if re.fullmatch(rf"{name}[0-9A-F]{{0,8}}", logical)], name
    path.write_text(STUDIO_SETTINGS, encoding="utf-8")
    assert synthesized(store, tmp_path / "opened", path).template("StudioStack.template.json") == stack


def test_a_domain_alone_registers_the_blueprint(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(STUDIO_SETTINGS.partition("profiles")[0], encoding="utf-8")
    assert load_settings(path).studio.registers_blueprint
    path.write_text("", encoding="utf-8")
    assert not load_settings(path).studio.registers_blueprint


# -- roles --------------------------------------------------------------------------------------------------------


def role_named(stack: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    (found,) = [
        (logical, item["Properties"])
        for logical, item in of_type(stack, "AWS::IAM::Role").items()
        if item["Properties"].get("RoleName") == name
    ]
    return found


def test_the_provisioning_role_trusts_studio_alone_and_has_no_path(stack: dict[str, Any]) -> None:
    _, role = role_named(stack, "studio-mlops-provisioning")
    assert "Path" not in role
    account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Effect": "Allow",
            "Principal": {"Service": "datazone.amazonaws.com"},
            "Condition": {"StringEquals": account},
        },
        {
            "Action": "sts:TagSession",
            "Effect": "Allow",
            "Principal": {"Service": "datazone.amazonaws.com"},
            "Condition": {"StringEquals": account, "ForAllValues:StringLike": {"aws:TagKeys": ["datazone*"]}},
        },
    ]


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("servicecatalog:TerminateProvisionedProduct", "*", True),
        ("servicecatalog:UpdateProvisionedProduct", "*", True),  # IAM knows no resource for it
        ("servicecatalog:DescribeRecord", "*", True),
        ("cloudformation:CreateStack", f"arn:aws:cloudformation:{HERE}:stack/DataZone-Env-abc/1", True),
        ("cloudformation:DescribeStacks", f"arn:aws:cloudformation:{HERE}:stack/SC-123-pp-1/1", True),
        ("s3:GetObject", "arn:aws:s3:::cdk-hnb659fds-assets-123456789012-us-east-1/abc.json", True),
        ("cloudformation:DeleteStack", f"arn:aws:cloudformation:{HERE}:stack/SC-123-pp-1/1", False),
        ("cloudformation:CreateStack", f"arn:aws:cloudformation:{HERE}:stack/Payroll/1", False),
        ("s3:GetObject", "arn:aws:s3:::payroll/abc.json", False),
        ("s3:PutObject", "arn:aws:s3:::cdk-hnb659fds-assets-123456789012-us-east-1/abc.json", False),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/studio-mlops-launch", False),
        ("iam:CreateRole", "arn:aws:iam::123456789012:role/x", False),
        ("servicecatalog:DeleteProduct", "*", False),
        ("servicecatalog:ProvisionProduct", f"arn:aws:catalog:{HERE}:product/prod-somethingelse", False),
    ],
)
def test_what_the_provisioning_role_may_do(stack: dict[str, Any], action: str, resource: str, expected: bool) -> None:
    logical, _ = role_named(stack, "studio-mlops-provisioning")
    assert allows(stack, logical, action, resource) is expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("datazone:GetProject", True),
        ("datazone:GetProjectProfile", True),
        ("servicecatalog:SearchProvisionedProducts", True),
        ("datazone:DeleteProject", False),
        ("cloudformation:DeleteStack", False),
        ("servicecatalog:CreateProduct", False),
    ],
)
def test_what_the_state_machine_may_do(stack: dict[str, Any], action: str, expected: bool) -> None:
    logical, role = role_named(stack, "studio-mlops-project-setup")
    assert allows(stack, logical, action, "*") is expected
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "states.amazonaws.com"}


def test_both_doors_are_principals_of_the_portfolio(stack: dict[str, Any]) -> None:
    found = of_type(stack, "AWS::ServiceCatalog::PortfolioPrincipalAssociation").values()
    roles = {item["Properties"]["PrincipalARN"]["Fn::GetAtt"][0] for item in found}
    expected = {role_named(stack, f"studio-mlops-{name}")[0] for name in ("provisioning", "project-setup")}
    assert roles == expected


# -- events -------------------------------------------------------------------------------------------------------


def test_the_rules_listen_to_our_domain_and_keep_what_they_cannot_deliver(stack: dict[str, Any]) -> None:
    rules = [item["Properties"] for item in of_type(stack, "AWS::Events::Rule").values()]
    (trail,) = [rule for rule in rules if rule["EventPattern"]["detail-type"] == ["AWS API Call via CloudTrail"]]
    assert trail["EventPattern"]["source"] == ["aws.datazone"]
    assert trail["EventPattern"]["detail"] == {
        "eventSource": ["datazone.amazonaws.com"],
        "eventName": ["CreateProject", "DeleteProject"],
        "errorCode": [{"exists": False}],
        "requestParameters": {"domainIdentifier": ["dzd_1a2b3c"]},
    }
    to_machine = [rule for rule in rules if rule["EventPattern"]["source"] == ["aws.datazone"]]
    assert all("DeadLetterConfig" in rule["Targets"][0] for rule in rules)
    retries = {"MaximumEventAgeInSeconds": 12 * 3600, "MaximumRetryAttempts": 24}
    assert len(to_machine) == 2
    assert [rule["Targets"][0]["RetryPolicy"] for rule in rules] == [retries, retries, retries]
    (approval,) = [rule for rule in rules if rule["EventPattern"]["source"] == ["aws.sagemaker"]]
    assert approval["EventPattern"]["detail"]["ModelApprovalStatus"] == ["Approved"]
    assert approval["Targets"][0]["SqsParameters"] == {"MessageGroupId": model_approval.ARRIVALS}


def test_approvals_come_one_at_a_time_and_end_in_a_dead_letter_queue(stack: dict[str, Any]) -> None:
    queues = {
        item["Properties"]["QueueName"]: item["Properties"]
        for item in of_type(stack, "AWS::SQS::Queue").values()
        if "QueueName" in item["Properties"]
    }
    queue = queues["studio-mlops-approvals.fifo"]
    assert queue["FifoQueue"] is True
    assert queue["ContentBasedDeduplication"] is True
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    function = the(stack, "AWS::Lambda::Function")
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert function["Handler"] == "custom_resources.handlers.model_approval"
    assert the(stack, "AWS::Lambda::EventSourceMapping")["BatchSize"] == 1


# -- the state machine --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machine() -> dict[str, Any]:
    return definition(Setup("dzd_1", ["By event"], "prod-1", "v1.0.0", "acme-ml", "arn:aws:sns:us-east-1:1:t"))


def targets(state: dict[str, Any]) -> Iterator[str]:
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (choice["Next"] for choice in [*state.get("Choices", []), *state.get("Catch", [])])


def test_every_state_is_reached_and_every_way_leads_somewhere(machine: dict[str, Any]) -> None:
    states, seen, todo = machine["States"], set(), [machine["StartAt"]]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += targets(states[name])
    assert seen == set(states)
    ends = {name for name, state in states.items() if state["Type"] in ("Succeed", "Fail")}
    assert all(list(targets(state)) or name in ends for name, state in states.items())


def test_every_call_is_retried_with_jitter_and_every_failure_told(machine: dict[str, Any]) -> None:
    calls = [state for state in machine["States"].values() if "aws-sdk" in state.get("Resource", "")]
    assert len(calls) >= 10
    for call in calls:
        (retry,) = call["Retry"]
        assert (retry["BackoffRate"], retry["JitterStrategy"]) == (2, "FULL")
        # 2 s doubling to two minutes: some six minutes of a service that does not answer.
        assert (retry["IntervalSeconds"], retry["MaxDelaySeconds"], retry["MaxAttempts"]) == (2, 120, 8)
        service = call["Resource"].split(":")[-2]
        unnamed = {"datazone": "DataZone.DataZoneException", "servicecatalog": "ServiceCatalog.ServiceCatalogException"}
        assert unnamed[service] in retry["ErrorEquals"]
        assert call["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
        assert call["Catch"][-1]["Next"] == "Notify"


def test_a_launch_whose_name_is_taken_is_looked_for_and_otherwise_told(machine: dict[str, Any]) -> None:
    states = machine["States"]
    (taken,) = [
        item
        for item in states["Launch"]["Catch"]
        if item["ErrorEquals"] == ["ServiceCatalog.InvalidParametersException"]
    ]
    assert "errorOutput.Cause" in taken["Assign"]["reason"]
    look = states[taken["Next"]]
    assert look["Resource"].endswith("servicecatalog:describeProvisionedProduct")
    assert look["Next"] == "IsThereOne"
    assert look["Catch"][0] == {"ErrorEquals": ["ServiceCatalog.ResourceNotFoundException"], "Next": "Notify"}
    assert states["IsThereOne"]["Default"] == "Launched"


def test_every_expression_is_jsonata(machine: dict[str, Any]) -> None:
    expressions = re.findall(r"\{% (.*?) %\}", json.dumps(machine))
    assert len(expressions) > 50
    for expression in expressions:
        jsonata.Jsonata(json.loads(f'"{expression}"'))


def test_it_invokes_no_function(machine: dict[str, Any], stack: dict[str, Any]) -> None:
    assert "lambda" not in json.dumps(machine)
    assert len(of_type(stack, "AWS::Lambda::Function")) == 1  # the model approval's


def test_waits_grow_and_end(machine: dict[str, Any]) -> None:
    expression = jsonata.Jsonata(
        machine["States"]["WaitForTheProject"]["Seconds"].removeprefix("{% ").removesuffix(" %}")
    )
    waits = []
    for number in range(DEPLOYMENT_WAITS):
        expression.assign("waits", number)
        waits.append(expression.evaluate({}))
    assert waits[:4] == [30, 60, 120, 240]
    assert max(waits) == 900
    assert 4 * 3600 < sum(waits) < 6 * 3600


def chosen(state: dict[str, Any], **variables: Any) -> str:
    """Return where a choice leads with these variables."""
    for choice in state["Choices"]:
        condition = jsonata.Jsonata(choice["Condition"].removeprefix("{% ").removesuffix(" %}"))
        for name, value in variables.items():
            condition.assign(name, value)
        if condition.evaluate({}):
            return str(choice["Next"])
    return str(state["Default"])


def test_a_deletion_is_believed_when_studio_says_so_too(machine: dict[str, Any]) -> None:
    """Whoever may start the machine chooses its input, and CloudTrail tells of a request, not of its outcome."""
    states = machine["States"]
    event = {"domain": "dzd_1", "project": "p1", "event": "DeleteProject"}
    assert chosen(states["WhatHappened"], **event) == "IsItDeleted"
    asked = states["IsItDeleted"]
    assert asked["Resource"] == "arn:aws:states:::aws-sdk:datazone:getProject"
    believed = {catch["ErrorEquals"][0]: catch["Next"] for catch in asked["Catch"]}
    assert believed == {"DataZone.ResourceNotFoundException": "FindLaunchToEnd", "States.ALL": "Notify"}, (
        "a denial is none"
    )
    leaving = jsonata.Jsonata(asked["Assign"]["leaving"].removeprefix("{% ").removesuffix(" %}"))
    told = {}
    for status in ("DELETING", "DELETE_FAILED", "ACTIVE", "UPDATING", None):
        leaving.assign("states", {"result": {"ProjectStatus": status} if status else {}})
        told[status] = leaving.evaluate({})
    assert told == {"DELETING": True, "DELETE_FAILED": True, "ACTIVE": False, "UPDATING": False, None: False}
    assert chosen(states["IsItLeaving"], leaving=True, waits=1) == "FindLaunchToEnd"
    ends = [chosen(states["IsItLeaving"], leaving=False, waits=waits) for waits in range(1, DELETION_WAITS + 2)]
    assert ends == [*["WaitForTheDeletion"] * DELETION_WAITS, "NotDeleted"]
    assert states["WaitForTheDeletion"]["Next"] == "IsItDeleted"
    ways = [
        name for name, state in states.items() if "FindLaunchToEnd" in json.dumps(state) and name != "FindLaunchToEnd"
    ]
    assert set(ways) == {"IsItDeleted", "IsItLeaving", "WaitForLaunch"}, "nothing else leads to an end"


# -- settings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[studio]\ndomain_id = "d-1"', "studio.domain_id cannot be"),
        ('[studio]\nprofiles = ["a"]', "profiles need a domain"),
        ('[studio]\ndomain_id = "dzd_1"', "Set git_config.private_github_organization or studio.organization"),
        (
            STUDIO_SETTINGS.replace('["By event"]', '["Regression"]'),
            "the profile 'Regression' would launch the product twice",
        ),
        (
            STUDIO_SETTINGS.replace('profiles = ["Regression"]', 'profiles = ["Tabular models"]'),
            "is in profiles and in own_profiles",
        ),
        (
            STUDIO_SETTINGS.replace('profiles = ["Regression"]', 'profiles = ["Regression", "Regression"]'),
            "studio.profiles: the profile 'Regression' is listed twice. List it once",
        ),
        (STUDIO_SETTINGS.replace("groups", "group"), "group is not a setting"),
        (
            STUDIO_SETTINGS.replace('domain_id = "dzd_1a2b3c"', 'domain_id = "dzd_1"\ndeployment_order = 0'),
            "deployment_order",
        ),
    ],
)
def test_settings_that_cannot_be_right_are_refused_by_name(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        load_settings(path)
