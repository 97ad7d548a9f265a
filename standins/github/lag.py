"""GitHub's replicas: for some seconds after a change, other requests still see what was there before.

How long is set by kind of request. What a replica shows is a past state as a whole: the record of a repository and its
Git side, copied before each change. Kept in memory, and forgotten by a restart.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from standins.github.model import Repository


class Lags(BaseModel):
    """How long each kind of request lags behind, in seconds; 0 = not at all.

    After a repository's creation its kind is answered 404. After other changes, reads show what was there before.
    """

    rest_reads: float = Field(default=0, ge=0, le=3600)
    rest_writes: float = Field(default=0, ge=0, le=3600)  # after a creation only: a write finds the newest state
    git: float = Field(default=0, ge=0, le=3600)
    pull_request_heads: float = Field(default=0, ge=0, le=3600)  # POST /pulls, after a branch was pushed
    app_tokens: float = Field(default=0, ge=0, le=3600)  # 401; and 422 to a token for a new repository
    set_up: float = Field(default=0, ge=0, le=3600)  # a new repository cannot be archived,
    set_up_status: Literal[403, 409, 422] = 403  # which is answered so

    @property
    def any(self) -> bool:
        """Tell whether the past matters."""
        return any(value for name, value in self.model_dump().items() if name != "set_up_status")


@dataclass
class Past:
    """How a repository was from a time on. `record` None: it was not there yet. `place` is a copy of its Git side."""

    since: float
    record: Repository | None
    refs: Mapping[str, str] = field(default_factory=dict)
    place: Path | None = None


class Lag:
    """Remembers what the repositories were. `clock` gives seconds; a test may have its own."""

    def __init__(self, places: Path) -> None:
        """`places` is the folder of the bare repositories."""
        self.clock: Callable[[], float] = time.time
        self.lags = Lags()
        self._places = places
        self._past: dict[int, list[Past]] = {}
        self._led_to: dict[str, tuple[float, int]] = {}  # a name that is taken anew: until when it redirected, to which
        self._lock = threading.RLock()
        self._copies = 0

    def configure(self, lags: Lags) -> None:
        """Set how long each kind lags; what was remembered is forgotten."""
        with self._lock:
            for number in list(self._past):
                self.forget(number)
            self._led_to.clear()
            self.lags = lags

    # -- what happens -----------------------------------------------------------------------------------------

    def made(self, repository: Repository, led_to: int | None) -> None:
        """Remember that a repository is new; `led_to` is the one to which its name redirected before."""
        if not self.lags.any:
            return
        now = self.clock()
        with self._lock:
            self._past[repository.id] = [Past(float("-inf"), None), Past(now, repository.model_copy(deep=True))]
            if led_to is not None:
                self._led_to[repository.full_name.lower()] = (now, led_to)

    @contextmanager
    def changing(self, repository: Repository, git: Path, refs: Callable[[], Mapping[str, str]]) -> Iterator[None]:
        """Remember what a repository was before the block, and when that ended."""
        if not self.lags.any or not git.exists():
            yield
            return
        with self._lock:
            known = self._past.setdefault(
                repository.id, [Past(float("-inf"), repository.model_copy(deep=True), refs())]
            )
            if known[-1].place is None:
                known[-1].place = self._copy(repository.id, git)
        try:
            yield
        finally:
            self._changed(repository, git, refs)

    def _changed(self, repository: Repository, git: Path, refs: Callable[[], Mapping[str, str]]) -> None:
        with self._lock:
            known = self._past.get(repository.id)
            if not known or not git.exists():
                return
            now, last = refs(), known[-1]
            if now == last.refs and repository == last.record:
                return
            place = last.place if now == last.refs else None
            known.append(Past(self.clock(), repository.model_copy(deep=True), now, place))

    def _copy(self, number: int, git: Path) -> Path:
        self._copies += 1
        place = self._places / f"{number}.past-{self._copies}.git"
        shutil.copytree(git, place)
        return place

    def forget(self, number: int) -> None:
        """Forget a repository's past."""
        with self._lock:
            for past in self._past.pop(number, []):
                if past.place:
                    shutil.rmtree(past.place, ignore_errors=True)

    # -- what is seen -----------------------------------------------------------------------------------------

    def past(self, repository: Repository, seconds: float) -> Past | None:
        """Return what a replica that lags so far behind shows of a repository; None = what it is."""
        if not seconds:
            return None
        with self._lock:
            known = self._past.get(repository.id)
            if not known or known[-1].since <= self.clock() - seconds:
                return None
            return [past for past in known if past.since <= self.clock() - seconds][-1]

    def is_new(self, repository: Repository, seconds: float) -> bool:
        """Tell whether a repository was made less than so many seconds ago."""
        past = self.past(repository, seconds)
        return past is not None and past.record is None

    def led_to(self, full_name: str, seconds: float) -> int | None:
        """Return where a name redirects yet for a replica that lags so far behind."""
        with self._lock:
            taken, number = self._led_to.get(full_name.lower(), (float("-inf"), 0))
            return number if taken > self.clock() - seconds else None

    def unknown_branch(self, repository: Repository, branch: str) -> Literal["", "invalid", "empty"]:
        """Tell whether pull requests know a branch; `empty`: they know its name, but not its commits."""
        ref, lag = f"refs/heads/{branch}", self.lags.pull_request_heads
        past, later = self.past(repository, lag), self.past(repository, lag / 2)
        if past is None or ref in past.refs:
            return ""
        return "invalid" if later is not None and ref not in later.refs else "empty"
