"""Custom::GitHubRepository: what is read of a repository, whose lineage counts, and by which name it is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from custom_resources import github_repository
from custom_resources.clients.git import ROBOT, Commit, Refs
from custom_resources.clients.github import Repository
from custom_resources.clients.protocols import Clients
from custom_resources.consent import Consent, Reading
from custom_resources.delivery.lineage import STACK_REF, TEMPLATE_REF, Delivery, message, proposed, stack_ref
from custom_resources.errors import (
    FormerNameOfAnother,
    NotSeenYet,
    RepositoryGone,
    RepositoryHidden,
    RepositoryMayBeLeft,
    RepositoryTooLarge,
    RepositoryUnreachable,
)
from custom_resources.github_repository import GitHubRepository, _with_lineage
from custom_resources.named_repository import name_proof
from custom_resources.progress import Progress
from custom_resources.reconciler import Foreseen, Request
from custom_resources.repository_plan import GitHubRepositoryProperties, Observed, Plan
from tests.seals import ANOTHER, seals_in_memory

SEALS = seals_in_memory()
SEAL = SEALS.of_repository(7)
PROPERTIES = GitHubRepositoryProperties(
    organization="acme", name="build", part="model_build", domain_id="d1", project_id="p1"
)
ADOPTING = PROPERTIES.model_copy(update={"adopt_existing": True})
FOUND = Repository(7, "acme/build", "https://g/acme/build", "https://g/acme/build.git", "trunk", "", False, True, "")
FIRST = "arn:aws:cloudformation:eu-west-1:123456789012:stack/first/1"
OURS = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a" * 64 + ".zip", FIRST)
THEIRS = replace(OURS, project="p2")
PROPOSED = proposed("studio/template-v2", OURS, "offer", 5, SEAL)
LINEAGE = {TEMPLATE_REF: "base", OURS.ref("base", SEAL): "base"}
OFFER = {PROPOSED.ref: "offer", "refs/heads/studio/template-v2": "tip of the offer"}
MAIN = {"refs/heads/trunk": "tip"}


@dataclass
class Copy:
    """A repository's Git service, and the copy that holds what was fetched."""

    targets: Mapping[str, str]
    said: Mapping[str, Delivery]
    branch: str = "trunk"
    refusal: Exception | None = None
    opened: list[str] = field(default_factory=list)
    here: set[str] = field(default_factory=lambda: {""})

    @contextmanager
    def open(self, full_name: str, when: float = 0) -> Iterator[Any]:
        self.opened.append(full_name)
        if self.refusal:
            raise self.refusal
        yield self

    def look(self) -> Refs:
        return Refs(self.branch, self.targets)

    def fetch(self, *commits: str) -> None:
        self.here |= set(commits)

    def message(self, sha: str) -> str:
        assert sha in self.here, "a commit is read that was not fetched"
        return message("Template", self.said[sha], SEAL)

    def commit(self, sha: str) -> Commit:
        assert sha in self.here, "a commit is read that was not fetched"
        return Commit(sha, "tree", (), "", ROBOT[1])


@dataclass
class Stacks:
    """CloudFormation: the first launch's stack is there, and which ones were asked about."""

    asked: list[str] = field(default_factory=list)

    def exists(self, stack_id: str) -> bool:
        self.asked.append(stack_id)
        return stack_id == FIRST


def asked(kind: Any = "Create", id_: str = "", **more: Any) -> Request[GitHubRepositoryProperties]:
    return Request(kind, more.pop("properties", PROPERTIES), None, id_, "mine", "Repository", **more)


def clients_of(git: Copy | None = None, github: Any = None) -> Any:
    return SimpleNamespace(git=git, github=github, stacks=Stacks(), seals=seals_in_memory())


def copy_of(targets: Mapping[str, str], **said: Delivery) -> Copy:
    return Copy({**MAIN, **targets}, said)


# -- the lineage -------------------------------------------------------------------------------------------------------


def test_a_launch_reads_what_was_delivered_and_which_stack_still_holds_it() -> None:
    git = copy_of(LINEAGE, base=OURS)
    clients = clients_of(git)
    assert _with_lineage(FOUND, asked(), clients) == Observed(FOUND, OURS, rival=FIRST)
    assert (git.opened, clients.stacks.asked) == (["acme/build"], [FIRST])
    assert _with_lineage(FOUND, replace(asked(), stack_id=FIRST), clients_of(git)) == Observed(FOUND, OURS)


def test_a_claim_names_the_stack_that_holds_it_and_its_refs_are_told() -> None:
    claim = {STACK_REF: "claim", stack_ref("claim", SEAL): "claim"}
    git = copy_of({**LINEAGE, **claim}, base=OURS, claim=replace(OURS, stack="gone"))
    assert _with_lineage(FOUND, asked(), clients_of(git)) == Observed(FOUND, replace(OURS, stack="gone"), claim=claim)


def test_a_repository_without_a_default_branch_is_empty() -> None:
    assert _with_lineage(FOUND, asked(), clients_of(Copy({}, {}, branch=""))) == Observed(FOUND, empty=True)


def test_another_projects_delivery_is_told_and_its_stack_is_not_asked_for() -> None:
    refs = {TEMPLATE_REF: "base", THEIRS.ref("base", SEAL): "base"}
    clients = clients_of(copy_of(refs, base=THEIRS))
    assert _with_lineage(FOUND, asked(), clients) == Observed(FOUND, THEIRS)
    assert clients.stacks.asked == []


def test_what_nobody_proves_is_no_delivery() -> None:
    for seal in (ANOTHER, SEALS.of_repository(8)):
        refs = {TEMPLATE_REF: "base", OURS.ref("base", seal): "base"}
        assert _with_lineage(FOUND, asked(), clients_of(copy_of(refs, base=OURS))) == Observed(FOUND)


@pytest.mark.parametrize(
    ("id_", "operation", "delivery"),
    [
        ("7", "DELETE_IN_PROGRESS 1", OURS),
        ("8", "DELETE_IN_PROGRESS 1", None),
        ("acme/build", "DELETE_IN_PROGRESS 1", None),
        ("7", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS 1", None),
    ],
)
def test_without_proofs_only_the_stacks_own_repository_is_believed(
    id_: str, operation: str, delivery: Delivery | None
) -> None:
    """Of a launch from before there were proofs; and what nobody proves names no stack that holds it."""
    clients = clients_of(copy_of({TEMPLATE_REF: "base"}, base=OURS))
    request = asked("Delete", id_, operation=operation)
    assert _with_lineage(FOUND, request, clients) == Observed(FOUND, delivery)
    assert clients.stacks.asked == []


def test_records_too_large_to_be_read_stop_a_deletion_only_where_they_are_proven(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_large(self: Copy, *commits: str) -> None:
        raise RepositoryTooLarge

    monkeypatch.setattr(Copy, "fetch", too_large)
    git = copy_of({TEMPLATE_REF: "base"})
    assert _with_lineage(FOUND, asked("Delete", "7"), clients_of(git)) == Observed(FOUND)
    with pytest.raises(RepositoryTooLarge):
        _with_lineage(FOUND, asked("Delete", "7"), clients_of(copy_of(LINEAGE)))


# -- what an adopted repository keeps ----------------------------------------------------------------------------------


LEFT = {PROPOSED.ref: "offer", "refs/heads/studio/template-v2": "tip of the offer"}


def test_a_repository_that_ends_before_its_delivery_is_held_by_who_offers() -> None:
    clients = clients_of(copy_of(OFFER, offer=OURS))
    found = _with_lineage(FOUND, asked("Delete", "7:connected"), clients)
    assert found == Observed(FOUND, rival=FIRST, left=LEFT)
    clients = clients_of(copy_of(OFFER, offer=THEIRS))
    assert _with_lineage(FOUND, asked("Delete", "7:connected"), clients) == Observed(FOUND, left=LEFT)
    assert clients.stacks.asked == []


def test_an_offer_that_nobody_proves_holds_nothing() -> None:
    unproven = proposed("studio/template-v2", OURS, "offer", 5, ANOTHER)
    clients = clients_of(copy_of({unproven.ref: "offer"}, offer=OURS))
    found = _with_lineage(FOUND, asked("Delete", "7:connected"), clients)
    assert found == Observed(FOUND, left={unproven.ref: "offer"}), (
        "every ref below refs/studio is deleted, whoever wrote it"
    )
    assert clients.stacks.asked == []


def test_where_something_was_delivered_an_offer_counts_no_more() -> None:
    git = copy_of({**LINEAGE, **OFFER}, base=replace(OURS, stack="mine"), offer=OURS)
    found = _with_lineage(FOUND, asked("Delete", "7:connected"), clients_of(git))
    assert found == Observed(FOUND, replace(OURS, stack="mine"), left={**LINEAGE, **LEFT})


def test_a_repository_that_is_the_projects_own_keeps_its_refs_in_the_archive() -> None:
    git = copy_of(OFFER, offer=OURS)
    assert _with_lineage(FOUND, asked("Delete", "7"), clients_of(git)) == Observed(FOUND)
    update = asked("Update", "7:connected")
    assert _with_lineage(FOUND, update, clients_of(git)) == Observed(FOUND)


@dataclass
class Consents:
    """The owners' consent, and what was asked for it."""

    read_with: list[tuple[Any, ...]] = field(default_factory=list)
    stated_with: list[tuple[Any, ...]] = field(default_factory=list)

    def read(self, *given: Any) -> Reading:
        self.read_with.append(given)
        return Reading(Consent("file"))

    def stated(self, *given: Any) -> Reading:
        self.stated_with.append(given)
        return Reading(Consent("file", archive=True))


@pytest.fixture
def consents(monkeypatch: pytest.MonkeyPatch) -> Consents:
    found = Consents()
    monkeypatch.setattr("custom_resources.consent.read", found.read)
    monkeypatch.setattr("custom_resources.consent.stated", found.stated)
    return found


def test_a_consent_is_read_where_a_launch_asks_to_adopt(consents: Consents) -> None:
    unproven = {TEMPLATE_REF: "base"}
    git, request = copy_of(unproven), asked(properties=ADOPTING)
    clients = clients_of(git)
    assert _with_lineage(FOUND, request, clients) == Observed(FOUND, consent=Reading(Consent("file")))
    assert consents.read_with == [(FOUND, git, Refs("trunk", {**MAIN, **unproven}), request, clients)]
    assert consents.stated_with == []


@pytest.mark.parametrize(
    ("request_", "targets"),
    [
        (asked(), {}),
        (asked(properties=ADOPTING.model_copy(update={"organization": "other"})), {}),
        (asked("Delete", "acme/build", properties=ADOPTING), {}),
        (asked("Update", "7", properties=ADOPTING), {}),
        (asked(properties=ADOPTING), LINEAGE),
    ],
)
def test_else_nobodys_consent_is_read(
    consents: Consents, request_: Request[GitHubRepositoryProperties], targets: Mapping[str, str]
) -> None:
    git = copy_of(targets, base=replace(OURS, stack="gone"))
    assert _with_lineage(FOUND, request_, clients_of(git)).consent == Reading()
    assert (consents.read_with, consents.stated_with) == ([], [])


def test_where_an_adopted_one_ends_its_owners_say_whether_it_is_archived(consents: Consents) -> None:
    clients = clients_of(copy_of({}))
    found = _with_lineage(FOUND, asked("Delete", "7:adopted"), clients)
    assert found == Observed(FOUND, consent=Reading(Consent("file", archive=True)))
    assert consents.stated_with == [("acme/build", PROPERTIES, clients)]
    held = _with_lineage(FOUND, asked("Delete", "7:adopted"), clients_of(copy_of(LINEAGE, base=OURS)))
    assert held == Observed(FOUND, OURS, rival=FIRST, left=LINEAGE), "another stack goes on with it"
    assert len(consents.stated_with) == 1
    removed = asked("Delete", "7:adopted", operation="UPDATE_COMPLETE_CLEANUP_IN_PROGRESS 1")
    assert _with_lineage(FOUND, removed, clients_of(copy_of(OFFER))) == Observed(FOUND), "its event alone tells the id"
    assert len(consents.stated_with) == 1


# -- the mark ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seal", "mark"),
    [
        (SEAL, "repository"),
        (SEALS.of_stack("mine", "acme/build"), "stack"),
        (SEALS.of_stack("another", "acme/build"), "nobody"),
        (SEALS.of_stack("mine", "acme/other"), "nobody"),
        (ANOTHER, "nobody"),
    ],
)
def test_a_description_proves_whose_it_is(seal: Any, mark: Any) -> None:
    found = replace(FOUND, description=PROPERTIES.description(seal))
    assert _with_lineage(found, asked(), clients_of(copy_of({}))) == Observed(found, mark=mark)


# -- a token that is not let in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_token_that_is_not_let_in_is_said_of_the_repository(kind: Any) -> None:
    refusal = RepositoryUnreachable(activity="reading the repository")
    with pytest.raises((RepositoryHidden, RepositoryUnreachable)) as raised:
        _with_lineage(FOUND, asked(kind), clients_of(Copy({}, {}, refusal=refusal)))
    if kind == "Delete":
        assert isinstance(raised.value, RepositoryHidden)
        assert raised.value.holes == {"repository": "acme/build"}
    else:
        assert raised.value is refusal


# -- under which name it is looked for ---------------------------------------------------------------------------------


@dataclass
class GitHub:
    """GitHub with repositories by name; one is known by its id."""

    named: Mapping[str, Repository] = field(default_factory=dict)
    by_id: Repository | None = None
    absent: bool = True
    done: list[tuple[Any, ...]] = field(default_factory=list)

    def find_repository(self, full_name: str) -> Repository | None:
        self.done.append(("find", full_name))
        return self.named.get(full_name)

    def repository_by_id(self, repository_id: int, full_name: str) -> Repository | None:
        self.done.append(("by id", repository_id, full_name))
        return self.by_id

    def is_absent(self, full_name: str, repository_id: int) -> bool:
        self.done.append(("is absent", full_name, repository_id))
        return self.absent


@pytest.fixture
def lineages(monkeypatch: pytest.MonkeyPatch) -> dict[str, Observed]:
    """What is read of repositories by name; `read` notes with which request."""
    known: dict[str, Observed] = {}

    def read(found: Repository, request: Any, clients: Any) -> Observed:
        assert isinstance(clients, SimpleNamespace)
        organization, name = found.full_name.split("/")
        assert (request.properties.organization, request.properties.name) == (organization, name)
        assert (request.stack_id, request.logical_id) == ("mine", "Repository")
        return known.get(found.full_name, Observed(found))

    monkeypatch.setattr(github_repository, "_with_lineage", read)
    return known


ALTERNATIVE = PROPERTIES.model_copy(update={"alternative_name": "build-2"})
SECOND = replace(FOUND, id=8, full_name="acme/build-2")
MADE = Progress({"created 8": ""})


def observed(github: GitHub, request: Request[GitHubRepositoryProperties]) -> Observed:
    with GitHubRepository(cast("Clients", clients_of(github=github))).observe(request) as found:
        return found


BOTH = {"acme/build": FOUND, "acme/build-2": SECOND}
FIRST_ASKED, BOTH_ASKED = [("find", "acme/build")], [("find", "acme/build"), ("find", "acme/build-2")]


def test_it_is_looked_for_by_its_name_alone_where_that_is_ours(lineages: dict[str, Observed]) -> None:
    lineages["acme/build"] = Observed(FOUND, OURS)
    for properties in (PROPERTIES, ALTERNATIVE):
        github = GitHub(BOTH)
        assert observed(github, asked(properties=properties)) == Observed(FOUND, OURS)
        assert github.done == FIRST_ASKED


@pytest.mark.usefixtures("lineages")
def test_what_is_somebody_elses_leads_to_the_alternative() -> None:
    github = GitHub(BOTH)
    assert observed(github, asked(properties=ALTERNATIVE)) == Observed(SECOND, name="build-2")
    assert github.done == BOTH_ASKED
    github = GitHub({"acme/build": FOUND})
    assert observed(github, asked(properties=ALTERNATIVE)) == Observed(None, name="build-2")
    assert github.done == BOTH_ASKED
    assert observed(GitHub(BOTH), asked()) == Observed(FOUND), "there is none"


@pytest.mark.usefixtures("lineages")
def test_a_name_that_is_free_is_taken_unless_an_earlier_call_took_the_alternative() -> None:
    for request, found, done in (
        (asked(properties=ALTERNATIVE), Observed(None), FIRST_ASKED),
        (asked(properties=ALTERNATIVE, progress=MADE), Observed(SECOND, name="build-2"), BOTH_ASKED),
        (asked(progress=MADE), Observed(None), FIRST_ASKED),
    ):
        github = GitHub({"acme/build-2": SECOND})
        assert (observed(github, request), github.done) == (found, done)


def test_an_earlier_calls_repository_is_not_looked_for_again_where_it_is_there(lineages: dict[str, Observed]) -> None:
    lineages["acme/build"] = Observed(FOUND, OURS)
    github = GitHub(BOTH)
    assert observed(github, asked(properties=ALTERNATIVE, progress=MADE)) == Observed(FOUND, OURS)
    assert github.done == FIRST_ASKED


@pytest.mark.parametrize(("named", "name"), [({}, "acme/build"), ({"acme/build": FOUND}, "acme/build-2")])
@pytest.mark.usefixtures("lineages")
def test_a_deletion_that_finds_nothing_has_that_proven(named: Mapping[str, Repository], name: str) -> None:
    request = asked("Delete", "acme/build", properties=ALTERNATIVE)
    github = GitHub(named)
    assert observed(github, request) == Observed(None, name=name.removeprefix("acme/") if named else "")
    assert github.done[-1] == ("is absent", name, 0)
    with pytest.raises(RepositoryMayBeLeft) as left:
        observed(GitHub(named, absent=False), request)
    assert left.value.holes == {"repository": name}


@pytest.mark.usefixtures("lineages")
def test_a_launch_that_finds_nothing_has_nothing_proven() -> None:
    github = GitHub()
    assert observed(github, asked()) == Observed(None)
    assert github.done == FIRST_ASKED
    github = GitHub({"acme/build": FOUND})
    assert observed(github, asked("Delete", "acme/build")) == Observed(FOUND)
    assert github.done == FIRST_ASKED


# -- what the preflight saw --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "looked"),
    [
        ({}, False),
        ({"age": 4.9}, False),
        ({"age": 5}, True),
        ({"attempt": 1}, True),
        ({"noted": {}}, True),
        ({"progress": MADE}, True),
    ],
)
@pytest.mark.usefixtures("lineages")
def test_what_the_preflight_saw_is_true_for_its_first_seconds(more: dict[str, Any], looked: bool) -> None:
    github = GitHub()
    assert observed(github, asked(**{"noted": {"Absent": "true"}, **more})) == Observed(None)
    assert github.done == FIRST_ASKED * looked


# -- by its id ---------------------------------------------------------------------------------------------------------


RENAMED = PROPERTIES.model_copy(update={"name": "mine"})
BY_ID = ("by id", 7, "acme/mine")


def test_an_update_that_renames_looks_who_has_the_name() -> None:
    other = replace(FOUND, id=9, full_name="acme/mine")
    request = replace(asked("Update", "7", properties=RENAMED), old=PROPERTIES)
    github = GitHub({"acme/mine": other}, by_id=FOUND)
    assert observed(github, request) == Observed(FOUND, named=other)
    assert github.done == [BY_ID, ("find", "acme/mine")]
    for same in (replace(request, old=RENAMED), replace(request, type="Create"), replace(request, old=None)):
        github = GitHub({"acme/mine": other}, by_id=FOUND)
        assert observed(github, same) == Observed(FOUND)
        assert github.done == [BY_ID]


def test_a_former_name_of_another_project_is_refused_by_what_was_found() -> None:
    other = replace(FOUND, id=9, full_name="acme/moved", description="(d1/p2 model_build 0)")
    request = replace(asked("Update", "7", properties=RENAMED), old=PROPERTIES)
    clients = SimpleNamespace(allowances=SimpleNamespace(require=lambda *_: None, visibilities=("private",)))
    with pytest.raises(FormerNameOfAnother):
        GitHubRepository(cast("Clients", clients)).plan(request, Observed(FOUND, named=other))


def test_a_deletion_reads_the_lineage_of_what_can_be_archived(lineages: dict[str, Observed]) -> None:
    lineages["acme/build"] = Observed(FOUND, OURS)
    github = GitHub(by_id=FOUND)
    assert observed(github, asked("Delete", "7")) == Observed(FOUND, OURS)
    assert github.done == [("by id", 7, "acme/build")]
    assert observed(github, asked("Update", "7")) == Observed(FOUND)
    archived = replace(FOUND, archived=True)
    assert observed(GitHub(by_id=archived), asked("Delete", "7")) == Observed(archived)


def test_what_is_not_found_by_its_id_is_proven_to_be_gone() -> None:
    github = GitHub()
    assert observed(github, asked("Delete", "7:adopted")) == Observed(None)
    assert github.done == [("by id", 7, "acme/build"), ("is absent", "acme/build", 7)]
    with pytest.raises(RepositoryMayBeLeft) as left:
        observed(GitHub(absent=False), asked("Delete", "7"))
    assert left.value.holes == {"repository": "acme/build (ID 7)"}
    with pytest.raises(RepositoryGone) as gone:
        observed(GitHub(), asked("Update", "7"))
    assert gone.value.holes == {"repository": "acme/build"}
    with pytest.raises(NotSeenYet):
        observed(GitHub(), asked("Update", "7", unsettled=True))


# -- a dry run ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "shown"), [("model_build", "build"), ("model_deploy", "deploy")])
def test_a_dry_run_reports_what_an_update_would(part: str, shown: str) -> None:
    properties = PROPERTIES.model_copy(update={"part": part})
    resource = GitHubRepository(cast("Clients", clients_of()))
    changes: dict[str, str | bool] = {"name": "new", "visibility": "internal"}
    foreseen = resource.foresee(
        asked("Update", "7", properties=properties), Observed(FOUND), Plan("keep", FOUND, changes)
    )
    attributes = {
        "RepositoryId": "7",
        "FullName": "acme/build",
        "Name": "build",
        "HtmlUrl": "https://g/acme/build",
        "CloneUrl": "https://g/acme/build.git",
        "DefaultBranch": "trunk",
        "Status": "kept",
        "NameProof": name_proof(SEAL, "acme/build", "mine"),
    }
    settings = ["name = new", "visibility = internal"]
    assert foreseen == Foreseen(attributes, {"repository": "acme/build", "settings": settings}, part=shown)
