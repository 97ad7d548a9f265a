"""When it is proven that a repository is not there: not each 404 of GitHub says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from custom_resources.clients.github_sight import Installation, is_absent
from custom_resources.errors import AnswerIncomplete, TokenTooNarrow

SEES_ALL = {
    "account": {"login": "Acme"},
    "permissions": {"contents": "write"},
    "repository_selection": "all",
    "suspended_at": None,
}
CLASSIC = {"x-oauth-scopes": "workflow, repo"}
ADMIN = {"role": "admin", "state": "active"}
DENIED = TokenTooNarrow(activity="looking", message="Resource not accessible")


@dataclass
class Connection:
    """What GitHub answers about the token, or the App's installation."""

    leads_to: int = 0
    app: Mapping[str, Any] | Exception | None = None
    scopes: Mapping[str, Any] = field(default_factory=lambda: CLASSIC)
    user: Mapping[str, Any] | Exception | None = field(default_factory=lambda: {"login": "bot"})
    membership: Mapping[str, Any] | Exception | None = field(default_factory=lambda: ADMIN)
    classic_token: bool = True
    asked: list[str] = field(default_factory=list)

    @property
    def is_app(self) -> bool:
        return self.app is not None

    def redirect(self, full_name: str) -> int:
        assert full_name == "acme/build"
        return self.leads_to

    def installation(self) -> Any:
        return told(self.app)

    def find(self, activity: str, path: str) -> tuple[Mapping[str, Any], Any]:
        self.asked.append(f"{activity}: {path}")
        return (self.scopes, told(self.user)) if path == "/user" else ({}, told(self.membership))


def told(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.mark.parametrize(
    ("connection", "absent"),
    [
        (Connection(), True),
        (Connection(scopes={"x-oauth-scopes": "public_repo"}), False),
        (Connection(scopes={}), False),
        (Connection(scopes={"x-oauth-scopes": None}), False),
        (Connection(user=None), False),
        (Connection(user={}), False),
        (Connection(user=DENIED), False),
        (Connection(classic_token=False), False),
        (Connection(membership=None), False),
        (Connection(membership=DENIED), False),
        (Connection(membership={**ADMIN, "role": "member"}), False),
        (Connection(membership={**ADMIN, "state": "pending"}), False),
        (Connection(user={"login": "ACME"}, membership=None), True),  # the owner himself
        (Connection(app=SEES_ALL), True),
        (Connection(app={**SEES_ALL, "repository_selection": "selected"}), False),
        (Connection(app={**SEES_ALL, "suspended_at": "2026-11-27T10:00:00Z"}), False),
        (Connection(app={**SEES_ALL, "account": {"login": "others"}}), False),
        (Connection(app=DENIED), False),
    ],
)
def test_only_who_sees_all_of_an_owner_proves_that_a_repository_is_not_there(connection: Any, absent: bool) -> None:
    assert is_absent(connection, "acme/build", 0) is absent


@pytest.mark.parametrize(
    ("leads_to", "wanted", "absent"), [(0, 0, True), (0, 7, True), (7, 7, False), (8, 7, True), (7, 0, False)]
)
def test_a_name_that_leads_elsewhere_is_there(leads_to: int, wanted: int, absent: bool) -> None:
    """By its name whatever answers is it; by its id only that repository."""
    connection: Any = Connection(leads_to=leads_to)
    assert is_absent(connection, "acme/build", wanted) is absent


def test_what_is_asked_about_a_token() -> None:
    connection: Any = Connection()
    is_absent(connection, "acme/build", 0)
    assert connection.asked == [
        "looking up the token's user: /user",
        "reading the token's membership in acme: /user/memberships/orgs/acme",
    ]


@pytest.mark.parametrize("missing", ["account", "permissions"])
def test_an_answer_without_what_counts_is_none(missing: str) -> None:
    assert Installation.of(SEES_ALL) == Installation("Acme", {"contents": "write"}, reaches_all=True, suspended=False)
    bare = Installation.of({"account": {"login": "a"}, "permissions": {}})
    assert (bare.reaches_all, bare.suspended) == (False, False)
    with pytest.raises(AnswerIncomplete, match="reading the App's installation"):
        Installation.of({key: value for key, value in SEES_ALL.items() if key != missing})
