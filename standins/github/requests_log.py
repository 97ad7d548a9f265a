"""The log of the requests that the stand-in answered: what tests count."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass, field

from standins.github.faults import Kind
from standins.github.messages import Json


@dataclass(frozen=True)
class Entry:
    """One request. `status` 0 = the connection was closed without an answer. Bytes are of the bodies."""

    number: int
    method: str
    path: str
    kind: Kind
    status: int
    bytes_in: int
    bytes_out: int
    seconds: float
    route: str = ""
    fault: str = ""


@dataclass
class RequestLog:
    """All requests since the last `clear`, controls and pages left out."""

    entries: list[Entry] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **values: object) -> None:
        """Append a request; its number is the next one."""
        with self._lock:
            self.entries.append(Entry(number=len(self.entries) + 1, **values))  # type: ignore[arg-type]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self.entries.clear()

    def describe(self) -> Json:
        """Return the counts and the requests."""
        with self._lock:
            entries = list(self.entries)
        kinds = Counter(entry.kind for entry in entries)
        return {
            "count": len(entries),
            "rest": kinds["rest"],
            "git": kinds["git"],
            "writes": sum(entry.method not in ("GET", "HEAD") for entry in entries if entry.kind == "rest"),
            "bytes_in": sum(entry.bytes_in for entry in entries),
            "bytes_out": sum(entry.bytes_out for entry in entries),
            "requests": [asdict(entry) for entry in entries],
        }
