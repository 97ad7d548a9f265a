"""What CloudFormation would do to a stack's resources on an update, from the templates before and after it.

Read in CloudFormation's user guide ("Update behaviors of stack resources", "Exports") and in AWS's resource schemas, as
cfn-lint ships them: `createOnlyProperties` (a change replaces the resource), `primaryIdentifier` (a name that the
template gives cannot be given to a second resource: a replacement is created before the old one is deleted).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from tests.synth.conftest import schema

Template = Mapping[str, Any]
# removed: deleted after the update; retained: no longer the stack's, but kept in the account; replaced: created anew
# and the old one deleted; refused: CloudFormation or the service ends the update with an error.
Kind = Literal["removed", "retained", "replaced", "refused"]
_RETAIN = ("Retain", "RetainExceptOnCreate")
_REFERENCE = re.compile(r'"(?:Ref|Fn::GetAtt)": (?:\[)?"([A-Za-z0-9]+)(?:\.[^"]*)?"')


@dataclass(frozen=True)
class Change:
    """What becomes of one resource or export: `why` names the property, or the reason of a refusal."""

    stack: str
    kind: Kind
    resource: str  # its type; "Export"
    name: str  # its logical id; the export's name
    why: str = ""

    def __str__(self) -> str:
        return f"{self.stack}: {self.kind} {self.resource} {self.name} ({self.why})"


@cache
def _create_only(kind: str) -> tuple[tuple[str, ...], ...]:
    found = schema(kind)
    paths = [*found.get("createOnlyProperties", []), *found.get("conditionalCreateOnlyProperties", [])]
    return tuple(tuple(path.removeprefix("/properties/").split("/")) for path in paths)


@cache
def _names(kind: str) -> tuple[str, ...]:
    """Return the properties that name a resource, and that a template can set."""
    found = schema(kind)
    read_only = set(found.get("readOnlyProperties", []))
    names = [path for path in found.get("primaryIdentifier", []) if path not in read_only]
    return tuple(path.removeprefix("/properties/") for path in names)


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for number, step in enumerate(path):
        if step == "*":
            return [_at(item, path[number + 1 :]) for item in value] if isinstance(value, list) else value
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value


def _is_custom(resource: Mapping[str, Any]) -> bool:
    return str(resource["Type"]).startswith("Custom::") or resource["Type"] == "AWS::CloudFormation::CustomResource"


def _referred(value: Any) -> set[str]:
    return set(_REFERENCE.findall(json.dumps(value)))


class Comparison:
    """The resources of one stack before and after an update."""

    def __init__(self, stack: str, before: Template, after: Template) -> None:
        """Nothing is compared yet."""
        self._stack = stack
        self._before, self._after = before["Resources"], after["Resources"]
        self._replaced: dict[str, str] = {}

    def changes(self) -> list[Change]:
        """Return what is removed, replaced or refused, in the templates' order."""
        self._replaced = self._replacements()
        return [*self._gone(), *self._changed(), *self._taken()]

    @property
    def replaced(self) -> set[str]:
        """The logical ids of what is replaced, once `changes` was asked for."""
        return set(self._replaced)

    def _change(self, kind: Kind, name: str, why: str, resources: Mapping[str, Any]) -> Change:
        return Change(self._stack, kind, str(resources[name]["Type"]), name, why)

    def _gone(self) -> Iterator[Change]:
        for name, resource in self._before.items():
            if name not in self._after:
                kept = resource.get("DeletionPolicy") in _RETAIN
                yield self._change("retained" if kept else "removed", name, "not in the template", self._before)

    def _changed(self) -> Iterator[Change]:
        for name, new in self._after.items():
            old = self._before.get(name)
            if old is None:
                continue
            if old["Type"] != new["Type"]:
                yield self._change("refused", name, f"was {old['Type']}", self._after)
            elif _is_custom(new) and self._properties(old).get("ServiceToken") != new["Properties"].get("ServiceToken"):
                yield self._change("refused", name, "ServiceToken", self._after)
            elif name in self._replaced:
                held = [each for each in _names(new["Type"]) if self._is_held(old, new, each)]
                named = bool(held) and len(held) == len(_names(new["Type"]))
                why = self._replaced[name] + (f", while {' and '.join(held)} stays" if named else "")
                yield self._change("refused" if named else "replaced", name, why, self._after)

    def _is_held(self, old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> bool:
        before, after = self._properties(old).get(name), self._properties(new).get(name)
        return before is not None and before == after and not _referred(after) & self._replaced.keys()

    def _taken(self) -> Iterator[Change]:
        """Names that pass to another logical id: it is created while the old one still has the name."""
        owned = {
            (old["Type"], json.dumps([self._properties(old).get(each) for each in _names(old["Type"])])): name
            for name, old in self._before.items()
            if not _is_custom(old) and _names(old["Type"])
        }
        for name, new in self._after.items():
            if name in self._before or _is_custom(new) or not _names(new["Type"]):
                continue
            values = [self._properties(new).get(each) for each in _names(new["Type"])]
            former = owned.get((new["Type"], json.dumps(values)))
            if former and former not in self._after and None not in values:
                yield self._change("refused", name, f"its name is still {former}'s", self._after)

    @staticmethod
    def _properties(resource: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = resource.get("Properties", {})
        return found

    def _replacements(self) -> dict[str, str]:
        """Return logical id -> why, also for what refers to a replaced resource in a property that is create-only."""
        found: dict[str, str] = {}
        while True:
            more = {
                name: why
                for name, new in self._after.items()
                if name not in found and name in self._before and not _is_custom(new)
                for why in [self._replacement(self._before[name], new, found)]
                if why and self._before[name]["Type"] == new["Type"]
            }
            if not more:
                return found
            found |= more

    def _replacement(self, old: Mapping[str, Any], new: Mapping[str, Any], replaced: Mapping[str, str]) -> str:
        for path in _create_only(new["Type"]):
            before, after = _at(self._properties(old), path), _at(self._properties(new), path)
            if before != after:
                return ".".join(path)
            if followed := sorted(_referred(after) & replaced.keys()):
                return f"{'.'.join(path)}, which follows {followed[0]}"
        return ""


def _exports(template: Template) -> dict[str, Any]:
    outputs = template.get("Outputs", {}).values()
    return {output["Export"]["Name"]: output["Value"] for output in outputs if "Export" in output}


def compared(before: Mapping[str, Template], after: Mapping[str, Template]) -> list[Change]:
    """Return the changes of an installation's stacks, each by its name; `before` in the order of deployment.

    A stack is deployed while those that import from it are as they were: an export in use can neither go nor change.
    """
    found: list[Change] = []
    for stack, old in before.items():
        if stack not in after:
            continue  # deleted by hand, or left as it is: the CDK does not know it any more
        comparison = Comparison(stack, old, after[stack])
        found += comparison.changes()
        others = json.dumps([template for name, template in before.items() if name != stack])
        exported = _exports(after[stack])
        for name, value in _exports(old).items():
            if f'"Fn::ImportValue": "{name}"' not in others:
                continue
            if exported.get(name) != value or _referred(value) & comparison.replaced:
                found.append(Change(stack, "refused", "Export", name, "in use, and it changes"))
    return found
