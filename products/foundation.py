"""FoundationStack: what launches of the product run on, once per account and region.

For each custom resource one function behind the CDK's provider framework, with a role of its own; the secret of
the GitHub token; the bucket of the template archives; the layers; alarms, dashboard and dead letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import (
    ArnFormat,
    CfnCondition,
    CfnOutput,
    CfnParameter,
    DefaultStackSynthesizer,
    Duration,
    Fn,
    RemovalPolicy,
    Stack,
    Token,
    custom_resources,
)
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from products.functions import HANDLERS, METRICS_NAMESPACE, PATIENCE, Functions, Handler, statement
from products.settings import Settings

FOUNDATION_STACK = "FoundationStack"
PORTFOLIO_STACK = "PortfolioStack"
ADMIN_STACKS = (PORTFOLIO_STACK, "StudioStack*")  # their custom resources are not the product's
READABLE_TAG = "studio-mlops:readable"


class FoundationStack(Stack):
    """Providers, token secret, archive bucket, layers, roles, alarms."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, **kwargs: Any) -> None:
        """Build everything from the settings."""
        super().__init__(scope, construct_id, **kwargs)
        self.settings = settings
        self._addresses = github_addresses(self, settings)
        self._storage()
        self._notifications()
        functions = Functions(self, settings, self.dead_letters)
        self.functions: dict[str, lambda_.Function] = {}
        self.providers: dict[str, custom_resources.Provider] = {}
        for handler in HANDLERS:
            function = functions.function(handler, self._statements(handler), self.function_environment(handler))
            self.functions[handler.name] = function
            self.providers[handler.name] = functions.provider(handler, function)
        self._alarms()
        self._dashboard()
        self._exports()
        token_secret = settings.git_config.github_token_secret_name
        CfnOutput(self, "TokenSecret", value=token_secret, description="Put the GitHub token here")
        CfnOutput(self, "ArchiveBucket", value=self.archives.bucket_name)
        CfnOutput(self, "NotificationTopic", value=self.topic.topic_arn)

    # -- what functions use ---------------------------------------------------------------------------------

    def _storage(self) -> None:
        settings = self.settings
        self.key = kms.Key(
            self,
            "Key",
            alias=f"alias/{settings.prefix}",
            description="The GitHub token and the notifications of the Studio project template",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
            pending_window=Duration.days(30),
        )
        # No SecretString and no generated one: the secret has no value until an administrator puts the token in.
        self.token_secret = secretsmanager.Secret(
            self,
            "GitHubToken",
            secret_name=settings.git_config.github_token_secret_name,
            description="GitHub token or App key of the Studio project template; set after deployment",
            encryption_key=self.key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.token_secret.node.default_child.add_property_deletion_override("GenerateSecretString")  # type: ignore[union-attr]
        # Launched projects go on needing their archives: the bucket outlives the stack.
        self.archives = s3.Bucket(
            self,
            "Archives",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.budget = dynamodb.Table(
            self,
            "RateBudget",
            partition_key=dynamodb.Attribute(name="Id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _notifications(self) -> None:
        self.topic = sns.Topic(self, "Notifications", master_key=self.key, enforce_ssl=True)
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # in a key's policy: this key
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        # A topic with a policy of its own (enforce_ssl) has lost the one that lets the account's services publish.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublish",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        if self.settings.notification_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(self.settings.notification_email))
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )

    # -- functions: environment and exactly the calls of docs/interfaces.md -----------------------------------

    def function_environment(self, handler: Handler) -> dict[str, str]:
        """Return what a handler's function finds in its environment."""
        environment = {"PATIENCE_SECONDS": str(PATIENCE.to_seconds())}
        if handler.github:
            environment |= {
                **self._addresses,
                "GITHUB_TOKEN_SECRET": self.settings.git_config.github_token_secret_name,
                "BUDGET_TABLE": self.budget.table_name,
            }
        if handler.archives or handler.name == "template_archive":
            environment["TEMPLATE_BUCKET"] = self.archives.bucket_name
        return environment

    def _exports(self) -> None:
        """Export what StudioStack uses, also while it does not: a feature that is switched off takes no export away.

        CloudFormation neither changes nor removes an export that another stack still imports, and this stack is
        deployed first. So nothing that can change is exported: GitHub's addresses are each stack's own.
        """
        for value in (self.topic.topic_arn, self.key.key_arn, self.budget.table_arn, self.budget.table_name):
            self.export_value(value)

    def _statements(self, handler: Handler) -> list[iam.PolicyStatement]:
        special = {
            "studio_project": self._studio_statements,
            "actions_configuration": self._reference_statements,
            "template_archive": self._store_statements,
            "version_guidance": self._version_statements,
            "studio_blueprint": self._blueprint_statements,
            "studio_project_profile": self._profile_statements,
        }.get(handler.name)
        return [
            statement(["cloudformation:DescribeStacks"], self._stacks(handler)),
            *([statement(["s3:GetObject"], [self.archives.arn_for_objects("*")])] if handler.archives else []),
            *(self.github_statements() if handler.github else []),
            *(special() if special else []),
        ]

    def _stacks(self, handler: Handler) -> list[str]:
        """The stacks whose requests a function serves: it looks at their state before it writes."""
        names = self.settings.launch_stacks if handler.in_product else ADMIN_STACKS
        return [
            self.format_arn(service="cloudformation", resource="stack", resource_name=f"{name}/*") for name in names
        ]

    def _store_statements(self) -> list[iam.PolicyStatement]:
        qualifier = self.synthesizer.bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER
        assets = f"arn:{self.partition}:s3:::cdk-{qualifier}-assets-{self.account}-{self.region}/*.zip"
        return [
            statement(["s3:GetObject"], [assets, self.archives.arn_for_objects("*")]),
            statement(["s3:PutObject", "s3:AbortMultipartUpload"], [self.archives.arn_for_objects("*.zip")]),
            # Without it S3 answers 403, not 404, for an archive that is not there yet.
            statement(["s3:ListBucket"], [self.archives.bucket_arn]),
        ]

    def _version_statements(self) -> list[iam.PolicyStatement]:
        products = self.format_arn(service="catalog", resource="product", resource_name="*")
        return [
            statement(
                ["servicecatalog:ListProvisioningArtifacts", "servicecatalog:UpdateProvisioningArtifact"], [products]
            )
        ]

    def _blueprint_statements(self) -> list[iam.PolicyStatement]:
        role = self.format_arn(
            service="iam", region="", resource="role", resource_name=self.settings.provisioning_role_name
        )
        manage_access = self.settings.studio.manage_access_role_arn
        return [
            # IAM knows no resources for these (service authorization reference).
            statement(
                [
                    "datazone:GetDomain",
                    "datazone:ListEnvironmentBlueprints",
                    "datazone:GetEnvironmentBlueprint",
                    "datazone:CreateEnvironmentBlueprint",
                    "datazone:UpdateEnvironmentBlueprint",
                    "datazone:DeleteEnvironmentBlueprint",
                    "datazone:GetEnvironmentBlueprintConfiguration",
                    "datazone:PutEnvironmentBlueprintConfiguration",
                    "datazone:DeleteEnvironmentBlueprintConfiguration",
                    "datazone:ListProjects",
                    "datazone:ListEnvironments",
                    "datazone:ListPolicyGrants",
                    "datazone:AddPolicyGrant",
                    "datazone:RemovePolicyGrant",
                ],
                ["*"],
            ),
            statement(
                ["iam:PassRole"],
                [role, *([manage_access] if manage_access else [])],
                StringEquals={"iam:PassedToService": "datazone.amazonaws.com"},
            ),
        ]

    def _profile_statements(self) -> list[iam.PolicyStatement]:
        return [
            # IAM knows no resources for these (service authorization reference).
            statement(
                [
                    "datazone:GetDomain",
                    "datazone:ListEnvironmentBlueprints",
                    "datazone:ListProjectProfiles",
                    "datazone:GetProjectProfile",
                    "datazone:CreateProjectProfile",
                    "datazone:UpdateProjectProfile",
                    "datazone:DeleteProjectProfile",
                    "datazone:ListPolicyGrants",
                    "datazone:AddPolicyGrant",
                    "datazone:RemovePolicyGrant",
                ],
                ["*"],
            )
        ]

    def _studio_statements(self) -> list[iam.PolicyStatement]:
        sagemaker_domains = self.format_arn(service="sagemaker", resource="domain", resource_name="*")
        return [
            # IAM knows no resources for these (service authorization reference): DataZone itself decides by
            # domain and project.
            statement(
                [
                    "datazone:GetProject",
                    "datazone:GetProjectProfile",
                    "datazone:ListEnvironments",
                    "datazone:GetEnvironment",
                    "datazone:ListConnections",
                    "datazone:GetConnection",
                ],
                ["*"],
            ),
            statement(["sagemaker:DescribeDomain", "sagemaker:ListTags"], [sagemaker_domains]),
            # SageMaker has no resource for listing.
            statement(["sagemaker:ListDomains", "sagemaker:ListSpaces"], ["*"]),
        ]

    def github_statements(self) -> list[iam.PolicyStatement]:
        """Return what a function that talks to GitHub may do: the token, and the rate budget."""
        # By its name and the six characters that Secrets Manager adds: emulators give `Ref` another form.
        token_secret = self.format_arn(
            service="secretsmanager",
            resource="secret",
            resource_name=f"{self.settings.git_config.github_token_secret_name}-??????",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        return [
            statement(["secretsmanager:GetSecretValue"], [token_secret]),
            statement(
                ["kms:Decrypt"],
                [self.key.key_arn],
                StringEquals={"kms:ViaService": f"secretsmanager.{self.region}.amazonaws.com"},
            ),
            statement(["dynamodb:GetItem", "dynamodb:PutItem"], [self.budget.table_arn]),
        ]

    def _reference_statements(self) -> list[iam.PolicyStatement]:
        """Secrets that a project's administrator has opened to us by a tag, and keys of their own, by the same tag."""
        secrets = self.format_arn(
            service="secretsmanager", resource="secret", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        keys = self.format_arn(service="kms", resource="key", resource_name="*")
        readable = {f"aws:ResourceTag/{READABLE_TAG}": "true"}
        via = {"kms:ViaService": f"secretsmanager.{self.region}.amazonaws.com"}
        return [
            statement(["secretsmanager:GetSecretValue"], [secrets], StringEquals=readable),
            statement(["kms:Decrypt"], [keys], StringEquals={**readable, **via}),
        ]

    # -- watching ---------------------------------------------------------------------------------------------

    def _alarms(self) -> None:
        alarm_action = actions.SnsAction(self.topic)

        def alarm(construct_id: str, metric: cloudwatch.IMetric, threshold: int, description: str) -> None:
            cloudwatch.Alarm(
                self,
                construct_id,
                metric=metric,
                threshold=threshold,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
                alarm_description=description,
            ).add_alarm_action(alarm_action)

        alarm(
            "DeadLettersAlarm",
            self.dead_letters.metric_approximate_number_of_messages_visible(),
            1,
            "A CloudFormation event could not be handled: its stack waits until the resource's timeout. "
            "See the dead letter queue and the provider's log.",
        )
        for handler in HANDLERS:
            function = self.functions[handler.name]
            period = Duration.minutes(15)
            alarm(
                f"{handler.title}ErrorsAlarm",
                function.metric_errors(period=period),
                3,
                f"{handler.description} failed three times in 15 minutes; the function's log names each reason.",
            )
            alarm(
                f"{handler.title}ThrottlesAlarm",
                function.metric_throttles(period=period),
                10,
                f"{handler.description} is throttled; raise the account's Lambda concurrency.",
            )
        for handler in (each for each in HANDLERS if each.github):
            alarm(
                f"{handler.title}RateLimitAlarm",
                _counter("RateLimitWaits", handler, Duration.minutes(15)),
                50,
                "Launches wait for GitHub's rate limit; spread rollouts, or use a GitHub App.",
            )

    def _dashboard(self) -> None:
        functions = list(self.functions.values())
        period = Duration.minutes(5)

        def graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(title=title, left=list(metrics), width=12, height=6)

        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=self.settings.prefix,
            widgets=[
                [
                    graph("Launches and re-syncs", [_total(n, period) for n in ("Launches", "Resyncs")]),
                    graph(
                        "Attention",
                        [_total(n, period) for n in ("Conflicts", "RateLimitWaits", "Failures", "Retained")],
                    ),
                ],
                [
                    graph("Errors", [f.metric_errors(period=period) for f in functions]),
                    graph("Duration (95%)", [f.metric_duration(period=period, statistic="p95") for f in functions]),
                ],
                [
                    graph("Invocations", [f.metric_invocations(period=period) for f in functions]),
                    graph("Dead letters", [self.dead_letters.metric_approximate_number_of_messages_visible()]),
                ],
            ],
        )


def github_addresses(stack: Stack, settings: Settings) -> dict[str, str]:
    """Return where a stack's functions find GitHub, by environment variable: the settings, unless given others."""
    github = settings.github
    return {
        "GITHUB_API_URL": _address(stack, "GitHubApiUrl", github.api_url),
        "GITHUB_SERVER_URL": _address(stack, "GitHubServerUrl", github.server_url),
    }


def _address(stack: Stack, name: str, setting: str) -> str:
    """Return the setting, or the stack's parameter where that is set.

    The setting is not the parameter's default: `cdk deploy` keeps a parameter's value, and a setting that is
    changed later would never arrive.
    """
    given = CfnParameter(
        stack,
        name,
        default="",
        description=f"Empty: {setting}, from settings.toml",
        allowed_pattern=r"^(https?://[A-Za-z0-9.:/_-]+)?$",
        constraint_description="an http(s) address",
    ).value_as_string
    is_set = CfnCondition(stack, f"{name}IsSet", expression=Fn.condition_not(Fn.condition_equals(given, "")))
    return Token.as_string(Fn.condition_if(is_set.logical_id, given, setting))


def _counter(name: str, handler: Handler, period: Duration) -> cloudwatch.Metric:
    """Return a metric that the functions count (custom_resources/telemetry.py)."""
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=name,
        dimensions_map={"service": handler.name},
        statistic="Sum",
        period=period,
    )


def _total(name: str, period: Duration) -> cloudwatch.MathExpression:
    """Sum a counter over the functions of a launch."""
    counters = {
        f"{name.lower()}{number}": _counter(name, handler, period)
        for number, handler in enumerate(HANDLERS)
        if handler.in_product
    }
    filled = "+".join(f"FILL({identifier},0)" for identifier in counters)
    return cloudwatch.MathExpression(expression=filled, using_metrics=counters, label=name, period=period)
