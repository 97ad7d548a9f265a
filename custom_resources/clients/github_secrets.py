"""Actions secrets of a repository: sealed for its public key, so that only GitHub can open them."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from custom_resources.clients.github_answers import promised, whole
from custom_resources.clients.github_connection import Connection
from custom_resources.clients.github_removal import Note, each
from custom_resources.errors import RequestRefused

if TYPE_CHECKING:
    from nacl.public import SealedBox


class PublicKey:
    """The key of one repository, which GitHub may replace at any time. Thread-safe."""

    def __init__(self, connection: Connection, full_name: str, path: str) -> None:
        """Read it: GET `path`/public-key. Raises what the request raises."""
        self._connection, self._full_name, self._path = connection, full_name, path
        self._lock = threading.Lock()
        self._box, self._id = self._read()

    def sealed(self, value: str) -> dict[str, str]:
        """Return what a PUT of the secret sends."""
        with self._lock:
            box, key_id = self._box, self._id
        return {"encrypted_value": base64.b64encode(box.encrypt(value.encode())).decode(), "key_id": key_id}

    def replaced(self, refused: str) -> bool:
        """Tell whether the repository has another key than the one of this id: it is read again, once for all."""
        with self._lock:
            if self._id == refused:
                self._box, self._id = self._read()
            return self._id != refused

    def _read(self) -> tuple[SealedBox[Any], str]:
        from nacl.public import PublicKey as SodiumKey
        from nacl.public import SealedBox

        activity = f"reading the public key of {self._full_name}"
        key = self._connection.call(activity, "GET", f"{self._path}/public-key")
        with whole(activity):
            return SealedBox(SodiumKey(base64.b64decode(key["key"]))), promised(key, "key_id")


def put_secrets(
    connection: Connection, full_name: str, path: str, secrets: Mapping[str, str], done: Note | None = None
) -> None:
    """Set the secrets below `path`: one request for the public key, then one each, a few at a time.

    A secret that GitHub refuses is sealed again if the repository's key is another one by now. Raises as `call` does.
    """
    if not secrets:
        return
    key = PublicKey(connection, full_name, path)

    def put(name: str) -> None:
        activity, address = f"setting the secret {name} of {full_name}", f"{path}/{quote(name, safe='')}"
        body = key.sealed(secrets[name])
        try:
            connection.call(activity, "PUT", address, body)
        except RequestRefused:
            if not key.replaced(body["key_id"]):
                raise
            connection.call(activity, "PUT", address, key.sealed(secrets[name]))

    each(put, sorted(secrets), done)
