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

portfolio_app.py prints the message; tests/unit/test_errors.py checks the tree.
"""

from __future__ import annotations

from custom_resources.errors import FinalError


class SettingsError(FinalError):
    """What an administrator decides, or has published, cannot be used as it is."""


# -- settings.toml -------------------------------------------------------------------------------------------


class SettingsMissing(SettingsError):
    """There is no settings file."""

    happened = "{path} does not exist."
    remedy = "Copy settings.toml to that path, or set SETTINGS_FILE to your file."


class SettingsTooLong(SettingsError):
    """The settings file is larger than settings are."""

    happened = "{file} has {size:,} bytes, and the maximum is {limit:,}."
    remedy = "Set SETTINGS_FILE to a settings file."


class SettingsNotToml(SettingsError):
    """The settings file is not TOML."""

    happened = "{file} is not valid TOML ({message})."
    remedy = "Correct the file at that place."


class SettingsTooDeep(SettingsError):
    """The settings file nests more deeply than Python reads."""

    happened = "{file} nests tables or arrays too deeply."
    remedy = "Remove nested tables or arrays."


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
        "settings.toml: workflow_role.environments: {count} environments need a trust policy of about "
        "{length} characters, and IAM allows {limit}."
    )
    remedy = "List fewer environments."


class TooManyAccounts(SettingsError):
    """The reader role's trust policy would be longer than IAM takes."""

    happened = (
        "settings.toml: accounts: {count} accounts need a trust policy of {length} characters for the reader role, and "
        "IAM allows {limit}."
    )
    remedy = "List fewer accounts, or deploy the product a second time, with another prefix, for the other accounts."


class PlaceNotChosen(SettingsError):
    """Stacks of several accounts and regions cannot be deployed at once."""

    happened = "settings.toml lists several accounts, and the command names none of their places."
    remedy = "Choose a place with `-c studio-mlops:place=PLACE`: {places}."


class PlaceUnknown(SettingsError):
    """The place that was chosen is not in the settings."""

    happened = "settings.toml does not list the place {place}."
    remedy = "Choose one of {places}."


class SecretSetByProduct(SettingsError):
    """A secret reference has the name of a secret that the product sets."""

    happened = "settings.toml: the product itself sets the secret {name} of secret_references."
    remedy = "Choose another name for the secret."


# -- versions ------------------------------------------------------------------------------------------------


class VersionError(SettingsError):
    """The published versions are not as they were published."""


class NothingPublished(VersionError):
    """There is no version to offer."""

    happened = "{directory} does not contain a published version."
    remedy = "Run `python -m operations publish`."


class VersionMalformed(VersionError):
    """A text is not a version."""

    happened = "{version!r} is not a version."
    remedy = "Write it as v1.2.3."


class VersionIncomplete(VersionError):
    """A version's folder lacks a file."""

    happened = "The folder of the version {version} does not contain {file}."
    remedy = "Publish the version again, or remove its folder."


class RecordWrong(VersionError):
    """A version's record cannot be read."""

    happened = "{record} is not valid at {where} ({problem})."
    remedy = "Restore the file from Git."


class VersionRenamed(VersionError):
    """A version's folder has another name than its record."""

    happened = "The folder {folder} contains the version {version}, and a version cannot be renamed."
    remedy = "Restore the folder's name."


class ArchiveChanged(VersionError):
    """A version's archive is not the one that its record names."""

    happened = "The archive of {version} does not match its record, and a version never changes."
    remedy = "Restore the archive from Git."


class SnapshotMissing(VersionError):
    """A version's product template, as it was rendered, is gone."""

    happened = "The published version {version} does not have a product.template.json in {directory}."
    remedy = "Restore the file from Git, or, if {version} was never deployed, remove {folder}."


class PrefixChanged(VersionError):
    """Versions call functions by names that begin with another prefix."""

    happened = (
        "settings.toml: prefix cannot change after versions are deployed, and {version} uses functions with "
        "another prefix than {prefix!r}."
    )
    remedy = "Restore the former prefix."


class BoundaryNotListed(VersionError):
    """The roles of a version have a boundary that launches may no longer give."""

    happened = "settings.toml: permissions_boundary does not list {boundary}, which the roles of {version} have."
    remedy = (
        "Add the ARN to the end of the list. When no project uses {version}, set the version's guidance to "
        "INACTIVE, and remove the ARN from the list."
    )


class BoundaryDemanded(BoundaryNotListed):
    """The roles of a version have no boundary, and the settings demand one."""

    happened = "The settings require a permissions boundary for workflow roles, and the roles of {version} have none."
    remedy = (
        'Add "" to the end of permissions_boundary in settings.toml. When no project uses {version}, set the '
        'version\'s guidance to INACTIVE, and remove "" from the list.'
    )


class TemplateChanged(VersionError):
    """The product's template is not what it was when its version was published."""

    happened = "The product's template differs from the published version {version} (differences: {changed})."
    remedy = (
        "Run `python -m operations publish` to create a new version. If {version} was never deployed, remove "
        "{snapshot} first to publish {version} again."
    )


# -- layers --------------------------------------------------------------------------------------------------


class LayerBuildFailed(SettingsError):
    """A layer's build script ended with an error."""

    happened = "{script} failed (see its output above)."
    remedy = (
        "Fix the cause and synthesize again, or set the context aws:cdk:bundling-stacks to [] for templates "
        "without layer content."
    )
