"""A secret that proves what is ours (docs/decisions/0060). Pure.

Anybody may write refs, commit messages and descriptions into a repository of theirs, or copy them from another one. A
proof is an HMAC under a secret of that one repository, so nobody else makes one, and none counts anywhere else.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

DIGITS = 40  # of a proof, hexadecimal: 160 bits


@dataclass(frozen=True)
class Seal:
    """Makes and checks proofs under one secret, which is never shown."""

    secret: bytes = field(repr=False)

    def of(self, *facts: str) -> str:
        """Return the proof of facts. Each is written with its length, so that no two lists of facts are alike."""
        written = (fact.encode("utf-8", "surrogateescape") for fact in facts)
        told = b"".join(b"%d:%s," % (len(fact), fact) for fact in written)
        return hmac.new(self.secret, told, hashlib.sha256).hexdigest()[:DIGITS]

    def proves(self, proof: str, *facts: str) -> bool:
        """Tell whether a proof is that of the facts. It takes as long for a wrong one."""
        return hmac.compare_digest(self.of(*facts).encode(), proof.encode("utf-8", "surrogateescape"))
