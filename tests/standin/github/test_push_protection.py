"""Push protection: what holds a secret is refused with its places and an address that allows it, by push or REST."""

from __future__ import annotations

import base64
import re

import pytest

from custom_resources.clients import github as host
from custom_resources.clients.git import Git
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.errors import ContentHasSecrets
from custom_resources.template_content import TemplateFile
from standins.github.push_hook import secrets_in
from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client, Clone, Cloning

# Put together here, so that no scanner finds them in this file.
KEY = "AKIA" + "QWERTYUIOPASDFGH"
TOKEN = "ghp_" + "a1B2" * 9
UNBLOCK = re.compile(r"(\S+)/security/secret-scanning/unblock-secret/(\w+)")


@pytest.fixture
def clone(client: Client, cloning: Cloning) -> Clone:
    client.repository("work")
    client.control("PUT", "/repositories/acme/work/push-protection", {"enabled": True})
    made = cloning("acme/work")
    made.commit({"a.txt": "a\n"})
    made.push("main")
    return made


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (f"key = {KEY!r}", ["Amazon AWS Access Key ID"]),
        (f"a\nb\n{TOKEN}", ["GitHub Personal Access Token"]),
        (f"{KEY}A and {TOKEN}b", []),
        (f"{TOKEN} {KEY}", ["Amazon AWS Access Key ID", "GitHub Personal Access Token"]),
        ("ghp_short and AKIA", []),
    ],
)
def test_what_is_a_secret(content: str, kinds: list[str]) -> None:
    assert [each.kind for each in secrets_in(content.encode())] == kinds


def test_a_push_is_refused_by_commit_path_and_line(client: Client, clone: Clone) -> None:
    """Though a later commit takes the secret out, and on any branch; what was there before is no concern."""
    leaking = clone.commit({"config/settings.py": f"# one\n# two\nkey = {KEY!r}\n"})
    clone.commit({"config/settings.py": "# one\n"})
    done = clone.push("main:other", check=False)
    assert done.returncode != 0
    assert "push declined due to repository rule violations" in done.stdout
    for line in ("GH013", "Push cannot contain secrets", f"commit: {leaking}", "path: config/settings.py:3"):
        assert line in done.stderr
    page, placeholder = UNBLOCK.findall(done.stderr)[0]
    assert page == f"{client.github.base_url}/acme/work"
    assert list(client.control("GET", "/repositories/acme/work")["refs"]) == ["refs/heads/main"]
    client.control("PUT", "/repositories/acme/work/push-protection", {"enabled": True, "allowed": [placeholder]})
    clone.push("main:other")
    clone.push("main:third")


def test_a_push_without_secrets_and_a_deletion_pass(clone: Clone) -> None:
    clone.commit({"b.txt": "AKIA\n"})
    clone.push("main", "main:other")
    clone.push(":other")


def test_switched_off_it_refuses_nothing(client: Client, clone: Clone) -> None:
    client.control("PUT", "/repositories/acme/work/push-protection", {"enabled": False})
    clone.commit({"a.txt": KEY})
    clone.push("main")


def test_a_file_by_rest_is_refused_too(client: Client, clone: Clone) -> None:
    body = {"message": "m", "content": base64.b64encode(f"x {TOKEN} {KEY}".encode()).decode()}
    said = client.expect(409, "PUT", "/repos/acme/work/contents/x.txt", body)
    assert said["message"].startswith("Repository rule violations found\n\nSecret detected in content")
    held = said["metadata"]["secret_scanning"]["bypass_placeholders"]
    assert [each["token_type"] for each in held] == ["Amazon AWS Access Key ID", "GitHub Personal Access Token"]
    allowed = [each["placeholder_id"] for each in held]
    client.control("PUT", "/repositories/acme/work/push-protection", {"enabled": True, "allowed": allowed})
    client.expect(201, "PUT", "/repos/acme/work/contents/x.txt", body)


def test_our_client_names_kind_place_and_address(github: GitHubStandIn, client: Client, clone: Clone) -> None:
    hub = host.GitHub(github.api_url, lambda: GitHubCredentials(token=github.token))
    files = [TemplateFile("src/keys.py", f"\n\n{TOKEN}\n".encode())]
    with (
        Git(github.server_url, hub.token_for, hub.renew).open("acme/work", 1_700_000_000) as repository,
        pytest.raises(ContentHasSecrets) as refused,
    ):
        repository.push(repository.look(), {"refs/heads/new": repository.import_commit(files, "first")})
    said = str(refused.value)
    assert "GitHub Personal Access Token, in src/keys.py:3" in said
    assert f"allow it at {github.base_url}/acme/work/security/secret-scanning/unblock-secret/" in said
    assert TOKEN not in said
