"""Custom::TemplateArchive: a version's content comes into the bucket once, and never goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from custom_resources.clients import FunctionClients
from custom_resources.reconciler import Done, Foreseen, Request
from custom_resources.template_archive import Plan, TemplateArchive, TemplateArchiveProperties
from custom_resources.template_content import Archive

NAME = "0" * 64 + ".zip"
PROPERTIES = TemplateArchiveProperties(archive=NAME, source_bucket="assets", source_key="asset.zip")


class Bucket:
    """The archive bucket."""

    def __init__(self, *names: str) -> None:
        self.names, self.copied = set(names), list[tuple[str, str, str]]()

    def has(self, name: str) -> bool:
        return name in self.names

    def copy_in(self, source_bucket: str, source_key: str, name: str) -> None:
        self.copied.append((source_bucket, source_key, name))

    @contextmanager
    def open(self, name: str) -> Iterator[Archive]:
        raise AssertionError("it is not read")


@pytest.mark.parametrize(
    ("kind", "there", "copied"),
    [
        ("Create", False, [("assets", "asset.zip", NAME)]),
        ("Create", True, []),
        ("Update", False, [("assets", "asset.zip", NAME)]),
        ("Update", True, []),
        ("Delete", False, []),
        ("Delete", True, []),
    ],
)
def test_what_is_missing_is_copied_and_nothing_is_removed(kind: Any, there: bool, copied: list[Any]) -> None:
    bucket = Bucket(*[NAME] if there else [])
    resource = TemplateArchive(FunctionClients({}, archives=bucket))
    request = Request(kind, PROPERTIES, None, "", "stack", "Archive")
    with resource.observe(request) as observed:
        plan = resource.plan(request, observed)
    assert plan == Plan(copy=bool(copied))
    assert resource.apply(plan, request, lambda: None) == Done({"Archive": NAME})
    assert bucket.copied == copied
    assert resource.foresee(request, observed, plan) == Foreseen({"Archive": NAME})
    assert resource.provisional_id(PROPERTIES) == NAME


@pytest.mark.parametrize("name", ["0" * 63 + ".zip", "0" * 64, "G" * 64 + ".zip", "x/" + NAME, NAME + "\n"])
def test_an_archive_is_named_by_its_content(name: str) -> None:
    with pytest.raises(ValidationError):
        TemplateArchiveProperties(archive=name, source_bucket="assets", source_key="asset.zip")
