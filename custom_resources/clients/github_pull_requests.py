"""Pull requests: found by their branch or their mark, opened once, changed, and commented on once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from github.GithubException import GithubException

from custom_resources.clients.github_answers import PullRequest, pull_request, repository, whole
from custom_resources.clients.github_connection import Connection
from custom_resources.clients.github_errors import is_limited, not_opened
from custom_resources.clients.github_paths import in_repository
from custom_resources.errors import FinalError, PullRequestsOff

_NOT_TAKEN = frozenset({403, 404, 405, 410, 422})  # how a repository without pull requests may refuse one


class PullRequests:
    """The requests about pull requests. Thread-safe."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is asked yet."""
        self._connection = connection

    def find(self, full_name: str, branch: str, base: str, mark: str = "") -> PullRequest | None:
        """Return the newest pull request from a branch of the repository itself into `base`, open or not.

        Else the newest open one whose text carries the mark: the default branch was another when it was opened.
        None also where pull requests are turned off: GitHub then shows none and answers 404.
        """
        owner = full_name.partition("/")[0]
        asked = {"head": f"{owner}:{branch}", "state": "all", "sort": "created", "direction": "desc", "per_page": "30"}
        query = urlencode(asked)
        path, activity = f"{in_repository(full_name, 'pulls')}?{query}", f"looking up pull requests of {full_name}"
        try:
            listed = self._connection.call(activity, "GET", path)
        except FinalError:
            if self._turned_off(full_name):
                return None
            raise
        found = [pull_request(data) for data in listed]
        marked = (pull for pull in found if mark and pull.state == "open" and mark in pull.text)
        best = next((pull for pull in found if pull.base == base), None) or next(marked, None)
        others = (pull for pull in found if pull is not best and pull.state == "open")
        return replace(best, shares_branch=any(others)) if best else None

    def get(self, full_name: str, number: int) -> PullRequest:
        """Return a pull request by its number. Raises RepositoryNotFound where there is none that the token sees."""
        path = in_repository(full_name, "pulls", str(number))
        return pull_request(self._connection.call(f"reading pull request {number} of {full_name}", "GET", path))

    def create(self, full_name: str, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open a pull request; the open one, if there is one already. Raises PullRequestsOff."""
        fields = {"title": title, "head": branch, "base": base, "body": body, "maintainer_can_modify": True}
        with self._connection.translated(f"opening a pull request in {full_name}", creates=True):
            try:
                return pull_request(self._connection.request("POST", in_repository(full_name, "pulls"), fields)[1])
            except GithubException as error:
                if is_limited(error):
                    raise  # nothing more is asked
                existing = self.find(full_name, branch, base) if error.status == 422 else None
                if existing and existing.state == "open":
                    return self.update(full_name, existing.number, title=title, body=body)
                if error.status in _NOT_TAKEN and self._turned_off(full_name):
                    raise PullRequestsOff(repository=full_name) from None
                if error.status != 422:
                    raise
                raise not_opened(error, full_name, branch) from None

    def _turned_off(self, full_name: str) -> bool:
        """Check whether the repository's pull requests are turned off: GitHub does not document the error for this."""
        _, data = self._connection.find(f"looking up {full_name}", in_repository(full_name))
        return data is not None and repository(data).pull_requests_off

    def update(self, full_name: str, number: int, **changes: str) -> PullRequest:
        """Change a pull request's title, body, base or state."""
        path = in_repository(full_name, "pulls", str(number))
        return pull_request(
            self._connection.call(f"changing pull request {number} of {full_name}", "PATCH", path, changes)
        )

    def comment(self, full_name: str, number: int, text: str) -> None:
        """Comment on a pull request, once: where no answer came, look whether it was said before it is said again."""
        path = in_repository(full_name, "issues", str(number), "comments")
        tried: list[datetime] = []

        def say() -> None:
            if tried and self._said(path, text, tried[0]):
                return
            tried.append(datetime.now(UTC))
            self._connection.request("POST", path, {"body": text})

        with self._connection.translated(f"commenting on pull request {number} of {full_name}", creates=True):
            self._connection.repeated(say)

    def _said(self, path: str, text: str, when: datetime) -> bool:
        """Tell whether the newest comments hold a text (GET /repos/{owner}/{repo}/issues/{number}/comments)."""
        since = (when - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")  # by GitHub's clock, which may go otherwise
        _, listed = self._connection.request("GET", f"{path}?{urlencode({'since': since, 'per_page': '100'})}")
        with whole("looking up comments"):
            return any((each["body"] or "").split() == text.split() for each in listed)
