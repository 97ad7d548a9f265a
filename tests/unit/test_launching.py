"""Who can launch for which project, and that a project is launched once: each refusal with its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from custom_resources import launching
from custom_resources.caller import LAUNCH_TAG, PRINCIPAL_TAG, PRODUCT_TAG, Installation, Launcher
from custom_resources.clients.service_catalog import LaunchOfStack
from custom_resources.clients.studio import ClassicProject
from custom_resources.errors import (
    AccountNotListed,
    ClassicOff,
    ClassicProjectRefused,
    DatabaseNotListed,
    FinalError,
    LaunchByNobody,
    LaunchNotAdministrators,
    LaunchNotByProjectRole,
    LaunchNotByServiceCatalog,
    LaunchRefused,
    ProjectFixed,
    ProjectHeld,
    ProjectNotFound,
)
from custom_resources.reconciler import Request
from custom_resources.studio_project import StudioProjectProperties

ACCOUNT = "123456789012"
STACK = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/SC-pp-1/1"
ANOTHER = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/SC-pp-2/2"
ADMINISTRATOR = f"arn:aws:sts::{ACCOUNT}:assumed-role/Platform/someone"
STRANGER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Stranger/someone"
PROJECTS_ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/datazone_usr_role_p1_e1/session"
SETTINGS: dict[str, Any] = {
    "execution_roles": ("datazone_usr_role_*",),
    "administrators": (f"arn:aws:iam::{ACCOUNT}:role/Platform",),
}


@dataclass
class Held:
    """Who holds a project: the answers of its table, the last one again and again."""

    answers: list[str]
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    released: list[tuple[str, str]] = field(default_factory=list)

    def hold(self, project: str, stack_id: str, instead_of: str = "") -> str:
        self.asked.append((project, stack_id, instead_of))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def release(self, project: str, stack_id: str) -> None:
        self.released.append((project, stack_id))


def clients(
    principal: str = "",
    *,
    tagged: bool = True,
    held: Held | None = None,
    live: tuple[str, ...] = (),
    projects: Callable[[str], ClassicProject] | None = None,
    **settings: Any,
) -> Any:
    """Return what is asked: tags of the launch, who holds the project, and the stacks that are there."""
    tags = {PRODUCT_TAG: "arn:x:product/prod-1", LAUNCH_TAG: "arn:x:stack/p/pp-1"} if tagged else {}
    if principal:
        tags[PRINCIPAL_TAG] = principal
    return SimpleNamespace(
        stacks=SimpleNamespace(
            tags=lambda stack_id: tags if stack_id == STACK else {}, exists=lambda stack_id: stack_id in live
        ),
        service_catalog=SimpleNamespace(launch_of=lambda stack_id: LaunchOfStack()),
        installation=Installation(**{**SETTINGS, **settings}),
        held_projects=held,
        studio=SimpleNamespace(classic_project=projects),
    )


def request(
    kind: str = "Create", physical_id: str = "", operation: str = "", old: dict[str, Any] | None = None, **more: Any
) -> Request[StudioProjectProperties]:
    values = {"domain_id": "dzd_1", "project_id": "p1"}
    properties = StudioProjectProperties(**{**values, **more})
    before = StudioProjectProperties(**{**values, **old}) if old is not None else None
    return Request(kind, properties, before, physical_id, STACK, "StudioProject", operation=operation)  # type: ignore[arg-type]


# -- the launcher -------------------------------------------------------------------------------------------------


def test_an_update_checks_nobody() -> None:
    asked_for_nothing: Any = SimpleNamespace(installation=Installation())
    assert launching.launcher(request("Update"), asked_for_nothing) == Launcher("not asked")


@pytest.mark.parametrize(
    ("principal", "kind"), [(ADMINISTRATOR, "administrator"), ("", "unknown"), ("no ARN", "unknown")]
)
def test_who_may_launch_is_told(principal: str, kind: str) -> None:
    assert launching.launcher(request(), clients(principal)).kind == kind


@pytest.mark.parametrize(
    ("principal", "settings", "refused"),
    [
        (STRANGER, {}, True),
        (STRANGER, {"project_roles_may_launch": True}, True),
        (PROJECTS_ROLE, {}, True),
        (PROJECTS_ROLE, {"project_roles_may_launch": True}, False),
    ],
)
def test_a_refused_launcher_is_named_with_the_project(principal: str, settings: dict[str, Any], refused: bool) -> None:
    if not refused:
        found = launching.launcher(request(), clients(principal, **settings))
        assert found == Launcher("project role", principal, "datazone_usr_role_p1_e1")
        return
    with pytest.raises(LaunchRefused) as error:
        launching.launcher(request(), clients(principal, **settings))
    assert error.value.holes == {"caller": principal, "project": "p1"}


def test_a_stack_of_cloudformation_alone_needs_the_settings_word() -> None:
    with pytest.raises(LaunchNotByServiceCatalog) as error:
        launching.launcher(request(), clients(tagged=False))
    assert error.value.holes == {"stack": "SC-pp-1"}
    assert launching.launcher(request(), clients(tagged=False, direct_launches=True)) == Launcher("direct")


def test_nobody_may_adopt_what_exists() -> None:
    with pytest.raises(LaunchByNobody):
        launching.launcher(request(adopt_existing=True), clients())
    assert launching.launcher(request(adopt_existing=True), clients(ADMINISTRATOR)).kind == "administrator"


@pytest.mark.parametrize("kind", ["Update", "Delete"])
def test_a_stack_keeps_its_project(kind: str) -> None:
    for accepted in ("dzd_1/p1", "dzd_1/p1:churn:seal", "", "made-up-id"):
        launching.launcher(request(kind, accepted), clients())
    for another in ("dzd_1/p2", "dzd_2/p1:churn"):
        with pytest.raises(ProjectFixed) as error:
            launching.launcher(request(kind, another), clients())
        assert error.value.holes == {"project": another.split("/")[1].split(":")[0]}


# -- what the settings list -------------------------------------------------------------------------------------------

LISTED: dict[str, Any] = {"glue_databases": ("glue_db", "sales"), "deploy_accounts": ("222222222222",)}


@pytest.mark.parametrize("kind", ["Create", "Update"])
@pytest.mark.parametrize(
    ("wrong", "error", "holes"),
    [
        ({"glue_database": "payroll"}, DatabaseNotListed, {"database": "payroll"}),
        ({"deploy_account": "333333333333"}, AccountNotListed, {"account": "333333333333"}),
    ],
)
def test_what_the_settings_do_not_list_is_refused(
    kind: str, wrong: dict[str, Any], error: type[FinalError], holes: dict[str, str]
) -> None:
    with pytest.raises(error) as refused:
        launching.launcher(request(kind, **wrong), clients(ADMINISTRATOR, **LISTED))
    assert refused.value.holes == holes
    launching.launcher(request(kind, **wrong), clients(ADMINISTRATOR))  # no list: any
    with pytest.raises(error):  # what another had before is nothing that it keeps
        launching.launcher(request("Update", old={}, **wrong), clients(ADMINISTRATOR, **LISTED))
    launching.launcher(request("Update", old=wrong, **wrong), clients(ADMINISTRATOR, **LISTED))  # it keeps what it had


@pytest.mark.parametrize(
    "listed", [{"glue_database": "sales"}, {"deploy_account": ACCOUNT}, {"deploy_account": "222222222222"}, {}]
)
def test_what_the_settings_list_and_the_stacks_own_account_are_accepted(listed: dict[str, Any]) -> None:
    for kind in ("Create", "Update"):
        launching.launcher(request(kind, **listed), clients(ADMINISTRATOR, **LISTED))


@pytest.mark.parametrize(("kind", "operation"), [("Update", "UPDATE_ROLLBACK_IN_PROGRESS 1"), ("Delete", "")])
def test_neither_a_rollback_nor_a_deletion_fails_for_a_list(kind: str, operation: str) -> None:
    launching.launcher(request(kind, operation=operation, glue_database="payroll"), clients(**LISTED))


# -- SageMaker Studio classic -----------------------------------------------------------------------------------------

OF_THE_LAUNCH = ClassicProject("p1", "pp-1")
BY_ADMINISTRATOR = Launcher("administrator", ADMINISTRATOR)


def classic(found: ClassicProject | None) -> Callable[[str], ClassicProject]:
    def look(name: str) -> ClassicProject:
        assert name == "churn"
        if found is None:
            raise ProjectNotFound(activity="reading")
        return found

    return look


@pytest.mark.parametrize("kind", ["administrator", "direct"])
@pytest.mark.parametrize("found", [OF_THE_LAUNCH, ClassicProject("p1", "")])
def test_a_classic_project_is_launched_by_administrators(kind: Any, found: ClassicProject) -> None:
    there = clients(ADMINISTRATOR, projects=classic(found), classic=True)
    launching.require_classic(request(project_name="churn"), Launcher(kind), there)


def test_a_launch_that_service_catalog_does_not_name_is_any_classic_projects() -> None:
    there = clients(tagged=False, projects=classic(OF_THE_LAUNCH), classic=True)
    launching.require_classic(request(project_name="churn"), BY_ADMINISTRATOR, there)


@pytest.mark.parametrize(
    ("settings", "launcher", "error"),
    [
        ({}, BY_ADMINISTRATOR, ClassicOff),
        ({"classic": True}, Launcher("unknown"), LaunchByNobody),
        ({"classic": True}, Launcher("project role"), LaunchNotAdministrators),
        ({"classic": True}, Launcher("blueprint"), LaunchNotAdministrators),
    ],
)
def test_nobody_else_launches_for_a_classic_project(
    settings: dict[str, Any], launcher: Launcher, error: type[FinalError]
) -> None:
    there = clients(ADMINISTRATOR, projects=classic(OF_THE_LAUNCH), **settings)
    with pytest.raises(error):
        launching.require_classic(request(project_name="churn"), launcher, there)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", OF_THE_LAUNCH),
        ("churn", None),
        ("churn", ClassicProject("p2", "pp-1")),
        ("churn", ClassicProject("p1", "pp-2")),
        ("churn", ClassicProject("p2", "")),
    ],
)
def test_a_classic_project_that_is_not_the_launchs_is_refused(name: str, found: ClassicProject | None) -> None:
    there = clients(ADMINISTRATOR, projects=classic(found), classic=True)
    with pytest.raises(ClassicProjectRefused) as refused:
        launching.require_classic(request(project_name=name), BY_ADMINISTRATOR, there)
    assert refused.value.holes == {"name": name, "project": "p1"}


@pytest.mark.parametrize(
    ("settings", "launcher", "error", "holes"),
    [
        ({}, Launcher("unknown"), ClassicOff, {}),
        ({"classic": True}, Launcher("somebody else"), LaunchNotAdministrators, {}),
        ({"classic": True}, Launcher("project setup"), LaunchNotAdministrators, {}),
        ({"classic": True}, Launcher("unknown"), LaunchByNobody, {}),
    ],
)
def test_who_may_not_launch_for_a_classic_project_learns_nothing_of_it(
    settings: dict[str, Any], launcher: Launcher, error: type[FinalError], holes: dict[str, str]
) -> None:
    def look(name: str) -> ClassicProject:
        raise AssertionError("a project is looked up")

    with pytest.raises(error) as refused:
        launching.require_classic(request(), launcher, clients(projects=look, **settings))
    assert type(refused.value) is error
    assert refused.value.holes == holes


def test_another_failure_of_the_look_up_is_said_as_it_is() -> None:
    failure = FinalError("SageMaker denied access.")

    def look(name: str) -> ClassicProject:
        raise failure

    with pytest.raises(FinalError) as raised:
        launching.require_classic(
            request(project_name="churn"), BY_ADMINISTRATOR, clients(ADMINISTRATOR, projects=look, classic=True)
        )
    assert raised.value is failure


# -- a project's own role -----------------------------------------------------------------------------------------


def test_a_projects_role_launches_for_its_own_project_only() -> None:
    roles = (f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_p1_e1", f"arn:aws:iam::{ACCOUNT}:role/service-role/Shared")
    for own in ("datazone_usr_role_p1_e1", "Shared"):
        launching.require_own_role("p1", Launcher("project role", "arn", own), roles)
    for project, other in (
        ("p1", "datazone_usr_role_p2_e1"),
        ("p1", "service-role"),
        ("p2", "datazone_usr_role_p1_e1"),
    ):
        with pytest.raises(LaunchNotByProjectRole) as refused:
            launching.require_own_role(project, Launcher("project role", "arn", other), roles)
        assert refused.value.holes == {"caller": other, "project": project}
    launching.require_own_role("p1", Launcher("administrator", "arn", "Platform"), roles)


# -- a project is launched once -----------------------------------------------------------------------------------


def test_without_a_table_nothing_is_held() -> None:
    launching.hold(request(), clients())
    launching.release(request(), clients())


def test_a_launch_holds_its_project_and_lets_go_of_it() -> None:
    held = Held([STACK])
    launching.hold(request(), clients(held=held))
    launching.release(request(), clients(held=held))
    assert held.asked == [("dzd_1/p1", STACK, "")]
    assert held.released == [("dzd_1/p1", STACK)]


def test_a_stack_that_is_gone_gives_way() -> None:
    held = Held([ANOTHER, STACK])
    launching.hold(request(), clients(held=held))
    assert held.asked == [("dzd_1/p1", STACK, ""), ("dzd_1/p1", STACK, ANOTHER)]


def test_a_stack_that_is_there_keeps_its_project() -> None:
    held = Held([ANOTHER])
    with pytest.raises(ProjectHeld) as refused:
        launching.hold(request(), clients(held=held, live=(ANOTHER,)))
    assert refused.value.holes == {"project": "p1", "stack": "SC-pp-2"}
    assert len(held.asked) == 1


def test_an_update_holds_its_project_where_nobody_does_and_fails_for_nobody() -> None:
    held = Held([ANOTHER])
    launching.hold(request("Update"), clients(held=held, live=(ANOTHER,)))
    assert held.asked == [("dzd_1/p1", STACK, "")]


def test_it_tries_to_take_a_projects_place_twice_more_and_then_gives_up() -> None:
    """Each time another stack that is gone, or nobody, is told: the table says one thing now and another then."""
    held = Held([ANOTHER, "", "stack", STACK])
    with pytest.raises(ProjectHeld) as refused:
        launching.hold(request(), clients(held=Held([ANOTHER, "", "gone"])))
    assert refused.value.holes == {"project": "p1", "stack": "gone"}
    with pytest.raises(ProjectHeld):
        launching.hold(request(), clients(held=held))
    assert [instead for _, _, instead in held.asked] == ["", ANOTHER, "", "stack"]
    in_time = Held([ANOTHER, "", STACK])
    launching.hold(request(), clients(held=in_time))
    assert len(in_time.asked) == 3
