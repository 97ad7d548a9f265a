"""The fault injector and the rate limits: each fault as a client meets it, on REST and on Git."""

from __future__ import annotations

import json
import subprocess
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client, Clone, Cloning


def fault(client: Client, name: str, match: dict[str, Any] | None = None, **fields: Any) -> None:
    client.control("POST", "/faults", {"match": match or {}, "fault": name, **fields})


def names(client: Client) -> list[str]:
    return [it["full_name"] for it in client.control("GET", "/repositories")["repositories"]]


@pytest.mark.parametrize(("name", "acted"), [("reset-before", False), ("reset-after", True)])
def test_resets_on_rest(client: Client, name: str, acted: bool) -> None:
    fault(client, name, {"method": "POST", "path": "/orgs/acme/repos"})
    with pytest.raises(requests.ConnectionError):
        client.call("POST", "/orgs/acme/repos", {"name": "work"})
    assert (names(client) == ["acme/work"]) is acted
    assert client.control("GET", "/requests")["requests"][-1]["status"] == 0
    client.expect(422 if acted else 201, "POST", "/orgs/acme/repos", {"name": "work"})


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("500", 500, ""),
        ("502", 502, ""),
        ("503", 503, ""),
        ("401", 401, "Bad credentials"),
        ("429", 429, "Too many requests"),
        ("secondary-limit", 403, "You have exceeded a secondary rate limit."),
    ],
)
def test_answers_on_rest(client: Client, name: str, status: int, message: str) -> None:
    fault(client, name, {"path": "/orgs"}, seconds=7)
    response = client.call("POST", "/orgs/acme/repos", {"name": "work"})
    assert response.status_code == status
    assert message in response.text
    assert response.headers.get("retry-after") == ("7" if status in (403, 429) and name != "401" else None)
    assert names(client) == []
    client.repository("work")


def test_a_server_error_after_the_work_was_done(client: Client) -> None:
    fault(client, "502", {"path": "/orgs"}, acts=True)
    assert client.call("POST", "/orgs/acme/repos", {"name": "work"}).status_code == 502
    assert names(client) == ["acme/work"]


def test_a_timeout_gives_no_answer_and_does_nothing(client: Client) -> None:
    fault(client, "timeout", {"path": "/orgs"}, seconds=2)
    url, headers = f"{client.github.api_url}/orgs/acme/repos", {"Authorization": f"token {client.token}"}
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, json={"name": "work"}, headers=headers, timeout=0.5)
    assert names(client) == []


def test_a_slow_answer_is_whole_in_the_end(client: Client) -> None:
    client.repository("work")
    fault(client, "slow", {"path": "/repos/acme/work"}, seconds=1)
    began = time.monotonic()
    assert client.get("/repos/acme/work")["name"] == "work"
    assert time.monotonic() - began > 0.8


def test_a_truncated_answer_is_noticed(client: Client) -> None:
    fault(client, "truncated", {"method": "POST"})
    with pytest.raises(requests.exceptions.RequestException):
        client.call("POST", "/orgs/acme/repos", {"name": "work"})
    assert names(client) == ["acme/work"]
    fault(client, "truncated", {"method": "DELETE"})
    with pytest.raises(requests.exceptions.RequestException):  # an answer without a body loses half of its first line
        client.call("DELETE", "/repos/acme/work")
    assert names(client) == []


@pytest.mark.parametrize("name", ["limit-reset", "limit-reset-429", "limit-date"])
@pytest.mark.parametrize("path", ["/user$", "info/refs"])
def test_a_limit_says_in_its_headers_how_long_it_lasts(client: Client, name: str, path: str) -> None:
    client.repository("work")
    fault(client, name, {"path": path}, seconds=90)
    place = "/user" if "user" in path else f"{client.github.base_url}/acme/work.git/info/refs?service=git-upload-pack"
    refused = client.call("GET", place)
    assert refused.status_code == (403 if name == "limit-reset" else 429)
    if name == "limit-date":
        left = parsedate_to_datetime(refused.headers["retry-after"]).timestamp() - time.time()
    else:
        assert "retry-after" not in refused.headers
        assert refused.headers["x-ratelimit-remaining"] == "0"
        left = float(refused.headers["x-ratelimit-reset"]) - time.time()
    assert 80 < left <= 91


def test_a_drip_never_ends_and_never_is_silent(client: Client) -> None:
    fault(client, "drip", {"path": "/user$"}, seconds=0.05)
    url, headers = f"{client.github.api_url}/user", {"Authorization": f"token {client.token}"}
    with requests.get(url, headers=headers, stream=True, timeout=10) as dripping:  # of silence
        assert "content-length" not in dripping.headers
        got = b""
        for block in dripping.iter_content(1):
            got += block
            if got.endswith(b" " * 10):
                break
    assert json.loads(got)["login"] == "studio-admin"
    assert got.endswith(b" " * 10)
    client.repository("work")
    fault(client, "drip", {"method": "DELETE"})  # an answer without a body ends with its head
    assert client.call("DELETE", "/repos/acme/work").status_code == 204


def test_nth_and_times(client: Client) -> None:
    fault(client, "503", {"method": "GET", "path": "/user$", "nth": 2}, times=2)
    assert [client.call("GET", "/user").status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    client.control("DELETE", "/faults")
    fault(client, "500", {"kind": "rest"}, times=None)
    assert [client.call("GET", "/user").status_code for _ in range(3)] == [500, 500, 500]
    shown = client.control("GET", "/faults")["faults"]
    assert (shown[0]["seen"], shown[0]["hits"]) == (3, 3)
    client.control("DELETE", "/faults")
    assert client.call("GET", "/user").status_code == 200


def test_bad_faults_are_refused(client: Client) -> None:
    url = f"{client.github.base_url}/_standin/faults"
    bad: tuple[dict[str, Any], ...] = (
        {"fault": "earthquake"},
        {"fault": "500", "match": {"path": "("}},
        {"fault": "500", "match": {"x": 1}},
    )
    for body in bad:
        assert client.session.post(url, json=body, timeout=10).status_code == 422


@pytest.fixture
def clone(client: Client, cloning: Cloning) -> Clone:
    """A clone of acme/work with a commit that is not pushed yet."""
    client.repository("work")
    made = cloning("acme/work")
    made.commit({"a.txt": "a\n" * 2000})
    client.control("DELETE", "/requests")
    return made


@pytest.mark.parametrize("name", ["reset-before", "500", "502", "503", "429", "401", "secondary-limit", "timeout"])
@pytest.mark.parametrize("path", ["info/refs", "git-receive-pack$"])
def test_a_push_fails_and_nothing_moved(client: Client, clone: Clone, name: str, path: str) -> None:
    fault(client, name, {"kind": "git", "path": path}, seconds=1)
    assert clone.push("main", check=False).returncode != 0
    assert client.control("GET", "/repositories/acme/work")["refs"] == {}
    clone.push("main")
    assert client.control("GET", "/repositories/acme/work")["refs"] == {"refs/heads/main": clone.head()}


@pytest.mark.parametrize("name", ["reset-after", "truncated"])
def test_a_push_arrives_but_its_answer_does_not(client: Client, clone: Clone, name: str) -> None:
    fault(client, name, {"kind": "git", "method": "POST"})
    assert clone.push("main", check=False).returncode != 0
    assert client.control("GET", "/repositories/acme/work")["refs"] == {"refs/heads/main": clone.head()}
    assert "up to date" in clone.push("main").stdout


@pytest.mark.parametrize("name", ["truncated", "reset-after", "slow"])
def test_fetches(client: Client, clone: Clone, cloning: Cloning, name: str) -> None:
    clone.push("main")
    fault(client, name, {"kind": "git", "path": "git-upload-pack$", "method": "POST", "nth": 2}, seconds=1, times=2)
    other = cloning.empty("acme/work")  # curl itself tries once more when a kept connection breaks: fail twice
    done = other.git("fetch", "--quiet", "origin", "main", check=False)
    assert (done.returncode == 0) is (name == "slow"), done.stderr
    client.control("DELETE", "/faults")
    other.git("fetch", "--quiet", "origin", "main")
    assert other.head("FETCH_HEAD") == clone.head()


def test_git_notices_a_report_that_ends_without_its_flush_packet(client: Client, clone: Clone) -> None:
    """Where the answer ends, as its head says. The push is done all the same."""
    fault(client, "no-flush", {"method": "POST", "path": "git-receive-pack$"})
    done = clone.push("main", check=False)
    assert done.returncode != 0
    assert "unexpected disconnect" in done.stderr
    assert client.control("GET", "/repositories/acme/work")["refs"] == {"refs/heads/main": clone.head()}


@pytest.mark.parametrize("name", ["drip", "endless"])
def test_git_waits_for_ever_for_the_end_of_a_report(client: Client, clone: Clone, name: str) -> None:
    """The push is done. What waits has to be ended from outside."""
    fault(client, name, {"method": "POST", "path": "git-receive-pack$"}, seconds=0.2 if name == "drip" else 60)
    with pytest.raises(subprocess.TimeoutExpired):
        clone.git("push", "origin", "main", seconds=4)
    assert client.control("GET", "/repositories/acme/work")["refs"] == {"refs/heads/main": clone.head()}


def test_an_answer_that_is_cut_and_whole_by_its_head(client: Client) -> None:
    """As a proxy passes it on that was cut off itself."""
    fault(client, "no-flush", {"path": "/user$"})
    cut = client.call("GET", "/user")
    assert (cut.status_code, int(cut.headers["content-length"])) == (200, len(cut.content))
    with pytest.raises(requests.exceptions.JSONDecodeError):
        cut.json()


def test_the_request_log_counts(client: Client, clone: Clone) -> None:
    clone.push("main")
    client.get("/repos/acme/work")
    log = client.control("GET", "/requests")
    assert (log["count"], log["rest"], log["git"], log["writes"]) == (3, 1, 2, 0)
    push = log["requests"][1]
    assert (push["method"], push["path"], push["status"]) == ("POST", "/acme/work.git/git-receive-pack", 200)
    assert push["bytes_in"] > 100
    assert push["bytes_out"] > 10
    assert log["requests"][2]["route"] == "/repos/{owner}/{repo}"
    client.control("DELETE", "/requests")
    assert client.control("GET", "/requests")["count"] == 0


# -- rate limits ----------------------------------------------------------------------------------------------------


def test_limits_are_off_by_default(client: Client) -> None:
    for _ in range(30):
        assert client.call("GET", "/user").headers["x-ratelimit-remaining"] == "5000"
    assert client.control("GET", "/limits")["refusals"] == 0


def test_the_primary_limit(github: GitHubStandIn, client: Client) -> None:
    client.control("PUT", "/limits", {"enabled": True, "primary": 3})
    left = [client.call("GET", "/user").headers["x-ratelimit-remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = client.call("GET", "/user")
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert refused.json()["message"].startswith("API rate limit exceeded for user ID")
    assert float(refused.headers["x-ratelimit-reset"]) >= time.time()
    assert client.get("/rate_limit")["rate"]["remaining"] == 0
    github.accounting.clock = lambda: time.time() + 3601
    assert client.call("GET", "/user").status_code == 200


def test_the_secondary_limits(github: GitHubStandIn, client: Client) -> None:
    client.control("PUT", "/limits", {"enabled": True, "points": 12})
    assert [client.call("GET", "/user").status_code for _ in range(2)] == [200, 200]
    assert client.call("PUT", "/repos/acme/none/topics", {"names": []}).status_code == 404  # five points
    assert client.call("PUT", "/repos/acme/none/topics", {"names": []}).status_code == 404
    refused = client.call("GET", "/user")
    assert (refused.status_code, refused.json()["message"][:41]) == (403, "You have exceeded a secondary rate limit.")
    assert 50 <= int(refused.headers["retry-after"]) <= 61
    assert client.call("GET", "/user", token=github.make_token(login="other")).status_code == 200
    github.accounting.clock = lambda: time.time() + int(refused.headers["retry-after"])
    assert client.call("GET", "/user").status_code == 200
    client.control("PUT", "/limits", {"enabled": True, "content": 2})
    client.repository("one")
    client.repository("two")
    assert client.call("POST", "/orgs/acme/repos", {"name": "three"}).status_code == 403
    assert client.control("GET", "/limits")["refusals"] == 1
    client.control("PUT", "/limits", {"enabled": False})
    client.repository("three")
