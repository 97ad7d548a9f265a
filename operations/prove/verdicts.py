"""What a verdict is made of, for all that judge."""

from __future__ import annotations

import re
from typing import Literal

from operations.prove.assumptions import Assumption
from operations.prove.facts import Facts, Installed

Verdict = Literal["holds", "is otherwise", "could not be seen"]
Judged = tuple[Verdict, str]
HOLDS: Verdict = "holds"
OTHERWISE: Verdict = "is otherwise"
NOT_SEEN: Verdict = "could not be seen"


def unseen(assumption: Assumption) -> Judged:
    """Return the verdict on what was not seen, with how it can be."""
    return NOT_SEEN, assumption.judged


def judged(condition: bool, seen: str) -> Judged:
    """Return the verdict on what was seen."""
    return HOLDS if condition else OTHERWISE, seen


def failed_with(facts: Facts, *texts: str) -> str:
    """Return Studio's first reason that has one of the texts in it, "" where none has."""
    return next((reason for reason in facts.reasons if any(text in reason for text in texts)), "")


def stack_failed_with(facts: Facts, pattern: str, *, ever: bool = False) -> str:
    """Return StudioStack's newest reason that matches, since it was last deployed as it should be, or ever."""
    installed = facts.installed or Installed()
    reasons = installed.ever_failed if ever else installed.failures
    return next((reason for reason in reasons if re.search(pattern, reason)), "")
