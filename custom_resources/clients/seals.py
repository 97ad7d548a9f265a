"""The secrets under which proofs are made: each is a MAC by a KMS key that never leaves KMS (docs/decisions/0060)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from custom_resources.clients.aws import KMS, translated
from custom_resources.seal import Seal
from custom_resources.telemetry import conceal

if TYPE_CHECKING:
    from collections.abc import Mapping

_PRODUCT = "studio project template"
_REMEMBERED = 1000  # seals


class Kms(Protocol):
    """What is used of boto3's KMS client."""

    def generate_mac(self, **request: Any) -> Mapping[str, Any]:
        """Return `Mac`, the HMAC of up to 4,096 bytes (KMS API reference, GenerateMac)."""
        ...


class Seals:
    """Makes the seals of repositories and stacks. One request to KMS each; a function remembers them."""

    def __init__(self, kms: Kms, key: str) -> None:
        """`key` is the ARN of an HMAC_256 key."""
        self._kms = kms
        self._key = key
        self._made: dict[str, Seal] = {}

    def of_repository(self, repository_id: int) -> Seal:
        """Return the seal of the repository with that id of GitHub's. Raises FinalError, RetryLater."""
        return self._seal(f"repository {repository_id}")

    def of_stack(self, stack_id: str, full_name: str) -> Seal:
        """Return the seal of a repository that a stack creates: its id is not known before. Raises as the other."""
        return self._seal(f"stack {stack_id} creates {full_name}")

    def of_launch(self, stack_id: str) -> Seal:
        """Return the seal of what one resource of a stack tells another one. Raises as the others."""
        return self._seal(f"launch {stack_id}")

    def _seal(self, whose: str) -> Seal:
        if whose not in self._made:
            if len(self._made) >= _REMEMBERED:
                self._made.clear()
            with translated(KMS, f"making the seal of the {whose}"):
                secret = self._kms.generate_mac(
                    KeyId=self._key, Message=f"{_PRODUCT} / {whose}".encode(), MacAlgorithm="HMAC_SHA_256"
                )["Mac"]
            conceal(secret.hex())
            self._made[whose] = Seal(secret)
        return self._made[whose]
