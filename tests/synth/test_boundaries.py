"""A boundary that is set, changed or removed: launches, updates and rollbacks of each version stay allowed.

What CloudFormation's handler of AWS::IAM::Role calls is judged by the launch role's own policy. IAM's key
iam:PermissionsBoundary is the boundary that a request sets, else the one that the role has (IAM's user guide,
"Permissions boundaries for IAM entities"), and absent where there is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from products.settings import load_settings
from products.versions import TEMPLATE_FILE
from tests.synth.conftest import Assembly, of_type, publish, refusal, shared, synthesized, with_settings
from tests.synth.policies import ACCOUNT, Names, allows

pytestmark = [pytest.mark.long, pytest.mark.shares("stacks", seconds=60)]  # dozens of syntheses

ROLE = f"arn:aws:iam::{ACCOUNT}:role/studio-mlops-wf-p1"
OTHERS_ROLE = f"arn:aws:iam::{ACCOUNT}:role/Payroll"
OLD, NEW = (f"arn:aws:iam::{ACCOUNT}:policy/{name}" for name in ("Old", "New"))
SHIPPED = f"arn:aws:iam::{ACCOUNT}:policy/studio-mlops-workflow-boundary"
# name -> the settings at v1.0.0, and those at v1.1.0.
HISTORIES = {
    "none at all": ([], []),
    "set": ([], [NEW]),
    "changed": ([OLD], [NEW, OLD]),
    "removed": ([OLD], ["", OLD]),
    "unbounded before": (None, [""]),
}


@dataclass(frozen=True)
class History:
    """Two versions, published under different boundaries; the launch role is that of the newest deployment."""

    assembly: Assembly

    def boundary(self, version: str) -> str:
        """Return the boundary of a version's workflow role, as its template has it."""
        snapshot = self.assembly.store / version / TEMPLATE_FILE
        template = json.loads(snapshot.read_text(encoding="utf-8"))
        properties = template["Resources"]["WorkflowRole"]["Properties"]
        return str(Names().resolved(template, properties.get("PermissionsBoundary", "")))

    def may(self, action: str, boundary: str, role: str = ROLE) -> bool:
        """Tell whether the launch role allows an action of IAM on a role under a boundary ("" = none)."""
        template = self.assembly.portfolio
        (launch_role,) = (
            name
            for name, resource in of_type(template, "AWS::IAM::Role").items()
            if resource["Properties"].get("RoleName") == "studio-mlops-launch"
        )
        context = {"iam:permissionsboundary": boundary} if boundary else {}
        return allows(template, launch_role, f"iam:{action}", role, context=context)


def listed(boundaries: list[str]) -> str:
    return f"permissions_boundary = {boundaries}\n"


def unbound(store: Path) -> None:
    """Make the roles of the published version unbounded, as those of versions before the shipped boundary are."""
    (snapshot,) = store.glob(f"*/{TEMPLATE_FILE}")
    template = json.loads(snapshot.read_text(encoding="utf-8"))
    for role in of_type(template, "AWS::IAM::Role").values():
        del role["Properties"]["PermissionsBoundary"]
    snapshot.write_text(json.dumps(template), encoding="utf-8")


@pytest.fixture(scope="module", params=HISTORIES)
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> History:
    before, after = HISTORIES[request.param]

    def make(folder: Path) -> None:
        store = folder / "versions"
        publish(store, "v1.0.0")
        synthesized(store, folder / "first", with_settings(folder, listed(before or [])))
        if before is None:
            unbound(store)
        publish(store, "v1.1.0", "two")
        synthesized(store, folder / "cdk.out", with_settings(folder, listed(after)))

    return History(shared(tmp_path_factory, f"boundary {request.param}", make))


def launch(boundary: str) -> Iterator[tuple[str, str]]:
    """Yield what creating a role calls, each under its boundary."""
    yield from (("CreateRole", boundary), ("PutRolePolicy", boundary), ("GetRole", boundary))


def update(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Yield what an update calls. In which order the policy and the boundary are written is not documented: both."""
    yield from (("PutRolePolicy", before), ("PutRolePolicy", after), ("UpdateAssumeRolePolicy", before))
    if before != after:
        yield ("PutRolePermissionsBoundary", after) if after else ("DeleteRolePermissionsBoundary", before)


def refused(history: History, calls: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    return [call for call in calls if not history.may(*call)]


def test_every_version_can_be_launched(history: History) -> None:
    for version in ("v1.0.0", "v1.1.0"):
        assert refused(history, launch(history.boundary(version))) == []


def test_a_project_is_updated_and_the_update_rolled_back(history: History) -> None:
    before, after = history.boundary("v1.0.0"), history.boundary("v1.1.0")
    assert refused(history, update(before, after)) == []
    assert refused(history, update(after, before)) == []
    assert refused(history, update(before, before)) == []
    # A launch that fails, or a project that ends.
    for boundary in (before, after):
        assert refused(history, iter([("DeleteRolePolicy", boundary), ("DeleteRole", boundary)])) == []


def test_other_roles_keep_theirs(history: History) -> None:
    for action in ("CreateRole", "PutRolePolicy", "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary"):
        for boundary in ("", OLD, NEW):
            assert not history.may(action, boundary, OTHERS_ROLE)


@pytest.mark.parametrize("boundaries", [[], [NEW], [NEW, OLD]])
def test_no_role_goes_without_a_boundary(tmp_path: Path, boundaries: list[str]) -> None:
    publish(tmp_path / "versions", "v1.0.0")
    found = History(
        synthesized(tmp_path / "versions", tmp_path / "cdk.out", with_settings(tmp_path, listed(boundaries)))
    )
    foreign = f"arn:aws:iam::{ACCOUNT}:policy/Foreign"
    for boundary in ("", foreign, *({OLD, NEW} - {*boundaries})):
        for action in ("CreateRole", "PutRolePolicy", "PutRolePermissionsBoundary"):
            assert not found.may(action, boundary), (action, boundary)
    for boundary in (SHIPPED, *boundaries):
        assert found.may("CreateRole", boundary)
        assert not found.may("DeleteRolePermissionsBoundary", boundary)
    assert found.boundary("v1.0.0") == (boundaries or [SHIPPED])[0]
    roles = [*of_type(found.assembly.foundation, "AWS::IAM::Role").values()]
    assert {role["Properties"].get("PermissionsBoundary") for role in roles} == {boundaries[0] if boundaries else None}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (None, [NEW], 'the roles of v1.0.0 have none. Add "" to the end of permissions_boundary'),
        (None, [], 'the roles of v1.0.0 have none. Add "" to the end of permissions_boundary'),
        ([OLD], [], f"does not list {OLD}, which the roles of v1.0.0 have. Add the ARN to the end"),
        ([OLD], [NEW], f"does not list {OLD}, which the roles of v1.0.0 have. Add the ARN to the end"),
        ([OLD], ["", NEW], f"does not list {OLD}, which the roles of v1.0.0 have"),
    ],
)
def test_a_boundary_that_an_older_version_needs_is_asked_for(
    tmp_path: Path, before: list[str] | None, after: list[str], sentence: str
) -> None:
    store = tmp_path / "versions"
    publish(store, "v1.0.0")
    synthesized(store, tmp_path / "first", with_settings(tmp_path, listed(before or [])))
    if before is None:
        unbound(store)
    publish(store, "v1.1.0", "two")
    assert sentence in refusal(store, tmp_path / "cdk.out", with_settings(tmp_path, listed(after)))
    # A version that nothing is launched from or updated to any more asks for nothing.
    record = store / "v1.0.0" / "version.json"
    record.write_text(record.read_text(encoding="utf-8").replace('"DEFAULT"', '"INACTIVE"'), encoding="utf-8")
    assert synthesized(store, tmp_path / "inactive", with_settings(tmp_path, listed(after))).portfolio


def test_a_plain_arn_is_a_list_of_one(tmp_path: Path) -> None:
    plain = load_settings(with_settings(tmp_path, f'permissions_boundary = "{NEW}"'))
    assert (plain.permissions_boundary, plain.boundary) == ((NEW,), NEW)
    empty = load_settings(with_settings(tmp_path, 'permissions_boundary = ""'))
    assert (empty.permissions_boundary, empty.boundary) == ((), "")
    none_for_new = load_settings(with_settings(tmp_path, listed(["", OLD])))
    assert (none_for_new.permissions_boundary, none_for_new.boundary) == (("", OLD), "")
