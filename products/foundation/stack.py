"""FoundationStack: what launches of the product run on, once per account and region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnOutput, Stack, custom_resources
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from products.foundation.environment import environment, github_addresses
from products.foundation.observability import (
    dashboard,
    dead_letter_queue,
    function_alarms,
    notification_topic,
    queue_alarm,
)
from products.foundation.roles import reading_role_name, statements
from products.foundation.rollouts import Rollouts
from products.foundation.storage import Storage
from products.functions import Functions, behind_providers, entry_of
from products.settings import Settings

FOUNDATION_STACK = "FoundationStack"
WRITING_IN_THE_DOMAIN = ("studio_blueprint", "studio_project_profile")


def future_owners(stack: Stack, functions: Mapping[str, lambda_.Function], before: str) -> None:
    """Put out the roles of those functions of a stack that DataZone lets write in the domain as owners only."""
    for name in WRITING_IN_THE_DOMAIN:
        if name not in functions:
            continue
        role = functions[name].role
        assert role
        CfnOutput(
            stack,
            f"{entry_of(name).title}RoleArn",
            value=role.role_arn,
            description=f"Add this role as an owner of the domain unit before you deploy {before}",
        )


class FoundationStack(Stack):
    """Storage, a function with its provider and role for each custom resource, and what watches them."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, **kwargs: Any) -> None:
        """Build everything from the settings."""
        super().__init__(scope, construct_id, **kwargs)
        addresses = github_addresses(self, settings)
        self.storage = Storage(self, settings)
        self.topic = notification_topic(self, self.storage.key, settings.notification_email)
        self.dead_letters = dead_letter_queue(self, encrypted_with=self.storage.requests_key)
        self.functions: dict[str, lambda_.Function] = {}
        self.providers: dict[str, custom_resources.Provider] = {}
        functions = Functions(self, settings, self._dead_letters_by_arn(), self.storage.requests_key)
        for entry in behind_providers(settings):
            function = functions.function(
                entry,
                statements(entry, self, settings, self.storage),
                environment(self, entry, settings, self.storage, addresses),
                reading_role_name(settings, entry),
            )
            self.functions[entry.name] = function
            self.providers[entry.name] = functions.provider(entry, function)
        queue_alarm(
            self,
            "DeadLettersAlarm",
            self.topic,
            self.dead_letters,
            description="The provider framework could not handle a CloudFormation event. The stack waits until the "
            "resource times out. See the dead-letter queue and the provider's log.",
        )
        function_alarms(self, self.topic, self.functions)
        self.rollouts = Rollouts(self, settings, self.storage, self.topic)
        dashboard(self, settings.dashboard_name, list(self.functions.values()), self.dead_letters)
        self._exports()
        token_secret = settings.git_config.github_token_secret_name
        CfnOutput(self, "TokenSecret", value=token_secret, description="The secret for the GitHub token or App key")
        CfnOutput(self, "ArchiveBucket", value=self.storage.archives.bucket_name, description="The template archives")
        CfnOutput(self, "NotificationTopic", value=self.topic.topic_arn, description="The topic of the alarms")
        CfnOutput(
            self,
            "RateBudgetTable",
            value=self.storage.budget.table_name,
            description="The table with the shared GitHub rate budget",
        )
        CfnOutput(self, "RolloutStateMachine", value=self.rollouts.waves.state_machine_arn)
        future_owners(self, self.functions, "StudioStack (docs/studio.md)")

    def _dead_letters_by_arn(self) -> sqs.IQueue:
        """Return the queue without its key, which the CDK would permit more of than is needed: `Functions` does."""
        return sqs.Queue.from_queue_arn(self, "DeadLettersByArn", self.dead_letters.queue_arn)

    def _exports(self) -> None:
        """Export what StudioStack uses, also while it does not: turning a feature off removes no export.

        CloudFormation neither changes nor removes an export that another stack still imports, and this stack is
        deployed first. So nothing that can change is exported: GitHub's addresses are each stack's own.
        """
        key, budget = self.storage.key, self.storage.budget
        for value in (self.topic.topic_arn, key.key_arn, budget.table_arn, budget.table_name):
            self.export_value(value)
