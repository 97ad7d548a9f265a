"""GraphQL: what is answered, to whom, and that what is not known is refused."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from standins.github.graphql_document import Document, NotReadable, read
from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client

PULLS = (
    "query($n: Int, $after: String) { repository(owner: %s, name: %s) { pullRequests(first: $n, after: $after) %s } }"
)


def ask(client: Client, query: str, *, token: str | None = None, **variables: Any) -> Any:
    """Send a query and return the whole answer."""
    url = f"{client.github.base_url}/api/graphql"
    answer = client.call("POST", url, {"query": query, "variables": variables}, token=token)
    assert answer.status_code == 200, answer.text
    return answer.json()


def errors(client: Client, query: str, **variables: Any) -> list[str]:
    """Return the messages of the errors."""
    return [error["message"] for error in ask(client, query, **variables).get("errors", [])]


def work(client: Client, pulls: int = 0) -> None:
    client.repository("work", auto_init=True)
    tip = client.get("/repos/acme/work/branches/main")["commit"]["sha"]
    for name in (f"b{number}" for number in range(1, pulls + 1)):
        client.expect(201, "POST", "/repos/acme/work/git/refs", {"ref": f"refs/heads/{name}", "sha": tip})
        client.write("acme/work", f"{name}.txt", name, branch=name)
        client.expect(201, "POST", "/repos/acme/work/pulls", {"title": name, "head": name, "base": "main"})


def test_aliases_fragments_and_directives(client: Client) -> None:
    work(client)
    query = """
      # one repository twice
      query Both($both: Boolean!, $owner: String = "acme") {
        one: repository(owner: $owner, name: "work") { ...names owner { login ...on Organization { name } } }
        two: repository(owner: "acme", name: "work") {
          ...names @skip(if: $both)
          url @include(if: $both)
          owner { ... on User { email } __typename }
        }
      }
      fragment names on Repository { nameWithOwner owner { __typename } }
    """
    answer = ask(client, query, both=True)
    assert "errors" not in answer
    data = answer["data"]
    owner = {"__typename": "Organization", "login": "acme", "name": "acme"}
    assert data["one"] == {"nameWithOwner": "acme/work", "owner": owner}
    assert data["two"] == {"url": f"{client.github.base_url}/acme/work", "owner": {"__typename": "Organization"}}


def test_pages_of_pull_requests(client: Client) -> None:
    work(client, 3)
    query = PULLS % ('"acme"', '"work"', "{ totalCount nodes { number } pageInfo { hasNextPage endCursor } }")
    first = ask(client, query, n=2)["data"]["repository"]["pullRequests"]
    assert (first["totalCount"], first["nodes"]) == (3, [{"number": 1}, {"number": 2}])
    assert first["pageInfo"]["hasNextPage"]
    rest = ask(client, query, n=2, after=first["pageInfo"]["endCursor"])["data"]["repository"]["pullRequests"]
    assert (rest["nodes"], rest["pageInfo"]["hasNextPage"]) == ([{"number": 3}], False)
    last = '{ repository(owner: "acme", name: "work") { pullRequests(last: 2) { nodes { number } } } }'
    nodes = ask(client, last)["data"]["repository"]["pullRequests"]["nodes"]
    assert nodes == [{"number": 2}, {"number": 3}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ nothing }", "Field 'nothing' doesn't exist on type 'Query'"),
        ("{ viewer { login, salary } }", "Field 'salary' doesn't exist on type 'User'"),
        ("{ viewer }", "Field must have selections (field 'viewer')"),
        ("{ viewer { login { x } } }", "Field can't have selections (field 'login')"),
        ("{ viewer(id: 1) { login } }", "Field 'viewer' doesn't accept argument 'id'"),
        ("{ viewer { ...none } }", "Fragment none was used, but not defined"),
        ("query { viewer { ...a } } fragment a on User { ...a }", "Fragment a was used, but not defined"),
        ("mutation { addStar(input: {}) { id } }", "Field 'addStar' doesn't exist on type 'Mutation'"),
        ('{ repository(owner: "acme", name: "none") { id } }', "Could not resolve to a Repository"),
        ('{ organization(login: "none") { id } }', "Could not resolve to an Organization"),
        (
            '{ repository(owner: "acme", name: "work") { pullRequest(number: 7) { id } } }',
            "Could not resolve to a Pull",
        ),
        ('{ repository(owner: "acme", name: "work") { pullRequests { totalCount } } }', "You must provide a `first`"),
        (
            '{ repository(owner: "acme", name: "work") { pullRequests(first: 101) { totalCount } } }',
            "exceeds the limit",
        ),
        ('{ repository(owner: "acme", name: "work") { pullRequests(first: 1, after: "?") { totalCount } } }', "cursor"),
        ("{ viewer { login }", "Unexpected end of document"),
        ("", "A query attribute must be specified"),
    ],
)
def test_what_is_not_known_is_refused(client: Client, query: str, message: str) -> None:
    work(client)
    said = errors(client, query)
    assert any(message in each for each in said), said


def test_an_error_says_where(client: Client) -> None:
    answer = ask(client, '{\n  gone: repository(owner: "acme", name: "none") { id }\n  viewer { login }\n}')
    assert answer["data"] == {"gone": None, "viewer": {"login": "studio-admin"}}
    assert [(error["type"], error["path"]) for error in answer["errors"]] == [("NOT_FOUND", ["gone"])]
    assert answer["errors"][0]["locations"] == [{"line": 2, "column": 3}]


def test_a_token_sees_by_graphql_what_it_sees_by_rest(github: GitHubStandIn, client: Client) -> None:
    work(client, 1)
    client.control("POST", "/organizations", {"login": "globex"})
    query = '{ repository(owner: "acme", name: "work") { name pullRequests(first: 1) { totalCount } } }'
    stranger = github.make_token(login="stranger", organizations=["globex"])
    assert ask(client, query, token=stranger)["data"] == {"repository": None}
    no_scope = github.make_token([])
    assert ask(client, query, token=no_scope)["data"] == {"repository": None}
    narrow = github.make_token(fine_grained=True, permissions={"contents": "read"})
    answer = ask(client, query, token=narrow)
    assert answer["data"]["repository"] == {"name": "work", "pullRequests": None}
    assert answer["errors"][0]["type"] == "FORBIDDEN"
    url = f"{github.base_url}/api/graphql"
    assert client.call("POST", url, {"query": query}, token="wrong").status_code == 401
    assert client.call("POST", url, {"query": query}, token="").status_code == 401
    assert client.call("GET", url).status_code == 404
    assert client.call("POST", url, {"query": query}).headers["x-ratelimit-resource"] == "graphql"


@given(st.text(alphabet='{}()[]:!$@.,"\\#\n aobq19|=', max_size=60))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(NotReadable):
        assert isinstance(read(text), Document)


def test_a_document_may_not_be_too_deep() -> None:
    assert read("{a" * 90 + "}" * 90).operations
    with pytest.raises(NotReadable, match="deep"):
        read("{a" * 5000)
