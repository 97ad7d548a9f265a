"""The first door: profile -> environment -> blueprint template -> provisioned product -> repositories."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from local import domain, logs, studio
from local import run as runs
from local.home import LocalError
from tests.integration.studio.conftest import DOMAIN, FIRST_DOOR, OWN, Installation, eventually, quiet

pytestmark = [pytest.mark.long, pytest.mark.shares("both doors", seconds=75)]


def names(installation: Installation, project: str) -> tuple[str, str]:
    outputs = installation.outputs(project)
    return outputs["BuildRepositoryName"], outputs["DeployRepositoryName"]


def test_a_project_gets_its_repositories_and_loses_them_with_it(installation: Installation) -> None:
    project = installation.create("churn")
    installation.deployed(project)
    outputs = installation.outputs(project)
    assert names(installation, project) == ("churn-build", "churn-deploy")
    assert outputs["BuildTemplateVersion"] == installation.version
    build, deploy = (installation.repository(name) for name in names(installation, project))
    assert build["secrets"]["SAGEMAKER_PROJECT_NAME"] == "churn"
    assert build["secrets"]["AMAZON_DATAZONE_PROJECT"] == project
    assert build["secrets"]["SAGEMAKER_PIPELINE_ROLE_ARN"].startswith("arn:aws:iam::")
    assert "DEPLOY_ACCOUNT" in deploy["secrets"]
    assert not build["archived"]

    # The environment shows what was launched, and the blueprint's role launched it.
    environments = installation.datazone.list_environments(domainIdentifier=DOMAIN, projectIdentifier=project)["items"]
    assert {item["status"] for item in environments} == {"ACTIVE"}
    (ours,) = [item for item in environments if item["name"] != "Tooling"]
    described = installation.datazone.get_environment(domainIdentifier=DOMAIN, identifier=ours["id"])
    provisioned = {item["name"]: item["value"] for item in described["provisionedResources"]}
    assert provisioned["BuildRepositoryUrl"] == outputs["BuildRepositoryUrl"]
    launched = installation.calls("ProvisionProduct", "role/studio-mlops-provisioning")
    assert f"studio-{project}" in {call["parameters"]["ProvisionedProductName"] for call in launched}
    # What Studio told the launch, nobody asked it again (docs/decisions/0055).
    assert [call for call in by_the_function(installation, "datazone") if project in call["parameters"].values()] == []
    assert "ListDomains" in {call["operation"] for call in by_the_function(installation, "sagemaker")}
    told = logs.project_logs(installation.run, "churn")
    assert ("BuildTemplate", "CREATE_COMPLETE") in {(event["resource"], event["status"]) for event in told["events"]}
    assert told["functions"]
    with pytest.raises(LocalError, match=r"There is no project nosuch; there are: .*churn"):
        logs.project_logs(installation.run, "nosuch")

    # Deleted in Studio: terminated through the environment; the second door keeps its hands off.
    installation.delete(project)
    assert installation.launch(project) is None
    for repository in (build, deploy):
        assert installation.repository(repository["full_name"].rpartition("/")[2])["archived"]
    ends = {installation.final_state(item) for item in installation.settled(project)}
    assert ends <= {"NotOurs", "ProjectGone", "NotYet"}
    terminated = installation.calls("TerminateProvisionedProduct", "role/studio-mlops-project-setup")
    assert project not in str(terminated)


def test_two_projects_at_once_and_a_profile_of_our_own(installation: Installation) -> None:
    projects = [installation.create("left"), installation.create("right"), installation.create("own", OWN)]
    for project in projects:
        installation.deployed(project)
    found = [installation.outputs(project) for project in projects]
    assert [item["ProfileName"] for item in found] == [FIRST_DOOR, FIRST_DOOR, OWN]
    every = [name for project in projects for name in names(installation, project)]
    assert len(set(every)) == 6
    for project in projects:
        assert installation.repository(names(installation, project)[0])["secrets"]["AMAZON_DATAZONE_PROJECT"] == project


def test_our_environment_waits_for_tooling_that_takes_long(installation: Installation) -> None:
    installation.tooling("slow", held=True)
    project = installation.create("slow")

    def begun() -> bool:
        details = installation.project(project)["environmentDeploymentDetails"]
        return bool(details["overallDeploymentStatus"] == "IN_PROGRESS")

    eventually(begun)
    assert installation.launch(project) is None
    installation.tooling("slow")
    installation.deployed(project)
    assert installation.outputs(project)["ProjectName"] == "slow"


def test_a_launch_by_hand_waits_for_the_tooling_environment_too(installation: Installation) -> None:
    """Nothing in it waits for the project: that is IN_PROGRESS all the while, with our environment still to come."""
    installation.tooling("early", held=True)
    project = installation.create("early")
    launched = launch_by_hand(installation, project)
    assert installation.catalog.describe_record(Id=launched)["RecordDetail"]["Status"] in ("CREATED", "IN_PROGRESS")
    installation.tooling("early")
    succeeded(installation, launched)
    assert installation.project(project)["environmentDeploymentDetails"]["overallDeploymentStatus"] != "SUCCESSFUL"
    # The blueprint's own launch finds the name taken: one launch a project.
    details = installation.deployed(project, "FAILED_DEPLOYMENT")
    assert f"studio-{project}" in str(details["environmentFailureReasons"])


def reasons_of_launches(installation: Installation, project: str) -> list[str]:
    """Return why the stacks of the product failed that were launched for a project."""
    wanted = {"ParameterKey": "ProjectId", "ParameterValue": project}
    stacks = [
        item["StackId"]
        for item in installation.client("cloudformation").describe_stacks()["Stacks"]
        if item["StackName"].startswith("SC-")
        and any(wanted.items() <= parameter.items() for parameter in item["Parameters"])
    ]
    return [reason for stack in stacks for reason in installation.stack_reasons(stack)]


def test_tooling_that_fails_is_the_reason_in_the_stack_event(installation: Installation) -> None:
    installation.tooling("broken", failure="The VPC has no free addresses")
    project = installation.create("broken")
    installation.deployed(project, "FAILED_DEPLOYMENT")
    assert installation.launch(project) is None
    launched = launch_by_hand(installation, project)
    eventually(lambda: record(installation, launched)["Status"] == "FAILED")
    reasons = reasons_of_launches(installation, project)
    sentence = f"Studio could not deploy the project {project}: The VPC has no free addresses."
    assert any(sentence in reason for reason in reasons), reasons


def launch_by_hand(
    installation: Installation, project: str, role: str = "studio-mlops-project-setup", **parameters: str
) -> str:
    """Launch as a principal of the portfolio that is not Studio: to repair something. Returns the record's id."""
    product = installation.stack_outputs("PortfolioStack")["ProductId"]
    catalog = installation.client_as(role, "servicecatalog")
    name = f"studio-{project}" if installation.launch(project) is None else f"again-{project}"
    answer = catalog.provision_product(
        ProductId=product,
        ProvisioningArtifactName=installation.version,
        ProvisionedProductName=name,
        ProvisionToken=f"hand-{project}",
        ProvisioningParameters=[
            {"Key": key, "Value": value}
            for key, value in {
                "DomainId": DOMAIN,
                "ProjectId": project,
                "Organization": runs.ORGANIZATION,
                **parameters,
            }.items()
        ],
    )
    return str(answer["RecordDetail"]["RecordId"])


def succeeded(installation: Installation, identifier: str) -> None:
    """Wait until a record of Service Catalog's has succeeded. Fails with its reasons."""
    ended = eventually(
        lambda: next(
            (
                found
                for found in [record(installation, identifier)]
                if found["Status"] not in ("CREATED", "IN_PROGRESS")
            ),
            None,
        )
    )
    assert ended["Status"] == "SUCCEEDED", ended["RecordErrors"]


def by_the_function(installation: Installation, service: str) -> list[dict[str, Any]]:
    """Return what the function of Custom::StudioProject asked a service."""
    calls = installation.run.standin_aws.call("GET", f"calls?service={service}")
    return [call for call in calls if "StudioProject" in call["caller"]]


def record(installation: Installation, identifier: str) -> dict[str, Any]:
    return dict(installation.catalog.describe_record(Id=identifier)["RecordDetail"])


@pytest.mark.slow
def test_the_repository_of_studios_git_connection_is_adopted(installation: Installation) -> None:
    full_name = f"{runs.ORGANIZATION}/notebooks"
    installation.github("POST", f"/orgs/{runs.ORGANIZATION}/repos", {"name": "notebooks", "auto_init": True})
    before = installation.repository("notebooks")
    connected = {
        "environmentConfigurationName": "MLOps repositories",
        "environmentParameters": [{"name": "gitFullRepositoryId", "value": full_name}],
    }
    project = installation.create("connected", userParameters=[connected])
    installation.deployed(project)
    outputs = installation.outputs(project)
    assert outputs["BuildRepositoryName"] == "notebooks"
    assert outputs["BuildRepositoryId"] == str(before["id"])
    assert installation.repository("notebooks")["secrets"]["AMAZON_DATAZONE_PROJECT"] == project
    assert outputs["DeployRepositoryName"] == "connected-deploy"
    installation.delete(project)
    assert installation.repository("notebooks")["archived"]


@pytest.mark.slow
def test_a_connection_to_somebody_elses_repository_takes_nothing(installation: Installation) -> None:
    """Studio lets a user name any repository; a launch adopts it with a consent only."""
    place, path = f"/repos/{runs.ORGANIZATION}/wages", ".github/studio-project.yml"
    installation.github("POST", f"/orgs/{runs.ORGANIZATION}/repos", {"name": "wages", "auto_init": True})
    content = base64.b64encode(b"domain: dzd_1\nproject: payroll\n").decode()
    installation.github("PUT", f"{place}/contents/{path}", {"message": "Ours", "content": content})
    before = installation.repository("wages")
    connected = {
        "environmentConfigurationName": "MLOps repositories",
        "environmentParameters": [{"name": "gitFullRepositoryId", "value": f"{runs.ORGANIZATION}/wages"}],
    }
    project = installation.create("thief", userParameters=[connected])
    details = installation.deployed(project, "FAILED_DEPLOYMENT")
    said = f"its owners have not consented to adoption ({path}: the file names another project)"
    assert said in str(details["environmentFailureReasons"])
    assert installation.repository("wages") == before


def test_what_studio_does_not_fill_in_is_looked_up(installation: Installation) -> None:
    """Whether every reserved parameter is filled in, in a domain of either kind, is not known."""
    reserved = ("userRoleArn", "s3BucketArn", "datazoneEnvironmentProjectName", "datazoneScopeName")
    rules = {"domainId": installation.domain, "leftOut": [*reserved, "AmazonDataZoneProject"]}
    installation.run.standin_aws.call("POST", "rules", rules)
    try:
        project = installation.create("untold")
        installation.deployed(project)
    finally:
        installation.run.standin_aws.call("POST", "rules", {**rules, "leftOut": []})
    outputs = installation.outputs(project)
    assert outputs["ProjectName"] == "untold"
    secrets = installation.repository(outputs["BuildRepositoryName"])["secrets"]
    assert f"role/datazone_usr_role_{project}_" in secrets["SAGEMAKER_PIPELINE_ROLE_ARN"]
    asked = {call["operation"] for call in by_the_function(installation, "sagemaker")}
    assert "DescribeDomain" in asked


def test_a_principal_of_the_portfolio_cannot_name_another_projects_role(installation: Installation) -> None:
    """Whoever launches for one project with another's role would let its workflows act as the other project."""
    mine, other = installation.create("mine"), installation.create("other")
    for project in (mine, other):
        installation.deployed(project)
    secrets = installation.repository(names(installation, other)[0])["secrets"]
    launched = launch_by_hand(
        installation, mine, installation.portfolio_principal(), UserRoleArn=secrets["SAGEMAKER_PIPELINE_ROLE_ARN"]
    )
    eventually(lambda: record(installation, launched)["Status"] == "FAILED")
    errors = str(record(installation, launched)["RecordErrors"])
    assert f"is not the role of the project {mine}" in errors, errors


def test_a_profile_without_our_environment_is_told_to_its_user(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "use_profile", lambda *_: None)
    monkeypatch.setattr(runs, "up", lambda *_: installation.run)
    (ours,) = installation.datazone.list_project_profiles(domainIdentifier=DOMAIN, name=FIRST_DOOR)["items"]
    profile = installation.datazone.get_project_profile(domainIdentifier=DOMAIN, identifier=ours["id"])
    tooling = [each for each in profile["environmentConfigurations"] if each["name"] == "Tooling"]
    bare = installation.datazone.create_project_profile(
        domainIdentifier=DOMAIN, name="Bare", status="ENABLED", environmentConfigurations=tooling
    )
    installation.datazone.add_policy_grant(
        domainIdentifier=DOMAIN,
        entityType="DOMAIN_UNIT",
        entityIdentifier=profile["domainUnitId"],
        policyType="CREATE_PROJECT_FROM_PROJECT_PROFILE",
        principal={"user": {"allUsersGrantFilter": {}}},
        detail={"createProjectFromProjectProfile": {"includeChildDomainUnits": True, "projectProfiles": [bare["id"]]}},
    )
    with pytest.raises(LocalError, match="the profile Bare has no environment"):
        studio.create_project(installation.run.home, "bare", "Bare", quiet())
