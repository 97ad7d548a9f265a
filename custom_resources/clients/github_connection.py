"""The connection to GitHub's API: credentials, tokens that change, and one request at a time through PyGithub.

PyGithub's own throttle and retries are off: they sleep, and a wait belongs into the state machine (RetryLater).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import github as pygithub
import requests
from github.GithubException import GithubException

from custom_resources.clients.github_errors import WAIT_SECONDS, refusal
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import AppKeyUnusable, GitHubUnreachable, TokenRejected, TokenRotated
from custom_resources.telemetry import conceal

TIMEOUT_SECONDS = 20


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


class Connection:
    """Requests with the current token. Thread-safe; connections are kept alive."""

    def __init__(
        self, api_url: str, credentials: Callable[[], GitHubCredentials], limit: RequestLimit | None = None
    ) -> None:
        """`credentials` is called before the first request, and again when GitHub rejects the token."""
        self._limit = limit or RequestLimit()
        self._api_url = api_url.rstrip("/")
        self._credentials = credentials
        self._local = threading.local()
        self._session: _Session | None = None
        self._lock = threading.Lock()

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
        """Read the credentials. Raises AppKeyUnusable for an App's key that is none; makes no request to GitHub."""
        found = self._credentials()
        if found.token:
            return _Session(found, pygithub.Auth.Token(found.token))
        try:
            app = pygithub.Auth.AppAuth(found.app_id, found.private_key)
            app.create_jwt()
            auth = app.get_installation_auth(found.installation_id)
        except Exception:  # of PyGithub, PyJWT or cryptography; the text may show the key
            raise AppKeyUnusable from None
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
        with self.translated("authenticating"):
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

    @property
    def classic_token(self) -> str:
        """The token in use, if it is one that tells its scopes: a classic one; else ""."""
        token = self._session.credentials.token if self._session else ""
        return "" if token.startswith("github_pat_") else token

    def request(self, verb: str, path: str, body: Any = None) -> tuple[Mapping[str, Any], Any]:
        """Make one request; return the answer's headers and document.

        Raises what PyGithub and requests raise, and TooManyRequests.
        """
        self._limit.take()
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
    def translated(self, activity: str) -> Iterator[None]:
        """Raise one of our errors for what a request in the block raises."""
        try:
            yield
        except GithubException as error:
            used = getattr(self._local, "session", None)
            if error.status != 401 or used is None:
                raise refusal(error, activity) from None
            if self._reopen(used):
                raise TokenRotated(0) from None
            raise TokenRejected from None
        except (requests.RequestException, ValueError, AssertionError, RuntimeError) as error:
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


def _error_document(output: str) -> dict[str, Any]:
    """Return what GitHub says of an error; {} for a proxy's page, or none at all."""
    try:
        data = json.loads(output) if output else {}
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
