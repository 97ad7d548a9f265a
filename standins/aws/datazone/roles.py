"""Roles that DataZone is given, which must let it in; and the while until IAM knows a new one everywhere."""

from __future__ import annotations

from threading import Lock

from standins.aws.emulator import Emulator, RoleUnusable
from standins.aws.protocol import invalid

SERVICE_PRINCIPAL = "datazone.amazonaws.com"


class Roles:
    """Judges roles. `refusals`: how many times yet each of them is refused as if it had not arrived."""

    def __init__(self, emulator: Emulator) -> None:
        """Take MiniStack, which has the roles."""
        self.refusals = 0
        self._emulator = emulator
        self._lock = Lock()

    def require(self, arn: str, region: str) -> None:
        """Raise ServiceError (ValidationException) for a role that cannot be used, or not yet."""
        with self._lock:
            if self.refusals > 0:
                self.refusals -= 1
                raise invalid(f"Role {arn} cannot be assumed by {SERVICE_PRINCIPAL}.")
        try:
            self._emulator.assume(arn, SERVICE_PRINCIPAL, region, "configuration")
        except RoleUnusable as error:
            raise invalid(str(error)) from error
