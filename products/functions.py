"""Lambda functions of this product and their providers: one shape, one least-privilege role each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import ArnFormat, Aws, CustomResource, Duration, IgnoreMode, RemovalPolicy, Size, Stack, custom_resources
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from custom_resources import catalogue
from custom_resources.catalogue import Entry
from products.layers import ARCHITECTURES, RUNTIME, layer_version
from products.settings import PROJECT_ROOT, Settings

METRICS_NAMESPACE = "StudioProjectTemplate"

# A wait becomes a failure after PATIENCE; the last call then ends within a function's timeout, before the waiter
# and CloudFormation (ServiceTimeout) give up: every path answers.
PATIENCE = Duration.minutes(40)
WAITER_TIMEOUT = Duration.minutes(55)
SERVICE_TIMEOUT = Duration.minutes(59)
QUERY_INTERVAL = Duration.seconds(5)
QUERY_INTERVAL_CONTEXT = "studio-mlops:query-interval"  # seconds; the local run's waits are shorter
DIRECT_LAUNCHES_CONTEXT = "studio-mlops:direct-launches"  # the local run launches by CloudFormation
ANY_ORGANIZATION_CONTEXT = "studio-mlops:any-organization"  # the local run has an organization of its own
# MB of the framework's own functions. Lambda gives processor time by memory, and with its default (128) their cold
# start, which every launch waits for, takes longer than their work.
FRAMEWORK_MEMORY = 512

_GIT_ENVIRONMENT = {
    "PATH": "/opt/git/bin:/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
    "GIT_EXEC_PATH": "/opt/git/libexec/git-core",
    "GIT_SSL_CAINFO": "/opt/git/etc/ssl/certs/ca-certificates.crt",
    "GIT_PYTHON_REFRESH": "quiet",  # a missing layer is then told in one sentence, not by GitPython's import
}


def entry_of(name: str) -> Entry:
    """Return a function's entry in the catalogue. Raises KeyError for an unknown name."""
    return {entry.name: entry for entry in catalogue.CATALOGUE}[name]


def behind_providers(settings: Settings) -> list[Entry]:
    """Return the entries that serve a custom resource where the settings are used, in the catalogue's order."""
    return [entry for entry in catalogue.CATALOGUE if entry.class_name and settings.layout in entry.layouts]


def in_own_account(settings: Settings, arn: str) -> str:
    """Return an ARN of the settings as it is in the account deployed to: with several accounts, each has its own.

    A policy or role of the settings is then taken by its name, so that one template serves all accounts.
    """
    parts = arn.split(":")
    if settings.place is None or len(parts) < 5 or not parts[4].isdecimal():
        return arn
    return ":".join([*parts[:4], Aws.ACCOUNT_ID, *parts[5:]])


def provider_name(settings: Settings, entry: Entry) -> str:
    """Return the name of the provider's function, which templates call."""
    return f"{entry.function_name(settings.prefix)}-provider"


def custom_resource(
    scope: Construct, logical_id: str, settings: Settings, name: str, properties: Mapping[str, Any]
) -> CustomResource:
    """Return the custom resource of a function of the catalogue.

    Its provider is called by name, so that templates can stand alone. Raises KeyError for an unknown name.
    """
    entry = entry_of(name)
    return CustomResource(
        scope,
        logical_id,
        service_token=function_arn(scope, provider_name(settings, entry)),
        service_timeout=SERVICE_TIMEOUT,
        resource_type=entry.resource_type,
        properties=dict(properties),
    )


def function_arn(scope: Construct, name: str) -> str:
    """Return the ARN of a function of this account and region."""
    return Stack.of(scope).format_arn(
        service="lambda", resource="function", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )


def execution_role_arns(stack: Stack, settings: Settings) -> list[str]:
    """Return the ARNs of the roles that projects' pipelines may run as; patterns stay patterns."""
    return [
        pattern
        if pattern.startswith("arn:")
        else stack.format_arn(service="iam", region="", resource="role", resource_name=pattern)
        for pattern in settings.workflow_role.execution_roles
    ]


def named_id(kind: str, name: str) -> str:
    """Return a construct's id that depends on the name alone.

    By its place in a list, a resource's logical id would pass to another resource when one before it goes, and
    CloudFormation would delete, after the update, what the other id owns by then.
    """
    return f"{kind}{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def statement(actions: Sequence[str], resources: Sequence[str], **conditions: dict[str, Any]) -> iam.PolicyStatement:
    """Return an Allow statement; `conditions` are given by operator, such as StringEquals={...}."""
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions or None)


class Functions:
    """Makes a stack's functions and providers; the code and the layers are shared."""

    def __init__(self, scope: Construct, settings: Settings, dead_letters: sqs.IQueue, requests_key: kms.Key) -> None:
        """`dead_letters` takes the events that a provider could not handle; `requests_key` encrypts what waits."""
        self._scope = scope
        self._settings = settings
        self._dead_letters = dead_letters
        self._requests_key = requests_key
        self._code = lambda_.Code.from_asset(
            str(PROJECT_ROOT),
            exclude=["*", "!custom_resources", "!custom_resources/**", "__pycache__"],
            ignore_mode=IgnoreMode.GIT,
        )
        architecture = settings.architecture
        self._python = layer_version(scope, "python", architecture, "Python packages of the custom resources")
        self._git: lambda_.LayerVersion | None = None

    def function(
        self,
        entry: Entry,
        statements: Sequence[iam.PolicyStatement],
        environment: Mapping[str, str],
        role_name: str | None = None,
    ) -> lambda_.Function:
        """Return an entry's function with a role that allows the statements, its own log, and no more.

        The role has a name only where another account's policy names it.
        """
        settings, name = self._settings, entry.function_name(self._settings.prefix)
        log_group = self._log_group(f"{entry.title}Log", f"/aws/lambda/{name}")
        return lambda_.Function(
            self._scope,
            entry.title,
            function_name=name,
            description=entry.description,
            runtime=RUNTIME,
            architecture=ARCHITECTURES[settings.architecture],
            code=self._code,
            handler=f"custom_resources.handlers.{entry.name}",
            role=self._role(f"{entry.title}Role", [_writes(log_group), *statements], role_name),
            layers=[self._python, *([self._git_layer()] if "git" in entry.needs else [])],
            memory_size=entry.memory,
            ephemeral_storage_size=Size.mebibytes(entry.storage),
            timeout=Duration.seconds(entry.timeout),
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE if settings.xray else lambda_.Tracing.DISABLED,
            environment={
                "POWERTOOLS_SERVICE_NAME": entry.name,
                "POWERTOOLS_LOG_LEVEL": settings.log_level,
                "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
                **(_GIT_ENVIRONMENT if "git" in entry.needs else {}),
                **environment,
            },
        )

    def provider(self, entry: Entry, function: lambda_.Function) -> custom_resources.Provider:
        """Return the CDK's provider framework around a function that serves both of its phases."""
        name = provider_name(self._settings, entry)
        log_group = self._log_group(f"{entry.title}ProviderLog", f"/aws/lambda/{name}")
        write = [_writes(log_group)]
        provider = custom_resources.Provider(
            self._scope,
            f"{entry.title}Provider",
            on_event_handler=function,
            is_complete_handler=function,
            provider_function_name=name,
            query_interval=query_interval(self._scope),
            total_timeout=WAITER_TIMEOUT,
            framework_on_event_role=self._role(f"{entry.title}OnEventRole", write),
            framework_complete_and_timeout_role=self._role(f"{entry.title}IsCompleteRole", write),
            log_group=log_group,
            disable_waiter_state_machine_logging=False,
            waiter_state_machine_log_options=custom_resources.LogOptions(
                # A name that CloudWatch's log delivery needs no further resource policy for.
                destination=self._log_group(f"{entry.title}WaiterLog", f"/aws/vendedlogs/states/{name}"),
                include_execution_data=False,  # a request holds its response URL
                level=stepfunctions.LogLevel.ALL,
            ),
        )
        # CloudFormation invokes the provider asynchronously: an event that could not be handled is kept.
        _function(provider, "framework-onEvent").configure_async_invoke(
            on_failure=destinations.SqsDestination(self._dead_letters),
            retry_attempts=2,
            max_event_age=Duration.hours(1),
        )
        _encrypt(provider, self._requests_key)
        _give_memory(provider)
        if self._settings.xray:
            _trace(provider)
        return provider

    def _git_layer(self) -> lambda_.LayerVersion:
        if self._git is None:
            self._git = layer_version(self._scope, "git", self._settings.architecture, "git, relocated to /opt/git")
        return self._git

    def _role(self, construct_id: str, statements: Sequence[iam.PolicyStatement], name: str | None = None) -> iam.Role:
        lambda_service = iam.ServicePrincipal("lambda.amazonaws.com")
        role = iam.Role(self._scope, construct_id, assumed_by=lambda_service, role_name=name)
        for each in statements:
            role.add_to_policy(each)
        return role

    def _log_group(self, construct_id: str, name: str) -> logs.LogGroup:
        group = logs.LogGroup(self._scope, construct_id, log_group_name=name, removal_policy=RemovalPolicy.DESTROY)
        group.node.default_child.retention_in_days = self._settings.log_retention_days  # type: ignore[union-attr]
        return group


def query_interval(scope: Construct) -> Duration:
    """Return how long a provider waits between two calls of a function that is not done."""
    seconds = scope.node.try_get_context(QUERY_INTERVAL_CONTEXT)
    return QUERY_INTERVAL if seconds is None else Duration.seconds(int(seconds))


def direct_launches(scope: Construct) -> bool:
    """Tell whether stacks may launch the product that Service Catalog did not make."""
    return scope.node.try_get_context(DIRECT_LAUNCHES_CONTEXT) is True


def any_organization(scope: Construct) -> bool:
    """Tell whether launches may use organizations that the settings do not name."""
    return scope.node.try_get_context(ANY_ORGANIZATION_CONTEXT) is True


def _writes(log_group: logs.LogGroup) -> iam.PolicyStatement:
    return statement(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn])


def _function(provider: custom_resources.Provider, name: str) -> lambda_.Function:
    function = provider.node.find_child(name)
    assert isinstance(function, lambda_.Function)
    return function


def _encrypt(provider: custom_resources.Provider, key: kms.Key) -> None:
    """Encrypt what waits: a request holds its presigned ResponseURL, whose holder can answer instead of the function.

    DescribeExecution and GetExecutionHistory then need kms:Decrypt, which the key's own policy gives to the waiter and
    to the function that starts it, and to nobody else (docs/decisions/0066). What the waiter logs is without data, and
    log delivery encrypts it with the same key (Step Functions' developer guide, "Data at rest encryption").
    """
    waiter = provider.node.find_child("waiter-state-machine")
    machine, waits = waiter.node.find_child("Resource"), waiter.node.find_child("Role")
    starts = _function(provider, "framework-onEvent").role
    assert isinstance(machine, stepfunctions.CfnStateMachine)
    assert isinstance(waits, iam.Role)
    assert isinstance(starts, iam.Role)
    machine.encryption_configuration = stepfunctions.CfnStateMachine.EncryptionConfigurationProperty(
        type="CUSTOMER_MANAGED_KMS_KEY", kms_key_id=key.key_arn
    )
    use = ["kms:Decrypt", "kms:GenerateDataKey"]
    for role in (waits, starts):
        role.add_to_policy(statement(use, [key.key_arn]))
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ArnPrincipal(role.role_arn) for role in (waits, starts)],
            actions=use,
            resources=["*"],  # in a key's policy: this key
        )
    )
    # Step Functions checks the role when it makes the machine.
    policy = waits.node.try_find_child("DefaultPolicy")
    if policy:
        machine.node.add_dependency(policy)


def _give_memory(provider: custom_resources.Provider) -> None:
    """Set the memory of the framework's functions, which the framework has no property for."""
    for child in provider.node.find_all():
        if isinstance(child, lambda_.CfnFunction):
            child.memory_size = FRAMEWORK_MEMORY


def _trace(provider: custom_resources.Provider) -> None:
    """Trace the framework's functions and the waiter, which the framework has no property for."""
    for child in provider.node.find_all():
        if isinstance(child, lambda_.CfnFunction):
            child.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")
        elif isinstance(child, stepfunctions.CfnStateMachine):
            child.tracing_configuration = stepfunctions.CfnStateMachine.TracingConfigurationProperty(enabled=True)
    waiter = provider.node.find_child("waiter-state-machine").node.find_child("Role")
    functions = [_function(provider, f"framework-{phase}") for phase in ("onEvent", "isComplete")]
    for role in (*(function.role for function in functions), waiter):
        assert isinstance(role, iam.Role)
        # X-Ray has no resources. Step Functions asks what to sample (its developer guide, "X-Ray and Step Functions").
        role.add_to_policy(
            statement(
                [
                    "xray:PutTraceSegments",
                    "xray:PutTelemetryRecords",
                    "xray:GetSamplingRules",
                    "xray:GetSamplingTargets",
                ],
                ["*"],
            )
        )
