"""Which models of Amazon Bedrock a project's roles may ask: those that settings.toml lists, by its own profiles."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from products.functions import statement
from products.workflow_scaling import PROJECT_TAG, tags

_INVOKE = ("bedrock:InvokeModel",)  # also what the Converse API asks IAM for


def model_statements(profiles: str, models: Sequence[str], project_id: str) -> list[iam.PolicyStatement]:
    """Return the use of the project's inference profiles, none without models.

    `profiles`: the ARN of application inference profiles; `models`: ids of foundation models, * at their end.

    Bedrock asks IAM twice: for the profile, which has to carry the project's tag, and for the model that it leads to,
    in whichever region. A model without a profile, or by another project's, is out of reach.
    """
    if not models:
        return []
    return [
        statement(_INVOKE, [profiles], StringEquals=tags("Resource", {PROJECT_TAG: project_id})),
        _models(profiles, models),
    ]


def bounded_models(profiles: str, models: Sequence[str]) -> list[iam.PolicyStatement]:
    """Return the same for the boundary: of profiles, whosever."""
    return [statement(_INVOKE, [profiles]), _models(profiles, models)] if models else []


def _models(profiles: str, models: Sequence[str]) -> iam.PolicyStatement:
    # The region of a profile over the whole world is empty.
    places = [f"arn:{Aws.PARTITION}:bedrock:*::foundation-model/{each}" for each in models]
    return statement(_INVOKE, places, ArnLike={"bedrock:InferenceProfileArn": profiles})
