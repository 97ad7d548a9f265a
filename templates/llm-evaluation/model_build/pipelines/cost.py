"""What an execution costs at most, said before it starts."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipelines import evaluation_data
from pipelines.configuration import Configuration
from pipelines.project import Project

PREPROCESSING = Path(__file__).resolve().parent.parent / "source_scripts" / "preprocessing"


class TooExpensive(Exception):
    """The prompts cannot be evaluated, or take more tokens than limits.tokens; the message says what to do."""


def before_start(project: Project, configuration: Configuration, uri: str, s3: Any) -> str:
    """Return the estimate for the files. Raises TooExpensive.

    A table is read by the project's role only: if there is one, the preprocess step says what it costs, and stops above
    the limit. Nobody knows before whether there is one.
    """
    later = "The preprocess step estimates the cost, and stops above limits.tokens before a model is asked."
    if configuration.data.source == "table":
        return later
    table = project.names_table and configuration.data.source == "auto"
    with TemporaryDirectory() as folder:
        if not evaluation_data.download(project, uri, s3, Path(folder)):
            return later
        try:
            return of_files(Path(folder), configuration) + (
                f" For the project's table, if it exists: {later}" if table else ""
            )
        except TooExpensive:
            if table:
                return later
            raise


def of_files(folder: Path, configuration: Configuration) -> str:
    """Return the estimate for the CSV files of a folder. Raises TooExpensive."""
    if str(PREPROCESSING) not in sys.path:
        sys.path.append(str(PREPROCESSING))
    import estimate
    import preprocess

    try:
        rows = preprocess.read_files(folder, configuration.raw["data"])
        found = estimate.of(preprocess.prepare(rows, configuration.raw, configuration.data.sample), configuration.raw)
        found.require_below(configuration.limits.tokens)
    except SystemExit as error:
        raise TooExpensive(str(error)) from error
    return found.sentence()
