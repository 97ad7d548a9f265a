"""Rows whose answers are known: those that the build repository's evaluation wrote down beside the model's metrics."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.settings import DeploymentError

FILE, SCORE = "smoke.json", "score"


@dataclass(frozen=True)
class KnownRows:
    """Rows, a CSV file with a header line, and what the model answered when it was evaluated."""

    body: str
    predictions: tuple[float, ...]

    @classmethod
    def of(cls, text: str) -> KnownRows:
        """Read smoke.json. Raises DeploymentError if it holds no rows."""
        found = json.loads(text)
        if not found.get("predictions") or not found.get("body"):
            raise DeploymentError("The model's known rows are empty. Run model build again.")
        return cls(found["body"], tuple(map(float, found["predictions"])))


def folder_of(package: Mapping[str, Any]) -> str:
    """Return the S3 URI of the folder with a model package's metrics, which also has its baseline and known rows."""
    statistics = package.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics", {}).get("S3Uri", "")
    folder, _, file = statistics.rpartition("/")
    if not folder.startswith("s3://") or not file:
        raise DeploymentError(
            "The model package has no metrics, and so neither known rows nor a baseline. Register it by model build."
        )
    return f"{folder}/"


def known_rows(folder: str, s3: Any) -> KnownRows:
    """Read the known rows of a model package's folder. Raises DeploymentError if there are none."""
    bucket, _, key = f"{folder}{FILE}".removeprefix("s3://").partition("/")
    try:
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise DeploymentError(f"The model's known rows cannot be read ({code}): {folder}{FILE}.") from error
    return KnownRows.of(text)


def compare(known: KnownRows, scored: str, tolerance: float) -> int:
    """Return how many rows of a scored CSV file have the answers that are known.

    Raises DeploymentError at the first that has not, or if there are more or fewer rows.
    """
    found = [row.get(SCORE) or "" for row in csv.DictReader(io.StringIO(scored))]
    if len(found) != len(known.predictions):
        raise DeploymentError(f"{len(known.predictions)} known rows were given, {len(found)} were scored.")
    for place, (text, expected) in enumerate(zip(found, known.predictions, strict=True), 1):
        if not _same(text, expected, tolerance):
            raise DeploymentError(f"Known row {place} got the score {text!r}; the evaluated model answered {expected}")
    return len(found)


def _same(text: str, expected: float, tolerance: float) -> bool:
    try:
        found = float(text)
    except ValueError:
        return False
    return math.isclose(found, expected, rel_tol=tolerance, abs_tol=1e-6)
