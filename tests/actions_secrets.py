"""The names that templates read (the seed's), as the product must set them: in both repositories, and in deploy."""

from __future__ import annotations

SECRETS = {
    "SAGEMAKER_DOMAIN_ARN",
    "SAGEMAKER_SPACE_ARN",
    "SAGEMAKER_PIPELINE_ROLE_ARN",
    "OIDC_ROLE_GITHUB_WORKFLOW",
    "SAGEMAKER_PROJECT_NAME",
    "SAGEMAKER_PROJECT_ID",
    "AMAZON_DATAZONE_DOMAIN",
    "AMAZON_DATAZONE_SCOPENAME",
    "AMAZON_DATAZONE_PROJECT",
    "REGION",
    "ARTIFACT_BUCKET",
    "MODEL_PACKAGE_GROUP_NAME",
    "GLUE_DATABASE",
    "GLUE_TABLE",
    "MLFLOW_TRACKING_URI",
}
DEPLOY_SECRETS = SECRETS | {"DEPLOY_ACCOUNT", "OIDC_ROLE_GITHUB_PRODUCTION"}
