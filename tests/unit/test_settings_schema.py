"""Editors check settings.toml by a schema that is made from the model, and takes and refuses what the model does."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest

from docs.reference.settings_schema import FILE, schema, text
from products.settings import PROJECT_ROOT

SHIPPED = (PROJECT_ROOT / "settings.toml").read_text(encoding="utf-8")


def refused(document: str) -> list[str]:
    import jsonschema  # takes more than a second: only where it is used

    validator = jsonschema.Draft7Validator(json.loads(FILE.read_text(encoding="utf-8")))
    return [error.message for error in validator.iter_errors(tomllib.loads(document))]


def test_the_file_is_what_the_model_says() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run `make reference`"


def test_settings_toml_names_it_and_is_valid_by_it() -> None:
    assert SHIPPED.startswith(f"#:schema ./{FILE.name}\n")
    assert refused(SHIPPED) == []


@pytest.mark.parametrize(
    "document",
    [
        "nope = 1",
        "xray = 'yes'",
        "architecture = 'riscv'",
        "prefix = 'Studio'",
        "[portfolio]\nprincipals = ['nobody']",
        "[portfolio]\nnmae = 'x'",
        "[secret_references]\nGITHUB_X = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:x'",
        "[secret_references]\nX = 'a value'",
        "[studio.own_profiles.One]\ngruops = []",
        "[workflow_role.reviewers]\nproduction = ['ada']",
        "[accounts.Domain]\naccount = '123456789012'\nregions = ['eu-west-1']",
    ],
)
def test_an_editor_shows_what_the_model_refuses(document: str) -> None:
    assert refused(document)


@pytest.mark.parametrize("boundary", ["''", "'arn:aws:iam::123456789012:policy/B'", "['']"])
def test_an_editor_takes_a_boundary_in_both_forms(boundary: str) -> None:
    assert refused(f"permissions_boundary = {boundary}") == []


def test_each_setting_of_the_shipped_file_has_a_description_and_a_pattern_that_editors_read() -> None:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            assert "$ref" not in node
            for key in ("pattern", *(node.get("patternProperties") or {})):
                pattern = node.get(key) if key == "pattern" else key
                if isinstance(pattern, str):
                    assert not re.search(r"\\[AZz]", pattern), pattern
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    made = schema()
    walk(made)
    assert made["properties"]["prefix"]["description"].startswith("Begins the names of everything")
    assert made["properties"]["product"]["properties"]["retain_on_failure"]["description"]
    assert made["additionalProperties"] is False
