"""Pages, so that a link to a repository leads somewhere. Read only; the addresses are GitHub's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from markupsafe import Markup

from standins import markup
from standins.github.bare import Bare, CommitInfo
from standins.github.messages import Response
from standins.github.model import Repository
from standins.github.pull_page import pull_request
from standins.github.store import Store
from standins.github.urls import quoted
from standins.markdown import rendered
from standins.markup import joined, link, listed, paragraph, section, shown, table, tag, text_block

_LARGEST = 512 * 1024  # bytes of a file or patch that is shown
_MOST_COMMITS = 100
_MARKDOWN = (".md", ".markdown")
_NAME = re.compile(r"[0-9a-f]{40}")


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
    answer = _of_repository(found, store, parts[2:]) if found else None
    return answer or _page("Not found", paragraph("There is nothing here."), status=404)


def _of_repository(it: Repository, store: Store, rest: list[str]) -> Response | None:
    """Answer what is below a repository's address; None where nothing is there."""
    bare = store.bare(it)
    if not rest:
        return _page(it.full_name, _files(it, bare, it.default_branch), it)
    act = _PAGES.get(rest[0])
    if act:
        return act(it, bare, rest[1:])
    if rest[0] == "pull" and len(rest) == 2 and rest[1].isdecimal() and (pull := it.pull(int(rest[1]))):
        return _page(f"{pull.title} #{pull.number}", pull_request(store, it, pull, _LARGEST), it)
    return None


def _page(title: str, body: Markup, it: Repository | None = None, status: int = 200) -> Response:
    home = f"/{quoted(it.full_name)}" if it else ""
    below = (
        ("", "Files"),
        ("/commits", "Commits"),
        ("/branches", "Branches"),
        ("/pulls", "Pull requests"),
        ("/settings/secrets/actions", "Actions secrets"),
        ("/settings/variables/actions", "Actions variables"),
    )
    own = [(f"{home}{place}", text) for place, text in below] if it else []
    return Response(status, markup.page(title, body, [("/", "All repositories"), *own]), dict(markup.SAFE))


def _repositories(repositories: list[Repository]) -> Markup:
    rows = (
        (joined([link(f"/{quoted(it.full_name)}", it.full_name), _tags(it)]), it.description or "", it.pushed_at)
        for it in repositories
    )
    return table("Repositories", ("Repository", "About", "Pushed"), rows, "There is no repository yet.")


def _tags(it: Repository) -> Markup:
    return joined(tag(name) for name in (it.visibility, *(["archived"] if it.archived else []), *it.topics))


# -- files -----------------------------------------------------------------------------------------------------------


def _files(it: Repository, bare: Bare, branch: str) -> Markup:
    commit, address = bare.commit(branch), f"/{quoted(it.full_name)}"
    about = paragraph(it.description or "", _tags(it))
    if commit is None:
        return about + paragraph("The repository is empty.")
    entries = [entry for entry in bare.entries(commit.tree, recursive=True) if entry.type != "tree"]
    rows = (
        (
            link(f"{address}/blob/{quoted(branch)}/{quoted(entry.path)}", entry.path),
            "executable" if entry.mode == "100755" else "",
            str(entry.size),
        )
        for entry in entries
    )
    readme = next((entry for entry in entries if entry.path.lower() == "readme.md"), None)
    text = bare.blob(readme.sha)[:_LARGEST].decode("utf-8", "replace") if readme else ""
    last = paragraph(_subject(commit), " (", link(f"{address}/commit/{commit.sha}", commit.sha[:10]), ")")
    files = table(f"Files on {shown(branch)}", ("Path", "Mode", "Bytes"), rows, "There is no file.")
    return joined([about, last, files, *([section("README", rendered(text))] if text else [])])


def _blob(it: Repository, bare: Bare, parts: list[str], *, raw: bool = False) -> Response | None:
    branch, path = _branch(bare, parts)
    if branch and not path:
        return _page(it.full_name, _files(it, bare, branch), it)
    entries = bare.entries(branch, path) if branch else []
    if not entries or entries[0].type != "blob":
        return None
    data = bare.blob(entries[0].sha)[:_LARGEST]
    if raw:
        return Response(200, data, {**markup.SAFE, "content-type": "text/plain; charset=utf-8"})
    text = data.decode("utf-8", "replace")
    body = section("Content", rendered(text) if path.lower().endswith(_MARKDOWN) else text_block(text, "Content"))
    plain = paragraph(link(f"/{quoted(it.full_name)}/raw/{quoted(branch)}/{quoted(path)}", "As plain text"))
    return _page(path, joined([plain, body]), it)


def _raw(it: Repository, bare: Bare, parts: list[str]) -> Response | None:
    return _blob(it, bare, parts, raw=True)


def _branch(bare: Bare, parts: list[str]) -> tuple[str, str]:
    """Split `branch/with/slashes/path/of/file`: the longest name that is a branch or commit wins."""
    for length in range(len(parts), 0, -1):
        name = "/".join(parts[:length])
        if bare.branch(name) or _NAME.fullmatch(name):
            return name, "/".join(parts[length:])
    return "", ""


# -- history ---------------------------------------------------------------------------------------------------------


def _subject(commit: CommitInfo) -> str:
    return commit.message.partition("\n")[0]


def _commits(it: Repository, bare: Bare, parts: list[str]) -> Response | None:
    branch, path = _branch(bare, parts) if parts else (it.default_branch, "")
    if path or not branch:
        return None
    found = bare.log(branch, limit=_MOST_COMMITS) if bare.resolve(branch) else []
    rows = (
        (
            link(f"/{quoted(it.full_name)}/commit/{commit.sha}", commit.sha[:10]),
            _subject(commit),
            commit.author.name,
            commit.committer.date,
        )
        for commit in found
    )
    heads = ("Commit", "Message", "Author", "Date")
    return _page(f"Commits on {branch}", table("Newest first", heads, rows, "There is no commit yet."), it)


def _commit(it: Repository, bare: Bare, parts: list[str]) -> Response | None:
    if len(parts) != 1 or not _NAME.fullmatch(parts[0]) or not (commit := bare.commit(parts[0])):
        return None
    change = bare.run("show", "--format=", "--first-parent", commit.sha)[1][:_LARGEST].decode("utf-8", "replace")
    parents = (link(f"/{quoted(it.full_name)}/commit/{parent}", parent[:10]) for parent in commit.parents)
    body = [
        text_block(commit.message, "Message"),
        paragraph(f"{commit.author.name} <{commit.author.email}>, {commit.author.date}"),
        section("Parents", listed(parents, "It has none.")),
        section("Changes", text_block(change, "Changes") if change else paragraph("It changes no file.")),
    ]
    return _page(f"Commit {commit.sha[:10]}", joined(body), it)


def _branches(it: Repository, bare: Bare, parts: list[str]) -> Response | None:
    if parts:
        return None
    address = f"/{quoted(it.full_name)}"
    names = [ref.removeprefix("refs/heads/") for ref in sorted(bare.refs("refs/heads"))]
    rows = (
        (
            joined(
                [
                    link(f"{address}/tree/{quoted(name)}", name),
                    tag("default") if name == it.default_branch else Markup(""),
                ]
            ),
            link(f"{address}/commits/{quoted(name)}", "commits"),
            _subject(commit) if (commit := bare.commit(f"refs/heads/{name}")) else "",
        )
        for name in names
    )
    others = ((ref, sha[:10]) for ref, sha in sorted(bare.refs().items()) if not ref.startswith("refs/heads/"))
    body = [
        table("Branches", ("Branch", "History", "Last commit"), rows, "There is no branch yet."),
        section("Other refs", table("What a clone does not bring", ("Ref", "Object"), others, "There is none.")),
    ]
    return _page("Branches", joined(body), it)


# -- pull requests and Actions ---------------------------------------------------------------------------------------


def _pulls(it: Repository, _: Bare, parts: list[str]) -> Response | None:
    if parts:
        return None
    rows = (
        (
            link(f"/{quoted(it.full_name)}/pull/{pull.number}", f"#{pull.number} {pull.title}"),
            "merged" if pull.merged_at else pull.state,
            f"{shown(pull.head)} into {shown(pull.base)}",
        )
        for pull in reversed(it.pulls)
    )
    return _page("Pull requests", table("Newest first", ("Title", "State", "Branches"), rows, "There is none."), it)


def _settings(it: Repository, _: Bare, parts: list[str]) -> Response | None:
    if parts == ["secrets", "actions"]:
        secrets = ((name, one.updated_at) for name, one in sorted(it.secrets.items()))
        body = table("Names; nobody can read the values", ("Name", "Updated"), secrets, "There is no secret.")
        return _page("Actions secrets", body, it)
    if parts == ["variables", "actions"]:
        variables = ((name, one.value) for name, one in sorted(it.variables.items()))
        return _page("Actions variables", table("Variables", ("Name", "Value"), variables, "There is none."), it)
    return None


_PAGES: dict[str, Callable[[Repository, Bare, list[str]], Response | None]] = {
    "tree": _blob,
    "blob": _blob,
    "raw": _raw,
    "commits": _commits,
    "commit": _commit,
    "branches": _branches,
    "pulls": _pulls,
    "settings": _settings,
}
