"""An account for attack stories: stacks as CloudFormation tells them, and every request to AWS counted.

The functions are the real ones with their real clients. DataZone and SageMaker are the stand-in's, DynamoDB is moto's;
CloudFormation and Service Catalog answer from dictionaries, since nobody may write there what AWS alone writes. No
function can reach GitHub or a secret: a story that would is an AssertionError.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from custom_resources import handlers
from custom_resources.caller import LAUNCH_TAG, PRINCIPAL_TAG, PRODUCT_TAG
from custom_resources.clients import FunctionClients
from standins.aws.datazone import tooling
from standins.aws.server import AwsStandIn
from tests import sleeping
from tests.seals import KmsInMemory

ACCOUNT, REGION = "123456789012", "us-east-1"  # the account is moto's
PRODUCT, TABLE = "prod-ours", "budget"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role"
ADMINISTRATOR, BLUEPRINT, SETUP = (
    f"{SESSION}/{role}/session" for role in ("Platform", "studio-mlops-provisioning", "studio-mlops-project-setup")
)
ENVIRONMENT = {
    "BLUEPRINT_ROLE": "studio-mlops-provisioning",
    "PROJECT_SETUP_ROLE": "studio-mlops-project-setup",
    "EXECUTION_ROLES": "datazone_usr_role_*",
    "ADMINISTRATORS": f"arn:aws:iam::{ACCOUNT}:role/Platform",
    "PORTFOLIO_STACK": "PortfolioStack",
    "PROJECTS_TABLE": TABLE,
    "BLUEPRINT_BUCKET": f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}",
    "SEAL_KEY": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/seals",
}


def stack_id(name: str) -> str:
    return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/1"


@dataclass(frozen=True)
class Held:
    """A resource as CloudFormation knows it."""

    type: str
    status: str
    physical_id: str = ""


@dataclass
class Stack:
    """A stack as CloudFormation knows it, in its status since then; `tags` holds what AWS alone can set."""

    status: str = "CREATE_IN_PROGRESS"
    since: datetime = datetime(2026, 11, 27, tzinfo=UTC)
    tags: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Held] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    """The account, and the requests that the functions made in it."""

    stand_in: AwsStandIn
    environment: dict[str, str]
    stacks: dict[str, Stack] = field(default_factory=dict)
    provisioned: list[dict[str, Any]] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    # What CloudFormation still answers once each, by the operation: it tells of a moment ago.
    old: dict[str, list[Stack]] = field(default_factory=dict)
    no_such_resource: Literal["an error", "an empty list"] = "an error"  # AWS documents neither
    kms: KmsInMemory = field(default_factory=KmsInMemory)

    # -- what is there

    def project(self, name: str) -> tuple[str, str]:
        """Have Studio make a project; return domain and project."""
        body = {"name": name, "profile": "Regression", "account": ACCOUNT, "region": REGION, "wait": True}
        made = self.control("projects", **body)
        return str(made["domainId"]), str(made["projectId"])

    def control(self, path: str, **body: Any) -> Any:
        import json

        status, answer = self.stand_in._controls.handle("POST", f"/_standin/{path}", json.dumps(body).encode(), {})
        assert status == 200, answer
        return answer

    def role_of(self, project: str) -> str:
        """Return the name of the role that SageMaker tells of a project."""
        (found,) = [
            item["DefaultUserSettings"]["ExecutionRole"]
            for item in self.stand_in.sagemaker._domains.values()
            if item["DomainSettings"]["UnifiedStudioSettings"]["ProjectId"] == project
        ]
        return str(found).rpartition("/")[2]

    def launch(self, name: str, principal: str, domain: str, project: str, product: str = PRODUCT) -> str:
        """Have Service Catalog begin a launch; return the stack's id. Without a principal it leaves no tag at all."""
        tags = {
            PRINCIPAL_TAG: principal,
            PRODUCT_TAG: f"arn:aws:catalog:{REGION}:{ACCOUNT}:product/{product}",
            LAUNCH_TAG: f"arn:aws:servicecatalog:{REGION}:{ACCOUNT}:stack/{name}/pp-{name}",
        }
        self.stacks[stack_id(name)] = Stack(
            tags=tags if principal else {},
            parameters={"DomainId": domain, "ProjectId": project},
            resources={"StudioProject": Held("Custom::StudioProject", "CREATE_IN_PROGRESS")},
        )
        return stack_id(name)

    def launched(
        self, name: str, domain: str, project: str, repository: int, status: str = "UPDATE_IN_PROGRESS"
    ) -> str:
        """Return the id of a stack that was launched, with its two repositories, and is in an operation now."""
        stack = self.stacks[self.launch(name, BLUEPRINT, domain, project)]
        stack.status = status
        for logical, kind, physical in (
            ("StudioProject", "StudioProject", f"{domain}/{project}"),
            ("BuildRepository", "GitHubRepository", str(repository)),
            ("DeployRepository", "GitHubRepository", f"{repository + 1}:adopted"),
            ("BuildTemplate", "RepositoryTemplate", f"template/{repository}"),
            ("BuildConfiguration", "ActionsConfiguration", f"configuration/{repository}"),
        ):
            stack.resources[logical] = Held(f"Custom::{kind}", status, physical)
        return stack_id(name)

    # -- what functions do

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke a function, as whoever has lambda:InvokeFunction can. Raises FinalError."""
        answer: dict[str, Any] = getattr(handlers, function)(dict(event), None)
        return answer

    def create_project(self, stack: str, domain: str, project: str, **properties: Any) -> dict[str, Any]:
        """Have CloudFormation create the stack's Custom::StudioProject. Raises FinalError."""
        event = request("Create", stack, "StudioProject", {"DomainId": domain, "ProjectId": project, **properties})
        answer = self.complete("studio_project", event)
        held = self.stacks[stack].resources["StudioProject"]
        done = replace(held, status="CREATE_COMPLETE", physical_id=answer["PhysicalResourceId"])
        self.stacks[stack].resources["StudioProject"] = done
        return answer

    def complete(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Do both phases of the provider framework."""
        whole = {**event, **self.invoke(function, event)}
        return {**whole, **self.invoke(function, whole)}

    def holder(self, project: str) -> str:
        """Return the stack that holds `<domain>/<project>`."""
        found = boto3.client("dynamodb", region_name=REGION).get_item(
            TableName=TABLE, Key={"Id": {"S": f"project {project}"}}
        )
        return str(found.get("Item", {}).get("Holder", {}).get("S", ""))

    # -- AWS

    def client(self, service: str) -> Any:
        """Return a function's client of a service."""
        if service in ("cloudformation", "servicecatalog"):
            return _Answering(self, service)
        if service in ("datazone", "sagemaker"):
            return _counted(self, boto3.client(service, endpoint_url=self.stand_in.base_url, region_name=REGION))  # type: ignore[call-overload]
        if service == "dynamodb":
            return _counted(self, boto3.client("dynamodb", region_name=REGION))
        if service == "s3":  # without the projects' buckets: a launch goes on where S3 refuses project.json
            return boto3.client("s3", region_name=REGION)
        if service == "kms":
            return self.kms
        raise AssertionError(f"a function has used {service}")

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        stack = self._stack(StackName, "DescribeStacks")
        return {
            "Stacks": [
                {
                    "StackStatus": stack.status,
                    "CreationTime": stack.since,
                    "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
                    "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in stack.parameters.items()],
                    "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in stack.outputs.items()],
                }
            ]
        }

    def describe_stack_resources(self, StackName: str, LogicalResourceId: str = "") -> dict[str, Any]:  # noqa: N803
        stack = self._stack(StackName, "DescribeStackResources")
        listed = dict(list(stack.resources.items())[:100])
        if LogicalResourceId:
            listed = {name: held for name, held in stack.resources.items() if name == LogicalResourceId}
        if not listed and LogicalResourceId and self.no_such_resource == "an error":
            message = f"Resource {LogicalResourceId} does not exist for stack {StackName}"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStackResources")
        return {
            "StackResources": [
                {
                    "LogicalResourceId": name,
                    "ResourceType": held.type,
                    "ResourceStatus": held.status,
                    **({"PhysicalResourceId": held.physical_id} if held.physical_id else {}),
                }
                for name, held in listed.items()
            ]
        }

    def search_provisioned_products(self, Filters: Any, **_: Any) -> dict[str, Any]:  # noqa: N803
        (query,) = Filters["SearchQuery"]
        return {"ProvisionedProducts": [item for item in self.provisioned if query == f"id:{item['Id']}"]}

    def _stack(self, name: str, operation: str) -> Stack:
        if name not in self.stacks:
            message = f"Stack with id {name} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)
        former = self.old.get(operation)
        return former.pop(0) if former else self.stacks[name]


class _Answering:
    """CloudFormation or Service Catalog, answered by the world."""

    def __init__(self, world: World, service: str) -> None:
        self._world, self._service = world, service

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self._world.requests[operation] += 1
            return getattr(self._world, operation)(**arguments)

        return call


def _counted(world: World, client: Any) -> Any:
    def count(model: Any, **_: Any) -> None:
        world.requests[model.name] += 1

    client.meta.events.register("before-call", count)
    return client


def request(
    kind: str, stack: str, logical_id: str, properties: Mapping[str, Any], physical_id: str = ""
) -> dict[str, Any]:
    """Return CloudFormation's event, or one that looks like it."""
    event = {
        "RequestType": kind,
        "ResponseURL": "https://nowhere.example/answer",
        "StackId": stack,
        "RequestId": "r-1",
        "LogicalResourceId": logical_id,
        "ResourceProperties": {"ServiceToken": "arn", **properties},
    }
    return {**event, "PhysicalResourceId": physical_id} if physical_id else event


@contextmanager
def world(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Iterator[World]:
    """Yield an account whose functions have this environment beside ENVIRONMENT."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(), AwsStandIn.running("http://127.0.0.1:9") as stand_in:
        monkeypatch.setattr(
            stand_in.emulator, "client", lambda service, region, credentials: boto3.client(service, region_name=region)
        )
        monkeypatch.setattr(tooling, "open_stack", lambda *_: None)  # moto is here without CloudFormation
        for key in ("testing", "FOOBARKEY"):  # moto puts keys of its own into the environment
            stand_in.emulator.name_caller(key, f"arn:aws:iam::{ACCOUNT}:root")
        boto3.client("dynamodb", region_name=REGION).create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        found = World(stand_in, {**ENVIRONMENT, **environment})
        found.stacks["PortfolioStack"] = Stack("CREATE_COMPLETE", outputs={"ProductId": PRODUCT})
        clients = FunctionClients(found.environment, found.client)
        monkeypatch.setattr(handlers, "_clients", lambda: clients)
        sleeping.noted(monkeypatch)
        for cached in (handlers._resource, handlers._own_stack):
            cached.cache_clear()
        yield found
        for cached in (handlers._resource, handlers._own_stack):
            cached.cache_clear()
