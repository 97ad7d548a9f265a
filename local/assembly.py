"""The cloud assembly: synthesized once for the same input, and deployed as the CDK's command line would."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local import processes
from local.cloud import Cloud
from local.home import SOURCE, Home, LocalError
from local.stacks import Listener, Stack
from products.versions import TEMPLATE_FILE, read_versions, rendered

FOUNDATION, PORTFOLIO, STUDIO = "FoundationStack", "PortfolioStack", "StudioStack"
_INPUTS = (
    "portfolio_app.py",
    "cdk.json",
    "settings.toml",
    "requirements.txt",
    "products",
    "custom_resources",
    "layers",
)
_CONTEXT = {
    "aws:cdk:bundling-stacks": [],
    "studio-mlops:any-organization": True,  # the stand-in's, or the one that the command line names
    "studio-mlops:query-interval": 1,  # nothing here is as slow as AWS
    "studio-mlops:direct-launches": True,  # launches without a domain use CloudFormation alone
}
_KEPT = 8
_SYNTH_SECONDS = 300


@dataclass(frozen=True)
class Asset:
    """A file or folder that a stack needs in the asset bucket."""

    path: Path
    key: str
    folder: bool


@dataclass(frozen=True)
class Assembly:
    """A synthesized cloud assembly on disk. `place`: of several accounts and regions, the one that it is of."""

    path: Path
    place: str = ""

    def of(self, place: str) -> Assembly:
        """Return the assembly of an account and region."""
        return replace(self, place=place)

    @property
    def name(self) -> str:
        """The hash of what it was made of."""
        return self.path.name

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.path / self.place

    def has(self, stack: str) -> bool:
        """Tell whether the settings asked for the stack."""
        return (self.folder / f"{stack}.template.json").is_file()

    def template(self, stack: str) -> dict[str, Any]:
        """Return a stack's template."""
        return dict(json.loads((self.folder / f"{stack}.template.json").read_bytes()))

    def assets(self, stack: str) -> Iterator[Asset]:
        """Yield the assets of a stack that are published from files."""
        listed = json.loads((self.folder / f"{stack}.assets.json").read_bytes())
        for file in listed["files"].values():
            for place in file["destinations"].values():
                yield Asset(
                    self.folder / file["source"]["path"], place["objectKey"], file["source"]["packaging"] == "zip"
                )

    def product_templates(self) -> dict[str, str]:
        """Return version -> object key of the product's template, as the portfolio offers them, in its order."""
        templates: dict[str, str] = {}
        for resource in self.template(PORTFOLIO)["Resources"].values():
            if resource["Type"] != "AWS::ServiceCatalog::CloudFormationProduct":
                continue
            for version in resource["Properties"]["ProvisioningArtifactParameters"]:
                url = json.dumps(version["Info"]["LoadTemplateFromURL"])
                found = re.search(r"/([0-9a-f]{64}\.json)\"", url)
                if found:
                    templates[version["Name"]] = found[1]
        return templates


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(p for p in place.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        elif place.is_file():
            yield place


def _digest(versions: Path, settings: Path) -> str:
    """Return the hash of what goes into an assembly. The newest version's snapshot comes out of it instead."""
    digest = hashlib.sha256(sys.version.encode())
    digest.update(settings.read_bytes() if settings.is_file() else b"")
    published = read_versions(versions)
    for version in published:
        digest.update(version.model_copy(update={"created": ""}).record().encode())
    older = [version.version for version in published[:-1]]
    snapshots = [file for version in older if (file := rendered(versions, version))]
    for root, places in ((SOURCE, [SOURCE / name for name in _INPUTS]), (versions, snapshots)):
        for file in _files(places):
            digest.update(f"{file.relative_to(root)}\0{file.stat().st_mode & 0o111}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _keep_template(assembly: Path, versions: Path, version: str) -> None:
    """Keep the newest version's product template with the version, as publishing does outside of a run."""
    if rendered(versions, version) is None:
        template = next(assembly.rglob(f"*MlopsProject*.{TEMPLATE_FILE}"))  # one text for all accounts
        shutil.copy(template, versions / version / TEMPLATE_FILE)


def name(home: Home, versions: Path | None = None) -> str:
    """Return the name of the assembly that `synthesize` would return."""
    return _digest(versions or home.versions, home.settings)


def synthesize(home: Home, versions: Path | None = None) -> Assembly:
    """Return the assembly of this source and the versions (the home's); the same input is synthesized once.

    Raises LocalError with what the CDK says when the settings or versions are wrong.
    """
    versions = versions or home.versions
    made = home.assemblies / name(home, versions)
    newest = read_versions(versions)[-1].version
    if made.is_dir():  # renamed to this when it was whole
        made.touch()
        _keep_template(made, versions, newest)
        return Assembly(made)
    processes.require_node(home)
    with tempfile.TemporaryDirectory(prefix="synth-", dir=home.temporary) as directory:
        output = Path(directory) / "cdk.out"
        _run_cdk(home, versions, output)
        _keep_template(output, versions, newest)
        try:
            output.rename(made)
        except OSError:
            if not made.exists():  # else somebody else was faster, with the same
                raise
    for old in sorted(home.assemblies.iterdir(), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return Assembly(made)


def _run_cdk(home: Home, versions: Path, output: Path) -> None:
    """Synthesize into the folder, which becomes cdk.out: with several accounts it gets a folder for each place."""
    run = subprocess.run(
        [sys.executable, str(SOURCE / "portfolio_app.py")],
        cwd=output.parent,
        env={
            **processes.environment(home),
            "CDK_CONTEXT_JSON": json.dumps(_CONTEXT),
            "CDK_VALIDATION": "false",  # make synth and cdk deploy check the templates; half of the time goes into it
            "MLOPS_VERSIONS_DIR": str(versions),
            **({"SETTINGS_FILE": str(home.settings)} if home.settings.is_file() else {}),
        },
        capture_output=True,
        text=True,
        timeout=_SYNTH_SECONDS,
        check=False,
    )
    if run.returncode:
        said = run.stderr.strip().splitlines() or ["no message"]
        raise LocalError(f"The stacks could not be synthesized: {said[-1]}")


def _zipped(folders: Iterable[Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for folder in folders:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
                entry.external_attr = file.stat().st_mode << 16
                archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def bucket(cloud: Cloud) -> str:
    """Return the name of the bucket that `cdk bootstrap` makes in an account and region."""
    return f"cdk-hnb659fds-assets-{cloud.account}-{cloud.region}"


def bootstrap(cloud: Cloud) -> None:
    """Make what `cdk bootstrap` makes, as far as a deployment reads it."""
    cloud.ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String", Overwrite=True)
    try:
        cloud.s3.head_bucket(Bucket=bucket(cloud))
    except ClientError:
        elsewhere: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
        cloud.s3.create_bucket(Bucket=bucket(cloud), **({} if cloud.region == "us-east-1" else elsewhere))


def upload_assets(assembly: Assembly, stack: str, cloud: Cloud) -> None:
    """Publish a stack's assets; their keys are their content, so what is there stays.

    Layers are published empty: they were not bundled, and the host's Python packages and git serve.
    """
    resources = assembly.template(stack)["Resources"].values()
    layers = {r["Properties"]["Content"]["S3Key"] for r in resources if r["Type"] == "AWS::Lambda::LayerVersion"}
    listed = cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket(cloud))
    there = {entry["Key"] for page in listed for entry in page.get("Contents", [])}
    for asset in assembly.assets(stack):
        if asset.key in there:
            continue
        if asset.key in layers:
            body = _zipped(())
        else:
            body = _zipped([asset.path]) if asset.folder else asset.path.read_bytes()
        cloud.s3.put_object(Bucket=bucket(cloud), Key=asset.key, Body=body)


def template_url(cloud: Cloud, key: str) -> str:
    """Return where CloudFormation reads a published template."""
    return f"{cloud.ministack_url}/{bucket(cloud)}/{key}"


def deploy(assembly: Assembly, stack: str, parameters: Mapping[str, str], cloud: Cloud, listener: Listener) -> Stack:
    """Publish the stack's assets, then create or update it."""
    upload_assets(assembly, stack, cloud)
    key = f"{assembly.name}-{stack}.json"
    cloud.s3.put_object(Bucket=bucket(cloud), Key=key, Body=(assembly.folder / f"{stack}.template.json").read_bytes())
    return cloud.stacks.deploy(stack, template_url(cloud, key), parameters, listener)
