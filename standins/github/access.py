"""Who asks, and what they may do: tokens, roles, scopes and permissions, in GitHub's words when they may not."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

import jwt

from standins.github.messages import ApiError, not_found
from standins.github.model import ROLES, App, Repository, Role, Token
from standins.github.store import Store

_LONGEST_JWT_SECONDS = 600


@dataclass(frozen=True)
class Need:
    """What a request takes: a fine-grained permission, a role in the repository, a classic scope."""

    permission: str = "metadata"
    write: bool = False
    role: Role = "read"
    archived: bool = False  # may be done to an archived repository

    @property
    def accepted(self) -> str:
        """GitHub's header x-accepted-github-permissions."""
        return f"{self.permission}={'write' if self.write else 'read'}"


def credential(headers: Mapping[str, str]) -> str:
    """Return the token of an Authorization header (token, Bearer, or the password of Basic), "" if there is none."""
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() in ("token", "bearer"):
        return value.strip()
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "malformed"
        return user if password in ("", "x-oauth-basic") else password
    return "malformed" if scheme else ""


def authenticate(store: Store, headers: Mapping[str, str]) -> Token | None:
    """Return the token of a REST request, None for an anonymous one. Raises ApiError 401."""
    value = credential(headers)
    if not value:
        return None
    token = store.token(value)
    if token is None:
        raise ApiError(401, "Bad credentials")
    if token.suspended:
        raise suspended()
    return token


def suspended() -> ApiError:
    """Return the answer to an App whose installation is suspended."""
    return ApiError(403, "This installation has been suspended")


def authenticate_app(store: Store, headers: Mapping[str, str]) -> App:
    """Return the App whose RS256 JSON web token the request carries. Raises ApiError 401."""
    value = credential(headers)
    try:
        claimed = jwt.decode(value, options={"verify_signature": False})
        app = store.app(int(claimed.get("iss", 0)))
        if app is None:
            raise ApiError(404, "Integration not found")
        required = ["iat", "exp", "iss"]
        options = {"require": required, "verify_iat": True, "verify_sub": False, "verify_iss": False}
        claims = jwt.decode(value, app.public_key, algorithms=["RS256"], options=options)  # type: ignore[arg-type]
    except (jwt.InvalidTokenError, ValueError, TypeError) as error:
        if isinstance(error, jwt.ExpiredSignatureError):
            message = "'Expiration time' claim ('exp') must be a numeric value representing the future time"
            raise ApiError(401, f"{message} at which the assertion expires") from None
        raise ApiError(401, "A JSON web token could not be decoded") from None
    if claims["exp"] - claims["iat"] > _LONGEST_JWT_SECONDS + 60:
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
    return app


def role_in(token: Token | None, owner: str, *, of_user: bool = False) -> Role:
    """Return what the token's user is in an organization, or on their own repositories; in no other user's account."""
    if token is None:
        return "none"
    if token.login.lower() == owner.lower():
        return "admin"
    if owner.lower() in token.left:
        return "none"
    if token.organizations is None:
        return "none" if of_user else token.role
    if owner.lower() in {name.lower() for name in token.organizations}:
        return token.role
    return "none"


def role_of(token: Token | None, repository: Repository) -> Role:
    """Return what the token's user may do in a repository, before scopes and permissions."""
    role = role_in(token, repository.owner, of_user=repository.of_user) if reaches(token, repository) else "none"
    return "read" if role == "none" and repository.visibility == "public" else role


def reaches(token: Token | None, repository: Repository) -> bool:
    """Tell whether a token is for the repository: an App's may be narrowed to some."""
    if token is None:
        return True
    return all(some is None or repository.id in some for some in (token.repositories, token.selected))


def may_see(token: Token | None, repository: Repository) -> bool:
    """Tell whether the repository exists for the token."""
    if {"*", token.login if token else ""} & set(repository.hidden_from):
        return False
    if repository.visibility == "public":
        return True
    if token is None or role_of(token, repository) == "none":
        return False
    return "repo" in token.scopes if token.kind == "classic" else True


def at_least(role: Role, wanted: Role) -> bool:
    """Compare roles."""
    return ROLES.index(role) >= ROLES.index(wanted)


def require(token: Token | None, repository: Repository, need: Need) -> None:
    """Raise ApiError unless the token may do this to the repository."""
    if not may_see(token, repository):
        raise not_found()
    if token is None:
        if need.write or need.role != "read":
            raise ApiError(401, "Requires authentication")
        return
    _require_granted(token, repository, need)
    if not at_least(role_of(token, repository), need.role):
        if need.role == "admin":
            raise ApiError(403, "Must have admin rights to Repository.")
        raise ApiError(403, "Must have push access to repository")
    if repository.archived and need.write and not need.archived:
        raise archived()


def _require_granted(token: Token, repository: Repository, need: Need) -> None:
    """Raise ApiError unless the token's scopes, or its permissions and repositories, include the request."""
    if token.kind == "classic":
        scopes = {"repo"} if repository.visibility != "public" else {"repo", "public_repo"}
        if need.write and not scopes & set(token.scopes):
            raise not_found()
        return
    if token.unready > 0:
        token.unready -= 1
        raise inaccessible(token, need)
    granted = "read" if need.permission == "metadata" else token.permissions.get(need.permission, "")
    readable = repository.visibility == "public" and need.role == "read"
    if need.write and (granted != "write" or not reaches(token, repository)):
        raise inaccessible(token, need)
    if not need.write and not granted and not readable:
        raise inaccessible(token, need)


def inaccessible(token: Token, need: Need) -> ApiError:
    """Return the 403 of a fine-grained token or an App."""
    who = "integration" if token.kind == "installation" else "personal access token"
    headers = {"x-accepted-github-permissions": need.accepted}
    return ApiError(403, f"Resource not accessible by {who}", headers=headers)


def archived() -> ApiError:
    """Return the answer to every write to an archived repository."""
    return ApiError(403, "Repository was archived so is read-only.")
