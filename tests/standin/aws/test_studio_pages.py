"""Studio's pages: the domains' projects, and their environments with their state and reason."""

from __future__ import annotations

import html
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.standin.aws.conftest import World
from tests.standin.axe import violations

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def made(world: World) -> dict[str, str]:
    """Two projects of a domain: one that works, one whose tooling failed for a reason with markup in it."""
    domain = {"domainName": "pages", "wait": True}
    good = world.control("projects", {**domain, "name": "works well"})
    bad = world.control("projects", {**domain, "name": f"fails {EVIL}", "tooling": {"failure": f"No room {EVIL}"}})
    return {"domain": good["domainId"], "good": good["projectId"], "bad": bad["projectId"]}


def page(world: World, path: str, status: int = 200, **headers: str) -> str:
    request = urllib.request.Request(f"{world.stand_in.base_url}{path}", headers=headers)
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        text = answer.read().decode()
    assert answer.status == status
    assert "<script>" not in text
    return str(text)


def test_pages_show_projects_and_why_an_environment_failed(world: World, made: dict[str, str]) -> None:
    start = page(world, "/studio")
    assert start == page(world, "/")
    for part in ("works well", html.escape(EVIL), "SUCCESSFUL", "FAILED_DEPLOYMENT", "Domain pages", "regression"):
        assert part in start
    good = page(world, f"/studio/{made['domain']}/{made['good']}")
    assert re.search(r'<th scope="row">Tooling</th><td>ACTIVE</td>', good)
    assert 'class="bad"' not in good
    bad = page(world, f"/studio/{made['domain']}/{made['bad']}")
    assert bad.count(f'<span class="bad">No room {html.escape(EVIL)}</span>') == 2, "of the project and of Tooling"
    assert "CREATE FAILED" in bad
    for nothing in ("/studio/none/x", f"/studio/{made['domain']}/none", f"/studio/{made['domain']}"):
        page(world, nothing, 404)


def test_pages_are_for_this_machine_and_load_nothing(world: World, made: dict[str, str]) -> None:
    page(world, "/studio", 403, Host="evil.example")
    with urllib.request.urlopen(f"{world.stand_in.base_url}/studio", timeout=30) as answer:
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_every_link_of_the_pages_leads_somewhere(world: World, made: dict[str, str]) -> None:
    links = {html.unescape(each) for each in re.findall(r'href="(/[^"]+)"', page(world, "/studio"))}
    assert f"/studio/{made['domain']}/{made['good']}" in links
    for each in links:
        page(world, each)


@pytest.mark.parametrize("which", ["", "good", "bad"])
def test_axe_finds_nothing_against_studios_pages(
    world: World, made: dict[str, str], which: str, tmp_path: Path
) -> None:
    path = f"/studio/{made['domain']}/{made[which]}" if which else "/studio"
    assert violations(page(world, path), tmp_path) == []
