"""Attack stories: somebody launches for another's project, or invokes a function with an event of his own making.

Each ends in one sentence; nothing of the victim is changed; and the requests that it took are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from custom_resources.caller import PRINCIPAL_TAG
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
)
from custom_resources.named_repository import name_proof
from tests.seals import seals_in_memory
from tests.security.aws_world import (
    ACCOUNT,
    ADMINISTRATOR,
    BLUEPRINT,
    PRODUCT,
    REGION,
    SESSION,
    SETUP,
    Held,
    Stack,
    World,
    request,
    stack_id,
    world,
)

MALLORY = f"{SESSION}/DataScientist/mallory"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch) as found:
        yield found


def refused(error: pytest.ExceptionInfo[FinalError], kind: type[FinalError], sentence: str) -> None:
    """The handler hands the sentences on as a FinalError: compare them with the class's own."""
    said = str(error.value)
    assert sentence in said
    assert kind.remedy.split("{")[0] in said


# -- who may launch -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("principal", [ADMINISTRATOR, BLUEPRINT, SETUP])
def test_administrators_and_studios_doors_launch(account: World, principal: str) -> None:
    domain, project = account.project("churn")
    stack = account.launch("a", principal, domain, project)
    account.requests.clear()
    assert account.create_project(stack, domain, project)["Data"]["ProjectName"] == "churn"
    assert account.holder(f"{domain}/{project}") == stack
    # What looking at the caller and the stack costs a launch: both phases in one function's process.
    assert account.requests["describe_stacks"] == 4, "of on_event, the portfolio's, and the fence twice"
    assert account.requests["describe_stack_resources"] == 1
    assert account.requests["search_provisioned_products"] == 0
    assert account.requests["PutItem"] == 1


@pytest.mark.parametrize(
    "principal",
    [
        MALLORY,
        f"{SESSION}/datazone_usr_role_mallory/mallory",
        f"{SESSION}/DataScientist/studio-mlops-provisioning",
        "arn:aws:sts::210987654321:assumed-role/studio-mlops-provisioning/session",
        f"arn:aws:iam::{ACCOUNT}:user/mallory",
    ],
)
def test_a_launch_for_somebody_elses_project_is_refused(account: World, principal: str) -> None:
    domain, project = account.project("victim")
    stack = account.launch("m", principal, domain, project)
    account.requests.clear()
    with pytest.raises(FinalError) as error:
        account.create_project(stack, domain, project)
    refused(error, LaunchRefused, f"{principal} may not launch the product for the project {project}.")
    assert account.holder(f"{domain}/{project}") == ""
    assert dict(account.requests) == {"describe_stacks": 2, "describe_stack_resources": 1}


def test_a_projects_role_launches_for_its_own_project_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with world(monkeypatch, PROJECT_ROLES_MAY_LAUNCH="true") as account:
        domain, mine = account.project("mine")
        _, victim = account.project("victim")
        principal = f"{SESSION}/{account.role_of(mine)}/mallory"
        stack = account.launch("m", principal, domain, victim)
        with pytest.raises(FinalError) as error:
            account.create_project(stack, domain, victim)
        sentence = f"The role {account.role_of(mine)} is not the role of the project {victim}."
        refused(error, LaunchNotByProjectRole, sentence)
        assert account.holder(f"{domain}/{victim}") == ""
        stack = account.launch("n", principal, domain, mine)
        assert account.create_project(stack, domain, mine)["Data"]["ExecutionRoleName"] == account.role_of(mine)


def forged_domain(account: World, domain: str, project: str, role: str, how: str) -> None:
    """Make a SageMaker domain that names somebody's project, as anybody can who may create some and pass the role."""
    sagemaker = account.stand_in.sagemaker
    place = f"s3://mallorys/{domain}/{project}/dev"
    told = {"DomainId": domain, "ProjectId": project, "ProjectS3Path": place}
    tags = {"AmazonDataZoneDomain": domain, "AmazonDataZoneProject": project, "ProjectS3Path": place}
    made = sagemaker.open_domain(
        ACCOUNT,
        REGION,
        f"mallorys-{project}",
        settings={"UnifiedStudioSettings": told} if how == "settings" else {},
        tags=tags,
        more={"DefaultUserSettings": {"ExecutionRole": role}, "DefaultSpaceSettings": {"ExecutionRole": role}},
    )
    made["CreationTime"] += timedelta(minutes=1)
    sagemaker._domains = type(sagemaker._domains)(  # ListDomains tells the newest first
        {made["DomainId"]: made, **{key: each for key, each in sagemaker._domains.items() if each is not made}}
    )


@pytest.mark.parametrize("how", ["settings", "tags"])
@pytest.mark.parametrize("alone", [False, True], ids=["beside the project's", "before the project's is there"])
def test_a_sagemaker_domain_that_names_a_project_gives_nobody_its_launch(
    monkeypatch: pytest.MonkeyPatch, how: str, alone: bool
) -> None:
    with world(monkeypatch, PROJECT_ROLES_MAY_LAUNCH="true") as account:
        domain, mine = account.project("mine")
        _, victim = account.project("victim")
        own = account.role_of(mine)
        if alone:
            of_victims = [each for each in account.stand_in.sagemaker._domains.values() if victim in str(each)]
            for each in of_victims:
                account.stand_in.sagemaker.close_domain(each["DomainId"])
        forged_domain(account, domain, victim, f"arn:aws:iam::{ACCOUNT}:role/{own}", how)
        stack = account.launch("m", f"{SESSION}/{own}/mallory", domain, victim)
        with pytest.raises(FinalError) as error:
            account.create_project(stack, domain, victim)
        refused(error, LaunchNotByProjectRole, f"The role {own} is not the role of the project {victim}.")
        assert account.holder(f"{domain}/{victim}") == ""


@pytest.mark.parametrize("how", ["settings", "tags"])
def test_a_sagemaker_domain_that_somebody_made_later_changes_no_launch(account: World, how: str) -> None:
    """Neither the role that pipelines run as, nor the bucket that files go to."""
    domain, victim = account.project("victim")
    role = account.role_of(victim)
    forged_domain(account, domain, victim, f"arn:aws:iam::{ACCOUNT}:role/DataScientist", how)
    found = account.create_project(account.launch("v", SETUP, domain, victim), domain, victim)["Data"]
    assert found["ExecutionRoleName"] == role
    assert found["ArtifactBucket"] != "mallorys"


def test_what_the_second_door_launches_is_read_again(account: World) -> None:
    """Who may start the state machine chooses its input: a project that Studio does not show is no project."""
    stack = account.launch("s", SETUP, "dzd_absent", "madeup")
    with pytest.raises(FinalError, match="DataZone"):
        account.create_project(stack, "dzd_absent", "madeup", ProjectName="x", ProfileName="Regression")
    assert account.holder("dzd_absent/madeup") == ""


def test_without_service_catalog_nobody_launches_unless_a_setting_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with world(monkeypatch) as account:
        domain, project = account.project("victim")
        stack = account.launch("studio-mlops-m", "", domain, project)
        with pytest.raises(FinalError) as error:
            account.create_project(stack, domain, project)
        refused(error, LaunchNotByServiceCatalog, "The stack studio-mlops-m was not launched from this installation's")
    with world(monkeypatch, DIRECT_LAUNCHES="true") as account:
        domain, project = account.project("trial")
        stack = account.launch("studio-mlops-t", "", domain, project)
        assert account.create_project(stack, domain, project)["Data"]["ProjectName"] == "trial"


def test_another_product_is_not_ours_whoever_launches_it(account: World) -> None:
    """Its template could send our functions anything."""
    domain, project = account.project("victim")
    stack = account.launch("m", ADMINISTRATOR, domain, project, product="prod-mallorys")
    with pytest.raises(FinalError) as error:
        account.create_project(stack, domain, project)
    refused(error, LaunchNotByServiceCatalog, "The stack m was not launched from this installation's product")


NAME = f"SC-{ACCOUNT}-pp-abc"


def listed(**values: Any) -> dict[str, Any]:
    launch = {"Id": "pp-abc", "ProductId": PRODUCT, "PhysicalId": stack_id(NAME), "Status": "UNDER_CHANGE"}
    return {**launch, **values}


def test_where_tags_are_missing_service_catalog_is_asked(account: World) -> None:
    domain, project = account.project("churn")
    stack = account.launch(NAME, "", domain, project)
    account.provisioned = [listed(UserArnSession=MALLORY)]
    with pytest.raises(FinalError, match="may not launch the product"):
        account.create_project(stack, domain, project)
    account.provisioned = [listed(UserArnSession=BLUEPRINT)]
    account.requests.clear()
    assert account.create_project(stack, domain, project)["Data"]["ProjectName"] == "churn"
    assert account.requests["search_provisioned_products"] == 2


@pytest.mark.parametrize("other", [{"PhysicalId": stack_id("another")}, {"Id": "pp-another"}])
def test_a_stack_that_takes_a_launchs_name_is_no_launch(account: World, other: dict[str, str]) -> None:
    domain, project = account.project("victim")
    stack = account.launch(NAME, "", domain, project)
    account.provisioned = [listed(UserArnSession=ADMINISTRATOR, **other)]
    with pytest.raises(FinalError, match="was not launched from this installation's product"):
        account.create_project(stack, domain, project)


def test_a_caller_whom_nobody_names_gets_what_other_facts_tell(account: World) -> None:
    domain, project = account.project("churn")
    stack = account.launch(NAME, "", domain, project)
    account.provisioned = [listed()]
    with pytest.raises(FinalError) as error:
        account.create_project(stack, domain, project, AdoptExisting="true")
    refused(error, LaunchByNobody, "This launch needs a known caller")
    own = {"Organization": "acme", "ConnectedRepository": "acme/victims"}
    told = account.create_project(stack, domain, project, **own)["Data"]
    assert (told["BuildRepositoryName"], told["BuildAdoptExisting"]) == (f"{project}-{domain}-build-repo", "false")


def test_a_database_and_an_account_have_to_be_listed_where_the_settings_list_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = {"GLUE_DATABASES": "glue_db features", "DEPLOY_ACCOUNTS": "210987654321"}
    with world(monkeypatch, **listed) as account:
        domain, project = account.project("churn")
        stack = account.launch("a", BLUEPRINT, domain, project)
        with pytest.raises(FinalError) as error:
            account.create_project(stack, domain, project, GlueDatabase="payroll")
        refused(error, DatabaseNotListed, "does not list the Glue database payroll.")
        with pytest.raises(FinalError) as error:
            account.create_project(stack, domain, project, DeployAccount="111111111111")
        refused(error, AccountNotListed, "does not list the account 111111111111.")
        told = account.create_project(stack, domain, project, GlueDatabase="features", DeployAccount="210987654321")
        assert told["Data"]["GlueDatabase"] == "features"
        with pytest.raises(FinalError, match="is already launched"):
            account.create_project(
                account.launch("b", BLUEPRINT, domain, project), domain, project, DeployAccount=ACCOUNT
            )


@pytest.mark.parametrize(
    ("was", "wanted", "refusal"),
    [
        ({}, {"GlueDatabase": "payroll"}, "does not list the Glue database payroll."),
        ({}, {"DeployAccount": "111111111111"}, "does not list the account 111111111111."),
        ({"GlueDatabase": "former"}, {"GlueDatabase": "former"}, ""),
    ],
)
def test_an_update_reaches_no_more_than_a_launch(
    monkeypatch: pytest.MonkeyPatch, was: dict[str, str], wanted: dict[str, str], refusal: str
) -> None:
    with world(monkeypatch, GLUE_DATABASES="glue_db", DEPLOY_ACCOUNTS="210987654321") as account:
        domain, project = account.project("churn")
        stack = account.launch("a", BLUEPRINT, domain, project)
        physical_id = account.create_project(stack, domain, project)["PhysicalResourceId"]
        account.stacks[stack].status = "UPDATE_IN_PROGRESS"
        account.stacks[stack].resources["StudioProject"] = Held(
            "Custom::StudioProject", "UPDATE_IN_PROGRESS", physical_id
        )
        told = {"DomainId": domain, "ProjectId": project}
        event = request("Update", stack, "StudioProject", told | wanted, physical_id)
        event["OldResourceProperties"] = {"ServiceToken": "arn", **told, **was}
        if not refusal:
            assert account.complete("studio_project", event)["IsComplete"]
            return
        with pytest.raises(FinalError) as error:
            account.complete("studio_project", event)
        assert refusal in str(error.value)


# -- SageMaker Studio classic ---------------------------------------------------------------------------------------

CLASSIC = {"ProfileName": "Regression", "ProjectName": "churn"}


def classic_launch(account: World, principal: str, project: str) -> str:
    stack = account.launch("c", principal, "classic", "")
    account.stacks[stack].parameters["SageMakerProjectId"] = project
    return stack


def test_classic_is_off(account: World) -> None:
    account.control("classic-projects", name="churn", projectId="p-1", account=ACCOUNT, region="us-east-1")
    for principal in (MALLORY, BLUEPRINT, ADMINISTRATOR):
        stack = classic_launch(account, principal, "p-1")
        with pytest.raises(FinalError) as error:
            account.create_project(stack, "classic", "p-1", **CLASSIC)
        if principal != MALLORY:
            refused(error, ClassicOff, "does not launch the product for SageMaker Studio classic.")
    assert account.holder("classic/p-1") == ""


def test_classic_is_for_administrators_and_projects_that_sagemaker_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    with world(monkeypatch, CLASSIC="true") as account:
        place = {"account": ACCOUNT, "region": "us-east-1"}
        account.control("classic-projects", name="churn", projectId="p-1", launch="pp-c", **place)
        account.control("classic-projects", name="others", projectId="p-2", launch="pp-another", **place)
        for principal, kind in ((BLUEPRINT, LaunchNotAdministrators), (SETUP, LaunchNotAdministrators)):
            with pytest.raises(FinalError) as error:
                account.create_project(classic_launch(account, principal, "p-1"), "classic", "p-1", **CLASSIC)
            refused(error, kind, "Only an administrator can launch the product for SageMaker Studio classic.")
        for project, name in (("p-9", "churn"), ("p-2", "others"), ("p-1", "absent"), ("p-1", "")):
            stack = classic_launch(account, ADMINISTRATOR, project)
            with pytest.raises(FinalError) as error:
                account.create_project(stack, "classic", project, **{**CLASSIC, "ProjectName": name})
            refused(error, ClassicProjectRefused, f"does not have a project {name!r} with the ID {project}")
        stack = classic_launch(account, ADMINISTRATOR, "p-1")
        assert account.create_project(stack, "classic", "p-1", **CLASSIC)["Data"]["ProfileName"] == "Regression"


# -- one project, one stack -----------------------------------------------------------------------------------------


def test_a_second_launch_under_other_names_is_refused_before_anything_is_made(account: World) -> None:
    domain, project = account.project("victim")
    first = account.launch("first", BLUEPRINT, domain, project)
    account.create_project(first, domain, project)
    second = account.launch("second", ADMINISTRATOR, domain, project)
    account.requests.clear()
    with pytest.raises(FinalError) as error:
        account.create_project(second, domain, project, BuildRepositoryName="other", Organization="acme")
    refused(error, ProjectHeld, f"The project {project} is already launched by the stack first.")
    assert account.requests["PutItem"] + account.requests["GetItem"] == 2
    account.stacks[second].status = "ROLLBACK_IN_PROGRESS"
    account.stacks[second].resources["StudioProject"] = Held("Custom::StudioProject", "DELETE_IN_PROGRESS", "x")
    gone = request("Delete", second, "StudioProject", {"DomainId": domain, "ProjectId": project}, "x")
    account.complete("studio_project", gone)
    assert account.holder(f"{domain}/{project}") == first, "what rolls back lets go of nothing of the first"


@pytest.mark.parametrize("status", ["DELETE_COMPLETE", "ROLLBACK_COMPLETE", ""])
def test_a_project_whose_stack_is_gone_is_launched_again(account: World, status: str) -> None:
    domain, project = account.project("churn")
    first = account.launch("first", BLUEPRINT, domain, project)
    account.create_project(first, domain, project)
    if status:
        account.stacks[first].status = status
    else:
        del account.stacks[first]
    second = account.launch("second", BLUEPRINT, domain, project)
    account.create_project(second, domain, project)
    assert account.holder(f"{domain}/{project}") == second


def test_the_end_of_a_launch_lets_go_and_an_update_takes_hold_of_what_nobody_holds(account: World) -> None:
    domain, project = account.project("churn")
    stack = account.launched("a", domain, project, 7)
    told = {"DomainId": domain, "ProjectId": project}
    account.complete("studio_project", request("Update", stack, "StudioProject", told, f"{domain}/{project}"))
    assert account.holder(f"{domain}/{project}") == stack
    account.launched("a", domain, project, 7, "DELETE_IN_PROGRESS")
    account.complete("studio_project", request("Delete", stack, "StudioProject", told, f"{domain}/{project}"))
    assert account.holder(f"{domain}/{project}") == ""


def test_an_update_stays_with_its_project(account: World) -> None:
    domain, mine = account.project("mine")
    _, victim = account.project("victim")
    stack = account.launched("m", domain, mine, 7)
    account.stacks[stack].parameters["ProjectId"] = victim
    told = {"DomainId": domain, "ProjectId": victim}
    with pytest.raises(FinalError) as error:
        account.complete("studio_project", request("Update", stack, "StudioProject", told, f"{domain}/{mine}"))
    refused(error, ProjectFixed, f"The stack was launched for the project {mine}, which an update cannot change.")


# -- direct invocation ----------------------------------------------------------------------------------------------

OPERATION = {"Stack": "UPDATE_IN_PROGRESS 2026-11-27T00:00:00+00:00", "Started": "1", "Noted": {}}
CONFIGURATION = {"RepositoryId": "7", "Repository": "acme/build", "Secrets": {"A": "1"}}
REPOSITORY = {"Organization": "acme", "Name": "build", "Part": "model_build"}


def attacks(domain: str, mine: str, victim: str) -> dict[str, tuple[str, dict[str, Any], str]]:
    """Return events by what is forged in them: the function, the event, the sentence. Stacks: `m` mine, `v` theirs."""
    own, others = stack_id("m"), stack_id("v")

    def configuration(
        stack: str, logical: str = "BuildConfiguration", physical: str = "configuration/7", **more: Any
    ) -> Any:
        return request("Update", stack, logical, {**CONFIGURATION, **more}, physical)

    def repository(stack: str, project: str, kind: str = "Update", physical: str = "7") -> Any:
        properties = {
            **REPOSITORY,
            "DomainId": domain,
            "ProjectId": project,
            "ProjectName": "x",
            "Visibility": "private",
        }
        return request(kind, stack, "BuildRepository", properties, physical)

    at_rest = "does not belong to the stack v: the stack has the status UPDATE_COMPLETE"
    return {
        "another's repository": (
            "actions_configuration",
            configuration(own, RepositoryId="70"),
            "does not belong to the stack m: the repository 70 does not belong to the stack",
        ),
        "another's project": ("github_repository", repository(own, victim), f"another project than {domain}/{victim}"),
        "another's stack at rest": ("actions_configuration", configuration(others), at_rest),
        "the end of another's repository": ("github_repository", repository(others, victim, "Delete", "70"), at_rest),
        "a physical id": (
            "github_repository",
            repository(own, mine, "Update", "70"),
            "BuildRepository has another physical",
        ),
        "a logical id": (
            "actions_configuration",
            configuration(own, "Nothing"),
            "does not have a resource Nothing of the type",
        ),
        "a type": (
            "actions_configuration",
            configuration(own, "BuildRepository", "7"),
            "BuildRepository of the type Custom::A",
        ),
        "a request": ("github_repository", repository(own, mine, "Delete"), "has the status UPDATE_IN_PROGRESS"),
        "a stack of no launch": ("actions_configuration", configuration(stack_id("x")), "was not launched from"),
        "a stack that is not there": ("actions_configuration", configuration(stack_id("absent")), "does not exist"),
    }


@pytest.mark.parametrize("phase", ["on_event", "is_complete"])
@pytest.mark.parametrize("forged", list(attacks("", "", "")))
def test_a_direct_invocation_gets_no_further_than_its_own_stack(account: World, forged: str, phase: str) -> None:
    """World.client fails the test if a function reads a secret, which it must before it can call GitHub."""
    domain, mine = account.project("mine")
    _, victim = account.project("victim")
    account.launched("m", domain, mine, 7)
    account.stacks[account.launched("v", domain, victim, 70)].status = "UPDATE_COMPLETE"
    account.stacks[stack_id("x")] = replace(
        account.stacks[stack_id("m")], tags={"aws:other": "x", "productArn": PRODUCT}
    )
    function, event, sentence = attacks(domain, mine, victim)[forged]
    if phase == "is_complete":
        stack = account.stacks.get(event["StackId"], Stack())
        event["Operation"] = {**OPERATION, "Stack": f"{stack.status} 2026-11-27T00:00:00+00:00"}
    account.requests.clear()
    with pytest.raises(FinalError) as error:
        account.invoke(function, event)
    assert sentence in str(error.value)
    assert sum(account.requests.values()) <= 11, "five looks at most; none at DynamoDB, DataZone, GitHub"
    assert set(account.requests) <= {"describe_stacks", "describe_stack_resources"}


def test_what_was_looked_at_once_is_no_pass_for_another_event(account: World) -> None:
    domain, mine = account.project("mine")
    stack = account.launched("m", domain, mine, 7)
    own = request("Update", stack, "BuildConfiguration", CONFIGURATION, "configuration/7")
    accepted = account.invoke("actions_configuration", own)
    forged = {**own, **accepted, "ResourceProperties": {**CONFIGURATION, "RepositoryId": "70"}}
    with pytest.raises(FinalError, match="the repository 70 does not belong to the stack"):
        account.invoke("actions_configuration", forged)
    forged = {**own, **accepted, "StackId": stack_id("v")}
    with pytest.raises(FinalError, match="does not exist"):
        account.invoke("actions_configuration", forged)


def test_a_probe_tells_what_is_permitted_and_nothing_of_the_project(account: World) -> None:
    """An administrator's `operations prove` asks it. Whoever else does learns of no project, and moves nothing."""
    domain, victim = account.project("victim")
    probe = {"Probe": {"DomainId": domain, "ProjectId": victim}}
    account.requests.clear()
    told = account.invoke("studio_project", probe)
    assert told.keys() == {"GetProject", "ListEnvironments", "ListConnections"}
    assert {type(permitted) for permitted in told.values()} == {bool}
    assert set(account.requests) <= {"GetProject", "ListEnvironments", "ListConnections"}
    for wrong in ({}, {"DomainId": domain}, {"DomainId": domain, "ProjectId": f"{victim}/x"}, "everything"):
        with pytest.raises(FinalError):
            account.invoke("studio_project", {"Probe": wrong})
    with pytest.raises(FinalError):
        account.invoke("github_repository", probe)


def test_a_waiter_whose_operation_has_ended_ends_quietly(account: World) -> None:
    domain, mine = account.project("mine")
    stack = account.launched("m", domain, mine, 7)
    own = request("Update", stack, "BuildConfiguration", CONFIGURATION, "configuration/7")
    late = {**own, "Operation": {**OPERATION, "Stack": "UPDATE_IN_PROGRESS 2020-01-01T00:00:00+00:00"}}
    assert account.invoke("actions_configuration", late) == {"IsComplete": True}


def test_what_an_update_replaced_is_cleaned_up(account: World) -> None:
    domain, mine = account.project("mine")
    account.create_project(account.launch("m", ADMINISTRATOR, domain, mine), domain, mine)
    stack = account.launched("m", domain, mine, 7, "UPDATE_COMPLETE")
    account.stacks[stack].status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    told = {"DomainId": domain, "ProjectId": mine}
    former = request("Delete", stack, "StudioProject", told, f"{domain}/{mine}:::former")
    assert account.complete("studio_project", former)["IsComplete"]
    assert account.holder(f"{domain}/{mine}") == stack, "the project stays the stack's"


def test_a_resource_without_an_id_lends_it_to_no_event(account: World) -> None:
    domain, mine = account.project("mine")
    stack = account.launched("m", domain, mine, 7, "DELETE_IN_PROGRESS")
    account.stacks[stack].resources["BuildRepository"] = Held("Custom::GitHubRepository", "DELETE_IN_PROGRESS", "")
    victims = request("Delete", stack, "BuildRepository", {**REPOSITORY, "DomainId": domain, "ProjectId": mine}, "70")
    with pytest.raises(FinalError, match="BuildRepository does not have a physical ID yet"):
        account.invoke("github_repository", victims)


def test_readable_secrets_are_copied_where_the_settings_say(account: World) -> None:
    """A function may read every secret with our tag; an event, or a stack's template, must not choose among them."""
    domain, mine = account.project("mine")
    stack = account.launched("m", domain, mine, 7, "CREATE_IN_PROGRESS")
    reference = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:payroll-abcdef"
    proof = name_proof(seals_in_memory(account.kms).of_repository(7), "acme/build", stack)
    stolen = {**CONFIGURATION, "NameProof": proof, "Secrets": {}, "SecretReferences": {"A": reference}}
    event = request("Create", stack, "BuildConfiguration", stolen)
    account.stacks[stack].resources["BuildConfiguration"] = Held("Custom::ActionsConfiguration", "CREATE_IN_PROGRESS")
    with pytest.raises(FinalError, match=f"does not list the secret {reference} as A"):
        account.complete("actions_configuration", event)
    assert set(account.requests) <= {"describe_stacks", "describe_stack_resources", "GetProject", "ListDomains"}


def test_a_principal_tag_alone_is_no_launch(account: World) -> None:
    """Without the product, and by Service Catalog's word, nobody launched it: tags of others have other names."""
    domain, project = account.project("victim")
    stack = account.launch("m", ADMINISTRATOR, domain, project)
    account.stacks[stack].tags = {PRINCIPAL_TAG: ADMINISTRATOR}
    with pytest.raises(FinalError, match="was not launched from this installation's product"):
        account.create_project(stack, domain, project)
