"""The reference is what the code says, and it leaves nothing out."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import custom_resources.errors
import local.arguments
import operations.command_line
import operations.errors
import products.errors
from custom_resources.catalogue import CATALOGUE
from custom_resources.errors import described
from custom_resources.telemetry import METRICS
from docs.reference import command_line, decisions, settings
from docs.reference.everything import pages
from docs.reference.tables import row
from products.rollout import names as rollouts
from products.settings import Settings
from tests.synth.conftest import Assembly, of_type
from tests.synth.test_observability import counted


@pytest.fixture(scope="module")
def made(assembly: Assembly) -> dict[Path, str]:
    """Return what the code says now."""
    return pages(assembly.foundation, assembly.product)


def text(made: dict[Path, str], name: str) -> str:
    (found,) = (content for file, content in made.items() if file.name == name and "reference" in file.parts)
    return found


def test_the_pages_are_what_the_code_says(made: dict[Path, str]) -> None:
    written = {file: file.read_text(encoding="utf-8") for file in made}
    assert [file.name for file in made if written[file] != made[file]] == [], "run `make reference`"


def test_no_page_is_left_over(made: dict[Path, str]) -> None:
    folder = next(file for file in made if file.name == "settings.md").parent
    assert {file for file in folder.iterdir() if file.suffix in (".md", ".svg")} <= set(made)


def named(made: dict[Path, str], page: str) -> set[str]:
    """Return what the tables of a page name in their first column."""
    return set(re.findall(r"^\| `([^`]+)`", text(made, page), flags=re.MULTILINE))


def keys(model: type[BaseModel]) -> set[str]:
    """Return the names of a settings model's fields, and of the models below it; NAME for a table of free names."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        below = models(field.annotation)
        if below:
            found |= {key for each in below for key in keys(each)}
        else:
            found.add("NAME" if "dict" in str(field.annotation) else name)
    return found


def models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for each in getattr(annotation, "__args__", ()) for found in models(each)]


def test_every_setting_is_there(made: dict[Path, str]) -> None:
    shown = named(made, "settings.md")
    assert len(shown) > 50
    assert shown == keys(Settings)
    assert {path[-1] for path in settings.paths()} == shown


def test_every_parameter_and_output_is_there(made: dict[Path, str], assembly: Assembly) -> None:
    product = assembly.product
    assert named(made, "product.md") == {*product["Parameters"], *product["Outputs"]}


def test_every_property_of_every_resource_is_there(made: dict[Path, str]) -> None:
    page = text(made, "resources.md")
    for entry in (each for each in CATALOGUE if each.class_name):
        section = page.partition(f"## {entry.resource_type}\n")[2].partition("\n## ")[0]
        properties = entry.load().properties.model_json_schema(by_alias=True)["properties"]
        assert set(re.findall(r"^\| `([^`]+)`", section, flags=re.MULTILINE)) == set(properties)


def test_every_metric_is_there_and_counted(made: dict[Path, str]) -> None:
    assert {*METRICS, *rollouts.METRICS} == counted() == named(made, "metrics.md")


def test_every_alarm_and_graph_is_there(made: dict[Path, str], assembly: Assembly) -> None:
    page = text(made, "metrics.md")
    alarms = of_type(assembly.foundation, "AWS::CloudWatch::Alarm").values()
    sentences = [row(each["Properties"]["AlarmDescription"])[2:-2] for each in alarms]
    assert len(sentences) > 10
    assert [sentence for sentence in sentences if sentence not in page] == []
    (dashboard,) = of_type(assembly.foundation, "AWS::CloudWatch::Dashboard").values()
    graphs = str(dashboard).count('"type":"metric"')
    assert graphs > 6
    assert text(made, "dashboard.svg").count("<rect") == graphs


def test_every_error_is_there(made: dict[Path, str]) -> None:
    assert named(made, "errors.md") == {
        each.name
        for room in (custom_resources.errors, operations.errors, products.errors)
        for each in described(room.__name__)
    }


def shown_as(action: argparse.Action) -> str:
    return action.option_strings[0] if action.option_strings else str(action.metavar or action.dest)


def test_every_verb_and_option_is_there(made: dict[Path, str]) -> None:
    page = text(made, "command-line.md")
    for program, parser in (("operations", operations.command_line._parser()), ("local", local.arguments.parser())):
        for name, _, verb in command_line.verbs(parser):
            section = page.partition(f"### {program} {name}\n")[2].partition("\n### ")[0]
            for action in command_line.options(verb):
                assert f"`{shown_as(action)}`" in section, (
                    name,
                    action.dest,
                )


def test_every_decision_is_in_the_index(made: dict[Path, str]) -> None:
    index = made[decisions.FOLDER / "index.md"]
    assert index.count("\n- [") == len(decisions.files()) > 50


def test_a_row_stays_one_row() -> None:
    assert row("a | b", "one\ntwo", "<id> and `<id>`") == "| a \\| b | one two | &lt;id> and `<id>` |"
