"""How the command line shows what it knows: JSON documents of a run, texts for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from local import cloning, processes, projects, studio, versions

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
        "studio": run.studio_pages,
        "versions": [versions.document(run.home, version) for version in run.assembly.product_templates()],
        "projects": [projects.summary(run, name) for name in projects.names(run)],
        "studio_projects": [studio.summary(run, name) for name in studio.names(run)],
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
        _row("Studio", document["studio"]),
        _row("organization", f"{github['server_url']}/{github['organization']}"),
        _row("versions", ", ".join(version["version"] for version in document["versions"])),
        *(_row("project", _summary(each)) for each in document["projects"]),
        *(_row("of Studio", _summary(each)) for each in document["studio_projects"]),
    ]
    return "\n".join(lines)


def _summary(project: Mapping[str, str]) -> str:
    return f"{project['name']}  {project['status']}  {project['version']}"


def _row(label: str, value: str) -> str:
    return f"{label:<{_WIDTH}}{value}"


def project_text(document: Mapping[str, Any], run: Run) -> str:
    """Return a project for people."""
    lines = ["", _row("project", f"{document['name']}  (id {document['project_id']}, stack {document['status']})")]
    lines += _repositories(document)
    if document.get("requests"):
        requests = document["requests"]
        git = sum(requests["git"].values())
        lines.append(_row("requests", f"{requests['total']} to GitHub, {git} of them Git; {document['seconds']} s"))
    return "\n".join([*lines, *_clones(document, run)])


def studio_text(document: Mapping[str, Any], run: Run) -> str:
    """Return a project of Studio's for people, or what its deletion left."""
    lines = ["", _row("project", f"{document['name']}  (id {document['project_id']}, {document['status']})")]
    if document["status"] == "DELETED":
        kept = document["repositories"]
        return "\n".join(
            [*lines, *(_row("archived" if each["archived"] else "still open", name) for name, each in kept.items())]
        )
    return "\n".join([*lines, *_repositories(document), *_clones(document, run)])


def _repositories(document: Mapping[str, Any]) -> Iterator[str]:
    for part, repository in document["repositories"].items():
        if repository["url"]:
            state = f"{repository['template_version']} {repository['status']}".strip()
            yield _row(part, repository["url"])
            yield _row("", f"template {state}, commit {repository['commit'][:10]}")
        if repository["pull_request"]:
            yield _row("", f"pull request {repository['pull_request']}")


def _clones(document: Mapping[str, Any], run: Run) -> Iterator[str]:
    """Yield how to clone the stand-in's repositories; on another GitHub people have their own credentials."""
    urls = [each["url"] for each in document["repositories"].values() if each["url"]] if run.github.stand_in else []
    yield from ("", "Clone them from any folder; the clones keep the credential helper:") if urls else ()
    yield from (f"  {cloning.command(run.home.path, url)}" for url in urls)


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
