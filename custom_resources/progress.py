"""What earlier calls of one CloudFormation request have done and paid for: a step that was done stays done.

It is kept beside the rate budget and may be lost: then a step is looked for, or done again (docs/decisions/0083).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from custom_resources.rate_budget import Cost


class Progress:
    """The steps of one request. A step is of a kind and has a name, such as `secret API_KEY`. Thread-safe."""

    def __init__(
        self, steps: Mapping[str, str] | None = None, paid: Cost | None = None, waits: int = 0, waited: float = 0.0
    ) -> None:
        """`steps` -> what there is to tell of each; `waits`: how many calls have ended in a wait so far.

        `waited`: the seconds in which it waited for slots that it had booked. `in_doubt`: whether it has paid more than
        `paid` is not known, since the answer was lost.
        """
        self._steps = dict(steps or {})
        self.paid, self.waits, self.waited = paid or Cost(), waits, waited
        self.in_doubt = False
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many steps are done."""
        return len(self._steps)

    @property
    def steps(self) -> Mapping[str, str]:
        """All steps, to be kept."""
        with self._lock:
            return dict(self._steps)

    def note(self, kind: str, name: str, told: str = "") -> None:
        """Note that a step is done."""
        with self._lock:
            self._steps[f"{kind} {name}"] = told

    def noting(self, kind: str) -> Callable[[str], None]:
        """Return what notes the steps of a kind."""
        return lambda name: self.note(kind, name)

    def told(self, kind: str, name: str) -> str | None:
        """Return what was noted of a step, None for one that is not done."""
        return self.steps.get(f"{kind} {name}")

    def done(self, kind: str) -> dict[str, str]:
        """Return the steps of a kind that are done: their names, and what was noted of them."""
        start = f"{kind} "
        return {step.removeprefix(start): told for step, told in self.steps.items() if step.startswith(start)}

    def left(self, kind: str, names: Iterable[str]) -> tuple[str, ...]:
        """Return those of a kind that are not done yet."""
        return tuple(name for name in names if self.told(kind, name) is None)
