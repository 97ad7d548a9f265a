"""GitHub's published OpenAPI description (npm @octokit/openapi), as JSON schemas that jsonschema can judge by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

DESCRIPTION = Path(__file__).parents[1] / "node_modules/@octokit/openapi/generated/api.github.com.json"


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def _validation() -> tuple[Any, Any]:
    """Return the validator and its formats: what takes seconds to load, and not all processes need."""
    from jsonschema import Draft202012Validator, FormatChecker

    formats = FormatChecker(formats=[])
    formats.checks("date-time", raises=ValueError)(_is_time)
    return Draft202012Validator, formats


def _converted(node: Any) -> Any:
    """Turn OpenAPI 3.0's `nullable` into JSON schema, everywhere below a node.

    `oneOf` becomes `anyOf`: GitHub's alternatives overlap, so that its own answers match several.
    """
    if isinstance(node, list):
        return [_converted(item) for item in node]
    if not isinstance(node, dict):
        return node
    dropped = ("nullable", "example", "examples")
    found = {key: _converted(value) for key, value in node.items() if key not in dropped}
    if isinstance(found.get("oneOf"), list):
        found["anyOf"] = found.pop("oneOf")
    if node.get("nullable") is not True:
        return found
    return {"anyOf": [{"type": "null"}, found]}


@dataclass(frozen=True)
class Contract:
    """The description: paths and components."""

    paths: dict[str, Any]
    components: dict[str, Any]

    def operation(self, method: str, template: str) -> dict[str, Any] | None:
        """Return an operation, None when GitHub does not publish it."""
        found: dict[str, Any] | None = self.paths.get(template, {}).get(method.lower())
        return found

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            place: Any = {"components": self.components}
            for part in node["$ref"].removeprefix("#/").split("/"):
                place = place[part]
            node = place
        return node

    def response_schema(self, operation: dict[str, Any], status: int) -> dict[str, Any] | None:
        """Return the schema of an answer; {} for one without a body, None when the status is not published."""
        response = operation["responses"].get(str(status))
        if response is None:
            return None
        content = self._resolved(response).get("content", {})
        return self._json(content)

    def request_schema(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of the body that is sent."""
        return self._json(self._resolved(operation.get("requestBody", {})).get("content", {}))

    @staticmethod
    def _json(content: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON form's schema; contents have further forms beside it, of which any may come."""
        forms = [
            _converted(form["schema"]) for kind, form in content.items() if "json" in kind or kind.endswith("+object")
        ]
        return {"anyOf": forms} if forms else {}

    def error(self) -> dict[str, Any]:
        """Return the schema of GitHub's errors in general."""
        return {"$ref": "#/components/schemas/basic-error"}

    def violations(self, schema: dict[str, Any], value: Any) -> list[str]:
        """Return what is wrong with a value: what the schema says, and fields that it does not know."""
        validator, formats = _validation()
        judge = validator({**schema, "components": self.components}, format_checker=formats)
        found = [f"{error.json_path}: {error.message[:300]}" for error in judge.iter_errors(value)]
        return found + [f"unknown field {name}" for name in sorted(self._unknown(schema, value))]

    def _unknown(self, schema: dict[str, Any], value: Any) -> set[str]:
        known = self._fields(schema)
        if isinstance(value, list):
            return set().union(*(self._unknown(schema, item) for item in value)) if value else set()
        return set(value) - known if isinstance(value, dict) and known else set()

    def _fields(self, schema: dict[str, Any]) -> set[str]:
        schema = self._resolved(schema)
        parts = [part for key in ("anyOf", "oneOf", "allOf") for part in schema.get(key, [])]
        if "items" in schema:
            parts.append(schema["items"])
        return set(schema.get("properties", {})).union(*(self._fields(part) for part in parts))


@cache
def load() -> Contract:
    """Read the description. Raises FileNotFoundError with what to do when it is not installed."""
    if not DESCRIPTION.exists():
        raise FileNotFoundError(
            "GitHub's OpenAPI description is not installed: `make test` installs it (npm ci --prefix tests/standin)."
        )
    data = json.loads(DESCRIPTION.read_bytes())
    return Contract(data["paths"], _converted({name: data["components"][name] for name in _PARTS}))


_PARTS = ("schemas", "responses")
