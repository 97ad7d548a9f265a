"""The whole story on the terminal: a project is launched, worked in, updated twice, and ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local import projects, run, versions
from local.home import SOURCE, Home, LocalError

if TYPE_CHECKING:
    from local.run import Run
    from local.terminal import Terminal

NAME, PROFILE = "abalone", "regression"
_PIPELINE = "pipelines/abalone/pipeline.py"
_SHOWN = 8


def tell(home: Home, terminal: Terminal, keep: bool) -> dict[str, Any]:
    """Run the demonstration in a folder of its own; return what happened. Leaves nothing running unless `keep`."""
    own = Home(home.path / "demo")
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


@dataclass
class _Story:
    home: Home
    terminal: Terminal
    started: float = field(default_factory=time.monotonic)
    chapter: int = 0
    seen: dict[str, Any] = field(default_factory=dict)

    def tell(self, keep: bool) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="demo-", dir=self.home.temporary) as directory:
            work = Path(directory)
            running = self._begin()
            launched = self._launch(running)
            self._look(running, launched)
            clone = self._edit(launched, work)
            self._merge(work, clone)
            self._conflict(work)
            self._end(running)
        seconds = round(time.monotonic() - self.started, 1)
        self.seen["seconds"] = seconds
        self._sum_up(seconds, keep)
        return self.seen

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
        launched = projects.launch(running, projects.Launch(NAME, PROFILE), self.terminal)
        requests = launched["requests"]
        self._say(
            f"{launched['status']} in {launched['seconds']} s with {requests['total']} requests to GitHub", "green"
        )
        self.seen["launch"] = launched
        return launched

    def _look(self, running: Run, launched: Mapping[str, Any]) -> None:
        self._title("What is in the repositories")
        for part, repository in launched["repositories"].items():
            there = running.standin_github.repository(self._full_name(running, repository["name"]))
            paths = self._paths(running, launched["version"], part)
            self._say(f"{part}: {repository['url']}", "bold")
            for path in paths[:_SHOWN]:
                self._say(f"  {path}")
            self._say(f"  ... {len(paths)} files, byte for byte those of template {launched['version']}", "dim")
            secrets = sorted(there["secrets"])
            self._say(f"  secrets ({len(secrets)}): {', '.join(secrets[:5])}, ...")
            self._say(f"  variables: {', '.join(f'{k}={v}' for k, v in there['variables'].items())}")
            self._say(f"  refs: {', '.join(sorted(there['refs']))}")

    def _edit(self, launched: Mapping[str, Any], work: Path) -> Path:
        self._title("The data scientist works", "A normal clone, a commit, a push.")
        url = launched["repositories"]["build"]["url"]
        clone = work / "abalone-build"
        self._command(f"git clone {url}.git")
        self._git(work, "clone", "--quiet", f"{url}.git", str(clone))
        _replace(clone / _PIPELINE, '"max_depth": 5', '"max_depth": 8')
        (clone / "notebooks").mkdir()
        (clone / "notebooks" / "exploration.md").write_text("Rings are skewed; deeper trees help.\n")
        self._git(clone, "add", "--all")
        self._git(clone, "commit", "--quiet", "--message", "Deeper trees, and why")
        self._show(self._git(clone, "show", "--stat", "--format=%h %an: %s", "HEAD"))
        self._command("git push")
        self._git(clone, "push", "--quiet")
        return clone

    def _merge(self, work: Path, clone: Path) -> None:
        self._title(
            "The platform team publishes v1.1.0",
            "A newer XGBoost, in the same file that the data scientist changed, and a model card.",
        )
        template = work / "templates"
        shutil.copytree(SOURCE / "templates", template)
        build = template / PROFILE / "model_build"
        _replace(build / _PIPELINE, 'XGBOOST_VERSION = "1.7-1"', 'XGBOOST_VERSION = "3.0-5"')
        (build / "MODEL_CARD.md").write_text("# Model card\n\nWhat the model is for, and what it is not for.\n")
        running = self._publish(template, "v1.1.0", "Newer XGBoost; a model card.")
        self._command(f"python -m local update {NAME} --dry-run")
        _, foreseen = projects.foresee(running, NAME, "", {})
        for part, one in foreseen.items():
            paths = ", ".join([*(f"+ {p}" for p in one.added), *(f"~ {p}" for p in one.changed)]) or "nothing"
            self._say(f"{part}: would {one.action}: {paths}")
        updated = self._update(running)
        self._git(clone, "pull", "--quiet")
        pipeline = (clone / _PIPELINE).read_text()
        self._say("in the data scientist's clone, after git pull:")
        self._show(
            "\n".join(line for line in pipeline.splitlines() if "XGBOOST_VERSION =" in line or "max_depth" in line)
        )
        self._show(self._git(clone, "log", "--graph", "--format=%h %s (%an)", "-n", "4"))
        self.seen["merge"] = {**updated, "kept": '"max_depth": 8' in pipeline, "delivered": "3.0-5" in pipeline}

    def _conflict(self, work: Path) -> None:
        self._title(
            "v1.2.0 changes the very line that the data scientist changed",
            "Nothing is overwritten: what cannot be merged becomes a pull request.",
        )
        template = work / "templates"
        _replace(template / PROFILE / "model_build" / _PIPELINE, '"max_depth": 5', '"max_depth": 6')
        running = self._publish(template, "v1.2.0", "Less shallow trees.")
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
        ended = projects.terminate(running, NAME, self.terminal)
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
        if keep:
            self._say(f"it still runs: LOCAL_HOME={self.home.path} python -m local status   (and: down)")
        self._say("python -m local launch NAME --profile regression     a project of your own, to play with")
        self._say("python -m local launch NAME --profile regression --github-api-url https://api.github.com \\")
        self._say("    --organization YOURS                             the same on real GitHub, with GITHUB_TOKEN")
        self._say("README.md                                            how to deploy it to an AWS account")

    # -- doing -----------------------------------------------------------------------------------------------------

    def _publish(self, template: Path, version: str, notes: str) -> Run:
        self._command(f"python -m local publish --template-source templates --version {version} --notes '{notes}'")
        versions.publish(self.home, versions.Source(str(template)), version, notes=notes)
        return run.up(self.home, self.terminal)

    def _update(self, running: Run) -> dict[str, Any]:
        self._command(f"python -m local update {NAME}")
        updated = projects.update(running, NAME, "", {}, self.terminal)
        for part, repository in updated["repositories"].items():
            self._say(f"{part}: {repository['status']} {repository['pull_request']}".rstrip(), "green")
        return updated

    @staticmethod
    def _full_name(running: Run, name: str) -> str:
        return f"{running.github.organization}/{name}"

    @staticmethod
    def _paths(running: Run, version: str, part: str) -> list[str]:
        return [file.path for file in projects.archive_of(running, version).stream(f"{PROFILE}/model_{part}")]

    def _show(self, text: str) -> None:
        for line in text.rstrip().splitlines():
            self._say(f"| {line}", "dim")

    def _git(self, where: Path, *arguments: str) -> str:
        """Run git as the data scientist, with the run's own credential helper; return what it says."""
        helper = f"!{sys.executable} -m local credential"
        settings = {
            "credential.helper": helper,
            "user.name": "Data Scientist",
            "user.email": "data.scientist@example.com",
            "init.defaultBranch": "main",
            "core.autocrlf": "false",
        }
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            "LOCAL_HOME": str(self.home.path),
            "PYTHONPATH": str(SOURCE),
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


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if old not in text:
        raise LocalError(f"The template has changed: {path.name} has no {old}; adjust local/demo.py.")
    path.write_text(text.replace(old, new))
