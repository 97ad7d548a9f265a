"""The catalogue is read everywhere: a made-up custom resource that is added to it is seen by every reader."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from custom_resources.catalogue import CATALOGUE, Entry
from custom_resources.clients import FunctionClients
from custom_resources.reconciler import resource_type
from docs.reference.numbers import limits

ROOT = Path(__file__).parents[2]

# What a new custom resource is: a module with its class, and an entry.
MADE_UP = """
import json, sys, types
from contextlib import nullcontext

module = types.ModuleType("custom_resources.made_up")
exec('''
from contextlib import nullcontext
from custom_resources.properties import Properties
from custom_resources.reconciler import CustomResource, Done, Foreseen

class MadeUpProperties(Properties):
    "Desired state: a colour."
    colour: str

class MadeUp(CustomResource[MadeUpProperties, None, None]):
    properties = MadeUpProperties
    def __init__(self, clients): pass
    def provisional_id(self, properties): return properties.colour
    def observe(self, request): return nullcontext()
    def plan(self, request, observed): return None
    def apply(self, plan, request, ensure_current): return Done({"Colour": request.properties.colour})
    def foresee(self, request, observed, plan): return Foreseen({"Colour": request.properties.colour})
''', vars(module))
sys.modules["custom_resources.made_up"] = module

from custom_resources import catalogue
catalogue.CATALOGUE += (
    catalogue.Entry(
        "made_up", "is made up", (catalogue.Permission(("s3:GetObject",), "archives"),), "MadeUp",
        memory=333, timeout=77, needs=frozenset({"archives"}),
    ),
)
"""

READERS = """
from custom_resources import handlers
from custom_resources.clients import FunctionClients
from docs.reference import resources
from local import dry_run
from operations.doctor import aws_checks
import aws_cdk
from products.foundation import FoundationStack
from products.settings import load_settings

app = aws_cdk.App(context={"aws:cdk:bundling-stacks": []})
FoundationStack(app, "FoundationStack", settings=load_settings())
template = app.synth().get_stack_by_name("FoundationStack").template["Resources"]
functions = [
    resource["Properties"] for resource in template.values()
    if resource["Type"] == "AWS::Lambda::Function"
    and resource["Properties"].get("Handler") == "custom_resources.handlers.made_up"
]
alarms = [name for name, resource in template.items() if resource["Type"] == "AWS::CloudWatch::Alarm"]
policies = [
    statement
    for name, resource in template.items()
    if resource["Type"] == "AWS::IAM::Policy" and name.startswith("MadeUpRole")
    for statement in resource["Properties"]["PolicyDocument"]["Statement"]
]
print(json.dumps({
    "handler": handlers.made_up.__doc__,
    "functions": [
        (each["MemorySize"], each["Timeout"], "TEMPLATE_BUCKET" in str(each["Environment"])) for each in functions
    ],
    "actions": [each["Action"] for each in policies],
    "alarms": sum(name.startswith("MadeUp") for name in alarms),
    "doctor": any(name.endswith("-made-up") for name in aws_checks.function_names(load_settings())),
    "dry run": "Custom::MadeUp" in dry_run._ENTRIES,
    "reference": "## Custom::MadeUp" in resources.page() and "`Colour`" in resources.page(),
}))
"""


@pytest.mark.slow
def test_a_made_up_custom_resource_is_seen_everywhere() -> None:
    program = f"{MADE_UP}\n{READERS}"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=200
    )
    assert found.returncode == 0, found.stderr
    seen: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    assert seen["handler"] == "Custom::MadeUp."
    assert seen["functions"] == [[333, 77, True]]
    assert ["s3:GetObject"] in [action if isinstance(action, list) else [action] for action in seen["actions"]]
    assert seen["alarms"] >= 2, "its errors and throttles raise an alarm"
    assert seen["doctor"], "doctor looks for its function"
    assert seen["dry run"], "the dry run foresees it"
    assert seen["reference"], "the reference names it with its property"


@pytest.mark.parametrize("entry", [each for each in CATALOGUE if each.class_name], ids=lambda each: each.name)
def test_an_entry_names_a_class_of_its_type(entry: Entry) -> None:
    made = entry.resource(FunctionClients({}))
    assert resource_type(made) == entry.resource_type
    assert entry.load().__doc__, "its class says what it does"


def test_a_function_that_serves_no_custom_resource_has_no_class() -> None:
    approval = next(entry for entry in CATALOGUE if entry.name == "model_approval")
    with pytest.raises(LookupError, match="serves no custom resource"):
        approval.load()


def test_names_are_unique() -> None:
    assert len({entry.name for entry in CATALOGUE}) == len(CATALOGUE)


def test_each_limit_says_what_it_is() -> None:
    found = list(limits())
    assert len(found) > 50
    assert [f"{each.module}.{each.name}" for each in found if not each.comment] == []
