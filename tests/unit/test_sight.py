"""When it is proven that a repository is not there: not each 404 of GitHub says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from custom_resources.actions_configuration import ActionsConfigurationProperties
from custom_resources.clients import protocols
from custom_resources.clients.github_sight import Installation, is_absent
from custom_resources.errors import (
    AnswerIncomplete,
    FinalError,
    NotSeenYet,
    RepositoryGone,
    RepositoryHidden,
    RepositoryLeft,
    RepositoryMayBeLeft,
    RepositoryUnseen,
    TokenRejected,
    TokenTooNarrow,
)
from custom_resources.reconciler import Request
from custom_resources.sight import left, require_missing

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


# -- what follows of it ------------------------------------------------------------------------------------------------


@dataclass
class GitHub:
    """GitHub that says whether it proves an absence, and for which repository it was asked."""

    absent: bool
    asked: list[tuple[str, int]] = field(default_factory=list)

    def is_absent(self, full_name: str, repository_id: int) -> bool:
        self.asked.append((full_name, repository_id))
        return self.absent


def required(github: GitHub, kind: Any, repository_id: int = 7, **more: Any) -> None:
    properties = ActionsConfigurationProperties(repository_id=7, repository="acme/build")
    request = Request(kind, properties, None, "id", "stack", "Actions", **more)
    require_missing(request, "acme/build", repository_id, cast("protocols.GitHub", github))


@pytest.mark.parametrize("repository_id", [0, 7])
def test_a_deletion_goes_on_where_the_absence_is_proven_and_says_so(
    repository_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    github = GitHub(absent=True)
    required(github, "Delete", repository_id, operation="DELETE_IN_PROGRESS 1")
    assert github.asked == [("acme/build", repository_id)]
    [told] = [vars(record) for record in caplog.records]
    assert (told["message"], told["repository"], told["id"]) == (
        "the owner has no such repository",
        "acme/build",
        repository_id,
    )


@pytest.mark.parametrize(("repository_id", "named"), [(0, "acme/build"), (7, "acme/build (ID 7)")])
def test_a_deletion_without_that_proof_names_what_may_be_left(repository_id: int, named: str) -> None:
    with pytest.raises(RepositoryMayBeLeft) as may_be_left:
        required(GitHub(absent=False), "Delete", repository_id)
    assert may_be_left.value.holes == {"repository": named}


def test_a_launch_that_goes_back_takes_no_absence_for_proven_of_what_it_has_made() -> None:
    github = GitHub(absent=True)
    with pytest.raises(RepositoryMayBeLeft):
        required(github, "Delete", operation="ROLLBACK_IN_PROGRESS 1")
    assert github.asked == []
    required(github, "Delete", 0, operation="ROLLBACK_IN_PROGRESS 1")
    assert github.asked == [("acme/build", 0)], "of which it has no id: it may have made none"


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_what_needs_the_repository_does_not_go_on_without_it(kind: Any) -> None:
    with pytest.raises(RepositoryGone) as gone:
        required(GitHub(absent=True), kind)
    assert gone.value.holes == {"repository": "acme/build"}
    with pytest.raises(RepositoryUnseen) as unseen:
        required(GitHub(absent=False), kind)
    assert unseen.value.holes == {"repository": "acme/build", "id": 7}


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_what_may_have_been_written_a_moment_ago_is_waited_for(kind: Any) -> None:
    github = GitHub(absent=True)
    with pytest.raises(NotSeenYet) as wait:
        required(github, kind, unsettled=True)
    assert wait.value.seconds == 5
    assert wait.value.holes == {"why": "the repository acme/build is not visible"}
    assert github.asked == []


@pytest.mark.parametrize(("repository_id", "named"), [(0, "acme/build"), (7, "acme/build (ID 7)")])
@pytest.mark.parametrize(
    "failed",
    [
        DENIED,
        TokenRejected("GitHub rejected the token."),
        RepositoryHidden(repository="acme/build"),
        RepositoryUnseen(repository="acme/build", id=7),
    ],
    ids=type,
)
def test_what_a_deletion_had_no_right_for_is_left_and_the_reason_is_handed_on(
    repository_id: int, named: str, failed: FinalError
) -> None:
    said = left("acme/build", repository_id, failed)
    assert type(said) is RepositoryLeft
    assert said.holes == {"repository": named, "why": failed.why, "advice": failed.advice}


@pytest.mark.parametrize("failed", [RepositoryMayBeLeft(repository="acme/build"), FinalError("GitHub refused.")])
def test_another_failure_stays_as_it_is(failed: FinalError) -> None:
    assert left("acme/build", 7, failed) is failed
