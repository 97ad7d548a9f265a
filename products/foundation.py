"""FoundationStack: what launches of the product run on, once per account and region.

For each custom resource one function behind the CDK's provider framework, with a role of its own; the secret of
the GitHub token; the bucket of the template archives; the layers; alarms, dashboard and dead letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import (
    ArnFormat,
    CfnOutput,
    CfnParameter,
    DefaultStackSynthesizer,
    Duration,
    IgnoreMode,
    RemovalPolicy,
    Stack,
    custom_resources,
)
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from products.layers import ARCHITECTURES, RUNTIME, layer_version
from products.settings import PROJECT_ROOT, Settings

PORTFOLIO_STACK = "PortfolioStack"  # uses these providers too
METRICS_NAMESPACE = "StudioMlops"
READABLE_TAG = "studio-mlops:readable"

# A wait becomes a failure after PATIENCE; the last call then ends within a function's timeout, before the waiter
# and CloudFormation (ServiceTimeout) give up: every path answers.
PATIENCE = Duration.minutes(40)
WAITER_TIMEOUT = Duration.minutes(55)
SERVICE_TIMEOUT = Duration.minutes(59)
QUERY_INTERVAL = Duration.seconds(5)


@dataclass(frozen=True)
class Handler:
    """A custom resource's function: `custom_resources.handlers.<name>`."""

    name: str
    description: str
    memory: int = 256  # MB
    timeout: Duration = field(default_factory=lambda: Duration.minutes(2))
    github: bool = False  # talks to GitHub: token and rate budget
    git: bool = False  # runs git
    archives: bool = False  # reads template archives
    in_product: bool = True  # a launch of the product uses it

    @property
    def title(self) -> str:
        """The construct's id."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    def function_name(self, settings: Settings) -> str:
        """The user function's name."""
        return f"{settings.prefix}-{self.name.replace('_', '-')}"

    def provider_name(self, settings: Settings) -> str:
        """The name of the provider function, the ServiceToken of templates."""
        return f"{self.function_name(settings)}-provider"


# 512 MB for those that run git: git's own processes, and the processor share that comes with memory.
HANDLERS = (
    Handler("studio_project", "Custom::StudioProject: reads a project", archives=True),
    Handler(
        "github_repository",
        "Custom::GitHubRepository: makes, adopts, restores, archives",
        memory=512,
        timeout=Duration.minutes(5),
        github=True,
        git=True,
    ),
    Handler(
        "repository_template",
        "Custom::RepositoryTemplate: delivers and merges template versions",
        memory=512,
        timeout=Duration.minutes(10),
        github=True,
        git=True,
        archives=True,
    ),
    Handler(
        "actions_configuration",
        "Custom::ActionsConfiguration: sets Actions secrets and variables",
        timeout=Duration.minutes(5),
        github=True,
    ),
    Handler("template_archive", "Custom::TemplateArchive: stores a published version's content", in_product=False),
    Handler("version_guidance", "Custom::VersionGuidance: deprecates and deactivates versions", in_product=False),
)
_BY_NAME = {handler.name: handler for handler in HANDLERS}


def service_token(scope: Construct, settings: Settings, name: str) -> str:
    """Return the ServiceToken of a handler by its function's name, so that templates can stand alone."""
    return Stack.of(scope).format_arn(
        service="lambda",
        resource="function",
        resource_name=_BY_NAME[name].provider_name(settings),
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def statement(actions: Sequence[str], resources: Sequence[str], **conditions: dict[str, Any]) -> iam.PolicyStatement:
    """Return an Allow statement; `conditions` are given by operator, such as StringEquals={...}."""
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions or None)


class FoundationStack(Stack):
    """Providers, token secret, archive bucket, layers, roles, alarms."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, **kwargs: Any) -> None:
        """Build everything from the settings."""
        super().__init__(scope, construct_id, **kwargs)
        self.settings = settings
        self._parameters()
        self._storage()
        self._notifications()
        self._code = lambda_.Code.from_asset(
            str(PROJECT_ROOT),
            exclude=["*", "!custom_resources", "!custom_resources/**", "__pycache__"],
            ignore_mode=IgnoreMode.GIT,
        )
        self._layers = {
            "python": layer_version(self, "python", settings.architecture, "Python packages of the custom resources"),
            "git": layer_version(self, "git", settings.architecture, "git, relocated to /opt/git"),
        }
        self.functions: dict[str, lambda_.Function] = {}
        self.providers: dict[str, custom_resources.Provider] = {}
        for handler in HANDLERS:
            self.functions[handler.name] = self._function(handler)
            self.providers[handler.name] = self._provider(handler, self.functions[handler.name])
        self._alarms()
        self._dashboard()
        token_secret = settings.git_config.github_token_secret_name
        CfnOutput(self, "TokenSecret", value=token_secret, description="Put the GitHub token here")
        CfnOutput(self, "ArchiveBucket", value=self.archives.bucket_name)
        CfnOutput(self, "NotificationTopic", value=self.topic.topic_arn)

    # -- what functions use ---------------------------------------------------------------------------------

    def _parameters(self) -> None:
        github = self.settings.github
        self._api_url = CfnParameter(
            self,
            "GitHubApiUrl",
            default=github.api_url,
            description="GitHub's API; for GitHub Enterprise Server https://HOST/api/v3",
            allowed_pattern=r"^https?://[A-Za-z0-9.:/_-]+$",
            constraint_description="an http(s) address",
        ).value_as_string
        self._server_url = CfnParameter(
            self,
            "GitHubServerUrl",
            default=github.server_url,
            description="GitHub's web and Git address; for GitHub Enterprise Server https://HOST",
            allowed_pattern=r"^https?://[A-Za-z0-9.:/_-]+$",
            constraint_description="an http(s) address",
        ).value_as_string

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
        if self.settings.notification_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(self.settings.notification_email))
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )

    # -- functions --------------------------------------------------------------------------------------------

    def _function(self, handler: Handler) -> lambda_.Function:
        settings = self.settings
        name = handler.function_name(settings)
        log_group = self._log_group(f"{handler.title}Log", f"/aws/lambda/{name}")
        role = self._role(f"{handler.title}Role", "lambda.amazonaws.com", self._statements(handler, log_group))
        layers = [self._layers["python"], *([self._layers["git"]] if handler.git else [])]
        return lambda_.Function(
            self,
            handler.title,
            function_name=name,
            description=handler.description,
            runtime=RUNTIME,
            architecture=ARCHITECTURES[settings.architecture],
            code=self._code,
            handler=f"custom_resources.handlers.{handler.name}",
            role=role,
            layers=layers,
            memory_size=handler.memory,
            timeout=handler.timeout,
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE if settings.xray else lambda_.Tracing.DISABLED,
            environment=self._environment(handler),
        )

    def _environment(self, handler: Handler) -> dict[str, str]:
        environment = {
            "PATIENCE_SECONDS": str(PATIENCE.to_seconds()),
            "POWERTOOLS_SERVICE_NAME": handler.name,
            "POWERTOOLS_LOG_LEVEL": self.settings.log_level,
            "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
        }
        if handler.github:
            environment |= {
                "GITHUB_API_URL": self._api_url,
                "GITHUB_SERVER_URL": self._server_url,
                "GITHUB_TOKEN_SECRET": self.settings.git_config.github_token_secret_name,
                "BUDGET_TABLE": self.budget.table_name,
            }
        if handler.archives or handler.name == "template_archive":
            environment["TEMPLATE_BUCKET"] = self.archives.bucket_name
        if handler.git:
            environment |= {
                "PATH": "/opt/git/bin:/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
                "GIT_EXEC_PATH": "/opt/git/libexec/git-core",
                "GIT_TEMPLATE_DIR": "/opt/git/share/git-core/templates",
                "GIT_SSL_CAINFO": "/opt/git/etc/ssl/certs/ca-certificates.crt",
            }
        return environment

    def _statements(self, handler: Handler, log_group: logs.ILogGroup) -> list[iam.PolicyStatement]:
        """Exactly the calls of docs/interfaces.md."""
        return [
            statement(["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group.log_group_arn}"]),
            statement(["cloudformation:DescribeStacks"], self._launch_stacks()),
            *self._archive_statements(handler),
            *(self._studio_statements() if handler.name == "studio_project" else []),
            *(self._github_statements() if handler.github else []),
            *(self._reference_statements() if handler.name == "actions_configuration" else []),
        ]

    def _launch_stacks(self) -> list[str]:
        names = [*self.settings.launch_stacks, f"{PORTFOLIO_STACK}*"]
        return [
            self.format_arn(service="cloudformation", resource="stack", resource_name=f"{name}/*") for name in names
        ]

    def _archive_statements(self, handler: Handler) -> list[iam.PolicyStatement]:
        if handler.archives:
            return [statement(["s3:GetObject"], [self.archives.arn_for_objects("*")])]
        if handler.name != "template_archive":
            return []
        qualifier = self.synthesizer.bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER
        assets = f"arn:{self.partition}:s3:::cdk-{qualifier}-assets-{self.account}-{self.region}/*.zip"
        return [
            statement(["s3:GetObject"], [assets, self.archives.arn_for_objects("*")]),
            statement(["s3:PutObject", "s3:AbortMultipartUpload"], [self.archives.arn_for_objects("*.zip")]),
            # Without it S3 answers 403, not 404, for an archive that is not there yet.
            statement(["s3:ListBucket"], [self.archives.bucket_arn]),
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

    def _github_statements(self) -> list[iam.PolicyStatement]:
        return [
            statement(["secretsmanager:GetSecretValue"], [self.token_secret.secret_arn]),
            statement(
                ["kms:Decrypt"],
                [self.key.key_arn],
                StringEquals={"kms:ViaService": f"secretsmanager.{self.region}.amazonaws.com"},
            ),
            statement(["dynamodb:GetItem", "dynamodb:PutItem"], [self.budget.table_arn]),
        ]

    def _reference_statements(self) -> list[iam.PolicyStatement]:
        """Secrets that a project's administrator has opened to us by a tag."""
        secrets = self.format_arn(
            service="secretsmanager", resource="secret", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        return [
            statement(
                ["secretsmanager:GetSecretValue"],
                [secrets],
                StringEquals={f"aws:ResourceTag/{READABLE_TAG}": "true"},
            )
        ]

    def _provider(self, handler: Handler, function: lambda_.Function) -> custom_resources.Provider:
        settings, name = self.settings, handler.provider_name(self.settings)
        log_group = self._log_group(f"{handler.title}ProviderLog", f"/aws/lambda/{name}")
        write = [statement(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn])]
        provider = custom_resources.Provider(
            self,
            f"{handler.title}Provider",
            on_event_handler=function,
            is_complete_handler=function,
            provider_function_name=name,
            query_interval=QUERY_INTERVAL,
            total_timeout=WAITER_TIMEOUT,
            framework_on_event_role=self._role(f"{handler.title}OnEventRole", "lambda.amazonaws.com", write),
            framework_complete_and_timeout_role=self._role(
                f"{handler.title}WaiterCallsRole", "lambda.amazonaws.com", write
            ),
            log_group=log_group,
            disable_waiter_state_machine_logging=False,
            waiter_state_machine_log_options=custom_resources.LogOptions(
                # A name that CloudWatch's log delivery needs no further resource policy for.
                destination=self._log_group(f"{handler.title}WaiterLog", f"/aws/vendedlogs/states/{name}"),
                include_execution_data=False,  # a request holds its response URL
                level=stepfunctions.LogLevel.ALL,
            ),
        )
        # CloudFormation invokes the provider asynchronously: an event that could not be handled is kept.
        on_event = provider.node.find_child("framework-onEvent")
        assert isinstance(on_event, lambda_.Function)
        on_event.configure_async_invoke(
            on_failure=destinations.SqsDestination(self.dead_letters),
            retry_attempts=2,
            max_event_age=Duration.hours(1),
        )
        if settings.xray:
            self._trace(provider)
        return provider

    def _trace(self, provider: custom_resources.Provider) -> None:
        """Trace the framework's functions and the waiter, which the framework has no property for."""
        for child in provider.node.find_all():
            if isinstance(child, lambda_.CfnFunction):
                child.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")
            elif isinstance(child, stepfunctions.CfnStateMachine):
                child.tracing_configuration = stepfunctions.CfnStateMachine.TracingConfigurationProperty(enabled=True)
        for role in (*self._framework_roles(provider),):
            role.add_to_principal_policy(
                # X-Ray has no resources.
                statement(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"])
            )

    @staticmethod
    def _framework_roles(provider: custom_resources.Provider) -> list[iam.IRole]:
        functions = (
            provider.node.find_child("framework-onEvent"),
            provider.node.find_child("framework-isComplete"),
        )
        roles = [function.role for function in functions if isinstance(function, lambda_.Function) and function.role]
        waiter = provider.node.find_child("waiter-state-machine").node.find_child("Role")
        assert isinstance(waiter, iam.Role)
        return [*roles, waiter]

    def _role(self, construct_id: str, service: str, statements: Sequence[iam.PolicyStatement]) -> iam.Role:
        role = iam.Role(self, construct_id, assumed_by=iam.ServicePrincipal(service))
        for each in statements:
            role.add_to_policy(each)
        return role

    def _log_group(self, construct_id: str, name: str) -> logs.LogGroup:
        group = logs.LogGroup(self, construct_id, log_group_name=name, removal_policy=RemovalPolicy.DESTROY)
        group.node.default_child.retention_in_days = self.settings.log_retention_days  # type: ignore[union-attr]
        return group

    # -- watching ---------------------------------------------------------------------------------------------

    def _alarms(self) -> None:
        alarm_action = actions.SnsAction(self.topic)

        def alarm(construct_id: str, metric: cloudwatch.Metric, threshold: int, description: str) -> None:
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
        alarm(
            "RateLimitAlarm",
            _metric("RateLimitWaits", Duration.minutes(15)),
            50,
            "Launches wait for GitHub's rate limit; spread rollouts, or use a GitHub App.",
        )

    def _dashboard(self) -> None:
        functions = list(self.functions.values())
        period = Duration.minutes(5)

        def graph(title: str, metrics: list[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(title=title, left=metrics, width=12, height=6)

        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=self.settings.prefix,
            widgets=[
                [
                    graph("Launches and re-syncs", [_metric(n, period) for n in ("Launches", "Resyncs", "Archived")]),
                    graph("Attention", [_metric(n, period) for n in ("Conflicts", "RateLimitWaits", "Failures")]),
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


def _metric(name: str, period: Duration) -> cloudwatch.Metric:
    return cloudwatch.Metric(namespace=METRICS_NAMESPACE, metric_name=name, statistic="Sum", period=period)
