"""How an administrator sees that launches need attention: notifications, dead letters, alarms, the dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from custom_resources.catalogue import CATALOGUE, Entry
from products.functions import METRICS_NAMESPACE, entry_of
from products.rollout.names import METRICS

ALARM_PERIOD = Duration.minutes(15)
DASHBOARD_PERIOD = Duration.minutes(5)
# What the functions count (custom_resources/telemetry.py), by the graph of the dashboard that shows it.
COUNTED = {
    "Launches, re-syncs and deletions": ("Launches", "Resyncs", "Archived"),
    "Attention": ("Conflicts", "RateLimitWaits", "Failures", "Retained"),
}


def notification_topic(stack: Stack, key: kms.Key, email: str) -> sns.Topic:
    """Return the encrypted topic that alarms are published to; `email`, unless "", subscribes to it."""
    topic = sns.Topic(stack, "Notifications", master_key=key, enforce_ssl=True)
    of_this_account = {"StringEquals": {"aws:SourceAccount": stack.account}}
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],  # in a key's policy: this key
            conditions=of_this_account,
        )
    )
    # A topic with a policy of its own (enforce_ssl) has lost the one that lets the account's services publish.
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="AlarmsPublish",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions=of_this_account,
        )
    )
    if email:
        topic.add_subscription(subscriptions.EmailSubscription(email))
    return topic


def dead_letter_queue(
    scope: Construct, construct_id: str = "DeadLetters", encrypted_with: kms.IKey | None = None
) -> sqs.Queue:
    """Return a queue that keeps for 14 days what could not be delivered or handled; SQS has a key if none is given."""
    return sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.KMS if encrypted_with else sqs.QueueEncryption.SQS_MANAGED,
        encryption_master_key=encrypted_with,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )


def alarm(
    scope: Construct, construct_id: str, topic: sns.ITopic, metric: cloudwatch.IMetric, *, at: int, description: str
) -> None:
    """Create an alarm that goes off when one period of its metric reaches `at`, and publishes to the topic."""
    cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=at,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=description,
    ).add_alarm_action(actions.SnsAction(topic))


def queue_alarm(scope: Construct, construct_id: str, topic: sns.ITopic, queue: sqs.Queue, *, description: str) -> None:
    """Create an alarm that goes off at the first message in a dead letter queue."""
    messages = queue.metric_approximate_number_of_messages_visible()
    alarm(scope, construct_id, topic, messages, at=1, description=description)


def function_alarms(scope: Construct, topic: sns.ITopic, functions: Mapping[str, lambda_.Function]) -> None:
    """Create the alarms of each custom resource's function: errors, throttles, and waits for GitHub's rate limit."""
    for entry in map(entry_of, functions):
        function, name = functions[entry.name], _as_people_write(entry)
        alarm(
            scope,
            f"{entry.title}ErrorsAlarm",
            topic,
            function.metric_errors(period=ALARM_PERIOD),
            at=3,
            description=f"The {name} function failed 3 times in 15 minutes. See the function's log.",
        )
        alarm(
            scope,
            f"{entry.title}ThrottlesAlarm",
            topic,
            function.metric_throttles(period=ALARM_PERIOD),
            at=10,
            description=f"Lambda throttled the {name} function 10 times in 15 minutes. "
            "Request a higher quota for the account's Lambda concurrency.",
        )
        if "github" in entry.needs:
            alarm(
                scope,
                f"{entry.title}RateLimitAlarm",
                topic,
                _counter("RateLimitWaits", entry, ALARM_PERIOD),
                at=50,
                description=f"The {name} function waited for GitHub's rate limit 50 times in 15 minutes. "
                "Roll out to fewer projects at once, or use a GitHub App.",
            )


_SPELLED = {"github": "GitHub", "studio": "Studio", "actions": "Actions"}


def _as_people_write(entry: Entry) -> str:
    """Return an entry's name as a sentence has it: GitHub repository."""
    return " ".join(_SPELLED.get(word, word) for word in entry.name.split("_"))


def dashboard(scope: Construct, name: str, functions: Sequence[lambda_.Function], dead_letters: sqs.Queue) -> None:
    """Create the dashboard: what launches counted, and how the functions run."""
    period = DASHBOARD_PERIOD

    def graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
        return cloudwatch.GraphWidget(title=title, left=list(metrics), width=12, height=6)

    cloudwatch.Dashboard(
        scope,
        "Dashboard",
        dashboard_name=name,
        widgets=[
            [graph(title, [_total(each, period) for each in names]) for title, names in COUNTED.items()],
            [
                graph("Errors", [each.metric_errors(period=period) for each in functions]),
                graph("Duration (95%)", [each.metric_duration(period=period, statistic="p95") for each in functions]),
            ],
            [
                graph("Invocations", [each.metric_invocations(period=period) for each in functions]),
                graph("Dead letters", [dead_letters.metric_approximate_number_of_messages_visible()]),
            ],
            [graph("Rollout", [rollout_metric(name, period) for name in METRICS])],
        ],
    )


def _counter(name: str, entry: Entry, period: Duration) -> cloudwatch.Metric:
    """Return a metric that a function counts (custom_resources/telemetry.py)."""
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=name,
        dimensions_map={"service": entry.name},
        statistic="Sum",
        period=period,
    )


def rollout_metric(name: str, period: Duration) -> cloudwatch.Metric:
    """Return a metric that the machine of a rollout counts for each project."""
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=name,
        dimensions_map={"service": "rollout"},
        statistic="Sum",
        period=period,
    )


def _total(name: str, period: Duration) -> cloudwatch.MathExpression:
    """Sum a counter over the functions of a launch."""
    counters = {
        f"{name.lower()}{number}": _counter(name, entry, period)
        for number, entry in enumerate(each for each in CATALOGUE if each.class_name and each.in_product)
    }
    filled = "+".join(f"FILL({identifier},0)" for identifier in counters)
    return cloudwatch.MathExpression(expression=filled, using_metrics=counters, label=name, period=period)
