"""Git over HTTP: who may fetch and push, in GitHub's words; the work is git http-backend's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO, cast

from standins.github import pushes
from standins.github.access import at_least, credential, may_see, role_of
from standins.github.bare import NOTHING, environment
from standins.github.messages import Request, Response
from standins.github.model import Repository, Token
from standins.github.rules import rules_for
from standins.github.store import Store
from standins.github.urls import Urls

_PATH = re.compile(r"/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/(?P<rest>info/refs|git-upload-pack|git-receive-pack)")
_CHALLENGE = {"www-authenticate": 'Basic realm="GitHub"'}
_IN_MEMORY = 4 * 1024 * 1024


@cache
def backend() -> list[str]:
    """Return the command of git http-backend: the program itself, as `git` would be one process more each time."""
    programs = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    found = shutil.which("git-http-backend", path=programs)
    return [found] if found else ["git", "http-backend"]


def is_git(path: str) -> bool:
    """Tell whether a path is of Git's protocol."""
    return _PATH.fullmatch(path) is not None


def serve(store: Store, urls: Urls, request: Request) -> Response:
    """Answer one request of a Git client."""
    try:
        visit = _admit(store, urls, request)
        if visit.service == "git-receive-pack":
            return _push(store, urls, request, visit)
        return _backend(store, request, visit)
    except Refused as refused:
        return refused.response


class Refused(Exception):
    """The request goes no further; `response` says why."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(frozen=True)
class _Visit:
    """A Git client's request that was let in. `rest` is the path after the repository's, `place` its folder."""

    repository: Repository
    token: Token | None
    service: str
    rest: str
    place: str


def _admit(store: Store, urls: Urls, request: Request) -> _Visit:
    """Check credentials, visibility and rights. Raises Refused."""
    match = _PATH.fullmatch(request.path)
    if match is None:
        raise Refused(Response.text(404, "Not Found"))
    owner, name, rest = match["owner"], match["name"], match["rest"]
    service = request.query.get("service", "") if rest == "info/refs" else rest
    if service not in ("git-upload-pack", "git-receive-pack"):
        raise Refused(Response.text(403, "Please upgrade your git client."))
    value = credential(request.headers)
    token = store.token(value) if value else None
    if value and token is None:
        raise Refused(unauthorized())
    if token and token.suspended:
        raise Refused(Response.text(403, "This installation has been suspended"))
    lag = store.lag.lags.git
    repository = store.shown(owner, name, lag)
    moved = None if repository else store.led_to(owner, name, lag)
    if moved and (may_see(token, moved) or store.redirects_unseen):
        location = f"{urls.clone(moved)}/{rest}" + (f"?{request.raw_query}" if request.raw_query else "")
        raise Refused(Response(301, headers={"location": location}))
    if repository is None or not may_see(token, repository) or not _may_read(token, repository):
        raise Refused(Response.text(404, "Repository not found.") if token else unauthorized())
    if service == "git-receive-pack":
        _refuse_push(token, repository)
    if rest == "git-receive-pack":  # a push finds the newest state
        return _Visit(store.by_id(repository.id) or repository, token, service, rest, f"{repository.id}.git")
    return _Visit(repository, token, service, rest, store.replica(repository, lag).path.name)


def unauthorized() -> Response:
    """Return the answer to missing or wrong credentials."""
    text = "Invalid username or token. Password authentication is not supported for Git operations."
    return Response.text(401, text, _CHALLENGE)


def _may_read(token: Token | None, repository: Repository) -> bool:
    if token is None or token.kind == "classic" or repository.visibility == "public":
        return True
    return bool(token.permissions.get("contents"))


def _refuse_push(token: Token | None, repository: Repository) -> None:
    """Raise Refused unless the token may push."""
    if token is None:
        raise Refused(unauthorized())
    if token.kind == "classic":
        scopes = {"repo"} if repository.visibility != "public" else {"repo", "public_repo"}
        allowed = bool(scopes & set(token.scopes))
    else:
        allowed = token.permissions.get("contents") == "write"
        if not allowed:
            raise Refused(Response.text(403, "Write access to repository not granted."))
    if not allowed or not at_least(role_of(token, repository), "write"):
        raise Refused(Response.text(403, f"Permission to {repository.full_name}.git denied to {token.login}."))
    if repository.archived:
        raise Refused(Response.text(403, "This repository was archived so it is read-only."))


def _push(store: Store, urls: Urls, request: Request, visit: _Visit) -> Response:
    token, repository = visit.token, visit.repository
    if token is None:
        return unauthorized()
    policy = {
        "rules": rules_for(repository, role_of(token, repository)),
        "rules_url": f"{urls.html(repository)}/rules",
        "workflows": token.may_write_workflows(),
        "noun": token.noun,
        "page": urls.html(repository),
        "push_protection": repository.push_protection,
        "allowed_secrets": repository.allowed_secrets,
    }
    judged = bool(
        policy["rules"] or policy["push_protection"] or not policy["workflows"]
    )  # else the hook would have nothing to say
    variables = {"STANDIN_POLICY": json.dumps(policy), "STANDIN_PYTHON": sys.executable}
    configuration = {"receive.procReceiveRefs": "refs"} if judged else {}
    if visit.rest == "info/refs":
        return _backend(store, request, visit, variables)
    with store.changing(repository):
        if store.by_id(repository.id) is None:
            raise Refused(Response.text(404, "Repository not found."))
        _refuse_push(token, repository)  # again: it may have been archived meanwhile
        bare = store.bare(repository)
        before = bare.refs()
        response = _backend(store, request, visit, variables, configuration)
        pushes.record(repository, bare, before, token.login)
    return response


def _backend(
    store: Store,
    request: Request,
    visit: _Visit,
    variables: Mapping[str, str] = NOTHING,
    configuration: Mapping[str, str] = NOTHING,
) -> Response:
    """Run git http-backend (a CGI program) and return its answer, kept in a temporary file."""
    cgi = {
        "GIT_PROJECT_ROOT": str(store.places),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_HTTP_MAX_REQUEST_BUFFER": "1G",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_METHOD": request.method,
        "PATH_INFO": f"/{visit.place}/{visit.rest}",
        "QUERY_STRING": request.raw_query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "REMOTE_ADDR": "127.0.0.1",
        **variables,
    }
    request.body.seek(0)
    with cast("BinaryIO", tempfile.TemporaryFile()) as given:
        while block := request.body.read(1 << 20):
            given.write(block)
        cgi["CONTENT_LENGTH"] = str(given.tell())
        given.seek(0)
        process = subprocess.Popen(
            backend(),
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(cgi, configuration),
        )
        with process:
            return _answer(cast("BinaryIO", process.stdout))


def _answer(out: BinaryIO) -> Response:
    headers: dict[str, str] = {}
    while line := out.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    status = int(headers.pop("status", "200").split()[0])
    body = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115
    length = 0
    while block := out.read(1 << 16):
        length += body.write(block)
    body.seek(0)
    return Response(status, headers=headers, file=body, length=length)
