"""The step scripts in S3, under the hash of their content: a changed script is a new object, old runs keep theirs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pipelines.project import Project

SCRIPTS = {
    "preprocess": Path("source_scripts/preprocessing/preprocess.py"),
    "evaluate": Path("source_scripts/evaluation/evaluate.py"),
}


def script_uris(project: Project, root: Path) -> dict[str, str]:
    """Return each script's S3 URI (reads the files, contacts nothing)."""
    uris = {}
    for step, path in SCRIPTS.items():
        digest = hashlib.sha256((root / path).read_bytes()).hexdigest()[:16]
        uris[step] = project.uri("code", "abalone", digest, path.name)
    return uris


def upload(project: Project, root: Path, s3: Any) -> dict[str, str]:
    """Upload the scripts; return their S3 URIs."""
    uris = script_uris(project, root)
    for step, uri in uris.items():
        key = uri.removeprefix(f"s3://{project.bucket}/")
        s3.put_object(Bucket=project.bucket, Key=key, Body=(root / SCRIPTS[step]).read_bytes())
    return uris
