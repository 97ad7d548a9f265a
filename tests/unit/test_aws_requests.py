"""What each method of the AWS clients sends, makes of the answer, and says of a refusal: a golden file.

The answers are made from the services' own models: one with every field, one with those only that a service promises,
and each way to refuse. `GOLDEN=write` writes the file; its difference is read like code.
"""

from __future__ import annotations

import datetime
import inspect
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from custom_resources.clients.archives import Archives
from custom_resources.clients.blueprint_templates import BlueprintTemplates
from custom_resources.clients.blueprints import Blueprint, Blueprints, Configuration, Grant, Profile
from custom_resources.clients.held_projects import HeldProjects
from custom_resources.clients.model_packages import ModelPackageGroups
from custom_resources.clients.project_files import ProjectFiles
from custom_resources.clients.queues import Queues
from custom_resources.clients.regional_launches import RegionalLaunches
from custom_resources.clients.seals import Seals
from custom_resources.clients.secrets import Secrets
from custom_resources.clients.service_catalog import Launch, ProductVersion, ServiceCatalog
from custom_resources.clients.stacks import CloudFormationStacks
from custom_resources.clients.studio import Studio
from custom_resources.clients.update_records import UpdateRecords
from custom_resources.clients.version_templates import VersionTemplates
from custom_resources.errors import Problem
from custom_resources.update_record import UpdateRecord
from tests import sleeping

GOLDEN = Path(__file__).parent / "golden" / "aws_requests.txt"
STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/SC-111122223333-pp-abc/1"
WHEN = datetime.datetime(2026, 11, 1, 12, tzinfo=datetime.UTC)
TOKENS = {"nexttoken", "nextpagetoken", "marker", "nextmarker"}
REFUSALS = (
    ("AccessDeniedException", 403, "User is not authorized"),
    ("ResourceNotFoundException", 404, "There is none"),
    ("ValidationError", 400, "Stack with id x does not exist"),
    ("ValidationException", 400, "The role cannot be assumed"),
    ("ConflictException", 409, "It is there already"),
    ("ConditionalCheckFailedException", 400, "The conditional request failed"),
    ("ThrottlingException", 429, "Rate exceeded"),
)
Answer = Callable[[Any, Any], tuple[int, dict[str, Any]]]  # to an operation's model and its parameters


def made(shape: Any, name: str, *, full: bool, inside: tuple[str, ...] = ()) -> Any:
    """Return a value of a shape: every field of a structure, or only the required ones and no items."""
    kind = shape.type_name
    if kind == "structure":
        given = [key for key in shape.members if key.lower() not in TOKENS]
        if shape.name in inside:  # an attribute of a table may hold attributes
            given = []
        elif getattr(shape, "is_tagged_union", False):
            given = given[:1]
        elif not full:
            given = [key for key in given if key in shape.required_members]
        return {key: made(shape.members[key], key, full=full, inside=(*inside, shape.name)) for key in given}
    if kind == "list":
        return [made(shape.member, name, full=full, inside=inside)] if full else []
    if kind == "map":
        return {"key": made(shape.value, name, full=full, inside=inside)} if full else {}
    plain: dict[str, Any] = {"boolean": True, "timestamp": WHEN, "blob": b"blob", "float": 0.5, "double": 0.5}
    if kind == "string":
        return shape.enum[0] if shape.enum else name
    return plain.get(kind, 1)


def answering(*, full: bool) -> Answer:
    return lambda model, _: (200, made(model.output_shape, "", full=full) if model.output_shape else {})


def refusing(code: str, status: int, message: str) -> Answer:
    return lambda model, _: (status, {"Error": {"Code": code, "Message": message}})


class Account:
    """Real boto3 clients that check their parameters; what they would send is noted and answered here."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.answer = answering(full=True)
        self._made: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region_name: str = "eu-west-1") -> Any:
        if (service, region_name) not in self._made:
            client = boto3.client(
                service,  # type: ignore[call-overload]
                region_name=region_name,
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
                config=Config(retries={"total_max_attempts": 1}),
            )
            client.meta.events.register_first("provide-client-params.*.*", self._note)
            client.meta.events.register_first("before-call.*.*", self._answered)
            self._made[service, region_name] = client
        return self._made[service, region_name]

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.sent.append(f"{model.name} {json.dumps(params, sort_keys=True, default=str)}")

    def _answered(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        status, answer = self.answer(model, params)
        if status < 300 and "TemplateBody" in answer:
            answer = {**answer, "TemplateBody": '{"Resources": {}}'}
        if status < 300 and "Body" in answer:
            answer = {**answer, "Body": SimpleNamespace(read=lambda *_: b"content")}
        return SimpleNamespace(status_code=status), {**answer, "ResponseMetadata": {"HTTPStatusCode": status}}


VERSION = ProductVersion("pa-1", "v1.0.0", "DEPRECATED", active=False)
LAUNCH = Launch("pp-1", "studio-p1", "pa-0", "v0", "AVAILABLE", last_record="rec-1", stack=STACK)
FIRST = Launch(f"pp-{'1' * 150}", "studio-p1", "pa-0", "v0", "AVAILABLE", stack=STACK)  # no record of it is known
BLUEPRINT = Blueprint("bp-1", "Ours", "What it is", "https://t", ({"keyName": "k", "fieldType": "STRING"},))
CONFIGURATION = Configuration(
    "arn:aws:iam::1:role/p", ("eu-west-1",), "arn:aws:iam::1:role/m", {"eu-west-1": {"k": "v"}}
)
LEAST = Configuration("arn:aws:iam::1:role/p", ("eu-west-1",))
UNIT = {"domainUnit": {"domainUnitDesignation": "OWNER", "domainUnitIdentifier": "unit"}}
GRANT = Grant("grant-1", UNIT, {"createEnvironmentFromBlueprint": {}})
PROFILE = Profile(
    "prof-1",
    "Own",
    ({"name": "e", "environmentBlueprintId": "bp-1", "awsRegion": {"regionName": "eu-west-1"}},),
    "Said",
)
POLICY: Any = ("d", "ENVIRONMENT_BLUEPRINT_CONFIGURATION", "1:bp-1", "CREATE_ENVIRONMENT_FROM_BLUEPRINT")
RECORD = UpdateRecord("UPDATE_IN_PROGRESS 1", "before", "wanted", "unwritten")
CALLS: dict[str, tuple[Callable[[Account], Any], list[tuple[str, tuple[Any, ...]]]]] = {
    "stacks": (
        lambda account: CloudFormationStacks(account.client("cloudformation")),
        [
            ("operation", (STACK,)),
            ("exists", (STACK,)),
            ("tags", (STACK,)),
            ("parameters", (STACK,)),
            ("resources", (STACK,)),
            ("resources", (STACK, ("One", "Two"))),
            ("outputs", (STACK,)),
            ("every", ()),
            ("described", (STACK,)),
            ("template", (STACK,)),
            ("has_resource", (STACK, "Build")),
            ("template", (STACK,)),
        ],
    ),
    "service catalog": (
        lambda account: ServiceCatalog(
            account.client("servicecatalog"), CloudFormationStacks(account.client("cloudformation"))
        ),
        [
            ("product", ("Name",)),
            ("products", ("Name",)),
            ("products", ("Another",)),
            ("versions", ("prod-1",)),
            ("parameter_names", ("prod-1", VERSION)),
            ("has_several_paths", ("prod-1",)),
            ("version_template", ("prod-1", "pa-1")),
            ("launched_stack", ("Id",)),
            ("launched_stack", ("pp-2",)),
            ("set_guidance", ("prod-1", VERSION)),
            ("launches", ("ProductId", [ProductVersion("ProvisioningArtifactId", "v1")])),
            ("outputs_with", ("ProductId", "OutputKey", "OutputValue", "studio-p1")),
            ("outputs_with", ("prod-2", "OutputKey", "OutputValue", "studio-p1")),
            ("launched_by", ("ProductId", "blueprint")),
            ("record", ("rec-1",)),
            ("update", (LAUNCH, "prod-1", VERSION, "lpv3-1")),
            ("update", (LAUNCH, "prod-1", VERSION, "")),
            ("terminate", (LAUNCH,)),
            ("update", (FIRST, "prod-1", VERSION, "")),
            ("terminate", (FIRST,)),
            ("has_several_paths", ("prod-1",)),
            ("products", ("Name",)),
            ("version_template", ("prod-1", "pa-1")),
            ("parameter_names", ("prod-1", VERSION)),
            ("launched_stack", ("pp-abc",)),
            ("launch_of", (STACK,)),
            ("launch_of", (STACK.replace("SC-", "XX-"),)),
        ],
    ),
    "blueprints": (
        lambda account: Blueprints(account.client("datazone")),
        [
            ("blueprint", ("d", "bp-1")),
            ("blueprint_id", ("d", "name")),
            ("blueprint_id", ("d", "Tooling", True)),
            ("create_blueprint", ("d", BLUEPRINT)),
            ("update_blueprint", ("d", BLUEPRINT)),
            ("delete_blueprint", ("d", "bp-1")),
            ("configuration", ("d", "bp-1")),
            ("configure", ("d", "bp-1", CONFIGURATION)),
            ("configure", ("d", "bp-1", LEAST)),
            ("delete_configuration", ("d", "bp-1")),
            ("projects_with", ("d", "bp-1")),
            ("domain_is_gone", ("id",)),
            ("domain_is_gone", ("d",)),
            ("root_domain_unit", ("d",)),
            ("grants", POLICY),
            ("add_grant", (*POLICY, GRANT)),
            ("remove_grant", (*POLICY, GRANT)),
            ("remove_grant", (*POLICY, Grant("", GRANT.principal, GRANT.detail))),
            ("profile", ("d", "prof-1")),
            ("profile_id", ("d", "name")),
            ("create_profile", ("d", PROFILE, "unit")),
            ("update_profile", ("d", PROFILE)),
            ("update_profile", ("d", Profile("prof-1", "Theirs", PROFILE.environments, "Said", enabled=False))),
            ("delete_profile", ("d", "prof-1")),
            ("accounts_of_pool", ("d", "pool-1")),
        ],
    ),
    "blueprints of another account's domain": (
        lambda account: Blueprints(account.client("datazone"), elsewhere=True),
        [("blueprint", ("d", "bp-1")), ("add_grant", (*POLICY, GRANT)), ("configure", ("d", "bp-1", LEAST))],
    ),
    "studio": (
        lambda account: Studio(account.client("datazone"), account.client("sagemaker")),
        [
            ("project", ("DomainId", "ProjectId", STACK)),
            ("deployment", ("d", "p")),
            ("profile_and_place", ("d", "prof-1")),
            ("workspace", ("DomainId", "ProjectId", STACK)),
            ("workspace", ("DomainId", "another", STACK)),
            ("classic_project", ("churn",)),
            ("answered", ("d", "p")),
        ],
    ),
    "model package groups": (
        lambda account: ModelPackageGroups(account.client("sagemaker")),
        [("ensure", ("aiops-p1", "d", "p1", STACK))],
    ),
    "archives": (lambda account: Archives(account.client("s3"), "ours"), [("has", (f"{'a' * 64}.zip",))]),
    "blueprint templates": (
        lambda account: BlueprintTemplates(account.client("s3"), "ours"),
        [
            ("has", ("a.json",)),
            ("copy_in", ("theirs", "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73.json")),
            ("copy_in", ("theirs", "a.json")),
        ],
    ),
    "project files": (
        lambda account: ProjectFiles(account.client("s3")),
        [("write", ("bucket", "p1/project.json", b"{}", "111122223333")), ("write", ("bucket", "k", b"content", "1"))],
    ),
    "version templates": (
        lambda account: VersionTemplates(account.client("s3"), "assets"),
        [
            ("read", ("v1.0.0", f"https://assets.s3.eu-west-1.amazonaws.com/{'a' * 64}.json")),
            ("read", ("v1.0.0", f"https://s3.eu-west-1.amazonaws.com/assets/{'a' * 64}.json")),
            ("read", ("v1.0.0", f"https://s3.eu-west-1.amazonaws.com/others/{'a' * 64}.json")),
            ("read", ("v1.0.0", "https://assets.s3.eu-west-1.amazonaws.com/other.json")),
        ],
    ),
    "held projects": (
        lambda account: HeldProjects(account.client("dynamodb"), "table"),
        [("hold", ("d/p", STACK)), ("hold", ("d/p", STACK, "former")), ("release", ("d/p", STACK))],
    ),
    "seals": (
        lambda account: Seals(account.client("kms"), "arn:key"),
        [("of_repository", (7,)), ("of_stack", (STACK, "acme/build")), ("of_launch", (STACK,))],
    ),
    "secrets": (lambda account: Secrets(account.client("secretsmanager")), [("value", ("token",))]),
    "queues": (
        lambda account: Queues(account.client("sqs")),
        [("send", ("https://sqs/q.fifo", "body", "group", "once"))],
    ),
    "launches of a region": (
        lambda account: RegionalLaunches(account.client, "/ours/product-id"),
        [("launched_by", ("us-east-1", "blueprint"))],
    ),
    "records of updates": (
        lambda account: UpdateRecords(account.client("dynamodb"), "table", lambda: 1000.0),
        [("change", (STACK, "Build", lambda former: former or RECORD)), ("forget", (STACK, "Build"))],
    ),
}
ANSWERS: dict[str, Answer] = {
    "all": answering(full=True),
    "least": answering(full=False),
    **{code: refusing(code, status, message) for code, status, message in REFUSALS},
}
NOT_ANSWERED = {("records of updates", "all")}  # JSON in an item, which no model tells


def tried(account: Account, name: str, method: str, given: tuple[Any, ...]) -> tuple[list[str], str]:
    """Return what a method sends, and what it returns or raises."""
    account.sent = []
    make, _ = CALLS[name]
    try:
        found = getattr(make(account), method)(*given)
        return account.sent, f"{list(found)!r}" if inspect.isgenerator(found) else f"{found!r}"
    except (Problem, KeyError, IndexError) as error:
        return account.sent, f"{type(error).__name__}: {error}"


def written(account: Account) -> Iterator[str]:
    for name, (_, calls) in CALLS.items():
        yield f"== {name}"
        for method, given in calls:
            yield f"\n{method}({', '.join('...' if callable(each) else repr(each) for each in given)})"
            before: list[str] = []
            for kind, answer in ANSWERS.items():
                if (name, kind) in NOT_ANSWERED:
                    continue
                account.answer = answer
                sent, told = tried(account, name, method, given)
                if sent != before:
                    yield from (f"  sends {line}" for line in sent)
                before = sent
                yield f"  {kind} -> {told}"
        yield ""


def test_every_request_and_what_is_made_of_its_answer_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = sleeping.noted(monkeypatch)
    found = re.sub(r" at 0x[0-9a-f]+", "", "\n".join(written(Account())))
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")
    assert slept == [], "a client does not wait by itself"
    assert "could not be sent" not in found, "botocore refuses a request of these tests"


def test_each_public_method_is_called() -> None:
    """But for those that move files, which tests/unit/test_clients_aws.py has."""
    moves, account = {"archives": {"open", "copy_in"}, "secrets": {"github_credentials"}}, Account()
    for name, (make, calls) in CALLS.items():
        methods = {each for each in dir(make(account)) if not each.startswith("_")}
        assert "another account" in name or methods - moves.get(name, set()) == {method for method, _ in calls}, name
