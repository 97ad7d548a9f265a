"""What the roles of a project's workflows may watch and scale, and the tags that say whose a resource is."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from products.functions import statement

PROJECT_TAG = "AmazonDataZoneProject"
STAGE_TAG = "studio:stage"  # production's resources carry it with the value `production`
ALARMS = (
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListTagsForResource",
    "cloudwatch:TagResource",
    "cloudwatch:UntagResource",
)
# Application Auto Scaling keeps a policy's alarms itself, but checks first that its caller may (its user guide,
# "Permissions validation for Application Auto Scaling API calls on target resources").
_CHECKED_ALARMS = ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms")
_REGISTER = ("application-autoscaling:RegisterScalableTarget", "application-autoscaling:TagResource")
_SCALE = (
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:PutScalingPolicy",
    "application-autoscaling:DeleteScalingPolicy",
    "application-autoscaling:ListTagsForResource",
)
# Application Auto Scaling has no resources for describing.
_DESCRIBE = (
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
)
_OF_SAGEMAKER = {"application-autoscaling:service-namespace": "sagemaker"}
_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_SERVICE_ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


def tags(of: str, values: dict[str, str]) -> dict[str, str]:
    """Return the condition keys of tags `of` the Request or the Resource, with their values."""
    return {f"aws:{of}Tag/{key}": value for key, value in values.items()}


def tracking_alarms(endpoint: str) -> str:
    """Return the names, a pattern, of the alarms that target tracking keeps for an endpoint."""
    return f"TargetTracking-endpoint/{endpoint}*"


def scaling_statements(targets: str, alarms: str, project_id: str) -> list[iam.PolicyStatement]:
    """Return the autoscaling of the project's endpoints, for the role that deploys production.

    `targets`, `alarms`: the ARNs of scalable targets, and of target tracking's alarms on the project's endpoints.

    Application Auto Scaling tells IAM no endpoint, only the service and the target's tags. A target that carries
    another project's tag is out of reach; one that nobody has tagged is not.
    """
    project = {PROJECT_TAG: project_id}
    return [
        statement(
            _REGISTER,
            [targets],
            StringEquals=_OF_SAGEMAKER | tags("Request", project),
            StringEqualsIfExists=tags("Resource", project),
        ),
        statement(
            [*_REGISTER, *_SCALE],
            [targets],
            StringEquals=tags("Resource", project),
            StringEqualsIfExists=_OF_SAGEMAKER | tags("Request", project),
        ),
        statement(_CHECKED_ALARMS, [alarms]),
        statement(_DESCRIBE, ["*"]),
        _service_role(),
    ]


def bounded_scaling(targets: str, alarms: str) -> list[iam.PolicyStatement]:
    """Return the same for the boundary: of endpoints, whosever."""
    return [
        statement([*_REGISTER, *_SCALE], [targets], StringEqualsIfExists=_OF_SAGEMAKER),
        statement(_CHECKED_ALARMS, [alarms]),
        statement(_DESCRIBE, ["*"]),
        _service_role(),
    ]


def _service_role() -> iam.PolicyStatement:
    """Return the creation of the account's service-linked role for scaling endpoints, which the first target needs."""
    return statement(
        ["iam:CreateServiceLinkedRole"],
        [f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/aws-service-role/{_SERVICE}/{_SERVICE_ROLE}"],
        StringEquals={"iam:AWSServiceName": _SERVICE},
    )
