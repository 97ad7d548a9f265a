"""fleet.json: the last reading of the fleet, with its time."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from operations.errors import FleetNotKept
from operations.fleet.facts import Fleet, Project
from operations.fleet.tables import as_document

_PROJECTS = TypeAdapter(tuple[Project, ...])


def keep(file: Path, fleet: Fleet) -> None:
    """Write the reading, whole or not at all. A link is followed; anything but a file, such as /dev/null, is only
    written to, since replacing it would leave a file.
    """
    file, text = file.resolve(), json.dumps(as_document(fleet), indent=1) + "\n"
    if file.exists() and not file.is_file():
        file.write_text(text, encoding="utf-8")
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def kept(file: Path) -> Fleet:
    """Read the last look. Raises FleetNotKept."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        projects = _PROJECTS.validate_python(found["projects"])
        return Fleet(str(found["time"]), str(found["wanted"]), projects, problem=str(found["problem"]))
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        raise FleetNotKept(file=file) from None
