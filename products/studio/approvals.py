"""An approved model package starts the deploy workflow of its project."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs

from products.foundation import FoundationStack
from products.foundation.environment import environment, github_addresses
from products.foundation.observability import dead_letter_queue, queue_alarm
from products.foundation.roles import statements
from products.functions import Functions, entry_of
from products.settings import Settings
from products.studio.launching import OfferedProduct

ARRIVALS = "arrivals"  # custom_resources/model_approval.py sorts what is in this message group


class ModelApprovals:
    """SageMaker's event -> FIFO queue -> function: one project's one at a time, repeated where it may pass, never lost.

    EventBridge puts all events into one message group (it cannot choose one by the event), where the function only
    sorts them into their projects' groups (docs/decisions/0071).
    """

    def __init__(
        self,
        stack: Stack,
        settings: Settings,
        product: OfferedProduct,
        foundation: FoundationStack,
        functions: Functions,
    ) -> None:
        """Create them in `stack`, whose functions `functions` makes."""
        self._stack = stack
        self._functions = functions
        self._settings = settings
        name, dead_name = settings.approval_queues
        dead_letters = self._fifo("ApprovalDeadLetters", dead_name, None)
        queue = self._fifo("Approvals", name, sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=5))
        function = self._function(product, foundation, queue, dead_letters)
        function.add_event_source(event_sources.SqsEventSource(queue, batch_size=1))
        undelivered = dead_letter_queue(stack, "ApprovalRuleDeadLetters")
        self._rule().add_target(
            targets.SqsQueue(
                queue,
                message_group_id=ARRIVALS,
                dead_letter_queue=undelivered,
                retry_attempts=24,
                max_event_age=Duration.hours(12),
            )
        )
        queue_alarm(
            stack,
            "ApprovalRuleDeadLettersAlarm",
            foundation.topic,
            undelivered,
            description="EventBridge could not send the event of an approved model to the approvals queue. "
            "See the event in the dead-letter queue.",
        )
        queue_alarm(
            stack,
            "ApprovalDeadLettersAlarm",
            foundation.topic,
            dead_letters,
            description="The model approval function could not start the deploy workflow of an approved model. "
            "See the function's log, then redrive the dead-letter queue.",
        )

    def _function(
        self, product: OfferedProduct, foundation: FoundationStack, queue: sqs.Queue, dead_letters: sqs.Queue
    ) -> lambda_.Function:
        stack, settings, storage = self._stack, self._settings, foundation.storage
        entry = entry_of("model_approval")
        return self._functions.function(
            entry,
            statements(entry, stack, settings, storage),
            {
                **environment(stack, entry, settings, storage, github_addresses(stack, settings)),
                "PRODUCT_ID": product.product_id,
                "DEPLOY_WORKFLOW": settings.studio.model_approval.workflow,
                "APPROVALS_QUEUE": queue.queue_url,
                "APPROVALS_DEAD_LETTERS": dead_letters.queue_url,
            },
        )

    def _rule(self) -> events.Rule:
        return events.Rule(
            self._stack,
            "ApprovalRule",
            description="A model package of a project was approved",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                account=[self._stack.account],
                detail={
                    "ModelApprovalStatus": ["Approved"],
                    "ModelPackageGroupName": [{"prefix": "aiops-"}],
                },
            ),
        )

    def _fifo(self, construct_id: str, name: str, dead_letters: sqs.DeadLetterQueue | None) -> sqs.Queue:
        return sqs.Queue(
            self._stack,
            construct_id,
            queue_name=name,
            fifo=True,
            content_based_deduplication=True,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.minutes(6),  # six times the function's timeout, as Lambda asks
            retention_period=Duration.days(14),
            dead_letter_queue=dead_letters,
        )
