"""FoundationStack: names, limits and protections that the other rooms and an administrator rely on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from aws_cdk import App, assertions
from ministack.services.cloudformation import provisioners

from custom_resources import catalogue, handlers
from custom_resources.catalogue import CATALOGUE, Entry, On, Permission
from custom_resources.template_content import MAX_TOTAL_BYTES
from local import assembly as local_assembly
from products import layers
from products.assembly import build_app, write_assembly
from products.foundation import FoundationStack
from products.foundation.roles import places
from products.functions import query_interval
from products.settings import PROJECT_ROOT, load_settings
from products.versions import read_versions
from tests.synth.conftest import Assembly, context, copied, of_type, synthesized, with_settings
from tests.synth.policies import Names, allows, documents

pytestmark = pytest.mark.shares("stacks", seconds=60)

# With several accounts: tests/synth/test_accounts.py.
ALONE = [entry for entry in CATALOGUE if "one account" in entry.layouts]
ALL = {entry.name: entry for entry in ALONE if entry.class_name}
GITHUB = {name for name, entry in ALL.items() if "github" in entry.needs}
ARCHIVES = {name for name, entry in ALL.items() if "archives" in entry.needs}
GIT = {name for name, entry in ALL.items() if "git" in entry.needs}


def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the Python functions' properties by handler name."""
    found = of_type(template, "AWS::Lambda::Function").values()
    return {
        properties["Handler"].rpartition(".")[2]: properties
        for properties in (resource["Properties"] for resource in found)
        if properties["Runtime"].startswith("python")
    }


def test_each_custom_resource_has_a_function_by_the_name_that_templates_call(assembly: Assembly) -> None:
    found = functions(assembly.foundation)
    assert set(found) == set(ALL)
    assert {"github_repository", "repository_template"} == GIT < GITHUB
    names = {
        resource["Properties"].get("FunctionName")
        for resource in of_type(assembly.foundation, "AWS::Lambda::Function").values()
    }
    for name, properties in found.items():
        assert properties["Handler"] == f"custom_resources.handlers.{name}"
        assert callable(getattr(handlers, name))
        assert properties["FunctionName"] == f"studio-mlops-{name.replace('_', '-')}"
        assert f"{properties['FunctionName']}-provider" in names


def test_environments_are_the_contracts(assembly: Assembly) -> None:
    for name, properties in functions(assembly.foundation).items():
        variables = set(properties["Environment"]["Variables"])
        expected = {
            "PATIENCE_SECONDS",
            "POWERTOOLS_SERVICE_NAME",
            "POWERTOOLS_LOG_LEVEL",
            "POWERTOOLS_METRICS_NAMESPACE",
        }
        if name in GITHUB:
            expected |= {"GITHUB_API_URL", "GITHUB_SERVER_URL", "GITHUB_TOKEN_SECRET", "BUDGET_TABLE"}
            expected |= {"GITHUB_PERMISSIONS"}
        if name == "github_repository":
            expected |= {"ALLOWED_ORGANIZATIONS", "ALLOWED_VISIBILITIES", "ADOPTABLE"}
        if name in ARCHIVES:
            expected |= {"TEMPLATE_BUCKET"}
        if ALL[name].in_product:
            expected |= {"PORTFOLIO_STACK", "PRODUCTS", "DIRECT_LAUNCHES"}
        if "studio" in ALL[name].needs:
            expected |= {"BLUEPRINT_ROLE", "PROJECT_SETUP_ROLE", "EXECUTION_ROLES", "ADMINISTRATORS", "CLASSIC"}
            expected |= {"PROJECT_ROLES_MAY_LAUNCH", "GLUE_DATABASES", "DEPLOY_ACCOUNTS", "PROJECTS_TABLE"}
        own = {"actions_configuration": {"SECRET_REFERENCES"}, "studio_blueprint": {"BLUEPRINT_BUCKET"}}
        own["repository_template"] = {"VERSIONS_BUCKET"}
        expected |= own.get(name, set())
        if "seals" in ALL[name].needs:
            expected |= {"SEAL_KEY"}
        if name in GIT:
            expected |= {"PATH", "GIT_EXEC_PATH", "GIT_SSL_CAINFO", "GIT_PYTHON_REFRESH"}
        assert variables == expected, name
    variables = functions(assembly.foundation)["github_repository"]["Environment"]["Variables"]
    assert variables["GITHUB_PERMISSIONS"] == "administration=write contents=write secrets=write"
    assert (variables["ALLOWED_VISIBILITIES"], variables["ADOPTABLE"]) == ("private internal", "")
    given = ["GitHubApiUrlIsSet", {"Ref": "GitHubApiUrl"}, "https://api.github.com"]
    assert variables["GITHUB_API_URL"] == {"Fn::If": given}
    # `cdk deploy` keeps a parameter's value: a setting as the default would be the first one for ever.
    assert assembly.foundation["Parameters"]["GitHubApiUrl"]["Default"] == ""


def test_a_share_of_githubs_limits_reaches_the_functions_that_use_github(tmp_path: Path) -> None:
    """By their environment; the whole is not named."""
    settings = with_settings(tmp_path, "[github]\nbudget_share = 0.25\n")
    stack = FoundationStack(App(context=context()), "FoundationStack", settings=load_settings(settings))
    found = functions(dict(assertions.Template.from_stack(stack).to_json()))
    shares = {name: each["Environment"]["Variables"].get("BUDGET_SHARE") for name, each in found.items()}
    assert shares == {name: "0.25" if name in GITHUB else None for name in found}


def test_who_may_launch_reaches_the_functions_by_their_environment(tmp_path: Path) -> None:
    settings = with_settings(
        tmp_path,
        """
        [portfolio]
        principals = ["arn:aws:iam::123456789012:role/Platform"]
        principal_patterns = ["arn:aws:iam:::role/Admins*"]
        project_roles_may_launch = true
        products = ["prod-former"]
        [product]
        classic = true
        allow_direct_launches = true
        glue_databases = ["glue_db", "features"]
        deploy_accounts = ["210987654321"]
        [secret_references]
        TOKEN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef"
        """,
    )
    stack = FoundationStack(App(context=context()), "FoundationStack", settings=load_settings(settings))
    template = dict(assertions.Template.from_stack(stack).to_json())
    found = {name: each["Environment"]["Variables"] for name, each in functions(template).items()}
    told = found["studio_project"]
    assert told["ADMINISTRATORS"] == "arn:aws:iam::123456789012:role/Platform arn:aws:iam:::role/Admins*"
    assert (told["PROJECT_ROLES_MAY_LAUNCH"], told["CLASSIC"], told["DIRECT_LAUNCHES"]) == ("true", "true", "true")
    assert (told["GLUE_DATABASES"], told["DEPLOY_ACCOUNTS"]) == ("glue_db features", "210987654321")
    assert (told["PORTFOLIO_STACK"], told["PRODUCTS"]) == ("PortfolioStack", "prod-former")
    assert found["actions_configuration"]["SECRET_REFERENCES"] == "*", "with direct launches, of any template"
    role = functions(template)["studio_project"]["Role"]["Fn::GetAtt"][0]
    assert allows(template, role, "sagemaker:DescribeProject", "arn:aws:sagemaker:us-east-1:123456789012:project/x")
    default = FoundationStack(App(context=context()), "FoundationStack", settings=load_settings())
    found = {
        name: each["Environment"]["Variables"]
        for name, each in functions(dict(assertions.Template.from_stack(default).to_json())).items()
    }
    switches = ("PROJECT_ROLES_MAY_LAUNCH", "CLASSIC", "DIRECT_LAUNCHES", "ADMINISTRATORS", "PRODUCTS")
    assert {found["studio_project"][name] for name in switches} == {""}, "all off"
    assert found["actions_configuration"]["SECRET_REFERENCES"] == ""


def test_what_launches_may_use_reaches_the_function_by_its_environment(tmp_path: Path) -> None:
    settings = with_settings(
        tmp_path,
        """
        [git_config]
        private_github_organization = "acme"
        [studio]
        domain_id = "dzd_1"
        organization = "studio-org"
        [product]
        allowed_visibilities = ["private"]
        [adoption]
        repositories = ["acme/team-*", "acme/one"]
        """,
    )
    for given, organizations in ((context(), "acme studio-org"), (local_assembly._CONTEXT, "")):
        app = App(context={**context(), **given})
        stack = FoundationStack(app, "FoundationStack", settings=load_settings(settings))
        template = dict(dict(assertions.Template.from_stack(stack).to_json()))
        variables = functions(template)["github_repository"]["Environment"]["Variables"]
        assert variables["ALLOWED_ORGANIZATIONS"] == organizations
        assert (variables["ALLOWED_VISIBILITIES"], variables["ADOPTABLE"]) == ("private", "acme/team-* acme/one")


def test_every_path_answers_before_cloudformation_gives_up(assembly: Assembly) -> None:
    cloudformation = 59 * 60
    for name, properties in functions(assembly.foundation).items():
        patience = int(properties["Environment"]["Variables"]["PATIENCE_SECONDS"])
        assert patience == 40 * 60, "as docs/reliability.md says"
        # The wait that ends patience may begin just before it; then one more call, as long as a function may run.
        assert patience + properties["Timeout"] + 60 < cloudformation, name
    machines = waiters(assembly.foundation)
    assert len(machines) == len(ALL)
    for machine in machines.values():
        retry = waiter(machine)["States"]["framework-isComplete-task"]["Retry"][0]
        total = retry["IntervalSeconds"] * retry["MaxAttempts"]
        assert retry["IntervalSeconds"] == 5
        assert patience < total < cloudformation
        assert total == 55 * 60


@pytest.mark.parametrize(("given", "seconds"), [(context(), 5), (local_assembly._CONTEXT, 1)])
def test_only_the_local_run_polls_by_the_second(given: dict[str, Any], seconds: int) -> None:
    assert query_interval(App(context=given)).to_seconds() == seconds


def waiters(template: dict[str, Any]) -> dict[str, Any]:
    """Return the state machines of the providers, which have no names of their own, by logical id."""
    found = of_type(template, "AWS::StepFunctions::StateMachine")
    return {name: each for name, each in found.items() if "StateMachineName" not in each["Properties"]}


def waiter(machine: dict[str, Any]) -> dict[str, Any]:
    """Return a waiter's definition with its references dropped."""
    definition = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    return dict(json.loads("".join(part if isinstance(part, str) else "reference" for part in definition)))


def test_functions_keep_to_the_memory_budget_and_run_on_the_chosen_processor(
    assembly: Assembly, administered: Assembly
) -> None:
    for name, properties in functions(assembly.foundation).items():
        assert properties["MemorySize"] == ALL[name].memory
        assert properties["Timeout"] == ALL[name].timeout
        assert properties["EphemeralStorage"]["Size"] == ALL[name].storage
        # The archive, git's input and git's objects of the largest template are on disk at once.
        room = 3 * MAX_TOTAL_BYTES if name == "repository_template" else MAX_TOTAL_BYTES
        assert properties["EphemeralStorage"]["Size"] * 1024 * 1024 > room
        assert properties["Runtime"] == "python3.13"
        assert properties["Architectures"] == ["arm64"]
        assert len(properties["Layers"]) == (2 if name in GIT else 1)
    assert {tuple(each["Architectures"]) for each in functions(administered.foundation).values()} == {("x86_64",)}


def test_the_frameworks_functions_start_as_quickly_as_ours(assembly: Assembly) -> None:
    """A launch waits for their cold start, and Lambda gives processor time by memory."""
    framework = [
        resource["Properties"]
        for resource in of_type(assembly.foundation, "AWS::Lambda::Function").values()
        if resource["Properties"]["Runtime"].startswith("node")
    ]
    assert len(framework) == 3 * len(ALL)
    assert {properties["MemorySize"] for properties in framework} == {512}


def test_a_role_holds_exactly_what_the_catalogue_says(assembly: Assembly, open_doors: Assembly) -> None:
    """Beside its own log, and for model approvals the queue. Without a domain nothing is allowed on its key."""
    templates = [open_doors.foundation, open_doors.template("StudioStack.template.json")]
    found = [(template, *function) for template in templates for function in functions(template).items()]
    assert {name for _, name, _ in found} == {entry.name for entry in ALONE}
    for template, name, properties in found:
        (entry,) = (entry for entry in CATALOGUE if entry.name == name)
        allowed = {
            action
            for document in documents(template, properties["Role"]["Fn::GetAtt"][0], Names())
            for statement in document["Statement"]
            for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        }
        listed = {action for permission in entry.permissions for action in permission.actions}
        if template is open_doors.foundation:
            role = functions(assembly.foundation)[name]["Role"]["Fn::GetAtt"][0]
            key = "arn:aws:kms:us-east-1:123456789012:key/domain"
            assert not allows(assembly.foundation, role, "kms:DescribeKey", key), name
        # These settings do not offer SageMaker Studio classic, and all is in one account.
        listed -= {"sagemaker:DescribeProject", "sts:AssumeRole", "datazone:GetAccountPool"}
        of_the_queue = {action for action in allowed if action.startswith("sqs:")} - listed
        assert allowed - of_the_queue == {*listed, "logs:CreateLogStream", "logs:PutLogEvents"}, name
        assert bool(of_the_queue) == (name == "model_approval")


def test_each_place_of_the_catalogue_has_its_arns(assembly: Assembly, tmp_path: Path) -> None:
    app = build_app(load_settings(), read_versions(assembly.store), assembly.store, str(tmp_path), context())
    stack = app.node.find_child("FoundationStack")
    assert isinstance(stack, FoundationStack)
    for entry in CATALOGUE:
        assert set(places(entry, stack, load_settings(), stack.storage)) == set(get_args(On))


def test_a_new_entry_of_the_catalogue_gets_all_that_the_others_have(
    assembly: Assembly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    permission = Permission(("servicecatalog:DescribeRecord",), "launches")
    new = Entry(
        "made_up", "is there for a test", (permission,), "MadeUp", memory=333, needs=frozenset({"github", "git"})
    )
    monkeypatch.setattr(catalogue, "CATALOGUE", (*CATALOGUE, new))
    found = synthesized(copied(assembly.store, tmp_path), tmp_path / "out")
    template = found.foundation
    properties = functions(template)["made_up"]
    assert (properties["FunctionName"], properties["MemorySize"]) == ("studio-mlops-made-up", 333)
    assert len(properties["Layers"]) == 2
    assert "GITHUB_TOKEN_SECRET" in properties["Environment"]["Variables"]
    role = properties["Role"]["Fn::GetAtt"][0]
    assert allows(template, role, "servicecatalog:DescribeRecord", "*")
    names = {item["Properties"].get("FunctionName") for item in of_type(template, "AWS::Lambda::Function").values()}
    assert "studio-mlops-made-up-provider" in names
    sentences = [
        item["Properties"]["AlarmDescription"] for item in of_type(template, "AWS::CloudWatch::Alarm").values()
    ]
    assert len([sentence for sentence in sentences if " made up function " in sentence]) == 3
    invoked = "arn:aws:lambda:us-east-1:123456789012:function:studio-mlops-made-up-provider"
    (launch_role,) = (
        name
        for name, item in of_type(found.portfolio, "AWS::IAM::Role").items()
        if item["Properties"].get("RoleName") == "studio-mlops-launch"
    )
    assert allows(found.portfolio, launch_role, "lambda:InvokeFunction", invoked)


def test_the_code_is_our_package_and_nothing_else(assembly: Assembly) -> None:
    key = functions(assembly.foundation)["studio_project"]["Code"]["S3Key"]
    asset = assembly.path / f"asset.{key.removesuffix('.zip')}"
    assert [entry.name for entry in asset.iterdir()] == ["custom_resources"]
    shipped = {path.relative_to(asset).as_posix() for path in asset.rglob("*") if path.is_file()}
    source = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for path in (PROJECT_ROOT / "custom_resources").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped == source


def test_the_token_secret_has_no_value_and_our_key(assembly: Assembly) -> None:
    (secret,) = of_type(assembly.foundation, "AWS::SecretsManager::Secret").values()
    assert "SecretString" not in secret["Properties"]
    assert "GenerateSecretString" not in secret["Properties"]
    key = keys(assembly)["Key"]
    assert secret["Properties"]["KmsKeyId"]["Fn::GetAtt"][0] == key
    assert assembly.foundation["Resources"][key]["Properties"]["EnableKeyRotation"] is True


def keys(assembly: Assembly) -> dict[str, str]:
    """Return the logical ids of the keys by their names, which the CDK adds eight characters to."""
    return {name[:-8]: name for name in of_type(assembly.foundation, "AWS::KMS::Key")}


def test_the_seal_key_makes_macs_for_the_products_functions_and_outlives_the_stack(assembly: Assembly) -> None:
    name = keys(assembly)["SealKey"]
    key = assembly.foundation["Resources"][name]
    assert key["DeletionPolicy"] == key["UpdateReplacePolicy"] == "Retain"
    assert key["Properties"]["KeySpec"] == "HMAC_256"
    assert "EnableKeyRotation" not in key["Properties"], "KMS rotates no HMAC key; what it has proven would be lost"
    arn = {"Fn::GetAtt": [name, "Arn"]}
    (alias,) = (
        each["Properties"]["AliasName"]
        for each in of_type(assembly.foundation, "AWS::KMS::Alias").values()
        if each["Properties"]["TargetKeyId"] == arn
    )
    assert alias == "alias/studio-mlops-seals"
    found = {
        each: properties["Environment"]["Variables"].get("SEAL_KEY")
        for each, properties in functions(assembly.foundation).items()
    }
    assert {each for each, variable in found.items() if variable} == {each for each in ALL if ALL[each].in_product}
    assert all(variable in (None, arn) for variable in found.values())
    statements = [
        (role, statement)
        for role, policy in of_type(assembly.foundation, "AWS::IAM::Policy").items()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if str(arn) in str(statement["Resource"]) or "kms:GenerateMac" in str(statement["Action"])
    ]
    assert [role.partition("Role")[0] for role, _ in statements] == [
        "StudioProject",
        "GithubRepository",
        "RepositoryTemplate",
        "ActionsConfiguration",
    ]
    assert {statement["Action"] for _, statement in statements} == {"kms:GenerateMac"}
    assert all(statement["Resource"] == arn for _, statement in statements)


def test_the_archives_outlive_the_stack_and_take_tls_only(assembly: Assembly) -> None:
    ((name, bucket),) = of_type(assembly.foundation, "AWS::S3::Bucket").items()
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    assert bucket["UpdateReplacePolicy"] == "Retain"
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["Properties"]["BucketEncryption"]
    (policy,) = of_type(assembly.foundation, "AWS::S3::BucketPolicy").values()
    assert policy["Properties"]["Bucket"] == {"Ref": name}
    conditions = [statement["Condition"] for statement in policy["Properties"]["PolicyDocument"]["Statement"]]
    assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_every_log_is_kept_for_the_set_time(assembly: Assembly) -> None:
    groups = of_type(assembly.foundation, "AWS::Logs::LogGroup")
    assert {group["Properties"]["RetentionInDays"] for group in groups.values()} == {90}
    for name, function in of_type(assembly.foundation, "AWS::Lambda::Function").items():
        assert function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups, name
    for name, machine in of_type(assembly.foundation, "AWS::StepFunctions::StateMachine").items():
        logging = machine["Properties"]["LoggingConfiguration"]
        # A waiter's data has a ResponseURL; a rollout's has names, versions and states.
        assert logging["IncludeExecutionData"] is (name not in waiters(assembly.foundation))
        destination = logging["Destinations"][0]["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0]
        assert groups[destination]["Properties"]["LogGroupName"].startswith("/aws/vendedlogs/states/")


def test_who_reads_executions_does_not_read_their_requests(assembly: Assembly) -> None:
    """A request's ResponseURL lets its reader answer in the function's place."""
    template, names = assembly.foundation, Names()
    machines = waiters(template)
    (queue,) = of_type(template, "AWS::SQS::Queue").values()
    keys = {
        machine["Properties"]["EncryptionConfiguration"]["KmsKeyId"]["Fn::GetAtt"][0] for machine in machines.values()
    }
    assert keys == {queue["Properties"]["KmsMasterKeyId"]["Fn::GetAtt"][0]}
    assert {machine["Properties"]["EncryptionConfiguration"]["Type"] for machine in machines.values()} == {
        "CUSTOMER_MANAGED_KMS_KEY"
    }
    (key,) = keys
    arn = names.resolved(template, {"Fn::GetAtt": [key, "Arn"]})
    waiting = {machine["Properties"]["RoleArn"]["Fn::GetAtt"][0] for machine in machines.values()}
    starting = {
        role
        for role in of_type(template, "AWS::IAM::Role")
        if any(
            allows(template, role, "states:StartExecution", names.resolved(template, {"Ref": each}))
            for each in machines
        )
    }
    assert len(waiting) == len(starting) == len(machines) == len(ALL)
    decrypting = {role for role in of_type(template, "AWS::IAM::Role") if allows(template, role, "kms:Decrypt", arn)}
    assert decrypting == waiting | starting
    # IAM alone gives nobody the key: its policy names who decrypts.
    policy = template["Resources"][key]["Properties"]["KeyPolicy"]["Statement"]
    trusted: set[str] = set()
    for statement in policy:
        if "kms:Decrypt" in statement["Action"]:
            named = statement["Principal"]
            if named == {"Service": "delivery.logs.amazonaws.com"}:
                assert list(statement["Condition"]["StringEquals"]) == ["kms:EncryptionContext:SourceArn"]
                continue
            trusted |= {
                each["Fn::GetAtt"][0] for each in (named["AWS"] if isinstance(named["AWS"], list) else [named["AWS"]])
            }
        else:
            assert not {"kms:Decrypt", "kms:CreateGrant", "kms:ReEncryptFrom", "kms:*"} & {*statement["Action"]}
    assert trusted == decrypting


def test_an_event_that_cannot_be_handled_is_kept_and_announced(assembly: Assembly) -> None:
    template = assembly.foundation
    (queue,) = of_type(template, "AWS::SQS::Queue")
    configured = of_type(template, "AWS::Lambda::EventInvokeConfig")
    assert len(configured) == len(ALL)
    for config in configured.values():
        destination = config["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]
        assert destination == {"Fn::GetAtt": [queue, "Arn"]}
        # CloudFormation's own call is asynchronous: repeated twice, within the hour that its waiting stack has.
        assert config["Properties"]["MaximumRetryAttempts"] == 2
        assert config["Properties"]["MaximumEventAgeInSeconds"] == 3600
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    (topic,) = of_type(template, "AWS::SNS::Topic")
    assert all(alarm["Properties"]["AlarmActions"] == [{"Ref": topic}] for alarm in alarms.values())
    assert all(alarm["Properties"]["AlarmDescription"].endswith(".") for alarm in alarms.values())
    metrics = {alarm["Properties"]["MetricName"] for alarm in alarms.values()}
    of_rollouts = {"RolloutFailed", "RolloutStuck", "ExecutionsFailed"}
    assert metrics == {"ApproximateNumberOfMessagesVisible", "Errors", "Throttles", "RateLimitWaits", *of_rollouts}


def test_alarms_may_publish_encrypted_messages_to_the_topic(assembly: Assembly) -> None:
    """The topic's own policy replaces the one that SNS gives a topic, and with it every service's permission."""
    ours = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    (policy,) = of_type(assembly.foundation, "AWS::SNS::TopicPolicy").values()
    key = assembly.foundation["Resources"][keys(assembly)["Key"]]
    for document, actions in (
        (policy["Properties"]["PolicyDocument"], "sns:Publish"),
        (key["Properties"]["KeyPolicy"], ["kms:Decrypt", "kms:GenerateDataKey*"]),
    ):
        allowed = [
            statement
            for statement in document["Statement"]
            if statement["Effect"] == "Allow" and statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        ]
        assert [(statement["Action"], statement["Condition"]) for statement in allowed] == [(actions, ours)]


def test_each_function_has_a_role_of_its_own_without_managed_policies(assembly: Assembly) -> None:
    roles = of_type(assembly.foundation, "AWS::IAM::Role")
    assert all("ManagedPolicyArns" not in role["Properties"] for role in roles.values())
    used = [each["Role"]["Fn::GetAtt"][0] for each in functions(assembly.foundation).values()]
    assert len(used) == len(set(used)) == len(ALL)


def test_tracing_is_a_switch(assembly: Assembly, administered: Assembly) -> None:
    def traced(template: dict[str, Any]) -> tuple[set[str], set[bool]]:
        modes = {
            function["Properties"].get("TracingConfig", {}).get("Mode", "None")
            for function in of_type(template, "AWS::Lambda::Function").values()
        }
        enabled = {
            machine["Properties"].get("TracingConfiguration", {}).get("Enabled", False)
            for machine in of_type(template, "AWS::StepFunctions::StateMachine").values()
        }
        return modes, enabled

    def sending(template: dict[str, Any]) -> int:
        return sum("xray:PutTraceSegments" in str(each) for each in of_type(template, "AWS::IAM::Policy").values())

    assert traced(assembly.foundation) == ({"None"}, {False})
    assert traced(administered.foundation) == ({"Active"}, {True})
    # Ours, both of the framework's for each phase, and the waiter: each may send what it traces.
    assert sending(assembly.foundation) == 0
    assert sending(administered.foundation) == len(of_type(administered.foundation, "AWS::IAM::Policy"))


def test_an_administrators_settings_arrive(administered: Assembly) -> None:
    template = administered.foundation
    boundaries = {
        role["Properties"].get("PermissionsBoundary") for role in of_type(template, "AWS::IAM::Role").values()
    }
    assert boundaries == {"arn:aws:iam::123456789012:policy/Boundary"}
    (subscription,) = of_type(template, "AWS::SNS::Subscription").values()
    assert subscription["Properties"]["Endpoint"] == "platform@example.com"
    variables = functions(template)["github_repository"]["Environment"]["Variables"]
    assert variables["GITHUB_API_URL"]["Fn::If"][2] == "https://github.example.com/api/v3"


@pytest.mark.parametrize("name", ["foundation", "product"])
def test_ministack_can_deploy_every_resource(assembly: Assembly, name: str) -> None:
    kinds = {resource["Type"] for resource in getattr(assembly, name)["Resources"].values()}
    assert {kind for kind in kinds if not kind.startswith("Custom::")} <= set(provisioners._RESOURCE_HANDLERS)


def test_what_is_not_bundled_gives_the_same_template(
    assembly: Assembly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers are addressed by their sources: what their build scripts write changes no template."""

    def bundle(self: Any, output: str, *rest: Any, **options: Any) -> bool:
        Path(output, "content").write_text(str(self._script), encoding="utf-8")
        return True

    monkeypatch.setattr(layers._BuildScript, "try_bundle", bundle)
    shipped = json.loads((PROJECT_ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    store = copied(assembly.store, tmp_path)
    write_assembly(load_settings(), read_versions(store), store, str(tmp_path / "out"), shipped)
    bundled = Assembly(tmp_path / "out", store)
    assert bundled.foundation == assembly.foundation
    assert bundled.product == assembly.product
    contents = list(bundled.path.glob("asset.*/content"))
    assert {Path(content.read_text(encoding="utf-8")).parent.name for content in contents} == {"git", "python"}


LAYERS_FAIL = """
import sys
import portfolio_app
from products import layers

layers._COMMAND = ["false"]
sys.exit(portfolio_app.main())
"""


def test_a_layer_that_cannot_be_built_is_one_sentence(assembly: Assembly, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LAYERS_FAIL],
        cwd=PROJECT_ROOT,
        env={**os.environ, "MLOPS_VERSIONS_DIR": str(assembly.store), "CDK_OUTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 1
    assert "/build failed" in run.stderr
    assert "aws:cdk:bundling-stacks" in run.stderr
    assert "Traceback" not in run.stderr
