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

    happened = "settings.toml lists no accounts, so that --account has no meaning."
    remedy = "Leave it out, or list them in [accounts]."


class AccountNotChosen(FinalError):
    """An installation has several accounts."""

    happened = "settings.toml lists several accounts, and none was chosen."
    remedy = "Choose with --account: {known}."


class AccountUnknown(FinalError):
    """No account has that name."""

    happened = "settings.toml lists no account {account!r}."
    remedy = "Choose one of {known}, or NAME/REGION."


class AdminRoleRefused(FinalError):
    """The caller may not act in an account."""

    happened = "STS did not let the caller assume the role {role}: {message}."
    remedy = "Let the role trust you and yourself assume it, or name another admin_role in [accounts] of settings.toml."


class WrongAccount(FinalError):
    """The credentials are of another account."""

    happened = "The credentials for {place} are of the account {found}, not of {wanted}."
    remedy = "Set admin_role in [accounts] of settings.toml, or use credentials of that account."


class TokenNotSet(FinalError):
    """A token of the environment was to be checked."""

    happened = "GITHUB_TOKEN is not set."
    remedy = "Set it, or leave out --token-from-environment."


# -- publish -------------------------------------------------------------------------------------------------


class VersionTaken(FinalError):
    """A version that was published with other content."""

    happened = "{version} is published with other content, and a version never changes."
    remedy = "Publish the new content as a new version (the latest is {latest})."


class PublishedMeanwhile(VersionTaken):
    """Somebody else published the same version a moment earlier."""

    happened = "{version} has just been published by somebody else."
    remedy = "Publish again."


class VersionTakenBySettings(VersionTaken):
    """A version that was published with other settings, or by another release of the product."""

    happened = "{version} is published with this content but differs in: {changed}. A version never changes."
    remedy = "Leave out --version, or choose a higher one."


class NamesAlike(FinalError):
    """Two files of the template have names that macOS takes for one."""

    happened = "{path} and {other} differ only in case or Unicode form, and a clone on macOS or Windows has only one."
    remedy = "Rename one of them."


class VersionTooOld(FinalError):
    """A version below the latest would be taken for an older one, which has to have been rendered."""

    happened = "{version} is older than the latest version, {latest}."
    remedy = "Choose a higher one."


class TooManyVersions(FinalError):
    """Service Catalog takes 100 versions of a product, and the last one is kept free."""

    happened = "{count} versions are published, and Service Catalog takes 100 of a product: the last one is kept free."
    remedy = (
        "{candidates} Remove the folders of versions that no project runs (`python -m operations status`) from "
        "products/versions, deploy PortfolioStack, then publish."
    )


class PublishTokenNotSet(FinalError):
    """A pull request was to be opened without a token."""

    happened = "PUBLISH_TOKEN is not set."
    remedy = "Set it to a token that may write contents and pull requests of the installation's repository."


class CheckoutUnusable(FinalError):
    """The checkout cannot be published from by a pull request."""

    happened = "The pull request cannot be made from this checkout: {reason}."
    remedy = "Use a clone of the installation's repository, with a token that may push to it."


class NotRendered(FinalError):
    """A version's product template could not be rendered."""

    happened = "The product template of {version} could not be rendered: {reason}."
    remedy = "Correct what is named, then publish again."


# -- rollout -------------------------------------------------------------------------------------------------


class NotDeployed(FinalError):
    """The version is not in Service Catalog."""

    happened = "Service Catalog does not have the version {version} (it has: {known})."
    remedy = "Run cdk deploy first."


class VersionInactive(NotDeployed):
    """The version is in Service Catalog, but nothing may be updated to it."""

    happened = "The version {version} is inactive."
    remedy = "Set its guidance to DEFAULT and run cdk deploy."


class UnknownProject(FinalError):
    """No launch belongs to that project."""

    happened = "Nothing was launched for the project {project!r}."
    remedy = "Run `python -m operations status`, which lists what was launched."


class MachinesMissing(FinalError):
    """The foundation has no state machines for rollouts."""

    happened = "FoundationStack is not deployed here, or was before there were state machines for rollouts."
    remedy = "Run `npx aws-cdk@2 deploy FoundationStack PortfolioStack`."


class NoRollout(FinalError):
    """Nothing was ever rolled out here."""

    happened = "There is no rollout."
    remedy = "Begin one: `python -m operations rollout start --version VERSION`."


class RolloutUnderWay(FinalError):
    """There is one rollout at a time."""

    happened = "The rollout {rollout} to {version} is under way."
    remedy = "Wait for it (`python -m operations rollout status`), or end it with `rollout abort`."


class RolloutRuns(RolloutUnderWay):
    """A rollout that runs needs no second machine."""

    happened = "The rollout {rollout} runs."
    remedy = "Look at it with `python -m operations rollout status`, or stop it with `rollout pause`."


class RolloutEnded(FinalError):
    """A rollout that is over cannot be paused, aborted or resumed."""

    happened = "The last rollout, {rollout}, is {phase}."
    remedy = "Try what failed again with `python -m operations rollout retry`, or start another."


class RolloutChanged(FinalError):
    """Somebody else, or the machine, changed the rollout between the look and the change."""

    happened = "The rollout {rollout} has just been changed."
    remedy = "Run the same command again."


class RolloutNotConfirmed(FinalError):
    """Nobody said yes."""

    happened = "Nothing was started: the plan was not confirmed."
    remedy = "Answer `y`, or give --yes where nobody can answer."


class WindowMalformed(FinalError):
    """The times in which updates may start cannot be read."""

    happened = "{window!r} is no window of time."
    remedy = "Write days, hours and a time zone, such as `Mon-Fri 08-17 Europe/Berlin`; without a zone it is UTC."


class FoundationMissing(FinalError):
    """The function that is asked is not deployed here, or was destroyed."""

    happened = "There is no function {function} in this account and region."
    remedy = (
        "Run npx aws-cdk@2 deploy FoundationStack. Without it no launch, update or deletion of a project works; what "
        "is launched is kept."
    )


class NotForeseen(FinalError):
    """The function that tells what an update would do has failed."""

    happened = "What an update of {launch} would do is not known: {message}."
    remedy = "Deploy FoundationStack, so that the function is of this release, then plan again."


# -- status ---------------------------------------------------------------------------------------------------


class QueryTookTooLong(RetryLater):
    """GitHub gave a GraphQL query up: half of it may be answered."""

    happened = "GitHub took too long to answer a query ({activity})."
    remedy = "Check GitHub's status page."


class ChartsNotInstalled(FinalError):
    """The library that draws the charts of a page is missing."""

    happened = "The charts cannot be drawn: the Python package vl-convert-python is not installed."
    remedy = "Run `make install`, or leave out --html."


class FleetNotKept(FinalError):
    """No status was kept in the file, or another program wrote it."""

    happened = "{file} holds no status of the fleet."
    remedy = "Run `python -m operations status` without --cached."


# -- repair --------------------------------------------------------------------------------------------------


class RepositoryNotOfALaunch(FinalError):
    """An administrator confirms that a repository is gone which no failed resource is about."""

    happened = "No launch has stopped at the repository {repository!r}."
    remedy = "Run `python -m operations repair` without --gone, which names the repositories."


# -- the template source -------------------------------------------------------------------------------------


class SourceUnreadable(FinalError):
    """The template source, or the ref in it, cannot be read."""

    happened = "The template source {source} cannot be read ({reason})."
    remedy = "Correct its address, or the access to it."


class SourceUnknown(SourceUnreadable):
    """The template source is no place that exists."""

    happened = "The template source {source!r} is neither a folder nor a Git URL."
    remedy = "Correct it."


class SchemeUnknown(SourceUnreadable):
    """The template source's URL has a scheme that is not read."""

    happened = "The template source must be an https, ssh or file URL, or a path."
    remedy = "Correct it."


class UrlHoldsPassword(SourceUnreadable):
    """The template source's URL would show a token or a password in the records of versions."""

    happened = "The template source's URL holds a password or a token."
    remedy = (
        "Remove it there and put the token into the environment variable TEMPLATE_SOURCE_TOKEN or into the "
        "secret that settings.toml names."
    )


class SourceDenied(SourceUnreadable):
    """The template source wants a token, or another one."""

    happened = "The template source {source} asks for a token, or refuses the one it was given."
    remedy = "Set TEMPLATE_SOURCE_TOKEN, or template_source.token_secret_name in settings.toml."


class SourceTokenIsApp(SourceUnreadable):
    """The secret for the template source has credentials of another kind."""

    happened = "The secret {secret} holds a GitHub App."
    remedy = "For the template source put a token into it."


class SourceTimedOut(SourceUnreadable):
    """The template source did not answer."""

    happened = "The template source {source} gave no answer in {seconds} s."
    remedy = "Try again, or take a copy of it nearer to here."


class SourceNotTrusted(SourceUnreadable):
    """Git refuses to read another user's repository."""

    happened = "Git does not trust the template folder {folder!r}, since it belongs to another user."
    remedy = "Add it to git's safe.directory."


class GitNotInstalled(SourceUnreadable):
    """There is no git on this machine."""

    happened = "git was not found."
    remedy = "Install it."


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

    happened = "The template source answers the commit {ref} with another one."
    remedy = "Rename the branch or tag that has the name of a commit."


class SourceFolderMissing(SourceUnreadable):
    """The template source has no folder of that name."""

    happened = "The template source has no folder {folder!r}."
    remedy = "Name another one."


class CommitFolderMissing(SourceFolderMissing):
    """The commit has no folder of that name."""

    happened = "The commit {commit} of the template source has no folder {folder!r}."
    remedy = "Name another one."


class SourceFolderOutside(SourceUnreadable):
    """The folder's path leads out of the template source."""

    happened = "The template folder {folder!r} leaves the source."
    remedy = "Name a folder in it."


class SourceFolderLinked(SourceUnreadable):
    """The folder is a link that leads out of the template source."""

    happened = "The template folder {folder!r} is a link out of the source."
    remedy = "Name a folder in it."


class SourceFolderIsFile(SourceUnreadable):
    """The folder is a file."""

    happened = "{folder!r} in the template source is a file."
    remedy = "Name a folder."


# -- prove ---------------------------------------------------------------------------------------------------


class ProofError(FinalError):
    """The assumptions cannot be looked at."""


class LocalRunMissing(ProofError):
    """Nothing runs on this machine that has a domain."""

    happened = "No local run with a Studio domain is up in {folder}."
    remedy = "Make one with `python -m local studio create-project NAME --profile PROFILE`."


class NothingToProve(ProofError):
    """Neither the command line nor the settings name the domain or the profile."""

    happened = "The {what} is not known: settings.toml names none."
    remedy = "Name it with --{what}."


class ProfileNotOffered(ProofError):
    """A profile through which nothing is launched."""

    happened = "The project profile {profile!r} has no environment {environment!r}, and no second door."
    remedy = "Deploy StudioStack with the profile in [studio] profiles, or name another profile."


class ProfileUnknownToDomain(ProofError):
    """The domain shows no such profile."""

    happened = "The domain {domain} shows no project profile {profile!r}."
    remedy = "Correct the name, or let the caller see the profile."


class ProveDeploymentFailed(ProofError):
    """The project came to nothing, and no assumption explains why."""

    happened = "The project {project} was not deployed, and no assumption explains it: {reason}."
    remedy = "Correct the cause, then prove again."


class ProveNothingToResume(ProofError):
    """There is no proof to go on with."""

    happened = "The folder {folder} holds no proof that could go on."
    remedy = "Begin one without --resume."


class ProveProjectLeft(ProofError):
    """The throwaway project could not be deleted."""

    happened = "The project {project} could not be deleted: {reason}."
    remedy = "Delete it in Studio, and terminate its launch in Service Catalog."


class ProveProjectStuck(ProofError):
    """The project did not come to rest in hours."""

    happened = "The project {project} does not come to rest ({status})."
    remedy = "Look at it in Studio, then prove again with --resume."


class ProveStateUnreadable(ProofError):
    """The file is no proof's state."""

    happened = "{file} is not the state of a proof."
    remedy = "Name another folder with --output."


class ProveUnfinished(ProofError):
    """A proof was begun in the folder, and has not ended."""

    happened = "The folder {folder} holds a proof that has not ended."
    remedy = "Go on with --resume, or name another folder with --output."


# -- template content ----------------------------------------------------------------------------------------


class ProfileFolderMissing(InvalidTemplate):
    """A profile that was asked for is not in the source."""

    happened = "There is no profile folder {profile!r} in {folder} (there is: {found})."
    remedy = "Correct the profiles or the folder."


class ProfilePartMissing(InvalidTemplate):
    """A profile lacks a part."""

    happened = "The profile {profile!r} has no folder {part} with files."
    remedy = "Add it."


class NoProfile(InvalidTemplate):
    """The source has no profile at all."""

    happened = "There is no profile in {folder}."
    remedy = "Add <profile>/model_build and <profile>/model_deploy to it, or name another folder."


class LfsPointer(InvalidTemplate):
    """A file's content is elsewhere, in Git LFS."""

    happened = "The template file {path!r} is a Git LFS pointer, not its content."
    remedy = "Commit the file itself."


class LfsFiltered(InvalidTemplate):
    """A file of the working tree goes through Git LFS."""

    happened = "The file {path} is under filter=lfs in .gitattributes, and Git LFS content cannot be delivered."
    remedy = "Commit the file itself (`git lfs untrack`), or leave it out."


class SparseCheckout(InvalidTemplate):
    """A file of the template is not checked out."""

    happened = "The working tree is a sparse checkout that leaves out {path}."
    remedy = "Run `git sparse-checkout disable`, or name a commit with --from-ref."


class Submodule(InvalidTemplate):
    """A path is another repository."""

    happened = "The template path {path!r} is a Git submodule."
    remedy = "Put its files there instead."


class TooLargeAt(InvalidTemplate):
    """The files up to this one are more than a function can hold."""

    happened = "The template is too large at {path!r}: at most 100 MB a file and {limit} MB in all can be delivered."
    remedy = "Remove large files."


class CommitHoldsBadPath(InvalidTemplate):
    """A commit has a path that Git itself refuses to check out."""

    happened = "The commit holds a path that leaves the template or holds a Git directory ({message})."
    remedy = "Remove it."


class WorkflowInvalid(InvalidTemplate):
    """GitHub could not read a workflow."""

    happened = "The workflow {path} is not valid ({problem})."
    remedy = "Correct it."
