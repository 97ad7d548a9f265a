"""Who no longer sees what: a repository or organization out of a user's sight, an App narrowed, suspended or gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from standins.github.messages import ApiError, not_found

if TYPE_CHECKING:
    from standins.github.model import App, Installation, Repository
    from standins.github.store import Store

EVERYBODY = "*"


class RepositorySight(BaseModel):
    """Whether the tokens of a user see a repository; without `login`, all tokens."""

    seen: bool
    login: str = EVERYBODY


class OrganizationSight(BaseModel):
    """Whether a user is a member of an organization; `profile`: whether everybody sees that it exists."""

    seen: bool
    login: str = EVERYBODY
    profile: bool = True


class InstallationSight(BaseModel):
    """What becomes of an App's installation. `repositories` are the names that it is narrowed to.

    `adds_created`: a repository that the App creates joins those that were selected.
    """

    selection: Literal["all", "selected"] | None = None
    repositories: list[str] = []
    adds_created: bool = True
    state: Literal["active", "suspended", "uninstalled"] = "active"


class Redirects(BaseModel):
    """Whether a former name leads (301) also to a repository that the token does not see; else it is answered 404."""

    unseen: bool


def hide_repository(store: Store, repository: Repository, sight: RepositorySight) -> None:
    """Take a repository out of sight, or bring it back."""
    with store.changing(repository):
        hidden = set(repository.hidden_from) - {sight.login}
        repository.hidden_from = sorted(hidden if sight.seen else hidden | {sight.login})


def hide_organization(store: Store, login: str, sight: OrganizationSight) -> None:
    """Take an organization out of the sight of a user's tokens, as if the user had left it. Raises ApiError 404."""
    account = store.account(login)
    if account is None:
        raise not_found()
    with store.changing_state():
        account.public = sight.profile
        left = set(account.left_by) - {sight.login}
        account.left_by = sorted(left if sight.seen else left | {sight.login})
        for token in store.tokens():
            everybody = EVERYBODY in account.left_by or token.login in account.left_by
            token.left = sorted({*token.left, login.lower()} if everybody else set(token.left) - {login.lower()})


def change_installation(store: Store, app: App, number: int, sight: InstallationSight) -> None:
    """Narrow, widen, suspend or remove an App's installation, with the tokens that it has. Raises ApiError 404, 422."""
    installation = next((it for it in app.installations if it.id == number), None)
    if installation is None:
        raise not_found()
    with store.changing_state():
        if sight.state == "uninstalled":
            app.installations.remove(installation)
            store.forget_installation(number)
            return
        installation.suspended = sight.state == "suspended"
        installation.adds_created = sight.adds_created
        if sight.selection:
            installation.repositories = _chosen(store, installation, sight)
        for token in store.tokens():
            if token.installation == number:
                token.suspended, token.selected = installation.suspended, installation.repositories


def _chosen(store: Store, installation: Installation, sight: InstallationSight) -> list[int] | None:
    if sight.selection == "all":
        return None
    found = [store.by_name(installation.organization, name) for name in sight.repositories]
    chosen = [it.id for it in found if it is not None]
    if len(chosen) < len(found):
        raise ApiError(422, "The organization lacks one of these repositories.")
    return chosen


def created(store: Store, repository: Repository, installation: int) -> None:
    """Add a repository that an App has created to those that its installation is narrowed to."""
    with store.changing_state():
        found = store.installation(installation)
        if found is None or found.repositories is None or not found.adds_created:
            return
        found.repositories.append(repository.id)
        for token in store.tokens():
            if token.installation == installation:
                token.selected = found.repositories
