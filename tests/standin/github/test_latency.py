"""The way to GitHub and back, as a control adds it: counted by what the stand-in is told to wait, not by a clock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client, Cloning


@pytest.fixture
def waited(github: GitHubStandIn) -> list[float]:
    """The seconds of every wait for the way; none of them passes."""
    seconds: list[float] = []
    github.latency.sleep = seconds.append
    return seconds


def test_every_answer_of_rest_and_git_waits_once(client: Client, cloning: Cloning, waited: list[float]) -> None:
    client.repository("work")
    cloning("acme/work")
    assert waited == []
    assert client.control("PUT", "/latency", {"milliseconds": 60}) == {"milliseconds": 60}
    client.control("DELETE", "/requests")
    client.get("/repos/acme/work")
    client.get("/repos/acme/none", status=404)
    cloning("acme/work")
    assert client.session.get(f"{client.github.base_url}/acme/work", timeout=10).status_code == 200  # a page
    assert client.control("GET", "/requests")["count"] == len(waited)
    assert len(waited) >= 3
    assert set(waited) == {0.06}


def test_it_is_switched_off_again_and_a_reset_does_not_wait(client: Client, waited: list[float]) -> None:
    client.control("PUT", "/latency", {"milliseconds": 120})
    client.control("POST", "/faults", {"fault": "503", "match": {"path": "/user$"}})
    assert client.call("GET", "/user").status_code == 503
    assert waited == [0.12]
    client.control("POST", "/faults", {"fault": "reset-before", "match": {"path": "/user$"}, "times": 2})
    with pytest.raises(OSError, match="reset"):
        client.call("GET", "/user")
    assert client.control("PUT", "/latency", {"milliseconds": 0}) == client.control("GET", "/latency")
    client.control("DELETE", "/faults")
    client.get("/user")
    assert waited == [0.12]


@pytest.mark.parametrize("wrong", [-1, 61_000, "soon", None])
def test_what_is_no_latency_is_refused(client: Client, wrong: object) -> None:
    url = f"{client.github.base_url}/_standin/latency"
    refused = client.session.put(url, data=json.dumps({"milliseconds": wrong}), timeout=10)
    assert refused.status_code == 422
    assert "milliseconds" in refused.json()["message"]
    assert client.control("GET", "/latency") == {"milliseconds": 0}


def test_a_stand_in_starts_with_it(tmp_path: Path) -> None:
    seconds: list[float] = []
    with GitHubStandIn.running(tmp_path, latency_ms=60) as github:
        github.latency.sleep = seconds.append
        assert Client(github, github.token).get("/user")["login"] == "studio-admin"
    assert seconds == [0.06]
