"""The Actions secrets and variables that the product puts into the two repositories, by name. Imports no aws_cdk."""

from __future__ import annotations

_READ_BY_TEMPLATES = (  # the seed's names
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
)
# Without a value in a project that SageMaker has no domain or space of, or no MLflow server: not set then.
NOT_OF_EVERY_PROJECT = frozenset({"SAGEMAKER_DOMAIN_ARN", "SAGEMAKER_SPACE_ARN", "MLFLOW_TRACKING_URI"})
PRODUCTION_ROLE = "OIDC_ROLE_GITHUB_PRODUCTION"
SECRETS = {"Build": _READ_BY_TEMPLATES, "Deploy": (*_READ_BY_TEMPLATES, "DEPLOY_ACCOUNT", PRODUCTION_ROLE)}
TRIGGER = "TRIGGER_PIPELINE_EXECUTION"
# Plain facts, beside the secrets of the same names: GitHub masks a secret's value wherever it stands in a log.
_FACTS = ("REGION", "AMAZON_DATAZONE_SCOPENAME", "MODEL_PACKAGE_GROUP_NAME")
_DATA = ("GLUE_DATABASE", "GLUE_TABLE", "ATHENA_WORKGROUP")
VARIABLES = {"Build": (TRIGGER, *_FACTS, *_DATA), "Deploy": (TRIGGER, *_FACTS)}
