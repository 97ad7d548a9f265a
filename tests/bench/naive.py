"""The naive update, as the seed's functions did it: a full clone, files copied over, a commit pushed.

With its secrets, it also encrypts and sets every one of them, each after a request for the repository's public key.
"""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import requests
from nacl.encoding import Base64Encoder
from nacl.public import PublicKey, SealedBox

from tests.bench.projects import REPOSITORIES, SECRETS, content
from tests.faults.matrix import ORGANIZATION, TOKENS, StandIn
from tests.git_processes import VARIABLE


@dataclass(frozen=True)
class NaiveUpdate:
    """Brings both repositories of a project to the second version."""

    standin: StandIn
    with_secrets: bool

    def __call__(self, project: str) -> None:
        """Update. Raises what git and requests raise."""
        with tempfile.TemporaryDirectory() as directory:
            for repository in REPOSITORIES:
                name = f"{project}-{repository}"
                self._deliver(name, Path(directory, name))
                if self.with_secrets:
                    self._set_secrets(name)

    def _deliver(self, name: str, clone: Path) -> None:
        address = f"{self.standin.server_url}/{ORGANIZATION}/{name}.git"
        _git("clone", "--quiet", address, str(clone), where=clone.parent)
        for path, data in content("two").items():
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            (clone / path).write_bytes(data)
        _git("add", "--all", where=clone)
        _git("commit", "--quiet", "--message", "Template", where=clone)
        _git("push", "--quiet", where=clone)

    def _set_secrets(self, name: str) -> None:
        headers = {"authorization": f"token {TOKENS[0]}"}
        place = f"{self.standin.api_url}/repos/{ORGANIZATION}/{name}/actions/secrets"
        for number in range(SECRETS):
            key = requests.get(f"{place}/public-key", headers=headers, timeout=30).json()
            sealed = SealedBox(PublicKey(key["key"].encode(), Base64Encoder)).encrypt(b"value", Base64Encoder)
            body = {"key_id": key["key_id"], "encrypted_value": sealed.decode()}
            requests.put(f"{place}/NAME_{number}", json=body, headers=headers, timeout=30).raise_for_status()


def _git(*arguments: str, where: Path) -> None:
    subprocess.run(["git", *arguments], cwd=where, check=True, capture_output=True, env=_environment(), timeout=300)


def _environment() -> dict[str, str]:
    basic = base64.b64encode(f"x:{TOKENS[0]}".encode()).decode()
    people = {f"GIT_{who}_NAME": "A" for who in ("AUTHOR", "COMMITTER")}
    addresses = {f"GIT_{who}_EMAIL": "a@example.com" for who in ("AUTHOR", "COMMITTER")}
    return {
        "PATH": os.environ["PATH"],
        VARIABLE: os.environ.get(VARIABLE, "0"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        **people,
        **addresses,
    }
