"""What each method of the AWS clients makes of an answer that lacks a field, or holds another value: a golden file.

The answers are those of test_aws_requests.py with every field, each with one difference: a field left out, a list of
none or two, a text that is empty, another of a field's words. Where a method tells or sends something else by it, that
is written down.
`GOLDEN=write` writes the file; its difference is read like code.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from custom_resources.clients.service_catalog import LAUNCHED_BY
from tests import sleeping
from tests.unit.test_aws_requests import CALLS, NOT_ANSWERED, STACK, TOKENS, Account, Answer, made, tried

GOLDEN = Path(__file__).parent / "golden" / "aws_answers.txt"
Place = tuple[str | int, ...]  # of a value in an answer
RESOURCES = ("userRoleArn", "s3BucketPath", "gitFullRepositoryId", "gitBranchName")
# What is found further on, where the first of each field's words ends it early.
FURTHER: dict[str, dict[str, dict[Place, Any]]] = {
    "studio": {
        "GetProject": {("environmentDeploymentDetails", "overallDeploymentStatus"): "SUCCESSFUL"},
        "GetProjectProfile": {("environmentConfigurations", 0, "deploymentOrder"): 0},
        "ListEnvironments": {("items", 0, "environmentConfigurationName"): "name"},
        "GetEnvironment": {("provisionedResources",): [{"name": name, "value": f"{name} made"} for name in RESOURCES]},
        "ListConnections": {("items", 0, "name"): "project.iam"},
        "ListSpaces": {("Spaces", 0, "Status"): "InService"},
    },
    "service catalog": {
        "SearchProvisionedProducts": {
            ("ProvisionedProducts", 0, "Tags", 0): {"Key": LAUNCHED_BY, "Value": "blueprint"},
            ("ProvisionedProducts", 0, "Id"): "pp-abc",
            ("ProvisionedProducts", 0, "PhysicalId"): STACK,
            ("ProvisionedProducts", 0, "LastProvisioningRecordId"): "rec-9",
            ("ProvisionedProducts", 0, "LastSuccessfulProvisioningRecordId"): "rec-9",
        },
        "DescribeProvisioningParameters": {
            ("ProvisioningArtifactParameters", 0, "ParameterKey"): "AnotherKey",
        },
        "DescribeRecord": {("RecordDetail", "Status"): "FAILED"},
    },
}


class Watched(dict[str, Any]):
    """A part of an answer that notes what is read of it."""

    def __init__(self, values: dict[str, Any], place: Place, read: set[Place]) -> None:
        super().__init__({key: watched(value, (*place, key), read) for key, value in values.items()})
        self._place, self._read = place, read

    def __getitem__(self, key: str) -> Any:
        self._read.add((*self._place, key))
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._read.add((*self._place, key))
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._read.add((*self._place, str(key)))
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self._read.update((*self._place, key) for key in dict.__iter__(self))
        return super().__iter__()

    def keys(self) -> Any:
        list(self)
        return super().keys()

    def values(self) -> Any:
        list(self)
        return super().values()

    def items(self) -> Any:
        list(self)
        return super().items()


def watched(value: Any, place: Place, read: set[Place]) -> Any:
    if isinstance(value, dict):
        return Watched(value, place, read)
    return [watched(each, (*place, 0), read) for each in value] if isinstance(value, list) else value


class Noting:
    """Answers every operation in full, and notes the shape of its answer, the answer, and what is read of it."""

    def __init__(self, further: Mapping[str, Mapping[Place, Any]]) -> None:
        self._further = further
        self.noted: dict[str, tuple[Any, dict[str, Any], set[Place]]] = {}

    def __call__(self, model: Any, _: Any) -> tuple[int, dict[str, Any]]:
        if not model.output_shape:
            return 200, {}
        full = made(model.output_shape, "", full=True)
        for place, value in self._further.get(model.name, {}).items():
            full = changed(full, place, value)
        _, _, read = self.noted.setdefault(model.name, (model.output_shape, full, set()))
        return 200, watched(full, (), read)


def changed(answer: Any, place: Place, value: Any) -> Any:
    """Return the answer with a value there; None: without that field."""
    if not place:
        return value
    if isinstance(answer, list):
        return [changed(answer[0], place[1:], value), *answer[1:]]
    left = {key: each for key, each in answer.items() if key != place[0]}
    if value is None and len(place) == 1:
        return left
    return {**left, place[0]: changed(answer[place[0]], place[1:], value)}


def renamed(value: Any) -> Any:
    """Return the item that a second one of a list is: every text is another."""
    if isinstance(value, dict):
        return {key: renamed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [renamed(each) for each in value]
    return f"a {value}" if isinstance(value, str) else value


def others(shape: Any, value: Any) -> Iterator[tuple[str, Any]]:
    """Return what else a field may hold, and in which words that is written down."""
    kind = shape.type_name
    if kind == "list":
        yield "none of", []
        yield "two of", [value[0], renamed(value[0])]
    elif kind == "boolean":
        yield "not", False
    elif kind == "string":
        yield from ((each, each) for each in shape.enum[1:]) if shape.enum else [("empty", "")]


def variants(shape: Any, value: Any, read: set[Place], place: Place = ()) -> Iterator[tuple[str, Place, Any]]:
    """Return each difference in what is read of an answer: its name, where it is, and what is there (None: nothing)."""
    if place:
        yield from ((words, place, other) for words, other in others(shape, value))
    if shape.type_name == "list":
        yield from variants(shape.member, value[0], read, (*place, 0))
    elif isinstance(value, dict):
        for key, each in value.items():
            if (inside := (*place, key)) in read:
                is_map = shape.type_name == "map"
                if is_map or key not in shape.required_members:
                    yield "no", inside, None
                yield from variants(shape.value if is_map else shape.members[key], each, read, inside)


def differing(noting: Noting, operation: str, answer: dict[str, Any]) -> Answer:
    """Return what answers every operation in full, but this one so."""
    return lambda model, given: (200, answer) if model.name == operation else noting(model, given)


class Pages:
    """Answers an operation with a page and the token of a second one, which is the last."""

    def __init__(self, noting: Noting, operation: str, token: str) -> None:
        self._noting, self._operation, self._token = noting, operation, token

    def __call__(self, model: Any, given: Any) -> tuple[int, dict[str, Any]]:
        status, answer = self._noting(model, given)
        if model.name != self._operation or not self._token:
            return status, answer
        token, self._token = self._token, ""
        return status, {**answer, token: "further"}


def answers(noting: Noting) -> Iterator[tuple[str, str, Answer]]:
    """Yield each answer that is not the one with every field: where and how it differs."""
    for operation, (shape, answer, read) in list(noting.noted.items()):
        for words, place, value in list(variants(shape, answer, read)):
            where = f"{operation} {'.'.join(str(each) for each in place if each)}"
            yield where, words, differing(noting, operation, changed(answer, place, value))
        for token in (key for key in shape.members if key.lower() in TOKENS):
            yield f"{operation} {token}", "two pages", Pages(noting, operation, token)


def lines(account: Account, noting: Noting, name: str, method: str, given: tuple[Any, ...]) -> Iterator[str]:
    """Return what differs, by what it tells; what the same differences tell stands together."""
    account.answer = noting
    full = tried(account, name, method, given)
    found: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for where, words, answer in answers(noting):
        account.answer = answer
        sent, told = tried(account, name, method, given)
        if (sent, told) != full:
            more = [f"sends {line}" for line in sent if line not in full[0]]
            less = [f"does not send {line}" for line in full[0] if line not in sent]
            told = told.replace(words, "<this>") if words.isupper() else told
            outcome = (*more, *less, "as it was" if told == full[1] else told)
            found[outcome][where].append(words)
    for outcome, differences in found.items():
        yield from (f"  {where}: {', '.join(words)}" for where, words in differences.items())
        yield from (f"    {each}" for each in outcome[:-1])
        yield f"    -> {outcome[-1]}"


def written() -> Iterator[str]:
    passes: list[tuple[str, str, Mapping[str, Any]]] = []
    passes += [(name, "", {}) for name in CALLS if (name, "all") not in NOT_ANSWERED]
    passes += [(name, ", further on", changes) for name, changes in FURTHER.items()]
    for name, words, further in passes:
        account = Account()
        yield f"== {name}{words}"
        for method, given in CALLS[name][1]:
            yield f"\n{method}({', '.join('...' if callable(each) else repr(each) for each in given)})"
            yield from lines(account, Noting(further), name, method, given)
        yield ""


def test_what_an_answer_lacks_is_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = sleeping.noted(monkeypatch)
    found = re.sub(r" at 0x[0-9a-f]+", "", "\n".join(written()))
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")
    assert slept == [], "a client does not wait by itself"
