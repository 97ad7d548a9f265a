"""Who holds a repository, by the records in it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from custom_resources.clients.git import BareRepository, Refs
from custom_resources.delivery.lineage import STACK_REF, TEMPLATE_REF
from custom_resources.delivery.ownership import held_delivery
from custom_resources.errors import RepositoryTooLarge


class TooLarge:
    """A repository whose records are more than a function's disk holds: anybody may have pushed them."""

    def fetch(self, *commits: str) -> None:
        raise RepositoryTooLarge


def test_records_that_cannot_be_read_stop_a_deletion_only_if_they_are_proven() -> None:
    git: Any = TooLarge()
    refs = Refs("main", {TEMPLATE_REF: "a" * 40, STACK_REF: "b" * 40})
    assert held_delivery(cast("BareRepository", git), refs, sealed=False) is None
    with pytest.raises(RepositoryTooLarge):
        held_delivery(cast("BareRepository", git), refs)
