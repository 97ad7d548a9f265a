"""What a data class or a function leaves out is nothing, spelt one way for each type; every other default is named."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import time
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest

import custom_resources
from custom_resources import clients
from custom_resources.caller import Installation, Launcher
from custom_resources.clients.aws import DATAZONE
from custom_resources.clients.git.packets import Mark
from custom_resources.clients.git.processes import MODEST
from custom_resources.consent import Reading
from custom_resources.errors import AwsDenied
from custom_resources.rate_budget import Slot
from custom_resources.repository_environments import Missing

NOTHING: dict[str, Any] = {
    "Proven": "",
    "str": "",
    "int": 0,
    "float": 0,
    "bool": False,
    "bytes": b"",
    "Any": None,
    "frozenset[Need]": frozenset(),
    "frozenset[str]": frozenset(),
    "Mapping[str, str]": {},
}
# Those that are something, below custom_resources.
OTHER: dict[str, Any] = {
    "actions_configuration.Plan.environments": Missing(),
    "allowances.Allowances.visibilities": ("private", "internal"),
    "catalogue.Entry.memory": 256,
    "catalogue.Entry.timeout": 120,
    "catalogue.Entry.storage": 512,
    "catalogue.Entry.in_product": True,
    "catalogue.Entry.layouts": ("one account", "project account"),
    "clients.FunctionClients.__init__.boto3_client": clients._boto3_client,
    "clients.aws.Service.denied": AwsDenied,
    "clients.blueprints.Profile.enabled": True,
    "clients.budget.SharedBudget.__init__.clock": time.time,
    "clients.budget.SharedBudget.__init__.share": 1.0,
    "clients.budget.Wait.slot": Slot(),
    "clients.update_records.UpdateRecords.__init__.clock": time.time,
    "clients.git.model.Merge.clean": True,
    "clients.git.packets.lines.end": Mark.FLUSH,
    "clients.git.repository.BareRepository._fetch_by_git.limits": MODEST,
    "clients.request_limit.RequestLimit.take.requests": 1,
    "clients.git.packets.Packets.data.said": str,
    "clients.git.processes.Processes.run.status": (0,),
    "clients.git.processes.Processes.run.stdin": b"",
    "clients.service_catalog.ProductVersion.advice": "DEFAULT",
    "clients.service_catalog.ProductVersion.active": True,
    "clients.protocols.studio.Studio.project.with_profile": True,
    "clients.studio.Studio.project.with_profile": True,
    "clients.studio.Studio._pages.service": DATAZONE,
    "delivery.base._base.certain": True,
    "delivery.ownership.held_delivery.sealed": True,
    "delivery.plans.Leave.status": "",
    "delivery.pull_request_text.Update.clean": True,
    "delivery.pull_request_text.unasked.named": True,
    "delivery.state.Base.certain": True,
    "delivery.state.Place.sealed": True,
    "errors.described.module": "custom_resources.errors",
    "rate_budget.Budget.rate": 1.0,
    "rate_budget.Limit.clock": "requests",
    "rate_budget.book.share": 1.0,
    "rate_budget.book_again.share": 1.0,
    "rate_budget.opens_at.share": 1.0,
    "rate_budget.reserve.share": 1.0,
    "repository_plan.Observed.consent": Reading(),
    "studio_project.Observed.launcher": Launcher("not asked"),
    "studio_project.Observed.belief": "nothing",
    "studio_project.Observed.installation": Installation(),
}


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(custom_resources.__path__, "custom_resources."):
        yield importlib.import_module(found.name)


def nothing(annotation: str) -> Any:
    """Return the value that says "nothing" of a type; a KeyError for a type that has none."""
    if annotation.endswith("| None"):
        return None
    if annotation.startswith(("tuple[", "Sequence[", "Iterable[")):
        return ()
    return NOTHING[annotation]


def defaults() -> Iterator[tuple[str, str, Any]]:
    """Yield name, annotation and default of everything that may be left out."""
    for module in modules():
        for name, found in vars(module).items():
            if getattr(found, "__module__", "") != module.__name__:
                continue
            if isinstance(found, FunctionType):
                yield from of_function(f"{module.__name__}.{name}", found)
            elif inspect.isclass(found):
                yield from of_class(f"{module.__name__}.{name}", found)


def of_class(name: str, found: type) -> Iterator[tuple[str, str, Any]]:
    if dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            if field.default is not dataclasses.MISSING:
                yield f"{name}.{field.name}", str(field.type), field.default
            elif field.default_factory is not dataclasses.MISSING:
                yield f"{name}.{field.name}", "factory", field.default_factory()
        return
    for key, member in vars(found).items():
        function = getattr(member, "__func__", member)
        if isinstance(function, FunctionType):
            yield from of_function(f"{name}.{key}", function)


def of_function(name: str, function: FunctionType) -> Iterator[tuple[str, str, Any]]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not parameter.empty:
            yield f"{name}.{parameter.name}", str(parameter.annotation), parameter.default


FOUND = {name.removeprefix("custom_resources."): (annotation, default) for name, annotation, default in defaults()}


def test_all_are_looked_at() -> None:
    assert len(FOUND) > 100
    assert FOUND["reconciler.Request.refusal"] == ("str", "")
    assert FOUND["clients.git.repository.Git.open.when"] == ("float", 0)
    assert set(OTHER) <= set(FOUND), "what is gone needs no name"


@pytest.mark.parametrize("name", FOUND)
def test_what_is_left_out_is_nothing_or_named(name: str) -> None:
    annotation, default = FOUND[name]
    if name in OTHER:
        assert default == OTHER[name]
    elif annotation == "factory":
        assert not default
    else:
        expected = nothing(annotation)
        assert default == expected
        assert isinstance(default, bool) == isinstance(expected, bool)


# Secrets, what users wrote, and what is too long for a log; and what does not make two of them different.
NOT_SHOWN = {
    "actions_configuration.Plan": {"secrets"},
    "clients.github_answers.PullRequest": {"text"},
    "clients.github_connection._Issued": {"token"},
    "clients.github_connection._Session": {"issued"},
    "delivery.plans.KeepOurs": {"merge", "message"},
    "delivery.plans.MergeCommit": {"message"},
    "delivery.plans.Push": {"place"},
    "delivery.plans.Propose": {"place", "text", "attributes"},
    "delivery.state.Place": {"git", "refs", "seal", "there", "in_history"},
    "reconciler.Request": {"progress"},
    "seal.Seal": {"secret"},
}
NOT_COMPARED = {"delivery.state.Place": {"git", "seal", "in_history"}, "reconciler.Request": {"progress"}}


def test_what_is_not_shown_and_not_compared_is_named() -> None:
    shown: dict[str, set[str]] = {}
    compared: dict[str, set[str]] = {}
    for module in modules():
        for name, found in vars(module).items():
            if getattr(found, "__module__", "") == module.__name__ and dataclasses.is_dataclass(found):
                full = f"{module.__name__}.{name}".removeprefix("custom_resources.")
                fields = dataclasses.fields(found)
                shown[full] = {field.name for field in fields if not field.repr}
                compared[full] = {field.name for field in fields if not field.compare}
    assert {name: fields for name, fields in shown.items() if fields} == NOT_SHOWN
    assert {name: fields for name, fields in compared.items() if fields} == NOT_COMPARED
