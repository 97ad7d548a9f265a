"""What launches of the product run on, once per account and region.

For each custom resource one function behind the CDK's provider framework, with a role of its own; the secret of
the GitHub token; the bucket of the template archives; the layers; alarms, dashboard and dead letters.
"""

from products.foundation.roles import PORTFOLIO_STACK
from products.foundation.stack import FOUNDATION_STACK, FoundationStack

__all__ = ["FOUNDATION_STACK", "PORTFOLIO_STACK", "FoundationStack"]
