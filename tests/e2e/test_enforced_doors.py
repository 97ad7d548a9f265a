"""Both doors in both kinds of domains, with IAM enforced: a project is created, brought to a new version and deleted.

The IAM-based domain has a key of its own, and its projects' roles have a path.
MiniStack judges the calls that reach it, DataZone's stand-in membership, ownership and the domain's key. What the roles
call of the stand-in is judged afterwards with the policies that they have in MiniStack.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from local import domain, ministack, studio, versions
from local import run as runs
from local.home import SOURCE, Home
from operations import command_line
from operations.rollout import following
from tests.integration.studio import conftest as studio_tests
from tests.integration.studio.conftest import FIRST_DOOR, SECOND_DOOR, Installation, eventually, quiet
from tests.sharing import begin_with_first, forget_spent_budget, synthesized_before
from tests.synth.policies import Names, permit

# Long: two installations with every call judged. What a role may do is held in tests/synth and tests/security, too; one
# launch with enforced policies stays in make test (test_enforced_policies.py).
pytestmark = [pytest.mark.slow, pytest.mark.long]
LINE = "A line that the next version brings.\n"
KEY = "arn:aws:kms:us-east-1:123456789012:key/3b1c6f0e-1d2f-4a5b-8c7d-9e0f1a2b3c4d"
# Service Catalog's own key: a rollout's role is let to all launches of the account.
CONTEXT = {"servicecatalog:accountlevel": "self"}
ROLES = {
    "identity-center": "arn:aws:iam::123456789012:role/datazone_usr_role_",
    "iam": "arn:aws:iam::123456789012:role/service-role/AmazonSageMakerUserIAMExecutionRole_",
}


@pytest.fixture(scope="module", params=sorted(domain.KINDS))
def enforced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation whose MiniStack enforces IAM, and whose domain is strict and of a kind."""
    home = Home(tmp_path_factory.mktemp(f"enforced-{request.param}"))
    patch, settings = pytest.MonkeyPatch(), ministack.settings
    patch.setenv("LOCAL_ENFORCE_IAM", "1")
    patch.setattr(ministack, "settings", lambda *given: {**settings(*given), "SFN_WAIT_SCALE": "0.05"})
    try:
        own_key = {"domain_key_arn": KEY} if request.param == "iam" else {}
        studio_tests.open_both_doors(home, request.param, **own_key)
        begin_with_first(home)
        synthesized_before(home, tmp_path_factory)
        run = runs.up(home, quiet())
        run.standin_aws.call("POST", "events", {"enabled": True})
        health = requests.get(f"{run.cloud.ministack_url}/_ministack/health", timeout=60).json()
        assert health["auth"] == "enabled"
        yield Installation(run)
    finally:
        runs.down(home, wipe=True)
        patch.undo()


def kind_of(installation: Installation) -> str:
    return next(kind for kind, each in domain.KINDS.items() if each == installation.domain)


def launched(installation: Installation, name: str, profile: str) -> str:
    """Create a project and wait for its product; return the project's id."""
    project = installation.create(name, profile)
    installation.deployed(project)
    installation.available(project)
    secrets = installation.repository(installation.outputs(project)["BuildRepositoryName"])["secrets"]
    assert secrets["SAGEMAKER_PIPELINE_ROLE_ARN"].startswith(ROLES[kind_of(installation)])
    return project


def next_version(installation: Installation, place: Path) -> str:
    """Publish content with another line and deploy; return the version."""
    shutil.copytree(SOURCE / "templates", place)
    readme = place / "regression" / "model_build" / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + LINE, encoding="utf-8")
    published = versions.publish(installation.run.home, versions.Source(str(place), folder="."), "").version.version
    installation.run = runs.up(installation.run.home, quiet())
    return published


def rolled_out(installation: Installation, project: str, version: str) -> None:
    """Bring the version to what came by event as an administrator does: the machines' roles do it."""
    forget_spent_budget(installation.run.home)
    cloud = installation.run.cloud
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
        for name, value in {
            "SETTINGS_FILE": str(installation.run.home.settings),
            "MLOPS_VERSIONS_DIR": str(installation.run.home.versions),
            "AWS_ACCESS_KEY_ID": ministack.ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": ministack.REGION,
            "AWS_ENDPOINT_URL": cloud.ministack_url,
            "AWS_ENDPOINT_URL_SERVICE_CATALOG": cloud.stand_in_url,
        }.items():
            patch.setenv(name, value)
        patch.setattr(following, "POLL_SECONDS", 0.5)
        start = ["rollout", "start", "--version", version, "--project", project, "--yes", "--wait", "--json"]
        code = command_line.main(start)
    told = json.loads(said.getvalue())
    assert (code, told["counts"]["merged"]) == (0, 1), told
    counted = installation.client("cloudwatch").list_metrics(MetricName="RolloutUpdated")["Metrics"]
    assert counted, "the machine may count what it did"


def its_own_key_is_proven(enforced: Installation, project: str, folder: Path) -> None:
    """`prove` sees that workflows used the domain's key (A16), or that they were denied it."""
    place = {"account": ministack.ACCOUNT, "region": ministack.REGION}
    role = f"arn:aws:iam::{ministack.ACCOUNT}:role/studio-mlops-wf-{project}"
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    buckets = [item["Name"] for item in enforced.client("s3").list_buckets()["Buckets"]]
    enforced.client("s3").put_bucket_encryption(
        Bucket=next(name for name in buckets if name.startswith("amazon-sagemaker-")),
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]},
    )
    created_by = f"arn:aws:sts::{ministack.ACCOUNT}:assumed-role/studio-mlops-wf-{project}/GitHubActions"
    enforced.run.standin_aws.call("POST", "pipelines", {**place, "projectId": project, "createdBy": created_by})
    assert proven(enforced, project, folder / "holds") == (0, "holds")
    said = f"User: {created_by} is not authorized to perform: kms:GenerateDataKey on resource: {KEY}"
    denied = {
        "eventName": "GenerateDataKey",
        "errorCode": "AccessDenied",
        "errorMessage": said,
        "userIdentity": {"sessionContext": {"sessionIssuer": {"arn": role}}},
    }
    another = {**denied, "errorMessage": said.replace(KEY, f"{KEY[:-4]}ffff")}
    for events, expected in ([another], (0, "holds")), ([denied], (3, "is otherwise")):
        enforced.run.standin_aws.call("POST", "trail", {**place, "events": events})
        assert proven(enforced, project, folder / expected[1]) == expected


def proven(enforced: Installation, project: str, folder: Path) -> tuple[int, str]:
    """Return the exit status of `prove` for a project, and its verdict on A16."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_HOME", str(enforced.run.home.path))
        arguments = ["--on-local", "--domain", enforced.domain, "--profile", FIRST_DOOR, "--project", project]
        code = command_line.main(["prove", *arguments, "--output", str(folder)])
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    (found,) = [item["verdict"] for item in report["assumptions"] if item["id"] == "A16"]
    assert report["otherwise"] == (["A16"] if found == "is otherwise" else [])
    return code, found


def test_both_doors_create_update_and_delete(enforced: Installation, tmp_path: Path) -> None:
    first, second = launched(enforced, "first", FIRST_DOOR), launched(enforced, "second", SECOND_DOOR)
    version = next_version(enforced, tmp_path / "templates")
    document = studio.update_project(enforced.run, "first", version, quiet())
    assert document["version"] == version
    rolled_out(enforced, second, version)
    for project in (first, second):
        repository = enforced.outputs(project)["BuildRepositoryName"]
        assert enforced.outputs(project)["BuildTemplateVersion"] == version
        assert enforced.tree(repository)["README.md"].decode().endswith(LINE)
    repositories = [enforced.outputs(project)["BuildRepositoryName"] for project in (first, second)]
    if kind_of(enforced) == "iam":
        its_own_key_is_proven(enforced, first, tmp_path)
    enforced.delete(first)
    enforced.delete(second)
    eventually(lambda: enforced.launch(second) is None)
    assert enforced.launch(first) is None
    assert all(enforced.repository(name)["archived"] for name in repositories)


def test_no_function_is_a_member_and_none_needs_to_be(enforced: Installation) -> None:
    """What the functions asked and were refused are extras; their launches went on."""
    made = enforced.run.standin_aws.call("GET", "calls?service=datazone")
    ours = [call for call in made if ":role/" in call["caller"]]
    assert ours
    refused = {call["operation"] for call in ours if call["outcome"] == "AccessDeniedException"}
    assert refused <= {"ListEnvironments", "GetEnvironment", "ListConnections", "GetConnection"}


def test_a_role_without_the_domains_key_is_refused(enforced: Installation) -> None:
    stranger = enforced.client_as(enforced.portfolio_principal(), "datazone")
    if kind_of(enforced) == "iam":
        with pytest.raises(ClientError, match=f"is not authorized to perform: kms:Decrypt on resource: {KEY}"):
            stranger.get_domain(identifier=enforced.domain)
    else:
        assert "kmsKeyIdentifier" not in stranger.get_domain(identifier=enforced.domain)


def test_every_call_of_a_role_to_the_stand_in_is_one_that_its_policies_allow(enforced: Installation) -> None:
    iam = enforced.client("iam")
    made = {
        (call["caller"], f"{call['service']}:{call['operation']}", resource_of(call))
        for call in enforced.run.standin_aws.call("GET", "calls")
        if ":role/studio-mlops" in call["caller"] or ":role/FoundationStack" in call["caller"]
    }
    assert {action for _, action, _ in made} >= {
        "servicecatalog:ProvisionProduct",
        "servicecatalog:UpdateProvisionedProduct",
        "datazone:GetProject",
    }
    refused = [
        (role.rpartition("/")[2], action, resource)
        for role, action, resource in sorted(made)
        if not permit(policies(iam, role.rpartition("/")[2]), action, resource, context=CONTEXT, names=Names())
    ]
    assert refused == []


@cache
def policies(iam: Any, role: str) -> list[dict[str, Any]]:
    """Return the documents of a role's policies, as they are deployed."""
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)["PolicyVersion"][
            "Document"
        ]
        found.append(document)
    return found


def resource_of(call: dict[str, Any]) -> str:
    """Return what IAM takes a call to be about."""
    where, parameters = f"{ministack.REGION}:{ministack.ACCOUNT}", call["parameters"]
    if call["service"] == "servicecatalog" and parameters.get("ProductId"):
        return f"arn:aws:catalog:{where}:product/{parameters['ProductId']}"
    if call["operation"] == "CreateModelPackageGroup":
        return f"arn:aws:sagemaker:{where}:model-package-group/{parameters['ModelPackageGroupName']}"
    if call["operation"] == "ListTags":
        return str(parameters["ResourceArn"])
    if call["operation"] == "DescribeDomain":
        return f"arn:aws:sagemaker:{where}:domain/d-any"
    return "*"
