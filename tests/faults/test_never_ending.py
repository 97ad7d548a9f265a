"""An update that needs a pull request where there are none, and pushes whose answers never end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.matrix import ONE, ORGANIZATION, Laboratory, edited, impatient, operate

OFF = "Pull requests are turned off in acme/{}-deploy, and this version needs a pull request."


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with Laboratory.running() as running:
        yield running


@pytest.mark.parametrize("status", [403, 404, 410, 422])
def test_an_update_without_pull_requests_names_the_setting_and_leaves_nothing(
    laboratory: Laboratory, status: int
) -> None:
    project = laboratory.project()
    stack = edited(laboratory, project, 3, ONE)
    control = f"/repositories/{ORGANIZATION}/{project}-deploy/pull-requests"
    before = laboratory.state(project)
    laboratory.standin.control("PUT", control, {"enabled": False, "status": status})
    assert operate("conflict", stack, project) == "UPDATE_ROLLBACK_COMPLETE"
    assert OFF.format(project) in stack.reason
    assert "Settings, General, Features, Pull requests" in stack.reason
    assert laboratory.state(project) == before
    laboratory.standin.control("PUT", control, {"enabled": True})
    assert operate("conflict", stack, project) == "UPDATE_COMPLETE", stack.reason
    assert len(laboratory.state(project)["-deploy"]["pull requests"]) == 1


def test_an_update_that_needs_no_pull_request_does_without(laboratory: Laboratory) -> None:
    project = laboratory.project()
    stack = edited(laboratory, project, 15, ONE)
    control = f"/repositories/{ORGANIZATION}/{project}-deploy/pull-requests"
    laboratory.standin.control("PUT", control, {"enabled": False})
    assert operate("update", stack, project) == "UPDATE_COMPLETE", stack.reason


@pytest.mark.long  # it waits for real
def test_a_push_that_waits_for_ever_is_waited_for_and_then_given_up(laboratory: Laboratory) -> None:
    """Nothing is half-made: what the push did is taken back, or it was never done."""
    project = laboratory.project()
    stack = edited(laboratory, project, 15, ONE)
    before = laboratory.state(project)
    match = {"method": "POST", "path": f"{project}-deploy.git/git-receive-pack$"}
    fault = {"fault": "timeout", "seconds": 4, "match": match, "times": None}
    laboratory.standin.control("POST", "/faults", fault)
    stack.patience = 0
    with impatient():
        status = operate("update", stack, project)
    laboratory.standin.control("DELETE", "/faults")
    assert status.startswith("UPDATE_ROLLBACK")
    assert "stopped waiting after 0 minutes" in stack.reason
    assert laboratory.state(project) == before
