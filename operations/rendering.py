"""The product's template of a version, as the settings make it: rendered when the version is published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from operations.errors import NotRendered
from products.settings import PROJECT_ROOT, Settings, load_settings
from products.versions import ARCHIVE_FILE, RECORD_FILE, TEMPLATE_FILE, Version, read_versions


@dataclass(frozen=True)
class Rendering:
    """A version's product template, and the settings that made it, as the version's folder keeps them."""

    template: bytes
    settings: str


def render(directory: Path, record: Version, archive: bytes, templates: Mapping[str, bytes]) -> Rendering:
    """Render a version beside those of `directory`; write nothing there.

    `templates`: of versions before it, those that are not in `directory` yet. Runs portfolio_app.py (some seconds).
    Raises SettingsError, NotRendered.
    """
    settings = load_settings()
    with tempfile.TemporaryDirectory(prefix="assembly-") as place:
        store, assembly = Path(place, "versions"), Path(place, "assembly")
        _copy(directory, store, record, archive, templates)
        command = [sys.executable, str(PROJECT_ROOT / "portfolio_app.py")]
        environment = _environment(settings, store, assembly)
        done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)
        template = next(assembly.glob(f"*MlopsProject*.{TEMPLATE_FILE}"), None)
        if done.returncode or template is None:
            said = (done.stderr.strip() or done.stdout.strip() or "these settings offer no product").splitlines()[-1]
            raise NotRendered(version=record.version, reason=said.rstrip("."))
        return Rendering(template.read_bytes(), json.dumps(settings.model_dump(mode="json"), indent=2) + "\n")


def _copy(directory: Path, store: Path, record: Version, archive: bytes, templates: Mapping[str, bytes]) -> None:
    """Make a store of versions in which the record is the newest, and not rendered."""
    store.mkdir()
    later = {each.version for each in read_versions(directory) if each.order > record.order}
    for entry in directory.iterdir() if directory.is_dir() else ():
        if entry.name[0] == "." or f"{record.version}.{TEMPLATE_FILE}" in entry.name or entry.name in later:
            continue
        if entry.is_dir() and (entry.name == record.version or entry.name in templates):
            _link(entry, store / entry.name)
        else:
            (store / entry.name).symlink_to(entry.resolve())
    for version, template in templates.items():
        (store / version / TEMPLATE_FILE).write_bytes(template)
    own = store / record.version
    own.mkdir(exist_ok=True)
    for name, content in ((ARCHIVE_FILE, archive), (RECORD_FILE, record.record().encode())):
        (own / name).unlink(missing_ok=True)
        (own / name).write_bytes(content)


def _link(folder: Path, place: Path) -> None:
    place.mkdir()
    for file in folder.iterdir():
        if file.name != TEMPLATE_FILE:
            (place / file.name).symlink_to(file.resolve())


def _environment(settings: Settings, store: Path, assembly: Path) -> dict[str, str]:
    context: dict[str, object] = {"aws:cdk:bundling-stacks": []}
    projects = [place for place in settings.places if not place.is_domain]
    if projects:  # the product's template is one text for all accounts
        context["studio-mlops:place"] = str(projects[0])
    return {
        **os.environ,
        "MLOPS_VERSIONS_DIR": str(store),
        "CDK_OUTDIR": str(assembly),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_VALIDATION": "false",  # the deployment checks it
    }
