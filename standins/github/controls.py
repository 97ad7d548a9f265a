"""The stand-in's own controls, below /_standin: what a test sets up and looks at."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import BaseModel, ValidationError

from standins.github import sight
from standins.github.faults import Fault, Faults
from standins.github.lag import Lags
from standins.github.latency import Latency, RoundTrip
from standins.github.limits import Accounting, Limits
from standins.github.messages import ApiError, Json, Request, Response, not_found
from standins.github.model import ROLES, Plan, Protection, Repository, Review, Ruleset
from standins.github.requests_log import RequestLog
from standins.github.store import Store
from standins.github.urls import Urls

M = TypeVar("M", bound=BaseModel)


class _Plan(BaseModel):
    plan: Plan
    refusal_creates: bool = True


class _Teams(BaseModel):
    teams: dict[str, list[str]]


class _PullRequests(BaseModel):
    enabled: bool
    status: Literal[403, 404, 410, 422] = 404


class _Reviewed(BaseModel):
    login: str
    state: Literal["APPROVED", "CHANGES_REQUESTED"]
    writer: bool = True


class _Judged(BaseModel):
    reviews: list[_Reviewed] = []
    unjudged: int = 0


class _PushProtection(BaseModel):
    enabled: bool
    allowed: list[str] = []


class _Delay(BaseModel):
    unknown: int = 0
    unready: int = 0


@dataclass(frozen=True)
class Controls:
    """Answers the controls."""

    store: Store
    urls: Urls
    faults: Faults
    log: RequestLog
    accounting: Accounting
    latency: Latency

    def serve(self, request: Request) -> Response:
        """Answer one request below /_standin."""
        path = request.path.removeprefix("/_standin")
        for method, pattern, act in _CONTROLS:
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                try:
                    return act(self, request.json(), *match.groups())
                except ApiError as error:
                    return error.response()
        return ApiError(404, f"There is no control {request.method} {request.path}.").response()

    def health(self, _body: Json) -> Response:
        """Say that the server is up, and where."""
        return Response.json(200, {"api_url": self.urls.api, "server_url": self.urls.base})

    def add_organization(self, body: Json) -> Response:
        """Make an organization: {login}."""
        account = self.store.add_account(_text(body, "login"), "Organization")
        return Response.json(201, account.model_dump())

    def put_plan(self, body: Json, login: str) -> Response:
        """Set an organization's plan: {plan, refusal_creates?}."""
        return Response.json(200, self.store.set_plan(login, **dict(_parsed(_Plan, body))).model_dump())

    def put_teams(self, body: Json, login: str) -> Response:
        """Set an organization's teams: {slug: [names of the repositories that it has access to, "*" = all]}."""
        return Response.json(200, self.store.set_teams(login, _parsed(_Teams, {"teams": body}).teams).model_dump())

    def add_token(self, body: Json) -> Response:
        """Make a token: {token?, login?, scopes?, fine_grained?, permissions?, organizations?, ...} (make_token)."""
        known = {"token", "login", "scopes", "fine_grained", "permissions", "organizations", "role", "expires_at"}
        known |= {"repositories"}
        if body.keys() - known or body.get("role", "admin") not in ROLES:
            raise ApiError(422, f"A token has {', '.join(sorted(known))}; a role is one of {', '.join(ROLES)}.")
        fields = {name: value for name, value in body.items() if name != "token"}
        return Response.json(201, {"token": self.store.make_token(str(body.get("token") or ""), **fields)})

    def delete_token(self, body: Json) -> Response:
        """Revoke a token: {token}."""
        self.store.forget_token(_text(body, "token"))
        return Response.empty()

    def add_app(self, body: Json) -> Response:
        """Register a GitHub App: {slug, public_key?}; without a key, one is made and its private half returned."""
        public_key, answer = body.get("public_key"), {}
        if not public_key:
            private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            answer = {"private_key": private.private_bytes(*form).decode()}
            public_form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            public_key = private.public_key().public_bytes(*public_form).decode()
        app = self.store.add_app(_text(body, "slug"), str(public_key))
        return Response.json(201, {"id": app.id, "slug": app.slug, **answer})

    def install_app(self, body: Json, app_id: str) -> Response:
        """Install an App: {organization, permissions?}."""
        app = self.store.app(int(app_id))
        if app is None:
            raise not_found()
        made = self.store.install_app(app, _text(body, "organization"), body.get("permissions"))
        return Response.json(201, made.model_dump())

    def delay_tokens(self, body: Json, app_id: str) -> Response:
        """Have the first requests with each new token of an App answered 401, then 403: {unknown?, unready?}."""
        app = self.store.app(int(app_id))
        if app is None:
            raise not_found()
        delay = _parsed(_Delay, body)
        app.unknown, app.unready = delay.unknown, delay.unready
        return Response.json(200, delay.model_dump())

    def list_repositories(self, _body: Json) -> Response:
        """Return the names and states of all repositories."""
        shown = [{"id": it.id, "full_name": it.full_name, "archived": it.archived} for it in self.store.repositories()]
        return Response.json(200, {"repositories": shown})

    def get_repository(self, _body: Json, owner: str, name: str) -> Response:
        """Return everything about a repository, secret values included."""
        it = self._find(owner, name)
        with self.store.locked(it):
            shown = it.model_dump(exclude={"private_key", "next_number"})
            shown["full_name"] = it.full_name
            shown["html_url"], shown["clone_url"] = self.urls.html(it), self.urls.clone(it)
            shown["secrets"] = {key: secret.value for key, secret in sorted(it.secrets.items())}
            shown["secrets_updated_at"] = {key: secret.updated_at for key, secret in sorted(it.secrets.items())}
            shown["variables"] = {key: variable.value for key, variable in sorted(it.variables.items())}
            shown["refs"] = self.store.bare(it).refs()
            shown["pull_requests"] = shown.pop("pulls")
            shown["git_directory"] = str(self.store.bare(it).path)
        return Response.json(200, shown)

    def add_rule(self, body: Json, owner: str, name: str) -> Response:
        """Refuse pushes to a branch: {branch, refuse_push?, message?, kind?: "protection" | "ruleset"}, for everyone.

        `refuse_push` false takes the stand-in's own rules of that branch away.
        """
        it, branch = self._find(owner, name), _text(body, "branch")
        kind, message = body.get("kind", "protection"), str(body.get("message") or "")
        message = message or "Changes must be made through a pull request."
        if kind not in ("protection", "ruleset"):
            raise ApiError(422, "A rule's kind is protection or ruleset.")
        with self.store.changing(it):
            it.protections = [old for old in it.protections if old.branch != branch or not old.message]
            it.rulesets = [old for old in it.rulesets if old.name != f"standin {branch}"]
            if body.get("refuse_push", True) and kind == "ruleset":
                rules = [{"type": "pull_request"}]
                made = {"name": f"standin {branch}", "include": [branch], "rules": rules, "message": message}
                it.rulesets.append(Ruleset.model_validate({"id": self.store.new_id(), **made}))
            elif body.get("refuse_push", True):
                it.protections.append(Protection(branch=branch, settings={"enforce_admins": True}, message=message))
        return Response.json(201, {"branch": branch, "kind": kind, "message": message})

    def delete_rules(self, _body: Json, owner: str, name: str) -> Response:
        """Take all protections and rulesets of a repository away."""
        it = self._find(owner, name)
        with self.store.changing(it):
            it.protections, it.rulesets = [], []
        return Response.empty()

    def put_pull_requests(self, body: Json, owner: str, name: str) -> Response:
        """Switch pull requests on or off: {enabled, status?}; how requests for them are answered while they are off."""
        it, wish = self._find(owner, name), _parsed(_PullRequests, body)
        with self.store.changing(it):
            it.has_pull_requests, it.pulls_off_status = wish.enabled, wish.status
        return Response.json(200, wish.model_dump())

    def put_pull(self, body: Json, owner: str, name: str, number: str) -> Response:
        """Have people review a pull request, and `mergeable` be UNKNOWN for a while: {reviews?, unjudged?}."""
        it, wanted = self._find(owner, name), _parsed(_Judged, body)
        made = [
            (self.store.add_account(each.login, "User").login, self.store.new_id(), each) for each in wanted.reviews
        ]
        with self.store.changing(it):
            pull = it.pull(int(number))
            if pull is None:
                raise not_found()
            for login, number_of_review, each in made:
                fields = {"state": each.state, "writer": each.writer, "commit": pull.head_sha}
                pull.reviews.append(Review(id=number_of_review, login=login, **fields))
            pull.unjudged = wanted.unjudged
        return Response.json(200, pull.model_dump())

    def put_push_protection(self, body: Json, owner: str, name: str) -> Response:
        """Refuse commits with secrets, or not: {enabled, allowed?}; `allowed`: ends of addresses that unblock one."""
        it, wish = self._find(owner, name), _parsed(_PushProtection, body)
        with self.store.changing(it):
            it.push_protection, it.allowed_secrets = wish.enabled, wish.allowed
        return Response.json(200, wish.model_dump())

    def get_requests(self, _body: Json) -> Response:
        """Return the request log and its counts."""
        return Response.json(200, self.log.describe())

    def delete_requests(self, _body: Json) -> Response:
        """Empty the request log."""
        self.log.clear()
        return Response.empty()

    def get_faults(self, _body: Json) -> Response:
        """Return the planned faults and how often each struck."""
        return Response.json(200, {"faults": self.faults.describe()})

    def add_fault(self, body: Json) -> Response:
        """Plan a fault (faults.py)."""
        fault = Fault.parse(body)
        self.faults.add(fault)
        return Response.json(201, fault.describe())

    def delete_faults(self, _body: Json) -> Response:
        """Forget all faults."""
        self.faults.clear()
        return Response.empty()

    def put_limits(self, body: Json) -> Response:
        """Set the rate limits: {enabled, primary?, points?, content?, graphql?, graphql_heaviest?, ...} (limits.py)."""
        limits = _parsed(Limits, body)
        self.accounting.configure(limits)
        return Response.json(200, limits.model_dump())

    def get_limits(self, _body: Json) -> Response:
        """Return the limits and how many requests they refused."""
        return Response.json(200, {**self.accounting.limits.model_dump(), "refusals": self.accounting.refusals})

    def put_latency(self, body: Json) -> Response:
        """Hold each REST and Git answer back: {milliseconds}."""
        self.latency.round_trip = _parsed(RoundTrip, body)
        return self.get_latency(body)

    def get_latency(self, _body: Json) -> Response:
        """Return how long answers are held back."""
        return Response.json(200, self.latency.round_trip.model_dump())

    def put_lag(self, body: Json) -> Response:
        """Set how far GitHub's replicas lag behind, in seconds: {rest_reads?, rest_writes?, git?, ...} (lag.py)."""
        self.store.lag.configure(_parsed(Lags, body))
        return self.get_lag(body)

    def get_lag(self, _body: Json) -> Response:
        """Return how far they lag behind."""
        return Response.json(200, self.store.lag.lags.model_dump())

    def put_repository_sight(self, body: Json, owner: str, name: str) -> Response:
        """Take a repository out of sight, or bring it back: {seen, login?}."""
        wanted = _parsed(sight.RepositorySight, body)
        sight.hide_repository(self.store, self._find(owner, name), wanted)
        return Response.json(200, wanted.model_dump())

    def put_organization_sight(self, body: Json, login: str) -> Response:
        """Have a user leave an organization, or come back: {seen, login?, profile?}."""
        wanted = _parsed(sight.OrganizationSight, body)
        sight.hide_organization(self.store, login, wanted)
        return Response.json(200, wanted.model_dump())

    def put_installation(self, body: Json, app_id: str, installation_id: str) -> Response:
        """Narrow, suspend or remove an installation: {selection?, repositories?, adds_created?, state?}."""
        app, wanted = self.store.app(int(app_id)), _parsed(sight.InstallationSight, body)
        if app is None:
            raise not_found()
        sight.change_installation(self.store, app, int(installation_id), wanted)
        return Response.json(200, wanted.model_dump())

    def put_redirects(self, body: Json) -> Response:
        """Have a former name lead also to what the token does not see: {unseen}."""
        self.store.redirects_unseen = _parsed(sight.Redirects, body).unseen
        return Response.json(200, body)

    def _find(self, owner: str, name: str) -> Repository:
        found = self.store.by_name(owner, name) or self.store.moved(owner, name)
        if found is None:
            raise not_found()
        return found


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(422, f"This control needs a text {name!r}.")
    return value


def _parsed(model: type[M], body: Json) -> M:
    """Return the body as a model. Raises ApiError 422."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(str(part) for part in first["loc"])
        raise ApiError(422, f"This control cannot read {place or 'its body'}: {first['msg']}.") from None


_REPOSITORY = r"/repositories/([^/]+)/([^/]+)"
_CONTROLS: tuple[tuple[str, str, Callable[..., Response]], ...] = (
    ("GET", r"", Controls.health),
    ("POST", r"/organizations", Controls.add_organization),
    ("PUT", r"/organizations/([^/]+)/plan", Controls.put_plan),
    ("PUT", r"/organizations/([^/]+)/teams", Controls.put_teams),
    ("POST", r"/tokens", Controls.add_token),
    ("DELETE", r"/tokens", Controls.delete_token),
    ("POST", r"/apps", Controls.add_app),
    ("POST", r"/apps/(\d+)/installations", Controls.install_app),
    ("PUT", r"/apps/(\d+)/delay", Controls.delay_tokens),
    ("PUT", r"/apps/(\d+)/installations/(\d+)", Controls.put_installation),
    ("PUT", r"/organizations/([^/]+)/sight", Controls.put_organization_sight),
    ("PUT", rf"{_REPOSITORY}/sight", Controls.put_repository_sight),
    ("PUT", r"/redirects", Controls.put_redirects),
    ("GET", r"/lag", Controls.get_lag),
    ("PUT", r"/lag", Controls.put_lag),
    ("GET", r"/repositories", Controls.list_repositories),
    ("GET", _REPOSITORY, Controls.get_repository),
    ("POST", rf"{_REPOSITORY}/rules", Controls.add_rule),
    ("DELETE", rf"{_REPOSITORY}/rules", Controls.delete_rules),
    ("PUT", rf"{_REPOSITORY}/pull-requests", Controls.put_pull_requests),
    ("PUT", rf"{_REPOSITORY}/pulls/(\d{{1,18}})", Controls.put_pull),
    ("PUT", rf"{_REPOSITORY}/push-protection", Controls.put_push_protection),
    ("GET", r"/requests", Controls.get_requests),
    ("DELETE", r"/requests", Controls.delete_requests),
    ("GET", r"/faults", Controls.get_faults),
    ("POST", r"/faults", Controls.add_fault),
    ("DELETE", r"/faults", Controls.delete_faults),
    ("GET", r"/limits", Controls.get_limits),
    ("PUT", r"/limits", Controls.put_limits),
    ("GET", r"/latency", Controls.get_latency),
    ("PUT", r"/latency", Controls.put_latency),
)
