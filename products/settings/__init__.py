"""settings.toml: load and validate what an administrator decides. Imports no aws_cdk: operations read it too."""

from products.settings.loading import PROJECT_ROOT, load_settings, settings_path
from products.settings.model import GITHUB_ISSUER, PRODUCTION, OwnProfile, Settings

__all__ = [
    "GITHUB_ISSUER",
    "PRODUCTION",
    "PROJECT_ROOT",
    "OwnProfile",
    "Settings",
    "load_settings",
    "settings_path",
]
