"""GitHub's REST API through PyGithub: every call is one request, every failure one sentence or a wait.

PyGithub's own throttle and retries are off: they sleep, and a wait belongs into the state machine (RetryLater).
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import github as pygithub
import requests
from github.GithubException import GithubException, UnknownObjectException

from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import FinalError, NotPermitted, RateLimited, RetryLater
from custom_resources.telemetry import conceal

CONCURRENCY = 4  # far below GitHub's 100, and gentle to its secondary limits
TIMEOUT_SECONDS = 20
_SCOPES_NEEDED = ("repo", "workflow")


class TokenRejected(FinalError):
    """GitHub does not accept the token."""


class TokenTooNarrow(NotPermitted):
    """The token lacks a scope or a permission."""


class OrganizationNotFound(FinalError):
    """The organization does not exist, or the token does not see it."""


class RepositoryNotFound(FinalError):
    """The repository is gone."""


class RequestRefused(FinalError):
    """GitHub refuses the request for another reason, which the message carries."""


@dataclass(frozen=True)
class Repository:
    """A repository as GitHub describes it."""

    id: int
    full_name: str
    html_url: str
    clone_url: str
    default_branch: str
    description: str
    archived: bool
    private: bool
    visibility: str
    topics: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The organization or user."""
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        """The name without the owner."""
        return self.full_name.partition("/")[2]


@dataclass(frozen=True)
class PullRequest:
    """A pull request, as far as template delivery needs it."""

    number: int
    html_url: str
    state: str  # open | closed
    merged: bool
    head: str  # the head branch's commit
    branch: str
    landed: str = ""  # what merging it made of it in its base branch: a merge, squashed or rebased commit
    base: str = ""  # the branch that it goes into
    text: str = field(default="", repr=False)  # its description


@dataclass(eq=False)
class _Session:
    """The credentials as they were read, and the authentication made of them."""

    credentials: GitHubCredentials
    auth: pygithub.Auth.Auth = field(repr=False)
    handed: str = field(default="", repr=False)  # the last token that was used; "" = GitHub gave none yet
    renewed: bool = False  # made because GitHub rejected a token of the same App

    @property
    def token(self) -> str:
        """The token. An App's is asked for when there is none, or it is about to expire (PyGithub): a request."""
        self.handed = str(self.auth.token)
        return self.handed


class GitHub:
    """The requests that the custom resources make. Thread-safe; connections are kept alive."""

    def __init__(self, api_url: str, credentials: Callable[[], GitHubCredentials]) -> None:
        """`credentials` is called when a client is made, and again when GitHub rejects the token."""
        self._api_url = api_url.rstrip("/")
        self._credentials = credentials
        self._local = threading.local()
        self._session: _Session | None = None
        self._lock = threading.Lock()

    # -- connection -------------------------------------------------------------------------------------

    def _new_client(self, auth: pygithub.Auth.Auth) -> pygithub.Github:
        return pygithub.Github(
            auth=auth,
            base_url=self._api_url,
            timeout=TIMEOUT_SECONDS,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            user_agent="sagemaker-studio-project-template",
        )

    def _open(self, renewed: bool = False) -> _Session:
        """Read the credentials. Raises TokenRejected for an App's key that is none; makes no request to GitHub."""
        found = self._credentials()
        if found.token:
            return _Session(found, pygithub.Auth.Token(found.token))
        try:
            app = pygithub.Auth.AppAuth(found.app_id, found.private_key)
            app.create_jwt()
            auth = app.get_installation_auth(found.installation_id)
        except Exception:  # of PyGithub, PyJWT or cryptography; the text may show the key
            raise TokenRejected(
                "The GitHub App's app_id or private_key in the token secret cannot be used; "
                "put the App's id and its private key (PEM) there."
            ) from None
        self._new_client(auth)  # binds the API's address to the authentication
        return _Session(found, auth, renewed=renewed)

    def _authenticate(self) -> _Session:
        with self._lock:
            if self._session is None:
                self._session = self._open()
            self._local.session = self._session
            return self._session

    @property
    def token(self) -> str:
        """The token that Git sends. An App's token is renewed when it is about to expire."""
        with self._translated("authenticate"):
            token = self._authenticate().token
        conceal(token)  # an App's token is made here
        return token

    def renew(self, rejected: str) -> bool:
        """Read the credentials again after GitHub rejected a token of theirs; tell whether another one can be tried."""
        with self._lock:
            session = self._session
            if session is not None and session.handed != rejected:
                return True  # somebody was faster
        return session is None or self._reopen(session)

    def _reopen(self, used: _Session) -> bool:
        """Read the credentials again after GitHub rejected these; tell whether there is another token to try.

        There is when they differ, which means that they were rotated. An App whose key gave a token that GitHub does
        not accept any more gets a new one, once.
        """
        with self._lock:
            again = bool(used.credentials.app_id and used.handed) and not used.renewed
            if self._session is used:
                self._session = self._open(renewed=again)
            return again or (self._session is not None and self._session.credentials != used.credentials)

    def _request(self, verb: str, path: str, body: Any = None) -> tuple[Mapping[str, Any], Any]:
        session = self._authenticate()
        conceal(session.token)
        if getattr(self._local, "bound", None) is not session:  # one connection a thread, and for the current token
            self._local.client, self._local.bound = self._new_client(session.auth), session
        requester = self._local.client.requester
        status, headers, output = requester.requestJson(verb, path, input=body)
        if status in (307, 308) and headers.get("location"):  # a renamed repository; PyGithub follows for reads only
            status, headers, output = requester.requestJson(verb, headers["location"], input=body)
        if status >= 300:
            raise requester.createException(status, headers, _error_document(output))
        return headers, json.loads(output) if output else None

    @contextmanager
    def _translated(self, action: str) -> Iterator[None]:
        try:
            yield
        except GithubException as error:
            used = getattr(self._local, "session", None)
            if error.status != 401 or used is None:
                raise _failure(error, action) from None
            if self._reopen(used):
                raise RetryLater(0, "GitHub's token was rotated; the new one is tried.") from None
            raise TokenRejected(
                "GitHub rejects the token (bad credentials); put a valid token into the token secret."
            ) from None
        except (requests.RequestException, ValueError, AssertionError, RuntimeError) as error:
            raise RetryLater(5, f"GitHub could not be reached to {action} ({type(error).__name__}).") from None

    def _call(self, action: str, verb: str, path: str, body: Any = None) -> Any:
        with self._translated(action):
            return self._request(verb, path, body)[1]

    def _find(self, action: str, path: str) -> tuple[Mapping[str, Any], Any]:
        """GET that may find nothing; the headers come with both answers."""
        with self._translated(action):
            try:
                headers, data = self._request("GET", path)
                return headers, {} if data is None else data  # an empty answer is not a missing thing
            except GithubException as missing:
                if missing.status != 404:
                    raise
                return missing.headers or {}, None

    def look_up(self, action: str, path: str) -> tuple[Mapping[str, Any], Any]:
        """GET any path; return the answer's headers with the data, None for what is not there (for operations)."""
        return self._find(action, path)

    # -- repositories -----------------------------------------------------------------------------------

    def find_repository(self, full_name: str) -> Repository | None:
        """Return the repository of that name (a renamed one is followed), or None.

        Raises TokenTooNarrow when a classic token lacks a scope that a launch needs, before anything is written.
        """
        headers, data = self._find(f"look up {full_name}", f"/repos/{full_name}")
        self._require_scopes(headers)
        return None if data is None else _repository(data)

    def _require_scopes(self, headers: Mapping[str, Any]) -> None:
        """Refuse a classic token that lacks a scope; other tokens do not tell what they may do, or name none."""
        told, session = headers.get("x-oauth-scopes"), self._session
        token = session.credentials.token if session else ""
        if told is None or not token or token.startswith("github_pat_"):
            return
        scopes = {scope.strip() for scope in str(told).split(",")}
        missing = [scope for scope in _SCOPES_NEEDED if scope not in scopes]
        if missing:
            raise TokenTooNarrow(
                f"The GitHub token lacks the scope {' and '.join(map(repr, missing))}; "
                "give it repo and workflow, and put it into the token secret."
            )

    def repository_by_id(self, repository_id: int, full_name: str) -> Repository | None:
        """Return the repository with that id, wherever it was renamed or transferred to, or None.

        The name is tried first: looking up by id works, but is not in GitHub's published API.
        """
        found = self.find_repository(full_name)
        if found and found.id == repository_id:
            return found
        _, data = self._find(f"look up repository {repository_id}", f"/repositories/{repository_id}")
        return None if data is None else _repository(data)

    def create_repository(self, organization: str, name: str, description: str, visibility: str) -> Repository | None:
        """Create an empty repository; None when the name is taken (POST /orgs/{org}/repos)."""
        body = {
            "name": name,
            "description": description,
            "visibility": visibility,
            "private": visibility != "public",
        }
        body |= {"auto_init": False, "has_wiki": False, "has_projects": False, "delete_branch_on_merge": True}
        with self._translated(f"create {organization}/{name}"):
            try:
                return _repository(self._request("POST", f"/orgs/{organization}/repos", body)[1])
            except UnknownObjectException:
                raise OrganizationNotFound(
                    f"GitHub has no organization {organization!r} in which the token may create repositories; "
                    "correct the organization or give the token access to it."
                ) from None
            except GithubException as error:
                if error.status == 422 and "already exists" in str(error.data):
                    return None
                raise

    def update_repository(self, full_name: str, **changes: Any) -> Repository:
        """Change a repository's settings, e.g. `archived=True` (PATCH /repos/{owner}/{repo})."""
        return _repository(self._call(f"change {full_name}", "PATCH", f"/repos/{full_name}", changes))

    def replace_topics(self, full_name: str, topics: Iterable[str]) -> None:
        """Set the topics (PUT /repos/{owner}/{repo}/topics)."""
        self._call(f"set the topics of {full_name}", "PUT", f"/repos/{full_name}/topics", {"names": list(topics)})

    def contains(self, full_name: str, commit: str, tip: str) -> bool:
        """Tell whether a commit is in a branch's history, however long that is."""
        return self._common(full_name, commit, tip) == commit

    def _common(self, full_name: str, base: str, head: str) -> str:
        """Return the best common ancestor (GET /repos/{owner}/{repo}/compare/{basehead}); "" for 404: gone, unrelated.

        Not the answer's `status`: it counts commits, which goes wrong where clocks did.
        """
        path = f"/repos/{full_name}/compare/{base}...{head}?per_page=1&page=2"  # only the first page lists files
        _, data = self._find(f"compare commits of {full_name}", path)
        if data is None:
            return ""
        with _whole("a comparison"):
            return str(data["merge_base_commit"]["sha"])

    # -- Actions secrets and variables --------------------------------------------------------------------

    def put_secrets(self, full_name: str, secrets: Mapping[str, str]) -> None:
        """Seal and set the secrets: one request for the public key, then one each, a few at a time."""
        if not secrets:
            return
        from nacl.public import PublicKey, SealedBox

        path = f"/repos/{full_name}/actions/secrets"
        key = self._call(f"read the public key of {full_name}", "GET", f"{path}/public-key")
        with _whole("a public key"):
            box, key_id = SealedBox(PublicKey(base64.b64decode(key["key"]))), str(key["key_id"])

        def put(name: str) -> None:
            sealed = base64.b64encode(box.encrypt(secrets[name].encode())).decode()
            body = {"encrypted_value": sealed, "key_id": key_id}
            self._call(f"set the secret {name} of {full_name}", "PUT", f"{path}/{name}", body)

        _each(put, sorted(secrets))

    def delete_secrets(self, full_name: str, names: Iterable[str]) -> None:
        """Remove secrets; one that is gone already is fine."""
        _each(
            lambda name: self._delete(f"/repos/{full_name}/actions/secrets/{name}", f"secret {name}"),
            sorted(names),
        )

    def put_variables(self, full_name: str, variables: Mapping[str, str]) -> None:
        """Create the variables, or change those that exist."""
        path = f"/repos/{full_name}/actions/variables"

        def put(name: str) -> None:
            body = {"name": name, "value": variables[name]}
            with self._translated(f"set the variable {name} of {full_name}"):
                try:
                    self._request("POST", path, body)
                except GithubException as error:
                    if error.status != 409:
                        raise
                    self._request("PATCH", f"{path}/{name}", body)

        _each(put, sorted(variables))

    def variable(self, full_name: str, name: str) -> str | None:
        """Return a variable's value, or None (GET /repos/{owner}/{repo}/actions/variables/{name})."""
        path = f"/repos/{full_name}/actions/variables/{name}"
        _, data = self._find(f"read the variable {name} of {full_name}", path)
        if data is None:
            return None
        with _whole("a variable"):
            return str(data["value"] or "")

    def delete_variables(self, full_name: str, names: Iterable[str]) -> None:
        """Remove variables; one that is gone already is fine."""
        _each(
            lambda name: self._delete(f"/repos/{full_name}/actions/variables/{name}", f"variable {name}"),
            sorted(names),
        )

    def _delete(self, path: str, what: str) -> None:
        with self._translated(f"remove the {what}"):
            try:
                self._request("DELETE", path)
            except UnknownObjectException:
                return

    # -- pull requests --------------------------------------------------------------------------------------

    def find_pull_request(self, full_name: str, branch: str, base: str, mark: str = "") -> PullRequest | None:
        """Return the newest pull request from a branch of the repository itself into `base`, open or not.

        Else the newest open one whose text carries the mark: the default branch was another when it was opened.
        """
        owner = full_name.partition("/")[0]
        query = f"head={owner}:{branch}&state=all&sort=created&direction=desc&per_page=30"
        listed = self._call(f"look up pull requests of {full_name}", "GET", f"/repos/{full_name}/pulls?{query}")
        found = [_pull_request(data) for data in listed]
        marked = (pull for pull in found if mark and pull.state == "open" and mark in pull.text)
        return next((pull for pull in found if pull.base == base), None) or next(marked, None)

    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open a pull request; the open one, if there is one already."""
        fields = {"title": title, "head": branch, "base": base, "body": body, "maintainer_can_modify": True}
        with self._translated(f"open a pull request in {full_name}"):
            try:
                return _pull_request(self._request("POST", f"/repos/{full_name}/pulls", fields)[1])
            except GithubException as error:
                if error.status != 422:
                    raise
                existing = self.find_pull_request(full_name, branch, base)
                if existing is None or existing.state != "open":
                    raise
                return self.update_pull_request(full_name, existing.number, title=title, body=body)

    def update_pull_request(self, full_name: str, number: int, **changes: str) -> PullRequest:
        """Change a pull request's title, body, base or state."""
        path = f"/repos/{full_name}/pulls/{number}"
        return _pull_request(self._call(f"change pull request {number} of {full_name}", "PATCH", path, changes))

    def comment(self, full_name: str, number: int, text: str) -> None:
        """Comment on a pull request."""
        path = f"/repos/{full_name}/issues/{number}/comments"
        self._call(f"comment on pull request {number} of {full_name}", "POST", path, {"body": text})

    # -- workflows ------------------------------------------------------------------------------------------

    def dispatch_workflow(self, full_name: str, workflow: str, ref: str, inputs: Mapping[str, str]) -> None:
        """Start a workflow that has a workflow_dispatch trigger."""
        path = f"/repos/{full_name}/actions/workflows/{workflow}/dispatches"
        self._call(f"start {workflow} in {full_name}", "POST", path, {"ref": ref, "inputs": dict(inputs)})


def _each(act: Callable[[str], None], names: list[str]) -> None:
    if len(names) < 2:
        for name in names:
            act(name)
        return
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        futures = [pool.submit(act, name) for name in names]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # no further request after the first refusal
            raise


@contextmanager
def _whole(what: str) -> Iterator[None]:
    """Turn the reading of an answer that lacks what GitHub promises into a wait: it was cut, or not GitHub's."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise RetryLater(5, f"GitHub's answer about {what} is not complete.") from None


def _repository(data: Any) -> Repository:
    """Read a repository; description, visibility and topics may be null or absent."""
    with _whole("a repository"):
        return Repository(
            id=int(data["id"]),
            full_name=str(data["full_name"]),
            html_url=str(data["html_url"]),
            clone_url=data.get("clone_url") or f"{data['html_url']}.git",
            default_branch=data.get("default_branch") or "main",
            description=data.get("description") or "",
            archived=bool(data.get("archived")),
            private=bool(data.get("private")),
            visibility=data.get("visibility") or ("private" if data.get("private") else "public"),
            topics=tuple(data.get("topics") or ()),
        )


def _pull_request(data: Any) -> PullRequest:
    """Read a pull request; merged_at and merge_commit_sha may be null."""
    with _whole("a pull request"):
        merged = bool(data.get("merged_at"))
        return PullRequest(
            number=int(data["number"]),
            html_url=str(data["html_url"]),
            state=str(data["state"]),
            merged=merged,
            head=str(data["head"]["sha"]),
            branch=str(data["head"]["ref"]),
            landed=(data.get("merge_commit_sha") or "") if merged else "",
            base=str(data["base"]["ref"]),
            text=data.get("body") or "",
        )


def _error_document(output: str) -> dict[str, Any]:
    """Return what GitHub says of an error; {} for a proxy's page, or none at all."""
    try:
        data = json.loads(output) if output else {}
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _seconds_to_wait(headers: Mapping[str, Any]) -> float | None:
    """Return how long GitHub asks to wait, or None when the answer is no rate limit (GitHub: rate limits)."""
    after = headers.get("retry-after")
    if after is not None:
        return max(1.0, _seconds(str(after)))
    if str(headers.get("x-ratelimit-remaining", "")) == "0" and headers.get("x-ratelimit-reset"):
        try:
            return max(1.0, float(headers["x-ratelimit-reset"]) - time.time())
        except ValueError:
            return 60.0
    return None


def _seconds(after: str) -> float:
    """Read Retry-After: seconds, or a date (RFC 9110); a minute for what is neither."""
    with suppress(ValueError):
        return float(after)
    try:
        return parsedate_to_datetime(after).timestamp() - time.time()
    except (ValueError, TypeError):
        return 60.0


def _detail(item: Any) -> str:
    """Return one entry of an error's `errors`: a text, or an object whose fields may be null."""
    if not isinstance(item, dict):
        return str(item or "")
    return str(item.get("message") or ": ".join(str(item[key]) for key in ("field", "code") if item.get(key)))


def _failure(error: GithubException, action: str) -> Exception:
    headers = error.headers or {}
    data = error.data if isinstance(error.data, dict) else {}
    message = str(data.get("message") or error.message or f"status {error.status}").strip()
    errors = data.get("errors") or []
    details = "; ".join(filter(None, map(_detail, errors if isinstance(errors, list) else [errors])))
    said = f"{message}{f' ({details})' if details else ''}"
    if error.status in (403, 429):
        wait = _seconds_to_wait(headers)
        if wait is None and (error.status == 429 or "secondary rate limit" in message.lower()):
            wait = 60.0  # GitHub: without retry-after, wait at least a minute
        if wait is not None:
            return RateLimited(wait, f"GitHub's rate limit: {message}")
    if error.status >= 500 or error.status == 408:
        return RetryLater(5, f"GitHub answered {error.status} when asked to {action}.")
    if error.status == 403:
        reason = said.rstrip(".")
        return TokenTooNarrow(f"GitHub does not let the token {action}: {reason}. Give the token that permission.")
    if error.status == 404:
        return RepositoryNotFound(
            f"GitHub does not know what is needed to {action}, or the token does not see it; check both."
        )
    return RequestRefused(f"GitHub refused to {action}: {said}.")
