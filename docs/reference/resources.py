"""The page of the functions and their custom resources, from the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from custom_resources.catalogue import CATALOGUE, Entry
from docs.reference import tables

_COLUMNS = ("function", "serves", "used by", "memory", "timeout", "`/tmp`", "needs")


def page() -> str:
    """Return the page's text."""
    return tables.page(
        "Functions and custom resources",
        "Attributes, physical ids and what Delete does: [interfaces](../interfaces.md).",
        "",
        *tables.table(_COLUMNS, (_function(entry) for entry in CATALOGUE)),
        *(line for entry in CATALOGUE if entry.class_name for line in _resource(entry)),
    )


def _function(entry: Entry) -> Iterable[str]:
    used_by = "launches" if entry.in_product else "the administrator's stacks"
    needs = ", ".join(sorted(entry.needs)) or "-"
    serves = f"`{entry.resource_type}`: {entry.summary}" if entry.class_name else entry.summary
    sizes = (f"{entry.memory} MB", f"{entry.timeout} s", f"{entry.storage} MB")
    return (f"`{entry.name}`", serves, used_by, *sizes, needs)


def _resource(entry: Entry) -> Iterator[str]:
    schema = entry.load().properties.model_json_schema(by_alias=True)
    required = set(schema.get("required", ()))
    yield from (f"## {entry.resource_type}", "")
    yield from (str(schema.get("description", "")).splitlines()[0], "")
    rows = (
        (
            f"`{name}`",
            type_of(field),
            "required" if name in required else f"`{plain(field.get('default', ''))}`",
            limits_of(field),
        )
        for name, field in schema["properties"].items()
    )
    yield from tables.table(("property", "type", "default", "pattern or limits"), rows)


def plain(value: Any) -> str:
    """Return a default as people write it."""
    return {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else str(value) or '""'


def type_of(field: dict[str, Any]) -> str:
    """Return the type that a field's JSON Schema has, in words."""
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    kind = field.get("type")
    if isinstance(kind, list):
        return " or ".join(type_of({**field, "type": each}) for each in kind)
    if kind == "array":
        return f"list of {type_of(field.get('items', {}))}"
    if kind == "object":
        return "map"
    return str(kind or field.get("$ref", "object").rpartition("/")[2])


def limits_of(field: dict[str, Any]) -> str:
    """Return what limits a field's values, in words."""
    said = [f"`{field['pattern']}`"] if "pattern" in field else []
    words = {"minLength": "at least {} characters", "maxLength": "at most {} characters", "minItems": "at least {}"}
    words |= {"minimum": "from {}", "maximum": "to {}"}
    return ", ".join([*said, *(text.format(field[key]) for key, text in words.items() if key in field)])
