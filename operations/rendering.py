"""The product's template of a published version, kept beside it: the CDK writes it while the version is the newest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from operations.errors import NotRendered
from products.settings import PROJECT_ROOT
from products.versions import read_versions


def render_newest(directory: Path) -> str:
    """Write the newest version's product template, if it is missing; return the version, "" if nothing was missing.

    A version that is no longer the newest must stay as it was rendered (docs/decisions/0011), so this comes before
    another is published. Runs portfolio_app.py (a few seconds). Raises NotRendered, products.versions.VersionError.
    """
    published = read_versions(directory)
    if not published or any(directory.glob(f"*.{published[-1].version}.product.template.json")):
        return ""
    version = published[-1].version
    with tempfile.TemporaryDirectory(prefix="assembly-") as assembly:
        environment = {
            **os.environ,
            "MLOPS_VERSIONS_DIR": str(directory.resolve()),
            "CDK_OUTDIR": assembly,
            "CDK_CONTEXT_JSON": json.dumps({"aws:cdk:bundling-stacks": []}),
            "CDK_VALIDATION": "false",  # the deployment checks it
        }
        command = [sys.executable, str(PROJECT_ROOT / "portfolio_app.py")]
        done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise NotRendered(version=version, reason=said.rstrip("."))
    return version
