"""`make reference`: writes docs/reference.md from the code. A test fails when the page is not what the code says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import custom_resources.errors
import operations.errors
import products.errors
from custom_resources.catalogue import CATALOGUE, Entry
from custom_resources.errors import Described, described
from docs.limits import Limit, limits

PAGE = Path(__file__).with_suffix(".md")
_SHARED = ("RetainOnFailure",)


def page() -> str:
    """Return the page: the functions and their custom resources from the catalogue, the errors from their tree."""
    return (
        "\n".join(
            [
                "# Reference",
                "",
                "Made from the code by `make reference`; do not edit. See also [interfaces.md](interfaces.md).",
                "",
                "## Functions and custom resources",
                "",
                *_row("function", "serves", "used by", "memory", "timeout", "`/tmp`", "needs"),
                *_row(*["---"] * 7),
                *(line for entry in CATALOGUE for line in _function(entry)),
                "",
                *(line for entry in CATALOGUE if entry.class_name for line in _resource(entry)),
                "## Permissions",
                "",
                "What each function's role allows, beside its own log; `products/foundation/roles.py` names the ARNs.",
                "",
                *(line for entry in CATALOGUE for line in _permissions(entry)),
                "## Limits",
                "",
                "Sizes are in bytes and times in seconds where the name does not say otherwise.",
                "",
                *_row("limit", "value", "module", "what it is"),
                *_row(*["---"] * 4),
                *(line for each in limits() for line in _limit(each)),
                "",
                "## Errors",
                "",
                "A final error fails the stack operation with both sentences. A retryable one is waited for.",
                "",
                *_errors("Functions", custom_resources.errors.__name__),
                *_errors("Command line", operations.errors.__name__),
                *_errors("Settings and synthesis", products.errors.__name__),
            ]
        ).rstrip()
        + "\n"
    )


def _row(*cells: str) -> Iterator[str]:
    yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _limit(limit: Limit) -> Iterator[str]:
    yield from _row(f"`{limit.name}`", limit.value, f"`{limit.module}`", limit.comment or "-")


def _function(entry: Entry) -> Iterator[str]:
    used_by = "launches" if entry.in_product else "the administrator's stacks"
    needs = ", ".join(sorted(entry.needs)) or "-"
    serves = f"`{entry.resource_type}`: {entry.summary}" if entry.class_name else entry.summary
    sizes = (f"{entry.memory} MB", f"{entry.timeout} s", f"{entry.storage} MB")
    yield from _row(f"`{entry.name}`", serves, used_by, *sizes, needs)


def _resource(entry: Entry) -> Iterator[str]:
    schema = entry.load().properties.model_json_schema(by_alias=True)
    required = set(schema.get("required", ()))
    yield from (f"### {entry.resource_type}", "")
    yield from (str(schema.get("description", "")).splitlines()[0], "")
    yield from _row("property", "type", "default", "pattern or limits")
    yield from _row(*["---"] * 4)
    for name, field in schema["properties"].items():
        default = "required" if name in required else f"`{_plain(field.get('default', ''))}`"
        yield from _row(f"`{name}`", _type(field), default, _limits(field))
    yield ""


def _plain(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else str(value) or '""'


def _type(field: dict[str, Any]) -> str:
    if "enum" in field:
        return " \\| ".join(f"`{value}`" for value in field["enum"]).replace("\\|", "or")
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    if field.get("type") == "object":
        return "map"
    return str(field.get("type") or field.get("$ref", "object").rpartition("/")[2])


def _limits(field: dict[str, Any]) -> str:
    said = [f"`{field['pattern']}`"] if "pattern" in field else []
    words = {"minLength": "at least {} characters", "maxLength": "at most {} characters", "minItems": "at least {}"}
    words |= {"minimum": "from {}", "maximum": "to {}"}
    return ", ".join([*said, *(text.format(field[key]) for key, text in words.items() if key in field)])


def _permissions(entry: Entry) -> Iterator[str]:
    yield from (f"### {entry.name}", "")
    yield from _row("actions", "on")
    yield from _row("---", "---")
    for permission in entry.permissions:
        yield from _row(", ".join(f"`{action}`" for action in permission.actions), permission.on)
    yield ""


def _errors(title: str, module: str) -> Iterator[str]:
    yield from (f"### {title}", "")
    yield from _row("error", "kind", "what happened", "what to do")
    yield from _row(*["---"] * 4)
    for error in described(module):
        yield from _error(error)
    yield ""


def _error(error: Described) -> Iterator[str]:
    yield from _row(f"`{error.name}`", error.kind, error.happened, error.remedy)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} is written.\n")
