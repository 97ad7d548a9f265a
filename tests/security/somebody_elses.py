"""What is somebody else's in the account, by the actions of our roles, and why IAM cannot bind some to what is ours."""

from __future__ import annotations

from tests.synth.policies import ACCOUNT, REGION

HERE = f"{REGION}:{ACCOUNT}"


def on(arn: str, actions: str) -> dict[str, str]:
    """Return the ARN by each action of a text such as `s3:GetObject PutObject`."""
    service, _, names = actions.partition(":")
    return {f"{service}:{name}": arn for name in names.split()}


# action -> something of somebody else in the account, which no role of ours may use it on.
SOMEBODY_ELSES = {
    **on(
        f"arn:aws:cloudformation:{HERE}:stack/Payroll/1",
        "cloudformation:CreateChangeSet CreateStack DeleteChangeSet DeleteStack DescribeChangeSet DescribeStackEvents "
        "DescribeStackResources DescribeStacks ExecuteChangeSet GetTemplate ListChangeSets SetStackPolicy TagResource "
        "UntagResource UpdateStack",
    ),
    **on(
        f"arn:aws:iam::{ACCOUNT}:role/Admin",
        "iam:CreateRole DeleteRole DeleteRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies "
        "PassRole PutRolePermissionsBoundary PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole "
        "UpdateRoleDescription",
    ),
    **on(f"arn:aws:kms:{HERE}:key/payroll", "kms:Decrypt DescribeKey GenerateDataKey GenerateMac"),
    **on(f"arn:aws:lambda:{HERE}:function:payroll", "lambda:GetFunction InvokeFunction"),
    **on(
        f"arn:aws:logs:{HERE}:log-group:/aws/lambda/payroll:log-stream:x",
        "logs:CreateLogStream PutLogEvents",
    ),
    **on("arn:aws:s3:::payroll/file.zip", "s3:AbortMultipartUpload GetObject PutObject"),
    **on("arn:aws:s3:::payroll", "s3:ListBucket"),
    **on(f"arn:aws:dynamodb:{HERE}:table/payroll", "dynamodb:DeleteItem GetItem PutItem UpdateItem"),
    **on(
        f"arn:aws:sagemaker:{HERE}:model-package-group/payroll",
        "sagemaker:AddTags CreateModelPackageGroup ListTags",
    ),
    **on(f"arn:aws:secretsmanager:{HERE}:secret:payroll-AbCdEf", "secretsmanager:GetSecretValue"),
    **on(
        f"arn:aws:catalog:{HERE}:product/prod-payroll",
        "servicecatalog:DescribeProduct DescribeProvisioningArtifact DescribeProvisioningParameters ListLaunchPaths "
        "ListProvisioningArtifacts ProvisionProduct UpdateProvisioningArtifact",
    ),
    **on(f"arn:aws:sns:{HERE}:payroll", "sns:Publish"),
    **on(
        f"arn:aws:sqs:{HERE}:payroll",
        "sqs:ChangeMessageVisibility DeleteMessage GetQueueAttributes GetQueueUrl ReceiveMessage SendMessage",
    ),
    **on(f"arn:aws:ssm:{HERE}:parameter/payroll/product-id", "ssm:GetParameter GetParameters"),
    **on(f"arn:aws:states:{HERE}:stateMachine:payroll", "states:StartExecution"),
    **on(f"arn:aws:states:{HERE}:execution:payroll:1", "states:DescribeExecution StopExecution"),
    **on(f"arn:aws:events:{HERE}:rule/payroll", "events:DescribeRule PutRule PutTargets"),
    **on(f"arn:aws:events:{HERE}:event-bus/payroll", "events:PutEvents"),
}
NO_RESOURCES = "IAM has no resources for it (service authorization reference)."
LAUNCHES = "Launches have no resources in IAM: Service Catalog shows a caller what it launched."
# service or action -> why a role may use it on what is not ours. By role where only one may.
NOT_BOUND_FOR_ALL = {
    "datazone": "DataZone has no resources in IAM: it decides by domain, project and membership.",
    "cloudwatch:PutMetricData": NO_RESOURCES,  # bound by the namespace
    "cloudformation:GetTemplateSummary": "Asked before there is a stack.",
    "cloudformation:ListStacks": NO_RESOURCES,
    "cloudformation:ValidateTemplate": "Asked before there is a stack.",
    "logs:CreateLogDelivery": NO_RESOURCES,
    "logs:DeleteLogDelivery": NO_RESOURCES,
    "logs:DescribeLogGroups": NO_RESOURCES,
    "logs:DescribeResourcePolicies": NO_RESOURCES,
    "logs:GetLogDelivery": NO_RESOURCES,
    "logs:ListLogDeliveries": NO_RESOURCES,
    "logs:PutResourcePolicy": NO_RESOURCES,
    "logs:UpdateLogDelivery": NO_RESOURCES,
    "sagemaker:DescribeDomain": "A project's SageMaker domain is found by reading the account's domains.",
    "sagemaker:ListDomains": NO_RESOURCES,
    "sagemaker:ListSpaces": NO_RESOURCES,
    "servicecatalog:DescribeProvisionedProduct": LAUNCHES,
    "servicecatalog:DescribeRecord": LAUNCHES,
    "servicecatalog:GetProvisionedProductOutputs": LAUNCHES,
    "servicecatalog:ListTagsForResource": LAUNCHES,
    "servicecatalog:SearchProvisionedProducts": LAUNCHES,
    "servicecatalog:TagResource": LAUNCHES,
    "servicecatalog:TerminateProvisionedProduct": LAUNCHES,
    "servicecatalog:UntagResource": LAUNCHES,
    "servicecatalog:UpdateProvisionedProduct": LAUNCHES,
    # By role.
    "RepositoryTemplateRole servicecatalog:DescribeProvisioningArtifact": "The portfolio comes later: any product.",
    "VersionGuidanceRole servicecatalog:ListProvisioningArtifacts": "The portfolio is deployed later: any product.",
    "VersionGuidanceRole servicecatalog:UpdateProvisioningArtifact": "The portfolio is deployed later: any product.",
    "waiterstatemachineRole logs:CreateLogStream": "The CDK's statement for log delivery, which has no resources.",
    "waiterstatemachineRole logs:PutLogEvents": "The CDK's statement for log delivery, which has no resources.",
}
