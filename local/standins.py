"""The controls of the two stand-ins (docs/interfaces.md): what no real service would permit a client."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from local.home import LocalError

_SECONDS = 60


@dataclass(frozen=True)
class StandIn:
    """A stand-in's `/_standin/` address."""

    name: str
    url: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make one control request; return its JSON answer. Raises LocalError when it is refused."""
        try:
            answer = requests.request(method, f"{self.url}/_standin/{path}", json=body, timeout=_SECONDS)
        except requests.RequestException as error:
            raise LocalError(f"The {self.name} does not respond; run `python -m local up`.") from error
        if answer.status_code == 404:
            raise LocalError(f"The {self.name} knows no {path}.")
        if not answer.ok:
            raise LocalError(f"The {self.name} refuses {method} {path}: {answer.text[:300]}")
        return answer.json() if answer.content else None


@dataclass(frozen=True)
class Traffic:
    """The requests that GitHub was sent: how many, and the Git requests of each repository."""

    total: int
    rest: int
    git: dict[str, int]

    def document(self) -> dict[str, Any]:
        """Return it for a JSON document."""
        return {"total": self.total, "rest": self.rest, "git": self.git}


class GitHubStandIn(StandIn):
    """The GitHub stand-in's controls."""

    def requests_made(self) -> int:
        """Return how many requests have been made so far."""
        return len(self._log())

    def _log(self) -> list[dict[str, Any]]:
        answer = self.call("GET", "requests")
        return list(answer["requests"] if isinstance(answer, dict) else answer)

    def traffic_since(self, mark: int) -> Traffic:
        """Return the requests made since `requests_made` said `mark`."""
        log = self._log()[mark:]
        git: dict[str, int] = {}
        for entry in log:
            if entry["kind"] == "git":
                repository = "/".join(entry["path"].split("/")[1:3]).removesuffix(".git")
                git[repository] = git.get(repository, 0) + 1
        return Traffic(len(log), len(log) - sum(git.values()), git)

    def repository(self, full_name: str) -> dict[str, Any]:
        """Return everything about a repository, its secrets unsealed."""
        return dict(self.call("GET", f"repositories/{full_name}"))

    def archived(self, urls: Iterable[str]) -> dict[str, dict[str, bool]]:
        """Return by full name whether the repositories at these addresses ("" where there is none) are archived."""
        names = [urlsplit(url).path.strip("/") for url in urls if url]
        return {name: {"archived": bool(self.repository(name)["archived"])} for name in names}

    def make_token(self) -> str:
        """Make a token that may do what a launch needs."""
        return str(self.call("POST", "tokens", {"scopes": ["repo", "workflow", "admin:org"]})["token"])

    def make_organization(self, login: str) -> None:
        """Make an organization, or find it there."""
        self.call("POST", "organizations", {"login": login})
