"""The table of assumptions, which docs/studio.md and the code name, and what facts say about them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from custom_resources.errors import (
    AwsNotFound,
    AwsRefused,
    DomainUnitNotOwned,
    NotOfItsStack,
    ProjectNotFound,
    RoleNotReady,
)
from operations import command_line
from operations.prove import changes, judging, report, running, watching
from operations.prove.assumptions import ASSUMPTIONS, BY_ID
from operations.prove.facts import (
    ByHand,
    Call,
    Connected,
    Ending,
    Environment,
    Facts,
    Going,
    Installed,
    Launch,
    Recorded,
    Scratch,
    State,
    Told,
    Update,
    Waiters,
    Workflows,
    Workspace,
)
from operations.prove.judging import RESERVED, judge
from operations.prove.judging_runs import NOT_ASSUMED
from operations.prove.looking import Proof, cut_off, since_success
from operations.prove.verdicts import HOLDS, NOT_SEEN, OTHERWISE
from operations.prove.watching import compared

if TYPE_CHECKING:
    from operations.prove.aws import Aws
    from products.settings import Settings

ROOT = Path(__file__).parents[2]
ROOMS = ("custom_resources", "products", "operations", "local", "standins", "layers")
PROVISIONING = "arn:aws:iam::111122223333:role/studio-mlops-provisioning"
PRINCIPAL = "arn:aws:sts::111122223333:assumed-role/studio-mlops-provisioning/session"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/k"
SOMEBODY = "arn:aws:sts::111122223333:assumed-role/Somebody/session"


# -- the table ---------------------------------------------------------------------------------------------------------


def test_the_documentation_shows_the_table() -> None:
    text = (ROOT / "docs" / "studio.md").read_text(encoding="utf-8")
    shown = [
        tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
        for line in text.splitlines()
        if re.match(r"\| A\d\d \|", line)
    ]
    assert shown == [(each.id, each.sentence, each.certainty, each.otherwise) for each in ASSUMPTIONS]
    assert [each.id for each in ASSUMPTIONS] == [f"A{number:02}" for number in range(1, len(ASSUMPTIONS) + 1)]


def test_each_place_in_the_code_names_what_it_depends_on() -> None:
    missing = [
        f"{each.id}: {place}"
        for each in ASSUMPTIONS
        for place in each.places
        if not re.search(rf"\b{each.id}\b", (ROOT / place).read_text(encoding="utf-8"))
    ]
    assert missing == []
    without_place = {each.id for each in ASSUMPTIONS if not each.places}
    assert without_place == {"A27", "A30"}, "nothing of ours rests on A27, and only the template on A30"


def test_no_code_names_an_assumption_that_the_table_has_elsewhere() -> None:
    named = {
        (found, path.relative_to(ROOT).as_posix())
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if "operations/prove/" not in path.as_posix()
        for found in re.findall(r"\bA\d\d\b", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 25
    assert named == {(each.id, place) for each in ASSUMPTIONS for place in each.places}


def test_each_assumption_is_judged_or_says_how_to_see_it_by_hand() -> None:
    assert {each.id for each in ASSUMPTIONS if not each.by_hand} == set(judging._JUDGES)
    assert {each.id for each in ASSUMPTIONS if each.by_hand} == {"A29", "A39"}, "what only a person can see"


# -- judging -----------------------------------------------------------------------------------------------------------


def as_assumed() -> Facts:
    """Return the facts of an account in which everything that can be seen holds."""
    values = {name: f"value-of-{name}" for name in RESERVED}
    values |= {"s3BucketArn": "arn:aws:s3:::bucket", "datazoneEnvironmentDomainId": "dzd-1", "datazoneScopeName": "dev"}
    values |= {"datazoneEnvironmentProjectId": "p1", "ProductId": "prod-1", "ProfileName": "regression"}
    moved = Update(wanted="v2", before="v1", after="v2", status="SUCCESSFUL")
    return Facts(
        account="111122223333",
        kind="DISABLED",
        absent_domain="denied",
        listed=True,
        grants_files=True,
        installed=Installed(
            profile_parameters={"ProductId": "prod-1", "ProfileName": "regression", "ProductVersion": "v2"},
            fixed=["ProductId"],
            beside=["Tooling"],
            blueprint_id="b1",
            blueprint_parameters={"ProductId": "prod-1", "ProductVersion": "v2", "TemplateFolder": ""},
            provisioning_role=PROVISIONING,
            owners="ok",
            ever_failed=[str(RoleNotReady(role=PROVISIONING, message="it cannot be assumed"))],
            cut_off={"Blueprint": "StudioStack-Blueprint-1ABC"},
        ),
        domain_key=KEY,
        scratch=Scratch(blueprint_taken=True, configuration="gone", sent_back="kept", second_grant="beside the first"),
        connected=Connected(repository="acme/churn", provider="GitHub", organization="Acme", on_github_com=True),
        going=Going(looks=3, listed=9),
        waiters=Waiters(key="CREATE_COMPLETE", machines={"RepositoryWaiter": "UPDATE_COMPLETE"}),
        workflows=Workflows(
            pipeline="studio-p1-abalone",
            created_by="arn:aws:sts::111122223333:assumed-role/studio-mlops-wf-p1/GitHubActions",
            bucket_key=KEY,
            execution="arn:aws:sagemaker:eu-west-1:111122223333:pipeline/studio-p1-abalone/execution/e1",
            execution_tagged=True,
            steps=4,
            deployed=["AWS::SageMaker::Endpoint"],
        ),
        deployment="SUCCESSFUL",
        stacks={"Tooling": "tags", "MLOps repositories": "tags and parameters"},
        environment=Environment(
            id="e1", status="ACTIVE", parameters=values, outputs={"Empty": ""}, stack_status="CREATE_COMPLETE"
        ),
        launch=Launch(
            id="pp-1",
            status="AVAILABLE",
            stack="arn:stack",
            principal=PRINCIPAL,
            session=PRINCIPAL,
            found_by_id=True,
            tags={judging.LAUNCHED_BY: "blueprint"},
        ),
        workspace=Workspace(named_by="settings", status="InService", location="s3://bucket/dzd-1/p1/dev"),
        told=Told(permitted={"GetProject": True, "ListEnvironments": False, "ListConnections": False}),
        native_event={"metadata.domain": True, "metadata.owningProjectId": True, "data.projectId": False},
        by_hand=ByHand(value="x", principal_before=PRINCIPAL, principal_after=PRINCIPAL, parameter_kept=True),
        update=moved,
        tainted=moved.model_copy(update={"wanted": "v1", "before": "v2", "after": "v1"}),
        deletion="gone",
        ending=Ending(status="DELETING", after="not found"),
    )


def verdicts(facts: Facts) -> dict[str, str]:
    return {finding.assumption.id: finding.verdict for finding in judge(facts, [])}


def test_what_is_as_assumed_holds_and_nothing_seen_is_no_verdict() -> None:
    found = verdicts(as_assumed())
    assert {name for name, verdict in found.items() if verdict == HOLDS} == set(judging._JUDGES)
    assert set(verdicts(Facts()).values()) == {NOT_SEEN}


def failed(facts: Facts, reason: str) -> None:
    """Have the deployment fail before the environment had a stack."""
    facts.reasons, facts.deployment = [reason], "FAILED_DEPLOYMENT"
    facts.environment = facts.launch = facts.told = facts.update = facts.tainted = facts.by_hand = None


def never_assumed(facts: Facts, reason: str) -> None:
    """Have the project's jobs be denied the workflow role: they leave nothing but CloudTrail's record."""
    facts.workflows, facts.recorded = Workflows(), Recorded(not_assumed=reason)


def stack_failed(facts: Facts, reason: str) -> None:
    assert facts.installed
    facts.installed.failures = facts.installed.ever_failed = [reason]


def change(part: str, **values: Any) -> Callable[[Facts], None]:
    """Return what changes members of a part of the facts, of the whole where it is ""."""

    def turn(facts: Facts) -> None:
        target = getattr(facts, part) if part else facts
        for name, value in values.items():
            setattr(target, name, value)

    return turn


def refused(activity: str, message: str) -> str:
    """Return what a function says when DataZone refuses a request."""
    return str(AwsRefused(service="DataZone", activity=activity, message=message, code="ValidationException"))


DENIED = {"service": "DataZone", "message": "User is not permitted"}
TURNED: dict[str, Callable[[Facts], None]] = {
    "A01": change("launch", principal=SOMEBODY),
    "A02": lambda facts: failed(facts, "Parameters: [ProductId] must have values"),
    "A03": lambda facts: facts.environment.parameters.update(userRoleArn="") if facts.environment else None,
    "A04": lambda facts: stack_failed(
        facts, str(DomainUnitNotOwned(activity="creating the blueprint", permission="datazone:CreateX", **DENIED))
    ),
    "A05": change("scratch", configuration="there"),
    "A06": change("scratch", sent_back="environmentConfigurations[0].id is unknown"),
    "A07": change("scratch", second_grant="in place of the first"),
    "A08": lambda facts: stack_failed(facts, refused("configuring the blueprint b1", "Not yet")),
    "A09": change("update", after="v1"),
    "A10": change(
        "", native_event={"metadata.domain": True, "metadata.owningProjectId": False, "data.projectId": False}
    ),
    "A11": change("launch", found_by_id=False),
    "A13": change("", deletion="Cannot delete entity, must delete policies first"),
    "A12": change("connected", provider="GitLab"),
    "A14": change("workflows", execution_tagged=False),
    "A15": lambda facts: failed(facts, "Requested attribute Outputs.BuildTemplateVersion does not exist in schema"),
    "A16": change("", recorded=Recorded(key_denied=f"not authorized to perform: kms:GenerateDataKey on {KEY}")),
    "A17": lambda facts: failed(facts, "Access denied to blueprint template"),
    "A18": change("installed", cut_off={"Blueprint": ""}),
    "A19": change(
        "told",
        permitted={"GetProject": False, "ListEnvironments": False, "ListConnections": False},
    ),
    "A20": change("told", permitted={"GetProject": True, "ListEnvironments": False, "ListConnections": True}),
    "A21": change("launch", principal=""),
    "A22": change("by_hand", principal_after=SOMEBODY),
    "A23": change("workspace", location="s3://bucket/p1/files"),
    "A24": change("workspace", named_by="", status=""),
    "A25": change("", absent_domain="not found"),
    "A26": lambda facts: stack_failed(
        facts, refused("creating the blueprint 'MLOps repositories'", "defaultValue of TemplateFolder is empty")
    ),
    "A27": change("by_hand", parameter_kept=False),
    "A28": change("tainted", after="v2"),
    "A30": change("workflows", step_refused="is not authorized to perform: sagemaker:AddTags on resource: job"),
    "A31": lambda facts: never_assumed(facts, "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
    "A32": change("workflows", deploy_refused="is not authorized to perform: sagemaker:AddTags on resource: model"),
    "A33": change("waiters", refused="is not authorized to perform: kms:Decrypt"),
    "A34": lambda facts: failed(facts, f"Repositories: {NOT_ASSUMED} arn:aws:iam::111122223333:role/launch."),
    "A35": change("going", unnamed=1),
    "A36": change("ending", after="denied"),
    "A37": change("going", late=["BuildRepository"]),
    "A38": change("", stacks={"Tooling": "", "MLOps repositories": "parameters"}),
}


def test_each_that_is_judged_is_turned() -> None:
    assert set(TURNED) == set(judging._JUDGES)


@pytest.mark.parametrize("id_", TURNED)
def test_exactly_what_is_otherwise_is_named(id_: str) -> None:
    facts = as_assumed()
    TURNED[id_](facts)
    found = {name for name, verdict in verdicts(facts).items() if verdict == OTHERWISE}
    assert found == {id_}


@pytest.mark.parametrize(
    ("id_", "turn"),
    [
        ("A07", change("scratch", second_grant="conflict")),
        ("A36", change("ending", status="")),
        ("A31", change("", recorded=Recorded(not_assumed="somebody else's job"))),
        ("A31", change("", workflows=Workflows(), recorded=Recorded(assumed=True, not_assumed="another's"))),
        ("A12", change("connected", provider="GitHubEnterpriseServer", on_github_com=False)),
    ],
)
def test_the_other_way_that_is_assumed_as_well_holds(id_: str, turn: Callable[[Facts], None]) -> None:
    facts = as_assumed()
    turn(facts)
    assert verdicts(facts)[id_] == HOLDS


@pytest.mark.parametrize(
    ("id_", "turn"),
    [
        ("A35", change("going", strangers=["arn:aws:cloudformation:eu-west-1:111122223333:stack/other/1"])),
        ("A36", change("ending", status="ACTIVE")),
        ("A12", change("connected", provider="GitHubEnterpriseServer")),
        ("A32", change("", recorded=Recorded(tagging_denied="not authorized to perform: sagemaker:AddTags on x"))),
        (
            "A37",
            lambda facts: failed(
                facts, str(NotOfItsStack(stack="SC-1", why="the stack does not have a resource StudioProject"))
            ),
        ),
        (
            "A37",
            change(
                "launch",
                message=str(NotOfItsStack(stack="SC-1", why="the stack does not have a resource StudioProject")),
            ),
        ),
    ],
)
def test_another_sign_of_it_is_named_as_well(id_: str, turn: Callable[[Facts], None]) -> None:
    facts = as_assumed()
    turn(facts)
    assert [name for name, verdict in verdicts(facts).items() if verdict == OTHERWISE] == [id_]


@pytest.mark.parametrize(
    ("id_", "turn"),
    [
        ("A31", change("workflows", created_by="arn:aws:sts::111122223333:assumed-role/Administrator/ada")),
        ("A32", change("workflows", created_by="arn:aws:sts::111122223333:assumed-role/Administrator/ada")),
        ("A16", change("workflows", bucket_key="arn:aws:kms:eu-west-1:111122223333:key/another")),
        ("A16", change("", domain_key="")),
        ("A12", change("connected", repository="somebody/churn", provider="GitLab")),
        ("A12", change("", connected=None)),
        ("A33", change("waiters", key="CREATE_IN_PROGRESS")),
        ("A36", change("ending", after="")),
        ("A36", change("told", permitted={"GetProject": False})),
        ("A36", change("ending", after="The function took too long")),
    ],
)
def test_what_something_else_may_be_the_cause_of_is_no_verdict(id_: str, turn: Callable[[Facts], None]) -> None:
    facts = as_assumed()
    turn(facts)
    assert verdicts(facts)[id_] == NOT_SEEN


def test_what_failed_before_a_stack_was_deployed_is_repaired() -> None:
    def told(status: str, kind: str = "Custom::StudioBlueprint") -> dict[str, Any]:
        return {"ResourceType": kind, "ResourceStatus": status}

    def of_stack(status: str) -> dict[str, Any]:
        return told(status, "AWS::CloudFormation::Stack")

    failure = told("UPDATE_FAILED")
    for after, kept in (
        ([], True),
        ([of_stack("UPDATE_COMPLETE")], False),
        ([of_stack("CREATE_COMPLETE")], False),
        ([of_stack("UPDATE_ROLLBACK_COMPLETE")], True),
        ([of_stack("UPDATE_IN_PROGRESS")], True),
        ([told("UPDATE_COMPLETE")], True),
    ):
        events = [*after, failure, of_stack("CREATE_COMPLETE"), told("CREATE_FAILED")]
        assert (failure in since_success(events)) == kept, after
        assert told("CREATE_FAILED") not in since_success(events)


def test_a_creation_that_was_cut_off_is_followed_to_its_deletion() -> None:
    def told(status: str, identifier: str, reason: str = "", kind: str = "Custom::StudioBlueprint") -> dict[str, Any]:
        named = {"LogicalResourceId": "Blueprint", "ResourceType": kind, "PhysicalResourceId": identifier}
        return {**named, "ResourceStatus": status, "ResourceStatusReason": reason}

    failed_then_deleted = [
        told("DELETE_IN_PROGRESS", "StudioStack-Blueprint-1ABC"),
        told("CREATE_FAILED", "", "Resource creation cancelled"),
        told("CREATE_IN_PROGRESS", ""),
    ]
    assert cut_off(failed_then_deleted) == {"Blueprint": "StudioStack-Blueprint-1ABC"}
    assert cut_off([told("DELETE_IN_PROGRESS", "b1"), told("CREATE_FAILED", "b1", "Denied")]) == {}
    assert cut_off([{**each, "ResourceType": "AWS::IAM::Role"} for each in failed_then_deleted]) == {}


def test_what_events_tell_is_looked_for_in_the_list_of_resources() -> None:
    def told(name: str, status: str, second: int) -> dict[str, Any]:
        when = datetime(2026, 11, 1, 12, 0, second, tzinfo=UTC)
        return {"LogicalResourceId": name, "ResourceStatus": status, "ResourceType": "Custom::Lamp", "Timestamp": when}

    stack = {**told("SC-1", "UPDATE_IN_PROGRESS", 5), "ResourceType": "AWS::CloudFormation::Stack"}
    for event, listed, second, alike in (
        ("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", 5, True),
        ("CREATE_IN_PROGRESS", "CREATE_COMPLETE", 6, True),
        ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", 6, True),
        ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", 4, False),
        ("UPDATE_IN_PROGRESS", "CREATE_COMPLETE", 4, False),
        ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", 4, True),
    ):
        events = [stack, told("Lamp", event, 5), told("Lamp", "CREATE_COMPLETE", 1)]
        found = compared(events, [told("Lamp", listed, second)])
        assert found == ((1, []) if alike else (0, ["Lamp"])), (event, listed, second)
    begun = told("Lamp", "CREATE_IN_PROGRESS", 5)
    assert compared([begun], []) == (0, ["Lamp"])
    assert compared([told("Lamp", "DELETE_IN_PROGRESS", 5)], []) == (0, [])
    hundred = [told(f"Lamp{number}", "CREATE_COMPLETE", 1) for number in range(100)]
    assert compared([begun], hundred) == (0, []), "the list ends after a hundred"


def test_a_caller_without_launch_paths_is_named_by_studios_reason() -> None:
    facts = as_assumed()
    failed(facts, "Repositories: No launch paths found for resource: prod-1")
    assert [name for name, verdict in verdicts(facts).items() if verdict == OTHERWISE] == ["A01"]


@pytest.mark.parametrize(
    ("id_", "reason"),
    [
        ("A06", refused("changing the project profile 'regression'", "environmentConfigurations[0].id is unknown")),
        ("A26", refused("creating the blueprint 'MLOps repositories'", "defaultValue of TemplateFolder is empty")),
    ],
)
def test_without_an_owner_studio_stacks_reasons_tell(id_: str, reason: str) -> None:
    facts = as_assumed()
    facts.scratch = None
    stack_failed(facts, reason)
    assert [name for name, verdict in verdicts(facts).items() if verdict == OTHERWISE] == [id_]


@pytest.mark.parametrize(
    ("id_", "reason"), [("A17", "Access denied to blueprint template"), ("A26", "defaultValue must not be empty")]
)
def test_a_blueprint_that_an_owner_cannot_register_tells_why(id_: str, reason: str) -> None:
    facts = as_assumed()
    facts.scratch = Scratch(blueprint_refused=refused("create environment blueprint", reason))
    assert [name for name, verdict in verdicts(facts).items() if verdict == OTHERWISE] == [id_]


def test_a_function_that_fails_otherwise_tells_nothing_about_who_may_read() -> None:
    facts = as_assumed()
    facts.told = Told(failure="Neither Studio nor the SageMaker domain names a role of the project p1.")
    found = verdicts(facts)
    assert (found["A19"], found["A20"]) == (NOT_SEEN, NOT_SEEN)


# -- the end -----------------------------------------------------------------------------------------------------------


def not_found() -> dict[str, Any]:
    """Return what the function studio-project answers about a project that is gone."""
    failure = {"errorType": "ProjectNotFound", "errorMessage": str(ProjectNotFound(activity="reading"))}
    return {"Payload": io.BytesIO(json.dumps(failure).encode())}


class Answers:
    """AWS with the answers of a story: by operation, the next each time, the last one for good."""

    def __init__(self, **answers: list[Any]) -> None:
        self.pause, self.asked, self._answers = 0.0, list[str](), answers

    def ask(self, service: object, operation: str, *_: object, **__: object) -> Any:
        self.asked.append(operation)
        several = self._answers.get(operation, [not_found() if operation == "invoke" else {}])
        answer = several.pop(0) if len(several) > 1 else several[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def pages(self, service: object, operation: str, key: str, **_: object) -> Any:
        return self.ask(service, operation)

    @contextmanager
    def about(self, *_: str) -> Iterator[None]:
        yield


GONE = AwsNotFound(service="DataZone", activity="get project", message="gone")
STUCK = {"projectStatus": "DELETE_FAILED", "failureReasons": [{"message": "must delete policies first"}]}


def proof_of(aws: Answers, **state: Any) -> Proof:
    made = State(run="r", domain="dzd-1", profile="regression", project_name="prove-r", **state)
    made.facts.launch = as_assumed().launch
    return Proof(cast("Aws", aws), made, cast("Settings", SimpleNamespace(prefix="studio-mlops")), lambda _: None)


def test_a_project_that_studio_cannot_delete_is_deleted_after_its_launch() -> None:
    aws = Answers(
        get_project=[{"projectStatus": "DELETING"}, STUCK, GONE],
        describe_provisioned_product=[GONE],
        list_projects=[[]],
    )
    proof = proof_of(aws, project="p1")
    changes.delete(proof)
    assert "terminate_provisioned_product" in aws.asked
    assert proof.facts.deletion == "must delete policies first"
    assert proof.state.left == ""


def test_a_project_that_stays_is_named() -> None:
    proof = proof_of(Answers(get_project=[STUCK], describe_provisioned_product=[GONE]), project="p1")
    changes.delete(proof)
    assert proof.state.left == "p1"


def test_a_project_is_deleted_whose_creation_was_interrupted() -> None:
    there = [{"id": "p1", "name": "prove-r"}]
    aws = Answers(list_projects=[there, []], get_project=[GONE], describe_provisioned_product=[GONE])
    proof = proof_of(aws)
    changes.delete(proof)
    assert "delete_project" in aws.asked
    assert proof.facts.deletion == "gone"
    assert proof.facts.ending == Ending(after="not found")


@pytest.mark.parametrize(
    ("said", "after"),
    [
        ('{"GetProject": false}', "denied"),
        ('{"GetProject": true}', "answered"),
        ('{"errorType": "TooSlow", "errorMessage": "It took too long."}', "It took too long."),
    ],
)
def test_what_the_function_is_answered_after_the_deletion_is_remembered(said: str, after: str) -> None:
    leaving = {"projectStatus": "DELETING"}
    aws = Answers(
        invoke=[{"Payload": io.BytesIO(said.encode())}],
        get_project=[{"projectStatus": "ACTIVE"}, leaving, GONE],
        describe_provisioned_product=[GONE],
        list_projects=[[]],
    )
    proof = proof_of(aws, project="p1")
    changes.delete(proof)
    assert proof.facts.ending == Ending(status="DELETING", after=after)


@pytest.mark.parametrize(("then", "late"), [("DELETE_COMPLETE", []), ("CREATE_IN_PROGRESS", ["Lamp"])])
def test_what_is_deleted_between_two_looks_is_not_told_late(then: str, late: list[str]) -> None:
    event = {"LogicalResourceId": "Lamp", "ResourceType": "Custom::Lamp", "ResourceStatus": "CREATE_IN_PROGRESS"}
    answers = [[event], [{**event, "ResourceStatus": then}]]
    aws = Answers(
        search_provisioned_products=[{"ProvisionedProducts": [launch_under_change()]}],
        describe_stack_events=[{"StackEvents": each} for each in answers],
        describe_stack_resources=[{"StackResources": []}],
    )
    proof = proof_of(aws, project="p1")
    watching.launch_under_way(proof)
    assert (proof.facts.going.looks, proof.facts.going.late) == (1, late)


def launch_under_change() -> dict[str, str]:
    """Return a launch as the search tells of it while it goes on."""
    return {"Id": "pp-1", "Status": "UNDER_CHANGE", "PhysicalId": "arn:stack/SC-1-pp-1", "UserArn": SOMEBODY}


@pytest.mark.parametrize("state", [{"given": True, "project": "p1"}, {"project_name": ""}])
def test_nothing_is_deleted_that_was_not_made(state: dict[str, Any]) -> None:
    aws = Answers()
    proof = proof_of(aws)
    proof.state = proof.state.model_copy(update=state)
    changes.delete(proof)
    assert aws.asked == []


# -- the report --------------------------------------------------------------------------------------------------------


def test_the_report_says_what_to_do_with_evidence() -> None:
    facts = as_assumed()
    facts.absent_domain = "not found"
    call = Call(service="DataZone", operation="GetDomain", request_id="r-1", status=404, code="X", about=("A25",))
    state = State(
        run="r", domain="dzd-1", profile="a|b", facts=facts, calls=[call], left="p1", problems={"told": "No."}
    )
    findings = judge(facts, state.calls)
    text = report.markdown(state, findings, "It was interrupted.")
    assert f"What to do: {BY_ID['A25'].otherwise}." in text
    assert "- A25: DataZone GetDomain 404 X `r-1`" in text
    assert "The project p1 could not be deleted" in text
    assert "It was interrupted." in text
    assert "- told: No." in text
    told = report.document(state, findings, "")
    assert told["otherwise"] == ["A25"]
    assert sum(told["counts"].values()) == len(ASSUMPTIONS)
    json.dumps(told)


def test_of_many_calls_alike_the_first_and_the_last_are_kept() -> None:
    state = State(run="r", domain="dzd-1", profile="p")
    call = Call(service="DataZone", operation="GetProject", request_id="", status=200, about=("A13",))
    for number in range(20):
        state.note(call.model_copy(update={"request_id": str(number)}))
    state.note(call.model_copy(update={"request_id": "denied", "status": 403}))
    state.note(call.model_copy(update={"request_id": "idle", "about": ()}))
    assert [each.request_id for each in state.calls] == ["0", "1", "2", "19", "denied"]


# -- the command -------------------------------------------------------------------------------------------------------


def test_without_a_domain_it_says_how_to_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert command_line.main(["prove", "--output", str(tmp_path)]) == 1
    assert "Add the option --domain." in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "{", '{"processes": {}}'])
def test_a_local_run_that_is_not_up_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    monkeypatch.setenv("LOCAL_HOME", str(tmp_path))
    if content is not None:
        (tmp_path / "state.json").write_text(content, encoding="utf-8")
    assert command_line.main(["prove", "--on-local", "--output", str(tmp_path / "out")]) == 1
    assert "studio create-project" in capsys.readouterr().err


def test_a_file_that_is_no_state_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state.json").write_text('{"mine": 1}', encoding="utf-8")
    assert command_line.main(["prove", "--on-local", "--output", str(tmp_path)]) == 1
    assert "is not the state of a proof" in capsys.readouterr().err
    assert (tmp_path / "state.json").read_text(encoding="utf-8") == '{"mine": 1}'


# -- the outcome -------------------------------------------------------------------------------------------------------

NAMED_IN = ("metadata.domain", "metadata.owningProjectId", "data.projectId")


@pytest.mark.parametrize(
    ("turned", "left", "code"),
    [
        (change("", answers={"A29": False}), "", 1),
        (change("", native_event=dict.fromkeys(NAMED_IN, False)), "p1", 1),
        (change("", deployment="FAILED_DEPLOYMENT", reasons=["No launch paths found"]), "", 3),
        (change("", deployment="SUCCESSFUL", deletion="must delete policies first", grants_files=True), "p1", 3),
        (change("", deployment="SUCCESSFUL", answers={"A29": False}), "p1", 1),
        (change("", deployment="SUCCESSFUL", answers={"A29": False}), "", 3),
        (change("", deployment="SUCCESSFUL"), "", 0),
        (change("", deployment="SUCCESSFUL", launch=Launch(id="pp-1", status="ERROR", message="No space")), "", 1),
    ],
)
def test_what_is_otherwise_hides_no_failure_that_it_does_not_explain(
    tmp_path: Path, turned: Callable[[Facts], None], left: str, code: int
) -> None:
    steps = [step.__name__ for step in running._STEPS]
    proof = proof_of(Answers(), project="p1", keep=True, left=left, done=steps)
    proof.facts.launch, proof.facts.deployment = None, "FAILED_DEPLOYMENT"
    turned(proof.facts)
    outcome = running.run(proof, tmp_path)
    assert outcome.code == code
    assert bool(outcome.failure) == (code == 1)


# -- what only a person can see ----------------------------------------------------------------------------------------


def test_a_persons_answer_is_the_verdict_on_what_only_a_person_can_see() -> None:
    for id_ in ("A29", "A39"):
        for answer, verdict in ((True, HOLDS), (False, OTHERWISE)):
            assert verdicts(Facts(answers={id_: answer}))[id_] == verdict
        for way in ("yes", "no"):
            assert f"`--answer {id_}={way}`" in BY_ID[id_].judged, "it says how to record the answer"


@pytest.mark.parametrize("answer", ["A29", "A29=", "A29=perhaps", "A01=yes", "=yes", "a29=yes"])
def test_an_answer_that_is_none_is_refused_before_anything_is_asked(
    answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["prove", "--answer", answer])
    assert ended.value.code == 2
    assert "is not one of A29, A39 with =yes or =no" in capsys.readouterr().err
