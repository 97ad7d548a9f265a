"""What switches remove, replace or have refused, each judged. A change without a row fails; so does an unused row."""

from __future__ import annotations

from dataclasses import dataclass

from tests.updates.comparing import Kind


@dataclass(frozen=True)
class Judged:
    """Changes that are as they should be, or that the documentation tells how to go about: which, and why."""

    switches: tuple[str, ...]
    stack: str
    kind: Kind
    resources: tuple[str, ...]  # types; "Export"
    reason: str


_CATALOG = "AWS::ServiceCatalog"
JUDGED = (
    # -- StudioStack ----------------------------------------------------------------------------------------------
    Judged(
        ("first door", "an existing profile", "a profile of our own", "profiles change"),
        "StudioStack",
        "removed",
        ("Custom::StudioProjectProfile",),
        "The function takes the environment out of the profile, or deletes a profile of ours that no project has.",
    ),
    Judged(
        ("first door",),
        "StudioStack",
        "removed",
        ("Custom::StudioBlueprint",),
        "The function leaves the blueprint while projects have it, and the provisioning role stays for them; opened "
        "again, the door finds it by its name.",
    ),
    Judged(
        ("second door",),
        "StudioStack",
        "removed",
        (
            "AWS::CloudWatch::Alarm",
            "AWS::Events::Rule",
            "AWS::IAM::Policy",
            "AWS::IAM::Role",
            "AWS::Logs::LogGroup",
            "AWS::SQS::Queue",
            "AWS::SQS::QueuePolicy",
            f"{_CATALOG}::PortfolioPrincipalAssociation",
            "AWS::StepFunctions::StateMachine",
        ),
        "Nothing that projects run on. docs/studio.md: launches of projects deleted later are terminated by hand.",
    ),
    Judged(
        ("model approval",),
        "StudioStack",
        "removed",
        (
            "AWS::CloudWatch::Alarm",
            "AWS::Events::Rule",
            "AWS::IAM::Policy",
            "AWS::IAM::Role",
            "AWS::Lambda::EventSourceMapping",
            "AWS::Lambda::Function",
            "AWS::Lambda::LayerVersion",
            "AWS::Logs::LogGroup",
            "AWS::SQS::Queue",
            "AWS::SQS::QueuePolicy",
        ),
        "Nothing that projects run on: approvals start no workflow any more.",
    ),
    # -- PortfolioStack -------------------------------------------------------------------------------------------
    Judged(
        ("principals", "another principal", "who may launch"),
        "PortfolioStack",
        "removed",
        (f"{_CATALOG}::PortfolioPrincipalAssociation",),
        "Who is no longer listed may launch no more; what was launched stays.",
    ),
    Judged(
        ("tag options", "more tag options"),
        "PortfolioStack",
        "removed",
        (f"{_CATALOG}::TagOption", f"{_CATALOG}::TagOptionAssociation"),
        "A launch no longer chooses that value; launched products keep their tags.",
    ),
    Judged(
        ("accounts", "organizations"),
        "PortfolioStack",
        "removed",
        (
            f"{_CATALOG}::PortfolioShare",
            "Custom::PortfolioShare",
            "AWS::IAM::Policy",
            "AWS::IAM::Role",
            "AWS::Lambda::Function",
        ),
        "The account launches from the portfolio no more; what it launched stays. The function made the share by API.",
    ),
    Judged(
        ("only launches",),
        "PortfolioStack",
        "removed",
        (
            "Custom::VersionGuidance",
            f"{_CATALOG}::LaunchRoleConstraint",
            f"{_CATALOG}::Portfolio",
            f"{_CATALOG}::PortfolioPrincipalAssociation",
            f"{_CATALOG}::PortfolioProductAssociation",
            f"{_CATALOG}::ResourceUpdateConstraint",
            f"{_CATALOG}::TagOption",
            f"{_CATALOG}::TagOptionAssociation",
        ),
        "The setting is for an account without a portfolio of its own; that one goes when it is switched on.",
    ),
    Judged(
        ("only launches",),
        "PortfolioStack",
        "refused",
        ("Export",),
        "StudioStack uses the portfolio: with the setting there is none to launch from, so destroy StudioStack first.",
    ),
    Judged(
        ("only launches",),
        "PortfolioStack",
        "retained",
        (f"{_CATALOG}::CloudFormationProduct",),
        "Launches from it go on; operations take the product that the stack's output names (docs/decisions/0058).",
    ),
    Judged(
        ("only launches",),
        "PortfolioStack",
        "refused",
        (f"{_CATALOG}::CloudFormationProduct",),
        "Service Catalog takes a second product of the name; operations take the one that the stack's output names.",
    ),
    Judged(
        ("a provider that exists", "one role for all workflows"),
        "PortfolioStack",
        "retained",
        ("AWS::IAM::OIDCProvider",),
        "Launched projects' workflows go on needing it.",
    ),
    Judged(
        ("Enterprise Server", "an enterprise's issuer"),
        "PortfolioStack",
        "replaced",
        ("AWS::IAM::OIDCProvider",),
        "Another issuer has another provider; the old one stays in the account (UpdateReplacePolicy).",
    ),
    Judged(
        ("a provider that exists", "one role for all workflows", "Enterprise Server", "an enterprise's issuer"),
        "PortfolioStack",
        "refused",
        ("AWS::IAM::OIDCProvider",),
        "The provider that was kept is in the way (EntityAlreadyExists): doctor and docs/admin.md say to name its ARN.",
    ),
    Judged(
        ("one role for all workflows",),
        "Launch",
        "removed",
        ("AWS::IAM::Role",),
        "The project's workflows assume the one role from then on; the secret OIDC_ROLE_GITHUB_WORKFLOW says so.",
    ),
    Judged(
        ("no environments",),
        "Launch",
        "removed",
        ("AWS::IAM::Role",),
        "Without the environment production there is no role for it; both secrets then hold the workflow role.",
    ),
    Judged(
        ("files for project roles",),
        "Launch",
        "removed",
        ("AWS::IAM::Policy",),
        "The setting gave the project's role our policy; without it Studio can delete its role.",
    ),
    # -- FoundationStack ------------------------------------------------------------------------------------------
    Judged(
        ("notifications", "another address for notifications"),
        "FoundationStack",
        "removed",
        ("AWS::SNS::Subscription",),
        "The address is no longer written to.",
    ),
    Judged(
        ("processor",),
        "FoundationStack",
        "replaced",
        ("AWS::Lambda::LayerVersion",),
        "A layer's version never changes; the functions take the new one before the old one is deleted.",
    ),
    Judged(
        ("processor",),
        "StudioStack",
        "replaced",
        ("AWS::Lambda::LayerVersion",),
        "A layer's version never changes; the function takes the new one before the old one is deleted.",
    ),
    Judged(
        ("token secret",),
        "FoundationStack",
        "replaced",
        ("AWS::SecretsManager::Secret",),
        "Another secret: docs/admin.md says to put the token into it again.",
    ),
)
