"""A new product version reaches projects through the blueprint, and older ones stay what they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from local import run as runs
from local import studio, versions
from local.home import SOURCE
from tests.integration.studio.conftest import DOMAIN, Installation, quiet

# Whole projects on MiniStack; tests/integration/studio/test_first_door.py has one in make test.
pytestmark = [pytest.mark.long, pytest.mark.shares("projects", seconds=60)]

LINE = "A line that the next version brings.\n"


def test_a_project_moves_to_a_new_version_and_keeps_its_work(installation: Installation, tmp_path: Path) -> None:
    first = installation.version
    project = installation.create("mover")
    installation.deployed(project)
    assert installation.outputs(project)["BuildTemplateVersion"] == first
    url_before = installation.blueprint()["provisioningProperties"]["cloudFormation"]["templateUrl"]
    repository = installation.outputs(project)["BuildRepositoryName"]
    path = f"/repos/{runs.ORGANIZATION}/{repository}/contents/notes.md"
    installation.github("PUT", path, {"message": "Mine", "content": "bWluZQ=="})

    # The administrator publishes and deploys; nothing happens to the project by that.
    content = tmp_path / "templates"
    shutil.copytree(SOURCE / "templates", content)
    readme = content / "regression" / "model_build" / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + LINE, encoding="utf-8")
    second = versions.publish(installation.run.home, versions.Source(str(content), folder="."), "").version.version
    assert second != first
    installation.run = runs.up(installation.run.home, quiet())
    blueprint = installation.blueprint()
    assert blueprint["provisioningProperties"]["cloudFormation"]["templateUrl"] != url_before
    assert {item["keyName"]: item.get("defaultValue") for item in blueprint["userParameters"]}[
        "ProductVersion"
    ] == second
    assert installation.outputs(project)["BuildTemplateVersion"] == first

    # The project is updated in Studio; its environment updates the provisioned product.
    document = studio.update_project(installation.run, "mover", second, quiet())
    assert document["version"] == second
    assert document["repositories"]["build"]["status"] == "merged"
    after = installation.tree(repository)
    assert after["notes.md"] == b"mine"
    assert after["README.md"].decode().endswith(LINE)

    # New projects begin with the new version; one may still be made at the old one, which is listed on.
    fresh = installation.create("fresh")
    old = {
        "environmentConfigurationName": "MLOps repositories",
        "environmentParameters": [{"name": "ProductVersion", "value": first}],
    }
    conservative = installation.create("conservative", userParameters=[old])
    installation.deployed(fresh)
    installation.deployed(conservative)
    assert installation.outputs(fresh)["BuildTemplateVersion"] == second
    assert installation.outputs(conservative)["BuildTemplateVersion"] == first

    # An update without a version brings the profile's own.
    installation.datazone.update_project(domainIdentifier=DOMAIN, identifier=fresh, projectProfileVersion="latest")
    installation.deployed(fresh)
    assert installation.outputs(fresh)["BuildTemplateVersion"] == second


def test_a_version_that_does_not_exist_fails_with_the_reason(installation: Installation) -> None:
    wrong = {
        "environmentConfigurationName": "MLOps repositories",
        "environmentParameters": [{"name": "ProductVersion", "value": "v9.9.9"}],
    }
    project = installation.create("future", userParameters=[wrong])
    details = installation.deployed(project, "FAILED_DEPLOYMENT")
    assert "v9.9.9" in str(details["environmentFailureReasons"])
    assert installation.launch(project) is None
