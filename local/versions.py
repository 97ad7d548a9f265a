"""The template versions of a local run: the product's published ones, and those published here."""

from __future__ import annotations

import argparse
import os
import shutil
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from custom_resources.errors import FinalError
from local import assembly
from local.home import SOURCE, Home, LocalError
from operations import publish as operations
from operations.publish import Published
from operations.template_source import resolve
from products.errors import SettingsError
from products.versions import TEMPLATE_FILE, Version, read_versions, rendered

FIRST = "v1.0.0"


@dataclass(frozen=True)
class Source:
    """Where template content comes from: a folder or a Git repository, and the folder in it that holds the profiles."""

    place: str
    ref: str = ""
    folder: str = ""

    @staticmethod
    def own() -> Source:
        """The templates of this source."""
        return Source(str(SOURCE), folder="templates")


def source_of(arguments: argparse.Namespace) -> Source | None:
    """Return the source that the arguments name. Raises LocalError for a half-named one."""
    place = getattr(arguments, "template_source", "")
    ref, folder = getattr(arguments, "template_ref", ""), getattr(arguments, "template_folder", "")
    if not place:
        if ref or folder:
            raise LocalError("--template-ref and --template-folder need --template-source.")
        return None
    return Source(place, ref, folder)


def known(home: Home) -> list[Version]:
    """Return this run's versions, oldest first."""
    try:
        return read_versions(home.versions)
    except SettingsError as error:
        raise LocalError(str(error)) from None


def document(home: Home, version: str) -> dict[str, Any]:
    """Return a version's record."""
    return next((v.model_dump() for v in known(home) if v.version == version), {"version": version})


def ensure_first(home: Home) -> None:
    """Give a new run the newest of the product's published versions; without any, publish the source's templates."""
    home.versions.mkdir(parents=True, exist_ok=True)
    if known(home):
        return
    shipped = SOURCE / "products" / "versions"
    published = read_versions(shipped)
    if not published:
        publish(home, Source.own(), FIRST, notes="The first version.")
        return
    newest = published[-1].version
    shutil.copytree(shipped / newest, home.versions / newest)
    for template in shipped.glob(f"*.{newest}.{TEMPLATE_FILE}"):  # as releases before wrote it
        shutil.copy(template, home.versions)


def publish(home: Home, source: Source, version: str = "", *, profile: str = "", notes: str = "") -> Published:
    """Publish the source's content as that version or the next; the same content again makes no new version.

    Raises LocalError, before anything is written: the source, its ref or folder is missing, has no such profile, or
    cannot be delivered (links, sizes, names), or the version exists with other content.
    """
    try:
        content = resolve(source.place, source.ref, source.folder, os.environ.get("TEMPLATE_SOURCE_TOKEN", ""))
        if profile and profile.lower() not in content.profiles:
            raise LocalError(
                f"The template source has no profile {profile.lower()!r} (it has: {', '.join(content.profiles)}); "
                "choose one of them, or add the profile's folder."
            )
        published = known(home)
        if published and not rendered(home.versions, published[-1].version):
            assembly.synthesize(home)  # the portfolio keeps an older version as it was rendered
        return operations.publish(content, version, notes=notes, directory=home.versions)
    except FinalError as error:
        raise LocalError(str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise LocalError(f"The version's {'.'.join(map(str, first['loc']))} cannot be used: {first['msg']}.") from None


def render_newest_again(home: Home) -> None:
    """Forget how the newest version's product template was rendered: it follows the settings as they are now.

    For a run that begins: nothing is deployed yet that would have to stay as it is.
    """
    versions = known(home)
    while versions and (template := rendered(home.versions, versions[-1].version)):
        template.unlink()
