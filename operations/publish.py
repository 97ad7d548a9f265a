"""Publish a template: an immutable archive per version in products/versions/, and what differs from the last one."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from custom_resources.template_content import PARTS, Archive, TemplateFile, archive_name, build_archive
from operations.content_diff import patch
from operations.errors import PublishedMeanwhile, VersionTaken, VersionTakenBySettings, VersionTooOld
from operations.portable_names import refuse_alike, remark
from operations.rendering import Rendering
from operations.template_source import TemplateContent
from operations.version_limit import remark_on
from operations.workflow_check import check_workflows
from operations.workflow_reads import remarks_on_reads
from products.versions import (
    ARCHIVE_FILE,
    RECORD_FILE,
    SETTINGS_FILE,
    TEMPLATE_FILE,
    Version,
    changed_settings,
    comes_unrendered,
    read_versions,
    rendered,
    version_order,
    versions_directory,
)

FIRST_VERSION = "v1.0.0"
Status = Literal["published", "unchanged", "dry-run"]
# operations.rendering.render: directory, record, archive, templates of versions before -> product template.
Render = Callable[[Path, Version, bytes, Mapping[str, bytes]], Rendering]


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
    status: Status
    previous: str = ""
    changes: tuple[PartChanges, ...] = ()
    remarks: tuple[str, ...] = ()
    completed: tuple[Path, ...] = ()  # folders of versions before, whose product template was missing
    patch: str = ""  # what differs, of a dry run


def publish(
    content: TemplateContent,
    version: str = "",
    *,
    notes: str = "",
    directory: Path | None = None,
    dry_run: bool = False,
    now: datetime | None = None,
    render: Render | None = None,
    configured: Collection[str] = (),
) -> Published:
    """Write `<directory>/<version>/{archive.zip, version.json, product.template.json, settings.json}`, all or nothing.

    Without `version` the next one is taken (`next_version`). The same content, rendered by the same settings, makes no
    new version. Without `render` the version gets no product template (the local run adds it). Raises VersionTaken when
    the version exists with other content or settings, VersionTooOld when it is below the latest, TooManyVersions for
    the hundredth, NamesAlike, InvalidTemplate, NotRendered, and products.versions.VersionError.
    """
    store = _Store(directory or versions_directory(), render, dry_run)
    published = read_versions(store.directory)
    remarks = (*_remarks(content, check_workflows(content.files)), *remarks_on_reads(content.files, configured))
    data = build_archive(content.files)
    refuse_alike(file.path for file in content.files)
    name = archive_name(data)
    previous = published[-1] if published else None
    same = _same_content(published, name, version)
    if same:
        done, remark, completed = store.again(same, data, published, wanted=version)
        remarks = (*remarks, remark)
        if done:
            return Published(same, store.directory / same.version, done, same.version, (), remarks, completed)
    remarks = tuple(filter(None, (*remarks, remark_on(published))))
    before = _files(store.directory, previous)
    changes = differences(before, content.files)
    record = Version(
        version=version or next_version(previous, changes),
        archive=name,
        source=content.source,
        ref=content.ref,
        commit=content.commit,
        created=(now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        notes=notes,
    )
    completed = store.add(record, data, published)
    done = "dry-run" if dry_run else "published"
    shown = patch(before, content.files) if dry_run and previous else ""
    former = previous.version if previous else ""
    return Published(record, store.directory / record.version, done, former, changes, remarks, completed, shown)


@dataclass(frozen=True)
class _Store:
    """The folder of published versions, and what renders a version's product template."""

    directory: Path
    render: Render | None
    dry_run: bool

    def again(
        self, same: Version, data: bytes, published: Sequence[Version], *, wanted: str
    ) -> tuple[Status | None, str, tuple[Path, ...]]:
        """Publish content that a version has already; return what became of it, None where it takes a new version.

        The newest version gets the product template that it lacks, and so do those before it. Their folders come last.
        Raises VersionTakenBySettings.
        """
        unchanged = f"{same.version} already has exactly this content; nothing was written."
        if same != published[-1] or self.render is None:
            return "unchanged", unchanged, ()
        completed = self._missing(published[:-1])
        made = self.render(self.directory, same, data, {name: each.template for name, each in completed.items()})
        before = rendered(self.directory, same.version)
        if before is None:
            folders = self._keep(completed)
            self._complete(same.version, made)
            done: Status = "dry-run" if self.dry_run else "published"
            return done, f"{same.version} already has this content; its product template was missing.", folders
        if before.read_bytes() == made.template:
            return "unchanged", unchanged, ()
        changed = ", ".join(changed_settings(self.directory, same.version, json.loads(made.settings)))
        if wanted:
            raise VersionTakenBySettings(version=wanted, changed=changed or "the product's code")
        told = f"The content is the same as in {same.version}. Changed since then: {changed or 'the product itself'}."
        return None, told, ()

    def add(self, record: Version, data: bytes, published: Sequence[Version]) -> tuple[Path, ...]:
        """Write a new version; return the folders of those before it that lacked their product template.

        A version that is no longer the newest must stay as it was rendered (docs/decisions/0011).
        """
        completed: dict[str, Rendering] = {}
        made = None
        if self.render:
            completed = self._missing(published)
            made = self.render(self.directory, record, data, {v: each.template for v, each in completed.items()})
        if not self.dry_run:
            _write(self.directory / record.version, record, data, made)
        return self._keep(completed)

    def _missing(self, versions: Sequence[Version]) -> dict[str, Rendering]:
        """Render the versions that have no product template, as those have none that come with this repository."""
        made: dict[str, Rendering] = {}
        for version in versions:
            if self.render and comes_unrendered(self.directory, version.version):
                archive = (self.directory / version.version / ARCHIVE_FILE).read_bytes()
                before = {name: each.template for name, each in made.items()}
                made[version.version] = self.render(self.directory, version, archive, before)
        return made

    def _keep(self, completed: Mapping[str, Rendering]) -> tuple[Path, ...]:
        for version, rendering in completed.items():
            self._complete(version, rendering)
        return tuple(self.directory / version for version in completed)

    def _complete(self, version: str, made: Rendering) -> None:
        if not self.dry_run:
            _write_rendering(self.directory / version, made)


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
        f"The profile folder {profile!r} is not in lower case, so it needs an entry in [profile_folders]."
        for profile in content.profiles
        if profile != profile.lower()
    ]
    if not workflows:
        remarks.append(f"No part has a GitHub workflow ({' or '.join(PARTS)}/.github/workflows/*.yml).")
    if content.ignored:
        remarks.append(f"Not published, because it does not belong to a profile: {', '.join(content.ignored[:10])}.")
    if content.hidden:
        remarks.append(
            f"Not published, because a .gitignore of the template ignores these files: "
            f"{', '.join(content.hidden[:10])}. Add them with `git add --force` if they belong to the template."
        )
    return tuple(filter(None, (*remarks, remark(file.path for file in content.files))))


def _write_rendering(folder: Path, made: Rendering) -> None:
    (folder / SETTINGS_FILE).write_text(made.settings, encoding="utf-8")
    unfinished = folder / f".{TEMPLATE_FILE}"
    unfinished.write_bytes(made.template)
    unfinished.rename(folder / TEMPLATE_FILE)  # whole, or not there


def _write(folder: Path, record: Version, data: bytes, made: Rendering | None = None) -> None:
    """Make the folder appear with its files in it; raise PublishedMeanwhile if somebody else was faster."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as unfinished:
        prepared = Path(unfinished) / folder.name
        prepared.mkdir()
        (prepared / ARCHIVE_FILE).write_bytes(data)
        (prepared / RECORD_FILE).write_text(record.record(), encoding="utf-8")
        if made:
            _write_rendering(prepared, made)
        try:
            prepared.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            raise PublishedMeanwhile(version=folder.name) from None
        finally:
            shutil.rmtree(prepared, ignore_errors=True)
