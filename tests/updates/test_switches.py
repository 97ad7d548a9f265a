"""An installation is updated: each part on and off, each setting changed, three versions; as CloudFormation would.

Custom resources of ours decide for themselves what a change replaces: tests/unit and tests/integration hold that.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from products.settings import Settings
from products.versions import read_versions
from tests.synth.conftest import context, keep, publish
from tests.updates.comparing import Change, compared
from tests.updates.judged import JUDGED, Judged
from tests.updates.switches import EVERYTHING, NOT_SWITCHED, SWITCHES, document

# The first test that needs an installation synthesizes it; run alone, one may need them all.
pytestmark = [pytest.mark.long, pytest.mark.shares("updates", seconds=60), pytest.mark.timeout(900)]

# In the order of deployment; then what a launch, and Studio for the blueprint's environment, keep as stacks.
STACKS = {
    "FoundationStack": "FoundationStack.template.json",
    "PortfolioStack": "PortfolioStack.template.json",
    "StudioStack": "StudioStack.template.json",
    "Launch": "*MlopsProject*.product.template.json",
    "Environment": "*LaunchBlueprint*.product.template.json",
}
Templates = Mapping[str, dict[str, Any]]


def synthesized(folder: Path, store: Path, changes: dict[str, Any]) -> Templates:
    """Return the templates of an installation with EVERYTHING but the changes."""
    from products.assembly import write_assembly

    settings = Settings.model_validate_json(json.dumps(document(changes)))
    write_assembly(settings, read_versions(store), store, str(folder), context())
    keep(store, folder)
    found = {stack: sorted(folder.glob(pattern)) for stack, pattern in STACKS.items()}
    return {stack: json.loads(paths[-1].read_text(encoding="utf-8")) for stack, paths in found.items() if paths}


class Installations:
    """Syntheses of v1.0.0, each made once."""

    def __init__(self, folder: Path) -> None:
        """Take a folder of its own."""
        self._folder = folder
        self._made: dict[str, Templates] = {}

    def of(self, name: str) -> Templates:
        """Return the installation of a switch; "" is EVERYTHING."""
        if name not in self._made:
            folder = self._folder / str(len(self._made))
            publish(folder / "versions", "v1.0.0")
            self._made[name] = synthesized(folder / "cdk.out", folder / "versions", SWITCHES.get(name, {}))
            shutil.rmtree(folder / "cdk.out")
        return self._made[name]


@pytest.fixture(scope="module")
def installations(tmp_path_factory: pytest.TempPathFactory) -> Installations:
    return Installations(tmp_path_factory.mktemp("updates"))


def in_the_way(before: Templates, there: list[Change], after: Templates, back: list[Change]) -> Iterator[Change]:
    """Yield what comes back and meets the one that was kept when it went."""
    again = {(change.stack, change.name) for change in back if change.kind == "replaced"}
    for change in there:
        resource = before.get(change.stack, {}).get("Resources", {}).get(change.name, {})
        kept = change.kind == "retained" or (
            change.kind == "replaced"
            and (change.stack, change.name) in again
            and resource.get("UpdateReplacePolicy") == "Retain"
        )
        if kept and change.stack in after:
            yield Change(change.stack, "refused", change.resource, change.name, "the one that was kept is in the way")


def there_and_back(installations: Installations, switch: str) -> list[Change]:
    """Return what switching changes, and what switching back does."""
    everything, switched = installations.of(""), installations.of(switch)
    there, back = compared(everything, switched), compared(switched, everything)
    return [
        *there,
        *back,
        *in_the_way(everything, there, switched, back),
        *in_the_way(switched, back, everything, there),
    ]


def judgements(switch: str, change: Change) -> list[Judged]:
    return [
        each
        for each in JUDGED
        if switch in each.switches
        and change.stack == each.stack
        and change.kind == each.kind
        and change.resource in each.resources
    ]


@pytest.mark.parametrize("switch", SWITCHES)
def test_what_a_switch_takes_away_is_judged(installations: Installations, switch: str) -> None:
    assert [str(change) for change in there_and_back(installations, switch) if not judgements(switch, change)] == []


def test_every_judgement_is_needed(installations: Installations) -> None:
    used = {
        (judged, switch, change.resource)
        for switch in SWITCHES
        for change in there_and_back(installations, switch)
        for judged in judgements(switch, change)
    }
    for judged in JUDGED:
        assert set(judged.switches) == {switch for found, switch, _ in used if found is judged}, judged
        assert set(judged.resources) == {resource for found, _, resource in used if found is judged}, judged
        assert len(judged.reason.split()) >= 5


def test_a_switch_changes_something(installations: Installations) -> None:
    """Else it would compare nothing."""
    everything = installations.of("")
    assert everything.keys() == STACKS.keys()
    assert [switch for switch in SWITCHES if installations.of(switch) == everything] == []


def keys(model: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def test_every_setting_is_switched() -> None:
    switched = {key for changes in SWITCHES.values() for key in changes}
    assert switched | NOT_SWITCHED.keys() == set(keys(Settings))
    assert switched & NOT_SWITCHED.keys() == set()
    assert EVERYTHING.keys() <= switched


def test_three_versions_leave_everything_in_place(tmp_path: Path) -> None:
    store = tmp_path / "versions"
    templates = []
    for number in range(3):
        publish(store, f"v1.{number}.0", f"text {number}")
        templates.append(synthesized(tmp_path / str(number), store, {}))
    assert templates[0] != templates[1] != templates[2]
    for before, after in pairwise(templates):
        assert compared(before, after) == []
        # Rolled back, PortfolioStack forgets the newest version's archive, which the bucket keeps.
        gone = {(change.kind, change.resource) for change in compared(after, before)}
        assert gone == {("removed", "Custom::TemplateArchive")}
