"""What an update takes of GitHub: asserted by tests/integration/test_request_counts.py, simulated by tests/scale."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Took:
    """Requests by Git, requests by REST, and how many of these create content that people are told of."""

    git: int
    rest: int
    creations: int


# For each of a project's two repositories. A next version closes the pull request that waits, with a word of why.
UPDATES = {
    "unchanged version": Took(1, 0, 0),
    "merge": Took(5, 1, 0),
    "pull request": Took(5, 3, 1),
    "conflict": Took(5, 3, 1),
    "next version over a pull request": Took(7, 8, 2),
}
