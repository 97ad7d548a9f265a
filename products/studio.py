"""StudioStack: what puts the product in front of a data scientist.

The first door is a blueprint in the Studio domain, whose template holds nothing but the launch of the product, and the
project profiles that run it. The second is an event rule with a state machine. Beside them: an approved model package
starts the deploy workflow. Each is off unless settings.toml asks for it (docs/studio.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnOutput, CfnParameter, CustomResource, Duration, Fn, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicecatalog as servicecatalog
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from products.foundation import FoundationStack, github_addresses
from products.functions import SERVICE_TIMEOUT, Functions, Handler, named_id, service_token, statement
from products.project_setup import LAUNCH_NAME_PREFIX, LAUNCHED_BY, Setup, definition
from products.settings import OwnProfile, Settings

STUDIO_STACK = "StudioStack"
BLUEPRINT = "blueprint"  # the value of LAUNCHED_BY for launches through the first door
MODEL_APPROVAL = Handler(
    "model_approval",
    "Starts the deploy workflow for approved models",
    timeout=Duration.minutes(1),
    github=True,
    in_product=False,
)
_OUTPUTS = ("BuildRepositoryUrl", "DeployRepositoryUrl", "BuildTemplateVersion", "DeployTemplateVersion")
# What a launch asks Service Catalog for, by the resource types of the service authorization reference.
_OF_THE_PRODUCT = (
    "servicecatalog:ProvisionProduct",
    "servicecatalog:DescribeProduct",
    "servicecatalog:DescribeProvisioningArtifact",
    "servicecatalog:ListProvisioningArtifacts",
    "servicecatalog:DescribeProvisioningParameters",
    "servicecatalog:ListLaunchPaths",
)
_OF_LAUNCHES = (
    "servicecatalog:UpdateProvisionedProduct",
    "servicecatalog:TerminateProvisionedProduct",
    "servicecatalog:DescribeProvisionedProduct",
    "servicecatalog:DescribeRecord",
    "servicecatalog:GetProvisionedProductOutputs",
    "servicecatalog:SearchProvisionedProducts",
)


class LaunchBlueprint(servicecatalog.ProductStack):
    """The blueprint's template: one provisioned product, no transforms.

    Studio fills in the parameters named datazone..., and userRoleArn. That it does so in every domain is certain of
    the three ids and the role only, so everything else has a default.
    """

    def __init__(self, scope: Construct, construct_id: str, *, version: str, organization: str) -> None:
        """Build the template; `version` is in its text, so that every version has another object key."""
        super().__init__(
            scope,
            construct_id,
            analytics_reporting=False,
            description=f"Launches the project's GitHub repositories from Service Catalog (template {version})",
        )
        environment = self._parameter("datazoneEnvironmentEnvironmentId", "The Studio environment")
        project = self._parameter("datazoneEnvironmentProjectId", "The Studio project")
        domain = self._parameter("datazoneEnvironmentDomainId", "The Studio domain")
        role = self._parameter("userRoleArn", "The project's role")
        name = self._parameter("datazoneEnvironmentProjectName", "The project's name; empty: as Studio says", "")
        product = self._parameter("ProductId", "The Service Catalog product")
        artifact = self._parameter("ProductVersion", "The version of the product", version)
        launch = servicecatalog.CfnCloudFormationProvisionedProduct(
            self,
            "Repositories",
            product_id=product,
            provisioning_artifact_name=artifact,
            provisioned_product_name=Fn.join("", [LAUNCH_NAME_PREFIX, project]),
            provisioning_parameters=[
                servicecatalog.CfnCloudFormationProvisionedProduct.ProvisioningParameterProperty(key=key, value=value)
                for key, value in {
                    "DomainId": domain,
                    "ProjectId": project,
                    "ProjectName": name,
                    "UserRoleArn": role,
                    "Organization": organization,
                }.items()
            ],
        )
        launch.tags.set_tag(LAUNCHED_BY, BLUEPRINT)
        launch.tags.set_tag("studio-mlops:environment", environment)
        for output in _OUTPUTS:
            CfnOutput(self, output, value=launch.get_att(f"Outputs.{output}").to_string())

    def _parameter(self, name: str, description: str, default: str | None = None) -> str:
        return CfnParameter(self, name, description=description, default=default).value_as_string


class StudioStack(Stack):
    """Blueprint and profiles, the second door, model approval."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        foundation: FoundationStack,
        portfolio_id: str,
        product_id: str,
        version: str,
        **kwargs: Any,
    ) -> None:
        """Build what the settings ask for. `version` is the product's current version, by name."""
        super().__init__(scope, construct_id, **kwargs)
        self.settings = settings
        self._foundation = foundation
        self._portfolio_id = portfolio_id
        self._product_id = product_id
        self._version = version
        studio = settings.studio
        if studio.registers_blueprint:
            self._blueprint()
        if studio.project_setup.profiles:
            self._project_setup()
        if studio.model_approval.enabled:
            self._model_approval()

    @staticmethod
    def wanted(settings: Settings) -> bool:
        """Tell whether the settings ask for anything of it."""
        return bool(settings.studio.domain_id) or settings.studio.model_approval.enabled

    # -- the first door ---------------------------------------------------------------------------------------

    def _blueprint(self) -> None:
        studio = self.settings.studio
        template = LaunchBlueprint(
            self, "LaunchBlueprint", version=self._version, organization=self.settings.studio_organization
        )
        url = servicecatalog.CloudFormationTemplate.from_product_stack(template).bind(self).http_url
        self.provisioning_role = self._provisioning_role()
        access = self._principal("ProvisioningRoleAccess", self.provisioning_role)
        regions = list(studio.regions) or [self.region]
        blueprint = self._resource(
            "Blueprint",
            "StudioBlueprint",
            "studio_blueprint",
            {
                "DomainId": studio.domain_id,
                "Name": studio.blueprint_name,
                "Description": f"{self.settings.product.name}: GitHub repositories for the project",
                "TemplateUrl": url,
                "UserParameters": [
                    _user_parameter("ProductId", self._product_id, "The Service Catalog product", editable=False),
                    _user_parameter("ProductVersion", self._version, "The version of the template", editable=True),
                ],
                "ProvisioningRoleArn": self.provisioning_role.role_arn,
                "ManageAccessRoleArn": studio.manage_access_role_arn,
                "EnabledRegions": regions,
                "DomainUnitId": studio.domain_unit_id,
            },
        )
        blueprint.node.add_dependency(access, self.provisioning_role)
        blueprint_id = blueprint.get_att_string("EnvironmentBlueprintId")
        for name in studio.profiles:
            self._profile(name, blueprint_id, regions[0], None)
        for name, own in sorted(studio.own_profiles.items()):
            self._profile(name, blueprint_id, regions[0], own)
        CfnOutput(self, "EnvironmentBlueprintId", value=blueprint_id)

    def _profile(self, name: str, blueprint_id: str, region: str, own: OwnProfile | None) -> None:
        """Put the environment into a profile: one that exists, or one of our own.

        Both have the same logical id: a profile that becomes the other kind is updated, not deleted.
        """
        studio = self.settings.studio
        tooling = own.tooling if own else {}
        self._resource(
            named_id("Profile", name),
            "StudioProjectProfile",
            "studio_project_profile",
            {
                "DomainId": studio.domain_id,
                "ProfileName": name,
                "Own": "true" if own else "false",
                "Description": own.description if own else "",
                "EnvironmentBlueprintId": blueprint_id,
                "EnvironmentName": studio.environment_name,
                "DeploymentOrder": str(studio.deployment_order),
                "AwsAccount": self.account,
                "AwsRegion": region,
                "Parameters": [
                    {"Name": "ProductId", "Value": self._product_id, "IsEditable": "false"},
                    {"Name": "ProductVersion", "Value": self._version, "IsEditable": "true"},
                ],
                "DomainUnitId": studio.domain_unit_id,
                "ToolingParameters": [{"Name": key, "Value": value} for key, value in sorted(tooling.items())],
                "Groups": list(own.groups) if own else [],
            },
        )

    def _provisioning_role(self) -> iam.Role:
        """What Studio deploys the blueprint with; Service Catalog sees it as the launch's caller."""
        datazone = iam.ServicePrincipal("datazone.amazonaws.com")
        role = iam.Role(
            self,
            "ProvisioningRole",
            # Without a path: a portfolio's association with a role that has one cannot be deleted.
            role_name=self.settings.provisioning_role_name,
            assumed_by=datazone.with_conditions({"StringEquals": {"aws:SourceAccount": self.account}}),
            description="Studio launches the project template with it",
        )
        assert role.assume_role_policy
        role.assume_role_policy.add_statements(
            iam.PolicyStatement(
                principals=[datazone],
                actions=["sts:TagSession"],
                conditions={
                    "StringEquals": {"aws:SourceAccount": self.account},
                    "ForAllValues:StringLike": {"aws:TagKeys": ["datazone*"]},
                },
            )
        )
        qualifier = self.synthesizer.bootstrap_qualifier or "hnb659fds"
        templates = f"arn:{self.partition}:s3:::cdk-{qualifier}-assets-{self.account}-{self.region}/*.json"
        for each in (
            *self._launching(),
            statement(
                [
                    "cloudformation:CreateStack",
                    "cloudformation:UpdateStack",
                    "cloudformation:DeleteStack",
                    "cloudformation:DescribeStacks",
                    "cloudformation:DescribeStackEvents",
                    "cloudformation:DescribeStackResources",
                    "cloudformation:GetTemplate",
                    "cloudformation:CreateChangeSet",
                    "cloudformation:DescribeChangeSet",
                    "cloudformation:ExecuteChangeSet",
                    "cloudformation:DeleteChangeSet",
                    "cloudformation:TagResource",
                    "cloudformation:UntagResource",
                ],
                [self._stacks("DataZone*")],
            ),
            # The launch role makes the product's stack; the caller only reads its outputs.
            statement(["cloudformation:DescribeStacks"], [self._stacks("SC-*")]),
            # It is asked before there is a stack: no resource.
            statement(["cloudformation:ValidateTemplate", "cloudformation:GetTemplateSummary"], ["*"]),
            # Every version's template: an environment may still be at an older one.
            statement(["s3:GetObject"], [templates]),
        ):
            role.add_to_policy(each)
        return role

    def _launching(self) -> list[iam.PolicyStatement]:
        product = self.format_arn(service="catalog", resource="product", resource_name=self._product_id)
        return [
            statement(_OF_THE_PRODUCT, [product]),
            # Launches have no resource in IAM; Service Catalog narrows to what the caller launched.
            statement(_OF_LAUNCHES, ["*"]),
        ]

    def _stacks(self, name: str) -> str:
        return self.format_arn(service="cloudformation", resource="stack", resource_name=f"{name}/*")

    def _principal(self, construct_id: str, role: iam.Role) -> servicecatalog.CfnPortfolioPrincipalAssociation:
        """Let a role launch from the portfolio ('No launch paths found' otherwise)."""
        return servicecatalog.CfnPortfolioPrincipalAssociation(
            self,
            construct_id,
            portfolio_id=self._portfolio_id,
            principal_arn=role.role_arn,
            principal_type="IAM",
        )

    def _resource(self, logical_id: str, kind: str, handler: str, properties: dict[str, Any]) -> CustomResource:
        return CustomResource(
            self,
            logical_id,
            service_token=service_token(self, self.settings, handler),
            service_timeout=SERVICE_TIMEOUT,
            resource_type=f"Custom::{kind}",
            properties=properties,
        )

    # -- the second door --------------------------------------------------------------------------------------

    def _project_setup(self) -> None:
        settings, studio, topic = self.settings, self.settings.studio, self._foundation.topic
        name = f"{settings.prefix}-project-setup"
        role = iam.Role(
            self,
            "ProjectSetupRole",
            role_name=name,  # a portfolio's principal: without a path
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            description="Launches the project template for new projects",
        )
        log_group = logs.LogGroup(
            self,
            "ProjectSetupLog",
            log_group_name=f"/aws/vendedlogs/states/{name}",
            removal_policy=RemovalPolicy.DESTROY,
        )
        log_group.node.default_child.retention_in_days = settings.log_retention_days  # type: ignore[union-attr]
        for each in (
            *self._launching(),
            # IAM knows no resources for these: DataZone itself decides by domain and project.
            statement(["datazone:GetProject", "datazone:GetProjectProfile"], ["*"]),
            statement(["sns:Publish"], [topic.topic_arn]),
            statement(["kms:Decrypt", "kms:GenerateDataKey"], [self._foundation.key.key_arn]),
        ):
            role.add_to_policy(each)
        access = self._principal("ProjectSetupAccess", role)
        setup = Setup(
            studio.domain_id,
            studio.project_setup.profiles,
            self._product_id,
            self._version,
            settings.studio_organization,
            topic.topic_arn,
        )
        machine = stepfunctions.StateMachine(
            self,
            "ProjectSetup",
            state_machine_name=name,
            definition_body=stepfunctions.DefinitionBody.from_string(self.to_json_string(definition(setup))),
            role=role,
            tracing_enabled=settings.xray,
            logs=stepfunctions.LogOptions(
                destination=log_group, level=stepfunctions.LogLevel.ALL, include_execution_data=True
            ),
        )
        machine.node.add_dependency(access)
        # CloudTrail's event is sent when the request is accepted: it needs a trail with management events.
        self._rule(
            "ProjectRule",
            "A Studio project was created or deleted",
            ["AWS API Call via CloudTrail"],
            {
                "eventSource": ["datazone.amazonaws.com"],
                "eventName": ["CreateProject", "DeleteProject"],
                "errorCode": [{"exists": False}],
                "requestParameters": {"domainIdentifier": [studio.domain_id]},
            },
            machine,
        )
        self._rule(
            "EnvironmentRule",
            "A Studio environment was deployed",
            ["Environment Deployment Completed"],
            {},
            machine,
        )
        CfnOutput(self, "ProjectSetupStateMachine", value=machine.state_machine_arn)

    def _rule(
        self,
        construct_id: str,
        description: str,
        detail_types: Sequence[str],
        detail: dict[str, Any],
        machine: stepfunctions.StateMachine,
    ) -> None:
        rule = events.Rule(
            self,
            construct_id,
            description=description,
            event_pattern=events.EventPattern(
                source=["aws.datazone"],
                detail_type=list(detail_types),
                account=[self.account],
                detail=detail or None,
            ),
        )
        rule.add_target(
            targets.SfnStateMachine(
                machine,
                dead_letter_queue=self._dead_letters(),
                retry_attempts=24,
                max_event_age=Duration.hours(12),
            )
        )

    def _dead_letters(self) -> sqs.IQueue:
        """The queue of events that could not be delivered, with an alarm."""
        found = self.node.try_find_child("DeadLetters")
        if found:
            assert isinstance(found, sqs.Queue)
            return found
        queue = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self._alarm("DeadLettersAlarm", queue, "Studio's event could not be handed to the project-setup state machine")
        return queue

    def _alarm(self, construct_id: str, queue: sqs.Queue, description: str) -> None:
        cloudwatch.Alarm(
            self,
            construct_id,
            metric=queue.metric_approximate_number_of_messages_visible(),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{description}; the dead letter queue holds it.",
        ).add_alarm_action(actions.SnsAction(self._foundation.topic))

    # -- model approval -----------------------------------------------------------------------------------------

    def _model_approval(self) -> None:
        """SageMaker's event -> FIFO queue -> function: one at a time, repeated on failure, never lost."""
        foundation = self._foundation
        dead_letters = self._fifo("ApprovalDeadLetters", "approvals-dead", None)
        queue = self._fifo("Approvals", "approvals", sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=5))
        functions = Functions(self, self.settings, foundation.dead_letters)
        approve = functions.function(
            MODEL_APPROVAL,
            [
                *foundation.github_statements(),
                statement(
                    [
                        "sqs:ReceiveMessage",
                        "sqs:DeleteMessage",
                        "sqs:ChangeMessageVisibility",
                        "sqs:GetQueueAttributes",
                    ],
                    [queue.queue_arn],
                ),
                # Launches have no resource in IAM.
                statement(
                    [
                        "servicecatalog:DescribeProvisionedProduct",
                        "servicecatalog:SearchProvisionedProducts",
                        "servicecatalog:GetProvisionedProductOutputs",
                    ],
                    ["*"],
                ),
                statement(["cloudformation:DescribeStacks"], [self._stacks("SC-*")]),
            ],
            {
                **foundation.function_environment(MODEL_APPROVAL),
                **github_addresses(self, self.settings),
                "PRODUCT_ID": self._product_id,
                "DEPLOY_WORKFLOW": self.settings.studio.model_approval.workflow,
            },
        )
        approve.add_event_source(event_sources.SqsEventSource(queue, batch_size=1))
        rule = events.Rule(
            self,
            "ApprovalRule",
            description="A model package of a project was approved",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                account=[self.account],
                detail={
                    "ModelApprovalStatus": ["Approved"],
                    "ModelPackageGroupName": [{"prefix": "aiops-"}],
                },
            ),
        )
        rule.add_target(targets.SqsQueue(queue, message_group_id="approvals"))
        self._alarm("ApprovalDeadLettersAlarm", dead_letters, "An approved model could not be handed to its repository")

    def _fifo(self, construct_id: str, name: str, dead_letters: sqs.DeadLetterQueue | None) -> sqs.Queue:
        return sqs.Queue(
            self,
            construct_id,
            queue_name=f"{self.settings.prefix}-{name}.fifo",
            fifo=True,
            content_based_deduplication=True,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.minutes(6),  # six times the function's timeout, as Lambda asks
            retention_period=Duration.days(14),
            dead_letter_queue=dead_letters,
        )


def _user_parameter(name: str, default: str, description: str, *, editable: bool) -> dict[str, str]:
    return {
        "KeyName": name,
        "FieldType": "string",
        "DefaultValue": default,
        "Description": description,
        "IsEditable": "true" if editable else "false",
        "IsOptional": "true",
        "IsUpdateSupported": "true",
    }
