"""Why an environment has no reviewers, as its owner reads it."""

from __future__ import annotations

from typing import cast

import pytest

from custom_resources.clients.protocols import GitHub
from custom_resources.errors import EnvironmentRulesRefused
from custom_resources.repository_environments import _why


class Hub:
    """Knows a repository, and notes that it was asked."""

    asked = 0

    def find_repository(self, full_name: str) -> object:
        self.asked += 1
        return type("Found", (), {"owner": full_name.partition("/")[0], "in_user_account": full_name[:3] == "ada"})()


@pytest.mark.parametrize(
    ("message", "kind", "said", "asked"),
    [
        ("Upgrade your Plan", "Team", "Upgrade your Plan", 0),
        ("No such reviewer", "User", "No such reviewer", 0),
        ("No such reviewer", "Team", "ada is a user account, which has no teams", 1),
    ],
)
def test_a_user_account_has_no_teams_unless_github_speaks_of_its_plan(
    message: str, kind: str, said: str, asked: int
) -> None:
    hub = Hub()
    refused = EnvironmentRulesRefused(environment="production", repository="ada/x", activity="a", message=message)
    assert _why(refused, [(kind, 7)], "ada/x", cast("GitHub", hub)) == said
    assert hub.asked == asked


def test_in_an_organization_githubs_words_stay() -> None:
    refused = EnvironmentRulesRefused(environment="production", repository="acme/x", activity="a", message="No")
    assert _why(refused, [("Team", 7)], "acme/x", cast("GitHub", Hub())) == "No"
