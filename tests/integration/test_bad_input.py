"""Wrong input: one sentence, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from custom_resources import github_repository, repository_template
from tests.integration.world import Content, Project, Version, World, refused

V1: dict[str, Content] = {"README.md": "# Template\n", ".github/workflows/build.yml": "on: push\n"}


@pytest.fixture
def project(world: World) -> Project:
    return Project(world, world.publish("v1", V1))


def untouched(world: World) -> bool:
    """Tell whether no request has written anything."""
    return all(entry.method == "GET" for entry in world.requests())


@pytest.mark.parametrize(
    "wrong",
    [
        {"Name": "with space"},
        {"Name": ".."},
        {"Name": "x.git"},
        {"Name": "x" * 101},
        {"Name": ""},
        {"Name": "a/b"},
        {"Name": "a\n"},
        {"Name": "$(touch x)"},
        {"Organization": "-acme"},
        {"Organization": "acme\r\nX-Header: 1"},
        {"Organization": ""},
        {"Part": "model"},
        {"Visibility": "secret"},
        {"DomainId": ""},
    ],
)
def test_wrong_repository_properties_are_refused_without_a_request(
    world: World, project: Project, wrong: dict[str, str]
) -> None:
    properties = {**project.repository_properties(), **wrong}
    said = refused(lambda: world.send(github_repository.RESOURCE, "Create", properties))
    assert next(iter(wrong)) in said
    assert world.requests() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"TemplateVersion": "../x"},
        {"TemplateVersion": "v1..2"},
        {"TemplateVersion": "v1.lock"},
        {"TemplateVersion": "v1."},
        {"TemplateVersion": "v1 --force"},
        {"TemplateVersion": ""},
        {"TemplateArchive": "x.zip"},
        {"TemplateFolder": ""},
        {"SyncMode": "Maybe"},
        {"RepositoryId": "abc"},
        {"Part": ""},
        {"ProjectId": "p1\nStudio-Version: v9"},
        {"TemplateFolder": "a\nb"},
    ],
)
def test_wrong_template_properties_are_refused_without_a_request(
    world: World, project: Project, wrong: dict[str, str]
) -> None:
    project.create_repository()
    world.requests()
    properties = {**project.template_properties(), **wrong}
    said = refused(lambda: world.send(repository_template.RESOURCE, "Create", properties))
    assert next(iter(wrong)) in said
    assert world.requests() == []


def with_token(world: World, **settings: Any) -> None:
    world.secrets.token = world.github.make_token(**settings)
    world.hosts = world.new_hosts()


def wrong_token(world: World) -> None:
    world.secrets.token = "ghp_wrong"
    world.hosts = world.new_hosts()


def without_workflow(world: World) -> None:
    with_token(world, scopes=["repo"])


def without_repo(world: World) -> None:
    with_token(world, scopes=["workflow"])


def reading_only(world: World) -> None:
    with_token(world, fine_grained=True, permissions={"contents": "read"}, organizations=["acme"], login="fine")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (wrong_token, "put a valid token into the token secret"),
        (without_workflow, "lacks the scope 'workflow'"),
        (without_repo, "lacks the scope 'repo'"),
        (reading_only, "Give the token that permission"),
    ],
)
def test_a_token_that_cannot_do_it_is_said_before_anything_is_written(
    world: World, project: Project, spoil: Callable[[World], None], said: str
) -> None:
    spoil(world)
    assert said in refused(project.launch)
    assert not world.github.store.repositories()
    assert "ghp_" not in refused(project.launch)


def test_an_organization_that_does_not_exist(world: World, project: Project) -> None:
    properties = {**project.repository_properties(), "Organization": "nowhere"}
    said = refused(lambda: world.send(github_repository.RESOURCE, "Create", properties))
    assert said.startswith("GitHub has no organization 'nowhere'")
    assert not world.github.store.repositories()


def test_a_fine_grained_token_without_workflows_is_refused_and_the_repository_archived(
    world: World, project: Project
) -> None:
    """GitHub tells only when workflow files are pushed."""
    needed = {"administration": "write", "contents": "write", "secrets": "write", "actions_variables": "write"}
    with_token(world, fine_grained=True, permissions=needed, organizations=["acme"], login="fine")
    said = refused(project.launch)
    assert "workflow" in said.lower()
    project.delete()
    assert all(found.archived for found in world.github.store.repositories())


def test_a_version_that_was_never_published(world: World, project: Project) -> None:
    project.create_repository()
    project.version = Version("v9", "0" * 64 + ".zip")
    world.requests()
    assert "is not in the bucket" in refused(project.create_template)
    assert untouched(world)


def test_a_folder_that_the_template_lacks(world: World, project: Project) -> None:
    project.create_repository()
    world.requests()
    properties = {**project.template_properties(), "TemplateFolder": "classification/model_build"}
    said = refused(lambda: world.send(repository_template.RESOURCE, "Create", properties))
    assert "'classification/model_build'; its profiles are: regression" in said
    assert untouched(world)


def test_a_damaged_archive(world: World, project: Project) -> None:
    project.create_repository()
    name = project.version.archive
    world.archives.objects[name] = world.archives.objects[name][:-10]
    world.requests()
    assert "publish it again" in refused(project.create_template)
    assert untouched(world)


def test_a_refused_update_can_be_rolled_back(world: World, project: Project) -> None:
    project.launch()
    good = project.template_properties()
    bad = {**good, "TemplateVersion": "not a version"}
    resource = repository_template.RESOURCE
    refused(lambda: world.send(resource, "Update", bad, old=good, physical_id="x"))
    _, data = world.send(resource, "Update", good, old=bad, physical_id="x")
    assert data["Status"] == "unchanged"


def test_a_stack_that_moved_on_stops_a_request(world: World, project: Project) -> None:
    """aws-cdk issue 31541: a cancelled update's waiter goes on calling."""
    project.launch()
    refs = project.refs()
    operation = world.stacks.operation
    names = iter(["UPDATE_IN_PROGRESS 2"])
    world.stacks.operation = lambda stack: next(names, "UPDATE_ROLLBACK_IN_PROGRESS 2")  # type: ignore[method-assign]
    status = project.update(world.publish("v2", {**V1, "new": "n\n"}))
    assert status == {}
    assert project.refs() == refs
    world.stacks.operation = operation  # type: ignore[method-assign]


def test_a_rotated_token_is_read_again(world: World, project: Project) -> None:
    project.launch()
    world.github.store.forget_token(world.secrets.token)
    world.secrets.token = world.github.make_token(["repo", "workflow"])
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "merged"


def test_a_rejected_token_is_said_by_git_too(world: World, project: Project) -> None:
    project.launch()
    world.github.store.forget_token(world.secrets.token)
    said = refused(lambda: project.update(world.publish("v2", {**V1, "new": "n\n"})))
    assert "rejects the token" in said
    assert world.secrets.token not in said
