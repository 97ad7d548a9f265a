"""What is read off an environment: its configuration, the project's role, and the values of its parameters."""

from __future__ import annotations

from standins.aws.calls import Record
from standins.aws.datazone.model import Domain, configuration_id

SCOPE_NAME = "dev"


class DeploymentFailed(Exception):
    """An environment cannot be deployed, changed or deleted; `validation`: nothing was tried."""

    def __init__(self, message: str, *, validation: bool = False) -> None:
        super().__init__(message)
        self.validation = validation


def environments_of(domain: Domain, project: Record) -> list[Record]:
    """Return the project's environments in the order of their deployment."""
    mine = [item for item in domain.environments.values() if item["projectId"] == project["id"]]
    return sorted(mine, key=lambda item: (item["_order"], item["createdAt"]))


def configuration_of(domain: Domain, environment: Record) -> Record:
    """Return the configuration of the environment's blueprint in the environment's account.

    Raises DeploymentFailed where it is not enabled, or the account is not associated with the domain.
    """
    blueprint = domain.blueprints[environment["environmentBlueprintId"]]
    account, region = environment["awsAccountId"], environment["awsAccountRegion"]
    if not domain.has_account(account):
        raise DeploymentFailed(f"Account {account} is not associated with domain {domain.id}.", validation=True)
    configuration = domain.configurations.get(configuration_id(account, blueprint["id"]))
    if not configuration or region not in configuration["enabledRegions"]:
        raise DeploymentFailed(
            f"Blueprint {blueprint['name']} is not enabled in region {region} of account {account}.", validation=True
        )
    return configuration


def stack_name(environment: Record) -> str:
    """Return the name of an environment's stack."""
    return f"DataZone-Env-{environment['id']}"


def stack_tags(domain: Domain, environment: Record) -> dict[str, str]:
    """Return the tags of an environment's stack, and of what is in it."""
    return {
        "AmazonDataZoneDomain": domain.id,
        "AmazonDataZoneProject": environment["projectId"],
        "AmazonDataZoneEnvironment": environment["id"],
    }


def tooling_resources(domain: Domain, project: Record) -> dict[str, str]:
    """Return what the project's Tooling environment made, by name; nothing before it is ready."""
    for environment in environments_of(domain, project):
        if domain.blueprints[environment["environmentBlueprintId"]]["_managed"] and environment["status"] == "ACTIVE":
            return {str(item["name"]): str(item["value"]) for item in environment["provisionedResources"]}
    return {}


def user_role(domain: Domain, project: Record, environment: Record) -> str:
    """Return the ARN of the project role, empty before Tooling is ready."""
    resources = {item["name"]: item["value"] for item in environment["provisionedResources"]}
    return resources.get("userRoleArn") or tooling_resources(domain, project).get("userRoleArn", "")


def given_values(project: Record, environment: Record, *, by_administrator: bool = True) -> dict[str, str]:
    """Return the user parameters: blueprint's defaults, over them the profile's (`by_administrator`), the project's."""
    values: dict[str, str] = {}
    if by_administrator:
        values = {item["keyName"]: item.get("defaultValue", "") for item in environment["userParameters"]}
        values = {name: value for name, value in values.items() if value}
        overrides = environment["_configuration"].get("configurationParameters", {}).get("parameterOverrides", [])
        values.update({item["name"]: item["value"] for item in overrides if item.get("value")})
    for group in project["userParameters"]:
        by_id = group.get("environmentId") == environment["id"]
        if by_id or group.get("environmentConfigurationName") == environment["environmentConfigurationName"]:
            values.update({item["name"]: item["value"] for item in group.get("environmentParameters", [])})
    return values


def reserved_values(domain: Domain, project: Record, environment: Record) -> dict[str, str]:
    """Return the parameters that Studio fills in."""
    tooling = tooling_resources(domain, project)
    bucket = tooling.get("s3BucketPath", "").removeprefix("s3://").partition("/")[0]
    values = {
        "datazoneEnvironmentEnvironmentId": environment["id"],
        "datazoneEnvironmentProjectId": project["id"],
        "datazoneEnvironmentDomainId": domain.id,
        "datazoneEnvironmentProjectName": project["name"],
        "datazoneScopeName": SCOPE_NAME,
        "userRoleArn": tooling.get("userRoleArn", ""),
        "s3BucketArn": f"arn:aws:s3:::{bucket}",
        "privateSubnets": "",
    }
    return {name: value for name, value in values.items() if name not in domain.rules.left_out}
