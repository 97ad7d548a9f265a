"""The prompts that the pipeline evaluates: those in the project's S3 location, or the samples of this repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.project import Project

FOLDER = "data"


def prepare(project: Project, root: Path, s3: Any) -> tuple[str, str]:
    """Return the folder's S3 URI and a sentence about it. An empty folder gets the sample prompts.

    Raises FileNotFoundError if there are no files in S3 and no sample prompts here.
    """
    uri = project.uri(FOLDER, "")
    prefix = uri.removeprefix(f"s3://{project.bucket}/")
    if s3.list_objects_v2(Bucket=project.bucket, Prefix=prefix, MaxKeys=1).get("KeyCount", 0):
        return uri, f"Prompts: the files in {uri}."
    samples = sorted((root / "data").glob("*.csv*"))
    if not samples:
        raise FileNotFoundError(
            f"There are no files in {uri} and no sample prompts in data/. Upload CSV files to {uri}."
        )
    for path in samples:
        s3.put_object(Bucket=project.bucket, Key=f"{prefix}{path.name}", Body=path.read_bytes())
    names = ", ".join(path.name for path in samples)
    return uri, f"Prompts: {uri} was empty. The sample prompts of this repository ({names}) are there now."


def download(project: Project, uri: str, s3: Any, folder: Path) -> bool:
    """Copy the CSV files of a folder here; tell whether it is one that the workflow may read: the project's own."""
    if not uri.startswith(project.uri("")):
        return False
    prefix = uri.removeprefix(f"s3://{project.bucket}/")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=project.bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", []) if ".csv" in entry["Key"]]
    for number, key in enumerate(keys):
        place = folder / f"{number}-{key.rsplit('/', 1)[-1]}"
        place.write_bytes(s3.get_object(Bucket=project.bucket, Key=key)["Body"].read())
    return bool(keys)
