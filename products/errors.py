"""Every way in which a synthesis can stop (custom_resources/errors.py has the form).

    FinalError
      SettingsError
        SettingsMissing
        SettingsTooLong
        SettingsNotToml
        SettingsTooDeep
        SettingUnknown
        SettingWrong
        SettingsContradict
        SettingsMistakes
        TrustPolicyTooLong
        TooManyAccounts
        PlaceNotChosen
        PlaceUnknown
        SecretSetByProduct
        VersionError
          NothingPublished
          VersionMalformed
          VersionIncomplete
          RecordWrong
          VersionRenamed
          ArchiveChanged
          SnapshotMissing
          PrefixChanged
          BoundaryNotListed
            BoundaryDemanded
          TemplateChanged
        LayerBuildFailed

portfolio_app.py prints the message; tests/unit/test_errors.py looks at the tree.
"""

from __future__ import annotations

from custom_resources.errors import FinalError


class SettingsError(FinalError):
    """What an administrator decides, or has published, cannot be used as it is."""


# -- settings.toml -------------------------------------------------------------------------------------------


class SettingsMissing(SettingsError):
    """There is no settings file."""

    happened = "{path} does not exist."
    remedy = "Copy settings.toml there or set SETTINGS_FILE."


class SettingsTooLong(SettingsError):
    """The settings file is larger than settings are."""

    happened = "{file} has {size:,} bytes, and at most {limit:,} are read."
    remedy = "Name the right file."


class SettingsNotToml(SettingsError):
    """The settings file is not TOML."""

    happened = "{file} is not valid TOML ({message})."
    remedy = "Correct it there."


class SettingsTooDeep(SettingsError):
    """The settings file nests more deeply than Python reads."""

    happened = "{file} nests tables or arrays too deeply."
    remedy = "Correct it there."


class SettingUnknown(SettingsError):
    """A key is not a setting."""

    happened = "{place}: {key} is not a setting."
    remedy = "{advice}."


class SettingWrong(SettingsError):
    """A setting has a value of another form."""

    happened = "{place}: {key} cannot be {value}."
    remedy = "{advice}."


class SettingsContradict(SettingsError):
    """Settings break a rule of the model, which says what is wrong and what to do."""

    happened = "{place}: {problem}."
    remedy = "{advice}."


class SettingsMistakes(SettingsError):
    """Several settings are wrong, each in a line of its own."""

    happened = "{file} has {count} mistakes."
    remedy = "Correct each of them:\n{listed}."


class TrustPolicyTooLong(SettingsError):
    """The workflow role's trust policy would be longer than IAM takes."""

    happened = (
        "settings.toml: workflow_role.environments: {count} environments make a trust policy of about "
        "{length} characters, and IAM takes {limit}."
    )
    remedy = "Name fewer environments."


class TooManyAccounts(SettingsError):
    """The reader role's trust policy would be longer than IAM takes."""

    happened = (
        "settings.toml: accounts: {count} accounts make a trust policy of {length} characters for the reader role, and "
        "IAM takes {limit}."
    )
    remedy = "List fewer accounts, or install the product a second time with another prefix for the others."


class PlaceNotChosen(SettingsError):
    """Stacks of several accounts and regions cannot be deployed at once."""

    happened = "settings.toml lists several accounts, and no place was chosen."
    remedy = "Choose one with `-c studio-mlops:place=PLACE`: {places}."


class PlaceUnknown(SettingsError):
    """The place that was chosen is not in the settings."""

    happened = "settings.toml has no place {place}."
    remedy = "Choose one of {places}."


class SecretSetByProduct(SettingsError):
    """A secret reference has the name of a secret that the product sets."""

    happened = "settings.toml: secret_references.{name} is set by the product."
    remedy = "Choose another name."


# -- versions ------------------------------------------------------------------------------------------------


class VersionError(SettingsError):
    """The published versions are not as they were published."""


class NothingPublished(VersionError):
    """There is no version to offer."""

    happened = "No version is published yet in {directory}."
    remedy = "Run `python -m operations publish` first."


class VersionMalformed(VersionError):
    """A text is not a version."""

    happened = "{version!r} is not a version."
    remedy = "Write it as v1.2.3."


class VersionIncomplete(VersionError):
    """A version's folder lacks a file."""

    happened = "The version {version} has no {file}."
    remedy = "Publish it again or remove it."


class RecordWrong(VersionError):
    """A version's record cannot be read."""

    happened = "{record} is wrong at {where} ({problem})."
    remedy = "Restore it."


class VersionRenamed(VersionError):
    """A version's folder has another name than its record."""

    happened = "The folder {folder} records {version}, and a version is never renamed."
    remedy = "Restore it."


class ArchiveChanged(VersionError):
    """A version's archive is not the one that its record names."""

    happened = "The archive of {version} is not what its record says, and a version never changes."
    remedy = "Restore it."


class SnapshotMissing(VersionError):
    """A version's product template, as it was rendered, is gone."""

    happened = "The published version {version} has no product.template.json in {directory}."
    remedy = "Restore it from Git, or, if {version} was never deployed, remove {folder}."


class PrefixChanged(VersionError):
    """Versions call functions by names that begin with another prefix."""

    happened = (
        "settings.toml: prefix cannot change once versions are deployed, and {version} uses functions of "
        "another prefix than {prefix!r}."
    )
    remedy = "Set prefix back to what it was."


class BoundaryNotListed(VersionError):
    """The roles of a version have a boundary that launches may no longer give."""

    happened = "settings.toml: permissions_boundary does not list {boundary}, which the roles of {version} have."
    remedy = (
        "Add it to the end of the list. When no project runs {version} any more, set the version's guidance to "
        "INACTIVE, and remove it from the list."
    )


class BoundaryDemanded(BoundaryNotListed):
    """The roles of a version have no boundary, and the settings demand one."""

    happened = "Workflow roles need a permissions boundary, and the roles of {version} have none."
    remedy = (
        'Add "" to the end of permissions_boundary in settings.toml. When no project runs {version} any more, set the '
        "version's guidance to INACTIVE, and remove it from the list."
    )


class TemplateChanged(VersionError):
    """The product's template is not what it was when its version was published."""

    happened = "The product's template has changed since {version} was published (changed since then: {changed})."
    remedy = (
        "Run `python -m operations publish`, which makes a new version. If {version} was never deployed, you can "
        "remove {snapshot} before, and {version} is published again."
    )


# -- layers --------------------------------------------------------------------------------------------------


class LayerBuildFailed(SettingsError):
    """A layer's build script ended with an error."""

    happened = "{script} has failed (its messages are above)."
    remedy = (
        "Correct that and synthesize again, or set the context aws:cdk:bundling-stacks to [] for templates "
        "without layer content."
    )
