"""What a property may hold: names stay in their place in a URL or an argument, texts in their line."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError

from custom_resources.properties import BranchName, FullName, Line, LineOrNothing, Properties

CONFIG = ConfigDict(regex_engine=Properties.model_config["regex_engine"])
BRANCHES = TypeAdapter[str](BranchName, config=CONFIG)
NAMES = TypeAdapter[str](FullName, config=CONFIG)


@pytest.mark.parametrize("branch", ["main", "release/1.0", "a-b", "a@b", "été", "a.b", "x" * 200])
def test_a_branch_has_a_name_that_git_takes(branch: str) -> None:
    assert BRANCHES.validate_python(branch) == branch


@pytest.mark.parametrize(
    "branch",
    ["", "-x", "--upload-pack=x", "/x", "a..b", "a//b", "a@{1}", "a b", "a\tb", "a\x7f", "a~1", "a^", "a:b", "a?", "a*",
     "a[b", "a\\b", "a\n", "a\x00"],
)  # fmt: skip
def test_a_branch_has_no_other_name(branch: str) -> None:
    with pytest.raises(ValidationError):
        BRANCHES.validate_python(branch)


@pytest.mark.parametrize("name", ["acme/x", "a_b-c/..x", "acme/" + "x" * 100, "acme/.github"])
def test_a_repository_has_its_full_name(name: str) -> None:
    assert NAMES.validate_python(name) == name


@pytest.mark.parametrize(
    "name", ["x", "acme/", "/x", "acme/.", "acme/..", "acme/" + "x" * 101, "a.b/x", "a/b/c", "acme/x\n"]
)
def test_a_repository_has_no_other_name(name: str) -> None:
    with pytest.raises(ValidationError):
        NAMES.validate_python(name)


@pytest.mark.parametrize(("kind", "empty"), [(Line, False), (LineOrNothing, True)])
def test_a_text_stays_in_its_line(kind: Any, empty: bool) -> None:
    line = TypeAdapter[str](kind, config=CONFIG)
    for text in ("a", "Ä b", "\x80", " "):
        assert line.validate_python(text) == text
    for text in ("a\nb", "a\r", "a\x00", "a\x1f", "a\x7f", "a\n"):
        with pytest.raises(ValidationError):
            line.validate_python(text)
    if empty:
        assert line.validate_python("") == ""
    else:
        with pytest.raises(ValidationError):
            line.validate_python("")


def test_properties_are_read_by_cloudformations_names_and_stay_as_they_are() -> None:
    found = Properties.model_validate({"RetainOnFailure": "true", "ServiceToken": "arn"})
    assert found.retain_on_failure
    assert Properties() == Properties(retain_on_failure=False)
    with pytest.raises(ValidationError, match="frozen"):
        found.retain_on_failure = False  # type: ignore[misc]
