"""A rollout: two state machines that bring a version to the projects, and what they share with the command line.

`<prefix>-rollout` goes through waves, each a list of projects in S3; `<prefix>-update-project` updates one project
and writes what became of it to S3. One item of the budget table says which rollout there is, whether it is paused or
aborted, and at which pace it goes (docs/decisions/0108, 0109).
"""

from products.rollout.project import project_definition
from products.rollout.waves import waves_definition

__all__ = ["project_definition", "waves_definition"]
