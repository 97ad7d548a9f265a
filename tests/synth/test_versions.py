"""The version store: read, checked, sorted; a published version never changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from products.assembly import write_assembly
from products.errors import VersionError
from products.settings import load_settings
from products.versions import ARCHIVE_FILE, RECORD_FILE, SETTINGS_FILE, TEMPLATE_FILE, read_versions, version_order
from tests.synth.conftest import (
    Assembly,
    context,
    copied,
    keep,
    publish,
    refusal,
    synthesize,
    synthesized,
    with_settings,
)

pytestmark = pytest.mark.shares("snapshots", seconds=60)


def test_versions_sort_by_number_not_by_letter(tmp_path: Path) -> None:
    for version in ("v1.10.0", "v1.9.0", "v1.9.10", "v0.1.0"):
        publish(tmp_path, version)
    assert [version.version for version in read_versions(tmp_path)] == ["v0.1.0", "v1.9.0", "v1.9.10", "v1.10.0"]


def test_no_store_is_no_version(tmp_path: Path) -> None:
    assert read_versions(tmp_path / "none") == []


@pytest.mark.parametrize("version", ["1.0.0", "v1.0", "v1.0.0-rc.1", "latest", ""])
def test_other_forms_are_refused(version: str) -> None:
    with pytest.raises(VersionError, match=r"Write it as v1\.2\.3"):
        version_order(version)


def test_an_archive_that_was_changed_is_refused(tmp_path: Path) -> None:
    publish(tmp_path, "v1.0.0")
    archive = tmp_path / "v1.0.0" / ARCHIVE_FILE
    archive.write_bytes(archive.read_bytes() + b"\0")
    with pytest.raises(VersionError, match=r"a version never changes\. Restore the archive"):
        read_versions(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "v2.0.0"}, "a version cannot be renamed"),
        ({"guidance": "OLD"}, "is not valid at guidance"),
        ({"archive": "x.zip"}, "is not valid at archive"),
        ({"unknown": 1}, "is not valid at unknown"),
        ({"notes": "a {{resolve:ssm:x}}"}, "is not valid at notes .* CloudFormation replaces"),
        ({"source": "https://hunter2@example.com/x.git"}, "is not valid at source .* contains a password or a token"),
    ],
)
def test_a_record_that_was_changed_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    publish(tmp_path, "v1.0.0")
    record = tmp_path / "v1.0.0" / RECORD_FILE
    record.write_text(json.dumps(json.loads(record.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(VersionError, match=said):
        read_versions(tmp_path)


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    publish(tmp_path, "v1.0.0")
    (tmp_path / "v1.0.0" / ARCHIVE_FILE).unlink()
    with pytest.raises(VersionError, match=r"v1\.0\.0 does not contain archive\.zip"):
        read_versions(tmp_path)


def test_each_version_is_pinned_in_its_template(assembly: Assembly) -> None:
    (version,) = read_versions(assembly.store)
    for part in ("Build", "Deploy"):
        properties = assembly.product["Resources"][f"{part}Template"]["Properties"]
        assert properties["TemplateArchive"] == version.archive
        assert properties["TemplateVersion"] == "v1.0.0"
        assert properties["TemplateSource"] == "templates"


def test_a_new_publish_leaves_the_old_snapshot_and_its_offer_as_they_were(assembly: Assembly, tmp_path: Path) -> None:
    store, first = copied(assembly.store, tmp_path), assembly
    snapshot = store / "v1.0.0" / TEMPLATE_FILE
    before = snapshot.read_bytes()
    publish(store, "v1.1.0", "two")
    second = synthesized(store, tmp_path / "second")
    assert snapshot.read_bytes() == before
    assert offers(second)["v1.0.0"] == offers(first)["v1.0.0"]
    assert set(offers(second)) == {"v1.0.0", "v1.1.0"}
    assert offers(second)["v1.1.0"] != offers(second)["v1.0.0"]


def offers(assembly: Assembly) -> dict[str, str]:
    """Return version -> where Service Catalog loads its template from."""
    from tests.synth.conftest import of_type

    (product,) = of_type(assembly.portfolio, "AWS::ServiceCatalog::CloudFormationProduct").values()
    return {
        version["Name"]: json.dumps(version["Info"])
        for version in product["Properties"]["ProvisioningArtifactParameters"]
    }


def test_a_published_template_that_would_change_is_refused(assembly: Assembly, tmp_path: Path) -> None:
    store = copied(assembly.store, tmp_path)
    snapshot = store / "v1.0.0" / TEMPLATE_FILE
    before = snapshot.read_bytes()
    (store / "v1.0.0" / SETTINGS_FILE).write_text(
        json.dumps(load_settings(with_settings(tmp_path, "")).model_dump(mode="json"))
    )
    settings = with_settings(tmp_path, 'log_level = "DEBUG"\n[product]\nglue_table = "other"')
    run = synthesize(store, tmp_path / "second", settings=settings)
    assert run.returncode == 1
    assert "differs from the published version v1.0.0" in run.stderr
    assert "differences: log_level, product.glue_table). Run `python -m operations publish`" in run.stderr
    assert str(snapshot) in run.stderr
    assert "Traceback" not in run.stderr
    assert snapshot.read_bytes() == before


@pytest.mark.long  # two or three syntheses each
@pytest.mark.parametrize(("before", "after"), [("studio-mlops", "ours"), ("studio-mlops", "mlops"), ("ours", "our")])
def test_the_prefix_stays_once_versions_are_deployed(tmp_path: Path, before: str, after: str) -> None:
    store = tmp_path / "versions"
    publish(store, "v1.0.0")
    synthesized(store, tmp_path / "first", with_settings(tmp_path, f'prefix = "{before}"'))
    settings = with_settings(tmp_path, f'prefix = "{after}"')
    newest = refusal(store, tmp_path / "second", settings)
    publish(store, "v1.1.0", "two")
    older = refusal(store, tmp_path / "third", settings)
    for said in (newest, older):
        assert said.startswith("settings.toml: prefix cannot change after versions are deployed, and v1.0.0 uses")
        assert said.endswith(f"than '{after}'. Restore the former prefix.")
    synthesized(store, tmp_path / "fourth", with_settings(tmp_path, f'prefix = "{before}"'))


@pytest.mark.long
def test_looking_writes_nothing_and_what_is_not_published_cannot_be_deployed(tmp_path: Path) -> None:
    store = tmp_path / "versions"
    publish(store, "v1.0.0")
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}

    write_assembly(load_settings(), read_versions(store), store, str(tmp_path / "looked"), context())
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before
    assert errors(tmp_path / "looked") == {
        "PortfolioStack": ["v1.0.0 is not published with your settings yet. Run `python -m operations publish`."]
    }

    keep(store, tmp_path / "looked")
    write_assembly(load_settings(), read_versions(store), store, str(tmp_path / "deployed"), context())
    assert errors(tmp_path / "deployed") == {}


def errors(assembly: Path) -> dict[str, list[str]]:
    """Return what keeps the CDK's command line from deploying a stack, by stack."""
    artifacts = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    entries = {
        name: [entry for entries in _metadata(assembly, artifact).values() for entry in entries]
        for name, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    found = {
        name: [entry["data"] for entry in listed if entry["type"] == "aws:cdk:error"]
        for name, listed in entries.items()
    }
    return {name: texts for name, texts in found.items() if texts}


def _metadata(assembly: Path, artifact: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    beside = artifact.get("additionalMetadataFile")
    found = json.loads((assembly / beside).read_text(encoding="utf-8")) if beside else artifact.get("metadata", {})
    return dict(found)


def test_an_older_releases_place_of_the_template_is_still_read(assembly: Assembly, tmp_path: Path) -> None:
    store = copied(assembly.store, tmp_path)
    (store / "v1.0.0" / TEMPLATE_FILE).rename(store / "PortfolioStackMlopsProject1.v1.0.0.product.template.json")
    publish(store, "v1.1.0", "two")
    assert offers(synthesized(store, tmp_path / "second"))["v1.0.0"] == offers(assembly)["v1.0.0"]


@pytest.mark.long
def test_what_comes_with_the_repository_can_be_looked_at_before_anything_is_published(tmp_path: Path) -> None:
    """Neither version has a product template: the newest is shown, and nothing can be deployed."""
    store = tmp_path / "versions"
    publish(store, "v1.0.0")
    publish(store, "v2.0.0", "two")
    write_assembly(load_settings(), read_versions(store), store, str(tmp_path / "looked"), context())
    assert set(offers(Assembly(tmp_path / "looked", store))) == {"v2.0.0"}
    assert errors(tmp_path / "looked") == {
        "PortfolioStack": ["v2.0.0 is not published with your settings yet. Run `python -m operations publish`."]
    }


@pytest.mark.long
@pytest.mark.parametrize("newest_is_published", [False, True])
def test_an_older_version_whose_snapshot_is_gone_is_refused(tmp_path: Path, newest_is_published: bool) -> None:
    publish(tmp_path / "versions", "v1.0.0")
    publish(tmp_path / "versions", "v1.1.0", "two")
    if newest_is_published:
        (tmp_path / "versions" / "v1.1.0" / TEMPLATE_FILE).write_text("{}", encoding="utf-8")
    else:
        (tmp_path / "versions" / "v1.0.0" / SETTINGS_FILE).write_text("{}", encoding="utf-8")
    run = synthesize(tmp_path / "versions", tmp_path / "out")
    assert run.returncode == 1
    assert "v1.0.0 does not have a product.template.json" in run.stderr
    assert "Traceback" not in run.stderr
