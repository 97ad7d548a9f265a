"""Every way in which an administrator's command can stop, below what the functions have (custom_resources/errors.py).

    FinalError
      VersionTaken
        PublishedMeanwhile
        VersionTakenBySettings
      VersionTooOld
      TooManyVersions
      PublishTokenNotSet
      CheckoutUnusable
      NotRendered
      NotDeployed
        VersionInactive
      UnknownProject
      NamesAlike
      MachinesMissing
      NoRollout
      RolloutUnderWay
        RolloutRuns
      RolloutEnded
      RolloutChanged
      RolloutNotConfirmed
      WindowMalformed
      FoundationMissing
      NotForeseen
      NoAccounts
      AccountNotChosen
      AccountUnknown
      AdminRoleRefused
      WrongAccount
      TokenNotSet
      RepositoryNotOfALaunch
      ChartsNotInstalled
      FleetNotKept
      SourceUnreadable
        SourceUnknown
        SchemeUnknown
        UrlHoldsPassword
        SourceDenied
        SourceTokenIsApp
        SourceTimedOut
        SourceNotTrusted
        GitNotInstalled
        RefMalformed
        RefMissing
          CommitAbbreviated
        CommitMismatch
        SourceFolderMissing
          CommitFolderMissing
        SourceFolderOutside
        SourceFolderLinked
        SourceFolderIsFile
      ProofError
        LocalRunMissing
        NothingToProve
        ProfileNotOffered
        ProfileUnknownToDomain
        ProveDeploymentFailed
        ProveNothingToResume
        ProveProjectLeft
        ProveProjectStuck
        ProveStateUnreadable
        ProveUnfinished
    InvalidTemplate
      ProfileFolderMissing
      ProfilePartMissing
      NoProfile
      LfsPointer
      LfsFiltered
      SparseCheckout
      Submodule
      TooLargeAt
      CommitHoldsBadPath
      WorkflowInvalid
    RetryLater
      QueryTookTooLong

The form is the same: tests/unit/test_errors.py looks at both trees.
"""

from __future__ import annotations

from custom_resources.errors import FinalError, InvalidTemplate, RetryLater

# -- accounts ------------------------------------------------------------------------------------------------


class NoAccounts(FinalError):
    """An account was chosen in an installation of one."""

    happened = "--account needs a list of accounts, and settings.toml has none."
    remedy = "Remove --account, or list accounts in [accounts]."


class AccountNotChosen(FinalError):
    """An installation has several accounts."""

    happened = "settings.toml lists several accounts, and the command names none."
    remedy = "Add --account with one of {known}."


class AccountUnknown(FinalError):
    """No account has that name."""

    happened = "settings.toml does not list the account {account!r}."
    remedy = "Choose one of {known}, or NAME/REGION."


class AdminRoleRefused(FinalError):
    """The caller may not act in an account."""

    happened = "STS denied the caller access to the role {role}: {message}."
    remedy = (
        "Add the caller to the role's trust policy, and grant it sts:AssumeRole. Or set another admin_role in "
        "[accounts] of settings.toml."
    )


class WrongAccount(FinalError):
    """The credentials are of another account."""

    happened = "The credentials for {place} belong to the account {found}, not to {wanted}."
    remedy = "Set admin_role in [accounts] of settings.toml, or use credentials of that account."


class TokenNotSet(FinalError):
    """A token of the environment was to be checked."""

    happened = "GITHUB_TOKEN is not set."
    remedy = "Set the variable, or remove --token-from-environment."


# -- publish -------------------------------------------------------------------------------------------------


class VersionTaken(FinalError):
    """A version that was published with other content."""

    happened = "{version} is published with other content, and a version never changes."
    remedy = "Publish the new content as a new version (the latest is {latest})."


class PublishedMeanwhile(VersionTaken):
    """Somebody else published the same version a moment earlier."""

    happened = "Somebody else has just published {version}."
    remedy = "Run the command again."


class VersionTakenBySettings(VersionTaken):
    """A version that was published with other settings, or by another release of the product."""

    happened = "{version} is published with this content but differs in: {changed}. A version never changes."
    remedy = "Remove --version, or choose a higher version."


class NamesAlike(FinalError):
    """Two files of the template have names that macOS takes for one."""

    happened = "{path} and {other} differ only in case or Unicode form. macOS and Windows keep only one of them."
    remedy = "Rename one of them."


class VersionTooOld(FinalError):
    """A version below the latest would be taken for an older one, which has to have been rendered."""

    happened = "{version} is older than the latest version, {latest}."
    remedy = "Choose a higher version."


class TooManyVersions(FinalError):
    """Service Catalog takes 100 versions of a product, and the last one is kept free."""

    happened = "{count} versions are published. Service Catalog allows 100 per product, and the last one is kept free."
    remedy = (
        "{candidates} Remove the folders of versions that no project uses (`python -m operations status`) from "
        "products/versions, deploy PortfolioStack, then publish."
    )


class PublishTokenNotSet(FinalError):
    """A pull request was to be opened without a token."""

    happened = "PUBLISH_TOKEN is not set."
    remedy = "Set it to a token with write access to contents and pull requests of the installation's repository."


class CheckoutUnusable(FinalError):
    """The checkout cannot be published from by a pull request."""

    happened = "This checkout cannot be used for the pull request: {reason}."
    remedy = "Use a clone of the installation's repository, and a token with push access to it."


class NotRendered(FinalError):
    """A version's product template could not be rendered."""

    happened = "The product template of {version} could not be rendered: {reason}."
    remedy = "Fix the cause, then publish again."


# -- rollout -------------------------------------------------------------------------------------------------


class NotDeployed(FinalError):
    """The version is not in Service Catalog."""

    happened = "Service Catalog does not have the version {version} (it has: {known})."
    remedy = "Run `npx aws-cdk@2 deploy PortfolioStack`."


class VersionInactive(NotDeployed):
    """The version is in Service Catalog, but nothing may be updated to it."""

    happened = "The version {version} is inactive."
    remedy = "Set guidance to DEFAULT in its version.json, then run `npx aws-cdk@2 deploy PortfolioStack`."


class UnknownProject(FinalError):
    """No launch belongs to that project."""

    happened = "The project {project!r} does not have a provisioned product."
    remedy = "Run `python -m operations status` to list the launched projects."


class MachinesMissing(FinalError):
    """The foundation has no state machines for rollouts."""

    happened = "FoundationStack is not deployed here, or an older release without the state machines for rollouts is."
    remedy = "Run `npx aws-cdk@2 deploy FoundationStack PortfolioStack`."


class NoRollout(FinalError):
    """Nothing was ever rolled out here."""

    happened = "There is no rollout."
    remedy = "Start one with `python -m operations rollout start --version VERSION`."


class RolloutUnderWay(FinalError):
    """There is one rollout at a time."""

    happened = "The rollout {rollout} to {version} is in progress."
    remedy = "Wait until it ends (`python -m operations rollout status`), or end it with `rollout abort`."


class RolloutRuns(RolloutUnderWay):
    """A rollout that runs needs no second machine."""

    happened = "The rollout {rollout} is running."
    remedy = "Check it with `python -m operations rollout status`, or stop it with `rollout pause`."


class RolloutEnded(FinalError):
    """A rollout that is over cannot be paused, aborted or resumed."""

    happened = "The last rollout, {rollout}, is {phase}."
    remedy = "Retry the failed projects with `python -m operations rollout retry`, or start another rollout."


class RolloutChanged(FinalError):
    """Somebody else, or the machine, changed the rollout between the look and the change."""

    happened = "Another command or the state machine has just changed the rollout {rollout}."
    remedy = "Run the same command again."


class RolloutNotConfirmed(FinalError):
    """Nobody said yes."""

    happened = "The rollout was not started, because the plan was not confirmed."
    remedy = "Answer `y`, or add --yes in scripts."


class WindowMalformed(FinalError):
    """The times in which updates may start cannot be read."""

    happened = "{window!r} is not a valid time window."
    remedy = "Write days, hours and a time zone, such as `Mon-Fri 08-17 Europe/Berlin`; without a zone it is UTC."


class FoundationMissing(FinalError):
    """The function that is asked is not deployed here, or was destroyed."""

    happened = "The function {function} does not exist in this account and Region."
    remedy = (
        "Run `npx aws-cdk@2 deploy FoundationStack`. Without it projects cannot be launched, updated or deleted. "
        "Launched projects are kept."
    )


class NotForeseen(FinalError):
    """The function that tells what an update would do has failed."""

    happened = "The plan for the update of {launch} failed: {message}."
    remedy = "Deploy FoundationStack, so that the function has this release, then run the plan again."


# -- status ---------------------------------------------------------------------------------------------------


class QueryTookTooLong(RetryLater):
    """GitHub gave a GraphQL query up: half of it may be answered."""

    happened = "A GitHub query timed out ({activity})."
    remedy = "Check GitHub's status page."


class ChartsNotInstalled(FinalError):
    """The library that draws the charts of a page is missing."""

    happened = "The charts cannot be drawn: the Python package vl-convert-python is not installed."
    remedy = "Run `make install`, or remove --html."


class FleetNotKept(FinalError):
    """No status was kept in the file, or another program wrote it."""

    happened = "{file} does not contain a saved status."
    remedy = "Run `python -m operations status` without --cached."


# -- repair --------------------------------------------------------------------------------------------------


class RepositoryNotOfALaunch(FinalError):
    """An administrator confirms that a repository is gone which no failed resource is about."""

    happened = "No failed launch is about the repository {repository!r}."
    remedy = "Run `python -m operations repair` without --gone to list the repositories."


# -- the template source -------------------------------------------------------------------------------------


class SourceUnreadable(FinalError):
    """The template source, or the ref in it, cannot be read."""

    happened = "The template source {source} cannot be read ({reason})."
    remedy = "Check the URL of the template source and your access to it."


class SourceUnknown(SourceUnreadable):
    """The template source does not exist."""

    happened = "The template source {source!r} is neither a folder nor a Git URL."
    remedy = "Correct [template_source] repository in settings.toml, or --source."


class SchemeUnknown(SourceUnreadable):
    """The template source's URL has a scheme that is not read."""

    happened = "The URL of the template source has an unsupported scheme."
    remedy = "Use an https, ssh or file URL, or a path."


class UrlHoldsPassword(SourceUnreadable):
    """The template source's URL would show a token or a password in the records of versions."""

    happened = "The template source's URL contains a password or a token."
    remedy = (
        "Remove it from the URL. Put the token into the environment variable TEMPLATE_SOURCE_TOKEN, or into the "
        "secret [template_source] token_secret_name of settings.toml."
    )


class SourceDenied(SourceUnreadable):
    """The template source wants a token, or another one."""

    happened = "The template source {source} requires a token, or rejected the token."
    remedy = "Set TEMPLATE_SOURCE_TOKEN, or template_source.token_secret_name in settings.toml."


class SourceTokenIsApp(SourceUnreadable):
    """The secret for the template source has credentials of another kind."""

    happened = "The secret {secret} of the template source contains a GitHub App."
    remedy = "Put a token into the secret."


class SourceTimedOut(SourceUnreadable):
    """The template source did not answer."""

    happened = "The template source {source} did not respond within {seconds} seconds."
    remedy = "Retry, or use a local clone as the template source."


class SourceNotTrusted(SourceUnreadable):
    """Git refuses to read another user's repository."""

    happened = "Git does not trust the template folder {folder!r}, because it belongs to another user."
    remedy = "Run `git config --global --add safe.directory FOLDER`."


class GitNotInstalled(SourceUnreadable):
    """There is no git on this machine."""

    happened = "git is not installed."
    remedy = "Install git on this machine."


class RefMalformed(SourceUnreadable):
    """A ref that git would take for something else."""

    happened = "{ref!r} is not a branch, tag or commit."
    remedy = "Correct the ref."


class RefMissing(SourceUnreadable):
    """The template source has no such ref."""

    happened = "The template source {source} has no branch, tag or commit {ref!r}."
    remedy = "Correct the ref."


class CommitAbbreviated(RefMissing):
    """The ref looks like an abbreviated commit, which Git servers do not look up."""

    happened = "The template source {source} has no branch, tag or commit {ref!r}."
    remedy = "Correct the ref; a commit must be given with all its digits."


class CommitMismatch(SourceUnreadable):
    """A branch or tag is named like the commit that was asked for."""

    happened = "The template source returned another commit for {ref}."
    remedy = "Rename the branch or tag that has the name of this commit."


class SourceFolderMissing(SourceUnreadable):
    """The template source has no folder of that name."""

    happened = "The template source does not contain the folder {folder!r}."
    remedy = "Choose another --folder."


class CommitFolderMissing(SourceFolderMissing):
    """The commit has no folder of that name."""

    happened = "The commit {commit} of the template source does not contain the folder {folder!r}."
    remedy = "Choose another --folder or another commit."


class SourceFolderOutside(SourceUnreadable):
    """The folder's path leads out of the template source."""

    happened = "The template folder {folder!r} is outside the template source."
    remedy = "Choose a folder in the template source."


class SourceFolderLinked(SourceUnreadable):
    """The folder is a link that leads out of the template source."""

    happened = "The template folder {folder!r} is a link to a folder outside the template source."
    remedy = "Choose a folder in the template source."


class SourceFolderIsFile(SourceUnreadable):
    """The folder is a file."""

    happened = "{folder!r} in the template source is a file."
    remedy = "Choose a folder."


# -- prove ---------------------------------------------------------------------------------------------------


class ProofError(FinalError):
    """The assumptions cannot be looked at."""


class LocalRunMissing(ProofError):
    """Nothing runs on this machine that has a domain."""

    happened = "No local run with a Studio domain is running in {folder}."
    remedy = "Start one with `python -m local studio create-project NAME --profile PROFILE`."


class NothingToProve(ProofError):
    """Neither the command line nor the settings name the domain or the profile."""

    happened = "The {what} is missing in settings.toml and in the command."
    remedy = "Add the option --{what}."


class ProfileNotOffered(ProofError):
    """A profile through which nothing is launched."""

    happened = (
        "The project profile {profile!r} does not launch the product: it has no environment {environment!r}, and "
        "[studio.project_setup] does not list it."
    )
    remedy = "Add the profile to [studio] profiles in settings.toml and deploy StudioStack, or choose another profile."


class ProfileUnknownToDomain(ProofError):
    """The domain shows no such profile."""

    happened = "The project profile {profile!r} does not exist in the domain {domain}, or the caller cannot see it."
    remedy = "Correct the name, or grant the caller access to the profile."


class ProveDeploymentFailed(ProofError):
    """The project came to nothing, and no assumption explains why."""

    happened = "The project {project} was not deployed, and no assumption explains the failure: {reason}."
    remedy = "Fix the cause, then run prove again."


class ProveNothingToResume(ProofError):
    """No proof exists that could be resumed."""

    happened = "The folder {folder} does not contain a proof to resume."
    remedy = "Start a proof without --resume."


class ProveProjectLeft(ProofError):
    """The throwaway project could not be deleted."""

    happened = "The project {project} could not be deleted: {reason}."
    remedy = "Delete it in Studio, and terminate its launch in Service Catalog."


class ProveProjectStuck(ProofError):
    """The project did not become stable in hours."""

    happened = "The project {project} is still changing after hours ({status})."
    remedy = "Check the project in Studio, then run prove with --resume."


class ProveStateUnreadable(ProofError):
    """The file is not the state of a proof."""

    happened = "{file} is not the state of a proof."
    remedy = "Choose another folder with --output."


class ProveUnfinished(ProofError):
    """A proof was begun in the folder, and has not ended."""

    happened = "The folder {folder} contains an unfinished proof."
    remedy = "Resume it with --resume, or choose another folder with --output."


# -- template content ----------------------------------------------------------------------------------------


class ProfileFolderMissing(InvalidTemplate):
    """A profile that was asked for is not in the source."""

    happened = "{folder} does not contain the profile folder {profile!r} (it contains: {found})."
    remedy = (
        "Correct --profile or --folder, or [git_config] specific_folders or [template_source] folder in settings.toml."
    )


class ProfilePartMissing(InvalidTemplate):
    """A profile lacks a part."""

    happened = "The profile {profile!r} does not have a folder {part} with files."
    remedy = "Add the folder with its files."


class NoProfile(InvalidTemplate):
    """The source has no profile at all."""

    happened = "{folder} does not contain a profile."
    remedy = "Add <profile>/model_build and <profile>/model_deploy to the folder, or choose another folder."


class LfsPointer(InvalidTemplate):
    """A file's content is elsewhere, in Git LFS."""

    happened = "The template file {path!r} is a Git LFS pointer, not its content."
    remedy = "Commit the file itself."


class LfsFiltered(InvalidTemplate):
    """A file of the working tree goes through Git LFS."""

    happened = "The file {path} has filter=lfs in .gitattributes, and templates cannot contain Git LFS files."
    remedy = "Commit the file itself (`git lfs untrack`), or remove it from the template."


class SparseCheckout(InvalidTemplate):
    """A file of the template is not checked out."""

    happened = "The working tree is a sparse checkout without {path}."
    remedy = "Run `git sparse-checkout disable`, or publish a commit with --from-ref."


class Submodule(InvalidTemplate):
    """A path is another repository."""

    happened = "The template path {path!r} is a Git submodule."
    remedy = "Replace the submodule with its files."


class TooLargeAt(InvalidTemplate):
    """The files up to this one are more than a function can hold."""

    happened = "The template is too large at {path!r}: the maximum is 100 MB per file and {limit} MB in total."
    remedy = "Remove large files from the template."


class CommitHoldsBadPath(InvalidTemplate):
    """A commit has a path that Git itself refuses to check out."""

    happened = "The commit contains a path that leads out of the template, or a Git directory ({message})."
    remedy = "Remove the path from the template."


class WorkflowInvalid(InvalidTemplate):
    """GitHub could not read a workflow."""

    happened = "The workflow {path} is not valid ({problem})."
    remedy = "Correct the workflow."
