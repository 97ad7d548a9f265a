"""Users, organizations, and what GitHub tells about itself."""

from __future__ import annotations

from standins.github import account_shapes, shapes
from standins.github.access import may_see, role_in
from standins.github.messages import ApiError, Response, not_found
from standins.github.rest.router import Call, route


@route("GET", "/user", "users/users#get-the-authenticated-user")
def get_user(call: Call) -> Response:
    """Return who asks."""
    if call.user.kind == "installation":
        raise ApiError(403, "Resource not accessible by integration")
    account = call.store.account(call.user.login)
    if account is None:
        raise not_found()
    shown = account_shapes.private_user(call.urls, account)
    if call.user.kind == "classic" and not {"user", "read:user"} & set(call.user.scopes):
        return Response.json(200, account_shapes.public_user(shown))
    return Response.json(200, shown)


@route("GET", "/users/{username}", "users/users#get-a-user")
def get_account(call: Call) -> Response:
    """Return what everybody sees of a user, or of an organization."""
    account = call.store.account(call.parameters["username"])
    if account is None:
        raise not_found()
    return Response.json(200, account_shapes.public_user(account_shapes.private_user(call.urls, account)))


@route("GET", "/orgs/{org}", "orgs/orgs#get-an-organization")
def get_organization(call: Call) -> Response:
    """Return an organization."""
    owner = call.store.account(call.parameters["org"])
    if owner is None or owner.type != "Organization":
        raise not_found()
    if not owner.public and role_in(call.token, owner.login) == "none":
        raise not_found()
    own = [it for it in call.store.repositories() if it.owner == owner.login]
    public = sum(it.visibility == "public" for it in own)
    shown = account_shapes.organization(call.urls, owner, public=public, private=len(own) - public)
    if role_in(call.token, owner.login) == "none":
        for name in account_shapes.OF_MEMBERS:
            shown.pop(name)
    return Response.json(200, shown)


@route(
    "GET",
    "/user/memberships/orgs/{org}",
    "orgs/members#get-an-organization-membership-for-the-authenticated-user",
)
def get_own_membership(call: Call) -> Response:
    """Return what who asks is in an organization."""
    owner, user = call.store.account(call.parameters["org"]), call.store.account(call.user.login)
    role = role_in(call.token, owner.login) if owner else "none"
    if owner is None or user is None or owner.type != "Organization" or role == "none":
        raise not_found()
    url = f"{call.urls.api}/orgs/{owner.login}"
    names = ("login", "id", "node_id", "url", "repos_url", "events_url", "hooks_url", "issues_url", "members_url")
    whole = account_shapes.organization(call.urls, owner, public=0, private=0)
    simple = {name: whole[name] for name in (*names, "public_members_url", "avatar_url", "description")}
    membership = {
        "url": f"{url}/memberships/{user.login}",
        "state": "active",
        "role": "admin" if role == "admin" else "member",
        "organization_url": url,
        "organization": simple,
        "user": shapes.account(call.urls, user.login, user.id, user.type),
    }
    return Response.json(200, membership)


@route("GET", "/orgs/{org}/repos", "repos/repos#list-organization-repositories")
def list_organization_repositories(call: Call) -> Response:
    """Return the organization's repositories that the token sees."""
    owner = call.store.account(call.parameters["org"])
    if owner is None or owner.type != "Organization":
        raise not_found()
    own = [it for it in call.store.repositories() if it.owner == owner.login and may_see(call.token, it)]
    items, headers = call.page(own)
    role = role_in(call.token, owner.login)
    return Response.json(200, [shapes.minimal_repository(call.urls, it, owner, role) for it in items], headers)


@route("GET", "/rate_limit", "rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user")
def get_rate_limit(call: Call) -> Response:
    """Return what is left of the limits; asking costs nothing."""
    user = call.token.user_id if call.token else 0
    headers = call.accounting.enter(user, "GET", creates=False, free=True)
    call.accounting.leave()
    names = ("limit", "remaining", "used", "reset")
    core = {name: int(headers[f"x-ratelimit-{name}"]) for name in names}
    search = {"limit": 30, "remaining": 30, "used": 0, "reset": core["reset"]}
    resources = {"core": core, "search": search, "graphql": call.accounting.graphql(user)}
    return Response.json(200, {"resources": resources, "rate": core})
