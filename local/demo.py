"""The whole story on the terminal: a project is launched, worked in, updated twice, and ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custom_resources.template_content import Archive
from local import assembly, cloning, projects, run, versions
from local.home import SOURCE, Home, LocalError
from operations.publish import publish
from operations.template_source import resolve
from products.versions import ARCHIVE_FILE, Version, read_versions

if TYPE_CHECKING:
    from custom_resources.template_content import TemplateFile
    from local.run import Run
    from local.terminal import Terminal

NAME, PROFILE = "abalone", "regression"
_CONFIG = "config.toml"  # of the build repository: what data scientists change
_SHOWN = 8


def tell(home: Home, terminal: Terminal, keep: bool) -> dict[str, Any]:
    """Run the demonstration in a folder of its own; return what happened. Leaves nothing running unless `keep`."""
    own = home.demonstration
    home.make()
    story = _Story(own, terminal)
    run.down(own, wipe=False)
    for left in (own.versions, own.github, own.logs):  # what was synthesized before is kept: the same input again
        shutil.rmtree(left, ignore_errors=True)
    own.make()
    try:
        return story.tell(keep)
    finally:
        if not keep:
            run.down(own, wipe=False)


@dataclass(frozen=True)
class _Release:
    """A version that the platform team publishes in the story: what it changes in the build template."""

    version: str
    notes: str
    changes: tuple[tuple[str, str], ...]  # in config.toml: what, by what
    added: Mapping[str, str]


def _releases() -> tuple[_Release, _Release]:
    """Return the story's two versions, which follow the newest that the product ships."""
    major, minor, _ = _newest().order
    return (
        _Release(
            f"v{major}.{minor + 1}.0",
            "Longer jobs may finish; a model card.",
            (("max_runtime_minutes = 60", "max_runtime_minutes = 90"),),
            {"MODEL_CARD.md": "# Model card\n\nWhat the model is for, and what it is not for.\n"},
        ),
        _Release(f"v{major}.{minor + 2}.0", "Less shallow trees.", (("max_depth = 5", "max_depth = 6"),), {}),
    )


def _newest() -> Version:
    return read_versions(SOURCE / "products" / "versions")[-1]


@dataclass
class _Story:
    home: Home
    terminal: Terminal
    started: float = field(default_factory=time.monotonic)
    releases: tuple[_Release, ...] = field(default_factory=_releases)
    chapter: int = 0
    seen: dict[str, Any] = field(default_factory=dict)

    def tell(self, keep: bool) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="demo-", dir=self.home.temporary) as directory:
            work = Path(directory)
            running = self._begin()
            ahead = self._synthesize_ahead(_sources(work, self.releases), work / "versions")
            launched = self._launch(running)
            clones = self._look(running, launched, work)
            self._edit(clones["build"])
            self._merge(work, clones["build"], ahead)
            self._conflict(work, ahead)
            self._end(running)
        seconds = round(time.monotonic() - self.started, 1)
        self.seen["seconds"] = seconds
        self._sum_up(seconds, keep)
        return self.seen

    def _synthesize_ahead(self, sources: Mapping[str, Path], place: Path) -> Mapping[str, Future[None]]:
        """Synthesize what will be published while the story goes on: the publishing itself finds it done."""
        pool = ThreadPoolExecutor(max_workers=1)
        shutil.copytree(self.home.versions, place)

        def synthesize(version: str) -> None:
            publish(resolve(sources[version]), version, notes=self._notes(version), directory=place)
            assembly.synthesize(self.home, place)

        done = {version: pool.submit(synthesize, version) for version in sources}
        pool.shutdown(wait=False)
        return done

    def _notes(self, version: str) -> str:
        return next(release.notes for release in self.releases if release.version == version)

    # -- telling ---------------------------------------------------------------------------------------------------

    def _title(self, text: str, *lines: str) -> None:
        self.chapter += 1
        self.terminal.say()
        self.terminal.say(f"{self.chapter}. {text}", "bold")
        for line in lines:
            self.terminal.say(f"   {line}", "dim")

    def _say(self, text: str, style: str = "") -> None:
        self.terminal.say(f"   {text}", style)

    def _command(self, text: str) -> None:
        self.terminal.say(f"   {self.terminal.styled('$', 'cyan')} {text}")

    # -- chapters --------------------------------------------------------------------------------------------------

    def _begin(self) -> Run:
        self._title(
            "The platform team deploys",
            "CloudFormation, Lambda, Step Functions and Studio are emulated; GitHub is a stand-in with real Git.",
            "The stacks and the code are those that `cdk deploy` puts on AWS.",
        )
        self._command("python -m local up")
        running = run.up(self.home, self.terminal)
        self._say(f"ready: the product in version {', '.join(running.assembly.product_templates())}", "green")
        return running

    def _launch(self, running: Run) -> dict[str, Any]:
        self._title(
            "A data scientist creates a project", "Its profile launches the product: one stack, two repositories."
        )
        self._command(f"python -m local launch {NAME} --profile {PROFILE}")
        launched = projects.launch(running, projects.Launch(NAME, PROFILE, brief=True), self.terminal)
        requests = launched["requests"]
        self._say(
            f"{launched['status']} in {launched['seconds']} s with {requests['total']} requests to GitHub", "green"
        )
        self.seen["launch"] = launched
        return launched

    def _look(self, running: Run, launched: Mapping[str, Any], work: Path) -> dict[str, Path]:
        self._title("What is in the repositories")
        clones = {}
        for part, repository in launched["repositories"].items():
            url, clone = repository["url"], work / part
            self._command(f"git clone {url}.git {part}")
            self._git(work, "clone", "--quiet", f"{url}.git", str(clone))
            files = list(projects.archive_of(running, launched["version"]).stream(f"{PROFILE}/model_{part}"))
            self._require_same(clone, files)
            for file in files[:_SHOWN]:
                self._say(f"  {file.path}")
            self._say(f"  ... {len(files)} files, compared: byte for byte the template {launched['version']}", "green")
            there = running.standin_github.repository(self._full_name(running, repository["name"]))
            secrets = sorted(there["secrets"])
            self._say(f"  secrets ({len(secrets)}): {', '.join(secrets[:4])}, ...")
            self._say(f"  variables: {', '.join(f'{k}={v}' for k, v in there['variables'].items())}")
            self._say(f"  the template's lineage: refs/studio/template at {there['refs']['refs/studio/template'][:10]}")
            clones[part] = clone
        return clones

    def _require_same(self, clone: Path, files: Sequence[TemplateFile]) -> None:
        """Raise LocalError unless the clone holds exactly these files, with these modes."""
        listed = self._git(clone, "ls-files", "-z", "--stage").split("\0")
        modes = {line.split("\t", 1)[1]: line.split(" ", 1)[0] for line in listed if line}
        wanted = {file.path: "100755" if file.executable else "100644" for file in files}
        if modes != wanted or any((clone / file.path).read_bytes() != file.content for file in files):
            raise LocalError(f"The repository in {clone.name} does not match the template.")

    def _edit(self, clone: Path) -> None:
        self._title("The data scientist works", "A commit and a push, as usual.")
        _replace(clone / _CONFIG, "max_depth = 5", "max_depth = 8")
        (clone / "notebooks" / "exploration.md").write_text("Rings are skewed; deeper trees help.\n")
        self._git(clone, "add", "--all")
        self._git(clone, "commit", "--quiet", "--message", "Deeper trees, and why")
        self._show(self._git(clone, "show", "--stat", "--format=%h %an: %s", "HEAD"))
        self._show(self._git(clone, "show", "--unified=0", "--format=", "HEAD", "--", _CONFIG), "+-")
        self._command("git push")
        self._git(clone, "push", "--quiet")

    def _merge(self, work: Path, clone: Path, ahead: Mapping[str, Future[None]]) -> None:
        version = self.releases[0].version
        self._title(
            f"The platform team publishes {version}",
            "Longer jobs may finish, in the same file that the data scientist changed, and a model card.",
        )
        running = self._publish(work, version, ahead)
        self._command(f"python -m local update {NAME} --dry-run")
        _, foreseen = projects.foresee(running, NAME, "", {})
        for part, one in foreseen.items():
            paths = ", ".join([*(f"adds {p}" for p in one.added), *(f"changes {p}" for p in one.changed)])
            self._say(f"{part}: {paths or 'no file changes'}{', conflicts: none' if paths else ''}")
        updated = self._update(running)
        self._git(clone, "pull", "--quiet")
        config = (clone / _CONFIG).read_text()
        self._say("in the data scientist's clone, after git pull, both are there:")
        both = [line for line in config.splitlines() if line.startswith(("max_depth", "max_runtime_minutes"))]
        self._show("\n".join(both))
        self._show(self._git(clone, "log", "--graph", "--format=%h %s (%an)", "-n", "4"))
        kept, delivered = "max_depth = 8" in config, "max_runtime_minutes = 90" in config
        self.seen["merge"] = {**updated, "kept": kept, "delivered": delivered}

    def _conflict(self, work: Path, ahead: Mapping[str, Future[None]]) -> None:
        version = self.releases[1].version
        self._title(
            f"{version} changes the very line that the data scientist changed",
            "Nothing is overwritten: what cannot be merged becomes a pull request.",
        )
        running = self._publish(work, version, ahead)
        updated = self._update(running)
        build = updated["repositories"]["build"]
        there = running.standin_github.repository(self._full_name(running, build["name"]))
        for pull_request in there["pull_requests"]:
            self._say(f"#{pull_request['number']} {pull_request['title']}  ({pull_request['state']})", "bold")
            self._show("\n".join(line for line in pull_request["body"].splitlines() if line.strip()))
        self.seen["conflict"] = {**updated, "pull_requests": there["pull_requests"]}

    def _end(self, running: Run) -> None:
        self._title("The project ends", "Repositories are archived, never deleted; launching it again restores them.")
        self._command(f"python -m local terminate {NAME}")
        ended = projects.terminate(running, NAME, self.terminal, brief=True)
        for name, state in ended["repositories"].items():
            self._say(f"{name}: {'archived' if state['archived'] else 'NOT archived'}", "green")
        self.seen["terminate"] = ended

    def _sum_up(self, seconds: float, keep: bool) -> None:
        launched, merged, conflict = self.seen["launch"], self.seen["merge"], self.seen["conflict"]
        self.terminal.say()
        self.terminal.say(f"What you saw, in {seconds:.0f} s", "bold")
        self._say(
            f"a launch: two repositories with files, secrets and lineage, {launched['requests']['total']} requests"
        )
        self._say(f"a clean merge: {merged['repositories']['build']['status']}; the data scientist's edit kept")
        self._say(f"a conflict: {conflict['repositories']['build']['pull_request']}")
        self._say("an end: both repositories archived")
        self.terminal.say()
        self.terminal.say("How to go on", "bold")
        local = f"{_python()} -m local"
        if keep:
            self._say("it still runs (and ends with `down`):")
            self._command(f"LOCAL_HOME={self.home.path} {local} status")
        self._say("a project of your own, to play with:")
        self._command(f"{local} launch NAME --profile regression")
        self._say("the same on real GitHub, with a token in GITHUB_TOKEN:")
        self._command(f"{local} launch NAME --profile regression \\")
        self._say("    --github-api-url https://api.github.com --organization YOURS")
        self._say("in an account of AWS: README.md, Deploy it to AWS")

    # -- doing -----------------------------------------------------------------------------------------------------

    def _publish(self, work: Path, version: str, ahead: Mapping[str, Future[None]]) -> Run:
        notes = self._notes(version)
        self._command(f"python -m local publish --template-source templates --version {version} --notes '{notes}'")
        ahead[version].result()
        versions.publish(self.home, versions.Source(str(work / version / "templates")), version, notes=notes)
        self._command("python -m local up")
        return run.up(self.home, self.terminal)

    def _update(self, running: Run) -> dict[str, Any]:
        self._command(f"python -m local update {NAME}")
        updated = projects.update(running, NAME, "", {}, self.terminal, brief=True)
        for part, repository in updated["repositories"].items():
            self._say(f"{part}: {repository['status']} {repository['pull_request']}".rstrip(), "green")
        return updated

    @staticmethod
    def _full_name(running: Run, name: str) -> str:
        return f"{running.github.organization}/{name}"

    def _show(self, text: str, beginning: str = "") -> None:
        """Quote a command's output; with `beginning` only the changed lines of a patch."""
        for line in text.rstrip().splitlines():
            if not beginning or (line[:1] in beginning and line[:3] not in ("+++", "---")):
                self._say(f"| {line}", "dim")

    def _git(self, where: Path, *arguments: str) -> str:
        """Run git as the data scientist, with the run's own credential helper; return what it says."""
        settings = {
            "credential.helper": cloning.helper(self.home.path),
            "user.name": "Data Scientist",
            "user.email": "data.scientist@example.com",
            "init.defaultBranch": "main",
            "core.autocrlf": "false",
        }
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        done = subprocess.run(
            ["git", *arguments], cwd=where, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise LocalError(f"git {arguments[0]} failed in the demonstration: {done.stderr.strip()[-300:]}")
        return done.stdout


def _sources(work: Path, releases: Sequence[_Release]) -> dict[str, Path]:
    """Write the template content of each release, each with the changes of those before it; return the folders.

    The first builds on the newest version that the product ships, which the story's project is launched from.
    """
    before, sources = work / "shipped", {}
    _extract(before)
    for release in releases:
        sources[release.version] = work / release.version / "templates"
        shutil.copytree(before, sources[release.version])
        build = sources[release.version] / PROFILE / "model_build"
        for old, new in release.changes:
            _replace(build / _CONFIG, old, new)
        for path, text in release.added.items():
            (build / path).write_text(text)
        before = sources[release.version]
    return sources


def _extract(folder: Path) -> None:
    """Write the newest shipped version's files of the story's profile."""
    newest = _newest()
    archive = Archive.open(SOURCE / "products" / "versions" / newest.version / ARCHIVE_FILE, newest.archive)
    for file in archive.stream(PROFILE):
        path = folder / PROFILE / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(0o755 if file.executable else 0o644)


def _python() -> str:
    """Return how a person starts this Python from this folder: by its path, where its environment is not active."""
    if os.environ.get("VIRTUAL_ENV"):
        return "python"
    place = Path(sys.executable)
    return str(place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if old not in text:
        raise LocalError(f"The template has changed: {path.name} has no {old}; adjust local/demo.py.")
    path.write_text(text.replace(old, new))
