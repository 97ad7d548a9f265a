"""What `status` says of pull requests: GitHub's word, with one request for each that a stack reports."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from custom_resources.clients.github import PullRequest
from custom_resources.clients.service_catalog import Launch
from custom_resources.errors import AwsNotFound, RepositoryNotFound
from operations.waiting import Waiting, waiting

BASE = "https://github.com/acme/p1-"
OUTPUTS = {
    "ModelBuildTemplateStatus": "pull-request",
    "ModelBuildPullRequestUrl": f"{BASE}build/pull/7",
    "ModelDeployTemplateStatus": "merged",
    "ModelDeployPullRequestUrl": "",
}


def launch(name: str = "studio-p1", stack: str = "stack") -> Launch:
    return Launch("pp-1", name, "pa-1", "v2", "AVAILABLE", stack=stack)


def found(*launches: Launch, outputs: Mapping[str, str] = OUTPUTS, state: str = "open", merged: bool = False):  # type: ignore[no-untyped-def]
    asked: list[tuple[str, int]] = []

    def look(name: str, number: int) -> PullRequest:
        asked.append((name, number))
        return PullRequest(number, f"{BASE}build/pull/{number}", state, merged, "head", "studio/template-v2")

    return list(waiting(launches, lambda _: outputs, look)), asked


@pytest.mark.parametrize(
    ("state", "merged", "told"), [("open", False, "open"), ("closed", True, "merged"), ("closed", False, "closed")]
)
def test_github_tells_what_became_of_it_in_one_request(state: str, merged: bool, told: str) -> None:
    told_of, asked = found(launch(), launch("failed", stack=""), state=state, merged=merged)
    assert told_of == [Waiting("studio-p1", f"{BASE}build/pull/7", told)]
    assert asked == [("acme/p1-build", 7)]


def test_where_nothing_waits_nothing_is_asked() -> None:
    assert found(launch(), outputs={**OUTPUTS, "ModelBuildTemplateStatus": "merged"}) == ([], [])


@pytest.mark.parametrize("url", ["", "https://github.com/acme/p1-build", f"{BASE}build/pull/7/files", "pull/7"])
def test_an_output_that_names_no_pull_request_is_unknown(url: str) -> None:
    [told], asked = found(launch(), outputs={**OUTPUTS, "ModelBuildPullRequestUrl": url})
    assert (told.state, asked) == ("unknown", [])


def test_what_cannot_be_read_is_unknown_and_the_rest_is_told() -> None:
    def outputs(stack: str) -> Mapping[str, str]:
        if stack == "gone":
            raise AwsNotFound(service="CloudFormation", activity="reading the stack gone", message="gone")
        return OUTPUTS

    def look(name: str, number: int) -> PullRequest:
        raise RepositoryNotFound(activity=f"reading {name}")

    told = list(waiting([launch("a", "gone"), launch("b")], outputs, look))
    assert [(each.launch, each.state, bool(each.problem)) for each in told] == [
        ("a", "unknown", True),
        ("b", "unknown", True),
    ]
