"""KMS keeps a key whatever becomes of the machine; MiniStack forgets its keys with its process.

What was proven under an HMAC key stays proven in a run that begins anew: the key's material is kept in a file. The
first key of a description that a process creates in an account and region gets what was kept last; a further one is
another key, as on AWS. `register()` is called once in MiniStack's own process.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class KeptMaterial:
    """The material of HMAC keys in a file that its owner alone can read."""

    def __init__(self, file: Path) -> None:
        """Take the file; it need not exist."""
        self._file = file
        self._given: set[str] = set()  # names of keys that this process has created

    def of(self, name: str, new: bytes) -> bytes:
        """Return the material for a key of that name: the kept one for the first, else `new`, which is kept then."""
        kept: dict[str, str] = json.loads(self._file.read_text(encoding="utf-8")) if self._file.is_file() else {}
        first, self._given = name not in self._given, {*self._given, name}
        if first and name in kept and len(kept[name]) == 2 * len(new):
            return bytes.fromhex(kept[name])
        self._write({**kept, name: new.hex()})
        return new

    def _write(self, kept: dict[str, str]) -> None:
        """Replace the file at once: a process that is killed leaves the former one or the new one."""
        beside = self._file.with_suffix(".new")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(kept, file)
        beside.replace(self._file)


def register(file: Path) -> None:
    """Have this process's MiniStack keep the material of the HMAC keys that it creates."""
    from ministack.services import kms

    kms._create_key = _keeping(kms._create_key, kms._resolve_key, KeptMaterial(file))


def _keeping(create: Any, resolve: Any, material: KeptMaterial) -> Any:
    def create_key(data: dict[str, Any]) -> Any:
        status, headers, body = create(data)
        key = resolve(json.loads(body)["KeyMetadata"]["KeyId"]) if status == 200 else {}
        if "_hmac_key" in key:
            place = ":".join(key["Arn"].split(":")[3:5])  # region and account
            key["_hmac_key"] = material.of(f"{place} {key['KeySpec']} {key['Description']}", key["_hmac_key"])
        return status, headers, body

    return create_key
