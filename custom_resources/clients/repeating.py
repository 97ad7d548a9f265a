"""A request that failed for a cause that passes is made again, a few times within seconds, before a call ends for it.

Only a request that may come twice is repeated: its caller looks first, or GitHub answers the second time that it is
done.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from custom_resources.clients.request_limit import RequestLimit
from custom_resources.telemetry import logger

TRIES = 4  # of a request that fails for a cause that passes
FIRST_SECONDS = 0.5  # the longest first pause; each is at most twice the last, together 3.5 seconds
T = TypeVar("T")


def repeated(act: Callable[[], T], passes: Callable[[Exception], bool], limit: RequestLimit) -> T:
    """Return what `act` returns; call it again where it raises what `passes`, while the call has time for that.

    The last failure comes out as it is. Pauses differ by chance: what failed together is not repeated together.
    """
    for earlier in range(TRIES - 1):
        try:
            return act()
        except Exception as failed:
            if not passes(failed) or not limit.repeats():
                raise
            logger.info("repeated", after=type(failed).__name__)
        time.sleep(FIRST_SECONDS * 2**earlier * random.uniform(0.5, 1))  # noqa: S311 -- not for a secret
    return act()
