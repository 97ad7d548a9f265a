"""Why a deployment stops."""

from __future__ import annotations


class DeploymentError(Exception):
    """The deployment cannot go on; the message says what to do."""
