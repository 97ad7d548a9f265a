"""Project setup: a state machine that launches the product when a project was created, and terminates it after.

No function and no database: Step Functions calls DataZone and Service Catalog itself. An execution for CreateProject
waits; one for a finished environment only looks, which wakes the launch up at once; the launch's name and token make
all of them one (docs/decisions/0042).
"""

from products.project_setup.definition import (
    DEPLOYMENT_WAITS,
    LAUNCH_NAME_PREFIX,
    LAUNCHED_BY,
    Setup,
    definition,
)
from products.project_setup.elsewhere import STATUSES

__all__ = ["DEPLOYMENT_WAITS", "LAUNCHED_BY", "LAUNCH_NAME_PREFIX", "STATUSES", "Setup", "definition"]
