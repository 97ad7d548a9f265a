"""What every operation of the stand-in works with: the call, pages of lists, new ids."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from standins.aws.protocol import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

Record = dict[str, Any]
"""What the service knows of one thing, under the member names of its model; private keys begin with "_"."""

T = TypeVar("T")


class Table(dict[str, T]):
    """Things by their id. Other threads add and remove while one looks: values and items are a snapshot."""

    def values(self) -> list[T]:  # type: ignore[override]
        """Return the things that there are now."""
        return list(super().values())

    def items(self) -> list[tuple[str, T]]:  # type: ignore[override]
        """Return ids and things that there are now."""
        return list(super().items())


_SECRET_WORDS = ("secret", "password", "token", "credential")


@dataclass(frozen=True)
class Call:
    """One request: who calls which operation where, and with what. `session` is the caller's, with a role's session."""

    service: str
    operation: str
    caller: str
    account: str
    region: str
    parameters: dict[str, Any] = field(repr=False)
    access_key: str = field(default="", repr=False)
    session: str = ""

    def log_entry(self, outcome: str) -> Record:
        """Return what the call log keeps."""
        return {
            "service": self.service,
            "operation": self.operation,
            "caller": self.caller,
            "session": self.session,
            "account": self.account,
            "region": self.region,
            "parameters": redacted(self.parameters),
            "outcome": outcome,
            "time": datetime.now(UTC).isoformat(),
        }


def redacted(value: Any, name: str = "") -> Any:
    """Return the value without what its name says to be a secret; tokens for idempotency and paging stay."""
    if isinstance(value, dict):
        named = str(value.get("Key") or value.get("name") or value.get("ParameterKey") or "")
        return {
            key: redacted(item, f"{named} {key}" if key in ("Value", "value") else key) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(item, name) for item in value]
    harmless = name.endswith(("Token", "token")) and not name.lower().endswith(("sessiontoken", "githubtoken"))
    if isinstance(value, str) and not harmless and any(word in name.lower() for word in _SECRET_WORDS):
        return "***"
    return value.isoformat() if isinstance(value, datetime) else value


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def new_id(length: int = 14, prefix: str = "", alphabet: str = string.ascii_lowercase + string.digits) -> str:
    """Return a random id as the service makes them."""
    return prefix + "".join(secrets.choice(alphabet) for _ in range(length))


def page(items: Iterable[Any], size: int | None, token: str | None, most: int = 50) -> tuple[list[Any], str | None]:
    """Return one page and the token of the next. Raises ServiceError for a token that we did not give."""
    everything = list(items)
    if token and not token.isdecimal():
        raise invalid("The pagination token is not valid.")
    start, length = int(token or 0), min(size or most, most)
    end = start + length
    return everything[start:end], str(end) if end < len(everything) else None
