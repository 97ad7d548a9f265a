"""The templates that the shipped settings render, as a deployment of a first version would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from custom_resources.template_content import TemplateFile, archive_name, build_archive
from products.settings import PROJECT_ROOT
from products.versions import ARCHIVE_FILE, RECORD_FILE, TEMPLATE_FILE, Version

_VERSION = "v1.0.0"


def templates() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return FoundationStack's template and the product's. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="reference-") as place:
        store, assembly = Path(place, "versions"), Path(place, "assembly")
        _publish(store / _VERSION)
        environment = {
            **os.environ,
            "MLOPS_VERSIONS_DIR": str(store),
            "CDK_OUTDIR": str(assembly),
            "CDK_CONTEXT_JSON": json.dumps({"aws:cdk:bundling-stacks": []}),
            "CDK_VALIDATION": "false",
        }
        subprocess.run([sys.executable, "portfolio_app.py"], cwd=PROJECT_ROOT, env=environment, check=True)
        (product,) = assembly.glob(f"*MlopsProject*.{TEMPLATE_FILE}")
        return _read(assembly / "FoundationStack.template.json"), _read(product)


def _publish(folder: Path) -> None:
    """Write a version of one file: which template a version has, neither stack's reference tells."""
    archive = build_archive([TemplateFile("regression/model_build/README.md", b"")])
    record = Version(
        version=_VERSION, archive=archive_name(archive), source="templates", created="2026-11-01T10:00:00Z", notes=""
    )
    folder.mkdir(parents=True)
    (folder / ARCHIVE_FILE).write_bytes(archive)
    (folder / RECORD_FILE).write_text(record.record(), encoding="utf-8")


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))
