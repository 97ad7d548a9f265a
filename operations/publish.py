"""Publish a template: an immutable archive per version in products/versions/, and what differs from the last one."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from custom_resources.template_content import PARTS, Archive, TemplateFile, archive_name, build_archive
from operations.errors import PublishedMeanwhile, VersionTaken, VersionTooOld
from operations.template_source import TemplateContent
from operations.version_limit import remark_on
from operations.workflow_check import check_workflows
from products.versions import ARCHIVE_FILE, RECORD_FILE, Version, read_versions, version_order, versions_directory

FIRST_VERSION = "v1.0.0"


@dataclass(frozen=True)
class PartChanges:
    """What differs in one part of one profile; paths are those in the repository that gets the part."""

    profile: str
    part: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Published:
    """What `publish` did, or would do."""

    version: Version
    folder: Path
    status: Literal["published", "unchanged", "dry-run"]
    previous: str = ""
    changes: tuple[PartChanges, ...] = ()
    remarks: tuple[str, ...] = ()


def publish(
    content: TemplateContent,
    version: str = "",
    *,
    notes: str = "",
    directory: Path | None = None,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Published:
    """Write `<directory>/<version>/{archive.zip, version.json}`, all of it or nothing.

    Without `version` the next one is taken (`next_version`). The same content again is no new version. Raises
    VersionTaken when the version exists with other content, VersionTooOld when it is below the latest,
    TooManyVersions for the hundredth, InvalidTemplate, and products.versions.VersionError.
    """
    directory = directory or versions_directory()
    published = read_versions(directory)
    remarks = _remarks(content, check_workflows(content.files))
    data = build_archive(content.files)
    name = archive_name(data)
    same = _same_content(published, name, version)
    if same:
        remark = f"{same.version} has exactly this content already; nothing was written."
        return Published(same, directory / same.version, "unchanged", same.version, (), (*remarks, remark))
    remarks = tuple(filter(None, (*remarks, remark_on(published))))
    previous = published[-1] if published else None
    changes = differences(_files(directory, previous), content.files)
    chosen = version or next_version(previous, changes)
    record = Version(
        version=chosen,
        archive=name,
        source=content.source,
        ref=content.ref,
        commit=content.commit,
        created=(now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        notes=notes,
    )
    folder = directory / chosen
    if not dry_run:
        _write(folder, record, data)
    status: Literal["published", "dry-run"] = "dry-run" if dry_run else "published"
    return Published(record, folder, status, previous.version if previous else "", changes, remarks)


def _same_content(published: Sequence[Version], archive: str, version: str) -> Version | None:
    """Return the version that has this content already, None to go on.

    Raises VersionTaken, VersionTooOld (the CDK renders the product template of the newest version only), VersionError.
    """
    if not version:
        return published[-1] if published and published[-1].archive == archive else None
    version_order(version)  # refuse another form before anything else
    existing = next((candidate for candidate in published if candidate.version == version), None)
    if existing and existing.archive != archive:
        raise VersionTaken(version=version, latest=published[-1].version)
    if not existing and published and version_order(version) < published[-1].order:
        raise VersionTooOld(version=version, latest=published[-1].version)
    return existing


def _files(directory: Path, version: Version | None) -> list[TemplateFile]:
    if version is None:
        return []
    archive = Archive.open(directory / version.version / ARCHIVE_FILE, version.archive)
    return [
        TemplateFile(f"{profile}/{file.path}", file.content, file.executable)
        for profile in archive.profiles()
        for file in archive.stream(profile)
    ]


def _index(files: Sequence[TemplateFile]) -> Mapping[tuple[str, str], Mapping[str, tuple[str, bool]]]:
    index: dict[tuple[str, str], dict[str, tuple[str, bool]]] = defaultdict(dict)
    for file in files:
        profile, part, path = file.path.split("/", 2)
        index[profile, part][path] = (hashlib.sha256(file.content).hexdigest(), file.executable)
    return index


def differences(old: Sequence[TemplateFile], new: Sequence[TemplateFile]) -> tuple[PartChanges, ...]:
    """Return what differs, by profile and part; a changed mode is a change. Parts without a difference are left out."""
    before, after = _index(old), _index(new)
    found = []
    for profile, part in sorted({*before, *after}):
        was, now = before.get((profile, part), {}), after.get((profile, part), {})
        changes = PartChanges(
            profile,
            part,
            added=tuple(sorted(set(now) - set(was))),
            changed=tuple(sorted(path for path in set(was) & set(now) if was[path] != now[path])),
            deleted=tuple(sorted(set(was) - set(now))),
        )
        if changes.added or changes.changed or changes.deleted:
            found.append(changes)
    return tuple(found)


def next_version(previous: Version | None, changes: Sequence[PartChanges]) -> str:
    """Suggest a version: a file gone is a major step, a new file a minor one, changed files only a patch."""
    if previous is None:
        return FIRST_VERSION
    major, minor, patch = previous.order
    if any(change.deleted for change in changes):
        return f"v{major + 1}.0.0"
    if any(change.added for change in changes):
        return f"v{major}.{minor + 1}.0"
    return f"v{major}.{minor}.{patch + 1}"


def _remarks(content: TemplateContent, workflows: int) -> tuple[str, ...]:
    remarks = [
        f"The profile folder {profile!r} is not in lower case; projects find it only by [profile_folders]."
        for profile in content.profiles
        if profile != profile.lower()
    ]
    if not workflows:
        remarks.append(f"No part has a GitHub workflow ({' or '.join(PARTS)}/.github/workflows/*.yml).")
    if content.ignored:
        remarks.append(f"Left out, since it is no profile's part: {', '.join(content.ignored[:10])}.")
    return tuple(remarks)


def _write(folder: Path, record: Version, data: bytes) -> None:
    """Make the folder appear with both files in it; raise PublishedMeanwhile if somebody else was faster."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as unfinished:
        prepared = Path(unfinished) / folder.name
        prepared.mkdir()
        (prepared / ARCHIVE_FILE).write_bytes(data)
        (prepared / RECORD_FILE).write_text(record.record(), encoding="utf-8")
        try:
            prepared.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            raise PublishedMeanwhile(version=folder.name) from None
        finally:
            shutil.rmtree(prepared, ignore_errors=True)
