"""A project as tests know it."""

ENVIRONMENT = {
    "REGION": "eu-west-1",
    "SAGEMAKER_PIPELINE_ROLE_ARN": "arn:aws:iam::111122223333:role/pipeline",
    "ARTIFACT_BUCKET": "artifacts",
    "MODEL_PACKAGE_GROUP_NAME": "aiops-p1-models",
    "AMAZON_DATAZONE_DOMAIN": "dzd_1",
    "AMAZON_DATAZONE_PROJECT": "p1",
}
