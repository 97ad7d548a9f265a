"""Plain pages, so that a link to a repository leads somewhere. Read only; everything shown is escaped."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import unquote

from standins.github.bare import Bare
from standins.github.messages import Response
from standins.github.model import Repository
from standins.github.store import Store
from standins.github.urls import quoted

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328}"
    "a{color:#0969da;text-decoration:none}table{border-collapse:collapse;width:100%}td,th{text-align:left;"
    "padding:.3rem .6rem;border-bottom:1px solid #d1d9e0}pre{background:#f6f8fa;padding:1rem;overflow:auto}"
    ".tag{border:1px solid #d1d9e0;border-radius:1em;padding:0 .6em;font-size:.85em;margin-left:.4em}"
)
_SAFE = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
}
_LARGEST = 512 * 1024


def serve(store: Store, path: str) -> Response:
    """Answer a request for a page."""
    if path == "/":
        return _page("Repositories", _repositories(store.repositories()))
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if len(parts) == 1 and store.account(parts[0]):
        own = [it for it in store.repositories() if it.owner.lower() == parts[0].lower()]
        return _page(parts[0], _repositories(own))
    found = store.by_name(parts[0], parts[1]) if len(parts) > 1 else None
    if found is None and len(parts) > 1:
        found = store.moved(parts[0], parts[1])
    if found is None:
        return _page("Not found", "<p>There is nothing here.</p>", 404)
    bare, rest = store.bare(found), parts[2:]
    if not rest:
        return _page(found.full_name, _repository(found, bare, found.default_branch))
    return _below(found, bare, rest)


def _below(it: Repository, bare: Bare, rest: list[str]) -> Response:
    pull = it.pull(int(rest[1])) if len(rest) == 2 and rest[0] == "pull" and rest[1].isdecimal() else None
    if pull:
        base = bare.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
        state = "merged" if pull.merged_at else pull.state
        said = "".join(f"<p><b>{escape(one.login)}</b></p><pre>{escape(one.body)}</pre>" for one in pull.comments)
        text = (
            f"<p><span class=tag>{state}</span> {escape(pull.head)} into {escape(pull.base)}</p>"
            f"<pre>{escape(pull.body or '')}</pre>{said}"
            f"<pre>{escape(bare.patch(base, pull.head_sha)[:_LARGEST].decode('utf-8', 'replace'))}</pre>"
        )
        return _page(f"{pull.title} #{pull.number}", _home(it) + text)
    if rest[0] == "commit" and len(rest) == 2 and re.fullmatch(r"[0-9a-f]{40}", rest[1]) and bare.commit(rest[1]):
        shown = bare.run("show", "--format=fuller", rest[1])[1][:_LARGEST].decode("utf-8", "replace")
        return _page(rest[1][:10], f"{_home(it)}<pre>{escape(shown)}</pre>")
    if rest[0] in ("blob", "tree", "raw"):
        branch, path = _branch(bare, rest[1:])
        if branch and not path:
            return _page(it.full_name, _repository(it, bare, branch))
        entries = bare.entries(branch, path) if branch else []
        if entries and entries[0].type == "blob":
            data = bare.blob(entries[0].sha)[:_LARGEST]
            if rest[0] == "raw":
                return Response(200, data, {"content-type": "text/plain; charset=utf-8", **_SAFE})
            text = data.decode("utf-8", "replace")
            return _page(path, f"{_home(it)}<pre>{escape(text)}</pre>")
    return _page("Not found", "<p>There is nothing here.</p>", 404)


def _branch(bare: Bare, parts: list[str]) -> tuple[str, str]:
    """Split `branch/with/slashes/path/of/file`: the longest name that is a branch or commit wins."""
    for length in range(len(parts), 0, -1):
        name = "/".join(parts[:length])
        if bare.branch(name) or re.fullmatch(r"[0-9a-f]{40}", name):
            return name, "/".join(parts[length:])
    return "", ""


def _page(title: str, body: str, status: int = 200) -> Response:
    head = f'<meta charset=utf-8><meta name=viewport content="width=device-width"><title>{escape(title)}</title>'
    text = f"<!doctype html><html lang=en>{head}<style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    return Response(status, text.encode("utf-8", "replace"), {"content-type": "text/html; charset=utf-8", **_SAFE})


def _home(it: Repository) -> str:
    return f'<p><a href="/{quoted(it.full_name)}">{escape(it.full_name)}</a></p>'


def _tags(it: Repository) -> str:
    names = [it.visibility, *(["archived"] if it.archived else []), *it.topics]
    return "".join(f"<span class=tag>{escape(name)}</span>" for name in names)


def _repositories(repositories: list[Repository]) -> str:
    rows = "".join(
        f'<tr><td><a href="/{quoted(it.full_name)}">{escape(it.full_name)}</a>{_tags(it)}'
        f"<td>{escape(it.description or '')}<td>{escape(it.pushed_at)}"
        for it in repositories
    )
    return f"<table><tr><th>Repository<th>About<th>Pushed{rows}</table>"


def _repository(it: Repository, bare: Bare, branch: str) -> str:
    commit = bare.commit(branch)
    address = f"/{quoted(it.full_name)}"
    files = "".join(
        f'<tr><td><a href="{address}/blob/{quoted(branch)}/{quoted(entry.path)}">{_shown(entry.path)}</a>'
        f"<td>{'executable' if entry.mode == '100755' else ''}<td>{entry.size}"
        for entry in (bare.entries(commit.tree, recursive=True) if commit else [])
        if entry.type != "tree"
    )
    pulls = "".join(
        f'<li><a href="{address}/pull/{pull.number}">#{pull.number} {escape(pull.title)}</a>'
        f"<span class=tag>{'merged' if pull.merged_at else pull.state}</span>"
        for pull in reversed(it.pulls)
    )
    secrets = "".join(f"<li><code>{escape(name)}</code>" for name in sorted(it.secrets))
    variables = "".join(
        f"<li><code>{escape(name)} = {escape(one.value)}</code>" for name, one in sorted(it.variables.items())
    )
    refs = "".join(f"<li><code>{_shown(ref)} {sha[:10]}</code>" for ref, sha in sorted(bare.refs().items()))
    last = f"<p>{escape(commit.message.partition(chr(10))[0])} ({commit.sha[:10]})" if commit else ""
    return (
        f"<p>{escape(it.description or '')}{_tags(it)}</p>{last}"
        f"<h2>Files on {escape(branch)}</h2><table>{files}</table>"
        f"<h2>Pull requests</h2><ul>{pulls}</ul><h2>Actions secrets</h2><ul>{secrets}</ul>"
        f"<h2>Actions variables</h2><ul>{variables}</ul><h2>Refs</h2><ul>{refs}</ul>"
    )


def _shown(path: str) -> str:
    return escape(path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
