"""What is planned for a repository's Actions secrets and variables: no request, no value shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from custom_resources.actions_configuration import (
    MAX_VALUE_BYTES,
    ActionsConfiguration,
    ActionsConfigurationProperties,
    Observed,
    Plan,
)
from custom_resources.clients import FunctionClients
from custom_resources.clients.github import Repository
from custom_resources.clients.protocols import Clients
from custom_resources.errors import RepositoryGone, RepositoryUnseen
from custom_resources.named_repository import name_proof
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import Effects, Foreseen, Request
from custom_resources.repository_environments import Missing
from tests.seals import seals_in_memory

RESOURCE = ActionsConfiguration(FunctionClients({"SECRET_REFERENCES": "R=arn#r R=arn#2 S=arn#s"}))
THERE = Observed("acme/x")


def properties(**given: Any) -> ActionsConfigurationProperties:
    return ActionsConfigurationProperties(repository_id=7, repository="acme/x", **given)


def planned(
    kind: Any, now: dict[str, Any], before: dict[str, Any] | None = None, found: Observed = THERE, operation: str = ""
) -> Plan:
    return RESOURCE.plan(asked(kind, now, before, operation), found)


def asked(
    kind: Any, now: dict[str, Any], before: dict[str, Any] | None = None, operation: str = ""
) -> Request[ActionsConfigurationProperties]:
    old = None if before is None else properties(**before)
    return Request(kind, properties(**now), old, "id", "stack", "Configuration", operation=operation)


ALL: dict[str, Any] = {"secrets": {"S": "s"}, "secret_references": {"R": "arn#r"}, "variables": {"V": "v"}}


def test_a_create_writes_everything() -> None:
    for kind, before in (("Create", None), ("Create", ALL), ("Update", None)):
        assert planned(kind, ALL, before) == Plan("acme/x", False, {"S": "s"}, {"R": "arn#r"}, {"V": "v"})


def test_an_update_writes_what_changed_and_removes_what_is_gone() -> None:
    assert not planned("Update", ALL, ALL).writes
    new: dict[str, Any] = {"secrets": {"S": "2"}, "secret_references": {"R": "arn#2"}, "variables": {"V": "2"}}
    assert planned("Update", new, ALL) == Plan("acme/x", False, {"S": "2"}, {"R": "arn#2"}, {"V": "2"})
    assert planned("Update", {}, ALL) == Plan("acme/x", secrets_removed=("R", "S"), variables_removed=("V",))
    swapped = {"secrets": {"R": "r"}, "secret_references": {"S": "arn#s"}}
    assert planned("Update", swapped, ALL).secrets_removed == (), "a name stays, whatever its value comes from"


def test_a_rotation_writes_all_secrets_and_no_variable() -> None:
    assert planned("Update", {**ALL, "rotate_secrets": True}, ALL) == Plan("acme/x", False, {"S": "s"}, {"R": "arn#r"})


def test_a_delete_removes_what_the_repositorys_own_deletion_does_not() -> None:
    gone = Plan("acme/x", secrets_removed=("R", "S"), variables_removed=("V",))
    assert planned("Delete", ALL, operation="UPDATE_COMPLETE_CLEANUP_IN_PROGRESS 1") == gone
    for operation in ("DELETE_IN_PROGRESS 1", "ROLLBACK_IN_PROGRESS 1"):
        assert not planned("Delete", ALL, operation=operation).writes
    for found in (Observed("acme/x", archived=True), Observed("")):
        assert planned("Delete", ALL, found=found) == Plan("")


def test_an_update_leaves_what_its_owners_archived() -> None:
    archived = Observed("acme/x", archived=True)
    assert planned("Update", {}, ALL, archived) == Plan("acme/x", archived=True)
    assert planned("Update", ALL, ALL, archived) == Plan("acme/x"), "it has nothing to say where nothing is left out"


@pytest.mark.parametrize(
    ("plan", "points"),
    [
        (Plan("x"), 0),
        (Plan("x", secrets={"A": "1"}), 6),
        (Plan("x", references={"A": "1", "B": "2"}), 11),
        (Plan("x", variables={"A": "1"}), 5),
        (Plan("x", secrets_removed=("A",)), 5),
        (Plan("x", variables_removed=("A",)), 5),
        (Plan("x", archived=True), 0),
    ],
)
def test_a_plan_says_what_it_costs_and_shows_no_value(plan: Plan, points: int) -> None:
    assert RESOURCE.cost(plan) == Cost(points=points)
    assert plan.writes == bool(points)
    assert "canary" not in repr(Plan("x", secrets={"A": "canary"}))


def test_a_dry_run_names_what_would_be_written() -> None:
    new: dict[str, Any] = {"secrets": {"B": "b", "A": "a"}, "variables": {"Z": "z", "Y": "y"}}
    request = asked("Update", new, ALL)
    foreseen = RESOURCE.foresee(request, THERE, RESOURCE.plan(request, THERE))
    assert foreseen.effects == {
        "secrets": ["A", "B"],
        "secrets_removed": ["R", "S"],
        "variables": ["Y", "Z"],
        "variables_removed": ["V"],
        "environments": [],
    }
    assert foreseen.repository == "acme/x"
    assert foreseen.attributes == {"SecretNames": "", "VariableNames": "", "Digest": "", "Environments": ""}
    assert RESOURCE.provisional_id(request.properties) == "actions-configuration-7"


def test_a_dry_run_tells_everything_that_would_be_written() -> None:
    plan = Plan(
        "acme/x",
        secrets={"S": "s"},
        references={"R": "arn#r"},
        variables={"W": "w", "V": "v"},
        secrets_removed=("T", "U"),
        variables_removed=("X",),
        environments=Missing(("test", "production")),
    )
    effects: Effects = {
        "secrets": ["R", "S"],
        "secrets_removed": ["T", "U"],
        "variables": ["V", "W"],
        "variables_removed": ["X"],
        "environments": ["test", "production"],
    }
    attributes = {"SecretNames": "", "VariableNames": "", "Digest": "", "Environments": ""}
    foreseen = RESOURCE.foresee(asked("Update", ALL), THERE, plan)
    assert foreseen == Foreseen(attributes, effects, repository="acme/x")


# -- what is looked up -------------------------------------------------------------------------------------------------


@dataclass
class Looked:
    """GitHub with a repository, which notes what it is asked."""

    found: Repository | None = None
    absent: bool = True
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def repository_by_id(self, repository_id: int, full_name: str) -> Repository | None:
        self.asked.append(("by id", repository_id, full_name))
        return self.found

    def environments(self, full_name: str) -> dict[str, bool]:
        self.asked.append(("environments", full_name))
        return {"test": True}

    def is_absent(self, full_name: str, repository_id: int) -> bool:
        self.asked.append(("is absent", full_name, repository_id))
        return self.absent


MOVED = Repository(7, "acme/moved", "", "", "main", "", False, True, "private")
BY_ID, THEIRS = ("by id", 7, "acme/x"), ("environments", "acme/moved")
ENVIRONMENTS: dict[str, Any] = {"environments": ["test"]}
PROVEN: dict[str, Any] = {"name_proof": name_proof(seals_in_memory().of_repository(7), "acme/x", "stack")}


def observed(github: Looked, request: Request[ActionsConfigurationProperties]) -> Observed:
    clients = SimpleNamespace(github=github, seals=seals_in_memory())
    with ActionsConfiguration(cast("Clients", clients)).observe(request) as found:
        return found


@pytest.mark.parametrize(
    ("now", "found", "asked_for"),
    [
        ({}, Observed("acme/moved"), [BY_ID]),
        (ENVIRONMENTS, Observed("acme/moved", environments={"test": True}), [BY_ID, THEIRS]),
        ({**ENVIRONMENTS, "repository_status": "kept"}, Observed("acme/moved", environments={"test": True}),
         [BY_ID, THEIRS]),
        ({**ENVIRONMENTS, "repository_status": "created"}, Observed("acme/moved"), [BY_ID]),
        (PROVEN, Observed("acme/x"), []),
        ({**PROVEN, **ENVIRONMENTS}, Observed("acme/x", environments={"test": True}), [("environments", "acme/x")]),
        ({**PROVEN, **ENVIRONMENTS, "repository_status": "created"}, Observed("acme/x"), []),
    ],
)  # fmt: skip
def test_a_creation_looks_for_environments_where_somebody_may_have_set_them_up(
    now: dict[str, Any], found: Observed, asked_for: list[Any]
) -> None:
    github = Looked(MOVED)
    assert observed(github, asked("Create", now)) == found
    assert github.asked == asked_for


@pytest.mark.parametrize(
    ("now", "before", "found", "asked_for"),
    [
        (ALL, ALL, Observed("acme/x"), []),
        ({**ALL, **ENVIRONMENTS}, {**ALL, **ENVIRONMENTS}, Observed("acme/x"), []),
        ({**ALL, **ENVIRONMENTS}, ALL, Observed("acme/moved", environments={"test": True}), [BY_ID, THEIRS]),
        ({**ENVIRONMENTS, "repository_status": "created"}, {}, Observed("acme/moved", environments={"test": True}),
         [BY_ID, THEIRS]),
        ({}, ALL, Observed("acme/moved"), [BY_ID]),
        ({**ALL, "rotate_secrets": True}, ALL, Observed("acme/moved"), [BY_ID]),
    ],
)  # fmt: skip
def test_an_update_asks_github_about_what_it_will_write(
    now: dict[str, Any], before: dict[str, Any], found: Observed, asked_for: list[Any]
) -> None:
    github = Looked(MOVED)
    assert observed(github, asked("Update", now, before)) == found
    assert github.asked == asked_for


def test_what_its_owners_archived_is_known_as_that() -> None:
    archived = Looked(replace(MOVED, archived=True))
    assert observed(archived, asked("Update", {}, ALL)) == Observed("acme/moved", archived=True)


def test_a_deletion_asks_where_something_is_to_be_taken_out() -> None:
    github = Looked(MOVED)
    everything = {**ALL, **ENVIRONMENTS}
    assert observed(github, asked("Delete", everything, operation="DELETE_IN_PROGRESS 1")) == Observed("acme/x")
    assert github.asked == []
    removed = asked("Delete", everything, operation="UPDATE_COMPLETE_CLEANUP_IN_PROGRESS 1")
    assert observed(github, removed) == Observed("acme/moved")
    assert github.asked == [BY_ID]
    gone = Looked()
    assert observed(gone, removed) == Observed("")
    assert gone.asked == [BY_ID, ("is absent", "acme/x", 7)]


def test_an_update_does_not_go_on_without_its_repository() -> None:
    with pytest.raises(RepositoryGone) as gone:
        observed(Looked(), asked("Update", {}, ALL))
    assert gone.value.holes == {"repository": "acme/x"}
    with pytest.raises(RepositoryUnseen) as unseen:
        observed(Looked(absent=False), asked("Update", {}, ALL))
    assert unseen.value.holes == {"repository": "acme/x", "id": 7}
    with pytest.raises(RepositoryGone):
        observed(Looked(), asked("Create", {}))


class GitHub:
    """GitHub, which notes what is written."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def act(*given: Any, **more: Any) -> None:
            values = [each for each in given if not callable(each)]
            self.done.append((name, *values, *more.items()))
            for note in filter(callable, given):
                for each in values[1]:
                    note(each)

        return act


class Secrets:
    """Secrets Manager."""

    def value(self, reference: str) -> str:
        return f"value of {reference}"

    def github_credentials(self, reference: str) -> Any:
        raise AssertionError("no token is read")


def test_what_is_planned_is_written_and_reported_by_name() -> None:
    github, clients = GitHub(), FunctionClients({}, secrets=Secrets())
    vars(clients)["github"] = github
    now: dict[str, Any] = {
        "secrets": {"T": "t", "S": "s"},
        "secret_references": {"R": "arn#r"},
        "variables": {"W": "w", "V": "v"},
    }
    plan = Plan("acme/y", False, {"S": "s"}, {"R": "arn#r"}, {"V": "v"}, ("A",), ("B",))
    done = ActionsConfiguration(clients).apply(plan, asked("Update", now), lambda: None)
    assert github.done == [
        ("put_secrets", "acme/y", {"S": "s", "R": "value of arn#r"}),
        ("put_variables", "acme/y", {"V": "v"}),
        ("delete_secrets", "acme/y", ("A",)),
        ("delete_variables", "acme/y", ("B",)),
    ]
    assert (done.attributes["SecretNames"], done.attributes["VariableNames"]) == ("R,S,T", "V,W")
    assert set(done.attributes) == {"SecretNames", "VariableNames", "Digest", "Environments"}
    assert "value of" not in str(done)


def test_what_is_archived_is_said() -> None:
    clients = FunctionClients({}, secrets=Secrets())
    vars(clients)["github"] = GitHub()
    done = ActionsConfiguration(clients).apply(Plan("x", archived=True), asked("Update", {}), lambda: None)
    assert done.attributes["Environments"].startswith("The repository is archived: nothing was changed.")


def test_a_digest_tells_every_difference_and_no_order() -> None:
    clients = FunctionClients({}, secrets=Secrets())
    vars(clients)["github"] = GitHub()

    def digest(**now: Any) -> str:
        return ActionsConfiguration(clients).apply(Plan("x"), asked("Create", now), lambda: None).attributes["Digest"]

    ordered = digest(variables={"A": "1", "B": "2"})
    assert len(ordered) == 64
    assert ordered == digest(variables={"B": "2", "A": "1"})
    others = [digest(variables={"A": "1"}), digest(secrets={"A": "1"}), digest(secret_references={"A": "1"}), digest()]
    assert len({ordered, *others}) == 5


@pytest.mark.parametrize("name", ["A", "_a1", "x" * 255, "GITHUB", "MY_GITHUB_X"])
def test_a_name_is_what_github_takes(name: str) -> None:
    assert properties(variables={name: "1"}).variables == {name.upper(): "1"}
    assert properties(variables={name: ""}).variables == {}, "an empty value is not set"


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "x" * 256, "GITHUB_X", "GitHub_x", "A\n"])
def test_no_other_name_is_taken(name: str) -> None:
    for kind in ("secrets", "secret_references", "variables"):
        with pytest.raises(ValidationError):
            properties(**{kind: {name: "1"}})


def test_values_have_githubs_limit_in_bytes() -> None:
    fits = "ä" * (MAX_VALUE_BYTES // 2)
    assert MAX_VALUE_BYTES == 49152
    for kind in ("secrets", "variables"):
        assert properties(**{kind: {"A": fits}})
        with pytest.raises(ValidationError, match="the value of A is over 48 KB"):
            properties(**{kind: {"A": fits + "x"}})


def test_a_name_is_said_once() -> None:
    for kind in ("secrets", "secret_references", "variables"):
        with pytest.raises(ValidationError, match="names differ only in case"):
            properties(**{kind: {"a": "1", "A": "2"}})
    with pytest.raises(ValidationError, match="A has a value and a reference"):
        properties(secrets={"a": "1", "B": "1"}, secret_references={"A": "arn", "b": "arn"})
