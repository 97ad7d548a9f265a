"""`publish --pull-request` on the GitHub stand-in, with real Git: one branch, renewed in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from custom_resources.clients.github import GitHub
from custom_resources.clients.secrets import GitHubCredentials
from operations.errors import CheckoutUnusable, PublishTokenNotSet
from operations.publish import Render
from operations.publish_pull_request import BRANCH, Proposed, Wish, description, propose
from operations.rendering import Rendering
from operations.template_source import resolve
from products.versions import Version
from standins.github.server import GitHubStandIn
from tests.operations.conftest import folder, git, write
from tests.operations.test_fleet import github
from tests.standin.github.conftest import Client

__all__ = ["folder", "github"]
VERSIONS = "products/versions"


@dataclass
class Installation:
    """A clone of an installation's repository on the stand-in."""

    github: GitHubStandIn
    client: Client
    checkout: Path
    source: Path

    def propose(self, token: str | None = None, render: Render | None = None) -> Proposed:
        value = self.github.token if token is None else token
        content = resolve(self.source, "", "templates", "", [])
        api = GitHub(self.github.api_url, lambda: GitHubCredentials(token=value))
        return propose(Wish(content, VERSIONS, render), self.checkout, value, api)

    def pulls(self) -> list[tuple[int, str, str]]:
        found = self.client.get("/repos/acme/install/pulls?state=all")
        return [(each["number"], each["state"], each["title"]) for each in found]

    def state(self) -> tuple[str, str]:
        return git(self.checkout, "status", "--porcelain"), git(self.checkout, "rev-parse", "HEAD")

    def branch(self) -> str:
        return str(self.client.get(f"/repos/acme/install/git/ref/heads/{BRANCH}")["object"]["sha"])


@pytest.fixture
def installation(github: GitHubStandIn, folder: Path, tmp_path: Path) -> Iterator[Installation]:
    client = Client(github, github.token)
    with client.session:
        name = client.repository("install")
        client.write(name, "README.md", "# Ours\n")
        checkout = tmp_path / "checkout"
        url = github.server_url.replace("://", f"://x:{github.token}@")
        git(tmp_path, "clone", "--quiet", f"{url}/{name}.git", str(checkout))
        git(checkout, "remote", "set-url", "origin", f"{github.server_url}/{name}.git")
        write(checkout, {"not-committed.txt": "mine\n"})
        yield Installation(github, client, checkout, folder)


def test_the_first_version_is_opened_and_the_checkout_left_alone(installation: Installation) -> None:
    before = installation.state()
    made = installation.propose()
    assert (made.state, made.published.version.version) == ("opened", "v1.0.0")
    assert installation.pulls() == [(1, "open", "Publish v1.0.0")]
    assert made.url == f"{installation.github.base_url}/acme/install/pull/1"
    changed = git(installation.checkout, "diff", "--name-only", "HEAD", installation.branch())
    assert changed.split() == [f"{VERSIONS}/v1.0.0/{name}" for name in ("archive.zip", "version.json")]
    assert before == installation.state()
    assert not (installation.checkout / VERSIONS).exists()
    assert git(installation.checkout, "worktree", "list").count("\n") == 0


def test_the_same_content_again_changes_nothing(installation: Installation) -> None:
    installation.propose()
    tip = installation.branch()
    assert installation.propose().state == "unchanged"
    assert (installation.branch(), len(installation.pulls())) == (tip, 1)


def test_a_new_commit_in_the_source_renews_it_in_place(installation: Installation) -> None:
    installation.propose()
    write(installation.source, {"templates/regression/model_build/README.md": "# Other\n"})
    made = installation.propose()
    assert made.state == "renewed"
    assert installation.pulls() == [(1, "open", "Publish v1.0.0")]
    assert len(installation.client.get("/repos/acme/install/pulls/1/commits")) == 1


def test_it_is_put_on_top_of_a_default_branch_that_went_on(installation: Installation) -> None:
    installation.propose()
    installation.client.write("acme/install", "settings.toml", "x = 1\n")
    assert installation.propose().state == "renewed"
    assert installation.client.get("/repos/acme/install/compare/main...publish%2Fnext")["behind_by"] == 0
    assert installation.propose().state == "unchanged"


def test_after_the_merge_there_is_nothing_then_the_next_version(installation: Installation) -> None:
    installation.propose()
    installation.client.expect(200, "PUT", "/repos/acme/install/pulls/1/merge", {})
    assert installation.propose().state == "nothing"
    write(installation.source, {"templates/regression/model_build/new.txt": "new\n"})

    asked = list[str]()

    def render(directory: Path, record: Version, *_: object) -> Rendering:
        asked.append(record.version)
        return Rendering(f"template of {record.version}".encode(), "{}\n")

    made = installation.propose(render=render)
    assert (made.state, made.published.version.version) == ("opened", "v1.1.0")
    assert asked == ["v1.0.0", "v1.1.0"], "each takes seconds"
    changed = git(installation.checkout, "diff", "--name-only", "origin/main", installation.branch()).split()
    of_both = {f"{VERSIONS}/{version}/product.template.json" for version in ("v1.0.0", "v1.1.0")}
    assert of_both <= set(changed), "the version before lacked its own: it must stay as it was rendered"
    assert [each[2] for each in installation.pulls() if each[1] == "open"] == ["Publish v1.1.0"]


def test_what_somebody_closed_is_not_opened_again_before_it_changes(installation: Installation) -> None:
    installation.propose()
    installation.client.expect(200, "PATCH", "/repos/acme/install/pulls/1", {"state": "closed"})
    assert installation.propose().state == "declined"
    installation.client.write("acme/install", "settings.toml", "x = 1\n")
    assert installation.propose().state == "declined"
    write(installation.source, {"templates/regression/model_build/README.md": "# Other\n"})
    assert installation.propose().state == "opened"


def test_what_the_source_took_back_is_closed(installation: Installation) -> None:
    installation.propose()
    installation.client.expect(200, "PUT", "/repos/acme/install/pulls/1/merge", {})
    readme = installation.source / "templates/regression/model_build/README.md"
    before = readme.read_text()
    readme.write_text("# Other\n")
    assert installation.propose().state == "opened"
    readme.write_text(before)
    assert installation.propose().state == "closed"
    assert [each[1] for each in installation.pulls()] == ["closed", "closed"]


def test_a_run_that_ended_between_push_and_pull_request_is_finished(installation: Installation) -> None:
    fault = {"match": {"method": "POST", "path": "/pulls"}, "fault": "saml", "times": 1}
    installation.client.control("POST", "/faults", fault)
    with pytest.raises(Exception, match=r"SAML|single sign-on"):
        installation.propose()
    assert installation.pulls() == []
    assert installation.propose().state == "opened"


def test_without_a_token_or_a_github_origin_it_is_refused(installation: Installation) -> None:
    with pytest.raises(PublishTokenNotSet):
        installation.propose(token="")
    git(installation.checkout, "remote", "set-url", "origin", str(installation.source))
    with pytest.raises(CheckoutUnusable, match="is not a GitHub repository"):
        installation.propose()


def test_a_token_that_may_not_push_is_refused_without_being_shown(installation: Installation) -> None:
    reader = installation.github.make_token(["repo", "workflow"], login="reader", role="read")
    with pytest.raises(CheckoutUnusable, match="git push") as refused:
        installation.propose(token=reader)
    assert reader not in str(refused.value)
    assert installation.pulls() == []


def test_the_description_cannot_be_broken_out_of(installation: Installation, tmp_path: Path) -> None:
    made = installation.propose()
    change = replace(made.published.changes[0], added=("a`\n# big", "x" * 300), changed=(), deleted=())
    text = description(replace(made.published, changes=(change,), remarks=("`<img src=x>`",)))
    assert "\n# big" not in text
    assert "- adds `a'?# big`" in text
    assert "`'<img src=x>'`" in text
    many = replace(change, added=tuple(f"{'x' * 200}{number}" for number in range(2000)))
    assert len(description(replace(made.published, changes=tuple([many] * 20)))) < 65_536
