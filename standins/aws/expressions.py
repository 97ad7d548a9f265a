"""JSONata as Step Functions evaluates it, where MiniStack 1.5.33 goes by the clock on the wall.

MiniStack gives an expression one second. All executions are threads of one process, so on a busy machine another's work
fails it: "D1012: Evaluation timeout". Step Functions' evaluations do not wait for each other.
`register()`, called once in MiniStack's own process, counts the second in the thread's own processor time, which still
ends an endless expression.
"""

from __future__ import annotations

import time
from typing import Any


def register() -> None:
    """Teach this process's JSONata (see above). Its `$millis` and `$now` stay the clock's."""
    from jsonata import timebox

    timebox.Timebox.__init__ = _begun(timebox.Timebox.__init__)
    timebox.Timebox.check_runaway = _judged_by_its_work(timebox.Timebox.check_runaway)


def _milliseconds() -> int:
    return round(time.thread_time() * 1000)


def _begun(begin: Any) -> Any:
    def begin_to_count(self: Any, *given: Any, **more: Any) -> None:
        begin(self, *given, **more)
        self.most, self.timeout = self.timeout, None  # the library compares with the clock where it has a timeout
        self.work = _milliseconds()

    return begin_to_count


def _judged_by_its_work(check: Any) -> Any:
    def check_runaway(self: Any) -> None:
        from jsonata.jexception import JException

        check(self)
        if self.most is not None and _milliseconds() - self.work > self.most:
            raise JException("D1012", -1, self.most)

    return check_runaway
