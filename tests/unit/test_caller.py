"""Who launched a stack, and how far that caller's words about role and location go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from custom_resources.belief import Belief, artifact_location, belief_at_create, execution_role, seal
from custom_resources.caller import Caller, Installation, Launcher, caller, is_role_here
from custom_resources.clients.service_catalog import LAUNCHED_BY
from custom_resources.errors import (
    FinalError,
    LaunchNotByProjectRole,
    LocationRefused,
    LocationUnknown,
    RoleElsewhere,
    RoleNotListed,
    RoleRefused,
    RoleUnknown,
)
from custom_resources.launching import require_own_role
from products import project_setup

ACCOUNT, REGION = "123456789012", "us-east-1"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/SC-{ACCOUNT}-pp-1/1"
STUDIOS, IAM_BASED = "datazone_usr_role_*", "service-role/AmazonSageMakerUserIAMExecutionRole_*"
ADMINISTRATORS = (
    f"arn:aws:iam::{ACCOUNT}:role/Platform",
    f"arn:aws:iam::{ACCOUNT}:role/datazone_usr_role_admin",
    f"arn:aws:iam::{ACCOUNT}:user/ops",
    "arn:aws:iam:::role/aws-reserved/*/AWSReservedSSO_Admins_*",
    "arn:aws:iam:::role/*",
    "arn:aws:iam:::user/team-?",
    "arn:aws:iam:::user/people/night/shift-*",
)
OURS = Installation(
    "studio-mlops-provisioning",
    "studio-mlops-project-setup",
    (STUDIOS, IAM_BASED),
    ADMINISTRATORS[:4] + ADMINISTRATORS[5:],
)
EVERY_ROLE = replace(OURS, administrators=ADMINISTRATORS)
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role"


def role(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


# -- the caller -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (f"{SESSION}/studio-mlops-provisioning/datazone", "blueprint"),
        (f"{SESSION}/studio-mlops-project-setup/execution", "project setup"),
        (f"{SESSION}/Platform/someone@example.com", "administrator"),
        (f"{SESSION}/AWSReservedSSO_Admins_0a1b/someone@example.com", "administrator"),
        (f"arn:aws:iam::{ACCOUNT}:user/people/ops", "somebody else"),
        (f"arn:aws:iam::{ACCOUNT}:user/ops", "administrator"),
        (f"arn:aws:iam::{ACCOUNT}:user/people/team-a", "administrator"),
        (f"arn:aws:iam::{ACCOUNT}:user/team-ab", "somebody else"),
        (f"arn:aws:iam::{ACCOUNT}:user/people/night/shift-1", "administrator"),
        (f"arn:aws:iam::{ACCOUNT}:user/people/night", "somebody else"),
        ("arn:aws:iam::210987654321:user/ops", "somebody else"),
        (f"{SESSION}/datazone_usr_role_p1_e1/s1", "project role"),
        (f"{SESSION}/AmazonSageMakerUserIAMExecutionRole_1/s1", "project role"),
        (f"{SESSION}/datazone_usr_role_admin/s1", "administrator"),  # the settings name this very one
        (f"{SESSION}/DataScientist/someone@example.com", "somebody else"),
        # The session is the caller's own choice: it says nothing.
        (f"{SESSION}/DataScientist/studio-mlops-provisioning", "somebody else"),
        (f"{SESSION}/DataScientist/Platform", "somebody else"),
        # The same name in another account or partition is another role.
        ("arn:aws:sts::210987654321:assumed-role/studio-mlops-provisioning/s1", "somebody else"),
        ("arn:aws:sts::210987654321:assumed-role/Platform/s1", "somebody else"),
        (f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/studio-mlops-provisioning/s1", "somebody else"),
        (f"arn:aws:iam::{ACCOUNT}:user/studio-mlops-provisioning", "somebody else"),
        (f"arn:aws:iam::{ACCOUNT}:role/studio-mlops-provisioning", "somebody else"),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/Platform", "somebody else"),
        (f"arn:aws:iam::{ACCOUNT}:root", "somebody else"),
        (f"{SESSION}/studio-mlops-provisioning-2/s1", "somebody else"),
        (f"{SESSION}/studio-mlops-provisioning", "somebody else"),
        (f"{SESSION}/studio-mlops-provisioning/a/b", "somebody else"),
        (f"{SESSION}/studio-mlops-provisioning/session\n", "unknown"),
        ("studio-mlops-provisioning", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_caller_is_who_service_catalog_says(arn: str, expected: str) -> None:
    assert caller(arn, STACK, OURS).kind == expected


def test_a_pattern_makes_no_administrator_of_a_projects_role() -> None:
    """Or the role of each project could launch for all of them."""
    assert caller(f"{SESSION}/DataScientist/s1", STACK, EVERY_ROLE).kind == "administrator"
    for role_name in ("datazone_usr_role_p1_e1", "AmazonSageMakerUserIAMExecutionRole_1"):
        assert caller(f"{SESSION}/{role_name}/s1", STACK, EVERY_ROLE).kind == "project role"


def test_a_listed_group_is_every_user_whom_service_catalog_let_launch() -> None:
    for group in (f"arn:aws:iam::{ACCOUNT}:group/Ops", "arn:aws:iam:::group/Ops*"):
        settings = replace(OURS, administrators=(group,))
        assert caller(f"arn:aws:iam::{ACCOUNT}:user/anybody", STACK, settings).kind == "administrator"
        assert caller(f"{SESSION}/anybody/s1", STACK, settings).kind == "somebody else"


def test_without_names_there_are_no_doors() -> None:
    found = caller(f"{SESSION}/studio-mlops-provisioning/s1", STACK, Installation())
    assert (found.kind, found.role) == ("somebody else", "studio-mlops-provisioning")


def test_a_launch_is_believed_as_far_as_its_caller() -> None:
    assert belief_at_create("blueprint") == "studio"
    assert belief_at_create("administrator") == "administrator"
    assert belief_at_create("project setup") == "nothing"  # it tells what GetProject says, and no role
    for nothing in ("unknown", "direct", "project role", "somebody else", "not asked"):
        assert belief_at_create(nothing) == "nothing"


def test_the_environment_says_what_the_settings_say() -> None:
    told = {"BLUEPRINT_ROLE": "a", "PROJECT_SETUP_ROLE": "b", "EXECUTION_ROLES": f"{STUDIOS} {IAM_BASED}"}
    assert Installation.from_environment(told) == Installation("a", "b", (STUDIOS, IAM_BASED))
    lists = {"ADMINISTRATORS": "c d", "GLUE_DATABASES": "e", "DEPLOY_ACCOUNTS": "f", "PRODUCTS": "g h"}
    switches = {"PROJECT_ROLES_MAY_LAUNCH": "true", "DIRECT_LAUNCHES": "true", "CLASSIC": "true"}
    assert Installation.from_environment({**lists, **switches, "PORTFOLIO_STACK": "i"}) == Installation(
        administrators=("c", "d"), project_roles_may_launch=True, direct_launches=True, classic=True,
        glue_databases=("e",), deploy_accounts=("f",), products=("g", "h"), portfolio_stack="i",
    )  # fmt: skip
    for off in ("", "false", "1"):
        assert not Installation.from_environment(dict.fromkeys(switches, off)).direct_launches
    assert not Installation.from_environment({}).may_run_pipelines(role("x"), "p1")


def test_launches_are_tagged_in_one_spelling() -> None:
    assert LAUNCHED_BY == project_setup.LAUNCHED_BY


# -- roles ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("datazone_usr_role_p1_e1", True),
        ("datazone_usr_role_p2_e1", False),  # Studio's role of another project
        ("datazone_usr_role_p1", False),
        ("service-role/AmazonSageMakerUserIAMExecutionRole_20260301", True),
        ("AmazonSageMakerUserIAMExecutionRole_20260301", False),  # without the path it is somebody else's
        ("datazone_usr_role_p1_/Admin", False),  # a path is no name
        ("teams/ml/Pipelines", False),
        ("Admin", False),
    ],
)
def test_the_settings_name_roles_with_their_paths(name: str, expected: bool) -> None:
    assert OURS.may_run_pipelines(role(name), "p1") is expected


def test_a_pattern_may_be_an_arn() -> None:
    named = Installation(execution_roles=(role("teams/ml/Pipeline*"),))
    assert named.may_run_pipelines(role("teams/ml/Pipelines"), "p1")
    assert not named.may_run_pipelines(role("teams/ml/Pipelines", "210987654321"), "p1")
    assert not named.may_run_pipelines(role("teams/other/Pipelines"), "p1")


@pytest.mark.parametrize(
    "arn",
    [
        role("x", "210987654321"),
        f"arn:aws-cn:iam::{ACCOUNT}:role/x",
        f"arn:aws:iam::{ACCOUNT}:user/x",
        role("*"),
        role("x?"),
        role("a//b"),
        role(""),
        f"{role('x')}\n",
        "x",
    ],
)
def test_what_is_no_role_of_this_account_is_refused_whoever_tells(arn: str) -> None:
    assert not is_role_here(arn, STACK)
    for belief in ("studio", "kept", "administrator", "nothing"):
        with pytest.raises(RoleElsewhere):
            chosen(arn, (), belief)
    with pytest.raises(RoleUnknown):  # nor is it the project's because SageMaker says so
        chosen("", (arn,), "studio")


def chosen(given: str, known: tuple[str, ...], belief: Belief) -> str:
    return execution_role(given, known, belief, project_id="p1", stack_id=STACK, installation=OURS)


def test_the_first_known_role_is_the_projects() -> None:
    assert chosen("", (role("a"), role("b")), "nothing") == role("a")
    with pytest.raises(RoleUnknown, match=r"execution_roles of settings\.toml"):
        chosen("", (), "administrator")


@pytest.mark.parametrize("belief", ["studio", "kept"])
def test_studio_is_believed_whatever_sagemaker_tells(belief: Belief) -> None:
    assert chosen(role("teams/a"), (role("b"),), belief) == role("teams/a")


@pytest.mark.parametrize("belief", ["administrator", "nothing"])
def test_a_principal_cannot_name_another_projects_role(belief: Belief) -> None:
    own, others = role("datazone_usr_role_p1_e1"), role("datazone_usr_role_p2_e2")
    assert chosen(own, (own,), belief) == own
    with pytest.raises(RoleRefused, match=f"{others} is not the role of the project p1. .* or enter {own}"):
        chosen(others, (own,), belief)


def test_where_nobody_tells_the_role_an_administrator_names_one_of_the_settings() -> None:
    listed, unlisted = role("service-role/AmazonSageMakerUserIAMExecutionRole_1"), role("Admin")
    assert chosen(listed, (), "administrator") == listed
    for refused in (unlisted, role("datazone_usr_role_p2_e1")):
        with pytest.raises(RoleNotListed):
            chosen(refused, (), "administrator")
    with pytest.raises(RoleUnknown):
        chosen(listed, (), "nothing")


LISTED, OWN, OTHERS, ELSEWHERE = (
    role("service-role/AmazonSageMakerUserIAMExecutionRole_1"),
    role("datazone_usr_role_p1_e1"),
    role("datazone_usr_role_p2_e2"),
    role("a", "210987654321"),
)


@pytest.mark.parametrize(
    ("given", "known", "belief", "found"),
    [
        ("", (ELSEWHERE, OTHERS, OWN, role("b")), "nothing", OWN),
        (OWN, (role("b"), OWN), "nothing", OWN),
        (OTHERS, (), "studio", OTHERS),
        (OTHERS, (OWN,), "kept", OTHERS),
        (LISTED, (OTHERS, ELSEWHERE), "administrator", LISTED),
    ],
)
def test_the_role_of_a_launch(given: str, known: tuple[str, ...], belief: Belief, found: str) -> None:
    assert chosen(given, known, belief) == found


@pytest.mark.parametrize(
    ("given", "known", "belief", "error", "holes"),
    [
        ("", (OTHERS, ELSEWHERE), "studio", RoleUnknown, {"project": "p1"}),
        (ELSEWHERE, (ELSEWHERE,), "studio", RoleElsewhere, {"role": ELSEWHERE}),
        (LISTED, (role("a"), role("b")), "administrator", RoleRefused,
         {"role": LISTED, "project": "p1", "allowed": role("a")}),
        (OTHERS, (OTHERS, OWN), "nothing", RoleRefused, {"role": OTHERS, "project": "p1", "allowed": OWN}),
        (LISTED, (OTHERS,), "nothing", RoleUnknown, {"project": "p1"}),
        (role("Admin"), (), "administrator", RoleNotListed, {"role": role("Admin"), "project": "p1"}),
    ],
)  # fmt: skip
def test_a_role_that_is_refused_is_named(
    given: str, known: tuple[str, ...], belief: Belief, error: type[FinalError], holes: dict[str, str]
) -> None:
    with pytest.raises(error) as refused:
        chosen(given, known, belief)
    assert refused.value.holes == holes


# -- locations ------------------------------------------------------------------------------------------------------

BUCKET = "amazon-sagemaker-123456789012-us-east-1-0a1b2c3d4e5f"
PLACE = f"s3://{BUCKET}/dzd-1/p1/dev"


def located(given: str = "", known: str = "", belief: Belief = "nothing") -> str:
    return artifact_location(given, known, belief, domain_id="dzd-1", project_id="p1", scope="dev")


def test_the_location_is_what_sagemaker_tells() -> None:
    assert located(known=f"{PLACE}/") == PLACE
    assert located(known=f"s3://{BUCKET}/teams/dzd-1/p1") == f"s3://{BUCKET}/teams/dzd-1/p1"


@pytest.mark.parametrize(
    "known",
    [
        "",
        f"s3://{BUCKET}",
        f"s3://{BUCKET}/dzd-1/p2/dev",
        f"s3://{BUCKET}/dzd-2/p1/dev",
        f"s3://{BUCKET}/dzd-1/p10/dev",
        f"s3://{BUCKET}/dzd-1/p1/../p2",
        f"s3://{BUCKET}/*/dzd-1/p1",
        f"s3://{BUCKET}/dzd-1/p1/${{aws:username}}",
        "s3://*/dzd-1/p1/dev",
        "s3://UPPER/dzd-1/p1/dev",
        f"https://{BUCKET}/dzd-1/p1/dev",
        f"{PLACE}\n",
    ],
)
def test_a_location_that_is_not_the_projects_is_missing_and_none_is_made_up(known: str) -> None:
    for belief in ("studio", "administrator", "nothing"):
        with pytest.raises(LocationUnknown, match="ProjectBucket, the ARN of the project's bucket"):
            located(known=known, belief=belief)


def test_the_bucket_that_studio_fills_in_is_enough() -> None:
    assert located(f"arn:aws:s3:::{BUCKET}", "", "studio") == PLACE
    # SageMaker knows the place in it better; a place in another bucket is not the one that Studio means.
    assert located(f"arn:aws:s3:::{BUCKET}", f"s3://{BUCKET}/x/dzd-1/p1/a", "studio") == f"s3://{BUCKET}/x/dzd-1/p1/a"
    assert located(f"arn:aws:s3:::{BUCKET}", "s3://another-bucket/dzd-1/p1/dev", "studio") == PLACE
    assert located(f"s3://{BUCKET}/teams/churn", "", "kept") == f"s3://{BUCKET}/teams/churn"


def test_what_studio_leaves_empty_is_looked_up() -> None:
    assert located("arn:aws:s3:::", PLACE, "studio") == PLACE
    with pytest.raises(LocationUnknown):
        located("arn:aws:s3:::", "", "studio")


def test_an_administrators_bucket_counts_where_nobody_tells() -> None:
    assert located(f"arn:aws:s3:::{BUCKET}", "", "administrator") == PLACE
    with pytest.raises(LocationUnknown):
        located(f"arn:aws:s3:::{BUCKET}", "", "nothing")


@pytest.mark.parametrize("belief", ["administrator", "nothing"])
@pytest.mark.parametrize(
    "given", ["arn:aws:s3:::another-bucket", f"s3://{BUCKET}/dzd-1/p2/dev", f"s3://{BUCKET}/*", "here"]
)
def test_no_principal_names_another_place(belief: Belief, given: str) -> None:
    assert located(f"arn:aws:s3:::{BUCKET}", PLACE, belief) == PLACE
    with pytest.raises(LocationRefused):
        located(given, PLACE, belief)


def test_a_seal_is_of_all_that_was_told() -> None:
    assert seal("a", "b") == seal("a", "b")
    assert len({seal("a", "b"), seal("a", "c"), seal("ab", "")}) == 3


# -- a project's role ------------------------------------------------------------------------------------------------

STUDIOS_ROLE = "datazone_usr_role_p1_e1"
WITH_A_PATH = "AmazonSageMakerUserIAMExecutionRole_1"
ROLES = (role(STUDIOS_ROLE), role(f"service-role/{WITH_A_PATH}"))


@pytest.mark.parametrize(
    ("kind", "name", "project", "roles", "own"),
    [
        ("project role", STUDIOS_ROLE, "p1", ROLES, True),
        ("project role", WITH_A_PATH, "p1", ROLES, True),
        ("project role", "AmazonSageMakerUserIAMExecutionRole_2", "p1", ROLES, False),
        ("project role", f"service-role/{WITH_A_PATH}", "p1", ROLES, False),
        ("project role", STUDIOS_ROLE, "p2", ROLES, False),  # its name says whose it is, whatever is told
        ("project role", STUDIOS_ROLE, "p1", (), False),
        ("administrator", "Platform", "p1", (), True),
        ("blueprint", "studio-mlops-provisioning", "p1", (), True),
    ],
)
def test_a_projects_role_launches_for_its_own_project(
    kind: Caller, name: str, project: str, roles: tuple[str, ...], own: bool
) -> None:
    found = Launcher(kind, f"{SESSION}/{name}/s1", name)
    if own:
        require_own_role(project, found, roles)
        return
    with pytest.raises(LaunchNotByProjectRole) as told:
        require_own_role(project, found, roles)
    assert str(told.value).startswith(f"The role {name} is not the role of the project {project}.")
