"""From a REST request to the function that answers it, with GitHub's checks in between."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote, urlencode

from pydantic import BaseModel, ValidationError

from standins.github import pushes
from standins.github.access import Need, authenticate, may_see, require, role_of
from standins.github.answer_headers import complete
from standins.github.bare import Bare, Person
from standins.github.limits import WRITES, Accounting
from standins.github.messages import ApiError, Json, Request, Response, not_found
from standins.github.model import Account, Repository, Role, Token
from standins.github.store import Store
from standins.github.urls import Urls

_ANY_DEPTH = frozenset({"path", "ref", "branch", "basehead"})
_REPOSITORY = "/repos/{owner}/{repo}"
M = TypeVar("M", bound=BaseModel)
Handler = Callable[["Call"], Response]


@dataclass
class Call:
    """One REST request on its way: who asks, for what. `found` is the repository of the path."""

    store: Store
    urls: Urls
    request: Request
    token: Token | None
    parameters: Mapping[str, str]
    accounting: Accounting
    found: Repository | None = None
    lag: float = 0  # how far behind the replica is that answers, in seconds
    _body: Json | None = field(default=None, repr=False)

    @property
    def repository(self) -> Repository:
        """The repository of the path."""
        if self.found is None:
            raise not_found()
        return self.found

    @property
    def user(self) -> Token:
        """Who asks. Raises ApiError 401 for nobody."""
        if self.token is None:
            raise ApiError(401, "Requires authentication")
        return self.token

    @property
    def person(self) -> Person:
        """Who asks, as the author of a commit."""
        user = self.user
        return Person(user.login, f"{user.user_id}+{user.login}@users.noreply.github.com")

    @property
    def bare(self) -> Bare:
        """The Git side of the repository."""
        return self.store.replica(self.repository, self.lag)

    @property
    def role(self) -> Role:
        """What who asks is in the repository."""
        return role_of(self.token, self.repository)

    @property
    def body(self) -> Json:
        """The JSON object that was sent."""
        if self._body is None:
            self._body = self.request.json()
        return self._body

    def owner(self, repository: Repository) -> Account:
        """Return the account that owns a repository."""
        account = self.store.account(repository.owner)
        if account is None:
            raise not_found()
        return account

    def value(self, name: str, kind: type, *, default: Any = None) -> Any:
        """Return a field of the body; `default` when it is absent. Raises ApiError 422 for another JSON type."""
        if name not in self.body:
            return default
        value = self.body[name]
        if value is None or (isinstance(value, kind) and not (kind is int and isinstance(value, bool))):
            return value
        names = {str: "a string", bool: "a boolean", int: "an integer", list: "an array", dict: "an object"}
        raise ApiError(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not {names[kind]}.")

    def parsed(self, model: type[M]) -> M:
        """Return the body as a model; fields that it does not know are ignored. Raises ApiError 422."""
        try:
            return model.model_validate_json(json.dumps(self.body), strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            place = "/".join(str(part) for part in first["loc"])
            raise ApiError(422, f"Invalid request.\n\nFor 'properties/{place}', {first['msg']}.") from None

    def required(self, name: str, kind: type) -> Any:
        """Return a field that must be there. Raises ApiError 422."""
        value = self.value(name, kind)
        if value is None:
            raise ApiError(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        return value

    def page(self, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
        """Return the page that was asked for, and the Link header."""
        query = self.request.query
        try:
            number, size = max(1, int(query.get("page", 1))), min(100, max(1, int(query.get("per_page", 30))))
        except ValueError:
            number, size = 1, 30
        last = max(1, -(-len(items) // size))
        links = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        wanted = ["prev", "first"] * (number > 1) + ["next", "last"] * (number < last)
        address = f"{self.urls.base}{self.request.path}"
        parts = [
            f'<{address}?{urlencode({**query, "page": links[name], "per_page": size})}>; rel="{name}"'
            for name in wanted
        ]
        return items[(number - 1) * size : number * size], {"link": ", ".join(parts)} if parts else {}

    def moved_refs(self, before: Mapping[str, str]) -> None:
        """Draw the consequences of changed refs (pull requests, default branch)."""
        pushes.record(self.repository, self.bare, before, self.user.login)


@dataclass(frozen=True)
class Route:
    """One route: method, path as in the OpenAPI description, what it takes, its page in the documentation."""

    method: str
    template: str
    handler: Handler
    need: Need
    documentation: str
    creates: bool
    pattern: re.Pattern[str]


ROUTES: list[Route] = []


def route(
    method: str, template: str, documentation: str, need: Need | None = None, *, creates: bool = False
) -> Callable[[Handler], Handler]:
    """Register a function for a route. `creates`: it counts as content creation (secondary limits)."""

    def register(handler: Handler) -> Handler:
        pattern = re.sub(r"\{(\w+)\}", lambda m: f"(?P<{m[1]}>{'.+' if m[1] in _ANY_DEPTH else '[^/]+'})", template)
        ROUTES.append(Route(method, template, handler, need or Need(), documentation, creates, re.compile(pattern)))
        ROUTES.sort(key=lambda it: -len(re.sub(r"\{\w+\}", "", it.template)))
        return handler

    return register


def find(store: Store, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a path below the API's root, and its parameters (by id: owner and repo are filled in)."""
    by_id = re.fullmatch(r"/repositories/(\d+)(/.*)?", path)
    if by_id:
        repository = store.by_id(int(by_id[1]))
        if repository is None:
            return None
        lags = store.lag.lags
        seen = store.view(repository, lags.rest_reads) if method in ("GET", "HEAD") else repository
        if seen is None:
            return None
        path = f"/repos/{seen.full_name}{by_id[2] or ''}"
    wanted = "GET" if method == "HEAD" else method
    for candidate in ROUTES:
        match = candidate.pattern.fullmatch(path) if candidate.method == wanted else None
        if match:
            return candidate, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def _repository(call: Call, route_: Route) -> Response | None:
    """Look the path's repository up; return the redirect of one that has moved."""
    owner, name = call.parameters["owner"], call.parameters["repo"]
    read = call.request.method in ("GET", "HEAD")
    call.lag = call.store.lag.lags.rest_reads if read else 0
    call.found = call.store.shown(owner, name, call.lag)
    if call.found and not read and call.store.lag.is_new(call.found, call.store.lag.lags.rest_writes):
        raise not_found()
    if call.found is None:
        call.found = call.store.led_to(owner, name, call.lag)
        if call.found is None or not (may_see(call.token, call.found) or call.store.redirects_unseen):
            raise not_found()
        rest = call.request.path.split("/", 6)[6:]  # after /api/v3/repos/owner/name
        address = "/".join([f"{call.urls.api}/repositories/{call.found.id}", *rest])
        query = f"?{call.request.raw_query}" if call.request.raw_query else ""
        status, message = (301, "Moved Permanently") if read else (307, "Temporary Redirect")
        extra = {"url": f"{address}{query}"}
        location = {"location": f"{address}{query}"}
        return ApiError(status, message, extra=extra, headers=location).response(route_.documentation)
    require(call.token, call.found, route_.need)
    return None


def dispatch(
    store: Store, urls: Urls, accounting: Accounting, request: Request, path: str
) -> tuple[Response, Route | None]:
    """Answer a REST request; `path` is below the API's root."""
    headers: dict[str, str] = {}
    found: tuple[Route, dict[str, str]] | None = None
    token: Token | None = None
    entered = False
    try:
        _require_name(request)
        found = find(store, request.method, path)
        app = bool(found and found[0].template.startswith("/app"))
        token = None if app else authenticate(store, request.headers)
        free = path == "/rate_limit"
        entered = True
        creates = bool(found and found[0].creates)
        headers = accounting.enter(token.user_id if token else 0, request.method, creates=creates, free=free)
        if found is None:
            raise not_found()
        response = _answer(Call(store, urls, request, token, found[1], accounting), found[0])
    except ApiError as error:
        if not entered:  # who is not known is counted with all who are not
            headers = accounting.anonymous()
        response = error.response(found[0].documentation if found else "")
    finally:
        if entered:
            accounting.leave()
    response.headers = {**headers, **response.headers}
    return complete(request, response, token, found[0].need if found else None), found[0] if found else None


def _require_name(request: Request) -> None:
    """Refuse a client that does not say what it is, as GitHub does."""
    if not request.headers.get("user-agent", "").strip():
        reason = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
        raise ApiError(403, f"{reason}.", documentation="using-the-rest-api/getting-started-with-the-rest-api")


def _answer(call: Call, it: Route) -> Response:
    if it.template.startswith(_REPOSITORY):
        moved = _repository(call, it)
        if moved:
            return moved
        if it.method in WRITES:
            with call.store.changing(call.repository):
                if call.store.by_id(call.repository.id) is None:
                    raise not_found()
                require(call.token, call.repository, it.need)  # again: it may have been archived meanwhile
                return it.handler(call)
    return it.handler(call)
