"""What one reconcile writes to GitHub. A function that its caller gives is called before the first write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Sent:
    """One write that was sent; it counts as done unless GitHub said no to the whole of it."""

    def __init__(self) -> None:
        """Nothing is known of its answer yet."""
        self.done = True

    def refuse(self) -> None:
        """Note that GitHub refused it, so that nothing has changed."""
        self.done = False


class Writes:
    """The writes since `begin`. Thread-safe."""

    def __init__(self) -> None:
        """Nobody has to be told."""
        self._before_first: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self.landed = False  # something may have changed on GitHub

    def begin(self, before_first: Callable[[], None] | None = None) -> None:
        """Begin a reconcile; `before_first` is called before its first write, which does not go if it raises."""
        with self._lock:
            self._before_first, self.landed = before_first, False

    @contextmanager
    def sending(self) -> Iterator[Sent]:
        """Send a write in the block. Raises what `before_first` raises, before anything is sent."""
        with self._lock:
            if self._before_first:
                self._before_first()
                self._before_first = None
        sent = Sent()
        try:
            yield sent
        finally:
            with self._lock:
                self.landed = self.landed or sent.done
