"""Doctor: GitHub's answers from the stand-in, AWS's held to botocore's models by its stubs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.stub import Stubber

from custom_resources.catalogue import CATALOGUE
from custom_resources.clients.github import GitHub
from custom_resources.clients.secrets import GitHubCredentials
from operations.command_line import main
from operations.doctor.aws_checks import AwsChecks, function_names
from operations.doctor.check import AGAIN, Check, diagnose
from operations.doctor.github_checks import OF_AN_APP, GitHubChecks, app, environment_rules, expiry, member, scopes
from products.settings import Settings, load_settings
from products.versions import Version
from standins.github.server import GitHubStandIn
from tests.standin.aws.conftest import World

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PROVIDER = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
VERSION = Version(version="v1.0.0", archive=f"{'0' * 64}.zip", source="templates", created="2026-11-24T00:00:00Z")


# -- GitHub ----------------------------------------------------------------------------------------------------------


def examined(github: GitHubStandIn, token: str, organization: str = "acme") -> dict[str, Check]:
    def credentials() -> GitHubCredentials:
        return GitHubCredentials(token=token)

    settings = Settings.model_validate(
        {
            "git_config": {"private_github_organization": organization},
            "workflow_role": {"environments": ("staging", "production")},
        }
    )
    checks = GitHubChecks(GitHub(github.api_url, credentials), credentials, settings, NOW)
    ready = ("AWS account", lambda: iter([Check("AWS account", "ok", "")]))
    return {check.name: check for check in diagnose(checks.all(), [ready], True)}


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    with GitHubStandIn.running(tmp_path / "github") as github:
        yield github


def installed(
    github: GitHubStandIn, organization: str, becomes: dict[str, Any] | None = None, **wanted: Any
) -> GitHubCredentials:
    """Install an App; `becomes` is what happens to the installation then."""
    url = f"{github.base_url}/_standin"

    def control(method: str, path: str, body: dict[str, Any]) -> Any:
        answer = requests.request(method, f"{url}/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    made = control("POST", "apps", {"slug": "studio"})
    place = f"apps/{made['id']}/installations"
    number = control("POST", place, {"organization": organization, **wanted})["id"]
    if becomes:
        control("PUT", f"{place}/{number}", becomes)
    return GitHubCredentials(app_id=str(made["id"]), installation_id=number, private_key=made["private_key"])


def of_the_token(github: GitHubStandIn, credentials: GitHubCredentials, organization: str = "acme") -> dict[str, Check]:
    settings = Settings.model_validate({"git_config": {"private_github_organization": organization}})
    checks = GitHubChecks(GitHub(github.api_url, lambda: credentials), lambda: credentials, settings, NOW)
    ready = ("AWS account", lambda: iter([Check("AWS account", "ok", "")]))
    return {
        check.name: check
        for check in diagnose([("GitHub token", checks.token)], [ready], True)
        if check.name != "AWS account"
    }


def test_a_good_token(github: GitHubStandIn) -> None:
    checks = examined(github, github.token)
    assert {check.state for name, check in checks.items() if name != "GitHub token reach"} == {"ok"}
    assert checks["GitHub token reach"].state == "risk"
    assert "staging, production" in checks["GitHub environments"].detail
    assert checks["GitHub organization"].detail == "the token's user can create repositories in acme"


def test_a_wrong_token(github: GitHubStandIn) -> None:
    checks = examined(github, "ghp_wrong")
    assert checks["GitHub token"].state == "problem"
    assert checks["GitHub token"].fix.startswith(f"{AGAIN}  # first: Put a valid token into the token secret")
    assert list(checks) == ["AWS account", "GitHub token"], "one cause is one line"
    assert "ghp_wrong" not in str(checks)


def test_a_token_without_workflow_scope(github: GitHubStandIn) -> None:
    checks = examined(github, github.make_token(["repo"]))
    assert checks["GitHub workflow permission"].state == "problem"
    assert checks["GitHub workflow permission"].detail == "the token does not have the scope workflow"


def test_an_organization_that_is_not_there(github: GitHubStandIn) -> None:
    assert (
        "the organization 'nobody' does not exist"
        in examined(github, github.token, "nobody")["GitHub organization"].detail
    )


def test_a_user_who_is_not_a_member(github: GitHubStandIn) -> None:
    token = github.make_token(["repo", "workflow"], login="stranger", role="none")
    check = examined(github, token)["GitHub organization"]
    assert (check.state, check.detail) == ("problem", "the token's user is not a member of acme")


def test_no_organization_in_the_settings_is_a_risk(github: GitHubStandIn) -> None:
    check = examined(github, github.token, "")["GitHub organization"]
    assert check.state == "risk"
    assert "no organization, so a launch can use any that the token can access" in check.detail


def test_the_tokens_own_account(github: GitHubStandIn) -> None:
    checks = examined(github, github.token, "Studio-Admin")
    found = checks["GitHub organization"]
    assert (found.state, found.detail) == ("ok", "Studio-Admin is the user account of the token's owner")
    assert checks["GitHub environments"].state == "unknown", "GitHub shows the plan to the scope user only"
    checks = examined(github, github.make_token(["repo", "workflow", "user"]), "studio-admin")
    assert "GitHub Free has no rules" in checks["GitHub environments"].detail


@pytest.mark.parametrize(
    ("product", "role", "state", "said"),
    [
        ({"visibility": "internal"}, {}, "problem", "do not have internal repositories"),
        ({}, {"environments": ("x",), "reviewers": {"x": ("team:7",)}}, "risk", "do not have teams to review"),
        ({}, {"environments": ("x",), "reviewers": {"x": ("user:7",)}}, "ok", "token's owner"),
    ],
)
def test_what_the_tokens_own_account_cannot_do(
    github: GitHubStandIn, product: dict[str, Any], role: dict[str, Any], state: str, said: str
) -> None:
    own = {"git_config": {"private_github_organization": "studio-admin"}, "product": product, "workflow_role": role}
    credentials = GitHubCredentials(token=github.token)
    hub = GitHub(github.api_url, lambda: credentials)
    found = list(GitHubChecks(hub, lambda: credentials, Settings.model_validate(own), NOW).organization())
    assert [check.state for check in found] == [state]
    assert said in found[0].detail


def test_the_account_of_another_user(github: GitHubStandIn) -> None:
    github.make_token(login="ada")
    found = examined(github, github.token, "ada")["GitHub organization"]
    assert (found.state, found.detail) == ("problem", "ada is a user account, and the token belongs to another user")


@pytest.mark.parametrize(
    ("name", "said"), [("ada", "GitHub Apps cannot create"), ("nobody", "the organization 'nobody' does not exist, or")]
)
def test_an_app_in_a_user_account(github: GitHubStandIn, name: str, said: str) -> None:
    github.make_token(login="ada")
    app = installed(github, "ada")
    own = {"git_config": {"private_github_organization": name}, "workflow_role": {"environments": ("staging",)}}
    settings = Settings.model_validate(own)
    checks = GitHubChecks(GitHub(github.api_url, lambda: app), lambda: app, settings, NOW)
    found = list(checks.organization())
    assert [check.state for check in found] == ["problem"]
    assert said in found[0].detail
    assert [check.state for check in checks.environments()] == ["unknown"]


@pytest.mark.parametrize(
    ("plan", "reviewed", "state", "said"),
    [
        ("free", False, "risk", "jobs on any branch can use staging, production"),
        ("team", False, "ok", "limits staging, production to the default branch"),
        ("team", True, "risk", "no required reviewers"),
        ("enterprise", True, "ok", "limits"),
        ("", True, "unknown", "the token cannot read the organization's plan"),
    ],
)
def test_what_the_plan_of_github_offers(plan: str, reviewed: bool, state: str, said: str) -> None:
    check = environment_rules(plan, ("staging", "production"), reviewed)
    assert check.state == state
    assert said in check.detail


def test_an_apps_permissions_are_compared(github: GitHubStandIn) -> None:
    full = dict.fromkeys(OF_AN_APP, "write")
    assert app("acme", full).state == "ok"
    poor = app("acme", {**full, "workflows": "read"})
    assert (poor.state, poor.detail) == ("problem", "the App's installation in acme does not have workflows: write")
    credentials = installed(github, "acme", permissions={"metadata": "read", "contents": "write"})
    found = of_the_token(github, credentials)
    assert found["GitHub App permissions"].detail.startswith(
        "the App's installation in acme does not have actions: write, admin"
    )


NARROWED = {"selection": "selected", "repositories": []}


@pytest.mark.parametrize(
    ("becomes", "state", "said", "fix"),
    [
        ({}, "ok", "all repositories of acme", ""),
        (NARROWED, "risk", "the App's installation in acme covers only selected repositories", "all repositories"),
        ({"state": "suspended"}, "problem", "the App's installation in acme is suspended", "Unsuspend the App"),
    ],
)
def test_how_far_an_app_reaches(
    github: GitHubStandIn, becomes: dict[str, Any], state: str, said: str, fix: str
) -> None:
    found = of_the_token(github, installed(github, "Acme", becomes))
    check = found["GitHub App reach"]
    assert check.state == state
    assert said in check.detail
    assert fix in check.fix
    assert ("GitHub token" in found) == (state != "problem"), "GitHub makes no token for a suspended installation"
    assert {each.state for name, each in found.items() if name != "GitHub App reach"} <= {"ok"}


def test_an_app_that_is_installed_in_another_account(github: GitHubStandIn) -> None:
    github.store.add_account("other", "Organization")
    check = of_the_token(github, installed(github, "other"))["GitHub App reach"]
    assert (check.state, check.detail) == ("problem", "the App is installed in other, not in acme")
    assert "Install the App in acme" in check.fix
    assert of_the_token(github, installed(github, "other"), organization="")["GitHub App reach"].state == "ok"


def test_an_app_that_is_not_installed_any_more(github: GitHubStandIn) -> None:
    app = installed(github, "acme", {"state": "uninstalled"})
    found = of_the_token(github, app)
    assert list(found) == ["GitHub token"]
    assert "does not have an installation" in found["GitHub token"].detail


def test_a_user_who_is_no_owner_cannot_prove_that_a_repository_is_gone(github: GitHubStandIn) -> None:
    token = github.make_token(["repo", "workflow"], login="bob", role="write")
    check = examined(github, token)["GitHub organization"]
    assert (check.state, check.fix) == ("risk", f"{AGAIN}  # first: Make the user an organization owner")
    assert "not an owner of acme: the token cannot tell a deleted repository from one" in check.detail


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (None, "ok"),
        ("2027-11-24 10:00:00 UTC", "ok"),
        ("2027-11-24 10:00:00 +0200", "ok"),
        ("2026-11-30 10:00:00 UTC", "problem"),
        ("2020-01-01 10:00:00 UTC", "problem"),
        ("soon", "unknown"),
    ],
)
def test_expiry(told: str | None, state: str) -> None:
    assert expiry(told, NOW, is_app=False).state == state


def test_scopes_that_github_does_not_tell() -> None:
    assert scopes(None, is_app=False).state == "unknown"
    assert scopes("", is_app=False).state == "problem"


def test_members_who_may_not_create_repositories() -> None:
    active = {"state": "active", "role": "member"}
    assert member("acme", active, {"members_can_create_repositories": False}).state == "problem"
    assert member("acme", {**active, "role": "admin"}, {"members_can_create_repositories": False}).state == "ok"
    assert "invitation" in member("acme", {"state": "pending"}, {}).detail


# -- AWS -------------------------------------------------------------------------------------------------------------


class Session:
    """Hands out real clients whose answers are stubbed, checked against botocore's models."""

    region_name = "eu-west-1"

    def __init__(self) -> None:
        self._session = boto3.Session("key", "secret", region_name=self.region_name)
        self._clients: dict[str, Any] = {}
        self._stubs: dict[str, Stubber] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service)  # type: ignore[call-overload]  # not a literal
            self._stubs[service] = Stubber(self._clients[service])
            self._stubs[service].activate()
        return self._clients[service]

    def answers(self, service: str, operation: str, answer: dict[str, Any], **wanted: Any) -> None:
        self.client(service)
        self._stubs[service].add_response(operation, answer, wanted or None)

    def refuses(self, service: str, operation: str, code: str, message: str = "") -> None:
        self.client(service)
        self._stubs[service].add_client_error(operation, code, message or f"{code} was said", http_status_code=404)


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def settings() -> Settings:
    return load_settings()


def run(session: Session, settings: Settings, check: str) -> Check:
    checks = dict(AwsChecks(session, settings, [VERSION]).all())  # type: ignore[arg-type]
    names = {"Connection": "connection", "Domain": "domain", "Blueprint": "blueprint", "Domain unit": "owners"}
    if check in names:
        checks[check] = getattr(AwsChecks(session, settings, [VERSION]).studio, names[check])  # type: ignore[arg-type]
    found = list(diagnose([], [(check, checks[check])], False))
    assert len(found) == 1
    return found[0]


def function(**changes: Any) -> dict[str, Any]:
    return {"State": "Active", "LastUpdateStatus": "Successful", "CodeSha256": "same", "Layers": [], **changes}


def test_the_functions_are_those_that_are_deployed(settings: Settings) -> None:
    alone = [entry for entry in CATALOGUE if "one account" in entry.layouts]
    names = {entry.function_name(settings.prefix) for entry in alone}
    assert set(function_names(settings)) == names - {f"{settings.prefix}-model-approval"}
    assert set(function_names(approving(settings))) == names


def approving(settings: Settings) -> Settings:
    approval = settings.studio.model_approval.model_copy(update={"enabled": True})
    studio = settings.studio.model_copy(update={"model_approval": approval})
    return settings.model_copy(update={"studio": studio})


def test_the_function_of_model_approval_is_missed_only_where_it_is_on(session: Session, settings: Settings) -> None:
    for _ in function_names(settings):
        session.answers("lambda", "get_function_configuration", function())
    session.refuses("lambda", "get_function_configuration", "ResourceNotFoundException")
    check = run(session, approving(settings), "Functions")
    assert (check.state, check.detail) == ("problem", f"there is no function {settings.prefix}-model-approval")
    assert check.fix == "npx aws-cdk@2 deploy StudioStack"


def test_functions_of_one_release(session: Session, settings: Settings) -> None:
    for _ in function_names(settings):
        session.answers("lambda", "get_function_configuration", function())
    assert run(session, settings, "Functions").state == "ok"


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (function(CodeSha256="other"), "different releases"),
        (function(State="Failed", StateReason="no subnet"), "no subnet"),
        (function(LastUpdateStatus="InProgress"), "InProgress"),
    ],
)
def test_functions_that_are_not_right(session: Session, settings: Settings, odd: Any, said: str) -> None:
    for answer in [function(), odd, *[function()] * (len(function_names(settings)) - 2)]:
        session.answers("lambda", "get_function_configuration", answer)
    check = run(session, settings, "Functions")
    assert check.state == "problem"
    assert said in check.detail


def test_a_function_that_is_missing(session: Session, settings: Settings) -> None:
    first, second, *others = function_names(settings)
    for _ in (first, second):
        session.refuses("lambda", "get_function_configuration", "ResourceNotFoundException")
    for _ in others:
        session.answers("lambda", "get_function_configuration", function())
    check = run(session, settings, "Functions")
    assert (check.state, check.fix) == ("problem", "npx aws-cdk@2 deploy FoundationStack")
    assert check.detail == f"there is no function {first}, {second}"


def test_the_function_of_another_release_is_named_with_its_stack(session: Session, settings: Settings) -> None:
    names = function_names(approving(settings))
    for name in names:
        odd = {"CodeSha256": "former"} if name.endswith("-model-approval") else {}
        session.answers("lambda", "get_function_configuration", function(**odd))
    check = run(session, in_studio(approving(settings)), "Functions")
    assert f"{settings.prefix}-model-approval has another release than the others" in check.detail
    assert check.fix == "npx aws-cdk@2 deploy FoundationStack StudioStack"


def test_oidc_provider(session: Session, settings: Settings) -> None:
    session.answers("iam", "list_open_id_connect_providers", {"OpenIDConnectProviderList": [{"Arn": PROVIDER}]})
    session.answers("iam", "get_open_id_connect_provider", {"ClientIDList": ["sts.amazonaws.com"]})
    session.answers("cloudformation", "describe_stack_resource", of_the_stack("CREATE_COMPLETE"))
    assert run(session, settings, "OIDC provider").state == "ok"


def of_the_stack(status: str) -> dict[str, Any]:
    names = {"LogicalResourceId": "GitHubOidcProvider", "ResourceType": "AWS::IAM::OIDCProvider"}
    return {"StackResourceDetail": {**names, "ResourceStatus": status, "LastUpdatedTimestamp": NOW}}


@pytest.mark.parametrize("left", ["no such resource", "no such stack", "DELETE_SKIPPED"])
def test_a_provider_that_a_former_stack_left_is_in_the_way(session: Session, settings: Settings, left: str) -> None:
    session.answers("iam", "list_open_id_connect_providers", {"OpenIDConnectProviderList": [{"Arn": PROVIDER}]})
    session.answers("iam", "get_open_id_connect_provider", {"ClientIDList": ["sts.amazonaws.com"]})
    if left == "DELETE_SKIPPED":
        session.answers("cloudformation", "describe_stack_resource", of_the_stack(left))
    else:
        session.refuses("cloudformation", "describe_stack_resource", "ValidationError", f"{left}: does not exist")
    check = run(session, settings, "OIDC provider")
    assert "fails with EntityAlreadyExists" in check.detail
    first = f'set oidc_provider_arn = "{PROVIDER}" in [github] of settings.toml'
    assert check.fix == f"npx aws-cdk@2 deploy PortfolioStack  # first: {first}"


def test_a_provider_that_the_settings_name_is_not_the_stacks(session: Session, settings: Settings) -> None:
    session.answers("iam", "list_open_id_connect_providers", {"OpenIDConnectProviderList": [{"Arn": PROVIDER}]})
    session.answers("iam", "get_open_id_connect_provider", {"ClientIDList": ["sts.amazonaws.com"]})
    github = settings.github.model_copy(update={"oidc_provider_arn": PROVIDER})
    assert run(session, settings.model_copy(update={"github": github}), "OIDC provider").state == "ok"


@pytest.mark.parametrize("audiences", [None, ["other"]])
def test_oidc_provider_missing_or_for_somebody_else(session: Session, settings: Settings, audiences: Any) -> None:
    listed = [{"Arn": PROVIDER}] if audiences else [{"Arn": "arn:aws:iam::111122223333:oidc-provider/example.com"}]
    session.answers("iam", "list_open_id_connect_providers", {"OpenIDConnectProviderList": listed})
    if audiences:
        session.answers("iam", "get_open_id_connect_provider", {"ClientIDList": audiences})
    check = run(session, settings, "OIDC provider")
    assert check.state == "problem"
    assert ("add-client-id-to-open-id" if audiences else "aws-cdk@2 deploy PortfolioStack") in check.fix


def portfolio(session: Session, settings: Settings, *principals: str) -> None:
    detail = {"Id": "port-1", "DisplayName": settings.portfolio.name}
    session.answers("servicecatalog", "list_portfolios", {"PortfolioDetails": [detail]})
    found = [{"PrincipalARN": arn, "PrincipalType": "IAM"} for arn in principals]
    wanted = {"PortfolioId": "port-1"}
    session.answers("servicecatalog", "list_principals_for_portfolio", {"Principals": found}, **wanted)


def test_the_second_door_alone_has_no_blueprint_to_check(settings: Settings) -> None:
    def names(given: Settings) -> set[str]:
        session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
        return {name for name, _ in AwsChecks(session, given, []).all()}

    first = in_studio(settings)
    events = settings.studio.project_setup.model_copy(update={"profiles": ("By event",)})
    second = first.model_copy(update={"studio": first.studio.model_copy(update={"project_setup": events})})
    assert names(first) - names(second) == {"Blueprint", "Domain unit"}
    assert "Domain" in names(second)


def in_studio(settings: Settings) -> Settings:
    return settings.model_copy(update={"studio": settings.studio.model_copy(update={"domain_id": "dzd_1"})})


def test_portfolio(session: Session, settings: Settings) -> None:
    role = f"arn:aws:iam::111122223333:role/{settings.provisioning_role_name}"
    portfolio(session, settings, role)
    assert run(session, in_studio(settings), "Portfolio").state == "ok"


def test_portfolio_that_the_blueprint_may_not_launch_from(session: Session, settings: Settings) -> None:
    portfolio(session, settings, "arn:aws:iam::111122223333:role/People")
    assert "No launch paths found" in run(session, in_studio(settings), "Portfolio").detail


def test_portfolio_that_is_missing_or_for_nobody(session: Session, settings: Settings) -> None:
    session.answers("servicecatalog", "list_portfolios", {"PortfolioDetails": []})
    assert "no portfolio" in run(session, settings, "Portfolio").detail
    portfolio(session, settings)
    assert run(session, settings, "Portfolio").detail == "the portfolio has no principals"


def shared_with(settings: Settings) -> Settings:
    return settings.model_copy(update={"portfolio": settings.portfolio.model_copy(update={"launches_only": True})})


def trusting(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    names = {"RoleName": "studio-mlops-launch", "RoleId": "AROA1234567890123456", "Path": "/"}
    arn = "arn:aws:iam::111122223333:role/studio-mlops-launch"
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return {"Role": {**names, "Arn": arn, "CreateDate": NOW, "AssumeRolePolicyDocument": document}}


@pytest.mark.parametrize(
    ("service", "state"), [("servicecatalog.amazonaws.com", "ok"), ("ec2.amazonaws.com", "problem"), ("", "problem")]
)
def test_an_account_that_only_launches_needs_its_launch_role_and_no_portfolio(
    session: Session, settings: Settings, service: str, state: str
) -> None:
    if service:
        session.answers("iam", "get_role", trusting(service), RoleName="studio-mlops-launch")
    else:
        session.refuses("iam", "get_role", "NoSuchEntity")
    settings = shared_with(settings)
    assert "Portfolio" not in dict(AwsChecks(session, settings, [VERSION]).all())  # type: ignore[arg-type]
    check = run(session, settings, "Launch role")
    assert (check.state, bool(check.fix)) == (state, state == "problem")


def test_an_account_that_only_launches_imports_the_product(session: Session, settings: Settings) -> None:
    without_a_stack(session)
    assert "import the shared portfolio here" in run(session, shared_with(settings), "Versions").fix


def without_a_stack(session: Session, *products: dict[str, Any]) -> None:
    """There is no PortfolioStack, so that products are looked for by their name."""
    session.refuses("cloudformation", "describe_stacks", "ValidationError", "PortfolioStack does not exist")
    session.answers("servicecatalog", "search_products_as_admin", {"ProductViewDetails": list(products)})


def product(session: Session, settings: Settings, **artifact: Any) -> None:
    summary = {"ProductViewSummary": {"ProductId": "prod-1", "Name": settings.product.name}}
    without_a_stack(session, summary)
    details = [{"Id": "pa-1", "Name": "v1.0.0", "Active": True, "Guidance": "DEFAULT", **artifact}]
    session.answers("servicecatalog", "list_provisioning_artifacts", {"ProvisioningArtifactDetails": details})


@pytest.mark.parametrize(
    ("artifact", "said"),
    [
        ({}, "v1.0.0"),
        ({"Active": False}, "v1.0.0 is INACTIVE, not DEFAULT"),
        ({"Name": "v0.9.0"}, "v1.0.0 is not live"),
    ],
)
def test_versions(session: Session, settings: Settings, artifact: dict[str, Any], said: str) -> None:
    product(session, settings, **artifact)
    check = run(session, settings, "Versions")
    assert check.detail == said
    assert (check.state == "ok") == (not artifact)


def test_a_product_that_was_never_deployed(session: Session, settings: Settings) -> None:
    without_a_stack(session)
    assert run(session, settings, "Versions").fix == "npx aws-cdk@2 deploy PortfolioStack"


def test_of_two_products_of_one_name_it_is_the_stacks(session: Session, settings: Settings) -> None:
    """A product that a former stack left has the same name: it is not asked for."""
    stack = {"StackName": "PortfolioStack", "CreationTime": NOW, "StackStatus": "CREATE_COMPLETE"}
    outputs = [
        {"OutputKey": "PortfolioId", "OutputValue": "port-1"},
        {"OutputKey": "ProductId", "OutputValue": "prod-2"},
    ]
    described = {"Stacks": [{**stack, "Outputs": outputs}]}
    session.answers("cloudformation", "describe_stacks", described, StackName="PortfolioStack")
    details = [{"Id": "pa-1", "Name": "v1.0.0", "Active": True, "Guidance": "DEFAULT"}]
    answer = {"ProvisioningArtifactDetails": details}
    session.answers("servicecatalog", "list_provisioning_artifacts", answer, ProductId="prod-2")
    assert run(session, settings, "Versions").state == "ok"


ROLES = tuple(f"arn:aws:iam::111122223333:role/FoundationStack-Studio{name}Role-X" for name in ("Blueprint", "Profile"))
PROFILES = {ROLES[0]: "11111111-1111-1111-1111-111111111111", ROLES[1]: "22222222-2222-2222-2222-222222222222"}
GROUP = "33333333-3333-3333-3333-333333333333"


def owned(session: Session, *owners: dict[str, Any], unit: str = "root") -> None:
    """Answer what the check asks: the unit's owners, the functions' roles, the roles' profiles in the domain."""
    if unit == "root":
        domain = {"id": "dzd_1", "domainExecutionRole": "r", "status": "AVAILABLE", "rootDomainUnitId": "root"}
        session.answers("datazone", "get_domain", domain)
    wanted = {"domainIdentifier": "dzd_1", "entityType": "DOMAIN_UNIT", "entityIdentifier": unit}
    session.answers("datazone", "list_entity_owners", {"owners": list(owners)}, **wanted)
    for role in ROLES:
        session.answers("lambda", "get_function_configuration", function(Role=role))
    for role, profile in PROFILES.items():
        iam = {"arn": role, "groupProfileId": GROUP if role == ROLES[1] else profile}
        answer = {"domainId": "dzd_1", "id": profile, "type": "IAM", "details": {"iam": iam}}
        wanted = {"domainIdentifier": "dzd_1", "userIdentifier": role, "type": "IAM"}
        session.answers("datazone", "get_user_profile", answer, **wanted)


def user(role: str) -> dict[str, Any]:
    return {"user": {"userId": PROFILES[role]}}


def test_the_functions_roles_own_the_domain_unit(session: Session, settings: Settings) -> None:
    owned(session, {"user": {"userId": "somebody"}}, user(ROLES[0]), {"group": {"groupId": GROUP}})
    assert run(session, in_studio(settings), "Domain unit") == Check(
        "Domain unit", "ok", "both functions' roles own root"
    )


@pytest.mark.parametrize("owners", [(), (user(ROLES[0]),)])
def test_a_role_that_owns_nothing_is_named_with_the_command(
    session: Session, settings: Settings, owners: tuple[dict[str, Any], ...]
) -> None:
    settings = in_studio(settings)
    studio = settings.studio.model_copy(update={"domain_unit_id": "unit1"})
    owned(session, *owners, unit="unit1")
    check = run(session, settings.model_copy(update={"studio": studio}), "Domain unit")
    assert check.state == "problem"
    assert (ROLES[0] in check.detail, ROLES[1] in check.detail) == (not owners, True)
    assert (
        "aws datazone add-entity-owner --domain-identifier dzd_1 --entity-type DOMAIN_UNIT --entity-identifier unit1 "
        "--owner 'user={userIdentifier=ROLE}'"
    ) in check.fix


def test_owners_that_may_not_be_read_are_unknown(session: Session, settings: Settings) -> None:
    domain = {"id": "dzd_1", "domainExecutionRole": "r", "status": "AVAILABLE", "rootDomainUnitId": "root"}
    session.answers("datazone", "get_domain", domain)
    session.refuses("datazone", "list_entity_owners", "AccessDeniedException")
    check = run(session, in_studio(settings), "Domain unit")
    assert check.state == "unknown"
    assert "cannot be read" in check.detail


@pytest.mark.parametrize(("status", "state"), [("AVAILABLE", "ok"), ("DELETING", "problem")])
def test_domain(session: Session, settings: Settings, status: str, state: str) -> None:
    session.answers("datazone", "get_domain", {"id": "dzd_1", "domainExecutionRole": "r", "status": status})
    assert run(session, in_studio(settings), "Domain").state == state


@pytest.mark.parametrize(
    ("regions", "state"), [(["eu-west-1"], "ok"), (["us-east-1"], "problem"), (None, "problem"), ([], "problem")]
)
def test_blueprint(session: Session, settings: Settings, regions: Any, state: str) -> None:
    blueprint = {
        "id": "bp1",
        "name": settings.studio.blueprint_name,
        "provider": "us",
        "provisioningProperties": {"cloudFormation": {"templateUrl": "https://x"}},
    }
    session.answers("datazone", "list_environment_blueprints", {"items": [blueprint] if regions != [] else []})
    if regions:
        answer = {"domainId": "dzd_1", "environmentBlueprintId": "bp1", "enabledRegions": regions}
        session.answers("datazone", "get_environment_blueprint_configuration", answer)
    elif regions is None:
        session.refuses("datazone", "get_environment_blueprint_configuration", "ResourceNotFoundException")
    assert run(session, in_studio(settings), "Blueprint").state == state


@pytest.mark.parametrize(("status", "state"), [("AVAILABLE", "ok"), ("PENDING", "problem"), (None, "problem")])
def test_connection(session: Session, settings: Settings, status: str | None, state: str) -> None:
    found = [{"ConnectionName": "github", "ConnectionStatus": status}] if status else []
    session.answers("codeconnections", "list_connections", {"Connections": found})
    session.answers("codeconnections", "list_connections", {"Connections": []})
    assert run(session, in_studio(settings), "Connection").state == state


def test_without_access_only_the_reason_is_told(session: Session, settings: Settings) -> None:
    session.refuses("sts", "get_caller_identity", "ExpiredToken")
    aws = AwsChecks(session, settings, []).all()  # type: ignore[arg-type]
    [check] = diagnose([("GitHub token", lambda: iter(()))], aws, False)
    assert (check.name, check.state) == ("AWS account", "problem")
    assert "ExpiredToken" in check.detail


# -- the command -------------------------------------------------------------------------------------------------------


def test_an_unknown_profile_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert main(["doctor", "--versions-dir", str(tmp_path / "none")]) == 1
    said = capsys.readouterr().err
    assert "The config profile (nobody) could not be found" in said
    assert len(said.splitlines()) == 1


def test_the_command_in_an_account_where_nothing_is_deployed(
    aws: World,
    github: GitHubStandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f'[github]\napi_url = "{github.api_url}"\nserver_url = "{github.server_url}"\n'
        'oidc_issuer = "127.0.0.1/_services/token"\n'
        '[git_config]\nprivate_github_organization = "acme"\ngithub_token_secret_name = "doctors-token"\n'
        '[portfolio]\nname = "Nobody has it"\n[product]\nname = "nobody-has-it"\n'
    )
    monkeypatch.setenv("SETTINGS_FILE", str(settings))
    monkeypatch.delenv("GITHUB_API_URL", raising=False)
    command = ["doctor", "--versions-dir", str(tmp_path / "none"), "--json"]
    assert main(command) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    wrong = {name: check for name, check in checks.items() if check["state"] == "problem"}
    assert set(wrong) == {"Deployment"}, "that nothing is deployed yet is one line"
    assert wrong["Deployment"]["detail"] == "nothing is deployed here yet"
    assert wrong["Deployment"]["fix"] == "npx aws-cdk@2 deploy FoundationStack PortfolioStack"

    monkeypatch.setenv("GITHUB_TOKEN", github.token)
    assert main([*command, "--token-from-environment"]) == 1
    printed = capsys.readouterr().out
    checks = {check["name"]: check for check in json.loads(printed)["checks"]}
    github_checks = ("GitHub token", "GitHub workflow permission", "GitHub organization")
    assert [checks[name]["state"] for name in github_checks] == ["ok", "ok", "ok"]
    assert github.token not in printed

    monkeypatch.setenv("GITHUB_TOKEN", github.make_token(["repo"]))
    assert main([*command, "--token-from-environment"]) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["GitHub workflow permission"]["state"] == "problem"
