"""The connection to GitHub's API: credentials, tokens that change, and one request at a time through PyGithub.

PyGithub's own throttle and retries are off: they repeat also what may not come twice, and wait as long as GitHub says.
A wait of more than some seconds belongs into the state machine (RetryLater).
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import github as pygithub
import requests
from github.GithubException import GithubException

from custom_resources.clients.denials import page_text
from custom_resources.clients.github_answers import promised, whole
from custom_resources.clients.github_errors import WAIT_SECONDS, failing, refusal, said
from custom_resources.clients.github_tokens import LOOK_UP, Permissions, Reach, reach_of
from custom_resources.clients.repeating import repeated
from custom_resources.clients.replicas import Replicas
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.clients.timely import Timely
from custom_resources.errors import (
    AppKeyUnusable,
    AppLacksPermission,
    AppNotInstalled,
    GitHubUnreachable,
    RepositoryUnreachable,
    TokenNotSpread,
    TokenRejected,
    TokenRotated,
)
from custom_resources.telemetry import conceal

TIMEOUT_SECONDS = 20  # a server that sends nothing for that long is given up
# GitHub's replicas may answer 401 to a token, or 403 while they do not know its permissions, for some seconds after it
# was made (octokit/auth-app.js issues 65 and 589).
FRESH_SECONDS = 10.0
LEAST_SECONDS = 900.0  # that a token must last: longer than any function runs
_NOT_YET = "not accessible by integration"
# What POST adds once only: a second request is answered that it is there, which is then found (repositories and pull
# requests, by their mark and branch), changed (variables) or left (the branch of an environment).
_ADDED_ONCE = re.compile(
    r"/orgs/[^/]+/repos|/user/repos|/repos/[^/]+/[^/]+/(?:pulls|actions/variables|"
    r"environments/[^/]+/deployment-branch-policies)"
)
_NO_ANSWER = (requests.RequestException, ValueError, AssertionError, RuntimeError)
T = TypeVar("T")


@dataclass(frozen=True)
class _Issued:
    """A token that GitHub made for an App."""

    token: str = field(repr=False)
    made: float  # time.monotonic
    expires: float  # Unix time

    @property
    def fresh(self) -> bool:
        """Tell whether GitHub's replicas may not know it yet."""
        return time.monotonic() - self.made < FRESH_SECONDS


@dataclass(eq=False)
class _Session:
    """The credentials as they were read, and the App's tokens that were made with them."""

    credentials: GitHubCredentials
    renewed: bool = False  # made because GitHub rejected a token of the same App
    issued: dict[Reach, _Issued] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """One thread at a time has tokens made."""
        self.making = threading.Lock()

    def find(self, token: str) -> _Issued | None:
        """Return what is known of a token of the App, None for one that is not in use any more."""
        return next((each for each in self.issued.values() if each.token == token), None)


class _Header(pygithub.Auth.Auth):
    """The Authorization header of one thread's connection: its tokens change, the connection stays."""

    def __init__(self) -> None:
        self.kind, self.value = "token", ""

    @property
    def token_type(self) -> str:
        return self.kind

    @property
    def token(self) -> str:
        return self.value


class Connection:
    """Requests with the current token. Thread-safe; a connection is kept alive, also when its thread has ended."""

    def __init__(
        self,
        api_url: str,
        credentials: Callable[[], GitHubCredentials],
        permissions: Permissions | None = None,
        limit: RequestLimit | None = None,
        replicas: Replicas | None = None,
    ) -> None:
        """`credentials` is called before the first request, and again when GitHub rejects the token.

        `permissions` are those that a GitHub App's tokens get in the repository that they are for; None = all.
        """
        self._limit = limit or RequestLimit()
        self.replicas = replicas or Replicas()
        self._api_url = api_url.rstrip("/")
        self._credentials = credentials
        self._permissions = permissions
        self._local = threading.local()
        self._session: _Session | None = None
        self._idle: list[tuple[_Header, pygithub.Github]] = []  # each with its own connection
        self._lock = threading.Lock()

    def _open(self, renewed: bool = False) -> _Session:
        """Read the credentials. Raises AppKeyUnusable for an App's key that is none; makes no request to GitHub."""
        found = self._credentials()
        if not found.token:
            _signed(found)
        return _Session(found, renewed)

    def _authenticate(self) -> _Session:
        with self._lock:
            if self._session is None:
                self._session = self._open()
            self._local.session, self._local.issued = self._session, None
            return self._session

    def token_for(self, full_name: str) -> str:
        """Return the token that Git sends to a repository. Raises RepositoryUnreachable where an App sees none."""
        with self.translated("authenticating"):
            token = self.repeated(lambda: self._token(self._authenticate(), Reach(full_name, self._permissions)))
        conceal(token)
        return token

    def _token(self, session: _Session, reach: Reach) -> str:
        """Return a token that reaches so far. An App's is asked for when there is none, or it expires soon."""
        if session.credentials.token:
            return session.credentials.token
        with session.making:
            self._local.issued = issued = self._current(session, reach)
        return issued.token

    def _current(self, session: _Session, reach: Reach) -> _Issued:
        """Return the App's token that reaches so far; a new one when there is none, or it expires soon."""
        issued = session.issued.get(reach)
        if issued is None or issued.expires - time.time() < LEAST_SECONDS:
            issued = session.issued[reach] = self._issue(session, reach)
        return issued

    def _issue(self, session: _Session, reach: Reach) -> _Issued:
        """Have GitHub make a token. Raises AppNotInstalled, AppLacksPermission, RepositoryUnreachable, and RetryLater.

        GitHub refuses a name that its replicas do not know yet, as it does one that is wrong: a look tells them apart.
        """
        app = session.credentials
        path = f"/app/installations/{app.installation_id}/access_tokens"
        with self._client("Bearer", _signed(app)) as requester:
            status, headers, output = requester.requestJson("POST", path, input=reach.body())
        data = _error_document(output)
        if status == 404:
            raise AppNotInstalled(app=app.app_id, installation=app.installation_id)
        if status == 422 and "repositor" in str(data.get("message", "")).lower():
            if self._is_called(session, reach.repository):
                raise TokenNotSpread(WAIT_SECONDS)
            raise RepositoryUnreachable(activity=f"getting a token for {reach.repository}")
        error = requester.createException(status, headers, data)
        if status == 422:
            asked = ", ".join(f"{name}: {level}" for name, level in reach.permissions or ())
            raise AppLacksPermission(permissions=asked or "those of the installation", message=said(error))
        if status >= 300:
            raise error
        with whole("getting a token"):
            expires = datetime.fromisoformat(data["expires_at"]).timestamp()
            return _Issued(promised(data, "token"), time.monotonic(), expires)

    def _is_called(self, session: _Session, full_name: str) -> bool:
        """Tell whether a repository has exactly that name (a renamed one has another). Raises GithubException."""
        self._local.issued = known = self._current(session, LOOK_UP)  # what a 401 rejects
        with self._client("token", known.token) as requester:
            status, headers, output = requester.requestJson("GET", f"/repos/{full_name}")
        if status >= 400 and status != 404:
            raise requester.createException(status, headers, _error_document(output))
        return status == 200 and str(_error_document(output).get("full_name", "")).casefold() == full_name.casefold()

    @property
    def is_app(self) -> bool:
        """Tell whether the credentials are a GitHub App's."""
        return not self._authenticate().credentials.token

    def redirect(self, full_name: str) -> int:
        """Return the id of the repository to which a former name leads, 0 where it leads nowhere, -1 for no id.

        The token need not see that one. PyGithub would follow.
        """
        self._limit.take()
        with self.translated(f"looking up {full_name}"):
            token = self._token(self._authenticate(), LOOK_UP)
            conceal(token)
            answer = requests.get(
                f"{self._api_url}/repos/{full_name}",
                headers={"Authorization": f"token {token}"},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
            if answer.status_code >= 400 and answer.status_code != 404:
                raise GithubException(answer.status_code, _error_document(answer.text), dict(answer.headers))
        number = answer.headers.get("location", "").rstrip("/").rpartition("/")[2]
        return 0 if not answer.is_redirect else int(number) if number.isdecimal() else -1

    def installation(self) -> Mapping[str, Any]:
        """Return the App's installation (GET /app/installations/{installation_id}). Raises AppNotInstalled."""
        app, activity = self._authenticate().credentials, "reading the App's installation"

        def read() -> dict[str, Any]:
            with self._client("Bearer", _signed(app)) as requester:
                status, headers, output = requester.requestJson("GET", f"/app/installations/{app.installation_id}")
            if status == 404:
                raise AppNotInstalled(app=app.app_id, installation=app.installation_id)
            if status >= 300:
                raise requester.createException(status, headers, _error_document(output))
            return _error_document(output)

        with self.translated(activity):
            return self.repeated(read)

    def renew(self, rejected: str) -> bool:
        """Read the credentials again after GitHub rejected a token of theirs; tell whether another one can be tried.

        Raises TokenNotSpread for a token that was made just now.
        """
        with self._lock:
            session = self._session
        if session is None:
            return True
        issued = session.find(rejected)
        if issued is None and rejected != session.credentials.token:
            return True  # somebody was faster
        return self._reopen(session, issued)

    def _reopen(self, used: _Session, issued: _Issued | None) -> bool:
        """Read the credentials again after GitHub rejected these; tell whether there is another token to try.

        There is when they differ, which means that they were rotated. An App whose key gave a token that GitHub does
        not accept any more gets a new one, once. Raises TokenNotSpread for a token that was made just now.
        """
        if issued and issued.fresh:
            raise TokenNotSpread(WAIT_SECONDS)
        with self._lock:
            again = issued is not None and not used.renewed
            if self._session is used:
                self._session = self._open(renewed=again)
            return again or (self._session is not None and self._session.credentials != used.credentials)

    @property
    def classic_token(self) -> str:
        """The token in use, if it is one that tells its scopes: a classic one; else ""."""
        token = self._session.credentials.token if self._session else ""
        return "" if token.startswith("github_pat_") else token

    def request(self, verb: str, path: str, body: Any = None) -> tuple[Mapping[str, Any], Any]:
        """Make one request; return the answer's headers and document. Where that fails, repeat what may come twice.

        Raises what PyGithub and requests raise, and TooManyRequests.
        """
        token = self.repeated(lambda: self._token(self._authenticate(), reach_of(verb, path, self._permissions)))
        ask = partial(self._ask, verb, path, body, token)
        passes = _passes if verb in ("GET", "POST") else _passes_or_collides
        return repeated(ask, passes, self._limit) if verb != "POST" or _ADDED_ONCE.fullmatch(path) else ask()

    def repeated(self, act: Callable[[], T]) -> T:
        """Make a request that may come twice; repeat it where it fails for a cause that passes."""
        return repeated(act, _passes, self._limit)

    def _ask(self, verb: str, path: str, body: Any, token: str) -> tuple[Mapping[str, Any], Any]:
        self._limit.take()
        writing = self._limit.writes.sending() if verb != "GET" else nullcontext()
        with writing as sent, self._client("token", token) as requester, self._noting(verb):
            status, headers, output = requester.requestJson(verb, path, input=body)
            if status in (307, 308) and headers.get("location"):  # a renamed repository; PyGithub follows reads only
                status, headers, output = requester.requestJson(verb, headers["location"], input=body)
            if sent and 400 <= status < 500:
                sent.refuse()
        if status >= 500 and verb != "GET":
            self.replicas.wrote()  # it may have been done
        if status >= 300:
            raise requester.createException(status, headers, _error_document(output))
        if verb != "GET":
            self.replicas.wrote(path)
        return headers, json.loads(output) if output else None

    @contextmanager
    def _noting(self, verb: str) -> Iterator[None]:
        """Remember a write whose answer was lost: it may have been done."""
        try:
            yield
        except Exception:
            if verb != "GET":
                self.replicas.wrote()
            raise

    @contextmanager
    def _client(self, kind: str, value: str) -> Iterator[Any]:
        """Lend a connection to one request, set to a token: an idle one, if there is one. A failing one is dropped."""
        conceal(value)
        with self._lock:
            header, client = self._idle.pop() if self._idle else (None, None)
        if header is None or client is None:
            header = _Header()
            client = pygithub.Github(
                auth=header,
                base_url=self._api_url,
                timeout=TIMEOUT_SECONDS,
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
                user_agent="sagemaker-studio-project-template",
            )
        header.kind, header.value = kind, value
        yield Timely(client.requester, self._limit)
        header.value = ""
        with self._lock:
            self._idle.append((header, client))

    @contextmanager
    def translated(self, activity: str, *, creates: bool = False) -> Iterator[None]:
        """Raise one of our errors for what a request in the block raises; `creates`: it creates content (`refusal`)."""
        try:
            yield
        except GithubException as error:
            used, issued = getattr(self._local, "session", None), getattr(self._local, "issued", None)
            if error.status == 403 and issued and issued.fresh and _NOT_YET in said(error):
                raise TokenNotSpread(WAIT_SECONDS) from None
            if error.status != 401 or used is None:
                raise refusal(error, activity, creates=creates) from None
            if self._reopen(used, issued):
                raise TokenRotated(0) from None
            raise TokenRejected from None
        except _NO_ANSWER as error:
            raise GitHubUnreachable(WAIT_SECONDS, activity=activity, kind=type(error).__name__) from None

    def call(self, activity: str, verb: str, path: str, body: Any = None) -> Any:
        """Make one request; return the answer's document."""
        with self.translated(activity):
            return self.request(verb, path, body)[1]

    def find(self, activity: str, path: str) -> tuple[Mapping[str, Any], Any]:
        """GET what may not be there: None then; the headers come with both answers."""
        with self.translated(activity):
            try:
                headers, data = self.request("GET", path)
                return headers, {} if data is None else data  # an empty answer is not a missing thing
            except GithubException as missing:
                if missing.status != 404:
                    raise
                return missing.headers or {}, None


def _passes(failed: Exception) -> bool:
    """Tell whether GitHub failed, or no whole answer came; a limit is waited for, and so is what names a time."""
    return failing(failed) if isinstance(failed, GithubException) else isinstance(failed, _NO_ANSWER)


def _passes_or_collides(failed: Exception) -> bool:
    """Tell it of a change that may come twice: 409 says that it met another one."""
    return _passes(failed) or (isinstance(failed, GithubException) and failed.status == 409)


def _signed(app: GitHubCredentials) -> str:
    """Return a JSON web token of the App. Raises AppKeyUnusable."""
    try:
        return str(pygithub.Auth.AppAuth(app.app_id, app.private_key).create_jwt())
    except Exception:  # of PyGithub, PyJWT or cryptography; the text may show the key
        raise AppKeyUnusable from None


def _error_document(output: str) -> dict[str, Any]:
    """Return what GitHub says of an error; {"page": its text} for a page that is not JSON."""
    try:
        data = json.loads(output) if output else {}
    except ValueError:
        return {"page": page_text(output)}
    return data if isinstance(data, dict) else {}
