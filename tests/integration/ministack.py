"""A cloud as it is on AWS: FoundationStack on MiniStack, and stacks with our custom resources.

CloudFormation sends the requests, the deployed functions, the provider framework and its waiter serve them; the
functions look at the stack itself, at S3 and at Secrets Manager. GitHub is the stand-in of the test.
"""

from __future__ import annotations

import io
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from custom_resources.errors import FinalError
from local import assembly, ministack, processes, projects
from local import run as runs
from local.home import GitHubPlace, Home
from local.stacks import Event, StackFailed
from local.terminal import Terminal
from standins.github.server import ORGANIZATION
from tests.integration.clouds import ADOPTABLE, ATTRIBUTES, Resource

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.type_defs import TagTypeDef

READABLE: list[TagTypeDef] = [{"Key": "studio-mlops:readable", "Value": "true"}]  # docs/interfaces.md
PROVIDERS = {
    "Custom::GitHubRepository": "github-repository",
    "Custom::RepositoryTemplate": "repository-template",
    "Custom::ActionsConfiguration": "actions-configuration",
}


def silent(event: Event) -> None:
    """Show no event."""


@dataclass
class MiniStack:
    """The cloud: one run for all tests. Its functions expect GitHub at `github_port`, with `token`."""

    run: runs.Run
    github_port: int
    token: str
    _token_changed: bool = field(default=False, init=False)

    @staticmethod
    @contextmanager
    def running(folder: Path) -> Iterator[MiniStack]:
        """Deploy FoundationStack on a MiniStack of its own; Step Functions' clock runs twenty times as fast."""
        home, port, token = Home(folder), processes.free_port(), f"ghp_{secrets.token_hex(18)}"
        server = f"http://127.0.0.1:{port}"
        place = GitHubPlace(api_url=f"{server}/api/v3", server_url=server, organization=ORGANIZATION, stand_in=False)
        settings = ministack.settings
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ministack, "settings", lambda *given: {**settings(*given), "SFN_WAIT_SCALE": "0.05"})
            for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
                patch.delenv(name, raising=False)
            try:
                terminal = Terminal(as_json=True, stream=io.StringIO())
                yield MiniStack(runs.up(home, terminal, runs.Choice(place, token)), port, token)
            finally:
                runs.down(home, wipe=True)

    def __post_init__(self) -> None:
        cloud = self.run.cloud
        environment = cloud.client("lambda").get_function_configuration(
            FunctionName=f"{projects.prefix()}repository-template"
        )["Environment"]["Variables"]
        function, client = f"{projects.prefix()}github-repository", cloud.client("lambda")
        found = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        client.update_function_configuration(
            FunctionName=function, Environment={"Variables": {**found, "ADOPTABLE": ADOPTABLE}}
        )
        self._bucket, self._budget = environment["TEMPLATE_BUCKET"], environment["BUDGET_TABLE"]
        self._dynamodb, self._logs = cloud.client("dynamodb"), cloud.client("logs")

    def begin(self) -> None:
        """Prepare for a test with a GitHub of its own: nobody has used its rate limits."""
        self._dynamodb.delete_item(TableName=self._budget, Key={"Id": {"S": "github"}})
        if self._token_changed:
            self.use_token(self.token)
            self._token_changed = False

    # -- CloudFormation ------------------------------------------------------------------------------------------------

    def deploy(self, stack: str, template: Mapping[str, Resource]) -> dict[str, dict[str, str]]:
        cloud, name = self.run.cloud, projects.prefix() + stack
        key = f"{name}-{time.time_ns()}.json"
        cloud.s3.put_object(Bucket=assembly.bucket(cloud), Key=key, Body=json.dumps(_document(template)).encode())
        try:
            outputs = cloud.stacks.deploy(name, assembly.template_url(cloud, key), {}, silent).outputs
        except StackFailed as failed:
            raise FinalError(str(failed)) from None
        return {
            name: {each: outputs[f"{name}{each}"] for each in ATTRIBUTES[resource.type]}
            for name, resource in template.items()
        }

    def delete(self, stack: str) -> None:
        name = projects.prefix() + stack
        if self.run.cloud.stacks.find(name) is None:
            return
        try:
            self.run.cloud.stacks.delete(name, silent)
        except StackFailed as failed:
            raise FinalError(str(failed)) from None

    def status(self, stack: str) -> str:
        found = self.run.cloud.stacks.find(projects.prefix() + stack)
        assert found
        return found.status

    def physical_ids(self, stack: str) -> dict[str, str]:
        return self.run.cloud.stacks.resources(projects.prefix() + stack)

    # -- S3, Secrets Manager, CloudWatch -------------------------------------------------------------------------------

    def put_archive(self, name: str, data: bytes) -> None:
        self.run.cloud.s3.put_object(Bucket=self._bucket, Key=name, Body=data)

    def use_token(self, token: str, *, warm: bool = False) -> None:
        cloud = self.run.cloud
        cloud.secrets.put_secret_value(SecretId=runs.token_secret(cloud), SecretString=token)
        self._token_changed = True
        if not warm:
            runs.forget_token(self.run)

    def store_secret(self, name: str, key: str, value: str) -> str:
        client, text = self.run.cloud.secrets, json.dumps({key: value})
        try:
            arn = client.describe_secret(SecretId=name)["ARN"]
            client.put_secret_value(SecretId=arn, SecretString=text)
        except client.exceptions.ResourceNotFoundException:
            arn = client.create_secret(Name=name, SecretString=text, Tags=READABLE)["ARN"]
        return f"{arn}#{key}"

    @contextmanager
    def logging(self) -> Iterator[list[dict[str, Any]]]:
        lines: list[dict[str, Any]] = []
        began = int(time.time() * 1000)
        yield lines
        for handler in PROVIDERS.values():
            group = f"/aws/lambda/{projects.prefix()}{handler}"
            pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=began)
            messages = [event["message"] for page in pages for event in page["events"]]
            lines += [json.loads(each) if each.lstrip().startswith("{") else {"text": each} for each in messages]


def _document(template: Mapping[str, Resource]) -> dict[str, Any]:
    """Return the CloudFormation template."""
    token = f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{projects.prefix()}"
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            name: {
                "Type": each.type,
                "Properties": {"ServiceToken": {"Fn::Sub": f"{token}{PROVIDERS[each.type]}-provider"}}
                | dict(each.properties),
            }
            for name, each in template.items()
        },
        "Outputs": {
            f"{name}{each}": {"Value": {"Fn::GetAtt": [name, each]}}
            for name, resource in template.items()
            for each in ATTRIBUTES[resource.type]
        },
    }
