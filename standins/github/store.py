"""The stand-in's memory, on disk: state.json, and for each repository `<id>.json` beside `<id>.git`.

Locks: one for the state, one for each repository. A thread that holds a repository's lock may take the state's,
never the other way round.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from standins.github.bare import Bare
from standins.github.lag import Lag
from standins.github.messages import not_found
from standins.github.model import Account, App, Installation, Plan, Repository, Role, State, Team, Token, now

FULL_PERMISSIONS = {
    "actions": "write",
    "actions_variables": "write",
    "administration": "write",
    "contents": "write",
    "metadata": "read",
    "pull_requests": "write",
    "secrets": "write",
    "workflows": "write",
}


def digest(token: str) -> str:
    """Return what a token is known by."""
    return hashlib.sha256(token.encode()).hexdigest()


class Store:
    """Accounts, tokens, Apps and repositories. Reads return live objects; change a repository in `changing`."""

    def __init__(self, root: Path) -> None:
        """Open or make the folder `root` and read what it holds."""
        self.root = root
        self.places = root / "repositories"
        self.places.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
        self._state_path = root / "state.json"
        self._lock = threading.RLock()
        self._locks: dict[int, threading.RLock] = {}
        self.lag = Lag(self.places)
        self._state = State()
        if self._state_path.exists():
            self._state = State.model_validate_json(self._state_path.read_bytes())
        self._repositories: dict[int, Repository] = {}
        for path in sorted(self.places.glob("*.json")):
            repository = Repository.model_validate_json(path.read_bytes())
            self._repositories[repository.id] = repository

    # -- on disk ----------------------------------------------------------------------------------------------

    @staticmethod
    def _write(path: Path, model: BaseModel) -> None:
        """Write a file that only its owner reads, whole or not at all."""
        draft = path.with_suffix(f".{threading.get_ident()}.draft")
        draft.touch(mode=0o600)
        draft.write_text(model.model_dump_json(indent=1), encoding="utf-8")
        draft.replace(path)

    def _save_state(self) -> None:
        self._write(self._state_path, self._state)

    def save(self, repository: Repository) -> None:
        """Write a repository's record."""
        self._write(self.places / f"{repository.id}.json", repository)

    def bare(self, repository: Repository) -> Bare:
        """Return the repository's Git side."""
        return Bare(self.places / f"{repository.id}.git")

    def replica(self, repository: Repository, seconds: float) -> Bare:
        """Return the repository's Git side as a replica has it that lags so far behind."""
        past = self.lag.past(repository, seconds)
        return Bare(past.place) if past and past.place else self.bare(repository)

    @contextmanager
    def locked(self, repository: Repository) -> Iterator[None]:
        """Hold the repository's lock."""
        with self._lock:
            lock = self._locks.setdefault(repository.id, threading.RLock())
        with lock:
            yield

    @contextmanager
    def changing(self, repository: Repository) -> Iterator[None]:
        """Hold the repository's lock, and write its record afterwards."""
        bare = self.bare(repository)
        with self.locked(repository), self.lag.changing(repository, bare.path, bare.refs):
            try:
                yield
            finally:
                if repository.id in self._repositories:
                    self.save(repository)

    def new_id(self) -> int:
        """Return an id that nothing else has."""
        with self._lock:
            self._state.next_id += 1
            self._save_state()
            return self._state.next_id

    # -- accounts and credentials -----------------------------------------------------------------------------

    def account(self, login: str) -> Account | None:
        """Return a user or an organization, whatever the case of its name."""
        return self._state.accounts.get(login.lower())

    def add_account(self, login: str, kind: Literal["User", "Organization"]) -> Account:
        """Make a user or an organization; the one there is, if its name is taken."""
        with self._lock:
            account = self._state.accounts.get(login.lower())
            if account is None:
                plan: Plan = "free" if kind == "User" else "enterprise"
                account = Account(id=self.new_id(), login=login, type=kind, name=login, plan=plan)
                self._state.accounts[login.lower()] = account
                self._save_state()
            return account

    def set_plan(self, login: str, plan: Plan, refusal_creates: bool) -> Account:
        """Change what an organization pays for. Raises ApiError 404 for one that there is not."""
        with self._lock:
            found = self.account(login)
            if found is None:
                raise not_found()
            found.plan, found.refusal_creates = plan, refusal_creates
            self._save_state()
            return found

    def set_teams(self, login: str, teams: Mapping[str, list[str]]) -> Account:
        """Set an organization's teams, with the repositories of each. Raises ApiError 404 for one that there is not."""
        with self._lock:
            found = self.account(login)
            if found is None:
                raise not_found()
            found.teams = {slug: Team(id=self.new_id(), repositories=names) for slug, names in teams.items()}
            self._save_state()
            return found

    def accounts(self) -> list[Account]:
        """Return all accounts."""
        return list(self._state.accounts.values())

    @contextmanager
    def changing_state(self) -> Iterator[None]:
        """Hold the state's lock, and write the state afterwards."""
        with self._lock:
            yield
            self._save_state()

    def tokens(self) -> list[Token]:
        """Return all tokens."""
        return list(self._state.tokens)

    def add_token(self, value: str, **fields: Any) -> Token:
        """Remember a token by its digest, in place of an older one of the same value."""
        with self._lock:
            token = Token(digest=digest(value), **fields)
            left = [it for it in self._state.accounts.values() if {"*", token.login} & set(it.left_by)]
            token.left = [it.login.lower() for it in left]
            self._state.tokens = [known for known in self._state.tokens if known.digest != token.digest]
            self._state.tokens.append(token)
            self._save_state()
            return token

    def make_token(
        self,
        value: str = "",
        *,
        login: str = "studio-admin",
        scopes: list[str] | None = None,
        fine_grained: bool = False,
        permissions: dict[str, str] | None = None,
        organizations: list[str] | None = None,
        repositories: list[int] | None = None,
        role: Role = "admin",
        expires_at: str | None = None,
    ) -> str:
        """Make a token of a user and return its value. Default: classic, with the scopes repo and workflow."""
        user = self.add_account(login, "User")
        value = value or ("github_pat_" if fine_grained else "ghp_") + secrets.token_hex(18)
        rights: dict[str, Any] = (
            {"kind": "fine-grained", "permissions": FULL_PERMISSIONS if permissions is None else permissions}
            if fine_grained
            else {"kind": "classic", "scopes": ["repo", "workflow"] if scopes is None else scopes}
        )
        rights |= {"organizations": organizations, "repositories": repositories, "role": role, "expires_at": expires_at}
        self.add_token(value, login=user.login, user_id=user.id, **rights)
        return value

    def forget_token(self, value: str) -> None:
        """Revoke a token."""
        with self._lock:
            self._state.tokens = [token for token in self._state.tokens if token.digest != digest(value)]
            self._save_state()

    def token(self, value: str) -> Token | None:
        """Return the token of that value unless it has expired."""
        wanted = digest(value)
        found = next((token for token in self._state.tokens if token.digest == wanted), None)
        if found and found.unknown > 0:
            found.unknown -= 1
            return None
        if found and found.known_from > self.lag.clock():
            return None
        return None if found and found.expires_at and found.expires_at <= now() else found

    def add_app(self, slug: str, public_key: str) -> App:
        """Register a GitHub App."""
        with self._lock:
            app = App(id=self.new_id(), slug=slug, public_key=public_key)
            self._state.apps.append(app)
            self._save_state()
            return app

    def app(self, app_id: int) -> App | None:
        """Return a GitHub App."""
        return next((app for app in self._state.apps if app.id == app_id), None)

    def installation(self, number: int) -> Installation | None:
        """Return an installation of an App."""
        return next((it for app in self._state.apps for it in app.installations if it.id == number), None)

    def forget_installation(self, number: int) -> None:
        """Revoke all tokens of an installation."""
        with self._lock:
            self._state.tokens = [token for token in self._state.tokens if token.installation != number]

    def install_app(self, app: App, organization: str, permissions: dict[str, str] | None) -> Installation:
        """Install an App in an organization, by default with every permission that the product needs."""
        with self._lock:
            rights = dict(FULL_PERMISSIONS if permissions is None else permissions)
            installation = Installation(id=self.new_id(), organization=organization, permissions=rights)
            app.installations.append(installation)
            self._save_state()
            return installation

    # -- repositories -----------------------------------------------------------------------------------------

    def repositories(self) -> list[Repository]:
        """Return all repositories, by name."""
        with self._lock:
            return sorted(self._repositories.values(), key=lambda repository: repository.full_name.lower())

    def by_id(self, repository_id: int) -> Repository | None:
        """Return the repository with that id."""
        return self._repositories.get(repository_id)

    def by_name(self, owner: str, name: str) -> Repository | None:
        """Return the repository of exactly that name, whatever the case."""
        wanted = f"{owner}/{name}".lower()
        with self._lock:
            return next((one for one in self._repositories.values() if one.full_name.lower() == wanted), None)

    def shown(self, owner: str, name: str, seconds: float) -> Repository | None:
        """Return the repository that a replica which lags so far behind has under that name, as it is there."""
        if not seconds:
            return self.by_name(owner, name)
        wanted = f"{owner}/{name}".lower()
        with self._lock:
            views = [self.view(one, seconds) for one in self._repositories.values()]
            return next((view for view in views if view and view.full_name.lower() == wanted), None)

    def view(self, repository: Repository, seconds: float) -> Repository | None:
        """Return a repository as such a replica has it; None while it has not."""
        past = self.lag.past(repository, seconds)
        return past.record if past else repository

    def led_to(self, owner: str, name: str, seconds: float) -> Repository | None:
        """Return the repository to which such a replica redirects from a name."""
        number = self.lag.led_to(f"{owner}/{name}", seconds)
        return self.moved(owner, name) if number is None else self._repositories.get(number)

    @property
    def redirects_unseen(self) -> bool:
        """Whether a former name leads also to a repository that the token does not see."""
        return self._state.redirects_unseen

    @redirects_unseen.setter
    def redirects_unseen(self, value: bool) -> None:
        with self._lock:
            self._state.redirects_unseen = value
            self._save_state()

    def moved(self, owner: str, name: str) -> Repository | None:
        """Return the repository that once had this name."""
        found = self._state.moved.get(f"{owner}/{name}".lower())
        return None if found is None else self._repositories.get(found)

    def create(self, owner: Account, name: str, **settings: Any) -> Repository | None:
        """Make an empty repository; None when the name is taken."""
        with self._lock:
            if self.by_name(owner.login, name):
                return None
            of_user = owner.type == "User"
            repository = Repository(id=self.new_id(), owner=owner.login, name=name, of_user=of_user, **settings)
            Bare.init(self.places / f"{repository.id}.git", repository.default_branch)
            led_to = self._state.moved.pop(repository.full_name.lower(), None)
            self._repositories[repository.id] = repository
            self.lag.made(repository, led_to)
            self.save(repository)
            self._save_state()
            return repository

    def move(self, repository: Repository, owner: str, name: str) -> bool:
        """Rename or transfer; the old name leads to the new one. False when the new name is taken."""
        with self._lock:
            other = self.by_name(owner, name)
            if other and other.id != repository.id:
                return False
            old = repository.full_name.lower()
            account = self.account(owner)
            repository.owner, repository.name = owner, name
            repository.of_user = account is not None and account.type == "User"
            self._state.moved.pop(repository.full_name.lower(), None)
            if old != repository.full_name.lower():
                self._state.moved[old] = repository.id
            self._save_state()
            return True

    def delete(self, repository: Repository) -> None:
        """Remove a repository with all it has."""
        with self._lock:
            self._repositories.pop(repository.id, None)
            self._state.moved = {name: one for name, one in self._state.moved.items() if one != repository.id}
            self._save_state()
        self.lag.forget(repository.id)
        (self.places / f"{repository.id}.json").unlink(missing_ok=True)
        shutil.rmtree(self.places / f"{repository.id}.git", ignore_errors=True)
