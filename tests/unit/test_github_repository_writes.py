"""Custom::GitHubRepository: what its properties may be, what is looked up, and what is written for a plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from custom_resources.clients import FunctionClients
from custom_resources.clients.github import Repository
from custom_resources.errors import NothingForeseen, RepositoryHidden, RepositoryInvisible, RepositoryUnreachable
from custom_resources.github_repository import GitHubRepository
from custom_resources.named_repository import name_proof
from custom_resources.progress import Progress
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import Done, Replan, Request
from custom_resources.repository_plan import GitHubRepositoryProperties, Observed, Plan
from tests.seals import SEAL, seals_in_memory

GIVEN: dict[str, Any] = {
    "organization": "acme",
    "name": "build",
    "part": "model_build",
    "domain_id": "d1",
    "project_id": "p1",
}
PROPERTIES = GitHubRepositoryProperties(**GIVEN)
FOUND = Repository(
    id=9,
    full_name="acme/build",
    html_url="https://github.com/acme/build",
    clone_url="https://github.com/acme/build.git",
    default_branch="trunk",
    description="",
    archived=False,
    private=True,
    visibility="private",
)
CHANGED = replace(FOUND, full_name="acme/changed", default_branch="main")

# -- what CloudFormation gives, and what GitHub is told ----------------------------------------------------------------


@pytest.mark.parametrize("field", ["organization", "name"])
@pytest.mark.parametrize("value", ["", "a/b", "a b", "a\n", "..", ".", "x.git", "x" * 101])
def test_a_name_is_what_github_takes(field: str, value: str) -> None:
    with pytest.raises(ValidationError):
        GitHubRepositoryProperties(**{**GIVEN, field: value})


def test_names_are_taken_to_their_limits() -> None:
    for name in ("x" * 100, ".github", "a.b_c-d", "git"):
        assert GitHubRepositoryProperties(**{**GIVEN, "name": name}).full_name == f"acme/{name}"
    for organization in ("a", "x" * 39, "a-1"):
        assert GitHubRepositoryProperties(**{**GIVEN, "organization": organization}).organization == organization
    for organization in ("-a", "x" * 40, "a_b"):
        with pytest.raises(ValidationError):
            GitHubRepositoryProperties(**{**GIVEN, "organization": organization})


def test_what_a_stack_does_not_say_is_private_and_not_taken_over() -> None:
    assert (PROPERTIES.visibility, PROPERTIES.adopt_existing, PROPERTIES.default_branch) == ("private", False, "main")
    assert (PROPERTIES.topics, PROPERTIES.secret_reference_names) == ([], [])
    assert (PROPERTIES.secret_names, PROPERTIES.variable_names, PROPERTIES.project_name) == ([], [], "")


def test_a_description_tells_people_and_keeps_its_mark_within_githubs_limit() -> None:
    text = "repository of the SageMaker Unified Studio project"
    proof = SEAL.of("mark", "d1", "p1", "model_build")
    assert PROPERTIES.description(SEAL) == f"Model build {text} p1 (d1/p1 model_build {proof})"
    deploy = PROPERTIES.model_copy(update={"part": "model_deploy", "project_name": "Demo"})
    assert deploy.description(SEAL).startswith(f"Model deployment {text} Demo (d1/p1 model_deploy ")
    long = PROPERTIES.model_copy(update={"project_name": "x" * 400})
    assert len(long.description(SEAL)) == 350
    assert long.description(SEAL).endswith(f"x (d1/p1 model_build {proof})")


# -- what is looked up -------------------------------------------------------------------------------------------------


class GitHub:
    """GitHub with one repository, or none, which notes what it is asked."""

    def __init__(self, found: Repository | None = None, created: Repository | None = None) -> None:
        self.found, self.created = found, created
        self.done: list[tuple[Any, ...]] = []

    def find_repository(self, full_name: str) -> Repository | None:
        self.done.append(("find", full_name))
        return self.found

    def repository_by_id(self, repository_id: int, full_name: str) -> Repository | None:
        self.done.append(("by id", repository_id, full_name))
        return self.found

    def create_repository(self, *given: str) -> Repository | None:
        self.done.append(("create", *given))
        return self.created

    def update_repository(self, full_name: str, **changes: Any) -> Repository:
        self.done.append(("update", full_name, changes))
        return CHANGED

    def replace_topics(self, full_name: str, topics: Any) -> None:
        self.done.append(("topics", full_name, topics))

    def delete_secrets(self, full_name: str, names: Any, done: Any) -> None:
        self.done.append(("secrets", full_name, names))

    def delete_variables(self, full_name: str, names: Any, done: Any) -> None:
        self.done.append(("variables", full_name, names))


class NoGit:
    """A Git server that does not let the token in."""

    @contextmanager
    def open(self, full_name: str, when: float = 0) -> Iterator[Any]:
        if full_name:
            raise RepositoryUnreachable(activity="reading the repository")
        yield


def resource_of(github: GitHub) -> GitHubRepository:
    clients = FunctionClients({})
    vars(clients).update(github=github, git=NoGit(), seals=seals_in_memory())
    return GitHubRepository(clients)


def asked(kind: Any, id_: str = "acme/build", **more: Any) -> Request[GitHubRepositoryProperties]:
    return Request(kind, PROPERTIES, None, id_, "stack", "Repository", **more)


@pytest.mark.parametrize(("found", "absent"), [(None, "true"), (FOUND, "")])
def test_a_create_looks_ahead(found: Repository | None, absent: str) -> None:
    github = GitHub(found)
    assert resource_of(github).preflight(asked("Create")) == {"Absent": absent}
    assert github.done == [("find", "acme/build")]
    for kind in ("Update", "Delete"):
        assert resource_of(github).preflight(asked(kind)) == {}
    assert len(github.done) == 1


def test_what_the_preflight_did_not_find_is_looked_up_again_only_after_a_change() -> None:
    github = GitHub()
    with resource_of(github).observe(asked("Create", noted={"Absent": "true"})) as observed:
        assert (observed, github.done) == (Observed(None), [])
    for request in (asked("Create", noted={"Absent": "true"}, attempt=1), asked("Create", noted={"Absent": ""})):
        github.done.clear()
        with resource_of(github).observe(request) as observed:
            assert (observed, github.done) == (Observed(None), [("find", "acme/build")])


def test_a_repository_is_found_by_its_id_where_that_is_known() -> None:
    github = GitHub(FOUND)
    with resource_of(github).observe(asked("Update", "9")) as observed:
        assert (observed, github.done) == (Observed(FOUND), [("by id", 9, "acme/build")])
    archived = replace(FOUND, archived=True)
    with resource_of(GitHub(archived)).observe(asked("Delete", "9")) as observed:
        assert observed == Observed(archived), "the lineage of what is archived already is not read"


@pytest.mark.parametrize(
    ("kind", "id_", "error"),
    [
        ("Delete", "9", RepositoryHidden),
        ("Delete", "acme/build", RepositoryHidden),
        ("Create", "", RepositoryUnreachable),
    ],
)
def test_a_repository_that_the_token_does_not_see_is_said(kind: Any, id_: str, error: type[Exception]) -> None:
    with pytest.raises(error), resource_of(GitHub(FOUND)).observe(asked(kind, id_)):
        pass


# -- what is written ---------------------------------------------------------------------------------------------------


def done(github: GitHub, plan: Plan, **more: Any) -> Done | Replan:
    return resource_of(github).apply(plan, asked("Create", **more), lambda: None)


def test_a_new_repository_is_created_and_reported() -> None:
    github, of_stack = GitHub(created=FOUND), seals_in_memory().of_stack("stack", "acme/build")
    reported = done(github, Plan("create", topics=("studio",), empty=True))
    assert github.done == [
        ("create", "acme", "build", PROPERTIES.description(of_stack), "private"),
        ("topics", "acme/build", ("studio",)),
    ]
    attributes = {
        "RepositoryId": "9",
        "FullName": "acme/build",
        "Name": "build",
        "HtmlUrl": "https://github.com/acme/build",
        "CloneUrl": "https://github.com/acme/build.git",
        "DefaultBranch": "main",  # what the first push makes
        "Status": "created",
        "NameProof": name_proof(seals_in_memory().of_repository(9), "Acme/Build", "stack"),
    }
    assert reported == Done(attributes, physical_id="9")


def test_a_name_that_was_taken_meanwhile_is_looked_at_again_once() -> None:
    assert done(GitHub(), Plan("create")) == Replan("acme/build appeared meanwhile")
    with pytest.raises(RepositoryInvisible, match="acme/build"):
        done(GitHub(), Plan("create"), attempt=1)


@pytest.mark.parametrize(
    ("age", "created", "may_be_lag"), [(0, False, False), (4.9, False, False), (5, False, True), (0, True, True)]
)
def test_a_name_that_an_earlier_call_may_have_taken_is_waited_for(age: float, created: bool, may_be_lag: bool) -> None:
    progress = Progress({"created 9": ""} if created else {})
    with pytest.raises(RepositoryInvisible) as invisible:
        done(GitHub(), Plan("create"), attempt=1, age=age, progress=progress)
    assert invisible.value.may_be_lag is may_be_lag


@pytest.mark.parametrize("faster", [None, Replan("another stack took acme/build")])
def test_the_place_of_a_stack_that_is_gone_is_claimed_at_the_requests_time(
    monkeypatch: pytest.MonkeyPatch, faster: Replan | None
) -> None:
    taken: list[tuple[Any, ...]] = []

    def take(*given: Any) -> Replan | None:
        taken.append(given)
        return faster

    monkeypatch.setattr("custom_resources.github_repository.take", take)
    claim: Any = object()
    resource = resource_of(GitHub())
    reported = resource.apply(Plan("keep", FOUND, claim=claim), asked("Create", started=1000.0), lambda: None)
    assert taken == [(claim, "acme/build", resource._clients.git, seals_in_memory().of_repository(9), 1000.0)]
    assert (reported == faster) is (faster is not None)


@pytest.mark.parametrize(
    ("action", "changes", "sent", "status"),
    [
        ("keep", {}, [], "kept"),
        ("adopt", {}, [], "adopted"),
        ("restore", {}, [{"archived": False}], "restored"),
        ("leave", {}, [], "archived"),
        ("keep", {"name": "new"}, [{"name": "new"}], "kept"),
    ],
)
def test_a_repository_is_changed_as_planned(action: Any, changes: Any, sent: list[Any], status: str) -> None:
    github = GitHub()
    reported = done(github, Plan(action, FOUND, changes))
    assert [each[2] for each in github.done] == sent
    assert isinstance(reported, Done)
    assert reported.attributes["Status"] == status
    assert reported.attributes["FullName"] == ("acme/changed" if sent else "acme/build")
    assert reported.attributes["DefaultBranch"] == ("main" if sent else "trunk")


def test_an_end_takes_out_first_what_could_be_misused() -> None:
    github = GitHub()
    assert done(github, Plan("archive", FOUND, secrets_removed=("R",))) == Done(metrics=("Archived",))
    assert github.done == [
        ("secrets", "acme/build", ("R",)),
        ("variables", "acme/build", ()),
        ("update", "acme/build", {"archived": True}),
    ]
    github = GitHub()
    assert done(github, Plan("release", FOUND, secrets_removed=("S",), variables_removed=("V",))) == Done()
    assert github.done == [("secrets", "acme/build", ("S",)), ("variables", "acme/build", ("V",))]
    github = GitHub()
    assert done(github, Plan("nothing")) == Done()
    assert github.done == []


def test_a_dry_run_names_the_settings_that_would_change() -> None:
    resource = resource_of(GitHub())
    foreseen = resource.foresee(asked("Update", "9"), Observed(FOUND), Plan("keep", FOUND, {"name": "new"}))
    assert foreseen.effects == {"repository": "acme/build", "settings": ["name = new"]}
    assert foreseen.part == "build"
    assert (foreseen.attributes["Status"], foreseen.attributes["DefaultBranch"]) == ("kept", "trunk")
    with pytest.raises(NothingForeseen):
        resource.foresee(asked("Create"), Observed(None), Plan("create"))


@pytest.mark.parametrize(
    ("plan", "points", "creations"),
    [
        (Plan("create", topics=("a",)), 10, 1),
        (Plan("archive", secrets_removed=("a", "b")), 15, 0),
        (Plan("restore"), 5, 0),
        (Plan("adopt", topics=()), 5, 0),
        (Plan("release", secrets_removed=("a",), variables_removed=("b", "c")), 15, 0),
        (Plan("keep", changes={"a": "b", "c": "d"}), 5, 0),
        (Plan("nothing"), 0, 0),
    ],
)
def test_each_write_is_charged(plan: Plan, points: int, creations: int) -> None:
    assert resource_of(GitHub()).cost(plan) == Cost(points, creations)
