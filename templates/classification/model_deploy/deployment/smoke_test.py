"""Ask a new endpoint for rows whose answers are known: those that the build repository's evaluation wrote down."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.settings import DeploymentError

FILE = "smoke.json"  # beside the model's metrics


@dataclass(frozen=True)
class KnownRows:
    """Rows, and what the model answered when it was evaluated."""

    content_type: str
    rows: tuple[str, ...]
    predictions: tuple[float, ...]


def known_rows(package: Mapping[str, Any], s3: Any) -> KnownRows:
    """Read a model package's known rows. Raises DeploymentError if it has none."""
    statistics = package.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics", {}).get("S3Uri", "")
    bucket, _, key = statistics.removeprefix("s3://").partition("/")
    folder = key.rpartition("/")[0]
    if not folder:
        raise DeploymentError("The model package has no metrics, and so no known rows. Register it by model build.")
    try:
        found = json.loads(s3.get_object(Bucket=bucket, Key=f"{folder}/{FILE}")["Body"].read())
    except ClientError as error:
        code, place = error.response["Error"]["Code"], f"s3://{bucket}/{folder}/{FILE}"
        raise DeploymentError(f"The model's known rows cannot be read ({code}): {place}.") from error
    return KnownRows(found["content_type"], tuple(found["rows"]), tuple(map(float, found["predictions"])))


def run(endpoint: str, known: KnownRows, tolerance: float, runtime: Any) -> int:
    """Ask for each row; return how many answered as expected. Raises DeploymentError at the first that does not."""
    if not known.rows:
        raise DeploymentError("The model's known rows are empty. Run model build again.")
    for row, expected in zip(known.rows, known.predictions, strict=True):
        try:
            answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType=known.content_type, Body=row.encode())
            text = answer["Body"].read().decode().strip()
        except ClientError as error:
            raise DeploymentError(f"{endpoint} does not answer: {error.response['Error']['Message']}") from error
        if not _same(text, expected, tolerance):
            raise DeploymentError(f"{endpoint} answers {text[:40]!r} to {row}; the evaluated model answered {expected}")
    return len(known.rows)


def _same(text: str, expected: float, tolerance: float) -> bool:
    try:
        found = float(text.strip("[]"))
    except ValueError:
        return False
    return math.isclose(found, expected, rel_tol=tolerance, abs_tol=1e-6)
