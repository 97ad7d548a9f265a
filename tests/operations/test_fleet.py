"""The true status: what GitHub shows now, beside what Service Catalog and CloudFormation list, and what that costs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from custom_resources.clients.github import GitHub
from custom_resources.clients.github_tokens import reach_of
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.clients.service_catalog import Launch, ServiceCatalog
from custom_resources.clients.stacks import DescribedStack
from custom_resources.errors import AccessDenied, AwsDenied, LimitUntold, RateLimited, RequestRefused
from operations.errors import UnknownProject
from operations.fleet.facts import Fleet, Project
from operations.fleet.gathering import GitHubSide, fleet_of
from operations.fleet.graphql import Answer, GraphQL, graphql_url
from operations.fleet.query import Asked, place_of, query_of
from operations.project_names import with_names
from operations.status_command import selected
from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client
from tests.standin.github.graphql_contract import wrong_with_answer, wrong_with_query

V1, V2 = "v1.0.0", "v1.1.0"
RECORD = f"Template regression/model_build {V1}\n\nStudio-Domain: d\nStudio-Version: {V1}\n"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    with GitHubStandIn.running(tmp_path / "github") as running:
        yield running


@dataclass
class Projects:
    """Launches with their stacks, and repositories on the stand-in, of which v1.0.0 was delivered."""

    github: GitHubStandIn
    client: Client
    launches: list[Launch] = field(default_factory=list)
    stacks: list[DescribedStack] = field(default_factory=list)

    def add(self, name: str, *, version: str = V1, status: str = "seeded", **stack: Any) -> None:
        """Launch a project: both repositories have the version, as their stack says."""
        outputs = {"ProfileName": "Regression"}
        for part in ("Build", "Deploy"):
            made = self._repository(f"{name}-{part.lower()}")
            outputs |= {
                f"{part}RepositoryUrl": made["html_url"],
                f"{part}RepositoryName": made["name"],
                f"{part}RepositoryId": str(made["id"]),
                f"{part}TemplateVersion": version,
                f"{part}TemplateStatus": status,
                f"{part}PullRequestUrl": "",
            }
        identifier = f"arn:aws:cloudformation:eu-west-1:1:stack/SC-1-pp-{name}/1"
        user = "arn:aws:sts::1:assumed-role/Platform/ada@example.com"
        launch = Launch(f"pp-{name}", f"studio-{name}", "pa", version, "AVAILABLE", stack=identifier, launched_by=user)
        self.launches.append(replace(launch, tags={"AmazonDataZoneProject": f"id-{name}"}))
        self.stacks.append(DescribedStack(identifier, "UPDATE_COMPLETE", outputs=outputs))

    def _repository(self, name: str) -> Any:
        made = self.client.expect(201, "POST", "/orgs/acme/repos", {"name": name, "private": True})
        self.client.write(f"acme/{name}", ".github/workflows/build.yml", "on: push\n", message=RECORD)
        tip = self.client.get(f"/repos/acme/{name}/branches/main")["commit"]["sha"]
        self.client.expect(201, "POST", f"/repos/acme/{name}/git/refs", {"ref": "refs/studio/template", "sha": tip})
        return made

    def offer(self, name: str, version: str = V2, *, reported: bool = True) -> int:
        """Open a template pull request; `reported`: the stack says so."""
        full_name, branch = f"acme/{name}-build", f"studio/template-{version}"
        tip = self.client.get(f"/repos/{full_name}/branches/main")["commit"]["sha"]
        ref = {"ref": f"refs/heads/{branch}", "sha": tip}
        self.client.expect(201, "POST", f"/repos/{full_name}/git/refs", ref)
        self.client.write(full_name, "README.md", version, branch=branch)
        body = {"title": f"Template {version}", "head": branch, "base": "main"}
        pull = self.client.expect(201, "POST", f"/repos/{full_name}/pulls", body)
        if reported:
            said = {"BuildTemplateStatus": "pull-request", "BuildPullRequestUrl": pull["html_url"]}
            self.change(name, outputs={**self.stack(name).outputs, **said, "DeployTemplateVersion": version})
        return int(pull["number"])

    def stack(self, name: str) -> DescribedStack:
        return next(each for each in self.stacks if f"pp-{name}/" in each.id)

    def change(self, name: str, **fields: Any) -> None:
        """Change what CloudFormation says of a stack."""
        old = self.stack(name)
        self.stacks[self.stacks.index(old)] = replace(old, **fields)

    def relaunch(self, name: str, **fields: Any) -> None:
        """Change what Service Catalog says of a launch."""
        old = next(each for each in self.launches if each.id == f"pp-{name}")
        self.launches[self.launches.index(old)] = replace(old, **fields)

    def look(self, *, wanted: str = V2, token: str = "", reviews: bool = False) -> Fleet:
        """Look at all of them by a token."""

        def credentials() -> GitHubCredentials:
            return GitHubCredentials(token=token or self.github.token)

        url = self.github.api_url
        side = GitHubSide(lambda: GraphQL(url, credentials), lambda: GitHub(url, credentials))
        self.github.log.clear()
        return fleet_of(self.launches, self, side, wanted, reviews=reviews)

    def every(self) -> Iterator[DescribedStack]:
        yield from self.stacks

    def described(self, stack_id: str) -> DescribedStack:
        return next(each for each in self.stacks if each.id == stack_id)

    def only(self, **more: Any) -> Project:
        [project] = self.look(**more).projects
        return project

    def requests(self) -> list[str]:
        return [f"{entry.method} {entry.path.partition('?')[0]}" for entry in self.github.log.entries]


@pytest.fixture
def projects(github: GitHubStandIn) -> Iterator[Projects]:
    client = Client(github, github.token)
    with client.session:
        yield Projects(github, client)


# -- the cases -----------------------------------------------------------------------------------------------------


def test_a_project_on_the_version_is_current(projects: Projects) -> None:
    projects.add("p1", version=V2)
    found = projects.only()
    assert (found.state, found.version("build"), found.version("deploy")) == ("current", V2, V2)
    assert (found.name, found.project, found.profile) == ("studio-p1", "id-p1", "Regression")
    assert found.owner == "ada@example.com"
    assert [each.full_name for each in found.repositories] == ["acme/p1-build", "acme/p1-deploy"]


def test_an_open_pull_request_means_the_older_version(projects: Projects) -> None:
    projects.add("p1")
    number = projects.offer("p1")
    found = projects.only()
    assert (found.state, found.version("build"), found.version("deploy")) == ("waiting", V1, V2)
    [(repository, pull)] = found.opens
    assert repository.part == "build"
    assert (pull.number, pull.version, pull.mergeable, pull.reported) == (number, V2, "mergeable", True)
    assert pull.url == f"{projects.github.base_url}/acme/p1-build/pull/{number}"
    assert pull.since.endswith("Z")


def test_a_pull_request_that_was_merged_by_hand_is_believed(projects: Projects) -> None:
    projects.add("p1")
    number = projects.offer("p1")
    projects.client.expect(200, "PUT", f"/repos/acme/p1-build/pulls/{number}/merge", {"merge_method": "squash"})
    found = projects.only()
    assert (found.state, found.version("build")) == ("current", V2)
    assert found.repositories[0].version_by == "pull-request"


def test_a_merge_into_another_branch_brings_the_default_branch_nothing(projects: Projects) -> None:
    projects.add("p1")
    number = projects.offer("p1")
    tip = projects.client.get("/repos/acme/p1-build/branches/main")["commit"]["sha"]
    projects.client.expect(201, "POST", "/repos/acme/p1-build/git/refs", {"ref": "refs/heads/other", "sha": tip})
    projects.client.expect(200, "PATCH", f"/repos/acme/p1-build/pulls/{number}", {"base": "other"})
    projects.client.expect(200, "PUT", f"/repos/acme/p1-build/pulls/{number}/merge", {})
    assert (projects.only().state, projects.only().version("build")) == ("outdated", V1)


def test_a_pull_request_that_was_closed_leaves_the_older_version(projects: Projects) -> None:
    projects.add("p1")
    number = projects.offer("p1")
    projects.client.expect(200, "PATCH", f"/repos/acme/p1-build/pulls/{number}", {"state": "closed"})
    found = projects.only()
    assert (found.state, found.reason, found.version("build")) == (
        "declined",
        "The pull request was closed without a merge.",
        V1,
    )
    assert projects.only(wanted="v1.2.0").state == "outdated"  # the next version is offered again


def test_a_branch_that_was_deleted(projects: Projects) -> None:
    projects.add("p1")
    projects.offer("p1")
    projects.client.expect(204, "DELETE", f"/repos/acme/p1-build/git/refs/heads/studio/template-{V2}")
    found = projects.only()
    assert (found.state, found.reason) == ("declined", "The pull request's branch was deleted.")
    assert found.pull_requests[0][1].branch_deleted


def test_a_renamed_repository_is_followed(projects: Projects) -> None:
    projects.add("p1", version=V2)
    projects.client.expect(200, "PATCH", "/repos/acme/p1-build", {"name": "scoring"})
    found = projects.only()
    assert (found.state, found.repositories[0].place) == ("current", "renamed")
    assert found.repositories[0].full_name == "acme/scoring"
    assert projects.requests() == ["POST /api/graphql"]


def test_the_old_name_of_a_renamed_repository_may_be_anothers_now(projects: Projects) -> None:
    projects.add("p1", version=V2)
    projects.client.expect(200, "PATCH", "/repos/acme/p1-build", {"name": "scoring"})
    projects.client.repository("p1-build")
    found = projects.only()
    assert (found.state, found.repositories[0].place) == ("current", "renamed")
    assert found.repositories[0].full_name == "acme/scoring"


def test_a_repository_that_its_owner_archived(projects: Projects) -> None:
    projects.add("p1", version=V2)
    projects.client.expect(200, "PATCH", "/repos/acme/p1-deploy", {"archived": True})
    found = projects.only()
    assert (found.state, found.reason) == ("archived", "acme/p1-deploy is archived.")


def test_a_deleted_repository_is_told_from_one_that_is_not_seen(projects: Projects) -> None:
    projects.add("p1", version=V2)
    projects.client.expect(204, "DELETE", "/repos/acme/p1-build")
    found = projects.only()
    assert (found.state, found.reason) == ("gone", "acme/p1-build is deleted.")
    member = projects.github.make_token(["repo", "workflow"], login="member", role="read")
    found = projects.only(token=member)
    assert (found.state, found.repositories[0].place) == ("gone", "unseen")
    assert "Could not resolve to a Repository" in found.reason


def test_a_workflow_that_was_removed_is_drift(projects: Projects) -> None:
    projects.add("p1", version=V1)
    blob = projects.client.get("/repos/acme/p1-build/contents/.github/workflows/build.yml")
    body = {"message": "Remove it", "sha": blob["sha"]}
    projects.client.expect(200, "DELETE", "/repos/acme/p1-build/contents/.github/workflows/build.yml", body)
    found = projects.only(wanted=V1)
    assert (found.state, found.drifts) == ("current", True)
    assert [each.missing_workflows for each in found.repositories] == [("build.yml",), ()]


def test_a_tainted_launch_failed_and_the_repository_says_which_version_it_has(projects: Projects) -> None:
    projects.add("p1", version="v0.9.0")
    projects.relaunch("p1", status="TAINTED", message="The update of p1 failed.")
    projects.change("p1", status="UPDATE_ROLLBACK_COMPLETE")
    found = projects.only()
    assert found.state == "failed"
    assert found.reason == "TAINTED, UPDATE_ROLLBACK_COMPLETE: The update of p1 failed."
    assert (found.version("build"), found.repositories[0].version_by) == (V1, "repository")


@pytest.mark.parametrize(
    ("last", "good", "status", "told"),
    [
        ("rec-2", "rec-2", "AVAILABLE", "succeeded"),
        ("rec-2", "rec-1", "TAINTED", "failed"),
        ("rec-1", None, "ERROR", "failed"),
        ("rec-2", "rec-1", "UNDER_CHANGE", ""),
        (None, None, "AVAILABLE", ""),
    ],
)
def test_how_the_last_update_ended_is_in_the_list_itself(
    last: str | None, good: str | None, status: str, told: str
) -> None:
    records = {"LastProvisioningRecordId": last, "LastSuccessfulProvisioningRecordId": good}
    item = {
        "Id": "pp-1",
        "Name": "p1",
        "ProductId": "prod-1",
        "Status": status,
        **{k: v for k, v in records.items() if v},
    }
    client = Mock()
    client.search_provisioned_products.return_value = {"ProvisionedProducts": [item]}
    [launch] = ServiceCatalog(client, Mock()).launches("prod-1", [])
    assert launch.last_update == told


def test_a_github_app_reads_the_fleet_by_a_token_for_reading(projects: Projects) -> None:
    projects.add("p1", version=V2)
    app = projects.client.control("POST", "/apps", {"slug": "studio"})
    number = projects.client.control("POST", f"/apps/{app['id']}/installations", {"organization": "acme"})["id"]

    def credentials() -> GitHubCredentials:
        return GitHubCredentials(app_id=str(app["id"]), installation_id=number, private_key=app["private_key"])

    url = projects.github.api_url
    side = GitHubSide(lambda: GraphQL(url, credentials), lambda: GitHub(url, credentials))
    [found] = fleet_of(projects.launches, projects, side, V2).projects
    assert found.state == "current"
    asked = [entry for entry in projects.github.log.entries if entry.path.endswith("/access_tokens")]
    assert len(asked) == 1
    assert reach_of("POST", "/graphql", None).body() == {
        "permissions": {"contents": "read", "metadata": "read", "pull_requests": "read"}
    }


def test_a_stack_that_could_not_roll_back(projects: Projects) -> None:
    projects.add("p1", version=V2)
    projects.relaunch("p1", status="ERROR")
    projects.change("p1", status="UPDATE_ROLLBACK_FAILED", reason="DeployTemplate: GitHub is down")
    found = projects.only()
    assert (found.state, found.reason) == (
        "failed",
        "ERROR, UPDATE_ROLLBACK_FAILED: DeployTemplate: GitHub is down",
    )


def test_a_healthy_stack_is_believed_more_than_what_people_can_push(projects: Projects) -> None:
    projects.add("p1", version="v0.9.0")  # the repository's record says v1.0.0
    found = projects.only(wanted=V1)
    assert (found.state, found.reason) == ("outdated", "build: v0.9.0, deploy: v0.9.0")


def test_a_launch_without_a_stack_or_repositories(projects: Projects) -> None:
    projects.add("p1")
    projects.relaunch("p1", status="ERROR", message="No launch path.", stack="")
    assert (projects.only().state, projects.only().reason) == ("failed", "No launch path.")
    projects.relaunch("p1", status="UNDER_CHANGE")
    assert projects.only().state == "changing"


def test_updates_that_are_switched_off(projects: Projects) -> None:
    projects.add("p1", status="off")
    assert projects.only().state == "off"
    assert projects.only(wanted=V1).state == "current"


def test_another_peoples_branch_of_a_likely_name_is_no_update_that_the_stack_reports(projects: Projects) -> None:
    projects.add("p1")
    projects.offer("p1", reported=False)
    [(_, pull)] = projects.only().opens
    assert not pull.reported


# -- what it costs, and what GitHub refuses --------------------------------------------------------------------------


def test_a_hundred_repositories_take_one_request_and_one_point(projects: Projects) -> None:
    projects.add("p1", version=V2)
    projects.client.control("PUT", "/limits", {"enabled": True})
    first, stack = projects.launches[0], projects.stacks[0]
    for number in range(2, 76):
        projects.launches.append(replace(first, id=f"pp-{number}", name=f"studio-{number}", stack=f"stack/{number}"))
        projects.stacks.append(replace(stack, id=f"stack/{number}"))
    fleet = projects.look()
    assert {each.state for each in fleet.projects} == {"current"}
    assert len(fleet.projects) == 75
    assert projects.requests() == ["POST /api/graphql"] * 2  # 150 repositories
    asked = "{ rateLimit { used } }"
    url = f"{projects.github.base_url}/api/graphql"
    assert projects.client.call("POST", url, {"query": asked}).json()["data"]["rateLimit"]["used"] == 3


def test_nothing_launched_asks_nothing(projects: Projects) -> None:
    assert projects.look().projects == ()
    assert projects.requests() == []


def test_a_query_that_takes_too_long_is_asked_in_halves(projects: Projects) -> None:
    for name in ("p1", "p2"):
        projects.add(name, version=V2)
    projects.client.control("PUT", "/limits", {"graphql_heaviest": 42})  # two repositories
    assert [each.state for each in projects.look().projects] == ["current", "current"]
    assert projects.requests() == ["POST /api/graphql"] * 3
    projects.client.control("PUT", "/limits", {"graphql_heaviest": 1})
    found = projects.look().projects[0]
    assert (found.state, found.reason) == (
        "unknown",
        "A GitHub query timed out (reading 1 repositories).",
    )


@pytest.mark.parametrize("kind", ["RATE_LIMITED", "RATE_LIMIT"])
def test_over_the_hourly_limit_the_rest_is_unknown(projects: Projects, kind: str) -> None:
    projects.add("p1", version=V2)
    projects.client.control("PUT", "/limits", {"enabled": True, "graphql": 0, "graphql_type": kind})
    found = projects.only()
    assert found.state == "unknown"
    assert "limit" in found.reason


def test_what_may_not_be_read_is_unknown(projects: Projects) -> None:
    projects.add("p1", version=V2)
    narrow = projects.github.make_token(fine_grained=True, permissions={"contents": "read"})
    found = projects.only(token=narrow)
    assert (found.state, found.reason) == ("unknown", "Resource not accessible by personal access token")


def test_one_projects_token_does_not_show_anothers_repository(projects: Projects) -> None:
    projects.add("p1", version=V2)
    projects.client.control("POST", "/organizations", {"login": "globex"})
    stranger = projects.github.make_token(login="stranger", organizations=["globex"])
    assert projects.only(token=stranger).state == "gone"


def answering(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Callable[..., Any]:
    def respond(request: Any) -> Any:
        from standins.github.messages import Response

        return Response.json(status, document, headers), "graphql"

    return respond


@pytest.mark.parametrize(
    ("document", "headers", "raised"),
    [
        ({"errors": [{"type": "RATE_LIMITED", "message": "x"}]}, {"retry-after": "7"}, RateLimited),
        ({"errors": [{"type": "RATE_LIMIT", "message": "x"}]}, {}, LimitUntold),
        ({"errors": [{"message": "You have exceeded a secondary rate limit."}]}, {}, LimitUntold),
    ],
)
def test_a_limit_is_a_wait_however_it_is_spelled(
    github: GitHubStandIn, document: Any, headers: dict[str, str], raised: type[Exception]
) -> None:
    github.respond = answering(200, document, headers)  # type: ignore[method-assign]
    with pytest.raises(raised):
        GraphQL(github.api_url, lambda: GitHubCredentials(token="t")).ask("reading", "{ viewer { login } }", {})


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"errors": [{"message": 'Parse error on "}"'}]}, "Parse error"),
        ({"message": "GraphQL is switched off here"}, "switched off"),
        ({}, "an answer without data"),
        ({"data": None, "errors": [{"type": "INSUFFICIENT_SCOPES", "message": "needs read:org"}]}, "needs read:org"),
    ],
)
def test_an_answer_without_data_says_why(github: GitHubStandIn, document: Any, said: str) -> None:
    github.respond = answering(200, document)  # type: ignore[method-assign]
    with pytest.raises(RequestRefused, match=said):
        GraphQL(github.api_url, lambda: GitHubCredentials(token="t")).ask("reading", "{ viewer { login } }", {})


class Queries:
    """GraphQL that answers as it is told."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)

    def ask(self, activity: str, query: str, variables: Any) -> Answer:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Answer({name: value for name, value in found.items() if name.startswith("r")}, found.get("errors", {}))


def test_a_server_that_tells_less_is_read_as_far_as_it_goes(projects: Projects) -> None:
    """Null without an error, no ids, nodes that are null, fields that are null."""
    projects.add("p1", version=V2)

    def look(*answers: dict[str, Any]) -> Project:
        url, queries = projects.github.api_url, Queries(*answers)
        rest = GitHub(url, lambda: GitHubCredentials(token=projects.github.token))
        [found] = fleet_of(projects.launches, projects, GitHubSide(lambda: queries, lambda: rest), V2).projects
        return found

    bare = {"nameWithOwner": "acme/p1-build", "isArchived": False, "defaultBranchRef": None, "pullRequests": None}
    deploy = {**bare, "nameWithOwner": "acme/p1-deploy", "pullRequests": {"nodes": [None]}}
    assert look({"r0": bare, "r1": deploy}).state == "current"
    assert look({"r0": None, "r1": deploy}).state == "unknown"  # REST shows it
    found = look({"r0": {**bare, "pullRequests": {"nodes": [{"number": 1}]}}, "r1": deploy})
    assert found.state == "unknown"
    assert "reading 2 repositories" in found.reason


def test_a_403_is_what_it_is_on_rest(github: GitHubStandIn) -> None:
    document = {"message": "Although you appear to have the correct authorization, no."}
    github.respond = answering(403, document)  # type: ignore[method-assign]
    with pytest.raises(AccessDenied):
        GraphQL(github.api_url, lambda: GitHubCredentials(token="t")).ask("reading", "{ viewer { login } }", {})


# -- the query -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reviews", [False, True])
def test_the_query_and_its_answer_are_as_github_publishes_them(projects: Projects, reviews: bool) -> None:
    projects.add("p1")
    number = projects.offer("p1")
    asked = [Asked(1, "acme", "p1-build", number), Asked(2, "acme", "p1-deploy")]
    query, variables = query_of(asked, reviews=reviews)
    assert wrong_with_query(query) == []
    url = f"{projects.github.base_url}/api/graphql"
    answer = projects.client.call("POST", url, {"query": query, "variables": variables}).json()
    assert "errors" not in answer
    assert wrong_with_answer(query, variables, answer) == []


def test_names_are_variables_and_never_text_of_the_query() -> None:
    hostile = 'x") { id } viewer { login } r: repository(owner: "a'
    query, variables = query_of([Asked(1, "acme", hostile)])
    assert hostile not in query
    assert variables == {"o0": "acme", "n0": hostile}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://github.com/acme/p1", ("acme", "p1", 0)),
        ("https://github.com/acme/p1/pull/7", ("acme", "p1", 7)),
        ("https://github.com/acme/p1/pull/7/files", ("", "", 0)),
        ("https://github.com/acme", ("", "", 0)),
        ("", ("", "", 0)),
    ],
)
def test_an_address_names_a_repository_and_maybe_a_pull_request(url: str, told: tuple[str, str, int]) -> None:
    assert place_of(url) == told


@pytest.mark.parametrize(
    ("api", "told"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://git.example.com/api/v3/", "https://git.example.com/api/graphql"),
        ("https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
    ],
)
def test_where_graphql_is(api: str, told: str) -> None:
    assert graphql_url(api) == told


def test_projects_are_named_by_name_or_id(projects: Projects) -> None:
    projects.add("p1", version=V2)
    found = projects.only()
    assert [found.belongs_to(each) for each in ("studio-p1", "pp-p1", "id-p1", "p1", "p2")] == [True] * 4 + [False]
    assert json.dumps(found.name)


def named_launches(*names: str) -> tuple[list[Launch], Any]:
    """Launches p0, p1, ... in stacks whose projects have these names in Studio, and who lists the stacks."""
    launches = [
        Launch(f"pp-{n}", f"studio-p{n}", "pa-1", V1, "AVAILABLE", stack=f"stack-{n}") for n, _ in enumerate(names)
    ]
    stacks = [DescribedStack(f"stack-{n}", "CREATE_COMPLETE", outputs={"ProjectName": name})
              for n, name in enumerate(names)]  # fmt: skip
    return launches, Mock(every=Mock(side_effect=lambda: iter(stacks)))


def test_a_project_is_named_as_studio_names_it() -> None:
    launches, stacks = named_launches("churn", "fraud")
    assert [each.belongs_to("fraud") for each in with_names(launches, ["fraud"], stacks)] == [False, True]
    assert not any(each.belongs_to("loans") for each in with_names(launches, ["loans"], stacks))


def test_ids_cost_no_look_at_the_stacks() -> None:
    launches, stacks = named_launches("churn", "fraud")
    for asked in ([], ["p1"], ["pp-0", "studio-p1"]):
        assert with_names(launches, asked, stacks) == launches
    assert not stacks.every.called


def test_who_names_a_project_after_another_ones_id_is_not_meant_by_it() -> None:
    launches, stacks = named_launches("churn", "p0", "fraud")
    found = with_names(launches, ["p0", "fraud"], stacks)
    assert [each.id for each in found if each.belongs_to("p0")] == ["pp-0"]
    assert [each.id for each in found if each.belongs_to("fraud")] == ["pp-2"]


def test_a_name_is_looked_up_stack_by_stack_where_the_list_may_not_be_read() -> None:
    launches, stacks = named_launches("churn", "fraud")
    every = {each.id: each for each in stacks.every()}
    one_by_one = Mock(every=Mock(side_effect=AwsDenied("no")), described=every.__getitem__)
    assert [each.belongs_to("churn") for each in with_names(launches, ["churn"], one_by_one)] == [True, False]


def test_status_calls_a_project_by_its_name_in_studio() -> None:
    launches, stacks = named_launches("churn")
    nobody: Any = None
    project = fleet_of(launches, stacks, GitHubSide(nobody, nobody), V1).projects[0]
    assert (project.name, project.launch_name) == ("churn", "studio-p0")
    assert all(project.belongs_to(each) for each in ("churn", "studio-p0", "p0", "pp-0"))


@pytest.mark.parametrize("asked", ["p0", "pp-0", "studio-p0"])
def test_no_command_of_the_fleet_means_a_project_that_is_called_as_anothers_id(asked: str) -> None:
    """Project B is called after project A: what status shows, and pull-requests merges, of A's id is A alone."""
    launches, stacks = named_launches("churn", asked)
    nobody: Any = None
    fleet = fleet_of(launches, stacks, GitHubSide(nobody, nobody), V1)
    assert [each.launch for each in selected(fleet, [asked]).projects] == ["pp-0"]
    assert [each.launch for each in selected(fleet, [asked, "p1"]).projects] == ["pp-0", "pp-1"]
    assert [each.launch for each in selected(fleet, ["churn"]).projects] == ["pp-0"]
    with pytest.raises(UnknownProject):
        selected(fleet, ["loans"])
