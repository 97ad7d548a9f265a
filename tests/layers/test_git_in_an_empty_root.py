"""The git layer at work where there is nothing else: a root with /opt from the layer, and Lambda's environment.

The product's own Git code runs; each of its git processes enters the empty root. The library path leads to a
decoy: files by the names of the layer's libraries that are no libraries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from custom_resources.clients.git import Git
from custom_resources.errors import RetryLater
from custom_resources.template_content import TemplateFile
from layers.git.layer import Patchelf
from tests.layers.conftest import NATIVE, Layers
from tests.layers.https_git import HOST, HttpsGit

pytestmark = pytest.mark.layers

TOKEN = "test-token-0123456789"
REPOSITORY = "owner/model-build"
DEVICES = ("/dev/null", "/dev/urandom")
ENVIRONMENT = {
    "PATH": "/opt/git/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",  # all but the first are for unshare and chroot
    "GIT_EXEC_PATH": "/opt/git/libexec/git-core",
    "LD_LIBRARY_PATH": "/decoy:/lib64:/usr/lib64:/opt/lib",
}


@dataclass(frozen=True)
class EmptyRoot:
    """A folder to be used as `/`, whose /tmp is also a folder of the host."""

    path: Path
    tmp: Path

    @classmethod
    def with_layer(cls, layer: Path, place: Path) -> EmptyRoot:
        root, tmp = place / "root", place / "tmp"
        for folder in (tmp, root / "dev", root / "etc", root / "decoy", root / tmp.relative_to("/")):
            folder.mkdir(parents=True)
        shutil.copytree(layer, root / "opt")
        for library in (root / "opt" / "git" / "lib").iterdir():
            (root / "decoy" / library.name).write_text("not a library\n")
        for device in DEVICES:
            Path(f"{root}{device}").touch()
        # As in Lambda: names are looked up by the system's rules, some of which name modules that are not here.
        (root / "etc" / "nsswitch.conf").write_text("hosts: files myhostname dns\npasswd: files sss\n")
        (root / "etc" / "hosts").write_text(f"127.0.0.1 localhost {HOST}\n")
        return cls(root, tmp)

    def entering(self) -> str:
        """Return a shell command that runs its arguments in the root (mounts are gone with it)."""
        alone = "" if os.geteuid() == 0 else "--user --map-root-user"
        return (
            f"exec unshare {alone} --mount --fork sh -c '"
            f"{''.join(f'mount --bind {place} {self.path}{place} && ' for place in (*DEVICES, self.tmp))}"
            f'exec chroot {self.path} "$@"\' enter'
        )

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", f'{self.entering()} "$@"', "sh", *command],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            env={"HOME": str(self.tmp), **ENVIRONMENT, **environment},
        )


@pytest.fixture
def root(layers: Layers, tmp_path: Path) -> EmptyRoot:
    assert shutil.which("unshare"), "This test needs unshare (util-linux) and root."
    assert NATIVE, "This test needs a machine on which one of the layers runs: x86_64 or aarch64 Linux."
    root = EmptyRoot.with_layer(layers.built("git", NATIVE), tmp_path)
    entered = root.run("/opt/git/bin/git", "--version")
    assert entered.returncode == 0, f"This test needs root and mounts, and a git that runs: {entered.stderr}"
    return root


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpsGit]:
    with HttpsGit.running(tmp_path, TOKEN) as server:
        server.create(REPOSITORY)
        yield server


@pytest.fixture
def git(root: EmptyRoot, server: HttpsGit, monkeypatch: pytest.MonkeyPatch) -> Git:
    """The product's Git, whose `git` is the layer's in the empty root; it trusts the test authority."""
    programs = root.path.parent / "programs"
    programs.mkdir()
    wrapper = programs / "git"
    settings = " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())
    authority = shutil.copy(server.authority, root.tmp / "authority.pem")
    wrapper.write_text(
        f"#!/bin/sh\nexport {settings} GIT_SSL_CAINFO=${{TRUSTED:-{authority}}}\n"
        f'{root.entering()} /opt/git/bin/git "$@"\n'
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr("tempfile.tempdir", str(root.tmp))
    monkeypatch.setenv("GIT_SSL_CAINFO", str(authority))
    return Git(server.local_url, lambda _: TOKEN, lambda rejected: False)


def template(**contents: str) -> list[TemplateFile]:
    return [
        TemplateFile(f"{name}.py", content.encode(), executable=name == "run") for name, content in contents.items()
    ]


def test_seed_user_edit_and_merge_over_https(git: Git, server: HttpsGit) -> None:
    """Import, push, clone without contents, merge, push: the user's lines and the template's end up together."""
    lines = [f"line {number}" for number in range(20)]
    first = "\n".join(lines) + "\n"
    with git.open(REPOSITORY) as repository:
        empty = repository.look()
        seed = repository.import_commit(template(train=first, run="print(1)\n"), "Template v1")
        repository.push(empty, {"refs/heads/main": seed, "refs/studio/template": seed})

    assert server.git(REPOSITORY, "ls-tree", "main", "run.py").startswith("100755 ")
    tip = server.commit(REPOSITORY, "train.py", "\n".join(["# by the user", *lines]) + "\n")

    with git.open(REPOSITORY) as repository:
        seen = repository.look()
        repository.fetch(seed, tip)
        second = repository.import_commit(template(train=first + "# v2\n", run="print(2)\n"), "Template v2", seed)
        merge = repository.merge(*(repository.commit(commit).tree for commit in (seed, tip, second)))
        assert merge.conflicts == ()
        merged = repository.commit_tree(merge.tree, (tip, second), "Merge")
        repository.push(seen, {"refs/heads/main": merged, "refs/studio/template": second})

    assert server.git(REPOSITORY, "show", "main:train.py") == "\n".join(["# by the user", *lines, "# v2"])
    assert server.git(REPOSITORY, "show", "main:run.py") == "print(2)"
    assert server.git(REPOSITORY, "fsck", "--strict") == ""


def test_the_layers_own_certificates_do_not_trust_a_stranger(
    git: Git, root: EmptyRoot, server: HttpsGit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither do our own requests trust it, nor a fetch of git's."""
    authorities = "opt/git/etc/ssl/certs/ca-certificates.crt"
    monkeypatch.setenv("TRUSTED", f"/{authorities}")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(root.path / authorities))
    with git.open(REPOSITORY) as repository:
        with pytest.raises(RetryLater, match="certificate verification failed"):
            repository.look()
        with pytest.raises(RetryLater, match="certificate verification failed"):
            repository.fetch_history(server.commit(REPOSITORY, "train.py", "print(1)\n"))


def clone(root: EmptyRoot, server: HttpsGit, full_name: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(server.authority, root.tmp / "authority.pem")
    return root.run(
        *("git", "-c", "protocol.version=0", "clone", "--template=", f"{server.url}/{full_name}.git"),
        str(root.tmp / "clone"),
        GIT_SSL_CAINFO=str(root.tmp / "authority.pem"),
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="http.extraHeader",
        GIT_CONFIG_VALUE_0=server.authorization,
    )


def test_clone_with_a_checkout(root: EmptyRoot, server: HttpsGit) -> None:
    commit = server.commit(REPOSITORY, "train.py", "print(1)\n")
    cloned = clone(root, server, REPOSITORY)
    assert cloned.returncode == 0, cloned.stderr
    assert (root.tmp / "clone" / "train.py").read_text() == "print(1)\n"
    assert root.run("git", "-C", str(root.tmp / "clone"), "rev-parse", "HEAD").stdout.strip() == commit


def test_a_broken_answer_is_an_error_and_no_abort(root: EmptyRoot, server: HttpsGit) -> None:
    """git ends the thread that reads the pack; libc opens libgcc_s for that, or aborts."""
    server.commit(REPOSITORY, "train.py", "print(1)\n")
    broken = REPOSITORY.replace("owner/", "broken/")
    failed = clone(root, server, broken)
    assert (failed.returncode, "bad line length" in failed.stderr) == (128, True), failed.stderr
    for folder in ("opt/git/lib", "decoy"):
        (root.path / folder / "libgcc_s.so.1").unlink()
    assert "libgcc_s.so.1 must be installed" in clone(root, server, broken).stderr


def test_the_functions_environment_leads_to_the_layer(root: EmptyRoot) -> None:
    """What the CDK sets for the functions is where the layer has it."""
    from products import functions

    environment = functions._GIT_ENVIRONMENT
    assert (root.path / environment["GIT_SSL_CAINFO"].lstrip("/")).read_text().startswith("-----BEGIN CERTIFICATE")
    assert environment["PATH"].startswith("/opt/git/bin:")
    programs = environment["GIT_EXEC_PATH"]
    assert root.run("git", "--exec-path", GIT_EXEC_PATH=programs).stdout.strip() == programs
    assert root.run("git", "remote-https", GIT_EXEC_PATH=programs).stderr.startswith("error: remote-curl: usage")


def test_the_decoy_would_break_a_git_with_runpath(root: EmptyRoot) -> None:
    """What DT_RPATH is for: with DT_RUNPATH, which patchelf writes by default, LD_LIBRARY_PATH wins."""
    program = root.path / "opt/git/bin/git"
    subprocess.run([Patchelf.found().program, "--set-rpath", "/opt/git/lib", str(program)], check=True)
    broken = root.run("/opt/git/bin/git", "--version")
    assert broken.returncode != 0
    assert "/decoy/" in broken.stderr
    assert root.run("/opt/git/bin/git", "--version", LD_LIBRARY_PATH="").returncode == 0
