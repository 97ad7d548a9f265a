"""Where the local run keeps its things, and which of its processes run."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from products.settings import PROJECT_ROOT

SOURCE = PROJECT_ROOT
_MARKER = ".local-run"
# What runs of before the marker have in their folder.
_BEFORE_THE_MARKER = {
    *("assemblies", "demo", "github", "lock", "logs", "ministack", "settings.toml", "state.json", "tmp", "versions"),
}


class LocalError(Exception):
    """An expected failure: one sentence for the person at the terminal."""


class Process(BaseModel):
    """A process that `up` started. `created` tells it from a later one that got the same number."""

    model_config = ConfigDict(frozen=True)

    pid: int
    created: float
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


class GitHubPlace(BaseModel):
    """The GitHub that projects are launched on. The token is in the run's Secrets Manager, never here."""

    model_config = ConfigDict(frozen=True)

    api_url: str
    server_url: str
    organization: str
    stand_in: bool


class State(BaseModel):
    """What `state.json` says: the processes, and what has been deployed to them."""

    processes: dict[str, Process] = Field(default_factory=dict)
    ports: dict[str, int] = Field(default_factory=dict)  # kept when stopped, so that clone URLs stay valid
    github: GitHubPlace | None = None
    token_given: bool = False  # the token is the user's, not the stand-in's own
    assembly: str = ""  # the cloud assembly that is deployed


@dataclass(frozen=True)
class Home:
    """One local run's folder; two folders are two runs that know nothing of each other."""

    path: Path

    @staticmethod
    def from_environment() -> Home:
        """Return LOCAL_HOME, or `.local` beside the source."""
        return Home(Path(os.environ.get("LOCAL_HOME") or SOURCE / ".local").resolve())

    @property
    def demonstration(self) -> Home:
        """The folder of the demonstration (local/demo.py), which is a run of its own."""
        return Home(self.path / "demo")

    @property
    def logs(self) -> Path:
        """What the processes write."""
        return self.path / "logs"

    @property
    def temporary(self) -> Path:
        """TMPDIR of all processes; emptied by `down`."""
        return self.path / "tmp"

    @property
    def versions(self) -> Path:
        """The template versions that this run can launch."""
        return self.path / "versions"

    @property
    def github(self) -> Path:
        """The repositories of the GitHub stand-in."""
        return self.path / "github"

    @property
    def assemblies(self) -> Path:
        """Synthesized cloud assemblies, by the hash of what went in."""
        return self.path / "assemblies"

    @property
    def settings(self) -> Path:
        """The settings of a run that `studio` was used in (local/studio.py); others use the source's settings.toml."""
        return self.path / "settings.toml"

    @property
    def state_file(self) -> Path:
        """The state's JSON."""
        return self.path / "state.json"

    @property
    def own(self) -> bool:
        """Tell whether the folder is a run's and nobody else's: marked so, empty, or only with what a run writes."""
        try:
            there = {entry.name for entry in self.path.iterdir()} if self.path.is_dir() else set()
        except OSError:
            return False
        return not there or _MARKER in there or ("state.json" in there and there <= _BEFORE_THE_MARKER)

    def make(self) -> None:
        """Create the folders, readable by the owner only. Raises LocalError when that is impossible.

        A folder that was made here, or was empty, gets the marker without which `down --wipe` does not remove it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.own:
                (self.path / _MARKER).touch()
            for folder in (self.logs, self.temporary, self.assemblies):
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise LocalError(
                f"The folder {self.path} cannot be written ({error.strerror}); set LOCAL_HOME to one that can."
            ) from error

    def state(self) -> State:
        """Read the state; a damaged or missing file is an empty state."""
        try:
            return State.model_validate_json(self.state_file.read_bytes())
        except (OSError, ValidationError):
            return State()

    def save(self, state: State) -> None:
        """Write the state, whole or not at all."""
        new = self.state_file.with_suffix(".new")
        new.write_text(state.model_dump_json(indent=2) + "\n")
        new.replace(self.state_file)

    @contextmanager
    def lock(self, exclusive: bool) -> Iterator[None]:
        """Hold the run: exclusively to start, deploy or stop it, shared while a project's stack changes."""
        self.make()
        with (self.path / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            yield
