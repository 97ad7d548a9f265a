"""Custom::RepositoryTemplate, as the reconciler sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from custom_resources.delivery import applying, observing, planning
from custom_resources.delivery.plans import Leave, Plan, Propose, attributes
from custom_resources.delivery.state import Merged, RepositoryTemplateProperties, State, physical_id
from custom_resources.reconciler import CustomResource, Effects, Foreseen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from custom_resources.clients.git import Change, Merge
    from custom_resources.clients.protocols import Clients
    from custom_resources.rate_budget import Cost
    from custom_resources.reconciler import Done, Replan, Request


class RepositoryTemplate(CustomResource[RepositoryTemplateProperties, State | None, Plan]):
    """Custom::RepositoryTemplate: the template's version is in the repository, beside the user's work."""

    properties = RepositoryTemplateProperties

    def __init__(self, clients: Clients) -> None:
        """`clients` reach GitHub, its Git service, the archives, and CloudFormation for the stack that holds it."""
        self._clients = clients

    def provisional_id(self, properties: RepositoryTemplateProperties) -> str:
        """Name it before it exists, and after."""
        return physical_id(properties)

    def observe(self, request: Request[RepositoryTemplateProperties]) -> AbstractContextManager[State | None]:
        """Read what the repository is; see observing."""
        return observing.observe(request, self._clients)

    def plan(self, request: Request[RepositoryTemplateProperties], observed: State | None) -> Plan:
        """Decide how the version gets there; see planning."""
        return planning.plan(request, observed)

    def cost(self, plan: Plan) -> Cost:
        """Return what GitHub counts of the plan."""
        return plan.cost

    def apply(
        self, plan: Plan, request: Request[RepositoryTemplateProperties], ensure_current: Callable[[], None]
    ) -> Done | Replan:
        """Do what the plan says; see applying."""
        return applying.apply(plan, request, self._clients, ensure_current)

    def foresee(self, request: Request[RepositoryTemplateProperties], observed: State | None, plan: Plan) -> Foreseen:
        """Tell how the version would get there, and which files of the default branch that changes."""
        reason = plan.text.reason if isinstance(plan, Propose) else plan.reason
        effects: Effects = {"action": plan.action, "status": plan.status, "reason": reason}
        part, version = request.properties.part.removeprefix("model_"), request.properties.template_version
        if isinstance(plan, Leave):
            return Foreseen(plan.attributes, effects, part=part)
        reported = (
            plan.attributes if isinstance(plan, Propose) else attributes(plan.place.refs.tip, version, plan.status)
        )
        if not isinstance(observed, Merged) or plan.action not in ("push", "propose"):
            return Foreseen(reported, effects, part=part)
        git, before, after = observed.place.git, observed.tip_tree, observed.merge.tree
        return Foreseen(
            reported,
            {**effects, **_files(git.changes(before, after), observed.merge)},
            part=part,
            patch=lambda: git.patch(before, after),
        )


def _files(changes: Sequence[Change], merge: Merge) -> Effects:
    """Sort what a merge changes, and what of the template it leaves out; a file that conflicts is none that changes."""
    conflicts = (*merge.conflicts, *merge.lost)
    return {
        "added": [change.path for change in changes if change.status == "A"],
        "changed": [
            change.path for change in changes if change.status not in ("A", "D") and change.path not in conflicts
        ],
        "deleted": [change.path for change in changes if change.status == "D"],
        "conflicts": list(conflicts),
        "ignored": list(merge.ignored),
        "absent": list(merge.absent),
    }
