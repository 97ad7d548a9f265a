"""The stand-in as a whole: its state, its parts, its HTTP server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from standins.github import graphql, smart_http
from standins.github.application import Application
from standins.github.controls import Controls
from standins.github.faults import Faults
from standins.github.latency import Latency, RoundTrip
from standins.github.limits import Accounting
from standins.github.messages import API, GRAPHQL, Request, Response
from standins.github.model import Role
from standins.github.requests_log import RequestLog
from standins.github.rest.router import dispatch
from standins.github.store import Store
from standins.github.urls import Urls
from standins.serving import Environ, Server, StartResponse

ORGANIZATION = "acme"
Observer = Callable[[str, str, Request, Response], None]  # method, route, what came, what went


class GitHubStandIn:
    """A GitHub on one machine: state below `root`, one HTTP server. `running` is the way in for tests."""

    def __init__(self, root: Path, port: int = 0) -> None:
        """Open the state and bind the port (0 = a free one); serving begins with `serve`. Raises CannotListen."""
        self.store = Store(root)
        self.faults, self.log, self.accounting = Faults(), RequestLog(), Accounting()
        self.observers: list[Observer] = []
        self.stopping = threading.Event()
        self.latency = Latency(self.stopping.wait)
        self._server = Server(port, self._answer)
        self.urls = Urls(self._server.url)
        self.controls = Controls(self.store, self.urls, self.faults, self.log, self.accounting, self.latency)
        self._application = Application(
            lambda request: self.respond(request),  # noqa: PLW0108 -- looked up each time: a test may replace it
            self.controls,
            self.store,
            self.faults,
            self.log,
            self.latency,
            self.stopping,
        )
        self.organization = self.store.add_account(ORGANIZATION, "Organization").login
        self.token = ""

    def _answer(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        return self._application(environ, start)  # which needs the server's address, and so is made after it

    @property
    def base_url(self) -> str:
        """Address of the server; pages and controls."""
        return self.urls.base

    @property
    def api_url(self) -> str:
        """Address of the REST API (GITHUB_API_URL)."""
        return self.urls.api

    @property
    def server_url(self) -> str:
        """Address for Git (GITHUB_SERVER_URL)."""
        return self.urls.base

    def make_token(
        self,
        scopes: list[str] | None = None,
        *,
        login: str = "studio-admin",
        fine_grained: bool = False,
        permissions: dict[str, str] | None = None,
        organizations: list[str] | None = None,
        role: Role = "admin",
    ) -> str:
        """Make a token and return it; by default classic, with the scopes repo and workflow."""
        return self.store.make_token(
            login=login,
            scopes=scopes,
            fine_grained=fine_grained,
            permissions=permissions,
            organizations=organizations,
            role=role,
        )

    def serve(self) -> None:
        """Serve until `stop`, or a KeyboardInterrupt."""
        try:
            self._server.serve_forever()
        finally:
            self.stopping.set()

    def stop(self) -> None:
        """End serving at once; open connections are closed."""
        self.stopping.set()
        self._server.stop()

    @staticmethod
    @contextmanager
    def running(root: Path, port: int = 0, *, latency_ms: int = 0) -> Iterator[GitHubStandIn]:
        """Yield a stand-in that serves in a thread, with an organization `acme` and a token of its administrator.

        `latency_ms`: how long each REST and Git answer is held back, in milliseconds.
        """
        github = GitHubStandIn(root, port)
        github.latency.round_trip = RoundTrip(milliseconds=latency_ms)
        github.token = github.make_token(["repo", "workflow", "delete_repo"])
        thread = threading.Thread(target=github.serve, name="github", daemon=True)
        thread.start()
        try:
            yield github
        finally:
            github.stop()
            thread.join(10)

    def respond(self, request: Request) -> tuple[Response, str]:
        """Answer a REST, GraphQL or Git request; return the route too."""
        if request.path.startswith(f"{API}/") or request.path == API:
            path = request.path.removeprefix(API).rstrip("/") or "/"
            response, route = dispatch(self.store, self.urls, self.accounting, request, path)
            template = route.template if route else ""
            for observe in self.observers:
                observe(request.method, template, request, response)
            return response, template
        if request.path == GRAPHQL:
            return graphql.serve(self.store, self.urls, self.accounting, request), GRAPHQL
        return smart_http.serve(self.store, self.urls, request), "git"
