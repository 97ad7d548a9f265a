"""KMS in memory: HMAC_256 with a key of the test's."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from custom_resources.clients.seals import Seals
from custom_resources.seal import Seal


class KmsInMemory:
    """GenerateMac, as KMS answers it."""

    def __init__(self, key: bytes = b"a key that nobody else has") -> None:
        self._key = key
        self.asked: list[str] = []

    def generate_mac(self, **request: Any) -> Mapping[str, Any]:
        assert request.keys() == {"KeyId", "Message", "MacAlgorithm"}
        assert request["MacAlgorithm"] == "HMAC_SHA_256"
        assert 1 <= len(request["Message"]) <= 4096, "KMS takes no longer message"
        self.asked.append(request["Message"].decode())
        return {"Mac": hmac.new(self._key, request["Message"], hashlib.sha256).digest(), "KeyId": request["KeyId"]}


def seals_in_memory(kms: KmsInMemory | None = None) -> Seals:
    """Return seals under a key in memory."""
    return Seals(kms or KmsInMemory(), "arn:aws:kms:eu-west-1:123456789012:key/seals")


SEAL = seals_in_memory().of_repository(1)  # of a unit test's repository
ANOTHER = Seal(b"another repository's")
