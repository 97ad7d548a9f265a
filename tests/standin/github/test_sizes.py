"""What GitHub takes of a value, to the byte: 48 KB of a secret or a variable."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from nacl.public import PublicKey, SealedBox

from tests.standin.github.conftest import Client

KB48 = 48 * 1024
ACTIONS = "/repos/acme/work/actions"


@pytest.mark.parametrize("unit", ["x", "\u00fc"])
def test_a_variable_has_48_kilobytes_at_most(client: Client, unit: str) -> None:
    client.repository("work")
    fits = unit * (KB48 // len(unit.encode()))
    over: dict[str, Any] = {"name": "BIG", "value": fits + "x"}
    client.expect(422, "POST", f"{ACTIONS}/variables", over)
    client.expect(201, "POST", f"{ACTIONS}/variables", {"name": "BIG", "value": fits})
    client.expect(422, "PATCH", f"{ACTIONS}/variables/BIG", over)
    assert client.get(f"{ACTIONS}/variables/BIG")["value"] == fits


def test_a_secret_has_48_kilobytes_at_most(client: Client) -> None:
    client.repository("work")
    key = client.get(f"{ACTIONS}/secrets/public-key")
    box = SealedBox(PublicKey(base64.b64decode(key["key"])))
    for size, status in ((KB48 + 1, 422), (KB48, 201)):
        sealed = base64.b64encode(box.encrypt(b"x" * size)).decode()
        body = {"encrypted_value": sealed, "key_id": key["key_id"]}
        client.expect(status, "PUT", f"{ACTIONS}/secrets/BIG", body)
