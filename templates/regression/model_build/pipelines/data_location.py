"""Where the training data is: the project's Glue table, or a folder of the project's artifact location."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from pipelines.project import Project


class DataNotFound(Exception):
    """There is no training data where it should be."""


def training_data(project: Project, glue: Any, s3: Any) -> str:
    """Return the S3 URI of the training data: the Glue table's location, else `data/abalone/` of the project.

    Raises DataNotFound when neither holds an object.
    """
    candidates = [*_table_location(project, glue), project.uri("data", "abalone", "")]
    for uri in candidates:
        if _has_objects(uri, s3):
            return uri
    raise DataNotFound(
        f"No training data in {' or '.join(candidates)}: put CSV files there, "
        f"or point the Glue table {project.glue_database}.{project.glue_table} to them."
    )


def _has_objects(uri: str, s3: Any) -> bool:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    try:
        return s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount", 0) > 0
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDenied":  # the pipeline's role may read it all the same
            return True
        raise


def _table_location(project: Project, glue: Any) -> list[str]:
    if not (project.glue_database and project.glue_table):
        return []
    try:
        table = glue.get_table(DatabaseName=project.glue_database, Name=project.glue_table)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("EntityNotFoundException", "AccessDeniedException"):
            return []
        raise
    location = table.get("StorageDescriptor", {}).get("Location", "")
    return [location.rstrip("/") + "/"] if location.startswith("s3://") else []
