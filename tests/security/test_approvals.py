"""Attack stories around approved models: one project's flood or failures, and another product under a project's name.

The queue behaves as SQS's FIFO queues do: a message that comes back holds up its own group, and a group nobody else's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from custom_resources.clients.github import Repository
from custom_resources.errors import FinalError, GitHubUnavailable, NotAnApproval, RateLimited, RetryLater
from custom_resources.model_approval import ARRIVALS, Setup, approval, handle

RECEIVES = 5  # products/studio/approvals.py
SETUP = Setup("prod-1", "deploy_model.yml", "us-east-1:123456789012", "queue", "dead")


@dataclass
class Queue:
    """The approvals queue with its dead letters, and what the function does with a message."""

    clients: Any = None
    groups: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)
    dead: list[str] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    invocations: int = 0

    def send(self, queue: str, body: str, group: str, deduplication: str) -> None:
        if queue == "dead":
            self.dead.append(body)
        elif (group, deduplication) not in self.seen:
            self.seen.add((group, deduplication))
            self.groups.setdefault(group, []).append((body, deduplication, 0))

    def approve(self, project: str, event: str, place: str = "us-east-1:123456789012") -> None:
        group = f"aiops-{project}-models"
        package = f"arn:aws:sagemaker:{place}:model-package/{group}/1"
        detail = {"ModelPackageArn": package, "ModelPackageGroupName": group, "ModelApprovalStatus": "Approved"}
        self.send("queue", json.dumps({"id": event, "detail": detail}), ARRIVALS, f"arrival-{event}-{self.invocations}")

    def round(self) -> None:
        """Have the function receive the first message of each group, once."""
        for group in list(self.groups):
            if not self.groups[group]:
                continue
            body, deduplication, received = self.groups[group][0]
            self.invocations += 1
            record = {"body": body, "messageId": deduplication, "attributes": {"MessageGroupId": group}}
            try:
                handle({"Records": [record]}, self.clients, SETUP)
            except RetryLater:
                self.groups[group][0] = (body, deduplication, received + 1)
                if received + 1 < RECEIVES:
                    continue
                self.dead.append(body)
            self.groups[group].pop(0)


@dataclass
class GitHub:
    """A deploy repository for each project; `failing` projects' starts fail in their own way."""

    failing: dict[str, Exception] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def repository_by_id(self, identifier: int, full_name: str) -> Repository:
        return Repository(identifier, full_name, "", "", "main", "", False, True, "private")

    def variable(self, full_name: str, name: str) -> str | None:
        return self.variables.get(full_name)

    def put_variables(self, full_name: str, variables: dict[str, str]) -> None:
        (self.variables[full_name],) = variables.values()

    def dispatch_workflow(self, full_name: str, workflow: str, ref: str, inputs: dict[str, str]) -> None:
        self.asked.append(full_name)
        if failure := self.failing.get(full_name):
            raise failure
        self.started.append(full_name)


@dataclass
class Clients:
    github: GitHub
    queues: Queue

    @property
    def service_catalog(self) -> Clients:
        return self

    def outputs_with(self, product_id: str, key: str, value: str, likely_name: str) -> dict[str, str]:
        project = likely_name.removeprefix("studio-")
        return {"DeployRepositoryId": "7", "DeployRepositoryUrl": f"https://github.com/acme/{project}"}


def installation(**failing: Exception) -> tuple[Queue, GitHub]:
    github, queue = GitHub({f"acme/{name}": failure for name, failure in failing.items()}), Queue()
    queue.clients = Clients(github, queue)
    return queue, github


def test_a_project_that_waits_for_ever_holds_up_nobody_else() -> None:
    queue, github = installation(mallory=RateLimited(60, message="x"))
    queue.approve("mallory", "m")
    queue.approve("victim", "v")
    for _ in range(3):
        queue.round()
    assert github.started == ["acme/victim"], "arrivals are sorted one a round, then each group goes by itself"


def test_a_flood_of_one_projects_approvals_delays_another_by_its_sorting_alone() -> None:
    queue, github = installation(mallory=FinalError("GitHub refused."))
    for number in range(50):
        queue.approve("mallory", f"m{number}")
    queue.approve("victim", "v")
    rounds = 0
    while not github.started:
        queue.round()
        rounds += 1
    assert rounds == 52, "a round a sorted message: no request to GitHub stands before the victim's"
    while any(queue.groups.values()):
        queue.round()
    assert len(queue.dead) == 50
    assert len(github.asked) == 51, "what is refused for good is asked once"
    assert queue.invocations == 51 + 51


def test_one_approval_starts_one_deployment_whatever_fails() -> None:
    queue, github = installation(mallory=GitHubUnavailable(5, activity="a", status=502))
    queue.approve("mallory", "m")
    for _ in range(10):
        queue.round()
    assert github.asked == ["acme/mallory"], "it may have started it: nobody asks again"
    assert len(queue.dead) == 1


def test_an_event_that_comes_again_starts_nothing() -> None:
    queue, github = installation()
    for _ in range(5):
        queue.approve("victim", "v")
        queue.round()
        queue.round()
        queue.seen.clear()  # five minutes later
    assert github.started == ["acme/victim"]


@pytest.mark.parametrize("place", ["us-east-1:333333333333", "us-west-2:123456789012", "us-west-2:333333333333"])
@pytest.mark.parametrize("message_group", [ARRIVALS, "aiops-victim-models"])
def test_another_accounts_or_regions_model_deploys_nowhere(place: str, message_group: str) -> None:
    """C names a group of its own as B's project has it: B's repository would deploy C's model."""
    queue, github = installation()
    queue.approve("victim", "forged", place)
    ((body, deduplication, received),) = queue.groups.pop(ARRIVALS)
    queue.groups[message_group] = [(body, deduplication, received)]
    for _ in range(3):
        queue.round()
    assert github.started == []
    assert github.asked == []
    assert [json.loads(each)["id"] for each in queue.dead] == ["forged"], "an administrator sees it"
    queue.approve("victim", "v")
    for _ in range(3):
        queue.round()
    assert github.started == ["acme/victim"]


def test_a_model_whose_name_only_contains_the_group_is_not_the_groups() -> None:
    group = "aiops-victim-models"
    for package in (
        f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{group}/1/../x",
        f"arn:aws:sagemaker:us-east-1:123456789012:model-package/aiops-mallory-models/:model-package/{group}/1",
        f"x:model-package/{group}/1",
    ):
        detail = {"ModelPackageArn": package, "ModelPackageGroupName": group, "ModelApprovalStatus": "Approved"}
        with pytest.raises(NotAnApproval):
            approval(json.dumps({"id": "e1", "detail": detail}))
