"""The builds: the same bytes every time, small enough, for the right machine, from the cache in seconds."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import resource
import shutil
import subprocess
import warnings
import zipfile
from pathlib import Path

import pytest
from cryptography import x509

from layers.content import BUILD_TIME
from layers.git.layer import Patchelf
from layers.python.layer import IN_THE_RUNTIME, PYTHON_VERSION, read_requirements
from tests.layers.conftest import NATIVE, ROOT, Layers, run_script

pytestmark = pytest.mark.layers

MEGABYTE = 1_000_000
ELF_MACHINES = {"x86_64": 62, "arm64": 183}
BOTH = [(layer, arch) for layer in ("git", "python") for arch in ELF_MACHINES]
AMAZON_LINUX_2023_GLIBC = (2, 34)


def fingerprint(directory: Path) -> str:
    """Hash all that a copy of a directory would carry: names, kinds, modes, times, contents."""
    digest = hashlib.sha256()
    for path in sorted([directory, *directory.rglob("*")]):
        content = path.read_bytes() if path.is_file() else b""
        state = path.lstat()
        line = f"{path.relative_to(directory)} {state.st_mode:o} {state.st_mtime_ns} {len(content)}\n"
        digest.update(line.encode() + content)
    return digest.hexdigest()


def cpu_seconds() -> float:
    """Return what the finished child processes have used: a busy machine makes a build longer, not this."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def elf_files(directory: Path) -> list[Path]:
    return [path for path in sorted(directory.rglob("*")) if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]


@pytest.mark.parametrize("layer", ["git", "python"])
def test_a_second_build_gives_the_same_bytes_from_the_cache(layers: Layers, layer: str, tmp_path: Path) -> None:
    first = layers.built(layer, "x86_64")
    again = ("--arch", "x86_64", "--output", tmp_path / "again")
    spent = cpu_seconds()
    mask = os.umask(0o077)
    try:
        run_script(f"{layer}/build", *again, "--zip", tmp_path / "again.zip")
    finally:
        os.umask(mask)
    assert cpu_seconds() - spent < 10
    assert fingerprint(tmp_path / "again") == fingerprint(first)
    assert (tmp_path / "again.zip").read_bytes() == layers.zip(layer, "x86_64").read_bytes()
    # Into the same folder, as `make layers` does.
    run_script(f"{layer}/build", *again)
    assert fingerprint(tmp_path / "again") == fingerprint(first)


@pytest.mark.parametrize(("layer", "arch"), BOTH)
def test_size_modes_and_times(layers: Layers, layer: str, arch: str) -> None:
    assert layers.zip(layer, arch).stat().st_size < 30 * MEGABYTE
    content = layers.built(layer, arch)
    assert {path.name for path in content.iterdir()} == {layer}
    for path in content.rglob("*"):
        assert not path.is_symlink()  # the CDK's zip would follow it
        assert path.stat().st_mtime == BUILD_TIME
        assert path.stat().st_mode & 0o7777 in ((0o755,) if path.is_dir() else (0o755, 0o644))
    with zipfile.ZipFile(layers.zip(layer, arch)) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(("layer", "arch"), BOTH)
def test_every_program_and_library_is_for_the_architecture(layers: Layers, layer: str, arch: str) -> None:
    files = elf_files(layers.built(layer, arch))
    assert len(files) > 5
    for file in files:
        assert int.from_bytes(file.read_bytes()[18:20], "little") == ELF_MACHINES[arch], file


@pytest.mark.parametrize("arch", ELF_MACHINES)
def test_the_git_layer_is_closed(layers: Layers, arch: str) -> None:
    """Every library that anything asks for is there, and the programs look for them there first."""
    top = layers.built("git", arch) / "git"
    patchelf = Patchelf.found()
    present = {path.name for path in (top / "lib").iterdir()}
    for file in elf_files(top):
        assert patchelf.needed(file) <= present, file
    for program in (top / "bin/git", top / "libexec/git-core/git-remote-https"):
        assert os.access(program, os.X_OK)
        loader = subprocess.run(
            [patchelf.program, "--print-interpreter", str(program)], check=True, capture_output=True, text=True
        ).stdout.strip()
        assert loader.startswith("/opt/git/lib/ld-linux-")
        assert os.access(top / Path(loader).relative_to("/opt/git"), os.X_OK)


def test_the_git_layer_trusts_githubs_authorities_and_tells_its_licences(layers: Layers) -> None:
    top = layers.built("git", "x86_64") / "git"
    with warnings.catch_warnings(action="ignore"):  # one of Mozilla's authorities has an odd serial number
        bundle = x509.load_pem_x509_certificates((top / "etc/ssl/certs/ca-certificates.crt").read_bytes())
    subjects = " ".join(certificate.subject.rfc4514_string() for certificate in bundle)
    for authority in ("USERTrust ECC", "USERTrust RSA", "DigiCert Global Root G2", "ISRG Root X1"):
        assert authority in subjects
    assert "GNU General Public License" in (top / "share/doc/git/copyright").read_text()


def test_the_python_layer_has_what_is_pinned_and_nothing_of_the_runtime(layers: Layers) -> None:
    top = layers.built("python", "arm64") / "python"
    installed = {path.name.split("-")[0].replace("_", "-").lower() for path in top.glob("*.dist-info")}
    assert installed == {requirement.name.lower() for requirement in read_requirements()}
    assert not installed & set(IN_THE_RUNTIME)
    for metadata in top.glob("*.dist-info"):
        assert (metadata / "METADATA").is_file()
        assert not (metadata / "RECORD").exists()
    assert list(top.rglob("LICENSE*"))
    assert not [path for pattern in ("__pycache__", "*.pyi", "tests", "bin") for path in top.rglob(pattern)]


@pytest.mark.parametrize("arch", ELF_MACHINES)
def test_the_wheels_run_on_lambdas_python_and_libc(layers: Layers, arch: str) -> None:
    for file in (layers.built("python", arch) / "python").glob("*.dist-info/WHEEL"):
        tags = [line.removeprefix("Tag: ").split("-") for line in file.read_text().splitlines() if line[:4] == "Tag:"]
        assert any(_runs(*tag) for tag in tags), (file, tags)


def _runs(python: str, abi: str, platform: str) -> bool:
    wanted = int(PYTHON_VERSION.split(".")[1])
    right_python = python.startswith("py3") or (
        python == f"cp3{wanted}" or (abi == "abi3" and int(python.removeprefix("cp3")) <= wanted)
    )
    if platform == "any" or not platform.startswith("manylinux_"):
        return right_python
    major, minor = platform.split("_")[1:3]
    return right_python and (int(major), int(minor)) <= AMAZON_LINUX_2023_GLIBC


IMPORT_ALL = """
import importlib, pathlib, pkgutil, sys
layer, runtime, project = sys.argv[1:]
sys.path[:0] = [project, layer, runtime]
names = {path.name.split(".")[0] for path in pathlib.Path(layer).iterdir() if path.suffix != ".dist-info"}
import custom_resources
names |= {module.name for module in pkgutil.walk_packages(custom_resources.__path__, "custom_resources.")}
for name in sorted(names):
    importlib.import_module(name)
from github import Auth, Github
from jwt import encode
from nacl.public import PrivateKey, SealedBox
import cryptography.hazmat.primitives.asymmetric.rsa
key = PrivateKey.generate()
assert SealedBox(key).decrypt(SealedBox(key.public_key).encrypt(b"secret")) == b"secret"
print(sorted(names))
"""


def test_the_functions_and_every_package_import_on_lambdas_python(layers: Layers, tmp_path: Path) -> None:
    """Python 3.13 with nothing but the layer, and boto3 as the runtime has it."""
    python = python_of_lambda()
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    for name in ("boto3", "botocore", "s3transfer", "dateutil", "six", "jmespath"):
        spec = importlib.util.find_spec(name)
        assert spec and spec.origin, f"{name} is not installed here; run `make install`."
        source = Path(spec.origin)
        place = source.parent if source.name == "__init__.py" else source
        (runtime / place.name).symlink_to(place)
    (tmp_path / "import_all.py").write_text(IMPORT_ALL)
    top = layers.built("python", NATIVE) / "python"
    done = subprocess.run(
        [python, "-I", "-S", "-B", str(tmp_path / "import_all.py"), str(top), str(runtime), str(ROOT)],
        check=False, capture_output=True, text=True, timeout=120, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"git", "github", "nacl", "custom_resources.handlers"} <= set(ast.literal_eval(done.stdout))


def python_of_lambda() -> str:
    """Return a Python of the function's version: $LAMBDA_PYTHON, on PATH, or pyenv's."""
    name = f"python{PYTHON_VERSION}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [*sorted(map(str, pyenv.glob(f"versions/{PYTHON_VERSION}.*/bin/python"))), shutil.which(name)]
    for python in (os.environ.get("LAMBDA_PYTHON"), *places):
        if python and subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0:
            return python
    pytest.fail(f"This test needs {name}; install it or set LAMBDA_PYTHON to its path.")
