"""One project, one live stack: which stack holds a repository, and how it passes on (docs/decisions/0006).

The stack that delivered the template holds it, as the lineage says; `refs/studio/stack` says so of one that took an
archived repository over without delivering anything new. The refs that these functions get are those that are proven
(lineage.believed), so nobody passes a repository on by a push of his own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from custom_resources.clients.git import PushRejected, Refs, RepositoryArchived
from custom_resources.delivery.lineage import (
    STACK_REF,
    STACKS,
    TEMPLATE_REF,
    Delivery,
    delivery_in,
    message,
    proposals_in,
    stack_ref,
)
from custom_resources.errors import HeldByAnotherStack, RepositoryTooLarge, RulesRefuse
from custom_resources.reconciler import Replan

if TYPE_CHECKING:
    from custom_resources.clients.git import BareRepository
    from custom_resources.clients.protocols import Git, Stacks
    from custom_resources.seal import Seal


@dataclass(frozen=True)
class Claim:
    """A repository passes to the stack that `delivery` names. `seen` are the refs that say who held it before."""

    delivery: Delivery
    seen: Mapping[str, str] = field(default_factory=dict)


def claims(believed: Mapping[str, str], there: Refs) -> dict[str, str]:
    """Return what STACK_REF points to, no matter who wrote it, and the proofs of former claims."""
    proofs = {ref: commit for ref, commit in believed.items() if ref.startswith(STACKS)}
    return {**proofs, **({STACK_REF: there[STACK_REF]} if there[STACK_REF] else {})}


def held_delivery(git: BareRepository, refs: Refs, *, sealed: bool = True) -> Delivery | None:
    """Return the lineage's delivery with the stack that holds the repository now. Two requests at most.

    What is not proven (`sealed` is False), and too large to be read, is none: it stops no deletion.
    """
    there, claim = refs[TEMPLATE_REF], refs[STACK_REF]
    try:
        git.fetch(there, claim)
    except RepositoryTooLarge:
        if sealed:
            raise
        return None
    delivery = delivery_in(git.message(there)) if there else None
    claimed = delivery_in(git.message(claim)) if claim else None
    return replace(delivery, stack=claimed.stack) if delivery and claimed else delivery


def rival(delivery: Delivery | None, stack_id: str, stacks: Stacks) -> str:
    """Return the id of the other stack that holds the repository and still exists; "" if there is none."""
    holder = delivery.stack if delivery else ""
    return holder if holder not in ("", stack_id) and stacks.exists(holder) else ""


def refusal(full_name: str, holder: str) -> HeldByAnotherStack:
    """Return the error for a second stack."""
    name = holder.partition(":stack/")[2].partition("/")[0] or holder
    return HeldByAnotherStack(repository=full_name, stack=name)


def require_no_rival(git: BareRepository, refs: Refs, full_name: str, wanted: Delivery, stacks: Stacks) -> None:
    """Refuse to deliver for a second stack of the same project. Two requests at most. Raises HeldByAnotherStack.

    Before anything is delivered, a stack whose pull request waits in an adopted repository counts as its holder.
    """
    offers = [proposal.commit for proposal in proposals_in(refs.targets)]
    git.fetch(refs[TEMPLATE_REF], refs[STACK_REF], *offers)
    delivery = held_delivery(git, refs)
    for each in [delivery] if delivery else [delivery_in(git.message(offer)) for offer in offers]:
        if each and each.belongs_to(wanted.domain, wanted.project, wanted.part):
            other = rival(each, wanted.stack, stacks)
            if other:
                raise refusal(full_name, other)


def take(claim: Claim, full_name: str, git: Git, seal: Seal, when: float) -> Replan | None:
    """Write the claim; two requests. Return Replan where another stack was faster. Raises RulesRefuse."""
    with git.open(full_name, when) as repository:
        repository.start()
        text = message("The project's stack", claim.delivery, seal)
        commit = repository.commit_tree(repository.empty_tree(), (), text)
        former = dict.fromkeys(claim.seen, "")
        try:
            repository.push(Refs(targets=claim.seen), {**former, STACK_REF: commit, stack_ref(commit, seal): commit})
        except RepositoryArchived:
            return Replan(f"{full_name} was archived meanwhile")
        except PushRejected as rejected:
            if rejected.stale:
                return Replan(f"another stack took {full_name}")
            raise RulesRefuse(repository=full_name, message=f"{STACK_REF}: {rejected}") from None
    return None
