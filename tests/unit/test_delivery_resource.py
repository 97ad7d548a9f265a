"""What a dry run shows of a delivery, and how the reconciler gets along with a push that a rule refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from custom_resources.clients.git import BareRepository, Change, Merge, PushRejected, Refs, Stage
from custom_resources.clients.protocols import Clients
from custom_resources.delivery.lineage import TEMPLATE_REF, Delivery
from custom_resources.delivery.plans import Leave, Propose
from custom_resources.delivery.resource import RepositoryTemplate
from custom_resources.delivery.state import (
    Base,
    Empty,
    Merged,
    Offered,
    Place,
    RepositoryTemplateProperties,
    State,
    Waiting,
)
from custom_resources.progress import Progress
from custom_resources.rate_budget import Cost
from custom_resources.reconciler import Foreseen, Request, is_complete, resource_type
from tests.seals import SEAL

PROPERTIES = {
    "RepositoryId": "1",
    "Repository": "acme/build",
    "DomainId": "d1",
    "ProjectId": "p1",
    "Part": "model_build",
    "TemplateArchive": "b" * 64 + ".zip",
    "TemplateVersion": "v2",
    "TemplateFolder": "regression/model_build",
}
REQUEST = Request("Update", RepositoryTemplateProperties.model_validate(PROPERTIES), None, "", "", "")
V1 = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a" * 64 + ".zip")


class Repository:
    """Git and GitHub: differs in four files, and takes no push to the default branch."""

    def __init__(self) -> None:
        self.git = self.github = self
        self.observations = 0
        self.pushes: list[list[str]] = []

    def changes(self, old: str, new: str) -> list[Change]:
        assert (old, new) == ("treeU", "treeM")
        paths = {"new.py": "A", "old.py": "D", "train.py": "M", "kind": "T"}
        return [Change(status, path, "100644", "100644", "a", "b") for path, status in paths.items()]

    def patch(self, old: str, new: str) -> str:
        return f"diff {old} {new}"

    def commit_tree(self, *_: Any) -> str:
        return "merge"

    def push(self, seen: Refs, targets: Mapping[str, str]) -> None:
        self.pushes.append(sorted(ref for ref in targets if ref.startswith("refs/heads/")))
        if "refs/heads/main" in targets:
            raise PushRejected(stale=False, message="GH006: Protected branch")

    def repository_by_id(self, *_: Any) -> None:
        return None

    def create_pull_request(self, *_: Any) -> Any:
        return cast(Any, type("Pull", (), {"html_url": "https://github.com/acme/build/pull/1", "number": 1}))

    @property
    def place(self) -> Place:
        refs = Refs("main", {"refs/heads/main": "tip", TEMPLATE_REF: "base", V1.ref("base", SEAL): "base"})
        return Place(cast(BareRepository, self), "acme/build", "main", refs, SEAL, refs)

    @property
    def merged(self) -> Merged:
        base = Base("base", "tree1", V1, in_history=True)
        return Merged(self.place, "treeU", base, "new", "tree2", Merge("treeM"))


def foreseen(state: State | None) -> Foreseen:
    resource = RepositoryTemplate(cast(Clients, Repository()))
    return resource.foresee(REQUEST, state, resource.plan(REQUEST, state))


def test_it_is_named_for_the_repository() -> None:
    resource = RepositoryTemplate(cast(Clients, Repository()))
    assert resource_type(resource) == "Custom::RepositoryTemplate"
    assert resource.provisional_id(REQUEST.properties) == "repository-template-1"


def test_a_merge_shows_its_files_and_its_patch() -> None:
    seen = Repository().merged
    shown = foreseen(replace(seen, merge=replace(seen.merge, ignored=("config.yml",), absent=("README.md",))))
    assert shown.part == "build"
    assert shown.effects == {
        "action": "push",
        "status": "merged",
        "reason": "",
        "added": ["new.py"],
        "changed": ["train.py", "kind"],
        "deleted": ["old.py"],
        "conflicts": [],
        "ignored": ["config.yml"],
        "absent": ["README.md"],
    }
    assert shown.patch is not None
    assert shown.patch() == "diff treeU treeM"
    said = {"CommitSha": "tip", "TemplateVersion": "v2", "Status": "merged", "PullRequestUrl": ""}
    assert shown.attributes == said


def test_a_conflict_is_shown_as_one_and_not_as_a_change() -> None:
    merge = Merge("treeM", False, (Stage(2, "100644", "b", "train.py", "train.py"),), "CONFLICT")
    shown = foreseen(replace(Repository().merged, merge=merge))
    assert (shown.effects["action"], shown.effects["status"]) == ("propose", "pull-request")
    assert "changed the same places" in shown.effects["reason"]
    assert (shown.effects["changed"], shown.effects["conflicts"]) == (["kind"], ["train.py"])


@pytest.mark.parametrize(
    ("state", "action", "status"),
    [
        (Empty(Repository().place, "new"), "seed", "seeded"),
        (replace(Repository().merged, tree="tree1"), "record", "unchanged"),
        (Waiting(Repository().place, "v1", "https://github.com/acme/build/pull/7"), "nothing", "pull-request"),
        (None, "nothing", ""),
    ],
)
def test_what_changes_no_file_shows_none(state: State | None, action: str, status: str) -> None:
    shown = foreseen(state)
    assert shown.effects == {"action": action, "status": status, "reason": ""}
    assert shown.patch is None
    assert shown.attributes.get("Status", "") == status


class Refused(RepositoryTemplate):
    """A delivery whose repository has been observed."""

    def __init__(self, repository: Repository, offered: tuple[Offered, ...] = ()) -> None:
        super().__init__(cast(Clients, repository))
        self.repository, self.offered = repository, offered

    @contextmanager
    def observe(self, request: Request[RepositoryTemplateProperties]) -> Iterator[State | None]:
        self.repository.observations += 1
        yield replace(self.repository.merged, offered=self.offered)


class Budget:
    """A budget that notes what it is charged."""

    def __init__(self) -> None:
        self.charged: list[Cost] = []

    def require_room(self, request: str) -> Progress:
        return Progress()

    def reserve(self, cost: Cost, request: str, progress: Progress) -> None:
        self.charged.append(cost)

    def remember(self, request: str, wait: Any, progress: Progress) -> None: ...

    def pause(self, seconds: float, *, untold: bool = False, content: bool = False) -> None: ...


class Stacks:
    def operation(self, stack_id: str) -> str:
        return "now"

    def exists(self, stack_id: str) -> bool:
        return True

    def tags(self, stack_id: str) -> dict[str, str]:
        return {}


def test_a_refused_push_becomes_a_pull_request_that_is_charged() -> None:
    repository, budget = Repository(), Budget()
    event = {
        "RequestType": "Update",
        "StackId": "stack",
        "ResourceProperties": PROPERTIES,
        "Operation": {"Stack": "now", "Started": "9999999999"},
    }
    answer = is_complete(Refused(repository), event, Stacks(), 600, budget)
    assert answer["Data"]["Status"] == "pull-request"
    assert answer["Data"]["PullRequestUrl"].endswith("/pull/1")
    assert repository.pushes == [["refs/heads/main"], ["refs/heads/studio/template-v2"]]
    assert repository.observations == 1
    assert budget.charged == [Cost(), Cost(points=5, creations=1)]


# -- all that a dry run shows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "shown_part"), [("model_build", "build"), ("model_deploy", "deploy")])
def test_a_proposal_shows_what_it_reports_and_the_files_of_the_pull_request(part: str, shown_part: str) -> None:
    merge = Merge("treeM", False, (Stage(2, "100644", "b", "kind", "kind"),), "CONFLICT", lost=("train.py",))
    state = replace(Repository().merged, merge=replace(merge, ignored=("config.yml",), absent=("README.md",)))
    request = replace(REQUEST, properties=RepositoryTemplateProperties.model_validate({**PROPERTIES, "Part": part}))
    resource = RepositoryTemplate(cast(Clients, Repository()))
    plan = resource.plan(REQUEST, state)
    shown = resource.foresee(request, state, plan)
    assert isinstance(plan, Propose)
    assert plan.text.reason
    effects = {
        "action": "propose",
        "status": "pull-request",
        "reason": plan.text.reason,
        "added": ["new.py"],
        "changed": [],
        "deleted": ["old.py"],
        "conflicts": ["kind", "train.py"],
        "ignored": ["config.yml"],
        "absent": ["README.md"],
    }
    assert (shown.attributes, shown.effects, shown.part) == (plan.attributes, effects, shown_part)
    assert shown.patch is not None
    assert shown.patch() == "diff treeU treeM"


def test_what_shows_no_files_reports_its_attributes_and_its_part() -> None:
    seed = foreseen(Empty(Repository().place, "new"))
    said = {"CommitSha": "tip", "TemplateVersion": "v2", "Status": "seeded", "PullRequestUrl": ""}
    assert seed == Foreseen(said, {"action": "seed", "status": "seeded", "reason": ""}, part="build")
    waiting = Waiting(Repository().place, "v1", "https://github.com/acme/build/pull/7")
    left = foreseen(waiting)
    plan = RepositoryTemplate(cast(Clients, Repository())).plan(REQUEST, waiting)
    assert isinstance(plan, Leave)
    assert left == Foreseen(
        plan.attributes, {"action": "nothing", "status": "pull-request", "reason": ""}, part="build"
    )
