"""settings.toml: load and validate what an administrator decides. Imports no aws_cdk: operations read it too."""

from products.settings.accounts import DOMAIN, Place, ProjectAccount
from products.settings.loading import PROJECT_ROOT, load_settings, settings_path
from products.settings.model import Settings
from products.settings.studio import OwnProfile
from products.settings.tables import GITHUB_ISSUER, PRODUCTION

__all__ = [
    "DOMAIN",
    "GITHUB_ISSUER",
    "PRODUCTION",
    "PROJECT_ROOT",
    "OwnProfile",
    "Place",
    "ProjectAccount",
    "Settings",
    "load_settings",
    "settings_path",
]
