"""Whose a repository is: what is not this project's is not adopted, written, archived or un-archived."""

from __future__ import annotations

import re
from typing import Any

import pytest

from custom_resources.errors import RetryLater
from standins.github.faults import Fault
from standins.github.messages import ApiError, Request, Response
from tests.integration.world import Content, Project, World, refused

V1: dict[str, Content] = {"README.md": "# Template\n", "train.py": "one\n"}


@pytest.fixture
def ours(world: World) -> Project:
    """A project whose stack is not launched yet."""
    return Project(world, world.publish("v1", V1))


def stranger(world: World, name: str = "p1-build", files: bool = True, **settings: Any) -> dict[str, Any]:
    """Make somebody's repository; return what GitHub knows of it."""
    world.rest("POST", "/orgs/acme/repos", name=name, private=True, auto_init=files, **settings)
    return world.snapshot(name)


@pytest.mark.ministack
@pytest.mark.parametrize("files", [True, False], ids=["with commits", "empty"])
@pytest.mark.parametrize("spelling", ["p1-build", "P1-Build"])
def test_a_taken_name_is_refused_and_nothing_touched(world: World, ours: Project, files: bool, spelling: str) -> None:
    before = stranger(world, spelling, files)
    said = refused(ours.launch)
    assert said == (
        f"The repository acme/{spelling} already exists and does not belong to this project. Choose another name, "
        "or launch with AdoptExisting=true after the repository's owners consent."
    )
    ours.delete()  # the rollback
    assert world.snapshot("p1-build") == before


@pytest.mark.parametrize("adopt", ["false", "true"])
@pytest.mark.parametrize(("project", "part"), [("p2", "model_build"), ("p1", "model_deploy")])
def test_another_projects_repository_is_refused(world: World, adopt: str, project: str, part: str) -> None:
    Project(world, world.publish("v1", V1), project=project, part=part).launch()
    before = world.snapshot("p1-build")
    ours = Project(world, world.publish("v1", V1), settings={"AdoptExisting": adopt})
    assert "Choose another name" in refused(ours.launch)
    ours.delete()
    assert world.snapshot("p1-build") == before


@pytest.mark.parametrize("adopt", ["false", "true"])
def test_an_archived_stranger_stays_archived(world: World, adopt: str) -> None:
    stranger(world)
    world.rest("PATCH", "/repos/acme/p1-build", archived=True)
    before = world.snapshot("p1-build")
    ours = Project(world, world.publish("v1", V1), settings={"AdoptExisting": adopt})
    refused(ours.launch)
    ours.delete()
    assert world.snapshot("p1-build") == before


def test_a_strangers_description_proves_nothing(world: World, ours: Project) -> None:
    before = stranger(world, description="Mine (d1/p1 model_build)")
    refused(ours.launch)
    ours.delete()
    assert world.snapshot("p1-build") == before


def test_the_former_name_of_a_strangers_repository_is_free(world: World, ours: Project) -> None:
    stranger(world)
    world.rest("PATCH", "/repos/acme/p1-build", name="moved")
    before = world.snapshot("moved")
    ours.launch()
    assert ours.state.full_name == "acme/p1-build"
    assert ours.files() == V1
    after = world.snapshot("moved")
    assert (after["id"], after["refs"], after["archived"]) == (before["id"], before["refs"], False)


def test_our_renamed_repository_is_found_by_its_former_name(world: World, ours: Project) -> None:
    ours.launch()
    world.rest("PATCH", "/repos/acme/p1-build", name="moved")
    ours.delete()
    assert ours.state.archived
    again = Project(world, ours.version).launch()
    assert (again.attributes["Status"], again.attributes["FullName"]) == ("restored", "acme/moved")
    assert not again.state.archived


@pytest.mark.ministack
def test_launching_again_restores(world: World, ours: Project) -> None:
    ours.launch()
    ours.commit({"mine": "m\n"})
    ours.delete()
    assert ours.state.archived
    again = Project(world, world.publish("v2", {**V1, "new": "n\n"})).launch()
    proof = again.attributes["NameProof"]  # for the resources of this stack
    assert again.attributes == {**ours.attributes, "Status": "restored", "NameProof": proof}
    assert again.status["Status"] == "merged"
    assert again.files() == {**V1, "mine": "m\n", "new": "n\n"}


# -- one project, one live stack ------------------------------------------------------------------------------------


@pytest.mark.ministack
def test_a_second_stack_is_refused_and_its_rollback_harms_nothing(world: World, ours: Project) -> None:
    ours.launch()
    before = world.snapshot("p1-build")
    second = Project(world, ours.version)
    said = refused(second.launch)
    assert "The project is already launched: its repository acme/p1-build belongs to the stack " in said
    assert f"{ours.stack}. Update that launch, or terminate it before you launch the project again." in said
    second.delete()
    assert world.snapshot("p1-build") == before
    assert ours.update(world.publish("v2", {**V1, "new": "n\n"}))["Status"] == "merged"
    ours.delete()
    assert ours.state.archived


def test_a_project_that_is_launched_again_without_news_belongs_to_the_new_stack(world: World, ours: Project) -> None:
    """The lineage still names the stack that is gone: the new one says so beside it."""
    ours.launch()
    ours.delete()
    again = Project(world, ours.version).launch()
    assert (again.attributes["Status"], again.status["Status"]) == ("restored", "unchanged")
    third = Project(world, ours.version)
    assert again.stack in refused(third.launch)
    third.delete()
    assert not again.state.archived
    again.delete()
    assert again.state.archived
    assert Project(world, ours.version).launch().attributes["Status"] == "restored"


def test_of_two_that_restore_a_repository_one_gets_it(
    world: World, ours: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours.launch()
    ours.delete()
    first, second = Project(world, ours.version), Project(world, ours.version)
    respond = world.github.respond
    raced: list[bool] = []

    def overtaken(request: Request) -> tuple[Response, str]:
        done = respond(request)
        if request.method == "PATCH" and not raced:
            raced.append(True)
            first.create_repository()
        return done

    monkeypatch.setattr(world.github, "respond", overtaken)
    assert first.stack in refused(second.create_repository)
    assert raced
    assert first.attributes["Status"] == "kept"
    assert not first.state.archived


def test_a_pull_request_that_waits_in_an_adopted_repository_is_its_stacks(world: World) -> None:
    first = adopted_with(world, {"train.py": "mine\n"}, V1)
    assert first.status["Status"] == "pull-request"
    before = world.snapshot("p1-build")
    second = adopting(world)
    assert first.stack in refused(second.deliver)
    second.delete()
    after = world.snapshot("p1-build")
    assert (after["archived"], after["refs"]) == (False, before["refs"])
    first.delete()
    assert adopting(world).deliver().status["Status"] == "pull-request"


@pytest.mark.handlers_only(reason="MiniStack's CloudFormation throttles nobody")
def test_a_stack_that_cannot_be_looked_up_is_waited_for(world: World, ours: Project) -> None:
    ours.launch()
    answers = [RetryLater(5, "CloudFormation asks to be called later."), True]

    def exists(stack_id: str) -> bool:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.handlers.stacks, "exists", exists)
        assert ours.stack in refused(Project(world, ours.version).create_repository)
    assert answers == [True]
    assert not ours.state.archived


# -- adoption -------------------------------------------------------------------------------------------------------


def adopting(world: World, files: dict[str, Content] = V1, **settings: str) -> Project:
    return Project(world, world.publish("v1", files), settings={"AdoptExisting": "true", **settings})


def test_an_empty_repository_is_adopted(world: World) -> None:
    stranger(world, files=False)
    project = adopting(world).launch()
    assert (project.attributes["Status"], project.status["Status"]) == ("adopted", "seeded")
    assert project.files() == V1


@pytest.mark.ministack
def test_a_lone_readme_of_github_is_replaced(world: World) -> None:
    before = stranger(world, description="Of Studio")
    project = adopting(world).launch()
    assert (project.attributes["Status"], project.status["Status"]) == ("adopted", "merged")
    assert project.files() == V1
    assert before["refs"]["refs/heads/main"] in project.parents()


def test_a_readme_that_somebody_wrote_is_not_replaced(world: World) -> None:
    stranger(world)
    user = Project(world, world.publish("v1", V1))
    user.attributes = {"RepositoryId": str(world.snapshot("p1-build")["id"])}
    user.commit({"README.md": "# p1-build\n\nWhat I found out\n"})
    project = adopting(world)
    project.deliver()
    assert project.status["Status"] == "pull-request"
    assert project.files() == {"README.md": "# p1-build\n\nWhat I found out\n"}


def test_a_lone_readme_that_somebody_wrote_is_not_replaced(world: World) -> None:
    world.rest("POST", "/orgs/acme/repos", name="p1-build", private=True, description="Of Studio")
    project = adopting(world)
    project.create_repository()
    readme = "# p1-build\n\nOn call: Ada.\n"
    project.write({"README.md": readme})
    project.git("add", ".")
    project.git("commit", "--quiet", "--message", "Create README.md")
    project.git("push", "--quiet", "origin", "HEAD:main")
    project.create_template()
    assert project.status["Status"] == "pull-request"
    [pull] = project.pulls()
    assert project.files(pull["head"]["sha"]) == {**V1, "README.md": readme}


def adopted_with(world: World, files: dict[str, Content], template: dict[str, Content]) -> Project:
    stranger(world)
    user = Project(world, world.publish("v1", V1))
    user.attributes = {"RepositoryId": str(world.snapshot("p1-build")["id"])}
    user.commit({"README.md": None, **files})
    project = adopting(world, template)
    project.deliver()
    return project


def test_adopted_work_is_kept_beside_the_template(world: World) -> None:
    project = adopted_with(world, {"mine": "m\n", "train.py": "one\n"}, V1)
    assert project.status["Status"] == "merged"
    assert project.files() == {**V1, "mine": "m\n"}
    assert project.update(world.publish("v2", {**V1, "train.py": "two\n"}))["Status"] == "merged"
    assert project.files()["train.py"] == "two\n"


@pytest.mark.ministack
@pytest.mark.parametrize("method", ["merge", "squash"])
def test_adopted_work_that_differs_gets_a_pull_request_that_can_be_merged(world: World, method: str) -> None:
    project = adopted_with(world, {"train.py": "mine\n"}, {**V1, "new": "n\n"})
    assert project.status["Status"] == "pull-request"
    [pull] = project.pulls()
    assert "Merging keeps your version" in pull["body"]
    assert "^2 -- FILE" in pull["body"]
    project.merge_pull(pull["number"], method)
    assert project.files() == {**V1, "train.py": "mine\n", "new": "n\n"}
    status = project.update(world.publish("v2", {**V1, "new": "N\n"}))
    assert status["Status"] == "merged"
    assert project.files() == {**V1, "train.py": "mine\n", "new": "N\n"}


def test_a_conflict_without_common_history_can_be_merged_too(world: World) -> None:
    project = adopted_with(world, {"train.py": "mine\n"}, {**V1, "new": "n\n"})
    project.merge_pull(project.pulls()[0]["number"], "squash")
    project.update(world.publish("v2", {**V1, "train.py": "two\n", "newer": "n\n"}))
    [pull] = project.pulls()
    assert (
        project.update(world.publish("v3", {**V1, "train.py": "three\n", "newer": "n\n"}))["Status"] == "pull-request"
    )
    [renewed] = project.pulls()
    assert pull["number"] != renewed["number"], "each version has its own"
    project.merge_pull(renewed["number"], "squash")
    assert project.files() == {**V1, "train.py": "mine\n", "newer": "n\n"}


def test_adopting_twice_is_adopting_once(world: World) -> None:
    project = adopted_with(world, {"mine": "m\n"}, V1)
    tip = project.tip()
    project.delete()
    assert project.refs() == {"refs/heads/main": tip}, "an adopted repository loses what is ours, and is not archived"
    assert not project.state.archived
    again = adopting(world)
    again.deliver()
    # The history shows a version, but no record says that no other came after it.
    assert (again.attributes["Status"], again.status["Status"]) == ("adopted", "pull-request")
    again.merge_pull(again.pulls()[0]["number"])
    assert again.files() == project.files(tip)


def test_a_repository_that_was_taken_over_but_never_delivered_to_stays_as_it_was(world: World) -> None:
    before = stranger(world)
    project = adopting(world)
    project.create_repository()
    project.delete()
    after = world.snapshot("p1-build")
    assert (after["archived"], after["refs"]) == (False, before["refs"])


def test_a_name_that_the_token_does_not_see_is_refused_at_once(
    world: World, ours: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stranger(world)
    world.requests()
    respond = world.github.respond

    def unseen(request: Request) -> tuple[Response, str]:
        hidden = (request.method, request.path) == ("GET", "/api/v3/repos/acme/p1-build")
        return (ApiError(404, "Not Found").response(), "") if hidden else respond(request)

    monkeypatch.setattr(world.github, "respond", unseen)
    said = refused(ours.create_repository)
    assert said == (
        "The repository acme/p1-build already exists, but the token cannot access it. "
        "Choose another name, or grant the token access to the repository."
    )
    assert sum(entry.method == "POST" for entry in world.requests()) == 2
    assert world.snapshot("p1-build") == before


# -- failed launches and deletions ---------------------------------------------------------------------------------


def fault(world: World, method: str, path: str, kind: str = "reset-after", **more: Any) -> None:
    body = {"match": {"method": method, "path": path}, "fault": kind, "times": 1, **more}
    world.control("POST", "faults", body)


def test_a_repository_whose_creation_was_not_answered_is_ours(world: World, ours: Project) -> None:
    fault(world, "POST", "/orgs/acme/repos")
    ours.create_repository()
    assert ours.attributes["Status"] in ("created", "kept")
    ours.create_template()
    assert ours.files() == V1


@pytest.mark.handlers_only(reason="the physical id is the name only while a creation is under way")
def test_a_half_made_repository_is_archived_by_its_name(world: World, ours: Project) -> None:
    """The stack rolls back while the physical id is still the name."""
    ours.create_repository()
    properties = ours.repository_properties()
    world.handlers.send("Custom::GitHubRepository", "Delete", properties, stack=ours.stack, physical_id="acme/p1-build")
    assert ours.state.archived
    again = Project(world, ours.version).launch()
    assert again.attributes["Status"] == "restored"
    assert again.files() == V1


@pytest.mark.parametrize("steps", range(3))
def test_a_launch_that_fails_after_any_step_leaves_nothing_unarchived(world: World, ours: Project, steps: int) -> None:
    for step in (ours.create_repository, ours.create_template)[:steps]:
        step()
    ours.delete()
    found = world.github.store.repositories()
    assert [repository.archived for repository in found] == [True] * min(steps, 1)


def test_deleting_what_is_archived_already_succeeds(world: World, ours: Project) -> None:
    ours.launch()
    refs = ours.refs()
    world.rest("PATCH", "/repos/acme/p1-build", archived=True)
    ours.delete()
    assert (ours.state.archived, ours.refs()) == (True, refs)


def test_deleting_what_is_gone_succeeds(world: World, ours: Project) -> None:
    ours.launch()
    world.api.headers["Authorization"] = f"token {world.github.token}"
    world.rest("DELETE", "/repos/acme/p1-build")
    ours.delete()


@pytest.mark.handlers_only(reason="CloudFormation sends a second request only where the first was not answered")
def test_deleting_twice_is_deleting_once(world: World, ours: Project) -> None:
    ours.launch()
    refs = ours.refs()
    for _ in range(2):
        world.handlers.send(
            "Custom::GitHubRepository",
            "Delete",
            ours.repository_properties(),
            stack=ours.stack,
            physical_id=ours.repository_id,
        )
    assert (ours.state.archived, ours.refs()) == (True, refs)


@pytest.mark.ministack
def test_a_missing_permission_to_archive_is_said(world: World, ours: Project) -> None:
    ours.launch()
    world.cloud.use_token(world.github.make_token(["repo", "workflow"], login="writer", role="write"))
    assert "permission" in refused(ours.delete)
    assert not ours.state.archived


def test_retain_on_failure_lets_a_project_go_that_may_not_be_archived(world: World, ours: Project) -> None:
    ours.secrets = {"NAME": "value"}
    ours.settings = {"RetainOnFailure": "true"}
    ours.launch()
    before = world.snapshot("p1-build")
    world.cloud.use_token(world.github.make_token(["repo", "workflow"], login="reader", role="read"))
    with world.cloud.logging() as lines:
        ours.delete()
    assert world.snapshot("p1-build") == before, "left as it is"
    reasons = [line["reason"] for line in lines if line.get("message") == "left as it is"]
    assert len(reasons) == 1, "nothing but the archive needs the right"
    assert all("Grant the token that permission" in reason for reason in reasons)


def test_retain_on_failure_does_not_hide_other_failures(world: World, ours: Project) -> None:
    ours.settings = {"RetainOnFailure": "true"}
    ours.launch()
    world.cloud.use_token("ghp_wrong")
    assert "rejected the token" in refused(ours.delete)
    world.cloud.use_token(world.github.make_token(["repo", "workflow"]))
    ours.delete()
    assert ours.state.archived


@pytest.mark.handlers_only(reason="a GitHub that is down is waited for, forty minutes long")
def test_retain_on_failure_does_not_hide_that_github_is_down(world: World, ours: Project) -> None:
    ours.settings = {"RetainOnFailure": "true"}
    ours.launch()
    world.github.faults.add(Fault.parse({"fault": "500", "times": None}))
    with pytest.raises(AssertionError, match="never completes"):
        ours.delete()
    world.github.faults.clear()
    ours.delete()
    assert ours.state.archived


def test_an_archive_keeps_everything(world: World, ours: Project) -> None:
    ours.secrets, ours.variables = {"REGION": "eu-west-1"}, {"TRIGGER": "false"}
    ours.launch()
    ours.commit({"mine": "m\n"})
    refs = ours.refs()
    ours.delete()
    state = world.snapshot("p1-build")
    assert (state["archived"], state["refs"]) == (True, refs)
    assert (state["secrets"], state["variables"]) == ({"REGION": "eu-west-1"}, {"TRIGGER": "false"})


@pytest.mark.ministack
@pytest.mark.parametrize("part", ["template", "repository"])
def test_a_repository_deleted_on_github_is_said_and_the_project_can_go(world: World, ours: Project, part: str) -> None:
    ours.launch()
    world.github.store.delete(ours.state)
    if part == "template":
        said = refused(lambda: ours.update(world.publish("v2", V1)))
    else:
        said = refused(lambda: ours.update_repository(Visibility="internal"))
    assert "was deleted on GitHub" in said
    ours.delete()  # the update could not be rolled back either


# -- settings -------------------------------------------------------------------------------------------------------


def test_settings_that_changed_in_the_stack_are_changed_and_others_left(world: World, ours: Project) -> None:
    ours.launch()
    world.rest("PATCH", "/repos/acme/p1-build", description="Mine", has_wiki=True)
    data = ours.update_repository(Name="renamed", Topics=["studio", "mlops"])
    assert (data["FullName"], data["Status"], data["RepositoryId"]) == ("acme/renamed", "kept", ours.repository_id)
    assert (ours.state.description, set(ours.state.topics)) == ("Mine", {"studio", "mlops"})
    world.requests()
    ours.update_repository()
    assert all(entry.method == "GET" for entry in world.requests())


def test_topics_of_users_stay(world: World) -> None:
    stranger(world)
    world.rest("PUT", "/repos/acme/p1-build/topics", names=["pci", "team-x"])
    project = adopting(world)
    project.deliver()
    assert set(project.state.topics) == {"pci", "team-x", "studio"}
    project.update_repository(Topics=["mlops"])
    assert set(project.state.topics) == {"pci", "team-x", "mlops"}
    project.delete()
    world.requests()
    again = adopting(world)
    again.create_repository(Topics=["mlops"])
    assert set(again.state.topics) == {"pci", "team-x", "mlops"}
    assert not any(entry.path.endswith("/topics") for entry in world.requests()), "nothing was missing"


def test_a_refused_move_can_be_rolled_back(world: World, ours: Project) -> None:
    ours.launch()
    assert "Transfer the repository on GitHub" in refused(lambda: ours.update_repository(Organization="other"))
    assert ours.update_repository()["Status"] == "kept"  # the stack is as it was
    world.github.store.add_account("other", "Organization")
    world.rest("POST", "/repos/acme/p1-build/transfer", new_owner="other")
    assert ours.update_repository(Organization="other")["FullName"] == "other/p1-build"


def test_a_long_project_name_leaves_the_mark_whole(world: World, ours: Project) -> None:
    ours.create_repository(ProjectName="x" * 400)
    found = world.github.store.by_name("acme", "p1-build")
    assert found is not None
    assert found.description is not None
    assert len(found.description) == 350
    assert re.search(r" \(d1/p1 model_build [0-9a-f]{40}\)$", found.description)
