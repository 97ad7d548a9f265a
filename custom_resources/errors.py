"""Every way in which a request can stop, as one tree. Each class says what happened and what to do.

    Problem
      FinalError
        NotPermitted
          TokenTooNarrow
            TokenLacksScope
            AppLacksPermission
          AccessDenied
          TokenNotAuthorized
          AddressNotAllowed
          TokenForbidden
          AccountSuspended
          RepositoryReadOnly
          RepositoryLocked
          RepositoryBlocked
          PlanLacks
          RepositoryHidden
          RepositoryUnseen
          RepositoryMayBeLeft
        AwsDenied
          DataZoneDenied
            DomainUnitNotOwned
            DomainNotShared
          ReaderRoleRefused
        AwsNotFound
        AwsConflict
        AwsRefused
        AwsNotConfigured
        ArchiveMissing
        AssetMissing
        TemplateAssetMissing
        TemplateAltered
        BudgetMissing
        SecretUnreadable
          SecretKeyMissing
          SecretWithoutToken
          SecretWithoutCredentials
        TokenRejected
          AppKeyUnusable
          AppNotInstalled
          CredentialsRejected
        OrganizationNotFound
          AppInUserAccount
        RepositoryNotFound
        RequestRefused
          EnvironmentRulesRefused
          BranchUnseen
          RepositoryBeingSetUp
        TooManyRequests
        RepositoryUnreachable
          GitDenied
        ContentRefused
          ContentHasSecrets
          ObjectsRefused
          PushTooLarge
        RepositoryTooLarge
          ObjectTooLarge
          IgnoreFileTooSlow
          ObjectNotFetched
          HistoryTooLarge
          RepositoryTooManyNames
        GitMissing
        GitServerLacks
        GitNamesUnknown
        ImportFailed
        RepositoryGone
        RepositoryLeft
        RepositoryNameTaken
          RepositoryAdoptable
            ConsentMissing
          RepositoryClaimed
          FormerNameOfAnother
          RepositoryNotActive
          RepositoryInvisible
          RepositoryOfALaunch
        OrganizationChanged
        OrganizationNotAllowed
        VisibilityNotAllowed
        InternalInUserAccount
        NothingForeseen
        HeldByAnotherStack
        ProjectHeld
        ProjectFixed
        NotOurRepository
          OtherProjectsRepository
        RulesRefuse
          BranchInTheWay
        PullRequestsOff
        ProjectNotFound
        LaunchRefused
          LaunchNotByProjectRole
          LaunchNotByServiceCatalog
          LaunchByNobody
          LaunchNotAdministrators
        ClassicOff
        ClassicProjectRefused
        DatabaseNotListed
        AccountNotListed
        SecretNotListed
        ProfileUnknown
        ProfileNotTold
        RoleUnknown
        LocationUnknown
        LocationRefused
        RoleRefused
          RoleElsewhere
          RoleNotListed
          ClassicRoleRefused
        ProjectFailed
        ModelPackageGroupTaken
        NameTaken
        InUse
        BlueprintInUse
        BlueprintMissing
        ConfigurationInUse
        RegionNotEnabled
        RoleNotReady
        EnvironmentNameTaken
        ToolingBlueprintMissing
        ProfileNameTaken
        ProfileMissing
        ProfileWithoutTooling
        ProfileElsewhere
        VersionMissing
        ProductNotFound
          ProductsAlike
        LaunchPathGone
        NoDeployRepository
        NotAnApproval
        ModelElsewhere
        DeploymentUncertain
        PropertiesWrong
        NotARequest
        LaunchNotOurs
        LaunchBusy
        ParameterNotAllowed
        VersionTemplateUnread
        WriteWhileLooking
        NotOfItsStack
        NotAccepted
        AnswerTooLong
        GaveUp
        Unexpected
        InvalidTemplate
          PathLeavesTemplate
          PathUnprintable
          PathNotUtf8
          PathHoldsGit
          NameTooLong
          PathTooLong
          PathTwice
          PathsDifferInCase
          FileAndFolder
          FileTooLarge
          TemplateTooLarge
          TooManyFiles
          ArchiveAltered
          ArchiveNotReadable
          ArchiveDamaged
          FolderMissing
          PartMissing
          EntryNotPlain
          EntryCompressed
          SymbolicLink
          NotAPlainFile
          FolderEmpty
      RetryLater
        RateLimited
          LimitUntold
        GitHubUnreachable
        OutOfTime
        GitHubUnavailable
        AskedToWait
        AnswerIncomplete
        TokenRotated
        TokenNotSpread
        NotSeenYet
        GitFailing
          GitLimited
          GitTooSlow
        StillWaiting
          LaunchesPaused
        BudgetSpent
        BudgetContended
        AwsThrottled
        AwsUnreachable
        StackBehind
        ToolingNotReady
        RoleNotSpread
        KeepsChanging
    Signal
      Stale

A class has two sentences with named holes. Each raise fills exactly these holes. What was being done stands
in brackets, as `{activity}`: "reading the project p1". tests/unit/test_errors.py compares the drawn tree with the
real one, and every raise with the holes. `described` returns the table that the reference in docs/ shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from custom_resources.rate_budget import Cost


class Problem(Exception):
    """What stops a request. `happened` and `remedy` are templates for str.format; the message is both sentences."""

    happened: ClassVar[str] = ""
    remedy: ClassVar[str] = ""
    may_be_lag: bool = False  # GitHub answers so for some seconds after a write, too: only then is it a wait

    def __init__(self, said: str = "", /, **holes: object) -> None:
        """`holes` fill the two sentences. `said` stands for both: an error handed on of which only a text is left."""
        self.holes = holes
        self.why = said or self.happened.format(**holes)
        self.advice = "" if said else self.remedy.format(**holes)
        super().__init__(said or f"{self.why} {self.advice}")


class FinalError(Problem):
    """The request cannot succeed as it is: CloudFormation receives FAILED with these sentences at once."""


class RetryLater(Problem):
    """Nothing is wrong with the request, but it has to wait. `remedy` is for a wait that does not end by itself."""

    def __init__(self, seconds: float, said: str = "", /, **holes: object) -> None:
        """`seconds` is the least time to wait before the next try."""
        super().__init__(said, **holes)
        self.seconds = seconds


class Signal(Exception):
    """What one module reports to another, which acts on it: nobody reads it, so it has no sentences."""


# -- waits: GitHub -------------------------------------------------------------------------------------------


class RateLimited(RetryLater):
    """GitHub's rate limit is used up: everyone who uses this token must wait.

    `of_content`: GitHub refused to create content that notifies people, such as a pull request.
    """

    of_content: bool = False

    happened = "GitHub's rate limit is used up: {message}."
    remedy = "Launch fewer projects at once, or use a GitHub App with a higher limit."


class LimitUntold(RateLimited):
    """GitHub limits requests and does not say for how long: the wait doubles each time, up to an hour."""

    happened = "GitHub is limiting requests without naming a time to wait: {message}."
    remedy = "Launch fewer projects at once, or use a GitHub App with a higher limit."


class GitHubUnreachable(RetryLater):
    """No answer came from GitHub's API."""

    happened = "GitHub did not respond ({activity}; {kind})."
    remedy = "Check GitHub's status page and the function's network connection."


class OutOfTime(RetryLater):
    """The function's time ran out before the work was done: the next call starts again."""

    happened = "GitHub's responses took longer than the {limit} seconds of one invocation."
    remedy = "Check GitHub's status page and the function's network connection."


class GitHubUnavailable(RetryLater):
    """GitHub answered with an error of its own."""

    happened = "GitHub returned the status {status} ({activity})."
    remedy = "Check GitHub's status page."


class AskedToWait(RetryLater):
    """GitHub refused a request with words that ask for it at another time."""

    happened = "GitHub asked for a retry later ({activity}): {message}."
    remedy = "Retry the operation later."


class AnswerIncomplete(RetryLater):
    """GitHub's answer lacks what its API promises: it was cut, or is not GitHub's."""

    happened = "GitHub's response is incomplete ({activity})."
    remedy = "Check [github] api_url in settings.toml and any proxy between the function and GitHub."


class TokenRotated(RetryLater):
    """The token was replaced while it was in use; there is another one to try."""

    happened = "The GitHub token was rotated. The function retries with the new token."
    remedy = "Check that the token secret holds a valid token."


class TokenNotSpread(RetryLater):
    """A GitHub App's token was made just now, and not all of GitHub's servers know it yet."""

    happened = "GitHub does not accept the App's new token yet."
    remedy = "Check GitHub's status page."


class NotSeenYet(RetryLater):
    """What was written a moment ago is not on all of GitHub's servers yet."""

    happened = "GitHub does not show a recent change yet ({why})."
    remedy = "Check GitHub's status page."


class GitFailing(RetryLater):
    """A Git request failed for a reason that may pass."""

    happened = "Git failed ({activity}): {message}."
    remedy = "Check GitHub's status page and the function's network connection."


class GitLimited(GitFailing):
    """GitHub's Git service wants fewer requests."""

    happened = "GitHub is limiting Git requests ({activity}): {message}."
    remedy = "Launch fewer projects at once."


class GitTooSlow(GitFailing):
    """A git process was ended because it took too long."""

    happened = "git {command} took longer than {limit} seconds."
    remedy = "Increase the function's memory, or move large files out of the repository."


# -- waits: the shared rate budget ---------------------------------------------------------------------------


class StillWaiting(RetryLater):
    """The wait that an earlier call was given is not over: no request was sent."""

    happened = "The request is still waiting for GitHub's rate limit."
    remedy = "Launch fewer projects at once."


class LaunchesPaused(StillWaiting):
    """GitHub asked one function to wait, so all do."""

    happened = "GitHub's rate limit has paused all launches."
    remedy = "Launch fewer projects at once."


class BudgetSpent(RetryLater):
    """The shared rate budget has no room for a plan now."""

    happened = "Many launches are in progress. This launch is waiting for its share of GitHub's rate limit."
    remedy = "Launch fewer projects at once."

    def __init__(self, seconds: float, cost: Cost) -> None:
        """`cost` is what there was no room for: a slot is booked for it, before which nothing is asked."""
        super().__init__(seconds)
        self.cost = cost


class BudgetContended(RetryLater):
    """Too many functions wrote the rate budget at once."""

    happened = "Too many launches are reserving their share of GitHub's rate limit at once."
    remedy = "Launch fewer projects at once."


# -- waits: AWS ----------------------------------------------------------------------------------------------


class AwsThrottled(RetryLater):
    """An AWS service limits the rate of requests, or has a failure of its own."""

    happened = "{service} is throttling requests or failing ({activity}; {code})."
    remedy = "Check the service's quotas and the AWS Health Dashboard."


class AwsUnreachable(RetryLater):
    """No answer came from an AWS service."""

    happened = "{service} did not respond ({activity}; {kind})."
    remedy = "Check the network connection and the AWS Health Dashboard."


class StackBehind(RetryLater):
    """CloudFormation tells of the stack as it was before the request, or may: nothing is written, nothing has ended."""

    happened = "CloudFormation still shows the stack in the status {status}."
    remedy = "Check the stack's events. If another operation replaced this one, start the operation again."


class ToolingNotReady(RetryLater):
    """Studio is still setting the project up."""

    happened = "The project {project} does not have a SageMaker domain with the status InService yet."
    remedy = "Check the project's environments in Studio."


class RoleNotSpread(RetryLater):
    """IAM has not spread a new role to all places yet."""

    happened = "DataZone cannot use the provisioning role {role} yet: {message}."
    remedy = "Check that the role exists and trusts datazone.amazonaws.com."


class KeepsChanging(RetryLater):
    """Somebody else writes what this request writes."""

    happened = "Other pushes kept changing the repository during the update."
    remedy = "Wait until nobody pushes to the repository, then start the operation again."


# -- permissions ---------------------------------------------------------------------------------------------


class NotPermitted(FinalError):
    """GitHub does not permit it, and trying again changes nothing."""


class TokenTooNarrow(NotPermitted):
    """The token lacks a permission."""

    happened = "GitHub denied access ({activity}): {message}."
    remedy = "Grant the token that permission, then start the operation again."


class TokenLacksScope(TokenTooNarrow):
    """A classic token lacks a scope that a launch needs."""

    happened = "The GitHub token does not have the scope {scopes}."
    remedy = "Create a token with the scopes repo and workflow, and put it into the token secret."


class AppLacksPermission(TokenTooNarrow):
    """The GitHub App was not given what a function needs."""

    happened = "The GitHub App's installation does not have a required permission ({permissions}): {message}."
    remedy = "Grant the App the permissions in docs/admin.md, and approve them in the organization."


class AccessDenied(NotPermitted):
    """GitHub, or a proxy on the way to it, denied access for a reason that only its words tell."""

    happened = "GitHub or a proxy denied access ({activity}): {message}."
    remedy = "Fix the reason in the message, then start the operation again."


class TokenNotAuthorized(NotPermitted):
    """The organization requires SAML single sign-on, and the token is not authorized for the organization."""

    happened = "The organization requires single sign-on for the token ({activity}): {message}."
    remedy = "Authorize the token for single sign-on ({url}), then start the operation again."


class AddressNotAllowed(NotPermitted):
    """The IP allow list of the organization or enterprise lacks the function's address."""

    happened = "The organization's IP allow list does not include the function's address ({activity}): {message}."
    remedy = "Add the functions' public IP address to the organization's IP allow list."


class TokenForbidden(NotPermitted):
    """The organization's policy does not accept the token's kind or lifetime."""

    happened = "The organization's policy does not allow this type of token or its lifetime ({activity}): {message}."
    remedy = "Create a token that the policy allows, and put it into the token secret."


class AccountSuspended(NotPermitted):
    """The token's account or the App's installation is suspended."""

    happened = "The token's account or the App's installation is suspended ({activity}): {message}."
    remedy = (
        "Have the account or installation reinstated on GitHub, or put another account's token into the token secret."
    )


class RepositoryReadOnly(NotPermitted):
    """The repository is archived, and an archived repository takes no change."""

    may_be_lag = True

    happened = "The repository is archived ({activity}): {message}."
    remedy = "Unarchive the repository on GitHub, then start the operation again."


class RepositoryLocked(NotPermitted):
    """The repository is locked, as it is while it is migrated."""

    happened = "The repository is locked ({activity}): {message}."
    remedy = "Wait until its migration ends, or unlock the repository on GitHub, then start the operation again."


class RepositoryBlocked(NotPermitted):
    """GitHub has blocked or disabled the repository, or blocked the token's user."""

    happened = "GitHub has blocked the repository or the token's user ({activity}): {message}."
    remedy = "Ask GitHub Support or the organization's owners to remove the block."


class PlanLacks(NotPermitted):
    """The organization's plan of GitHub does not offer what was asked for."""

    happened = "The organization's GitHub plan does not include this feature ({activity}): {message}."
    remedy = "Upgrade the plan, or turn the feature off in settings.toml."


class RepositoryHidden(NotPermitted):
    """A repository that is to be archived cannot be read."""

    may_be_lag = True
    happened = "The token cannot access the Git repository {repository}."
    remedy = "Grant the token access to the repository."


class RepositoryUnseen(NotPermitted):
    """GitHub does not show the token a repository of the project, and nothing proves that it is gone."""

    happened = (
        "The token cannot access the repository {repository} (ID {id}). The token lost its access, or somebody deleted "
        "or transferred the repository."
    )
    remedy = (
        "Grant the token access to the repository, then start the operation again. If the repository was deleted, "
        "delete this project and create it again."
    )


class RepositoryMayBeLeft(NotPermitted):
    """GitHub does not show the token a repository that is to be archived, and nothing proves that it is gone."""

    happened = (
        "The token cannot access the repository {repository}. Either somebody deleted the repository, or the token "
        "lost its access and the repository is still active, with its secrets."
    )
    remedy = (
        "Grant the token access to the repository, then delete the stack again. If the repository was deleted, run "
        "python -m operations repair with --gone, or delete the stack and retain this resource."
    )


# -- AWS -----------------------------------------------------------------------------------------------------


class AwsDenied(FinalError):
    """An AWS service denied access."""

    happened = "{service} denied access ({activity}): {message}."
    remedy = "Grant the caller {permission}."


class DataZoneDenied(AwsDenied):
    """DataZone denied access: IAM or the domain does not permit it, or what was asked for does not exist."""

    happened = "{service} denied access, or the domain or project does not exist ({activity}): {message}."
    remedy = (
        "Check the domain and project IDs. If they are correct, grant the caller {permission}, and add it as a member "
        "of the project or an owner of the domain unit."
    )


class DomainUnitNotOwned(DataZoneDenied):
    """DataZone denied a write to a function of StudioStack: its role owns no domain unit there, or IAM denies it."""

    happened = "{service} denied access ({activity}): {message}."
    remedy = (
        "Add the function's role as an owner of the domain unit, then deploy again: aws datazone add-entity-owner "
        "--domain-identifier DOMAIN_ID --entity-type DOMAIN_UNIT --entity-identifier DOMAIN_UNIT_ID "
        "--owner 'user={{userIdentifier=ROLE_ARN}}'. ROLE_ARN is an output of FoundationStack. If the message names an "
        "IAM policy, grant the role {permission}."
    )


class DomainNotShared(DataZoneDenied):
    """DataZone denied enabling the blueprint in another account: the domain's share does not permit it."""

    happened = "{service} denied access ({activity}): {message}."
    remedy = (
        "In the domain's account associations, request an association with this account. Accept the request here, then "
        "deploy again. If the message names an IAM policy, grant the role {permission}."
    )


class ReaderRoleRefused(AwsDenied):
    """The role of the domain's account does not trust a function of an account of projects."""

    happened = "{service} denied access ({activity}): {message}."
    remedy = (
        "Add this account and region to [accounts] in settings.toml and deploy DomainFoundationStack in the domain's "
        "account, then FoundationStack here."
    )


class AwsNotFound(FinalError):
    """An AWS service has nothing of that name."""

    happened = "{service} did not find the resource ({activity}): {message}."
    remedy = "Check that the resource exists in this account and Region."


class AwsConflict(FinalError):
    """An AWS service refused a request because of what is there."""

    happened = "{service} reported a conflict ({activity}): {message}."
    remedy = "Wait until other changes to the resource end, then start the operation again."


class AwsRefused(FinalError):
    """An AWS service refused a request for another reason, which the message carries."""

    happened = "{service} refused the request ({activity}): {message} ({code})."
    remedy = "Fix the cause in the message, then start the operation again."


class AwsNotConfigured(FinalError):
    """There are no credentials or no region to call AWS with."""

    happened = "The request to {service} could not be sent ({activity}): {message}."
    remedy = "Check the AWS credentials, the Region and the values in the message."


class ArchiveMissing(FinalError):
    """A published version's content is not in the archive bucket."""

    happened = "The template archive {archive} is not in the bucket {bucket}, or the function may not read it."
    remedy = "Deploy FoundationStack and PortfolioStack again."


class AssetMissing(FinalError):
    """The asset of a published version is not where the CDK put it."""

    happened = "The template asset {asset} is not in the bucket {bucket}, or the function may not read it."
    remedy = "Deploy PortfolioStack again."


class TemplateAssetMissing(FinalError):
    """The blueprint's template is not where the CDK put it."""

    happened = "The blueprint's template {asset} is not in the bucket {bucket}, or the function may not read it."
    remedy = "Deploy StudioDomainStack again."


class TemplateAltered(FinalError):
    """The blueprint's template is not the one that its name says."""

    happened = "The content of the blueprint's template {asset} in the bucket {bucket} does not match its name."
    remedy = "Delete the object from the bucket, then deploy StudioDomainStack again."


class BudgetMissing(FinalError):
    """The table of the shared rate budget is gone."""

    happened = "The DynamoDB table {table} of the shared rate budget does not exist."
    remedy = "Deploy FoundationStack again."


class SecretUnreadable(FinalError):
    """A secret is missing, or has no value."""

    happened = "The secret {secret} does not exist or has no value."
    remedy = "Create the secret and put a value into it."


class SecretKeyMissing(SecretUnreadable):
    """A secret is not the JSON object that a reference expects."""

    happened = "The secret {secret} is not a JSON object with the key {key!r}."
    remedy = "Add the key to the secret, or correct the reference to it in settings.toml."


class SecretWithoutToken(SecretUnreadable):
    """The token secret was deployed but not filled yet."""

    happened = "The secret {secret} does not contain a GitHub token yet."
    remedy = "Put the token into the secret."


class SecretWithoutCredentials(SecretUnreadable):
    """The token secret is JSON without credentials."""

    happened = 'The secret {secret} contains neither {{"token"}} nor {{"app_id", "installation_id", "private_key"}}.'
    remedy = "Put either the token or the GitHub App's values into the secret."


# -- GitHub --------------------------------------------------------------------------------------------------


class TokenRejected(FinalError):
    """GitHub does not accept the token."""

    happened = "GitHub rejected the token (bad credentials)."
    remedy = "Put a valid token into the token secret."


class AppKeyUnusable(TokenRejected):
    """The token secret holds a GitHub App's id and key that make no token."""

    happened = "The GitHub App's app_id or private_key in the token secret is not valid."
    remedy = "Put the App's ID and its private key (PEM) into the token secret."


class AppNotInstalled(TokenRejected):
    """The GitHub App is not installed under the id that the token secret names."""

    happened = "The GitHub App {app} does not have an installation with the ID {installation}."
    remedy = "Install the App in the organization, and put the installation's ID into the token secret."


class CredentialsRejected(TokenRejected):
    """GitHub's Git service does not accept the token."""

    happened = "GitHub's Git service rejected the token."
    remedy = "Put a valid token into the token secret."


class OrganizationNotFound(FinalError):
    """The organization does not exist, or is hidden from the token; nor is it the user account of the token's owner."""

    happened = (
        "The token cannot create repositories in the organization {organization!r}, and it does not belong to a user "
        "with that name."
    )
    remedy = "Correct the name, give the token access to the organization, or use a token of that user."


class AppInUserAccount(OrganizationNotFound):
    """A GitHub App shall create repositories in a user account, which GitHub offers in organizations only."""

    happened = "{organization!r} is a user account, and GitHub Apps cannot create repositories in user accounts."
    remedy = "Put a personal access token of that user into the token secret, or use an organization."


class RepositoryNotFound(FinalError):
    """GitHub has no such thing, or hides it from the token."""

    may_be_lag = True
    happened = "GitHub returned 404: the resource does not exist, or the token cannot access it ({activity})."
    remedy = "Check that the resource exists and that the token has access to it."


class RequestRefused(FinalError):
    """GitHub refused a request for another reason, which the message carries."""

    happened = "GitHub refused the request ({activity}): {message}."
    remedy = "Fix the cause in the message, then start the operation again."


class EnvironmentRulesRefused(RequestRefused):
    """GitHub does not take an environment's rules: its plan does not offer them, or a reviewer is unknown."""

    happened = "GitHub refused the protection rules of the environment {environment} in {repository}: {message}."
    remedy = "Use a GitHub plan that includes them, or correct [workflow_role.reviewers] in settings.toml."


class BranchUnseen(RequestRefused):
    """GitHub opens no pull request from a branch that was pushed: it does not know it, or not its commits."""

    may_be_lag = True
    happened = "GitHub refused a pull request from the branch {branch} of {repository}: {message}."
    remedy = "Check that the branch exists and has commits of its own, then start the operation again."


class RepositoryBeingSetUp(RequestRefused):
    """GitHub is still setting the repository up."""

    may_be_lag = True
    happened = "GitHub is still creating the repository ({activity}): {message}."
    remedy = "Wait a few minutes, then start the operation again."


class TooManyRequests(FinalError):
    """A repository holds so much of ours that looking at all of it would use up GitHub's limit for everybody."""

    happened = "The operation needs more than {limit} requests to GitHub, the maximum for one operation."
    remedy = "Close the template's pull requests that you do not need, and delete their refs under refs/studio."


class RepositoryUnreachable(FinalError):
    """The Git URL leads to no repository that the token may see."""

    may_be_lag = True
    happened = "The Git repository does not exist, or the token cannot access it ({activity})."
    remedy = "Check the repository's name and the token's access to it."


class GitDenied(RepositoryUnreachable):
    """GitHub's Git service denied access to a repository."""

    may_be_lag = False
    happened = "GitHub denied Git access ({activity}): {message}."
    remedy = "Grant the token access to the repository's contents."


class ContentRefused(FinalError):
    """GitHub will not take this content, on any branch."""

    happened = "GitHub refused the template's content: {message}."
    remedy = "Remove the named content from the template, or grant the token permission to push it."


class ContentHasSecrets(ContentRefused):
    """GitHub's push protection found secrets in what was pushed."""

    happened = "GitHub's push protection found secrets in the content: {message}."
    remedy = "Remove the secrets from the template and publish it again, or allow them at the URL in the message."


class ObjectsRefused(ContentRefused):
    """The Git server checked what was pushed and does not store it."""

    happened = "The Git server rejected the pushed objects: {message}."
    remedy = "Fix the cause in the message, in the template or in the repository's history."


class PushTooLarge(ContentRefused):
    """What was pushed is larger than the Git server takes at once."""

    happened = "The push is larger than the Git server accepts: {message}."
    remedy = "Remove large files from the template, then publish it again."


class RepositoryTooLarge(FinalError):
    """What a merge has to read does not fit on the function's disk."""

    happened = "The files to compare do not fit in the function's /tmp."
    remedy = "Increase the function's ephemeral storage, or move large files out of the repository."


class ObjectTooLarge(RepositoryTooLarge):
    """A tree, commit or file of the repository that would have to be read is too large for the function's memory."""

    happened = "The {kind} {name} in the repository has {size:,} bytes, and the maximum is {limit:,}."
    remedy = "Remove the {kind} from the repository."


class IgnoreFileTooSlow(RepositoryTooLarge):
    """Git needs too long for the patterns of a repository's .studio-template-ignore: some take exponential time."""

    happened = "Git needs more than {limit} seconds to match the patterns in the repository's {name}."
    remedy = "Simplify the patterns: write out paths, and use few * and ** in each."


class ObjectNotFetched(RepositoryTooLarge):
    """A commit or folder is too large to be taken into memory at all."""

    happened = (
        "The repository has a commit or folder with more than {limit:,} bytes, the maximum that the function fetches."
    )
    remedy = "Remove it from the default branch and from the branches of the template's pull requests."


class HistoryTooLarge(RepositoryTooLarge):
    """The template's traces in a branch's history are too many to be read."""

    happened = "The history of the default branch has more than {limit:,} bytes of commit messages about the template."
    remedy = "Remove commits that only quote these messages, or restore the repository's refs under refs/studio."


class RepositoryTooManyNames(RepositoryTooLarge):
    """The repository has more files or refs than the function can hold."""

    happened = "The repository has more than {limit:,} {kind}, the maximum."
    remedy = "Remove {kind} that you do not need."


class GitMissing(FinalError):
    """The function has no git."""

    happened = "The function did not find git."
    remedy = "Deploy FoundationStack again, which attaches the git layer to the function."


class GitServerLacks(FinalError):
    """The Git server lacks a part of the protocol without which a push is not safe."""

    happened = "The Git server does not support {capabilities}."
    remedy = "Use GitHub, or another server that supports it."


class GitNamesUnknown(FinalError):
    """The repository names its objects in another way than by SHA-1."""

    happened = "The repository uses the SHA-256 object format."
    remedy = "Use a repository with the SHA-1 object format."


class ImportFailed(FinalError):
    """git fast-import refused the template's files."""

    happened = "git could not store the template's files: {message}."
    remedy = "Fix the template, then publish it again."


# -- a project's repository ----------------------------------------------------------------------------------


class RepositoryGone(FinalError):
    """The repository was deleted on GitHub: a token that sees all repositories of its owner does not see it."""

    happened = "The repository {repository} was deleted on GitHub."
    remedy = "Restore the repository on GitHub, or delete this project and create it again."


class RepositoryLeft(FinalError):
    """A repository could not be looked up or archived. `why` and `advice` are the two sentences of the failure."""

    happened = "{why} If the repository {repository} exists, it stays on GitHub unchanged, with its secrets."
    remedy = "{advice} Then delete the stack again."


class RepositoryNameTaken(FinalError):
    """The name belongs to a repository that is not this project's."""

    happened = "The repository {repository} already exists and does not belong to this project."
    remedy = "Choose another name."


class RepositoryAdoptable(RepositoryNameTaken):
    """The name belongs to a repository that a launch may adopt."""

    happened = "The repository {repository} already exists and does not belong to this project."
    remedy = "Choose another name, or launch with AdoptExisting=true after the repository's owners consent."


class ConsentMissing(RepositoryAdoptable):
    """Nobody who may has given the repository to the project."""

    happened = (
        "The repository {repository} already exists, and its owners have not consented to adoption ({path}: {problem})."
    )
    remedy = (
        "Commit {path} to its default branch with the lines `domain: {domain}` and `project: {project}`, "
        "or choose another name."
    )


class RepositoryClaimed(RepositoryNameTaken):
    """Another project's mark or pull request is in the repository."""

    happened = "The repository {repository} has the marker or a pull request of another project."
    remedy = "Choose another name."


class FormerNameOfAnother(RepositoryNameTaken):
    """The name leads to another project's repository, which was renamed."""

    happened = "{name} is a former name of the repository {repository}, which belongs to another project."
    remedy = "Choose another name."


class RepositoryNotActive(RepositoryNameTaken):
    """The repository to adopt is archived."""

    happened = "The repository {repository} is archived and does not belong to this project."
    remedy = "Unarchive the repository on GitHub to adopt it, or choose another name."


class RepositoryInvisible(RepositoryNameTaken):
    """GitHub says that the name is taken, and shows the token no repository."""

    happened = "The repository {repository} already exists, but the token cannot access it."
    remedy = "Choose another name, or grant the token access to the repository."


class RepositoryOfALaunch(RepositoryNameTaken):
    """An empty repository is described as the project's, and proves it to the stack at most that created it."""

    happened = (
        "The project seems to be already launched: the description of the empty repository {repository} names it."
    )
    remedy = (
        "Terminate that launch, or wait until it ends. If there is no launch, delete the repository or choose another "
        "name."
    )


class OrganizationChanged(FinalError):
    """A project's repository does not move between organizations by a stack update."""

    happened = "An update cannot move the repository from {former} to {organization}."
    remedy = "Transfer the repository on GitHub, or delete the project and create it again."


class OrganizationNotAllowed(FinalError):
    """The administrator does not permit launches to use the organization."""

    happened = "Launches may not use the organization {organization}."
    remedy = "Choose one of {allowed}, or ask an administrator to add the organization to settings.toml."


class VisibilityNotAllowed(FinalError):
    """The administrator does not permit repositories of that visibility."""

    happened = "This installation does not allow {visibility} repositories."
    remedy = (
        "Choose one of {allowed}, or ask an administrator to add {visibility} to [product] allowed_visibilities in "
        "settings.toml."
    )


class InternalInUserAccount(FinalError):
    """Internal repositories are an enterprise's: a user account has none."""

    happened = "{owner!r} is a user account, and user accounts do not have internal repositories."
    remedy = "Choose the visibility private or public, or an organization that belongs to an enterprise."


class NothingForeseen(FinalError):
    """A dry run cannot tell what an update would do."""

    happened = "The update would create a repository, and a dry run cannot show what goes into a new repository."
    remedy = "Run the update to create the repository. A dry run of the next update shows its effects."


class HeldByAnotherStack(FinalError):
    """The project is launched already, by a stack that is still there."""

    happened = "The project is already launched: its repository {repository} belongs to the stack {stack}."
    remedy = "Update that launch, or terminate it before you launch the project again."


class ProjectHeld(FinalError):
    """A second launch of a project, whatever its repositories are called."""

    happened = "The project {project} is already launched by the stack {stack}."
    remedy = "Update that launch, or terminate it before you launch the project again."


class ProjectFixed(FinalError):
    """An update names another project than the launch did."""

    happened = "The stack was launched for the project {project}, which an update cannot change."
    remedy = "Update the stack with that project, and launch the product again for another project."


class NotOurRepository(FinalError):
    """The repository has content, and no lineage of this project."""

    happened = "The repository {repository} has commits but no template lineage of this project."
    remedy = "Launch with AdoptExisting=true after its owners consent, or choose another name."


class OtherProjectsRepository(NotOurRepository):
    """The repository has the lineage of another project."""

    happened = "The repository {repository} carries the template of another project ({project})."
    remedy = "Choose another repository name."


class RulesRefuse(FinalError):
    """The repository's rules leave no way to deliver the template."""

    happened = "The branch protection or rulesets of {repository} block the template update ({message})."
    remedy = "Add the token's owner to the bypass list of the rules."


class PullRequestsOff(FinalError):
    """A pull request is needed in a repository that takes none."""

    happened = "Pull requests are turned off in {repository}, and this version needs a pull request."
    remedy = (
        "Turn them on (Settings, General, Features, Pull requests in the repository), then update the project again."
    )


class BranchInTheWay(RulesRefuse):
    """A branch has the name of the folder that pull requests' branches need."""

    happened = "The branch studio in {repository} conflicts with the name of the pull request's branch {branch}."
    remedy = "Rename the branch studio, then update the project again."


# -- Studio and Service Catalog ------------------------------------------------------------------------------


class ProjectNotFound(FinalError):
    """Studio has no such project, or does not show it."""

    happened = "SageMaker Unified Studio did not find the domain or project ({activity})."
    remedy = "Check the domain and project IDs."


class LaunchRefused(FinalError):
    """The caller of the launch may not launch for the project."""

    happened = "{caller} may not launch the product for the project {project}."
    remedy = "Ask an administrator to launch it, or add the caller to [portfolio] principals in settings.toml."


class LaunchNotByProjectRole(LaunchRefused):
    """A project's role launches for another project."""

    happened = "The role {caller} is not the role of the project {project}."
    remedy = "Launch as the project's own role, or ask an administrator to launch it."


class LaunchNotByServiceCatalog(LaunchRefused):
    """CloudFormation alone was used, or another product: nobody has looked at who launches."""

    happened = "The stack {stack} was not launched from this installation's product in Service Catalog."
    remedy = (
        "Launch the product from Studio or Service Catalog. For an installation without Service Catalog, set [product] "
        "allow_direct_launches in settings.toml."
    )


class LaunchByNobody(LaunchRefused):
    """What only a known caller may do, in a launch whose caller Service Catalog does not name."""

    happened = "This launch needs a known caller to adopt repositories or for classic, and Service Catalog names none."
    remedy = "Launch for a Studio project with AdoptExisting=false."


class LaunchNotAdministrators(LaunchRefused):
    """The blueprint or project setup launches for SageMaker Studio classic, about which Studio gave it no data."""

    happened = "Only an administrator can launch the product for SageMaker Studio classic."
    remedy = "Ask a principal of the portfolio to launch it."


class ClassicOff(FinalError):
    """A launch for SageMaker Studio classic, which the settings do not offer."""

    happened = "This installation does not launch the product for SageMaker Studio classic."
    remedy = "Set [product] classic = true in settings.toml, or launch with the project's Studio domain."


class ClassicProjectRefused(FinalError):
    """SageMaker knows the classic project by another id, or made it by another launch."""

    happened = "SageMaker Studio classic does not have a project {name!r} with the ID {project} for this launch."
    remedy = "Launch from the project, with the name and ID that SageMaker fills in."


class DatabaseNotListed(FinalError):
    """The launch names a Glue database that the settings do not list."""

    happened = "[product] glue_databases in settings.toml does not list the Glue database {database}."
    remedy = "Launch with a listed database, or ask an administrator to add this one."


class AccountNotListed(FinalError):
    """The launch names an account to deploy to that the settings do not list."""

    happened = "[product] deploy_accounts in settings.toml does not list the account {account}."
    remedy = "Launch with a listed account, or ask an administrator to add this one."


class SecretNotListed(FinalError):
    """A request names a secret that the settings do not copy into repositories."""

    happened = "[secret_references] in settings.toml does not list the secret {reference} as {name}."
    remedy = "Update the project to a version that was published with the current settings."


class ModelPackageGroupTaken(FinalError):
    """The name of the project's model package group is in use, and its tags do not say that it is the project's."""

    happened = "The model package group {group} already exists and does not have the tags of the project {project}."
    remedy = (
        "If its models belong to the project, add the tags AmazonDataZoneProject={project} and "
        "AmazonDataZoneDomain={domain} to the group. Otherwise ask its owner to delete it. Then launch again."
    )


class ProfileUnknown(FinalError):
    """Nothing tells which template the project is made from."""

    happened = "SageMaker Studio classic does not have project profiles, and the launch names none."
    remedy = "Launch with a ProfileName."


class ProfileNotTold(FinalError):
    """Neither the launch nor Studio names the profile that the project is made from."""

    happened = "The project {project} does not have a project profile in Studio, and the launch names none."
    remedy = "Launch with a ProfileName."


class RoleUnknown(FinalError):
    """Nothing that is believed tells which role the project's pipelines run as."""

    happened = "Neither Studio nor the SageMaker domain names a role of the project {project}."
    remedy = (
        "Repair the project's tooling environment, or ask a principal of the portfolio to launch with UserRoleArn. Its "
        "value must be a role in [workflow_role] execution_roles of settings.toml."
    )


class LocationUnknown(FinalError):
    """Nothing that is believed tells where the project's files are."""

    happened = "Neither Studio nor the SageMaker domain names the S3 location of the project {project}."
    remedy = (
        "Repair the project's tooling environment, or ask a principal of the portfolio to launch with ProjectBucket, "
        "the ARN of the project's bucket."
    )


class LocationRefused(FinalError):
    """The launch names a location that is not the project's: its workflows could write there."""

    happened = "{location} is not the S3 location of the project {project}."
    remedy = "Leave ProjectBucket empty, or enter the ARN of the project's bucket."


class RoleRefused(FinalError):
    """The launch names a role that is not the project's: its workflows could pass it on, and so act as it."""

    happened = "{role} is not the role of the project {project}."
    remedy = "Leave UserRoleArn empty, or enter {allowed}."


class RoleElsewhere(RoleRefused):
    """The launch names a role that pipelines of this account cannot have."""

    happened = "{role} is not a role of this account."
    remedy = "Leave UserRoleArn empty, or enter the ARN of the project's role."


class RoleNotListed(RoleRefused):
    """The launch names a role that the settings do not allow projects."""

    happened = "The settings do not allow the role {role} for the project {project}."
    remedy = "Launch with the project's own role, or add the role to [workflow_role] execution_roles in settings.toml."


class ClassicRoleRefused(RoleRefused):
    """The launch names a role that no project of SageMaker Studio classic may use."""

    happened = "{role} is not a role for projects of SageMaker Studio classic."
    remedy = (
        "Leave UserRoleArn empty, or ask an administrator to add the role to [product] classic_execution_roles "
        "in settings.toml."
    )


class ProjectFailed(FinalError):
    """Studio could not set the project up."""

    happened = "Studio could not deploy the project {project}: {reason}."
    remedy = "Repair or delete the project in Studio."


class NameTaken(FinalError):
    """A blueprint, profile or grant of that name appeared meanwhile."""

    happened = "The domain already has a resource with this name ({activity})."
    remedy = "Choose another name."


class InUse(FinalError):
    """What should be deleted is still used."""

    happened = "The {kind} {name} is still in use."
    remedy = "Delete the projects that use it, then delete the {kind} again."


class BlueprintInUse(FinalError):
    """Projects still have environments of the blueprint."""

    happened = "The blueprint {blueprint!r} still has environments in the projects {projects}."
    remedy = "Delete the environments in Studio, then delete this stack again."


class BlueprintMissing(FinalError):
    """The domain has no blueprint to enable."""

    happened = "The domain {domain} does not have the blueprint {blueprint!r}."
    remedy = "Deploy StudioDomainStack in the domain's account, then deploy this stack again."


class ConfigurationInUse(FinalError):
    """Projects of this account still have environments of the blueprint, which need its role to be deleted."""

    happened = "The blueprint {blueprint!r} still has environments in this account, in the projects {projects}."
    remedy = "Delete the environments in Studio, then delete this stack again, or deploy it again without their Region."


class RegionNotEnabled(FinalError):
    """A further region of an account, before its home region has enabled the blueprint for it."""

    happened = "The blueprint {blueprint!r} is not enabled for the Region {region} in this account."
    remedy = "Deploy StudioAccountStack in the account's home Region, then deploy this stack again."


class RoleNotReady(FinalError):
    """DataZone cannot use the provisioning role: IAM has not spread it yet, or it is wrong."""

    happened = "DataZone cannot use the provisioning role {role}: {message}."
    remedy = "Check that the role exists and trusts datazone.amazonaws.com."


class EnvironmentNameTaken(FinalError):
    """A profile has an environment of another blueprint under our name."""

    happened = "The project profile already has another environment named {environment!r}."
    remedy = "Choose another [studio] environment_name in settings.toml."


class ToolingBlueprintMissing(FinalError):
    """The domain lacks the managed blueprint that every project starts with."""

    happened = "The managed blueprint {blueprint!r} is missing in the domain {domain}, and every project needs it."
    remedy = "Enable the blueprint in the domain."


class ProfileNameTaken(FinalError):
    """A profile to create exists, and is not this stack's."""

    happened = "The domain already has a project profile named {profile!r}."
    remedy = "Choose another name, or list the profile in [studio] profiles of settings.toml."


class ProfileMissing(FinalError):
    """A profile to extend does not exist."""

    happened = "The domain {domain} does not have a project profile named {profile!r}."
    remedy = "Correct the name, or move the profile to [studio.own_profiles] in settings.toml to create it."


class ProfileWithoutTooling(FinalError):
    """A profile to extend would run our environment before its tooling."""

    happened = "The project profile {profile!r} does not create a tooling environment before deployment order {order}."
    remedy = "Increase [studio] deployment_order in settings.toml, or add a tooling environment to the profile."


class ProfileElsewhere(FinalError):
    """A profile's projects are in an account or region that the product is not deployed to."""

    happened = "The project profile {profile!r} creates projects in {elsewhere}, where the product is not deployed."
    remedy = "Add the account and Region to [accounts] in settings.toml (it has {listed}), or remove the profile there."


class VersionMissing(FinalError):
    """A version is not in the product."""

    happened = "The product {product} does not have the version {version}."
    remedy = "Deploy PortfolioStack again."


class ProductNotFound(FinalError):
    """The portfolio's product is not deployed in this account and region."""

    happened = (
        "Service Catalog has {count} products named {product!r} in this account and Region; exactly one is required."
    )
    remedy = "Run `npx aws-cdk@2 deploy PortfolioStack`, or correct [product] name in settings.toml."


class ProductsAlike(ProductNotFound):
    """A former portfolio has left its product, and no stack says which one is the installation's."""

    happened = (
        "Service Catalog has several products named {product!r} ({ids}), and PortfolioStack outputs none of them."
    )
    remedy = (
        "Deploy PortfolioStack, which outputs its product. Delete other products without provisioned products: "
        "aws servicecatalog delete-product --id ID."
    )


class LaunchPathGone(FinalError):
    """The caller that updates is no longer a principal of the portfolio, or the portfolio was created again."""

    happened = "The caller no longer has a launch path to the product, so {launch} cannot be updated ({message})."
    remedy = (
        "Add the caller to [portfolio] principals in settings.toml and deploy PortfolioStack; "
        "`python -m operations doctor` shows the caller."
    )


class NoDeployRepository(FinalError):
    """The model belongs to a project whose launch has no deploy repository to tell."""

    happened = (
        "The token cannot access the deploy repository {repository} of the model package group {group}: somebody "
        "deleted the repository, or the token lost its access."
    )
    remedy = "Restore the repository or grant the token access, then redrive the approvals' dead-letter queue."


class NotAnApproval(FinalError):
    """A message in the approvals queue is not SageMaker's."""

    happened = "The message is not a SageMaker model package event."
    remedy = "Delete the message from the approvals queue."


class ModelElsewhere(FinalError):
    """A model package of another account or region, whose group has the name of a project's here."""

    happened = "The model package {model_package} belongs to another account or Region than {place}."
    remedy = "Approve the model package in the project's own account and Region, and delete this message."


class DeploymentUncertain(FinalError):
    """A function ended between asking GitHub for a deployment and remembering it."""

    happened = "The workflow run that deploys {model_package} from {repository} may have started already."
    remedy = (
        "Check the repository's workflow runs. If the run did not start, delete the event from the variable "
        "{variable}, then redrive the approvals' dead-letter queue."
    )


# -- the request itself --------------------------------------------------------------------------------------


class PropertiesWrong(FinalError):
    """The template gives a custom resource what its model refuses."""

    happened = "The properties of {resource_type} are not valid ({problems})."
    remedy = "Correct the properties in the stack's template."


class NotARequest(FinalError):
    """A function was invoked by something else than CloudFormation."""

    happened = "The event is not a CloudFormation custom resource request."
    remedy = "Invoke the function through a custom resource in a stack."


class LaunchNotOurs(FinalError):
    """The launch in the request is not one of the product that the installation offers."""

    happened = "{launch} is not a provisioned product of this installation's product."
    remedy = "Use a launch that `python -m operations status` lists."


class LaunchBusy(FinalError):
    """A launch that cannot be updated now: Service Catalog is changing it, or it is in error."""

    happened = "The provisioned product {launch} has the status {status} and cannot be updated."
    remedy = "Wait until its status is AVAILABLE, or run `python -m operations repair`."


class ParameterNotAllowed(FinalError):
    """A launch's value that the version's template refuses, or a new parameter without a default."""

    happened = "The version does not allow the launch's value of the parameter {parameter}."
    remedy = "Update the provisioned product in Service Catalog with a value that the version allows."


class VersionTemplateUnread(FinalError):
    """A version's template that is not where a deployment of PortfolioStack puts it."""

    happened = "The template of the version {version} cannot be read: {why}."
    remedy = "Run the plan in the account and Region of PortfolioStack."


class WriteWhileLooking(FinalError):
    """A fault of this software: what only looks was about to write. Nothing was sent."""

    happened = "The function stopped a read-only request that was about to write to GitHub."
    remedy = "Report this as a bug, with the function's log."


class NotOfItsStack(FinalError):
    """An event that CloudFormation has not sent for this stack's resource, as the stack is now."""

    happened = "The request does not belong to the stack {stack}: {why}."
    remedy = "Invoke the function through a custom resource in a stack."


class NotAccepted(FinalError):
    """What a request needs before it is accepted did not answer."""

    happened = "The function could not check the request: {why}."
    remedy = "Start the stack operation again."


class AnswerTooLong(FinalError):
    """CloudFormation would refuse the answer, and wait for another one for an hour."""

    happened = "The response has {size} bytes, and CloudFormation accepts {limit}."
    remedy = "Shorten the value of the attribute {attribute}."


class GaveUp(FinalError):
    """A wait has lasted longer than the function's patience."""

    happened = "The function stopped waiting after {minutes} minutes: {why}."
    remedy = "Fix the cause, then start the stack operation again."


class Unexpected(FinalError):
    """A fault of this software, or an answer that nobody foresaw."""

    happened = "{resource_type} failed unexpectedly ({kind})."
    remedy = "Find the exception in the function's log, and report it as a bug."


# -- template content ----------------------------------------------------------------------------------------


class InvalidTemplate(FinalError):
    """The template content cannot be delivered as it is."""


class PathLeavesTemplate(InvalidTemplate):
    """A path is absolute, or leads out of the template."""

    happened = "The template path {path!r} leads out of the template."
    remedy = "Use a plain relative path, without `.` and `..`."


class PathUnprintable(InvalidTemplate):
    """A path has a character that some systems refuse."""

    happened = "The template path {path!r} contains a control character or a backslash."
    remedy = "Rename the file."


class PathNotUtf8(InvalidTemplate):
    """A path is not UTF-8 text."""

    happened = "The template path {path!r} is not UTF-8."
    remedy = "Rename the file."


class PathHoldsGit(InvalidTemplate):
    """A path leads into what Git takes for its own folder."""

    happened = "The template path {path!r} contains a Git directory."
    remedy = "Remove the directory."


class NameTooLong(InvalidTemplate):
    """A name is longer than file systems take."""

    happened = "The template path {path!r} has a name longer than 255 bytes."
    remedy = "Shorten the name."


class PathTooLong(InvalidTemplate):
    """A path is longer than Git and file systems take."""

    happened = "The template path {path!r} is longer than 4,000 bytes."
    remedy = "Shorten the path."


class PathTwice(InvalidTemplate):
    """A path occurs more than once."""

    happened = "The template contains {path!r} twice."
    remedy = "Keep one of the two entries."


class PathsDifferInCase(InvalidTemplate):
    """Two paths are one on Windows and macOS."""

    happened = "The template paths {path!r} and {other!r} differ only in case."
    remedy = "Rename one of them."


class FileAndFolder(InvalidTemplate):
    """A path is a file and a folder at once."""

    happened = "The template contains {path!r} both as a file and as a folder."
    remedy = "Rename one of them."


class FileTooLarge(InvalidTemplate):
    """A file is larger than GitHub takes."""

    happened = "The template file {path!r} has {size:,} bytes, and GitHub accepts at most 100 MB per file."
    remedy = "Remove the file, or download it at run time."


class TemplateTooLarge(InvalidTemplate):
    """All files together are more than a function can hold."""

    happened = "The template has {size:,} bytes, and the maximum is {limit:,}."
    remedy = "Remove large files from the template."


class TooManyFiles(InvalidTemplate):
    """There are more files than a function can deliver."""

    happened = "The template has {count:,} files, and the maximum is {limit:,}."
    remedy = "Remove files from the template."


class ArchiveAltered(InvalidTemplate):
    """An archive's content does not match its content address."""

    happened = "The content of the template archive {archive} does not match its name."
    remedy = "Publish the version again."


class ArchiveNotReadable(InvalidTemplate):
    """An archive is not a zip file."""

    happened = "The template archive is not a readable zip file."
    remedy = "Publish the version again."


class ArchiveDamaged(InvalidTemplate):
    """An archive's entry cannot be read."""

    happened = "The template archive is damaged."
    remedy = "Publish the version again."


class FolderMissing(InvalidTemplate):
    """The template has no files for a part of a project."""

    happened = "The template has no files in the folder {folder!r} (its profiles are: {profiles})."
    remedy = "Choose one of these profiles, or add the folder to the template."


class PartMissing(InvalidTemplate):
    """A profile's folder lacks a part."""

    happened = "The template does not have the folder {folder} (its profiles are: {profiles})."
    remedy = "Choose one of these profiles, or add the folder to the template."


class EntryNotPlain(InvalidTemplate):
    """An archive has a link, a device or an encrypted entry."""

    happened = "The template entry {path!r} is not a plain file."
    remedy = "Remove the link or device from the template."


class EntryCompressed(InvalidTemplate):
    """An archive was not written by `publish`."""

    happened = "The template entry {path!r} is compressed."
    remedy = "Publish the version again."


class SymbolicLink(InvalidTemplate):
    """A path is a symbolic link."""

    happened = "The template path {path!r} is a symbolic link."
    remedy = "Replace the link with a file."


class NotAPlainFile(InvalidTemplate):
    """A path is a device, a pipe or a socket."""

    happened = "The template path {path!r} is not a plain file."
    remedy = "Remove the entry."


class FolderEmpty(InvalidTemplate):
    """A template folder has nothing in it."""

    happened = "The template folder {folder!r} is empty."
    remedy = "Add files to the folder, or choose another folder."


# -- signals -------------------------------------------------------------------------------------------------


class Stale(Signal):
    """The stack has moved on: this request must not write any more (aws/aws-cdk issue 31541)."""


@dataclass(frozen=True)
class Described:
    """One line of the reference: a class that is raised, whether its request is tried again, and its two sentences."""

    name: str
    kind: Literal["retryable", "final"]
    happened: str
    remedy: str


def subclasses(root: type[Exception]) -> Iterator[type[Exception]]:
    """Yield the classes below `root`, each before its own subclasses, in the order in which they are defined."""
    for child in root.__subclasses__():
        yield child
        yield from subclasses(child)


def described(module: str = __name__) -> list[Described]:
    """Return the table of a module's errors, in the order of its tree. Pure."""
    return [
        Described(
            found.__name__,
            "retryable" if issubclass(found, RetryLater) else "final",
            found.happened.replace("{{", "{").replace("}}", "}"),
            found.remedy,
        )
        for found in subclasses(Problem)
        if issubclass(found, Problem) and found.__module__ == module and found.happened
    ]
