"""The page of all settings, from the schema of settings.toml, whose descriptions are that file's comments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from docs.reference import tables
from docs.reference.resources import limits_of, plain, type_of
from docs.reference.settings_schema import schema

Path = tuple[str, ...]
_COLUMNS = ("key", "type", "default", "pattern or limits", "what it does")


def page() -> str:
    """Return the page's text: the top of the file first, then table by table."""
    return tables.page(
        "Settings",
        "Every key of `settings.toml`. What contradicts another setting, every command tells with its line.",
        "",
        *(line for path, node in _tables((), schema()) for line in _table(path, node)),
    )


def paths() -> Iterator[Path]:
    """Yield the path of each key that has a value of its own, as the page shows them."""
    for path, node in _tables((), schema()):
        yield from ((*path, name) for name in _values(node))


def _tables(path: Path, node: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    yield path, node
    for name, each in node.get("properties", {}).items():
        if _is_table(each):
            yield from _tables((*path, name), each)
        elif _is_table(each.get("items", {})):
            yield from _tables((*path, f"{name}[]"), each["items"] | {"description": each.get("description", "")})
    for free in (*node.get("patternProperties", {}).values(), node.get("additionalProperties")):
        if isinstance(free, dict) and _is_table(free):
            yield from _tables((*path, "NAME"), free)


def _is_table(node: dict[str, Any]) -> bool:
    return node.get("type") == "object"


def _values(node: dict[str, Any]) -> dict[str, dict[str, Any]]:
    shown = {
        name: each
        for name, each in node.get("properties", {}).items()
        if not _is_table(each) and not _is_table(each.get("items", {}))
    }
    free = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    named = [each for each in free if isinstance(each, dict) and not _is_table(each)]
    return {**shown, "NAME": named[0]} if named else shown


def _table(path: Path, node: dict[str, Any]) -> Iterator[str]:
    if path:
        title = ".".join(path)
        yield from (f"## [[{title[:-2]}]]" if title.endswith("[]") else f"## [{title}]", "")
        if said := node.get("description"):
            yield from (said, "")
    required = node.get("required", ())
    rows = [_row(name, each, required=name in required) for name, each in _values(node).items()]
    yield from tables.table(_COLUMNS, rows) if rows else ()


def _row(name: str, field: dict[str, Any], *, required: bool) -> Iterable[str]:
    given = f"`{plain(field['default'])}`" if "default" in field else "-"
    default = "required" if required else given
    return (f"`{name}`", type_of(field), default, limits_of(field), field.get("description", ""))
