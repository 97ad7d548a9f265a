"""A plan for tests in which no function is deployed: it knows nothing of any project."""

from __future__ import annotations

from collections.abc import Sequence

from custom_resources.clients.service_catalog import Launch, ProductVersion
from operations.foresee import Foreseen


def unforeseen(launches: Sequence[Launch], version: ProductVersion, ask: object, **_: object) -> list[Foreseen]:
    """Return of each launch that nobody was asked."""
    return [Foreseen(each, problem=f"nobody was asked about {version.name}") for each in launches]
