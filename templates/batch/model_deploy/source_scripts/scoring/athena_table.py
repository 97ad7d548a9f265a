"""The project's table, read by Athena as the project's role, which alone may read it (Lake Formation)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

WAIT_SECONDS = 2


@dataclass(frozen=True)
class Table:
    """Where the table is."""

    region: str
    workgroup: str
    database: str
    name: str

    def client(self, service: str) -> Any:
        """Return a client of the table's region."""
        return boto3.client(service, region_name=self.region)


def workgroup(region: str, domain: str, project: str) -> str:
    """Return the workgroup that Studio made for the project, "" if DataZone does not tell it to the project's role."""
    brief = Config(connect_timeout=10, read_timeout=20, retries={"total_max_attempts": 2})
    try:
        pages = boto3.client("datazone", region_name=region, config=brief).get_paginator("list_connections")
        found = [
            (each["name"], each.get("props", {}).get("athenaProperties", {}).get("workgroupName", ""))
            for page in pages.paginate(domainIdentifier=domain, projectIdentifier=project, type="ATHENA")
            for each in page["items"]
        ]
    except (BotoCoreError, ClientError, ValueError) as error:
        print(f"DataZone does not tell the project's Athena workgroup ({type(error).__name__}: {error}).")
        return ""
    named = sorted((name != "project.athena", group) for name, group in found if group)
    return named[0][1] if named else ""


def exists(table: Table) -> bool:
    """Tell whether the table exists. An error other than "not found" is raised: it must not look like no table."""
    try:
        table.client("glue").get_table(DatabaseName=table.database, Name=table.name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "EntityNotFoundException":
            return False
        raise SystemExit(
            f"The table {table.database}.{table.name} cannot be read: {error.response['Error']['Code']}. "
            "Grant the project access to it in SageMaker Unified Studio, or read files (config.toml)."
        ) from error
    return True


def query(table: Table, columns: list[str]) -> str:
    """Return the SQL; without columns, of all. Names are quoted; a quote in a name is doubled."""
    names = ", ".join(_quoted(name) for name in columns) or "*"
    return f"SELECT {names} FROM {_quoted(table.database)}.{_quoted(table.name)}"  # noqa: S608 -- quoted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def read(table: Table, columns: list[str], folder: Path) -> pd.DataFrame:
    """Run the query and return its rows as texts, as in a CSV file."""
    athena = table.client("athena")
    started = athena.start_query_execution(QueryString=query(table, columns), WorkGroup=table.workgroup)
    location = _finished(athena, started["QueryExecutionId"])
    bucket, _, key = location.removeprefix("s3://").partition("/")
    folder.mkdir(parents=True, exist_ok=True)
    table.client("s3").download_file(bucket, key, str(folder / "result.csv"))
    return pd.read_csv(folder / "result.csv", dtype=str, keep_default_na=False, na_values=[""])


def _finished(athena: Any, execution: str) -> str:
    while True:
        found = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
        status = found["Status"]
        if status["State"] == "SUCCEEDED":
            return str(found["ResultConfiguration"]["OutputLocation"])
        if status["State"] in ("FAILED", "CANCELLED"):
            raise SystemExit(f"Athena could not read the table: {status.get('StateChangeReason', status['State'])}")
        time.sleep(WAIT_SECONDS)
