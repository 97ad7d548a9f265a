"""The mark in a repository's description: whose it is until the lineage proves it (docs/decisions/0003, 0060). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from custom_resources.seal import Seal

# Whom a description proves the owner to: nobody, though it names the project, its stack alone, or everybody.
Proven = Literal["", "nobody", "stack", "repository"]
MARK = re.compile(r"\(([^()/\s]+/[^()/\s]+) model_(?:build|deploy)\b[^()]*\)")


@dataclass(frozen=True)
class Owner:
    """A project and the one of its two repositories that is meant."""

    domain: str
    project: str
    part: str

    def mark(self, seal: Seal) -> str:
        """Return what a description says of the owner, with its proof."""
        return f"{self._named}{seal.of('mark', self.domain, self.project, self.part)})"

    @property
    def _named(self) -> str:
        return f"({self.domain}/{self.project} {self.part} "

    def proven_by(self, description: str, repository: Seal, stack: Callable[[], Seal]) -> Proven:
        """Tell to whom a description proves that the repository is this owner's.

        It is written when the id is not known yet, so it proves the repository to the stack that created it. One whose
        stack ends before the template got in is given the repository's own.
        """
        if self._named not in description:
            return ""
        if self.mark(repository) in description:
            return "repository"
        return "stack" if self.mark(stack()) in description else "nobody"

    def is_others(self, description: str) -> bool:
        """Tell whether a description names another project as the repository's, with a proof or without."""
        return bool({*MARK.findall(description)} - {f"{self.domain}/{self.project}"})
