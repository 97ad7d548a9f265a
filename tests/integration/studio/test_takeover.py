"""Attack stories on the real stacks: a launch for another's project, a second launch, a forged event of Studio, an
invocation of a function. Each is refused with one sentence, and the victim has what it had."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from local import ministack, projects
from local import run as runs
from tests.integration.studio.conftest import SECOND_DOOR, Installation, eventually

pytestmark = [pytest.mark.long, pytest.mark.shares("both doors", seconds=120)]


def launch(installation: Installation, role: str, project: str, **more: str) -> dict[str, Any]:
    """Launch the product for a project as a role that the portfolio lets in; return the record when it has ended."""
    parameters = {"DomainId": installation.domain, "ProjectId": project, "Organization": runs.ORGANIZATION, **more}
    launched = installation.client_as(role, "servicecatalog").provision_product(
        ProductId=installation.stack_outputs("PortfolioStack")["ProductId"],
        ProvisioningArtifactName=installation.version,
        ProvisionedProductName=f"launch-{uuid.uuid4()}",
        ProvisionToken=str(uuid.uuid4()),
        ProvisioningParameters=[{"Key": key, "Value": value} for key, value in parameters.items()],
    )["RecordDetail"]["RecordId"]

    def ended() -> dict[str, Any] | None:
        record = dict(installation.catalog.describe_record(Id=launched)["RecordDetail"])
        return record if record["Status"] in ("SUCCEEDED", "FAILED") else None

    return eventually(ended)


def stranger(installation: Installation) -> str:
    """Return a role that somebody has let into the portfolio, and that the settings do not name."""
    name, iam = "let-in-by-hand", installation.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    portfolio = installation.stack_outputs("PortfolioStack")["PortfolioId"]
    installation.catalog.associate_principal_with_portfolio(
        PortfolioId=portfolio, PrincipalARN=arn, PrincipalType="IAM"
    )
    return name


def invoke(installation: Installation, function: str, event: dict[str, Any]) -> str:
    """Invoke a function as whoever has lambda:InvokeFunction; return its error."""
    answer = installation.client("lambda").invoke(
        FunctionName=f"{projects.prefix()}{function}", Payload=json.dumps(event).encode()
    )
    told = json.loads(answer["Payload"].read())
    return str(told.get("errorMessage", ""))


def test_nobody_takes_over_a_project(installation: Installation) -> None:
    victim = installation.create("victim", SECOND_DOOR)
    installation.deployed(victim)
    installation.available(victim)
    outputs = installation.outputs(victim)
    before = [installation.repository(outputs[f"{part}RepositoryName"]) for part in ("Build", "Deploy")]
    role = installation.client("iam").get_role(RoleName=f"{projects.prefix()}wf-{victim}")["Role"]

    by_a_stranger = launch(installation, stranger(installation), victim)
    assert f"may not launch the product for the project {victim}" in str(by_a_stranger["RecordErrors"])
    again = launch(
        installation, installation.portfolio_principal(), victim, BuildRepositoryName="b", DeployRepositoryName="d"
    )
    assert f"The project {victim} is already launched" in str(again["RecordErrors"])

    # An event that says that it was deleted; Studio says that it is not.
    installation.put_event(
        "aws.datazone",
        "AWS API Call via CloudTrail",
        {
            "eventSource": "datazone.amazonaws.com",
            "eventName": "DeleteProject",
            "requestParameters": {"domainIdentifier": installation.domain, "identifier": victim},
        },
    )
    ended = eventually(
        lambda: [
            item
            for item in installation.executions().values()
            if all(each in str(item["input"]) for each in ("DeleteProject", victim)) and item["status"] != "RUNNING"
        ]
    )
    assert [installation.final_state(item) for item in ended] == ["NotDeleted"]
    asked = [call for call in installation.calls("TerminateProvisionedProduct") if victim in json.dumps(call)]
    assert asked == []

    # An event that CloudFormation has not sent, for the victim's stack and for a repository of the victim's.
    found = installation.catalog.search_provisioned_products(
        AccessLevelFilter={"Key": "Account", "Value": "self"}, Filters={"SearchQuery": [f"name:studio-{victim}"]}
    )["ProvisionedProducts"]
    forged = {
        "RequestType": "Delete",
        "StackId": found[0]["PhysicalId"],
        "LogicalResourceId": "BuildRepository",
        "PhysicalResourceId": outputs["BuildRepositoryId"],
        "ResourceProperties": {
            "Organization": runs.ORGANIZATION,
            "Name": outputs["BuildRepositoryName"],
            "Part": "model_build",
            "DomainId": installation.domain,
            "ProjectId": victim,
            "ProjectName": "victim",
            "Visibility": "private",
        },
    }
    assert "the stack has the status CREATE_COMPLETE" in invoke(installation, "github-repository", forged)

    assert [installation.repository(each["name"]) for each in before] == before
    assert installation.client("iam").get_role(RoleName=role["RoleName"])["Role"] == role
    assert installation.launch(victim)["Status"] == "AVAILABLE"  # type: ignore[index]
    assert ministack.ACCOUNT in role["Arn"]
