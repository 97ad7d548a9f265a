"""The files that the pipeline trains on: those in the project's S3 location, or the sample data of this repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.project import Project

FOLDER = "data"


def prepare(project: Project, root: Path, s3: Any) -> tuple[str, str]:
    """Return the folder's S3 URI and a sentence about it. An empty folder gets the sample data.

    Raises FileNotFoundError if there are no files in S3 and no sample data here.
    """
    uri = project.uri(FOLDER, "")
    prefix = uri.removeprefix(f"s3://{project.bucket}/")
    if s3.list_objects_v2(Bucket=project.bucket, Prefix=prefix, MaxKeys=1).get("KeyCount", 0):
        return uri, f"Training data: the files in {uri}."
    samples = sorted((root / "data").glob("*.csv*"))
    if not samples:
        raise FileNotFoundError(f"There are no files in {uri} and no sample data in data/. Upload CSV files to {uri}.")
    for path in samples:
        s3.put_object(Bucket=project.bucket, Key=f"{prefix}{path.name}", Body=path.read_bytes())
    names = ", ".join(path.name for path in samples)
    return uri, f"Training data: {uri} was empty. The sample data of this repository ({names}) is there now."
