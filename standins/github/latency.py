"""The way to GitHub and back, which on one machine takes no time: added to every answer, if a control says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import BaseModel, Field


class RoundTrip(BaseModel):
    """How long the way takes, in milliseconds; 0 = no time."""

    milliseconds: int = Field(default=0, ge=0, le=60_000)


@dataclass
class Latency:
    """Delays each REST and Git answer by the same time. `sleep` takes seconds; a test may count with its own."""

    sleep: Callable[[float], object]
    round_trip: RoundTrip = field(default_factory=RoundTrip)

    def delay(self) -> None:
        """Wait as long as the way takes."""
        if self.round_trip.milliseconds:
            self.sleep(self.round_trip.milliseconds / 1000)
