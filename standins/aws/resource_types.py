"""Resource types that MiniStack's CloudFormation lacks and our stacks use: Service Catalog's, DataZone's, two of IAM.

How they get into MiniStack: `register()`, called once in MiniStack's own process before it serves. It

- adds RESOURCE_TYPES to MiniStack's table of handlers (a type has `create(logical_id, properties, stack_name)` ->
  (physical id, attributes), `update(physical_id, old, new, stack_name, logical_id)` -> the same with
  `update_with_logical_id`, and `delete(physical_id, properties)`);
- makes MiniStack run them on a worker thread, as it does with custom resources: they call servers, MiniStack among
  them, and would otherwise block the event loop that must answer them;
- remembers the access key of the request that started a stack operation: CloudFormation calls the services in the name
  of its caller, and so do these handlers (Service Catalog's launch paths depend on it).

They find the AWS stand-in by AWS_ENDPOINT_URL_SERVICE_CATALOG and AWS_ENDPOINT_URL_DATAZONE, and MiniStack's IAM by
AWS_ENDPOINT_URL (else 127.0.0.1 and GATEWAY_PORT).

Properties are held to the CloudFormation registry schema that cfn-lint ships: an unknown or missing property and a
value outside its enumeration fail the resource; a changed create-only property replaces it.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.exceptions import ClientError
from jsonschema import Draft7Validator
from jsonschema.validators import extend

from standins.aws.protocol import service_model

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
Properties = dict[str, Any]
Result = tuple[str, dict[str, str]]
"""Physical id and GetAtt attributes."""

CALLER_KEY: ContextVar[str] = ContextVar("caller_key", default="")
_CLIENTS = Lock()
_POLL_SECONDS = 0.3
_HELD = ("additionalProperties", "required", "enum", "oneOf", "anyOf")
# The schemas' patterns are Java's, which Python's re does not always understand.
_Validator = extend(Draft7Validator, {"pattern": None, "patternProperties": None})  # type: ignore[no-untyped-call]


class ResourceFailed(Exception):
    """The resource cannot be as its properties want it; the message becomes the stack event's reason."""


@dataclass(frozen=True)
class _Type:
    """A resource type: how it is made, changed in place and removed."""

    name: str
    create: Callable[[str, Properties], Result]
    update: Callable[[str, Properties, Properties], Result] | None
    delete: Callable[[str, Properties], None]

    def handlers(self) -> dict[str, Any]:
        """Return MiniStack's form of the type."""

        def create(logical_id: str, properties: Properties, stack_name: str) -> Result:
            _validate(self.name, properties)
            return _told(lambda: self.create(f"{stack_name}-{logical_id}", properties))

        def update(
            physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None
        ) -> Result:
            _validate(self.name, new)
            changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
            change = self.update
            if change is None or changed & _create_only(self.name):
                # Another physical id: CloudFormation deletes the old resource when the update is complete.
                return create(logical_id or physical_id, new, stack_name)
            return _told(lambda: change(physical_id, old, new))

        def delete(physical_id: str, properties: Properties) -> None:
            _told(lambda: _unless_gone(lambda: self.delete(physical_id, properties)))

        return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def register() -> None:
    """Teach this process's MiniStack the types (see the module's docstring)."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation import provisioners, stacks

    provisioners._RESOURCE_HANDLERS.update(RESOURCE_TYPES)
    on_worker, answer = stacks._runs_on_worker_thread, cloudformation.handle_request
    stacks._runs_on_worker_thread = lambda name: name in RESOURCE_TYPES or on_worker(name)

    async def handle_request(method: str, path: str, headers: dict[str, str], *rest: Any) -> Any:
        from ministack.core.router import extract_access_key_id

        CALLER_KEY.set(extract_access_key_id(headers, {}) or "")
        return await answer(method, path, headers, *rest)

    cloudformation.handle_request = handle_request


# What all types share


@cache
def _schema(type_name: str) -> dict[str, Any]:
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

    schema: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_name).schema
    return schema


def _create_only(type_name: str) -> set[str]:
    return {path.split("/")[2] for path in _schema(type_name).get("createOnlyProperties", [])}


def _validate(type_name: str, properties: Properties) -> None:
    """Raise ResourceFailed where the properties break the registry schema; types are CloudFormation's to convert."""
    schema = _schema(type_name)
    read_only = {path.split("/")[2] for path in schema.get("readOnlyProperties", []) if path.count("/") == 2}
    problems = [f"{name} is read-only" for name in sorted(read_only & set(properties))]
    held = {
        key: schema[key] for key in ("properties", "definitions", "required", "additionalProperties") if key in schema
    }
    for error in _Validator(held).iter_errors(_as_declared(properties)):
        if error.validator in _HELD:
            where = "/".join(str(step) for step in error.absolute_path)
            problems.append(f"{where}: {error.message}".lstrip(": "))
    if problems:
        raise ResourceFailed(f"Properties validation failed for {type_name}: {'; '.join(problems)}")


def _as_declared(value: Any) -> Any:
    """Return the properties with the strings "true" and "false" as booleans, so that enumerations compare."""
    if isinstance(value, dict):
        return {key: _as_declared(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_declared(item) for item in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _told(work: Callable[[], _T]) -> _T:
    """Do the work; a service's refusal becomes the resource's reason."""
    try:
        return work()
    except ClientError as error:
        details = error.response["Error"]
        raise ResourceFailed(f"{details['Message']} (Service: {error.operation_name}, {details['Code']})") from error


def _unless_gone(delete: Callable[[], None]) -> None:
    """Delete; what is gone already is deleted."""
    try:
        delete()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "NoSuchEntity"):
            raise


def _client(service: str) -> Any:
    """Return a client that calls in the name of the stack operation's caller."""
    from ministack.core.responses import get_account_id, get_region

    own = os.environ.get("AWS_ENDPOINT_URL") or f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '4566')}"
    endpoint = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper().replace('SERVICECATALOG', 'SERVICE_CATALOG')}", own)
    with _CLIENTS:
        return _client_of(service, get_region(), endpoint, CALLER_KEY.get() or get_account_id())


@lru_cache(maxsize=32)
def _client_of(service: str, region: str, endpoint: str, access_key: str) -> Any:
    return boto3.session.Session().client(
        service,  # type: ignore[call-overload]
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key="not-verified",  # noqa: S106 -- neither server checks signatures
    )


def _catalog() -> Any:
    return _client("servicecatalog")


def _only(properties: Properties, *names: str) -> Properties:
    return {name: properties[name] for name in names if properties.get(name) not in (None, "")}


def _flag(value: object) -> bool:
    """Return a template's boolean: CloudFormation has "true" for what came through a parameter."""
    return str(value).lower() == "true"


def _token() -> str:
    return str(uuid.uuid4())


# AWS::ServiceCatalog::Portfolio


def _create_portfolio(name: str, properties: Properties) -> Result:
    described = _only(properties, "DisplayName", "ProviderName", "Description", "Tags")
    detail = _catalog().create_portfolio(**described, IdempotencyToken=_token())["PortfolioDetail"]
    return detail["Id"], {"Id": detail["Id"], "PortfolioName": detail["DisplayName"]}


def _update_portfolio(identifier: str, old: Properties, new: Properties) -> Result:
    described = _only(new, "DisplayName", "ProviderName", "Description")
    detail = _catalog().update_portfolio(Id=identifier, **described, **_tag_change(old, new))["PortfolioDetail"]
    return identifier, {"Id": identifier, "PortfolioName": detail["DisplayName"]}


def _delete_portfolio(identifier: str, properties: Properties) -> None:
    _catalog().delete_portfolio(Id=identifier)


def _tag_change(old: Properties, new: Properties) -> Properties:
    before = {tag["Key"]: tag["Value"] for tag in old.get("Tags", [])}
    after = {tag["Key"]: tag["Value"] for tag in new.get("Tags", [])}
    added = [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]
    removed = [key for key in before if key not in after]
    return {**({"AddTags": added} if added else {}), **({"RemoveTags": removed} if removed else {})}


# AWS::ServiceCatalog::CloudFormationProduct

_PRODUCT = ("Name", "Owner", "Description", "Distributor", "SupportDescription", "SupportEmail", "SupportUrl")


def _create_product(name: str, properties: Properties) -> Result:
    first, *others = _versions(properties)
    client = _catalog()
    view = client.create_product(
        **_only(properties, *_PRODUCT, "Tags"),
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters=first,
        IdempotencyToken=_token(),
    )["ProductViewDetail"]
    identifier = view["ProductViewSummary"]["ProductId"]
    for version in others:
        client.create_provisioning_artifact(ProductId=identifier, Parameters=version, IdempotencyToken=_token())
    return identifier, _product_attributes(client, identifier, properties)


def _update_product(identifier: str, old: Properties, new: Properties) -> Result:
    """Keep the versions that are the same by name and template, add the new ones, drop those no longer listed."""
    client = _catalog()
    client.update_product(Id=identifier, **_only(new, *_PRODUCT), **_tag_change(old, new))
    wanted = {_version_key(version): version for version in _versions(new)}
    present: dict[tuple[str, str], str] = {}
    for detail in client.list_provisioning_artifacts(ProductId=identifier)["ProvisioningArtifactDetails"]:
        found = client.describe_provisioning_artifact(ProductId=identifier, ProvisioningArtifactId=detail["Id"])
        present[detail["Name"], found["Info"]["LoadTemplateFromURL"]] = detail["Id"]
    replace = _flag(new.get("ReplaceProvisioningArtifacts", False))
    for key, version in wanted.items():
        if replace or key not in present:
            client.create_provisioning_artifact(ProductId=identifier, Parameters=version, IdempotencyToken=_token())
    for key, artifact in present.items():
        if replace or key not in wanted:
            client.delete_provisioning_artifact(ProductId=identifier, ProvisioningArtifactId=artifact)
    return identifier, _product_attributes(client, identifier, new)


def _delete_product(identifier: str, properties: Properties) -> None:
    _catalog().delete_product(Id=identifier)


def _versions(properties: Properties) -> list[Properties]:
    versions = properties.get("ProvisioningArtifactParameters", [])
    if not versions:
        raise ResourceFailed("ProvisioningArtifactParameters must name at least one version.")
    return [
        {
            "Type": "CLOUD_FORMATION_TEMPLATE",
            **_only(version, "Name", "Description", "Info"),
            "DisableTemplateValidation": _flag(version.get("DisableTemplateValidation", False)),
        }
        for version in versions
    ]


def _version_key(version: Properties) -> tuple[str, str]:
    return version.get("Name", ""), version["Info"]["LoadTemplateFromURL"]


def _product_attributes(client: Any, identifier: str, properties: Properties) -> dict[str, str]:
    details = client.list_provisioning_artifacts(ProductId=identifier)["ProvisioningArtifactDetails"]
    return {
        "Id": identifier,
        "ProductName": properties["Name"],
        "ProvisioningArtifactIds": ",".join(item["Id"] for item in details),
        "ProvisioningArtifactNames": ",".join(item["Name"] for item in details),
    }


# AWS::ServiceCatalog associations and shares


def _associate_product(name: str, properties: Properties) -> Result:
    _catalog().associate_product_with_portfolio(**_only(properties, "PortfolioId", "ProductId", "SourcePortfolioId"))
    return f"{properties['PortfolioId']}|{properties['ProductId']}", {}


def _disassociate_product(identifier: str, properties: Properties) -> None:
    _catalog().disassociate_product_from_portfolio(**_only(properties, "PortfolioId", "ProductId"))


def _associate_principal(name: str, properties: Properties) -> Result:
    _catalog().associate_principal_with_portfolio(**_only(properties, "PortfolioId", "PrincipalARN", "PrincipalType"))
    return f"{properties['PortfolioId']}|{properties['PrincipalARN']}", {}


def _disassociate_principal(identifier: str, properties: Properties) -> None:
    _catalog().disassociate_principal_from_portfolio(
        **_only(properties, "PortfolioId", "PrincipalARN", "PrincipalType")
    )


def _create_share(name: str, properties: Properties) -> Result:
    _catalog().create_portfolio_share(
        **_only(properties, "PortfolioId", "AccountId"), ShareTagOptions=_flag(properties.get("ShareTagOptions", False))
    )
    return f"{properties['PortfolioId']}|{properties['AccountId']}", {}


def _update_share(identifier: str, old: Properties, new: Properties) -> Result:
    _catalog().update_portfolio_share(
        **_only(new, "PortfolioId", "AccountId"), ShareTagOptions=_flag(new.get("ShareTagOptions", False))
    )
    return identifier, {}


def _delete_share(identifier: str, properties: Properties) -> None:
    _catalog().delete_portfolio_share(**_only(properties, "PortfolioId", "AccountId"))


# AWS::ServiceCatalog constraints


def _launch_role(properties: Properties) -> tuple[str, Properties]:
    content = _only(properties, "RoleArn", "LocalRoleName")
    if len(content) != 1:
        raise ResourceFailed("Exactly one of RoleArn and LocalRoleName must be given.")
    return "LAUNCH", content


def _launch_template(properties: Properties) -> tuple[str, Properties]:
    rules = properties["Rules"]
    return "TEMPLATE", {"Rules": json.loads(rules) if isinstance(rules, str) else rules}


def _resource_update(properties: Properties) -> tuple[str, Properties]:
    allowed = properties["TagUpdateOnProvisionedProduct"]
    return "RESOURCE_UPDATE", {"Version": "2.0", "Properties": {"TagUpdateOnProvisionedProduct": allowed}}


def _constraint_type(name: str, content: Callable[[Properties], tuple[str, Properties]]) -> _Type:
    def create(_: str, properties: Properties) -> Result:
        kind, parameters = content(properties)
        constraint = _catalog().create_constraint(
            **_only(properties, "PortfolioId", "ProductId", "Description"),
            Type=kind,
            Parameters=json.dumps(parameters),
            IdempotencyToken=_token(),
        )["ConstraintDetail"]["ConstraintId"]
        return constraint, {"Id": constraint}

    def update(identifier: str, _: Properties, new: Properties) -> Result:
        parameters = json.dumps(content(new)[1])
        _catalog().update_constraint(Id=identifier, Parameters=parameters, **_only(new, "Description"))
        return identifier, {"Id": identifier}

    def delete(identifier: str, _: Properties) -> None:
        _catalog().delete_constraint(Id=identifier)

    return _Type(name, create, update, delete)


# AWS::ServiceCatalog tag options


def _create_tag_option(name: str, properties: Properties) -> Result:
    client = _catalog()
    identifier = client.create_tag_option(**_only(properties, "Key", "Value"))["TagOptionDetail"]["Id"]
    if "Active" in properties:
        client.update_tag_option(Id=identifier, Active=_flag(properties["Active"]))
    return identifier, {"Id": identifier}


def _update_tag_option(identifier: str, old: Properties, new: Properties) -> Result:
    _catalog().update_tag_option(Id=identifier, Active=_flag(new.get("Active", True)))
    return identifier, {"Id": identifier}


def _delete_tag_option(identifier: str, properties: Properties) -> None:
    _catalog().delete_tag_option(Id=identifier)


def _associate_tag_option(name: str, properties: Properties) -> Result:
    _catalog().associate_tag_option_with_resource(**_only(properties, "TagOptionId", "ResourceId"))
    return f"{properties['TagOptionId']}|{properties['ResourceId']}", {}


def _disassociate_tag_option(identifier: str, properties: Properties) -> None:
    _catalog().disassociate_tag_option_from_resource(**_only(properties, "TagOptionId", "ResourceId"))


# AWS::ServiceCatalog::CloudFormationProvisionedProduct

_LAUNCHED = (
    "ProductId",
    "ProductName",
    "ProvisioningArtifactId",
    "ProvisioningArtifactName",
    "PathId",
    "PathName",
    "ProvisioningParameters",
    "Tags",
)


def _provision(name: str, properties: Properties) -> Result:
    client = _catalog()
    provisioned_name = properties.get("ProvisionedProductName") or f"{name}-{uuid.uuid4().hex[:12]}"[-128:]
    record = client.provision_product(
        **_only(properties, *_LAUNCHED, "NotificationArns"),
        ProvisionedProductName=provisioned_name,
        ProvisionToken=_token(),
    )["RecordDetail"]
    identifier = record["ProvisionedProductId"]
    try:
        return _finished(client, record["RecordId"], identifier)
    except ResourceFailed:
        # A failed launch leaves a provisioned product; CloudFormation's rollback removes it.
        ended = client.terminate_provisioned_product(
            ProvisionedProductId=identifier, TerminateToken=_token(), IgnoreErrors=True
        )["RecordDetail"]
        _wait(client, ended["RecordId"])
        raise


def _update_provisioned(identifier: str, old: Properties, new: Properties) -> Result:
    client = _catalog()
    wanted = _only(new, *_LAUNCHED)
    if old.get("Tags") == new.get("Tags"):
        wanted.pop("Tags", None)
    record = client.update_provisioned_product(ProvisionedProductId=identifier, UpdateToken=_token(), **wanted)
    return _finished(client, record["RecordDetail"]["RecordId"], identifier)


def _terminate(identifier: str, properties: Properties) -> None:
    client = _catalog()
    record = client.terminate_provisioned_product(ProvisionedProductId=identifier, TerminateToken=_token())
    _wait(client, record["RecordDetail"]["RecordId"])


def _finished(client: Any, record_id: str, identifier: str) -> Result:
    _wait(client, record_id)
    outputs: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        found = client.get_provisioned_product_outputs(ProvisionedProductId=identifier, **token)
        outputs.update({item["OutputKey"]: item["OutputValue"] for item in found["Outputs"]})
        if not found.get("NextPageToken"):
            break
        token = {"PageToken": found["NextPageToken"]}
    attributes = {f"Outputs.{key}": value for key, value in outputs.items()}
    attributes["CloudformationStackArn"] = outputs["CloudformationStackARN"]
    return identifier, {**attributes, "ProvisionedProductId": identifier, "RecordId": record_id}


def _wait(client: Any, record_id: str) -> None:
    """Wait for the record. Raises ResourceFailed with the record's error."""
    while True:
        record = client.describe_record(Id=record_id)["RecordDetail"]
        if record["Status"] == "SUCCEEDED":
            return
        if record["Status"] == "FAILED":
            raise ResourceFailed("; ".join(error["Description"] for error in record["RecordErrors"]) or "FAILED")
        time.sleep(_POLL_SECONDS)


# AWS::DataZone::ProjectProfile


def _request(operation: str, properties: Properties) -> Properties:
    """Return the properties as the operation's parameters: names and types as its model has them."""
    shape: Any = service_model("datazone").operation_model(operation).input_shape
    converted: Properties = _converted(shape, properties)
    return converted


def _converted(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure":
        names = {name.lower(): name for name in shape.members}
        return {
            names[key.lower()]: _converted(shape.members[names[key.lower()]], item)
            for key, item in value.items()
            if key.lower() in names
        }
    if shape.type_name == "list":
        return [_converted(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: _converted(shape.value, item) for key, item in value.items()}
    if shape.type_name == "boolean":
        return _flag(value)
    return int(value) if shape.type_name in ("integer", "long") else value


def _create_profile(name: str, properties: Properties) -> Result:
    profile = _client("datazone").create_project_profile(**_request("CreateProjectProfile", properties))
    return f"{profile['domainId']}|{profile['id']}", _profile_attributes(profile)


def _update_profile(identifier: str, old: Properties, new: Properties) -> Result:
    domain, profile_id = identifier.split("|")
    wanted = _request("UpdateProjectProfile", new) | {"domainIdentifier": domain, "identifier": profile_id}
    return identifier, _profile_attributes(_client("datazone").update_project_profile(**wanted))


def _delete_profile(identifier: str, properties: Properties) -> None:
    domain, profile_id = identifier.split("|")
    _client("datazone").delete_project_profile(domainIdentifier=domain, identifier=profile_id)


def _profile_attributes(profile: Properties) -> dict[str, str]:
    return {
        "Id": profile["id"],
        "Identifier": profile["id"],
        "DomainId": profile["domainId"],
        "DomainUnitId": profile["domainUnitId"],
        "CreatedBy": profile["createdBy"],
        "CreatedAt": str(profile["createdAt"]),
        "LastUpdatedAt": str(profile["lastUpdatedAt"]),
    }


# AWS::DataZone::PolicyGrant


def _create_grant(name: str, properties: Properties) -> Result:
    client, wanted = _client("datazone"), _request("AddPolicyGrant", properties)
    grant = client.add_policy_grant(**wanted)["grantId"]
    keys = ("DomainIdentifier", "EntityIdentifier", "EntityType", "PolicyType")
    domain, entity, kind, policy = (properties[key] for key in keys)
    return "|".join((domain, grant, entity, kind, policy)), {"GrantId": grant}


def _delete_grant(identifier: str, properties: Properties) -> None:
    wanted = {key: value for key, value in properties.items() if key != "Detail"}
    grant = identifier.split("|")[1]
    _client("datazone").remove_policy_grant(**_request("RemovePolicyGrant", wanted), grantIdentifier=grant)


# AWS::IAM::OIDCProvider and AWS::IAM::RolePolicy, on MiniStack's own IAM


def _create_provider(name: str, properties: Properties) -> Result:
    if "Url" not in properties:
        raise ResourceFailed("Url must be given.")
    arn = _client("iam").create_open_id_connect_provider(
        **_only(properties, "Url", "Tags"),
        ClientIDList=properties.get("ClientIdList", []),
        ThumbprintList=properties.get("ThumbprintList", []),
    )["OpenIDConnectProviderArn"]
    return arn, {"Arn": arn}


def _update_provider(identifier: str, old: Properties, new: Properties) -> Result:
    """Make it anew under the same ARN: MiniStack's IAM has no call that changes a provider."""
    _delete_provider(identifier, old)
    return _create_provider(identifier, new)


def _delete_provider(identifier: str, properties: Properties) -> None:
    _client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=identifier)


def _put_role_policy(name: str, properties: Properties) -> Result:
    document = properties.get("PolicyDocument", {})
    _client("iam").put_role_policy(
        RoleName=properties["RoleName"],
        PolicyName=properties["PolicyName"],
        PolicyDocument=document if isinstance(document, str) else json.dumps(document),
    )
    return f"{properties['PolicyName']}|{properties['RoleName']}", {}


def _update_role_policy(identifier: str, old: Properties, new: Properties) -> Result:
    return _put_role_policy(identifier, new)


def _delete_role_policy(identifier: str, properties: Properties) -> None:
    _client("iam").delete_role_policy(RoleName=properties["RoleName"], PolicyName=properties["PolicyName"])


_SC = "AWS::ServiceCatalog::"
_TYPES = (
    _Type(f"{_SC}Portfolio", _create_portfolio, _update_portfolio, _delete_portfolio),
    _Type(f"{_SC}CloudFormationProduct", _create_product, _update_product, _delete_product),
    _Type(f"{_SC}PortfolioProductAssociation", _associate_product, None, _disassociate_product),
    _Type(f"{_SC}PortfolioPrincipalAssociation", _associate_principal, None, _disassociate_principal),
    _Type(f"{_SC}PortfolioShare", _create_share, _update_share, _delete_share),
    _constraint_type(f"{_SC}LaunchRoleConstraint", _launch_role),
    _constraint_type(f"{_SC}LaunchTemplateConstraint", _launch_template),
    _constraint_type(f"{_SC}ResourceUpdateConstraint", _resource_update),
    _Type(f"{_SC}TagOption", _create_tag_option, _update_tag_option, _delete_tag_option),
    _Type(f"{_SC}TagOptionAssociation", _associate_tag_option, None, _disassociate_tag_option),
    _Type(f"{_SC}CloudFormationProvisionedProduct", _provision, _update_provisioned, _terminate),
    _Type("AWS::DataZone::ProjectProfile", _create_profile, _update_profile, _delete_profile),
    _Type("AWS::DataZone::PolicyGrant", _create_grant, None, _delete_grant),
    _Type("AWS::IAM::OIDCProvider", _create_provider, _update_provider, _delete_provider),
    _Type("AWS::IAM::RolePolicy", _put_role_policy, _update_role_policy, _delete_role_policy),
)

RESOURCE_TYPES: dict[str, dict[str, Any]] = {item.name: item.handlers() for item in _TYPES}
"""MiniStack's handlers by type name."""
