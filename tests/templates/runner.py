"""A small runner of GitHub workflows: jobs in their order, conditions, expressions, `run` steps in bash.

Actions are not run: `checkout` and `setup-python` have been done by the test, and `configure-aws-credentials` gives the
following steps the credentials of its role. Installing is done, too: the environment has what the lock names.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\|\||&&|==|!=|!|\(|\)|[\w.-]+)")
_PYTHON = {"||": "or", "&&": "and", "!": "not", "==": "==", "!=": "!=", "(": "(", ")": ")", "true": "True"}
_LOCKED = "--require-hashes --only-binary ':all:' -r requirements.txt"


@dataclass
class Run:
    """What became of a workflow's run."""

    jobs: dict[str, str] = field(default_factory=dict)  # success, failure, skipped
    log: str = ""
    summary: str = ""
    roles: dict[str, str] = field(default_factory=dict)  # by job


@dataclass
class Runner:
    """Runs workflows of a checkout, with its environment's programs and a repository's secrets and variables."""

    checkout: Path
    programs: Path
    secrets: Mapping[str, str]
    variables: Mapping[str, str]
    environment: Mapping[str, str]
    number: int = 0  # of runs

    def run(
        self, workflow: str, event: str = "workflow_dispatch", payload: Mapping[str, str] | None = None, **inputs: str
    ) -> Run:
        """Run every job whose condition holds. `payload`: a repository_dispatch's client_payload."""
        self.number += 1
        document: dict[Any, Any] = yaml.safe_load((self.checkout / ".github/workflows" / workflow).read_text())
        triggers = document[True]  # YAML 1.1's reading of `on`
        given = (triggers.get("workflow_dispatch") or {}).get("inputs") or {} if isinstance(triggers, dict) else {}
        defaults = {name: str(each.get("default", "")) for name, each in given.items()}
        contexts = {
            "github": {
                "event_name": event,
                "run_id": str(self.number),
                "sha": "c0ffee",
                "ref": "refs/heads/main",
                "event": {"client_payload": payload or {}},
            },
            "inputs": {**defaults, **inputs} if event == "workflow_dispatch" else {},
            "vars": self.variables,
            "secrets": self.secrets,
        }
        done = Run()
        for name, job in document["jobs"].items():
            needed = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            holds = "if" not in job or bool(value_of(str(job["if"]), contexts))
            if not holds or any(done.jobs[each] != "success" for each in needed):
                done.jobs[name] = "skipped"
                continue
            done.jobs[name] = self._job(name, job, contexts, done)
        return done

    def _job(self, name: str, job: Mapping[str, Any], contexts: Mapping[str, Any], done: Run) -> str:
        credentials: dict[str, str] = {}
        for step in job["steps"]:
            if "configure-aws-credentials" in step.get("uses", ""):
                role = filled(step["with"]["role-to-assume"], contexts)
                done.roles[name] = role
                credentials = {
                    "AWS_ACCESS_KEY_ID": role.rpartition("/")[2],
                    "AWS_SECRET_ACCESS_KEY": "secret",
                    "AWS_REGION": filled(step["with"]["aws-region"], contexts),
                }
            if "run" in step and not self._step(step, credentials, contexts, done):
                return "failure"
        return "success"

    def _step(
        self, step: Mapping[str, Any], credentials: Mapping[str, str], contexts: Mapping[str, Any], done: Run
    ) -> bool:
        script = filled(step["run"], contexts)
        if "pip install" in script:
            assert script.endswith(_LOCKED), script
            return True
        summary = self.checkout.parent / "summary.md"
        summary.write_text("")
        own = {name: filled(str(value), contexts) for name, value in step.get("env", {}).items()}
        github = {"GITHUB_ACTIONS": "true", "GITHUB_SHA": "c0ffee", "GITHUB_STEP_SUMMARY": str(summary)}
        github |= {"GITHUB_RUN_ID": str(self.number), "GITHUB_RUN_ATTEMPT": "1"}
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.checkout,
            env={"PATH": path, "HOME": str(self.checkout.parent), **self.environment, **github, **credentials, **own},
            capture_output=True,
            text=True,
            check=False,
        )
        done.log += ran.stdout + ran.stderr
        done.summary += summary.read_text()
        return ran.returncode == 0


def filled(text: str, contexts: Mapping[str, Any]) -> str:
    """Return the text with its expressions replaced, as GitHub does before a step begins."""
    return _EXPRESSION.sub(lambda found: str(value_of(found[1], contexts)), text)


def value_of(expression: str, contexts: Mapping[str, Any]) -> Any:
    """Evaluate an expression of names, texts, comparisons and `||`, `&&`, `!`; what is not set is ""."""
    rest = expression.strip()
    parts: list[str] = []
    values: dict[str, Any] = {}
    while rest:
        token = _TOKEN.match(rest)
        assert token, f"this runner does not know {rest!r}"
        rest = rest[token.end() :].strip()
        word = token[1]
        if word in _PYTHON:
            parts.append(_PYTHON[word])
            continue
        values[f"v{len(values)}"] = word[1:-1] if word[0] == "'" else _looked_up(word, contexts)
        parts.append(f"v{len(values) - 1}")
    return eval(" ".join(parts), {"__builtins__": {}}, values)


def _looked_up(name: str, contexts: Mapping[str, Any]) -> Any:
    found: Any = contexts
    for part in name.split("."):
        found = found.get(part, "") if isinstance(found, Mapping) else ""
    return found
