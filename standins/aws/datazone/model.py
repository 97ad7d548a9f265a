"""What DataZone remembers: domains with all that is in them, and how its operations look things up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING

from standins.aws.calls import Record, Table, new_id, page
from standins.aws.datazone.rules import Rules
from standins.aws.protocol import ServiceError

if TYPE_CHECKING:
    from standins.aws.calls import Call

TOOLING_BLUEPRINT = "Tooling"
IDENTITY_CENTER, IAM = "identity-center", "iam"
KINDS = (IDENTITY_CENTER, IAM)
_HEX = "0123456789abcdef"


@dataclass
class Domain:
    """A domain and everything in it. `members` by project; `bucket_end` is what no id tells of its buckets' names.

    `configurations` by `configuration_id`; `associated` are the accounts that the domain is shared with.
    """

    record: Record
    account: str
    region: str
    units: Table[Record] = field(default_factory=Table)
    blueprints: Table[Record] = field(default_factory=Table)
    configurations: Table[Record] = field(default_factory=Table)
    associated: set[str] = field(default_factory=set)
    pools: Table[Record] = field(default_factory=Table)
    grants: list[Record] = field(default_factory=list)
    profiles: Table[Record] = field(default_factory=Table)
    projects: Table[Record] = field(default_factory=Table)
    environments: Table[Record] = field(default_factory=Table)
    connections: Table[Record] = field(default_factory=Table)
    kind: str = IDENTITY_CENTER
    rules: Rules = field(default_factory=Rules)
    groups: Table[Record] = field(default_factory=Table)
    users: Table[Record] = field(default_factory=Table)
    members: dict[str, list[Record]] = field(default_factory=dict)
    bucket_end: str = field(default_factory=lambda: new_id(12, alphabet=_HEX))

    @property
    def id(self) -> str:
        """The domain's id."""
        return str(self.record["id"])

    @property
    def root_unit(self) -> str:
        """The id of the root domain unit."""
        return str(self.record["rootDomainUnitId"])

    def is_reached_from(self, account: str, region: str) -> bool:
        """Tell whether an account sees the domain: in the domain's region, its own account and associated ones."""
        return region == self.region and self.has_account(account)

    def has_account(self, account: str) -> bool:
        """Tell whether it is the domain's own account or an associated one."""
        return account == self.account or account in self.associated


class Domains(Table[Domain]):
    """All domains, by id. Whoever adds to a domain or takes from it holds the lock. `rules` are those of new ones."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.lock = RLock()
        self.rules = Rules()

    def named(self, identifier: str) -> Domain:
        """Return the domain. Raises ServiceError (ResourceNotFoundException)."""
        if identifier not in self:
            raise ServiceError("ResourceNotFoundException", f"Domain {identifier} does not exist.")
        return self[identifier]

    def of(self, call: Call) -> list[Domain]:
        """Return the domains of the caller's account and region."""
        return [item for item in self.values() if (item.account, item.region) == (call.account, call.region)]

    def seen_by(self, call: Call) -> list[Domain]:
        """Return the domains of the caller's account and those shared with it, in the region."""
        return [item for item in self.values() if item.is_reached_from(call.account, call.region)]


def configuration_id(account: str, blueprint: str) -> str:
    """Return the key of an account's configuration of a blueprint, which is a policy grant's entity identifier too."""
    return f"{account}:{blueprint}"


def found(records: dict[str, Record], identifier: str, what: str) -> Record:
    """Return the record. Raises ServiceError (ResourceNotFoundException), which says what it is."""
    if identifier not in records:
        raise ServiceError("ResourceNotFoundException", f"{what} {identifier} does not exist.")
    return records[identifier]


def listed(items: Iterable[Record], request: Record) -> Record:
    """Return the page of the items that the request asks for."""
    some, token = page(items, request.get("maxResults"), request.get("nextToken"))
    return {"items": some, "nextToken": token}
