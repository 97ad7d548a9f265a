"""How the command line shows what it knows: JSON documents of a run, texts for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from local import processes, projects, versions

if TYPE_CHECKING:
    from local.dry_run import Foreseen
    from local.home import Home, Process
    from local.run import Run

_WIDTH = 14


def run_document(run: Run) -> dict[str, Any]:
    """Return what runs."""
    memory = processes.peak_memory(run.state.processes["ministack"])
    return {
        "running": True,
        "home": str(run.home.path),
        "processes": {name: {"pid": p.pid, "url": p.url} for name, p in run.state.processes.items()},
        "github": run.github.model_dump(),
        "versions": [versions.document(run.home, version) for version in run.assembly.product_templates()],
        "projects": [projects.summary(run, name) for name in projects.names(run)],
        "peak_memory_mb": {name: round(peak / 2**20) for name, peak in sorted(memory.items())},
    }


def not_up(home: Home, alive: Mapping[str, Process]) -> tuple[dict[str, Any], str]:
    """Return the document and the text of a home that is not up: nothing runs, or what an interrupted `up` left."""
    document = {
        "running": False,
        "home": str(home.path),
        "processes": {name: {"pid": p.pid, "url": p.url} for name, p in alive.items()},
    }
    if not alive:
        return document, "Nothing is running. Start with: python -m local up"
    lines = [_row(name, process.url) for name, process in alive.items()]
    lines.append("The run is not complete. Go on with: python -m local up; end it with: python -m local down")
    return document, "\n".join(lines)


def run_text(document: Mapping[str, Any]) -> str:
    """Return the same for people."""
    github = document["github"]
    lines = [
        *(_row(name, process["url"]) for name, process in document["processes"].items()),
        _row("organization", f"{github['server_url']}/{github['organization']}"),
        _row("versions", ", ".join(version["version"] for version in document["versions"])),
        *(_row("project", f"{each['name']}  {each['status']}  {each['version']}") for each in document["projects"]),
    ]
    return "\n".join(lines)


def _row(label: str, value: str) -> str:
    return f"{label:<{_WIDTH}}{value}"


def project_text(document: Mapping[str, Any], run: Run) -> str:
    """Return a project for people."""
    lines = ["", _row("project", f"{document['name']}  (id {document['project_id']}, stack {document['status']})")]
    for part, repository in document["repositories"].items():
        if not repository["url"]:
            continue
        state = f"{repository['template_version']} {repository['status']}".strip()
        lines.append(_row(part, repository["url"]))
        lines.append(_row("", f"template {state}, commit {repository['commit'][:10]}"))
        if repository["pull_request"]:
            lines.append(_row("", f"pull request {repository['pull_request']}"))
    if document.get("requests"):
        requests = document["requests"]
        git = sum(requests["git"].values())
        lines.append(_row("requests", f"{requests['total']} to GitHub, {git} of them Git; {document['seconds']} s"))
    first = next((r["url"] for r in document["repositories"].values() if r["url"]), "")
    if first and run.github.stand_in:
        lines.append(_row("clone", f"git -c credential.helper='!{_command()} credential' clone {first}.git"))
    return "\n".join(lines)


def _command() -> str:
    import sys

    return f"{sys.executable} -m local"


def terminated_text(document: Mapping[str, Any]) -> str:
    """Return what a termination left."""
    kept = document.get("repositories", {})
    lines = [f"{name} is {'archived' if state['archived'] else 'NOT archived'}" for name, state in kept.items()]
    return "\n".join(["", *lines, f"Launch {document['name']} again to restore them."])


def foreseen_text(document: Mapping[str, Any], foreseen: Mapping[str, Foreseen]) -> str:
    """Return what an update would do."""
    lines = [f"An update of {document['name']} to {document['version']} would:"]
    for part, one in foreseen.items():
        what = {
            "push": "merge the template into the default branch",
            "propose": f"open a pull request, since {one.reason}",
            "record": "record the version; no file changes",
            "seed": "deliver the template to the empty repository",
        }.get(one.action, "change no file" + (" (a pull request is open)" if one.status == "pull-request" else ""))
        lines.append(f"\n{part}  {one.repository}: {what}")
        for label in ("settings", "added", "changed", "deleted", "conflicts", "ignored", "absent"):
            lines += [
                f"    {label.rstrip('s') if label == 'conflicts' else label:<10}{path}" for path in getattr(one, label)
            ]
        for label in ("secrets", "secrets_removed", "variables", "variables_removed", "environments"):
            names = getattr(one, label)
            if names:
                lines.append(f"    {label.replace('_', ' ')}: {', '.join(names)}")
    lines.append("\nNothing has been written.")
    return "\n".join(lines)


def patch_text(foreseen: Mapping[str, Foreseen]) -> str:
    """Return the patches, each under its repository's name."""
    patches = [f"# {part}: {one.repository}\n{one.patch}" for part, one in foreseen.items() if one.patch]
    return "\n".join(patches) or "No file would change."
