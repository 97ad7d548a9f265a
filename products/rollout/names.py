"""What the machines and the command line call things: the item in the budget table, the files in S3, the outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from custom_resources.rate_budget import FARTHEST_SECONDS

ITEM = "rollout"  # the one item of the budget table: one rollout at a time
GITHUB_ITEM = "github"  # the functions' budget of GitHub's limits
FOLDER = "rollouts"  # of the archive bucket

Phase = Literal["running", "paused", "ended", "aborted"]
# What became of a project. `merged` where one of its repositories has the version in its default branch now,
# `pull-request` where one waits for people, `gone` where the project was terminated before its turn.
Outcome = Literal["merged", "pull-request", "unchanged", "off", "gone", "failed", "skipped"]
OUTCOMES: tuple[Outcome, ...] = ("merged", "pull-request", "unchanged", "off", "gone", "failed", "skipped")
# Those after which a project needs nothing more of the rollout.
DONE: tuple[Outcome, ...] = ("merged", "pull-request", "unchanged", "off", "gone")
# The item's counters, by the outcome.
COUNTERS: dict[Outcome, str] = {
    "merged": "CountMerged",
    "pull-request": "CountPullRequests",
    "unchanged": "CountUnchanged",
    "off": "CountOff",
    "gone": "CountGone",
    "failed": "CountFailed",
    "skipped": "CountSkipped",
}
# What the machine of a project counts, in CloudWatch's dimension `service` = rollout.
METRICS = {
    "RolloutUpdated": "a project that a rollout updated, or found to be there",
    "RolloutFailed": "a project that a rollout could not update",
    "RolloutStuck": "a project that has been in its update, or has waited for GitHub, for an hour",
}
MAX_CONCURRENCY = 24  # updates at once: with fewer, GitHub waits for us (docs/scale.md); more only wait for GitHub
# What a state is given and answers is at most 256 KiB, and the item is read whole: this many failures, those of the
# updates under way then included, with names of 128 bytes and reasons of four bytes a character, are less.
MOST_FAILURES = 200  # that may be tolerated
REASON_LENGTH = 200  # characters of a reason in the item; the result in S3 has 2,000
NOBODY = "nobody"  # has taken the rollout: the next execution may
PAUSED_BY_FAILURES = "failures"
PAUSED_BY_CANARY = "canary"  # no canary of it was updated, or not each
PAUSED_FOR_APPROVAL = "approval"
PAUSED_BY_PERSON = "person"
PAUSED_BY_WINDOW = "window"  # no opening time is left
# How long before GitHub permits new content an update may start: it waits the rest itself.
AHEAD_SECONDS = FARTHEST_SECONDS


@dataclass(frozen=True)
class Places:
    """Where the machines find what they share; values may be CDK tokens."""

    table: str
    bucket: str
    topic_arn: str
    event_source: str
    metrics_namespace: str


def wave_key(rollout: str, wave: str) -> str:
    """Return the key of a wave's list: projects as the plan found them."""
    return f"{FOLDER}/{rollout}/{wave}.json"


def plan_key(rollout: str) -> str:
    """Return the key of the plan: what was asked for, and the waves in order."""
    return f"{FOLDER}/{rollout}/plan.json"


def results_prefix(rollout: str) -> str:
    """Return what the keys of the results begin with; each ends in the launch's id and .json."""
    return f"{FOLDER}/{rollout}/results/"


def event_source(prefix: str) -> str:
    """Return the source of the rollout's events on the account's default bus."""
    return f"{prefix}.rollout"
