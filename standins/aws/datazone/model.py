"""What DataZone remembers: domains with all that is in them, and how its operations look things up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING

from standins.aws.calls import Record, Table, page
from standins.aws.protocol import ServiceError

if TYPE_CHECKING:
    from standins.aws.calls import Call

TOOLING_BLUEPRINT = "Tooling"


@dataclass
class Domain:
    """A domain and everything in it."""

    record: Record
    account: str
    region: str
    units: Table[Record] = field(default_factory=Table)
    blueprints: Table[Record] = field(default_factory=Table)
    configurations: Table[Record] = field(default_factory=Table)
    grants: list[Record] = field(default_factory=list)
    profiles: Table[Record] = field(default_factory=Table)
    projects: Table[Record] = field(default_factory=Table)
    environments: Table[Record] = field(default_factory=Table)
    connections: Table[Record] = field(default_factory=Table)

    @property
    def id(self) -> str:
        """The domain's id."""
        return str(self.record["id"])

    @property
    def root_unit(self) -> str:
        """The id of the root domain unit."""
        return str(self.record["rootDomainUnitId"])


class Domains(Table[Domain]):
    """All domains, by id. Whoever adds to a domain or takes from it holds the lock."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.lock = RLock()

    def named(self, identifier: str) -> Domain:
        """Return the domain. Raises ServiceError (ResourceNotFoundException)."""
        if identifier not in self:
            raise ServiceError("ResourceNotFoundException", f"Domain {identifier} does not exist.")
        return self[identifier]

    def of(self, call: Call) -> list[Domain]:
        """Return the domains of the caller's account and region."""
        return [item for item in self.values() if (item.account, item.region) == (call.account, call.region)]


def found(records: dict[str, Record], identifier: str, what: str) -> Record:
    """Return the record. Raises ServiceError (ResourceNotFoundException), which says what it is."""
    if identifier not in records:
        raise ServiceError("ResourceNotFoundException", f"{what} {identifier} does not exist.")
    return records[identifier]


def listed(items: Iterable[Record], request: Record) -> Record:
    """Return the page of the items that the request asks for."""
    some, token = page(items, request.get("maxResults"), request.get("nextToken"))
    return {"items": some, "nextToken": token}
