"""The project setup: events of Studio's projects start a state machine, which launches and terminates the product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as stepfunctions

from products.foundation import FoundationStack
from products.foundation.observability import dead_letter_queue, queue_alarm
from products.foundation.roles import domain_key_statements
from products.functions import statement
from products.project_setup import STATUSES, Setup, definition
from products.settings import Settings
from products.studio.launching import OfferedProduct, allow_launches, launch_statements


class ProjectSetup:
    """The state machine with its role and log, the rules that start it, and the queue of events that did not."""

    def __init__(
        self,
        stack: Stack,
        settings: Settings,
        product: OfferedProduct,
        foundation: FoundationStack,
        reader: lambda_.Function | None = None,
    ) -> None:
        """Create them in `stack`. A launch that fails is announced on the foundation's topic.

        `reader` reads projects where the domain is another account's; there, CloudFormation's events of environments
        start the machine, since CloudTrail's and Studio's own are in the domain's account.
        """
        self._stack = stack
        self._name = settings.project_setup_role_name  # the state machine has its role's name
        self._reader = reader
        topic, key = foundation.topic, foundation.storage.key
        machine = self._state_machine(settings, product, topic, key)
        self._dead_letters = dead_letter_queue(stack)
        queue_alarm(
            stack,
            "DeadLettersAlarm",
            topic,
            self._dead_letters,
            description="EventBridge could not start the project-setup state machine for a Studio event. "
            "See the event in the dead-letter queue.",
        )
        if reader:
            self._stack_rule(machine)
        else:
            self._domain_rules(settings, machine)
        CfnOutput(stack, "ProjectSetupStateMachine", value=machine.state_machine_arn)

    def _stack_rule(self, machine: stepfunctions.StateMachine) -> None:
        """Start the machine for the stacks that Studio deploys here."""
        prefix = self._stack.format_arn(service="cloudformation", resource="stack", resource_name="DataZone-")
        self._rule(
            "EnvironmentStackRule",
            "The stack of a Studio environment was created, updated or deleted",
            ["CloudFormation Stack Status Change"],
            {"stack-id": [{"prefix": prefix}], "status-details": {"status": list(STATUSES)}},
            machine,
        )

    def _domain_rules(self, settings: Settings, machine: stepfunctions.StateMachine) -> None:
        """Start the machine for what happens in the domain of this account."""
        # CloudTrail's event is sent when the request is accepted: it needs a trail with management events.
        self._rule(
            "ProjectRule",
            "A Studio project was created or deleted",
            ["AWS API Call via CloudTrail"],
            {
                "eventSource": ["datazone.amazonaws.com"],
                "eventName": ["CreateProject", "DeleteProject"],
                "errorCode": [{"exists": False}],
                "requestParameters": {"domainIdentifier": [settings.studio.domain_id]},
            },
            machine,
        )
        self._rule(
            "EnvironmentRule", "A Studio environment was deployed", ["Environment Deployment Completed"], {}, machine
        )

    def _state_machine(
        self, settings: Settings, product: OfferedProduct, topic: sns.ITopic, key: kms.IKey
    ) -> stepfunctions.StateMachine:
        studio = settings.studio
        role = self._role(settings, product, topic, key)
        log_group = self._log_group(settings.log_retention_days)
        access = allow_launches(self._stack, "ProjectSetupAccess", role.role_arn, product)
        setup = Setup(
            studio.domain_id,
            studio.project_setup.profiles,
            product.product_id,
            product.version,
            settings.studio_organization,
            topic.topic_arn,
            self._reader.function_name if self._reader else "",
        )
        machine = stepfunctions.StateMachine(
            self._stack,
            "ProjectSetup",
            state_machine_name=self._name,
            definition_body=stepfunctions.DefinitionBody.from_string(self._stack.to_json_string(definition(setup))),
            role=role,
            tracing_enabled=settings.xray,
            logs=stepfunctions.LogOptions(
                destination=log_group, level=stepfunctions.LogLevel.ALL, include_execution_data=True
            ),
        )
        machine.node.add_dependency(access)
        return machine

    def _role(self, settings: Settings, product: OfferedProduct, topic: sns.ITopic, key: kms.IKey) -> iam.Role:
        role = iam.Role(
            self._stack,
            "ProjectSetupRole",
            role_name=self._name,  # a portfolio's principal: without a path
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            description="Launches the project template for new projects",
        )
        for each in (
            *launch_statements(self._stack, product),
            self._reading(),
            statement(["sns:Publish"], [topic.topic_arn]),
            statement(["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn]),
            *([] if self._reader else domain_key_statements(settings)),
        ):
            role.add_to_policy(each)
        return role

    def _reading(self) -> iam.PolicyStatement:
        """Return what reading projects needs: the function, else DataZone itself."""
        if self._reader:
            return statement(["lambda:InvokeFunction"], [self._reader.function_arn])
        # IAM knows no resources for these: DataZone itself decides by domain and project.
        return statement(["datazone:GetProject", "datazone:GetProjectProfile"], ["*"])

    def _log_group(self, retention_days: int) -> logs.LogGroup:
        log_group = logs.LogGroup(
            self._stack,
            "ProjectSetupLog",
            log_group_name=f"/aws/vendedlogs/states/{self._name}",
            removal_policy=RemovalPolicy.DESTROY,
        )
        log_group.node.default_child.retention_in_days = retention_days  # type: ignore[union-attr]
        return log_group

    def _rule(
        self,
        construct_id: str,
        description: str,
        detail_types: Sequence[str],
        detail: dict[str, Any],
        machine: stepfunctions.StateMachine,
    ) -> None:
        rule = events.Rule(
            self._stack,
            construct_id,
            description=description,
            event_pattern=events.EventPattern(
                source=["aws.cloudformation" if self._reader else "aws.datazone"],
                detail_type=list(detail_types),
                account=[self._stack.account],
                detail=detail or None,
            ),
        )
        rule.add_target(
            targets.SfnStateMachine(
                machine,
                dead_letter_queue=self._dead_letters,
                retry_attempts=24,
                max_event_age=Duration.hours(12),
            )
        )
