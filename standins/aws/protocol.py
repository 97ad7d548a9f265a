"""The AWS protocols, driven by botocore's service models: a request in, typed parameters out, and the way back.

Rest-json (DataZone) and json (the others). A request that the model does not allow is a
ValidationException: what passes here would pass the real service's front door.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import botocore.session
from botocore.validate import ParamValidator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import OperationModel, ServiceModel, Shape

SERVICES = ("cloudtrail", "codeconnections", "datazone", "sagemaker", "servicecatalog")


class ServiceError(Exception):
    """An error that the service would answer: a modelled exception code and a message."""

    def __init__(self, code: str, message: str) -> None:
        """Take the code as the model spells it."""
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> ServiceError:
    """Return the ValidationException with this message."""
    return ServiceError("ValidationException", message)


def denied(operation: str) -> ServiceError:
    """Return DataZone's AccessDeniedException, for who may not and for what is not there."""
    return ServiceError("AccessDeniedException", f"User is not permitted to perform operation: {operation}")


@dataclass(frozen=True)
class Response:
    """What goes back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes


@cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of the service."""
    return botocore.session.get_session().get_service_model(service)


@cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Return method, path pattern and operation name; literal paths come before those with labels."""
    model = service_model(service)
    operations = [model.operation_model(name) for name in model.operation_names]
    operations.sort(key=lambda operation: operation.http["requestUri"].count("{"))
    return [
        (
            operation.http["method"],
            re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(operation.http["requestUri"])) + "/?"),
            operation.name,
        )
        for operation in operations
    ]


@dataclass(frozen=True)
class Request:
    """What came over HTTP: the raw, percent-encoded path; header names in lower case."""

    service: str
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


def parse(request: Request) -> tuple[OperationModel, dict[str, Any]]:
    """Return the operation and its parameters, checked against the model.

    Raises ServiceError (UnknownOperationException, SerializationException, ValidationException).
    """
    model = service_model(request.service)
    try:
        content = json.loads(request.body) if request.body.strip() else {}
    except ValueError as error:
        raise ServiceError("SerializationException", "The request body is not JSON.") from error
    if model.metadata["protocol"] == "json":
        prefix, _, name = request.headers.get("x-amz-target", "").rpartition(".")
        if prefix != model.metadata["targetPrefix"] or name not in model.operation_names:
            raise ServiceError("UnknownOperationException", f"There is no operation {name!r}.")
        operation = model.operation_model(name)
        parameters = _from_wire(operation.input_shape, content) if operation.input_shape else {}
    else:
        operation, labels = _route(request)
        parameters = _rest_parameters(operation, labels, request, content)
    if operation.input_shape:
        report = ParamValidator().validate(parameters, operation.input_shape)
        problems = [report.generate_report()] if report.has_errors() else []
        problems += _broken_constraints(parameters, operation.input_shape, "")
        if problems:
            raise invalid("; ".join(problems))
    return operation, parameters


def _route(request: Request) -> tuple[OperationModel, dict[str, str]]:
    for verb, pattern, name in _routes(request.service):
        match = pattern.fullmatch(request.path)
        if verb == request.method and match:
            labels = {label: unquote(value) for label, value in match.groupdict().items()}
            return service_model(request.service).operation_model(name), labels
    raise ServiceError("UnknownOperationException", f"There is no operation at {request.method} {request.path}.")


def _rest_parameters(
    operation: OperationModel, labels: dict[str, str], request: Request, content: dict[str, Any]
) -> dict[str, Any]:
    shape: Any = operation.input_shape
    if shape is None:
        return {}
    parameters, body_names = {}, set()
    for name, member in shape.members.items():
        location, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if location == "uri" and wire in labels:
            parameters[name] = _from_text(member, labels[wire])
        elif location == "querystring" and wire in request.query:
            values = request.query[wire]
            parameters[name] = (
                [_from_text(member.member, value) for value in values]
                if member.type_name == "list"
                else _from_text(member, values[0])
            )
        elif location == "header" and wire.lower() in request.headers:
            parameters[name] = _from_text(member, request.headers[wire.lower()])
        elif location is None:
            body_names.add(wire)
            if wire in content:
                parameters[name] = _from_wire(member, content[wire])
    # What the model does not know stays in, so that the validator refuses it.
    return parameters | {key: value for key, value in content.items() if key not in body_names}


def _from_text(shape: Shape, text: str) -> Any:
    """Convert a value of the path, query or header; what does not convert is left for the validator."""
    try:
        if shape.type_name in ("integer", "long"):
            return int(text)
        if shape.type_name in ("float", "double"):
            return float(text)
        if shape.type_name == "boolean":
            return {"true": True, "false": False}.get(text, text)
    except ValueError:
        return text
    return text


def _from_wire(shape: Any, value: Any) -> Any:
    """Convert a JSON value to the shape's type and member names."""
    if isinstance(value, dict) and shape.type_name == "structure":
        by_wire = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        converted = {}
        for key, item in value.items():
            if item is not None:
                name, member = by_wire.get(key, (key, None))
                converted[name] = _from_wire(member, item) if member else item
        return converted
    if isinstance(value, list) and shape.type_name == "list":
        return [_from_wire(shape.member, item) for item in value]
    if isinstance(value, dict) and shape.type_name == "map":
        return {key: _from_wire(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp" and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return value


def _broken_constraints(value: Any, shape: Any, where: str) -> Iterator[str]:
    """Yield what botocore's validator leaves to the service: patterns, enumerations, upper bounds."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in shape.members.items():
            if name in value:
                yield from _broken_constraints(value[name], member, f"{where}.{name}".lstrip("."))
    elif shape.type_name == "list" and isinstance(value, list):
        yield from _out_of_range(len(value), shape, where, "items")
        for index, item in enumerate(value):
            yield from _broken_constraints(item, shape.member, f"{where}[{index}]")
    elif shape.type_name == "map" and isinstance(value, dict):
        yield from _out_of_range(len(value), shape, where, "entries")
        for key, item in value.items():
            yield from _broken_constraints(key, shape.key, f"{where}.{key}(key)")
            yield from _broken_constraints(item, shape.value, f"{where}.{key}")
    elif shape.type_name == "string" and isinstance(value, str):
        yield from _broken_text(value, shape, where)
    elif shape.type_name in ("integer", "long") and isinstance(value, int):
        yield from _out_of_range(value, shape, where, "")


def _broken_text(value: str, shape: Any, where: str) -> Iterator[str]:
    """Yield what a text breaks: its length, its pattern, its enumeration."""
    yield from _out_of_range(len(value), shape, where, "characters")
    failed = f"Value at '{where}' failed to satisfy constraint: Member must satisfy"
    pattern = _compiled(shape.metadata.get("pattern", ""))
    if pattern and not pattern.fullmatch(value):
        yield f"{failed} regular expression pattern: {shape.metadata['pattern']}"
    if shape.enum and value not in shape.enum:
        yield f"{failed} enum value set: {shape.enum}"


def _out_of_range(size: int, shape: Shape, where: str, unit: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        yield f"Value at '{where}' failed to satisfy constraint: {size} {unit} is not between {low} and {high}"


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return Java's regular expression as Python's; None for those few that Python cannot spell."""
    for java, python in ((r"\p{L}", r"\w"), (r"\p{Z}", r"\s"), (r"\p{N}", r"\d"), (r"\p{Alnum}", "a-zA-Z0-9")):
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern, re.DOTALL) if pattern else None
    except re.error:
        return None


def answer(operation: OperationModel, result: Mapping[str, Any], request_id: str) -> Response:
    """Serialise a result by the operation's output shape; members that the shape does not have are left out."""
    content = _to_wire(operation.output_shape, result) if operation.output_shape else None
    json_rpc = operation.service_model.metadata["protocol"] == "json"
    headers = {"x-amzn-RequestId": request_id, "Content-Type": _content_type(operation.service_model)}
    body = b"" if content is None and not json_rpc else json.dumps(content or {}).encode()
    return Response(200 if json_rpc else operation.http.get("responseCode", 200), headers, body)


def answer_error(service: str, error: ServiceError, request_id: str) -> Response:
    """Serialise an error with its modelled HTTP status (400 where the model names none)."""
    model = service_model(service)
    modelled = {shape.name: shape.metadata.get("error", {}) for shape in model.error_shapes}
    status = modelled.get(error.code, {}).get("httpStatusCode", 500 if error.code == "InternalFailure" else 400)
    headers = {"x-amzn-RequestId": request_id, "Content-Type": _content_type(model), "x-amzn-ErrorType": error.code}
    body = {"message": error.message}
    if model.metadata["protocol"] == "json":
        body = {"__type": error.code, "Message": error.message, **body}
    return Response(status, headers, json.dumps(body).encode())


def _content_type(model: ServiceModel) -> str:
    if model.metadata["protocol"] == "json":
        return f"application/x-amz-json-{model.metadata['jsonVersion']}"
    return "application/json"


def _to_wire(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure":
        return {
            member.serialization.get("name", name): _to_wire(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [_to_wire(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: _to_wire(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        if shape.serialization.get("timestampFormat") == "iso8601":
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return value.timestamp()
    return value
