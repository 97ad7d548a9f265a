"""Which repository an approved model goes to, and that it goes there once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from custom_resources.clients.github import Repository
from custom_resources.clients.service_catalog import ServiceCatalog
from custom_resources.clients.stacks import CloudFormationStacks
from custom_resources.errors import (
    AnswerIncomplete,
    DeploymentUncertain,
    FinalError,
    GitHubUnavailable,
    GitHubUnreachable,
    NoDeployRepository,
    RetryLater,
)
from custom_resources.model_approval import ARRIVALS, REMEMBERED, Setup, _full_name, approval, handle, start_deployment

GROUP = "aiops-proj1-models"
PACKAGE = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{GROUP}/1"


def message(
    event: str = "e1", group: str = GROUP, status: str = "Approved", message_group: str = GROUP, **more: Any
) -> dict[str, Any]:
    package = PACKAGE.replace(GROUP, group)
    detail = {"ModelPackageArn": package, "ModelPackageGroupName": group, "ModelApprovalStatus": status, **more}
    attributes = {"MessageGroupId": message_group}
    body = json.dumps({"id": event, "detail": detail})
    return {"Records": [{"body": body, "messageId": f"m-{event}", "attributes": attributes}]}


@dataclass
class GitHub:
    """Repositories by id; what was started; variables."""

    repositories: dict[int, Repository] = field(default_factory=dict)
    started: list[tuple[str, str, str, dict[str, str]]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    failure: Exception | None = None
    forgetful: bool = False  # variables cannot be written after a start

    def repository_by_id(self, identifier: int, full_name: str) -> Repository | None:
        return self.repositories.get(identifier)

    def variable(self, full_name: str, name: str) -> str | None:
        return self.variables.get(name)

    def put_variables(self, full_name: str, variables: dict[str, str]) -> None:
        if self.forgetful and self.started:
            raise RetryLater(5, "GitHub answered 502.")
        self.variables |= variables

    def dispatch_workflow(self, full_name: str, workflow: str, ref: str, inputs: dict[str, str]) -> None:
        if self.failure:
            raise self.failure
        self.started.append((full_name, workflow, ref, inputs))


@dataclass
class Launches:
    """Service Catalog's answer."""

    outputs: dict[str, str] | None

    def outputs_with(self, product_id: str, key: str, value: str, likely_name: str) -> dict[str, str] | None:
        assert (product_id, key, likely_name) == ("prod-1", "ModelPackageGroupName", "studio-proj1")
        return self.outputs


@dataclass
class Queues:
    """What was sent where, into which group, deduplicated by what."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)

    def send(self, queue: str, body: str, group: str, deduplication: str) -> None:
        self.sent.append((queue, group, deduplication))


@dataclass
class Clients:
    github: GitHub
    service_catalog: Launches
    queues: Queues = field(default_factory=Queues)


@pytest.fixture
def clients() -> Clients:
    repository = Repository(7, "acme/renamed", "https://g/acme/renamed", "", "trunk", "", False, True, "private")
    outputs = {"DeployRepositoryId": "7", "DeployRepositoryUrl": "https://github.com/acme/first-name"}
    return Clients(GitHub({7: repository}), Launches(outputs))


def run(clients: Clients, event: dict[str, Any]) -> None:
    handle(event, clients, Setup("prod-1", "deploy_model.yml", "us-east-1:123456789012", "queue", "dead"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outputs", "name"),
    [
        ({"DeployRepositoryUrl": "https://github.com/acme/x"}, "acme/x"),
        ({"DeployRepositoryUrl": "https://ghe.example.com:8443/acme/x/"}, "acme/x"),
        ({}, ""),
    ],
)
def test_the_name_is_the_end_of_the_address(outputs: dict[str, str], name: str) -> None:
    assert _full_name(outputs) == name


def test_the_repository_is_found_by_its_id_and_its_default_branch_runs(clients: Clients) -> None:
    run(clients, message())
    assert clients.github.started == [("acme/renamed", "deploy_model.yml", "trunk", {"model_package_arn": PACKAGE})]
    assert clients.github.variables == {REMEMBERED: "e1"}


@pytest.mark.parametrize(
    ("changed", "started"),
    [
        (["CustomerMetadataProperties"], 0),
        (["ModelLifeCycle", "ApprovalDescription"], 0),
        (["ModelApprovalStatus", "ApprovalDescription"], 1),
        ([], 1),
        (None, 1),
    ],
)
def test_only_the_approval_itself_deploys(clients: Clients, changed: list[str] | None, started: int) -> None:
    """An approved package that changes otherwise has an event with ModelApprovalStatus Approved as well."""
    run(clients, message(UpdatedModelPackageFields=changed))
    assert len(clients.github.started) == started


def test_what_became_of_each_message_is_in_the_log(clients: Clients, caplog: pytest.LogCaptureFixture) -> None:
    """Sorted at its arrival, started once; what is no approval, or of no project of ours, is neither."""
    caplog.set_level("INFO")
    run(clients, message(message_group=ARRIVALS))
    run(clients, message(message_group=ARRIVALS, status="Rejected"))
    run(clients, message(message_group=ARRIVALS, group="somebody-elses"))
    run(clients, message())
    run(clients, message())
    clients.service_catalog.outputs = None
    run(clients, message("e2"))
    told = [vars(record) for record in caplog.records if record.getMessage() == "model package event"]
    assert [(each["queued"], each["outcome"]) for each in told] == [
        ("m-e1", "sorted"),
        ("m-e1", "not-ours"),
        ("m-e1", "not-ours"),
        ("m-e1", "started"),
        ("m-e1", "again"),
        ("m-e2", "not-ours"),
    ]


def test_an_event_that_comes_again_starts_nothing(clients: Clients) -> None:
    for _ in range(3):
        run(clients, message("e1"))
    run(clients, message("e2"))
    assert len(clients.github.started) == 2


def test_what_is_remembered_does_not_grow_for_ever(clients: Clients) -> None:
    for number in range(50):
        run(clients, message(f"e{number}"))
    assert clients.github.variables[REMEMBERED].split(",") == [f"e{number}" for number in range(30, 50)]


def test_a_wait_is_not_remembered_and_comes_back(clients: Clients) -> None:
    clients.github.failure = RetryLater(60, "rate limit")
    with pytest.raises(RetryLater):
        run(clients, message())
    assert clients.github.variables == {REMEMBERED: ""}
    assert clients.queues.sent == []
    clients.github.failure = None
    run(clients, message())
    assert len(clients.github.started) == 1


def test_what_can_never_work_is_a_dead_letter_at_once(clients: Clients, caplog: pytest.LogCaptureFixture) -> None:
    clients.github.failure = FinalError("GitHub refused.")
    run(clients, message())
    assert clients.queues.sent == [("dead", GROUP, "m-e1")]
    assert clients.github.variables == {REMEMBERED: ""}, "whoever redrives it gets another try"
    clients.github.failure = None
    clients.github.repositories.clear()
    run(clients, message("e2"))
    run(clients, {"Records": [{"body": "nonsense", "messageId": "m-3", "attributes": {"MessageGroupId": ARRIVALS}}]})
    assert [sent[0] for sent in clients.queues.sent] == ["dead"] * 3
    reasons = [str(vars(record).get("reason")) for record in caplog.records]
    assert (
        f"acme/first-name of the model package group {GROUP}: somebody deleted the repository, or the token lost"
        in reasons[1]
    )


@pytest.mark.parametrize("unanswered", [GitHubUnreachable(5, activity="a", kind="Timeout"), None])
def test_a_start_that_nobody_answered_is_never_made_twice(clients: Clients, unanswered: Exception | None) -> None:
    """GitHub may have started it; without a failure, the function was ended before it could note the start."""
    clients.github.failure = unanswered
    if unanswered is None:
        clients.github.variables = {REMEMBERED: "?e1"}
    else:
        with pytest.raises(RetryLater):
            run(clients, message())
    clients.github.failure = None
    for _ in range(5):
        run(clients, message())
    assert clients.github.started == []
    assert clients.queues.sent == [("dead", GROUP, "m-e1")] * 5


def test_a_start_that_cannot_be_noted_is_one_start(clients: Clients) -> None:
    clients.github.forgetful = True
    for _ in range(5):
        run(clients, message())
    assert len(clients.github.started) == 1


def test_an_arrival_is_sorted_into_its_projects_group_and_costs_github_nothing(clients: Clients) -> None:
    """A project whose deployments fail or wait holds up its own group."""
    run(clients, message(message_group=ARRIVALS))
    run(clients, message(message_group=ARRIVALS, group="aiops-proj2-models"))
    for nothing in ({"group": "churn"}, {"status": "Rejected"}, {"group": "aiops-a/b-models"}):
        run(clients, message(message_group=ARRIVALS, **nothing))
    assert clients.queues.sent == [("queue", GROUP, "e1"), ("queue", "aiops-proj2-models", "e1")]
    assert (clients.github.started, clients.github.variables) == ([], {})


@pytest.mark.parametrize(("group", "status"), [("churn", "Approved"), (GROUP, "Rejected")])
def test_what_is_not_ours_is_left_alone(clients: Clients, group: str, status: str) -> None:
    run(clients, message(group=group, status=status))
    clients.service_catalog.outputs = None
    run(clients, message())
    assert clients.github.started == []


def test_a_package_of_another_group_is_refused() -> None:
    """Who makes an event up could have a project's workflow deploy somebody else's model."""
    body = message(ModelPackageArn=PACKAGE.replace(GROUP, "aiops-proj2-models"))["Records"][0]["body"]
    with pytest.raises(FinalError, match="is not a SageMaker model package event"):
        approval(body)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"id": "1", "detail": {}}', '{"detail": {"ModelPackageArn": 1}}'])
def test_another_message_is_refused(body: str) -> None:
    with pytest.raises(FinalError, match="is not a SageMaker model package event"):
        approval(body)


# -- Service Catalog, held to botocore's model ----------------------------------------------------------------------


def catalog(client: Any) -> ServiceCatalog:
    return ServiceCatalog(client, CloudFormationStacks(boto3.client("cloudformation", region_name="us-east-1")))


def outputs(identifier: str, **values: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    listed = [{"OutputKey": key, "OutputValue": value} for key, value in values.items()]
    return "get_provisioned_product_outputs", {"Outputs": listed}, {"ProvisionedProductId": identifier, "PageSize": 20}


def found_with(*answers: tuple[str, dict[str, Any], dict[str, Any]], missing: bool = False) -> dict[str, str] | None:
    client = boto3.client("servicecatalog", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        if missing:
            stub.add_client_error("describe_provisioned_product", "ResourceNotFoundException")
        for method, answer, expected in answers:
            stub.add_response(method, answer, expected)
        found = catalog(client).outputs_with("prod-1", "ModelPackageGroupName", GROUP, "studio-proj1")
        stub.assert_no_pending_responses()
    return found


def search(*launches: tuple[str, str], token: str = "", more: str = "") -> tuple[str, dict[str, Any], dict[str, Any]]:
    answer: dict[str, Any] = {"ProvisionedProducts": [{"Id": i, "ProductId": p} for i, p in launches]}
    asked: dict[str, Any] = {
        "AccessLevelFilter": {"Key": "Account", "Value": "self"},
        "Filters": {"SearchQuery": ["productId:prod-1"]},
        "PageSize": 100,
    }
    return (
        "search_provisioned_products",
        answer | ({"NextPageToken": more} if more else {}),
        asked | ({"PageToken": token} if token else {}),
    )


def named(product: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    detail = {"ProvisionedProductDetail": {"Id": "pp-1", "ProductId": product}}
    return "describe_provisioned_product", detail, {"Name": "studio-proj1"}


def test_the_launch_of_the_projects_name_is_looked_at_first() -> None:
    assert found_with(named("prod-1"), outputs("pp-1", ModelPackageGroupName=GROUP, A="1")) == {
        "ModelPackageGroupName": GROUP,
        "A": "1",
    }


def test_another_product_under_the_projects_name_is_nobody() -> None:
    """Its outputs are its owner's to choose: they would have a workflow started in any repository."""
    assert found_with(named("prod-2"), search(("pp-1", "prod-2"))) is None


def test_a_launch_by_hand_may_have_any_name_on_any_page() -> None:
    found = found_with(
        search(("pp-1", "prod-1"), ("pp-2", "prod-2"), more="next"),
        outputs("pp-1", ModelPackageGroupName="another"),
        search(("pp-3", "prod-1"), token="next"),
        outputs("pp-3", ModelPackageGroupName=GROUP),
        missing=True,
    )
    assert found == {"ModelPackageGroupName": GROUP}


def test_nothing_found_is_none() -> None:
    assert found_with(search(), missing=True) is None


@pytest.mark.parametrize(
    ("code", "expected"), [("AccessDeniedException", FinalError), ("ThrottlingException", RetryLater)]
)
def test_service_catalogs_refusals(code: str, expected: type[Exception]) -> None:
    client = boto3.client("servicecatalog", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub, pytest.raises(expected):
        stub.add_client_error("describe_provisioned_product", code)
        catalog(client).outputs_with("prod-1", "ModelPackageGroupName", GROUP, "studio-proj1")


# -- what is noted, before and after -----------------------------------------------------------------------------------

NAME = "acme/renamed"


class Noting(GitHub):
    """GitHub that notes each call, and refuses to note the events that are named."""

    def __init__(self, repositories: dict[int, Repository]) -> None:
        super().__init__(repositories)
        self.done: list[tuple[Any, ...]] = []
        self.refuses: tuple[str, ...] = ()

    def repository_by_id(self, identifier: int, full_name: str) -> Repository | None:
        self.done.append(("by id", identifier, full_name))
        return super().repository_by_id(identifier, full_name)

    def variable(self, full_name: str, name: str) -> str | None:
        self.done.append(("variable", full_name, name))
        return super().variable(full_name, name)

    def put_variables(self, full_name: str, variables: dict[str, str]) -> None:
        self.done.append(("note", full_name, variables))
        if variables[REMEMBERED] in self.refuses:
            raise RetryLater(5, "GitHub answered 502.")
        super().put_variables(full_name, variables)

    def dispatch_workflow(self, full_name: str, workflow: str, ref: str, inputs: dict[str, str]) -> None:
        self.done.append(("start", full_name, workflow, ref, inputs))
        super().dispatch_workflow(full_name, workflow, ref, inputs)


@pytest.fixture
def noting(clients: Clients) -> Noting:
    clients.github = found = Noting(clients.github.repositories)
    return found


def started(clients: Clients, **given: Any) -> str:
    approved = approval(message(**given)["Records"][0]["body"])
    return start_deployment(approved, clients, "prod-1", "deploy_model.yml")  # type: ignore[arg-type]


LOOKED = [("by id", 7, "acme/first-name"), ("variable", NAME, REMEMBERED)]
START = ("start", NAME, "deploy_model.yml", "trunk", {"model_package_arn": PACKAGE})


def noted(events: str) -> tuple[Any, ...]:
    return ("note", NAME, {REMEMBERED: events})


def test_a_start_is_noted_as_begun_and_then_as_made(clients: Clients, noting: Noting) -> None:
    noting.variables[REMEMBERED] = "e0,,?e9"
    assert started(clients) == "started"
    assert noting.done == [*LOOKED, noted("e0,?e9,?e1"), START, noted("e0,?e9,e1")]
    noting.done.clear()
    assert started(clients) == "again"
    assert noting.done == LOOKED


def test_a_refused_start_is_forgotten_and_said_even_where_that_cannot_be_noted(
    clients: Clients, noting: Noting
) -> None:
    noting.variables[REMEMBERED] = "e0"
    noting.failure = FinalError("GitHub refused.")
    for noting.refuses in ((), ("e0",)):
        noting.done.clear()
        noting.variables[REMEMBERED] = "e0"
        with pytest.raises(FinalError) as raised:
            started(clients)
        assert raised.value is noting.failure
        assert noting.done == [*LOOKED, noted("e0,?e1"), START, noted("e0")]


@pytest.mark.parametrize(
    "unanswered",
    [
        GitHubUnreachable(5, activity="a", kind="Timeout"),
        GitHubUnavailable(5, "GitHub answered 502."),
        AnswerIncomplete(5, "GitHub's answer is incomplete."),
    ],
)
def test_a_start_without_an_answer_stays_noted_as_begun(
    clients: Clients, noting: Noting, unanswered: Exception
) -> None:
    noting.failure = unanswered
    with pytest.raises(type(unanswered)):
        started(clients)
    assert noting.done == [*LOOKED, noted("?e1"), START]
    noting.failure = None
    with pytest.raises(DeploymentUncertain) as uncertain:
        started(clients)
    assert uncertain.value.holes == {"model_package": PACKAGE, "repository": NAME, "variable": REMEMBERED}
    assert noting.done[4:] == LOOKED


def test_what_cannot_be_noted_as_begun_is_not_started(clients: Clients, noting: Noting) -> None:
    noting.refuses = ("?e1",)
    with pytest.raises(RetryLater):
        started(clients)
    assert noting.done == [*LOOKED, noted("?e1")]


def test_a_start_that_cannot_be_noted_as_made_is_in_the_log(
    clients: Clients, noting: Noting, caplog: pytest.LogCaptureFixture
) -> None:
    noting.refuses = ("e1",)
    assert started(clients) == "started"
    told = [(vars(each)["message"], vars(each)["reason"]) for each in caplog.records]
    assert told == [("the start is noted as begun", "GitHub answered 502.")]


def test_of_many_events_the_last_ones_are_kept(clients: Clients, noting: Noting) -> None:
    noting.variables[REMEMBERED] = ",".join(f"o{number}" for number in range(25))
    started(clients)
    kept = [f"o{number}" for number in range(6, 25)]
    assert noting.variables[REMEMBERED].split(",") == [*kept, "e1"]


@pytest.mark.parametrize(
    ("outputs", "repository"),
    [
        ({"DeployRepositoryId": "8", "DeployRepositoryUrl": "https://github.com/acme/x/"}, "acme/x"),
        ({"DeployRepositoryId": "", "DeployRepositoryUrl": "https://github.com/acme/x"}, "acme/x"),
        ({"DeployRepositoryUrl": "https://github.com/acme/x"}, "acme/x"),
        ({"DeployRepositoryId": "8"}, "8"),
        ({"DeployRepositoryId": "7a"}, "7a"),
        ({}, ""),
    ],
)
def test_a_deploy_repository_that_is_not_found_is_named(
    clients: Clients, noting: Noting, outputs: dict[str, str], repository: str
) -> None:
    clients.service_catalog.outputs = outputs
    with pytest.raises(NoDeployRepository) as missing:
        started(clients)
    assert missing.value.holes == {"repository": repository, "group": GROUP}
    name = repository if "/" in repository else ""
    assert noting.done == ([("by id", 8, name)] if outputs.get("DeployRepositoryId") == "8" else [])


def test_what_is_not_ours_asks_github_nothing(clients: Clients, noting: Noting) -> None:
    assert started(clients, status="Rejected") == "not-ours"
    assert started(clients, group="churn") == "not-ours"
    clients.service_catalog.outputs = None
    assert started(clients) == "not-ours"
    assert noting.done == []
