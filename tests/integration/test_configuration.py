"""Actions secrets and variables: only what changed in the stack is written."""

from __future__ import annotations

import base64

import pytest
from nacl.public import PublicKey, SealedBox

from tests.integration.world import Content, Project, World, refused

V1: dict[str, Content] = {"README.md": "# Template\n"}
SECRETS = {f"NAME_{number}": f"value {number}" for number in range(15)}


@pytest.fixture
def project(world: World) -> Project:
    return Project(world, world.publish("v1", V1), secrets=SECRETS, variables={"TRIGGER": "false"}).launch()


def values(project: Project) -> dict[str, str]:
    return {name: secret.value for name, secret in project.state.secrets.items()}


def writes(world: World) -> list[str]:
    return sorted(
        f"{entry.method} {entry.path.split('/actions/')[-1]}" for entry in world.requests() if entry.method != "GET"
    )


def test_secrets_are_sealed_with_one_public_key(world: World, project: Project) -> None:
    assert values(project) == SECRETS
    assert project.state.variables["TRIGGER"].value == "false"
    keys = [entry for entry in world.requests() if entry.path.endswith("/public-key")]
    assert len(keys) == 1


@pytest.mark.ministack(always=True)
def test_only_what_changed_is_written(world: World, project: Project) -> None:
    world.requests()
    project.configure({**SECRETS, "NAME_3": "new"}, {"TRIGGER": "false", "MORE": "1"})
    assert writes(world) == ["POST variables", "PUT secrets/NAME_3"]
    assert values(project) == {**SECRETS, "NAME_3": "new"}
    assert project.state.variables["MORE"].value == "1"


@pytest.mark.ministack
def test_what_the_stack_drops_is_removed(world: World, project: Project) -> None:
    kept = {name: value for name, value in SECRETS.items() if name != "NAME_3"}
    project.configure(kept, {})
    assert values(project) == kept
    assert not project.state.variables


def test_an_empty_value_means_not_set(world: World, project: Project) -> None:
    data = project.configure({**SECRETS, "NAME_3": ""}, {"TRIGGER": ""})
    assert "NAME_3" not in values(project)
    assert "NAME_3" not in data["SecretNames"].split(",")
    assert not project.state.variables


def test_no_change_is_no_request(world: World, project: Project) -> None:
    world.requests()
    project.configure(SECRETS, {"TRIGGER": "false"})
    assert world.requests() == []


def by_hand(world: World, project: Project, value: str) -> None:
    """Change a secret and a variable as a user does."""
    key = world.rest("GET", f"{project.path}/actions/secrets/public-key")
    sealed = SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(value.encode())
    secret = {"encrypted_value": base64.b64encode(sealed).decode(), "key_id": key["key_id"]}
    world.rest("PUT", f"{project.path}/actions/secrets/NAME_3", **secret)
    world.rest("PATCH", f"{project.path}/actions/variables/TRIGGER", value=value)


def test_a_value_changed_by_hand_stays_unless_ours_changed(world: World, project: Project) -> None:
    by_hand(world, project, "by hand")
    project.configure({**SECRETS, "NAME_4": "new"}, {"TRIGGER": "false"})
    assert values(project)["NAME_3"] == "by hand"
    assert project.state.variables["TRIGGER"].value == "by hand"
    project.configure({**SECRETS, "NAME_3": "ours"}, {"TRIGGER": "true"})
    assert values(project)["NAME_3"] == "ours"
    assert project.state.variables["TRIGGER"].value == "true"


def test_rotation_writes_all_secrets(world: World, project: Project) -> None:
    by_hand(world, project, "by hand")
    project.configure(SECRETS, {"TRIGGER": "false"}, RotateSecrets="true")
    assert values(project) == SECRETS
    assert project.state.variables["TRIGGER"].value == "by hand"


@pytest.mark.ministack
def test_a_reference_is_read_when_it_is_written(world: World, project: Project) -> None:
    reference = world.cloud.store_secret("scenarios/api", "key", "from Secrets Manager")
    data = project.configure(SECRETS, {}, SecretReferences={"API_KEY": reference})
    assert values(project)["API_KEY"] == "from Secrets Manager"
    assert "API_KEY" in data["SecretNames"]
    world.cloud.store_secret("scenarios/api", "key", "rotated")
    project.configure(SECRETS, {}, SecretReferences={"API_KEY": reference}, RotateSecrets="true")
    assert values(project)["API_KEY"] == "rotated"


def test_an_update_leaves_what_its_owners_archived_and_says_so(world: World, project: Project) -> None:
    world.rest("PATCH", "/repos/acme/p1-build", archived=True)
    new = {**SECRETS, "NAME_3": "new"}
    said = project.configure(new, {"TRIGGER": "false"})["Environments"]
    assert said.startswith("The repository is archived: nothing was changed. Unarchive it")
    assert project.state.archived
    assert values(project).get("NAME_3") != "new"
    world.rest("PATCH", "/repos/acme/p1-build", archived=False)
    assert "archived" not in project.configure(new, {"TRIGGER": "false"}, RotateSecrets="true")["Environments"]
    assert values(project)["NAME_3"] == "new"


def test_a_renamed_repository_is_followed(world: World, project: Project) -> None:
    world.rest("PATCH", "/repos/acme/p1-build", name="renamed")
    world.rest("POST", "/orgs/acme/repos", name="p1-build")  # somebody takes the name
    project.configure({**SECRETS, "NAME_3": "new"}, {"TRIGGER": "false"})
    assert values(project)["NAME_3"] == "new"
    stranger = world.github.store.by_name("acme", "p1-build")
    assert stranger is not None
    assert not stranger.secrets


@pytest.mark.ministack
def test_no_value_reaches_the_attributes_or_the_log(world: World, project: Project) -> None:
    with world.cloud.logging() as lines:
        data = project.configure({**SECRETS, "NAME_3": "canary-in-the-mine"}, {})
    assert any(line.get("message") == "done" for line in lines)
    assert "canary" not in str(data) + str(lines)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"Secrets": {"GITHUB_TOKEN": "x"}}, "Secrets.GITHUB_TOKEN"),
        ({"Secrets": {"1ST": "x"}}, "1ST"),
        ({"Secrets": {"A-B": "x"}}, "A-B"),
        ({"Variables": {"": "x"}}, "Variables"),
        ({"Secrets": {"BIG": "x" * 50_000}}, "48 KB"),
        ({"Secrets": {"NAME": "x", "name": "y"}}, "differ only in case"),
        ({"Secrets": {"NAME": "x"}, "SecretReferences": {"name": "arn"}}, "a value and a reference"),
        ({"RepositoryId": "none"}, "RepositoryId"),
    ],
)
def test_wrong_names_and_values_are_refused_before_a_request(world: World, wrong: dict[str, object], said: str) -> None:
    project = Project(world, world.publish("v1", V1))
    project.create_repository()
    world.requests()
    sentence = refused(lambda: project.create_configuration(**wrong))
    assert said in sentence
    assert "Correct the properties in the stack's template" in sentence
    assert world.requests() == []


def test_a_refused_update_can_be_rolled_back(world: World, project: Project) -> None:
    world.requests()
    assert "Secrets.GITHUB_TOKEN" in refused(lambda: project.configure({**SECRETS, "GITHUB_TOKEN": "x"}, {}))
    assert world.requests() == []
    project.configure(SECRETS, {"TRIGGER": "false"})
    assert world.requests() == []


# -- the end of a stack ---------------------------------------------------------------------------------------------


@pytest.mark.ministack
def test_an_archived_repository_keeps_identifiers_and_loses_values_of_references(world: World) -> None:
    reference = world.cloud.store_secret("scenarios/api", "key", "from Secrets Manager")
    project = Project(world, world.publish("v1", V1), secrets=SECRETS, references={"API_KEY": reference}).launch()
    assert values(project) == {**SECRETS, "API_KEY": "from Secrets Manager"}
    world.requests()
    project.delete()
    assert project.state.archived
    assert values(project) == SECRETS
    asked = [entry for entry in world.requests() if entry.kind == "rest"]
    assert [entry.method for entry in asked] == ["GET", "DELETE", "PATCH"]
    assert asked[1].path.endswith("/actions/secrets/API_KEY")


def test_a_delete_without_references_asks_for_the_repository_and_its_lineage_only(
    world: World, project: Project
) -> None:
    world.requests()
    project.delete()
    asked = world.requests()
    assert [entry.method for entry in asked if entry.kind == "rest"] == ["GET", "PATCH"]
    assert sum(entry.kind == "git" for entry in asked) <= 3


def test_a_repository_that_was_only_adopted_loses_all_that_was_set(world: World) -> None:
    world.rest("POST", "/orgs/acme/repos", name="p1-build", auto_init=True)
    version = world.publish("v1", {"train.py": "template\n"})
    user = Project(world, version)
    user.attributes = {"RepositoryId": str(world.snapshot("p1-build")["id"])}
    user.commit({"README.md": None, "train.py": "mine\n"})
    first = Project(
        world, version, settings={"AdoptExisting": "true"}, secrets={"OURS": "1"}, variables={"TRIGGER": "false"}
    ).launch()
    world.rest("POST", "/repos/acme/p1-build/actions/variables", name="THEIRS", value="1")
    assert first.status["Status"] == "pull-request"
    assert set(first.state.secrets) == {"OURS"}
    first.delete()
    assert not first.state.archived
    assert not first.state.secrets
    assert set(first.state.variables) == {"THEIRS"}


def test_a_configuration_that_leaves_its_stack_takes_everything_along(project: Project) -> None:
    """Its repository stays then, and is not archived."""
    project.take_out("Configuration")
    assert not project.state.secrets
    assert not project.state.variables
    assert not project.state.archived
