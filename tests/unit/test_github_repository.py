"""What is planned for a project's repository, from what was found under its name or id: no clients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from custom_resources.clients import FunctionClients
from custom_resources.clients.github import Repository
from custom_resources.consent import Consent, Reading
from custom_resources.delivery.lineage import STACK_REF, Delivery
from custom_resources.delivery.ownership import Claim
from custom_resources.errors import (
    HeldByAnotherStack,
    OrganizationChanged,
    OrganizationNotAllowed,
    RepositoryNameTaken,
    RepositoryOfALaunch,
    VisibilityNotAllowed,
)
from custom_resources.github_repository import GitHubRepository
from custom_resources.progress import Progress
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import Request
from custom_resources.repository_plan import GitHubRepositoryProperties, Observed, Plan, is_anothers
from tests.seals import ANOTHER, SEAL

RESOURCE = GitHubRepository(FunctionClients({}))
PROPERTIES = GitHubRepositoryProperties(
    organization="acme", name="build", part="model_build", domain_id="d1", project_id="p1", topics=["studio"]
)
FOUND = Repository(7, "acme/build", "https://github.com/acme/build", "", "main", "", False, True, "private")
OURS = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a.zip")
THEIRS = replace(OURS, project="p2")


def decided(
    observed: Observed, kind: Any = "Create", id_: str = "acme/build", old: dict[str, Any] | None = None, **new: Any
) -> Plan:
    before = PROPERTIES.model_copy(update=old) if old is not None else None
    return RESOURCE.plan(Request(kind, PROPERTIES.model_copy(update=new), before, id_, "", ""), observed)


ARCHIVED, MOVED, AWAY = (
    replace(FOUND, archived=True),
    replace(FOUND, full_name="acme/moved"),
    replace(FOUND, full_name="other/build"),
)
FILE, FOREVER = Reading(Consent("file")), Reading(Consent("file", archive=True))


@pytest.mark.parametrize(
    ("observed", "adopt", "action"),
    [
        (Observed(None), False, "create"),
        (Observed(FOUND, OURS), False, "keep"),
        (Observed(replace(FOUND, full_name="Acme/Build"), OURS), False, "keep"),
        (Observed(MOVED, OURS), False, "keep"),
        (Observed(ARCHIVED, OURS), False, "restore"),
        (Observed(FOUND, None, empty=True, mark="stack"), False, "keep"),
        (Observed(FOUND, None, empty=False, mark="stack"), False, None),
        (Observed(FOUND, None, empty=True, mark="nobody"), True, None),
        (Observed(FOUND, None, empty=True, mark="nobody", consent=FILE), True, "adopt"),
        (Observed(MOVED, None, empty=True, mark="nobody"), False, "create"),
        (Observed(FOUND, None), False, None),
        (Observed(FOUND, None, empty=True), False, None),
        (Observed(FOUND, THEIRS), False, None),
        (Observed(FOUND, THEIRS), True, None),
        (Observed(FOUND, None), True, None),
        (Observed(FOUND, None, consent=FILE), True, "adopt"),
        (Observed(FOUND, None, consent=FILE), False, None),
        (Observed(FOUND, None, consent=replace(FILE, claimed=True)), True, None),
        (Observed(FOUND, THEIRS, consent=FILE), True, None),
        (Observed(ARCHIVED, None, consent=FILE), True, None),
        (Observed(MOVED, None), False, "create"),
        (Observed(MOVED, THEIRS), False, "create"),
        (Observed(MOVED, None), True, None),
        (Observed(MOVED, None, consent=FILE), True, "adopt"),
        (Observed(AWAY, None), True, "create"),
    ],
)
def test_a_create_decides_by_whose_it_is(observed: Observed, adopt: bool, action: str | None) -> None:
    if action is None:
        with pytest.raises(RepositoryNameTaken, match=r"[Cc]hoose another name"):
            decided(observed, adopt_existing=adopt)
    else:
        assert decided(observed, adopt_existing=adopt).action == action


@pytest.mark.parametrize("empty", [True, False])
def test_whether_it_is_empty_is_known_of_one_that_is_taken_over_or_kept(empty: bool) -> None:
    taken_over = decided(Observed(FOUND, None, empty=empty, mark="nobody", consent=FILE), adopt_existing=True)
    kept = decided(Observed(FOUND, OURS, empty=empty))
    assert (taken_over.empty, kept.empty) == (empty, empty)


def test_what_another_launch_may_have_created_is_refused_as_such() -> None:
    with pytest.raises(RepositoryOfALaunch, match="The project seems to be already launched"):
        decided(Observed(FOUND, None, empty=True, mark="nobody"))


@pytest.mark.parametrize(
    ("observed", "id_", "action"),
    [
        (Observed(None), "7", "nothing"),
        (Observed(FOUND, mark="stack"), "7", "archive"),
        (Observed(FOUND, OURS), "7", "archive"),
        (Observed(ARCHIVED), "7", "nothing"),
        (Observed(FOUND, None), "7", "archive"),  # a user took our refs and our mark away
        (Observed(FOUND, None), "7:connected", "nothing"),  # made by Studio, never delivered to
        (Observed(FOUND, OURS), "7:connected", "archive"),
        (Observed(FOUND, OURS, consent=FILE), "7:adopted", "nothing"),
        (Observed(FOUND, OURS), "7:adopted", "nothing"),  # the file is gone
        (Observed(FOUND, OURS, left={"refs/studio/template": "c0"}), "7:adopted", "release"),
        (Observed(FOUND, OURS, consent=FOREVER), "7:adopted", "archive"),
        (Observed(ARCHIVED, OURS, consent=FOREVER), "7:adopted", "nothing"),
        (Observed(FOUND, OURS), "acme/build", "archive"),
        (Observed(FOUND, None, empty=True, mark="stack"), "acme/build", "archive"),
        (Observed(FOUND, None), "acme/build", "nothing"),
        (Observed(FOUND, None, empty=True, mark="nobody"), "acme/build", "nothing"),
        (Observed(FOUND, None, empty=True, mark="nobody"), "7", "archive"),
        (Observed(FOUND, THEIRS), "acme/build", "nothing"),
    ],
)
def test_a_delete_archives_what_is_ours(observed: Observed, id_: str, action: str) -> None:
    planned = decided(observed, "Delete", id_)
    assert planned.action == action
    assert (planned.repository is None) == (action == "nothing"), "what does nothing holds nothing"


@pytest.mark.parametrize(
    ("observed", "id_", "action"),
    [
        (Observed(FOUND, None), "7", "nothing"),
        (Observed(FOUND, THEIRS), "7", "nothing"),
        (Observed(FOUND, None, left={"refs/studio/template": "c0"}), "7:adopted", "nothing"),
        (Observed(FOUND, OURS), "7", "archive"),
    ],
)
def test_what_an_update_has_removed_is_archived_only_where_the_lineage_proves_it(
    observed: Observed, id_: str, action: str
) -> None:
    """Nothing but the event tells the id then, and anybody may make an event up."""
    operation = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS 1"
    request = Request("Delete", PROPERTIES, None, id_, "", "", operation=operation)
    assert RESOURCE.plan(request, observed).action == action


@pytest.mark.parametrize(
    ("observed", "marked"),
    [
        (Observed(FOUND, empty=True, mark="stack"), True),  # the stack goes: the mark would prove nothing to the next
        (Observed(FOUND, empty=True, mark="repository"), False),
        (Observed(FOUND, empty=False, mark="stack"), False),
        (Observed(FOUND, OURS, empty=True, mark="stack"), False),
    ],
)
@pytest.mark.parametrize("id_", ["7", "acme/build"])
def test_what_never_got_a_template_is_marked_for_the_next_launch(observed: Observed, marked: bool, id_: str) -> None:
    planned = decided(observed, "Delete", id_)
    assert planned.marked == marked
    assert RESOURCE.cost(planned).points == 5 * ((planned.action == "archive") + marked)


def test_a_mark_proves_a_repository_to_whom_it_was_made_for() -> None:
    mark = PROPERTIES.owner.mark(SEAL)
    assert PROPERTIES.description(SEAL).endswith(f" {mark}")
    assert PROPERTIES.owner.mark(ANOTHER) != mark
    text = PROPERTIES.description(SEAL)
    assert PROPERTIES.owner.proven_by(text, SEAL, lambda: ANOTHER) == "repository"
    assert PROPERTIES.owner.proven_by(text, ANOTHER, lambda: SEAL) == "stack"
    assert PROPERTIES.owner.proven_by(text, ANOTHER, lambda: ANOTHER) == "nobody"
    assert PROPERTIES.model_copy(update={"project_id": "p2"}).owner.proven_by(text, SEAL, lambda: SEAL) == ""
    others = [{"domain_id": "d2"}, {"project_id": "p2"}, {"part": "model_deploy"}]
    assert mark not in {PROPERTIES.model_copy(update=other).owner.mark(SEAL) for other in others}


@pytest.mark.parametrize("name", ["", "x" * 400])
def test_a_description_fits(name: str) -> None:
    text = PROPERTIES.model_copy(update={"project_name": name}).description(SEAL)
    assert len(text) <= 350
    assert text.startswith("Model build repository of ")


def test_a_delete_releases_what_was_only_adopted() -> None:
    seen = Observed(FOUND, None)
    planned = decided(seen, "Delete", "7:connected", secret_names=["A", "B"], variable_names=["C"])
    assert (planned.action, RESOURCE.cost(planned)) == ("release", Cost(points=15))
    assert decided(replace(seen, rival="arn"), "Delete", "7:connected", secret_names=["A"]).action == "nothing"
    archived = decided(Observed(FOUND, OURS), "Delete", "7", secret_names=["A"], secret_reference_names=["R"])
    assert (archived.action, archived.secrets_removed, RESOURCE.cost(archived)) == ("archive", ("R",), Cost(points=10))


def test_a_delete_that_goes_on_takes_out_what_its_earlier_calls_left() -> None:
    done = Progress({"no secret A": "", "no secret R": "", "no variable C": "", "no variable B": "", "no secret D": ""})
    names = {"secret_names": ["B", "A"], "secret_reference_names": ["S", "R"], "variable_names": ["D", "C"]}
    request = Request("Delete", PROPERTIES.model_copy(update=names), None, "7:connected", "", "", progress=done)
    released = RESOURCE.plan(request, Observed(FOUND, None, left={"refs/studio/template": "c0"}))
    assert (released.action, released.secrets_removed, released.variables_removed) == ("release", ("B", "S"), ("D",))
    assert released.refs_removed == {"refs/studio/template": "c0"}
    archived = RESOURCE.plan(replace(request, physical_id="7"), Observed(FOUND, OURS))
    assert (archived.action, archived.secrets_removed, archived.variables_removed) == ("archive", ("S",), ())


def test_an_update_changes_what_the_stack_changed() -> None:
    assert decided(Observed(FOUND), "Update", "7", {}).changes == {}
    assert decided(Observed(FOUND), "Update", "7", {}, visibility="internal").changes == {"visibility": "internal"}
    assert decided(Observed(FOUND), "Update", "7", {"name": "old"}).changes == {}  # it has that name already
    assert decided(Observed(FOUND), "Update", "7", {"topics": ["old"]}).topics == ("studio",)
    archived = decided(Observed(ARCHIVED), "Update", "7", {"name": "old"}, visibility="internal")
    assert (archived.action, archived.changes, archived.topics) == ("leave", {}, None), "its owners archived it"


def test_an_adopted_repository_keeps_its_name_and_visibility() -> None:
    changed = decided(Observed(FOUND), "Update", "7:adopted", {"name": "old", "topics": ["x"]}, visibility="internal")
    assert (changed.action, changed.changes, changed.topics) == ("keep", {}, ("studio",))


@pytest.mark.parametrize(("kind", "old"), [("Create", None), ("Update", {}), ("Update", {"organization": "other"})])
def test_what_the_administrator_does_not_permit_is_refused(kind: Any, old: dict[str, Any] | None) -> None:
    allowed = GitHubRepository(FunctionClients({"ALLOWED_ORGANIZATIONS": "acme Globex"}))
    for new, error in (
        ({"visibility": "public"}, VisibilityNotAllowed),
        ({"organization": "evil"}, OrganizationNotAllowed),
    ):
        before = PROPERTIES.model_copy(update=old) if old is not None else None
        request = Request(kind, PROPERTIES.model_copy(update=new), before, "7" if old is not None else "x", "", "")
        found = (
            None
            if kind == "Create"
            else replace(FOUND, full_name="evil/build" if "organization" in new else "acme/build")
        )
        with pytest.raises(error, match="Choose one of") as refused:
            allowed.plan(request, Observed(found))
        listed = "acme, Globex" if "organization" in new else "private, internal"
        assert refused.value.holes["allowed"] == listed
    globex = PROPERTIES.model_copy(update={"organization": "globex"})
    assert allowed.plan(Request("Create", globex, None, "", "", ""), Observed(None)).action == "create"


def test_a_stack_keeps_what_was_permitted_when_it_was_launched() -> None:
    assert decided(Observed(FOUND), "Update", "7", {"visibility": "public"}, visibility="public").action == "keep"
    assert decided(Observed(FOUND), "Delete", "7", visibility="public").action == "archive"


def test_what_a_user_renamed_stays_unless_the_stack_renames() -> None:
    assert decided(Observed(MOVED), "Update", "7", {}).changes == {}
    assert decided(Observed(MOVED), "Update", "7", {"name": "old"}).changes == {"name": "build"}


def test_another_organization_is_refused_unless_the_repository_is_there() -> None:
    with pytest.raises(OrganizationChanged, match="Transfer the repository on GitHub"):
        decided(Observed(FOUND), "Update", "7", {}, organization="other")
    assert decided(Observed(AWAY), "Update", "7", {}, organization="other").action == "keep"
    assert decided(Observed(FOUND), "Update", "7", {"organization": "other"}).action == "keep"  # the rollback


@pytest.mark.parametrize(
    ("there", "new", "old", "topics"),
    [
        (["mine", "old"], ["studio"], ["old"], ("mine", "studio")),  # what the template dropped goes
        (["mine", "studio"], ["Studio"], ["old"], None),  # nothing is missing
        (["old"], [], ["old"], ()),
        ([f"mine-{n}" for n in range(20)], ["studio"], ["old"], None),  # GitHub takes no more
        (["kept"], ["kept", "new"], ["kept"], ("kept", "new")),
    ],
)
def test_topics_are_the_users_and_the_templates(
    there: list[str], new: list[str], old: list[str], topics: tuple[str, ...] | None
) -> None:
    found = replace(FOUND, topics=tuple(there))
    planned = decided(Observed(found), "Update", "7", {"topics": old}, topics=new)
    assert planned.topics == topics
    assert RESOURCE.cost(planned).points == (0 if topics is None else 5)


@pytest.mark.parametrize("archived", [False, True])
def test_a_repository_that_is_taken_up_again_keeps_its_users_topics(archived: bool) -> None:
    found = replace(FOUND, archived=archived, topics=("mine", "studio"))
    assert decided(Observed(found, OURS)).topics is None
    planned = decided(Observed(replace(found, topics=("mine",)), OURS))
    assert (planned.action, planned.topics) == ("restore" if archived else "keep", ("mine", "studio"))
    adopted = decided(Observed(replace(FOUND, topics=("mine",)), consent=FILE), adopt_existing=True)
    assert (adopted.action, adopted.topics) == ("adopt", ("mine", "studio"))
    assert decided(Observed(None)).topics == ("studio",)


def test_another_stack_that_is_there_is_neither_joined_nor_ended() -> None:
    observed = Observed(FOUND, replace(OURS, stack="arn:aws:cloudformation:r:1:stack/first/u"), rival="stack/first/u")
    with pytest.raises(HeldByAnotherStack, match="already launched"):
        decided(observed)
    for id_ in ("7", "acme/build"):
        assert decided(replace(observed, mark="stack"), "Delete", id_).action == "nothing"


def test_a_repository_passes_on_from_a_stack_that_is_gone() -> None:
    claim = decided(Observed(ARCHIVED, replace(OURS, stack="gone"), claim={STACK_REF: "c0ffee"})).claim
    assert claim == Claim(OURS, {STACK_REF: "c0ffee"})  # the test's stack has no id
    assert decided(Observed(FOUND, OURS)).claim is None


def test_a_plan_says_what_it_costs() -> None:
    assert RESOURCE.cost(decided(Observed(None))).creations == 1
    assert RESOURCE.cost(decided(Observed(FOUND), "Update", "7", {})).points == 0


# -- a name that nobody chose ------------------------------------------------------------------------------------------

ALTERNATIVE = PROPERTIES.model_copy(update={"alternative_name": "build-abcdef"})
OTHERS = replace(MOVED, description="Model build repository (d1/p2 model_build 0123)")


@pytest.mark.parametrize(
    ("observed", "anothers"),
    [
        (Observed(None), False),
        (Observed(FOUND, OURS), False),
        (Observed(ARCHIVED, OURS), False),
        (Observed(FOUND, THEIRS), True),
        (Observed(ARCHIVED, THEIRS), True),
        (Observed(FOUND, None), True),
        (Observed(FOUND, None, empty=True), True),
        (Observed(FOUND, None, empty=True, mark="stack"), False),
        (Observed(FOUND, None, empty=True, mark="nobody"), False),
        (Observed(MOVED, None), False),
        (Observed(OTHERS, None), True),
    ],
)
def test_another_name_is_taken_where_the_first_is_somebody_elses(observed: Observed, anothers: bool) -> None:
    assert is_anothers(ALTERNATIVE, observed) is anothers
    assert is_anothers(PROPERTIES, observed) is False, "there is no other"
    assert is_anothers(ALTERNATIVE.model_copy(update={"adopt_existing": True}), observed) is False


def test_what_is_found_under_the_other_name_is_decided_by_that() -> None:
    there = replace(FOUND, full_name="acme/build-abcdef")
    plan = decided(Observed(there, OURS, name="build-abcdef"), alternative_name="build-abcdef")
    assert (plan.action, plan.name) == ("keep", "build-abcdef")
    new = decided(Observed(None, name="build-abcdef"), alternative_name="build-abcdef")
    assert (new.action, new.name) == ("create", "build-abcdef")
    with pytest.raises(RepositoryNameTaken, match="acme/build-abcdef"):
        decided(Observed(there, THEIRS, name="build-abcdef"), alternative_name="build-abcdef")


@pytest.mark.parametrize(
    ("old", "new", "found", "renamed"),
    [
        ("build", "build", "build-abcdef", False),
        ("p1-d1-build-repo", "build", "build-abcdef", False),
        ("build", "p1-d1-build-repo", "build", False),
        ("p1-d1-build-repo", "build", "build", False),
        ("build", "mine", "build-abcdef", True),
        ("build", "build", "renamed-by-a-user", False),
    ],
)
def test_a_repository_keeps_its_name_for_life(old: str, new: str, found: str, renamed: bool) -> None:
    """Whatever a version from before there were patterns calls it, and back."""
    there = replace(FOUND, full_name=f"acme/{found}")
    other = "" if new == "mine" else "build-abcdef"  # a name that a launch chooses has no other
    plan = decided(Observed(there), "Update", "7", {"name": old}, name=new, alternative_name=other)
    assert ("name" in plan.changes) is renamed
