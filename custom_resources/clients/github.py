"""GitHub's REST API: each call is one request, each failure one of the errors that github_errors.py chooses."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from github.GithubException import GithubException, UnknownObjectException

from custom_resources.clients.github_answers import PullRequest, Repository, promised, repository, whole
from custom_resources.clients.github_connection import Connection
from custom_resources.clients.github_environments import create_environment, environments
from custom_resources.clients.github_errors import (
    WAIT_SECONDS,
    exists_already,
    refusal,
    said,
)
from custom_resources.clients.github_paths import api_path, in_repository
from custom_resources.clients.github_pull_people import Whom, address
from custom_resources.clients.github_pull_requests import PullRequests
from custom_resources.clients.github_removal import Note, each, remove
from custom_resources.clients.github_secrets import put_secrets
from custom_resources.clients.github_sight import Installation, is_absent
from custom_resources.clients.github_tokens import Permissions
from custom_resources.clients.replicas import Replicas
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import (
    AppInUserAccount,
    InternalInUserAccount,
    NotSeenYet,
    ObjectTooLarge,
    OrganizationNotFound,
    RepositoryReadOnly,
    TokenLacksScope,
)

__all__ = ["GitHub", "PullRequest", "Repository"]

_SCOPES_NEEDED = ("repo", "workflow")


class _NoSuchOwner(Exception):
    """GitHub has no such owner of repositories, or hides it."""


class GitHub:
    """The requests that the custom resources make. Thread-safe."""

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
        self._credentials = credentials
        self._connection = Connection(api_url, credentials, permissions, limit, replicas)
        self._pulls = PullRequests(self._connection)

    def token_for(self, full_name: str) -> str:
        """Return the token that Git sends to a repository."""
        return self._connection.token_for(full_name)

    def renew(self, rejected: str) -> bool:
        """Read the credentials again after GitHub rejected a token of theirs; tell whether another one can be tried."""
        return self._connection.renew(rejected)

    def installation(self) -> Installation:
        """Return where the App is installed, and what it reaches and may do there. Raises AppNotInstalled."""
        return Installation.of(self._connection.installation())

    def is_absent(self, full_name: str, repository_id: int = 0) -> bool:
        """Tell whether it is proven that there is no such repository, after it was not found; see github_sight."""
        return is_absent(self._connection, full_name, repository_id)

    def look_up(self, activity: str, path: str) -> tuple[Mapping[str, Any], Any]:
        """GET any path; return the answer's headers with the data, None for a 404 (for operations)."""
        return self._connection.find(activity, path)

    # -- repositories -----------------------------------------------------------------------------------

    def find_repository(self, full_name: str) -> Repository | None:
        """Return the repository of that name (a renamed one is followed), or None.

        Raises TokenLacksScope when a classic token lacks a scope that a launch needs, before anything is written.
        """
        headers, data = self._connection.find(f"looking up {full_name}", in_repository(full_name))
        self._require_scopes(headers)
        return None if data is None else self._seen(data)

    def _seen(self, data: Any) -> Repository:
        found = repository(data)
        self._connection.replicas.created(found.created_at)
        return found

    def _require_scopes(self, headers: Mapping[str, Any]) -> None:
        """Refuse a classic token that lacks a scope; other tokens do not tell what they may do, or name none."""
        told = headers.get("x-oauth-scopes")
        if told is None or not self._connection.classic_token:
            return
        scopes = {scope.strip() for scope in str(told).split(",")}
        missing = [scope for scope in _SCOPES_NEEDED if scope not in scopes]
        if missing:
            raise TokenLacksScope(scopes=" and ".join(map(repr, missing)))

    def repository_by_id(self, repository_id: int, full_name: str) -> Repository | None:
        """Return the repository with that id, wherever it was renamed or transferred to, or None.

        The name is tried first: looking up by id works, but is not in GitHub's published API.
        """
        found = self.find_repository(full_name)
        if found and found.id == repository_id:
            return found
        _, data = self._connection.find(f"looking up repository {repository_id}", f"/repositories/{repository_id}")
        return None if data is None else self._seen(data)

    def create_repository(self, organization: str, name: str, description: str, visibility: str) -> Repository | None:
        """Create an empty repository; None when the name is taken (POST /orgs/{org}/repos, POST /user/repos).

        `organization` may be the user account of the token's owner, which is asked about only where there is no
        organization of that name. Raises OrganizationNotFound, AppInUserAccount, InternalInUserAccount.
        """
        body = {"name": name, "description": description, "private": visibility != "public"}
        body |= {"auto_init": False, "has_wiki": False, "has_projects": False, "delete_branch_on_merge": True}
        activity = f"creating {organization}/{name}"
        try:
            return self._create(activity, api_path("orgs", organization, "repos"), {**body, "visibility": visibility})
        except _NoSuchOwner:
            self._require_own_account(organization)
        if visibility == "internal":
            raise InternalInUserAccount(owner=organization)
        try:
            return self._create(activity, "/user/repos", body)
        except _NoSuchOwner:
            raise OrganizationNotFound(organization=organization) from None

    def _create(self, activity: str, path: str, body: Mapping[str, Any]) -> Repository | None:
        """Create a repository; None when the name is taken. Raises _NoSuchOwner."""
        with self._connection.translated(activity):
            try:
                return repository(self._connection.request("POST", path, body)[1])
            except UnknownObjectException:
                raise _NoSuchOwner from None
            except GithubException as error:
                if exists_already(error):
                    if self._connection.replicas.has_written:  # the answer to its creation was lost
                        raise NotSeenYet(WAIT_SECONDS, why="the new repository is not visible") from None
                    return None
                raise

    def _require_own_account(self, name: str) -> None:
        """Raise OrganizationNotFound unless the token is one of the user of that name.

        A GitHub App can create repositories in organizations only: POST /user/repos is not among the requests that an
        installation's tokens are for (GitHub community discussions 116331 and 171040).
        """
        if not self._credentials().token:
            _, found = self._connection.find(f"looking up {name}", api_path("users", name))
            is_user = found is not None and found.get("type") == "User"
            raise (AppInUserAccount if is_user else OrganizationNotFound)(organization=name)
        _, user = self._connection.find("looking up the token's user", "/user")
        if user is None or str(user.get("login", "")).casefold() != name.casefold():
            raise OrganizationNotFound(organization=name)

    def update_repository(self, full_name: str, **changes: Any) -> Repository:
        """Change a repository's settings, e.g. `archived=True` (PATCH /repos/{owner}/{repo})."""
        path, activity = in_repository(full_name), f"changing {full_name}"
        try:
            with self._connection.translated(activity):
                return repository(self._changed(activity, path, changes))
        except RepositoryReadOnly:
            if changes != {"archived": True}:
                raise
            # Archived already, perhaps by a request whose answer was lost: then there is nothing left to change.
            found = self.find_repository(full_name)
            if found is None or not found.archived:
                raise
            return found

    def _changed(self, activity: str, path: str, changes: Mapping[str, Any]) -> Any:
        try:
            return self._connection.request("PATCH", path, changes)[1]
        except GithubException as error:
            if not changes.get("archived") or error.status not in (403, 409, 422):
                raise
            refused = refusal(error, activity)  # GitHub may still be setting it up, in words that nobody knows
            refused.may_be_lag = True
            raise refused from None

    def replace_topics(self, full_name: str, topics: Iterable[str]) -> None:
        """Set the topics (PUT /repos/{owner}/{repo}/topics)."""
        self._connection.call(
            f"setting the topics of {full_name}", "PUT", in_repository(full_name, "topics"), {"names": list(topics)}
        )

    def small_file(self, full_name: str, path: str, limit: int) -> bytes | None:
        """Return a file of the default branch, None where there is none, or it is a folder or a submodule.

        GitHub sends at most 1 MB of a file here (GET /repos/{owner}/{repo}/contents/{path}). Raises ObjectTooLarge.
        """
        activity = f"reading {path} of {full_name}"
        _, data = self._connection.find(activity, in_repository(full_name, "contents", *path.split("/")))
        if data is None or isinstance(data, list):
            return None
        with whole(activity):
            if data["type"] != "file":
                return None
            if int(data["size"]) > limit:
                raise ObjectTooLarge(kind="file", name=path, size=int(data["size"]), limit=limit)
            return base64.b64decode(data["content"])

    def is_protected(self, full_name: str, branch: str) -> bool:
        """Tell whether rules protect a branch (GET .../branches/{branch}); a branch that does not exist has none."""
        activity = f"reading the branch {branch} of {full_name}"
        _, data = self._connection.find(activity, in_repository(full_name, "branches", branch))
        with whole(activity):
            return data is not None and bool(data["protected"])

    def contains(self, full_name: str, commit: str, tip: str) -> bool:
        """Tell whether a commit is in a branch's history, however long that is."""
        return self._common(full_name, commit, tip) == commit

    def _common(self, full_name: str, base: str, head: str) -> str:
        """Return the best common ancestor (GET /repos/{owner}/{repo}/compare/{basehead}); "" for 404: gone, unrelated.

        Not the answer's `status`: it counts commits, which goes wrong where clocks did.
        """
        path = in_repository(full_name, "compare", f"{base}...{head}")
        path, activity = f"{path}?per_page=1&page=2", f"comparing commits of {full_name}"  # page 1 lists files
        with self._connection.translated(activity):
            try:
                data = self._connection.request("GET", path)[1]
            except GithubException as missing:
                if missing.status != 404:
                    raise
                if "common ancestor" not in said(missing).lower() and self._connection.replicas.recent:
                    raise NotSeenYet(WAIT_SECONDS, why=f"the commits of {full_name} are not visible") from None
                return ""
        with whole(activity):
            return promised(data["merge_base_commit"], "sha")

    # -- Actions secrets and variables --------------------------------------------------------------------

    def put_secrets(self, full_name: str, secrets: Mapping[str, str], done: Note | None = None) -> None:
        """Seal and set the secrets: one request for the public key, then one each, a few at a time.

        `done` gets the name of each as it is set, also where another then fails; so with the three below.
        """
        put_secrets(self._connection, full_name, in_repository(full_name, "actions", "secrets"), secrets, done)

    def delete_secrets(self, full_name: str, names: Iterable[str], done: Note | None = None) -> None:
        """Remove secrets; one that is gone already is fine. Raises RepositoryNotFound where that cannot be told."""
        path = in_repository(full_name, "actions", "secrets")
        remove(self._connection, "secrets", path, full_name, names, done=done)

    def put_variables(self, full_name: str, variables: Mapping[str, str], done: Note | None = None) -> None:
        """Create the variables, or change those that exist."""
        path = in_repository(full_name, "actions", "variables")

        def put(name: str) -> None:
            body = {"name": name, "value": variables[name]}
            with self._connection.translated(f"setting the variable {name} of {full_name}"):
                try:
                    self._connection.request("POST", path, body)
                except GithubException as error:
                    if error.status != 409 and not exists_already(error):
                        raise
                    self._connection.request("PATCH", f"{path}{api_path(name)}", body)

        each(put, sorted(variables), done)

    def variable(self, full_name: str, name: str) -> str | None:
        """Return a variable's value, or None (GET /repos/{owner}/{repo}/actions/variables/{name})."""
        path = in_repository(full_name, "actions", "variables", name)
        _, data = self._connection.find(f"reading the variable {name} of {full_name}", path)
        if data is None:
            return None
        with whole(f"reading the variable {name} of {full_name}"):
            return promised(data, "value")

    def delete_variables(self, full_name: str, names: Iterable[str], done: Note | None = None) -> None:
        """Remove variables; one that is gone already is fine. Raises RepositoryNotFound where that cannot be told."""
        path = in_repository(full_name, "actions", "variables")
        remove(self._connection, "variables", path, full_name, names, done=done)

    # -- environments ---------------------------------------------------------------------------------------

    def environments(self, full_name: str) -> dict[str, bool]:
        """Return the environments' names, in lower case, with whether each is for some branches only."""
        return environments(self._connection, full_name)

    def create_environment(self, full_name: str, name: str, branch: str, reviewers: Sequence[tuple[str, int]]) -> None:
        """Create an environment for one branch, with reviewers if there are any. Raises EnvironmentRulesRefused."""
        create_environment(self._connection, full_name, name, branch, reviewers)

    # -- pull requests --------------------------------------------------------------------------------------

    def find_pull_request(self, full_name: str, branch: str, base: str, mark: str = "") -> PullRequest | None:
        """Return the newest pull request from a branch into `base`, else the newest open one that has the mark."""
        return self._pulls.find(full_name, branch, base, mark)

    def pull_request(self, full_name: str, number: int) -> PullRequest:
        """Return a pull request by its number. Raises RepositoryNotFound where there is none that the token sees."""
        return self._pulls.get(full_name, number)

    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open a pull request; the open one, if there is one already. Raises PullRequestsOff."""
        return self._pulls.create(full_name, branch, base, title, body)

    def update_pull_request(self, full_name: str, number: int, **changes: str) -> PullRequest:
        """Change a pull request's title, body, base or state."""
        return self._pulls.update(full_name, number, **changes)

    def address_pull_request(self, full_name: str, number: int, whom: Whom) -> list[str]:
        """Put labels, assignees and reviewers on it; return what GitHub refused of that."""
        return address(self._connection, full_name, number, whom)

    def comment(self, full_name: str, number: int, text: str) -> None:
        """Comment on a pull request, once: where no answer came, look whether it was said before it is said again."""
        self._pulls.comment(full_name, number, text)

    # -- workflows ------------------------------------------------------------------------------------------

    def dispatch_workflow(self, full_name: str, workflow: str, ref: str, inputs: Mapping[str, str]) -> None:
        """Start a workflow that has a workflow_dispatch trigger."""
        path = in_repository(full_name, "actions", "workflows", workflow, "dispatches")
        self._connection.call(f"starting {workflow} in {full_name}", "POST", path, {"ref": ref, "inputs": dict(inputs)})
