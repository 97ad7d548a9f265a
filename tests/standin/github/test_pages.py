"""The pages that links lead to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import requests

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
