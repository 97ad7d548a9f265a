"""GitHub's Git service: bare repositories in /tmp, shallow and without contents (docs/decisions/0050).

repository      what the custom resources work with: Git opens a BareRepository
upload_pack     the service that is read from      | both over conversation (HTTP, the token)
receive_pack    the service that is pushed to      | and packets (the protocol's unit)
objects         reading objects through one process, writing commits without one
merging         git's own merge of three trees
ignoring        what users keep from the template
conflict_lines  where in a file a conflict is
consequences    what that does to users without asking
processes       running git through GitPython
failures        what went wrong, and what that means to the caller
model           plain values
"""

from custom_resources.clients.git.failures import PushRejected, RepositoryArchived
from custom_resources.clients.git.model import ROBOT, ZERO, Change, Commit, Lines, Merge, Refs, Stage
from custom_resources.clients.git.repository import BareRepository, Git

__all__ = [
    "ROBOT",
    "ZERO",
    "BareRepository",
    "Change",
    "Commit",
    "Git",
    "Lines",
    "Merge",
    "PushRejected",
    "Refs",
    "RepositoryArchived",
    "Stage",
]
