"""What is read of the account, the domain and the project: each step fills in its part of the facts."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any, cast

from custom_resources.clients.aws import (
    CLOUDFORMATION,
    DATAZONE,
    LAMBDA,
    SAGEMAKER,
    SERVICE_CATALOG,
    STS,
    Service,
)
from custom_resources.errors import AwsDenied, AwsNotFound, FinalError
from operations.doctor.access import Access
from operations.doctor.studio_checks import StudioChecks
from operations.errors import ProfileNotOffered, ProfileUnknownToDomain
from operations.prove.aws import STEP_FUNCTIONS, Aws
from operations.prove.facts import Environment, Facts, Installed, Launch, State, Told, Workspace

if TYPE_CHECKING:
    import boto3

    from products.settings import Settings

STUDIO_STACK = "StudioStack"
LAUNCH_NAME_PREFIX = "studio-"  # as products/studio names launches
PRINCIPAL_TAG = "aws:servicecatalog:provisioningPrincipalArn"
NATIVE_EVENT = "Environment Deployment Completed"
# CloudFormation's reasons for a creation that it did not wait for any longer.
_CUT_OFF = re.compile(r"(?i)creation cancelled|did not receive a response|failed to respond|timed out|took too long")
_EVENT_LOOKS = 6  # for Studio's event about a project that was just deployed
_EXECUTIONS = 40  # the newest of the state machine are looked at


@dataclass
class Proof:
    """What every step works with."""

    aws: Aws
    state: State
    settings: Settings
    say: Callable[[str], None]

    @property
    def facts(self) -> Facts:
        """What was seen so far."""
        return self.state.facts

    def of_project(self, **more: Any) -> dict[str, Any]:
        """Return DataZone's arguments for something of the project."""
        return {"domainIdentifier": self.state.domain, "projectIdentifier": self.state.project, **more}

    def described_stack(self, name: str) -> dict[str, Any]:
        """Return a stack's description; {} where there is none. Raises Problem."""
        try:
            return dict(self.aws.ask(CLOUDFORMATION, "describe_stacks", StackName=name)["Stacks"][0])
        except AwsNotFound:
            return {}


def stack_parameters(stack: dict[str, Any]) -> dict[str, str]:
    """Return a described stack's parameters."""
    return {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])}


def stack_tags(stack: dict[str, Any]) -> dict[str, str]:
    """Return a described stack's tags."""
    return {item["Key"]: item["Value"] for item in stack.get("Tags", [])}


# -- the account and the installation ---------------------------------------------------------------------------------


def account(proof: Proof) -> None:
    """See whose account it is."""
    proof.facts.account = str(proof.aws.ask(STS, "get_caller_identity")["Account"])
    proof.facts.region = proof.aws.region_name
    proof.facts.grants_files = proof.settings.workflow_role.grant_execution_role_files


def domain(proof: Proof) -> None:
    """See the domain, and how DataZone answers for one that nobody has."""
    with proof.aws.about("A25"):
        found = proof.aws.ask(DATAZONE, "get_domain", identifier=proof.state.domain)
        proof.facts.kind = str(found.get("singleSignOn", {}).get("type", ""))
        proof.facts.domain_key = str(found.get("kmsKeyIdentifier", ""))
        listed = proof.aws.pages(DATAZONE, "list_domains", "items")
        proof.facts.listed = any(item["id"] == proof.state.domain for item in listed)
        try:
            proof.aws.ask(DATAZONE, "get_domain", identifier=f"dzd-{proof.state.run}")
            proof.facts.absent_domain = "answered"
        except AwsDenied:
            proof.facts.absent_domain = "denied"
        except AwsNotFound:
            proof.facts.absent_domain = "not found"


def installation(proof: Proof) -> None:
    """See the profile, and our blueprint in it. Raises ProfileUnknownToDomain, ProfileNotOffered."""
    aws, state, studio = proof.aws, proof.state, proof.settings.studio
    with aws.about("A02", "A06", "A26"):
        profiles = aws.pages(
            DATAZONE, "list_project_profiles", "items", domainIdentifier=state.domain, name=state.profile
        )
        identifier = next((item["id"] for item in profiles if item["name"] == state.profile), "")
        if not identifier:
            raise ProfileUnknownToDomain(profile=state.profile, domain=state.domain)
        profile = aws.ask(DATAZONE, "get_project_profile", domainIdentifier=state.domain, identifier=identifier)
        environments = profile.get("environmentConfigurations", [])
        ours = next((item for item in environments if item["name"] == studio.environment_name), None)
        if ours is None and state.profile not in studio.project_setup.profiles:
            raise ProfileNotOffered(profile=state.profile, environment=studio.environment_name)
        overrides = (ours or {}).get("configurationParameters", {}).get("parameterOverrides", [])
        proof.facts.installed = installed = Installed(
            profile_id=identifier,
            profile_parameters={item["name"]: item.get("value", "") for item in overrides},
            fixed=[item["name"] for item in overrides if item.get("isEditable") is False],
            beside=[item["name"] for item in environments if item is not ours],
            blueprint_id=ours["environmentBlueprintId"] if ours else "",
        )
        if ours:
            blueprint = aws.ask(
                DATAZONE,
                "get_environment_blueprint",
                domainIdentifier=state.domain,
                identifier=ours["environmentBlueprintId"],
            )
            installed.blueprint_parameters = {
                item["keyName"]: item.get("defaultValue", "") for item in blueprint.get("userParameters", [])
            }


def configuration(proof: Proof) -> None:
    """See with which role the blueprint's environments are deployed."""
    installed = proof.facts.installed
    if installed and installed.blueprint_id:
        with proof.aws.about("A01"):
            found = proof.aws.ask(
                DATAZONE,
                "get_environment_blueprint_configuration",
                domainIdentifier=proof.state.domain,
                environmentBlueprintIdentifier=installed.blueprint_id,
            )
        installed.provisioning_role = str(found.get("provisioningRoleArn", ""))


def owners(proof: Proof) -> None:
    """See whether the functions' roles own the domain unit, as doctor does."""
    if proof.facts.installed:
        with proof.aws.about("A04"):
            checks = StudioChecks(Access(cast("boto3.Session", proof.aws), proof.settings), proof.settings)
            proof.facts.installed.owners = next((check.state for check in checks.owners()), "unknown")


def studio_stack(proof: Proof) -> None:
    """See how StudioStack stands, and with which reasons it ever failed."""
    installed = proof.facts.installed
    with proof.aws.about("A04", "A06", "A08", "A18", "A26"):
        stack = proof.described_stack(STUDIO_STACK)
        if not stack or installed is None:
            return
        events = proof.aws.pages(CLOUDFORMATION, "describe_stack_events", "StackEvents", StackName=STUDIO_STACK)
    installed.stack_status = stack["StackStatus"]
    installed.ever_failed = _reasons(events)
    installed.failures = _reasons(since_success(events))
    installed.cut_off = cut_off(events)
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
    installed.state_machine = outputs.get("ProjectSetupStateMachine", "")


def _reasons(events: list[dict[str, Any]]) -> list[str]:
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return [str(event.get("ResourceStatusReason", "")) for event in failed]


def since_success(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events since the stack was last deployed as it should be: what failed before was repaired. Pure.

    `events` are the newest first.
    """
    deployed = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    of_stack = (event["ResourceType"] == "AWS::CloudFormation::Stack" for event in events)
    ends = (event["ResourceStatus"] in deployed for event in events)
    newer = takewhile(lambda each: not all(each[1:]), zip(events, of_stack, ends, strict=True))
    return [event for event, _, _ in newer]


def cut_off(events: list[dict[str, Any]]) -> dict[str, str]:
    """Return the custom resources whose creation was cut off, with the id that each was then deleted under. Pure.

    `events` are the newest first.
    """
    found: dict[str, str] = {}
    begun_without_id: set[str] = set()
    for event in reversed(events):
        name, status = event["LogicalResourceId"], event["ResourceStatus"]
        if not event["ResourceType"].startswith("Custom::"):
            continue
        if status == "CREATE_FAILED" and _CUT_OFF.search(event.get("ResourceStatusReason", "")):
            begun_without_id.add(name)
        elif status == "DELETE_IN_PROGRESS" and name in begun_without_id:
            begun_without_id.remove(name)
            found[name] = event.get("PhysicalResourceId", "")
    return found


def versions(proof: Proof) -> None:
    """See which versions can be launched, oldest first."""
    installed = proof.facts.installed
    product = {**installed.blueprint_parameters, **installed.profile_parameters}.get("ProductId") if installed else ""
    if product:
        found = proof.aws.ask(SERVICE_CATALOG, "list_provisioning_artifacts", ProductId=product)
        usable = [
            item
            for item in found["ProvisioningArtifactDetails"]
            if item.get("Active", True) and item.get("Guidance", "DEFAULT") != "DEPRECATED"
        ]
        proof.facts.versions = [item["Name"] for item in sorted(usable, key=lambda item: item["CreatedTime"])]


# -- the project ------------------------------------------------------------------------------------------------------


def environment(proof: Proof) -> None:
    """See our environment, and what reached its stack."""
    installed = proof.facts.installed
    if not installed or not installed.blueprint_id:
        return
    with proof.aws.about("A02", "A03", "A09", "A15", "A17", "A23"):
        listed = proof.aws.pages(DATAZONE, "list_environments", "items", **proof.of_project())
        ours = [item for item in listed if item["name"] == proof.settings.studio.environment_name]
        if not ours:
            return
        stack = proof.described_stack(f"DataZone-Env-{ours[0]['id']}")
    proof.facts.environment = Environment(
        id=ours[0]["id"],
        status=ours[0].get("status", ""),
        parameters=stack_parameters(stack),
        outputs={item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])},
        stack_status=stack.get("StackStatus", ""),
    )


def launch(proof: Proof) -> None:
    """See the provisioned product, who launched it, and whether a search by its id finds it."""
    name = f"{LAUNCH_NAME_PREFIX}{proof.state.project}"
    with proof.aws.about("A01", "A11", "A21", "A34"):
        try:
            detail = proof.aws.ask(SERVICE_CATALOG, "describe_provisioned_product", Name=name)
        except AwsNotFound:
            return
        detail = detail["ProvisionedProductDetail"]
        by_id = _searched(proof, f"id:{detail['Id']}")
        found = by_id or _searched(proof, f"name:{name}")
        stack = proof.described_stack(found["PhysicalId"]) if found.get("PhysicalId") else {}
    proof.facts.launch = Launch(
        id=detail["Id"],
        status=detail["Status"],
        message=detail.get("StatusMessage", ""),
        stack=found.get("PhysicalId", ""),
        principal=stack_tags(stack).get(PRINCIPAL_TAG, ""),
        session=found.get("UserArnSession", ""),
        found_by_id=bool(by_id),
        tags={item["Key"]: item["Value"] for item in by_id.get("Tags", [])},
    )


def _searched(proof: Proof, query: str) -> dict[str, Any]:
    """Return the first launch of the account that a search finds, {} for none."""
    found = proof.aws.ask(
        SERVICE_CATALOG,
        "search_provisioned_products",
        AccessLevelFilter={"Key": "Account", "Value": "self"},
        Filters={"SearchQuery": [query]},
    )["ProvisionedProducts"]
    return dict(found[0]) if found else {}


def workspace(proof: Proof) -> None:
    """See the SageMaker domain that names the project."""
    proof.facts.workspace = Workspace()
    with proof.aws.about("A23", "A24"):
        listed = proof.aws.pages(SAGEMAKER, "list_domains", "Domains")
        for item in sorted(listed, key=lambda item: proof.state.project not in item["DomainName"]):
            found = _named(proof, item["DomainId"])
            if found:
                proof.facts.workspace = found
                return


def _named(proof: Proof, identifier: str) -> Workspace | None:
    """Return a SageMaker domain if it names the project, by its settings or by its tags."""
    try:
        described = proof.aws.ask(SAGEMAKER, "describe_domain", DomainId=identifier)
    except AwsNotFound:
        return None
    wanted, status = (proof.state.domain, proof.state.project), str(described.get("Status", ""))
    settings = described.get("DomainSettings", {}).get("UnifiedStudioSettings", {})
    if (settings.get("DomainId"), settings.get("ProjectId")) == wanted:
        return Workspace(named_by="settings", status=status, location=settings.get("ProjectS3Path", ""))
    if settings:
        return None
    listed = proof.aws.pages(SAGEMAKER, "list_tags", "Tags", ResourceArn=described["DomainArn"])
    tags = {item["Key"]: item["Value"] for item in listed}
    if (tags.get("AmazonDataZoneDomain"), tags.get("AmazonDataZoneProject")) != wanted:
        return None
    return Workspace(named_by="tags", status=status, location=tags.get("ProjectS3Path", ""))


def told(proof: Proof) -> None:
    """Call the function studio-project, not a member of the project, for what DataZone permits it (decision 0065)."""
    event = {"Probe": {"DomainId": proof.state.domain, "ProjectId": proof.state.project}}
    with proof.aws.about("A19", "A20"):
        answer = proof.aws.ask(
            LAMBDA,
            "invoke",
            FunctionName=f"{proof.settings.prefix}-studio-project",
            Payload=json.dumps(event).encode(),
        )
    said = json.loads(answer["Payload"].read()) or {}
    failure = str(said.get("errorMessage", ""))
    proof.facts.told = Told(failure=failure, permitted={} if failure else said)


def native_event(proof: Proof) -> None:
    """See Studio's own event about the project, as the project setup's state machine received it."""
    machine = proof.facts.installed.state_machine if proof.facts.installed else ""
    if not machine:
        return
    looks = 1 if proof.state.given else _EVENT_LOOKS  # events come by themselves, later than what they tell of
    with proof.aws.about("A10"):
        while not (detail := next(_events(proof, STEP_FUNCTIONS, machine), None)):
            looks -= 1
            if not looks:
                return
            time.sleep(proof.aws.pause)
    metadata, data = detail.get("metadata", {}), detail.get("data", {})
    proof.facts.native_event = {
        "metadata.domain": metadata.get("domain") == proof.state.domain,
        "metadata.owningProjectId": metadata.get("owningProjectId") == proof.state.project,
        "data.projectId": data.get("projectId") == proof.state.project,
    }


def _events(proof: Proof, service: Service, machine: str) -> Iterator[dict[str, Any]]:
    """Yield the details of the native events that name the project, the newest first."""
    listed = proof.aws.ask(service, "list_executions", stateMachineArn=machine, maxResults=_EXECUTIONS)
    for item in listed["executions"]:
        with suppress(FinalError, ValueError):
            found = proof.aws.ask(service, "describe_execution", executionArn=item["executionArn"])
            event = json.loads(found.get("input", "{}"))
            if event.get("detail-type") == NATIVE_EVENT and proof.state.project in json.dumps(event):
                yield event.get("detail", {})
