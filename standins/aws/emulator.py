"""MiniStack as the stand-in sees it: whose key signed a request, roles, template files, stacks that run."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import lru_cache
from threading import RLock
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from standins.aws.service_requests import KEY_HEADER, NO_ACCOUNT, SERVICE_HEADER, SOURCE_ACCOUNT_HEADER
from standins.aws.stack_history import HISTORY_HEADER
from standins.aws.stack_resources import LATE_HEADER
from standins.aws.trust import trusts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

ACCOUNT = "123456789012"  # the one that the embedded run has
_POLL_SECONDS = 0.2
_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")


class StackFailed(Exception):
    """A stack operation ended in a failure; the message is the first failed event's reason."""


class RoleUnusable(Exception):
    """A role does not exist or does not trust the service."""


@dataclass(frozen=True)
class Credentials:
    """An access key; MiniStack takes a 12-digit one as that account's root."""

    access_key: str
    secret_key: str = "not-verified"  # noqa: S105 -- MiniStack checks no signatures
    session_token: str | None = None


@dataclass(frozen=True)
class Caller:
    """Who signed a request: the ARN of a role, user or root, and that of the session, which is the same without one."""

    arn: str
    session: str


@dataclass(frozen=True)
class TemplateParameter:
    """A parameter that a template declares; `default` is None if it has none."""

    name: str
    default: str | None
    type: str
    no_echo: bool
    description: str


@dataclass(frozen=True)
class StackResult:
    """A stack at rest."""

    stack_id: str
    outputs: dict[str, str]


class Emulator:
    """MiniStack at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        """Take its base URL."""
        self.endpoint = endpoint
        self._callers: dict[str, Caller] = {}
        self._asked: dict[str, str] = {}
        self._assuming: dict[str, str] = {}
        self._lock = RLock()
        self._session = boto3.session.Session()
        self._client = lru_cache(maxsize=64)(self._new_client)

    def _new_client(self, service: str, region: str, credentials: Credentials) -> Any:
        return self._session.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.session_token,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}, connect_timeout=5),
        )

    def client(self, service: str, region: str, credentials: Credentials) -> Any:
        """Return a boto3 client of MiniStack; making one is slow, so the latest are kept."""
        with self._lock:
            return self._client(service, region, credentials)

    def put_event(self, account: str, region: str, entry: dict[str, str]) -> str:
        """Put an event of a service on the account's default bus; return why it was refused, "" if it was not."""
        events = self.client("events", region, Credentials(account))
        _as_service(events, "PutEvents")
        try:
            answer = events.put_events(Entries=[entry])["Entries"][0]
        except (ClientError, BotoCoreError) as error:
            return str(error)
        return str(answer.get("ErrorMessage", ""))

    def tell_late(self, seconds: float) -> None:
        """Have CloudFormation tell of stacks' resources by these seconds late (see stack_resources)."""
        cloudformation = self.client("cloudformation", "us-east-1", Credentials(ACCOUNT))
        _tell_cloudformation(cloudformation, LATE_HEADER, str(seconds))

    def tell_history(self, account: str, region: str, stack: str, events: list[dict[str, str]]) -> None:
        """Have CloudFormation tell of these events of a stack as well (see stack_history)."""
        cloudformation = self.client("cloudformation", region, Credentials(account))
        _tell_cloudformation(cloudformation, HISTORY_HEADER, json.dumps({"stack": stack, "events": events}))

    def name_caller(self, access_key: str, arn: str, session: str = "") -> None:
        """Say who an access key belongs to, where MiniStack cannot tell."""
        with self._lock:
            self._callers[access_key] = Caller(arn, session or arn)

    def caller(self, access_key: str, region: str) -> Caller:
        """Return who signed with the key. The role of a session is looked up by its name, since it may have a path."""
        known = self._callers.get(access_key)
        if known:
            return known
        try:
            arn = self._owner(access_key, region)
            _, _, _, _, account, resource = arn.split(":", 5)
            assumed = resource.startswith("assumed-role/")
            role = self._role(account, resource.split("/")[1], region) if assumed else arn
        except (BotoCoreError, ClientError):
            account = access_key if access_key.isdecimal() and len(access_key) == 12 else ACCOUNT
            arn = f"arn:aws:iam::{account}:root"
            return Caller(arn, arn)
        self.name_caller(access_key, role, arn)
        return Caller(role, arn)

    def _owner(self, access_key: str, region: str) -> str:
        """Return the ARN that MiniStack knows the key by (see service_requests); without it, what anybody may ask."""
        account = access_key if access_key.isdecimal() and len(access_key) == 12 else ACCOUNT
        sts = self.client("sts", region, Credentials(account))
        with self._lock:
            self._asked.clear()
            self._asked.update({SERVICE_HEADER: "yes", KEY_HEADER: access_key})
            event = "before-sign.sts.GetCallerIdentity"
            sts.meta.events.register_first(event, _with_headers(self._asked), unique_id="whose-key")
            return str(sts.get_caller_identity()["Arn"])

    def _role(self, account: str, name: str, region: str) -> str:
        role: str = self.client("iam", region, Credentials(account)).get_role(RoleName=name)["Role"]["Arn"]
        return role

    def assume(
        self, role_arn: str, service: str, region: str, session: str, *, source_account: str, tag_session: bool = False
    ) -> Credentials:
        """Return credentials of the role, as `service` (a principal such as datazone.amazonaws.com) gets them.

        `source_account` is the account that the service acts for: the trust policy's aws:SourceAccount, "" for none.
        Raises RoleUnusable if the role is missing or its trust policy does not let the service in.
        """
        account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
        root = Credentials(account)
        try:
            role = self.client("iam", region, root).get_role(RoleName=name)["Role"]
        except ClientError as error:
            raise RoleUnusable(f"Role {role_arn} does not exist or cannot be assumed by {service}.") from error
        policy = role["AssumeRolePolicyDocument"]
        needed = ("sts:AssumeRole", "sts:TagSession") if tag_session else ("sts:AssumeRole",)
        refused = [each for each in needed if not trusts(policy, service, each, role_arn, source_account)]
        if refused:
            raise RoleUnusable(
                f"Role {role_arn} does not allow {', '.join(refused)} to {service} for account {source_account}."
            )
        sts = self.client("sts", region, root)
        with self._lock:
            self._assuming.update({SERVICE_HEADER: service, SOURCE_ACCOUNT_HEADER: source_account or NO_ACCOUNT})
            event = "before-sign.sts.AssumeRole"
            sts.meta.events.register_first(event, _with_headers(self._assuming), unique_id="as-service")
            try:
                assumed = sts.assume_role(RoleArn=role_arn, RoleSessionName=session)
            except ClientError as error:
                raise RoleUnusable(f"Role {role_arn} cannot be assumed by {service}.") from error
        keys = assumed["Credentials"]
        self.name_caller(keys["AccessKeyId"], role_arn, assumed["AssumedRoleUser"]["Arn"])
        return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def template(self, url: str, region: str, credentials: Credentials) -> tuple[str, list[TemplateParameter]]:
        """Return a template's path-style URL (the one spelling that MiniStack reads) and the parameters it declares.

        Raises StackFailed if the URL is not an S3 object that the credentials can read, or is not a template.
        """
        bucket, key = _s3_object(url)
        path_style = f"https://s3.{region}.amazonaws.com/{bucket}/{key}"
        try:
            self.client("s3", region, credentials).head_object(Bucket=bucket, Key=key)
            summary = self.client("cloudformation", region, credentials).get_template_summary(TemplateURL=path_style)
        except (ClientError, BotoCoreError) as error:
            raise StackFailed(f"Access denied to template, or not a template: {url}") from error
        return path_style, [
            TemplateParameter(
                item["ParameterKey"],
                item.get("DefaultValue"),
                item.get("ParameterType", "String"),
                item.get("NoEcho", False),
                item.get("Description", ""),
            )
            for item in summary.get("Parameters", [])
        ]

    def copy_template(self, url: str, key: str, *, region: str, reader: Credentials, account: str) -> str:
        """Copy a template into the service's own bucket of an account (made when missing); return the copy's URL.

        Raises StackFailed if the reader cannot read it.
        """
        source_bucket, source_key = _s3_object(url)
        bucket = f"servicecatalog-artifacts-{account}-{region}"
        try:
            found = self.client("s3", region, reader).get_object(Bucket=source_bucket, Key=source_key)
            owned = self.client("s3", region, Credentials(account))
            with self._lock:
                self.ensure_bucket(owned, bucket, region)
            owned.put_object(Bucket=bucket, Key=key, Body=found["Body"].read())
        except (ClientError, BotoCoreError) as error:
            raise StackFailed(f"Access denied to template, or no template there: {url}") from error
        return f"https://s3.{region}.amazonaws.com/{bucket}/{key}"

    def ensure_bucket(self, s3: Any, bucket: str, region: str) -> None:
        """Make a bucket unless the account has it."""
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        if bucket not in {item["Name"] for item in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=bucket, **where)

    def create_stack(
        self,
        name: str,
        template_url: str,
        parameters: Mapping[str, str],
        *,
        region: str,
        credentials: Credentials,
        tags: Mapping[str, str],
        started: Callable[[str], None],
    ) -> StackResult:
        """Create the stack and wait for it; `started` is told its ARN; tags may be a service's. Raises StackFailed."""
        cloudformation: CloudFormationClient = self.client("cloudformation", region, credentials)
        _as_service(cloudformation, "CreateStack")
        try:
            stack_id = cloudformation.create_stack(
                StackName=name,
                TemplateURL=template_url,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=list(_CAPABILITIES),  # type: ignore[arg-type]
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )["StackId"]
        except ClientError as error:
            raise StackFailed(error.response["Error"]["Message"]) from error
        started(stack_id)
        return self._result(cloudformation, stack_id)

    def update_stack(
        self,
        stack_id: str,
        template_url: str,
        parameters: Mapping[str, str],
        *,
        region: str,
        credentials: Credentials,
        tags: Mapping[str, str],
        unchanged_fails: bool = False,
    ) -> StackResult:
        """Update the stack and wait for it. Raises StackFailed, on demand also for a template without changes."""
        cloudformation: CloudFormationClient = self.client("cloudformation", region, credentials)
        _as_service(cloudformation, "UpdateStack")
        seen = {event["EventId"] for event in self._events(cloudformation, stack_id)}
        try:
            cloudformation.update_stack(
                StackName=stack_id,
                TemplateURL=template_url,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=list(_CAPABILITIES),  # type: ignore[arg-type]
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )
        except ClientError as error:
            message = error.response["Error"]["Message"]
            if "No updates are to be performed" not in message or unchanged_fails:
                raise StackFailed(message) from error
            return _as_it_is(cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0])
        return self._result(cloudformation, stack_id, seen)

    def stack_parameters(self, stack_id: str, region: str, credentials: Credentials) -> dict[str, str]:
        """Return the values of a stack's parameters, defaults too. Raises StackFailed for a stack that is gone."""
        cloudformation: CloudFormationClient = self.client("cloudformation", region, credentials)
        try:
            (stack,) = cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
        except ClientError as error:
            raise StackFailed(error.response["Error"]["Message"]) from error
        return {item["ParameterKey"]: item.get("ParameterValue", "") for item in stack.get("Parameters", [])}

    def delete_stack(self, stack_id: str, region: str, credentials: Credentials) -> None:
        """Delete the stack and wait for it; one that is gone is success. Raises StackFailed."""
        cloudformation: CloudFormationClient = self.client("cloudformation", region, credentials)
        try:
            seen = {event["EventId"] for event in self._events(cloudformation, stack_id)}
            cloudformation.delete_stack(StackName=stack_id)
            while True:
                stack = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
                if stack["StackStatus"] == "DELETE_COMPLETE":
                    return
                if stack["StackStatus"] == "DELETE_FAILED":
                    raise StackFailed(self._reason(cloudformation, stack, seen))
                time.sleep(_POLL_SECONDS)
        except ClientError as error:
            if "does not exist" not in error.response["Error"]["Message"]:
                raise StackFailed(error.response["Error"]["Message"]) from error

    def _result(self, cloudformation: CloudFormationClient, stack_id: str, seen: set[str] | None = None) -> StackResult:
        while True:
            stack = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
            status = stack["StackStatus"]
            if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
                return _as_it_is(stack)
            if not status.endswith("_IN_PROGRESS"):
                raise StackFailed(self._reason(cloudformation, stack, seen or set()))
            time.sleep(_POLL_SECONDS)

    def _events(self, cloudformation: CloudFormationClient, stack_id: str) -> list[Any]:
        pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        return [event for page in pages for event in page["StackEvents"]]

    def _reason(self, cloudformation: CloudFormationClient, stack: StackTypeDef, seen: set[str]) -> str:
        """Return the reason of the operation's first failed resource, else the stack's own: of an output, say."""
        failed = [
            event
            for event in self._events(cloudformation, stack["StackId"])
            if event["EventId"] not in seen and event.get("ResourceStatus", "").endswith("_FAILED")
        ]
        of_resources = [event for event in failed if event["LogicalResourceId"] != stack["StackName"]]
        if first := next(reversed(of_resources or failed), None):
            return f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason', first['ResourceStatus'])}"
        return str(stack.get("StackStatusReason", stack["StackStatus"]))


def _as_it_is(stack: StackTypeDef) -> StackResult:
    return StackResult(
        stack["StackId"], {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    )


def _as_service(client: Any, operation: str) -> None:
    """Have an operation's requests say that a service makes them."""
    event = f"before-sign.{client.meta.service_model.service_id.hyphenize()}.{operation}"
    client.meta.events.register_first(event, _with_headers({SERVICE_HEADER: "yes"}), unique_id=f"service-{operation}")


def _tell_cloudformation(cloudformation: CloudFormationClient, header: str, value: str) -> None:
    """Send MiniStack's CloudFormation a header of the stand-in's, with a request that changes nothing."""
    event = "before-sign.cloudformation.ListExports"
    headers = {SERVICE_HEADER: "yes", header: value}
    cloudformation.meta.events.register_first(event, _with_headers(headers), unique_id=header)
    cloudformation.list_exports()
    cloudformation.meta.events.unregister(event, unique_id=header)


def _with_headers(headers: Mapping[str, str]) -> Callable[..., None]:
    def add(request: Any, **_: object) -> None:
        for name, value in headers.items():
            request.headers[name] = value

    return add


def _s3_object(url: str) -> tuple[str, str]:
    """Return bucket and key of an S3 https URL, virtual-hosted or path style."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
    bucket, dot, _ = host.partition(".s3")
    if dot:
        return bucket, path
    bucket, _, key = path.partition("/")
    return bucket, key
