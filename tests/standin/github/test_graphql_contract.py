"""GraphQL in the stand-in is GitHub's: its schema is a part of the published one, and so are its answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLNonNull, get_named_type

from standins.github.graphql_schema import ABSTRACT, TYPES, Known
from standins.github.server import GitHubStandIn
from tests.standin.github.conftest import Client
from tests.standin.github.graphql_contract import schema, wrong_with_answer, wrong_with_query
from tests.standin.github.test_graphql import ask, work

ARGUMENTS = {
    ("Query", "repository"): 'owner: "acme", name: "work"',
    ("Query", "organization"): 'login: "acme"',
    ("Repository", "pullRequest"): "number: 1",
    ("Repository", "object"): 'expression: "HEAD:.github"',
    ("Repository", "ref"): 'qualifiedName: "refs/heads/main"',
}
DEEPEST = 5


def asked(kind: str, depth: int = 1) -> Iterator[str]:
    """Yield the selection of everything that is known of a type, as deep as it goes."""
    yield "__typename"
    for name, known in TYPES[kind].items():
        arguments = ARGUMENTS.get((kind, name), "first: 2" if known.type.endswith("Connection") else "")
        called = f"{name}({arguments})" if arguments else name
        if not known.type:
            yield name
        elif depth < DEEPEST and known.type not in ("Mutation",):
            yield f"{called} {{ {' '.join(chosen(known, depth + 1))} }}"


def chosen(known: Known, depth: int) -> Iterator[str]:
    yield from asked(known.type, depth)
    if known.type == "GitObject":
        for kind in sorted(ABSTRACT[known.type]):
            yield f"... on {kind} {{ {' '.join(asked(kind, depth + 1))} }}"


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_is_published_with_its_fields_and_arguments(name: str) -> None:
    published: Any = schema().type_map[name]
    for field, known in TYPES[name].items():
        if field == "__typename":
            continue
        found = published.fields[field]
        kind = get_named_type(found.type)
        assert known.type == (kind.name if hasattr(kind, "fields") else ""), f"{name}.{field}"
        assert known.arguments <= found.args.keys(), f"{name}.{field}"
        needed = {each for each, value in found.args.items() if isinstance(value.type, GraphQLNonNull)}
        assert needed <= known.arguments, f"{name}.{field}"


def test_abstract_types_have_these_among_others() -> None:
    for name, kinds in ABSTRACT.items():
        published = {each.name for each in schema().get_possible_types(schema().type_map[name])}  # type: ignore[arg-type]
        assert kinds <= published


def test_everything_that_is_known_is_answered_as_published(client: Client) -> None:
    work(client, 2)
    client.write("acme/work", ".github/workflows/build.yml", "on: push\n")
    client.write("acme/work", "picture.bin", "a\0b")
    client.control("PUT", "/repositories/acme/work/pulls/1", {"reviews": [{"login": "dana", "state": "APPROVED"}]})
    client.expect(201, "POST", "/repos/acme/work/issues/1/comments", {"body": "Well"})
    client.expect(200, "PUT", "/repos/acme/work/pulls/2/merge", {})
    query = f"{{ {' '.join(asked('Query'))} }}"
    assert wrong_with_query(query) == []
    answer = ask(client, query)
    assert "errors" not in answer
    assert wrong_with_answer(query, {}, answer) == []


@pytest.mark.parametrize(
    "answer",
    [
        {"viewer": {"login": None}},
        {"viewer": {}},
        {"viewer": {"login": "a", "url": "x"}},
        {"viewer": {"login": "a"}, "more": 1},
    ],
)
def test_another_answer_would_be_noticed(answer: dict[str, Any]) -> None:
    assert wrong_with_answer("{ viewer { login } }", {}, {"data": answer})


def test_an_object_is_what_a_revision_names(client: Client) -> None:
    work(client)
    client.write("acme/work", ".github/workflows/build.yml", "on: push\n")
    client.write("acme/work", ".github/workflows/test.yml", "on: push\n")
    query = """query($workflows: String!) { repository(owner: "acme", name: "work") {
      folder: object(expression: $workflows) { __typename ... on Tree { entries { name type } } }
      none: object(expression: "refs/studio/template") { __typename }
      file: object(expression: "main:.github/workflows/build.yml") { __typename ... on Blob { text } }
      tip: object(expression: "refs/heads/main") { __typename ... on Commit { messageHeadline } }
    } }"""
    given = {"workflows": "HEAD:.github/workflows"}
    answer = ask(client, query, **given)
    found = answer["data"]["repository"]
    names = [{"name": name, "type": "blob"} for name in ("build.yml", "test.yml")]
    assert found["folder"] == {"__typename": "Tree", "entries": names}
    assert found["none"] is None
    assert found["file"] == {"__typename": "Blob", "text": "on: push\n"}
    assert found["tip"] == {"__typename": "Commit", "messageHeadline": "Write .github/workflows/test.yml"}
    assert wrong_with_answer(query, given, answer) == []


def test_a_token_without_contents_reads_no_object(github: GitHubStandIn, client: Client) -> None:
    work(client)
    query = '{ repository(owner: "acme", name: "work") { name object(expression: "HEAD") { __typename oid } } }'
    narrow = github.make_token(fine_grained=True, permissions={"pull_requests": "read"})
    answer = ask(client, query, token=narrow)
    assert answer["data"]["repository"] == {"name": "work", "object": None}
    assert [(error["type"], error["path"]) for error in answer["errors"]] == [("FORBIDDEN", ["repository", "object"])]


REVIEWED = """{ repository(owner: "acme", name: "work") { pullRequest(number: 1) { reviewDecision mergeable
  headRef { name } latestOpinionatedReviews(first: 5, writersOnly: true) { nodes { state author { login } } } } } }"""


def test_reviews_count_where_a_rule_asks_for_them(client: Client) -> None:
    work(client, 1)

    def pull(**reviews: str) -> Any:
        made = [{"login": login, "state": state} for login, state in reviews.items()]
        client.control("PUT", "/repositories/acme/work/pulls/1", {"reviews": made})
        return ask(client, REVIEWED)["data"]["repository"]["pullRequest"]

    assert pull()["reviewDecision"] is None
    assert pull(dana="APPROVED")["reviewDecision"] is None  # nothing asks for it
    rule = {
        "required_status_checks": None,
        "enforce_admins": True,
        "required_pull_request_reviews": {"required_approving_review_count": 2},
        "restrictions": None,
    }
    client.expect(200, "PUT", "/repos/acme/work/branches/main/protection", rule)
    assert pull()["reviewDecision"] == "REVIEW_REQUIRED"
    client.expect(405, "PUT", "/repos/acme/work/pulls/1/merge", {})
    assert pull(eli="CHANGES_REQUESTED")["reviewDecision"] == "CHANGES_REQUESTED"
    found = pull(eli="APPROVED")
    assert found["reviewDecision"] == "APPROVED"
    nodes = found["latestOpinionatedReviews"]["nodes"]
    assert nodes == [{"state": "APPROVED", "author": {"login": login}} for login in ("dana", "eli")]
    client.expect(200, "PUT", "/repos/acme/work/pulls/1/merge", {})


def test_mergeable_may_be_unknown_first_and_a_deleted_branch_is_null(client: Client) -> None:
    work(client, 1)
    client.control("PUT", "/repositories/acme/work/pulls/1", {"unjudged": 1})
    found = [ask(client, REVIEWED)["data"]["repository"]["pullRequest"]["mergeable"] for _ in range(2)]
    assert found == ["UNKNOWN", "MERGEABLE"]
    client.expect(204, "DELETE", "/repos/acme/work/git/refs/heads/b1")
    assert ask(client, REVIEWED)["data"]["repository"]["pullRequest"]["headRef"] is None


COST = "rateLimit { cost limit remaining used nodeCount }"


def test_a_hundred_connections_cost_a_point(client: Client) -> None:
    work(client)

    def cost(inner: str, times: int = 1) -> tuple[int, int]:
        found = f'repository(owner: "acme", name: "work") {{ {inner} }}'
        query = f"{{ {COST} {' '.join(f'r{number}: {found}' for number in range(times))} }}"
        told = ask(client, query)["data"]["rateLimit"]
        return told["cost"], told["nodeCount"]

    assert cost("name") == (1, 0)
    assert cost("pullRequests(first: 5) { totalCount }", 100) == (1, 500)
    assert cost("pullRequests(first: 100) { nodes { comments(first: 10) { totalCount } } }", 3) == (3, 3300)


def test_too_many_nodes_are_refused(client: Client) -> None:
    inner = "pullRequests(first: 100) { nodes { comments(first: 100) { totalCount } } }"
    found = " ".join(f'r{n}: repository(owner: "acme", name: "work") {{ {inner} }}' for n in range(50))
    [error] = ask(client, f"{{ {found} }}")["errors"]
    assert error["type"] == "MAX_NODE_LIMIT_EXCEEDED"
    assert "505,000 possible nodes" in error["message"]


@pytest.mark.parametrize("kind", ["RATE_LIMITED", "RATE_LIMIT"])
def test_the_hourly_limit_is_an_error_in_a_200(client: Client, kind: str) -> None:
    client.control("PUT", "/limits", {"enabled": True, "graphql": 2, "primary": 1, "graphql_type": kind})
    query = f"{{ {COST} }}"
    assert [ask(client, query)["data"]["rateLimit"]["remaining"] for _ in range(2)] == [1, 0]
    url = f"{client.github.base_url}/api/graphql"
    refused = client.call("POST", url, {"query": query})
    assert refused.status_code == 200
    assert [error["type"] for error in refused.json()["errors"]] == [kind]
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert "data" not in refused.json()
    assert client.call("GET", "/user").status_code == 200  # GraphQL is apart from REST


def test_a_query_that_takes_too_long_is_a_502(client: Client) -> None:
    work(client)
    client.control("PUT", "/limits", {"graphql_heaviest": 3})
    one = 'repository(owner: "acme", name: "work") { name }'
    url = f"{client.github.base_url}/api/graphql"
    heavy = client.call("POST", url, {"query": f"{{ a: {one} b: {one} c: {one} d: {one} }}"})
    assert heavy.status_code == 502
    assert "Something went wrong while executing your query" in heavy.json()["errors"][0]["message"]
    assert ask(client, f"{{ a: {one} b: {one} c: {one} }}")["data"]["c"] == {"name": "work"}
