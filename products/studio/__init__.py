"""What puts the product in front of a data scientist.

The blueprint in the Studio domain has a template with nothing but the launch of the product, and project profiles that
run it. The project setup is an event rule with a state machine, which launches by Studio's events. Beside them: an
approved model package starts the deploy workflow. Each is off unless settings.toml asks for it (docs/studio.md).
"""

from products.studio.account import STUDIO_ACCOUNT_STACK, StudioAccountStack
from products.studio.launching import OfferedProduct
from products.studio.stack import STUDIO_STACK, StudioStack

__all__ = ["STUDIO_ACCOUNT_STACK", "STUDIO_STACK", "OfferedProduct", "StudioAccountStack", "StudioStack"]
