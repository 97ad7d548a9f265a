"""settings.schema.json, by which editors check and complete settings.toml: from the model.

Descriptions are the comments of settings.toml. A test fails when the file is not what the model says.
"""

from __future__ import annotations

import json
import re
from typing import Any

from products.settings import PROJECT_ROOT, Settings
from products.settings.lines import statements

FILE = PROJECT_ROOT / "settings.schema.json"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of settings.toml, with no references (editors differ there)."""
    made = Settings.model_json_schema()
    definitions = made.pop("$defs", {})
    found: dict[str, Any] = _plain(made, definitions)
    boundary = found["properties"]["permissions_boundary"]
    found["properties"]["permissions_boundary"] = {**boundary, "type": ["array", "string"]}
    for each in statements((PROJECT_ROOT / "settings.toml").read_text(encoding="utf-8")):
        _describe(found, each.path, each.comment)
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "settings.toml", **found}


def text() -> str:
    """Return the file's text."""
    return json.dumps(schema(), indent=2) + "\n"


def _plain(node: Any, definitions: dict[str, Any]) -> Any:
    """Return a schema with its definitions in place, in the words of JSON Schema's regular expressions."""
    if isinstance(node, list):
        return [_plain(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain({**definitions[node["$ref"].rpartition("/")[2]], **_but(node, "$ref")}, definitions)
    plain = {
        key: _plain(value, definitions) for key, value in node.items() if key != "title" or isinstance(value, dict)
    }
    if isinstance(plain.get("pattern"), str):
        plain["pattern"] = re.sub(r"\\Z", "$", plain["pattern"])
    if isinstance(plain.get("patternProperties"), dict):
        plain["patternProperties"] = {
            re.sub(r"\\Z", "$", key): each for key, each in plain["patternProperties"].items()
        }
        plain["additionalProperties"] = False
    return plain


def _but(node: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name != key}


def _describe(node: dict[str, Any], path: tuple[str, ...], comment: str) -> None:
    for name in path:
        node = node.get("properties", {}).get(name, {})
    if node and comment:
        node["description"] = comment
