"""Attacks by adoption: a launch names another's repository. Nothing of it changes, and the requests are few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custom_resources.consent import MAX_BYTES, PATH, connection_proof
from standins.github.server import GitHubStandIn
from tests.integration.handlers import stack_id
from tests.integration.world import Content, Edit, Project, World, refused

V1: dict[str, Content] = {"README.md": "# Template\n", "train.py": "one\n"}
MOST_REQUESTS = 8  # the launch: its name (2), refs, commits, the consent; the rollback: its name, refs, commits


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with GitHubStandIn.running(tmp_path / "github") as github:
        made = World(github, tmp_path / "home")
        made.handlers.permit(ADOPTABLE="")
        with made.api:
            yield made


def victim(world: World, name: str = "payments", *, files: Edit | None = None, **settings: Any) -> Project:
    """Make another team's repository; return a handle with which its users work in it."""
    world.rest("POST", "/orgs/acme/repos", name=name, private=True, auto_init=True, **settings)
    project = Project(world, world.publish("v1", V1), project="victim", name=name)
    project.attributes = {"RepositoryId": str(world.snapshot(name)["id"])}
    if files:
        project.commit(files)
    return project


def connected(project: Project, full_name: str, since: str) -> dict[str, str]:
    """Return what the stack's Custom::StudioProject tells of Studio's Git connection, with its proof."""
    seal = project.world.handlers.clients["Custom::GitHubRepository"].seals.of_launch(stack_id(project.stack))
    proof = connection_proof(seal, "d1", project.project, full_name, since)
    return {"ConnectedRepository": full_name, "ConnectedSince": since, "ConnectionProof": proof}


def attackers(world: World, name: str = "payments") -> Project:
    """Return a launch for the attacker's project with the victim's name."""
    return Project(
        world,
        world.publish("v1", V1),
        project="attacker",
        name=name,
        settings={"AdoptExisting": "true"},
        secrets={"STOLEN": "1"},
    )


def attack(world: World, name: str = "payments", attacker: Project | None = None, **settings: Any) -> str:
    """Launch for the attacker's project with the victim's name, fail, roll back; return the sentence.

    The victim is as it was, and what it took is bounded.
    """
    before = world.snapshot(name)
    attacker = attacker or attackers(world, name)
    world.requests()
    said = refused(lambda: attacker.create_repository(**settings))
    attacker.delete()
    asked = world.requests()
    assert len(asked) <= MOST_REQUESTS, [f"{entry.method} {entry.path}" for entry in asked]
    assert {entry.method for entry in asked} <= {"GET", "POST"}
    assert all(entry.path.endswith("/git-upload-pack") for entry in asked if entry.method == "POST")
    assert world.snapshot(name) == before
    return said


def test_another_teams_repository_is_not_taken_over(world: World) -> None:
    victim(world, files={"pay.py": "money\n"})
    assert attack(world) == (
        f"The repository acme/payments already exists, and its owners have not consented to adoption ({PATH}: the file "
        f"does not exist). Commit {PATH} to its default branch with the lines `domain: d1` and `project: attacker`, "
        f"or choose another name."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("domain: d1\nproject: victim\n", "the file names another project"),
        ("domain: d2\nproject: attacker\n", "the file names another project"),
        ("project: attacker\n", "the file names another project"),
        ("domain: d1\nproject: victim\nproject: attacker\n", "line 3 repeats project"),
        ("# project: attacker\n", "the file names another project"),
        ("#" * MAX_BYTES + "\ndomain: d1\nproject: attacker\n", "the file has more than 4,096 bytes"),
    ],
)
def test_a_consent_for_somebody_else_is_none(world: World, text: str, said: str) -> None:
    victim(world, files={PATH: text})
    assert said in attack(world)


def test_a_consent_on_another_branch_is_none(world: World) -> None:
    users = victim(world)
    world.rest("POST", f"{users.path}/git/refs", ref="refs/heads/evil", sha=users.tip())
    users.commit({PATH: "domain: d1\nproject: attacker\n"}, branch="evil")
    assert "the file does not exist" in attack(world)


def test_another_projects_repository_that_is_not_seeded_yet_is_not_taken_over(world: World) -> None:
    """It is empty, and new: the mark in its description says whose it is."""
    other = Project(world, world.publish("v1", V1), project="victim", name="payments")
    other.create_repository()
    for name in ("", "acme/payments"):
        mine = attackers(world)
        said = attack(world, attacker=mine, **connected(mine, name, other.state.created_at))
        assert said == (
            "The repository acme/payments has the marker or a pull request of another project. Choose another name."
        )
    other.create_template()
    assert other.files() == V1


def test_a_mark_counts_also_where_a_consent_names_the_attacker(world: World) -> None:
    other = Project(world, world.publish("v1", V1), project="victim", name="payments")
    other.create_repository()
    world.handlers.permit(ADOPTABLE="acme/*")
    assert "the marker or a pull request of another project" in attack(world)


@pytest.mark.parametrize("forged", [1, 400])
def test_a_repository_whose_proposal_waits_is_not_taken_over(world: World, forged: int) -> None:
    """Its template is not in the default branch yet. However many such refs there are, few requests are made."""
    users = victim(world, files={"train.py": "mine\n", "README.md": None})
    world.handlers.permit(ADOPTABLE="acme/payments")
    other = Project(
        world, users.version, project="victim", name="payments", settings={"AdoptExisting": "true"}
    ).deliver()
    assert other.status["Status"] == "pull-request"
    proposal = next(sha for ref, sha in other.refs().items() if ref.startswith("refs/studio/proposals/"))
    for number in range(1, forged):
        other.bare.update_ref(f"refs/studio/proposals/x{number}/{number:040x}", proposal, "")
    assert "the marker or a pull request of another project" in attack(world)


def test_a_delivered_repository_of_another_project_is_not_taken_over(world: World) -> None:
    Project(world, world.publish("v1", V1), project="victim", name="payments").launch()
    world.handlers.permit(ADOPTABLE="acme/*")
    assert attack(world) == (
        "The repository acme/payments already exists and does not belong to this project. Choose another name."
    )


@pytest.mark.parametrize("files", [{"pay.py": "money\n"}, None], ids=["used", "not used yet"])
def test_studios_connection_to_an_older_repository_is_no_consent(world: World, files: Edit | None) -> None:
    victim(world, files=files)
    created = world.snapshot("payments")["created_at"]
    for since in ([created] if files else []) + ["2031-01-01T00:00:00+00:00", "2020-01-01T00:00:00+00:00"]:
        mine = attackers(world)
        assert "have not consented" in attack(world, attacker=mine, **connected(mine, "acme/payments", since))


@pytest.mark.parametrize("forged", ["no proof", "another moment", "another stack", "another project"])
def test_a_connection_that_only_an_event_tells_is_no_consent(world: World, forged: str) -> None:
    """Studio has just made it, for the victim: whoever may invoke the function knows its name and its moment."""
    victim(world)
    mine, created = attackers(world), world.snapshot("payments")["created_at"]
    told = connected(mine, "acme/payments", created)
    if forged == "no proof":
        del told["ConnectionProof"]
    elif forged == "another moment":
        told["ConnectionProof"] = connected(mine, "acme/payments", "2020-01-01T00:00:00+00:00")["ConnectionProof"]
    elif forged == "another stack":
        told["ConnectionProof"] = connected(attackers(world), "acme/payments", created)["ConnectionProof"]
    else:
        told["ConnectionProof"] = connected(replace(mine, project="victim"), "acme/payments", created)[
            "ConnectionProof"
        ]
    assert "have not consented" in attack(world, attacker=mine, **told)


def test_an_event_cannot_make_a_repository_public(world: World) -> None:
    project = Project(world, world.publish("v1", V1))
    world.requests()
    said = (
        "does not allow public repositories. Choose one of private, internal, or ask an administrator to add public to "
    )
    assert said in refused(lambda: project.create_repository(Visibility="public"))
    assert world.requests() == []
    project = Project(world, project.version).launch()
    before = project.state.model_dump()
    world.requests()
    assert said in refused(lambda: project.update_repository(Visibility="public"))
    assert all(entry.method == "GET" for entry in world.requests())
    assert project.state.model_dump() == before


def test_an_event_cannot_leave_the_organizations_of_the_settings(world: World) -> None:
    world.github.store.add_account("victims", "Organization")
    world.handlers.permit(ALLOWED_ORGANIZATIONS="acme")
    project = Project(world, world.publish("v1", V1))
    world.requests()
    assert refused(lambda: project.create_repository(Organization="victims")) == (
        "Launches may not use the organization victims. Choose one of acme, or ask an administrator to add the "
        "organization to settings.toml."
    )
    assert world.requests() == []


# -- what a consent is good for ---------------------------------------------------------------------------------------


def consenting(world: World, more: str = "", **files: Content | None) -> Project:
    """Make a repository that consents, and launch its project."""
    victim(world, "team", files={"README.md": None, PATH: f"domain: d1\nproject: p1\n{more}", **files})
    project = Project(
        world,
        world.publish("v1", V1),
        name="team",
        settings={"AdoptExisting": "true"},
        secrets={"OURS": "1"},
        variables={"TRIGGER": "false"},
    )
    return project.launch()


def test_a_repository_with_consent_is_neither_renamed_nor_shown_nor_archived(world: World) -> None:
    project = consenting(world, **{"train.py": "mine\n"})
    assert (project.attributes["Status"], project.status["Status"]) == ("adopted", "pull-request")
    assert world.handlers.physical_ids(project.stack)["Repository"] == f"{project.repository_id}:adopted"
    users, offered = project.tip(), project.refs()["refs/pull/1/head"]  # GitHub keeps that for good
    project.update_repository(Name="ours", Visibility="internal")
    assert (project.state.name, project.state.visibility) == ("team", "private")
    world.rest("POST", f"{project.path}/actions/variables", name="THEIRS", value="1")
    project.delete()
    after = world.snapshot("team")
    assert (after["archived"], after["refs"]) == (False, {"refs/heads/main": users, "refs/pull/1/head": offered})
    assert (after["secrets"], after["variables"]) == ({}, {"THEIRS": "1"})


def test_a_branch_that_somebody_has_worked_on_stays(world: World) -> None:
    project = consenting(world, **{"train.py": "mine\n"})
    [pull] = project.pulls()
    branch = pull["head"]["ref"]
    work = project.commit({"note": "n\n"}, branch=branch)
    project.delete()
    assert {ref: sha for ref, sha in project.refs().items() if not ref.startswith("refs/pull/")} == {
        "refs/heads/main": project.tip(),
        f"refs/heads/{branch}": work,
    }


def test_a_consent_may_allow_the_archive(world: World) -> None:
    project = consenting(world, "archive: true\n")
    assert project.status["Status"] == "merged"
    project.delete()
    assert project.state.archived


def test_a_consent_that_is_withdrawn_allows_no_archive(world: World) -> None:
    project = consenting(world, "archive: true\n")
    project.commit({PATH: None})
    project.delete()
    assert not project.state.archived
    assert not any(ref.startswith("refs/studio/") for ref in project.refs())


def test_what_studio_made_for_the_project_is_adopted_and_archived_with_it(world: World) -> None:
    victim(world, "team")
    project = Project(world, world.publish("v1", V1), name="team", settings={"AdoptExisting": "true"})
    created = world.snapshot("team")["created_at"]
    project.create_repository(**connected(project, "acme/team", created))
    project.create_template()
    assert (project.attributes["Status"], project.status["Status"]) == ("adopted", "merged")
    project.delete()
    assert project.state.archived
