"""Anything at all at the three doors: CloudFormation's events, settings.toml, the template archive.

Each either understands what it gets, or says in one sentence why not.
"""

from __future__ import annotations

import contextlib
import json
import re
import struct
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_resources.catalogue import CATALOGUE
from custom_resources.clients import FunctionClients
from custom_resources.errors import FinalError, InvalidTemplate
from custom_resources.reconciler import CustomResource, parsed
from custom_resources.template_content import Archive, TemplateFile, build_archive
from products.errors import SettingsError
from products.settings import Settings, load_settings, settings_path

RESOURCES = {entry.name: entry.resource(FunctionClients({})) for entry in CATALOGUE if entry.class_name}
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
HOSTILE = st.sampled_from(["\r\nX: 1", "../..", "-x", "$(id)", "\0", "a" * 5000, "\ud800", "true", "1", "é", "", "{}"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)

# -- events -------------------------------------------------------------------------------------------------------

PLAUSIBLE = {
    "DomainId": "dzd_1",
    "ProjectId": "p1",
    "Organization": "acme",
    "Name": "n",
    "Part": "model_build",
    "RepositoryId": "7",
    "Repository": "acme/n",
    "TemplateArchive": "0" * 64 + ".zip",
    "Archive": "0" * 64 + ".zip",
    "TemplateVersion": "v1.0.0",
    "TemplateFolder": "regression/model_build",
    "SourceBucket": "assets",
    "SourceKey": "0" * 64 + ".json",
    "Address": "https://s3.eu-west-1.amazonaws.com/blueprints",
    "BlueprintName": "Repositories",
    "ProductId": "prod-1",
    "TemplateUrl": "https://example.com/t.json",
    "ProvisioningRoleArn": "arn:aws:iam::123456789012:role/r",
    "EnabledRegions": ["eu-west-1"],
    "ProfileName": "regression",
    "EnvironmentBlueprintId": "b1",
    "EnvironmentName": "e",
    "AwsAccount": "123456789012",
    "AwsRegion": "eu-west-1",
}


def events(resource: CustomResource[Any, Any, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Events whose properties are right, but for some that are anything."""
    fields = {field.alias or name: field for name, field in resource.properties.model_fields.items()}
    names = [resource.properties.model_config["alias_generator"](name) for name in fields]
    good = {name: PLAUSIBLE[name] for name in names if name in PLAUSIBLE}
    spoiled = st.dictionaries(st.sampled_from(names) | st.text(max_size=8), json_values, max_size=3)
    return st.fixed_dictionaries(
        {
            "RequestType": st.sampled_from(["Create", "Update", "Delete"]) | json_values,
            "ResourceProperties": spoiled.map(lambda wrong: good | wrong) | json_values,
        },
        optional={
            "OldResourceProperties": spoiled.map(lambda wrong: good | wrong) | json_values,
            "PhysicalResourceId": json_values,
            "StackId": json_values,
            "LogicalResourceId": json_values,
        },
    )


@pytest.mark.parametrize("name", RESOURCES)
def test_the_plausible_event_is_understood(name: str) -> None:
    """Else the fuzzing would stop at what is missing."""
    resource = RESOURCES[name]
    request = parsed(resource, {"RequestType": "Create", "ResourceProperties": PLAUSIBLE})
    assert resource.provisional_id(request.properties)


@pytest.mark.parametrize("name", RESOURCES)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_an_event_is_understood_or_refused(name: str, data: st.DataObject) -> None:
    resource = RESOURCES[name]
    event = data.draw(events(resource))
    try:
        request = parsed(resource, event)
        provisional = resource.provisional_id(request.properties)
    except FinalError as refused:
        assert str(refused).endswith((".", ";"))
        assert "Traceback" not in str(refused)
        return
    assert request.type in ("Create", "Update", "Delete")
    assert isinstance(request.properties, resource.properties)
    assert isinstance(provisional, str)
    assert not CONTROL.search(provisional), "it goes to CloudFormation, and into names"
    for owner in ("organization", "repository", "template_version", "default_branch"):
        value = str(getattr(request.properties, owner, ""))
        assert not CONTROL.search(value)
        assert ".." not in value.split("/")


# -- settings ----------------------------------------------------------------------------------------------------------

SHIPPED = settings_path().read_text(encoding="utf-8")
LINES = [number for number, line in enumerate(SHIPPED.splitlines()) if re.match(r"\w+ = ", line)]


def loaded(place: Path, text: bytes) -> Settings | None:
    """Return the settings, None where a sentence refuses them."""
    path = place / "settings.toml"
    path.write_bytes(text)
    try:
        return load_settings(path)
    except SettingsError as refused:
        assert str(refused).endswith(".")
        assert "Traceback" not in str(refused)
        return None


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.sampled_from(LINES), value=json_values)
def test_a_setting_of_any_value_is_understood_or_refused(tmp_path: Path, number: int, value: Any) -> None:
    lines = SHIPPED.splitlines()
    key = lines[number].split(" ")[0]
    lines[number] = f"{key} = {json.dumps(value)}"
    found = loaded(tmp_path, "\n".join(lines).encode("utf-8", "surrogatepass"))
    if found is None:
        return
    texts = [text for text in _texts(found) if CONTROL.search(text)]
    assert key in ("description", "name", "provider", "owner", "groups", "tooling") or texts == []


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ()
    inner = vars(value).values() if hasattr(type(value), "model_fields") else inner
    return [text for each in inner for text in _texts(each)]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, len(SHIPPED)), noise=st.binary(max_size=40), gone=st.integers(0, 200))
def test_a_damaged_settings_file_is_understood_or_refused(tmp_path: Path, start: int, noise: bytes, gone: int) -> None:
    data = SHIPPED.encode()
    loaded(tmp_path, data[:start] + noise + data[start + gone :])


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 50_000, "x = " + "{a=" * 30_000, "a." * 2_000 + "b = 1", "a." * 500_000 + "b = 1"]
)
def test_settings_that_nest_without_end_are_refused(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text.encode()) is None


def test_the_shipped_settings_are_understood(tmp_path: Path) -> None:
    assert loaded(tmp_path, SHIPPED.encode())
    assert tomllib.loads(SHIPPED)
    assert get_args(Settings.model_fields["architecture"].annotation) == ("arm64", "x86_64")


# -- archives ----------------------------------------------------------------------------------------------------------

GOOD = build_archive(
    TemplateFile(f"regression/{part}/{name}", b"content\n" * size, size == 2)
    for part in ("model_build", "model_deploy")
    for name, size in (("a", 1), ("b/c", 2), ("d", 0))
)
FIELDS = [match.start() + offset for match in re.finditer(rb"PK\x01\x02|PK\x03\x04", GOOD) for offset in range(4, 46)]
END = GOOD.rindex(b"PK\x05\x06")


@settings(deadline=None, max_examples=400)
@given(
    st.lists(st.tuples(st.sampled_from(FIELDS), st.integers(0, 255)), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(4, 20), st.integers(0, 255)), max_size=2),
)
def test_an_archive_with_spoiled_headers_is_read_or_refused(
    headers: list[tuple[int, int]], tail: list[tuple[int, int]]
) -> None:
    data = bytearray(GOOD)
    for place, value in headers:
        data[min(place, len(data) - 1)] = value
    for offset, value in tail:
        data[END + offset] = value
    with contextlib.suppress(InvalidTemplate):
        archive = Archive.open(bytes(data))
        for profile in archive.profiles():
            for file in archive.folder(profile):
                assert not CONTROL.search(file.path)
                assert ".." not in file.path.split("/")
                assert len(file.content) <= len(GOOD)


@given(st.binary(max_size=200), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1))
def test_an_archive_that_ends_anyhow_is_read_or_refused(noise: bytes, number: int, count: int) -> None:
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, count, count, number, number, 0)
    with contextlib.suppress(InvalidTemplate):
        Archive.open(noise + end)
