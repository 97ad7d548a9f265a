"""Roles that DataZone is given, which must let it in; and the while until IAM knows a new one everywhere."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from standins.aws.datazone.model import Domain
from standins.aws.emulator import Emulator, RoleUnusable
from standins.aws.protocol import ServiceError, invalid

if TYPE_CHECKING:
    from standins.aws.calls import Call

SERVICE_PRINCIPAL = "datazone.amazonaws.com"


class Roles:
    """Judges roles. `refusals`: how many times yet each of them is refused as if it had not arrived."""

    def __init__(self, emulator: Emulator) -> None:
        """Take MiniStack, which has the roles."""
        self.refusals = 0
        self._emulator = emulator
        self._lock = Lock()

    def require(self, call: Call, domain: Domain, arn: str) -> None:
        """Raise ServiceError (ValidationException) for a role that cannot be used, or not yet.

        It is one of the caller's account, since iam:PassRole passes no others, and lets DataZone in for the domain's.
        """
        if arn.split(":")[4] != call.account:
            raise ServiceError("AccessDeniedException", f"Cross-account pass role is not allowed: {arn}")
        with self._lock:
            if self.refusals > 0:
                self.refusals -= 1
                raise invalid(f"Role {arn} cannot be assumed by {SERVICE_PRINCIPAL}.")
        try:
            self._emulator.assume(arn, SERVICE_PRINCIPAL, call.region, "configuration", source_account=domain.account)
        except RoleUnusable as error:
            raise invalid(str(error)) from error
