"""What is remembered of a resource's last update, so that its rollback can tell that nothing was written. Pure.

    begun: unwritten --before the first write--> written --its rollback has ended--> undone
          |     ^-------GitHub refused it---------|
          |------------its rollback comes first------------------------------------> undone

A rollback skips GitHub only if the record is `unwritten`; without a record, it calls GitHub as before. So all records
may be lost (docs/decisions/0081).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Written = Literal["unwritten", "written", "undone"]


@dataclass(frozen=True)
class UpdateRecord:
    """The stack's operation that last changed a resource, from which properties to which, and if it wrote.

    `attributes` are those that the resource last reported, with the properties `reported_for`.
    """

    operation: str
    before: str  # digests of properties
    wanted: str
    written: Written
    attributes: Mapping[str, str] = field(default_factory=dict)
    reported_for: str = ""

    @property
    def stands_at(self) -> str:
        """The properties that the resource is at, if the last update that wrote came to its end."""
        return self.wanted if self.written == "written" else self.before


def digest(properties: Mapping[str, Any]) -> str:
    """Return a name for properties as CloudFormation sends them."""
    told = {name: value for name, value in properties.items() if name != "ServiceToken"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def begun(found: UpdateRecord | None, operation: str, before: str, wanted: str) -> UpdateRecord:
    """Return the record of an update that begins. One that begins twice has begun already.

    What an earlier update wrote counts as written until it is where this one begins, or was undone.
    """
    if found is None:
        return UpdateRecord(operation, before, wanted, "unwritten")
    if found.operation == operation:
        return found
    pending = found.written == "written" and found.wanted != before
    return replace(
        found, operation=operation, before=before, wanted=wanted, written="written" if pending else "unwritten"
    )


def writing(found: UpdateRecord | None, operation: str, before: str, wanted: str) -> UpdateRecord | None:
    """Return the record of an update that is about to write; None if its rollback has come first: it may not write."""
    if found is None:
        return UpdateRecord(operation, before, wanted, "written")
    if found.operation == operation and found.written == "undone":
        return None
    return replace(found, operation=operation, before=before, wanted=wanted, written="written")


def unwritten(found: UpdateRecord | None, operation: str) -> UpdateRecord | None:
    """Return the record of an update whose every write was refused; None where it is another one's."""
    if found is None or found.operation != operation or found.written != "written":
        return None
    return replace(found, written="unwritten")


def undone(found: UpdateRecord | None, before: str, wanted: str) -> UpdateRecord | None:
    """Return the record of an update that wrote nothing and may not write any more, for its rollback; None otherwise.

    `before` is what the rollback goes back to, `wanted` what the update wanted. An update that was refused before it
    began left the record of an earlier one, which shows that nothing was written since.
    """
    if found is None or not found.reported_for == before == found.stands_at:
        return None
    same = (found.before, found.wanted) == (before, wanted)
    return replace(found, operation=found.operation if same else "", before=before, wanted=wanted, written="undone")


def reported(
    found: UpdateRecord | None, operation: str, properties: str, attributes: Mapping[str, str], *, rollback: bool
) -> UpdateRecord:
    """Return the record of a request that has ended well, with what the resource reports. A rollback undoes."""
    record = found or UpdateRecord(operation, "", properties, "written")
    if rollback:
        record = replace(record, written="undone")
    return replace(record, attributes=dict(attributes), reported_for=properties)
