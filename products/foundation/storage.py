"""What launches keep: the GitHub token's secret, the template archives, the rate budget, and the keys.

The classes of this package are not constructs: their resources are the stack's own. A construct's path is in the
logical ids of all below it, and CloudFormation replaces a resource whose logical id changes.
"""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from products.settings import Settings

# What administrators do with the key of the requests, and who deploys encrypts with it: no Decrypt, no grants
# (docs/studio.md, A33).
_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GenerateDataKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
)


class Storage:
    """The keys, the token's secret, the archive bucket and the budget table."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        """Create them in `scope`."""
        self.key = kms.Key(
            scope,
            "Key",
            alias=f"alias/{settings.prefix}",
            description="Encrypts the GitHub token and the notifications of the Studio project template",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
            pending_window=Duration.days(30),
        )
        self.requests_key = requests_key(scope)
        self.seal_key = _seal_key(scope, settings.prefix)
        self.token_secret = _token_secret(scope, settings.git_config.github_token_secret_name, self.key)
        self.archives = kept_bucket(scope, "Archives")
        self.budget = dynamodb.Table(
            scope,
            "RateBudget",
            partition_key=dynamodb.Attribute(name="Id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            time_to_live_attribute="ExpiresAt",  # of a request's wait, which outlives the request
            removal_policy=RemovalPolicy.DESTROY,
        )


def requests_key(scope: Construct) -> kms.Key:
    """Return the key of requests that wait or could not be handled: each holds a ResponseURL (docs/decisions/0066).

    The account's administrators keep the key, but its policy, not IAM, says who decrypts: `Functions` adds them.
    """
    stack = Stack.of(scope)
    logs = stack.format_arn(service="logs", resource="*", arn_format=ArnFormat.NO_RESOURCE_NAME)
    return kms.Key(
        scope,
        "RequestsKey",
        description="Encrypts the waiting CloudFormation requests of the Studio project template",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.DESTROY,
        pending_window=Duration.days(30),
        policy=iam.PolicyDocument(
            statements=[
                iam.PolicyStatement(
                    principals=[iam.AccountRootPrincipal()], actions=list(_ADMINISTRATION), resources=["*"]
                ),
                # What the waiters log, which is without data, is encrypted on its way to CloudWatch.
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")],
                    actions=["kms:Decrypt"],
                    resources=["*"],
                    conditions={"StringEquals": {"kms:EncryptionContext:SourceArn": logs}},
                ),
            ]
        ),
    )


def _seal_key(scope: Construct, prefix: str) -> kms.Key:
    """Return the key that proves whose a repository is. It outlives the stack: no other key proves what it has."""
    return kms.Key(
        scope,
        "SealKey",
        alias=f"alias/{prefix}-seals",
        description="Proves which GitHub repositories belong to the Studio project template (docs/decisions/0060)",
        key_spec=kms.KeySpec.HMAC_256,
        key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC,
        removal_policy=RemovalPolicy.RETAIN,
        pending_window=Duration.days(30),
    )


def _token_secret(scope: Construct, name: str, key: kms.IKey) -> secretsmanager.Secret:
    """Return a secret that has no value until an administrator puts the token in: neither given nor generated."""
    secret = secretsmanager.Secret(
        scope,
        "GitHubToken",
        secret_name=name,
        description="The GitHub token or App key of the Studio project template. Put the value after deployment",
        encryption_key=key,
        removal_policy=RemovalPolicy.DESTROY,
    )
    secret.node.default_child.add_property_deletion_override("GenerateSecretString")  # type: ignore[union-attr]
    return secret


def kept_bucket(scope: Construct, construct_id: str, name: str | None = None) -> s3.Bucket:
    """Return a bucket of what launched projects go on needing: it outlives the stack. `name`: None = made up."""
    return s3.Bucket(
        scope,
        construct_id,
        bucket_name=name,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        versioned=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
