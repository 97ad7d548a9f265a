"""The published versions of the product: products/versions/<version>/{archive.zip, version.json, product.template.json,
settings.json}.

`python -m operations publish` writes them; the portfolio reads them. Imports no aws_cdk.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from custom_resources.addresses import shows_a_secret
from custom_resources.template_content import archive_name
from products.errors import (
    ArchiveChanged,
    BoundaryDemanded,
    BoundaryNotListed,
    PrefixChanged,
    RecordWrong,
    VersionIncomplete,
    VersionMalformed,
    VersionRenamed,
)
from products.settings import PROJECT_ROOT

ARCHIVE_FILE = "archive.zip"
RECORD_FILE = "version.json"
TEMPLATE_FILE = "product.template.json"  # the version's CloudFormation template
SETTINGS_FILE = "settings.json"  # that it was rendered with
_VERSION = re.compile(r"^v(\d+)\.(\d+)\.(\d+)$")

Guidance = Literal["DEFAULT", "DEPRECATED", "INACTIVE"]


class Version(BaseModel):
    """One published version, as in its version.json.

    `archive` is the content address (`<sha256>.zip`), `source`, `ref` and `commit` say where the content comes from
    ("" where it has none), `created` is an ISO 8601 time in UTC. Guidance: DEPRECATED permits updates of what runs,
    but no new launch, INACTIVE neither.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    version: str = Field(pattern=_VERSION.pattern)
    archive: str = Field(pattern=r"^[0-9a-f]{64}\.zip$")
    source: str
    ref: str = ""
    commit: str = Field(default="", pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})?$")
    created: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)$")
    notes: str = Field(default="", max_length=8191)
    guidance: Guidance = "DEFAULT"

    @field_validator("source")
    @classmethod
    def _shows_no_token(cls, source: str) -> str:
        """Refuse what would reach the product's template and a commit of every project."""
        if shows_a_secret(source):
            raise ValueError("the URL contains a password or a token; revoke it, and remove it from the record")
        return source

    @field_validator("notes")
    @classmethod
    def _is_plain_text(cls, notes: str) -> str:
        """Refuse what CloudFormation would take for a reference: the notes are in the product's template."""
        if "{{resolve:" in notes:
            raise ValueError("the notes contain {{resolve:, which CloudFormation replaces; write it in another way")
        return notes

    @property
    def order(self) -> tuple[int, ...]:
        """Versions sort by this."""
        return version_order(self.version)

    @property
    def described_source(self) -> str:
        """The source in one line, for people."""
        return f"{self.source}@{self.commit[:12] or self.ref}" if self.commit or self.ref else self.source

    def record(self) -> str:
        """Return the text of version.json."""
        return self.model_dump_json(indent=2) + "\n"


def version_order(version: str) -> tuple[int, ...]:
    """Return the numbers of `v1.2.3`. Raises VersionMalformed for another form."""
    match = _VERSION.match(version)
    if not match:
        raise VersionMalformed(version=version)
    return tuple(int(number) for number in match.groups())


def versions_directory() -> Path:
    """Return MLOPS_VERSIONS_DIR, else products/versions."""
    return Path(os.environ.get("MLOPS_VERSIONS_DIR") or PROJECT_ROOT / "products" / "versions")


def read_versions(directory: Path | None = None) -> list[Version]:
    """Return all published versions, oldest first, each checked against its archive.

    Raises VersionError, one sentence, for a record or an archive that is not right. No version is an empty list.
    """
    directory = directory or versions_directory()
    if not directory.is_dir():
        return []
    found = [_read(folder) for folder in directory.iterdir() if folder.is_dir() and folder.name[0] != "."]
    return sorted(found, key=lambda version: version.order)


def comes_unrendered(directory: Path, version: str) -> bool:
    """Tell whether a version has never been rendered, as those that come with this repository: no settings either."""
    return rendered(directory, version) is None and not (directory / version / SETTINGS_FILE).exists()


def rendered(directory: Path, version: str) -> Path | None:
    """Return the version's CloudFormation template as it was published; None if it was published without one.

    Releases before this one had it beside the versions' folders, under a name of the CDK's.
    """
    own = directory / version / TEMPLATE_FILE
    if own.is_file():
        return own
    return next(directory.glob(f"*.{version}.{TEMPLATE_FILE}"), None)


def changed_settings(directory: Path, version: str, settings: Mapping[str, Any]) -> list[str]:
    """Return the settings, as table.key, that differ from those that a version was published with.

    None for a version whose settings were not recorded. Settings that its release did not have are left out.
    """
    path = directory / version / SETTINGS_FILE
    if not path.is_file():
        return []
    return sorted(_differing(json.loads(path.read_text(encoding="utf-8")), settings))


def _differing(before: Mapping[str, Any], after: Mapping[str, Any], table: str = "") -> Iterator[str]:
    for key, value in before.items():
        now = after.get(key)
        if isinstance(value, dict) and isinstance(now, dict) and value and now:
            yield from _differing(value, now, f"{table}{key}.")
        elif now != value:
            yield f"{table}{key}"


def check_prefix(prefix: str, version: str, snapshot: Path) -> None:
    """Refuse a prefix that is not the one a version was rendered with: its functions would be gone.

    A snapshot is the version's CloudFormation template, in which the functions are named. Raises PrefixChanged.
    """
    if f":function:{prefix}-studio-project-provider" not in snapshot.read_text(encoding="utf-8"):
        raise PrefixChanged(version=version, prefix=prefix)


def check_boundary(boundaries: Sequence[str], version: Version, snapshot: Path) -> None:
    """Refuse boundaries without the one that a version's roles have: launches and rollbacks of it would be denied.

    The boundary that we ship, not a plain ARN in a template, is always accepted. Raises BoundaryNotListed.
    """
    role = json.loads(snapshot.read_text(encoding="utf-8"))["Resources"].get("WorkflowRole")
    if role is None or version.guidance == "INACTIVE":
        return
    boundary = role["Properties"].get("PermissionsBoundary", "")
    if isinstance(boundary, dict) or boundary in boundaries:
        return
    if not boundary:
        raise BoundaryDemanded(version=version.version)
    raise BoundaryNotListed(version=version.version, boundary=boundary)


def _read(folder: Path) -> Version:
    try:
        version = Version.model_validate_json((folder / RECORD_FILE).read_text(encoding="utf-8"))
        archive = (folder / ARCHIVE_FILE).read_bytes()
    except FileNotFoundError as error:
        raise VersionIncomplete(version=folder.name, file=Path(str(error.filename)).name) from None
    except (ValidationError, UnicodeDecodeError) as error:
        problem = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "not UTF-8"}
        where = ".".join(map(str, problem["loc"])) or "its text"
        raise RecordWrong(record=f"{folder.name}/{RECORD_FILE}", where=where, problem=problem["msg"]) from None
    if version.version != folder.name:
        raise VersionRenamed(folder=folder.name, version=version.version)
    if archive_name(archive) != version.archive:
        raise ArchiveChanged(version=version.version)
    return version
