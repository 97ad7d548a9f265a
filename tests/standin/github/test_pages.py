"""The pages that links lead to."""

from __future__ import annotations

import base64
import html
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from nacl.public import PublicKey, SealedBox

from tests.standin.axe import violations
from tests.standin.github.conftest import Client

EVIL = "<script>alert(1)</script>"


def page(client: Client, path: str, status: int = 200) -> str:
    response = client.session.get(client.github.base_url + path, timeout=10)
    assert response.status_code == status
    assert "<script>" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]
    return response.text


def test_pages_show_what_there_is_and_escape_it(client: Client) -> None:
    client.repository("work", description=EVIL)
    client.write("acme/work", "folder/evil & co.html", EVIL)
    client.expect(201, "POST", "/repos/acme/work/actions/variables", {"name": "EVIL", "value": EVIL})
    sha = client.get("/repos/acme/work/branches/main")["commit"]["sha"]
    client.expect(201, "POST", "/repos/acme/work/git/refs", {"ref": "refs/heads/studio/v1", "sha": sha})
    client.write("acme/work", "b.txt", EVIL, branch="studio/v1")
    body = {"title": EVIL, "head": "studio/v1", "base": "main", "body": EVIL}
    pull = client.expect(201, "POST", "/repos/acme/work/pulls", body)
    client.expect(201, "POST", "/repos/acme/work/issues/1/comments", {"body": EVIL})
    assert "acme/work" in page(client, "/")
    assert "acme/work" in page(client, "/acme")
    shown = page(client, "/acme/work")
    assert "&lt;script&gt;" in shown
    links = re.findall(r'href="([^"]+)"', shown)
    assert "/acme/work/blob/main/folder/evil%20%26%20co.html" in links
    for link in links:
        page(client, link)
    for address in (pull["html_url"], pull["head"]["repo"]["html_url"]):
        assert "&lt;script&gt;" in page(client, address.removeprefix(client.github.base_url))
    page(client, f"/acme/work/commit/{sha}")
    page(client, "/acme/work/blob/studio/v1/b.txt")
    for nothing in ("/acme/none", "/none", "/acme/work/blob/main/none", "/acme/work/pull/9"):
        page(client, nothing, 404)
    assert client.session.post(client.github.base_url + "/acme/work", timeout=10).status_code == 405


TEXT = """The project template has a new version, **v2**.

> ## Faster

### What conflicts

- `train.py`: lines 3-5

```sh
git fetch origin
```

<details>
<summary>What git says</summary>

```
CONFLICT <script>alert(1)</script>
```

</details>

| a | b |
|---|---|
| 1 | 2 |

[a link](https://example.com) [a script](javascript:alert(1)) ![an image](https://example.com/x.png)
<img src=x onerror=alert(1)> <details open>

<!-- studio-project-template -->
"""


def filled(client: Client) -> str:
    """Make a repository with all that pages show; return its address."""
    client.repository("work", description="A project", topics=["mlops"])
    client.write("acme/work", "README.md", "# Work\n\n- one\n- two\n")
    client.write("acme/work", "src/train.py", "print('x')\n")
    client.expect(201, "POST", "/repos/acme/work/actions/variables", {"name": "FLAG", "value": "true"})
    client.control("PUT", "/organizations/acme/teams", {"ml": ["*"]})
    sha = client.get("/repos/acme/work/branches/main")["commit"]["sha"]
    client.expect(201, "POST", "/repos/acme/work/git/refs", {"ref": "refs/heads/studio/v2", "sha": sha})
    client.write("acme/work", "src/train.py", "print('mine')\n")
    client.write("acme/work", "src/train.py", "print('theirs')\n", branch="studio/v2")
    body = {"title": "Update the template to v2", "head": "studio/v2", "base": "main", "body": TEXT}
    client.expect(201, "POST", "/repos/acme/work/pulls", body)
    client.expect(200, "POST", "/repos/acme/work/issues/1/labels", {"labels": ["template"]})
    client.expect(201, "POST", "/repos/acme/work/pulls/1/requested_reviewers", {"team_reviewers": ["ml"]})
    client.expect(201, "POST", "/repos/acme/work/issues/1/comments", {"body": "It *waits*."})
    return "/acme/work"


PAGES = (
    "",
    "/commits",
    "/commits/studio/v2",
    "/branches",
    "/tree/studio/v2",
    "/blob/main/README.md",
    "/blob/studio/v2/src/train.py",
    "/pulls",
    "/pull/1",
    "/settings/secrets/actions",
    "/settings/variables/actions",
)


def seal(client: Client, name: str, value: str) -> None:
    key = client.get("/repos/acme/work/actions/secrets/public-key")
    sealed = base64.b64encode(SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(value.encode())).decode()
    body = {"encrypted_value": sealed, "key_id": key["key_id"]}
    client.expect(201, "PUT", f"/repos/acme/work/actions/secrets/{name}", body)


def test_pages_show_commits_branches_pull_requests_and_the_names_of_secrets(client: Client) -> None:
    home = filled(client)
    seal(client, "ROLE", "unsealed-value")
    shown = page(client, home)
    assert "<h3>Work</h3>" in shown, "the README is rendered"
    assert page(client, f"{home}/commits").count("<tr>") == 4, "a head and three commits"
    branches = page(client, f"{home}/branches")
    assert 'href="/acme/work/tree/studio/v2"' in branches
    assert "refs/pull/1/head" in branches
    secrets = page(client, f"{home}/settings/secrets/actions")
    assert "ROLE" in secrets
    assert "unsealed-value" not in secrets
    assert "FLAG" in page(client, f"{home}/settings/variables/actions")
    assert "#1 Update the template to v2" in page(client, f"{home}/pulls")


def test_a_pull_request_shows_its_whole_text_as_github_does(client: Client) -> None:
    shown = page(client, f"{filled(client)}/pull/1")
    for part in (
        "open, has conflicts",
        "<strong>v2</strong>",
        "<h3>Faster</h3>",
        "<code>train.py</code>: lines 3-5",
        "<details>\n<summary>What git says</summary>",
        "CONFLICT &lt;script&gt;alert(1)&lt;/script&gt;",
        "&lt;img src=x onerror=alert(1)&gt;",
        "&lt;details open&gt;",
        "It <em>waits</em>.",
        "template",
        "ml",
        "studio/v2 into main",
    ):
        assert part in shown, part
    for part in ("javascript:alert(1)</a>", 'href="javascript', "studio-project-template", "<img"):
        assert part not in shown, part


@pytest.mark.parametrize("place", PAGES)
def test_axe_finds_nothing_against_a_page(client: Client, tmp_path: Path, place: str) -> None:
    assert violations(page(client, filled(client) + place), tmp_path) == []


def test_every_link_leads_somewhere_and_each_page_skips_to_its_content(client: Client) -> None:
    home = filled(client)
    asked, waiting = set[str](), ["/", home]
    while waiting:
        path = waiting.pop()
        if path in asked or path.startswith("http") or path.startswith(f"{home}/raw/"):
            continue
        asked.add(path)
        text = page(client, path)
        assert re.findall(r"<h1>", text) == ["<h1>"]
        assert (
            text.index('<a class="skip" href="#content">') < text.index("<header>") < text.index('<main id="content">')
        )
        waiting += [html.unescape(each) for each in re.findall(r'href="(/[^"]*)"', text)]
    assert len(asked) > 12


def test_controls_and_pages_are_for_this_machine_only(client: Client) -> None:
    address = f"{client.github.base_url}/_standin/repositories"
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert client.session.get(address, headers=headers, timeout=10).status_code == 403
    local = {"Host": client.github.base_url.removeprefix("http://").replace("127.0.0.1", "localhost")}
    assert client.session.get(address, headers=local, timeout=10).status_code == 200


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "standins.github", "--port", "0", "--root", str(tmp_path / "state")]
    environment = {**os.environ, "GITHUB_TOKEN": "ghp_fromtheenvironment", "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().split()[3]
            told = requests.get(f"{address}/_standin", timeout=10).json()
            headers = {"Authorization": "token ghp_fromtheenvironment"}
            answer = requests.get(f"{told['api_url']}/user", headers=headers, timeout=10)
            assert answer.json()["login"] == "studio-admin"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
