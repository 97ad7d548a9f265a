"""What a version's template makes of a launch: the properties that CloudFormation would send to a resource. Pure.

Evaluated is what the product's templates use (docs.aws.amazon.com, "Intrinsic function reference"). An attribute that
only an update would tell is unknown, and so is every property that is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from custom_resources.errors import ParameterNotAllowed

Document = Mapping[str, Any]


class _Unknown:
    """A value that nobody knows before the update."""


_UNKNOWN = _Unknown()


def parameters_of(document: Document, kept: Mapping[str, str], stack_id: str) -> dict[str, str]:
    """Return the values of a template's parameters: what the launch has, and defaults for what is new; AWS's own, too.

    Raises ParameterNotAllowed, as CloudFormation would refuse the update.
    """
    found: dict[str, str] = {}
    for name, declared in document.get("Parameters", {}).items():
        value = kept.get(name, declared.get("Default"))
        if value is None or not _is_allowed(str(value), declared):
            raise ParameterNotAllowed(parameter=name)
        found[name] = str(value)
    return {**found, **pseudo_parameters(stack_id)}


def _is_allowed(value: str, declared: Mapping[str, Any]) -> bool:
    values, pattern = declared.get("AllowedValues"), declared.get("AllowedPattern")
    if values is not None and value not in map(str, values):
        return False
    return not pattern or re.fullmatch(pattern, value) is not None


def pseudo_parameters(stack_id: str) -> dict[str, str]:
    """Return the values that AWS itself gives the templates of a stack ("Pseudo parameters reference")."""
    _, partition, _, region, account, *rest = f"{stack_id}:::::".split(":")
    name = f"{rest[0]}//".split("/")[1]
    return {
        "AWS::AccountId": account,
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::StackId": stack_id,
        "AWS::StackName": name,
    }


@dataclass(frozen=True)
class VersionTemplate:
    """A template with the values of its parameters, and the attributes that are known of the stack's resources."""

    document: Document
    parameters: Mapping[str, str]
    attributes: Mapping[tuple[str, str], str]  # (logical id, attribute) -> value

    def resources(self, type_: str) -> list[str]:
        """Return the logical ids of the resources of a type, in the template's order."""
        resources: Mapping[str, Any] = self.document.get("Resources", {})
        return [name for name, each in resources.items() if each.get("Type") == type_ and self._is_there(each)]

    def properties(self, logical_id: str) -> dict[str, Any]:
        """Return the properties of a resource that are known; none where the template has no such resource."""
        resource = self.document.get("Resources", {}).get(logical_id) or {}
        if not self._is_there(resource):
            return {}
        found = {name: self._value(each) for name, each in resource.get("Properties", {}).items()}
        return {name: each for name, each in found.items() if not _is_unknown(each)}

    def _is_there(self, resource: Mapping[str, Any]) -> bool:
        name = resource.get("Condition")
        return not name or self._condition(name) is True

    # -- intrinsic functions ------------------------------------------------------------------------------------------

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if not isinstance(value, Mapping):
            return value
        name, argument = next(iter(value.items())) if len(value) == 1 else ("", None)
        functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self._condition,
            "Fn::GetAtt": self._attribute,
            "Fn::Join": self._join,
            "Fn::If": self._if,
            "Fn::Equals": lambda pair: _known_or(pair, self, lambda a, b: a == b),
            "Fn::Not": lambda one: _known_or(one, self, lambda a: not a),
            "Fn::And": lambda some: _known_or(some, self, lambda *each: all(each)),
            "Fn::Or": lambda some: _known_or(some, self, lambda *each: any(each)),
        }
        if name in functions:
            return functions[name](argument)
        if name.startswith("Fn::"):
            return _UNKNOWN
        return {key: self._value(each) for key, each in value.items()}

    def _ref(self, name: str) -> Any:
        return self.parameters.get(name, _UNKNOWN)

    def _attribute(self, argument: Any) -> Any:
        resource, name = argument.split(".", 1) if isinstance(argument, str) else argument
        return self.attributes.get((resource, name), _UNKNOWN)

    def _join(self, argument: Any) -> Any:
        parts = self._value(argument[1])
        return _UNKNOWN if _is_unknown(parts) else str(argument[0]).join(map(str, parts))

    def _if(self, argument: Any) -> Any:
        condition = self._condition(argument[0])
        return _UNKNOWN if _is_unknown(condition) else self._value(argument[1 if condition else 2])

    def _condition(self, name: str) -> Any:
        return self._value(self.document.get("Conditions", {}).get(name, {"Ref": ""}))


def _known_or(arguments: Any, template: VersionTemplate, decide: Callable[..., bool]) -> Any:
    values = template._value(arguments)
    return _UNKNOWN if _is_unknown(values) else decide(*values)


def _is_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_unknown, value.values()))
    if isinstance(value, list):
        return any(map(_is_unknown, value))
    return isinstance(value, _Unknown)


def reported(document: Document, outputs: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Return the attributes that a stack puts out as they are, with the values of its outputs."""
    found: dict[tuple[str, str], str] = {}
    for name, output in document.get("Outputs", {}).items():
        value = output.get("Value")
        attribute = value.get("Fn::GetAtt") if isinstance(value, Mapping) else None
        if isinstance(attribute, list) and name in outputs:
            found[str(attribute[0]), str(attribute[1])] = outputs[name]
    return found
