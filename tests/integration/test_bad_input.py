"""Wrong input: one sentence, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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
    said = refused(lambda: project.create_repository(**wrong))
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
    said = refused(lambda: project.create_template(**wrong))
    assert next(iter(wrong)) in said
    assert world.requests() == []


def with_token(world: World, **settings: Any) -> None:
    world.cloud.use_token(world.github.make_token(**settings))


def wrong_token(world: World) -> None:
    world.cloud.use_token("ghp_wrong")


def without_workflow(world: World) -> None:
    with_token(world, scopes=["repo"])


def without_repo(world: World) -> None:
    with_token(world, scopes=["workflow"])


def reading_only(world: World) -> None:
    with_token(world, fine_grained=True, permissions={"contents": "read"}, organizations=["acme"], login="fine")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (wrong_token, "Put a valid token into the token secret"),
        (without_workflow, "does not have the scope 'workflow'"),
        (without_repo, "does not have the scope 'repo'"),
        (reading_only, "Grant the token that permission"),
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
    said = refused(lambda: project.create_repository(Organization="nowhere"))
    assert said.startswith("The token cannot create repositories in the organization 'nowhere'")
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
    said = refused(lambda: project.create_template(TemplateFolder="classification/model_build"))
    assert "'classification/model_build' (its profiles are: regression" in said
    assert untouched(world)


def test_a_damaged_archive(world: World, project: Project) -> None:
    project.create_repository()
    world.cloud.put_archive(project.version.archive, b"PK damaged")
    world.requests()
    assert "Publish the version again" in refused(project.create_template)
    assert untouched(world)


@pytest.mark.ministack
def test_a_refused_update_can_be_rolled_back(world: World, project: Project) -> None:
    project.launch()
    refs = project.refs()
    assert "TemplateVersion" in refused(lambda: project.update(TemplateVersion="not a version"))
    assert project.refs() == refs
    assert project.update()["Status"] == "unchanged"


@pytest.mark.handlers_only(reason="the stack moves on between two calls of one function")
def test_a_stack_that_moved_on_stops_a_request(world: World, project: Project) -> None:
    """aws-cdk issue 31541: a cancelled update's waiter goes on calling."""
    project.launch()
    refs = project.refs()
    stacks = world.handlers.stacks
    operation = stacks.operation
    names = iter(["UPDATE_IN_PROGRESS 2"])
    stacks.operation = lambda stack_id: next(names, "UPDATE_ROLLBACK_IN_PROGRESS 2")  # type: ignore[method-assign]
    status = project.update(world.publish("v2", {**V1, "new": "n\n"}))
    assert status == {}
    assert project.refs() == refs
    stacks.operation = operation  # type: ignore[method-assign]


@pytest.mark.ministack
def test_a_rotated_token_is_read_again(world: World, project: Project) -> None:
    project.launch()
    world.github.store.forget_token(world.github.token)
    world.cloud.use_token(world.github.make_token(["repo", "workflow"]), warm=True)
    assert project.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "merged"


def test_a_rejected_token_is_said_by_git_too(world: World, project: Project) -> None:
    project.launch()
    world.github.store.forget_token(world.github.token)
    said = refused(lambda: project.update(world.publish("v2", {**V1, "new": "n\n"})))
    assert "rejected the token" in said
    assert world.github.token not in said
