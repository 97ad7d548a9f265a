"""What a project takes along from a repository that stays its owners': our refs, and branches that nobody worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from custom_resources.clients.git import ROBOT, PushRejected, Refs, RepositoryArchived
from custom_resources.delivery.lineage import BRANCHES, MOST_PROPOSALS, STUDIO, delivery_in, proposals_in
from custom_resources.errors import RulesRefuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custom_resources.clients.git import BareRepository
    from custom_resources.clients.protocols import Git
    from custom_resources.delivery.lineage import Delivery

MAX_BRANCHES = 10  # whose tips are read, to see whether somebody has worked on them


def offered(git: BareRepository, refs: Refs, *others: str) -> list[Delivery]:
    """Return what the pull requests that wait, and other commits, would deliver. One request at most.

    Of too many pull requests, some are read.
    """
    offers = [*(proposal.commit for proposal in proposals_in(refs.targets)[:MOST_PROPOSALS]), *filter(None, others)]
    git.fetch(*offers)
    return [delivery for delivery in map(delivery_in, map(git.message, offers)) if delivery]


def refs_left(git: BareRepository, refs: Refs, there: Refs) -> dict[str, str]:
    """Return our refs, and the branches of our pull requests as far as the last commit there is ours. One request.

    `refs` are those that are proven, `there` all: everything below refs/studio is deleted, no matter who wrote it.
    """
    branches = {f"{BRANCHES}{each.branch.removeprefix('studio/')}": each.tip for each in proposals_in(refs.targets)}
    looked_at = {ref: tip for ref, tip in branches.items() if tip}
    looked_at = dict(sorted(looked_at.items())[-MAX_BRANCHES:])
    git.fetch(*looked_at.values())
    ours = {ref: tip for ref, tip in looked_at.items() if git.commit(tip).committer == ROBOT[1]}
    return {**there.below(STUDIO), **ours}


def remove_refs(seen: Mapping[str, str], full_name: str, git: Git) -> None:
    """Remove refs, all or none, where they still are as they were seen. Two requests. Raises RulesRefuse.

    GitHub closes the pull requests of a branch that goes. An archived repository keeps its refs.
    """
    with git.open(full_name) as repository:
        repository.start()
        try:
            repository.push(Refs(targets=seen), dict.fromkeys(seen, ""))
        except RepositoryArchived:
            return
        except PushRejected as rejected:
            raise RulesRefuse(repository=full_name, message=f"{STUDIO}: {rejected}") from None
