"""Attack stories through the deployed functions: each is refused in a sentence and few requests; the victim stays.

tests/security tells them in all their variants, in the test's process. Here the roads are the real ones: events and
rollbacks of CloudFormation, the functions with the roles and keys of their stack, KMS for the proofs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from custom_resources.delivery.lineage import (
    DELIVERED,
    PROPOSALS,
    STACK_REF,
    TEMPLATE_REF,
    Delivery,
    delivery_in,
    message,
    proposed,
    stack_ref,
)
from tests.integration.world import Content, Project, World, refused
from tests.seals import ANOTHER
from tests.security.attacks import commit, copy_everything, rename, stranger, write_refs

pytestmark = pytest.mark.ministack

V1: dict[str, Content] = {"README.md": "# Template\n", "train.py": "one\n"}
V2: dict[str, Content] = {**V1, "new.py": "n\n"}
MOST_REQUESTS = 8  # of a launch that is refused, with its rollback
TAKEN = (
    "The repository acme/{} already exists and does not belong to this project. Choose another name, "
    "or launch with AdoptExisting=true after the repository's owners consent."
)


@contextmanager
def nothing_of_it_changes(world: World, name: str) -> Iterator[None]:
    """Look at a repository before and after an attack, and count what the attack made the product ask of GitHub."""
    before = world.snapshot(name)
    world.requests()
    yield
    asked = world.requests()
    assert len(asked) <= MOST_REQUESTS, [f"{entry.method} {entry.path}" for entry in asked]
    assert all(entry.method == "GET" or entry.path.endswith("/git-upload-pack") for entry in asked)
    assert world.snapshot(name) == before


def attack(world: World, attacker: Project) -> str:
    """Launch onto somebody's repository, have it rolled back, and end the launch; return the sentence."""
    with nothing_of_it_changes(world, attacker.name):
        said = refused(attacker.launch)
        attacker.delete()
    return said


def attackers(world: World, project: str = "attacker") -> Project:
    """Return a launch for the attacker's project that adopts `payments`, and would leave a secret there."""
    settings = {"AdoptExisting": "true"}
    return Project(world, world.publish("v1", V1), project, name="payments", settings=settings, secrets={"S": "1"})


@pytest.mark.ministack(always=True)
def test_a_repository_of_somebody_else_is_not_adopted(world: World) -> None:
    stranger(world, "payments", auto_init=True)
    assert attack(world, attackers(world)) == (
        "The repository acme/payments already exists, and its owners have not consented to adoption "
        "(.github/studio-project.yml: the file does not exist). Commit .github/studio-project.yml to its default "
        "branch with the lines `domain: d1` and `project: attacker`, or choose another name."
    )


@pytest.mark.parametrize("seeded", [False, True], ids=["not seeded yet", "delivered"])
def test_a_repository_of_another_project_is_not_adopted(world: World, seeded: bool) -> None:
    victim = Project(world, world.publish("v1", V1), "victim", name="payments")
    if seeded:
        victim.launch()
    else:
        victim.create_repository()
    assert "Choose another name" in attack(world, attackers(world))
    assert victim.launch().files() == V1, "its own launch goes on"


def test_a_description_that_somebody_wrote_or_copied_proves_nothing(world: World) -> None:
    """The victim's launch does not move into a repository that somebody has prepared for it."""
    ours = Project(world, world.publish("v1", V1))
    stranger(world, description="Ours (d1/p1 model_build)")
    assert attack(world, ours) == TAKEN.format("p1-build")
    rename(world, "p1-build", "aside")
    first = Project(world, ours.version)
    first.create_repository()
    copied = first.state.description
    rename(world, "p1-build", "first")
    stranger(world, description=copied)
    assert "The project seems to be already launched" in attack(world, Project(world, ours.version))


def test_a_lineage_that_somebody_copied_proves_nothing(world: World) -> None:
    victim = Project(world, world.publish("v1", V1)).launch()
    victim.delete()
    rename(world, "p1-build", "aside")
    stranger(world)
    copy_everything(world, "aside", "p1-build")
    with nothing_of_it_changes(world, "aside"):
        assert attack(world, Project(world, victim.version)) == TAKEN.format("p1-build")


def test_a_former_name_leads_the_launch_nowhere(world: World) -> None:
    """Somebody had the name with a copy of the victim's repository, and has renamed that: GitHub redirects to it."""
    victim = Project(world, world.publish("v1", V1)).launch()
    victim.delete()
    rename(world, "p1-build", "victim")
    stranger(world)
    copy_everything(world, "victim", "p1-build")
    rename(world, "p1-build", "theirs")
    before = world.snapshot("theirs")
    world.requests()
    again = Project(world, victim.version).launch()
    assert len(world.requests()) <= 20, "a launch"
    assert (again.state.full_name, again.attributes["Status"], again.files()) == ("acme/p1-build", "created", V1)
    assert {**world.snapshot("theirs"), "redirects": None} == {**before, "redirects": None}


def test_refs_that_somebody_pushed_cost_and_keep_nothing(world: World) -> None:
    """Proposals by the hundred, a lineage and a claim of a stack that lives: the update is as cheap, the end an end."""
    other = Project(world, world.publish("v1", V1), "p2", name="p2-build").launch()  # a stack that is there
    ours = Project(world, other.version).launch()
    lineage = delivery_in(other.bare.text("show", "--no-patch", "--format=%B", TEMPLATE_REF))
    assert lineage
    delivery = Delivery("d1", "p1", "model_build", "regression/model_build", "v9", "a.zip", lineage.stack)
    sha = commit(ours.bare, message("Template", delivery, ANOTHER), ours.tip())
    forged = {proposed(f"studio/template-v{n}", delivery, sha, n, ANOTHER).ref: sha for n in range(600)}
    forged |= {f"{PROPOSALS}template-v2/{delivery.key}": sha, f"{DELIVERED}v9/{delivery.key}": sha}
    forged |= {TEMPLATE_REF: sha, STACK_REF: sha, stack_ref(sha, ANOTHER): sha, delivery.ref(sha, ANOTHER): sha}
    write_refs(ours.bare, forged)
    world.requests()
    assert ours.update(world.publish("v2", V2))["Status"] == "merged"
    assert len(world.requests()) <= MOST_REQUESTS
    assert ours.files() == V2
    ours.delete()
    assert len(world.requests()) <= MOST_REQUESTS
    assert ours.state.archived
    assert not other.state.archived


def test_the_former_name_of_a_living_projects_repository_is_nobodys(world: World) -> None:
    """Its role may trust that name still: neither a launch nor an update gets it."""
    victim = Project(world, world.publish("v1", V1), "victim", name="payments").launch()
    rename(world, "payments", "victims")
    former = "acme/payments is a former name of the repository acme/victims, which belongs to another project."
    with nothing_of_it_changes(world, "victims"):
        mine = Project(world, victim.version, "attacker", name="payments")
        assert former in refused(mine.launch)
        mine.delete()
    ours = Project(world, victim.version).launch()
    with nothing_of_it_changes(world, "victims"):
        assert former in refused(lambda: ours.update_repository(Name="payments"))
    assert ours.state.name == "p1-build"
    assert victim.update(world.publish("v2", V2))["Status"] == "merged"
