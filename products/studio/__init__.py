"""What puts the product in front of a data scientist.

The first door is a blueprint in the Studio domain, whose template holds nothing but the launch of the product, and the
project profiles that run it. The second is an event rule with a state machine. Beside them: an approved model package
starts the deploy workflow. Each is off unless settings.toml asks for it (docs/studio.md).
"""

from products.studio.account import STUDIO_ACCOUNT_STACK, StudioAccountStack
from products.studio.launching import OfferedProduct
from products.studio.stack import STUDIO_STACK, StudioStack

__all__ = ["STUDIO_ACCOUNT_STACK", "STUDIO_STACK", "OfferedProduct", "StudioAccountStack", "StudioStack"]
