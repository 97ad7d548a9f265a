"""Sleep that takes no time, of the test's own thread alone.

Libraries keep threads that sleep and look, for as long as the process lives (MiniStack's, once anything of it is
imported). Without a sleep they would take a whole core, and their seconds would be noted among the test's.
"""

from __future__ import annotations

import threading
import time

import pytest


def noted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let `time.sleep` note its seconds instead of waiting; other threads go on waiting."""
    seconds: list[float] = []
    own, really = threading.get_ident(), time.sleep

    def sleep(wanted: float) -> None:
        if threading.get_ident() == own:
            seconds.append(wanted)
        else:
            really(wanted)

    monkeypatch.setattr(time, "sleep", sleep)
    return seconds
