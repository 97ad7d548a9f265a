"""What wrote nothing needs nothing to be rolled back: a rollback's Update that needs no GitHub (docs/decisions/0081).

A rejected token, an uninstalled App or a GitHub that is down ends an update before its first write. Its rollback sends
an Update to the same resource, with the same GitHub: it has to succeed, or the stack is stuck. So it is with the Delete
of a repository whose Create has written nothing: a token that sees less could not prove that there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from custom_resources import update_record
from custom_resources.errors import FinalError, RetryLater, Stale
from custom_resources.telemetry import logger
from custom_resources.update_record import UpdateRecord, digest

if TYPE_CHECKING:
    from custom_resources.clients.protocols import UpdateRecords
    from custom_resources.clients.writes import Writes

_FORWARD, _ROLLBACK = "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"


@dataclass(frozen=True)
class Change:
    """One request to one resource, as its record knows it. `operation` is the stack's: its status, and since when."""

    records: UpdateRecords | None
    type: Literal["Create", "Update", "Delete"]
    operation: str
    stack_id: str
    logical_id: str
    properties: Mapping[str, Any]
    old: Mapping[str, Any]
    creates: bool = False  # what its Create writes is on GitHub, all of it

    @staticmethod
    def of(event: Mapping[str, Any], operation: str, records: UpdateRecords | None, *, creates: bool = False) -> Change:
        """Return the change that an event asks for in an operation, with its properties as CloudFormation sent them."""
        properties, old = event.get("ResourceProperties") or {}, event.get("OldResourceProperties") or {}
        stack_id, logical_id = str(event.get("StackId", "")), str(event.get("LogicalResourceId", ""))
        return Change(records, event["RequestType"], operation, stack_id, logical_id, properties, old, creates)

    @property
    def _status(self) -> str:
        return self.operation.split(" ")[0] if self.type == "Update" else ""

    @property
    def _forward(self) -> bool:
        """Whether a rollback may follow that has to know what was written."""
        return self.records is not None and (self._status == _FORWARD or (self.creates and self.type == "Create"))

    @property
    def _before(self) -> str:
        return "" if self.type == "Create" else digest(self.old)

    def begin(self) -> None:
        """Note that an update begins and has written nothing. A table that does not answer costs the note only."""
        if self._forward:
            before, wanted = self._before, digest(self.properties)
            with suppress(RetryLater):
                self._record(partial(update_record.begun, operation=self.operation, before=before, wanted=wanted))

    @contextmanager
    def watched(self, writes: Writes | None) -> Iterator[None]:
        """Note in the block that an update is about to write, and after it if GitHub refused all that it wrote.

        Raises Stale before a write if the update's rollback has begun, RetryLater if that cannot be known.
        """
        told: list[bool] = []  # whether nothing was written before

        def before_first() -> None:
            told.append(self._before_write())

        if writes is None:
            if self._forward:
                before_first()
            yield
            return
        writes.begin(before_first if self._forward else None)
        try:
            yield
        except (FinalError, RetryLater):
            if any(told) and not writes.landed:
                with suppress(RetryLater):
                    self._record(partial(update_record.unwritten, operation=self.operation))
            raise

    def _before_write(self) -> bool:
        """Note that the update is about to write; tell whether it has written nothing before."""
        first: list[bool] = []

        def writing(found: UpdateRecord | None) -> UpdateRecord | None:
            first.append(found is not None and (found.operation, found.written) == (self.operation, "unwritten"))
            return update_record.writing(found, self.operation, self._before, digest(self.properties))

        if self._record(writing) is None:
            raise Stale
        return first[-1]

    def undone(self) -> Mapping[str, str] | None:
        """Return what a rollback reports where its update has written nothing; None where GitHub has to be asked.

        Of a Create that has written nothing there is nothing to delete. From then on it may not write any more.
        The attributes are those that the resource reported last: nothing is looked up, so a rename on GitHub since then
        shows at the next update.
        """
        if not self.records:
            return None
        if self.creates and self.type == "Delete":
            change = partial(update_record.undone, before="", wanted=digest(self.properties))
        elif self._status == _ROLLBACK:
            change = partial(update_record.undone, before=digest(self.properties), wanted=digest(self.old))
        else:
            return None
        record = self._record(change)
        return record.attributes if record else None

    def ended(self, attributes: Mapping[str, str]) -> None:
        """Keep what the resource reports. A table that does not answer costs the next rollback this way."""
        if not self.records:
            return
        with suppress(RetryLater):
            if self.type == "Delete":
                if self.operation.startswith(("DELETE_", "ROLLBACK_")):  # else a resource of that name may live on
                    self.records.forget(self.stack_id, self.logical_id)
                return
            made = partial(
                update_record.reported,
                operation=self.operation,
                properties=digest(self.properties),
                attributes=attributes,
                rollback=self._status == _ROLLBACK,
            )
            self._record(made)
            return
        logger.warning("not remembered", logical_id=self.logical_id)

    def _record(self, change: Callable[[UpdateRecord | None], UpdateRecord | None]) -> UpdateRecord | None:
        assert self.records
        return self.records.change(self.stack_id, self.logical_id, change)
