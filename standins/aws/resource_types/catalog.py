"""Portfolios, products and what ties them together: AWS::ServiceCatalog but for constraints and launches."""

from __future__ import annotations

from typing import Any

from standins.aws.resource_types.handling import (
    Properties,
    ResourceFailed,
    ResourceType,
    Result,
    client_of_caller,
    flag,
    only,
    token,
)

_PRODUCT = ("Name", "Owner", "Description", "Distributor", "SupportDescription", "SupportEmail", "SupportUrl")


def _catalog() -> Any:
    return client_of_caller("servicecatalog")


def _create_portfolio(name: str, properties: Properties) -> Result:
    described = only(properties, "DisplayName", "ProviderName", "Description", "Tags")
    detail = _catalog().create_portfolio(**described, IdempotencyToken=token())["PortfolioDetail"]
    return detail["Id"], {"Id": detail["Id"], "PortfolioName": detail["DisplayName"]}


def _update_portfolio(identifier: str, old: Properties, new: Properties) -> Result:
    described = only(new, "DisplayName", "ProviderName", "Description")
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


def _create_product(name: str, properties: Properties) -> Result:
    first, *others = _versions(properties)
    client = _catalog()
    view = client.create_product(
        **only(properties, *_PRODUCT, "Tags"),
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters=first,
        IdempotencyToken=token(),
    )["ProductViewDetail"]
    identifier = view["ProductViewSummary"]["ProductId"]
    for version in others:
        client.create_provisioning_artifact(ProductId=identifier, Parameters=version, IdempotencyToken=token())
    return identifier, _product_attributes(client, identifier, properties)


def _update_product(identifier: str, old: Properties, new: Properties) -> Result:
    """Keep the versions that are the same by name and template, add the new ones, drop those no longer listed."""
    client = _catalog()
    client.update_product(Id=identifier, **only(new, *_PRODUCT), **_tag_change(old, new))
    wanted = {_version_key(version): version for version in _versions(new)}
    present: dict[tuple[str, str], str] = {}
    for detail in client.list_provisioning_artifacts(ProductId=identifier)["ProvisioningArtifactDetails"]:
        found = client.describe_provisioning_artifact(ProductId=identifier, ProvisioningArtifactId=detail["Id"])
        present[detail["Name"], found["Info"]["TemplateUrl"]] = detail["Id"]
    replace = flag(new.get("ReplaceProvisioningArtifacts", False))
    for key, version in wanted.items():
        if replace or key not in present:
            client.create_provisioning_artifact(ProductId=identifier, Parameters=version, IdempotencyToken=token())
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
            **only(version, "Name", "Description", "Info"),
            "DisableTemplateValidation": flag(version.get("DisableTemplateValidation", False)),
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


def _associate_product(name: str, properties: Properties) -> Result:
    _catalog().associate_product_with_portfolio(**only(properties, "PortfolioId", "ProductId", "SourcePortfolioId"))
    return f"{properties['PortfolioId']}|{properties['ProductId']}", {}


def _disassociate_product(identifier: str, properties: Properties) -> None:
    _catalog().disassociate_product_from_portfolio(**only(properties, "PortfolioId", "ProductId"))


def _associate_principal(name: str, properties: Properties) -> Result:
    _catalog().associate_principal_with_portfolio(**only(properties, "PortfolioId", "PrincipalARN", "PrincipalType"))
    return f"{properties['PortfolioId']}|{properties['PrincipalARN']}", {}


def _disassociate_principal(identifier: str, properties: Properties) -> None:
    _catalog().disassociate_principal_from_portfolio(**only(properties, "PortfolioId", "PrincipalARN", "PrincipalType"))


def _create_share(name: str, properties: Properties) -> Result:
    _catalog().create_portfolio_share(
        **only(properties, "PortfolioId", "AccountId"), ShareTagOptions=flag(properties.get("ShareTagOptions", False))
    )
    return f"{properties['PortfolioId']}|{properties['AccountId']}", {}


def _update_share(identifier: str, old: Properties, new: Properties) -> Result:
    _catalog().update_portfolio_share(
        **only(new, "PortfolioId", "AccountId"), ShareTagOptions=flag(new.get("ShareTagOptions", False))
    )
    return identifier, {}


def _delete_share(identifier: str, properties: Properties) -> None:
    _catalog().delete_portfolio_share(**only(properties, "PortfolioId", "AccountId"))


def _create_tag_option(name: str, properties: Properties) -> Result:
    client = _catalog()
    identifier = client.create_tag_option(**only(properties, "Key", "Value"))["TagOptionDetail"]["Id"]
    if "Active" in properties:
        client.update_tag_option(Id=identifier, Active=flag(properties["Active"]))
    return identifier, {"Id": identifier}


def _update_tag_option(identifier: str, old: Properties, new: Properties) -> Result:
    _catalog().update_tag_option(Id=identifier, Active=flag(new.get("Active", True)))
    return identifier, {"Id": identifier}


def _delete_tag_option(identifier: str, properties: Properties) -> None:
    _catalog().delete_tag_option(Id=identifier)


def _associate_tag_option(name: str, properties: Properties) -> Result:
    _catalog().associate_tag_option_with_resource(**only(properties, "TagOptionId", "ResourceId"))
    return f"{properties['TagOptionId']}|{properties['ResourceId']}", {}


def _disassociate_tag_option(identifier: str, properties: Properties) -> None:
    _catalog().disassociate_tag_option_from_resource(**only(properties, "TagOptionId", "ResourceId"))


_SC = "AWS::ServiceCatalog::"
TYPES = (
    ResourceType(f"{_SC}Portfolio", _create_portfolio, _update_portfolio, _delete_portfolio),
    ResourceType(f"{_SC}CloudFormationProduct", _create_product, _update_product, _delete_product),
    ResourceType(f"{_SC}PortfolioProductAssociation", _associate_product, None, _disassociate_product),
    ResourceType(f"{_SC}PortfolioPrincipalAssociation", _associate_principal, None, _disassociate_principal),
    ResourceType(f"{_SC}PortfolioShare", _create_share, _update_share, _delete_share),
    ResourceType(f"{_SC}TagOption", _create_tag_option, _update_tag_option, _delete_tag_option),
    ResourceType(f"{_SC}TagOptionAssociation", _associate_tag_option, None, _disassociate_tag_option),
)
