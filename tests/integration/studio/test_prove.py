"""`operations prove` on the local run: everything holds, and each assumption that is turned around is named.

One proof is made from beginning to end and its project kept. Where an assumption is about reading, the stand-in is
turned around and the same project looked at again; where it is about updates, those steps are taken again.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from custom_resources.errors import AwsRefused, RoleNotReady
from local import assembly, ministack, versions
from local import run as runs
from local.home import SOURCE
from operations import command_line
from operations.prove import looking
from operations.prove.assumptions import BY_ID
from operations.prove.facts import State
from tests.integration.studio.conftest import FIRST_DOOR, SECOND_DOOR, Installation, eventually, quiet
from tests.sharing import forget_spent_budget

# A whole proof on MiniStack; each assumption is turned around without it in tests/operations/test_prove.py, too.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.shares("prove", seconds=90)]

OTHER_ROLE = "somebody-elses-role"
HELD = {
    *("A01", "A02", "A03", "A04", "A05", "A06", "A07", "A09", "A10", "A11", "A17"),
    *("A19", "A20", "A21", "A22", "A23", "A24", "A25", "A26", "A27", "A28"),
    *("A33", "A34", "A35", "A37", "A38"),
}
# Seen of a project whose workflows have run.
BY_WORKFLOWS = {"A14", "A30", "A31", "A32"}
Report = dict[str, Any]


@dataclass
class Proven:
    """The proof that found everything as assumed; its project is kept."""

    installation: Installation
    folder: Path
    code: int
    report: Report

    @property
    def state(self) -> State:
        found = State.read(self.folder)
        assert found
        return found

    @property
    def project(self) -> str:
        return self.state.project

    def prove(self, folder: Path, *more: str) -> tuple[int, Report]:
        """Run the command."""
        forget_spent_budget(self.installation.run.home)
        role = f"arn:aws:iam::{ministack.ACCOUNT}:role/{self.installation.portfolio_principal()}"
        arguments = ["prove", "--on-local", "--domain", self.installation.domain, "--profile", FIRST_DOOR]
        code = command_line.main([*arguments, "--launch-role", role, "--output", str(folder), *more])
        return code, json.loads((folder / "report.json").read_text(encoding="utf-8"))

    def again(self, folder: Path, *steps: str, keep: bool = True) -> tuple[int, Report]:
        """Take steps again with the kept project, as a proof that was stopped before them goes on."""
        state = self.state.model_copy(deep=True)
        if {"by_hand", "update"} & set(steps):
            now = self.installation.outputs(self.project)["BuildTemplateVersion"]
            state.facts.versions = [now, next(name for name in state.facts.versions if name != now)]
            state.facts.chosen = now
        state.run, state.keep, state.ended = uuid.uuid4().hex[:12], keep, False
        state.done = [name for name in state.done if name not in steps]
        folder.mkdir(exist_ok=True)
        state.save(folder)
        return self.prove(folder, "--resume")

    @contextmanager
    def turned(self, control: str, **turned: Any) -> Iterator[None]:
        """Have the stand-in behave the other way."""
        stand_in = self.installation.run.standin_aws
        of_one = control == "rules" and "absentDomain" not in turned
        of_domain = {"domainId": self.installation.domain} if of_one else {}
        straight = {name: STRAIGHT[name] for name in turned}
        stand_in.call("POST", control, {**of_domain, **turned})
        try:
            yield
        finally:
            stand_in.call("POST", control, {**of_domain, **straight})


STRAIGHT: dict[str, Any] = {
    "environmentsActAs": "",
    "overridesReach": True,
    "templatesReadable": True,
    "configurationsGo": True,
    "idsSentBack": True,
    "templatesOfCallers": True,
    "emptyDefaults": True,
    "updatesRedeploy": True,
    "filesAt": "{domain}/{project}/{scope}",
    "leftOut": [],
    "nonMembersRead": True,
    "ownersWrite": True,
    "strict": True,
    "absentDomain": 403,
    "enabled": True,
    "namesProject": True,
    "updatesNameTheUpdater": False,
    "searchesIds": True,
    "updatesTainted": True,
    "keepsParameters": True,
    "secondGrants": "added",
    "toolingTagged": True,
    "userArns": True,
    "late": 0,
    "emptied": [],
    "tellsEmpty": True,
    "sourceAccount": "own",
    "absentInDomain": 404,
}


@pytest.fixture(scope="module")
def proven(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proven]:
    """Prove everything, once; the project is kept for the other tests, and deleted after them."""
    with_two_versions(installation, tmp_path_factory.mktemp("content"))
    with pytest.MonkeyPatch.context() as patch, ExitStack() as after:
        patch.setenv("LOCAL_HOME", str(installation.run.home.path))
        installation.run.standin_aws.call("POST", "launches", {"keepsParameters": True})
        after.callback(installation.run.standin_aws.call, "POST", "launches", {"keepsParameters": False})
        found = Proven(installation, tmp_path_factory.mktemp("prove"), 1, {})
        found.code, found.report = found.prove(found.folder, "--keep", "--as-owner")
        yield found
        if installation.launch(found.project):
            installation.delete(found.project)


def with_two_versions(installation: Installation, folder: Path) -> None:
    """Publish and deploy a second version, unless there is one."""
    if len(list(installation.run.assembly.product_templates())) > 1:
        return
    content = folder / "templates"
    shutil.copytree(SOURCE / "templates", content)
    readme = content / "regression" / "model_build" / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "One line more.\n", encoding="utf-8")
    versions.publish(installation.run.home, versions.Source(str(content), folder="."), "")
    installation.run = runs.up(installation.run.home, quiet())


def verdicts(report: Report) -> dict[str, str]:
    return {item["id"]: item["verdict"] for item in report["assumptions"]}


def test_everything_that_can_be_seen_here_holds(proven: Proven) -> None:
    assert proven.code == 0, proven.report
    assert {name for name, verdict in verdicts(proven.report).items() if verdict == "holds"} == HELD
    assert proven.report["otherwise"] == []
    assert proven.report["steps"]["problems"] == {}
    with_evidence = {item["id"] for item in proven.report["assumptions"] if item["evidence"]}
    assert with_evidence >= HELD
    calls = [call for item in proven.report["assumptions"] for call in item["evidence"]]
    assert all(call["request_id"] for call in calls)


def test_what_is_written_holds_no_secret(proven: Proven) -> None:
    token = proven.installation.run.token()
    for file in proven.folder.iterdir():
        text = file.read_text(encoding="utf-8")
        assert not any(word in text for word in (token, "SessionToken", "SecretAccessKey", "secret_access_key"))
    assert "| A30 | could not be seen |" in (proven.folder / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("id_", "control", "turned"),
    [
        ("A11", "launches", {"searchesIds": False}),
        ("A19", "rules", {"nonMembersRead": False}),
        ("A20", "rules", {"strict": False}),
        ("A25", "rules", {"absentDomain": 404}),
    ],
)
def test_what_is_read_otherwise_is_named(
    proven: Proven, tmp_path: Path, id_: str, control: str, turned: dict[str, Any]
) -> None:
    with proven.turned(control, **turned):
        code, report = proven.prove(tmp_path, "--project", proven.project)
    assert (code, report["otherwise"]) == (3, [id_])
    assert proven.installation.available(proven.project), "a project that was given stays as it is"


@pytest.mark.parametrize(
    ("id_", "turned"),
    [
        ("A05", {"configurationsGo": False}),
        ("A06", {"idsSentBack": False}),
        ("A07", {"secondGrants": "replaces"}),
        ("A17", {"templatesOfCallers": False}),
        ("A26", {"emptyDefaults": False}),
    ],
)
def test_what_an_owner_is_refused_is_named_and_nothing_is_left(
    proven: Proven, tmp_path: Path, id_: str, turned: dict[str, Any]
) -> None:
    installation = proven.installation
    before = blueprints_and_profiles(installation)
    with proven.turned("rules", **turned):
        code, report = proven.prove(tmp_path, "--project", proven.project, "--as-owner")
    assert (code, report["otherwise"]) == (3, [id_])
    assert blueprints_and_profiles(installation) == before


def blueprints_and_profiles(installation: Installation) -> list[str]:
    found = []
    for kind in ("environment_blueprints", "project_profiles"):
        pages = installation.datazone.get_paginator(f"list_{kind}").paginate(domainIdentifier=installation.domain)
        found += [item["name"] for page in pages for item in page["items"]]
    root = installation.datazone.get_domain(identifier=installation.domain)["rootDomainUnitId"]
    units = installation.datazone.list_domain_units_for_parent(
        domainIdentifier=installation.domain, parentDomainUnitIdentifier=root
    )
    return sorted([*found, *(item["name"] for item in units["items"])])


def test_a_second_grant_that_is_a_conflict_is_what_is_assumed_as_well(proven: Proven, tmp_path: Path) -> None:
    with proven.turned("rules", secondGrants="conflict"):
        code, report = proven.prove(tmp_path, "--project", proven.project, "--as-owner")
    assert (code, verdicts(report)["A07"]) == (0, "holds")


PLACE = {"account": ministack.ACCOUNT, "region": ministack.REGION}


@contextmanager
def recorded(proven: Proven, control: str, events: list[dict[str, Any]], **where: str) -> Iterator[None]:
    """Have CloudFormation or CloudTrail tell of events that were once recorded."""
    stand_in = proven.installation.run.standin_aws
    stand_in.call("POST", control, {**PLACE, **where, "events": events})
    try:
        yield
    finally:
        stand_in.call("POST", control, {**PLACE, **where, "events": []})


def cut_off(identifier: str) -> list[dict[str, Any]]:
    """Return the events of a blueprint whose creation was cut off, and which was deleted under this id."""
    about = {"logicalId": "Blueprint", "type": "Custom::StudioBlueprint"}
    return [
        {**about, "status": "CREATE_FAILED", "reason": "Resource creation cancelled"},
        {**about, "status": "DELETE_IN_PROGRESS", "physicalId": identifier},
    ]


def not_made(reason: str) -> list[dict[str, Any]]:
    """Return the event of a blueprint that could not be made."""
    return [{**cut_off("")[0], "reason": reason}]


NOT_READY = RoleNotReady(role="provisioning", message="DataZone cannot assume the role")
NO_WORD = AwsRefused(service="DataZone", activity="configuring the blueprint b1", message="Not yet", code="Validation")
UNDECRYPTED = "User: arn:aws:iam::1:role/deployer is not authorized to perform: kms:Decrypt on this resource"
WAITER = {"logicalId": "RepositoryWaiter", "type": "AWS::StepFunctions::StateMachine", "status": "CREATE_FAILED"}


@pytest.mark.parametrize(
    ("id_", "events", "verdict"),
    [
        ("A08", not_made(str(NO_WORD)), "is otherwise"),
        ("A08", not_made(str(NOT_READY)), "holds"),
        ("A18", cut_off("some-id-of-the-blueprint"), "is otherwise"),
        ("A18", cut_off("StudioStack-Blueprint-1ABC2DEF"), "holds"),
        ("A33", [{**WAITER, "reason": UNDECRYPTED}], "is otherwise"),
    ],
)
def test_what_once_happened_to_a_stack_is_looked_at(
    proven: Proven, tmp_path: Path, id_: str, events: list[dict[str, Any]], verdict: str
) -> None:
    stack = "FoundationStack" if id_ == "A33" else "StudioStack"
    with recorded(proven, "stack-history", events, stack=stack):
        code, report = proven.prove(tmp_path, "--project", proven.project)
    assert (verdicts(report)[id_], code) == (verdict, 0 if verdict == "holds" else 3)
    assert report["otherwise"] == ([] if verdict == "holds" else [id_])


def test_owners_who_may_not_write_are_named_until_studio_stack_is_deployed(proven: Proven, tmp_path: Path) -> None:
    """Its failure names the command that makes them owners, which they are."""
    installation = proven.installation
    with proven.turned("rules", ownersWrite=False):
        assert redeployed(installation, "Denied") == "UPDATE_ROLLBACK_COMPLETE"
        code, report = proven.prove(tmp_path / "denied", "--project", proven.project)
    assert (code, report["otherwise"]) == (3, ["A04"])
    (seen,) = [item["seen"] for item in report["assumptions"] if item["id"] == "A04"]
    assert "aws datazone add-entity-owner --domain-identifier" in seen
    assert redeployed(installation, "Permitted") == "UPDATE_COMPLETE"
    code, report = proven.prove(tmp_path / "repaired", "--project", proven.project)
    assert (code, verdicts(report)["A04"]) == (0, "holds")


def redeployed(installation: Installation, description: str) -> str:
    """Update StudioStack with another description of the blueprint; return the status that this ends in."""
    run = installation.run
    template = run.assembly.template(assembly.STUDIO)
    for resource in template["Resources"].values():
        if resource["Type"] == "Custom::StudioBlueprint":
            resource["Properties"]["Description"] = description
    bucket, key = assembly.bucket(run.cloud), f"described-{uuid.uuid4().hex}.json"
    run.cloud.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(template).encode())
    installation.client("cloudformation").update_stack(
        StackName=assembly.STUDIO,
        TemplateURL=assembly.template_url(run.cloud, key),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )

    def ended() -> str:
        found = installation.client("cloudformation").describe_stacks(StackName=assembly.STUDIO)["Stacks"][0]
        status = str(found["StackStatus"])
        return "" if status.endswith("_IN_PROGRESS") else status

    return eventually(ended)


def of_workflows(project: str, name: str, **more: Any) -> dict[str, Any]:
    """Return CloudTrail's record of a call that the workflow role made, or that a job made to have it."""
    role = f"arn:aws:iam::{ministack.ACCOUNT}:role/studio-mlops-wf-{project}"
    if name == "AssumeRoleWithWebIdentity":
        return {"eventName": name, "requestParameters": {"roleArn": role}, **more}
    return {"eventName": name, "userIdentity": {"sessionContext": {"sessionIssuer": {"arn": role}}}, **more}


NOT_TRUSTED = {"errorCode": "AccessDenied", "errorMessage": "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
NOT_TAGGED = {"errorCode": "AccessDeniedException", "errorMessage": "not authorized to perform: sagemaker:AddTags"}


@pytest.mark.parametrize(
    ("id_", "events", "verdict"),
    [
        ("A31", [("AssumeRoleWithWebIdentity", NOT_TRUSTED)], "is otherwise"),
        ("A31", [("AssumeRoleWithWebIdentity", {"requestParameters": None, **NOT_TRUSTED})], "could not be seen"),
        ("A31", [("AssumeRoleWithWebIdentity", {}), ("AssumeRoleWithWebIdentity", NOT_TRUSTED)], "holds"),
        ("A32", [("AssumeRoleWithWebIdentity", {}), ("CreateModel", NOT_TAGGED)], "is otherwise"),
    ],
)
def test_what_workflows_were_denied_is_read_in_cloudtrails_history(
    proven: Proven, tmp_path: Path, id_: str, events: list[tuple[str, dict[str, Any]]], verdict: str
) -> None:
    told = [of_workflows(proven.project, name, **more) for name, more in events]
    with recorded(proven, "trail", told):
        code, report = proven.prove(tmp_path, "--project", proven.project)
    assert (verdicts(report)[id_], code) == (verdict, 3 if verdict == "is otherwise" else 0)
    assert report["otherwise"] == ([id_] if verdict == "is otherwise" else [])


@pytest.mark.parametrize(
    ("left", "otherwise"),
    [({}, []), ({"executionsTagged": False}, ["A14"]), ({"jobsTagged": False}, ["A30"])],
)
def test_what_a_projects_workflows_have_left_is_looked_at(
    proven: Proven, tmp_path: Path, left: dict[str, Any], otherwise: list[str]
) -> None:
    role = f"arn:aws:sts::{ministack.ACCOUNT}:assumed-role/studio-mlops-wf-{proven.project}/GitHubActions"
    made = {"projectId": proven.project, "createdBy": role, **PLACE}
    proven.installation.run.standin_aws.call("POST", "pipelines", {**made, **left})
    code, report = proven.prove(tmp_path, "--project", proven.project)
    assert (code, report["otherwise"]) == (3 if otherwise else 0, otherwise)
    held = {name for name, verdict in verdicts(report).items() if verdict == "holds"}
    assert held >= BY_WORKFLOWS - set(otherwise)


@pytest.mark.parametrize(
    ("id_", "control", "turned"),
    [
        ("A03", "rules", {"leftOut": ["userRoleArn", "datazoneEnvironmentProjectName"]}),
        ("A10", "events", {"enabled": True, "namesProject": False}),
        ("A21", "reserved-tags", {"enabled": False}),
        ("A23", "rules", {"filesAt": "{project}/files"}),
        ("A38", "rules", {"toolingTagged": False}),
        ("A24", "rules", {"leftOut": ["UnifiedStudioSettings", "AmazonDataZoneProject"]}),
    ],
)
def test_a_launch_works_where_studio_does_otherwise_and_it_is_named(
    proven: Proven, tmp_path: Path, id_: str, control: str, turned: dict[str, Any]
) -> None:
    installation = proven.installation
    with proven.turned(control, **turned):
        project = installation.create(f"otherwise {id_}")
        installation.deployed(project)
        if id_ == "A10":
            eventually(lambda: told_of_deployment(installation, project))
        code, report = proven.prove(tmp_path, "--project", project)
    assert (code, report["otherwise"]) == (3, [id_])
    assert installation.outputs(project)["BuildRepositoryUrl"]
    assert f"## {id_} is otherwise" in (tmp_path / "report.md").read_text(encoding="utf-8")
    installation.datazone.delete_project(domainIdentifier=installation.domain, identifier=project)


def told_of_deployment(installation: Installation, project: str) -> bool:
    """Tell whether Studio's own event about the project has come to the state machine."""
    inputs = (item["input"] for item in installation.executions().values() if project in json.dumps(item["input"]))
    return any(each.get("detail-type") == looking.NATIVE_EVENT for each in inputs)


@pytest.mark.parametrize(
    ("id_", "turned", "sentence"),
    [
        ("A01", {"environmentsActAs": f"arn:aws:iam::{ministack.ACCOUNT}:role/{OTHER_ROLE}"}, "No launch paths found"),
        ("A02", {"overridesReach": False}, "ProductId"),
        (
            "A15",
            {"emptied": ["BuildTemplateVersion"], "tellsEmpty": False},
            "Requested attribute Outputs.BuildTemplateVersion does not exist",
        ),
        ("A17", {"templatesReadable": False}, "Access denied to blueprint template"),
    ],
)
def test_a_launch_that_cannot_work_says_which_assumption_it_is(
    proven: Proven, tmp_path: Path, id_: str, turned: dict[str, Any], sentence: str
) -> None:
    trust_datazone(proven.installation)
    with proven.turned("launches" if "tellsEmpty" in turned else "rules", **turned):
        code, report = proven.prove(tmp_path)
    assert (code, report["otherwise"]) == (3, [id_])
    (found,) = [item for item in report["assumptions"] if item["id"] == id_]
    assert sentence in found["seen"]
    assert sentence in BY_ID[id_].otherwise, "the table tells what to do about this sentence"
    assert report["left"] == ""
    assert is_gone(proven.installation, report["project"])


@pytest.mark.parametrize(
    ("id_", "turned", "sentence"),
    [
        ("A34", ("launches", "sourceAccount", "another"), "Access denied while assuming the role"),
        ("A37", ("stacks", "late", 600), "The request does not belong to the stack"),
    ],
)
def test_a_launch_that_cannot_be_undone_before_it_is_repaired_says_which_assumption_it_is(
    proven: Proven, tmp_path: Path, id_: str, turned: tuple[str, str, object], sentence: str
) -> None:
    """Nothing of ours can be deleted either, as long as it is so."""
    installation = proven.installation
    control, name, value = turned
    with proven.turned(control, **{name: value}):
        code, report = proven.prove(tmp_path, "--keep")
    assert (code, report["otherwise"]) == (3, [id_])
    (found,) = [item for item in report["assumptions"] if item["id"] == id_]
    assert sentence in found["seen"]
    assert sentence in BY_ID[id_].otherwise, "the table tells what to do about this sentence"
    project = report["project"]
    if installation.launch(project):
        principal = installation.client_as(installation.portfolio_principal(), "servicecatalog")
        principal.terminate_provisioned_product(
            ProvisionedProductName=f"studio-{project}", TerminateToken=f"end-{project}", IgnoreErrors=True
        )
        eventually(lambda: installation.launch(project) is None)
    installation.datazone.delete_project(domainIdentifier=installation.domain, identifier=project)
    eventually(lambda: is_gone(installation, project))


def test_a_repository_that_is_connected_elsewhere_is_named(proven: Proven, tmp_path: Path) -> None:
    installation = proven.installation
    made = {"name": "connected", **PLACE}
    arn = installation.run.standin_aws.call("POST", "git-connections", {**made, "provider": "GitHub"})["arn"]
    given = {"gitConnectionArn": arn, "gitFullRepositoryId": f"{runs.ORGANIZATION}/connected"}
    parameters = [{"name": name, "value": value} for name, value in given.items()]
    with proven.turned("launches", emptied=["BuildTemplateVersion"]):
        project = installation.create(
            "connected",
            userParameters=[{"environmentConfigurationName": "Tooling", "environmentParameters": parameters}],
        )
        installation.deployed(project)
    code, report = proven.prove(tmp_path, "--project", project)
    assert (code, verdicts(report)["A12"]) == (0, "holds")
    assert verdicts(report)["A15"] == "holds", "an output that is empty has reached the environment's stack"
    installation.run.standin_aws.call("POST", "git-connections", {**made, "provider": "GitLab"})
    code, report = proven.prove(tmp_path / "otherwise", "--project", project)
    assert (code, report["otherwise"]) == (3, ["A12"])
    installation.datazone.delete_project(domainIdentifier=installation.domain, identifier=project)


def trust_datazone(installation: Installation) -> None:
    """Make the role, if it is not there: Studio may deploy with it, and it is no principal of the portfolio."""
    iam = installation.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "datazone.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
    if OTHER_ROLE not in {role["RoleName"] for role in iam.list_roles()["Roles"]}:
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName=OTHER_ROLE, AssumeRolePolicyDocument=document)


def is_gone(installation: Installation, project: str) -> bool:
    listed = installation.datazone.list_projects(domainIdentifier=installation.domain)["items"]
    return project not in {item["id"] for item in listed} and installation.launch(project) is None


@pytest.mark.parametrize(
    ("id_", "turned", "steps"),
    [
        ("", ("launches", "sourceAccount", "absent"), ["by_hand"]),
        ("A35", ("reserved-tags", "userArns", False), ["by_hand"]),
        ("A37", ("stacks", "late", 6), ["by_hand"]),
        ("A22", ("reserved-tags", "updatesNameTheUpdater", True), ["by_hand"]),
        ("A27", ("launches", "keepsParameters", False), ["by_hand", "update"]),
        ("A09", ("rules", "updatesRedeploy", False), ["update"]),
    ],
)
def test_an_update_that_does_otherwise_is_named_and_the_launch_stays(
    proven: Proven, tmp_path: Path, id_: str, turned: tuple[str, str, object], steps: list[str]
) -> None:
    control, name, value = turned
    with proven.turned(control, **{name: value}):
        code, report = proven.again(tmp_path, *steps)
    assert (code, report["otherwise"]) == ((3, [id_]) if id_ else (0, []))
    assert proven.installation.available(proven.project)


def test_an_interrupted_proof_leaves_nothing_and_goes_on_with_another_project(
    proven: Proven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the second door, which is proven as far as it goes."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(looking, "_named", interrupted)
        code, first = proven.prove(tmp_path, "--profile", SECOND_DOOR)
    assert code == 1
    assert first["failure"] == "It was interrupted."
    assert is_gone(proven.installation, first["project"])
    code, _ = proven.prove(tmp_path)
    assert code == 1, "a folder with a proof that has not ended is not overwritten"
    code, report = proven.prove(tmp_path, "--resume")
    assert (code, report["otherwise"]) == (0, [])
    held = {name for name, verdict in verdicts(report).items() if verdict == "holds"}
    of_both = {"A10", "A11", "A19", "A20", "A21", "A22", "A24", "A25", "A33", "A34", "A35", "A36", "A37", "A38"}
    assert held == of_both
    assert report["project"] != first["project"]
    assert is_gone(proven.installation, report["project"])
    code, _ = proven.prove(tmp_path, "--resume")
    assert code == 1, "a proof that has ended does not go on"


def test_a_project_that_is_denied_when_it_is_gone_is_named(proven: Proven, tmp_path: Path) -> None:
    """Through the second door, whose state machine asks for it."""
    with proven.turned("rules", absentInDomain=403):
        code, report = proven.prove(tmp_path, "--profile", SECOND_DOOR)
    assert (code, report["otherwise"]) == (3, ["A36"])
    assert report["left"] == ""
    assert is_gone(proven.installation, report["project"])


def test_a_tainted_launch_that_cannot_be_updated_is_named(proven: Proven, tmp_path: Path) -> None:
    with proven.turned("launches", updatesTainted=False):
        code, report = proven.again(tmp_path, "update", "tainted")
    assert (code, report["otherwise"]) == (3, ["A28"])


def test_a_policy_that_stays_on_the_projects_role_is_named_until_it_goes(proven: Proven, tmp_path: Path) -> None:
    """The last one: it deletes the project that the others look at, with its tainted launch."""
    installation = proven.installation
    settings = installation.run.home.settings
    before = settings.read_text(encoding="utf-8")
    environment = proven.state.facts.environment
    assert environment
    role = environment.parameters["userRoleArn"].rpartition("/")[2]
    iam, policy = installation.client("iam"), {"RoleName": role, "PolicyName": f"files-of-{proven.project}"}
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    iam.put_role_policy(**policy, PolicyDocument=json.dumps(document))
    settings.write_text(before.replace("grant_execution_role_files = false", "grant_execution_role_files = true"))
    try:
        code, report = proven.again(tmp_path / "stays", "account", keep=False)
        assert (code, report["otherwise"], report["left"]) == (3, ["A13"], proven.project)
        iam.delete_role_policy(**policy)
        code, report = proven.again(tmp_path / "goes", "account", keep=False)
        assert (code, verdicts(report)["A13"]) == (0, "holds")
    finally:
        settings.write_text(before, encoding="utf-8")
    assert is_gone(installation, proven.project)
