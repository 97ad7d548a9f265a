"""Limits are told before they are met: by doctor, and by publish."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custom_resources.clients.github import GitHub
from custom_resources.clients.secrets import GitHubCredentials
from operations.doctor.check import Check
from operations.doctor.limits import LEAST_CONCURRENCY, LimitChecks, kind_of, used
from operations.errors import TooManyVersions
from operations.publish import publish
from operations.template_source import resolve
from operations.version_limit import remark_on, removable
from products.settings import Settings
from products.versions import Version
from standins.github.server import GitHubStandIn
from tests.operations.conftest import Files, folder
from tests.operations.test_doctor import Session, session
from tests.operations.test_fleet import github

__all__ = ["Files", "folder", "github", "session"]


def checked(session: Session, github: GitHubStandIn, name: str, token: str = "") -> Check:
    def credentials() -> GitHubCredentials:
        return GitHubCredentials(token=token or github.token)

    checks = LimitChecks(session, Settings(), GitHub(github.api_url, credentials), credentials)  # type: ignore[arg-type]
    [check] = dict(checks.all())[name]()
    return check


@pytest.mark.parametrize(
    ("count", "state"), [(0, "ok"), (799, "ok"), (800, "risk"), (999, "risk"), (1000, "problem"), (1001, "problem")]
)
def test_a_limit_is_near_at_four_fifths(count: int, state: str) -> None:
    check = used("Roles", count, 1000, "Ask for more.")
    assert (check.state, bool(check.fix)) == (state, state != "ok")
    assert f"{count:,} of 1,000" in check.detail


def test_roles_are_counted(session: Session, github: GitHubStandIn) -> None:
    session.answers("iam", "get_account_summary", {"SummaryMap": {"Roles": 850, "RolesQuota": 1000}})
    check = checked(session, github, "IAM roles")
    assert (check.state, check.detail) == ("risk", "850 of 1,000")


def stack(status: str) -> dict[str, Any]:
    return {"StackName": "s", "CreationTime": 0, "StackStatus": status}


def test_stacks_are_counted_over_pages_without_deleted_ones(session: Session, github: GitHubStandIn) -> None:
    session.answers(
        "cloudformation", "describe_account_limits", {"AccountLimits": [{"Name": "StackLimit", "Value": 4}]}
    )
    first = [stack("CREATE_COMPLETE"), stack("DELETE_COMPLETE"), stack("DELETE_FAILED")]
    session.answers("cloudformation", "list_stacks", {"StackSummaries": first, "NextToken": "more"})
    session.answers("cloudformation", "list_stacks", {"StackSummaries": [stack("UPDATE_COMPLETE")]}, NextToken="more")
    check = checked(session, github, "CloudFormation stacks")
    assert (check.state, check.detail) == ("ok", "3 of 4")


def test_versions_of_the_product_are_counted(session: Session, github: GitHubStandIn) -> None:
    stacks = {"StackName": "PortfolioStack", "CreationTime": 0, "StackStatus": "CREATE_COMPLETE"}
    outputs = [{"OutputKey": "ProductId", "OutputValue": "prod-1"}]
    session.answers("cloudformation", "describe_stacks", {"Stacks": [{**stacks, "Outputs": outputs}]})
    details = [{"Id": f"pa-{number}", "Name": f"v1.{number}.0"} for number in range(81)]
    session.answers("servicecatalog", "list_provisioning_artifacts", {"ProvisioningArtifactDetails": details})
    check = checked(session, github, "Product versions")
    assert (check.state, check.detail) == ("risk", "81 of 100")
    assert "Remove versions" in check.fix


@pytest.mark.parametrize(("free", "state"), [(10, "risk"), (LEAST_CONCURRENCY, "ok"), (900, "ok")])
def test_concurrency_of_a_new_account_is_little(session: Session, github: GitHubStandIn, free: int, state: str) -> None:
    limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": free}
    session.answers("lambda", "get_account_settings", {"AccountLimit": limit})
    assert checked(session, github, "Lambda concurrency").state == state


@pytest.mark.parametrize("name", ["IAM roles", "CloudFormation stacks", "Product versions", "Lambda concurrency"])
def test_what_may_not_be_counted_is_unknown(session: Session, github: GitHubStandIn, name: str) -> None:
    for service, operation in (
        ("iam", "get_account_summary"),
        ("cloudformation", "describe_account_limits" if name != "Product versions" else "describe_stacks"),
        ("lambda", "get_account_settings"),
    ):
        session.refuses(service, operation, "AccessDenied", "no")
    check = checked(session, github, name)
    assert check.state == "unknown"
    assert check.detail.startswith("cannot be read: ")


def test_the_tokens_limits_are_told_and_nothing_of_the_token(session: Session, github: GitHubStandIn) -> None:
    check = checked(session, github, "GitHub limits")
    assert check.state == "ok"
    assert "5,000 of 5,000 left this hour" in check.detail
    assert "GraphQL: " in check.detail
    assert github.token not in str(check)


def test_a_token_that_others_have_spent_is_a_risk(session: Session, github: GitHubStandIn) -> None:
    from standins.github.limits import Limits

    github.accounting.configure(Limits(enabled=True, primary=5))
    credentials = GitHubCredentials(token=github.token)
    for _ in range(5):
        GitHub(github.api_url, lambda: credentials).look_up("spending", "/user")
    check = checked(session, github, "GitHub limits")
    assert (check.state, "REST: 0 of 5 left" in check.detail) == ("risk", True)


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("ghp_x", "a personal access token (classic)"),
        ("github_pat_x", "a fine-grained personal access token"),
        ("else", "a token"),
        ("", "a GitHub App"),
    ],
)
def test_the_kind_of_a_token_is_known_by_its_form(token: str, kind: str) -> None:
    assert kind_of(GitHubCredentials(token=token)) == kind


# -- publish -----------------------------------------------------------------------------------------------------------


def versions(count: int, **guidance: Any) -> list[Version]:
    made = {"archive": f"{'0' * 64}.zip", "source": "s", "created": "2026-11-24T00:00:00Z"}
    return [
        Version(version=f"v1.{number}.0", guidance=guidance.get(f"v{number}", "DEFAULT"), **made)
        for number in range(count)
    ]


def test_the_eightieth_is_remarked_and_the_hundredth_refused() -> None:
    assert remark_on(versions(78)) == ""
    assert "This is version 80. Service Catalog allows 100" in remark_on(versions(79))
    assert "This is version 99. Service Catalog allows 100" in remark_on(versions(98))
    with pytest.raises(TooManyVersions, match="99 versions are published"):
        remark_on(versions(99))


def test_what_may_go_is_named_in_the_order_in_which_it_may() -> None:
    found = versions(9, v1="INACTIVE", v2="DEPRECATED", v3="INACTIVE", v8="INACTIVE")
    assert removable(found) == "Remove the oldest INACTIVE versions first: v1.1.0, v1.3.0."
    assert removable(versions(9, v2="DEPRECATED")) == "Remove the oldest DEPRECATED versions first: v1.2.0."
    many = {f"v{number}": "INACTIVE" for number in range(8)}
    assert removable(versions(9, **many)).endswith("v1.4.0 and 3 more.")
    assert removable(versions(3)) == "No version is INACTIVE. The oldest are v1.0.0, v1.1.0."


@pytest.fixture
def published(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of versions in which 98 are published, by their records."""
    monkeypatch.setattr("operations.publish.read_versions", lambda directory: versions(98)[:98])
    monkeypatch.setattr("operations.publish._files", lambda directory, version: [])
    yield tmp_path / "versions"


def test_publish_says_it_and_refuses(folder: Path, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = resolve(folder, "", "templates", "", [])
    done = publish(content, "v2.0.0", directory=published, dry_run=True)
    assert any("This is version 99. Service Catalog allows 100" in remark for remark in done.remarks)
    monkeypatch.setattr("operations.publish.read_versions", lambda directory: versions(99))
    with pytest.raises(TooManyVersions):
        publish(content, "v2.0.0", directory=published)
    assert not published.exists()
