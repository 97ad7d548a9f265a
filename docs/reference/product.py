"""The page of the product's parameters and outputs: what a launch asks for, and what it shows afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docs.reference import tables


def page(template: dict[str, Any]) -> str:
    """Return the page's text, from the product's CloudFormation template as the shipped settings render it."""
    outputs = ((f"`{name}`", str(each.get("Description", ""))) for name, each in template["Outputs"].items())
    return tables.page(
        "Product parameters and outputs",
        "As the shipped settings.toml renders them. Studio's project profile fills in most parameters.",
        "",
        *(line for group in _groups(template) for line in group),
        "## Outputs",
        "",
        *tables.table(("output", "what it is"), outputs),
    )


def _groups(template: dict[str, Any]) -> Iterator[Iterator[str]]:
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    shown = [(group["Label"]["default"], group["Parameters"]) for group in interface["ParameterGroups"]]
    left = [name for name in template["Parameters"] if not any(name in names for _, names in shown)]
    labels = {name: each["default"] for name, each in interface["ParameterLabels"].items()}
    for title, names in (*shown, *([("Others", left)] if left else [])):
        yield _group(title, [(name, labels.get(name, ""), template["Parameters"][name]) for name in names])


def _group(title: str, parameters: list[tuple[str, str, dict[str, Any]]]) -> Iterator[str]:
    yield from (f"## {title}", "")
    rows = (
        (
            f"`{name}`",
            label,
            f"`{each['Default'] or chr(34) * 2}`" if "Default" in each else "required",
            _values(each).removeprefix(f"{label}: "),
            str(each.get("Description", "")),
        )
        for name, label, each in parameters
    )
    yield from tables.table(("parameter", "in the form", "default", "values", "what it does"), rows)


def _values(parameter: dict[str, Any]) -> str:
    if "AllowedValues" in parameter:
        return ", ".join(f"`{value or chr(34) * 2}`" for value in parameter["AllowedValues"])
    return str(parameter.get("ConstraintDescription", ""))
