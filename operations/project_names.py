"""A project that an administrator names as Studio does: its launch is found by what its stack tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from operations.fleet.gathering import stacks_of

if TYPE_CHECKING:
    from custom_resources.clients.service_catalog import Launch
    from operations.fleet.gathering import Stacks


def with_names(launches: Sequence[Launch], asked: Sequence[str], stacks: Stacks) -> list[Launch]:
    """Return the launches; those whose projects are requested by their names in Studio have these names.

    An id goes before a name: nobody gets another project's id for a name of his. Reads the stacks' outputs (one request
    for each page of stacks), and only for names that are not ids. Raises Problem.
    """
    names = {each for each in asked if not any(launch.belongs_to(each) for launch in launches)}
    if not names:
        return list(launches)
    told = {stack.id: stack.outputs.get("ProjectName", "") for stack in stacks_of(launches, stacks)}
    return [
        replace(each, project_name=told[each.stack]) if told.get(each.stack) in names else each for each in launches
    ]
