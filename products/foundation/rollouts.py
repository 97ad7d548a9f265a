"""The machines of a rollout (products/rollout): their roles, logs and alarms."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as stepfunctions

from products.foundation.observability import ALARM_PERIOD, alarm, rollout_metric
from products.foundation.storage import Storage
from products.functions import METRICS_NAMESPACE, statement
from products.project_setup.states_language import State
from products.rollout import project_definition, waves_definition
from products.rollout.names import FOLDER, GITHUB_ITEM, ITEM, Places, event_source
from products.settings import Settings

KEPT_DAYS = 365  # of plans and results
MANAGED_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"  # Step Functions' own: nested executions that end


class Rollouts:
    """Both machines; what they keep is in the archive bucket and the budget table."""

    def __init__(self, stack: Stack, settings: Settings, storage: Storage, topic: sns.ITopic) -> None:
        """Create them in `stack`."""
        self._stack = stack
        self._settings = settings
        self._storage = storage
        self._topic = topic
        places = Places(
            storage.budget.table_name,
            storage.archives.bucket_name,
            topic.topic_arn,
            event_source(settings.prefix),
            METRICS_NAMESPACE,
        )
        storage.archives.add_lifecycle_rule(
            prefix=f"{FOLDER}/",
            expiration=Duration.days(KEPT_DAYS),
            noncurrent_version_expiration=Duration.days(30),
        )
        self.project = self._machine(
            "UpdateProject",
            settings.update_machine_name,
            project_definition(places),
            self._role(
                "UpdateProjectRole", "Updates projects in a rollout", self._updating(), settings.update_role_name
            ),
        )
        self.waves = self._machine(
            "Rollout",
            settings.rollout_machine_name,
            waves_definition(places, self.project.state_machine_arn),
            self._role("RolloutRole", "Goes through the waves of a rollout", self._going_through()),
        )
        self._alarms()

    # -- what they may do ------------------------------------------------------------------------------------

    def _role(
        self, construct_id: str, description: str, statements: Sequence[iam.PolicyStatement], name: str | None = None
    ) -> iam.Role:
        role = iam.Role(
            self._stack,
            construct_id,
            role_name=name,  # a portfolio's principal: without a path
            # No other account's state machine gets it by a mistake of Step Functions.
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self._stack.account}}
            ),
            description=description,
        )
        for each in statements:
            role.add_to_policy(each)
        return role

    def _items(self, actions: Sequence[str], *items: str) -> iam.PolicyStatement:
        """Return the use of single items of the budget table: projects' and functions' own are in it, too."""
        keys = {"dynamodb:LeadingKeys": list(items)}
        return statement(actions, [self._storage.budget.table_arn], **{"ForAllValues:StringEquals": keys})

    def _updating(self) -> list[iam.PolicyStatement]:
        bucket = self._storage.archives
        stacks = self._stack.format_arn(service="cloudformation", resource="stack", resource_name="SC-*/*")
        return [
            # Launches have no resource in IAM: whose there are is what accountLevel says, of which product the
            # portfolio, whose principal the role is.
            statement(
                ["servicecatalog:UpdateProvisionedProduct", "servicecatalog:DescribeRecord"],
                ["*"],
                StringEquals={"servicecatalog:accountLevel": "self"},
            ),
            statement(["cloudformation:DescribeStacks"], [stacks]),
            self._items(["dynamodb:GetItem"], ITEM, GITHUB_ITEM),
            self._items(["dynamodb:UpdateItem"], ITEM),
            statement(["s3:PutObject"], [bucket.arn_for_objects(f"{FOLDER}/*/results/*.json")]),
            statement(["s3:ListBucket"], [bucket.bucket_arn], StringLike={"s3:prefix": f"{FOLDER}/*/results/*.json"}),
            statement(["cloudwatch:PutMetricData"], ["*"], StringEquals={"cloudwatch:namespace": METRICS_NAMESPACE}),
        ]

    def _going_through(self) -> list[iam.PolicyStatement]:
        project, waves = self._settings.update_machine_name, self._settings.rollout_machine_name
        return [
            self._items(["dynamodb:GetItem", "dynamodb:UpdateItem"], ITEM),
            statement(["s3:GetObject"], [self._storage.archives.arn_for_objects(f"{FOLDER}/*/wave-*.json")]),
            # A Map Run starts the machine's own children, and each of these the other machine.
            statement(["states:StartExecution"], [self._machine_arn(project), self._machine_arn(waves)]),
            statement(
                ["states:DescribeExecution", "states:StopExecution"],
                [self._executions(project), self._executions(waves), self._executions(f"{waves}/*")],
            ),
            statement(
                ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
                [self._stack.format_arn(service="events", resource="rule", resource_name=MANAGED_RULE)],
            ),
            statement(
                ["events:PutEvents"],
                [self._stack.format_arn(service="events", resource="event-bus", resource_name="default")],
                StringEquals={"events:source": event_source(self._settings.prefix)},
            ),
            statement(["sns:Publish"], [self._topic.topic_arn]),
            statement(["kms:Decrypt", "kms:GenerateDataKey"], [self._storage.key.key_arn]),
        ]

    def _machine_arn(self, name: str) -> str:
        return f"arn:{self._stack.partition}:states:{self._stack.region}:{self._stack.account}:stateMachine:{name}"

    def _executions(self, machine: str) -> str:
        return f"arn:{self._stack.partition}:states:{self._stack.region}:{self._stack.account}:execution:{machine}:*"

    # -- what they are ---------------------------------------------------------------------------------------

    def _machine(self, construct_id: str, name: str, definition: State, role: iam.Role) -> stepfunctions.StateMachine:
        log_group = logs.LogGroup(
            self._stack,
            f"{construct_id}Log",
            log_group_name=f"/aws/vendedlogs/states/{name}",
            removal_policy=RemovalPolicy.DESTROY,
        )
        log_group.node.default_child.retention_in_days = self._settings.log_retention_days  # type: ignore[union-attr]
        return stepfunctions.StateMachine(
            self._stack,
            construct_id,
            state_machine_name=name,
            definition_body=stepfunctions.DefinitionBody.from_string(self._stack.to_json_string(definition)),
            role=role,
            tracing_enabled=self._settings.xray,
            logs=stepfunctions.LogOptions(
                destination=log_group, level=stepfunctions.LogLevel.ALL, include_execution_data=True
            ),
        )

    def _alarms(self) -> None:
        status = "Run `python -m operations rollout status`."
        alarm(
            self._stack,
            "RolloutFailuresAlarm",
            self._topic,
            rollout_metric("RolloutFailed", ALARM_PERIOD),
            at=1,
            description=f"A rollout could not update a project. {status}",
        )
        alarm(
            self._stack,
            "RolloutStuckAlarm",
            self._topic,
            rollout_metric("RolloutStuck", ALARM_PERIOD),
            at=1,
            description="A project of a rollout has been updating, or waiting for GitHub, for an hour. " + status,
        )
        alarm(
            self._stack,
            "RolloutBrokenAlarm",
            self._topic,
            self.waves.metric_failed(statistic="Sum", period=ALARM_PERIOD),  # it never times out
            at=1,
            description="The state machine of a rollout failed. "
            "Run `python -m operations rollout resume` to resume the rollout where it stopped.",
        )
