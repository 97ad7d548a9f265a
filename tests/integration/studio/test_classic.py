"""The same product from SageMaker Studio classic, which fills in SageMakerProjectName and SageMakerProjectId."""

from __future__ import annotations

import pytest

from local import run as runs
from tests.integration.studio.conftest import Installation, eventually

pytestmark = pytest.mark.shares("projects", seconds=60)

PROJECT = "p-abc123def456"


def test_a_classic_project_gets_its_repositories(installation: Installation) -> None:
    catalog = installation.client_as("studio-mlops-provisioning", "servicecatalog")
    parameters = {
        "DomainId": "classic",
        "SageMakerProjectName": "churn-classic",
        "SageMakerProjectId": PROJECT,
        "ProfileName": "regression",
        "Organization": runs.ORGANIZATION,
    }
    launched = catalog.provision_product(
        ProductId=installation.stack_outputs("PortfolioStack")["ProductId"],
        ProvisioningArtifactName=installation.version,
        ProvisionedProductName=f"{PROJECT}-classic",
        ProvisionToken=PROJECT,
        ProvisioningParameters=[{"Key": key, "Value": value} for key, value in parameters.items()],
    )["RecordDetail"]["RecordId"]

    def ended() -> str:
        record = installation.catalog.describe_record(Id=launched)["RecordDetail"]
        assert record["Status"] != "FAILED", record["RecordErrors"]
        return str(record["Status"]) if record["Status"] == "SUCCEEDED" else ""

    eventually(ended)
    build = installation.repository(f"{PROJECT}-classic-build-repo")
    assert build["secrets"]["SAGEMAKER_PROJECT_NAME"] == "churn-classic"
    assert build["secrets"]["SAGEMAKER_PROJECT_ID"] == PROJECT
    assert build["secrets"]["SAGEMAKER_PIPELINE_ROLE_ARN"].endswith("AmazonSageMakerServiceCatalogProductsUseRole")
    assert "SAGEMAKER_DOMAIN_ARN" not in build["secrets"]
    product = installation.stack_outputs("PortfolioStack")["ProductId"]
    tags = installation.catalog.describe_product_as_admin(Id=product)["Tags"]
    assert {"Key": "sagemaker:studio-visibility", "Value": "true"} in tags
