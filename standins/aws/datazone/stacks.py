"""Environments of custom blueprints: their templates run as stacks on MiniStack."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event

from standins.aws.calls import Record
from standins.aws.datazone.environment_values import (
    DeploymentFailed,
    configuration_of,
    given_values,
    reserved_values,
    stack_name,
    stack_tags,
    user_role,
)
from standins.aws.datazone.model import Domain, configuration_id
from standins.aws.datazone.roles import SERVICE_PRINCIPAL
from standins.aws.emulator import Credentials, Emulator, RoleUnusable, StackFailed


class Stacks:
    """Makes the environments of custom blueprints."""

    def __init__(self, emulator: Emulator) -> None:
        """Take MiniStack, where the stacks run."""
        self._emulator = emulator

    def create(self, domain: Domain, project: Record, environment: Record, ending: Event) -> None:
        """Run the template, for a project that was granted the blueprint and has its Tooling."""
        _require_grant(domain, project, environment)
        if not user_role(domain, project, environment):
            raise DeploymentFailed(f"Tooling environment not found for project {project['id']}", validation=True)
        credentials = self._provisioning(domain, environment)
        url, parameters = self._template(domain, project, environment, credentials)
        environment["_stack"] = stack_name(environment)
        tags = stack_tags(domain, environment)

        def started(stack_id: str) -> None:
            environment["_stack"] = stack_id

        region = environment["awsAccountRegion"]
        result = self._emulator.create_stack(
            environment["_stack"], url, parameters, region=region, credentials=credentials, tags=tags, started=started
        )
        _provisioned(environment, result.outputs)

    def update(self, domain: Domain, project: Record, environment: Record) -> None:
        """Run the blueprint's present template with the present parameters."""
        credentials = self._provisioning(domain, environment)
        blueprint = domain.blueprints[environment["environmentBlueprintId"]]
        environment["userParameters"] = blueprint["userParameters"]
        environment["provisioningProperties"] = blueprint["provisioningProperties"]
        url, parameters = self._template(domain, project, environment, credentials)
        if "_stack" not in environment:
            raise DeploymentFailed("The environment was never deployed.")
        region = environment["awsAccountRegion"]
        result = self._emulator.update_stack(
            environment["_stack"],
            url,
            parameters,
            region=region,
            credentials=credentials,
            tags=stack_tags(domain, environment),
        )
        _provisioned(environment, result.outputs)

    def delete(self, domain: Domain, environment: Record) -> None:
        """Delete the stack, if there ever was one."""
        if "_stack" in environment:
            credentials = self._provisioning(domain, environment)
            self._emulator.delete_stack(environment["_stack"], environment["awsAccountRegion"], credentials)

    def _provisioning(self, domain: Domain, environment: Record) -> Credentials:
        configuration = configuration_of(domain, environment)
        try:
            return self._emulator.assume(
                domain.rules.environments_act_as or configuration["provisioningRoleArn"],
                SERVICE_PRINCIPAL,
                environment["awsAccountRegion"],
                environment["id"],
                source_account=domain.account,
                tag_session=True,
            )
        except RoleUnusable as error:
            raise DeploymentFailed(str(error), validation=True) from error

    def _template(
        self, domain: Domain, project: Record, environment: Record, credentials: Credentials
    ) -> tuple[str, dict[str, str]]:
        """Return the blueprint template's URL and the values of the parameters that it declares."""
        location = environment["provisioningProperties"]["cloudFormation"]["templateUrl"]
        if not domain.rules.templates_readable:
            raise DeploymentFailed(f"Access denied to blueprint template: {location}", validation=True)
        region, account = environment["awsAccountRegion"], environment["awsAccountId"]
        try:
            # CloudFormation reads it with the role's credentials, from whatever account's bucket.
            url = self._emulator.copy_template(
                location, f"{environment['id']}.json", region=region, reader=credentials, account=account
            )
            url, declared = self._emulator.template(url, region, Credentials(account))
        except StackFailed as error:
            raise DeploymentFailed(f"Access denied to blueprint template: {location}", validation=True) from error
        given = given_values(project, environment, by_administrator=domain.rules.overrides_reach)
        values = reserved_values(domain, project, environment) | given
        parameters = {item.name: values[item.name] for item in declared if item.name in values}
        missing = [item.name for item in declared if item.default is None and item.name not in parameters]
        if missing:
            raise DeploymentFailed(f"The template's parameters have no value: {', '.join(missing)}", validation=True)
        return url, parameters


def _require_grant(domain: Domain, project: Record, environment: Record) -> None:
    """Raise DeploymentFailed unless the project may have environments of the blueprint."""
    configuration_of(domain, environment)
    entity = configuration_id(environment["awsAccountId"], environment["environmentBlueprintId"])
    for grant in domain.grants:
        about = "createEnvironmentFromBlueprint" in grant["detail"] and grant["_entity"][1] == entity
        if about and _names(grant["principal"].get("project", {}), domain, project):
            return
    raise DeploymentFailed(
        f"Project {project['id']} has no CREATE_ENVIRONMENT_FROM_BLUEPRINT grant on blueprint {entity}.",
        validation=True,
    )


def _names(principal: Record, domain: Domain, project: Record) -> bool:
    """Tell whether a grant's principal (a project, those of a domain unit, all) is the project."""
    if principal.get("projectIdentifier") not in (None, project["id"]):
        return False
    wanted = principal.get("projectGrantFilter", {}).get("domainUnitFilter", {})
    unit = project["domainUnitId"]
    if not wanted or wanted["domainUnit"] == unit:
        return True
    above = domain.units[unit]["ancestorDomainUnitIds"]
    return bool(wanted.get("includeChildDomainUnits")) and wanted["domainUnit"] in above


def _provisioned(environment: Record, outputs: Mapping[str, str]) -> None:
    environment["provisionedResources"] = [
        {"provider": "AWS CloudFormation", "name": key, "value": value, "type": "String"}
        for key, value in outputs.items()
    ]
