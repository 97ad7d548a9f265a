"""Attack stories: ownership that somebody writes, copies or moves is none (docs/decisions/0060)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custom_resources.delivery.lineage import (
    DELIVERED,
    PROPOSALS,
    STACK_REF,
    STACKS,
    TEMPLATE_REF,
    Delivery,
    delivery_in,
    message,
    proposed,
    stack_ref,
)
from custom_resources.errors import FinalError
from standins.github.server import GitHubStandIn
from tests.integration.clouds import Resource
from tests.integration.world import Content, Project, World, refused
from tests.seals import ANOTHER
from tests.security.attacks import bare, commit, copy_everything, rename, stranger, unsealed, write_refs

V1: dict[str, Content] = {"README.md": "# Template\n", "train.py": "one\n"}
V2: dict[str, Content] = {**V1, "new.py": "n\n"}
MOST_REQUESTS = 8  # of a launch that is refused, with its rollback
LAUNCHED = (
    "The project seems to be already launched: the description of the empty repository acme/p1-build names it. "
    "Terminate that launch, or wait until it ends. If there is no launch, delete the repository or choose another name."
)
TAKEN = (
    "The repository acme/p1-build already exists and does not belong to this project. Choose another name, "
    "or launch with AdoptExisting=true after the repository's owners consent."
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with GitHubStandIn.running(tmp_path / "github", 0) as github:
        yield World(github, tmp_path / "home")


@pytest.fixture
def ours(world: World) -> Project:
    """A project whose stack is not launched yet."""
    return Project(world, world.publish("v1", V1))


def is_refused(world: World, project: Project, said: str = TAKEN) -> None:
    """Launch a project onto somebody's repository: refused in few words and requests, and nothing of it is changed."""
    before = world.snapshot("p1-build")
    world.requests()
    assert refused(project.launch) == said
    project.delete()
    asked = world.requests()
    assert len(asked) <= MOST_REQUESTS, [f"{entry.method} {entry.path}" for entry in asked]
    assert world.snapshot("p1-build") == before


# -- the description -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("(d1/p1 model_build)", TAKEN),
        ("(d1/p1 model_deploy {})", TAKEN),
        ("(d1/p1 model_build )", LAUNCHED),
        (f"(d1/p1 model_build {'0' * 40})", LAUNCHED),
    ],
)
def test_a_forged_description_proves_nothing(world: World, ours: Project, mark: str, said: str) -> None:
    stranger(world, description=f"Ours {mark}")
    is_refused(world, ours, said)


@pytest.mark.parametrize("ended", [False, True], ids=["while its stack is there", "after its stack has ended"])
def test_a_copied_description_proves_nothing(world: World, ours: Project, ended: bool) -> None:
    """Our mark is for one stack, and after that for one repository; another repository's is of no use."""
    victim = Project(world, ours.version)
    victim.create_repository()
    if ended:
        victim.delete()
    copied = victim.state.description
    rename(world, "p1-build", "aside")
    stranger(world, description=copied)
    is_refused(world, ours, LAUNCHED)


def test_the_next_launch_knows_what_never_got_a_template(world: World, ours: Project) -> None:
    first = Project(world, ours.version)
    first.create_repository()
    made = first.state.description
    first.delete()
    assert first.state.archived
    assert first.state.description != made, "it proves the repository to the next stack"
    ours.launch()
    assert (ours.attributes["Status"], ours.repository_id, ours.files()) == ("restored", first.repository_id, V1)


def test_what_never_got_a_template_takes_one_request_more_to_end(world: World, ours: Project) -> None:
    ours.create_repository()
    world.requests()
    ours.delete()
    asked = [(entry.method, entry.kind) for entry in world.requests()]
    assert asked == [("GET", "rest"), ("GET", "git"), ("PATCH", "rest"), ("PATCH", "rest")]


# -- the lineage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("archived", [False, True])
def test_a_lineage_copied_from_another_repository_proves_nothing(world: World, ours: Project, archived: bool) -> None:
    victim = Project(world, ours.version).launch()
    victim.delete()
    rename(world, "p1-build", "aside")
    stranger(world)
    copy_everything(world, "aside", "p1-build")
    world.rest("PATCH", "/repos/acme/p1-build", archived=archived)
    assert {TEMPLATE_REF, "refs/heads/main"} <= bare(world, "p1-build").refs().keys()
    victims = world.snapshot("aside")
    is_refused(world, ours)
    assert world.snapshot("aside") == victims


def test_a_lineage_that_somebody_wrote_proves_nothing(world: World, ours: Project) -> None:
    stranger(world)
    place = bare(world, "p1-build")
    delivery = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", ours.version.archive)
    for text in (f"Template\n\n{delivery.trailers()}\n", message("Template", delivery, ANOTHER)):
        forged = commit(place, text)
        refs = [TEMPLATE_REF, f"{DELIVERED}v1/{delivery.key}", delivery.ref(forged, ANOTHER), "refs/heads/main"]
        write_refs(place, dict.fromkeys(refs, forged))
        is_refused(world, ours)


def test_a_commit_of_ours_in_a_users_history_proves_nothing(world: World, ours: Project) -> None:
    """Without the records, the base is looked for in the history: a template commit that somebody wrote is none."""
    ours.launch()
    lie = ours.version.archive.replace(ours.version.archive[:8], "0" * 8)
    delivery = Delivery("d1", "p1", "model_build", "regression/model_build", "v2", lie)
    forged = commit(ours.bare, message("Template", delivery, ANOTHER), tree=ours.bare.resolve("main^{tree}"))
    tip = commit(ours.bare, "Work", ours.tip(), forged, tree=ours.bare.resolve("main^{tree}"), robot=False)
    write_refs(ours.bare, {"refs/heads/main": tip, TEMPLATE_REF: forged})
    assert ours.update(world.publish("v2", V2))["Status"] == "merged"
    assert ours.files() == V2


# -- former names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["nothing", "description", "lineage"])
def test_a_former_name_leads_to_nothing_that_is_not_proven(world: World, ours: Project, how: str) -> None:
    victim = Project(world, ours.version).launch()
    victim.delete()
    rename(world, "p1-build", "victim")
    stranger(world, description="(d1/p1 model_build)" if how == "description" else "")
    if how == "lineage":
        copy_everything(world, "victim", "p1-build")
    rename(world, "p1-build", "theirs")
    before = world.snapshot("theirs")
    world.requests()
    ours.launch()
    assert len(world.requests()) <= 20, "a launch"
    assert (ours.state.full_name, ours.attributes["Status"], ours.files()) == ("acme/p1-build", "created", V1)
    assert {**world.snapshot("theirs"), "redirects": None} == {**before, "redirects": None}


def marked_victim(world: World, ours: Project) -> Project:
    """Return another project that was launched, and whose users have renamed its repository."""
    victim = Project(world, ours.version, project="victim", name="payments").launch()
    rename(world, "payments", "victims")
    return victim


FORMER = (
    "acme/payments is a former name of the repository acme/victims, which belongs to another project. "
    "Choose another name."
)


@pytest.mark.parametrize("adopt", ["false", "true"])
def test_no_launch_takes_the_former_name_of_another_projects_repository(
    world: World, ours: Project, adopt: str
) -> None:
    """GitHub Enterprise Server's jobs are known by the name: the victim's role would trust who has it."""
    marked_victim(world, ours)
    before = world.snapshot("victims")
    mine = Project(world, ours.version, name="payments", settings={"AdoptExisting": adopt})
    world.requests()
    said = refused(mine.launch)
    assert (
        said == FORMER if adopt == "false" else "another project" in said or "does not belong to this project" in said
    )
    mine.delete()
    assert len(world.requests()) <= MOST_REQUESTS
    assert world.snapshot("victims") == before


@pytest.mark.parametrize("spelling", ["payments", "Payments"])
def test_no_update_takes_the_former_name_of_another_projects_repository(
    world: World, ours: Project, spelling: str
) -> None:
    victim = marked_victim(world, ours)
    before = world.snapshot("victims")
    ours.launch()
    world.requests()
    assert refused(lambda: ours.update_repository(Name=spelling)) == FORMER.replace("payments", spelling)
    assert {entry.method for entry in world.requests()} == {"GET"}
    assert (ours.state.name, world.snapshot("victims")) == ("p1-build", before)
    assert world.rest("GET", "/repos/acme/payments")["id"] == int(victim.repository_id)
    # What was its own name, and one that leads to nobody's, it may have.
    ours.update_repository(Name="renamed")
    ours.update_repository(Name="p1-build")
    stranger(world, "once")
    rename(world, "once", "now")
    ours.update_repository(Name="once")
    assert ours.state.name == "once"


def test_a_rollback_takes_its_own_former_name_back(world: World, ours: Project) -> None:
    ours.launch()
    with pytest.raises(FinalError):
        ours._deploy(
            Repository=Resource("Custom::GitHubRepository", {**ours.repository_properties(), "Name": "renamed"}),
            Template=ours._delivery({"TemplateArchive": "0" * 64 + ".zip"}),
        )
    assert ours.state.name == "p1-build"


# -- the stack -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sealed", [False, True], ids=["without a proof", "with another repository's proof"])
@pytest.mark.parametrize("whole", [False, True], ids=["the stack's ref", "the lineage as well"])
def test_a_forged_stack_keeps_no_repository_from_being_archived(
    world: World, ours: Project, sealed: bool, whole: bool
) -> None:
    other = Project(world, ours.version, project="p2", name="p2-build").launch()  # a stack that is there
    ours.launch()
    delivery = delivery_in(ours.bare.text("show", "--no-patch", "--format=%B", TEMPLATE_REF))
    assert delivery is not None
    holder = f"arn:aws:cloudformation:us-east-1:123456789012:stack/{other.stack}/1"
    forged = Delivery("d1", "p1", "model_build", delivery.folder, delivery.version, delivery.archive, holder)
    text = message("The project's stack", forged, ANOTHER) if sealed else f"Mine\n\n{forged.trailers()}\n"
    sha = commit(ours.bare, text)
    refs = {STACK_REF: sha, **({stack_ref(sha, ANOTHER): sha} if sealed else {})}
    if whole:  # all that is proven goes: it looks like a launch from before there were proofs
        proven = {ref: "" for ref in ours.refs() if ref.startswith((DELIVERED, STACKS))}
        refs |= {**proven, TEMPLATE_REF: sha, f"{DELIVERED}v1/{delivery.key}": sha}
    write_refs(ours.bare, refs)
    ours.delete()
    assert ours.state.archived


def test_a_forged_stack_lets_no_second_one_in(world: World, ours: Project) -> None:
    ours.launch()
    gone = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", ours.version.archive, "gone")
    sha = commit(ours.bare, f"Mine\n\n{gone.trailers()}\n")
    write_refs(ours.bare, {STACK_REF: sha})
    second = Project(world, ours.version)
    assert ours.stack in refused(second.launch)
    second.delete()
    assert not ours.state.archived


def test_a_stack_that_takes_over_writes_over_a_forged_claim(world: World, ours: Project) -> None:
    ours.launch()
    sha = commit(ours.bare, "Mine\n")
    write_refs(ours.bare, {STACK_REF: sha})
    ours.delete()
    again = Project(world, ours.version).launch()
    assert again.attributes["Status"] == "restored"
    assert again.refs()[STACK_REF] != sha
    third = Project(world, ours.version)
    assert again.stack in refused(third.launch)


# -- launches from before there were proofs --------------------------------------------------------------------------


def test_an_update_of_an_older_launch_brings_the_proofs(world: World, ours: Project) -> None:
    ours.launch()
    unsealed(ours)
    assert ours.update(world.publish("v2", V2))["Status"] == "merged"
    assert ours.files() == V2
    records = [ref for ref in ours.refs() if ref.startswith(DELIVERED)]
    assert len(records) == 1, "the record without a proof goes"
    assert records[0].count("-") == 1
    ours.delete()
    again = Project(world, ours.version).launch()
    assert again.attributes["Status"] == "restored"


def test_an_update_of_an_older_launch_without_news_brings_the_proofs_too(world: World, ours: Project) -> None:
    ours.launch()
    unsealed(ours)
    tip = ours.tip()
    assert ours.update()["Status"] == "unchanged"
    assert ours.tip() == tip
    assert [ref.count("-") for ref in ours.refs() if ref.startswith(DELIVERED)] == [1]


def test_an_older_launch_ends_as_it_did(world: World, ours: Project) -> None:
    ours.launch()
    unsealed(ours)
    ours.delete()
    assert ours.state.archived


def test_a_launch_believes_no_older_one(world: World, ours: Project) -> None:
    first = Project(world, ours.version).launch()
    unsealed(first)
    first.delete()
    is_refused(world, ours)


def test_an_older_launch_of_another_project_is_not_taken_for_ours(world: World, ours: Project) -> None:
    ours.launch()
    unsealed(ours)
    text = ours.bare.text("show", "--no-patch", "--format=%B", TEMPLATE_REF).replace("Project: p1", "Project: p2")
    forged = commit(ours.bare, text, tree=ours.bare.resolve("main^{tree}"))
    write_refs(ours.bare, {TEMPLATE_REF: forged})
    before = ours.refs()
    assert "carries the template of another project (d1/p2 model_build)" in refused(
        lambda: ours.update(world.publish("v2", V2))
    )
    assert ours.refs() == before


# -- secrets -------------------------------------------------------------------------------------------------------


def test_a_launch_asks_for_two_secrets_and_shows_neither(world: World, ours: Project) -> None:
    with world.cloud.logging() as lines:
        ours.launch()
    asked = world.handlers.kms.asked
    # The stack's, before the repository has an id, then the repository's, of each of three functions.
    assert len(set(asked)) == 2
    assert asked[1:] == [f"studio project template / repository {ours.repository_id}"] * 3
    secret = world.handlers.clients["Custom::GitHubRepository"].seals.of_repository(int(ours.repository_id)).secret
    shown = f"{lines} {world.snapshot('p1-build')}".encode()
    assert not [form for form in (secret, secret.hex().encode()) if form in shown]


def test_another_functions_process_asks_again_and_finds_the_same(world: World, ours: Project) -> None:
    ours.launch()
    world.cloud.use_token(world.github.token)  # new processes
    world.requests()
    assert ours.update()["Status"] == "unchanged"
    assert len(world.requests()) == 1
    assert len(world.handlers.kms.asked) == 5


def test_forged_proposals_cost_nothing(world: World, ours: Project) -> None:
    ours.launch()
    delivery = Delivery("d1", "p1", "model_build", "regression/model_build", "v2", "a.zip")
    sha = commit(ours.bare, message("Template", delivery, ANOTHER), ours.tip())
    forged: dict[str, Any] = {
        proposed(f"studio/template-v{n}", delivery, sha, n, ANOTHER).ref: sha for n in range(2599)
    }
    write_refs(ours.bare, {**forged, f"{PROPOSALS}template-v2/{delivery.key}": sha})
    world.requests()
    kms = len(world.handlers.kms.asked)
    assert ours.update(world.publish("v2", V2))["Status"] == "merged"
    asked = world.requests()
    assert (len([each for each in asked if each.kind == "git"]), len(asked)) == (4, 5), "as without them"
    assert len(world.handlers.kms.asked) == kms
    world.requests()
    ours.delete()
    assert len(world.requests()) == 4
    assert ours.state.archived
