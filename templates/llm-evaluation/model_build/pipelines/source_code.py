"""The step scripts in S3, under the hash of their content: a changed script is a new place, old runs keep theirs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import prompts

from pipelines.configuration import Configuration
from pipelines.project import Project

RELEASED = "configuration.json"  # what is deployed of config.toml, once it is approved


@dataclass(frozen=True)
class SourceCode:
    """The files that the steps run, and where they are."""

    files: dict[str, bytes]
    uri: str

    @property
    def released_uri(self) -> str:
        """Where the configuration is that is evaluated, and deployed once it is approved."""
        return f"{self.uri}/{RELEASED}"

    @property
    def released_digest(self) -> str:
        """The SHA-256 of that configuration."""
        return prompts.digest(self.files[RELEASED])


def collect(project: Project, root: Path, configuration: Configuration) -> SourceCode:
    """Return config.toml and everything in source_scripts/ (reads the files, contacts nothing)."""
    scripts = root / "source_scripts"
    paths = sorted(path for path in scripts.rglob("*") if path.is_file() and path.suffix in (".py", ".txt"))
    files = {str(path.relative_to(scripts)): path.read_bytes() for path in paths}
    files["config.toml"] = (root / "config.toml").read_bytes()
    files[RELEASED] = prompts.released(configuration.raw["candidate"])
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return SourceCode(files, project.uri("code", digest.hexdigest()[:16]))


def upload(project: Project, code: SourceCode, s3: Any) -> int:
    """Upload what is not there yet; return how many files were uploaded."""
    folder = code.uri.removeprefix(f"s3://{project.bucket}/")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=project.bucket, Prefix=f"{folder}/")
    there = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
    missing = {f"{folder}/{name}": content for name, content in code.files.items() if f"{folder}/{name}" not in there}
    for key, content in missing.items():
        s3.put_object(Bucket=project.bucket, Key=key, Body=content)
    return len(missing)
