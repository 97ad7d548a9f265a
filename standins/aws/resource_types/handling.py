"""What all resource types share: MiniStack's form of them, the registry schemas, clients in the caller's name."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import Lock
from typing import Any, TypeVar

import boto3
from botocore.exceptions import ClientError

# Where it is installed, jsonschema compiles its grammar of IRIs at import: more than a second of each start, for a
# format that nothing here checks.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # an import of it fails
from jsonschema import Draft7Validator  # noqa: E402
from jsonschema.validators import extend  # noqa: E402

_T = TypeVar("_T")
Properties = dict[str, Any]
Result = tuple[str, dict[str, str]]
"""Physical id and GetAtt attributes."""

CALLER_KEY: ContextVar[str] = ContextVar("caller_key", default="")
_CLIENTS = Lock()
_HELD = ("additionalProperties", "required", "enum", "oneOf", "anyOf")
# The schemas' patterns are Java's, which Python's re does not always understand.
_Validator = extend(Draft7Validator, {"pattern": None, "patternProperties": None})  # type: ignore[no-untyped-call]


class ResourceFailed(Exception):
    """The resource cannot be as its properties want it; the message becomes the stack event's reason."""


@dataclass(frozen=True)
class ResourceType:
    """A resource type: how it is made, changed in place and removed."""

    name: str
    create: Callable[[str, Properties], Result]
    update: Callable[[str, Properties, Properties], Result] | None
    delete: Callable[[str, Properties], None]

    def handlers(self) -> dict[str, Any]:
        """Return MiniStack's form of the type."""

        def create(logical_id: str, properties: Properties, stack_name: str) -> Result:
            _validate(self.name, properties)
            return _told(lambda: self.create(f"{stack_name}-{logical_id}", properties))

        def update(
            physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None
        ) -> Result:
            _validate(self.name, new)
            changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
            change = self.update
            if change is None or changed & _create_only(self.name):
                # Another physical id: CloudFormation deletes the old resource when the update is complete.
                return create(logical_id or physical_id, new, stack_name)
            return _told(lambda: change(physical_id, old, new))

        def delete(physical_id: str, properties: Properties) -> None:
            _told(lambda: _unless_gone(lambda: self.delete(physical_id, properties)))

        return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


@cache
def _schema(type_name: str) -> dict[str, Any]:
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

    schema: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_name).schema
    return schema


def _create_only(type_name: str) -> set[str]:
    return {path.split("/")[2] for path in _schema(type_name).get("createOnlyProperties", [])}


def _validate(type_name: str, properties: Properties) -> None:
    """Raise ResourceFailed where the properties break the registry schema; types are CloudFormation's to convert."""
    schema = _schema(type_name)
    read_only = {path.split("/")[2] for path in schema.get("readOnlyProperties", []) if path.count("/") == 2}
    problems = [f"{name} is read-only" for name in sorted(read_only & set(properties))]
    held = {
        key: schema[key] for key in ("properties", "definitions", "required", "additionalProperties") if key in schema
    }
    for error in _Validator(held).iter_errors(_as_declared(properties)):
        if error.validator in _HELD:
            where = "/".join(str(step) for step in error.absolute_path)
            problems.append(f"{where}: {error.message}".lstrip(": "))
    if problems:
        raise ResourceFailed(f"Properties validation failed for {type_name}: {'; '.join(problems)}")


def _as_declared(value: Any) -> Any:
    """Return the properties with the strings "true" and "false" as booleans, so that enumerations compare."""
    if isinstance(value, dict):
        return {key: _as_declared(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_declared(item) for item in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _told(work: Callable[[], _T]) -> _T:
    """Do the work; a service's refusal becomes the resource's reason."""
    try:
        return work()
    except ClientError as error:
        details = error.response["Error"]
        raise ResourceFailed(f"{details['Message']} (Service: {error.operation_name}, {details['Code']})") from error


def _unless_gone(delete: Callable[[], None]) -> None:
    """Delete; what is gone already is deleted."""
    try:
        delete()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "NoSuchEntity"):
            raise


def client_of_caller(service: str) -> Any:
    """Return a client that calls in the name of the stack operation's caller: as a session, with what it signs with."""
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import sts

    own = os.environ.get("AWS_ENDPOINT_URL") or f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '4566')}"
    endpoint = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper().replace('SERVICECATALOG', 'SERVICE_CATALOG')}", own)
    key = CALLER_KEY.get() or get_account_id()
    session = sts._sessions.get(key) or {"SecretAccessKey": "not-verified", "SessionToken": None}
    with _CLIENTS:
        return _kept_client(service, get_region(), endpoint, (key, session["SecretAccessKey"], session["SessionToken"]))


@lru_cache(maxsize=32)
def _kept_client(service: str, region: str, endpoint: str, keys: tuple[str, str, str | None]) -> Any:
    return boto3.session.Session().client(
        service,  # type: ignore[call-overload]
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        aws_session_token=keys[2],
    )


def only(properties: Properties, *names: str) -> Properties:
    """Return those of the named properties that are given."""
    return {name: properties[name] for name in names if properties.get(name) not in (None, "")}


def flag(value: object) -> bool:
    """Return a template's boolean: CloudFormation has "true" for what came through a parameter."""
    return str(value).lower() == "true"


def token() -> str:
    """Return a new idempotency token."""
    return str(uuid.uuid4())
