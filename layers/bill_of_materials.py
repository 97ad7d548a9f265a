"""The layers' bill of materials (CycloneDX 1.6): the very wheels and Debian packages that the layers are made of."""

from __future__ import annotations

import os
import tomllib
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from layers.command import ARCHITECTURES, ROOT
from layers.content import BuildFailed
from layers.git import debian
from layers.git.layer import MACHINES
from layers.python.layer import cached_wheels

_SCHEMA = SchemaVersion.V1_6


def write_bill_of_materials(output: Path, cache: Path, mirrors: Iterable[str]) -> None:
    """Write the bill for both architectures, checked against CycloneDX's schema. Raises BuildFailed."""
    layers: dict[str, list[Component]] = {}
    for arch in ARCHITECTURES:
        packages = debian.read_lock().of(MACHINES[arch].debian)
        debian.fetch(packages, cache / "debian", list(mirrors))
        layers[f"git-layer-{arch}"] = [deb_component(package) for package in packages]
        layers[f"python-layer-{arch}"] = [
            wheel_component(wheel, digest) for digest, wheel in cached_wheels(arch, cache).items()
        ]
    text = make_outputter(_bill(layers), OutputFormat.JSON, _SCHEMA).output_as_string(indent=2)
    if problem := JsonStrictValidator(_SCHEMA).validate_str(text):
        raise BuildFailed(f"The bill of materials is not CycloneDX ({problem}); please report it.")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(f"{text}\n", encoding="utf-8")


def _bill(layers: Mapping[str, Iterable[Component]]) -> Bom:
    """Return the bill: project -> layers -> packages. A package that several layers hold is there once."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    root = _named(project["name"], project["version"])
    packages: dict[str, Component] = {}
    bill = Bom(metadata=BomMetaData(component=root, timestamp=_now()))
    parts = []
    for name, components in layers.items():
        layer = _named(name, project["version"])
        own = [packages.setdefault(str(component.bom_ref), component) for component in components]
        bill.components.add(layer)
        bill.register_dependency(layer, own)
        parts.append(layer)
    bill.components.update(packages.values())
    bill.register_dependency(root, parts)
    # The same packages, the same number.
    bill.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(sorted(packages)))
    return bill


def _now() -> datetime:
    """Return the time of the build; SOURCE_DATE_EPOCH sets it, for a bill that can be made again."""
    return datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or datetime.now(UTC).timestamp()), UTC)


def _named(name: str, version: str) -> Component:
    return Component(type=ComponentType.APPLICATION, name=name, version=version, bom_ref=name)


def deb_component(package: debian.Package) -> Component:
    """Describe a Debian package by its package URL and the hash of its file."""
    architecture = package.path.removesuffix(".deb").rpartition("_")[2]
    return _component(
        PackageURL(
            "deb", "debian", package.name, package.version, {"arch": architecture, "distro": f"debian-{debian.SUITE}"}
        ),
        package.sha256,
    )


def wheel_component(wheel: Path, digest: str) -> Component:
    """Describe a wheel by its package URL, its hash and the licence that its metadata tells."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.count("/") == 1 and n.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode("utf-8"))
    # An old METADATA may hold the whole text in License: then the classifiers tell it in short.
    stated = [str(metadata[field] or "") for field in ("License-Expression", "License")]
    classifiers = [value.rpartition(" :: ")[2] for value in metadata.get_all("Classifier", []) if "License" in value]
    licence = next((value for value in [*stated, *classifiers] if value and "\n" not in value and len(value) < 100), "")
    url = PackageURL(
        "pypi", None, metadata["Name"].lower().replace("_", "-"), metadata["Version"], {"file_name": wheel.name}
    )
    return _component(url, digest, licence)


def _component(url: PackageURL, digest: str, licence: str = "") -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        name=url.name,
        version=url.version,
        bom_ref=url.to_string(),
        purl=url,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
    )
