"""The second door: events -> state machine -> provisioned product, and its end; the state machine runs on MiniStack."""

from __future__ import annotations

import json
from typing import Any

import pytest

from custom_resources.repository_names import short_id
from tests.integration.studio.conftest import DOMAIN, SECOND_DOOR, Installation, eventually

pytestmark = [pytest.mark.long, pytest.mark.shares("both doors", seconds=75)]

SETUP = "role/studio-mlops-project-setup"


def created_event(project: str) -> dict[str, Any]:
    """CloudTrail's CreateProject, names redacted."""
    return {
        "eventSource": "datazone.amazonaws.com",
        "eventName": "CreateProject",
        "requestParameters": {"domainIdentifier": DOMAIN, "name": "HIDDEN_DUE_TO_SECURITY_REASONS"},
        "responseElements": {"id": project, "domainId": DOMAIN, "name": "HIDDEN_DUE_TO_SECURITY_REASONS"},
    }


@pytest.fixture
def notifications(installation: Installation) -> Any:
    """A subscriber of the topic: returns the messages about a project that came so far."""
    sqs, sns = installation.client("sqs"), installation.client("sns")
    queue = sqs.create_queue(QueueName="notified")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = installation.stack_outputs("FoundationStack")["NotificationTopic"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    received: list[dict[str, Any]] = []

    def about(project: str) -> list[dict[str, Any]]:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        received.extend(json.loads(message["Body"]) for message in messages)
        return [item for item in received if project in item["Message"]]

    yield about
    sns.unsubscribe(SubscriptionArn=subscription)
    sqs.delete_queue(QueueUrl=queue)


def test_a_project_gets_its_repositories_by_event_and_loses_them_with_it(installation: Installation) -> None:
    installation.tooling("eventful", seconds=2)
    project = installation.create("eventful", SECOND_DOOR)
    launch = installation.available(project)
    assert launch["IdempotencyToken"] == project
    outputs = installation.outputs(project)
    assert (outputs["ProfileName"], outputs["ProjectName"]) == (SECOND_DOOR, "eventful")
    repositories = [outputs["BuildRepositoryName"], outputs["DeployRepositoryName"]]
    assert all(not installation.repository(name)["archived"] for name in repositories)
    executions = installation.settled(project)
    assert {item["status"] for item in executions} == {"SUCCEEDED"}
    assert "Done" in {installation.final_state(item) for item in executions}

    installation.delete(project)
    eventually(lambda: installation.launch(project) is None)
    assert all(installation.repository(name)["archived"] for name in repositories)
    assert {item["status"] for item in installation.settled(project)} == {"SUCCEEDED"}


def test_the_same_event_many_times_is_one_product_until_that_is_terminated_by_hand(installation: Installation) -> None:
    project = installation.create("again", SECOND_DOOR)
    for _ in range(3):
        installation.put_event("aws.datazone", "AWS API Call via CloudTrail", created_event(project))
    first = installation.available(project)
    installation.put_event("aws.datazone", "AWS API Call via CloudTrail", created_event(project))
    executions = installation.settled(project)
    assert len(executions) >= 5
    assert {item["status"] for item in executions} == {"SUCCEEDED"}
    tokens = {
        call["parameters"]["ProvisionToken"]
        for call in installation.calls("ProvisionProduct", SETUP)
        if call["parameters"]["ProvisionedProductName"] == f"studio-{project}"
    }
    assert tokens == {project}
    names = [
        item["Name"]
        for item in installation.catalog.search_provisioned_products(
            AccessLevelFilter={"Key": "Account", "Value": "self"}, PageSize=100
        )["ProvisionedProducts"]
    ]
    assert names.count(f"studio-{project}") == 1

    # Service Catalog answers the used token with the launch that is no more.
    installation.catalog.terminate_provisioned_product(ProvisionedProductId=first["Id"], TerminateToken="by-hand")
    eventually(lambda: installation.launch(project) is None)
    for _ in range(2):
        installation.put_event("aws.datazone", "AWS API Call via CloudTrail", created_event(project))
    second = installation.available(project)
    assert second["Id"] != first["Id"]
    assert second["IdempotencyToken"] == f"{project}-{first['LastProvisioningRecordId']}"
    assert {item["status"] for item in installation.settled(project)} == {"SUCCEEDED"}
    launched = installation.catalog.list_record_history(
        SearchFilter={"Key": "provisionedproduct", "Value": second["Id"]}
    )["RecordDetails"]
    assert [item["RecordType"] for item in launched] == ["PROVISION_PRODUCT"]


def test_two_projects_at_once(installation: Installation) -> None:
    projects = [installation.create(name, SECOND_DOOR) for name in ("east", "west")]
    for project in projects:
        installation.available(project)
    every = [
        installation.outputs(project)[f"{part}RepositoryName"] for project in projects for part in ("Build", "Deploy")
    ]
    assert len(set(every)) == 4


def test_a_project_that_fails_is_notified_by_name_and_reason(installation: Installation, notifications: Any) -> None:
    installation.tooling("unlucky", failure="The service quota for domains is reached")
    project = installation.create("unlucky", SECOND_DOOR)
    (message, *_) = eventually(lambda: notifications(project))
    assert message["Subject"] == f"Studio project {project}: repositories need attention"
    assert "The Studio project unlucky" in message["Message"]
    assert "The service quota for domains is reached" in message["Message"]
    assert installation.launch(project) is None
    assert "FAILED" in {item["status"] for item in installation.settled(project)}


def test_a_launch_that_fails_is_notified_and_can_be_tried_again(installation: Installation, notifications: Any) -> None:
    """A stranger's repository has the name: the launch is refused; once it is renamed, the event works again."""
    installation.tooling("refused", held=True)
    project = installation.create("refused", SECOND_DOOR)
    name = f"refused-deploy-{short_id(DOMAIN, project)}"
    for stranger in ("refused-deploy", name):
        installation.github("POST", "/orgs/studio-projects/repos", {"name": stranger, "auto_init": True})
    installation.tooling("refused")
    (message, *_) = eventually(lambda: notifications(project))
    assert (
        f"The repository studio-projects/{name} already exists and does not belong to this project"
        in message["Message"]
    )
    installation.settled(project)
    installation.github("PATCH", f"/repos/studio-projects/{name}", {"name": "the-strangers"})
    installation.put_event("aws.datazone", "AWS API Call via CloudTrail", created_event(project))

    def launched() -> bool:
        found = installation.launch(project)
        return bool(found and found["Status"] == "AVAILABLE")

    eventually(launched)
    assert installation.outputs(project)["DeployRepositoryName"] == name


def test_other_domains_and_profiles_are_not_ours(installation: Installation) -> None:
    stranger = {**created_event("strangers00001"), "requestParameters": {"domainIdentifier": "dzd-another"}}
    before = len(installation.executions())
    installation.put_event("aws.datazone", "AWS API Call via CloudTrail", stranger)
    native = {"metadata": {"domain": "dzd-another", "owningProjectId": "strangers00001"}, "data": {}}
    installation.put_event("aws.datazone", "Environment Deployment Completed", native)
    (execution,) = installation.settled("strangers00001")
    assert installation.final_state(execution) == "NotOurs"
    assert len(installation.executions()) == before + 1
