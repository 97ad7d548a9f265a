"""An installation over several accounts: the domain in A, projects in B and in two regions of C.

The settings' accounts are deployed to one MiniStack; what is asked and refused between them is as docs/aws-standin.md
says. The tests are one story, in their order; B is taken away near its end, and C is not.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import accounts, domain, ministack, versions
from local import run as runs
from local.cloud import Cloud
from local.home import SOURCE, Home, LocalError
from local.stacks import StackFailed
from local.terminal import Terminal
from operations import command_line
from operations.rollout import following
from standins.aws.emulator import Emulator
from tests.integration.studio.conftest import eventually, quiet
from tests.sharing import begin_with_first, forget_spent_budget, synthesized_before

# Long: five deployments in three accounts; what is deployed, asked and refused there has quick tests of its own
# (tests/synth, tests/security and tests/standin/aws: test_accounts.py).
pytestmark = [pytest.mark.slow, pytest.mark.long]

A, B, C, UNLISTED = "111111111111", "222222222222", "333333333333", "444444444444"
DOMAIN, DOMAIN_REGION = "dzd-accounts000000", "eu-central-1"
HOME_OF_B, HOME_OF_C, WEST = "eu-central-1", "eu-west-1", "us-west-2"
PLACES = ((B, HOME_OF_B), (C, HOME_OF_C), (C, WEST))
ADMIN = "Admin"
LINE = "A line that the next version brings.\n"
# Profile -> where its projects are to land.
OWN = {"Research": (B, HOME_OF_B), "Trading": (C, HOME_OF_C), "Trading West": (C, WEST)}
SHARED = "mlops/mlflow"  # a secret that each place has by this name
POOL, SECOND, ELSEWHERE = "Pool", "By event", "Elsewhere"
SETTINGS = f"""
[accounts.research]
account = "{B}"
regions = ["{HOME_OF_B}"]
admin_role = "arn:aws:iam::{B}:role/{ADMIN}"

[accounts.trading]
account = "{C}"
regions = ["{HOME_OF_C}", "{WEST}"]
admin_role = "arn:aws:iam::{C}:role/{ADMIN}"

[studio]
domain_id = "{DOMAIN}"
domain_account = "{A}"
domain_region = "{DOMAIN_REGION}"
organization = "{runs.ORGANIZATION}"
profiles = ["{POOL}"]

[studio.own_profiles."Research"]
account = "research"
[studio.own_profiles."Trading"]
account = "trading"
[studio.own_profiles."Trading West"]
account = "trading"
region = "{WEST}"

[studio.project_setup]
profiles = ["{SECOND}"]
[studio.model_approval]
enabled = true
"""


def write_settings(home: Home) -> None:
    text = (SOURCE / "settings.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?ms)^\[studio[].].*", "", text)
    folders = "".join(f'"{name}" = "regression"\n' for name in (*OWN, POOL, SECOND))
    principals = ", ".join(f'"arn:aws:iam::{account}:role/{ADMIN}"' for account in (B, C))
    for off, on in (
        ("[profile_folders]\n", f"[profile_folders]\n{folders}"),
        ("\nprincipals = []\n", f"\nprincipals = [{principals}]\n"),
        (
            "[secret_references]\n",
            f'[secret_references]\nMLFLOW_TOKEN = "arn:aws:secretsmanager:*:*:secret:{SHARED}"\n',
        ),
    ):
        assert text.count(off) == 1, off
        text = text.replace(off, on)
    home.settings.write_text(text + SETTINGS, encoding="utf-8")


@dataclass
class Company:
    """The run with its accounts, and what a test asks of it. `projects`: by profile, their ids."""

    run: runs.Run
    pool: str
    projects: dict[str, str] = field(default_factory=dict)

    def at(self, account: str, region: str) -> Cloud:
        return self.run.cloud.at(account, region)

    @property
    def datazone(self) -> Any:
        return self.at(A, DOMAIN_REGION).client("datazone")

    def create(self, name: str, profile: str, **more: Any) -> str:
        for account, region in PLACES:
            forget_spent_budget(self.run.home, account, region)
        (found,) = self.datazone.list_project_profiles(domainIdentifier=DOMAIN, name=profile)["items"]
        made = self.datazone.create_project(domainIdentifier=DOMAIN, name=name, projectProfileId=found["id"], **more)
        self.projects[profile] = str(made["id"])
        return self.projects[profile]

    def deployed(self, project: str) -> None:
        def ended() -> Any:
            found = self.datazone.get_project(domainIdentifier=DOMAIN, identifier=project)
            details = found["environmentDeploymentDetails"]
            return details if details["overallDeploymentStatus"] not in ("PENDING_DEPLOYMENT", "IN_PROGRESS") else None

        details = eventually(ended)
        assert details["overallDeploymentStatus"] == "SUCCESSFUL", details

    def delete(self, project: str) -> None:
        self.datazone.delete_project(domainIdentifier=DOMAIN, identifier=project)

        def gone() -> bool:
            try:
                found = self.datazone.get_project(domainIdentifier=DOMAIN, identifier=project)
            except ClientError as error:
                return error.response["Error"]["Code"] == "ResourceNotFoundException"
            assert found["projectStatus"] == "DELETING", found
            return False

        eventually(gone)

    def launch(self, project: str, place: tuple[str, str]) -> dict[str, Any] | None:
        """Return a project's provisioned product in an account and region, None where there is none."""
        catalog = self.at(*place).client("servicecatalog")
        try:
            found = catalog.describe_provisioned_product(Name=f"studio-{project}")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceNotFoundException"
            return None
        return dict(found["ProvisionedProductDetail"])

    def available(self, project: str, place: tuple[str, str]) -> None:
        def ready() -> bool:
            found = self.launch(project, place)
            assert not found or found["Status"] != "ERROR", found
            return bool(found and found["Status"] == "AVAILABLE")

        eventually(ready)

    def outputs(self, project: str, place: tuple[str, str]) -> dict[str, str]:
        catalog = self.at(*place).client("servicecatalog")
        found: dict[str, str] = {}
        page: Mapping[str, Any] = {"NextPageToken": ""}
        while "NextPageToken" in page:
            more = {"PageToken": page["NextPageToken"]} if page["NextPageToken"] else {}
            page = catalog.get_provisioned_product_outputs(ProvisionedProductName=f"studio-{project}", **more)
            found |= {item["OutputKey"]: item["OutputValue"] for item in page["Outputs"]}
        return found

    def waiting(self, place: tuple[str, str]) -> tuple[int, int]:
        """Return how many approvals a place's queue has, being handled or not, and how many are dead letters."""
        sqs, counts = self.at(*place).client("sqs"), list[int]()
        for name in self.run.settings.approval_queues:
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
            told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            counts.append(
                sum(int(told[f"ApproximateNumberOfMessages{which}"]) for which in ("", "NotVisible", "Delayed"))
            )
        return counts[0], counts[1]

    def repository(self, name: str) -> dict[str, Any]:
        return self.run.standin_github.repository(f"{runs.ORGANIZATION}/{name}")

    def readme(self, repository: str) -> str:
        bare = ["git", "-C", self.repository(repository)["git_directory"]]
        return subprocess.run([*bare, "show", "main:README.md"], capture_output=True, check=True, text=True).stdout

    def operations(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Run a verb of `operations` as an administrator of the domain's account; return its exit code and JSON."""
        stand_in = self.run.cloud.stand_in_url
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
            for name, value in {
                "SETTINGS_FILE": str(self.run.home.settings),
                "MLOPS_VERSIONS_DIR": str(self.run.home.versions),
                "AWS_ACCESS_KEY_ID": A,
                "AWS_SECRET_ACCESS_KEY": "any",
                "AWS_DEFAULT_REGION": DOMAIN_REGION,
                "AWS_ENDPOINT_URL": self.run.cloud.ministack_url,
                "AWS_ENDPOINT_URL_SERVICE_CATALOG": stand_in,
                "AWS_ENDPOINT_URL_DATAZONE": stand_in,
                "AWS_ENDPOINT_URL_SAGEMAKER": stand_in,
                "GITHUB_API_URL": self.run.github.api_url,
            }.items():
                patch.setenv(name, value)
            patch.setattr(following, "POLL_SECONDS", 0.3)
            code = command_line.main(list(arguments))
        return code, json.loads(said.getvalue())


def trust(principal: Mapping[str, Any], action: str = "sts:AssumeRole") -> str:
    statement = {"Effect": "Allow", "Principal": dict(principal), "Action": action}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def prepared(run: runs.Run) -> str:
    """Do what is there before the product: the domain with its shares, profiles and a pool, roles of administrators."""
    made = accounts.open_domain(run.settings, run.standin_aws)
    cloud = run.cloud.at(A, DOMAIN_REGION)
    listed = {B: [HOME_OF_B], C: [HOME_OF_C, WEST]}
    pool = cloud.client("datazone").create_account_pool(
        domainIdentifier=DOMAIN,
        name="Projects",
        resolutionStrategy="MANUAL",
        accountSource={"accounts": [{"awsAccountId": key, "supportedRegions": some} for key, some in listed.items()]},
    )["id"]
    domain.make_profile(cloud, made, POOL, {"accountPools": [pool]})
    domain.make_profile(cloud, made, SECOND, domain.place(C, WEST))
    domain.make_profile(cloud, made, ELSEWHERE, domain.place(UNLISTED, DOMAIN_REGION))
    for account in (B, C):
        policy = trust({"AWS": f"arn:aws:iam::{A}:root"})
        run.cloud.at(account, DOMAIN_REGION).client("iam").create_role(RoleName=ADMIN, AssumeRolePolicyDocument=policy)
    for place in PLACES:
        run.cloud.at(*place).client("secretsmanager").create_secret(
            Name=SHARED, SecretString=f"of {'/'.join(place)}", Tags=[{"Key": "studio-mlops:readable", "Value": "true"}]
        )
    return str(pool)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The accounts deployed, and one project of each profile."""
    home, patch, settings = Home(tmp_path_factory.mktemp("accounts")), pytest.MonkeyPatch(), ministack.settings
    # Step Functions' clock runs twenty times as fast: what waits minutes on AWS waits seconds here.
    patch.setattr(ministack, "settings", lambda *given: {**settings(*given), "SFN_WAIT_SCALE": "0.05"})
    try:
        for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        home.make()
        write_settings(home)
        begin_with_first(home)
        first = versions.ensure_first
        patch.setattr(versions, "ensure_first", lambda given: first(given) if given != home else None)
        synthesized_before(home, tmp_path_factory)
        with home.lock(exclusive=True):
            pool = prepared(runs.start(home, quiet()))
        made = Company(runs.up(home, quiet()), pool)
        made.run.standin_aws.call("POST", "events", {"enabled": True})
        for profile in OWN:
            made.create(f"Project of {profile}", profile)
        resolved = {"awsAccountId": C, "regionName": HOME_OF_C, "sourceAccountPoolId": pool}
        environments = ("Tooling", made.run.settings.studio.environment_name)
        made.create(
            "Project of a pool",
            POOL,
            userParameters=[
                {"environmentConfigurationName": name, "environmentResolvedAccount": resolved} for name in environments
            ],
        )
        made.create("Project by event", SECOND)
        for project in made.projects.values():
            made.deployed(project)
        yield made
    finally:
        runs.down(home, wipe=True)
        patch.undo()


LANDED = {**OWN, POOL: (C, HOME_OF_C), SECOND: (C, WEST)}


@pytest.mark.parametrize("profile", LANDED)
def test_a_project_lands_in_the_account_and_region_of_its_profile_and_nowhere_else(
    company: Company, profile: str
) -> None:
    project, place = company.projects[profile], LANDED[profile]
    company.available(project, place)
    for other in {*PLACES, (A, DOMAIN_REGION)} - {place}:
        assert company.launch(project, other) is None
    listed = company.datazone.list_environments(domainIdentifier=DOMAIN, projectIdentifier=project)["items"]
    assert {(item["awsAccountId"], item["awsAccountRegion"]) for item in listed} == {place}
    stacks = {f"DataZone-Env-{item['id']}" for item in listed}
    for where in {*PLACES, (A, DOMAIN_REGION)}:
        names = set(company.at(*where).stacks.names())
        assert stacks & names == (stacks if where == place else set())


@pytest.mark.parametrize("profile", LANDED)
def test_secrets_and_trusts_name_the_projects_own_account(company: Company, profile: str) -> None:
    project, (account, region) = company.projects[profile], LANDED[profile]
    company.available(project, (account, region))
    outputs = company.outputs(project, (account, region))
    for part in ("Build", "Deploy"):
        secrets = company.repository(outputs[f"{part}RepositoryName"])["secrets"]
        assert secrets["REGION"] == region
        arns = {name: value for name, value in secrets.items() if value.startswith("arn:")}
        assert {"OIDC_ROLE_GITHUB_WORKFLOW", "SAGEMAKER_PIPELINE_ROLE_ARN", "SAGEMAKER_DOMAIN_ARN"} <= set(arns)
        assert {value.split(":")[4] for value in arns.values()} == {account}
        assert {value.split(":")[3] for value in arns.values()} <= {"", region}
        assert secrets["MLFLOW_TOKEN"] == f"of {account}/{region}", "the secret of that name there"
        assert secrets["ARTIFACT_BUCKET"].startswith(f"amazon-sagemaker-{account}-{region}-")
    iam = company.at(account, region).client("iam")
    role = iam.get_role(RoleName=outputs["WorkflowRoleArn"].rpartition("/")[2])["Role"]
    assert role["Arn"].split(":")[4] == account
    provider = role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Federated"]
    assert provider == f"arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com"
    known = {item["Arn"] for item in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]}
    assert provider in known


def test_each_account_trusts_the_domains_account_to_provision(company: Company) -> None:
    for account in (B, C):
        role = company.at(account, DOMAIN_REGION).client("iam").get_role(RoleName="studio-mlops-provisioning")["Role"]
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == A


def test_an_approval_in_b_starts_bs_workflow(company: Company) -> None:
    deploys = {
        profile: company.outputs(company.projects[profile], place)["DeployRepositoryName"]
        for profile, place in OWN.items()
    }
    group = f"aiops-{company.projects['Research']}-models"
    package = f"arn:aws:sagemaker:{HOME_OF_B}:{B}:model-package/{group}/1"
    detail = {
        "ModelPackageGroupName": group,
        "ModelPackageArn": package,
        "ModelPackageVersion": 1,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": "Approved",
    }

    def approve(place: tuple[str, str], arn: str, name: str = group) -> None:
        entry = {
            "Source": "aws.sagemaker",
            "DetailType": "SageMaker Model Package State Change",
            "Detail": json.dumps({**detail, "ModelPackageArn": arn, "ModelPackageGroupName": name}),
        }
        assert Emulator(company.run.cloud.ministack_url).put_event(*place, entry) == ""

    def dispatches() -> dict[str, list[Any]]:
        return {name: company.repository(deploy)["dispatches"] for name, deploy in deploys.items()}

    # In C, the same event, and one of a group of C's that is named as B's project's: neither is about a project of C's.
    of_c = f"arn:aws:sagemaker:{HOME_OF_C}:{C}:model-package"
    approve((C, HOME_OF_C), package)
    approve((C, HOME_OF_C), f"{of_c}/{group}/1")
    # C's own comes after them: once it has started its workflow, C's function had all three.
    own_group = f"aiops-{company.projects['Trading']}-models"
    approve((C, HOME_OF_C), f"{of_c}/{own_group}/1", own_group)
    (own,) = eventually(lambda: dispatches()["Trading"])
    assert own["inputs"] == {"model_package_arn": f"{of_c}/{own_group}/1"}
    eventually(lambda: company.waiting((C, HOME_OF_C)) == (0, 1))  # B's model is a dead letter, and nothing waits
    assert {name: len(some) for name, some in dispatches().items()} == {"Research": 0, "Trading": 1, "Trading West": 0}
    approve((B, HOME_OF_B), package)
    (started,) = eventually(lambda: dispatches()["Research"])
    assert (started["workflow"], started["inputs"]) == ("deploy_model.yml", {"model_package_arn": package})
    assert {name: len(some) for name, some in dispatches().items()} == {"Research": 1, "Trading": 1, "Trading West": 0}


def test_a_version_is_published_and_rolled_out_to_all(company: Company, tmp_path: Path) -> None:
    content = tmp_path / "templates"
    shutil.copytree(SOURCE / "templates", content)
    readme = content / "regression" / "model_build" / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + LINE, encoding="utf-8")
    source = versions.Source(str(content), folder=".")
    published = versions.publish(company.run.home, source, "").version.version
    company.run = runs.up(company.run.home, quiet())
    for account, region in PLACES:
        forget_spent_budget(company.run.home, account, region)
    code, told = company.operations(
        "rollout", "start", "--version", published, "--account", "all", "--yes", "--wait", "--json"
    )
    assert code == 0, told
    updated = {
        (row["accountId"], row["region"]): {each["name"] for each in row["projects"] if each["result"] == "merged"}
        for row in told["places"]
    }
    wanted: dict[tuple[str, str], set[str]] = {place: set() for place in PLACES}
    for profile, place in LANDED.items():
        wanted[place].add(f"studio-{company.projects[profile]}")
    assert updated == wanted
    for profile, place in LANDED.items():
        outputs = company.outputs(company.projects[profile], place)
        assert outputs["BuildTemplateVersion"] == published
        assert company.readme(outputs["BuildRepositoryName"]).endswith(LINE)
    code, told = company.operations("status", "--account", "all", "--json")
    states = {each["name"]: (each["state"], each["reason"]) for each in told["projects"]}
    assert (code, set(states.values())) == (0, {("current", "")}), states
    live = {(row["accountId"], row["region"]): {each["version"] for each in row["launches"]} for row in told["places"]}
    assert live == {place: {published} for place in PLACES}


@pytest.mark.parametrize("door", [POOL, SECOND])
def test_a_profile_of_an_account_that_is_not_listed_is_refused_by_name(company: Company, door: str) -> None:
    """At either door the deployment is refused, and the settings that were deployed go on."""
    home, before = company.run.home, company.run.home.settings.read_text(encoding="utf-8")
    assert before.count(f'profiles = ["{door}"]') == 1
    home.settings.write_text(before.replace(f'profiles = ["{door}"]', f'profiles = ["{door}", "{ELSEWHERE}"]'))
    try:
        with pytest.raises(LocalError) as refusal:
            runs.up(home, Terminal(as_json=True, stream=io.StringIO()))
        assert ELSEWHERE in str(refusal.value)
        assert UNLISTED in str(refusal.value)
        assert all(f"{account}/{region}" in str(refusal.value) for account, region in PLACES)
    finally:
        home.settings.write_text(before, encoding="utf-8")
    (untouched,) = company.datazone.list_project_profiles(domainIdentifier=DOMAIN, name=ELSEWHERE)["items"]
    profile = company.datazone.get_project_profile(domainIdentifier=DOMAIN, identifier=untouched["id"])
    assert [item["name"] for item in profile["environmentConfigurations"]] == ["Tooling"]


def test_a_project_by_event_is_terminated_where_it_was_launched(company: Company) -> None:
    project, place = company.projects.pop(SECOND), LANDED[SECOND]
    company.available(project, place)
    outputs = company.outputs(project, place)
    repositories = [outputs["BuildRepositoryName"], outputs["DeployRepositoryName"]]
    assert not any(company.repository(name)["archived"] for name in repositories)
    company.delete(project)
    eventually(lambda: company.launch(project, place) is None)
    assert all(company.repository(name)["archived"] for name in repositories)


def test_taking_b_away_leaves_c_and_the_blueprint(company: Company) -> None:
    listener: Callable[[Any], None] = lambda _: None  # noqa: E731
    of_b = company.at(B, HOME_OF_B)
    company.delete(company.projects.pop("Research"))
    of_b.stacks.delete(accounts.ACCOUNT, listener)
    assert of_b.stacks.find(accounts.ACCOUNT) is None
    (ours,) = company.datazone.list_environment_blueprints(domainIdentifier=DOMAIN, managed=False)["items"]

    def configured(account: str) -> bool:
        datazone = company.at(account, DOMAIN_REGION).client("datazone")
        try:
            datazone.get_environment_blueprint_configuration(
                domainIdentifier=DOMAIN, environmentBlueprintIdentifier=ours["id"]
            )
        except datazone.exceptions.ResourceNotFoundException:
            return False
        return True

    assert (configured(B), configured(C)) == (False, True)
    again = company.create("Another one in C", "Trading West")
    company.deployed(again)
    company.available(again, (C, WEST))


def test_cs_home_stays_while_projects_live_in_its_further_region(company: Company) -> None:
    """C has one configuration of the blueprint, which its home's stack holds; the further region's stack stays, too."""
    for profile in ("Trading", POOL):
        company.delete(company.projects.pop(profile))
    for region in (HOME_OF_C, WEST):
        with pytest.raises(StackFailed) as refusal:
            company.at(C, region).stacks.delete(accounts.ACCOUNT, lambda _: None)
        assert f"{company.projects['Trading West']} ({WEST})" in str(refusal.value)
    # MiniStack goes on with what the failed resource depends on, which AWS leaves: the role is not looked at.
    (ours,) = company.datazone.list_environment_blueprints(domainIdentifier=DOMAIN, managed=False)["items"]
    configuration = (
        company.at(C, DOMAIN_REGION)
        .client("datazone")
        .get_environment_blueprint_configuration(domainIdentifier=DOMAIN, environmentBlueprintIdentifier=ours["id"])
    )
    assert configuration["enabledRegions"] == [HOME_OF_C, WEST]


def test_no_call_of_datazone_leaves_for_another_region(company: Company) -> None:
    """In the whole story, from the first deployment to the stacks that went."""
    calls = company.run.standin_aws.call("GET", "calls?service=datazone")
    assert {call["region"] for call in calls} == {DOMAIN_REGION}
    # Of B and C, only their configurations of the blueprint are written by their own roles; projects are read by A's.
    ours = {(call["account"], call["operation"]) for call in calls if call["account"] != A}
    assert {account for account, _ in ours} == {B, C}
    assert (B, "DeleteEnvironmentBlueprintConfiguration") in ours, "the call log has the end of the story, too"
    reads = {"GetProject", "GetProjectProfile", "ListEnvironments", "GetEnvironment", "ListConnections"}
    # An administrator of theirs asks whose a project is (operations status).
    asked = [call for call in calls if ADMIN not in call["caller"]]
    assert not reads & {call["operation"] for call in asked if call["account"] != A}
    readers = {call["caller"] for call in asked if call["operation"] == "GetProject" and ":role/" in call["caller"]}
    assert readers == {f"arn:aws:iam::{A}:role/studio-mlops-studio-reader"}
